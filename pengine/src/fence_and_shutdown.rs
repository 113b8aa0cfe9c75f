//! Fencing and shutdown of nodes, and what they imply for the actions of resources.

use crate::action::{Key, Point, relation::*};
use crate::cluster::Requires;
use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::place::Placed;
use crate::plan::Level;
use crate::task;

/// Schedules fencing and shutdowns, the DC's last.
pub(crate) fn all(planned: &mut Planned) {
    let managed = planned.cluster().top.iter().any(|rsc| {
        planned.cluster().family(*rsc).iter().any(|part| planned.cluster()[*part].managed)
    });
    let mut dc_down: Option<ActionIx> = None;
    let mut fencings: Vec<ActionIx> = Vec::new();
    let mut shutdowns: Vec<ActionIx> = Vec::new();
    let mut doubtful = false;
    for node in planned.cluster().node_order.clone() {
        let cluster = planned.cluster();
        if cluster.is_guest(node) {
            if cluster[node].requires_reset && managed && cluster.can_fence(Some(node)) {
                crate::guest_fencing::fence(planned, node);
            }
            continue;
        }
        let mut fencing = None;
        let unclean = cluster[node].unclean;
        let leaves = cluster[node].online && cluster[node].shutdown && !cluster[node].remote;
        let is_dc = cluster[node].dc;
        if managed && unclean && cluster.can_fence(Some(node)) {
            let fence = schedule_fencing(planned, node);
            fencing = Some(fence);
            if is_dc {
                dc_down = Some(fence);
            } else {
                let concurrent = planned.cluster().properties.concurrent_fencing;
                if let (false, Some(last)) = (concurrent, fencings.first().copied()) {
                    planned.placed.book.order_actions(last, fence, ORDERED);
                }
                fencings.insert(0, fence);
            }
        } else if leaves {
            let down = shutdown(planned, node);
            if is_dc {
                dc_down = Some(down);
            } else {
                shutdowns.insert(0, down);
            }
        }
        if fencing.is_none() && unclean {
            doubtful = true;
        }
    }
    let Placed { cluster, book, .. } = &mut planned.placed;
    if doubtful {
        let text = if !cluster.properties.fencing {
            "YOUR RESOURCES ARE NOW LIKELY COMPROMISED (enable fencing to prevent this)"
        } else if !cluster.quorate {
            "Cannot fence unclean nodes until quorum is attained or no-quorum-policy is set to ignore"
        } else {
            "An unclean node can't be fenced: no fencing device is configured"
        };
        cluster.say(Level::Warning, text.to_owned());
    }
    let Some(dc_down) = dc_down else { return };
    if book[dc_down].task == task::SHUTDOWN {
        for other in shutdowns {
            book.order_actions(other, dc_down, ORDERED);
        }
    }
    if cluster.properties.concurrent_fencing {
        for other in fencings {
            book.order_actions(other, dc_down, ORDERED);
        }
    } else if let Some(last) = fencings.first() {
        book.order_actions(*last, dc_down, ORDERED);
    }
}

fn schedule_fencing(planned: &mut Planned, node: NodeIx) -> ActionIx {
    let Placed { cluster, book, .. } = &mut planned.placed;
    let name = cluster[node].name.clone();
    cluster.say(Level::Warning, format!("Scheduling node {name} for fencing"));
    let fence = book.fencing(cluster, node, None, false, Some("node is unclean"), false);
    order_resources(planned, fence);
    fence
}

fn shutdown(planned: &mut Planned, node: NodeIx) -> ActionIx {
    let Placed { cluster, book, .. } = &mut planned.placed;
    let name = format!("{}-{}", task::SHUTDOWN, cluster[node].name);
    let down = book.named(cluster, &name, task::SHUTDOWN, Some(node), false);
    for position in (0..book.actions.len()).rev() {
        let action = ActionIx::at(position);
        let known = &book[action];
        let Some(rsc) = known.resource else { continue };
        if known.node != Some(node) || known.task != task::STOP {
            continue;
        }
        let one = &cluster[rsc];
        // what is left alone does not hold up its node; what is blocked does
        let left_alone = !one.managed && !one.blocked;
        if one.maintenance || cluster[node].maintenance || left_alone {
            continue;
        }
        book[action].optional = false;
        book.order(Point::Action(action), Point::Action(down), ORDERED | UNRUNNABLE_FIRST_BLOCKS);
    }
    book[down].meta.insert("op_no_wait", "true");
    down
}

/// Orders every resource's actions relative to a fencing.
pub(crate) fn order_resources(planned: &mut Planned, fence: ActionIx) {
    for rsc in planned.cluster().top.clone() {
        for part in planned.cluster().family(rsc) {
            let one = &planned.cluster()[part];
            if one.children.is_empty() && one.managed {
                order_starts(planned, part, fence);
                order_stops(planned, part, fence);
            }
        }
    }
}

fn order_starts(planned: &mut Planned, rsc: ResourceIx, fence: ActionIx) {
    let Some(target) = planned.placed.book[fence].node else { return };
    let known = known_on(planned, rsc, target);
    let allowed = planned.placed.scores.allowed(rsc, target);
    let book = &mut planned.placed.book;
    for action in book.of_resource(rsc).iter().rev().copied().collect::<Vec<_>>() {
        match book[action].needs {
            Requires::Nothing => {}
            Requires::Fencing | Requires::Unfencing => {
                book.order_actions(fence, action, ORDERED);
            }
            Requires::Quorum => {
                if book[action].task == task::START && allowed && !known {
                    book.order_actions(fence, action, ORDERED | UNRUNNABLE_FIRST_BLOCKS);
                }
            }
        }
    }
}

/// Tells whether a resource's state is known on a node. Any instance of an anonymous clone will do;
/// not so for members of a cloned group, of which only some may be known there.
fn known_on(planned: &Planned, rsc: ResourceIx, node: NodeIx) -> bool {
    let cluster = planned.cluster();
    cluster[rsc].known_on.contains(&node)
        || cluster[rsc].parent.is_some_and(|parent| {
            cluster[parent].is_clone()
                && !cluster[parent].unique
                && cluster[parent].known_on.contains(&node)
        })
}

fn order_stops(planned: &mut Planned, rsc: ResourceIx, fence: ActionIx) {
    let Some(target) = planned.placed.book[fence].node else { return };
    let guest = planned.cluster().is_guest(target);
    let implied_after =
        guest || matches!(planned.cluster()[rsc].requires, Requires::Fencing | Requires::Unfencing);
    let top = planned.cluster().uppermost(rsc, false);
    let bundled = planned.cluster().bundle_of(rsc).is_some();
    for stop in planned.placed.book.matching(rsc, Key::once(task::STOP), Some(target)) {
        let Placed { cluster, book, .. } = &mut planned.placed;
        book[stop].pseudo = true;
        book[stop].runnable = true;
        if implied_after {
            let parent_stop = book.first_action(top, task::STOP, None);
            if !bundled {
                // inside a bundle this would be a loop; the stop of the whole does instead
                book.order_actions(fence, stop, GUEST_ALLOWED);
            }
            if let Some(parent_stop) = parent_stop {
                book.order_actions(fence, parent_stop, GUEST_ALLOWED);
            }
        }
        if cluster[rsc].notify {
            crate::notify::order_after_fencing(&mut planned.placed, stop, rsc, fence);
        }
    }
    let Placed { cluster, book, .. } = &mut planned.placed;
    for demote in book.matching(rsc, Key::once(task::DEMOTE), Some(target)) {
        let gone = book[demote].node.is_none_or(|n| !cluster[n].online || cluster[n].unclean);
        if !gone && !cluster[rsc].failed {
            continue;
        }
        book[demote].pseudo = true;
        book[demote].runnable = true;
        if !bundled && implied_after {
            book.order_actions(fence, demote, GUEST_ALLOWED | ORDERED);
        }
    }
}

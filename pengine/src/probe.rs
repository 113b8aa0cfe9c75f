//! Probes: whether a resource is active where nobody has looked yet.

use crate::action::{Point, relation::*};
use crate::cluster::Variant;
use crate::constraint::Discovery;
use crate::create::Planned;
use crate::index::{NodeIx, ResourceIx};
use crate::place::Placed;
use crate::role::Role;
use crate::task;
use crate::values;

/// Schedules all probes that are needed.
pub(crate) fn schedule(planned: &mut Planned) {
    for node in planned.cluster().node_order.clone() {
        let host = &planned.cluster()[node];
        if !host.online {
            if crate::remote_order::is_lost(planned, node) {
                let Placed { cluster, book, .. } = &mut planned.placed;
                book.fence_node(cluster, node, "the connection is unrecoverable", false);
            }
            continue;
        }
        if host.unclean || !host.discovery {
            continue;
        }
        if planned.cluster().attribute(node, "probe_complete").and_then(values::boolean)
            == Some(false)
        {
            let name = format!("probe_complete-{}", planned.cluster()[node].name);
            let Placed { cluster, book, .. } = &mut planned.placed;
            let action = book.named(cluster, &name, task::PROBE_COMPLETE, Some(node), false);
            book[action].meta.insert("op_no_wait", "true");
            continue;
        }
        for rsc in planned.cluster().top.clone() {
            probe(planned, rsc, node);
        }
    }
}

/// Probes a resource (or what is in it) on a node if needed; tells whether a primitive was.
pub(crate) fn probe(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) -> bool {
    match planned.cluster()[rsc].variant {
        Variant::Primitive => {
            let needed = needed(planned, rsc, node);
            if needed {
                create(planned, rsc, node);
            }
            return needed;
        }
        Variant::Group { .. } => {
            for member in planned.cluster()[rsc].children.clone() {
                probe(planned, member, node);
            }
        }
        Variant::Clone(_) => probe_clone(planned, rsc, node),
        Variant::Bundle(_) => crate::bundle_create::probe(planned, rsc, node),
    }
    false
}

fn probe_clone(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    if planned.cluster()[rsc].exclusive_discovery
        && (!planned.placed.scores.allowed(rsc, node)
            || planned.placed.rules.discovery(rsc, node) != Discovery::Exclusive)
    {
        // notifications name only nodes that instances could be on
        planned.placed.scores.set(rsc, node, crate::ledger::Cell::ABSENT);
        return;
    }
    let mut instances = planned.cluster()[rsc].children.clone();
    crate::instances::sort_by_number(planned.cluster(), &mut instances);
    if planned.cluster()[rsc].unique {
        for instance in instances {
            probe(planned, instance, node);
        }
        return;
    }
    // any instance stands for all: one that was seen there, or will be there, is best
    let cluster = planned.cluster();
    let known = |instance: &ResourceIx| {
        cluster.family(*instance).iter().any(|part| cluster[*part].known_on.contains(&node))
    };
    let chosen = instances
        .iter()
        .copied()
        .find(known)
        .or_else(|| instances.iter().copied().find(|i| planned.assigned_node(*i) == Some(node)))
        .or_else(|| instances.first().copied());
    if let Some(instance) = chosen {
        probe(planned, instance, node);
    }
}

fn needed(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) -> bool {
    let cluster = planned.cluster();
    let one = &cluster[rsc];
    if cluster[node].remote {
        let launches_guest = one.fillers.iter().any(|filler| cluster[*filler].is_remote);
        if one.fence_device || one.is_remote || (cluster.is_guest(node) && launches_guest) {
            return false;
        }
    }
    if one.container.is_some() && !one.is_remote {
        return false;
    }
    if one.removed || one.known_on.contains(&node) {
        return false;
    }
    let top = cluster.uppermost(rsc, false);
    let allowed = planned.placed.scores.allowed(rsc, node);
    let mode = planned.placed.rules.discovery(rsc, node);
    let exclusive = one.exclusive_discovery || cluster[top].exclusive_discovery;
    let wanted = match mode {
        Discovery::Never => false,
        Discovery::Always => !exclusive,
        Discovery::Exclusive => exclusive && allowed,
    };
    if !wanted {
        return false;
    }
    if let Some(guest) = cluster.guest_container(node) {
        if cluster[guest].role == Role::Stopped {
            start_after_probes_of(planned, guest, top);
            return false;
        }
        if will_stop(planned, guest, node) {
            // it may come up again right away, and nothing is active in it then
            let book = &mut planned.placed.book;
            book.order_tasks((guest, task::STOP), (top, task::START), ORDERED);
            return false;
        }
    }
    true
}

/// What starts in a guest waits until it is known whether that runs already.
fn start_after_probes_of(planned: &mut Planned, guest: ResourceIx, top: ResourceIx) {
    let unknown =
        planned.home(guest).is_some_and(|h| !planned.cluster()[guest].known_on.contains(&h));
    if unknown {
        let book = &mut planned.placed.book;
        book.order_tasks((guest, task::MONITOR), (top, task::START), ORDERED);
    }
}

/// Tells whether a guest goes down, be it to come up again.
fn will_stop(planned: &Planned, guest: ResourceIx, node: NodeIx) -> bool {
    let (cluster, home) = (planned.cluster(), planned.home(guest));
    cluster[node].requires_reset
        || cluster[node].unclean
        || cluster[guest].failed
        || cluster[guest].next_role == Role::Stopped
        || home.is_some_and(|home| !cluster[guest].running_on.contains(&home))
}

fn create(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    let Placed { cluster, book, .. } = &mut planned.placed;
    let probe = book.simple(cluster, rsc, task::MONITOR, Some(node), false);
    book[probe].optional = false;
    crate::unfencing::order_after(cluster, book, rsc, Some(node), probe, ORDERED);
    if !cluster[rsc].running_on.contains(&node) {
        book[probe].meta.insert("op_target_rc", "7");
    } else if cluster[rsc].role == Role::Promoted {
        book[probe].meta.insert("op_target_rc", "8");
    }
    let top = cluster.uppermost(rsc, false);
    let top = if cluster[top].is_clone() { top } else { rsc };
    let here = Point::Action(probe);
    // what is active already need not stop because nobody can look elsewhere
    let blocks = !book[probe].runnable && cluster[top].running_on.is_empty();
    let flags = if blocks { ORDERED | UNRUNNABLE_FIRST_BLOCKS } else { ORDERED };
    book.order(here, Point::of(top, task::START), flags);
    book.order(here, Point::of(rsc, task::RELOAD), ORDERED);
}

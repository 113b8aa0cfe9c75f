//! Recurring monitors: which ones go on, begin, or are cancelled.

use cib::Element;

use crate::action::{Book, Key, Point, relation::*};
use crate::cluster::Cluster;
use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::operation;
use crate::place::Placed;
use crate::role::Role;
use crate::task::{self, Task};

/// A configured recurring operation.
struct Recurring {
    key: Key,
    role: Option<Role>,
}

/// Creates a resource's recurring operations.
pub(crate) fn create(planned: &mut Planned, rsc: ResourceIx) {
    let one = &planned.cluster()[rsc];
    if one.blocked || one.maintenance {
        return;
    }
    let home = planned.home(rsc);
    let active = match home {
        None => false,
        // a node in maintenance is left alone; others still look whether it runs there, too
        Some(node) if planned.cluster()[node].maintenance => false,
        Some(_) => one.next_role != Role::Stopped || !one.managed,
    };
    let Placed { cluster, book, .. } = &mut planned.placed;
    let start = active.then(|| book.simple(cluster, rsc, task::START, home, true));
    let operations = operation::entries(cluster, rsc).into_iter();
    let operations: Vec<_> = operations.filter_map(|op| Some((read(&op)?, op))).collect();
    for (recurring, op) in &operations {
        // results name no more than the key: of two that share it, neither could be told from the
        // other, so neither runs
        let ambiguous =
            operations.iter().filter(|(other, _)| other.key == recurring.key).count() > 1;
        if ambiguous || operation::disabled(op) {
            continue;
        }
        if let Some(start) = start {
            for_active(cluster, book, rsc, start, home, recurring);
        }
        for_inactive(cluster, book, rsc, home, recurring);
    }
}

fn read(op: &Element) -> Option<Recurring> {
    let interval_ms = operation::interval_of(op);
    if interval_ms == 0 {
        return None;
    }
    let task = task::parse(op.get("name")?)?;
    if matches!(
        task,
        task::START
            | task::STOP
            | task::PROMOTE
            | task::DEMOTE
            | task::RELOAD
            | task::MIGRATE_TO
            | task::MIGRATE_FROM
            | task::NOTIFY
    ) {
        return None;
    }
    let role = op.get("role").and_then(Role::parse).filter(|role| *role != Role::Unknown);
    Some(Recurring { key: Key { task, interval_ms }, role })
}

/// Creates the cancellation of a recurring operation.
pub(crate) fn cancel(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    key: Key,
    node: Option<NodeIx>,
) -> ActionIx {
    let cancel = book.action(cluster, rsc, key, task::CANCEL, node, false);
    let action = &mut book[cancel];
    action.task = task::CANCEL;
    action.meta.insert("interval", key.interval_ms.to_string());
    action.meta.insert("operation", key.task.name());
    action.optional = false;
    cancel
}

fn goes_on(book: &Book, rsc: ResourceIx, node: Option<NodeIx>, key: Key, start: ActionIx) -> bool {
    let Some(node) = node else { return false };
    if !book[start].optional {
        return false;
    }
    let found: Vec<ActionIx> = book
        .of_resource(rsc)
        .iter()
        .copied()
        .filter(|a| book[*a].key == key && book[*a].node == Some(node))
        .collect();
    !found.is_empty() && !found.iter().any(|a| book[*a].reschedule)
}

fn for_active(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    start: ActionIx,
    node: Option<NodeIx>,
    op: &Recurring,
) {
    if op.role == Some(Role::Stopped) {
        return;
    }
    let going_on = goes_on(book, rsc, node, op.key, start);
    let next = cluster[rsc].next_role;
    let unfit = match op.role {
        Some(role) => role != next,
        None => next == Role::Promoted,
    };
    if unfit {
        if going_on {
            let after: Option<Task> = match cluster[rsc].role {
                Role::Unpromoted | Role::Started => match next {
                    Role::Promoted => Some(task::PROMOTE),
                    Role::Stopped => Some(task::STOP),
                    Role::Unknown | Role::Started | Role::Unpromoted => None,
                },
                Role::Promoted => Some(task::DEMOTE),
                Role::Unknown | Role::Stopped => None,
            };
            let cancel = cancel(cluster, book, rsc, op.key, node);
            if let Some(after) = after {
                book.order(Point::Action(cancel), Point::of(rsc, after), UNRUNNABLE_FIRST_BLOCKS);
            }
        }
        return;
    }
    let monitor = book.action(cluster, rsc, op.key, op.key.task, node, going_on);
    let unusable = node.is_none_or(|n| !cluster[n].online || cluster[n].unclean);
    if !book[start].runnable || unusable {
        book[monitor].runnable = false;
    }
    if next == Role::Promoted {
        book[monitor].meta.insert("op_target_rc", "8");
    }
    if node.is_none() || cluster[rsc].managed {
        let here = Point::Action(monitor);
        let flags = FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS;
        book.order(Point::of(rsc, task::START), here, flags);
        book.order(Point::of(rsc, task::RELOAD), here, flags);
        if next == Role::Promoted {
            book.order(Point::of(rsc, task::PROMOTE), here, ORDERED | UNRUNNABLE_FIRST_BLOCKS);
        } else if cluster[rsc].role == Role::Promoted {
            book.order(Point::of(rsc, task::DEMOTE), here, ORDERED | UNRUNNABLE_FIRST_BLOCKS);
        }
    }
}

/// Monitors with `role=Stopped` run on every node where the resource shall not.
fn for_inactive(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    home: Option<NodeIx>,
    op: &Recurring,
) {
    if op.role != Some(Role::Stopped) || op.key.task != task::MONITOR || !cluster[rsc].unique {
        return;
    }
    for node in cluster.node_order.clone() {
        let known = book.matching_exactly(rsc, op.key, node);
        if home == Some(node) {
            if known.is_some() {
                let cancel = cancel(cluster, book, rsc, op.key, Some(node));
                if matches!(cluster[rsc].next_role, Role::Started | Role::Unpromoted) {
                    book.order(
                        Point::Action(cancel),
                        Point::of(rsc, task::START),
                        UNRUNNABLE_FIRST_BLOCKS,
                    );
                }
            }
            continue;
        }
        let monitor = book.action(cluster, rsc, op.key, task::MONITOR, Some(node), known.is_some());
        book[monitor].meta.insert("op_target_rc", "7");
        if cluster[rsc].managed {
            after_probes(book, rsc, node, monitor);
        }
        after_stops(cluster, book, rsc, node, monitor);
        if !cluster[node].online || cluster[node].unclean {
            book[monitor].runnable = false;
        }
    }
}

fn after_probes(book: &mut Book, rsc: ResourceIx, node: NodeIx, monitor: ActionIx) {
    for probe in book.matching(rsc, Key::once(task::MONITOR), Some(node)) {
        book.order(Point::Action(probe), Point::Action(monitor), UNRUNNABLE_FIRST_BLOCKS);
    }
}

fn after_stops(
    cluster: &Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    monitor: ActionIx,
) {
    for stop in book.matching(rsc, Key::once(task::STOP), Some(node)) {
        if book[monitor].optional && !book[stop].optional {
            book[monitor].optional = false;
        }
        if !book[stop].runnable {
            book[monitor].runnable = false;
        }
        if cluster[rsc].managed {
            book.order(
                Point::Action(stop),
                Point::Action(monitor),
                FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS,
            );
        }
    }
}

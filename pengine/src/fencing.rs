//! Who is fenced, in which order, and what that means for everything else.

use crate::action::{Book, Point, relation};
use crate::cluster::Cluster;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::role::Role;

/// Adds a resource's priority to that of the node it runs on.
pub(crate) fn note_priority(cluster: &mut Cluster, rsc: ResourceIx, node: NodeIx, failed: bool) {
    let priority = cluster[rsc].priority;
    if priority == 0 || cluster.properties.priority_fencing_delay_ms == 0 || failed {
        return;
    }
    // a promoted instance counts a little more than one that is not
    let top = cluster.uppermost(rsc, false);
    let promoted = cluster[rsc].role == Role::Promoted && cluster[top].promotable();
    let amount = priority + i64::from(promoted);
    let mut host = node;
    loop {
        cluster[host].priority += amount;
        let above = cluster
            .guest_container(host)
            .and_then(|container| cluster[container].running_on.first().copied());
        match above {
            Some(above) if above != host => host = above,
            _ => break,
        }
    }
}

/// The delay before a node is fenced, in seconds: none for nodes of less priority than others.
///
/// A node that is in this partition, or is no member, needs none.
pub(crate) fn priority_delay(cluster: &Cluster, node: NodeIx) -> String {
    if cluster[node].remote || cluster[node].online {
        return "0".to_owned();
    }
    let members = cluster.node_order.iter().filter(|n| !cluster[**n].remote && !cluster[**n].ping);
    let (mut top, mut lowest, mut online, mut all) = (0, i64::MAX, 0, 0);
    for member in members {
        all += 1;
        online += usize::from(cluster[*member].online);
        top = top.max(cluster[*member].priority);
        lowest = lowest.min(cluster[*member].priority);
    }
    let delay = cluster.properties.priority_fencing_delay_ms / 1000;
    // a majority need not give anybody a head start
    if online > all / 2 || lowest == top || cluster[node].priority < top {
        return "0".to_owned();
    }
    delay.to_string()
}

/// Orders an action after the fencing of the remote node that a connection is for.
pub(crate) fn order_after_remote_fencing(
    cluster: &mut Cluster,
    book: &mut Book,
    action: ActionIx,
    rsc: ResourceIx,
) {
    let id = cluster[rsc].id.clone();
    if let Some(node) = cluster.find_node(Some(&id), Some(&id)) {
        let fence = book.fencing(cluster, node, None, true, None, false);
        book.order(Point::Action(fence), Point::Action(action), relation::FIRST_IMPLIES_THEN);
    }
}

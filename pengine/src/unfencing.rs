//! Unfencing: nodes must be switched on by a device before resources that need it may start.

use crate::action::{Book, Point, relation::*};
use crate::cluster::{Cluster, Requires};
use crate::constraint::Constrained;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::task;

/// Puts the unfencing of a node between a resource's stop and its start there: a node that has to
/// be unfenced anew restarts what needs that.
pub(crate) fn order(all: &mut Constrained, rsc: ResourceIx, node: NodeIx) {
    let unfence = all.book.fencing(&mut all.cluster, node, Some("on"), true, None, false);
    let here = Point::Action(unfence);
    all.book.order(Point::of(rsc, task::STOP), here, ORDERED | IF_ON_SAME_NODE);
    all.book.order(
        here,
        Point::of(rsc, task::START),
        FIRST_IMPLIES_SAME_NODE_THEN | IF_ON_SAME_NODE,
    );
}

/// Orders an action after the unfencing of its node, where the resource needs that.
///
/// Devices count, too: many of those that unfence can't even be probed before. The unfencing
/// itself is optional, or each new resource would have the node unfenced and all others restarted;
/// it is required only where it has never been done.
pub(crate) fn order_after(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: Option<NodeIx>,
    action: ActionIx,
    flags: u32,
) {
    let Some(node) = node else { return };
    let needs = cluster[rsc].requires == Requires::Unfencing;
    let device = cluster[rsc].fence_device && cluster.has_unfencing;
    if !needs && !device {
        return;
    }
    let unfence = book.fencing(cluster, node, Some("on"), true, None, false);
    book.order_actions(unfence, action, flags);
    if !node_unfenced(cluster, node) {
        let reason = format!("required by {} {}", cluster[rsc].id, book[action].task);
        require(cluster, book, node, &reason);
    }
}

/// Requires the unfencing of a node, or of all nodes a device serves, because the device has
/// changed.
pub(crate) fn device_changed(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    reason: &str,
) {
    if cluster[rsc].fence_device {
        require(cluster, book, node, reason);
    }
}

fn require(cluster: &mut Cluster, book: &mut Book, node: NodeIx, reason: &str) {
    let host = &cluster[node];
    if cluster.has_unfencing && host.online && !host.unclean && !host.shutdown {
        book.fencing(cluster, node, Some("on"), false, Some(reason), false);
    }
}

/// Tells whether a node was unfenced since it came up.
fn node_unfenced(cluster: &Cluster, node: NodeIx) -> bool {
    cluster.attribute(node, "#node-unfenced").is_some_and(|text| !text.is_empty() && text != "0")
}

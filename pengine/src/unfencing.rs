//! Unfencing: nodes must be switched on by a device before resources that need it may start.

use crate::action::{Point, relation::*};
use crate::constraint::Constrained;
use crate::index::{NodeIx, ResourceIx};
use crate::task;

/// Orders a resource's probes, starts and stops with the unfencing of a node.
pub(crate) fn order(all: &mut Constrained, rsc: ResourceIx, node: NodeIx) {
    let unfence = all.book.fencing(&mut all.cluster, node, Some("on"), true, None, false);
    let here = Point { action: Some(unfence), ..Point::default() };
    // what stops does so before the node is unfenced anew; what starts does so after
    all.book.order(Point::of(rsc, task::STOP), here, ORDERED | IF_ON_SAME_NODE);
    all.book.order(
        here,
        Point::of(rsc, task::START),
        FIRST_IMPLIES_SAME_NODE_THEN | IF_ON_SAME_NODE,
    );
}

/// Orders an action after the unfencing of its node, where the resource needs that.
pub(crate) fn order_after(
    cluster: &mut crate::cluster::Cluster,
    book: &mut crate::action::Book,
    rsc: ResourceIx,
    node: Option<NodeIx>,
    action: crate::index::ActionIx,
    flags: u32,
) {
    let Some(node) = node else { return };
    let needs = cluster[rsc].requires == crate::cluster::Requires::Unfencing;
    if needs || (cluster[rsc].fence_device && cluster.has_unfencing) {
        let unfence = book.fencing(cluster, node, Some("on"), true, None, false);
        book.order(book.point(unfence), book.point(action), flags);
        if !node_unfenced(cluster, node) {
            let reason = format!("required by {}", cluster[rsc].id);
            book.require(unfence, Some(&reason));
        }
    }
}

/// Tells whether a node was unfenced since it came up.
fn node_unfenced(cluster: &crate::cluster::Cluster, node: NodeIx) -> bool {
    cluster.attribute(node, "#node-unfenced").is_some_and(|text| !text.is_empty() && text != "0")
}

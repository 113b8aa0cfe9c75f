//! Tells remote nodes whether they are in maintenance.

use crate::graph::Graph;
use crate::index::NodeIx;
use crate::markup::Markup;
use crate::place::Placed;
use crate::task;

/// Adds the pseudo-action that lists remote nodes whose maintenance state has changed.
pub(crate) fn add(graph: &mut Graph, out: &mut dyn Markup) {
    let cluster = &graph.placed().cluster;
    let changed = |node: &NodeIx| {
        let host = &cluster[*node];
        host.remote && host.maintenance != host.remote_maintenance
    };
    let nodes: Vec<NodeIx> = cluster.node_order.iter().copied().filter(changed).collect();
    if nodes.is_empty() {
        return;
    }
    let Placed { cluster, book, .. } = graph.placed_mut();
    let update = book.named(cluster, &task::MAINTENANCE, task::MAINTENANCE, None, false);
    book[update].pseudo = true;
    book[update].in_graph = true;
    graph.begin_synapse(0, out);
    graph.begin_action(update, out);
    graph.fill_action(update, out);
    out.open("maintenance");
    for node in nodes {
        let host = &graph.placed().cluster[node];
        out.open("node");
        out.attribute("id", &host.id);
        out.attribute("node_in_maintenance", if host.maintenance { "1" } else { "0" });
        out.close();
    }
    for _ in ["maintenance", "its action", "action_set"] {
        out.close();
    }
    out.open("inputs");
    out.close();
    out.close();
}

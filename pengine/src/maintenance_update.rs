//! Tells remote nodes whether they are in maintenance.

use cib::Element;

use crate::graph::Graph;
use crate::place::Placed;
use crate::task;

/// Adds the pseudo-action that lists remote nodes whose maintenance state has changed.
pub(crate) fn add(graph: &mut Graph, synapses: &mut Vec<Element>) {
    let cluster = &graph.placed().cluster;
    let mut list = Element::new("maintenance");
    for &node in &cluster.node_order {
        let host = &cluster[node];
        if host.remote && host.maintenance != host.remote_maintenance {
            list.push(
                Element::new("node")
                    .with("id", host.id.as_str())
                    .with("node_in_maintenance", if host.maintenance { "1" } else { "0" }),
            );
        }
    }
    if list.children().next().is_none() {
        return;
    }
    let Placed { cluster, book, .. } = graph.placed_mut();
    let update = book.named(cluster, task::MAINTENANCE, task::MAINTENANCE, None, false);
    book[update].pseudo = true;
    book[update].in_graph = true;
    let event = graph.action_element(update, false).with_child(list);
    synapses.push(
        Element::new("synapse")
            .with_child(Element::new("action_set").with_child(event))
            .with_child(Element::new("inputs")),
    );
}

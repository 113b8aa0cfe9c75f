//! Tells remote nodes whether they are in maintenance.

use cib::Element;

use crate::graph::Graph;

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
                    .with("maintenance", if host.maintenance { "1" } else { "0" }),
            );
        }
    }
    if list.children().next().is_none() {
        return;
    }
    let number = graph.placed().book.actions.len() + 1;
    let event = Element::new("pseudo_event")
        .with("id", number.to_string())
        .with("operation", crate::task::MAINTENANCE)
        .with("operation_key", crate::task::MAINTENANCE)
        .with_child(Element::new("attributes"))
        .with_child(list);
    synapses.push(
        Element::new("synapse")
            .with_child(Element::new("action_set").with_child(event))
            .with_child(Element::new("inputs")),
    );
}

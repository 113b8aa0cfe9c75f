//! The graph for graphviz, with the actions that are blocked.

use std::fmt::Write as _;

use crate::action::{key_text, relation::IF_ON_SAME_NODE_OR_TARGET};
use crate::graph::Graph;
use crate::index::{ActionIx, NodeIx};
use crate::task;

/// Writes the graph; `all`: with optional actions, too.
pub(crate) fn write(graph: &Graph, all: bool) -> String {
    let book = &graph.placed().book;
    let cluster = &graph.placed().cluster;
    let mut out = String::from(" digraph \"g\" {\n");
    let mut shown = vec![false; book.actions.len()];
    for index in crate::order::newest_first(book) {
        let action = &book[index];
        let font = if action.pseudo { "orange" } else { "black" };
        let (style, colour, font) = if action.in_graph {
            ("bold", "green", font)
        } else if action.resource.is_some_and(|rsc| !cluster[rsc].managed) {
            if !all {
                continue;
            }
            ("dashed", "red", "purple")
        } else if action.optional {
            if !all {
                continue;
            }
            ("dashed", "blue", font)
        } else {
            ("dashed", "red", font)
        };
        shown[index.position()] = true;
        let name = name(graph, index);
        let _infallible =
            writeln!(out, "\"{name}\" [ style={style} color=\"{colour}\" fontcolor=\"{font}\"]");
    }
    for index in crate::order::newest_first(book) {
        for (at, edge) in book[index].before.iter().enumerate() {
            let (style, optional) = if graph.in_graph(index, at) {
                ("bold", false)
            } else if edge.flags == 0 {
                continue;
            } else {
                let both = shown[edge.other.position()] && shown[index.position()];
                ("dashed", !(both && edge.flags != IF_ON_SAME_NODE_OR_TARGET))
            };
            if all || !optional {
                let (from, to) = (name(graph, edge.other), name(graph, index));
                let _infallible = writeln!(out, "\"{from}\" -> \"{to}\" [ style = {style}]");
            }
        }
    }
    out.push_str("}\n");
    out
}

/// An action's name, with its node.
fn name(graph: &Graph, index: ActionIx) -> String {
    let book = &graph.placed().book;
    let cluster = &graph.placed().cluster;
    let action = &book[index];
    let host = match action.node.or_else(|| assumed_node(graph, index)) {
        Some(node) => Some(cluster[node].name.as_str()),
        None if !action.pseudo => Some("<none>"),
        None => None,
    };
    let prefix = if action.task == task::CANCEL { "Cancel " } else { "" };
    if let Some(rsc) = action.resource {
        let key = match &cluster[rsc].history_name {
            Some(history) if action.task == task::NOTIFY => {
                let (when, about) = ("notify_key_type", "notify_key_operation");
                crate::graph::notification_key(history, action, when, about)
            }
            Some(history) => key_text(history, action.key),
            None => book.key_text(cluster, index),
        };
        return match host {
            Some(host) => format!("{prefix}{key} {host}"),
            None => format!("{prefix}{key}"),
        };
    }
    if action.task == task::STONITH {
        let how = action.meta.get("stonith_action").unwrap_or_default();
        return format!("stonith '{how}' {}", host.unwrap_or_default());
    }
    match (host, action.task) {
        (Some(host), task::SHUTDOWN) => format!("{} {host}", task::SHUTDOWN),
        (Some(host), _) => format!("{} {host}", book.key_text(cluster, index)),
        (None, _) => book.key_text(cluster, index),
    }
}

/// Where an action that was given no node would happen: it is told of as one of its resource's steps
/// from where that is to where it shall be.
fn assumed_node(graph: &Graph, index: ActionIx) -> Option<NodeIx> {
    let placed = graph.placed();
    let (cluster, action) = (&placed.cluster, &placed.book[index]);
    let rsc = action.resource.filter(|rsc| cluster[*rsc].is_primitive() && !action.pseudo)?;
    let home = placed.homes.get(rsc.position())?.node;
    let current = cluster.current_node(rsc);
    if !cluster[rsc].managed || (cluster[rsc].removed && current.is_none()) {
        return None;
    }
    match action.task {
        task::START | task::PROMOTE | task::DEMOTE => home,
        _ => None,
    }
}

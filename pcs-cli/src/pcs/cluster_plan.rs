//! What the cluster would make of nodes that leave or come, and of failures that are forgotten.

use std::collections::BTreeSet;

use cib::Element;

use super::context::{Cli, Context, Failure, fail};
use crate::clock;

/// Plans what nodes lead to that leave: those named, all with `--all`, else this one.
pub(crate) fn stop(context: &mut Context, words: &[String]) -> Cli {
    let nodes = nodes(context, words)?;
    let (now, _) = clock::engine();
    context.plan_event(|cib| {
        for state in states(cib).filter(|state| is_one_of(state, &nodes)) {
            let attributes = state.child_or_insert("transient_attributes");
            let set = attributes.child_or_insert("instance_attributes");
            set.retain_children(|pair| pair.get("name") != Some("shutdown"));
            set.push(
                Element::new("nvpair")
                    .with("id", "pcs-plan-shutdown")
                    .with("name", "shutdown")
                    .with("value", now.secs().to_string()),
            );
        }
    })
}

/// Plans what nodes lead to that come.
pub(crate) fn start(context: &mut Context, words: &[String]) -> Cli {
    let nodes = nodes(context, words)?;
    context.plan_event(|cib| {
        for (name, id) in configured(cib) {
            if !nodes.contains(&name) {
                continue;
            }
            let known = states(cib).any(|state| state.get("uname") == Some(&name));
            if !known {
                let state = Element::new("node_state").with("id", id).with("uname", name.as_str());
                cib.child_or_insert("status").push(state);
            }
        }
        for state in states(cib).filter(|state| is_one_of(state, &nodes)) {
            let joined = state.get("join") == Some("member");
            for (name, value) in
                [("in_ccm", "true"), ("crmd", "online"), ("join", "member"), ("expected", "member")]
            {
                state.set(name, value);
            }
            if !joined {
                // a new life: nothing runs there, and nothing is known
                state.retain_children(|_| false);
            }
        }
    })
}

/// Plans what the fencing of a node leads to.
pub(crate) fn fence(context: &mut Context, words: &[String]) -> Cli {
    let [_] = words else {
        return Err(Failure::Usage { area: "stonith", command: "fence" });
    };
    let nodes = nodes(context, words)?;
    context.plan_event(|cib| {
        for state in states(cib).filter(|state| is_one_of(state, &nodes)) {
            for (name, value) in
                [("in_ccm", "false"), ("crmd", "offline"), ("join", "down"), ("expected", "member")]
            {
                state.set(name, value);
            }
        }
    })
}

/// Plans what comes of failures, or all of the history, being forgotten.
pub(crate) fn forget(
    context: &mut Context,
    resource: Option<&str>,
    node: Option<&str>,
    refresh: bool,
) -> Cli {
    context.plan_event(|cib| pcs::history::forget(cib, resource, node, !refresh))
}

fn nodes(context: &mut Context, words: &[String]) -> Cli<BTreeSet<String>> {
    let known: BTreeSet<String> = configured(&context.cib()?).map(|(name, _)| name).collect();
    if context.has("--all") {
        return Ok(known);
    }
    if words.is_empty() {
        return Ok(BTreeSet::from([context.local_node()?]));
    }
    match words.iter().find(|word| !known.contains(*word)) {
        Some(word) => fail(format!("Node '{word}' does not appear to exist in configuration")),
        None => Ok(words.iter().cloned().collect()),
    }
}

fn configured(cib: &Element) -> impl Iterator<Item = (String, String)> + use<> {
    let nodes = cib.at(&["configuration", "nodes"]).into_iter().flat_map(Element::children);
    let found: Vec<(String, String)> = nodes
        .filter_map(|node| Some((node.get("uname")?.to_owned(), node.id()?.to_owned())))
        .collect();
    found.into_iter()
}

fn states(cib: &mut Element) -> impl Iterator<Item = &mut Element> {
    cib.child_or_insert("status").children_mut().filter(|state| state.name() == "node_state")
}

fn is_one_of(state: &Element, nodes: &BTreeSet<String>) -> bool {
    state.get("uname").is_some_and(|name| nodes.contains(name))
}

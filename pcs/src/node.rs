//! Nodes: attributes, utilization, standby, maintenance.

use cib::Element;
use serde::Serialize;

use crate::agent::AgentName;
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs, SetView};
use crate::report::{Failed, Outcome};
use crate::resource;

/// A node as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub uname: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Its score.
    pub score: Option<String>,
    /// `member`, `remote` …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its attributes.
    pub instance_attributes: Vec<SetView>,
    /// What it offers.
    pub utilization: Vec<SetView>,
}

/// Returns the configured nodes.
pub fn nodes(cib: &Element) -> Vec<NodeView> {
    let owned = |e: &Element, key: &str| e.get(key).map(str::to_owned);
    cib.at(&["configuration", "nodes"])
        .into_iter()
        .flat_map(|nodes| nodes.children_named("node"))
        .map(|node| NodeView {
            id: owned(node, "id").unwrap_or_default(),
            uname: owned(node, "uname").unwrap_or_default(),
            description: owned(node, "description"),
            score: owned(node, "score"),
            kind: owned(node, "type"),
            instance_attributes: SetView::all(node, "instance_attributes"),
            utilization: SetView::all(node, "utilization"),
        })
        .collect()
}

/// Returns the names of guest nodes with the ids of the resources they are.
pub fn guests(cib: &Element) -> Vec<(String, String)> {
    resource::primitives(cib)
        .filter_map(|p| {
            let name = nvset::value(p, "meta_attributes", "remote-node")?;
            Some((name.to_owned(), p.id()?.to_owned()))
        })
        .collect()
}

/// Returns the names of remote nodes.
pub fn remotes(cib: &Element) -> Vec<String> {
    resource::primitives(cib)
        .filter(|p| AgentName::of(p).is_remote())
        .filter_map(|p| p.id().map(str::to_owned))
        .collect()
}

/// Returns the names of the nodes that bundles make.
fn bundle_nodes(cib: &Element) -> Vec<String> {
    let bundles = cib
        .at(&["configuration", "resources"])
        .into_iter()
        .flat_map(|resources| resources.children_named("bundle"));
    bundles
        .filter(|bundle| resource::members(bundle).next().is_some())
        .flat_map(|bundle| {
            let view = resource::config::BundleView::of(bundle);
            let container = view.container_options.as_ref();
            let replicas = container
                .and_then(|c| c.replicas.or(c.promoted_max))
                .unwrap_or(1)
                .min(REPLICAS_MAX);
            (0..replicas).map(move |n| format!("{}-{n}", view.id))
        })
        .collect()
}

/// More replicas of a bundle than this are a mistake somebody typed.
const REPLICAS_MAX: u64 = 1_000;

/// Returns the names of all nodes, those that are resources included.
pub fn all_names(cib: &Element) -> Vec<String> {
    let mut names: Vec<String> = nodes(cib).into_iter().map(|node| node.uname).collect();
    let others = remotes(cib)
        .into_iter()
        .chain(guests(cib).into_iter().map(|(name, _)| name))
        .chain(bundle_nodes(cib));
    for name in others {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Finds a node's element; one of a remote node is made when it is missing.
fn ensure_node(env: &mut Environment<'_>, name: &str) -> Option<String> {
    let found = nodes(&env.cib).into_iter().find(|node| node.uname == name);
    if let Some(node) = found {
        return Some(node.id);
    }
    if !all_names(&env.cib).iter().any(|known| known == name) {
        return None;
    }
    let id = ids::free(&env.cib, name);
    // a remote resource has the id already, and Pacemaker wants the node to have it too
    let id = if id.starts_with(name) { name.to_owned() } else { id };
    let node =
        Element::new("node").with("id", id.as_str()).with("type", "remote").with("uname", name);
    env.section("nodes").push(node);
    Some(id)
}

/// Returns the nodes a command is about.
///
/// # Errors
/// Said: a name nobody has.
pub fn check_names(env: &mut Environment<'_>, names: &[String]) -> Outcome {
    let known = all_names(&env.cib);
    for name in names {
        if !known.contains(name) {
            let near = crate::options::nearest(name, known.iter().map(String::as_str));
            env.error(Message::NodeNotFound { node: name.clone(), near });
        }
    }
    if env.has_errors() { Err(Failed::Said) } else { Ok(()) }
}

/// Sets an attribute of nodes, or takes it away when the value is empty.
///
/// # Errors
/// Said.
pub fn set_attribute(
    env: &mut Environment<'_>,
    names: &[String],
    attribute: &str,
    value: &str,
) -> Outcome {
    check_names(env, names)?;
    for name in names {
        let pairs = [(attribute.to_owned(), value.to_owned())];
        set_attributes(env, name, &pairs);
    }
    Ok(())
}

fn set_attributes(env: &mut Environment<'_>, name: &str, pairs: &[(String, String)]) -> bool {
    let Some(id) = ensure_node(env, name) else { return false };
    let nodes = env.section("nodes");
    let Some(node) = nodes.children_mut().find(|node| node.get("uname") == Some(name)) else {
        return false;
    };
    let set_id = match node.child("instance_attributes") {
        Some(set) => set.id().unwrap_or_default().to_owned(),
        None if pairs.iter().all(|(_, value)| value.is_empty()) => return true,
        None => {
            let set_id = format!("nodes-{}", ids::sanitize(&format!("x{id}")).split_off(1));
            node.push(Element::new("instance_attributes").with("id", set_id.as_str()));
            set_id
        }
    };
    nvset::update_set(&mut env.cib, &set_id, pairs, usize::MAX);
    true
}

/// Returns the attributes of a node.
pub fn attributes(cib: &Element, name: &str) -> Vec<(String, String)> {
    let of_node = nodes(cib).into_iter().find(|node| node.uname == name);
    let sets = of_node.into_iter().flat_map(|node| node.instance_attributes);
    sets.flat_map(|set| set.nvpairs).map(|pair| (pair.name, pair.value)).collect()
}

/// Changes attributes of a node as `node attribute` does.
///
/// # Errors
/// Said; with `NodeAttributeNotFound` when one that is to go is not there.
pub fn change_attributes(
    env: &mut Environment<'_>,
    name: &str,
    pairs: &Pairs,
    force: bool,
) -> Outcome {
    let there =
        |cib: &Element, wanted: &str| attributes(cib, name).iter().any(|(key, _)| key == wanted);
    if !all_names(&env.cib).iter().any(|known| known == name) {
        let first = pairs.first().map(|(name, _)| name.clone()).unwrap_or_default();
        return Err(Failed::because(Message::UnableToSetNodeAttribute {
            attribute: first,
            node: name.into(),
        }));
    }
    for (attribute, value) in pairs {
        if value.is_empty() && !there(&env.cib, attribute) && !force {
            return Err(Failed::because(Message::NodeAttributeNotFound {
                attribute: attribute.clone(),
                node: name.into(),
            }));
        }
    }
    // a remote node gets an element of its own for something to be kept there
    if pairs.iter().any(|(attribute, value)| !value.is_empty() || there(&env.cib, attribute)) {
        set_attributes(env, name, pairs);
    }
    Ok(())
}

/// Changes what a node offers.
///
/// # Errors
/// Said.
pub fn change_utilization(env: &mut Environment<'_>, name: &str, pairs: &Pairs) -> Outcome {
    let found = nodes(&env.cib).into_iter().find(|node| node.uname == name);
    let Some(node) = found else {
        return Err(Failed::because(Message::UnableToFindNode { node: name.into() }));
    };
    let section = format!("nodes-{}-utilization", node.id);
    for (name, value) in pairs {
        if !value.is_empty() && value.parse::<i64>().is_err() {
            return Err(Failed::because(Message::UtilizationNotInteger {
                name: name.clone(),
                value: value.clone(),
            }));
        }
    }
    let nodes = env.section("nodes");
    let Some(element) = nodes.children_mut().find(|node| node.get("uname") == Some(name)) else {
        return Ok(());
    };
    let set_id = match element.child("utilization") {
        Some(set) => set.id().unwrap_or_default().to_owned(),
        None if pairs.iter().all(|(_, value)| value.is_empty()) => return Ok(()),
        None => {
            element.push(Element::new("utilization").with("id", section.as_str()));
            section
        }
    };
    nvset::update_set(&mut env.cib, &set_id, pairs, usize::MAX);
    Ok(())
}

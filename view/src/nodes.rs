//! Nodes and their states, read off a document.

use std::collections::BTreeMap;

use cib::Element;
use serde::Serialize;

/// A node's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// Its number, or a remote node's name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is a remote node, a guest or a bundle's.
    pub remote: bool,
    /// Whether it takes part.
    pub online: bool,
    /// Whether it is here but not ready.
    pub pending: bool,
    /// Whether nobody knows what it does.
    pub unclean: bool,
    /// Whether it runs nothing on request.
    pub standby: bool,
    /// Whether the cluster keeps its hands off it.
    pub maintenance: bool,
    /// The feature set it speaks.
    pub feature_set: Option<String>,
    /// Its attributes that live as long as its membership.
    pub transient: BTreeMap<String, String>,
}

/// Says whether an attribute of a node state means presence: a truth value, or the time since.
fn is_present(value: Option<&str>) -> bool {
    match value {
        None => false,
        Some("online" | "true" | "member") => true,
        Some(text) => text.parse::<u64>().is_ok_and(|since| since > 0),
    }
}

fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "on" | "yes" | "y" | "1")
}

fn pairs<'a>(owner: &'a Element, kind: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
    owner
        .children_named(kind)
        .flat_map(|set| set.children_named("nvpair"))
        .filter_map(|pair| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned())))
}

fn remote_names(cib: &Element) -> Vec<String> {
    let mut names = Vec::new();
    for primitive in crate::resources::primitives(cib) {
        if primitive.get("type") == Some("remote") && primitive.get("provider") == Some("pacemaker")
        {
            names.extend(primitive.id().map(str::to_owned));
        }
        names.extend(
            pairs(primitive, "meta_attributes")
                .find(|(name, _)| name == "remote-node")
                .map(|(_, value)| value),
        );
    }
    names
}

/// Reads the nodes of a document, sorted by name, cluster nodes first.
pub fn nodes(cib: &Element) -> Vec<NodeStatus> {
    let states: Vec<&Element> = cib
        .child("status")
        .map(|status| status.children_named("node_state").collect())
        .unwrap_or_default();
    let configured: Vec<&Element> = cib
        .at(&["configuration", "nodes"])
        .map(|nodes| nodes.children_named("node").collect())
        .unwrap_or_default();
    let mut all: Vec<NodeStatus> = Vec::new();
    for node in &configured {
        let id = node.id().unwrap_or_default();
        let name = node.get("uname").unwrap_or(id);
        let remote = node.get("type").is_some_and(|kind| kind == "remote");
        let state = states.iter().find(|s| s.id() == Some(id) || s.get("uname") == Some(name));
        all.push(status(cib, id, name, remote, Some(node), state.copied()));
    }
    for name in remote_names(cib) {
        if !all.iter().any(|node| node.name == name) {
            let state = states.iter().find(|s| s.id() == Some(name.as_str()));
            all.push(status(cib, &name, &name, true, None, state.copied()));
        }
    }
    for state in states {
        let name = state.get("uname").or(state.id()).unwrap_or_default();
        if !name.is_empty() && !all.iter().any(|node| node.name == name) {
            let id = state.id().unwrap_or(name);
            let remote = state.get("remote_node").is_some_and(is_true);
            all.push(status(cib, id, name, remote, None, Some(state)));
        }
    }
    all.sort_by(|a, b| (a.remote, &a.name).cmp(&(b.remote, &b.name)));
    all
}

fn status(
    cib: &Element,
    id: &str,
    name: &str,
    remote: bool,
    node: Option<&Element>,
    state: Option<&Element>,
) -> NodeStatus {
    let transient: BTreeMap<String, String> = state
        .and_then(|s| s.child("transient_attributes"))
        .map(|t| pairs(t, "instance_attributes").collect())
        .unwrap_or_default();
    let permanent: BTreeMap<String, String> =
        node.map(|node| pairs(node, "instance_attributes").collect()).unwrap_or_default();
    let holds = |name: &str| {
        permanent.get(name).or_else(|| transient.get(name)).is_some_and(|value| is_true(value))
    };
    let get = |key: &str| state.and_then(|s| s.get(key));
    let in_cluster = is_present(get("in_ccm"));
    let process = is_present(get("crmd"));
    let joined = get("join") == Some("member");
    let leaving = transient.get("shutdown").is_some_and(|since| since != "0");
    let expected = get("expected") == Some("member") && !leaving;
    let remote_online = remote && crate::resources::runs_anywhere(cib, name);
    let online = if remote { remote_online } else { in_cluster && process && joined };
    let pending = !remote && in_cluster && !joined && process;
    let fencing = crate::summary::property(cib, "stonith-enabled").is_none_or(is_true);
    let half_here = in_cluster != process;
    let unclean = !remote
        && !online
        && !pending
        && state.is_some()
        && expected
        && (half_here || (fencing && !in_cluster));
    let feature_set = transient.get("#feature-set").cloned();
    NodeStatus {
        id: id.to_owned(),
        name: name.to_owned(),
        remote,
        online,
        pending,
        unclean,
        standby: holds("standby"),
        maintenance: holds("maintenance"),
        feature_set,
        transient,
    }
}

#[cfg(test)]
mod tests {
    use super::nodes;

    #[test]
    fn a_node_is_online_when_it_is_here_and_joined() {
        let cib = cib::parse(
            r#"<cib><configuration><nodes><node id="1" uname="a"/><node id="2" uname="b"/>
            <node id="3" uname="c"/></nodes></configuration><status>
            <node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"/>
            <node_state id="2" uname="b" in_ccm="false" crmd="offline" join="down" expected="member"/>
            </status></cib>"#,
        )
        .unwrap();
        let found: Vec<(bool, bool)> =
            nodes(&cib).into_iter().map(|n| (n.online, n.unclean)).collect();
        assert_eq!(found, [(true, false), (false, true), (false, false)]);
    }
}

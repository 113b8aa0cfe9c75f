//! Nodes as `crm_simulate` and `crm_mon` list them.

use pengine::status::{NodeKind, NodeStatus, Status};

use crate::scope::{Scope, node_name};

/// A node's state in words; none when its name goes into a list of online or offline nodes.
fn special_state(node: &NodeStatus) -> Option<String> {
    let state = state_but_health(node);
    if node.health == "green" {
        return state.map(str::to_owned);
    }
    let state = state.unwrap_or(if node.online { "online" } else { "OFFLINE" });
    Some(format!("{state} (health is {})", node.health.to_ascii_uppercase()))
}

/// What there is to say about a node besides its health and whether it is online.
fn state_but_health(node: &NodeStatus) -> Option<&'static str> {
    Some(if node.unclean {
        match (node.online, node.pending) {
            (true, _) => "UNCLEAN (online)",
            (false, true) => "UNCLEAN (pending)",
            (false, false) => "UNCLEAN (offline)",
        }
    } else if node.pending {
        "pending"
    } else if node.standby_on_fail && node.online {
        "standby (on-fail)"
    } else if node.standby {
        match (node.online, node.running.is_empty()) {
            (true, false) => "standby (with active resources)",
            (true, true) => "standby",
            (false, _) => "OFFLINE (standby)",
        }
    } else if node.maintenance {
        if node.online { "maintenance" } else { "OFFLINE (maintenance)" }
    } else {
        return None;
    })
}

/// A node's state in words.
pub fn node_state(node: &NodeStatus, detail: bool) -> String {
    let plain = || if node.online { "online" } else { "OFFLINE" }.to_owned();
    let mut state = special_state(node).unwrap_or_else(plain);
    if let Some(known) = feature_set(node).filter(|_| detail) {
        state.push_str(&format!(", feature set {known}"));
    }
    state
}

/// The feature set of a member that is here; controllers tell it since 3.15.1.
pub fn feature_set(node: &NodeStatus) -> Option<&str> {
    let member = node.online && node.kind == NodeKind::Member;
    member.then(|| node.feature_set.as_deref().unwrap_or("<3.15.1"))
}

/// What kind of node stands before its name.
pub fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Member => "Node",
        NodeKind::Remote => "RemoteNode",
        NodeKind::Guest => "GuestNode",
    }
}

/// The lines of the node list, without bullets.
pub fn node_lines(status: &Status, scope: Scope<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut lists: Vec<(String, Vec<&str>)> =
        ["Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"]
            .into_iter()
            .map(|name| (name.to_owned(), Vec::new()))
            .collect();
    for node in status.nodes.iter().filter(|node| scope.has_node(&node.name)) {
        if scope.detail || special_state(node).is_some() {
            let (kind, name) = (kind_name(node.kind), node_name(node, scope.detail));
            lines.push(format!("{kind} {name}: {}", node_state(node, scope.detail)));
            continue;
        }
        let list = match (node.kind, node.online) {
            (NodeKind::Member, true) => 0,
            (NodeKind::Member, false) => 1,
            (NodeKind::Remote, true) => 2,
            (NodeKind::Guest, true) => 4,
            (NodeKind::Remote, false) => 3,
            // a guest that is down is not there at all
            (NodeKind::Guest, false) => continue,
        };
        lists[list].1.push(&node.name);
    }
    for (name, nodes) in lists {
        if !nodes.is_empty() {
            lines.push(format!("{name}: [ {} ]", nodes.join(" ")));
        }
    }
    lines
}

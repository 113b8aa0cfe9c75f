//! Nodes and resources as `crm_simulate` and `crm_mon` list them.

use pengine::status::{NodeKind, NodeStatus, ResourceKind, ResourceStatus, Status};

/// The lists of nodes and resources, indented as in `crm_simulate`.
pub fn lists(status: &Status) -> String {
    let mut out = String::from("  * Node List:\n");
    for line in node_lines(status) {
        out.push_str(&format!("    * {line}\n"));
    }
    out.push_str("\n  * Full List of Resources:\n");
    for resource in &status.resources {
        if resource.orphaned && !resource.active {
            continue;
        }
        for line in resource_lines(resource, status) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    out
}

/// Says that nothing is done at all; empty when that is not so.
pub fn maintenance_banner(status: &Status) -> String {
    if !status.maintenance {
        return String::new();
    }
    "\n              *** Resource management is DISABLED ***\n\
     \u{20} The cluster will not attempt to start, stop or recover services\n\n"
        .to_owned()
}

/// How many instances are disabled or blocked; empty when none is.
pub fn instances_line(status: &Status) -> String {
    if status.disabled == 0 && status.blocked == 0 {
        return String::new();
    }
    format!(
        "{} of {} resource instances DISABLED and {} BLOCKED from further action due to failure",
        status.disabled, status.instances, status.blocked
    )
}

/// A node's state in words; none when its name goes into a list of online or offline nodes.
fn node_state(node: &NodeStatus) -> Option<String> {
    let text = if node.unclean {
        let how = match (node.online, node.pending) {
            (true, _) => "online",
            (false, true) => "pending",
            (false, false) => "offline",
        };
        return Some(format!("UNCLEAN ({how})"));
    } else if node.pending {
        "pending"
    } else if node.standby_on_fail && node.online {
        "standby (on-fail)"
    } else if node.standby {
        match (node.online, node.resources > 0) {
            (true, true) => "standby (with active resources)",
            (true, false) => "standby",
            (false, _) => "OFFLINE (standby)",
        }
    } else if node.maintenance {
        if node.online { "maintenance" } else { "OFFLINE (maintenance)" }
    } else if node.online && node.health != "green" {
        return Some(format!("online (health is {})", node.health.to_ascii_uppercase()));
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// The lines of the node list, without bullets.
pub fn node_lines(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    let kind_name = |kind: NodeKind| match kind {
        NodeKind::Member => "Node",
        NodeKind::Remote => "RemoteNode",
        NodeKind::Guest => "GuestNode",
    };
    let mut lists: Vec<(String, Vec<&str>)> =
        ["Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"]
            .into_iter()
            .map(|name| (name.to_owned(), Vec::new()))
            .collect();
    for node in &status.nodes {
        if let Some(state) = node_state(node) {
            lines.push(format!("{} {}: {state}", kind_name(node.kind), node.name));
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

/// The lines of a resource and what is in it, with bullets and relative indentation.
pub fn resource_lines(resource: &ResourceStatus, status: &Status) -> Vec<String> {
    match &resource.kind {
        ResourceKind::Primitive if resource.implicit => Vec::new(),
        ResourceKind::Primitive => {
            vec![format!("* {}", primitive(&resource.name, resource, status))]
        }
        ResourceKind::Group => {
            let mut lines = vec![format!(
                "* Resource Group: {}{}:",
                resource.id,
                flags(&collective_flags(resource))
            )];
            for member in &resource.children {
                if member.orphaned && !member.active {
                    continue;
                }
                nest(&mut lines, resource_lines(member, status));
            }
            lines
        }
        ResourceKind::Clone { promotable, unique } => {
            crate::clone_text::lines(resource, *promotable, *unique, status)
        }
        ResourceKind::Bundle { image, unique } => bundle(resource, image, *unique, status),
        ResourceKind::Replica { address } => {
            let address = address.as_ref().map_or(String::new(), |ip| format!(" ({ip})"));
            let name = format!("{}{address}", resource.name);
            vec![format!("* {}", primitive(&name, resource, status))]
        }
    }
}

/// Adds lines one step further in.
pub(crate) fn nest(lines: &mut Vec<String>, more: Vec<String>) {
    lines.extend(more.into_iter().map(|line| format!("  {line}")));
}

/// Words in parentheses.
pub(crate) fn flags(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// What is special about a group, clone or bundle as a whole.
pub(crate) fn collective_flags(resource: &ResourceStatus) -> Vec<String> {
    let mut words = Vec::new();
    if resource.target_role.as_deref() == Some("Stopped") {
        words.push("disabled".to_owned());
    }
    if resource.maintenance {
        words.push("maintenance".to_owned());
    } else if !resource.managed {
        words.push("unmanaged".to_owned());
    }
    words
}

fn primitive(name: &str, resource: &ResourceStatus, status: &Status) -> String {
    let mut line = format!("{name}\t({}):\t", resource.agent);
    if resource.orphaned {
        line.push_str(" ORPHANED");
    }
    if resource.failed {
        line.push_str(" FAILED");
        if resource.role == "Promoted" {
            line.push_str(" Promoted");
        }
    } else {
        let state = resource.pending.as_deref().and_then(pending_state);
        line.push_str(&format!(" {}", state.unwrap_or(&resource.role)));
    }
    if let [node] = resource.nodes.as_slice() {
        line.push_str(&format!(" {node}"));
    } else if resource.nodes.is_empty()
        && let Some(node) = resource.pending_node.as_ref().or(resource.locked_to.as_ref())
    {
        line.push_str(&format!(" {node}"));
    }
    let mut words = Vec::new();
    if resource.unclean {
        words.push("UNCLEAN".to_owned());
    }
    if resource.locked_to.is_some() {
        words.push("LOCKED".to_owned());
    }
    if resource.pending.as_deref() == Some("monitor") {
        words.push("Monitoring".to_owned());
    }
    match resource.target_role.as_deref() {
        Some("Stopped") => words.push("disabled".to_owned()),
        Some(role) => words.push(format!("target-role:{role}")),
        None => {}
    }
    if resource.blocked {
        words.push("blocked".to_owned());
    } else if resource.maintenance {
        words.push("maintenance".to_owned());
    } else if !resource.managed {
        words.push("unmanaged".to_owned());
    }
    if resource.failure_ignored {
        words.push("failure ignored".to_owned());
    }
    line.push_str(&flags(&words));
    if resource.nodes.len() > 1 {
        line.push_str(&format!(" [ {} ]", resource.nodes.join(" ")));
    }
    if resource.nodes.is_empty() {
        let missing = status.not_installed.iter().any(|(rsc, _)| *rsc == resource.id);
        if missing {
            line.push_str(" (Not installed) ");
        }
    }
    line
}

/// The state a resource is on its way to.
fn pending_state(task: &str) -> Option<&'static str> {
    match task {
        "start" => Some("Starting"),
        "stop" => Some("Stopping"),
        "migrate_to" | "migrate_from" => Some("Migrating"),
        "promote" => Some("Promoting"),
        "demote" => Some("Demoting"),
        _ => None,
    }
}

fn bundle(resource: &ResourceStatus, image: &str, unique: bool, status: &Status) -> Vec<String> {
    let set = if resource.instances_max > 1 { " set" } else { "" };
    let unique = if unique { " (unique)" } else { "" };
    let care = match (resource.maintenance, resource.managed) {
        (true, _) => " (maintenance)",
        (false, true) => "",
        (false, false) => " (unmanaged)",
    };
    let mut lines =
        vec![format!("* Container bundle{set}: {} [{image}]{unique}{care}:", resource.id)];
    for replica in &resource.children {
        nest(&mut lines, resource_lines(replica, status));
    }
    lines
}

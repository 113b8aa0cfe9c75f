//! Resources as `crm_simulate` and `crm_mon` list them.

use pengine::status::{NodeStatus, ResourceKind, ResourceStatus, Status};

use crate::brief_text;
use crate::node_text::node_lines;
use crate::scope::Scope;

/// The lists of nodes and resources, indented as in `crm_simulate`.
pub fn lists(status: &Status) -> String {
    let mut out = String::new();
    let scope = Scope::default();
    let nodes = node_lines(status, scope);
    if !nodes.is_empty() {
        out.push_str("  * Node List:\n");
        for line in nodes {
            out.push_str(&format!("    * {line}\n"));
        }
        out.push('\n');
    }
    out.push_str("  * Full List of Resources:\n");
    if status.resources.is_empty() {
        out.push_str("    * No resources\n");
    }
    for resource in listed(status) {
        for line in resource_lines(resource, status, scope) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    out
}

/// The resources that are listed at all, the outermost.
pub fn listed(status: &Status) -> impl Iterator<Item = &ResourceStatus> + Clone {
    status.resources.iter().filter(|resource| is_listed(resource))
}

/// Tells whether a resource is listed at all: what is no longer configured only while it runs.
fn is_listed(resource: &ResourceStatus) -> bool {
    !resource.orphaned || resource.active
}

/// The lines of all resources, with bullets.
pub fn all_resource_lines(status: &Status, scope: Scope<'_>) -> Vec<String> {
    let listed = listed(status);
    let counted =
        |resource: &ResourceStatus| scope.brief && resource.kind == ResourceKind::Primitive;
    let mut lines = Vec::new();
    if scope.brief {
        let primitives = listed
            .clone()
            .filter(|resource| counted(resource) && scope.within(resource).is_some())
            .filter(|resource| resource.active || !scope.active_only);
        lines.extend(brief_text::lines(primitives, !scope.active_only));
    }
    for resource in listed.filter(|resource| !counted(resource)) {
        lines.extend(resource_lines(resource, status, scope));
    }
    lines
}

/// The lines of the resources that are not wholly active, with bullets.
pub fn inactive_resource_lines(status: &Status, scope: Scope<'_>) -> Vec<String> {
    let idle = status.resources.iter().filter(|one| is_listed(one) && !one.fully_active);
    idle.flat_map(|resource| resource_lines(resource, status, scope)).collect()
}

/// The lines of what is active on a node, with bullets and without the node's name.
pub fn lines_on_node(node: &NodeStatus, status: &Status, scope: Scope<'_>) -> Vec<String> {
    let found = node.running.iter().filter_map(|id| {
        let (top, resource) = status.resources.iter().find_map(|top| find(top, id))?;
        scope.within(top).map(|_| resource)
    });
    if scope.brief {
        return brief_text::lines_of_node(found.filter(|resource| resource.active));
    }
    let shown = found.filter(|resource| scope.detail || !resource.implicit);
    shown
        .map(|resource| format!("* {}", primitive(&resource.name, resource, status, false)))
        .collect()
}

/// Finds a primitive by its id.
pub fn primitive_of<'a>(status: &'a Status, id: &str) -> Option<&'a ResourceStatus> {
    status.resources.iter().find_map(|top| find(top, id)).map(|(_, resource)| resource)
}

/// Finds a primitive by its id, with the resource of the top that it is in.
fn find<'a>(
    resource: &'a ResourceStatus,
    id: &str,
) -> Option<(&'a ResourceStatus, &'a ResourceStatus)> {
    if resource.id == id && resource.kind == ResourceKind::Primitive {
        return Some((resource, resource));
    }
    resource.children.iter().find_map(|child| Some((resource, find(child, id)?.1)))
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

/// The lines of a resource and what is in it, with bullets and relative indentation.
pub fn resource_lines(resource: &ResourceStatus, status: &Status, scope: Scope<'_>) -> Vec<String> {
    let Some(scope) = scope.within(resource) else { return Vec::new() };
    match &resource.kind {
        ResourceKind::Primitive if resource.implicit && !scope.detail => Vec::new(),
        ResourceKind::Primitive if !scope.has_primitive(resource) => Vec::new(),
        ResourceKind::Primitive => {
            vec![format!("* {}", primitive(&resource.name, resource, status, !scope.without_place))]
        }
        ResourceKind::Group => group(resource, status, scope),
        ResourceKind::Clone { promotable, unique } => {
            crate::clone_text::lines(resource, *promotable, *unique, status, scope)
        }
        ResourceKind::Bundle { image, unique, .. } => {
            bundle(resource, image, *unique, status, scope)
        }
        ResourceKind::Replica { .. } if !scope.has_place(resource) => Vec::new(),
        ResourceKind::Replica { address, .. } => {
            let address = address.as_ref().map_or(String::new(), |ip| format!(" ({ip})"));
            let name = format!("{}{address}", resource.name);
            vec![format!("* {}", primitive(&name, resource, status, !scope.without_place))]
        }
    }
}

fn group(resource: &ResourceStatus, status: &Status, scope: Scope<'_>) -> Vec<String> {
    let members = || resource.children.iter();
    let mut lines = Vec::new();
    if scope.brief {
        let shown = members().filter(|member| scope.within(member).is_some());
        let shown: Vec<&ResourceStatus> = shown.filter(|one| scope.has_primitive(one)).collect();
        if !shown.is_empty() {
            // what does not run counts, too, even where it is not listed
            lines = brief_text::lines(members(), true);
        }
    } else {
        lines.extend(members().flat_map(|member| resource_lines(member, status, scope)));
    }
    if lines.is_empty() {
        return lines;
    }
    let idle = members().filter(|member| !member.active).count();
    let idle = match idle {
        0 => None,
        _ if !scope.active_only => None,
        1 => Some("1 member inactive".to_owned()),
        several => Some(format!("{several} members inactive")),
    };
    let remarks: Vec<String> = idle.into_iter().chain(collective_flags(resource)).collect();
    let mut all = vec![format!("* Resource Group: {}{}:", resource.id, flags(&remarks))];
    nest(&mut all, lines);
    all
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

/// What is to be said of a primitive; `placed`: with the nodes that it is on.
fn primitive(name: &str, resource: &ResourceStatus, status: &Status, placed: bool) -> String {
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
    if !placed {
        // it stands under its node
    } else if let [node] = resource.nodes.as_slice() {
        line.push_str(&format!(" {node}"));
    } else if resource.nodes.is_empty()
        && let Some(node) = resource.pending_node.as_ref().or(resource.locked_to.as_ref())
    {
        line.push_str(&format!(" {node}"));
    }
    let mut words = Vec::new();
    if resource.unclean && placed {
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
    if placed && resource.nodes.len() > 1 {
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

/// What is under way, in a word.
pub fn pending_text(task: &str) -> &'static str {
    pending_state(task).unwrap_or("Monitoring")
}

/// The state a resource is on its way to; none where what is under way leaves it as it is.
pub fn pending_state(task: &str) -> Option<&'static str> {
    match task {
        "start" => Some("Starting"),
        "stop" => Some("Stopping"),
        "migrate_to" | "migrate_from" => Some("Migrating"),
        "promote" => Some("Promoting"),
        "demote" => Some("Demoting"),
        _ => None,
    }
}

fn bundle(
    resource: &ResourceStatus,
    image: &str,
    unique: bool,
    status: &Status,
    scope: Scope<'_>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if scope.active_only && !resource.active {
        return lines;
    }
    // all replicas of what is active, unless it is about one node
    let elsewhere = |replica: &ResourceStatus| {
        scope.active_only && scope.node.is_some() && replica.nodes.is_empty()
    };
    let shown = resource.children.iter().filter(|replica| !elsewhere(replica));
    let scope = Scope { active_only: false, ..scope };
    for replica in shown {
        let ResourceKind::Replica { number, .. } = replica.kind else { continue };
        let Some(scope) = scope.within(replica) else { continue };
        if !scope.detail {
            lines.extend(resource_lines(replica, status, scope));
            continue;
        }
        let parts = replica.children.iter();
        let parts: Vec<String> =
            parts.flat_map(|part| resource_lines(part, status, scope)).collect();
        if parts.is_empty() {
            continue;
        }
        if resource.instances_max > 1 {
            lines.push(format!("* Replica[{number}]"));
        }
        nest(&mut lines, parts);
    }
    if lines.is_empty() {
        return lines;
    }
    let set = if resource.instances_max > 1 { " set" } else { "" };
    let unique = if unique { " (unique)" } else { "" };
    let care = match (resource.maintenance, resource.managed) {
        (true, _) => " (maintenance)",
        (false, true) => "",
        (false, false) => " (unmanaged)",
    };
    let mut all =
        vec![format!("* Container bundle{set}: {} [{image}]{unique}{care}:", resource.id)];
    nest(&mut all, lines);
    all
}

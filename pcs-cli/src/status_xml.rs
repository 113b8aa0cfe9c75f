//! The state of a cluster as XML, in the vocabulary of `crm_mon --output-as=xml`. Agents and
//! exporters match its lines, so the order of attributes counts.

use cib::Element;
use view::nodes::NodeStatus;
use view::resources::{PrimitiveStatus, ResourceStatus, Role};
use view::summary::Status;

fn boolean(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

fn id_of<'a>(status: &'a Status, node: &str) -> &'a str {
    status.nodes.iter().find(|known| known.name == node).map_or("", |known| known.id.as_str())
}

/// Returns `<resources>`.
pub(crate) fn resources(status: &Status) -> Element {
    let mut all = Element::new("resources");
    for resource in &status.resources {
        all.push(one(status, resource));
    }
    all
}

fn one(status: &Status, resource: &ResourceStatus) -> Element {
    match resource {
        ResourceStatus::Primitive(primitive) => self::primitive(status, primitive),
        ResourceStatus::Group { id, members, disabled, managed } => {
            group(status, id, members, *disabled, *managed)
        }
        ResourceStatus::Clone { .. } => clone(status, resource),
        ResourceStatus::Bundle { id, image, replicas, managed, .. } => {
            let mut bundle = Element::new("bundle")
                .with("id", id.as_str())
                .with("type", "docker")
                .with("image", image.as_str())
                .with("unique", "false")
                .with("managed", boolean(*managed))
                .with("failed", boolean(replicas.iter().any(|r| r.inside.failed())));
            for (number, replica) in replicas.iter().enumerate() {
                bundle.push(
                    Element::new("replica")
                        .with("id", number.to_string())
                        .with_child(self::primitive(status, &replica.inside)),
                );
            }
            bundle
        }
    }
}

fn group(
    status: &Status,
    id: &str,
    members: &[PrimitiveStatus],
    disabled: bool,
    managed: bool,
) -> Element {
    let mut group = Element::new("group")
        .with("id", id)
        .with("number_resources", members.len().to_string())
        .with("managed", boolean(managed))
        .with("disabled", boolean(disabled));
    for member in members {
        group.push(primitive(status, member));
    }
    group
}

fn clone(status: &Status, resource: &ResourceStatus) -> Element {
    let ResourceStatus::Clone {
        id,
        member,
        of_group,
        promotable,
        unique,
        max,
        instances,
        idle,
        disabled,
        managed,
        ..
    } = resource
    else {
        return Element::new("clone");
    };
    let failed = resource.instances().iter().any(|primitive| primitive.failed());
    let mut clone = Element::new("clone")
        .with("id", id.as_str())
        .with("multi_state", boolean(*promotable))
        .with("unique", boolean(*unique))
        .with("managed", boolean(*managed))
        .with("disabled", boolean(*disabled))
        .with("failed", boolean(failed))
        .with("failure_ignored", "false");
    let active = instances.iter().map(|instance| instance.members.as_slice());
    let resting = std::iter::repeat_n(idle.as_slice(), max.saturating_sub(instances.len()));
    for (number, members) in active.chain(resting).enumerate() {
        if *of_group {
            let name = format!("{member}:{number}");
            clone.push(group(status, &name, members, *disabled, *managed));
        } else {
            for member in members {
                clone.push(primitive(status, member));
            }
        }
    }
    clone
}

/// Returns `<resource>`, with the nodes it is on.
fn primitive(status: &Status, primitive: &PrimitiveStatus) -> Element {
    let running: Vec<_> =
        primitive.active.iter().filter(|a| a.role.is_some() || a.failed).collect();
    let role = match running.iter().filter_map(|a| a.role).max() {
        Some(role) => role.text(),
        None if running.is_empty() => "Stopped",
        None => Role::Started.text(),
    };
    let mut element = Element::new("resource")
        .with("id", primitive.id.as_str())
        .with("resource_agent", primitive.agent.as_str())
        .with("role", role);
    if let Some(target) = &primitive.target_role {
        element.set("target_role", target.as_str());
    }
    element.set("active", boolean(!running.is_empty()));
    element.set("orphaned", boolean(primitive.orphaned));
    element.set("blocked", boolean(primitive.blocked));
    element.set("managed", boolean(primitive.managed));
    element.set("failed", boolean(primitive.failed()));
    element.set("failure_ignored", "false");
    element.set("nodes_running_on", running.len().to_string());
    if let Some(pending) = primitive.active.iter().find_map(|a| a.pending) {
        element.set("pending", pending);
    }
    for activity in running {
        element.push(
            Element::new("node")
                .with("name", activity.node.as_str())
                .with("id", id_of(status, &activity.node))
                .with("cached", "true"),
        );
    }
    element
}

/// Returns `<nodes>`.
pub(crate) fn nodes(status: &Status) -> Element {
    let mut all = Element::new("nodes");
    for node in &status.nodes {
        all.push(self::node(status, node));
    }
    all
}

fn node(status: &Status, node: &NodeStatus) -> Element {
    let running = status
        .resources
        .iter()
        .flat_map(ResourceStatus::instances)
        .filter(|primitive| {
            primitive.active.iter().any(|a| a.node == node.name && (a.role.is_some() || a.failed))
        })
        .count();
    let is_dc = status.summary.dc.as_ref().is_some_and(|(name, _)| *name == node.name);
    let leaving = node.transient.get("shutdown").is_some_and(|since| since != "0");
    let mut element = Element::new("node")
        .with("name", node.name.as_str())
        .with("id", node.id.as_str())
        .with("online", boolean(node.online))
        .with("standby", boolean(node.standby))
        .with("standby_onfail", "false")
        .with("maintenance", boolean(node.maintenance))
        .with("pending", boolean(node.pending))
        .with("unclean", boolean(node.unclean))
        .with("health", "green");
    if let Some(set) = &node.feature_set {
        element.set("feature_set", set.as_str());
    }
    element.set("shutdown", boolean(leaving));
    element.set("expected_up", boolean((node.online || node.pending || node.unclean) && !leaving));
    element.set("is_dc", boolean(is_dc));
    element.set("resources_running", running.to_string());
    element.set("type", if node.remote { "remote" } else { "member" });
    element
}

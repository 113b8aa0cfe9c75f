//! The state of a cluster as XML, in the vocabulary of `crm_mon --output-as=xml`. Agents and
//! exporters match its lines, so the order of attributes counts.

use cib::Element;
use model::{ExecStatus, OcfCode};
use view::nodes::NodeStatus;
use view::resources::{PrimitiveStatus, ResourceStatus, Role};
use view::summary::Status;

use crate::pcs::status_text;
use crate::tools::monitor_facts as monitor;

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
    if node.online && !node.remote {
        element.set("feature_set", node.feature_set.as_deref().unwrap_or("<3.15.1"));
    }
    element.set("shutdown", boolean(leaving));
    element.set("expected_up", boolean((node.online || node.pending || node.unclean) && !leaving));
    element.set("is_dc", boolean(is_dc));
    element.set("resources_running", running.to_string());
    element.set("type", if node.remote { "remote" } else { "member" });
    element
}

/// Returns `<summary>`.
pub(crate) fn summary(cib: &Element, status: &Status) -> Element {
    let s = &status.summary;
    let mut all = Element::new("summary");
    all.push(Element::new("stack").with("type", s.stack.as_deref().unwrap_or("unknown")));
    let mut dc = Element::new("current_dc").with("present", boolean(s.dc.is_some()));
    if let Some((name, id)) = &s.dc {
        dc.set("version", s.dc_version.as_deref().unwrap_or_default());
        dc.set("name", name.as_str());
        dc.set("id", id.as_str());
        dc.set("with_quorum", boolean(s.quorate));
        dc.set("mixed_version", "false");
    }
    all.push(dc);
    all.push(Element::new("last_update").with("time", status_text::now()));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    all.push(
        Element::new("last_change")
            .with("time", text(&s.last_change.at))
            .with("user", text(&s.last_change.user))
            .with("client", text(&s.last_change.client))
            .with("origin", text(&s.last_change.node)),
    );
    all.push(Element::new("nodes_configured").with("number", s.nodes_configured.to_string()));
    all.push(
        Element::new("resources_configured")
            .with("number", s.instances.to_string())
            .with("disabled", s.disabled.to_string())
            .with("blocked", s.blocked.to_string()),
    );
    all.push(options(cib, status));
    all
}

fn options(cib: &Element, status: &Status) -> Element {
    let on = |name: &str, usual: bool| {
        boolean(view::summary::property(cib, name).map_or(usual, pcs::options::is_true))
    };
    let milliseconds = |name: &str, usual: &str| {
        let text = view::summary::property(cib, name).unwrap_or(usual);
        text.parse::<model::Interval>().map_or(0, |interval| interval.0).to_string()
    };
    Element::new("cluster_options")
        .with("stonith-enabled", boolean(status.summary.fencing))
        .with("symmetric-cluster", on("symmetric-cluster", true))
        .with(
            "no-quorum-policy",
            view::summary::property(cib, "no-quorum-policy").unwrap_or("stop"),
        )
        .with("maintenance-mode", boolean(status.summary.maintenance))
        .with("stop-all-resources", on("stop-all-resources", false))
        .with("stonith-timeout-ms", milliseconds("stonith-timeout", "60s"))
        .with("priority-fencing-delay-ms", milliseconds("priority-fencing-delay", "0"))
}

/// Returns `<node_attributes>`; `None` when there are none to show.
pub(crate) fn attributes(cib: &Element, status: &Status) -> Option<Element> {
    let mut all = Element::new("node_attributes");
    for (node, attributes) in monitor::attributes(cib, status) {
        let mut element = Element::new("node").with("name", node);
        for (name, value) in attributes {
            element.push(Element::new("attribute").with("name", name).with("value", value));
        }
        all.push(element);
    }
    filled(all)
}

/// Returns `<node_history>`.
pub(crate) fn history(cib: &Element, status: &Status) -> Element {
    let mut all = Element::new("node_history");
    for node in monitor::histories(cib, status) {
        let mut element = Element::new("node").with("name", node.name);
        for resource in node.resources {
            let mut one = Element::new("resource_history")
                .with("id", resource.id)
                .with("orphan", boolean(resource.orphaned))
                .with("migration-threshold", resource.threshold);
            if let Some(count) = resource.fail_count {
                one.set("fail-count", count);
            }
            if let Some(last) = resource.last_failure {
                one.set("last-failure", status_text::time(last));
            }
            for operation in resource.operations {
                let get = |key: &str| operation.get(key).unwrap_or_default();
                let rc = get("rc-code").parse().unwrap_or(0);
                let mut shown = Element::new("operation_history")
                    .with("call", get("call-id"))
                    .with("task", get("operation"))
                    .with("rc", rc.to_string())
                    .with("rc_text", OcfCode::from_code(rc).text());
                if !matches!(get("interval"), "" | "0") {
                    shown.set("interval", format!("{}ms", get("interval")));
                }
                if let Ok(at) = get("last-rc-change").parse() {
                    shown.set("last-rc-change", status_text::time(at));
                }
                shown.set("exec-time", format!("{}ms", operation.get("exec-time").unwrap_or("0")));
                shown
                    .set("queue-time", format!("{}ms", operation.get("queue-time").unwrap_or("0")));
                one.push(shown);
            }
            element.push(one);
        }
        all.push(element);
    }
    all
}

/// Returns `<failures>`; `None` when nothing failed.
pub(crate) fn failures(cib: &Element) -> Option<Element> {
    let mut all = Element::new("failures");
    for failure in view::failures::failed_actions(cib) {
        let key = format!("{}_{}_{}", failure.resource, failure.operation, failure.interval_ms);
        let mut element = Element::new("failure")
            .with("op_key", key)
            .with("node", failure.node)
            .with("exitstatus", OcfCode::from_code(failure.result).text())
            .with("exitreason", failure.reason)
            .with("exitcode", failure.result.to_string())
            .with("call", failure.call.to_string())
            .with("status", ExecStatus::from_code(failure.status).text());
        if let Some(at) = failure.at.and_then(|at| jiff::Timestamp::from_second(at).ok()) {
            let at = at.to_zoned(jiff::tz::TimeZone::system());
            let form =
                if at.offset().is_zero() { "%Y-%m-%d %H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%S %:z" };
            element.set("last-rc-change", at.strftime(form).to_string());
            element.set("queued", failure.queued_ms.to_string());
            element.set("exec", failure.took_ms.to_string());
            element.set("interval", failure.interval_ms.to_string());
            element.set("task", failure.operation);
        }
        all.push(element);
    }
    filled(all)
}

/// Returns `<tickets>`; `None` when there are none.
pub(crate) fn tickets(cib: &Element) -> Option<Element> {
    let mut all = Element::new("tickets");
    for ticket in monitor::tickets(cib) {
        let mut element = Element::new("ticket")
            .with("id", ticket.id)
            .with("status", if ticket.granted { "granted" } else { "revoked" })
            .with("standby", boolean(ticket.standby));
        if let Some(last) = ticket.last_granted {
            element.set("last-granted", status_text::time(last));
        }
        all.push(element);
    }
    filled(all)
}

/// Returns `<bans>`; `None` when there are none.
pub(crate) fn bans(cib: &Element) -> Option<Element> {
    let mut all = Element::new("bans");
    for ban in monitor::bans(cib) {
        all.push(
            Element::new("ban")
                .with("id", ban.id)
                .with("resource", ban.resource)
                .with("node", ban.node)
                .with("weight", ban.weight.to_string())
                .with("promoted-only", boolean(ban.promoted_only))
                .with("master_only", boolean(ban.promoted_only)),
        );
    }
    filled(all)
}

/// Returns all of it, as `crm_mon --output-as=xml` and `pcs status xml` show it.
pub(crate) fn everything(cib: &Element, status: &Status) -> Vec<Element> {
    let mut all = vec![summary(cib, status), nodes(status), resources(status)];
    all.extend(attributes(cib, status));
    all.push(history(cib, status));
    all.extend(failures(cib));
    all.extend(tickets(cib));
    all.extend(bans(cib));
    all
}

/// Returns an element that holds something; an empty list is left out.
fn filled(list: Element) -> Option<Element> {
    let empty = list.children().next().is_none();
    (!empty).then_some(list)
}

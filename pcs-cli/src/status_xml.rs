//! The state of a cluster as XML, in the vocabulary of `crm_mon --output-as=xml`. Agents and
//! exporters match its lines, so the order of attributes counts.

use cib::Element;
use model::{ExecStatus, OcfCode};
use pengine::status::{NodeKind, NodeStatus, ResourceKind, ResourceStatus, Status};
use view::failures::FailedAction;
use view::scope::Scope;
use view::seen::Seen;

use crate::pcs::status_text;
use crate::tools::monitor_facts as monitor;

fn boolean(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

/// Returns `<resources>`.
pub(crate) fn resources(status: &Status, scope: Scope<'_>) -> Element {
    resources_of(status, status.resources.iter(), scope)
}

/// Returns `<resources>` with what is not wholly active.
pub(crate) fn inactive_resources(status: &Status, scope: Scope<'_>) -> Element {
    let idle = status.resources.iter().filter(|resource| !resource.fully_active);
    resources_of(status, idle, scope)
}

fn resources_of<'a>(
    status: &Status,
    shown: impl Iterator<Item = &'a ResourceStatus>,
    scope: Scope<'_>,
) -> Element {
    let mut all = Element::new("resources");
    // (what is no longer configured is told of while it runs, and in what it was an instance of)
    for resource in shown.filter(|resource| !resource.orphaned || resource.active) {
        one(status, resource, scope).into_iter().for_each(|element| all.push(element));
    }
    all
}

/// Returns a resource and what is in it, as far as it is shown.
fn one(status: &Status, resource: &ResourceStatus, scope: Scope<'_>) -> Option<Element> {
    let scope = scope.within(resource)?;
    let element = match &resource.kind {
        ResourceKind::Primitive => {
            return scope.has_primitive(resource).then(|| primitive(status, resource));
        }
        ResourceKind::Group => Element::new("group")
            .with("id", resource.id.as_str())
            .with("number_resources", resource.children.len().to_string())
            .with("managed", boolean(resource.managed))
            .with("disabled", boolean(is_disabled(resource))),
        ResourceKind::Clone { promotable, unique } => {
            let mut clone = Element::new("clone")
                .with("id", resource.id.as_str())
                .with("multi_state", boolean(*promotable))
                .with("unique", boolean(*unique))
                .with("managed", boolean(resource.managed))
                .with("disabled", boolean(is_disabled(resource)))
                .with("failed", boolean(resource.failed))
                .with("failure_ignored", boolean(resource.failure_ignored));
            // (without a wish of its own, that of what it is made of)
            let instance = resource.children.first();
            let its_own = resource.target_role_given.as_ref();
            if let Some(target) =
                its_own.or(instance.and_then(|one| one.target_role_given.as_ref()))
            {
                clone.set("target_role", target.as_str());
            }
            clone
        }
        ResourceKind::Bundle { launcher, image, unique } => Element::new("bundle")
            .with("id", resource.id.as_str())
            .with("type", launcher.as_str())
            .with("image", image.as_str())
            .with("unique", boolean(*unique))
            .with("managed", boolean(resource.managed))
            .with("failed", boolean(resource.failed)),
        ResourceKind::Replica { number, .. } => {
            Element::new("replica").with("id", number.to_string())
        }
    };
    let parts = resource.children.iter().filter_map(|child| one(status, child, scope));
    let mut element = element;
    parts.for_each(|part| element.push(part));
    let limited = scope.node.is_some() || !scope.resources.is_empty();
    (!limited || element.children().next().is_some()).then_some(element)
}

fn is_disabled(resource: &ResourceStatus) -> bool {
    resource.target_role.as_deref() == Some("Stopped")
}

/// Returns `<resource>`, with the nodes it is on.
fn primitive(status: &Status, resource: &ResourceStatus) -> Element {
    let under_way = resource.pending.as_deref().and_then(view::status_text::pending_state);
    let mut element = Element::new("resource")
        .with("id", resource.name.as_str())
        .with("resource_agent", resource.agent.as_str())
        .with("role", under_way.unwrap_or(&resource.role));
    if let Some(target) = &resource.target_role_given {
        element.set("target_role", target.as_str());
    }
    element.set("active", boolean(resource.active));
    element.set("orphaned", boolean(resource.orphaned));
    element.set("blocked", boolean(resource.blocked));
    element.set("managed", boolean(resource.managed));
    element.set("failed", boolean(resource.failed));
    element.set("failure_ignored", boolean(resource.failure_ignored));
    element.set("nodes_running_on", resource.nodes.len().to_string());
    if resource.pending.is_some() && under_way.is_none() {
        element.set("pending", "Monitoring");
    }
    if let Some(node) = &resource.locked_to {
        element.set("locked_to", node.as_str());
    }
    for name in &resource.nodes {
        let node = status.nodes.iter().find(|node| node.name == *name);
        element.push(
            Element::new("node")
                .with("name", name.as_str())
                .with("id", node.map_or("", |node| node.id.as_str()))
                .with("cached", boolean(node.is_some_and(|node| node.online))),
        );
    }
    element
}

/// Returns `<nodes>`; `with_resources`: what is active on each is in it.
pub(crate) fn nodes<'a>(
    status: &Status,
    shown: impl Iterator<Item = &'a NodeStatus>,
    with_resources: bool,
) -> Element {
    let mut all = Element::new("nodes");
    for node in shown {
        let mut element = self::node(node);
        let here = node.running.iter().filter(|_| with_resources);
        for resource in here.filter_map(|id| view::status_text::primitive_of(status, id)) {
            element.push(primitive(status, resource));
        }
        all.push(element);
    }
    all
}

fn node(node: &NodeStatus) -> Element {
    let member = node.kind == NodeKind::Member;
    let mut element = Element::new("node")
        .with("name", node.name.as_str())
        .with("id", node.id.as_str())
        .with("online", boolean(node.online))
        .with("standby", boolean(node.standby))
        .with("standby_onfail", boolean(node.standby_on_fail))
        .with("maintenance", boolean(node.maintenance))
        .with("pending", boolean(node.pending))
        .with("unclean", boolean(node.unclean))
        .with("health", node.health.as_str());
    if node.online && member {
        element.set("feature_set", node.feature_set.as_deref().unwrap_or("<3.15.1"));
    }
    element.set("shutdown", boolean(node.shutdown));
    element.set("expected_up", boolean(node.expected_up));
    element.set("is_dc", boolean(node.dc));
    element.set("resources_running", node.running.len().to_string());
    element.set("type", if member { "member" } else { "remote" });
    if let Some(container) = &node.container {
        element.set("id_as_resource", container.as_str());
    }
    element
}

/// Returns `<summary>`.
pub(crate) fn summary(cib: &Element, seen: &Seen) -> Element {
    let s = &seen.summary;
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
    all.push(options(cib, seen));
    all
}

fn options(cib: &Element, seen: &Seen) -> Element {
    let on = |name: &str, usual: bool| {
        boolean(view::summary::property(cib, name).map_or(usual, pcs::options::is_true))
    };
    let milliseconds = |name: &str, usual: &str| {
        let text = view::summary::property(cib, name).unwrap_or(usual);
        text.parse::<model::Interval>().map_or(0, |interval| interval.0).to_string()
    };
    Element::new("cluster_options")
        .with("stonith-enabled", boolean(seen.summary.fencing))
        .with("symmetric-cluster", on("symmetric-cluster", true))
        .with(
            "no-quorum-policy",
            view::summary::property(cib, "no-quorum-policy").unwrap_or("stop"),
        )
        .with("maintenance-mode", boolean(seen.summary.maintenance))
        .with("stop-all-resources", on("stop-all-resources", false))
        .with("stonith-timeout-ms", milliseconds("stonith-timeout", "60s"))
        .with("priority-fencing-delay-ms", milliseconds("priority-fencing-delay", "0"))
}

/// Returns `<node_attributes>`; `None` when there are none to show.
pub(crate) fn attributes<'a>(
    cib: &Element,
    nodes: impl Iterator<Item = &'a NodeStatus>,
) -> Option<Element> {
    let mut all = Element::new("node_attributes");
    for node in nodes.filter(|node| node.online) {
        let mut element = Element::new("node").with("name", node.name.as_str());
        for attribute in monitor::attributes(cib, node) {
            let mut one = Element::new("attribute")
                .with("name", attribute.name)
                .with("value", attribute.value);
            if let Some(expected) = attribute.expected {
                one.set("expected", expected.to_string());
            }
            element.push(one);
        }
        filled(element).into_iter().for_each(|element| all.push(element));
    }
    filled(all)
}

/// Returns `<node_history>`.
pub(crate) fn history(
    cib: &Element,
    status: &Status,
    wanted: &monitor::Histories<'_>,
) -> Option<Element> {
    let mut all = Element::new("node_history");
    for node in monitor::histories(cib, status, wanted)? {
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
                one.push(operation_history(operation));
            }
            element.push(one);
        }
        all.push(element);
    }
    Some(all)
}

/// Returns `<operation_history>`. (There may be thousands: attributes are looked at once.)
fn operation_history(operation: &Element) -> Element {
    let (mut call, mut rc, mut interval) = ("", "", "");
    let (mut changed, mut took, mut waited) = (None, None, None);
    for (name, value) in operation.attributes() {
        match name {
            "call-id" => call = value,
            "rc-code" => rc = value,
            "interval" => interval = value,
            "last-rc-change" => changed = value.parse().ok(),
            "exec-time" => took = Some(value),
            "queue-time" => waited = Some(value),
            _ => {}
        }
    }
    let rc = rc.parse().unwrap_or(0);
    let mut shown = Element::new("operation_history")
        .with("call", call)
        .with("task", monitor::task(operation))
        .with("rc", rc.to_string())
        .with("rc_text", OcfCode::from_code(rc).text());
    if !matches!(interval, "" | "0") {
        shown.set("interval", format!("{interval}ms"));
    }
    if let Some(at) = changed {
        shown.set("last-rc-change", status_text::time(at));
    }
    for (name, time) in [("exec-time", took), ("queue-time", waited)] {
        if let Some(time) = time {
            shown.set(name, format!("{time}ms"));
        }
    }
    shown
}

/// Returns `<failures>`; `None` when nothing failed.
pub(crate) fn failures(failed: &[FailedAction]) -> Option<Element> {
    let mut all = Element::new("failures");
    for failure in failed {
        let key = format!("{}_{}_{}", failure.resource, failure.operation, failure.interval_ms);
        let mut element = Element::new("failure")
            .with("op_key", key)
            .with("node", failure.node.as_str())
            .with("exitstatus", OcfCode::from_code(failure.result).text())
            .with("exitreason", failure.reason.as_str())
            .with("exitcode", failure.result.to_string())
            .with("call", failure.call.to_string())
            .with("status", ExecStatus::from_code(failure.status).text());
        if let Some(at) = failure.at.and_then(|at| jiff::Timestamp::from_second(at).ok()) {
            let at = at.to_zoned(crate::clock::zone().clone());
            let form =
                if at.offset().is_zero() { "%Y-%m-%d %H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%S %:z" };
            element.set("last-rc-change", at.strftime(form).to_string());
            element.set("queued", failure.queued_ms.to_string());
            element.set("exec", failure.took_ms.to_string());
            element.set("interval", failure.interval_ms.to_string());
            element.set("task", failure.operation.as_str());
        }
        all.push(element);
    }
    filled(all)
}

/// Returns `<tickets>`; `None` when there are none.
pub(crate) fn tickets(status: &Status) -> Option<Element> {
    let mut all = Element::new("tickets");
    for ticket in &status.tickets {
        let mut element = Element::new("ticket")
            .with("id", ticket.id.as_str())
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
pub(crate) fn bans(status: &Status, scope: Scope<'_>) -> Option<Element> {
    let mut all = Element::new("bans");
    for ban in status.bans.iter().filter(|ban| scope.names(&ban.resource)) {
        all.push(
            Element::new("ban")
                .with("id", ban.id.as_str())
                .with("resource", ban.resource.as_str())
                .with("node", ban.node.as_str())
                .with("weight", ban.weight.to_string())
                .with("promoted-only", boolean(ban.promoted_only))
                .with("master_only", boolean(ban.promoted_only)),
        );
    }
    filled(all)
}

/// Returns all of it, as `crm_mon --output-as=xml` and `pcs status xml` show it.
pub(crate) fn everything(cib: &Element, seen: &Seen) -> Vec<Element> {
    let status = &seen.status;
    let mut all = vec![
        summary(cib, seen),
        nodes(status, status.nodes.iter(), false),
        resources(status, Scope::default()),
    ];
    all.extend(attributes(cib, status.nodes.iter()));
    all.extend(history(cib, status, &monitor::Histories::default()));
    let failed: Vec<FailedAction> = status.failed_operations.iter().map(FailedAction::of).collect();
    all.extend(failures(&failed));
    all.extend(tickets(status));
    all.extend(bans(status, Scope::default()));
    all
}

/// Returns an element that holds something; an empty list is left out.
fn filled(list: Element) -> Option<Element> {
    let empty = list.children().next().is_none();
    (!empty).then_some(list)
}

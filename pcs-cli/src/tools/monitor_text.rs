//! The sections of `crm_mon` as text.

use std::collections::BTreeSet;

use cib::Element;
use model::OcfCode;
use view::resources::ResourceStatus;
use view::summary::Status;

use crate::pcs::status_text::{self, Detail, Filter};

use super::monitor_facts as facts;

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Stack,
    Dc,
    Times,
    Counts,
    Options,
    Maintenance,
    Nodes,
    Resources,
    Attributes,
    FailCounts,
    Operations,
    Failures,
    Fencing,
    Tickets,
    Bans,
}

/// What is shown, and how.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) parts: BTreeSet<Part>,
    pub(super) by_node: bool,
    pub(super) inactive: bool,
    pub(super) timing: bool,
    pub(super) detail: bool,
    pub(super) node: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) ban_prefix: String,
}

/// Returns everything that is wanted; `live` when it comes from the running cluster.
pub(super) fn screen(cib: &Element, status: &Status, wanted: &Wanted, live: bool) -> String {
    let mut status = status.clone();
    if let Some(node) = &wanted.node {
        status.nodes.retain(|known| known.name == *node);
    }
    let status = &status;
    let has = |part| wanted.parts.contains(&part);
    let detail = Detail { full: wanted.detail, hide_inactive: !wanted.inactive, live };
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    let summary = summary(cib, status, wanted, detail);
    if !summary.is_empty() {
        sections.push(("Cluster Summary:", summary));
    }
    if has(Part::Nodes) || wanted.by_node {
        let lines = if wanted.by_node {
            nodes_with_resources(status, wanted)
        } else {
            status_text::nodes(status, detail)
        };
        if !lines.is_empty() {
            sections.push(("Node List:", lines));
        }
    }
    if has(Part::Resources) {
        sections.extend(resources(status, wanted, detail));
    }
    if has(Part::Attributes) {
        sections.push(("Node Attributes:", attributes(cib, status)));
    }
    if has(Part::Operations) {
        sections.push(("Operations:", operations(cib, status, wanted)));
    } else if has(Part::FailCounts) {
        sections.push(("Migration Summary:", fail_counts(cib, status)));
    }
    if has(Part::Failures) {
        let mut failed = view::failures::failed_actions(cib);
        failed.retain(|failure| {
            wanted.node.as_ref().is_none_or(|node| failure.node == *node)
                && wanted.resource.as_ref().is_none_or(|id| failure.resource == *id)
        });
        if !failed.is_empty() {
            sections.push(("Failed Resource Actions:", status_text::failures(&failed, detail)));
        }
    }
    if has(Part::Tickets) {
        sections.push(("Tickets:", tickets(cib)));
    }
    if has(Part::Bans) {
        sections.push(("Negative Location Constraints:", bans(cib, wanted)));
    }
    // what was asked for explicitly has a title even when there is nothing
    sections.retain(|(title, lines)| !lines.is_empty() || *title == "Migration Summary:");
    let mut out = String::new();
    for (title, lines) in sections {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(title);
        out.push('\n');
        for line in lines {
            if !line.is_empty() {
                out.push_str("  ");
                out.push_str(&line);
            }
            out.push('\n');
        }
    }
    out
}

fn summary(cib: &Element, status: &Status, wanted: &Wanted, detail: Detail) -> Vec<String> {
    let part_of = |line: &str| {
        let line = line.trim_start_matches("* ");
        let starts = |text: &str| line.starts_with(text);
        if starts("Stack") {
            Part::Stack
        } else if starts("Current DC") {
            Part::Dc
        } else if starts("Last ") {
            Part::Times
        } else if line.contains(" configured") {
            Part::Counts
        } else {
            Part::Maintenance
        }
    };
    let mut lines: Vec<String> = status_text::summary(status, detail)
        .into_iter()
        .filter(|line| wanted.parts.contains(&part_of(line)))
        .collect();
    if wanted.parts.contains(&Part::Options) {
        let property = |name| view::summary::property(cib, name);
        let fencing = if status.summary.fencing { "enabled" } else { "disabled" };
        let symmetric = property("symmetric-cluster").is_none_or(pcs::options::is_true);
        let policy = match property("no-quorum-policy") {
            Some("freeze") => "Freeze resources",
            Some("ignore") => "Ignore",
            Some("demote") => "Demote promotable resources and stop all other resources",
            Some("suicide" | "fence") => "Suicide",
            _ => "Stop ALL resources",
        };
        lines.push(format!("* STONITH of failed nodes {fencing}"));
        lines.push(format!("* Cluster is {}", if symmetric { "symmetric" } else { "asymmetric" }));
        lines.push(format!("* No quorum policy: {policy}"));
    }
    lines
}

fn resources(
    status: &Status,
    wanted: &Wanted,
    detail: Detail,
) -> Option<(&'static str, Vec<String>)> {
    let filter = Filter {
        resources: wanted.resource.clone().into_iter().collect(),
        node: wanted.node.clone(),
    };
    if wanted.by_node {
        let idle: Vec<&str> = status
            .resources
            .iter()
            .filter(|resource| {
                let instances = resource.instances();
                let running = instances.iter().all(|instance| instance.is_active());
                !running || instances.is_empty() || resource.idle_instances().0 > 0
            })
            .map(ResourceStatus::id)
            .collect();
        let lines: Vec<String> = idle
            .iter()
            .flat_map(|id| {
                let filter =
                    Filter { resources: vec![(*id).to_owned()], node: wanted.node.clone() };
                status_text::resources(status, detail, &filter, None)
            })
            .collect();
        return (wanted.inactive && !lines.is_empty()).then_some(("Inactive Resources:", lines));
    }
    let mut lines = status_text::resources(status, detail, &filter, None);
    if lines.is_empty() {
        let none = if wanted.inactive { "* No resources" } else { "* No active resources" };
        lines.push(none.to_owned());
    }
    let title = if wanted.inactive { "Full List of Resources:" } else { "Active Resources:" };
    Some((title, lines))
}

fn nodes_with_resources(status: &Status, wanted: &Wanted) -> Vec<String> {
    let mut lines = Vec::new();
    // the list with all nodes one by one, as for details, without what details add
    let full = Detail { full: true, ..Detail::default() };
    for (node, line) in status.nodes.iter().zip(status_text::nodes(status, full)) {
        let kind = if node.remote { "RemoteNode" } else { "Node" };
        let state = line.split_once(": ").map_or("", |(_, state)| state);
        let state = state.split(", feature set").next().unwrap_or(state);
        lines.push(format!("* {kind} {}: {state}:", node.name));
        lines.push("  * Resources:".to_owned());
        for resource in &status.resources {
            for primitive in resource.instances() {
                if wanted.resource.as_ref().is_some_and(|id| primitive.id != *id) {
                    continue;
                }
                let here = primitive
                    .active
                    .iter()
                    .find(|a| a.node == node.name && (a.role.is_some() || a.failed));
                let Some(here) = here else { continue };
                let state = match here.role {
                    _ if here.failed => "FAILED",
                    Some(role) => role.text(),
                    None => "Stopped",
                };
                let managed = if primitive.managed { "" } else { " (unmanaged)" };
                lines.push(format!(
                    "    * {}\t({}):\t {state}{managed}",
                    primitive.id, primitive.agent
                ));
            }
        }
    }
    lines
}

fn attributes(cib: &Element, status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    for (node, attributes) in facts::attributes(cib, status) {
        lines.push(format!("* Node: {node}:"));
        for (name, value) in attributes {
            lines.push(format!("  * {name:<32}\t: {value:<10}"));
        }
    }
    lines
}

fn headline(resource: &facts::ResourceHistory<'_>) -> String {
    let orphan = if resource.orphaned { " orphan" } else { "" };
    let count = resource.fail_count.as_ref();
    let count = count.map(|count| format!(" fail-count={count}")).unwrap_or_default();
    let last = resource.last_failure.map(status_text::time);
    let last = last.map(|at| format!(" last-failure='{at}'")).unwrap_or_default();
    format!("{}:{orphan} migration-threshold={}{count}{last}", resource.id, resource.threshold)
}

fn operations(cib: &Element, status: &Status, wanted: &Wanted) -> Vec<String> {
    let mut lines = Vec::new();
    for node in facts::histories(cib, status) {
        lines.push(format!("* Node: {}:", node.name));
        for resource in &node.resources {
            if wanted.resource.as_ref().is_some_and(|id| resource.id != *id) {
                continue;
            }
            lines.push(format!("  * {}:", headline(resource)));
            for operation in &resource.operations {
                lines.push(format!("    * {}", operation_line(operation, wanted.timing)));
            }
        }
    }
    lines
}

fn operation_line(operation: &Element, timing: bool) -> String {
    let get = |key: &str| operation.get(key).unwrap_or_default();
    let mut words = Vec::new();
    if !matches!(get("interval"), "" | "0") {
        words.push(format!("interval=\"{}ms\"", get("interval")));
    }
    if timing {
        if let Ok(at) = get("last-rc-change").parse() {
            words.push(format!("last-rc-change=\"{}\"", status_text::time(at)));
        }
        words.push(format!("exec-time=\"{}ms\"", operation.get("exec-time").unwrap_or("0")));
        words.push(format!("queue-time=\"{}ms\"", operation.get("queue-time").unwrap_or("0")));
        let rc = get("rc-code").parse().unwrap_or(0);
        words.push(format!("rc={rc} ({})", OcfCode::from_code(rc).text()));
    }
    let colon = if words.is_empty() { "" } else { ": " };
    format!("({}) {}{colon}{}", get("call-id"), get("operation"), words.join(" "))
}

fn fail_counts(cib: &Element, status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    for node in facts::histories(cib, status) {
        let failed: Vec<String> = node
            .resources
            .iter()
            .filter(|resource| resource.fail_count.is_some())
            .map(|resource| format!("  * {}", headline(resource)))
            .collect();
        if !failed.is_empty() {
            lines.push(format!("* Node: {}:", node.name));
            lines.extend(failed);
        }
    }
    lines
}

fn tickets(cib: &Element) -> Vec<String> {
    facts::tickets(cib)
        .into_iter()
        .map(|ticket| {
            let granted = if ticket.granted { "granted" } else { "revoked" };
            let standby = if ticket.standby { " [standby]" } else { "" };
            let last = ticket.last_granted.map(status_text::time);
            let last = last.map(|at| format!(" last-granted=\"{at}\"")).unwrap_or_default();
            format!("* {}: {granted}{standby}{last}", ticket.id)
        })
        .collect()
}

fn bans(cib: &Element, wanted: &Wanted) -> Vec<String> {
    facts::bans(cib)
        .into_iter()
        .filter(|ban| ban.id.starts_with(&wanted.ban_prefix))
        .map(|ban| {
            let role = if ban.promoted_only { "as Promoted " } else { "" };
            format!("* {}\tprevents {} from running {role}on {}", ban.id, ban.resource, ban.node)
        })
        .collect()
}

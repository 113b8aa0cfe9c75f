//! The sections of `crm_mon` as text.

use std::collections::BTreeSet;

use cib::Element;
use model::OcfCode;
use pengine::status::Status;
use view::failures::FailedAction;
use view::node_text::{kind_name, node_lines, node_state};
use view::scope::{Scope, node_name};
use view::seen::Seen;
use view::status_text as lists;

use crate::pcs::status_text;

use super::monitor_facts::{self as facts, Histories};

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
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(super) parts: BTreeSet<Part>,
    pub(super) by_node: bool,
    pub(super) inactive: bool,
    pub(super) timing: bool,
    pub(super) detail: bool,
    pub(super) brief: bool,
    pub(super) node: Option<String>,
    /// Only these resources; none named: all.
    pub(super) resources: Vec<String>,
    pub(super) ban_prefix: String,
}

/// What is shown unless something else is asked for.
pub(super) const USUAL: [Part; 9] = [
    Part::Stack,
    Part::Dc,
    Part::Times,
    Part::Counts,
    Part::Maintenance,
    Part::Nodes,
    Part::Resources,
    Part::Failures,
    Part::Fencing,
];

impl Wanted {
    /// What `pcs status` shows, with `--full` or `--hide-inactive`.
    pub(crate) fn of_pcs(full: bool, hide_inactive: bool) -> Self {
        let mut parts = BTreeSet::from(USUAL);
        if full {
            parts.extend([Part::Attributes, Part::FailCounts]);
        }
        Self {
            parts,
            by_node: false,
            inactive: !hide_inactive,
            timing: false,
            detail: full,
            brief: false,
            node: None,
            resources: Vec::new(),
            ban_prefix: String::new(),
        }
    }

    /// What of nodes and resources is shown.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            detail: self.detail,
            active_only: !self.inactive,
            brief: self.brief,
            without_place: false,
            node: self.node.as_deref(),
            resources: &self.resources,
        }
    }
}

/// Returns everything that is wanted, as text.
pub(crate) fn screen(cib: &Element, seen: &Seen, wanted: &Wanted) -> String {
    let mut out = String::new();
    for (title, lines) in sections(cib, seen, wanted) {
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

/// What is there even without anything in it, where there are histories.
pub(super) const HISTORIES: [&str; 2] = ["Migration Summary:", "Operations:"];

/// What is shown of nodes' attributes and of failures below the lists of `crm_simulate`.
pub(super) fn details(
    cib: &Element,
    status: &Status,
    shows_attributes: bool,
    shows_failures: bool,
) -> Vec<(&'static str, Vec<String>)> {
    let wanted = Wanted::default();
    let mut sections = Vec::new();
    if shows_attributes {
        sections.push(("Node Attributes:", attributes(cib, status, &wanted)));
    }
    if shows_failures {
        let counts = fail_counts(cib, status, &wanted);
        sections.extend(counts.map(|lines| ("Migration Summary:", lines)));
        let failed = failures(status, wanted.scope());
        sections.push(("Failed Resource Actions:", status_text::failures(&failed, true)));
    }
    sections.retain(|(title, lines)| !lines.is_empty() || HISTORIES.contains(title));
    sections
}

/// Returns everything that is wanted: titles, and the lines below them.
pub(super) fn sections(
    cib: &Element,
    seen: &Seen,
    wanted: &Wanted,
) -> Vec<(&'static str, Vec<String>)> {
    let (status, scope) = (&seen.status, wanted.scope());
    let has = |part| wanted.parts.contains(&part);
    let mut sections: Vec<(&'static str, Vec<String>)> =
        vec![("Cluster Summary:", summary(cib, seen, wanted))];
    if has(Part::Nodes) {
        let lines = if wanted.by_node {
            nodes_with_resources(status, wanted)
        } else {
            bulleted(node_lines(status, scope))
        };
        sections.push(("Node List:", lines));
    }
    if has(Part::Resources) {
        sections.extend(resources(status, wanted));
    }
    if has(Part::Attributes) {
        sections.push(("Node Attributes:", attributes(cib, status, wanted)));
    }
    if has(Part::Operations) {
        sections.extend(operations(cib, status, wanted).map(|lines| ("Operations:", lines)));
    } else if has(Part::FailCounts) {
        let counts = fail_counts(cib, status, wanted);
        sections.extend(counts.map(|lines| ("Migration Summary:", lines)));
    }
    if has(Part::Failures) {
        let failed = failures(status, scope);
        let lines = status_text::failures(&failed, wanted.detail);
        sections.push(("Failed Resource Actions:", lines));
    }
    if has(Part::Tickets) {
        sections.push(("Tickets:", tickets(status)));
    }
    if has(Part::Bans) {
        sections.push(("Negative Location Constraints:", bans(status, wanted)));
    }
    sections.retain(|(title, lines)| !lines.is_empty() || HISTORIES.contains(title));
    sections
}

fn bulleted(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("* {line}")).collect()
}

/// Returns what failed, as far as it is shown.
pub(super) fn failures(status: &Status, scope: Scope<'_>) -> Vec<FailedAction> {
    let mut failed: Vec<FailedAction> =
        status.failed_operations.iter().map(FailedAction::of).collect();
    failed.retain(|failure| scope.has_node(&failure.node) && scope.names(&failure.resource));
    failed
}

/// How many lines at the end of the summary are about options, where those are wanted.
pub(super) const OPTION_LINES: usize = 3;

fn summary(cib: &Element, seen: &Seen, wanted: &Wanted) -> Vec<String> {
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
    let mut lines: Vec<String> = status_text::summary(&seen.summary, wanted.detail)
        .into_iter()
        .filter(|line| wanted.parts.contains(&part_of(line)))
        .collect();
    if wanted.parts.contains(&Part::Options) {
        let property = |name| view::summary::property(cib, name);
        let fencing = if seen.summary.fencing { "enabled" } else { "disabled" };
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

fn resources(status: &Status, wanted: &Wanted) -> Option<(&'static str, Vec<String>)> {
    let (title, what, mut lines) = if wanted.by_node {
        if !wanted.inactive {
            return None;
        }
        let lines = lists::inactive_resource_lines(status, wanted.scope());
        ("Inactive Resources:", "inactive resources", lines)
    } else {
        let lines = lists::all_resource_lines(status, wanted.scope());
        match wanted.inactive {
            true => ("Full List of Resources:", "resources", lines),
            false => ("Active Resources:", "active resources", lines),
        }
    };
    if lines.is_empty() {
        lines.push(format!("* No {what}"));
    }
    Some((title, lines))
}

fn nodes_with_resources(status: &Status, wanted: &Wanted) -> Vec<String> {
    let scope = wanted.scope();
    let mut lines = Vec::new();
    for node in status.nodes.iter().filter(|node| scope.has_node(&node.name)) {
        let here = lists::lines_on_node(node, status, scope);
        if scope.brief && here.is_empty() {
            continue;
        }
        let (kind, name) = (kind_name(node.kind), node_name(node, wanted.detail));
        lines.push(format!("* {kind} {name}: {}:", node_state(node, wanted.detail)));
        lines.push("  * Resources:".to_owned());
        lines.extend(here.into_iter().map(|line| format!("    {line}")));
    }
    lines
}

/// A node as the head of what is said about it.
fn node_heading(status: &Status, name: &str, wanted: &Wanted) -> String {
    let node = status.nodes.iter().find(|node| node.name == name);
    let shown = node.map_or_else(|| name.to_owned(), |node| node_name(node, wanted.detail));
    format!("* Node: {shown}:")
}

fn attributes(cib: &Element, status: &Status, wanted: &Wanted) -> Vec<String> {
    let mut lines = Vec::new();
    let shown = status.nodes.iter().filter(|node| wanted.scope().has_node(&node.name));
    for node in shown.filter(|node| node.online) {
        let attributes = facts::attributes(cib, node);
        if !attributes.is_empty() {
            lines.push(node_heading(status, &node.name, wanted));
        }
        lines.extend(attributes.iter().map(|attribute| {
            let (name, value) = (attribute.name, attribute.value);
            format!("  * {name:<32}\t: {value:<10}{}", attribute.remark())
        }));
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

fn operations(cib: &Element, status: &Status, wanted: &Wanted) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    let shown = Histories { scope: wanted.scope(), failed_only: false };
    for node in facts::histories(cib, status, &shown)? {
        lines.push(node_heading(status, &node.name, wanted));
        for resource in &node.resources {
            lines.push(format!("  * {}:", headline(resource)));
            for operation in &resource.operations {
                lines.push(format!("    * {}", operation_line(operation, wanted.timing)));
            }
        }
    }
    Some(lines)
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
        for name in ["exec-time", "queue-time"] {
            words.extend(operation.get(name).map(|time| format!("{name}=\"{time}ms\"")));
        }
        let rc = get("rc-code").parse().unwrap_or(0);
        words.push(format!("rc={rc} ({})", OcfCode::from_code(rc).text()));
    }
    let colon = if words.is_empty() { "" } else { ": " };
    format!("({}) {}{colon}{}", get("call-id"), facts::task(operation), words.join(" "))
}

fn fail_counts(cib: &Element, status: &Status, wanted: &Wanted) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    let shown = Histories { scope: wanted.scope(), failed_only: true };
    for node in facts::histories(cib, status, &shown)? {
        lines.push(node_heading(status, &node.name, wanted));
        lines.extend(node.resources.iter().map(|resource| format!("  * {}", headline(resource))));
    }
    Some(lines)
}

fn tickets(status: &Status) -> Vec<String> {
    status
        .tickets
        .iter()
        .map(|ticket| {
            let granted = if ticket.granted { "granted" } else { "revoked" };
            let standby = if ticket.standby { " [standby]" } else { "" };
            let last = ticket.last_granted.map(status_text::time);
            let last = last.map(|at| format!(" last-granted=\"{at}\"")).unwrap_or_default();
            format!("* {}: {granted}{standby}{last}", ticket.id)
        })
        .collect()
}

fn bans(status: &Status, wanted: &Wanted) -> Vec<String> {
    let named = |name: &str| {
        let node = status.nodes.iter().find(|node| node.name == name);
        node.map_or_else(|| name.to_owned(), |node| node_name(node, wanted.detail))
    };
    status
        .bans
        .iter()
        .filter(|ban| wanted.scope().names(&ban.resource) && ban.id.starts_with(&wanted.ban_prefix))
        .map(|ban| {
            let role = if ban.promoted_only { "as Promoted " } else { "" };
            let node = named(&ban.node);
            format!("* {}\tprevents {} from running {role}on {node}", ban.id, ban.resource)
        })
        .collect()
}

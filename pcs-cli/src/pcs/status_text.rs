//! The state of a cluster as text, in the layout of crm_mon.

use jiff::Timestamp;
use view::failures::{FailCount, FailedAction};
use view::nodes::NodeStatus;
use view::resources::{CloneInstance, PrimitiveStatus, ResourceStatus, Role};
use view::summary::{Status, Summary};

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Detail {
    /// Everything, instances one by one.
    pub(crate) full: bool,
    /// Only what runs.
    pub(crate) hide_inactive: bool,
    /// Of a running cluster: what its nodes do not tell is not guessed.
    pub(crate) live: bool,
}

/// Which resources are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only these, what is in them and what they are in; none named: all.
    pub(crate) resources: Vec<String>,
    /// Only what is on this node.
    pub(crate) node: Option<String>,
}

/// Writes a moment in this host's time.
pub(crate) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(
        |_| "unknown".to_owned(),
        |moment| moment.to_zoned(exec::local_zone()).strftime("%a %b %e %H:%M:%S %Y").to_string(),
    )
}

/// Writes the present moment.
pub(crate) fn now() -> String {
    time(Timestamp::now().as_second())
}

fn named(node: &NodeStatus, full: bool) -> String {
    if full && !node.remote { format!("{} ({})", node.name, node.id) } else { node.name.clone() }
}

/// Shows who decides and how much there is.
pub(crate) fn summary(s: &Summary, detail: Detail) -> Vec<String> {
    let dc = match &s.dc {
        Some((name, id)) => {
            let with_id = detail.full && name != id;
            let name = if with_id { format!("{name} ({id})") } else { name.clone() };
            let version = format!(" (version {})", s.dc_version.as_deref().unwrap_or("unknown"));
            let quorum = if s.quorate { "with quorum" } else { "WITHOUT quorum" };
            format!("{name}{version} - partition {quorum}")
        }
        None => "NONE".to_owned(),
    };
    let change = &s.last_change;
    let part = |word: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!(" {word} {text}")).unwrap_or_default()
    };
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut counts = Vec::new();
    if s.disabled > 0 {
        counts.push(format!("{} DISABLED", s.disabled));
    }
    if s.blocked > 0 {
        counts.push(format!("{} BLOCKED from further action due to failure", s.blocked));
    }
    let counts =
        if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let mut lines = vec![
        format!("* Stack: {}", s.stack.as_deref().unwrap_or("unknown")),
        format!("* Current DC: {dc}"),
        format!("* Last updated: {}", now()),
        format!(
            "* Last change:  {}{}{}{}",
            change.at.as_deref().unwrap_or_default(),
            part("by", &change.user),
            part("via", &change.client),
            part("on", &change.node)
        ),
        format!("* {} configured", plural(s.nodes_configured, "node")),
        format!("* {} configured{counts}", plural(s.instances, "resource instance")),
    ];
    if s.maintenance {
        lines.push(String::new());
        lines.push("            *** Resource management is DISABLED ***".to_owned());
        lines.push("The cluster will not attempt to start, stop or recover services".to_owned());
    }
    lines
}

/// Shows nodes: those that are not simply on or off one by one.
pub(crate) fn nodes(status: &Status, detail: Detail) -> Vec<String> {
    let mut lines = Vec::new();
    let lists = [
        ("Online", true, false),
        ("OFFLINE", false, false),
        ("RemoteOnline", true, true),
        ("RemoteOFFLINE", false, true),
    ];
    let busy = |node: &NodeStatus| {
        status
            .resources
            .iter()
            .flat_map(ResourceStatus::instances)
            .any(|p| p.active.iter().any(|a| a.node == node.name && a.role.is_some()))
    };
    let special = |node: &NodeStatus| -> Option<String> {
        let state = if node.unclean {
            let shown = if node.online {
                "online"
            } else if node.pending {
                "pending"
            } else {
                "offline"
            };
            format!("UNCLEAN ({shown})")
        } else if node.pending {
            "pending".to_owned()
        } else if node.standby && node.online {
            if busy(node) { "standby (with active resources)".into() } else { "standby".into() }
        } else if node.standby {
            "OFFLINE (standby)".to_owned()
        } else if node.maintenance && node.online {
            "maintenance".to_owned()
        } else if node.maintenance {
            "OFFLINE (maintenance)".to_owned()
        } else if detail.full {
            if node.online { "online".to_owned() } else { "OFFLINE".to_owned() }
        } else {
            return None;
        };
        Some(state)
    };
    for node in &status.nodes {
        if let Some(state) = special(node) {
            let kind = if node.remote { "RemoteNode" } else { "Node" };
            let feature = match &node.feature_set {
                Some(set) if detail.full && node.online => format!(", feature set {set}"),
                None if detail.full && node.online && !node.remote && !detail.live => {
                    ", feature set <3.15.1".to_owned()
                }
                _ => String::new(),
            };
            lines.push(format!("* {kind} {}: {state}{feature}", named(node, detail.full)));
        }
    }
    for (title, online, remote) in lists {
        let names: Vec<&str> = status
            .nodes
            .iter()
            .filter(|n| special(n).is_none() && n.online == online && n.remote == remote)
            .map(|n| n.name.as_str())
            .collect();
        if !names.is_empty() {
            lines.push(format!("* {title}: [ {} ]", names.join(" ")));
        }
    }
    lines
}

/// Returns what stands in parentheses behind a primitive.
fn flags(p: &PrimitiveStatus) -> String {
    let mut flags: Vec<&str> = Vec::new();
    if p.disabled {
        flags.push("disabled");
    } else if p.target_role.as_deref() == Some("Unpromoted") {
        flags.push("target-role:Unpromoted");
    }
    if p.blocked {
        flags.push("blocked");
    }
    if p.maintenance {
        flags.push("maintenance");
    } else if !p.managed {
        flags.push("unmanaged");
    }
    if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) }
}

fn primitive_line(p: &PrimitiveStatus, name: &str) -> Vec<String> {
    let head = format!("* {name}\t({}):\t", p.agent);
    let orphaned = if p.orphaned { " ORPHANED" } else { "" };
    let pending = p.active.iter().find_map(|a| a.pending);
    let running: Vec<_> = p.active.iter().filter(|a| a.role.is_some() || a.failed).collect();
    match running.as_slice() {
        [] => {
            let state = pending.unwrap_or("Stopped");
            let node =
                p.active.iter().find(|a| a.pending.is_some()).map(|a| format!(" {}", a.node));
            vec![format!("{head}{orphaned} {state}{}{}", node.unwrap_or_default(), flags(p))]
        }
        [one] => {
            let role = one.role.unwrap_or(Role::Started);
            let state = match (one.failed, pending) {
                (true, _) if role == Role::Promoted => "FAILED Promoted".to_owned(),
                (true, _) => "FAILED".to_owned(),
                (false, Some(pending)) => pending.to_owned(),
                (false, None) => role.text().to_owned(),
            };
            vec![format!("{head}{orphaned} {state} {}{}", one.node, flags(p))]
        }
        several => {
            let failed = if several.iter().any(|a| a.failed) { " FAILED" } else { "" };
            let nodes: Vec<&str> = several.iter().map(|a| a.node.as_str()).collect();
            let role = several.iter().filter_map(|a| a.role).max().unwrap_or(Role::Started);
            vec![format!(
                "{head}{orphaned}{failed} {} [ {} ]{}",
                role.text(),
                nodes.join(" "),
                flags(p)
            )]
        }
    }
}

fn group_flags(disabled: bool, managed: bool) -> String {
    let mut flags = Vec::new();
    if disabled {
        flags.push("disabled");
    }
    if !managed {
        flags.push("unmanaged");
    }
    if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) }
}

fn indent(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("  {line}")).collect()
}

/// Says whether an instance of a clone needs lines of its own.
fn stands_out(instance: &CloneInstance) -> bool {
    instance
        .members
        .iter()
        .any(|p| p.failed() || !p.managed || p.active.iter().any(|a| a.pending.is_some()))
}

fn role_of(instance: &CloneInstance) -> Option<Role> {
    let roles: Vec<Option<Role>> =
        instance.members.iter().map(|p| p.active.iter().find_map(|a| a.role)).collect();
    // a group is started when all of it is
    if roles.iter().any(Option::is_none) { None } else { roles.into_iter().flatten().min() }
}

struct Shown<'a> {
    detail: Detail,
    filter: &'a Filter,
    all_nodes: Vec<&'a str>,
}

impl Shown<'_> {
    fn on_node(&self, p: &PrimitiveStatus) -> Option<PrimitiveStatus> {
        let mut p = p.clone();
        if let Some(node) = &self.filter.node {
            let was_active = p.is_active();
            p.active.retain(|a| a.node == *node);
            if was_active && p.active.is_empty() {
                return None;
            }
        }
        if self.detail.hide_inactive && !p.is_active() { None } else { Some(p) }
    }

    fn names(&self, id: &str) -> bool {
        self.filter.resources.is_empty() || self.filter.resources.iter().any(|wanted| wanted == id)
    }

    fn primitives(&self, members: &[PrimitiveStatus], whole: bool) -> Vec<String> {
        members
            .iter()
            .filter(|p| whole || self.names(&p.id))
            .filter_map(|p| self.on_node(p))
            .flat_map(|p| primitive_line(&p, &p.id))
            .collect()
    }

    fn resource(&self, resource: &ResourceStatus) -> Vec<String> {
        let whole = self.names(resource.id());
        match resource {
            ResourceStatus::Primitive(p) => self.primitives(std::slice::from_ref(p), whole),
            ResourceStatus::Group { id, members, disabled, managed } => {
                let lines = self.primitives(members, whole);
                if lines.is_empty() {
                    return Vec::new();
                }
                let mut all =
                    vec![format!("* Resource Group: {id}{}:", group_flags(*disabled, *managed))];
                all.extend(indent(lines));
                all
            }
            ResourceStatus::Clone { id, member, promotable, unique, disabled, managed, .. } => {
                let inside = whole
                    || self.names(member)
                    || resource.instances().iter().any(|p| self.names(&p.id));
                if !inside {
                    return Vec::new();
                }
                let lines = self.clone(resource);
                if lines.is_empty() && (self.detail.hide_inactive || self.filter.node.is_some()) {
                    return Vec::new();
                }
                let mut words = Vec::new();
                if *promotable {
                    words.push("promotable");
                }
                if *unique {
                    words.push("unique");
                }
                if *disabled {
                    words.push("disabled");
                }
                if !*managed {
                    words.push("unmanaged");
                }
                let words = if words.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", words.join(", "))
                };
                let mut all = vec![format!("* Clone Set: {id} [{member}]{words}:")];
                all.extend(indent(lines));
                all
            }
            ResourceStatus::Bundle { id, image, replicas, .. } => {
                if !whole && !replicas.iter().any(|r| self.names(&r.inside.id)) {
                    return Vec::new();
                }
                let lines: Vec<String> = replicas
                    .iter()
                    .filter_map(|r| Some((r, self.on_node(&r.inside)?)))
                    .flat_map(|(r, p)| {
                        let name = match &r.address {
                            Some(address) => format!("{} ({address})", r.name),
                            None => r.name.clone(),
                        };
                        primitive_line(&p, &name)
                    })
                    .collect();
                if lines.is_empty() {
                    return Vec::new();
                }
                let set = if replicas.len() > 1 { " set" } else { "" };
                let mut all = vec![format!("* Container bundle{set}: {id} [{image}]:")];
                all.extend(indent(lines));
                all
            }
        }
    }

    fn clone(&self, resource: &ResourceStatus) -> Vec<String> {
        let ResourceStatus::Clone {
            member,
            of_group,
            promotable,
            max,
            instances,
            disabled,
            unique,
            ..
        } = resource
        else {
            return Vec::new();
        };
        let here: Vec<&CloneInstance> = instances
            .iter()
            .filter(|i| self.filter.node.as_ref().is_none_or(|node| i.node == *node))
            .collect();
        let mut lines = Vec::new();
        let mut rest: Vec<&CloneInstance> = Vec::new();
        for (n, instance) in here.iter().enumerate() {
            let partial = role_of(instance).is_none();
            if !(stands_out(instance) || partial || self.detail.full || *unique) {
                rest.push(instance);
                continue;
            }
            let own: Vec<String> =
                instance.members.iter().flat_map(|p| primitive_line(p, &p.id)).collect();
            if *of_group {
                lines.push(format!("* Resource Group: {member}:{n}:"));
                lines.extend(indent(own));
            } else {
                lines.extend(own);
            }
        }
        for role in [Role::Promoted, Role::Started, Role::Unpromoted] {
            let nodes: Vec<&str> =
                rest.iter().filter(|i| role_of(i) == Some(role)).map(|i| i.node.as_str()).collect();
            if !nodes.is_empty() {
                let title =
                    if *promotable && role == Role::Started { "Unpromoted" } else { role.text() };
                lines.push(format!("* {title}: [ {} ]", nodes.join(" ")));
            }
        }
        if !self.detail.hide_inactive && self.filter.node.is_none() {
            let mut idle: Vec<&str> = self
                .all_nodes
                .iter()
                .copied()
                .filter(|node| !instances.iter().any(|i| i.node == *node))
                .collect();
            idle.sort_unstable();
            idle.truncate(max.saturating_sub(instances.len()));
            if !idle.is_empty() {
                let word = if *disabled { "Stopped (disabled)" } else { "Stopped" };
                lines.push(format!("* {word}: [ {} ]", idle.join(" ")));
            }
        }
        lines
    }
}

fn is_stonith(resource: &ResourceStatus) -> bool {
    matches!(resource, ResourceStatus::Primitive(p) if p.agent.starts_with("stonith:"))
}

/// Says whether a resource is among those that are shown.
pub(crate) fn is_shown(
    resource: &ResourceStatus,
    status: &Status,
    detail: Detail,
    filter: &Filter,
    stonith: Option<bool>,
) -> bool {
    let all_nodes = status.nodes.iter().map(|n| n.name.as_str()).collect();
    let shown = Shown { detail, filter, all_nodes };
    stonith.is_none_or(|stonith| is_stonith(resource) == stonith)
        && !shown.resource(resource).is_empty()
}

/// Shows resources; `stonith` picks fence devices, others, or (none) both.
pub(crate) fn resources(
    status: &Status,
    detail: Detail,
    filter: &Filter,
    stonith: Option<bool>,
) -> Vec<String> {
    let all_nodes = status.nodes.iter().map(|n| n.name.as_str()).collect();
    let shown = Shown { detail, filter, all_nodes };
    status
        .resources
        .iter()
        .filter(|r| stonith.is_none_or(|stonith| is_stonith(r) == stonith))
        .flat_map(|r| shown.resource(r))
        .collect()
}

/// Writes an interval for people: `1m`, `30s`, `1m30s`.
fn interval(ms: u64) -> String {
    let seconds = ms / 1_000;
    if !ms.is_multiple_of(1_000) {
        return format!("{ms}ms");
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, rest) = (rest / 3_600, rest % 3_600);
    let (minutes, seconds) = (rest / 60, rest % 60);
    [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

fn result_text(action: &FailedAction) -> String {
    crate::tools::crm_error::meaning(action.result)
}

fn status_text(action: &FailedAction) -> &'static str {
    match action.status {
        0 => "Done",
        2 => "Timed Out",
        3 => "Not supported",
        5 => "Hard error",
        6 => "Fatal error",
        7 => "Not installed",
        _ => "Error",
    }
}

/// Shows what failed.
pub(crate) fn failures(actions: &[FailedAction], detail: Detail) -> Vec<String> {
    actions
        .iter()
        .map(|action| {
            let at = action.at.map(time);
            if detail.full {
                let change = at.map(|at| {
                    let (queued, took) = (action.queued_ms, action.took_ms);
                    format!(", last-rc-change='{at}', queued={queued}ms, exec={took}ms")
                });
                let change = change.unwrap_or_default();
                let reason = match action.reason.as_str() {
                    "" => String::new(),
                    reason => format!(", exitreason='{reason}'"),
                };
                return format!(
                    "* {}_{}_{} on {} '{}' ({}): call={}, status='{}'{reason}{change}",
                    action.resource,
                    action.operation,
                    action.interval_ms,
                    action.node,
                    result_text(action),
                    action.result,
                    action.call,
                    status_text(action)
                );
            }
            let operation = if action.interval_ms > 0 {
                format!("{}-interval {}", interval(action.interval_ms), action.operation)
            } else if action.operation == "monitor" {
                "probe".to_owned()
            } else {
                action.operation.clone()
            };
            let happened = if action.status > 1 {
                format!("could not be executed ({})", status_text(action))
            } else {
                format!("returned '{}'", result_text(action))
            };
            let reason = if action.reason.is_empty() {
                String::new()
            } else {
                format!(" ({})", action.reason)
            };
            let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
            let took = if action.took_ms > 0 {
                format!(" after {}", duration(action.took_ms))
            } else {
                String::new()
            };
            format!(
                "* {} {operation} on {} {happened}{reason}{at}{took}",
                action.resource, action.node
            )
        })
        .collect()
}

fn duration(ms: u64) -> String {
    if ms >= 1_000 { format!("{}.{:03}s", ms / 1_000, ms % 1_000) } else { format!("{ms}ms") }
}

/// Shows attributes of nodes that live as long as their membership.
pub(crate) fn attributes(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    let hidden = |name: &str| {
        ["fail-count-", "last-failure-", "#", "shutdown", "terminate", "standby", "probe_complete"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    };
    for node in status.nodes.iter().filter(|n| n.online) {
        let shown: Vec<String> = node
            .transient
            .iter()
            .filter(|(name, _)| !hidden(name))
            .map(|(name, value)| format!("  * {name:<32}\t: {value:<10}"))
            .collect();
        if !shown.is_empty() {
            lines.push(format!("* Node: {}:", named(node, true)));
            lines.extend(shown);
        }
    }
    lines
}

/// Shows how often what failed, node by node.
pub(crate) fn migration(
    status: &Status,
    counts: &[FailCount],
    thresholds: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let mut lines = Vec::new();
    for node in status.nodes.iter().filter(|n| n.online) {
        let mut here: Vec<&FailCount> = counts.iter().filter(|c| c.node == node.name).collect();
        here.dedup_by(|a, b| a.resource == b.resource);
        if here.is_empty() {
            continue;
        }
        lines.push(format!("* Node: {}:", named(node, true)));
        for count in here {
            let same = |c: &&FailCount| c.node == count.node && c.resource == count.resource;
            let total: Option<u64> = counts.iter().filter(same).map(|c| c.count).sum();
            let total = total.map_or_else(|| "INFINITY".to_owned(), |n| n.to_string());
            let last = counts.iter().filter(same).filter_map(|c| c.last).max();
            let last = last.map(|at| format!(" last-failure='{}'", time(at))).unwrap_or_default();
            lines.push(format!(
                "  * {}: migration-threshold={} fail-count={total}{last}",
                count.resource,
                thresholds(&count.resource)
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #[test]
    fn intervals_are_written_for_people() {
        for (ms, text) in [(60_000, "1m"), (90_000, "1m30s"), (10_000, "10s"), (1_500, "1500ms")] {
            assert_eq!(super::interval(ms), text);
        }
    }
}

//! The transition summary: what will happen to each resource, and why.

use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::plan::PlannedAction;
use crate::role::Role;
use crate::task;

/// Columns of names and details are at least this wide.
const WIDTH_MIN: usize = 5;

/// All lines of the summary, in order.
pub(crate) fn lines(planned: &Planned) -> Vec<PlannedAction> {
    let mut out = Vec::new();
    let placed = &planned.placed;
    for index in crate::order::newest_first(&placed.book) {
        let action = &placed.book[index];
        if action.resource.is_some() || action.optional || action.task != task::STONITH {
            continue;
        }
        let Some(node) = action.node else { continue };
        let how = action.meta.get("stonith_action").unwrap_or_default();
        let verb = format!("Fence ({how})");
        let name = match placed.cluster.guest_container(node) {
            Some(container) => format!(
                "{} (resource: {})",
                placed.cluster[node].name, placed.cluster[container].id
            ),
            None => placed.cluster[node].name.clone(),
        };
        let line = match &action.reason {
            Some(reason) => format!("{verb} {name} '{reason}'"),
            None => format!("{verb} {name}"),
        };
        out.push(PlannedAction {
            verb,
            subject: name,
            details: String::new(),
            source: None,
            destination: None,
            role: None,
            next_role: None,
            reason: action.reason.as_deref().map(str::to_owned),
            blocked: false,
            line,
        });
    }
    let fencings = out.len();
    for &rsc in &placed.cluster.top {
        resource(planned, rsc, &mut out);
    }
    let items = &mut out[fencings..];
    // a longer name makes room for two characters more, which the next ones may fill
    let name_width = items.iter().fold(WIDTH_MIN, |width, item| {
        if item.subject.len() > width { item.subject.len() + 2 } else { width }
    });
    let details_width = items.iter().map(|i| i.details.len()).fold(WIDTH_MIN, usize::max);
    for item in items {
        item.line = format!(
            "{:<10} {:<name_width$}   ( {:>details_width$} )",
            item.verb, item.subject, item.details
        );
        match (&item.reason, item.blocked) {
            (Some(reason), true) => {
                item.line.push_str(&format!("  due to {reason} (blocked)"));
            }
            (Some(reason), false) => item.line.push_str(&format!("  due to {reason}")),
            (None, true) => item.line.push_str("  blocked"),
            (None, false) => {}
        }
    }
    out
}

fn resource(planned: &Planned, rsc: ResourceIx, out: &mut Vec<PlannedAction>) {
    let one = &planned.placed.cluster[rsc];
    if one.is_primitive() {
        primitive(planned, rsc, out);
        return;
    }
    let children = match planned.cluster().bundle(rsc) {
        Some(bundle) => bundle.replicas.iter().flat_map(|r| r.shell().chain(r.child)).collect(),
        None => one.children.clone(),
    };
    for child in children {
        resource(planned, child, out);
    }
}

struct Item<'a> {
    planned: &'a Planned,
    rsc: ResourceIx,
    role: Role,
}

fn primitive(planned: &Planned, rsc: ResourceIx, out: &mut Vec<PlannedAction>) {
    let (cluster, book) = (&planned.placed.cluster, &planned.placed.book);
    let one = &cluster[rsc];
    let next = planned.home(rsc);
    let current = cluster.current_node(rsc);
    let mut role = one.role;
    if current.is_some() && role == Role::Stopped {
        role = Role::Started;
    }
    if current.is_none() && one.removed {
        return;
    }
    if !one.managed || (current.is_none() && next.is_none()) {
        return;
    }
    let item = Item { planned, rsc, role };
    let find = |task: task::Task, node: Option<NodeIx>| book.first_action(rsc, task, node);
    let moving = matches!((current, next), (Some(a), Some(b)) if a != b);
    let start = find(task::START, next);
    let start_runnable = start.is_some_and(|start| book[start].runnable);
    let mut stop = find(task::STOP, if start_runnable { current } else { None });
    if stop.is_none() && one.stop_unexpected {
        stop = find(task::STOP, None);
    }
    let promote = find(task::PROMOTE, next);
    let demote = find(task::DEMOTE, next);
    let required = |action: Option<ActionIx>| action.is_some_and(|a| !book[a].optional);
    if role == one.next_role {
        let migrate = find(task::MIGRATE_FROM, next);
        if let Some(migrate) = migrate.filter(|m| book[*m].runnable && !book[*m].optional) {
            item.push(out, "Migrate", current, next, Some(migrate), None);
        } else if one.reload {
            item.push(out, "Reload", current, next, find(task::RELOAD, next).or(start), start);
        } else if !required(start) {
            if required(demote) && required(promote) {
                item.push(out, "Re-promote", current, next, promote, demote);
            }
        } else if !start_runnable {
            let reason = stop.filter(|stop| book[*stop].reason.is_some()).or(start);
            item.push(out, "Stop", current, None, stop, reason);
        } else if moving {
            let verb = if one.failed { "Recover" } else { "Move" };
            item.push(out, verb, current, next, stop, None);
        } else if one.failed {
            item.push(out, "Recover", current, None, stop, None);
        } else {
            item.push(out, "Restart", current, next, start, None);
        }
        return;
    }
    if stop.is_some() && (one.next_role == Role::Stopped || (start.is_some() && !start_runnable)) {
        for &node in &one.running_on {
            let stop = find(task::STOP, Some(node));
            let reason = match stop {
                Some(stop) if book[stop].reason.is_some() => Some(stop),
                _ => start,
            };
            item.push(out, "Stop", Some(node), None, stop, reason);
        }
    } else if stop.is_some() && one.failed && one.stop_if_failed {
        item.push(out, "Recover", current, next, stop, start);
    } else if moving {
        item.push(out, "Move", current, next, stop, None);
    } else if one.reload {
        item.push(out, "Reload", current, next, start, None);
    } else if required(stop) {
        item.push(out, "Restart", current, next, start, None);
    } else if role == Role::Promoted {
        item.push(out, "Demote", current, next, demote, None);
    } else if one.next_role == Role::Promoted {
        item.push(out, "Promote", current, next, promote, None);
    } else if role == Role::Stopped && one.next_role > Role::Stopped {
        item.push(out, "Start", current, next, start, None);
    }
}

impl Item<'_> {
    fn push(
        &self,
        out: &mut Vec<PlannedAction>,
        verb: &str,
        origin: Option<NodeIx>,
        destination: Option<NodeIx>,
        action: Option<ActionIx>,
        source: Option<ActionIx>,
    ) {
        let Some(action) = action.or(source) else { return };
        let source = source.unwrap_or(action);
        let (cluster, book) = (&self.planned.placed.cluster, &self.planned.placed.book);
        let one = &cluster[self.rsc];
        let (role, next) = (self.role, one.next_role);
        let need_role = role > Role::Started || next > Role::Unpromoted;
        let same_role = role == next;
        let name = |node: NodeIx| cluster[node].name.as_str();
        let details = match (origin, destination) {
            (None, Some(to)) if need_role => {
                format!("{} -> {} {}", role.text(), next.text(), name(to))
            }
            (None, Some(to)) => name(to).to_owned(),
            (Some(from), None) if need_role => format!("{} {}", role.text(), name(from)),
            (Some(from), None) => name(from).to_owned(),
            (Some(from), Some(to)) => match (need_role, same_role, from == to) {
                (true, true, true) => format!("{} {}", role.text(), name(from)),
                (false, true, true) => name(from).to_owned(),
                (true, true, false) => {
                    format!("{} -> {} {}", name(from), name(to), role.text())
                }
                (false, true, false) => format!("{} -> {}", name(from), name(to)),
                (_, false, true) => {
                    format!("{} -> {} {}", role.text(), next.text(), name(from))
                }
                (_, false, false) => {
                    format!("{} {} -> {} {}", role.text(), name(from), next.text(), name(to))
                }
            },
            (None, None) => return,
        };
        out.push(PlannedAction {
            verb: verb.to_owned(),
            subject: one.id.clone(),
            details,
            source: origin.map(|node| name(node).to_owned()),
            destination: destination.map(|node| name(node).to_owned()),
            role: need_role.then(|| role.text().to_owned()),
            next_role: (need_role && !same_role && destination.is_some())
                .then(|| next.text().to_owned()),
            reason: book[source].reason.as_deref().map(str::to_owned),
            blocked: !book[action].runnable,
            line: String::new(),
        });
    }
}

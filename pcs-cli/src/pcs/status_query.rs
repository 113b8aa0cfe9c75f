//! `pcs status query resource`: answers for scripts, by text and by exit status.

use cib::Element;
use pcs::resource;
use pcs::text::quoted;
use pengine::status::{ResourceKind, ResourceStatus, Status};

use super::context::{Cli, Context, Failure, fail};

const USAGE: Failure = Failure::Usage { area: "status", command: "query resource" };

const STATES: [&str; 22] = [
    "active",
    "blocked",
    "demoting",
    "disabled",
    "enabled",
    "failed",
    "failure_ignored",
    "locked_to",
    "maintenance",
    "managed",
    "migrating",
    "monitoring",
    "orphaned",
    "pending",
    "promoted",
    "promoting",
    "started",
    "starting",
    "stopped",
    "stopping",
    "unmanaged",
    "unpromoted",
];

/// What an answer is.
enum Answer {
    /// Yes or no, with lines that say more.
    Truth(bool, Vec<String>),
    /// Lines.
    Lines(Vec<String>),
}

/// Runs `pcs status query …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--quiet"])?;
    let [what, id, query, rest @ ..] = words else { return Err(USAGE) };
    if what != "resource" {
        return Err(USAGE);
    }
    let quiet = context.has("--quiet");
    let cib = context.cib()?;
    let answer = answer(context, &cib, id, query, rest)?;
    match answer {
        Answer::Lines(lines) => {
            if quiet {
                return fail("Option '--quiet' cannot be used with this query");
            }
            context.print_lines(&lines);
            Ok(())
        }
        Answer::Truth(yes, lines) => {
            if !quiet {
                context.print(if yes { "True" } else { "False" });
                context.print_lines(&lines);
            }
            if yes { Ok(()) } else { Err(Failure::Exit(2)) }
        }
    }
}

fn answer(
    context: &mut Context,
    cib: &Element,
    id: &str,
    query: &str,
    rest: &[String],
) -> Cli<Answer> {
    let found = resource::find(cib, id);
    if query == "exists" {
        return Ok(Answer::Truth(found.is_some(), Vec::new()));
    }
    if query == "is-state" {
        return is_state(context, cib, id, rest);
    }
    let Some(element) = found else {
        return fail(format!("Resource '{id}' does not exist"));
    };
    let yes = |truth: bool| Ok(Answer::Truth(truth, Vec::new()));
    match (query, rest) {
        ("is-stonith", []) => yes(resource::is_stonith(element)),
        ("is-type", [kind, flags @ ..]) => {
            let of_kind = kind_of(element) == kind;
            let has = |flag: &String| is_flagged(element, flag);
            yes(of_kind && flags.iter().all(has))
        }
        ("get-type", []) => {
            let mut words = vec![kind_of(element).to_owned()];
            for flag in ["unique", "promotable"] {
                if is_flagged(element, flag) {
                    words.push(flag.to_owned());
                }
            }
            Ok(Answer::Lines(vec![words.join(" ")]))
        }
        ("get-members", []) => {
            expect(element, &["bundle", "clone", "group"])?;
            let ids = resource::members(element).filter_map(|m| m.id().map(str::to_owned));
            Ok(Answer::Lines(ids.collect()))
        }
        ("get-nodes", []) => Ok(Answer::Lines(crate::tools::monitor_facts::active_nodes(cib, id))),
        ("is-in-group", names) => {
            expect(element, &["primitive"])?;
            inside(cib, element, names, |e| e.name() == "group")
        }
        ("is-in-clone", names) => {
            expect(element, &["group", "primitive"])?;
            inside(cib, element, names, resource::is_clone)
        }
        ("is-in-bundle", names) => {
            expect(element, &["primitive"])?;
            inside(cib, element, names, |e| e.name() == "bundle")
        }
        ("get-index-in-group", []) => {
            expect(element, &["primitive"])?;
            let group = resource::parent(cib, id).filter(|p| p.name() == "group");
            match group {
                Some(group) => {
                    let at = resource::members(group).position(|m| m.id() == Some(id));
                    Ok(Answer::Lines(at.map(|at| at.to_string()).into_iter().collect()))
                }
                None => fail(format!("Resource '{id}' is not in a group")),
            }
        }
        _ => Err(USAGE),
    }
}

fn kind_of(element: &Element) -> &str {
    if resource::is_clone(element) { "clone" } else { element.name() }
}

fn is_flagged(element: &Element, flag: &str) -> bool {
    let meta = |name: &str| {
        pcs::nvset::value(element, "meta_attributes", name).is_some_and(pcs::options::is_true)
    };
    match flag {
        "promotable" => {
            element.name() == "master" || (resource::is_clone(element) && meta("promotable"))
        }
        "unique" => resource::is_clone(element) && meta("globally-unique"),
        _ => false,
    }
}

fn expect(element: &Element, kinds: &[&str]) -> Cli {
    if kinds.contains(&kind_of(element)) {
        return Ok(());
    }
    fail(format!(
        "Resource '{}' has unexpected type '{}'. This command works only for resources of type {}",
        element.id().unwrap_or_default(),
        kind_of(element),
        quoted(kinds)
    ))
}

fn inside(
    cib: &Element,
    element: &Element,
    names: &[String],
    is: impl Fn(&Element) -> bool,
) -> Cli<Answer> {
    let mut holder = element.id().and_then(|id| resource::parent(cib, id));
    while let Some(parent) = holder {
        if is(parent) {
            let id = parent.id().unwrap_or_default().to_owned();
            let yes = names.is_empty() || names.contains(&id);
            return Ok(Answer::Truth(yes, vec![id]));
        }
        holder = parent.id().and_then(|id| resource::parent(cib, id));
    }
    Ok(Answer::Truth(false, Vec::new()))
}

/// How many of several must be in a state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantity {
    All,
    Any,
    None,
}

impl Quantity {
    fn parse(word: &str) -> Cli<Self> {
        match word {
            "all" => Ok(Self::All),
            "any" => Ok(Self::Any),
            "none" => Ok(Self::None),
            _ => {
                fail(format!("'{word}' is not a valid quantifier value, use 'all', 'any', 'none'"))
            }
        }
    }

    fn holds(self, mut truths: impl Iterator<Item = bool>) -> bool {
        match self {
            Self::All => truths.all(|t| t),
            Self::Any => truths.any(|t| t),
            Self::None => !truths.any(|t| t),
        }
    }
}

fn is_state(context: &mut Context, cib: &Element, id: &str, words: &[String]) -> Cli<Answer> {
    let [state, rest @ ..] = words else { return Err(USAGE) };
    if !STATES.contains(&state.as_str()) {
        return fail(format!("'{state}' is not a valid state value, use {}", quoted(STATES)));
    }
    let mut node = None;
    let mut members = None;
    let mut instances = None;
    let mut pairs = rest.chunks_exact(2);
    for pair in &mut pairs {
        match pair[0].as_str() {
            "on-node" => node = Some(pair[1].as_str()),
            "members" => members = Some(Quantity::parse(&pair[1])?),
            "instances" => instances = Some(Quantity::parse(&pair[1])?),
            _ => return Err(USAGE),
        }
    }
    let Some(element) = resource::find(cib, id) else {
        return fail(format!("Resource '{id}' does not exist"));
    };
    if members.is_some() {
        let cloned_group =
            resource::is_clone(element) && resource::members(element).any(|m| m.name() == "group");
        if element.name() != "group" && !cloned_group {
            return fail(
                "'members' quantifier can be used only on group resources or group instances of cloned groups",
            );
        }
    }
    let status = super::status::look(context)?.seen.status;
    let groups = instances_of(&status, id);
    let each = |instance: &Vec<&ResourceStatus>| {
        members.unwrap_or(Quantity::All).holds(instance.iter().map(|p| holds(p, state, node)))
    };
    // a clone is in a state when all of its instances are, unless somebody says otherwise; one on
    // another node does not count when a node is named
    let truth = match instances {
        Some(quantity) => quantity.holds(groups.iter().map(each)),
        None if groups.is_empty() => false,
        None if groups.len() == 1 => groups.iter().all(each),
        None if node.is_some() => groups.iter().any(each),
        None => groups.iter().all(each),
    };
    Ok(Answer::Truth(truth, Vec::new()))
}

/// Returns the instances of a resource, each with its primitives: of a clone those that are
/// somewhere, or all of them when none is.
fn instances_of<'a>(status: &'a Status, id: &str) -> Vec<Vec<&'a ResourceStatus>> {
    let Some(top) = status.resources.iter().find(|top| is_or_holds(top, id)) else {
        return Vec::new();
    };
    let parts = |resource: &'a ResourceStatus| {
        let mut found = Vec::new();
        collect(resource, id, top.configured_id() == id, &mut found);
        found
    };
    let instances: Vec<Vec<&ResourceStatus>> = match top.kind {
        // a replica is shown as what runs in it
        ResourceKind::Bundle { .. } if top.id == id => {
            top.children.iter().map(|replica| vec![replica]).collect()
        }
        ResourceKind::Clone { .. } | ResourceKind::Bundle { .. } => {
            top.children.iter().map(parts).filter(|parts| !parts.is_empty()).collect()
        }
        _ => return vec![parts(top)],
    };
    let is_somewhere = |parts: &Vec<&ResourceStatus>| {
        parts.iter().any(|part| part.active || part.failed || part.pending.is_some())
    };
    let (somewhere, idle): (Vec<_>, Vec<_>) = instances.into_iter().partition(is_somewhere);
    if somewhere.is_empty() { idle } else { somewhere }
}

fn is_or_holds(resource: &ResourceStatus, id: &str) -> bool {
    resource.configured_id() == id || resource.children.iter().any(|child| is_or_holds(child, id))
}

/// Collects the primitives of what has this id; `meant`: it is around this resource.
fn collect<'a>(
    resource: &'a ResourceStatus,
    id: &str,
    meant: bool,
    found: &mut Vec<&'a ResourceStatus>,
) {
    let meant = meant || resource.configured_id() == id;
    if meant && resource.kind == ResourceKind::Primitive {
        found.push(resource);
    }
    resource.children.iter().for_each(|child| collect(child, id, meant, found));
}

fn holds(p: &ResourceStatus, state: &str, node: Option<&str>) -> bool {
    let here = node.is_none_or(|node| p.nodes.iter().any(|name| name == node));
    let role = |name: &str| p.role == name && here;
    let under_way_here = node.is_none_or(|node| p.pending_node.as_deref() == Some(node)) || here;
    let pending = |word: &str| {
        under_way_here && p.pending.as_deref().map(view::status_text::pending_text) == Some(word)
    };
    match state {
        "active" => p.active && here,
        "started" => role("Started"),
        "promoted" => role("Promoted"),
        "unpromoted" => role("Unpromoted"),
        "stopped" => p.role == "Stopped" && node.is_none(),
        "blocked" => p.blocked,
        "disabled" => is_disabled(p),
        "enabled" => !is_disabled(p),
        "failed" => p.failed && here,
        "failure_ignored" => p.failure_ignored && here,
        "locked_to" => {
            let locked = p.locked_to.as_deref();
            locked.is_some_and(|lock| node.is_none_or(|node| node == lock))
        }
        "maintenance" => p.maintenance,
        "managed" => p.managed,
        "unmanaged" => !p.managed,
        "orphaned" => p.orphaned,
        "pending" => p.pending.is_some() && under_way_here,
        "starting" => pending("Starting"),
        "stopping" => pending("Stopping"),
        "promoting" => pending("Promoting"),
        "demoting" => pending("Demoting"),
        "migrating" => pending("Migrating"),
        "monitoring" => pending("Monitoring"),
        _ => false,
    }
}

fn is_disabled(resource: &ResourceStatus) -> bool {
    resource.target_role.as_deref() == Some("Stopped")
}

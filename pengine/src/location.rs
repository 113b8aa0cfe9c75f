//! Location constraints and everything else that ties resources to nodes.

use cib::Element;
use model::Score;

use crate::action::Book;
use crate::cluster::{Cluster, Variant};
use crate::constraint::{
    Constrained, Discovery, Location, as_sets, constrained_resource, is_whole, set_members, sets,
};
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::{Cause, Cell};
use crate::role::Role;
use crate::rules::{self, Context};
use crate::task;
use crate::unpack::{add_own_score, add_score};
use crate::values;

/// What a rule's text may refer to: what a pattern matched in the resource's name.
type Matches = Vec<String>;

/// Reads one constraint.
pub(crate) fn unpack(all: &mut Constrained, element: &Element) {
    let expanded = as_sets(&all.cluster, element, &[("rsc", Some("role"), None)]);
    let element = expanded.as_ref().unwrap_or(element);
    let sets = sets(&all.cluster, element);
    if !sets.is_empty() {
        for set in &sets {
            let score = set.get("score").or_else(|| element.get("score"));
            let role = set.get("role").or_else(|| element.get("role"));
            for resource in set_members(&all.cluster, set) {
                one(all, element, resource, role, score, &Matches::new());
            }
            // what comes after one that there is not is not constrained
            if !is_whole(&all.cluster, set) {
                return;
            }
        }
        return;
    }
    if let Some(id) = element.get("rsc") {
        if let Some(resource) = constrained_resource(&all.cluster, id) {
            one(all, element, resource, element.get("role"), element.get("score"), &Matches::new());
        }
        return;
    }
    let Some(pattern) = element.get("rsc-pattern") else { return };
    let (pattern, invert) = match pattern.strip_prefix('!') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let Ok(pattern) = regex::Regex::new(pattern) else { return };
    for resource in all.cluster.top.clone() {
        let id = all.cluster[resource].id.clone();
        let captures = pattern.captures(&id);
        if captures.is_some() == invert {
            continue;
        }
        let matches = captures.map_or_else(Matches::new, |captures| {
            captures.iter().map(|m| m.map_or("", |m| m.as_str()).to_owned()).collect()
        });
        one(all, element, resource, element.get("role"), element.get("score"), &matches);
    }
}

fn discovery_of(element: &Element) -> Discovery {
    match element.get("resource-discovery") {
        Some("never") => Discovery::Never,
        Some("exclusive") => Discovery::Exclusive,
        _ => Discovery::Always,
    }
}

fn one(
    all: &mut Constrained,
    element: &Element,
    resource: ResourceIx,
    role: Option<&str>,
    score: Option<&str>,
    matches: &Matches,
) {
    let role = role.and_then(Role::parse).unwrap_or_default();
    let id = element.id().unwrap_or_default();
    if let Some(name) = element.get("node") {
        let score = score.and_then(values::score).unwrap_or_default();
        if let Some(node) = all.cluster.find_node(None, Some(name)) {
            add(all, id, resource, role, vec![(node, score)], discovery_of(element));
        }
        return;
    }
    let context = all.cluster.context();
    let rules: Vec<Element> =
        element.children_named("rule").filter_map(|rule| context.resolve(rule)).cloned().collect();
    for rule in rules {
        by_rule(all, element, &rule, resource, matches);
    }
}

/// Reads a rule of a constraint: its own role counts, not the constraint's.
fn by_rule(
    all: &mut Constrained,
    element: &Element,
    rule: &Element,
    resource: ResourceIx,
    matches: &Matches,
) {
    let rule = &with_matches(rule, matches);
    let role = match rule.get("role") {
        None => Role::Unknown,
        Some(text) => match Role::parse(text) {
            Some(role) => role,
            // a rule about a role that there is not is about nothing
            None => return,
        },
    };
    let fixed = rule.get("score").and_then(values::score);
    let attribute = rule.get("score-attribute");
    let mut nodes = Vec::new();
    let mut next = None;
    for node in all.cluster.node_order.clone() {
        let parameters = all.cluster.parameters(resource, Some(node));
        let cluster = &all.cluster;
        let context = Context {
            node: Some(&cluster[node].attributes),
            parameters: Some(&parameters),
            meta: Some(&cluster[resource].meta),
            ..cluster.context()
        };
        if !rules::holds(rule, &context, &mut next) {
            continue;
        }
        let score = match attribute {
            // a node without a value is no choice; one that is no score counts nothing
            Some(name) => cluster
                .attribute_for(node, name, Some(resource))
                .map_or(Score::MINUS_INFINITY, |text| values::score(text).unwrap_or_default()),
            None => fixed.unwrap_or_default(),
        };
        nodes.push((node, score));
    }
    if let Some(when) = next {
        all.cluster.recheck(when);
    }
    let id = rule.id().or(element.id()).unwrap_or_default();
    add(all, id, resource, role, nodes, discovery_of(element));
}

/// Puts what a pattern matched in place of `%1` and the like in a rule's attributes.
fn with_matches(rule: &Element, matches: &Matches) -> Element {
    let mut rule = rule.clone();
    if matches.len() > 1 {
        replace_matches(&mut rule, matches);
    }
    rule
}

fn replace_matches(element: &mut Element, matches: &Matches) {
    for name in ["attribute", "score-attribute"] {
        let Some(text) = element.get(name) else { continue };
        let mut text = text.to_owned();
        for (number, matched) in matches.iter().enumerate().take(10) {
            text = text.replace(&format!("%{number}"), matched);
        }
        element.set(name, text);
    }
    element.children_mut().for_each(|child| replace_matches(child, matches));
}

fn add(
    all: &mut Constrained,
    id: &str,
    resource: ResourceIx,
    role: Role,
    nodes: Vec<(NodeIx, Score)>,
    discovery: Discovery,
) {
    if discovery == Discovery::Exclusive {
        // even a rule that holds for no node says that others are out of the question
        all.cluster[resource].exclusive_discovery = true;
    }
    if nodes.is_empty() {
        return;
    }
    if role == Role::Promoted {
        all.cluster[resource].has_promoted_role_location = true;
    }
    // who will be promoted must run there unpromoted first: what is about that is about all
    let role = if role == Role::Unpromoted { Role::Unknown } else { role };
    let id = id.to_owned();
    all.rules.locate(|index| Location { index, id, resource, role, nodes, discovery });
}

/// Applies locks, location scores, stickiness, failure bans and exclusive discovery.
pub(crate) fn apply_node_criteria(all: &mut Constrained) {
    if all.cluster.properties.shutdown_lock {
        for rsc in all.cluster.top.clone() {
            match all.cluster[rsc].variant {
                Variant::Primitive => shutdown_lock(all, rsc),
                Variant::Group { .. } => {
                    for member in all.cluster[rsc].children.clone() {
                        shutdown_lock(all, member);
                    }
                }
                // instances are never locked: others may take over from them
                Variant::Clone(_) | Variant::Bundle(_) => {}
            }
        }
    }
    for number in 0..all.rules.locations.len() {
        let location = all.rules.locations[number].clone();
        apply_location(all, location.resource, &location, false);
    }
    for rsc in all.cluster.top.clone() {
        for part in all.cluster.family(rsc) {
            if all.cluster[part].children.is_empty() && all.cluster[part].is_primitive() {
                stickiness(all, part);
            }
        }
    }
    for node in all.cluster.node_order.clone() {
        let any_failed = crate::fail_count::any(&all.cluster, node);
        for rsc in all.cluster.top.clone() {
            for part in all.cluster.family(rsc) {
                // a fail count that is about to be cleared counts no more
                let clear = crate::action::Key::once(crate::task::CLEAR_FAILCOUNT);
                if any_failed
                    && all.cluster[part].is_primitive()
                    && all.book.matching_exactly(part, clear, node).is_none()
                    && let Some(banned) =
                        crate::fail_count::threshold_reached(&mut all.cluster, part, node)
                {
                    add_score(
                        &all.cluster,
                        &mut all.scores,
                        banned,
                        node,
                        Score::MINUS_INFINITY,
                        Cause::FailCount,
                    );
                }
            }
            exclusive(all, rsc, node);
        }
    }
}

/// Has the history that holds a lock erased.
pub(crate) fn forget_lock(cluster: &mut Cluster, book: &mut Book, rsc: ResourceIx, node: NodeIx) {
    book.simple(cluster, rsc, task::LRM_DELETE, Some(node), false);
}

fn shutdown_lock(all: &mut Constrained, rsc: ResourceIx) {
    let one = &all.cluster[rsc];
    if one.fence_device || one.is_remote {
        return;
    }
    if let Some(lock) = one.lock_node {
        // started elsewhere all the same: that must not be disturbed any more
        if !one.running_on.is_empty() {
            forget_lock(&mut all.cluster, &mut all.book, rsc, lock);
            all.cluster[rsc].lock_node = None;
            all.cluster[rsc].lock_time = 0;
        }
    } else if let [node] = *one.running_on.as_slice()
        && all.cluster[node].shutdown
        && !all.cluster[node].unclean
    {
        let since = all.cluster.attribute(node, "shutdown").and_then(values::number);
        all.cluster[rsc].lock_time = since.filter(|t| *t > 1).unwrap_or(all.cluster.now);
        all.cluster[rsc].lock_node = Some(node);
    }
    let Some(lock) = all.cluster[rsc].lock_node else { return };
    let limit = all.cluster.properties.shutdown_lock_limit_ms / 1000;
    if limit > 0 {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX / 2);
        let until = all.cluster[rsc].lock_time + limit + 1;
        all.cluster.recheck(until);
    }
    for position in 0..all.cluster.nodes.len() {
        let node = NodeIx::at(position);
        if node != lock {
            let cause = Cause::BuiltIn("shutdown lock");
            add_score(&all.cluster, &mut all.scores, rsc, node, Score::MINUS_INFINITY, cause);
        }
    }
}

/// Applies one location's scores to a resource and what is in it.
pub(crate) fn apply_location(
    all: &mut Constrained,
    rsc: ResourceIx,
    location: &Location,
    scores_given: bool,
) {
    own_location(all, rsc, location, scores_given);
    let colocated = match all.cluster[rsc].variant {
        Variant::Group { colocated, .. } => colocated,
        Variant::Primitive | Variant::Clone(_) | Variant::Bundle(_) => false,
    };
    let mut given = scores_given;
    let children = if all.cluster[rsc].is_bundle() {
        bundle_parts(all, rsc, location)
    } else {
        all.cluster[rsc].children.clone()
    };
    for child in children {
        apply_location(all, child, location, given);
        if colocated {
            // the first member's preferences are enough for all
            given = true;
        }
    }
}

/// What a location of a bundle bears on: containers and addresses, and what is inside if it is
/// about a role.
fn bundle_parts(all: &Constrained, rsc: ResourceIx, location: &Location) -> Vec<ResourceIx> {
    let Some(bundle) = all.cluster.bundle(rsc) else { return Vec::new() };
    let mut parts = Vec::new();
    for replica in &bundle.replicas {
        parts.push(replica.container);
        parts.extend(replica.ip);
    }
    parts.extend(bundle.child.filter(|_| location.role > Role::Started));
    parts
}

fn own_location(all: &mut Constrained, rsc: ResourceIx, location: &Location, zero: bool) {
    let any = matches!(location.role, Role::Unknown | Role::Started);
    if !any && location.role != all.cluster[rsc].next_role {
        return;
    }
    let cause = Cause::Location(location.index);
    for &(node, score) in &location.nodes {
        let score = if zero { Score::ZERO } else { score };
        if !all.scores.allowed(rsc, node) {
            // a constraint brings its own score for a node that was no candidate, not the node's
            all.scores.set(rsc, node, Cell::EMPTY);
        }
        add_own_score(&all.cluster, &mut all.scores, rsc, node, score, cause);
        all.rules.set_discovery(rsc, node, location.discovery);
    }
    if location.discovery == Discovery::Exclusive {
        all.cluster[rsc].exclusive_discovery = true;
    }
}

fn stickiness(all: &mut Constrained, rsc: ResourceIx) {
    let one = &all.cluster[rsc];
    if !one.managed || one.stickiness <= Score::ZERO {
        return;
    }
    let [node] = *one.running_on.as_slice() else { return };
    if !all.cluster.properties.symmetric && !all.scores.allowed(rsc, node) {
        return;
    }
    let score = one.stickiness;
    add_score(&all.cluster, &mut all.scores, rsc, node, score, Cause::Stickiness);
}

/// Tells whether a resource is to be looked for on a node, of all nodes. For the nodes inside
/// bundles, where nothing else is looked for anyway, a constraint must say so.
fn asked_for(all: &Constrained, rsc: ResourceIx, node: NodeIx) -> bool {
    if !all.cluster.is_bundle_node(node) {
        return all.rules.discovery(rsc, node) == Discovery::Exclusive;
    }
    all.rules.locations.iter().any(|location| {
        location.discovery == Discovery::Exclusive
            && all.cluster.family(location.resource).contains(&rsc)
            && location.nodes.iter().any(|(there, _)| *there == node)
    })
}

fn exclusive(all: &mut Constrained, rsc: ResourceIx, node: NodeIx) {
    let top = all.cluster.uppermost(rsc, false);
    if !all.cluster[rsc].exclusive_discovery && !all.cluster[top].exclusive_discovery {
        return;
    }
    for child in all.cluster[rsc].children.clone() {
        exclusive(all, child, node);
    }
    if all.scores.allowed(rsc, node) && !asked_for(all, rsc, node) {
        let cause = Cause::BuiltIn("exclusive discovery elsewhere");
        add_own_score(&all.cluster, &mut all.scores, rsc, node, Score::MINUS_INFINITY, cause);
    }
}

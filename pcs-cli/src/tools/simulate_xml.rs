//! What `crm_simulate` tells, as XML, in the vocabulary of Pacemaker's.

use cib::Element;
use pengine::PlannedAction;
use pengine::status::Status;
use view::failures::FailedAction;
use view::scope::Scope;

use crate::status_xml;

use super::frame;
use super::monitor_facts::Histories;
use super::simulation::Step;

/// Returns the state of the cluster under the given name.
pub(crate) fn status(
    name: &str,
    cib: &Element,
    status: &Status,
    attributes: bool,
    fail_counts: bool,
) -> Element {
    let mut all = Element::new(name)
        .with_child(status_xml::nodes(status, status.nodes.iter(), false))
        .with_child(status_xml::resources(status, Scope::default()));
    if attributes && let Some(attributes) = status_xml::attributes(cib, status.nodes.iter()) {
        all.push(attributes);
    }
    if fail_counts {
        let shown = Histories { failed_only: true, ..Histories::default() };
        status_xml::history(cib, status, &shown).into_iter().for_each(|history| all.push(history));
        let failed: Vec<FailedAction> =
            status.failed_operations.iter().map(FailedAction::of).collect();
        status_xml::failures(&failed).into_iter().for_each(|failures| all.push(failures));
    }
    all
}

/// Returns scores and capacities, as far as they were asked for, in the order they came up.
pub(crate) fn scores(lines: &[&str], scores: bool, utilization: bool) -> Element {
    let all = Element::new(match (scores, utilization) {
        (true, true) => "allocations_utilizations",
        (false, true) => "utilizations",
        (_, false) => "allocations",
    });
    let told = lines.iter().filter_map(|line| score(line).or_else(|| capacity(line)));
    told.fold(all, Element::with_child)
}

/// A line of the scores listing: `STEP: RESOURCE allocation score on NODE: SCORE`, or
/// `RESOURCE promotion score on NODE: SCORE`.
fn score(line: &str) -> Option<Element> {
    if let Some((id, rest)) = line.split_once(" promotion score ") {
        let (place, score) = rest.rsplit_once(": ")?;
        let mut element = Element::new("promotion_score").with("id", id).with("score", score);
        if let Some(node) = place.strip_prefix("on ") {
            element.set("node", node);
        }
        return Some(element);
    }
    let (step, rest) = line.split_once(": ")?;
    let (id, rest) = rest.split_once(" allocation score on ")?;
    let (node, score) = rest.rsplit_once(": ")?;
    Some(
        Element::new("node_weight")
            .with("function", step)
            .with("node", node)
            .with("score", score)
            .with("id", id),
    )
}

/// A line of the capacity listing: `WHEN: NODE capacity: NAME=VALUE …`, or
/// `STEP: RESOURCE utilization on NODE: NAME=VALUE …`.
fn capacity(line: &str) -> Option<Element> {
    let (when, rest) = line.split_once(": ")?;
    let (about, values) = rest.rsplit_once(':')?;
    let mut element = match about.split_once(" utilization on ") {
        Some((resource, node)) => Element::new("utilization")
            .with("resource", resource)
            .with("node", node)
            .with("function", when),
        None => Element::new("capacity")
            .with("node", about.strip_suffix(" capacity")?)
            .with("comment", when),
    };
    for (name, value) in values.split_whitespace().filter_map(|pair| pair.split_once('=')) {
        element.push(frame::with_text(name, value));
    }
    Some(element)
}

/// Returns `<actions>`: the transition summary.
pub(crate) fn actions(planned: &[PlannedAction]) -> Element {
    planned.iter().fold(Element::new("actions"), |all, action| all.with_child(self::action(action)))
}

fn action(planned: &PlannedAction) -> Element {
    let optional = |mut element: Element, pairs: &[(&str, Option<&str>)]| {
        for (name, value) in pairs {
            if let Some(value) = value {
                element.set(name, *value);
            }
        }
        element
    };
    let reason = planned.reason.as_deref();
    if planned.verb.starts_with("Fence") {
        let element = Element::new("node_action")
            .with("task", planned.verb.as_str())
            .with("node", planned.subject.as_str());
        return optional(element, &[("reason", reason)]);
    }
    let (role, next) = (planned.role.as_deref(), planned.next_role.as_deref());
    let element = Element::new("rsc_action")
        .with("action", planned.verb.to_lowercase())
        .with("resource", planned.subject.as_str());
    let blocked = planned.blocked.then_some("true");
    let element = match (planned.source.as_deref(), planned.destination.as_deref()) {
        (None, to) if role.is_some() => {
            optional(element, &[("role", role), ("next-role", next), ("dest", to)])
        }
        (None, node) | (node, None) => optional(element, &[("role", role), ("node", node)]),
        (from, to) if from == to => {
            optional(element, &[("role", role), ("next-role", next), ("source", from)])
        }
        (from, to) if next.is_none() => {
            optional(element, &[("source", from), ("dest", to), ("role", role)])
        }
        (from, to) => optional(
            element,
            &[("role", role), ("source", from), ("next-role", next), ("dest", to)],
        ),
    };
    optional(element, &[("reason", reason), ("blocked", blocked)])
}

/// Returns `<transition>`: what was done on paper.
pub(crate) fn transition(steps: &[Step]) -> Element {
    let told = steps.iter().filter(|step| !matches!(step, Step::Pretended { .. }));
    told.fold(Element::new("transition"), |all, step| all.with_child(self::step(step)))
}

/// Returns one step.
pub(crate) fn step(step: &Step) -> Element {
    match step {
        Step::Operation { resource, task, interval_ms, node } => {
            let mut element = Element::new("rsc_action")
                .with("resource", resource.as_str())
                .with("op", task.as_str())
                .with("node", node.as_str());
            if *interval_ms > 0 {
                element.set("interval", interval_ms.to_string());
            }
            element
        }
        Step::Pseudo { task, node } => {
            let mut element = Element::new("pseudo_action").with("task", task.as_str());
            if let Some(node) = node {
                element.set("node", node.as_str());
            }
            element
        }
        Step::Cluster { task, resource, node } => {
            let mut element = Element::new("cluster_action")
                .with("task", task.as_str())
                .with("node", node.as_str());
            if let Some(resource) = resource {
                element.set("id", resource.as_str());
            }
            element
        }
        Step::Fencing { node, how } => {
            Element::new("fencing_action").with("target", node.as_str()).with("op", how.as_str())
        }
        Step::Pretended { action, rc } => Element::new("pretended_failure")
            .with("action", action.to_string())
            .with("rc", rc.to_string()),
        Step::Attribute { name, value, node_id } => Element::new("inject_attr")
            .with("name", name.as_str())
            .with("value", value.as_str())
            .with("node_path", "/node_state")
            .with("cib_node", node_id.as_str()),
    }
}

//! Differences that are changes of Pacemaker since 2.1.5, known by their shape, never by a seed.
//!
//! Each has the case of Pacemaker's own suite that shows that 3.0.2 does as we do.

use cib::Element;

use crate::outcome::{Edge, Outcome};

/// Takes out of two outcomes what may differ between them.
pub(crate) fn settle(document: &Element, theirs: &mut Outcome, ours: &mut Outcome) {
    ordered_instances(theirs, ours);
    later_members(document, theirs, ours);
    if *ours != *theirs {
        for outcome in [ours, theirs] {
            outcome.drop_scores(|line| score_of_unusable(document, line));
        }
    }
}

/// A group's member that is active while the one before it is not stops before that one starts
/// (`group-fail`), and what stops after a probe starts after it.
fn later_members(document: &Element, theirs: &Outcome, ours: &mut Outcome) {
    let known: Vec<Edge> = theirs.edges().collect();
    let extra: Vec<Edge> = ours.edges().filter(|edge| !known.contains(edge)).collect();
    for edge in extra {
        let (Some(first), Some(then)) = (Instance::of(&edge.first), Instance::of(&edge.then))
        else {
            continue;
        };
        let follows = document.descendants().filter(|one| one.name() == "group").any(|group| {
            let members: Vec<&str> = group
                .children()
                .filter(|child| child.name() == "primitive")
                .filter_map(Element::id)
                .collect();
            members.windows(2).any(|pair| pair == [then.resource, first.resource])
        });
        if follows && matches!(first.task, "stop" | "monitor") && then.task == "start" {
            ours.drop_edge(&edge);
        }
    }
}

/// With `ordered`, every instance is started after all before it and stopped before them
/// (`order-clone`); 2.1.5 orders neighbours only.
fn ordered_instances(theirs: &Outcome, ours: &mut Outcome) {
    let known: Vec<Edge> = theirs.edges().collect();
    let extra: Vec<Edge> = ours.edges().filter(|edge| !known.contains(edge)).collect();
    for edge in extra {
        let (Some(first), Some(then)) = (Instance::of(&edge.first), Instance::of(&edge.then))
        else {
            continue;
        };
        if first.is_sibling(&then) && !first.is_neighbour(&then) {
            ours.drop_edge(&edge);
        }
    }
}

/// Tells whether a line tells a score on a node that can take nothing, in a document whose locations
/// have rules: 2.1.5 adds a rule's score to what the node itself has there, minus infinity, in some
/// cases (`boolean-op=or`, `score-attribute`). It changes no plan.
fn score_of_unusable(document: &Element, line: &str) -> bool {
    let Some((_, node)) = line.rsplit_once(" score on ") else { return false };
    let Some((node, _)) = node.split_once(':') else { return false };
    let ruled = document
        .at(&["configuration", "constraints"])
        .is_some_and(|constraints| constraints.descendants().any(|one| one.name() == "rule"));
    let state = document
        .child("status")
        .and_then(|status| status.children().find(|state| state.get("uname") == Some(node)));
    let usable = state.is_some_and(|state| {
        state.get("join") == Some("member")
            && !state.descendants().any(|pair| pair.get("name") == Some("shutdown"))
    });
    ruled && !usable
}

/// What an action on an instance is about.
struct Instance<'a> {
    resource: &'a str,
    /// An instance that is known to a node goes by the resource's name.
    number: Option<usize>,
    task: &'a str,
}

impl<'a> Instance<'a> {
    /// Reads `RESOURCE:NUMBER_TASK_0 NODE`.
    fn of(action: &'a str) -> Option<Self> {
        let (key, _node) = action.split_once(' ')?;
        let (name, task) = key.strip_suffix("_0")?.rsplit_once('_')?;
        let (resource, number) = match name.split_once(':') {
            Some((resource, number)) => (resource, Some(number.parse().ok()?)),
            None => (name, None),
        };
        Some(Self { resource, number, task })
    }

    fn is_sibling(&self, other: &Self) -> bool {
        (self.resource, self.task) == (other.resource, other.task)
    }

    fn is_neighbour(&self, other: &Self) -> bool {
        self.number.zip(other.number).is_some_and(|(one, two)| one.abs_diff(two) < 2)
    }
}

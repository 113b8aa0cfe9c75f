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
    for edge in extra(ours, theirs) {
        let Some((first, then)) = Instance::both(&edge) else { continue };
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

/// With `ordered`, every instance is started after all before it and stopped before them, and so its
/// probe comes before they are (`order-clone`); 2.1.5 orders neighbours only. It orders those even
/// after an instance without a node, which comes up later now (`clone-order-16instances`).
fn ordered_instances(theirs: &mut Outcome, ours: &mut Outcome) {
    for edge in extra(ours, theirs) {
        if let Some((first, then)) = Instance::both(&edge)
            && then.follows(&first)
            && !first.is_neighbour(&then)
        {
            ours.drop_edge(&edge);
        }
    }
    for edge in extra(theirs, ours) {
        if let Some((first, then)) = Instance::both(&edge)
            && then.follows(&first)
            && first.is_neighbour(&then)
            && edge.then.ends_with(" <none>")
        {
            theirs.drop_edge(&edge);
        }
    }
}

/// Orderings that only the first of two outcomes has.
fn extra(here: &Outcome, there: &Outcome) -> Vec<Edge> {
    let known: Vec<Edge> = there.edges().collect();
    here.edges().filter(|edge| !known.contains(edge)).collect()
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
            && state.get("crmd") == Some("online")
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
    fn both(edge: &'a Edge) -> Option<(Self, Self)> {
        Some((Self::of(&edge.first)?, Self::of(&edge.then)?))
    }

    /// Reads `RESOURCE:NUMBER_TASK_0 NODE`; what a group does has no node.
    fn of(action: &'a str) -> Option<Self> {
        let key = action.split(' ').next()?;
        let (name, task) = key.strip_suffix("_0")?.rsplit_once('_')?;
        let (resource, number) = match name.split_once(':') {
            Some((resource, number)) => (resource, Some(number.parse().ok()?)),
            None => (name, None),
        };
        Some(Self { resource, number, task })
    }

    /// Tells whether this comes after another instance's turn.
    fn follows(&self, first: &Self) -> bool {
        let numbered = self.number.is_some() || first.number.is_some();
        let turn = match (first.task, self.task) {
            ("running", "start") | ("stopped", "stop") => numbered,
            ("monitor", "start" | "stop") => numbered && self.number != first.number,
            (first, then) => first == then,
        };
        turn && self.resource == first.resource
    }

    fn is_neighbour(&self, other: &Self) -> bool {
        self.number.zip(other.number).is_some_and(|(one, two)| one.abs_diff(two) < 2)
    }
}

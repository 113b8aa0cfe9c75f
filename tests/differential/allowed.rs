//! Differences that are changes of Pacemaker since 2.1.5, known by their shape, never by a seed.
//!
//! Each has the case of Pacemaker's own suite that shows that 3.0.2 does as we do.

use crate::outcome::{Edge, Outcome};

/// Takes out of two outcomes what may differ between them.
pub(crate) fn settle(theirs: &mut Outcome, ours: &mut Outcome) {
    ordered_instances(theirs, ours);
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

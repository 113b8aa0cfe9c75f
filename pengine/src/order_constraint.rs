//! Reads ordering constraints.

use cib::Element;

use crate::action::{Point, relation};
use crate::constraint::{Constrained, as_sets, is_whole, sequential, set_members, sets};
use crate::index::ResourceIx;
use crate::task::{self, Task};
use crate::values;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Optional,
    Mandatory,
    Serialize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symmetry {
    Asymmetric,
    Symmetric,
    Inverse,
}

fn kind_of(element: &Element, parent: Option<Kind>) -> Kind {
    match element.get("kind").map(str::to_ascii_lowercase).as_deref() {
        Some("mandatory") => Kind::Mandatory,
        Some("optional") => Kind::Optional,
        Some("serialize") => Kind::Serialize,
        _ => match element.get("score").and_then(values::score) {
            Some(score) if score == model::Score::ZERO => Kind::Optional,
            Some(_) => Kind::Mandatory,
            None => parent.unwrap_or(Kind::Mandatory),
        },
    }
}

fn symmetry_of(element: &Element, kind: Kind, parent: Option<bool>) -> bool {
    if kind == Kind::Serialize {
        return false;
    }
    element.get("symmetrical").and_then(values::boolean).or(parent).unwrap_or(true)
}

fn flags(kind: Kind, first_task: Task, symmetry: Symmetry) -> u32 {
    match kind {
        Kind::Optional => relation::ORDERED,
        Kind::Serialize => relation::ORDERED | relation::SERIALIZE,
        Kind::Mandatory => {
            relation::ORDERED
                | match symmetry {
                    Symmetry::Asymmetric => relation::ASYMMETRIC,
                    Symmetry::Symmetric => {
                        relation::FIRST_IMPLIES_THEN
                            | if matches!(first_task, task::START | task::PROMOTE) {
                                relation::UNRUNNABLE_FIRST_BLOCKS
                            } else {
                                0
                            }
                    }
                    Symmetry::Inverse => relation::THEN_IMPLIES_FIRST,
                }
        }
    }
}

/// Reads one constraint.
pub(crate) fn unpack(all: &mut Constrained, element: &Element) {
    let expanded = as_sets(
        &all.cluster,
        element,
        &[("first", None, Some("first-action")), ("then", None, Some("then-action"))],
    );
    let element = expanded.as_ref().unwrap_or(element);
    let kind = kind_of(element, None);
    let symmetric = symmetry_of(element, kind, None);
    let sets = sets(&all.cluster, element);
    if sets.is_empty() {
        simple(all, element, kind, symmetric);
        return;
    }
    let mut last: Option<&Element> = None;
    for set in &sets {
        // a set that names what there is not ends the constraint
        if !is_whole(&all.cluster, set) {
            return;
        }
        within(all, set, kind, symmetric);
        if let Some(last) = last {
            let forward = if symmetric { Symmetry::Symmetric } else { Symmetry::Asymmetric };
            between(all, last, set, kind, forward);
            if symmetric {
                between(all, set, last, kind, Symmetry::Inverse);
            }
        }
        last = Some(set);
    }
}

fn task_of(element: &Element, name: &str) -> Option<Task> {
    element.get(name).and_then(task::parse)
}

fn simple(all: &mut Constrained, element: &Element, kind: Kind, symmetric: bool) {
    let find = |name: &str, all: &Constrained| {
        element.get(name).and_then(|id| crate::constraint::constrained_resource(&all.cluster, id))
    };
    let (Some(first), Some(then)) = (find("first", all), find("then", all)) else { return };
    let first_task = task_of(element, "first-action").unwrap_or(task::START);
    let then_task = task_of(element, "then-action").unwrap_or(first_task);
    let symmetry = if symmetric { Symmetry::Symmetric } else { Symmetry::Asymmetric };
    let relation = flags(kind, first_task, symmetry);
    let needed = instances_needed(all, element, first);
    if needed > 0 {
        after_minimum(all, element, (first, first_task), (then, then_task), relation, needed);
    } else {
        all.book.order_tasks((first, first_task), (then, then_task), relation);
    }
    if !symmetric {
        return;
    }
    let (Some(first_inverse), Some(then_inverse)) =
        (task::inverse(first_task), task::inverse(then_task))
    else {
        return;
    };
    let relation = flags(kind, first_inverse, Symmetry::Inverse);
    all.book.order_tasks((then, then_inverse), (first, first_inverse), relation);
}

/// How many instances of a clone must be ready before what comes after it; 0 = all that there are.
fn instances_needed(all: &Constrained, element: &Element, first: ResourceIx) -> usize {
    let Some(info) = all.cluster[first].clone_info() else { return 0 };
    if all.cluster[first].meta.contains_key("clone-min") {
        return info.min;
    }
    match element.get("require-all").and_then(values::boolean) {
        Some(false) => 1,
        _ => 0,
    }
}

fn after_minimum(
    all: &mut Constrained,
    element: &Element,
    first: (ResourceIx, Task),
    then: (ResourceIx, Task),
    relation: u32,
    needed: usize,
) {
    let name = format!("{}:{}", task::CLONE_ONE_OR_MORE, element.id().unwrap_or_default());
    let point = gate(all, &name, task::CLONE_ONE_OR_MORE);
    all.book[point].required_before = u32::try_from(needed).unwrap_or(u32::MAX);
    for child in all.cluster[first.0].children.clone() {
        all.book.order(
            Point::of(child, first.1),
            Point::Action(point),
            relation::MIN_RUNNABLE | relation::FIRST_IMPLIES_THEN_GRAPHED,
        );
    }
    all.book.order(
        Point::Action(point),
        Point::of(then.0, then.1),
        relation | relation::UNRUNNABLE_FIRST_BLOCKS,
    );
}

/// A pseudo-action that needs some of what comes before it.
fn gate(all: &mut Constrained, name: &str, task: Task) -> crate::index::ActionIx {
    let point = all.book.named(&mut all.cluster, name, task, None, true);
    let action = &mut all.book[point];
    action.pseudo = true;
    action.runnable = true;
    action.min_runnable = true;
    point
}

fn within(all: &mut Constrained, set: &Element, kind: Kind, symmetric: bool) {
    let kind = kind_of(set, Some(kind));
    let task = task_of(set, "action").unwrap_or(task::START);
    let symmetric = symmetry_of(set, kind, Some(symmetric));
    let members = set_members(&all.cluster, set);
    let symmetry = if symmetric { Symmetry::Symmetric } else { Symmetry::Asymmetric };
    let forward = flags(kind, task, symmetry);
    if kind == Kind::Serialize {
        // no two at once, whatever comes between them
        for (at, first) in members.iter().enumerate() {
            for then in &members[at + 1..] {
                all.book.order_tasks((*first, task), (*then, task), forward);
            }
        }
        return;
    }
    if !sequential(set) {
        return;
    }
    for pair in members.windows(2) {
        all.book.order_tasks((pair[0], task), (pair[1], task), forward);
    }
    if !symmetric {
        return;
    }
    let Some(inverse) = task::inverse(task) else { return };
    let backward = flags(kind, inverse, Symmetry::Inverse);
    for pair in members.windows(2) {
        all.book.order_tasks((pair[1], inverse), (pair[0], inverse), backward);
    }
}

fn between(all: &mut Constrained, one: &Element, two: &Element, kind: Kind, symmetry: Symmetry) {
    let (first, second) = (set_members(&all.cluster, one), set_members(&all.cluster, two));
    let require_all =
        one.get("require-all").is_none_or(|text| values::boolean(text).unwrap_or(true));
    let (mut task_1, mut task_2) = (
        task_of(one, "action").unwrap_or(task::START),
        task_of(two, "action").unwrap_or(task::START),
    );
    if symmetry == Symmetry::Inverse {
        let (Some(inverse_1), Some(inverse_2)) = (task::inverse(task_1), task::inverse(task_2))
        else {
            return;
        };
        (task_1, task_2) = (inverse_1, inverse_2);
    }
    // (of two sets the later one's action decides what a blocked earlier one means)
    let relation = flags(kind, task_2, symmetry);
    // one of several is enough to start something, but all must be gone to stop it
    let require_all = require_all || matches!(task_1, task::STOP | task::DEMOTE);
    if !require_all {
        let name = format!("{}:{}", task::ONE_OR_MORE, one.id().unwrap_or_default());
        let point = gate(all, &name, task::ONE_OR_MORE);
        let here = Point::Action(point);
        for member in first {
            all.book.order(
                Point::of(member, task_1),
                here,
                relation::MIN_RUNNABLE | relation::FIRST_IMPLIES_THEN_GRAPHED,
            );
        }
        for member in second {
            all.book.order(
                here,
                Point::of(member, task_2),
                relation | relation::UNRUNNABLE_FIRST_BLOCKS,
            );
        }
        return;
    }
    let inverse = symmetry == Symmetry::Inverse;
    let end = |members: &[ResourceIx], last: bool| -> Vec<ResourceIx> {
        let found = if last { members.last() } else { members.first() };
        found.copied().into_iter().collect()
    };
    // of a set that is said to be a sequence its end stands for all; of others every member is
    // ordered, though they are sequences, too, unless they say otherwise
    let said = |set: &Element| set.get("sequential").and_then(values::boolean) == Some(true);
    let firsts = if said(one) { end(&first, !inverse) } else { first };
    let thens = if said(two) { end(&second, inverse) } else { second };
    for first in &firsts {
        for then in &thens {
            all.book.order_tasks((*first, task_1), (*then, task_2), relation);
        }
    }
}

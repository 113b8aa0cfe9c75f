//! What can't start keeps what must be with it from starting, too.

use crate::create::Planned;
use crate::index::{ActionIx, ResourceIx};
use crate::role::Role;
use crate::task::{self, Task};

/// Blocks the dependents of a start or promotion that can't happen.
pub(crate) fn block_dependents(planned: &mut Planned, action: ActionIx) {
    let known = &planned.placed.book[action];
    let Some(rsc) = known.resource else { return };
    if known.runnable {
        return;
    }
    let cluster = &planned.placed.cluster;
    let is_start = match known.task {
        task::START => true,
        task::PROMOTE if cluster[rsc].next_role == Role::Promoted => false,
        _ => return,
    };
    let task = known.task;
    let mut top = cluster.uppermost(rsc, false);
    if let Some(bundle) = cluster[top].parent {
        top = bundle;
    }
    for &child in &cluster[top].children {
        let found = planned.placed.book.first_action(child, task, None);
        if found.is_none_or(|found| planned.placed.book[found].runnable) {
            return;
        }
    }
    let reason = format!("colocation with {}", cluster[rsc].id);
    for index in colocations_with(planned, top) {
        let colocation = planned.placed.rules[index].clone();
        if !colocation.score.is_infinite()
            || (!is_start && colocation.primary_role != Role::Promoted)
        {
            continue;
        }
        let blocked =
            if colocation.dependent_role == Role::Promoted { task::PROMOTE } else { task::START };
        mark(planned, colocation.dependent, blocked, &reason);
    }
}

/// Colocations with a resource, its members and what it is in.
fn colocations_with(planned: &Planned, rsc: ResourceIx) -> Vec<crate::index::ColocationIx> {
    let mut found = planned.placed.rules.own_with_this(rsc).to_vec();
    if planned.placed.cluster[rsc].is_group() {
        for member in &planned.placed.cluster[rsc].children {
            for colocation in planned.placed.rules.own_with_this(*member) {
                if planned.placed.rules[*colocation].influence
                    || planned.placed.cluster[rsc].running_on.is_empty()
                {
                    found.push(*colocation);
                }
            }
        }
    }
    found
}

fn mark(planned: &mut Planned, rsc: ResourceIx, task: Task, reason: &str) {
    for action in planned.placed.book.of_resource(rsc).iter().rev().copied().collect::<Vec<_>>() {
        let known = &planned.placed.book[action];
        if known.runnable && known.task == task {
            planned.placed.book[action].runnable = false;
            planned.placed.book.set_reason(action, reason, false);
            block_dependents(planned, action);
            crate::propagate::update(planned, action);
        }
    }
    for child in planned.placed.cluster[rsc].children.clone() {
        mark(planned, child, task, reason);
    }
}

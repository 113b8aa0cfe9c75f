//! Orderings between interleaved clones: instance by instance, instead of all of one before any of
//! the other.

use crate::action::relation::{FIRST_IMPLIES_THEN, UNRUNNABLE_FIRST_BLOCKS};
use crate::cluster::Cluster;
use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::propagate::{Changed, Filter, dispatch};
use crate::task::{self, Task};

/// Tells whether an ordering of two clones' actions holds instance by instance.
pub(crate) fn applies(planned: &Planned, first: ActionIx, then: ActionIx) -> bool {
    let (cluster, book) = (&planned.placed.cluster, &planned.placed.book);
    let (Some(a), Some(b)) = (book[first].resource, book[then].resource) else { return false };
    if a == b || !cluster[a].is_collective() || !cluster[b].is_collective() {
        return false;
    }
    // the one that depends says whether it is interleaved: before a stop that is the first
    let down = matches!(book[then].key.task, task::STOP | task::DEMOTE);
    let dependent = if down { a } else { b };
    crate::values::truth(cluster[dependent].meta.get("interleave").map(String::as_str))
}

fn goes_down(planned: &Planned, action: ActionIx) -> bool {
    let task = planned.placed.book[action].key.task;
    matches!(task::subject(task), task::STOPPED | task::DEMOTED)
}

/// Updates an ordering between two interleaved clones.
pub(crate) fn update(
    planned: &mut Planned,
    first: ActionIx,
    then: ActionIx,
    node: Option<NodeIx>,
    filter: Filter,
    kind: u32,
) -> Changed {
    let mut changed = Changed::default();
    let book = &planned.placed.book;
    let (Some(first_rsc), Some(then_rsc)) = (book[first].resource, book[then].resource) else {
        return changed;
    };
    let current = goes_down(planned, first);
    let (first_task, then_task) = (task::subject(book[first].key.task), book[then].key.task);
    for then_instance in crate::bundle_place::instances(&planned.placed.cluster, then_rsc) {
        let scene = planned.placed.scene();
        let Some(first_instance) = scene.compatible(then_instance, first_rsc, None, current) else {
            // without its partner it can't be anywhere; on the way down nothing waits for it
            if !current && kind & (FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS) != 0 {
                changed.then |= planned.placed.give_up(then_instance);
            }
            continue;
        };
        let task = of_instance(&planned.placed.cluster, first_instance, first_task);
        let book = &mut planned.placed.book;
        let (Some(first_action), Some(then_action)) = (
            book.first_action(first_instance, task, node),
            book.first_action(then_instance, then_task, node),
        ) else {
            continue;
        };
        if book.order_actions(first_action, then_action, kind) {
            changed.merge(Changed { first: true, then: true });
        }
        let flags = planned.flags_of(first_action, node);
        let one =
            dispatch(planned, then_instance, first_action, then_action, node, flags, filter, kind);
        changed.merge(one);
    }
    changed
}

/// What a clone's task is for an instance: primitives know no points of completion.
pub(crate) fn of_instance(cluster: &Cluster, instance: ResourceIx, task: Task) -> Task {
    if cluster[instance].is_primitive() { task::begun(task) } else { task }
}

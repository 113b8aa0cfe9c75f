//! What is ordered with a resource's start or stop is ordered with its migration, too.

use crate::action::{
    Ordering, Point,
    relation::{IF_FIRST_UNMIGRATABLE, ORDERED},
};
use crate::create::Planned;
use crate::task::{self, Task};

/// Adds to each ordering between two resources what it means when they migrate.
pub(crate) fn mirror(planned: &mut Planned) {
    if !planned.placed.cluster.resources.iter().any(|rsc| rsc.allow_migrate) {
        return;
    }
    let orderings = std::mem::take(&mut planned.placed.book.orderings);
    let mut all = Vec::with_capacity(orderings.len());
    for ordering in orderings {
        all.push(ordering);
        equivalents(planned, &ordering, &mut all);
    }
    planned.placed.book.orderings = all;
}

fn equivalents(planned: &Planned, ordering: &Ordering, out: &mut Vec<Ordering>) {
    let (cluster, book) = (&planned.placed.cluster, &planned.placed.book);
    let sides = (book.resource_at(ordering.first), book.resource_at(ordering.then));
    let (Some(first), Some(then)) = sides else { return };
    if first == then || cluster.is_inside(then, first) || cluster.is_inside(first, then) {
        return;
    }
    if !cluster[then].allow_migrate {
        return;
    }
    // (what requires or blocks what follows from the starts and stops themselves)
    let only_if_unmigratable =
        if cluster[first].allow_migrate { ORDERED | IF_FIRST_UNMIGRATABLE } else { ORDERED };
    let mut add = |first_task: Task, then_task: Task, flags: u32| {
        out.push(Ordering {
            first: Point::of(first, first_task),
            then: Point::of(then, then_task),
            flags,
        });
    };
    // a partial migration has only its second half to wait with
    let partial = cluster[then].migration_target.is_some();
    match (book.task_at(ordering.first), book.task_at(ordering.then)) {
        (task::START, task::START) => {
            if cluster[first].allow_migrate {
                add(task::MIGRATE_FROM, task::MIGRATE_TO, ORDERED);
            }
            add(task::START, task::MIGRATE_TO, only_if_unmigratable);
        }
        (task::STOP, task::STOP) => {
            add(task::STOP, task::MIGRATE_TO, only_if_unmigratable);
            if partial {
                add(task::STOP, task::MIGRATE_FROM, only_if_unmigratable);
            }
        }
        (task::PROMOTE, task::START) => add(task::PROMOTE, task::MIGRATE_TO, ORDERED),
        (task::DEMOTE, task::STOP) => {
            add(task::DEMOTE, task::MIGRATE_TO, ORDERED);
            if partial {
                add(task::DEMOTE, task::MIGRATE_FROM, ORDERED);
            }
        }
        _ => {}
    }
}

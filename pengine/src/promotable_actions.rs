//! The points in time of a promotable clone: when its instances are promoted and demoted.

use crate::action::{Book, relation::*};
use crate::constraint::Constrained;
use crate::create::Planned;
use crate::index::ResourceIx;
use crate::place::Placed;
use crate::task::{self, Task};

/// The priority of the points at which all instances are through.
const COMPLETION_PRIORITY: i32 = 1_000_000;

/// Adds the orderings that every promotable clone brings along.
pub(crate) fn order(all: &mut Constrained, clone: ResourceIx, ordered: bool) {
    sequence(all, clone);
    let instances = all.cluster[clone].children.clone();
    let book = &mut all.book;
    let mut previous: Option<ResourceIx> = None;
    for instance in instances {
        for (begin, done) in [(task::DEMOTE, task::DEMOTED), (task::PROMOTE, task::PROMOTED)] {
            book.order_tasks((clone, begin), (instance, begin), THEN_IMPLIES_FIRST_GRAPHED);
            book.order_tasks((instance, begin), (clone, done), FIRST_IMPLIES_THEN_GRAPHED);
        }
        book.order_tasks((instance, task::DEMOTE), (instance, task::PROMOTE), ORDERED);
        if let (true, Some(previous)) = (ordered, previous) {
            book.order_tasks((previous, task::PROMOTE), (instance, task::PROMOTE), ORDERED);
            book.order_tasks((instance, task::DEMOTE), (previous, task::DEMOTE), ORDERED);
        }
        previous = Some(instance);
    }
}

/// The sequence of what happens to a promotable clone, or to a bundle around one, as a whole.
///
/// All stops, then all demotions, come before what makes anything more active again.
pub(crate) fn sequence(all: &mut Constrained, rsc: ResourceIx) {
    for (first, then) in [
        (task::STOPPED, task::START),
        (task::STOPPED, task::PROMOTE),
        (task::DEMOTED, task::STOP),
        (task::DEMOTED, task::START),
        (task::DEMOTED, task::PROMOTE),
        (task::RUNNING, task::PROMOTE),
        (task::DEMOTE, task::DEMOTED),
    ] {
        all.book.order_tasks((rsc, first), (rsc, then), ORDERED);
    }
}

/// Creates the points at which the instances of a clone begin to be, and are, promoted and demoted.
pub(crate) fn create(planned: &mut Planned, clone: ResourceIx) {
    let Placed { cluster, book, .. } = &mut planned.placed;
    let family = cluster.family(clone);
    for (begin, done) in [(task::PROMOTE, task::PROMOTED), (task::DEMOTE, task::DEMOTED)] {
        let any = family.iter().any(|part| is_planned(book, *part, begin));
        book.pseudo(cluster, clone, begin, !any, true);
        let done = book.pseudo(cluster, clone, done, !any, true);
        book[done].priority = COMPLETION_PRIORITY;
    }
    if cluster[clone].notify {
        crate::notify::announce_promotion(planned, clone);
    }
}

/// Tells whether a resource's own action is going to happen.
fn is_planned(book: &Book, rsc: ResourceIx, task: Task) -> bool {
    book.of_resource(rsc).iter().any(|action| {
        let action = &book[*action];
        action.task == task && !action.optional
    })
}

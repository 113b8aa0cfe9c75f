//! Actions of clones: those of the instances, and the points in time that others wait for.

use crate::create::Planned;
use crate::index::{ActionIx, ResourceIx};
use crate::place::Placed;
use crate::task;

/// The priority of the points at which all instances are through.
const COMPLETION_PRIORITY: i32 = 1_000_000;

/// What instances are about to do.
#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    active: bool,
    starting: bool,
    stopping: bool,
    /// One instance does both.
    restarting: bool,
}

impl Activity {
    fn merge(&mut self, other: Self) {
        self.active |= other.active;
        self.starting |= other.starting;
        self.stopping |= other.stopping;
        self.restarting |= other.restarting || (other.starting && other.stopping);
    }
}

/// Creates a clone's actions and those of its instances.
pub(crate) fn create(planned: &mut Planned, rsc: ResourceIx) {
    let instances = planned.cluster()[rsc].children.clone();
    of_instances(planned, rsc, &instances);
    if planned.cluster()[rsc].promotable() {
        crate::promotable_actions::create(planned, rsc);
    }
}

/// Creates the actions of the instances of a clone or bundle, and those of the whole.
pub(crate) fn of_instances(planned: &mut Planned, collective: ResourceIx, parts: &[ResourceIx]) {
    let mut all = Activity::default();
    for &instance in parts {
        planned.create(instance);
        let mut one = Activity::default();
        observe(&planned.placed, instance, &mut one);
        all.merge(one);
    }
    let Placed { cluster, book, .. } = &mut planned.placed;
    book.pseudo(cluster, collective, task::START, !all.starting, true);
    let started = book.pseudo(cluster, collective, task::RUNNING, !all.starting, false);
    book[started].runnable = all.active || all.starting;
    let stop = book.pseudo(cluster, collective, task::STOP, !all.stopping, true);
    let stopped = book.pseudo(cluster, collective, task::STOPPED, !all.stopping, true);
    for done in [started, stopped] {
        book[done].priority = COMPLETION_PRIORITY;
    }
    // moving every instance may be done by migration
    book[stop].migratable = !all.restarting;
    if cluster[collective].notify && cluster[collective].is_clone() {
        crate::notify::announce_activity(planned, collective);
    }
}

/// Adds what an instance, or what is in it, does.
fn observe(placed: &Placed, rsc: ResourceIx, found: &mut Activity) {
    let rsc_data = &placed.cluster[rsc];
    found.active |= !rsc_data.running_on.is_empty();
    if !rsc_data.children.is_empty() {
        for &child in &rsc_data.children {
            observe(placed, child, found);
        }
        return;
    }
    let required = |action: &&ActionIx| !placed.book[**action].optional;
    for &action in placed.book.of_resource(rsc).iter().filter(required) {
        let action = &placed.book[action];
        match action.task {
            task::START => found.starting |= action.runnable,
            // a pseudo-action stands for a stop that fencing brings about
            task::STOP => found.stopping |= action.pseudo || action.runnable,
            _ => {}
        }
    }
}

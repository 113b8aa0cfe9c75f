//! The fifth phase: orderings become relations of actions, and their consequences are drawn.

use crate::action::{Book, Ordering, Point, relation::*};
use crate::cluster::{Cluster, Variant};
use crate::create::Planned;
use crate::few::Few;
use crate::index::{ActionIx, ResourceIx};
use crate::place::Placed;
use crate::role::Role;
use crate::task::{self};

/// Actions whose flags no longer change.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) planned: Planned,
}

/// Resolves all orderings and propagates what follows from them.
pub(crate) fn relate(mut planned: Planned) -> Ordered {
    crate::migration_order::mirror(&mut planned);
    resolve(&mut planned);
    for action in newest_first(&planned.placed.book) {
        crate::blocking::block_dependents(&mut planned, action);
    }
    crate::probe_order::all(&mut planned);
    // all there is to know of orderings is in the actions now
    planned.placed.book.orderings = Vec::new();
    crate::propagate::all(&mut planned);
    crate::invalid_order::disable(&mut planned);
    Ordered { planned }
}

/// All actions there are now, the newest first.
pub(crate) fn newest_first(book: &Book) -> Vec<ActionIx> {
    (0..book.actions.len()).rev().map(ActionIx::at).collect()
}

fn resolve(planned: &mut Planned) {
    let Placed { cluster, book, .. } = &mut planned.placed;
    for at in 0..book.orderings.len() {
        let ordering = book.orderings[at];
        let then_resource = book.resource_at(ordering.then);
        for first in firsts(cluster, book, &ordering) {
            let known = &book[first];
            let of_same = known.resource.is_some() && known.resource == then_resource;
            let flags = match known.migration_aborted && of_same {
                true => ordering.flags & !FIRST_IMPLIES_THEN,
                false => ordering.flags,
            };
            for then in book.at(ordering.then) {
                book.order_actions(first, then, flags);
            }
        }
    }
}

/// The actions on the first side of an ordering; where there is none, one that may not happen
/// stands for it.
fn firsts(cluster: &mut Cluster, book: &mut Book, ordering: &Ordering) -> Few<ActionIx> {
    let found = book.at(ordering.first);
    let Point::Task(rsc, task) = ordering.first else { return found };
    if !found.is_empty() || book.resource_at(ordering.then) == Some(rsc) {
        return found;
    }
    let role = cluster.role_of(rsc, true);
    if task == task::STOP && role == Role::Stopped
        || task == task::DEMOTE && role == Role::Unpromoted
    {
        return found;
    }
    Few::One(book.simple(cluster, rsc, task, None, true))
}

impl Planned {
    /// The action that others wait for when they are ordered after a group's or clone's action.
    pub(crate) fn completion_of(&self, action: ActionIx) -> ActionIx {
        let book = &self.placed.book;
        let Some(rsc) = book[action].resource else { return action };
        let cluster = &self.placed.cluster;
        let key = book[action].key;
        if cluster[rsc].is_primitive() || key.interval_ms > 0 || key.task.contains("notify") {
            return action;
        }
        let done = task::completed(task::begun(key.task));
        if task::begun(done) == done {
            return action;
        }
        let wanted = if cluster[rsc].notify && cluster[rsc].is_collective() {
            task::notification("confirmed-post", done.name())
        } else {
            done
        };
        book.first_action(rsc, wanted, None).unwrap_or(action)
    }

    /// An action's flags as its resource sees them: (optional, runnable, migratable).
    pub(crate) fn flags_of(
        &mut self,
        action: ActionIx,
        node: Option<crate::index::NodeIx>,
    ) -> Flags {
        let known = &self.placed.book[action];
        let own = Flags {
            optional: known.optional,
            runnable: known.runnable,
            migratable: known.migratable,
        };
        let Some(rsc) = known.resource else { return own };
        match self.placed.cluster[rsc].variant {
            Variant::Primitive => own,
            Variant::Group { .. } => self.group_flags(action, rsc, node),
            Variant::Clone(_) => {
                let edition = self.placed.book.edition_of_instances(rsc);
                if let Some(flags) = self.flags_memo.get(action, node, edition) {
                    self.take_over(action, node, flags);
                    return flags;
                }
                let instances = self.placed.cluster[rsc].children.clone();
                let flags = self.collective_flags(action, &instances, node);
                let edition = self.placed.book.edition_of_instances(rsc);
                self.flags_memo.note(action, node, edition, flags);
                flags
            }
            Variant::Bundle(_) => crate::bundle_order::flags(self, action, rsc, node),
        }
    }

    fn group_flags(
        &mut self,
        action: ActionIx,
        rsc: ResourceIx,
        node: Option<crate::index::NodeIx>,
    ) -> Flags {
        let mut flags = Flags { optional: true, runnable: true, migratable: false };
        let own_task = self.placed.book[action].task;
        let task = task::begun(own_task);
        for member in self.placed.cluster[rsc].children.clone() {
            let found = self.placed.book.first_action(member, task, node);
            if let Some(found) = found {
                let of_member = self.flags_of(found, node);
                if flags.optional && !of_member.optional {
                    flags.optional = false;
                    self.placed.book[action].optional = false;
                }
                // a group can begin what not all of its members can end
                if task != own_task && flags.runnable && !of_member.runnable {
                    flags.runnable = false;
                    self.placed.book[action].runnable = false;
                }
            } else if !matches!(task, task::STOP | task::DEMOTE) {
                flags.runnable = false;
            }
        }
        flags
    }

    /// Flags of a clone's action, from those of its instances.
    pub(crate) fn collective_flags(
        &mut self,
        action: ActionIx,
        instances: &[ResourceIx],
        node: Option<crate::index::NodeIx>,
    ) -> Flags {
        let mut any_runnable = false;
        let mut flags = Flags { optional: true, runnable: true, migratable: false };
        let own_task = task::subject(self.placed.book[action].key.task);
        let begun = task::begun(own_task);
        for &instance in instances {
            // a pseudo-action of an instance that is a group has no node, and primitives know no
            // points of completion
            let primitive = self.placed.cluster[instance].is_primitive();
            let (task, instance_node) = if primitive { (begun, node) } else { (own_task, None) };
            let Some(found) = self.placed.book.first_action(instance, task, instance_node) else {
                continue;
            };
            let of_instance = self.flags_of(found, node);
            flags.optional &= of_instance.optional;
            any_runnable |= of_instance.runnable;
        }
        flags.runnable = any_runnable;
        self.take_over(action, node, flags);
        flags
    }

    /// Makes a clone's action what its instances' make of it.
    fn take_over(&mut self, action: ActionIx, node: Option<crate::index::NodeIx>, flags: Flags) {
        let book = &mut self.placed.book;
        if !flags.optional && book[action].optional {
            book[action].optional = false;
        }
        if !flags.runnable && node.is_none() && book[action].runnable {
            book[action].runnable = false;
        }
    }
}

/// What propagation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) optional: bool,
    pub(crate) runnable: bool,
    pub(crate) migratable: bool,
}

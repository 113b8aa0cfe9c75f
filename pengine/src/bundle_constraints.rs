//! Orderings and colocations between the parts of a bundle.

use model::Score;

use crate::action::relation::*;
use crate::bundle::Replica;
use crate::constraint::{Colocation, Constrained, Discovery};
use crate::index::{NodeIx, ResourceIx};
use crate::internal::internal_constraints;
use crate::role::Role;
use crate::task::{self, Task};

/// Lets only what is meant for a bundle's node be looked for there.
pub(crate) fn discovery(all: &mut Constrained) {
    for position in 0..all.cluster.nodes.len() {
        let node = NodeIx::at(position);
        let inside = all.cluster[node].connection.filter(|_| all.cluster[node].exclusive);
        let Some(bundle) = inside.and_then(|connection| all.cluster.bundle_of(connection)) else {
            continue;
        };
        for position in 0..all.cluster.resources.len() {
            let rsc = ResourceIx::at(position);
            let mode = match all.scores.allowed(rsc, node) {
                // nothing is looked for where nobody thought of it, not even by order of a location
                false => Discovery::Never,
                // container and address may have been read when it looked like an ordinary node
                true if all.cluster[rsc].parent == Some(bundle) => Discovery::Always,
                true => Discovery::Exclusive,
            };
            all.rules.set_discovery(rsc, node, mode);
        }
    }
}

/// Adds a bundle's internal constraints.
pub(crate) fn internal(all: &mut Constrained, rsc: ResourceIx) {
    let Some(bundle) = all.cluster.bundle(rsc).cloned() else { return };
    for replica in &bundle.replicas {
        of_replica(all, rsc, replica);
    }
    let Some(child) = bundle.child else { return };
    mirror(all, rsc, child, task::START);
    mirror(all, rsc, child, task::STOP);
    internal_constraints(all, child);
    if !all.cluster[child].promotable() {
        return;
    }
    crate::promotable_actions::sequence(all, rsc);
    mirror(all, rsc, child, task::DEMOTE);
    mirror(all, rsc, child, task::PROMOTE);
}

/// What a bundle does, the clone inside does; the bundle is through when the clone is.
fn mirror(all: &mut Constrained, rsc: ResourceIx, child: ResourceIx, task: Task) {
    let done = task::completed(task);
    all.book.order_tasks((rsc, task), (child, task), THEN_IMPLIES_FIRST_GRAPHED);
    all.book.order_tasks((child, done), (rsc, done), FIRST_IMPLIES_THEN_GRAPHED);
}

fn of_replica(all: &mut Constrained, rsc: ResourceIx, replica: &Replica) {
    let container = replica.container;
    internal_constraints(all, container);
    let book = &mut all.book;
    let up = UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED;
    book.order_tasks((rsc, task::START), (container, task::START), up);
    for part in replica.child.into_iter().chain([container]) {
        book.order_tasks((rsc, task::STOP), (part, task::STOP), THEN_IMPLIES_FIRST_GRAPHED);
    }
    for task in [task::START, task::STOP] {
        let done = task::completed(task);
        book.order_tasks((container, task), (rsc, done), FIRST_IMPLIES_THEN_GRAPHED);
    }
    if let Some(ip) = replica.ip {
        internal_constraints(all, ip);
        let book = &mut all.book;
        let up = UNRUNNABLE_FIRST_BLOCKS | GUEST_ALLOWED;
        book.order_tasks((ip, task::START), (container, task::START), up);
        let down = THEN_IMPLIES_FIRST | GUEST_ALLOWED;
        book.order_tasks((container, task::STOP), (ip, task::STOP), down);
        all.rules.colocate(|index| Colocation {
            index,
            id: "#ip-with-container".into(),
            node_attribute: None,
            dependent: ip,
            primary: container,
            dependent_role: Role::Unknown,
            primary_role: Role::Unknown,
            score: Score::INFINITY,
            influence: true,
        });
    }
    if let Some(remote) = replica.remote {
        // this orders and places it after its container; the instance inside follows its node
        internal_constraints(all, remote);
    }
}

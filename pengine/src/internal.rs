//! Orderings and colocations that every resource brings along by its nature.

use model::Score;

use crate::action::relation::*;
use crate::cluster::{Placement, Requires, Variant};
use crate::constraint::{Colocation, Constrained};
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Cause;
use crate::role::Role;
use crate::task;

/// Adds the internal constraints of all resources.
pub(crate) fn all(all: &mut Constrained) {
    for rsc in all.cluster.top.clone() {
        of(all, rsc);
    }
}

fn of(all: &mut Constrained, rsc: ResourceIx) {
    match &all.cluster[rsc].variant {
        Variant::Primitive => primitive(all, rsc),
        Variant::Group { ordered, colocated } => group(all, rsc, *ordered, *colocated),
        Variant::Clone(_) => clone(all, rsc),
        Variant::Bundle(_) => crate::bundle_constraints::internal(all, rsc),
    }
}

/// Adds the internal constraints of one resource and what is in it.
pub(crate) fn internal_constraints(all: &mut Constrained, rsc: ResourceIx) {
    of(all, rsc);
}

fn primitive(all: &mut Constrained, rsc: ResourceIx) {
    if !all.cluster[rsc].managed {
        return;
    }
    let book = &mut all.book;
    book.order_tasks(
        (rsc, task::STOP),
        (rsc, task::START),
        ORDERED | FIRST_IMPLIES_THEN | INTERMEDIATE_STOP,
    );
    let top = all.cluster.uppermost(rsc, false);
    if all.cluster[top].promotable() || all.cluster[rsc].role > Role::Unpromoted {
        book.order_tasks((rsc, task::DEMOTE), (rsc, task::STOP), PROMOTED_IMPLIES_FIRST);
        book.order_tasks((rsc, task::START), (rsc, task::PROMOTE), UNRUNNABLE_FIRST_BLOCKS);
    }
    // what is going to be looked for need not be forgotten first
    for forgetting in [task::LRM_DELETE, task::DELETE] {
        book.order_tasks(
            (rsc, forgetting),
            (rsc, task::MONITOR),
            IF_ON_SAME_NODE | THEN_CANCELS_FIRST,
        );
    }
    let one = &all.cluster[rsc];
    let unfencing =
        !one.fence_device && all.cluster.has_unfencing && one.requires == Requires::Unfencing;
    let capacity =
        all.cluster.properties.placement != Placement::Default && !one.utilization.is_empty();
    if unfencing {
        for node in all.scores.candidates(rsc) {
            crate::unfencing::order(all, rsc, node);
        }
    }
    if capacity {
        crate::utilization::order_load(all, rsc);
    }
    if all.cluster[rsc].container.is_some() {
        contained(all, rsc);
    }
    if all.cluster[rsc].is_remote || all.cluster[rsc].fence_device {
        avoid_remote_nodes(all, rsc);
    }
}

fn contained(all: &mut Constrained, rsc: ResourceIx) {
    let Some(container) = all.cluster[rsc].container else { return };
    let bundled = all.cluster.bundle_of(rsc).is_some();
    let mut forced = None;
    if all.cluster[rsc].is_remote {
        if !bundled {
            avoid_remote_nodes(all, container);
        }
        all.book.order_tasks((container, task::MONITOR), (rsc, task::STOP), ORDERED);
    } else if all.cluster[container].is_remote {
        forced = Some(container);
    } else {
        forced = all.cluster[container]
            .fillers
            .iter()
            .copied()
            .find(|filler| all.cluster[*filler].is_remote);
    }
    if let Some(connection) = forced {
        for node in all.scores.candidates(rsc) {
            if all.cluster[node].connection != Some(connection) {
                forbid(all, rsc, node, "belongs to a guest");
            }
        }
        return;
    }
    all.book.order_tasks(
        (container, task::START),
        (rsc, task::START),
        FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS,
    );
    all.book.order_tasks((rsc, task::STOP), (container, task::STOP), THEN_IMPLIES_FIRST);
    // a bundle's connection may be made from another node than the container's
    let score = if bundled { Score::new(10_000) } else { Score::INFINITY };
    all.rules.colocate(|index| Colocation {
        index,
        id: "#resource-with-container".into(),
        node_attribute: None,
        dependent: rsc,
        primary: container,
        dependent_role: Role::Unknown,
        primary_role: Role::Unknown,
        score,
        influence: true,
    });
}

fn forbid(all: &mut Constrained, rsc: ResourceIx, node: NodeIx, why: &'static str) {
    all.scores.add(rsc, node, Score::MINUS_INFINITY, Cause::BuiltIn(why));
}

/// Remote nodes can't run connections and fence devices.
fn avoid_remote_nodes(all: &mut Constrained, rsc: ResourceIx) {
    for node in all.scores.candidates(rsc) {
        // (an entry of a remote node whose connection has been removed can't run anything)
        if all.cluster[node].remote && all.cluster[node].connection.is_some() {
            forbid(all, rsc, node, "can't run on remote nodes");
        }
    }
}

fn group(all: &mut Constrained, rsc: ResourceIx, ordered: bool, colocated: bool) {
    let top = all.cluster.uppermost(rsc, false);
    let promotable = all.cluster[top].promotable();
    all.book.order_tasks((rsc, task::STOP), (rsc, task::STOPPED), UNRUNNABLE_FIRST_BLOCKS);
    all.book.order_tasks((rsc, task::START), (rsc, task::RUNNING), UNRUNNABLE_FIRST_BLOCKS);
    all.book.order_tasks((rsc, task::STOPPED), (rsc, task::START), ORDERED);
    let mut previous: Option<ResourceIx> = None;
    let mut last_active: Option<ResourceIx> = None;
    for member in all.cluster[rsc].children.clone() {
        of(all, member);
        let mut down = THEN_IMPLIES_FIRST_GRAPHED;
        let mut post_down = FIRST_IMPLIES_THEN_GRAPHED;
        match previous {
            None => {
                if ordered {
                    down |= ORDERED;
                    post_down |= FIRST_IMPLIES_THEN;
                }
            }
            Some(previous) if colocated => {
                let influence = all.cluster[member].critical;
                all.rules.colocate(|index| Colocation {
                    index,
                    id: "#group-members".into(),
                    node_attribute: None,
                    dependent: member,
                    primary: previous,
                    dependent_role: Role::Unknown,
                    primary_role: Role::Unknown,
                    score: Score::INFINITY,
                    influence,
                });
            }
            Some(_) => {}
        }
        let book = &mut all.book;
        let up = UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN | FIRST_IMPLIES_THEN_GRAPHED;
        if promotable {
            book.order_tasks((rsc, task::DEMOTE), (member, task::DEMOTE), down);
            book.order_tasks((member, task::DEMOTE), (rsc, task::DEMOTED), post_down);
            book.order_tasks((member, task::PROMOTE), (rsc, task::PROMOTED), up);
            book.order_tasks(
                (rsc, task::PROMOTE),
                (member, task::PROMOTE),
                THEN_IMPLIES_FIRST_GRAPHED,
            );
        }
        book.order_tasks((rsc, task::STOP), (member, task::STOP), down);
        book.order_tasks((member, task::STOP), (rsc, task::STOPPED), post_down);
        book.order_tasks((rsc, task::START), (member, task::START), THEN_IMPLIES_FIRST_GRAPHED);
        book.order_tasks((member, task::START), (rsc, task::RUNNING), up);
        let blocks = FIRST_IMPLIES_THEN | UNRUNNABLE_FIRST_BLOCKS;
        if !ordered {
            let flags = blocks | THEN_IMPLIES_FIRST_GRAPHED;
            book.order_tasks((rsc, task::START), (member, task::START), flags);
            if promotable {
                book.order_tasks((rsc, task::PROMOTE), (member, task::PROMOTE), flags);
            }
        } else if let Some(previous) = previous {
            book.order_tasks((previous, task::START), (member, task::START), blocks);
            book.order_tasks(
                (member, task::STOP),
                (previous, task::STOP),
                ORDERED | INTERMEDIATE_STOP,
            );
            let active = |one: ResourceIx| !all.cluster[one].running_on.is_empty();
            if active(member) && !active(previous) {
                book.order_tasks(
                    (member, task::STOP),
                    (previous, task::START),
                    THEN_IMPLIES_FIRST | UNRUNNABLE_FIRST_BLOCKS,
                );
            }
            if promotable {
                book.order_tasks((previous, task::PROMOTE), (member, task::PROMOTE), blocks);
                book.order_tasks((member, task::DEMOTE), (previous, task::DEMOTE), ORDERED);
            }
        }
        if !all.cluster[member].running_on.is_empty() {
            let gap = previous.is_some_and(|p| all.cluster[p].running_on.is_empty());
            if let (true, true, Some(last)) = (ordered, gap, last_active) {
                all.book.order_tasks((member, task::STOP), (last, task::STOP), ORDERED);
            }
            last_active = Some(member);
        }
        previous = Some(member);
    }
}

fn clone(all: &mut Constrained, rsc: ResourceIx) {
    let book = &mut all.book;
    let promotable = all.cluster[rsc].promotable();
    book.order_tasks((rsc, task::STOPPED), (rsc, task::START), ORDERED);
    book.order_tasks((rsc, task::START), (rsc, task::RUNNING), UNRUNNABLE_FIRST_BLOCKS);
    book.order_tasks((rsc, task::STOP), (rsc, task::STOPPED), UNRUNNABLE_FIRST_BLOCKS);
    if promotable {
        book.order_tasks((rsc, task::DEMOTED), (rsc, task::STOP), ORDERED);
        book.order_tasks((rsc, task::RUNNING), (rsc, task::PROMOTE), UNRUNNABLE_FIRST_BLOCKS);
    }
    let ordered = all.cluster[rsc].clone_info().is_some_and(|info| info.ordered);
    let instances = all.cluster[rsc].children.clone();
    for (at, &instance) in instances.iter().enumerate() {
        of(all, instance);
        let book = &mut all.book;
        book.order_tasks(
            (rsc, task::START),
            (instance, task::START),
            UNRUNNABLE_FIRST_BLOCKS | THEN_IMPLIES_FIRST_GRAPHED,
        );
        book.order_tasks((instance, task::START), (rsc, task::RUNNING), FIRST_IMPLIES_THEN_GRAPHED);
        book.order_tasks((rsc, task::STOP), (instance, task::STOP), THEN_IMPLIES_FIRST_GRAPHED);
        book.order_tasks((instance, task::STOP), (rsc, task::STOPPED), FIRST_IMPLIES_THEN_GRAPHED);
        if ordered {
            for &later in &instances[at + 1..] {
                book.order_tasks((instance, task::START), (later, task::START), ORDERED);
                book.order_tasks((later, task::STOP), (instance, task::STOP), ORDERED);
            }
        }
    }
    if promotable {
        crate::promotable_actions::order(all, rsc, ordered);
    }
}

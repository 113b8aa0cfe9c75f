//! Probes go before restarts and stops that depend on what they find.

use std::cell::LazyCell;

use crate::action::{Action, Key, relation::*};
use crate::cluster::Variant;
use crate::create::Planned;
use crate::index::{ActionIx, ResourceIx};
use crate::task;

/// Adds all orderings of probes.
pub(crate) fn all(planned: &mut Planned) {
    let ends =
        |action: &Action| matches!(action.key.task, task::STOP | task::DEMOTE) && !action.pseudo;
    // where nothing runs yet there is nothing to restart
    if planned.placed.book.actions.iter().any(ends) {
        all_before_restarts(planned);
    }
    before_stops(planned);
}

fn all_before_restarts(planned: &mut Planned) {
    let mut seen = vec![0_u32; planned.placed.book.actions.len()];
    let mut round = 0;
    for rsc in planned.placed.cluster.top.clone() {
        for part in planned.placed.cluster.family(rsc) {
            if !planned.placed.cluster[part].is_primitive() {
                continue;
            }
            for probe in planned.placed.book.matching(part, Key::once(task::MONITOR), None) {
                // (not what is put after it on the way)
                for at in 0..planned.placed.book[probe].after.len() {
                    let then = planned.placed.book[probe].after[at].other;
                    round += 1;
                    before_restarts(planned, probe, part, then, &mut seen, round);
                }
            }
        }
    }
}

/// Orders a probe before the stops of everything whose start follows in a chain.
fn before_restarts(
    planned: &mut Planned,
    probe: ActionIx,
    probed: ResourceIx,
    then: ActionIx,
    seen: &mut [u32],
    round: u32,
) {
    let mut stack = vec![then];
    while let Some(after) = stack.pop() {
        if seen[after.position()] == round {
            continue;
        }
        seen[after.position()] = round;
        let book = &mut planned.placed.book;
        let cluster = &planned.placed.cluster;
        let rsc = book[after].resource;
        if let Some(rsc) = rsc
            && cluster[rsc].is_primitive()
            && rsc != probed
        {
            let before = match book[after].task {
                task::START => Some(task::STOP),
                task::PROMOTE => Some(task::DEMOTE),
                _ => None,
            };
            if let Some(before) = before {
                for action in book.matching(rsc, Key::once(before), None) {
                    if !book[action].pseudo {
                        book.order_actions(probe, action, ORDERED);
                    }
                }
            }
        }
        let collective = rsc.filter(|r| cluster[*r].is_collective());
        let interleave = collective.filter(|r| {
            crate::values::truth(cluster[*r].meta.get("interleave").map(String::as_str))
        });
        let compatible = LazyCell::new(|| {
            interleave.and_then(|r| planned.placed.scene().compatible(probed, r, None, false))
        });
        let book = &planned.placed.book;
        let cluster = &planned.placed.cluster;
        let from = stack.len();
        for edge in &book[after].after {
            if edge.flags & FIRST_IMPLIES_THEN == 0 {
                let Some(rsc) = rsc else { continue };
                let Some(other) = book[edge.other].resource else { continue };
                if matches!(cluster[rsc].variant, Variant::Primitive)
                    || cluster[probed].parent == Some(rsc)
                    || cluster[other].is_collective()
                    || cluster[other].parent != Some(rsc)
                {
                    continue;
                }
                if interleave.is_some() && *compatible != Some(other) {
                    continue;
                }
            }
            stack.push(edge.other);
        }
        stack[from..].reverse();
    }
}

/// What is ordered after a resource's stop comes after the resource's probes, too.
fn before_stops(planned: &mut Planned) {
    let book = &mut planned.placed.book;
    let cluster = &planned.placed.cluster;
    for at in 0..book.orderings.len() {
        let ordering = book.orderings[at];
        let sides = (book.resource_at(ordering.first), book.resource_at(ordering.then));
        let (Some(first), Some(then)) = sides else { continue };
        if ordering.flags == 0 || then == first {
            continue;
        }
        if book.task_at(ordering.first) != task::STOP {
            continue;
        }
        if cluster[first].container == Some(then) && book.task_at(ordering.then) == task::STOP {
            continue;
        }
        let mut flags = ORDERED | (ordering.flags & (IF_ON_SAME_NODE | IF_FIRST_UNMIGRATABLE));
        if matches!(ordering.flags, IF_REQUIRED_ON_SAME_NODE | IF_ON_SAME_NODE_OR_TARGET) {
            flags = ordering.flags;
        }
        let probes = book.matching(first, Key::once(task::MONITOR), None);
        if probes.is_empty() {
            continue;
        }
        let thens = book.at(ordering.then);
        for probe in probes {
            for then in &thens {
                book.order_actions(probe, *then, flags);
            }
        }
    }
}

//! Consequences: what one action requires, forbids or brings along of others.

use std::collections::VecDeque;

use crate::action::{Edge, relation::*};
use crate::cluster::Variant;
use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::order::Flags;
use crate::role::Role;
use crate::task;

/// Which side of a relation has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) first: bool,
    pub(crate) then: bool,
}

impl Changed {
    pub(crate) fn merge(&mut self, other: Self) {
        self.first |= other.first;
        self.then |= other.then;
    }
}

/// Which flags a relation may act upon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    optional: bool,
    runnable: bool,
}

/// How deep consequences of consequences are followed at once; a level takes some kilobytes of stack
/// and a thread may have two megabytes. What lies deeper is looked at when all above it is done.
const DEPTH_MAX: usize = 100;

/// Where drawing consequences stands.
#[derive(Debug, Default)]
pub(crate) struct Propagation {
    depth: usize,
    /// Updates that may still follow from the one that began: relations are not confluent in every
    /// case, and what would go round for ever must end.
    left: usize,
    /// What lay too deep.
    later: VecDeque<ActionIx>,
}

/// Draws the consequences for all actions, the newest first.
pub(crate) fn all(planned: &mut Planned) {
    for action in crate::order::newest_first(&planned.placed.book) {
        update(planned, action);
    }
}

/// Draws the consequences for one action and, whenever that changes another, for those around that
/// one before going on: reasons depend on what comes first.
pub(crate) fn update(planned: &mut Planned, action: ActionIx) {
    if planned.propagation.depth == 0 {
        planned.propagation.left = 200 * planned.placed.book.actions.len().max(100);
    } else if planned.propagation.depth == DEPTH_MAX {
        planned.propagation.later.push_back(action);
        return;
    }
    let mut next = Some(action);
    while let Some(action) = next {
        if planned.propagation.left == 0 {
            planned.propagation.later.clear();
            return;
        }
        planned.propagation.left -= 1;
        planned.propagation.depth += 1;
        update_one(planned, action);
        planned.propagation.depth -= 1;
        next = match planned.propagation.depth {
            0 => planned.propagation.later.pop_front(),
            _ => None,
        };
    }
}

/// Draws the consequences for all that comes after an action, the newest relation first.
fn update_after(planned: &mut Planned, action: ActionIx) {
    for at in (0..planned.placed.book[action].after.len()).rev() {
        update(planned, planned.placed.book[action].after[at].other);
    }
}

fn effective_node(planned: &Planned, action: ActionIx) -> Option<NodeIx> {
    let known = &planned.placed.book[action];
    match known.resource {
        Some(rsc) if planned.placed.cluster[rsc].is_group() && known.task == task::START => {
            planned.assigned_node(rsc)
        }
        _ => known.node,
    }
}

/// Evaluates everything before an action, the newest relation first.
fn update_one(planned: &mut Planned, then: ActionIx) {
    let mut changed = false;
    let was_runnable = planned.placed.book[then].runnable;
    let was = flags(planned, then);
    if planned.placed.book[then].min_runnable {
        let action = &mut planned.placed.book[then];
        action.runnable_before = 0;
        action.required_before = action.required_before.max(1);
        action.runnable = false;
    }
    // relations that come up meanwhile are for the next time
    for at in (0..planned.placed.book[then].before.len()).rev() {
        let edge = planned.placed.book[then].before[at];
        let one = update_edge(planned, then, at, edge);
        changed |= one.then;
        if one.first {
            update_after(planned, edge.other);
            update(planned, edge.other);
        }
    }
    if planned.placed.book[then].min_runnable {
        changed = flags(planned, then) != was;
    }
    if changed {
        if was_runnable && !planned.placed.book[then].runnable {
            crate::blocking::block_dependents(planned, then);
        }
        update(planned, then);
        update_after(planned, then);
    }
}

fn flags(planned: &Planned, action: ActionIx) -> [bool; 5] {
    let known = &planned.placed.book[action];
    [known.optional, known.runnable, known.pseudo, known.migratable, known.always_in_graph]
}

fn update_edge(planned: &mut Planned, then: ActionIx, at: usize, edge: Edge) -> Changed {
    let mut first = edge.other;
    let mut changed = Changed::default();
    let then_node = effective_node(planned, then);
    let first_node = effective_node(planned, first);
    let book = &mut planned.placed.book;
    let cluster = &mut planned.placed.cluster;
    if edge.flags == 0 {
        return changed;
    }
    if edge.flags & IF_ON_SAME_NODE != 0
        && first_node.is_some()
        && then_node.is_some()
        && first_node != then_node
    {
        book[then].before[at].flags = 0;
        return changed;
    }
    if edge.flags & THEN_CANCELS_FIRST != 0
        && book[first].resource.is_some()
        && !book[then].optional
    {
        book[first].optional = true;
        if let (task::RELOAD, Some(rsc)) = (book[first].task, book[first].resource) {
            cluster[rsc].reload = false;
        }
    }
    if let (Some(a), Some(b)) = (book[first].resource, book[then].resource)
        && a != b
        && !cluster.is_inside(b, a)
    {
        first = planned.completion_of(first);
    }
    if first != edge.other {
        if planned.placed.book.order_actions(first, then, edge.flags) {
            planned.placed.book[then].before[at].flags = 0;
            changed.then = true;
        }
        return changed;
    }
    let first_flags = for_ordering(planned, first, then_node);
    let then_flags = for_ordering(planned, then, first_node);
    changed.merge(apply(planned, first, then, first_flags, then_flags, at));
    changed
}

fn for_ordering(planned: &mut Planned, action: ActionIx, node: Option<NodeIx>) -> Flags {
    let Some(rsc) = planned.placed.book[action].resource else {
        return planned.flags_of(action, None);
    };
    let mut flags = planned.flags_of(action, None);
    if node.is_none() || !planned.placed.cluster[rsc].is_clone() {
        return flags;
    }
    let runnable = flags.runnable;
    flags = planned.flags_of(action, node);
    flags.runnable |= runnable;
    flags
}

fn apply(
    planned: &mut Planned,
    first: ActionIx,
    then: ActionIx,
    first_flags: Flags,
    then_flags: Flags,
    at: usize,
) -> Changed {
    let mut changed = Changed::default();
    let mut node = planned.placed.book[then].node;
    let mut kind = planned.placed.book[then].before[at].flags;
    if kind & FIRST_IMPLIES_SAME_NODE_THEN != 0 {
        kind = kind & !FIRST_IMPLIES_SAME_NODE_THEN | FIRST_IMPLIES_THEN;
        planned.placed.book[then].before[at].flags = kind;
        node = planned.placed.book[first].node;
    }
    let then_rsc = planned.placed.book[then].resource;
    let first_rsc = planned.placed.book[first].resource;
    let only_optional =
        Flags { optional: first_flags.optional, runnable: false, migratable: false };
    let optional = Filter { optional: true, runnable: false };
    let runnable = Filter { optional: false, runnable: true };
    let both = Filter { optional: true, runnable: true };
    let has = |flag: u32| kind & flag != 0;
    let mut run = |planned: &mut Planned, rsc, flags, filter, kind| {
        let one = dispatch(planned, rsc, first, then, node, flags, filter, kind);
        changed.merge(one);
    };
    if has(FIRST_IMPLIES_THEN) {
        if let Some(rsc) = then_rsc {
            run(planned, rsc, only_optional, optional, FIRST_IMPLIES_THEN);
        } else if !first_flags.optional && planned.placed.book[then].optional {
            planned.placed.book[then].optional = false;
            changed.then = true;
        }
    }
    let mut run = |planned: &mut Planned, rsc, flags, filter, kind| {
        let one = dispatch(planned, rsc, first, then, node, flags, filter, kind);
        changed.merge(one);
    };
    if has(INTERMEDIATE_STOP)
        && let Some(rsc) = then_rsc
    {
        run(planned, rsc, first_flags, both, INTERMEDIATE_STOP);
    }
    if has(THEN_IMPLIES_FIRST) {
        if let Some(rsc) = first_rsc {
            // of a clone only what is on the first one's node counts
            run(planned, rsc, first_flags, optional, THEN_IMPLIES_FIRST);
        } else if !first_flags.optional && planned.placed.book[first].runnable {
            planned.placed.book[first].runnable = false;
            changed.first = true;
        }
    }
    let mut run = |planned: &mut Planned, rsc, flags, filter, kind| {
        let one = dispatch(planned, rsc, first, then, node, flags, filter, kind);
        changed.merge(one);
    };
    if has(PROMOTED_IMPLIES_FIRST)
        && let Some(rsc) = then_rsc
    {
        run(planned, rsc, only_optional, optional, PROMOTED_IMPLIES_FIRST);
    }
    if has(MIN_RUNNABLE) {
        if let Some(rsc) = then_rsc {
            run(planned, rsc, first_flags, runnable, MIN_RUNNABLE);
        } else if first_flags.runnable {
            let action = &mut planned.placed.book[then];
            action.runnable_before += 1;
            if action.runnable_before >= action.required_before && !action.runnable {
                action.runnable = true;
                changed.then = true;
            }
        }
    }
    let mut run = |planned: &mut Planned, rsc, flags, filter, kind| {
        let one = dispatch(planned, rsc, first, then, node, flags, filter, kind);
        changed.merge(one);
    };
    if has(NESTED_PROBE)
        && let Some(rsc) = then_rsc
    {
        let about_to_stop = !first_flags.runnable
            && first_rsc.is_some_and(|f| !planned.placed.cluster[f].running_on.is_empty());
        if about_to_stop {
            planned.placed.book[then].before[at].flags = 0;
        } else {
            run(planned, rsc, first_flags, runnable, UNRUNNABLE_FIRST_BLOCKS);
        }
    }
    if has(UNRUNNABLE_FIRST_BLOCKS) {
        if let Some(rsc) = then_rsc {
            run(planned, rsc, first_flags, runnable, UNRUNNABLE_FIRST_BLOCKS);
        } else if !first_flags.runnable && planned.placed.book[then].runnable {
            planned.placed.book[then].runnable = false;
            changed.then = true;
        }
    }
    let mut run = |planned: &mut Planned, rsc, flags, filter, kind| {
        let one = dispatch(planned, rsc, first, then, node, flags, filter, kind);
        changed.merge(one);
    };
    if let Some(rsc) = then_rsc {
        for (flag, filter) in [
            (UNMIGRATABLE_THEN_BLOCKS, optional),
            (FIRST_ELSE_THEN, optional),
            (ORDERED, runnable),
            (ASYMMETRIC, runnable),
        ] {
            if has(flag) {
                run(planned, rsc, first_flags, filter, flag);
            }
        }
    }
    let Planned { placed, .. } = planned;
    let book = &mut placed.book;
    let graphs_then =
        has(FIRST_IMPLIES_THEN_GRAPHED) && book[first].runnable && !first_flags.optional;
    let graphs_first = has(THEN_IMPLIES_FIRST_GRAPHED) && !then_flags.optional;
    for (graphed, action) in [(graphs_then, then), (graphs_first, first)] {
        if graphed && !book[action].always_in_graph {
            book[action].always_in_graph = true;
        }
    }
    if has(FIRST_IMPLIES_THEN | THEN_IMPLIES_FIRST | INTERMEDIATE_STOP)
        && let Some(rsc) = first_rsc
        && !placed.cluster[rsc].managed
        && placed.cluster[rsc].blocked
        && !book[first].runnable
        && book[first].task == task::STOP
        && book[then].runnable
    {
        book[then].runnable = false;
        changed.then = true;
    }
    changed
}

/// Updates two ordered actions the way the resource's kind wants it.
#[allow(clippy::too_many_arguments, reason = "one relation has that many sides")]
pub(crate) fn dispatch(
    planned: &mut Planned,
    rsc: ResourceIx,
    first: ActionIx,
    then: ActionIx,
    node: Option<NodeIx>,
    flags: Flags,
    filter: Filter,
    kind: u32,
) -> Changed {
    match planned.placed.cluster[rsc].variant {
        Variant::Primitive => pair(planned, first, then, flags, filter, kind),
        Variant::Group { .. } => {
            let mut changed = pair(planned, first, then, flags, filter, kind);
            let task = planned.placed.book[then].task;
            if planned.placed.book[then].resource != Some(rsc) {
                return changed;
            }
            for member in planned.placed.cluster[rsc].children.clone() {
                if let Some(action) = planned.placed.book.first_action(member, task, node) {
                    changed
                        .merge(dispatch(planned, member, first, action, node, flags, filter, kind));
                }
            }
            changed
        }
        Variant::Clone(_) | Variant::Bundle(_) => {
            instances(planned, first, then, node, flags, filter, kind)
        }
    }
}

fn instances(
    planned: &mut Planned,
    first: ActionIx,
    then: ActionIx,
    node: Option<NodeIx>,
    flags: Flags,
    filter: Filter,
    kind: u32,
) -> Changed {
    if crate::interleaved_order::applies(planned, first, then) {
        return crate::interleaved_order::update(planned, first, then, node, filter, kind);
    }
    let Some(rsc) = planned.placed.book[then].resource else { return Changed::default() };
    let mut changed = pair(planned, first, then, flags, filter, kind);
    // each instance's own action follows the clone's
    let task = planned.placed.book[then].task;
    for instance in crate::bundle_place::instances(&planned.placed.cluster, rsc) {
        let Some(action) = planned.placed.book.first_action(instance, task, node) else {
            continue;
        };
        let of_instance = planned.flags_of(action, node);
        if of_instance.runnable {
            let one = dispatch(planned, instance, first, action, node, flags, filter, kind);
            changed.merge(one);
            if one.then {
                update_after(planned, action);
            }
        }
    }
    changed
}

/// Says why an action changed, unless its own resource's other action did it.
fn because(planned: &mut Planned, action: ActionIx, what: &str, of: ActionIx) {
    let book = &planned.placed.book;
    if book[action].resource.is_some() && book[action].resource == book[of].resource {
        return;
    }
    let text = format!("{what} {}", book.describe(&planned.placed.cluster, of));
    planned.placed.book.set_reason(action, &text, what == "unmigrateable");
}

fn require(planned: &mut Planned, action: ActionIx, of: ActionIx) {
    if planned.placed.book[action].optional {
        planned.placed.book[action].optional = false;
        because(planned, action, "required", of);
    }
}

fn forbid(planned: &mut Planned, action: ActionIx, of: ActionIx) {
    if planned.placed.book[action].runnable {
        planned.placed.book[action].runnable = false;
        because(planned, action, "unrunnable", of);
    }
}

fn unmigrate(planned: &mut Planned, action: ActionIx, of: ActionIx) {
    if planned.placed.book[action].migratable {
        planned.placed.book[action].migratable = false;
        because(planned, action, "unmigrateable", of);
    }
}

/// Updates two actions of which each stands for itself.
fn pair(
    planned: &mut Planned,
    first: ActionIx,
    then: ActionIx,
    flags: Flags,
    filter: Filter,
    kind: u32,
) -> Changed {
    let (first_was, then_was) = (self::flags(planned, first), self::flags(planned, then));
    let has = |flag: u32| kind & flag != 0;
    if has(ASYMMETRIC) {
        asymmetric(planned, first, then);
    }
    let book = &planned.placed.book;
    if has(THEN_IMPLIES_FIRST) && !book[then].optional {
        let unmigratable = flags.migratable && !book[then].migratable;
        // a single action's own flags are those seen from outside: this is for collectives, of
        // which a part may be required already
        if filter.optional && !flags.optional {
            require(planned, first, then);
        }
        if unmigratable {
            unmigrate(planned, first, then);
        }
    }
    let book = &planned.placed.book;
    if has(PROMOTED_IMPLIES_FIRST)
        && filter.optional
        && !book[then].optional
        && book[then].resource.is_some_and(|r| planned.placed.cluster[r].role == Role::Promoted)
    {
        let unmigratable = book[first].migratable && !book[then].migratable;
        require(planned, first, then);
        if unmigratable {
            unmigrate(planned, first, then);
        }
    }
    if has(UNMIGRATABLE_THEN_BLOCKS) && filter.optional {
        let action = &planned.placed.book[then];
        let (able, optional) = (action.migratable && action.runnable, action.optional);
        if !able {
            forbid(planned, first, then);
        }
        if !optional {
            require(planned, first, then);
        }
    }
    let book = &mut planned.placed.book;
    if has(FIRST_ELSE_THEN) && filter.optional && !book[first].runnable {
        unmigrate(planned, then, first);
        planned.placed.book[then].pseudo = false;
    }
    let book = &planned.placed.book;
    if has(UNRUNNABLE_FIRST_BLOCKS) && filter.runnable && book[then].runnable && !flags.runnable {
        forbid(planned, then, first);
        planned.placed.book[then].migratable = false;
    }
    let book = &planned.placed.book;
    if has(FIRST_IMPLIES_THEN)
        && filter.optional
        && book[then].optional
        && !flags.optional
        && !book[first].migratable
    {
        require(planned, then, first);
    }
    if has(INTERMEDIATE_STOP) {
        intermediate_stop(planned, first, then, filter);
    }
    let changed = Changed {
        first: self::flags(planned, first) != first_was,
        then: self::flags(planned, then) != then_was,
    };
    let rsc = planned.placed.book[then].resource;
    if changed.then && rsc.is_some_and(|rsc| planned.placed.cluster[rsc].parent.is_some()) {
        // the stop and start of a cloned group's member must agree before the next member is seen
        update(planned, then);
    }
    changed
}

fn asymmetric(planned: &mut Planned, first: ActionIx, then: ActionIx) {
    let (book, cluster) = (&planned.placed.book, &planned.placed.cluster);
    let Some(rsc) = book[then].resource else { return };
    if book[first].runnable {
        return;
    }
    if book[then].optional {
        let role = cluster.role_of(rsc, true);
        if role == Role::Stopped && book[then].task == task::STOP {
            return;
        }
        if role >= Role::Started
            && book[then].task == task::START
            && matches!(*cluster[rsc].running_on.as_slice(), [node] if book[then].node == Some(node))
        {
            return;
        }
    }
    require(planned, then, first);
    forbid(planned, then, first);
}

/// A stop between two starts: required when the start is, or when it can't happen.
fn intermediate_stop(planned: &mut Planned, first: ActionIx, then: ActionIx, filter: Filter) {
    let book = &planned.placed.book;
    let managed = book[then].resource.is_some_and(|rsc| planned.placed.cluster[rsc].managed);
    // a member that can't be stopped leaves the others alone
    let same = book[first].resource == book[then].resource;
    let shutdown = filter.runnable && !book[then].runnable && managed && same;
    let recover = filter.optional && !book[then].optional;
    if !shutdown && !recover {
        return;
    }
    if recover || book[first].runnable {
        require(planned, first, then);
    }
    let book = &planned.placed.book;
    if !book[then].migratable {
        unmigrate(planned, first, then);
    }
    let book = &planned.placed.book;
    if !book[first].optional && !book[first].runnable {
        forbid(planned, then, first);
    }
}

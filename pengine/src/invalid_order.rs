//! Relations that can't be kept are dropped once all consequences are drawn.

use crate::action::relation::IF_ON_SAME_NODE_OR_TARGET;
use crate::create::Planned;
use crate::in_graph;
use crate::index::ActionIx;
use crate::place::Placed;
use crate::plan::Level;
use crate::task;

/// Drops relations that can't be kept.
pub(crate) fn disable(planned: &mut Planned) {
    let placed = &mut planned.placed;
    for action in crate::order::newest_first(&placed.book) {
        for at in (0..placed.book[action].before.len()).rev() {
            if between_guest_and_host(placed, action, at) || swaps_places(placed, action, at) {
                placed.book[action].before[at].flags = 0;
            }
        }
    }
}

/// An ordering somebody configured between what runs on a guest and what runs the guest: the
/// guest's own orderings say what goes first, and another one would contradict them.
fn between_guest_and_host(placed: &mut Placed, action: ActionIx, at: usize) -> bool {
    let Placed { cluster, book, .. } = placed;
    let edge = book[action].before[at];
    let input = &book[edge.other];
    let (Some(rsc), Some(_), Some(node)) = (book[action].resource, input.resource, input.node)
    else {
        return false;
    };
    if edge.flags == 0
        || edge.flags & crate::action::relation::GUEST_ALLOWED != 0
        || cluster.guest_container(node) != Some(rsc)
    {
        return false;
    }
    let text = format!(
        "{} is not ordered before {}, whose guest it runs on; remove the constraint that says so",
        book.describe(cluster, edge.other),
        book.describe(cluster, action)
    );
    cluster.say(Level::Warning, text);
    true
}

/// Two resources that swap their nodes by migration would each wait for the other to make room.
fn swaps_places(placed: &mut Placed, action: ActionIx, at: usize) -> bool {
    let edge = placed.book[action].before[at];
    edge.flags == IF_ON_SAME_NODE_OR_TARGET
        && placed.book[action].resource.is_some()
        && placed.book[action].task == task::MIGRATE_TO
        && leads_back(placed, action, action, at, &mut Vec::new())
}

/// Tells whether what has to happen before an action waits, over a relation, for `start`.
fn leads_back(
    placed: &mut Placed,
    start: ActionIx,
    action: ActionIx,
    at: usize,
    path: &mut Vec<ActionIx>,
) -> bool {
    let input = placed.book[action].before[at].other;
    if path.contains(&input) || !in_graph::input(placed, action, at) {
        return false;
    }
    if input == start {
        return true;
    }
    path.push(input);
    let inputs = placed.book[input].before.len();
    let found = (0..inputs).rev().any(|next| leads_back(placed, start, input, next, path));
    path.pop();
    found
}

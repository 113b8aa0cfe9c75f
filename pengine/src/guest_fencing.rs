//! Guest nodes are fenced by recovering what they run in.

use crate::action::relation::*;
use crate::create::Planned;
use crate::index::NodeIx;
use crate::place::Placed;
use crate::task;

/// Adds the pseudo-action that stands for the fencing of a guest, once its container is down.
pub(crate) fn fence(planned: &mut Planned, node: NodeIx) {
    let Placed { cluster, book, .. } = &mut planned.placed;
    let Some(connection) = cluster[node].connection else { return };
    let Some(container) = cluster[connection].container else { return };
    let stop = book.first_action(container, task::STOP, None);
    let starts = book.first_action(container, task::START, None).is_some();
    let how = if starts { "reboot" } else { "off" };
    let fence = book.fencing(cluster, node, Some(how), false, Some("guest is unclean"), false);
    book[fence].pseudo = true;
    book[fence].runnable = true;
    match stop {
        Some(stop) if book[stop].pseudo => {
            // the host is fenced, which takes the container and the guest down with it
            if let Some(host) = book[stop].node {
                let of_host = book.fencing(cluster, host, None, false, None, false);
                let flags = UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN;
                book.order_actions(of_host, fence, flags);
            }
        }
        Some(stop) => {
            book.order_actions(stop, fence, UNRUNNABLE_FIRST_BLOCKS | FIRST_IMPLIES_THEN);
        }
        None => {
            // the container is thought to be down, maybe because its history was cleaned up: the
            // connection's stop comes after the container's probe, and this after both
            if let Some(stop) = book.first_action(connection, task::STOP, None) {
                book.order_actions(stop, fence, ORDERED);
            }
        }
    }
    crate::fence_and_shutdown::order_resources(planned, fence);
}

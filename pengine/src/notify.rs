//! Notifications: clones that want to be told before and after what happens to their siblings.

use crate::action::Book;
use crate::cluster::Cluster;
use crate::index::{ActionIx, ResourceIx};

/// Orders a clone's notifications after the fencing that stands for a stop.
pub(crate) fn order_after_fencing(
    _cluster: &mut Cluster,
    _book: &mut Book,
    _stop: ActionIx,
    _rsc: ResourceIx,
    _fence: ActionIx,
) {
}

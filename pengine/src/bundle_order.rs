//! Flags of bundles' actions.

use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::order::Flags;
use crate::task;

/// The flags of a bundle's action: promotions, demotions and notifications happen to what is
/// inside, everything else to the containers.
pub(crate) fn flags(
    planned: &mut Planned,
    action: ActionIx,
    rsc: ResourceIx,
    node: Option<NodeIx>,
) -> Flags {
    let cluster = &planned.placed.cluster;
    let inside = matches!(
        task::begun(planned.placed.book[action].task),
        task::PROMOTE | task::DEMOTE | task::NOTIFY
    );
    let parts = match cluster.bundle(rsc).and_then(|bundle| bundle.child) {
        Some(child) if inside => cluster[child].children.clone(),
        _ => crate::bundle_place::instances(cluster, rsc),
    };
    planned.collective_flags(action, &parts, node)
}

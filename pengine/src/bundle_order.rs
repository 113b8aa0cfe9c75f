//! Flags and relations of bundles' actions.

use crate::create::Planned;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::order::Flags;

/// The flags of a bundle's action, from those of its containers or instances.
pub(crate) fn flags(
    planned: &mut Planned,
    action: ActionIx,
    rsc: ResourceIx,
    node: Option<NodeIx>,
) -> Flags {
    let Some(bundle) = planned.placed.cluster.bundle(rsc).cloned() else {
        let known = &planned.placed.book[action];
        return Flags {
            optional: known.optional,
            runnable: known.runnable,
            migratable: known.migratable,
        };
    };
    let containers: Vec<ResourceIx> = bundle.replicas.iter().map(|r| r.container).collect();
    planned.collective_flags(action, &containers, node)
}

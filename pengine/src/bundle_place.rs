//! Assignment of bundles: containers like instances, the rest follows.

use crate::constraint::Colocation;
use crate::index::{ColocationIx, NodeIx, ResourceIx};
use crate::place::Placing;

/// Gathers the colocations of a bundle for itself or for its containers.
pub(crate) fn gather(
    placing: &Placing,
    rsc: ResourceIx,
    origin: ResourceIx,
    mut add: impl FnMut(ColocationIx),
    own: &[ColocationIx],
) {
    let container = placing
        .cluster
        .bundle(rsc)
        .is_some_and(|bundle| bundle.replicas.iter().any(|r| r.container == origin));
    if origin == rsc || container {
        own.iter().for_each(|c| add(*c));
    }
}

impl Placing {
    pub(crate) fn assign_bundle(
        &mut self,
        rsc: ResourceIx,
        _prefer: Option<NodeIx>,
        _stop_if_fail: bool,
    ) -> Option<NodeIx> {
        self.homes[rsc.position()].provisional = false;
        None
    }

    pub(crate) fn apply_bundle_score(
        &mut self,
        _dependent: ResourceIx,
        _primary: ResourceIx,
        _colocation: &Colocation,
    ) {
    }
}

/// The instances of a clone, or the containers of a bundle.
pub(crate) fn instances(cluster: &crate::cluster::Cluster, rsc: ResourceIx) -> Vec<ResourceIx> {
    match cluster.bundle(rsc) {
        Some(bundle) => bundle.replicas.iter().map(|replica| replica.container).collect(),
        None => cluster[rsc].children.clone(),
    }
}

/// Everything a bundle consists of, in the order of replicas.
pub(crate) fn parts(cluster: &crate::cluster::Cluster, rsc: ResourceIx) -> Vec<ResourceIx> {
    let Some(bundle) = cluster.bundle(rsc) else { return Vec::new() };
    bundle
        .child
        .into_iter()
        .chain(
            bundle
                .replicas
                .iter()
                .flat_map(|r| [r.ip, Some(r.container), r.remote].into_iter().flatten()),
        )
        .collect()
}

//! Assignment of a clone's instances.

use crate::constraint::Colocation;
use crate::index::{NodeIx, ResourceIx};
use crate::place::Placing;

impl Placing {
    pub(crate) fn assign_clone(
        &mut self,
        rsc: ResourceIx,
        _prefer: Option<NodeIx>,
        _stop_if_fail: bool,
    ) -> Option<NodeIx> {
        self.homes[rsc.position()].provisional = false;
        None
    }

    pub(crate) fn apply_clone_score(
        &mut self,
        _dependent: ResourceIx,
        _primary: ResourceIx,
        _colocation: &Colocation,
    ) {
    }
}

/// Sorts instances by the number at the end of their names.
pub(crate) fn sort_by_number(cluster: &crate::cluster::Cluster, instances: &mut [ResourceIx]) {
    let number = |rsc: &ResourceIx| -> u64 {
        let id = &cluster[*rsc].id;
        id.rsplit(':').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    instances.sort_by_key(number);
}

//! Bundles: containers that are managed together with what runs inside them.

use crate::cluster::{Cluster, Variant};
use crate::index::{NodeIx, ResourceIx};

/// One container of a bundle and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) offset: usize,
    pub(crate) address: Option<String>,
    pub(crate) container: ResourceIx,
    pub(crate) ip: Option<ResourceIx>,
    pub(crate) remote: Option<ResourceIx>,
    pub(crate) child: Option<ResourceIx>,
    pub(crate) node: Option<NodeIx>,
}

/// A bundle's own part.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    pub(crate) replicas: Vec<Replica>,
    pub(crate) per_host: usize,
    pub(crate) promoted_max: usize,
    /// The clone made of the primitive inside.
    pub(crate) child: Option<ResourceIx>,
    pub(crate) image: String,
    pub(crate) agent: &'static str,
    pub(crate) unique: bool,
}

impl Cluster {
    /// The bundle's own part.
    pub(crate) fn bundle(&self, resource: ResourceIx) -> Option<&Bundle> {
        match &self[resource].variant {
            Variant::Bundle(bundle) => Some(bundle),
            Variant::Primitive | Variant::Group { .. } | Variant::Clone(_) => None,
        }
    }

    /// Whether a bundle is active: any replica (or all) has an active part.
    pub(crate) fn active_bundle(&self, resource: ResourceIx, all: bool) -> bool {
        let Some(bundle) = self.bundle(resource) else { return false };
        for replica in &bundle.replicas {
            let parts = [replica.ip, replica.child, Some(replica.container), replica.remote];
            for part in parts.into_iter().flatten() {
                let active = self.is_active(part, all);
                if active && !all {
                    return true;
                }
                if !active && all {
                    return false;
                }
            }
        }
        all
    }
}

//! Bundles: containers that are managed together with what runs inside them.

use crate::cluster::{Cluster, Variant};
use crate::index::{NodeIx, ResourceIx};

/// The program that runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Launcher {
    Docker,
    Podman,
    /// No longer made, but old documents name it.
    Rkt,
}

impl Launcher {
    /// All of them, in the order in which a bundle's element is searched for one.
    pub(crate) const ALL: [Self; 3] = [Self::Docker, Self::Rkt, Self::Podman];

    /// Its element's name, which is its agent's, too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Rkt => "rkt",
        }
    }
}

/// One container of a bundle and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) number: usize,
    pub(crate) address: Option<String>,
    pub(crate) container: ResourceIx,
    pub(crate) ip: Option<ResourceIx>,
    /// The connection to the executor inside.
    pub(crate) remote: Option<ResourceIx>,
    /// The instance of the primitive inside.
    pub(crate) child: Option<ResourceIx>,
    /// The node that the connection makes.
    pub(crate) node: Option<NodeIx>,
}

impl Replica {
    /// What is started beside the instance inside: address, container, connection.
    pub(crate) fn shell(&self) -> impl Iterator<Item = ResourceIx> {
        [self.ip, Some(self.container), self.remote].into_iter().flatten()
    }
}

/// A bundle's own part.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    pub(crate) replicas: Vec<Replica>,
    pub(crate) per_host: usize,
    /// The clone made of the primitive inside.
    pub(crate) child: Option<ResourceIx>,
    pub(crate) image: String,
}

impl Bundle {
    /// The containers, in the order of their numbers.
    pub(crate) fn containers(&self) -> Vec<ResourceIx> {
        self.replicas.iter().map(|replica| replica.container).collect()
    }
}

impl Cluster {
    /// The bundle's own part.
    pub(crate) fn bundle(&self, resource: ResourceIx) -> Option<&Bundle> {
        match &self[resource].variant {
            Variant::Bundle(bundle) => Some(bundle),
            Variant::Primitive | Variant::Group { .. } | Variant::Clone(_) => None,
        }
    }

    /// The replica that a part of a bundle belongs to.
    pub(crate) fn replica_of(&self, part: ResourceIx) -> Option<&Replica> {
        let bundle = self.bundle(self.bundle_of(part)?)?;
        bundle
            .replicas
            .iter()
            .find(|replica| replica.child == Some(part) || replica.shell().any(|own| own == part))
    }

    /// Tells whether a resource is the container of a bundle's replica.
    pub(crate) fn is_bundle_container(&self, resource: ResourceIx) -> bool {
        self.replica_of(resource).is_some_and(|replica| replica.container == resource)
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

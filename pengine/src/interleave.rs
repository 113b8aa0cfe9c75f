//! Interleaved clones: which instance of one goes with which of another.

use crate::create::Planned;
use crate::index::ResourceIx;
use crate::role::Role;

/// Finds the instance of a clone or bundle that is (or will be) where a resource is.
pub(crate) fn compatible(
    planned: &Planned,
    rsc: ResourceIx,
    collective: ResourceIx,
    role: Option<Role>,
    current: bool,
) -> Option<ResourceIx> {
    let cluster = &planned.placed.cluster;
    let nodes = if current { cluster.active_nodes(rsc) } else { planned.assigned_nodes(rsc) };
    let instances = crate::bundle_place::instances(cluster, collective);
    for node in nodes {
        for &instance in &instances {
            let there = if current {
                cluster.active_nodes(instance)
            } else {
                planned.assigned_nodes(instance)
            };
            let role_fits = role.is_none_or(|role| cluster.role_of(instance, current) == role);
            if role_fits && there.first() == Some(&node) {
                return Some(instance);
            }
        }
    }
    None
}

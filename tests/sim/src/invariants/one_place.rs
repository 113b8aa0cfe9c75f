//! Invariant 1: a resource is never active on two nodes at once, judged by what the agents
//! themselves did.
//!
//! Source: DESIGN.md §10, 1. Without fencing nobody can promise this for nodes that hang or are cut
//! off; see `setting::Fencing` for which faults a cluster has to bear.

use std::collections::BTreeMap;

use model::{NodeId, ResourceId};

use crate::host::Host;

/// Checks the moment at which `resource` became active on `here`.
pub(crate) fn check(
    hosts: &BTreeMap<NodeId, Host>,
    resource: &ResourceId,
    here: NodeId,
) -> Result<(), String> {
    let elsewhere = hosts.iter().find(|(id, host)| **id != here && host.active.contains(resource));
    match elsewhere {
        Some((there, _)) => Err(format!(
            "invariant 1: {resource} became active on n{here} while it is active on n{there}"
        )),
        None => Ok(()),
    }
}

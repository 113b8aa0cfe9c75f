//! Invariant 2: no start is issued while the resource may be active on a node that is neither
//! stopped nor confirmed fenced.
//!
//! Source: DESIGN.md §10, 2. Checked when a DC gives the command, not when hands get it. With
//! `stonith-enabled=false` a node that lost its power counts as stopped, as it is.

use std::collections::BTreeMap;

use model::{NodeId, Operation, View};

use crate::host::Host;
use crate::setting::Fencing;

/// Checks a command that a DC gives to the hands of `target`.
pub(crate) fn check(
    hosts: &BTreeMap<NodeId, Host>,
    fencing: Fencing,
    view: &View,
    target: NodeId,
    operation: &Operation,
) -> Result<(), String> {
    if operation.action != "start" || operation.agent.class == "stonith" {
        return Ok(());
    }
    let resource = &operation.resource;
    for (there, host) in hosts.iter().filter(|(id, _)| **id != target) {
        if host.may_have(resource) {
            return Err(format!(
                "invariant 2: a start of {resource} is sent to n{target} while it may be active on \
                 n{there}"
            ));
        }
        // nobody can know that a lost node is off, unless it was fenced or has come back
        let came_back = host.powered && view.has_boot(*there, host.boot);
        if fencing != Fencing::Off && !came_back && host.lost_with.contains(resource) {
            return Err(format!(
                "invariant 2: a start of {resource} is sent to n{target}, and n{there} was lost \
                 with it and is not confirmed off"
            ));
        }
    }
    Ok(())
}

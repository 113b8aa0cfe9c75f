//! Invariant 6: after faults end there is one view, one DC, one document, and all resources are
//! where the policy puts them.
//!
//! Source: DESIGN.md §10, 6.

use std::collections::BTreeMap;

use crmd::core::Now;
use crmd::core::controller::Role;
use model::{NodeId, ResourceId};
use node::core::Brain;

use crate::host::Host;
use crate::setting::RESOURCES;

/// Says why the cluster is not whole yet.
pub(crate) fn check(
    hosts: &BTreeMap<NodeId, Host>,
    now: impl Fn(&Host) -> Now,
) -> Result<(), String> {
    let mut brains: Vec<(NodeId, &Brain)> = Vec::new();
    for (id, host) in hosts {
        let Some(life) = &host.brain else { return Err(format!("n{id} has no brain")) };
        if host.hands.is_none() {
            return Err(format!("n{id} has no hands"));
        }
        if let Some(reason) = life.brain.log_stopped() {
            return Err(format!("n{id} takes no part in the log: {reason}"));
        }
        brains.push((*id, &life.brain));
    }
    let Some((_, first)) = brains.first() else { return Err("no nodes".to_owned()) };
    for (id, brain) in &brains {
        let view = brain.view();
        if view != first.view() || view.members.len() != hosts.len() || !view.quorate {
            return Err(format!("no common view of all at n{id}"));
        }
    }
    let leading: Vec<NodeId> = brains
        .iter()
        .filter(|(_, brain)| brain.controller().role() == Role::Leading)
        .map(|(id, _)| *id)
        .collect();
    let [dc] = leading.as_slice() else { return Err(format!("DCs: {leading:?}")) };
    let Some((_, leader)) = brains.iter().find(|(id, _)| id == dc) else { return Ok(()) };
    for (id, brain) in &brains {
        if brain.dc() != Some(*dc) {
            return Err(format!("n{id} takes {:?} for the DC", brain.dc()));
        }
        if brain.store().committed() != leader.store().committed()
            || brain.store().records() != leader.store().records()
        {
            return Err(format!("n{id} has another document than the DC"));
        }
        if brain.document() != leader.document() {
            return Err(format!(
                "n{id} has another document than the DC: {}, not {}",
                brain.document().to_xml_compact(),
                leader.document().to_xml_compact()
            ));
        }
    }
    if !leader.controller().is_idle() {
        let host = hosts.get(dc).map(&now).unwrap_or_default();
        return Err(format!("the DC is not idle; it waits for: {:?}", leader.waiting(host)));
    }
    for name in RESOURCES {
        let resource = ResourceId::from(name);
        let at: Vec<NodeId> = hosts
            .iter()
            .filter(|(_, host)| host.active.contains(&resource))
            .map(|(id, _)| *id)
            .collect();
        if at.len() != 1 {
            return Err(format!("{name} is active on {} nodes", at.len()));
        }
    }
    Ok(())
}

/// Checks that the policy wants nothing changed: the document the DC has leads to an empty plan.
pub(crate) fn check_policy(
    hosts: &BTreeMap<NodeId, Host>,
    now: model::WallTime,
) -> Result<(), String> {
    let document = hosts
        .values()
        .filter_map(|host| host.brain.as_ref())
        .find(|life| life.brain.controller().role() == Role::Leading)
        .map(|life| life.brain.document());
    let Some(document) = document else { return Err("there is no DC".to_owned()) };
    let plan = crate::engine::plan(&document, now)?;
    let wanted: Vec<String> = plan
        .graph
        .descendants()
        .filter(|element| matches!(element.name(), "rsc_op" | "crm_event"))
        .filter_map(|action| {
            Some(format!("{} on {}", action.get("operation_key")?, action.get("on_node")?))
        })
        .collect();
    if wanted.is_empty() { Ok(()) } else { Err(format!("the policy still wants {wanted:?}")) }
}

//! Tickets: resources that may run only while a right to it was granted.

use cib::Element;
use model::Score;

use crate::constraint::{
    Constrained, LossPolicy, TicketConstraint, as_sets, constrained_resource, is_whole,
    set_members, sets,
};
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Cause;
use crate::role::Role;

/// Reads one constraint.
pub(crate) fn unpack(all: &mut Constrained, element: &Element) {
    let expanded = as_sets(&all.cluster, element, &[("rsc", Some("rsc-role"), None)]);
    let element = expanded.as_ref().unwrap_or(element);
    let Some(ticket) = element.get("ticket").map(str::to_owned) else { return };
    all.cluster.tickets.entry(ticket.clone()).or_default();
    let policy = element.get("loss-policy");
    // (what must be started may be promoted as well)
    let role = |text: Option<&str>| {
        text.and_then(Role::parse).filter(|role| *role != Role::Started).unwrap_or_default()
    };
    let sets = sets(&all.cluster, element);
    if sets.is_empty() {
        let found = element.get("rsc").and_then(|id| constrained_resource(&all.cluster, id));
        if let Some(resource) = found {
            add(all, &ticket, resource, role(element.get("rsc-role")), policy);
        }
        return;
    }
    for set in &sets {
        for resource in set_members(&all.cluster, set) {
            add(all, &ticket, resource, role(set.get("role")), policy);
        }
        // what comes after one that there is not is not constrained
        if !is_whole(&all.cluster, set) {
            return;
        }
    }
}

fn add(
    all: &mut Constrained,
    ticket: &str,
    resource: ResourceIx,
    role: Role,
    policy: Option<&str>,
) {
    let default = if role == Role::Promoted { LossPolicy::Demote } else { LossPolicy::Stop };
    let loss_policy = match policy.map(str::to_ascii_lowercase).as_deref() {
        Some("stop") => LossPolicy::Stop,
        Some("demote") => LossPolicy::Demote,
        Some("freeze") => LossPolicy::Freeze,
        Some("fence") => {
            if all.cluster.properties.fencing {
                LossPolicy::Fence
            } else {
                LossPolicy::Stop
            }
        }
        _ => default,
    };
    let constraint = TicketConstraint { ticket: ticket.to_owned(), resource, role, loss_policy };
    let state = all.cluster.tickets.get(ticket).cloned().unwrap_or_default();
    if !state.granted || state.standby {
        for part in all.cluster.family(resource) {
            if all.cluster[part].is_primitive() {
                apply(all, part, &constraint, state.granted);
            }
        }
    }
    all.rules.tickets.push(constraint);
}

/// Applies a ticket that is not (fully) granted to one primitive.
fn apply(all: &mut Constrained, rsc: ResourceIx, ticket: &TicketConstraint, granted: bool) {
    let running = !all.cluster[rsc].running_on.is_empty();
    let promoted = ticket.role == Role::Promoted;
    let role_matches = ticket.role == Role::Unknown || ticket.role == all.cluster[rsc].role;
    if granted || !running {
        if !promoted || ticket.loss_policy == LossPolicy::Stop {
            ban(all, rsc, if granted { "ticket is in standby" } else { "no ticket" });
        }
        return;
    }
    match ticket.loss_policy {
        LossPolicy::Stop => ban(all, rsc, "ticket was lost"),
        LossPolicy::Demote => {
            if !promoted {
                ban(all, rsc, "ticket was lost");
            }
        }
        LossPolicy::Fence => {
            if role_matches {
                ban(all, rsc, "ticket was lost");
                for node in all.cluster[rsc].running_on.clone() {
                    all.book.fence_node(&mut all.cluster, node, "deadman ticket was lost", false);
                }
            }
        }
        LossPolicy::Freeze => {
            if role_matches {
                all.cluster[rsc].managed = false;
                all.cluster[rsc].blocked = true;
            }
        }
    }
}

fn ban(all: &mut Constrained, rsc: ResourceIx, why: &'static str) {
    for position in 0..all.cluster.nodes.len() {
        crate::unpack::add_score(
            &all.cluster,
            &mut all.scores,
            rsc,
            NodeIx::at(position),
            Score::MINUS_INFINITY,
            Cause::BuiltIn(why),
        );
    }
}

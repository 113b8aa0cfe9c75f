//! Probes: whether a resource is active where nobody has looked yet.

use crate::action::{Point, relation::*};
use crate::cluster::Variant;
use crate::constraint::Discovery;
use crate::create::Planned;
use crate::index::{NodeIx, ResourceIx};
use crate::place::Placed;
use crate::role::Role;
use crate::task;
use crate::values;

/// Schedules all probes that are needed.
pub(crate) fn schedule(planned: &mut Planned) {
    for node in planned.cluster().node_order.clone() {
        let host = &planned.cluster()[node];
        if !host.online {
            let failed_remote =
                host.remote && host.connection.is_some_and(|c| planned.cluster()[c].failed);
            if failed_remote {
                let Placed { cluster, book, .. } = &mut planned.placed;
                book.fence_node(cluster, node, "the connection is unrecoverable", false);
            }
            continue;
        }
        if host.unclean || !host.discovery {
            continue;
        }
        if planned.cluster().attribute(node, "probe_complete").and_then(values::boolean)
            == Some(false)
        {
            let name = format!("probe_complete-{}", planned.cluster()[node].name);
            let Placed { cluster, book, .. } = &mut planned.placed;
            let action = book.named(cluster, &name, "probe_complete", Some(node), false);
            book[action].meta.insert("op_no_wait".into(), "true".into());
            continue;
        }
        for rsc in planned.cluster().top.clone() {
            probe(planned, rsc, node);
        }
    }
}

/// Probes a resource (or what is in it) on a node if needed.
fn probe(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    match planned.cluster()[rsc].variant {
        Variant::Primitive => {
            if needed(planned, rsc, node) {
                create(planned, rsc, node);
            }
        }
        Variant::Group { .. } => {
            for member in planned.cluster()[rsc].children.clone() {
                probe(planned, member, node);
            }
        }
        Variant::Clone(_) => probe_clone(planned, rsc, node),
        Variant::Bundle(_) => crate::bundle_create::probe(planned, rsc, node),
    }
}

/// Probes something that is known to be wanted there.
pub(crate) fn probe_part(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    probe(planned, rsc, node);
}

fn probe_clone(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    if planned.cluster()[rsc].exclusive_discovery
        && (!planned.placed.scores.allowed(rsc, node)
            || planned.placed.rules.discovery(rsc, node) != Discovery::Exclusive)
    {
        return;
    }
    let mut instances = planned.cluster()[rsc].children.clone();
    crate::instances::sort_by_number(planned.cluster(), &mut instances);
    if planned.cluster()[rsc].unique {
        for instance in instances {
            probe(planned, instance, node);
        }
        return;
    }
    // any instance stands for all; that which will be there is best
    let assigned = instances.iter().copied().find(|i| planned.assigned_node(*i) == Some(node));
    if let Some(instance) = assigned.or_else(|| instances.first().copied()) {
        probe(planned, instance, node);
    }
}

fn needed(planned: &Planned, rsc: ResourceIx, node: NodeIx) -> bool {
    let cluster = planned.cluster();
    let one = &cluster[rsc];
    if cluster[node].remote {
        let launches_guest = one.fillers.iter().any(|filler| cluster[*filler].is_remote);
        if one.fence_device || one.is_remote || (cluster.is_guest(node) && launches_guest) {
            return false;
        }
    }
    if one.container.is_some() && !one.is_remote {
        return false;
    }
    if one.removed || one.known_on.contains(&node) {
        return false;
    }
    let top = cluster.uppermost(rsc, false);
    let allowed = planned.placed.scores.allowed(rsc, node);
    let mode = planned.placed.rules.discovery(rsc, node);
    if (one.exclusive_discovery || cluster[top].exclusive_discovery)
        && (!allowed || mode != Discovery::Exclusive)
    {
        return false;
    }
    if mode == Discovery::Never {
        return false;
    }
    if let Some(guest) = cluster.guest_container(node) {
        if cluster[guest].role == Role::Stopped || cluster[guest].next_role == Role::Stopped {
            return false;
        }
        let home = planned.home(guest);
        if home.is_some() && home != cluster[guest].running_on.first().copied() {
            return false;
        }
    }
    true
}

fn create(planned: &mut Planned, rsc: ResourceIx, node: NodeIx) {
    let Placed { cluster, book, .. } = &mut planned.placed;
    let probe = book.simple(cluster, rsc, task::MONITOR, Some(node), false);
    book[probe].optional = false;
    crate::unfencing::order_after(cluster, book, rsc, Some(node), probe, ORDERED);
    if !cluster[rsc].running_on.contains(&node) {
        book[probe].meta.insert("op_target_rc".into(), "7".into());
    } else if cluster[rsc].role == Role::Promoted {
        book[probe].meta.insert("op_target_rc".into(), "8".into());
    }
    let top = cluster.uppermost(rsc, false);
    let top = if cluster[top].is_clone() { top } else { rsc };
    let here = book.point(probe);
    book.order(here, Point::of(top, task::START), UNRUNNABLE_FIRST_BLOCKS);
    book.order(here, Point::of(rsc, task::RELOAD), ORDERED);
}

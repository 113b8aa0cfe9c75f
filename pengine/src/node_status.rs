//! Which nodes are here, and in which state: the status section's node entries.

use std::sync::Arc;

use cib::Element;

use crate::cluster::{Cluster, QuorumPolicy};
use crate::index::NodeIx;
use crate::pairs;
use crate::plan::Level;
use crate::role::Role;
use crate::rules::{Context, Pairs};
use crate::task;
use crate::unpack::Unpacked;
use crate::values;

/// Reads the whole status section.
pub(crate) fn unpack(unpacked: &mut Unpacked) {
    crate::unpack::tickets(&mut unpacked.cluster);
    if let Some(dc) = unpacked.cluster.document.get("dc-uuid") {
        unpacked.cluster.dc = unpacked.cluster.node_by_id.get(dc).copied();
    }
    if let Some(dc) = unpacked.cluster.dc {
        unpacked.cluster[dc].dc = true;
    }
    let document = Arc::clone(&unpacked.cluster.document);
    let empty = Element::new("status");
    let status = document.child("status").unwrap_or(&empty);
    for state in status.children_named("node_state") {
        node_state(unpacked, state);
    }
    while histories(unpacked, status, false) {}
    let fencing = unpacked.cluster.properties.fencing;
    histories(unpacked, status, fencing);
    for container in std::mem::take(&mut unpacked.cluster.stop_needed) {
        if let Some(node) = unpacked.cluster.current_node(container) {
            let Unpacked { cluster, book, .. } = unpacked;
            book.simple(cluster, container, task::STOP, Some(node), false);
        }
    }
    let cluster = &mut unpacked.cluster;
    for position in 0..cluster.nodes.len() {
        let node = NodeIx::at(position);
        if !cluster[node].remote {
            continue;
        }
        if let (true, Some(connection)) = (cluster[node].shutdown, cluster[node].connection) {
            cluster[connection].next_role = Role::Stopped;
        }
        if !cluster[node].unpacked {
            remote_online(cluster, node);
        }
    }
}

fn find(cluster: &Cluster, state: &Element) -> Option<NodeIx> {
    cluster.find_node(state.id(), state.get("uname"))
}

fn transient(cluster: &mut Cluster, node: NodeIx, state: &Element) {
    let mut attributes = Pairs::new();
    let mut capacity = Pairs::new();
    let mut next = None;
    if let Some(transient) = state.child("transient_attributes") {
        let context = Context { node: Some(&cluster[node].attributes), ..cluster.context() };
        pairs::collect(
            transient,
            "instance_attributes",
            &context,
            None,
            &mut attributes,
            &mut next,
        );
        pairs::collect(transient, "utilization", &context, None, &mut capacity, &mut next);
    }
    // what holds until the next start wins over what is configured for good
    cluster[node].attributes.extend(attributes);
    // but a capacity only adds to those that are configured
    for (name, amount) in crate::unpack::amounts(&capacity) {
        cluster[node].utilization.entry(name).or_insert(amount);
    }
    if let Some(when) = next {
        cluster.recheck(when);
    }
    let special = crate::unpack::special_attributes(cluster, &cluster[node]);
    cluster[node].attributes.extend(special);
}

fn node_state(unpacked: &mut Unpacked, state: &Element) {
    let cluster = &mut unpacked.cluster;
    let Some(node) = find(cluster, state) else { return };
    if cluster[node].remote {
        cluster[node].was_fenced = values::truth(state.get("node_fenced"))
            || state.get("node_fenced").and_then(values::number).is_some_and(|n| n > 0);
        return;
    }
    cluster[node].unclean = false;
    cluster[node].unseen = false;
    cluster[node].feature_set = state.get("crm_feature_set").map(str::to_owned);
    transient(cluster, node, state);
    let flag = |name: &str, cluster: &Cluster| values::truth(cluster.attribute(node, name));
    cluster[node].standby |= flag("standby", cluster);
    cluster[node].maintenance |= flag("maintenance", cluster);
    online(unpacked, node, state);
    let cluster = &mut unpacked.cluster;
    if !cluster.quorate
        && cluster[node].online
        && cluster.properties.quorum_policy == QuorumPolicy::Fence
    {
        unpacked.book.fence_node(cluster, node, "cluster does not have quorum", false);
    }
}

/// A shutdown was asked for.
pub(crate) fn shutdown_requested(cluster: &Cluster, node: NodeIx) -> bool {
    cluster.attribute(node, "shutdown").is_some_and(|text| !text.is_empty() && text != "0")
}

/// A moment since when something holds: 0 = does not, 1 = does, since when is unknown.
fn since(text: Option<&str>) -> i64 {
    match text {
        None => 0,
        Some(text) => match values::boolean(text) {
            Some(true) if text != "1" => 1,
            Some(false) => 0,
            _ => text.parse().unwrap_or(0),
        },
    }
}

fn online(unpacked: &mut Unpacked, node: NodeIx, state: &Element) {
    let cluster = &mut unpacked.cluster;
    if shutdown_requested(cluster, node) {
        cluster[node].shutdown = true;
    }
    cluster[node].expected_up = state.get("expected") == Some("member");
    if cluster[node].ping {
        cluster[node].unclean = false;
        cluster[node].online = false;
        return;
    }
    // an entry without it was made before the node was ever seen
    let member = state.get("in_ccm").map_or(-1, |text| since(Some(text)));
    let controller = match state.get("crmd") {
        Some("online") => 1,
        Some("offline" | "") | None => 0,
        Some(text) => text.parse().unwrap_or(0),
    };
    let online = if cluster.properties.fencing {
        online_with_fencing(unpacked, node, state, member, controller)
    } else {
        online_without_fencing(unpacked, node, state, member, controller)
    };
    let cluster = &mut unpacked.cluster;
    cluster[node].online = online;
    if !online || cluster[node].shutdown {
        // it can't run anything, whatever is preferred
        cluster[node].score = model::Score::MINUS_INFINITY;
    }
    if cluster[node].unclean {
        let name = cluster[node].name.clone();
        cluster.say(Level::Warning, format!("Node {name} is unclean!"));
    }
}

fn online_without_fencing(
    unpacked: &mut Unpacked,
    node: NodeIx,
    state: &Element,
    member: i64,
    controller: i64,
) -> bool {
    let Unpacked { cluster, book, .. } = unpacked;
    if member <= 0 {
        return false;
    }
    if controller > 0 {
        return state.get("join") == Some("member");
    }
    if cluster[node].expected_up {
        book.fence_node(cluster, node, "peer is unexpectedly down", false);
    }
    false
}

fn online_with_fencing(
    unpacked: &mut Unpacked,
    node: NodeIx,
    state: &Element,
    member: i64,
    controller: i64,
) -> bool {
    let Unpacked { cluster, book, .. } = unpacked;
    let join = state.get("join").unwrap_or("down");
    let expected = state.get("expected").unwrap_or("down");
    let terminate = cluster.attribute(node, "terminate").is_some_and(|text| {
        values::boolean(text).unwrap_or_else(|| values::number(text).is_some_and(|n| n > 0))
    });
    let pending = |cluster: &mut Cluster| {
        cluster[node].standby = true;
        cluster[node].pending = true;
    };
    let mut online = member > 0;
    if cluster[node].shutdown {
        // a dead peer can't be shut down
        online = controller > 0;
    } else if member < 0 {
        book.fence_node(cluster, node, "peer has not been seen by the cluster", false);
    } else if join == "banned" || join == "nack" {
        book.fence_node(cluster, node, "peer failed Pacemaker membership criteria", false);
    } else if terminate {
        if member <= 0 && controller <= 0 && join == "down" {
            return false;
        }
        book.fence_node(cluster, node, "fencing was requested", false);
    } else if expected == "down" {
        if pending_too_long(cluster, member, controller) {
            book.fence_node(
                cluster,
                node,
                "peer pending timed out on joining the process group",
                false,
            );
        } else if member > 0 || controller > 0 {
            pending(cluster);
        }
    } else if member <= 0 {
        book.fence_node(cluster, node, "peer is no longer part of the cluster", true);
    } else if controller <= 0 {
        book.fence_node(cluster, node, "peer process is no longer available", false);
    } else if join == "member" {
    } else if join == "pending" || join == "down" {
        pending(cluster);
    } else {
        book.fence_node(cluster, node, "peer was in an unknown state", false);
    }
    online
}

fn pending_too_long(cluster: &mut Cluster, member: i64, controller: i64) -> bool {
    let timeout = cluster.properties.node_pending_timeout_ms;
    if timeout == 0 || member <= 1 || controller > 0 {
        return false;
    }
    let limit = member + i64::try_from(timeout / 1000).unwrap_or(i64::MAX / 2);
    if cluster.now >= limit {
        return true;
    }
    cluster.recheck(limit);
    false
}

/// Reads histories that can be read now; tells whether any was.
fn histories(unpacked: &mut Unpacked, status: &Element, all: bool) -> bool {
    let mut any = false;
    for state in status.children_named("node_state") {
        let cluster = &mut unpacked.cluster;
        let Some(node) = find(cluster, state) else { continue };
        if cluster[node].unpacked {
            continue;
        }
        let started = |resource: Option<crate::index::ResourceIx>| {
            resource.is_some_and(|r| cluster[r].role == Role::Started)
        };
        if all {
        } else if let Some(container) = cluster.guest_container(node) {
            if !started(cluster[node].connection) || !started(Some(container)) {
                continue;
            }
        } else if cluster[node].remote {
            let connection = cluster[node].connection;
            if connection.is_none() || (!cluster.properties.shutdown_lock && !started(connection)) {
                continue;
            }
        } else if !cluster.properties.fencing
            && !cluster.properties.shutdown_lock
            && !cluster[node].online
        {
            continue;
        }
        if cluster[node].remote {
            remote_online(cluster, node);
            remote_attributes(cluster, node, state);
        }
        crate::history::unpack_node(unpacked, node, state);
        unpacked.cluster[node].unpacked = true;
        any = true;
    }
    any
}

fn remote_attributes(cluster: &mut Cluster, node: NodeIx, state: &Element) {
    cluster[node].remote_maintenance = values::truth(state.get("node_in_maintenance"))
        || state.get("node_in_maintenance").and_then(values::number).is_some_and(|n| n > 0);
    if !cluster[node].requires_reset {
        cluster[node].unclean = false;
        cluster[node].unseen = false;
    }
    transient(cluster, node, state);
    let flag = |name: &str, cluster: &Cluster| values::truth(cluster.attribute(node, name));
    if shutdown_requested(cluster, node) {
        cluster[node].shutdown = true;
    }
    cluster[node].standby |= flag("standby", cluster);
    let unmanaged = cluster[node].connection.is_some_and(|c| !cluster[c].managed);
    cluster[node].maintenance |= flag("maintenance", cluster) || unmanaged;
    if let Some(text) = cluster.attribute(node, "resource-discovery-enabled")
        && values::boolean(text) == Some(false)
    {
        cluster[node].discovery = false;
    }
}

/// Works out whether a remote node is up from its connection.
pub(crate) fn remote_online(cluster: &mut Cluster, node: NodeIx) {
    let Some(connection) = cluster[node].connection else {
        cluster[node].online = false;
        return;
    };
    let rsc = &cluster[connection];
    let container = rsc.container;
    let host = match (container, rsc.running_on.as_slice()) {
        (Some(_), [host]) => Some(*host),
        _ => None,
    };
    let (role, next_role, failed) = (rsc.role, rsc.next_role, rsc.failed);
    if role == Role::Started {
        cluster[node].online = true;
        if next_role == Role::Stopped {
            cluster[node].shutdown = true;
        }
    }
    let container_failed = container.is_some_and(|c| cluster[c].failed);
    let container_stopped = container.is_some_and(|c| cluster[c].role == Role::Stopped);
    if container_failed {
        cluster[node].online = false;
        cluster[node].requires_reset = true;
    } else if failed {
        cluster[node].online = false;
    } else if role == Role::Stopped || container_stopped {
        cluster[node].online = false;
        cluster[node].requires_reset = false;
    } else if let Some(host) = host
        && !cluster[host].online
        && cluster[host].unclean
    {
        cluster[node].online = false;
        cluster[node].requires_reset = true;
    }
}

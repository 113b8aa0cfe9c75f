//! Plays back what ran where: per resource and node, entries in the order of their calls.

use std::sync::Arc;

use cib::Element;
use model::Score;

use crate::action::Key;
use crate::cluster::{Cluster, Resource};
use crate::entry::Entry;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Cause;
use crate::list_sort::list_sort;
use crate::operation::OnFail;
use crate::role::Role;
use crate::task;
use crate::unpack::Unpacked;
use crate::values;

/// Reads one node's history.
pub(crate) fn unpack_node(unpacked: &mut Unpacked, node: NodeIx, state: &Element) {
    let Some(resources) = state.at(&["lrm", "lrm_resources"]) else { return };
    let mut removed_fillers = Vec::new();
    for element in resources.children_named("lrm_resource") {
        if let Some(rsc) = unpack_resource(unpacked, node, element)
            && unpacked.cluster[rsc].removed_filler
        {
            removed_fillers.push(rsc);
        }
    }
    for filler in removed_fillers {
        link_removed_filler(unpacked, filler);
    }
}

fn link_removed_filler(unpacked: &mut Unpacked, filler: ResourceIx) {
    let cluster = &mut unpacked.cluster;
    let name = cluster[filler].meta.get("container").cloned();
    let container = name.and_then(|name| cluster.resource_by_id.get(&name).copied());
    if let Some(container) = container {
        cluster[filler].container = Some(container);
        cluster[container].fillers.push(filler);
    }
}

fn unpack_resource(unpacked: &mut Unpacked, node: NodeIx, element: &Element) -> Option<ResourceIx> {
    let id = element.id()?.to_owned();
    let mut entries: Vec<Entry> = Entry::all(element).collect();
    let locks = unpacked.cluster.properties.shutdown_lock;
    if entries.is_empty() && !locks {
        return None;
    }
    let rsc = match find(unpacked, node, &id) {
        Some(rsc) => rsc,
        None if entries.is_empty() => return None,
        None => removed_resource(unpacked, element)?,
    };
    if locks {
        shutdown_lock(unpacked, rsc, node, element);
    }
    let saved_role = unpacked.cluster[rsc].role;
    unpacked.cluster[rsc].role = Role::Unknown;
    // of entries that nothing orders the later one in the document is the older
    entries.reverse();
    list_sort(&mut entries, &mut |a, b| crate::entry::compare(a, b, true));
    let mut playback = crate::playback::Playback::new(rsc, node);
    for entry in &entries {
        let void = playback.play(unpacked, entry);
        if void && entry.interval_ms > 0 && !entry.is_last_failure() {
            unpacked.cluster.forgiven.push((rsc, node, entry.id().to_owned()));
        }
    }
    recurring(unpacked, rsc, node, &entries);
    settle(unpacked, rsc, node, playback.on_fail);
    if let Some(role) = crate::unpack::target_role(&unpacked.cluster, rsc) {
        let rsc = &mut unpacked.cluster[rsc];
        if rsc.next_role == Role::Unknown || role < rsc.next_role {
            rsc.next_role = role;
        }
    }
    let one = &mut unpacked.cluster[rsc];
    if saved_role > one.role {
        one.role = saved_role;
    }
    Some(rsc)
}

fn shutdown_lock(unpacked: &mut Unpacked, rsc: ResourceIx, node: NodeIx, element: &Element) {
    let Unpacked { cluster, book, .. } = unpacked;
    let Some(lock) = element.get("shutdown-lock").and_then(values::number).filter(|t| *t != 0)
    else {
        return;
    };
    let limit = i64::try_from(cluster.properties.shutdown_lock_limit_ms / 1000).unwrap_or(0);
    if limit > 0 && cluster.now > lock + limit {
        crate::location::forget_lock(cluster, book, rsc, node);
        return;
    }
    cluster[rsc].lock_node = Some(node);
    cluster[rsc].lock_time = lock;
}

/// Where the resource was last started and stopped, as positions in its sorted history.
pub(crate) fn active_span(entries: &[Entry]) -> (i64, i64) {
    let (mut start, mut stop) = (-1, -1);
    let (mut implied_monitor, mut implied_role) = (-1, -1);
    for (at, entry) in (0_i64..).zip(entries) {
        match entry.task {
            Some(task::STOP) if entry.status == 0 => stop = at,
            Some(task::START | task::MIGRATE_FROM) => start = at,
            Some(task::MONITOR) if implied_monitor <= stop && matches!(entry.rc, 0 | 8) => {
                implied_monitor = at;
            }
            Some(task::PROMOTE | task::DEMOTE) => implied_role = at,
            _ => {}
        }
    }
    if start == -1 {
        start = if implied_role != -1 { implied_role } else { implied_monitor };
    }
    (start, stop)
}

/// Notes recurring operations that go on as optional actions.
fn recurring(unpacked: &mut Unpacked, rsc: ResourceIx, node: NodeIx, entries: &[Entry]) {
    let Unpacked { cluster, book, .. } = unpacked;
    if !cluster[node].online {
        return;
    }
    let (start, stop) = active_span(entries);
    for (at, entry) in (0_i64..).zip(entries) {
        if (start < stop && at <= stop) || at < start || entry.interval_ms == 0 {
            continue;
        }
        if entry.status == crate::playback::exec::PENDING {
            continue;
        }
        let Some(name) = entry.task else { continue };
        let key = Key { task: name, interval_ms: entry.interval_ms };
        book.action(cluster, rsc, key, name, Some(node), true);
    }
}

/// Draws the conclusions once all of a resource's entries on a node are played back.
fn settle(unpacked: &mut Unpacked, rsc: ResourceIx, node: NodeIx, on_fail: OnFail) {
    let Unpacked { cluster, book, .. } = unpacked;
    // when all that was recorded has expired, nothing is known
    let mut at = (cluster[rsc].role != Role::Unknown).then_some(rsc);
    while let Some(one) = at {
        if !cluster[one].known_on.contains(&node) {
            cluster[one].known_on.push(node);
        }
        if cluster[one].unique {
            break;
        }
        at = cluster[one].parent;
    }
    if cluster[rsc].role > Role::Stopped
        && !cluster[node].online
        && !cluster[node].maintenance
        && cluster[rsc].managed
    {
        let mut fence = false;
        let mut reason = format!("because {} is thought to be active there", cluster[rsc].id);
        reason = reason.trim_start_matches("because ").to_owned();
        if cluster.is_guest(node) {
            cluster[rsc].failed = true;
            cluster[rsc].stop_if_failed = true;
            fence = true;
        } else if cluster.properties.fencing {
            if let Some(connection) = cluster[node].connection.filter(|_| cluster[node].remote)
                && !cluster[connection].failed
            {
                // fenced only if the connection can't be made from elsewhere
                cluster[node].unseen = true;
                reason = format!(
                    "{} is active there (fencing will be revoked if remote connection can be re-established elsewhere)",
                    cluster[rsc].id
                );
            }
            fence = true;
        }
        if fence {
            book.fence_node(cluster, node, &reason, false);
        }
    }
    let handled = if cluster[node].unclean { OnFail::Ignore } else { on_fail };
    handle_failure(unpacked, rsc, node, handled);
    let Unpacked { cluster, book, .. } = unpacked;
    if cluster[rsc].failed && cluster[rsc].is_remote {
        let id = cluster[rsc].id.clone();
        if let Some(remote) = cluster.find_node(Some(&id), Some(&id))
            && cluster[remote].unclean
        {
            cluster[remote].unseen = false;
        }
    }
    let role = cluster[rsc].role;
    if role != Role::Stopped && role != Role::Unknown {
        add_running(unpacked, rsc, node, on_fail != OnFail::Ignore);
        let rsc = &mut unpacked.cluster[rsc];
        match handled {
            OnFail::Ignore => {}
            OnFail::Demote | OnFail::Block => rsc.failed = true,
            OnFail::Restart
            | OnFail::ResetRemote
            | OnFail::RestartContainer
            | OnFail::Ban
            | OnFail::Stop
            | OnFail::Standby
            | OnFail::Fence => {
                rsc.failed = true;
                rsc.stop_if_failed = true;
            }
        }
    } else if cluster[rsc].history_name.as_deref().is_some_and(|name| name.contains(':')) {
        // histories with instance numbers: a stopped instance would look like a leftover
        cluster[rsc].history_name = None;
    } else {
        for stop in book.matching(rsc, Key::once(task::STOP), Some(node)) {
            book[stop].optional = true;
        }
    }
    let rsc = &mut unpacked.cluster[rsc];
    if rsc.role == Role::Stopped
        && rsc.migration_source == Some(node)
        && rsc.migration_target.is_some()
    {
        rsc.role = Role::Started;
    }
}

fn handle_failure(unpacked: &mut Unpacked, rsc: ResourceIx, node: NodeIx, on_fail: OnFail) {
    let Unpacked { cluster, book, scores } = unpacked;
    let active = |cluster: &Cluster| !matches!(cluster[rsc].role, Role::Stopped | Role::Unknown);
    let fail = |cluster: &mut Cluster| {
        cluster[rsc].failed = true;
        cluster[rsc].stop_if_failed = true;
    };
    match on_fail {
        OnFail::Ignore => {}
        OnFail::Demote => {
            cluster[rsc].failed = true;
            book.simple(cluster, rsc, task::DEMOTE, Some(node), false);
        }
        OnFail::Fence => {
            let reason = format!("{} failed there", cluster[rsc].id);
            book.fence_node(cluster, node, &reason, false);
        }
        OnFail::Standby => {
            cluster[node].standby = true;
            cluster[node].standby_on_fail = true;
        }
        OnFail::Block => {
            cluster[rsc].managed = false;
            cluster[rsc].blocked = true;
        }
        OnFail::Ban => {
            let cause = Cause::BuiltIn("failed operation with on-fail=migrate");
            crate::unpack::add_score(cluster, scores, rsc, node, Score::MINUS_INFINITY, cause);
        }
        OnFail::Stop => cluster[rsc].next_role = Role::Stopped,
        OnFail::Restart => {
            if active(cluster) {
                fail(cluster);
                book.simple(cluster, rsc, task::STOP, Some(node), false);
            }
        }
        OnFail::RestartContainer => {
            fail(cluster);
            match cluster[rsc].container {
                Some(container) if cluster.bundle_of(rsc).is_some() => {
                    cluster.stop_needed.insert(0, container);
                }
                Some(container) => {
                    book.simple(cluster, container, task::STOP, Some(node), false);
                }
                None if active(cluster) => {
                    book.simple(cluster, rsc, task::STOP, Some(node), false);
                }
                None => {}
            }
        }
        OnFail::ResetRemote => {
            fail(cluster);
            if cluster.properties.fencing {
                let id = cluster[rsc].id.clone();
                let remote = cluster.find_node(Some(&id), Some(&id));
                if let Some(remote) = remote.filter(|r| cluster[*r].remote)
                    && cluster[rsc].is_remote
                    && !cluster[remote].was_fenced
                {
                    book.fence_node(cluster, remote, "remote connection is unrecoverable", false);
                }
            }
            if cluster[rsc].role > Role::Stopped {
                book.simple(cluster, rsc, task::STOP, Some(node), false);
            }
            if cluster[rsc].reconnect_ms > 0 {
                cluster[rsc].next_role = Role::Stopped;
            }
        }
    }
}

/// Notes that a resource, and what it is in, is active on a node.
pub(crate) fn add_running(unpacked: &mut Unpacked, rsc: ResourceIx, node: NodeIx, failed: bool) {
    let mut at = Some((rsc, failed));
    while let Some((one, failed)) = at {
        let Unpacked { cluster, scores, .. } = unpacked;
        if cluster[one].running_on.contains(&node) {
            return;
        }
        cluster[one].running_on.push(node);
        let primitive = cluster[one].is_primitive();
        if primitive {
            cluster[node].running.push(one);
            crate::fencing::note_priority(cluster, one, node, failed);
            if cluster[node].maintenance {
                cluster[one].managed = false;
                cluster[one].maintenance = true;
            }
        }
        if !cluster[one].managed {
            let cause = Cause::BuiltIn("unmanaged resource stays where it is");
            crate::unpack::add_score(cluster, scores, one, node, Score::INFINITY, cause);
            let mut parent = cluster[one].parent;
            while let Some(above) = parent {
                if !cluster[node].online {
                    break;
                }
                if !cluster[above].running_on.contains(&node) {
                    cluster[above].running_on.push(node);
                }
                parent = cluster[above].parent;
            }
            return;
        }
        if primitive && cluster.counted_active(one) > 1 {
            multiply_active(unpacked, one);
        }
        at = unpacked.cluster[one].parent.map(|parent| (parent, false));
    }
}

fn multiply_active(unpacked: &mut Unpacked, rsc: ResourceIx) {
    use crate::cluster::MultipleActive;
    match unpacked.cluster[rsc].multiple_active {
        MultipleActive::StopOnly => {
            let cause = Cause::BuiltIn("multiply active with multiple-active=stop_only");
            unpacked.locate_everywhere(rsc, Score::MINUS_INFINITY, cause);
        }
        MultipleActive::Block => {
            let cluster = &mut unpacked.cluster;
            cluster[rsc].managed = false;
            cluster[rsc].blocked = true;
            if let Some(parent) = cluster[rsc].parent
                && (cluster[parent].is_group() || cluster[parent].is_bundle())
                && cluster[parent].multiple_active == MultipleActive::Block
            {
                for child in cluster[parent].children.clone() {
                    cluster[child].managed = false;
                    cluster[child].blocked = true;
                }
            }
        }
        MultipleActive::StopStart | MultipleActive::StopUnexpected => {}
    }
}

/// Finds the resource that a history's name means on a node.
fn find(unpacked: &mut Unpacked, node: NodeIx, id: &str) -> Option<ResourceIx> {
    let cluster = &unpacked.cluster;
    let mut rsc = cluster.resource_by_id.get(id).copied();
    let clone;
    match rsc {
        None => {
            // an instance's number may be missing, or be too high
            let base = id.rsplit_once(':').map_or(id, |(base, number)| {
                if number.bytes().all(|b| b.is_ascii_digit()) { base } else { id }
            });
            let zero = cluster.resource_by_id.get(&format!("{base}:0")).copied()?;
            if cluster[zero].unique {
                return None;
            }
            clone = cluster.clone_of(zero)?;
        }
        Some(found) => {
            if !cluster[found].is_primitive() {
                return None;
            }
            match cluster.clone_of(found) {
                Some(above) if !cluster[above].unique => clone = above,
                _ => return rsc,
            }
        }
    }
    let base = base_name(id).to_owned();
    if cluster.bundle_of(clone).is_some() {
        rsc = bundled(cluster, clone, node);
    } else {
        rsc = anonymous(unpacked, node, clone, &base);
    }
    if let Some(rsc) = rsc {
        let one = &mut unpacked.cluster[rsc];
        if one.id != id {
            one.history_name = Some(id.into());
        }
    }
    rsc
}

/// A name without an instance's number.
pub(crate) fn base_name(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((base, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            base
        }
        _ => id,
    }
}

fn bundled(cluster: &Cluster, clone: ResourceIx, node: NodeIx) -> Option<ResourceIx> {
    let bundle = cluster.bundle_of(clone)?;
    cluster
        .bundle(bundle)?
        .replicas
        .iter()
        .find(|replica| replica.node == Some(node))
        .and_then(|replica| replica.child)
}

/// The member of an instance that has a base name.
pub(crate) fn member_named(
    cluster: &Cluster,
    instance: ResourceIx,
    base: &str,
) -> Option<ResourceIx> {
    cluster.family(instance).into_iter().find(|m| base_name(&cluster[*m].id) == base)
}

/// Chooses the instance of an anonymous clone that a node's history entry is about.
fn anonymous(
    unpacked: &mut Unpacked,
    node: NodeIx,
    clone: ResourceIx,
    base: &str,
) -> Option<ResourceIx> {
    let cluster = &unpacked.cluster;
    let mut rsc = None;
    let mut inactive = None;
    let mut skip_inactive = false;
    for &child in &cluster[clone].children {
        let mut locations = cluster.active_nodes(child);
        locations.extend(cluster.family(child).iter().filter_map(|r| cluster[*r].pending_node));
        if locations.contains(&node) {
            let Some(member) = member_named(cluster, child, base) else { continue };
            if cluster[member].running_on.is_empty() {
                rsc = Some(member);
                break;
            }
            // a second entry of the same clone on this node
            skip_inactive = true;
        } else if locations.is_empty()
            && !skip_inactive
            && inactive.is_none()
            && !cluster[child].blocked
        {
            inactive = member_named(cluster, child, base)
                .filter(|i| cluster[*i].pending_node.is_none_or(|pending| pending == node));
        }
    }
    if rsc.is_none() && !skip_inactive {
        rsc = inactive;
    }
    let needs_fencing = |r: &Resource| {
        matches!(
            r.requires,
            crate::cluster::Requires::Fencing | crate::cluster::Requires::Unfencing
        )
    };
    if let Some(found) = rsc
        && !needs_fencing(&cluster[found])
        && (!cluster[node].online || cluster[node].unclean)
        && !cluster.is_guest(node)
        && !universal(cluster, clone)
    {
        rsc = None;
    }
    if rsc.is_some() {
        return rsc;
    }
    let instance = unpacked.add_instance(clone, true)?;
    let cluster = &mut unpacked.cluster;
    member_named(cluster, instance, base)
}

/// A clone with one instance for each node, no more and no less.
fn universal(cluster: &Cluster, clone: ResourceIx) -> bool {
    cluster[clone].clone_info().is_some_and(|info| info.max == cluster.nodes.len())
}

/// Makes a resource that is in the history only.
fn removed_resource(unpacked: &mut Unpacked, element: &Element) -> Option<ResourceIx> {
    let id = element.id()?;
    let mut xml = Element::new("primitive").with("id", id);
    for name in ["class", "provider", "type"] {
        if let Some(value) = element.get(name) {
            xml.set(name, value);
        }
    }
    let container = element.get("container").map(str::to_owned);
    let xml = Arc::new(xml);
    let rsc = unpacked.add(&xml, None, None)?;
    let cluster = &mut unpacked.cluster;
    cluster[rsc].removed = true;
    cluster.top.push(rsc);
    if cluster[rsc].is_remote {
        crate::remote::add_node(cluster, id);
        if let Some(remote) = cluster.find_node(None, Some(id)) {
            cluster[remote].connection = Some(rsc);
            cluster[remote].shutdown = true;
        }
    }
    if let Some(container) = container {
        cluster[rsc].meta.insert("container".into(), container);
        cluster[rsc].removed_filler = true;
    }
    if cluster.properties.stop_removed_resources {
        let cause = Cause::BuiltIn("no longer configured");
        unpacked.locate_everywhere(rsc, Score::MINUS_INFINITY, cause);
    } else {
        cluster[rsc].managed = false;
    }
    Some(rsc)
}

//! Migrations that were cut short: what is active where after a `migrate_to` or `migrate_from`.

use crate::cluster::Cluster;
use crate::entry::Entry;
use crate::fail_count::entries;
use crate::history::add_running;
use crate::index::{NodeIx, ResourceIx};
use crate::playback::{exec, rc};
use crate::role::Role;
use crate::task;
use crate::unpack::Unpacked;

/// Both ends of a recorded migration.
fn ends(entry: &Entry) -> Option<(String, String)> {
    Some((entry.xml.get("migrate_source")?.to_owned(), entry.xml.get("migrate_target")?.to_owned()))
}

/// An operation on the resource after `entry` on the same node, monitors left out.
fn acted_after(cluster: &Cluster, node: &str, rsc: &str, entry: &Entry) -> bool {
    entries(cluster, node, rsc).iter().any(|other| {
        matches!(
            other.task.as_str(),
            task::START | task::STOP | task::MIGRATE_TO | task::MIGRATE_FROM
        ) && newer(other, entry, true)
    })
}

/// A monitor after `entry` that found nothing running.
fn found_stopped_after(
    cluster: &Cluster,
    node: &str,
    rsc: &str,
    entry: &Entry,
    same_node: bool,
) -> bool {
    entries(cluster, node, rsc).iter().any(|other| {
        other.task == task::MONITOR && other.rc == rc::NOT_RUNNING && newer(other, entry, same_node)
    })
}

fn newer(a: &Entry, b: &Entry, same_node: bool) -> bool {
    if a.id == b.id && a.call_id == b.call_id && a.task == b.task {
        return false;
    }
    if same_node && a.call_id >= 0 && b.call_id >= 0 {
        return a.call_id > b.call_id;
    }
    match (a.last_change, b.last_change) {
        (Some(a), Some(b)) => a > b,
        _ => false,
    }
}

/// Whether the target has something newer to say than a migration that is over.
fn newer_on_target(
    cluster: &Cluster,
    rsc: &str,
    target: &str,
    migrate_to: &Entry,
    migrate_from: Option<&Entry>,
) -> bool {
    entries(cluster, target, rsc).iter().any(|other| {
        let acts = matches!(
            other.task.as_str(),
            task::START | task::STOP | task::MIGRATE_TO | task::MIGRATE_FROM
        );
        let stopped = other.task == task::MONITOR && other.rc == rc::NOT_RUNNING;
        if !acts && !stopped {
            return false;
        }
        match migrate_from {
            Some(from) => newer(other, from, true),
            None => newer(other, migrate_to, false),
        }
    })
}

fn node_named(cluster: &Cluster, name: &str) -> Option<NodeIx> {
    cluster.find_node(None, Some(name))
}

/// A successful `migrate_to` on the source.
pub(crate) fn after_migrate_to(
    unpacked: &mut Unpacked,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) {
    let Some((source, target)) = ends(entry) else { return };
    let cluster = &mut unpacked.cluster;
    let id = cluster[rsc].history_id().to_owned();
    let source_newer = acted_after(cluster, &source, &id, entry)
        || found_stopped_after(cluster, &source, &id, entry, true);
    let migrate_from = entries(cluster, &target, &id).into_iter().find(|e| {
        e.task == task::MIGRATE_FROM && e.xml.get("migrate_source") == Some(source.as_str())
    });
    let target_newer = newer_on_target(cluster, &id, &target, entry, migrate_from.as_ref());
    // clones don't migrate, so the role is never promoted
    cluster[rsc].role = Role::Started;
    let (source_node, target_node) = (node_named(cluster, &source), node_named(cluster, &target));
    let online = |cluster: &Cluster, node: Option<NodeIx>| node.is_some_and(|n| cluster[n].online);
    match &migrate_from {
        Some(from) if from.rc == rc::OK && from.status == exec::DONE => {
            if !source_newer {
                // it runs on the target; the source keeps something to stop
                let one = &mut cluster[rsc];
                one.role = Role::Stopped;
                one.dangling_migrations.insert(0, node);
            }
        }
        Some(from) if from.status != exec::PENDING => {
            if target_newer {
                return;
            }
            if let Some(target) = target_node.filter(|_| online(cluster, target_node)) {
                add_running(unpacked, rsc, target, true);
            } else {
                cluster[rsc].failed = true;
                cluster[rsc].stop_if_failed = true;
            }
        }
        _ => {
            if target_newer {
                return;
            }
            if let Some(target) = target_node.filter(|_| online(cluster, target_node)) {
                if source_newer && !online(cluster, source_node) {
                    return;
                }
                add_running(unpacked, rsc, target, false);
                let cluster = &mut unpacked.cluster;
                if let Some(source) = source_node.filter(|_| online(cluster, source_node)) {
                    cluster[rsc].migration_target = Some(target);
                    cluster[rsc].migration_source = Some(source);
                }
            } else if !source_newer {
                cluster[rsc].failed = true;
                cluster[rsc].stop_if_failed = true;
            }
        }
    }
}

/// A failed `migrate_to` on the source.
pub(crate) fn after_failed_migrate_to(
    unpacked: &mut Unpacked,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) {
    let Some((source, target)) = ends(entry) else { return };
    let cluster = &mut unpacked.cluster;
    let id = cluster[rsc].history_id().to_owned();
    cluster[rsc].role = Role::Started;
    let target_stop = entries(cluster, &target, &id).into_iter().find(|e| e.task == task::STOP);
    let target_from =
        entries(cluster, &target, &id).into_iter().find(|e| e.task == task::MIGRATE_FROM);
    let newer_stop = match (&target_stop, &target_from) {
        (Some(stop), Some(from)) => newer(stop, from, true),
        (Some(stop), None) => newer(stop, entry, false),
        (None, _) => false,
    };
    let target_probe = newer_on_target(cluster, &id, &target, entry, None);
    if newer_stop || target_probe {
        return;
    }
    let _ = node;
    let Some(target_node) = node_named(cluster, &target) else { return };
    if cluster[target_node].online {
        add_running(unpacked, rsc, target_node, false);
        return;
    }
    // the target may have got it, but nobody can say
    if !acted_after(cluster, &source, &id, entry) {
        cluster[rsc].dangling_migrations.insert(0, target_node);
    }
}

/// A failed `migrate_from` on the target.
pub(crate) fn after_failed_migrate_from(
    unpacked: &mut Unpacked,
    rsc: ResourceIx,
    _node: NodeIx,
    entry: &Entry,
) {
    let Some((source, _)) = ends(entry) else { return };
    let cluster = &mut unpacked.cluster;
    let id = cluster[rsc].history_id().to_owned();
    cluster[rsc].role = Role::Started;
    let history = entries(cluster, &source, &id);
    let migrate_to = history.iter().find(|e| e.task == task::MIGRATE_TO);
    let stopped = history
        .iter()
        .any(|e| e.task == task::STOP && migrate_to.is_none_or(|to| newer(e, to, true)));
    if stopped {
        return;
    }
    if let Some(source) = node_named(cluster, &source).filter(|n| cluster[*n].online) {
        add_running(unpacked, rsc, source, true);
    }
}

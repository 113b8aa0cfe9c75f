//! Migrations that were cut short: what is active where after a `migrate_to` or `migrate_from`.
//!
//! A whole migration is a `migrate_to` on the source, a `migrate_from` on the target and a stop on
//! the source. Without the second it is partial, without the third dangling. Each node's history
//! may have been cleaned up at any point of it.

use std::cmp::Ordering;

use crate::cluster::Cluster;
use crate::entry::{Entry, compare};
use crate::fail_count::entries;
use crate::history::add_running;
use crate::index::{NodeIx, ResourceIx};
use crate::playback::{exec, rc};
use crate::role::Role;
use crate::task;
use crate::unpack::Unpacked;

/// A migration that an entry is about.
struct Migration {
    /// The resource's name in histories.
    id: String,
    source: String,
    target: String,
}

impl Migration {
    fn of(cluster: &Cluster, rsc: ResourceIx, entry: &Entry) -> Option<Self> {
        Some(Self {
            id: cluster[rsc].history_id().to_owned(),
            source: entry.xml.get("migrate_source")?.to_owned(),
            target: entry.xml.get("migrate_target")?.to_owned(),
        })
    }

    /// The `migrate_from` on the target.
    fn arrival(&self, cluster: &Cluster) -> Option<Entry> {
        entries(cluster, &self.target, &self.id).into_iter().find(|entry| {
            entry.task == Some(task::MIGRATE_FROM)
                && entry.xml.get("migrate_source") == Some(self.source.as_str())
        })
    }

    /// The successful `migrate_to` on the source.
    fn departure(&self, cluster: &Cluster) -> Option<Entry> {
        let entry = entries(cluster, &self.source, &self.id).into_iter().find(|entry| {
            entry.task == Some(task::MIGRATE_TO)
                && entry.xml.get("migrate_target") == Some(self.target.as_str())
        })?;
        succeeded(&entry).then_some(entry)
    }

    /// Tells whether nothing is known about the resource on a node, so that it will be probed.
    fn unknown_on(&self, cluster: &Cluster, node: &str) -> bool {
        const UNKNOWN: i32 = 193;
        entries(cluster, node, &self.id).iter().all(|entry| entry.rc == UNKNOWN)
    }

    /// Tells whether the resource was acted upon on a node after an entry.
    fn acted_after(&self, cluster: &Cluster, node: &str, entry: &Entry, same_node: bool) -> bool {
        entries(cluster, node, &self.id).iter().any(|other| {
            matches!(
                other.task,
                Some(task::START | task::STOP | task::MIGRATE_TO | task::MIGRATE_FROM)
            ) && compare(other, entry, same_node) == Ordering::Greater
        })
    }

    /// Tells whether a monitor found nothing running on a node after an entry.
    fn stopped_after(&self, cluster: &Cluster, node: &str, entry: &Entry, same_node: bool) -> bool {
        entries(cluster, node, &self.id)
            .iter()
            .find(|other| other.task == Some(task::MONITOR))
            .is_some_and(|other| {
                other.rc == rc::NOT_RUNNING
                    && other.status == exec::DONE
                    && compare(other, entry, same_node) == Ordering::Greater
            })
    }

    /// Tells whether a node has something newer to say than the migration.
    fn newer_state(
        &self,
        cluster: &Cluster,
        node: &str,
        departure: Option<&Entry>,
        arrival: Option<&Entry>,
    ) -> bool {
        // the event of the same node is better to compare with: its call numbers are of one kind
        let (entry, same_node) = if node == self.source {
            departure.map_or((arrival, false), |entry| (Some(entry), true))
        } else {
            arrival.map_or((departure, false), |entry| (Some(entry), true))
        };
        entry.is_some_and(|entry| {
            self.acted_after(cluster, node, entry, same_node)
                || self.stopped_after(cluster, node, entry, same_node)
        })
    }
}

fn succeeded(entry: &Entry) -> bool {
    entry.rc == rc::OK && entry.status == exec::DONE
}

fn online(cluster: &Cluster, name: &str) -> Option<NodeIx> {
    cluster.find_node(None, Some(name)).filter(|node| cluster[*node].online)
}

/// It may run on either side, so it is to be recovered, by a stop and a start.
fn recover(cluster: &mut Cluster, rsc: ResourceIx) {
    let one = &mut cluster[rsc];
    one.failed = true;
    one.stop_if_failed = true;
    one.allow_migrate = false;
}

/// A successful `migrate_to` on the source.
pub(crate) fn after_migrate_to(
    unpacked: &mut Unpacked,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) {
    let cluster = &mut unpacked.cluster;
    let Some(migration) = Migration::of(cluster, rsc, entry) else { return };
    let source_newer = migration.acted_after(cluster, &migration.source, entry, true);
    let arrival = migration.arrival(cluster);
    if source_newer && arrival.is_some() {
        return;
    }
    let target_newer =
        migration.newer_state(cluster, &migration.target, Some(entry), arrival.as_ref());
    if source_newer && target_newer {
        return;
    }
    if arrival.as_ref().is_some_and(succeeded) {
        // it runs on the target; the source keeps something to stop
        let one = &mut cluster[rsc];
        one.role = Role::Stopped;
        one.dangling_migrations.insert(0, node);
        return;
    }
    // clones don't migrate, so the role is never promoted
    cluster[rsc].role = Role::Started;
    let online_target = online(cluster, &migration.target);
    let active_on = online_target.filter(|_| !target_newer);
    if arrival.is_some_and(|from| from.status != exec::PENDING) {
        match active_on {
            Some(target) => add_running(unpacked, rsc, target, true),
            None => recover(cluster, rsc),
        }
        return;
    }
    // the second half is under way, was forgotten, or is still to come
    if online_target.is_some() && migration.unknown_on(cluster, &migration.target) {
        return;
    }
    if let Some(target) = active_on {
        add_running(unpacked, rsc, target, false);
        let cluster = &mut unpacked.cluster;
        if let Some(source) = online(cluster, &migration.source) {
            cluster[rsc].migration_target = Some(target);
            cluster[rsc].migration_source = Some(source);
        }
    } else if !source_newer {
        recover(cluster, rsc);
    }
}

/// A failed `migrate_to` on the source: it may have arrived all the same.
pub(crate) fn after_failed_migrate_to(
    unpacked: &mut Unpacked,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) {
    let cluster = &mut unpacked.cluster;
    let Some(migration) = Migration::of(cluster, rsc, entry) else { return };
    cluster[rsc].role = Role::Started;
    let arrival = migration.arrival(cluster);
    let target = &migration.target;
    if !migration.unknown_on(cluster, target)
        && !migration.newer_state(cluster, target, Some(entry), arrival.as_ref())
    {
        if let Some(target) = online(cluster, target) {
            add_running(unpacked, rsc, target, false);
        }
    } else if !migration.acted_after(cluster, &migration.source, entry, true) {
        // the target has newer state, but this matters for the source
        cluster[rsc].dangling_migrations.insert(0, node);
    }
}

/// A failed `migrate_from` on the target: it may still be on the source.
pub(crate) fn after_failed_migrate_from(unpacked: &mut Unpacked, rsc: ResourceIx, entry: &Entry) {
    let cluster = &mut unpacked.cluster;
    let Some(migration) = Migration::of(cluster, rsc, entry) else { return };
    cluster[rsc].role = Role::Started;
    let departure = migration.departure(cluster);
    let source = &migration.source;
    if !migration.unknown_on(cluster, source)
        && !migration.newer_state(cluster, source, departure.as_ref(), Some(entry))
        && let Some(source) = online(cluster, source)
    {
        add_running(unpacked, rsc, source, true);
    }
}

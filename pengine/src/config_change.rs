//! What runs but not as it is configured: restarts, reloads, cancellations, clean-ups.

use std::collections::BTreeMap;
use std::sync::Arc;

use cib::Element;

use crate::action::{Book, Key, Point, relation::*};
use crate::bundle_remote::{CheckAbout, DeferredCheck};
use crate::cluster::Cluster;
use crate::constraint::Constrained;
use crate::digest::Comparison;
use crate::entry::Entry;
use crate::history::active_span;
use crate::index::{NodeIx, ResourceIx};
use crate::list_sort::list_sort;
use crate::operation;
use crate::task;

/// Compares every history entry with the configuration.
pub(crate) fn check_all(all: &mut Constrained) {
    let document = Arc::clone(&all.cluster.document);
    let Some(status) = document.child("status") else { return };
    let by_name = by_name(&all.cluster);
    for state in status.children_named("node_state") {
        let Some(node) = all.cluster.find_node(state.id(), state.get("uname")) else { continue };
        let host = &all.cluster[node];
        let available =
            host.online && !host.shutdown && !host.unclean && !host.standby && !host.maintenance;
        if !available && !host.maintenance {
            continue;
        }
        let Some(resources) = state.at(&["lrm", "lrm_resources"]) else { continue };
        for element in resources.children_named("lrm_resource") {
            if element.children().next().is_none() {
                continue;
            }
            let Some(id) = element.id() else { continue };
            // the instances of a clone, all of which may have this name, are of one agent
            let mut agent: Option<(Arc<Element>, bool)> = None;
            for rsc in by_name.get(id).into_iter().flatten() {
                let xml = Arc::clone(&all.cluster[*rsc].xml);
                let changed = match agent {
                    Some((known, changed)) if Arc::ptr_eq(&known, &xml) => changed,
                    _ => agent_changed(&xml, element),
                };
                agent = Some((xml, changed));
                check(all, *rsc, node, element, changed);
            }
        }
    }
}

/// Primitives by the names under which histories know them.
fn by_name(cluster: &Cluster) -> BTreeMap<String, Vec<ResourceIx>> {
    let mut found: BTreeMap<String, Vec<ResourceIx>> = BTreeMap::new();
    for part in cluster.top.iter().flat_map(|top| cluster.family(*top)) {
        let one = &cluster[part];
        if !one.is_primitive() {
            continue;
        }
        found.entry(one.id.clone()).or_default().push(part);
        if let Some(name) = one.history_name.as_deref().filter(|name| *name != one.id) {
            found.entry(name.to_owned()).or_default().push(part);
        }
    }
    found
}

/// A history of another agent.
fn agent_changed(xml: &Element, element: &Element) -> bool {
    ["class", "provider", "type"].into_iter().any(|name| xml.get(name) != element.get(name))
}

fn check(
    all: &mut Constrained,
    rsc: ResourceIx,
    node: NodeIx,
    element: &Element,
    agent_changed: bool,
) {
    let Constrained { cluster, book, .. } = all;
    if cluster[rsc].removed {
        // what runs is stopped first; what does not is forgotten at once
        if !cluster.anonymous(rsc) {
            schedule_delete(cluster, book, rsc, node, false);
        }
        return;
    }
    let running = cluster[rsc].running_on.contains(&node);
    if agent_changed {
        let reason = "Device definition changed";
        crate::unfencing::device_changed(cluster, book, rsc, node, reason);
        if running {
            let stop = book.simple(cluster, rsc, task::STOP, Some(node), false);
            book.set_reason(stop, "resource definition change", true);
            cluster[rsc].start_pending = true;
        }
        schedule_delete(cluster, book, rsc, node, false);
    }
    if !running {
        return;
    }
    let mut entries: Vec<Entry> = Entry::all(element).collect();
    list_sort(&mut entries, &mut |a: &Entry, b: &Entry| crate::entry::compare(a, b, true));
    let (start, stop) = active_span(&entries);
    for (at, entry) in (0_i64..).zip(&entries) {
        if start < stop || at < start {
            continue;
        }
        let Some(name) = entry.task else { continue };
        let key = Key { task: name, interval_ms: entry.interval_ms };
        let in_maintenance = cluster[rsc].maintenance || cluster[node].maintenance;
        if entry.interval_ms > 0 && in_maintenance {
            cancel(cluster, book, rsc, key, node, entry);
        } else if entry.interval_ms > 0
            || matches!(name, task::MONITOR | task::START | task::PROMOTE | task::MIGRATE_FROM)
        {
            if crate::bundle_remote::found_at_host(cluster, rsc) {
                let entry = entry.clone();
                let about = CheckAbout::Active;
                cluster.deferred_checks.push(DeferredCheck { rsc, node, entry, about });
            } else {
                check_entry(cluster, book, rsc, node, entry);
            }
        }
    }
}

fn cancel(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    key: Key,
    node: NodeIx,
    entry: &Entry,
) {
    let cancel = crate::recurring::cancel(cluster, book, rsc, key, Some(node));
    // of several results of one operation the first names the call
    book[cancel].meta.insert_missing("call-id", entry.call_id.to_string());
    book.order(Point::of(rsc, task::STOP), Point::Action(cancel), ORDERED);
}

/// Draws the consequences of one entry's operation being configured otherwise now.
pub(crate) fn check_entry(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) {
    let key = crate::digest::digested_as(entry);
    if entry_changed(cluster, book, rsc, node, key, entry)
        && crate::fail_count::get(cluster, rsc, node, true, false).count != 0
    {
        book.clear_fail_count(cluster, rsc, node, "action definition changed");
    }
}

/// Compares one entry; tells whether its operation is configured otherwise now.
fn entry_changed(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    key: Key,
    entry: &Entry,
) -> bool {
    let gone = || {
        let config = book.operations().entry(cluster, rsc, key);
        config.is_none_or(|config| operation::disabled(&config))
    };
    if key.interval_ms > 0 && gone() {
        if cluster.properties.cancel_removed_actions {
            cancel(cluster, book, rsc, key, node, entry);
        }
        return true;
    }
    let forgiven = |(one, at, id): &(ResourceIx, NodeIx, String)| {
        *one == rsc && *at == node && *id == entry.id()
    };
    if entry.xml.get("op-digest").is_some() && cluster.forgiven.iter().any(forgiven) {
        force_restart(cluster, book, rsc, node, key);
        return true;
    }
    match crate::digest::compare(cluster, book, rsc, node, entry) {
        Comparison::Match => false,
        Comparison::Restart => {
            force_restart(cluster, book, rsc, node, key);
            true
        }
        // what nobody recorded may have been anything
        Comparison::Unknown | Comparison::All => {
            if key.interval_ms > 0 {
                let reason = "Device parameters changed (reschedule)";
                crate::unfencing::device_changed(cluster, book, rsc, node, reason);
                let again = book.action(cluster, rsc, key, key.task, Some(node), true);
                book[again].reschedule = true;
            } else if entry.xml.get("op-restart-digest").is_some() {
                let reason = "Device parameters changed (reload)";
                crate::unfencing::device_changed(cluster, book, rsc, node, reason);
                reload(cluster, book, rsc, node);
            } else {
                force_restart(cluster, book, rsc, node, key);
            }
            true
        }
    }
}

fn force_restart(cluster: &mut Cluster, book: &mut Book, rsc: ResourceIx, node: NodeIx, key: Key) {
    let key = match key {
        // what runs since a probe, migration or promotion runs as it would have been started
        Key { task: task::MONITOR | task::MIGRATE_FROM | task::PROMOTE, interval_ms: 0 } => {
            Key::once(task::START)
        }
        _ => key,
    };
    let required = book.action(cluster, rsc, key, key.task, None, false);
    book.set_reason(required, "resource definition change", true);
    crate::unfencing::device_changed(cluster, book, rsc, node, "Device parameters changed");
}

fn reload(cluster: &mut Cluster, book: &mut Book, rsc: ResourceIx, node: NodeIx) {
    if !cluster[rsc].managed || cluster[rsc].failed {
        return;
    }
    if cluster[rsc].start_pending {
        book.simple(cluster, rsc, task::STOP, Some(node), false);
        return;
    }
    cluster[rsc].reload = true;
    let reload = book.simple(cluster, rsc, task::RELOAD, Some(node), false);
    book.set_reason(reload, "resource definition change", false);
    for what in [task::STOP, task::DEMOTE] {
        book.order(Point::Action(reload), Point::of(rsc, what), ORDERED | THEN_CANCELS_FIRST);
    }
}

/// Schedules that a node forgets a resource.
pub(crate) fn schedule_delete(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    optional: bool,
) {
    if cluster[rsc].failed || cluster[node].unclean || !cluster[node].online {
        return;
    }
    book.simple(cluster, rsc, task::DELETE, Some(node), optional);
    book.order_tasks(
        (rsc, task::STOP),
        (rsc, task::DELETE),
        if optional { FIRST_IMPLIES_THEN } else { ORDERED },
    );
    book.order_tasks(
        (rsc, task::DELETE),
        (rsc, task::START),
        if optional { FIRST_IMPLIES_THEN } else { ORDERED },
    );
}

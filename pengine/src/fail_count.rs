//! Fail counts: what they sum up to, when they expire, when they force a resource away.

use crate::action::Key;
use crate::bundle_remote::{CheckAbout, DeferredCheck};
use crate::cluster::Cluster;
use crate::entry::Entry;
use crate::history::base_name;
use crate::index::{NodeIx, ResourceIx};
use crate::operation;
use crate::playback::{exec, rc};
use crate::task;
use crate::unpack::Unpacked;
use crate::values;

/// How the names of attributes begin that are fail counts.
const COUNT: &str = "fail-count-";

/// Infinity of fail counts.
const INFINITY: i64 = 1_000_000;

/// A fail count and the time of the last failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailCount {
    pub(crate) count: i64,
    pub(crate) last: i64,
}

/// Tells whether anything has a fail count on a node.
pub(crate) fn any(cluster: &Cluster, node: NodeIx) -> bool {
    cluster[node].attributes.beginning_with(COUNT).next().is_some()
}

/// Sums up the raw fail count of a resource on a node.
pub(crate) fn raw(cluster: &Cluster, rsc: ResourceIx, node: NodeIx) -> FailCount {
    let history = cluster[rsc].history_id();
    let anonymous = cluster.anonymous(rsc);
    let name = if anonymous { base_name(history) } else { history };
    let matches = |attribute: &str, prefix: &str| {
        let Some(rest) = attribute.strip_prefix(prefix).and_then(|r| r.strip_prefix(name)) else {
            return false;
        };
        let rest = match rest.strip_prefix(':') {
            Some(numbered) if anonymous => {
                numbered.trim_start_matches(|c: char| c.is_ascii_digit())
            }
            _ => rest,
        };
        names_operation(rest)
    };
    let mut total = FailCount::default();
    let of = |prefix: &'static str| {
        let attributes = cluster[node].attributes.beginning_with(prefix);
        attributes.filter(move |(attribute, _)| matches(attribute, prefix))
    };
    for (_, value) in of(COUNT) {
        let count = values::score(value).map_or(0, |score| i64::from(score.value()));
        total.count = (total.count + count).min(INFINITY);
    }
    for (_, value) in of("last-failure-") {
        total.last = total.last.max(values::number(value).unwrap_or(0));
    }
    total
}

/// Tells whether the end of an attribute's name, after the resource, names an operation: `#TASK_INTERVAL`.
/// One without is of a Pacemaker before 1.1.17, and counts no more.
fn names_operation(rest: &str) -> bool {
    let operation = rest.strip_prefix('#').and_then(|key| key.rsplit_once('_'));
    operation.is_some_and(|(task, interval)| {
        !task.is_empty()
            && !interval.is_empty()
            && interval.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// The fail count; `effective` leaves out what has expired, `with_fillers` adds that of what the
/// resource launches.
pub(crate) fn get(
    cluster: &mut Cluster,
    rsc: ResourceIx,
    node: NodeIx,
    effective: bool,
    with_fillers: bool,
) -> FailCount {
    get_about(cluster, rsc, node, effective, with_fillers, None)
}

/// As `get`, as one entry of the history sees it: a failure that blocks keeps the count from expiring,
/// but of other entries that one knows nothing.
fn get_about(
    cluster: &mut Cluster,
    rsc: ResourceIx,
    node: NodeIx,
    effective: bool,
    with_fillers: bool,
    entry: Option<&Entry>,
) -> FailCount {
    let mut total = raw(cluster, rsc, node);
    if total.count > 0
        && cluster[rsc].failure_timeout_s > 0
        && match entry {
            Some(entry) => blocks_on_failure(cluster, rsc, std::slice::from_ref(entry)),
            None => {
                let name = &cluster[node].name;
                blocks_on_failure(cluster, rsc, &entries(cluster, name, cluster[rsc].history_id()))
            }
        }
    {
        cluster[rsc].failure_timeout_s = 0;
    }
    let timeout = cluster[rsc].failure_timeout_s;
    if effective && total.last > 0 && timeout > 0 && cluster.now > total.last + timeout {
        total.count = 0;
    }
    if with_fillers && cluster.bundle_of(rsc).is_none() {
        for filler in cluster[rsc].fillers.clone() {
            let more = get(cluster, filler, node, effective, false);
            total.count = (total.count + more.count).min(INFINITY);
            total.last = total.last.max(more.last);
        }
    }
    total
}

/// Tells whether an operation with `on-fail=block` is among those that have failed. What says so by
/// meta-attributes, or by defaults, does not count here.
fn blocks_on_failure(cluster: &Cluster, rsc: ResourceIx, history: &[Entry]) -> bool {
    operation::entries(cluster, rsc).iter().any(|op| {
        let Some(name) = op.get("name").and_then(task::parse) else { return false };
        let key = Key { task: name, interval_ms: operation::interval_of(op) };
        op.get("on-fail") == Some("block")
            && history.iter().any(|entry| {
                entry.task == Some(key.task)
                    && entry.interval_ms == key.interval_ms
                    && entry.status != exec::PENDING
                    && entry.rc != entry.expected().max(0)
            })
    })
}

/// A resource's history on a node, as recorded.
pub(crate) fn entries(cluster: &Cluster, node: &str, resource: &str) -> Vec<Entry> {
    let Some(status) = cluster.document.child("status") else { return Vec::new() };
    status
        .children_named("node_state")
        .filter(|state| state.get("uname") == Some(node))
        .filter_map(|state| state.at(&["lrm", "lrm_resources"]))
        .flat_map(|resources| resources.children_named("lrm_resource"))
        .filter(|element| element.id() == Some(resource))
        .flat_map(Entry::all)
        .collect()
}

/// Tells whether the resource (or its whole anonymous clone, which is returned) must leave the
/// node because it has failed too often there.
pub(crate) fn threshold_reached(
    cluster: &mut Cluster,
    rsc: ResourceIx,
    node: NodeIx,
) -> Option<ResourceIx> {
    let threshold = cluster[rsc].migration_threshold;
    if threshold == 0 || cluster[rsc].failure_ignored {
        return None;
    }
    let count = get(cluster, rsc, node, true, true).count;
    if count <= 0 || threshold - count > 0 {
        return None;
    }
    let anonymous = !cluster[rsc].unique;
    Some(if anonymous { cluster.uppermost(rsc, false) } else { rsc })
}

/// Tells whether a failure has expired; plans the clearing of its fail count where that is due.
pub(crate) fn expired(
    unpacked: &mut Unpacked,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) -> bool {
    let Unpacked { cluster, book, .. } = unpacked;
    if entry.status == exec::NOT_INSTALLED {
        // must be cleaned up by a person
        return false;
    }
    let is_last_failure = entry.is_last_failure();
    let timeout = cluster[rsc].failure_timeout_s;
    let mut expired = false;
    let mut unexpired_count = 0;
    if let (Some(last_run), true) = (entry.last_change, timeout > 0) {
        let now = cluster.now;
        if now >= last_run + timeout && !counts_in_spite_of_timeout(cluster, rsc, entry) {
            expired = true;
        }
        let unexpired = get_about(cluster, rsc, node, true, false, Some(entry));
        unexpired_count = unexpired.count;
        let when = unexpired.last + timeout + 1;
        if unexpired_count > 0 && now < when {
            cluster.recheck(when);
        }
    }
    let mut clear_reason = None;
    if expired {
        if get_about(cluster, rsc, node, false, false, Some(entry)).count > 0 {
            if unexpired_count == 0 {
                clear_reason = Some("it expired");
            } else {
                expired = false;
            }
        } else if is_last_failure && cluster[rsc].reconnect_ms > 0 {
            clear_reason = Some("reconnect interval is set");
        }
    }
    if !expired && is_last_failure && matches!(entry.task, Some(task::START | task::MONITOR)) {
        if crate::bundle_remote::found_at_host(cluster, rsc) {
            let (entry, about) = (entry.clone(), CheckAbout::LastFailure);
            cluster.deferred_checks.push(DeferredCheck { rsc, node, entry, about });
        } else if crate::digest::failed_with_other_parameters(cluster, book, rsc, node, entry) {
            clear_reason = Some("resource parameters have changed");
        }
    }
    if let Some(reason) = clear_reason {
        let clear = book.clear_fail_count(cluster, rsc, node, reason);
        if cluster.properties.fencing && cluster[rsc].reconnect_ms > 0 {
            crate::fencing::order_after_remote_fencing(cluster, book, clear, rsc);
        }
    }
    if expired
        && entry.is_probe()
        && matches!(
            entry.rc,
            rc::OK | rc::NOT_RUNNING | rc::PROMOTED | rc::DEGRADED | rc::DEGRADED_PROMOTED
        )
    {
        expired = false;
    }
    expired
}

/// A failed monitor of a connection that will be made again counts until the node was fenced.
fn counts_in_spite_of_timeout(cluster: &Cluster, rsc: ResourceIx, entry: &Entry) -> bool {
    if cluster[rsc].reconnect_ms == 0
        || !cluster.properties.fencing
        || entry.interval_ms == 0
        || entry.task != Some(task::MONITOR)
    {
        return false;
    }
    let id = cluster[rsc].id.clone();
    cluster.find_node(Some(&id), Some(&id)).is_some_and(|node| !cluster[node].was_fenced)
}

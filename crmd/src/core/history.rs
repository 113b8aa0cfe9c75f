//! An operation's result as Pacemaker writes it into the status section, and which of a
//! resource's entries it replaces.

use std::sync::Arc;

use cib::{Content, Element};
use model::{ExecStatus, OpRecord, ResourceId};

/// The feature set whose history format this is.
pub const FEATURE_SET: &str = "3.20.5";

/// Tells whether an operation is a probe: a monitor that runs once.
pub fn is_probe(record: &OpRecord) -> bool {
    record.action == "monitor" && record.interval_ms == 0
}

/// Tells whether a failure of this operation counts against its resource.
pub fn counts_as_failure(record: &OpRecord) -> bool {
    record.is_unexpected() && !is_probe(record) && record.action != "notify"
}

/// Tells whether an operation under way must be in the history: until its result is known the
/// resource may be active there, or in another role. Operations that leave the resource where
/// the older entries say it is are not written; those entries remain true until the result.
pub fn pending_matters(action: &str) -> bool {
    matches!(action, "start" | "promote" | "migrate_to" | "migrate_from")
}

/// Returns the ids under which a result stands in the history; empty for what is not kept.
pub fn entry_ids(record: &OpRecord) -> Vec<String> {
    let resource = &record.resource;
    let last = || format!("{resource}_last_0");
    match record.action.as_str() {
        "notify" | "meta-data" | "validate-all" | "delete" => Vec::new(),
        _ if record.is_unexpected() => {
            let mut ids = vec![format!("{resource}_last_failure_0")];
            // a failure that a human claims says nothing of what the resource did last
            if record.interval_ms == 0 && record.action != "asyncmon" {
                ids.push(last());
            }
            ids
        }
        _ if record.interval_ms > 0 => vec![record.key()],
        _ => vec![last()],
    }
}

/// Writes one history entry.
pub fn entry(
    id: &str,
    record: &OpRecord,
    node: &str,
    migration: Option<&(String, String)>,
) -> Element {
    // a reload that went well leaves the resource as a start does, one that failed is seen as a
    // failed check
    let action = match record.action.as_str() {
        "reload" | "reload-agent" if record.is_unexpected() => "monitor",
        "reload" | "reload-agent" => "start",
        other => other,
    };
    let number = |n: u64| n.to_string();
    let mut entry = Element::new("lrm_rsc_op")
        .with("id", id)
        .with("operation_key", format!("{}_{action}_{}", record.resource, record.interval_ms))
        .with("operation", action)
        .with("crm-debug-origin", record.origin.as_str())
        .with("crm_feature_set", FEATURE_SET)
        .with("transition-key", record.transition_key.as_str())
        .with("transition-magic", record.transition_magic())
        .with("exit-reason", record.exit_reason.as_str())
        .with("on_node", node)
        .with("call-id", record.call_id.to_string())
        .with("rc-code", record.rc.to_string())
        .with("op-status", record.status.code().to_string())
        .with("interval", number(record.interval_ms))
        .with("last-rc-change", record.last_rc_change.secs().to_string())
        .with("exec-time", number(record.exec_time_ms))
        .with("queue-time", number(record.queue_time_ms));
    if let Some((source, target)) = migration {
        entry.set("migrate_source", source.as_str());
        entry.set("migrate_target", target.as_str());
    }
    if !record.op_digest.is_empty() {
        entry.set("op-digest", record.op_digest.as_str());
    }
    if let Some((names, digest)) = &record.restart {
        entry.set("op-force-restart", names.as_str());
        entry.set("op-restart-digest", digest.as_str());
    }
    if let Some((names, digest)) = &record.secure {
        entry.set("op-secure-params", names.as_str());
        entry.set("op-secure-digest", digest.as_str());
    }
    entry
}

/// Puts a record into its resource's history.
///
/// `replayed` says that records come from the hands' own list, oldest first, rather than one by
/// one as they happen; then nothing older can be overwritten by mistake and no guard is needed.
pub fn fold(
    resource: &mut Element,
    record: &OpRecord,
    node: &str,
    migration: Option<&(String, String)>,
    replayed: bool,
) {
    if record.status == ExecStatus::Cancelled {
        forget_operation(resource, &record.resource, &record.action, record.interval_ms);
        return;
    }
    if record.status == ExecStatus::Pending && !pending_matters(&record.action) {
        return;
    }
    for id in entry_ids(record) {
        let older = resource.children().find(|old| old.id() == Some(&id));
        if !replayed && older.is_some_and(|old| outlives(old, record)) {
            continue;
        }
        let new = entry(&id, record, node, migration);
        match position(resource, |old| old.id() == Some(&id)) {
            Some(at) => resource.content_mut()[at] = Content::from(new),
            None => resource.push(new),
        }
    }
    // stopping ends what recurs
    if record.action == "stop" && !record.is_unexpected() {
        resource.retain_children(|old| recurs(old).is_none_or(|interval| interval == 0));
    }
}

/// Returns where the first child stands for which `is_it` holds.
pub(super) fn position(parent: &Element, is_it: impl Fn(&Element) -> bool) -> Option<usize> {
    parent.content().iter().position(|content| match content {
        Content::Element(child) => is_it(child),
        Content::Text(_) | Content::Comment(_) => false,
    })
}

/// Returns the first child for which `is_it` holds, for changing; copies no other.
pub(super) fn find_mut(
    parent: &mut Element,
    is_it: impl Fn(&Element) -> bool,
) -> Option<&mut Element> {
    let at = position(parent, is_it)?;
    match parent.content_mut().get_mut(at)? {
        Content::Element(child) => Some(Arc::make_mut(child)),
        Content::Text(_) | Content::Comment(_) => None,
    }
}

/// Tells whether an entry stays although a result for its place arrived: it is of a later call,
/// or of an operation under way that this is not the result of.
fn outlives(old: &Element, new: &OpRecord) -> bool {
    let call_id: i64 = old.get("call-id").and_then(|n| n.parse().ok()).unwrap_or(-1);
    let pending = old.get("op-status") == Some("-1");
    if pending {
        return new.status != ExecStatus::Pending
            && old.get("transition-key") != Some(&new.transition_key);
    }
    new.call_id >= 0 && call_id > new.call_id
}

/// Returns an entry's interval in milliseconds unless it is the last failure.
fn recurs(entry: &Element) -> Option<u64> {
    let id = entry.id()?;
    if id.ends_with("_last_failure_0") {
        return None;
    }
    entry.get("interval")?.parse().ok()
}

/// Takes the entry of one operation away, and the last failure if it was this operation's.
pub fn forget_operation(resource: &mut Element, name: &ResourceId, action: &str, interval_ms: u64) {
    let own = format!("{name}_{action}_{interval_ms}");
    resource.retain_children(|old| old.id() != Some(&own));
}

/// Takes the last failure away; only that of one operation, if one is named.
pub fn forget_failure(
    resource: &mut Element,
    name: &ResourceId,
    operation: Option<&(String, u64)>,
) {
    let id = format!("{name}_last_failure_0");
    resource.retain_children(|old| {
        old.id() != Some(&id)
            || operation.is_some_and(|(action, interval)| {
                old.get("operation") != Some(action)
                    || old.get("interval") != Some(&interval.to_string())
            })
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::record;

    fn resource() -> Element {
        Element::new("lrm_resource").with("id", "web")
    }

    fn ids(resource: &Element) -> Vec<(String, String)> {
        resource
            .children()
            .map(|op| {
                let get = |k: &str| op.get(k).unwrap_or_default().to_owned();
                (get("id"), format!("{}:{}", get("operation"), get("rc-code")))
            })
            .collect()
    }

    #[test]
    fn a_failed_monitor_leaves_the_last_good_one_and_a_failed_start_stands_twice() {
        let mut history = resource();
        for (action, interval, rc, call) in
            [("start", 0, 0, 1), ("monitor", 10_000, 0, 2), ("monitor", 10_000, 7, 2)]
        {
            let record = record("web", action, interval, rc, call);
            fold(&mut history, &record, "ser1", None, false);
        }
        let text = |id: &str, what: &str| (id.to_owned(), what.to_owned());
        assert_eq!(
            ids(&history),
            [
                text("web_last_0", "start:0"),
                text("web_monitor_10000", "monitor:0"),
                text("web_last_failure_0", "monitor:7")
            ]
        );
        fold(&mut history, &record("web", "stop", 0, 0, 3), "ser1", None, false);
        fold(&mut history, &record("web", "start", 0, 1, 4), "ser1", None, false);
        assert_eq!(
            ids(&history),
            [text("web_last_0", "start:1"), text("web_last_failure_0", "start:1")]
        );
    }

    #[test]
    fn a_start_under_way_is_not_hidden_by_the_stop_before_it() {
        let mut history = resource();
        let mut start = record("web", "start", 0, 193, -1);
        start.status = ExecStatus::Pending;
        start.transition_key = "5:2:0:uuid".into();
        fold(&mut history, &start, "ser1", None, false);
        fold(&mut history, &record("web", "stop", 0, 0, 3), "ser1", None, false);
        assert_eq!(ids(&history), [("web_last_0".to_owned(), "start:193".to_owned())]);
        let mut done = record("web", "start", 0, 0, 4);
        done.transition_key = "5:2:0:uuid".into();
        fold(&mut history, &done, "ser1", None, false);
        assert_eq!(ids(&history), [("web_last_0".to_owned(), "start:0".to_owned())]);
    }

    #[test]
    fn an_older_result_told_again_changes_nothing() {
        let mut history = resource();
        fold(&mut history, &record("web", "start", 0, 0, 4), "ser1", None, false);
        fold(&mut history, &record("web", "stop", 0, 0, 3), "ser1", None, false);
        assert_eq!(ids(&history), [("web_last_0".to_owned(), "start:0".to_owned())]);
    }

    #[test]
    fn a_stop_under_way_leaves_the_entry_that_says_where_the_resource_is() {
        let mut history = resource();
        fold(&mut history, &record("web", "start", 0, 0, 4), "ser1", None, false);
        let mut stop = record("web", "stop", 0, 193, -1);
        stop.status = ExecStatus::Pending;
        fold(&mut history, &stop, "ser1", None, false);
        assert_eq!(ids(&history), [("web_last_0".to_owned(), "start:0".to_owned())]);
    }

    #[test]
    fn an_entry_is_written_as_pacemaker_writes_it() {
        let mut record = record("web", "monitor", 10_000, 0, 12);
        record.op_digest = "f2317cad3d54cec5d7d7aa7d0bf35cf8".into();
        record.restart = Some((" ip ".into(), "aa".into()));
        let text = entry("web_monitor_10000", &record, "ser1", None).to_xml_compact();
        assert_eq!(
            text,
            "<lrm_rsc_op id=\"web_monitor_10000\" operation_key=\"web_monitor_10000\" \
             operation=\"monitor\" crm-debug-origin=\"controld_update_resource_history\" \
             crm_feature_set=\"3.20.5\" transition-key=\"1:1:0:uuid\" \
             transition-magic=\"0:0;1:1:0:uuid\" exit-reason=\"\" on_node=\"ser1\" \
             call-id=\"12\" rc-code=\"0\" op-status=\"0\" interval=\"10000\" \
             last-rc-change=\"1700000000\" exec-time=\"20\" queue-time=\"0\" \
             op-digest=\"f2317cad3d54cec5d7d7aa7d0bf35cf8\" op-force-restart=\" ip \" \
             op-restart-digest=\"aa\"/>"
        );
    }
}

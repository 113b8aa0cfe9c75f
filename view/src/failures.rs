//! What failed: operations with another result than wanted, and how often.

use std::collections::BTreeMap;

use cib::Element;
use serde::Serialize;

/// One operation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedAction {
    /// The resource.
    pub resource: String,
    /// The operation.
    pub operation: String,
    /// Its interval in milliseconds.
    pub interval_ms: u64,
    /// The node.
    pub node: String,
    /// What the agent returned.
    pub result: i32,
    /// How the execution went.
    pub status: i32,
    /// Why, in the agent's words.
    pub reason: String,
    /// Which call it was.
    pub call: i64,
    /// When, in seconds since 1970.
    pub at: Option<i64>,
    /// How long it waited, in milliseconds.
    pub queued_ms: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl FailedAction {
    /// Takes what the scheduler found; the operation is what its key says.
    pub fn of(failed: &pengine::status::FailedOperation) -> Self {
        let key = failed.key.rsplit_once('_').map_or("", |(key, _interval)| key);
        let resource = key.strip_suffix(&failed.task).and_then(|name| name.strip_suffix('_'));
        Self {
            resource: resource.unwrap_or(&failed.resource).to_owned(),
            operation: failed.task.clone(),
            interval_ms: failed.interval_ms,
            node: failed.node.clone(),
            result: failed.rc,
            status: failed.status,
            reason: failed.exit_reason.clone(),
            call: failed.call_id,
            at: failed.last_change,
            queued_ms: failed.queue_ms,
            took_ms: failed.exec_ms,
        }
    }
}

fn states(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.child("status").into_iter().flat_map(|status| status.children_named("node_state"))
}

/// How often an operation failed on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailCount {
    /// The node.
    pub node: String,
    /// The resource.
    pub resource: String,
    /// The operation; empty where a document does not say.
    pub operation: String,
    /// Its interval in milliseconds.
    pub interval_ms: u64,
    /// How often; none is infinitely often.
    pub count: Option<u64>,
    /// When last, in seconds since 1970.
    pub last: Option<i64>,
}

/// Reads fail counts: attributes `fail-count-RESOURCE#OPERATION_INTERVAL`.
pub fn fail_counts(cib: &Element) -> Vec<FailCount> {
    let mut counts = Vec::new();
    for state in states(cib) {
        let node = state.get("uname").or(state.id()).unwrap_or_default();
        let attributes: BTreeMap<&str, &str> = state
            .child("transient_attributes")
            .into_iter()
            .flat_map(Element::children)
            .flat_map(|set| set.children_named("nvpair"))
            .filter_map(|pair| Some((pair.get("name")?, pair.get("value")?)))
            .collect();
        for (name, value) in &attributes {
            let Some(rest) = name.strip_prefix("fail-count-") else { continue };
            let last = attributes
                .get(format!("last-failure-{rest}").as_str())
                .and_then(|text| text.parse().ok());
            let (resource, operation) = rest.split_once('#').unwrap_or((rest, ""));
            let (operation, interval) = operation.rsplit_once('_').unwrap_or((operation, "0"));
            counts.push(FailCount {
                node: node.to_owned(),
                resource: resource.to_owned(),
                operation: operation.to_owned(),
                interval_ms: interval.parse().unwrap_or(0),
                count: if *value == "INFINITY" { None } else { Some(value.parse().unwrap_or(0)) },
                last,
            });
        }
    }
    counts
}

//! Digests of operations' parameters: whether a running resource runs as it is configured.

use cib::Element;
use md5::{Digest, Md5};

use crate::action::{Book, Key};
use crate::cluster::Cluster;
use crate::entry::Entry;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::operation;
use crate::pairs;
use crate::rules::{Context, Pairs};
use crate::task;

/// How parameters compare with those that an operation ran with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Nothing was recorded.
    Unknown,
    /// The same.
    Match,
    /// Changed, in ones that a reload applies.
    All,
    /// Changed, in ones that need a restart.
    Restart,
}

/// The MD5 of parameters, as histories hold it.
pub(crate) fn of_parameters(parameters: &Pairs) -> String {
    let mut element = Element::new("parameters");
    for (name, value) in parameters {
        element.set(name, value.as_str());
    }
    let text = format!(" {}\n", element.to_xml_compact());
    let mut hash = Md5::new();
    hash.update(text.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All parameters of an operation that its digest covers.
fn digested(cluster: &mut Cluster, rsc: ResourceIx, node: Option<NodeIx>, entry: &Entry) -> Pairs {
    let name = task::parse(&entry.task).unwrap_or(task::MONITOR);
    let key = Key { task: name, interval_ms: entry.interval_ms };
    let config = operation::configured(cluster, rsc, key);
    let mut out = Pairs::new();
    if let Some(config) = &config {
        let context = Context { node: node.map(|n| &cluster[n].attributes), ..cluster.context() };
        pairs::collect(config, "instance_attributes", &context, None, &mut out, &mut None);
    }
    let meta = operation::meta(cluster, rsc, key, node, config.as_deref());
    for (name, value) in cluster.parameters(rsc, node) {
        out.entry(name).or_insert(value);
    }
    crate::bundle_remote::fill_address(cluster, rsc, &mut out);
    out.retain(|name, _| {
        !matches!(name.as_str(), "id" | "crm_feature_set" | "op-digest" | "pcmk_external_ip")
            && !name.starts_with("CRM_meta_")
    });
    if entry.interval_ms > 0
        && let Some(timeout) = meta.get("timeout")
    {
        out.insert("CRM_meta_timeout".into(), timeout.clone());
    }
    out
}

/// Compares a history entry's digests with what the document says now.
pub(crate) fn compare(
    cluster: &mut Cluster,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) -> Comparison {
    let parameters = digested(cluster, rsc, Some(node), entry);
    let recorded = entry.xml.get("op-digest");
    if let Some(recorded) = entry.xml.get("op-restart-digest") {
        // without a list of those that need a restart, all do
        let list = entry.xml.get("op-force-restart");
        let needs_restart =
            |name: &str| list.is_none_or(|list| list.split_whitespace().any(|word| word == name));
        let relevant: Pairs = parameters
            .iter()
            .filter(|(name, _)| needs_restart(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if of_parameters(&relevant) != recorded {
            return Comparison::Restart;
        }
    }
    let Some(recorded) = recorded else { return Comparison::Unknown };
    if of_parameters(&parameters) == recorded {
        return Comparison::Match;
    }
    if secure_match(entry, &parameters) {
        return Comparison::Match;
    }
    Comparison::All
}

/// A document with its secrets blotted out can only be compared without them.
fn secure_match(entry: &Entry, parameters: &Pairs) -> bool {
    let (Some(list), Some(recorded)) =
        (entry.xml.get("op-secure-params"), entry.xml.get("op-secure-digest"))
    else {
        return false;
    };
    let secret = |name: &str| list.split_whitespace().any(|word| word == name);
    if !parameters.iter().any(|(name, value)| secret(name) && value.contains("****")) {
        return false;
    }
    let open: Pairs = parameters
        .iter()
        .filter(|(name, _)| !secret(name) && !name.starts_with("CRM_meta_"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    of_parameters(&open) == recorded
}

/// Tells whether a failure happened with other parameters than those configured now.
pub(crate) fn failed_with_other_parameters(
    cluster: &mut Cluster,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) -> bool {
    matches!(compare(cluster, rsc, node, entry), Comparison::All | Comparison::Restart)
}

/// Adds the digests of all fence devices to an unfencing or fencing action.
pub(crate) fn add_device_digests(
    _cluster: &mut Cluster,
    _book: &mut Book,
    _action: ActionIx,
    _node: NodeIx,
) {
}

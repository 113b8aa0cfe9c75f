//! Digests of operations' parameters: whether a running resource runs as it is configured.

use cib::Element;
use md5::{Digest, Md5};

use crate::action::{Book, Key};
use crate::action_meta::Operations;
use crate::cluster::Cluster;
use crate::entry::Entry;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::pairs;
use crate::rules::{Context, Pairs, compare_versions};
use crate::task;

/// How parameters compare with those that an operation ran with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Nothing was recorded: it counts as changed, since it may have been anything.
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
    let hash = if parameters.is_empty() {
        Md5::digest(" <parameters/>\n")
    } else {
        let mut element = Element::new("parameters");
        for (name, value) in parameters {
            element.set(name, value.as_str());
        }
        Md5::digest(format!(" {}\n", element.to_xml_compact()))
    };
    let mut text = String::with_capacity(2 * hash.len());
    for byte in hash {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(half)]));
        }
    }
    text
}

/// The operation whose parameters an entry's digest covers: what makes a resource active, and what
/// finds it so, is compared with its start.
pub(crate) fn digested_as(entry: &Entry) -> Key {
    let name = entry.task.unwrap_or(task::MONITOR);
    match (name, entry.interval_ms) {
        (task::MONITOR | task::MIGRATE_FROM | task::PROMOTE, 0) => Key::once(task::START),
        (name, interval_ms) => Key { task: name, interval_ms },
    }
}

/// All parameters of a history entry that its digest covers.
fn digested(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: Option<NodeIx>,
    entry: &Entry,
) -> Pairs {
    parameters_of(cluster, book.operations_mut(), rsc, node, digested_as(entry), &[])
}

/// All parameters of an operation that its digest covers, with others in place of the document's.
pub(crate) fn parameters_of(
    cluster: &mut Cluster,
    operations: &mut Operations,
    rsc: ResourceIx,
    node: Option<NodeIx>,
    key: Key,
    instead: &[(String, String)],
) -> Pairs {
    let config = operations.entry(cluster, rsc, key);
    let mut out: Pairs = instead.iter().cloned().collect();
    if let Some(config) = &config {
        let context = Context { node: node.map(|n| &cluster[n].attributes), ..cluster.context() };
        pairs::collect(config, "instance_attributes", &context, None, &mut out, &mut None);
    }
    for (name, value) in cluster.parameters(rsc, node) {
        out.set_default(name, value);
    }
    crate::bundle_remote::fill_address(cluster, rsc, &mut out);
    out.retain(|name, _| counts(name) && !name.starts_with("CRM_meta_"));
    if key.interval_ms > 0 {
        let meta = operations.meta(cluster, rsc, key, node);
        let timeout = meta.get("timeout").map(str::to_owned);
        out.extend(timeout.map(|timeout| ("CRM_meta_timeout".to_owned(), timeout)));
    }
    out
}

/// Compares a history entry's digests with what the document says now.
pub(crate) fn compare(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) -> Comparison {
    let parameters = digested(cluster, book, rsc, Some(node), entry);
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
        if of_parameters(&relevant) != recorded && !secure_match(cluster, book, rsc, node, entry) {
            return Comparison::Restart;
        }
    }
    let Some(recorded) = recorded else { return Comparison::Unknown };
    if of_parameters(&parameters) == recorded || secure_match(cluster, book, rsc, node, entry) {
        return Comparison::Match;
    }
    Comparison::All
}

/// A document with its secrets blotted out can only be compared without them.
fn secure_match(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) -> bool {
    let (Some(list), Some(recorded)) =
        (entry.xml.get("op-secure-params"), entry.xml.get("op-secure-digest"))
    else {
        return false;
    };
    let secret = |name: &str| list.split_whitespace().any(|word| word == name);
    let feature_set = entry.xml.get("crm_feature_set").unwrap_or("0");
    let old = compare_versions(feature_set, SECURE_DIGESTS_OF_ALL).is_lt();
    let parameters = if old {
        cluster.parameters(rsc, Some(node))
    } else {
        digested(cluster, book, rsc, Some(node), entry)
    };
    if !parameters.iter().any(|(name, value)| secret(name) && value.contains("****")) {
        return false;
    }
    let device = cluster[rsc].fence_device;
    let open: Pairs = parameters
        .into_iter()
        .filter(|(name, _)| !secret(name) && counts(name))
        .filter(|(name, _)| !(old && (name.starts_with("CRM_meta_") || device && special(name))))
        .collect();
    of_parameters(&open) == recorded
}

/// The feature set from which on secure digests cover all parameters but the secret ones; before,
/// only those that the agent itself declares.
pub(crate) const SECURE_DIGESTS_OF_ALL: &str = "3.16.0";

/// What is taken for a secret where no agent has said what is.
pub(crate) const SECRET: [&str; 3] = ["passwd", "password", "user"];

/// A parameter of every fence device, whatever its agent.
pub(crate) fn special(name: &str) -> bool {
    name.starts_with("pcmk_") || matches!(name, "provides" | "stonith-timeout")
}

/// A parameter that digests cover.
fn counts(name: &str) -> bool {
    !matches!(name, "id" | "crm_feature_set" | "op-digest" | "pcmk_external_ip")
}

/// Tells whether a failure happened with other parameters than those configured now.
pub(crate) fn failed_with_other_parameters(
    cluster: &mut Cluster,
    book: &mut Book,
    rsc: ResourceIx,
    node: NodeIx,
    entry: &Entry,
) -> bool {
    matches!(compare(cluster, book, rsc, node, entry), Comparison::All | Comparison::Restart)
}

/// Adds the digests of all devices that unfence to an unfencing or fencing action; tells whether
/// a device has changed since the node was unfenced.
pub(crate) fn add_device_digests(
    cluster: &mut Cluster,
    book: &mut Book,
    action: ActionIx,
    node: NodeIx,
) -> bool {
    let (mut all, mut secure) = (String::new(), String::new());
    let mut changed = false;
    for device in unfencing_devices(cluster) {
        let parameters: Pairs = cluster
            .parameters(device, Some(node))
            .into_iter()
            .filter(|(name, _)| counts(name))
            .collect();
        let open = parameters
            .iter()
            .filter(|(name, _)| !SECRET.contains(&name.as_str()) && !special(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let name = format!("{}:{}", cluster[device].id, cluster[device].kind());
        let whole = format!("{name}:{}", of_parameters(&parameters));
        let without_secrets = format!("{name}:{}", of_parameters(&open));
        let recorded = |attribute: &str, summary: &str| {
            cluster.attribute(node, attribute).is_some_and(|text| text.contains(summary))
        };
        changed |= cluster.attribute(node, "#digests-all").is_some()
            && !recorded("#digests-all", &whole)
            && !recorded("#digests-secure", &without_secrets);
        all.push_str(&format!("{whole},"));
        secure.push_str(&format!("{without_secrets},"));
    }
    let meta = &mut book[action].meta;
    meta.insert("digests-all", all);
    meta.insert("digests-secure", secure);
    changed
}

/// The devices that nodes are unfenced with, the last one first.
fn unfencing_devices(cluster: &Cluster) -> Vec<ResourceIx> {
    let mut found: Vec<ResourceIx> = Vec::new();
    for top in &cluster.top {
        for part in cluster.family(*top) {
            let one = &cluster[part];
            if one.is_primitive()
                && one.fence_device
                && one.meta.get("provides").is_some_and(|what| what == "unfencing")
            {
                found.push(part);
            }
        }
    }
    found.reverse();
    found
}

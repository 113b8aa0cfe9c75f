//! The status section: what the DC tells the members of it, and what each of them does with that.
//!
//! The DC owns the section while it leads. Every member applies the same [`StatusChange`] values
//! with [`apply`], so that any of them can answer `cibadmin -Q` by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use cib::Element;
use model::{BootId, HandsId, NodeId, NodeName, OpRecord, ResourceId, WallTime};

use super::history;

/// One change, with its place in the DC's sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusUpdate {
    /// Grows by one with each change of this DC; a whole section is taken at any number.
    pub sequence: u64,
    /// The change.
    pub change: StatusChange,
}

/// How far a node is in, as the scheduler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// In the view since then, and its history is known.
    Member(WallTime),
    /// In the view since then; its history is not known (yet).
    Pending(WallTime),
    /// Not in the view; what it may run is unknown.
    Lost,
    /// Not in the view and certain to run nothing.
    Down,
}

/// A change of the status section.
#[allow(clippy::large_enum_variant, reason = "results, the large ones, are most of them")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusChange {
    /// The whole section, as XML text.
    Replace {
        /// The `<status>` element.
        xml: String,
    },
    /// A node came, went, or got further with its join.
    Node {
        /// Who.
        node: NodeId,
        /// By name.
        name: NodeName,
        /// How far it is in.
        presence: Presence,
    },
    /// All that a node's hands know, in place of what was there.
    History {
        /// Who.
        node: NodeId,
        /// In which boot.
        boot: BootId,
        /// In which life of the hands.
        hands: HandsId,
        /// What they know; operations under way have the status `Pending`.
        records: Vec<OpRecord>,
    },
    /// An operation was sent out or came to its end.
    Operation {
        /// Where.
        node: NodeId,
        /// What came of it.
        record: OpRecord,
        /// For migrations: from where and to where.
        migration: Option<(String, String)>,
    },
    /// The last failure of a resource is forgotten; only that of one operation, if one is named.
    ForgetFailure {
        /// Where.
        node: NodeId,
        /// The resource.
        resource: ResourceId,
        /// Action and interval in milliseconds.
        operation: Option<(String, u64)>,
    },
    /// All history of a resource is forgotten: it will be probed.
    ForgetResource {
        /// Where.
        node: NodeId,
        /// The resource.
        resource: ResourceId,
    },
    /// All history of a node is forgotten: it is certain to run nothing.
    ForgetHistory {
        /// Where.
        node: NodeId,
    },
    /// A node is no part of the cluster any more.
    ForgetNode {
        /// Who.
        node: NodeId,
    },
    /// A transient attribute was set, or taken away if there is no value.
    Attribute {
        /// Whose.
        node: NodeId,
        /// The id of the set it stands in, if not the usual one.
        set: Option<String>,
        /// Its name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
}

/// Applies a change to the `<status>` element.
///
/// A whole section that is no XML leaves an empty one: the sender's next snapshot heals it.
pub fn apply(status: &mut Element, change: &StatusChange) {
    match change {
        StatusChange::Replace { xml } => {
            *status = cib::parse(xml)
                .ok()
                .filter(|element| element.name() == "status")
                .unwrap_or_else(|| Element::new("status"));
        }
        StatusChange::Node { node, name, presence } => {
            set_presence(node_state(status, *node), name, *presence);
        }
        StatusChange::History { node, boot, hands, records } => {
            set_history(node_state(status, *node), *boot, *hands, records);
        }
        StatusChange::Operation { node, record, migration } => {
            let state = node_state(status, *node);
            let name = state.get("uname").unwrap_or_default().to_owned();
            let resource = resource_of(state, record);
            history::fold(resource, record, &name, migration.as_ref(), false);
        }
        StatusChange::ForgetFailure { node, resource, operation } => {
            if let Some(history) = find_resource(status, *node, resource) {
                history::forget_failure(history, resource, operation.as_ref());
            }
        }
        StatusChange::ForgetResource { node, resource } => {
            if let Some(resources) = find_resources(status, *node) {
                resources.retain_children(|old| old.id() != Some(resource.as_str()));
            }
        }
        StatusChange::ForgetHistory { node } => {
            if let Some(state) = find_node(status, *node) {
                state.retain_children(|old| old.name() != "lrm");
                state.unset("boot-id");
                state.unset("hands-id");
            }
        }
        StatusChange::ForgetNode { node } => {
            let id = node.to_string();
            status.retain_children(|old| old.id() != Some(&id));
        }
        StatusChange::Attribute { node, set, name, value } => {
            let state = node_state(status, *node);
            set_attribute(state, &node.to_string(), set.as_deref(), name, value.as_deref());
        }
    }
}

/// Returns a node's element for changing, if there is one.
fn find_node(status: &mut Element, node: NodeId) -> Option<&mut Element> {
    let id = node.to_string();
    history::find_mut(status, |child| child.id() == Some(&id))
}

/// Returns a node's element for changing, made if it is not there.
fn node_state(status: &mut Element, node: NodeId) -> &mut Element {
    let id = node.to_string();
    if status.children().all(|child| child.id() != Some(&id)) {
        let before = |child: &Element| child.id().and_then(|id| id.parse().ok()) < Some(node.0);
        let at = status.children().take_while(|child| before(child)).count();
        let made = Element::new("node_state").with("id", id);
        status.content_mut().insert(at, cib::Content::from(made));
    }
    match find_node(status, node) {
        Some(state) => state,
        None => unreachable!("the element was made above"),
    }
}

fn set_presence(state: &mut Element, name: &NodeName, presence: Presence) {
    let (since, join, expected) = match presence {
        Presence::Member(since) => (since.secs(), "member", "member"),
        Presence::Pending(since) => (since.secs(), "pending", "member"),
        Presence::Lost => (0, "down", "member"),
        Presence::Down => (0, "down", "down"),
    };
    state.set("uname", name.as_str());
    state.set("in_ccm", since.to_string());
    state.set("crmd", since.to_string());
    state.set("crm-debug-origin", "do_state_transition");
    state.set("join", join);
    state.set("expected", expected);
}

fn set_history(state: &mut Element, boot: BootId, hands: HandsId, records: &[OpRecord]) {
    let (boot, hands) = (boot.to_string(), hands.to_string());
    let same_life = state.get("boot-id") == Some(&boot) && state.get("hands-id") == Some(&hands);
    let old = state.remove_child(|child| child.name() == "lrm");
    state.set("boot-id", boot);
    state.set("hands-id", hands);
    let name = state.get("uname").unwrap_or_default().to_owned();
    let mut oldest_first: Vec<&OpRecord> = records.iter().collect();
    // what is under way has no place among the calls yet: it comes last
    oldest_first.sort_by_key(|r| {
        (if r.status == model::ExecStatus::Pending { i64::MAX } else { r.call_id }, r.interval_ms)
    });
    let id = state.id().unwrap_or_default().to_owned();
    let mut resources = Element::new("lrm_resources");
    let mut by_id = BTreeMap::<&ResourceId, Element>::new();
    for record in oldest_first {
        let resource = by_id.entry(&record.resource).or_insert_with(|| new_resource(record));
        history::fold(resource, record, &name, None, true);
    }
    let kept = old.as_deref().filter(|_| same_life).map(by_resource).unwrap_or_default();
    for (id, mut resource) in by_id {
        if let Some(old) = kept.get(id.as_str()) {
            keep_what_the_section_knew(&mut resource, old);
        }
        if !resource.content().is_empty() {
            resources.push(resource);
        }
    }
    state
        .content_mut()
        .insert(0, cib::Content::from(Element::new("lrm").with("id", id).with_child(resources)));
}

/// The hands keep the last result of each operation. What failed before that, and what an entry
/// says beyond the result itself, only the section knew.
fn keep_what_the_section_knew(resource: &mut Element, old: &Element) {
    let same = |a: &Element, b: &Element| {
        let equal = |key: &str| a.get(key) == b.get(key);
        let pending = a.get("op-status") == Some("-1");
        equal("id")
            && equal("transition-magic")
            && (pending || (equal("call-id") && equal("last-rc-change")))
    };
    for content in resource.content_mut() {
        if let cib::Content::Element(entry) = content
            && let Some(known) = old.shared_children().find(|known| same(known, entry))
        {
            *entry = known.clone();
        }
    }
    let failure = old.shared_children().find(|entry| is_last_failure(entry));
    if let Some(failure) = failure.filter(|_| !resource.children().any(is_last_failure)) {
        resource.push(failure.clone());
    }
}

fn by_resource(lrm: &Element) -> BTreeMap<&str, &Element> {
    let resources = lrm.child("lrm_resources").into_iter().flat_map(Element::children);
    resources.filter_map(|resource| Some((resource.id()?, resource))).collect()
}

/// Tells whether two `<lrm>` elements say the same, in whatever order.
pub(super) fn same_history(one: Option<&Element>, other: Option<&Element>) -> bool {
    let (one, other) =
        (one.map(by_resource).unwrap_or_default(), other.map(by_resource).unwrap_or_default());
    let entries = |resource: &Element| -> BTreeMap<String, Element> {
        let entries = resource.children();
        entries.map(|e| (e.id().unwrap_or_default().to_owned(), e.clone())).collect()
    };
    one.len() == other.len()
        && one.iter().zip(other.iter()).all(|((id, a), (other_id, b))| {
            id == other_id && a.attributes().eq(b.attributes()) && entries(a) == entries(b)
        })
}

fn is_last_failure(entry: &Element) -> bool {
    entry.id().is_some_and(|id| id.ends_with("_last_failure_0"))
}

fn new_resource(record: &OpRecord) -> Element {
    let mut resource = Element::new("lrm_resource")
        .with("id", record.resource.as_str())
        .with("class", record.agent.class.as_str());
    if let Some(provider) = &record.agent.provider {
        resource.set("provider", provider.as_str());
    }
    resource.set("type", record.agent.kind.as_str());
    resource
}

/// Returns the history of a record's resource, made if it is not there.
///
/// The search is a walk over the node's resources: some microseconds for a thousand of them.
fn resource_of<'a>(state: &'a mut Element, record: &OpRecord) -> &'a mut Element {
    if state.child("lrm").is_none() {
        let id = state.id().unwrap_or_default().to_owned();
        let lrm = Element::new("lrm").with("id", id);
        state.content_mut().insert(0, cib::Content::from(lrm));
    }
    let resources = state.child_or_insert("lrm").child_or_insert("lrm_resources");
    let id = record.resource.as_str();
    if history::position(resources, |child| child.id() == Some(id)).is_none() {
        resources.push(new_resource(record));
    }
    match history::find_mut(resources, |child| child.id() == Some(id)) {
        Some(resource) => resource,
        None => unreachable!("the element was made above"),
    }
}

fn find_resources(status: &mut Element, node: NodeId) -> Option<&mut Element> {
    find_node(status, node)?.child_mut("lrm")?.child_mut("lrm_resources")
}

fn find_resource<'a>(
    status: &'a mut Element,
    node: NodeId,
    resource: &ResourceId,
) -> Option<&'a mut Element> {
    let resources = find_resources(status, node)?;
    history::find_mut(resources, |child| child.id() == Some(resource.as_str()))
}

fn set_attribute(
    state: &mut Element,
    node: &str,
    set: Option<&str>,
    name: &str,
    value: Option<&str>,
) {
    let set_id = set.map_or_else(|| format!("status-{node}"), str::to_owned);
    let Some(value) = value else {
        if let Some(attributes) = state.child_mut("transient_attributes") {
            for set in attributes.children_mut() {
                set.retain_children(|pair| pair.get("name") != Some(name));
            }
        }
        return;
    };
    let attributes = state.child_or_insert("transient_attributes");
    attributes.set("id", node);
    if history::position(attributes, |child| child.id() == Some(&set_id)).is_none() {
        attributes.push(Element::new("instance_attributes").with("id", set_id.as_str()));
    }
    let Some(set) = history::find_mut(attributes, |child| child.id() == Some(&set_id)) else {
        return;
    };
    match history::find_mut(set, |pair| pair.get("name") == Some(name)) {
        Some(pair) => pair.set("value", value),
        None => {
            let pair = Element::new("nvpair")
                .with("id", format!("{set_id}-{}", identifier(name)))
                .with("name", name)
                .with("value", value);
            set.push(pair);
        }
    }
}

/// Makes an XML id out of an attribute's name: what may not stand in one becomes a dot.
fn identifier(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '.' })
        .collect()
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;

//! Resources and where they run, read off a document's operation histories.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use serde::Serialize;

use crate::failures;
use crate::nodes::NodeStatus;

/// What a resource is on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Role {
    /// It runs.
    Started,
    /// It runs, and another instance leads.
    Unpromoted,
    /// It leads.
    Promoted,
}

impl Role {
    /// Returns the role's name.
    pub fn text(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Unpromoted => "Unpromoted",
            Self::Promoted => "Promoted",
        }
    }
}

/// A primitive on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// The node.
    pub node: String,
    /// What it is there; none while it is not running and something is about to happen.
    pub role: Option<Role>,
    /// Whether something failed there.
    pub failed: bool,
    /// What is being done: `Starting`, `Stopping` …
    pub pending: Option<&'static str>,
}

/// A primitive, or one instance of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrimitiveStatus {
    /// Its id.
    pub id: String,
    /// Its agent: `ocf:heartbeat:IPaddr2`.
    pub agent: String,
    /// Where it is.
    pub active: Vec<Activity>,
    /// Whether it is to stay stopped.
    pub disabled: bool,
    /// Which role it is held in, when that is less than it could have.
    pub target_role: Option<String>,
    /// Whether the cluster may touch it.
    pub managed: bool,
    /// Whether the cluster keeps its hands off it, monitors included.
    pub maintenance: bool,
    /// Whether a failure keeps the cluster from touching it.
    pub blocked: bool,
    /// Whether it is no longer configured.
    pub orphaned: bool,
}

impl PrimitiveStatus {
    /// Says whether it runs somewhere.
    pub fn is_active(&self) -> bool {
        self.active.iter().any(|a| a.role.is_some() || a.failed)
    }

    /// Says whether something failed.
    pub fn failed(&self) -> bool {
        self.active.iter().any(|a| a.failed)
    }
}

/// One instance of a clone on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloneInstance {
    /// The node.
    pub node: String,
    /// The primitives of the instance.
    pub members: Vec<PrimitiveStatus>,
}

/// A replica of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replica {
    /// Its name: the node inside, or the container.
    pub name: String,
    /// Its address.
    pub address: Option<String>,
    /// What runs in it; the container itself when nothing does.
    pub inside: PrimitiveStatus,
}

/// A resource at the top of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ResourceStatus {
    /// A primitive.
    Primitive(PrimitiveStatus),
    /// A group.
    Group {
        /// Its id.
        id: String,
        /// Its members.
        members: Vec<PrimitiveStatus>,
        /// Whether it is to stay stopped as a whole.
        disabled: bool,
        /// Whether the cluster may touch it.
        managed: bool,
    },
    /// A clone.
    Clone {
        /// Its id.
        id: String,
        /// What is cloned.
        member: String,
        /// Whether what is cloned is a group.
        of_group: bool,
        /// Whether instances are promoted.
        promotable: bool,
        /// Whether instances differ.
        unique: bool,
        /// How many instances there may be.
        max: usize,
        /// The instances that run, or failed.
        instances: Vec<CloneInstance>,
        /// How many primitives an instance has.
        size: usize,
        /// The primitives of an instance that runs nowhere.
        idle: Vec<PrimitiveStatus>,
        /// Whether it is to stay stopped as a whole.
        disabled: bool,
        /// Whether the cluster may touch it.
        managed: bool,
    },
    /// A bundle.
    Bundle {
        /// Its id.
        id: String,
        /// The image.
        image: String,
        /// Its replicas.
        replicas: Vec<Replica>,
        /// How many primitives a replica counts for.
        size: usize,
        /// Whether the cluster may touch it.
        managed: bool,
    },
}

impl ResourceStatus {
    /// Returns the id.
    pub fn id(&self) -> &str {
        match self {
            Self::Primitive(primitive) => &primitive.id,
            Self::Group { id, .. } | Self::Clone { id, .. } | Self::Bundle { id, .. } => id,
        }
    }

    /// Returns the instances of primitives that are here.
    pub fn instances(&self) -> Vec<&PrimitiveStatus> {
        match self {
            Self::Primitive(primitive) => vec![primitive],
            Self::Group { members, .. } => members.iter().collect(),
            Self::Clone { instances, .. } => instances.iter().flat_map(|i| &i.members).collect(),
            Self::Bundle { .. } => Vec::new(),
        }
    }

    /// Returns how many more instances there may be, and whether they are to stay stopped.
    pub fn idle_instances(&self) -> (usize, bool) {
        match self {
            Self::Primitive(_) | Self::Group { .. } => (0, false),
            Self::Clone { max, instances, size, disabled, .. } => {
                (max.saturating_sub(instances.len()) * size, *disabled)
            }
            Self::Bundle { replicas, size, .. } => (replicas.len() * size, false),
        }
    }
}

const RESOURCES: [&str; 5] = ["primitive", "group", "clone", "master", "bundle"];

/// Returns the primitives of a document.
pub fn primitives(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.at(&["configuration", "resources"])
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|e| e.name() == "primitive")
}

/// Says whether a primitive runs on any node.
pub fn runs_anywhere(cib: &Element, id: &str) -> bool {
    !activities(cib, id, false).is_empty()
}

fn meta<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element
        .children_named("meta_attributes")
        .filter(|set| set.child("rule").is_none())
        .flat_map(|set| set.children_named("nvpair"))
        .find(|pair| pair.get("name") == Some(name))?
        .get("value")
}

fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "on" | "yes" | "y" | "1")
}

fn number(text: Option<&str>) -> Option<usize> {
    text.and_then(|text| text.parse().ok())
}

/// What holds for a resource through those that contain it.
#[derive(Clone, Debug)]
struct Inherited {
    target_role: Option<String>,
    managed: bool,
    maintenance: bool,
    promotable: bool,
}

impl Inherited {
    fn root(cib: &Element) -> Self {
        let maintenance = crate::summary::property(cib, "maintenance-mode").is_some_and(is_true);
        Self { target_role: None, managed: true, maintenance, promotable: false }
    }

    fn below(&self, element: &Element) -> Self {
        Self {
            target_role: meta(element, "target-role")
                .map(str::to_owned)
                .or_else(|| self.target_role.clone()),
            managed: meta(element, "is-managed").map_or(self.managed, is_true),
            maintenance: self.maintenance || meta(element, "maintenance").is_some_and(is_true),
            promotable: self.promotable,
        }
    }

    fn disabled(&self) -> bool {
        self.target_role.as_deref() == Some("Stopped")
    }
}

/// Reads the resources of a document: the more important first, else in their order.
pub fn resources(cib: &Element, nodes: &[NodeStatus]) -> Vec<ResourceStatus> {
    let root = Inherited::root(cib);
    let sight = &Histories::of(cib);
    let mut all: Vec<(i64, ResourceStatus)> = cib
        .at(&["configuration", "resources"])
        .into_iter()
        .flat_map(Element::children)
        .filter(|e| RESOURCES.contains(&e.name()))
        .map(|element| {
            let priority = match meta(element, "priority") {
                Some("INFINITY") => i64::MAX,
                Some("-INFINITY") => i64::MIN,
                text => text.and_then(|t| t.parse().ok()).unwrap_or(0),
            };
            (priority, resource(sight, element, nodes, &root))
        })
        .collect();
    all.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    let mut all: Vec<ResourceStatus> = all.into_iter().map(|(_, resource)| resource).collect();
    all.extend(orphans(sight).into_iter().map(ResourceStatus::Primitive));
    all
}

fn resource(
    sight: &Histories<'_>,
    element: &Element,
    nodes: &[NodeStatus],
    above: &Inherited,
) -> ResourceStatus {
    let own = above.below(element);
    let id = element.id().unwrap_or_default().to_owned();
    match element.name() {
        "group" => ResourceStatus::Group {
            id,
            members: members(element).map(|m| primitive(sight, m, &own)).collect(),
            disabled: own.disabled(),
            managed: own.managed && !own.maintenance,
        },
        "clone" | "master" => clone(sight, element, nodes, own),
        "bundle" => bundle(sight, element, &own),
        _ => ResourceStatus::Primitive(primitive(sight, element, above)),
    }
}

fn members(element: &Element) -> impl Iterator<Item = &Element> {
    element.children().filter(|child| RESOURCES.contains(&child.name()))
}

fn agent(element: &Element) -> String {
    let get = |key: &str| element.get(key).unwrap_or_default();
    match element.get("provider") {
        Some(provider) => format!("{}:{provider}:{}", get("class"), get("type")),
        None => format!("{}:{}", get("class"), get("type")),
    }
}

fn primitive(sight: &Histories<'_>, element: &Element, above: &Inherited) -> PrimitiveStatus {
    let own = above.below(element);
    let id = element.id().unwrap_or_default();
    let active = sight.activities(id, own.promotable);
    let blocked = is_blocked(sight, element, &active);
    PrimitiveStatus {
        id: id.to_owned(),
        agent: agent(element),
        active,
        disabled: own.disabled(),
        target_role: own.target_role.clone(),
        managed: own.managed && !own.maintenance,
        maintenance: own.maintenance,
        blocked,
        orphaned: false,
    }
}

/// A stop that failed blocks a resource where nothing can fence the node.
fn is_blocked(sight: &Histories<'_>, element: &Element, active: &[Activity]) -> bool {
    let on_fail = |name: &str| {
        element
            .children_named("operations")
            .flat_map(|list| list.children_named("op"))
            .find(|op| op.get("name") == Some(name))
            .and_then(|op| op.get("on-fail"))
    };
    let stop_failed = |node: &str| {
        sight
            .history(element.id().unwrap_or_default(), node)
            .last()
            .is_some_and(|o| o.get("operation") == Some("stop") && failures::failed(o))
    };
    let blocks = match on_fail("stop") {
        Some(policy) => policy == "block",
        None => !sight.fencing,
    };
    blocks && active.iter().any(|a| a.failed && stop_failed(&a.node))
}

fn clone(
    sight: &Histories<'_>,
    element: &Element,
    nodes: &[NodeStatus],
    mut own: Inherited,
) -> ResourceStatus {
    own.promotable = element.name() == "master" || meta(element, "promotable").is_some_and(is_true);
    let inner = members(element).next();
    let of_group = inner.is_some_and(|inner| inner.name() == "group");
    let inner_inherited = inner.map(|inner| own.below(inner));
    let parts: Vec<PrimitiveStatus> = match inner {
        Some(group) if of_group => {
            members(group).map(|m| primitive(sight, m, &own.below(group))).collect()
        }
        Some(single) => vec![primitive(sight, single, &own)],
        None => Vec::new(),
    };
    let size = parts.len();
    let max = number(meta(element, "clone-max")).unwrap_or(nodes.len());
    let mut instances: Vec<CloneInstance> = Vec::new();
    for node in nodes {
        let here: Vec<PrimitiveStatus> = parts
            .iter()
            .map(|part| PrimitiveStatus {
                active: part.active.iter().filter(|a| a.node == node.name).cloned().collect(),
                ..part.clone()
            })
            .collect();
        if here.iter().any(|part| !part.active.is_empty()) {
            instances.push(CloneInstance { node: node.name.clone(), members: here });
        }
    }
    ResourceStatus::Clone {
        id: element.id().unwrap_or_default().to_owned(),
        member: inner.and_then(Element::id).unwrap_or_default().to_owned(),
        of_group,
        promotable: own.promotable,
        unique: meta(element, "globally-unique").is_some_and(is_true),
        max,
        instances,
        size,
        idle: parts
            .into_iter()
            .map(|part| PrimitiveStatus { active: Vec::new(), ..part })
            .collect(),
        disabled: inner_inherited.as_ref().unwrap_or(&own).disabled(),
        managed: own.managed && !own.maintenance,
    }
}

fn bundle(sight: &Histories<'_>, element: &Element, own: &Inherited) -> ResourceStatus {
    let container = element.children().find(|c| matches!(c.name(), "docker" | "podman" | "rkt"));
    let get = |key: &str| container.and_then(|c| c.get(key));
    let count = number(get("replicas")).or(number(get("promoted-max"))).unwrap_or(1);
    let inner = members(element).next();
    let network = element.child("network");
    let first = network.and_then(|n| n.get("ip-range-start"));
    let kind = container.map_or("docker", Element::name);
    let id = element.id().unwrap_or_default();
    let replicas = (0..count.min(REPLICAS_MAX))
        .map(|n| {
            let container_id = format!("{id}-{kind}-{n}");
            let name = if inner.is_some() { format!("{id}-{n}") } else { container_id.clone() };
            let container = PrimitiveStatus {
                id: container_id.clone(),
                agent: format!("ocf:heartbeat:{kind}"),
                active: sight.activities(&container_id, false),
                disabled: own.disabled(),
                target_role: own.target_role.clone(),
                managed: own.managed && !own.maintenance,
                maintenance: own.maintenance,
                blocked: false,
                orphaned: false,
            };
            let inside = match inner {
                Some(inner) => {
                    let status = primitive(sight, inner, own);
                    let where_to = |a: &Activity| a.node == name;
                    PrimitiveStatus {
                        active: if status.active.iter().any(where_to) {
                            // what runs inside is shown on the host of its container
                            container.active.clone()
                        } else {
                            Vec::new()
                        },
                        ..status
                    }
                }
                None => container,
            };
            Replica { name, address: first.map(|first| nth_address(first, n)), inside }
        })
        .collect();
    let with_address = usize::from(first.is_some());
    let inside = if inner.is_some() { 2 } else { 0 };
    ResourceStatus::Bundle {
        id: id.to_owned(),
        image: get("image").unwrap_or_default().to_owned(),
        replicas,
        size: 1 + with_address + inside,
        managed: own.managed && !own.maintenance,
    }
}

/// More replicas of a bundle than this are a mistake somebody typed.
const REPLICAS_MAX: usize = 1_000;

/// Returns the address n after the first.
fn nth_address(first: &str, n: usize) -> String {
    let step = u32::try_from(n).unwrap_or(u32::MAX);
    first.parse::<std::net::Ipv4Addr>().map_or_else(
        |_| first.to_owned(),
        |address| std::net::Ipv4Addr::from(u32::from(address).saturating_add(step)).to_string(),
    )
}

fn name_of(state: &Element) -> &str {
    state.get("uname").or(state.id()).unwrap_or_default()
}

/// The operation histories of a document, by node and resource: each is looked at for every
/// resource, and there may be thousands of both.
struct Histories<'a> {
    cib: &'a Element,
    fencing: bool,
    states: Vec<(&'a Element, BTreeMap<&'a str, Vec<&'a Element>>)>,
}

impl<'a> Histories<'a> {
    fn of(cib: &'a Element) -> Self {
        let states = cib.child("status").into_iter();
        let states = states
            .flat_map(|status| status.children_named("node_state"))
            .map(|state| {
                let mut by_id: BTreeMap<&str, Vec<&Element>> = BTreeMap::new();
                let resources = state.at(&["lrm", "lrm_resources"]);
                for resource in resources.into_iter().flat_map(Element::children) {
                    let id = resource.id().unwrap_or_default();
                    by_id.entry(id).or_default().push(resource);
                    // an instance's history is its resource's, too
                    if let Some((base, _)) = id.split_once(':') {
                        by_id.entry(base).or_default().push(resource);
                    }
                }
                (state, by_id)
            })
            .collect();
        let fencing = crate::summary::property(cib, "stonith-enabled").is_none_or(is_true);
        Self { cib, fencing, states }
    }

    /// Returns a resource's operations on a node in the order they were called.
    fn history(&self, id: &str, node: &str) -> Vec<&'a Element> {
        let state = self.states.iter().find(|(state, _)| name_of(state) == node);
        state.map(|(_, by_id)| operations(by_id, id)).unwrap_or_default()
    }

    /// Returns where a primitive is, by node.
    fn activities(&self, id: &str, promotable: bool) -> Vec<Activity> {
        // what a lost node runs counts for as long as somebody waits for its fencing
        let mut found: Vec<Activity> = self
            .states
            .iter()
            .filter_map(|(state, by_id)| {
                let present = !matches!(state.get("in_ccm"), Some("false" | "0"))
                    || matches!(state.get("crmd"), Some("online"));
                let activity = activity(&operations(by_id, id), promotable)?;
                let kept = present || (self.fencing && state.get("expected") == Some("member"));
                kept.then(|| Activity { node: name_of(state).to_owned(), ..activity })
            })
            .collect();
        found.sort_by(|a, b| a.node.cmp(&b.node));
        found
    }
}

fn operations<'a>(by_id: &BTreeMap<&'a str, Vec<&'a Element>>, id: &str) -> Vec<&'a Element> {
    let histories = by_id.get(id).into_iter().flatten();
    let mut operations: Vec<&Element> =
        histories.flat_map(|r| r.children_named("lrm_rsc_op")).collect();
    let call = |o: &Element| {
        let id: i64 = o.get("call-id").and_then(|text| text.parse().ok()).unwrap_or(-1);
        // what is under way has no number yet and is the newest
        if id < 0 { i64::MAX } else { id }
    };
    operations.sort_by_key(|o| call(o));
    operations
}

/// Returns where a primitive is, by node.
pub fn activities(cib: &Element, id: &str, promotable: bool) -> Vec<Activity> {
    Histories::of(cib).activities(id, promotable)
}

/// Returns the names of the nodes where any of these primitives, or an instance of one, is active;
/// sorted. A lost node counts while somebody waits for its fencing.
pub fn active_nodes(cib: &Element, ids: &[&str]) -> Vec<String> {
    let histories = Histories::of(cib);
    let nodes: BTreeSet<String> = ids
        .iter()
        .flat_map(|id| histories.activities(id, false))
        .filter(|activity| activity.role.is_some())
        .map(|activity| activity.node)
        .collect();
    nodes.into_iter().collect()
}

/// Plays a history; none when it ends with the resource stopped and nothing to be said.
fn activity(history: &[&Element], promotable: bool) -> Option<Activity> {
    let running = if promotable { Role::Unpromoted } else { Role::Started };
    let mut role: Option<Role> = None;
    let mut failed = false;
    let mut pending = None;
    for operation in history {
        let name = operation.get("operation").unwrap_or_default();
        let result = operation.get("rc-code").unwrap_or_default();
        let recurring = operation.get("interval").is_some_and(|i| i != "0");
        if operation.get("op-status") == Some("-1") {
            pending = match name {
                "start" => Some("Starting"),
                "stop" => Some("Stopping"),
                "promote" => Some("Promoting"),
                "demote" => Some("Demoting"),
                "migrate_to" | "migrate_from" => Some("Migrating"),
                "monitor" if !recurring => Some("Monitoring"),
                _ => None,
            };
            continue;
        }
        match (name, result) {
            ("start" | "demote" | "migrate_from", "0") => {
                (role, failed) = (Some(running), false);
            }
            ("promote", "0") => (role, failed) = (Some(Role::Promoted), false),
            ("stop" | "migrate_to", "0") => (role, failed) = (None, false),
            ("monitor", "0") => {
                (role, failed) = (Some(role.unwrap_or(running)), false);
                if role == Some(Role::Promoted) {
                    role = Some(running);
                }
            }
            ("monitor", "8") => (role, failed) = (Some(Role::Promoted), false),
            ("monitor", "7") if !recurring => (role, failed) = (None, false),
            ("monitor", "7") => (role, failed) = (None, true),
            ("monitor", "9") => (role, failed) = (Some(Role::Promoted), true),
            ("monitor", "5" | "6") if !recurring => {}
            ("notify" | "cancel", _) => {}
            (
                "start" | "stop" | "promote" | "demote" | "monitor" | "migrate_from" | "migrate_to",
                _,
            ) => {
                (role, failed) = (Some(role.unwrap_or(running)), true);
            }
            _ => {}
        }
    }
    (role.is_some() || failed || pending.is_some()).then(|| Activity {
        node: String::new(),
        role,
        failed,
        pending,
    })
}

/// Returns resources that run somewhere but are no longer configured.
fn orphans(sight: &Histories<'_>) -> Vec<PrimitiveStatus> {
    let cib = sight.cib;
    let configured: BTreeSet<&str> = primitives(cib).filter_map(Element::id).collect();
    let bundles: Vec<&str> = cib
        .at(&["configuration", "resources"])
        .into_iter()
        .flat_map(|r| r.children_named("bundle"))
        .filter_map(Element::id)
        .collect();
    let mut orphans: Vec<PrimitiveStatus> = Vec::new();
    for (state, _) in &sight.states {
        let histories = state.at(&["lrm", "lrm_resources"]);
        for resource in histories.into_iter().flat_map(Element::children) {
            let full = resource.id().unwrap_or_default();
            let id = full.split(':').next().unwrap_or(full);
            let known = configured.contains(id)
                || bundles.iter().any(|b| id.strip_prefix(b).is_some_and(|r| r.starts_with('-')))
                || orphans.iter().any(|o| o.id == id);
            if known {
                continue;
            }
            let active = sight.activities(id, false);
            if active.is_empty() {
                continue;
            }
            orphans.push(PrimitiveStatus {
                id: id.to_owned(),
                agent: agent(resource),
                active,
                disabled: false,
                target_role: None,
                managed: true,
                maintenance: false,
                blocked: false,
                orphaned: true,
            });
        }
    }
    orphans
}

#[cfg(test)]
mod tests {
    use super::{Role, activity};

    fn play(operations: &[(&str, &str, &str)]) -> Option<(Option<Role>, bool)> {
        let elements: Vec<cib::Element> = operations
            .iter()
            .map(|(name, interval, result)| {
                cib::Element::new("lrm_rsc_op")
                    .with("operation", *name)
                    .with("interval", *interval)
                    .with("rc-code", *result)
            })
            .collect();
        activity(&elements.iter().collect::<Vec<_>>(), true).map(|a| (a.role, a.failed))
    }

    #[test]
    fn a_history_tells_the_role() {
        for (history, expect) in [
            (vec![("monitor", "0", "7")], None),
            (vec![("start", "0", "0")], Some((Some(Role::Unpromoted), false))),
            (
                vec![("start", "0", "0"), ("promote", "0", "0"), ("monitor", "10000", "8")],
                Some((Some(Role::Promoted), false)),
            ),
            (
                vec![("start", "0", "0"), ("monitor", "10000", "1")],
                Some((Some(Role::Unpromoted), true)),
            ),
            (vec![("start", "0", "0"), ("stop", "0", "0")], None),
        ] {
            assert_eq!(play(&history), expect, "{history:?}");
        }
    }
}

//! What the status section says, for displays: nodes, resources, failures, tickets, fail counts.

use std::collections::BTreeMap;

use cib::Element;
use model::WallTime;
use serde::{Deserialize, Serialize};

use crate::bundle::Replica;
use crate::cluster::{Cluster, Variant};
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Scores;
use crate::plan::Options;
use crate::role::Role;
use crate::values;

/// A failed operation of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedOperation {
    /// `RESOURCE_TASK_INTERVAL`.
    pub key: String,
    /// Resource name.
    pub resource: String,
    /// Node name.
    pub node: String,
    /// Task.
    pub task: String,
    /// Interval in milliseconds.
    pub interval_ms: u64,
    /// Exit status.
    pub rc: i32,
    /// Execution status.
    pub status: i32,
    /// The agent's words.
    pub exit_reason: String,
    /// Call number.
    pub call_id: i64,
    /// Seconds since the epoch of the last change.
    pub last_change: Option<i64>,
    /// Milliseconds it took.
    pub exec_ms: u64,
    /// Milliseconds it waited.
    pub queue_ms: u64,
}

/// Kinds of nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeKind {
    /// Runs the whole cluster stack.
    #[default]
    Member,
    /// Runs the remote executor.
    Remote,
    /// Runs the remote executor inside a resource.
    Guest,
}

/// A node's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent facts of the status")]
pub struct NodeStatus {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: NodeKind,
    /// It is a member and its controller has joined.
    pub online: bool,
    /// It takes no resources.
    pub standby: bool,
    /// `standby` because of a failure.
    pub standby_on_fail: bool,
    /// Its resources are left alone.
    pub maintenance: bool,
    /// It is a member that has not joined yet.
    pub pending: bool,
    /// It must be fenced.
    pub unclean: bool,
    /// It asked to leave.
    pub shutdown: bool,
    /// It should be there.
    pub expected_up: bool,
    /// It decides.
    pub dc: bool,
    /// The worst of its health attributes: `green`, `yellow` or `red`.
    pub health: String,
    /// The ids of the primitives that are active there, in the order they were found.
    pub running: Vec<String>,
    /// The resource that a guest runs in.
    pub container: Option<String>,
    /// Where a guest runs.
    pub host: Option<String>,
    /// The feature set that its controller told.
    pub feature_set: Option<String>,
    /// Its attributes, permanent and transient.
    pub attributes: BTreeMap<String, String>,
}

/// What kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResourceKind {
    /// One agent.
    Primitive,
    /// Members in a row.
    Group,
    /// Instances.
    Clone {
        /// Instances may be promoted.
        promotable: bool,
        /// Instances differ.
        unique: bool,
    },
    /// Containers; children are replicas.
    Bundle {
        /// What runs the containers: `docker`, `podman`.
        launcher: String,
        /// The container image.
        image: String,
        /// Replicas differ.
        unique: bool,
    },
    /// One container of a bundle: shown as what runs inside; children are all its parts.
    Replica {
        /// Its number.
        number: usize,
        /// Its address.
        address: Option<String>,
    },
}

/// A resource and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent facts of the status")]
pub struct ResourceStatus {
    /// Its id; instances have numbers.
    pub id: String,
    /// The name to show: an anonymous instance's has no number.
    pub name: String,
    /// The name its history has.
    pub history_id: String,
    /// Its kind.
    pub kind: ResourceKind,
    /// `CLASS:PROVIDER:TYPE`, for primitives.
    pub agent: String,
    /// `Stopped`, `Started`, `Unpromoted`, `Promoted`.
    pub role: String,
    /// The role the document asks for, if it limits anything.
    pub target_role: Option<String>,
    /// The role the document asks for, in its own words.
    pub target_role_given: Option<String>,
    /// Nodes it is active on.
    pub nodes: Vec<String>,
    /// The cluster may act on it.
    pub managed: bool,
    /// Left alone because of maintenance.
    pub maintenance: bool,
    /// Nothing more is done because of a failure.
    pub blocked: bool,
    /// Its last operation failed.
    pub failed: bool,
    /// A failure is ignored.
    pub failure_ignored: bool,
    /// In the history only.
    pub orphaned: bool,
    /// Made by another one: a guest's connection. Lists leave it out.
    pub implicit: bool,
    /// A node that must be fenced may run it.
    pub unclean: bool,
    /// Kept for a node that left in order.
    pub locked_to: Option<String>,
    /// What is under way.
    pub pending: Option<String>,
    /// Where that is.
    pub pending_node: Option<String>,
    /// Active at all, and as a whole.
    pub active: bool,
    /// All of it is active.
    pub fully_active: bool,
    /// Most instances a clone may have.
    pub instances_max: usize,
    /// Nodes a clone may have instances on.
    pub candidates: Vec<String>,
    /// Members or instances.
    pub children: Vec<ResourceStatus>,
}

impl ResourceStatus {
    /// The id that the document has for it, or for what it is an instance of.
    pub fn configured_id(&self) -> &str {
        self.id.split(':').next().unwrap_or_default()
    }

    /// Forgets what is under way in the resource and in what is in it.
    pub fn settle(&mut self) {
        self.pending = None;
        self.children.iter_mut().for_each(Self::settle);
    }
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketStatus {
    /// Its id.
    pub id: String,
    /// It is here.
    pub granted: bool,
    /// Its resources are stopped in an orderly way.
    pub standby: bool,
    /// When it was last granted, seconds since the epoch.
    pub last_granted: Option<i64>,
}

/// A resource's failures on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailCountStatus {
    /// Resource name.
    pub resource: String,
    /// Node name.
    pub node: String,
    /// 1,000,000 is infinity.
    pub count: i64,
    /// Seconds since the epoch.
    pub last_failure: Option<i64>,
    /// How many failures move it away.
    pub threshold: i64,
}

/// A constraint, or a rule of one, that speaks against a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanStatus {
    /// Id of the rule, or of the constraint if it names the node.
    pub id: String,
    /// Resource id.
    pub resource: String,
    /// Node name.
    pub node: String,
    /// Below 0; -1,000,000 is minus infinity.
    pub weight: i64,
    /// It may run there, but not promoted.
    pub promoted_only: bool,
}

/// Everything a display wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// By name.
    pub nodes: Vec<NodeStatus>,
    /// In the order of the scheduler.
    pub resources: Vec<ResourceStatus>,
    /// In the order they were found.
    pub failed_operations: Vec<FailedOperation>,
    /// By node and resource.
    pub fail_counts: Vec<FailCountStatus>,
    /// By name.
    pub tickets: Vec<TicketStatus>,
    /// Whether this partition may act.
    pub quorate: bool,
    /// The DC's name.
    pub dc: Option<String>,
    /// Primitive instances configured.
    pub instances: usize,
    /// Of those, how many shall be stopped.
    pub disabled: usize,
    /// Of those, how many are blocked.
    pub blocked: usize,
    /// `maintenance-mode`.
    pub maintenance: bool,
    /// `stop-all-resources`.
    pub stop_all: bool,
    /// `fencing-enabled`.
    pub fencing: bool,
    /// Agents that could not be found: (clone's member, node).
    pub not_installed: Vec<(String, String)>,
    /// The last constraint first, as displays of the state have always listed them.
    pub bans: Vec<BanStatus>,
}

/// Reads a document's status.
pub fn read(input: &Element, now: WallTime, options: &Options) -> Status {
    let mut unpacked = crate::unpack::unpack(input, now, options);
    let (cluster, scores) = (&mut unpacked.cluster, &unpacked.scores);
    let mut status = Status {
        quorate: cluster.quorate,
        dc: cluster.dc.map(|dc| cluster[dc].name.clone()),
        maintenance: cluster.properties.maintenance,
        stop_all: cluster.properties.stop_all,
        fencing: cluster.properties.fencing,
        failed_operations: cluster.failed_operations.clone(),
        ..Status::default()
    };
    for &node in &cluster.node_order {
        if !cluster[node].ping {
            status.nodes.push(node_status(cluster, node));
        }
    }
    for &top in &cluster.top {
        count(cluster, top, &mut status);
        status.resources.push(resource_status(cluster, scores, top));
    }
    for (id, ticket) in &cluster.tickets {
        status.tickets.push(TicketStatus {
            id: id.clone(),
            granted: ticket.granted,
            standby: ticket.standby,
            last_granted: ticket.last_granted,
        });
    }
    status.tickets.extend(wanted_tickets(input, &status.tickets));
    status.not_installed = status
        .failed_operations
        .iter()
        .filter(|failed| failed.task == *crate::task::MONITOR && failed.interval_ms == 0)
        .filter(|failed| failed.rc == crate::playback::rc::NOT_INSTALLED)
        .map(|failed| (failed.resource.clone(), failed.node.clone()))
        .collect();
    for node in cluster.node_order.clone() {
        for top in cluster.top.clone() {
            for part in cluster.family(top) {
                if cluster[part].is_primitive() {
                    fail_count(cluster, part, node, &mut status);
                }
            }
        }
    }
    let (cluster, bans) = bans(unpacked);
    status.bans = bans;
    if options.is_last {
        std::mem::forget(cluster);
    }
    status
}

/// What location constraints say against nodes.
fn bans(unpacked: crate::unpack::Unpacked) -> (Cluster, Vec<BanStatus>) {
    let (cluster, locations) = crate::constraint::locations(unpacked);
    let mut bans = Vec::new();
    for location in locations.iter().rev() {
        let against = location.nodes.iter().rev().filter(|(_, score)| score.value() < 0);
        bans.extend(against.map(|(node, score)| BanStatus {
            id: location.id.clone(),
            resource: cluster[location.resource].id.clone(),
            node: cluster[*node].name.clone(),
            weight: i64::from(score.value()),
            promoted_only: location.role == Role::Promoted,
        }));
    }
    (cluster, bans)
}

/// The tickets that constraints ask for and nobody has granted yet.
fn wanted_tickets(input: &Element, known: &[TicketStatus]) -> Vec<TicketStatus> {
    let constraints = input.at(&["configuration", "constraints"]).into_iter();
    let asked = constraints
        .flat_map(|all| all.children_named("rsc_ticket"))
        .filter_map(|constraint| constraint.get("ticket"))
        .filter(|id| !known.iter().any(|ticket| ticket.id == *id));
    let asked: std::collections::BTreeSet<&str> = asked.collect();
    let ticket = |id: &str| TicketStatus {
        id: id.to_owned(),
        granted: false,
        standby: false,
        last_granted: None,
    };
    asked.into_iter().map(ticket).collect()
}

fn fail_count(cluster: &mut Cluster, rsc: ResourceIx, node: NodeIx, status: &mut Status) {
    let found = crate::fail_count::get(cluster, rsc, node, false, false);
    if found.count == 0 {
        return;
    }
    let resource = cluster[rsc].history_id().to_owned();
    let node = cluster[node].name.clone();
    if status.fail_counts.iter().any(|c| c.resource == resource && c.node == node) {
        return;
    }
    status.fail_counts.push(FailCountStatus {
        resource,
        node,
        count: found.count,
        last_failure: (found.last > 0).then_some(found.last),
        threshold: cluster[rsc].migration_threshold,
    });
}

fn count(cluster: &Cluster, rsc: ResourceIx, status: &mut Status) {
    for part in cluster.family(rsc) {
        let one = &cluster[part];
        if !one.is_primitive() || (one.removed && one.role <= Role::Stopped) {
            continue;
        }
        status.instances += 1;
        status.disabled += usize::from(disabled(cluster, part));
        status.blocked += usize::from(one.blocked);
    }
}

fn disabled(cluster: &Cluster, rsc: ResourceIx) -> bool {
    let role = cluster[rsc].meta.get("target-role").and_then(|text| Role::parse(text));
    match role {
        Some(Role::Stopped) => true,
        Some(Role::Unpromoted) => cluster[cluster.uppermost(rsc, false)].promotable(),
        _ => false,
    }
}

fn node_status(cluster: &Cluster, index: NodeIx) -> NodeStatus {
    let node = &cluster[index];
    let container = cluster.guest_container(index);
    NodeStatus {
        id: node.id.clone(),
        name: node.name.clone(),
        kind: match (node.remote, container) {
            (false, _) => NodeKind::Member,
            (true, None) => NodeKind::Remote,
            (true, Some(_)) => NodeKind::Guest,
        },
        online: node.online,
        standby: node.standby,
        standby_on_fail: node.standby_on_fail,
        maintenance: node.maintenance,
        pending: node.pending,
        unclean: node.unclean,
        shutdown: node.shutdown,
        expected_up: node.expected_up && !node.shutdown,
        dc: node.dc,
        health: crate::health::shown(cluster, index).name().to_owned(),
        running: node.running.iter().map(|resource| cluster[*resource].id.clone()).collect(),
        container: container.map(|container| cluster[container].id.clone()),
        feature_set: node.attributes.get("#feature-set").cloned(),
        host: container
            .and_then(|c| cluster[c].running_on.first().copied())
            .map(|host| cluster[host].name.clone()),
        attributes: node
            .attributes
            .iter()
            .filter(|(name, _)| !name.starts_with('#') || name.starts_with("#health"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

fn resource_status(cluster: &Cluster, scores: &Scores, rsc: ResourceIx) -> ResourceStatus {
    let one = &cluster[rsc];
    let agent = match (one.class(), one.provider(), one.kind()) {
        (class, "", kind) => format!("{class}:{kind}"),
        (class, provider, kind) => format!("{class}:{provider}:{kind}"),
    };
    let (kind, instances_max) = match &one.variant {
        Variant::Primitive => (ResourceKind::Primitive, 0),
        Variant::Group { .. } => (ResourceKind::Group, 0),
        Variant::Clone(info) => {
            (ResourceKind::Clone { promotable: info.promotable, unique: one.unique }, info.max)
        }
        Variant::Bundle(bundle) => (
            ResourceKind::Bundle {
                launcher: launcher(&one.xml).to_owned(),
                image: bundle.image.clone(),
                unique: one.unique,
            },
            bundle.replicas.len(),
        ),
    };
    let nodes = if one.is_primitive() { one.running_on.clone() } else { cluster.active_nodes(rsc) };
    let children = match cluster.bundle(rsc) {
        Some(bundle) => {
            bundle.replicas.iter().map(|r| replica_status(cluster, scores, r)).collect()
        }
        None => one.children.iter().map(|child| resource_status(cluster, scores, *child)).collect(),
    };
    let anonymous = cluster.anonymous(rsc);
    ResourceStatus {
        id: one.id.clone(),
        history_id: one.history_id().to_owned(),
        name: if anonymous && one.is_primitive() {
            one.xml.id().unwrap_or(&one.id).to_owned()
        } else {
            one.id.clone()
        },
        kind,
        agent: if one.is_primitive() { agent } else { String::new() },
        role: displayed_role(cluster, rsc).text().to_owned(),
        target_role: target(cluster, rsc),
        target_role_given: one.meta.get("target-role").cloned(),
        unclean: match *nodes.as_slice() {
            [] => one.pending_node,
            [node] => Some(node),
            [..] => None,
        }
        .is_some_and(|node| !cluster[node].online && cluster[node].unclean),
        nodes: nodes.iter().map(|node| cluster[*node].name.clone()).collect(),
        managed: one.managed,
        maintenance: one.maintenance,
        blocked: one.blocked,
        failed: one.failed,
        failure_ignored: one.failure_ignored,
        orphaned: one.removed,
        implicit: values::truth(one.meta.get("internal").map(String::as_str)),
        locked_to: one.lock_node.map(|node| cluster[node].name.clone()),
        pending: one.pending_task.as_deref().map(str::to_owned),
        pending_node: one.pending_node.map(|node| cluster[node].name.clone()),
        active: cluster.is_active(rsc, false),
        fully_active: cluster.is_active(rsc, true),
        instances_max,
        candidates: candidates(cluster, scores, rsc),
        children,
    }
}

/// What runs a bundle's containers.
fn launcher(bundle: &Element) -> &str {
    bundle
        .children()
        .map(Element::name)
        .find(|name| !matches!(*name, "network" | "storage" | "primitive" | "meta_attributes"))
        .unwrap_or_default()
}

/// The role that people are shown: in a promotable clone, what runs is promoted or it is not.
fn displayed_role(cluster: &Cluster, rsc: ResourceIx) -> Role {
    let role = cluster.role_of(rsc, true);
    let in_promotable = cluster[cluster.uppermost(rsc, false)].promotable();
    if role == Role::Started && in_promotable { Role::Unpromoted } else { role }
}

/// What runs in a container, under the name of its node and on the container's host.
fn replica_status(cluster: &Cluster, scores: &Scores, replica: &Replica) -> ResourceStatus {
    let name = cluster[replica.remote.unwrap_or(replica.container)].id.clone();
    let host = cluster.current_node(replica.container);
    let parts = [replica.ip, replica.child, Some(replica.container), replica.remote];
    let parts = parts.into_iter().flatten();
    ResourceStatus {
        id: name.clone(),
        name,
        kind: ResourceKind::Replica { number: replica.number, address: replica.address.clone() },
        nodes: host.map(|host| cluster[host].name.clone()).into_iter().collect(),
        unclean: host.is_some_and(|host| !cluster[host].online && cluster[host].unclean),
        children: parts.map(|part| resource_status(cluster, scores, part)).collect(),
        ..resource_status(cluster, scores, replica.child.unwrap_or(replica.container))
    }
}

/// The nodes that a clone may have instances on; while no constraint has allowed any, those where its
/// state was looked for.
fn candidates(cluster: &Cluster, scores: &Scores, rsc: ResourceIx) -> Vec<String> {
    if !cluster[rsc].is_clone() {
        return Vec::new();
    }
    let any_allowed = !scores.candidates(rsc).is_empty();
    let family = cluster.family(rsc);
    let looked_for = |node| family.iter().any(|part| cluster[*part].known_on.contains(node));
    let order = cluster.node_order.iter();
    let nodes = order.filter(|node| match any_allowed {
        true => scores.allowed(rsc, **node),
        false => looked_for(node),
    });
    nodes.map(|node| cluster[*node].name.clone()).collect()
}

fn target(cluster: &Cluster, rsc: ResourceIx) -> Option<String> {
    let role = cluster[rsc].meta.get("target-role").and_then(|text| Role::parse(text))?;
    match role {
        Role::Stopped => Some("Stopped".into()),
        Role::Unpromoted if cluster[cluster.uppermost(rsc, false)].promotable() => {
            Some("Unpromoted".into())
        }
        _ => None,
    }
}

//! Nodes, resources and properties, with what the status section says about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cib::Element;
use model::Score;

use crate::few::Few;
use crate::index::{NodeIx, ResourceIx};
use crate::list_sort::compare_names;
use crate::role::Role;
use crate::rules::{Context, NextChange, Pairs, Zone};

/// What happens in a partition without quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuorumPolicy {
    Stop,
    Freeze,
    Ignore,
    Demote,
    Fence,
}

/// How capacity is taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    Default,
    Utilization,
    Minimal,
    Balanced,
}

/// How node health attributes become scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HealthStrategy {
    None,
    OnlyGreen,
    Progressive,
    Custom,
    MigrateOnRed,
}

/// Cluster properties.
#[derive(Clone, Debug)]
pub(crate) struct Properties {
    pub(crate) all: Pairs,
    pub(crate) symmetric: bool,
    pub(crate) fencing: bool,
    pub(crate) fencing_action: String,
    pub(crate) fencing_timeout: String,
    pub(crate) have_watchdog: bool,
    pub(crate) concurrent_fencing: bool,
    pub(crate) startup_fencing: bool,
    pub(crate) priority_fencing_delay_ms: u64,
    pub(crate) node_pending_timeout_ms: u64,
    pub(crate) maintenance: bool,
    pub(crate) start_failure_is_fatal: bool,
    pub(crate) startup_probes: bool,
    pub(crate) stop_all: bool,
    pub(crate) stop_removed_resources: bool,
    pub(crate) cancel_removed_actions: bool,
    pub(crate) remove_after_stop: bool,
    pub(crate) shutdown_lock: bool,
    pub(crate) shutdown_lock_limit_ms: u64,
    pub(crate) quorum_policy: QuorumPolicy,
    pub(crate) placement: Placement,
    pub(crate) health: HealthStrategy,
    pub(crate) health_scores: [Score; 3],
    pub(crate) health_base: i64,
}

/// A node.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent facts of the status")]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Runs the remote executor only (a remote, guest or bundle node).
    pub(crate) remote: bool,
    /// An entry that can never run resources.
    pub(crate) ping: bool,
    /// Runs only what is meant for it: the inside of a bundle's container.
    pub(crate) exclusive: bool,
    pub(crate) score: Score,
    pub(crate) attributes: Pairs,
    pub(crate) utilization: BTreeMap<String, i64>,
    pub(crate) online: bool,
    pub(crate) standby: bool,
    pub(crate) standby_on_fail: bool,
    pub(crate) pending: bool,
    pub(crate) unclean: bool,
    /// No status of it was seen since the cluster came up.
    pub(crate) unseen: bool,
    pub(crate) shutdown: bool,
    pub(crate) expected_up: bool,
    pub(crate) dc: bool,
    pub(crate) maintenance: bool,
    pub(crate) discovery: bool,
    pub(crate) requires_reset: bool,
    pub(crate) was_fenced: bool,
    pub(crate) remote_maintenance: bool,
    pub(crate) unpacked: bool,
    /// The connection resource of a remote node.
    pub(crate) connection: Option<ResourceIx>,
    pub(crate) running: Vec<ResourceIx>,
    /// Sum of priorities of what runs here.
    pub(crate) priority: i64,
    /// Feature set of its daemons, where known.
    pub(crate) feature_set: Option<String>,
}

/// What clones need beyond what every resource has.
#[derive(Clone, Debug)]
pub(crate) struct CloneInfo {
    pub(crate) max: usize,
    pub(crate) node_max: usize,
    pub(crate) min: usize,
    pub(crate) promotable: bool,
    pub(crate) promoted_max: usize,
    pub(crate) promoted_node_max: usize,
    pub(crate) ordered: bool,
    /// Instances made so far, those for leftover histories included.
    pub(crate) total: usize,
    /// Number that made the first instance's name.
    pub(crate) stateful_children: bool,
}

/// The kinds of resources.
#[derive(Clone, Debug)]
pub(crate) enum Variant {
    Primitive,
    Group { ordered: bool, colocated: bool },
    Clone(Box<CloneInfo>),
    Bundle(Box<crate::bundle::Bundle>),
}

/// A resource.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent facts")]
pub(crate) struct Resource {
    pub(crate) id: String,
    /// Name in the history, where that has none of the instance's number or another one.
    pub(crate) history_name: Option<Box<str>>,
    pub(crate) xml: Arc<Element>,
    pub(crate) variant: Variant,
    pub(crate) parent: Option<ResourceIx>,
    pub(crate) children: Vec<ResourceIx>,
    pub(crate) meta: Pairs,
    pub(crate) utilization: BTreeMap<String, i64>,
    pub(crate) priority: i64,
    pub(crate) stickiness: Score,
    pub(crate) failure_timeout_s: i64,
    pub(crate) migration_threshold: i64,
    pub(crate) reconnect_ms: u64,
    pub(crate) multiple_active: MultipleActive,
    pub(crate) requires: Requires,
    pub(crate) restart_on_dependency: bool,
    // flags
    pub(crate) managed: bool,
    pub(crate) blocked: bool,
    pub(crate) maintenance: bool,
    pub(crate) removed: bool,
    pub(crate) removed_filler: bool,
    pub(crate) failed: bool,
    pub(crate) stop_if_failed: bool,
    pub(crate) failure_ignored: bool,
    pub(crate) unique: bool,
    pub(crate) notify: bool,
    pub(crate) fence_device: bool,
    pub(crate) is_remote: bool,
    pub(crate) critical: bool,
    pub(crate) allow_migrate: bool,
    pub(crate) starting: bool,
    pub(crate) stopping: bool,
    pub(crate) exclusive_discovery: bool,
    pub(crate) has_promoted_role_location: bool,
    pub(crate) restarting: bool,
    pub(crate) reload: bool,
    pub(crate) start_pending: bool,
    pub(crate) stop_unexpected: bool,
    // status
    pub(crate) role: Role,
    pub(crate) next_role: Role,
    pub(crate) running_on: Vec<NodeIx>,
    pub(crate) known_on: Vec<NodeIx>,
    pub(crate) dangling_migrations: Vec<NodeIx>,
    pub(crate) migration_target: Option<NodeIx>,
    pub(crate) migration_source: Option<NodeIx>,
    pub(crate) pending_node: Option<NodeIx>,
    pub(crate) pending_task: Option<Box<str>>,
    pub(crate) lock_node: Option<NodeIx>,
    pub(crate) lock_time: i64,
    /// The resource that launches this one (of a guest's or bundle's connection).
    pub(crate) container: Option<ResourceIx>,
    /// What this one launches.
    pub(crate) fillers: Vec<ResourceIx>,
    /// Where the container of a bundle's connection will be, once that is decided.
    pub(crate) container_host: Option<NodeIx>,
}

/// What `multiple-active` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MultipleActive {
    StopStart,
    StopOnly,
    Block,
    StopUnexpected,
}

/// What `requires` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requires {
    Nothing,
    Quorum,
    Fencing,
    Unfencing,
}

impl Resource {
    pub(crate) fn new(id: String, xml: Arc<Element>) -> Self {
        Self {
            id,
            history_name: None,
            xml,
            variant: Variant::Primitive,
            parent: None,
            children: Vec::new(),
            meta: Pairs::new(),
            utilization: BTreeMap::new(),
            priority: 0,
            stickiness: Score::ZERO,
            failure_timeout_s: 0,
            migration_threshold: 1_000_000,
            reconnect_ms: 0,
            multiple_active: MultipleActive::StopStart,
            requires: Requires::Nothing,
            restart_on_dependency: false,
            managed: true,
            blocked: false,
            maintenance: false,
            removed: false,
            removed_filler: false,
            failed: false,
            stop_if_failed: false,
            failure_ignored: false,
            unique: true,
            notify: false,
            fence_device: false,
            is_remote: false,
            critical: true,
            allow_migrate: false,
            starting: false,
            stopping: false,
            exclusive_discovery: false,
            has_promoted_role_location: false,
            restarting: false,
            reload: false,
            start_pending: false,
            stop_unexpected: false,
            role: Role::Stopped,
            next_role: Role::Unknown,
            running_on: Vec::new(),
            known_on: Vec::new(),
            dangling_migrations: Vec::new(),
            migration_target: None,
            migration_source: None,
            pending_node: None,
            pending_task: None,
            lock_node: None,
            lock_time: 0,
            container: None,
            fillers: Vec::new(),
            container_host: None,
        }
    }

    pub(crate) fn is_primitive(&self) -> bool {
        matches!(self.variant, Variant::Primitive)
    }

    pub(crate) fn is_group(&self) -> bool {
        matches!(self.variant, Variant::Group { .. })
    }

    pub(crate) fn is_clone(&self) -> bool {
        matches!(self.variant, Variant::Clone(_))
    }

    pub(crate) fn is_bundle(&self) -> bool {
        matches!(self.variant, Variant::Bundle(_))
    }

    /// Tells whether it is a clone or bundle, whose children are instances.
    pub(crate) fn is_collective(&self) -> bool {
        self.is_clone() || self.is_bundle()
    }

    pub(crate) fn clone_info(&self) -> Option<&CloneInfo> {
        match &self.variant {
            Variant::Clone(info) => Some(info),
            Variant::Primitive | Variant::Group { .. } | Variant::Bundle(_) => None,
        }
    }

    /// Tells whether it is a promotable clone itself.
    pub(crate) fn promotable(&self) -> bool {
        self.clone_info().is_some_and(|info| info.promotable)
    }

    pub(crate) fn class(&self) -> &str {
        self.xml.get("class").unwrap_or_default()
    }

    pub(crate) fn provider(&self) -> &str {
        self.xml.get("provider").unwrap_or_default()
    }

    pub(crate) fn kind(&self) -> &str {
        self.xml.get("type").unwrap_or_default()
    }

    /// The name that histories use.
    pub(crate) fn history_id(&self) -> &str {
        self.history_name.as_deref().unwrap_or(&self.id)
    }
}

/// The unpacked cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) document: Arc<Element>,
    /// Seconds since the epoch.
    pub(crate) now: i64,
    /// Where that is, and where the document's times are.
    pub(crate) zone: Zone,
    pub(crate) properties: Properties,
    pub(crate) quorate: bool,
    pub(crate) has_fencing_device: bool,
    pub(crate) has_unfencing: bool,
    pub(crate) nodes: Vec<Node>,
    /// Sorted by name.
    pub(crate) node_order: Vec<NodeIx>,
    pub(crate) node_by_id: BTreeMap<String, NodeIx>,
    pub(crate) node_by_name: BTreeMap<String, NodeIx>,
    pub(crate) resources: Vec<Resource>,
    /// In the order of assignment.
    pub(crate) top: Vec<ResourceIx>,
    pub(crate) resource_by_id: BTreeMap<String, ResourceIx>,
    /// Tags and templates: name to the ids they stand for.
    pub(crate) tags: BTreeMap<String, Vec<String>>,
    pub(crate) templates: BTreeMap<String, Vec<String>>,
    pub(crate) tickets: BTreeMap<String, Ticket>,
    pub(crate) failed_operations: Vec<crate::status::FailedOperation>,
    pub(crate) recheck_by: Option<i64>,
    pub(crate) blocked_count: usize,
    pub(crate) disabled_count: usize,
    /// Monitors, by their entries, whose failure does not count any more and that begin anew: hands
    /// report changes only, so that nobody would know it is well again.
    pub(crate) forgiven: Vec<(ResourceIx, NodeIx, String)>,
    /// Comparisons of parameters that need to know where containers will be.
    pub(crate) deferred_checks: Vec<crate::bundle_remote::DeferredCheck>,
    /// Containers to stop once it is known where they run.
    pub(crate) stop_needed: Vec<ResourceIx>,
    pub(crate) dc: Option<NodeIx>,
    pub(crate) messages: Vec<crate::plan::Message>,
    pub(crate) topology: bool,
}

/// A ticket's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticket {
    pub(crate) granted: bool,
    pub(crate) standby: bool,
    pub(crate) last_granted: Option<i64>,
    pub(crate) state: Pairs,
}

impl std::ops::Index<NodeIx> for Cluster {
    type Output = Node;

    fn index(&self, node: NodeIx) -> &Node {
        &self.nodes[node.position()]
    }
}

impl std::ops::IndexMut<NodeIx> for Cluster {
    fn index_mut(&mut self, node: NodeIx) -> &mut Node {
        &mut self.nodes[node.position()]
    }
}

impl std::ops::Index<ResourceIx> for Cluster {
    type Output = Resource;

    fn index(&self, resource: ResourceIx) -> &Resource {
        &self.resources[resource.position()]
    }
}

impl std::ops::IndexMut<ResourceIx> for Cluster {
    fn index_mut(&mut self, resource: ResourceIx) -> &mut Resource {
        &mut self.resources[resource.position()]
    }
}

impl Cluster {
    /// Adds a node, keeping the order by name.
    pub(crate) fn add_node(&mut self, node: Node) -> NodeIx {
        let index = NodeIx::at(self.nodes.len());
        self.node_by_id.insert(node.id.clone(), index);
        self.node_by_name.insert(node.name.clone(), index);
        let at = self
            .node_order
            .iter()
            .position(|other| compare_names(&self[*other].name, &node.name).is_gt())
            .unwrap_or(self.node_order.len());
        self.node_order.insert(at, index);
        self.nodes.push(node);
        index
    }

    /// Adds a resource.
    pub(crate) fn add_resource(&mut self, resource: Resource) -> ResourceIx {
        let index = ResourceIx::at(self.resources.len());
        self.resource_by_id.entry(resource.id.clone()).or_insert(index);
        self.resources.push(resource);
        index
    }

    /// Finds a node by id or name.
    pub(crate) fn find_node(&self, id: Option<&str>, name: Option<&str>) -> Option<NodeIx> {
        id.and_then(|id| self.node_by_id.get(id))
            .or_else(|| name.and_then(|name| self.node_by_name.get(name)))
            .copied()
    }

    /// The outermost resource; a bundle counts only `with_bundles`.
    pub(crate) fn uppermost(&self, resource: ResourceIx, with_bundles: bool) -> ResourceIx {
        let mut at = resource;
        while let Some(parent) = self[at].parent {
            if !with_bundles && self[parent].is_bundle() {
                break;
            }
            at = parent;
        }
        at
    }

    /// A resource and all below it, parents first.
    pub(crate) fn family(&self, resource: ResourceIx) -> Few<ResourceIx> {
        if self[resource].children.is_empty() {
            return Few::One(resource);
        }
        let mut found = Vec::new();
        let mut stack = vec![resource];
        while let Some(next) = stack.pop() {
            found.push(next);
            stack.extend(self[next].children.iter().rev());
        }
        Few::Several(found)
    }

    /// Tells whether a resource is in another, at any depth.
    pub(crate) fn is_inside(&self, resource: ResourceIx, whole: ResourceIx) -> bool {
        let mut above = self[resource].parent;
        while let Some(parent) = above {
            if parent == whole {
                return true;
            }
            above = self[parent].parent;
        }
        false
    }

    /// Tells whether the resource is an instance, or in an instance, of an anonymous clone.
    pub(crate) fn anonymous(&self, resource: ResourceIx) -> bool {
        self.clone_of(resource).is_some_and(|clone| !self[clone].unique)
    }

    /// The clone that the resource is in.
    pub(crate) fn clone_of(&self, resource: ResourceIx) -> Option<ResourceIx> {
        let mut at = self[resource].parent;
        while let Some(parent) = at {
            if self[parent].is_clone() {
                return Some(parent);
            }
            at = self[parent].parent;
        }
        None
    }

    /// The bundle that the resource is in.
    pub(crate) fn bundle_of(&self, resource: ResourceIx) -> Option<ResourceIx> {
        let mut at = self[resource].parent;
        while let Some(parent) = at {
            if self[parent].is_bundle() {
                return Some(parent);
            }
            at = self[parent].parent;
        }
        None
    }

    /// A guest node runs inside a resource.
    pub(crate) fn is_guest(&self, node: NodeIx) -> bool {
        self.guest_container(node).is_some()
    }

    /// The resource that a guest node runs in.
    pub(crate) fn guest_container(&self, node: NodeIx) -> Option<ResourceIx> {
        let node = &self[node];
        if node.remote { node.connection.and_then(|c| self[c].container) } else { None }
    }

    /// A remote node that is no guest.
    pub(crate) fn is_remote_node(&self, node: NodeIx) -> bool {
        self[node].remote && self.guest_container(node).is_none()
    }

    /// A bundle's node runs inside a bundle's container.
    pub(crate) fn is_bundle_node(&self, node: NodeIx) -> bool {
        self[node].remote
            && self[node].connection.is_some_and(|connection| self.bundle_of(connection).is_some())
    }

    /// The node that a resource is seen to be active on; of several the first one, or the first clean
    /// and online one if nobody need be fenced for the resource.
    pub(crate) fn current_node(&self, resource: ResourceIx) -> Option<NodeIx> {
        self.active_node(resource).0
    }

    /// The preferred active node, and how many active nodes there are (all, clean ones).
    pub(crate) fn active_node(&self, resource: ResourceIx) -> (Option<NodeIx>, usize, usize) {
        let rsc = &self[resource];
        let (mut active, mut all, mut clean) = (None, 0, 0);
        for &node in &rsc.running_on {
            let mut keep = false;
            let is_happy = self[node].online && !self[node].unclean;
            all += 1;
            clean += usize::from(is_happy);
            if active.is_none() || rsc.migration_source == Some(node) {
                keep = true;
            } else if !matches!(rsc.requires, Requires::Fencing | Requires::Unfencing)
                && let Some(best) = active
            {
                let best: NodeIx = best;
                if is_happy && (!self[best].online || self[best].unclean) {
                    keep = rsc.migration_source != Some(best);
                }
            }
            if keep {
                active = Some(node);
            }
            if rsc.migration_source == Some(node) {
                break;
            }
        }
        if let Some(source) = rsc.migration_source.filter(|s| rsc.running_on.contains(s)) {
            active = Some(source);
            all = rsc.running_on.len();
        }
        (active, all, clean)
    }

    /// On how many nodes a resource counts as active: a node that is going to be fenced, or is off,
    /// doesn't count unless the fencing is for what the resource itself requires.
    pub(crate) fn counted_active(&self, resource: ResourceIx) -> usize {
        let (_, all, clean) = self.active_node(resource);
        let fenced = matches!(self[resource].requires, Requires::Fencing | Requires::Unfencing);
        if fenced { all } else { clean }
    }

    /// Nodes the resource (or what it contains) is active on.
    pub(crate) fn active_nodes(&self, resource: ResourceIx) -> Vec<NodeIx> {
        if self[resource].is_primitive() {
            return self[resource].running_on.clone();
        }
        let mut found: Vec<NodeIx> = Vec::new();
        for member in self.family(resource) {
            if self[member].is_primitive() {
                for node in &self[member].running_on {
                    if !found.contains(node) {
                        found.push(*node);
                    }
                }
            }
        }
        found
    }

    /// Tells whether a resource is active; `all`: every part of it.
    pub(crate) fn is_active(&self, resource: ResourceIx, all: bool) -> bool {
        let rsc = &self[resource];
        match rsc.variant {
            Variant::Primitive => rsc.running_on.iter().any(|&node| {
                let host = &self[node];
                host.online || host.unclean || !rsc.managed
            }),
            Variant::Group { .. } | Variant::Clone(_) => {
                let mut any = false;
                for &child in &rsc.children {
                    let active = self.is_active(child, all);
                    any |= active;
                    if all && !active {
                        return false;
                    }
                    if !all && active {
                        return true;
                    }
                }
                any
            }
            Variant::Bundle(_) => self.active_bundle(resource, all),
        }
    }

    /// Tells whether a resource, or anything in it, is blocked by a failure.
    pub(crate) fn is_blocked(&self, resource: ResourceIx) -> bool {
        let one = &self[resource];
        one.blocked || one.children.iter().any(|child| self.is_blocked(*child))
    }

    /// How many instances of a clone or bundle may be on one node.
    pub(crate) fn instances_per_node(&self, resource: ResourceIx) -> usize {
        match &self[resource].variant {
            Variant::Clone(info) => info.node_max,
            Variant::Bundle(bundle) => bundle.per_host,
            Variant::Primitive | Variant::Group { .. } => 1,
        }
    }

    /// A resource's role as others see it: the highest of its children's.
    pub(crate) fn role_of(&self, resource: ResourceIx, current: bool) -> Role {
        let rsc = &self[resource];
        if rsc.is_primitive() {
            return if current { rsc.role } else { rsc.next_role };
        }
        rsc.children.iter().map(|child| self.role_of(*child, current)).max().unwrap_or_default()
    }

    /// The context for rules that know no node.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: self.now,
            zone: self.zone,
            document: Some(&self.document),
            ..Context::default()
        }
    }

    /// Notes a moment at which the plan may change by itself.
    pub(crate) fn recheck(&mut self, when: i64) {
        if when > self.now && self.recheck_by.is_none_or(|known| when < known) {
            self.recheck_by = Some(when);
        }
    }

    /// Tells whether the cluster can fence the node.
    pub(crate) fn can_fence(&self, node: Option<NodeIx>) -> bool {
        if let Some(node) = node
            && let Some(container) = self.guest_container(node)
        {
            // by stopping its container, or its host
            let mut hosts = self[container].running_on.iter();
            return hosts.all(|host| self[*host].online || self.can_fence(Some(*host)));
        }
        if !self.properties.fencing || !self.has_fencing_device {
            return false;
        }
        self.quorate
            || self.properties.quorum_policy == QuorumPolicy::Ignore
            || node.is_some_and(|node| self[node].online)
    }

    /// A node attribute as rules and utilization see it.
    pub(crate) fn attribute(&self, node: NodeIx, name: &str) -> Option<&str> {
        self[node].attributes.get(name).map(String::as_str)
    }

    /// Tells whether rules and colocations know a node by its name: remote nodes that are not
    /// configured and were never seen count as one place without a name.
    pub(crate) fn is_named(&self, node: NodeIx) -> bool {
        self.attribute(node, "#uname").is_some()
    }

    /// A node attribute, looked up on the host where the resource wants that.
    pub(crate) fn attribute_for(
        &self,
        node: NodeIx,
        name: &str,
        resource: Option<ResourceIx>,
    ) -> Option<&str> {
        let at_host = || {
            let meta = resource.map(|resource| &self[resource].meta);
            let target = meta.and_then(|meta| meta.get("container-attribute-target"));
            target.is_some_and(|target| target == "host")
        };
        let Some(container) = self.guest_container(node).filter(|_| at_host()) else {
            return self.attribute(node, name);
        };
        let host = self[container].running_on.first().copied();
        host.and_then(|host| self.attribute(host, name))
    }

    /// The parameters of a resource as they apply on a node, now.
    pub(crate) fn parameters(&mut self, resource: ResourceIx, node: Option<NodeIx>) -> Pairs {
        let mut next = None;
        let out = self.parameters_at(resource, node, &mut next);
        if let Some(when) = next {
            self.recheck(when);
        }
        out
    }

    /// As `parameters`, with the moment at which they may be others.
    pub(crate) fn parameters_at(
        &self,
        resource: ResourceIx,
        node: Option<NodeIx>,
        next: &mut NextChange,
    ) -> Pairs {
        let mut out = Pairs::new();
        let rsc = &self[resource];
        let context = Context {
            node: node.map(|n| &self[n].attributes),
            resource: Some(&rsc.xml),
            ..self.context()
        };
        let set = "instance_attributes";
        let mut at = Some(resource);
        while let Some(one) = at {
            crate::pairs::collect(&self[one].xml, set, &context, None, &mut out, next);
            at = self[one].parent;
        }
        if let Some(defaults) = self.document.at(&["configuration", "rsc_defaults"]) {
            crate::pairs::collect(defaults, set, &context, None, &mut out, next);
        }
        out
    }

    /// Adds a message to the run's report.
    pub(crate) fn say(&mut self, level: crate::plan::Level, text: String) {
        self.messages.push(crate::plan::Message { level, text });
    }
}

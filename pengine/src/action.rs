//! Actions and orderings: the book that all stages write into.

use std::collections::BTreeMap;

use crate::action_meta::{ActionMeta, Operations};
use crate::cluster::{Cluster, QuorumPolicy, Requires};
use crate::few::Few;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::role::Role;
use crate::task::{self, Task};

/// How two actions of an ordering depend on each other.
pub(crate) mod relation {
    /// "Then" follows "first" if both happen.
    pub(crate) const ORDERED: u32 = 1 << 0;
    /// If "first" is required, so is "then".
    pub(crate) const FIRST_IMPLIES_THEN: u32 = 1 << 1;
    /// If "then" is required, so is "first".
    pub(crate) const THEN_IMPLIES_FIRST: u32 = 1 << 2;
    /// As before, for a promoted "then" only.
    pub(crate) const PROMOTED_IMPLIES_FIRST: u32 = 1 << 3;
    /// "First" implies "then" if both are on the same node.
    pub(crate) const FIRST_IMPLIES_SAME_NODE_THEN: u32 = 1 << 4;
    /// "Then" can't run if "first" can't.
    pub(crate) const UNRUNNABLE_FIRST_BLOCKS: u32 = 1 << 5;
    /// "Then" can't run if "first" can't migrate.
    pub(crate) const UNMIGRATABLE_THEN_BLOCKS: u32 = 1 << 6;
    /// A stop between two starts.
    pub(crate) const INTERMEDIATE_STOP: u32 = 1 << 7;
    /// "Then" becomes unrunnable if "first" is required and unrunnable.
    pub(crate) const FIRST_ELSE_THEN: u32 = 1 << 8;
    /// "First" must be in the graph if "then" is.
    pub(crate) const THEN_IMPLIES_FIRST_GRAPHED: u32 = 1 << 9;
    /// "Then" must be in the graph if "first" is.
    pub(crate) const FIRST_IMPLIES_THEN_GRAPHED: u32 = 1 << 10;
    /// Holds although one of the two is on a guest that the other runs.
    pub(crate) const GUEST_ALLOWED: u32 = 1 << 11;
    /// Just one after the other.
    pub(crate) const SERIALIZE: u32 = 1 << 12;
    /// Only if both are on the same node.
    pub(crate) const IF_ON_SAME_NODE: u32 = 1 << 13;
    /// Only if on the same node, or the first's migration target.
    pub(crate) const IF_ON_SAME_NODE_OR_TARGET: u32 = 1 << 14;
    /// "Then" cancels "first".
    pub(crate) const THEN_CANCELS_FIRST: u32 = 1 << 15;
    /// "Then" needs a number of such "firsts".
    pub(crate) const MIN_RUNNABLE: u32 = 1 << 16;
    /// The inverse does not hold.
    pub(crate) const ASYMMETRIC: u32 = 1 << 17;
    /// Part of a probe's dependencies.
    pub(crate) const NESTED_PROBE: u32 = 1 << 18;
    /// Only if both are on the same node and "first" is required.
    pub(crate) const IF_REQUIRED_ON_SAME_NODE: u32 = 1 << 19;
    /// Only if "first" is stopped and started rather than migrated.
    pub(crate) const IF_FIRST_UNMIGRATABLE: u32 = 1 << 20;
}

/// An edge to another action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) other: ActionIx,
    pub(crate) flags: u32,
    /// Looked at in the search for loops, or in the graph already.
    pub(crate) in_graph: bool,
}

/// An action.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are independent facts")]
pub(crate) struct Action {
    pub(crate) resource: Option<ResourceIx>,
    pub(crate) node: Option<NodeIx>,
    pub(crate) task: Task,
    /// Task and interval that the key is made of; `name` overrides both.
    pub(crate) key: Key,
    pub(crate) name: Option<Box<str>>,
    pub(crate) reason: Option<Box<str>>,
    pub(crate) meta: ActionMeta,
    pub(crate) needs: Requires,
    pub(crate) priority: i32,
    pub(crate) required_before: u32,
    pub(crate) runnable_before: u32,
    // flags
    pub(crate) optional: bool,
    pub(crate) runnable: bool,
    pub(crate) pseudo: bool,
    pub(crate) migratable: bool,
    pub(crate) always_in_graph: bool,
    pub(crate) min_runnable: bool,
    pub(crate) migration_aborted: bool,
    /// The DC does it by itself, whatever the state of the action's node.
    pub(crate) on_dc: bool,
    pub(crate) reschedule: bool,
    pub(crate) in_graph: bool,
    pub(crate) processed: bool,
    // relations
    pub(crate) before: Vec<Edge>,
    pub(crate) after: Vec<Edge>,
}

/// What names an action of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) task: Task,
    pub(crate) interval_ms: u64,
}

impl Key {
    /// A key of an action that runs once.
    pub(crate) fn once(task: Task) -> Self {
        Self { task, interval_ms: 0 }
    }
}

/// One side of an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Action(ActionIx),
    /// The resource's usual actions of this task, whichever there will be.
    Task(ResourceIx, Task),
}

impl Point {
    pub(crate) fn of(resource: ResourceIx, task: Task) -> Self {
        Self::Task(resource, task)
    }
}

/// An ordering whose sides may not be actions yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ordering {
    pub(crate) first: Point,
    pub(crate) then: Point,
    pub(crate) flags: u32,
}

/// All actions and orderings.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) actions: Vec<Action>,
    /// How often an action of a clone's instances was, or may have been, changed.
    changes: u64,
    pub(crate) orderings: Vec<Ordering>,
    by_resource: Vec<Own>,
    singletons: BTreeMap<Box<str>, ActionIx>,
    operations: Operations,
}

/// The actions of one resource, oldest first.
#[derive(Clone, Debug, Default)]
struct Own {
    actions: Vec<ActionIx>,
    on: Place,
    /// The clone that the resource is in.
    clone: Option<ResourceIx>,
    /// How many changes there had been when an action of what is in this clone was made or changed
    /// last.
    changed_inside: u64,
}

/// Where actions are, so far as they need not be asked one by one: instances of clones, of which
/// there are many, have theirs on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Nowhere,
    One(NodeIx),
    Any,
}

impl Own {
    fn push(&mut self, action: ActionIx, node: Option<NodeIx>) {
        self.on = match (self.on, node) {
            (Place::Nowhere, Some(node)) => Place::One(node),
            (Place::One(before), Some(node)) if before == node => Place::One(node),
            _ => Place::Any,
        };
        self.actions.push(action);
    }
}

impl std::ops::Index<ActionIx> for Book {
    type Output = Action;

    fn index(&self, action: ActionIx) -> &Action {
        &self.actions[action.position()]
    }
}

impl std::ops::IndexMut<ActionIx> for Book {
    fn index_mut(&mut self, action: ActionIx) -> &mut Action {
        if let Some(resource) = self.actions[action.position()].resource {
            self.note_change(resource);
        }
        &mut self.actions[action.position()]
    }
}

/// How many orderings, and actions, there may be for a resource. Room for more than there will be
/// costs nothing, as no memory is taken before it is written to; growing, copying and what is left
/// behind between other things do.
const ORDERINGS_EXPECTED: usize = 16;
const ACTIONS_EXPECTED: usize = 6;

impl Book {
    /// Makes room for what so many resources bring along.
    pub(crate) fn expect(&mut self, resources: usize) {
        self.orderings.reserve(resources * ORDERINGS_EXPECTED);
        self.actions.reserve(resources * ACTIONS_EXPECTED);
    }

    /// Tells the state of the actions of all instances of a clone, and of what is in them: as long
    /// as it is the same, none has changed.
    pub(crate) fn edition_of_instances(&self, clone: ResourceIx) -> u64 {
        self.by_resource.get(clone.position()).map_or(0, |own| own.changed_inside)
    }

    fn note_change(&mut self, resource: ResourceIx) {
        if let Some(clone) = self.by_resource[resource.position()].clone {
            self.changes += 1;
            self.by_resource[clone.position()].changed_inside = self.changes;
        }
    }

    /// What the document says of operations.
    pub(crate) fn operations(&self) -> &Operations {
        &self.operations
    }

    /// What the document says of operations, where something may be asked for the first time.
    pub(crate) fn operations_mut(&mut self) -> &mut Operations {
        &mut self.operations
    }

    /// The resource's actions, oldest first.
    pub(crate) fn of_resource(&self, resource: ResourceIx) -> &[ActionIx] {
        self.by_resource.get(resource.position()).map_or(&[], |own| &own.actions)
    }

    /// The resource's actions with a key, newest first; those without a node match any node.
    pub(crate) fn matching(
        &self,
        resource: ResourceIx,
        key: Key,
        node: Option<NodeIx>,
    ) -> Few<ActionIx> {
        self.all_matching(resource, key, node).collect()
    }

    fn all_matching(
        &self,
        resource: ResourceIx,
        key: Key,
        node: Option<NodeIx>,
    ) -> impl Iterator<Item = ActionIx> {
        let own = self.by_resource.get(resource.position());
        let may_match = |own: &&Own| match (own.on, node) {
            (Place::One(place), Some(node)) => place == node,
            _ => true,
        };
        let actions: &[ActionIx] = own.filter(may_match).map_or(&[], |own| &own.actions);
        actions.iter().rev().copied().filter(move |action| {
            let action = &self[*action];
            // the cheapest questions first: there are many actions
            (node.is_none() || action.node.is_none() || action.node == node)
                && action.key.interval_ms == key.interval_ms
                && action.key.task == key.task
                && action.name.is_none()
        })
    }

    /// As `matching`, only exact nodes.
    pub(crate) fn matching_exactly(
        &self,
        resource: ResourceIx,
        key: Key,
        node: NodeIx,
    ) -> Option<ActionIx> {
        self.of_resource(resource).iter().rev().copied().find(|action| {
            let action = &self[*action];
            action.key == key && action.node == Some(node)
        })
    }

    /// The newest action of a resource with a task, on a node if that is given.
    pub(crate) fn first_action(
        &self,
        resource: ResourceIx,
        task: Task,
        node: Option<NodeIx>,
    ) -> Option<ActionIx> {
        self.all_matching(resource, Key::once(task), node).next()
    }

    /// Finds or makes an action of a resource.
    pub(crate) fn action(
        &mut self,
        cluster: &mut Cluster,
        resource: ResourceIx,
        key: Key,
        task: Task,
        node: Option<NodeIx>,
        optional: bool,
    ) -> ActionIx {
        // asked for on no node in particular, the one that was there first is meant
        let found = self.all_matching(resource, key, node).last();
        let index = match found {
            Some(index) => {
                if self[index].node.is_none() {
                    self[index].node = node;
                }
                index
            }
            None => self.make(cluster, Some(resource), key, None, task, node, optional),
        };
        self.refresh(cluster, index, optional);
        index
    }

    /// Finds or makes the usual non-recurring action.
    pub(crate) fn simple(
        &mut self,
        cluster: &mut Cluster,
        resource: ResourceIx,
        task: Task,
        node: Option<NodeIx>,
        optional: bool,
    ) -> ActionIx {
        self.action(cluster, resource, Key::once(task), task, node, optional)
    }

    /// Finds or makes a pseudo-action of a resource.
    pub(crate) fn pseudo(
        &mut self,
        cluster: &mut Cluster,
        resource: ResourceIx,
        task: Task,
        optional: bool,
        runnable: bool,
    ) -> ActionIx {
        let index = self.simple(cluster, resource, task, None, optional);
        let action = &mut self[index];
        action.pseudo = true;
        if runnable {
            action.runnable = true;
        }
        index
    }

    /// Finds or makes an action without a resource, by its whole name.
    pub(crate) fn named(
        &mut self,
        cluster: &mut Cluster,
        name: &str,
        task: Task,
        node: Option<NodeIx>,
        optional: bool,
    ) -> ActionIx {
        let index = match self.singletons.get(name) {
            Some(index) => *index,
            None => {
                let key = Key::once(task);
                self.make(cluster, None, key, Some(name.into()), task, node, optional)
            }
        };
        if !optional {
            self[index].optional = false;
        }
        index
    }

    /// Finds an action without a resource.
    pub(crate) fn find_named(&self, name: &str) -> Option<ActionIx> {
        self.singletons.get(name).copied()
    }

    #[allow(clippy::too_many_arguments, reason = "private; all of them name the action")]
    fn make(
        &mut self,
        cluster: &mut Cluster,
        resource: Option<ResourceIx>,
        key: Key,
        name: Option<Box<str>>,
        task: Task,
        node: Option<NodeIx>,
        optional: bool,
    ) -> ActionIx {
        let index = ActionIx::at(self.actions.len());
        let mut action = Action {
            resource,
            node,
            task,
            key,
            name,
            reason: None,
            meta: ActionMeta::default(),
            needs: Requires::Nothing,
            priority: 0,
            required_before: 0,
            runnable_before: 0,
            optional,
            runnable: true,
            pseudo: false,
            migratable: false,
            always_in_graph: false,
            min_runnable: false,
            migration_aborted: false,
            on_dc: task == task::LRM_DELETE,
            reschedule: false,
            in_graph: false,
            processed: false,
            before: Vec::new(),
            after: Vec::new(),
        };
        if let Some(resource) = resource {
            if matches!(task, task::START | task::PROMOTE) {
                action.needs = cluster[resource].requires;
            }
            action.meta = self.operations.meta(cluster, resource, key, node);
            let clone = cluster.clone_of(resource);
            let last = clone.max(Some(resource)).map_or(0, ResourceIx::position);
            if self.by_resource.len() <= last {
                self.by_resource.resize(last + 1, Own::default());
            }
            let own = &mut self.by_resource[resource.position()];
            own.clone = clone;
            own.push(index, node);
            self.note_change(resource);
        } else if let Some(name) = &action.name {
            self.singletons.insert(name.clone(), index);
        }
        self.actions.push(action);
        index
    }

    /// Brings an action's flags up to date with what its resource and node allow.
    fn refresh(&mut self, cluster: &mut Cluster, index: ActionIx, optional: bool) {
        let action = &self[index];
        let Some(resource) = action.resource else { return };
        if !action.pseudo
            && action.node.is_some()
            && !cluster[resource].managed
            && !action.meta.contains("interval")
        {
            self[index].optional = true;
        } else if !optional {
            self[index].optional = false;
        }
        self.refresh_runnable(cluster, index, resource);
        let action = &self[index];
        if !action.optional {
            match action.task {
                task::STOP => cluster[resource].stopping = true,
                task::START => {
                    cluster[resource].starting = action.runnable;
                }
                _ => {}
            }
        }
    }

    fn refresh_runnable(&mut self, cluster: &mut Cluster, index: ActionIx, resource: ResourceIx) {
        if self[index].pseudo {
            return;
        }
        let Some(node) = self[index].node else {
            self[index].runnable = false;
            return;
        };
        let on_dc = self[index].on_dc;
        if !on_dc
            && !cluster[node].online
            && (!cluster.is_guest(node) || cluster[node].requires_reset)
        {
            self[index].runnable = false;
            let stops = self[index].task == task::STOP;
            if stops && cluster[resource].managed && !cluster[node].unclean {
                self.fence_node(cluster, node, "resource actions are unrunnable", false);
            }
            return;
        }
        if !on_dc && cluster[node].pending {
            self[index].runnable = false;
            return;
        }
        if self[index].needs == Requires::Nothing {
            self[index].reason = None;
            // a guest on a host that is lost and can't be fenced is out of reach
            self[index].runnable = !cluster.is_guest(node) || cluster.can_fence(Some(node));
            return;
        }
        match self.quorum_policy(cluster, resource) {
            QuorumPolicy::Stop | QuorumPolicy::Fence => {
                self.block(index, "no quorum");
            }
            QuorumPolicy::Freeze => {
                let rsc = &cluster[resource];
                if !cluster.is_active(resource, true) || rsc.next_role > rsc.role {
                    self.block(index, "quorum freeze");
                }
            }
            QuorumPolicy::Ignore | QuorumPolicy::Demote => self[index].runnable = true,
        }
    }

    fn quorum_policy(&mut self, cluster: &mut Cluster, resource: ResourceIx) -> QuorumPolicy {
        let policy = cluster.properties.quorum_policy;
        if cluster.quorate {
            return QuorumPolicy::Ignore;
        }
        if policy != QuorumPolicy::Demote {
            return policy;
        }
        let rsc = &mut cluster[resource];
        if matches!(rsc.role, Role::Promoted | Role::Unpromoted) {
            if rsc.next_role > Role::Unpromoted {
                rsc.next_role = Role::Unpromoted;
            }
            QuorumPolicy::Ignore
        } else {
            QuorumPolicy::Stop
        }
    }

    /// Makes existing actions fit a resource that will run nowhere.
    pub(crate) fn stop_for_good(&mut self, resource: ResourceIx) {
        for action in self.of_resource(resource).to_vec() {
            let action = &mut self[action];
            match action.task {
                task::STOP => action.optional = false,
                task::START => action.runnable = false,
                _ if action.key.interval_ms > 0 => {
                    let for_stopped = action.meta.get("op_target_rc").is_some_and(|rc| rc == "7");
                    action.runnable &= for_stopped;
                }
                _ => {}
            }
        }
    }

    /// Makes an action unrunnable and says why.
    pub(crate) fn block(&mut self, index: ActionIx, reason: &str) {
        self[index].runnable = false;
        self[index].reason = Some(reason.into());
    }

    /// Sets a reason; an older one stays unless `overwrite`.
    pub(crate) fn set_reason(&mut self, index: ActionIx, reason: &str, overwrite: bool) {
        if overwrite || self[index].reason.is_none() {
            self[index].reason = Some(reason.into());
        }
    }

    /// Adds an ordering.
    pub(crate) fn order(&mut self, first: Point, then: Point, flags: u32) {
        if matches!(first, Point::Action(_)) && first == then {
            return;
        }
        self.orderings.push(Ordering { first, then, flags });
    }

    /// Adds an ordering between the usual actions of two resources.
    pub(crate) fn order_tasks(
        &mut self,
        first: (ResourceIx, Task),
        then: (ResourceIx, Task),
        flags: u32,
    ) {
        self.order(Point::of(first.0, first.1), Point::of(then.0, then.1), flags);
    }

    /// Whose actions a side of an ordering stands for.
    pub(crate) fn resource_at(&self, point: Point) -> Option<ResourceIx> {
        match point {
            Point::Action(action) => self[action].resource,
            Point::Task(resource, _) => Some(resource),
        }
    }

    /// What the actions of a side of an ordering do.
    pub(crate) fn task_at(&self, point: Point) -> Task {
        match point {
            Point::Action(action) => self[action].task,
            Point::Task(_, task) => task,
        }
    }

    /// The actions that a side of an ordering stands for, newest first.
    pub(crate) fn at(&self, point: Point) -> Few<ActionIx> {
        match point {
            Point::Action(action) => Few::One(action),
            Point::Task(resource, task) => self.matching(resource, Key::once(task), None),
        }
    }

    /// Orders two actions at once; false when they already were, the same way.
    pub(crate) fn order_actions(&mut self, first: ActionIx, then: ActionIx, flags: u32) -> bool {
        if flags == 0 || first == then {
            return false;
        }
        let known = self[first].after.iter().any(|e| e.other == then && e.flags & flags != 0);
        if known {
            return false;
        }
        self[first].after.push(Edge { other: then, flags, in_graph: false });
        self[then].before.push(Edge { other: first, flags, in_graph: false });
        true
    }

    /// The action's key as it stands in graphs.
    pub(crate) fn key_text(&self, cluster: &Cluster, index: ActionIx) -> String {
        let action = &self[index];
        match (&action.name, action.resource) {
            (Some(name), _) => name.to_string(),
            (None, Some(resource)) => key_text(&cluster[resource].id, action.key),
            (None, None) => action.key.task.to_string(),
        }
    }

    /// Marks a node as not to be trusted and plans its fencing.
    pub(crate) fn fence_node(
        &mut self,
        cluster: &mut Cluster,
        node: NodeIx,
        reason: &str,
        priority_delay: bool,
    ) {
        use crate::plan::Level;
        let name = cluster[node].name.clone();
        if let Some(container) = cluster.guest_container(node) {
            if !cluster[container].failed {
                let container_id = cluster[container].id.clone();
                if cluster[container].managed {
                    cluster.say(
                        Level::Warning,
                        format!("Guest node {name} will be fenced (by recovering its guest resource {container_id}): {reason}"),
                    );
                    // we don't mark it unclean: its connection's stop tells when it is down
                    cluster[node].requires_reset = true;
                    cluster[container].failed = true;
                    cluster[container].stop_if_failed = true;
                } else {
                    cluster.say(
                        Level::Notice,
                        format!("Not fencing guest node {name} (otherwise would because {reason}): its guest resource {container_id} is unmanaged"),
                    );
                }
            }
            return;
        }
        if let Some(connection) = cluster[node].connection.filter(|_| cluster[node].remote)
            && cluster[connection].removed_filler
        {
            // the guest has been removed with its container: only its connection is left to stop
            cluster[connection].failed = true;
            cluster[connection].stop_if_failed = true;
            return;
        }
        if cluster[node].remote {
            let unmanaged = cluster[node].connection.is_some_and(|c| !cluster[c].managed);
            if unmanaged {
                cluster.say(
                    Level::Notice,
                    format!("Not fencing remote node {name} (otherwise would because {reason}): connection is unmanaged"),
                );
            } else if !cluster[node].requires_reset {
                cluster[node].requires_reset = true;
                let how = self.how_it_ends(cluster, node);
                cluster.say(Level::Warning, format!("Remote node {name} {how}: {reason}"));
            }
            cluster[node].unclean = true;
            self.fencing(cluster, node, None, true, Some(reason), false);
            return;
        }
        if cluster[node].unclean {
            return;
        }
        let how = self.how_it_ends(cluster, node);
        cluster.say(Level::Warning, format!("Cluster node {name} {how}: {reason}"));
        cluster[node].unclean = true;
        self.fencing(cluster, node, None, true, Some(reason), priority_delay);
    }

    #[allow(clippy::unused_self, reason = "reads as a sentence beside fence_node")]
    fn how_it_ends(&self, cluster: &Cluster, node: NodeIx) -> &'static str {
        if cluster.can_fence(Some(node)) { "will be fenced" } else { "is unclean" }
    }

    /// Finds or makes the fencing action of a node.
    pub(crate) fn fencing(
        &mut self,
        cluster: &mut Cluster,
        node: NodeIx,
        operation: Option<&str>,
        optional: bool,
        reason: Option<&str>,
        priority_delay: bool,
    ) -> ActionIx {
        let operation =
            operation.map_or_else(|| cluster.properties.fencing_action.clone(), str::to_owned);
        let mut optional = optional;
        let name = format!("stonith-{}-{operation}", cluster[node].name);
        let known = self.find_named(&name);
        let index = match known {
            Some(index) => index,
            None => {
                let index = self.named(cluster, &name, task::STONITH, Some(node), true);
                let host = &cluster[node];
                let meta = &mut self[index].meta;
                meta.insert("on_node", host.name.clone());
                meta.insert("on_node_uuid", host.id.clone());
                meta.insert("stonith_action", operation.clone());
                if cluster.has_unfencing
                    && crate::digest::add_device_digests(cluster, self, index, node)
                {
                    optional = false;
                }
                index
            }
        };
        if cluster.properties.priority_fencing_delay_ms > 0
            && (priority_delay || self[index].meta.contains("priority-fencing-delay"))
        {
            let delay = crate::fencing::priority_delay(cluster, node);
            self[index].meta.insert("priority-fencing-delay", delay);
        }
        if !optional && cluster.can_fence(Some(node)) {
            self[index].optional = false;
        }
        if let Some(reason) = reason {
            self.set_reason(index, reason, false);
        }
        index
    }

    /// Plans the clearing of a resource's fail count on a node.
    pub(crate) fn clear_fail_count(
        &mut self,
        cluster: &mut Cluster,
        resource: ResourceIx,
        node: NodeIx,
        reason: &str,
    ) -> ActionIx {
        let index = self.simple(cluster, resource, task::CLEAR_FAILCOUNT, Some(node), false);
        self[index].meta.insert("op_no_wait", "true");
        self.set_reason(index, reason, true);
        index
    }

    /// Names what blocks or requires an action: `RESOURCE TASK`.
    pub(crate) fn describe(&self, cluster: &Cluster, index: ActionIx) -> String {
        let action = &self[index];
        match action.resource {
            Some(resource) => format!("{} {}", cluster[resource].id, action.task),
            None if action.task == task::STONITH => action.task.to_string(),
            None => self.key_text(cluster, index),
        }
    }
}

/// Puts an operation's key together.
pub(crate) fn key_text(resource: &str, key: Key) -> String {
    let interval = if key.interval_ms == 0 { "0" } else { &key.interval_ms.to_string() };
    [resource, "_", key.task.name(), "_", interval].concat()
}

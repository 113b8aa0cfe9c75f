//! Carrying a plan out: what the runner lets begin becomes commands, and operations that are
//! under way already are taken over instead of repeated.
//!
//! Plans are made while operations of older ones still run. Since the scheduler sees those as
//! under way (or, for what changes nothing until it ends, as not begun), its new plan contains
//! them again where they still matter; here they are recognised by resource, action, interval and
//! node, and their result counts for the new plan.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AgentSpec, BootId, ExecStatus, HandsCommand, Monotonic, NodeId, OcfCode, OpRecord, Operation,
    ResourceId,
};

use super::controller::{Controller, OperationKey, Peer, Role};
use super::graph::{ActionId, ActionKind, GraphAction, TransitionGraph};
use super::history;
use super::interface::{Effect, Now};
use super::journal::What;
use super::planning::Urgency;
use super::runner::{Began, Limits, Progress, Runner};
use super::status::StatusChange;
use super::waiting::Waiting;

/// What is allowed on top of an operation's own timeout before its node is asked what became of
/// it: waiting for its turn and the way there and back (`cluster-delay`).
const CLUSTER_DELAY_MS: u64 = 60_000;

/// An operation under way for this long is mentioned in status.
const LONG_MS: u64 = 10_000;

/// A plan being carried out.
#[derive(Clone, Debug)]
pub(super) struct Transition {
    pub(super) plan: u64,
    pub(super) number: u64,
    pub(super) runner: Runner,
    /// Results that came after the plan's input was taken: whether they were as wanted.
    settled: BTreeMap<OperationKey, bool>,
    /// What it has hands do.
    pub(super) planned: BTreeSet<OperationKey>,
    /// Why another plan is needed when this one is over.
    pub(super) follow_up: Option<String>,
}

/// An operation sent to hands, or found under way there.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    /// The key it was sent under.
    pub(super) transition_key: String,
    /// The action of the current transition that its result counts for.
    pub(super) action: Option<ActionId>,
    /// The number it was sent under; none = it was found under way, or not sent yet.
    sequence: Option<u64>,
    /// When its node is asked what became of it; none = never.
    pub(super) deadline: Option<Monotonic>,
    pub(super) since: Monotonic,
    /// What was sent; none = it was found under way, or it cancels another.
    operation: Option<Box<Operation>>,
    /// The plan it counts for wanted it with other parameters, as far as is known here.
    pub(super) outdated: bool,
    /// Another command for its resource was sent behind it: its result stands for nothing that a
    /// plan has after that command.
    pub(super) followed: bool,
    /// How the status section shows it, where that matters.
    shown: Option<Box<OpRecord>>,
}

impl Transition {
    pub(super) fn new(
        plan: u64,
        number: u64,
        graph: TransitionGraph,
        settled: BTreeMap<OperationKey, bool>,
    ) -> Self {
        let planned = planned_operations(&graph);
        Self { plan, number, runner: Runner::new(graph), settled, planned, follow_up: None }
    }

    /// Takes a result of an operation that was under way before this plan, and that an action
    /// stands for which has not begun yet; false if there is none.
    pub(super) fn settle(&mut self, key: &OperationKey, as_wanted: bool) -> bool {
        let awaited = self.runner.aborted().is_none() && self.planned.contains(key);
        if awaited {
            self.settled.insert(key.clone(), as_wanted);
        }
        awaited
    }
}

impl InFlight {
    /// Tells whether it waits to be sent.
    fn is_held(&self) -> bool {
        self.operation.is_some() && self.sequence.is_none()
    }

    /// Tells whether it was found under way: nothing is known of it but that.
    pub(super) fn is_found(&self) -> bool {
        self.operation.is_none() && self.sequence.is_none()
    }

    /// Returns source and target, if this is part of a migration.
    pub(super) fn migration(&self) -> Option<(String, String)> {
        let parameters = &self.operation.as_ref()?.parameters;
        let get = |name: &str| parameters.get(name).cloned();
        Some((get("CRM_meta_migrate_source")?, get("CRM_meta_migrate_target")?))
    }
}

/// Returns under which key an action of a graph is under way; none for what no hands do.
pub(super) fn operation_key(action: &GraphAction) -> Option<OperationKey> {
    let node = NodeId(action.node_uuid.as_ref()?.parse().ok()?);
    let resource = ResourceId::from(action.resource.as_ref()?.id.as_str());
    match (action.kind, action.task.as_str()) {
        (ActionKind::Pseudo | ActionKind::Cluster, _) | (_, "delete" | "lrm_delete") => None,
        (ActionKind::Resource, "cancel") => {
            let what = action.meta("operation").unwrap_or("monitor");
            Some((node, resource, format!("cancel {what}"), action.interval_ms()))
        }
        (ActionKind::Resource, task) => {
            Some((node, resource, task.to_owned(), action.interval_ms()))
        }
    }
}

/// Returns the places of all operations that a graph has hands do.
pub(super) fn planned_operations(graph: &TransitionGraph) -> BTreeSet<OperationKey> {
    graph.actions.values().filter_map(operation_key).collect()
}

/// Tells whether an action may make a resource active: such commands go to a boot only after the
/// log says that resources may run there.
fn starts_something(action: &str) -> bool {
    !matches!(action, "stop" | "demote" | "notify" | "monitor")
}

impl Controller {
    /// Sends what may begin, and notes when the plan is over.
    pub(super) fn carry_on(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(mut transition) = self.transition.take() else { return };
        let limits = self.limits(&transition);
        let (number, plan) = (transition.number, transition.plan);
        let settled = &mut transition.settled;
        transition.runner.fire_all(&limits, |action| self.begin(now, number, action, settled, out));
        let progress = transition.runner.progress();
        if progress == Progress::Running {
            self.transition = Some(transition);
            return;
        }
        let (done, _, waiting, failed) = transition.runner.counts();
        let what = match transition.runner.aborted() {
            Some(abort) if waiting > 0 => What::Aborted { plan, reason: abort.reason.clone() },
            Some(_) | None => What::Finished { plan, done, skipped: waiting + failed },
        };
        if done + waiting + failed > 0 {
            Self::journal(now, what, out);
        }
        if let Some(reason) = transition.follow_up {
            self.want_plan(now, Urgency::Soon, reason);
        }
    }

    fn limits(&self, transition: &Transition) -> Limits {
        let told = transition.runner.graph().head_number("batch-limit");
        let told = told.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let node = self.view.members.values().filter_map(|member| {
            // what is for a node that is just joining (again) waits for its answer
            let joins = |peer: &Peer| (!peer.joined && !peer.silent) || peer.held_until.is_some();
            let limit = if self.peers.get(&member.id).is_some_and(joins) {
                Some(0)
            } else {
                self.options.node_action_limit
            };
            Some((member.name.as_str().to_owned(), limit?))
        });
        Limits {
            batch: told.or(self.options.batch_limit),
            migration: self.options.migration_limit,
            node: node.collect(),
        }
    }

    fn begin(
        &mut self,
        now: Now,
        transition: u64,
        action: &GraphAction,
        settled: &mut BTreeMap<OperationKey, bool>,
        out: &mut Vec<Effect>,
    ) -> Began {
        match (action.kind, action.task.as_str()) {
            (ActionKind::Pseudo, _) => Began::Done,
            (_, "delete" | "lrm_delete") => self.forget_resource(now, action, out),
            (ActionKind::Resource, _) => {
                self.begin_operation(now, transition, action, settled, out)
            }
            (ActionKind::Cluster, "clear_failcount") => self.clear_fail_count(now, action, out),
            (ActionKind::Cluster, "do_shutdown") => match executing_node(action) {
                // the engine takes a silent member for an empty one; that is nobody's word
                Some(node) if self.peers.get(&node).is_some_and(|p| p.joined && !p.silent) => {
                    self.let_go(now, node, out);
                    Began::Done
                }
                Some(_) | None => Began::Failed,
            },
            (ActionKind::Cluster, "stonith") => self.begin_fencing(now, action, out),
            (ActionKind::Cluster, _) => Began::Failed,
        }
    }

    fn begin_operation(
        &mut self,
        now: Now,
        transition: u64,
        action: &GraphAction,
        settled: &mut BTreeMap<OperationKey, bool>,
        out: &mut Vec<Effect>,
    ) -> Began {
        let (Some(key), Some(resource)) = (operation_key(action), &action.resource) else {
            return Began::Failed;
        };
        let starts = starts_something(&action.task) && action.task != "cancel";
        let unrecorded = self.role == Role::Coordinating && self.options.ignores_quorum();
        if self.role == Role::Coordinating && starts && !unrecorded {
            return Began::Failed;
        }
        // what another one follows is not the end of the matter: the plan means one after that
        if let Some(under_way) = self.in_flight.get_mut(&key).filter(|o| !o.followed) {
            under_way.action = Some(action.id);
            under_way.outdated = !matches!(action.task.as_str(), "stop" | "cancel")
                && under_way.operation.as_ref().is_none_or(|o| !same_parameters(o, action));
            return Began::InFlight;
        }
        if let Some(as_wanted) = settled.get(&key) {
            return if *as_wanted { Began::Done } else { Began::Failed };
        }
        // what is sent now comes after whatever ended before
        settled.retain(|(node, other, ..), _| (*node, other) != (key.0, &key.1));
        if self.peers.get(&key.0).is_none_or(|peer| !peer.joined) {
            return Began::Failed;
        }
        let uuid = &self.identity.uuid;
        let target = action.target_rc();
        let transition_key = format!("{}:{transition}:{target}:{uuid}", action.id.0);
        if action.task == "cancel" {
            return self.begin_cancellation(now, action, key, transition_key, out);
        }
        let mut parameters = action.attributes.clone();
        parameters
            .entry("crm_feature_set".to_owned())
            .or_insert_with(|| history::FEATURE_SET.to_owned());
        let operation = Operation {
            resource: key.1.clone(),
            agent: AgentSpec {
                class: resource.class.clone(),
                provider: resource.provider.clone(),
                kind: resource.kind.clone(),
            },
            action: action.task.clone(),
            interval_ms: action.interval_ms(),
            timeout_ms: Some(action.timeout_ms()).filter(|ms| *ms > 0).unwrap_or(20_000),
            start_delay_ms: action.meta("start_delay").and_then(|d| d.parse().ok()).unwrap_or(0),
            parameters,
            transition_key: transition_key.clone(),
            node: self.name(key.0).as_str().to_owned(),
        };
        let mut under_way = InFlight {
            transition_key,
            action: Some(action.id),
            sequence: None,
            deadline: None,
            since: now.monotonic,
            operation: Some(Box::new(operation)),
            outdated: false,
            followed: false,
            shown: None,
        };
        self.note_followed(&key);
        // a coordinator that ignores quorum has no log to write down what may run there
        if !starts || unrecorded || self.may_start(key.0) {
            self.send(now, key.0, &mut under_way, out);
        }
        self.in_flight.insert(key, under_way);
        Began::InFlight
    }

    /// Sends an operation and, where that matters, has the status section show it as under way.
    fn send(&mut self, now: Now, node: NodeId, under_way: &mut InFlight, out: &mut Vec<Effect>) {
        let Some(operation) = under_way.operation.as_deref().cloned() else { return };
        let patience = operation.timeout_ms + operation.start_delay_ms + CLUSTER_DELAY_MS;
        under_way.deadline = Some(now.monotonic + patience);
        under_way.sequence = Some(self.next.sequence);
        if !matches!(operation.action.as_str(), "monitor" | "notify") {
            self.end_recurring(node, &operation.resource);
        }
        self.show_under_way(now, node, under_way, out);
        self.command(node, out, |authority| HandsCommand::Execute { authority, operation });
    }

    /// Another operation comes after what is under way for its resource on its node.
    fn note_followed(&mut self, key: &OperationKey) {
        for (other, earlier) in &mut self.in_flight {
            earlier.followed |= other.0 == key.0 && other.1 == key.1;
        }
    }

    /// Has the status section show again what comes after an operation that has ended: as long as
    /// that is under way, the older result is not how things stand.
    pub(super) fn show_what_follows(
        &mut self,
        node: NodeId,
        resource: &ResourceId,
        out: &mut Vec<Effect>,
    ) {
        let later: Vec<(OpRecord, Option<(String, String)>)> = self
            .in_flight
            .iter()
            .filter(|((at, of, ..), _)| *at == node && of == resource)
            .filter_map(|(_, o)| Some(((**o.shown.as_ref()?).clone(), o.migration())))
            .collect();
        for (record, migration) in later {
            self.emit(StatusChange::Operation { node, record, migration }, out);
        }
    }

    /// What recurs for a resource on a node ends there, without a result.
    pub(super) fn end_recurring(&mut self, node: NodeId, resource: &ResourceId) {
        let ended: Vec<OperationKey> = self
            .in_flight
            .keys()
            .filter(|(at, of, action, interval)| {
                *at == node && of == resource && action == "monitor" && *interval > 0
            })
            .cloned()
            .collect();
        for key in ended {
            self.drop_operation(&key);
        }
    }

    /// Has the status section show an operation as under way, where that matters.
    fn show_under_way(
        &mut self,
        now: Now,
        node: NodeId,
        under_way: &mut InFlight,
        out: &mut Vec<Effect>,
    ) {
        let Some(operation) = &under_way.operation else { return };
        if history::pending_matters(&operation.action) {
            let record = pending_record(now, operation);
            under_way.shown = Some(Box::new(record.clone()));
            let migration = under_way.migration();
            self.emit(StatusChange::Operation { node, record, migration }, out);
        }
    }

    fn begin_cancellation(
        &mut self,
        now: Now,
        action: &GraphAction,
        key: OperationKey,
        transition_key: String,
        out: &mut Vec<Effect>,
    ) -> Began {
        let what = action.meta("operation").unwrap_or("monitor").to_owned();
        let (node, resource, _, interval_ms) = key.clone();
        let sent = transition_key.clone();
        let sequence = self.next.sequence;
        self.command(node, out, |authority| HandsCommand::Cancel {
            authority,
            resource,
            action: what,
            interval_ms,
            transition_key: sent,
        });
        let under_way = InFlight {
            transition_key,
            action: Some(action.id),
            sequence: Some(sequence),
            deadline: Some(now.monotonic + CLUSTER_DELAY_MS),
            since: now.monotonic,
            operation: None,
            outdated: false,
            followed: false,
            shown: None,
        };
        self.in_flight.insert(key, under_way);
        Began::InFlight
    }

    /// Sends what waited for the log to take a node's record.
    pub(super) fn send_held(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        if !self.may_start(node) {
            return;
        }
        let held: Vec<OperationKey> = self
            .in_flight
            .iter()
            .filter(|((at, ..), under_way)| *at == node && under_way.is_held())
            .map(|(key, _)| key.clone())
            .collect();
        for key in held {
            if let Some(mut under_way) = self.in_flight.remove(&key) {
                // a plan that was broken off meanwhile begins nothing any more
                let bound = under_way.action.is_some()
                    && self.transition.as_ref().is_some_and(|t| t.runner.aborted().is_none());
                if bound {
                    self.send(now, node, &mut under_way, out);
                    self.in_flight.insert(key, under_way);
                } else {
                    self.fail_action(under_way.action);
                }
            }
        }
    }

    fn begin_fencing(&mut self, now: Now, action: &GraphAction, out: &mut Vec<Effect>) -> Began {
        let Some(node) = executing_node(action) else { return Began::Failed };
        let verb = action.meta("stonith_action").unwrap_or("reboot").to_owned();
        // unfencing and self-fencing of this partition are fencing's own matters as well
        let key = fencing_key(node);
        let boot = self.boot_to_fence(node);
        if let Some(under_way) = self.in_flight.get_mut(&key) {
            // one for an earlier boot would prove nothing of this one
            if self.fencing_boots.get(&node) == Some(&boot) {
                under_way.action = Some(action.id);
                return Began::InFlight;
            }
        }
        self.fencing_boots.insert(node, boot);
        let timeout_ms = self.fencing_timeout_ms();
        let under_way = InFlight {
            transition_key: String::new(),
            action: Some(action.id),
            sequence: None,
            deadline: Some(now.monotonic + timeout_ms),
            since: now.monotonic,
            operation: None,
            outdated: false,
            followed: false,
            shown: None,
        };
        self.in_flight.insert(key, under_way);
        out.push(Effect::Fence { node, boot, action: verb });
        Began::InFlight
    }

    /// Returns the boot that is meant when a node is to be fenced now.
    pub(super) fn boot_to_fence(&self, node: NodeId) -> BootId {
        let member = self.view.members.get(&node).map(|member| member.boot);
        let recorded = self.records.get(&node).map(|record| record.boot);
        // nothing was ever started on a node without a record: any boot will do for the proof
        member.or(recorded).unwrap_or(BootId(0))
    }

    fn fencing_timeout_ms(&self) -> u64 {
        let told = self.options.properties.get("stonith-timeout").and_then(|t| t.parse().ok());
        told.map_or(60_000, |model::Interval(ms)| ms) + CLUSTER_DELAY_MS
    }

    /// Confirms the fencing that the current plan waits for; false if it waits for none.
    pub(super) fn confirm_fencing(&mut self, node: NodeId) -> bool {
        let Some(under_way) = self.in_flight.remove(&fencing_key(node)) else { return false };
        let Some((transition, action)) = self.transition.as_mut().zip(under_way.action) else {
            return false;
        };
        transition.runner.confirm(action)
    }

    /// A fencing came to nothing: what waits for it is not begun. No plan is made for that alone,
    /// since it would be the same one.
    pub(super) fn fencing_failed(
        &mut self,
        now: Now,
        node: NodeId,
        boot: BootId,
        reason: String,
        out: &mut Vec<Effect>,
    ) {
        if self.fencing_boots.get(&node) != Some(&boot) {
            return; // of a boot that nobody wants fenced any more
        }
        if let Some(under_way) = self.in_flight.remove(&fencing_key(node)) {
            let name = self.name(node);
            Self::journal(now, What::FencingFailed { node: name, reason: reason.clone() }, out);
            self.fencing_failures.insert(node, reason);
            self.fail_action(under_way.action);
        }
    }

    /// Forgets why nodes could not be fenced that the new plan does not want fenced.
    pub(super) fn forget_vain_fencing(&mut self) {
        let Some(transition) = &self.transition else { return };
        let wanted: BTreeSet<NodeId> = transition
            .runner
            .graph()
            .actions
            .values()
            .filter(|action| action.task == "stonith" && action.kind == ActionKind::Cluster)
            .filter_map(executing_node)
            .collect();
        self.fencing_failures.retain(|node, _| wanted.contains(node));
    }

    /// Parts operations under way from the plan they were begun for; what was not sent yet is not
    /// sent.
    pub(super) fn unbind_operations(&mut self) {
        self.in_flight.retain(|_, under_way| !under_way.is_held());
        for under_way in self.in_flight.values_mut() {
            under_way.action = None;
            under_way.outdated = false;
        }
    }

    pub(super) fn fail_action(&mut self, action: Option<ActionId>) {
        if let Some((transition, action)) = self.transition.as_mut().zip(action) {
            transition.runner.fail(action);
        }
    }

    /// An operation's node is gone, and its result with it.
    pub(super) fn drop_operation(&mut self, key: &OperationKey) {
        if let Some(under_way) = self.in_flight.remove(key) {
            self.fail_action(under_way.action);
        }
    }

    /// Asks nodes what became of operations that should have ended long ago.
    pub(super) fn check_operations(&mut self, now: Now, out: &mut Vec<Effect>) {
        let late: Vec<OperationKey> = self
            .in_flight
            .iter()
            .filter(|(_, operation)| operation.deadline.is_some_and(|at| now.monotonic >= at))
            .map(|(key, _)| key.clone())
            .collect();
        for key in late {
            let node = key.0;
            if key == fencing_key(node) {
                let reason = "it was neither confirmed nor refused in time".to_owned();
                let boot = self.fencing_boots.get(&node).copied().unwrap_or(BootId(0));
                self.fencing_failed(now, node, boot, reason, out);
                continue;
            }
            // the answer says what became of it: it still runs, has ended, or never arrived; and
            // without an answer the node is planned for as silent
            if let Some(under_way) = self.in_flight.get_mut(&key) {
                under_way.deadline = Some(now.monotonic + CLUSTER_DELAY_MS);
            }
            self.reconnected(now, node, out);
        }
    }

    /// Takes over what a node says is under way there, and settles what it says has ended.
    /// `asked_at` is the number of the join it answers: of commands after that it knew nothing.
    /// Returns how many operations were found that nobody here had sent.
    pub(super) fn take_in_operations(
        &mut self,
        now: Now,
        node: NodeId,
        records: &[OpRecord],
        asked_at: u64,
        out: &mut Vec<Effect>,
    ) -> usize {
        let mut sent: BTreeMap<OperationKey, InFlight> = BTreeMap::new();
        self.in_flight.retain(|key, operation| {
            let here = key.0 == node && *key != fencing_key(node);
            if here {
                sent.insert(key.clone(), operation.clone());
            }
            !here
        });
        let mut adopted = 0;
        for record in records.iter().filter(|record| record.status == ExecStatus::Pending) {
            let key = key_of(node, record);
            let known = sent.remove(&key).filter(|o| o.transition_key == record.transition_key);
            adopted += usize::from(known.is_none());
            // hands tell them in the order in which they run
            if record.interval_ms == 0 {
                self.note_followed(&key);
            }
            let shown = history::pending_matters(&record.action).then(|| Box::new(record.clone()));
            let under_way = known.unwrap_or_else(|| InFlight {
                transition_key: record.transition_key.clone(),
                action: None,
                sequence: None,
                // its timeout is not known here; its hands keep it
                deadline: None,
                since: now.monotonic,
                operation: None,
                outdated: false,
                followed: false,
                shown,
            });
            self.in_flight.insert(key, under_way);
        }
        for (key, mut under_way) in sent {
            let ended = records.iter().find(|r| r.transition_key == under_way.transition_key);
            if let Some(record) = ended.filter(|record| record.status != ExecStatus::Pending) {
                self.in_flight.insert(key, under_way);
                self.operation_ended(now, node, record, out);
            } else if under_way.is_held() {
                self.in_flight.insert(key, under_way);
            } else if under_way.sequence.is_some_and(|sequence| sequence > asked_at) {
                self.show_under_way(now, node, &mut under_way, out);
                self.in_flight.insert(key, under_way);
            } else if under_way.operation.is_some() && under_way.action.is_some() {
                // the command was lost on its way
                self.send(now, node, &mut under_way, out);
                self.in_flight.insert(key, under_way);
            } else {
                // a cancellation, or what no plan waits for any more: the history says how it is
                self.fail_action(under_way.action);
                let reason =
                    format!("{} of {} on {} came to nothing", key.2, key.1, self.name(node));
                self.want_plan(now, Urgency::Soon, reason);
            }
        }
        adopted
    }

    pub(super) fn long_operations(&self, now: Now) -> Vec<Waiting> {
        self.in_flight
            .iter()
            .filter(|(key, _)| **key != fencing_key(key.0))
            .filter_map(|((node, resource, action, _), operation)| {
                let since_ms = now.monotonic.since(operation.since);
                (since_ms >= LONG_MS).then(|| Waiting::Operation {
                    resource: resource.clone(),
                    node: self.name(*node),
                    action: action.clone(),
                    since_ms,
                })
            })
            .collect()
    }

    /// Sends an operation again that was refused for a number that had been used up.
    pub(super) fn send_again(&mut self, now: Now, key: &OperationKey, out: &mut Vec<Effect>) {
        let Some(mut under_way) = self.in_flight.remove(key) else { return };
        if under_way.operation.is_some() {
            self.send(now, key.0, &mut under_way, out);
            self.in_flight.insert(key.clone(), under_way);
        } else {
            self.fail_action(under_way.action);
            self.want_plan(now, Urgency::Soon, "a cancellation was refused".to_owned());
        }
    }
}

/// The place of a fencing among the operations: at most one a node.
pub(super) fn fencing_key(node: NodeId) -> OperationKey {
    (node, ResourceId::from(""), "fence".to_owned(), 0)
}

/// Returns the place of a record's operation.
pub(super) fn key_of(node: NodeId, record: &OpRecord) -> OperationKey {
    (node, record.resource.clone(), record.action.clone(), record.interval_ms)
}

pub(super) fn executing_node(action: &GraphAction) -> Option<NodeId> {
    action.node_uuid.as_ref()?.parse().ok().map(NodeId)
}

fn same_parameters(operation: &Operation, action: &GraphAction) -> bool {
    let sent = operation.parameters.iter().filter(|(name, _)| *name != "crm_feature_set");
    let wanted = action.attributes.iter().filter(|(name, _)| *name != "crm_feature_set");
    sent.eq(wanted)
}

/// Returns how an operation under way is recorded. Its digest must be there: without one the
/// scheduler takes the resource for redefined and has it restarted.
fn pending_record(now: Now, operation: &Operation) -> OpRecord {
    let parameters = operation.parameters.iter();
    let op_digest = cib::digest::operation(
        parameters.map(|(name, value)| (name.as_str(), value.as_str())),
        operation.interval_ms,
        cib::digest::Parameters::All,
    );
    OpRecord {
        resource: operation.resource.clone(),
        agent: operation.agent.clone(),
        action: operation.action.clone(),
        interval_ms: operation.interval_ms,
        call_id: -1,
        rc: OcfCode::Unknown.code(),
        status: ExecStatus::Pending,
        exit_reason: String::new(),
        transition_key: operation.transition_key.clone(),
        last_rc_change: now.wall,
        exec_time_ms: 0,
        queue_time_ms: 0,
        op_digest,
        restart: None,
        secure: None,
        origin: "controld_record_pending_op".to_owned(),
    }
}

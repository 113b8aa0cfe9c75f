//! The controller: what a node does as DC, as coordinator without quorum, and as a mere member.
//!
//! Sans-io. All state is here; the duties are told apart by file: [`super::members`],
//! [`super::planning`], [`super::carrying`], [`super::results`]. Whatever an event changed, what
//! follows from it (asking for a plan, sending what may begin) happens once, at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cib::Element;
use model::{
    Authority, Generation, HandsCommand, Incarnation, Monotonic, NodeId, NodeName, ResourceId,
    Term, View, WallTime,
};
use model::{BootId, HandsId};

use super::attributes::{Changed, SetAttribute};
use super::carrying::{InFlight, Transition};
use super::entry::{NodeRecord, RecordState};
use super::interface::{Effect, Event, Identity, Now, Wish};
use super::journal::{JournalEntry, What};
use super::options::Options;
use super::planning::{Planning, Urgency};
use super::status::{self, StatusChange, StatusUpdate};
use super::waiting::Waiting;

/// What this node decides at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    Following,
    /// For a partition without quorum: only stop, demote, notify and monitor.
    Coordinating,
    /// For the cluster.
    Leading,
}

/// A member as the one who decides knows it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) boot: BootId,
    pub(super) incarnation: Incarnation,
    /// Since when it is in, as far as this node knows.
    pub(super) since: WallTime,
    /// Since when an answer to `Join` is waited for.
    pub(super) asked: Option<Monotonic>,
    /// Its history is known.
    pub(super) joined: bool,
    /// It did not answer in time.
    pub(super) silent: bool,
    /// The highest report recorded, and from which hands: each counts from the beginning.
    pub(super) heard: (Option<HandsId>, u64),
    /// Its hands refuse for want of quorum: nothing is sent before that.
    pub(super) held_until: Option<Monotonic>,
    /// The log says it left; only its going is waited for.
    pub(super) dismissed: bool,
}

/// An operation's place: at most one of a kind is under way for a resource on a node. The action
/// of a cancellation is `cancel ACTION`.
pub(super) type OperationKey = (NodeId, ResourceId, String, u64);

/// An attribute of a node: the set it stands in, and its value.
pub(super) type Attribute = (Option<String>, String);

/// See the module.
#[derive(Clone, Debug)]
pub struct Controller {
    pub(super) identity: Identity,
    pub(super) role: Role,
    pub(super) next: Authority,
    pub(super) since: Monotonic,
    pub(super) view: View,
    pub(super) nodelist: BTreeMap<NodeId, NodeName>,
    pub(super) config: Option<Arc<Element>>,
    pub(super) options: Options,
    pub(super) records: BTreeMap<NodeId, NodeRecord>,
    /// Records given to the log and not seen committed, with the time they were given.
    pub(super) proposed: BTreeMap<NodeId, (NodeRecord, Monotonic)>,
    pub(super) attributes: BTreeMap<NodeId, BTreeMap<String, Attribute>>,
    status: Arc<Element>,
    status_sequence: u64,
    /// Since when the whole section is asked for.
    snapshot_wanted: Option<Monotonic>,
    pub(super) peers: BTreeMap<NodeId, Peer>,
    pub(super) leaving: BTreeSet<NodeId>,
    /// Whether any member had resources before this node took over.
    pub(super) formed: bool,
    /// Whether a plan was carried out since this node took over.
    pub(super) planned_once: bool,
    pub(super) planning: Planning,
    pub(super) plan_number: u64,
    pub(super) plan_failure: Option<String>,
    /// How often the engine has failed in a row.
    pub(super) plan_failures: u32,
    pub(super) remarks: Vec<String>,
    pub(super) recheck_at: Option<Monotonic>,
    pub(super) transition: Option<Transition>,
    pub(super) transition_number: u64,
    pub(super) in_flight: BTreeMap<OperationKey, InFlight>,
    /// Why fencing a node is not to be had.
    pub(super) fencing_failures: BTreeMap<NodeId, String>,
    /// Which boot a fencing that is under way is for.
    pub(super) fencing_boots: BTreeMap<NodeId, BootId>,
    wished: Option<(Vec<Wish>, Monotonic)>,
}

/// A wish to the configuration, or a record given to the log, is told again after this long.
const RETRY_MS: u64 = 2_000;

impl Controller {
    /// Makes a controller that knows nothing and decides nothing.
    pub fn new(identity: Identity) -> Self {
        let none =
            Authority { generation: Generation::default(), term: Term::default(), sequence: 0 };
        Self {
            identity,
            role: Role::Following,
            next: none,
            since: Monotonic::default(),
            view: View::default(),
            nodelist: BTreeMap::new(),
            config: None,
            options: Options::default(),
            records: BTreeMap::new(),
            proposed: BTreeMap::new(),
            attributes: BTreeMap::new(),
            status: Arc::new(Element::new("status")),
            status_sequence: 0,
            snapshot_wanted: None,
            peers: BTreeMap::new(),
            leaving: BTreeSet::new(),
            formed: false,
            planned_once: false,
            planning: Planning::Idle,
            plan_number: 0,
            plan_failure: None,
            plan_failures: 0,
            remarks: Vec::new(),
            recheck_at: None,
            transition: None,
            transition_number: 0,
            in_flight: BTreeMap::new(),
            fencing_failures: BTreeMap::new(),
            fencing_boots: BTreeMap::new(),
            wished: None,
        }
    }

    /// Advances by one event and appends what the caller must now do to `out`.
    pub fn handle(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Nodelist(nodelist) => self.nodelist = nodelist,
            Event::View(view) => self.view_changed(now, view, out),
            Event::Config(config) => self.config_changed(now, config),
            Event::NodeRecords(records) => self.records_changed(now, records, out),
            Event::Leading { generation, term } => {
                self.take_over(now, Role::Leading, generation, term, out);
            }
            Event::Coordinating { generation, term } => {
                self.take_over(now, Role::Coordinating, generation, term, out);
            }
            Event::Following => self.step_down(),
            Event::Status(update) => self.status_told(now, &update, out),
            Event::SnapshotWanted { node } => {
                if self.role != Role::Following {
                    out.push(Effect::Snapshot { node, update: self.snapshot() });
                }
            }
            Event::Hands { node, report } => self.hands_spoke(now, node, report, out),
            Event::Reconnected { node } => self.reconnected(now, node, out),
            Event::Attribute(changed) => self.attribute_changed(now, changed, out),
            Event::Planned { plan, graph, severity, remarks } => {
                self.planned(now, plan, &graph, severity, remarks, out);
            }
            Event::PlanFailed { plan, reason } => self.plan_failed(now, plan, reason, out),
            Event::LeaveAsked { node } => self.leave_asked(now, node, out),
            Event::LeaveWithdrawn { node } => self.leave_withdrawn(now, node, out),
            Event::Fenced { node, boot, proof } => self.fenced(now, node, boot, proof, out),
            Event::FencingFailed { node, boot, reason } => {
                self.fencing_failed(now, node, boot, reason, out);
            }
            Event::Cleanup(cleanup) => self.cleanup(now, &cleanup, out),
            Event::Fail { node, resource } => self.pretend_failure(now, node, &resource, out),
            Event::Replan { reason } => self.want_plan(now, Urgency::Soon, reason),
            Event::Tick => self.ask_again_for_status(now, out),
        }
        self.proceed(now, out);
    }

    /// Does what follows from the state as it is now: timers, wishes, plans, actions.
    fn proceed(&mut self, now: Now, out: &mut Vec<Effect>) {
        if !self.decides() {
            return;
        }
        self.check_members(now, out);
        self.forget_removed(now, out);
        self.check_operations(now, out);
        self.repeat_proposals(now, out);
        self.wish(now, out);
        self.ask_for_plan(now, out);
        self.carry_on(now, out);
    }

    /// Returns when a `Tick` is next needed.
    pub fn next_deadline(&self) -> Option<Monotonic> {
        if !self.decides() {
            return None;
        }
        let retries = self.proposed.values().map(|(_, at)| *at + RETRY_MS);
        let wishes = self.wished.iter().map(|(_, at)| *at + RETRY_MS);
        let operations = self.in_flight.values().filter_map(|operation| operation.deadline);
        retries
            .chain(wishes)
            .chain(operations)
            .chain(self.members_deadline())
            .chain(self.planning_deadline())
            .min()
    }

    /// Returns the `<status>` element, which every member has the same.
    pub fn status(&self) -> &Arc<Element> {
        &self.status
    }

    /// Returns the whole status section as an update, for a member that comes or lost its place.
    pub fn snapshot(&self) -> StatusUpdate {
        StatusUpdate {
            sequence: self.status_sequence,
            change: StatusChange::Replace { xml: self.status.to_xml_compact() },
        }
    }

    /// Returns what this node decides at the moment.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Tells whether nothing is under way and nothing is wanted.
    pub fn is_idle(&self) -> bool {
        self.transition.is_none()
            && self.in_flight.is_empty()
            && matches!(self.planning, Planning::Idle)
    }

    /// Returns what the engine remarked with its last plan.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Returns what is waited for, or isn't as it should be, and why. Only the node that decides
    /// knows.
    pub fn waiting(&self, now: Now) -> Vec<Waiting> {
        let mut list = Vec::new();
        if !self.decides() {
            return list;
        }
        if !self.view.quorate {
            list.push(Waiting::NoQuorum { policy: self.options.no_quorum_policy.clone() });
        }
        if let Some(reason) = &self.plan_failure {
            list.push(Waiting::PlanFailed { reason: reason.clone() });
        }
        if let Some(until) = self.first_plan_at()
            && until > now.monotonic
        {
            list.push(Waiting::FirstPlan {
                nodes: self.not_joined().map(|node| self.name(node)).collect(),
                remaining_ms: until.since(now.monotonic),
            });
        }
        if self.options.fencing && !self.options.fence_device {
            list.push(Waiting::NoFenceDevice);
        }
        if self.options.maintenance {
            list.push(Waiting::Maintenance);
        }
        for (node, peer) in &self.peers {
            if peer.silent {
                list.push(Waiting::Silent { node: self.name(*node) });
            } else if self.role == Role::Leading
                && !self.leaving.contains(node)
                && !peer.dismissed
                && !self.may_start(*node)
            {
                list.push(Waiting::Record { node: self.name(*node) });
            }
        }
        let (stuck, others): (Vec<_>, Vec<_>) = self
            .leaving
            .iter()
            .map(|node| (self.name(*node), self.not_stopped(*node)))
            .partition(|(_, stuck)| !stuck.is_empty());
        // a reader that shows one sentence shows the one that asks for something
        let leaving = stuck.into_iter().chain(others);
        list.extend(leaving.map(|(node, stuck)| Waiting::Leaving { node, stuck }));
        for (node, reason) in &self.fencing_failures {
            list.push(Waiting::Fencing { node: self.name(*node), reason: reason.clone() });
        }
        list.extend(self.long_operations(now));
        list
    }

    /// Returns how long a node that wants to leave waits for its resources to stop.
    pub fn shutdown_escalation_ms(&self) -> u64 {
        self.options.shutdown_escalation_ms
    }

    /// Returns the resources whose stop failed on a node, as the fail counts tell.
    fn not_stopped(&self, node: NodeId) -> Vec<String> {
        let resource = |name: &str| {
            Some(name.strip_prefix("fail-count-")?.strip_suffix("#stop_0")?.to_owned())
        };
        let attributes = self.attributes.get(&node).into_iter().flatten();
        attributes.filter_map(|(name, _)| resource(name)).collect()
    }

    /// Tells whether this node decides and its view allows what its role does.
    pub(super) fn decides(&self) -> bool {
        match self.role {
            Role::Following => false,
            Role::Coordinating => !self.view.quorate,
            Role::Leading => self.view.quorate,
        }
    }

    /// Applies a change to the status section and tells the members.
    pub(super) fn emit(&mut self, change: StatusChange, out: &mut Vec<Effect>) {
        status::apply(Arc::make_mut(&mut self.status), &change);
        self.status_sequence += 1;
        out.push(Effect::Status(StatusUpdate { sequence: self.status_sequence, change }));
    }

    /// Changes the status section in several steps and tells the members the result.
    pub(super) fn rewrite(&mut self, out: &mut Vec<Effect>, change: impl FnOnce(&mut Element)) {
        change(Arc::make_mut(&mut self.status));
        self.status_sequence += 1;
        out.push(Effect::Status(self.snapshot()));
    }

    /// Begins numbers that no other section has: else a member that missed the first word of a new
    /// DC, or has decided by itself meanwhile, could take a change for the next one of its own.
    pub(super) fn begin_status_sequence(&mut self, now: Now) {
        let time = u64::try_from(now.wall.0).unwrap_or(0);
        self.status_sequence = (time << 22) | (u64::from(self.identity.me.0 & 0xff) << 14);
    }

    fn status_told(&mut self, now: Now, update: &StatusUpdate, out: &mut Vec<Effect>) {
        if self.role != Role::Following {
            return;
        }
        let whole = matches!(update.change, StatusChange::Replace { .. });
        if whole || update.sequence == self.status_sequence + 1 {
            status::apply(Arc::make_mut(&mut self.status), &update.change);
            self.status_sequence = update.sequence;
            if whole {
                self.snapshot_wanted = None;
            }
        } else if self.snapshot_wanted.is_none() {
            self.snapshot_wanted = Some(now.monotonic);
            out.push(Effect::WantSnapshot);
        }
    }

    /// The question for the whole section, or its answer, may have been lost.
    fn ask_again_for_status(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(since) = self.snapshot_wanted else { return };
        if self.role != Role::Following {
            self.snapshot_wanted = None;
        } else if now.monotonic.since(since) >= RETRY_MS {
            self.snapshot_wanted = Some(now.monotonic);
            out.push(Effect::WantSnapshot);
        }
    }

    /// Sends a command to a node's hands under the next authority.
    pub(super) fn command(
        &mut self,
        node: NodeId,
        out: &mut Vec<Effect>,
        build: impl FnOnce(Authority) -> HandsCommand,
    ) {
        let command = build(self.next);
        self.next.sequence += 1;
        out.push(Effect::Hands { node, command });
    }

    /// Writes a line of the journal.
    pub(super) fn journal(now: Now, what: What, out: &mut Vec<Effect>) {
        out.push(Effect::Journal(JournalEntry { time: now.wall, what }));
    }

    /// Returns a node's name: as a member, in corosync.conf, in the document, else its number.
    pub(super) fn name(&self, node: NodeId) -> NodeName {
        let member = self.view.members.get(&node).map(|member| &member.name);
        member
            .or_else(|| self.nodelist.get(&node))
            .or_else(|| self.options.nodes.get(&node))
            .cloned()
            .unwrap_or_else(|| node.to_string().into())
    }

    /// Sets a transient attribute at once, here and in the status section, and tells the
    /// attributes' own core.
    pub(super) fn set_attribute(
        &mut self,
        node: NodeId,
        name: &str,
        value: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        let changed = Changed { node, set: None, name: name.to_owned(), value: value.clone() };
        if !self.note_attribute(changed.clone()) {
            return;
        }
        let (set, name) = (changed.set, changed.name);
        self.emit(
            StatusChange::Attribute {
                node,
                set: set.clone(),
                name: name.clone(),
                value: value.clone(),
            },
            out,
        );
        out.push(Effect::SetAttribute(SetAttribute {
            node,
            set,
            name,
            value,
            dampening_ms: None,
            private: false,
        }));
    }

    /// Returns a transient attribute.
    pub(super) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        self.attributes.get(&node)?.get(name).map(|(_, value)| value.as_str())
    }

    /// Notes an attribute; false if nothing changed.
    fn note_attribute(&mut self, changed: Changed) -> bool {
        let Changed { node, set, name, value } = changed;
        let of_node = self.attributes.entry(node).or_default();
        match value {
            Some(value) => {
                let old = of_node.insert(name, (set, value.clone()));
                old.is_none_or(|(_, old)| old != value)
            }
            None => of_node.remove(&name).is_some(),
        }
    }

    fn attribute_changed(&mut self, now: Now, changed: Changed, out: &mut Vec<Effect>) {
        if !self.note_attribute(changed.clone()) || !self.decides() {
            return;
        }
        let reason = format!("attribute {} of {} changed", changed.name, self.name(changed.node));
        let Changed { node, set, name, value } = changed;
        let stays = name == super::SHUTDOWN && value.is_none();
        self.emit(StatusChange::Attribute { node, set, name, value }, out);
        self.want_plan(now, Urgency::Soon, reason);
        if stays && self.leaving.contains(&node) {
            // the brain that had asked to leave is no more, and its next life knows nothing of it
            self.leave_withdrawn(now, node, out);
        }
    }

    fn config_changed(&mut self, now: Now, config: Arc<Element>) {
        let same = self.config.as_ref().is_some_and(|old| {
            Arc::ptr_eq(old, &config) || old.child("configuration") == config.child("configuration")
        });
        self.options = Options::read(&config);
        self.config = Some(config);
        self.wished = None;
        if !same {
            self.want_plan(now, Urgency::Soon, "the configuration changed".to_owned());
        }
    }

    /// Has the configuration say what it must, once per configuration and again after a while.
    fn wish(&mut self, now: Now, out: &mut Vec<Effect>) {
        let waited = self.wished.as_ref().is_none_or(|(_, at)| now.monotonic >= *at + RETRY_MS);
        if self.role != Role::Leading || self.config.is_none() || !waited {
            return;
        }
        let properties = [
            ("have-watchdog", "false"),
            ("dc-version", self.identity.version.as_str()),
            ("cluster-infrastructure", "corosync"),
            ("cluster-name", self.identity.cluster_name.as_str()),
        ];
        let mut wishes: Vec<Wish> = properties
            .into_iter()
            .filter(|(name, value)| {
                !value.is_empty()
                    && self.options.properties.get(*name).map(String::as_str) != Some(value)
            })
            .map(|(name, value)| Wish::Property { name: name.to_owned(), value: value.to_owned() })
            .collect();
        let members = self.view.members.values().map(|member| (&member.id, &member.name));
        for (id, name) in self.nodelist.iter().chain(members) {
            let wish = Wish::Node { id: *id, name: name.clone() };
            if self.options.nodes.get(id) != Some(name) && !wishes.contains(&wish) {
                wishes.push(wish);
            }
        }
        self.wished = None;
        if !wishes.is_empty() {
            self.wished = Some((wishes.clone(), now.monotonic));
            out.push(Effect::Configure(wishes));
        }
    }

    /// Gives a record to the log, unless it stands there or is on its way.
    pub(super) fn propose(&mut self, now: Now, record: NodeRecord, out: &mut Vec<Effect>) {
        let pending = self.proposed.get(&record.node).map(|(record, _)| record);
        let latest = pending.or_else(|| self.records.get(&record.node));
        if self.role == Role::Leading && latest != Some(&record) {
            self.proposed.insert(record.node, (record.clone(), now.monotonic));
            out.push(Effect::Record(record));
        }
    }

    fn repeat_proposals(&mut self, now: Now, out: &mut Vec<Effect>) {
        for (record, at) in self.proposed.values_mut() {
            if now.monotonic >= *at + RETRY_MS {
                *at = now.monotonic;
                out.push(Effect::Record(record.clone()));
            }
        }
    }

    /// Tells whether start-class commands may go to a node: its record says so for this boot.
    pub(super) fn may_start(&self, node: NodeId) -> bool {
        let boot = self.view.members.get(&node).map(|member| member.boot);
        self.records
            .get(&node)
            .is_some_and(|r| r.state == RecordState::Active && Some(r.boot) == boot)
    }
}

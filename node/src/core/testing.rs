//! Two or three brains in memory for stories: time passes when a story says so, messages and disks
//! take none of it, hands do at once what they are told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crmd::core::Now;
use crmd::core::interface::Severity;
use membership::raft::durable;
use membership::raft::record::Base;
use model::{
    Authority, BootId, ExecStatus, HandsCommand, HandsId, HandsReport, Incarnation, Member,
    Monotonic, NodeId, NodeName, OpRecord, Operation, ResourceId, View, WallTime,
};

use super::message::{Action, Caller, Change, Outcome, PeerMessage, ToolId, ToolRequest};
use super::{Brain, Input, Output, Settings};

/// A story's wall clock begins here.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// Time is told this often.
const TICK_MS: u64 = 10;

/// The token of every story.
pub(super) const TOKEN_MS: u64 = 1_000;

/// One machine.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) brain: Option<Brain>,
    pub(super) boot: BootId,
    incarnation: u64,
    disk: Option<Base>,
    pub(super) hands: Hands,
    /// Its heartbeats were told that there is nobody to wait for.
    pub(super) waits_for_nobody: bool,
    /// It was let go.
    pub(super) left: bool,
    pub(super) warnings: Vec<String>,
    /// What it wanted fenced.
    pub(super) fencings: Vec<NodeId>,
    /// Its loop hangs: what is for it waits.
    pub(super) stalled: bool,
}

/// Hands that do everything at once.
#[derive(Debug)]
pub(super) struct Hands {
    id: HandsId,
    pub(super) active: BTreeSet<ResourceId>,
    pub(super) records: BTreeMap<(ResourceId, String, u64), OpRecord>,
    pub(super) highest: Authority,
    quorate: bool,
    reports: u64,
    calls: i64,
    /// They hear nothing.
    pub(super) deaf: bool,
    /// What cannot be stopped.
    pub(super) stubborn: BTreeSet<ResourceId>,
    /// What was carried out: `start a`.
    pub(super) done: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) now: u64,
    pub(super) hosts: BTreeMap<NodeId, Host>,
    names: BTreeMap<NodeId, NodeName>,
    messages: VecDeque<(NodeId, NodeId, PeerMessage)>,
    /// What a brain hears of its own machine, once it is through with what it is at.
    own: VecDeque<(NodeId, u64, Input)>,
    /// Directions in which messages wait.
    pub(super) held: BTreeSet<(NodeId, NodeId)>,
    /// How many voters there were when a node left.
    pub(super) left_with: BTreeMap<NodeId, usize>,
    /// How many messages with attributes get lost yet.
    pub(super) attributes_to_lose: usize,
    pub(super) replies: BTreeMap<ToolId, Outcome>,
    tools: u64,
    views: u64,
    may_go_alone: bool,
}

impl Cluster {
    /// Makes a cluster that was just set up, whose nodes all see each other.
    pub(super) fn new(nodes: u32) -> Self {
        let ids: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
        let host = |id: &NodeId| Host {
            brain: None,
            boot: BootId(100 + u128::from(id.0)),
            incarnation: 0,
            disk: None,
            hands: Hands::new(u128::from(id.0)),
            waits_for_nobody: false,
            left: false,
            warnings: Vec::new(),
            fencings: Vec::new(),
            stalled: false,
        };
        let mut cluster = Self {
            now: 0,
            hosts: ids.iter().map(|id| (*id, host(id))).collect(),
            names: ids.iter().map(|id| (*id, NodeName::from(format!("n{id}")))).collect(),
            messages: VecDeque::new(),
            own: VecDeque::new(),
            held: BTreeSet::new(),
            left_with: BTreeMap::new(),
            attributes_to_lose: 0,
            replies: BTreeMap::new(),
            tools: 0,
            views: 0,
            may_go_alone: true,
        };
        for id in &ids {
            cluster.start(*id, true);
        }
        cluster.view(&ids, true);
        cluster.run(1_000);
        cluster
    }

    /// As [`Cluster::new`], with the given properties, and resources that monitor nothing.
    pub(super) fn with(nodes: u32, properties: &[(&str, &str)], resources: &[&str]) -> Self {
        let mut cluster = Self::new(nodes);
        let pairs: String = properties
            .iter()
            .map(|(name, value)| {
                format!("<nvpair id=\"p-{name}\" name=\"{name}\" value=\"{value}\"/>")
            })
            .collect();
        let primitives: String = resources
            .iter()
            .map(|id| {
                format!("<primitive id=\"{id}\" class=\"ocf\" provider=\"sim\" type=\"Thing\"/>")
            })
            .collect();
        let configuration = format!(
            "<configuration><crm_config><cluster_property_set id=\"p\">{pairs}\
             </cluster_property_set></crm_config><resources>{primitives}</resources>\
             </configuration>"
        );
        let dc = cluster.dc();
        let id = cluster.change(dc, &configuration);
        cluster.run(2_000);
        assert_eq!(cluster.code(id), Some(model::ExitCode::Ok));
        cluster
    }

    /// Starts a brain. One that runs is killed before.
    pub(super) fn start(&mut self, id: NodeId, marked: bool) {
        self.messages.retain(|(from, to, _)| *from != id && *to != id);
        let (now, nodelist, may_go_alone) = (self.clocks(), self.names.clone(), self.may_go_alone);
        let host = self.host(id);
        host.incarnation = (host.incarnation + 1).max(now.monotonic.0 + 1);
        let settings = Settings {
            me: id,
            boot: host.boot,
            incarnation: Incarnation(host.incarnation),
            nodelist,
            cluster_name: "story".to_owned(),
            uuid: format!("{:08x}-0000-4000-8000-{:012x}", id.0, host.incarnation),
            version: "story".to_owned(),
            salt: u64::from(id.0) * 1_000_003 + host.incarnation * 7_919,
            token_ms: TOKEN_MS,
            marked,
            seed: None,
            may_go_alone,
        };
        let mut out = Vec::new();
        let brain = Brain::open(settings, host.disk.clone(), now, &mut out);
        host.brain = Some(brain);
        host.left = false;
        host.waits_for_nobody = false;
        host.hands.quorate = false;
        self.carry_out(id, out);
        self.input(id, Input::HandsUp);
        for other in self.ids() {
            if other != id && self.host(other).brain.is_some() {
                self.input(id, Input::PeerUp(other));
                self.input(other, Input::PeerUp(id));
            }
        }
    }

    /// Ends a brain; what it ran goes on.
    pub(super) fn kill_brain(&mut self, id: NodeId) {
        self.messages.retain(|(from, to, _)| *from != id && *to != id);
        self.host(id).brain = None;
    }

    /// Takes the power from a machine.
    pub(super) fn power_off(&mut self, id: NodeId) {
        self.kill_brain(id);
        let host = self.host(id);
        host.boot = BootId(host.boot.0 + 1_000);
        host.hands = Hands::new(host.boot.0);
    }

    /// A machine's hands die and come back, and know nothing but what is active.
    pub(super) fn restart_hands(&mut self, id: NodeId) {
        let host = self.host(id);
        let active = std::mem::take(&mut host.hands.active);
        let (quorate, next) = (host.hands.quorate, host.hands.id.0 + 500_000);
        host.hands = Hands { active, quorate, ..Hands::new(next) };
        self.input(id, Input::HandsUp);
    }

    /// The link from one to the other breaks, with all that is under way, and is dialled anew.
    pub(super) fn break_link(&mut self, from: NodeId, to: NodeId) {
        self.messages.retain(|(a, b, _)| (*a, *b) != (from, to));
        self.held.remove(&(from, to));
        self.input(from, Input::PeerDown(to));
        self.input(from, Input::PeerUp(to));
    }

    /// Has these nodes install a view of themselves.
    pub(super) fn view(&mut self, members: &[NodeId], quorate: bool) {
        self.views += 1;
        let member = |id: &NodeId| {
            let host = &self.hosts[id];
            let member = Member {
                id: *id,
                name: self.names[id].clone(),
                boot: host.boot,
                incarnation: Incarnation(host.incarnation),
            };
            (*id, member)
        };
        let view =
            View { number: self.views, members: members.iter().map(member).collect(), quorate };
        for id in members {
            if self.host(*id).brain.is_some() {
                self.input(*id, Input::View(view.clone()));
            }
        }
    }

    pub(super) fn host(&mut self, id: NodeId) -> &mut Host {
        self.hosts.get_mut(&id).unwrap()
    }

    pub(super) fn brain(&self, id: NodeId) -> &Brain {
        self.hosts[&id].brain.as_ref().unwrap()
    }

    fn ids(&self) -> Vec<NodeId> {
        self.hosts.keys().copied().collect()
    }

    /// Returns who decides, as the lowest brain has it.
    pub(super) fn dc(&self) -> NodeId {
        let brain = self.hosts.values().find_map(|host| host.brain.as_ref()).unwrap();
        brain.dc().unwrap()
    }

    /// Returns a node that does not decide.
    pub(super) fn follower(&self) -> NodeId {
        let dc = self.dc();
        self.hosts
            .iter()
            .find(|(id, host)| **id != dc && host.brain.is_some())
            .map(|(id, _)| *id)
            .unwrap()
    }

    /// Returns where a resource is active.
    pub(super) fn home(&self, resource: &str) -> Vec<NodeId> {
        let resource = ResourceId::from(resource);
        let here = |host: &Host| host.hands.active.contains(&resource);
        self.hosts.iter().filter(|(_, host)| here(host)).map(|(id, _)| *id).collect()
    }

    /// A tool asks for a change of the configuration.
    pub(super) fn change(&mut self, at: NodeId, xml: &str) -> ToolId {
        self.change_as(at, "root", xml)
    }

    pub(super) fn change_as(&mut self, at: NodeId, user: &str, xml: &str) -> ToolId {
        let change = Change {
            caller: Caller {
                user: user.to_owned(),
                client: "story".to_owned(),
                groups: Vec::new(),
            },
            action: "modify".to_owned(),
            xml: xml.to_owned(),
            allow_create: true,
            ..Change::default()
        };
        self.tool(at, ToolRequest::Change(change))
    }

    pub(super) fn act(&mut self, at: NodeId, action: Action) -> ToolId {
        let caller =
            Caller { user: "root".to_owned(), client: "story".to_owned(), groups: Vec::new() };
        self.tool(at, ToolRequest::Act { caller, action })
    }

    pub(super) fn tool(&mut self, at: NodeId, request: ToolRequest) -> ToolId {
        self.tools += 1;
        let id = ToolId(self.tools);
        self.input(at, Input::Tool { id, request });
        id
    }

    pub(super) fn code(&self, id: ToolId) -> Option<model::ExitCode> {
        self.replies.get(&id).map(|outcome| outcome.code)
    }

    /// Returns what time it is.
    pub(super) fn clocks(&self) -> Now {
        Now { monotonic: Monotonic(self.now), wall: WallTime(EPOCH_MS) + self.now }
    }

    pub(super) fn input(&mut self, id: NodeId, input: Input) {
        let life = self.host(id).incarnation;
        self.own.push_back((id, life, input));
        let now = self.clocks();
        while let Some((id, life, input)) = self.own.pop_front() {
            let host = self.host(id);
            let Some(brain) = host.brain.as_mut().filter(|_| host.incarnation == life) else {
                continue;
            };
            let mut out = Vec::new();
            brain.handle(now, input, &mut out);
            self.carry_out(id, out);
        }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            self.deliver();
            self.see_who_left();
            if self.now >= end {
                return;
            }
            self.now += TICK_MS;
            for id in self.ids() {
                if !self.host(id).stalled {
                    self.input(id, Input::Tick);
                }
            }
        }
    }

    /// Who was let go is gone, and the others see that.
    fn see_who_left(&mut self) {
        let gone: Vec<NodeId> = self
            .hosts
            .iter()
            .filter(|(_, host)| host.left && host.brain.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in &gone {
            self.left_with.insert(*id, self.brain(*id).consensus().voters().len());
            self.kill_brain(*id);
        }
        let rest: Vec<NodeId> =
            self.hosts.iter().filter(|(_, host)| host.brain.is_some()).map(|(id, _)| *id).collect();
        if !gone.is_empty() && !rest.is_empty() {
            let all = self.hosts.len();
            self.view(&rest, all == 2 || rest.len() * 2 > all);
        }
    }

    /// Returns what one has said to another and has not arrived.
    pub(super) fn under_way(&self, from: NodeId, to: NodeId) -> Vec<&PeerMessage> {
        let between = |(a, b, _): &&(NodeId, NodeId, PeerMessage)| (*a, *b) == (from, to);
        self.messages.iter().filter(between).map(|(_, _, message)| message).collect()
    }

    /// Lets what was said arrive.
    pub(super) fn deliver(&mut self) {
        let waits = |cluster: &Self, from: &NodeId, to: &NodeId| {
            cluster.held.contains(&(*from, *to)) || cluster.hosts[to].stalled
        };
        while let Some(at) = self.messages.iter().position(|(f, t, _)| !waits(self, f, t)) {
            if let Some((from, to, message)) = self.messages.remove(at) {
                self.input(to, Input::Peer { from, message });
            }
        }
    }

    fn carry_out(&mut self, id: NodeId, outputs: Vec<Output>) {
        let now = self.clocks();
        let life = self.host(id).incarnation;
        let mut own = Vec::new();
        for output in outputs {
            match output {
                Output::Send { to, message, snapshot } => {
                    let attributes = matches!(message, PeerMessage::Attributes(_));
                    if attributes && self.attributes_to_lose > 0 {
                        self.attributes_to_lose -= 1;
                    } else if self.hosts[&to].brain.is_some() {
                        self.messages.push_back((id, to, message));
                    }
                    if snapshot {
                        own.push(Input::SnapshotSent { to, delivered: true });
                    }
                }
                Output::Persist { seq, records, sync: _ } => {
                    for record in records {
                        durable::apply(&mut self.host(id).disk, record).unwrap();
                    }
                    own.push(Input::Persisted { seq, took_ms: 1 });
                }
                Output::Hands(command) => {
                    let boot = self.host(id).boot;
                    let reports = self.host(id).hands.command(now.wall, boot, command);
                    for report in reports {
                        own.push(Input::Hands(report));
                    }
                }
                Output::Reply { id, outcome } => {
                    self.replies.insert(id, outcome);
                }
                Output::Plan { plan, document, now } => {
                    let options = pengine::Options::default();
                    let made = pengine::schedule(&document, now, &options);
                    let (graph, severity) = (Arc::new(made.graph), Severity::Good);
                    own.push(Input::Planned { plan, graph, severity, remarks: Vec::new() });
                }
                Output::Fence { node, .. } => self.host(id).fencings.push(node),
                Output::Warn(text) => self.host(id).warnings.push(text),
                Output::Leave => self.host(id).left = true,
                Output::SaveDocument(_)
                | Output::Archive { .. }
                | Output::Born
                | Output::SaveInput { .. }
                | Output::ExpectVotes(_)
                | Output::Journal(_) => {}
                Output::SoleVoter => self.host(id).waits_for_nobody = true,
            }
        }
        self.own.extend(own.into_iter().map(|input| (id, life, input)));
    }
}

impl Hands {
    fn new(id: u128) -> Self {
        Self {
            id: HandsId(id),
            active: BTreeSet::new(),
            records: BTreeMap::new(),
            highest: Authority::default(),
            quorate: false,
            reports: 0,
            calls: 0,
            deaf: false,
            stubborn: BTreeSet::new(),
            done: Vec::new(),
        }
    }

    fn command(&mut self, now: WallTime, boot: BootId, command: HandsCommand) -> Vec<HandsReport> {
        if self.deaf {
            return Vec::new();
        }
        match command {
            HandsCommand::Join { authority } => {
                let rank = |a: Authority| (a.generation, a.term);
                if rank(authority) < rank(self.highest) {
                    let (highest, transition_key) = (self.highest, String::new());
                    return vec![HandsReport::Refused { authority, highest, transition_key }];
                }
                self.highest = self.highest.max(authority);
                let records = self.records.values().cloned().collect();
                vec![HandsReport::History { authority, boot, hands: self.id, records }]
            }
            HandsCommand::Execute { authority, operation } => {
                let safe = matches!(operation.action.as_str(), "stop" | "demote" | "monitor");
                if authority < self.highest || !(self.quorate || safe) {
                    let (highest, transition_key) = (self.highest, operation.transition_key);
                    return vec![HandsReport::Refused { authority, highest, transition_key }];
                }
                self.highest = authority;
                vec![self.execute(now, &operation)]
            }
            HandsCommand::Cancel { authority, resource, action, interval_ms, transition_key } => {
                self.highest = self.highest.max(authority);
                let Some(mut record) = self.records.remove(&(resource, action, interval_ms)) else {
                    return Vec::new();
                };
                record.status = ExecStatus::Cancelled;
                record.transition_key = transition_key;
                vec![self.report(record)]
            }
            HandsCommand::Forget { authority, resource, operation: _ } => {
                self.highest = self.highest.max(authority);
                self.records.retain(|(of, ..), _| *of != resource);
                Vec::new()
            }
            HandsCommand::Quorate { quorate } => {
                self.quorate = quorate;
                Vec::new()
            }
            HandsCommand::GiveWay => {
                self.highest = Authority::default();
                self.records.clear();
                for resource in std::mem::take(&mut self.active) {
                    self.done.push(format!("stop {resource}"));
                }
                Vec::new()
            }
            HandsCommand::Acknowledge { .. } | HandsCommand::Policy { .. } => Vec::new(),
        }
    }

    fn execute(&mut self, now: WallTime, operation: &Operation) -> HandsReport {
        let resource = operation.resource.clone();
        let mut rc = 0;
        match operation.action.as_str() {
            "start" => drop(self.active.insert(resource.clone())),
            "stop" if self.stubborn.contains(&resource) => rc = 1,
            "stop" => drop(self.active.remove(&resource)),
            "monitor" if !self.active.contains(&resource) => rc = 7,
            _ => {}
        }
        self.done.push(format!("{} {resource}", operation.action));
        self.calls += 1;
        let parameters = operation.parameters.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let record = OpRecord {
            resource: resource.clone(),
            agent: operation.agent.clone(),
            action: operation.action.clone(),
            interval_ms: operation.interval_ms,
            call_id: self.calls,
            rc,
            status: ExecStatus::Done,
            exit_reason: String::new(),
            transition_key: operation.transition_key.clone(),
            last_rc_change: now,
            exec_time_ms: 1,
            queue_time_ms: 0,
            op_digest: cib::digest::operation(
                parameters,
                operation.interval_ms,
                cib::digest::Parameters::All,
            ),
            restart: None,
            secure: None,
            origin: "story".to_owned(),
        };
        let key = (resource, operation.action.clone(), operation.interval_ms);
        self.records.insert(key, record.clone());
        self.report(record)
    }

    fn report(&mut self, record: OpRecord) -> HandsReport {
        self.reports += 1;
        HandsReport::Result { report: self.reports, record }
    }
}

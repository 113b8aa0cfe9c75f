//! The brain of a node: consensus, document, controller and attributes, and who tells whom.
//!
//! Sans-io, like its parts: the daemon's loop and the simulator drive the same type. Nothing here
//! decides about resources (the controller does) or about leadership (consensus does); this is
//! where what one says reaches the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use cib::Element;
use crmd::core::Now;
use crmd::core::attributes::{self, Attributes};
use crmd::core::controller::Controller;
use crmd::core::interface::{Identity, Severity};
use crmd::core::journal::JournalEntry;
use membership::raft::{
    self, Consensus, RequestId, Role,
    record::{Base, Record},
};
use model::{
    Authority, BootId, Generation, HandsCommand, HandsReport, Incarnation, NodeId, NodeName, Term,
    View, WallTime,
};

use super::asking::Asking;
use super::in_the_way::Doubt;
use super::leave::Leaving;
use super::message::{Asker, Outcome, PeerMessage, ToolId, ToolRequest};
use super::store::Store;

/// What the document that tools see is made of. Two are equal while nothing was exchanged: the
/// trees are compared by identity, which costs nothing.
#[derive(Clone, Debug)]
pub struct DocumentParts {
    /// What the log has.
    pub committed: Arc<Element>,
    /// The status section.
    pub status: Arc<Element>,
    /// Who decides, if this node knows.
    pub dc: Option<NodeId>,
    /// Whether this node's view has quorum.
    pub quorate: bool,
}

impl PartialEq for DocumentParts {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.committed, &other.committed)
            && Arc::ptr_eq(&self.status, &other.status)
            && (self.dc, self.quorate) == (other.dc, other.quorate)
    }
}

impl DocumentParts {
    /// Puts the parts together.
    pub fn to_document(&self) -> Element {
        let mut document = (*self.committed).clone();
        document.set("have-quorum", if self.quorate { "1" } else { "0" });
        if let Some(dc) = self.dc {
            document.set("dc-uuid", dc.to_string());
        }
        document.push(Arc::clone(&self.status));
        document
    }
}

/// What a brain is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This node.
    pub me: NodeId,
    /// Its boot.
    pub boot: BootId,
    /// This life of the brain.
    pub incarnation: Incarnation,
    /// All nodes of corosync.conf.
    pub nodelist: BTreeMap<NodeId, NodeName>,
    /// The cluster's name.
    pub cluster_name: String,
    /// Names this life in transition keys: random, in the form of a UUID.
    pub uuid: String,
    /// The program's version, for `dc-version`.
    pub version: String,
    /// A random number, another one in each life.
    pub salt: u64,
    /// Milliseconds of silence after which a peer counts as lost.
    pub token_ms: u64,
    /// Whether `pcs cluster setup` left its one-time mark.
    pub marked: bool,
    /// What a cluster that is born now begins with (`pcs config restore`); nothing for a new one.
    pub seed: Option<Arc<Element>>,
    /// Whether an unlicensed survivor of a pair may go on alone under stonith-enabled=false.
    /// Always true but in simulations.
    pub may_go_alone: bool,
}

/// What happened.
#[allow(clippy::large_enum_variant, reason = "passed by value once, never kept")]
#[derive(Debug)]
pub enum Input {
    /// Another view was installed.
    View(View),
    /// corosync.conf names these nodes now.
    Nodelist(BTreeMap<NodeId, NodeName>),
    /// A peer said something.
    Peer { from: NodeId, message: PeerMessage },
    /// Our link to a peer is up (again); what was sent to it before may be lost.
    PeerUp(NodeId),
    /// Our link to a peer broke.
    PeerDown(NodeId),
    /// The hands of this node are there (again).
    HandsUp,
    /// They said something.
    Hands(HandsReport),
    /// A tool on this host wants something.
    Tool { id: ToolId, request: ToolRequest },
    /// A tool is gone; nobody waits for the outcome.
    ToolGone(ToolId),
    /// A message with a snapshot was handed to the link, or not.
    SnapshotSent { to: NodeId, delivered: bool },
    /// A batch is on disk.
    Persisted { seq: u64, took_ms: u64 },
    /// A batch could not be written.
    PersistFailed { seq: u64, error: String },
    /// The engine answered.
    Planned { plan: u64, graph: Arc<Element>, severity: Severity, remarks: Vec<String> },
    /// It did not, or its plan is not to be executed.
    PlanFailed { plan: u64, reason: String },
    /// A node is confirmed off.
    Fenced { node: NodeId, boot: Option<BootId>, proof: String },
    /// A fencing that was asked for came to nothing.
    FencingFailed { node: NodeId, boot: BootId, reason: String },
    /// Time passed.
    Tick,
}

/// What must now be done, in this order.
#[allow(clippy::large_enum_variant, reason = "handed out and consumed at once")]
#[derive(Debug)]
pub enum Output {
    /// Send to a peer, or drop it when there is no link.
    Send { to: NodeId, message: PeerMessage, snapshot: bool },
    /// Write a batch; answered by `Persisted` or `PersistFailed`.
    Persist { seq: u64, records: Vec<Record>, sync: bool },
    /// Write the document where people and backups look for it.
    SaveDocument(Arc<Element>),
    /// Keep a copy of the document where the operator finds it: what this node had is void.
    Archive { document: Arc<Element>, why: String },
    /// The log was born: the mark of `pcs cluster setup` has served.
    Born,
    /// Tell this node's hands.
    Hands(HandsCommand),
    /// A tool's outcome.
    Reply { id: ToolId, outcome: Outcome },
    /// Ask the engine.
    Plan { plan: u64, document: Arc<Element>, now: WallTime },
    /// Make sure that a node is off (or on again); answered by `Fenced` or `FencingFailed`.
    Fence { node: NodeId, boot: BootId, action: String },
    /// Keep an input of the engine.
    SaveInput { plan: u64, severity: Severity, document: Arc<Element>, now: WallTime },
    /// Something happened that people may want to know.
    Journal(JournalEntry),
    /// Something an operator should read.
    Warn(String),
    /// This generation has one voter, this node: wait_for_all is satisfied, also after a reboot.
    SoleVoter,
    /// The votes that are expected from now on.
    ExpectVotes(u32),
    /// This node may go now: end in order.
    Leave,
}

/// One node's brain.
#[derive(Debug)]
pub struct Brain {
    pub(super) settings: Settings,
    pub(super) consensus: Consensus,
    pub(super) store: Store,
    pub(super) controller: Controller,
    pub(super) attributes: Attributes,
    pub(super) view: View,
    pub(super) role: Role,
    /// Who decides, as far as this node knows; what the controller was told last.
    pub(super) office: Office,
    /// Who decided when this node last looked.
    pub(super) last_dc: Option<NodeId>,
    /// Who told changes of the status section while this node took another one, or none, for DC.
    pub(super) unheeded: Option<NodeId>,
    pub(super) requests: BTreeMap<RequestId, Pending>,
    pub(super) last_request: u64,
    pub(super) asking: Asking,
    /// Results of this node's hands that the DC has not acknowledged.
    pub(super) unacknowledged: BTreeMap<u64, HandsReport>,
    /// Peers our link to which is up.
    pub(super) links: BTreeSet<NodeId>,
    /// The hands must stop what they run, since this node's log is void, and no DC of the other has
    /// joined them since.
    pub(super) gives_way: bool,
    /// The DC must hear that this node's hands are there (again), and could not be told yet.
    pub(super) owes_hands_up: bool,
    pub(super) leaving: Leaving,
    /// When a pair's survivor goes on alone.
    pub(super) go_alone_at: Option<model::Monotonic>,
    /// Why it could not, as said last.
    pub(super) not_alone_since: Option<String>,
    /// An operator has said that the other node of this pair is off; holds until it is seen.
    pub(super) other_is_off: bool,
    /// Whether the heartbeats were told that there is nobody to wait for.
    pub(super) told_sole_voter: bool,
    /// Who commanded these hands last, under the highest authority: the DC of a node that takes no
    /// part in the log any more.
    pub(super) heard_dc: Option<(Authority, NodeId)>,
    /// The highest under which these hands were commanded; a node without a log hears of terms only
    /// so.
    pub(super) obeyed: (Generation, Term),
    /// Why this node takes no part in the log any more.
    pub(super) log_stopped: Option<String>,
    /// What such a node knows of who leads.
    pub(super) doubt: Doubt,
    /// Whether the committed configuration wants fencing (`stonith-enabled`).
    pub(super) fencing: bool,
    /// Whether it wants a side without quorum to act as if it had one.
    pub(super) ignores_quorum: bool,
    /// Effects of the parts, waiting for their turn.
    pub(super) queue: VecDeque<Work>,
}

/// Who decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Office {
    /// Not this node.
    #[default]
    Following,
    /// This node, with the log behind it.
    Leading(Generation, model::Term),
    /// This node, for a partition without quorum.
    Coordinating,
}

/// What a log request is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pending {
    /// A change of the configuration; the outcome is told when it is committed.
    /// So are those who asked for what this change, or one before it, brings already.
    /// The digest names what was proposed.
    Change { asker: Asker, outcome: Outcome, also: Vec<(Asker, Outcome)>, digest: String },
    /// A node record of the controller's.
    Record,
    /// Leaving in order, see `leave`.
    Leave(NodeId),
    /// Handing over before leaving.
    HandOver,
    /// A pair's survivor goes on alone.
    GoAlone,
}

/// One step of what one event set off.
#[allow(clippy::large_enum_variant, reason = "a queue that is drained at once")]
#[derive(Debug)]
pub(super) enum Work {
    Consensus(raft::Effect),
    Controller(crmd::core::Effect),
    Attributes(attributes::Effect),
}

impl Brain {
    /// Starts a brain from what its disk holds; none = an empty store.
    pub fn open(
        settings: Settings,
        durable: Option<Base>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Self {
        let mut effects = Vec::new();
        let config = raft::Config {
            node: settings.me,
            incarnation: settings.incarnation,
            salt: settings.salt,
            nodelist: settings.nodelist.keys().copied().collect(),
            token_ms: settings.token_ms,
            marked: settings.marked,
        };
        let consensus = Consensus::open(config, durable, now.monotonic, &mut effects);
        let identity = Identity {
            me: settings.me,
            uuid: settings.uuid.clone(),
            version: settings.version.clone(),
            cluster_name: settings.cluster_name.clone(),
        };
        let mut brain = Self {
            consensus,
            store: Store::default(),
            controller: Controller::new(identity),
            attributes: Attributes::new(settings.me, settings.incarnation.0),
            view: View::default(),
            role: Role::default(),
            office: Office::default(),
            last_dc: None,
            unheeded: None,
            requests: BTreeMap::new(),
            last_request: 0,
            asking: Asking::new(settings.salt),
            unacknowledged: BTreeMap::new(),
            links: BTreeSet::new(),
            gives_way: false,
            owes_hands_up: false,
            leaving: Leaving::default(),
            go_alone_at: None,
            not_alone_since: None,
            other_is_off: false,
            heard_dc: None,
            obeyed: <(Generation, Term)>::default(),
            told_sole_voter: false,
            log_stopped: None,
            doubt: Doubt::default(),
            fencing: true,
            ignores_quorum: false,
            queue: VecDeque::new(),
            settings,
        };
        brain.queue.extend(effects.into_iter().map(Work::Consensus));
        let nodelist = brain.settings.nodelist.clone();
        brain.control(now, crmd::core::Event::Nodelist(nodelist));
        let config = Arc::clone(brain.store.committed());
        brain.control(now, crmd::core::Event::Config(config));
        brain.settle(now, out);
        brain
    }

    /// Advances by one input and appends what must now be done.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Output>) {
        if self.consensus.is_late(now.monotonic) && !matches!(input, Input::Tick) {
            // after a pause nothing is done in an office that may be another's by now
            self.consense(now, raft::Event::Tick);
            self.settle(now, out);
        }
        match input {
            Input::View(view) => self.take_view(now, view, out),
            Input::Nodelist(nodelist) => {
                self.consense(now, raft::Event::Wish(nodelist.keys().copied().collect()));
                self.settings.nodelist.clone_from(&nodelist);
                self.control(now, crmd::core::Event::Nodelist(nodelist));
            }
            Input::Peer { from, message } => self.take_message(now, from, message, out),
            Input::PeerUp(node) => self.peer_is_up(now, node, out),
            Input::PeerDown(node) => self.peer_is_down(now, node),
            Input::HandsUp => self.hands_are_up(now, out),
            Input::Hands(report) => self.take_report(now, report, out),
            Input::Tool { id, request } => self.take_tool(now, id, request, out),
            Input::ToolGone(id) => self.forget_tool(id),
            Input::SnapshotSent { to, delivered } => {
                self.consense(now, raft::Event::SnapshotSent { to, delivered });
            }
            Input::Persisted { seq, took_ms } => {
                self.consense(now, raft::Event::PersistDone { seq, took_ms });
            }
            Input::PersistFailed { seq, error } => {
                self.consense(now, raft::Event::PersistFailed { seq, error });
            }
            Input::Planned { plan, graph, severity, remarks } => {
                self.control(now, crmd::core::Event::Planned { plan, graph, severity, remarks });
            }
            Input::PlanFailed { plan, reason } => {
                self.control(now, crmd::core::Event::PlanFailed { plan, reason });
            }
            Input::Fenced { node, boot, proof } => {
                self.control(now, crmd::core::Event::Fenced { node, boot, proof });
            }
            Input::FencingFailed { node, boot, reason } => {
                out.push(Output::Warn(reason.clone()));
                self.control(now, crmd::core::Event::FencingFailed { node, boot, reason });
            }
            Input::Tick => {
                self.consense(now, raft::Event::Tick);
                self.control(now, crmd::core::Event::Tick);
                self.attribute(now, attributes::Event::Tick);
                self.go_alone_when_due(now);
                self.doubt(now, out);
            }
        }
        self.settle(now, out);
    }

    /// Carries out effects of the parts until none is left, then looks whether the office or the
    /// wait of somebody has changed.
    pub(super) fn settle(&mut self, now: Now, out: &mut Vec<Output>) {
        loop {
            while let Some(work) = self.queue.pop_front() {
                match work {
                    Work::Consensus(effect) => self.do_consensus(now, effect, out),
                    Work::Controller(effect) => self.do_controller(now, effect, out),
                    Work::Attributes(effect) => self.do_attributes(now, effect, out),
                }
            }
            self.take_office(now, out);
            self.continue_leaving(now, out);
            if self.queue.is_empty() {
                break;
            }
        }
        self.answer_waiters(now, out);
        if self.consensus.is_sole_voter() && !self.told_sole_voter {
            out.push(Output::SoleVoter);
        }
        self.told_sole_voter = self.consensus.is_sole_voter();
    }

    pub(super) fn consense(&mut self, now: Now, event: raft::Event) {
        let mut effects = Vec::new();
        self.consensus.handle(now.monotonic, event, &mut effects);
        self.queue.extend(effects.into_iter().map(Work::Consensus));
    }

    pub(super) fn control(&mut self, now: Now, event: crmd::core::Event) {
        let mut effects = Vec::new();
        self.controller.handle(now, event, &mut effects);
        self.queue.extend(effects.into_iter().map(Work::Controller));
    }

    pub(super) fn attribute(&mut self, now: Now, event: attributes::Event) {
        let mut effects = Vec::new();
        self.attributes.handle(now.monotonic, event, &mut effects);
        self.queue.extend(effects.into_iter().map(Work::Attributes));
    }

    /// Returns who decides now, if this node knows.
    pub fn dc(&self) -> Option<NodeId> {
        match self.office {
            Office::Leading(..) | Office::Coordinating => Some(self.settings.me),
            Office::Following if self.view.quorate && self.log_stopped.is_some() => {
                let heard = self.heard_dc.map(|(_, dc)| dc);
                heard.filter(|dc| self.view.members.contains_key(dc))
            }
            Office::Following if self.view.quorate => {
                self.role.leader.filter(|leader| self.view.members.contains_key(leader))
            }
            Office::Following => self.view.lowest(),
        }
    }

    /// Returns the whole document as this node knows it.
    pub fn document(&self) -> Element {
        self.document_parts().to_document()
    }

    /// Returns what the whole document is made of.
    pub fn document_parts(&self) -> DocumentParts {
        DocumentParts {
            committed: Arc::clone(self.store.committed()),
            status: Arc::clone(self.controller.status()),
            dc: self.dc(),
            quorate: self.view.quorate,
        }
    }

    /// Returns what this node is started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the view.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Returns the configuration as committed.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the controller, for what it waits for.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Returns the attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Returns who leads the log.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns why this node takes no part in the log any more.
    pub fn log_stopped(&self) -> Option<&str> {
        self.log_stopped.as_deref()
    }

    /// Returns the log's core, for what status shows of it.
    pub fn consensus(&self) -> &Consensus {
        &self.consensus
    }

    /// Returns what the controller waits for, a sentence each.
    pub fn waiting(&self, now: Now) -> Vec<String> {
        let waiting = self.controller.waiting(now).into_iter().map(|w| w.to_string());
        waiting.chain(self.controller.remarks().iter().cloned()).collect()
    }

    /// Tells whether this node is leaving.
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_asked()
    }
}

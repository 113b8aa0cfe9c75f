//! What the controller is told and what it answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use cib::Element;
use model::{
    BootId, Generation, HandsCommand, HandsReport, Monotonic, NodeId, NodeName, ResourceId, Term,
    View, WallTime,
};

use super::attributes::{Changed, SetAttribute};
use super::entry::NodeRecord;
use super::journal::JournalEntry;
use super::status::StatusUpdate;

/// Both clocks, read at once: the first for deadlines, the second for what people and the
/// scheduler see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub monotonic: Monotonic,
    /// For history, fail counts and rules.
    pub wall: WallTime,
}

/// Who this controller is; does not change while it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// This node.
    pub me: NodeId,
    /// Names this life of the controller in transition keys; random, in the usual form of a UUID.
    pub uuid: String,
    /// What `dc-version` is to say.
    pub version: String,
    /// What `cluster-name` is to say.
    pub cluster_name: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// corosync.conf names these nodes (at start and when it is read again).
    Nodelist(BTreeMap<NodeId, NodeName>),
    /// Another view was installed.
    View(View),
    /// The configuration now committed: `<cib>` without `<status>`.
    Config(Arc<Element>),
    /// The node records now committed, all of them.
    NodeRecords(BTreeMap<NodeId, NodeRecord>),
    /// This node leads the log of a quorate view, and all that was committed is applied: it is DC.
    /// The view must have been told before.
    Leading {
        /// Lineage of the log.
        generation: Generation,
        /// Its term.
        term: Term,
    },
    /// This node is the lowest of a view without quorum.
    Coordinating {
        /// Lineage of the last log known.
        generation: Generation,
        /// The last term known.
        term: Term,
    },
    /// Another node decides, or none does.
    Following,
    /// The DC's status section changed (only while following).
    Status(StatusUpdate),
    /// A member lost its place in the status updates and wants all of it.
    SnapshotWanted {
        /// Who.
        node: NodeId,
    },
    /// Hands spoke, through their node's brain.
    Hands {
        /// Whose.
        node: NodeId,
        /// What they said.
        report: HandsReport,
    },
    /// The channel to a member was interrupted and is back: commands may have been lost.
    Reconnected {
        /// To whom.
        node: NodeId,
    },
    /// A transient attribute differs now (also told while following).
    Attribute(Changed),
    /// The engine answered.
    Planned {
        /// The request's number.
        plan: u64,
        /// The transition graph, `<transition_graph …>`.
        graph: Arc<Element>,
        /// Whether it found errors or warnings in its input.
        severity: Severity,
        /// What it says for people, like why a resource is not started.
        remarks: Vec<String>,
    },
    /// The engine died, hung, answered nonsense, or its plan did not pass the check.
    PlanFailed {
        /// The request's number.
        plan: u64,
        /// Of what.
        reason: String,
    },
    /// A node wants to leave in order.
    LeaveAsked {
        /// Who.
        node: NodeId,
    },
    /// A node does not want to leave any more.
    LeaveWithdrawn {
        /// Who.
        node: NodeId,
    },
    /// A node is confirmed off, by an agent or by a human.
    Fenced {
        /// Who.
        node: NodeId,
        /// Which boot was asked for; none = a human vouches for a node that is not here.
        boot: Option<BootId>,
        /// Who says so and why it is to be believed.
        proof: String,
    },
    /// A fencing that was asked for came to nothing.
    FencingFailed {
        /// Who.
        node: NodeId,
        /// Which boot was asked for.
        boot: BootId,
        /// Why, in words for people.
        reason: String,
    },
    /// Forget failures (and what hands know, so that it is probed again).
    Cleanup(Cleanup),
    /// Pretend that a resource failed (`crm_resource --fail`).
    Fail {
        /// Where.
        node: NodeId,
        /// What.
        resource: ResourceId,
    },
    /// Plan, even if nothing changed (`crm_resource --cleanup`'s tail, a human's wish).
    Replan {
        /// Why.
        reason: String,
    },
    /// Time passed.
    Tick,
}

/// What to forget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// A resource, group or clone by its id; none = all.
    pub resource: Option<ResourceId>,
    /// A node; none = all.
    pub node: Option<NodeId>,
    /// Only failures of this action and interval in milliseconds.
    pub operation: Option<(String, u64)>,
    /// Only where something failed (`cleanup`), else everywhere (`refresh`).
    pub only_failed: bool,
}

/// How bad the engine found its input; decides the name of the saved file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Nothing to remark: `pe-input`.
    #[default]
    Good,
    /// With warnings: `pe-warn`.
    Warning,
    /// With errors, or no plan: `pe-error`.
    Error,
}

/// What must now be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell a node's hands.
    Hands {
        /// Whose.
        node: NodeId,
        /// What.
        command: HandsCommand,
    },
    /// Propose this to the log; `Event::NodeRecords` tells when it is committed.
    Record(NodeRecord),
    /// Tell all other members; this node's own copy has it already.
    Status(StatusUpdate),
    /// Tell one member all of it.
    Snapshot {
        /// Whom.
        node: NodeId,
        /// A whole section.
        update: StatusUpdate,
    },
    /// Ask the DC for the whole status section: an update was missed.
    WantSnapshot,
    /// Ask the engine. At most one request is open; a newer one makes the older void.
    Plan {
        /// The request's number.
        plan: u64,
        /// Configuration and status, with have-quorum and dc-uuid.
        document: Arc<Element>,
        /// The instant to plan for.
        now: WallTime,
    },
    /// Keep this input on disk.
    SaveInput {
        /// The request's number.
        plan: u64,
        /// Which series.
        severity: Severity,
        /// The input.
        document: Arc<Element>,
        /// The instant it was planned for.
        now: WallTime,
    },
    /// Give this to the attributes (`attributes::Event::Set`).
    SetAttribute(SetAttribute),
    /// The configuration lacks this: write it.
    Configure(Vec<Wish>),
    /// The node has nothing running and its record says so: let it go.
    MayLeave {
        /// Who.
        node: NodeId,
    },
    /// The plan wants a node fenced; to be answered by `Event::Fenced` or `Event::FencingFailed`.
    Fence {
        /// Whom.
        node: NodeId,
        /// In which boot; to be told with the answer, which proves nothing of another one.
        boot: BootId,
        /// `reboot`, `off` or `on`.
        action: String,
    },
    /// A line of the journal, to be logged, too.
    Journal(JournalEntry),
}

/// Something the configuration should say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// A property in `cib-bootstrap-options`.
    Property {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A `<node id uname>` in `<nodes>`.
    Node {
        /// Its number.
        id: NodeId,
        /// Its name.
        name: NodeName,
    },
}

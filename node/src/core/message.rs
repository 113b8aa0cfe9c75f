//! What brains say to each other and what tools ask of one.

use serde::{Deserialize, Serialize};

use crmd::core::attributes::{AttributeChange, SetAttribute};
use crmd::core::status::StatusUpdate;
use model::{ExitCode, HandsCommand, HandsReport, NodeId, ResourceId};

/// From one brain to another.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerMessage {
    /// The log's own.
    Raft(Vec<u8>),
    /// The DC commands the hands of the node this goes to.
    Command(HandsCommand),
    /// The hands of the node this comes from answer the DC.
    Report(HandsReport),
    /// The hands of the node this comes from have just come up, or their brain has: join them.
    HandsUp,
    /// The DC changed the status section, or tells all of it.
    Status(StatusUpdate),
    /// A change of the status section is missing here: send all of it.
    StatusWanted,
    /// Attributes that were set, or all there are for a member that is new.
    Attributes(Vec<AttributeChange>),
    /// Something for the DC, from a tool on the node this comes from.
    Ask { id: u64, what: Ask },
    /// What came of it.
    Answer { id: u64, outcome: Outcome },
    /// The DC lets the node go that this goes to.
    MayLeave,
    /// An operator has set the votes expected.
    ExpectedVotes(u32),
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The user, by name.
    pub user: String,
    /// The tool, for the audit log.
    pub client: String,
    /// The user's groups, where there are access lists.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Something only the DC can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Change the configuration.
    Change(Change),
    /// Do something.
    Act(Action),
}

/// A change of the configuration, as cibadmin names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Who asks.
    pub caller: Caller,
    /// `create`, `modify`, `replace`, `delete`, `delete-all`, `upgrade`, `erase`, `bump`, `patch`.
    pub action: String,
    /// The element, document or patch; may be empty where the action needs none.
    pub xml: String,
    /// Where, as an XPath; empty = by section or by the element itself.
    pub xpath: String,
    /// Where, as a section's name; empty = anywhere.
    pub section: String,
    /// `modify` creates what is not there.
    pub allow_create: bool,
    /// Only the element itself counts, not what is in it.
    pub no_children: bool,
    /// The version this change was made from, as `admin_epoch.epoch`; empty = any.
    pub base: String,
}

/// Something for the DC to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The asking node wants to leave; with `all`, every node was asked to.
    Leave { all: bool },
    /// Forget failures (and what they banned), then probe again.
    Cleanup(Target),
    /// Forget all history, then probe again.
    Refresh(Target),
    /// Act as if the resource had failed.
    Fail(Target),
    /// Answer when no transition is in progress, or when the time is over.
    WaitIdle { timeout_ms: u64 },
    /// Expect this many votes, here and on the other members; a matter of each node itself.
    ExpectVotes { votes: u32 },
    /// Wait for nobody who is missing; a matter of the node itself.
    Unblock,
}

/// Which resources, where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// None = all.
    pub resource: Option<ResourceId>,
    /// None = all.
    pub node: Option<String>,
    /// Only this operation's failures, and with an interval only that one's.
    pub operation: Option<(String, Option<u64>)>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The tool's exit code.
    pub code: ExitCode,
    /// One sentence for people; empty when there is nothing to say.
    pub message: String,
    /// An element the request asked for.
    pub xml: String,
}

impl Outcome {
    /// It is done.
    pub fn done() -> Self {
        Self { code: ExitCode::Ok, message: String::new(), xml: String::new() }
    }

    /// It is refused, or failed.
    pub fn refused(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), xml: String::new() }
    }
}

/// From a tool on this host. Queries need no message: the shell reads the brain's document.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolRequest {
    /// Change the configuration.
    Change(Change),
    /// Do something.
    Act { caller: Caller, action: Action },
    /// Set or take away transient attributes.
    Attributes { caller: Caller, changes: Vec<SetAttribute> },
}

/// A tool's open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolId(pub u64);

/// Who waits for an outcome: a tool here, or another node's brain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    /// A tool on this host.
    Tool(ToolId),
    /// A brain, under its own number.
    Peer { node: NodeId, id: u64 },
    /// Nobody: the controller's own wish.
    Controller,
}

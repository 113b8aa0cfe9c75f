//! What a consensus core is told and what it answers; nothing here knows a raft type.

use std::collections::BTreeSet;

use model::{Generation, Incarnation, NodeId, Term, View};

use super::record::Record;

/// What a core is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// This life of the brain; grows with each start.
    pub incarnation: Incarnation,
    /// A random number, another one in each life: names a store that is made in this life.
    pub salt: u64,
    /// All nodes of corosync.conf: who votes when the log is born, and who is wished for later.
    pub nodelist: BTreeSet<NodeId>,
    /// Milliseconds of silence after which a peer counts as lost.
    pub token_ms: u64,
    /// Whether `pcs cluster setup` left its one-time mark: an empty store may then be born alone.
    /// Remove the mark at `Effect::Born`.
    pub marked: bool,
}

/// The caller's number of something it asked for; comes back in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One change of who takes part in the log. Several at once go through joint consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoterChange {
    /// Receives the log, does not vote. Turns a voter into a learner.
    AddLearner(NodeId),
    /// Votes from now on; refused while it has not caught up.
    Promote(NodeId),
    /// Takes no part any more.
    Remove(NodeId),
}

/// Why a pair's survivor may become the sole voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Licence {
    /// `stonith-enabled=false`: nobody made sure that the peer is off. Status must say UNSAFE.
    Unlicensed,
    /// The peer's fencing was requested after `Event::Condemned` and is confirmed.
    Fenced,
    /// An operator says that the peer is off and stays so (`pcs quorum unblock`), and takes it upon
    /// them that it may know more than this node does.
    Confirmed,
    /// The peer came back with an empty store: what it knew is gone, nobody else has it. The core
    /// acts on this by itself.
    Wiped,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes came from a peer's core.
    Step { from: NodeId, bytes: Vec<u8> },
    /// Time passed; every 10 to 20 ms is good, any grid works.
    Tick,
    /// Put an entry into the log. Answered by `Commit` with this id, or by `Rejected`.
    Propose { id: RequestId, data: Vec<u8> },
    /// The members changed.
    View(View),
    /// The nodelist changed: a leader adds who is present and wished for, as a learner first, and
    /// makes it a voter when it has caught up. Of more than two voters it removes who is neither
    /// present nor wished for.
    Wish(BTreeSet<NodeId>),
    /// Change who takes part. Answered by `Done` or `Rejected`.
    Change { id: RequestId, changes: Vec<VoterChange> },
    /// Hand leadership to a voter. Answered by `Done` once this node is not the leader any more.
    TransferLeadership { id: RequestId, to: NodeId },
    /// A node leaves in order, is drained and recorded clean; told to the leader. Of a pair the
    /// other one becomes the sole voter of a new generation; of more it takes its vote along where
    /// those who stay would be no quorum otherwise. The leader itself cannot leave while another voter is present: it hands over and
    /// answers `Rejected(NotLeader)`; ask the new one. Answered by `Done`: now it may go.
    Leave { id: RequestId, node: NodeId },
    /// Become the sole voter of a pair. Answered by `Done` or `Rejected(Refused)`.
    GoAlone { id: RequestId, licence: Licence },
    /// The peer's fencing is requested: until `condemned` is false again nothing from it counts.
    Condemned { node: NodeId, condemned: bool },
    /// The document's version, told whenever it changes: decides between diverged lineages.
    Version { admin_epoch: u64, epoch: u64 },
    /// Answers `NeedSnapshot`, at once or later, with its index and the caller's state as of the
    /// effect. The log before it may then be dropped.
    Snapshot { index: u64, data: Vec<u8> },
    /// Ask a quorum whether this node still leads. Answered by `Done` or `Rejected`.
    Confirm { id: RequestId },
    /// The batch `seq` and all before it are on disk; `took_ms` is how long this one took.
    PersistDone { seq: u64, took_ms: u64 },
    /// The batch `seq` could not be written: this node's part in the log ends.
    PersistFailed { seq: u64, error: String },
    /// A message could not be delivered.
    Unreachable { node: NodeId },
    /// A message marked `snapshot` was delivered, or not.
    SnapshotSent { to: NodeId, delivered: bool },
}

/// What must now be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write these as one batch (`log_store::LogStore::append`), then tell `PersistDone`. Batches
    /// in order, several may be under way. Without `sync` the batch needs no fdatasync.
    Persist { seq: u64, records: Vec<Record>, sync: bool },
    /// Send to a peer's core now. What had to wait for the disk has waited inside the core. Report
    /// what became of it with `SnapshotSent` where `snapshot` is set, else `Unreachable` on
    /// failure. May be as large as a document.
    Send { to: NodeId, bytes: Vec<u8>, snapshot: bool },
    /// Apply this entry. Every entry is told once in a life, in order, gaps in `index` are the
    /// core's own entries. `proposal` is set where this core's caller proposed it.
    Commit {
        index: u64,
        term: Term,
        generation: Generation,
        data: Vec<u8>,
        proposal: Option<RequestId>,
    },
    /// Replace the state machine's state. Empty = that of a new cluster.
    Restore { index: u64, data: Vec<u8> },
    /// Who leads has changed.
    Role(Role),
    /// A request other than `Propose` is done.
    Done { id: RequestId },
    /// A request is refused or its outcome unknown.
    Rejected { id: RequestId, reason: Rejection },
    /// Tell `Event::Snapshot` with this index and the state after all `Commit`s told up to here.
    NeedSnapshot { index: u64 },
    /// The log was born with all of the nodelist as voters: remove the one-time mark.
    Born,
    /// This node's state is void: keep the document where the operator finds it, stop what runs
    /// here, go back to an empty state. A `Restore` follows once a leader takes this node in. The
    /// core's own files are kept by the `Persist` that follows.
    ArchiveAndReset { winner: NodeId, reason: ResetReason },
    /// This node became the sole voter of a pair by force.
    WentAlone { generation: Generation, licence: Licence },
    /// This node's part in the log has ended until its brain starts anew; resources go on.
    Stopped { reason: String },
    /// Something an operator should read.
    Warn(String),
}

/// Who leads, as far as this node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// The leader; `None` while there is none.
    pub leader: Option<NodeId>,
    /// The raft term.
    pub term: Term,
    /// The lineage's generation.
    pub generation: Generation,
    /// Whether it is this node.
    pub is_leader: bool,
    /// Whether this node may act as DC: it leads, in a quorate view, has applied an entry of its
    /// own term, and was not late without asking a quorum since.
    pub acting: bool,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// This node does not lead; perhaps that one does. Nothing was done.
    NotLeader { leader: Option<NodeId> },
    /// Leadership was lost while the request was under way: it may still take effect.
    Unknown,
    /// Too much is under way already; nothing was done.
    Busy,
    /// The entry is larger than `ENTRY_BYTES_MAX`; nothing was done.
    TooLarge,
    /// Not possible now, in words; nothing was done.
    Refused(String),
}

/// Why a node's state is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The cluster went on without this node: its lineage is the beginning of the winner's. It may
    /// hold changes that were never acknowledged, nothing else.
    Stale,
    /// Both went on without the other; the winner's document is the newer one by (admin_epoch,
    /// epoch, entries since the fork), then by lower node id. Changes acknowledged here are lost
    /// from the cluster, the archive has them.
    Diverged,
    /// The store was made for a birth that never happened everywhere; it holds nothing.
    Stillborn,
}

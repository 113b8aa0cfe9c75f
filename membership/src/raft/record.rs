//! What the log keeps on disk: bytes to the store, fields to the core.
//!
//! One `Persist` effect is one frame of the log file, so its records take effect together or not
//! at all. Encoded with prost, so that a later version can add fields.

use std::collections::BTreeMap;

use prost::Message;

/// A change of the durable state.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Record {
    /// Which one.
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4")]
    pub kind: Option<Kind>,
}

impl Record {
    /// Keeps a copy of everything so far.
    pub fn archive(name: impl Into<String>) -> Self {
        Self { kind: Some(Kind::Archive(Archive { name: name.into() })) }
    }

    /// Replaces everything.
    pub fn base(base: Base) -> Self {
        Self { kind: Some(Kind::Base(Box::new(base))) }
    }

    /// Sets term, vote and commit index.
    pub fn hard(hard: Hard) -> Self {
        Self { kind: Some(Kind::Hard(hard)) }
    }

    /// Appends entries.
    pub fn append(entries: Vec<LogEntry>) -> Self {
        Self { kind: Some(Kind::Append(Append { entries })) }
    }
}

/// The kinds of record.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Kind {
    /// Keep a copy of everything so far, for the operator, before what follows replaces it.
    #[prost(message, tag = "1")]
    Archive(Archive),
    /// Replaces everything before it.
    #[prost(message, tag = "2")]
    Base(Box<Base>),
    /// Term, vote and commit index.
    #[prost(message, tag = "3")]
    Hard(Hard),
    /// Entries; those kept before at or after the first one's index are void.
    #[prost(message, tag = "4")]
    Append(Append),
}

/// Why a copy is kept.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Archive {
    /// A few words for a file name: `stale-g1`, `diverged-g2`.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// A complete durable state.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Base {
    /// Term, vote and commit index.
    #[prost(message, optional, tag = "1")]
    pub hard: Option<Hard>,
    /// The state machine's state, and what the core itself keeps, as of an entry.
    #[prost(message, optional, tag = "2")]
    pub snapshot: Option<Snapshot>,
    /// The entry before the first one that is kept: index and term.
    #[prost(uint64, tag = "3")]
    pub start_index: u64,
    /// See `start_index`.
    #[prost(uint64, tag = "4")]
    pub start_term: u64,
    /// The entries kept, up to the last; some may lie before the snapshot, for slow followers.
    #[prost(message, repeated, tag = "5")]
    pub entries: Vec<LogEntry>,
    /// Names this store: another number after a disk was wiped.
    #[prost(uint64, tag = "6")]
    pub store: u64,
    /// A store that was taken empty into a lineage and has not received its state yet: it votes
    /// for nobody, whatever the configuration says of its node.
    #[prost(bool, tag = "7")]
    pub blank: bool,
}

/// Raft's hard state.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Hard {
    /// The latest term seen.
    #[prost(uint64, tag = "1")]
    pub term: u64,
    /// Whom this node voted for in it; 0 = nobody.
    #[prost(uint64, tag = "2")]
    pub vote: u64,
    /// The highest entry known to be committed; may lag.
    #[prost(uint64, tag = "3")]
    pub commit: u64,
}

/// Several entries.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Append {
    /// The entries, contiguous.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<LogEntry>,
}

/// One entry of the log.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LogEntry {
    /// Its place.
    #[prost(uint64, tag = "1")]
    pub index: u64,
    /// The term it was proposed in.
    #[prost(uint64, tag = "2")]
    pub term: u64,
    /// 0 an ordinary entry, 1 and 2 changes of the configuration (raft's own numbers).
    #[prost(int32, tag = "3")]
    pub kind: i32,
    /// The caller's bytes, or raft's for a change of the configuration.
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
    /// Our own part of an entry (`Context`).
    #[prost(bytes = "vec", tag = "5")]
    pub context: Vec<u8>,
}

/// A state as of an entry.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Snapshot {
    /// The last entry that is in it.
    #[prost(uint64, tag = "1")]
    pub index: u64,
    /// That entry's term.
    #[prost(uint64, tag = "2")]
    pub term: u64,
    /// Who took part in the log then.
    #[prost(message, optional, tag = "3")]
    pub voters: Option<Voters>,
    /// What the core itself keeps.
    #[prost(message, optional, tag = "4")]
    pub own: Option<OwnState>,
    /// The caller's bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub data: Vec<u8>,
}

/// Who takes part in the log.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Voters {
    /// Voters; in a joint configuration the incoming ones.
    #[prost(uint64, repeated, tag = "1")]
    pub voters: Vec<u64>,
    /// Those who receive the log and do not vote.
    #[prost(uint64, repeated, tag = "2")]
    pub learners: Vec<u64>,
    /// The outgoing voters of a joint configuration.
    #[prost(uint64, repeated, tag = "3")]
    pub outgoing: Vec<u64>,
    /// Outgoing voters that become learners.
    #[prost(uint64, repeated, tag = "4")]
    pub learners_next: Vec<u64>,
    /// Whether raft leaves the joint configuration by itself.
    #[prost(bool, tag = "5")]
    pub auto_leave: bool,
}

/// The part of the replicated state that the core keeps for itself.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OwnState {
    /// How the log came to be what it is; empty = this store was never in a cluster.
    #[prost(message, repeated, tag = "1")]
    pub lineage: Vec<Ancestor>,
    /// How many of the caller's entries were applied since the birth.
    #[prost(uint64, tag = "2")]
    pub writes: u64,
    /// The generation whose licence marker was applied: each of its two voters has all of it.
    #[prost(uint64, tag = "3")]
    pub marker: u64,
    /// Which store each node was taken in with.
    #[prost(btree_map = "uint32, uint64", tag = "4")]
    pub stores: BTreeMap<u32, u64>,
    /// Nodes that left in order, and the life they left in.
    #[prost(btree_map = "uint32, uint64", tag = "5")]
    pub departed: BTreeMap<u32, u64>,
}

/// One step of a lineage: how a generation began.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Ancestor {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub generation: u64,
    /// The node that made it; 0 = the birth, made by all.
    #[prost(uint32, tag = "2")]
    pub by: u32,
    /// Tells two generations of one number apart.
    #[prost(uint64, tag = "3")]
    pub salt: u64,
    /// `OwnState::writes` when it began.
    #[prost(uint64, tag = "4")]
    pub writes: u64,
    /// Whether nobody made sure that the other node was off.
    #[prost(bool, tag = "5")]
    pub unlicensed: bool,
    /// At a birth without a mark: the lives that were there, each with an empty store.
    #[prost(btree_map = "uint32, uint64", tag = "6")]
    pub witnesses: BTreeMap<u32, u64>,
}

/// Our own part of an entry.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Context {
    /// Who proposed it.
    #[prost(uint32, tag = "1")]
    pub node: u32,
    /// In which life.
    #[prost(uint64, tag = "2")]
    pub incarnation: u64,
    /// Under which number.
    #[prost(uint64, tag = "3")]
    pub request: u64,
    /// A generation that begins with this entry.
    #[prost(message, optional, tag = "4")]
    pub ancestor: Option<Ancestor>,
    /// The licence marker of this generation; 0 = none.
    #[prost(uint64, tag = "5")]
    pub marker: u64,
    /// Nodes taken in, each with its store.
    #[prost(btree_map = "uint32, uint64", tag = "6")]
    pub stores: BTreeMap<u32, u64>,
    /// Nodes that leave in order, each with its life.
    #[prost(btree_map = "uint32, uint64", tag = "7")]
    pub departed: BTreeMap<u32, u64>,
}

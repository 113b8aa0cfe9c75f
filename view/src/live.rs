//! What is known of a running cluster beside its document, as one node sees it.
//!
//! The brain makes it, the tools' socket carries it as JSON, and status displays render it. A
//! field that is here moves when the world moves.

use membership::core::status::GroupStatus;
use serde::{Deserialize, Serialize};

/// One node's sight of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveInfo {
    /// `cluster_name` of corosync.conf.
    pub cluster_name: String,
    /// The name of the node that answers.
    pub local_node: String,
    /// Its number.
    pub local_id: u32,
    /// The program's version.
    pub version: String,
    /// The number of the view, which tools call the ring id's sequence.
    pub view: u64,
    /// Whether the view holds a quorum.
    pub quorate: bool,
    /// Who decides: the DC, or the coordinator of a partition without quorum.
    pub dc: Option<String>,
    /// Whether that one has the log behind it.
    pub dc_has_log: bool,
    /// All nodes of corosync.conf, by number.
    pub nodes: Vec<LiveNode>,
    /// The state of the replicated log here.
    pub log: LiveLog,
    /// Whether a transition is in progress (only the DC knows; else false).
    pub busy: bool,
    /// What the controller waits for, a sentence each.
    pub waiting: Vec<String>,
    /// What should not stay as it is, a sentence each: UNSAFE operation, differing authkeys, own
    /// pauses, a log that has ended, hands that are away.
    pub warnings: Vec<String>,
    /// Whether this node's hands are connected.
    pub hands_connected: bool,
    /// Whether this node is leaving.
    pub leaving: bool,
    /// Links, votes and quorum, as the heartbeat thread sees them.
    pub membership: GroupStatus,
}

/// One node of corosync.conf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveNode {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Whether it is in the view.
    pub member: bool,
    /// Its addresses, by link.
    pub addresses: Vec<String>,
}

/// The replicated log, as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveLog {
    /// Who leads it.
    pub leader: Option<String>,
    /// The raft term.
    pub term: u64,
    /// The lineage's generation.
    pub generation: u64,
    /// Who votes.
    pub voters: Vec<String>,
    /// Why nothing can be committed, if so.
    pub obstacle: Option<String>,
}

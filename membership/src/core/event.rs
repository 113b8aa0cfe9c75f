//! What the group is told and what it answers.

use std::collections::BTreeMap;
use std::fmt;

use model::{BootId, Incarnation, NodeId, NodeName, View};
use serde::{Deserialize, Serialize};

use super::beat::Heartbeat;
use super::conf::{Conf, Transport};
use super::quorum::VoteRules;

/// A link's number: the N of `ringN_addr`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct LinkId(pub u8);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who this node is in this life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub node: NodeId,
    /// The boot its hands live in.
    pub boot: BootId,
    /// The life of its brain.
    pub incarnation: Incarnation,
    /// A random number, unknown outside: from it come the challenges.
    pub seed: u64,
    /// The highest view number this node remembers from earlier lives; 0 if none.
    pub last_view: u64,
}

/// What the group needs of corosync.conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConf {
    /// `cluster_name`.
    pub cluster_name: String,
    /// `transport`, for the tools.
    pub transport: Transport,
    /// All nodes, this one too.
    pub nodes: BTreeMap<NodeId, NodeConf>,
    /// How votes count.
    pub rules: VoteRules,
    /// Silence of a peer that makes it lost, in milliseconds.
    pub token_ms: u64,
    /// `config_version`.
    pub version: u64,
    /// Differs when what nodes must agree on differs.
    pub digest: u64,
}

/// One node of the nodelist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConf {
    /// Its name.
    pub name: NodeName,
    /// Its votes.
    pub votes: u32,
    /// Its addresses by link.
    pub addresses: BTreeMap<LinkId, String>,
}

impl GroupConf {
    /// Takes what the group needs; `token_default_ms` holds when the file names no token.
    pub fn new(conf: &Conf, token_default_ms: u64) -> Self {
        let nodes = conf.nodes.values().map(|node| {
            let addresses =
                node.addresses.iter().map(|(link, address)| (LinkId(*link), address.clone()));
            let addresses = addresses.collect();
            (node.id, NodeConf { name: node.name.clone(), votes: node.votes, addresses })
        });
        Self {
            cluster_name: conf.totem.cluster_name.clone().unwrap_or_default(),
            transport: conf.totem.transport,
            nodes: nodes.collect(),
            rules: VoteRules::new(&conf.quorum),
            token_ms: conf.token_ms(token_default_ms),
            version: conf.totem.config_version,
            digest: conf.digest(),
        }
    }

    /// Returns a node's name, or its number where it has none.
    pub fn name_of(&self, node: NodeId) -> String {
        self.nodes.get(&node).map_or_else(|| format!("node {node}"), |n| n.name.to_string())
    }

    pub(super) fn votes(&self) -> BTreeMap<NodeId, u32> {
        self.nodes.iter().map(|(id, node)| (*id, node.votes)).collect()
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A heartbeat came in; its seal was good.
    Heard {
        /// The link it came on.
        link: LinkId,
        /// What it says.
        heartbeat: Box<Heartbeat>,
    },
    /// A packet came in whose seal was not good.
    Unreadable {
        /// Where it came from, for messages.
        address: String,
        /// The node it claims to be from.
        claims: Option<NodeId>,
        /// What is wrong with it.
        why: Unreadable,
    },
    /// Time passed; at `Group::wake_at` at the latest.
    Tick {
        /// How much later this comes than it was due, in milliseconds.
        late_ms: u64,
    },
    /// corosync.conf was read again.
    ConfChanged(Box<GroupConf>),
    /// This node shall leave in order.
    LeaveRequested,
    /// The controller's loop hangs (or runs again): while it hangs no heartbeat is sent.
    Stuck(bool),
    /// Somebody who knows (the log's sole voter, an operator) says there is nobody to wait for.
    WaitForAllSatisfied,
    /// An operator sets the votes expected (`pcs quorum expected-votes`); told to every member.
    ExpectedVotes(u32),
}

/// Why a packet could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreadable {
    /// Sealed with another key than ours, or damaged.
    WrongKey,
    /// From a Systole that seals in another way.
    OtherVersion,
}

/// Something that must now be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this heartbeat on this link to these nodes.
    Send {
        /// The link.
        link: LinkId,
        /// Its receivers.
        to: Vec<NodeId>,
        /// What to say; the same on all links.
        heartbeat: Heartbeat,
    },
    /// This view holds from now on. A view comes again under its number only when `quorate`
    /// changed in it.
    View(View),
    /// A member's brain started again in the same boot, in time: nothing of its resources changed.
    MemberRestarted {
        /// The member.
        node: NodeId,
        /// Its new life.
        incarnation: Incarnation,
    },
    /// A node came or went, as seen from here. A view follows when all agree, or has come already
    /// when others noticed first: views are what counts, this is for people.
    Peer {
        /// The node.
        node: NodeId,
        /// What happened to it.
        change: PeerChange,
    },
    /// A link to a node went down or came back.
    LinkChange {
        /// The node.
        node: NodeId,
        /// The link.
        link: LinkId,
        /// Whether heartbeats come in on it.
        up: bool,
    },
    /// Somebody should look at this.
    Warning(Warning),
    /// The others know that this node leaves; the thread may end.
    Left,
}

/// What happened to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerChange {
    /// It is heard and hears us.
    Appeared {
        /// Its boot.
        boot: BootId,
        /// Its life.
        incarnation: Incarnation,
    },
    /// Nothing was heard of it for its token.
    Lost {
        /// Milliseconds since its last heartbeat.
        silent_ms: u64,
    },
    /// Its host was booted again; what ran there is gone.
    Rebooted,
    /// It left in order.
    Left,
}

/// Something that works but should not stay so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// This node's own thread stood still.
    OwnPause {
        /// For how long, in milliseconds.
        ms: u64,
        /// The token, in milliseconds.
        token_ms: u64,
    },
    /// A node runs with another corosync.conf.
    ConfDiffers {
        /// Its name.
        node: String,
        /// Its `config_version`.
        theirs: u64,
        /// Our `config_version`.
        ours: u64,
    },
    /// A node that is not in corosync.conf sends with our key.
    NotInNodelist {
        /// Its number.
        node: NodeId,
    },
    /// corosync.conf does not list this node any more.
    SelfNotInNodelist,
    /// Another machine has our nodeid.
    SameNodeId {
        /// The number.
        node: NodeId,
    },
    /// A node's packets cannot be opened.
    Unreadable {
        /// Its name, or its address where that is unknown.
        node: String,
        /// Where the packets come from.
        address: String,
        /// What is wrong.
        why: Unreadable,
    },
    /// Nodes that hear us do not all hear each other, so the view leaves some out.
    NotAllConnected {
        /// Names of those that are left out.
        left_out: Vec<String>,
    },
}

impl Warning {
    /// Tells whether both are about the same trouble, so that one line is enough.
    pub(super) fn is_same_matter(&self, other: &Self) -> bool {
        match (self, other) {
            // Anybody can send rubbish from any address.
            (
                Self::Unreadable { node, why, .. },
                Self::Unreadable { node: other_node, why: other_why, .. },
            ) => node == other_node && why == other_why,
            _ => self == other,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnPause { ms, token_ms } => write!(
                f,
                "this node stood still for {ms} ms, with a token of {token_ms} ms; give it CPU or \
                 real-time scheduling, or raise token in corosync.conf"
            ),
            Self::ConfDiffers { node, theirs, ours } => write!(
                f,
                "{node} has another corosync.conf (config_version {theirs}, here {ours}); run 'pcs \
                 cluster sync' where it is right, then 'pcs cluster reload corosync'"
            ),
            Self::NotInNodelist { node } => write!(
                f,
                "a node with nodeid {node} sends heartbeats with this cluster's key but is not in \
                 corosync.conf; add it with 'pcs cluster node add' or destroy its cluster"
            ),
            Self::SelfNotInNodelist => f.write_str(
                "corosync.conf does not list this node any more; run 'pcs cluster destroy' here or \
                 add it again with 'pcs cluster node add'",
            ),
            Self::SameNodeId { node } => write!(
                f,
                "another machine uses this node's nodeid {node}; give each node its own in \
                 corosync.conf"
            ),
            Self::Unreadable { node, address, why: Unreadable::WrongKey } => write!(
                f,
                "/etc/corosync/authkey differs on {node} ({address}): its heartbeats cannot be \
                 opened; copy the key from here, or run 'pcs cluster sync' or 'pcs cluster setup'"
            ),
            Self::Unreadable { node, address, why: Unreadable::OtherVersion } => write!(
                f,
                "{node} ({address}) runs a version of Systole whose heartbeats this one cannot \
                 read; bring both to the same version"
            ),
            Self::NotAllConnected { left_out } => write!(
                f,
                "{} can reach this node but not all of its members, so the view goes on without; \
                 check the network between them",
                left_out.join(", ")
            ),
        }
    }
}

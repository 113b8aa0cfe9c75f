//! What tools may know of the group: one value, taken at one moment.

use model::{BootId, Incarnation, Monotonic, NodeId};
use serde::{Deserialize, Serialize};

use super::event::{LinkId, Warning};
use super::group::Group;
use super::quorum::Quorum;

/// The group as this node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// `cluster_name`.
    pub cluster_name: String,
    /// `transport`.
    pub transport: String,
    /// This node; 0 only in an empty status.
    pub local: u32,
    /// Number of the view that holds; none before the first.
    pub view: Option<u64>,
    /// Votes of the view.
    pub quorum: Quorum,
    /// Why it is or is not quorate, in a sentence.
    pub explanation: String,
    /// All nodes of corosync.conf by number, this one too.
    pub nodes: Vec<NodeStatus>,
    /// Silence that makes a peer lost, in milliseconds.
    pub token_ms: u64,
    /// The longest time this node's own heartbeat thread stood still in the last day.
    pub longest_pause_ms: u64,
    /// The heartbeat thread has real-time scheduling.
    pub real_time: bool,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its votes: those it announces, else the file's.
    pub votes: u32,
    /// It is in the view.
    pub member: bool,
    /// How it is heard.
    pub contact: ContactState,
    /// Milliseconds since its last heartbeat.
    pub silent_ms: Option<u64>,
    /// Its boot, where known.
    pub boot: Option<BootId>,
    /// The life of its brain, where known.
    pub incarnation: Option<Incarnation>,
    /// `config_version` of its corosync.conf, where known.
    pub conf_version: Option<u64>,
    /// How often it came into the view since this node started.
    pub joins: u32,
    /// Its links by number.
    pub links: Vec<LinkStatus>,
}

/// How a node is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactState {
    /// It is this node.
    Local,
    /// Both hear each other.
    Mutual,
    /// It is heard but does not hear us.
    OneWay,
    /// It leaves in order.
    Leaving,
    /// Nothing is heard of it.
    Silent,
}

/// One link of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Its number.
    pub link: LinkId,
    /// The node's address on it, as in corosync.conf.
    pub address: String,
    /// Heartbeats of the node come in on it; for this node itself always true.
    pub up: bool,
}

impl GroupStatus {
    /// Returns one node.
    pub fn node(&self, id: u32) -> Option<&NodeStatus> {
        self.nodes.iter().find(|node| node.id.0 == id)
    }

    /// Returns the members of the view.
    pub fn members(&self) -> impl Iterator<Item = &NodeStatus> {
        self.nodes.iter().filter(|node| node.member)
    }
}

impl Group {
    /// Returns the group as this node sees it.
    pub fn status(&self, now: Monotonic) -> GroupStatus {
        let conf = &self.conf;
        let name = |node| conf.name_of(node);
        let view = self.installed.as_ref();
        GroupStatus {
            cluster_name: conf.cluster_name.clone(),
            transport: conf.transport.as_str().to_owned(),
            local: self.me.node.0,
            view: view.map(|installed| installed.stamp.number),
            quorum: self.quorum.clone(),
            explanation: match view {
                Some(_) => self.quorum.explain(name),
                None => "not quorate: this node has just started and looks for the others".into(),
            },
            nodes: conf.nodes.keys().filter_map(|id| self.node_status(now, *id)).collect(),
            token_ms: conf.token_ms,
            longest_pause_ms: self.pauses.longest_ms(),
            real_time: false,
            warnings: self.warnings(now),
        }
    }

    fn warnings(&self, now: Monotonic) -> Vec<String> {
        let token_ms = self.conf.token_ms;
        let ms = self.pauses.longest_ms();
        let pause = (ms >= token_ms / 2).then_some(Warning::OwnPause { ms, token_ms });
        self.warned.current(now).chain(&pause).map(ToString::to_string).collect()
    }

    fn node_status(&self, now: Monotonic, id: NodeId) -> Option<NodeStatus> {
        let conf = self.conf.nodes.get(&id)?;
        let peer = self.peers.get(&id);
        let local = id == self.me.node;
        let contact = peer.and_then(|peer| peer.contact.as_ref());
        let up =
            |link| local || peer.and_then(|peer| peer.links.get(link)).is_some_and(|link| link.up);
        let links = conf.addresses.iter().map(|(link, address)| LinkStatus {
            link: *link,
            address: address.clone(),
            up: up(link),
        });
        Some(NodeStatus {
            id,
            name: conf.name.to_string(),
            votes: contact.map_or(conf.votes, |contact| contact.last.votes),
            member: self.view().is_some_and(|view| view.members.contains_key(&id)),
            contact: match contact {
                _ if local => ContactState::Local,
                Some(contact) if contact.last.leaving => ContactState::Leaving,
                Some(contact) if contact.hears_us => ContactState::Mutual,
                Some(_) => ContactState::OneWay,
                None => ContactState::Silent,
            },
            silent_ms: contact.map(|contact| now.since(contact.heard_at)),
            boot: if local { Some(self.me.boot) } else { contact.map(|contact| contact.boot) },
            incarnation: if local {
                Some(self.me.incarnation)
            } else {
                contact.map(|contact| contact.incarnation)
            },
            conf_version: if local {
                Some(self.conf.version)
            } else {
                contact.map(|contact| contact.last.conf_version)
            },
            joins: self.joins.get(&id).copied().unwrap_or(0),
            links: links.collect(),
        })
    }
}

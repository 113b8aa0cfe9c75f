//! The heartbeat thread as the loop sees it: what it says comes in as inputs, what the loop knows
//! goes out.

use std::net::IpAddr;

use membership::conf::{Conf, NodeEntry};
use membership::core::status::GroupStatus;
use model::{BootId, Incarnation, NodeId, Paths, View};
use tokio::sync::mpsc;

/// What the loop hears of the group.
#[derive(Debug)]
pub(super) enum GroupInput {
    /// Another view holds.
    View(View),
    /// A member's brain started again in time; nothing of its resources changed.
    Restarted(NodeId),
    /// Something an operator should read.
    Said { text: String, lasting: bool },
    /// Something that whoever watches wants to see.
    Happened { name: &'static str, text: String },
}

/// The thread and its inputs.
#[derive(Debug)]
pub(super) struct Heartbeats {
    inputs: mpsc::UnboundedReceiver<GroupInput>,
}

impl Heartbeats {
    pub(super) fn start(
        conf: &Conf,
        me: &NodeEntry,
        authkey: &[u8],
        boot: BootId,
        incarnation: Incarnation,
        seed: u64,
        paths: &Paths,
    ) -> Result<Self, String> {
        todo!()
    }
    pub(super) async fn next(&mut self) -> Option<GroupInput> {
        self.inputs.recv().await
    }
    pub(super) fn alive(&self) {}
    pub(super) async fn leave(&mut self) {}
    pub(super) fn snapshot(&self) -> GroupStatus {
        GroupStatus::default()
    }
    pub(super) fn token_ms(&self) -> u64 {
        1000
    }
    pub(super) fn addresses(&self, _node: NodeId) -> Vec<String> {
        Vec::new()
    }
    pub(super) fn wait_for_all_satisfied(&self) {}
}

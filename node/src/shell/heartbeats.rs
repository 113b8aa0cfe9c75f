//! The heartbeat thread as the loop sees it: what it says comes in as inputs, what the loop knows
//! goes out.

use std::time::Duration;

use membership::conf::Conf;
use membership::core::status::GroupStatus;
use membership::core::{Identity, PeerChange};
use membership::heartbeat::{self, Config, Handle, Notice, StartError};
use membership::seal::AuthKey;
use model::{NodeId, View};
use tokio::sync::mpsc;

/// The others learn of an orderly leave within half a second, or not at all.
const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// The thread publishes its first status as soon as it runs.
const FIRST_STATUS_PAUSE: Duration = Duration::from_millis(2);
const FIRST_STATUS_TRIES: u32 = 1000;

/// What the loop hears of the group.
#[derive(Debug)]
pub(super) enum GroupInput {
    /// Another view holds.
    View(View),
    /// A member's brain started again in time; nothing of its resources changed.
    Restarted(NodeId),
    /// Something an operator should read.
    Said { text: String },
    /// Something that whoever watches wants to see.
    Happened { kind: &'static str, text: String },
    /// The others know that this node leaves.
    Left,
}

/// The thread and its inputs.
#[derive(Debug)]
pub(super) struct Heartbeats {
    handle: Handle,
    inputs: mpsc::UnboundedReceiver<GroupInput>,
    token_ms: u64,
}

impl Heartbeats {
    /// Starts the thread.
    ///
    /// # Errors
    /// No link of this node can be used.
    pub(super) async fn start(
        identity: Identity,
        conf: Conf,
        key: AuthKey,
    ) -> Result<Self, StartError> {
        let (sender, inputs) = mpsc::unbounded_channel();
        let names: std::collections::BTreeMap<NodeId, String> =
            conf.nodes.values().map(|node| (node.id, node.name.to_string())).collect();
        let tell = move |notice| {
            let name = |id: &NodeId| names.get(id).cloned().unwrap_or_else(|| format!("node {id}"));
            // the loop has ended: nobody needs to know any more
            let _heard = sender.send(input(notice, &name));
        };
        let handle = heartbeat::spawn(Config { identity, conf, key }, tell)?;
        // the token follows from whether the thread got real-time scheduling, which it finds out first
        let mut token_ms = 0;
        for _ in 0..FIRST_STATUS_TRIES {
            token_ms = handle.snapshot().token_ms;
            if token_ms > 0 {
                break;
            }
            tokio::time::sleep(FIRST_STATUS_PAUSE).await;
        }
        Ok(Self { handle, inputs, token_ms: token_ms.max(1) })
    }

    /// Returns the next thing the thread says; none when it has ended.
    pub(super) async fn next(&mut self) -> Option<GroupInput> {
        self.inputs.recv().await
    }

    /// Says that the loop goes round: heartbeats without a brain behind them would be a lie.
    pub(super) fn alive(&self) {
        self.handle.alive();
    }

    /// Leaves in order.
    pub(super) async fn leave(&mut self) {
        self.handle.leave();
        let until_left = async {
            while let Some(input) = self.inputs.recv().await {
                if matches!(input, GroupInput::Left) {
                    return;
                }
            }
        };
        if tokio::time::timeout(LEAVE_PATIENCE, until_left).await.is_err() {
            tracing::warn!("left without an answer: the others will notice by silence");
        }
    }

    /// Takes a changed corosync.conf.
    pub(super) fn reload(&self, conf: Conf) {
        self.handle.reload(conf, None);
    }

    /// Returns what tools may know of the group.
    pub(super) fn snapshot(&self) -> GroupStatus {
        self.handle.snapshot()
    }

    /// Returns the silence in milliseconds after which a peer counts as lost.
    pub(super) fn token_ms(&self) -> u64 {
        self.token_ms
    }

    /// Returns a node's addresses, those of live links first.
    pub(super) fn addresses(&self, node: NodeId) -> Vec<std::net::SocketAddr> {
        self.handle.addresses(node)
    }

    /// The log says that there is nobody to wait for.
    pub(super) fn wait_for_all_satisfied(&self) {
        self.handle.wait_for_all_satisfied();
    }

    /// An operator says how many votes are expected.
    pub(super) fn expected_votes(&self, votes: u32) {
        self.handle.expected_votes(votes);
    }
}

fn input(notice: Notice, name: &impl Fn(&NodeId) -> String) -> GroupInput {
    match notice {
        Notice::View(view) => GroupInput::View(view),
        Notice::MemberRestarted { node, incarnation: _ } => GroupInput::Restarted(node),
        Notice::Peer { node, change } => {
            let name = name(&node);
            let (kind, text) = match change {
                PeerChange::Appeared { .. } => ("appeared", format!("{name} is heard")),
                PeerChange::Lost { silent_ms } => {
                    ("lost", format!("{name} is lost: silent for {silent_ms} ms"))
                }
                PeerChange::Rebooted => ("rebooted", format!("{name} was booted again")),
                PeerChange::Left => ("left", format!("{name} left in order")),
            };
            GroupInput::Happened { kind, text }
        }
        Notice::LinkChange { node, link, up } => {
            let state = if up { "is up" } else { "is down" };
            GroupInput::Happened {
                kind: "link",
                text: format!("link {link} to {} {state}", name(&node)),
            }
        }
        Notice::Warning(warning) => GroupInput::Said { text: warning.to_string() },
        Notice::Trouble(text) => GroupInput::Said { text },
        Notice::Left => GroupInput::Left,
    }
}

//! The heartbeat thread: the shell around the group.
//!
//! A thread of its own, with real-time scheduling where that is allowed, that touches nothing but
//! UDP sockets and a clock: no disk, no log, no lock that anybody holds for long. What it learns it
//! tells through a function given at the start, which must not block (a channel's `send`).

mod keys;
mod realtime;
mod sockets;
mod thread;

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{Incarnation, NodeId, View};

pub use keys::{KeyError, load_authkey};
pub use realtime::{TOKEN_MS_ELSE, TOKEN_MS_REAL_TIME, default_token_ms, sees_hypervisor};
pub use sockets::LinkError;

use crate::conf::Conf;
use crate::core::status::GroupStatus;
use crate::core::{Identity, LinkId, PeerChange, Warning};
use crate::seal::AuthKey;
use sockets::Addresses;

/// How often names that had no address are tried again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

/// What the thread is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who this node is.
    pub identity: Identity,
    /// The checked corosync.conf.
    pub conf: Conf,
    /// The cluster's key.
    pub key: AuthKey,
}

/// What the thread tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// This view holds from now on; see [`crate::core::Effect::View`].
    View(View),
    /// A member's brain started again in the same boot, in time.
    MemberRestarted {
        /// The member.
        node: NodeId,
        /// Its new life.
        incarnation: Incarnation,
    },
    /// A node came or went, as seen from here.
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
    /// Somebody should look at this: a link of this node, a name without an address.
    Trouble(String),
    /// The others know that this node leaves; the thread has ended.
    Left,
}

/// Why the thread did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The nodelist does not have this node.
    #[error(
        "node {node} is not in the nodelist of {file}; run 'pcs cluster sync' on a node that is, \
         or 'pcs cluster node add'"
    )]
    NotListed {
        /// The number.
        node: NodeId,
        /// The file.
        file: String,
    },
    /// None of this node's links can be used.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The system gave no thread or no pipe.
    #[error("cannot start the heartbeat thread")]
    Thread(#[source] std::io::Error),
}

enum Command {
    Reload(Box<Conf>, Addresses, Option<AuthKey>),
    Resolved(Addresses),
    Leave,
    WaitForAllSatisfied,
    ExpectedVotes(u32),
    DropPreviousKey,
    Stop,
}

/// The running thread. Dropping it ends the thread without a leave: the others will miss it.
#[derive(Debug)]
pub struct Handle {
    commands: Sender<Command>,
    wake: UnixStream,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the thread and its owner both look at.
#[derive(Debug)]
struct Shared {
    began: Instant,
    /// When the controller's loop last went round, in milliseconds since `began`.
    alive_ms: AtomicU64,
    published: Mutex<Published>,
}

#[derive(Clone, Debug, Default)]
struct Published {
    status: GroupStatus,
    addresses: Addresses,
}

impl Shared {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Starts the heartbeats and returns once the thread runs. `tell` is called on the thread and must
/// not block.
pub fn spawn(
    config: Config,
    tell: impl FnMut(Notice) + Send + 'static,
) -> Result<Handle, StartError> {
    let Config { identity, conf, key } = config;
    if !conf.nodes.contains_key(&identity.node) {
        return Err(StartError::NotListed { node: identity.node, file: conf.file });
    }
    let (addresses, failed) = sockets::resolve(&conf);
    let (wake, woken) = UnixStream::pair().map_err(StartError::Thread)?;
    for end in [&wake, &woken] {
        end.set_nonblocking(true).map_err(StartError::Thread)?;
    }
    let shared = Arc::new(Shared {
        began: Instant::now(),
        alive_ms: AtomicU64::new(0),
        published: Mutex::default(),
    });
    let links = thread::Links::open(&conf, identity.node, &addresses, failed)?;
    let unresolved = links.has_unresolved().then(|| conf.clone());
    let (commands, inbox) = channel();
    let (ready, is_ready) = channel();
    let thread = {
        let shared = Arc::clone(&shared);
        let start = thread::Start { identity, conf, key, addresses, links, shared, woken, ready };
        std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || thread::run(start, &inbox, tell))
            .map_err(StartError::Thread)?
    };
    let handle = Handle { commands, wake, shared, thread: Some(thread) };
    // The token depends on whether the thread gets real-time scheduling; nobody shall see a status
    // without it. A thread that dies here is seen at its first missing notice.
    is_ready.recv().ok();
    if let Some(conf) = unresolved {
        handle.keep_resolving(conf);
    }
    Ok(handle)
}

impl Handle {
    /// Notes that the controller's loop goes round; without it for five seconds no heartbeat is
    /// sent, since a node whose controller hangs must not hold its resources.
    pub fn alive(&self) {
        self.shared.alive_ms.store(self.shared.now_ms(), Ordering::Relaxed);
    }

    /// Takes a changed corosync.conf, and a changed key where there is one; the key before stays
    /// good for opening until [`Handle::drop_previous_key`]. Looks up names, so it may take a while.
    pub fn reload(&self, conf: Conf, key: Option<AuthKey>) {
        let (addresses, failed) = sockets::resolve(&conf);
        self.send(Command::Reload(Box::new(conf.clone()), addresses, key));
        if !failed.is_empty() {
            self.keep_resolving(conf);
        }
    }

    /// Opens nothing any more that was sealed with the key before the current one.
    pub fn drop_previous_key(&self) {
        self.send(Command::DropPreviousKey);
    }

    /// Leaves in order; [`Notice::Left`] comes when the others know, within half a second.
    pub fn leave(&self) {
        self.send(Command::Leave);
    }

    /// There is nobody to wait for, says the log or an operator.
    pub fn wait_for_all_satisfied(&self) {
        self.send(Command::WaitForAllSatisfied);
    }

    /// Sets the votes expected until the next change of corosync.conf.
    pub fn expected_votes(&self, votes: u32) {
        self.send(Command::ExpectedVotes(votes));
    }

    /// Returns the group as it was at the last beat or change.
    pub fn snapshot(&self) -> GroupStatus {
        self.shared.published.lock().unwrap_or_else(PoisonError::into_inner).status.clone()
    }

    /// Returns the silence in milliseconds after which a peer counts as lost.
    pub fn token_ms(&self) -> u64 {
        self.snapshot().token_ms
    }

    /// Returns a node's addresses, those of live links first.
    pub fn addresses(&self, node: NodeId) -> Vec<SocketAddr> {
        let published = self.shared.published.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = published.addresses.get(&node) else { return Vec::new() };
        let status = published.status.node(node.0);
        let is_up = |link: &LinkId| {
            status.is_some_and(|status| status.links.iter().any(|l| l.link == *link && l.up))
        };
        let mut found: Vec<(bool, LinkId, SocketAddr)> =
            known.iter().map(|(link, address)| (!is_up(link), *link, *address)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, _, address)| address).collect()
    }

    /// Waits until the thread has ended after a leave.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there was told by the thread itself.
            drop(thread.join());
        }
    }

    fn send(&self, command: Command) {
        // A thread that has ended needs no commands.
        if self.commands.send(command).is_ok() {
            // A full pipe wakes the thread as well.
            drop((&self.wake).write(&[0]));
        }
    }

    /// Tries names without an address again, on a thread of its own since a resolver may hang.
    fn keep_resolving(&self, conf: Conf) {
        let commands = self.commands.clone();
        let Ok(wake) = self.wake.try_clone() else { return };
        let resolver = move || {
            let (_never, wait) = channel::<()>();
            loop {
                wait.recv_timeout(RESOLVE_AGAIN).ok();
                let (addresses, failed) = sockets::resolve(&conf);
                if commands.send(Command::Resolved(addresses)).is_err() {
                    return;
                }
                drop((&wake).write(&[0]));
                if failed.is_empty() {
                    return;
                }
            }
        };
        // Without a thread the names are tried at the next reload.
        drop(std::thread::Builder::new().name("resolver".into()).spawn(resolver));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.send(Command::Stop);
    }
}

type Inbox = Receiver<Command>;

#[cfg(test)]
mod tests;

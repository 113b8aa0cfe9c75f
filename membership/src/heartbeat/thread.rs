//! The loop of the heartbeat thread.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, TryRecvError};
use std::time::Duration;

use model::{Monotonic, NodeId};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::realtime::{default_token_ms, lock_memory, make_real_time, sees_hypervisor};
use super::sockets::{self, Addresses, LinkError};
use super::{Command, Inbox, Notice, Shared};
use crate::conf::Conf;
use crate::core::beat::Heartbeat;
use crate::core::{Effect, Event, Group, GroupConf, Identity, LinkId};
use crate::seal::{AuthKey, Cipher, Keyring, Opener, Refused, SEAL_BYTES, Sealer};

/// A controller's loop that did not go round for this long is stuck.
const STUCK_MS: u64 = 5_000;

/// Two looks at the clock while running are microseconds apart; more than this is a pause.
const STANDSTILL_MS: u64 = 20;

/// A link that could not be opened is tried again this often.
const REOPEN_MS: u64 = 2_000;

/// Packets taken from one socket before the clock is looked at again: two seconds' worth of 16
/// peers.
const PACKETS_A_TURN: usize = 512;

/// Larger than any packet of ours; what is longer is not ours.
const PACKET_BYTES_MAX: usize = 2_048;

/// The sockets of this node's links.
pub(super) struct Links {
    links: BTreeMap<LinkId, Link>,
    /// What did not work, to be told once the thread runs.
    troubles: Vec<String>,
    unresolved: bool,
}

struct Link {
    local: SocketAddr,
    socket: Option<UdpSocket>,
    tried_at: Monotonic,
}

impl Links {
    /// Opens what can be opened; it is an error only when that is nothing.
    pub(super) fn open(
        conf: &Conf,
        me: NodeId,
        addresses: &Addresses,
        failed: Vec<LinkError>,
    ) -> Result<Self, LinkError> {
        let unresolved = !failed.is_empty();
        let own = addresses.get(&me).cloned().unwrap_or_default();
        let mut links = BTreeMap::new();
        let mut errors = Vec::new();
        for (link, local) in own {
            let opened = conf.nodes.get(&me).map(|node| sockets::open(conf, node, link, local));
            let socket = match opened {
                Some(Ok(socket)) => Some(socket),
                Some(Err(error)) => {
                    errors.push(error);
                    None
                }
                None => None,
            };
            links.insert(link, Link { local, socket, tried_at: Monotonic(0) });
        }
        errors.extend(failed);
        if links.values().all(|link| link.socket.is_none()) && !errors.is_empty() {
            return Err(errors.swap_remove(0));
        }
        let troubles = errors.iter().map(in_full).collect();
        Ok(Self { links, troubles, unresolved })
    }

    pub(super) fn has_unresolved(&self) -> bool {
        self.unresolved
    }
}

/// Returns an error with its causes.
fn in_full(error: &LinkError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// What the thread begins with.
pub(super) struct Start {
    pub(super) identity: Identity,
    pub(super) conf: Conf,
    pub(super) key: AuthKey,
    pub(super) addresses: Addresses,
    pub(super) links: Links,
    pub(super) shared: Arc<Shared>,
    pub(super) woken: UnixStream,
    /// Told once the first status is published.
    pub(super) ready: Sender<()>,
}

struct Thread<Tell> {
    identity: Identity,
    conf: Conf,
    addresses: Addresses,
    links: BTreeMap<LinkId, Link>,
    keyring: Keyring,
    sealer: Sealer,
    opener: Opener,
    group: Group,
    shared: Arc<Shared>,
    real_time: bool,
    stuck: bool,
    /// Own lateness since the controller was last seen alive, which is not its fault.
    stuck_grace_ms: u64,
    alive_ms: u64,
    /// When this thread last looked at the clock while running.
    seen_at: Monotonic,
    left: bool,
    stop: bool,
    tell: Tell,
    effects: Vec<Effect>,
    payload: Vec<u8>,
    buffer: Vec<u8>,
}

/// Runs until the node has left or its owner is gone.
pub(super) fn run(start: Start, inbox: &Inbox, tell: impl FnMut(Notice)) {
    let real_time = make_real_time();
    lock_memory();
    let Start { identity, conf, key, addresses, links, shared, mut woken, ready } = start;
    let Links { links, troubles, unresolved: _ } = links;
    let default_ms = default_token_ms(real_time, sees_hypervisor());
    let cluster_name = conf.totem.cluster_name.clone().unwrap_or_default();
    let cipher = Cipher::from_conf(conf.totem.crypto_cipher.as_deref());
    let keyring = Keyring::new(&cluster_name, cipher, key);
    let now = Monotonic(shared.now_ms());
    let mut thread = Thread {
        group: Group::new(identity, GroupConf::new(&conf, default_ms), now),
        sealer: Sealer::new(&keyring, identity.node, identity.incarnation),
        opener: Opener::new(keyring.clone()),
        keyring,
        identity,
        conf,
        addresses,
        links,
        shared,
        real_time,
        stuck: false,
        stuck_grace_ms: 0,
        alive_ms: now.0,
        seen_at: now,
        left: false,
        stop: false,
        tell,
        effects: Vec::new(),
        payload: Vec::new(),
        buffer: vec![0; PACKET_BYTES_MAX],
    };
    thread.publish(now);
    ready.send(()).ok();
    for trouble in troubles {
        (thread.tell)(Notice::Trouble(trouble));
    }
    // The controller has its time from here on, not from when the names were looked up.
    thread.shared.alive_ms.fetch_max(now.0, Ordering::Relaxed);
    thread.happen(Event::Tick { late_ms: 0 });
    while !thread.left && !thread.stop {
        let due = thread.group.wake_at(thread.now());
        thread.wait(due, &woken);
        thread.seen_at = thread.now();
        let late_ms = thread.seen_at.since(due);
        thread.watch_controller(late_ms);
        thread.happen(Event::Tick { late_ms });
        thread.listen();
        let mut drained = [0; 64];
        while woken.read(&mut drained).is_ok_and(|count| count > 0) {}
        thread.obey(inbox);
        thread.reopen();
    }
}

impl<Tell: FnMut(Notice)> Thread<Tell> {
    fn now(&self) -> Monotonic {
        Monotonic(self.shared.now_ms())
    }

    /// Sleeps until something comes in or `due` is there.
    fn wait(&self, due: Monotonic, woken: &UnixStream) {
        let elapsed = self.shared.began.elapsed();
        let left = Duration::from_millis(due.0).saturating_sub(elapsed);
        let sockets = self.links.values().filter_map(|link| link.socket.as_ref());
        let fds = sockets.map(AsFd::as_fd).chain([woken.as_fd()]);
        let mut fds: Vec<PollFd<'_>> =
            fds.map(|fd: BorrowedFd<'_>| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // A signal or a bad descriptor ends the sleep early, which does no harm.
        ppoll(&mut fds, Some(TimeSpec::from_duration(left)), None).ok();
    }

    fn happen(&mut self, event: Event) {
        let now = self.now();
        // The host may stand still at any moment, not only while this thread sleeps.
        let late_ms = now.since(self.seen_at);
        self.seen_at = now;
        if late_ms >= STANDSTILL_MS {
            self.group.handle(now, Event::Tick { late_ms }, &mut self.effects);
        }
        self.group.handle(now, event, &mut self.effects);
        let mut changed = false;
        for effect in std::mem::take(&mut self.effects) {
            changed = true;
            let notice = match effect {
                Effect::Send { link, to, heartbeat } => {
                    self.send(link, &to, &heartbeat);
                    continue;
                }
                Effect::View(view) => Notice::View(view),
                Effect::MemberRestarted { node, incarnation } => {
                    Notice::MemberRestarted { node, incarnation }
                }
                Effect::Peer { node, change } => Notice::Peer { node, change },
                Effect::LinkChange { node, link, up } => Notice::LinkChange { node, link, up },
                Effect::Warning(warning) => Notice::Warning(warning),
                Effect::Left => {
                    self.left = true;
                    Notice::Left
                }
            };
            // Whoever hears of it and asks shall find it in the status.
            self.publish(now);
            (self.tell)(notice);
        }
        if changed {
            self.publish(now);
        }
    }

    /// Publishes the status, unless somebody is reading it just now: the next beat comes soon.
    fn publish(&self, now: Monotonic) {
        if let Ok(mut published) = self.shared.published.try_lock() {
            published.status = self.group.status(now);
            published.status.real_time = self.real_time;
            published.addresses.clone_from(&self.addresses);
        }
    }

    fn send(&mut self, link: LinkId, to: &[NodeId], heartbeat: &Heartbeat) {
        let Some(socket) = self.links.get(&link).and_then(|link| link.socket.as_ref()) else {
            return;
        };
        self.payload.clear();
        heartbeat.encode(&mut self.payload);
        let packet = self.sealer.seal(link, &self.payload);
        for node in to {
            if let Some(address) = self.addresses.get(node).and_then(|links| links.get(&link)) {
                // A packet that cannot be sent is a packet lost: the other end will say so.
                drop(socket.send_to(&packet, address));
            }
        }
    }

    /// Takes what came in on every link.
    fn listen(&mut self) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            for _ in 0..PACKETS_A_TURN {
                let mut buffer = std::mem::take(&mut self.buffer);
                buffer.resize(PACKET_BYTES_MAX, 0);
                let socket = self.links.get(&link).and_then(|link| link.socket.as_ref());
                let received = socket.map(|socket| socket.recv_from(&mut buffer));
                let event = match received {
                    Some(Ok((bytes, from))) => self.open(link, &mut buffer[..bytes], from),
                    Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => None,
                    // Nothing more, or no socket; a dead interface comes back by itself.
                    Some(Err(_)) | None => {
                        self.buffer = buffer;
                        break;
                    }
                };
                self.buffer = buffer;
                if let Some(event) = event {
                    self.happen(event);
                }
            }
        }
    }

    fn open(&mut self, link: LinkId, packet: &mut [u8], from: SocketAddr) -> Option<Event> {
        if packet.len() < SEAL_BYTES {
            return None;
        }
        match self.opener.open(packet) {
            Ok(opened) => {
                let heartbeat = Heartbeat::decode(opened.payload).ok()?;
                let honest = (opened.sender, opened.life, opened.link)
                    == (heartbeat.from, heartbeat.incarnation, link);
                honest.then(|| Event::Heard { link, heartbeat: Box::new(heartbeat) })
            }
            Err(Refused::Foreign | Refused::Repeated) => None,
            Err(Refused::Unreadable { claims, why }) => Some(Event::Unreadable {
                address: from.ip().to_string(),
                claims: Some(claims),
                why,
            }),
        }
    }

    /// Stops the heartbeats while the controller's loop hangs.
    fn watch_controller(&mut self, late_ms: u64) {
        let alive_ms = self.shared.alive_ms.load(Ordering::Relaxed);
        if alive_ms != self.alive_ms {
            self.alive_ms = alive_ms;
            self.stuck_grace_ms = 0;
        } else {
            self.stuck_grace_ms += late_ms;
        }
        let silent_ms = self.now().0.saturating_sub(alive_ms);
        let stuck = silent_ms > STUCK_MS + self.stuck_grace_ms;
        if stuck != self.stuck {
            self.stuck = stuck;
            if stuck {
                (self.tell)(Notice::Trouble(format!(
                    "the controller has hung for {silent_ms} ms: heartbeats stop until it goes on"
                )));
            }
            self.happen(Event::Stuck(stuck));
        }
    }

    fn obey(&mut self, inbox: &Inbox) {
        loop {
            match inbox.try_recv() {
                Ok(Command::Reload(conf, addresses, key)) => self.reload(*conf, addresses, key),
                Ok(Command::Resolved(addresses)) => self.move_to(addresses),
                Ok(Command::Leave) => self.happen(Event::LeaveRequested),
                Ok(Command::WaitForAllSatisfied) => self.happen(Event::WaitForAllSatisfied),
                Ok(Command::ExpectedVotes(votes)) => self.happen(Event::ExpectedVotes(votes)),
                Ok(Command::DropPreviousKey) => {
                    self.keyring.drop_previous();
                    self.opener.set_keyring(self.keyring.clone());
                }
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    self.stop = true;
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn reload(&mut self, conf: Conf, addresses: Addresses, key: Option<AuthKey>) {
        if let Some(key) = key {
            self.keyring.rotate(key);
            self.sealer.rekey(&self.keyring);
            self.opener.set_keyring(self.keyring.clone());
        }
        let default_ms = default_token_ms(self.real_time, sees_hypervisor());
        let group_conf = GroupConf::new(&conf, default_ms);
        if conf.nodes.contains_key(&self.identity.node) {
            self.conf = conf;
        }
        self.move_to(addresses);
        self.happen(Event::ConfChanged(Box::new(group_conf)));
    }

    /// Takes changed addresses: peers are sent to where they are now, own links are opened anew.
    fn move_to(&mut self, mut addresses: Addresses) {
        let me = self.identity.node;
        if let (false, Some(own)) = (addresses.contains_key(&me), self.addresses.remove(&me)) {
            addresses.insert(me, own);
        }
        self.addresses = addresses;
        let own = self.addresses.get(&me).cloned().unwrap_or_default();
        self.links.retain(|link, state| own.get(link) == Some(&state.local));
        for (link, local) in own {
            let fresh = || Link { local, socket: None, tried_at: Monotonic(0) };
            self.links.entry(link).or_insert_with(fresh);
        }
    }

    /// Tries to open the links that are not open.
    fn reopen(&mut self) {
        let now = self.now();
        for (link, state) in &mut self.links {
            let first = state.tried_at == Monotonic(0);
            if state.socket.is_some() || (!first && now.since(state.tried_at) < REOPEN_MS) {
                continue;
            }
            state.tried_at = now;
            let Some(node) = self.conf.nodes.get(&self.identity.node) else { continue };
            match sockets::open(&self.conf, node, *link, state.local) {
                Ok(socket) => state.socket = Some(socket),
                Err(error) if first => (self.tell)(Notice::Trouble(in_full(&error))),
                Err(_) => {}
            }
        }
    }
}

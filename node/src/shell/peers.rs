//! Links to the other brains: gRPC over mTLS, one stream a direction, each in order.
//!
//! A message for a peer that cannot be reached is dropped, and the loop is told when a link comes
//! up again: raft repeats what matters to it, and the DC tells a peer everything anew.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use model::{Incarnation, NodeId};
use wire::client::MESSAGE_MAX;
use wire::peer::peer_client::PeerClient;
use wire::peer::peer_server::{Peer, PeerServer};
use wire::peer::{Bye, Hello, Message, message};

use super::trust::Trust;

/// Messages that may wait for one peer. A start of 1,000 resources is about as many; a peer that
/// takes none for so long is stuck, and its link is begun anew.
const OUTBOX_MAX: usize = 8192;

/// How long dialling may take before another address is tried.
const DIAL_TIMEOUT: Duration = Duration::from_millis(700);

/// Between two attempts to dial. A peer's brain that restarts listens again within 100 ms.
const DIAL_PAUSE: Duration = Duration::from_millis(60);

/// HTTP/2 pings notice a half-dead connection; the heartbeats notice a dead peer long before.
const PING_EVERY: Duration = Duration::from_secs(2);

/// The last words of a brain that leaves are short; a peer that has not read them by then is gone.
const FAREWELL: Duration = Duration::from_millis(300);

/// What the loop hears from here.
#[allow(clippy::large_enum_variant, reason = "messages are most of them")]
#[derive(Debug)]
pub(crate) enum PeerInput {
    /// Our link to a peer is up; what was sent before may be lost.
    Up(NodeId),
    /// Our link to a peer broke.
    Down(NodeId),
    /// A peer said something.
    Said { from: NodeId, incarnation: Incarnation, message: message::Kind },
}

/// A peer as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    /// Its number.
    pub(crate) id: NodeId,
    /// Where it listens, best link first.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// All links of this brain.
#[derive(Debug)]
pub(crate) struct Peers {
    me: Hello,
    trust: Arc<Trust>,
    inbox: mpsc::Sender<PeerInput>,
    outboxes: BTreeMap<NodeId, Outbox>,
}

#[derive(Debug)]
struct Outbox {
    queue: mpsc::Sender<Message>,
    /// The addresses to dial, and a counter that begins the link anew when it grows.
    dial: watch::Sender<(Vec<SocketAddr>, u64)>,
    task: tokio::task::JoinHandle<()>,
    is_up: Arc<AtomicBool>,
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peers {
    /// Listens on the given sockets and makes ready to dial.
    pub(crate) fn start(
        me: Hello,
        trust: Arc<Trust>,
        listeners: Vec<std::net::TcpListener>,
        inbox: mpsc::Sender<PeerInput>,
    ) -> std::io::Result<Self> {
        let incoming = Incoming { inbox: inbox.clone(), newest: Arc::default() };
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let stream =
                tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
            let service = PeerServer::new(incoming.clone()).max_decoding_message_size(MESSAGE_MAX);
            let server = Server::builder()
                .tls_config(trust.server())
                .map_err(std::io::Error::other)?
                .http2_keepalive_interval(Some(PING_EVERY))
                .http2_keepalive_timeout(Some(PING_EVERY))
                .add_service(service)
                .serve_with_incoming(stream);
            tokio::spawn(async move {
                if let Err(error) = server.await {
                    tracing::error!(%error, "the listener for peers ended");
                }
            });
        }
        Ok(Self { me, trust, inbox, outboxes: BTreeMap::new() })
    }

    /// Takes the peers of a (new) configuration: dials new ones, forgets those that are gone.
    pub(crate) fn configure(&mut self, peers: &[PeerAddress]) {
        self.outboxes.retain(|id, _| peers.iter().any(|p| p.id == *id));
        for peer in peers {
            match self.outboxes.get(&peer.id) {
                Some(outbox) => {
                    outbox.dial.send_if_modified(|(addresses, _)| {
                        let differs = *addresses != peer.addresses;
                        addresses.clone_from(&peer.addresses);
                        differs
                    });
                }
                None => {
                    let outbox = self.open(peer);
                    self.outboxes.insert(peer.id, outbox);
                }
            }
        }
    }

    fn open(&self, peer: &PeerAddress) -> Outbox {
        let (queue, messages) = mpsc::channel(OUTBOX_MAX);
        let (dial, orders) = watch::channel((peer.addresses.clone(), 0));
        let is_up = Arc::new(AtomicBool::new(false));
        let link = Link {
            is_up: Arc::clone(&is_up),
            peer: peer.id,
            me: self.me.clone(),
            trust: Arc::clone(&self.trust),
            inbox: self.inbox.clone(),
            messages,
            orders,
        };
        Outbox { queue, dial, task: tokio::spawn(link.run()), is_up }
    }

    /// Sends, or drops the message when the peer is unknown or its link is stuck.
    pub(crate) fn send(&self, to: NodeId, kind: message::Kind) {
        let Some(outbox) = self.outboxes.get(&to) else { return };
        if outbox.queue.try_send(Message { kind: Some(kind) }).is_err() {
            tracing::warn!(peer = %to, "the peer takes no messages; its link is begun anew");
            self.renew(to);
        }
    }

    /// Begins the link to a peer anew: after its loss, or when its brain has restarted.
    pub(crate) fn renew(&self, peer: NodeId) {
        if let Some(outbox) = self.outboxes.get(&peer) {
            outbox.dial.send_modify(|(_, count)| *count += 1);
        }
    }
}

impl Peers {
    /// Ends all links once what was sent has arrived, or after a short while.
    pub(crate) async fn finish(&mut self) {
        for outbox in self.outboxes.values_mut() {
            // nobody sends any more: the link's task sees the end of its queue
            outbox.queue = mpsc::channel(1).0;
        }
        let all = async {
            for outbox in self.outboxes.values_mut() {
                // a link that is not up has nothing to deliver
                if outbox.is_up.load(Ordering::Relaxed) && (&mut outbox.task).await.is_err() {
                    tracing::debug!("a link broke while it was ended");
                }
            }
        };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::debug!("a peer did not take everything before the end");
        }
    }
}

/// One outgoing link: dials for ever, and says when it is up and down.
struct Link {
    is_up: Arc<AtomicBool>,
    peer: NodeId,
    me: Hello,
    trust: Arc<Trust>,
    inbox: mpsc::Sender<PeerInput>,
    messages: mpsc::Receiver<Message>,
    orders: watch::Receiver<(Vec<SocketAddr>, u64)>,
}

impl Link {
    async fn run(mut self) {
        let mut attempt = 0_usize;
        loop {
            let addresses = self.orders.borrow_and_update().0.clone();
            if !addresses.is_empty() {
                let address = addresses[attempt % addresses.len()];
                attempt += 1;
                self.once(address).await;
                self.is_up.store(false, Ordering::Relaxed);
                if self.messages.is_closed() {
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(DIAL_PAUSE) => {}
                changed = self.orders.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Dials once and, if that works, carries messages until the link breaks.
    async fn once(&mut self, address: SocketAddr) {
        let endpoint = Endpoint::from_shared(format!("https://{address}"))
            .and_then(|endpoint| endpoint.tls_config(self.trust.client(self.peer)));
        let endpoint = match endpoint {
            Ok(endpoint) => endpoint
                .connect_timeout(DIAL_TIMEOUT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(PING_EVERY)
                .keep_alive_timeout(PING_EVERY)
                .keep_alive_while_idle(true),
            Err(error) => {
                tracing::error!(peer = %self.peer, %address, %error, "cannot dial this address");
                return;
            }
        };
        let dialled = tokio::time::timeout(DIAL_TIMEOUT * 2, endpoint.connect()).await;
        let Ok(Ok(channel)) = dialled else {
            tracing::debug!(peer = %self.peer, %address, "no answer");
            return;
        };
        let mut client = PeerClient::new(channel).max_encoding_message_size(MESSAGE_MAX);
        // what was queued for the link before is stale: the loop is told to tell anew
        while self.messages.try_recv().is_ok() {}
        let (forward, outgoing) = mpsc::channel(64);
        let hello = Message { kind: Some(message::Kind::Hello(self.me.clone())) };
        if forward.try_send(hello).is_err() {
            return;
        }
        let mut call =
            tokio::spawn(async move { client.link(ReceiverStream::new(outgoing)).await });
        if self.inbox.send(PeerInput::Up(self.peer)).await.is_err() {
            return;
        }
        self.is_up.store(true, Ordering::Relaxed);
        loop {
            tokio::select! {
                message = self.messages.recv() => match message {
                    Some(message) => tokio::select! {
                        sent = forward.send(message) => if sent.is_err() { break },
                        _ended = &mut call => break,
                    },
                    None => {
                    // the stream's end behind the last message: the peer answers when it has read all
                        drop(forward);
                        if tokio::time::timeout(FAREWELL, &mut call).await.is_err() {
                            call.abort();
                        }
                        return;
                    }
                },
                _ended = &mut call => break,
                changed = self.orders.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
            }
        }
        call.abort();
        if self.inbox.send(PeerInput::Down(self.peer)).await.is_err() {
            tracing::debug!("the loop has ended");
        }
    }
}

/// The listening side.
#[derive(Clone)]
struct Incoming {
    inbox: mpsc::Sender<PeerInput>,
    /// The number of the newest link of each node: what still comes from an older one is dropped.
    newest: Arc<Mutex<BTreeMap<u32, u64>>>,
}

#[tonic::async_trait]
impl Peer for Incoming {
    async fn link(&self, request: Request<Streaming<Message>>) -> Result<Response<Bye>, Status> {
        let mut stream = request.into_inner();
        let first = stream.message().await?;
        let Some(Message { kind: Some(message::Kind::Hello(hello)) }) = first else {
            return Err(Status::invalid_argument("a link begins with a hello"));
        };
        let from = NodeId(hello.node);
        let incarnation = Incarnation(hello.incarnation);
        let mine = {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            let number = newest.entry(hello.node).or_default();
            *number += 1;
            *number
        };
        while let Some(message) = stream.next().await {
            let Some(message) = message?.kind else { continue };
            let newest = *self
                .newest
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&hello.node)
                .unwrap_or(&0);
            if newest != mine {
                return Err(Status::aborted("a newer link has taken over"));
            }
            let said = PeerInput::Said { from, incarnation, message };
            if self.inbox.send(said).await.is_err() {
                return Err(Status::unavailable("the brain is ending"));
            }
        }
        Ok(Response::new(Bye {}))
    }
}

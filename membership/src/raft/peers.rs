//! Sessions with peers: every message carries both lives and sessions, so that nothing old counts;
//! a session begins with a handshake that compares lineages and decides who gives way.

use std::collections::{BTreeMap, BTreeSet};

use model::{Monotonic, NodeId, View};
use prost::Message as _;
use raft::eraftpb;
use raft_prost::Message as _;

use super::consensus::{Consensus, node_id};
use super::convert;
use super::event::{Effect, ResetReason};
use super::lineage::{self, Relation, Weight};
use super::record::{Ancestor, Context};

/// Milliseconds between greetings to a member that has not answered.
const GREET_MS: u64 = 100;
/// Milliseconds between answers to messages of a session that is over.
const ANSWER_MS: u64 = 20;
/// A larger message is no message: the largest entry, and room for a document beside it.
const PACKET_BYTES_MAX: usize = 3 * super::consensus::ENTRY_BYTES_MAX;

/// One side of a session: a life and a number in it.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Token {
    #[prost(uint64, tag = "1")]
    pub(super) incarnation: u64,
    #[prost(uint64, tag = "2")]
    pub(super) session: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Packet {
    #[prost(message, optional, tag = "1")]
    from: Option<Token>,
    /// The receiver's token as the sender knows it; in a greeting, the proof that it is fresh.
    #[prost(message, optional, tag = "2")]
    to: Option<Token>,
    #[prost(oneof = "Body", tags = "3, 4")]
    body: Option<Body>,
    /// Names the lineage the session began with.
    #[prost(fixed64, tag = "5")]
    lineage: u64,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Body {
    #[prost(message, tag = "3")]
    Greeting(Greeting),
    #[prost(bytes, tag = "4")]
    Raft(Vec<u8>),
}

/// Who I am, as far as lineages go.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Greeting {
    /// Empty = an empty store.
    #[prost(message, repeated, tag = "1")]
    pub(super) lineage: Vec<Ancestor>,
    /// Taken into the lineage, without its state yet.
    #[prost(bool, tag = "2")]
    pub(super) blank: bool,
    /// Born, and nothing happened since.
    #[prost(bool, tag = "3")]
    pub(super) untouched: bool,
    #[prost(uint64, tag = "4")]
    pub(super) store: u64,
    #[prost(uint64, tag = "5")]
    pub(super) admin_epoch: u64,
    #[prost(uint64, tag = "6")]
    pub(super) epoch: u64,
    #[prost(uint64, tag = "7")]
    pub(super) writes: u64,
    /// The sender has a session with the receiver and needs no answer.
    #[prost(bool, tag = "8")]
    settled: bool,
}

/// What this core knows of a peer's.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// My number of the present session with it; another one whenever it was lost.
    session: u64,
    /// Its side of an established session.
    theirs: Option<Token>,
    /// The lineage the session began with.
    lineage: u64,
    /// Its latest greeting that was proven fresh, and under which token.
    heard: Option<(Token, Greeting)>,
    /// A handshake succeeded at the present lineage in this life.
    pub(super) met: bool,
    greeted: Option<Monotonic>,
}

impl Peer {
    /// Tells whether a session is established.
    pub(super) fn is_usable(&self) -> bool {
        self.theirs.is_some()
    }

    /// Returns its latest greeting, if it is of the established session or of none yet.
    pub(super) fn greeting(&self) -> Option<&Greeting> {
        self.heard.as_ref().map(|(_, greeting)| greeting)
    }

    /// Returns the life it greeted from.
    pub(super) fn incarnation(&self) -> Option<u64> {
        self.heard.as_ref().map(|(token, _)| token.incarnation)
    }

    fn lose(&mut self) {
        self.session = self.session.wrapping_add(1);
        self.theirs = None;
        self.heard = None;
        self.greeted = None;
    }
}

impl Consensus {
    fn peer(&mut self, node: NodeId) -> &mut Peer {
        let session = self.config.salt;
        self.peers.entry(node).or_insert_with(|| Peer { session, ..Peer::default() })
    }

    fn my_token(&mut self, peer: NodeId) -> Token {
        let incarnation = self.config.incarnation.0;
        Token { incarnation, session: self.peer(peer).session }
    }

    /// The members changed: sessions with the lost ones are over, new ones are greeted.
    pub(super) fn change_view(&mut self, view: View, out: &mut Vec<Effect>) {
        let me = self.config.node;
        let before = std::mem::replace(&mut self.view, view);
        for node in before.members.keys().filter(|node| **node != me) {
            if !self.view.members.contains_key(node) {
                self.lose_peer(*node);
            }
        }
        let members: Vec<(NodeId, u64)> =
            self.view.members.values().map(|m| (m.id, m.incarnation.0)).collect();
        for (node, incarnation) in members.into_iter().filter(|(node, _)| *node != me) {
            let peer = self.peer(node);
            let life = peer.theirs.map(|theirs| theirs.incarnation).or(peer.incarnation());
            if life.is_some_and(|life| life < incarnation) {
                self.lose_peer(node);
                if self.known_leader() == Some(node) {
                    // It starts as a follower like everybody.
                    self.forget_leader();
                }
            }
            if !self.peer(node).is_usable() {
                self.greet(node, None, out);
            }
        }
        self.mourn();
    }

    /// Ends the session with a peer; what is under way from it is void.
    fn lose_peer(&mut self, node: NodeId) {
        self.peer(node).lose();
        if let Some(raw) = &mut self.raw {
            raw.report_unreachable(u64::from(node.0));
        }
        if self.snapshots_sent.contains_key(&node) {
            self.report_snapshot(node, false);
        }
    }

    /// Ends all sessions: this node is not what its peers knew.
    pub(super) fn lose_all(&mut self) {
        for peer in self.peers.values_mut() {
            peer.lose();
            peer.met = false;
        }
        self.snapshots_sent.clear();
        self.undelivered.clear();
    }

    pub(super) fn condemn(&mut self, node: NodeId, condemned: bool) {
        if condemned {
            self.condemned.insert(node);
            self.lose_peer(node);
        } else {
            self.condemned.remove(&node);
        }
    }

    /// Greets all members that are not known yet.
    pub(super) fn greet_all(&mut self, out: &mut Vec<Effect>) {
        let me = self.config.node;
        let members: Vec<NodeId> = self.view.members.keys().copied().collect();
        for node in members.into_iter().filter(|node| *node != me) {
            self.greet(node, None, out);
        }
    }

    /// Greets those again who have not answered for a while.
    pub(super) fn greet_again(&mut self, out: &mut Vec<Effect>) {
        let (me, now) = (self.config.node, self.now);
        let members: Vec<NodeId> = self.view.members.keys().copied().collect();
        for node in members.into_iter().filter(|node| *node != me) {
            let peer = self.peer(node);
            let due = peer.greeted.is_none_or(|at| now.since(at) >= GREET_MS);
            if !peer.is_usable() && due {
                let heard = peer.heard.as_ref().map(|(token, _)| *token);
                self.greet(node, heard, out);
            }
        }
    }

    fn greet(&mut self, to: NodeId, echo: Option<Token>, out: &mut Vec<Effect>) {
        if self.condemned.contains(&to) || self.replacing.is_some() {
            // Half-way between two lineages there is nothing true to say.
            return;
        }
        let greeting = Greeting {
            lineage: self.own.lineage.clone(),
            blank: self.blank,
            untouched: self.is_untouched(),
            store: self.store,
            admin_epoch: self.version.0,
            epoch: self.version.1,
            writes: self.own.writes,
            settled: echo.is_some() && self.peer(to).theirs == echo,
        };
        let packet = Packet {
            from: Some(self.my_token(to)),
            to: echo,
            body: Some(Body::Greeting(greeting)),
            lineage: 0,
        };
        let now = self.now;
        self.peer(to).greeted = Some(now);
        out.push(Effect::Send { to, bytes: packet.encode_to_vec(), snapshot: false });
    }

    /// Wraps one of raft's messages for a peer, if a session with it allows that.
    pub(super) fn seal_raft(&mut self, to: NodeId, message: &eraftpb::Message) -> Option<Vec<u8>> {
        let from = self.my_token(to);
        let peer = self.peers.get(&to)?;
        let theirs = peer.theirs?;
        if self.is_foreign_store(to) {
            // Raft counts on what the old store had.
            return None;
        }
        let packet = Packet {
            from: Some(from),
            to: Some(theirs),
            body: Some(Body::Raft(message.encode_to_vec())),
            lineage: peer.lineage,
        };
        Some(packet.encode_to_vec())
    }

    /// Tells whether a node came back with another store than it was taken in with.
    pub(super) fn is_foreign_store(&self, node: NodeId) -> bool {
        let greeting = self.peers.get(&node).and_then(Peer::greeting);
        greeting.is_some_and(|greeting| {
            greeting.blank && self.own.stores.get(&node.0) != Some(&greeting.store)
        })
    }

    /// Takes in what a peer's core sent.
    pub(super) fn receive(&mut self, from: NodeId, bytes: &[u8], out: &mut Vec<Effect>) {
        let is_peer = from != self.config.node && self.is_here(from);
        if !is_peer || self.condemned.contains(&from) || self.replacing.is_some() {
            // Who is not in the view is lost: what it says is void until it is back.
            return;
        }
        let packet = Some(bytes).filter(|bytes| bytes.len() <= PACKET_BYTES_MAX);
        let packet = packet.and_then(|bytes| Packet::decode(bytes).ok());
        let Some(Packet { from: Some(token), to, body: Some(body), lineage }) = packet else {
            out.push(Effect::Warn(format!(
                "node {from} sent {} bytes that are no message of the log; is its version newer?",
                bytes.len()
            )));
            return;
        };
        match body {
            Body::Greeting(greeting) => self.greeted(from, token, to, greeting, out),
            Body::Raft(message) => {
                let mine = self.my_token(from);
                let now = self.now;
                let peer = self.peer(from);
                if peer.theirs != Some(token) || to != Some(mine) || peer.lineage != lineage {
                    // Its session is over, but it does not know: greet it anew.
                    let due = peer.greeted.is_none_or(|at| now.since(at) >= ANSWER_MS);
                    if due {
                        self.greet(from, Some(token), out);
                    }
                    return;
                }
                self.step_raft(from, &message, out);
            }
        }
    }

    fn greeted(
        &mut self,
        from: NodeId,
        token: Token,
        echo: Option<Token>,
        greeting: Greeting,
        out: &mut Vec<Effect>,
    ) {
        let mine = self.my_token(from);
        if echo != Some(mine) {
            // Not proven fresh: let it prove it.
            self.greet(from, Some(token), out);
            return;
        }
        let peer = self.peer(from);
        let old = peer.heard.replace((token, greeting.clone()));
        let is_new = old.is_none_or(|(old, _)| old != token);
        if self.own.lineage.is_empty() || greeting.lineage.is_empty() {
            self.meet_empty(from, token, &greeting, out);
            if is_new && !self.peer(from).is_usable() {
                self.greet(from, Some(token), out);
            }
            return;
        }
        self.recall(&greeting.lineage, out);
        match lineage::relate(&self.own.lineage, &greeting.lineage) {
            Relation::Equal => self.establish(from, token, !greeting.settled, out),
            Relation::Behind if greeting.blank && !self.blank => {
                // It knows of the newer lineage, but has nothing of it: whoever has is awaited.
                self.greet_if(is_new, from, token, out);
            }
            Relation::Behind => self.give_way(greeting.lineage, from, ResetReason::Stale, out),
            Relation::Ahead => {
                self.peer(from).theirs = None;
                self.greet_if(is_new, from, token, out);
            }
            Relation::Diverged { fork } => {
                self.peer(from).theirs = None;
                if self.loses(from, &greeting, fork) {
                    let reason = if self.is_untouched() {
                        ResetReason::Stillborn
                    } else {
                        ResetReason::Diverged
                    };
                    self.give_way(greeting.lineage, from, reason, out);
                } else {
                    self.greet_if(is_new, from, token, out);
                }
            }
        }
    }

    /// A peer knows of a generation that this node made by a change of who votes, and that this node
    /// lost sight of when it started again: it was committed, and the log still holds it.
    ///
    /// To give way to the peer would leave the generation without its only voter.
    fn recall(&mut self, theirs: &[Ancestor], out: &mut Vec<Effect>) {
        let known = self.own.lineage.len();
        let mine = theirs.starts_with(&self.own.lineage).then(|| theirs.get(known)).flatten();
        let Some(next) = mine.filter(|next| next.by == self.config.node.0 && !self.blank) else {
            return;
        };
        let Some(raw) = &mut self.raw else { return };
        let made_it = |entry: &&eraftpb::Entry| {
            let context = Context::decode(entry.context.as_slice()).unwrap_or_default();
            context.ancestor.is_some_and(|ancestor| {
                (ancestor.generation, ancestor.by, ancestor.salt)
                    == (next.generation, next.by, next.salt)
            })
        };
        let found = raw.store().after(self.applied).find(made_it).map(|entry| entry.index);
        if let Some(index) = found {
            tracing::info!(index, "this node had gone on alone, as its peer knows");
            raw.raft.raft_log.commit_to(index);
            self.pump(out);
        }
    }

    fn greet_if(&mut self, new: bool, to: NodeId, token: Token, out: &mut Vec<Effect>) {
        if new {
            self.greet(to, Some(token), out);
        }
    }

    /// Decides between two lineages that both went on. Weights never fall, so both sides cannot
    /// find theirs the lighter one; whoever holds nothing gives way.
    fn loses(&self, from: NodeId, theirs: &Greeting, fork: usize) -> bool {
        let holds =
            |blank: bool, untouched: bool| u8::from(!blank) + u8::from(!blank && !untouched);
        let mine_holds = holds(self.blank, self.is_untouched());
        let they_hold = holds(theirs.blank, theirs.untouched);
        if mine_holds != they_hold {
            return mine_holds < they_hold;
        }
        let mine = Weight {
            admin_epoch: self.version.0,
            epoch: self.version.1,
            entries_since_fork: lineage::entries_since(&self.own.lineage, fork, self.own.writes),
            node: self.config.node,
        };
        let other = Weight {
            admin_epoch: theirs.admin_epoch,
            epoch: theirs.epoch,
            entries_since_fork: lineage::entries_since(&theirs.lineage, fork, theirs.writes),
            node: from,
        };
        other.wins(&mine)
    }

    /// The handshake is complete: both are of one lineage.
    fn establish(&mut self, from: NodeId, token: Token, must_answer: bool, out: &mut Vec<Effect>) {
        let digest = lineage::digest(&self.own.lineage);
        let peer = self.peer(from);
        peer.met = true;
        if peer.theirs == Some(token) {
            if must_answer {
                // The greeting that would have settled it was lost.
                self.greet(from, Some(token), out);
            }
            return;
        }
        let reborn = peer.theirs.is_some_and(|old| old.incarnation != token.incarnation);
        peer.theirs = Some(token);
        peer.lineage = digest;
        if let Some(raw) = &mut self.raw {
            // What was under way in an earlier session is lost.
            raw.report_unreachable(u64::from(from.0));
        }
        if self.snapshots_sent.contains_key(&from) {
            self.report_snapshot(from, false);
        }
        if reborn && self.known_leader() == Some(from) {
            self.forget_leader();
        }
        self.greet(from, Some(token), out);
    }

    /// One of the two has an empty store.
    fn meet_empty(
        &mut self,
        from: NodeId,
        token: Token,
        greeting: &Greeting,
        out: &mut Vec<Effect>,
    ) {
        self.peer(from).theirs = None;
        if greeting.lineage.is_empty() {
            return; // Births and stillbirths are looked at after every event.
        }
        let me = self.config.node;
        let first = greeting.lineage.first();
        let witnessed = first.and_then(|a| a.witnesses.get(&me.0));
        if greeting.lineage.len() == 1 && witnessed == Some(&self.config.incarnation.0) {
            // It counted this very life, which has promised nothing to anybody yet.
            let witnesses = first.map(|a| a.witnesses.clone()).unwrap_or_default();
            self.be_born(witnesses, out);
        } else if !greeting.untouched && !greeting.blank {
            tracing::info!(node = %from, life = token.incarnation, "this node's store is empty: it joins the log of its peers as a learner");
            self.adopt(greeting.lineage.clone(), Vec::new(), out);
        }
    }

    /// Gives one of raft's messages to raft, unless it could not be true.
    pub(super) fn step_raft(&mut self, from: NodeId, bytes: &[u8], out: &mut Vec<Effect>) {
        use eraftpb::MessageType as Kind;
        let message = eraftpb::Message::decode(bytes).ok();
        let Some(message) = message
            .filter(|m| node_id(m.from) == Some(from) && node_id(m.to) == Some(self.config.node))
        else {
            out.push(Effect::Warn(format!(
                "node {from} sent a message of the log that is damaged"
            )));
            return;
        };
        let kind = Kind::from_i32(message.msg_type).unwrap_or(Kind::MsgHup);
        let is_vote = matches!(kind, Kind::MsgRequestVote | Kind::MsgRequestPreVote);
        if is_vote && self.known_leader() == Some(from) {
            // Who asks for votes does not lead.
            self.forget_leader();
        }
        let last = self.last_index();
        let (own_index, blank) = (self.applied, self.blank);
        if kind == Kind::MsgTimeoutNow && !self.in_flight.is_empty() {
            self.urged = Some(message);
            return;
        }
        let Some(raw) = &mut self.raw else { return };
        let plausible = match kind {
            Kind::MsgRequestVote | Kind::MsgRequestPreVote => !blank,
            Kind::MsgAppend => !(blank && message.index == 0),
            // Raft would take a commit index beyond its log for its own corruption.
            Kind::MsgHeartbeat => message.commit <= last,
            Kind::MsgSnapshot => is_for_me(&message, self.config.node, blank),
            // Applying and counting a snapshot are two steps; no campaign between them.
            Kind::MsgTimeoutNow => !blank && own_index <= raw.raft.raft_log.applied(),
            Kind::MsgPropose | Kind::MsgTransferLeader | Kind::MsgReadIndex => false,
            _ => true,
        };
        if !plausible {
            tracing::debug!(node = %from, ?kind, blank, "a message of the log was not for this state");
            return;
        }
        if let Err(error) = raw.step(message) {
            tracing::debug!(node = %from, ?kind, %error, "raft refused a message");
        }
    }

    /// Returns the nodes of the nodelist that a birth without a mark waits for.
    pub(super) fn birth_waits_for(&self) -> BTreeSet<NodeId> {
        let me = self.config.node;
        let ready = |node: &NodeId| {
            let greeting = self.peers.get(node).and_then(Peer::greeting);
            self.view.members.contains_key(node) && greeting.is_some_and(|g| g.lineage.is_empty())
        };
        let others = self.config.nodelist.iter().filter(|node| **node != me);
        others.filter(|node| !ready(node)).copied().collect()
    }

    /// Returns the lives of all that are present and empty, once that is the whole nodelist.
    pub(super) fn birth_witnesses(&self) -> Option<BTreeMap<u32, u64>> {
        if !self.is_listed() || !self.birth_waits_for().is_empty() {
            return None;
        }
        let me = self.config.node;
        let life = |node: &NodeId| {
            if *node == me {
                return Some((node.0, self.config.incarnation.0));
            }
            Some((node.0, self.peers.get(node)?.incarnation()?))
        };
        self.config.nodelist.iter().map(life).collect()
    }

    /// Tells whether this node's birth came to nothing: all others are here, none went on, and one
    /// that is empty was not counted in this life.
    pub(super) fn is_stillborn(&self) -> bool {
        let me = self.config.node;
        if !self.is_untouched() || self.config.nodelist.is_empty() {
            return false;
        }
        let witnesses = self.own.lineage.first().map(|a| &a.witnesses);
        let mut lost = false;
        for node in self.config.nodelist.iter().filter(|node| **node != me) {
            let Some(peer) = self.peers.get(node).filter(|_| self.is_here(*node)) else {
                return false;
            };
            let Some(greeting) = peer.greeting() else { return false };
            if !greeting.lineage.is_empty() && !greeting.untouched {
                return false;
            }
            let counted = witnesses.and_then(|w| w.get(&node.0)).copied();
            lost |= greeting.lineage.is_empty() && counted != peer.incarnation();
        }
        lost
    }
}

/// Tells whether a snapshot knows its receiver; a blank store takes it as a learner only.
fn is_for_me(message: &eraftpb::Message, me: NodeId, blank: bool) -> bool {
    let me = u64::from(me.0);
    let Some(snapshot) = &message.snapshot else { return false };
    let metadata = snapshot.metadata.clone().unwrap_or_default();
    let conf = metadata.conf_state.unwrap_or_default();
    let is_voter = conf.voters.contains(&me) || conf.voters_outgoing.contains(&me);
    let readable = <convert::SnapshotBody as prost::Message>::decode(snapshot.data.as_slice());
    let has_own = readable.is_ok_and(|body| body.own.is_some_and(|own| !own.lineage.is_empty()));
    has_own && (conf.learners.contains(&me) || (is_voter && !blank))
}

/// Returns the entries a packet brings.
#[cfg(test)]
pub(super) fn entries_in(bytes: &[u8]) -> Vec<u64> {
    let packet = Packet::decode(bytes).unwrap_or_default();
    let Some(Body::Raft(raft)) = packet.body else { return Vec::new() };
    let message = eraftpb::Message::decode(raft.as_slice()).unwrap_or_default();
    message.entries.iter().map(|entry| entry.index).collect()
}

/// Tells in words what is in a packet.
#[cfg(test)]
pub(super) fn describe(bytes: &[u8]) -> String {
    let packet = Packet::decode(bytes).unwrap_or_default();
    match packet.body {
        Some(Body::Greeting(greeting)) => format!(
            "greets {:?}/{:?} g{} blank {} untouched {}",
            packet.from.map(|t| t.incarnation),
            packet.to.map(|t| t.incarnation),
            lineage::generation(&greeting.lineage),
            greeting.blank,
            greeting.untouched
        ),
        Some(Body::Raft(raft)) => {
            let m = eraftpb::Message::decode(raft.as_slice()).unwrap_or_default();
            let kind = eraftpb::MessageType::from_i32(m.msg_type).unwrap_or_default();
            format!(
                "{kind:?} term {} index {} logterm {} entries {} commit {} reject {} hint {}",
                m.term,
                m.index,
                m.log_term,
                m.entries.len(),
                m.commit,
                m.reject,
                m.reject_hint
            )
        }
        None => "nothing".to_owned(),
    }
}

//! The log's core: state, events, and what is asked of it. Its chapters are `pump` (what raft has
//! ready), `peers` (sessions and lineages), `election` (who leads) and `voters` (who takes part).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use model::{Generation, Incarnation, Monotonic, NodeId, Term, View};
use raft::eraftpb;
use raft::{RawNode, StateRole};

use super::event::{Config, Effect, Event, Licence, Rejection, RequestId, Role};
use super::lineage;
use super::memory::MemoryLog;
use super::peers::Peer;
use super::record::{Ancestor, Base, Context, OwnState, Record, Snapshot, Voters};

/// Raft's time unit.
pub const TICK_MS: u64 = 20;
/// The largest entry: a whole document may be one.
pub const ENTRY_BYTES_MAX: usize = 64 << 20;
/// Entries after which the state machine is asked for its state, so that a log stays short.
pub(super) const SNAPSHOT_ENTRIES: u64 = 1_000;
/// And their size.
pub(super) const SNAPSHOT_BYTES: usize = 4 << 20;

/// Steps of raft's clock that are made up for after a pause; the rest of the pause never was, so
/// that a process that was held up accuses nobody before it has read its messages.
const CATCH_UP_TICKS: u64 = 5;
/// Ticks between a leader's heartbeats.
const HEARTBEAT_TICKS: usize = 5;
/// Bytes of entries in one message; one entry always goes, however large.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;
/// Appends under way to one follower.
const INFLIGHT_MESSAGES_MAX: usize = 64;
/// Bytes of entries that are not committed yet; a stuck quorum makes proposals `Busy` beyond it.
const UNCOMMITTED_BYTES_MAX: u64 = 16 << 20;
/// Bytes of committed entries told at once.
const COMMITTED_BYTES_MAX: u64 = 16 << 20;
/// Milliseconds in which a snapshot's delivery must have been reported.
const SNAPSHOT_REPORT_MS: u64 = 10_000;
/// Rounds of duties in one event: each one that changes something calls for another look. Far
/// fewer are needed; more would be a circle.
const ROUNDS_MAX: usize = 16;

/// Which part this node takes in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Never was in a cluster: waits for the whole nodelist, or for a cluster to be taken into.
    Empty,
    /// Waits for a leader to take it in and send the state.
    Blank,
    /// Receives the log.
    Learner,
    /// Votes.
    Voter,
    /// Has the log, but is not in its configuration.
    Outsider,
    /// Its part has ended until the brain starts anew.
    Stopped,
}

/// Why nothing can be committed here, for status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No log yet, and these nodes are not here (or not empty) for a birth.
    Unborn { waiting_for: BTreeSet<NodeId> },
    /// Waits to be taken in by a leader.
    NotTakenIn,
    /// Fewer than a quorum of the voters are here.
    VotersMissing { voters: usize, missing: BTreeSet<NodeId> },
    /// An election is under way.
    NoLeader,
    /// This node's part in the log has ended.
    Stopped { reason: String },
}

/// A durable replacement of the whole log that is being written.
#[derive(Debug)]
pub(super) struct Replacing {
    pub(super) seq: u64,
    pub(super) log: MemoryLog,
    pub(super) kind: Replacement,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Replacement {
    Born,
    Forced { licence: Licence, request: Option<RequestId> },
    Adopted,
    Emptied,
}

/// What waits for a batch to be on disk.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) seq: u64,
    /// Raft's number of the last `Ready` in it.
    pub(super) number: u64,
    pub(super) messages: Vec<eraftpb::Message>,
    pub(super) since: Monotonic,
}

/// A request to give leadership away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handover {
    pub(super) id: RequestId,
    /// The leader leaves the cluster; the new leader is to be asked again.
    pub(super) leaving: bool,
    pub(super) since: Monotonic,
}

/// The state a snapshot that was asked for belongs to.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// The last entry told to the caller.
    pub(super) told: u64,
    pub(super) applied: u64,
    pub(super) own: OwnState,
    pub(super) voters: Voters,
}

/// The log's core. See the module's documentation for how it is driven.
pub struct Consensus {
    pub(super) config: Config,
    pub(super) logger: slog::Logger,
    /// Absent while this store is empty, while it is being replaced, and after a failure.
    pub(super) raw: Option<RawNode<MemoryLog>>,
    pub(super) replacing: Option<Replacing>,
    pub(super) stopped: Option<String>,
    /// Who voted when it ended.
    last_voters: Voters,
    /// The term it was in by then: what this node decides later, for itself, is newer than that.
    last_term: Term,

    pub(super) own: OwnState,
    pub(super) applied: u64,
    pub(super) told: u64,
    pub(super) store: u64,
    pub(super) stores_made: u64,
    pub(super) blank: bool,

    pub(super) now: Monotonic,
    pub(super) ticked: Monotonic,
    pub(super) tick_seen: Monotonic,
    pub(super) view: View,
    pub(super) peers: BTreeMap<NodeId, Peer>,
    pub(super) condemned: BTreeSet<NodeId>,
    pub(super) version: (u64, u64),
    pub(super) wish: BTreeSet<NodeId>,

    pub(super) seq: u64,
    pub(super) in_flight: VecDeque<InFlight>,
    /// A word to campaign at once, which waits for the disk: raft must not come to lead with entries
    /// that are not on it, as a sole voter would.
    pub(super) urged: Option<eraftpb::Message>,
    /// Snapshot messages raft wants to send to peers it cannot reach.
    pub(super) undelivered: Vec<(NodeId, bool)>,
    pub(super) snapshots_sent: BTreeMap<NodeId, Monotonic>,
    pub(super) mark: Option<Mark>,

    pub(super) proposals: BTreeSet<RequestId>,
    pub(super) changes: BTreeSet<RequestId>,
    pub(super) handovers: Vec<Handover>,
    pub(super) confirmations: BTreeMap<u64, Option<RequestId>>,
    pub(super) confirmation: u64,
    /// This node was late while it led, and no quorum has been asked since.
    pub(super) unconfirmed: bool,

    pub(super) role: Role,
    pub(super) campaign_at: Option<Monotonic>,
    pub(super) attempts: u32,
    /// The leader is known to be lost: no need to wait for it.
    pub(super) bereft: bool,
    /// Raft was a candidate at the last look.
    pub(super) candidate: bool,
    /// The term in which the licence marker was last proposed.
    pub(super) marker_proposed: u64,
    /// Nodes that left in order and are still here: in which life, and since when.
    pub(super) lingering: BTreeMap<NodeId, (u64, Monotonic)>,
    /// The disk is too slow to lead until then.
    pub(super) slow_until: Monotonic,
    pub(super) slow_told: bool,
}

impl std::fmt::Debug for Consensus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consensus")
            .field("node", &self.config.node)
            .field("standing", &self.standing())
            .field("role", &self.role)
            .field("voters", &self.voters())
            .field("applied", &self.applied)
            .field("last", &self.last_index())
            .field("lineage", &self.own.lineage)
            .finish_non_exhaustive()
    }
}

impl Consensus {
    /// Starts a core from what its store holds (`None` = an empty store).
    pub fn open(
        config: Config,
        state: Option<Base>,
        now: Monotonic,
        out: &mut Vec<Effect>,
    ) -> Self {
        let wish = config.nodelist.clone();
        let mut core = Self {
            logger: super::logging::logger(),
            raw: None,
            replacing: None,
            stopped: None,
            last_voters: Voters::default(),
            last_term: Term::default(),
            own: OwnState::default(),
            applied: 0,
            told: 0,
            store: 0,
            stores_made: 0,
            blank: false,
            now,
            ticked: now,
            tick_seen: now,
            view: View::default(),
            peers: BTreeMap::new(),
            condemned: BTreeSet::new(),
            version: (0, 0),
            wish,
            seq: 0,
            in_flight: VecDeque::new(),
            urged: None,
            undelivered: Vec::new(),
            snapshots_sent: BTreeMap::new(),
            mark: None,
            proposals: BTreeSet::new(),
            changes: BTreeSet::new(),
            handovers: Vec::new(),
            confirmations: BTreeMap::new(),
            confirmation: 0,
            unconfirmed: false,
            role: Role::default(),
            campaign_at: None,
            attempts: 0,
            bereft: false,
            candidate: false,
            marker_proposed: 0,
            lingering: BTreeMap::new(),
            slow_until: Monotonic(0),
            slow_told: false,
            config,
        };
        core.guarded(out, |core, out| {
            match state {
                Some(base) => core.resume(base, out),
                None if core.config.marked && core.is_listed() => {
                    core.be_born(BTreeMap::new(), out);
                }
                None => {}
            }
            core.settle(out);
        });
        core
    }

    fn resume(&mut self, base: Base, out: &mut Vec<Effect>) {
        let snapshot = base.snapshot.clone().unwrap_or_default();
        self.own = snapshot.own.unwrap_or_default();
        self.store = base.store;
        self.blank = base.blank;
        if self.own.lineage.is_empty() {
            return;
        }
        self.applied = snapshot.index;
        self.told = snapshot.index;
        if !snapshot.data.is_empty() {
            out.push(Effect::Restore { index: snapshot.index, data: snapshot.data });
        }
        let mut log = MemoryLog::new(base);
        if !self.blank {
            log.commit_as_sole_voter(u64::from(self.config.node.0));
        }
        self.start_raft(log, out);
    }

    /// Advances the core by one event and appends what the caller must now do to `out`.
    pub fn handle(&mut self, now: Monotonic, event: Event, out: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        if let Some(reason) = &self.stopped {
            if let Some(id) = request_of(&event) {
                let reason = Rejection::Refused(reason.clone());
                out.push(Effect::Rejected { id, reason });
            }
            return;
        }
        self.note_lateness();
        self.guarded(out, |core, out| {
            core.dispatch(event, out);
            core.settle(out);
        });
    }

    /// After a pause whatever waited may come before the clock's tick: a leader must not act on any
    /// of it before a quorum has said that it still leads.
    fn note_lateness(&mut self) {
        if self.is_late(self.now) {
            self.unconfirmed = true;
        }
    }

    /// Runs a step of the core; a panic in raft ends this node's part in the log, not the brain:
    /// what a peer sent must not be able to kill every next leader in turn.
    fn guarded(&mut self, out: &mut Vec<Effect>, step: impl FnOnce(&mut Self, &mut Vec<Effect>)) {
        let before = out.len();
        let outcome = catch_unwind(AssertUnwindSafe(|| step(self, out)));
        if let Err(panic) = outcome {
            // Half of an event's effects could tell peers what is not on disk.
            out.truncate(before);
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            self.stop(
                format!("the log's core met a state that cannot be ({text}); restart this node"),
                out,
            );
        }
    }

    fn dispatch(&mut self, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Step { from, bytes } => self.receive(from, &bytes, out),
            Event::Tick => self.tick(out),
            Event::Propose { id, data } => self.propose(id, data, out),
            Event::View(view) => self.change_view(view, out),
            Event::Wish(nodes) => {
                if self.own.lineage.is_empty() {
                    self.config.nodelist = nodes.clone();
                }
                self.wish = nodes;
            }
            Event::Change { id, changes } => self.change_voters(id, &changes, out),
            Event::TransferLeadership { id, to } => self.transfer(id, to, out),
            Event::Leave { id, node } => self.leave(id, node, out),
            Event::GoAlone { id, licence } => self.go_alone(id, licence, out),
            Event::Condemned { node, condemned } => self.condemn(node, condemned),
            Event::Version { admin_epoch, epoch } => {
                // Never back: two sides that compare weights must not both find theirs lighter.
                self.version = self.version.max((admin_epoch, epoch));
            }
            Event::Snapshot { index, data } => self.take_snapshot(index, data, out),
            Event::Confirm { id } => self.confirm(Some(id), out),
            Event::PersistDone { seq, took_ms } => self.persisted(seq, took_ms, out),
            Event::PersistFailed { seq, error } => self.stop(
                format!("the log could not be written ({error}, batch {seq}); repair the disk and restart this node"),
                out,
            ),
            Event::Unreachable { node } => {
                if let Some(raw) = &mut self.raw {
                    raw.report_unreachable(u64::from(node.0));
                }
            }
            Event::SnapshotSent { to, delivered } => self.report_snapshot(to, delivered),
        }
    }

    /// Looks after everything that an event may have made due.
    fn settle(&mut self, out: &mut Vec<Effect>) {
        for _ in 0..ROUNDS_MAX {
            self.pump(out);
            if self.stopped.is_some() {
                return;
            }
            self.tell_role(out);
            self.note_candidacy();
            let again = self.elect() || self.shape(out) || self.deliver_failures();
            if !again {
                break;
            }
        }
        self.pump(out);
        self.tell_role(out);
        self.ask_for_snapshot(out);
    }

    fn tick(&mut self, out: &mut Vec<Effect>) {
        self.tick_seen = self.now;
        let due = self.now.since(self.ticked) / TICK_MS;
        self.ticked = if due > CATCH_UP_TICKS { self.now } else { self.ticked + due * TICK_MS };
        let may_lead = self.quorum_is_here();
        for _ in 0..due.min(CATCH_UP_TICKS) {
            let Some(raw) = &mut self.raw else { break };
            // A follower's own timeout is the backstop, and no use where it may not lead anyway, or
            // not yet.
            if raw.raft.state == StateRole::Leader || (may_lead && self.in_flight.is_empty()) {
                raw.tick();
            }
        }
        self.greet_again(out);
        self.watch_disk(out);
        self.watch_handovers(out);
        self.watch_snapshots();
        if self.unconfirmed && self.confirmations.values().all(Option::is_some) {
            self.confirm(None, out);
        }
    }

    fn propose(&mut self, id: RequestId, data: Vec<u8>, out: &mut Vec<Effect>) {
        if data.len() > ENTRY_BYTES_MAX {
            out.push(Effect::Rejected { id, reason: Rejection::TooLarge });
            return;
        }
        let context = self.context(id);
        let Some(raw) = self.leading() else { return self.not_leader(id, out) };
        match raw.propose(prost::Message::encode_to_vec(&context), data) {
            Ok(()) => {
                self.proposals.insert(id);
            }
            Err(_) => out.push(Effect::Rejected { id, reason: Rejection::Busy }),
        }
    }

    /// Returns what names an entry as one of this life's.
    pub(super) fn context(&self, id: RequestId) -> Context {
        Context {
            node: self.config.node.0,
            incarnation: self.config.incarnation.0,
            request: id.0,
            ..Context::default()
        }
    }

    /// Returns raft while this node leads.
    pub(super) fn leading(&mut self) -> Option<&mut RawNode<MemoryLog>> {
        self.raw.as_mut().filter(|raw| raw.raft.state == StateRole::Leader)
    }

    pub(super) fn not_leader(&self, id: RequestId, out: &mut Vec<Effect>) {
        let leader = self.known_leader();
        out.push(Effect::Rejected { id, reason: Rejection::NotLeader { leader } });
    }

    pub(super) fn refuse(id: RequestId, why: impl Into<String>, out: &mut Vec<Effect>) {
        out.push(Effect::Rejected { id, reason: Rejection::Refused(why.into()) });
    }

    /// Asks a quorum whether this node still leads.
    fn confirm(&mut self, id: Option<RequestId>, out: &mut Vec<Effect>) {
        let number = self.confirmation + 1;
        let Some(raw) = self.leading() else {
            if let Some(id) = id {
                self.not_leader(id, out);
            }
            return;
        };
        if !raw.raft.apply_to_current_term() {
            // Raft would drop the question.
            if let Some(id) = id {
                out.push(Effect::Rejected { id, reason: Rejection::Busy });
            }
            return;
        }
        raw.read_index(number.to_be_bytes().to_vec());
        self.confirmation = number;
        self.confirmations.insert(number, id);
    }

    pub(super) fn confirmed(&mut self, context: &[u8], out: &mut Vec<Effect>) {
        let Ok(bytes) = <[u8; 8]>::try_from(context) else { return };
        let later = self.confirmations.split_off(&(u64::from_be_bytes(bytes) + 1));
        for id in std::mem::replace(&mut self.confirmations, later).into_values() {
            match id {
                Some(id) => out.push(Effect::Done { id }),
                None => self.unconfirmed = false,
            }
        }
    }

    fn take_snapshot(&mut self, index: u64, data: Vec<u8>, out: &mut Vec<Effect>) {
        let mark = self.mark.take().filter(|mark| mark.told == index);
        let Some(mark) = mark.or_else(|| (self.told == index).then(|| self.mark_now())) else {
            return;
        };
        let (store, blank) = (self.store, self.blank);
        let Some(raw) = &mut self.raw else { return };
        let log = raw.mut_store();
        if mark.applied <= log.snapshot_index() {
            return;
        }
        let Ok(term) = raft::Storage::term(log, mark.applied) else { return };
        log.compact(Snapshot {
            index: mark.applied,
            term,
            voters: Some(mark.voters),
            own: Some(mark.own),
            data,
        });
        let base = log.base(store, blank);
        let seq = self.persist(vec![Record::base(base)], true, out);
        // Nothing in raft waits for it, but batches are counted in order.
        tracing::debug!(index, seq, "the log was cut to a snapshot");
        let lagging: Vec<u64> = self.lagging_peers();
        if let Some(raw) = self.leading() {
            for peer in lagging {
                raw.raft.send_append(peer);
            }
        }
    }

    pub(super) fn mark_now(&self) -> Mark {
        Mark {
            told: self.told,
            applied: self.applied,
            own: self.own.clone(),
            voters: self.voters_now(),
        }
    }

    fn ask_for_snapshot(&mut self, out: &mut Vec<Effect>) {
        if self.mark.is_some() {
            return;
        }
        let Some(raw) = &self.raw else { return };
        let (entries, bytes) = raw.store().since_snapshot();
        let wanted = raw.store().take_wanted();
        let due = entries > SNAPSHOT_ENTRIES || bytes > SNAPSHOT_BYTES;
        if (due || wanted) && self.applied > raw.store().snapshot_index() {
            self.mark = Some(self.mark_now());
            out.push(Effect::NeedSnapshot { index: self.told });
        }
    }

    /// Ends this node's part in the log: it votes for nobody and acknowledges nothing.
    pub(super) fn stop(&mut self, reason: String, out: &mut Vec<Effect>) {
        self.last_voters = self.voters_now();
        self.last_term = self.authority().1;
        self.raw = None;
        self.replacing = None;
        self.in_flight.clear();
        self.urged = None;
        self.stopped = Some(reason.clone());
        self.tell_role(out);
        out.push(Effect::Stopped { reason });
    }

    // What others may read.

    /// Returns who leads, as last told.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns the lineage's generation and raft's term, for `model::Authority`.
    pub fn authority(&self) -> (Generation, Term) {
        let term = self.raw.as_ref().map_or(self.last_term, |raw| Term(raw.raft.term));
        (self.generation(), term)
    }

    /// Returns the lineage's generation; 0 before birth.
    pub fn generation(&self) -> Generation {
        Generation(lineage::generation(&self.own.lineage))
    }

    /// Returns the lineage, oldest ancestor first.
    pub fn lineage(&self) -> &[Ancestor] {
        &self.own.lineage
    }

    /// Returns who votes; in a joint configuration, all of both.
    pub fn voters(&self) -> BTreeSet<NodeId> {
        let voters = self.voters_now();
        node_ids(voters.voters.iter().chain(&voters.outgoing))
    }

    /// Returns who receives the log without a vote.
    pub fn learners(&self) -> BTreeSet<NodeId> {
        let voters = self.voters_now();
        node_ids(voters.learners.iter().chain(&voters.learners_next))
    }

    /// Tells whether this node alone is all voters: it satisfies wait_for_all by itself.
    pub fn is_sole_voter(&self) -> bool {
        self.voters() == BTreeSet::from([self.config.node])
    }

    /// Tells whether this pair's survivor went on without anybody making sure that the other is
    /// off, and the pair is not whole again: status must say UNSAFE.
    pub fn is_unlicensed(&self) -> bool {
        self.own.lineage.last().is_some_and(|last| last.unlicensed)
            && self.own.marker != lineage::generation(&self.own.lineage)
    }

    /// Returns which part this node takes in the log.
    pub fn standing(&self) -> Standing {
        let me = self.config.node;
        if self.stopped.is_some() {
            Standing::Stopped
        } else if self.own.lineage.is_empty() {
            Standing::Empty
        } else if self.blank {
            Standing::Blank
        } else if self.voters().contains(&me) {
            Standing::Voter
        } else if self.learners().contains(&me) {
            Standing::Learner
        } else {
            Standing::Outsider
        }
    }

    /// Returns why nothing can be committed at present.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if let Some(reason) = &self.stopped {
            return Some(Obstacle::Stopped { reason: reason.clone() });
        }
        if self.own.lineage.is_empty() {
            return Some(Obstacle::Unborn { waiting_for: self.birth_waits_for() });
        }
        if self.blank {
            return Some(Obstacle::NotTakenIn);
        }
        let voters = self.voters();
        let missing: BTreeSet<NodeId> =
            voters.iter().copied().filter(|id| !self.is_here(*id)).collect();
        if !missing.is_empty() && !self.quorum_is_here() {
            return Some(Obstacle::VotersMissing { voters: voters.len(), missing });
        }
        self.known_leader().is_none().then_some(Obstacle::NoLeader)
    }

    /// Tells whether this node leads and was not told the time for so long that it may not any
    /// more.
    pub fn is_late(&self, now: Monotonic) -> bool {
        self.role.is_leader && now.since(self.tick_seen) > self.config.token_ms / 2
    }

    /// Returns the last entry applied.
    pub fn applied_index(&self) -> u64 {
        self.applied
    }

    /// Returns the last entry of the log.
    pub fn last_index(&self) -> u64 {
        self.raw.as_ref().map_or(0, |raw| raw.raft.raft_log.last_index())
    }

    /// Tells whether a handshake with this peer at the present lineage succeeded in this life.
    pub fn has_met(&self, node: NodeId) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.met)
    }

    pub(super) fn known_leader(&self) -> Option<NodeId> {
        let leader = self.raw.as_ref().map_or(0, |raw| raw.raft.leader_id);
        node_id(leader)
    }

    pub(super) fn voters_now(&self) -> Voters {
        let conf = self.raw.as_ref().map(|raw| raw.raft.prs().conf().to_conf_state());
        conf.map(|conf| super::convert::voters_to_record(&conf))
            .unwrap_or_else(|| self.last_voters.clone())
    }

    pub(super) fn is_listed(&self) -> bool {
        self.config.nodelist.contains(&self.config.node)
    }

    pub(super) fn is_here(&self, node: NodeId) -> bool {
        node == self.config.node || self.view.members.contains_key(&node)
    }

    fn watch_snapshots(&mut self) {
        let now = self.now;
        let overdue: Vec<NodeId> = self
            .snapshots_sent
            .iter()
            .filter(|(_, since)| now.since(**since) > SNAPSHOT_REPORT_MS)
            .map(|(node, _)| *node)
            .collect();
        for node in overdue {
            // Unreported, raft would wait for ever.
            self.report_snapshot(node, false);
        }
    }

    pub(super) fn report_snapshot(&mut self, to: NodeId, delivered: bool) {
        self.snapshots_sent.remove(&to);
        let status =
            if delivered { raft::SnapshotStatus::Finish } else { raft::SnapshotStatus::Failure };
        if let Some(raw) = &mut self.raw {
            raw.report_snapshot(u64::from(to.0), status);
        }
    }

    /// (Re)starts raft on a log.
    pub(super) fn start_raft(&mut self, log: MemoryLog, out: &mut Vec<Effect>) {
        let config = self.raft_config();
        match RawNode::new(&config, log, &self.logger) {
            Ok(raw) => self.raw = Some(raw),
            Err(error) => self.stop(
                format!("the log's state is not one raft can start from ({error}); move it away to rejoin empty"),
                out,
            ),
        }
    }

    fn raft_config(&self) -> raft::Config {
        let token_ms = self.config.token_ms.clamp(1_000, 60_000);
        let election = usize::try_from(token_ms / TICK_MS).unwrap_or(50);
        // One fixed timeout per node: nothing here may depend on chance.
        let own = election + 3 * usize::try_from(self.config.node.0 % 16).unwrap_or(0);
        raft::Config {
            id: u64::from(self.config.node.0),
            election_tick: election,
            heartbeat_tick: HEARTBEAT_TICKS,
            min_election_tick: own,
            max_election_tick: own + 1,
            applied: self.applied,
            max_size_per_msg: MESSAGE_BYTES_MAX,
            max_inflight_msgs: INFLIGHT_MESSAGES_MAX,
            max_uncommitted_size: UNCOMMITTED_BYTES_MAX,
            max_committed_size_per_ready: COMMITTED_BYTES_MAX,
            check_quorum: true,
            pre_vote: true,
            ..raft::Config::default()
        }
    }

    pub(super) fn incarnation_here(&self, node: NodeId) -> Option<Incarnation> {
        self.view.members.get(&node).map(|member| member.incarnation)
    }
}

/// Raft numbers nodes with 64 bits and calls nobody 0.
pub(super) fn node_id(id: u64) -> Option<NodeId> {
    u32::try_from(id).ok().filter(|id| *id != 0).map(NodeId)
}

fn node_ids<'a>(ids: impl Iterator<Item = &'a u64>) -> BTreeSet<NodeId> {
    ids.filter_map(|id| node_id(*id)).collect()
}

fn request_of(event: &Event) -> Option<RequestId> {
    match event {
        Event::Propose { id, .. }
        | Event::Change { id, .. }
        | Event::TransferLeadership { id, .. }
        | Event::Leave { id, .. }
        | Event::GoAlone { id, .. }
        | Event::Confirm { id } => Some(*id),
        Event::Step { .. }
        | Event::Tick
        | Event::View(_)
        | Event::Wish(_)
        | Event::Condemned { .. }
        | Event::Version { .. }
        | Event::Snapshot { .. }
        | Event::PersistDone { .. }
        | Event::PersistFailed { .. }
        | Event::Unreachable { .. }
        | Event::SnapshotSent { .. } => None,
    }
}

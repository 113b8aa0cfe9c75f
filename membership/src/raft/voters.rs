//! Who takes part in the log: births, newcomers, leaves, and a pair's survivor that goes alone.

use std::collections::BTreeMap;

use model::NodeId;
use prost::Message as _;
use raft::eraftpb;

use super::consensus::{Consensus, Replacement, Replacing};
use super::convert;
use super::event::{Effect, Licence, Rejection, RequestId, ResetReason, VoterChange};
use super::lineage;
use super::memory::MemoryLog;
use super::peers::Peer;
use super::record::{Ancestor, Base, Context, Hard, OwnState, Record, Snapshot, Voters};

/// Entries a learner may lack when it is made a voter: they are on their way.
const CAUGHT_UP_ENTRIES: u64 = 16;
/// Milliseconds after which a node that left in order, and is still here, has thought better of it.
const STAYS_MS: u64 = 10_000;
/// The entry a log begins after: raft calls 0 "nothing".
const BIRTH_INDEX: u64 = 1;

impl Consensus {
    /// Looks after who takes part; returns whether raft has something new.
    pub(super) fn shape(&mut self, out: &mut Vec<Effect>) -> bool {
        if self.replacing.is_some() {
            return false;
        }
        if self.own.lineage.is_empty() {
            if let Some(witnesses) = self.birth_witnesses() {
                self.be_born(witnesses, out);
                return true;
            }
            return false;
        }
        if self.is_stillborn() {
            self.be_emptied(out);
            return true;
        }
        if self.peer_was_wiped() {
            out.push(Effect::Warn(format!(
                "the other node of this pair came back with an empty store: node {} goes on as the sole voter and takes it in anew",
                self.config.node
            )));
            self.force(Licence::Wiped, None, out);
            return true;
        }
        self.role.acting && (self.mark_licence() || self.grow() || self.shrink())
    }

    /// Tells whether this node was born and nothing happened since.
    pub(super) fn is_untouched(&self) -> bool {
        let Some(raw) = &self.raw else { return false };
        !self.blank
            && self.own.lineage.len() == 1
            && raw.raft.raft_log.last_index() == BIRTH_INDEX
            && raw.raft.term == BIRTH_INDEX
            && raw.raft.vote == 0
    }

    fn make_store(&mut self) -> u64 {
        self.stores_made += 1;
        self.config.salt.wrapping_add(self.stores_made).max(1)
    }

    fn replace(
        &mut self,
        base: Base,
        before: Vec<Record>,
        kind: Replacement,
        out: &mut Vec<Effect>,
    ) {
        self.raw = None;
        self.in_flight.clear();
        self.urged = None;
        self.mark = None;
        self.own = base.snapshot.clone().and_then(|s| s.own).unwrap_or_default();
        self.store = base.store;
        self.blank = base.blank;
        self.applied = base.snapshot.as_ref().map_or(0, |s| s.index);
        self.told = self.applied;
        // The next state has a version of its own.
        self.version = (0, 0);
        self.lose_all();
        let mut records = before;
        records.push(Record::base(base.clone()));
        let seq = self.persist(records, true, out);
        self.replacing = Some(Replacing { seq, log: MemoryLog::new(base), kind });
        self.bereft = true;
    }

    /// Begins a log with all of the nodelist as voters. Every node that does so from the same mark
    /// or the same witnesses makes the same one.
    pub(super) fn be_born(&mut self, witnesses: BTreeMap<u32, u64>, out: &mut Vec<Effect>) {
        self.config.marked = false;
        let mut salt: Vec<Ancestor> = Vec::new();
        for node in &self.config.nodelist {
            let life = witnesses.get(&node.0).copied().unwrap_or(0);
            salt.push(Ancestor { by: node.0, salt: life, ..Ancestor::default() });
        }
        let ancestor = Ancestor {
            generation: 1,
            salt: lineage::digest(&salt),
            witnesses,
            ..Ancestor::default()
        };
        // Every voter of a birth has all there is: nothing.
        let own = OwnState { lineage: vec![ancestor], marker: 1, ..OwnState::default() };
        let voters = self.config.nodelist.iter().map(|node| u64::from(node.0)).collect();
        let base = Base {
            hard: Some(Hard { term: BIRTH_INDEX, vote: 0, commit: BIRTH_INDEX }),
            snapshot: Some(Snapshot {
                index: BIRTH_INDEX,
                term: BIRTH_INDEX,
                voters: Some(Voters { voters, ..Voters::default() }),
                own: Some(own),
                data: Vec::new(),
            }),
            start_index: BIRTH_INDEX,
            start_term: BIRTH_INDEX,
            entries: Vec::new(),
            store: self.make_store(),
            blank: false,
        };
        self.replace(base, Vec::new(), Replacement::Born, out);
    }

    /// Takes a birth back that did not happen everywhere.
    fn be_emptied(&mut self, out: &mut Vec<Effect>) {
        tracing::info!(
            "this node's log was born without all of its peers: it waits for them again"
        );
        self.replace(Base::default(), Vec::new(), Replacement::Emptied, out);
    }

    /// Gives this node's own history up for a peer's.
    pub(super) fn give_way(
        &mut self,
        theirs: Vec<Ancestor>,
        winner: NodeId,
        reason: ResetReason,
        out: &mut Vec<Effect>,
    ) {
        let mut before = Vec::new();
        if !self.blank {
            let word = match reason {
                ResetReason::Stale => "stale",
                ResetReason::Diverged => "diverged",
                ResetReason::Stillborn => "stillborn",
            };
            before.push(Record::archive(format!("{word}-g{}", self.generation().0)));
            out.push(Effect::ArchiveAndReset { winner, reason });
        }
        self.adopt(theirs, before, out);
    }

    /// Takes a lineage over, without its state: that comes from a leader that takes this node in.
    pub(super) fn adopt(
        &mut self,
        lineage: Vec<Ancestor>,
        before: Vec<Record>,
        out: &mut Vec<Effect>,
    ) {
        let own = OwnState { lineage, ..OwnState::default() };
        let snapshot = Snapshot { own: Some(own), ..Snapshot::default() };
        let store = self.make_store();
        let base = Base { snapshot: Some(snapshot), store, blank: true, ..Base::default() };
        // What a Restore will not replace is void already.
        self.replace(base, before, Replacement::Adopted, out);
    }

    /// Changes who takes part, as asked.
    pub(super) fn change_voters(
        &mut self,
        id: RequestId,
        changes: &[VoterChange],
        out: &mut Vec<Effect>,
    ) {
        if self.leading().is_none() {
            return self.not_leader(id, out);
        }
        let me = self.config.node;
        let mut context = self.context(id);
        for change in changes {
            match change {
                VoterChange::AddLearner(node) | VoterChange::Remove(node) if *node == me => {
                    let why = format!("node {me} leads; hand leadership to another voter first");
                    return Self::refuse(id, why, out);
                }
                VoterChange::Promote(node) if !self.has_caught_up(*node) => {
                    let why = format!(
                        "node {node} has not received the whole log yet; wait until it has"
                    );
                    return Self::refuse(id, why, out);
                }
                VoterChange::AddLearner(node) => {
                    let greeting = self.peers.get(node).and_then(Peer::greeting);
                    if let Some(greeting) = greeting {
                        context.stores.insert(node.0, greeting.store);
                    }
                }
                VoterChange::Promote(_) | VoterChange::Remove(_) => {}
            }
        }
        self.propose_change(Some(id), changes, context, out);
    }

    fn propose_change(
        &mut self,
        id: Option<RequestId>,
        changes: &[VoterChange],
        context: Context,
        out: &mut Vec<Effect>,
    ) {
        let in_joint = !self.voters_now().outgoing.is_empty();
        let Some(raw) = self.leading() else { return };
        let reject = if changes.is_empty() {
            Some(Rejection::Refused("there is nothing to change".to_owned()))
        } else if raw.raft.has_pending_conf() || in_joint {
            // Raft would quietly make it an empty entry.
            Some(Rejection::Busy)
        } else {
            let change = conf_change(changes);
            raw.propose_conf_change(context.encode_to_vec(), change).err().map(|_| Rejection::Busy)
        };
        match (id, reject) {
            (Some(id), Some(reason)) => out.push(Effect::Rejected { id, reason }),
            (Some(id), None) => {
                self.changes.insert(id);
            }
            (None, _) => {}
        }
    }

    fn has_caught_up(&self, node: NodeId) -> bool {
        let Some(raw) = &self.raw else { return false };
        let Some(progress) = raw.raft.prs().get(u64::from(node.0)) else { return false };
        // A store without the snapshot has matched nothing.
        progress.matched >= raw.store().snapshot_index().min(raw.raft.raft_log.committed)
            && progress.matched > 0
            && progress.matched + CAUGHT_UP_ENTRIES >= raw.raft.raft_log.committed
    }

    /// Takes in who is here and wished for, one step at a time.
    fn grow(&mut self) -> bool {
        let conf = self.voters_now();
        let busy = self.raw.as_ref().is_none_or(|raw| raw.raft.has_pending_conf());
        if busy || !conf.outgoing.is_empty() {
            return false;
        }
        let me = self.config.node;
        let wish: Vec<NodeId> = self.wish.iter().copied().filter(|node| *node != me).collect();
        for node in wish {
            let leaves = self.is_leaving(node);
            let Some(peer) = self.peers.get(&node) else { continue };
            let Some(greeting) = peer.greeting().filter(|_| peer.is_usable()) else { continue };
            let id = u64::from(node.0);
            let is_voter = conf.voters.contains(&id);
            let is_learner = conf.learners.contains(&id);
            let mut context = Context::default();
            let change = if (is_voter || is_learner) && self.is_foreign_store(node) {
                // Raft counts on what its old store had.
                VoterChange::Remove(node)
            } else if is_learner && self.has_caught_up(node) {
                VoterChange::Promote(node)
            } else if !is_voter && !is_learner && !leaves {
                context.stores.insert(node.0, greeting.store);
                VoterChange::AddLearner(node)
            } else {
                continue;
            };
            tracing::info!(?change, "who takes part in the log changes");
            self.propose_change(None, &[change], context, &mut Vec::new());
            return true;
        }
        false
    }

    /// Takes out who is gone and wished for no more: its vote would count against those who stay.
    fn shrink(&mut self) -> bool {
        let busy = self.raw.as_ref().is_none_or(|raw| raw.raft.has_pending_conf());
        let Some(node) = self.unwished().filter(|_| !busy) else { return false };
        tracing::info!(%node, "takes no part in the log any more: it is in no nodelist and gone");
        self.propose_change(
            None,
            &[VoterChange::Remove(node)],
            Context::default(),
            &mut Vec::new(),
        );
        true
    }

    /// Returns who takes part, is gone, and wished for no more. Of a pair nobody is: that is a matter
    /// of leaving, or of going alone.
    fn unwished(&self) -> Option<NodeId> {
        let conf = self.voters_now();
        if !conf.outgoing.is_empty() {
            return None;
        }
        let voters = conf.voters.iter().filter(|_| conf.voters.len() > 2);
        let all = voters.chain(&conf.learners).filter_map(|id| super::consensus::node_id(*id));
        all.filter(|node| !self.wish.contains(node) && !self.is_here(*node)).min()
    }

    /// Tells whether a node has left in this very life and may be expected to go.
    fn is_leaving(&mut self, node: NodeId) -> bool {
        let life =
            self.peers.get(&node).filter(|peer| peer.is_usable()).and_then(Peer::incarnation);
        let Some(life) = life.filter(|life| self.own.departed.get(&node.0) == Some(life)) else {
            self.lingering.remove(&node);
            return false;
        };
        let (_, since) = *self
            .lingering
            .entry(node)
            .and_modify(|seen| {
                if seen.0 != life {
                    *seen = (life, self.now);
                }
            })
            .or_insert((life, self.now));
        self.now.since(since) < STAYS_MS
    }

    /// Commits the licence marker once both voters of a pair have all that was ever acknowledged.
    fn mark_licence(&mut self) -> bool {
        let generation = lineage::generation(&self.own.lineage);
        let conf = self.voters_now();
        let is_pair = conf.voters.len() == 2 && conf.outgoing.is_empty();
        if !is_pair || self.own.marker == generation {
            return false;
        }
        let proposed_in = self.marker_proposed;
        let Some(raw) = self.leading() else { return false };
        let reign = raw.raft.term;
        // Once a term; an entry of the own term is not lost while the term lasts.
        if proposed_in == reign || raw.raft.has_pending_conf() {
            return false;
        }
        let context = Context { marker: generation, ..Context::default() };
        let proposed = raw.propose(context.encode_to_vec(), Vec::new()).is_ok();
        if proposed {
            self.marker_proposed = reign;
        }
        proposed
    }

    /// A node leaves in order.
    pub(super) fn leave(&mut self, id: RequestId, node: NodeId, out: &mut Vec<Effect>) {
        if self.leading().is_none() {
            return self.not_leader(id, out);
        }
        let me = self.config.node;
        if node == me {
            match self.heir() {
                Some(heir) => self.hand_over(id, heir, true),
                None => out.push(Effect::Done { id }),
            }
            return;
        }
        if self.unwished().is_some() {
            // those who are gone for good must not decide how many are needed
            out.push(Effect::Rejected { id, reason: Rejection::Busy });
            return;
        }
        let voters = self.voters();
        let stay = voters.iter().filter(|voter| **voter != node && self.is_here(**voter)).count();
        let is_pair = voters.len() == 2;
        let enough_stay = stay * 2 > voters.len();
        let enough_without_its_vote = stay * 2 > voters.len().saturating_sub(1);
        if !voters.contains(&node) || (!is_pair && (enough_stay || !enough_without_its_vote)) {
            // It has no vote, or the others are a quorum without it, or are none either way.
            out.push(Effect::Done { id });
            return;
        }
        let mut context = self.context(id);
        if is_pair {
            context.ancestor = Some(Ancestor {
                generation: lineage::generation(&self.own.lineage) + 1,
                by: me.0,
                salt: u64::from(me.0),
                ..Ancestor::default()
            });
        }
        let life = self.peers.get(&node).and_then(Peer::incarnation);
        if let Some(life) = life.or(self.incarnation_here(node).map(|life| life.0)) {
            context.departed.insert(node.0, life);
        }
        self.propose_change(Some(id), &[VoterChange::Remove(node)], context, out);
    }

    /// Returns the other node of a pair of voters.
    fn other_of_pair(&self) -> Option<NodeId> {
        let conf = self.voters_now();
        let me = u64::from(self.config.node.0);
        let is_pair =
            conf.voters.len() == 2 && conf.outgoing.is_empty() && conf.voters.contains(&me);
        let other = conf.voters.iter().find(|id| **id != me)?;
        super::consensus::node_id(*other).filter(|_| is_pair && !self.blank)
    }

    fn peer_was_wiped(&self) -> bool {
        let Some(other) = self.other_of_pair() else { return false };
        let peer = self.peers.get(&other);
        self.is_here(other) && peer.is_some_and(Peer::is_usable) && self.is_foreign_store(other)
    }

    /// Tells why this node may not become the sole voter of its pair; `None` = it may.
    pub fn why_not_alone(&self, licence: Licence) -> Option<String> {
        let Some(other) = self.other_of_pair() else {
            return Some("only one of exactly two voters can go on alone".to_owned());
        };
        let last = self.own.lineage.last();
        let generation = lineage::generation(&self.own.lineage);
        let made_it = last.is_some_and(|a| a.by == self.config.node.0);
        if licence != Licence::Wiped && self.is_here(other) {
            return Some(format!("node {other} is here"));
        }
        let by_an_operator = licence == Licence::Confirmed;
        if !self.view.quorate && licence != Licence::Wiped && !by_an_operator {
            return Some("this node's view is not quorate".to_owned());
        }
        if licence == Licence::Fenced && !self.condemned.contains(&other) {
            return Some(format!("the fencing of node {other} was not requested by this life"));
        }
        if licence != Licence::Wiped && !by_an_operator && !self.has_met(other) {
            return Some(format!(
                "node {other} was not seen since this node started, and may have gone on alone; start \
                 it, or run 'pcs quorum unblock' if it is certainly off"
            ));
        }
        if self.own.marker != generation && !made_it && !by_an_operator {
            return Some(format!(
                "node {other} may hold acknowledged changes that this node does not; start it"
            ));
        }
        let raw = self.raw.as_ref()?;
        let me = u64::from(self.config.node.0);
        for entry in raw.store().after(self.applied) {
            let changes = convert::conf_change(entry).map(|c| c.changes).unwrap_or_default();
            for change in changes {
                let kind = eraftpb::ConfChangeType::from_i32(change.change_type);
                let adds_voter = kind == Some(eraftpb::ConfChangeType::AddNode);
                let removes_me =
                    kind == Some(eraftpb::ConfChangeType::RemoveNode) && change.node_id == me;
                if adds_voter || removes_me {
                    return Some(format!(
                        "a change of who votes was under way when node {other} was lost, and may have happened there; start it"
                    ));
                }
            }
        }
        None
    }

    pub(super) fn go_alone(&mut self, id: RequestId, licence: Licence, out: &mut Vec<Effect>) {
        if self.replacing.is_some() {
            out.push(Effect::Rejected { id, reason: Rejection::Busy });
        } else if let Some(why) = self.why_not_alone(licence) {
            Self::refuse(id, why, out);
        } else {
            self.force(licence, Some(id), out);
        }
    }

    /// Makes this node the sole voter of a new generation: one batch holds the rest of the own log
    /// as committed, the removal of the other, and the new term.
    fn force(&mut self, licence: Licence, request: Option<RequestId>, out: &mut Vec<Effect>) {
        let (Some(other), Some(raw)) = (self.other_of_pair(), self.raw.take()) else { return };
        self.forget_requests(None, out);
        let conf = raw.raft.prs().conf().to_conf_state();
        let term = raw.raft.term + 1;
        let mut raw = raw;
        let mut log = std::mem::take(raw.mut_store());
        let me = self.config.node;

        // What raft had not handed over yet was promised to nobody. Changes of who votes that were
        // never committed are void: the new generation begins with its own.
        let mut tail: Vec<eraftpb::Entry> = log.after(log.hard().commit).cloned().collect();
        for entry in &mut tail {
            if entry.entry_type != 0 {
                *entry = eraftpb::Entry {
                    index: entry.index,
                    term: entry.term,
                    ..eraftpb::Entry::default()
                };
            }
        }
        let mut context = self.context(RequestId(0));
        context.ancestor = Some(Ancestor {
            generation: lineage::generation(&self.own.lineage) + 1,
            by: me.0,
            salt: u64::from(me.0),
            unlicensed: matches!(licence, Licence::Unlicensed | Licence::Confirmed),
            ..Ancestor::default()
        });
        let index = log.last() + 1;
        let change = conf_change(&[VoterChange::Remove(other)]);
        tail.push(eraftpb::Entry {
            index,
            term,
            entry_type: eraftpb::EntryType::EntryConfChangeV2 as i32,
            data: raft_prost::Message::encode_to_vec(&change),
            context: context.encode_to_vec(),
            sync_log: false,
        });
        log.append(&tail);
        let vote = u64::from(me.0);
        log.set_hard(eraftpb::HardState { term, vote, commit: index });
        log.set_conf(conf);

        let hard = log.hard_record();
        let entries = tail.iter().map(convert::entry_to_record).collect();
        let seq = self.persist(vec![Record::append(entries), Record::hard(hard)], true, out);
        self.in_flight.clear();
        self.urged = None;
        self.mark = None;
        self.lose_all();
        self.bereft = true;
        self.replacing =
            Some(Replacing { seq, log, kind: Replacement::Forced { licence, request } });
    }
}

fn conf_change(changes: &[VoterChange]) -> eraftpb::ConfChangeV2 {
    let single = |change: &VoterChange| {
        let (kind, node) = match change {
            VoterChange::AddLearner(node) => (eraftpb::ConfChangeType::AddLearnerNode, node),
            VoterChange::Promote(node) => (eraftpb::ConfChangeType::AddNode, node),
            VoterChange::Remove(node) => (eraftpb::ConfChangeType::RemoveNode, node),
        };
        eraftpb::ConfChangeSingle { change_type: kind as i32, node_id: u64::from(node.0) }
    };
    eraftpb::ConfChangeV2 {
        // Several changes at once go through a joint configuration, which raft leaves by itself.
        transition: eraftpb::ConfChangeTransition::Auto as i32,
        changes: changes.iter().map(single).collect(),
        context: Vec::new(),
    }
}

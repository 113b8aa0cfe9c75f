//! What raft has ready: batches for the disk, messages for peers, entries to apply. And what the
//! disk answers.

use model::{NodeId, Term};
use prost::Message as _;
use raft::StateRole;
use raft::eraftpb;

use super::consensus::{Consensus, InFlight, Replacement, node_id};
use super::convert;
use super::event::{Effect, Rejection, RequestId};
use super::record::{Context, Record, Snapshot};

/// Batches that may wait for the disk; beyond it raft waits too, and takes no more memory.
const IN_FLIGHT_MAX: usize = 128;

impl Consensus {
    /// Hands a batch to the disk and returns its number.
    pub(super) fn persist(
        &mut self,
        records: Vec<Record>,
        sync: bool,
        out: &mut Vec<Effect>,
    ) -> u64 {
        self.seq += 1;
        out.push(Effect::Persist { seq: self.seq, records, sync });
        self.seq
    }

    /// Takes all that raft has ready.
    pub(super) fn pump(&mut self, out: &mut Vec<Effect>) {
        while self.in_flight.len() < IN_FLIGHT_MAX {
            let Some(raw) = self.raw.as_mut().filter(|raw| raw.has_ready()) else { return };
            let mut ready = raw.ready();
            let messages = ready.take_messages();
            let after_disk = ready.take_persisted_messages();
            let committed = ready.take_committed_entries();
            let confirmed = ready.take_read_states();
            let (number, must_sync) = (ready.number(), ready.must_sync());
            let snapshot = (!ready.snapshot().is_empty()).then(|| ready.snapshot().clone());
            let entries = ready.take_entries();
            let hard = ready.hs().cloned();

            let mut records = Vec::new();
            if let Some(hard) = &hard {
                raw.mut_store().set_hard(hard.clone());
            }
            if let Some(snapshot) = snapshot {
                records.push(self.install(snapshot, out));
            } else if let Some(hard) = &hard {
                records.push(Record::hard(convert::hard_to_record(hard)));
            }
            let Some(raw) = &mut self.raw else { return };
            if !entries.is_empty() {
                raw.mut_store().append(&entries);
                let entries = entries.iter().map(convert::entry_to_record).collect();
                records.push(Record::append(entries));
            }
            raw.advance_append_async(ready);

            if !records.is_empty() {
                let seq = self.persist(records, must_sync, out);
                if must_sync {
                    let since = self.now;
                    self.in_flight.push_back(InFlight { seq, number, messages: vec![], since });
                }
            }
            for message in messages {
                self.send_raft(message, out);
            }
            // What waits for nothing but earlier batches waits with the last of them.
            if let Some(last) = self.in_flight.back_mut() {
                last.number = number;
                last.messages.extend(after_disk);
            } else {
                if let Some(raw) = &mut self.raw {
                    raw.on_persist_ready(number);
                }
                for message in after_disk {
                    self.send_raft(message, out);
                }
            }
            for state in confirmed {
                self.confirmed(&state.request_ctx, out);
            }
            self.apply(&committed, out);
        }
    }

    /// Takes in a leader's snapshot and returns the record of it.
    fn install(&mut self, snapshot: eraftpb::Snapshot, out: &mut Vec<Effect>) -> Record {
        let metadata = snapshot.metadata.unwrap_or_default();
        // Decoded once already, before raft was given it.
        let body = convert::SnapshotBody::decode(snapshot.data.as_slice()).unwrap_or_default();
        self.own = body.own.unwrap_or_default();
        self.blank = false;
        self.applied = metadata.index;
        self.told = metadata.index;
        self.mark = None;
        out.push(Effect::Restore { index: metadata.index, data: body.data.clone() });
        let conf = metadata.conf_state.unwrap_or_default();
        let snapshot = Snapshot {
            index: metadata.index,
            term: metadata.term,
            voters: Some(convert::voters_to_record(&conf)),
            own: Some(self.own.clone()),
            data: body.data,
        };
        let (store, blank) = (self.store, self.blank);
        let base = self.raw.as_mut().map(|raw| {
            let log = raw.mut_store();
            log.install(snapshot);
            log.base(store, blank)
        });
        Record::base(base.unwrap_or_default())
    }

    fn apply(&mut self, entries: &[eraftpb::Entry], out: &mut Vec<Effect>) {
        for entry in entries {
            self.applied = entry.index;
            let context = Context::decode(entry.context.as_slice()).unwrap_or_default();
            let mine = context.node == self.config.node.0
                && context.incarnation == self.config.incarnation.0;
            let request = mine.then_some(RequestId(context.request));
            if let Some(change) = convert::conf_change(entry) {
                self.apply_change(&change, &context, out);
                if let Some(id) = request.filter(|id| self.changes.remove(id)) {
                    out.push(Effect::Done { id });
                }
            } else if context.marker != 0 {
                self.own.marker = context.marker;
            } else if context.node != 0 {
                self.own.writes += 1;
                self.told = entry.index;
                out.push(Effect::Commit {
                    index: entry.index,
                    term: Term(entry.term),
                    generation: self.generation(),
                    data: entry.data.clone(),
                    proposal: request.filter(|id| self.proposals.remove(id)),
                });
            }
        }
        self.applied_to_raft();
    }

    fn apply_change(
        &mut self,
        change: &eraftpb::ConfChangeV2,
        context: &Context,
        out: &mut Vec<Effect>,
    ) {
        let index = self.applied;
        let Some(raw) = &mut self.raw else { return };
        for single in &change.changes {
            let kind = eraftpb::ConfChangeType::from_i32(single.change_type);
            if kind == Some(eraftpb::ConfChangeType::AddLearnerNode) {
                raw.mut_store().take_in(single.node_id, index);
            }
        }
        if let Err(error) = raw.apply_conf_change(change) {
            // The same on every node, so an answer: the configuration stays as it was.
            out.push(Effect::Warn(format!(
                "a change of who votes was not possible and is void: {error}"
            )));
            return;
        }
        let me = u64::from(self.config.node.0);
        if raw.raft.state == StateRole::Leader && !raw.raft.promotable() {
            // A predecessor proposed to remove this node. Raft would stumble over a leader that has
            // no part in the log: the best placed voter is asked to take over at once.
            let voters = raw.raft.prs().conf().to_conf_state().voters;
            let matched = |id: &u64| raw.raft.prs().get(*id).map_or(0, |p| p.matched);
            let heir = voters.iter().copied().filter(|id| *id != me).max_by_key(matched);
            if let Some(heir) = heir {
                raw.raft.send_timeout_now(heir);
            }
            let term = raw.raft.term;
            raw.raft.become_follower(term, 0);
        }
        self.own.stores.extend(context.stores.iter().map(|(node, store)| (*node, *store)));
        for node in context.stores.keys() {
            self.own.departed.remove(node);
        }
        self.own.departed.extend(context.departed.iter().map(|(node, life)| (*node, *life)));
        if let Some(ancestor) = &context.ancestor {
            let mut ancestor = ancestor.clone();
            ancestor.writes = self.own.writes;
            self.own.lineage.push(ancestor);
        }
        // Who takes part is another set now: its licence is another question.
        self.marker_proposed = 0;
        if self.voters().len() == 1 {
            // Who is taken in by a sole voter needs the licence marker anew.
            self.own.marker = 0;
        }
    }

    /// Tells raft how far was applied, as soon as it may know.
    fn applied_to_raft(&mut self) {
        let applied = self.applied;
        let Some(raw) = &mut self.raw else { return };
        let log = &raw.raft.raft_log;
        // A snapshot is applied at once and counts for raft when it is on disk.
        if applied > log.applied() && applied <= log.committed.min(log.persisted) {
            raw.advance_apply_to(applied);
        }
    }

    /// A batch is on disk.
    pub(super) fn persisted(&mut self, seq: u64, took_ms: u64, out: &mut Vec<Effect>) {
        self.judge_disk(took_ms, out);
        while self.in_flight.front().is_some_and(|batch| batch.seq <= seq) {
            let Some(batch) = self.in_flight.pop_front() else { break };
            if let Some(raw) = &mut self.raw {
                raw.on_persist_ready(batch.number);
            }
            self.applied_to_raft();
            for message in batch.messages {
                self.send_raft(message, out);
            }
        }
        if self.in_flight.is_empty()
            && let Some(urged) = self.urged.take()
            && let Some(from) = node_id(urged.from).filter(|from| self.is_here(*from))
        {
            self.step_raft(from, &raft_prost::Message::encode_to_vec(&urged), out);
        }
        if self.replacing.as_ref().is_some_and(|replacing| replacing.seq <= seq) {
            self.replaced(out);
        }
    }

    /// The replacement of the whole log is on disk: go on with it.
    fn replaced(&mut self, out: &mut Vec<Effect>) {
        let Some(replacing) = self.replacing.take() else { return };
        match replacing.kind {
            Replacement::Emptied => {
                self.greet_all(out);
            }
            Replacement::Born => {
                self.start_raft(replacing.log, out);
                out.push(Effect::Born);
                self.greet_all(out);
            }
            Replacement::Adopted => {
                self.start_raft(replacing.log, out);
                self.greet_all(out);
            }
            Replacement::Forced { licence, request } => {
                self.start_raft(replacing.log, out);
                self.pump(out);
                let generation = self.generation();
                out.push(Effect::WentAlone { generation, licence });
                if let Some(id) = request {
                    out.push(Effect::Done { id });
                }
                self.campaign_at = Some(self.now);
                self.greet_all(out);
            }
        }
    }

    /// Sends one of raft's messages where its receiver can be reached and may have it.
    pub(super) fn send_raft(&mut self, message: eraftpb::Message, out: &mut Vec<Effect>) {
        let Some(to) = node_id(message.to).filter(|to| *to != self.config.node) else { return };
        let kind = eraftpb::MessageType::from_i32(message.msg_type);
        let is_snapshot = kind == Some(eraftpb::MessageType::MsgSnapshot);
        match self.seal_raft(to, &message) {
            Some(bytes) => {
                if is_snapshot {
                    self.snapshots_sent.insert(to, self.now);
                }
                out.push(Effect::Send { to, bytes, snapshot: is_snapshot });
            }
            // Told to raft once it may be spoken to again.
            None => self.undelivered.push((to, is_snapshot)),
        }
    }

    /// Tells raft what could not be sent; returns whether there was anything.
    pub(super) fn deliver_failures(&mut self) -> bool {
        let failures = std::mem::take(&mut self.undelivered);
        for (to, is_snapshot) in &failures {
            if *is_snapshot {
                self.report_snapshot(*to, false);
            } else if let Some(raw) = &mut self.raw {
                raw.report_unreachable(u64::from(to.0));
            }
        }
        !failures.is_empty()
    }

    /// Returns the followers that wait for a snapshot or were never heard.
    pub(super) fn lagging_peers(&self) -> Vec<u64> {
        let Some(raw) = &self.raw else { return Vec::new() };
        if raw.raft.state != StateRole::Leader {
            return Vec::new();
        }
        let me = u64::from(self.config.node.0);
        let first = raft::Storage::first_index(raw.store()).unwrap_or(0);
        raw.raft
            .prs()
            .iter()
            .filter(|(id, progress)| **id != me && progress.next_idx < first.max(2))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Whatever was asked of this node as leader has an unknown outcome now.
    pub(super) fn forget_requests(&mut self, leader: Option<NodeId>, out: &mut Vec<Effect>) {
        let proposals = std::mem::take(&mut self.proposals);
        let changes = std::mem::take(&mut self.changes);
        for id in proposals.into_iter().chain(changes) {
            out.push(Effect::Rejected { id, reason: Rejection::Unknown });
        }
        // Who leaves is told whom to ask as soon as there is somebody.
        for handover in self.handovers.extract_if(.., |handover| !handover.leaving) {
            out.push(Effect::Done { id: handover.id });
        }
        for id in std::mem::take(&mut self.confirmations).into_values().flatten() {
            out.push(Effect::Rejected { id, reason: Rejection::NotLeader { leader } });
        }
        self.unconfirmed = false;
    }
}

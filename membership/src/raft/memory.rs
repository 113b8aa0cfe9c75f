//! The log in memory, as raft reads it. What is on disk follows by the records.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use raft::eraftpb;
use raft::prelude::RaftState;
use raft::{GetEntriesContext, Storage, StorageError};

use super::convert;
use super::record::{Base, Hard, Snapshot, Voters};

/// Entries kept before a snapshot, so that a follower that was away shortly needs no snapshot.
const TRAIL_ENTRIES: usize = 256;
/// And their size: a snapshot is cheaper than a longer trail.
const TRAIL_BYTES: usize = 1 << 20;

/// The log: entries from `start` on, and a snapshot that covers all up to its index.
#[derive(Debug, Default)]
pub(super) struct MemoryLog {
    hard: eraftpb::HardState,
    /// The configuration raft is (re)started with: that of the last applied entry.
    conf: eraftpb::ConfState,
    start_index: u64,
    start_term: u64,
    entries: VecDeque<eraftpb::Entry>,
    /// Bytes of `entries` after the snapshot.
    bytes: usize,
    snapshot: Snapshot,
    /// The entry that last took a node in: an older snapshot may know it under its former part.
    taken_in: BTreeMap<u64, u64>,
    /// Raft asked for a snapshot that is not there yet.
    wanted: AtomicBool,
}

fn size(entry: &eraftpb::Entry) -> usize {
    // What an entry costs besides its bytes, about.
    const OVERHEAD: usize = 32;
    entry.data.len() + entry.context.len() + OVERHEAD
}

impl MemoryLog {
    /// Reads a durable state back.
    pub(super) fn new(base: Base) -> Self {
        let snapshot = base.snapshot.unwrap_or_default();
        let mut hard = convert::hard_from_record(&base.hard.unwrap_or_default());
        hard.commit = hard.commit.max(snapshot.index);
        let mut log = Self {
            hard,
            conf: convert::voters_from_record(&snapshot.voters.clone().unwrap_or_default()),
            start_index: base.start_index,
            start_term: base.start_term,
            entries: base.entries.iter().map(convert::entry_from_record).collect(),
            bytes: 0,
            snapshot,
            taken_in: BTreeMap::new(),
            wanted: AtomicBool::new(false),
        };
        log.hard.commit = log.hard.commit.min(log.last());
        log.count_bytes();
        log
    }

    /// Counts all as committed that a sole voter has on disk: nobody else was needed for it. Without
    /// this a lone node would show an older document until it leads again, and weigh too little
    /// against a diverged peer.
    pub(super) fn commit_as_sole_voter(&mut self, me: u64) {
        let mut voters: BTreeSet<u64> = self.conf.voters.iter().copied().collect();
        let mut commit = self.hard.commit;
        if !self.conf.voters_outgoing.is_empty() {
            return;
        }
        let after = self.snapshot.index;
        for entry in self.entries.iter().filter(|entry| entry.index > after) {
            if entry.index > commit {
                if voters != BTreeSet::from([me]) {
                    break;
                }
                commit = entry.index;
            }
            let changes = convert::conf_change(entry).map(|change| change.changes);
            let changes = changes.unwrap_or_default();
            if changes.len() > 1 {
                break; // A joint configuration: more than one has a say.
            }
            for change in changes {
                match eraftpb::ConfChangeType::from_i32(change.change_type) {
                    Some(eraftpb::ConfChangeType::AddNode) => voters.insert(change.node_id),
                    _ => voters.remove(&change.node_id),
                };
            }
        }
        self.hard.commit = commit;
    }

    /// Returns the whole state for the disk.
    pub(super) fn base(&self, store: u64, blank: bool) -> Base {
        Base {
            hard: Some(convert::hard_to_record(&self.hard)),
            snapshot: Some(self.snapshot.clone()),
            start_index: self.start_index,
            start_term: self.start_term,
            entries: self.entries.iter().map(convert::entry_to_record).collect(),
            store,
            blank,
        }
    }

    fn count_bytes(&mut self) {
        let after = self.snapshot.index;
        self.bytes = self.entries.iter().filter(|e| e.index > after).map(size).sum();
    }

    /// Returns the last entry's index.
    pub(super) fn last(&self) -> u64 {
        self.start_index + self.entries.len() as u64
    }

    pub(super) fn hard(&self) -> &eraftpb::HardState {
        &self.hard
    }

    pub(super) fn snapshot_index(&self) -> u64 {
        self.snapshot.index
    }

    /// Returns entries and bytes since the snapshot.
    pub(super) fn since_snapshot(&self) -> (u64, usize) {
        (self.last().saturating_sub(self.snapshot.index), self.bytes)
    }

    /// Returns whether raft asked for a snapshot since the last call.
    pub(super) fn take_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed)
    }

    pub(super) fn set_hard(&mut self, hard: eraftpb::HardState) {
        self.hard = hard;
    }

    /// Sets the configuration raft is restarted with.
    pub(super) fn set_conf(&mut self, conf: eraftpb::ConfState) {
        self.conf = conf;
    }

    /// Notes that an entry takes a node in.
    pub(super) fn take_in(&mut self, node: u64, index: u64) {
        self.taken_in.insert(node, index);
    }

    /// Appends entries; those at or after the first one's index were void.
    pub(super) fn append(&mut self, entries: &[eraftpb::Entry]) {
        let Some(first) = entries.first() else { return };
        let keep = first.index.saturating_sub(self.start_index + 1);
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        for void in self.entries.drain(keep.min(self.entries.len())..) {
            self.bytes = self.bytes.saturating_sub(size(&void));
        }
        self.bytes += entries.iter().map(size).sum::<usize>();
        self.entries.extend(entries.iter().cloned());
    }

    /// Replaces everything by a leader's snapshot.
    pub(super) fn install(&mut self, snapshot: Snapshot) {
        self.entries.clear();
        self.bytes = 0;
        self.start_index = snapshot.index;
        self.start_term = snapshot.term;
        self.hard.commit = self.hard.commit.max(snapshot.index);
        self.snapshot = snapshot;
    }

    /// Takes a snapshot of the own state and drops the entries nobody will ask for.
    pub(super) fn compact(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
        self.count_bytes();
        let after = self.snapshot.index;
        let before = usize::try_from(after.saturating_sub(self.start_index)).unwrap_or(usize::MAX);
        let before = before.min(self.entries.len());
        let (mut trail, mut trail_bytes) = (0, 0);
        for entry in self.entries.iter().take(before).rev() {
            trail_bytes += size(entry);
            if trail == TRAIL_ENTRIES || trail_bytes > TRAIL_BYTES {
                break;
            }
            trail += 1;
        }
        for gone in self.entries.drain(..before - trail) {
            self.start_index = gone.index;
            self.start_term = gone.term;
        }
    }

    /// Returns the entries after `index`.
    pub(super) fn after(&self, index: u64) -> impl Iterator<Item = &eraftpb::Entry> {
        self.entries.iter().filter(move |e| e.index > index)
    }

    pub(super) fn snapshot_voters(&self) -> Voters {
        self.snapshot.voters.clone().unwrap_or_default()
    }

    pub(super) fn hard_record(&self) -> Hard {
        convert::hard_to_record(&self.hard)
    }

    fn position(&self, index: u64) -> Option<usize> {
        usize::try_from(index.checked_sub(self.start_index + 1)?).ok()
    }
}

impl Storage for MemoryLog {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState { hard_state: self.hard.clone(), conf_state: self.conf.clone() })
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<eraftpb::Entry>> {
        let compacted = raft::Error::Store(StorageError::Compacted);
        let (Some(from), Some(to)) = (self.position(low), self.position(high)) else {
            return Err(compacted);
        };
        if to > self.entries.len() {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        // At least one entry, however large, else as many as fit.
        let max = max_size.into().unwrap_or(u64::MAX);
        let mut total = 0_u64;
        let fits = |entry: &&eraftpb::Entry| {
            let first = total == 0;
            total = total.saturating_add(size(entry) as u64);
            first || total <= max
        };
        Ok(self.entries.range(from..to).take_while(fits).cloned().collect())
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.start_index {
            return Ok(self.start_term);
        }
        let Some(position) = self.position(index) else {
            return Err(raft::Error::Store(StorageError::Compacted));
        };
        let entry = self.entries.get(position);
        entry.map(|e| e.term).ok_or(raft::Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.start_index + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<eraftpb::Snapshot> {
        // A snapshot from before the receiver was taken in would be refused by it.
        let voters = self.snapshot_voters();
        let knows = voters.voters.contains(&to) || voters.learners.contains(&to);
        let least = self.taken_in.get(&to).copied().unwrap_or(1).max(request_index);
        if self.snapshot.index < least || !knows {
            self.wanted.store(true, Ordering::Relaxed);
            return Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        let own = self.snapshot.own.clone().unwrap_or_default();
        Ok(eraftpb::Snapshot {
            data: convert::snapshot_body(&own, &self.snapshot.data),
            metadata: Some(eraftpb::SnapshotMetadata {
                conf_state: Some(convert::voters_from_record(&voters)),
                index: self.snapshot.index,
                term: self.snapshot.term,
            }),
        })
    }
}

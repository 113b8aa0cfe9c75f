//! A host's disk as the log uses it: what was written lives in memory until it is synced, and a
//! loss of power takes any tail of it.

use std::collections::VecDeque;

use membership::raft::durable;
use membership::raft::record::{Base, Record};

use crate::chance::Chance;

/// One write of the log.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) seq: u64,
    pub(crate) records: Vec<Record>,
    pub(crate) sync: bool,
    pub(crate) took_ms: u64,
    /// The loop was told already that it is written, which is a lie.
    pub(crate) told: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// What a loss of power leaves.
    synced: Option<Base>,
    /// Written, in the host's memory only.
    written: VecDeque<Vec<Record>>,
    /// Given to the log's thread.
    queue: VecDeque<Batch>,
    /// When the thread is through with its queue.
    pub(crate) free_at: u64,
    /// Until when every write is slow, and how slow.
    pub(crate) slow: (u64, u64),
}

impl Disk {
    pub(crate) fn push(&mut self, batch: Batch) {
        self.queue.push_back(batch);
    }

    /// Ends the oldest write.
    pub(crate) fn finish(&mut self) -> Option<Batch> {
        let mut batch = self.queue.pop_front()?;
        self.written.push_back(std::mem::take(&mut batch.records));
        if batch.sync {
            self.sync(self.written.len());
        }
        Some(batch)
    }

    fn sync(&mut self, count: usize) {
        for record in self.written.drain(..count).flatten() {
            if let Err(error) = durable::apply(&mut self.synced, record) {
                // the log's own order is at stake, so this is a failure of the run
                unreachable!("the log wrote what it cannot read: {error}");
            }
        }
    }

    /// The brain died: what it had written stays, of the rest any beginning may have got through.
    pub(crate) fn brain_died(&mut self, chance: &mut Chance) {
        for _ in 0..chance.below(self.queue.len() as u64 + 1) {
            self.finish();
        }
        self.queue.clear();
    }

    /// The host lost its power: of what was not synced any beginning may be there.
    pub(crate) fn power_lost(&mut self, chance: &mut Chance) {
        self.brain_died(chance);
        let kept = usize::try_from(chance.below(self.written.len() as u64 + 1)).unwrap_or(0);
        self.sync(kept);
        self.written.clear();
    }

    /// Reads what a new brain finds.
    pub(crate) fn read(&mut self) -> Option<Base> {
        let mut state = self.synced.clone();
        for record in self.written.iter().flatten().cloned() {
            if let Err(error) = durable::apply(&mut state, record) {
                unreachable!("the log wrote what it cannot read: {error}");
            }
        }
        state
    }
}

//! What one resource's operations came to on this node.

use std::collections::{BTreeMap, VecDeque};

use model::{ExecStatus, OpRecord};

/// Results kept to answer a repeated request by its transition key: a plan holds at most a
/// handful of actions on one resource and node (start, monitors, notifications).
const FINISHED_MAX: usize = 16;

/// The results of one resource that a new DC must know.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Grows with each entry; tells the order in which results came.
    arrivals: u64,
    last: Option<(u64, OpRecord)>,
    last_failure: Option<(u64, OpRecord)>,
    /// `migrate_to` and `migrate_from`: their history matters to more than one node.
    migrations: BTreeMap<String, (u64, OpRecord)>,
    recurring: BTreeMap<(String, u64), (u64, OpRecord)>,
    finished: VecDeque<OpRecord>,
}

impl History {
    /// Takes a result in.
    pub(crate) fn add(&mut self, record: &OpRecord) {
        self.finished.retain(|known| known.transition_key != record.transition_key);
        if self.finished.len() >= FINISHED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back(record.clone());
        if record.action == "notify" || record.status == ExecStatus::Cancelled {
            return;
        }
        self.arrivals += 1;
        let entry = (self.arrivals, record.clone());
        if record.is_unexpected() {
            self.last_failure = Some(entry.clone());
        }
        if record.interval_ms > 0 {
            self.recurring.insert((record.action.clone(), record.interval_ms), entry);
            return;
        }
        if matches!(record.action.as_str(), "migrate_to" | "migrate_from") {
            self.migrations.insert(record.action.clone(), entry.clone());
        }
        if record.action != "monitor" {
            self.recurring.clear();
        }
        if matches!(record.action.as_str(), "start" | "stop") && !record.is_unexpected() {
            self.migrations.clear();
        }
        self.last = Some(entry);
    }

    /// Forgets a recurring operation that was cancelled.
    pub(crate) fn cancelled(&mut self, action: &str, interval_ms: u64) {
        self.recurring.remove(&(action.to_owned(), interval_ms));
        self.finished.retain(|r| r.action != action || r.interval_ms != interval_ms);
    }

    /// Forgets what is known of one operation.
    pub(crate) fn forget(&mut self, action: &str, interval_ms: u64) {
        let other = |(_, record): &(u64, OpRecord)| {
            record.action != action || record.interval_ms != interval_ms
        };
        self.last = self.last.take().filter(other);
        self.last_failure = self.last_failure.take().filter(other);
        self.migrations.retain(|_, entry| other(entry));
        self.recurring.retain(|_, entry| other(entry));
        self.finished.retain(|r| r.action != action || r.interval_ms != interval_ms);
    }

    /// Returns the result that this action of this plan already had here.
    pub(crate) fn answer(&self, transition_key: &str) -> Option<&OpRecord> {
        self.finished.iter().find(|record| record.transition_key == transition_key)
    }

    /// Returns the last result of a recurring operation.
    pub(crate) fn recurring(&self, action: &str, interval_ms: u64) -> Option<&OpRecord> {
        self.recurring.get(&(action.to_owned(), interval_ms)).map(|(_, record)| record)
    }

    /// Returns all that must be known, in the order in which it came.
    pub(crate) fn records(&self) -> Vec<OpRecord> {
        let mut entries: Vec<&(u64, OpRecord)> = self
            .last
            .iter()
            .chain(&self.last_failure)
            .chain(self.migrations.values())
            .chain(self.recurring.values())
            .collect();
        entries.sort_by_key(|(arrival, _)| *arrival);
        entries.dedup_by_key(|(arrival, _)| *arrival);
        entries.into_iter().map(|(_, record)| record.clone()).collect()
    }

    /// Tells whether there is nothing to remember.
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
            && self.last_failure.is_none()
            && self.migrations.is_empty()
            && self.recurring.is_empty()
            && self.finished.is_empty()
    }
}

//! Results on their way to the brain: numbered, told again until acknowledged.

use std::collections::VecDeque;

use model::{HandsReport, OpRecord};

/// A brain that is away for long must not cost all memory: each result takes about 1 KB, so
/// this is some 16 MB. What falls out is still in the history that the next join reads.
const UNACKNOWLEDGED_MAX: usize = 16_384;

/// Results that no brain has acknowledged, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    last_report: u64,
    waiting: VecDeque<(u64, OpRecord)>,
}

impl Outbox {
    /// Numbers a result and keeps it. Returns the report, and the result that had to be dropped
    /// for it if nobody has acknowledged any for very long.
    pub(crate) fn add(&mut self, record: OpRecord) -> (HandsReport, Option<OpRecord>) {
        self.last_report += 1;
        let report = self.last_report;
        let dropped = if self.waiting.len() >= UNACKNOWLEDGED_MAX {
            self.waiting.pop_front().map(|(_, record)| record)
        } else {
            None
        };
        self.waiting.push_back((report, record.clone()));
        (HandsReport::Result { report, record }, dropped)
    }

    /// Returns all that is unacknowledged, in order, for a brain that has just come.
    pub(crate) fn retell(&self) -> impl Iterator<Item = HandsReport> + '_ {
        self.waiting
            .iter()
            .map(|(report, record)| HandsReport::Result { report: *report, record: record.clone() })
    }

    /// Drops what is recorded elsewhere now; returns the call ids of those results.
    pub(crate) fn acknowledge(&mut self, through: u64) -> Vec<i64> {
        let mut calls = Vec::new();
        while self.waiting.front().is_some_and(|(report, _)| *report <= through) {
            calls.extend(self.waiting.pop_front().map(|(_, record)| record.call_id));
        }
        calls
    }
}

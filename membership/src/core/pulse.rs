//! Small clocks and counters of the group: own pauses, the budget for extra heartbeats, warnings
//! already given, challenges.

use std::collections::VecDeque;

use model::Monotonic;

use super::event::Warning;

const HOUR_MS: u64 = 3_600_000;

/// The longest pause of this node's own thread in the last day, by the hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Pauses(VecDeque<(u64, u64)>);

impl Pauses {
    pub(super) fn note(&mut self, now: Monotonic, late_ms: u64) {
        let hour = now.0 / HOUR_MS;
        match self.0.back_mut() {
            Some((last, longest)) if *last == hour => *longest = late_ms.max(*longest),
            _ => self.0.push_back((hour, late_ms)),
        }
        while self.0.front().is_some_and(|(first, _)| *first + 24 < hour) {
            self.0.pop_front();
        }
    }

    pub(super) fn longest_ms(&self) -> u64 {
        self.0.iter().map(|(_, longest)| *longest).max().unwrap_or(0)
    }
}

/// Heartbeats that may be sent besides the regular ones. A view needs about four; a network that
/// changes all the time must not make a storm.
#[derive(Clone, Debug)]
pub(super) struct SendBudget {
    left: u64,
    filled_at: Monotonic,
}

const BUDGET_MAX: u64 = 20;
const BUDGET_REFILL_MS: u64 = 5;

impl SendBudget {
    pub(super) fn new(now: Monotonic) -> Self {
        Self { left: BUDGET_MAX, filled_at: now }
    }

    /// Takes one out if there is one.
    pub(super) fn take(&mut self, now: Monotonic) -> bool {
        let refills = now.since(self.filled_at) / BUDGET_REFILL_MS;
        self.left = (self.left + refills).min(BUDGET_MAX);
        self.filled_at = self.filled_at + refills * BUDGET_REFILL_MS;
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }

    /// Returns when there will be one.
    pub(super) fn next_at(&self, now: Monotonic) -> Monotonic {
        (self.filled_at + BUDGET_REFILL_MS).max(now + 1)
    }
}

/// Warnings already given, so that one trouble is one line a minute and not ten a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Warned(Vec<(Warning, Monotonic)>);

const WARN_AGAIN_MS: u64 = 60_000;

/// Different warnings remembered; their number is bounded by the nodes, but packets from outside
/// may name many numbers.
const WARNINGS_MAX: usize = 100;

impl Warned {
    pub(super) fn is_news(&mut self, now: Monotonic, warning: &Warning) -> bool {
        self.0.retain(|(_, at)| now.since(*at) < WARN_AGAIN_MS);
        let known = self.0.iter().any(|(known, _)| known.is_same_matter(warning));
        if known || self.0.len() >= WARNINGS_MAX {
            return false;
        }
        self.0.push((warning.clone(), now));
        true
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Returns what was warned of in the last minute.
    pub(super) fn current(&self, now: Monotonic) -> impl Iterator<Item = &Warning> {
        self.0.iter().filter(move |(_, at)| now.since(*at) < WARN_AGAIN_MS).map(|(w, _)| w)
    }
}

/// splitmix64: numbers from a secret seed that nobody outside has seen.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_is_that_of_the_last_day() {
        let mut pauses = Pauses::default();
        pauses.note(Monotonic(0), 700);
        pauses.note(Monotonic(HOUR_MS), 50);
        assert_eq!(pauses.longest_ms(), 700);
        pauses.note(Monotonic(25 * HOUR_MS), 1);
        assert_eq!(pauses.longest_ms(), 50);
    }

    #[test]
    fn the_budget_runs_out_and_fills_again() {
        let mut budget = SendBudget::new(Monotonic(0));
        assert_eq!((0..100).filter(|_| budget.take(Monotonic(0))).count(), 20);
        assert_eq!(budget.next_at(Monotonic(0)), Monotonic(5));
        assert!(budget.take(Monotonic(5)));
        assert!(!budget.take(Monotonic(5)));
    }

    #[test]
    fn the_same_warning_comes_once_a_minute() {
        let mut warned = Warned::default();
        let warning = Warning::SelfNotInNodelist;
        assert!(warned.is_news(Monotonic(0), &warning));
        assert!(!warned.is_news(Monotonic(59_999), &warning));
        assert!(warned.is_news(Monotonic(60_000), &warning));
        assert_eq!(warned.current(Monotonic(60_001)).count(), 1);
    }
}

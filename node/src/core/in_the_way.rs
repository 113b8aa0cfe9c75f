//! A node of a pair whose log has ended stands in the other one's way.
//!
//! It keeps its vote back, and of two voters one is no majority: nobody leads, and nothing that fails is
//! recovered on either node. So it asks the other whether anybody decides; when that one is
//! well and has nobody for a while, this node stops what it runs and goes, and the other goes on as
//! after any loss. Of three voters two are enough: there it stays, and is led by the DC.

use crmd::core::Now;
use model::{ExitCode, Monotonic};

use super::brain::{Brain, Output};
use super::leave::LEADERLESS_MS;
use super::message::{Action, Ask, Outcome, PeerMessage};

/// How often the other is asked.
const DOUBT_MS: u64 = 1_000;

/// What a node whose log has ended knows of who leads.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt {
    /// The question that is under way, and since when.
    asked: Option<(u64, Monotonic)>,
    /// Since when the other one says that it is well and that nobody decides.
    leaderless: Option<Monotonic>,
}

impl Doubt {
    /// Tells whether the other one has waited for long enough.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.leaderless.is_some_and(|since| now.monotonic.since(since) >= LEADERLESS_MS)
    }
}

impl Brain {
    /// With the clock: asks who is taken for the DC, and goes when it should.
    pub(super) fn doubt(&mut self, now: Now, out: &mut Vec<Output>) {
        let Some(reason) = self.log_stopped.clone() else { return };
        let voters = self.consensus.voters();
        let of_a_pair = voters.len() == 2 && voters.contains(&self.settings.me);
        let other = match self.others().as_slice() {
            [other] if of_a_pair => Some(*other),
            _ => {
                // another node's word that nobody decides would only mean that it does not
                self.doubt.leaderless = None;
                self.dc()
            }
        };
        if self.doubt.is_over(now) && !self.is_leaving() {
            out.push(Output::Warn(format!(
                "this node leaves, since the other one cannot go on while it is here: {reason}"
            )));
            self.wish_to_leave(now);
            return;
        }
        let waits = |(_, at): (u64, Monotonic)| now.monotonic.since(at) < DOUBT_MS;
        let Some(other) = other.filter(|_| !self.doubt.asked.is_some_and(waits)) else { return };
        let id = self.asking.number();
        self.doubt.asked = Some((id, now.monotonic));
        let what = Ask::Act(Action::WaitIdle { timeout_ms: 0 });
        self.send(other, PeerMessage::Ask { id, what }, out);
    }

    /// Takes the answer to a doubt; false for any other.
    pub(super) fn doubt_answered(&mut self, now: Now, id: u64, outcome: &Outcome) -> bool {
        if self.doubt.asked.is_none_or(|(asked, _)| asked != id) {
            return false;
        }
        let well = outcome.code == ExitCode::NoDc;
        if well || outcome.code == ExitCode::IoErr {
            // who led before does so no more, and is not asked what only a DC can tell
            self.heard_dc = None;
        }
        if well {
            self.doubt.leaderless.get_or_insert(now.monotonic);
        } else {
            // somebody decides, or the other one's log has ended too
            self.doubt.leaderless = None;
        }
        true
    }
}

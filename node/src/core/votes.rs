//! What an operator says of votes and of who is missing.
//!
//! Votes alone decide nothing here: a partition acts when it is quorate by votes and a majority of
//! the log's voters is in it. So votes that would make it quorate without such a majority are
//! refused; only of a pair one can go on alone, when an operator says that the other is off.

use crmd::core::Now;
use membership::raft::Licence;
use model::ExitCode;

use super::brain::{Brain, Output};
use super::message::{Outcome, PeerMessage};

impl Brain {
    /// Sets the votes expected, on all members.
    pub(super) fn expect_votes(&self, votes: u32, out: &mut Vec<Output>) -> Outcome {
        if let Some(why) = self.log_lacks_voters() {
            return Outcome::refused(ExitCode::Quorum, why);
        }
        out.push(Output::ExpectVotes(votes));
        for node in self.others() {
            self.send(node, PeerMessage::ExpectedVotes(votes), out);
        }
        Outcome::done()
    }

    /// Waits for nobody any more.
    pub(super) fn unblock(&mut self, now: Now, out: &mut Vec<Output>) -> Outcome {
        let alone_of_pair = self.view.members.len() == 1 && self.consensus.voters().len() == 2;
        if alone_of_pair {
            if let Some(why) = self.consensus.why_not_alone(Licence::Confirmed) {
                return Outcome::refused(ExitCode::Quorum, why);
            }
            self.other_is_off = true;
        } else if let Some(why) = self.log_lacks_voters() {
            return Outcome::refused(ExitCode::Quorum, why);
        }
        out.push(Output::SoleVoter);
        self.plan_going_alone(now);
        Outcome::done()
    }

    /// Says who must come before this partition could act, however many votes are expected.
    fn log_lacks_voters(&self) -> Option<String> {
        let voters = self.consensus.voters();
        let missing: Vec<String> = voters
            .iter()
            .filter(|voter| !self.view.members.contains_key(voter))
            .map(|voter| self.name_of(*voter))
            .collect();
        if (voters.len() - missing.len()) * 2 > voters.len() {
            return None;
        }
        Some(format!(
            "{} of the {} nodes that hold the configuration are missing ({}), and no number of votes \
             makes up for them; start them. Nothing was done",
            missing.len(),
            voters.len(),
            missing.join(", ")
        ))
    }
}

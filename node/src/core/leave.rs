//! Leaving in order: stop what runs here, be recorded clean, then go.
//!
//! A member asks the DC. The DC has the node's resources stopped by an ordinary plan; when its
//! controller says that nothing runs there any more (and the record says so), the log is told, and
//! the node may go. A DC that leaves alone first hands its office to another voter and then asks
//! that one. With `all`, every node was asked: the DC lets the others go, all at once, when the
//! last of them is drained, the voters stay as they are, and the DC goes last. If somebody who is
//! here does not ask after all, the others leave one by one.
//!
//! What cannot be stopped holds its node for `shutdown-escalation`; then it goes all the same, not
//! recorded clean, and the others treat it as lost.
//!
//! A node whose side is quorate by votes, but without a quorum of the log's voters, has nobody to
//! ask. It may always stop what it runs itself: it counts itself out, as a partition of its own
//! without quorum, and goes when it is empty.

use std::collections::{BTreeMap, BTreeSet};

use crmd::core::{self as controller, Now};
use membership::raft::{self, Rejection};
use model::{Monotonic, NodeId, View};

use super::brain::{Brain, Office, Output, Pending};
use super::message::{Action, Ask, Asker, Outcome, PeerMessage, ToolId};

/// Between two attempts to tell the DC, or to hand over.
const RETRY_MS: u64 = 300;

/// How long those who were all asked to leave wait, drained, for one who does not ask.
const STRAGGLER_MS: u64 = 10_000;

/// How long a node that wants to leave waits for a DC, when the log's voters are not here.
const HELPLESS_MS: u64 = 3_000;

/// How long it waits where the voters are here and elect nobody: an election may yet succeed.
pub(super) const LEADERLESS_MS: u64 = 10_000;

/// Who leaves, on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaving {
    /// This node's own wish.
    mine: Option<Wish>,
    /// As DC: who asked, and whether everybody was asked.
    asked: BTreeMap<NodeId, bool>,
    /// As DC: who is drained.
    drained: BTreeSet<NodeId>,
    /// As DC: who was let go.
    released: BTreeSet<NodeId>,
    /// As DC: since when all who asked are drained, and somebody else has not asked.
    straggling: Option<Monotonic>,
    /// The view that the group holds, while this node has counted itself out of it.
    counted_out_of: Option<View>,
}

#[derive(Clone, Debug)]
pub(super) struct Wish {
    all: bool,
    since: Monotonic,
    tools: Vec<ToolId>,
    /// When to tell the DC (again).
    tell_at: Monotonic,
    /// The DC that was told.
    told: Option<NodeId>,
    /// A hand-over is under way, to whom.
    handing_over: Option<NodeId>,
    /// Who did not take over.
    unfit: BTreeSet<NodeId>,
    /// Since when there is nobody to tell.
    helpless: Option<Monotonic>,
    done: bool,
}

impl Leaving {
    pub(super) fn is_asked(&self) -> bool {
        self.mine.is_some()
    }
}

impl Brain {
    /// A tool here wants this node to leave. It is answered when the node may go.
    pub(super) fn ask_to_leave(&mut self, now: Now, id: ToolId, all: bool, _out: &mut Vec<Output>) {
        let wish = self.wish_to_leave(now);
        wish.all |= all;
        wish.tools.push(id);
    }

    /// This node wants to leave.
    pub(super) fn wish_to_leave(&mut self, now: Now) -> &mut Wish {
        self.leaving.mine.get_or_insert(Wish {
            all: false,
            since: now.monotonic,
            tools: Vec::new(),
            tell_at: now.monotonic,
            told: None,
            handing_over: None,
            unfit: BTreeSet::new(),
            helpless: None,
            done: false,
        })
    }

    /// Does the next step of leaving, as long as there is one to do now.
    pub(super) fn continue_leaving(&mut self, now: Now, out: &mut Vec<Output>) {
        self.release_all_when_drained(now, out);
        let dc = self.dc();
        let me = self.settings.me;
        let Some(wish) = &mut self.leaving.mine else { return };
        let waits = wish.tell_at > now.monotonic && wish.told == dc;
        if wish.done || waits || wish.handing_over.is_some() {
            return;
        }
        if now.monotonic.since(wish.since) >= self.controller.shutdown_escalation_ms() {
            out.push(Output::Warn(
                "this node goes although not everything could be stopped here in the time that \
                 shutdown-escalation allows: the others take it for lost"
                    .to_owned(),
            ));
            return self.let_go(out);
        }
        if dc.is_some() {
            wish.helpless = None;
        }
        wish.tell_at = now.monotonic + RETRY_MS;
        let all = wish.all;
        match (self.office, dc) {
            (Office::Leading(..), _) => {
                let heir = self.heir();
                if let Some(to) = heir.filter(|_| !all) {
                    if let Some(wish) = &mut self.leaving.mine {
                        wish.handing_over = Some(to);
                    }
                    let id = self.request(Pending::HandOver);
                    self.consense(now, raft::Event::TransferLeadership { id, to });
                } else if self.told(me) {
                    self.leave_asked(now, Asker::Controller, me, all, out);
                }
            }
            (Office::Coordinating, _) => {
                if self.told(me) {
                    self.leave_asked(now, Asker::Controller, me, all, out);
                }
            }
            (Office::Following, Some(dc)) => {
                if self.told(dc) {
                    let what = Ask::Act(Action::Leave { all });
                    let id = self.asking.number();
                    self.send(dc, PeerMessage::Ask { id, what }, out);
                }
            }
            // a cluster that has never run has no DC to ask, and nothing runs here
            (Office::Following, None)
                if matches!(self.consensus.obstacle(), Some(raft::Obstacle::Unborn { .. })) =>
            {
                self.let_go(out);
            }
            (Office::Following, None) => self.leave_without_a_log(now, out),
        }
    }

    /// Nobody can be told: if that lasts, since the log's voters are not here, this node counts
    /// itself out.
    fn leave_without_a_log(&mut self, now: Now, out: &mut Vec<Output>) {
        let missing = "too many voters of the log are missing";
        let unwell = "the log of this node has ended and nobody leads it elsewhere";
        let found = match self.consensus.obstacle() {
            Some(raft::Obstacle::VotersMissing { .. } | raft::Obstacle::NotTakenIn) => {
                Some((HELPLESS_MS, missing))
            }
            Some(raft::Obstacle::Stopped { .. }) if self.view.members.len() == 1 => {
                Some((HELPLESS_MS, missing))
            }
            Some(raft::Obstacle::Stopped { .. }) if self.doubt.is_over(now) => Some((0, unwell)),
            Some(raft::Obstacle::Stopped { .. }) => Some((LEADERLESS_MS, unwell)),
            Some(raft::Obstacle::NoLeader) => Some((LEADERLESS_MS, "no DC is elected")),
            Some(raft::Obstacle::Unborn { .. }) | None => None,
        };
        let Some(wish) = &mut self.leaving.mine else { return };
        let Some((patience, reason)) = found else {
            wish.helpless = None;
            return;
        };
        let since = *wish.helpless.get_or_insert(now.monotonic);
        if now.monotonic.since(since) < patience || self.leaving.counted_out_of.is_some() {
            return;
        }
        out.push(Output::Warn(format!(
            "nobody can write that this node leaves, since {reason}: it stops what it runs and \
             goes; the others will have to make sure of it"
        )));
        let whole = self.view.clone();
        let me = self.settings.me;
        let mut alone = View { quorate: false, ..whole.clone() };
        alone.members.retain(|node, _| *node == me);
        self.leaving.counted_out_of = Some(whole);
        self.see(now, alone, out);
    }

    /// There is a DC, or another view: this node counts itself in again.
    pub(super) fn count_in(&mut self, now: Now, out: &mut Vec<Output>) {
        if let Some(whole) = self.leaving.counted_out_of.take() {
            self.see(now, whole, out);
        }
    }

    /// The view is another one by itself.
    pub(super) fn forget_counting_out(&mut self) {
        self.leaving.counted_out_of = None;
        if let Some(wish) = &mut self.leaving.mine {
            wish.helpless = None;
        }
    }

    /// Notes that a DC is told; telling the same one again is harmless and heals a lost message.
    fn told(&mut self, dc: NodeId) -> bool {
        if let Some(wish) = &mut self.leaving.mine {
            wish.told = Some(dc);
        }
        true
    }

    /// The voter that takes over from a DC which leaves: the lowest other one that stays.
    fn heir(&self) -> Option<NodeId> {
        let voters = self.consensus.voters();
        let unfit = |node: &NodeId| {
            self.leaving.mine.as_ref().is_some_and(|wish| wish.unfit.contains(node))
        };
        self.others().into_iter().find(|node| {
            voters.contains(node) && !self.leaving.asked.contains_key(node) && !unfit(node)
        })
    }

    /// The hand-over came to an end; who refused it, or did not take over in time, is not asked
    /// again.
    pub(super) fn hand_over_ended(&mut self, refused: bool) {
        if let Some(wish) = &mut self.leaving.mine
            && let Some(heir) = wish.handing_over.take()
            && refused
        {
            wish.unfit.insert(heir);
        }
    }

    /// As DC: a node wants to leave.
    pub(super) fn leave_asked(
        &mut self,
        now: Now,
        asker: Asker,
        node: NodeId,
        all: bool,
        out: &mut Vec<Output>,
    ) {
        if self.leaving.released.contains(&node) {
            self.release(node, out);
        } else if self.leaving.asked.insert(node, all).is_none() {
            self.control(now, controller::Event::LeaveAsked { node });
        }
        self.answer(asker, Outcome::done(), out);
    }

    /// As DC: nothing runs on a node any more, and its record says so.
    pub(super) fn may_leave(&mut self, now: Now, node: NodeId, out: &mut Vec<Output>) {
        self.leaving.drained.insert(node);
        let all = self.leaving.asked.get(&node).copied().unwrap_or_default();
        if all {
            return;
        }
        let only_me = node == self.settings.me;
        if only_me || self.office == Office::Coordinating {
            self.left(now, node, out);
        } else {
            let id = self.request(Pending::Leave(node));
            self.consense(now, raft::Event::Leave { id, node });
        }
    }

    /// As DC: everybody was asked; when all who are here are drained, all may go.
    fn release_all_when_drained(&mut self, now: Now, out: &mut Vec<Output>) {
        let everybody = |set: &dyn Fn(&NodeId) -> bool| self.view.members.keys().all(set);
        let all_asked =
            everybody(&|node| self.leaving.asked.get(node).copied().unwrap_or_default());
        let all_drained = everybody(&|node| self.leaving.drained.contains(node));
        let first = self.leaving.released.is_empty();
        if self.office == Office::Following || !first {
            return;
        }
        if !all_asked || !all_drained {
            return self.leave_one_by_one_when_due(now, out);
        }
        for node in self.others() {
            self.left(now, node, out);
        }
        self.left(now, self.settings.me, out);
    }

    /// As DC: everybody was asked to leave, and somebody who is here has not passed that on. The
    /// others do not wait for it for ever.
    fn leave_one_by_one_when_due(&mut self, now: Now, out: &mut Vec<Output>) {
        let asked = &self.leaving.asked;
        let with_all: Vec<NodeId> =
            asked.iter().filter(|(_, all)| **all).map(|(node, _)| *node).collect();
        let drained = with_all.iter().all(|node| self.leaving.drained.contains(node));
        if with_all.is_empty() || !drained {
            self.leaving.straggling = None;
            return;
        }
        let since = *self.leaving.straggling.get_or_insert(now.monotonic);
        if now.monotonic.since(since) < STRAGGLER_MS {
            return;
        }
        self.leaving.straggling = None;
        let me = self.settings.me;
        for node in with_all {
            if node == me {
                // as one of several it hands over first
                self.leaving.asked.remove(&me);
                if let Some(wish) = &mut self.leaving.mine {
                    wish.all = false;
                }
            } else {
                self.leaving.asked.insert(node, false);
                self.may_leave(now, node, out);
            }
        }
    }

    /// A node's brain has started again: what its former life asked is void.
    pub(super) fn forget_leaver(&mut self, node: NodeId) {
        self.leaving.asked.remove(&node);
        self.leaving.drained.remove(&node);
        self.leaving.released.remove(&node);
    }

    /// As DC: the log knows that a node leaves, or need not.
    pub(super) fn left(&mut self, _now: Now, node: NodeId, out: &mut Vec<Output>) {
        self.leaving.released.insert(node);
        self.release(node, out);
    }

    fn release(&mut self, node: NodeId, out: &mut Vec<Output>) {
        if node == self.settings.me {
            self.let_go(out);
        } else {
            self.send(node, PeerMessage::MayLeave, out);
        }
    }

    pub(super) fn leave_refused(&mut self, now: Now, node: NodeId, reason: &Rejection) {
        tracing::debug!(%node, ?reason, "the log does not let a node go yet");
        // the node asks again; the new DC, or this one, then tries anew
        self.leaving.asked.remove(&node);
        self.leaving.drained.remove(&node);
        self.control(now, controller::Event::LeaveWithdrawn { node });
    }

    /// This node may go.
    pub(super) fn let_go(&mut self, out: &mut Vec<Output>) {
        let Some(wish) = &mut self.leaving.mine else { return };
        if std::mem::replace(&mut wish.done, true) {
            return;
        }
        for id in std::mem::take(&mut wish.tools) {
            out.push(Output::Reply { id, outcome: Outcome::done() });
        }
        out.push(Output::Leave);
    }

    /// A node is not here any more, or another office begins: what was asked is asked again.
    pub(super) fn forget_leavers(&mut self) {
        let members = self.view.members.clone();
        let here = |node: &NodeId| members.contains_key(node);
        self.leaving.asked.retain(|node, _| here(node));
        self.leaving.drained.retain(here);
        self.leaving.released.retain(here);
        if self.office == Office::Following {
            self.leaving.asked.clear();
            self.leaving.drained.clear();
            self.leaving.released.clear();
        }
        if let Some(wish) = &mut self.leaving.mine
            && wish.told != Some(self.settings.me)
        {
            wish.handing_over = None;
        }
    }
}

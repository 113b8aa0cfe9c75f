//! Leaving in order: stop what runs here, be recorded clean, then go.
//!
//! A member asks the DC. The DC has the node's resources stopped by an ordinary plan; when its
//! controller says that nothing runs there any more (and the record says so), the log is told, and
//! the node may go. A DC that leaves alone first hands its office to another voter and then asks
//! that one. With `all`, every node was asked: the DC lets the others go, all at once, when the
//! last of them is drained, the voters stay as they are, and the DC goes last.

use std::collections::{BTreeMap, BTreeSet};

use crmd::core::{self as controller, Now};
use membership::raft::{self, Rejection};
use model::{Monotonic, NodeId};

use super::brain::{Brain, Office, Output, Pending};
use super::message::{Action, Ask, Asker, Outcome, PeerMessage, ToolId};

/// Between two attempts to tell the DC, or to hand over.
const RETRY_MS: u64 = 300;

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
}

#[derive(Clone, Debug)]
struct Wish {
    all: bool,
    tools: Vec<ToolId>,
    /// When to tell the DC (again).
    tell_at: Monotonic,
    /// The DC that was told.
    told: Option<NodeId>,
    /// A hand-over is under way.
    handing_over: bool,
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
        let wish = self.leaving.mine.get_or_insert(Wish {
            all,
            tools: Vec::new(),
            tell_at: now.monotonic,
            told: None,
            handing_over: false,
            done: false,
        });
        wish.all |= all;
        wish.tools.push(id);
    }

    /// Does the next step of leaving, as long as there is one to do now.
    pub(super) fn continue_leaving(&mut self, now: Now, out: &mut Vec<Output>) {
        self.release_all_when_drained(now, out);
        let dc = self.dc();
        let me = self.settings.me;
        let Some(wish) = &mut self.leaving.mine else { return };
        if wish.done || (wish.tell_at > now.monotonic && wish.told == dc) || wish.handing_over {
            return;
        }
        wish.tell_at = now.monotonic + RETRY_MS;
        let all = wish.all;
        match (self.office, dc) {
            (Office::Leading(..), _) => {
                let heir = self.heir();
                if let Some(to) = heir.filter(|_| !all) {
                    if let Some(wish) = &mut self.leaving.mine {
                        wish.handing_over = true;
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
            (Office::Following, None) => {}
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
        self.others()
            .into_iter()
            .find(|node| voters.contains(node) && !self.leaving.asked.contains_key(node))
    }

    pub(super) fn hand_over_ended(&mut self) {
        if let Some(wish) = &mut self.leaving.mine {
            wish.handing_over = false;
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
        if self.office == Office::Following || !all_asked || !all_drained || !first {
            return;
        }
        for node in self.others() {
            self.left(now, node, out);
        }
        self.left(now, self.settings.me, out);
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
            wish.handing_over = false;
        }
    }
}

//! What reaches a brain from outside, and which part hears of it.

use crmd::core::attributes;
use crmd::core::{self as controller, Now};
use membership::raft::{self, Licence};
use model::{HandsCommand, HandsReport, NodeId, View};

use super::brain::{Brain, Office, Output, Pending};
use super::message::PeerMessage;

/// Results of this node's hands that may wait for a DC. Each is one per resource and operation at
/// most; hands keep them all, so what is dropped here comes back with the next join.
const UNACKNOWLEDGED_MAX: usize = 16_384;

/// What the higher node id of a pair waits longer than the lower one before it goes on alone.
const SECOND_DELAY_MS: u64 = 150;

/// Between two attempts to go on alone that were refused.
const GO_ALONE_RETRY_MS: u64 = 500;

impl Brain {
    pub(super) fn take_view(&mut self, now: Now, view: View, out: &mut Vec<Output>) {
        self.forget_counting_out();
        for (node, member) in &view.members {
            let before = self.view.members.get(node);
            if before.is_some_and(|before| before.incarnation != member.incarnation) {
                self.forget_leaver(*node);
            }
        }
        self.consense(now, raft::Event::View(view.clone()));
        self.attribute(now, attributes::Event::View(view.clone()));
        self.see(now, view, out);
        self.plan_going_alone(now);
    }

    /// Takes a view for all that concerns resources.
    pub(super) fn see(&mut self, now: Now, view: View, out: &mut Vec<Output>) {
        let lost: Vec<NodeId> =
            self.others().into_iter().filter(|node| !view.members.contains_key(node)).collect();
        self.view = view.clone();
        self.other_is_off &= self.view.members.len() == 1;
        out.push(Output::Hands(self.hands_quorum()));
        if !lost.is_empty() {
            self.forget_askers(&lost);
            self.forget_leavers();
        }
        self.control(now, controller::Event::View(view));
    }

    /// A pair that lost one of its nodes under stonith-enabled=false goes on without a licence: the
    /// lower node id at once, the other one a little later.
    pub(super) fn plan_going_alone(&mut self, now: Now) {
        self.go_alone_at = None;
        self.not_alone_since = None;
        if self.must_go_alone() {
            let lowest = self.settings.nodelist.keys().next() == Some(&self.settings.me);
            let delay = if lowest { 0 } else { SECOND_DELAY_MS };
            self.go_alone_at = Some(now.monotonic + delay);
        }
        self.go_alone_when_due(now);
    }

    fn must_go_alone(&self) -> bool {
        let alone = self.view.members.len() == 1 && self.view.quorate;
        let of_a_pair = self.consensus.voters().len() == 2
            && self.consensus.voters().contains(&self.settings.me);
        // what an operator has made sure of needs no fencing
        let well = self.log_stopped.is_none();
        let without_fencing = !self.fencing || self.other_is_off;
        self.settings.may_go_alone && well && alone && of_a_pair && without_fencing
    }

    pub(super) fn go_alone_when_due(&mut self, now: Now) {
        if self.go_alone_at.is_none_or(|at| at > now.monotonic) {
            return;
        }
        self.go_alone_at = None;
        if self.must_go_alone() {
            let id = self.request(Pending::GoAlone);
            let licence = if self.other_is_off { Licence::Confirmed } else { Licence::Unlicensed };
            self.consense(now, raft::Event::GoAlone { id, licence });
        }
    }

    pub(super) fn retry_going_alone(&mut self, now: Now) {
        self.go_alone_at = Some(now.monotonic + GO_ALONE_RETRY_MS);
    }

    pub(super) fn take_message(
        &mut self,
        now: Now,
        from: NodeId,
        message: PeerMessage,
        out: &mut Vec<Output>,
    ) {
        match message {
            PeerMessage::Raft(bytes) => self.consense(now, raft::Event::Step { from, bytes }),
            PeerMessage::Command(command) => self.take_command(from, command, out),
            PeerMessage::Report(report) => {
                self.control(now, controller::Event::Hands { node: from, report });
            }
            PeerMessage::HandsUp => {
                self.control(now, controller::Event::Reconnected { node: from });
            }
            PeerMessage::Status(update) => {
                if self.dc() == Some(from) {
                    self.control(now, controller::Event::Status(update));
                } else {
                    self.unheeded = Some(from);
                }
            }
            PeerMessage::StatusWanted => {
                self.control(now, controller::Event::SnapshotWanted { node: from });
            }
            PeerMessage::Attributes(changes) => {
                self.attribute(now, attributes::Event::Received(changes));
            }
            PeerMessage::Ask { id, what } => {
                self.take_question(now, from, id, what, out);
            }
            PeerMessage::Answer { id, outcome } => {
                if !self.doubt_answered(now, id, &outcome) {
                    self.take_answer(id, outcome, out);
                }
            }
            PeerMessage::MayLeave => self.let_go(out),
            PeerMessage::ExpectedVotes(votes) => out.push(Output::ExpectVotes(votes)),
        }
    }

    /// A command of the DC for this node's hands. Before they answer its question what they know,
    /// it hears all attributes: a DC whose brain has just started knows of none, and must not plan
    /// without.
    fn take_command(&mut self, from: NodeId, command: HandsCommand, out: &mut Vec<Output>) {
        if let HandsCommand::Join { authority } = &command {
            self.obeyed = self.obeyed.max((authority.generation, authority.term));
            if self.heard_dc.is_none_or(|(highest, _)| highest <= *authority) {
                self.heard_dc = Some((*authority, from));
            }
            self.tell_attributes(from, out);
        }
        self.command_own_hands(command, out);
    }

    fn tell_attributes(&self, to: NodeId, out: &mut Vec<Output>) {
        let all: Vec<_> = self.attributes.everything().cloned().collect();
        if !all.is_empty() {
            self.send(to, PeerMessage::Attributes(all), out);
        }
    }

    /// Hands commands on to this node's hands. What they no longer need to repeat is noted.
    pub(super) fn command_own_hands(&mut self, command: HandsCommand, out: &mut Vec<Output>) {
        if let HandsCommand::Acknowledge { through } = command {
            self.unacknowledged.retain(|report, _| *report > through);
        }
        out.push(Output::Hands(command));
    }

    pub(super) fn peer_is_down(&mut self, now: Now, node: NodeId) {
        self.links.remove(&node);
        self.consense(now, raft::Event::Unreachable { node });
    }

    /// Has the DC join this node's hands (again), as soon as it is known and can be reached.
    fn tell_hands_up(&mut self, out: &mut Vec<Output>) {
        let dc = self.dc().filter(|dc| self.links.contains(dc));
        if let (true, Some(dc)) = (self.owes_hands_up, dc) {
            self.owes_hands_up = false;
            self.send(dc, PeerMessage::HandsUp, out);
        }
    }

    pub(super) fn peer_is_up(&mut self, now: Now, node: NodeId, out: &mut Vec<Output>) {
        self.links.insert(node);
        self.repeat_answers(node, out);
        match self.office {
            Office::Leading(..) | Office::Coordinating => {
                self.control(now, controller::Event::SnapshotWanted { node });
                self.control(now, controller::Event::Reconnected { node });
            }
            Office::Following => {
                let dc = self.dc();
                // an answer to the DC's join, or the word of new hands, may have been lost with the
                // link; while nobody is known to decide, this may have been the link to who does
                self.owes_hands_up |= dc.is_none_or(|dc| dc == node);
                if dc == Some(node) {
                    self.repeat_questions(node, out);
                    self.tell_hands_up(out);
                    self.repeat_reports(node, out);
                }
            }
        }
        self.tell_attributes(node, out);
    }

    /// Tells the DC again what it has not acknowledged.
    fn repeat_reports(&self, dc: NodeId, out: &mut Vec<Output>) {
        for report in self.unacknowledged.values() {
            self.send(dc, PeerMessage::Report(report.clone()), out);
        }
    }

    pub(super) fn hands_are_up(&mut self, now: Now, out: &mut Vec<Output>) {
        // they tell again whatever they still want acknowledged, and what was told in a former life
        // of theirs has numbers that would now stand for something else
        self.unacknowledged.clear();
        out.push(Output::Hands(self.hands_policy()));
        out.push(Output::Hands(self.hands_quorum()));
        if self.gives_way {
            out.push(Output::Hands(HandsCommand::GiveWay));
        }
        match self.office {
            Office::Leading(..) | Office::Coordinating => {
                let node = self.settings.me;
                self.control(now, controller::Event::Reconnected { node });
            }
            Office::Following => {
                self.owes_hands_up = true;
                self.tell_hands_up(out);
            }
        }
    }

    /// Hands of a side without quorum start nothing, unless that is to be ignored.
    pub(super) fn hands_quorum(&self) -> HandsCommand {
        HandsCommand::Quorate { quorate: self.view.quorate || self.ignores_quorum }
    }

    /// Without fencing, hands that lose their brain for a token's time must stop what they run:
    /// nobody else would make sure of that.
    pub(super) fn hands_policy(&self) -> HandsCommand {
        let unfenced = !self.fencing;
        HandsCommand::Policy { stop_without_brain_ms: unfenced.then_some(self.settings.token_ms) }
    }

    pub(super) fn take_report(&mut self, now: Now, report: HandsReport, out: &mut Vec<Output>) {
        if let HandsReport::History { authority, .. } = &report {
            let joined = self.heard_dc.is_some_and(|(heard, _)| heard <= *authority);
            self.gives_way &= !joined;
        }
        if let HandsReport::Result { report: number, .. } = &report {
            self.unacknowledged.insert(*number, report.clone());
            if self.unacknowledged.len() > UNACKNOWLEDGED_MAX {
                self.unacknowledged.pop_first();
            }
        }
        match (self.office, self.dc()) {
            (Office::Leading(..) | Office::Coordinating, _) => {
                let node = self.settings.me;
                self.control(now, controller::Event::Hands { node, report });
            }
            (Office::Following, Some(dc)) if self.links.contains(&dc) => {
                self.send(dc, PeerMessage::Report(report), out);
            }
            // results are repeated, but nobody will ask again for a history that got lost
            (Office::Following, _) => {
                self.owes_hands_up |= matches!(report, HandsReport::History { .. });
            }
        }
    }

    /// Another node decides than before: what the old one was asked is answered, and the new one
    /// hears what the old one may not have recorded.
    pub(super) fn note_dc(&mut self, now: Now, out: &mut Vec<Output>) {
        let dc = self.dc();
        if dc == self.last_dc {
            return;
        }
        self.last_dc = dc;
        self.ask_the_new_dc(now, out);
        if let Some(dc) = dc.filter(|dc| *dc != self.settings.me) {
            self.tell_hands_up(out);
            self.repeat_reports(dc, out);
        }
    }
}

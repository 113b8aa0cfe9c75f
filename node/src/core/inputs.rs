//! What reaches a brain from outside, and which part hears of it.

use crmd::core::attributes;
use crmd::core::interface::Cleanup;
use crmd::core::{self as controller, Now};
use membership::raft::{self, Licence};
use model::{ExitCode, HandsCommand, HandsReport, NodeId, View};

use super::brain::{Brain, Office, Output, Pending};
use super::message::{
    Action, Ask, Asker, Change, Outcome, PeerMessage, Target, ToolId, ToolRequest,
};

/// Results of this node's hands that may wait for a DC. Each is one per resource and operation at
/// most; hands keep them all, so what is dropped here comes back with the next join.
const UNACKNOWLEDGED_MAX: usize = 16_384;

/// What the higher node id of a pair waits longer than the lower one before it goes on alone.
const SECOND_DELAY_MS: u64 = 150;

/// Between two attempts to go on alone that were refused.
const GO_ALONE_RETRY_MS: u64 = 500;

impl Brain {
    pub(super) fn take_view(&mut self, now: Now, view: View, out: &mut Vec<Output>) {
        if view.quorate != self.view.quorate || self.view.members.is_empty() {
            out.push(Output::Hands(HandsCommand::Quorate { quorate: view.quorate }));
        }
        let lost: Vec<NodeId> =
            self.others().into_iter().filter(|node| !view.members.contains_key(node)).collect();
        self.view = view.clone();
        if !lost.is_empty() {
            self.forget_askers(&lost);
            self.forget_leavers();
        }
        self.consense(now, raft::Event::View(view.clone()));
        self.attribute(now, attributes::Event::View(view.clone()));
        self.control(now, controller::Event::View(view));
        self.plan_going_alone(now);
    }

    /// A pair that lost one of its nodes under stonith-enabled=false goes on without a licence: the
    /// lower node id at once, the other one a little later.
    fn plan_going_alone(&mut self, now: Now) {
        self.go_alone_at = None;
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
        self.settings.may_go_alone && alone && of_a_pair && !self.fencing
    }

    pub(super) fn go_alone_when_due(&mut self, now: Now) {
        if self.go_alone_at.is_none_or(|at| at > now.monotonic) {
            return;
        }
        self.go_alone_at = None;
        if self.must_go_alone() {
            let id = self.request(Pending::GoAlone);
            let licence = Licence::Unlicensed;
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
            PeerMessage::Command(command) => self.command_own_hands(command, out),
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
                self.decide(now, Asker::Peer { node: from, id }, what, from, out);
            }
            PeerMessage::Answer { id, outcome } => {
                if let Some(tool) = self.forwarded.remove(&id) {
                    out.push(Output::Reply { id: tool, outcome });
                }
            }
            PeerMessage::MayLeave => self.let_go(out),
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
        match self.office {
            Office::Leading(..) | Office::Coordinating => {
                self.control(now, controller::Event::SnapshotWanted { node });
                self.control(now, controller::Event::Reconnected { node });
            }
            Office::Following => {
                if self.dc() == Some(node) {
                    // an answer to its join may have been lost with the link
                    self.owes_hands_up = true;
                    self.tell_hands_up(out);
                    self.repeat_reports(node, out);
                }
            }
        }
        let all: Vec<_> = self.attributes.all().cloned().collect();
        if !all.is_empty() {
            self.send(node, PeerMessage::Attributes(all), out);
        }
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
        out.push(Output::Hands(HandsCommand::Quorate { quorate: self.view.quorate }));
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

    /// Without fencing, hands that lose their brain for a token's time must stop what they run:
    /// nobody else would make sure of that.
    pub(super) fn hands_policy(&self) -> HandsCommand {
        let unfenced = !self.fencing;
        HandsCommand::Policy { stop_without_brain_ms: unfenced.then_some(self.settings.token_ms) }
    }

    pub(super) fn take_report(&mut self, now: Now, report: HandsReport, out: &mut Vec<Output>) {
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

    pub(super) fn take_tool(
        &mut self,
        now: Now,
        id: ToolId,
        request: ToolRequest,
        out: &mut Vec<Output>,
    ) {
        match request {
            ToolRequest::Change(change) => self.ask(now, id, Ask::Change(change), out),
            ToolRequest::Act { caller: _, action: Action::Leave { all } } => {
                self.ask_to_leave(now, id, all, out);
            }
            ToolRequest::Act { caller: _, action } => self.ask(now, id, Ask::Act(action), out),
            ToolRequest::Attributes { caller: _, changes } => {
                for change in changes {
                    self.attribute(now, attributes::Event::Set(change));
                }
                out.push(Output::Reply { id, outcome: Outcome::done() });
            }
        }
    }

    /// Decides what a tool here asks, or sends it to the DC.
    fn ask(&mut self, now: Now, id: ToolId, what: Ask, out: &mut Vec<Output>) {
        let me = self.settings.me;
        match self.office {
            Office::Leading(..) | Office::Coordinating => {
                self.decide(now, Asker::Tool(id), what, me, out);
            }
            Office::Following => match self.dc() {
                Some(dc) if dc != me => {
                    self.last_request += 1;
                    let number = self.last_request;
                    self.forwarded.insert(number, id);
                    self.send(dc, PeerMessage::Ask { id: number, what }, out);
                }
                Some(_) | None => {
                    let outcome = self.nobody_decides();
                    out.push(Output::Reply { id, outcome });
                }
            },
        }
    }

    /// Why nothing can be decided now, and who is missing.
    pub(super) fn nobody_decides(&self) -> Outcome {
        if let Some(reason) = &self.log_stopped {
            return Outcome::refused(
                ExitCode::IoErr,
                format!("this node takes no part in the log: {reason}"),
            );
        }
        let missing: Vec<&str> = self
            .settings
            .nodelist
            .iter()
            .filter(|(id, _)| !self.view.members.contains_key(id))
            .map(|(_, name)| name.as_str())
            .collect();
        if self.view.quorate {
            return Outcome::refused(
                ExitCode::NoDc,
                "no DC is elected yet; nothing was done, try again in a moment",
            );
        }
        Outcome::refused(
            ExitCode::Quorum,
            format!(
                "this partition has no quorum ({} missing); nothing was done",
                if missing.is_empty() { "votes are".to_owned() } else { missing.join(", ") }
            ),
        )
    }

    /// Decides what was asked of the DC.
    fn decide(&mut self, now: Now, asker: Asker, what: Ask, from: NodeId, out: &mut Vec<Output>) {
        if self.office == Office::Following {
            let outcome = self.nobody_decides();
            return self.answer(asker, outcome, out);
        }
        match what {
            Ask::Change(change) => self.change(now, asker, &change, from, out),
            Ask::Act(Action::Leave { all }) => self.leave_asked(now, asker, from, all, out),
            Ask::Act(Action::Cleanup(target)) => {
                self.forget(now, asker, &target, true, out);
            }
            Ask::Act(Action::Refresh(target)) => {
                self.forget(now, asker, &target, false, out);
            }
            Ask::Act(Action::Fail(target)) => self.fail(now, asker, &target, out),
            Ask::Act(Action::WaitIdle { timeout_ms }) => {
                self.idle_waiters.push((asker, now.monotonic + timeout_ms));
            }
        }
    }

    /// Tries a change on a copy and proposes what it makes of the configuration.
    fn change(
        &mut self,
        now: Now,
        asker: Asker,
        change: &Change,
        from: NodeId,
        out: &mut Vec<Output>,
    ) {
        if !matches!(self.office, Office::Leading(..)) {
            let outcome = self.nobody_decides();
            return self.answer(asker, outcome, out);
        }
        let made = super::changes::make(self.store.head(), change);
        match made {
            Ok((document, xml)) => {
                let client = format!("{}/{}", self.name_of(from), change.caller.client);
                let proposed =
                    self.propose_document(now, document, asker, &change.caller.user, &client);
                let outcome = Outcome { xml, ..Outcome::done() };
                match proposed.and_then(|id| self.requests.get_mut(&id)) {
                    Some(Pending::Change { outcome: kept, .. }) => *kept = outcome,
                    Some(_) => {}
                    None if proposed.is_none() => self.answer_unchanged(asker, outcome, out),
                    // refused, and answered, already
                    None => {}
                }
            }
            Err(outcome) => self.answer(asker, outcome, out),
        }
    }

    /// Answers who asked for what is there already: at once if the log has it, else together with
    /// the change that brings it, since that one may yet come to nothing.
    fn answer_unchanged(&mut self, asker: Asker, outcome: Outcome, out: &mut Vec<Output>) {
        let on_its_way = self.requests.values_mut().rev().find_map(|pending| match pending {
            Pending::Change { also, .. } => Some(also),
            Pending::Record | Pending::Leave(_) | Pending::HandOver | Pending::GoAlone => None,
        });
        match on_its_way {
            Some(also) => also.push((asker, outcome)),
            None => self.answer(asker, outcome, out),
        }
    }

    fn node_named(&self, name: &str) -> Option<NodeId> {
        let by_name = self.settings.nodelist.iter().find(|(_, known)| known.as_str() == name);
        by_name.map(|(id, _)| *id).or_else(|| {
            let id = NodeId(name.parse().ok()?);
            self.settings.nodelist.contains_key(&id).then_some(id)
        })
    }

    fn unknown_node(&self, name: &str) -> Outcome {
        let known: Vec<&str> = self.settings.nodelist.values().map(|n| n.as_str()).collect();
        Outcome::refused(
            ExitCode::NoHost,
            format!("node '{name}' is unknown; this cluster has {}", known.join(", ")),
        )
    }

    fn forget(
        &mut self,
        now: Now,
        asker: Asker,
        target: &Target,
        only_failed: bool,
        out: &mut Vec<Output>,
    ) {
        let node = match &target.node {
            Some(name) => match self.node_named(name) {
                Some(node) => Some(node),
                None => return self.answer(asker, self.unknown_node(name), out),
            },
            None => None,
        };
        if let Some(resource) = &target.resource
            && self.store.committed().find_id(resource.as_str()).is_none()
        {
            let text = format!("resource '{resource}' is not in the configuration");
            return self.answer(asker, Outcome::refused(ExitCode::NoSuch, text), out);
        }
        let operation =
            target.operation.clone().map(|(action, ms)| (action, ms.unwrap_or_default()));
        let cleanup = Cleanup { resource: target.resource.clone(), node, operation, only_failed };
        self.control(now, controller::Event::Cleanup(cleanup));
        self.answer(asker, Outcome::done(), out);
    }

    fn fail(&mut self, now: Now, asker: Asker, target: &Target, out: &mut Vec<Output>) {
        let Some(name) = &target.node else {
            let text = "which node? name it with --node";
            return self.answer(asker, Outcome::refused(ExitCode::Usage, text), out);
        };
        let Some(node) = self.node_named(name) else {
            return self.answer(asker, self.unknown_node(name), out);
        };
        let Some(resource) = target.resource.clone() else {
            let text = "which resource? name it with --resource";
            return self.answer(asker, Outcome::refused(ExitCode::Usage, text), out);
        };
        self.control(now, controller::Event::Fail { node, resource });
        self.answer(asker, Outcome::done(), out);
    }

    /// Answers those who wait for a time without a transition.
    pub(super) fn answer_idle_waiters(&mut self, now: Now, out: &mut Vec<Output>) {
        if self.idle_waiters.is_empty() {
            return;
        }
        let idle = self.controller.is_idle();
        let due = std::mem::take(&mut self.idle_waiters);
        for (asker, deadline) in due {
            if idle {
                self.answer(asker, Outcome::done(), out);
            } else if deadline <= now.monotonic {
                let text = "the cluster is still working on it";
                self.answer(asker, Outcome::refused(ExitCode::Timeout, text), out);
            } else {
                self.idle_waiters.push((asker, deadline));
            }
        }
    }

    /// A tool is gone: whatever it asked goes on, nobody is told.
    pub(super) fn forget_tool(&mut self, id: ToolId) {
        self.forwarded.retain(|_, tool| *tool != id);
        self.idle_waiters.retain(|(asker, _)| *asker != Asker::Tool(id));
    }

    /// Nodes are gone: they cannot be answered.
    fn forget_askers(&mut self, lost: &[NodeId]) {
        self.idle_waiters.retain(|(asker, _)| match asker {
            Asker::Peer { node, .. } => !lost.contains(node),
            Asker::Tool(_) | Asker::Controller => true,
        });
    }

    /// Another node decides than before: what the old one was asked is answered, and the new one
    /// hears what the old one may not have recorded.
    pub(super) fn note_dc(&mut self, out: &mut Vec<Output>) {
        let dc = self.dc();
        if dc == self.last_dc {
            return;
        }
        self.last_dc = dc;
        self.answer_orphans(out);
        if let Some(dc) = dc.filter(|dc| *dc != self.settings.me) {
            self.tell_hands_up(out);
            self.repeat_reports(dc, out);
        }
    }

    fn answer_orphans(&mut self, out: &mut Vec<Output>) {
        for (_, id) in std::mem::take(&mut self.forwarded) {
            let text =
                "the DC was lost meanwhile; look whether the change is there, then try again";
            let outcome = Outcome::refused(ExitCode::Indeterminate, text);
            out.push(Output::Reply { id, outcome });
        }
    }
}

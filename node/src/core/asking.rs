//! Questions of tools: what is decided here, what is sent to the DC, and that each gets an answer
//! even when a link breaks, the DC changes, or the log ends.
//!
//! A question keeps its number for as long as its DC decides, so that it can be sent again after a
//! link broke: a DC that has heard it does nothing twice. Numbers begin at a random one, so that
//! an answer to a former life of this brain is not taken for one to this.

use std::collections::{BTreeMap, VecDeque};

use crmd::core::attributes;
use crmd::core::interface::Cleanup;
use crmd::core::{self as controller, Now};
use model::{ExitCode, Monotonic, NodeId};

use super::brain::{Brain, Office, Output, Pending};
use super::message::{
    Action, Ask, Asker, Change, Outcome, PeerMessage, Target, ToolId, ToolRequest,
};

/// Answers that are told again when a link comes back: a few seconds' worth of a busy script.
const ANSWERS_MAX: usize = 1024;

/// How much longer than the DC a node waits for the answer of the DC that nothing is under way.
const IDLE_GRACE_MS: u64 = 2_000;

/// Who waits for what.
#[derive(Debug)]
pub(super) struct Asking {
    /// What this node's tools asked of another node, by our number.
    forwarded: BTreeMap<u64, Forwarded>,
    last: u64,
    /// Those who wait for a time without a transition, and for how long.
    idle_waiters: Vec<(Asker, Monotonic)>,
    /// As DC: what other nodes were answered last.
    answered: VecDeque<(NodeId, u64, Outcome)>,
}

#[derive(Debug)]
struct Forwarded {
    tool: ToolId,
    what: Ask,
    /// When an answer comes from here, if none comes from the DC.
    until: Option<Monotonic>,
}

impl Asking {
    /// Nobody waits yet; `salt` is another number in each life of the brain.
    pub(super) fn new(salt: u64) -> Self {
        Self {
            forwarded: BTreeMap::new(),
            last: salt,
            idle_waiters: Vec::new(),
            answered: VecDeque::new(),
        }
    }

    /// Returns the number of the next question.
    pub(super) fn number(&mut self) -> u64 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// Takes those questions out of which `which` holds.
    fn take(&mut self, which: impl Fn(&Forwarded) -> bool) -> Vec<Forwarded> {
        let all = std::mem::take(&mut self.forwarded);
        let (taken, kept): (BTreeMap<_, _>, _) = all.into_iter().partition(|(_, f)| which(f));
        self.forwarded = kept;
        taken.into_values().collect()
    }
}

impl Brain {
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
            ToolRequest::Act { caller: _, action: Action::ExpectVotes { votes } } => {
                let outcome = self.expect_votes(votes, out);
                out.push(Output::Reply { id, outcome });
            }
            ToolRequest::Act { caller: _, action: Action::Unblock } => {
                let outcome = self.unblock(now, out);
                out.push(Output::Reply { id, outcome });
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
                    let number = self.asking.number();
                    let until = match &what {
                        Ask::Act(Action::WaitIdle { timeout_ms }) => {
                            Some(now.monotonic + *timeout_ms)
                        }
                        Ask::Change(_) | Ask::Act(_) => None,
                    };
                    let message = PeerMessage::Ask { id: number, what: what.clone() };
                    self.asking.forwarded.insert(number, Forwarded { tool: id, what, until });
                    self.send(dc, message, out);
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
                self.asking.idle_waiters.push((asker, now.monotonic + timeout_ms));
            }
            Ask::Act(Action::ExpectVotes { .. } | Action::Unblock) => {
                let text = "this is a matter of each node itself, no question for the DC";
                self.answer(asker, Outcome::refused(ExitCode::Usage, text), out);
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
                match proposed {
                    Ok(Some(id)) => {
                        if let Some(Pending::Change { outcome: kept, .. }) =
                            self.requests.get_mut(&id)
                        {
                            *kept = outcome;
                        }
                    }
                    Ok(None) => self.answer_unchanged(asker, outcome, out),
                    Err(error) => {
                        let outcome = Outcome::refused(ExitCode::DataErr, error.to_string());
                        self.answer(asker, outcome, out);
                    }
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
                None => {
                    let outcome = self.unknown_node(name);
                    return self.answer(asker, outcome, out);
                }
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
            let outcome = self.unknown_node(name);
            return self.answer(asker, outcome, out);
        };
        let Some(resource) = target.resource.clone() else {
            let text = "which resource? name it with --resource";
            return self.answer(asker, Outcome::refused(ExitCode::Usage, text), out);
        };
        self.control(now, controller::Event::Fail { node, resource });
        self.answer(asker, Outcome::done(), out);
    }

    /// Answers those who wait for a time without a transition: only who decides knows of one.
    pub(super) fn answer_waiters(&mut self, now: Now, out: &mut Vec<Output>) {
        let decides = self.office != Office::Following;
        if decides {
            for asked in self.asking.take(|asked| asked.until.is_some()) {
                let until = asked.until.unwrap_or_default();
                self.asking.idle_waiters.push((Asker::Tool(asked.tool), until));
            }
        } else if !self.asking.idle_waiters.is_empty() {
            self.pass_own_waiters_on(now, out);
        }
        let idle = decides && self.controller.is_idle();
        let still_busy =
            || Outcome::refused(ExitCode::Timeout, "the cluster is still working on it");
        for (asker, deadline) in std::mem::take(&mut self.asking.idle_waiters) {
            if idle {
                self.answer(asker, Outcome::done(), out);
            } else if deadline <= now.monotonic {
                self.answer(asker, still_busy(), out);
            } else {
                self.asking.idle_waiters.push((asker, deadline));
            }
        }
        let late = |asked: &Forwarded| {
            asked.until.is_some_and(|until| until + IDLE_GRACE_MS <= now.monotonic)
        };
        for asked in self.asking.take(late) {
            out.push(Output::Reply { id: asked.tool, outcome: still_busy() });
        }
    }

    /// This node does not decide any more: its own tools wait for the word of who does.
    fn pass_own_waiters_on(&mut self, now: Now, out: &mut Vec<Output>) {
        let own: Vec<_> = self
            .asking
            .idle_waiters
            .extract_if(.., |(asker, _)| matches!(asker, Asker::Tool(_)))
            .collect();
        for (asker, until) in own {
            let Asker::Tool(tool) = asker else { continue };
            let id = self.asking.number();
            let timeout_ms = until.since(now.monotonic);
            let what = Ask::Act(Action::WaitIdle { timeout_ms });
            if let Some(dc) = self.dc().filter(|dc| *dc != self.settings.me) {
                self.send(dc, PeerMessage::Ask { id, what: what.clone() }, out);
            }
            self.asking.forwarded.insert(id, Forwarded { tool, what, until: Some(until) });
        }
    }

    /// A tool is gone: whatever it asked goes on, nobody is told.
    pub(super) fn forget_tool(&mut self, id: ToolId) {
        self.asking.forwarded.retain(|_, asked| asked.tool != id);
        self.asking.idle_waiters.retain(|(asker, _)| *asker != Asker::Tool(id));
    }

    /// Nodes are gone: they cannot be answered.
    pub(super) fn forget_askers(&mut self, lost: &[NodeId]) {
        self.asking.idle_waiters.retain(|(asker, _)| match asker {
            Asker::Peer { node, .. } => !lost.contains(node),
            Asker::Tool(_) | Asker::Controller => true,
        });
        self.asking.answered.retain(|(node, ..)| !lost.contains(node));
    }

    /// Answers another node, and remembers the answer: it may get lost with the link.
    pub(super) fn answer_peer(
        &mut self,
        node: NodeId,
        id: u64,
        outcome: Outcome,
        out: &mut Vec<Output>,
    ) {
        self.asking.answered.push_back((node, id, outcome.clone()));
        if self.asking.answered.len() > ANSWERS_MAX {
            self.asking.answered.pop_front();
        }
        self.send(node, PeerMessage::Answer { id, outcome }, out);
    }

    /// The link to a node is new: answers may have been lost with the old one.
    pub(super) fn repeat_answers(&self, to: NodeId, out: &mut Vec<Output>) {
        for (_, id, outcome) in self.asking.answered.iter().filter(|(node, ..)| *node == to) {
            let (id, outcome) = (*id, outcome.clone());
            self.send(to, PeerMessage::Answer { id, outcome }, out);
        }
    }

    /// The link to the DC is new: questions may have been lost with the old one.
    pub(super) fn repeat_questions(&self, dc: NodeId, out: &mut Vec<Output>) {
        for (id, asked) in &self.asking.forwarded {
            let message = PeerMessage::Ask { id: *id, what: asked.what.clone() };
            self.send(dc, message, out);
        }
    }

    /// Another node asks, perhaps again.
    pub(super) fn take_question(
        &mut self,
        now: Now,
        from: NodeId,
        id: u64,
        what: Ask,
        out: &mut Vec<Output>,
    ) {
        let asker = Asker::Peer { node: from, id };
        let answer =
            self.asking.answered.iter().find(|(node, number, _)| (*node, *number) == (from, id));
        if let Some((_, _, outcome)) = answer {
            let outcome = outcome.clone();
            return self.send(from, PeerMessage::Answer { id, outcome }, out);
        }
        let is_under_way = self.asking.idle_waiters.iter().any(|(waiter, _)| *waiter == asker)
            || self.requests.values().any(|pending| match pending {
                Pending::Change { asker: first, also, .. } => {
                    *first == asker || also.iter().any(|(other, _)| *other == asker)
                }
                Pending::Record | Pending::Leave(_) | Pending::HandOver | Pending::GoAlone => false,
            });
        if !is_under_way {
            self.decide(now, asker, what, from, out);
        }
    }

    /// The DC answers.
    pub(super) fn take_answer(&mut self, id: u64, outcome: Outcome, out: &mut Vec<Output>) {
        if let Some(asked) = self.asking.forwarded.remove(&id) {
            let outcome = match &self.log_stopped {
                // trying again would not help: nothing newer will come here
                Some(reason) if outcome.code == ExitCode::Old => Outcome::refused(
                    ExitCode::IoErr,
                    format!(
                        "the configuration that this node has is old, since it takes no part in \
                         the log ({reason}); nothing was done, do it on another node"
                    ),
                ),
                Some(_) | None => outcome,
            };
            out.push(Output::Reply { id: asked.tool, outcome });
        }
    }

    /// Another node decides than before, or none: what came of what the old one was asked cannot be
    /// known; only what changes nothing is asked again.
    pub(super) fn ask_the_new_dc(&mut self, now: Now, out: &mut Vec<Output>) {
        let dc = self.dc();
        for (id, asked) in std::mem::take(&mut self.asking.forwarded) {
            let Some(until) = asked.until else {
                let text =
                    "the DC was lost meanwhile; look whether the change is there, then try again";
                let outcome = Outcome::refused(ExitCode::Indeterminate, text);
                out.push(Output::Reply { id: asked.tool, outcome });
                continue;
            };
            let timeout_ms = until.since(now.monotonic);
            let what = Ask::Act(Action::WaitIdle { timeout_ms });
            if let Some(dc) = dc.filter(|dc| *dc != self.settings.me) {
                self.send(dc, PeerMessage::Ask { id, what: what.clone() }, out);
            }
            self.asking.forwarded.insert(id, Forwarded { what, ..asked });
        }
    }
}

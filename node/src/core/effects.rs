//! Where what one part says reaches the others.

use std::sync::Arc;

use crmd::core::attributes::{self, Changed, SetAttribute};
use crmd::core::{self as controller, Now};
use membership::raft::{self, Rejection, RequestId};
use model::{ExitCode, HandsCommand, NodeId, WallTime};

use super::brain::{Brain, Office, Output, Pending};
use super::message::{Asker, Outcome, PeerMessage};
use super::store::{self, Applied};

impl Brain {
    pub(super) fn do_consensus(&mut self, now: Now, effect: raft::Effect, out: &mut Vec<Output>) {
        match effect {
            raft::Effect::Persist { seq, records, sync } => {
                out.push(Output::Persist { seq, records, sync });
            }
            raft::Effect::Send { to, bytes, snapshot } => {
                out.push(Output::Send { to, message: PeerMessage::Raft(bytes), snapshot });
            }
            raft::Effect::Commit { index: _, term: _, generation: _, data, proposal } => {
                self.apply(now, &data, proposal, out);
            }
            raft::Effect::Restore { index: _, data } => {
                if let Err(error) = self.store.restore(&data) {
                    self.stop_log(now, &error.to_string(), out);
                    return;
                }
                self.tell_config(now, out);
                self.tell_records(now);
            }
            raft::Effect::Role(role) => {
                if !role.is_leader || role.term != self.role.term {
                    self.store.drop_head();
                }
                self.role = role;
                if role.leader.is_some() {
                    self.count_in(now, out);
                }
            }
            raft::Effect::Done { id } => self.request_done(now, id, out),
            raft::Effect::Rejected { id, reason } => self.request_rejected(now, id, reason, out),
            raft::Effect::NeedSnapshot { index } => {
                let data = self.store.snapshot();
                self.consense(now, raft::Event::Snapshot { index, data });
            }
            raft::Effect::Born => out.push(Output::Born),
            raft::Effect::ArchiveAndReset { winner, reason } => {
                let why = match reason {
                    raft::ResetReason::Stale => "stale",
                    raft::ResetReason::Diverged => "diverged",
                    raft::ResetReason::Stillborn => "stillborn",
                };
                out.push(Output::Warn(format!(
                    "this node's document is void ({why}): the cluster went on with node {winner}; \
                     a copy is kept in the cib directory"
                )));
                let document = Arc::clone(self.store.committed());
                out.push(Output::Archive { document, why: why.to_owned() });
                if reason != raft::ResetReason::Stillborn {
                    // the winner has started elsewhere what runs here
                    self.gives_way = true;
                    self.heard_dc = None;
                    self.obeyed = Default::default();
                    out.push(Output::Hands(HandsCommand::GiveWay));
                }
                self.store = store::Store::default();
                self.tell_config(now, out);
                self.tell_records(now);
            }
            raft::Effect::WentAlone { generation, licence } => {
                let how = match licence {
                    raft::Licence::Unlicensed => "nobody made sure that the other node is off",
                    raft::Licence::Confirmed => "an operator says that the other node is off",
                    raft::Licence::Fenced => "the other node is confirmed off",
                    raft::Licence::Wiped => "the other node has lost its part of the log",
                };
                out.push(Output::Warn(format!(
                    "this node goes on alone from now on (generation {}): {how}",
                    generation.0
                )));
            }
            raft::Effect::Stopped { reason } => self.stop_log(now, &reason, out),
            raft::Effect::Warn(text) => out.push(Output::Warn(text)),
        }
    }

    /// Ends this node's part in the log, and says so; resources and heartbeats go on.
    fn stop_log(&mut self, now: Now, reason: &str, out: &mut Vec<Output>) {
        out.push(Output::Warn(format!("this node takes no part in the log any more: {reason}")));
        let already = self.log_stopped.replace(reason.to_owned()).is_some();
        if !already {
            // it must not vote for what it cannot apply
            let error = reason.to_owned();
            self.consense(now, raft::Event::PersistFailed { seq: 0, error });
        }
        let open: Vec<RequestId> = self.requests.keys().copied().collect();
        for id in open {
            self.request_rejected(now, id, Rejection::Unknown, out);
        }
    }

    fn apply(&mut self, now: Now, data: &[u8], proposal: Option<RequestId>, out: &mut Vec<Output>) {
        if self.log_stopped.is_some() {
            return; // it would be applied to what lacks the entry before it
        }
        match self.store.apply(data) {
            Ok(Applied::Config) => self.tell_config(now, out),
            Ok(Applied::Overtaken) => {
                tracing::warn!("a change was made on one that came to nothing; it is passed over");
                if let Some(id) = proposal {
                    let why =
                        "the configuration was changed meanwhile; nothing was done, try again";
                    self.request_rejected(now, id, Rejection::Refused(why.to_owned()), out);
                }
                return;
            }
            Ok(Applied::Node(_)) => self.tell_records(now),
            Ok(Applied::Level) => {}
            Err(error) => {
                self.stop_log(now, &error.to_string(), out);
                return;
            }
        }
        if let Some(id) = proposal {
            self.request_done(now, id, out);
        }
    }

    /// Tells the controller and the disk of the committed configuration.
    fn tell_config(&mut self, now: Now, out: &mut Vec<Output>) {
        let config = Arc::clone(self.store.committed());
        out.push(Output::SaveDocument(Arc::clone(&config)));
        let version = cib::versions::Version::of(&config);
        self.consense(
            now,
            raft::Event::Version { admin_epoch: version.admin_epoch, epoch: version.epoch },
        );
        let options = crmd::core::options::Options::read(&config);
        self.fencing = options.fencing;
        self.ignores_quorum = options.ignores_quorum();
        out.push(Output::Hands(self.hands_policy()));
        out.push(Output::Hands(self.hands_quorum()));
        self.control(now, controller::Event::Config(config));
    }

    fn tell_records(&mut self, now: Now) {
        let records = self.store.records().clone();
        self.control(now, controller::Event::NodeRecords(records));
    }

    /// Files a request to consensus.
    pub(super) fn request(&mut self, pending: Pending) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.requests.insert(id, pending);
        id
    }

    fn request_done(&mut self, now: Now, id: RequestId, out: &mut Vec<Output>) {
        match self.requests.remove(&id) {
            Some(Pending::Change { asker, outcome, also, digest: _ }) => {
                self.answer(asker, outcome, out);
                for (asker, outcome) in also {
                    self.answer(asker, outcome, out);
                }
            }
            Some(Pending::Leave(node)) => self.left(now, node, out),
            Some(Pending::HandOver) => self.hand_over_ended(false),
            Some(Pending::Record | Pending::GoAlone) | None => {}
        }
    }

    fn request_rejected(
        &mut self,
        now: Now,
        id: RequestId,
        reason: Rejection,
        out: &mut Vec<Output>,
    ) {
        match self.requests.remove(&id) {
            Some(Pending::Change { asker, outcome: _, also, digest }) => {
                self.store.withdraw(&digest);
                self.answer(asker, refusal(&reason), out);
                for (asker, _) in also {
                    self.answer(asker, refusal(&reason), out);
                }
            }
            Some(Pending::Leave(node)) => self.leave_refused(now, node, &reason),
            Some(Pending::HandOver) => {
                self.hand_over_ended(matches!(reason, Rejection::Refused(_)));
            }
            Some(Pending::GoAlone) => {
                let why = format!("cannot go on without the other node yet: {}", in_words(&reason));
                // it is tried twice a second, and said once
                if self.not_alone_since.as_ref() != Some(&why) {
                    self.not_alone_since = Some(why.clone());
                    out.push(Output::Warn(why));
                }
                self.retry_going_alone(now);
            }
            Some(Pending::Record) | None => {}
        }
    }

    pub(super) fn do_controller(
        &mut self,
        now: Now,
        effect: controller::Effect,
        out: &mut Vec<Output>,
    ) {
        match effect {
            controller::Effect::Hands { node, command } => {
                if node == self.settings.me {
                    self.command_own_hands(command, out);
                } else {
                    self.send(node, PeerMessage::Command(command), out);
                }
            }
            controller::Effect::Record(record) => {
                let entry = crmd::core::entry::Entry::Node(record);
                let id = self.request(Pending::Record);
                self.consense(now, raft::Event::Propose { id, data: store::encode(&entry) });
            }
            controller::Effect::Status(update) => {
                for node in self.others() {
                    self.send(node, PeerMessage::Status(update.clone()), out);
                }
            }
            controller::Effect::Snapshot { node, update } => {
                self.send(node, PeerMessage::Status(update), out);
            }
            controller::Effect::WantSnapshot => {
                if let Some(dc) = self.dc().filter(|dc| *dc != self.settings.me) {
                    self.send(dc, PeerMessage::StatusWanted, out);
                }
            }
            controller::Effect::Plan { plan, document, now } => {
                out.push(Output::Plan { plan, document, now });
            }
            controller::Effect::SaveInput { plan, severity, document, now } => {
                out.push(Output::SaveInput { plan, severity, document, now });
            }
            controller::Effect::SetAttribute(set) => {
                self.attribute(now, attributes::Event::Set(set));
            }
            controller::Effect::Configure(wishes) => self.configure(now, &wishes),
            controller::Effect::MayLeave { node } => self.may_leave(now, node, out),
            controller::Effect::Fence { node, boot, action } => {
                out.push(Output::Fence { node, boot, action });
            }
            controller::Effect::Journal(entry) => out.push(Output::Journal(entry)),
        }
    }

    pub(super) fn do_attributes(
        &mut self,
        now: Now,
        effect: attributes::Effect,
        out: &mut Vec<Output>,
    ) {
        match effect {
            attributes::Effect::Broadcast(changes) => {
                for node in self.others() {
                    self.send(node, PeerMessage::Attributes(changes.clone()), out);
                }
            }
            attributes::Effect::Send { to, changes } => {
                self.send(to, PeerMessage::Attributes(changes), out);
            }
            attributes::Effect::Changed(changed) => {
                let leaves = changed.node == self.settings.me
                    && changed.name == controller::SHUTDOWN
                    && changed.value.is_some();
                if leaves && !self.leaving.is_asked() {
                    // a former life of this brain had asked; this one stays
                    let Changed { node, set, name, value: _ } = changed.clone();
                    let stay = SetAttribute {
                        node,
                        set,
                        name,
                        value: None,
                        dampening_ms: None,
                        private: false,
                    };
                    self.control(now, controller::Event::Attribute(changed));
                    self.attribute(now, attributes::Event::Set(stay));
                    return;
                }
                self.control(now, controller::Event::Attribute(changed));
            }
        }
    }

    /// Writes what the controller wants the configuration to say.
    fn configure(&mut self, now: Now, wishes: &[controller::interface::Wish]) {
        let mut document = (**self.store.head()).clone();
        if let Some(seed) = &self.settings.seed {
            super::wishes::sow(&mut document, seed);
        }
        for wish in wishes {
            super::wishes::grant(&mut document, wish);
        }
        let client = format!("{}/controller", self.name_of(self.settings.me));
        let proposed =
            self.propose_document(now, document, Asker::Controller, "hacluster", &client);
        if let Err(error) = proposed {
            tracing::error!(%error, "the configuration lacks what it should say");
        }
    }

    /// Proposes a document made from the head; none when nothing changes.
    ///
    /// # Errors
    /// The document cannot be written down.
    pub(super) fn propose_document(
        &mut self,
        now: Now,
        document: cib::Element,
        asker: Asker,
        author: &str,
        client: &str,
    ) -> Result<Option<RequestId>, store::StoreError> {
        let time: WallTime = now.wall;
        let Some(change) = self.store.propose(document, author, client, time)? else {
            return Ok(None);
        };
        let id = self.request(Pending::Change {
            asker,
            outcome: Outcome::done(),
            also: Vec::new(),
            digest: change.digest.clone(),
        });
        let data = store::encode(&crmd::core::entry::Entry::Config(change));
        self.consense(now, raft::Event::Propose { id, data });
        Ok(Some(id))
    }

    /// Tells the controller when its office has changed.
    pub(super) fn take_office(&mut self, now: Now, out: &mut Vec<Output>) {
        let office = if self.role.acting && self.role.is_leader && self.view.quorate {
            Office::Leading(self.role.generation, self.role.term)
        } else if !self.view.quorate && self.view.lowest() == Some(self.settings.me) {
            Office::Coordinating
        } else {
            Office::Following
        };
        let changed = office != self.office;
        self.office = office;
        self.note_dc(now, out);
        if !changed {
            return;
        }
        self.forget_leavers();
        let event = match office {
            Office::Leading(generation, term) => controller::Event::Leading { generation, term },
            Office::Coordinating => {
                let (generation, term) = (self.role.generation, self.role.term).max(self.obeyed);
                controller::Event::Coordinating { generation, term }
            }
            Office::Following => controller::Event::Following,
        };
        self.control(now, event);
    }

    /// Returns the members of the view but this node.
    pub(super) fn others(&self) -> Vec<NodeId> {
        self.view.members.keys().copied().filter(|node| *node != self.settings.me).collect()
    }

    pub(super) fn send(&self, to: NodeId, message: PeerMessage, out: &mut Vec<Output>) {
        out.push(Output::Send { to, message, snapshot: false });
    }

    /// Answers whoever asked.
    pub(super) fn answer(&mut self, asker: Asker, outcome: Outcome, out: &mut Vec<Output>) {
        match asker {
            Asker::Tool(id) => out.push(Output::Reply { id, outcome }),
            Asker::Peer { node, id } => self.answer_peer(node, id, outcome, out),
            Asker::Controller => {}
        }
    }

    /// Returns a node's name, or its number in words when corosync.conf does not know it.
    pub(super) fn name_of(&self, node: NodeId) -> String {
        self.settings
            .nodelist
            .get(&node)
            .map_or_else(|| format!("node {node}"), ToString::to_string)
    }
}

fn in_words(reason: &Rejection) -> String {
    match reason {
        Rejection::NotLeader { .. } => "this node does not lead the log".to_owned(),
        Rejection::Unknown => "leadership was lost meanwhile".to_owned(),
        Rejection::Busy => "too many changes are under way".to_owned(),
        Rejection::TooLarge => "the change is too large for the log".to_owned(),
        Rejection::Refused(why) => why.clone(),
    }
}

fn refusal(reason: &Rejection) -> Outcome {
    let (code, text) = match reason {
        Rejection::NotLeader { .. } => {
            (ExitCode::TempFail, "the DC changed meanwhile; nothing was done, try again")
        }
        Rejection::Unknown => (
            ExitCode::Indeterminate,
            "the DC was lost while the change was under way; look whether it is there, then try \
             again",
        ),
        Rejection::Busy => (ExitCode::TempFail, "too many changes are under way; try again"),
        Rejection::TooLarge => (ExitCode::DataErr, "the change is too large for the log"),
        Rejection::Refused(why) => (ExitCode::TempFail, why.as_str()),
    };
    Outcome::refused(code, text)
}

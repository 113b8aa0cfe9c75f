//! Who is in: taking over, joining members, losing them, letting them go.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use model::{
    Authority, BootId, Generation, HandsCommand, HandsId, Member, Monotonic, NodeId, OpRecord,
    Term, View, WallTime,
};

use super::carrying::fencing_key;
use super::controller::{Controller, Peer, Role};
use super::entry::{NodeRecord, RecordState};
use super::interface::{Effect, Now};
use super::journal::What;
use super::planning::{Planning, Urgency};
use super::status::{self, Presence, StatusChange};

/// How long a member may take to answer a join before the others go on without its answer. Hands
/// answer from memory, so this is many times what a healthy node needs.
const JOIN_PATIENCE_MS: u64 = 500;

/// Hands that refused for want of quorum are tried again after this long: their own brain is about
/// to tell them.
const HOLD_MS: u64 = 500;

/// A silent member is asked again this often.
const JOIN_AGAIN_MS: u64 = 2_000;

/// The attribute by which the scheduler knows that a node wants to leave. A lost node must not
/// keep it: the scheduler takes whoever has it for safely gone.
pub const SHUTDOWN: &str = "shutdown";

impl Controller {
    /// Begins to decide: for the cluster, or for a partition without quorum.
    pub(super) fn take_over(
        &mut self,
        now: Now,
        role: Role,
        generation: Generation,
        term: Term,
        out: &mut Vec<Effect>,
    ) {
        let same_term = (self.next.generation, self.next.term) == (generation, term);
        self.step_down();
        self.role = role;
        self.since = now.monotonic;
        // within a term numbers go on, since hands remember the highest
        let sequence = if same_term { self.next.sequence } else { 0 };
        self.next = Authority { generation, term, sequence };
        self.begin_status_sequence(now);
        self.formed = self.view.members.keys().any(|node| self.may_start(*node));
        let quorate = role == Role::Leading;
        Self::journal(now, What::TookOver { dc: self.name(self.identity.me), quorate }, out);
        // the questions go first, since a large section is some time on its way
        let members: Vec<Member> = self.view.members.values().cloned().collect();
        for member in members {
            self.ask_to_join(now, &member, out);
        }
        self.rebuild_status(now, out);
        self.forget_wishes_of_the_absent(out);
        let reason = if quorate { "there is a new DC" } else { "there is no quorum" };
        self.want_plan(now, Urgency::Now, reason.to_owned());
    }

    /// Stops deciding; what is under way goes on without this node.
    pub(super) fn step_down(&mut self) {
        self.role = Role::Following;
        self.peers.clear();
        self.proposed.clear();
        self.planning = Planning::Idle;
        self.planned_once = false;
        self.plan_failure = None;
        self.plan_failures = 0;
        self.remarks.clear();
        self.recheck_at = None;
        self.transition = None;
        self.in_flight.clear();
        self.fencing_failures.clear();
        self.fencing_boots.clear();
        // who is leaving is known by the attribute, which every member has
        self.leaving = self
            .attributes
            .iter()
            .filter(|(_, values)| values.contains_key(SHUTDOWN))
            .map(|(node, _)| *node)
            .collect();
    }

    /// Who went under the last DC left its wish to leave behind; who left in order, everything.
    fn forget_wishes_of_the_absent(&mut self, out: &mut Vec<Effect>) {
        let members = &self.view.members;
        let absent: Vec<NodeId> =
            self.attributes.keys().filter(|node| !members.contains_key(*node)).copied().collect();
        for node in absent {
            self.leaving.remove(&node);
            if self.absence(node) == Presence::Down {
                self.clear_attributes(node, out);
            } else {
                self.set_attribute(node, SHUTDOWN, None, out);
            }
        }
    }

    /// Makes the status section what this node knows for certain: members, lost nodes, attributes.
    /// Histories are replaced as the members answer the join.
    fn rebuild_status(&mut self, now: Now, out: &mut Vec<Effect>) {
        let known: BTreeSet<NodeId> = self
            .status()
            .children()
            .filter_map(|state| state.id()?.parse().ok().map(NodeId))
            .chain(self.records.keys().copied())
            .chain(self.view.members.keys().copied())
            .collect();
        let presences: Vec<_> = known
            .into_iter()
            .map(|node| (node, self.name(node), self.presence_at_start(now, node)))
            .collect();
        let attributes = self.attributes.clone();
        let stale: Vec<NodeId> = presences
            .iter()
            .filter(|(node, _, presence)| !self.history_may_hold(*node, *presence))
            .map(|(node, _, _)| *node)
            .collect();
        self.rewrite(out, |section| {
            for (node, name, presence) in presences {
                status::apply(section, &StatusChange::Node { node, name, presence });
            }
            for node in stale {
                status::apply(section, &StatusChange::ForgetHistory { node });
            }
            for state in section.children_mut() {
                state.retain_children(|child| child.name() != "transient_attributes");
            }
            for (node, values) in attributes {
                for (name, (set, value)) in values {
                    let value = Some(value);
                    status::apply(section, &StatusChange::Attribute { node, set, name, value });
                }
            }
        });
    }

    fn presence_at_start(&self, now: Now, node: NodeId) -> Presence {
        if self.view.members.contains_key(&node) {
            return Presence::Pending(now.wall);
        }
        self.absence(node)
    }

    /// Returns how a node that is not in the view stands, by its record.
    fn absence(&self, node: NodeId) -> Presence {
        match self.records.get(&node) {
            Some(record) if record.may_run() => Presence::Lost,
            Some(_) => Presence::Down,
            // nothing was ever started on it by this log; whether it is to be fenced is the
            // engine's decision (startup-fencing)
            None => Presence::Lost,
        }
    }

    /// Tells whether what the section says of a node's resources may still be true.
    fn history_may_hold(&self, node: NodeId, presence: Presence) -> bool {
        let id = node.to_string();
        let told = self.status().children().find(|state| state.id() == Some(&id));
        let told = told.and_then(|state| state.get("boot-id")).unwrap_or_default();
        let boot = match presence {
            Presence::Down => return false,
            Presence::Lost => self.records.get(&node).map(|record| record.boot),
            Presence::Member(_) | Presence::Pending(_) => {
                self.view.members.get(&node).map(|member| member.boot)
            }
        };
        boot.is_some_and(|boot| boot.to_string() == told)
    }

    /// Answers another view: members that came are asked for their history, those that went are
    /// planned for at once.
    pub(super) fn view_changed(&mut self, now: Now, view: View, out: &mut Vec<Effect>) {
        let old = std::mem::replace(&mut self.view, view);
        if self.role == Role::Following {
            return;
        }
        if old.quorate != self.view.quorate {
            // nothing of the old role may be sent any more; a leader that has its quorum back
            // begins anew, everybody else is told the new role by another event
            let (role, authority) = (self.role, self.next);
            self.step_down();
            self.role = role;
            if self.decides() {
                self.take_over(now, role, authority.generation, authority.term, out);
            }
            return;
        }
        let gone: Vec<Member> = old
            .members
            .values()
            .filter(|member| {
                self.view.members.get(&member.id).is_none_or(|here| here.boot != member.boot)
            })
            .cloned()
            .collect();
        for member in &gone {
            self.lose(now, member, out);
        }
        let came: Vec<Member> = self
            .view
            .members
            .values()
            .filter(|member| {
                self.peers.get(&member.id).is_none_or(|peer| peer.incarnation != member.incarnation)
            })
            .cloned()
            .collect();
        for member in came {
            self.invite(now, &member, out);
        }
    }

    fn lose(&mut self, now: Now, member: &Member, out: &mut Vec<Effect>) {
        let node = member.id;
        self.peers.remove(&node);
        self.leaving.remove(&node);
        let operations: Vec<_> =
            self.in_flight.keys().filter(|(at, ..)| *at == node).cloned().collect();
        // a fencing of it goes on: asking for another one would kill it in its next boot
        for key in operations.into_iter().filter(|key| *key != fencing_key(node)) {
            self.drop_operation(&key);
        }
        let record = self.records.get(&node);
        let orderly = record.is_some_and(|r| !r.may_run() && r.boot == member.boot);
        // came back under another boot before it was missed: what ran is gone
        let reborn = self.view.members.contains_key(&node);
        Self::journal(now, What::Lost { node: member.name.clone(), orderly }, out);
        if orderly || reborn {
            self.emit(StatusChange::ForgetHistory { node }, out);
            self.clear_attributes(node, out);
        } else {
            self.set_attribute(node, SHUTDOWN, None, out);
        }
        let presence = if orderly { Presence::Down } else { Presence::Lost };
        let name = member.name.clone();
        self.emit(StatusChange::Node { node, name, presence }, out);
        let what = if orderly { "left" } else { "is lost" };
        // a recovery waits for nothing; who left in order has nothing to recover
        self.want_plan(now, Urgency::Now, format!("{} {what}", member.name));
    }

    fn clear_attributes(&mut self, node: NodeId, out: &mut Vec<Effect>) {
        let names: Vec<String> =
            self.attributes.get(&node).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        for name in names {
            self.set_attribute(node, &name, None, out);
        }
    }

    /// Takes a member in that came while this node decides.
    fn invite(&mut self, now: Now, member: &Member, out: &mut Vec<Effect>) {
        let node = member.id;
        let before = self.peers.get(&node).filter(|peer| peer.boot == member.boot);
        let restarted = before.is_some_and(|peer| peer.incarnation != member.incarnation);
        if restarted {
            // the brain that asked to leave is no more
            self.leave_withdrawn(now, node, out);
        }
        let since = self.ask_to_join(now, member, out);
        let (name, presence) = (member.name.clone(), Presence::Pending(since));
        if !self.history_may_hold(node, presence) && self.history_of(node).is_some() {
            self.emit(StatusChange::ForgetHistory { node }, out);
        }
        self.emit(StatusChange::Node { node, name, presence }, out);
        if node != self.identity.me {
            out.push(Effect::Snapshot { node, update: self.snapshot() });
        }
    }

    /// Asks a member for its history; returns since when it is in.
    fn ask_to_join(&mut self, now: Now, member: &Member, out: &mut Vec<Effect>) -> WallTime {
        let node = member.id;
        let before = self.peers.get(&node).filter(|peer| peer.boot == member.boot);
        let since = before.map_or(now.wall, |peer| peer.since);
        let peer = Peer {
            boot: member.boot,
            incarnation: member.incarnation,
            since,
            asked: Some(now.monotonic),
            joined: false,
            silent: false,
            heard: before.map_or((None, 0), |peer| peer.heard),
            held_until: None,
            dismissed: false,
        };
        self.peers.insert(node, peer);
        self.command(node, out, |authority| HandsCommand::Join { authority });
        since
    }

    /// Asks a member again for everything, since commands or answers may have been lost.
    pub(super) fn reconnected(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        let decides = self.decides();
        let Some(peer) = self.peers.get_mut(&node).filter(|_| decides) else { return };
        peer.asked = Some(now.monotonic);
        if node != self.identity.me {
            out.push(Effect::Snapshot { node, update: self.snapshot() });
        }
        self.command(node, out, |authority| HandsCommand::Join { authority });
    }

    /// A node's hands obey somebody else: nothing is sent there but the question, now and then,
    /// whether they still do.
    pub(super) fn shut_out(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.asked = Some(now.monotonic);
        if std::mem::replace(&mut peer.silent, true) {
            return;
        }
        peer.joined = false;
        let presence = Presence::Pending(peer.since);
        let keys: Vec<_> = self.in_flight.keys().filter(|(at, ..)| *at == node).cloned().collect();
        for key in keys.into_iter().filter(|key| *key != fencing_key(node)) {
            self.drop_operation(&key);
        }
        let name = self.name(node);
        self.emit(StatusChange::Node { node, name: name.clone(), presence }, out);
        Self::journal(now, What::Silent { node: name.clone() }, out);
        self.want_plan(now, Urgency::Now, format!("the hands of {name} obey somebody else"));
    }

    /// Sends nothing to a node for a while whose hands do not know yet that there is a quorum.
    pub(super) fn hold(&mut self, now: Now, node: NodeId) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.held_until = Some(now.monotonic + HOLD_MS);
        }
    }

    fn release_held(&mut self, now: Now, out: &mut Vec<Effect>) {
        let over: Vec<NodeId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.held_until.is_some_and(|at| now.monotonic >= at))
            .map(|(node, _)| *node)
            .collect();
        for node in over {
            if let Some(peer) = self.peers.get_mut(&node) {
                peer.held_until = None;
            }
            self.reconnected(now, node, out);
        }
    }

    /// Gives up waiting for members that do not answer, and asks them again now and then.
    pub(super) fn check_members(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.release_held(now, out);
        let late: Vec<(NodeId, bool)> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.patience_ends().is_some_and(|at| now.monotonic >= at))
            .map(|(node, peer)| (*node, peer.silent))
            .collect();
        for (node, was_silent) in late {
            if let Some(peer) = self.peers.get_mut(&node) {
                peer.silent = true;
                peer.asked = Some(now.monotonic);
                let presence = Presence::Pending(peer.since);
                if !was_silent {
                    let name = self.name(node);
                    self.emit(StatusChange::Node { node, name: name.clone(), presence }, out);
                    Self::journal(now, What::Silent { node: name.clone() }, out);
                    self.want_plan(now, Urgency::Now, format!("{name} does not answer"));
                }
            }
            self.command(node, out, |authority| HandsCommand::Join { authority });
        }
    }

    pub(super) fn members_deadline(&self) -> Option<Monotonic> {
        let waiting = self.peers.values().filter_map(Peer::patience_ends).min();
        let first =
            self.first_plan_at().filter(|_| matches!(self.planning, Planning::Wanted { .. }));
        let held = self.peers.values().filter_map(|peer| peer.held_until);
        waiting.into_iter().chain(first).chain(held).min()
    }

    /// Returns when the first plan is made at the latest, if it is still to come and somebody of
    /// the nodelist is missing. Where members had resources already, nothing is waited for.
    pub(super) fn first_plan_at(&self) -> Option<Monotonic> {
        let starts = self.role == Role::Leading
            || (self.role == Role::Coordinating && self.options.ignores_quorum());
        let waits =
            starts && !self.planned_once && !self.formed && self.not_joined().next().is_some();
        waits.then(|| self.since + self.options.dc_deadtime_ms)
    }

    /// Returns the nodes of the nodelist and the view that have not joined.
    pub(super) fn not_joined(&self) -> impl Iterator<Item = NodeId> {
        let all: BTreeSet<NodeId> =
            self.nodelist.keys().chain(self.view.members.keys()).copied().collect();
        all.into_iter().filter(|node| self.peers.get(node).is_none_or(|p| !p.joined))
    }

    /// Tells whether every member has answered, or has had its time to.
    pub(super) fn all_answered(&self) -> bool {
        self.peers.values().all(|peer| peer.joined || peer.silent)
    }

    /// Takes in what a member's hands know.
    pub(super) fn history_told(
        &mut self,
        now: Now,
        node: NodeId,
        (boot, hands): (BootId, HandsId),
        records: Vec<OpRecord>,
        asked_at: u64,
        out: &mut Vec<Effect>,
    ) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if peer.boot != boot {
            return; // the view will tell of the new boot, and then it is asked again
        }
        let first = !peer.joined || peer.silent;
        if peer.heard.0 != Some(hands) {
            peer.heard = (Some(hands), 0);
        }
        peer.joined = true;
        peer.silent = false;
        peer.asked = None;
        let presence = Presence::Member(peer.since);
        let name = self.name(node);
        let before = self.history_of(node);
        let failures = self.uncounted_failures(node, boot, &records);
        if first {
            self.emit(StatusChange::Node { node, name: name.clone(), presence }, out);
        }
        self.emit(StatusChange::History { node, boot, hands, records: records.clone() }, out);
        let adopted = self.take_in_operations(now, node, &records, asked_at, out);
        self.propose_active(now, node, boot, out);
        if first {
            Self::journal(now, What::Joined { node: name.clone(), boot, adopted }, out);
        }
        for record in failures {
            self.count_failure(now, node, &record, out);
        }
        if first {
            self.want_plan(now, Urgency::Soon, format!("{name} joined"));
        } else if !status::same_history(before.as_deref(), self.history_of(node).as_deref()) {
            self.want_plan(now, Urgency::Soon, format!("{name} told its history again"));
        }
    }

    /// Has the log say that resources may run in a boot, before any is started there. A boot that
    /// is condemned or was declared off gets nothing: whoever declared it was wrong. Nor does one
    /// that leaves and is recorded to run nothing: it may be gone before the log has taken it.
    fn propose_active(&mut self, now: Now, node: NodeId, boot: BootId, out: &mut Vec<Effect>) {
        let settled = self
            .records
            .get(&node)
            .is_some_and(|record| record.boot == boot && record.state != RecordState::Clean);
        let clean = |record: &NodeRecord| record.boot == boot && record.state == RecordState::Clean;
        let goes = self.leaving.contains(&node) && self.records.get(&node).is_some_and(clean);
        if self.role == Role::Leading && !settled && !goes {
            let (state, proof) = (RecordState::Active, String::new());
            self.propose(now, NodeRecord { node, boot, state, proof }, out);
        }
    }

    /// Returns a node's part of the status section with its resources.
    pub(super) fn history_of(&self, node: NodeId) -> Option<std::sync::Arc<Element>> {
        let id = node.to_string();
        let state = self.status().children().find(|state| state.id() == Some(&id))?;
        state.shared_children().find(|child| child.name() == "lrm").cloned()
    }

    /// Answers what the log says of the nodes.
    pub(super) fn records_changed(
        &mut self,
        now: Now,
        records: BTreeMap<NodeId, NodeRecord>,
        out: &mut Vec<Effect>,
    ) {
        let old = std::mem::replace(&mut self.records, records);
        self.proposed.retain(|node, (record, _)| self.records.get(node) != Some(record));
        if !self.decides() {
            return;
        }
        let changed: Vec<NodeRecord> = self
            .records
            .values()
            .filter(|record| old.get(&record.node) != Some(record))
            .cloned()
            .collect();
        for record in changed {
            match record.state {
                RecordState::Active => self.send_held(now, record.node, out),
                RecordState::Clean => self.left(now, &record, out),
                RecordState::Fenced => self.fencing_confirmed(now, &record, out),
                RecordState::Condemned => {
                    let name = self.name(record.node);
                    self.want_plan(now, Urgency::Now, format!("{name} is condemned"));
                }
            }
        }
        self.release_leavers(now, out);
        let forgotten: Vec<NodeId> = old
            .keys()
            .filter(|node| !self.records.contains_key(*node))
            .filter(|node| !self.view.members.contains_key(*node))
            .copied()
            .collect();
        for node in forgotten {
            self.emit(StatusChange::ForgetNode { node }, out);
            self.want_plan(now, Urgency::Soon, format!("{} was removed", self.name(node)));
        }
    }

    /// Forgets nodes that corosync.conf names no more, that are gone, and that certainly run nothing.
    /// One that may run something stays until its fencing is confirmed, where there is fencing.
    pub(super) fn forget_removed(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.nodelist.is_empty() || self.role != Role::Leading {
            return;
        }
        let harmless = |node: &NodeId| {
            !self.options.fencing || self.records.get(node).is_none_or(|record| !record.may_run())
        };
        let removed: Vec<NodeId> = self
            .status()
            .children()
            .filter(|state| state.get("remote_node").is_none())
            .filter_map(|state| state.id()?.parse().ok().map(NodeId))
            .filter(|node| !self.nodelist.contains_key(node))
            .filter(|node| !self.view.members.contains_key(node) && harmless(node))
            .collect();
        for node in removed {
            let name = self.name(node);
            self.emit(StatusChange::ForgetNode { node }, out);
            self.want_plan(now, Urgency::Soon, format!("{name} was removed"));
        }
    }

    pub(super) fn leave_asked(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        if !self.decides() || !self.leaving.insert(node) {
            return;
        }
        let name = self.name(node);
        Self::journal(now, What::LeaveAsked { node: name.clone() }, out);
        self.set_attribute(node, SHUTDOWN, Some(now.wall.secs().to_string()), out);
        self.want_plan(now, Urgency::Now, format!("{name} asks to leave"));
    }

    pub(super) fn leave_withdrawn(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        let was_leaving = self.leaving.remove(&node);
        let member = self.view.members.get(&node).map(|member| member.boot);
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.dismissed = false;
        }
        if let Some(boot) = member.filter(|_| self.decides()) {
            // its record may say already that it runs nothing
            self.propose_active(now, node, boot, out);
        }
        if self.decides() && (was_leaving || self.attribute(node, SHUTDOWN).is_some()) {
            self.set_attribute(node, SHUTDOWN, None, out);
            let name = self.name(node);
            self.want_plan(now, Urgency::Soon, format!("{name} stays"));
        }
    }

    /// A plan stopped everything on a node that wants to leave: writes that down, then lets it go.
    pub(super) fn let_go(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        let Some(member) = self.view.members.get(&node) else { return };
        let (boot, state) = (member.boot, RecordState::Clean);
        if self.role == Role::Coordinating {
            // the log cannot take it: the others will have to make sure of this node
            self.may_leave(now, node, out);
            return;
        }
        let record = NodeRecord { node, boot, state, proof: String::new() };
        self.propose(now, record, out);
        self.release_leavers(now, out);
    }

    /// Lets those go whose records say that they run nothing. While more such records are on
    /// their way everybody stays, since each who goes may take the quorum with it; so does
    /// everybody when all want to leave.
    fn release_leavers(&mut self, now: Now, out: &mut Vec<Effect>) {
        let clean = |node: &NodeId| {
            !self.proposed.contains_key(node)
                && self.records.get(node).is_some_and(|record| {
                    record.state == RecordState::Clean && self.view.has_boot(*node, record.boot)
                })
        };
        let on_their_way =
            self.proposed.values().any(|(record, _)| record.state == RecordState::Clean);
        let mut members = self.view.members.keys();
        let all_leave = members.clone().all(|node| self.leaving.contains(node));
        if on_their_way || (all_leave && !members.all(clean)) {
            return;
        }
        // this node itself goes last: it is the one who lets the others go
        let me = self.identity.me;
        let mut free: Vec<NodeId> = self.leaving.iter().copied().filter(clean).collect();
        free.sort_by_key(|node| *node == me);
        for node in free {
            self.may_leave(now, node, out);
        }
    }

    fn left(&mut self, now: Now, record: &NodeRecord, out: &mut Vec<Effect>) {
        let node = record.node;
        if !self.view.members.contains_key(&node) {
            self.certain_to_be_down(node, out);
            self.want_plan(now, Urgency::Soon, format!("{} left", self.name(node)));
        }
    }

    fn may_leave(&mut self, now: Now, node: NodeId, out: &mut Vec<Effect>) {
        if let Some(peer) = self.peers.get_mut(&node)
            && !peer.dismissed
        {
            peer.dismissed = true;
            Self::journal(now, What::MayLeave { node: self.name(node) }, out);
            out.push(Effect::MayLeave { node });
        }
    }

    /// A node that is not in the view is certain to run nothing: its history goes.
    pub(super) fn certain_to_be_down(&mut self, node: NodeId, out: &mut Vec<Effect>) {
        self.emit(StatusChange::ForgetHistory { node }, out);
        let (name, presence) = (self.name(node), Presence::Down);
        self.emit(StatusChange::Node { node, name, presence }, out);
        self.clear_attributes(node, out);
    }

    pub(super) fn fenced(
        &mut self,
        now: Now,
        node: NodeId,
        asked: Option<BootId>,
        proof: String,
        out: &mut Vec<Effect>,
    ) {
        if !self.decides() {
            return;
        }
        let boot = self.boot_to_fence(node);
        let here = self.view.members.contains_key(&node);
        if asked.is_some_and(|asked| asked != boot) || (asked.is_none() && here) {
            // it proves that an earlier boot is no more, and nothing of this one
            if self.fencing_boots.get(&node) == asked.as_ref()
                && let Some(under_way) = self.in_flight.remove(&fencing_key(node))
            {
                self.fail_action(under_way.action);
            }
            let reason = format!("{} was confirmed off, but is in a later boot", self.name(node));
            self.want_plan(now, Urgency::Now, reason);
            return;
        }
        let state = RecordState::Fenced;
        let record = NodeRecord { node, boot, state, proof };
        if self.role == Role::Coordinating || self.records.get(&node) == Some(&record) {
            // without a log it stands nowhere; fenced again for the same boot: the log has it, and will not tell it again
            self.fencing_confirmed(now, &record, out);
        } else {
            self.propose(now, record, out);
        }
    }

    fn fencing_confirmed(&mut self, now: Now, record: &NodeRecord, out: &mut Vec<Effect>) {
        let (node, name) = (record.node, self.name(record.node));
        self.fencing_failures.remove(&node);
        Self::journal(now, What::Fenced { node: name.clone(), proof: record.proof.clone() }, out);
        if !self.view.members.contains_key(&node) {
            self.certain_to_be_down(node, out);
        }
        if !self.confirm_fencing(node) {
            self.want_plan(now, Urgency::Now, format!("{name} is confirmed off"));
        }
    }
}

impl Peer {
    /// Returns until when an answer is waited for.
    fn patience_ends(&self) -> Option<Monotonic> {
        let patience = if self.silent { JOIN_AGAIN_MS } else { JOIN_PATIENCE_MS };
        self.asked.map(|asked| asked + patience)
    }
}

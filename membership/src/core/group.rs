//! The group: who is heard, which view holds, whether it is a quorum.
//!
//! Nothing is acknowledged or retried. Each heartbeat carries all its sender knows that others need
//! (whom it hears, which set it wants, which view it is in), so a lost one costs time, never
//! agreement. A change is told at once, not at the next beat.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use model::{Member, Monotonic, NodeId, View};

use super::agreement::{self, Candidates, Choice};
use super::beat::{Heartbeat, Proposal, ViewStamp};
use super::event::{Effect, Event, GroupConf, Identity, PeerChange, Unreadable, Warning};
use super::peer::{Contact, HEARTBEAT_INTERVAL_MS, Heard, Peer};
use super::pulse::{Pauses, Random, SendBudget, Warned};
use super::quorum::{Quorum, VoteHistory, configured_votes, judge};

/// Lateness of a timer below this is the machine's grain, not a pause.
const LATENESS_IGNORED_MS: u64 = 20;

/// Heartbeats a leaver sends before it ends without having seen the others' new view.
const LEAVE_BEATS_MAX: u64 = 4;

/// The core of membership on one node.
#[derive(Clone, Debug)]
pub struct Group {
    pub(super) me: Identity,
    pub(super) conf: GroupConf,
    pub(super) peers: BTreeMap<NodeId, Peer>,
    pub(super) installed: Option<Installed>,
    pub(super) quorum: Quorum,
    pub(super) pauses: Pauses,
    pub(super) warned: Warned,
    /// How often each node came into the view.
    pub(super) joins: BTreeMap<NodeId, u32>,
    proposal: Proposal,
    /// The highest view number this node was in or proposed.
    highest: u64,
    history: VoteHistory,
    random: Random,
    budget: SendBudget,
    sequence: u64,
    last_sent: Option<Heartbeat>,
    unsaid: bool,
    /// Something happened that may change the view, the votes or what our heartbeat says.
    stirred: bool,
    /// When to think again though nothing happened.
    settle_at: Option<Monotonic>,
    next_beat: Monotonic,
    started: Monotonic,
    leaving_since: Option<Monotonic>,
    left: bool,
    stuck: bool,
}

/// The view this node is in.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub(super) stamp: ViewStamp,
    pub(super) view: View,
}

impl Group {
    /// Starts a life; the first tick sends the first heartbeat.
    pub fn new(me: Identity, conf: GroupConf, now: Monotonic) -> Self {
        let expected = configured_votes(&conf.rules, &conf.votes());
        Self {
            peers: peers_of(&conf, me.node),
            conf,
            installed: None,
            quorum: Quorum::default(),
            pauses: Pauses::default(),
            warned: Warned::default(),
            joins: BTreeMap::new(),
            proposal: Proposal::default(),
            highest: me.last_view,
            history: VoteHistory::new(expected),
            random: Random(me.seed),
            budget: SendBudget::new(now),
            sequence: 0,
            last_sent: None,
            unsaid: false,
            stirred: true,
            settle_at: None,
            next_beat: now,
            started: now,
            leaving_since: None,
            left: false,
            stuck: false,
            me,
        }
    }

    /// Returns this node's number.
    pub fn node(&self) -> NodeId {
        self.me.node
    }

    /// Returns the view that holds, if one does yet.
    pub fn view(&self) -> Option<&View> {
        self.installed.as_ref().map(|installed| &installed.view)
    }

    /// Returns why the view is or is not a quorum.
    pub fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    /// Advances the group by one event and appends what must now be done to `out`.
    pub fn handle(&mut self, now: Monotonic, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Heard { link, heartbeat } => self.hear(now, link, *heartbeat, out),
            Event::Unreadable { address, claims, why } => {
                self.cannot_read(now, address, claims, why, out);
            }
            Event::Tick { late_ms } => self.pass(now, late_ms, out),
            Event::ConfChanged(conf) => self.reconfigure(now, *conf, out),
            Event::LeaveRequested => {
                self.leaving_since.get_or_insert(now);
                self.stirred = true;
            }
            Event::Stuck(stuck) => self.stuck = stuck,
            Event::WaitForAllSatisfied => {
                self.history.wait_for_all_satisfied = true;
                self.stirred = true;
            }
            Event::ExpectedVotes(votes) => {
                self.history.expect(votes);
                self.stirred = true;
            }
        }
        self.expire(now, out);
        // Most heartbeats say what the one before said: then there is nothing to think about.
        self.stirred |= self.settle_at.is_some_and(|at| now >= at);
        if self.stirred {
            // An install may clear the way for the next set; a few rounds settle everything.
            for _ in 0..4 {
                if !self.agree(now, out) {
                    break;
                }
            }
            self.count_votes(now, out);
            self.settle_at = self.timers().filter(|at| *at > now).min();
        }
        self.speak(now, out);
    }

    /// Returns when the group must be told that time passed, at the latest.
    pub fn wake_at(&self, now: Monotonic) -> Monotonic {
        let token = self.conf.token_ms;
        let contacts = self.peers.values().filter_map(|peer| peer.contact.as_ref());
        let links = self.peers.values().flat_map(|peer| peer.links.values());
        let first = contacts
            .map(|contact| contact.deadline(token))
            .chain(links.filter(|link| link.up).map(|link| link.down_at()))
            .chain(self.settle_at)
            .chain(self.unsaid.then(|| self.budget.next_at(now)))
            .filter(|at| *at > now)
            .min();
        // What is past was handled; only the beat may be overdue.
        let beat = self.next_beat.max(now);
        first.map_or(beat, |first| first.min(beat))
    }

    /// Returns the times at which the view or the votes may change though nothing is heard.
    fn timers(&self) -> impl Iterator<Item = Monotonic> {
        let settle = self.settle_ms();
        let peers = self.peers.values().flat_map(move |peer| {
            let outbid = peer.outbid_since.map(|since| since + settle);
            let contact = peer.contact.as_ref();
            let taken = contact.map(|contact| contact.taken_from);
            outbid.into_iter().chain(taken).chain(contact.and_then(|c| c.presumed_until))
        });
        let alone = self.installed.is_none().then(|| self.started + self.conf.token_ms);
        peers.chain(alone).chain(self.history.last_man_standing_at)
    }

    /// How long a better set that leaves us out may stay a mere wish before we go on without it.
    fn settle_ms(&self) -> u64 {
        self.conf.token_ms / 2
    }

    fn hear(
        &mut self,
        now: Monotonic,
        link: super::LinkId,
        heartbeat: Heartbeat,
        out: &mut Vec<Effect>,
    ) {
        let from = heartbeat.from;
        if from == self.me.node {
            if heartbeat.boot != self.me.boot {
                self.warn(now, Warning::SameNodeId { node: from }, out);
            }
            return;
        }
        let Some(peer) = self.peers.get_mut(&from) else {
            self.warn(now, Warning::NotInNodelist { node: from }, out);
            return;
        };
        let (boot, incarnation) = (heartbeat.boot, heartbeat.incarnation);
        let (theirs, digest) = (heartbeat.conf_version, heartbeat.conf_digest);
        let random = &mut self.random;
        let token = self.conf.token_ms;
        let heard = peer.hear(now, link, heartbeat, &self.me, token, || random.next());
        let in_view = self.installed.as_ref().is_some_and(|i| i.view.members.contains_key(&from));
        match heard {
            Heard::Nothing => {}
            Heard::News => self.stirred = true,
            Heard::Leaving => {
                self.stirred = true;
                peer.barred |= in_view;
                out.push(Effect::Peer { node: from, change: PeerChange::Left });
                self.downscale(from);
            }
            Heard::NewLife(before) => {
                self.stirred = true;
                let same_boot = before.as_ref().is_some_and(|before| before.boot == boot);
                let left = before.as_ref().is_some_and(|before| before.last.leaving);
                if before.is_some() && !same_boot && !left {
                    out.push(Effect::Peer { node: from, change: PeerChange::Rebooted });
                }
                if same_boot && !left && in_view && !peer.barred {
                    if let Some(contact) = &mut peer.contact {
                        contact.presumed_until = Some(now + token);
                    }
                    out.push(Effect::MemberRestarted { node: from, incarnation });
                } else {
                    peer.barred |= in_view;
                    let change = PeerChange::Appeared { boot, incarnation };
                    out.push(Effect::Peer { node: from, change });
                }
            }
        }
        if digest != self.conf.digest {
            let node = self.conf.name_of(from);
            let ours = self.conf.version;
            self.warn(now, Warning::ConfDiffers { node, theirs, ours }, out);
        }
    }

    fn cannot_read(
        &mut self,
        now: Monotonic,
        address: String,
        claims: Option<NodeId>,
        why: Unreadable,
        out: &mut Vec<Effect>,
    ) {
        // What claims to be from us, or from nobody we know, is noise on the wire.
        let Some(claims) = claims.filter(|node| self.peers.contains_key(node)) else { return };
        let node = self.conf.name_of(claims);
        self.warn(now, Warning::Unreadable { node, address, why }, out);
    }

    fn pass(&mut self, now: Monotonic, late_ms: u64, out: &mut Vec<Effect>) {
        self.pauses.note(now, late_ms);
        if late_ms < LATENESS_IGNORED_MS {
            return;
        }
        for peer in self.peers.values_mut() {
            peer.allow(late_ms);
        }
        let token_ms = self.conf.token_ms;
        if late_ms >= token_ms / 2 {
            // Each pause is worth a line of its own.
            out.push(Effect::Warning(Warning::OwnPause { ms: late_ms, token_ms }));
        }
    }

    fn reconfigure(&mut self, now: Monotonic, mut conf: GroupConf, out: &mut Vec<Effect>) {
        if let Entry::Vacant(place) = conf.nodes.entry(self.me.node) {
            if let Some(own) = self.conf.nodes.get(&self.me.node) {
                place.insert(own.clone());
            }
            self.warn(now, Warning::SelfNotInNodelist, out);
        }
        let before = configured_votes(&self.conf.rules, &self.conf.votes());
        let after = configured_votes(&conf.rules, &conf.votes());
        self.peers.retain(|node, _| conf.nodes.contains_key(node));
        for (node, fresh) in peers_of(&conf, self.me.node) {
            let peer = self.peers.entry(node).or_insert(fresh.clone());
            peer.links.retain(|link, _| fresh.links.contains_key(link));
            for (link, state) in fresh.links {
                peer.links.entry(link).or_insert(state);
            }
        }
        if after != before {
            self.history.expect(after);
        }
        self.warned.forget();
        self.stirred = true;
        self.conf = conf;
    }

    /// Loses those who were silent for too long, takes links down and up.
    fn expire(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        let token_ms = self.conf.token_ms;
        for (node, peer) in &mut self.peers {
            self.stirred |= peer.forget_candidate(now, token_ms);
            let over = peer.contact.as_ref().is_some_and(|c| now >= c.deadline(token_ms));
            if over && let Some(lost) = peer.lose(now) {
                self.stirred = true;
                let in_view = |i: &Installed| i.view.members.contains_key(node);
                peer.barred |= self.installed.as_ref().is_some_and(in_view);
                if !lost.last.leaving {
                    let change = PeerChange::Lost { silent_ms: now.since(lost.heard_at) };
                    out.push(Effect::Peer { node: *node, change });
                }
            }
            for (link, up) in peer.judge_links(now) {
                out.push(Effect::LinkChange { node: *node, link, up });
            }
        }
    }

    /// Tells whether a peer's contact counts for a view.
    pub(super) fn is_taken(&self, now: Monotonic, node: NodeId, peer: &Peer) -> bool {
        let Some(contact) = &peer.contact else { return false };
        contact.hears_us
            && !contact.last.leaving
            && !peer.barred
            && now >= contact.taken_from
            && !self.has_left_us_out(node, contact)
    }

    /// A member of our view that is in a later one without us gave us up: we must first be
    /// without it, too, so that what runs here learns of it.
    fn has_left_us_out(&self, node: NodeId, contact: &Contact) -> bool {
        let (Some(ours), Some(theirs)) = (&self.installed, &contact.last.installed) else {
            return false;
        };
        ours.view.members.contains_key(&node)
            && theirs.number > ours.stamp.number
            && !theirs.members.contains(&self.me.node)
    }

    /// Collects what all members of a set know alike.
    fn candidates(&self, now: Monotonic) -> Candidates {
        let mut all = Candidates::default();
        let me = self.me.node;
        all.votes.insert(me, self.own_votes());
        if let Some(installed) = &self.installed {
            all.views.insert(me, (installed.stamp.number, installed.stamp.digest));
        }
        let taken: BTreeMap<NodeId, &Contact> = self
            .peers
            .iter()
            .filter(|(node, peer)| self.is_taken(now, **node, peer))
            .filter_map(|(node, peer)| Some((*node, peer.contact.as_ref()?)))
            .collect();
        let in_view = |node: &NodeId| {
            self.installed.as_ref().is_some_and(|i| i.view.members.contains_key(node))
        };
        let says = |one: &Contact, two: NodeId| {
            one.last.is_mutual_with(two) || (one.is_presumed(now) && in_view(&two))
        };
        for (node, contact) in &taken {
            let about_us = contact.last.report_on(me, self.me.incarnation);
            if about_us.is_some_and(|report| report.mutual) || contact.is_presumed(now) {
                all.connect(me, *node);
            }
            all.votes.insert(*node, contact.last.votes);
            if let Some(view) = &contact.last.installed {
                all.views.insert(*node, (view.number, view.digest));
            }
            for (other, theirs) in taken.range(..node) {
                match (says(contact, *other), says(theirs, *node)) {
                    (true, true) => all.connect(*node, *other),
                    (true, false) if in_view(node) && in_view(other) => {
                        all.doubted.insert(*node);
                    }
                    (false, true) if in_view(node) && in_view(other) => {
                        all.doubted.insert(*other);
                    }
                    (false, false) | (true, false) | (false, true) => {}
                }
            }
        }
        all
    }

    /// Finds the best set whose members may come. One who wants a better set without us counts
    /// as ours until that has stayed a wish for too long.
    fn choose(&mut self, now: Monotonic) -> Choice {
        let all = self.candidates(now);
        let settle = self.settle_ms();
        let mut without = BTreeSet::new();
        let mut outbid = BTreeSet::new();
        let choice = loop {
            let choice = all.best(self.me.node, &without);
            let before = without.len();
            for node in choice.members.iter().filter(|node| **node != self.me.node) {
                let Some(peer) = self.peers.get_mut(node) else { continue };
                let Some(contact) = &peer.contact else { continue };
                let wish = &contact.last.proposal;
                if wish.members.contains(&self.me.node) || !choice.is_beaten_by(wish) {
                    continue;
                }
                outbid.insert(*node);
                let since = *peer.outbid_since.get_or_insert(now);
                if now.since(since) >= settle {
                    without.insert(*node);
                }
            }
            if without.len() == before {
                break choice;
            }
        };
        for (node, peer) in &mut self.peers {
            if !outbid.contains(node) {
                peer.outbid_since = None;
            }
        }
        choice
    }

    /// Proposes the best set, and installs it when all its members propose the same. Tells whether
    /// it did.
    fn agree(&mut self, now: Monotonic, out: &mut Vec<Effect>) -> bool {
        if self.leaving_since.is_some() {
            return false;
        }
        let choice = self.choose(now);
        let members: Vec<Member> =
            choice.members.iter().filter_map(|id| self.member(*id)).collect();
        let digest = agreement::digest(members.iter().map(|m| (m.id, m.boot, m.incarnation)));
        let others = || {
            let others = choice.members.iter().filter(|node| **node != self.me.node);
            others.filter_map(|node| self.peers.get(node)?.contact.as_ref())
        };
        let same_set = others().map(|c| &c.last.proposal).filter(|p| p.digest == digest);
        let own = match &self.installed {
            Some(installed) if installed.stamp.digest == digest => installed.stamp.number,
            _ if self.proposal.digest == digest => self.proposal.number,
            _ => self.highest + 1,
        };
        let number = same_set.map(|proposal| proposal.number).fold(own, u64::max);
        let all_want_it = others().all(|contact| {
            let wish = &contact.last.proposal;
            (wish.digest, wish.number) == (digest, number)
        });
        let Choice { members: ids, worth } = choice;
        self.highest = self.highest.max(number);
        self.proposal = Proposal { number, digest, members: ids.clone(), worth };
        let holds = self
            .installed
            .as_ref()
            .is_some_and(|i| (i.stamp.number, i.stamp.digest) == (number, digest));
        if holds || !all_want_it || self.waits_for_company(now, ids.len()) {
            return false;
        }
        self.install(ViewStamp { number, digest, members: ids }, members, out);
        true
    }

    /// A node that has just started looks around for a token before it believes to be alone.
    fn waits_for_company(&self, now: Monotonic, members: usize) -> bool {
        self.installed.is_none()
            && members == 1
            && !self.peers.is_empty()
            && now.since(self.started) < self.conf.token_ms
    }

    fn member(&self, id: NodeId) -> Option<Member> {
        let (boot, incarnation) = if id == self.me.node {
            (self.me.boot, self.me.incarnation)
        } else {
            let contact = self.peers.get(&id)?.contact.as_ref()?;
            (contact.boot, contact.incarnation)
        };
        Some(Member { id, name: self.conf.nodes.get(&id)?.name.clone(), boot, incarnation })
    }

    fn install(&mut self, stamp: ViewStamp, members: Vec<Member>, out: &mut Vec<Effect>) {
        for (node, peer) in &mut self.peers {
            if !stamp.members.contains(node) {
                peer.barred = false;
            }
            if let Some(contact) = &mut peer.contact {
                contact.presumed_until = None;
            }
        }
        for member in &stamp.members {
            if self.view().is_none_or(|view| !view.members.contains_key(member)) {
                *self.joins.entry(*member).or_default() += 1;
            }
        }
        self.history.last_man_standing_at = None;
        let claims = self.claims(&stamp.members);
        self.history.enter(&claims);
        let members = members.into_iter().map(|member| (member.id, member)).collect();
        let votes = self.conf.votes();
        self.quorum = judge(&self.conf.rules, &votes, stamp.number, &claims, &mut self.history);
        let view = View { number: stamp.number, members, quorate: self.quorum.quorate };
        out.push(Effect::View(view.clone()));
        self.installed = Some(Installed { stamp, view });
    }

    /// Warns of nodes that reach us but cannot be in the view because others don't hear them.
    fn watch_connections(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        let Some(installed) = &self.installed else { return };
        let patience = 2 * self.conf.token_ms;
        let left_out: Vec<String> = self
            .peers
            .iter()
            .filter(|(node, peer)| {
                !installed.view.members.contains_key(node)
                    && peer.contact.as_ref().is_some_and(|contact| {
                        contact.hears_us
                            && !contact.last.leaving
                            && now.since(contact.hears_us_since.max(contact.taken_from)) >= patience
                    })
            })
            .map(|(node, _)| self.conf.name_of(*node))
            .collect();
        if !left_out.is_empty() {
            self.warn(now, Warning::NotAllConnected { left_out }, out);
        }
    }

    fn warn(&mut self, now: Monotonic, warning: Warning, out: &mut Vec<Effect>) {
        if self.warned.is_news(now, &warning) {
            out.push(Effect::Warning(warning));
        }
    }

    fn compose(&self, now: Monotonic) -> Heartbeat {
        let contacts = self
            .peers
            .iter()
            .flat_map(|(node, peer)| peer.reports(*node, self.is_taken(now, *node, peer)));
        Heartbeat {
            from: self.me.node,
            boot: self.me.boot,
            incarnation: self.me.incarnation,
            sequence: 0,
            token_ms: u32::try_from(self.conf.token_ms).unwrap_or(u32::MAX),
            leaving: self.leaving_since.is_some(),
            conf_version: self.conf.version,
            conf_digest: self.conf.digest,
            votes: self.own_votes(),
            expected_votes: self.history.expected,
            quorate: self.quorum.quorate,
            wait_for_all_satisfied: self.history.wait_for_all_satisfied,
            tie: self.history.tie(&self.conf.rules),
            installed: self.installed.as_ref().map(|installed| installed.stamp.clone()),
            proposal: self.proposal.clone(),
            contacts: contacts.collect(),
        }
    }

    /// Sends a heartbeat when one is due or has something new to say.
    fn speak(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        let due = now >= self.next_beat;
        if due {
            let next = self.next_beat + HEARTBEAT_INTERVAL_MS;
            self.next_beat = if next > now { next } else { now + HEARTBEAT_INTERVAL_MS };
        }
        if self.left {
            return;
        }
        if due {
            self.watch_connections(now, out);
        }
        if !self.stuck && (due || self.stirred || self.unsaid) {
            let heartbeat = self.compose(now);
            let news = self.last_sent.as_ref() != Some(&heartbeat);
            self.unsaid = news && !due && !self.budget.take(now);
            if due || (news && !self.unsaid) {
                self.sequence += 1;
                self.last_sent = Some(heartbeat.clone());
                self.send(Heartbeat { sequence: self.sequence, ..heartbeat }, out);
            }
        }
        self.stirred = false;
        self.end_leave(now, out);
    }

    fn send(&self, heartbeat: Heartbeat, out: &mut Vec<Effect>) {
        let Some(own) = self.conf.nodes.get(&self.me.node) else { return };
        for link in own.addresses.keys() {
            let peers = self.peers.iter().filter(|(_, peer)| peer.links.contains_key(link));
            let to: Vec<NodeId> = peers.map(|(node, _)| *node).collect();
            if !to.is_empty() {
                out.push(Effect::Send { link: *link, to, heartbeat: heartbeat.clone() });
            }
        }
    }

    /// Ends the leave once the others are in a view without us, or there was time enough for it.
    fn end_leave(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        let Some(since) = self.leaving_since else { return };
        let mut others = self.peers.values().filter_map(|peer| peer.contact.as_ref());
        let known = others.all(|contact| {
            contact.last.leaving
                || contact
                    .last
                    .installed
                    .as_ref()
                    .is_none_or(|v| !v.members.contains(&self.me.node))
        });
        if known || now.since(since) >= LEAVE_BEATS_MAX * HEARTBEAT_INTERVAL_MS {
            self.left = true;
            out.push(Effect::Left);
        }
    }
}

/// Makes an empty record of every other node with the links both ends have.
fn peers_of(conf: &GroupConf, me: NodeId) -> BTreeMap<NodeId, Peer> {
    let own = conf.nodes.get(&me).map(|node| &node.addresses);
    let peers = conf.nodes.iter().filter(|(node, _)| **node != me).map(|(node, their)| {
        let shared = their.addresses.keys().filter(|l| own.is_some_and(|own| own.contains_key(l)));
        (*node, Peer::new(shared.copied()))
    });
    peers.collect()
}

mod ballot;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a story looks for one effect among many")]
mod simulation;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a story looks for one effect among many")]
mod tests;

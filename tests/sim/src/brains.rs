//! Brains: the heartbeat thread and the loop, and where their effects go.

use crmd::core::controller::Role;
use membership::core::beat::Heartbeat;
use membership::core::{Effect, Event, Group, Identity, LinkId};
use model::{HandsCommand, Incarnation, Monotonic, NodeId};
use node::core::message::PeerMessage;
use node::core::{Brain, Input, Output, Settings};

use crate::disk::Batch;
use crate::host::BrainLife;
use crate::invariants::{one_dc, safe_start};
use crate::protection::Protection;
use crate::setting::TOKEN_MS;
use crate::world::{Happening, World};

/// The loop is told the time this often.
const TICK_MS: u64 = 20;

/// Between two attempts to reach hands that are away.
const DIAL_HANDS_MS: u64 = 20;

impl World {
    pub(crate) fn start_brain(&mut self, node: NodeId, boots: u64) {
        let (seed, salt, uuid) = (self.chance.number(), self.chance.number(), self.chance.id());
        let now = self.now;
        let host = self.host(node);
        if !host.powered || host.boots != boots || host.brain.is_some() {
            return;
        }
        host.incarnation = (host.incarnation + 1).max(now);
        let incarnation = Incarnation(host.incarnation);
        let (boot, marked, last_view) = (host.boot, host.marked, host.last_view);
        let durable = host.disk.read();
        let identity = Identity { node, boot, incarnation, seed, last_view };
        let settings = Settings {
            me: node,
            boot,
            incarnation,
            nodelist: self.setting.nodelist(),
            cluster_name: "sim".to_owned(),
            uuid: format!("{uuid:032x}"),
            version: "sim".to_owned(),
            salt,
            token_ms: TOKEN_MS,
            marked,
            seed: None,
            may_go_alone: false,
        };
        let clocks = self.clocks(now);
        let mut first = Vec::new();
        let brain = Brain::open(settings, durable, clocks, &mut first);
        let group = Group::new(identity, self.conf.clone(), Monotonic(0));
        let life = incarnation.0;
        self.host(node).brain = Some(BrainLife {
            life,
            began: now,
            group,
            brain,
            group_due: 0,
            group_wake: u64::MAX,
            frozen_until: 0,
            stalled_until: 0,
            hands_link: None,
        });
        self.note(|| format!("n{node} brain {life} starts"));
        self.carry_out(node, life, false, first);
        self.group_event(node, Event::Tick { late_ms: 0 });
        self.after(TICK_MS, Happening::BrainTick { node, life });
        self.after(1, Happening::DialHands { node, life });
        for other in self.ids().into_iter().filter(|other| *other != node) {
            let after = self.chance.between(5, 60);
            self.dial_later(node, other, after);
        }
    }

    /// The brain's process is gone.
    pub(crate) fn end_brain(&mut self, node: NodeId) {
        let mut chance = self.chance.clone();
        let host = self.host(node);
        let Some(brain) = host.brain.take() else { return };
        host.disk.brain_died(&mut chance);
        self.chance = chance;
        self.note(|| format!("n{node} brain {} ends", brain.life));
        self.client.forget(node);
        self.break_wires_of(node);
        self.hands_lose_brain(node);
    }

    pub(crate) fn kill_brain(&mut self, node: NodeId, back_after: u64) {
        if self.host(node).brain.is_none() {
            return;
        }
        let boots = self.host(node).boots;
        self.end_brain(node);
        self.after(back_after, Happening::StartBrain { node, boots });
    }

    pub(crate) fn brain_of(&mut self, node: NodeId, life: u64) -> Option<&mut BrainLife> {
        self.hosts.get_mut(&node)?.brain.as_mut().filter(|brain| brain.life == life)
    }

    pub(crate) fn group_wakes(&mut self, node: NodeId, life: u64) {
        let now = self.now;
        let Some(brain) = self.brain_of(node, life) else { return };
        if brain.group_wake <= now {
            brain.group_wake = u64::MAX;
        }
        if brain.group_due <= now {
            let late_ms = now - brain.group_due;
            self.group_event(node, Event::Tick { late_ms });
        } else {
            self.arm_group(node);
        }
    }

    pub(crate) fn hear(&mut self, to: NodeId, link: LinkId, heartbeat: Box<Heartbeat>) {
        self.group_event(to, Event::Heard { link, heartbeat });
    }

    /// Tells the group something; when its timer is overdue it hears that first.
    pub(crate) fn group_event(&mut self, node: NodeId, event: Event) {
        let now = self.now;
        let Some(brain) = self.hosts.get_mut(&node).and_then(|host| host.brain.as_mut()) else {
            return;
        };
        let at = Monotonic(now - brain.began);
        let mut out = Vec::new();
        if brain.group_due < now && !matches!(event, Event::Tick { .. }) {
            let late_ms = now - brain.group_due;
            brain.group.handle(at, Event::Tick { late_ms }, &mut out);
        }
        brain.group.handle(at, event, &mut out);
        brain.group_due = brain.began + brain.group.wake_at(at).0;
        let life = brain.life;
        for effect in out {
            match effect {
                Effect::Send { link, to, heartbeat } => {
                    self.send_heartbeat(node, link, &to, &heartbeat);
                }
                Effect::View(view) => {
                    self.note(|| {
                        let members: Vec<u32> = view.members.keys().map(|id| id.0).collect();
                        format!("n{node} view {} {members:?} quorate {}", view.number, view.quorate)
                    });
                    self.host(node).last_view = view.number;
                    for (other, host) in &mut self.hosts {
                        // a new boot is known: what the old one ran is certain to be gone
                        if *other != node && host.powered && view.has_boot(*other, host.boot) {
                            host.lost_with.clear();
                        }
                    }
                    let input = Box::new(Input::View(view));
                    self.after(1, Happening::Input { node, life, input });
                }
                Effect::MemberRestarted { node: other, .. } => self.break_wire(node, other),
                Effect::Peer { .. }
                | Effect::LinkChange { .. }
                | Effect::Warning(_)
                | Effect::Left => {}
            }
        }
        self.arm_group(node);
    }

    /// Queues the group's next wake-up; in a disturbed world timers are late at times.
    fn arm_group(&mut self, node: NodeId) {
        let late = if !self.calm && self.chance.permille(30) { self.chance.below(80) } else { 0 };
        let now = self.now;
        let Some(brain) = self.hosts.get_mut(&node).and_then(|host| host.brain.as_mut()) else {
            return;
        };
        let due = brain.group_due.max(now + 1);
        if brain.group_wake > due {
            brain.group_wake = due + late;
            let life = brain.life;
            self.at(due + late, Happening::GroupWake { node, life });
        }
    }

    pub(crate) fn brain_ticks(&mut self, node: NodeId, life: u64) {
        let late = if !self.calm && self.chance.permille(20) { self.chance.below(100) } else { 0 };
        if self.brain_of(node, life).is_some() {
            self.after(TICK_MS + late, Happening::BrainTick { node, life });
            self.input(node, life, Input::Tick);
        }
    }

    /// Tells a brain something and carries out what it answers.
    pub(crate) fn input(&mut self, node: NodeId, life: u64, input: Input) {
        let now = self.now;
        let wall = self.wall();
        let Some(brain) = self.brain_of(node, life) else { return };
        let mut lost = Vec::new();
        if let Input::View(view) = &input {
            let before = brain.brain.view().members.keys();
            lost.extend(before.copied().filter(|member| !view.members.contains_key(member)));
        }
        let clocks = crmd::core::Now { monotonic: Monotonic(now - brain.began), wall };
        // what the DC commands passes through the brain of the node it is for
        let passes = matches!(&input, Input::Peer { message: PeerMessage::Command(_), .. });
        let (role, mut out) = (brain.brain.controller().role(), Vec::new());
        brain.brain.handle(clocks, input, &mut out);
        let role_now = brain.brain.controller().role();
        for peer in lost {
            self.break_wire(node, peer);
        }
        if role_now != role {
            self.note(|| format!("n{node} is {role_now:?} now"));
        }
        self.carry_out(node, life, passes, out);
    }

    fn carry_out(&mut self, node: NodeId, life: u64, passes: bool, outputs: Vec<Output>) {
        let mut snapshots = Vec::new();
        for output in outputs {
            match output {
                Output::Send { to, message, snapshot } => {
                    if let PeerMessage::Command(command) = &message {
                        self.judge_command(node, to, command);
                    }
                    self.send(node, to, message);
                    if snapshot {
                        snapshots.push(to);
                    }
                }
                Output::Persist { seq, records, sync } => {
                    self.persist(node, life, Batch { seq, records, sync, took_ms: 0, told: false });
                }
                Output::Born => self.host(node).marked = false,
                Output::Hands(command) => {
                    if !passes {
                        self.judge_command(node, node, &command);
                    }
                    self.command_hands(node, command);
                }
                Output::Reply { id, outcome } => self.replied(node, id, &outcome),
                Output::Plan { plan, document, now } => {
                    self.plan(node, life, plan, &document, now);
                }
                Output::Fence { node: target, boot, action } => {
                    self.note(|| format!("n{node} wants n{target} fenced ({action})"));
                    let after = self.chance.between(50, 1_500);
                    self.after(after, Happening::Strike { node: target, boot, by: node, life });
                }
                Output::Journal(entry) => {
                    self.note(|| format!("n{node} journal: {:?}", entry.what))
                }
                Output::Warn(text) => self.note(|| format!("n{node} warns: {text}")),
                Output::SoleVoter => self.group_event(node, Event::WaitForAllSatisfied),
                Output::ExpectVotes(votes) => {
                    self.group_event(node, Event::ExpectedVotes(votes));
                }
                Output::Archive { why, .. } => {
                    self.note(|| format!("n{node} archives its document: {why}"));
                }
                Output::SaveDocument(_) | Output::SaveInput { .. } | Output::Leave => {}
            }
        }
        for to in snapshots {
            self.input(node, life, Input::SnapshotSent { to, delivered: true });
        }
    }

    fn judge_command(&mut self, node: NodeId, target: NodeId, command: &HandsCommand) {
        let Some(authority) = one_dc::authority(command) else { return };
        let Some(brain) = self.hosts.get(&node).and_then(|host| host.brain.as_ref()) else {
            return;
        };
        let leads = brain.brain.controller().role() == Role::Leading;
        if let HandsCommand::Execute { operation, .. } = command {
            let outcome = safe_start::check(
                &self.hosts,
                self.setting.fencing,
                brain.brain.view(),
                target,
                operation,
            );
            self.note(|| {
                format!("n{node} to hands of n{target}: {} under {authority}", operation.key())
            });
            self.hold(outcome);
        }
        if leads {
            let outcome = self.terms.note(node, authority);
            self.hold(outcome);
        }
    }

    fn persist(&mut self, node: NodeId, life: u64, mut batch: Batch) {
        let mut took = self.chance.between(0, if self.calm { 2 } else { self.setting.write_ms });
        let now = self.now;
        let skips = self.removed == Some(Protection::Persistence) && !self.calm;
        let host = self.host(node);
        let (slow_until, slow_ms) = host.disk.slow;
        if slow_until > now {
            took += slow_ms;
        }
        batch.took_ms = took;
        batch.told = skips;
        let seq = batch.seq;
        host.disk.push(batch);
        if skips {
            took += 3_000;
        }
        let host = self.host(node);
        host.disk.free_at = host.disk.free_at.max(now) + took;
        let at = host.disk.free_at;
        self.at(at, Happening::DiskDone { node, life });
        if skips {
            let input = Box::new(Input::Persisted { seq, took_ms: 1 });
            self.after(1, Happening::Input { node, life, input });
        }
    }

    pub(crate) fn disk_done(&mut self, node: NodeId, life: u64) {
        if self.brain_of(node, life).is_none() {
            return;
        }
        let Some(batch) = self.host(node).disk.finish() else { return };
        if !batch.told {
            let input = Box::new(Input::Persisted { seq: batch.seq, took_ms: batch.took_ms });
            self.after(0, Happening::Input { node, life, input });
        }
    }

    fn plan(
        &mut self,
        node: NodeId,
        life: u64,
        plan: u64,
        document: &cib::Element,
        now: model::WallTime,
    ) {
        self.plans += 1;
        let dies = !self.calm && self.chance.permille(5);
        let answer = if dies {
            Err("the simulated engine died".to_owned())
        } else {
            crate::engine::plan(document, now)
        };
        let took = if self.calm { 2 } else { self.chance.between(1, 40) };
        let input = match answer {
            Ok(answer) => Input::Planned {
                plan,
                graph: answer.graph,
                severity: answer.severity,
                remarks: answer.remarks,
            },
            Err(reason) => {
                self.note(|| format!("n{node} gets no plan {plan}: {reason}"));
                if !dies {
                    self.plan_failure = Some(reason.clone());
                }
                Input::PlanFailed { plan, reason }
            }
        };
        self.after(took, Happening::Input { node, life, input: Box::new(input) });
    }

    pub(crate) fn dial_hands_later(&mut self, node: NodeId) {
        if let Some(brain) = self.hosts.get(&node).and_then(|host| host.brain.as_ref()) {
            let life = brain.life;
            self.after(DIAL_HANDS_MS, Happening::DialHands { node, life });
        }
    }

    /// The loop's link to its hands comes up, if they are there.
    pub(crate) fn dial_hands(&mut self, node: NodeId, life: u64) {
        let link = self.number();
        let Some(brain) = self.brain_of(node, life) else { return };
        if brain.hands_link.is_some() {
            return;
        }
        if self.host(node).hands.is_none() {
            return self.dial_hands_later(node);
        }
        if let Some(brain) = self.brain_of(node, life) {
            brain.hands_link = Some(link);
        }
        self.after(0, Happening::Input { node, life, input: Box::new(Input::HandsUp) });
        self.hands_get_brain(node, link);
    }
}

//! The world: one queue of happenings, in order of their time, and everything they happen to.

use std::collections::{BTreeMap, BTreeSet};

use crmd::core::Now;
use membership::core::beat::Heartbeat;
use membership::core::{GroupConf, LinkId};
use model::{BootId, HandsCommand, HandsReport, Incarnation, Monotonic, NodeId, WallTime};
use node::core::Input;
use node::core::message::PeerMessage;

use crate::chance::Chance;
use crate::client::Client;
use crate::disk::Disk;
use crate::host::{Call, Host};
use crate::invariants::one_dc::Terms;
use crate::network::Wire;
use crate::protection::Protection;
use crate::setting::{Fencing, Setting};

/// The wall clock at the beginning: 2026-01-01.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// Events at one instant; more means that two parts answer each other for ever.
const AT_ONCE_MAX: u64 = 100_000;

/// Something that is going to happen.
#[derive(Debug)]
pub(crate) enum Happening {
    PowerOn {
        node: NodeId,
    },
    StartBrain {
        node: NodeId,
        boots: u64,
    },
    StartHands {
        node: NodeId,
        boots: u64,
    },
    /// The heartbeat thread's timer.
    GroupWake {
        node: NodeId,
        life: u64,
    },
    /// A heartbeat arrives.
    Heard {
        to: NodeId,
        link: LinkId,
        heartbeat: Box<Heartbeat>,
    },
    /// The loop's timer.
    BrainTick {
        node: NodeId,
        life: u64,
    },
    /// The loop hears something.
    Input {
        node: NodeId,
        life: u64,
        input: Box<Input>,
    },
    /// A write of the log ends.
    DiskDone {
        node: NodeId,
        life: u64,
    },
    /// A brain dials another one.
    Dial {
        from: NodeId,
        to: NodeId,
    },
    /// What was said on a peer link arrives.
    Said {
        from: NodeId,
        to: NodeId,
        connection: u64,
        incarnation: Incarnation,
        message: Box<PeerMessage>,
    },
    /// A peer link that is cut for so long breaks.
    GiveUp {
        from: NodeId,
        to: NodeId,
        connection: u64,
    },
    /// A brain dials its hands.
    DialHands {
        node: NodeId,
        life: u64,
    },
    ToHands {
        node: NodeId,
        link: u64,
        command: Box<HandsCommand>,
    },
    FromHands {
        node: NodeId,
        link: u64,
        report: Box<HandsReport>,
    },
    HandsWake {
        node: NodeId,
        life: u64,
    },
    /// An agent does what it does.
    Acts {
        node: NodeId,
        process: u64,
    },
    /// An agent's process ends.
    Ends {
        node: NodeId,
        process: u64,
    },
    /// A fence device acts on a node, asked by another.
    Strike {
        node: NodeId,
        boot: BootId,
        by: NodeId,
        life: u64,
    },
}

/// See the module.
#[derive(Debug)]
pub struct World {
    pub(crate) setting: Setting,
    pub(crate) conf: GroupConf,
    pub(crate) now: u64,
    pub(crate) chance: Chance,
    pub(crate) calm: bool,
    pub(crate) removed: Option<Protection>,
    /// By when it happens, when it was first due (what a process that stands still has to catch up
    /// with comes in order), and a number.
    queue: BTreeMap<(u64, u64, u64), Happening>,
    numbers: u64,
    pub(crate) hosts: BTreeMap<NodeId, Host>,
    pub(crate) wires: BTreeMap<(NodeId, NodeId), Wire>,
    /// Which directions carry nothing.
    pub(crate) cut: BTreeSet<(NodeId, NodeId)>,
    pub(crate) client: Client,
    pub(crate) terms: Terms,
    pub(crate) failure: Option<String>,
    pub(crate) trace: Option<Vec<String>>,
    at_once: u64,
    /// How much happened.
    pub(crate) events: u64,
    pub(crate) plans: u64,
    pub(crate) plan_failure: Option<String>,
}

impl World {
    /// Makes the world of a seed: hosts without power, which comes in the first second.
    pub fn new(seed: u64, removed: Option<Protection>, trace: bool) -> Self {
        let mut chance = Chance::new(seed);
        let setting = Setting::draw(&mut chance);
        let host = || Host {
            powered: false,
            boot: BootId(0),
            boots: 0,
            disk: Disk::default(),
            marked: true,
            incarnation: 0,
            last_view: 0,
            brain: None,
            hands: None,
            hands_lives: 0,
            active: BTreeSet::new(),
            lost_with: BTreeSet::new(),
            processes: BTreeMap::new(),
            calls: BTreeMap::new(),
            started: BTreeMap::new(),
        };
        let ids: Vec<NodeId> = (1..=setting.nodes).map(NodeId).collect();
        let mut world = Self {
            conf: setting.group_conf(),
            setting,
            now: 0,
            chance,
            calm: false,
            removed,
            queue: BTreeMap::new(),
            numbers: 0,
            hosts: ids.iter().map(|id| (*id, host())).collect(),
            wires: BTreeMap::new(),
            cut: BTreeSet::new(),
            client: Client::default(),
            terms: Terms::default(),
            failure: None,
            trace: trace.then(Vec::new),
            at_once: 0,
            events: 0,
            plans: 0,
            plan_failure: None,
        };
        let setting = format!("{:?}", world.setting);
        world.note(|| setting);
        for from in &ids {
            for to in ids.iter().filter(|to| *to != from) {
                world.wires.insert((*from, *to), Wire::default());
            }
            let after = world.chance.below(1_000);
            world.after(after, Happening::PowerOn { node: *from });
        }
        world
    }

    /// Returns a number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Writes a line of the event log, if somebody reads it.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>4}.{:03} {}", now / 1000, now % 1000, line()));
        }
    }

    /// Notes that something must not be; the first such thing counts.
    pub(crate) fn hold(&mut self, outcome: Result<(), String>) {
        if let Err(why) = outcome {
            self.note(|| format!("VIOLATED {why}"));
            self.failure.get_or_insert(why);
        }
    }

    pub(crate) fn after(&mut self, ms: u64, happening: Happening) {
        self.at(self.now + ms, happening);
    }

    pub(crate) fn at(&mut self, at: u64, happening: Happening) {
        let number = self.number();
        let at = at.max(self.now);
        self.queue.insert((at, at, number), happening);
    }

    pub(crate) fn wall(&self) -> WallTime {
        WallTime(EPOCH_MS) + self.now
    }

    /// Both clocks as a brain that began then reads them.
    pub(crate) fn clocks(&self, began: u64) -> Now {
        Now { monotonic: Monotonic(self.now - began), wall: self.wall() }
    }

    pub(crate) fn host(&mut self, node: NodeId) -> &mut Host {
        self.hosts.entry(node).or_insert_with(|| unreachable!("there is no such host"))
    }

    pub(crate) fn ids(&self) -> Vec<NodeId> {
        self.hosts.keys().copied().collect()
    }

    /// Lets everything happen until then, or until something must not be.
    pub fn run_until(&mut self, end: u64) {
        while self.failure.is_none() {
            match self.queue.first_key_value() {
                Some(((at, ..), _)) if *at <= end => {}
                Some(_) | None => break,
            }
            let Some(((at, due, number), happening)) = self.queue.pop_first() else { break };
            self.at_once = if self.now == at { self.at_once + 1 } else { 0 };
            if self.at_once > AT_ONCE_MAX {
                let what = format!("{happening:?}").chars().take(300).collect::<String>();
                self.hold(Err(format!("events without end at one instant, such as {what}")));
            }
            self.now = at;
            self.events += 1;
            self.happen(due, number, happening);
        }
        self.now = self.now.max(end);
    }

    fn happen(&mut self, due: u64, number: u64, happening: Happening) {
        let Some(happening) = self.put_off(due, number, happening) else { return };
        match happening {
            Happening::PowerOn { node } => self.power_on(node),
            Happening::StartBrain { node, boots } => self.start_brain(node, boots),
            Happening::StartHands { node, boots } => self.start_hands(node, boots),
            Happening::GroupWake { node, life } => self.group_wakes(node, life),
            Happening::Heard { to, link, heartbeat } => self.hear(to, link, heartbeat),
            Happening::BrainTick { node, life } => self.brain_ticks(node, life),
            Happening::Input { node, life, input } => self.input(node, life, *input),
            Happening::DiskDone { node, life } => self.disk_done(node, life),
            Happening::Dial { from, to } => self.dial(from, to),
            Happening::Said { from, to, connection, incarnation, message } => {
                self.said(from, to, connection, incarnation, *message);
            }
            Happening::GiveUp { from, to, connection } => self.give_up(from, to, connection),
            Happening::DialHands { node, life } => self.dial_hands(node, life),
            Happening::ToHands { node, link, command } => self.to_hands(node, link, *command),
            Happening::FromHands { node, link, report } => self.from_hands(node, link, *report),
            Happening::HandsWake { node, life } => self.hands_wake(node, life),
            Happening::Acts { node, process } => self.agent_acts(node, process),
            Happening::Ends { node, process } => self.agent_ends(node, process),
            Happening::Strike { node, boot, by, life } => self.strike(node, boot, by, life),
        }
    }

    /// Queues again what is for a process that stands still.
    fn put_off(&mut self, due: u64, number: u64, happening: Happening) -> Option<Happening> {
        let until = match &happening {
            Happening::GroupWake { node, .. } | Happening::Heard { to: node, .. } => {
                self.hosts.get(node)?.brain.as_ref()?.frozen_until
            }
            Happening::BrainTick { node, .. }
            | Happening::Input { node, .. }
            | Happening::Said { to: node, .. }
            | Happening::FromHands { node, .. } => {
                let brain = self.hosts.get(node)?.brain.as_ref()?;
                brain.frozen_until.max(brain.stalled_until)
            }
            Happening::ToHands { node, .. } | Happening::HandsWake { node, .. } => {
                self.hosts.get(node)?.hands.as_ref()?.frozen_until
            }
            Happening::PowerOn { .. }
            | Happening::StartBrain { .. }
            | Happening::StartHands { .. }
            | Happening::DiskDone { .. }
            | Happening::Dial { .. }
            | Happening::GiveUp { .. }
            | Happening::DialHands { .. }
            | Happening::Acts { .. }
            | Happening::Ends { .. }
            | Happening::Strike { .. } => 0,
        };
        if until > self.now {
            self.queue.insert((until, due, number), happening);
            return None;
        }
        Some(happening)
    }

    /// Switches a host on.
    pub(crate) fn power_on(&mut self, node: NodeId) {
        if self.host(node).powered {
            return;
        }
        let keeps = self.removed == Some(Protection::BootId) && self.host(node).boots > 0;
        let boot = BootId(self.chance.id());
        let host = self.host(node);
        host.powered = true;
        host.boots += 1;
        if !keeps {
            host.boot = boot;
        }
        let boots = host.boots;
        self.note(|| format!("n{node} power on"));
        let (hands, brain) = (self.chance.between(20, 100), self.chance.between(30, 300));
        self.after(hands, Happening::StartHands { node, boots });
        self.after(brain, Happening::StartBrain { node, boots });
    }

    /// Takes the power from a host: everything on it is gone but what its disk holds for certain.
    pub(crate) fn power_off(&mut self, node: NodeId, why: &str) {
        if !self.host(node).powered {
            return;
        }
        self.note(|| format!("n{node} power off: {why}"));
        self.end_brain(node);
        let mut chance = self.chance.clone();
        let host = self.host(node);
        host.powered = false;
        host.hands = None;
        let starting = host.processes.values().filter(|p| p.operation.action == "start");
        let starting: Vec<_> = starting.map(|p| p.operation.resource.clone()).collect();
        host.lost_with.append(&mut host.active);
        host.lost_with.extend(starting);
        host.processes.clear();
        host.calls.clear();
        host.started.clear();
        host.disk.power_lost(&mut chance);
        self.chance = chance;
        self.break_wires_of(node);
    }

    /// Kills the hands; what runs under runners goes on.
    pub(crate) fn kill_hands(&mut self, node: NodeId, back_after: u64) {
        let host = self.host(node);
        if host.hands.take().is_none() {
            return;
        }
        let boots = host.boots;
        host.processes.retain(|_, process| {
            process.watcher = None;
            process.has_runner()
        });
        let link = host.brain.as_mut().and_then(|brain| brain.hands_link.take());
        self.note(|| format!("n{node} hands killed, back after {back_after} ms"));
        self.after(back_after, Happening::StartHands { node, boots });
        if link.is_some() {
            self.dial_hands_later(node);
        }
    }

    /// A fence device acts.
    fn strike(&mut self, node: NodeId, boot: BootId, by: NodeId, life: u64) {
        let works = self.calm || self.chance.permille(850);
        let reliable = self.setting.fencing == Fencing::Reliable;
        let lies = self.removed == Some(Protection::Proof);
        let input = if reliable && works {
            if !lies {
                self.power_off(node, "fenced");
                self.host(node).lost_with.clear();
                let back = self.chance.between(800, 3_000);
                self.after(back, Happening::PowerOn { node });
            }
            self.note(|| format!("n{node} is confirmed off, says the device to n{by}"));
            Input::Fenced { node, boot: Some(boot), proof: "the simulated device".to_owned() }
        } else {
            self.note(|| format!("n{node} could not be fenced, says the device to n{by}"));
            Input::FencingFailed { node, boot, reason: "the simulated device failed".to_owned() }
        };
        // the word of it may take longer than the node needs to come back
        let most = if self.chance.permille(300) { 6_000 } else { 20 };
        let after = self.chance.below(most);
        self.after(after, Happening::Input { node: by, life, input: Box::new(input) });
    }

    /// Returns the finished or running operation under a call of a former life.
    pub(crate) fn call(&mut self, node: NodeId, call_id: i64) -> Option<Call> {
        self.host(node).calls.get(&call_id).cloned()
    }
}

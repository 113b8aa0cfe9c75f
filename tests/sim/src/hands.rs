//! Hands and agents: what commands do on a host, and what agents truly do there.

use std::sync::Arc;

use lrmd::core::{Effect, Event, Hands, Outcome, Settings, Token};
use model::{
    Authority, ExecStatus, HandsCommand, HandsId, HandsReport, Monotonic, NodeId, Operation,
};
use node::core::Input;

use crate::host::{Call, HandsLife, Process};
use crate::invariants::{one_dc, one_place};
use crate::protection::Protection;
use crate::world::{Happening, World};

impl World {
    pub(crate) fn start_hands(&mut self, node: NodeId, boots: u64) {
        let id = HandsId(self.chance.id());
        let forgets = self.removed == Some(Protection::TakingUp);
        let now = self.now;
        let host = self.host(node);
        if !host.powered || host.boots != boots || host.hands.is_some() {
            return;
        }
        host.hands_lives += 1;
        let life = host.hands_lives;
        let settings = Settings {
            boot: host.boot,
            hands: id,
            processes_max: 4,
            next_call: 1,
            repeat_failures: false,
        };
        host.hands = Some(HandsLife {
            life,
            hands: Hands::new(settings),
            wake: u64::MAX,
            frozen_until: 0,
            link: None,
            highest: Authority::default(),
        });
        let started = host.started.clone();
        let calls = host.calls.clone();
        let mut took_up = Vec::new();
        for (call_id, call) in calls {
            let (operation, began) = match call {
                Call::Running(process) => match host.processes.get(&process) {
                    Some(process) => (Arc::clone(&process.operation), process.began),
                    None => continue,
                },
                Call::Finished { operation, began, .. } => (operation, began),
            };
            took_up.push(Event::TakenUp { call_id, operation, ran_ms: now - began });
        }
        self.note(|| format!("n{node} hands start"));
        for (resource, started) in started {
            self.hands_event(node, Event::Remembered { resource, started });
        }
        for event in took_up {
            if !forgets {
                self.hands_event(node, event);
            }
        }
    }

    /// A brain comes to the hands.
    pub(crate) fn hands_get_brain(&mut self, node: NodeId, link: u64) {
        if let Some(hands) = &mut self.host(node).hands {
            hands.link = Some(link);
        }
        self.hands_event(node, Event::Connected);
    }

    /// The brain of these hands is gone.
    pub(crate) fn hands_lose_brain(&mut self, node: NodeId) {
        if let Some(hands) = &mut self.host(node).hands
            && hands.link.take().is_some()
        {
            self.hands_event(node, Event::Disconnected);
        }
    }

    /// A brain sends a command to the hands of its own host.
    pub(crate) fn command_hands(&mut self, node: NodeId, command: HandsCommand) {
        let link = self.host(node).brain.as_ref().and_then(|brain| brain.hands_link);
        if let Some(link) = link {
            self.after(1, Happening::ToHands { node, link, command: Box::new(command) });
        }
    }

    pub(crate) fn to_hands(&mut self, node: NodeId, link: u64, mut command: HandsCommand) {
        let removed = self.removed;
        let Some(life) = &mut self.host(node).hands else { return };
        if life.link != Some(link) {
            return;
        }
        let late = one_dc::is_late(&command, life.highest);
        let authority = one_dc::authority(&command);
        if late && removed == Some(Protection::Authority) {
            raise(&mut command, life.hands.highest());
        }
        let told = one_dc::authority(&command);
        let what = format!("{command:?}");
        let out = self.hands_event(node, Event::Command(command));
        let refused = out.iter().any(|report| {
            matches!(report, HandsReport::Refused { authority, .. } if Some(*authority) == told)
        });
        if refused {
            self.note(|| format!("n{node} hands refuse a command under {authority:?}"));
        }
        if late && !refused {
            self.hold(Err(format!(
                "invariant 4: hands of n{node} took a late command: {}",
                what.chars().take(200).collect::<String>()
            )));
        }
        if let (false, Some(authority), Some(life)) =
            (refused, authority, &mut self.host(node).hands)
        {
            life.highest = life.highest.max(authority);
        }
    }

    pub(crate) fn hands_wake(&mut self, node: NodeId, life: u64) {
        let now = self.now;
        let Some(hands) = self.host(node).hands.as_mut().filter(|hands| hands.life == life) else {
            return;
        };
        if hands.wake <= now {
            hands.wake = u64::MAX;
            self.hands_event(node, Event::Tick);
        }
    }

    /// Tells the hands something and does what they want; returns what they reported.
    fn hands_event(&mut self, node: NodeId, event: Event) -> Vec<HandsReport> {
        let (now, wall) = (Monotonic(self.now), self.wall());
        let mut effects = Vec::new();
        let Some(life) = &mut self.host(node).hands else { return Vec::new() };
        life.hands.handle(now, wall, event, &mut effects);
        let (number, link) = (life.life, life.link);
        let mut reports = Vec::new();
        for effect in effects {
            match effect {
                Effect::Spawn { token, call_id, operation } => {
                    self.spawn(node, (number, token), call_id, operation);
                }
                Effect::Watch { token, call_id } => self.watch(node, (number, token), call_id),
                Effect::Kill { token } => self.kill(node, (number, token)),
                Effect::Report(report) => {
                    if let Some(link) = link {
                        let report = Box::new(report.clone());
                        self.after(1, Happening::FromHands { node, link, report });
                    }
                    reports.push(report);
                }
                Effect::Discard { call_id } => {
                    self.host(node).calls.remove(&call_id);
                }
                Effect::Remember { resource, started } => {
                    let host = self.host(node);
                    match started {
                        Some(started) => host.started.insert(resource, started),
                        None => host.started.remove(&resource),
                    };
                }
                Effect::Log { text, .. } => self.note(|| format!("n{node} hands: {text}")),
            }
        }
        self.arm_hands(node);
        reports
    }

    fn arm_hands(&mut self, node: NodeId) {
        let now = self.now;
        let late = if !self.calm && self.chance.permille(50) { self.chance.below(100) } else { 0 };
        let Some(life) = &mut self.host(node).hands else { return };
        let Some(Monotonic(due)) = life.hands.next_wake() else { return };
        let at = due.max(now + 1) + late;
        if life.wake > at {
            life.wake = at;
            let life = life.life;
            self.at(at, Happening::HandsWake { node, life });
        }
    }

    pub(crate) fn from_hands(&mut self, node: NodeId, link: u64, mut report: HandsReport) {
        let Some(brain) = &self.host(node).brain else { return };
        if brain.hands_link != Some(link) {
            return;
        }
        let life = brain.life;
        if let (Some(Protection::Adoption), HandsReport::History { records, .. }) =
            (self.removed, &mut report)
        {
            records.retain(|record| record.status != ExecStatus::Pending);
        }
        self.note(|| match &report {
            HandsReport::History { authority, records, .. } => {
                format!("n{node} hands tell {} records to {authority}", records.len())
            }
            HandsReport::Result { report, record } => {
                format!("n{node} hands report {report}: {}", record.key())
            }
            HandsReport::Refused { authority, .. } => {
                format!("n{node} hands refused what came under {authority}")
            }
        });
        self.input(node, life, Input::Hands(report));
    }

    fn spawn(
        &mut self,
        node: NodeId,
        watcher: (u64, Token),
        call_id: i64,
        operation: Arc<Operation>,
    ) {
        let rough = !self.calm;
        // a stop that fails needs fencing, so it must not where there is none
        let fenced = self.setting.fencing == crate::setting::Fencing::Reliable;
        let may_fail = operation.action != "stop" || fenced;
        let hangs = rough && may_fail && self.chance.permille(15);
        let most = if operation.action == "monitor" { 60 } else { 700 };
        let mut takes = self.chance.between(5, if rough { most } else { 40 });
        if hangs {
            takes = 60_000;
        }
        let acts = self.chance.below(takes + 1);
        let fails = rough
            && match operation.action.as_str() {
                "start" => self.chance.permille(15),
                "stop" => may_fail && self.chance.permille(10),
                "monitor" => self.chance.permille(4),
                _ => false,
            };
        let outcome = Outcome {
            status: ExecStatus::Done,
            rc: i32::from(fails),
            exit_reason: String::new(),
            exec_time_ms: takes,
        };
        let process = self.number();
        let began = self.now;
        let key = operation.key();
        let host = self.host(node);
        let made =
            Process { operation, call_id, began, watcher: Some(watcher), acted: false, outcome };
        if made.has_runner() {
            host.calls.insert(call_id, Call::Running(process));
        }
        host.processes.insert(process, made);
        self.note(|| format!("n{node} runs {key} (process {process}, {takes} ms)"));
        self.after(acts, Happening::Acts { node, process });
        self.after(takes, Happening::Ends { node, process });
    }

    fn watch(&mut self, node: NodeId, watcher: (u64, Token), call_id: i64) {
        match self.call(node, call_id) {
            Some(Call::Running(process)) => {
                if let Some(process) = self.host(node).processes.get_mut(&process) {
                    process.watcher = Some(watcher);
                }
            }
            Some(Call::Finished { operation, began, outcome }) => {
                // told like an end of now, by a process that is only that
                let process = self.number();
                let made = Process {
                    operation,
                    call_id,
                    began,
                    watcher: Some(watcher),
                    acted: true,
                    outcome,
                };
                self.host(node).processes.insert(process, made);
                self.after(0, Happening::Ends { node, process });
            }
            None => {}
        }
    }

    fn kill(&mut self, node: NodeId, watcher: (u64, Token)) {
        let found = self
            .host(node)
            .processes
            .iter()
            .find(|(_, process)| process.watcher == Some(watcher))
            .map(|(number, _)| *number);
        let Some(process) = found else { return };
        if let Some(killed) = self.host(node).processes.get_mut(&process) {
            killed.outcome.status = ExecStatus::Timeout;
            killed.outcome.rc = 1;
        }
        let after = self.chance.between(1, if self.calm { 20 } else { 2_000 });
        self.after(after, Happening::Ends { node, process });
    }

    /// The agent does what it does: this is the journal.
    pub(crate) fn agent_acts(&mut self, node: NodeId, number: u64) {
        let coin = self.chance.permille(500);
        let host = self.host(node);
        let Some(process) = host.processes.get_mut(&number) else { return };
        if process.acted {
            return;
        }
        process.acted = true;
        let resource = process.operation.resource.clone();
        let fails = process.outcome.rc != 0;
        let counts = process.operation.agent.class != "stonith";
        match process.operation.action.as_str() {
            "start" if !fails || coin => {
                host.active.insert(resource.clone());
                self.note(|| format!("n{node} {resource} IS ACTIVE"));
                if counts {
                    let outcome = one_place::check(&self.hosts, &resource, node);
                    self.hold(outcome);
                }
            }
            "stop" if !fails => {
                host.active.remove(&resource);
                self.note(|| format!("n{node} {resource} is stopped"));
            }
            "monitor" if !fails => {
                process.outcome.rc = if host.active.contains(&resource) { 0 } else { 7 };
            }
            _ => {}
        }
    }

    pub(crate) fn agent_ends(&mut self, node: NodeId, number: u64) {
        let now = self.now;
        let host = self.host(node);
        let Some(mut process) = host.processes.remove(&number) else { return };
        process.outcome.exec_time_ms = now - process.began;
        if process.has_runner() && host.calls.contains_key(&process.call_id) {
            let call = Call::Finished {
                operation: Arc::clone(&process.operation),
                began: process.began,
                outcome: process.outcome.clone(),
            };
            host.calls.insert(process.call_id, call);
        }
        let Some((life, token)) = process.watcher else { return };
        if host.hands.as_ref().is_some_and(|hands| hands.life == life) {
            self.hands_event(node, Event::Exited { token, outcome: process.outcome });
        }
    }
}

/// Raises a command's authority.
fn raise(command: &mut HandsCommand, to: Authority) {
    match command {
        HandsCommand::Join { authority }
        | HandsCommand::Execute { authority, .. }
        | HandsCommand::Cancel { authority, .. }
        | HandsCommand::Forget { authority, .. } => *authority = to,
        HandsCommand::Acknowledge { .. }
        | HandsCommand::Quorate { .. }
        | HandsCommand::GiveWay
        | HandsCommand::Policy { .. } => {}
    }
}

//! Runs a node's operations: one at a time per resource, recurring ones by timers.
//!
//! Sans-io: the caller tells what happened and when, and carries out the effects it gets back.
//! The caller calls [`Hands::handle`] with [`Event::Tick`] no later than [`Hands::next_wake`].

#![warn(clippy::wildcard_enum_match_arm)]

mod digests;
mod gate;
mod history;
mod interface;
mod lane;
mod outbox;
mod without_brain;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{
    AgentSpec, Authority, ExecStatus, HandsCommand, HandsReport, Monotonic, OcfCode, OpRecord,
    Operation, ResourceId, WallTime,
};

pub use digests::{AgentTraits, ParameterTraits, Reload};
pub use interface::{Effect, Event, Level, Outcome, Settings, Token};
pub use lane::Started;

use gate::{Gate, Refusal};
use lane::{Job, Lane, OpKey, QUEUE_MAX, Recurring, Turn, Wish};
use outbox::Outbox;
use without_brain::WithoutBrain;

/// Milliseconds that a process may outlive its deadline. Its keeper sends TERM, then KILL after
/// 2 s; what is left after 10 s sits in the kernel and no signal reaches it.
const STUCK_MS: u64 = 10_000;

/// How long it may take to hear from the runner of an operation of a former life, in milliseconds.
const TAKING_UP_MS: u64 = 2_000;

/// Why an execution is being ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// Its time is up.
    Late,
    /// Nobody wants it any more; the key that asked for the cancellation, if one did.
    Cancelled(Option<String>),
}

/// A process.
#[derive(Clone, Debug)]
struct Running {
    job: Job,
    repeat: bool,
    started: Monotonic,
    started_wall: WallTime,
    deadline: Monotonic,
    ending: Option<Ending>,
}

/// Both clocks at one instant.
#[derive(Clone, Copy, Debug)]
struct Now {
    at: Monotonic,
    wall: WallTime,
}

/// The hands of one node.
#[derive(Clone, Debug)]
pub struct Hands {
    settings: Settings,
    gate: Gate,
    outbox: Outbox,
    lanes: BTreeMap<ResourceId, Lane>,
    running: BTreeMap<Token, Running>,
    repeats_running: usize,
    /// Lanes that want a process, by when and in order of arrival: asked for, and repetitions.
    asked: BTreeSet<(Monotonic, u64, ResourceId)>,
    repeats: BTreeSet<(Monotonic, u64, ResourceId)>,
    traits: BTreeMap<AgentSpec, Arc<AgentTraits>>,
    without_brain: WithoutBrain,
    last_token: u64,
    next_call: i64,
    arrivals: u64,
}

impl Hands {
    /// Returns hands that know nothing and have no brain.
    pub fn new(settings: Settings) -> Self {
        let next_call = settings.next_call.max(1);
        Self {
            settings,
            gate: Gate::default(),
            outbox: Outbox::default(),
            lanes: BTreeMap::new(),
            running: BTreeMap::new(),
            repeats_running: 0,
            asked: BTreeSet::new(),
            repeats: BTreeSet::new(),
            traits: BTreeMap::new(),
            without_brain: WithoutBrain::default(),
            last_token: 0,
            next_call,
            arrivals: 0,
        }
    }

    /// Advances the hands by one event and appends what the caller must now do to `out`.
    pub fn handle(&mut self, now: Monotonic, wall: WallTime, event: Event, out: &mut Vec<Effect>) {
        let now = Now { at: now, wall };
        match event {
            Event::Connected => {
                self.gate.set_quorate(false);
                self.without_brain.connected();
                out.extend(self.outbox.retell().map(Effect::Report));
            }
            Event::Disconnected => {
                self.gate.set_quorate(false);
                self.without_brain.disconnected(now.at);
            }
            Event::Command(command) => self.command(now, command, out),
            Event::Exited { token, outcome } => self.exited(now, token, outcome, out),
            Event::Described { agent, traits } => {
                self.traits.insert(agent, traits);
            }
            Event::TakenUp { call_id, operation, ran_ms } => {
                self.take_up(now, call_id, operation, ran_ms, out);
            }
            Event::Remembered { resource, started } => {
                self.lanes.entry(resource).or_default().started = Some(started);
            }
            Event::Tick => {}
        }
        self.expire(now, out);
        self.stop_without_brain(now, out);
        self.dispatch(now, out);
        self.answer_when_empty(out);
    }

    /// Returns when the hands want to hear [`Event::Tick`] at the latest.
    pub fn next_wake(&self) -> Option<Monotonic> {
        let asked = self.asked.first().filter(|_| self.may_ask());
        let repeats = self.repeats.first().filter(|_| self.may_repeat());
        let ends = self.running.values().map(|running| match running.ending {
            None => running.deadline,
            Some(_) => running.deadline + STUCK_MS,
        });
        asked
            .into_iter()
            .chain(repeats)
            .map(|(at, _, _)| *at)
            .chain(ends)
            .chain(self.without_brain.due())
            .min()
    }

    /// Returns the highest authority seen.
    pub fn highest(&self) -> Authority {
        self.gate.highest()
    }

    /// Returns how many processes run.
    pub fn processes(&self) -> usize {
        self.running.len()
    }

    fn command(&mut self, now: Now, command: HandsCommand, out: &mut Vec<Effect>) {
        match command {
            HandsCommand::Join { authority } => match self.gate.join(authority) {
                Ok(()) if self.without_brain.gives_way() => {
                    self.without_brain.answer_later(authority);
                }
                Ok(()) => out.push(Effect::Report(self.read_out(authority))),
                Err(refusal) => self.refuse(refusal, authority, "join", "", out),
            },
            HandsCommand::Execute { authority, operation } => {
                match self.gate.execute(authority, &operation.action) {
                    Ok(()) => self.execute(now, Arc::new(operation), out),
                    Err(refusal) => {
                        let what = operation.key();
                        self.refuse(refusal, authority, &what, &operation.transition_key, out);
                    }
                }
            }
            HandsCommand::Cancel { authority, resource, action, interval_ms, transition_key } => {
                match self.gate.command(authority) {
                    Ok(()) => {
                        self.cancel(now, &resource, (action, interval_ms), transition_key, out);
                    }
                    Err(refusal) => self.refuse(refusal, authority, "cancel", &transition_key, out),
                }
            }
            HandsCommand::Forget { authority, resource, operation } => {
                match self.gate.command(authority) {
                    Ok(()) => self.forget(now, &resource, operation, out),
                    Err(refusal) => self.refuse(refusal, authority, "forget", "", out),
                }
            }
            HandsCommand::Acknowledge { through } => {
                let calls = self.outbox.acknowledge(through);
                out.extend(calls.into_iter().map(|call_id| Effect::Discard { call_id }));
            }
            HandsCommand::Quorate { quorate } => self.gate.set_quorate(quorate),
            HandsCommand::GiveWay => self.give_way(out),
            HandsCommand::Policy { stop_without_brain_ms } => {
                self.without_brain.set_policy(stop_without_brain_ms);
            }
        }
    }

    fn refuse(
        &self,
        refusal: Refusal,
        authority: Authority,
        what: &str,
        transition_key: &str,
        out: &mut Vec<Effect>,
    ) {
        let highest = self.gate.highest();
        let text = match refusal {
            Refusal::Outranked => format!(
                "refused {what} under authority {authority}: {highest} has been here already"
            ),
            Refusal::Inquorate => {
                format!("refused {what}: this side has no quorum and may start nothing")
            }
        };
        out.push(Effect::Log { level: Level::Warn, resource: None, text });
        let transition_key = transition_key.to_owned();
        out.push(Effect::Report(HandsReport::Refused { authority, highest, transition_key }));
    }

    /// Everything a new DC must know: results, then what is in flight as pending.
    fn read_out(&self, authority: Authority) -> HandsReport {
        let mut records = Vec::new();
        for lane in self.lanes.values() {
            records.extend(lane.history.records());
            let running = lane.active.and_then(|token| self.running.get(&token));
            if let Some(running) = running
                && matches!(running.ending, None | Some(Ending::Late))
                && self.is_news(lane, &running.job, running.repeat)
            {
                records.push(self.pending(&running.job, running.started_wall));
            }
            let waiting = lane.queue.iter();
            let first_runs = lane.recurring.values().filter(|recurring| {
                recurring.runs == 0
                    && running.is_none_or(|r| r.job.call_id != recurring.job.call_id)
            });
            for job in waiting.chain(first_runs.map(|recurring| &recurring.job)) {
                records.push(self.pending(job, WallTime(0)));
            }
        }
        let (boot, hands) = (self.settings.boot, self.settings.hands);
        HandsReport::History { authority, boot, hands, records }
    }

    /// A repetition in flight is no news while the last result stands.
    fn is_news(&self, lane: &Lane, job: &Job, repeat: bool) -> bool {
        let operation = &job.operation;
        !repeat || lane.history.recurring(&operation.action, operation.interval_ms).is_none()
    }

    fn pending(&self, job: &Job, since: WallTime) -> OpRecord {
        let outcome = Outcome {
            status: ExecStatus::Pending,
            rc: OcfCode::Unknown.code(),
            exit_reason: String::new(),
            exec_time_ms: 0,
        };
        self.record(job, outcome, since, 0)
    }

    fn record(&self, job: &Job, outcome: Outcome, since: WallTime, queue_time_ms: u64) -> OpRecord {
        let operation = &job.operation;
        let traits = self.traits.get(&operation.agent);
        let digests = digests::digests(operation, traits.map(Arc::as_ref));
        OpRecord {
            resource: operation.resource.clone(),
            agent: operation.agent.clone(),
            action: operation.action.clone(),
            interval_ms: operation.interval_ms,
            call_id: job.call_id,
            rc: outcome.rc,
            status: outcome.status,
            exit_reason: outcome.exit_reason,
            transition_key: operation.transition_key.clone(),
            last_rc_change: since,
            exec_time_ms: outcome.exec_time_ms,
            queue_time_ms,
            op_digest: digests.all,
            restart: digests.restart,
            secure: digests.secure,
            origin: "hands".to_owned(),
        }
    }

    fn tell(&mut self, record: OpRecord, out: &mut Vec<Effect>) {
        let (report, dropped) = self.outbox.add(record);
        out.push(Effect::Report(report));
        if let Some(dropped) = dropped {
            let text = format!(
                "dropped the unacknowledged result of {}: no brain has taken results for long; \
                 the next join will read the history instead",
                dropped.key()
            );
            out.push(Effect::Log { level: Level::Error, resource: Some(dropped.resource), text });
            out.push(Effect::Discard { call_id: dropped.call_id });
        }
    }

    fn execute(&mut self, now: Now, operation: Arc<Operation>, out: &mut Vec<Effect>) {
        let resource = operation.resource.clone();
        match self.adopt(&operation) {
            Adoption::New => {}
            Adoption::InFlight => {
                let text = format!("{} is under way already and adopted", operation.key());
                out.push(Effect::Log { level: Level::Info, resource: Some(resource), text });
                return;
            }
            Adoption::Done(record) => {
                let text = format!("{} was done already; telling its result", operation.key());
                out.push(Effect::Log { level: Level::Info, resource: Some(resource), text });
                self.tell(*record, out);
                return;
            }
        }
        let call_id = self.next_call;
        self.next_call += 1;
        self.arrivals += 1;
        let job = Job {
            call_id,
            queued_at: now.at,
            not_before: now.at + operation.start_delay_ms,
            arrival: self.arrivals,
            operation,
        };
        if job.operation.interval_ms > 0 {
            self.begin_recurring(now, job, out);
        } else {
            self.enqueue(now, job, out);
        }
        self.reindex(&resource);
    }

    fn adopt(&self, operation: &Operation) -> Adoption {
        let Some(lane) = self.lanes.get(&operation.resource) else { return Adoption::New };
        let key = &operation.transition_key;
        if operation.interval_ms > 0 {
            let known = lane
                .recurring
                .get(&(operation.action.clone(), operation.interval_ms))
                .filter(|recurring| recurring.job.operation.transition_key == *key);
            return match known {
                None => Adoption::New,
                Some(_) => match lane.history.recurring(&operation.action, operation.interval_ms) {
                    Some(record) => Adoption::Done(Box::new(record.clone())),
                    None => Adoption::InFlight,
                },
            };
        }
        let running = lane.active.and_then(|token| self.running.get(&token));
        let in_flight = running
            .filter(|running| running.ending != Some(Ending::Cancelled(None)))
            .map(|running| &running.job)
            .into_iter()
            .chain(&lane.queue)
            .any(|job| job.operation.transition_key == *key);
        if in_flight {
            return Adoption::InFlight;
        }
        match lane.history.answer(key) {
            Some(record) => Adoption::Done(Box::new(record.clone())),
            None => Adoption::New,
        }
    }

    /// Queues what runs once. What changes a resource's state first ends its recurring
    /// operations: they would look at the old state, and hold up the change.
    fn enqueue(&mut self, now: Now, job: Job, out: &mut Vec<Effect>) {
        let operation = Arc::clone(&job.operation);
        let lane = self.lanes.entry(operation.resource.clone()).or_default();
        if lane.queue.len() >= QUEUE_MAX {
            let outcome = Outcome {
                status: ExecStatus::Invalid,
                rc: OcfCode::UnknownError.code(),
                exit_reason: format!(
                    "{QUEUE_MAX} operations wait for this resource already; its agent hangs"
                ),
                exec_time_ms: 0,
            };
            let record = self.record(&job, outcome, now.wall, 0);
            self.tell(record, out);
            return;
        }
        if !matches!(operation.action.as_str(), "monitor" | "notify") {
            lane.recurring.clear();
            if let Some(token) = lane.active {
                self.end_if_recurring(now, token, None, out);
            }
        }
        if let Some(lane) = self.lanes.get_mut(&operation.resource) {
            lane.queue.push_back(job);
        }
    }

    fn begin_recurring(&mut self, now: Now, job: Job, out: &mut Vec<Effect>) {
        let key: OpKey = (job.operation.action.clone(), job.operation.interval_ms);
        let lane = self.lanes.entry(job.operation.resource.clone()).or_default();
        let next_at = job.not_before;
        lane.history.cancelled(&key.0, key.1);
        let former = lane.recurring.insert(key, Recurring { job, next_at, told: None, runs: 0 });
        let active = lane.active;
        if let (Some(former), Some(token)) = (former, active)
            && self.running.get(&token).is_some_and(|r| r.job.call_id == former.job.call_id)
        {
            self.end_if_recurring(now, token, None, out);
        }
    }

    /// Kills a run of a recurring operation; anything else in flight is left to finish.
    fn end_if_recurring(
        &mut self,
        now: Now,
        token: Token,
        transition_key: Option<String>,
        out: &mut Vec<Effect>,
    ) -> bool {
        let Some(running) = self.running.get_mut(&token) else { return false };
        if running.job.operation.interval_ms == 0 || running.ending.is_some() {
            return false;
        }
        running.ending = Some(Ending::Cancelled(transition_key));
        running.deadline = now.at;
        out.push(Effect::Kill { token });
        true
    }

    fn cancel(
        &mut self,
        now: Now,
        resource: &ResourceId,
        key: OpKey,
        transition_key: String,
        out: &mut Vec<Effect>,
    ) {
        let removed = self.lanes.get_mut(resource).and_then(|lane| {
            lane.history.cancelled(&key.0, key.1);
            lane.recurring.remove(&key).map(|recurring| (recurring.job, lane.active))
        });
        let job = match removed {
            Some((job, active)) => {
                let running = active.filter(|token| {
                    self.running.get(token).is_some_and(|r| r.job.call_id == job.call_id)
                });
                if let Some(token) = running
                    && self.end_if_recurring(now, token, Some(transition_key.clone()), out)
                {
                    return;
                }
                job
            }
            None => unknown_job(now, resource, key),
        };
        self.tell_cancelled(now, &job, transition_key, out);
        self.reindex(resource);
    }

    fn tell_cancelled(
        &mut self,
        now: Now,
        job: &Job,
        transition_key: String,
        out: &mut Vec<Effect>,
    ) {
        let outcome = Outcome {
            status: ExecStatus::Cancelled,
            rc: OcfCode::Ok.code(),
            exit_reason: String::new(),
            exec_time_ms: 0,
        };
        let mut record = self.record(job, outcome, now.wall, 0);
        record.transition_key = transition_key;
        self.tell(record, out);
    }

    fn forget(
        &mut self,
        now: Now,
        resource: &ResourceId,
        operation: Option<OpKey>,
        out: &mut Vec<Effect>,
    ) {
        let Some(lane) = self.lanes.get_mut(resource) else { return };
        match operation {
            Some((action, interval_ms)) => {
                lane.history.forget(&action, interval_ms);
                if let Some(recurring) = lane.recurring.get_mut(&(action, interval_ms)) {
                    recurring.told = None;
                }
            }
            None => {
                lane.history = history::History::default();
                lane.recurring.clear();
                if lane.started.take().is_some() {
                    let resource = resource.clone();
                    out.push(Effect::Remember { resource, started: None });
                }
                if let Some(token) = lane.active {
                    self.end_if_recurring(now, token, None, out);
                }
            }
        }
        self.reindex(resource);
    }

    fn take_up(
        &mut self,
        now: Now,
        call_id: i64,
        operation: Arc<Operation>,
        ran_ms: u64,
        out: &mut Vec<Effect>,
    ) {
        self.next_call = self.next_call.max(call_id.saturating_add(1));
        self.arrivals += 1;
        let timeout_ms = operation.timeout_ms;
        let began = now.at - ran_ms;
        let job =
            Job { operation, call_id, queued_at: began, not_before: began, arrival: self.arrivals };
        let text = format!("took up {} (call {call_id}) of a former life", job.operation.key());
        let resource = Some(job.operation.resource.clone());
        out.push(Effect::Log { level: Level::Info, resource, text });
        // it may have ended well long ago: what became of it is heard before its time is up; while
        // the hands were away its runner kept the deadline
        let left = timeout_ms.saturating_sub(ran_ms).max(TAKING_UP_MS);
        let token = self.run(job, false, began, now.wall, now.at + left);
        if let Some(running) = self.running.get_mut(&token) {
            running.started_wall = WallTime(now.wall.0.saturating_sub_unsigned(ran_ms));
        }
        out.push(Effect::Watch { token, call_id });
    }

    /// Gives a job a token and its lane's turn.
    fn run(
        &mut self,
        job: Job,
        repeat: bool,
        started: Monotonic,
        started_wall: WallTime,
        deadline: Monotonic,
    ) -> Token {
        self.last_token += 1;
        let token = Token(self.last_token);
        let lane = self.lanes.entry(job.operation.resource.clone()).or_default();
        lane.active = Some(token);
        lane.longest_timeout_ms = lane.longest_timeout_ms.max(job.operation.timeout_ms);
        lane.latest = Some(Arc::clone(&job.operation));
        self.repeats_running += usize::from(repeat);
        let resource = job.operation.resource.clone();
        let running = Running { job, repeat, started, started_wall, deadline, ending: None };
        self.running.insert(token, running);
        self.reindex(&resource);
        token
    }

    fn exited(&mut self, now: Now, token: Token, outcome: Outcome, out: &mut Vec<Effect>) {
        let Some(running) = self.running.remove(&token) else {
            let text = format!("a process ended long after its time was up (token {})", token.0);
            out.push(Effect::Log { level: Level::Warn, resource: None, text });
            return;
        };
        self.repeats_running -= usize::from(running.repeat);
        let resource = running.job.operation.resource.clone();
        if let Some(lane) = self.lanes.get_mut(&resource)
            && lane.active == Some(token)
        {
            lane.active = None;
        }
        match running.ending.clone() {
            Some(Ending::Cancelled(Some(key))) => self.tell_cancelled(now, &running.job, key, out),
            Some(Ending::Cancelled(None)) => {}
            Some(Ending::Late) if outcome.status != ExecStatus::Timeout => {
                let timeout_ms = running.job.operation.timeout_ms;
                let late = timed_out(timeout_ms, outcome.exec_time_ms.max(timeout_ms));
                self.finish(now, running, late, out);
            }
            Some(Ending::Late) | None => self.finish(now, running, outcome, out),
        }
        self.reindex(&resource);
    }

    /// Enters a result and tells it where it is news.
    fn finish(&mut self, now: Now, running: Running, outcome: Outcome, out: &mut Vec<Effect>) {
        let queue_time_ms = running.started.since(running.job.queued_at);
        let mut record = self.record(&running.job, outcome, running.started_wall, queue_time_ms);
        let operation = &running.job.operation;
        let failed = record.is_unexpected();
        let level = if failed { Level::Warn } else { Level::Info };
        let Some(lane) = self.lanes.get_mut(&operation.resource) else { return };
        self.arrivals += 1;
        let news = if operation.interval_ms > 0 {
            let key = (operation.action.clone(), operation.interval_ms);
            let recurring =
                lane.recurring.get_mut(&key).filter(|r| r.job.call_id == running.job.call_id);
            let Some(recurring) = recurring else { return };
            if let Some(former) = lane.history.recurring(&key.0, key.1)
                && (former.status, former.rc) == (record.status, record.rc)
            {
                record.last_rc_change = former.last_rc_change;
            }
            recurring.runs += 1;
            recurring.next_at = now.at + pause_ms(operation, recurring.runs);
            let result = (record.status, record.rc);
            let news = recurring.told != Some(result) || (failed && self.settings.repeat_failures);
            recurring.told = Some(result);
            news
        } else {
            true
        };
        if lane.learn(operation, &record, self.arrivals) {
            let (resource, started) = (operation.resource.clone(), lane.started.clone());
            out.push(Effect::Remember { resource, started });
        }
        lane.history.add(&record);
        if news {
            let text = describe(&record);
            let resource = Some(operation.resource.clone());
            out.push(Effect::Log { level, resource, text });
            self.tell(record, out);
        }
    }

    /// Ends what is late, and gives up on what does not die.
    fn expire(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut stuck = Vec::new();
        for (token, running) in &mut self.running {
            match running.ending {
                None if running.deadline <= now.at => {
                    running.ending = Some(Ending::Late);
                    out.push(Effect::Kill { token: *token });
                }
                Some(_) if running.deadline + STUCK_MS <= now.at => stuck.push(*token),
                None | Some(_) => {}
            }
        }
        for token in stuck {
            let Some(running) = self.running.get(&token) else { continue };
            let operation = Arc::clone(&running.job.operation);
            let text = format!(
                "{} did not end {} s after it was killed; going on without it",
                operation.key(),
                STUCK_MS / 1000
            );
            let resource = Some(operation.resource.clone());
            out.push(Effect::Log { level: Level::Error, resource, text });
            let ran_ms = now.at.since(running.started);
            let mut outcome = timed_out(operation.timeout_ms, ran_ms);
            outcome.exit_reason.push_str(", and does not die");
            self.exited(now, token, outcome, out);
        }
    }

    fn may_ask(&self) -> bool {
        self.running.len() - self.repeats_running < self.settings.processes_max.max(1)
    }

    fn may_repeat(&self) -> bool {
        self.repeats_running < self.settings.processes_max.max(1)
    }

    /// Starts what is due, as far as processes are free.
    fn dispatch(&mut self, now: Now, out: &mut Vec<Effect>) {
        loop {
            let due = |(at, _, _): &&(Monotonic, u64, ResourceId)| *at <= now.at;
            let asked = self.asked.first().filter(due).filter(|_| self.may_ask());
            let next =
                asked.or_else(|| self.repeats.first().filter(due).filter(|_| self.may_repeat()));
            let Some((_, _, resource)) = next.cloned() else { return };
            let Some(lane) = self.lanes.get_mut(&resource) else { return };
            let repeat = lane.indexed.is_some_and(|wish| wish.repeat);
            let Some(turn) = lane.take_turn() else { return };
            let (Turn::Once(mut job) | Turn::Repeat(mut job)) = turn;
            job.operation = lane.with_start_parameters(&job.operation);
            let (call_id, operation) = (job.call_id, Arc::clone(&job.operation));
            let deadline = now.at + operation.timeout_ms.max(1);
            let token = self.run(job, repeat, now.at, now.wall, deadline);
            if !repeat {
                let text = format!("running {} (call {call_id})", operation.key());
                out.push(Effect::Log { level: Level::Info, resource: Some(resource), text });
            }
            out.push(Effect::Spawn { token, call_id, operation });
        }
    }

    /// Brings the index up to date with one lane, and drops a lane of which nothing is left.
    fn reindex(&mut self, resource: &ResourceId) {
        let Some(lane) = self.lanes.get_mut(resource) else { return };
        let wish = lane.wish();
        if lane.indexed != wish {
            if let Some(Wish { at, arrival, repeat }) = lane.indexed {
                let index = if repeat { &mut self.repeats } else { &mut self.asked };
                index.remove(&(at, arrival, resource.clone()));
            }
            if let Some(Wish { at, arrival, repeat }) = wish {
                let index = if repeat { &mut self.repeats } else { &mut self.asked };
                index.insert((at, arrival, resource.clone()));
            }
            lane.indexed = wish;
        }
        if lane.is_blank() {
            self.lanes.remove(resource);
        }
    }
}

/// What becomes of a request.
enum Adoption {
    /// It must be run.
    New,
    /// It runs or waits already.
    InFlight,
    /// It has a result.
    Done(Box<OpRecord>),
}

/// Milliseconds until a recurring operation runs again. The first pause is shortened by up to
/// half, by the resource's name, so that what was started together is not monitored together;
/// an operation with a start delay was given its place by the administrator.
fn pause_ms(operation: &Operation, runs: u64) -> u64 {
    let interval_ms = operation.interval_ms;
    if runs > 1 || operation.start_delay_ms > 0 {
        return interval_ms;
    }
    let spread =
        operation.resource.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (interval_ms - (interval_ms / 2).saturating_mul(spread % 1000) / 1000).max(1)
}

/// The result of an execution that was killed at its deadline.
pub fn timed_out(timeout_ms: u64, exec_time_ms: u64) -> Outcome {
    let allowed = model::Interval(timeout_ms);
    Outcome {
        status: ExecStatus::Timeout,
        rc: OcfCode::UnknownError.code(),
        exit_reason: format!("Resource agent did not complete within {allowed}"),
        exec_time_ms,
    }
}

/// Stands for a recurring operation nobody knows: its cancellation is answered all the same.
fn unknown_job(now: Now, resource: &ResourceId, (action, interval_ms): OpKey) -> Job {
    let operation = Arc::new(Operation {
        resource: resource.clone(),
        agent: AgentSpec { class: String::new(), provider: None, kind: String::new() },
        action,
        interval_ms,
        timeout_ms: 1,
        start_delay_ms: 0,
        parameters: BTreeMap::new(),
        transition_key: String::new(),
        node: String::new(),
    });
    Job { operation, call_id: -1, queued_at: now.at, not_before: now.at, arrival: 0 }
}

fn describe(record: &OpRecord) -> String {
    let mut text = format!(
        "{} (call {}): {} ({}) after {} ms",
        record.key(),
        record.call_id,
        if record.status == ExecStatus::Done {
            OcfCode::from_code(record.rc).text()
        } else {
            record.status.text()
        },
        record.rc,
        record.exec_time_ms
    );
    if !record.exit_reason.is_empty() {
        text.push_str(": ");
        text.push_str(&record.exit_reason);
    }
    text
}

#[cfg(test)]
mod tests;

//! Hands as the controller may rely on them: one operation at a time per resource, the same
//! transition key never twice, older authority refused, results told until acknowledged.

use std::collections::{BTreeMap, VecDeque};

use model::{
    Authority, BootId, ExecStatus, HandsCommand, HandsId, HandsReport, OpRecord, Operation,
    WallTime,
};

#[derive(Default)]
pub struct Lane {
    queue: VecDeque<(i64, Operation)>,
    /// What runs, and when it ends.
    pub running: Option<(i64, Operation, u64)>,
    /// Whether the resource is active.
    pub active: bool,
    recurring: BTreeMap<u64, (i64, Operation, Option<OpRecord>)>,
    last: Option<OpRecord>,
    last_failure: Option<OpRecord>,
    finished: Vec<OpRecord>,
}

pub struct Hands {
    pub boot: BootId,
    pub id: HandsId,
    pub highest: Authority,
    pub lanes: BTreeMap<String, Lane>,
    calls: i64,
    reports: u64,
    pub outbox: BTreeMap<u64, OpRecord>,
}

impl Hands {
    /// Makes hands that live in a boot.
    pub fn new(boot: u128, id: u128) -> Self {
        Self {
            boot: BootId(boot),
            id: HandsId(id),
            highest: Authority::default(),
            lanes: BTreeMap::new(),
            calls: 0,
            reports: 0,
            outbox: BTreeMap::new(),
        }
    }

    /// Takes a command; returns what to report at once.
    pub fn command(&mut self, now: u64, command: HandsCommand) -> Vec<HandsReport> {
        match command {
            HandsCommand::Join { authority } => {
                if (authority.generation, authority.term)
                    < (self.highest.generation, self.highest.term)
                {
                    return vec![self.refuse(authority, String::new())];
                }
                self.highest = self.highest.max(authority);
                vec![self.history(authority)]
            }
            HandsCommand::Execute { authority, operation } => {
                if authority < self.highest {
                    return vec![self.refuse(authority, operation.transition_key)];
                }
                self.highest = authority;
                self.execute(operation).into_iter().collect()
            }
            HandsCommand::Cancel { .. } => unreachable!("the small engine cancels nothing"),
            HandsCommand::Forget { authority, resource, .. } => {
                if authority < self.highest {
                    return vec![self.refuse(authority, String::new())];
                }
                self.highest = authority;
                if let Some(lane) = self.lanes.get_mut(resource.as_str()) {
                    lane.last = None;
                    lane.last_failure = None;
                    lane.finished.clear();
                    lane.recurring.clear();
                    if lane.running.as_ref().is_some_and(|(_, o, _)| o.interval_ms > 0) {
                        lane.running = None;
                    }
                }
                Vec::new()
            }
            HandsCommand::Acknowledge { through } => {
                self.outbox.retain(|report, _| *report > through);
                Vec::new()
            }
            HandsCommand::Quorate { .. } | HandsCommand::Policy { .. } | HandsCommand::GiveWay => {
                unreachable!("not the controller's, at {now}")
            }
        }
    }

    fn refuse(&self, authority: Authority, transition_key: String) -> HandsReport {
        HandsReport::Refused { authority, highest: self.highest, transition_key }
    }

    fn execute(&mut self, operation: Operation) -> Option<HandsReport> {
        let lane = self.lanes.entry(operation.resource.as_str().to_owned()).or_default();
        let key = &operation.transition_key;
        let running = lane.running.iter().map(|(_, o, _)| o);
        if running.chain(lane.queue.iter().map(|(_, o)| o)).any(|o| o.transition_key == *key) {
            return None;
        }
        let known = lane.recurring.values().filter_map(|(_, _, record)| record.as_ref());
        if let Some(record) =
            known.chain(&lane.finished).find(|record| record.transition_key == *key)
        {
            let record = record.clone();
            return Some(self.tell(record));
        }
        self.calls += 1;
        if operation.action != "monitor" {
            lane.recurring.clear();
            lane.queue.retain(|(_, o)| o.interval_ms == 0);
            if lane.running.as_ref().is_some_and(|(_, o, _)| o.interval_ms > 0) {
                lane.running = None;
            }
        }
        if operation.interval_ms > 0 {
            lane.queue.retain(|(_, o)| o.interval_ms != operation.interval_ms);
            let entry = (self.calls, operation.clone(), None);
            lane.recurring.insert(operation.interval_ms, entry);
        }
        lane.queue.push_back((self.calls, operation));
        None
    }

    /// Returns the next operation of a resource that may begin now.
    pub fn begin(&mut self, resource: &str, ends: impl FnOnce() -> u64) -> Option<Operation> {
        let lane = self.lanes.get_mut(resource)?;
        if lane.running.is_some() {
            return None;
        }
        let (call, operation) = lane.queue.pop_front()?;
        lane.running = Some((call, operation.clone(), ends()));
        Some(operation)
    }

    /// Ends what is due; returns what to report.
    pub fn end_due(
        &mut self,
        now: u64,
        mut fails: impl FnMut(&Operation) -> bool,
    ) -> Vec<HandsReport> {
        let mut ended = Vec::new();
        for lane in self.lanes.values_mut() {
            if lane.running.as_ref().is_none_or(|(_, _, ends)| *ends > now) {
                continue;
            }
            let Some((call, operation, _)) = lane.running.take() else { continue };
            let rc = match operation.action.as_str() {
                "start" if fails(&operation) => 1,
                "start" => {
                    lane.active = true;
                    0
                }
                "stop" => {
                    lane.active = false;
                    0
                }
                _ if lane.active => 0,
                _ => 7,
            };
            let record = done(now, call, &operation, rc);
            lane.note(&record);
            ended.push(record);
        }
        ended.into_iter().map(|record| self.tell(record)).collect()
    }

    /// A resource dies; its monitor notices.
    pub fn kill(&mut self, now: u64, resource: &str) -> Option<HandsReport> {
        let lane = self.lanes.get_mut(resource)?;
        let (call, operation, told) = lane.recurring.values().next()?.clone();
        if !lane.active || told.is_none_or(|record| record.rc != 0) {
            return None;
        }
        lane.active = false;
        let record = done(now, call, &operation, 7);
        lane.note(&record);
        Some(self.tell(record))
    }

    fn tell(&mut self, record: OpRecord) -> HandsReport {
        self.reports += 1;
        self.outbox.insert(self.reports, record.clone());
        HandsReport::Result { report: self.reports, record }
    }

    fn history(&self, authority: Authority) -> HandsReport {
        let mut records = Vec::new();
        for lane in self.lanes.values() {
            records.extend(lane.last.iter().chain(&lane.last_failure).cloned());
            records.extend(lane.recurring.values().filter_map(|(_, _, record)| record.clone()));
            let running = lane.running.iter().map(|(call, o, _)| (call, o));
            for (call, operation) in running.chain(lane.queue.iter().map(|(call, o)| (call, o))) {
                let record = done(0, *call, operation, 193);
                records.push(OpRecord { status: ExecStatus::Pending, ..record });
            }
        }
        HandsReport::History { authority, boot: self.boot, hands: self.id, records }
    }
}

impl Lane {
    fn note(&mut self, record: &OpRecord) {
        let target: i32 =
            record.transition_key.split(':').nth(2).and_then(|n| n.parse().ok()).unwrap_or(0);
        if record.rc != target {
            self.last_failure = Some(record.clone());
        }
        if record.interval_ms > 0 {
            if let Some((_, _, told)) = self.recurring.get_mut(&record.interval_ms) {
                *told = Some(record.clone());
            }
        } else {
            self.last = Some(record.clone());
            self.finished.push(record.clone());
        }
    }
}

fn done(now: u64, call_id: i64, operation: &Operation, rc: i32) -> OpRecord {
    OpRecord {
        resource: operation.resource.clone(),
        agent: operation.agent.clone(),
        action: operation.action.clone(),
        interval_ms: operation.interval_ms,
        call_id,
        rc,
        status: ExecStatus::Done,
        exit_reason: String::new(),
        transition_key: operation.transition_key.clone(),
        last_rc_change: WallTime(i64::try_from(now).unwrap_or(0)),
        exec_time_ms: 1,
        queue_time_ms: 0,
        op_digest: String::new(),
        restart: None,
        secure: None,
        origin: "test".into(),
    }
}

//! One resource on this node: what waits, what recurs, what runs, and what it came to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::{AgentSpec, ExecStatus, Monotonic, OcfCode, OpRecord, Operation};

use super::Token;
use super::history::History;

/// Operations that may wait for one resource. A plan sends a handful of actions per resource
/// and node; 64 means that plan after plan arrives while one agent hangs.
pub(crate) const QUEUE_MAX: usize = 64;

/// An action and its interval: what names a recurring operation of a resource.
pub(crate) type OpKey = (String, u64);

/// An operation that waits for its turn.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) operation: Arc<Operation>,
    pub(crate) call_id: i64,
    pub(crate) queued_at: Monotonic,
    pub(crate) not_before: Monotonic,
    pub(crate) arrival: u64,
}

/// An operation that is repeated.
#[derive(Clone, Debug)]
pub(crate) struct Recurring {
    pub(crate) job: Job,
    pub(crate) next_at: Monotonic,
    /// What the brain was told last.
    pub(crate) told: Option<(ExecStatus, i32)>,
    pub(crate) runs: u64,
}

/// With what a resource was started: what its stop must use, whatever the document says by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The agent that started it.
    pub agent: AgentSpec,
    /// Its parameters, without meta attributes.
    pub parameters: BTreeMap<String, String>,
}

/// What is known of the resource itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Activity {
    #[default]
    Inactive,
    /// Perhaps active: what is not known to be stopped counts as running.
    Active,
    Promoted,
}

/// When a lane wants a process, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) at: Monotonic,
    pub(crate) arrival: u64,
    /// A repetition, as opposed to something the brain waits for.
    pub(crate) repeat: bool,
}

/// Everything about one resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Job>,
    pub(crate) recurring: BTreeMap<OpKey, Recurring>,
    pub(crate) active: Option<Token>,
    pub(crate) history: History,
    pub(crate) started: Option<Started>,
    pub(crate) activity: Activity,
    /// Order in which resources became active; stops without a brain go the other way.
    pub(crate) activated: u64,
    /// The last operation that ran: a model for a stop nobody asked for.
    pub(crate) latest: Option<Arc<Operation>>,
    pub(crate) longest_timeout_ms: u64,
    /// The wish that stands in the index.
    pub(crate) indexed: Option<Wish>,
}

/// What runs next.
pub(crate) enum Turn {
    Once(Job),
    Repeat(Job),
}

impl Lane {
    /// Tells when this lane wants a process next. What was asked for goes before repetitions.
    pub(crate) fn wish(&self) -> Option<Wish> {
        if self.active.is_some() {
            return None;
        }
        if let Some(job) = self.queue.front() {
            return Some(Wish { at: job.not_before, arrival: job.arrival, repeat: false });
        }
        self.next_recurring().map(|recurring| Wish {
            at: recurring.next_at,
            arrival: recurring.job.arrival,
            repeat: recurring.runs > 0,
        })
    }

    /// Takes what the wish was for.
    pub(crate) fn take_turn(&mut self) -> Option<Turn> {
        if let Some(job) = self.queue.pop_front() {
            return Some(Turn::Once(job));
        }
        self.next_recurring().map(|recurring| {
            let mut job = recurring.job.clone();
            job.queued_at = recurring.next_at;
            Turn::Repeat(job)
        })
    }

    fn next_recurring(&self) -> Option<&Recurring> {
        self.recurring.values().min_by_key(|recurring| (recurring.next_at, recurring.job.arrival))
    }

    /// Returns what a stop must be given: the parameters the resource was started with.
    pub(crate) fn with_start_parameters(&self, operation: &Arc<Operation>) -> Arc<Operation> {
        let Some(started) = self.started.as_ref().filter(|_| operation.action == "stop") else {
            return Arc::clone(operation);
        };
        if started.agent != operation.agent {
            return Arc::clone(operation);
        }
        let mut replaced = (**operation).clone();
        replaced.parameters.retain(|name, _| is_meta(name));
        replaced
            .parameters
            .extend(started.parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
        Arc::new(replaced)
    }

    /// Learns from a result what the resource does now. Returns whether the parameters to
    /// remember for its stop have changed.
    pub(crate) fn learn(&mut self, operation: &Operation, record: &OpRecord, order: u64) -> bool {
        let ran = record.status == ExecStatus::Done;
        let code = OcfCode::from_code(record.rc);
        let was = self.activity;
        self.activity = match (record.action.as_str(), code) {
            (_, _) if record.status == ExecStatus::NotInstalled => was,
            ("monitor", OcfCode::Ok | OcfCode::Degraded) if ran => Activity::Active,
            ("monitor", OcfCode::RunningPromoted | OcfCode::DegradedPromoted) if ran => {
                Activity::Promoted
            }
            ("monitor", OcfCode::NotRunning) if ran => Activity::Inactive,
            ("stop", OcfCode::Ok) if ran => Activity::Inactive,
            ("promote", OcfCode::Ok) if ran => Activity::Promoted,
            ("demote", OcfCode::Ok) if ran => Activity::Active,
            ("promote", _) => Activity::Promoted,
            ("start" | "migrate_from", _) => Activity::Active,
            _ => was,
        };
        if was == Activity::Inactive && self.activity != Activity::Inactive {
            self.activated = order;
        }
        if record.is_unexpected() && !matches!(record.action.as_str(), "start" | "migrate_from") {
            return false;
        }
        match record.action.as_str() {
            // Also a failed start: half of it may be there, and must be stopped as it was begun.
            "start" | "migrate_from" | "reload" | "reload-agent" => {}
            "monitor" if record.interval_ms == 0 && self.activity != Activity::Inactive => {}
            "stop" if self.activity == Activity::Inactive => {
                return self.started.take().is_some();
            }
            _ => return false,
        }
        let started = Started {
            agent: operation.agent.clone(),
            parameters: operation
                .parameters
                .iter()
                .filter(|(name, _)| !is_meta(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        };
        let changed = self.started.as_ref() != Some(&started);
        self.started = Some(started);
        changed
    }

    /// Tells whether nothing is left to know about this resource.
    pub(crate) fn is_blank(&self) -> bool {
        self.queue.is_empty()
            && self.recurring.is_empty()
            && self.active.is_none()
            && self.history.is_empty()
            && self.started.is_none()
            && self.activity == Activity::Inactive
    }
}

fn is_meta(name: &str) -> bool {
    name.starts_with("CRM_meta_") || name == "crm_feature_set"
}

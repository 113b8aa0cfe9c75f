//! What the hands do on their own when no brain comes back: stop what they run, in the reverse
//! order of its start, where the policy says so (fencing is off). The same when the brain says
//! that its log is void, since another one has started these resources elsewhere.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Authority, Monotonic, Operation, ResourceId};

use super::lane::{Activity, Job};
use super::{Effect, Hands, Level, Now};

/// Milliseconds a stop may take that nobody configured; Pacemaker's default action timeout.
const STOP_TIMEOUT_MS: u64 = 20_000;

/// Expected return code 0, and a plan that never was.
const TRANSITION_KEY: &str = "0:0:0:00000000-0000-0000-0000-000000000000";

/// Whether a brain is there, since when not, and what is to be stopped for that.
#[derive(Clone, Debug, Default)]
pub(super) struct WithoutBrain {
    policy_ms: Option<u64>,
    /// Since when no brain is there; `None` while one is, and before the first.
    lost_at: Option<Monotonic>,
    /// Set once stopping has begun.
    stopping: Option<VecDeque<(ResourceId, Stage)>>,
    /// It has begun since the log is void, and nobody has joined these hands since.
    gives_way: bool,
    /// A join that is answered when all has stopped.
    waiting: Option<Authority>,
}

/// How far the stop of one resource has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Untouched,
    Demoted,
    Stopped,
}

impl WithoutBrain {
    pub(super) fn connected(&mut self) {
        self.lost_at = None;
        if !self.gives_way {
            self.stopping = None;
        }
        // who asked is gone, and whoever is there asks anew
        self.waiting = None;
    }

    /// Tells whether what runs is being stopped because the log is void.
    pub(super) fn gives_way(&self) -> bool {
        self.gives_way
    }

    /// Notes a join to be answered when all has stopped.
    pub(super) fn answer_later(&mut self, authority: Authority) {
        self.waiting = self.waiting.max(Some(authority));
    }

    pub(super) fn disconnected(&mut self, now: Monotonic) {
        self.lost_at.get_or_insert(now);
    }

    pub(super) fn set_policy(&mut self, stop_without_brain_ms: Option<u64>) {
        self.policy_ms = stop_without_brain_ms;
    }

    /// Tells when stopping begins, while it has not.
    pub(super) fn due(&self) -> Option<Monotonic> {
        if self.stopping.is_some() {
            return None;
        }
        Some(self.lost_at? + self.policy_ms?)
    }
}

impl Hands {
    /// The log is void: stops everything, and takes commands of whoever comes next.
    pub(super) fn give_way(&mut self, out: &mut Vec<Effect>) {
        self.gate.begin_anew();
        if !self.without_brain.gives_way {
            self.without_brain.gives_way = true;
            let why = "another part of the cluster has won";
            self.begin_stopping(why, out);
        }
    }

    /// Answers the join that waited for all to stop.
    pub(super) fn answer_when_empty(&mut self, out: &mut Vec<Effect>) {
        let stopping = self.without_brain.stopping.as_ref().is_some_and(|left| !left.is_empty());
        if !self.without_brain.gives_way || stopping {
            return;
        }
        if let Some(authority) = self.without_brain.waiting.take() {
            self.without_brain.gives_way = false;
            self.without_brain.stopping = None;
            out.push(Effect::Report(self.read_out(authority)));
        }
    }

    /// Begins to stop everything when its time has come, and goes on with it one by one.
    pub(super) fn stop_without_brain(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.without_brain.due().is_some_and(|due| due <= now.at) {
            let policy_ms = self.without_brain.policy_ms.unwrap_or_default();
            let why = format!("no brain for {policy_ms} ms and fencing is off");
            self.begin_stopping(&why, out);
        }
        let Some(mut stopping) = self.without_brain.stopping.take() else { return };
        while let Some((resource, stage)) = stopping.front_mut() {
            let Some(lane) = self.lanes.get(resource) else {
                stopping.pop_front();
                continue;
            };
            if lane.active.is_some() || !lane.queue.is_empty() {
                break;
            }
            if lane.activity == Activity::Inactive || *stage == Stage::Stopped {
                stopping.pop_front();
                continue;
            }
            let action = if lane.activity == Activity::Promoted && *stage == Stage::Untouched {
                *stage = Stage::Demoted;
                "demote"
            } else {
                *stage = Stage::Stopped;
                "stop"
            };
            let resource = resource.clone();
            self.stop_alone(now, &resource, action, out);
        }
        self.without_brain.stopping = Some(stopping);
    }

    fn begin_stopping(&mut self, why: &str, out: &mut Vec<Effect>) {
        let mut active: Vec<(u64, ResourceId)> = Vec::new();
        for (resource, lane) in &mut self.lanes {
            // What has not begun will not begin: nobody is there to say that it still may.
            lane.queue.retain(|job| matches!(job.operation.action.as_str(), "stop" | "demote"));
            let runs = lane.active.is_some() || !lane.queue.is_empty();
            if lane.activity != Activity::Inactive || runs {
                active.push((lane.activated, resource.clone()));
            }
        }
        active.sort_by(|a, b| b.cmp(a));
        let names: Vec<ResourceId> = active.into_iter().map(|(_, resource)| resource).collect();
        for resource in &names {
            self.reindex(resource);
        }
        if !names.is_empty() {
            let text = format!("{why}: stopping {} resources", names.len());
            out.push(Effect::Log { level: Level::Error, resource: None, text });
        }
        let untouched = names.into_iter().map(|resource| (resource, Stage::Untouched));
        self.without_brain.stopping = Some(untouched.collect());
    }

    fn stop_alone(&mut self, now: Now, resource: &ResourceId, action: &str, out: &mut Vec<Effect>) {
        let Some(lane) = self.lanes.get(resource) else { return };
        let Some(latest) = &lane.latest else { return };
        let timeout_ms = lane.longest_timeout_ms.max(STOP_TIMEOUT_MS);
        let mut parameters = latest.parameters.clone();
        parameters.insert("CRM_meta_timeout".to_owned(), timeout_ms.to_string());
        parameters.insert("CRM_meta_name".to_owned(), action.to_owned());
        parameters.remove("CRM_meta_interval");
        let operation = Arc::new(Operation {
            action: action.to_owned(),
            interval_ms: 0,
            timeout_ms,
            start_delay_ms: 0,
            parameters,
            transition_key: TRANSITION_KEY.to_owned(),
            ..(**latest).clone()
        });
        let call_id = self.next_call;
        self.next_call += 1;
        self.arrivals += 1;
        let job = Job {
            operation,
            call_id,
            queued_at: now.at,
            not_before: now.at,
            arrival: self.arrivals,
        };
        self.enqueue(now, job, out);
        self.reindex(resource);
    }
}

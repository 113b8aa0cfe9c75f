//! When a plan is made: what makes one necessary, how long changes are gathered, which answers
//! of the engine still count.

use std::collections::BTreeMap;
use std::sync::Arc;

use cib::Element;
use model::{Monotonic, WallTime};

use super::carrying::Transition;
use super::controller::{Controller, OperationKey};
use super::graph::{ActionKind, GraphAction, TransitionGraph};
use super::interface::{Effect, Now, Severity};
use super::journal::What;
use super::runner::ABORT_ALL;

/// Changes are gathered this long before a plan is made for them, so that a thousand of them cost
/// few plans; too short for anybody to notice.
const GATHER_MS: u64 = 5;

/// Answers that changes have overtaken are thrown away for at most this long; then one is carried
/// out all the same, as if it had come before the change, so that steady changes cannot keep
/// anything from ever being done.
const OVERTAKEN_MS: u64 = 1_000;

/// The engine's time limit lies with its shell; this catches an answer that never comes.
const ANSWER_MS: u64 = 120_000;

/// The engine may have failed for want of memory or time, not for its input: it is asked again
/// after this long, then after twice as long, and so on up to the recheck interval.
const ASK_AGAIN_MS: u64 = 15_000;

/// Reasons kept for the journal; the rest is counted by the last of them.
const REASONS_MAX: usize = 8;

/// Actions named in the journal; the saved input has them all.
const ACTIONS_MAX: usize = 40;

/// How soon a plan is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// At once: a recovery must not wait, and the older plan must not be carried out any more.
    Now,
    /// When what comes with it has been gathered.
    Soon,
}

/// Where the making of plans stands.
#[derive(Clone, Debug)]
pub(super) enum Planning {
    /// Nothing is wanted.
    Idle,
    /// A plan is wanted.
    Wanted(Wanted),
    /// The engine was asked.
    Asked(Asked),
}

#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// When the engine is asked.
    due: Monotonic,
    /// When the first of these changes came.
    first: Monotonic,
    reasons: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    plan: u64,
    document: Arc<Element>,
    wall: WallTime,
    at: Monotonic,
    first: Monotonic,
    reasons: Vec<String>,
    /// What came meanwhile.
    overtaken: Vec<String>,
    /// Some of that is such that the answer must not be carried out.
    void: bool,
    /// Results that came meanwhile: whether they were as wanted.
    pub(super) settled: BTreeMap<OperationKey, bool>,
}

impl Controller {
    /// Notes that a plan is needed. What the current one has not begun yet is not begun.
    pub(super) fn want_plan(&mut self, now: Now, urgency: Urgency, reason: String) {
        if !self.decides() {
            return;
        }
        if let Some(transition) = &mut self.transition {
            transition.runner.abort(ABORT_ALL, reason.clone());
        }
        let due = match urgency {
            Urgency::Now => now.monotonic,
            Urgency::Soon => now.monotonic + GATHER_MS,
        };
        match &mut self.planning {
            Planning::Idle => {
                let (first, reasons) = (now.monotonic, vec![reason]);
                self.planning = Planning::Wanted(Wanted { due, first, reasons });
            }
            Planning::Wanted(wanted) => {
                wanted.due = wanted.due.min(due);
                add(&mut wanted.reasons, reason);
            }
            Planning::Asked(asked) => {
                asked.void |= urgency == Urgency::Now;
                add(&mut asked.overtaken, reason);
            }
        }
    }

    pub(super) fn planning_deadline(&self) -> Option<Monotonic> {
        let wanted = match &self.planning {
            Planning::Idle => None,
            // before the members have answered, other deadlines say when to look again
            Planning::Wanted(_) if !self.may_plan(Monotonic(u64::MAX)) => None,
            Planning::Wanted(wanted) => {
                Some(wanted.due.max(self.first_plan_at().unwrap_or_default()))
            }
            Planning::Asked(asked) => Some(asked.at + ANSWER_MS),
        };
        wanted.into_iter().chain(self.recheck_at).min()
    }

    fn may_plan(&self, at: Monotonic) -> bool {
        self.config.is_some()
            && self.all_answered()
            && self.first_plan_at().is_none_or(|until| at >= until)
    }

    /// Asks the engine if that is due.
    pub(super) fn ask_for_plan(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.recheck_at.is_some_and(|at| now.monotonic >= at) {
            self.recheck_at = None;
            self.want_plan(now, Urgency::Soon, "rules and expiries are checked again".to_owned());
        }
        if let Planning::Asked(asked) = &self.planning
            && now.monotonic >= asked.at + ANSWER_MS
        {
            let (plan, reason) = (asked.plan, "the policy engine did not answer".to_owned());
            self.plan_failed(now, plan, reason, out);
        }
        let ready = self.may_plan(now.monotonic);
        let Planning::Wanted(wanted) = &mut self.planning else { return };
        if !ready || wanted.due > now.monotonic {
            return;
        }
        let (first, reasons) = (wanted.first, std::mem::take(&mut wanted.reasons));
        let Some(document) = self.planning_document() else { return };
        self.plan_number += 1;
        let plan = self.plan_number;
        self.planning = Planning::Asked(Asked {
            plan,
            document: Arc::clone(&document),
            wall: now.wall,
            at: now.monotonic,
            first,
            reasons,
            overtaken: Vec::new(),
            void: false,
            settled: BTreeMap::new(),
        });
        out.push(Effect::Plan { plan, document, now: now.wall });
    }

    /// Returns the configuration with the status section; both are shared, not copied.
    fn planning_document(&self) -> Option<Arc<Element>> {
        let mut document = Element::clone(self.config.as_ref()?);
        document.retain_children(|child| child.name() != "status");
        document.push(self.status_for_planning());
        document.set("have-quorum", if self.view.quorate { "1" } else { "0" });
        document.set("dc-uuid", self.identity.me.to_string());
        Some(Arc::new(document))
    }

    /// Takes the engine's answer, if it still counts, and begins to carry it out.
    pub(super) fn planned(
        &mut self,
        now: Now,
        plan: u64,
        graph: &Element,
        severity: Severity,
        remarks: Vec<String>,
        out: &mut Vec<Effect>,
    ) {
        let graph = match TransitionGraph::from_xml(graph) {
            Ok(graph) => graph,
            Err(error) => {
                self.plan_failed(now, plan, format!("its graph is unusable: {error}"), out);
                return;
            }
        };
        let Some(asked) = self.answered(plan) else { return };
        let (document, wall) = (Arc::clone(&asked.document), asked.wall);
        out.push(Effect::SaveInput { plan, severity, document, now: wall });
        self.plan_failure = None;
        self.plan_failures = 0;
        self.remarks = remarks;
        let mut overtaken = asked.overtaken;
        let unforeseen = unforeseen(&asked.settled, &graph);
        if unforeseen > 0 {
            overtaken.push(format!("{unforeseen} operations ended while it was made"));
        }
        let patient = now.monotonic.since(asked.first) < OVERTAKEN_MS;
        if asked.void || (!overtaken.is_empty() && patient) {
            let (due, first) = (now.monotonic, asked.first);
            let mut reasons = asked.reasons;
            overtaken.into_iter().for_each(|reason| add(&mut reasons, reason));
            self.planning = Planning::Wanted(Wanted { due, first, reasons });
            return;
        }
        self.planned_once = true;
        self.set_recheck(now, &graph);
        let mut actions: Vec<String> = graph
            .synapses
            .iter()
            .flat_map(|synapse| &synapse.actions)
            .filter_map(|id| graph.actions.get(id))
            .filter_map(describe)
            .collect();
        if actions.len() > ACTIONS_MAX {
            let more = actions.len() - ACTIONS_MAX;
            actions.truncate(ACTIONS_MAX);
            actions.push(format!("and {more} more"));
        }
        Self::journal(now, What::Plan { plan, reasons: asked.reasons, actions }, out);
        self.transition_number += 1;
        self.unbind_operations();
        self.transition = Some(Transition::new(plan, self.transition_number, graph, asked.settled));
        self.forget_vain_fencing();
        for reason in overtaken {
            // begin with this plan, and make another one for what it did not know
            self.carry_on(now, out);
            self.want_plan(now, Urgency::Soon, reason);
        }
    }

    /// Takes the open request with this number, leaving nothing wanted.
    fn answered(&mut self, plan: u64) -> Option<Asked> {
        match std::mem::replace(&mut self.planning, Planning::Idle) {
            Planning::Asked(asked) if asked.plan == plan => Some(asked),
            other @ (Planning::Idle | Planning::Wanted(_) | Planning::Asked(_)) => {
                self.planning = other;
                None
            }
        }
    }

    /// The engine failed: nothing is carried out until a change, or time, makes it worth asking
    /// again.
    pub(super) fn plan_failed(
        &mut self,
        now: Now,
        plan: u64,
        reason: String,
        out: &mut Vec<Effect>,
    ) {
        let Some(asked) = self.answered(plan) else { return };
        let (document, wall) = (asked.document, asked.wall);
        out.push(Effect::SaveInput { plan, severity: Severity::Error, document, now: wall });
        Self::journal(now, What::PlanFailed { plan, reason: reason.clone() }, out);
        self.plan_failure = Some(reason);
        let pause = ASK_AGAIN_MS << self.plan_failures.min(8);
        self.plan_failures += 1;
        let recheck = Some(self.options.recheck_ms).filter(|interval| *interval > 0);
        self.recheck_at = Some(now.monotonic + recheck.map_or(pause, |recheck| recheck.min(pause)));
        if !asked.overtaken.is_empty() {
            let (due, first) = (now.monotonic + GATHER_MS, now.monotonic);
            self.planning = Planning::Wanted(Wanted { due, first, reasons: asked.overtaken });
        }
    }

    /// Notes when to plan again although nothing happens: by interval, and when the engine says
    /// that something expires.
    fn set_recheck(&mut self, now: Now, graph: &TransitionGraph) {
        let interval = Some(self.options.recheck_ms).filter(|ms| *ms > 0);
        let told = graph.head_number("recheck-by").map(|secs| {
            let until = WallTime::from_secs(secs).0.saturating_sub(now.wall.0);
            // expiries are whole seconds, so a moment past them they are certain
            u64::try_from(until).unwrap_or(0).max(500) + 500
        });
        let wait = interval.into_iter().chain(told).min();
        self.recheck_at = wait.map(|ms| now.monotonic + ms);
    }

    /// Tells whether the engine is at work.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.planning, Planning::Asked(_))
    }

    /// Notes a result that came while the engine is at work.
    pub(super) fn settled_meanwhile(&mut self, key: &OperationKey, as_wanted: bool) {
        if let Planning::Asked(asked) = &mut self.planning {
            asked.settled.insert(key.clone(), as_wanted);
        }
    }
}

/// Counts results that no action of a graph waits for: it was made before they were known.
fn unforeseen(settled: &BTreeMap<OperationKey, bool>, graph: &TransitionGraph) -> usize {
    if settled.is_empty() {
        return 0;
    }
    let planned = super::carrying::planned_operations(graph);
    settled.keys().filter(|key| !planned.contains(*key)).count()
}

fn add(reasons: &mut Vec<String>, reason: String) {
    if reasons.len() < REASONS_MAX && !reasons.contains(&reason) {
        reasons.push(reason);
    }
}

/// Says an action for people; points that others wait for are left out.
pub(super) fn describe(action: &GraphAction) -> Option<String> {
    let node = action.node.as_deref().unwrap_or("?");
    match (action.kind, &action.resource) {
        (ActionKind::Pseudo, _) => None,
        (ActionKind::Resource | ActionKind::Cluster, Some(resource)) => {
            let name = resource.long_id.as_ref().unwrap_or(&resource.id);
            let what = match (action.task.as_str(), action.interval_ms()) {
                ("monitor", 0) => "probe",
                (task, _) => task,
            };
            Some(format!("{what} {name} on {node}"))
        }
        (ActionKind::Resource | ActionKind::Cluster, None) => {
            Some(format!("{} {node}", action.task))
        }
    }
}

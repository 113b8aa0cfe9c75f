//! The one graph runner: decides which actions may begin, and when a transition is over.
//!
//! The live controller and the simulator share it; only the acting side differs. Sans-io: the
//! caller tells what became of an action and carries out what may begin.

use std::collections::BTreeMap;

use super::graph::{ActionId, ActionKind, GraphAction, TransitionGraph};

/// A priority that no action of a graph reaches but those marked infinite.
pub const ABORT_ALL: i64 = 1_000_000;

/// How much may be in flight at once.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Limits {
    /// Actions in the whole cluster (`batch-limit`); none = no limit.
    pub batch: Option<usize>,
    /// Migrations to or from one node (`migration-limit`); none = no limit.
    pub migration: Option<usize>,
    /// Actions on one node, by node name (`node-action-limit` or throttling); absent = no limit.
    pub node: BTreeMap<String, usize>,
}

/// What the acting side did with an action it was handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// It runs; `confirm` or `fail` will tell.
    InFlight,
    /// It is done already (pseudo-actions, simulated ones).
    Done,
    /// It failed at once.
    Failed,
    /// It failed at once, and nothing more begins but pseudo-actions and what has the highest priority.
    FailedLast,
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// Not begun.
    Waiting,
    /// Begun, no result yet.
    InFlight,
    /// Done as planned.
    Done,
    /// Done, otherwise than planned.
    Failed,
}

/// Where a transition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something is in flight, or may begin.
    Running,
    /// Every action is done.
    Complete,
    /// Nothing is in flight and nothing more will begin: aborted, failed, or inputs missing.
    Stopped,
}

/// Why a transition was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abort {
    /// Actions of lower priority no longer begin.
    pub priority: i64,
    /// For logs and status.
    pub reason: String,
}

/// A transition in execution.
#[derive(Clone, Debug)]
pub struct Runner {
    graph: TransitionGraph,
    states: BTreeMap<ActionId, ActionState>,
    /// Per synapse: how many inputs are not satisfied yet.
    missing: Vec<usize>,
    /// Which synapses wait for an action.
    waiters: BTreeMap<ActionId, Vec<usize>>,
    /// Synapses not begun yet, in order.
    idle: Vec<usize>,
    in_flight: usize,
    in_flight_by_node: BTreeMap<String, usize>,
    migrations_by_node: BTreeMap<String, usize>,
    abort: Option<Abort>,
    /// A simulated failure ended the transition: only pseudo-actions begin, and what has the highest
    /// priority (such as what instances are told of each other's stop).
    acts_no_more: bool,
}

impl Runner {
    /// Begins the execution of a graph.
    pub fn new(graph: TransitionGraph) -> Self {
        let mut waiters: BTreeMap<ActionId, Vec<usize>> = BTreeMap::new();
        let mut missing = Vec::with_capacity(graph.synapses.len());
        for (index, synapse) in graph.synapses.iter().enumerate() {
            for input in &synapse.inputs {
                waiters.entry(*input).or_default().push(index);
            }
            missing.push(synapse.inputs.len());
        }
        Self {
            states: graph.actions.keys().map(|id| (*id, ActionState::Waiting)).collect(),
            idle: (0..graph.synapses.len()).collect(),
            missing,
            waiters,
            in_flight: 0,
            in_flight_by_node: BTreeMap::new(),
            migrations_by_node: BTreeMap::new(),
            abort: None,
            acts_no_more: false,
            graph,
        }
    }

    /// Returns the graph.
    pub fn graph(&self) -> &TransitionGraph {
        &self.graph
    }

    /// Returns one action.
    pub fn action(&self, id: ActionId) -> Option<&GraphAction> {
        self.graph.actions.get(&id)
    }

    /// Returns where an action stands.
    pub fn state(&self, id: ActionId) -> Option<ActionState> {
        self.states.get(&id).copied()
    }

    /// Returns what is in flight.
    pub fn in_flight(&self) -> impl Iterator<Item = &GraphAction> {
        self.states
            .iter()
            .filter(|(_, state)| **state == ActionState::InFlight)
            .filter_map(|(id, _)| self.graph.actions.get(id))
    }

    /// Returns how many actions are (done, in flight, waiting, failed).
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        self.states.values().fold((0, 0, 0, 0), |(d, i, w, f), state| match state {
            ActionState::Done => (d + 1, i, w, f),
            ActionState::InFlight => (d, i + 1, w, f),
            ActionState::Waiting => (d, i, w + 1, f),
            ActionState::Failed => (d, i, w, f + 1),
        })
    }

    /// Makes one pass over the graph in its order and begins what may begin; `act` is told each
    /// action and says what became of it. An action done at once lets later ones begin in the
    /// same pass. Returns how many began.
    pub fn fire(&mut self, limits: &Limits, mut act: impl FnMut(&GraphAction) -> Began) -> usize {
        let mut fired = 0;
        let idle = std::mem::take(&mut self.idle);
        let mut still_idle = Vec::with_capacity(idle.len());
        for index in idle {
            if !self.may_begin(index, limits) {
                still_idle.push(index);
                continue;
            }
            for id in self.graph.synapses[index].actions.clone() {
                let Some(action) = self.graph.actions.get(&id) else { continue };
                fired += 1;
                match act(action) {
                    Began::InFlight => self.note_in_flight(id),
                    Began::Done => self.settle(id, ActionState::Done),
                    Began::Failed => self.settle(id, ActionState::Failed),
                    Began::FailedLast => {
                        self.settle(id, ActionState::Failed);
                        self.acts_no_more = true;
                    }
                }
            }
        }
        self.idle = still_idle;
        fired
    }

    /// Makes passes until nothing more can begin at once; returns how many began.
    pub fn fire_all(
        &mut self,
        limits: &Limits,
        mut act: impl FnMut(&GraphAction) -> Began,
    ) -> usize {
        let mut total = 0;
        loop {
            let fired = self.fire(limits, &mut act);
            total += fired;
            if fired == 0 {
                return total;
            }
        }
    }

    /// Notes that an action went as planned; false when it is unknown or was settled before.
    pub fn confirm(&mut self, id: ActionId) -> bool {
        self.finish(id, ActionState::Done)
    }

    /// Notes that an action failed; what waits for it does not begin, unless its priority is
    /// infinite. The caller decides whether to abort.
    pub fn fail(&mut self, id: ActionId) -> bool {
        self.finish(id, ActionState::Failed)
    }

    /// Cuts the transition short: what has a lower priority no longer begins. The highest
    /// priority of several wins. Returns whether this changed anything.
    pub fn abort(&mut self, priority: i64, reason: impl Into<String>) -> bool {
        if self.abort.as_ref().is_some_and(|abort| abort.priority >= priority) {
            return false;
        }
        self.abort = Some(Abort { priority, reason: reason.into() });
        true
    }

    /// Returns why the transition was cut short, if it was.
    pub fn aborted(&self) -> Option<&Abort> {
        self.abort.as_ref()
    }

    /// Tells where the transition stands, given that `fire_all` was called since the last change.
    pub fn progress(&self) -> Progress {
        if self.in_flight > 0 {
            return Progress::Running;
        }
        if self.states.values().all(|state| *state == ActionState::Done) {
            return Progress::Complete;
        }
        if self.idle.iter().any(|index| self.ready(*index)) {
            Progress::Running
        } else {
            Progress::Stopped
        }
    }

    fn ready(&self, index: usize) -> bool {
        let priority = self.graph.synapses[index].priority;
        self.missing[index] == 0 && self.abort.as_ref().is_none_or(|a| priority >= a.priority)
    }

    fn may_begin(&self, index: usize, limits: &Limits) -> bool {
        if !self.ready(index) {
            return false;
        }
        let synapse = &self.graph.synapses[index];
        let mut actions = synapse.actions.iter().filter_map(|id| self.graph.actions.get(id));
        let all = !self.acts_no_more || synapse.priority >= ABORT_ALL;
        let wanted = |action: &GraphAction| all || action.kind == ActionKind::Pseudo;
        actions.all(|action| wanted(action) && self.fits(action, limits))
    }

    fn fits(&self, action: &GraphAction, limits: &Limits) -> bool {
        if action.kind == ActionKind::Pseudo {
            return true;
        }
        if limits.batch.is_some_and(|most| self.in_flight >= most) {
            return false;
        }
        if action.kind == ActionKind::Cluster {
            return true;
        }
        let Some(node) = executing_node(action) else { return true };
        let busy = self.in_flight_by_node.get(node).copied().unwrap_or(0);
        if limits.node.get(node).is_some_and(|most| busy >= *most) {
            return false;
        }
        let moving = self.migrations_by_node.get(node).copied().unwrap_or(0);
        !(migrates(action) && limits.migration.is_some_and(|most| moving >= most))
    }

    fn note_in_flight(&mut self, id: ActionId) {
        self.states.insert(id, ActionState::InFlight);
        self.in_flight += 1;
        self.count_node(id, 1);
    }

    fn finish(&mut self, id: ActionId, state: ActionState) -> bool {
        if self.states.get(&id) != Some(&ActionState::InFlight) {
            return false;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        self.count_node(id, -1);
        self.settle(id, state);
        true
    }

    fn settle(&mut self, id: ActionId, state: ActionState) {
        self.states.insert(id, state);
        for index in self.waiters.get(&id).into_iter().flatten() {
            let survives = self.graph.synapses[*index].priority >= ABORT_ALL;
            if state == ActionState::Done || survives {
                self.missing[*index] = self.missing[*index].saturating_sub(1);
            }
        }
    }

    fn count_node(&mut self, id: ActionId, change: isize) {
        let Some(action) = self.graph.actions.get(&id) else { return };
        let (Some(node), ActionKind::Resource) = (executing_node(action), action.kind) else {
            return;
        };
        let add = |map: &mut BTreeMap<String, usize>| {
            let count = map.entry(node.to_owned()).or_default();
            *count = count.saturating_add_signed(change);
        };
        add(&mut self.in_flight_by_node);
        if migrates(action) {
            add(&mut self.migrations_by_node);
        }
    }
}

fn executing_node(action: &GraphAction) -> Option<&str> {
    action.router_node.as_deref().or(action.node.as_deref())
}

fn migrates(action: &GraphAction) -> bool {
    matches!(action.task.as_str(), "migrate_to" | "migrate_from")
}

#[cfg(test)]
mod tests {
    use super::{Began, Limits, Progress, Runner};
    use crate::core::graph::{ActionId, TransitionGraph};

    /// Three actions: 1 -> 2, and 3 by itself.
    fn runner() -> Runner {
        let text = r#"<transition_graph transition_id="1">
            <synapse id="0"><action_set>
              <rsc_op id="2" operation="start" operation_key="b_start_0" on_node="n1"/>
            </action_set><inputs><trigger>
              <rsc_op id="1" operation="start" operation_key="a_start_0" on_node="n1"/>
            </trigger></inputs></synapse>
            <synapse id="1"><action_set>
              <rsc_op id="1" operation="start" operation_key="a_start_0" on_node="n1"/>
            </action_set><inputs/></synapse>
            <synapse id="2" priority="1000000"><action_set>
              <rsc_op id="3" operation="stop" operation_key="c_stop_0" on_node="n2"/>
            </action_set><inputs/></synapse>
          </transition_graph>"#;
        Runner::new(TransitionGraph::from_xml(&cib::parse(text).unwrap()).unwrap())
    }

    fn begin(runner: &mut Runner, limits: &Limits) -> Vec<u64> {
        let mut begun = Vec::new();
        runner.fire_all(limits, |action| {
            begun.push(action.id.0);
            Began::InFlight
        });
        begun
    }

    #[test]
    fn an_action_waits_for_its_inputs() {
        let mut runner = runner();
        assert_eq!(begin(&mut runner, &Limits::default()), [1, 3]);
        assert!(runner.confirm(ActionId(1)));
        assert!(!runner.confirm(ActionId(1)), "a result counts once");
        assert_eq!(begin(&mut runner, &Limits::default()), [2]);
        runner.confirm(ActionId(2));
        assert_eq!(runner.progress(), Progress::Running);
        runner.confirm(ActionId(3));
        assert_eq!(runner.progress(), Progress::Complete);
    }

    #[test]
    fn a_failure_holds_back_what_waits_for_it() {
        let mut runner = runner();
        begin(&mut runner, &Limits::default());
        runner.fail(ActionId(1));
        runner.confirm(ActionId(3));
        assert_eq!(begin(&mut runner, &Limits::default()), [0_u64; 0]);
        assert_eq!(runner.progress(), Progress::Stopped);
    }

    #[test]
    fn an_abort_lets_through_only_its_priority_and_above() {
        let mut runner = runner();
        assert!(runner.abort(super::ABORT_ALL, "the configuration changed"));
        assert!(!runner.abort(0, "later and lower"));
        assert_eq!(begin(&mut runner, &Limits::default()), [3]);
        runner.confirm(ActionId(3));
        assert_eq!(runner.progress(), Progress::Stopped);
    }

    #[test]
    fn limits_are_kept_per_cluster_and_per_node() {
        let batch = Limits { batch: Some(1), ..Limits::default() };
        assert_eq!(begin(&mut runner(), &batch), [1]);
        let node = Limits { node: [("n1".to_owned(), 0)].into(), ..Limits::default() };
        assert_eq!(begin(&mut runner(), &node), [3]);
    }
}

//! Stories of a controller among hands and an engine that say what the story wants.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks for the few effects it is about")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use cib::Element;
use model::{
    BootId, ExecStatus, Generation, HandsCommand, HandsId, HandsReport, Incarnation, Member,
    Monotonic, NodeId, OpRecord, Operation, Term, View, WallTime,
};

use super::super::attributes::Changed;
use super::super::entry::{NodeRecord, RecordState};
use super::super::interface::{Cleanup, Effect, Event, Identity, Now, Severity, Wish};
use super::super::journal::What;
use super::super::status::{StatusChange, StatusUpdate};
use super::super::waiting::Waiting;
use super::{Controller, Role};

const CONFIG: &str = r#"<cib><configuration><crm_config><cluster_property_set
    id="cib-bootstrap-options"><nvpair id="o1" name="stonith-enabled" value="false"/>
    </cluster_property_set></crm_config><nodes/><resources><group id="grp"><primitive id="web"
    class="ocf" provider="test" type="Dummy"/></group></resources><constraints/></configuration>
    </cib>"#;

/// A controller on node 1 and the world around it.
struct World {
    controller: Controller,
    now: u64,
    view: u64,
    /// Commands that went to hands and were not looked at yet.
    sent: Vec<(NodeId, HandsCommand)>,
    /// All other effects, in order.
    effects: Vec<Effect>,
    /// Graphs the engine answers with, in order; an empty graph when there is none left.
    graphs: VecDeque<String>,
    /// Requests to the engine, with their reasons' plan number and document.
    asked: Vec<(u64, Arc<Element>)>,
    /// Whether the engine answers at once.
    engine: bool,
    /// Whether the log commits at once.
    log: bool,
    records: BTreeMap<NodeId, NodeRecord>,
    /// Histories that nodes answer a join with; who is not in it does not answer.
    histories: BTreeMap<NodeId, Vec<OpRecord>>,
    reports: BTreeMap<NodeId, u64>,
    calls: i64,
}

impl World {
    fn new() -> Self {
        let identity = Identity {
            me: NodeId(1),
            uuid: "our-uuid".into(),
            version: "0.1.0".into(),
            cluster_name: "c".into(),
        };
        let mut world = Self {
            controller: Controller::new(identity),
            now: 1_000,
            view: 0,
            sent: Vec::new(),
            effects: Vec::new(),
            graphs: VecDeque::new(),
            asked: Vec::new(),
            engine: true,
            log: true,
            records: BTreeMap::new(),
            histories: (1..=3).map(|n| (NodeId(n), Vec::new())).collect(),
            reports: BTreeMap::new(),
            calls: 0,
        };
        world.tell(Event::Nodelist(
            (1..=3).map(|n| (NodeId(n), format!("ser{n}").as_str().into())).collect(),
        ));
        world.tell(Event::Config(Arc::new(cib::parse(CONFIG).unwrap())));
        world
    }

    /// A DC of three nodes that has made its first plan, which was empty.
    fn settled() -> Self {
        let mut world = Self::new();
        world.see(&[1, 2, 3], true);
        world.lead(1);
        world.pass(10);
        assert_eq!(world.asked.len(), 1);
        assert!(world.controller.is_idle());
        world.effects.clear();
        world
    }

    fn clock(&self) -> Now {
        let wall = i64::try_from(self.now).unwrap() + 1_700_000_000_000;
        Now { monotonic: Monotonic(self.now), wall: WallTime(wall) }
    }

    fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut out = Vec::new();
            self.controller.handle(self.clock(), event, &mut out);
            for effect in out {
                self.effects.push(effect.clone());
                match effect {
                    Effect::Hands { node, command: HandsCommand::Join { authority } } => {
                        if let Some(records) = self.histories.get(&node) {
                            let report = HandsReport::History {
                                authority,
                                boot: BootId(node.0.into()),
                                hands: HandsId(node.0.into()),
                                records: records.clone(),
                            };
                            events.push_back(Event::Hands { node, report });
                        }
                    }
                    Effect::Hands { command: HandsCommand::Acknowledge { .. }, .. } => {}
                    Effect::Hands { node, command } => self.sent.push((node, command)),
                    Effect::Record(record) if self.log => {
                        self.records.insert(record.node, record);
                        events.push_back(Event::NodeRecords(self.records.clone()));
                    }
                    Effect::Plan { plan, document, .. } => {
                        self.asked.push((plan, document));
                        if self.engine {
                            events.push_back(self.answer());
                        }
                    }
                    Effect::Record(_)
                    | Effect::Status(_)
                    | Effect::Snapshot { .. }
                    | Effect::WantSnapshot
                    | Effect::SaveInput { .. }
                    | Effect::SetAttribute(_)
                    | Effect::Configure(_)
                    | Effect::MayLeave { .. }
                    | Effect::Fence { .. }
                    | Effect::Journal(_) => {}
                }
            }
        }
    }

    /// The engine's answer to the last request.
    fn answer(&mut self) -> Event {
        let text = self.graphs.pop_front().unwrap_or_else(|| graph(""));
        Event::Planned {
            plan: self.asked.last().unwrap().0,
            graph: Arc::new(cib::parse(&text).unwrap()),
            severity: Severity::Good,
            remarks: Vec::new(),
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.tell(Event::Tick);
    }

    fn see(&mut self, nodes: &[u32], quorate: bool) {
        self.view += 1;
        let members = nodes.iter().map(|&n| {
            let member = Member {
                id: NodeId(n),
                name: format!("ser{n}").into(),
                boot: BootId(n.into()),
                incarnation: Incarnation(1),
            };
            (NodeId(n), member)
        });
        let view = View { number: self.view, members: members.collect(), quorate };
        self.tell(Event::View(view));
    }

    fn lead(&mut self, term: u64) {
        self.tell(Event::Leading { generation: Generation(1), term: Term(term) });
    }

    /// Takes the operations sent since the last look.
    fn operations(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.sent)
            .into_iter()
            .filter_map(|(_, command)| match command {
                HandsCommand::Execute { operation, .. } => Some(operation),
                HandsCommand::Join { .. }
                | HandsCommand::Cancel { .. }
                | HandsCommand::Forget { .. }
                | HandsCommand::Acknowledge { .. }
                | HandsCommand::Quorate { .. }
                | HandsCommand::Policy { .. } => None,
            })
            .collect()
    }

    /// Takes what was sent, like `start web on ser2`.
    fn sent(&mut self) -> Vec<String> {
        self.operations()
            .into_iter()
            .map(|o| format!("{} {} on {}", o.action, o.resource, o.node))
            .collect()
    }

    fn one(&mut self) -> Operation {
        let mut operations = self.operations();
        assert_eq!(operations.len(), 1, "{operations:?}");
        operations.remove(0)
    }

    fn record_of(&mut self, operation: &Operation, rc: i32) -> OpRecord {
        self.calls += 1;
        OpRecord {
            resource: operation.resource.clone(),
            agent: operation.agent.clone(),
            action: operation.action.clone(),
            interval_ms: operation.interval_ms,
            call_id: self.calls,
            rc,
            status: ExecStatus::Done,
            exit_reason: String::new(),
            transition_key: operation.transition_key.clone(),
            last_rc_change: self.clock().wall,
            exec_time_ms: 1,
            queue_time_ms: 0,
            op_digest: String::new(),
            restart: None,
            secure: None,
            origin: "test".into(),
        }
    }

    fn report(&mut self, node: u32, record: OpRecord) {
        let node = NodeId(node);
        let report = *self.reports.entry(node).and_modify(|n| *n += 1).or_insert(1);
        self.tell(Event::Hands { node, report: HandsReport::Result { report, record } });
    }

    fn ends(&mut self, operation: &Operation, rc: i32) {
        let record = self.record_of(operation, rc);
        let node = operation.node.trim_start_matches("ser").parse().unwrap();
        self.report(node, record);
    }

    fn journal(&self) -> Vec<String> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Journal(entry) => Some(entry.what.to_string()),
                _ => None,
            })
            .collect()
    }

    fn attribute(&self, node: u32, name: &str) -> Option<&str> {
        self.controller.attribute(NodeId(node), name)
    }

    fn entry(&self, id: &str) -> Option<&Element> {
        self.controller.status().find_id(id)
    }

    fn node_state(&self, node: u32) -> (String, String) {
        let id = node.to_string();
        let state = self.controller.status().children().find(|s| s.id() == Some(&id)).unwrap();
        let get = |key| state.get(key).unwrap_or_default().to_owned();
        (get("join"), get("expected"))
    }
}

fn graph(synapses: &str) -> String {
    format!("<transition_graph transition_id=\"1\">{synapses}</transition_graph>")
}

/// One operation on `web`, after others by number.
fn operation(id: u32, task: &str, node: u32, interval: u32, after: &[u32]) -> String {
    let inputs: String = after
        .iter()
        .map(|n| {
            format!("<trigger><rsc_op id=\"{n}\" operation=\"x\" operation_key=\"x\"/></trigger>")
        })
        .collect();
    let target = if task == "monitor" && interval == 0 { 7 } else { 0 };
    format!(
        "<synapse><action_set><rsc_op id=\"{id}\" operation=\"{task}\" \
         operation_key=\"web_{task}_{interval}\" on_node=\"ser{node}\" on_node_uuid=\"{node}\">\
         <primitive id=\"web\" class=\"ocf\" provider=\"test\" type=\"Dummy\"/>\
         <attributes CRM_meta_interval=\"{interval}\" CRM_meta_timeout=\"20000\" \
         CRM_meta_op_target_rc=\"{target}\" CRM_meta_operation=\"monitor\"/></rsc_op></action_set>\
         <inputs>{inputs}</inputs></synapse>"
    )
}

/// Something of the controller's own about a node, after others by number.
fn cluster_event(id: u32, task: &str, node: u32) -> String {
    format!(
        "<synapse><action_set><crm_event id=\"{id}\" operation=\"{task}\" operation_key=\"{task}\" \
         on_node=\"ser{node}\" on_node_uuid=\"{node}\"><primitive id=\"web\" class=\"ocf\" \
         provider=\"test\" type=\"Dummy\"/></crm_event></action_set><inputs/></synapse>"
    )
}

#[test]
fn the_first_plan_waits_for_the_nodelist_and_no_longer_than_dc_deadtime() {
    let mut world = World::new();
    world.see(&[1, 2], true);
    world.lead(1);
    world.pass(19_000);
    assert!(world.asked.is_empty());
    let waiting = world.controller.waiting(world.clock());
    assert_eq!(waiting, [Waiting::FirstPlan { nodes: vec!["ser3".into()], remaining_ms: 1_000 }],);
    assert_eq!(world.controller.next_deadline(), Some(Monotonic(21_000)));
    world.pass(1_000);
    assert_eq!(world.asked.len(), 1);

    let mut world = World::new();
    world.see(&[1, 2], true);
    world.lead(1);
    world.see(&[1, 2, 3], true);
    world.pass(10);
    assert_eq!(world.asked.len(), 1, "all of the nodelist is here");
}

#[test]
fn a_member_that_does_not_answer_is_pending_and_holds_nobody_up() {
    let mut world = World::settled();
    world.histories.remove(&NodeId(3));
    world.lead(2);
    world.pass(100);
    assert_eq!(world.asked.len(), 1);
    world.pass(400);
    assert_eq!(world.asked.len(), 2);
    assert_eq!(world.node_state(3).0, "pending");
    assert!(
        world.controller.waiting(world.clock()).contains(&Waiting::Silent { node: "ser3".into() })
    );
    world.histories.insert(NodeId(3), Vec::new());
    world.pass(2_000);
    world.pass(10);
    assert_eq!(world.node_state(3).0, "member");
    assert_eq!(world.asked.len(), 3);
}

#[test]
fn a_plan_becomes_commands_in_its_order_and_results_become_history() {
    let mut world = World::settled();
    world.graphs.push_back(graph(
        &[
            operation(1, "monitor", 1, 0, &[]),
            operation(2, "start", 1, 0, &[1]),
            operation(3, "monitor", 1, 10_000, &[2]),
        ]
        .concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let probe = world.one();
    assert_eq!(probe.transition_key, "1:2:7:our-uuid");
    world.ends(&probe, 7);
    let start = world.one();
    let entry = world.entry("web_last_0").unwrap();
    assert_eq!(entry.get("op-status"), Some("-1"));
    // of a resource without parameters
    assert_eq!(entry.get("op-digest"), Some("f2317cad3d54cec5d7d7aa7d0bf35cf8"));
    world.ends(&start, 0);
    let entry = world.entry("web_last_0").unwrap();
    assert_eq!(entry.get("transition-magic"), Some("0:0;2:2:0:our-uuid"));
    assert_eq!(entry.get("on_node"), Some("ser1"));
    let monitor = world.one();
    assert_eq!(monitor.interval_ms, 10_000);
    world.ends(&monitor, 0);
    assert!(world.controller.is_idle());
    assert_eq!(world.asked.len(), 2, "expected results make no plan necessary");
    assert!(world.journal().contains(&"plan 2 complete: 3 actions".to_owned()));
}

#[test]
fn nothing_is_started_on_a_boot_before_the_log_has_its_record() {
    let mut world = World::new();
    world.log = false;
    world.see(&[1, 2, 3], true);
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.lead(1);
    world.pass(10);
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.sent(), [""; 0]);
    assert!(world.entry("web_last_0").is_none());
    let records = [1, 2, 3].map(|n| {
        let record = NodeRecord {
            node: NodeId(n),
            boot: BootId(n.into()),
            state: RecordState::Active,
            proof: String::new(),
        };
        (record.node, record)
    });
    world.tell(Event::NodeRecords(records.into()));
    assert_eq!(world.sent(), ["start web on ser2"]);
}

#[test]
fn a_failed_monitor_is_counted_once_and_planned_for() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "monitor", 2, 10_000, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let monitor = world.one();
    world.ends(&monitor, 0);
    let asked = world.asked.len();
    let failure = world.record_of(&monitor, 7);
    world.report(2, failure.clone());
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#monitor_10000"), Some("1"));
    assert_eq!(world.attribute(2, "last-failure-web#monitor_10000"), Some("1700000001"));
    assert_eq!(world.asked.len(), asked + 1);
    assert!(
        world.asked.last().unwrap().1.find_id("status-2-fail-count-web.monitor_10000").is_some()
    );
    assert!(world.entry("web_last_failure_0").is_some());
    // told again, as hands do until it is acknowledged
    world.report(2, failure);
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#monitor_10000"), Some("1"));
    assert_eq!(world.asked.len(), asked + 1);
}

#[test]
fn a_failed_start_counts_for_ever_and_what_waits_for_it_does_not_begin() {
    let mut world = World::settled();
    world.graphs.push_back(graph(
        &[operation(1, "start", 2, 0, &[]), operation(2, "monitor", 2, 10_000, &[1])].concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let start = world.one();
    world.ends(&start, 1);
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#start_0"), Some("INFINITY"));
    assert_eq!(world.sent(), [""; 0]);
}

#[test]
fn a_probe_that_finds_something_counts_nothing_but_makes_another_plan() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "monitor", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let probe = world.one();
    let asked = world.asked.len();
    world.ends(&probe, 0);
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#monitor_0"), None);
    assert_eq!(world.asked.len(), asked + 1);
}

#[test]
fn the_plan_after_a_loss_is_made_at_once_and_the_old_one_goes_no_further() {
    let mut world = World::settled();
    world.graphs.push_back(graph(
        &[operation(1, "stop", 1, 0, &[]), operation(2, "start", 2, 0, &[1])].concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let stop = world.one();
    let asked = world.asked.len();
    world.engine = false;
    world.see(&[1, 3], true);
    assert_eq!(world.asked.len(), asked + 1, "no waiting, no tick needed");
    assert_eq!(world.node_state(2), ("down".into(), "member".into()));
    world.ends(&stop, 0);
    assert_eq!(world.sent(), [""; 0]);
}

#[test]
fn a_start_under_way_is_taken_over_by_the_next_plan_and_not_repeated() {
    let mut world = World::settled();
    let starts = graph(
        &[operation(1, "start", 2, 0, &[]), operation(2, "monitor", 2, 10_000, &[1])].concat(),
    );
    world.graphs.push_back(starts.clone());
    world.tell(Event::Replan { reason: "first".into() });
    world.pass(10);
    let start = world.one();
    // the scheduler sees a start under way and plans it again, under other numbers
    world.graphs.push_back(graph(
        &[operation(7, "start", 2, 0, &[]), operation(8, "monitor", 2, 10_000, &[7])].concat(),
    ));
    world.tell(Event::Replan { reason: "something changed".into() });
    world.pass(10);
    assert_eq!(world.sent(), [""; 0]);
    world.ends(&start, 0);
    assert_eq!(world.sent(), ["monitor web on ser2"]);
}

#[test]
fn a_result_that_comes_while_the_engine_is_at_work_counts_for_its_plan() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Replan { reason: "first".into() });
    world.pass(10);
    let start = world.one();
    world.engine = false;
    world.tell(Event::Replan { reason: "something changed".into() });
    world.pass(10);
    world.ends(&start, 0);
    world.graphs.push_back(graph(
        &[operation(7, "start", 2, 0, &[]), operation(8, "monitor", 2, 10_000, &[7])].concat(),
    ));
    let answer = world.answer();
    world.tell(answer);
    assert_eq!(world.sent(), ["monitor web on ser2"]);
}

#[test]
fn a_new_dc_takes_over_what_is_under_way() {
    let mut world = World::settled();
    let mut under_way = super::super::testing::record("web", "start", 0, 193, 3);
    under_way.status = ExecStatus::Pending;
    under_way.transition_key = "4:9:0:old-dc".into();
    world.histories.insert(NodeId(2), vec![under_way.clone()]);
    world.graphs.push_back(graph(
        &[operation(1, "start", 2, 0, &[]), operation(2, "monitor", 2, 10_000, &[1])].concat(),
    ));
    world.lead(2);
    world.pass(10);
    assert_eq!(world.sent(), [""; 0], "not repeated");
    assert_eq!(world.entry("web_last_0").unwrap().get("op-status"), Some("-1"));
    let done = OpRecord { rc: 0, status: ExecStatus::Done, ..under_way };
    world.report(2, done);
    assert_eq!(world.sent(), ["monitor web on ser2"], "not forgotten");
}

#[test]
fn a_new_dc_counts_a_failure_that_nobody_heard_but_no_old_one() {
    let mut world = World::settled();
    let failed = super::super::testing::record("web", "monitor", 10_000, 7, 3);
    world.histories.insert(NodeId(2), vec![failed]);
    world.lead(2);
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#monitor_10000"), Some("1"));
    world.lead(3);
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#monitor_10000"), Some("1"));
}

#[test]
fn a_node_leaves_only_after_the_log_says_that_it_runs_nothing() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "stop", 2, 0, &[])));
    world.tell(Event::LeaveAsked { node: NodeId(2) });
    assert_eq!(world.attribute(2, "shutdown"), Some("1700000001"));
    let stop = world.one();
    world.log = false;
    world.graphs.push_back(graph(&cluster_event(1, "do_shutdown", 2)));
    world.ends(&stop, 0);
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let may_leave = |world: &World| world.effects.contains(&Effect::MayLeave { node: NodeId(2) });
    assert!(!may_leave(&world));
    let clean = NodeRecord {
        node: NodeId(2),
        boot: BootId(2),
        state: RecordState::Clean,
        proof: String::new(),
    };
    assert!(world.effects.contains(&Effect::Record(clean.clone())));
    world.records.insert(NodeId(2), clean);
    world.tell(Event::NodeRecords(world.records.clone()));
    assert!(may_leave(&world));
    world.see(&[1, 3], true);
    assert_eq!(world.node_state(2), ("down".into(), "down".into()));
    assert_eq!(world.attribute(2, "shutdown"), None);
}

#[test]
fn a_lost_node_keeps_its_history_until_it_is_certain_to_be_gone() {
    let mut world = World::settled();
    world.histories.insert(NodeId(2), vec![super::super::testing::record("web", "start", 0, 0, 1)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.see(&[1, 3], true);
    assert!(world.entry("web_last_0").is_some());
    world.tell(Event::Fenced { node: NodeId(2), proof: "a human says so".into() });
    assert!(world.entry("web_last_0").is_none());
    assert_eq!(world.node_state(2), ("down".into(), "down".into()));
}

#[test]
fn fencing_that_is_not_to_be_had_is_said_and_not_tried_in_a_loop() {
    let mut world = World::settled();
    world.see(&[1, 3], true);
    world.effects.clear();
    world.graphs.push_back(graph(
        &[cluster_event(1, "stonith", 2), operation(2, "start", 1, 0, &[1])].concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let fence = Effect::Fence { node: NodeId(2), action: "reboot".into() };
    assert!(world.effects.contains(&fence));
    let asked = world.asked.len();
    world.tell(Event::FencingFailed { node: NodeId(2), reason: "no device".into() });
    world.pass(1_000);
    assert_eq!((world.sent(), world.asked.len()), (Vec::new(), asked));
    let waiting = world.controller.waiting(world.clock());
    assert_eq!(waiting, [Waiting::Fencing { node: "ser2".into(), reason: "no device".into() }]);
}

#[test]
fn a_confirmed_fencing_lets_the_plan_go_on() {
    let mut world = World::settled();
    world.see(&[1, 3], true);
    world.graphs.push_back(graph(
        &[cluster_event(1, "stonith", 2), operation(2, "start", 1, 0, &[1])].concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    assert_eq!(world.sent(), [""; 0]);
    world.tell(Event::Fenced { node: NodeId(2), proof: "the agent says so".into() });
    assert_eq!(world.sent(), ["start web on ser1"]);
}

#[test]
fn without_quorum_a_coordinator_stops_and_starts_nothing() {
    let mut world = World::settled();
    world.see(&[1], false);
    world.graphs.push_back(graph(
        &[operation(1, "stop", 1, 0, &[]), operation(2, "start", 1, 0, &[])].concat(),
    ));
    world.tell(Event::Coordinating { generation: Generation(1), term: Term(1) });
    assert_eq!(world.controller.role(), Role::Coordinating);
    assert_eq!(world.sent(), ["stop web on ser1"]);
    assert_eq!(world.asked.last().unwrap().1.get("have-quorum"), Some("0"));
    assert_eq!(
        world.controller.waiting(world.clock()),
        [Waiting::NoQuorum { policy: "stop".into() }]
    );
}

#[test]
fn when_the_engine_fails_nothing_happens_until_something_changes() {
    let mut world = World::settled();
    world.engine = false;
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let plan = world.asked.last().unwrap().0;
    world.tell(Event::PlanFailed { plan, reason: "it crashed on pe-error-3".into() });
    assert!(
        world
            .effects
            .iter()
            .any(|e| matches!(e, Effect::SaveInput { severity: Severity::Error, .. }))
    );
    let asked = world.asked.len();
    world.pass(10_000);
    assert_eq!(world.asked.len(), asked);
    assert_eq!(
        world.controller.waiting(world.clock()),
        [Waiting::PlanFailed { reason: "it crashed on pe-error-3".into() }]
    );
    world.engine = true;
    world.tell(Event::Replan { reason: "a good change".into() });
    world.pass(10);
    assert!(world.controller.waiting(world.clock()).is_empty());
}

#[test]
fn many_changes_cost_few_plans_and_steady_ones_cannot_stop_everything() {
    let mut world = World::settled();
    let asked = world.asked.len();
    for n in 0..1_000 {
        let (name, value) = (format!("a{n}"), Some("1".to_owned()));
        world.tell(Event::Attribute(Changed { node: NodeId(1), set: None, name, value }));
    }
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 1);

    world.engine = false;
    world.graphs.extend((0..100).map(|_| graph(&operation(1, "start", 2, 0, &[]))));
    world.tell(Event::Replan { reason: "the first change".into() });
    for n in 0..40 {
        world.pass(10);
        let (name, value) = ("steady".to_owned(), Some(n.to_string()));
        world.tell(Event::Attribute(Changed { node: NodeId(1), set: None, name, value }));
        world.pass(20);
        let answer = world.answer();
        world.tell(answer);
    }
    assert_eq!(world.sent(), ["start web on ser2"]);
}

#[test]
fn a_lost_command_is_sent_again_and_one_that_arrived_is_not() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let start = world.one();
    world.tell(Event::Reconnected { node: NodeId(2) });
    assert_eq!(world.sent(), ["start web on ser2"]);
    let mut under_way = world.record_of(&start, 193);
    under_way.status = ExecStatus::Pending;
    world.histories.insert(NodeId(2), vec![under_way]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    assert_eq!(world.sent(), [""; 0]);
}

#[test]
fn cleanup_forgets_failures_and_history_so_that_the_resource_is_probed() {
    let mut world = World::settled();
    world.histories.insert(NodeId(2), vec![super::super::testing::record("web", "start", 0, 1, 1)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#start_0"), Some("INFINITY"));
    let asked = world.asked.len();
    world.tell(Event::Cleanup(Cleanup {
        resource: Some("grp".into()),
        only_failed: true,
        ..Cleanup::default()
    }));
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#start_0"), None);
    assert!(world.entry("web_last_0").is_none());
    assert!(matches!(world.sent.last(), Some((NodeId(2), HandsCommand::Forget { .. }))));
    assert_eq!(world.asked.len(), asked + 1);
}

#[test]
fn a_follower_keeps_its_copy_and_asks_when_it_missed_something() {
    let mut dc = World::settled();
    let mut follower = Controller::new(Identity {
        me: NodeId(2),
        uuid: "x".into(),
        version: String::new(),
        cluster_name: String::new(),
    });
    let mut out = Vec::new();
    let now = dc.clock();
    follower.handle(now, Event::Status(dc.controller.snapshot()), &mut out);
    dc.tell(Event::LeaveAsked { node: NodeId(3) });
    let updates: Vec<StatusUpdate> = dc
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Status(update) => Some(update.clone()),
            _ => None,
        })
        .collect();
    for update in updates {
        follower.handle(now, Event::Status(update), &mut out);
    }
    assert!(out.is_empty());
    assert_eq!(follower.status(), dc.controller.status());
    let missed =
        StatusUpdate { sequence: 999, change: StatusChange::ForgetNode { node: NodeId(3) } };
    follower.handle(now, Event::Status(missed), &mut out);
    assert_eq!(out, [Effect::WantSnapshot]);
}

#[test]
fn the_configuration_is_told_what_it_lacks_once() {
    let mut world = World::new();
    world.see(&[1, 2, 3], true);
    world.lead(1);
    let wishes: Vec<Vec<Wish>> = world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Configure(wishes) => Some(wishes.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(wishes.len(), 1);
    assert!(wishes[0].contains(&Wish::Node { id: NodeId(3), name: "ser3".into() }));
    assert!(wishes[0].contains(&Wish::Property {
        name: "cluster-infrastructure".into(),
        value: "corosync".into()
    }));
}

#[test]
fn what_expires_is_looked_at_again() {
    let mut world = World::settled();
    let asked = world.asked.len();
    world.pass(15 * 60_000);
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 1, "cluster-recheck-interval");
    let soon = world.clock().wall.secs() + 30;
    world.graphs.push_back(format!("<transition_graph recheck-by=\"{soon}\"/>"));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    world.pass(29_000);
    assert_eq!(world.asked.len(), asked + 2);
    world.pass(3_000);
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 3);
}

#[test]
fn a_command_refused_for_a_number_used_up_is_sent_under_a_higher_one() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "stop", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let (_, command) = world.sent.pop().unwrap();
    let HandsCommand::Execute { authority, operation } = command else { panic!("{command:?}") };
    let highest = model::Authority { sequence: 500, ..authority };
    let transition_key = operation.transition_key;
    let report = HandsReport::Refused { authority, highest, transition_key };
    world.tell(Event::Hands { node: NodeId(2), report });
    let (_, command) = world.sent.pop().unwrap();
    let HandsCommand::Execute { authority, .. } = command else { panic!("{command:?}") };
    assert_eq!(authority.sequence, 501);
}

#[test]
fn a_deposed_dc_falls_silent() {
    let mut world = World::settled();
    let ours = model::Authority { generation: Generation(1), term: Term(1), sequence: 4 };
    let highest = model::Authority { term: Term(2), ..ours };
    let transition_key = String::new();
    let report = HandsReport::Refused { authority: ours, highest, transition_key };
    world.tell(Event::Hands { node: NodeId(2), report });
    assert_eq!(world.controller.role(), Role::Following);
}

#[test]
fn four_thousand_results_are_taken_in_quickly() {
    let mut world = World::settled();
    let resource = |n: u32, node: u32| {
        operation(n, "monitor", node, 0, &[]).replace("\"web", &format!("\"web{}", n / 3))
    };
    let text: String = (0..3_000).map(|n| resource(n, n % 3 + 1)).collect();
    world.graphs.push_back(graph(&text));
    world.tell(Event::Replan { reason: "test".into() });
    let began = std::time::Instant::now();
    world.pass(10);
    let operations = world.operations();
    assert_eq!(operations.len(), 3_000);
    for operation in &operations {
        world.ends(operation, 7);
        world.effects.clear();
    }
    assert!(world.controller.is_idle());
    // unoptimised, on a busy machine; a walk over the document for each would take minutes
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn the_journal_says_why() {
    let mut world = World::settled();
    world.see(&[1, 3], true);
    assert!(world.journal().contains(&"ser2 is lost".to_owned()));
    let why = world.effects.iter().find_map(|effect| match effect {
        Effect::Journal(entry) => match &entry.what {
            What::Plan { reasons, .. } => Some(reasons.clone()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(why, Some(vec!["ser2 is lost".to_owned()]));
}

#[test]
fn a_command_sent_after_the_join_is_not_taken_for_lost() {
    let mut world = World::settled();
    let joins = world.histories.remove(&NodeId(2)).unwrap();
    world.tell(Event::Reconnected { node: NodeId(2) });
    let join = world.effects.iter().rev().find_map(|effect| match effect {
        Effect::Hands { command: HandsCommand::Join { authority }, .. } => Some(*authority),
        _ => None,
    });
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    assert_eq!(world.sent(), ["start web on ser2"]);
    let (boot, hands) = (BootId(2), HandsId(2));
    let report = HandsReport::History { authority: join.unwrap(), boot, hands, records: joins };
    world.tell(Event::Hands { node: NodeId(2), report });
    assert_eq!(world.sent(), [""; 0]);
    assert_eq!(world.entry("web_last_0").unwrap().get("op-status"), Some("-1"));
}

#[test]
fn an_operation_without_a_result_is_asked_after_and_goes_on() {
    let mut world = World::settled();
    world.graphs.push_back(graph(
        &[operation(1, "start", 2, 0, &[]), operation(2, "monitor", 2, 10_000, &[1])].concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let start = world.one();
    let mut under_way = world.record_of(&start, 193);
    under_way.status = ExecStatus::Pending;
    world.histories.insert(NodeId(2), vec![under_way]);
    world.pass(90_000);
    assert_eq!(world.sent(), [""; 0]);
    world.ends(&start, 0);
    assert_eq!(world.sent(), ["monitor web on ser2"]);
}

#[test]
fn a_restarted_brain_joins_again_and_nothing_moves_or_fails_meanwhile() {
    let mut world = World::settled();
    world.graphs.push_back(graph(
        &[operation(1, "stop", 1, 0, &[]), operation(2, "start", 2, 0, &[1])].concat(),
    ));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let stop = world.one();
    let history = world.histories.remove(&NodeId(2)).unwrap();
    let mut view = world.controller.view.clone();
    view.members.get_mut(&NodeId(2)).unwrap().incarnation = Incarnation(2);
    world.tell(Event::View(view));
    world.ends(&stop, 0);
    assert_eq!(world.sent(), [""; 0], "it has not joined again yet");
    world.histories.insert(NodeId(2), history);
    world.graphs.push_back(graph(&operation(2, "start", 2, 0, &[])));
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.pass(10);
    assert_eq!(world.sent(), ["start web on ser2"]);
}

#[test]
fn all_leave_together_and_the_dc_last() {
    let mut world = World::settled();
    world.log = false;
    let all: String = (1..=3).map(|n| cluster_event(n, "do_shutdown", n)).collect();
    for node in 1..=3 {
        world.tell(Event::LeaveAsked { node: NodeId(node) });
    }
    world.graphs.extend([graph(&all), graph(&all), graph(&all)]);
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let leavers = |world: &World| -> Vec<u32> {
        world
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::MayLeave { node } => Some(node.0),
                _ => None,
            })
            .collect()
    };
    for n in 1..=3 {
        assert_eq!(leavers(&world), [0; 0], "a quorum is needed for the records of the others");
        let state = RecordState::Clean;
        let (node, boot, proof) = (NodeId(n), BootId(n.into()), String::new());
        world.records.insert(node, NodeRecord { node, boot, state, proof });
        world.tell(Event::NodeRecords(world.records.clone()));
    }
    assert_eq!(leavers(&world), [2, 3, 1]);
}

#[test]
fn hands_that_know_of_no_quorum_yet_are_tried_again_after_a_while() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let (_, command) = world.sent.pop().unwrap();
    let HandsCommand::Execute { authority, operation: start } = command else { panic!() };
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Hands {
        node: NodeId(2),
        report: HandsReport::Refused {
            authority,
            highest: model::Authority { sequence: 0, ..authority },
            transition_key: start.transition_key,
        },
    });
    world.pass(400);
    assert_eq!(world.sent(), [""; 0]);
    world.pass(200);
    world.pass(10);
    assert_eq!(world.sent(), ["start web on ser2"]);
}

#[test]
fn a_monitor_whose_resource_is_stopped_is_not_waited_for() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "monitor", 2, 10_000, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    assert_eq!(world.sent(), ["monitor web on ser2"]);
    world.graphs.push_back(graph(&operation(1, "stop", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let stop = world.one();
    world.ends(&stop, 0);
    assert!(world.controller.is_idle());
}

#[test]
fn a_node_that_stays_after_all_may_run_resources_again() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&cluster_event(1, "do_shutdown", 2)));
    world.tell(Event::LeaveAsked { node: NodeId(2) });
    assert_eq!(world.records[&NodeId(2)].state, RecordState::Clean);
    world.tell(Event::LeaveWithdrawn { node: NodeId(2) });
    assert_eq!(world.records[&NodeId(2)].state, RecordState::Active);
    assert_eq!(world.attribute(2, "shutdown"), None);
}

#[test]
fn without_fencing_a_silent_member_is_not_taken_for_one_that_is_off() {
    let mut world = World::settled();
    world.histories.remove(&NodeId(3));
    world.lead(2);
    world.pass(600);
    let (_, document) = world.asked.last().unwrap();
    let state = document.child("status").unwrap().find_id("3").unwrap();
    assert_eq!(state.get("join"), Some("member"));
    assert!(state.find_id("status-3-maintenance").is_some());
    assert!(world.entry("status-3-maintenance").is_none(), "only the engine sees it so");
}

#[test]
fn a_failure_that_a_human_claims_counts_and_leaves_the_start_in_the_history() {
    let mut world = World::settled();
    world.histories.insert(NodeId(2), vec![super::super::testing::record("web", "start", 0, 0, 1)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.tell(Event::Fail { node: NodeId(2), resource: "web".into() });
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#asyncmon_0"), Some("1"));
    assert_eq!(world.entry("web_last_0").unwrap().get("operation"), Some("start"));
    let failure = world.entry("web_last_failure_0").unwrap();
    assert_eq!(failure.get("exit-reason"), Some("Simulated failure"));
}

#[test]
fn a_node_lost_on_its_way_out_is_a_lost_node() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "stop", 2, 0, &[])));
    world.tell(Event::LeaveAsked { node: NodeId(2) });
    world.see(&[1, 3], true);
    assert_eq!(world.attribute(2, "shutdown"), None);
    assert_eq!(world.node_state(2), ("down".into(), "member".into()));
    assert!(world.asked.last().unwrap().1.find_id("status-2-shutdown").is_none());
}

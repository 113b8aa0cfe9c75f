//! Stories of members: who joins, is lost, leaves, takes over, is fenced.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks for the few effects it is about")]

use model::{
    BootId, ExecStatus, Generation, HandsCommand, HandsId, HandsReport, Incarnation, Monotonic,
    NodeId, OpRecord, Term,
};

use super::controller::{Controller, Role};
use super::entry::{NodeRecord, RecordState};
use super::interface::{Effect, Event, Identity};
use super::status::{StatusChange, StatusUpdate};
use super::testing::{World, cluster_event, graph, operation, record};
use super::waiting::Waiting;

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
fn a_new_dc_takes_over_what_is_under_way() {
    let mut world = World::settled();
    let mut under_way = record("web", "start", 0, 193, 3);
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
    let failed = record("web", "monitor", 10_000, 7, 3);
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
    world.histories.insert(NodeId(2), vec![record("web", "start", 0, 0, 1)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.see(&[1, 3], true);
    assert!(world.entry("web_last_0").is_some());
    world.tell(Event::Fenced { node: NodeId(2), boot: None, proof: "a human says so".into() });
    assert!(world.entry("web_last_0").is_none());
    assert_eq!(world.node_state(2), ("down".into(), "down".into()));
}

#[test]
fn a_node_that_was_removed_is_forgotten_once_it_certainly_runs_nothing() {
    let two = || [1, 3].map(|n| (NodeId(n), format!("ser{n}").as_str().into())).into();
    let is_known =
        |world: &World| world.controller.status().children().any(|state| state.id() == Some("2"));
    let mut world = World::settled();
    let fencing = super::testing::CONFIG.replace("\"false\"", "\"true\"");
    world.tell(Event::Config(std::sync::Arc::new(cib::parse(&fencing).unwrap())));
    world.tell(Event::Nodelist(two()));
    assert!(is_known(&world), "it is still here");
    world.see(&[1, 3], true);
    assert!(is_known(&world), "it may run something");
    world.tell(Event::Fenced { node: NodeId(2), boot: None, proof: "a human says so".into() });
    assert!(!is_known(&world));
    assert!(world.controller.status().children().any(|state| state.id() == Some("3")));
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
    let fence = Effect::Fence { node: NodeId(2), boot: BootId(2), action: "reboot".into() };
    assert!(world.effects.contains(&fence));
    let asked = world.asked.len();
    let (node, boot, reason) = (NodeId(2), BootId(2), "no device".to_owned());
    world.tell(Event::FencingFailed { node, boot, reason });
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
    let (node, boot) = (NodeId(2), Some(BootId(2)));
    world.tell(Event::Fenced { node, boot, proof: "the agent says so".into() });
    assert_eq!(world.sent(), ["start web on ser1"]);
}

/// A world in which the fencing of node 2 is under way.
fn fencing() -> World {
    let mut world = World::settled();
    world.see(&[1, 3], true);
    world.graphs.push_back(graph(&cluster_event(1, "stonith", 2)));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    world
}

fn fence_requests(world: &World) -> Vec<BootId> {
    let boot = |effect: &Effect| match effect {
        Effect::Fence { boot, .. } => Some(*boot),
        _ => None,
    };
    world.effects.iter().filter_map(boot).collect()
}

#[test]
fn a_late_confirmation_proves_nothing_of_a_later_boot() {
    let mut world = fencing();
    assert_eq!(fence_requests(&world), [BootId(2)]);
    // the device has done its work and its word is on the way; the node is back and may run things
    world.boots.insert(NodeId(2), BootId(22));
    world.see(&[1, 2, 3], true);
    world.pass(10);
    let (node, boot) = (NodeId(2), Some(BootId(2)));
    assert_eq!(world.records[&node].state, RecordState::Active);
    world.tell(Event::Fenced { node, boot, proof: "the agent says so".into() });
    assert_eq!(world.records[&node].state, RecordState::Active);
    assert_eq!(world.records[&node].boot, BootId(22));
    // lost again, it is not taken for one that is confirmed off
    world.see(&[1, 3], true);
    world.tell(Event::Fenced { node, boot, proof: "the agent says so again".into() });
    assert_eq!(world.records[&node].state, RecordState::Active);
    assert_ne!(world.node_state(2), ("down".into(), "down".into()));
    // nor does anybody's word that a node is off count while it is here
    world.see(&[1, 2, 3], true);
    world.tell(Event::Fenced { node, boot: None, proof: "a human says so".into() });
    assert_eq!(world.records[&node].state, RecordState::Active);
}

#[test]
fn a_node_that_goes_down_while_it_is_fenced_is_not_fenced_twice() {
    let mut world = World::settled();
    let fence = graph(&cluster_event(1, "stonith", 2));
    world.graphs.push_back(fence.clone());
    world.tell(Event::Replan { reason: "its stop failed".into() });
    world.pass(10);
    assert_eq!(fence_requests(&world), [BootId(2)]);
    world.graphs.push_back(fence.clone());
    world.see(&[1, 3], true);
    world.pass(10);
    assert_eq!(fence_requests(&world), [BootId(2)], "the one under way will do");
    // but one for a boot that is no more would prove nothing of this one
    world.boots.insert(NodeId(2), BootId(22));
    world.see(&[1, 2, 3], true);
    world.graphs.push_back(fence);
    world.tell(Event::Replan { reason: "its stop failed again".into() });
    world.pass(10);
    assert_eq!(fence_requests(&world), [BootId(2), BootId(22)]);
    let (node, boot) = (NodeId(2), BootId(2));
    world.tell(Event::FencingFailed { node, boot, reason: "too late".into() });
    assert!(world.controller.waiting(world.clock()).is_empty(), "nobody waits for that one");
    world.tell(Event::Fenced { node, boot: Some(BootId(22)), proof: "the agent".into() });
    assert_eq!(world.records[&node].state, RecordState::Fenced);
}

#[test]
fn a_coordinator_that_is_to_ignore_quorum_acts_as_if_it_had_one() {
    let mut world = World::settled();
    let config = super::testing::CONFIG.replace(
        "<nvpair id=\"o1\"",
        "<nvpair id=\"nq\" name=\"no-quorum-policy\" value=\"ignore\"/><nvpair id=\"o1\"",
    );
    assert_ne!(config, super::testing::CONFIG);
    world.tell(Event::Config(std::sync::Arc::new(cib::parse(&config).unwrap())));
    world.pass(10);
    world.log = false;
    world.see(&[1], false);
    world.graphs.push_back(graph(
        &[cluster_event(1, "stonith", 2), operation(2, "start", 1, 0, &[1])].concat(),
    ));
    world.tell(Event::Coordinating { generation: Generation(1), term: Term(1) });
    world.pass(10);
    assert_eq!(fence_requests(&world), [BootId(2)]);
    assert_eq!(world.sent(), [""; 0]);
    let (node, boot) = (NodeId(2), Some(BootId(2)));
    world.tell(Event::Fenced { node, boot, proof: "the agent says so".into() });
    assert_eq!(
        world.sent(),
        ["start web on ser1"],
        "nobody can write it down, nobody waits for it"
    );
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
fn without_quorum_hands_are_asked_in_the_name_of_whom_they_obeyed_last() {
    let mut world = World::settled();
    world.see(&[1, 2], false);
    world.tell(Event::Coordinating { generation: Generation(1), term: Term(1) });
    let ours = model::Authority { generation: Generation(1), term: Term(1), sequence: 0 };
    let highest = model::Authority { term: Term(7), sequence: 40, ..ours };
    let report = HandsReport::Refused { authority: ours, highest, transition_key: String::new() };
    world.tell(Event::Hands { node: NodeId(2), report });
    world.pass(10);
    world.graphs.push_back(graph(&operation(1, "stop", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let Some((NodeId(2), HandsCommand::Execute { authority, .. })) = world.sent.pop() else {
        panic!("nothing is stopped")
    };
    assert_eq!((authority.generation, authority.term), (Generation(1), Term(7)));
}

#[test]
fn hands_that_obey_somebody_else_get_nothing_but_the_question_and_the_others_do_not_suffer() {
    let mut world = World::settled();
    let history = world.histories.remove(&NodeId(2)).unwrap();
    world.graphs.push_back(graph(&operation(1, "stop", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    assert_eq!(world.sent(), ["stop web on ser2"]);
    let ours = model::Authority { generation: Generation(1), term: Term(1), sequence: 4 };
    let highest = model::Authority { term: Term(2), ..ours };
    let transition_key = String::new();
    let report = HandsReport::Refused { authority: ours, highest, transition_key };
    world.graphs.push_back(graph(
        &[operation(1, "start", 2, 0, &[]), operation(2, "start", 1, 0, &[])].concat(),
    ));
    world.tell(Event::Hands { node: NodeId(2), report });
    world.pass(10);
    assert_eq!(world.controller.role(), Role::Leading);
    assert_eq!(world.sent(), ["start web on ser1"]);
    let silent = Waiting::Silent { node: "ser2".into() };
    assert!(world.controller.waiting(world.clock()).contains(&silent));
    // when they obey this one again, they are taken in
    world.histories.insert(NodeId(2), history);
    world.pass(2_500);
    world.pass(10);
    assert!(!world.controller.waiting(world.clock()).contains(&silent));
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
fn with_fencing_a_silent_member_is_not_taken_for_one_that_runs_nothing() {
    let mut world = World::settled();
    with_fencing(&mut world);
    world.histories.remove(&NodeId(3));
    world.lead(2);
    world.pass(600);
    let (_, document) = world.asked.last().unwrap();
    let state = document.child("status").unwrap().find_id("3").unwrap();
    assert!(state.find_id("status-3-maintenance").is_some());
}

/// Node 3 stood still and comes back while it stops what runs on node 2 by now, or does not.
fn after_a_standstill(stopping: bool) -> World {
    let mut world = World::settled();
    let config = with_nodes(super::testing::CONFIG);
    world.tell(Event::Config(std::sync::Arc::new(cib::parse(&config).unwrap())));
    let started = |call| record("web", "start", 0, 0, call);
    let mut there = vec![started(4)];
    if stopping {
        let mut stop = record("web", "stop", 0, 193, -1);
        stop.status = ExecStatus::Pending;
        there.push(stop);
    }
    world.see(&[1, 2], true);
    world.pass(10);
    world.histories.insert(NodeId(2), vec![started(3)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.pass(10);
    world.histories.insert(NodeId(3), there);
    world.see(&[1, 2, 3], true);
    world.pass(600);
    world
}

#[test]
fn a_copy_on_its_way_out_of_a_node_that_was_away_does_not_cost_the_one_that_serves() {
    let mut world = after_a_standstill(true);
    assert_eq!(planned(&world), ["probe web on ser1"]);
    let entry = |world: &World| world.entry("web_last_0").and_then(|e| e.get("call-id")).is_some();
    assert!(entry(&world), "only the engine sees it so");
    // the stop fails: the resource may be active there, and that is not kept from the engine
    world.report(3, record("web", "stop", 0, 1, 5));
    world.pass(600);
    let (_, document) = world.asked.last().unwrap();
    let failed =
        document.child("status").unwrap().descendants().any(|entry| {
            entry.get("operation") == Some("stop") && entry.get("rc-code") == Some("1")
        });
    assert!(failed, "{}", document.to_xml());
}

#[test]
fn a_copy_that_nobody_stops_is_one_too_many() {
    let stops = planned(&after_a_standstill(false));
    assert!(stops.iter().any(|action| action.starts_with("stop web on ser2")), "{stops:?}");
    assert!(stops.iter().any(|action| action.starts_with("stop web on ser3")), "{stops:?}");
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

#[test]
fn a_leader_that_has_its_quorum_back_begins_anew_under_higher_numbers() {
    let mut world = World::settled();
    let asked = world.asked.len();
    world.see(&[1], false);
    world.tell(Event::Replan { reason: "nobody may decide this".into() });
    world.pass(10);
    assert_eq!(world.asked.len(), asked);
    assert!(world.controller.waiting(world.clock()).is_empty());
    world.effects.clear();
    world.see(&[1, 2, 3], true);
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 1);
    let sequences: Vec<u64> = world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Hands { command: HandsCommand::Join { authority }, .. } => {
                Some(authority.sequence)
            }
            _ => None,
        })
        .collect();
    assert_eq!(sequences, [3, 4, 5], "the first three joins had 0 to 2");
}

/// What the real engine plans for the last request, without what recurs and what is a mere point.
fn planned(world: &World) -> Vec<String> {
    let document = &world.asked.last().unwrap().1;
    let plan = pengine::schedule(document, world.clock().wall, &pengine::Options::default());
    let graph = super::graph::TransitionGraph::from_xml(&plan.graph).unwrap();
    graph
        .actions
        .values()
        .filter(|action| action.interval_ms() == 0)
        .filter_map(super::planning::describe)
        .collect()
}

/// The engine plans for nodes that the configuration knows.
fn with_nodes(text: &str) -> String {
    text.replace(
        "<nodes/>",
        "<nodes><node id=\"1\" uname=\"ser1\"/><node id=\"2\" uname=\"ser2\"/>\
         <node id=\"3\" uname=\"ser3\"/></nodes>",
    )
}

fn with_fencing(world: &mut World) {
    let text = with_nodes(super::testing::CONFIG)
        .replace("value=\"false\"", "value=\"true\"")
        .replace("<group", "<primitive id=\"fence\" class=\"stonith\" type=\"fence_x\"/><group");
    world.tell(Event::Config(std::sync::Arc::new(cib::parse(&text).unwrap())));
    world.pass(10);
}

#[test]
fn the_engine_fences_who_is_lost_and_nobody_who_left_or_is_confirmed_off() {
    let mut world = World::settled();
    with_fencing(&mut world);
    world.histories.insert(NodeId(2), vec![record("web", "start", 0, 0, 1)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.pass(10);
    world.see(&[1, 3], true);
    let fences = |world: &World| planned(world).contains(&"stonith ser2".to_owned());
    assert!(fences(&world), "{:?}", planned(&world));
    let starts = planned(&world).iter().any(|action| action.starts_with("start web"));
    assert!(starts, "it is recovered in the same plan: {:?}", planned(&world));
    world.tell(Event::Fenced { node: NodeId(2), boot: None, proof: "a human says so".into() });
    world.pass(10);
    assert!(!fences(&world), "{:?}", planned(&world));

    let mut world = World::settled();
    with_fencing(&mut world);
    world.graphs.push_back(graph(&cluster_event(1, "do_shutdown", 2)));
    world.tell(Event::LeaveAsked { node: NodeId(2) });
    world.see(&[1, 3], true);
    world.pass(10);
    assert!(!fences(&world), "{:?}", planned(&world));
}

#[test]
fn the_engine_sees_a_start_under_way_and_plans_it_again_where_it_is() {
    let mut world = World::settled();
    with_fencing(&mut world);
    for node in 1..=3 {
        let probe = |name| record(name, "monitor", 0, 7, 1);
        world.histories.insert(NodeId(node), vec![probe("web"), probe("fence")]);
        world.tell(Event::Reconnected { node: NodeId(node) });
    }
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    assert_eq!(world.sent(), ["start web on ser2"]);
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let planned = planned(&world);
    assert!(planned.contains(&"start web on ser2".to_owned()), "{planned:?}");
    assert!(!planned.iter().any(|action| action.starts_with("stop web")), "{planned:?}");
}

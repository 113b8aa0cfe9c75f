//! Stories of plans: made, carried out, broken off, failed; and of what results come to.

#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks for the few effects it is about")]

use model::{ExecStatus, HandsCommand, NodeId};

use super::attributes::Changed;
use super::interface::{Cleanup, Effect, Event, Severity, Wish};
use super::journal::What;
use super::testing::{World, graph, operation, record};
use super::waiting::Waiting;

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
fn a_start_under_way_that_is_to_be_undone_first_does_not_stand_for_the_start_after_that() {
    let mut world = World::settled();
    world.graphs.push_back(graph(&operation(1, "start", 2, 0, &[])));
    world.tell(Event::Replan { reason: "first".into() });
    world.pass(10);
    let start = world.one();
    // it has come into a group behind something that does not run yet: down, and up again
    let restart = [
        operation(7, "stop", 2, 0, &[]),
        operation(8, "start", 2, 0, &[7]),
        operation(9, "monitor", 2, 10_000, &[8]),
    ];
    world.graphs.push_back(graph(&restart.concat()));
    world.tell(Event::Replan { reason: "something changed".into() });
    world.pass(10);
    let stop = world.one();
    assert_eq!(stop.action, "stop");
    world.ends(&start, 0);
    assert_eq!(world.sent(), [""; 0]);
    world.ends(&stop, 0);
    assert_eq!(world.sent(), ["start web on ser2"]);
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
fn when_the_engine_fails_nothing_happens_until_something_changes_or_time_has_passed() {
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
    // it is asked again, less and less often
    world.pass(6_000);
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 1);
    let plan = world.asked.last().unwrap().0;
    world.tell(Event::PlanFailed { plan, reason: "it crashed on pe-error-3".into() });
    world.pass(20_000);
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 1);
    world.engine = true;
    world.tell(Event::Replan { reason: "a good change".into() });
    world.pass(10);
    assert!(world.controller.waiting(world.clock()).is_empty());
    // a failure after that begins to count anew
    world.engine = false;
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let (asked, plan) = (world.asked.len(), world.asked.last().unwrap().0);
    world.tell(Event::PlanFailed { plan, reason: "it was killed".into() });
    world.engine = true;
    world.pass(16_000);
    world.pass(10);
    assert_eq!(world.asked.len(), asked + 1);
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
fn cleanup_forgets_failures_and_history_so_that_the_resource_is_probed() {
    let mut world = World::settled();
    world.histories.insert(NodeId(2), vec![record("web", "start", 0, 1, 1)]);
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
fn three_thousand_results_are_taken_in() {
    let mut world = World::settled();
    let resource = |n: u32, node: u32| {
        operation(n, "monitor", node, 0, &[]).replace("\"web", &format!("\"web{}", n / 3))
    };
    let text: String = (0..3_000).map(|n| resource(n, n % 3 + 1)).collect();
    world.graphs.push_back(graph(&text));
    world.tell(Event::Replan { reason: "test".into() });
    world.pass(10);
    let operations = world.operations();
    assert_eq!(operations.len(), 3_000);
    for operation in &operations {
        world.ends(operation, 7);
        world.effects.clear();
    }
    assert!(world.controller.is_idle());
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
fn a_failure_that_a_human_claims_counts_and_leaves_the_start_in_the_history() {
    let mut world = World::settled();
    world.histories.insert(NodeId(2), vec![record("web", "start", 0, 0, 1)]);
    world.tell(Event::Reconnected { node: NodeId(2) });
    world.tell(Event::Fail { node: NodeId(2), resource: "web".into() });
    world.pass(10);
    assert_eq!(world.attribute(2, "fail-count-web#asyncmon_0"), Some("1"));
    assert_eq!(world.entry("web_last_0").unwrap().get("operation"), Some("start"));
    let failure = world.entry("web_last_failure_0").unwrap();
    assert_eq!(failure.get("exit-reason"), Some("Simulated failure"));
}

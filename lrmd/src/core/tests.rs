//! The hands' behaviour, one sentence a test.

#![allow(clippy::wildcard_enum_match_arm, reason = "tests pick the effects they are about")]

use std::collections::BTreeMap;

use model::{BootId, Generation, HandsId, Term};

use super::*;

struct World {
    hands: Hands,
    at: u64,
    sequence: u64,
    out: Vec<Effect>,
}

impl World {
    fn new() -> Self {
        Self::with_processes(4)
    }

    fn with_processes(processes_max: usize) -> Self {
        let settings = Settings {
            boot: BootId(1),
            hands: HandsId(2),
            processes_max,
            next_call: 1,
            repeat_failures: false,
        };
        let mut world = Self { hands: Hands::new(settings), at: 0, sequence: 0, out: Vec::new() };
        world.event(Event::Connected);
        world.command(HandsCommand::Quorate { quorate: true });
        world
    }

    fn event(&mut self, event: Event) {
        let wall = WallTime(1_000_000 + i64::try_from(self.at).unwrap());
        self.hands.handle(Monotonic(self.at), wall, event, &mut self.out);
    }

    fn command(&mut self, command: HandsCommand) {
        self.event(Event::Command(command));
    }

    fn authority(&mut self) -> Authority {
        self.sequence += 1;
        Authority { generation: Generation(1), term: Term(1), sequence: self.sequence }
    }

    fn execute(&mut self, operation: Operation) {
        let authority = self.authority();
        self.command(HandsCommand::Execute { authority, operation });
    }

    fn cancel(&mut self, resource: &str, action: &str, interval_ms: u64, key: &str) {
        let authority = self.authority();
        self.command(HandsCommand::Cancel {
            authority,
            resource: resource.into(),
            action: action.to_owned(),
            interval_ms,
            transition_key: key.to_owned(),
        });
    }

    fn exit(&mut self, token: Token, rc: i32) {
        let outcome =
            Outcome { status: ExecStatus::Done, rc, exit_reason: String::new(), exec_time_ms: 5 };
        self.event(Event::Exited { token, outcome });
    }

    fn tick(&mut self, at: u64) {
        self.at = at;
        self.event(Event::Tick);
    }

    /// Takes the effects of one kind, dropping all others.
    fn take<T>(&mut self, pick: impl FnMut(Effect) -> Option<T>) -> Vec<T> {
        std::mem::take(&mut self.out).into_iter().filter_map(pick).collect()
    }

    fn spawned(&mut self) -> Vec<(Token, String)> {
        self.take(|effect| match effect {
            Effect::Spawn { token, operation, .. } => Some((token, operation.key())),
            _ => None,
        })
    }

    fn one_spawn(&mut self) -> Token {
        let spawned = self.spawned();
        assert_eq!(spawned.len(), 1, "{spawned:?}");
        spawned[0].0
    }

    fn results(&mut self) -> Vec<(u64, OpRecord)> {
        self.take(|effect| match effect {
            Effect::Report(HandsReport::Result { report, record }) => Some((report, record)),
            _ => None,
        })
    }

    fn history(&mut self) -> Vec<(String, ExecStatus, i32)> {
        let authority = self.authority();
        self.out.clear();
        self.command(HandsCommand::Join { authority });
        let mut histories = self.take(|effect| match effect {
            Effect::Report(HandsReport::History { records, .. }) => Some(records),
            _ => None,
        });
        assert_eq!(histories.len(), 1);
        histories.remove(0).into_iter().map(|r| (r.key(), r.status, r.rc)).collect()
    }

    /// Runs an operation that ends at once.
    fn done(&mut self, operation: Operation, rc: i32) {
        self.out.clear();
        self.execute(operation);
        let token = self.one_spawn();
        self.exit(token, rc);
    }
}

fn op(resource: &str, action: &str, interval_ms: u64, key: &str) -> Operation {
    Operation {
        resource: resource.into(),
        agent: AgentSpec {
            class: "ocf".to_owned(),
            provider: Some("heartbeat".to_owned()),
            kind: "Dummy".to_owned(),
        },
        action: action.to_owned(),
        interval_ms,
        timeout_ms: 20_000,
        start_delay_ms: 0,
        parameters: BTreeMap::from([
            ("state".to_owned(), "/run/a".to_owned()),
            ("CRM_meta_timeout".to_owned(), "20000".to_owned()),
        ]),
        transition_key: key.to_owned(),
        node: "ser1".to_owned(),
    }
}

fn start(resource: &str) -> Operation {
    op(resource, "start", 0, &format!("1:1:0:{resource}"))
}

#[test]
fn a_start_runs_and_is_told_once() {
    let mut world = World::new();
    world.execute(start("a"));
    let token = world.one_spawn();
    world.at = 40;
    world.exit(token, 0);
    let results = world.results();
    assert_eq!(results.len(), 1);
    let (report, record) = &results[0];
    assert_eq!((*report, record.rc, record.status), (1, 0, ExecStatus::Done));
    assert_eq!(record.call_id, 1);
    assert_eq!(record.last_rc_change, WallTime(1_000_000));
    world.exit(token, 0);
    assert_eq!(world.results(), [], "a second exit of the same process tells nothing");
}

#[test]
fn one_operation_at_a_time_per_resource() {
    let mut world = World::new();
    world.execute(start("a"));
    world.execute(op("a", "stop", 0, "2:1:0:a"));
    world.execute(start("b"));
    let spawned = world.spawned();
    assert_eq!(
        spawned.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>(),
        ["a_start_0", "b_start_0"]
    );
    world.exit(spawned[0].0, 0);
    assert_eq!(world.spawned()[0].1, "a_stop_0");
}

#[test]
fn no_more_processes_than_allowed() {
    let mut world = World::with_processes(2);
    for resource in ["a", "b", "c"] {
        world.execute(start(resource));
    }
    let spawned = world.spawned();
    assert_eq!(spawned.len(), 2);
    world.exit(spawned[1].0, 0);
    assert_eq!(world.spawned()[0].1, "c_start_0");
}

#[test]
fn hanging_monitors_do_not_keep_a_stop_from_running() {
    let mut world = World::with_processes(1);
    world.done(start("a"), 0);
    world.done(op("a", "monitor", 10_000, "2:1:0:a"), 0);
    world.done(start("b"), 0);
    world.out.clear();
    world.tick(20_000);
    assert_eq!(world.spawned()[0].1, "a_monitor_10000", "which now hangs");
    world.execute(op("b", "stop", 0, "3:1:0:b"));
    assert_eq!(world.spawned()[0].1, "b_stop_0");
}

#[test]
fn a_late_operation_is_killed_and_told_as_timed_out() {
    let mut world = World::new();
    world.execute(start("a"));
    let token = world.one_spawn();
    assert_eq!(world.hands.next_wake(), Some(Monotonic(20_000)));
    world.tick(20_000);
    assert_eq!(world.out, [Effect::Kill { token }]);
    world.at = 20_100;
    world.out.clear();
    world.exit(token, 0);
    let (_, record) = world.results().remove(0);
    assert_eq!((record.status, record.rc), (ExecStatus::Timeout, 1));
    assert_eq!(record.exit_reason, "Resource agent did not complete within 20s");
}

#[test]
fn what_no_signal_reaches_is_given_up_and_blocks_nothing() {
    let mut world = World::new();
    world.execute(start("a"));
    let token = world.one_spawn();
    world.tick(20_000);
    world.out.clear();
    world.tick(30_000);
    let (_, record) = world.results().remove(0);
    assert_eq!(record.status, ExecStatus::Timeout);
    world.execute(op("a", "stop", 0, "2:1:0:a"));
    assert_eq!(world.spawned()[0].1, "a_stop_0");
    world.exit(token, 0);
    assert_eq!(world.results(), [], "its late end is no second result");
}

#[test]
fn a_recurring_operation_runs_an_interval_after_the_end_of_its_last_run() {
    let mut world = World::new();
    let mut monitor = op("a", "monitor", 10_000, "2:1:0:a");
    monitor.start_delay_ms = 500;
    world.execute(monitor);
    assert_eq!(world.spawned(), []);
    world.tick(500);
    let token = world.one_spawn();
    world.at = 900;
    world.exit(token, 0);
    assert_eq!(world.results().len(), 1);
    world.tick(10_899);
    assert_eq!(world.spawned(), []);
    world.tick(10_900);
    assert_eq!(world.spawned().len(), 1);
}

#[test]
fn repetitions_are_spread_over_half_an_interval() {
    let first: Vec<u64> =
        (0..50).map(|n| pause_ms(&op(&format!("r{n}"), "monitor", 10_000, ""), 1)).collect();
    assert!(first.iter().all(|ms| (5_000..=10_000).contains(ms)), "{first:?}");
    assert!(first.iter().any(|ms| *ms < 7_000) && first.iter().any(|ms| *ms > 8_000));
    assert_eq!(pause_ms(&op("r1", "monitor", 10_000, ""), 2), 10_000);
}

#[test]
fn a_recurring_result_is_told_when_it_changes() {
    let mut world = World::new();
    world.done(op("a", "monitor", 1_000, "2:1:0:a"), 0);
    assert_eq!(world.results().len(), 1);
    let mut told = Vec::new();
    for (at, rc) in [(2_000, 0), (4_000, 7), (6_000, 7), (8_000, 0)] {
        world.tick(at);
        let token = world.one_spawn();
        world.exit(token, rc);
        told.extend(world.results().into_iter().map(|(_, r)| (r.rc, r.last_rc_change.0)));
    }
    assert_eq!(told, [(7, 1_004_000), (0, 1_008_000)]);
}

#[test]
fn a_repeated_failure_is_told_each_time_where_wanted() {
    let mut world = World::new();
    world.hands.settings.repeat_failures = true;
    world.done(op("a", "monitor", 1_000, "2:1:0:a"), 7);
    assert_eq!(world.results().len(), 1);
    world.tick(2_000);
    let token = world.one_spawn();
    world.exit(token, 7);
    let (_, record) = world.results().remove(0);
    assert_eq!(record.last_rc_change, WallTime(1_000_000), "it has been so since the first run");
}

#[test]
fn a_cancelled_operation_says_so_and_is_silent() {
    let mut world = World::new();
    world.done(op("a", "monitor", 1_000, "2:1:0:a"), 0);
    world.out.clear();
    world.cancel("a", "monitor", 1_000, "9:2:0:x");
    let (_, record) = world.results().remove(0);
    assert_eq!((record.status, record.transition_key.as_str()), (ExecStatus::Cancelled, "9:2:0:x"));
    world.tick(60_000);
    assert_eq!(world.spawned(), []);
    assert_eq!(world.history(), []);
}

#[test]
fn cancelling_a_run_in_flight_kills_it() {
    let mut world = World::new();
    world.execute(op("a", "monitor", 1_000, "2:1:0:a"));
    let token = world.one_spawn();
    world.cancel("a", "monitor", 1_000, "9:2:0:x");
    assert_eq!(world.out, [Effect::Kill { token }]);
    world.exit(token, 7);
    let results = world.results();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].1.status, ExecStatus::Cancelled);
}

#[test]
fn cancelling_what_nobody_knows_is_answered() {
    let mut world = World::new();
    world.cancel("a", "monitor", 1_000, "9:2:0:x");
    let (_, record) = world.results().remove(0);
    assert_eq!((record.status, record.call_id), (ExecStatus::Cancelled, -1));
}

#[test]
fn a_stop_ends_monitoring_at_once() {
    let mut world = World::new();
    world.done(start("a"), 0);
    world.done(op("a", "monitor", 1_000, "2:1:0:a"), 0);
    world.out.clear();
    world.tick(1_000);
    let monitor = world.one_spawn();
    world.execute(op("a", "stop", 0, "3:1:0:a"));
    assert!(world.out.contains(&Effect::Kill { token: monitor }), "a slow monitor delays no stop");
    world.exit(monitor, 1);
    let spawned = world.spawned();
    assert_eq!(spawned[0].1, "a_stop_0");
    world.exit(spawned[0].0, 0);
    world.tick(60_000);
    let started = world.out.iter().any(|effect| matches!(effect, Effect::Spawn { .. }));
    assert!(!started, "nothing recurs after the stop");
    assert_eq!(world.history(), [("a_stop_0".to_owned(), ExecStatus::Done, 0)]);
}

#[test]
fn the_same_key_in_flight_is_adopted() {
    let mut world = World::new();
    world.execute(start("a"));
    let token = world.one_spawn();
    world.execute(start("a"));
    assert_eq!(world.spawned(), []);
    world.exit(token, 0);
    assert_eq!(world.results().len(), 1);
}

#[test]
fn the_same_key_already_done_is_told_again_and_not_repeated() {
    let mut world = World::new();
    world.done(start("a"), 0);
    world.done(op("a", "monitor", 1_000, "2:1:0:a"), 0);
    world.out.clear();
    world.command(HandsCommand::Acknowledge { through: 9 });
    world.execute(start("a"));
    world.execute(op("a", "monitor", 1_000, "2:1:0:a"));
    let results = world.results();
    assert_eq!(
        results.iter().map(|(report, r)| (*report, r.key())).collect::<Vec<_>>(),
        [(3, "a_start_0".to_owned()), (4, "a_monitor_1000".to_owned())]
    );
    world.tick(2_000);
    assert_eq!(world.spawned().len(), 1, "and the monitor goes on as before");
}

#[test]
fn results_are_told_to_each_new_brain_until_acknowledged() {
    let mut world = World::new();
    world.done(start("a"), 0);
    world.done(start("b"), 0);
    world.event(Event::Disconnected);
    world.out.clear();
    world.event(Event::Connected);
    assert_eq!(world.results().iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 2]);
    world.command(HandsCommand::Acknowledge { through: 1 });
    assert_eq!(world.out, [Effect::Discard { call_id: 1 }]);
    world.out.clear();
    world.event(Event::Connected);
    assert_eq!(world.results().iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_join_reads_out_results_and_what_is_in_flight() {
    let mut world = World::new();
    world.done(op("a", "monitor", 0, "1:0:7:x"), 7);
    world.done(start("a"), 0);
    world.done(op("a", "monitor", 10_000, "2:1:0:x"), 0);
    world.execute(start("b"));
    world.execute(op("b", "monitor", 10_000, "3:1:0:x"));
    assert_eq!(
        world.history(),
        [
            ("a_start_0".to_owned(), ExecStatus::Done, 0),
            ("a_monitor_10000".to_owned(), ExecStatus::Done, 0),
            ("b_start_0".to_owned(), ExecStatus::Pending, 193),
            ("b_monitor_10000".to_owned(), ExecStatus::Pending, 193),
        ]
    );
}

#[test]
fn a_failure_stays_in_the_history_until_forgotten() {
    let mut world = World::new();
    world.done(op("a", "monitor", 1_000, "2:1:0:x"), 7);
    world.done(op("a", "stop", 0, "3:1:0:x"), 0);
    world.done(start("a"), 0);
    assert_eq!(
        world.history(),
        [
            ("a_monitor_1000".to_owned(), ExecStatus::Done, 7),
            ("a_start_0".to_owned(), ExecStatus::Done, 0),
        ]
    );
    let authority = world.authority();
    world.command(HandsCommand::Forget {
        authority,
        resource: "a".into(),
        operation: Some(("monitor".to_owned(), 1_000)),
    });
    assert_eq!(world.history(), [("a_start_0".to_owned(), ExecStatus::Done, 0)]);
    let authority = world.authority();
    world.command(HandsCommand::Forget { authority, resource: "a".into(), operation: None });
    assert_eq!(world.history(), []);
}

#[test]
fn after_a_join_older_commands_start_nothing() {
    let mut world = World::new();
    let late = world.authority();
    let newer = Authority { generation: Generation(1), term: Term(2), sequence: 0 };
    world.command(HandsCommand::Join { authority: newer });
    world.out.clear();
    world.command(HandsCommand::Execute { authority: late, operation: start("a") });
    let refused = world.take(|effect| match effect {
        Effect::Report(HandsReport::Refused { authority, highest, transition_key }) => {
            Some((authority, highest, transition_key))
        }
        Effect::Spawn { .. } => panic!("started"),
        _ => None,
    });
    assert_eq!(refused, [(late, newer, "1:1:0:a".to_owned())]);
}

#[test]
fn without_quorum_only_what_makes_things_safer_runs() {
    let mut world = World::new();
    world.done(start("a"), 0);
    world.command(HandsCommand::Quorate { quorate: false });
    world.execute(start("b"));
    assert_eq!(world.spawned(), []);
    world.execute(op("a", "stop", 0, "5:1:0:a"));
    assert_eq!(world.spawned().len(), 1);
}

#[test]
fn a_stop_uses_the_parameters_of_the_start() {
    let mut world = World::new();
    world.done(start("a"), 0);
    let remembered = world.take(|effect| match effect {
        Effect::Remember { started, .. } => Some(started.map(|s| s.parameters)),
        _ => None,
    });
    assert_eq!(
        remembered,
        [Some(BTreeMap::from([("state".to_owned(), "/run/a".to_owned())]))],
        "also for a later life"
    );
    let mut stop = op("a", "stop", 0, "5:1:0:a");
    stop.parameters.insert("state".to_owned(), "/run/elsewhere".to_owned());
    stop.parameters.insert("CRM_meta_timeout".to_owned(), "7000".to_owned());
    world.execute(stop);
    let ran = world.take(|effect| match effect {
        Effect::Spawn { operation, .. } => Some(operation.parameters.clone()),
        _ => None,
    });
    assert_eq!(ran[0]["state"], "/run/a");
    assert_eq!(ran[0]["CRM_meta_timeout"], "7000");
}

#[test]
fn a_start_in_flight_of_a_former_life_is_taken_up_and_not_repeated() {
    let mut world = World::new();
    let operation = Arc::new(start("a"));
    world.at = 5_000;
    world.event(Event::TakenUp { call_id: 41, operation, ran_ms: 3_000 });
    let watched = world.take(|effect| match effect {
        Effect::Watch { token, call_id: 41 } => Some(token),
        _ => None,
    });
    assert_eq!(world.hands.next_wake(), Some(Monotonic(22_000)), "its deadline stands");
    world.execute(start("a"));
    assert_eq!(world.spawned(), []);
    world.exit(watched[0], 0);
    let results = world.results();
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].1.call_id, results[0].1.rc), (41, 0));
    world.done(op("a", "monitor", 1_000, "7:1:0:a"), 0);
    assert_eq!(world.results()[0].1.call_id, 42);
}

#[test]
fn what_ended_well_while_the_hands_were_away_longer_than_its_timeout_is_no_timeout() {
    let mut world = World::new();
    let operation = Arc::new(start("a"));
    world.at = 500_000;
    world.event(Event::TakenUp { call_id: 41, operation, ran_ms: 400_000 });
    let watched = world.take(|effect| match effect {
        Effect::Watch { token, call_id: 41 } => Some(token),
        _ => None,
    });
    world.event(Event::Tick);
    assert_eq!(world.results(), [], "its end is heard first");
    world.exit(watched[0], 0);
    let results = world.results();
    assert_eq!((results[0].1.call_id, results[0].1.status), (41, ExecStatus::Done));
}

#[test]
fn hands_without_a_brain_stop_what_they_run_in_reverse_order_where_told_to() {
    let mut world = World::new();
    world.command(HandsCommand::Policy { stop_without_brain_ms: Some(3_000) });
    world.done(start("address"), 0);
    world.done(start("web"), 0);
    world.done(op("database", "promote", 0, "4:1:0:x"), 0);
    world.done(op("web", "monitor", 60_000, "5:1:0:x"), 0);
    world.event(Event::Disconnected);
    world.tick(2_999);
    assert_eq!(world.spawned(), []);
    world.tick(3_000);
    let mut order = Vec::new();
    loop {
        let spawned = world.spawned();
        let Some((token, key)) = spawned.first() else { break };
        assert_eq!(spawned.len(), 1, "one after the other");
        order.push(key.clone());
        world.exit(*token, 0);
    }
    assert_eq!(order, ["database_demote_0", "database_stop_0", "web_stop_0", "address_stop_0"]);
}

#[test]
fn hands_whose_log_is_void_stop_everything_before_they_answer_the_winner() {
    let mut world = World::new();
    world.done(start("address"), 0);
    world.done(start("web"), 0);
    world.results();
    world.command(HandsCommand::GiveWay);
    // the winner's term is a lower one
    let authority = Authority { generation: Generation(1), term: Term(0), sequence: 0 };
    world.command(HandsCommand::Join { authority });
    let answered = |world: &World| {
        world.out.iter().any(|effect| matches!(effect, Effect::Report(HandsReport::History { .. })))
    };
    assert!(!answered(&world));
    // told again, since the link broke: nothing is begun twice, and the question is asked anew
    world.event(Event::Disconnected);
    world.event(Event::Connected);
    world.command(HandsCommand::GiveWay);
    world.command(HandsCommand::Join { authority });
    let (token, first) = world.spawned().remove(0);
    assert_eq!(first, "web_stop_0");
    world.exit(token, 0);
    assert!(!answered(&world), "the address is still there");
    let (token, second) = world.spawned().remove(0);
    assert_eq!(second, "address_stop_0");
    world.exit(token, 0);
    assert!(answered(&world));
    // from now on they are the winner's
    world.command(HandsCommand::Quorate { quorate: true });
    let operation = op("address", "start", 0, "99:1:0:y");
    world.command(HandsCommand::Execute { authority, operation });
    assert_eq!(world.spawned().len(), 1);
    world.tick(100_000);
    assert_eq!(world.spawned(), [], "nothing is stopped any more");
}

#[test]
fn a_brain_that_comes_back_in_time_finds_everything_running() {
    let mut world = World::new();
    world.command(HandsCommand::Policy { stop_without_brain_ms: Some(3_000) });
    world.done(start("a"), 0);
    world.event(Event::Disconnected);
    world.tick(2_000);
    world.event(Event::Connected);
    world.tick(10_000);
    assert_eq!(world.spawned(), []);
    world.command(HandsCommand::Policy { stop_without_brain_ms: None });
    world.event(Event::Disconnected);
    world.tick(99_000);
    assert_eq!(world.spawned(), [], "and without the policy nothing is stopped");
}

#[test]
fn a_queue_that_grows_without_end_is_cut_off_with_an_answer() {
    let mut world = World::new();
    for n in 0..=QUEUE_MAX + 1 {
        world.execute(op("a", "notify", 0, &format!("{n}:1:0:x")));
    }
    let (_, record) = world.results().remove(0);
    assert_eq!(record.status, ExecStatus::Invalid);
    assert!(record.exit_reason.contains("64 operations wait"), "{}", record.exit_reason);
}

#[test]
fn digests_are_pacemakers() {
    // From Pacemaker's published examples: no parameters at all, and one.
    let none = op("a", "start", 0, "");
    let empty = Operation { parameters: BTreeMap::new(), ..none.clone() };
    assert_eq!(digests::digests(&empty, None).all, "f2317cad3d54cec5d7d7aa7d0bf35cf8");
    let mut with_meta = empty.clone();
    with_meta.parameters.insert("CRM_meta_timeout".to_owned(), "20000".to_owned());
    with_meta.parameters.insert("crm_feature_set".to_owned(), "3.20.5".to_owned());
    assert_eq!(digests::digests(&with_meta, None), digests::digests(&empty, None));
    with_meta.interval_ms = 10_000;
    assert_eq!(digests::digests(&with_meta, None).all, "4811cef7f7f94e3a35a70be7916cb2fd");
}

#[test]
fn traits_decide_over_restart_and_secrets() {
    let parameter = |name: &str, reloadable, private| ParameterTraits {
        name: name.to_owned(),
        unique: false,
        reloadable,
        private,
    };
    let traits = AgentTraits {
        reload: Reload::Agent,
        parameters: vec![
            parameter("state", false, false),
            parameter("passwd", false, true),
            parameter("fake", true, false),
        ],
    };
    let operation = op("a", "start", 0, "");
    let with = digests::digests(&operation, Some(&traits));
    assert_eq!(with.restart.as_ref().map(|r| r.0.as_str()), Some(" state  passwd "));
    assert_eq!(with.secure.as_ref().map(|r| r.0.as_str()), Some(" passwd "));
    let mut reloadable = operation.clone();
    reloadable.parameters.insert("fake".to_owned(), "new".to_owned());
    let other = digests::digests(&reloadable, Some(&traits));
    assert_eq!(other.restart, with.restart);
    assert_ne!(other.all, with.all);
    let mut secret = operation.clone();
    secret.parameters.insert("passwd".to_owned(), "hush".to_owned());
    assert_eq!(digests::digests(&secret, Some(&traits)).secure, with.secure);
    let monitor = Operation { interval_ms: 10_000, ..operation };
    assert_eq!(digests::digests(&monitor, Some(&traits)).restart, None);
}

/// Small and good enough to shuffle events.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What must hold whatever happens, checked on the effects of random events.
#[derive(Default)]
struct Watcher {
    alive: BTreeMap<Token, (ResourceId, bool)>,
    spawned: BTreeMap<String, u32>,
    results: BTreeMap<String, u32>,
    last_report: u64,
}

impl Watcher {
    fn watch(&mut self, seed: u64, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Spawn { token, operation, .. } => {
                    let busy = self.alive.values().any(|(r, _)| *r == operation.resource);
                    assert!(!busy, "seed {seed}: two at once on {}", operation.resource);
                    let recurring = operation.interval_ms > 0;
                    self.alive.insert(*token, (operation.resource.clone(), recurring));
                    if !recurring {
                        *self.spawned.entry(operation.transition_key.clone()).or_default() += 1;
                    }
                }
                // Older ones are told again to each new brain.
                Effect::Report(HandsReport::Result { report, record })
                    if *report > self.last_report =>
                {
                    assert_eq!(*report, self.last_report + 1, "seed {seed}");
                    self.last_report = *report;
                    let key = record.transition_key.clone();
                    *self.results.entry(key).or_default() += 1;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn whatever_happens_nothing_runs_twice_at_once_and_every_result_is_told() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let mut world = World::with_processes(3);
        let mut watcher = Watcher::default();
        let mut asked: Vec<Operation> = Vec::new();
        for step in 0..200 {
            world.at += dice.roll(400);
            match dice.roll(12) {
                0..=3 => {
                    let resource =
                        ["a", "b", "c", "d", "e"][usize::try_from(dice.roll(5)).unwrap()];
                    let action = ["start", "stop", "monitor", "notify"]
                        [usize::try_from(dice.roll(4)).unwrap()];
                    let mut operation = op(resource, action, 0, &format!("{step}:1:0:x"));
                    operation.timeout_ms = 300 + dice.roll(1_000);
                    asked.push(operation.clone());
                    world.execute(operation);
                }
                4 => {
                    let resource = ["a", "b", "c"][usize::try_from(dice.roll(3)).unwrap()];
                    world.execute(op(resource, "monitor", 1_000, &format!("{step}:2:0:x")));
                }
                5 => {
                    // Asked again, as a new DC does that has not seen the answer.
                    let count = u64::try_from(asked.len()).unwrap();
                    if count > 0 {
                        let recent = count - 1 - dice.roll(count.min(3));
                        world.execute(asked[usize::try_from(recent).unwrap()].clone());
                    }
                }
                6 => {
                    world.cancel("a", "monitor", 1_000, &format!("{step}:3:0:x"));
                }
                7 => {
                    world.event(Event::Disconnected);
                    world.event(Event::Connected);
                    world.command(HandsCommand::Quorate { quorate: true });
                }
                8 => world.event(Event::Tick),
                _ => {
                    let count = u64::try_from(watcher.alive.len()).unwrap();
                    if count > 0 {
                        let nth = usize::try_from(dice.roll(count)).unwrap();
                        let token = *watcher.alive.keys().nth(nth).unwrap();
                        watcher.alive.remove(&token);
                        let rc = i32::try_from(dice.roll(2)).unwrap() * 7;
                        world.exit(token, rc);
                    }
                }
            }
            world.event(Event::Tick);
            // Given up processes free their resource though no exit was seen.
            let hands = &world.hands;
            watcher.alive.retain(|token, _| hands.running.contains_key(token));
            let effects = std::mem::take(&mut world.out);
            watcher.watch(seed, &effects);
            assert!(world.hands.processes() <= 6, "seed {seed}");
            if let Some(wake) = world.hands.next_wake() {
                assert!(wake > Monotonic(world.at), "seed {seed}: the caller would spin");
            }
        }
        // Everything ends at last.
        for _ in 0..2_000 {
            let Some(token) = watcher.alive.keys().next().copied() else { break };
            watcher.alive.remove(&token);
            world.exit(token, 0);
            let effects = std::mem::take(&mut world.out);
            watcher.watch(seed, &effects);
        }
        for operation in &asked {
            let key = &operation.transition_key;
            let spawned = watcher.spawned.get(key).copied().unwrap_or(0);
            assert!(spawned <= 1, "seed {seed}: {key} ran {spawned} times");
            assert!(watcher.results.contains_key(key), "seed {seed}: no result of {key}");
        }
    }
}

//! Behaviours of the supervisor's core, each as a sentence.

use super::*;

fn step(core: &mut Core, now: u64, event: Event) -> Vec<Effect> {
    let mut out = Vec::new();
    core.handle(Monotonic(now), event, &mut out);
    out
}

fn started() -> Core {
    let mut core = Core::new();
    step(&mut core, 0, Event::Start);
    step(&mut core, 5, Event::Ready(Daemon::Hands));
    assert_eq!(step(&mut core, 9, Event::Ready(Daemon::Brain)), [Effect::StartDone(Ok(()))]);
    core
}

fn died(daemon: Daemon) -> Event {
    Event::Ended(daemon, End::Signal(9), None)
}

#[test]
fn the_hands_are_started_before_the_brain() {
    let mut core = Core::new();
    let effects = step(&mut core, 0, Event::Start);
    assert_eq!(effects, [Effect::Spawn(Daemon::Hands), Effect::Spawn(Daemon::Brain)]);
}

#[test]
fn a_start_of_what_runs_is_answered_at_once() {
    assert_eq!(step(&mut started(), 10, Event::Start), [Effect::StartDone(Ok(()))]);
}

#[test]
fn a_dead_brain_is_restarted_in_the_same_moment_and_the_hands_stay() {
    let mut core = started();
    let effects = step(&mut core, 1000, died(Daemon::Brain));
    assert_eq!(effects, [Effect::Spawn(Daemon::Brain)]);
    assert!(core.state(Daemon::Hands).ready);
}

#[test]
fn only_repeated_deaths_are_answered_later_and_later() {
    let mut core = started();
    for _ in 0..DEATHS_AT_ONCE {
        assert_eq!(step(&mut core, 1000, died(Daemon::Brain)), [Effect::Spawn(Daemon::Brain)]);
    }
    assert_eq!(step(&mut core, 1000, died(Daemon::Brain)), []);
    assert_eq!(core.next_deadline(), Some(Monotonic(1000 + BACKOFF_FIRST_MS)));
    assert!(core.state(Daemon::Brain).trouble.is_some());
    assert_eq!(step(&mut core, 1250, Event::Tick), [Effect::Spawn(Daemon::Brain)]);
    assert_eq!(step(&mut core, 1251, died(Daemon::Brain)), []);
    assert_eq!(core.next_deadline(), Some(Monotonic(1251 + 2 * BACKOFF_FIRST_MS)));
    // A good while later the slate is clean.
    step(&mut core, 1751, Event::Tick);
    assert_eq!(step(&mut core, 60_000, died(Daemon::Brain)), [Effect::Spawn(Daemon::Brain)]);
}

#[test]
fn a_first_start_that_fails_says_why_and_leaves_nothing_running() {
    let mut core = Core::new();
    step(&mut core, 0, Event::Start);
    step(&mut core, 1, Event::Ready(Daemon::Hands));
    step(&mut core, 2, Event::Failed(Daemon::Brain, "port 5405 is in use".into()));
    let effects = step(&mut core, 3, Event::Ended(Daemon::Brain, End::Code(1), None));
    assert_eq!(
        effects,
        [Effect::Terminate(Daemon::Hands), Effect::StartDone(Err("port 5405 is in use".into()))]
    );
    assert_eq!(step(&mut core, 4, Event::Ended(Daemon::Hands, End::Code(0), None)), []);
    assert!(!core.wanted());
}

#[test]
fn a_start_while_the_failed_one_still_ends_begins_afterwards() {
    let mut core = Core::new();
    step(&mut core, 0, Event::Start);
    step(&mut core, 1, died(Daemon::Brain));
    assert_eq!(step(&mut core, 2, Event::Start), []);
    let effects = step(&mut core, 3, Event::Ended(Daemon::Hands, End::Code(0), None));
    assert_eq!(effects, [Effect::Spawn(Daemon::Hands), Effect::Spawn(Daemon::Brain)]);
}

#[test]
fn a_silent_death_is_told_with_the_last_line_of_the_log() {
    let mut core = Core::new();
    step(&mut core, 0, Event::Start);
    let words = Some("panicked at x".to_owned());
    let effects = step(&mut core, 3, Event::Ended(Daemon::Brain, End::Code(101), words));
    let Some(Effect::StartDone(Err(reason))) = effects.last() else { panic!("{effects:?}") };
    assert!(reason.contains("'systole node' ended with exit status 101"), "{reason}");
    assert!(reason.contains("panicked at x"), "{reason}");
}

#[test]
fn a_stop_lets_the_brain_leave_before_the_hands_end() {
    let mut core = started();
    let effects = step(&mut core, 100, Event::Stop { all: true, force: false });
    assert_eq!(effects, [Effect::AskLeave { all: true }]);
    assert_eq!(step(&mut core, 101, Event::LeaveAnswered(Ok(()))), []);
    let effects = step(&mut core, 900, Event::Ended(Daemon::Brain, End::Code(0), None));
    assert_eq!(effects, [Effect::Terminate(Daemon::Hands)]);
    let effects = step(&mut core, 950, Event::Ended(Daemon::Hands, End::Code(0), None));
    assert_eq!(effects, [Effect::StopDone(Ok(()))]);
    assert_eq!(core.next_deadline(), None);
}

#[test]
fn hands_that_die_while_the_brain_leaves_come_back_to_stop_what_runs() {
    let mut core = started();
    step(&mut core, 100, Event::Stop { all: false, force: false });
    assert_eq!(step(&mut core, 200, died(Daemon::Hands)), [Effect::Spawn(Daemon::Hands)]);
}

#[test]
fn a_brain_that_cannot_be_asked_is_told_by_signal_and_at_last_killed() {
    let mut core = started();
    step(&mut core, 0, Event::Stop { all: false, force: false });
    let effects = step(&mut core, 10, Event::LeaveAnswered(Err("no answer".into())));
    assert_eq!(effects, [Effect::Terminate(Daemon::Brain)]);
    let late = core.next_deadline().unwrap();
    assert_eq!(step(&mut core, late.0, Event::Tick), [Effect::Kill(Daemon::Brain)]);
}

#[test]
fn a_brain_that_leaves_by_itself_takes_the_hands_with_it() {
    let mut core = started();
    let effects = step(&mut core, 100, Event::Ended(Daemon::Brain, End::Code(0), None));
    assert_eq!(effects, [Effect::Terminate(Daemon::Hands)]);
}

#[test]
fn an_adopted_brain_that_announced_its_end_is_not_brought_back() {
    let mut core = Core::new();
    for daemon in Daemon::ALL {
        step(&mut core, 0, Event::Adopted(daemon));
    }
    step(&mut core, 10, Event::Stopping(Daemon::Brain));
    let effects = step(&mut core, 20, Event::Ended(Daemon::Brain, End::Unknown, None));
    assert_eq!(effects, [Effect::Terminate(Daemon::Hands)]);
}

#[test]
fn after_its_own_restart_it_brings_back_only_what_is_gone() {
    let mut core = Core::new();
    step(&mut core, 0, Event::Adopted(Daemon::Hands));
    let mut out = Vec::new();
    core.resume(&mut out);
    assert_eq!(out, [Effect::Spawn(Daemon::Brain)]);
}

#[test]
fn a_fatal_end_is_not_answered_with_a_restart() {
    let mut core = started();
    step(&mut core, 10, Event::Failed(Daemon::Brain, "the log's disk failed".into()));
    assert_eq!(step(&mut core, 11, Event::Ended(Daemon::Brain, End::Code(100), None)), []);
    let state = core.state(Daemon::Brain);
    assert_eq!(state.trouble.as_deref(), Some("the log's disk failed"));
    // A human may try again.
    assert_eq!(step(&mut core, 99, Event::Start), [Effect::Spawn(Daemon::Brain)]);
}

#[test]
fn a_daemon_that_never_becomes_ready_is_named() {
    let mut core = Core::new();
    step(&mut core, 0, Event::Start);
    step(&mut core, 1, Event::Ready(Daemon::Hands));
    let effects = step(&mut core, READY_TIMEOUT_MS, Event::Tick);
    let [Effect::StartDone(Err(reason))] = &effects[..] else { panic!("{effects:?}") };
    assert!(reason.contains("'systole node'") && !reason.contains("lrmd"), "{reason}");
}

#[test]
fn force_kills_and_answers_when_both_are_gone() {
    let mut core = started();
    let effects = step(&mut core, 1, Event::Stop { all: false, force: true });
    assert_eq!(effects, [Effect::Kill(Daemon::Brain), Effect::Kill(Daemon::Hands)]);
    assert_eq!(step(&mut core, 2, died(Daemon::Hands)), []);
    assert_eq!(step(&mut core, 3, died(Daemon::Brain)), [Effect::StopDone(Ok(()))]);
}

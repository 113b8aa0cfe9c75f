//! Decides when brain and hands are started, restarted and ended.
//!
//! Sans-io: the shell tells it what happened and when, and carries out the effects it returns.

#![warn(clippy::wildcard_enum_match_arm)]

use std::collections::VecDeque;

use model::Monotonic;

/// The cluster's daemons on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Daemon {
    /// `systole lrmd`, which runs the agents.
    Hands,
    /// `systole node`: membership, document, decisions.
    Brain,
}

impl Daemon {
    /// Both, in the order in which they are started.
    pub(crate) const ALL: [Self; 2] = [Self::Hands, Self::Brain];

    /// Returns the name under which the binary becomes this daemon.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Hands => "lrmd",
            Self::Brain => "node",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Hands => 0,
            Self::Brain => 1,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Hands => Self::Brain,
            Self::Brain => Self::Hands,
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It exited with this status.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// It was no child of ours (adopted), so nobody told how.
    Unknown,
}

impl End {
    fn text(self) -> String {
        match self {
            Self::Code(code) => format!("ended with exit status {code}"),
            Self::Signal(signal) => format!("was killed by signal {signal}"),
            Self::Unknown => "ended".to_owned(),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody wants the cluster to run here.
    Start,
    /// Somebody wants it not to run here; `all`: every node was asked; `force`: at once.
    Stop {
        /// Every node of the cluster was asked to stop.
        all: bool,
        /// Do not wait for an orderly leave.
        force: bool,
    },
    /// A daemon of an earlier supervisor still runs.
    Adopted(Daemon),
    /// The daemon could not even be started.
    SpawnFailed(Daemon, String),
    /// The daemon said it is up.
    Ready(Daemon),
    /// The daemon said why it is about to end.
    Failed(Daemon, String),
    /// The daemon said that it ends on purpose.
    Stopping(Daemon),
    /// The daemon ended; with the last line it left in the log.
    Ended(Daemon, End, Option<String>),
    /// The brain answered the request to leave, or could not be asked.
    LeaveAnswered(Result<(), String>),
    /// Time has passed.
    Tick,
}

/// What must be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start the process.
    Spawn(Daemon),
    /// Ask the process by a signal to end.
    Terminate(Daemon),
    /// End the process.
    Kill(Daemon),
    /// Ask the brain to stop what runs here and to leave.
    AskLeave {
        /// Every node of the cluster was asked.
        all: bool,
    },
    /// Everybody who waits for a start gets this answer.
    StartDone(Result<(), String>),
    /// Everybody who waits for a stop gets this answer.
    StopDone(Result<(), String>),
}

/// Who exits so is not to be restarted (`model::ExitCode::Fatal`).
const EXIT_FATAL: i32 = 100;

/// Deaths longer ago than this say nothing about the next one.
const DEATHS_WINDOW_MS: u64 = 10_000;
/// So many deaths inside the window are answered at once; after them we back off, so that a
/// daemon that cannot live does not eat the machine.
const DEATHS_AT_ONCE: usize = 3;
const BACKOFF_FIRST_MS: u64 = 250;
const BACKOFF_MAX_MS: u64 = 10_000;
/// Formation takes a second; a brain that has not even opened its sockets by then hangs.
const READY_TIMEOUT_MS: u64 = 20_000;
/// A daemon that has been asked to end and has nothing left to do needs milliseconds.
const TERMINATE_TIMEOUT_MS: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not there.
    Absent,
    /// Started, has not said yet that it is up.
    Starting,
    /// Up.
    Up,
    /// Died too often; comes again at this time.
    BackingOff { until: Monotonic },
    /// Asked to end; killed at this time.
    Ending { kill_at: Monotonic },
    /// Ended for a reason that a restart does not mend.
    GaveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Down,
    Up,
    Leaving,
}

#[derive(Clone, Debug)]
struct Child {
    phase: Phase,
    deaths: VecDeque<Monotonic>,
    /// Why it ended, in its own words.
    reason: Option<String>,
    /// It announced an end on purpose.
    stopping: bool,
}

impl Child {
    fn new() -> Self {
        Self { phase: Phase::Absent, deaths: VecDeque::new(), reason: None, stopping: false }
    }

    fn alive(&self) -> bool {
        match self.phase {
            Phase::Starting | Phase::Up | Phase::Ending { .. } => true,
            Phase::Absent | Phase::BackingOff { .. } | Phase::GaveUp => false,
        }
    }
}

/// What a daemon does, for status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DaemonState {
    /// The process is there.
    pub(crate) running: bool,
    /// It has said that it is up.
    pub(crate) ready: bool,
    /// Why it is not there although it should be.
    pub(crate) trouble: Option<String>,
}

/// The supervisor's decisions.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    goal: Goal,
    children: [Child; 2],
    /// Somebody waits for the first start to succeed, until this time.
    starting_until: Option<Monotonic>,
    /// A start was asked for while the former run still ends.
    start_again: bool,
    /// The stop in progress does not wait for anything.
    forced: bool,
}

impl Default for Core {
    fn default() -> Self {
        Self::new()
    }
}

impl Core {
    /// Makes a supervisor of a host on which nothing runs.
    pub(crate) fn new() -> Self {
        Self {
            goal: Goal::Down,
            children: [Child::new(), Child::new()],
            starting_until: None,
            start_again: false,
            forced: false,
        }
    }

    /// Advances by one event and appends what must now be done to `out`.
    pub(crate) fn handle(&mut self, now: Monotonic, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Start => self.start(now, out),
            Event::Stop { all, force } => self.stop(now, all, force, out),
            Event::Adopted(daemon) => {
                self.goal = Goal::Up;
                self.child(daemon).phase = Phase::Up;
            }
            Event::SpawnFailed(daemon, reason) => {
                self.child(daemon).reason = Some(reason);
                self.ended(now, daemon, End::Unknown, None, out);
            }
            Event::Ready(daemon) => {
                let child = self.child(daemon);
                if child.phase == Phase::Starting {
                    child.phase = Phase::Up;
                }
                self.answer_if_up(out);
            }
            Event::Failed(daemon, reason) => self.child(daemon).reason = Some(reason),
            Event::Stopping(daemon) => self.child(daemon).stopping = true,
            Event::Ended(daemon, end, last_words) => {
                self.ended(now, daemon, end, last_words, out);
            }
            Event::LeaveAnswered(Ok(())) => {}
            Event::LeaveAnswered(Err(_)) => {
                if self.goal == Goal::Leaving && self.child(Daemon::Brain).alive() {
                    self.terminate(now, Daemon::Brain, out);
                }
            }
            Event::Tick => {}
        }
        self.run_timers(now, out);
    }

    /// Brings back what died while nobody watched; called once after the living were adopted.
    pub(crate) fn resume(&mut self, out: &mut Vec<Effect>) {
        self.goal = Goal::Up;
        for daemon in Daemon::ALL {
            if !self.child(daemon).alive() {
                self.spawn(daemon, out);
            }
        }
    }

    /// Returns when `Tick` is wanted next.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        let of_children = self.children.iter().filter_map(|child| match child.phase {
            Phase::BackingOff { until } => Some(until),
            Phase::Ending { kill_at } => Some(kill_at),
            Phase::Absent | Phase::Starting | Phase::Up | Phase::GaveUp => None,
        });
        of_children.chain(self.starting_until).min()
    }

    /// Says whether the cluster is meant to run here.
    pub(crate) fn wanted(&self) -> bool {
        self.goal == Goal::Up
    }

    /// Returns what a daemon does.
    pub(crate) fn state(&self, daemon: Daemon) -> DaemonState {
        let child = &self.children[daemon.index()];
        let trouble = match child.phase {
            Phase::GaveUp | Phase::BackingOff { .. } => {
                Some(child.reason.clone().unwrap_or_else(|| "died repeatedly".to_owned()))
            }
            Phase::Absent | Phase::Starting | Phase::Up | Phase::Ending { .. } => None,
        };
        DaemonState { running: child.alive(), ready: child.phase == Phase::Up, trouble }
    }

    fn child(&mut self, daemon: Daemon) -> &mut Child {
        &mut self.children[daemon.index()]
    }

    fn start(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        match self.goal {
            Goal::Leaving => {
                let reason =
                    "the cluster is being stopped on this host, try again when it has left";
                out.push(Effect::StartDone(Err(reason.to_owned())));
            }
            Goal::Down if self.children.iter().any(Child::alive) => self.start_again = true,
            Goal::Down | Goal::Up => {
                self.goal = Goal::Up;
                for daemon in Daemon::ALL {
                    if !self.child(daemon).alive() {
                        *self.child(daemon) = Child::new();
                        self.spawn(daemon, out);
                    }
                }
                self.starting_until = Some(now + READY_TIMEOUT_MS);
                self.answer_if_up(out);
            }
        }
    }

    fn answer_if_up(&mut self, out: &mut Vec<Effect>) {
        let up = self.children.iter().all(|child| child.phase == Phase::Up);
        if up && self.starting_until.take().is_some() {
            out.push(Effect::StartDone(Ok(())));
        }
    }

    fn spawn(&mut self, daemon: Daemon, out: &mut Vec<Effect>) {
        let child = self.child(daemon);
        child.phase = Phase::Starting;
        child.stopping = false;
        child.reason = None;
        out.push(Effect::Spawn(daemon));
    }

    fn stop(&mut self, now: Monotonic, all: bool, force: bool, out: &mut Vec<Effect>) {
        if self.starting_until.take().is_some() || std::mem::take(&mut self.start_again) {
            out.push(Effect::StartDone(Err("the cluster was stopped meanwhile".to_owned())));
        }
        let already_leaving = self.goal == Goal::Leaving;
        self.goal = Goal::Leaving;
        let brain_alive = self.child(Daemon::Brain).alive();
        if force {
            self.forced = true;
            for daemon in [Daemon::Brain, Daemon::Hands] {
                let child = self.child(daemon);
                if child.alive() {
                    child.phase = Phase::Ending { kill_at: now + TERMINATE_TIMEOUT_MS };
                    out.push(Effect::Kill(daemon));
                } else {
                    child.phase = Phase::Absent;
                }
            }
            self.finish_leaving(now, out);
        } else if brain_alive {
            if !already_leaving {
                out.push(Effect::AskLeave { all });
            }
        } else {
            self.child(Daemon::Brain).phase = Phase::Absent;
            self.finish_leaving(now, out);
        }
    }

    /// Ends the hands once the brain is gone, and answers once both are.
    fn finish_leaving(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        if self.child(Daemon::Brain).alive() {
            return;
        }
        if self.child(Daemon::Hands).alive() {
            self.terminate(now, Daemon::Hands, out);
            return;
        }
        self.children = [Child::new(), Child::new()];
        self.goal = Goal::Down;
        self.forced = false;
        out.push(Effect::StopDone(Ok(())));
    }

    fn terminate(&mut self, now: Monotonic, daemon: Daemon, out: &mut Vec<Effect>) {
        let child = self.child(daemon);
        if !matches!(child.phase, Phase::Ending { .. }) {
            child.phase = Phase::Ending { kill_at: now + TERMINATE_TIMEOUT_MS };
            out.push(Effect::Terminate(daemon));
        }
    }

    fn ended(
        &mut self,
        now: Monotonic,
        daemon: Daemon,
        end: End,
        last_words: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        let child = self.child(daemon);
        let first_start = child.phase == Phase::Starting;
        let reason = child.reason.get_or_insert_with(|| why(daemon, end, last_words)).clone();
        let on_purpose = child.stopping || (daemon == Daemon::Brain && end == End::Code(0));
        child.phase = Phase::Absent;
        match self.goal {
            Goal::Down => self.start_if_asked_again(now, out),
            Goal::Leaving => {
                if daemon == Daemon::Hands && !self.forced && self.child(Daemon::Brain).alive() {
                    // The brain needs them to stop what runs here.
                    self.spawn(daemon, out);
                } else {
                    self.finish_leaving(now, out);
                }
            }
            Goal::Up if self.starting_until.is_some() && first_start => {
                // The first start failed: nothing is left half done.
                self.starting_until = None;
                self.goal = Goal::Down;
                let other = daemon.other();
                if self.child(other).alive() {
                    self.terminate(now, other, out);
                } else {
                    self.child(other).phase = Phase::Absent;
                }
                out.push(Effect::StartDone(Err(reason)));
            }
            Goal::Up if on_purpose && daemon == Daemon::Brain => {
                // It has left in order, whoever asked it to.
                self.goal = Goal::Leaving;
                self.finish_leaving(now, out);
            }
            Goal::Up if end == End::Code(EXIT_FATAL) => self.child(daemon).phase = Phase::GaveUp,
            Goal::Up => self.restart(now, daemon, out),
        }
    }

    /// Restarts at once, unless it has died too often of late.
    fn restart(&mut self, now: Monotonic, daemon: Daemon, out: &mut Vec<Effect>) {
        let child = self.child(daemon);
        child.deaths.push_back(now);
        while child.deaths.front().is_some_and(|death| now.since(*death) > DEATHS_WINDOW_MS) {
            child.deaths.pop_front();
        }
        match child.deaths.len().checked_sub(DEATHS_AT_ONCE + 1) {
            None => self.spawn(daemon, out),
            Some(surplus) => {
                let doublings = u32::try_from(surplus).unwrap_or(u32::MAX).min(16);
                let delay = (BACKOFF_FIRST_MS << doublings).min(BACKOFF_MAX_MS);
                child.phase = Phase::BackingOff { until: now + delay };
            }
        }
    }

    fn start_if_asked_again(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        if !self.children.iter().any(Child::alive) && std::mem::take(&mut self.start_again) {
            self.start(now, out);
        }
    }

    fn run_timers(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        for daemon in Daemon::ALL {
            match self.child(daemon).phase {
                Phase::BackingOff { until } if until <= now => self.spawn(daemon, out),
                Phase::Ending { kill_at } if kill_at <= now => {
                    let kill_at = now + TERMINATE_TIMEOUT_MS;
                    self.child(daemon).phase = Phase::Ending { kill_at };
                    out.push(Effect::Kill(daemon));
                }
                Phase::Absent
                | Phase::Starting
                | Phase::Up
                | Phase::BackingOff { .. }
                | Phase::Ending { .. }
                | Phase::GaveUp => {}
            }
        }
        if self.starting_until.is_some_and(|until| until <= now) {
            self.starting_until = None;
            let slow: Vec<_> = Daemon::ALL
                .into_iter()
                .filter(|daemon| self.child(*daemon).phase != Phase::Up)
                .map(|daemon| format!("'systole {}'", daemon.program()))
                .collect();
            out.push(Effect::StartDone(Err(format!(
                "{} started but did not become ready within {} s, see the log",
                slow.join(" and "),
                READY_TIMEOUT_MS / 1000
            ))));
        }
    }
}

/// Says why a daemon ended when it did not say so itself.
fn why(daemon: Daemon, end: End, last_words: Option<String>) -> String {
    let what = format!("'systole {}' {}", daemon.program(), end.text());
    match last_words {
        Some(words) => format!("{what}; the last line of its log: {words}"),
        None => what,
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;

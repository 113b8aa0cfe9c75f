//! Starts, watches and ends the cluster's daemons on a host without systemd.
//!
//! [`core`] decides; this shell waits for commands, ends of processes, what daemons say about
//! themselves and the clock. Ends arrive as events of the kernel, so a dead brain is back within
//! milliseconds.

pub(crate) mod core;
mod process;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use model::{Monotonic, Paths};
use rustix::process::Signal;
use tokio::net::UnixDatagram;
use tokio::sync::{mpsc, oneshot};

use self::core::{Core, Daemon, DaemonState, Effect, End, Event};
use self::process::Process;
use crate::store::{self, StoreError};

/// Commands wait for people, ends for processes; more than this at once is a flood.
const QUEUE_MAX: usize = 64;

/// A status line is a sentence; systemd allows no more either.
const NOTE_BYTES_MAX: usize = 4096;

type Answer = Result<(), String>;

/// What arrives at the shell's loop.
#[derive(Debug)]
enum Input {
    Start(oneshot::Sender<Answer>),
    Stop { all: bool, force: bool, answer: oneshot::Sender<Answer> },
    Status(oneshot::Sender<Status>),
    Ended(Daemon, End, Option<String>),
    LeaveAnswered(Answer),
}

/// What the daemons do, for people.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    /// The hands and the brain.
    pub(crate) daemons: [DaemonState; 2],
    /// What each said last about itself.
    pub(crate) notes: [Option<String>; 2],
}

/// The way to the supervisor; cheap to copy.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    inputs: mpsc::Sender<Input>,
}

/// The supervisor's task has ended; only while pcsd itself ends.
fn gone<T>(_: T) -> String {
    "pcsd is ending, try again".to_owned()
}

impl Supervisor {
    /// Starts supervising; daemons of an earlier pcsd are taken over as they run. `program` becomes
    /// a daemon by the daemon's name as its only argument.
    ///
    /// # Errors
    /// The runtime directory cannot be used.
    pub(crate) fn launch(paths: Paths, program: PathBuf) -> Result<Self, StoreError> {
        let (inputs, receiver) = mpsc::channel(QUEUE_MAX);
        let (hands, hands_said) = process::notify_socket(&paths, Daemon::Hands)?;
        let (brain, brain_said) = process::notify_socket(&paths, Daemon::Brain)?;
        let notify = [hands, brain];
        let mut shell = Shell {
            program,
            paths,
            core: Core::new(),
            epoch: Instant::now(),
            inputs: inputs.clone(),
            processes: [None, None],
            notes: [None, None],
            said: [hands_said, brain_said],
            starting: Vec::new(),
            stopping: Vec::new(),
        };
        shell.take_over();
        tokio::spawn(shell.run(receiver, notify));
        Ok(Self { inputs })
    }

    /// Starts the cluster's daemons; answered when they are up or have failed.
    ///
    /// # Errors
    /// Why they are not up, in one sentence.
    pub(crate) async fn start(&self) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.inputs.send(Input::Start(answer)).await.map_err(gone)?;
        answered.await.map_err(gone)?
    }

    /// Leaves the cluster and ends its daemons; answered when they have ended.
    ///
    /// # Errors
    /// Why they have not, in one sentence.
    pub(crate) async fn stop(&self, all: bool, force: bool) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.inputs.send(Input::Stop { all, force, answer }).await.map_err(gone)?;
        answered.await.map_err(gone)?
    }

    /// Returns what the daemons do.
    ///
    /// # Errors
    /// pcsd is ending.
    pub(crate) async fn status(&self) -> Result<Status, String> {
        let (answer, answered) = oneshot::channel();
        self.inputs.send(Input::Status(answer)).await.map_err(gone)?;
        answered.await.map_err(gone)
    }
}

struct Shell {
    program: PathBuf,
    paths: Paths,
    core: Core,
    epoch: Instant,
    inputs: mpsc::Sender<Input>,
    processes: [Option<Process>; 2],
    notes: [Option<String>; 2],
    /// The sockets again, to be read without asking the event loop.
    said: [std::os::unix::net::UnixDatagram; 2],
    starting: Vec<oneshot::Sender<Answer>>,
    stopping: Vec<oneshot::Sender<Answer>>,
}

fn slot(daemon: Daemon) -> usize {
    match daemon {
        Daemon::Hands => 0,
        Daemon::Brain => 1,
    }
}

impl Shell {
    /// Adopts what still runs. A pid file without its process means that the daemon died while
    /// nobody watched, and it is brought back: an orderly stop removes the files.
    fn take_over(&mut self) {
        let files: Vec<PathBuf> =
            Daemon::ALL.iter().map(|daemon| process::pid_file(&self.paths, *daemon)).collect();
        if !files.iter().any(|file| file.exists()) {
            return;
        }
        for daemon in Daemon::ALL {
            if let Some(process) = Process::adopt(&self.paths, daemon, &self.inputs) {
                tracing::info!(daemon = daemon.program(), pid = process.pid, "still runs, adopted");
                self.processes[slot(daemon)] = Some(process);
                self.feed(Event::Adopted(daemon));
            }
        }
        let mut effects = Vec::new();
        self.core.resume(&mut effects);
        self.carry_out(effects);
    }

    async fn run(mut self, mut inputs: mpsc::Receiver<Input>, notify: [UnixDatagram; 2]) {
        loop {
            let [hands, brain] = &notify;
            let deadline = self
                .core
                .next_deadline()
                .map(|at| self.epoch + Duration::from_millis(at.0) + Duration::from_millis(1));
            tokio::select! {
                _ = hands.readable() => self.listen(Daemon::Hands, hands),
                _ = brain.readable() => self.listen(Daemon::Brain, brain),
                input = inputs.recv() => match input {
                    Some(input) => {
                        // What a daemon said before it ended must count before its end, and
                        // its datagram may not have been announced yet.
                        self.listen_anyway();
                        self.input(input);
                    }
                    None => return,
                },
                () = sleep_until(deadline) => self.feed(Event::Tick),
            }
        }
    }

    /// Takes everything a daemon has said.
    fn listen(&mut self, daemon: Daemon, socket: &UnixDatagram) {
        let mut buffer = [0; NOTE_BYTES_MAX];
        while let Ok(length) = socket.try_recv(&mut buffer) {
            self.noted(daemon, &buffer[..length]);
        }
    }

    /// The same for both, past the event loop's knowledge of what is there.
    fn listen_anyway(&mut self) {
        let mut buffer = [0; NOTE_BYTES_MAX];
        for daemon in Daemon::ALL {
            while let Ok(length) = self.said[slot(daemon)].recv(&mut buffer) {
                self.noted(daemon, &buffer[..length]);
            }
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Start(answer) => {
                self.starting.push(answer);
                self.feed(Event::Start);
            }
            Input::Stop { all, force, answer } => {
                self.stopping.push(answer);
                self.feed(Event::Stop { all, force });
            }
            Input::Status(answer) => {
                let daemons = Daemon::ALL.map(|daemon| self.core.state(daemon));
                // Who asked may have gone away.
                drop(answer.send(Status { daemons, notes: self.notes.clone() }));
            }
            Input::Ended(daemon, end, last_words) => {
                tracing::info!(daemon = daemon.program(), ?end, "ended");
                self.processes[slot(daemon)] = None;
                self.feed(Event::Ended(daemon, end, last_words));
            }
            Input::LeaveAnswered(answer) => self.feed(Event::LeaveAnswered(answer)),
        }
    }

    /// Takes what a daemon says in systemd's protocol.
    fn noted(&mut self, daemon: Daemon, datagram: &[u8]) {
        let text = String::from_utf8_lossy(datagram);
        let value =
            |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        let status = value("STATUS=");
        if value("X_SYSTOLE_FAILED=").is_some() {
            self.feed(Event::Failed(daemon, status.clone().unwrap_or_default()));
        }
        if value("STOPPING=").is_some() {
            self.feed(Event::Stopping(daemon));
        }
        if status.is_some() {
            self.notes[slot(daemon)] = status;
        }
        if value("READY=").as_deref() == Some("1") {
            tracing::info!(daemon = daemon.program(), "ready");
            self.feed(Event::Ready(daemon));
        }
    }

    fn feed(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.core.handle(self.now(), event, &mut effects);
        self.carry_out(effects);
    }

    fn now(&self) -> Monotonic {
        Monotonic(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Spawn(daemon) => self.spawn(daemon),
                Effect::Terminate(daemon) => self.signal(daemon, Signal::TERM),
                Effect::Kill(daemon) => self.signal(daemon, Signal::KILL),
                Effect::AskLeave { all } => {
                    let (inputs, socket) = (self.inputs.clone(), self.paths.node_socket());
                    tokio::spawn(async move {
                        let answer = crate::brain::leave(&socket, all).await;
                        drop(inputs.send(Input::LeaveAnswered(answer)).await);
                    });
                }
                Effect::StartDone(answer) => {
                    for waiter in self.starting.drain(..) {
                        drop(waiter.send(answer.clone()));
                    }
                    if answer.is_err() && !self.core.wanted() {
                        self.forget();
                    }
                }
                Effect::StopDone(answer) => {
                    self.forget();
                    for waiter in self.stopping.drain(..) {
                        drop(waiter.send(answer.clone()));
                    }
                }
            }
        }
    }

    fn spawn(&mut self, daemon: Daemon) {
        match Process::spawn(&self.program, &self.paths, daemon, &self.inputs) {
            Ok(process) => {
                tracing::info!(daemon = daemon.program(), pid = process.pid, "started");
                self.processes[slot(daemon)] = Some(process);
            }
            Err(error) => {
                let reason = format!("cannot start 'systole {}': {error}", daemon.program());
                tracing::error!("{reason}");
                self.feed(Event::SpawnFailed(daemon, reason));
            }
        }
    }

    fn signal(&self, daemon: Daemon, signal: Signal) {
        if let Some(process) = &self.processes[slot(daemon)] {
            tracing::info!(daemon = daemon.program(), pid = process.pid, ?signal, "signalled");
            process.signal(signal);
        }
    }

    /// The cluster is meant to be down: a later pcsd shall not bring it back.
    fn forget(&mut self) {
        self.notes = [None, None];
        for daemon in Daemon::ALL {
            if let Err(error) = store::remove(&process::pid_file(&self.paths, daemon)) {
                tracing::warn!(error = store::chain(&error), "cannot forget a daemon");
            }
        }
    }
}

/// Sleeps until a moment, for ever without one.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    /// A host below a temporary root whose daemons are a shell script.
    struct Host {
        root: tempfile::TempDir,
        paths: Paths,
    }

    impl Host {
        fn new(script: &str) -> Self {
            let root = tempfile::tempdir().unwrap();
            let program = root.path().join("daemon");
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let paths = Paths::under(Some(root.path().into()));
            Self { root, paths }
        }

        fn launch(&self) -> Supervisor {
            Supervisor::launch(self.paths.clone(), self.root.path().join("daemon")).unwrap()
        }

        fn pid(&self, daemon: Daemon) -> Option<String> {
            let text = store::read_text(&process::pid_file(&self.paths, daemon)).unwrap()?;
            Some(text.split(' ').next().unwrap().to_owned())
        }

        async fn wait_for(&self, what: impl Fn(&Self) -> bool) {
            let begin = Instant::now();
            while !what(self) {
                assert!(begin.elapsed() < Duration::from_secs(60), "it did not happen");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }

    fn kill(pid: &str) {
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn a_daemon_that_dies_at_once_is_told_with_its_last_words_and_leaves_nothing() {
        let host = Host::new("[ $1 = node ] || exec sleep 100\necho the disk is full >&2\nexit 3");
        let supervisor = host.launch();
        let reason = supervisor.start().await.unwrap_err();
        assert!(reason.contains("'systole node' ended with exit status 3"), "{reason}");
        assert!(reason.contains("the disk is full"), "{reason}");
        host.wait_for(|host| host.pid(Daemon::Hands).is_none()).await;
    }

    /// A pcsd's life: what runs in it ends with it, as with a kill.
    fn life<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(work);
        runtime.shutdown_background();
        result
    }

    #[test]
    fn a_killed_daemon_is_back_and_a_new_supervisor_adopts_both() {
        let host = Host::new("exec sleep 100");
        let (hands, second) = life(async {
            let supervisor = host.launch();
            let starter = supervisor.clone();
            let starting = tokio::spawn(async move { starter.start().await });
            host.wait_for(|host| host.pid(Daemon::Brain).is_some()).await;
            // Past the first start a death is answered by a restart.
            let notify = std::os::unix::net::UnixDatagram::unbound().unwrap();
            for daemon in Daemon::ALL {
                let path = host.paths.run_dir().join(format!("{}.notify", daemon.program()));
                notify.send_to(b"READY=1\nSTATUS=up\n", path).unwrap();
            }
            starting.await.unwrap().unwrap();
            let (hands, first) =
                (host.pid(Daemon::Hands).unwrap(), host.pid(Daemon::Brain).unwrap());
            kill(&first);
            host.wait_for(|host| host.pid(Daemon::Brain).is_some_and(|pid| pid != first)).await;
            assert_eq!(host.pid(Daemon::Hands).unwrap(), hands);
            (hands, host.pid(Daemon::Brain).unwrap())
        });
        life(async {
            let supervisor = host.launch();
            let status = supervisor.status().await.unwrap();
            assert!(status.daemons.iter().all(|daemon| daemon.running && daemon.ready));
            assert_eq!(host.pid(Daemon::Brain).unwrap(), second);
            kill(&second);
            host.wait_for(|host| host.pid(Daemon::Brain).is_some_and(|pid| pid != second)).await;
            assert_eq!(host.pid(Daemon::Hands).unwrap(), hands);
            supervisor.stop(false, true).await.unwrap();
            assert_eq!(host.pid(Daemon::Brain), None);
        });
    }
}

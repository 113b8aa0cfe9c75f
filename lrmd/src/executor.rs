//! Carries out what the core decides: runs agents, under the runner or as our own children, and
//! tells how they ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use exec::{Captured, Ending, Finished, Limits, Program};
use model::Operation;
use tokio::process::Command;
use tokio::sync::{Notify, mpsc};

use exec::secrets::Secrets;

use crate::agent::{self, Located};
use crate::core::{Event, Outcome, Token};
use crate::kept::{Call, Request, monotonic_ms};
use crate::metadata::Cache;
use crate::paths::Paths;

/// How long a result waits for its agent's metadata. Without it the result has no restart
/// digest, and a changed parameter leads to a restart where a reload would have done.
const METADATA_PATIENCE: Duration = Duration::from_secs(2);

/// How often the runner of a former life is looked at; it is not our child any more.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);

/// Lines of an agent's output that go to the log for one execution.
const LOG_LINES_MAX: usize = 50;

/// Processes under way.
#[derive(Debug)]
pub(crate) struct Executor {
    paths: Arc<Paths>,
    cache: Arc<Cache>,
    events: mpsc::Sender<Event>,
    kills: BTreeMap<Token, Arc<Notify>>,
}

impl Executor {
    pub(crate) fn new(paths: Arc<Paths>, events: mpsc::Sender<Event>) -> Self {
        Self { paths, cache: Arc::default(), events, kills: BTreeMap::new() }
    }

    /// Starts an operation; its end comes as an event.
    pub(crate) fn spawn(&mut self, token: Token, call_id: i64, operation: Arc<Operation>) {
        let task = self.task(token, call_id, operation);
        tokio::spawn(async move { task.execute().await });
    }

    /// Waits for an operation of a former life; its end comes as an event.
    pub(crate) fn watch(&mut self, token: Token, call_id: i64, operation: Arc<Operation>) {
        let task = self.task(token, call_id, operation);
        tokio::spawn(async move { task.take_up().await });
    }

    /// Ends an execution early.
    pub(crate) fn kill(&mut self, token: Token) {
        if let Some(kill) = self.kills.get(&token) {
            kill.notify_one();
        }
    }

    /// Forgets an execution that has ended.
    pub(crate) fn ended(&mut self, token: Token) {
        self.kills.remove(&token);
    }

    fn task(&mut self, token: Token, call_id: i64, operation: Arc<Operation>) -> Task {
        let kill = Arc::new(Notify::new());
        self.kills.insert(token, Arc::clone(&kill));
        Task {
            paths: Arc::clone(&self.paths),
            cache: Arc::clone(&self.cache),
            events: self.events.clone(),
            kill,
            token,
            call_id,
            operation,
        }
    }
}

/// Tells whether an action must be neither lost nor repeated when lrmd dies under it.
fn needs_runner(action: &str) -> bool {
    matches!(
        action,
        "start"
            | "stop"
            | "promote"
            | "demote"
            | "migrate_to"
            | "migrate_from"
            | "reload"
            | "reload-agent"
    )
}

/// One execution.
struct Task {
    paths: Arc<Paths>,
    cache: Arc<Cache>,
    events: mpsc::Sender<Event>,
    kill: Arc<Notify>,
    token: Token,
    call_id: i64,
    operation: Arc<Operation>,
}

impl Task {
    async fn execute(self) {
        let located = match agent::locate(&self.paths, &self.operation.agent) {
            Ok(located) => located,
            Err(reason) => return self.tell(agent::not_installed(reason)).await,
        };
        if located == Located::Ours {
            tracing::debug!(
                resource = %self.operation.resource,
                agent = %self.operation.agent,
                "not installed here; running Systole's own"
            );
        }
        let traits = self.ask_for_traits(&located);
        let mut operation = self.operation.as_ref().clone();
        let secrets = Secrets::below(&self.paths.secrets);
        let resource = operation.resource.as_str().to_owned();
        if let Err(error) = secrets.fill(&resource, operation.parameters.iter_mut()) {
            // a resource has to be stopped with what there is
            if operation.action != "stop" {
                return self.tell(agent::no_secrets(error.to_string())).await;
            }
            tracing::warn!(%resource, %error, "stopping without it");
        }
        let program = agent::program(&self.paths, &located, &operation);
        let finished = if needs_runner(&self.operation.action) {
            self.under_runner(program).await
        } else {
            self.as_child(&program).await
        };
        self.finish(&located, &finished, traits).await;
    }

    async fn take_up(self) {
        let call = Call::of(&self.paths, self.call_id);
        let located = agent::locate(&self.paths, &self.operation.agent);
        // An agent that was removed meanwhile ran all the same: its codes are OCF's or LSB's.
        let located = located.unwrap_or_else(|_| match self.operation.agent.class.as_str() {
            "ocf" => Located::Ours,
            _ => Located::Lsb(self.paths.init_d.join(&self.operation.agent.kind)),
        });
        let traits = self.ask_for_traits(&located);
        let finished = match call.runner() {
            // Handed over and not begun: whoever claims it first runs it, once.
            Ok(None) => self.await_runner(&call).await,
            Ok(Some(_)) | Err(_) => self.watch_runner(&call).await,
        };
        self.finish(&located, &finished, traits).await;
    }

    fn ask_for_traits(
        &self,
        located: &Located,
    ) -> tokio::task::JoinHandle<Option<Arc<crate::core::AgentTraits>>> {
        let (paths, cache) = (Arc::clone(&self.paths), Arc::clone(&self.cache));
        let (agent, located) = (self.operation.agent.clone(), located.clone());
        tokio::spawn(async move { cache.traits(&paths, &agent, &located).await })
    }

    async fn finish(
        self,
        located: &Located,
        finished: &Finished,
        traits: tokio::task::JoinHandle<Option<Arc<crate::core::AgentTraits>>>,
    ) {
        let outcome = agent::outcome(located, &self.operation, finished);
        log_output(&self.operation, finished, &outcome);
        if let Ok(Ok(Some(traits))) = tokio::time::timeout(METADATA_PATIENCE, traits).await {
            let agent = self.operation.agent.clone();
            self.send(Event::Described { agent, traits }).await;
        }
        self.tell(outcome).await;
    }

    async fn tell(&self, outcome: Outcome) {
        self.send(Event::Exited { token: self.token, outcome }).await;
    }

    async fn send(&self, event: Event) {
        if self.events.send(event).await.is_err() {
            tracing::debug!("the daemon is going down; a result stays with its runner");
        }
    }

    async fn as_child(&self, program: &Program) -> Finished {
        let limits = Limits::within(Duration::from_millis(self.operation.timeout_ms));
        exec::run(program, &limits, self.kill.notified()).await
    }

    async fn under_runner(&self, program: Program) -> Finished {
        let call = Call::of(&self.paths, self.call_id);
        let request = Request {
            call_id: self.call_id,
            operation: (*self.operation).clone(),
            program,
            began_ms: monotonic_ms(),
        };
        if let Err(error) = call.create(&request) {
            // A stop must be possible also when /run is full.
            tracing::warn!(
                resource = %self.operation.resource,
                directory = %call.directory().display(),
                %error,
                "no runner: this operation would be lost with this daemon"
            );
            return self.as_child(&request.program).await;
        }
        if self.run_runner(&call).await {
            return self.watch_runner(&call).await;
        }
        tracing::warn!(
            resource = %self.operation.resource,
            "the runner did not begin; running the agent without it"
        );
        self.as_child(&request.program).await
    }

    /// Starts a runner and waits for it. Returns `false` when nobody has taken the request, so
    /// that it is safe to run it otherwise.
    async fn run_runner(&self, call: &Call) -> bool {
        let mut words = self.paths.program.iter();
        let spawned = Command::new(words.next().cloned().unwrap_or_default())
            .args(words)
            .arg("op-runner")
            .arg(call.directory())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut runner = match spawned {
            Ok(runner) => runner,
            Err(error) => {
                tracing::error!(%error, "no runner can be started");
                return false;
            }
        };
        let pid = runner.id();
        loop {
            tokio::select! {
                // Whatever is said of the process, its files tell what it did.
                _status = runner.wait() => break,
                () = self.kill.notified() => {
                    if let Some(pid) = pid {
                        exec::keep::terminate(pid);
                    }
                }
            }
        }
        // What cannot be read may have run; it is never run again.
        !matches!(call.runner(), Ok(None))
    }

    /// A request without a runner: its former lrmd died around starting one. If that one is
    /// just starting, it and ours race for the claim and one of them runs it.
    async fn await_runner(&self, call: &Call) -> Finished {
        if self.run_runner(call).await { self.watch_runner(call).await } else { lost(call) }
    }

    async fn watch_runner(&self, call: &Call) -> Finished {
        loop {
            // In this order: a runner writes its result before it ends.
            let alive = matches!(call.runner(), Ok(Some(runner)) if runner.is_alive());
            match call.result() {
                Ok(Some(finished)) => return finished,
                Ok(None) if alive => {}
                Ok(None) | Err(_) => return lost(call),
            }
            tokio::select! {
                () = tokio::time::sleep(WATCH_INTERVAL) => {}
                () = self.kill.notified() => {
                    if let Ok(Some(runner)) = call.runner()
                        && runner.is_alive()
                    {
                        exec::keep::terminate(runner.pid);
                    }
                }
            }
        }
    }
}

/// A runner that ended without a result was killed by somebody. Its agent must not go on alone.
fn lost(call: &Call) -> Finished {
    let agent = call.agent().ok().flatten().filter(|agent| agent.is_alive());
    if let Some(agent) = agent {
        exec::keep::kill_group(agent.pid);
    }
    Finished {
        ending: Ending::NotStarted {
            errno: 0,
            reason: "its runner was killed, so that nobody knows how it ended".to_owned(),
        },
        stdout: Captured::default(),
        stderr: Captured::default(),
        elapsed_ms: 0,
    }
}

fn log_output(operation: &Operation, finished: &Finished, outcome: &Outcome) {
    let quiet = operation.interval_ms > 0 && outcome.rc == 0;
    let resource = &operation.resource;
    for (stream, captured) in [("stderr", &finished.stderr), ("stdout", &finished.stdout)] {
        let text = captured.text();
        let lines = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty() && !line.contains(exec::EXIT_REASON_PREFIX));
        for line in lines.take(LOG_LINES_MAX) {
            let action = operation.action.as_str();
            if quiet || stream == "stdout" {
                tracing::debug!(%resource, action, stream, "{line}");
            } else {
                tracing::info!(%resource, action, stream, "{line}");
            }
        }
    }
}

/// Removes what is kept of an operation; what cannot be removed is named.
pub(crate) fn discard(paths: &Paths, call_id: i64) {
    let call = Call::of(paths, call_id);
    if let Err(error) = call.discard() {
        let directory: &Path = call.directory();
        tracing::warn!(directory = %directory.display(), %error, "could not be removed");
    }
}

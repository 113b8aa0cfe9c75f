//! The hands' process: one loop around the core, one brain at a time, agents as children.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{HandsCommand, HandsId, HandsReport, Monotonic, WallTime};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use crate::core::{Effect, Event, Hands, Level, Settings};
use crate::executor::{self, Executor};
use crate::kept::{self, monotonic_ms};
use crate::paths::Paths;
use crate::server;

/// Events waiting for the loop. Each running process sends two, so this is never full for long.
const EVENTS_MAX: usize = 256;

/// Reports waiting for the brain: more than all that can be unacknowledged at once. A brain that
/// lets more pile up is cut off, and is told again when it comes back.
const REPORTS_MAX: usize = 20_000;

/// What the hands' process needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything is.
    pub paths: Paths,
    /// Processes at once (`node-action-limit`).
    pub processes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { paths: Paths::default(), processes_max: cores * 2 }
    }
}

/// Why the hands cannot work.
#[derive(Debug, thiserror::Error)]
pub enum LrmdError {
    /// Another one is there.
    #[error("another lrmd holds {path}; stop that one first")]
    Running {
        /// The lock.
        path: PathBuf,
    },
    /// A file or directory is not as it must be.
    #[error("cannot use {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LrmdError {
    let path = path.to_owned();
    |source| LrmdError::File { path, source }
}

/// What the loop hears of brains, which are numbered as they come.
#[derive(Debug)]
pub(crate) enum Input {
    /// One has come; the former one is history.
    Came { brain: u64, reports: mpsc::Sender<HandsReport> },
    /// One said something.
    Said { brain: u64, command: Box<HandsCommand> },
    /// One has gone.
    Went { brain: u64 },
}

/// Runs the hands until the process is asked to end. Resources and operations under way go on
/// without it, and the next one takes them up.
pub async fn serve(config: Config) -> Result<(), LrmdError> {
    let paths = Arc::new(config.paths);
    let _lock = prepare(&paths)?;
    let boot = exec::boot_id(&paths.boot_id()).map_err(at(&paths.boot_id()))?;
    let hands = HandsId(exec::random_id().map_err(at(Path::new("/dev/urandom")))?);
    let settings = Settings {
        boot,
        hands,
        processes_max: config.processes_max,
        next_call: 1,
        repeat_failures: false,
    };
    let (events, mut heard) = mpsc::channel(EVENTS_MAX);
    let (inputs, mut said) = mpsc::channel(EVENTS_MAX);
    let mut shell = Shell {
        hands: Hands::new(settings),
        executor: Executor::new(Arc::clone(&paths), events),
        paths: Arc::clone(&paths),
        brain: None,
    };
    shell.resume()?;
    // Only now: commands come after everything of a former life is known.
    let listener = listen(&paths.socket())?;
    let mut server = tokio::spawn(server::run(listener, inputs));
    tracing::info!(%boot, %hands, processes = config.processes_max, "the hands are ready");
    exec::notify::ready("running agents");
    let mut end = Box::pin(asked_to_end());
    loop {
        let wake = shell.hands.next_wake();
        tokio::select! {
            biased;
            () = &mut end => break,
            Some(event) = heard.recv() => shell.event(event),
            Some(input) = said.recv() => shell.input(input),
            () = sleep_until(wake) => shell.event(Event::Tick),
            _ = &mut server => break,
        }
    }
    tracing::info!("the hands end; resources and operations go on");
    Ok(())
}

/// Makes the directories and makes sure that no other lrmd uses them.
fn prepare(paths: &Paths) -> Result<File, LrmdError> {
    DirBuilder::new().recursive(true).mode(0o755).create(&paths.run).map_err(at(&paths.run))?;
    let path = paths.lock();
    // For us alone, so that nobody else can hold it.
    let mut options = File::options();
    options.write(true).create(true).truncate(false).mode(0o600);
    let lock = options.open(&path).map_err(at(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LrmdError::Running { path }),
        Err(TryLockError::Error(source)) => return Err(LrmdError::File { path, source }),
    }
    // The agents of the resource-agents package keep their state here.
    let agents_state = Path::new("/run/resource-agents");
    if !agents_state.exists()
        && let Err(error) = DirBuilder::new()
            .mode(0o755)
            .create(agents_state)
            .and_then(|()| fs::set_permissions(agents_state, PermissionsExt::from_mode(0o1755)))
    {
        tracing::warn!(directory = %agents_state.display(), %error, "agents will miss it");
    }
    Ok(lock)
}

fn listen(path: &Path) -> Result<UnixListener, LrmdError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(path)(error)),
        _ => {}
    }
    // Made elsewhere and moved here, so that nobody connects before only root may.
    let draft = path.with_extension("sock.new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&draft)(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&draft).map_err(at(&draft))?;
    fs::set_permissions(&draft, PermissionsExt::from_mode(0o600)).map_err(at(&draft))?;
    fs::rename(&draft, path).map_err(at(path))?;
    Ok(listener)
}

async fn sleep_until(wake: Option<Monotonic>) {
    match wake {
        Some(at) => {
            tokio::time::sleep(Duration::from_millis(at.since(Monotonic(monotonic_ms())))).await;
        }
        None => std::future::pending().await,
    }
}

async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

struct Shell {
    hands: Hands,
    executor: Executor,
    paths: Arc<Paths>,
    brain: Option<(u64, mpsc::Sender<HandsReport>)>,
}

impl Shell {
    /// Takes up what a former life left.
    fn resume(&mut self) -> Result<(), LrmdError> {
        for (resource, started) in kept::remembered(&self.paths) {
            self.event(Event::Remembered { resource, started });
        }
        let directory = self.paths.operations();
        for (call_id, call) in kept::left_behind(&self.paths).map_err(at(&directory))? {
            match call.request() {
                Ok(Some(request)) => {
                    let ran_ms = monotonic_ms().saturating_sub(request.began_ms);
                    let operation = Arc::new(request.operation);
                    self.event(Event::TakenUp { call_id, operation, ran_ms });
                }
                // Never handed over whole, so never begun.
                Ok(None) => executor::discard(&self.paths, call_id),
                Err(error) => {
                    let file = call.directory().join("request.json");
                    tracing::error!(file = %file.display(), %error, "not taken up");
                }
            }
        }
        Ok(())
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Came { brain, reports } => {
                tracing::info!(brain, "a brain has come");
                self.brain = Some((brain, reports));
                self.event(Event::Connected);
            }
            Input::Said { brain, command } if self.is_current(brain) => {
                self.event(Event::Command(*command));
            }
            Input::Said { .. } => {}
            Input::Went { brain } if self.is_current(brain) => {
                tracing::warn!(brain, "the brain is gone; going on without it");
                self.brain = None;
                self.event(Event::Disconnected);
            }
            Input::Went { .. } => {}
        }
    }

    fn is_current(&self, brain: u64) -> bool {
        self.brain.as_ref().is_some_and(|(current, _)| *current == brain)
    }

    fn event(&mut self, event: Event) {
        if let Event::Exited { token, .. } = &event {
            self.executor.ended(*token);
        }
        let operation = match &event {
            Event::TakenUp { operation, .. } => Some(Arc::clone(operation)),
            _ => None,
        };
        let mut effects = Vec::new();
        self.hands.handle(Monotonic(monotonic_ms()), wall_time(), event, &mut effects);
        let mut cut_off = false;
        for effect in effects {
            match effect {
                Effect::Spawn { token, call_id, operation } => {
                    self.executor.spawn(token, call_id, operation);
                }
                Effect::Watch { token, call_id } => {
                    if let Some(operation) = &operation {
                        self.executor.watch(token, call_id, Arc::clone(operation));
                    }
                }
                Effect::Kill { token } => self.executor.kill(token),
                Effect::Report(report) => cut_off |= !self.report(report),
                Effect::Discard { call_id } => executor::discard(&self.paths, call_id),
                Effect::Remember { resource, started } => {
                    if let Err(error) = kept::remember(&self.paths, &resource, started.as_ref()) {
                        tracing::warn!(%resource, %error, "its parameters are not remembered");
                    }
                }
                Effect::Log { level, resource, text } => log(level, resource.as_ref(), &text),
            }
        }
        if cut_off {
            tracing::error!("the brain takes no reports; cutting it off until it comes back");
            self.brain = None;
            self.event(Event::Disconnected);
        }
    }

    /// Passes a report on; `false` when the brain does not take any more.
    fn report(&self, report: HandsReport) -> bool {
        match &self.brain {
            Some((_, reports)) => {
                !matches!(reports.try_send(report), Err(mpsc::error::TrySendError::Full(_)))
            }
            None => true,
        }
    }
}

fn log(level: Level, resource: Option<&model::ResourceId>, text: &str) {
    let resource = resource.map(model::ResourceId::as_str);
    match level {
        Level::Debug => tracing::debug!(resource, "{text}"),
        Level::Info => tracing::info!(resource, "{text}"),
        Level::Warn => tracing::warn!(resource, "{text}"),
        Level::Error => tracing::error!(resource, "{text}"),
    }
}

/// Returns how many reports may wait for a brain.
pub(crate) fn reports_max() -> usize {
    REPORTS_MAX
}

//! What the stories stand on: hands in a directory of their own, and a brain that talks to them.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use lrmd::wire::{from_command, to_report};
use model::{
    AgentSpec, Authority, Generation, HandsCommand, HandsReport, OpRecord, Operation, Term,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use wire::hands::hands_client::HandsClient;

/// Nothing here takes longer on a machine that is not on its knees.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the hands with the directories of a test: `lrmd RUN OCF_ROOT INIT_D`.
pub(crate) fn lrmd_main(words: &[OsString]) -> ExitCode {
    let [run, ocf_root, init_d] = words else { return ExitCode::from(64) };
    let config = lrmd::Config {
        paths: lrmd::Paths {
            run: run.into(),
            ocf_root: ocf_root.into(),
            init_d: init_d.into(),
            secrets: std::path::Path::new(run).join("secrets"),
            ..lrmd::Paths::default()
        },
        processes_max: 8,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(lrmd::serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// A node's hands, in directories of their own.
pub(crate) struct Node {
    directory: tempfile::TempDir,
    ocf_root: PathBuf,
    lrmd: Child,
}

impl Node {
    /// Hands with agents of the test alone.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ocf_root = directory.path().join("ocf");
        Self::start(directory, ocf_root)
    }

    /// Hands with the agents installed on this machine.
    pub(crate) fn with_installed_agents() -> Self {
        Self::start(tempfile::tempdir().unwrap(), "/usr/lib/ocf".into())
    }

    fn start(directory: tempfile::TempDir, ocf_root: PathBuf) -> Self {
        std::fs::create_dir_all(directory.path().join("init.d")).unwrap();
        let lrmd = spawn(directory.path(), &ocf_root);
        Self { directory, ocf_root, lrmd }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes an agent `ocf:test:NAME`; its script sees the test's directory as `$DIR`.
    pub(crate) fn agent(&self, name: &str, script: &str) {
        let file = self.ocf_root.join("resource.d/test").join(name);
        self.script(&file, script);
    }

    /// Writes an init script.
    pub(crate) fn init_script(&self, name: &str, script: &str) {
        self.script(&self.path("init.d").join(name), script);
    }

    fn script(&self, file: &Path, script: &str) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let directory = self.directory.path().display();
        std::fs::write(file, format!("#!/bin/sh\nDIR={directory}\n{script}\n")).unwrap();
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Lines the agents wrote to `$DIR/journal`.
    pub(crate) fn journal(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("journal")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Kills the hands, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.lrmd.kill().unwrap();
        self.lrmd.wait().unwrap();
    }

    /// Starts new hands in the same place.
    pub(crate) fn restart(&mut self) {
        self.lrmd = spawn(self.directory.path(), &self.ocf_root);
    }

    pub(crate) fn brain(&self) -> Brain {
        Brain::connect(&self.path("run/lrmd.sock"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(directory: &Path, ocf_root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .arg("lrmd")
        .arg(directory.join("run"))
        .arg(ocf_root)
        .arg(directory.join("init.d"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A brain that does what the test says.
pub(crate) struct Brain {
    runtime: tokio::runtime::Runtime,
    commands: mpsc::Sender<HandsCommand>,
    reports: tonic::Streaming<wire::hands::Report>,
    sequence: u64,
    heard: VecDeque<HandsReport>,
}

impl Brain {
    fn connect(socket: &Path) -> Self {
        // Goes on by itself while the test looks elsewhere.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let until = Instant::now() + PATIENCE;
        let (commands, reports) = runtime.block_on(async {
            loop {
                match link(socket).await {
                    Ok(link) => break link,
                    Err(error) if Instant::now() > until => panic!("{error}"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        // Later brains of a test come with a later sequence.
        let sequence = u64::try_from(
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros(),
        )
        .unwrap();
        let mut brain = Self { runtime, commands, reports, sequence, heard: VecDeque::new() };
        brain.say(HandsCommand::Quorate { quorate: true });
        brain
    }

    pub(crate) fn say(&mut self, command: HandsCommand) {
        self.runtime.block_on(self.commands.send(command)).unwrap();
    }

    pub(crate) fn authority(&mut self) -> Authority {
        self.sequence += 1;
        Authority { generation: Generation(1), term: Term(1), sequence: self.sequence }
    }

    pub(crate) fn execute(&mut self, operation: Operation) {
        let authority = self.authority();
        self.say(HandsCommand::Execute { authority, operation });
    }

    /// Takes the first report that fits, keeping the others for later.
    fn find<T>(&mut self, what: &str, fits: impl Fn(&HandsReport) -> Option<T>) -> T {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut seen = 0;
        loop {
            while seen < self.heard.len() {
                if let Some(found) = fits(&self.heard[seen]) {
                    self.heard.remove(seen);
                    return found;
                }
                seen += 1;
            }
            let next = self
                .runtime
                .block_on(async { tokio::time::timeout_at(until, self.reports.message()).await });
            match next {
                Ok(Ok(Some(report))) => self.heard.push_back(to_report(report).unwrap()),
                Ok(_) => panic!("the hands are gone while waiting for {what}"),
                Err(_) => panic!("no {what} after {PATIENCE:?}; heard {:?}", self.heard),
            }
        }
    }

    /// Waits for the result of an operation, by its key.
    pub(crate) fn result(&mut self, key: &str) -> OpRecord {
        self.find(key, |report| match report {
            HandsReport::Result { record, .. } if record.key() == key => Some(record.clone()),
            _ => None,
        })
    }

    /// Runs an operation to its end.
    pub(crate) fn run(&mut self, operation: Operation) -> OpRecord {
        let key = operation.key();
        self.execute(operation);
        self.result(&key)
    }

    /// Returns the history as a new DC would read it, and these hands' id.
    pub(crate) fn join(&mut self) -> (model::HandsId, Vec<OpRecord>) {
        let authority = self.authority();
        self.say(HandsCommand::Join { authority });
        self.find("history", |report| match report {
            HandsReport::History { hands, records, .. } => Some((*hands, records.clone())),
            _ => None,
        })
    }

    /// Does nothing at all for a while, not even answer pings.
    pub(crate) fn hang(&mut self, time: Duration) {
        self.runtime.spawn(async move {
            let until = Instant::now() + time;
            while Instant::now() < until {
                crate::stories::sleep_ms(50);
            }
        });
    }

    /// Waits until the hands end the link.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        let reports = &mut self.reports;
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, async {
                while let Ok(Some(_)) = reports.message().await {}
            })
            .await
            .is_ok()
        })
    }
}

/// An operation without parameters.
pub(crate) fn op(agent: &str, resource: &str, action: &str) -> Operation {
    let words: Vec<&str> = agent.split(':').collect();
    let (class, provider, kind) = match words.as_slice() {
        [class, provider, kind] => (*class, Some((*provider).to_owned()), *kind),
        [class, kind] => (*class, None, *kind),
        _ => panic!("{agent}"),
    };
    let expected = if action == "monitor" { 7 } else { 0 };
    Operation {
        resource: resource.into(),
        agent: AgentSpec { class: class.to_owned(), provider, kind: kind.to_owned() },
        action: action.to_owned(),
        interval_ms: 0,
        timeout_ms: 20_000,
        start_delay_ms: 0,
        parameters: BTreeMap::from([("CRM_meta_timeout".to_owned(), "20000".to_owned())]),
        transition_key: format!("1:1:{expected}:{resource}-{action}"),
        node: "ser1".to_owned(),
    }
}

/// The same with parameters.
pub(crate) fn with(mut operation: Operation, parameters: &[(&str, &str)]) -> Operation {
    let parameters = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    operation.parameters.extend(parameters);
    operation
}

type Connected = (mpsc::Sender<HandsCommand>, tonic::Streaming<wire::hands::Report>);

async fn link(socket: &Path) -> Result<Connected, Box<dyn std::error::Error>> {
    let (commands, waiting) = mpsc::channel(1024);
    let mut client = HandsClient::new(wire::client::connect(socket).await?);
    let reports = client.link(ReceiverStream::new(waiting).map(from_command)).await?;
    Ok((commands, reports.into_inner()))
}

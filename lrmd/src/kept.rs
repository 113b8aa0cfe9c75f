//! What outlives the daemon, in /run/systole: operations under runners, and with what resources
//! were started.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use exec::{Finished, Program};
use model::{Operation, ResourceId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::core::Started;
use crate::paths::Paths;

/// What a runner is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) call_id: i64,
    pub(crate) operation: Operation,
    pub(crate) program: Program,
    /// When it was handed over, in milliseconds of this boot's monotonic clock.
    pub(crate) began_ms: u64,
}

/// A runner that has taken its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runner {
    pub(crate) pid: u32,
    pub(crate) start_ticks: u64,
}

impl Runner {
    pub(crate) fn is_alive(self) -> bool {
        exec::keep::is_alive(self.pid, self.start_ticks)
    }
}

/// The directory of one operation: `request.json`, then `runner.json`, then `agent.json` (the
/// agent's process id), at last `result.json`. Each appears whole or not at all.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    directory: PathBuf,
}

impl Call {
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(crate) fn of(paths: &Paths, call_id: i64) -> Self {
        Self::at(paths.operations().join(call_id.to_string()))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes the request; the directory is for root alone, since parameters hold passwords.
    pub(crate) fn create(&self, request: &Request) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        write_json(&self.directory.join("request.json"), request)
    }

    pub(crate) fn request(&self) -> io::Result<Option<Request>> {
        read_json(&self.directory.join("request.json"))
    }

    /// Makes this process the runner, unless there has been one: a request is run once.
    pub(crate) fn claim(&self, runner: Runner) -> io::Result<bool> {
        let draft = self.directory.join(format!("runner.{}", runner.pid));
        write_json(&draft, &runner)?;
        let claimed = fs::hard_link(&draft, self.directory.join("runner.json"));
        fs::remove_file(&draft)?;
        match claimed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn runner(&self) -> io::Result<Option<Runner>> {
        read_json(&self.directory.join("runner.json"))
    }

    pub(crate) fn agent_began(&self, pid: u32) -> io::Result<()> {
        let start_ticks = exec::keep::start_ticks(pid).unwrap_or(0);
        write_json(&self.directory.join("agent.json"), &Runner { pid, start_ticks })
    }

    pub(crate) fn agent(&self) -> io::Result<Option<Runner>> {
        read_json(&self.directory.join("agent.json"))
    }

    pub(crate) fn finish(&self, finished: &Finished) -> io::Result<()> {
        write_json(&self.directory.join("result.json"), finished)
    }

    pub(crate) fn result(&self) -> io::Result<Option<Finished>> {
        read_json(&self.directory.join("result.json"))
    }

    /// Removes all of it; one that is not there is fine.
    pub(crate) fn discard(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Returns the operations a former life left, by call id.
pub(crate) fn left_behind(paths: &Paths) -> io::Result<Vec<(i64, Call)>> {
    let entries = match fs::read_dir(paths.operations()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut calls = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(call_id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            calls.push((call_id, Call::at(entry.path())));
        }
    }
    calls.sort_by_key(|(call_id, _)| *call_id);
    Ok(calls)
}

/// Remembers or forgets with what a resource was started.
pub(crate) fn remember(
    paths: &Paths,
    resource: &ResourceId,
    started: Option<&Started>,
) -> io::Result<()> {
    let directory = paths.started();
    let file = directory.join(file_name(resource));
    match started {
        Some(started) => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
            write_json(&file, &(resource, &started.agent, &started.parameters))
        }
        None => match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

/// Returns what former lives remembered. A file that cannot be read is named in the log.
pub(crate) fn remembered(paths: &Paths) -> Vec<(ResourceId, Started)> {
    let Ok(entries) = fs::read_dir(paths.started()) else { return Vec::new() };
    let mut all = Vec::new();
    for entry in entries.flatten() {
        match read_json(&entry.path()) {
            Ok(Some((resource, agent, parameters))) => {
                all.push((resource, Started { agent, parameters }));
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(file = %entry.path().display(), %error, "unreadable"),
        }
    }
    all.sort_by(|a: &(ResourceId, Started), b| a.0.cmp(&b.0));
    all
}

/// Ids come from the document, files from us: anything unusual in an id is spelled in hex.
fn file_name(resource: &ResourceId) -> String {
    let mut name = String::new();
    for byte in resource.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name.push_str(".json");
    name
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    drop(file);
    fs::rename(&draft, path)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => Ok(Some(serde_json::from_slice(&bytes?)?)),
    }
}

/// Returns milliseconds of this boot's monotonic clock, the same for all processes.
pub(crate) fn monotonic_ms() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .map(std::time::Duration::from)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

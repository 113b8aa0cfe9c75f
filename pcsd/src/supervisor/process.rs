//! One daemon's process: started or adopted, watched by a pidfd, known to a later pcsd by its
//! pid file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use model::Paths;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::sync::mpsc::Sender;

use super::Input;
use super::core::{Daemon, End};
use crate::store::{self, PUBLIC, StoreError};

/// Enough for the last line of a log.
const LAST_WORDS_BYTES: u64 = 4096;

/// A living daemon.
#[derive(Debug)]
pub(super) struct Process {
    pidfd: OwnedFd,
    /// The process id, for the log.
    pub(super) pid: i32,
}

/// The file that tells a later pcsd who runs.
pub(super) fn pid_file(paths: &Paths, daemon: Daemon) -> PathBuf {
    match daemon {
        Daemon::Hands => paths.lrmd_pid(),
        Daemon::Brain => paths.node_pid(),
    }
}

impl Process {
    /// Starts a daemon and watches it; its end arrives on `inputs`.
    pub(super) fn spawn(
        program: &Path,
        paths: &Paths,
        daemon: Daemon,
        inputs: &Sender<Input>,
    ) -> io::Result<Self> {
        let log_path = paths.pacemaker_log();
        let (log, start) = open_log(&log_path)?;
        let mut child = Command::new(program)
            .arg(daemon.program())
            .env(exec::notify::SOCKET_VARIABLE, notify_path(paths, daemon))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .current_dir("/")
            // A Ctrl-C or a hangup meant for pcsd is not meant for the cluster.
            .process_group(0)
            .spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = id.ok_or_else(|| io::Error::other("the new process has no id"))?;
        let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        let pid = pid.as_raw_nonzero().get();
        if let Err(error) = note_pid(&pid_file(paths, daemon), pid) {
            // The daemon works all the same; only a restarted pcsd would not know it.
            tracing::warn!(error = store::chain(&error), "cannot note a daemon's process id");
        }
        let inputs = inputs.clone();
        tokio::spawn(async move {
            let end = match child.wait().await {
                Ok(status) => match (status.code(), status.signal()) {
                    (Some(code), _) => End::Code(code),
                    (None, Some(signal)) => End::Signal(signal),
                    (None, None) => End::Unknown,
                },
                Err(_) => End::Unknown,
            };
            let last_words = last_words(&log_path, start);
            // Nobody listens only when pcsd itself is ending.
            drop(inputs.send(Input::Ended(daemon, end, last_words)).await);
        });
        Ok(Self { pidfd, pid })
    }

    /// Takes over a daemon that an earlier pcsd started, if it still lives.
    pub(super) fn adopt(paths: &Paths, daemon: Daemon, inputs: &Sender<Input>) -> Option<Self> {
        let text = store::read_text(&pid_file(paths, daemon)).ok().flatten()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let id = Pid::from_raw(pid.parse().ok()?)?;
        let pidfd = pidfd_open(id, PidfdFlags::NONBLOCK).ok()?;
        // Checked after the pidfd is open: the number cannot change hands any more.
        if start_time(id.as_raw_nonzero().get())? != started {
            return None;
        }
        let watched = pidfd.try_clone().ok()?;
        let inputs = inputs.clone();
        // A thread that sleeps in poll costs nothing; adopted processes are two at most.
        let watch = move || {
            let mut wanted = [PollFd::new(&watched, PollFlags::IN)];
            while matches!(poll(&mut wanted, None), Err(Errno::INTR)) {}
            drop(inputs.blocking_send(Input::Ended(daemon, End::Unknown, None)));
        };
        std::thread::Builder::new()
            .name(format!("{} watch", daemon.program()))
            .spawn(watch)
            .ok()?;
        Some(Self { pidfd, pid: id.as_raw_nonzero().get() })
    }

    /// Sends a signal; a process that is gone already needs none.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&self.pidfd, signal) {
            tracing::debug!(pid = self.pid, %error, "signal not delivered");
        }
    }
}

/// Opens the daemons' log for appending; also returns its length.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let log = OpenOptions::new().append(true).create(true).open(path)?;
    let length = log.metadata()?.len();
    Ok((log, length))
}

/// Returns the last line that was written to the log since `start`.
fn last_words(path: &Path, start: u64) -> Option<String> {
    let mut log = File::open(path).ok()?;
    let length = log.metadata().ok()?.len();
    log.seek(SeekFrom::Start(start.max(length.saturating_sub(LAST_WORDS_BYTES)))).ok()?;
    let mut bytes = Vec::new();
    log.take(LAST_WORDS_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.to_owned())
}

/// Writes a process id with the time its process started, so that a reused number is noticed.
fn note_pid(path: &Path, pid: i32) -> Result<(), StoreError> {
    let started = start_time(pid).unwrap_or_else(|| "?".to_owned());
    store::write(path, format!("{pid} {started}\n").as_bytes(), PUBLIC)
}

/// Returns when a process started, in the kernel's ticks.
fn start_time(pid: i32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; fields are counted behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19).map(str::to_owned)
}

fn notify_path(paths: &Paths, daemon: Daemon) -> PathBuf {
    paths.run_dir().join(format!("{}.notify", daemon.program()))
}

/// Binds the socket on which a daemon tells how its start goes; once for the event loop, once
/// for reading at will.
pub(super) fn notify_socket(
    paths: &Paths,
    daemon: Daemon,
) -> Result<(UnixDatagram, StdDatagram), StoreError> {
    let path = notify_path(paths, daemon);
    store::remove(&path)?;
    let bind = || {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let socket = StdDatagram::bind(&path)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        let again = socket.try_clone()?;
        Ok((UnixDatagram::from_std(socket)?, again))
    };
    bind().map_err(|source| StoreError::Write { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_again_by_number_and_start() {
        let own = i32::try_from(std::process::id()).unwrap();
        let first = start_time(own).unwrap();
        assert!(first.parse::<u64>().unwrap() > 0);
        assert_eq!(start_time(own).unwrap(), first);
        assert_eq!(start_time(i32::MAX), None);
    }

    #[test]
    fn last_words_are_those_of_this_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "old\n").unwrap();
        assert_eq!(last_words(&path, 4), None);
        std::fs::write(&path, "old\nnew\nlast \n\n").unwrap();
        assert_eq!(last_words(&path, 4).as_deref(), Some("last"));
    }
}

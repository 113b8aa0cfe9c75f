//! What to run, within which bounds, and how it ended.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capture::Captured;

/// A program with everything it gets. Its environment is exactly the one given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The file to execute.
    pub path: PathBuf,
    /// Its arguments, without its own name.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// What it reads on its standard input.
    pub stdin: Vec<u8>,
}

/// Bounds of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After this long the process group gets TERM.
    pub timeout: Duration,
    /// And this much later KILL.
    pub grace: Duration,
    /// Bytes kept of each of its outputs, half from the beginning and half from the end.
    pub output_max: usize,
}

impl Limits {
    /// Returns the timeout, at most a year, so that no clock overflows.
    pub(crate) fn bounded_timeout(&self) -> Duration {
        self.timeout.min(Duration::from_secs(365 * 86_400))
    }

    /// Returns the usual bounds with this timeout: 2 s between TERM and KILL, 64 KiB a stream.
    pub fn within(timeout: Duration) -> Self {
        Self { timeout, grace: Duration::from_secs(2), output_max: 64 * 1024 }
    }
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It returned this status.
    Exited(i32),
    /// This signal, none of ours, ended it.
    Signalled(i32),
    /// It was killed at its deadline.
    TimedOut,
    /// It was killed because its caller wanted no more of it.
    Stopped,
    /// It could not be started.
    NotStarted {
        /// The system's error number.
        errno: i32,
        /// What the system says.
        reason: String,
    },
}

impl Ending {
    /// Returns the exit status of a program that ran to its end.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(*code),
            Self::Signalled(_) | Self::TimedOut | Self::Stopped | Self::NotStarted { .. } => None,
        }
    }

    pub(crate) fn not_started(error: &std::io::Error) -> Self {
        Self::NotStarted { errno: error.raw_os_error().unwrap_or(0), reason: error.to_string() }
    }

    pub(crate) fn from_status(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match status.code() {
            Some(code) => Self::Exited(code),
            None => Self::Signalled(status.signal().unwrap_or(0)),
        }
    }
}

/// An execution that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// What it printed.
    pub stdout: Captured,
    /// What it complained.
    pub stderr: Captured,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
}

impl Finished {
    pub(crate) fn not_started(error: &std::io::Error) -> Self {
        Self {
            ending: Ending::not_started(error),
            stdout: Captured::default(),
            stderr: Captured::default(),
            elapsed_ms: 0,
        }
    }

    /// Returns the same without the output, for where there is no room for it.
    #[must_use]
    pub fn without_output(&self) -> Self {
        Self {
            ending: self.ending.clone(),
            stdout: Captured::default(),
            stderr: Captured::default(),
            elapsed_ms: self.elapsed_ms,
        }
    }

    /// Returns the agent's reason: the last `ocf-exit-reason:` line of its stderr.
    pub fn exit_reason(&self) -> Option<String> {
        exit_reason(&self.stderr.text())
    }
}

/// What an agent writes before the reason of its exit code.
pub const EXIT_REASON_PREFIX: &str = "ocf-exit-reason:";

/// Reasons end up in the document; longer ones are cut.
const EXIT_REASON_MAX: usize = 512;

fn exit_reason(stderr: &str) -> Option<String> {
    let reason = stderr
        .lines()
        .filter_map(|line| line.split_once(EXIT_REASON_PREFIX).map(|(_, reason)| reason.trim()))
        .rfind(|reason| !reason.is_empty())?;
    Some(reason.chars().take(EXIT_REASON_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::exit_reason;

    #[test]
    fn the_last_exit_reason_counts() {
        for (stderr, expected) in [
            ("", None),
            ("something else\n", None),
            ("ocf-exit-reason:\n", None),
            ("ocf-exit-reason:no such file\n", Some("no such file")),
            ("INFO: x\nocf-exit-reason: first\nocf-exit-reason:second \nbye\n", Some("second")),
        ] {
            assert_eq!(exit_reason(stderr).as_deref(), expected, "{stderr:?}");
        }
    }
}

//! The tiny runner: keeps one agent within its time, also when lrmd is away.
//!
//! `systole op-runner DIRECTORY` takes the request it finds there, runs it once, and leaves the
//! result. It uses no tokio and starts in a millisecond.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use exec::Limits;

use crate::kept::{Call, Runner, monotonic_ms};

/// Runs the request in the directory that is the only argument.
pub fn main(arguments: &[OsString]) -> ExitCode {
    let [directory] = arguments else { return ExitCode::from(64) };
    let call = Call::at(PathBuf::from(directory));
    match run(&call) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads what this process prints; lrmd sees the status and a missing result.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(call: &Call) -> io::Result<()> {
    let pid = std::process::id();
    let start_ticks = exec::keep::start_ticks(pid).unwrap_or(0);
    if !call.claim(Runner { pid, start_ticks })? {
        return Ok(());
    }
    let Some(request) = call.request()? else { return Ok(()) };
    let waited_ms = monotonic_ms().saturating_sub(request.began_ms);
    let left_ms = request.operation.timeout_ms.saturating_sub(waited_ms).max(1);
    let limits = Limits::within(Duration::from_millis(left_ms));
    let finished = exec::keep::keep(&request.program, &limits, |pid| {
        // Known to a successor of lrmd only; a failure here costs nothing while this runner lives.
        let _known = call.agent_began(pid);
    });
    // With /run full the exit status is what matters.
    call.finish(&finished).or_else(|_| call.finish(&finished.without_output()))
}

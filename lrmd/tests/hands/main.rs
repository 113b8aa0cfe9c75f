//! The hands as a process: real sockets, real runners, real agents; as a brain sees them.
//!
//! Needs no privileges but where a test says so. This program is its own `systole`: called with
//! `lrmd`, `op-runner` or `agent` it is that.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::exit,
    reason = "a test program without the usual harness"
)]

mod bench;
mod stories;

use std::ffi::OsString;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match words.first().and_then(|word| word.to_str()) {
        Some("op-runner") => return lrmd::runner::main(&words[1..]),
        Some("agent") => return agents::main(&words[1..]),
        Some("lrmd") => return bench::lrmd_main(&words[1..]),
        _ => {}
    }
    let arguments = Arguments::from_args();
    let trials = stories::all()
        .into_iter()
        .map(|story| match (story.lacks)() {
            Some(lack) => {
                let name = format!("{} (skipped: {lack})", story.name);
                Trial::test(name, || Ok(())).with_ignored_flag(true)
            }
            None => Trial::test(story.name, move || {
                (story.tell)();
                Ok(())
            }),
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

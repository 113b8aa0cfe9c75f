//! What the lab's commands have in common: how they speak, wait and get into a lab.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use crate::enter;
use crate::hosts::LabError;

#[allow(clippy::print_stdout, reason = "a demo and a benchmark speak")]
pub(crate) fn out(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "a demo and a benchmark speak")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

pub(crate) fn complain(text: &str) -> ExitCode {
    note(text);
    ExitCode::FAILURE
}

/// Returns an error with all its causes.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[allow(clippy::disallowed_methods, reason = "the lab has no executor to block")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A command that runs in namespaces of its own: `systole NAME`.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    /// Whether the hosts' disks are kept when it fails.
    pub(crate) keep_failed: bool,
}

impl Command {
    /// Runs it: outside it gets itself into the namespaces, inside it does what it is for and says
    /// whether that went well. An empty error of the options is the wish for help.
    pub(crate) fn run<O>(
        &self,
        arguments: &[OsString],
        options: Result<O, String>,
        inside: impl FnOnce(&O) -> Result<bool, LabError>,
    ) -> ExitCode {
        let options = match options {
            Ok(options) => options,
            Err(text) if text.is_empty() => {
                out(self.usage.trim_end());
                return ExitCode::SUCCESS;
            }
            Err(text) => return complain(&format!("{text}\n\n{}", self.usage)),
        };
        if enter::is_inside() {
            return match inside(&options) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(error) => complain(&whole(&error)),
            };
        }
        if let Err(error) = enter::check() {
            return complain(&error.to_string());
        }
        enter::run_command_inside(self.name, arguments, self.keep_failed)
            .unwrap_or_else(|text| complain(&text))
    }
}

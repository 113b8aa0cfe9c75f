//! Stories on real hosts made of namespaces, each in a lab of its own: real packets, real agents,
//! the commands a person types.
//!
//! The harness is our own, so that a story that lacks a privilege or a package reports itself
//! ignored with the reason (with SYSTOLE_NO_SKIPS=1 that is a failure). `cargo test --test e2e NAME`
//! runs one, with SYSTOLE_E2E_SHOW=1 it shows what is typed and said; a failure keeps the hosts' disks
//! and prints the ends of their logs.

#![allow(clippy::type_complexity, reason = "a list of stories is a name and a function each")]

mod absent_steps;
mod agent;
mod bad_input;
mod commands;
mod copies;
mod crashes;
mod daemons;
mod document_steps;
mod fields;
mod hosts_steps;
mod keeping;
mod partition;
mod steps;
mod stopping;
mod tutorial;
mod world;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use world::Told;

/// A story that takes this long will never end: it has waits of its own, all bounded. More rounds
/// of crash and return than usual get more.
const STORY_TIME_MAX: Duration = Duration::from_secs(420);
const ROUND_TIME_MAX: Duration = Duration::from_secs(20);

/// The word behind which this program, inside a lab, finds the story to tell.
const STORY: &str = "--tell";

/// A story: its name is a sentence, what it needs is checked before it is told.
struct Story {
    name: &'static str,
    tell: fn() -> Told,
}

fn stories() -> Vec<Story> {
    let rooms = [
        tutorial::STORIES,
        commands::STORIES,
        absent_steps::STORIES,
        document_steps::STORIES,
        hosts_steps::STORIES,
        daemons::STORIES,
        copies::STORIES,
        crashes::STORIES,
        partition::STORIES,
        fields::STORIES,
        keeping::STORIES,
        bad_input::STORIES,
        stopping::STORIES,
    ];
    let all = rooms.into_iter().flatten();
    all.map(|&(name, tell)| Story { name, tell }).collect()
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let [word, name] = words.as_slice()
        && word == STORY
    {
        return inside(&name.to_string_lossy());
    }
    let mut arguments = Arguments::from_args();
    // every story wants the whole machine
    arguments.test_threads = Some(1);
    let missing = world::missing();
    let check = Trial::test("the_journal_notices_what_is_active_twice", || {
        agent::check_the_check().map_err(|trouble| Failed::from(trouble.0))
    });
    let complete = Trial::test("every_command_of_pcs_has_a_step", || {
        let absent = absent_steps::TABLES;
        let tables = [document_steps::TABLES, hosts_steps::TABLES, absent].concat();
        let checked = steps::check_the_check();
        checked
            .and_then(|()| steps::check_complete(&tables, absent))
            .map_err(|trouble| Failed::from(trouble.0))
    });
    let trials = stories()
        .into_iter()
        .map(|story| {
            let (name, missing) = (story.name, missing.clone());
            Trial::ignorable_test(name, move || match missing {
                Some(reason) if std::env::var_os("SYSTOLE_NO_SKIPS").is_some() => {
                    Err(Failed::from(format!("skipped, and nothing may be skipped here: {reason}")))
                }
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => enter(name).map(|()| Completion::Completed),
            })
        })
        .chain([check, complete])
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Tells one story in a new lab; what went wrong comes back in a file.
fn enter(name: &str) -> Result<(), Failed> {
    let report = std::env::temp_dir().join(format!("systole-e2e-{}.report", std::process::id()));
    let ended = std::env::current_exe().and_then(|program| {
        std::fs::write(&report, "")?;
        lab::enter::run_inside(
            Path::new("env"),
            &[
                format!("{REPORT}={}", report.display()).into(),
                program.into(),
                STORY.into(),
                name.into(),
            ],
            true,
        )
    });
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    // a report that stays in the temporary directory harms nobody
    let _removed = std::fs::remove_file(&report);
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if text.is_empty() => Err(Failed::from(format!("the lab ended with {status}"))),
        Ok(_) => Err(Failed::from(text)),
        Err(error) => Err(Failed::from(format!("cannot make the lab: {error}"))),
    }
}

/// Names the file for the report of a story that failed.
const REPORT: &str = "SYSTOLE_E2E_REPORT";

fn inside(name: &str) -> ExitCode {
    let stories = stories();
    let Some(story) = stories.iter().find(|story| story.name == name) else {
        return ExitCode::FAILURE;
    };
    let rounds = u32::try_from(crashes::rounds_wanted()).unwrap_or(u32::MAX);
    world::limit(STORY_TIME_MAX.saturating_add(ROUND_TIME_MAX.saturating_mul(rounds)), report);
    match (story.tell)() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            report(&trouble.0);
            ExitCode::FAILURE
        }
    }
}

fn report(text: &str) {
    if let Some(path) = std::env::var_os(REPORT) {
        // without the file the exit status still says that it failed
        let _written = std::fs::write(path, text);
    }
}

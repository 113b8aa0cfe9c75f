//! Made commands on files, given to ours and to an installed `pcs` (0.11.5, run as it is and never read): both must
//! end alike, say the same and leave the same file.
//!
//! The smaller tools are compared in the same way, with those of an installed pacemaker-cli-utils (`clustertools.rs`).
//!
//! `SYSTOLE_COMMANDS=20 cargo test --test beside` takes 20 commands of every line of `commands/*.txt`, `… -- tag` those of one
//! area, `SYSTOLE_SEED=7` others than usual. It takes half a second a command, so without a number it is left
//! out; and it is left out, with the reason, where there is no pcs (`SYSTOLE_ORACLE=PATH` names one) or no
//! start files (`../shared/pcs/starts`).
//!
//! What 0.12 does otherwise than 0.11 is in `newer.rs` with its reason, what we do otherwise on purpose in
//! `purpose.txt`. All else is printed by kinds, the most frequent first, and fails: it is looked at, and mended,
//! or put into one of the two. A mended one has a test in `tests/cli` that needs no other pcs.

#![allow(clippy::print_stdout, reason = "a test with a harness of its own tells what it found")]

mod clustertools;
#[path = "../differential/dice.rs"]
#[allow(dead_code, reason = "made for the other harness, which throws in more ways")]
mod dice;
mod lines;
mod newer;
mod outcome;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use dice::Dice;
use lines::Line;
use newer::Difference;
use tally::Tally;

/// Commands by area. `true`: 0.12 shows what there is in other words, so data is not compared.
const AREAS: &[(&str, &str, bool)] = &[
    ("acl", include_str!("commands/acl.txt"), false),
    ("agents", include_str!("commands/agents.txt"), true),
    ("alert", include_str!("commands/alert.txt"), true),
    ("bundle", include_str!("commands/bundle.txt"), true),
    ("constraint", include_str!("commands/constraint.txt"), true),
    ("corosync", include_str!("commands/corosync.txt"), true),
    ("create", include_str!("commands/create.txt"), true),
    ("defaults", include_str!("commands/defaults.txt"), true),
    ("location", include_str!("commands/location.txt"), true),
    ("node", include_str!("commands/node.txt"), true),
    ("property", include_str!("commands/property.txt"), true),
    ("resource", include_str!("commands/resource.txt"), true),
    ("setup", include_str!("commands/setup.txt"), true),
    ("status", include_str!("commands/status.txt"), true),
    ("stonith", include_str!("commands/stonith.txt"), true),
    ("tag", include_str!("commands/tag.txt"), true),
];

/// Commands that are answered otherwise on purpose: how they begin, and why.
const PURPOSE: &str = include_str!("purpose.txt");

/// What commands work on: a document, a corosync.conf, or nothing.
const STARTS: &[(&str, &str)] = &[
    ("rich", "rich.xml"),
    ("empty", "empty.xml"),
    ("two", "two.xml"),
    ("web", "web.xml"),
    ("state", "state.xml"),
    ("k2", "two.conf"),
    ("k3", "three.conf"),
    ("ku", "udpu.conf"),
    ("kn", "new.conf"),
    ("none", ""),
];

fn starts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pcs/starts")
}

fn missing_number() -> Option<String> {
    let number = std::env::var_os("SYSTOLE_COMMANDS");
    number
        .is_none()
        .then(|| "half a second a command; SYSTOLE_COMMANDS=20 takes 20 of a line".into())
}

fn missing_starts() -> Option<String> {
    (!starts().is_dir()).then(|| format!("no start files in {}", starts().display()))
}

fn missing(oracle: &str) -> Option<String> {
    if let Some(reason) = missing_number() {
        return Some(reason);
    }
    if !Path::new(oracle).exists() {
        return Some(format!("no {oracle} to compare with; SYSTOLE_ORACLE=PATH names one"));
    }
    missing_starts()
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let oracle = std::env::var("SYSTOLE_ORACLE").unwrap_or_else(|_| "/usr/sbin/pcs".to_owned());
    let missing = missing(&oracle);
    let trials = AREAS
        .iter()
        .map(|&(area, text, newer_text)| {
            let (missing, oracle) = (missing.clone(), oracle.clone());
            Trial::ignorable_test(area, move || match missing {
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => compare(area, text, newer_text, &oracle).map_err(Failed::from),
            })
        })
        .chain(clustertools::AREAS.iter().map(|&(area, text)| {
            let missing = missing_number().or_else(missing_starts).or_else(clustertools::missing);
            Trial::ignorable_test(area, move || match missing {
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => clustertools::compare(area, text).map_err(Failed::from),
            })
        }))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Takes commands of a line: all, when there are not more than wanted.
fn chosen(line: &str, wanted: usize, dice: &mut Dice) -> Vec<Line> {
    let count = lines::count(line);
    let numbers: Vec<usize> = if count <= wanted {
        (0..count).collect()
    } else {
        (0..wanted).map(|_| dice.below(count)).collect()
    };
    numbers.into_iter().filter_map(|number| lines::nth(line, number)).collect()
}

fn run(program: &[&str], line: &Line, folder: &Path) -> Result<outcome::Outcome, String> {
    let name = STARTS.iter().find(|(name, _)| *name == line.start).map_or("", |(_, file)| *file);
    let path = folder.join(if name.is_empty() { "nothing" } else { name });
    // the file of the last command, or none
    let _gone = std::fs::remove_file(&path);
    if !name.is_empty() && name != "new.conf" {
        std::fs::copy(starts().join(name), &path).map_err(|error| format!("{name}: {error}"))?;
    }
    let mut words = Vec::new();
    if !name.is_empty() {
        words.push(if name.ends_with(".xml") { "-f" } else { "--corosync_conf" }.to_owned());
        words.push(path.to_string_lossy().into_owned());
    }
    words.extend(line.words.iter().cloned());
    outcome::of(program, &words, &path, &[])
}

/// Makes sure that there is something to compare with: what a broken pcs says to everything (a
/// traceback, say) would be taken for known differences.
fn works(oracle: &str, folder: &Path) -> Result<(), String> {
    let words = ["property", "config"].map(str::to_owned).to_vec();
    let line = Line { start: "empty".to_owned(), words };
    let said = run(&[oracle], &line, folder)?;
    if said.code == 0 {
        Ok(())
    } else {
        Err(format!("{oracle} does not work: {}", said.stderr.join(" ")))
    }
}

fn compare(area: &str, text: &str, newer_text: bool, oracle: &str) -> Result<Completion, String> {
    let folder = std::env::temp_dir().join(format!("systole-beside-{}-{area}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let wanted = usize::try_from(number("SYSTOLE_COMMANDS", 1)).unwrap_or(1);
    let mut dice = Dice::new(number("SYSTOLE_SEED", 1));
    let purposes: Vec<&str> = PURPOSE
        .lines()
        .filter_map(|line| line.split('#').next().map(str::trim))
        .filter(|line| !line.is_empty())
        .collect();
    works(oracle, &folder)?;
    let ours = [env!("CARGO_BIN_EXE_systole"), "pcs"];
    let mut tally = Tally::default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        for command in chosen(line, wanted, &mut dice) {
            tally.count += 1;
            let shown = lines::shown(&command.words);
            let (one, other) = (run(&ours, &command, &folder)?, run(&[oracle], &command, &folder)?);
            match newer::difference(&one, &other, newer_text) {
                Difference::None => {}
                Difference::Known(_) => tally.known += 1,
                Difference::New(..) if purposes.iter().any(|words| shown.starts_with(words)) => {
                    tally.known += 1;
                }
                Difference::New(mine, theirs) => {
                    tally.add(&command, &mine, &theirs);
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    tally.told(area)
}

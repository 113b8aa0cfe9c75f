//! Commands of the smaller tools on files (`crm_mon`, `crm_resource`, `cibadmin`, …), given to ours and to those of an
//! installed pacemaker-cli-utils (2.1.5, run as they are and never read): both must end alike, give the same data,
//! say something to people or nothing, and leave the same file.
//!
//! A line is a start file, which is one of `../shared/pcs/starts` or a case of the scheduler corpus, the tool and its
//! words; `FILE` is the file.

use std::path::{Path, PathBuf};

use libtest_mimic::Completion;

use crate::dice::Dice;
use crate::lines::Line;
use crate::outcome::{self, Outcome};
use crate::tally::Tally;
use crate::{chosen, lines, number, starts};

/// Commands by tool.
pub(crate) const AREAS: &[(&str, &str)] = &[
    ("cibadmin", include_str!("commands/cibadmin.txt")),
    ("crm_attribute", include_str!("commands/crm_attribute.txt")),
    ("crm_mon", include_str!("commands/crm_mon.txt")),
    ("crm_resource", include_str!("commands/crm_resource.txt")),
    ("crm_verify", include_str!("commands/crm_verify.txt")),
    ("small tools", include_str!("commands/small.txt")),
];

/// What we answer otherwise on purpose, and why, a line each: how a command begins, without its start file, or
/// after `START:` those on one start file only; behind ` > ` what ours says then, where that tells these apart.
const PURPOSE: &str = include_str!("clustertools.txt");

/// What 3.0 says otherwise than 2.1.5: texts of results, as pcs's recorded status has them.
const REWORDED: &[(&str, &str)] = &[
    ("'error'", "'Error occurred'"),
    ("'not running'", "'Not running'"),
    ("'promoted'", "'Promoted'"),
    ("'not installed'", "'Not installed'"),
    ("status='complete'", "status='Done'"),
    ("60s-interval", "1m-interval"),
    ("<crm_mon version=\"2.1.5\">", "<crm_mon version=\"3.0.1\">"),
];

/// Where the installed tools are.
const ORACLES: &str = "/usr/sbin";

/// Says why there is nothing to compare with.
pub(crate) fn missing() -> Option<String> {
    let there = Path::new(ORACLES).join("crm_mon").exists();
    (!there).then(|| format!("no pacemaker-cli-utils in {ORACLES}"))
}

fn start_file(name: &str) -> Option<PathBuf> {
    let file = format!("{name}.xml");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/scheduler/cases").join(&file);
    [starts().join(&file), cases].into_iter().find(|path| path.exists())
}

fn run(program: &[&str], line: &Line, folder: &Path) -> Result<Outcome, String> {
    let path = folder.join("cib.xml");
    // the file of the last command, or none
    let _gone = std::fs::remove_file(&path);
    if line.start != "none" {
        let from =
            start_file(&line.start).ok_or_else(|| format!("no start file {}", line.start))?;
        std::fs::copy(from, &path).map_err(|error| format!("{}: {error}", line.start))?;
    }
    let file = path.to_string_lossy();
    let words: Vec<String> =
        line.words.iter().skip(1).map(|word| word.replace("FILE", &file)).collect();
    outcome::of(program, &words, &path, &[("CIB_file", &path), ("CIB_shadow_dir", folder)])
}

/// The data of an answer, without the moment it was given.
fn data(outcome: &Outcome, tool: &str) -> Vec<String> {
    let timeless =
        |line: &String| !line.contains("Last updated:") && !line.contains("<last_update");
    let plain = |line: &String| {
        let line = line.replace(&format!("{ORACLES}/{tool}"), tool);
        REWORDED.iter().fold(line, |line, (old, new)| line.replace(old, new))
    };
    let mut lines: Vec<String> =
        outcome.stdout.iter().filter(|line| timeless(line)).map(plain).collect();
    // text may be written in two ways in XML
    let mut quoted = false;
    for line in &mut lines {
        let mut rest = std::mem::take(line);
        while let Some(at) = rest.find(if quoted { "]]>" } else { "<![CDATA[" }) {
            let (before, after) = rest.split_at(at);
            line.push_str(&if quoted { escaped(before) } else { before.to_owned() });
            rest = after[if quoted { 3 } else { 9 }..].to_owned();
            quoted = !quoted;
        }
        line.push_str(&if quoted { escaped(&rest) } else { rest });
    }
    // in which order one constraint bans its nodes is chance
    let is_ban = |line: &String| line.contains("<ban ") || line.contains("\tprevents ");
    let (places, mut bans): (Vec<usize>, Vec<String>) =
        lines.iter().cloned().enumerate().filter(|(_, line)| is_ban(line)).unzip();
    bans.sort();
    for (place, ban) in places.into_iter().zip(bans) {
        lines[place] = ban;
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns the first thing that is different, ours and the other's.
fn difference(ours: &Outcome, other: &Outcome, tool: &str) -> Option<(String, String)> {
    let only = |here: &[String], there: &[String]| {
        here.iter().find(|line| !there.contains(line)).cloned().unwrap_or_default()
    };
    let first = |outcome: &Outcome| {
        let said = outcome.stderr.first().cloned().unwrap_or_default();
        format!("{} {said}", outcome.code)
    };
    if ours.code != other.code || ours.stderr.is_empty() != other.stderr.is_empty() {
        return Some((first(ours), first(other)));
    }
    let (one, two) = (data(ours, tool), data(other, tool));
    if one != two {
        return Some((only(&one, &two), only(&two, &one)));
    }
    let same = ours.file == other.file;
    (!same).then(|| (only(&ours.file, &other.file), only(&other.file, &ours.file)))
}

/// One line of what differs on purpose.
struct Purpose {
    start: Option<&'static str>,
    words: &'static str,
    says: Option<&'static str>,
}

impl Purpose {
    fn all() -> Vec<Self> {
        let lines = PURPOSE.lines().filter_map(|line| line.split('#').next().map(str::trim));
        lines.filter(|line| !line.is_empty()).map(Self::read).collect()
    }

    fn read(line: &'static str) -> Self {
        let (line, says) = match line.split_once(" > ") {
            Some((line, says)) => (line.trim_end(), Some(says)),
            None => (line, None),
        };
        match line.split_once(": ") {
            Some((start, words)) => Self { start: Some(start), words, says },
            None => Self { start: None, words: line, says },
        }
    }

    fn fits(&self, start: &str, shown: &str, mine: &str) -> bool {
        self.start.is_none_or(|only| only == start)
            && shown.starts_with(self.words)
            && self.says.is_none_or(|says| mine.contains(says))
    }
}

/// Compares commands of an area.
pub(crate) fn compare(area: &str, text: &str) -> Result<Completion, String> {
    let name = area.replace(' ', "-");
    let folder = std::env::temp_dir().join(format!("systole-beside-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let wanted = usize::try_from(number("SYSTOLE_COMMANDS", 1)).unwrap_or(1);
    let mut dice = Dice::new(number("SYSTOLE_SEED", 1));
    let purposes = Purpose::all();
    let mut tally = Tally::default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        for command in chosen(line, wanted, &mut dice) {
            let Some(tool) = command.words.first().cloned() else { continue };
            tally.count += 1;
            let shown = lines::shown(&command.words);
            let ours = run(&[env!("CARGO_BIN_EXE_systole"), &tool], &command, &folder)?;
            let other = run(&[&format!("{ORACLES}/{tool}")], &command, &folder)?;
            match difference(&ours, &other, &tool) {
                None => {}
                // it died of a signal
                Some(_) if other.code < 0 => tally.known += 1,
                // how each is used is said in its own words
                Some(_) if command.words.iter().any(|word| word == "--help") => tally.known += 1,
                Some((mine, _))
                    if purposes.iter().any(|one| one.fits(&command.start, &shown, &mine)) =>
                {
                    tally.known += 1
                }
                Some((mine, theirs)) => {
                    tally.add(&command, &mine, &theirs);
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    tally.told(area)
}

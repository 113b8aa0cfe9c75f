//! Golden cases: every directory of `tests/golden` is a small document and the plan that it must
//! give. `tests/golden/README.md` tells how to add one; `BLESS=1` writes what is planned now.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::let_underscore_must_use,
    reason = "a test with a harness of its own; writing to a string does not fail"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use model::WallTime;
use pengine::{Options, Plan};

/// The moment at which every case without an `execution-date` is planned: 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("BLESS").is_some();
    let trials = cases()
        .into_iter()
        .map(|case| {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Trial::test(name, move || check(&case, bless))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The directories of all cases.
fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let entries = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("failed to read `{}`: {error}", directory.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a directory that can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no cases in `{}`", directory.display());
    found
}

/// Plans one case and compares.
fn check(case: &Path, bless: bool) -> Result<(), Failed> {
    let read = |name: &str| {
        let path = case.join(name);
        fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))
    };
    if read("about.txt")?.trim().lines().count() != 1 {
        return Err("about.txt says in one line what the case shows".into());
    }
    let document = cib::parse(&read("cib.xml")?).map_err(|error| format!("cib.xml: {error}"))?;
    let options = Options { dot: pengine::Dot::Needed, scores: true, ..Options::default() };
    let now = WallTime::from_secs(NOW);
    let plan = pengine::schedule(&document, now, &options);
    let status = pengine::status::read(&document, now, &options);
    let objections = pengine::check::objections(&status, &plan.graph);
    if !objections.is_empty() {
        return Err(format!("the plan checker objects:\n{}", objections.join("\n")).into());
    }
    // scores that nobody wants to see are added up on shorter ways
    let unlisted = Options { scores: false, ..options };
    let unlisted = pengine::schedule(&document, now, &unlisted);
    if unlisted.graph.to_xml() != plan.graph.to_xml() {
        return Err("the plan is another one when scores are not listed".into());
    }
    let planned = text_of(&plan);
    let path = case.join("expected.txt");
    if bless {
        fs::write(&path, planned).map_err(|error| format!("`{}`: {error}", path.display()))?;
        return Ok(());
    }
    let expected = fs::read_to_string(&path)
        .map_err(|error| format!("`{}`: {error}; BLESS=1 writes it", path.display()))?;
    if expected == planned {
        return Ok(());
    }
    Err(format!(
        "the plan is not the expected one (-expected +planned; BLESS=1 accepts it):\n{}",
        difference(&expected, &planned)
    )
    .into())
}

/// A plan as a text that people can check: what is planned, the scores it follows from, and the
/// steps with what each waits for.
fn text_of(plan: &Plan) -> String {
    let mut out = String::from("Planned\n");
    for action in &plan.report.actions {
        // columns are as wide as their widest line: they tell nothing about a decision
        let words: Vec<&str> = action.line.split_whitespace().collect();
        let _ = writeln!(out, "  {}", words.join(" "));
    }
    out.push_str("\nScores\n");
    for line in scores(plan) {
        let _ = writeln!(out, "  {line}");
    }
    out.push_str("\nSteps\n");
    for line in steps(&plan.dot) {
        let _ = writeln!(out, "  {line}");
    }
    if !plan.report.messages.is_empty() {
        out.push_str("\nMessages\n");
        for message in &plan.report.messages {
            let _ = writeln!(out, "  {:?}: {}", message.level, message.text);
        }
    }
    if let Some(moment) = plan.report.recheck_by {
        let _ = writeln!(out, "\nPlanned again after {} s", moment - NOW);
    }
    out
}

/// The scores listing, one line for all nodes of a resource at one moment.
fn scores(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for line in &plan.scores {
        let read = line
            .split_once(": ")
            .and_then(|(function, rest)| Some((function, rest.split_once(" score on ")?)));
        let Some((function, (what, place))) = read else {
            lines.push((line.clone(), String::new()));
            continue;
        };
        let what = what.strip_suffix(" allocation").unwrap_or(what);
        // the same scores are listed at several moments: the function tells them apart
        let key = format!("{function}: {what}");
        let place = place.replace(": ", " ");
        match lines.last_mut().filter(|(last, _)| *last == key) {
            Some((_, places)) => {
                let _ = write!(places, ", {place}");
            }
            None => lines.push((key, place)),
        }
    }
    lines
        .into_iter()
        .map(|(key, places)| {
            let what = key.split_once(": ").map_or(key.as_str(), |(_, what)| what);
            if places.is_empty() { key.clone() } else { format!("{what}: {places}") }
        })
        .collect()
}

/// The steps of a graph for dot, sorted by name, each with what it waits for.
///
/// Of a blocked one that is all it is ordered after; other steps' idle orderings are left out.
fn steps(dot: &str) -> Vec<String> {
    type Waits<'a> = Vec<(&'a str, bool)>;
    let mut steps: BTreeMap<&str, (&str, Waits<'_>)> = BTreeMap::new();
    for line in dot.lines() {
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let Some(name) = names.first() else { continue };
        if let (true, Some(then)) = (line.contains("\" -> \""), names.get(1)) {
            steps.entry(then).or_default().1.push((name, line.contains("= bold")));
        } else if line.contains("color=") {
            steps.entry(name).or_default().0 = mark(line);
        }
    }
    steps
        .into_iter()
        .map(|(name, (mark, waits))| {
            let waits = waits.into_iter().filter(|(_, real)| *real || mark == " (blocked)");
            let mut waits: Vec<_> = waits.map(|(other, _)| other).collect();
            waits.sort_unstable();
            let waits = if waits.is_empty() {
                String::new()
            } else {
                format!(" after {}", waits.join(", "))
            };
            format!("{name}{mark}{waits}")
        })
        .collect()
}

/// What the look of a step in the graph means, where it is no ordinary one.
fn mark(line: &str) -> &'static str {
    if line.contains("fontcolor=\"orange\"") {
        " (pseudo)"
    } else if line.contains("color=\"red\"") {
        " (blocked)"
    } else if line.contains("color=\"blue\"") {
        " (optional)"
    } else {
        ""
    }
}

/// The lines that only one of two texts has, in order, as a listing with all common lines.
fn difference(expected: &str, planned: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), planned.lines().collect());
    // lengths of the longest common subsequences of what remains on either side
    let mut common = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < left.len() || j < right.len() {
        let (sign, line) = if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
            (' ', left[i - 1])
        } else if j == right.len() || i < left.len() && common[i + 1][j] >= common[i][j + 1] {
            i += 1;
            ('-', left[i - 1])
        } else {
            j += 1;
            ('+', right[j - 1])
        };
        let _ = writeln!(out, "{sign} {line}");
    }
    out
}

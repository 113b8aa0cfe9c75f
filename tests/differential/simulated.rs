//! What comes of a document when events are pretended and the plan is carried out on paper: the report of it, and
//! the document that is stored then.

use std::path::Path;
use std::process::Command;

use cib::Element;

/// Seconds of CPU that a run may take.
const CPU_SECONDS: &str = "--cpu=5";

/// The comparable part of one simulation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Simulated {
    /// What is said, in order, but for the summary of the plan, which is in each version's own words.
    said: Vec<String>,
    /// The status that is stored, an element a line.
    status: Vec<String>,
    /// The document that was planned on, and the one that is stored.
    pub(crate) input: String,
    pub(crate) output: String,
}

/// Simulates a document with a program that is called like `crm_simulate`.
pub(crate) fn of(
    program: &[&str],
    directory: &Path,
    document: &str,
    events: &[String],
) -> Result<Simulated, String> {
    let file = |name: &str| directory.join(name);
    let (from, input, output) = (file("before.xml"), file("input.xml"), file("after.xml"));
    std::fs::write(&from, document).map_err(|error| error.to_string())?;
    let mut command = Command::new("prlimit");
    command
        .arg(CPU_SECONDS)
        .args(program)
        .arg("-x")
        .arg(&from)
        .arg("-I")
        .arg(&input)
        .arg("-O")
        .arg(&output)
        .arg("-S")
        .args(events);
    let ran = crate::outcome::apart(&mut command, directory)
        .output()
        .map_err(|error| format!("{}: {error}", program[0]))?;
    if !ran.status.success() {
        let errors = String::from_utf8_lossy(&ran.stderr);
        let last = errors.lines().last().unwrap_or_default();
        return Err(format!("{} ends with {}: {last}", program[0], ran.status));
    }
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let (input, output) = (read(&input)?, read(&output)?);
    let stored = cib::parse(&output).map_err(|error| error.to_string())?;
    let mut status = Vec::new();
    if let Some(element) = stored.child("status") {
        flatten(element, "", &mut status);
    }
    Ok(Simulated { said: said(&String::from_utf8_lossy(&ran.stdout)), status, input, output })
}

/// The report without the summary, numbers of actions and the time of day.
fn said(text: &str) -> Vec<String> {
    let mut planned = false;
    let mut all = Vec::new();
    for line in text.lines() {
        planned = match line {
            "Transition Summary:" => true,
            "" => false,
            _ => planned,
        };
        if planned {
            continue;
        }
        let line = match (line.split_once("=1"), line.split_once("action ")) {
            (Some((name, _)), _) if line.contains("Injecting attribute last-failure-") => {
                name.to_owned()
            }
            (_, Some((start, rest))) if line.contains("Pretending action ") => {
                let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
                format!("{start}action {rest}")
            }
            // (what is in maintenance is but unmanaged to 2.1.5, and of a whole it tells that first;
            // `rsc-maintenance` has `disabled, maintenance`)
            _ if line.contains("):\t") || line.ends_with("):") => {
                let line = line.trim_end().replace("maintenance", "unmanaged");
                line.replace("unmanaged, disabled", "disabled, unmanaged")
            }
            _ => line.trim_end().to_owned(),
        };
        all.push(line);
    }
    all
}

/// Attributes of entries that say when or by what version they were made.
const FLEETING: [&str; 4] =
    ["crm_feature_set", "transition-key", "transition-magic", "last-rc-change"];

fn flatten(element: &Element, path: &str, out: &mut Vec<String>) {
    let mut attributes: Vec<String> = element
        .attributes()
        .filter(|(name, _)| !FLEETING.contains(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    attributes.sort();
    let name = element.get("name").unwrap_or_default();
    if name.starts_with("last-failure-") {
        attributes.retain(|attribute| !attribute.starts_with("value="));
    }
    let path = format!("{path}/{}", element.name());
    out.push(format!("{path} {}", attributes.join(" ")));
    for child in element.children() {
        flatten(child, &path, out);
    }
}

impl Simulated {
    /// What only one of the two has: `-` is the other program's, `+` is ours.
    pub(crate) fn difference(&mut self, ours: &mut Self) -> Option<String> {
        crate::listing::settle(&mut self.said, &mut ours.said);
        let mut out = String::new();
        for (what, theirs, ours) in
            [("said", &self.said, &ours.said), ("stored", &self.status, &ours.status)]
        {
            if theirs == ours {
                continue;
            }
            out.push_str(&format!("{what}\n"));
            let before = out.len();
            for (sign, from, other) in [('-', theirs, ours), ('+', ours, theirs)] {
                for line in from.iter().filter(|line| !other.contains(line)) {
                    out.push_str(&format!("  {sign} {line}\n"));
                }
            }
            if out.len() == before {
                let first = theirs.iter().zip(ours).find(|(theirs, ours)| theirs != ours);
                let lines = first.map(|(theirs, ours)| format!("  - {theirs}\n  + {ours}\n"));
                out.push_str(&format!(
                    "  (in another order, from here)\n{}",
                    lines.unwrap_or_default()
                ));
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

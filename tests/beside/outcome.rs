//! What came of a command: how it ended, what it said, and what became of the file.

use std::path::Path;
use std::process::{Command, Stdio};

use cib::Element;

/// All that is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The exit status.
    pub(crate) code: i32,
    /// Lines for people.
    pub(crate) stderr: Vec<String>,
    /// Lines of data.
    pub(crate) stdout: Vec<String>,
    /// The file afterwards, as lines that are equal where it means the same.
    pub(crate) file: Vec<String>,
}

/// Sets without an order of their own.
const UNORDERED: [&str; 13] = [
    "acls",
    "alerts",
    "cluster_property_set",
    "constraints",
    "crm_config",
    "fencing-topology",
    "instance_attributes",
    "meta_attributes",
    "nodes",
    "operations",
    "rsc_defaults",
    "tags",
    "utilization",
];

/// Change without the configuration changing.
const COUNTERS: [&str; 7] = [
    "admin_epoch",
    "cib-last-written",
    "crm_feature_set",
    "epoch",
    "num_updates",
    "update-origin",
    "validate-with",
];

fn canonical(element: &Element) -> Vec<String> {
    let mut attributes: Vec<String> = element
        .attributes()
        .filter(|(key, _)| element.name() != "cib" || !COUNTERS.contains(key))
        .map(|(key, value)| format!(" {key}=\"{value}\""))
        .collect();
    attributes.sort();
    let mut children: Vec<Vec<String>> = element.children().map(canonical).collect();
    if UNORDERED.contains(&element.name()) {
        children.sort();
    }
    let mut lines = vec![format!("<{}{}>", element.name(), attributes.concat())];
    lines.extend(children.into_iter().flatten().map(|line| format!(" {line}")));
    lines
}

fn file(path: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    match cib::parse(&text) {
        Ok(document) => canonical(&document),
        Err(_) => text
            .lines()
            .map(|line| line.split("cluster_uuid:").next().unwrap_or(line).to_owned())
            .collect(),
    }
}

/// Lines without the file's place, without what follows a usage's heading, and without the document
/// that is listed when it is refused.
fn tidy(text: &[u8], path: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(text).replace(&*path.to_string_lossy(), "FILE");
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        // when a command ran is no part of its answer
        let line = match line.split_once("will take effect until: ") {
            Some((before, _)) => before,
            None => line,
        };
        lines.push(line.to_owned());
        if line.starts_with("Usage: pcs ") || line == "Error: Unable to update cib" {
            break;
        }
        // what a program says while it breaks down is no part of the answer
        if line.starts_with("Traceback ") {
            lines.pop();
            lines.push("(broke down)".to_owned());
            break;
        }
    }
    lines
}

/// Runs a program with words and looks at what it made of `path`.
pub(crate) fn of(
    program: &[&str],
    words: &[String],
    path: &Path,
    environment: &[(&str, &Path)],
) -> Result<Outcome, String> {
    let (first, others) = program.split_first().ok_or("no program")?;
    let done = Command::new(first)
        .args(others)
        .args(words)
        .env_clear()
        .env("LC_ALL", "C")
        .envs(environment.iter().copied())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("PCS.SETTINGS.corosync_conf_file", "/nonexistent/corosync.conf")
        .stdin(Stdio::null())
        .current_dir(path.parent().unwrap_or(path))
        .output()
        .map_err(|error| format!("{first}: {error}"))?;
    Ok(Outcome {
        code: done.status.code().unwrap_or(-1),
        stderr: tidy(&done.stderr, path),
        stdout: tidy(&done.stdout, path),
        file: file(path),
    })
}

//! `crm_simulate --profile`: how long it takes to plan each document of a directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cib::Element;
use model::{ExitCode, WallTime};

use super::crm_simulate::{Failure, local, usable};
use super::options::Options;
use crate::cib_source;

/// How long a file took.
#[derive(Debug)]
pub(crate) struct Timing {
    file: String,
    took: Duration,
}

/// Plans every document of a directory, each as often as `--repeat` says.
pub(crate) fn timings(
    directory: &str,
    options: &Options,
    now: WallTime,
    engine: &pengine::Options,
) -> Result<Vec<Timing>, Failure> {
    let times = match options.value("repeat") {
        None => 1,
        Some(text) => text.parse().map_err(|_| {
            let text = format!("`{text}` is no number of times, like --repeat=10");
            (ExitCode::Usage, text)
        })?,
    };
    let mut timings = Vec::new();
    for path in documents(directory)? {
        let read = cib_source::read(&path).map_err(|error| (error.code(), error.chain()))?;
        let document = usable(read, &path.to_string_lossy())?;
        // what is kept of a plan would be kept of all
        let engine = local(pengine::Options { is_last: false, ..engine.clone() }, &document);
        let started = Instant::now();
        for _ in 0..u32::max(times, 1) {
            drop(pengine::schedule_into(&document, now, &engine, ()));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("{directory}/{name}");
        timings.push(Timing { file, took: started.elapsed() });
    }
    Ok(timings)
}

/// The documents of a directory, the last by name first.
fn documents(directory: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(directory)
        .map_err(|error| (ExitCode::NoInput, format!("failed to read `{directory}`: {error}")))?;
    let is_document = |path: &PathBuf| {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        path.extension() == Some(OsStr::new("xml")) && !hidden && Path::is_file(path)
    };
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_document).collect();
    paths.sort();
    paths.reverse();
    Ok(paths)
}

/// Tells them to people.
pub(crate) fn text(timings: &[Timing]) -> String {
    let line = |timing: &Timing| {
        format!("  * Testing {} ... {:.2} secs\n", timing.file, timing.took.as_secs_f64())
    };
    let lines: String = timings.iter().map(line).collect();
    format!("Timings:\n{lines}")
}

/// Returns `<timings>`.
pub(crate) fn xml(timings: &[Timing]) -> Element {
    let one = |timing: &Timing| {
        Element::new("timing")
            .with("file", timing.file.as_str())
            .with("duration", format!("{:.6}", timing.took.as_secs_f64()))
    };
    timings.iter().map(one).fold(Element::new("timings"), Element::with_child)
}

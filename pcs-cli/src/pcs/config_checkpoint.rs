//! `pcs config checkpoint`: former documents, which the cluster keeps as `cib-N.raw`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use cib::Element;
use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::context::{Cli, Context, Failure, fail};
use super::{config, hosts};
use crate::cib_source;

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "config", command })
}

/// `pcs config checkpoint …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => list(context),
        ["view", number] => view(context, number),
        ["view", ..] => usage("checkpoint view"),
        ["diff", one, other] => diff(context, one, other),
        ["diff", ..] => usage("checkpoint diff"),
        ["restore", number] => restore(context, number),
        ["restore", ..] => usage("checkpoint restore"),
        _ => usage("checkpoint"),
    }
}

fn path_of(number: u64) -> PathBuf {
    hosts::paths().cib_dir().join(format!("cib-{number}.raw"))
}

/// Returns the checkpoints that are there and when each was made, by number.
fn checkpoints() -> Cli<BTreeMap<u64, SystemTime>> {
    let directory = hosts::paths().cib_dir();
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return fail(format!("unable to list '{}': {error}", directory.display())),
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix("cib-")?.strip_suffix(".raw")?.parse().ok()?;
            Some((number, entry.metadata().ok()?.modified().ok()?))
        })
        .collect())
}

fn list(context: &mut Context) -> Cli {
    context.supports(&["--output-format"])?;
    let format = context.output_format(&["json", "text"])?;
    let all = checkpoints()?;
    let moment = |time: SystemTime| -> Option<Zoned> {
        Some(Timestamp::try_from(time).ok()?.to_zoned(crate::clock::zone().clone()))
    };
    if format == "json" {
        let all: Vec<serde_json::Value> = all
            .into_iter()
            .map(|(number, time)| {
                let date = moment(time).map(|time| time.strftime("%FT%T%:z").to_string());
                json!({ "number": number, "date": date })
            })
            .collect();
        context.print(&super::json::pretty(&json!({ "checkpoints": all })));
        return Ok(());
    }
    if all.is_empty() {
        context.print("No checkpoints available");
    }
    for (number, time) in all {
        let date = moment(time).map_or("unknown".to_owned(), |t| t.strftime("%F %T").to_string());
        context.print(&format!("checkpoint {number}: date {date}"));
    }
    Ok(())
}

/// Reads a checkpoint; the words of a failure differ a little from command to command.
fn read(typed: &str, failure: &str) -> Cli<Element> {
    let Ok(number) = typed.parse() else {
        return fail(format!("{failure}: '{typed}' is no number of a checkpoint"));
    };
    cib_source::read(&path_of(number))
        .or_else(|error| fail(format!("{failure}: {}", error.chain())))
}

fn view(context: &mut Context, number: &str) -> Cli {
    context.supports(&[])?;
    let document = read(number, "unable to read the checkpoint")?;
    let lines = config::document(&document);
    // the first line only parts the sections
    context.print_lines(lines.get(1..).unwrap_or_default());
    Ok(())
}

fn diff(context: &mut Context, one: &str, other: &str) -> Cli {
    context.supports(&["-f"])?;
    if one == other {
        return fail("cannot diff a checkpoint against itself");
    }
    let mut side = |name: &str| -> Cli<(String, Vec<String>)> {
        let (label, document) = if name == "live" {
            ("live configuration".to_owned(), context.cib()?)
        } else {
            let document = read(name, &format!("unable to read checkpoint '{name}'"))?;
            (format!("checkpoint {name}"), document)
        };
        Ok((label, config::document(&document)))
    };
    let ((old_label, old), (new_label, new)) = (side(one)?, side(other)?);
    context.print(&format!("Differences between {old_label} (-) and {new_label} (+):"));
    let lines = pcs::text_diff::lines(&old, &new);
    // what is the same in both and stands first only parts the sections
    let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
    context.print_lines(&lines[blank..]);
    Ok(())
}

/// Makes a former configuration the present one; nodes and state are what they are.
fn restore(context: &mut Context, number: &str) -> Cli {
    context.supports(&["-f"])?;
    let former = read(number, "unable to read the checkpoint")?;
    let Some(configuration) = former.child("configuration") else {
        return fail(format!(
            "unable to read the checkpoint: checkpoint {number} has no configuration"
        ));
    };
    let before = context.cib()?;
    let mut after = before.clone();
    *after.child_or_insert("configuration") = configuration.clone();
    context.push(&before, &after)
}

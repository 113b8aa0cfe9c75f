//! `pcs stonith level`.

use pcs::stonith::level::{self, Levels, Selection, Target};

use super::context::{Cli, Context, Failure, fail};
use super::resource_text::{quote, word};
use super::words::Sections;
use super::{json, resource};

const AREA: &str = "stonith";

/// Runs `pcs stonith level …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "add" => add(context, rest),
        "delete" => remove(context, rest, "level delete"),
        "remove" => remove(context, rest, "level remove"),
        "clear" => clear(context, rest),
        "verify" => {
            context.supports(&["-f"])?;
            if !rest.is_empty() {
                return Err(Failure::Usage { area: AREA, command: "level verify" });
            }
            context.read(level::verify)
        }
        "config" => config(context, rest),
        _ => Err(Failure::Usage { area: AREA, command: "level " }),
    }
}

/// Reads a target: `node1`, `node%node1`, `regexp%db.*`, `attrib%rack=r1`.
fn target(text: &str) -> Cli<Target> {
    match text.split_once('%') {
        None => Ok(Target::Node(text.to_owned())),
        Some(("node", name)) => Ok(Target::Node(name.to_owned())),
        Some(("regexp", pattern)) => Ok(Target::Pattern(pattern.to_owned())),
        Some(("attrib", attribute)) => match attribute.split_once('=') {
            Some(("", _)) => fail(format!("missing key in '{attribute}' option")),
            Some((name, value)) => Ok(Target::Attribute(name.to_owned(), value.to_owned())),
            None => fail(format!("missing value of '{attribute}' option")),
        },
        Some((kind, _)) => {
            fail(format!("'{kind}' is not an allowed type for '{text}', use attrib, node, regexp"))
        }
    }
}

fn add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    let [index, on, rest @ ..] = words else {
        return Err(Failure::Usage { area: AREA, command: "level add" });
    };
    let mut devices = Vec::new();
    let mut id = None;
    for word in rest {
        match word.strip_prefix("id=") {
            Some(text) => id = Some(text.to_owned()),
            None => devices.push(word.clone()),
        }
    }
    let target = target(on)?;
    if devices.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "level add" });
    }
    resource::only(context, &devices, true, "")?;
    let force = context.force();
    context.change(|env| level::add(env, index, &target, &devices, id.as_deref(), force))
}

/// Reads `target TARGET` and `stonith DEVICE…`, in whatever order; none when it is not that.
fn selection(words: &[String]) -> Cli<Option<(Option<Target>, Vec<String>)>> {
    let groups = Sections::split(words, &["target", "stonith"]);
    if !groups.first.is_empty() {
        return Ok(None);
    }
    let bare = |keyword: &&str| groups.has(keyword) && groups.flat(keyword).is_empty();
    let bare: Vec<String> = ["target", "stonith"]
        .into_iter()
        .filter(bare)
        .map(|keyword| format!("'{keyword}'"))
        .collect();
    if !bare.is_empty() {
        return fail(format!("Missing value after {}", bare.join(" and ")));
    }
    let target = match groups.flat("target").as_slice() {
        [] => None,
        [on] => Some(target(on)?),
        _ => return fail("At most one target can be specified"),
    };
    Ok(Some((target, groups.flat("stonith"))))
}

fn remove(context: &mut Context, words: &[String], command: &'static str) -> Cli {
    context.supports(&["-f"])?;
    let usage = || Failure::Usage { area: AREA, command };
    let (index, rest) = words.split_first().ok_or_else(usage)?;
    let (target, devices) = selection(rest)?.ok_or_else(usage)?;
    context.change(|env| {
        let selection =
            Selection { index: Some(index), target: target.as_ref(), devices: &devices };
        level::remove(env, &selection, false)
    })
}

fn clear(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    let (target, devices) =
        selection(words)?.ok_or(Failure::Usage { area: AREA, command: "level clear" })?;
    if target.is_some() && !devices.is_empty() {
        return fail("Only one of 'target' and 'stonith' can be used");
    }
    context.change(|env| {
        let selection = Selection { index: None, target: target.as_ref(), devices: &devices };
        level::remove(env, &selection, words.is_empty())
    })
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "level config" });
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    let levels = Levels::of(&context.configuration()?);
    match format.as_str() {
        "json" => context.print(&json::line(&levels)),
        "cmd" => {
            let commands = commands(&levels);
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => context.print_lines(&text(&levels)),
    }
    Ok(())
}

/// Levels as `(heading, typed target, index, devices, id)`.
fn rows(levels: &Levels) -> Vec<(String, String, u64, &[String], &str)> {
    let nodes = levels.target_node.iter().map(|l| {
        let head = format!("Target (node): {}", l.target);
        (head, l.target.clone(), l.index, l.devices.as_slice(), l.id.as_str())
    });
    let patterns = levels.target_regex.iter().map(|l| {
        let head = format!("Target (regexp): {}", l.target_pattern);
        let typed = format!("regexp%{}", l.target_pattern);
        (head, typed, l.index, l.devices.as_slice(), l.id.as_str())
    });
    let attributes = levels.target_attribute.iter().map(|l| {
        let head = format!("Target (attribute): {}={}", l.target_attribute, l.target_value);
        let typed = format!("attrib%{}={}", l.target_attribute, l.target_value);
        (head, typed, l.index, l.devices.as_slice(), l.id.as_str())
    });
    nodes.chain(patterns).chain(attributes).collect()
}

/// Shows levels.
pub(crate) fn text(levels: &Levels) -> Vec<String> {
    let rows = rows(levels);
    let mut heads: Vec<&String> = Vec::new();
    for (head, ..) in &rows {
        if !heads.contains(&head) {
            heads.push(head);
        }
    }
    let mut lines = Vec::new();
    for head in heads {
        lines.push(head.clone());
        let mut of_target: Vec<_> = rows.iter().filter(|row| row.0 == *head).collect();
        of_target.sort_by_key(|row| row.2);
        for (_, _, index, devices, _) in of_target {
            lines.push(format!("  Level {index}: {}", devices.join(" ")));
        }
    }
    lines
}

/// Writes the commands that build levels.
pub(crate) fn commands(levels: &Levels) -> Vec<String> {
    rows(levels)
        .into_iter()
        .map(|(_, typed, index, devices, id)| {
            let devices: Vec<String> = devices.iter().map(|device| quote(device)).collect();
            let typed = if typed.starts_with("regexp%") { typed } else { quote(&typed) };
            format!(
                "pcs stonith level add --force -- {index} {typed} {} {}",
                devices.join(" "),
                word("id", id)
            )
        })
        .collect()
}

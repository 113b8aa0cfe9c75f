//! `pcs resource`.

use pcs::resource::config::Resources;
use pcs::resource::group::{self, Place};

use super::context::{Cli, Context, Failure, fail};
use super::{json, resource_create, resource_text};

const AREA: &str = "resource";

/// Runs `pcs resource …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("status", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "create" => resource_create::resource(context, rest),
        "config" => config(context, rest, false),
        "group" => run_group(context, rest),
        _ => Err(Failure::Usage { area: AREA, command: "" }),
    }
}

/// Shows what is configured: resources, or fence devices.
pub(crate) fn config(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["-f", "--output-format", "--show-secrets"])?;
    let format = context.output_format(&["cmd", "json", "text"])?;
    let cib = context.cib()?;
    let all = Resources::of(&cib).filtered(stonith);
    let (mut shown, mut missing) = (all.clone(), Vec::new());
    if !words.is_empty() {
        let mut ids = words.to_vec();
        if format != "text" {
            ids.sort();
        }
        (shown, missing) = all.restricted(&ids);
    }
    let what = if stonith { "stonith device" } else { "resource" };
    if !missing.is_empty() {
        let many = if missing.len() == 1 { "" } else { "s" };
        context.warn(&format!("Unable to find {what}{many} {}", pcs::text::quoted(&missing)));
        if shown.is_empty() {
            return fail(format!("No {what} found"));
        }
    }
    match format.as_str() {
        "json" => context.print(&json::line(&shown)),
        "cmd" => {
            let commands = resource_text::commands(&shown);
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => context.print_lines(&resource_text::text(&shown, &all)),
    }
    Ok(())
}

fn run_group(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "add" => group_add(context, rest),
        "list" => {
            context.supports(&["-f"])?;
            let all = Resources::of(&context.cib()?);
            for group in &all.groups {
                context.print(&format!("{}: {}", group.id, group.member_ids.join(" ")));
            }
            Ok(())
        }
        _ => Err(Failure::Usage { area: AREA, command: "group" }),
    }
}

fn group_add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--after", "--before", "-f"])?;
    let [id, resources @ ..] = words else {
        return Err(Failure::Usage { area: AREA, command: "group add" });
    };
    if resources.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "group add" });
    }
    let place = match (context.arguments.value("--before"), context.arguments.value("--after")) {
        (Some(_), Some(_)) => return fail("you cannot specify both --before and --after"),
        (Some(id), None) => Place::Before(id.to_owned()),
        (None, Some(id)) => Place::After(id.to_owned()),
        (None, None) => Place::End,
    };
    context.wait()?;
    context.change(|env| group::add(env, id, &place, resources))
}

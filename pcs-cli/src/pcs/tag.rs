//! `pcs tag`.

use pcs::resource::group::Place;
use pcs::tag;

use super::context::{Cli, Context, Failure, fail, print_error};
use super::json;
use super::resource_text::quote;
use super::words::Sections;

const USAGE: Failure = Failure::Usage { area: "tag", command: "" };

/// Runs `pcs tag …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "config" => config(context, rest),
        "list" => {
            context
                .deprecated("'pcs tag list' is now 'pcs tag config'; the old spelling still works");
            config(context, rest)
        }
        "create" => {
            context.supports(&["-f"])?;
            let [id, references @ ..] = rest else { return Err(USAGE) };
            if references.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| tag::create(env, id, references))
        }
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| tag::remove(env, rest))
        }
        "update" => update(context, rest),
        _ => Err(USAGE),
    }
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format"])?;
    let format = context.output_format(&["cmd", "json", "text"])?;
    let tags = context.read(|env| tag::config(env, words))?;
    match format.as_str() {
        "json" => context.print(&json::pretty(&serde_json::json!({ "tags": tags }))),
        "cmd" => {
            let commands: Vec<String> = tags
                .iter()
                .map(|tag| {
                    let ids: Vec<String> = tag.idref_list.iter().map(|id| quote(id)).collect();
                    format!("pcs -- tag create {} {}", quote(&tag.id), ids.join(" "))
                })
                .collect();
            context.print(&commands.join(";\n"));
        }
        _ => {
            for tag in tags {
                context.print(&tag.id);
                for id in tag.idref_list {
                    context.print(&format!("  {id}"));
                }
            }
        }
    }
    Ok(())
}

fn update(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--after", "--before"])?;
    let [id, rest @ ..] = words else { return Err(USAGE) };
    let sections = Sections::split(rest, &["add", "remove", "delete"]);
    for keyword in ["add", "remove", "delete"] {
        let each = sections.each(keyword);
        if each.len() > 1 {
            return fail(format!("'{keyword}' cannot be used more than once"));
        }
        if each.iter().any(Vec::is_empty) {
            print_error("Hint: Specify at least one id for 'add' or 'remove' arguments.");
            return Err(USAGE);
        }
    }
    let add = sections.flat("add");
    let mut remove = sections.flat("remove");
    remove.extend(sections.flat("delete"));
    if !sections.first.is_empty() || (add.is_empty() && remove.is_empty()) {
        return Err(USAGE);
    }
    let place = match (context.arguments.value("--before"), context.arguments.value("--after")) {
        (Some(_), Some(_)) => return fail("Cannot specify both --before and --after"),
        (Some(id), None) => Place::Before(id.to_owned()),
        (None, Some(id)) => Place::After(id.to_owned()),
        (None, None) => Place::End,
    };
    context.change(|env| tag::update(env, id, &add, &remove, &place))
}

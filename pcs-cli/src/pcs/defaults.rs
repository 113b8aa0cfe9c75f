//! `pcs resource defaults` and `pcs resource op defaults`.

use pcs::defaults::{self, Defaults, Kind, NewSet};
use pcs::nvset::SetView;

use super::context::{Cli, Context, Failure, fail};
use super::words::{self, Sections};
use super::{json, resource_text, rule_text};

/// Runs `pcs resource defaults …`.
pub(crate) fn resources(context: &mut Context, words: &[String]) -> Cli {
    run(context, words, Kind::Resources)
}

/// Runs `pcs resource op defaults …`.
pub(crate) fn operations(context: &mut Context, words: &[String]) -> Cli {
    run(context, words, Kind::Operations)
}

fn usage(kind: Kind, command: &'static str) -> Failure {
    let command = match (kind, command) {
        (Kind::Resources, "") => "defaults ",
        (Kind::Operations, "") => "op defaults ",
        (Kind::Resources, "set update") => "defaults set update",
        (Kind::Operations, "set update") => "op defaults set update",
        (Kind::Resources, _) => "defaults set",
        (Kind::Operations, _) => "op defaults set",
    };
    Failure::Usage { area: "resource", command }
}

fn run(context: &mut Context, words: &[String], kind: Kind) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "config" => config(context, rest, kind),
        "update" if rest.is_empty() => Ok(()),
        "update" => {
            context.supports(&["-f", "--force"])?;
            let pairs = words::pairs(rest)?;
            context.change(|env| defaults::update(env, kind, &pairs))
        }
        "set" => run_set(context, rest, kind),
        // `pcs resource defaults resource-stickiness=100`, as it was spelled up to 0.11
        old if old.contains('=') => {
            context.supports(&["-f", "--force"])?;
            let area = kind.command();
            context.deprecated(&format!(
                "'pcs {area} <name>=<value>' is now 'pcs {area} update <name>=<value>'; the old spelling still works"
            ));
            let pairs = words::pairs(words)?;
            context.change(|env| defaults::update(env, kind, &pairs))
        }
        _ => Err(usage(kind, "")),
    }
}

fn run_set(context: &mut Context, words: &[String], kind: Kind) -> Cli {
    let Some((command, rest)) = words.split_first() else { return Err(usage(kind, "set")) };
    match command.as_str() {
        "create" => create(context, rest, kind),
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Ok(());
            }
            context.change(|env| defaults::delete(env, kind, rest))
        }
        "update" => {
            context.supports(&["-f"])?;
            let [id, rest @ ..] = rest else { return Err(usage(kind, "set update")) };
            let sections = Sections::split(rest, &["meta"]);
            if !sections.first.is_empty() {
                return Err(usage(kind, "set update"));
            }
            sections.once()?;
            let meta = words::pairs(&sections.flat("meta"))?;
            context.change(|env| defaults::update_set(env, kind, id, &meta))
        }
        _ => Err(usage(kind, "set")),
    }
}

fn create(context: &mut Context, words: &[String], kind: Kind) -> Cli {
    context.supports(&["-f", "--force"])?;
    let sections = Sections::split(words, &["meta", "rule"]);
    sections.once()?;
    let meta = words::pairs(&sections.flat("meta"))?;
    let options = words::pairs(&sections.first)?;
    let new = NewSet {
        id: pcs::nvset::get(&options, "id").map(str::to_owned),
        options: options.into_iter().filter(|(name, _)| name != "id").collect(),
        meta,
        rule: rule_words(context, &sections),
    };
    let force = context.force();
    context.change(|env| defaults::create(env, kind, &new, force))
}

/// Joins the words of a rule; several words are the old spelling of one.
fn rule_words(context: &mut Context, sections: &Sections) -> Option<String> {
    let words = sections.flat("rule");
    if words.len() > 1 {
        context.deprecated("Specifying a rule as multiple arguments is deprecated and might be removed in a future release, specify the rule as a single string instead");
    }
    Some(words.join(" ")).filter(|rule| !rule.is_empty())
}

fn config(context: &mut Context, words: &[String], kind: Kind) -> Cli {
    if !words.is_empty() {
        return Err(usage(kind, ""));
    }
    context.supports(&["-f", "--all", "--full", "--no-expire-check", "--output-format"])?;
    let format = context.output_format(&["cmd", "json", "text"])?;
    if context.has("--full") && format != "text" {
        return fail(format!("option '--full' is not compatible with '{format}' output format."));
    }
    let all = Defaults::of(&context.configuration()?, kind);
    match format.as_str() {
        "json" => context.print(&json::line(&all)),
        "cmd" => {
            let commands: Vec<String> =
                all.meta_attributes.iter().map(|set| command(set, kind)).collect();
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => {
            let ids = context.has("--full");
            context.print_lines(&lines(&all, ids));
        }
    }
    Ok(())
}

/// Shows defaults.
pub(crate) fn lines(all: &Defaults, ids: bool) -> Vec<String> {
    [("Attributes", &all.instance_attributes), ("Meta Attrs", &all.meta_attributes)]
        .into_iter()
        .flat_map(|(title, sets)| sets.iter().flat_map(move |set| text(title, set, ids)))
        .collect()
}

fn text(title: &str, set: &SetView, ids: bool) -> Vec<String> {
    let options: Vec<String> = set.options.iter().map(|(k, v)| format!(" {k}={v}")).collect();
    let mut lines = vec![format!("{title}: {}{}", set.id, options.concat())];
    for pair in &set.nvpairs {
        let id = if ids { format!(" (id: {})", pair.id) } else { String::new() };
        lines.push(format!("  {}{id}", resource_text::shown(&pair.name, &pair.value)));
    }
    if let Some(rule) = &set.rule {
        lines.extend(resource_text::indent(rule_text::lines(rule, ids)));
    }
    lines
}

fn command(set: &SetView, kind: Kind) -> String {
    let mut words = vec![resource_text::word("id", &set.id)];
    words.extend(set.options.iter().map(|(k, v)| resource_text::word(k, v)));
    let mut lines = vec![format!("pcs -- {} set create {}", kind.command(), words.join(" "))];
    if !set.nvpairs.is_empty() {
        let pairs: Vec<String> =
            set.nvpairs.iter().map(|p| resource_text::word(&p.name, &p.value)).collect();
        lines.push(format!("  meta {}", pairs.join(" ")));
    }
    if let Some(rule) = &set.rule {
        lines.push(format!("  rule {}", resource_text::quote(&rule.as_string)));
    }
    lines.join(" \\\n")
}

//! `pcs property`.

use pcs::metadata::OptionClass;
use pcs::nvset::SetView;
use pcs::property::{self, GENERATED};
use pcs::text::quoted;

use super::context::{Cli, Context, Failure, fail};
use super::{json, words};

const AREA: &str = "property";

/// Properties that only the cluster sets.
const READ_ONLY: [&str; 5] = GENERATED;

/// Runs `pcs property …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "set" => set(context, rest),
        "unset" => unset(context, rest),
        "config" | "list" | "show" => {
            if command != "config" {
                context.deprecated(&format!(
                    "'pcs property {command}' is now 'pcs property config'; the old spelling still works"
                ));
            }
            config(context, rest)
        }
        "defaults" => defaults(context, rest),
        "describe" => describe(context, rest),
        _ => Err(Failure::Usage { area: AREA, command: "" }),
    }
}

fn set(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    if words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "set" });
    }
    let pairs = words::pairs(words)?;
    change(context, &pairs)
}

fn unset(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    if words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "unset" });
    }
    if let Some((_, name)) = words.iter().enumerate().find(|(n, name)| words[..*n].contains(name)) {
        return fail(format!("duplicate argument: '{name}'"));
    }
    let pairs: words::Pairs = words.iter().map(|name| (name.clone(), String::new())).collect();
    change(context, &pairs)
}

fn change(context: &mut Context, pairs: &words::Pairs) -> Cli {
    let force = context.force();
    context.change(|env| property::set(env, pairs, force, true))
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--all", "--defaults", "--output-format"])?;
    let given: Vec<&str> = ["--all", "--defaults", "--output-format"]
        .into_iter()
        .filter(|option| context.has(option))
        .collect();
    if !words.is_empty() && !given.is_empty() {
        return fail(
            "cannot specify properties when using '--all', '--defaults', '--output-format'",
        );
    }
    if given.len() > 1 {
        return fail(format!("Only one of {} can be used", quoted(given)));
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    if context.has("--defaults") {
        context.deprecated("Option --defaults is deprecated and will be removed. Please use command 'pcs property defaults' instead.");
        return defaults_of(context, words, true);
    }
    let all = context.has("--all");
    let sets = property::sets(&context.configuration()?);
    match format.as_str() {
        "json" => {
            let text = json::line(&serde_json::json!({ "nvsets": sets }));
            context.print(&text);
        }
        "cmd" => print_commands(context, &sets),
        _ => {
            let defaults = if all || !words.is_empty() {
                context.without_cib(|env| Ok(env.agents.options(OptionClass::Cluster)))?
            } else {
                Vec::new()
            };
            let mut sets = sets;
            if sets.is_empty() && !defaults.is_empty() {
                sets.push(SetView {
                    id: String::new(),
                    options: Default::default(),
                    rule: None,
                    nvpairs: Vec::new(),
                });
            }
            for (number, set) in sets.iter().enumerate() {
                let wanted = |name: &str| words.is_empty() || words.iter().any(|w| w == name);
                let mut lines: Vec<(String, String)> = set
                    .nvpairs
                    .iter()
                    .filter(|pair| wanted(&pair.name))
                    .map(|pair| (pair.name.clone(), format!("  {}={}", pair.name, pair.value)))
                    .collect();
                if number == 0 {
                    for parameter in &defaults {
                        let here = set.nvpairs.iter().any(|pair| pair.name == parameter.name);
                        let hidden = GENERATED.contains(&parameter.name.as_str());
                        if !here && !hidden && wanted(&parameter.name) {
                            let value = parameter.default.as_deref().unwrap_or_default();
                            lines.push((
                                parameter.name.clone(),
                                format!("  {}={value} (default)", parameter.name),
                            ));
                        }
                    }
                }
                lines.sort();
                context.print(&heading(set));
                for (_, line) in lines {
                    context.print(&line);
                }
            }
        }
    }
    Ok(())
}

/// Returns the line above a set of properties.
pub(crate) fn heading(set: &SetView) -> String {
    let options: Vec<String> = set.options.iter().map(|(k, v)| format!(" {k}={v}")).collect();
    format!("Cluster Properties: {}{}", set.id, options.concat())
}

fn print_commands(context: &mut Context, sets: &[SetView]) {
    let mut pairs: Vec<String> = Vec::new();
    if let Some(set) = sets.first() {
        for pair in &set.nvpairs {
            if !GENERATED.contains(&pair.name.as_str()) {
                pairs.push(super::resource_text::word(&pair.name, &pair.value));
            }
        }
    }
    if !pairs.is_empty() {
        context.print(&format!("pcs property set --force -- \\\n  {}", pairs.join(" \\\n  ")));
    }
}

fn defaults(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--full"])?;
    let full = context.has("--full");
    if full && !words.is_empty() {
        return fail("cannot specify properties when using '--full'");
    }
    defaults_of(context, words, full)
}

fn defaults_of(context: &mut Context, words: &[String], all: bool) -> Cli {
    let mut options = context.without_cib(|env| Ok(env.agents.options(OptionClass::Cluster)))?;
    options.sort_by(|a, b| a.name.cmp(&b.name));
    let unknown: Vec<&String> =
        words.iter().filter(|w| !options.iter().any(|p| p.name == **w)).collect();
    if !unknown.is_empty() {
        return fail(format!("No default value for {}", quoted(unknown)));
    }
    for parameter in options {
        let wanted = if words.is_empty() {
            all || !parameter.advanced
        } else {
            words.contains(&parameter.name)
        };
        if let (true, Some(default)) = (wanted, &parameter.default) {
            context.print(&format!("{}={default}", parameter.name));
        }
    }
    Ok(())
}

fn describe(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--full", "--output-format"])?;
    let format = context.output_format(&["json", "text"])?;
    if format == "json" && !words.is_empty() {
        return fail("property filtering is not supported with --output-format=json");
    }
    let full = context.has("--full");
    if full && !words.is_empty() {
        return fail("cannot specify properties when using '--full'");
    }
    let mut options = context.without_cib(|env| Ok(env.agents.options(OptionClass::Cluster)))?;
    if format == "json" {
        let metadata: Vec<serde_json::Value> =
            options.iter().map(super::agent_text::parameter_json).collect();
        let all = serde_json::json!({
            "properties_metadata": metadata,
            "readonly_properties": READ_ONLY,
        });
        context.print(&json::line(&all));
        return Ok(());
    }
    options.sort_by(|a, b| a.name.cmp(&b.name));
    if !full && words.is_empty() {
        options.retain(|option| !GENERATED.contains(&option.name.as_str()));
    }
    let lines = super::agent_text::properties(&options, words, full)?;
    context.print_lines(&lines);
    Ok(())
}

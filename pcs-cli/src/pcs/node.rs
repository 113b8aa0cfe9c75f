//! `pcs node`.

use pcs::node::{self, NodeView};
use pcs::nvset::SetView;

use super::context::{Cli, Context, Failure, fail};
use super::{json, resource_text, words};

/// Runs `pcs node …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "attribute" => attribute(context, rest),
        "utilization" => utilization(context, rest),
        "standby" => switch(context, rest, "standby", "on"),
        "unstandby" => switch(context, rest, "standby", ""),
        "maintenance" => switch(context, rest, "maintenance", "on"),
        "unmaintenance" => switch(context, rest, "maintenance", ""),
        _ => Err(USAGE),
    }
}

const USAGE: Failure = Failure::Usage { area: "node", command: "" };

/// Switches standby or maintenance of nodes on or off.
pub(crate) fn switch(
    context: &mut Context,
    words: &[String],
    attribute: &'static str,
    value: &'static str,
) -> Cli {
    context.supports(&["--all", "--wait", "-f"])?;
    if context.has("--all") && !words.is_empty() {
        return fail("Cannot specify both --all and a list of nodes.");
    }
    let wait = context.wait_quietly()?;
    if words.is_empty() && !context.has("--all") && !context.is_live() {
        return fail("Node(s) must be specified if -f is used");
    }
    if wait.is_some() && context.has("-f") {
        return fail("Cannot use '-f' together with '--wait'");
    }
    let names = if context.has("--all") {
        node::all_names(&context.configuration()?)
    } else if words.is_empty() {
        vec![context.local_node()?]
    } else {
        words.to_vec()
    };
    context.change(|env| node::set_attribute(env, &names, attribute, value))?;
    context.settle(wait)
}

fn attribute(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--name", "--output-format", "-f"])?;
    match words {
        [] | [_] => show(context, words, "attribute"),
        _ if shows_only(context) => Err(USAGE),
        [name, rest @ ..] => {
            let pairs = words::pairs(rest)?;
            let force = context.force();
            let cib = context.configuration()?;
            // a script tells "was not there" from other troubles by the exit status
            let there = node::attributes(&cib, name);
            let absent = node::all_names(&cib).contains(name)
                && pairs.iter().any(|(attribute, value)| {
                    value.is_empty() && !force && !there.iter().any(|(key, _)| key == attribute)
                });
            let result = context.change(|env| node::change_attributes(env, name, &pairs, force));
            if result.is_err() && absent { Err(Failure::Exit(2)) } else { result }
        }
    }
}

/// Says whether an option is given that means nothing where something is set.
fn shows_only(context: &Context) -> bool {
    context.has("--name") || context.has("--output-format")
}

fn utilization(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--name", "--output-format", "-f"])?;
    match words {
        [] | [_] => show(context, words, "utilization"),
        _ if shows_only(context) => Err(USAGE),
        [name, rest @ ..] => {
            let pairs = words::pairs(rest)?;
            context.change(|env| node::change_utilization(env, name, &pairs))
        }
    }
}

fn show(context: &mut Context, words: &[String], command: &str) -> Cli {
    if context.force() {
        return Err(USAGE);
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    if format != "text" && (context.has("--name") || !words.is_empty()) {
        return fail(
            "Output formats other than 'text' are not supported together with grouping and filtering by nodes or resources",
        );
    }
    let nodes = node::nodes(&context.configuration()?);
    let is_attribute = command == "attribute";
    let sets = |node: &NodeView| -> Vec<SetView> {
        if is_attribute { node.instance_attributes.clone() } else { node.utilization.clone() }
    };
    if let [name] = words
        && !nodes.iter().any(|node| node.uname == *name)
    {
        return fail(format!("Unable to find a node: {name}"));
    }
    match format.as_str() {
        "json" => context.print(&json::line(&serde_json::json!({ "nodes": nodes }))),
        "cmd" => {
            let commands: Vec<String> = nodes
                .iter()
                .filter_map(|node| {
                    let pairs: Vec<String> = sets(node)
                        .iter()
                        .flat_map(|set| &set.nvpairs)
                        .map(|pair| resource_text::word(&pair.name, &pair.value))
                        .collect();
                    (!pairs.is_empty()).then(|| {
                        let name = resource_text::quote(&node.uname);
                        format!("pcs -- node {command} {name} {}", pairs.join(" "))
                    })
                })
                .collect();
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => {
            let only = context.arguments.value("--name").map(str::to_owned);
            let title = if is_attribute { "Attributes" } else { "Utilization" };
            for node in nodes.iter().filter(|n| words.is_empty() || words.contains(&n.uname)) {
                let mut lines = Vec::new();
                for set in sets(node) {
                    let values: Vec<String> = set
                        .nvpairs
                        .iter()
                        .filter(|pair| only.as_ref().is_none_or(|name| pair.name == *name))
                        .map(|pair| {
                            format!("    {}", resource_text::shown(&pair.name, &pair.value))
                        })
                        .collect();
                    if !values.is_empty() {
                        lines.push(format!("  {title}: {}", set.id));
                        lines.extend(values);
                    }
                }
                if !lines.is_empty() {
                    context.print(&format!("Node: {}", node.uname));
                    context.print_lines(&lines);
                }
            }
        }
    }
    Ok(())
}

//! `pcs config export`: the commands that would make this configuration.

use super::context::{Cli, Context, Failure};
use super::{acl, alert, constraint, defaults, node, property, resource, stonith_level, tag};

type Area = fn(&mut Context, &[String]) -> Cli;

fn resources(context: &mut Context, _words: &[String]) -> Cli {
    resource::config(context, &[], false)
}

fn stonith(context: &mut Context, _words: &[String]) -> Cli {
    resource::config(context, &[], true)
}

/// What writes its own commands, in an order in which each finds what it refers to.
const AREAS: [(Area, &[&str]); 12] = [
    (property::run, &["config"]),
    (defaults::resources, &["config"]),
    (defaults::operations, &["config"]),
    (node::run, &["attribute"]),
    (node::run, &["utilization"]),
    (stonith, &[]),
    (stonith_level::run, &["config"]),
    (resources, &[]),
    (constraint::run, &["config"]),
    (tag::run, &["config"]),
    (alert::run, &["config"]),
    (acl::run, &["config"]),
];

/// `pcs config export [pcs-commands]`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    if !matches!(words, [] | [_]) || words.first().is_some_and(|word| word != "pcs-commands") {
        return Err(Failure::Usage { area: "config", command: "export" });
    }
    commands(context)
}

/// Prints the commands of all areas.
pub(crate) fn commands(context: &mut Context) -> Cli {
    context.arguments.set("--output-format", "cmd");
    let before = std::mem::take(&mut context.stdout);
    let mut parts = Vec::new();
    for (area, words) in AREAS {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        area(context, &words)?;
        let part = std::mem::take(&mut context.stdout);
        if !part.trim().is_empty() {
            parts.push(part.trim_end().to_owned());
        }
    }
    context.stdout = before;
    if !parts.is_empty() {
        context.print(&parts.join(";\n"));
    }
    Ok(())
}

//! `pcs export` and `pcs apply`: the configuration as a file.

use std::path::Path;

use cib::Element;
use pcs::{desired, plan};

use super::context::{Cli, Context, Failure, fail};
use super::{json, plan_text, resource_explain};
use crate::cib_source;

/// Runs `pcs export [FILE]`.
pub(crate) fn export(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format"])?;
    let file = match words {
        [] => None,
        [file] => Some(file),
        _ => return Err(Failure::Usage { area: "export", command: "" }),
    };
    let as_json = match context.arguments.value("--output-format") {
        None => file.is_some_and(|file| is_json(file)),
        Some(_) => context.output_format(&["json", "xml"])? == "json",
    };
    if context.is_plan() {
        return fail("this command changes nothing, so there is no plan to show");
    }
    let exported = desired::export(&context.configuration()?);
    let text = if as_json {
        format!("{}\n", json::pretty(&desired::to_json(&exported)))
    } else {
        exported.to_xml()
    };
    match file {
        Some(file) => std::fs::write(file, text)
            .or_else(|error| fail(format!("Unable to write to '{file}': {error}"))),
        None => {
            context.stdout.push_str(&text);
            Ok(())
        }
    }
}

/// Runs `pcs apply -f DESIRED`, or `pcs -f FILE apply DESIRED` on a file.
pub(crate) fn apply(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--wait"])?;
    let usage = Err(Failure::Usage { area: "apply", command: "" });
    let file = match words {
        [file] => file.clone(),
        // the one file that is named is what is to be; it becomes so in the running cluster
        [] => match context.arguments.take("-f") {
            Some(file) => file,
            None => return usage,
        },
        _ => return usage,
    };
    let wait = context.wait_quietly()?;
    if wait.is_some() && context.has("-f") {
        return fail("Cannot use '-f' together with '--wait'");
    }
    let wanted = read(&file)?;
    let ((before, after), ()) = context.attempt(|env| desired::apply(env, &wanted))?;
    let patch = cib::patch::diff_unversioned(&before, &after);
    if patch.children().next().is_none() {
        // the same but for comments and the like
        context.push(&before, &before)?;
        context.print("Nothing to do: the configuration is as desired");
        return Ok(());
    }
    context.push(&before, &after)?;
    context.print("Applied:");
    context.print_lines(&plan_text::configuration(&plan::differences(&before, &after)));
    context.settle(wait)
}

fn is_json(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn read(file: &str) -> Cli<Element> {
    let path = Path::new(file);
    let text = cib_source::read_text(path).or_else(|error| fail(error.chain()))?;
    let element = if text.trim_start().starts_with(['{', '[']) {
        let value: serde_json::Value = serde_json::from_str(&text)
            .or_else(|error| fail(format!("`{file}` is no valid JSON: {error}")))?;
        desired::from_json(&value)
            .or_else(|error| fail(format!("`{file}` is no desired configuration: {error}")))?
    } else {
        cib::parse(&text).or_else(|error| fail(format!("`{file}` is no valid XML: {error}")))?
    };
    resource_explain::current(element)
}

//! `pcs resource relocate`: resources go where they would be if they did not stick.

use cib::Element;
use pcs::resource::relocate::{self, Preference};

use super::context::{Cli, Context, Failure, fail};
use super::planning::Planning;
use super::{json, resource_explain};
use crate::clock;

/// Runs `pcs resource relocate show | dry-run | run | clear`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match (command, rest) {
        ("show", _) => {
            context.supports(&["--output-format"])?;
            if rest.is_empty() { show(context) } else { usage("relocate show") }
        }
        ("dry-run", resources) => {
            context.supports(&["--output-format"])?;
            if context.planning.is_none() {
                context.planning = Some(Planning::default());
            }
            move_all(context, resources)
        }
        ("run", resources) => {
            context.supports(&["--plan", "--wait"])?;
            move_all(context, resources)
        }
        ("clear", _) => {
            context.supports(&["-f"])?;
            if rest.is_empty() { change(context, relocate::clear) } else { usage("relocate clear") }
        }
        _ => usage("relocate"),
    }
}

fn usage(command: &'static str) -> Cli {
    Err(Failure::Usage { area: "resource", command })
}

fn change(context: &mut Context, edit: impl FnOnce(&mut Element)) -> Cli {
    context.change(|env| {
        edit(&mut env.cib);
        Ok(())
    })
}

fn preferences(context: &mut Context, resources: &[String]) -> Cli<Vec<Preference>> {
    context.read(|env| relocate::check(env, resources))?;
    let cib = resource_explain::current(context.cib()?)?;
    let (now, options) = clock::engine();
    Ok(relocate::preferences(&cib, resources, now, &options))
}

fn show(context: &mut Context) -> Cli {
    let format = context.output_format(&["json", "text"])?;
    let all = preferences(context, &[])?;
    if format == "json" {
        context.print(&json::pretty(&serde_json::json!({ "resources": all })));
        return Ok(());
    }
    for preference in all {
        context.print(&line(&preference));
    }
    Ok(())
}

fn line(preference: &Preference) -> String {
    let what = if preference.promoted {
        format!("{} (promoted)", preference.resource)
    } else {
        preference.resource.clone()
    };
    let current = match preference.current.as_slice() {
        [] => "not running".to_owned(),
        nodes => nodes.join(", "),
    };
    match &preference.optimal {
        Some(optimal) if preference.is_elsewhere() => {
            format!("{what}: {current}, optimal node: {optimal}")
        }
        Some(_) => format!("{what}: {current}, which is optimal"),
        None => format!("{what}: {current}, no node can run it"),
    }
}

/// Moves resources with constraints that go again when it is done.
fn move_all(context: &mut Context, resources: &[String]) -> Cli {
    let patience = context.wait_quietly()?.unwrap_or(0);
    let wanted = preferences(context, resources)?;
    let moving: Vec<Preference> = wanted.into_iter().filter(Preference::is_elsewhere).collect();
    if moving.is_empty() {
        if let Some(planning) = &mut context.planning {
            planning.touched = true;
        }
        context.progress("Nothing to relocate: every resource is on its optimal node");
        return Ok(());
    }
    for preference in &moving {
        context.progress(&format!(
            "Relocating {} to {}",
            preference.resource,
            preference.optimal.as_deref().unwrap_or_default()
        ));
    }
    change(context, |cib| relocate::constrain(cib, &moving))?;
    context.progress("Waiting for the cluster to apply configuration changes...");
    let moved = context.settle(Some(patience));
    // whatever became of the move, nothing of it must stay in the configuration
    change(context, relocate::clear)?;
    moved?;
    context.progress("Waiting for the cluster to apply configuration changes...");
    context.settle(Some(patience))?;
    let left = preferences(context, resources)?;
    let left: Vec<&str> = left
        .iter()
        .filter(|preference| preference.is_elsewhere())
        .map(|preference| preference.resource.as_str())
        .collect();
    if left.is_empty() || context.is_plan() {
        return Ok(());
    }
    fail(format!(
        "not on their optimal nodes: {}; 'pcs resource explain' says why",
        pcs::text::quoted(left)
    ))
}

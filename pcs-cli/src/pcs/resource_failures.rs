//! `pcs resource failcount`, `cleanup` and `refresh`.

use std::collections::BTreeMap;

use model::ExitCode;
use view::failures::{self, FailCount};
use wire::tools::action::{Kind, Target};

use super::context::{Cli, Context, Failure, fail, print_error};
use super::words;

/// Which failures are meant.
#[derive(Debug, Default)]
struct Words {
    resource: Option<String>,
    node: Option<String>,
    operation: Option<String>,
    interval: Option<String>,
}

fn parse(context: &Context, words: &[String]) -> Cli<Words> {
    let mut parsed = Words {
        // as cleanup was spelled in 0.9
        node: context.arguments.value("--node").map(str::to_owned),
        ..Words::default()
    };
    let options = match words {
        [first, rest @ ..] if !first.contains('=') => {
            parsed.resource = Some(first.clone());
            rest
        }
        options => options,
    };
    let mut unknown = Vec::new();
    for (name, value) in words::pairs(options)? {
        match name.as_str() {
            "node" => parsed.node = Some(value),
            "operation" => parsed.operation = Some(value),
            "interval" => parsed.interval = Some(value),
            _ => unknown.push(name),
        }
    }
    if !unknown.is_empty() {
        let word = if unknown.len() == 1 { "option" } else { "options" };
        return fail(format!("Unknown {word} {}", pcs::text::quoted(&unknown)));
    }
    if parsed.interval.is_some() && parsed.operation.is_none() {
        return fail(
            "If option 'interval' is specified, option 'operation' must be specified as well",
        );
    }
    Ok(parsed)
}

fn interval_ms(words: &Words) -> Cli<Option<u64>> {
    match &words.interval {
        None => Ok(None),
        Some(text) => match pcs::options::seconds(text) {
            Some(seconds) => Ok(Some(seconds.saturating_mul(1_000))),
            None => fail(format!(
                "'{text}' is not a valid interval value, use time interval (e.g. 1, 2s, 3m, 4h, ...)"
            )),
        },
    }
}

/// Runs `pcs resource failcount [show] …`.
pub(crate) fn failcount(context: &mut Context, words: &[String]) -> Cli {
    let rest = match words.split_first() {
        Some((command, rest)) if command == "show" => rest,
        Some((command, _)) if command == "reset" => {
            return fail(
                "This command has been replaced with 'pcs resource cleanup'. See 'man pcs' -> Changes in pcs-0.12.",
            );
        }
        Some(_) => return Err(Failure::Usage { area: "resource", command: "failcount " }),
        None => words,
    };
    context.supports(&["-f", "--full", "--output-format"])?;
    let words = parse(context, rest)?;
    let interval = interval_ms(&words)?;
    let counts: Vec<FailCount> = failures::fail_counts(&context.cib()?)
        .into_iter()
        .filter(|c| {
            words.resource.as_ref().is_none_or(|r| *r == c.resource)
                && words.node.as_ref().is_none_or(|n| *n == c.node)
                && words.operation.as_ref().is_none_or(|o| *o == c.operation)
                && interval.is_none_or(|ms| ms == c.interval_ms)
        })
        .collect();
    if context.as_json(|| serde_json::json!({ "failcounts": counts }))? {
        return Ok(());
    }
    let mut what = String::new();
    if let Some(operation) = &words.operation {
        what.push_str(&format!(" for operation '{operation}'"));
        if let Some(interval) = &words.interval {
            what.push_str(&format!(" with interval '{interval}'"));
        }
        what.push_str(" of");
    } else {
        what.push_str(" for");
    }
    let on = words.node.as_ref().map(|node| format!(" on node '{node}'")).unwrap_or_default();
    if counts.is_empty() {
        match &words.resource {
            Some(resource) => {
                context.print(&format!("No failcounts{what} resource '{resource}'{on}"))
            }
            None if words.operation.is_some() => {
                context.print(&format!("No failcounts{what} any resource{on}"));
            }
            None => context.print(&format!("No failcounts{on}")),
        }
        return Ok(());
    }
    let mut by_resource: BTreeMap<&str, BTreeMap<&str, Vec<&FailCount>>> = BTreeMap::new();
    for count in &counts {
        by_resource.entry(&count.resource).or_default().entry(&count.node).or_default().push(count);
    }
    let full = context.has("--full");
    let number = |n: Option<u64>| n.map_or_else(|| "INFINITY".to_owned(), |n| n.to_string());
    let mut lines = Vec::new();
    for (resource, nodes) in by_resource {
        lines.push(format!("Failcounts{what} resource '{resource}'{on}"));
        for (node, counts) in nodes {
            if full {
                lines.push(format!("  {node}:"));
                lines.extend(counts.iter().map(|c| {
                    format!("    {} {}ms: {}", c.operation, c.interval_ms, number(c.count))
                }));
            } else {
                let total: Option<u64> = counts.iter().map(|c| c.count).sum();
                lines.push(format!("  {node}: {}", number(total)));
            }
        }
    }
    context.print_lines(&lines);
    Ok(())
}

/// Runs `pcs resource cleanup` or `refresh`, and the same of `pcs stonith`.
pub(crate) fn forget(context: &mut Context, words: &[String], refresh: bool) -> Cli {
    context.supports(&["--strict", "--full", "--node", "--plan"])?;
    let words = parse(context, words)?;
    let interval = interval_ms(&words)?;
    if let Some(id) = &words.resource {
        let cib = context.configuration()?;
        if pcs::resource::find(&cib, id).is_none() {
            context.hint_text(&pcs::resource::near(&cib, id).into_iter().collect::<Vec<_>>());
            return fail(format!("Resource '{id}' does not exist"));
        }
    }
    if context.is_plan() {
        let (resource, node) = (words.resource.as_deref(), words.node.as_deref());
        return super::cluster_plan::forget(context, resource, node, refresh);
    }
    let target = Target {
        resource: words.resource.clone().unwrap_or_default(),
        node: words.node.clone().unwrap_or_default(),
        operation: words.operation.clone().unwrap_or_default(),
        interval_ms: interval,
    };
    let kind = if refresh { Kind::Refresh(target) } else { Kind::Cleanup(target) };
    let outcome = match context.live()?.act(kind) {
        Ok(outcome) => outcome,
        Err(error) => return fail(error.to_string()),
    };
    if ExitCode::from_code(outcome.code) != ExitCode::Ok {
        let what = if refresh { "refresh" } else { "clean up" };
        return fail(format!("Unable to {what} resource: {}", outcome.message));
    }
    let what = words.resource.map_or_else(|| "all resources".to_owned(), |id| id.clone());
    let node = words.node.map_or_else(|| "all nodes".to_owned(), |node| node.clone());
    let verb = if refresh { "Refreshed" } else { "Cleaned up" };
    print_error(&format!("{verb} {what} on {node}"));
    Ok(())
}

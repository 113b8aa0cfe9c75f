//! `pcs resource explain`: why a resource is where it is, and why what happens to it happens.

use std::path::Path;

use cib::Element;
use pengine::explain::{About, Explanation, explain_into};
use serde::Serialize;

use super::context::{Cli, Context, Failure, fail};
use super::json;
use crate::{cib_source, clock};

/// What JSON readers get.
#[derive(Serialize)]
struct Answer<'a> {
    resources: Vec<Explanation>,
    /// Fencing that the plan has, whatever resource it is for.
    fencing: Vec<&'a pengine::PlannedAction>,
}

/// Runs `pcs resource explain ID [--node N] [--xml FILE]`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--node", "--xml", "--output-format"])?;
    let format = context.output_format(&["json", "text"])?;
    let [id] = words else {
        return Err(Failure::Usage { area: "resource", command: "explain" });
    };
    let document = match context.arguments.value("--xml").map(str::to_owned) {
        Some(_) if context.has("-f") => return fail("Only one of '--xml', '-f' can be used"),
        Some(file) => cib_source::read(Path::new(&file)).or_else(|error| fail(error.chain()))?,
        None => context.cib()?,
    };
    let document = current(document)?;
    let (now, options) = clock::engine();
    // the process ends soon: what the plan was made from need not be taken apart
    let options = pengine::Options { is_last: true, ..options };
    let explained = explain_into(&document, now, &options, About::Resource(id), ());
    let node = context.arguments.value("--node").map(str::to_owned);
    let mut resources = explained.resources;
    if resources.is_empty() {
        context.hint_text(&pcs::resource::near(&document, id).into_iter().collect::<Vec<_>>());
        return fail(format!("bundle / clone / group / resource '{id}' does not exist"));
    }
    if let Some(node) = &node {
        let known = |explanation: &Explanation| explanation.nodes.iter().any(|a| a.node == *node);
        if !resources.iter().any(known) {
            return fail(format!("Node '{node}' does not appear to exist in configuration"));
        }
    }
    let actions = &explained.plan.report.actions;
    let fencing = actions.iter().filter(|a| a.verb.starts_with("Fence")).collect::<Vec<_>>();
    if format == "json" {
        for explanation in &mut resources {
            explanation.nodes.retain(|account| node.as_ref().is_none_or(|n| account.node == *n));
        }
        context.print(&json::pretty(&Answer { resources, fencing }));
        return Ok(());
    }
    for (at, explanation) in resources.iter().enumerate() {
        if at > 0 {
            context.print("");
        }
        context.print_lines(&view::explain_text::lines(explanation, node.as_deref()));
    }
    for action in fencing {
        context.print(&format!("First: {}", action.line));
    }
    Ok(())
}

/// Brings a document of an older schema into today's form, as the cluster does before it plans.
pub(crate) fn current(document: Element) -> Cli<Element> {
    let schema = document.get("validate-with").unwrap_or("none");
    let old = ["pacemaker-0", "pacemaker-1", "pacemaker-2"];
    if !old.iter().any(|prefix| schema.starts_with(prefix)) {
        return Ok(document);
    }
    cib::upgrade::to_current(&document)
        .or_else(|error| fail(format!("the document can't be read as today's: {error}")))
}

//! `--plan`: a command works on a copy, and what the cluster would make of it is shown.
//!
//! The copy takes the place of the document wherever a command reads or writes it. Where a command
//! waits for the cluster, the cluster's part is played on paper, so that the next step of the
//! command finds what it would find.

use std::panic::resume_unwind;

use cib::Element;
use crmd::core::graph::TransitionGraph;
use pcs::plan::{self, Outlook, Stage};
use serde::Serialize;

use super::context::{Cli, Context, fail};
use super::{json, plan_text, resource_explain};
use crate::clock;
use crate::tools::simulation;

/// A plan in the making.
#[derive(Debug, Default)]
pub(crate) struct Planning {
    /// The document as the command sees it; none before it first looked.
    pub(crate) document: Option<Element>,
    /// The document when the cluster was last at rest, where something changed since.
    before: Option<Element>,
    stages: Vec<Stage>,
    /// What hosts would be told, a line each.
    hosts: Vec<String>,
    /// Whether the command wanted to change anything at all, or found all as it should be.
    pub(crate) touched: bool,
}

/// What JSON readers get.
#[derive(Serialize)]
struct Answer<'a> {
    /// No step would change the configuration or make the cluster do anything.
    nothing_to_do: bool,
    steps: &'a [Stage],
    /// What hosts would be told, a line each.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hosts: &'a [String],
}

impl Planning {
    /// Takes a change in place of the document.
    pub(crate) fn change(&mut self, before: &Element, after: &Element) {
        self.touched = true;
        if before == after {
            return;
        }
        if self.before.is_none() {
            self.before = Some(before.clone());
        }
        self.document = Some(after.clone());
    }

    /// Notes what hosts would be told; nothing when all is as it should be.
    pub(crate) fn tell(&mut self, lines: Vec<String>) {
        self.touched = true;
        self.hosts.extend(lines);
    }

    /// Ends a step: works out what the cluster would do, and returns the document that it would
    /// start from; none when nothing has changed since the last step.
    fn end_step(&mut self, is_last: bool) -> Cli<Option<Element>> {
        let (Some(before), Some(after)) = (self.before.take(), self.document.clone()) else {
            return Ok(None);
        };
        let before = resource_explain::current(before)?;
        let after = resource_explain::current(after)?;
        self.stages.push(stage(&before, &after, is_last));
        Ok(Some(after))
    }

    /// Plays the cluster's part until it is at rest.
    pub(crate) fn settle(&mut self) -> Cli {
        let Some(mut document) = self.end_step(false)? else { return Ok(()) };
        let Some(stage) = self.stages.last() else { return Ok(()) };
        match TransitionGraph::from_xml(&stage.graph) {
            Ok(graph) => {
                let (now, options) = clock::engine();
                let status = pengine::status::read(&document, now, &options);
                let known = simulation::known(&status);
                simulation::execute(graph, &mut document, &[], &known);
            }
            Err(error) => return fail(format!("the plan can't be followed: {error}")),
        }
        self.document = Some(document);
        Ok(())
    }
}

/// As much as the main thread has.
const STACK_BYTES: usize = 8 << 20;

/// Works out a step. That takes two runs of the policy engine that need nothing of each other, so
/// they go on at the same time. `is_last`: the process ends after it.
pub(crate) fn stage(before: &Element, after: &Element, is_last: bool) -> Stage {
    let (now, options) = clock::engine();
    let options = pengine::Options { is_last, ..options };
    let outlook = || Outlook::of(before, now, &options);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let beside = thread.spawn_scoped(scope, outlook);
        plan::stage_after(before, after, now, &options, || match beside {
            Ok(beside) => beside.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_no_thread) => outlook(),
        })
    })
}

impl Context {
    /// Says whether a plan is wanted and nothing is to be done.
    pub(crate) fn is_plan(&self) -> bool {
        self.planning.is_some()
    }

    /// Plans what is no change of the configuration but of the status: failures that are
    /// forgotten, a node that leaves.
    pub(crate) fn plan_event(&mut self, event: impl FnOnce(&mut Element)) -> Cli {
        let before = self.cib()?;
        let mut after = before.clone();
        event(&mut after);
        if let Some(planning) = &mut self.planning {
            planning.change(&before, &after);
        }
        Ok(())
    }

    /// Shows the plan of a command that has come to its end.
    pub(crate) fn show_plan(&mut self) -> Cli {
        let Some(mut planning) = self.planning.take() else { return Ok(()) };
        self.stdout.clear();
        if !planning.touched {
            return fail("this command changes nothing, so there is no plan to show");
        }
        planning.end_step(true)?;
        let (stages, hosts) = (&planning.stages, &planning.hosts);
        if self.output_format(&["json", "text"])? == "json" {
            let quiet = |stage: &Stage| stage.configuration.is_empty() && stage.is_quiet();
            let nothing_to_do = hosts.is_empty() && stages.iter().all(quiet);
            self.print(&json::pretty(&Answer { nothing_to_do, steps: stages, hosts }));
        } else if !hosts.is_empty() {
            self.print("Plan (nothing has been changed):");
            let lines: Vec<String> = hosts.iter().map(|line| format!("  {line}")).collect();
            self.print_lines(&lines);
        } else {
            self.print_lines(&plan_text::lines(stages));
        }
        Ok(())
    }
}

//! `--plan`: a command works on a copy, and what the cluster would make of it is shown.
//!
//! The copy takes the place of the document wherever a command reads or writes it. Where a command
//! waits for the cluster, the cluster's part is played on paper, so that the next step of the
//! command finds what it would find.

use cib::Element;
use crmd::core::graph::TransitionGraph;
use pcs::plan::{self, Stage};
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

    /// Plays the cluster's part until it is at rest.
    pub(crate) fn settle(&mut self) -> Cli {
        let (Some(before), Some(after)) = (self.before.take(), self.document.clone()) else {
            return Ok(());
        };
        let (now, options) = clock::engine();
        let before = resource_explain::current(before)?;
        let mut after = resource_explain::current(after)?;
        let stage = plan::stage(&before, &after, now, &options);
        match TransitionGraph::from_xml(&stage.graph) {
            Ok(graph) => {
                let status = pengine::status::read(&after, now, &options);
                let known = simulation::known(&status);
                simulation::execute(graph, &mut after, &[], &known);
            }
            Err(error) => return fail(format!("the plan can't be followed: {error}")),
        }
        self.document = Some(after);
        self.stages.push(stage);
        Ok(())
    }
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
        planning.settle()?;
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

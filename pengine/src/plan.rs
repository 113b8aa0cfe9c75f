//! What a run answers: graph, scores, dot, and a typed report.

use cib::Element;
use serde::{Deserialize, Serialize};

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// The plan can't be what the document means.
    Error,
    /// Something is not as it should be.
    Warning,
    /// Worth knowing.
    Notice,
    /// For those who look closely.
    Info,
}

/// Something to tell a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How much it matters.
    pub level: Level,
    /// One sentence.
    pub text: String,
}

/// One line of the transition summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAction {
    /// `Start`, `Move`, `Fence (reboot)`, …
    pub verb: String,
    /// The resource, or the node of a fencing.
    pub subject: String,
    /// What stands between parentheses: nodes and roles.
    pub details: String,
    /// Where the resource is left, where it has been active.
    #[serde(default)]
    pub source: Option<String>,
    /// Where it will be.
    #[serde(default)]
    pub destination: Option<String>,
    /// Its role, where roles are told.
    #[serde(default)]
    pub role: Option<String>,
    /// Its role afterwards, where that is another.
    #[serde(default)]
    pub next_role: Option<String>,
    /// Why, in the words of the summary.
    pub reason: Option<String>,
    /// It can't be done.
    pub blocked: bool,
    /// The line as it is printed, without its bullet.
    pub line: String,
}

/// What the plan is for people and for the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The transition summary, in order.
    pub actions: Vec<PlannedAction>,
    /// Warnings and the like, in the order they came up.
    pub messages: Vec<Message>,
    /// Seconds since the epoch at which the plan may change by itself.
    pub recheck_by: Option<i64>,
    /// Resource instances that are disabled.
    pub disabled: usize,
    /// Resource instances blocked by failures.
    pub blocked: usize,
}

impl Report {
    /// Returns the report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a report from JSON.
    ///
    /// # Errors
    /// A text that is no report.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// How much of the graph is written for graphviz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dot {
    /// Nothing.
    #[default]
    None,
    /// What must be done, and what can't.
    Needed,
    /// What needn't be done as well.
    All,
}

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Seconds east of UTC of the times that the document writes without an offset: local time at
    /// present.
    pub utc_offset: i64,
    /// Seconds east of UTC of the moment the plan is for, whose hours and days rules look at;
    /// `utc_offset` where nothing is given.
    pub now_offset: Option<i64>,
    /// Number of the transition; 1 when not given.
    pub transition: Option<u64>,
    /// Write the scores listing, too.
    pub scores: bool,
    /// Write the utilization listing, too.
    pub utilization: bool,
    /// Write the graph for graphviz, too.
    pub dot: Dot,
    /// Ignore the document's `execution-date`: the time given is meant (`-t`).
    pub time_is_set: bool,
    /// The process ends after this plan: what it was made from is left to the end of the process,
    /// for taking it apart piece by piece takes a tenth of the time of a plan.
    pub is_last: bool,
}

/// A line of the utilization listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UtilizationLine {
    /// How many lines of the scores listing come before it.
    pub after: usize,
    /// What a node has free, or what a resource takes of it.
    pub text: String,
}

/// One decision.
#[derive(Clone, Debug)]
pub struct Plan<Graph = Element> {
    /// `<transition_graph …>`, or what the writing of it came to.
    pub graph: Graph,
    /// The scores listing, a line each, if the options asked for it.
    pub scores: Vec<String>,
    /// The utilization listing, if the options asked for it.
    pub utilization: Vec<UtilizationLine>,
    /// The graph for graphviz, as much of it as the options asked for.
    pub dot: String,
    /// Typed facts.
    pub report: Report,
}

impl<Graph> Plan<Graph> {
    /// Makes something else of the graph.
    ///
    /// # Errors
    /// As `make` says.
    pub fn try_map<Other, Error>(
        self,
        make: impl FnOnce(Graph) -> Result<Other, Error>,
    ) -> Result<Plan<Other>, Error> {
        let Self { graph, scores, utilization, dot, report } = self;
        Ok(Plan { graph: make(graph)?, scores, utilization, dot, report })
    }
}

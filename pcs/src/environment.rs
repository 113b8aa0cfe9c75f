//! What a command works on: a document, sources of metadata, and the reports it makes.

use cib::Element;

use crate::message::Message;
use crate::metadata::AgentSource;
use crate::report::{Failed, Outcome, Report, Severity};

/// The world of one command.
#[derive(Debug)]
pub struct Environment<'a> {
    /// The document; a command changes it in place, and the caller keeps the change only when the
    /// command succeeds.
    pub cib: Element,
    /// Where metadata of agents comes from.
    pub agents: &'a dyn AgentSource,
    /// Whether the document is that of the running cluster, rather than a file.
    pub live: bool,
    /// What was said so far, in order.
    pub reports: Vec<Report>,
}

impl<'a> Environment<'a> {
    /// Makes a world out of a document.
    pub fn new(cib: Element, agents: &'a dyn AgentSource, live: bool) -> Self {
        Self { cib, agents, live, reports: Vec::new() }
    }

    /// Notes a report.
    pub fn report(&mut self, report: Report) {
        self.reports.push(report);
    }

    /// Notes an error.
    pub fn error(&mut self, message: Message) {
        self.report(Report::error(message));
    }

    /// Notes an error that `--force` turns into a warning.
    pub fn forceable(&mut self, message: Message, forced: bool) {
        self.report(Report::forceable(message, forced));
    }

    /// Notes a warning.
    pub fn warn(&mut self, message: Message) {
        self.report(Report::warning(message));
    }

    /// Notes a remark.
    pub fn info(&mut self, message: Message) {
        self.report(Report::info(message));
    }

    /// Says whether an error was noted.
    pub fn has_errors(&self) -> bool {
        self.reports.iter().any(|report| report.severity == Severity::Error)
    }

    /// Fails when an error was noted.
    pub fn checked(&self) -> Outcome {
        if self.has_errors() { Err(Failed::Reported) } else { Ok(()) }
    }

    /// Returns the part of the document people configure, made when it is missing.
    pub fn section(&mut self, name: &str) -> &mut Element {
        self.cib.child_or_insert("configuration").child_or_insert(name)
    }

    /// Returns a part of the configuration, if it is there.
    pub fn peek(&self, name: &str) -> Option<&Element> {
        self.cib.at(&["configuration", name])
    }
}

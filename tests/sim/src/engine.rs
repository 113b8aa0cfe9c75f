//! The policy engine as a brain's shell calls it: the shipped one, and its remarks and objections.

use std::sync::Arc;

use cib::Element;
use crmd::core::interface::Severity;
use model::WallTime;

/// What the shell makes of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) graph: Arc<Element>,
    pub(crate) severity: Severity,
    pub(crate) remarks: Vec<String>,
}

/// Makes a plan.
pub(crate) fn plan(document: &Element, now: WallTime) -> Result<Answer, String> {
    let options = pengine::Options::default();
    let plan = pengine::schedule(document, now, &options);
    let status = pengine::status::read(document, now, &options);
    let objections = pengine::check::objections(&status, &plan.graph);
    if !objections.is_empty() {
        let objections = objections.join("; ");
        return Err(format!("the plan does not pass its check: {objections}"));
    }
    let mut severity = Severity::Good;
    let mut remarks = Vec::new();
    for message in &plan.report.messages {
        let level = match message.level {
            pengine::Level::Error => Severity::Error,
            pengine::Level::Warning => Severity::Warning,
            pengine::Level::Notice | pengine::Level::Info => continue,
        };
        severity = severity.max(level);
        remarks.push(message.text.clone());
    }
    Ok(Answer { graph: Arc::new(plan.graph), severity, remarks })
}

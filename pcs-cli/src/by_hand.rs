//! An agent's action, run here and outside the cluster, as `crm_resource --force-start` and
//! `pcs resource debug-start` do.

use std::io;
use std::process::Command;

use cib::Element;
use exec::secrets::{SecretError, Secrets};
use pcs::agent::AgentName;

use crate::agent_files;
use crate::pcs::hosts;

/// How long the agent is told its action may take (`OCF_RESKEY_CRM_meta_timeout`), in milliseconds:
/// nobody ends what is run by hand but the one who began it.
const TIMEOUT_MS: &str = "20000";

/// What can be run by hand: the words of `crm_resource`, and the actions of the agent.
pub(crate) const ACTIONS: [(&str, &str); 5] = [
    ("force-start", "start"),
    ("force-stop", "stop"),
    ("force-promote", "promote"),
    ("force-demote", "demote"),
    ("force-check", "monitor"),
];

/// How an action is run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How<'a> {
    /// An agent that is a shell script shows each step.
    pub(crate) trace: bool,
    /// How closely the agent looks (`OCF_CHECK_LEVEL`).
    pub(crate) level: Option<&'a str>,
    /// Parameters that count instead of the primitive's.
    pub(crate) instead: &'a [(String, String)],
}

/// An action that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// The primitive it was run for; empty when it was for none.
    pub(crate) resource: String,
    /// Its agent.
    pub(crate) agent: AgentName,
    /// The agent's exit status.
    pub(crate) code: i32,
    /// What the agent printed.
    pub(crate) printed: String,
    /// What it complained of.
    pub(crate) complaints: String,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    /// The agent's file is not there.
    #[error("{0} is not installed on this node")]
    NotInstalled(AgentName),
    /// Agents of its kind have no actions to run.
    #[error("Manual execution of the {} standard is unsupported", .0.standard)]
    Unsupported(AgentName),
    /// A value that is kept out of the document is not here.
    #[error(transparent)]
    NoSecret(#[from] SecretError),
    /// The system refused.
    #[error("the agent can't be run: {0}")]
    System(#[source] io::Error),
}

impl Done {
    /// Returns the line that says what became of it.
    pub(crate) fn line(&self, word: &str) -> String {
        let text = model::OcfCode::from_code(self.code).text();
        let reason = self.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!(
            "Operation {word}{} returned {} ({text}{reason})",
            whose(&self.resource, &self.agent),
            self.code
        )
    }

    /// Returns why it came to this, in the agent's words.
    pub(crate) fn reason(&self) -> Option<&str> {
        let lines = self.complaints.lines();
        lines.filter_map(|line| line.trim().strip_prefix("ocf-exit-reason:")).next_back()
    }

    /// Returns what the agent printed, then what it complained of.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.printed, self.complaints)
    }
}

/// Says of what an action is.
pub(crate) fn whose(resource: &str, agent: &AgentName) -> String {
    let whom = if resource.is_empty() { String::new() } else { format!(" for {resource}") };
    format!("{whom} ({agent})")
}

/// Returns the words of an action, if it can be run by hand.
pub(crate) fn action(word: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|(known, _)| *known == word).map(|(_, action)| *action)
}

/// Runs an agent's action for a primitive.
///
/// # Errors
/// The agent is not here, or can't be run.
pub(crate) fn run(primitive: &Element, action: &str, how: How<'_>) -> Result<Done, NotDone> {
    let agent = AgentName::of(primitive);
    let resource = primitive.id().unwrap_or_default().to_owned();
    let mut parameters = values(primitive, "instance_attributes");
    parameters.extend(how.instead.iter().cloned());
    let secrets = Secrets::below(hosts::paths().secrets_dir());
    secrets.fill(&resource, parameters.iter_mut().map(|(name, value)| (&*name, value)))?;
    if !matches!(agent.standard.as_str(), "ocf" | "lsb") {
        return Err(NotDone::Unsupported(agent));
    }
    // an agent that is asked for nobody has to be called something
    let instance = if resource.is_empty() { &agent.kind } else { &resource };
    let Some(mut command) = agent_files::action(&agent, instance, action, &parameters) else {
        return Err(NotDone::NotInstalled(agent));
    };
    describe(&mut command, primitive);
    if let Some(level) = how.level {
        command.env("OCF_CHECK_LEVEL", level);
    }
    if how.trace {
        command.env("OCF_TRACE_RA", "1");
    }
    let done = command.output().map_err(NotDone::System)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Done {
        resource,
        agent,
        code: done.status.code().unwrap_or(1),
        printed: text(&done.stdout),
        complaints: text(&done.stderr),
    })
}

/// Tells the agent about the resource, as the cluster would.
fn describe(command: &mut Command, primitive: &Element) {
    let mut meta = |name: &str, value: &str| {
        command.env(format!("OCF_RESKEY_CRM_meta_{}", name.replace('-', "_")), value);
    };
    for key in ["class", "id", "provider", "type"] {
        if let Some(value) = primitive.get(key) {
            meta(key, value);
        }
    }
    for (name, value) in values(primitive, "meta_attributes") {
        meta(&name, &value);
    }
    meta("timeout", TIMEOUT_MS);
    command.env("OCF_TRACE_FILE", "/dev/stderr").env("OCF_OUTPUT_FORMAT", "text");
}

fn values(primitive: &Element, kind: &str) -> Vec<(String, String)> {
    primitive
        .children_named(kind)
        .flat_map(|set| set.children_named("nvpair"))
        .filter_map(|pair| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned())))
        .collect()
}

//! An agent's action, run here and outside the cluster, as `crm_resource --force-start` and
//! `pcs resource debug-start` do.

use std::io;
use std::process::Command;

use cib::Element;
use pcs::agent::AgentName;

use crate::agent_files;

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

/// An action that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// The primitive it was run for.
    pub(crate) resource: String,
    /// Its agent.
    pub(crate) agent: AgentName,
    /// The agent's exit status.
    pub(crate) code: i32,
    /// What the agent printed, then what it complained of.
    pub(crate) output: String,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    /// The agent's file is not there, or agents of its kind have no actions to run.
    #[error("{0} is not installed on this node, or can't be run by hand")]
    NotInstalled(AgentName),
    /// The system refused.
    #[error("the agent can't be run: {0}")]
    System(#[source] io::Error),
}

impl Done {
    /// Returns the line that says what became of it.
    pub(crate) fn line(&self, word: &str) -> String {
        let text = model::OcfCode::from_code(self.code).text();
        let Self { resource, agent, code, .. } = self;
        format!("Operation {word} for {resource} ({agent}) returned {code} ({text})")
    }
}

/// Returns the words of an action, if it can be run by hand.
pub(crate) fn action(word: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|(known, _)| *known == word).map(|(_, action)| *action)
}

/// Runs an agent's action for a primitive. With `trace`, an agent that is a shell script shows each
/// step.
///
/// # Errors
/// The agent is not here, or can't be run.
pub(crate) fn run(primitive: &Element, action: &str, trace: bool) -> Result<Done, NotDone> {
    let agent = AgentName::of(primitive);
    let resource = primitive.id().unwrap_or_default().to_owned();
    let parameters = values(primitive, "instance_attributes");
    let Some(mut command) = agent_files::action(&agent, &resource, action, &parameters) else {
        return Err(NotDone::NotInstalled(agent));
    };
    describe(&mut command, primitive);
    if trace {
        command.env("OCF_TRACE_RA", "1");
    }
    let done = command.output().map_err(NotDone::System)?;
    let mut output = String::from_utf8_lossy(&done.stdout).into_owned();
    output.push_str(&String::from_utf8_lossy(&done.stderr));
    Ok(Done { resource, agent, code: done.status.code().unwrap_or(1), output })
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

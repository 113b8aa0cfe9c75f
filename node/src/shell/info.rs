//! What the brain tells beside the document, and what it logs.

use std::collections::VecDeque;
use std::time::Duration;

use crmd::core::interface::Severity;
use crmd::core::journal::JournalEntry;
use membership::raft::Obstacle;
use model::{ExitCode, NodeId};
use view::live::{LiveInfo, LiveLog, LiveNode};

use crate::core::Brain;
use crate::core::message::Outcome;

use super::run::Daemon;

/// How long a warning that nobody takes back stays in status.
const WARNING_KEPT: Duration = Duration::from_secs(600);

/// Warnings kept at most; more of them say the same.
const WARNINGS_MAX: usize = 32;

/// What should not stay as it is, as far as somebody said so lately.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    /// What was said, and when, as time since the start.
    said: VecDeque<(String, Duration)>,
}

impl Warnings {
    /// Notes a warning; saying it again makes it new.
    pub(super) fn note(&mut self, text: String, at: Duration) {
        self.said.retain(|(old, _)| *old != text);
        self.said.push_back((text, at));
        while self.said.len() > WARNINGS_MAX {
            self.said.pop_front();
        }
    }

    fn current(&self, now: Duration) -> impl Iterator<Item = &String> {
        let lately = self.said.iter().filter(move |(_, at)| now.saturating_sub(*at) < WARNING_KEPT);
        lately.map(|(text, _)| text)
    }
}

/// Makes the whole picture.
pub(super) fn live(daemon: &Daemon) -> LiveInfo {
    let brain = &daemon.brain;
    let settings = brain.settings();
    let name = |id: NodeId| {
        settings.nodelist.get(&id).map_or_else(|| format!("node {id}"), ToString::to_string)
    };
    let now = daemon.now();
    let consensus = brain.consensus();
    let role = brain.role();
    let mut warnings: Vec<String> =
        daemon.warnings.current(daemon.began.elapsed()).cloned().collect();
    if consensus.is_unlicensed() {
        warnings.insert(0, "UNSAFE: peer not fenced".to_owned());
    }
    if let Some(reason) = brain.log_stopped() {
        let sentence = format!("this node takes no part in the log any more: {reason}");
        // what led to it was a warning before
        warnings.retain(|text| !sentence.contains(text.as_str()));
        warnings.insert(0, sentence);
    }
    warnings.extend(daemon.paper_trouble.borrow().clone());
    if !daemon.hands_connected {
        warnings
            .push("this node's lrmd is away: nothing can be started or stopped here".to_owned());
    }
    LiveInfo {
        cluster_name: settings.cluster_name.clone(),
        local_node: name(settings.me),
        local_id: settings.me.0,
        version: settings.version.clone(),
        view: brain.view().number,
        quorate: brain.view().quorate,
        dc: brain.dc().map(name),
        dc_has_log: brain.view().quorate && role.leader.is_some() && role.leader == brain.dc(),
        nodes: settings
            .nodelist
            .iter()
            .map(|(id, name)| LiveNode {
                id: id.0,
                name: name.to_string(),
                member: brain.view().members.contains_key(id),
                addresses: daemon
                    .heartbeats
                    .addresses(*id)
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            })
            .collect(),
        log: LiveLog {
            leader: role.leader.map(name),
            term: role.term.0,
            generation: role.generation.0,
            voters: consensus.voters().into_iter().map(name).collect(),
            obstacle: consensus.obstacle().map(|obstacle| in_words(&obstacle, &name)),
        },
        busy: !brain.controller().is_idle(),
        waiting: brain.waiting(now),
        warnings,
        hands_connected: daemon.hands_connected,
        leaving: brain.is_leaving(),
        membership: daemon.heartbeats.snapshot(),
    }
}

fn in_words(obstacle: &Obstacle, name: &impl Fn(NodeId) -> String) -> String {
    let names = |nodes: &std::collections::BTreeSet<NodeId>| {
        nodes.iter().map(|id| name(*id)).collect::<Vec<_>>().join(", ")
    };
    match obstacle {
        Obstacle::Unborn { waiting_for } => format!(
            "this cluster has never run: waiting for {}, or start with `pcs cluster setup`",
            names(waiting_for)
        ),
        Obstacle::NotTakenIn => "waiting for the DC to take this node in".to_owned(),
        Obstacle::VotersMissing { voters, missing } => format!(
            "{} of {voters} voters missing ({}); start, fence or confirm them",
            missing.len(),
            names(missing)
        ),
        Obstacle::NoLeader => "a DC is being elected".to_owned(),
        Obstacle::Stopped { reason } => reason.clone(),
    }
}

/// Returns the node a tool means by a name, a number, or nothing (its own).
pub(super) fn resolve(brain: &Brain, text: &str) -> Option<NodeId> {
    let settings = brain.settings();
    if text.is_empty() {
        return Some(settings.me);
    }
    let by_name = settings.nodelist.iter().find(|(_, name)| name.as_str() == text);
    by_name.map(|(id, _)| *id).or_else(|| {
        let id = NodeId(text.parse().ok()?);
        settings.nodelist.contains_key(&id).then_some(id)
    })
}

/// Returns (node, name, value) of the attributes a query means.
pub(super) fn attributes(
    brain: &Brain,
    node: Option<&str>,
    name: Option<&str>,
) -> Result<Vec<(String, String, String)>, Outcome> {
    let wanted = match node {
        None => None,
        Some(text) => match resolve(brain, text) {
            Some(id) => Some(id),
            None => {
                let text = format!("node '{text}' is unknown");
                return Err(Outcome::refused(ExitCode::NoSuch, text));
            }
        },
    };
    let nodelist = &brain.settings().nodelist;
    Ok(brain
        .attributes()
        .all()
        .filter(|change| wanted.is_none_or(|id| id == change.node))
        .filter(|change| name.is_none_or(|name| name == change.name))
        .filter_map(|change| {
            let node = nodelist.get(&change.node)?.to_string();
            Some((node, change.name.clone(), change.value.clone()?))
        })
        .collect())
}

/// Takes from an engine's report what the controller keeps of it: how bad the input is, and the
/// messages that people should see.
pub(super) fn remarks(report: &serde_json::Value) -> (Severity, Vec<String>) {
    let messages =
        || report.get("messages").and_then(serde_json::Value::as_array).into_iter().flatten();
    let of_level = |level: &str| -> Vec<String> {
        messages()
            .filter(|message| message.get("level").and_then(|l| l.as_str()) == Some(level))
            .filter_map(|message| message.get("text")?.as_str().map(str::to_owned))
            .collect()
    };
    let (errors, warnings) = (of_level("Error"), of_level("Warning"));
    let severity = match (errors.is_empty(), warnings.is_empty()) {
        (false, _) => Severity::Error,
        (true, false) => Severity::Warning,
        (true, true) => Severity::Good,
    };
    (severity, errors.into_iter().chain(warnings).collect())
}

/// Writes a line of the journal to the log, with resource and node as fields.
pub(super) fn log(entry: &JournalEntry) {
    let text = entry.what.to_string();
    let value = serde_json::to_value(&entry.what).unwrap_or_default();
    let field = |key: &str| value.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let (resource, node) = (field("resource"), field("node"));
    match (resource.as_str(), node.as_str()) {
        ("", "") => tracing::info!("{text}"),
        ("", node) => tracing::info!(node, "{text}"),
        (resource, "") => tracing::info!(resource, "{text}"),
        (resource, node) => tracing::info!(resource, node, "{text}"),
    }
}

/// Returns a line of the journal as JSON, with its sentence for people.
pub(super) fn journal_line(entry: &JournalEntry) -> String {
    let mut value = serde_json::to_value(&entry.what).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("time".to_owned(), entry.time.0.into());
        object.insert("text".to_owned(), entry.what.to_string().into());
    }
    value.to_string()
}

//! Every message a command has, with its text. The one place texts are made.

use serde::Serialize;

use crate::text::{plural, quoted, quoted_with, typed};

/// What a report says. The name of a variant is its code, the fields are its payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "payload", rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each text says what its message and fields are")]
pub enum Message {
    // --- ids and names ---
    #[error("{what} cannot be empty")]
    EmptyId { what: String },
    #[error("invalid {what} '{id}', '{character}' is not a valid {}character for a {what}", if *.first { "first " } else { "" })]
    InvalidId { id: String, what: String, character: char, first: bool },
    #[error("'{id}' already exists")]
    IdAlreadyExists { id: String },
    #[error("{}'{id}' does not exist", kinds_of(.kinds))]
    IdNotFound { id: String, kinds: Vec<String>, near: Option<String> },
    #[error("'{id}' is not a {}", kinds_of(.expected).trim_end())]
    IdOfOtherKind { id: String, expected: Vec<String> },

    // --- options ---
    #[error("invalid {} {}, allowed options are: {}", option_word(.kind, .names), quoted(.names), quoted(.allowed))]
    InvalidOptions { names: Vec<String>, allowed: Vec<String>, kind: String, near: Option<String> },
    #[error("required {} {} {} missing", option_word_plain(.kind, .names.len()), quoted(.names), plural(.names.len(), "is", "are"))]
    RequiredOptionsMissing { names: Vec<String>, kind: String },
    #[error("'{value}' is not a valid {name} value, use {}", wanted(.choices, .words.as_deref()))]
    InvalidOptionValue { name: String, value: String, choices: Vec<String>, words: Option<String> },
    #[error("{} has to be specified", one_of_deprecated(.kind, .names, .deprecated))]
    RequiredOneOf { names: Vec<String>, deprecated: Vec<String>, kind: String },
    #[error("{} is deprecated and might be removed in a future release, therefore it should not be used{}", typed(.kind, &format!("option '{name}'")), instead(.replaced_by))]
    DeprecatedOption { name: String, replaced_by: Vec<String>, kind: String },
    #[error("invalid score '{score}', use integer or INFINITY or -INFINITY")]
    InvalidScore { score: String },
    #[error("Value '{value}' of option '{name}' is not unique across '{agent}' resources. Following resources are configured with the same value of the instance attribute: {}", quoted(.resources))]
    ValueNotUnique { name: String, value: String, agent: String, resources: Vec<String> },

    // --- agents ---
    #[error(
        "Invalid resource agent name '{name}'. Use standard:provider:type when standard is 'ocf' or standard:type otherwise. List of standards and providers can be obtained by using commands 'pcs resource standards' and 'pcs resource providers'."
    )]
    InvalidResourceAgentName { name: String },
    #[error(
        "Invalid stonith agent name '{name}'. Agent name cannot contain the ':' character, do not use the 'stonith:' prefix. List of agents can be obtained by using command 'pcs stonith list'."
    )]
    InvalidStonithAgentName { name: String },
    #[error("Assumed agent name '{name}' (deduced from '{entered}')")]
    AgentNameGuessed { name: String, entered: String },
    #[error("Unable to find agent '{name}', try specifying its full name")]
    AgentNameGuessNone { name: String, near: Vec<String> },
    #[error("Multiple agents match '{name}', please specify full name: {}", quoted_or(.agents))]
    AgentNameGuessSeveral { name: String, agents: Vec<String> },
    #[error("Agent '{agent}' is not installed or does not provide valid metadata: {reason}")]
    UnableToGetAgentMetadata { agent: String, reason: String },
    #[error("Validation result from agent:\n  {}", .output.join("\n  "))]
    AgentValidation { agent: String, output: Vec<String> },

    // --- properties ---
    #[error("Cannot remove {} {}, {} not present in property set '{set}'", plural(.names.len(), "property", "properties"), quoted(.names), plural(.names.len(), "it is", "they are"))]
    CannotRemoveProperty { names: Vec<String>, set: String },
    #[error(
        "Setting property stonith-enabled to false leaves the cluster with no enabled means to fence nodes, resulting in the cluster not being able to recover from certain failure conditions"
    )]
    StonithDisabledByProperty,
    #[error("This command cannot be used for renaming a cluster, use 'pcs cluster rename'")]
    UseClusterRename,
    #[error(
        "fencing-watchdog-timeout / stonith-watchdog-timeout cannot be unset or set to 0 while SBD is enabled without devices"
    )]
    WatchdogTimeoutCannotBeUnset,

    // --- operations ---
    #[error("multiple specification of the same operation with the same interval:\n{}", .duplicates.join("\n"))]
    OperationIntervalDuplication { duplicates: Vec<String> },

    // --- creating resources ---
    #[error(
        "This command does not accept stonith resource. Use 'pcs stonith create' command instead."
    )]
    UseStonithCreate,
    #[error("Meta attributes of {} are not validated", .kinds.join(" / "))]
    MetaNotValidated { kinds: Vec<String> },
    #[error("{kind} meta attribute{} {} has no effect on cluster resource handling, meta attributes with effect: {}", plural(.names.len(), "", "s"), quoted(.names), quoted(.known))]
    UnknownMeta { names: Vec<String>, known: Vec<String>, kind: String },
    #[error(
        "this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest'"
    )]
    UseAddGuest,
    #[error(
        "this command is not sufficient for creating a remote connection, use 'pcs cluster node add-remote'"
    )]
    UseAddRemote,
    #[error(
        "There is no resource '{resource}' in the group '{group}', cannot add resources next to it"
    )]
    GroupAdjacentNotInGroup { resource: String, group: String },

    // --- groups ---
    #[error("Cannot modify group '{group}', no resources to add or remove specified")]
    GroupNothingToDo { group: String },
    #[error("'{id}' is a {kind} resource, {kind} resources cannot be put into a group")]
    CannotGroup { id: String, kind: String },
    #[error("Cannot put resource '{resource}' next to itself")]
    GroupNextToItself { resource: String },
    #[error("Cannot add {} {}, {} already present in group '{group}'", plural(.resources.len(), "resource", "resources"), quoted(.resources), plural(.resources.len(), "it is", "they are"))]
    GroupAlreadyHas { resources: Vec<String>, group: String },
    #[error("Resources specified more than once: {}", quoted(.resources))]
    GroupDuplicates { resources: Vec<String> },

    // --- clusters as a whole; the texts are in cluster::message ---
    #[error(transparent)]
    #[serde(untagged)]
    Cluster(#[from] crate::cluster::ClusterMessage),
}

impl Message {
    /// Returns what somebody probably meant or should type next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::IdNotFound { near: Some(near), .. }
            | Self::InvalidOptions { near: Some(near), .. } => {
                Some(format!("did you mean {near}?"))
            }
            Self::AgentNameGuessNone { near, .. } if !near.is_empty() => {
                Some(format!("did you mean {}?", near.join(" or ")))
            }
            Self::AgentNameGuessNone { .. } => {
                Some("'pcs resource list' shows the agents that are installed".to_owned())
            }
            _ => None,
        }
    }
}

/// Writes kinds of elements in front of an id: `clone / group `.
fn kinds_of(kinds: &[String]) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let mut kinds = kinds.to_vec();
    kinds.sort();
    format!("{} ", kinds.join(" / "))
}

fn option_word(kind: &str, names: &[String]) -> String {
    let colon = if names.len() == 1 { "" } else { ":" };
    format!("{}{colon}", option_word_plain(kind, names.len()))
}

fn option_word_plain(kind: &str, count: usize) -> String {
    typed(kind, plural(count, "option", "options"))
}

fn wanted(choices: &[String], words: Option<&str>) -> String {
    words.map_or_else(|| quoted(choices), str::to_owned)
}

fn quoted_or(words: &[String]) -> String {
    quoted_with(words, " or ")
}

fn instead(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", use {} instead", quoted(names)) }
}

fn one_of_deprecated(kind: &str, names: &[String], deprecated: &[String]) -> String {
    let good = names.iter().map(|name| format!("'{name}'"));
    let old = deprecated.iter().map(|name| format!("'{name}' (deprecated)"));
    let all: Vec<String> = good.chain(old).collect();
    format!("{} {}", typed(kind, "option"), all.join(" or "))
}

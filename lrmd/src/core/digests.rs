//! Digests of an operation's parameters, as Pacemaker records them, so that a changed
//! parameter leads to the same decision between restart, reload and nothing.

use std::collections::BTreeMap;

use model::Operation;

/// Whether and how an agent can take new parameters without a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reload {
    /// It cannot.
    #[default]
    None,
    /// OCF 1.0: it has a `reload` action; parameters marked `unique` need a restart.
    Legacy,
    /// OCF 1.1: it has `reload-agent`; parameters not marked `reloadable` need a restart.
    Agent,
}

/// What an agent's metadata says of one parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterTraits {
    /// Its name.
    pub name: String,
    /// `unique="1"` or a unique group.
    pub unique: bool,
    /// `reloadable="1"`.
    pub reloadable: bool,
    /// `private="1"`: must not be seen.
    pub private: bool,
}

/// What an agent's metadata says that matters to histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentTraits {
    /// How it reloads.
    pub reload: Reload,
    /// Its parameters, in the metadata's order.
    pub parameters: Vec<ParameterTraits>,
}

/// The digests of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) all: String,
    pub(crate) restart: Option<(String, String)>,
    pub(crate) secure: Option<(String, String)>,
}

/// Computes what goes into an operation's history entry. `traits` is `None` while an agent's
/// metadata is not known: then there is neither restart nor secure digest.
pub(crate) fn digests(operation: &Operation, traits: Option<&AgentTraits>) -> Digests {
    let parameters = &operation.parameters;
    let recurring = operation.interval_ms > 0;
    let mut result = Digests { all: digest(parameters, recurring, |_| true), ..Digests::default() };
    let Some(traits) = traits else { return result };

    if !recurring && traits.reload != Reload::None {
        let needs_restart = |parameter: &&ParameterTraits| match traits.reload {
            Reload::Agent => !parameter.reloadable,
            Reload::Legacy => parameter.unique,
            Reload::None => false,
        };
        let names: Vec<&str> =
            traits.parameters.iter().filter(needs_restart).map(|p| p.name.as_str()).collect();
        let restart = digest(parameters, recurring, |name| names.contains(&name));
        result.restart = Some((word_list(&names), restart));
    }

    let private: Vec<&str> =
        traits.parameters.iter().filter(|p| p.private).map(|p| p.name.as_str()).collect();
    if !private.is_empty() {
        let secure = digest(parameters, recurring, |name| {
            !private.contains(&name) && !name.starts_with("CRM_meta_")
        });
        result.secure = Some((word_list(&private), secure));
    }
    result
}

/// Every word with a space on each side, so that a search for ` NAME ` finds it.
fn word_list(names: &[&str]) -> String {
    names.iter().map(|name| format!(" {name} ")).collect()
}

/// Digests the parameters that `keep` wants, leaving out what never counts.
fn digest(
    parameters: &BTreeMap<String, String>,
    recurring: bool,
    keep: impl Fn(&str) -> bool,
) -> String {
    let counts = |name: &str| match name {
        "id" | "crm_feature_set" | "op-digest" | "pcmk_external_ip" => false,
        "CRM_meta_timeout" => recurring,
        other => !other.starts_with("CRM_meta_"),
    };
    let kept: BTreeMap<&str, &str> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| counts(name) && keep(name))
        .collect();
    seam::parameters_digest(&kept)
}

/// The digest of a `<parameters>` element; one function, so that `cib`'s can take its place.
mod seam {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use md5::{Digest as _, Md5};

    pub(super) fn parameters_digest(parameters: &BTreeMap<&str, &str>) -> String {
        let mut text = String::from(" <parameters");
        for (name, value) in parameters {
            text.push(' ');
            text.push_str(name);
            text.push_str("=\"");
            for c in value.chars() {
                match c {
                    '&' => text.push_str("&amp;"),
                    '<' => text.push_str("&lt;"),
                    '>' => text.push_str("&gt;"),
                    '"' => text.push_str("&quot;"),
                    '\n' => text.push_str("&#10;"),
                    '\r' => text.push_str("&#13;"),
                    '\t' => text.push_str("&#9;"),
                    other => text.push(other),
                }
            }
            text.push('"');
        }
        text.push_str("/>\n");
        let mut hex = String::with_capacity(32);
        for byte in Md5::digest(text.as_bytes()) {
            if write!(hex, "{byte:02x}").is_err() {
                break;
            }
        }
        hex
    }
}

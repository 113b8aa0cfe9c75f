//! Digests of an operation's parameters, as Pacemaker records them, so that a changed
//! parameter leads to the same decision between restart, reload and nothing.

use cib::digest::Parameters;
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
    let digest = |which: Parameters<'_>| {
        let parameters = operation.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        cib::digest::operation(parameters, operation.interval_ms, which)
    };
    let mut result = Digests { all: digest(Parameters::All), ..Digests::default() };
    let Some(traits) = traits else { return result };

    if operation.interval_ms == 0 && traits.reload != Reload::None {
        let needs_restart = |parameter: &&ParameterTraits| match traits.reload {
            Reload::Agent => !parameter.reloadable,
            Reload::Legacy => parameter.unique,
            Reload::None => false,
        };
        let names = names(traits, needs_restart);
        result.restart = Some((word_list(&names), digest(Parameters::Only(&names))));
    }

    let private = names(traits, |parameter| parameter.private);
    if !private.is_empty() {
        result.secure = Some((word_list(&private), digest(Parameters::Except(&private))));
    }
    result
}

fn names(traits: &AgentTraits, keep: impl Fn(&&ParameterTraits) -> bool) -> Vec<&str> {
    traits.parameters.iter().filter(keep).map(|parameter| parameter.name.as_str()).collect()
}

/// Every word with a space on each side, so that a search for ` NAME ` finds it.
fn word_list(names: &[&str]) -> String {
    names.iter().map(|name| format!(" {name} ")).collect()
}

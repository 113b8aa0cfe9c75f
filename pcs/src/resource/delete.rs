//! Deleting resources and fence devices.

use cib::Element;

use super::{find, is_stonith};
use crate::agent::AgentName;
use crate::environment::Environment;
use crate::message::Message;
use crate::removal::Removal;
use crate::report::{Outcome, Report};

/// Deletes resources with everything that refers to them only.
///
/// # Errors
/// Reported.
pub fn delete(env: &mut Environment<'_>, ids: &[String], stonith: bool, force: bool) -> Outcome {
    let removal = Removal::plan(&env.cib, ids);
    let resources = removal.resources(&env.cib);
    if !env.live && !stonith {
        env.warn(Message::NotStoppedBeforeDelete);
    }
    let remote: Vec<String> = resources
        .iter()
        .filter(|id| find(&env.cib, id).is_some_and(|e| AgentName::of(e).is_remote()))
        .cloned()
        .collect();
    if !remote.is_empty() {
        env.forceable_quietly(Message::UseRemoveRemote { nodes: remote }, force);
    }
    if !env.live && !stonith {
        env.warn(Message::NotCheckedStopped { resources: resources.clone() });
    }
    if stonith {
        check_fencing_left(env, &resources, force);
    }
    env.checked()?;
    removal.tell(env);
    removal.apply(&mut env.cib);
    Ok(())
}

/// Refuses to take the last means of fencing away.
fn check_fencing_left(env: &mut Environment<'_>, gone: &[String], force: bool) {
    let enabled = |e: &&Element| {
        is_stonith(e) && crate::nvset::value(e, "meta_attributes", "target-role") != Some("Stopped")
    };
    let is_gone = |e: &&Element| e.id().is_some_and(|id| gone.iter().any(|g| g == id));
    let had = super::primitives(&env.cib).any(|e| enabled(&e));
    let has = super::primitives(&env.cib).any(|e| enabled(&e) && !is_gone(&e));
    let on =
        crate::property::value(&env.cib, "stonith-enabled").is_none_or(crate::options::is_true);
    if had && !has && on {
        env.forceable(Message::NoStonithMeansLeft, force);
    }
}

impl Environment<'_> {
    /// Notes an error that `--force` overrides, without offering it.
    fn forceable_quietly(&mut self, message: Message, forced: bool) {
        let report = if forced { Report::warning(message) } else { Report::error(message) };
        self.report(report);
    }
}

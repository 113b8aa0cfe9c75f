//! `Stateful`: remembers a role, for tests of promotable clones.

use std::time::Duration;

use model::OcfCode;

use crate::call::{Call, Failure, fail, note, sleep};
use crate::state::State;

const UNPROMOTED_SCORE: &str = "5";
const PROMOTED_SCORE: &str = "10";

/// ocf:pacemaker:Stateful.
pub(crate) fn act(call: &Call) -> Result<OcfCode, Failure> {
    call.dump_environment()?;
    let state = State::of(call, "state", "/run/Stateful", ".state");
    match call.action.as_str() {
        "start" | "demote" if role(&state) == OcfCode::NotRunning && call.action == "demote" => {
            Ok(OcfCode::NotRunning)
        }
        "start" if role(&state) == OcfCode::RunningPromoted => {
            fail(OcfCode::RunningPromoted, "already running in the promoted role")
        }
        "start" | "demote" => {
            state.check()?;
            state.write("unpromoted")?;
            set_score(call, Some(UNPROMOTED_SCORE));
            Ok(OcfCode::Ok)
        }
        "promote" => {
            if role(&state) == OcfCode::NotRunning {
                return fail(OcfCode::NotRunning, "cannot be promoted: it does not run");
            }
            state.write("promoted")?;
            set_score(call, Some(PROMOTED_SCORE));
            Ok(OcfCode::Ok)
        }
        "stop" => {
            state.remove()?;
            set_score(call, None);
            Ok(OcfCode::Ok)
        }
        "monitor" | "status" => Ok(role(&state)),
        "notify" => {
            sleep(Duration::from_secs(call.number("notify_delay", 0)?));
            Ok(OcfCode::Ok)
        }
        "reload-agent" => Ok(OcfCode::Ok),
        "validate-all" => {
            state.check()?;
            Ok(OcfCode::Ok)
        }
        _ => Ok(OcfCode::UnimplementFeature),
    }
}

fn role(state: &State) -> OcfCode {
    if !state.exists() {
        return OcfCode::NotRunning;
    }
    match state.read().as_str() {
        // Pacemaker's agent wrote the old word once.
        "promoted" | "master" => OcfCode::RunningPromoted,
        _ => OcfCode::Ok,
    }
}

/// Tells the cluster how much this instance wants to be promoted. Without a cluster around
/// (someone tries the agent by hand) there is nobody to tell.
fn set_score(call: &Call, score: Option<&str>) {
    let result = match score {
        Some(score) => call.tool("crm_attribute", &["--promotion", "-l", "reboot", "-v", score]),
        None => call.tool("crm_attribute", &["--promotion", "-l", "reboot", "-D"]),
    };
    match result {
        Ok(true) => {}
        Ok(false) => note("the promotion score could not be set; is the cluster running?"),
        Err(error) => note(&format!("the promotion score could not be set: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::call;

    #[test]
    fn roles_come_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state").display().to_string();
        let act = |action| super::act(&call("Stateful", action, &[("state", &state)]));
        for (action, code) in [
            ("monitor", OcfCode::NotRunning),
            ("demote", OcfCode::NotRunning),
            ("start", OcfCode::Ok),
            ("monitor", OcfCode::Ok),
            ("promote", OcfCode::Ok),
            ("monitor", OcfCode::RunningPromoted),
            ("demote", OcfCode::Ok),
            ("monitor", OcfCode::Ok),
            ("stop", OcfCode::Ok),
            ("monitor", OcfCode::NotRunning),
        ] {
            assert_eq!(act(action), Ok(code), "{action}");
        }
        assert_eq!(act("promote").unwrap_err().code, OcfCode::NotRunning);
    }
}

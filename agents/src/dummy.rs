//! `Dummy`: remembers whether it runs, and can be slow or report a false failure.

use std::time::Duration;

use model::OcfCode;

use crate::call::{Call, Failure, fail, sleep};
use crate::state::State;

/// ocf:heartbeat:Dummy.
pub(crate) fn heartbeat(call: &Call) -> Result<OcfCode, Failure> {
    act(call, &State::of(call, "state", "/run/resource-agents/Dummy", ".state"))
}

/// ocf:pacemaker:Dummy.
pub(crate) fn pacemaker(call: &Call) -> Result<OcfCode, Failure> {
    call.dump_environment()?;
    sleep(Duration::from_secs(call.number("op_sleep", 0)?));
    act(call, &State::of(call, "state", "/run/Dummy", ".state"))
}

fn act(call: &Call, state: &State) -> Result<OcfCode, Failure> {
    match call.action.as_str() {
        "start" | "migrate_from" => {
            state.check()?;
            state.write("")?;
            bogus_failure(call)
        }
        "stop" | "migrate_to" => {
            state.remove()?;
            Ok(OcfCode::Ok)
        }
        "monitor" | "status" => Ok(if state.exists() { OcfCode::Ok } else { OcfCode::NotRunning }),
        "reload" => Ok(OcfCode::Ok),
        "reload-agent" => bogus_failure(call),
        "notify" => Ok(OcfCode::Ok),
        "validate-all" => {
            state.check()?;
            Ok(OcfCode::Ok)
        }
        _ => Ok(OcfCode::UnimplementFeature),
    }
}

fn bogus_failure(call: &Call) -> Result<OcfCode, Failure> {
    match call.parameter("fail_start_on") {
        Some(node) if node == call.node() => {
            fail(OcfCode::UnknownError, format!("failing on {node} as fail_start_on asks"))
        }
        _ => Ok(OcfCode::Ok),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::call;

    #[test]
    fn it_runs_from_start_to_stop() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state").display().to_string();
        let act = |action| pacemaker(&call("Dummy", action, &[("state", &state)]));
        for (action, code) in [
            ("monitor", OcfCode::NotRunning),
            ("stop", OcfCode::Ok),
            ("start", OcfCode::Ok),
            ("start", OcfCode::Ok),
            ("monitor", OcfCode::Ok),
            ("reload-agent", OcfCode::Ok),
            ("stop", OcfCode::Ok),
            ("monitor", OcfCode::NotRunning),
            ("frobnicate", OcfCode::UnimplementFeature),
        ] {
            assert_eq!(act(action), Ok(code), "{action}");
        }
    }

    #[test]
    fn a_bogus_failure_leaves_it_running() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state").display().to_string();
        let parameters =
            [("state", state.as_str()), ("fail_start_on", "ser1"), ("CRM_meta_on_node", "ser1")];
        let failure = pacemaker(&call("Dummy", "start", &parameters)).unwrap_err();
        assert_eq!(failure.code, OcfCode::UnknownError);
        assert_eq!(pacemaker(&call("Dummy", "monitor", &parameters)), Ok(OcfCode::Ok));
    }

    #[test]
    fn a_missing_directory_is_named() {
        let parameters = [("state", "/no/such/directory/state")];
        let failure = heartbeat(&call("Dummy", "start", &parameters)).unwrap_err();
        assert!(failure.reason.contains("there is no directory /no/such/directory"));
    }
}

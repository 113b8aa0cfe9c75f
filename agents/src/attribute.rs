//! `attribute`: a node attribute that says whether the resource runs.

use model::OcfCode;

use crate::call::{Call, Failure, fail, tried};
use crate::state::State;

/// ocf:pacemaker:attribute.
pub(crate) fn act(call: &Call) -> Result<OcfCode, Failure> {
    let state = State::of(call, "state", "/run/opa", ".state");
    match call.action.as_str() {
        "start" | "migrate_from" => {
            state.check()?;
            set(call, call.parameter("active_value").unwrap_or("1"))?;
            state.write("")?;
            Ok(OcfCode::Ok)
        }
        "stop" | "migrate_to" => {
            state.remove()?;
            set(call, call.parameter("inactive_value").unwrap_or("0"))?;
            Ok(OcfCode::Ok)
        }
        "monitor" | "status" => Ok(if state.exists() { OcfCode::Ok } else { OcfCode::NotRunning }),
        "reload" => {
            set(call, call.parameter("active_value").unwrap_or("1"))?;
            Ok(OcfCode::Ok)
        }
        "notify" => Ok(OcfCode::Ok),
        "validate-all" => {
            state.check()?;
            Ok(OcfCode::Ok)
        }
        _ => Ok(OcfCode::UnimplementFeature),
    }
}

fn set(call: &Call, value: &str) -> Result<(), Failure> {
    let default = format!("opa-{}", call.instance());
    let name = call.parameter("name").unwrap_or(&default);
    let done = tried(call.tool("attrd_updater", &["-n", name, "-U", value]), || {
        "attrd_updater cannot be run".to_owned()
    })?;
    if done {
        return Ok(());
    }
    fail(OcfCode::UnknownError, format!("node attribute {name} could not be set to {value}"))
}

//! `ping`: counts which hosts answer, and keeps the count as a node attribute.

use std::process::{Child, Command, Stdio};

use model::OcfCode;

use crate::call::{Call, Failure, fail, note, tried};
use crate::state::State;

/// ocf:pacemaker:ping.
pub(crate) fn act(call: &Call) -> Result<OcfCode, Failure> {
    let state = State::of(call, "pidfile", "/run/ping", "");
    match call.action.as_str() {
        "start" => {
            state.check()?;
            let hosts = hosts(call)?;
            state.write("")?;
            measure(call, &hosts)
        }
        "stop" => {
            state.remove()?;
            let name = attribute(call);
            let done = tried(call.tool("attrd_updater", &["-D", "-n", name]), no_updater)?;
            if !done {
                note(&format!("node attribute {name} could not be removed"));
            }
            Ok(OcfCode::Ok)
        }
        "monitor" | "status" if !state.exists() => Ok(OcfCode::NotRunning),
        "monitor" | "status" => measure(call, &hosts(call)?),
        "reload-agent" => Ok(OcfCode::Ok),
        "validate-all" => {
            state.check()?;
            hosts(call)?;
            timing(call)?;
            Ok(OcfCode::Ok)
        }
        _ => Ok(OcfCode::UnimplementFeature),
    }
}

fn no_updater() -> String {
    "attrd_updater cannot be run".to_owned()
}

fn attribute(call: &Call) -> &str {
    call.parameter("name").unwrap_or("pingd")
}

fn hosts(call: &Call) -> Result<Vec<&str>, Failure> {
    let hosts: Vec<&str> =
        call.parameter("host_list").unwrap_or_default().split_whitespace().collect();
    if hosts.is_empty() {
        return fail(OcfCode::NotConfigured, "parameter host_list is empty: name hosts to ping");
    }
    // Hosts become arguments of a program.
    match hosts.iter().find(|host| host.starts_with('-')) {
        Some(host) => fail(OcfCode::NotConfigured, format!("`{host}` in host_list is not a host")),
        None => Ok(hosts),
    }
}

/// Attempts, and seconds for each.
fn timing(call: &Call) -> Result<(u64, u64), Failure> {
    Ok((call.number("attempts", 3)?.max(1), call.number("timeout", 2)?.max(1)))
}

fn measure(call: &Call, hosts: &[&str]) -> Result<OcfCode, Failure> {
    let (attempts, timeout) = timing(call)?;
    let multiplier = call.number("multiplier", 1)?;
    // All at once: the dead ones take their whole time.
    let mut running: Vec<(&str, Child)> = Vec::new();
    for host in hosts {
        let child = Command::new("ping")
            .args(["-n", "-q", "-c", &attempts.to_string(), "-W", &timeout.to_string()])
            .args(call.parameter("options").unwrap_or_default().split_whitespace())
            .arg(host)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        running.push((host, tried(child, || "ping cannot be run".to_owned())?));
    }
    let mut answering: u64 = 0;
    for (host, mut child) in running {
        let status = tried(child.wait(), || format!("ping {host}"))?;
        if status.success() {
            answering += 1;
        } else {
            note(&format!("{host} does not answer"));
        }
    }
    let score = answering.saturating_mul(multiplier);
    let name = attribute(call);
    let value = score.to_string();
    let dampen = call.parameter("dampen").unwrap_or("5s");
    let told = call.tool("attrd_updater", &["-n", name, "-U", &value, "-d", dampen]);
    if !tried(told, no_updater)? {
        return fail(
            OcfCode::UnknownError,
            format!("node attribute {name} could not be set to {value}"),
        );
    }
    match call.parameter("failure_score") {
        Some(_) if score < call.number("failure_score", 0)? => fail(
            OcfCode::UnknownError,
            format!("{answering} of {} hosts answer: below failure_score", hosts.len()),
        ),
        _ => Ok(OcfCode::Ok),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::call;

    #[test]
    fn hosts_must_be_named() {
        for list in ["", "  ", "-f"] {
            let failure = act(&call("ping", "validate-all", &[("host_list", list)])).unwrap_err();
            assert_eq!(failure.code, OcfCode::NotConfigured, "{list:?}");
        }
    }

    #[test]
    fn what_was_never_started_does_not_run() {
        let parameters = [("pidfile", "/no/such/pidfile"), ("host_list", "127.0.0.1")];
        assert_eq!(act(&call("ping", "monitor", &parameters)), Ok(OcfCode::NotRunning));
    }
}

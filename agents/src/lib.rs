//! Our own OCF agents, for nodes where the distribution's are not installed.
//!
//! One program holds them all: `systole agent ocf:heartbeat:IPaddr2 start`, with the
//! parameters in the environment as for any OCF agent. An installed agent of the same name
//! always goes before ours; who runs them sees to that.

mod address;
mod announce;
mod attribute;
mod call;
mod dummy;
mod interface;
mod ipaddr2;
mod netlink;
mod ping;
mod state;
mod stateful;

use std::ffi::OsString;
use std::process::ExitCode;

use model::OcfCode;

use call::{Call, Failure};

/// One of our agents.
#[derive(Clone, Copy, Debug)]
struct Agent {
    provider: &'static str,
    kind: &'static str,
    metadata: &'static str,
    act: fn(&Call) -> Result<OcfCode, Failure>,
}

const AGENTS: [Agent; 6] = [
    Agent {
        provider: "heartbeat",
        kind: "Dummy",
        metadata: include_str!("metadata/heartbeat-dummy.xml"),
        act: dummy::heartbeat,
    },
    Agent {
        provider: "heartbeat",
        kind: "IPaddr2",
        metadata: include_str!("metadata/heartbeat-ipaddr2.xml"),
        act: ipaddr2::act,
    },
    Agent {
        provider: "pacemaker",
        kind: "Dummy",
        metadata: include_str!("metadata/pacemaker-dummy.xml"),
        act: dummy::pacemaker,
    },
    Agent {
        provider: "pacemaker",
        kind: "Stateful",
        metadata: include_str!("metadata/pacemaker-stateful.xml"),
        act: stateful::act,
    },
    Agent {
        provider: "pacemaker",
        kind: "attribute",
        metadata: include_str!("metadata/pacemaker-attribute.xml"),
        act: attribute::act,
    },
    Agent {
        provider: "pacemaker",
        kind: "ping",
        metadata: include_str!("metadata/pacemaker-ping.xml"),
        act: ping::act,
    },
];

/// Returns the metadata of one of our agents, if it is one of ours.
pub fn metadata(provider: &str, kind: &str) -> Option<&'static str> {
    find(provider, kind).map(|agent| agent.metadata)
}

/// Returns the providers and names of our agents.
pub fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    AGENTS.iter().map(|agent| (agent.provider, agent.kind))
}

fn find(provider: &str, kind: &str) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.provider == provider && agent.kind == kind)
}

/// Runs one action of one agent: `ocf:PROVIDER:NAME ACTION`.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "an agent speaks by its outputs")]
pub fn main(arguments: &[OsString]) -> ExitCode {
    let words: Vec<String> =
        arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["announce", interface, ip, count, interval_ms] = words.as_slice() {
        return exit(announce::continued(interface, ip, count, interval_ms));
    }
    let [name, action] = words.as_slice() else {
        eprintln!("usage: systole agent ocf:PROVIDER:NAME ACTION");
        return ExitCode::from(2);
    };
    let agent = match name.split(':').collect::<Vec<_>>().as_slice() {
        ["ocf", provider, kind] => find(provider, kind),
        _ => None,
    };
    let Some(agent) = agent else {
        eprintln!("Systole has no agent {name}");
        return exit(OcfCode::NotInstalled);
    };
    if matches!(*action, "meta-data" | "metadata") {
        print!("{}", agent.metadata);
        return exit(OcfCode::Ok);
    }
    let call = Call::from_environment(agent.kind, action);
    match (agent.act)(&call) {
        Ok(code) => exit(code),
        Err(failure) => {
            eprintln!("ocf-exit-reason:{}", failure.reason);
            exit(failure.code)
        }
    }
}

fn exit(code: OcfCode) -> ExitCode {
    ExitCode::from(u8::try_from(code.code()).unwrap_or(1))
}

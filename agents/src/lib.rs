//! Our own OCF agents, for nodes where the distribution's are not installed.
//!
//! One program holds them all: `systole agent ocf:heartbeat:IPaddr2 start`, with the
//! parameters in the environment as for any OCF agent.

/// Returns the metadata of one of our agents, if it is one of ours.
pub fn metadata(provider: &str, kind: &str) -> Option<&'static str> {
    Some(match (provider, kind) {
        ("heartbeat", "Dummy") => include_str!("metadata/heartbeat-dummy.xml"),
        ("heartbeat", "IPaddr2") => include_str!("metadata/heartbeat-ipaddr2.xml"),
        ("pacemaker", "Dummy") => include_str!("metadata/pacemaker-dummy.xml"),
        ("pacemaker", "Stateful") => include_str!("metadata/pacemaker-stateful.xml"),
        ("pacemaker", "attribute") => include_str!("metadata/pacemaker-attribute.xml"),
        ("pacemaker", "ping") => include_str!("metadata/pacemaker-ping.xml"),
        _ => return None,
    })
}

/// Runs one action of one agent: `AGENT ACTION`.
pub fn main(_arguments: &[std::ffi::OsString]) -> std::process::ExitCode {
    std::process::ExitCode::from(5)
}

//! The names this one program answers to.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Names of tools that `install-links` makes links for.
const TOOLS: [&str; 26] = [
    "pcs",
    "crm_simulate",
    "crm_mon",
    "crm_resource",
    "crm_attribute",
    "crm_master",
    "crm_node",
    "crm_verify",
    "crm_failcount",
    "crm_standby",
    "crm_ticket",
    "crm_diff",
    "crm_rule",
    "crm_error",
    "crm_shadow",
    "crmadmin",
    "cibadmin",
    "attrd_updater",
    "stonith_admin",
    "pacemakerd",
    "corosync-cfgtool",
    "corosync-quorumtool",
    "corosync-cmapctl",
    "corosync-keygen",
    "iso8601",
    "pcsd",
];

/// Tells whether a program name is one of the tools (a link to this program).
pub(crate) fn is_tool(name: &str) -> bool {
    TOOLS.contains(&name)
}

/// Hands over to a role.
pub(crate) fn run(name: &str, arguments: &[OsString]) -> ExitCode {
    match name {
        "lrmd" => lrmd::main(arguments),
        "op-runner" => lrmd::runner::main(arguments),
        "agent" => agents::main(arguments),
        "lab-init" => lab_init(arguments),
        "install-links" => install_links(arguments),
        _ => usage(),
    }
}

#[allow(clippy::print_stderr, reason = "the command line's own voice")]
fn fail(text: &str) -> ExitCode {
    eprintln!("systole: {text}");
    ExitCode::FAILURE
}

fn lab_init(arguments: &[OsString]) -> ExitCode {
    let [name, disk, ready] = arguments else { return fail("lab-init NAME DISK READY") };
    match lab::init::run(&name.to_string_lossy(), Path::new(disk), Path::new(ready)) {
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|e| format!(": {e}"));
            fail(&format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}

fn install_links(_arguments: &[OsString]) -> ExitCode {
    fail("later")
}

fn usage() -> ExitCode {
    fail("usage")
}

//! The names this one program answers to.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Names of tools that `install-links` makes links for.
const TOOLS: [&str; 28] = [
    "pcs",
    "crm_simulate",
    "crm_mon",
    "crm_report",
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
    "cibsecret",
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
        "pcs" => exit_code(pcs_cli::pcs::run(&words(arguments))),
        "pcsd" => pcsd::main(arguments),
        "node" => node::main(arguments),
        "lrmd" => lrmd::main(arguments),
        "op-runner" => lrmd::runner::main(arguments),
        "agent" => agents::main(arguments),
        "pengine" => match node::engine::serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("the pipe of the policy engine broke: {error}")),
        },
        "demo" => lab::demo::main(arguments),
        "bench" => lab::bench::main(arguments),
        "lab-init" => lab_init(arguments),
        "install-links" => install_links(arguments),
        "install-manual" => install_manual(arguments),
        "" | "systole" | "help" | "--help" | "-h" => {
            say(&usage());
            ExitCode::SUCCESS
        }
        "--version" | "-V" => {
            say(&format!("systole {}\n", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        other => match pcs_cli::tools::find(other) {
            Some(tool) => exit_code(tool(&words(arguments)).code()),
            None => fail(&format!(
                "`{other}` is none of this program's names; `systole help` lists them"
            )),
        },
    }
}

/// Arguments as text; what is no UTF-8 is no name, value or path a cluster could hold.
fn words(arguments: &[OsString]) -> Vec<String> {
    arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[allow(clippy::print_stderr, reason = "the command line's own voice")]
fn fail(text: &str) -> ExitCode {
    eprintln!("systole: {text}");
    ExitCode::FAILURE
}

#[allow(clippy::print_stdout, reason = "the command line's own voice")]
fn say(text: &str) {
    print!("{text}");
}

fn lab_init(arguments: &[OsString]) -> ExitCode {
    let [name, disk, ready] = arguments else {
        return fail("usage: systole lab-init NAME DISK READY (the lab calls this)");
    };
    match lab::init::run(&name.to_string_lossy(), Path::new(disk), Path::new(ready)) {
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|e| format!(": {e}"));
            fail(&format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}

/// Makes a link to this program for each tool's name; a link of ours is renewed, anything else
/// with that name is left alone and reported.
fn install_links(arguments: &[OsString]) -> ExitCode {
    let [directory] = arguments else { return fail("usage: systole install-links DIR") };
    let directory = Path::new(directory);
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return fail(&format!("cannot find this program: {error}")),
    };
    if let Err(error) = std::fs::create_dir_all(directory) {
        return fail(&format!("cannot make {}: {error}", directory.display()));
    }
    let mut kept = Vec::new();
    for name in TOOLS.iter().chain(&["systole"]) {
        let link = directory.join(name);
        if link == program {
            continue;
        }
        match std::fs::symlink_metadata(&link) {
            Ok(found) if found.is_symlink() => {
                if let Err(error) = std::fs::remove_file(&link) {
                    return fail(&format!("cannot renew {}: {error}", link.display()));
                }
            }
            Ok(_file) => {
                kept.push(link.display().to_string());
                continue;
            }
            Err(_missing) => {}
        }
        if let Err(error) = std::os::unix::fs::symlink(&program, &link) {
            return fail(&format!("cannot make the link {}: {error}", link.display()));
        }
    }
    if kept.is_empty() {
        return ExitCode::SUCCESS;
    }
    fail(&format!("left alone, since they are no links: {}", kept.join(", ")))
}

/// Writes the manual pages into `DIR/man8`.
fn install_manual(arguments: &[OsString]) -> ExitCode {
    let [directory] = arguments else {
        return fail("usage: systole install-manual DIR (as /usr/local/share/man)");
    };
    let section = Path::new(directory).join("man8");
    let page = section.join("pcs.8");
    let written = std::fs::create_dir_all(&section)
        .and_then(|()| std::fs::write(&page, pcs_cli::pcs::manual::page()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write {}: {error}", page.display())),
    }
}

fn usage() -> String {
    format!(
        "systole: a cluster manager. Usage: systole NAME [ARGUMENTS]\n\n\
         Tools (also under their own names, see `install-links`):\n  {}\n\n\
         Daemons (pcsd and systemd start them):\n  pcsd, node, lrmd\n\n\
         More:\n  \
         demo [--nodes N] [--fault crash|cut|pause|daemon] [--keep]   watch a cluster survive\n  \
         bench WHAT [--nodes N] [--runs N] [--json]                   measure one\n  \
         events                                  print what happens in this cluster, as it happens\n  \
         agent CLASS:PROVIDER:TYPE ACTION        run one of our own resource agents\n  \
         install-links DIR                       make links for all tools\n  \
         install-manual DIR                      write the manual pages\n",
        TOOLS.join(", ")
    )
}

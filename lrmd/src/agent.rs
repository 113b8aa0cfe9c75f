//! From an operation to the program that does it: which file, which arguments, which environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exec::{Ending, Finished, Program};
use model::{AgentSpec, ExecStatus, OcfCode, Operation};

use crate::core::{Outcome, timed_out};
use crate::paths::Paths;

/// Pacemaker's feature set that agents branch on (CONVENTIONS §2).
const FEATURE_SET: &str = "3.20.5";

/// Variables that are our own affair and not an agent's.
const WITHHELD: [&str; 8] = [
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "RUST_LOG",
    "__OCF_ACTION",
];

/// Directories that agents expect in their PATH.
const PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where an agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Located {
    /// A file of the OCF tree.
    Ocf(PathBuf),
    /// An init script.
    Lsb(PathBuf),
    /// One of ours, because no file of that name is installed.
    Ours,
}

/// Finds an agent: an installed file first, ours only where there is none.
pub(crate) fn locate(paths: &Paths, agent: &AgentSpec) -> Result<Located, String> {
    let class = agent.class.as_str();
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    if !plain(&agent.kind) || !agent.provider.as_deref().is_none_or(plain) {
        return Err(format!("`{agent}` is no name of an agent"));
    }
    match class {
        "ocf" => {
            let provider = agent.provider.as_deref().unwrap_or("heartbeat");
            let file = paths.ocf_root.join("resource.d").join(provider).join(&agent.kind);
            if file.is_file() {
                Ok(Located::Ocf(file))
            } else if agents::metadata(provider, &agent.kind).is_some() {
                Ok(Located::Ours)
            } else {
                Err(format!(
                    "agent {agent} is not installed on this node: there is no {} and Systole \
                     brings none of that name; install the package that has it",
                    file.display()
                ))
            }
        }
        "lsb" | "service" => {
            let file = paths.init_d.join(&agent.kind);
            if file.is_file() {
                Ok(Located::Lsb(file))
            } else if class == "lsb" {
                Err(format!("init script {} is not installed on this node", file.display()))
            } else {
                Err(format!(
                    "{agent}: there is no {}, and systemd resources arrive with a later release",
                    file.display()
                ))
            }
        }
        "systemd" => Err(format!(
            "{agent}: systemd resources arrive with a later release; until then use an ocf: or \
             lsb: agent"
        )),
        "stonith" => Err(format!(
            "{agent}: fence devices arrive with a later release; until then nothing can be fenced"
        )),
        other => {
            Err(format!("{agent}: resource class `{other}` is not known; use ocf, lsb or service"))
        }
    }
}

/// Returns what to run for an operation.
pub(crate) fn program(paths: &Paths, located: &Located, operation: &Operation) -> Program {
    match located {
        Located::Ocf(file) => Program {
            path: file.clone(),
            arguments: vec![operation.action.clone()],
            environment: ocf_environment(paths, operation),
            stdin: Vec::new(),
        },
        Located::Ours => own_program(paths, operation),
        Located::Lsb(file) => {
            let action = if operation.action == "monitor" { "status" } else { &operation.action };
            Program {
                path: file.clone(),
                arguments: vec![action.to_owned()],
                environment: base_environment().into_iter().collect(),
                stdin: Vec::new(),
            }
        }
    }
}

fn own_program(paths: &Paths, operation: &Operation) -> Program {
    let mut words = paths.program.iter();
    let path = words.next().map(PathBuf::from).unwrap_or_default();
    let mut arguments: Vec<String> =
        words.map(|word| word.to_string_lossy().into_owned()).collect();
    arguments.extend(["agent".to_owned(), operation.agent.to_string(), operation.action.clone()]);
    Program { path, arguments, environment: ocf_environment(paths, operation), stdin: Vec::new() }
}

/// What administrators set for their agents in our own environment goes on to them, as with
/// Pacemaker; what describes us or another agent does not.
fn base_environment() -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = std::env::vars()
        .filter(|(name, _)| !WITHHELD.contains(&name.as_str()) && !name.starts_with("OCF_"))
        .collect();
    let mut path = environment.get("PATH").cloned().unwrap_or_default();
    for directory in PATH {
        if !path.split(':').any(|known| known == directory) {
            if !path.is_empty() {
                path.push(':');
            }
            path.push_str(directory);
        }
    }
    environment.insert("PATH".to_owned(), path);
    environment.retain(|name, _| !name.starts_with("LC_") && name != "LANG" && name != "LANGUAGE");
    environment.insert("LC_ALL".to_owned(), "C".to_owned());
    environment
}

fn ocf_environment(paths: &Paths, operation: &Operation) -> Vec<(String, String)> {
    let mut environment = base_environment();
    let mut set = |name: &str, value: &str| {
        environment.insert(name.to_owned(), value.to_owned());
    };
    set("OCF_ROOT", &paths.ocf_root.to_string_lossy());
    set("OCF_RA_VERSION_MAJOR", "1");
    set("OCF_RA_VERSION_MINOR", "1");
    set("OCF_RESOURCE_INSTANCE", operation.resource.as_str());
    set("OCF_RESOURCE_TYPE", &operation.agent.kind);
    set("OCF_RESOURCE_PROVIDER", operation.agent.provider.as_deref().unwrap_or("heartbeat"));
    set("OCF_EXIT_REASON_PREFIX", exec::EXIT_REASON_PREFIX);
    // Agents log to stderr then, which ends up in our log with the resource's name.
    set("HA_LOGFACILITY", "none");
    set("HA_logfacility", "none");
    set("HA_use_logd", "no");
    set("HA_debug", "0");
    set("HA_cluster_type", "corosync");
    set("HA_quorum_type", "corosync");
    set("HA_SBIN_DIR", &paths.tools.to_string_lossy());
    set("HA_RSCTMP", "/run/resource-agents");
    set("PCMK_service", "pacemaker-execd");
    set("OCF_RESKEY_crm_feature_set", FEATURE_SET);
    for (name, value) in &operation.parameters {
        match name.as_str() {
            "OCF_CHECK_LEVEL" | "OCF_OUTPUT_FORMAT" => set(name, value),
            _ => set(&format!("OCF_RESKEY_{name}"), value),
        }
    }
    environment.into_iter().collect()
}

/// Returns the result of an operation whose agent was not found.
pub(crate) fn not_installed(reason: String) -> Outcome {
    Outcome {
        status: ExecStatus::NotInstalled,
        rc: OcfCode::NotInstalled.code(),
        exit_reason: reason,
        exec_time_ms: 0,
    }
}

/// Returns the result of an operation that lacks a value which is kept out of the document.
pub(crate) fn no_secrets(reason: String) -> Outcome {
    Outcome {
        status: ExecStatus::NoSecrets,
        rc: OcfCode::UnknownError.code(),
        exit_reason: reason,
        exec_time_ms: 0,
    }
}

/// Reads the end of an execution as a result.
pub(crate) fn outcome(located: &Located, operation: &Operation, finished: &Finished) -> Outcome {
    const EACCES: i32 = 13;
    const ENOENT: i32 = 2;
    const ENOEXEC: i32 = 8;
    let agent = &operation.agent;
    let exec_time_ms = finished.elapsed_ms;
    let reason = finished.exit_reason().unwrap_or_default();
    let (status, rc, exit_reason) = match &finished.ending {
        Ending::Exited(code) => {
            let rc = match located {
                Located::Lsb(_) => lsb_code(&operation.action, *code),
                Located::Ocf(_) | Located::Ours => *code,
            };
            (ExecStatus::Done, rc, reason)
        }
        Ending::Signalled(signal) => (
            ExecStatus::Error,
            OcfCode::UnknownError.code(),
            format!("Resource agent was ended by signal {signal}"),
        ),
        Ending::TimedOut => return timed_out(operation.timeout_ms, exec_time_ms),
        Ending::Stopped => (
            ExecStatus::Cancelled,
            OcfCode::UnknownError.code(),
            "Resource agent was ended because its operation was cancelled".to_owned(),
        ),
        Ending::NotStarted { errno: EACCES, .. } => (
            ExecStatus::Error,
            OcfCode::InsufficientPriv.code(),
            format!("{agent} may not be executed: is its file marked executable?"),
        ),
        Ending::NotStarted { errno: ENOENT, .. } => (
            ExecStatus::NotInstalled,
            OcfCode::NotInstalled.code(),
            format!("{agent} cannot run: the interpreter in its first line is not installed"),
        ),
        Ending::NotStarted { errno: ENOEXEC, .. } => (
            ExecStatus::NotInstalled,
            OcfCode::NotInstalled.code(),
            format!("{agent} cannot run: its first line names no interpreter (`#!/bin/sh`)"),
        ),
        // The runner's affair, not the system's.
        Ending::NotStarted { errno: 0, reason } => {
            (ExecStatus::Error, OcfCode::UnknownError.code(), format!("{agent}: {reason}"))
        }
        Ending::NotStarted { reason, .. } => (
            ExecStatus::Error,
            OcfCode::UnknownError.code(),
            format!("{agent} could not be started: {reason}"),
        ),
    };
    Outcome { status, rc, exit_reason, exec_time_ms }
}

/// Init scripts' exit codes as OCF's: `status` has its own, other actions share 0 to 7.
fn lsb_code(action: &str, code: i32) -> i32 {
    let mapped = match (action, code) {
        ("monitor" | "status", 0) => OcfCode::Ok,
        ("monitor" | "status", 1..=3) => OcfCode::NotRunning,
        ("monitor" | "status", 150) => OcfCode::NotInstalled,
        ("monitor" | "status", 151) => OcfCode::InsufficientPriv,
        ("monitor" | "status", _) => OcfCode::UnknownError,
        (_, 0..=7) => OcfCode::from_code(code),
        _ => OcfCode::UnknownError,
    };
    mapped.code()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(spec: &str, action: &str) -> Operation {
        let words: Vec<&str> = spec.split(':').collect();
        let (provider, kind) = match words.as_slice() {
            [_, provider, kind] => (Some((*provider).to_owned()), *kind),
            [_, kind] => (None, *kind),
            _ => panic!("{spec}"),
        };
        Operation {
            resource: "web:1".into(),
            agent: AgentSpec { class: words[0].to_owned(), provider, kind: kind.to_owned() },
            action: action.to_owned(),
            interval_ms: 0,
            timeout_ms: 20_000,
            start_delay_ms: 0,
            parameters: BTreeMap::from(
                [
                    ("ip", "10.0.0.1"),
                    ("CRM_meta_timeout", "20000"),
                    ("OCF_CHECK_LEVEL", "10"),
                    ("crm_feature_set", "3.19.0"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
            ),
            transition_key: "1:1:0:x".to_owned(),
            node: "ser1".to_owned(),
        }
    }

    #[test]
    fn the_environment_is_ocfs() {
        let paths = Paths::default();
        let operation = operation("ocf:heartbeat:IPaddr2", "monitor");
        let file = Located::Ocf("/usr/lib/ocf/resource.d/heartbeat/IPaddr2".into());
        let program = program(&paths, &file, &operation);
        assert_eq!(program.arguments, ["monitor"]);
        let environment: BTreeMap<_, _> = program.environment.into_iter().collect();
        for (name, value) in [
            ("OCF_ROOT", "/usr/lib/ocf"),
            ("OCF_RESOURCE_INSTANCE", "web:1"),
            ("OCF_RESOURCE_TYPE", "IPaddr2"),
            ("OCF_RESOURCE_PROVIDER", "heartbeat"),
            ("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:"),
            ("OCF_CHECK_LEVEL", "10"),
            ("OCF_RESKEY_ip", "10.0.0.1"),
            ("OCF_RESKEY_CRM_meta_timeout", "20000"),
            ("OCF_RESKEY_crm_feature_set", "3.19.0"),
            ("LC_ALL", "C"),
        ] {
            assert_eq!(environment.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!environment.contains_key("__OCF_ACTION"));
        assert!(!environment.contains_key("OCF_RESKEY_OCF_CHECK_LEVEL"));
        assert!(environment["PATH"].split(':').any(|directory| directory == "/usr/sbin"));
    }

    #[test]
    fn init_scripts_have_their_own_codes() {
        for (action, code, expected) in [
            ("monitor", 0, 0),
            ("monitor", 1, 7),
            ("monitor", 3, 7),
            ("monitor", 4, 1),
            ("monitor", 150, 5),
            ("monitor", 151, 4),
            ("start", 0, 0),
            ("start", 5, 5),
            ("start", 7, 7),
            ("stop", 150, 1),
        ] {
            assert_eq!(lsb_code(action, code), expected, "{action} {code}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths {
            ocf_root: root.path().join("ocf"),
            init_d: root.path().join("init.d"),
            ..Paths::default()
        };
        for (spec, words) in [
            ("ocf:heartbeat:Nope", "not installed on this node: there is no "),
            ("lsb:nope", "init.d/nope is not installed"),
            ("systemd:httpd", "systemd resources arrive with a later release"),
            ("service:httpd", "systemd resources arrive with a later release"),
            ("nagios:check_x", "resource class `nagios` is not known"),
            ("ocf:heartbeat:../../../bin/sh", "is no name of an agent"),
        ] {
            let text = locate(&paths, &operation(spec, "start").agent).unwrap_err();
            assert!(text.contains(words), "{spec}: {text}");
        }
    }

    #[test]
    fn an_installed_agent_goes_before_ours() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths { ocf_root: root.path().to_owned(), ..Paths::default() };
        let dummy = operation("ocf:heartbeat:Dummy", "start").agent;
        assert_eq!(locate(&paths, &dummy), Ok(Located::Ours));
        let file = root.path().join("resource.d/heartbeat/Dummy");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        assert_eq!(locate(&paths, &dummy), Ok(Located::Ocf(file)));
    }
}

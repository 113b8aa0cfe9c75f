//! `pcs qdevice`: the provider of an arbiter on this host, `corosync-qnetd`, which is a program of
//! its own.

use std::io::ErrorKind;
use std::process::Command;

use super::context::{Cli, Context, Failure, fail};
use super::hosts::progress;

const UNIT: &str = "corosync-qnetd";

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "qdevice", command })
}

/// Runs `pcs qdevice …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["status", ..] => {
            let rest: Vec<String> = words[1..].iter().map(|&word| word.to_owned()).collect();
            status(context, &rest)
        }
        ["setup", "model", model] => setup(context, model),
        ["setup", ..] => usage("setup"),
        ["destroy", model] => destroy(context, model),
        ["destroy", ..] => usage("destroy"),
        [verb @ ("start" | "stop" | "kill" | "enable" | "disable"), model] => {
            context.supports(&["--force"])?;
            net(model)?;
            unit(verb)
        }
        ["start", ..] => usage("start"),
        ["stop", ..] => usage("stop"),
        ["kill", ..] => usage("kill"),
        ["enable", ..] => usage("enable"),
        ["disable", ..] => usage("disable"),
        _ => usage(""),
    }
}

fn net(model: &str) -> Cli {
    if model == "net" {
        return Ok(());
    }
    fail(format!("'{model}' is not a valid model value, use 'net'"))
}

/// Runs a program of the provider's package and returns what it prints.
fn provider(program: &str, arguments: &[&str]) -> Cli<String> {
    let line = format!("{program} {}", arguments.join(" "));
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            fail(format!("'{line}' failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => fail(format!(
            "unable to run command {line}: No such file or directory; '{program}' comes with the \
             package corosync-qnetd"
        )),
        Err(error) => fail(format!("unable to run command {line}: {error}")),
    }
}

fn unit(verb: &str) -> Cli {
    let arguments: &[&str] = match verb {
        "kill" => &["kill", "--signal=SIGKILL", UNIT],
        _ => &[verb, UNIT],
    };
    provider("systemctl", arguments)?;
    progress(match verb {
        "start" => "quorum device started",
        "stop" => "quorum device stopped",
        "kill" => "quorum device killed",
        "enable" => "quorum device enabled",
        _ => "quorum device disabled",
    });
    Ok(())
}

/// `pcs qdevice status net [--full] [CLUSTER]`
pub(crate) fn status(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--full"])?;
    let (model, cluster) = match words {
        [model] => (model, None),
        [model, cluster] => (model, Some(cluster)),
        _ => return usage("status"),
    };
    net(model)?;
    let mut list = vec!["-l"];
    if context.has("--full") {
        list.push("-v");
    }
    if let Some(cluster) = cluster {
        list.extend(["-c", cluster]);
    }
    let own = if context.has("--full") { &["-s", "-v"][..] } else { &["-s"] };
    let text = provider("corosync-qnetd-tool", own)? + &provider("corosync-qnetd-tool", &list)?;
    context.print(text.trim_end());
    Ok(())
}

fn setup(context: &mut Context, model: &str) -> Cli {
    context.supports(&["--enable", "--start"])?;
    net(model)?;
    provider("corosync-qnetd-certutil", &["-i"])?;
    progress("Quorum device 'net' initialized");
    for (option, verb) in [("--enable", "enable"), ("--start", "start")] {
        if context.has(option) {
            unit(verb)?;
        }
    }
    Ok(())
}

fn destroy(context: &mut Context, model: &str) -> Cli {
    context.supports(&["--force"])?;
    net(model)?;
    for verb in ["stop", "disable"] {
        unit(verb)?;
    }
    let directory = super::hosts::paths().at("/etc/corosync/qnetd/nssdb");
    match std::fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return fail(format!("Unable to remove '{}': {error}", directory.display()));
        }
        _ => {}
    }
    progress("Quorum device 'net' configuration files removed");
    Ok(())
}

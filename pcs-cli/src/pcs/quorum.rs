//! `pcs quorum`: the options of quorum and the arbiter, and what the running cluster makes of them.

use pcs::cluster::config;
use pcs::cluster::device::{self, DeviceRequest};
use wire::tools::action::{ExpectedVotes, Kind, Unblock};

use super::cluster_config::{change, document, plain, section};
use super::cluster_setup::pairs;
use super::context::{Cli, Context, Failure, fail};
use super::json;
use super::words::Sections;

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "quorum", command })
}

/// `pcs quorum …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        None => show(context),
        Some(("config", rest)) => {
            context.supports(&["--corosync_conf", "--output-format"])?;
            if rest.is_empty() { show(context) } else { usage("config") }
        }
        Some(("update", rest)) => update(context, rest),
        Some(("status", rest)) => super::status_nodes::quorum(context, rest),
        Some(("device", rest)) => run_device(context, rest),
        Some(("expected-votes", rest)) => expected_votes(context, rest),
        Some(("unblock", [])) => unblock(context),
        Some(("unblock", _)) => usage("unblock"),
        _ => usage(""),
    }
}

fn expected_votes(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[])?;
    let [votes] = words else { return usage("expected-votes") };
    if !votes.parse::<u32>().is_ok_and(|votes| votes > 0) {
        return fail(format!(
            "'{votes}' is not a valid expected votes value, use positive integer"
        ));
    }
    let votes: u32 = votes.parse().unwrap_or_default();
    let quorum = context.live()?.info().or_else(|e| fail(e.to_string()))?.membership.quorum;
    let needed = votes / 2 + 1;
    // fewer than are here would be needed by two sides at once
    if votes < quorum.total {
        return fail(format!(
            "Unable to set expected votes: the members of this partition have {} votes, fewer cannot \
             be expected; nothing was done",
            quorum.total
        ));
    }
    if needed > quorum.total && !quorum.two_node {
        return fail(format!(
            "Unable to set expected votes: of {votes} votes {needed} would be needed, and the members \
             of this partition have {}; nothing was done",
            quorum.total
        ));
    }
    act(context, Kind::ExpectedVotes(ExpectedVotes { votes }), "Unable to set expected votes")
}

/// Has the running cluster do something about its quorum.
fn act(context: &mut Context, kind: Kind, attempt: &str) -> Cli {
    let outcome = context.live()?.act(kind).or_else(|error| fail(error.to_string()))?;
    if outcome.code == model::ExitCode::Ok.code() {
        return Ok(());
    }
    fail(format!("{attempt}: {}", outcome.message))
}

/// `pcs quorum unblock`: an operator has made sure that those who are waited for are off.
fn unblock(context: &mut Context) -> Cli {
    context.supports(&["--force", "--yes"])?;
    let info = context.live()?.info().or_else(|error| fail(error.to_string()))?;
    if info.nodes.iter().any(|node| node.name == info.local_node && !node.member) {
        return fail("this node has no membership yet, try again in a moment; nothing was done");
    }
    let others_decide = info.quorate && info.dc.is_some() && info.dc_has_log;
    let missing: Vec<&str> =
        info.nodes.iter().filter(|node| !node.member).map(|node| node.name.as_str()).collect();
    if others_decide || missing.is_empty() {
        return fail("cluster is not waiting for nodes to establish quorum");
    }
    let names = pcs::text::quoted(&missing);
    let node = pcs::text::plural(missing.len(), "node", "nodes");
    context.warn(&format!(
        "If {node} {names} {} not powered off or {} access to shared resources, data corruption \
         and/or cluster failure may occur",
        pcs::text::plural(missing.len(), "is", "are"),
        pcs::text::plural(missing.len(), "does have", "do have"),
    ));
    if !confirmed(context)? {
        return Ok(());
    }
    act(context, Kind::Unblock(Unblock {}), "Unable to cancel waiting for nodes")?;
    super::hosts::progress("Waiting for nodes canceled");
    Ok(())
}

/// Asks a person at a terminal; a script has to say that it has thought about it.
fn confirmed(context: &Context) -> Cli<bool> {
    use std::io::IsTerminal as _;
    if context.force() || context.has("--yes") {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return fail("This is not done without a confirmation, use --force to override");
    }
    let answer =
        super::hosts::question("Type 'yes' or 'y' to proceed, anything else to cancel", false)?;
    let yes = matches!(answer.trim(), "yes" | "y");
    if !yes {
        super::hosts::progress("Canceled");
    }
    Ok(yes)
}

fn show(context: &mut Context) -> Cli {
    context.supports(&["--corosync_conf", "--output-format"])?;
    let format = context.output_format(&["json", "text"])?;
    let view = config::view(&document(context)?);
    if format == "json" {
        let text = json::pretty(&serde_json::json!({
            "options": view.quorum_options,
            "device": view.quorum_device,
        }));
        context.print(&text);
        return Ok(());
    }
    let mut lines = Vec::new();
    section(&mut lines, "Options", &view.quorum_options, "");
    if let Some(device) = &view.quorum_device {
        lines.push("Device:".to_owned());
        for (name, value) in &device.generic_options {
            lines.push(format!("  {name}: {}", plain(value)));
        }
        lines.push(format!("  Model: {}", device.model));
        for (name, value) in &device.model_options {
            lines.push(format!("    {name}: {}", plain(value)));
        }
        section(&mut lines, "Heuristics", &device.heuristics_options, "  ");
    }
    context.print_lines(&lines);
    Ok(())
}

fn update(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[
        "--corosync_conf",
        "--force",
        "--plan",
        "--request-timeout",
        "--skip-offline",
    ])?;
    if words.is_empty() {
        return usage("");
    }
    let options = pairs(words)?;
    change(context, |document, context| {
        context.with_reports(|reports| config::update_quorum(document, &options, reports))
    })
}

fn run_device(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("add", rest)) if !rest.is_empty() => {
            device_options(context, &["--force"])?;
            file_only(context)?;
            let request = request(context, rest, true)?;
            change(context, |document, context| {
                context.with_reports(|reports| device::add(document, &request, reports))
            })
        }
        Some(("remove" | "delete", rest)) => {
            device_options(context, &[])?;
            if !rest.is_empty() {
                return usage("device remove");
            }
            change(context, |document, context| context.with_reports(|_| device::remove(document)))
        }
        Some(("update", rest)) if !rest.is_empty() => {
            device_options(context, &["--force"])?;
            let request = request(context, rest, false)?;
            change(context, |document, context| {
                context.with_reports(|reports| device::update(document, &request, reports))
            })
        }
        Some(("status", [])) => {
            context.supports(&["--full", "--request-timeout"])?;
            if config::view(&document(context)?).quorum_device.is_none() {
                return fail("no quorum device is defined in this cluster");
            }
            fail("This version does not ask a quorum device (corosync-qnetd), so it has no status")
        }
        Some(("heuristics", [verb])) if verb == "delete" || verb == "remove" => {
            device_options(context, &[])?;
            change(context, |document, context| {
                context.with_reports(|_| device::remove_heuristics(document))
            })
        }
        Some(("heuristics", _)) => usage("device heuristics"),
        _ => usage("device"),
    }
}

/// Takes the options of every command about the arbiter, and those named besides.
fn device_options(context: &Context, besides: &[&str]) -> Cli {
    let mut options = vec!["--corosync_conf", "--plan", "--request-timeout", "--skip-offline"];
    options.extend(besides);
    context.supports(&options)
}

/// Refuses a new arbiter in a running cluster: nobody would ask it, and its votes would count as
/// missing.
fn file_only(context: &Context) -> Cli {
    if context.has("--corosync_conf") {
        return Ok(());
    }
    fail(
        "This version does not ask a quorum device (corosync-qnetd), so its votes would always be \
         missing; with '--corosync_conf' a file can be given one all the same",
    )
}

/// Reads `[generic] model [MODEL] [options] [heuristics options]`.
fn request(context: &Context, words: &[String], with_model: bool) -> Cli<DeviceRequest> {
    let sections = Sections::split(words, &["model", "heuristics"]);
    for keyword in ["model", "heuristics"] {
        let each = sections.each(keyword);
        if each.len() > 1 {
            return fail(format!("'{keyword}' cannot be used more than once"));
        }
        if each.iter().any(Vec::is_empty) {
            return fail(format!("No {keyword} options specified"));
        }
    }
    if with_model && !sections.has("model") {
        return usage("device add");
    }
    let mut options = sections.flat("model");
    let mut model = String::new();
    if with_model {
        let Some((first, rest)) = options.split_first().filter(|(first, _)| !first.contains('='))
        else {
            return usage("device add");
        };
        model.clone_from(first);
        options = rest.to_vec();
    }
    let generic = pairs(&sections.first)?;
    if generic.iter().any(|(name, _)| name == "model") {
        return fail("Model cannot be specified in generic options");
    }
    Ok(DeviceRequest {
        model,
        generic,
        options: pairs(&options)?,
        heuristics: match sections.has("heuristics") {
            true => Some(pairs(&sections.flat("heuristics"))?),
            false => None,
        },
        force: context.force(),
    })
}

//! `pcs quorum`: the options of quorum and the arbiter, and what the running cluster makes of them.

use pcs::cluster::config;
use pcs::cluster::device::{self, DeviceRequest};
use serde_json::{Map, Value as Json};

use super::cluster_config::{change, document};
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
        Some(("unblock", _)) => {
            context.supports(&["--force", "--yes"])?;
            fail(
                "This version cannot let a partition without quorum go on; start the missing \
                 nodes with 'pcs cluster start --all', 'pcs quorum status' names them",
            )
        }
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
    fail(
        "The expected votes of a running cluster follow corosync.conf; change 'quorum_votes' of its \
         nodes or 'expected_votes' of its quorum there",
    )
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
    list(&mut lines, "Options", &view.quorum_options, "");
    if let Some(device) = &view.quorum_device {
        lines.push("Device:".to_owned());
        for (name, value) in &device.generic_options {
            lines.push(format!("  {name}: {}", plain(value)));
        }
        lines.push(format!("  Model: {}", device.model));
        for (name, value) in &device.model_options {
            lines.push(format!("    {name}: {}", plain(value)));
        }
        list(&mut lines, "Heuristics", &device.heuristics_options, "  ");
    }
    context.print_lines(&lines);
    Ok(())
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(lines: &mut Vec<String>, title: &str, options: &Map<String, Json>, indent: &str) {
    if options.is_empty() {
        return;
    }
    lines.push(format!("{indent}{title}:"));
    for (name, value) in options {
        lines.push(format!("{indent}  {name}: {}", plain(value)));
    }
}

fn update(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--corosync_conf", "--force", "--request-timeout", "--skip-offline"])?;
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
            file_only(context, &["--force"])?;
            let request = request(context, rest, true)?;
            change(context, |document, context| {
                context.with_reports(|reports| device::add(document, &request, reports))
            })
        }
        Some(("remove" | "delete", rest)) => {
            file_only(context, &[])?;
            if !rest.is_empty() {
                return usage("device remove");
            }
            change(context, |document, context| context.with_reports(|_| device::remove(document)))
        }
        Some(("update", rest)) if !rest.is_empty() => {
            file_only(context, &["--force"])?;
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
            file_only(context, &[])?;
            change(context, |document, context| {
                context.with_reports(|_| device::remove_heuristics(document))
            })
        }
        Some(("heuristics", _)) => usage("device heuristics"),
        _ => usage("device"),
    }
}

/// Refuses arbiters in a running cluster: nobody would ask them.
fn file_only(context: &Context, besides: &[&str]) -> Cli {
    let mut options = vec!["--corosync_conf", "--request-timeout", "--skip-offline"];
    options.extend(besides);
    context.supports(&options)?;
    if context.has("--corosync_conf") {
        return Ok(());
    }
    fail(
        "This version does not ask a quorum device (corosync-qnetd); with '--corosync_conf' the \
         file can be changed all the same",
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

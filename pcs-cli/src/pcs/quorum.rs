//! `pcs quorum`: the options of quorum and the arbiter, and what the running cluster makes of them.

use pcs::cluster::config;
use serde_json::{Map, Value as Json};

use super::cluster_config::{change, document};
use super::cluster_setup::pairs;
use super::context::{Cli, Context, Failure, fail};
use super::json;

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "quorum", command })
}

/// `pcs quorum …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        None | Some(("config", [])) => show(context),
        Some(("update", rest)) => update(context, rest),
        Some(("status", rest)) => super::status_nodes::quorum(context, rest),
        Some(("device", rest)) => device(context, rest),
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

fn device(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("add", rest)) if !rest.is_empty() => {
            file_only(context)?;
            add_device(context, rest)
        }
        Some(("remove" | "delete", [])) => {
            file_only(context)?;
            change(context, |document, context| {
                context.with_reports(|_| config::remove_device(document))
            })
        }
        Some(("update", rest)) if !rest.is_empty() => {
            file_only(context)?;
            let update = DeviceOptions::parse(rest, false)?;
            change(context, |document, context| {
                context.with_reports(|_| {
                    let (generic, model) = (&update.generic, &update.options);
                    config::update_device(document, generic, model, &update.heuristics)
                })
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
            file_only(context)?;
            change(context, |document, context| {
                context.with_reports(|_| config::remove_heuristics(document))
            })
        }
        Some(("heuristics", _)) => usage("device heuristics"),
        _ => usage("device"),
    }
}

/// Refuses arbiters in a running cluster: nobody would ask them.
fn file_only(context: &Context) -> Cli {
    context.supports(&["--corosync_conf", "--force", "--request-timeout", "--skip-offline"])?;
    if context.has("--corosync_conf") {
        return Ok(());
    }
    fail(
        "This version does not ask a quorum device (corosync-qnetd); with '--corosync_conf' the \
         file can be changed all the same",
    )
}

/// `[generic] model MODEL [options] [heuristics options]`.
#[derive(Default)]
struct DeviceOptions {
    generic: Vec<(String, String)>,
    model: String,
    options: Vec<(String, String)>,
    heuristics: Vec<(String, String)>,
}

impl DeviceOptions {
    fn parse(words: &[String], with_model: bool) -> Cli<Self> {
        let is_group = |word: &String| word == "model" || word == "heuristics";
        let end = words.iter().position(is_group).unwrap_or(words.len());
        let mut parsed = Self { generic: pairs(&words[..end])?, ..Self::default() };
        let mut rest = &words[end..];
        while let Some((group, more)) = rest.split_first() {
            let end = more.iter().position(is_group).unwrap_or(more.len());
            let (mut options, others) = more.split_at(end);
            if group == "model" {
                if with_model {
                    let Some((model, more)) = options.split_first() else {
                        return usage("device add");
                    };
                    parsed.model.clone_from(model);
                    options = more;
                }
                parsed.options.extend(pairs(options)?);
            } else {
                parsed.heuristics.extend(pairs(options)?);
            }
            rest = others;
        }
        if with_model && parsed.model.is_empty() { usage("device add") } else { Ok(parsed) }
    }
}

fn add_device(context: &mut Context, words: &[String]) -> Cli {
    let device = DeviceOptions::parse(words, true)?;
    if device.model != "net" {
        return fail(format!("'{}' is not a valid model value, use 'net'", device.model));
    }
    change(context, |document, context| {
        context.with_reports(|reports| {
            let (generic, options) = (&device.generic, &device.options);
            let heuristics = &device.heuristics;
            config::add_device(document, &device.model, generic, options, heuristics, reports)
        })
    })
}

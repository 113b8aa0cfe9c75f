//! `pcs cluster config`, `corosync`, `sync`, `reload`, `rename`, `authkey`: the file itself.

use std::path::Path;

use membership::conf::Document;
use pcs::cluster::config::{self, ConfigUpdate, ConfigView};
use pcs::cluster::protocol::{FileKind, JoinState, Request};
use serde_json::{Map, Value as Json};

use super::cluster::each;
use super::cluster_nodes::reachable;
use super::cluster_setup::{Steps, new_uuid, pairs, random};
use super::context::{Cli, Context, Failure, fail, print_error, reason};
use super::hosts::{self, progress};
use super::json;
use super::peers::{Fields, Peer, ask_all};

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "cluster", command })
}

/// `pcs cluster config …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["show"] => show(context),
        ["update", ..] => {
            let rest: Vec<String> = words[1..].iter().map(|&word| word.to_owned()).collect();
            update(context, &rest)
        }
        ["uuid", "generate"] => {
            context.supports(&[
                "--corosync_conf",
                "--force",
                "--plan",
                "--request-timeout",
                "--skip-offline",
            ])?;
            let uuid = new_uuid()?;
            change(context, |document, context| {
                context.with_reports(|reports| {
                    config::set_uuid(document, &uuid, context.force(), reports)
                })
            })
        }
        ["uuid", ..] => usage("config uuid"),
        _ => usage("config"),
    }
}

/// Reads the corosync.conf of this host or of `--corosync_conf`, for changing.
pub(crate) fn document(context: &Context) -> Cli<Document> {
    let conf = hosts::local_conf(context)?;
    Ok(conf.document)
}

/// Writes a corosync.conf.
pub(crate) fn write(path: &Path, document: &Document) -> Cli {
    std::fs::write(path, document.to_string()).or_else(|error| {
        let file = path.display();
        fail(format!(
            "Unable to write Corosync configuration '{file}': {}: '{file}'",
            reason(&error)
        ))
    })
}

/// Changes corosync.conf: the file of `--corosync_conf`, else that of every node, with a reload.
pub(crate) fn change(
    context: &mut Context,
    edit: impl FnOnce(&mut Document, &mut Context) -> Cli,
) -> Cli {
    let before = document(context)?;
    let mut after = before.clone();
    edit(&mut after, context)?;
    if after.to_string() == before.to_string() {
        if let Some(planning) = &mut context.planning {
            planning.tell(Vec::new());
        }
        return Ok(());
    }
    if context.has("--corosync_conf") {
        let path = hosts::corosync_conf_path(context);
        if let Some(planning) = &mut context.planning {
            let mut lines = vec![format!("Write '{}':", path.display())];
            lines.extend(changed_lines(&before.to_string(), &after.to_string()));
            planning.tell(lines);
            return Ok(());
        }
        return write(&path, &after);
    }
    let names: Vec<String> = config::view(&after).nodes.into_iter().map(|node| node.name).collect();
    let peers = hosts::peers(&hosts::known_hosts()?, &names)?;
    // Members with different files are worse than none with the new one.
    let peers = reachable(context, peers)?;
    if let Some(planning) = &mut context.planning {
        planning.tell(planned_send(&peers, &before, &after));
        return Ok(());
    }
    send(context, &peers, &mut after)
}

/// Says what [`send`] would do.
pub(crate) fn planned_send(peers: &[Peer], before: &Document, after: &Document) -> Vec<String> {
    let names: Vec<&str> = peers.iter().map(|peer| peer.name.as_str()).collect();
    let names = names.join(", ");
    let mut lines = vec![format!("Write corosync.conf on {names}:")];
    lines.extend(changed_lines(&before.to_string(), &after.to_string()));
    lines.push(format!("Let the cluster take it up where it runs: {names}"));
    lines
}

/// Returns the lines that differ, marked and indented.
pub(crate) fn changed_lines(before: &str, after: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let marked = pcs::text_diff::lines(&lines(before), &lines(after));
    let changed = marked.into_iter().filter(|line| line.starts_with(['+', '-']));
    changed.map(|line| format!("  {line}")).collect()
}

/// Sends a corosync.conf to its nodes and lets the running membership take it up.
pub(crate) fn send(context: &Context, peers: &[Peer], document: &mut Document) -> Cli {
    raise_version(document);
    let text = document.to_string();
    // The nodes would refuse it one by one.
    membership::conf::load(&text, "the new corosync.conf").or_else(|e| fail(e.to_string()))?;
    let limit = hosts::request_timeout(context);
    progress("Sending updated corosync.conf to nodes...");
    let fields = vec![("corosync_conf", text)];
    let failure = "Unable to set corosync config on all nodes; those named above have the new \
                   one, the same command can be run again when the others answer";
    each(peers, Request::SetCorosyncConf, &fields, limit, "Succeeded", failure)?;
    let mut errors: Vec<String> = Vec::new();
    let nothing = |_: &Peer| Fields::new();
    hosts::run(ask_all(peers, Request::ReloadCorosyncConf, nothing, limit, |name, answer| {
        match answer {
            Ok(answer) if answer.body.is_empty() => {}
            Ok(answer) => progress(&format!("{name}: {}", answer.body)),
            Err(trouble) => errors.push(super::cluster::named(name, &trouble)),
        }
    }))?;
    for error in &errors {
        print_error(&format!("Warning: {error}"));
    }
    Ok(())
}

/// A file of a higher number is the newer one, whoever has it.
fn raise_version(document: &mut Document) {
    let totem = document.section_mut("totem");
    let version = totem.get("config_version").and_then(|text| text.parse().ok()).unwrap_or(0_u64);
    totem.set("config_version", (version + 1).to_string());
}

fn show(context: &mut Context) -> Cli {
    context.supports(&["--corosync_conf", "--output-format"])?;
    let format = context.output_format(&["cmd", "json", "text"])?;
    let view = config::view(&document(context)?);
    match format.as_str() {
        "json" => {
            let value = serde_json::to_value(&view).or_else(|error| fail(error.to_string()))?;
            context.print(&json::line(&value));
        }
        "cmd" => {
            let text = command(&view);
            context.print(&text);
        }
        _ => {
            let lines = text(&view);
            context.print_lines(&lines);
        }
    }
    Ok(())
}

/// Writes an option's value without quotes.
pub(super) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Writes options below a title; nothing where there are none.
pub(super) fn section(
    lines: &mut Vec<String>,
    title: &str,
    options: &Map<String, Json>,
    indent: &str,
) {
    if options.is_empty() {
        return;
    }
    lines.push(format!("{indent}{title}:"));
    for (name, value) in options {
        lines.push(format!("{indent}  {name}: {}", plain(value)));
    }
}

fn text(view: &ConfigView) -> Vec<String> {
    let mut lines = vec![format!("Cluster Name: {}", view.cluster_name)];
    if let Some(uuid) = &view.cluster_uuid {
        lines.push(format!("Cluster UUID: {uuid}"));
    }
    lines.push(format!("Transport: {}", view.transport.to_lowercase()));
    if !view.nodes.is_empty() {
        lines.push("Nodes:".to_owned());
    }
    for node in &view.nodes {
        lines.push(format!("  {}:", node.name));
        for address in &node.addrs {
            lines.push(format!("    Link {} address: {}", address.link, address.addr));
        }
        lines.push(format!("    nodeid: {}", node.nodeid));
    }
    if !view.links_options.is_empty() {
        lines.push("Links:".to_owned());
        for (number, options) in &view.links_options {
            if let Json::Object(options) = options {
                section(&mut lines, &format!("Link {number}"), options, "  ");
            }
        }
    }
    section(&mut lines, "Transport Options", &view.transport_options, "");
    section(&mut lines, "Compression Options", &view.compression_options, "");
    section(&mut lines, "Crypto Options", &view.crypto_options, "");
    section(&mut lines, "Totem Options", &view.totem_options, "");
    section(&mut lines, "Quorum Options", &view.quorum_options, "");
    if let Some(device) = &view.quorum_device {
        lines.push(format!("Quorum Device: {}", device.model));
        section(&mut lines, "Options", &device.generic_options, "  ");
        section(&mut lines, "Model Options", &device.model_options, "  ");
        section(&mut lines, "Heuristics", &device.heuristics_options, "  ");
    }
    lines
}

/// Writes the command that would make this configuration.
fn command(view: &ConfigView) -> String {
    let mut lines = vec![format!("pcs cluster setup {}", view.cluster_name)];
    for node in &view.nodes {
        let addresses: Vec<String> =
            node.addrs.iter().map(|address| format!("addr={}", address.addr)).collect();
        lines.push(format!("  {} {}", node.name, addresses.join(" ")));
    }
    lines.push("  transport".to_owned());
    lines.push(format!("  {}", view.transport.to_lowercase()));
    let mut options = |indent: &str, title: Option<&str>, options: &Map<String, Json>| {
        if options.is_empty() {
            return;
        }
        if let Some(title) = title {
            lines.push(format!("{indent}{title}"));
        }
        for (name, value) in options {
            lines.push(format!("{indent}  {}", super::resource_text::word(name, &plain(value))));
        }
    };
    options("  ", None, &view.transport_options);
    for link in view.links_options.values() {
        if let Json::Object(link) = link {
            options("    ", Some("link"), link);
        }
    }
    options("    ", Some("compression"), &view.compression_options);
    options("    ", Some("crypto"), &view.crypto_options);
    options("  ", Some("totem"), &view.totem_options);
    options("  ", Some("quorum"), &view.quorum_options);
    if view.cluster_uuid.is_none() {
        lines.push("  --no-cluster-uuid".to_owned());
    }
    lines.join(" \\\n")
}

fn update(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--corosync_conf", "--plan", "--request-timeout", "--skip-offline"])?;
    let is_group =
        |word: &&String| matches!(word.as_str(), "transport" | "compression" | "crypto" | "totem");
    let mut change_ = ConfigUpdate::default();
    let mut rest = words;
    while let Some((group, more)) = rest.split_first() {
        let end = more.iter().position(|word| is_group(&word)).unwrap_or(more.len());
        let (words, others) = more.split_at(end);
        let options = match group.as_str() {
            "transport" => &mut change_.transport,
            "compression" => &mut change_.compression,
            "crypto" => &mut change_.crypto,
            "totem" => &mut change_.totem,
            _ => return usage("config update"),
        };
        options.extend(pairs(words)?);
        rest = others;
    }
    change(context, |document, context| {
        context.with_reports(|reports| config::update(document, &change_, reports))
    })
}

/// `pcs cluster corosync [NODE]`: the file as it is there.
pub(crate) fn show_file(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--request-timeout"])?;
    let text = match words {
        [] => {
            let path = hosts::corosync_conf_path(context);
            std::fs::read_to_string(&path)
                .or_else(|error| fail(format!("Unable to read '{}': {error}", path.display())))?
        }
        [name] => {
            let peers = hosts::peers(&hosts::known_hosts()?, std::slice::from_ref(name))?;
            let limit = hosts::request_timeout(context);
            let mut found: Cli<String> = fail(format!("Unable to communicate with {name}"));
            let nothing = |_: &Peer| Fields::new();
            hosts::run(ask_all(
                &peers,
                Request::GetCorosyncConf,
                nothing,
                limit,
                |name, answer| {
                    found = answer
                        .map(|answer| answer.body)
                        .or_else(|trouble| fail(trouble.text(name)));
                },
            ))?;
            found?
        }
        _ => return usage("corosync"),
    };
    context.print(text.trim_end());
    Ok(())
}

/// `pcs cluster sync [corosync]`: the file of this host for all of its nodes.
pub(crate) fn sync(context: &mut Context, words: &[String]) -> Cli {
    if words.first().is_some_and(|word| word != "corosync") {
        return usage("sync");
    }
    context.supports(&["--request-timeout", "--skip-offline"])?;
    if words.len() > 1 {
        return usage("sync");
    }
    let conf = hosts::local_conf(context)?;
    let peers = hosts::peers(&hosts::known_hosts()?, &hosts::node_names(&conf))?;
    let peers = reachable(context, peers)?;
    let fields = vec![("corosync_conf", conf.document.to_string())];
    let limit = hosts::request_timeout(context);
    let failure = "Unable to set corosync config";
    each(&peers, Request::SetCorosyncConf, &fields, limit, "Succeeded", failure)
}

/// `pcs cluster reload corosync`
pub(crate) fn reload(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--request-timeout"])?;
    if words != ["corosync"] {
        return usage("reload");
    }
    let limit = hosts::request_timeout(context);
    let answer = hosts::local(Request::ReloadCorosyncConf, Fields::new(), limit)?;
    if answer.is_empty() {
        return fail("The cluster does not run on this host, so there is nothing to reload");
    }
    progress(&answer);
    Ok(())
}

/// `pcs cluster rename NAME`
pub(crate) fn rename(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--plan", "--request-timeout", "--skip-offline"])?;
    let [name] = words else { return usage("rename") };
    none_runs(context, "rename the cluster")?;
    change(context, |document, context| {
        context.with_reports(|reports| config::rename(document, name, context.force(), reports))
    })
}

/// Refuses what members must not see while they run. One that does not answer may run: whether it
/// does is left to who looks for those that can be reached.
pub(crate) fn none_runs(context: &Context, what: &str) -> Cli {
    let conf = hosts::local_conf(context)?;
    let peers = hosts::peers(&hosts::known_hosts()?, &hosts::node_names(&conf))?;
    let mut running = Vec::new();
    let nothing = |_: &Peer| Fields::new();
    let limit = hosts::request_timeout(context);
    hosts::run(ask_all(&peers, Request::PacemakerNodeStatus, nothing, limit, |name, answer| {
        let state = answer.ok().and_then(|answer| serde_json::from_str(&answer.body).ok());
        if state.is_some_and(|state: JoinState| state.online || state.pending) {
            running.push(name.to_owned());
        }
    }))?;
    if running.is_empty() {
        return Ok(());
    }
    fail(format!(
        "Unable to {what} while it runs on {}, stop it with 'pcs cluster stop --all' first",
        pcs::text::quoted(running)
    ))
}

/// `pcs cluster authkey corosync [FILE]`: a new key of the cluster's traffic for all nodes.
pub(crate) fn authkey(context: &mut Context, words: &[String]) -> Cli {
    if words.first().is_none_or(|word| word != "corosync") {
        return usage("authkey");
    }
    context.supports(&["--force", "--request-timeout", "--skip-offline"])?;
    let content = match words {
        [kind] if kind == "corosync" => {
            let mut key = [0; 256];
            random(&mut key)?;
            key.to_vec()
        }
        [kind, file] if kind == "corosync" => std::fs::read(file)
            .or_else(|error| fail(format!("Unable to read '{file}': {error}")))?,
        _ => return usage("authkey"),
    };
    // corosync's own bounds.
    if !(128..=4096).contains(&content.len()) {
        return fail(format!(
            "The key has {} bytes, it must have 128 to 4096; make one with 'pcs cluster authkey \
             corosync'",
            content.len()
        ));
    }
    none_runs(context, "change the key of the cluster")?;
    let conf = hosts::local_conf(context)?;
    let peers = hosts::peers(&hosts::known_hosts()?, &hosts::node_names(&conf))?;
    let peers = reachable(context, peers)?;
    let limit = hosts::request_timeout(context);
    Steps { peers: &peers, limit }.put(&[(FileKind::CorosyncAuthkey, content)])
}

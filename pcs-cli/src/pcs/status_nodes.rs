//! `pcs status nodes`, `status corosync`, `status quorum`.

use membership::core::report::{self, MemberStyle};
use pengine::status::{NodeKind, NodeStatus};
use view::live::LiveInfo;

use super::context::{Cli, Context, Failure, fail};
use super::{hosts, status, status_text};

/// Runs `pcs status nodes [config|corosync|both]`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--corosync_conf", "--output-format"])?;
    if matches!(words, [] | [_]) && context.output_format(&["json", "text"])? == "json" {
        return as_json(context, words.first().map_or("pacemaker", String::as_str));
    }
    match words {
        [] => pacemaker(context),
        [which] if which == "config" => configured(context),
        [which] if which == "corosync" => members(context),
        [which] if which == "both" => {
            members(context)?;
            pacemaker(context)
        }
        _ => Err(Failure::Usage { area: "status", command: "nodes" }),
    }
}

/// The same for programs: each node with all that is known of it.
fn as_json(context: &mut Context, which: &str) -> Cli {
    let mut all = serde_json::Map::new();
    if matches!(which, "pacemaker" | "both") {
        let nodes = status::look(context)?.seen.status.nodes;
        all.insert("pacemaker".to_owned(), serde_json::json!(nodes));
    }
    match which {
        "pacemaker" => {}
        "corosync" | "both" => {
            let info = info(context)?;
            all.insert("corosync".to_owned(), serde_json::json!(info.nodes));
        }
        "config" => {
            let (corosync, pacemaker) = configured_names(context)?;
            all.insert("corosync".to_owned(), corosync.into());
            all.insert("pacemaker".to_owned(), pacemaker.into());
        }
        _ => return Err(Failure::Usage { area: "status", command: "nodes" }),
    }
    let text = super::json::pretty(&all);
    context.print(&text);
    Ok(())
}

fn line(title: &str, names: &[&str]) -> String {
    if names.is_empty() { format!(" {title}:") } else { format!(" {title}: {}", names.join(" ")) }
}

fn pacemaker(context: &mut Context) -> Cli {
    let sight = status::look(context)?;
    let busy = |node: &NodeStatus| !node.running.is_empty();
    for (title, remote) in [("Pacemaker Nodes:", false), ("Pacemaker Remote Nodes:", true)] {
        let pick = |is: &dyn Fn(&NodeStatus) -> bool| -> Vec<&str> {
            let nodes = sight.seen.status.nodes.iter();
            let nodes = nodes.filter(|n| (n.kind != NodeKind::Member) == remote && is(n));
            nodes.map(|n| n.name.as_str()).collect()
        };
        context.print(title);
        let lists = [
            ("Online", pick(&|n| n.online && !n.standby && !n.maintenance)),
            ("Standby", pick(&|n| n.online && n.standby && !busy(n))),
            ("Standby with resource(s) running", pick(&|n| n.online && n.standby && busy(n))),
            ("Maintenance", pick(&|n| n.online && !n.standby && n.maintenance)),
            ("Offline", pick(&|n| !n.online)),
        ];
        for (title, names) in lists {
            context.print(&line(title, &names));
        }
    }
    Ok(())
}

/// Returns the nodes that corosync.conf and the document name.
fn configured_names(context: &mut Context) -> Cli<(Vec<String>, Vec<String>)> {
    let corosync = if context.is_live() || context.has("--corosync_conf") {
        hosts::node_names(&hosts::local_conf(context)?)
    } else {
        Vec::new()
    };
    let mut pacemaker: Vec<String> =
        pcs::node::nodes(&context.configuration()?).into_iter().map(|node| node.uname).collect();
    pacemaker.sort();
    Ok((corosync, pacemaker))
}

/// Shows the nodes that are configured.
pub(crate) fn configured(context: &mut Context) -> Cli {
    let (corosync, pacemaker) = configured_names(context)?;
    for (title, names) in [("Corosync Nodes:", corosync), ("Pacemaker Nodes:", pacemaker)] {
        context.print(title);
        if !names.is_empty() {
            context.print(&format!(" {}", names.join(" ")));
        }
    }
    Ok(())
}

fn info(context: &mut Context) -> Cli<LiveInfo> {
    context.live()?.info().or_else(|error| fail(error.to_string()))
}

fn members(context: &mut Context) -> Cli {
    if !context.is_live() {
        return fail("Specified option '-f' is not supported in this command");
    }
    let info = info(context)?;
    context.print("Corosync Nodes:");
    for (title, member) in [("Online", true), ("Offline", false)] {
        let names: Vec<&str> =
            info.nodes.iter().filter(|n| n.member == member).map(|n| n.name.as_str()).collect();
        context.print(&line(title, &names));
    }
    Ok(())
}

/// Shows who is here and how many votes each has.
pub(crate) fn corosync(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "status", command: "corosync" });
    }
    let info = info(context)?;
    if context.as_json(|| serde_json::json!({ "view": info.view, "nodes": info.nodes }))? {
        return Ok(());
    }
    let table = report::members_table(&info.membership, MemberStyle::default());
    context.print(table.trim_end());
    Ok(())
}

/// Shows whether there is a quorum and why.
pub(crate) fn quorum(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "status", command: "quorum" });
    }
    let info = info(context)?;
    if context.as_json(|| &info.membership)? {
        return Ok(());
    }
    // as pcs shows it: for programs, so with the column of the quorum device
    let style = MemberStyle { machine: true, ..MemberStyle::default() };
    context.print(report::quorum(&info.membership, style, &status_text::now()).trim_end());
    Ok(())
}

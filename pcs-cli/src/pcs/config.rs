//! `pcs config`: all that is configured.

use pcs::alert;
use pcs::constraint::view::Constraints;
use pcs::defaults::{Defaults, Kind};
use pcs::resource::config::Resources;
use pcs::stonith::level::Levels;
use pcs::{property, tag};

use super::context::{Cli, Context, Failure, fail};
use super::resource_text::indent;
use super::{constraint_text, hosts, resource_text, status_nodes, stonith_level};

/// Runs `pcs config …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("show", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "show" => show(context, rest),
        "checkpoint" | "backup" | "restore" => {
            context.supports(&["--force", "--local"])?;
            fail(format!(
                "'pcs config {command}' is not there yet; the document is kept with its history in /var/lib/pacemaker/cib, and 'pcs cluster cib FILE' writes a copy"
            ))
        }
        _ => Err(Failure::Usage { area: "config", command: "" }),
    }
}

fn section(context: &mut Context, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        context.print("");
        context.print(title);
        context.print_lines(&indent(lines));
    }
}

fn show(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--corosync_conf", "--show-secrets"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "config", command: "" });
    }
    let cib = context.cib()?;
    let name = if context.is_live() || context.has("--corosync_conf") {
        hosts::local_conf(context)?.totem.cluster_name.clone().unwrap_or_default()
    } else {
        property::value(&cib, "cluster-name").unwrap_or_default().to_owned()
    };
    context.print(&format!("Cluster Name: {name}"));
    status_nodes::configured(context)?;
    let all = Resources::of(&cib);
    for (title, stonith) in [("Resources:", false), ("Stonith Devices:", true)] {
        let shown = all.clone().filtered(stonith);
        section(context, title, resource_text::text(&shown, &all));
    }
    section(context, "Fencing Levels:", stonith_level::text(&Levels::of(&cib)));
    let constraints = constraint_text::text(&Constraints::of(&cib), true);
    if !constraints.is_empty() {
        context.print("");
        context.print_lines(&constraints);
    }
    section(context, "Alerts:", super::alert::text(&alert::alerts(&cib)));
    for (title, kind) in
        [("Resources Defaults:", Kind::Resources), ("Operations Defaults:", Kind::Operations)]
    {
        let defaults = Defaults::of(&cib, kind);
        section(context, title, super::defaults::lines(&defaults, true));
    }
    for set in property::sets(&cib) {
        context.print("");
        context.print(&super::property::heading(&set));
        for pair in &set.nvpairs {
            context.print(&format!("  {}", resource_text::shown(&pair.name, &pair.value)));
        }
    }
    let tags = tag::tags(&cib);
    if !tags.is_empty() {
        context.print("\nTags:");
        for tag in tags {
            context.print(&format!(" {}", tag.id));
            for id in tag.idref_list {
                context.print(&format!("   {id}"));
            }
        }
    }
    Ok(())
}

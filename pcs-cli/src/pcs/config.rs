//! `pcs config`: all that is configured.

use cib::Element;
use pcs::alert;
use pcs::constraint::view::Constraints;
use pcs::defaults::{Defaults, Kind};
use pcs::resource::config::Resources;
use pcs::stonith::level::Levels;
use pcs::{property, tag};
use serde_json::Value as Json;

use super::context::{Cli, Context, Failure, fail};
use super::resource_text::indent;
use super::{
    config_backup, config_checkpoint, config_export, config_restore, constraint_text, hosts, json,
    resource_text, status_nodes, stonith_level,
};

/// Runs `pcs config …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("show", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "show" => show(context, rest),
        "backup" => config_backup::run(context, rest),
        "restore" => config_restore::run(context, rest),
        "checkpoint" => config_checkpoint::run(context, rest),
        "export" => config_export::run(context, rest),
        _ => Err(Failure::Usage { area: "config", command: "" }),
    }
}

fn show(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--corosync_conf", "--output-format", "--show-secrets"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "config", command: "" });
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    if format == "cmd" {
        return config_export::commands(context);
    }
    let cib = context.configuration()?;
    let name = if context.is_live() || context.has("--corosync_conf") {
        hosts::local_conf(context)?.totem.cluster_name.clone().unwrap_or_default()
    } else {
        property::value(&cib, "cluster-name").unwrap_or_default().to_owned()
    };
    if format == "json" {
        let mut all = serde_json::json!({ "cluster_name": name });
        merge(&mut all, document_json(&cib)?);
        context.print(&json::pretty(&all));
        return Ok(());
    }
    context.print(&format!("Cluster Name: {name}"));
    status_nodes::configured(context)?;
    context.print_lines(&document(&cib));
    Ok(())
}

fn merge(into: &mut Json, from: Json) {
    if let (Json::Object(into), Json::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Returns all that is configured as one object.
fn document_json(cib: &Element) -> Cli<Json> {
    let all = Resources::of(cib);
    let value = |value: serde_json::Result<Json>| value.or_else(|e| fail(e.to_string()));
    let defaults = |kind| value(serde_json::to_value(Defaults::of(cib, kind)));
    Ok(serde_json::json!({
        "nodes": value(serde_json::to_value(pcs::node::nodes(cib)))?,
        "resources": value(serde_json::to_value(all.clone().filtered(false)))?,
        "stonith": value(serde_json::to_value(all.filtered(true)))?,
        "fencing_levels": value(serde_json::to_value(Levels::of(cib)))?,
        "constraints": value(serde_json::to_value(Constraints::of(cib)))?,
        "alerts": value(serde_json::to_value(alert::alerts(cib)))?,
        "resource_defaults": defaults(Kind::Resources)?,
        "operation_defaults": defaults(Kind::Operations)?,
        "properties": value(serde_json::to_value(property::sets(cib)))?,
        "tags": value(serde_json::to_value(tag::tags(cib)))?,
        "acls": value(serde_json::to_value(pcs::acl::view(cib)))?,
    }))
}

fn section(all: &mut Vec<String>, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        all.extend([String::new(), title.to_owned()]);
        all.extend(indent(lines));
    }
}

/// Returns all that a document configures, as people read it.
pub(crate) fn document(cib: &Element) -> Vec<String> {
    let mut lines = Vec::new();
    let all = Resources::of(cib);
    for (title, stonith) in [("Resources:", false), ("Stonith Devices:", true)] {
        let shown = all.clone().filtered(stonith);
        section(&mut lines, title, resource_text::text(&shown, &all));
    }
    section(&mut lines, "Fencing Levels:", stonith_level::text(&Levels::of(cib)));
    let constraints = constraint_text::text(&Constraints::of(cib), true);
    if !constraints.is_empty() {
        lines.push(String::new());
        lines.extend(constraints);
    }
    section(&mut lines, "Alerts:", super::alert::text(&alert::alerts(cib)));
    for (title, kind) in
        [("Resources Defaults:", Kind::Resources), ("Operations Defaults:", Kind::Operations)]
    {
        let defaults = Defaults::of(cib, kind);
        section(&mut lines, title, super::defaults::lines(&defaults, true));
    }
    for set in property::sets(cib) {
        lines.extend([String::new(), super::property::heading(&set)]);
        for pair in &set.nvpairs {
            lines.push(format!("  {}", resource_text::shown(&pair.name, &pair.value)));
        }
    }
    let tags = tag::tags(cib);
    if !tags.is_empty() {
        lines.extend([String::new(), "Tags:".to_owned()]);
        for tag in tags {
            lines.push(format!(" {}", tag.id));
            lines.extend(tag.idref_list.iter().map(|id| format!("   {id}")));
        }
    }
    lines
}

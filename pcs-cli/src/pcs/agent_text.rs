//! Agents and options of the cluster, described for people.

use pcs::agent::AgentName;
use pcs::metadata::{AgentMetadata, Parameter};
use pcs::operations;
use pcs::text::quoted;

use super::context::{Cli, fail};

/// Describes one parameter.
fn parameter(parameter: &Parameter, indent: &str) -> Vec<String> {
    let mut head = format!("{indent}{}", parameter.name);
    if parameter.deprecated {
        if parameter.deprecated_by.is_empty() {
            head.push_str(" (deprecated)");
        } else {
            let by = parameter.deprecated_by.join(", ");
            head.push_str(&format!(" (deprecated by {by})"));
        }
    }
    if parameter.required {
        head.push_str(" (required)");
    }
    match parameter.unique_group.as_deref() {
        Some(group) if group.starts_with("_pcs_unique_group_") => head.push_str(" (unique)"),
        Some(group) => head.push_str(&format!(" (unique group: {group})")),
        None => {}
    }
    if parameter.advanced {
        head.push_str(" (advanced use only)");
    }
    let mut lines = vec![head];
    let description = parameter.longdesc.as_ref().or(parameter.shortdesc.as_ref());
    let text = description
        .map_or_else(|| "No description available".to_owned(), |d| d.trim().replace('\n', " "));
    lines.push(format!("{indent}  Description: {text}"));
    if parameter.choices.is_empty() {
        lines.push(format!("{indent}  Type: {}", parameter.kind));
    } else {
        lines.push(format!("{indent}  Allowed values: {}", quoted(&parameter.choices)));
    }
    match &parameter.default {
        Some(default) if default.contains('\n') => lines.push(format!(
            "{indent}  Default: exists, but impossible to show in a human readable format (try grep {})",
            parameter.name
        )),
        Some(default) if !default.is_empty() => lines.push(format!("{indent}  Default: {default}")),
        _ => {}
    }
    lines
}

/// Describes an agent.
pub(crate) fn agent(name: &AgentName, metadata: &AgentMetadata, full: bool) -> Vec<String> {
    let shown = if name.is_stonith() { name.kind.clone() } else { name.to_string() };
    let mut lines = vec![match &metadata.shortdesc {
        Some(description) => format!("{shown} - {}", description.replace('\n', " ")),
        None => shown,
    }];
    if let Some(description) = &metadata.longdesc {
        lines.push(String::new());
        lines.extend(description.trim().lines().map(str::to_owned));
    }
    let parameters: Vec<String> = metadata
        .parameters
        .iter()
        .filter(|p| full || !(p.advanced || p.deprecated))
        .flat_map(|p| parameter(p, "  "))
        .collect();
    if !parameters.is_empty() {
        let heading = if name.is_stonith() { "Stonith options:" } else { "Resource options:" };
        lines.push(String::new());
        lines.push(heading.to_owned());
        lines.extend(parameters);
    }
    lines.push(String::new());
    lines.push("Default operations:".to_owned());
    for operation in operations::advised(metadata, name.is_stonith()) {
        let get = |key: &str| pcs::nvset::get(&operation, key);
        lines.push(format!("  {}:", get("name").unwrap_or_default()));
        let options: Vec<String> = operation
            .iter()
            .filter(|(key, _)| key != "name")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        lines.push(format!("    {}", options.join(" ")));
    }
    lines
}

/// Describes properties of the cluster.
pub(crate) fn properties(options: &[Parameter], names: &[String], full: bool) -> Cli<Vec<String>> {
    let unknown: Vec<&String> =
        names.iter().filter(|name| !options.iter().any(|p| p.name == **name)).collect();
    if !unknown.is_empty() {
        return fail(format!("No description for {}", quoted(unknown)));
    }
    let shown = |p: &&Parameter| {
        if names.is_empty() { full || !p.advanced } else { names.contains(&p.name) }
    };
    let mut lines = Vec::new();
    for option in options.iter().filter(shown) {
        lines.extend(parameter(option, ""));
    }
    Ok(lines)
}

/// Describes an agent for programs.
pub(crate) fn agent_json(name: &AgentName, metadata: &AgentMetadata) -> serde_json::Value {
    let actions: Vec<serde_json::Value> = metadata
        .actions
        .iter()
        .map(|action| {
            serde_json::json!({
                "name": action.name,
                "timeout": action.timeout,
                "interval": action.interval,
                "role": action.role,
                "start-delay": action.start_delay,
                "OCF_CHECK_LEVEL": action.depth,
                "automatic": action.automatic,
                "on_target": action.on_target,
            })
        })
        .collect();
    serde_json::json!({
        "name": name.to_string(),
        "shortdesc": metadata.shortdesc,
        "longdesc": metadata.longdesc,
        "parameters": metadata.parameters.iter().map(parameter_json).collect::<Vec<_>>(),
        "actions": actions,
    })
}

/// Describes a parameter for programs.
pub(crate) fn parameter_json(parameter: &Parameter) -> serde_json::Value {
    let choices = (!parameter.choices.is_empty()).then_some(&parameter.choices);
    serde_json::json!({
        "name": parameter.name,
        "shortdesc": parameter.shortdesc,
        "longdesc": parameter.longdesc,
        "type": parameter.kind,
        "default": parameter.default,
        "enum_values": choices,
        "required": parameter.required,
        "advanced": parameter.advanced,
        "deprecated": parameter.deprecated,
        "deprecated_by": parameter.deprecated_by,
        "deprecated_desc": null,
        "unique_group": parameter.unique_group,
        "reloadable": parameter.reloadable,
    })
}

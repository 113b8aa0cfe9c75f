//! Agents, as `crm_resource` lists them and shows their metadata.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use pcs::agent::AgentName;

use crate::agent_files;

use super::answer::Answer;
use super::crm_resource::{Call, Said, none};
use super::frame::with_text;

/// Lists, or shows metadata.
pub(super) fn run(call: &Call, command: &str) -> Result<Said, Answer> {
    let place = call.options.value(command).unwrap_or_default();
    match command {
        "list-standards" => Ok(listed("list", &[("name", "standards")], "item", &standards())),
        "list-ocf-providers" if place.is_empty() => {
            Ok(listed("providers", &[("standard", "ocf")], "provider", &agent_files::providers()))
        }
        "list-ocf-alternatives" | "list-ocf-providers" => {
            let found: Vec<String> = agent_files::providers()
                .into_iter()
                .filter(|provider| {
                    agent_files::agents(&format!("ocf:{provider}")).iter().any(|one| one == place)
                })
                .collect();
            if found.is_empty() {
                return Err(none(ExitCode::NoSuch, &format!("No OCF providers found for {place}")));
            }
            let about = match command {
                "list-ocf-alternatives" => ("for", place),
                _ => ("standard", "ocf"),
            };
            Ok(listed("providers", &[about], "provider", &found))
        }
        "list-agents" => agents(place),
        _ => metadata(place),
    }
}

/// The standards, as the established tool orders them; `service` stands for what this host has of LSB and systemd.
fn standards() -> Vec<String> {
    let here = agent_files::standards();
    let known = ["ocf", "lsb", "service", "systemd", "stonith"];
    let has = |name: &str| here.iter().any(|one| one == name);
    let there = |name: &&str| has(name) || (*name == "service" && (has("lsb") || has("systemd")));
    known.into_iter().filter(there).map(str::to_owned).collect()
}

fn listed(name: &str, attributes: &[(&str, &str)], item: &str, items: &[String]) -> Said {
    let mut list = Element::new(name);
    for (key, value) in attributes {
        list.set(key, *value);
    }
    if name == "list" {
        list.set("count", items.len().to_string());
    }
    let mut text = String::new();
    for one in items {
        list.push(with_text(item, one));
        let _infallible = writeln!(text, "{one}");
    }
    Said { text, xml: vec![list], ..Said::default() }
}

fn agents(place: &str) -> Result<Said, Answer> {
    let found = if place == "ocf" {
        let providers = agent_files::providers();
        providers.iter().flat_map(|p| agent_files::agents(&format!("ocf:{p}"))).collect()
    } else {
        agent_files::agents(place)
    };
    let (standard, provider) = match place.split_once(':') {
        Some((standard, provider)) => (standard, Some(provider)),
        None => (place, None),
    };
    if found.is_empty() {
        let which = provider.map(|p| format!(" and provider '{p}'")).unwrap_or_default();
        let text = format!("No agents found for standard '{standard}'{which}");
        return Err(none(ExitCode::Error, &text));
    }
    let mut attributes = vec![("standard", standard)];
    attributes.extend(provider.map(|provider| ("provider", provider)));
    Ok(listed("agents", &attributes, "agent", &found))
}

fn metadata(spec: &str) -> Result<Said, Answer> {
    let Some(name) = AgentName::parse(spec) else {
        return Err(none(
            ExitCode::NoSuch,
            &format!("'{spec}' is not a valid agent specification; write class:provider:agent"),
        ));
    };
    let text = agent_files::metadata(&name).map_err(|why| {
        none(ExitCode::NoSuch, &format!("Metadata query for {spec} failed: {why}"))
    })?;
    // the agent's own text, which is XML of its own
    let xml = vec![with_text("metadata", &text)];
    let text = if text.ends_with('\n') { text } else { format!("{text}\n") };
    Ok(Said { text, xml, ..Said::default() })
}

//! Agents, as `crm_resource` lists them and shows their metadata.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use pcs::agent::AgentName;

use crate::{agent_files, by_hand};

use super::answer::Answer;
use super::crm_resource::{Call, Said, fail};
use super::frame::with_text;

/// Lists, or shows metadata.
pub(super) fn run(call: &Call, command: &str) -> Result<Said, Answer> {
    let place = call.options.value(command).unwrap_or_default();
    match command {
        "list-standards" => {
            Ok(listed("list", &[("name", "standards")], "item", &agent_files::standards()))
        }
        "list-ocf-providers" => {
            Ok(listed("providers", &[("standard", "ocf")], "provider", &agent_files::providers()))
        }
        "list-ocf-alternatives" => {
            let found: Vec<String> = agent_files::providers()
                .into_iter()
                .filter(|provider| {
                    agent_files::agents(&format!("ocf:{provider}")).iter().any(|one| one == place)
                })
                .collect();
            if found.is_empty() {
                return Err(none(ExitCode::NoSuch, &format!("No OCF providers found for {place}")));
            }
            Ok(listed("providers", &[("for", place)], "provider", &found))
        }
        "list-agents" => agents(place),
        _ => metadata(place),
    }
}

fn none(code: ExitCode, text: &str) -> Answer {
    fail(code, format!("{text}\nError performing operation: {code}"))
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
        return Err(fail(
            ExitCode::Usage,
            format!("'{spec}' is not a valid agent specification; write class:provider:agent"),
        ));
    };
    let text = agent_files::metadata(&name).map_err(|why| {
        none(ExitCode::NoSuch, &format!("Metadata query for {spec} failed: {why}"))
    })?;
    let mut wrapper = Element::new("metadata").with("class", name.standard.as_str());
    if let Some(provider) = &name.provider {
        wrapper.set("provider", provider.as_str());
    }
    wrapper.set("type", name.kind.as_str());
    if let Ok(parsed) = cib::parse(&text) {
        wrapper.push(parsed);
    }
    let text = if text.ends_with('\n') { text } else { format!("{text}\n") };
    Ok(Said { text, xml: vec![wrapper], ..Said::default() })
}

/// Runs an agent's action on this node, whatever the cluster makes of that.
pub(super) fn force(call: &mut Call, word: &str, action: &str) -> Result<Said, Answer> {
    let document = call.document()?;
    let mut element = call.element(&document)?;
    if pcs::resource::is_clone(&element) {
        let instead = element.children().find(|child| child.name() == "primitive").cloned();
        element = instead.unwrap_or(element);
    }
    if element.name() != "primitive" {
        let kind = pcs::resource::kind(&element);
        return Err(none(
            ExitCode::UnimplementFeature,
            &format!("Sorry, the {word} option doesn't support {kind} resources"),
        ));
    }
    let active = pcs::history::active_nodes(&document, call.resource()?);
    if matches!(action, "start" | "promote" | "demote")
        && pcs::resource::parent(&document, element.id().unwrap_or_default())
            .is_some_and(pcs::resource::is_clone)
        && !active.is_empty()
        && !call.options.has("force")
    {
        return Err(none(
            ExitCode::Unsafe,
            &format!(
                "it is not safe to {action} {} here: the cluster says that it is active on {}; set \
                 target-role=Stopped first, or give --force",
                call.resource()?,
                active.join(", ")
            ),
        ));
    }
    let trace = call.options.has("verbose");
    let done = by_hand::run(&element, action, trace)
        .map_err(|error| none(ExitCode::NotInstalled, &error.to_string()))?;
    let code = ExitCode::from_code(done.code);
    let mut said = Said::text(format!("{}\n", done.line(word)));
    if trace || done.code != 0 {
        said.text.push_str(&done.output);
    }
    if done.code != 0 {
        said.remark = format!("crm_resource: Error performing operation: {code}\n");
        said.code = Some(code);
    }
    let mut xml = Element::new("resource-agent-action")
        .with("action", word)
        .with("class", done.agent.standard.as_str())
        .with("type", done.agent.kind.as_str())
        .with("rsc", done.resource.as_str());
    if let Some(provider) = &done.agent.provider {
        xml.set("provider", provider.as_str());
    }
    let status = Element::new("agent-status")
        .with("code", done.code.to_string())
        .with("message", model::OcfCode::from_code(done.code).text())
        .with("execution_code", "0")
        .with("execution_message", "complete");
    said.xml.push(xml.with_child(Element::new("overrides")).with_child(status));
    Ok(said)
}

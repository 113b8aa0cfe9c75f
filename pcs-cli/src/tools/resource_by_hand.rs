//! Agents run on this node, whatever the cluster makes of it: `crm_resource --force-start` and its like, and
//! `--validate`.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use pcs::agent::AgentName;

use crate::agent_files;
use crate::by_hand::{self, Done, How, NotDone};

use super::answer::Answer;
use super::crm_resource::{Call, Said, TOOL, fail, none};
use super::frame::with_text;
use super::resource_queries::with_template;

/// `--validate`: has an agent check parameters, those of a resource or those that are given.
pub(super) fn validate(call: &mut Call) -> Result<Said, Answer> {
    let names = ["class", "provider", "agent"];
    if !names.iter().any(|name| call.options.has(name)) {
        let element = primitive(call, "validate")?;
        return run(call, &element, "validate", "validate-all");
    }
    if call.options.has("resource") {
        return Err(fail(
            ExitCode::Usage,
            "--resource cannot be used with --class, --agent, and --provider",
        ));
    }
    let mut element = Element::new("primitive");
    for (name, key) in names.into_iter().zip(["class", "provider", "type"]) {
        if let Some(value) = call.options.value(name) {
            element.set(key, value);
        }
    }
    let agent = AgentName::of(&element);
    if agent.kind.is_empty() || !agent_files::is_installed(&agent) {
        let part = |name| call.options.value(name).unwrap_or_default();
        let (class, provider, kind) = (part("class"), part("provider"), part("agent"));
        return Err(fail(
            ExitCode::Usage,
            format!("{class}:{provider}:{kind} is not a known resource"),
        ));
    }
    run(call, &element, "validate", "validate-all")
}

/// `--force-…`: runs an agent's action for a resource.
pub(super) fn force(call: &mut Call, word: &str, action: &str) -> Result<Said, Answer> {
    let element = primitive(call, word)?;
    let document = call.document()?;
    let active = crate::tools::monitor_facts::active_nodes(&document, call.resource()?);
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
    run(call, &element, word, action)
}

/// Returns the primitive that is meant, with what its template says; of a clone, the one in it.
fn primitive(call: &mut Call, word: &str) -> Result<Element, Answer> {
    // without a name there is no need for a document
    call.resource()?;
    let document = call.document()?;
    let mut element = call.element(&document)?;
    if pcs::resource::is_clone(&element) {
        let inner = element.children().find(|child| child.name() == "primitive").cloned();
        element = inner.unwrap_or(element);
    }
    if element.name() == "primitive" {
        return Ok(with_template(&document, &element));
    }
    let kind = pcs::resource::kind(&element);
    Err(none(
        ExitCode::UnimplementFeature,
        &format!("Sorry, the {word} option doesn't support {kind} resources"),
    ))
}

fn run(call: &Call, element: &Element, word: &str, action: &str) -> Result<Said, Answer> {
    let mut instead = Vec::new();
    for option in call.options.values("option") {
        let Some((name, value)) = option.split_once('=') else {
            return Err(fail(ExitCode::Usage, format!("--option={option} is not NAME=VALUE")));
        };
        instead.push((name.to_owned(), value.to_owned()));
    }
    let words = call.instead()?;
    let agent = AgentName::of(element);
    // what was asked for: a clone is called by its own name
    let resource = call.options.value("resource").unwrap_or_default();
    let mut said = Said::default();
    let mut overrides = Element::new("overrides");
    for (name, value) in &words {
        let whose = if resource.is_empty() { String::new() } else { format!(" for '{resource}'") };
        let _infallible = writeln!(
            said.text,
            "Overriding the cluster configuration{whose} with '{name}' = '{value}'"
        );
        let mut one = Element::new("override").with("name", &**name).with("value", &**value);
        if !resource.is_empty() {
            one.set("rsc", resource);
        }
        overrides.push(one);
    }
    let mut xml = Element::new("resource-agent-action")
        .with("action", word)
        .with("class", agent.standard.as_str())
        .with("type", agent.kind.as_str());
    if !resource.is_empty() {
        xml.set("rsc", resource);
    }
    if let Some(provider) = &agent.provider {
        xml.set("provider", provider.as_str());
    }
    instead.extend(words);
    let trace = call.options.has("verbose");
    let how = How { trace, level: call.options.value(word), instead: &instead };
    let (code, parts) = match by_hand::run(element, action, how) {
        Ok(mut done) => {
            resource.clone_into(&mut done.resource);
            if !call.is_quiet() {
                let _infallible = writeln!(said.text, "{}", done.line(word));
            }
            said.text.push_str(&output(&done, trace));
            (ExitCode::from_code(done.code), result(&done))
        }
        Err(error @ NotDone::Unsupported(_)) => {
            said.remark = format!(
                "Operation {word}{} could not be executed (Error: {error})\n",
                by_hand::whose(resource, &agent)
            );
            let status = Element::new("agent-status")
                .with("code", "3")
                .with("message", model::OcfCode::from_code(3).text())
                .with("execution_code", "4")
                .with("execution_message", "Error")
                .with("reason", error.to_string());
            (ExitCode::UnimplementFeature, vec![status])
        }
        Err(error) => return Err(none(ExitCode::NotInstalled, &error.to_string())),
    };
    if code != ExitCode::Ok {
        let _infallible = writeln!(said.remark, "{TOOL}: Error performing operation: {code}");
        said.code = Some(code);
    }
    let all = std::iter::once(overrides).chain(parts);
    said.xml.push(all.fold(xml, Element::with_child));
    Ok(said)
}

/// Returns what the agent said, where that is worth showing.
fn output(done: &Done, trace: bool) -> String {
    if !trace && done.code == 0 {
        return String::new();
    }
    let said = done.output();
    // what the agent complains of ends with an empty line
    let end = if done.complaints.is_empty() { "" } else { "\n" };
    format!("{said}{end}")
}

fn result(done: &Done) -> Vec<Element> {
    let code = done.code.to_string();
    let mut status = Element::new("agent-status")
        .with("code", &*code)
        .with("message", model::OcfCode::from_code(done.code).text())
        .with("execution_code", "0")
        .with("execution_message", "complete");
    if let Some(reason) = done.reason() {
        status.set("reason", reason);
    }
    let mut parts = vec![status];
    if !done.printed.is_empty() || !done.complaints.is_empty() {
        let mut command = Element::new("command").with("code", &*code);
        for (source, text) in [("stdout", &done.printed), ("stderr", &done.complaints)] {
            if !text.is_empty() {
                command.push(with_text("output", text).with("source", source));
            }
        }
        parts.push(command);
    }
    parts
}

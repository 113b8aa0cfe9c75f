//! `stonith_admin`: fence agents and devices. What fences live is not done here.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use pcs::agent::AgentName;

use crate::agent_files;
use crate::cib_source::CibSource;

use super::answer::Answer;
use super::frame::{self, with_text};
use super::options::{Options, Spec, Takes};

const TOOL: &str = "stonith_admin";

const SPECS: [Spec; 40] = [
    ('?', "help", Takes::Nothing),
    (' ', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    (' ', "output-to", Takes::Value),
    ('R', "register", Takes::Value),
    ('D', "deregister", Takes::Value),
    ('r', "register-level", Takes::Value),
    ('d', "deregister-level", Takes::Value),
    ('l', "list", Takes::Value),
    ('L', "list-registered", Takes::Nothing),
    ('I', "list-installed", Takes::Nothing),
    ('s', "list-targets", Takes::Value),
    ('M', "metadata", Takes::Nothing),
    ('Q', "query", Takes::Value),
    ('H', "history", Takes::Value),
    ('h', "last", Takes::Value),
    ('K', "validate", Takes::Nothing),
    ('F', "fence", Takes::Value),
    ('U', "unfence", Takes::Value),
    ('B', "reboot", Takes::Value),
    ('C', "confirm", Takes::Value),
    ('c', "cleanup", Takes::Nothing),
    ('b', "broadcast", Takes::Nothing),
    ('a', "agent", Takes::Value),
    ('o', "option", Takes::Value),
    ('e', "env-option", Takes::Value),
    ('T', "tag", Takes::Value),
    ('v', "device", Takes::Value),
    ('i', "index", Takes::Value),
    ('t', "timeout", Takes::Value),
    ('y', "delay", Takes::Value),
    ('n', "as-node-id", Takes::Nothing),
    (' ', "tolerance", Takes::Value),
    (' ', "html-cgi", Takes::Nothing),
    (' ', "html-stylesheet", Takes::Value),
    (' ', "html-title", Takes::Value),
    (' ', "text-fancy", Takes::Nothing),
];

const COMMANDS: [&str; 17] = [
    "register",
    "deregister",
    "register-level",
    "deregister-level",
    "list",
    "list-registered",
    "list-installed",
    "list-targets",
    "metadata",
    "query",
    "history",
    "last",
    "validate",
    "fence",
    "unfence",
    "reboot",
    "confirm",
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

/// An answer in both forms.
struct Said {
    text: String,
    xml: Vec<Element>,
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    let xml = frame::wants_xml(&options)?;
    let said = asked(&options).map_err(|answer| frame::failed(TOOL, arguments, xml, answer))?;
    Ok(if xml { frame::xml(TOOL, arguments, said.xml) } else { Answer::text(said.text) })
}

fn asked(options: &Options) -> Result<Said, Answer> {
    let Some(command) = options.last_of(&COMMANDS) else {
        return Err(Answer {
            err: USAGE.to_owned(),
            code: Some(ExitCode::Usage),
            ..Answer::default()
        });
    };
    match command {
        "list-installed" => Ok(listed("agents", "fence devices", &agent_files::agents("stonith"))),
        "metadata" => metadata(options),
        "validate" => validate(options),
        "list-registered" => Ok(listed("devices", "fence devices", &devices()?)),
        "register" | "deregister" | "register-level" | "deregister-level" => Err(fail(
            ExitCode::UnimplementFeature,
            "devices and levels are registered by configuring them; use `pcs stonith create`, \
             `pcs stonith delete` and `pcs stonith level`",
        )),
        other => {
            let what = match other {
                "fence" | "unfence" | "reboot" => "no node was fenced",
                "confirm" => "nothing was confirmed",
                _ => "nothing is known of it",
            };
            Err(fail(
                ExitCode::UnimplementFeature,
                format!(
                    "this version of Systole does not fence nodes yet, so --{other} is refused and \
                     {what}"
                ),
            ))
        }
    }
}

fn listed(list: &str, what: &str, names: &[String]) -> Said {
    let mut element =
        Element::new("list").with("name", list).with("count", names.len().to_string());
    let mut text = String::new();
    for name in names {
        element.push(with_text("item", name));
        let _infallible = writeln!(text, "{name}");
    }
    let _infallible = match names.len() {
        0 => writeln!(text, "No {what} found"),
        1 => writeln!(text, "1 {} found", what.trim_end_matches('s')),
        count => writeln!(text, "{count} {what} found"),
    };
    Said { text, xml: vec![element] }
}

/// Returns the devices that are configured.
fn devices() -> Result<Vec<String>, Answer> {
    let document = CibSource::open().and_then(|mut source| source.query()).map_err(|error| {
        fail(error.code(), format!("Could not connect to fencer: {}", error.chain()))
    })?;
    Ok(pcs::resource::primitives(&document)
        .filter(|primitive| pcs::resource::is_stonith(primitive))
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect())
}

fn agent(options: &Options) -> Result<AgentName, Answer> {
    match options.value("agent").filter(|agent| !agent.is_empty()) {
        Some(agent) => Ok(AgentName::stonith(agent)),
        None => Err(Answer {
            err: "Please specify an agent to query using -a,--agent [value]\n".to_owned(),
            code: Some(ExitCode::Usage),
            ..Answer::default()
        }),
    }
}

fn metadata(options: &Options) -> Result<Said, Answer> {
    let name = agent(options)?;
    let text = agent_files::metadata(&name).map_err(|why| {
        Answer::fail(ExitCode::NoSuch, format!("Can't get fence agent meta-data: {why}"))
    })?;
    let mut wrapper = Element::new("metadata").with("agent", name.kind.as_str());
    if let Ok(parsed) = cib::parse(&text) {
        wrapper.push(parsed);
    }
    let text = if text.ends_with('\n') { text } else { format!("{text}\n") };
    Ok(Said { text, xml: vec![wrapper] })
}

fn validate(options: &Options) -> Result<Said, Answer> {
    let name = agent(options)?;
    let mut parameters = Vec::new();
    for (option, value) in options.all().filter(|(option, _)| *option == "option") {
        let text = value.unwrap_or_default();
        let Some((key, value)) = text.split_once('=') else {
            return Err(fail(
                ExitCode::Usage,
                format!("`--{option} {text}` is no parameter; write NAME=VALUE"),
            ));
        };
        parameters.push((key.to_owned(), value.to_owned()));
    }
    let kind = &name.kind;
    agent_files::metadata(&name)
        .map_err(|why| fail(ExitCode::NoSuch, format!("there is no fence agent {kind}: {why}")))?;
    let Some(result) = agent_files::validate(&name, &parameters) else {
        return Err(fail(
            ExitCode::Error,
            format!("the fence agent {kind} could not check its parameters"),
        ));
    };
    if result.valid {
        let xml = Element::new("validate").with("agent", kind.as_str()).with("valid", "true");
        return Ok(Said { text: format!("Validation of {kind} succeeded\n"), xml: vec![xml] });
    }
    let reasons = result.output.join("; ");
    Err(Answer::fail(ExitCode::Error, format!("Validation of {kind} failed: {reasons}")))
}

const USAGE: &str = "\
stonith_admin - fence agents and fence devices
Usage: stonith_admin <command> [options]

Commands:
 -I, --list-installed     List the fence agents there are
 -M, --metadata           Show the metadata of an agent (needs -a)
 -K, --validate           Have an agent check parameters (needs -a; see -o)
 -L, --list-registered    List the devices that are configured

Options:
 -a, --agent=AGENT        The agent
 -o, --option=NAME=VALUE  A parameter (may be given several times)
     --output-as=FORMAT   text or xml
 -?, --help               This text
 -$, --version            Version information

This version does not fence nodes yet: --fence, --reboot, --unfence, --confirm, --history, --last,
--query, --list and --list-targets are refused. Devices are configured with `pcs stonith`.
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::{answer, listed};

    #[test]
    fn who_asks_for_fencing_is_told_that_there_was_none() {
        for words in [["-F", "ser1"], ["--reboot", "ser1"], ["--confirm", "ser1"], ["-H", "ser1"]] {
            let refused = answer(&words.map(str::to_owned)).unwrap_err();
            assert_eq!(refused.code, Some(ExitCode::UnimplementFeature));
            assert!(refused.err.contains("does not fence"), "{}", refused.err);
        }
        assert_eq!(answer(&["-M".to_owned()]).unwrap_err().code, Some(ExitCode::Usage));
    }

    #[test]
    fn lists_end_with_a_count() {
        let names = ["fence_a".to_owned(), "fence_b".to_owned()];
        assert_eq!(
            listed("agents", "fence devices", &names).text,
            "fence_a\nfence_b\n2 fence devices found\n"
        );
        assert_eq!(listed("agents", "fence devices", &[]).text, "No fence devices found\n");
    }
}

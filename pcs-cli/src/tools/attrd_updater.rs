//! `attrd_updater`: attributes of nodes that live as long as their membership. Agents call it.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use wire::tools::attribute_request::Verb;
use wire::tools::{AttributeReply, AttributeRequest};

use crate::live::{Live, LiveError};

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "attrd_updater";

const SPECS: [Spec; 21] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    ('n', "name", Takes::Value),
    ('P', "pattern", Takes::Value),
    ('U', "update", Takes::Value),
    ('v', "value", Takes::Value),
    ('B', "update-both", Takes::Value),
    ('Y', "update-delay", Takes::Nothing),
    ('Q', "query", Takes::Nothing),
    ('D', "delete", Takes::Nothing),
    ('R', "refresh", Takes::Nothing),
    ('d', "delay", Takes::Value),
    ('s', "set", Takes::Value),
    ('N', "node", Takes::Value),
    ('A', "all", Takes::Nothing),
    ('l', "lifetime", Takes::Value),
    ('p', "private", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    let xml = frame::wants_xml(&options)?;
    asked(&options, arguments, xml).map_err(|answer| frame::failed(TOOL, arguments, xml, answer))
}

fn asked(options: &Options, arguments: &[String], xml: bool) -> Result<Answer, Answer> {
    let written = options.last_of(&[
        "update",
        "value",
        "update-both",
        "update-delay",
        "query",
        "delete",
        "refresh",
    ]);
    if written == Some("refresh") {
        // every member always holds all values
        Live::connect(TOOL).map_err(|error| unreachable(&error))?;
        return Ok(Answer::default());
    }
    let name = options.value("name").unwrap_or_default();
    if name.is_empty() {
        return Err(Answer::fail(
            ExitCode::Usage,
            "attrd_updater: Command requires --name argument",
        ));
    }
    let mut live = Live::connect(TOOL).map_err(|error| unreachable(&error))?;
    let request = request(options, written, name)?;
    if request.verb == Verb::Query as i32 {
        let reply = live.attributes(request).map_err(|error| unreachable(&error))?;
        return values(name, &reply, xml, arguments);
    }
    change(&mut live, request).map(|()| Answer::default())
}

/// The node whose attribute is meant: the one that is named, else the one an agent works for,
/// else (empty) this one.
pub(crate) fn node_of(options: &Options) -> String {
    match options.value("node") {
        None | Some("" | "auto" | "localhost") => {
            std::env::var("OCF_RESKEY_CRM_meta_on_node").unwrap_or_default()
        }
        Some(node) => node.to_owned(),
    }
}

fn request(
    options: &Options,
    written: Option<&str>,
    name: &str,
) -> Result<AttributeRequest, Answer> {
    let delay = options.value("delay").map(|text| {
        frame::milliseconds(text).ok_or_else(|| {
            Answer::fail(ExitCode::Usage, format!("{TOOL}: invalid delay `{text}`; write 5 or 5s"))
        })
    });
    let mut request = AttributeRequest {
        name: name.to_owned(),
        node: node_of(options),
        private: options.has("private"),
        dampen_ms: delay.transpose()?.unwrap_or(0),
        set: options.value("set").unwrap_or_default().to_owned(),
        ..AttributeRequest::default()
    };
    match written {
        None | Some("query") => {
            request.verb = Verb::Query as i32;
            if options.has("all") {
                "*".clone_into(&mut request.node);
            }
        }
        Some("delete") => request.verb = Verb::Delete as i32,
        Some("update-delay") => {
            return Err(Answer::fail(
                ExitCode::UnimplementFeature,
                format!(
                    "{TOOL}: a delay holds for the update that brings it; give both with \
                     --update-both VALUE --delay SECONDS"
                ),
            ));
        }
        Some(option) => {
            request.verb = Verb::Update as i32;
            request.value = options.value(option).unwrap_or_default().to_owned();
        }
    }
    Ok(request)
}

/// Sets or takes away an attribute; says why where that failed.
pub(crate) fn change(live: &mut Live, request: AttributeRequest) -> Result<(), Answer> {
    let value = if request.verb == Verb::Delete as i32 { "(null)" } else { request.value.as_str() };
    let what = format!("{}={value}", request.name);
    let reply = live.attributes(request).map_err(|error| {
        Answer::fail(error.code(), format!("{TOOL}: Could not update {what}: {error}"))
    })?;
    match ExitCode::from_code(reply.code) {
        ExitCode::Ok => Ok(()),
        code => {
            Err(Answer::fail(code, format!("{TOOL}: Could not update {what}: {}", reply.message)))
        }
    }
}

fn unreachable(error: &LiveError) -> Answer {
    Answer::fail(error.code(), format!("{TOOL}: Could not connect to attrd: {error}"))
}

fn values(
    name: &str,
    reply: &AttributeReply,
    xml: bool,
    arguments: &[String],
) -> Result<Answer, Answer> {
    let code = ExitCode::from_code(reply.code);
    if code != ExitCode::Ok || reply.values.is_empty() {
        let why =
            if reply.message.is_empty() { "attribute does not exist" } else { &reply.message };
        let code = if code == ExitCode::Ok { ExitCode::NoSuch } else { code };
        return Err(Answer::fail(code, format!("Could not query value of {name}: {why}")));
    }
    if xml {
        let parts = reply.values.iter().map(|value| {
            Element::new("attribute")
                .with("name", value.name.as_str())
                .with("value", value.value.as_str())
                .with("host", value.node.as_str())
        });
        return Ok(frame::xml(TOOL, arguments, parts.collect()));
    }
    Ok(Answer::text(reply.values.iter().fold(String::new(), |mut out, value| {
        let _infallible = writeln!(
            out,
            "name=\"{}\" host=\"{}\" value=\"{}\"",
            value.name, value.node, value.value
        );
        out
    })))
}

const USAGE: &str = "\
attrd_updater - query and change attributes of nodes that live as long as their membership
Usage: attrd_updater -n NAME <command> [options]

Commands (without one: query):
 -U, --update=VALUE       Set the attribute (also value++ and value+=N)
 -B, --update-both=VALUE  Set the attribute, and the delay of --delay
 -Q, --query              Query the attribute's value
 -D, --delete             Take the attribute away
 -R, --refresh            Accepted; every node always holds all values

Options:
 -n, --name=NAME          The attribute's name
 -d, --delay=SECONDS      Wait so long for further changes before the cluster acts on this one
 -s, --set=ID             The attribute set in which to place the value
 -N, --node=NODE          Set the attribute for this node (instead of the local one)
 -A, --all                Show the attribute's values on all nodes (query only)
 -p, --private            If this makes a new attribute, never write it to the CIB
     --output-as=FORMAT   text or xml
 -h, --help               This text
 -$, --version            Version information
 -l, --lifetime=SECTION, -q, --quiet, -V, --verbose
                          Accepted
";

#[cfg(test)]
mod tests {
    use model::ExitCode;
    use wire::tools::AttributeReply;
    use wire::tools::attribute_reply::Value;
    use wire::tools::attribute_request::Verb;

    use super::super::options::Options;
    use super::{SPECS, answer, request, values};

    fn options(words: &[&str]) -> Options {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        Options::parse(&words, &SPECS).unwrap()
    }

    #[test]
    fn values_are_written_as_agents_cut_them() {
        let reply = AttributeReply {
            values: vec![Value { node: "ser1".into(), name: "x".into(), value: "v 1".into() }],
            ..AttributeReply::default()
        };
        let answer = values("x", &reply, false, &[]).unwrap();
        assert_eq!(answer.out, "name=\"x\" host=\"ser1\" value=\"v 1\"\n");
        let none = AttributeReply { code: ExitCode::NoSuch.code(), ..AttributeReply::default() };
        let answer = values("x", &none, false, &[]).unwrap_err();
        assert_eq!(answer.code, Some(ExitCode::NoSuch));
        assert_eq!(answer.err, "Could not query value of x: attribute does not exist\n");
    }

    #[test]
    fn an_update_says_which_value_where_and_how_soon() {
        let words = options(&["-n", "pingd", "-B", "1000", "-d", "5s", "-N", "ser2", "-p"]);
        let asked = request(&words, Some("update-both"), "pingd").unwrap();
        assert_eq!((asked.verb, asked.value.as_str()), (Verb::Update as i32, "1000"));
        assert_eq!((asked.node.as_str(), asked.dampen_ms, asked.private), ("ser2", 5000, true));
        let asked = request(&options(&["-n", "a", "-Q", "-A"]), Some("query"), "a").unwrap();
        assert_eq!((asked.verb, asked.node.as_str()), (Verb::Query as i32, "*"));
    }

    #[test]
    fn a_name_is_needed() {
        assert_eq!(answer(&["-Q".to_owned()]).unwrap_err().code, Some(ExitCode::Usage));
    }
}

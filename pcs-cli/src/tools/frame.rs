//! What tools have in common: how they read options, and the XML around their answers.

use cib::{Content, Element};
use model::ExitCode;

use super::answer::{Answer, VERSION};
use super::options::{Options, Spec};

/// The version of the XML that tools print, as programs that read it know it.
const API_VERSION: &str = "2.25";

/// Reads the options of a tool; what is wrong, `--help` and `--version` are answered at once.
pub(crate) fn options(
    tool: &str,
    arguments: &[String],
    specs: &[Spec],
    usage: &str,
) -> Result<Options, Answer> {
    let options = Options::parse(arguments, specs)
        .map_err(|error| Answer::fail(ExitCode::Usage, format!("{tool}: {error}")))?;
    if options.has("help") || options.has("help-all") {
        return Err(Answer::text(usage));
    }
    if options.has("version") {
        return Err(Answer::text(VERSION));
    }
    Ok(options)
}

/// Reads the options of one of corosync's tools, which show their usage with what is wrong.
pub(crate) fn corosync_options(
    tool: &str,
    arguments: &[String],
    specs: &[Spec],
    usage: &str,
) -> Result<Options, Answer> {
    let options = Options::parse(arguments, specs).map_err(|error| {
        Answer::fail(ExitCode::Error, format!("{tool}: {error}\n{}", usage.trim_end()))
    })?;
    if options.has("help") {
        return Err(Answer::text(usage));
    }
    Ok(options)
}

/// Tells whether a tool is to answer in XML.
pub(crate) fn wants_xml(options: &Options) -> Result<bool, Answer> {
    match options.value("output-as") {
        None | Some("text") => Ok(false),
        Some("xml") => Ok(true),
        Some(other) => Err(Answer::fail(
            ExitCode::Error,
            format!("invalid output format `{other}`; formats are text, xml"),
        )),
    }
}

/// Puts elements into the frame that tools give their XML.
pub(crate) fn xml(tool: &str, arguments: &[String], parts: Vec<Element>) -> Answer {
    framed(tool, arguments, parts, ExitCode::Ok, "")
}

/// Puts a failure into that frame, where XML was asked for.
pub(crate) fn failed(tool: &str, arguments: &[String], xml: bool, answer: Answer) -> Answer {
    if !xml {
        return answer;
    }
    let code = answer.code.unwrap_or(ExitCode::Ok);
    framed(tool, arguments, Vec::new(), code, &answer.err)
}

/// Puts elements and how it ended into that frame.
pub(crate) fn with_status(
    tool: &str,
    arguments: &[String],
    parts: Vec<Element>,
    answer: Answer,
) -> Answer {
    framed(tool, arguments, parts, answer.code.unwrap_or(ExitCode::Ok), &answer.err)
}

fn framed(
    tool: &str,
    arguments: &[String],
    parts: Vec<Element>,
    code: ExitCode,
    errors: &str,
) -> Answer {
    let mut result = Element::new("pacemaker-result")
        .with("api-version", API_VERSION)
        .with("request", format!("{tool} {}", arguments.join(" ")).trim_end());
    for part in parts {
        result.push(part);
    }
    let mut status =
        Element::new("status").with("code", code.code().to_string()).with("message", code.text());
    if !errors.is_empty() {
        let mut list = Element::new("errors");
        // how the command ended belongs to what was said before
        let lines = errors.trim_end().replace("\nError performing", "\0Error performing");
        for line in lines.lines() {
            list.push(with_text("error", &line.replace('\0', "\n")));
        }
        status.push(list);
    }
    result.push(status);
    Answer { out: result.to_xml(), err: String::new(), code: Some(code) }
}

/// Makes an element that holds nothing but a text.
pub(crate) fn with_text(name: &str, text: &str) -> Element {
    let mut element = Element::new(name);
    element.content_mut().push(Content::Text(text.into()));
    element
}

/// Reads a time as tools take it: `5`, `5s`, `100ms`, `2min`, `PT5M`; the answer is in milliseconds.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    text.parse::<model::Interval>().ok().map(|interval| interval.0)
}

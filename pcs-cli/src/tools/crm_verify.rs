//! `crm_verify`: whether a configuration is valid and makes sense.

use cib::validate::{self, Level};
use cib::{Element, upgrade};
use model::ExitCode;

use crate::cib_source::{self, CibSource};

use super::answer::{Answer, InputError, VERSION, xml_input};
use super::monitor_facts;
use super::options::{Options, Spec, Takes};

const SPECS: [Spec; 11] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    (' ', "output-to", Takes::Value),
    ('L', "live-check", Takes::Nothing),
    ('x', "xml-file", Takes::Value),
    ('p', "xml-pipe", Takes::Nothing),
    ('X', "xml-text", Takes::Value),
    ('S', "save-xml", Takes::Value),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => return Answer::fail(ExitCode::Usage, format!("crm_verify: {error}")).print(),
    };
    let answer = answer(&options);
    match options.value("output-as") {
        None | Some("text") => answer,
        Some("xml") => as_xml(answer, arguments),
        Some(other) => Answer::fail(
            ExitCode::Error,
            format!("crm_verify: Invalid output format `{other}`; formats are text, xml"),
        ),
    }
    .print()
}

/// Puts the result into the frame that Pacemaker's tools give their XML output.
fn as_xml(answer: Answer, arguments: &[String]) -> Answer {
    let code = answer.code.unwrap_or(ExitCode::Ok);
    let mut status =
        Element::new("status").with("code", code.code().to_string()).with("message", code.text());
    if code != ExitCode::Ok {
        let mut errors = Element::new("errors");
        for line in answer.err.lines() {
            let mut error = Element::new("error");
            error.content_mut().push(cib::Content::Text(line.into()));
            errors.push(error);
        }
        status.push(errors);
    }
    let result = Element::new("pacemaker-result")
        .with("api-version", "2.25")
        .with("request", format!("crm_verify {}", arguments.join(" ")))
        .with_child(status);
    Answer { out: result.to_xml(), err: String::new(), code: Some(code) }
}

fn answer(options: &Options) -> Answer {
    if options.has("help") || options.has("help-all") {
        return Answer::text(USAGE);
    }
    if options.has("version") {
        return Answer::text(VERSION);
    }
    let document = if options.has("live-check") {
        live().map_err(|why| Answer::fail(ExitCode::NoInput, format!("crm_verify: {why}")))
    } else {
        match xml_input(options) {
            Some(read) => read.map_err(|why| {
                // what is no XML is no valid configuration; what can't be read may be one
                let code = match why {
                    InputError::Malformed { .. } => ExitCode::Config,
                    InputError::Unreadable { .. } => ExitCode::Error,
                };
                Answer::fail(code, format!("crm_verify: {why}"))
            }),
            None => Err(Answer::fail(
                ExitCode::Error,
                "crm_verify: No configuration source specified.  Use --help for usage information.",
            )),
        }
    };
    match document {
        Ok(document) => verify(options, &document),
        Err(answer) => answer,
    }
}

fn live() -> Result<Element, String> {
    CibSource::open()
        .and_then(|mut source| source.query())
        .map_err(|error| format!("CIB query failed: {}", error.chain()))
}

fn verify(options: &Options, document: &Element) -> Answer {
    if document.name() != "cib" {
        return Answer::fail(
            ExitCode::Protocol,
            "crm_verify: This tool can only check complete configurations \
             (i.e. those starting with <cib>).",
        );
    }
    let from = options.value("xml-file").map(|file| format!("{file}: ")).unwrap_or_default();
    let mut findings = validate::check(document);
    if findings.iter().all(|finding| finding.level == Level::Warning) {
        findings.extend(validate::sense(document));
    }
    let mut answer = Answer::default();
    for finding in &findings {
        let level = match finding.level {
            Level::Error => "error: ",
            Level::Warning => "warning: ",
        };
        answer.err.push_str(&format!("{from}{level}{finding}\n"));
    }
    if findings.iter().any(|finding| finding.level == Level::Error) {
        answer.err.push_str("crm_verify: Errors found during check: config not valid\n");
        answer.code = Some(ExitCode::Config);
        return answer;
    }
    let lost = unclean_nodes(document);
    if !lost.is_empty() {
        for node in lost {
            answer.err.push_str(&format!(
                "{from}warning: node `{node}` is unclean: what runs there is not known, and it is to \
                 be fenced; 'pcs stonith confirm {node}' says that it is down\n"
            ));
        }
        answer.err.push_str("crm_verify: Warnings found during check: config may not be valid\n");
        answer.code = Some(ExitCode::Config);
    }
    if let Some(file) = options.value("save-xml") {
        // as the cluster would use it
        let current = upgrade::to_third_generation(document).unwrap_or_else(|_| document.clone());
        if let Err(error) = cib_source::write(file.as_ref(), &current) {
            return Answer::fail(ExitCode::CantCreat, format!("crm_verify: {}", error.chain()));
        }
    }
    answer
}

/// Returns the nodes that a document leaves in doubt.
fn unclean_nodes(document: &Element) -> Vec<String> {
    // an old document means what it is upgraded to
    let upgraded = upgrade::to_current(document).ok();
    let seen = monitor_facts::seen(upgraded.as_ref().unwrap_or(document));
    let unclean = seen.status.nodes.into_iter().filter(|node| node.unclean);
    unclean.map(|node| node.name).collect()
}

const USAGE: &str = "\
Usage:
  crm_verify [OPTION...]

Check a cluster configuration: its syntax, and common mistakes in what it says. What is wrong is
printed with its line. Exits 0 when the configuration can be used, 78 when it can't or leaves a node in doubt

Data sources:
  -L, --live-check        Check the configuration used by the running cluster (or CIB_file)
  -x, --xml-file=FILE     Check the configuration in the named file
  -p, --xml-pipe          Check the configuration piped in via stdin
  -X, --xml-text=XML      Check the configuration in the supplied string

Additional options:
  -S, --save-xml=FILE     Save the verified XML to the named file
  --output-as=FORMAT      text (default) or xml

Application Options:
  -h, --help              Show this text
  -$, --version           Display software version and exit
  -V, --verbose           Accepted; everything is printed anyway
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::{Options, SPECS, answer};

    fn say(document: &str) -> super::Answer {
        let words = ["-X".to_owned(), document.to_owned()];
        answer(&Options::parse(&words, &SPECS).unwrap())
    }

    #[test]
    fn a_sensible_configuration_passes_in_silence() {
        let document = cib::edit::empty();
        let mut document = document;
        document.at_mut(&["configuration", "crm_config"]).unwrap().push(
            cib::parse(
                "<cluster_property_set id=\"o\"><nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/></cluster_property_set>",
            )
            .unwrap(),
        );
        let said = say(&document.to_xml());
        assert_eq!((said.err.as_str(), said.code), ("", None));
    }

    #[test]
    fn what_is_wrong_is_printed_with_its_line() {
        let document =
            cib::edit::empty().to_xml().replace("<nodes/>", "<nodes><nod id=\"1\"/></nodes>");
        let said = say(&document);
        assert_eq!(said.code, Some(ExitCode::Config));
        assert!(
            said.err.starts_with(
                "error: line 4: <nod id=\"1\"> can't stand inside <nodes>; did you mean `node`?\n"
            ),
            "{}",
            said.err
        );
        assert_eq!(say("<resources/>").code, Some(ExitCode::Protocol));
        assert_eq!(say("<cib").code, Some(ExitCode::Config));
    }
}

//! `crm_resource`: resources asked after and acted on, one by one. What each command does is in
//! the files beside this one.

use std::time::Duration;

use cib::Element;
use model::ExitCode;
use view::seen::Seen;

use crate::by_hand;
use crate::cib_source::{CibSource, SourceError};
use crate::live::{Live, LiveError};

use super::answer::Answer;
use super::frame;
use super::monitor_facts;
use super::options::{Options, Spec, Takes};
use super::{
    resource_agents, resource_by_hand, resource_digests, resource_history, resource_parameters,
    resource_places, resource_queries, resource_relations,
};

/// The tool's name.
pub(super) const TOOL: &str = "crm_resource";

const SPECS: [Spec; 70] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    ('r', "resource", Takes::Value),
    (' ', "output-as", Takes::Value),
    ('L', "list", Takes::Nothing),
    ('l', "list-raw", Takes::Nothing),
    ('O', "list-operations", Takes::Nothing),
    ('o', "list-all-operations", Takes::Nothing),
    (' ', "list-standards", Takes::Nothing),
    (' ', "list-ocf-providers", Takes::Maybe),
    (' ', "list-agents", Takes::Value),
    (' ', "list-ocf-alternatives", Takes::Value),
    (' ', "show-metadata", Takes::Value),
    ('q', "query-xml", Takes::Nothing),
    ('w', "query-xml-raw", Takes::Nothing),
    ('g', "get-parameter", Takes::Value),
    ('G', "get-property", Takes::Value),
    ('W', "locate", Takes::Nothing),
    ('a', "constraints", Takes::Nothing),
    ('A', "stack", Takes::Nothing),
    ('Y', "why", Takes::Nothing),
    (' ', "validate", Takes::Maybe),
    ('C', "cleanup", Takes::Nothing),
    ('R', "refresh", Takes::Nothing),
    ('P', "reprobe", Takes::Nothing),
    ('p', "set-parameter", Takes::Value),
    ('d', "delete-parameter", Takes::Value),
    ('M', "move", Takes::Nothing),
    ('B', "ban", Takes::Nothing),
    ('U', "clear", Takes::Nothing),
    (' ', "un-move", Takes::Nothing),
    ('e', "expired", Takes::Nothing),
    ('u', "lifetime", Takes::Value),
    (' ', "promoted", Takes::Nothing),
    (' ', "master", Takes::Nothing),
    ('D', "delete", Takes::Nothing),
    ('F', "fail", Takes::Nothing),
    (' ', "restart", Takes::Nothing),
    (' ', "wait", Takes::Nothing),
    (' ', "digests", Takes::Nothing),
    (' ', "force-demote", Takes::Nothing),
    (' ', "force-stop", Takes::Nothing),
    (' ', "force-start", Takes::Nothing),
    (' ', "force-promote", Takes::Nothing),
    (' ', "force-check", Takes::Maybe),
    ('N', "node", Takes::Value),
    ('H', "host-uname", Takes::Value),
    (' ', "recursive", Takes::Nothing),
    ('t', "resource-type", Takes::Value),
    ('v', "parameter-value", Takes::Value),
    ('m', "meta", Takes::Nothing),
    ('z', "utilization", Takes::Nothing),
    (' ', "element", Takes::Value),
    ('n', "operation", Takes::Value),
    ('I', "interval", Takes::Value),
    (' ', "class", Takes::Value),
    (' ', "agent", Takes::Value),
    (' ', "provider", Takes::Value),
    (' ', "option", Takes::Value),
    ('s', "set-name", Takes::Value),
    ('i', "nvpair", Takes::Value),
    ('T', "timeout", Takes::Value),
    ('f', "force", Takes::Nothing),
    ('S', "set-property", Takes::Value),
    ('c', "list-cts", Takes::Nothing),
    (' ', "output-to", Takes::Value),
    (' ', "text-fancy", Takes::Nothing),
];

const COMMANDS: [&str; 38] = [
    "list",
    "list-raw",
    "list-operations",
    "list-all-operations",
    "list-standards",
    "list-ocf-providers",
    "list-agents",
    "list-ocf-alternatives",
    "show-metadata",
    "query-xml",
    "query-xml-raw",
    "get-parameter",
    "get-property",
    "locate",
    "constraints",
    "stack",
    "why",
    "validate",
    "cleanup",
    "refresh",
    "reprobe",
    "set-parameter",
    "set-property",
    "delete-parameter",
    "move",
    "ban",
    "clear",
    "un-move",
    "delete",
    "fail",
    "restart",
    "wait",
    "digests",
    "force-demote",
    "force-stop",
    "force-start",
    "force-promote",
    "force-check",
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

/// What a command says, in both forms.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) text: String,
    /// For standard error, beside the text.
    pub(super) remark: String,
    pub(super) xml: Vec<Element>,
    /// How it ended, where that is no error of the tool.
    pub(super) code: Option<ExitCode>,
}

impl Said {
    /// Says the same with and without XML, where there is nothing to put into elements.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// One call of the tool.
pub(super) struct Call {
    pub(super) options: Options,
    source: Option<CibSource>,
}

impl Call {
    fn source(&mut self) -> Result<&mut CibSource, Answer> {
        if self.source.is_none() {
            self.source = Some(CibSource::open().map_err(|error| not_connected(&error))?);
        }
        self.source.as_mut().ok_or_else(|| fail(ExitCode::Software, "there is no document"))
    }

    /// Returns the document.
    pub(super) fn document(&mut self) -> Result<Element, Answer> {
        self.source()?.query().map_err(|error| not_connected(&error))
    }

    /// Tells whether the running cluster is asked, not a file.
    pub(super) fn is_live(&mut self) -> Result<bool, Answer> {
        Ok(self.source()?.is_live())
    }

    /// Returns the state of nodes and resources in a document.
    pub(super) fn seen(&mut self, document: &Element) -> Result<Seen, Answer> {
        let mut seen = monitor_facts::seen(document);
        if self.is_live()? {
            let info = live()?.info().map_err(|error| no_controller(&error))?;
            seen.with_live(&info);
        }
        Ok(seen)
    }

    /// Changes the document.
    pub(super) fn change(&mut self, request: &cib::edit::Request) -> Result<(), Answer> {
        self.source()?.send(request).map_err(|error| {
            fail(error.code(), format!("Error performing operation: {}", error.chain()))
        })
    }

    /// Returns the resource that is meant; a command that needs one fails without.
    pub(super) fn resource(&self) -> Result<&str, Answer> {
        self.options
            .value("resource")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| fail(ExitCode::Usage, "Must supply a resource id with -r"))
    }

    /// Returns the resource that is meant, as it stands in the document: of an instance (`A:0`)
    /// that is what it is an instance of.
    pub(super) fn element(&self, document: &Element) -> Result<Element, Answer> {
        let id = self.resource()?;
        find(document, id).cloned().ok_or_else(|| {
            let near = pcs::resource::near(document, id);
            let hint = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            Answer::fail(
                ExitCode::NoSuch,
                format!(
                    "{TOOL}: Resource '{id}' not found{hint}\nError performing operation: {}",
                    ExitCode::NoSuch
                ),
            )
        })
    }

    /// Returns the node that is meant, if one is.
    pub(super) fn node(&self) -> Option<&str> {
        let given = self.options.value("node").or(self.options.value("host-uname"));
        given.filter(|name| !name.is_empty())
    }

    /// Returns how long may be waited.
    pub(super) fn patience(&self) -> Result<Option<Duration>, Answer> {
        let Some(text) = self.options.value("timeout") else { return Ok(None) };
        match frame::milliseconds(text) {
            Some(0) => Ok(None),
            Some(ms) => Ok(Some(Duration::from_millis(ms))),
            None => Err(fail(
                ExitCode::Usage,
                format!("invalid timeout `{text}`; write 30s, 500ms, 2min"),
            )),
        }
    }

    /// Returns the parameters that were given as words, to be used instead of the document's.
    pub(super) fn instead(&self) -> Result<Vec<(String, String)>, Answer> {
        let pair = |word: &String| {
            let (name, value) = word.split_once('=').filter(|(name, _)| !name.is_empty())?;
            Some((name.to_owned(), value.to_owned()))
        };
        self.options
            .words
            .iter()
            .map(|word| {
                let wrong = || fail(ExitCode::Usage, format!("`{word}` is not NAME=VALUE"));
                pair(word).ok_or_else(wrong)
            })
            .collect()
    }

    /// Tells that a quiet answer is wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.options.has("quiet")
    }
}

/// Finds a resource by its name or that of an instance.
pub(super) fn find<'a>(document: &'a Element, id: &str) -> Option<&'a Element> {
    pcs::resource::find(document, id).or_else(|| {
        let (base, number) = id.rsplit_once(':')?;
        number.parse::<u32>().ok()?;
        pcs::resource::find(document, base)
    })
}

/// Makes a failure that names the tool.
pub(super) fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

/// Makes a failure of a command that was understood.
pub(super) fn none(code: ExitCode, text: &str) -> Answer {
    fail(code, format!("{text}\nError performing operation: {code}"))
}

fn not_connected(error: &SourceError) -> Answer {
    let code = error.code();
    let mut answer = fail(code, format!("Could not connect to the CIB: {}", error.chain()));
    answer.err.push_str(&format!("Error performing operation: {code}\n"));
    answer
}

/// Says that the running cluster could not be asked.
pub(super) fn no_controller(error: &LiveError) -> Answer {
    let mut answer = fail(error.code(), format!("Error connecting to the controller: {error}"));
    answer.err.push_str(&format!("Error performing operation: {}\n", error.code()));
    answer
}

/// Connects to the running cluster.
pub(super) fn live() -> Result<Live, Answer> {
    Live::connect(TOOL).map_err(|error| no_controller(&error))
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, super::resource_usage::USAGE)?;
    let xml = frame::wants_xml(&options)?;
    let command = options.last_of(&COMMANDS).unwrap_or("list");
    let takes_pairs =
        matches!(command, "validate" | "digests") || by_hand::action(command).is_some();
    if !options.words.is_empty() && !takes_pairs {
        let answer =
            fail(ExitCode::Usage, format!("non-option words: {}", options.words.join(" ")));
        return Err(frame::failed(TOOL, arguments, xml, answer));
    }
    let mut call = Call { options, source: None };
    let said = dispatch(&mut call, command)
        .map_err(|answer| frame::failed(TOOL, arguments, xml, answer))?;
    let answer = Answer { out: said.text, err: said.remark, code: said.code };
    Ok(if xml { frame::with_status(TOOL, arguments, said.xml, answer) } else { answer })
}

fn dispatch(call: &mut Call, command: &str) -> Result<Said, Answer> {
    match command {
        "list" => resource_queries::list(call),
        "list-raw" => resource_queries::names(call),
        "query-xml" => resource_queries::xml(call, true),
        "query-xml-raw" => resource_queries::xml(call, false),
        "locate" => resource_queries::locate(call),
        "why" => resource_queries::why(call),
        "list-operations" => resource_history::operations(call, false),
        "list-all-operations" => resource_history::operations(call, true),
        "cleanup" => resource_history::forget(call, true),
        "refresh" | "reprobe" => resource_history::forget(call, false),
        "fail" => resource_history::fail_resource(call),
        "constraints" => resource_relations::constraints(call, false),
        "stack" => resource_relations::constraints(call, true),
        "list-standards"
        | "list-ocf-providers"
        | "list-agents"
        | "list-ocf-alternatives"
        | "show-metadata" => resource_agents::run(call, command),
        "get-parameter" => resource_parameters::get(call),
        "get-property" => resource_parameters::get_property(call),
        "set-parameter" => resource_parameters::set(call),
        "set-property" => resource_parameters::set_property(call),
        "delete-parameter" => resource_parameters::delete(call),
        "move" => resource_places::prefer(call),
        "ban" => resource_places::ban(call),
        "clear" | "un-move" => resource_places::clear(call),
        "delete" => resource_parameters::delete_resource(call),
        "restart" => resource_parameters::restart(call),
        "wait" => wait(call),
        "digests" => resource_digests::run(call),
        "validate" => resource_by_hand::validate(call),
        other => match by_hand::action(other) {
            Some(action) => resource_by_hand::force(call, other, action),
            None => Err(fail(ExitCode::Software, format!("--{other} is no command"))),
        },
    }
}

/// How long `--wait` waits when nobody says otherwise.
const WAIT_USUALLY: Duration = Duration::from_secs(3600);

/// Waits until the cluster has nothing to do; of a file that is always so.
fn wait(call: &mut Call) -> Result<Said, Answer> {
    let patience = call.patience()?.unwrap_or(WAIT_USUALLY);
    if !call.is_live()? {
        return Ok(Said::default());
    }
    let settled = live()?.wait_idle(patience).map_err(|error| no_controller(&error))?;
    if settled {
        return Ok(Said::default());
    }
    let pending = live()?.info().map(|info| info.waiting).unwrap_or_default();
    let pending: Vec<String> = pending.into_iter().map(|what| format!("\n\t{what}")).collect();
    Err(fail(
        ExitCode::Timeout,
        format!(
            "the cluster was still busy after {} s{}\nError performing operation: {}",
            patience.as_secs_f32(),
            pending.concat(),
            ExitCode::Timeout
        ),
    ))
}

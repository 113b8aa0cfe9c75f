//! `crm_simulate`: what the cluster would do, and what would come of it.

use std::mem::ManuallyDrop;
use std::path::Path;

use cib::Element;
use crmd::core::graph::TransitionGraph;
use model::calendar::{Moment, Style};
use model::{ExitCode, WallTime};

use crate::cib_source::{self, CibSource};
use crate::clock;

use super::answer::{Answer, VERSION, xml_input};
use super::options::{Options, Spec, Takes};
use super::simulate_events::{self, inject, specs};
use super::{frame, monitor_text, simulate_profile, simulate_xml, simulation};

const SPECS: [Spec; 37] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    (' ', "output-to", Takes::Value),
    (' ', "text-fancy", Takes::Nothing),
    ('R', "run", Takes::Nothing),
    ('S', "simulate", Takes::Nothing),
    ('X', "in-place", Takes::Nothing),
    ('A', "show-attrs", Takes::Nothing),
    ('c', "show-failcounts", Takes::Nothing),
    ('s', "show-scores", Takes::Nothing),
    ('U', "show-utilization", Takes::Nothing),
    ('P', "profile", Takes::Value),
    ('N', "repeat", Takes::Value),
    ('u', "node-up", Takes::Value),
    ('d', "node-down", Takes::Value),
    ('f', "node-fail", Takes::Value),
    ('i', "op-inject", Takes::Value),
    ('F', "op-fail", Takes::Value),
    ('t', "set-datetime", Takes::Value),
    ('q', "quorum", Takes::Value),
    ('w', "watchdog", Takes::Value),
    ('g', "ticket-grant", Takes::Value),
    ('r', "ticket-revoke", Takes::Value),
    ('b', "ticket-standby", Takes::Value),
    ('e', "ticket-activate", Takes::Value),
    ('I', "save-input", Takes::Value),
    ('O', "save-output", Takes::Value),
    ('G', "save-graph", Takes::Value),
    ('D', "save-dotfile", Takes::Value),
    ('a', "all-actions", Takes::Nothing),
    ('L', "live-check", Takes::Nothing),
    ('x', "xml-file", Takes::Value),
    ('p', "xml-pipe", Takes::Nothing),
];

const HELP: &str = "\
Usage: crm_simulate [OPTION...]

Show what the cluster would do with a document, and what would come of it

Operations:
  -R, --run                   Show the actions the cluster would take
  -S, --simulate              As --run, then take them on paper and show the new status
  -X, --in-place              As --simulate, and store the result back in the input file
  -s, --show-scores           Show scores of resources on nodes
  -U, --show-utilization      Show the nodes' capacity
  -A, --show-attrs            Show node attributes
  -c, --show-failcounts       Show fail counts
  -P, --profile=DIR           Plan every XML file of a directory and show how long each takes
  -N, --repeat=N              With --profile, plan each file N times

Events:
  -u, --node-up=NODE          Bring a node online
  -d, --node-down=NODE        Take a node offline in an orderly way
  -f, --node-fail=NODE        Lose a node
  -i, --op-inject=OPSPEC      Put an operation's result into the status first
  -F, --op-fail=OPSPEC        As --simulate, but let an operation fail
  -t, --set-datetime=TIME     Pretend it is this time (ISO 8601)
  -q, --quorum=BOOLEAN        Pretend to have a quorum or not
  -w, --watchdog=BOOLEAN      Pretend to have a watchdog or not
  -g, -r, -b, -e TICKET       Grant, revoke, suspend or activate a ticket

Data:
  -x, --xml-file=FILE         Read the document from a file (plain, bzip2 or xz)
  -p, --xml-pipe              Read it from standard input
  -L, --live-check            Ask the cluster, or take what CIB_shadow or CIB_file names
  -I, --save-input=FILE       Store the document that is planned on
  -O, --save-output=FILE      Store the document that comes of it
  -G, --save-graph=FILE       Store the transition graph
  -D, --save-dotfile=FILE     Store the graph for graphviz
  -a, --all-actions           With --save-dotfile, show optional actions, too
  -Q, --quiet                 Print only what was asked for
      --output-as=FORMAT      text, xml, or none
      --output-to=FILE        Write the answer to a file

In place of a FILE to store something in, `-` means standard output.
OPSPEC is RESOURCE_TASK_INTERVALMS@NODE=RC, like web_monitor_10000@node1=7
";

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => {
            return Answer::fail(ExitCode::Usage, format!("crm_simulate: {error}")).print();
        }
    };
    if options.has("help") || options.has("help-all") {
        return Answer::text(HELP).print();
    }
    if options.has("version") {
        return Answer::text(VERSION).print();
    }
    match answer(&options, arguments) {
        Ok(answer) => answer.print(),
        Err((code, text)) => Answer::fail(code, format!("crm_simulate: {text}")).print(),
    }
}

/// How to exit, and what to say.
pub(crate) type Failure = (ExitCode, String);

/// Reads the document that is meant: a file or standard input, else what other tools work on.
fn input(options: &Options) -> Result<Element, Failure> {
    let live = options.last_of(&["xml-file", "xml-pipe", "live-check"]) == Some("live-check");
    let read = if live { None } else { xml_input(options) };
    let document = match read {
        Some(read) => read.map_err(|error| (ExitCode::NoInput, error.to_string()))?,
        None => {
            let mut source = CibSource::open().map_err(|e| (e.code(), e.chain()))?;
            source.query().map_err(|e| (e.code(), e.chain()))?
        }
    };
    usable(document, options.value("xml-file").unwrap_or("the input"))
}

/// Brings what was read to the current schema; `from` is where it was read.
pub(crate) fn usable(document: Element, from: &str) -> Result<Element, Failure> {
    if document.name() != "cib" {
        let text = format!("{from} is not a CIB: it holds <{}>, not <cib>", document.name());
        return Err((ExitCode::NoInput, text));
    }
    let old = ["pacemaker-0", "pacemaker-1", "pacemaker-2"];
    let schema = document.get("validate-with").unwrap_or("none");
    if old.iter().any(|prefix| schema.starts_with(prefix)) {
        return cib::upgrade::to_current(&document)
            .map_err(|error| (ExitCode::Config, error.to_string()));
    }
    Ok(document)
}

/// How the answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Xml,
    Nothing,
}

impl Format {
    fn of(options: &Options) -> Result<Self, Failure> {
        match options.value("output-as") {
            None | Some("text") => Ok(Self::Text),
            Some("xml") => Ok(Self::Xml),
            Some("none") => Ok(Self::Nothing),
            Some(other) => {
                let text = format!("invalid output format `{other}`; formats are text, xml, none");
                Err((ExitCode::NoSuch, text))
            }
        }
    }
}

/// The options that name a file to store something in.
const STORED: [&str; 4] = ["save-input", "save-output", "save-graph", "save-dotfile"];

/// The moment that is taken for now where a document has none of its own, and how to plan.
fn engine(options: &Options) -> Result<(WallTime, pengine::Options), Failure> {
    let here = clock::here();
    let given = match options.value("set-datetime") {
        Some(text) => Some(Moment::parse(text, here).ok_or_else(|| {
            (ExitCode::Usage, format!("`{text}` is no time in ISO 8601, like 2026-11-21T04:30"))
        })?),
        None => None,
    };
    let now = WallTime::from_secs(given.unwrap_or(here).seconds);
    let engine = pengine::Options {
        utc_offset: here.offset,
        now_offset: given.map(|moment| moment.offset),
        time_is_set: given.is_some(),
        scores: options.has("show-scores"),
        utilization: options.has("show-utilization"),
        dot: match (options.has("save-dotfile"), options.has("all-actions")) {
            (false, _) => pengine::Dot::None,
            (true, false) => pengine::Dot::Needed,
            (true, true) => pengine::Dot::All,
        },
        is_last: true,
        ..pengine::Options::default()
    };
    Ok((now, engine))
}

/// The same for a document, whose date is told as it was on the clock here.
pub(crate) fn local(engine: pengine::Options, document: &Element) -> pengine::Options {
    let its_own = || execution_date(document).and_then(clock::offset_at);
    pengine::Options { now_offset: engine.now_offset.or_else(its_own), ..engine }
}

fn answer(options: &Options, arguments: &[String]) -> Result<Answer, Failure> {
    let format = Format::of(options)?;
    if options.has("in-place") && !options.has("xml-file") {
        return Err((ExitCode::Usage, "--in-place needs --xml-file".to_owned()));
    }
    if format != Format::Text
        && let Some(name) = STORED.iter().find(|name| options.value(name) == Some("-"))
    {
        let text = format!("--{name}=- goes with --output-as=text only; name a file");
        return Err((ExitCode::Usage, text));
    }
    let (now, engine) = engine(options)?;
    let mut said = Said::new(format);
    if let Some(directory) = options.value("profile") {
        let timings = simulate_profile::timings(directory, options, now, &engine)?;
        said.text = simulate_profile::text(&timings);
        said.parts.push(simulate_profile::xml(&timings));
        return finish(said, Answer::default(), "", options, arguments);
    }
    // the process ends when all is said: taking a large document apart takes as long as a plan
    let mut document = ManuallyDrop::new(input(options)?);
    let engine = local(engine, &document);
    let mut warnings = String::new();
    if document.get("validate-with") == Some("none") {
        warnings.push_str("Schema validation of configuration is disabled (support for validate-with set to \"none\" is deprecated and will be removed in a future release)\n");
    }
    let quiet = options.has("quiet");
    let mut err = String::new();
    if !quiet {
        let status = pengine::status::read(&document, now, &engine);
        let out = &mut said.text;
        out.push_str(&effective_date(&document, &engine, options));
        out.push_str(&view::status_text::maintenance_banner(&status));
        let line = view::status_text::instances_line(&status);
        if !line.is_empty() {
            out.push_str(&format!("{line}\n\n"));
        }
        out.push_str("Current cluster status:\n");
        out.push_str(&view::status_text::lists(&status));
        out.push_str(&details(&document, &status, options));
    }
    said.status("cluster_status", &document, now, &engine, options);
    let known = match options.has("op-inject") {
        true => simulation::known(&pengine::status::read(&document, now, &engine)),
        false => simulation::Known::new(),
    };
    let events = inject(&mut document, options, &known, &mut err)?;
    if !events.is_empty() {
        said.parts.push(simulate_events::xml(&events));
        if !quiet {
            said.text.push_str("\nPerforming Requested Modifications:\n");
            for event in &events {
                said.text.push_str(&format!("{}\n", event.text()));
            }
            said.text.push_str(&effective_date(&document, &engine, options));
        }
    }
    if let Some(path) = options.value("save-input") {
        said.store(path, &document.to_xml())?;
    }
    let simulate =
        ["simulate", "in-place", "op-fail"].iter().any(|operation| options.has(operation));
    let plans = simulate
        || ["run", "show-scores", "show-utilization", "save-graph", "save-dotfile"]
            .iter()
            .any(|name| options.has(name));
    if !plans {
        if let Some(path) = options.value("save-output") {
            said.store(path, &document.to_xml())?;
        }
        return finish(said, Answer { err, ..Answer::default() }, &warnings, options, arguments);
    }
    if !quiet {
        said.text.push('\n');
    }
    let mut code = None;
    let plan = ManuallyDrop::new(plan(&document, now, &engine, options, simulate, &mut said)?);
    let (scores, utilization) = (options.has("show-scores"), options.has("show-utilization"));
    if scores || utilization {
        let lines = listing(&plan);
        said.parts.push(simulate_xml::scores(&lines, scores, utilization));
        let out = &mut said.text;
        if !quiet {
            out.push_str(match (scores, utilization) {
                (true, true) => "Assignment Scores and Utilization Information:\n",
                (true, false) => "Assignment Scores:\n",
                _ => "Utilization Information:\n",
            });
        }
        let bullet = if quiet { "" } else { "  * " };
        for line in lines {
            out.push_str(&format!("{bullet}{line}\n"));
        }
        if !quiet {
            out.push('\n');
        }
    }
    said.parts.push(simulate_xml::actions(&plan.report.actions));
    if !quiet {
        said.text.push_str("Transition Summary:\n");
        for action in &plan.report.actions {
            said.text.push_str(&format!("  * {}\n", action.line));
        }
    }
    if let Some(path) = options.value("save-dotfile") {
        said.store(path, &plan.dot)?;
    }
    if let Some(graph) = &plan.graph {
        let graph = TransitionGraph::from_xml(graph)
            .map_err(|error| (ExitCode::Software, error.to_string()))?;
        let failures = specs(options, "op-fail")?;
        let known = simulation::known(&pengine::status::read(&document, now, &engine));
        let outcome = simulation::execute(graph, &mut document, &failures, &known);
        said.parts.push(simulate_xml::transition(&outcome.steps));
        if !outcome.complete {
            err.push_str("Transition failed: terminated\nAn invalid transition was produced\n");
            code = Some(ExitCode::Error);
        }
        said.status("revised_cluster_status", &document, now, &engine, options);
        if !quiet {
            let out = &mut said.text;
            out.push_str("\nExecuting Cluster Transition:\n");
            for step in &outcome.steps {
                out.push_str(&format!("{}\n", step.text()));
            }
            let mut revised = pengine::status::read(&document, now, &engine);
            // what was under way before is not what comes of it
            revised.resources.iter_mut().for_each(pengine::status::ResourceStatus::settle);
            out.push_str(&effective_date(&document, &engine, options));
            out.push_str("\nRevised Cluster Status:\n");
            out.push_str(&view::status_text::lists(&revised));
            out.push_str(&details(&document, &revised, options));
        }
    }
    if let Some(path) = options.value("save-output") {
        said.store(path, &document.to_xml())?;
    }
    if let Some(path) = options.value("xml-file").filter(|_| options.has("in-place")) {
        cib_source::write(Path::new(path), &document).map_err(|e| (e.code(), e.chain()))?;
    }
    finish(said, Answer { err, code, ..Answer::default() }, &warnings, options, arguments)
}

/// The listings of scores and capacities that were asked for, in the order they came up.
fn listing<Graph>(plan: &pengine::Plan<Graph>) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut capacities = plan.utilization.iter().peekable();
    for at in 0..=plan.scores.len() {
        while let Some(line) = capacities.next_if(|line| line.after <= at) {
            lines.push(line.text.as_str());
        }
        lines.extend(plan.scores.get(at).map(String::as_str));
    }
    lines
}

/// Plans, and stores the graph where that is asked for; it is there as a tree only if it is to be
/// carried out.
fn plan(
    document: &Element,
    now: WallTime,
    engine: &pengine::Options,
    options: &Options,
    simulate: bool,
    said: &mut Said,
) -> Result<pengine::Plan<Option<Element>>, Failure> {
    let path = options.value("save-graph");
    if simulate || path == Some("-") {
        return pengine::schedule(document, now, engine).try_map(|graph| {
            path.map_or(Ok(()), |path| said.store(path, &graph.to_xml()))?;
            Ok(simulate.then_some(graph))
        });
    }
    let Some(path) = path else {
        return pengine::schedule_into(document, now, engine, ()).try_map(|()| Ok(None));
    };
    let file = std::fs::File::create(path).map_err(|error| not_written(path, &error))?;
    pengine::schedule_into(document, now, engine, cib::XmlStream::new(file))
        .try_map(|written| written.map(|_file| None).map_err(|error| not_written(path, &error)))
}

/// When a saved input was made, in seconds since the epoch.
fn execution_date(document: &Element) -> Option<i64> {
    document.get("execution-date").and_then(|text| text.parse().ok())
}

/// Says what moment is taken for now: the one asked for, or the document's own, as saved inputs
/// have one.
fn effective_date(document: &Element, engine: &pengine::Options, options: &Options) -> String {
    if let Some(given) = options.value("set-datetime") {
        return format!("Setting effective cluster time: {given}\n");
    }
    let date = execution_date(document).filter(|_| !engine.time_is_set);
    date.map_or_else(String::new, |seconds| {
        let moment = Moment { seconds, offset: 0 }.display(Style::Calendar, false);
        format!("Using the original execution date of: {moment}\n")
    })
}

/// Attributes and failures, where they were asked for.
fn details(document: &Element, status: &pengine::status::Status, options: &Options) -> String {
    let (attributes, failures) = (options.has("show-attrs"), options.has("show-failcounts"));
    let mut out = String::new();
    for (title, lines) in monitor_text::details(document, status, attributes, failures) {
        out.push_str(&format!("\n  * {title}\n"));
        for line in lines {
            out.push_str(&format!("    {line}\n"));
        }
    }
    out
}

/// What is told, in both forms.
#[derive(Debug)]
struct Said {
    format: Format,
    text: String,
    parts: Vec<Element>,
    /// What is stored in no file but comes after the text.
    stored: String,
}

impl Said {
    fn new(format: Format) -> Self {
        Self { format, text: String::new(), parts: Vec::new(), stored: String::new() }
    }

    /// Stores something where an option says.
    fn store(&mut self, path: &str, text: &str) -> Result<(), Failure> {
        if path != "-" {
            return store(path, text);
        }
        self.stored.push_str(text);
        if !text.ends_with('\n') {
            self.stored.push('\n');
        }
        Ok(())
    }

    /// Adds the state of the cluster to what is told as XML.
    fn status(
        &mut self,
        name: &str,
        document: &Element,
        now: WallTime,
        engine: &pengine::Options,
        options: &Options,
    ) {
        if self.format == Format::Xml {
            let (attributes, counts) = (options.has("show-attrs"), options.has("show-failcounts"));
            let status = pengine::status::read(document, now, engine);
            self.parts.push(simulate_xml::status(name, document, &status, attributes, counts));
        }
    }
}

fn finish(
    said: Said,
    ending: Answer,
    warnings: &str,
    options: &Options,
    arguments: &[String],
) -> Result<Answer, Failure> {
    let answer = match said.format {
        Format::Text => Answer { out: said.text + &said.stored, ..ending },
        Format::Xml => frame::with_status("crm_simulate", arguments, said.parts, ending),
        Format::Nothing => ending,
    };
    let answer = Answer { err: format!("{warnings}{}", answer.err), ..answer };
    match options.value("output-to").filter(|to| *to != "-") {
        Some(path) => {
            store(path, &answer.out)?;
            Ok(Answer { out: String::new(), ..answer })
        }
        None => Ok(answer),
    }
}

fn store(path: &str, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| not_written(path, &error))
}

fn not_written(path: &str, error: &std::io::Error) -> Failure {
    (ExitCode::CantCreat, format!("failed to write `{path}`: {error}"))
}

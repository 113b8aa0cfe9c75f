//! What a command has at hand: its options, the document, its output.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use cib::Element;
use cib::edit::Request;
use pcs::{Environment, Failed, Message, Report, Severity};

use super::agents::Agents;
use super::arguments::Arguments;
use super::colour;
use super::planning::Planning;
use super::usage;
use crate::cib_source::{self, Cluster, SourceError};
use crate::live::{self, Live};

/// Why a command did not work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The words make no sense: show the usage of a command.
    Usage {
        /// The area; empty for all of pcs.
        area: &'static str,
        /// The command in it; empty for all of the area.
        command: &'static str,
    },
    /// This is wrong; nothing more to be said.
    Text(String),
    /// The reports have been printed and say why.
    Reported,
    /// Everything is said; leave with this status.
    Exit(i32),
}

/// What a command returns.
pub(crate) type Cli<T = ()> = Result<T, Failure>;

fn no_cib(error: &SourceError) -> String {
    format!("unable to get cib: {}", error.chain())
}

/// Fails with a text.
pub(crate) fn fail<T>(text: impl Into<String>) -> Cli<T> {
    Err(Failure::Text(text.into()))
}

/// Returns what the operating system says, without its number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Prints to stderr.
pub(crate) fn print_error(text: &str) {
    if cfg!(test) {
        // thousands of made-up lines are run; what they say would bury what a test says
        return;
    }
    let mut stderr = std::io::stderr().lock();
    let text = if colour::wanted(&stderr) { colour::message(text) } else { text.to_owned() };
    // nobody is left to be told when stderr is gone
    let _gone = writeln!(stderr, "{text}");
}

/// How often a person who waits is told for what.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Others may be faster this many times in a row; each time the change is put on top of theirs.
const ATTEMPTS_MAX: usize = 50;

/// The world of one command line.
#[derive(Debug)]
pub(crate) struct Context {
    /// The command line.
    pub(crate) arguments: Arguments,
    /// What goes to stdout at the end.
    pub(crate) stdout: String,
    /// Metadata of agents.
    pub(crate) agents: Agents,
    /// Whether stdout is a state of the cluster, which is coloured on a terminal.
    pub(crate) shows_status: bool,
    hints: bool,
    live: Option<Live>,
    /// What `--plan` gathers; none when commands are to do what they say.
    pub(crate) planning: Option<Planning>,
    /// Whether a refused change is told with one line less, as some commands do.
    pub(crate) terse: bool,
    /// The configuration as this command read it, until it changes something or has waited. A
    /// change of the running cluster names the version it was made from: none is lost.
    configuration: Option<Element>,
}

impl Context {
    /// Makes the world of a command line.
    pub(crate) fn new(arguments: Arguments) -> Self {
        let hints = match arguments.value("--hints") {
            Some("always") => true,
            Some(_) => false,
            None => std::io::IsTerminal::is_terminal(&std::io::stderr()),
        };
        Self {
            planning: arguments.has("--plan").then(Planning::default),
            arguments,
            stdout: String::new(),
            agents: Agents::from_environment(),
            shows_status: false,
            hints,
            live: None,
            terse: false,
            configuration: None,
        }
    }

    /// Warns about numbers that only happen to be no options.
    pub(crate) fn warn_of_numbers(&mut self) {
        if !self.arguments.numbers.is_empty() {
            let numbers = pcs::text::quoted(&self.arguments.numbers);
            self.deprecated(&format!("Using {numbers} without '--' is deprecated, those parameters will be considered position independent options in future pcs versions"));
        }
    }

    /// Checks what holds for every command.
    pub(crate) fn prepare(&mut self) -> Cli {
        if let Some(value) = self.arguments.value("--request-timeout")
            && !value.parse::<u32>().is_ok_and(|seconds| seconds > 0)
        {
            return fail(format!(
                "'{value}' is not a valid --request-timeout value, use a positive integer"
            ));
        }
        Ok(())
    }

    /// Says whether an option is given.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.arguments.has(option)
    }

    /// Says whether what can be overridden is to be.
    pub(crate) fn force(&self) -> bool {
        self.has("--force")
    }

    /// Refuses options this command does not take.
    pub(crate) fn supports(&self, options: &[&str]) -> Cli {
        let mut unsupported = self.arguments.unsupported(options);
        // what works on a document can be planned, unless it tells other hosts as well
        if options.contains(&"--plan")
            || (options.contains(&"-f") && (self.has("-f") || !options.contains(&"--skip-offline")))
        {
            unsupported.retain(|option| {
                *option != "--plan" && (*option != "--output-format" || !self.has("--plan"))
            });
        }
        if unsupported.is_empty() {
            return Ok(());
        }
        let many = if unsupported.len() == 1 { " " } else { "s " };
        let verb = if unsupported.len() == 1 { "is" } else { "are" };
        fail(format!(
            "Specified option{many}{} {verb} not supported in this command",
            pcs::text::quoted(unsupported)
        ))
    }

    /// Refuses options this command does not take; some of them it took in earlier versions.
    pub(crate) fn supports_hinted(&self, options: &[&str], former: &[&str]) -> Cli {
        let result = self.supports(options);
        if result.is_err()
            && let Err(Failure::Text(text)) = &result
            && former.iter().any(|option| self.has(option))
        {
            print_error(&format!("Error: {text}"));
            print_error(
                "Hint: Syntax has changed from previous version. See 'man pcs' -> Changes in pcs-0.12.",
            );
            return Err(Failure::Reported);
        }
        result
    }

    /// Returns how data is to be printed.
    pub(crate) fn output_format(&self, supported: &[&str]) -> Cli<String> {
        match self.arguments.value("--output-format") {
            None => Ok("text".to_owned()),
            Some(format) if supported.contains(&format) => Ok(format.to_owned()),
            Some(format) => fail(format!(
                "Unknown value '{format}' for '--output-format' option. Supported values are: {}",
                pcs::text::quoted(supported)
            )),
        }
    }

    /// Prints data as JSON where that is asked for; says whether it was.
    pub(crate) fn as_json<T: serde::Serialize>(&mut self, data: impl FnOnce() -> T) -> Cli<bool> {
        let json = self.output_format(&["json", "text"])? == "json";
        if json {
            let text = super::json::pretty(&data());
            self.print(&text);
        }
        Ok(json)
    }

    /// Takes `--wait` with its warning; returns for how long, none when it is not given.
    pub(crate) fn wait(&mut self) -> Cli<Option<u64>> {
        if !self.has("--wait") {
            return Ok(None);
        }
        self.deprecated("Using '--wait' is deprecated. Instead, use the 'pcs status wait' command to wait for the cluster to settle into stable state. Use the 'pcs status query resource' commands to verify that the resource is in the expected state after the wait.");
        let timeout = match self.arguments.value("--wait") {
            None => 0,
            Some(text) => match pcs::options::seconds(text) {
                Some(seconds) => seconds,
                None => return fail(format!("'{text}' is not a valid number of seconds to wait")),
            },
        };
        if self.has("-f") {
            return fail("Cannot use '-f' together with '--wait'");
        }
        Ok(Some(timeout))
    }

    /// Adds a line to stdout.
    pub(crate) fn print(&mut self, text: &str) {
        self.stdout.push_str(text);
        self.stdout.push('\n');
    }

    /// Adds lines to stdout; nothing when there are none.
    pub(crate) fn print_lines(&mut self, lines: &[String]) {
        for line in lines {
            self.print(line);
        }
    }

    /// Says on stderr what is being done; a plan does nothing, and says nothing.
    pub(crate) fn progress(&self, text: &str) {
        if self.planning.is_none() {
            print_error(text);
        }
    }

    /// Warns on stderr.
    pub(crate) fn warn(&mut self, text: &str) {
        print_error(&format!("Warning: {text}"));
    }

    /// Warns about an old spelling.
    pub(crate) fn deprecated(&mut self, text: &str) {
        print_error(&format!("Deprecation Warning: {text}"));
    }

    /// Says whether the document is the running cluster's.
    pub(crate) fn is_live(&self) -> bool {
        !self.has("-f")
    }

    /// Returns the connection to the running cluster, made when it is first needed.
    pub(crate) fn live(&mut self) -> Cli<&mut Live> {
        if self.live.is_none() {
            match Live::connect("pcs") {
                Ok(live) if self.planning.is_some() => self.live = Some(live.read_only()),
                Ok(live) => self.live = Some(live),
                Err(error) => return fail(format!("{error}; start it with 'pcs cluster start'")),
            }
        }
        self.live.as_mut().ok_or(Failure::Text("cluster is not currently running".to_owned()))
    }

    /// Forgets the connection to the running cluster; the next one who needs it makes a new one.
    pub(crate) fn disconnect(&mut self) {
        self.live = None;
    }

    /// Writes what was printed so far to stdout; false when nobody reads it any more.
    pub(crate) fn flush(&mut self) -> bool {
        let text = std::mem::take(&mut self.stdout);
        let mut stdout = std::io::stdout().lock();
        let painted = self.shows_status && colour::wanted(&stdout);
        let text = if painted { colour::status(&text) } else { text };
        // a reader that went away early (`| head`) is no error of ours
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
    }

    /// Reads the document.
    pub(crate) fn cib(&mut self) -> Cli<Element> {
        if let Some(document) = self.planning.as_ref().and_then(|plan| plan.document.as_ref()) {
            return Ok(document.clone());
        }
        let document = self.read_document()?;
        if self.is_live() {
            self.configuration = Some(live::with_empty_status(document.clone()));
        }
        if !self.has("--watch") {
            // To take a large document apart, element by element, costs a good part of what it
            // costs to read it, and the process ends soon: one handle is never given back.
            std::mem::forget(document.clone());
        }
        if let Some(planning) = &mut self.planning {
            planning.document = Some(document.clone());
        }
        Ok(document)
    }

    /// Reads the document for one who looks at its configuration only: the running cluster's comes
    /// with an empty status.
    pub(crate) fn configuration(&mut self) -> Cli<Element> {
        if self.planning.is_some() {
            return self.cib();
        }
        if let Some(known) = &self.configuration {
            return Ok(known.clone());
        }
        let document = if self.is_live() {
            let read = self.live()?.configuration();
            read.or_else(|error| fail(no_cib(&error)))?
        } else {
            self.cib()?
        };
        std::mem::forget(document.clone()); // as in `cib`
        self.configuration = Some(document.clone());
        Ok(document)
    }

    /// Reads the document for one who looks where these resources run: the running cluster's comes
    /// without the histories of others.
    pub(crate) fn with_histories_of(&mut self, ids: &[String]) -> Cli<Element> {
        if self.planning.is_some() || !self.is_live() {
            return self.cib();
        }
        let mut document = self.configuration()?;
        let primitives: Vec<String> = ids
            .iter()
            .filter_map(|id| pcs::resource::find(&document, id))
            .flat_map(Element::descendants)
            .filter(|element| element.name() == "primitive")
            .filter_map(|primitive| primitive.id().map(str::to_owned))
            .collect();
        if !primitives.is_empty() {
            let read = self.live()?.histories(primitives);
            let status = read.or_else(|error| fail(no_cib(&error)))?;
            document.retain_children(|child| child.name() != "status");
            document.push(status);
        }
        Ok(document)
    }

    fn read_document(&mut self) -> Cli<Element> {
        let Some(file) = self.arguments.value("-f") else {
            let live = self.live()?;
            return Cluster::query(live, None).or_else(|error| fail(no_cib(&error)));
        };
        match cib_source::read(Path::new(file)) {
            Ok(cib) => Ok(cib),
            Err(error @ SourceError::NotXml { .. }) => {
                fail(format!("invalid cib: {}", error.chain()))
            }
            Err(error) => fail(error.chain()),
        }
    }

    /// Writes the document back, if it changed.
    pub(crate) fn push(&mut self, before: &Element, after: &Element) -> Cli {
        self.configuration = None;
        if before == after {
            if let Some(planning) = &mut self.planning {
                planning.touched = true;
            }
            return Ok(());
        }
        // a running cluster looks by itself at what it is given
        let judged_there = self.is_live() && self.planning.is_none();
        let refused = |cib: &Element| -> Vec<String> {
            let findings = if judged_there { Vec::new() } else { cib::validate::errors(cib) };
            let mut all: Vec<String> = findings.iter().map(cib::validate::Finding::what).collect();
            all.extend(pcs::verify::obsolete_properties(cib));
            all
        };
        let why = refused(after);
        if !why.is_empty() && refused(before).is_empty() {
            return self.invalid(&why);
        }
        if let Some(planning) = &mut self.planning {
            planning.change(before, after);
            return Ok(());
        }
        match self.arguments.value("-f").map(str::to_owned) {
            Some(file) => {
                let mut after = after.clone();
                let epoch = after.get("epoch").and_then(|e| e.parse::<u64>().ok()).unwrap_or(0);
                after.set("epoch", (epoch + 1).to_string());
                after.set("num_updates", "0");
                cib_source::write(Path::new(&file), &after).or_else(|error| fail(error.chain()))
            }
            None => self.push_live(before.clone(), after.clone()),
        }
    }

    /// Fails because the document would not be valid, for these reasons.
    fn invalid<T>(&self, why: &[String]) -> Cli<T> {
        for text in why {
            self.detail(text);
        }
        fail(format!(
            "Unable to update cib\nCall failed: Update does not conform to the configured schema\n{}",
            if self.terse { "" } else { "\n" }
        ))
    }

    /// Makes a change of the running cluster's configuration. When somebody else was faster, it is
    /// made on top of theirs, unless both touch the same thing.
    fn push_live(&mut self, mut before: Element, mut after: Element) -> Cli {
        for _ in 0..ATTEMPTS_MAX {
            let version = cib::versions::Version::of(&before);
            let base = format!("{}.{}", version.admin_epoch, version.epoch);
            let patch = Request::Patch(cib::patch::diff_unversioned(&before, &after));
            let error = match self.live()?.change_from(&patch, base) {
                Ok(()) => {
                    // it may have been read again since the first attempt
                    self.configuration = None;
                    return Ok(());
                }
                Err(error) => error,
            };
            if error.code() == model::ExitCode::Config {
                return self.invalid(&[error.chain()]);
            }
            if error.code() != model::ExitCode::Old {
                return fail(format!("Unable to update cib\n{}", error.chain()));
            }
            let now = self.cib()?;
            if cib::versions::Version::of(&now).epoch == version.epoch {
                // the one who refused knows of a change that has not come here yet
                self.live()?.pause(Duration::from_millis(20));
            }
            after = match pcs::merge::onto(&before, &after, &now) {
                Ok(merged) => merged,
                Err(both) => {
                    return fail(format!(
                        "Unable to update cib\nSomebody else changed {} at the same time; nothing of this command was done, look at it and try again",
                        pcs::text::quoted(both)
                    ));
                }
            };
            before = now;
        }
        fail(
            "Unable to update cib\nThe configuration is being changed all the time; nothing of this command was done, try again",
        )
    }

    /// Returns the name of this node in the running cluster.
    pub(crate) fn local_node(&mut self) -> Cli<String> {
        match self.live()?.info() {
            Ok(info) => Ok(info.local_node),
            Err(error) => fail(error.to_string()),
        }
    }

    /// Returns the nodes a resource runs on.
    pub(crate) fn active_nodes(&mut self, id: &str) -> Cli<Vec<String>> {
        let cib = self.with_histories_of(&[id.to_owned()])?;
        Ok(crate::tools::monitor_facts::active_nodes(&cib, id))
    }

    /// Takes `--wait` where it is no old spelling.
    pub(crate) fn wait_quietly(&mut self) -> Cli<Option<u64>> {
        if !self.has("--wait") {
            return Ok(None);
        }
        match self.arguments.value("--wait") {
            None => Ok(Some(0)),
            Some(text) => match pcs::options::seconds(text) {
                Some(seconds) => Ok(Some(seconds)),
                None => fail(format!("'{text}' is not a valid number of seconds to wait")),
            },
        }
    }

    /// Waits until the running cluster has done what was asked; `wait` is none when nobody wants
    /// to wait, and 0 for as long as it takes, up to an hour.
    pub(crate) fn settle(&mut self, wait: Option<u64>) -> Cli {
        let Some(seconds) = wait else { return Ok(()) };
        self.configuration = None;
        if let Some(planning) = &mut self.planning {
            return planning.settle();
        }
        let mut patience = Duration::from_secs(if seconds == 0 { 3_600 } else { seconds });
        let mut told = String::new();
        loop {
            // a script wants to know the end, a person what it is waiting for
            let slice = if self.hints { patience.min(PROGRESS_EVERY) } else { patience };
            match self.live()?.wait_idle(slice) {
                Ok(true) => return Ok(()),
                Ok(false) if slice == patience => return fail("waiting timeout"),
                Ok(false) => patience -= slice,
                Err(error) => return fail(error.to_string()),
            }
            let cib = self.cib()?;
            if let Some(now) = super::plan_text::under_way(&cib)
                && now != told
            {
                print_error(&now);
                told = now;
            }
        }
    }

    /// Has the running cluster stop resources that are about to be deleted.
    pub(crate) fn stop_before_delete(&mut self, ids: &[String], stonith: bool) -> Cli {
        if !self.is_live() || stonith {
            return Ok(());
        }
        let cib = self.with_histories_of(ids)?;
        let running = |id: &String| !crate::tools::monitor_facts::active_nodes(&cib, id).is_empty();
        if !ids.iter().any(running) {
            return Ok(());
        }
        self.progress(&format!("Stopping resources {} before deletion", pcs::text::quoted(ids)));
        self.change(|env| {
            let outcome = pcs::resource::enable::disable(env, ids);
            env.reports.clear();
            outcome
        })?;
        self.settle(Some(0))?;
        let cib = self.with_histories_of(ids)?;
        let left: Vec<&String> = ids
            .iter()
            .filter(|id| !crate::tools::monitor_facts::active_nodes(&cib, id).is_empty())
            .collect();
        if left.is_empty() || self.force() {
            return Ok(());
        }
        fail(format!(
            "Cannot remove resources that are not stopped: {}, use --force to override",
            pcs::text::quoted(left)
        ))
    }

    /// Tells a person what they probably meant.
    pub(crate) fn hint_text(&self, near: &[String]) {
        if self.hints && !near.is_empty() {
            print_error(&format!("Hint: did you mean {}?", near.join(" or ")));
        }
    }

    /// Tells a person more about an error than scripts expect.
    fn detail(&self, text: &str) {
        if self.hints {
            print_error(&format!("Hint: {text}"));
        }
    }

    /// Runs a command of the library that changes the document.
    pub(crate) fn change<T>(
        &mut self,
        command: impl FnOnce(&mut Environment<'_>) -> pcs::Outcome<T>,
    ) -> Cli<T> {
        let before = self.configuration()?;
        let agents = std::mem::take(&mut self.agents);
        let mut env = Environment::new(before.clone(), &agents, self.is_live());
        let outcome = command(&mut env);
        let (after, reports) = (env.cib, env.reports);
        let result = self.finish(outcome, &reports);
        self.agents = agents;
        let value = result?;
        self.push(&before, &after)?;
        Ok(value)
    }

    /// Runs a command of the library on a copy; returns the document before and after.
    pub(crate) fn attempt<T>(
        &mut self,
        command: impl FnOnce(&mut Environment<'_>) -> pcs::Outcome<T>,
    ) -> Cli<((Element, Element), T)> {
        let before = self.cib()?;
        let mut after = before.clone();
        let value = self.with(before.clone(), |env| {
            let value = command(env)?;
            after = env.cib.clone();
            Ok(value)
        })?;
        Ok(((before, after), value))
    }

    /// Runs a command of the library that only reads.
    pub(crate) fn read<T>(
        &mut self,
        command: impl FnOnce(&mut Environment<'_>) -> pcs::Outcome<T>,
    ) -> Cli<T> {
        let cib = self.configuration()?;
        self.with(cib, command)
    }

    /// Runs something of the library that reports but has to do with no document.
    pub(crate) fn with_reports<T>(
        &self,
        command: impl FnOnce(&mut Vec<Report>) -> pcs::Outcome<T>,
    ) -> Cli<T> {
        let mut reports = Vec::new();
        let outcome = command(&mut reports);
        self.finish(outcome, &reports)
    }

    /// Runs a command of the library that needs no document.
    pub(crate) fn without_cib<T>(
        &mut self,
        command: impl FnOnce(&mut Environment<'_>) -> pcs::Outcome<T>,
    ) -> Cli<T> {
        self.with(Element::new("cib"), command)
    }

    fn with<T>(
        &mut self,
        cib: Element,
        command: impl FnOnce(&mut Environment<'_>) -> pcs::Outcome<T>,
    ) -> Cli<T> {
        let agents = std::mem::take(&mut self.agents);
        let mut env = Environment::new(cib, &agents, self.is_live());
        let outcome = command(&mut env);
        let reports = env.reports;
        let result = self.finish(outcome, &reports);
        self.agents = agents;
        result
    }

    fn finish<T>(&self, outcome: pcs::Outcome<T>, reports: &[Report]) -> Cli<T> {
        for report in reports {
            print_error(&report.text());
        }
        let failure = match outcome {
            Ok(value) => {
                return Ok(value);
            }
            Err(Failed::Reported) => {
                print_error("Error: Errors have occurred, therefore pcs is unable to continue");
                Failure::Reported
            }
            Err(Failed::Said) => Failure::Reported,
            Err(Failed::Because(report)) => {
                print_error(&report.text());
                self.hint(&report.message);
                Failure::Reported
            }
        };
        for report in reports.iter().filter(|r| r.severity == Severity::Error) {
            self.hint(&report.message);
        }
        Err(failure)
    }

    /// Tells a person, not a script, more about what went wrong.
    pub(crate) fn remark(&self, text: &str) {
        if self.hints {
            print_error(&format!("Hint: {text}"));
        }
    }

    /// Tells a person, not a script, what was probably meant.
    fn hint(&self, message: &Message) {
        if self.hints
            && let Some(hint) = message.hint()
        {
            print_error(&format!("Hint: {hint}"));
        }
    }

    /// Prints why a command did not work and returns the exit status.
    pub(crate) fn explain(&mut self, failure: &Failure) -> i32 {
        match failure {
            Failure::Usage { area, command } => {
                let words = self.arguments.words.get(1..).unwrap_or_default();
                print_error(usage::of_words(area, command, words).trim_end());
                1
            }
            Failure::Text(text) => {
                print_error(&format!("Error: {text}"));
                1
            }
            Failure::Reported => 1,
            Failure::Exit(code) => *code,
        }
    }
}

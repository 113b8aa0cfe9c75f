//! `crm_mon`: the state of the cluster, once or again and again, as text, XML or HTML.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use cib::Element;
use model::ExitCode;
use pengine::status::NodeStatus;
use view::scope::Scope;
use view::seen::Seen;

use crate::cib_source::{CibSource, SourceError};
use crate::live::Live;
use crate::replace::replace;
use crate::status_xml;

use super::answer::Answer;
use super::frame;
use super::monitor_facts;
use super::monitor_html;
use super::monitor_text::{self, Part, USUAL, Wanted};
use super::options::{Options, Spec, Takes};

const TOOL: &str = "crm_mon";

const SPECS: [Spec; 43] = [
    ('?', "help", Takes::Nothing),
    (' ', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    (' ', "output-to", Takes::Value),
    (' ', "html-cgi", Takes::Nothing),
    (' ', "html-stylesheet", Takes::Value),
    (' ', "html-title", Takes::Value),
    (' ', "text-fancy", Takes::Nothing),
    ('I', "include", Takes::Value),
    ('U', "exclude", Takes::Value),
    (' ', "node", Takes::Value),
    (' ', "resource", Takes::Value),
    ('n', "group-by-node", Takes::Nothing),
    ('r', "inactive", Takes::Nothing),
    ('f', "failcounts", Takes::Nothing),
    ('o', "operations", Takes::Nothing),
    ('t', "timing-details", Takes::Nothing),
    ('c', "tickets", Takes::Nothing),
    ('m', "fence-history", Takes::Maybe),
    ('L', "neg-locations", Takes::Maybe),
    ('A', "show-node-attributes", Takes::Nothing),
    ('D', "hide-headers", Takes::Nothing),
    ('R', "show-detail", Takes::Nothing),
    ('b', "brief", Takes::Nothing),
    ('j', "pending", Takes::Nothing),
    ('s', "simple-status", Takes::Nothing),
    ('i', "interval", Takes::Value),
    ('1', "one-shot", Takes::Nothing),
    ('d', "daemonize", Takes::Nothing),
    ('p', "pid-file", Takes::Value),
    ('E', "external-agent", Takes::Value),
    ('e', "external-recipient", Takes::Value),
    ('W', "watch-fencing", Takes::Nothing),
    ('h', "as-html", Takes::Value),
    ('X', "as-xml", Takes::Nothing),
    ('N', "disable-ncurses", Takes::Nothing),
    ('w', "web-cgi", Takes::Nothing),
    (' ', "as-console", Takes::Nothing),
    (' ', "hide-inactive", Takes::Nothing),
    (' ', "file", Takes::Value),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match frame::options(TOOL, arguments, &SPECS, USAGE) {
        Ok(options) => options,
        Err(answer) => return answer.print(),
    };
    match begin(&options, arguments) {
        Ok(code) => code,
        Err(answer) => answer.print(),
    }
}

/// How the state is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Console,
    Text,
    Xml,
    /// The XML of old, with another root.
    OldXml,
    Html,
}

fn form(options: &Options) -> Result<Form, Answer> {
    match options.last_of(&["output-as", "as-html", "as-xml", "web-cgi", "disable-ncurses"]) {
        Some("as-xml") => Ok(Form::OldXml),
        Some("as-html" | "web-cgi") => Ok(Form::Html),
        Some("disable-ncurses") => Ok(Form::Text),
        Some(_) => match options.value("output-as").unwrap_or_default() {
            "xml" => Ok(Form::Xml),
            "html" => Ok(Form::Html),
            "text" => Ok(Form::Text),
            "console" => Ok(Form::Console),
            other => Err(fail(
                ExitCode::Usage,
                format!("`{other}` is no output format; use console, html, text or xml"),
            )),
        },
        None => Ok(Form::Console),
    }
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

/// How often the state is shown again when nobody says otherwise.
const USUAL_INTERVAL_MS: u64 = 5_000;

fn begin(options: &Options, arguments: &[String]) -> Result<ExitCode, Answer> {
    let form = form(options)?;
    if options.has("external-agent") || options.has("watch-fencing") {
        return Err(fail(
            ExitCode::UnimplementFeature,
            "programs are called by alerts (`pcs alert create`), which miss no event; \
             --external-agent is not supported",
        ));
    }
    let wanted = wanted(options)?;
    let target = target(options);
    let interval = options.value("interval").map_or(Some(USUAL_INTERVAL_MS), frame::milliseconds);
    let Some(interval) = interval.filter(|ms| *ms > 0) else {
        return Err(fail(ExitCode::Usage, "--interval needs a time like 5 or 10s"));
    };
    if options.has("daemonize") {
        if target.is_none() {
            return Err(fail(ExitCode::Usage, "--daemonize requires --output-to"));
        }
        return into_background(options, arguments);
    }
    if options.has("simple-status") {
        return Ok(simple().print());
    }
    if is_once(options, form) {
        let answer = show(options, arguments, form, &wanted)?;
        return match target {
            None => Ok(answer.print()),
            Some(file) => store(file, &answer.out).map(|()| ExitCode::Ok),
        };
    }
    again_and_again(options, arguments, form, &wanted, target, Duration::from_millis(interval))
}

/// Returns the file that is written, if one is.
fn target(options: &Options) -> Option<&Path> {
    let file = options.value("as-html").or(options.value("output-to"));
    file.filter(|file| *file != "-").map(Path::new)
}

/// Tells whether the state is shown once, not again and again.
fn is_once(options: &Options, form: Form) -> bool {
    options.has("one-shot")
        || matches!(form, Form::Xml | Form::OldXml | Form::Text)
        || (form == Form::Html && target(options).is_none())
}

/// Starts this program once more without a terminal, and leaves its number in the file that
/// `--pid-file` names.
fn into_background(options: &Options, arguments: &[String]) -> Result<ExitCode, Answer> {
    use std::os::unix::process::CommandExt as _;
    let without: Vec<String> = without_daemonize(arguments);
    let program =
        std::env::current_exe().map_err(|error| fail(ExitCode::OsErr, error.to_string()))?;
    let child = Command::new(program)
        .arg(TOOL)
        .args(without)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| fail(ExitCode::OsErr, format!("cannot go into background: {error}")))?;
    if let Some(file) = options.value("pid-file") {
        store(Path::new(file), &format!("{}\n", child.id()))?;
    }
    Ok(ExitCode::Ok)
}

/// Takes `-d` out of the arguments, also out of a cluster of letters.
fn without_daemonize(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut value_next = false;
    for word in arguments {
        if value_next || !word.starts_with('-') {
            value_next = false;
            kept.push(word.clone());
            continue;
        }
        if let Some(long) = word.strip_prefix("--") {
            value_next = !long.contains('=')
                && SPECS.iter().any(|spec| spec.1 == long && spec.2 == Takes::Value);
            if !(long.len() >= 2 && "daemonize".starts_with(long)) {
                kept.push(word.clone());
            }
            continue;
        }
        let letters = &word[1..];
        let takes =
            |letter: char| SPECS.iter().any(|spec| spec.0 == letter && spec.2 != Takes::Nothing);
        let flags = letters.find(takes).unwrap_or(letters.len());
        let left: String = letters[..flags].chars().filter(|c| *c != 'd').collect();
        let shown = format!("{left}{}", &letters[flags..]);
        value_next = letters[flags..].chars().count() == 1
            && SPECS.iter().any(|s| letters[flags..].starts_with(s.0) && s.2 == Takes::Value);
        if !shown.is_empty() {
            kept.push(format!("-{shown}"));
        }
    }
    kept
}

/// Replaces a file in one step, so that whoever reads it never sees half of it.
fn store(file: &Path, text: &str) -> Result<(), Answer> {
    replace(file, text.as_bytes()).map_err(|error| {
        fail(ExitCode::CantCreat, format!("`{}` can't be written: {error}", file.display()))
    })
}

/// Shows the state until the reader goes away; a cluster that ends is shown as such, and may come
/// back.
#[allow(clippy::disallowed_methods, reason = "nothing else runs in this process")]
fn again_and_again(
    options: &Options,
    arguments: &[String],
    form: Form,
    wanted: &Wanted,
    target: Option<&Path>,
    interval: Duration,
) -> Result<ExitCode, Answer> {
    loop {
        let answer = show(options, arguments, form, wanted).unwrap_or_else(|answer| answer);
        match target {
            Some(file) => {
                let text = if answer.out.is_empty() { &answer.err } else { &answer.out };
                store(file, text)?;
            }
            None => {
                let mut out = std::io::stdout().lock();
                let screen = format!("\x1b[H\x1b[2J{}{}", answer.out, answer.err);
                if out.write_all(screen.as_bytes()).and_then(|()| out.flush()).is_err() {
                    return Ok(ExitCode::Ok);
                }
            }
        }
        std::thread::sleep(interval);
    }
}

/// Reads the document and what the running cluster adds.
fn look() -> Result<(Element, Seen), SourceError> {
    let mut source = CibSource::open()?;
    let cib = source.query()?;
    // a saved document may be of an old schema
    let cib = cib::upgrade::to_current(&cib).unwrap_or(cib);
    let mut seen = monitor_facts::seen(&cib);
    if source.is_live() {
        let info = Live::connect(TOOL).and_then(|mut live| live.info())?;
        seen.with_live(&info);
    }
    Ok((cib, seen))
}

fn show(
    options: &Options,
    arguments: &[String],
    form: Form,
    wanted: &Wanted,
) -> Result<Answer, Answer> {
    let (cib, seen) = look().map_err(|error| {
        let answer = fail(error.code(), format!("Connection to cluster failed: {}", error.chain()));
        let xml = matches!(form, Form::Xml | Form::OldXml);
        frame::failed(TOOL, arguments, xml, answer)
    })?;
    Ok(match form {
        Form::Console | Form::Text => Answer::text(monitor_text::screen(&cib, &seen, wanted)),
        Form::Xml => frame::xml(TOOL, arguments, xml(&cib, &seen, wanted)),
        Form::OldXml => {
            let mut root = Element::new("crm_mon").with("version", "3.0.1");
            for part in xml(&cib, &seen, wanted) {
                root.push(part);
            }
            Answer::text(root.to_xml())
        }
        Form::Html => Answer::text(monitor_html::page(&cib, &seen, wanted, html_frame(options))),
    })
}

/// XML holds everything unless something is left out explicitly.
fn xml(cib: &Element, seen: &Seen, wanted: &Wanted) -> Vec<Element> {
    let scope = Scope { active_only: false, ..wanted.scope() };
    let has = |parts: &[Part]| parts.iter().any(|part| wanted.parts.contains(part));
    let status = &seen.status;
    let nodes = || status.nodes.iter().filter(|node| scope.has_node(&node.name));
    let mut all = Vec::new();
    if has(&[Part::Stack, Part::Dc, Part::Times, Part::Counts, Part::Options]) {
        all.push(status_xml::summary(cib, seen));
    }
    if has(&[Part::Nodes]) {
        all.push(status_xml::nodes(status, nodes(), wanted.by_node));
    }
    if has(&[Part::Resources]) {
        let resources = if wanted.by_node {
            status_xml::inactive_resources(status, scope)
        } else {
            status_xml::resources(status, scope)
        };
        if resources.children().next().is_some() {
            all.push(resources);
        }
    }
    if has(&[Part::Attributes]) {
        all.extend(status_xml::attributes(cib, nodes()));
    }
    if has(&[Part::Operations, Part::FailCounts]) {
        let failed_only = !has(&[Part::Operations]);
        let shown = monitor_facts::Histories { scope, failed_only };
        all.extend(status_xml::history(cib, status, &shown));
    }
    if has(&[Part::Failures]) {
        all.extend(status_xml::failures(&monitor_text::failures(status, scope)));
    }
    if has(&[Part::Tickets]) {
        all.extend(status_xml::tickets(status));
    }
    if has(&[Part::Bans]) {
        all.extend(status_xml::bans(status, scope));
    }
    all
}

fn html_frame(options: &Options) -> monitor_html::Frame<'_> {
    let interval = options.value("interval").and_then(frame::milliseconds);
    monitor_html::Frame {
        title: options.value("html-title"),
        stylesheet: options.value("html-stylesheet"),
        header: options.has("html-cgi") || options.has("web-cgi"),
        // a page that is written once does not change by itself
        refresh: (!is_once(options, Form::Html))
            .then(|| interval.unwrap_or(USUAL_INTERVAL_MS).div_ceil(1000)),
    }
}

/// One line for monitoring systems.
fn simple() -> Answer {
    let (_, seen) = match look() {
        Ok(looked) => looked,
        Err(error) => {
            return Answer {
                err: format!(
                    "{TOOL}: CLUSTER CRIT: Connection to cluster failed: {}\n",
                    error.chain()
                ),
                code: Some(ExitCode::InvalidParam),
                ..Answer::default()
            };
        }
    };
    let (line, well) = simple_line(&seen);
    let code = if well { ExitCode::Ok } else { ExitCode::Error };
    Answer { out: format!("{line}\n"), err: String::new(), code: Some(code) }
}

fn simple_line(seen: &Seen) -> (String, bool) {
    let nodes = &seen.status.nodes;
    let offline: Vec<String> = nodes
        .iter()
        .filter(|node| !(node.online || node.standby || node.maintenance))
        .map(|node| format!("offline node: {}", node.name))
        .collect();
    if seen.summary.dc.is_none() || !offline.is_empty() {
        let mut parts = Vec::new();
        if seen.summary.dc.is_none() {
            parts.push("No DC".to_owned());
        }
        if !offline.is_empty() {
            parts.push(offline.join(" "));
        }
        return (format!("CLUSTER WARN: {}", parts.join(", ")), false);
    }
    let count = |test: fn(&NodeStatus) -> bool| nodes.iter().filter(|node| test(node)).count();
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let online = count(|node| node.online && !node.standby && !node.maintenance);
    let standby = count(|node| node.standby);
    let maintenance = count(|node| node.maintenance && !node.standby);
    let mut parts = vec![format!("{} online", plural(online, "node"))];
    if standby > 0 {
        parts.push(plural(standby, "standby node"));
    }
    if maintenance > 0 {
        parts.push(plural(maintenance, "maintenance node"));
    }
    parts.push(format!("{} configured", plural(seen.summary.instances, "resource instance")));
    (format!("CLUSTER OK: {}", parts.join(", ")), true)
}

const SUMMARY: [Part; 6] =
    [Part::Stack, Part::Dc, Part::Times, Part::Counts, Part::Maintenance, Part::Options];

const ALL: [Part; 15] = [
    Part::Stack,
    Part::Dc,
    Part::Times,
    Part::Counts,
    Part::Options,
    Part::Maintenance,
    Part::Nodes,
    Part::Resources,
    Part::Attributes,
    Part::FailCounts,
    Part::Operations,
    Part::Failures,
    Part::Fencing,
    Part::Tickets,
    Part::Bans,
];

fn usual(form: Form) -> BTreeSet<Part> {
    if matches!(form, Form::Xml | Form::OldXml) {
        return BTreeSet::from(ALL);
    }
    BTreeSet::from(USUAL)
}

/// Words of `--include` and `--exclude`.
const PARTS: &str = "all, attributes, bans[:PREFIX], counts, dc, default, failcounts, failures, \
                     fencing, fencing-failed, fencing-pending, fencing-succeeded, maint-mode, \
                     nodes, none, operations, options, resources, stack, summary, tickets, times";

fn parts_of(word: &str, form: Form) -> Option<Vec<Part>> {
    Some(match word {
        // options are said only where they are asked for by name
        "all" => ALL.into_iter().filter(|part| *part != Part::Options).collect(),
        "none" => Vec::new(),
        "default" => usual(form).into_iter().collect(),
        "summary" => SUMMARY.to_vec(),
        "attributes" => vec![Part::Attributes],
        "counts" => vec![Part::Counts],
        "dc" => vec![Part::Dc],
        "failcounts" => vec![Part::FailCounts],
        "failures" => vec![Part::Failures],
        "fencing" | "fencing-failed" | "fencing-pending" | "fencing-succeeded" => {
            vec![Part::Fencing]
        }
        "maint-mode" => vec![Part::Maintenance],
        "nodes" => vec![Part::Nodes],
        "operations" => vec![Part::Operations],
        "options" => vec![Part::Options],
        "resources" => vec![Part::Resources],
        "stack" => vec![Part::Stack],
        "tickets" => vec![Part::Tickets],
        "times" => vec![Part::Times],
        _ => return None,
    })
}

fn wanted(options: &Options) -> Result<Wanted, Answer> {
    let form = form(options)?;
    let mut parts = usual(form);
    let mut ban_prefix = String::new();
    for (option, value) in options.all() {
        match option {
            "include" | "exclude" => {
                for word in value.unwrap_or_default().split(',').filter(|word| !word.is_empty()) {
                    let named = if let Some(prefix) = word.strip_prefix("bans") {
                        prefix.trim_start_matches(':').clone_into(&mut ban_prefix);
                        vec![Part::Bans]
                    } else {
                        parts_of(word, form).ok_or_else(|| {
                            fail(ExitCode::Usage, format!("--{option} options: {PARTS}"))
                        })?
                    };
                    match (option, word) {
                        // none included is all excluded, and the other way round
                        ("include", "none") => parts.clear(),
                        ("exclude", "none") => parts = BTreeSet::from(ALL),
                        ("exclude", "all") => parts.clear(),
                        ("include", "default") => parts = usual(form),
                        ("include", _) => parts.extend(named),
                        _ => parts.retain(|part| !named.contains(part)),
                    }
                }
            }
            "failcounts" => parts.extend([Part::FailCounts]),
            "operations" | "timing-details" => parts.extend([Part::Operations]),
            "tickets" => parts.extend([Part::Tickets]),
            "neg-locations" => {
                parts.insert(Part::Bans);
                value.unwrap_or_default().clone_into(&mut ban_prefix);
            }
            "show-node-attributes" => parts.extend([Part::Attributes]),
            "quiet" => {
                parts.remove(&Part::Times);
            }
            "hide-headers" => parts.retain(|part| !SUMMARY.contains(part)),
            _ => {}
        }
    }
    Ok(Wanted {
        parts,
        by_node: options.has("group-by-node"),
        inactive: options.has("inactive"),
        timing: options.has("timing-details"),
        detail: options.has("show-detail"),
        brief: options.has("brief"),
        node: options.value("node").map(str::to_owned),
        resources: options.value("resource").map(str::to_owned).into_iter().collect(),
        ban_prefix,
    })
}

const USAGE: &str = "\
crm_mon - the state of the cluster
Usage: crm_mon [options]

Output:
     --output-as=FORMAT       console (default), text, html, xml
     --output-to=FILE         Write to this file (- is standard output)
 -1, --one-shot               Show the state once and exit
 -i, --interval=TIME          Show it again so often (5s)
 -d, --daemonize              Do so in the background (needs --output-to)
 -p, --pid-file=FILE          Where to leave the number of that process
 -s, --simple-status          One line for monitoring systems

What to show:
 -I, --include=PART,...       Also these parts (--include=list names them)
 -U, --exclude=PART,...       Not these parts
     --node=NODE              Only what is about this node
     --resource=ID            Only what is about this resource
 -n, --group-by-node          Resources node by node
 -b, --brief                  Resources counted by agent
 -r, --inactive               Also resources that do not run
 -f, --failcounts             How often resources failed
 -o, --operations             The operation history
 -t, --timing-details         The operation history with times
 -c, --tickets                Tickets
 -L, --neg-locations[=PREFIX] Constraints that keep resources off nodes
 -A, --show-node-attributes   Attributes of nodes
 -D, --hide-headers           No summary
 -R, --show-detail            Node ids, instances of clones one by one

 -h, --as-html=FILE, -X, --as-xml, -N, --disable-ncurses, -w, --web-cgi
                              Old forms of --output-as
     --html-title=TITLE, --html-stylesheet=URI, --html-cgi
                              With --output-as=html
 -j, --pending, -m, --fence-history[=LEVEL], -V, --verbose, -Q, --quiet
                              Accepted
 -?, --help                   This text
 -$, --version                Version information
";

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::super::resource_tests::document;
    use super::{
        SPECS, frame, monitor_facts, monitor_text, simple_line, wanted, without_daemonize, xml,
    };

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    fn screen(given: &[&str]) -> String {
        let options = Options::parse(&words(given), &SPECS).unwrap();
        let cib = document();
        let wanted = wanted(&options).unwrap_or_else(|a| panic!("{a:?}"));
        monitor_text::screen(&cib, &monitor_facts::seen(&cib), &wanted)
    }

    #[test]
    fn a_screen_reads_as_the_established_one() {
        assert_eq!(
            screen(&["-1", "--exclude=all", "--include=nodes,resources"]),
            "Node List:\n  * Online: [ ser1 ser2 ser3 ]\n\nActive Resources:\n  \
             * A\t(ocf:pacemaker:Dummy):\t Started ser1\n  \
             * Resource Group: G:\n    \
             * G1\t(ocf:heartbeat:Dummy):\t Started ser1\n    \
             * G2\t(ocf:heartbeat:Dummy):\t Started ser1\n  \
             * Clone Set: P [PP] (promotable):\n    \
             * Promoted: [ ser1 ]\n    * Unpromoted: [ ser2 ]\n"
        );
        assert_eq!(
            screen(&["-1", "-U", "all", "-I", "bans"]),
            "Negative Location Constraints:\n  * cli-ban-G-on-ser3\tprevents G from running on \
             ser3\n"
        );
        // one with a lifetime has a rule for the node
        let mut limited = document();
        let rule = cib::parse(
            "<rsc_location id=\"cli-ban-A-on-ser2\" rsc=\"A\" role=\"Started\">\
             <rule id=\"cli-ban-A-on-ser2-rule\" score=\"-INFINITY\" boolean-op=\"and\">\
             <expression id=\"e\" attribute=\"#uname\" operation=\"eq\" value=\"ser2\" type=\"string\"/>\
             <date_expression id=\"d\" operation=\"lt\" end=\"2999-01-01\"/></rule></rsc_location>",
        );
        let constraints = limited.at_mut(&["configuration", "constraints"]).unwrap();
        constraints.push(rule.unwrap());
        let seen = monitor_facts::seen(&limited);
        let bans: Vec<_> = seen.status.bans.iter().map(|ban| (&*ban.id, &*ban.node)).collect();
        assert_eq!(bans, [("cli-ban-A-on-ser2-rule", "ser2"), ("cli-ban-G-on-ser3", "ser3")]);
        assert!(
            screen(&["-1D", "-o"])
                .contains("    * A: migration-threshold=1000000:\n      * (2) start\n")
        );
        assert!(screen(&["-1r"]).contains("\nFull List of Resources:\n"));
        assert_eq!(screen(&["-1", "--include=none"]), "");
    }

    #[test]
    fn xml_has_the_lines_that_agents_grep() {
        let options = Options::parse(&words(&["--output-as=xml"]), &SPECS).unwrap();
        let cib = document();
        let wanted = wanted(&options).unwrap_or_else(|a| panic!("{a:?}"));
        let text = frame::xml("crm_mon", &[], xml(&cib, &monitor_facts::seen(&cib), &wanted)).out;
        for line in [
            "    <node name=\"ser1\" id=\"1\" online=\"true\" standby=\"false\" ",
            "      <resource id=\"PP\" resource_agent=\"ocf:pacemaker:Stateful\" role=\"Promoted\" active=\"true\" ",
            "    <resource id=\"B\" resource_agent=\"ocf:heartbeat:Dummy\" role=\"Stopped\" target_role=\"Stopped\" active=\"false\" orphaned=\"false\" blocked=\"false\" managed=\"true\" failed=\"false\" failure_ignored=\"false\" nodes_running_on=\"0\"/>",
            "    <ban id=\"cli-ban-G-on-ser3\" resource=\"G\" node=\"ser3\" weight=\"-1000000\" promoted-only=\"false\" master_only=\"false\"/>",
            "  <status code=\"0\" message=\"OK\"/>",
        ] {
            assert!(text.lines().any(|known| known.starts_with(line)), "{line}\n{text}");
        }
    }

    #[test]
    fn monitoring_systems_get_one_line() {
        let mut status = monitor_facts::seen(&document());
        assert_eq!(
            simple_line(&status),
            ("CLUSTER OK: 3 nodes online, 7 resource instances configured".to_owned(), true)
        );
        status.status.nodes[1].online = false;
        status.summary.dc = None;
        assert_eq!(
            simple_line(&status),
            ("CLUSTER WARN: No DC, offline node: ser2".to_owned(), false)
        );
    }

    #[test]
    fn a_process_in_the_background_has_all_options_but_that_one() {
        for (given, left) in [
            (
                &["-d", "-p", "/run/x.pid", "-i", "10", "-h", "/x.html"][..],
                "-p /run/x.pid -i 10 -h /x.html",
            ),
            (&["-1d", "--daemonize", "-rdA"], "-1 -rA"),
            (&["-p", "-d", "-i10"], "-p -d -i10"),
        ] {
            assert_eq!(without_daemonize(&words(given)).join(" "), left);
        }
    }
}

//! `crmadmin`: who decides, what it is doing, which nodes there are.

use std::time::Duration;

use cib::Element;
use model::ExitCode;
use pengine::status::NodeKind;
use view::live::LiveInfo;

use crate::cib_source::CibSource;
use crate::live::{Live, LiveError};

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "crmadmin";

const SPECS: [Spec; 14] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    ('S', "status", Takes::Value),
    ('P', "pacemakerd", Takes::Nothing),
    ('D', "dc_lookup", Takes::Nothing),
    ('N', "nodes", Takes::Maybe),
    ('t', "timeout", Takes::Value),
    ('B', "bash-export", Takes::Nothing),
    ('i', "ipc-name", Takes::Value),
    ('H', "health", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    let xml = frame::wants_xml(&options)?;
    if let Some(text) = options.value("timeout")
        && frame::milliseconds(text).is_none()
    {
        return Err(Answer::fail(
            ExitCode::Usage,
            format!("{TOOL}: invalid time `{text}`; write 30s, 500ms, 2min"),
        ));
    }
    let asked = match options.last_of(&["status", "pacemakerd", "dc_lookup", "nodes", "health"]) {
        Some("nodes") => nodes(&options),
        Some("dc_lookup") => info().and_then(|info| dc(&options, &info)),
        Some("pacemakerd") => info().map(|info| daemon(&options, &info)),
        Some(_) => status(&options),
        None => {
            return Err(Answer {
                err: format!("error: Must specify a command option\n{USAGE}"),
                code: Some(ExitCode::Usage),
                ..Answer::default()
            });
        }
    };
    let said = asked.map_err(|answer| frame::failed(TOOL, arguments, xml, answer))?;
    Ok(if xml { frame::xml(TOOL, arguments, said.xml) } else { Answer::text(said.text) })
}

/// An answer in both forms.
struct Said {
    text: String,
    xml: Vec<Element>,
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_connected(error: LiveError) -> Answer {
    Answer::fail(error.code(), format!("error: Could not connect to controller: {error}"))
}

fn info() -> Result<LiveInfo, Answer> {
    Live::connect(TOOL).and_then(|mut live| live.info()).map_err(not_connected)
}

fn dc(options: &Options, info: &LiveInfo) -> Result<Said, Answer> {
    let Some(dc) = &info.dc else {
        return Err(no_dc(info));
    };
    let text = if options.has("quiet") {
        format!("{dc}\n")
    } else {
        format!("Designated Controller is: {dc}\n")
    };
    Ok(Said { text, xml: vec![Element::new("dc").with("node_name", dc.as_str())] })
}

fn no_dc(info: &LiveInfo) -> Answer {
    let why = info.log.obstacle.as_deref().or(info.waiting.first().map(String::as_str));
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Answer::fail(ExitCode::NoDc, format!("error: No Designated Controller is elected{why}"))
}

fn daemon(options: &Options, info: &LiveInfo) -> Said {
    let (state, line) =
        if info.leaving { ("shutting_down", "Shutting down") } else { ("running", "Running") };
    let text = if options.has("quiet") {
        format!("{state}\n")
    } else {
        format!("Status of pacemakerd: '{line}'\n")
    };
    let xml = Element::new("pacemakerd").with("sys_from", "pacemakerd").with("state", state);
    Said { text, xml: vec![xml] }
}

/// The states of a controller, as established tools name them: those that scripts wait for.
fn state(live: &mut Live, info: &LiveInfo, node: &str) -> Result<&'static str, Answer> {
    let Some(dc) = &info.dc else { return Ok("S_ELECTION") };
    if dc != node {
        return Ok("S_NOT_DC");
    }
    // only the one who decides knows whether something is being done
    let idle = live.wait_idle(Duration::from_millis(1)).map_err(not_connected)?;
    Ok(if idle { "S_IDLE" } else { "S_TRANSITION_ENGINE" })
}

fn status(options: &Options) -> Result<Said, Answer> {
    let mut live = Live::connect(TOOL).map_err(not_connected)?;
    let info = live.info().map_err(not_connected)?;
    let node = options.value("status").unwrap_or(&info.local_node).to_owned();
    match info.nodes.iter().find(|known| known.name == node) {
        Some(known) if known.member => {}
        Some(_) => {
            return Err(Answer::fail(
                ExitCode::Disconnect,
                format!("error: node {node} is not in this partition"),
            ));
        }
        None => {
            return Err(Answer::fail(
                ExitCode::NoHost,
                format!("error: this cluster has no node {node}; crm_node -l lists them"),
            ));
        }
    }
    let state = state(&mut live, &info, &node)?;
    let text = if options.has("quiet") {
        format!("{state}\n")
    } else {
        format!("Status of {node}: '{state}' (ok)\n")
    };
    let xml = Element::new("crmd")
        .with("sys_from", "crmd")
        .with("node_name", node)
        .with("state", state)
        .with("result", "ok");
    Ok(Said { text, xml: vec![xml] })
}

fn nodes(options: &Options) -> Result<Said, Answer> {
    let document = CibSource::open().and_then(|mut source| source.query()).map_err(|error| {
        Answer::fail(error.code(), format!("error: Command failed: {}", error.chain()))
    })?;
    let wanted: Vec<&str> = options.value("nodes").unwrap_or("all").split(',').collect();
    let mut said = Said { text: String::new(), xml: Vec::new() };
    let mut list = Element::new("nodes");
    for node in crate::tools::monitor_facts::seen(&document).status.nodes {
        let kind = match node.kind {
            NodeKind::Member => "cluster",
            NodeKind::Remote => "remote",
            NodeKind::Guest => "guest",
        };
        if !wanted.iter().any(|word| matches!(*word, "" | "all") || *word == kind) {
            continue;
        }
        let line = if options.has("bash-export") {
            format!("export {}={}\n", node.name, node.id)
        } else if options.has("quiet") {
            format!("{}\n", node.name)
        } else {
            format!("{kind} node: {} ({})\n", node.name, node.id)
        };
        said.text.push_str(&line);
        list.push(
            Element::new("node").with("type", kind).with("name", node.name).with("id", node.id),
        );
    }
    if said.text.is_empty() && !options.has("quiet") && !options.has("bash-export") {
        said.text.push_str("No nodes configured\n");
    }
    said.xml.push(list);
    Ok(said)
}

const USAGE: &str = "\
crmadmin - query the cluster's controller
Usage: crmadmin <command> [options]

Commands:
 -S, --status=NODE      Display what the controller of a node is doing
 -P, --pacemakerd       Display the state of this node's daemon
 -D, --dc_lookup        Display the name of the node that decides
 -N, --nodes[=TYPE]     Display all nodes, or those of some types (cluster, guest, remote)

Options:
 -h, --help             This text
 -$, --version          Version information
 -q, --quiet            Display only what was asked for
     --output-as=FORMAT text or xml
 -t, --timeout=TIME     Accepted; the daemon of this node answers at once
 -B, --bash-export      Display nodes as shell commands of the form 'export NAME=ID'
 -V, --verbose, -i, --ipc-name=NAME
                        Accepted
";

#[cfg(test)]
mod tests {
    use model::ExitCode;
    use view::live::LiveInfo;

    use super::super::options::Options;
    use super::{SPECS, answer, dc};

    #[test]
    fn the_one_who_decides_is_named_as_scripts_expect() {
        let options = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            Options::parse(&words, &SPECS).unwrap()
        };
        let mut info = LiveInfo { dc: Some("ser1".into()), ..LiveInfo::default() };
        let said = dc(&options(&["-D"]), &info).unwrap_or_else(|_| panic!("there is one"));
        assert_eq!(said.text, "Designated Controller is: ser1\n");
        let said = dc(&options(&["-qD"]), &info).unwrap_or_else(|_| panic!("there is one"));
        assert_eq!(said.text, "ser1\n");
        info.dc = None;
        let none = dc(&options(&["-D"]), &info).err().and_then(|answer| answer.code);
        assert_eq!(none, Some(ExitCode::NoDc));
    }

    #[test]
    fn a_command_is_needed_and_times_are_times() {
        assert_eq!(answer(&[]).unwrap_err().code, Some(ExitCode::Usage));
        let words = ["-D".to_owned(), "-t".to_owned(), "soon".to_owned()];
        assert_eq!(answer(&words).unwrap_err().code, Some(ExitCode::Usage));
    }
}

//! `crm_node`: who this node is and who is with it. Agents call it often.

use std::fmt::Write as _;

use cib::Element;
use cib::edit::{Request, Target};
use model::ExitCode;
use view::live::{LiveInfo, LiveNode};

use crate::live::{Live, LiveError};

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const SPECS: [Spec; 13] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    ('i', "cluster-id", Takes::Nothing),
    ('l', "list", Takes::Nothing),
    ('n', "name", Takes::Nothing),
    ('p', "partition", Takes::Nothing),
    ('q', "quorum", Takes::Nothing),
    ('N', "name-for-id", Takes::Value),
    ('R', "remove", Takes::Value),
    ('f', "force", Takes::Nothing),
];

const COMMANDS: [&str; 7] =
    ["cluster-id", "list", "name", "partition", "quorum", "name-for-id", "remove"];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options("crm_node", arguments, &SPECS, USAGE)?;
    let Some(command) = options.last_of(&COMMANDS) else {
        return Err(Answer {
            err: USAGE.to_owned(),
            code: Some(ExitCode::Usage),
            ..Answer::default()
        });
    };
    match command {
        // an agent is told by its executor which node it works for
        "name" => match std::env::var("OCF_RESKEY_CRM_meta_on_node") {
            Ok(name) if !name.is_empty() => Ok(Answer::text(format!("{name}\n"))),
            _ => Ok(Answer::text(format!("{}\n", info()?.local_node))),
        },
        "remove" => remove(&options),
        _ => {
            let id = options.value("name-for-id").unwrap_or_default();
            describe(command, id, &info()?)
        }
    }
}

fn info() -> Result<LiveInfo, Answer> {
    Live::connect("crm_node").and_then(|mut live| live.info()).map_err(not_connected)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_connected(error: LiveError) -> Answer {
    Answer::fail(error.code(), format!("error: Could not connect to controller: {error}"))
}

fn describe(command: &str, id: &str, info: &LiveInfo) -> Result<Answer, Answer> {
    let members = || info.nodes.iter().filter(|node| node.member);
    Ok(Answer::text(match command {
        "cluster-id" => format!("{}\n", info.local_id),
        "quorum" => format!("{}\n", u8::from(info.quorate)),
        "partition" => {
            let names: Vec<&str> = members().map(|node| node.name.as_str()).collect();
            format!("{}\n", names.join(" "))
        }
        "list" => list(&info.nodes),
        _ => match info.nodes.iter().find(|node| node.id.to_string() == id) {
            Some(node) => format!("{}\n", node.name),
            None => {
                return Err(Answer::fail(
                    ExitCode::NoHost,
                    format!("error: this cluster has no node with id {id}; crm_node -l lists them"),
                ));
            }
        },
    }))
}

fn list(nodes: &[LiveNode]) -> String {
    nodes.iter().fold(String::new(), |mut out, node| {
        let state = if node.member { "member" } else { "lost" };
        let _infallible = writeln!(out, "{} {} {state}", node.id, node.name);
        out
    })
}

/// Takes what is left of a node out of the document; one that is still in corosync.conf, or here,
/// would only come back.
fn remove(options: &Options) -> Result<Answer, Answer> {
    let name = options.value("remove").unwrap_or_default();
    if !options.has("force") {
        return Err(Answer::fail(
            ExitCode::Usage,
            "The supplied command is considered dangerous.  To prevent accidental destruction of \
             the cluster, the --force flag is required in order to proceed.",
        ));
    }
    let info = info()?;
    if let Some(node) = info.nodes.iter().find(|node| node.name == name) {
        let why = if node.member { "is active" } else { "is still in corosync.conf" };
        return Err(Answer::fail(
            ExitCode::Unsafe,
            format!(
                "error: node {name} {why}; `pcs cluster node remove {name}` takes it out of the \
                 cluster"
            ),
        ));
    }
    let mut live = Live::connect("crm_node").map_err(not_connected)?;
    for (section, element) in [("nodes", "node"), ("status", "node_state")] {
        let request = Request::DeleteAll {
            target: Target::Section(section.to_owned()),
            xml: Some(Element::new(element).with("uname", name)),
        };
        crate::cib_source::Cluster::change(&mut live, &request).map_err(|error| {
            Answer::fail(
                error.code(),
                format!("error: Could not remove node {name}: {}", error.chain()),
            )
        })?;
    }
    Ok(Answer::default())
}

const USAGE: &str = "\
crm_node - low-level information about this node and its cluster
Usage: crm_node <command> [options]

Commands:
 -i, --cluster-id       Display this node's cluster id
 -l, --list             Display all known members (past and present) of this cluster
 -n, --name             Display the name used by the cluster for this node
 -p, --partition        Display the members of this partition
 -q, --quorum           Display a 1 if our partition has quorum, 0 if not
 -N, --name-for-id=ID   Display the name used by the cluster for the node with this id
 -R, --remove=NAME      Remove what is left of a node that is no longer in corosync.conf (needs -f)

Options:
 -h, --help             This text
 -$, --version          Version information
 -f, --force            Do what is dangerous
 -Q, --quiet, -V, --verbose
                        Accepted; there is nothing to leave out or to add
";

#[cfg(test)]
mod tests {
    use model::ExitCode;
    use view::live::{LiveInfo, LiveNode};

    use super::describe;

    fn info() -> LiveInfo {
        let node = |id: u32, member| LiveNode {
            id,
            name: format!("ser{id}"),
            member,
            addresses: Vec::new(),
        };
        LiveInfo {
            local_node: "ser1".into(),
            local_id: 1,
            quorate: true,
            nodes: vec![node(1, true), node(2, false), node(3, true)],
            ..LiveInfo::default()
        }
    }

    #[test]
    fn the_forms_are_those_that_agents_parse() {
        for (command, text) in [
            ("list", "1 ser1 member\n2 ser2 lost\n3 ser3 member\n"),
            ("partition", "ser1 ser3\n"),
            ("quorum", "1\n"),
            ("cluster-id", "1\n"),
        ] {
            assert_eq!(describe(command, "", &info()).unwrap().out, text);
        }
        assert_eq!(describe("name-for-id", "3", &info()).unwrap().out, "ser3\n");
        assert_eq!(describe("name-for-id", "4", &info()).unwrap_err().code, Some(ExitCode::NoHost));
    }
}

//! `corosync-cfgtool`: links of this node, and a corosync.conf read anew.

use membership::core::report;
use membership::core::status::GroupStatus;
use model::ExitCode;
use wire::tools::action::{Kind, Leave, Reload};

use crate::live::{Live, LiveError};

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "corosync-cfgtool";

const SPECS: [Spec; 12] = [
    ('i', "interface", Takes::Value),
    ('s', "status", Takes::Nothing),
    ('n', "nodes", Takes::Nothing),
    ('b', "brief", Takes::Nothing),
    ('R', "reload", Takes::Nothing),
    ('L', "reopen-logs", Takes::Nothing),
    ('k', "kill", Takes::Value),
    ('a', "address", Takes::Value),
    ('H', "shutdown", Takes::Nothing),
    ('h', "help", Takes::Nothing),
    (' ', "force", Takes::Nothing),
    ('r', "reset", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::corosync_options(TOOL, arguments, &SPECS, USAGE)?;
    let command = options.last_of(&[
        "status",
        "nodes",
        "reload",
        "reopen-logs",
        "kill",
        "address",
        "shutdown",
    ]);
    match command {
        Some("status") => Ok(status(&options, &group()?)),
        Some("nodes") => Ok(Answer::text(report::nodes(&group()?))),
        Some("address") => addresses(options.value("address").unwrap_or_default(), &group()?),
        Some("reload") => act("Reloading corosync.conf...\n", Kind::Reload(Reload {})),
        Some("shutdown") => act("Shutting down corosync\n", Kind::Leave(Leave { all: false })),
        Some("reopen-logs") => {
            // there is no file to open again: everything goes to the journal
            group()?;
            Ok(Answer::text("Reopening logging files...\nDone\n"))
        }
        Some(_) => {
            let node = options.value("kill").unwrap_or_default();
            Err(Answer::fail(
                ExitCode::Error,
                format!(
                    "{TOOL}: a node is not killed from here; `pcs cluster stop` stops node {node} \
                     in order, `pcs stonith fence` by force"
                ),
            ))
        }
        None => Err(Answer::fail(ExitCode::Error, USAGE.trim_end())),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_connected(error: LiveError) -> Answer {
    Answer::fail(
        ExitCode::Error,
        format!("Could not initialize corosync configuration API error 2 ({error})"),
    )
}

fn group() -> Result<GroupStatus, Answer> {
    let info = Live::connect(TOOL).and_then(|mut live| live.info()).map_err(not_connected)?;
    let mut group = info.membership;
    for link in group.nodes.iter_mut().flat_map(|node| &mut node.links) {
        link.address = resolved(&link.address);
    }
    Ok(group)
}

/// Returns the address behind a name of corosync.conf; a name that is nobody's stays as it is.
fn resolved(name: &str) -> String {
    use std::net::ToSocketAddrs as _;
    let mut found = (name, 0).to_socket_addrs().into_iter().flatten();
    found.next().map_or_else(|| name.to_owned(), |address| address.ip().to_string())
}

fn status(options: &Options, group: &GroupStatus) -> Answer {
    let mut group = group.clone();
    if let Some(wanted) = options.value("interface") {
        let own = group.node(group.local).map(|node| node.links.clone()).unwrap_or_default();
        let is_wanted = |link: &membership::core::status::LinkStatus| {
            own.iter().any(|known| {
                known.link == link.link
                    && (known.address == wanted || known.link.to_string() == wanted)
            })
        };
        for node in &mut group.nodes {
            node.links.retain(is_wanted);
        }
    }
    if !options.has("brief") {
        return Answer::text(report::links(&group));
    }
    let code = if report::has_faulty_link(&group) { ExitCode::Error } else { ExitCode::Ok };
    Answer { out: report::links_brief(&group), err: String::new(), code: Some(code) }
}

fn addresses(id: &str, group: &GroupStatus) -> Result<Answer, Answer> {
    let node = group.nodes.iter().find(|node| node.id.to_string() == id).ok_or_else(|| {
        Answer::fail(ExitCode::Error, format!("{TOOL}: corosync.conf has no node with id {id}"))
    })?;
    let addresses: String = node.links.iter().map(|link| format!("{} ", link.address)).collect();
    Ok(Answer::text(format!("{}\n", addresses.trim_end())))
}

fn act(first: &str, kind: Kind) -> Result<Answer, Answer> {
    let outcome = Live::connect(TOOL).and_then(|mut live| live.act(kind)).map_err(not_connected)?;
    if ExitCode::from_code(outcome.code) == ExitCode::Ok {
        return Ok(Answer::text(format!("{first}Done\n")));
    }
    let mut answer = Answer::fail(ExitCode::Error, format!("{TOOL}: {}", outcome.message));
    first.clone_into(&mut answer.out);
    Err(answer)
}

const USAGE: &str = "\
corosync-cfgtool [[-i <interface ip>] [-b] -s] [-R] [-L] [-a nodeid] [-h] [-H]

Shows the links of this node and tells the cluster's daemon a few things.
options:
	-i	With -s: only the link with this address or number
	-s	Displays the status of the links of this node
	-n	Displays the connected nodes and their links
	-b	With -s: a character for each node
	-R	Reads corosync.conf again on this node
	-L	Accepted; logs go to the journal
	-a	Displays the addresses of a node, given its id
	-h	This text
	-H	Stops the cluster on this node in order
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::{answer, resolved};

    #[test]
    fn links_show_addresses_where_corosync_conf_has_names() {
        assert_eq!(resolved("192.0.2.7"), "192.0.2.7");
        assert_eq!(resolved("2001:db8::7"), "2001:db8::7");
        assert_eq!(resolved("no such host"), "no such host");
    }

    #[test]
    fn without_a_command_it_tells_how_it_is_used() {
        assert_eq!(answer(&[]).unwrap_err().code, Some(ExitCode::Error));
        let help = answer(&["-h".to_owned()]).unwrap_or_else(|answer| answer);
        assert!(help.out.contains("-s\tDisplays") && help.code.is_none());
    }
}

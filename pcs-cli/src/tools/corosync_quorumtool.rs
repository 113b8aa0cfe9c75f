//! `corosync-quorumtool`: votes, quorum and members.

use std::time::Duration;

use membership::core::report::{self, MemberStyle};
use membership::core::status::GroupStatus;
use model::ExitCode;

use crate::live::{Live, LiveError};

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "corosync-quorumtool";

const SPECS: [Spec; 14] = [
    ('s', "status", Takes::Nothing),
    ('m', "monitor", Takes::Nothing),
    ('l', "list", Takes::Nothing),
    ('a', "all", Takes::Nothing),
    ('p', "parsable", Takes::Nothing),
    ('v', "votes", Takes::Value),
    ('n', "nodeid", Takes::Value),
    ('e', "expected", Takes::Value),
    ('H', "hex", Takes::Nothing),
    ('i', "addresses", Takes::Nothing),
    ('o', "order", Takes::Value),
    ('f', "force-unregister", Takes::Nothing),
    ('h', "help", Takes::Nothing),
    ('V', "version", Takes::Nothing),
];

/// How often `-m` looks whether something changed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Not quorate; scripts know this status.
const INQUORATE: ExitCode = ExitCode::InvalidParam;

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::corosync_options(TOOL, arguments, &SPECS, USAGE)?;
    if options.has("version") {
        return Ok(Answer::text(format!("{TOOL} version: {}\n", env!("CARGO_PKG_VERSION"))));
    }
    if options.has("votes") || options.has("expected") {
        return Err(Answer::fail(
            ExitCode::Error,
            format!(
                "{TOOL}: votes are what corosync.conf says on all nodes; change quorum_votes or \
                 expected_votes there and run `pcs cluster sync` and `pcs cluster reload corosync`"
            ),
        ));
    }
    if options.has("force-unregister") {
        return Err(Answer::fail(
            ExitCode::Error,
            format!("{TOOL}: no quorum device is registered on this node"),
        ));
    }
    let order = order(&options)?;
    let mut live = Live::connect(TOOL).map_err(not_connected)?;
    if options.has("monitor") {
        return monitor(&mut live, &options, order);
    }
    let group = live.info().map_err(not_connected)?.membership;
    Ok(show(&options, &group, order))
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_connected(error: LiveError) -> Answer {
    Answer::fail(ExitCode::Error, format!("Cannot initialize QUORUM service: {error}"))
}

#[derive(Clone, Copy)]
enum Order {
    Address,
    Name,
    Id,
}

fn order(options: &Options) -> Result<Order, Answer> {
    match options.value("order") {
        Some("a") => Ok(Order::Address),
        Some("n") => Ok(Order::Name),
        Some("i") | None => Ok(Order::Id),
        Some(other) => Err(Answer::fail(
            ExitCode::Error,
            format!(
                "{TOOL}: `{other}` is no order of members; use a (address), n (name) or i (id)"
            ),
        )),
    }
}

fn show(options: &Options, group: &GroupStatus, order: Order) -> Answer {
    let mut group = group.clone();
    match order {
        Order::Id => group.nodes.sort_by_key(|node| node.id),
        Order::Name => group.nodes.sort_by(|a, b| a.name.cmp(&b.name)),
        Order::Address => group.nodes.sort_by_key(|node| {
            let address = node.links.first().map(|link| link.address.clone()).unwrap_or_default();
            let number = address.parse::<std::net::IpAddr>().ok();
            (number.is_none(), number, address)
        }),
    }
    let style = MemberStyle {
        addresses: options.has("addresses"),
        all: options.has("all"),
        hex: options.has("hex"),
        machine: options.has("parsable"),
    };
    if options.has("list") && !options.has("status") {
        return Answer::text(report::members_table(&group, style));
    }
    let date = crate::pcs::status_text::now();
    let code = if group.quorum.quorate { ExitCode::Ok } else { INQUORATE };
    Answer { out: report::quorum(&group, style, &date), err: String::new(), code: Some(code) }
}

/// Shows the state now and whenever view or votes differ, until the daemon or the reader ends.
#[allow(clippy::disallowed_methods, reason = "nothing else runs in this process")]
fn monitor(live: &mut Live, options: &Options, order: Order) -> Result<Answer, Answer> {
    let mut before = None;
    loop {
        let group = live.info().map_err(not_connected)?.membership;
        let state = (group.view, group.quorum.clone());
        if before.as_ref() != Some(&state) {
            before = Some(state);
            let shown = show(options, &group, order).print();
            if !matches!(shown, ExitCode::Ok | INQUORATE) {
                return Ok(Answer { code: Some(shown), ..Answer::default() });
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

const USAGE: &str = "\
usage: corosync-quorumtool <options>

  options:

  -s             show quorum status (also without an option)
  -m             show quorum status whenever it changes
  -l             list nodes
  -a             show all addresses of each node
  -p             with -s or -l: output for programs
  -H             show node ids in hexadecimal
  -i             show addresses instead of names
  -o <a|n|i>     order members by address, name or id (default)
  -h             show this help text
  -V             show version and exit

Votes are changed in corosync.conf: -v, -e and -f are refused.
";

#[cfg(test)]
mod tests {
    use membership::core::status::GroupStatus;
    use model::ExitCode;

    use super::super::options::Options;
    use super::{INQUORATE, Order, SPECS, answer, show};

    #[test]
    fn the_exit_status_tells_whether_there_is_a_quorum() {
        let options = Options::parse(&["-s".to_owned()], &SPECS).unwrap();
        let mut group = GroupStatus::default();
        assert_eq!(show(&options, &group, Order::Id).code, Some(INQUORATE));
        group.quorum.quorate = true;
        assert_eq!(show(&options, &group, Order::Id).code, Some(ExitCode::Ok));
        assert_eq!(INQUORATE.code(), 2);
    }

    #[test]
    fn votes_are_not_changed_behind_the_file() {
        let refused = answer(&["-e".to_owned(), "1".to_owned()]).unwrap_err();
        assert!(refused.err.contains("corosync.conf"));
    }
}

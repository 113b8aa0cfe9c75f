//! `crm_ticket`: tickets of a site that takes turns with others.

use std::fmt::Write as _;

use cib::Element;
use cib::edit::{Request, Target};
use jiff::Timestamp;
use model::ExitCode;

use crate::cib_source::CibSource;
use crate::pcs::status_text;

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "crm_ticket";

const SPECS: [Spec; 25] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('l', "info", Takes::Nothing),
    ('L', "details", Takes::Nothing),
    ('w', "raw", Takes::Nothing),
    ('q', "query-xml", Takes::Nothing),
    ('c', "constraints", Takes::Nothing),
    ('g', "grant", Takes::Nothing),
    ('r', "revoke", Takes::Nothing),
    ('s', "standby", Takes::Nothing),
    ('a', "activate", Takes::Nothing),
    ('G', "get-attr", Takes::Value),
    ('S', "set-attr", Takes::Value),
    ('D', "delete-attr", Takes::Value),
    ('C', "cleanup", Takes::Nothing),
    ('v', "attr-value", Takes::Value),
    ('d', "default", Takes::Value),
    ('f', "force", Takes::Nothing),
    ('t', "ticket", Takes::Value),
    ('n', "set-name", Takes::Value),
    ('i', "nvpair", Takes::Value),
    ('Q', "quiet", Takes::Nothing),
    (' ', "get-attribute", Takes::Value),
];

const COMMANDS: [&str; 13] = [
    "info",
    "details",
    "raw",
    "query-xml",
    "constraints",
    "grant",
    "revoke",
    "standby",
    "activate",
    "get-attr",
    "set-attr",
    "delete-attr",
    "cleanup",
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    let Some(command) = options.last_of(&COMMANDS) else {
        return Err(fail(ExitCode::Usage, "Must supply a command"));
    };
    let mut source = CibSource::open().map_err(|error| not_connected(&error))?;
    let document = source.query().map_err(|error| not_connected(&error))?;
    match command {
        "info" | "details" | "raw" => show(&options, &document, command),
        "query-xml" => query_xml(&options, &document),
        "constraints" => constraints(&options, &document),
        "get-attr" => get(&options, &document),
        _ => change(&options, &mut source, &document, command),
    }
}

fn not_connected(error: &crate::cib_source::SourceError) -> Answer {
    fail(error.code(), format!("Could not connect to the CIB: {}", error.chain()))
}

fn states(document: &Element) -> Vec<&Element> {
    let tickets = document.at(&["status", "tickets"]);
    let mut all: Vec<&Element> =
        tickets.into_iter().flat_map(|all| all.children_named("ticket_state")).collect();
    all.sort_by_key(|state| state.id());
    all
}

fn wanted<'a>(options: &Options, document: &'a Element) -> Result<Vec<&'a Element>, Answer> {
    let mut all = states(document);
    if let Some(id) = options.value("ticket") {
        all.retain(|state| state.id() == Some(id));
        if all.is_empty() {
            return Err(fail(ExitCode::NoSuch, format!("No such ticket '{id}'")));
        }
    }
    Ok(all)
}

fn the_ticket(options: &Options) -> Result<&str, Answer> {
    options
        .value("ticket")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| fail(ExitCode::Usage, "Must supply ticket ID with -t"))
}

fn holds(state: &Element, key: &str) -> bool {
    state.get(key).is_some_and(pcs::options::is_true)
}

/// Returns an attribute as people read it.
fn readable(key: &str, value: &str) -> String {
    match value.parse() {
        Ok(seconds) if key == "last-granted" => format!("'{}'", status_text::time(seconds)),
        _ => value.to_owned(),
    }
}

fn show(options: &Options, document: &Element, command: &str) -> Result<Answer, Answer> {
    let mut text = String::new();
    for state in wanted(options, document)? {
        let id = state.id().unwrap_or_default();
        if command == "raw" {
            let _infallible = writeln!(text, "{id}");
            continue;
        }
        let granted = if holds(state, "granted") { "granted" } else { "revoked" };
        let standby = if holds(state, "standby") { "[standby]" } else { "         " };
        let mut line = format!("{id}\t{granted} {standby}");
        if command == "details" {
            let all: Vec<String> = state
                .attributes()
                .filter(|(key, _)| *key != "id")
                .map(|(key, value)| format!("{key}={}", readable(key, value)))
                .collect();
            if !all.is_empty() {
                let _infallible = write!(line, " ({})", all.join(", "));
            }
        } else if let Some(last) = state.get("last-granted") {
            let _infallible = write!(line, " last-granted={}", readable("last-granted", last));
        }
        let _infallible = writeln!(text, "{}", line.trim_end());
    }
    Ok(Answer::text(text))
}

fn query_xml(options: &Options, document: &Element) -> Result<Answer, Answer> {
    let found = wanted(options, document)?;
    let xml = match (options.value("ticket"), found.first()) {
        (Some(_), Some(state)) => state.to_xml(),
        _ => match document.at(&["status", "tickets"]) {
            Some(tickets) => tickets.to_xml(),
            None => return Err(fail(ExitCode::NoSuch, "There are no tickets")),
        },
    };
    Ok(Answer::text(format!("State XML:\n\n{xml}")))
}

fn constraints(options: &Options, document: &Element) -> Result<Answer, Answer> {
    let wanted = options.value("ticket");
    let found: Vec<&Element> = document
        .at(&["configuration", "constraints"])
        .into_iter()
        .flat_map(|all| all.children_named("rsc_ticket"))
        .filter(|constraint| wanted.is_none_or(|id| constraint.get("ticket") == Some(id)))
        .collect();
    let xml = match found.as_slice() {
        [] => {
            return Err(fail(
                ExitCode::NoSuch,
                "Could not show ticket constraints: No such device or address",
            ));
        }
        [one] => one.to_xml(),
        several => {
            let mut all = Element::new("xpath-query");
            for one in several {
                all.push((*one).clone());
            }
            all.to_xml()
        }
    };
    Ok(Answer::text(format!("Constraints XML:\n\n{xml}")))
}

fn get(options: &Options, document: &Element) -> Result<Answer, Answer> {
    let id = the_ticket(options)?;
    let key = options.value("get-attr").unwrap_or_default();
    let state = states(document).into_iter().find(|state| state.id() == Some(id));
    let value = state.and_then(|state| state.get(key)).or(options.value("default"));
    match value {
        Some(value) => {
            let readable = readable(key, value);
            Ok(Answer::text(format!("{}\n", readable.trim_matches('\''))))
        }
        None => Err(Answer { code: Some(ExitCode::NoSuch), ..Answer::default() }),
    }
}

/// Nobody but an operator can know whether another site holds the ticket.
fn grant_warning(id: &str) -> String {
    format!(
        "This command cannot help you verify whether '{id}' has been already granted \
         elsewhere.\nIf you really want to grant '{id}' to this site now, and you know what you \
         are doing,\nplease specify --force.\n"
    )
}

fn revoke_warning(id: &str) -> String {
    format!(
        "Revoking '{id}' can trigger the specified 'loss-policy'(s) relating to '{id}'.\n\nYou can \
         check that with:\ncrm_ticket --ticket {id} --constraints\n\nOtherwise before revoking \
         '{id}', you may want to make '{id}' standby with:\ncrm_ticket --ticket {id} --standby\n\n\
         If you really want to revoke '{id}' from this site now, and you know what you are \
         doing,\nplease specify --force.\n"
    )
}

fn change(
    options: &Options,
    source: &mut CibSource,
    document: &Element,
    command: &str,
) -> Result<Answer, Answer> {
    let id = the_ticket(options)?;
    if source.is_live() {
        return Err(fail(
            ExitCode::UnimplementFeature,
            "a running cluster of this version keeps no tickets yet; nothing was changed",
        ));
    }
    let known = states(document).into_iter().find(|state| state.id() == Some(id));
    let (key, value) = match command {
        "grant" => ("granted", Some("true")),
        "revoke" => ("granted", Some("false")),
        "standby" => ("standby", Some("true")),
        "activate" => ("standby", Some("false")),
        "delete-attr" => (options.value("delete-attr").unwrap_or_default(), None),
        "set-attr" => {
            let Some(value) = options.value("attr-value").filter(|value| !value.is_empty()) else {
                return Err(fail(
                    ExitCode::Usage,
                    format!("Must supply attribute value with -v for ticket '{id}'"),
                ));
            };
            (options.value("set-attr").unwrap_or_default(), Some(value))
        }
        _ => return cleanup(options, source, known, id),
    };
    if key == "granted" && !options.has("force") {
        let warning = if value.is_some_and(pcs::options::is_true) {
            grant_warning(id)
        } else {
            revoke_warning(id)
        };
        return Err(Answer {
            out: warning,
            err: format!("{TOOL}: Ticket modification not allowed\n"),
            code: Some(ExitCode::InsufficientPriv),
        });
    }
    let mut state = known.cloned().unwrap_or_else(|| Element::new("ticket_state").with("id", id));
    match value {
        Some(value) => {
            state.set(key, value);
            let newly = !known.is_some_and(|known| holds(known, "granted"));
            if key == "granted" && pcs::options::is_true(value) && newly {
                state.set("last-granted", Timestamp::now().as_second().to_string());
            }
        }
        None => {
            if state.unset(key).is_none() {
                return Ok(Answer::default());
            }
        }
    }
    let target = Target::Section("status".to_owned());
    let request = if known.is_some() {
        Request::Replace { target, xml: state }
    } else {
        let tickets = Element::new("tickets").with_child(state);
        Request::Modify { target, xml: tickets, allow_create: true }
    };
    send(source, &request)?;
    Ok(Answer::default())
}

fn send(source: &mut CibSource, request: &Request) -> Result<(), Answer> {
    source
        .send(request)
        .map_err(|error| fail(error.code(), format!("Could not modify ticket: {}", error.chain())))
}

fn cleanup(
    options: &Options,
    source: &mut CibSource,
    known: Option<&Element>,
    id: &str,
) -> Result<Answer, Answer> {
    let Some(state) = known else {
        return Err(fail(ExitCode::NoSuch, format!("No such ticket '{id}'")));
    };
    if holds(state, "granted") && !options.has("force") {
        return Err(Answer {
            err: revoke_warning(id),
            code: Some(ExitCode::InsufficientPriv),
            ..Answer::default()
        });
    }
    let xml = Some(Element::new("ticket_state").with("id", id));
    send(source, &Request::Delete { target: Target::Section("status".to_owned()), xml })?;
    Ok(Answer::text(format!("Cleaned up {id}\n")))
}

const USAGE: &str = "\
crm_ticket - tickets of this site
Usage: crm_ticket <command> [options]

Queries:
 -l, --info              Display tickets
 -L, --details           Display tickets with all their attributes
 -w, --raw               Display the names of tickets
 -q, --query-xml         Display tickets as XML
 -c, --constraints       Display the constraints that name a ticket

Commands:
 -g, --grant             Grant a ticket to this site (needs --force)
 -r, --revoke            Revoke a ticket from this site (needs --force)
 -s, --standby           Stop or demote what depends on a ticket, gracefully
 -a, --activate          Take that back
 -G, --get-attr=NAME     Display an attribute
 -S, --set-attr=NAME     Set an attribute (needs -v)
 -D, --delete-attr=NAME  Delete an attribute
 -C, --cleanup           Forget a ticket

A running cluster keeps no tickets yet: commands that change them work on files (CIB_file) only.

Options:
 -t, --ticket=ID         The ticket
 -v, --attr-value=VALUE  With -S
 -d, --default=VALUE     With -G: shown where there is none
 -f, --force             Do it in spite of doubts
 -h, --help              This text
 -$, --version           Version information
";

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::{SPECS, get, show};

    #[test]
    fn tickets_read_as_the_established_tool_writes_them() {
        let document = cib::parse(
            "<cib><status><tickets><ticket_state id='T2' granted='false' standby='true'/>\
             <ticket_state id='T1' granted='true' owner='x'/></tickets></status></cib>",
        )
        .unwrap();
        let options = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            Options::parse(&words, &SPECS).unwrap()
        };
        let out = |words: &[&str], command| show(&options(words), &document, command).unwrap().out;
        assert_eq!(out(&["-l"], "info"), "T1\tgranted\nT2\trevoked [standby]\n");
        assert_eq!(
            out(&["-L"], "details"),
            "T1\tgranted           (granted=true, owner=x)\n\
             T2\trevoked [standby] (granted=false, standby=true)\n"
        );
        assert_eq!(out(&["-w", "-t", "T2"], "raw"), "T2\n");
        assert_eq!(get(&options(&["-G", "owner", "-t", "T1"]), &document).unwrap().out, "x\n");
        assert!(get(&options(&["-G", "none", "-t", "T1"]), &document).is_err());
    }
}

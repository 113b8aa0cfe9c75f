//! `crm_master`, `crm_standby` and `crm_failcount`: `crm_attribute` for one purpose each.

use model::ExitCode;
use wire::tools::action::{Kind, Target};

use crate::cib_source::CibSource;
use crate::live::Live;

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};
use super::{attrd_updater, crm_attribute};

/// Runs `crm_master`.
pub(crate) fn run_master(arguments: &[String]) -> ExitCode {
    master(arguments).unwrap_or_else(|answer| answer).print()
}

/// Runs `crm_standby`.
pub(crate) fn run_standby(arguments: &[String]) -> ExitCode {
    standby(arguments).unwrap_or_else(|answer| answer).print()
}

/// Runs `crm_failcount`.
pub(crate) fn run_failcount(arguments: &[String]) -> ExitCode {
    failcount(arguments).unwrap_or_else(|answer| answer).print()
}

const MASTER: [Spec; 14] = [
    ('?', "help", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    ('G', "query", Takes::Nothing),
    ('D', "delete", Takes::Nothing),
    ('v', "update", Takes::Value),
    ('l', "lifetime", Takes::Value),
    ('N', "node", Takes::Value),
    ('U', "uname", Takes::Value),
    ('r', "resource", Takes::Value),
    ('d', "default", Takes::Value),
    ('i', "id", Takes::Value),
];

const MASTER_USAGE: &str = "\
crm_master - query, set or delete the promotion score of a resource on a node
Usage: crm_master <command> [options]

Commands:
 -G, --query            Query the score
 -v, --update=VALUE     Set the score
 -D, --delete           Delete the score

Options:
 -r, --resource=NAME    The resource (or that of OCF_RESOURCE_INSTANCE)
 -N, --node=NODE        The node (or this one)
 -l, --lifetime=VALUE   reboot or forever (usual; agents want reboot)
 -d, --default=VALUE    Show this where there is none
 -q, --quiet            Show the value only

`crm_attribute --promotion` does the same, and means reboot where nothing is said.
";

/// Passes on the options that `crm_attribute` has too.
fn passed(options: &Options, names: &[&'static str]) -> Vec<String> {
    names
        .iter()
        .filter(|name| options.has(name))
        .map(|name| match options.value(name) {
            Some(value) => format!("--{name}={value}"),
            None => format!("--{name}"),
        })
        .collect()
}

fn master(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options("crm_master", arguments, &MASTER, MASTER_USAGE)?;
    let given = options.value("resource").map(str::to_owned);
    let resource = given.or_else(|| std::env::var("OCF_RESOURCE_INSTANCE").ok());
    let Some(resource) = resource.filter(|resource| !resource.is_empty()) else {
        return Err(Answer {
            err: format!("error: No resource specified\n\n{MASTER_USAGE}"),
            code: Some(ExitCode::Error),
            ..Answer::default()
        });
    };
    let names =
        ["query", "delete", "update", "lifetime", "node", "uname", "default", "id", "quiet"];
    let mut words = vec![format!("--promotion={resource}")];
    words.extend(passed(&options, &names));
    // as scripts know it; the other name means until the node leaves
    if !options.has("lifetime") {
        words.push("--lifetime=forever".to_owned());
    }
    crm_attribute::answer(&words)
}

const STANDBY: [Spec; 12] = [
    ('?', "help", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    ('G', "query", Takes::Nothing),
    ('v', "update", Takes::Value),
    ('D', "delete", Takes::Nothing),
    ('N', "node", Takes::Value),
    ('U', "uname", Takes::Value),
    ('l', "lifetime", Takes::Value),
    ('i', "id", Takes::Value),
];

const STANDBY_USAGE: &str = "\
crm_standby - query, switch on or off standby of a node, which then runs no resources
Usage: crm_standby <command> [options]

Commands:
 -G, --query            Query whether the node is in standby (on/off)
 -v, --update=VALUE     Switch standby on or off
 -D, --delete           Forget what was said

Options:
 -N, --node=NODE        The node (or this one)
 -l, --lifetime=VALUE   reboot or forever (usual)
 -i, --id=VALUE         XML id of the attribute
 -q, --quiet            Show the value only
";

fn standby(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options("crm_standby", arguments, &STANDBY, STANDBY_USAGE)?;
    let mut words = vec!["--name=standby".to_owned()];
    words.extend(passed(&options, &["node", "uname", "id", "quiet"]));
    let with = |lifetime: &str, more: &[String]| {
        let mut all = words.clone();
        all.push(format!("--lifetime={lifetime}"));
        all.extend_from_slice(more);
        crm_attribute::answer(&all)
    };
    let lifetime = options.value("lifetime");
    match options.last_of(&["query", "update", "delete"]) {
        Some("update") => {
            let value = passed(&options, &["update"]);
            with(lifetime.unwrap_or("forever"), &value)
        }
        Some("query") => {
            let query = "--query".to_owned();
            let usual = [query.clone(), "--default=off".to_owned()];
            match lifetime {
                Some(lifetime) => with(lifetime, &usual),
                None => match with("forever", &[query]) {
                    Err(none) if none.code == Some(ExitCode::NoSuch) => with("reboot", &usual),
                    answer => answer,
                },
            }
        }
        Some(_) => {
            let delete = ["--delete".to_owned()];
            match lifetime {
                Some(lifetime) => with(lifetime, &delete),
                None => {
                    let mut answer = with("forever", &delete)?;
                    answer.out.push_str(&with("reboot", &delete)?.out);
                    Ok(answer)
                }
            }
        }
        None => Err(usage("must specify a command", STANDBY_USAGE)),
    }
}

fn usage(error: &str, text: &str) -> Answer {
    Answer {
        err: format!("error: {error}\n\n{text}"),
        code: Some(ExitCode::Usage),
        ..Answer::default()
    }
}

const FAILCOUNT: [Spec; 15] = [
    ('?', "help", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    ('G', "query", Takes::Nothing),
    ('D', "delete", Takes::Nothing),
    ('v', "update", Takes::Value),
    ('r', "resource", Takes::Value),
    ('n', "operation", Takes::Value),
    ('I', "interval", Takes::Value),
    ('N', "node", Takes::Value),
    ('U', "uname", Takes::Value),
    ('l', "lifetime", Takes::Value),
    (' ', "help-all", Takes::Nothing),
];

const FAILCOUNT_USAGE: &str = "\
crm_failcount - query or delete how often a resource failed
Usage: crm_failcount <command> -r NAME [options]

Commands:
 -G, --query            Query the resource's fail count
 -D, --delete           Forget the resource's failures

Options:
 -r, --resource=NAME    The resource (required)
 -n, --operation=NAME   This operation only
 -I, --interval=TIME    With this interval
 -N, --node=NODE        The node (or this one)
 -q, --quiet            Show the value only
";

fn failcount(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options("crm_failcount", arguments, &FAILCOUNT, FAILCOUNT_USAGE)?;
    let command = options.last_of(&["query", "delete", "update"]);
    let Some(command) = command else {
        return Err(usage("must specify a command", FAILCOUNT_USAGE));
    };
    if command == "update" && !matches!(options.value("update"), Some("0")) {
        return Err(usage("fail counts are set to 0 only; the cluster counts", FAILCOUNT_USAGE));
    }
    let Some(resource) = options.value("resource").filter(|r| !r.is_empty()) else {
        return Err(usage("resource name required", FAILCOUNT_USAGE));
    };
    let interval = match options.value("interval") {
        None => None,
        Some(text) => Some(frame::milliseconds(text).ok_or_else(|| {
            usage(&format!("invalid interval `{text}`; write 10s or 500ms"), FAILCOUNT_USAGE)
        })?),
    };
    let operation = options.value("operation");
    let fail = |error: &crate::cib_source::SourceError| {
        Answer::fail(error.code(), format!("crm_failcount: {}", error.chain()))
    };
    let mut source = CibSource::open().map_err(|error| fail(&error))?;
    let node = node(&options, source.is_live())?;
    if command != "query" {
        return forget(resource, &node, operation, interval);
    }
    let document = source.query().map_err(|error| fail(&error))?;
    if super::attribute_place::node_id(&document, &node).is_none() {
        return Err(Answer::fail(
            ExitCode::NoSuch,
            format!("crm_failcount: Could not map name={node} to a UUID"),
        ));
    }
    let counts: Vec<_> = view::failures::fail_counts(&document)
        .into_iter()
        .filter(|count| count.node == node && count.resource == resource)
        .filter(|count| operation.is_none_or(|name| count.operation == name))
        .filter(|count| operation.is_none() || interval.is_none_or(|ms| count.interval_ms == ms))
        .collect();
    let total: Option<u64> = counts.iter().map(|count| count.count).sum();
    let total = total.map_or_else(|| "INFINITY".to_owned(), |count| count.to_string());
    if options.has("quiet") {
        return Ok(Answer::text(format!("{total}\n")));
    }
    let which =
        operation.map(|name| format!("#{name}_{}", interval.unwrap_or(0))).unwrap_or_default();
    Ok(Answer::text(format!("scope=status  name=fail-count-{resource}{which} value={total}\n")))
}

fn node(options: &Options, live: bool) -> Result<String, Answer> {
    let given = options.value("uname").map(str::to_owned);
    let node = given.unwrap_or_else(|| attrd_updater::node_of(options));
    if !node.is_empty() {
        return Ok(node);
    }
    if !live {
        return Err(usage("node name required", FAILCOUNT_USAGE));
    }
    Live::connect("crm_failcount")
        .and_then(|mut live| live.info())
        .map(|info| info.local_node)
        .map_err(|error| Answer::fail(error.code(), format!("crm_failcount: {error}")))
}

fn forget(
    resource: &str,
    node: &str,
    operation: Option<&str>,
    interval: Option<u64>,
) -> Result<Answer, Answer> {
    let kind = Kind::Cleanup(Target {
        resource: resource.to_owned(),
        node: node.to_owned(),
        interval_ms: operation.and(interval),
        operation: operation.unwrap_or_default().to_owned(),
    });
    let done = Live::connect("crm_failcount")
        .and_then(|mut live| live.act(kind))
        .map_err(|error| Answer::fail(error.code(), format!("crm_failcount: {error}")))?;
    match ExitCode::from_code(done.code) {
        ExitCode::Ok => Ok(Answer::text(format!("Cleaned up {resource} on {node}\n"))),
        code => Err(Answer::fail(code, format!("crm_failcount: {}", done.message))),
    }
}

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::{failcount, master, standby};

    #[test]
    fn what_is_missing_is_said_with_the_usage() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for (answer, code) in [
            (failcount(&words(&[])), ExitCode::Usage),
            (failcount(&words(&["-G"])), ExitCode::Usage),
            (failcount(&words(&["-r", "A", "-v", "3"])), ExitCode::Usage),
            (standby(&words(&[])), ExitCode::Usage),
        ] {
            let answer = answer.unwrap_err();
            assert_eq!(answer.code, Some(code));
            assert!(answer.err.contains("Usage: "));
        }
        if std::env::var_os("OCF_RESOURCE_INSTANCE").is_none() {
            assert_eq!(master(&words(&["-G"])).unwrap_err().code, Some(ExitCode::Error));
        }
    }
}

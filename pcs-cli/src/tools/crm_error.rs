//! `crm_error`: what a number means.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use nix::errno::Errno;

use super::answer::{Answer, VERSION};
use super::frame;
use super::options::{Options, Spec, Takes};

const SPECS: [Spec; 9] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('n', "name", Takes::Nothing),
    ('l', "list", Takes::Nothing),
    ('X', "exit", Takes::Nothing),
    ('r', "rc", Takes::Nothing),
    (' ', "output-as", Takes::Value),
];

/// Number, name and meaning.
type Row = (i32, &'static str, &'static str);

/// Exit statuses of tools.
const EXITS: [Row; 45] = [
    (0, "CRM_EX_OK", "OK"),
    (1, "CRM_EX_ERROR", "Error occurred"),
    (2, "CRM_EX_INVALID_PARAM", "Invalid parameter"),
    (3, "CRM_EX_UNIMPLEMENT_FEATURE", "Unimplemented"),
    (4, "CRM_EX_INSUFFICIENT_PRIV", "Insufficient privileges"),
    (5, "CRM_EX_NOT_INSTALLED", "Not installed"),
    (6, "CRM_EX_NOT_CONFIGURED", "Not configured"),
    (7, "CRM_EX_NOT_RUNNING", "Not running"),
    (8, "CRM_EX_PROMOTED", "Promoted"),
    (9, "CRM_EX_FAILED_PROMOTED", "Failed in promoted role"),
    (64, "CRM_EX_USAGE", "Incorrect usage"),
    (65, "CRM_EX_DATAERR", "Invalid data given"),
    (66, "CRM_EX_NOINPUT", "Input file not available"),
    (67, "CRM_EX_NOUSER", "User does not exist"),
    (68, "CRM_EX_NOHOST", "Host does not exist"),
    (69, "CRM_EX_UNAVAILABLE", "Necessary service unavailable"),
    (70, "CRM_EX_SOFTWARE", "Internal software bug"),
    (71, "CRM_EX_OSERR", "Operating system error occurred"),
    (72, "CRM_EX_OSFILE", "System file not available"),
    (73, "CRM_EX_CANTCREAT", "Cannot create output file"),
    (74, "CRM_EX_IOERR", "I/O error occurred"),
    (75, "CRM_EX_TEMPFAIL", "Temporary failure, try again"),
    (76, "CRM_EX_PROTOCOL", "Protocol violated"),
    (77, "CRM_EX_NOPERM", "Insufficient privileges"),
    (78, "CRM_EX_CONFIG", "Invalid configuration"),
    (100, "CRM_EX_FATAL", "Fatal error occurred, will not respawn"),
    (101, "CRM_EX_PANIC", "System panic required"),
    (102, "CRM_EX_DISCONNECT", "Not connected"),
    (103, "CRM_EX_OLD", "Update was older than existing configuration"),
    (104, "CRM_EX_DIGEST", "Digest mismatch"),
    (105, "CRM_EX_NOSUCH", "No such object"),
    (106, "CRM_EX_QUORUM", "Quorum required"),
    (107, "CRM_EX_UNSAFE", "Operation not safe"),
    (108, "CRM_EX_EXISTS", "Requested item already exists"),
    (109, "CRM_EX_MULTIPLE", "Multiple items match request"),
    (110, "CRM_EX_EXPIRED", "Requested item has expired"),
    (111, "CRM_EX_NOT_YET_IN_EFFECT", "Requested item is not yet in effect"),
    (112, "CRM_EX_INDETERMINATE", "Could not determine status"),
    (113, "CRM_EX_UNSATISFIED", "Not applicable under current conditions"),
    (114, "CRM_EX_NO_DC", "DC is not yet elected"),
    (124, "CRM_EX_TIMEOUT", "Timeout occurred"),
    (190, "CRM_EX_DEGRADED", "Service is active but might fail soon"),
    (191, "CRM_EX_DEGRADED_PROMOTED", "Service is promoted but might fail soon"),
    (193, "CRM_EX_NONE", "No exit status available"),
    (255, "CRM_EX_MAX", "Error occurred"),
];

/// What functions return today.
const RETURNS: [Row; 34] = [
    (-1033, "pcmk_rc_duplicate_id", "Two or more XML elements have the same ID"),
    (-1032, "pcmk_rc_unpack_error", "Unable to parse CIB XML"),
    (-1031, "pcmk_rc_invalid_transition", "Cluster simulation produced invalid transition"),
    (-1030, "pcmk_rc_graph_error", "Error writing graph file"),
    (-1029, "pcmk_rc_dot_error", "Error writing dot(1) file"),
    (-1028, "pcmk_rc_underflow", "Value too small to be stored in data type"),
    (-1027, "pcmk_rc_no_input", "Input file not available"),
    (-1026, "pcmk_rc_no_output", "Output message produced no output"),
    (-1025, "pcmk_rc_after_range", "Result occurs after given range"),
    (-1024, "pcmk_rc_within_range", "Result occurs within given range"),
    (-1023, "pcmk_rc_before_range", "Result occurs before given range"),
    (-1022, "pcmk_rc_undetermined", "Result undetermined"),
    (-1021, "pcmk_rc_op_unsatisfied", "Not applicable under current conditions"),
    (-1020, "pcmk_rc_ipc_pid_only", "IPC server process is active but not accepting connections"),
    (-1019, "pcmk_rc_ipc_unresponsive", "IPC server is unresponsive"),
    (-1018, "pcmk_rc_ipc_unauthorized", "IPC server is blocked by unauthorized process"),
    (-1017, "pcmk_rc_no_quorum", "Operation requires quorum"),
    (-1016, "pcmk_rc_schema_validation", "Update does not conform to the configured schema"),
    (-1015, "pcmk_rc_schema_unchanged", "Schema is already the latest available"),
    (-1014, "pcmk_rc_transform_failed", "Schema transform failed"),
    (-1013, "pcmk_rc_old_data", "Update was older than existing configuration"),
    (-1012, "pcmk_rc_diff_failed", "Application of update diff failed"),
    (-1011, "pcmk_rc_diff_resync", "Application of update diff failed, requesting full refresh"),
    (-1010, "pcmk_rc_cib_modified", "On-disk configuration was manually modified"),
    (-1009, "pcmk_rc_cib_backup", "Could not archive previous configuration"),
    (-1008, "pcmk_rc_cib_save", "Could not save new configuration to disk"),
    (-1007, "pcmk_rc_cib_corrupt", "Could not parse on-disk configuration"),
    (-1006, "pcmk_rc_multiple", "Resource active on multiple nodes"),
    (-1005, "pcmk_rc_node_unknown", "Node not found"),
    (-1004, "pcmk_rc_already", "Already in requested state"),
    (-1003, "pcmk_rc_bad_nvpair", "Bad name/value pair given"),
    (-1002, "pcmk_rc_unknown_format", "Unknown output format"),
    (-1001, "pcmk_rc_error", "Error"),
    (0, "pcmk_rc_ok", "OK"),
];

/// What functions returned of old, above the system's own numbers.
const LEGACY: [Row; 17] = [
    (0, "pcmk_rc_ok", "OK"),
    (201, "pcmk_err_generic", "Error"),
    (202, "pcmk_err_no_quorum", "Operation requires quorum"),
    (203, "pcmk_err_schema_validation", "Update does not conform to the configured schema"),
    (204, "pcmk_err_transform_failed", "Schema transform failed"),
    (205, "pcmk_err_old_data", "Update was older than existing configuration"),
    (206, "pcmk_err_diff_failed", "Application of update diff failed"),
    (207, "pcmk_err_diff_resync", "Application of update diff failed, requesting full refresh"),
    (208, "pcmk_err_cib_modified", "On-disk configuration was manually modified"),
    (209, "pcmk_err_cib_backup", "Could not archive previous configuration"),
    (210, "pcmk_err_cib_save", "Could not save new configuration to disk"),
    (212, "pcmk_err_cib_corrupt", "Could not parse on-disk configuration"),
    (213, "pcmk_err_multiple", "Resource active on multiple nodes"),
    (214, "pcmk_err_node_unknown", "Node not found"),
    (215, "pcmk_err_already", "Already in requested state"),
    (216, "pcmk_err_bad_nvpair", "Bad name/value pair given"),
    (217, "pcmk_err_unknown_format", "Unknown output format"),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).print()
}

/// Which of the three kinds of numbers is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Legacy,
    Return,
    Exit,
}

fn answer(arguments: &[String]) -> Answer {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => return Answer::fail(ExitCode::Usage, format!("crm_error: {error}")),
    };
    if options.has("help") || options.has("help-all") {
        return Answer::text(USAGE);
    }
    if options.has("version") {
        return Answer::text(VERSION);
    }
    let kind = match options.last_of(&["exit", "rc"]) {
        Some("exit") => Kind::Exit,
        Some(_) => Kind::Return,
        None => Kind::Legacy,
    };
    let with_name = options.has("name");
    if options.has("list") || options.words.is_empty() {
        return Answer::text(list(kind, with_name));
    }
    let xml = match frame::wants_xml(&options) {
        Ok(xml) => xml,
        Err(answer) => return answer,
    };
    let mut parts = Vec::new();
    let mut out = String::new();
    for word in &options.words {
        let Ok(number) = word.parse::<i32>() else {
            return Answer::fail(ExitCode::Usage, format!("crm_error: `{word}` is not a number"));
        };
        let (name, text) = look_up(kind, number);
        let mut element = Element::new("result-code").with("code", number.to_string());
        if with_name {
            element.set("name", name.as_str());
        }
        parts.push(element.with("description", text.as_str()));
        let _infallible = match with_name {
            true => writeln!(out, "{name} - {text}"),
            false => writeln!(out, "{text}"),
        };
    }
    if xml { frame::xml("crm_error", arguments, parts) } else { Answer::text(out) }
}

/// Returns the system's text for an error, without the number.
pub(crate) fn text_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Returns what an agent's exit status means.
pub(crate) fn meaning(code: i32) -> String {
    look_up(Kind::Exit, code).1
}

fn system(number: i32) -> Option<(String, String)> {
    // names that the established tool leaves out, or spells otherwise
    const UNLISTED: [i32; 12] = [48, 50, 55, 59, 68, 69, 73, 109, 118, 119, 130, 131];
    if UNLISTED.contains(&number) || number > 131 {
        return None;
    }
    let errno = Errno::from_raw(number);
    (errno != Errno::UnknownErrno)
        .then(|| (format!("{errno:?}"), text_of(&std::io::Error::from_raw_os_error(number))))
}

fn in_table(table: &[Row], number: i32) -> Option<(String, String)> {
    let row = table.iter().find(|row| row.0 == number)?;
    Some((row.1.to_owned(), row.2.to_owned()))
}

fn look_up(kind: Kind, number: i32) -> (String, String) {
    let found = match kind {
        Kind::Exit => in_table(&EXITS, number).or_else(|| {
            let signal = 128 < number && number < 255;
            signal.then(|| ("CRM_EX_UNKNOWN".to_owned(), "Interrupted by signal".to_owned()))
        }),
        Kind::Return => in_table(&RETURNS, number).or_else(|| system(number)),
        Kind::Legacy => {
            let number = number.saturating_abs();
            in_table(&LEGACY, number).or_else(|| system(number))
        }
    };
    found.unwrap_or_else(|| match kind {
        Kind::Exit => ("CRM_EX_UNKNOWN".to_owned(), "Unknown exit status".to_owned()),
        Kind::Return | Kind::Legacy => ("Unknown".to_owned(), format!("Unknown error {number}")),
    })
}

fn list(kind: Kind, with_name: bool) -> String {
    let (table, system_max): (&[Row], i32) = match kind {
        Kind::Exit => (&EXITS[..EXITS.len() - 1], 0),
        Kind::Return => (&RETURNS, 133),
        Kind::Legacy => (&LEGACY, 133),
    };
    let mut rows: Vec<(i32, String, String)> = table
        .iter()
        .map(|row| (row.0, row.1.to_owned(), row.2.to_owned()))
        .chain((1..=system_max).filter_map(|n| system(n).map(|(name, text)| (n, name, text))))
        .collect();
    rows.sort();
    rows.iter().fold(String::new(), |mut out, (number, name, text)| {
        let _infallible = match with_name {
            true => writeln!(out, "{number:>5}: {name:<26}  {text}"),
            false => writeln!(out, "{number:>5}: {text}"),
        };
        out
    })
}

const USAGE: &str = "\
Usage:
  crm_error [OPTION...] [-- <rc> [<rc>...]]

Display name or description of an error code of the cluster's tools

Application Options:
  -h, --help             Show this text
  -$, --version          Display software version and exit
  -V, --verbose          Accepted
  -n, --name             Show error's name with its description
  -l, --list             Show all known errors (also when no code is given)
  -X, --exit             Interpret as exit code rather than legacy function return value
  -r, --rc               Interpret as return code rather than legacy function return value
";

#[cfg(test)]
mod tests {
    use super::answer;

    fn say(words: &[&str]) -> String {
        answer(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()).out
    }

    #[test]
    fn a_number_means_what_it_means_to_pacemaker() {
        assert_eq!(say(&["105"]), "No buffer space available\n");
        assert_eq!(say(&["-X", "105"]), "No such object\n");
        assert_eq!(say(&["-X", "-n", "105"]), "CRM_EX_NOSUCH - No such object\n");
        assert_eq!(say(&["-n", "22", "17"]), "EINVAL - Invalid argument\nEEXIST - File exists\n");
        assert_eq!(say(&["-r", "--", "-1004"]), "Already in requested state\n");
        assert_eq!(say(&["--", "-203"]), "Update does not conform to the configured schema\n");
        assert_eq!(say(&["1000"]), "Unknown error 1000\n");
        assert!(say(&["-l", "-X"]).starts_with("    0: OK\n    1: Error occurred\n"));
        assert!(
            say(&["-l", "-r"]).starts_with("-1033: Two or more XML elements have the same ID\n")
        );
    }
}

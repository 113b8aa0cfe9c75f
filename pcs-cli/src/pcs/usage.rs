//! Usage texts: what every command is called with, and what it does. One table makes the help of
//! an area, of a command, and of all of pcs.

/// `(area, command, arguments, description)`.
pub(super) type Row = (&'static str, &'static str, &'static str, &'static str);

/// What each area is about, in the order people meet them.
pub(super) const AREAS: [(&str, &str); 23] = [
    ("cluster", "Set up, start and stop the cluster and its nodes"),
    ("resource", "Manage resources"),
    ("stonith", "Manage fence devices"),
    ("constraint", "Manage where, with whom and in which order resources run"),
    ("property", "Manage properties of the cluster"),
    ("status", "Show the state of the cluster"),
    ("config", "Show, back up and bring back all that is configured"),
    ("apply", "Make the configuration as a file says"),
    ("export", "Write the configuration as a file that can be applied"),
    ("node", "Manage nodes: standby, maintenance, attributes"),
    ("host", "Make hosts known to each other"),
    ("quorum", "Show and manage quorum"),
    ("qdevice", "Manage an arbiter on this host"),
    ("tag", "Manage names for several resources at once"),
    ("alert", "Manage programs that are told what happens"),
    ("acl", "Manage who may change what"),
    ("cib", "Manage elements of the document"),
    ("pcsd", "Manage pcsd, the management daemon"),
    ("booth", "Manage booth, which gives tickets to clusters"),
    ("dr", "Manage disaster recovery"),
    ("client", "Prove to be another user to this host's pcsd"),
    ("completion", "Complete words of pcs in a shell"),
    ("help", "Show this, or the usage of an area or a command"),
];

/// Every command, in the order in which an area's help has them.
pub(super) fn commands() -> impl Iterator<Item = &'static Row> {
    super::usage_document::COMMANDS.iter().chain(super::usage_hosts::COMMANDS)
}

/// Options every command takes.
pub(super) const GLOBAL: [(&str, &str); 9] = [
    ("-f", "Work on a file instead of the running cluster"),
    ("--corosync_conf", "Work on a corosync.conf instead of the cluster's own"),
    ("--debug", "Tell more"),
    ("--force", "Override what can be overridden"),
    ("--help", "Show usage"),
    ("--hints", "Tell what may help, 'always' or 'never'; else only on a terminal"),
    ("--plan", "Say what a change would do, and do nothing"),
    ("--request-timeout", "Give other hosts this many seconds to answer"),
    ("--version", "Print the version"),
];

/// Areas whose commands are all described together, and how their usage begins.
const WHOLE: [(&str, &str); 10] = [
    ("alert", "<command>"),
    ("booth", "<command>"),
    ("cib", "<command>"),
    ("client", "<command>"),
    ("constraint", "[constraints]..."),
    ("dr", "<command>"),
    ("node", "<command>"),
    ("qdevice", "<command>"),
    ("quorum", "<command>"),
    ("tag", "<command>"),
];

/// Describes pcs as a whole, on one screen.
pub(crate) fn main() -> String {
    let mut text = "\nUsage: pcs [-f file] [-h] [commands]...\nControl and configure the cluster.\n\nOptions:\n    -h, --help         Show this and exit\n    -f file            Work on a file instead of the running cluster\n    --corosync_conf file  Work on a corosync.conf instead of the cluster's own\n    --force            Override what can be overridden\n    --version          Print the version\n    --fullhelp         Show the usage of every command\n\nCommands:\n".to_owned();
    for (area, about) in AREAS {
        text.push_str(&format!("    {area:<11} {about}\n"));
    }
    text
}

fn rows(area: &str, command: &str) -> String {
    let mut text = String::new();
    let is_it = |row: &&Row| {
        row.0 == area
            && (command.is_empty() || row.1 == command || row.1.starts_with(&format!("{command} ")))
    };
    for (_, name, arguments, about) in commands().filter(is_it) {
        let words: Vec<&str> =
            [*name, *arguments].into_iter().filter(|word| !word.is_empty()).collect();
        text.push_str(&format!("    {}\n        {about}\n", words.join(" ")));
    }
    text
}

/// Describes an area, or one command of it.
pub(crate) fn of(area: &str, command: &str) -> String {
    if area.is_empty() || !AREAS.iter().any(|(name, _)| *name == area) {
        return main();
    }
    let whole = WHOLE.iter().find(|(name, _)| *name == area);
    let head = match whole {
        Some((_, words)) => format!("Usage: pcs {area} {words}"),
        None if command.is_empty() => format!("Usage: pcs {area} ..."),
        None => format!("Usage: pcs {area} {command}..."),
    };
    let mut text = rows(area, command.trim());
    if text.is_empty() {
        text = rows(area, "");
    }
    format!("\n{head}\n{text}")
}

/// Describes what the words behind an area were about. Without words that is all of its commands;
/// a word that is none of a group's commands has the group described.
pub(crate) fn of_words(area: &str, command: &str, words: &[String]) -> String {
    let is_whole = WHOLE.iter().any(|(name, _)| *name == area);
    if area.is_empty() || is_whole {
        return of(area, command);
    }
    let head = if command.is_empty() && words.is_empty() {
        " [commands]..."
    } else if is_group(area, command) && words.len() > command.split_whitespace().count() {
        " ..."
    } else {
        return of(area, command);
    };
    let group = if command.is_empty() { String::new() } else { format!(" {command}") };
    format!("\nUsage: pcs {area}{group}{head}\n{}", rows(area, command))
}

/// Says whether commands begin with this.
fn is_group(area: &str, command: &str) -> bool {
    let inside = if command.is_empty() { String::new() } else { format!("{command} ") };
    commands().any(|row| row.0 == area && row.1.starts_with(&inside))
}

/// Describes what help was asked for: an area, or a command of it.
pub(crate) fn help(words: &[&str]) -> String {
    let Some((area, rest)) = words.split_first() else { return main() };
    let mut command = rest.to_vec();
    while !command.is_empty() && rows(area, &command.join(" ")).is_empty() {
        command.pop();
    }
    if command.is_empty() && !rest.is_empty() {
        // no such command: all of them are told, under the heading of a mistake
        return of(area, "");
    }
    if command.is_empty() { of_words(area, "", &[]) } else { of(area, &command.join(" ")) }
}

/// Describes everything.
pub(crate) fn full() -> String {
    let mut text = main();
    for (area, _) in AREAS {
        text.push_str(&of(area, ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{AREAS, commands, main, of};

    #[test]
    fn the_overview_fits_a_screen() {
        assert!(main().lines().count() <= 40, "{}", main().lines().count());
    }

    #[test]
    fn every_command_belongs_to_an_area() {
        for (area, command, ..) in commands() {
            assert!(AREAS.iter().any(|(name, _)| name == area), "{area} {command}");
        }
    }

    #[test]
    fn the_first_line_names_the_command() {
        assert!(of("resource", "create").starts_with("\nUsage: pcs resource create...\n"));
        assert!(of("node", "attribute").starts_with("\nUsage: pcs node <command>\n"));
    }
}

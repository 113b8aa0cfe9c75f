//! Usage texts: what every command is called with, and what it does.

/// `(area, command, arguments, description)`.
type Row = (&'static str, &'static str, &'static str, &'static str);

const COMMANDS: &[Row] = &[
    (
        "property",
        "set",
        "[--force] <name>=[<value>]...",
        "Set properties of the cluster; an empty value unsets one",
    ),
    ("property", "unset", "[--force] <name>...", "Unset properties of the cluster"),
];

/// Describes pcs as a whole.
pub(crate) fn main() -> String {
    "\nUsage: pcs [-f file] [-h] [commands]...\n".to_owned()
}

/// Areas whose commands are all described together, and how their usage begins.
const WHOLE: [(&str, &str); 9] = [
    ("alert", "<command>"),
    ("booth", "<command>"),
    ("cib", "<command>"),
    ("constraint", "[constraints]..."),
    ("dr", "<command>"),
    ("node", "<command>"),
    ("quorum", "<command>"),
    ("tag", "<command>"),
    ("pcsd", "<command>"),
];

/// Describes an area, or one command of it.
pub(crate) fn of(area: &str, command: &str) -> String {
    if area.is_empty() {
        return main();
    }
    let head = match WHOLE.iter().find(|(name, _)| *name == area) {
        Some((_, words)) => format!("Usage: pcs {area} {words}"),
        None if command.is_empty() => format!("Usage: pcs {area} ..."),
        None => format!("Usage: pcs {area} {command}..."),
    };
    let _ = COMMANDS;
    format!("\n{head}\n")
}

/// Describes everything.
pub(crate) fn full() -> String {
    main()
}

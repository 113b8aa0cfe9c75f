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

/// Describes an area, or one command of it.
pub(crate) fn of(area: &str, command: &str) -> String {
    if area.is_empty() {
        return main();
    }
    let _ = COMMANDS;
    if command.is_empty() {
        format!("\nUsage: pcs {area} ...\n")
    } else {
        format!("\nUsage: pcs {area} {command}...\n")
    }
}

/// Describes everything.
pub(crate) fn full() -> String {
    main()
}

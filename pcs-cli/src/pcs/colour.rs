//! Colours, on terminals only: what is wrong is red, what should be looked at is yellow.

use std::io::IsTerminal;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// Says whether a stream is to be coloured: a terminal that can, of a user who has not said no
/// (`NO_COLOR`).
pub(crate) fn wanted(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    stream.is_terminal() && !set("NO_COLOR") && !dumb
}

/// Colours what a message begins with.
pub(crate) fn message(text: &str) -> String {
    let kinds = [
        ("Error:", RED),
        ("Warning:", YELLOW),
        ("WARNING:", YELLOW),
        ("Deprecation Warning:", YELLOW),
        ("Hint:", CYAN),
    ];
    for (start, colour) in kinds {
        if let Some(rest) = text.strip_prefix(start) {
            return format!("{BOLD}{colour}{start}{PLAIN}{rest}");
        }
    }
    text.to_owned()
}

fn colour_of(word: &str) -> Option<&'static str> {
    match word {
        "BLOCKED" | "FAILED" | "OFFLINE" | "Offline" | "ORPHANED" | "UNCLEAN" | "blocked"
        | "error" => Some(RED),
        "Maintenance" | "NO" | "Standby" | "Stopped" | "WARNING" | "WARNINGS" | "disabled"
        | "maintenance" | "pending" | "standby" | "unmanaged" | "without" => Some(YELLOW),
        "Online" | "Promoted" | "Started" | "Unpromoted" => Some(GREEN),
        _ => None,
    }
}

/// Colours the words of a state, and makes headings bold.
pub(crate) fn status(text: &str) -> String {
    let mut painted = String::with_capacity(text.len() * 2);
    for line in text.split_inclusive('\n') {
        let heading = !line.starts_with(' ') && line.trim_end().ends_with(':');
        if heading && !line.starts_with("WARNING") {
            painted.push_str(&format!("{BOLD}{}{PLAIN}\n", line.trim_end()));
            continue;
        }
        let mut rest = line;
        while !rest.is_empty() {
            let is_letter = |c: char| c.is_ascii_alphabetic();
            // a letter inside a name like `Online-1` begins no word
            let end = rest.find(|c: char| !is_letter(c)).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            let inside_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let whole = !painted.ends_with(inside_name) && !tail.starts_with(['-', '_', '.', '=']);
            match colour_of(word).filter(|_| whole) {
                Some(colour) => painted.push_str(&format!("{colour}{word}{PLAIN}")),
                None => painted.push_str(word),
            }
            let next = tail.find(is_letter).unwrap_or(tail.len());
            painted.push_str(&tail[..next]);
            rest = &tail[next..];
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::{message, status};

    #[test]
    fn only_the_beginning_of_a_message_is_coloured() {
        assert_eq!(message("Error: no Error: x"), "\u{1b}[1m\u{1b}[31mError:\u{1b}[0m no Error: x");
        assert_eq!(message("CIB updated"), "CIB updated");
    }

    #[test]
    fn words_of_a_state_are_coloured_but_no_names() {
        let check = |text: &str, painted: &str| assert_eq!(status(text), painted);
        check("  * OFFLINE: [ n1 ]\n", "  * \u{1b}[31mOFFLINE\u{1b}[0m: [ n1 ]\n");
        check("  * Started-1 ü\n", "  * Started-1 ü\n");
        check("Node List:\n", "\u{1b}[1mNode List:\u{1b}[0m\n");
        check("  stonith-enabled=false", "  stonith-enabled=false");
    }
}

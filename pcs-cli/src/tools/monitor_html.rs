//! The state of a cluster as a page of HTML, as `crm_mon --output-as=html` writes it.

use std::fmt::Write as _;

use cib::Element;
use pengine::status::{NodeStatus, Status};
use view::node_text::kind_name;
use view::scope::node_name;
use view::seen::Seen;

use super::monitor_facts as facts;
use super::monitor_text::{self, Part, Wanted};

/// How states are coloured.
const STYLE: &str = "\
.bold { font-weight: bold }
.online { color: green }
.offline { color: red }
.maint { color: blue }
.standby { color: blue }
.health_red { color: red }
.health_yellow { color: GoldenRod }
.rsc-failed { color: red }
.rsc-failure-ignored { color: DarkGreen }
.rsc-managed { color: blue }
.rsc-multiple { color: orange }
.rsc-ok { color: green }
.warning { color: red; font-weight: bold }";

/// What is said around the state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame<'a> {
    /// The page's name.
    pub(super) title: Option<&'a str>,
    /// Where the style sheet is.
    pub(super) stylesheet: Option<&'a str>,
    /// Whether a web server is told what comes.
    pub(super) header: bool,
    /// After how many seconds it is worth looking again.
    pub(super) refresh: Option<u64>,
}

/// A piece of a page.
enum Piece {
    Text(String),
    Tag { name: &'static str, class: &'static str, parts: Vec<Piece> },
}

use Piece::{Tag, Text};

fn tag(name: &'static str, parts: Vec<Piece>) -> Piece {
    Tag { name, class: "", parts }
}

fn said(name: &'static str, text: impl Into<String>) -> Piece {
    tag(name, vec![Text(text.into())])
}

fn span(class: &'static str, text: impl Into<String>) -> Piece {
    Tag { name: "span", class, parts: vec![Text(text.into())] }
}

impl Piece {
    /// Tells whether lines are broken around it.
    fn is_block(&self) -> bool {
        matches!(self, Tag { name, .. } if *name != "span")
    }

    fn write(&self, out: &mut String) {
        match self {
            Text(text) => out.push_str(&escaped(text)),
            Tag { name, class, parts } => {
                let class =
                    if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
                let _infallible = write!(out, "<{name}{class}>");
                let broken = self.is_block() && parts.len() > 1;
                let breaks = |part: Option<&Self>| {
                    if broken && !matches!(part, Some(Text(_)) | None) { "\n" } else { "" }
                };
                out.push_str(breaks(parts.first()));
                for (at, part) in parts.iter().enumerate() {
                    part.write(out);
                    if part.is_block() && matches!(parts.get(at + 1), Some(Tag { .. })) {
                        out.push('\n');
                    }
                }
                out.push_str(breaks(parts.last()));
                let _infallible = write!(out, "</{name}>");
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns the page.
pub(super) fn page(cib: &Element, seen: &Seen, wanted: &Wanted, frame: Frame<'_>) -> String {
    let mut out = String::new();
    if frame.header {
        out.push_str("Content-Type: text/html\n\n");
    }
    let title = escaped(frame.title.unwrap_or("Cluster Status"));
    let _infallible = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>{title}</title>\n<meta charset=\"utf-8\">\n"
    );
    if let Some(seconds) = frame.refresh {
        let _infallible = writeln!(out, "<meta http-equiv=\"refresh\" content=\"{seconds}\">");
    }
    let _infallible = writeln!(out, "<style>{STYLE}</style>");
    // it comes later, so that it wins
    if let Some(place) = frame.stylesheet {
        let place = escaped(place).replace('"', "&quot;");
        let _infallible = writeln!(out, "<link rel=\"stylesheet\" href=\"{place}\">");
    }
    out.push_str("</head>\n<body>\n");
    for piece in sections(cib, seen, wanted) {
        piece.write(&mut out);
        out.push('\n');
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn sections(cib: &Element, seen: &Seen, wanted: &Wanted) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut add = |title: &str, items: Vec<Piece>| {
        // of histories it is said even that there are none
        if !items.is_empty() || monitor_text::HISTORIES.contains(&title) {
            pieces.push(said("h2", title.trim_end_matches(':')));
            pieces.push(tag("ul", items));
        }
    };
    for (title, lines) in monitor_text::sections(cib, seen, wanted) {
        match title {
            "Cluster Summary:" => {
                let options = if wanted.parts.contains(&Part::Options) {
                    monitor_text::OPTION_LINES
                } else {
                    0
                };
                let (lines, options) = lines.split_at(lines.len().saturating_sub(options));
                add(title, lines.iter().filter_map(|line| summary(line)).collect());
                let mut options = tree(options, &|_| None);
                if !options.is_empty() {
                    let management = if seen.summary.maintenance { "DISABLED" } else { "enabled" };
                    options.push(said("li", format!("Resource management: {management}")));
                }
                add("Config Options", options);
            }
            "Node List:" => add(title, nodes(&seen.status, &lines, wanted)),
            "Node Attributes:" => add(title, attributes(cib, &seen.status, wanted)),
            _ => add(title, tree(&lines, &heading)),
        }
    }
    pieces
}

/// A line of the summary; none for the banner of maintenance, which has its place among the options.
fn summary(line: &str) -> Option<Piece> {
    let line = line.strip_prefix("* ")?;
    let labels = ["Stack: ", "Current DC: ", "Last updated: ", "Last change: "];
    if let Some(label) = labels.into_iter().find(|label| line.starts_with(label)) {
        let mut parts = vec![span("bold", label)];
        let rest = line[label.len()..].trim();
        match rest.rsplit_once(" partition ") {
            Some((dc, quorum)) => {
                let quorum = match quorum.strip_suffix(" quorum") {
                    Some("WITHOUT") => span("warning", " WITHOUT"),
                    word => span("", format!(" {}", word.unwrap_or(quorum))),
                };
                parts.extend([span("", dc), span("", " partition"), quorum, span("", " quorum")]);
            }
            None if rest == "NONE" => parts.push(span("warning", rest)),
            None => parts.push(span("", rest)),
        }
        return Some(tag("li", parts));
    }
    // what is counted in capitals stands out
    let mut parts = Vec::new();
    let mut rest = line;
    for word in ["DISABLED", "BLOCKED"] {
        if let Some((before, after)) = rest.split_once(word) {
            parts.extend([span("", before), span("bold", word)]);
            rest = after;
        }
    }
    parts.push(span("", rest));
    Some(tag("li", parts))
}

/// The headings of resources and histories.
fn heading(text: &str) -> Option<String> {
    match text.strip_prefix("Node: ") {
        Some(node) => Some(node.to_owned()),
        None => text.strip_suffix(':').map(str::to_owned),
    }
}

/// Makes lists of lines: what stands further in belongs to the line before it, which is its heading.
fn tree<S: AsRef<str>>(lines: &[S], heading: &impl Fn(&str) -> Option<String>) -> Vec<Piece> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at).map(AsRef::as_ref) {
        at += 1;
        let rest = &lines[at..];
        let within = rest.iter().take_while(|next| depth(next.as_ref()) > depth(line)).count();
        let below = &rest[..within];
        at += within;
        let text = line.trim_start();
        let text = text.strip_prefix("* ").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        items.push(if below.is_empty() {
            item(text)
        } else {
            let title = heading(text).unwrap_or_else(|| text.to_owned());
            tag("li", vec![said("h3", title), tag("ul", tree(below, heading))])
        });
    }
    items
}

fn item(text: &str) -> Piece {
    match mood(text) {
        Some(class) => tag("li", vec![span(class, text)]),
        None => said("li", text),
    }
}

/// Tells how a primitive fares, by the words of its line: `NAME (AGENT): STATE …`; none for what is no
/// primitive's line.
fn mood(line: &str) -> Option<&'static str> {
    let (_, state) = line.split_once("):\t ")?;
    let state = state.strip_prefix("ORPHANED ").unwrap_or(state);
    let flags = state.find('(').map_or("", |at| &state[at..]);
    Some(if state.starts_with("FAILED") || flags.contains("blocked") {
        if flags.contains("failure ignored") { "rsc-failure-ignored" } else { "rsc-failed" }
    } else if flags.contains("unmanaged") || flags.contains("maintenance") {
        "rsc-managed"
    } else if state.starts_with("Stopped") {
        "rsc-failed"
    } else if state.contains("[ ") {
        "rsc-multiple"
    } else {
        "rsc-ok"
    })
}

/// The nodes one by one; `lines` are those of the text, of which the ones about resources are taken.
fn nodes(status: &Status, lines: &[String], wanted: &Wanted) -> Vec<Piece> {
    let shown = |node: &&NodeStatus| wanted.scope().has_node(&node.name);
    if !wanted.by_node {
        let item = |node: &NodeStatus| {
            let mut parts = vec![span("bold", format!("{}:", node_name(node, wanted.detail)))];
            parts.extend(state(node, wanted.detail));
            tag("li", parts)
        };
        return status.nodes.iter().filter(shown).map(item).collect();
    }
    let mut items = Vec::new();
    for node in status.nodes.iter().filter(shown) {
        let name = node_name(node, wanted.detail);
        let head = format!("* {} {name}: ", kind_name(node.kind));
        let Some(at) = lines.iter().position(|line| line.starts_with(&head)) else { continue };
        let below = lines[at + 1..].iter().take_while(|line| line.starts_with(' '));
        let below: Vec<&String> = below.collect();
        let mut parts = vec![said("span", "Status:")];
        parts.extend(state(node, wanted.detail));
        // a heading without anything below it is none
        if below.len() > 1 {
            parts.extend(tree(&below, &heading));
        }
        let list = tag("ul", vec![tag("li", parts)]);
        items.push(tag("li", vec![said("h3", format!("{name}:")), list]));
    }
    items
}

/// What is to be said of a node's state.
fn state(node: &NodeStatus, detail: bool) -> Vec<Piece> {
    let mut parts = vec![if node.unclean {
        let how = if node.online { "online" } else { "offline" };
        span("warning", format!(" UNCLEAN ({how})"))
    } else if node.pending {
        span("standby", " pending")
    } else if node.online {
        span("online", " online")
    } else {
        span("offline", " OFFLINE")
    }];
    if node.standby || node.standby_on_fail {
        let words = match (node.standby_on_fail && node.online, node.running.is_empty()) {
            (true, _) => " (in standby due to on-fail)",
            (false, true) => " (in standby)",
            (false, false) => " (in standby, with active resources)",
        };
        parts.push(span("standby", words));
    }
    if node.maintenance {
        parts.push(span("maint", " (in maintenance mode)"));
    }
    match node.health.as_str() {
        "red" => parts.push(span("health_red", " (health is RED)")),
        "yellow" => parts.push(span("health_yellow", " (health is YELLOW)")),
        _ => {}
    }
    if let Some(known) = view::node_text::feature_set(node).filter(|_| detail) {
        parts.push(span("", format!(", feature set {known}")));
    }
    parts
}

fn attributes(cib: &Element, status: &Status, wanted: &Wanted) -> Vec<Piece> {
    let shown = |node: &&NodeStatus| node.online && wanted.scope().has_node(&node.name);
    let mut items = Vec::new();
    for node in status.nodes.iter().filter(shown) {
        let one = |attribute: &facts::Attribute<'_>| {
            let text = format!("{}: {}", attribute.name, attribute.value);
            let Some(expected) = attribute.expected else { return said("li", text) };
            let value = attribute.value.parse::<i64>().unwrap_or(0);
            let mut parts = vec![said("span", text)];
            if value <= 0 {
                parts.push(span("bold", " (connectivity is lost)"));
            } else if value < expected {
                let words = format!(" (connectivity is degraded -- expected {expected})");
                parts.push(span("bold", words));
            }
            tag("li", parts)
        };
        let list: Vec<Piece> = facts::attributes(cib, node).iter().map(one).collect();
        if !list.is_empty() {
            let head = said("h3", format!("{}:", node_name(node, wanted.detail)));
            items.push(tag("li", vec![head, tag("ul", list)]));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::{heading, mood, tree};

    #[test]
    fn lists_are_nested_as_lines_are_indented() {
        let lines = ["* a\t(x:y):\t Started n", "* Group: g:", "  * b", "  * c"];
        let mut out = String::new();
        for piece in tree(&lines, &heading) {
            piece.write(&mut out);
            out.push('\n');
        }
        assert_eq!(
            out,
            "<li><span class=\"rsc-ok\">a\t(x:y):\t Started n</span></li>\n\
             <li>\n<h3>Group: g</h3>\n<ul>\n<li>b</li>\n<li>c</li>\n</ul>\n</li>\n"
        );
    }

    #[test]
    fn a_line_is_coloured_by_what_it_says_of_its_resource() {
        for (state, class) in [
            ("Started n", Some("rsc-ok")),
            ("Stopped (disabled)", Some("rsc-failed")),
            ("FAILED n (blocked)", Some("rsc-failed")),
            ("FAILED n (failure ignored)", Some("rsc-failure-ignored")),
            ("Started n (unmanaged)", Some("rsc-managed")),
            ("Started [ n m ]", Some("rsc-multiple")),
            ("ORPHANED Stopped", Some("rsc-failed")),
        ] {
            assert_eq!(mood(&format!("r\t(ocf:heartbeat:Dummy):\t {state}")), class, "{state}");
        }
        assert_eq!(mood("Started: [ n m ]"), None);
        assert_eq!(mood("2\t(ocf:heartbeat:Dummy):\tActive n"), None);
    }
}

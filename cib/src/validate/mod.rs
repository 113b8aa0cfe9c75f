//! Whether a document says something sensible, and if not, what, where, and what was meant.
//!
//! The grammar in `grammar.txt` says which elements and attributes may stand where; the rules
//! that a grammar can't tell are in `special.rs`. One grammar holds for all schemas that
//! `validate-with` may name: what an older one lacked is not refused.

mod grammar;
mod sense;
mod special;
mod suggest;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::tree::{Content, Element};
use crate::upgrade;
use grammar::{Attribute, Count, Kind, Rule, grammar};

pub use sense::sense;
pub use suggest::nearest;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The document is used all the same.
    Warning,
    /// The document is refused.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The line of the element; 0 when it did not come from a text.
    pub line: u32,
    /// What is wrong, in one sentence.
    pub text: String,
}

impl Finding {
    /// Returns what is wrong, without the line.
    pub fn what(&self) -> String {
        self.text.clone()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.text)
    }
}

/// Schemas that `validate-with` may name, oldest first.
pub const SCHEMAS: [&str; 33] = [
    "pacemaker-0.6",
    "pacemaker-0.7",
    "pacemaker-1.0",
    "pacemaker-1.1",
    "pacemaker-1.2",
    "pacemaker-1.3",
    "pacemaker-2.0",
    "pacemaker-2.1",
    "pacemaker-2.2",
    "pacemaker-2.3",
    "pacemaker-2.4",
    "pacemaker-2.5",
    "pacemaker-2.6",
    "pacemaker-2.7",
    "pacemaker-2.8",
    "pacemaker-2.9",
    "pacemaker-2.10",
    "pacemaker-3.0",
    "pacemaker-3.1",
    "pacemaker-3.2",
    "pacemaker-3.3",
    "pacemaker-3.4",
    "pacemaker-3.5",
    "pacemaker-3.6",
    "pacemaker-3.7",
    "pacemaker-3.8",
    "pacemaker-3.9",
    "pacemaker-3.10",
    "pacemaker-4.0",
    "pacemaker-4.1",
    "pacemaker-next",
    "transitional-0.6",
    "none",
];

/// Returns everything that is wrong, in document order.
///
/// A document of a schema before 3.0 is looked at as what it becomes when it is upgraded.
pub fn check(document: &Element) -> Vec<Finding> {
    match upgrade::to_third_generation(document) {
        Ok(upgraded) => check_current(&upgraded),
        Err(_) => check_current(document), // it says itself that the schema is unknown
    }
}

fn check_current(document: &Element) -> Vec<Finding> {
    let mut findings = Vec::new();
    if document.get("validate-with") == Some("none") {
        findings.push(Finding {
            level: Level::Warning,
            line: document.line(),
            text: "Schema validation of configuration is disabled \
                   (enabling is encouraged and prevents common misconfigurations)"
                .to_owned(),
        });
        return findings;
    }
    let mut checker = Checker { ids: ids(document), taken: BTreeMap::new(), findings };
    if document.name() == "cib" {
        checker.schema(document);
        checker.element(document, &grammar()["cib"]);
    } else {
        checker.error(document, format!("the document is a <{}>, not a <cib>", document.name()));
    }
    checker.findings.sort_by_key(|finding| finding.line);
    checker.findings
}

/// Returns what makes a document invalid, in document order.
pub fn errors(document: &Element) -> Vec<Finding> {
    check(document).into_iter().filter(|finding| finding.level == Level::Error).collect()
}

/// Collects the ids that references may name.
fn ids(document: &Element) -> BTreeSet<&str> {
    let Some(configuration) = document.child("configuration") else { return BTreeSet::new() };
    configuration
        .descendants()
        .filter(|element| {
            let rule = grammar().get(element.name());
            rule.is_some_and(|rule| {
                rule.attributes.iter().any(|a| a.name == "id" && a.kind == Kind::Id)
            })
        })
        .filter_map(Element::id)
        .collect()
}

/// Names an element as its author would find it.
fn describe(element: &Element) -> String {
    match element.id() {
        Some(id) => format!("<{} id=\"{id}\">", element.name()),
        None => format!("<{}>", element.name()),
    }
}

struct Checker<'a> {
    ids: BTreeSet<&'a str>,
    /// Which line has taken an id.
    taken: BTreeMap<&'a str, &'a Element>,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn error(&mut self, element: &Element, text: impl Into<String>) {
        self.findings.push(Finding {
            level: Level::Error,
            line: element.line(),
            text: text.into(),
        });
    }

    fn schema(&mut self, document: &Element) {
        match document.get("validate-with") {
            None => self.error(
                document,
                format!(
                    "<cib> has no `validate-with`, the schema it follows, such as `{}`",
                    upgrade::CURRENT
                ),
            ),
            Some(schema) if SCHEMAS.contains(&schema) => {}
            Some(schema) => {
                let text = format!(
                    "`validate-with` of <cib> is `{schema}`, which is no schema known here{}",
                    meant(schema, SCHEMAS)
                );
                self.error(document, text);
            }
        }
        for name in ["admin_epoch", "epoch", "num_updates"] {
            if document.get(name).is_none() {
                self.error(document, format!("<cib> lacks the attribute `{name}`"));
            }
        }
    }

    fn element(&mut self, element: &'a Element, rule: &'static Rule) {
        self.attributes(element, rule);
        self.children(element, rule);
        for text in special::check(element) {
            self.error(element, text);
        }
    }

    fn attributes(&mut self, element: &'a Element, rule: &'static Rule) {
        for (name, value) in element.attributes() {
            match rule.attributes.iter().find(|a| a.name == name) {
                Some(attribute) => self.value(element, attribute, value),
                None if name.starts_with("xmlns") || name.contains(':') => {}
                None => {
                    let names = rule.attributes.iter().map(|a| a.name);
                    let text = format!(
                        "{} has an unknown attribute `{name}`{}",
                        describe(element),
                        meant_or_list(name, names, "attributes here are")
                    );
                    self.error(element, text);
                }
            }
        }
        for attribute in rule.attributes.iter().filter(|a| a.required) {
            if element.get(attribute.name).is_none() {
                let text =
                    format!("{} lacks the attribute `{}`", describe(element), attribute.name);
                self.error(element, text);
            }
        }
    }

    fn value(&mut self, element: &'a Element, attribute: &Attribute, value: &'a str) {
        let wanted = match attribute.kind {
            Kind::Text => return,
            Kind::Id => return self.id(element, value),
            Kind::Reference => {
                if !self.ids.contains(value) {
                    let hint = meant(value, self.ids.iter().copied());
                    self.error(
                        element,
                        format!(
                            "`{}` of {} is `{value}`, but there is nothing with this id{hint}",
                            attribute.name,
                            describe(element)
                        ),
                    );
                }
                return;
            }
            Kind::Number if is_number(value) => return,
            Kind::Number => "a whole number from 0".to_owned(),
            Kind::Positive
                if is_number(value) && !value.trim().trim_start_matches(['0', '+']).is_empty() =>
            {
                return;
            }
            Kind::Positive => "a whole number from 1".to_owned(),
            Kind::Score if is_score(value) => return,
            Kind::Score => "a whole number, INFINITY or -INFINITY".to_owned(),
            Kind::Ports if is_ports(value) => return,
            Kind::Ports => "a port or a range of ports, like 8000-8100".to_owned(),
            Kind::Names if is_names(value) => return,
            Kind::Names => "names with commas and no spaces between".to_owned(),
            Kind::OneOf(words) if words.contains(&value.trim()) => return,
            Kind::OneOf(words) => {
                format!("one of {}{}", words.join(", "), meant(value, words.iter().copied()))
            }
        };
        self.error(
            element,
            format!(
                "`{}` of {} is `{value}`, but must be {wanted}",
                attribute.name,
                describe(element)
            ),
        );
    }

    fn id(&mut self, element: &'a Element, id: &'a str) {
        if !is_id(id) {
            self.error(
                element,
                format!(
                    "`{id}` can't be the id of a <{}>: ids begin with a letter or `_` and \
                     go on with letters, digits, `_`, `-` and `.`",
                    element.name()
                ),
            );
        }
        match self.taken.get(id) {
            Some(other) => {
                let place = match other.line() {
                    0 => String::new(),
                    line => format!(" in line {line}"),
                };
                let text = format!(
                    "{} has an id that <{}>{place} has already; ids must be unique",
                    describe(element),
                    other.name()
                );
                self.error(element, text);
            }
            None => {
                self.taken.insert(id, element);
            }
        }
    }

    fn children(&mut self, element: &'a Element, rule: &'static Rule) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for content in element.content() {
            match content {
                Content::Element(child) => {
                    *counts.entry(child.name()).or_default() += 1;
                    self.child(element, child, rule);
                }
                Content::Text(text) => {
                    let shown: String = text.trim().chars().take(20).collect();
                    self.error(element, format!("{} holds the text `{shown}`", describe(element)));
                }
                Content::Comment(_) => {}
            }
        }
        for (name, count) in &rule.children {
            let found = counts.get(name).copied().unwrap_or_default();
            match count {
                Count::One | Count::AtLeastOne if found == 0 => {
                    self.error(element, format!("{} lacks a <{name}>", describe(element)));
                }
                Count::One | Count::AtMostOne if found > 1 => {
                    self.error(
                        element,
                        format!("{} has more than one <{name}>", describe(element)),
                    );
                }
                Count::One | Count::AtMostOne | Count::AtLeastOne | Count::Any => {}
            }
        }
    }

    fn child(&mut self, parent: &Element, child: &'a Element, rule: &'static Rule) {
        if !rule.children.iter().any(|(name, _)| *name == child.name()) {
            let names = rule.children.iter().map(|(name, _)| *name);
            let text = format!(
                "{} can't stand inside {}{}",
                describe(child),
                describe(parent),
                meant_or_list(child.name(), names, "allowed there:")
            );
            self.error(child, text);
        } else if let Some(rule) = grammar().get(child.name()) {
            self.element(child, rule);
        }
    }
}

fn meant<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, candidates).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn meant_or_list<'a>(
    written: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
    intro: &str,
) -> String {
    match nearest(written, candidates.clone()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = candidates.collect();
            if all.is_empty() {
                "; nothing is allowed there".to_owned()
            } else {
                format!("; {intro} {}", all.join(", "))
            }
        }
    }
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_score(text: &str) -> bool {
    let text = text.trim();
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    bare == "INFINITY" || (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()))
}

fn is_ports(text: &str) -> bool {
    match text.split_once('-') {
        Some((first, last)) => is_number(first) && (last.is_empty() || is_number(last)),
        None => is_number(text),
    }
}

fn is_names(text: &str) -> bool {
    text.split(',').all(|name| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
    })
}

/// As XML has it: a name without colons.
fn is_id(text: &str) -> bool {
    let text = text.trim();
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}'))
}

#[cfg(test)]
mod tests;

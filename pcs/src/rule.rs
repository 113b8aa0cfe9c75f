//! Rules: when an option set or a location constraint holds. Text to tree and back.

use cib::Element;
use serde::Serialize;

use crate::ids;
pub use crate::rule_parse::{RuleError, parse};

/// A rule or an expression in it, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// Its id.
    pub id: String,
    /// `RULE`, `EXPRESSION`, `DATE_EXPRESSION`, `OP_EXPRESSION` or `RSC_EXPRESSION`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether it holds now; `UNKNOWN` when nobody asked.
    pub in_effect: &'static str,
    /// Its attributes.
    #[serde(serialize_with = "as_map")]
    pub options: Vec<(String, String)>,
    /// The date specification of a date expression.
    pub date_spec: Option<DatePart>,
    /// The duration of a date expression.
    pub duration: Option<DatePart>,
    /// What it consists of.
    pub expressions: Vec<Self>,
    /// What somebody would type to get it.
    pub as_string: String,
}

/// A date specification or a duration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatePart {
    /// Its id.
    pub id: String,
    /// `hours`, `weekdays` … sorted.
    #[serde(serialize_with = "as_map")]
    pub options: Vec<(String, String)>,
}

impl DatePart {
    fn of(element: &Element) -> Self {
        Self { id: element.id().unwrap_or_default().into(), options: attributes(element) }
    }

    /// Writes the parts as they are typed.
    pub fn text(&self) -> String {
        let words: Vec<String> =
            self.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        words.join(" ")
    }
}

/// Attributes of operations and agents come in this order, all others sorted.
const ORDERED: [&str; 5] = ["name", "interval", "class", "provider", "type"];

fn attributes(element: &Element) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = element
        .attributes()
        .filter(|(key, _)| *key != "id")
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    if matches!(element.name(), "op_expression" | "rsc_expression") {
        all.sort_by_key(|(key, _)| ORDERED.iter().position(|o| o == key));
    } else {
        all.sort();
    }
    all
}

/// Writes pairs as a JSON object that keeps their order.
fn as_map<S: serde::Serializer>(
    pairs: &[(String, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

impl RuleView {
    /// Reads a `<rule>`.
    pub fn of(rule: &Element) -> Self {
        let expressions: Vec<Self> = rule
            .children()
            .filter_map(|child| match child.name() {
                "rule" => Some(Self::of(child)),
                "expression" => Some(Self::leaf(child, "EXPRESSION", attribute_text(child))),
                "date_expression" => Some(Self::leaf(child, "DATE_EXPRESSION", date_text(child))),
                "op_expression" => Some(Self::leaf(child, "OP_EXPRESSION", operation_text(child))),
                "rsc_expression" => Some(Self::leaf(child, "RSC_EXPRESSION", resource_text(child))),
                _ => None,
            })
            .collect();
        let joint = format!(" {} ", rule.get("boolean-op").unwrap_or("and"));
        let parts: Vec<String> =
            expressions
                .iter()
                .map(|e| {
                    if e.kind == "RULE" {
                        format!("({})", e.as_string)
                    } else {
                        e.as_string.clone()
                    }
                })
                .collect();
        Self {
            id: rule.id().unwrap_or_default().into(),
            kind: "RULE",
            in_effect: "UNKNOWN",
            options: attributes(rule),
            date_spec: None,
            duration: None,
            expressions,
            as_string: parts.join(&joint),
        }
    }

    fn leaf(element: &Element, kind: &'static str, as_string: String) -> Self {
        Self {
            id: element.id().unwrap_or_default().into(),
            kind,
            in_effect: "UNKNOWN",
            options: attributes(element),
            date_spec: element.child("date_spec").map(DatePart::of),
            duration: element.child("duration").map(DatePart::of),
            expressions: Vec::new(),
            as_string,
        }
    }

    /// Returns one of the attributes.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the attribute a rule takes its score from, or its score, or its other options, as
    /// `name=value`.
    pub fn option_words(&self) -> String {
        let words: Vec<String> =
            self.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        words.join(" ")
    }
}

/// Puts quotes around what the grammar would take apart.
fn quote(text: &str) -> String {
    if text.is_empty() || text.contains(char::is_whitespace) {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}

fn attribute_text(element: &Element) -> String {
    let attribute = quote(element.get("attribute").unwrap_or_default());
    let operation = element.get("operation").unwrap_or_default();
    match operation {
        "defined" | "not_defined" => format!("{operation} {attribute}"),
        _ => {
            let kind = element.get("type").map(|kind| format!("{kind} ")).unwrap_or_default();
            let value = quote(element.get("value").unwrap_or_default());
            format!("{attribute} {operation} {kind}{value}")
        }
    }
}

fn date_text(element: &Element) -> String {
    let get = |key: &str| element.get(key).unwrap_or_default();
    match get("operation") {
        "date_spec" => {
            let spec = element.child("date_spec").map(|e| DatePart::of(e).text());
            format!("date-spec {}", spec.unwrap_or_default())
        }
        "in_range" => {
            let start = element.get("start").map(|start| format!("{start} ")).unwrap_or_default();
            let end = match element.child("duration") {
                Some(duration) => format!("duration {}", DatePart::of(duration).text()),
                None => get("end").to_owned(),
            };
            format!("date in_range {start}to {end}")
        }
        operation => {
            let moment = element.get("start").unwrap_or(get("end"));
            format!("date {operation} {moment}")
        }
    }
}

fn operation_text(element: &Element) -> String {
    let name = element.get("name").unwrap_or_default();
    let interval =
        element.get("interval").map(|interval| format!(" interval={interval}")).unwrap_or_default();
    format!("op {name}{interval}")
}

fn resource_text(element: &Element) -> String {
    let get = |key: &str| element.get(key).unwrap_or_default();
    format!("resource {}:{}:{}", get("class"), get("provider"), get("type"))
}

/// A parsed rule expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// All or any of the parts.
    Joined {
        /// `and` or `or`.
        joint: &'static str,
        /// The parts.
        parts: Vec<Self>,
    },
    /// An attribute is there, or is not.
    Defined {
        /// `defined` or `not_defined`.
        operation: String,
        /// The attribute's name.
        attribute: String,
    },
    /// An attribute's value compared.
    Compared {
        /// The attribute's name.
        attribute: String,
        /// `eq`, `lt` …
        operation: String,
        /// `number`, `integer`, `version` or `string`.
        kind: Option<String>,
        /// What it is compared with.
        value: String,
    },
    /// Before or after a moment.
    DateUnary {
        /// `gt` or `lt`.
        operation: String,
        /// The moment.
        moment: String,
    },
    /// Between two moments, or for a time from a moment on.
    DateRange {
        /// From when.
        start: Option<String>,
        /// Until when.
        end: Option<String>,
        /// For how long.
        duration: Vec<(String, String)>,
    },
    /// At certain hours, weekdays …
    DateSpec(Vec<(String, String)>),
    /// For an operation.
    Operation {
        /// Its name.
        name: String,
        /// Its interval.
        interval: Option<String>,
    },
    /// For resources of an agent.
    Resource {
        /// The standard.
        standard: Option<String>,
        /// The provider.
        provider: Option<String>,
        /// The type.
        kind: Option<String>,
    },
}

impl Expression {
    /// Returns this expression and all below it.
    pub fn walk(&self) -> Vec<&Self> {
        let mut all = vec![self];
        if let Self::Joined { parts, .. } = self {
            all.extend(parts.iter().flat_map(Self::walk));
        }
        all
    }
}

/// Builds the `<rule>` for an expression; ids are free in `cib` and among those in `taken`.
pub fn build(cib: &Element, id: &str, expression: &Expression, taken: &mut Vec<String>) -> Element {
    let (joint, parts): (&str, &[Expression]) = match expression {
        Expression::Joined { joint, parts } => (joint, parts),
        single => ("and", std::slice::from_ref(single)),
    };
    taken.push(id.to_owned());
    let mut rule = Element::new("rule").with("id", id).with("boolean-op", joint);
    for part in parts {
        rule.push(build_part(cib, id, part, taken));
    }
    rule
}

fn build_part(cib: &Element, rule: &str, part: &Expression, taken: &mut Vec<String>) -> Element {
    let mut new_id = |suffix: &str| {
        let id = ids::free_besides(cib, &format!("{rule}-{suffix}"), taken);
        taken.push(id.clone());
        id
    };
    let with_pairs = |mut element: Element, pairs: &[(String, String)]| {
        for (key, value) in pairs {
            element.set(key, value.as_str());
        }
        element
    };
    match part {
        Expression::Joined { .. } => {
            let id = new_id("rule");
            build(cib, &id, part, taken)
        }
        Expression::Defined { operation, attribute } => Element::new("expression")
            .with("id", new_id("expr"))
            .with("operation", operation.as_str())
            .with("attribute", attribute.as_str()),
        Expression::Compared { attribute, operation, kind, value } => {
            let mut element = Element::new("expression")
                .with("id", new_id("expr"))
                .with("attribute", attribute.as_str())
                .with("operation", operation.as_str())
                .with("value", value.as_str());
            if let Some(kind) = kind {
                element.set("type", kind.as_str());
            }
            element
        }
        Expression::DateUnary { operation, moment } => {
            let key = if operation == "gt" { "start" } else { "end" };
            Element::new("date_expression")
                .with("id", new_id("expr"))
                .with("operation", operation.as_str())
                .with(key, moment.as_str())
        }
        Expression::DateRange { start, end, duration } => {
            let id = new_id("expr");
            let mut element = Element::new("date_expression")
                .with("id", id.as_str())
                .with("operation", "in_range");
            if let Some(start) = start {
                element.set("start", start.as_str());
            }
            if let Some(end) = end {
                element.set("end", end.as_str());
            }
            if !duration.is_empty() {
                let child = Element::new("duration").with("id", format!("{id}-duration"));
                element.push(with_pairs(child, duration));
            }
            element
        }
        Expression::DateSpec(pairs) => {
            let id = new_id("expr");
            let child = Element::new("date_spec").with("id", format!("{id}-datespec"));
            Element::new("date_expression")
                .with("id", id.as_str())
                .with("operation", "date_spec")
                .with_child(with_pairs(child, pairs))
        }
        Expression::Operation { name, interval } => {
            let mut element = Element::new("op_expression")
                .with("id", new_id(&ids::sanitize(&format!("op-{name}"))))
                .with("name", name.as_str());
            if let Some(interval) = interval {
                element.set("interval", interval.as_str());
            }
            element
        }
        Expression::Resource { standard, provider, kind } => {
            let parts: Vec<&str> =
                [standard, provider, kind].into_iter().flatten().map(String::as_str).collect();
            let suffix = ids::sanitize(&format!("rsc-{}", parts.join("-")));
            let mut element = Element::new("rsc_expression").with("id", new_id(&suffix));
            for (key, value) in [("class", standard), ("provider", provider), ("type", kind)] {
                if let Some(value) = value {
                    element.set(key, value.as_str());
                }
            }
            element
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RuleView, build, parse};

    #[test]
    fn and_and_or_are_read_from_the_left() {
        let cib = cib::Element::new("cib");
        for (typed, read) in [
            ("defined a and defined b or defined c", "(defined a and defined b) or defined c"),
            ("defined a or defined b and defined c", "(defined a or defined b) and defined c"),
            ("defined a and (defined b and defined c)", "defined a and (defined b and defined c)"),
            ("a eq 1 and b eq 2 and c eq 3", "a eq 1 and b eq 2 and c eq 3"),
        ] {
            let rule = build(&cib, "r", &parse(typed).unwrap(), &mut Vec::new());
            assert_eq!(RuleView::of(&rule).as_string, read, "{typed}");
        }
    }
}

//! Rules: whether a constraint or a set of values applies here and now.

use std::cell::Cell;
use std::cmp::Ordering;

use cib::Element;
use model::calendar::{Civil, Duration, Moment};

use crate::plan::Options;
use crate::role::Role;

pub(crate) use crate::pair_map::Pairs;

/// What rules are evaluated against.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context<'a> {
    /// Seconds since the epoch.
    pub(crate) now: i64,
    /// Where that is, and where the document's times are.
    pub(crate) zone: Zone,
    /// The node's attributes, `#uname` and the like included.
    pub(crate) node: Option<&'a Pairs>,
    /// Is set when the answer depends on the node.
    pub(crate) asked_node: Option<&'a Cell<bool>>,
    /// The resource's parameters and meta-attributes, for `value-source`.
    pub(crate) parameters: Option<&'a Pairs>,
    pub(crate) meta: Option<&'a Pairs>,
    /// The resource, for the class, provider and type of its agent.
    pub(crate) resource: Option<&'a Element>,
    /// Name and interval of the operation.
    pub(crate) operation: Option<(&'a str, u64)>,
    /// Role that the rule is evaluated for.
    pub(crate) role: Option<Role>,
    /// The document, for references.
    pub(crate) document: Option<&'a Element>,
}

impl<'a> Context<'a> {
    /// Follows an `id-ref`.
    pub(crate) fn resolve(&self, element: &'a Element) -> Option<&'a Element> {
        match (element.get("id-ref"), self.document) {
            (Some(reference), Some(document)) => document
                .at(&["configuration"])
                .unwrap_or(document)
                .descendants()
                .find(|e| e.name() == element.name() && e.id() == Some(reference)),
            (Some(_), None) => None,
            (None, _) => Some(element),
        }
    }
}

/// Offsets from UTC, in seconds east.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Zone {
    /// Of times that the document writes without one.
    written: i64,
    /// Of the moment the plan is for.
    shown: i64,
}

impl Zone {
    pub(crate) fn of(options: &Options) -> Self {
        let written = options.utc_offset;
        Self { written, shown: options.now_offset.unwrap_or(written) }
    }

    /// Reads a time of the document.
    pub(crate) fn read(self, text: &str, now: i64) -> Option<Moment> {
        Moment::parse(text, Moment { seconds: now, offset: self.written })
    }

    /// Returns what a calendar shows at a moment.
    fn show(self, now: i64) -> Civil {
        Moment { seconds: now, offset: self.shown }.civil()
    }
}

/// Notes when the answer may change.
pub(crate) type NextChange = Option<i64>;

fn sooner(next: &mut NextChange, when: i64) {
    *next = Some(next.map_or(when, |known| known.min(when)));
}

/// Evaluates a rule; how deep rules may nest is bounded by the document's depth.
pub(crate) fn holds(rule: &Element, context: &Context<'_>, next: &mut NextChange) -> bool {
    let any = rule.get("boolean-op").is_some_and(|op| op.eq_ignore_ascii_case("or"));
    let mut result = !any;
    for child in rule.children() {
        let answer = match child.name() {
            "rule" => match context.resolve(child) {
                Some(inner) => holds(inner, context, next),
                None => false,
            },
            "expression" => attribute_expression(child, context),
            "date_expression" => date_expression(child, context, next),
            "rsc_expression" => resource_expression(child, context),
            "op_expression" => operation_expression(child, context),
            _ => continue,
        };
        if any && answer {
            return true;
        }
        if !any && !answer {
            result = false;
            break;
        }
    }
    result
}

/// Evaluates all rules of an element; one that holds is enough, none at all holds.
pub(crate) fn any_holds(element: &Element, context: &Context<'_>, next: &mut NextChange) -> bool {
    let mut rules = element.children_named("rule").peekable();
    if rules.peek().is_none() {
        return true;
    }
    rules.any(|rule| context.resolve(rule).is_some_and(|rule| holds(rule, context, next)))
}

fn attribute_expression(element: &Element, context: &Context<'_>) -> bool {
    let Some(attribute) = element.get("attribute") else { return false };
    let operation = element.get("operation").unwrap_or_default();
    if attribute.eq_ignore_ascii_case("#role") {
        let wanted = element.get("value").and_then(Role::parse);
        return match operation {
            "eq" => context.role.is_some() && context.role == wanted,
            "ne" => context.role.is_some() && context.role != wanted,
            _ => false,
        };
    }
    if let Some(asked) = context.asked_node {
        asked.set(true);
    }
    let Some(node) = context.node else { return false };
    let actual = node.get(attribute).map(String::as_str);
    let reference = element.get("value");
    let value = match element.get("value-source").unwrap_or("literal") {
        "param" => reference.and_then(|name| context.parameters?.get(name)).map(String::as_str),
        "meta" => reference.and_then(|name| context.meta?.get(name)).map(String::as_str),
        _ => reference,
    };
    match operation {
        "defined" => return actual.is_some(),
        "not_defined" => return actual.is_none(),
        _ => {}
    }
    let ordered = matches!(operation, "lt" | "lte" | "gt" | "gte");
    let kind = element.get("type").unwrap_or_else(|| {
        let decimal = |text: Option<&str>| text.is_some_and(|t| t.contains('.'));
        match (ordered, decimal(actual) || decimal(value)) {
            (false, _) => "string",
            (true, true) => "number",
            (true, false) => "integer",
        }
    });
    let order = compare_as(actual, value, kind);
    match operation {
        "eq" => order == Ordering::Equal,
        "ne" => order != Ordering::Equal,
        _ if actual.is_none() || value.is_none() => false,
        "lt" => order == Ordering::Less,
        "lte" => order != Ordering::Greater,
        "gt" => order == Ordering::Greater,
        "gte" => order != Ordering::Less,
        _ => false,
    }
}

fn compare_as(a: Option<&str>, b: Option<&str>, kind: &str) -> Ordering {
    let (a, b) = match (a, b) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Less,
        (Some(_), None) => return Ordering::Greater,
        (Some(a), Some(b)) => (a, b),
    };
    match kind {
        "integer" => {
            if let (Some(a), Some(b)) = (crate::values::number(a), crate::values::number(b)) {
                return a.cmp(&b);
            }
        }
        "number" => {
            if let (Some(a), Some(b)) = (crate::values::decimal(a), crate::values::decimal(b)) {
                return a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            }
        }
        "version" => return compare_versions(a, b),
        _ => {}
    }
    // what can't be read as its type is compared as text
    a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase())
}

/// Compares versions by their numbers; a missing part counts as 0.
pub(crate) fn compare_versions(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> Vec<i64> {
        text.split('.').map(|part| crate::values::number(part).unwrap_or(0)).collect()
    };
    let (mut a, mut b) = (parts(a), parts(b));
    let length = a.len().max(b.len());
    a.resize(length, 0);
    b.resize(length, 0);
    a.cmp(&b)
}

fn resource_expression(element: &Element, context: &Context<'_>) -> bool {
    let Some(resource) = context.resource else { return false };
    ["class", "provider", "type"].into_iter().all(|name| {
        let wanted = element.get(name);
        wanted.is_none_or(|wanted| wanted == resource.get(name).unwrap_or_default())
    })
}

fn operation_expression(element: &Element, context: &Context<'_>) -> bool {
    let Some((name, interval)) = context.operation else { return false };
    element.get("name").is_none_or(|wanted| wanted == name)
        && element
            .get("interval")
            .is_none_or(|wanted| crate::values::milliseconds(wanted) == interval)
}

fn date_expression(element: &Element, context: &Context<'_>, next: &mut NextChange) -> bool {
    let now = context.now;
    let moment = |name: &str| element.get(name).and_then(|text| context.zone.read(text, now));
    let (start, mut end) = (moment("start"), moment("end"));
    if let (Some(start), None, Some(duration)) = (start, end, element.child("duration")) {
        end = Some(start.after(length_of(duration)));
    }
    let (start, end) = (start.map(|m| m.seconds), end.map(|m| m.seconds));
    match element.get("operation").unwrap_or("in_range") {
        "in_range" => {
            if let Some(start) = start.filter(|start| now < *start) {
                sooner(next, start);
                return false;
            }
            match end {
                Some(end) if now > end => false,
                Some(end) => {
                    sooner(next, end + 1);
                    true
                }
                None => start.is_some(),
            }
        }
        "gt" => match start {
            Some(start) if now > start => true,
            Some(start) => {
                sooner(next, start + 1);
                false
            }
            None => false,
        },
        "lt" => match end {
            Some(end) if now < end => {
                sooner(next, end);
                true
            }
            _ => false,
        },
        "date_spec" => {
            element.child("date_spec").is_some_and(|spec| in_spec(spec, &context.zone.show(now)))
        }
        _ => false,
    }
}

fn length_of(duration: &Element) -> Duration {
    // far beyond any calendar, and far from where sums of them end
    const MOST: i64 = 10_000_000_000;
    let number = |name: &str| duration.get(name).and_then(crate::values::number);
    let of = |name: &str| number(name).map_or(0, |count| count.clamp(-MOST, MOST));
    Duration {
        years: of("years"),
        months: of("months"),
        days: of("weeks") * 7 + of("days"),
        seconds: of("hours") * 3600 + of("minutes") * 60 + of("seconds"),
    }
}

fn in_spec(spec: &Element, now: &Civil) -> bool {
    [
        ("seconds", now.second),
        ("minutes", now.minute),
        ("hours", now.hour),
        ("monthdays", now.day),
        ("weekdays", now.weekday),
        ("yeardays", now.day_of_year),
        ("months", now.month),
        ("weeks", now.week),
        ("years", now.year),
        ("weekyears", now.week_year),
    ]
    .into_iter()
    .all(|(name, value)| spec.get(name).is_none_or(|range| in_range(range, value)))
}

fn in_range(range: &str, value: i64) -> bool {
    let number = |text: &str| text.trim().parse::<i64>().ok();
    match range.split_once('-') {
        Some((low, "")) => number(low).is_some_and(|low| value >= low),
        Some(("", high)) => number(high).is_some_and(|high| value <= high),
        Some((low, high)) => {
            matches!((number(low), number(high)), (Some(l), Some(h)) if l <= value && value <= h)
        }
        None => number(range) == Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, Pairs, holds};

    fn check(xml: &str, node: &[(&str, &str)], expect: bool) {
        let node: Pairs = node.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let rule = cib::parse(xml).unwrap();
        let context = Context { node: Some(&node), now: 1_106_220_600, ..Context::default() };
        assert_eq!(holds(&rule, &context, &mut None), expect, "{xml}");
    }

    #[test]
    fn attributes_are_compared_by_type() {
        let rule = |op: &str, value: &str| {
            format!("<rule><expression attribute='a' operation='{op}' value='{value}'/></rule>")
        };
        check(&rule("eq", "ABC"), &[("a", "abc")], true);
        check(&rule("lt", "10"), &[("a", "9")], true);
        check(&rule("lt", "10"), &[], false);
        check(&rule("ne", "10"), &[], true);
        check("<rule><expression attribute='a' operation='not_defined'/></rule>", &[], true);
    }

    #[test]
    fn a_rule_of_nothing_holds_unless_one_thing_must() {
        check("<rule/>", &[], true);
        check("<rule boolean-op='or'/>", &[], false);
    }

    #[test]
    fn or_needs_one_and_needs_all() {
        let body = "<expression attribute='a' operation='defined'/><expression attribute='b' operation='defined'/>";
        check(&format!("<rule boolean-op='or'>{body}</rule>"), &[("a", "1")], true);
        check(&format!("<rule boolean-op='and'>{body}</rule>"), &[("a", "1")], false);
    }

    #[test]
    fn dates_say_when_they_change() {
        let rule = cib::parse(
            "<rule><date_expression operation='in_range' start='2005-01-01' end='2005-02-01'/></rule>",
        )
        .unwrap();
        let mut next = None;
        let context = Context { now: 1_106_220_600, ..Context::default() };
        assert!(holds(&rule, &context, &mut next));
        assert_eq!(next, Some(1_107_216_001));
        check(
            "<rule><date_expression operation='date_spec'><date_spec years='2005' hours='9-17'/></date_expression></rule>",
            &[],
            true,
        );
    }
}

//! What a rule says, judged: dates that exist, hours of a day, numbers where numbers are compared.

use model::calendar::Moment;

use crate::environment::Environment;
use crate::message::Message;
use crate::nvset::Pairs;
use crate::options::Wanted;
use crate::rule::{self, Expression};

/// What people say of a time; `MORE_…` are names the schema has too, which pcs never spoke of.
const PARTS: [&str; 9] = [
    "hours",
    "monthdays",
    "months",
    "moon",
    "weekdays",
    "weeks",
    "weekyears",
    "years",
    "yearsdays",
];
const MORE_OF_SPECIFICATIONS: [&str; 3] = ["minutes", "seconds", "yeardays"];
const MORE_OF_DURATIONS: [&str; 3] = ["days", "minutes", "seconds"];

/// Returns the first and the last number a part of a date specification can be; none for years.
fn bounds(part: &str) -> Option<(u64, u64)> {
    match part {
        "hours" => Some((0, 23)),
        "minutes" | "seconds" => Some((0, 59)),
        "monthdays" => Some((1, 31)),
        "months" => Some((1, 12)),
        "moon" => Some((0, 7)),
        "weekdays" => Some((1, 7)),
        "weeks" => Some((1, 53)),
        "yeardays" | "yearsdays" => Some((1, 366)),
        _ => None,
    }
}

impl Environment<'_> {
    /// Parses a rule and judges what it says; reports what is wrong with it.
    pub(crate) fn parse_rule(&mut self, text: &str) -> Option<Expression> {
        match rule::parse(text) {
            Ok(expression) => {
                for part in expression.walk() {
                    self.check_rule_part(part);
                }
                Some(expression)
            }
            Err(error) => {
                self.error(Message::RuleParseError { rule: text.into(), column: error.column });
                None
            }
        }
    }

    fn check_rule_part(&mut self, part: &Expression) {
        match part {
            Expression::Compared { kind: Some(kind), value, .. } => self.check_typed(kind, value),
            Expression::DateUnary { moment, .. } => {
                self.check_date(moment);
            }
            Expression::DateRange { start, end, duration } => {
                let moments = [start, end].map(|moment| {
                    moment.as_ref().and_then(|text| self.check_date(text).map(|at| (text, at)))
                });
                if let [Some((start, since)), Some((end, until))] = moments
                    && since >= until
                {
                    let (since, until) = (start.clone(), end.clone());
                    self.error(Message::RuleRangeBackwards { since, until });
                }
                self.check_parts(duration, "duration", &MORE_OF_DURATIONS, |_, value| {
                    let good = value.parse::<u64>().is_ok_and(|number| number > 0);
                    (good, "a positive integer".to_owned())
                });
            }
            Expression::DateSpec(parts) => {
                self.check_parts(parts, "datespec", &MORE_OF_SPECIFICATIONS, |name, value| {
                    is_specification(value, bounds(name))
                });
            }
            _ => {}
        }
    }

    /// Checks what is compared as something else than text.
    fn check_typed(&mut self, kind: &str, value: &str) {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (good, wanted) = match kind {
            "integer" => (digits(value.strip_prefix(['+', '-']).unwrap_or(value)), "an integer"),
            "number" => (
                value.parse::<f64>().is_ok() && value.bytes().any(|b| b.is_ascii_digit()),
                "a floating-point number",
            ),
            "version" => {
                (value.split('.').all(digits), "a version number (e.g. 1, 1.2, 1.23.45, ...)")
            }
            _ => return,
        };
        self.check_value(&format!("{kind} attribute"), value, good, Wanted::Words(wanted));
    }

    /// Checks a date; returns its moment.
    fn check_date(&mut self, text: &str) -> Option<i64> {
        let moment = moment(text);
        self.check_value("date", text, moment.is_some(), Wanted::Words("ISO 8601 date"));
        moment
    }

    /// Checks `hours=9-16 weekdays=1-5`: values, then names, then that none comes twice.
    fn check_parts(
        &mut self,
        parts: &Pairs,
        kind: &str,
        more: &[&str],
        judge: impl Fn(&str, &str) -> (bool, String),
    ) {
        let is_known = |name: &str| PARTS.contains(&name) || more.contains(&name);
        let mut sorted: Vec<&(String, String)> = parts.iter().collect();
        sorted.sort_by_key(|(name, _)| name);
        for (position, (name, value)) in sorted.iter().enumerate() {
            // of an option that comes twice the last is the one that would count
            let again = sorted.get(position + 1).is_some_and(|(next, _)| next == name);
            if is_known(name) && !again {
                let (good, wanted) = judge(name, value);
                self.check_value(name, value, good, Wanted::Words(&wanted));
            }
        }
        let unknown = parts.iter().map(|(name, _)| name.as_str()).filter(|name| !is_known(name));
        self.check_names(unknown, &PARTS, kind, None);
        let mut twice: Vec<String> = sorted
            .windows(2)
            .filter(|pair| pair[0].0 == pair[1].0)
            .map(|pair| pair[0].0.clone())
            .collect();
        twice.dedup();
        if !twice.is_empty() {
            self.error(Message::RuleDuplicateOptions { names: twice });
        }
    }
}

/// Says whether a text is a number or two with a dash, the greater one last, and what it must be.
fn is_specification(text: &str, bounds: Option<(u64, u64)>) -> (bool, String) {
    let number = |text: &str| -> Option<u64> {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
    };
    let inside = |n: u64| bounds.is_none_or(|(first, last)| (first..=last).contains(&n));
    let good = match text.split_once('-') {
        None => number(text).is_some_and(inside),
        Some((low, high)) => match (number(low), number(high)) {
            (Some(low), Some(high)) => low < high && inside(low) && inside(high),
            _ => false,
        },
    };
    let wanted = match bounds {
        None => "an integer or integer-integer".to_owned(),
        Some((first, last)) => {
            format!("{first}..{last} or {first}..{}-{}..{last}", last - 1, first + 1)
        }
    };
    (good, wanted)
}

/// Reads an ISO 8601 date whose parts are written out.
fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "0"));
    let mut parts = date.split('-');
    let year = parts.next().unwrap_or_default();
    let whole = match year.len() {
        4 => parts.all(|part| matches!((part.len(), part.starts_with('W')), (1..=3, _))),
        7 | 8 => parts.next().is_none(),
        _ => false,
    };
    let two_digits = date.split('-').skip(1).enumerate().all(|(n, part)| {
        // only the day behind a week has one digit
        part.len() != 1 || (n == 1 && date.contains("-W"))
    });
    if !whole || !two_digits || year.starts_with("0000") || time.is_empty() {
        return None;
    }
    Moment::parse(text, Moment::default()).map(|moment| moment.seconds)
}

#[cfg(test)]
mod tests {
    use super::{is_specification, moment};

    #[test]
    fn dates_are_dates() {
        for (text, good) in [
            ("2026-01-01", true),
            ("2026-13-01", false),
            ("2026-02-30", false),
            ("2026-1-1", false),
            ("2026", false),
            ("2026-01", true),
            ("202601", false),
            ("20260101", true),
            ("2026-W01-1", true),
            ("2026-001", true),
            ("x", false),
            ("2026-01-01T10:00:00Z", true),
            ("2026-01-01T25:00:00", false),
            ("2026-01-01Tx", false),
            ("0000-01-01", false),
        ] {
            assert_eq!(moment(text).is_some(), good, "{text}");
        }
    }

    #[test]
    fn a_range_goes_up() {
        let hours = Some((0, 23));
        for (text, bounds, good) in [
            ("9", hours, true),
            ("9-16", hours, true),
            ("16-9", hours, false),
            ("9-9", hours, false),
            ("9-", hours, false),
            ("24", hours, false),
            ("", hours, false),
            ("2026-2030", None, true),
            ("-5", None, false),
        ] {
            assert_eq!(is_specification(text, bounds).0, good, "{text}");
        }
        assert_eq!(is_specification("", hours).1, "0..23 or 0..22-1..23");
    }
}

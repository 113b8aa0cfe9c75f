//! Intervals and timeouts as documents and command lines spell them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A span of time in milliseconds; what `interval`, `timeout` and the like hold.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Interval(pub u64);

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{}s", self.0 / 1000)
        } else {
            write!(f, "{}ms", self.0)
        }
    }
}

/// A text that is no span of time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is not a span of time (like 30s, 500ms, 2min, 1h or PT30S)")]
pub struct NotAnInterval(pub String);

impl FromStr for Interval {
    type Err = NotAnInterval;

    /// Reads a number with an optional unit (`us`, `usec`, `ms`, `msec`, `s`, `sec`, `m`, `min`,
    /// `h`, `hr`; seconds without one) or an ISO 8601 duration (`P1DT2H3M4S`).
    fn from_str(text: &str) -> Result<Self, NotAnInterval> {
        let refuse = || NotAnInterval(text.to_owned());
        let trimmed = text.trim();
        if trimmed.starts_with('P') {
            return iso_duration_ms(trimmed).map(Self).ok_or_else(refuse);
        }
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let number: u64 = number.parse().map_err(|_| refuse())?;
        let scaled = match unit.trim() {
            "" | "s" | "sec" => number.checked_mul(1000),
            "ms" | "msec" => Some(number),
            "us" | "usec" => Some(number / 1000),
            "m" | "min" => number.checked_mul(60_000),
            "h" | "hr" => number.checked_mul(3_600_000),
            _ => return Err(refuse()),
        };
        scaled.map(Self).ok_or_else(refuse)
    }
}

/// Milliseconds of an ISO 8601 duration; years count as 365 days and months as 30. Hours and
/// seconds need no `T` before them: documents have `P10S`, which can mean nothing else.
fn iso_duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('P')?;
    let mut in_time = false;
    let mut total: u64 = 0;
    let mut parts = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            in_time = true;
            rest = after;
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let mut tail = rest[digits..].chars();
        let seconds: u64 = match (tail.next()?, in_time) {
            ('Y', false) => 365 * 86_400,
            ('M', false) => 30 * 86_400,
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('H', _) => 3_600,
            ('M', true) => 60,
            ('S', _) => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(seconds)?.checked_mul(1000)?)?;
        parts += 1;
        rest = tail.as_str();
    }
    (parts > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::Interval;

    #[test]
    fn units_and_durations_are_read() {
        for (text, ms) in [
            ("30", 30_000),
            ("30s", 30_000),
            ("1min", 60_000),
            ("500ms", 500),
            ("2h", 7_200_000),
            ("PT1M30S", 90_000),
            ("P1DT1H", 90_000_000),
            ("P10S", 10_000),
            ("P10S", 10_000),
        ] {
            assert_eq!(text.parse::<Interval>().unwrap(), Interval(ms), "{text}");
        }
        for text in ["", "banana", "10 parsecs", "P", "-3s"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }
}

//! Checks of options and their values that many commands share.

use crate::environment::Environment;
use crate::message::Message;
use crate::report::Report;

/// Says whether a text is a time interval as pcs accepts it: `1`, `2s`, `3min`, `4h`.
pub fn is_timeout(text: &str) -> bool {
    seconds(text).is_some()
}

/// Returns a time interval's length in seconds.
pub fn seconds(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let factor = match &text[digits..] {
        "" | "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" | "hr" => 3_600,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// Says whether a text is a score.
pub fn is_score(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits == "INFINITY" || (!digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

/// Says whether a text is a truth value for Pacemaker.
pub fn is_boolean(text: &str) -> bool {
    is_true(text) || matches!(text.to_lowercase().as_str(), "0" | "false" | "off" | "n" | "no")
}

/// Says whether a text means yes for Pacemaker.
pub fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "1" | "true" | "on" | "y" | "yes")
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// One of these.
    Choice(&'a [&'a str]),
    /// This, in words.
    Words(&'a str),
}

/// Makes the message about a bad value.
pub fn bad_value(name: &str, value: &str, wanted: Wanted<'_>) -> Message {
    let (choices, words) = match wanted {
        Wanted::Choice(choices) => (choices.iter().map(|c| (*c).to_owned()).collect(), None),
        Wanted::Words(words) => (Vec::new(), Some(words.to_owned())),
    };
    Message::InvalidOptionValue { name: name.into(), value: value.into(), choices, words }
}

/// Says which of `known` somebody meant who wrote `word`; none when nothing is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(far, candidate)| *far <= candidate.chars().count().max(2).div_ceil(3))
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Counts the single-letter changes between two words (a swap of neighbours is one).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

impl Environment<'_> {
    /// Reports names that are not allowed, all in one message. `force`: none when it can't be
    /// overridden, else whether it is.
    pub fn check_names<'n>(
        &mut self,
        names: impl IntoIterator<Item = &'n str>,
        allowed: &[&str],
        kind: &str,
        force: Option<bool>,
    ) -> bool {
        let mut unknown: Vec<String> =
            names.into_iter().filter(|name| !allowed.contains(name)).map(str::to_owned).collect();
        unknown.sort();
        unknown.dedup();
        if unknown.is_empty() {
            return true;
        }
        let near = match unknown.as_slice() {
            [one] => nearest(one, allowed.iter().copied()),
            _ => None,
        };
        let message = Message::InvalidOptions {
            names: unknown,
            allowed: allowed.iter().map(|a| (*a).to_owned()).collect(),
            kind: kind.into(),
            near,
        };
        self.report(match force {
            Some(forced) => Report::forceable(message, forced),
            None => Report::error(message),
        });
        false
    }

    /// Reports options that must be there and are not, all in one message.
    pub fn check_required(&mut self, missing: Vec<String>, kind: &str, force: Option<bool>) {
        if missing.is_empty() {
            return;
        }
        let message = Message::RequiredOptionsMissing { names: missing, kind: kind.into() };
        self.report(match force {
            Some(forced) => Report::forceable(message, forced),
            None => Report::error(message),
        });
    }

    /// Reports a value that is not what it must be.
    pub fn check_value(&mut self, name: &str, value: &str, good: bool, wanted: Wanted<'_>) {
        if !good {
            self.error(bad_value(name, value, wanted));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_score, is_timeout, nearest};

    #[test]
    fn intervals_have_a_whole_number_and_a_unit() {
        for (text, good) in [
            ("30", true),
            ("5min", true),
            ("2h", true),
            ("10ms", false),
            ("-5", false),
            ("0.5m", false),
        ] {
            assert_eq!(is_timeout(text), good, "{text}");
        }
    }

    #[test]
    fn scores_are_numbers_or_infinity() {
        for (text, good) in [("-INFINITY", true), ("+5", true), ("x", false), ("", false)] {
            assert_eq!(is_score(text), good, "{text}");
        }
    }

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        assert_eq!(nearest("IPadr2", ["Dummy", "IPaddr2"]).as_deref(), Some("IPaddr2"));
        assert_eq!(nearest("vip", ["WebSite", "fs"]), None);
    }
}

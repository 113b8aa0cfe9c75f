//! Texts of the document as values, read as leniently as the established scheduler does.

use model::{Interval, Score};

/// Reads a boolean; none when it is none.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |name: &&str| text.eq_ignore_ascii_case(name);
    if ["true", "on", "yes", "y", "1"].iter().any(&is) {
        Some(true)
    } else if ["false", "off", "no", "n", "0"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// Tells whether a text says true; missing and unreadable ones don't.
pub(crate) fn truth(text: Option<&str>) -> bool {
    text.and_then(boolean).unwrap_or(false)
}

/// Reads the number a text begins with.
pub(crate) fn number(text: &str) -> Option<i64> {
    /// As many digits always fit.
    const DIGITS_MAX: usize = 18;
    let digits = text.as_bytes();
    if (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        // nearly all there are, and a history has thousands
        return Some(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')));
    }
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || (*at == 0 && (*c == '-' || *c == '+'))))
        .map_or(text.len(), |(at, _)| at);
    text[..end].trim_start_matches('+').parse().ok()
}

/// Reads the decimal number a text begins with.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
    ends.map(|end| &text[..end]).find_map(|start| start.parse().ok())
}

/// Reads a score, with the health words' fixed meanings left to the caller.
pub(crate) fn score(text: &str) -> Option<Score> {
    let is = |name: &str| text.trim().eq_ignore_ascii_case(name);
    if is("INFINITY") || is("+INFINITY") {
        Some(Score::INFINITY)
    } else if is("-INFINITY") {
        Some(Score::MINUS_INFINITY)
    } else {
        number(text).map(Score::new)
    }
}

/// Reads a span of time in milliseconds; 0 when it is none.
pub(crate) fn milliseconds(text: &str) -> u64 {
    text.parse::<Interval>().map_or(0, |interval| interval.0)
}

/// Multiplies a score by a factor given as another score over infinity, in single precision,
/// rounded half away from zero; what is not zero never becomes zero.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "single precision is what the results depend on; products stay within ±1,000,000"
)]
pub(crate) fn scaled(factor: f32, score: Score) -> Score {
    let product = factor * score.value() as f32;
    let rounded = (if product > 0.0 { product + 0.5 } else { product - 0.5 }) as i32;
    if rounded == 0 && factor != 0.0 && score != Score::ZERO {
        let positive = factor > 0.0;
        return Score::new(if positive { 1 } else { -1 });
    }
    Score::new(i64::from(rounded))
}

/// A score over infinity.
#[allow(clippy::cast_precision_loss, reason = "±1,000,000 is exact in single precision")]
pub(crate) fn fraction(score: Score) -> f32 {
    score.value() as f32 / Score::INFINITY.value() as f32
}

#[cfg(test)]
mod tests {
    use super::{fraction, number, scaled};
    use model::Score;

    #[test]
    fn scaling_rounds_away_from_zero_and_never_to_it() {
        assert_eq!(scaled(0.001, Score::new(100)), Score::new(1));
        assert_eq!(scaled(-0.001, Score::new(100)), Score::new(-1));
        assert_eq!(scaled(0.001, Score::new(-100)), Score::new(1));
        assert_eq!(scaled(fraction(Score::new(500_000)), Score::new(5)), Score::new(3));
    }

    #[test]
    fn numbers_are_read_up_to_what_is_none() {
        assert_eq!(number("12abc"), Some(12));
        assert_eq!(number(" +12 "), Some(12));
        assert_eq!(number("1700000000"), Some(1_700_000_000));
        assert_eq!(number("999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(number("99999999999999999999"), None);
        assert_eq!(number(""), None);
        assert_eq!(number("-3"), Some(-3));
        assert_eq!(number("x"), None);
    }
}

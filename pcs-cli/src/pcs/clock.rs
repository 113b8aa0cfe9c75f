//! The time, for what is said until when.

use jiff::{SpanRelativeTo, Timestamp};

fn write(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Returns the present moment as ISO 8601.
pub(crate) fn now() -> String {
    write(Timestamp::now())
}

/// Returns what the scheduler is told: the present moment, and how local time differs from UTC.
pub(crate) fn engine() -> (model::WallTime, pengine::Options) {
    let utc_offset = i64::from(jiff::Zoned::now().offset().seconds());
    let now = model::WallTime::from_secs(Timestamp::now().as_second());
    (now, pengine::Options { utc_offset, ..pengine::Options::default() })
}

/// Returns the moment after a time like `PT1H` or `1h` as ISO 8601; none when it is no time.
pub(crate) fn after(lifetime: &str) -> Option<String> {
    let seconds = pcs::options::seconds(lifetime).and_then(|s| i64::try_from(s).ok());
    let seconds = seconds.or_else(|| {
        let span: jiff::Span = lifetime.parse().ok()?;
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Some(duration.as_secs())
    })?;
    Timestamp::now().checked_add(jiff::SignedDuration::from_secs(seconds)).ok().map(write)
}

//! The time here, for the scheduler, for rules, and for what is said until when.

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{SpanRelativeTo, Timestamp};
use model::calendar::Moment;

fn write(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Returns the present moment as ISO 8601.
pub(crate) fn now() -> String {
    write(Timestamp::now())
}

/// Returns the zone of local time, which is read once.
pub(crate) fn zone() -> &'static TimeZone {
    static ZONE: LazyLock<TimeZone> = LazyLock::new(exec::local_zone);
    &ZONE
}

/// Returns the present moment in local time.
pub(crate) fn here() -> Moment {
    let now = Timestamp::now();
    let offset = zone().to_offset(now).seconds();
    Moment { seconds: now.as_second(), offset: i64::from(offset) }
}

/// Returns how local time differs from UTC at a moment, in seconds east.
pub(crate) fn offset_at(seconds: i64) -> Option<i64> {
    let moment = Timestamp::from_second(seconds).ok()?;
    Some(i64::from(zone().to_offset(moment).seconds()))
}

/// Returns what the scheduler is told: the present moment, and how local time differs from UTC.
pub(crate) fn engine() -> (model::WallTime, pengine::Options) {
    let now = here();
    let options = pengine::Options { utc_offset: now.offset, ..pengine::Options::default() };
    (model::WallTime::from_secs(now.seconds), options)
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

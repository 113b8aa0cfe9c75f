//! Dates as rules spell them: ISO 8601 to seconds since the epoch and back to calendar parts.

/// Seconds since 1970-01-01 00:00:00 UTC.
pub(crate) type Seconds = i64;

/// A moment cut into calendar parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// From 1.
    pub(crate) day_of_year: i64,
    /// 1 = Monday.
    pub(crate) weekday: i64,
    pub(crate) week: i64,
    pub(crate) week_year: i64,
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Days a month has.
pub(crate) fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Cuts a moment, given as local seconds, into parts.
pub(crate) fn civil(local: Seconds) -> Civil {
    let days = local.div_euclid(86_400);
    let in_day = local.rem_euclid(86_400);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let doe = shifted.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let day_of_year = days - days_from_civil(year, 1, 1) + 1;
    let weekday = (days + 3).rem_euclid(7) + 1;
    // the week that holds this week's Thursday
    let thursday = days - (weekday - 1) + 3;
    let mut week_year = year;
    if thursday < days_from_civil(year, 1, 1) {
        week_year -= 1;
    } else if thursday >= days_from_civil(year + 1, 1, 1) {
        week_year += 1;
    }
    let week = (thursday - days_from_civil(week_year, 1, 1)) / 7 + 1;
    Civil {
        year,
        month,
        day,
        hour: in_day / 3600,
        minute: in_day / 60 % 60,
        second: in_day % 60,
        day_of_year,
        weekday,
        week,
        week_year,
    }
}

/// Reads an ISO 8601 moment; without an offset it is local time, `offset` seconds east of UTC.
pub(crate) fn parse(text: &str, offset: i64) -> Option<Seconds> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("epoch") {
        return Some(0);
    }
    let (date, time) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let days = parse_date(date)?;
    let (seconds, zone) = parse_time(time)?;
    Some(days * 86_400 + seconds - zone.unwrap_or(offset))
}

fn parse_date(text: &str) -> Option<i64> {
    let digits = |t: &str| -> Option<i64> {
        (!t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok())?
    };
    let parts: Vec<&str> = text.split('-').collect();
    let (year, month, day) = match *parts.as_slice() {
        [year, rest] if rest.starts_with('W') => return week_date(digits(year)?, &rest[1..], "1"),
        [year, week, day] if week.starts_with('W') => {
            return week_date(digits(year)?, &week[1..], day);
        }
        [year, day] if day.len() == 3 => {
            return ordinal(digits(year)?, digits(day)?);
        }
        [year, month] => (digits(year)?, digits(month)?, 1),
        [year, month, day] => (digits(year)?, digits(month)?, digits(day)?),
        [all] if all.len() == 8 && all.is_ascii() => {
            (digits(&all[..4])?, digits(&all[4..6])?, digits(&all[6..])?)
        }
        [all] if all.len() == 7 && all.is_ascii() => {
            return ordinal(digits(&all[..4])?, digits(&all[4..])?);
        }
        [year] if year.len() == 4 => (digits(year)?, 1, 1),
        _ => return None,
    };
    if !(0..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=month_days(year, month)).contains(&day)
    {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

fn ordinal(year: i64, day: i64) -> Option<i64> {
    ((1..=366).contains(&day) && (0..=9999).contains(&year))
        .then(|| days_from_civil(year, 1, 1) + day - 1)
}

fn week_date(year: i64, week: &str, day: &str) -> Option<i64> {
    let (week, day): (i64, i64) = (week.parse().ok()?, day.parse().ok()?);
    if !(1..=53).contains(&week) || !(1..=7).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let fourth = days_from_civil(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    Some(monday + (week - 1) * 7 + day - 1)
}

/// Seconds in the day, and the offset from UTC if the text has one.
fn parse_time(text: &str) -> Option<(i64, Option<i64>)> {
    if text.is_empty() {
        return Some((0, None));
    }
    let (clock, zone) = match text.find(['Z', '+', '-']) {
        Some(at) => (text[..at].trim(), Some(&text[at..])),
        None => (text, None),
    };
    let seconds = if clock.is_empty() { 0 } else { clock_seconds(clock)? };
    let zone = match zone {
        None => None,
        Some(z) if z.starts_with('Z') => Some(0),
        Some(z) => {
            let sign = if z.starts_with('-') { -1 } else { 1 };
            Some(sign * clock_seconds(z[1..].trim())?)
        }
    };
    Some((seconds, zone))
}

fn clock_seconds(text: &str) -> Option<i64> {
    let whole = text.split(['.', ',']).next().unwrap_or(text);
    let joined: String = whole.chars().filter(|c| *c != ':').collect();
    if !joined.bytes().all(|b| b.is_ascii_digit()) || joined.len() % 2 == 1 || joined.len() > 6 {
        return None;
    }
    let part = |at: usize| -> i64 {
        joined.get(at..at + 2).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let (hour, minute, second) = (part(0), part(2), part(4));
    (hour <= 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Adds months, keeping the day within the month.
pub(crate) fn add_months(moment: Seconds, months: i64) -> Seconds {
    let parts = civil(moment);
    let total = parts.year * 12 + parts.month - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    let day = parts.day.min(month_days(year, month));
    days_from_civil(year, month, day) * 86_400 + moment.rem_euclid(86_400)
}

#[cfg(test)]
mod tests {
    use super::{add_months, civil, days_from_civil, parse};

    #[test]
    fn every_spelling_of_a_date_is_read() {
        let day = days_from_civil(2005, 1, 20) * 86_400;
        for text in ["2005-01-20", "2005-020", "20050120", "2005020", "2005-W03-4"] {
            assert_eq!(parse(text, 0), Some(day), "{text}");
        }
        assert_eq!(parse("2005-020T11:30", 0), Some(day + 41_400));
        assert_eq!(parse("2005-01-20 11:30:15 +01:00", 0), Some(day + 37_815));
        assert_eq!(parse("2005-01-20T00:00:00Z", 3600), Some(day));
        assert_eq!(parse("banana", 0), None);
        assert_eq!(parse("2005-13-01", 0), None);
    }

    #[test]
    fn moments_are_cut_into_parts() {
        let parts = civil(days_from_civil(2021, 1, 3) * 86_400 + 3661);
        assert_eq!((parts.year, parts.month, parts.day, parts.hour), (2021, 1, 3, 1));
        assert_eq!((parts.week_year, parts.week, parts.weekday), (2020, 53, 7));
        let end_of_january = days_from_civil(2023, 1, 31) * 86_400;
        assert_eq!(civil(add_months(end_of_january, 1)).day, 28);
    }
}

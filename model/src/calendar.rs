//! Dates, durations and periods of ISO 8601, as rules, tools and the command line spell them.

use std::fmt;

/// A moment, and the offset from UTC it was written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970 UTC.
    pub seconds: i64,
    /// Seconds east of UTC: whose hours and days it has.
    pub offset: i64,
}

/// A moment cut into what calendars show, in its own offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The hour, 0 to 23.
    pub hour: i64,
    /// The minute, 0 to 59.
    pub minute: i64,
    /// The second, 0 to 59.
    pub second: i64,
    /// The day of the year, from 1.
    pub day_of_year: i64,
    /// The day of the week; Monday is 1, Sunday 7.
    pub weekday: i64,
    /// The week of ISO 8601, from 1: the first one has the year's first Thursday.
    pub week: i64,
    /// The year that week belongs to.
    pub week_year: i64,
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `2026-11-21 04:30:00Z`
    Calendar,
    /// `2026-325 04:30:00Z`
    Ordinal,
    /// `2026-W47-6 04:30:00Z`
    Week,
    /// Seconds since the year 1.
    Seconds,
    /// Seconds since 1970.
    Epoch,
}

/// Years, months and days, which differ in length, and seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duration {
    /// Calendar years.
    pub years: i64,
    /// Calendar months.
    pub months: i64,
    /// Calendar days.
    pub days: i64,
    /// Seconds.
    pub seconds: i64,
}

const DAY: i64 = 86_400;
/// From year 1 to 1970.
const SECONDS_BEFORE_1970: i64 = 62_135_596_800;

/// Days since 1970 of a date in the proleptic Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // years begin in March, so that the leap day is the last one
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of days since 1970.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Monday is 1, Sunday 7.
fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// The Monday of the first week of a year: the week with its first Thursday.
fn first_monday(year: i64) -> i64 {
    let fourth = days_of(year, 1, 4);
    fourth - (weekday(fourth) - 1)
}

fn weeks_in(year: i64) -> i64 {
    (first_monday(year + 1) - first_monday(year)) / 7
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let plain = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl Moment {
    /// Reads a date, a time of today, or both. A date alone is its midnight in UTC; a time without
    /// an offset from UTC has the offset that holds now, as Pacemaker's tools read both.
    pub fn parse(text: &str, now: Self) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("epoch") {
            return Some(Self::default());
        }
        let (date, rest) = match text.split_once(['T', ' ']) {
            Some((date, rest)) => (date, rest.trim()),
            None if text.contains(':') => ("", text),
            None => (text, ""),
        };
        let days = match date {
            "" => now.own_seconds().div_euclid(DAY),
            _ => parse_date(date)?,
        };
        if rest.is_empty() {
            return (!date.is_empty()).then_some(Self { seconds: days * DAY, offset: 0 });
        }
        let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
        let (time, zone) = rest.split_at(zone);
        let offset = if zone.is_empty() { now.offset } else { parse_offset(zone)? };
        Some(Self { seconds: days * DAY + parse_time(time.trim())? - offset, offset })
    }

    /// Seconds since 1970 as a clock there shows it.
    fn own_seconds(self) -> i64 {
        self.seconds.saturating_add(self.offset)
    }

    /// Cuts the moment into what a calendar shows where it was written.
    pub fn civil(self) -> Civil {
        let own = self.own_seconds();
        let (days, of_day) = (own.div_euclid(DAY), own.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let weekday = weekday(days);
        // the week is the one that this week's Thursday is in
        let week_year = date_of(days - (weekday - 4)).0;
        Civil {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            day_of_year: days - days_of(year, 1, 1) + 1,
            weekday,
            week: (days - first_monday(week_year)) / 7 + 1,
            week_year,
        }
    }

    /// Returns the moment a duration later; the 31st of a shorter month is its last day.
    pub fn after(self, duration: Duration) -> Self {
        self.shifted(duration, 1)
    }

    fn shifted(self, duration: Duration, sign: i64) -> Self {
        let own = self.own_seconds();
        let (year, month, day) = date_of(own.div_euclid(DAY));
        let months = year * 12 + month - 1 + sign * (duration.years * 12 + duration.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let day = day.min(days_in_month(year, month));
        let days = days_of(year, month, day) + sign * duration.days;
        let seconds = days * DAY + own.rem_euclid(DAY) + sign * duration.seconds - self.offset;
        Self { seconds, ..self }
    }

    /// Writes the moment in UTC, or with the offset it came with.
    pub fn display(self, style: Style, with_offset: bool) -> String {
        match style {
            Style::Epoch => return self.seconds.to_string(),
            Style::Seconds => return (self.seconds + SECONDS_BEFORE_1970).to_string(),
            Style::Calendar | Style::Ordinal | Style::Week => {}
        }
        let offset = if with_offset { self.offset } else { 0 };
        let civil = Self { offset, ..self }.civil();
        let Civil { year, month, day, hour, minute, second, .. } = civil;
        let date = match style {
            Style::Ordinal => format!("{year:04}-{:03}", civil.day_of_year),
            Style::Week => {
                format!("{:04}-W{:02}-{}", civil.week_year, civil.week, civil.weekday)
            }
            _ => format!("{year:04}-{month:02}-{day:02}"),
        };
        let zone = match offset {
            0 => "Z".to_owned(),
            _ => {
                let sign = if offset < 0 { '-' } else { '+' };
                format!(" {sign}{:02}:{:02}", offset.abs() / 3600, offset.abs() / 60 % 60)
            }
        };
        format!("{date} {hour:02}:{minute:02}:{second:02}{zone}")
    }
}

/// Days since 1970 of a day of a year.
fn ordinal(year: i64, day: i64) -> Option<i64> {
    let last = if is_leap(year) { 366 } else { 365 };
    (1..=last).contains(&day).then(|| days_of(year, 1, 1) + day - 1)
}

/// Days since 1970 of `2020-01-02`, `2020-01`, `20200102`, `2020-002`, `2020002` or `2020-W01-4`.
fn parse_date(text: &str) -> Option<i64> {
    if let Some((year, week)) = text.split_once("-W") {
        let (week, day) = week.split_once('-').unwrap_or((week, "1"));
        let (year, week, day) = (number(year, 4..=4)?, number(week, 1..=2)?, number(day, 1..=1)?);
        let fits = (1..=weeks_in(year)).contains(&week) && (1..=7).contains(&day);
        return fits.then(|| first_monday(year) + (week - 1) * 7 + day - 1);
    }
    let parts: Vec<&str> = text.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, day] if day.len() == 3 => {
            return ordinal(number(year, 4..=4)?, number(day, 3..=3)?);
        }
        [year, month] => (number(year, 4..=4)?, number(month, 1..=2)?, 1),
        [year, month, day] => (number(year, 4..=4)?, number(month, 1..=2)?, number(day, 1..=2)?),
        [all] if all.len() == 7 && all.is_ascii() => {
            return ordinal(number(&all[..4], 4..=4)?, number(&all[4..], 3..=3)?);
        }
        [all] if all.len() == 8 && all.is_ascii() => {
            (number(&all[..4], 4..=4)?, number(&all[4..6], 2..=2)?, number(&all[6..], 2..=2)?)
        }
        _ => return None,
    };
    let fits = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    fits.then(|| days_of(year, month, day))
}

/// Seconds of `03`, `03:04`, `03:04:05` or `030405`; fractions of a second are passed over.
fn parse_time(text: &str) -> Option<i64> {
    let text = text.split(['.', ',']).next().unwrap_or(text);
    let parts: Vec<&str> = match text.len() {
        4 | 6 if text.bytes().all(|b| b.is_ascii_digit()) => {
            (0..text.len()).step_by(2).map(|at| &text[at..at + 2]).collect()
        }
        _ => text.split(':').collect(),
    };
    let mut parts = parts.into_iter().map(|part| number(part, 1..=2));
    let hour = parts.next()??;
    let minute = parts.next().map_or(Some(0), |m| m)?;
    let second = parts.next().map_or(Some(0), |s| s)?;
    let end_of_day = hour == 24 && minute == 0 && second == 0;
    let fits = parts.next().is_none() && (hour < 24 || end_of_day) && minute < 60 && second < 60;
    fits.then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds east of UTC of nothing, `Z`, `+02`, `+0200` or `+02:00`.
fn parse_offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first() {
        None => return Some(0),
        Some(b'Z') => return (text.len() == 1).then_some(0),
        Some(b'-') => -1,
        Some(_) => 1,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let (hour, minute) = match digits.len() {
        2 => (number(&digits, 2..=2)?, 0),
        4 => (number(&digits[..2], 2..=2)?, number(&digits[2..], 2..=2)?),
        _ => return None,
    };
    (hour <= 14 && minute < 60).then_some(sign * (hour * 3600 + minute * 60))
}

impl Duration {
    /// Reads `P1Y2M3DT4H5M6S` or `P2W`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('P')?;
        let mut duration = Self::default();
        let mut in_time = false;
        let mut parts = 0;
        while !rest.is_empty() {
            if let Some(time) = rest.strip_prefix('T') {
                (in_time, rest) = (true, time);
                continue;
            }
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            // a million years are no maintenance window
            let count = number(&rest[..digits], 1..=12)?;
            let unit = rest[digits..].chars().next()?;
            match (unit, in_time) {
                ('Y', false) => duration.years = count,
                ('M', false) => duration.months = count,
                ('W', false) => duration.days += count * 7,
                ('D', false) => duration.days += count,
                ('H', true) => duration.seconds += count * 3600,
                ('M', true) => duration.seconds += count * 60,
                ('S', true) => duration.seconds += count,
                _ => return None,
            }
            parts += 1;
            rest = &rest[digits + unit.len_utf8()..];
        }
        let bounded = duration.years < 10_000
            && duration.months < 120_000
            && duration.days < 3_660_000
            && duration.seconds < 320_000_000_000;
        (parts > 0 && bounded).then_some(duration)
    }
}

fn plural(count: i64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padded = |count: i64, unit: &str, width: usize| {
            let text = plural(count, unit);
            let missing = width.saturating_sub(count.to_string().len());
            format!("{}{text} ", " ".repeat(missing))
        };
        for (count, unit, width) in
            [(self.years, "year", 4), (self.months, "month", 2), (self.days, "day", 2)]
        {
            if count != 0 {
                f.write_str(&padded(count, unit, width))?;
            }
        }
        let nothing = (self.years, self.months, self.days) == (0, 0, 0);
        if self.seconds == 0 && !nothing {
            return Ok(());
        }
        f.write_str(&plural(self.seconds, "second"))?;
        if self.seconds >= 60 {
            let split = [
                (self.seconds / 3600, "hour"),
                (self.seconds / 60 % 60, "minute"),
                (self.seconds % 60, "second"),
            ];
            let parts: Vec<String> = split
                .into_iter()
                .filter(|(count, _)| *count != 0)
                .map(|(count, unit)| plural(count, unit))
                .collect();
            write!(f, " ({})", parts.join(" "))?;
        }
        Ok(())
    }
}

/// Reads a period: `START/END`, `START/DURATION` or `DURATION/END`; a duration alone begins now.
pub fn period(text: &str, now: Moment) -> Option<(Moment, Moment)> {
    let Some((first, second)) = text.split_once('/') else {
        return Some((now, now.after(Duration::parse(text)?)));
    };
    match (Duration::parse(first), Duration::parse(second)) {
        (None, None) => Some((Moment::parse(first, now)?, Moment::parse(second, now)?)),
        (None, Some(duration)) => {
            let start = Moment::parse(first, now)?;
            Some((start, start.after(duration)))
        }
        (Some(duration), None) => {
            let end = Moment::parse(second, now)?;
            Some((end.shifted(duration, -1), end))
        }
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Duration, Moment, Style, date_of, days_of};

    const NOW: Moment = Moment { seconds: 1_795_229_108, offset: 0 };

    #[test]
    fn every_day_of_four_hundred_years_has_one_date_and_back() {
        for days in -200 * 365..200 * 366 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), days);
            for style in [Style::Calendar, Style::Ordinal, Style::Week] {
                let text = Moment { seconds: days * DAY, offset: 0 }.display(style, false);
                let read = Moment::parse(&text, NOW).unwrap_or_else(|| panic!("{text}"));
                assert_eq!(read.seconds, days * DAY, "{text}");
            }
        }
    }

    #[test]
    fn dates_are_read_as_the_established_tool_reads_them() {
        for (text, expected) in [
            ("2020-01-02T03", "2020-01-02 03:00:00Z"),
            ("2020-01-02 03:04", "2020-01-02 03:04:00Z"),
            ("20200102T030405Z", "2020-01-02 03:04:05Z"),
            ("2020-01-02T24:00:00Z", "2020-01-03 00:00:00Z"),
            ("2020-01-02 03:04:05 +02", "2020-01-02 01:04:05Z"),
            ("2020-W53-7", "2021-01-03 00:00:00Z"),
            ("2020-1-2", "2020-01-02 00:00:00Z"),
            ("2020-366", "2020-12-31 00:00:00Z"),
            ("2020020", "2020-01-20 00:00:00Z"),
            ("2020-01-02 03:04:05.5Z", "2020-01-02 03:04:05Z"),
            ("Epoch", "1970-01-01 00:00:00Z"),
            ("2020-01", "2020-01-01 00:00:00Z"),
            ("20:00:00", "2026-11-21 20:00:00Z"),
            ("epoch", "1970-01-01 00:00:00Z"),
        ] {
            let read = Moment::parse(text, NOW).map(|m| m.display(Style::Calendar, false));
            assert_eq!(read.as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "banana",
            "2020",
            "2020-02-30",
            "2020-13-01",
            "2020-00-01",
            "2019-366",
            "2021-W53-1",
            "2020-01-02T25:00:00Z",
            "2020-01-02 03:04:60Z",
            "2020-01-02 Zulu",
            "2020-01-02T\u{e9}",
        ] {
            assert_eq!(Moment::parse(text, NOW), None, "{text}");
        }
    }

    #[test]
    fn what_has_no_offset_is_local_but_for_a_date_alone() {
        let berlin = Moment { offset: 3600, ..NOW };
        for (text, expected) in [
            ("2020-01-02 12:00", "2020-01-02 12:00:00 +01:00"),
            ("2020-07-02 12:00", "2020-07-02 12:00:00 +01:00"),
            ("2020-01-02 12:00Z", "2020-01-02 12:00:00Z"),
            ("2020-01-02 12:00 -05:30", "2020-01-02 12:00:00 -05:30"),
            ("2020-01-02", "2020-01-02 00:00:00Z"),
            ("T00:30", "2026-11-21 00:30:00 +01:00"),
        ] {
            let read = Moment::parse(text, berlin).map(|m| m.display(Style::Calendar, true));
            assert_eq!(read.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_calendar_shows_a_moment_where_it_was_written() {
        let read = |text| Moment::parse(text, NOW).unwrap().civil();
        let parts = read("2021-01-03 01:01:01");
        assert_eq!((parts.year, parts.month, parts.day, parts.hour), (2021, 1, 3, 1));
        assert_eq!((parts.week_year, parts.week, parts.weekday), (2020, 53, 7));
        let parts = read("2020-12-31 23:30:00 -05:00");
        assert_eq!((parts.day_of_year, parts.hour, parts.minute), (366, 23, 30));
        let end = Moment { seconds: i64::MAX, offset: 3600 }.civil();
        assert!(end.year > 200_000_000_000);
    }

    #[test]
    fn the_last_of_a_month_stays_within_the_next() {
        let month = Duration { months: 1, ..Duration::default() };
        let end = Moment::parse("2023-01-31", NOW).unwrap().after(month);
        assert_eq!(end.display(Style::Calendar, false), "2023-02-28 00:00:00Z");
    }

    #[test]
    fn durations_are_told_as_the_established_tool_tells_them() {
        for (text, expected) in [
            ("PT5S", "5 seconds"),
            ("PT60S", "60 seconds (1 minute)"),
            ("P1W", " 7 days "),
            ("PT3661S", "3661 seconds (1 hour 1 minute 1 second)"),
            ("P2Y", "   2 years "),
            ("P1M1D", " 1 month  1 day "),
            ("PT0S", "0 seconds"),
            (
                "P1Y2M3DT4H5M6S",
                "   1 year  2 months  3 days 14706 seconds (4 hours 5 minutes 6 seconds)",
            ),
        ] {
            assert_eq!(Duration::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "P", "-P1D", "PT1.5S", "P1S", "banana", "P99999999999999Y"] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}

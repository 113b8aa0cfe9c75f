//! `iso8601`: displays and parses dates, durations and periods.

use std::fmt::Write as _;

use model::ExitCode;
use model::calendar::{Duration, Moment, Style, period};

use crate::clock;

use super::answer::{Answer, VERSION};
use super::options::{Options, Spec, Takes};

const SPECS: [Spec; 14] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('n', "now", Takes::Nothing),
    ('d', "date", Takes::Value),
    ('p', "period", Takes::Value),
    ('D', "duration", Takes::Value),
    ('E', "expected", Takes::Value),
    ('s', "seconds", Takes::Nothing),
    ('S', "epoch", Takes::Nothing),
    ('L', "local", Takes::Nothing),
    ('O', "ordinal", Takes::Nothing),
    ('W', "week", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments, clock::here()).print()
}

fn answer(arguments: &[String], now: Moment) -> Answer {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => return Answer::fail(ExitCode::Usage, format!("iso8601: {error}")),
    };
    if options.has("help") || options.has("help-all") {
        return Answer::text(USAGE);
    }
    if options.has("version") {
        return Answer::text(VERSION);
    }
    let style = match options.last_of(&["seconds", "epoch", "ordinal", "week"]) {
        Some("seconds") => Style::Seconds,
        Some("epoch") => Style::Epoch,
        Some("ordinal") => Style::Ordinal,
        Some(_) => Style::Week,
        None => Style::Calendar,
    };
    let local = options.has("local");
    let told = tell(&options, now, &|moment: Moment| moment.display(style, local));
    match told {
        Ok((out, last)) => match options.value("expected") {
            Some(expected) if last.as_deref() != Some(expected) => {
                Answer { out, code: Some(ExitCode::Error), ..Answer::default() }
            }
            _ => Answer::text(out),
        },
        Err(error) => Answer::fail(ExitCode::InvalidParam, format!("iso8601: {error}")),
    }
}

/// Returns what to print, and the date that `--expected` is compared with.
fn tell(
    options: &Options,
    now: Moment,
    display: &impl Fn(Moment) -> String,
) -> Result<(String, Option<String>), String> {
    let mut out = String::new();
    let mut say = |label: &str, text: &str| {
        let _infallible = writeln!(out, "{label}: {text}");
    };
    let mut date = None;
    match options.value("date") {
        Some("now") => {
            say("Current date/time", &display(now));
            date = Some(now);
        }
        Some(text) => {
            let moment = Moment::parse(text, now)
                .ok_or_else(|| format!("Invalid date/time specified: {text}"))?;
            say("Date", &display(moment));
            date = Some(moment);
        }
        None if options.has("now") => {
            say("Current date/time", &display(now));
            date = Some(now);
        }
        None => {}
    }
    let mut compared = date.map(display);
    if let Some(text) = options.value("duration") {
        let duration =
            Duration::parse(text).ok_or_else(|| format!("Invalid duration specified: {text}"))?;
        say("Duration", &duration.to_string());
        if let Some(date) = date {
            let end = display(date.after(duration));
            say("Duration ends at", &end);
            compared = Some(end);
        }
    }
    if let Some(text) = options.value("period") {
        let (start, end) =
            period(text, now).ok_or_else(|| format!("Invalid interval specified: {text}"))?;
        say("Period", &format!("{} to {}", display(start), display(end)));
    }
    Ok((out, compared))
}

const USAGE: &str = "\
Usage:
  iso8601 [OPTION...]

Display and parse ISO 8601 dates and times

Commands:
  -n, --now                   Display the current date/time
  -d, --date=DATE             Parse an ISO 8601 date/time (for example,
                              '2019-09-24 00:30:00 +01:00' or '2019-040')
  -p, --period=PERIOD         Parse an ISO 8601 period (interval) with start time (for example,
                              '2005-040/2005-043')
  -D, --duration=DURATION     Parse an ISO 8601 duration (for example, 'P1M')
  -E, --expected=TEXT         Exit with error status if result does not match this text

Output modifiers:
  -s, --seconds               Show result as seconds since 0000-001 00:00:00Z
  -S, --epoch                 Show result as seconds since EPOCH (1970-001 00:00:00Z)
  -L, --local                 Show result with the offset it was given with
  -O, --ordinal               Show result as an 'ordinal' date/time
  -W, --week                  Show result as a 'calendar week' date/time

Application Options:
  -h, --help                  Show this text
  -$, --version               Display software version and exit
  -V, --verbose               Accepted
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::{Moment, answer};

    fn say(words: &[&str]) -> super::Answer {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        answer(&words, Moment { seconds: 1_795_229_108, offset: 0 })
    }

    #[test]
    fn dates_and_periods_print_as_the_established_tool_prints_them() {
        for (words, expected) in [
            (&["-n"][..], "Current date/time: 2026-11-21 02:45:08Z\n"),
            (&["-d", "2020-01-02T03:04:05Z", "-s"], "Date: 63713531045\n"),
            (&["-d", "2020-01-02", "-S"], "Date: 1577923200\n"),
            (&["-d", "2020-W01-3", "-O"], "Date: 2020-001 00:00:00Z\n"),
            (&["-d", "2020-002", "-W"], "Date: 2020-W01-4 00:00:00Z\n"),
            (&["-d", "2020-01-02 03:04:05 +02:00", "-L"], "Date: 2020-01-02 03:04:05 +02:00\n"),
            (&["-d", "2020-01-02 03:04:05 +02:00"], "Date: 2020-01-02 01:04:05Z\n"),
            (&["-p", "P1M/2020-01-01"], "Period: 2019-12-01 00:00:00Z to 2020-01-01 00:00:00Z\n"),
            (
                &["-d", "2020-01-31", "-D", "P1M"],
                "Date: 2020-01-31 00:00:00Z\nDuration:  1 month \nDuration ends at: 2020-02-29 00:00:00Z\n",
            ),
        ] {
            assert_eq!(say(words).out, expected, "{words:?}");
        }
    }

    #[test]
    fn expectations_and_mistakes_show_in_the_exit_status() {
        let date = ["-d", "2020-01-02", "-E"];
        assert_eq!(say(&[&date[..], &["2020-01-02 00:00:00Z"]].concat()).code, None);
        assert_eq!(say(&[&date[..], &["2020-01-03"]].concat()).code, Some(ExitCode::Error));
        let bad = say(&["-d", "banana"]);
        assert_eq!(bad.code, Some(ExitCode::InvalidParam));
        assert_eq!(bad.err, "iso8601: Invalid date/time specified: banana\n");
    }
}

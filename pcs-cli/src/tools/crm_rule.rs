//! `crm_rule`: whether a rule is in effect, before or after its time.

use std::fmt::Write as _;

use cib::Element;

use model::ExitCode;
use model::calendar::{Duration, Moment};

use crate::cib_source::CibSource;
use crate::clock;

use super::answer::{self, Answer};
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "crm_rule";

const SPECS: [Spec; 9] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    ('c', "check", Takes::Nothing),
    ('X', "xml-text", Takes::Value),
    ('d', "date", Takes::Value),
    ('r', "rule", Takes::Value),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    let xml = frame::wants_xml(&options)?;
    if !options.has("check") {
        return Err(fail(ExitCode::Usage, "No mode operation given"));
    }
    let rules: Vec<&str> =
        options.all().filter(|(name, _)| *name == "rule").filter_map(|(_, id)| id).collect();
    if rules.is_empty() {
        return Err(fail(ExitCode::Usage, "--check requires use of --rule="));
    }
    let present = clock::here();
    let now = match options.value("date") {
        None => present,
        Some(text) => Moment::parse(text, present)
            .ok_or_else(|| fail(ExitCode::DataErr, format!("Invalid date specified: '{text}'")))?,
    };
    let document = document(&options)?;
    let mut said = Answer::default();
    let mut elements = Vec::new();
    for id in rules {
        let checked = check(&document, id, now);
        let code = match &checked {
            Ok(state) => state.code(),
            Err((code, _)) => *code,
        };
        let _infallible = match &checked {
            Ok(state) => writeln!(said.out, "Rule {id} {}", state.text()),
            Err((_, why)) => {
                writeln!(said.err, "Could not determine whether rule {id} is in effect: {why}")
            }
        };
        elements.push(
            Element::new("rule-check").with("rule-id", id).with("rc", code.code().to_string()),
        );
        // of several rules the last one counts
        said.code = Some(code);
    }
    Ok(if xml { frame::with_status(TOOL, arguments, elements, said) } else { said })
}

fn document(options: &Options) -> Result<Element, Answer> {
    if options.value("xml-text") == Some("-") {
        let pipe = Options::parse(&["-p".to_owned()], &[('p', "xml-pipe", Takes::Nothing)]);
        let read = pipe.ok().and_then(|pipe| answer::xml_input(&pipe));
        let read = read.map(|read| read.map_err(|error| error.to_string()));
        return read
            .unwrap_or_else(|| Err("there is no input".to_owned()))
            .map_err(|why| fail(ExitCode::DataErr, why));
    }
    match answer::xml_input(options) {
        Some(read) => read.map_err(|why| fail(ExitCode::DataErr, why)),
        None => CibSource::open().and_then(|mut source| source.query()).map_err(|error| {
            fail(error.code(), format!("Could not connect to the CIB: {}", error.chain()))
        }),
    }
}

/// Where a moment lies to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    Within,
    After,
    /// A range of years that has a gap here.
    Outside,
}

impl State {
    fn code(self) -> ExitCode {
        match self {
            Self::Before => ExitCode::NotYetInEffect,
            Self::Within => ExitCode::Ok,
            Self::After => ExitCode::Expired,
            Self::Outside => ExitCode::Unsatisfied,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Before => "has not yet taken effect",
            Self::Within => "is still in effect",
            Self::After => "is expired",
            Self::Outside => "is not in effect",
        }
    }
}

fn check(document: &Element, id: &str, now: Moment) -> Result<State, (ExitCode, &'static str)> {
    let rule = document
        .descendants()
        .find(|element| element.name() == "rule" && element.id() == Some(id))
        .ok_or((ExitCode::NoSuch, "Rule not found"))?;
    let no = |why| (ExitCode::UnimplementFeature, why);
    let dates: Vec<&Element> =
        rule.descendants().filter(|element| element.name() == "date_expression").collect();
    let date = match dates.as_slice() {
        [] => return Err(no("Rule does not have a date expression")),
        [one] => one,
        _ => return Err(no("Rule has more than one date expression")),
    };
    state(date, now)
        .ok_or(no("Rule's date expression can be told for dates, ranges and years only"))
}

fn state(date: &Element, now: Moment) -> Option<State> {
    let moment = |key| date.get(key).map(|text| Moment::parse(text, now)).unwrap_or(None);
    let start = moment("start");
    match date.get("operation").unwrap_or("in_range") {
        "lt" => {
            Some(if now.seconds < moment("end")?.seconds { State::Within } else { State::After })
        }
        "gt" => Some(if now.seconds > start?.seconds { State::Within } else { State::Before }),
        "in_range" => {
            let end = match (moment("end"), date.child("duration"), start) {
                (Some(end), _, _) => Some(end),
                (None, Some(duration), Some(start)) => Some(start.after(length(duration)?)),
                _ => None,
            };
            (start.is_some() || end.is_some()).then_some(())?;
            Some(if start.is_some_and(|start| now.seconds < start.seconds) {
                State::Before
            } else if end.is_some_and(|end| now.seconds > end.seconds) {
                State::After
            } else {
                State::Within
            })
        }
        "date_spec" => years(date.child("date_spec")?, now),
        _ => None,
    }
}

/// Reads `<duration>`, whose attributes are numbers of years, months and so on.
fn length(duration: &Element) -> Option<Duration> {
    let part = |key: &str, unit: char| {
        duration.get(key).map(|number| format!("{number}{unit}")).unwrap_or_default()
    };
    let weeks: i64 = duration.get("weeks").map_or(Some(0), |text| text.parse().ok())?;
    let days: i64 = duration.get("days").map_or(Some(0), |text| text.parse().ok())?;
    let date = format!("{}{}{}D", part("years", 'Y'), part("months", 'M'), weeks * 7 + days);
    let time = format!("{}{}{}", part("hours", 'H'), part("minutes", 'M'), part("seconds", 'S'));
    let time = if time.is_empty() { time } else { format!("T{time}") };
    Duration::parse(&format!("P{date}{time}"))
}

/// Only years end some day; of any other part it can't be said that its time is over.
fn years(spec: &Element, now: Moment) -> Option<State> {
    spec.attributes().all(|(key, _)| matches!(key, "id" | "years")).then_some(())?;
    let year = now.civil().year;
    let (first, last) = match spec.get("years")?.split_once('-') {
        None => {
            let only: i64 = spec.get("years")?.parse().ok()?;
            (only, only)
        }
        Some((first, "")) => (first.parse().ok()?, i64::MAX),
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
    };
    Some(match (year < first, year > last) {
        (true, true) => State::Outside,
        (true, _) => State::Before,
        (_, true) => State::After,
        _ => State::Within,
    })
}

const USAGE: &str = "\
crm_rule - whether a rule of the configuration is in effect
Usage: crm_rule --check --rule=ID [options]

 -c, --check            Check whether rules are in effect
 -r, --rule=ID          The rule (may be given several times)
 -d, --date=DATE        At this date instead of now
 -X, --xml-text=XML     Look for the rule in this XML (- for standard input)
     --output-as=FORMAT text or xml
 -h, --help             This text
 -$, --version          Version information

The exit status is 0 when the rule is in effect, 110 when its time is over, 111 when its time has
not come, 105 when there is no such rule, and 3 when it can't be said.
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::{Moment, State, check};

    #[test]
    fn rules_are_before_within_or_after_their_time() {
        let rule = |id: &str, inside: &str| format!("<rule id='{id}' score='1'>{inside}</rule>");
        let text = [
            rule("lt", "<date_expression id='1' operation='lt' end='2020-01-01'/>"),
            rule("gt", "<date_expression id='2' operation='gt' start='2040-01-01'/>"),
            rule(
                "in",
                "<date_expression id='3' operation='in_range' start='2025-01-01' end='2030-01-01'/>",
            ),
            rule(
                "long",
                "<date_expression id='4' start='2024-01-01'><duration id='d' years='1' weeks='2'/></date_expression>",
            ),
            rule(
                "years",
                "<date_expression id='5' operation='date_spec'><date_spec id='s' years='2024-2027'/></date_expression>",
            ),
            rule(
                "hours",
                "<date_expression id='6' operation='date_spec'><date_spec id='t' hours='9-17'/></date_expression>",
            ),
            rule("none", "<expression id='7' attribute='x' operation='defined'/>"),
        ];
        let document = cib::parse(&format!("<rules>{}</rules>", text.concat())).unwrap();
        let now = Moment { seconds: 1_795_229_108, offset: 0 };
        for (id, expected) in [
            ("lt", Ok(State::After)),
            ("gt", Ok(State::Before)),
            ("in", Ok(State::Within)),
            ("long", Ok(State::After)),
            ("years", Ok(State::Within)),
            ("hours", Err(ExitCode::UnimplementFeature)),
            ("none", Err(ExitCode::UnimplementFeature)),
            ("nope", Err(ExitCode::NoSuch)),
        ] {
            assert_eq!(check(&document, id, now).map_err(|(code, _)| code), expected, "{id}");
        }
    }
}

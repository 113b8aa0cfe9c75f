//! Plans as text.

use cib::Element;
use pcs::plan::{Consequence, ElementChange, Fate, Stage};
use pcs::plan_time::Timing;
use pengine::status::ResourceStatus;

use crate::clock;

/// More changes of the configuration than these are counted, not listed.
const CHANGES_MAX: usize = 20;

/// Writes a plan, a line each.
pub(crate) fn lines(stages: &[Stage]) -> Vec<String> {
    if stages.is_empty() {
        return vec!["Nothing to do: the configuration is as asked already".to_owned()];
    }
    let mut lines = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        lines.push(if stages.len() > 1 {
            format!("Step {} of {}:", at + 1, stages.len())
        } else {
            "Plan (nothing has been changed):".to_owned()
        });
        lines.extend(of(stage).into_iter().map(|line| format!("  {line}")));
    }
    if stages.len() > 1 {
        lines.push("Nothing has been changed".to_owned());
    }
    lines
}

fn of(stage: &Stage) -> Vec<String> {
    let mut lines = Vec::new();
    if !stage.configuration.is_empty() {
        lines.push("Configuration:".to_owned());
        lines.extend(configuration(&stage.configuration));
    }
    let titled = |title: &str, list: &[Consequence], lines: &mut Vec<String>| {
        if !list.is_empty() {
            lines.push(title.to_owned());
            lines.extend(list.iter().map(|one| format!("  {}", consequence(one))));
        }
    };
    if stage.is_quiet() {
        lines.push(quiet(stage).to_owned());
    }
    titled("The cluster would:", &stage.actions, &mut lines);
    titled("It would no longer:", &stage.prevented, &mut lines);
    titled("It is about to do anyway:", &stage.anyway, &mut lines);
    if !stage.actions.is_empty() {
        lines.push(time(&stage.time));
    }
    lines.extend(stage.warnings.iter().map(|text| format!("Warning: {text}")));
    lines
}

/// Writes changes of the configuration.
pub(crate) fn configuration(changes: &[ElementChange]) -> Vec<String> {
    let mut lines: Vec<String> = changes
        .iter()
        .take(CHANGES_MAX)
        .map(|change| {
            let sign = match change.fate {
                Fate::Created => '+',
                Fate::Changed => '~',
                Fate::Removed => '-',
            };
            let value = change.value.as_ref().map(|v| format!(" ({v})")).unwrap_or_default();
            format!("  {sign} {} {}{value}", change.element, change.id)
        })
        .collect();
    if changes.len() > CHANGES_MAX {
        lines.push(format!("  … and {} more", changes.len() - CHANGES_MAX));
    }
    lines
}

fn quiet(stage: &Stage) -> &'static str {
    if stage.any_node_online {
        "The cluster would not start, stop, move or promote anything"
    } else {
        "No node of this document is online, so nothing would be started, stopped or moved"
    }
}

fn consequence(one: &Consequence) -> String {
    let mut line = match one.details.as_str() {
        "" => format!("{} {}", one.verb, one.subject),
        details => format!("{} {} ({details})", one.verb, one.subject),
    };
    if let Some(ms) = one.down_ms {
        line.push_str(&format!(", away for about {}", seconds(ms)));
    }
    if one.blocked {
        line.push_str(", but that can't be done now");
    }
    if let Some(reason) = &one.reason {
        line.push_str(&format!(", because: {reason}"));
    }
    line
}

fn time(timing: &Timing) -> String {
    let known = match timing.ms {
        0 if !timing.unknown.is_empty() => "How long it takes is not known yet".to_owned(),
        ms => format!("It takes about {}", seconds(ms)),
    };
    match timing.unknown.as_slice() {
        [] => known,
        names => format!("{known}; no time is recorded for: {}", names.join(", ")),
    }
}

/// How many actions that are under way are named; the rest is counted.
const UNDER_WAY_MAX: usize = 4;

/// Says what the cluster still has to do; none when that is nothing.
pub(crate) fn under_way(cib: &Element) -> Option<String> {
    let (now, options) = clock::engine();
    let mut names = Vec::new();
    pending(&pengine::status::read(cib, now, &options).resources, &mut names);
    let actions = pengine::schedule(cib, now, &options).report.actions;
    names.extend(actions.iter().map(|action| match action.details.as_str() {
        "" => format!("{} {}", action.verb, action.subject),
        details => format!("{} {} ({details})", action.verb, action.subject),
    }));
    if names.is_empty() {
        return None;
    }
    let more = match names.len().saturating_sub(UNDER_WAY_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(UNDER_WAY_MAX);
    Some(format!("Waiting for: {}{more}", names.join(", ")))
}

/// Operations that have begun.
fn pending(resources: &[ResourceStatus], names: &mut Vec<String>) {
    for resource in resources {
        if let Some(what) = &resource.pending {
            names.push(format!("{} of {}", what.to_lowercase(), resource.id));
        }
        pending(&resource.children, names);
    }
}

/// Writes a time for people: `340 ms`, `2.4 s`, `1 min 20 s`.
pub(crate) fn seconds(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

//! What a display of the state says beside nodes and resources: the summary and what failed.

use jiff::Timestamp;
use view::failures::FailedAction;
use view::summary::Summary;

/// Writes a moment in this host's time.
pub(crate) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(
        |_| "unknown".to_owned(),
        |moment| {
            moment
                .to_zoned(crate::clock::zone().clone())
                .strftime("%a %b %e %H:%M:%S %Y")
                .to_string()
        },
    )
}

/// Writes the present moment.
pub(crate) fn now() -> String {
    time(Timestamp::now().as_second())
}

/// Shows who decides and how much there is; `full`: with the ids of nodes.
pub(crate) fn summary(s: &Summary, full: bool) -> Vec<String> {
    let dc = match &s.dc {
        Some((name, id)) => {
            let with_id = full && name != id;
            let name = if with_id { format!("{name} ({id})") } else { name.clone() };
            let version = format!(" (version {})", s.dc_version.as_deref().unwrap_or("unknown"));
            let quorum = if s.quorate { "with quorum" } else { "WITHOUT quorum" };
            format!("{name}{version} - partition {quorum}")
        }
        None => "NONE".to_owned(),
    };
    let change = &s.last_change;
    let part = |word: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!(" {word} {text}")).unwrap_or_default()
    };
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut counts = Vec::new();
    if s.disabled > 0 {
        counts.push(format!("{} DISABLED", s.disabled));
    }
    if s.blocked > 0 {
        counts.push(format!("{} BLOCKED from further action due to failure", s.blocked));
    }
    let counts =
        if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let mut lines = vec![
        format!("* Stack: {}", s.stack.as_deref().unwrap_or("unknown")),
        format!("* Current DC: {dc}"),
        format!("* Last updated: {}", now()),
        format!(
            "* Last change:  {}{}{}{}",
            change.at.as_deref().unwrap_or_default(),
            part("by", &change.user),
            part("via", &change.client),
            part("on", &change.node)
        ),
        format!("* {} configured", plural(s.nodes_configured, "node")),
        format!("* {} configured{counts}", plural(s.instances, "resource instance")),
    ];
    if s.maintenance {
        lines.push(String::new());
        lines.push("            *** Resource management is DISABLED ***".to_owned());
        lines.push("The cluster will not attempt to start, stop or recover services".to_owned());
    }
    lines
}

/// Writes an interval for people: `1m`, `30s`, `1m30s`.
fn interval(ms: u64) -> String {
    let seconds = ms / 1_000;
    if !ms.is_multiple_of(1_000) {
        return format!("{ms}ms");
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, rest) = (rest / 3_600, rest % 3_600);
    let (minutes, seconds) = (rest / 60, rest % 60);
    [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

fn result_text(action: &FailedAction) -> String {
    crate::tools::crm_error::meaning(action.result)
}

fn status_text(action: &FailedAction) -> &'static str {
    match action.status {
        0 => "Done",
        2 => "Timed Out",
        3 => "Not supported",
        5 => "Hard error",
        6 => "Fatal error",
        7 => "Not installed",
        _ => "Error",
    }
}

/// Shows what failed; `full`: with all that is known of it.
pub(crate) fn failures(actions: &[FailedAction], full: bool) -> Vec<String> {
    actions
        .iter()
        .map(|action| {
            let at = action.at.map(time);
            if full {
                let change = at.map(|at| {
                    let (queued, took) = (action.queued_ms, action.took_ms);
                    format!(", last-rc-change='{at}', queued={queued}ms, exec={took}ms")
                });
                let change = change.unwrap_or_default();
                let reason = match action.reason.as_str() {
                    "" => String::new(),
                    reason => format!(", exitreason='{reason}'"),
                };
                return format!(
                    "* {}_{}_{} on {} '{}' ({}): call={}, status='{}'{reason}{change}",
                    action.resource,
                    action.operation,
                    action.interval_ms,
                    action.node,
                    result_text(action),
                    action.result,
                    action.call,
                    status_text(action)
                );
            }
            let operation = if action.interval_ms > 0 {
                format!("{}-interval {}", interval(action.interval_ms), action.operation)
            } else if action.operation == "monitor" {
                "probe".to_owned()
            } else {
                action.operation.clone()
            };
            let happened = if action.status > 1 {
                format!("could not be executed ({})", status_text(action))
            } else {
                format!("returned '{}'", result_text(action))
            };
            let reason = if action.reason.is_empty() {
                String::new()
            } else {
                format!(" ({})", action.reason)
            };
            let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
            let took = if action.took_ms > 0 {
                format!(" after {}", duration(action.took_ms))
            } else {
                String::new()
            };
            format!(
                "* {} {operation} on {} {happened}{reason}{at}{took}",
                action.resource, action.node
            )
        })
        .collect()
}

fn duration(ms: u64) -> String {
    if ms >= 1_000 { format!("{}.{:03}s", ms / 1_000, ms % 1_000) } else { format!("{ms}ms") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn intervals_are_written_for_people() {
        for (ms, text) in [(60_000, "1m"), (90_000, "1m30s"), (10_000, "10s"), (1_500, "1500ms")] {
            assert_eq!(super::interval(ms), text);
        }
    }
}

//! Operations of resources: what may be said of them, and which ones a new resource gets.

use std::collections::BTreeMap;

use cib::Element;

use crate::environment::Environment;
use crate::message::Message;
use crate::metadata::AgentMetadata;
use crate::nvset::{self, Pairs};
use crate::options::{self, Wanted};

/// What may be said of an operation.
pub const OPTIONS: [&str; 12] = [
    "OCF_CHECK_LEVEL",
    "description",
    "enabled",
    "id",
    "interval",
    "interval-origin",
    "name",
    "on-fail",
    "record-pending",
    "role",
    "start-delay",
    "timeout",
];

const ON_FAIL: [&str; 8] =
    ["block", "demote", "fence", "ignore", "restart", "restart-container", "standby", "stop"];
const ROLES: [&str; 4] = ["Promoted", "Started", "Stopped", "Unpromoted"];
const BOOLEANS: Wanted<'static> = Wanted::Words("a boolean value: '0', '1', 'false', 'true'");
const TIMES: Wanted<'static> = Wanted::Words("time interval (e.g. 1, 2s, 3m, 4h, ...)");

/// Actions of agents that are no operations of resources.
const NO_OPERATIONS: [&str; 5] = ["meta-data", "validate-all", "status", "metadata", "manpage"];

/// Returns the interval an operation has when none is given.
fn usual_interval(name: &str) -> &'static str {
    if name == "monitor" { "60s" } else { "0s" }
}

impl Environment<'_> {
    /// Checks operations as somebody typed them.
    pub fn check_operations(
        &mut self,
        operations: &[Pairs],
        metadata: Option<&AgentMetadata>,
        force: bool,
    ) {
        if let Some(metadata) = metadata {
            let known = operation_names(metadata);
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            for operation in operations {
                let name = nvset::get(operation, "name").unwrap_or_default();
                if !known.is_empty() && !known.contains(&name) {
                    let message =
                        options::bad_value("operation name", name, Wanted::Choice(&known));
                    self.forceable(message, force);
                }
            }
        }
        for operation in operations {
            self.check_operation(operation);
        }
        self.check_intervals(operations);
    }

    /// Checks the options of one operation.
    pub fn check_operation(&mut self, operation: &Pairs) {
        self.check_names(
            operation.iter().map(|(name, _)| name.as_str()),
            &OPTIONS,
            "resource operation",
            None,
        );
        for (name, value) in operation {
            let (good, wanted) = match name.as_str() {
                "interval" | "timeout" | "start-delay" => (options::is_timeout(value), TIMES),
                "enabled" | "record-pending" => (
                    matches!(value.to_lowercase().as_str(), "0" | "1" | "true" | "false"),
                    BOOLEANS,
                ),
                "on-fail" => (ON_FAIL.contains(&value.as_str()), Wanted::Choice(&ON_FAIL)),
                "role" => (ROLES.contains(&value.as_str()), Wanted::Choice(&ROLES)),
                _ => continue,
            };
            self.check_value(name, value, good, wanted);
        }
    }

    /// No two operations of one name may have one interval.
    fn check_intervals(&mut self, operations: &[Pairs]) {
        let mut seen: BTreeMap<(String, u64), Vec<String>> = BTreeMap::new();
        for operation in operations {
            let name = nvset::get(operation, "name").unwrap_or_default();
            let interval = nvset::get(operation, "interval").unwrap_or(usual_interval(name));
            if let Some(seconds) = options::seconds(interval) {
                seen.entry((name.to_owned(), seconds)).or_default().push(interval.to_owned());
            }
        }
        let duplicates: Vec<String> = seen
            .into_iter()
            .filter(|(_, intervals)| intervals.len() > 1)
            .map(|((name, _), intervals)| format!("{name} with intervals {}", intervals.join(", ")))
            .collect();
        if !duplicates.is_empty() {
            self.error(Message::OperationIntervalDuplication { duplicates });
        }
    }
}

/// Lists the operations an agent knows.
pub fn operation_names(metadata: &AgentMetadata) -> Vec<String> {
    let mut names: Vec<String> = metadata
        .actions
        .iter()
        .filter(|action| action.name != "meta-data")
        .map(|action| action.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the operations an agent advises.
pub fn advised(metadata: &AgentMetadata, stonith: bool) -> Vec<Pairs> {
    metadata
        .actions
        .iter()
        .filter(|action| !NO_OPERATIONS.contains(&action.name.as_str()))
        .filter(|action| !stonith || action.name == "monitor")
        .map(|action| {
            let interval = action.interval.as_deref().unwrap_or(usual_interval(&action.name));
            let mut pairs = vec![
                ("name".to_owned(), action.name.clone()),
                ("interval".to_owned(), interval.to_owned()),
            ];
            for (name, value) in [
                ("OCF_CHECK_LEVEL", &action.depth),
                ("timeout", &action.timeout),
                ("role", &action.role),
                ("start-delay", &action.start_delay),
            ] {
                if let Some(value) = value {
                    pairs.push((name.to_owned(), value.clone()));
                }
            }
            pairs
        })
        .collect()
}

/// Completes the operations of a new resource: those somebody typed, those the agent advises
/// beside them (`with_advised`; without it only its monitors), and always a monitor. Says which
/// intervals of monitors were changed, and to what.
pub fn complete(
    typed: &[Pairs],
    metadata: Option<&AgentMetadata>,
    stonith: bool,
    with_advised: bool,
) -> (Vec<Pairs>, Vec<(String, String)>) {
    let name_of = |pairs: &Pairs| nvset::get(pairs, "name").unwrap_or_default().to_owned();
    let mut all: Vec<Pairs> = typed.to_vec();
    let typed_names: Vec<String> = typed.iter().map(name_of).collect();
    if let Some(metadata) = metadata {
        let advised = advised(metadata, stonith);
        all.extend(advised.into_iter().filter(|pairs| {
            let name = name_of(pairs);
            (with_advised || name == "monitor") && !typed_names.contains(&name)
        }));
    }
    if !all.iter().any(|pairs| name_of(pairs) == "monitor") {
        all.push(vec![("name".to_owned(), "monitor".to_owned())]);
    }
    for pairs in &mut all {
        if nvset::get(pairs, "interval").is_none() {
            let interval = usual_interval(&name_of(pairs));
            pairs.push(("interval".to_owned(), interval.to_owned()));
        }
    }
    let changed = distinct_intervals(&mut all, typed.len());
    (all, changed)
}

/// An advised operation gives way by a second when another one has its interval.
fn distinct_intervals(all: &mut [Pairs], typed: usize) -> Vec<(String, String)> {
    let mut changed = Vec::new();
    let mut seen: Vec<(String, u64)> = Vec::new();
    for (index, pairs) in all.iter_mut().enumerate() {
        let name = nvset::get(pairs, "name").unwrap_or_default().to_owned();
        let interval = nvset::get(pairs, "interval").unwrap_or_default().to_owned();
        let Some(mut seconds) = options::seconds(&interval) else { continue };
        if index >= typed && seen.contains(&(name.clone(), seconds)) {
            while seen.contains(&(name.clone(), seconds)) {
                seconds += 1;
            }
            if let Some(pair) = pairs.iter_mut().find(|(key, _)| key == "interval") {
                pair.1 = seconds.to_string();
            }
            if name == "monitor" {
                changed.push((interval, seconds.to_string()));
            }
        }
        seen.push((name, seconds));
    }
    changed
}

/// Builds an `<op>` for a resource; `taken` are ids of elements that are being built beside it.
pub fn build(cib: &Element, resource: &str, operation: &Pairs, taken: &mut Vec<String>) -> Element {
    let get = |name: &str| nvset::get(operation, name);
    let name = get("name").unwrap_or_default();
    let interval = get("interval").unwrap_or_default();
    let id = get("id").map_or_else(
        || {
            let wanted = format!("{resource}-{name}-interval-{interval}");
            crate::ids::free_besides(cib, &wanted, taken)
        },
        str::to_owned,
    );
    taken.push(id.clone());
    let mut element = Element::new("op");
    let mut sorted: Vec<&(String, String)> = operation.iter().collect();
    sorted.sort();
    for (key, value) in sorted {
        if key != "OCF_CHECK_LEVEL" && key != "id" && !value.is_empty() {
            element.set(key, value.as_str());
        }
    }
    element.set("id", id.as_str());
    if let Some(level) = get("OCF_CHECK_LEVEL") {
        let pairs = vec![("OCF_CHECK_LEVEL".to_owned(), level.to_owned())];
        element.push(nvset::new_set(
            "instance_attributes",
            &format!("{id}-instance_attributes"),
            &pairs,
        ));
    }
    element
}

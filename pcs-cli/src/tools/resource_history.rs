//! The operation histories of resources: shown, forgotten, and failures made up for tests.

use std::collections::HashMap;
use std::fmt::Write as _;

use cib::Element;
use model::{ExecStatus, ExitCode};
use pengine::status::ResourceStatus;
use wire::tools::action::{Kind, Target};

use crate::pcs::status_text;

use super::answer::Answer;
use super::crm_resource::{Call, Said, fail, find, live, no_controller};
use super::frame;
use super::resource_queries::{places, primitives};

/// `--list-operations` and `--list-all-operations`; the former shows only nodes that are here.
pub(super) fn operations(call: &mut Call, all: bool) -> Result<Said, Answer> {
    let document = call.document()?;
    let status = call.seen(&document)?.status;
    let wanted = call.options.value("resource").map(str::to_owned);
    let node = call.node().map(str::to_owned);
    let named = by_name(&status.resources);
    let mut text = String::new();
    let mut list = Element::new("operations");
    let states = document.child("status").into_iter().flat_map(|s| s.children_named("node_state"));
    for state in states {
        let name = state.get("uname").or(state.id()).unwrap_or_default();
        let online = status.nodes.iter().any(|known| known.name == name && known.online);
        if !(all || online) || node.as_ref().is_some_and(|node| node != name) {
            continue;
        }
        let resources = state.at(&["lrm", "lrm_resources"]).into_iter().flat_map(Element::children);
        for resource in resources {
            let id = resource.id().unwrap_or_default();
            if wanted.as_ref().is_some_and(|wanted| wanted != id) {
                continue;
            }
            let head = headline(&named, id);
            let mut sorted: Vec<&Element> = resource.children_named("lrm_rsc_op").collect();
            sorted.sort_by_key(|op| op.get("call-id").and_then(|c| c.parse::<i64>().ok()));
            let since = if all { 0 } else { active_since(&sorted) };
            for operation in sorted.into_iter().skip(since) {
                let shown = Operation::of(operation, name);
                let _infallible = writeln!(text, "{head}: {}", shown.text());
                list.push(shown.xml(id, &agent(resource)));
            }
        }
    }
    let xml = if text.is_empty() { Vec::new() } else { vec![list] };
    Ok(Said { text, xml, ..Said::default() })
}

fn agent(resource: &Element) -> String {
    let get = |key: &str| resource.get(key).unwrap_or_default();
    match resource.get("provider") {
        Some(provider) => format!("{}:{provider}:{}", get("class"), get("type")),
        None => format!("{}:{}", get("class"), get("type")),
    }
}

/// Returns where the operations begin that made a resource what it is: after its last stop, with
/// its last start, or with what implies that it was started before.
fn active_since(operations: &[&Element]) -> usize {
    let last = |test: &dyn Fn(&Element) -> bool| operations.iter().rposition(|op| test(op));
    let is = |operation: &Element, tasks: &[&str]| {
        operation.get("operation").is_some_and(|task| tasks.contains(&task))
    };
    let works = |operation: &Element| matches!(operation.get("rc-code"), Some("0" | "8"));
    let stopped = last(&|op| is(op, &["stop"]));
    let started = last(&|op| is(op, &["start", "migrate_from"]))
        .or_else(|| last(&|op| is(op, &["promote", "demote"])))
        .or_else(|| last(&|op| is(op, &["monitor"]) && works(op)));
    started.unwrap_or(0).max(stopped.map_or(0, |stop| stop + 1))
}

/// Primitives by their ids and names; of instances with one id, the one that is most alive.
fn by_name(all: &[ResourceStatus]) -> HashMap<&str, &ResourceStatus> {
    let alive = |one: &ResourceStatus| (one.active, one.role == "Promoted");
    let mut found: HashMap<&str, &ResourceStatus> = HashMap::new();
    for primitive in all.iter().flat_map(primitives) {
        for name in [primitive.id.as_str(), primitive.name.as_str()] {
            let known = found.entry(name).or_insert(primitive);
            if alive(primitive) >= alive(known) {
                *known = primitive;
            }
        }
    }
    found
}

/// The line of a resource without its node, as it stands before each of its operations.
fn headline(named: &HashMap<&str, &ResourceStatus>, id: &str) -> String {
    let of_instance = id.rsplit_once(':').and_then(|(base, number)| {
        number.parse::<u32>().ok()?;
        named.get(base)
    });
    let Some(primitive) = of_instance.or_else(|| named.get(id)) else {
        return id.to_owned();
    };
    let pending = primitive.pending.as_deref().and_then(view::status_text::pending_state);
    let state = match pending {
        _ if primitive.failed => "FAILED",
        Some(state) => state,
        None => primitive.role.as_str(),
    };
    let disabled =
        if primitive.target_role.as_deref() == Some("Stopped") { " (disabled)" } else { "" };
    format!("{}\t({}):\t {state}{disabled}", primitive.name, primitive.agent)
}

/// One entry of a history.
struct Operation<'a> {
    node: &'a str,
    key: &'a str,
    call: &'a str,
    rc: &'a str,
    changed: Option<String>,
    exec: Option<&'a str>,
    status: &'static str,
}

impl<'a> Operation<'a> {
    fn of(operation: &'a Element, node: &'a str) -> Self {
        let get = |key: &str| operation.get(key);
        let status = get("op-status").and_then(|s| s.parse().ok()).unwrap_or(0);
        Self {
            node,
            key: get("operation_key").or(operation.id()).unwrap_or_default(),
            call: get("call-id").unwrap_or("-1"),
            rc: get("rc-code").unwrap_or_default(),
            changed: get("last-rc-change")
                .and_then(|s| s.parse().ok())
                .filter(|seconds| *seconds > 0)
                .map(status_text::time),
            exec: get("exec-time"),
            status: ExecStatus::from_code(status).text(),
        }
    }

    fn text(&self) -> String {
        let changed = self.changed.as_ref().map(|at| format!(", last-rc-change='{at}'"));
        let exec = self.exec.map(|ms| format!(", exec={ms}ms")).filter(|_| changed.is_some());
        format!(
            "{} (node={}, call={}, rc={}{}{}): {}",
            self.key,
            self.node,
            self.call,
            self.rc,
            changed.unwrap_or_default(),
            exec.unwrap_or_default(),
            self.status
        )
    }

    fn xml(&self, resource: &str, agent: &str) -> Element {
        let mut element = Element::new("operation")
            .with("op", self.key)
            .with("node", self.node)
            .with("call", self.call)
            .with("rc", self.rc)
            .with("status", self.status)
            .with("rsc", resource)
            .with("agent", agent);
        if let Some(at) = &self.changed {
            element.set("last-rc-change", at.as_str());
            element.set("exec-time", self.exec.unwrap_or("0"));
        }
        element
    }
}

/// Returns the resource that is treated as one with this: the group or clone it is in.
fn collective<'a>(document: &'a Element, element: &'a Element) -> &'a Element {
    let mut whole = element;
    while let Some(above) = whole.id().and_then(|id| pcs::resource::parent(document, id)) {
        whole = above;
    }
    whole
}

/// Returns (primitive, node) of what is forgotten.
fn forgotten(
    document: &Element,
    whole: Option<&Element>,
    node: Option<&str>,
) -> Vec<(String, String)> {
    let wanted: Option<Vec<&str>> = whole.map(|whole| {
        whole.descendants().filter(|e| e.name() == "primitive").filter_map(Element::id).collect()
    });
    let mut found = Vec::new();
    let states = document.child("status").into_iter().flat_map(|s| s.children_named("node_state"));
    for state in states {
        let name = state.get("uname").or(state.id()).unwrap_or_default();
        if node.is_some_and(|node| node != name) {
            continue;
        }
        let resources = state.at(&["lrm", "lrm_resources"]).into_iter().flat_map(Element::children);
        for id in resources.filter_map(Element::id) {
            let base = find(document, id).and_then(Element::id).unwrap_or(id);
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(&base)) {
                found.push((id.to_owned(), name.to_owned()));
            }
        }
    }
    found
}

/// `--cleanup` (`only_failed`) and `--refresh`.
pub(super) fn forget(call: &mut Call, only_failed: bool) -> Result<Said, Answer> {
    let document = call.document()?;
    let whole = if call.options.has("resource") {
        let element = call.element(&document)?;
        let whole =
            if call.options.has("force") { &element } else { collective(&document, &element) };
        Some(whole.clone())
    } else {
        None
    };
    let node = call.node().map(str::to_owned);
    check_node(&document, node.as_deref())?;
    let operation = call.options.value("operation").map(str::to_owned);
    let interval = match call.options.value("interval") {
        Some(text) => Some(frame::milliseconds(text).ok_or_else(|| {
            fail(ExitCode::Usage, format!("invalid interval `{text}`; write 10s, 500ms, 1min"))
        })?),
        None => None,
    };
    let targets = forgotten(&document, whole.as_ref(), node.as_deref());
    if !call.is_live()? {
        if whole.is_none() && !only_failed {
            let on = node.unwrap_or_else(|| "all nodes".to_owned());
            return Ok(Said::text(format!("Dry run: skipping clean-up of {on} due to CIB_file\n")));
        }
        let mut remark = String::new();
        for (resource, node) in &targets {
            let _infallible = writeln!(
                remark,
                "Dry run: skipping clean-up of {resource} on {node} due to CIB_file"
            );
        }
        return Ok(Said { remark, ..Said::default() });
    }
    let target = Target {
        resource: whole.as_ref().and_then(Element::id).unwrap_or_default().to_owned(),
        node: node.clone().unwrap_or_default(),
        interval_ms: operation.as_ref().and(interval),
        operation: operation.unwrap_or_default(),
    };
    let kind = if only_failed { Kind::Cleanup(target) } else { Kind::Refresh(target) };
    act(kind)?;
    let mut text = String::new();
    if whole.is_none() {
        let on = node.map_or_else(|| "all nodes".to_owned(), |node| format!("node {node}"));
        let _infallible = writeln!(text, "Cleaned up all resources on {on}");
    }
    for (resource, node) in targets.iter().filter(|_| whole.is_some()) {
        let _infallible = writeln!(text, "Cleaned up {resource} on {node}");
    }
    Ok(Said::text(text))
}

fn check_node(document: &Element, node: Option<&str>) -> Result<(), Answer> {
    let Some(node) = node else { return Ok(()) };
    if view::nodes::known(document).iter().any(|known| known.name == node) {
        return Ok(());
    }
    Err(fail(
        ExitCode::NoSuch,
        format!("Node '{node}' not found\nError performing operation: {}", ExitCode::NoSuch),
    ))
}

fn act(kind: Kind) -> Result<(), Answer> {
    let outcome = live()?.act(kind).map_err(|error| no_controller(&error))?;
    match ExitCode::from_code(outcome.code) {
        ExitCode::Ok => Ok(()),
        code => Err(fail(code, format!("{}\nError performing operation: {code}", outcome.message))),
    }
}

/// `--fail`.
pub(super) fn fail_resource(call: &mut Call) -> Result<Said, Answer> {
    let id = call.resource()?.to_owned();
    let document = call.document()?;
    let element = call.element(&document)?;
    let node = call.node().unwrap_or_default().to_owned();
    check_node(&document, Some(node.as_str()).filter(|node| !node.is_empty()))?;
    if element.name() != "primitive" {
        return Err(fail(
            ExitCode::Usage,
            format!("'{id}' is a {}; name the primitive that is to fail", element.name()),
        ));
    }
    // on the one node where it runs, when none is named
    let node = if node.is_empty() {
        let status = call.seen(&document)?.status;
        match places(&status, &id).as_slice() {
            [only] => only.node.to_owned(),
            _ => node,
        }
    } else {
        node
    };
    act(Kind::Fail(Target { resource: id, node, ..Target::default() }))?;
    Ok(Said::default())
}

#[cfg(test)]
mod tests {
    use super::super::crm_resource::find;
    use super::super::monitor_facts;
    use super::super::resource_tests::document;
    use super::{Operation, by_name, collective, forgotten, headline};

    #[test]
    fn an_operation_reads_as_agents_cut_it() {
        let document = document();
        let operation = document.descendants().find(|e| e.name() == "lrm_rsc_op").unwrap();
        let text = Operation::of(operation, "ser1").text();
        assert!(text.starts_with("A_start_0 (node=ser1, call=2, rc=0, last-rc-change='"), "{text}");
        assert!(text.ends_with("', exec=12ms): complete"), "{text}");
        let status = monitor_facts::seen(&document).status;
        let all = by_name(&status.resources);
        assert_eq!(headline(&all, "A"), "A\t(ocf:pacemaker:Dummy):\t Started");
        assert_eq!(headline(&all, "B"), "B\t(ocf:heartbeat:Dummy):\t Stopped (disabled)");
        assert_eq!(headline(&all, "nobody"), "nobody");
        let mut starting = status.resources.clone();
        for resource in &mut starting {
            resource.pending = Some("start".to_owned());
        }
        let all = by_name(&starting);
        assert_eq!(headline(&all, "A"), "A\t(ocf:pacemaker:Dummy):\t Starting");
    }

    #[test]
    fn what_belongs_together_is_forgotten_together() {
        let document = document();
        let whole = collective(&document, find(&document, "G1").unwrap());
        assert_eq!(whole.id(), Some("G"));
        let pair = |r: &str, n: &str| (r.to_owned(), n.to_owned());
        assert_eq!(
            forgotten(&document, Some(whole), None),
            [pair("G1", "ser1"), pair("G2", "ser1")]
        );
        let one = find(&document, "A").unwrap();
        assert_eq!(forgotten(&document, Some(one), Some("ser3")), [pair("A", "ser3")]);
    }
}

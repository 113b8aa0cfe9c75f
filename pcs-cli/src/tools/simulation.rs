//! Executes a transition graph on paper: results go into the document's status section.

use std::collections::BTreeMap;

use cib::Element;
use crmd::core::graph::{ActionKind, GraphAction, TransitionGraph};
use crmd::core::runner::{Began, Limits, Runner};
use pengine::status::{ResourceKind, ResourceStatus, Status};

/// A result to make up: `RESOURCE_TASK_INTERVAL@NODE=RC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) resource: String,
    pub(crate) task: String,
    pub(crate) interval_ms: u64,
    pub(crate) node: String,
    pub(crate) rc: i32,
}

impl Spec {
    /// Reads a specification.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is no operation; write RESOURCE_TASK_INTERVAL@NODE=RC, like web_monitor_10000@node1=7"
            )
        };
        let (operation, rest) = text.split_once('@').ok_or_else(refuse)?;
        let (node, rc) = rest.rsplit_once('=').ok_or_else(refuse)?;
        let (operation, interval) = operation.rsplit_once('_').ok_or_else(refuse)?;
        let tasks = ["migrate_to", "migrate_from"];
        let (resource, task) = tasks
            .iter()
            .find_map(|task| Some((operation.strip_suffix(&format!("_{task}"))?, *task)))
            .or_else(|| operation.rsplit_once('_'))
            .ok_or_else(refuse)?;
        Ok(Self {
            resource: resource.to_owned(),
            task: task.to_owned(),
            interval_ms: interval.parse().map_err(|_| refuse())?,
            node: node.to_owned(),
            rc: rc.parse().map_err(|_| refuse())?,
        })
    }
}

/// Something that a simulation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An operation of a resource.
    Operation { resource: String, task: String, interval_ms: u64, node: String },
    /// An action that only orders others.
    Pseudo { task: String, node: Option<String> },
    /// Something that the cluster itself does.
    Cluster { task: String, resource: Option<String>, node: String },
    /// A node is fenced.
    Fencing { node: String, how: String },
    /// An operation was made to fail.
    Pretended { action: u64, rc: i32 },
    /// A node's attribute changes with that.
    Attribute { name: String, value: String, node_id: String },
}

impl Step {
    /// The line that tells of it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Operation { resource, task, interval_ms, node } => {
                let every =
                    if *interval_ms > 0 { format!("={interval_ms}") } else { String::new() };
                format!("  * Resource action: {resource:<15} {task}{every} on {node}")
            }
            Self::Pseudo { task, node } => {
                let place = node.as_ref().map_or(String::new(), |node| format!(" on {node}"));
                format!("  * Pseudo action:   {task}{place}")
            }
            Self::Cluster { task, resource, node } => {
                let about =
                    resource.as_ref().map_or(String::new(), |resource| format!(" for {resource}"));
                format!("  * Cluster action:  {task}{about} on {node}")
            }
            Self::Fencing { node, how } => format!("  * Fencing {node} ({how})"),
            Self::Pretended { action, rc } => {
                format!("Pretending action {action} failed with rc={rc}")
            }
            Self::Attribute { name, value, node_id } => {
                format!("  * Injecting attribute {name}={value} into /node_state '{node_id}'")
            }
        }
    }
}

/// What came of a simulated transition.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What was done, in order.
    pub(crate) steps: Vec<Step>,
    /// Whether nothing is left waiting for something that never comes; what waits for an operation
    /// that was made to fail is given up.
    pub(crate) complete: bool,
}

/// What runs a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent {
    class: String,
    provider: Option<String>,
    kind: String,
}

impl Agent {
    /// Reads `CLASS:PROVIDER:TYPE` or `CLASS:TYPE`.
    fn of(text: &str) -> Option<Self> {
        let (class, rest) = text.split_once(':')?;
        let (provider, kind) = match rest.split_once(':') {
            Some((provider, kind)) if class == "ocf" => (Some(provider.to_owned()), kind),
            _ => (None, rest),
        };
        Some(Self { class: class.to_owned(), provider, kind: kind.to_owned() })
    }
}

/// The resources by all names by which the scheduler knows them, their ids and those in their histories, also
/// of what bundles and guests imply. What holds others has no agent.
pub(crate) type Known = BTreeMap<String, Option<Agent>>;

/// Returns all resources of a cluster by their names.
pub(crate) fn known(status: &Status) -> Known {
    fn collect(resources: &[ResourceStatus], known: &mut Known) {
        for resource in resources {
            collect(&resource.children, known);
            if matches!(resource.kind, ResourceKind::Replica { .. }) {
                continue;
            }
            let agent = Agent::of(&resource.agent);
            for name in [&resource.id, &resource.history_id] {
                known.entry(name.clone()).or_insert_with(|| agent.clone());
            }
        }
    }
    let mut known = Known::new();
    collect(&status.resources, &mut known);
    known
}

/// Executes a graph; `failures` say which operations don't go as planned, `known` how resources
/// are called.
pub(crate) fn execute(
    graph: TransitionGraph,
    document: &mut Element,
    failures: &[Spec],
    known: &Known,
) -> Outcome {
    // results are of now, whatever time is pretended
    let now = jiff::Timestamp::now().as_second();
    let mut runner = Runner::new(graph);
    let mut steps = Vec::new();
    let mut failed = false;
    runner.fire_all(&Limits::default(), |action| {
        let (lines, done) = act(action, document, failures, known, now);
        steps.extend(lines);
        failed |= !done;
        if done { Began::Done } else { Began::FailedLast }
    });
    let (_, in_flight, waiting, _) = runner.counts();
    Outcome { steps, complete: in_flight == 0 && (failed || waiting == 0) }
}

fn act(
    action: &GraphAction,
    document: &mut Element,
    failures: &[Spec],
    known: &Known,
    now: i64,
) -> (Vec<Step>, bool) {
    let node = action.node.as_deref().unwrap_or_default();
    match action.kind {
        ActionKind::Pseudo => {
            let step = Step::Pseudo { task: action.key.clone(), node: action.node.clone() };
            (vec![step], true)
        }
        ActionKind::Cluster if action.task == "stonith" => {
            let how = action.meta("stonith_action").unwrap_or("reboot").to_owned();
            if how != "on" {
                fence(document, node, action.node_uuid.as_deref());
            }
            (vec![Step::Fencing { node: node.to_owned(), how }], true)
        }
        ActionKind::Cluster => {
            let step = Step::Cluster {
                task: action.task.clone(),
                resource: action.resource.as_ref().map(|resource| resource.id.clone()),
                node: node.to_owned(),
            };
            (vec![step], true)
        }
        ActionKind::Resource => operation(action, document, failures, known, now),
    }
}

/// What an operation's resource is called: an instance of an anonymous clone has no number unless
/// only the number makes it known.
fn resource_name(action: &GraphAction, known: &Known) -> String {
    let Some(resource) = &action.resource else { return String::new() };
    match &resource.long_id {
        Some(long) if !known.contains_key(&resource.id) && known.contains_key(long) => long.clone(),
        _ => resource.id.clone(),
    }
}

fn operation(
    action: &GraphAction,
    document: &mut Element,
    failures: &[Spec],
    known: &Known,
    now: i64,
) -> (Vec<Step>, bool) {
    let node = action.node.as_deref().unwrap_or_default();
    let resource = resource_name(action, known);
    let interval = action.interval_ms();
    let mut steps = vec![Step::Operation {
        resource: resource.clone(),
        task: action.task.clone(),
        interval_ms: interval,
        node: node.to_owned(),
    }];
    let target = action.target_rc();
    // what erases a history leaves no result in it
    if action.task == "delete" {
        return (steps, true);
    }
    let spec = failures.iter().find(|spec| {
        (spec.resource == resource
            || action.resource.as_ref().is_some_and(|r| {
                r.id == spec.resource || r.long_id.as_deref() == Some(&spec.resource)
            }))
            && spec.task == action.task
            && spec.interval_ms == interval
            && spec.node == node
    });
    let rc = spec.map_or(target, |spec| spec.rc);
    let done = rc == target;
    // its history is there before its failure is counted
    let history = lrm_resource(document, action, &resource).id().unwrap_or(&resource).to_owned();
    if spec.is_some() {
        steps.push(Step::Pretended { action: action.id.0, rc });
    }
    if spec.is_some() && is_counted(rc, interval) {
        let operation = format!("{history}#{}_{interval}", action.task);
        steps.extend(count_failure(document, node, action.node_uuid.as_deref(), &operation, now));
    }
    let recorded =
        OperationResult { rc, failed: !done, reason: "User-injected result", now, digest: true };
    record(document, action, &resource, &recorded);
    // what was asked to fail ends the transition, even with the result that is right
    (steps, spec.is_none())
}

struct OperationResult {
    rc: i32,
    failed: bool,
    /// Where a failure comes from.
    reason: &'static str,
    now: i64,
    /// Whether it is known what parameters it ran with.
    digest: bool,
}

/// The node's entry in the status section, made if it is missing.
pub(crate) fn node_state<'a>(
    document: &'a mut Element,
    name: &str,
    id: Option<&str>,
) -> &'a mut Element {
    let status = document.child_or_insert("status");
    let known = status.children().any(|state| state.get("uname") == Some(name));
    if !known {
        status.push(Element::new("node_state").with("id", id.unwrap_or(name)).with("uname", name));
    }
    let found = status.children_mut().find(|state| state.get("uname") == Some(name));
    match found {
        Some(found) => found,
        None => unreachable!("the entry was made above"),
    }
}

fn lrm_resource<'a>(
    document: &'a mut Element,
    action: &GraphAction,
    resource: &str,
) -> &'a mut Element {
    let node = action.node.as_deref().unwrap_or_default();
    let uuid = action.node_uuid.clone();
    let state = node_state(document, node, uuid.as_deref());
    let lrm = state.child_or_insert("lrm");
    if lrm.get("id").is_none() {
        lrm.set("id", uuid.unwrap_or_else(|| node.to_owned()));
    }
    let resources = lrm.child_or_insert("lrm_resources");
    let plain = action.resource.as_ref().map_or(resource, |r| r.id.as_str());
    // a history that is there goes on under its name
    let is_there = |name: &str| resources.children().any(|r| r.id() == Some(name));
    let name = if is_there(resource) { resource } else { plain };
    if !is_there(name) {
        let mut element = Element::new("lrm_resource").with("id", name);
        if let Some(r) = &action.resource {
            element.set("class", r.class.as_str());
            if let Some(provider) = &r.provider {
                element.set("provider", provider.as_str());
            }
            element.set("type", r.kind.as_str());
        }
        resources.push(element);
    }
    let found = resources.children_mut().find(|r| r.id() == Some(name));
    match found {
        Some(found) => found,
        None => unreachable!("the entry was made above"),
    }
}

fn record(document: &mut Element, action: &GraphAction, resource: &str, result: &OperationResult) {
    let name = lrm_resource(document, action, resource).id().unwrap_or(resource).to_owned();
    let call_id = next_call(document, action.node.as_deref().unwrap_or_default(), &name);
    let element = lrm_resource(document, action, resource);
    let interval = action.interval_ms();
    // a reload leaves the resource as a start would
    let task = if action.task.starts_with("reload") { "start" } else { action.task.as_str() };
    let operation_key = format!("{name}_{task}_{interval}");
    let migration = matches!(task, "migrate_to" | "migrate_from");
    let last = format!("{name}_last_0");
    // one entry for the last of everything that does not recur, as hands keep it; migrations
    // matter on two nodes and are kept apart
    let ids = match (result.failed, interval) {
        _ if migration => vec![operation_key.clone()],
        (false, 0) if task == "notify" => {
            // one for each thing that was told of
            let word = |name| action.meta(name).unwrap_or_default();
            vec![format!("{name}_{}_notify_{}_0", word("notify_type"), word("notify_operation"))]
        }
        (true, 0) => vec![format!("{name}_last_failure_0"), last],
        (true, _) => vec![format!("{name}_last_failure_0")],
        (false, 0) => vec![last],
        (false, _) => vec![operation_key.clone()],
    };
    let key =
        format!("{}:-1:{}:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", action.id.0, action.target_rc());
    let mut values = vec![
        ("operation_key", operation_key),
        ("operation", task.to_owned()),
        ("crm-debug-origin", "crm_simulate".to_owned()),
        ("crm_feature_set", "3.20.1".to_owned()),
        ("transition-key", key.clone()),
        ("transition-magic", format!("0:{};{key}", result.rc)),
        ("exit-reason", if result.failed { result.reason } else { "" }.to_owned()),
        ("call-id", call_id.to_string()),
        ("rc-code", result.rc.to_string()),
        ("op-status", "0".to_owned()),
        ("interval", interval.to_string()),
        ("last-rc-change", result.now.to_string()),
        ("exec-time", "0".to_owned()),
        ("queue-time", "0".to_owned()),
    ];
    if result.digest {
        values.push(("op-digest", pengine::operation_digest(&action.attributes, interval)));
    }
    if migration {
        for name in ["migrate_source", "migrate_target"] {
            values.extend(action.meta(name).map(|node| (name, node.to_owned())));
        }
    }
    for id in ids {
        // an entry that is there already keeps its place
        if !element.children().any(|entry| entry.id() == Some(id.as_str())) {
            element.push(Element::new("lrm_rsc_op").with("id", id.as_str()));
        }
        for entry in element.children_mut().filter(|entry| entry.id() == Some(id.as_str())) {
            for (name, value) in &values {
                entry.set(name, value.as_str());
            }
        }
    }
}

/// The call number of a new result: higher than all in the resource's history. A history that is
/// there twice counts as none.
fn next_call(document: &Element, node: &str, history: &str) -> i64 {
    let histories: Vec<&Element> = document
        .child("status")
        .into_iter()
        .flat_map(Element::children)
        .filter(|state| state.get("uname") == Some(node))
        .flat_map(Element::descendants)
        .filter(|element| element.name() == "lrm_resource" && element.id() == Some(history))
        .collect();
    let [history] = histories.as_slice() else { return 1 };
    let calls = history.children().filter_map(|op| op.get("call-id")?.parse::<i64>().ok());
    calls.max().unwrap_or(0).max(0) + 1
}

/// A fenced node is down, and what it ran is gone.
fn fence(document: &mut Element, node: &str, id: Option<&str>) {
    let state = node_state(document, node, id);
    set_down(state);
    state.set("crm-debug-origin", "simulate_fencing_action");
    state.retain_children(|child| !matches!(child.name(), "lrm" | "transient_attributes"));
}

/// Marks a node as down in an orderly way.
pub(crate) fn set_down(state: &mut Element) {
    set_state(state, ["false", "offline", "down", "down"]);
}

/// Marks a node as up.
pub(crate) fn set_up(state: &mut Element) {
    set_state(state, ["true", "online", "member", "member"]);
}

/// Marks a node as lost: it left without a word, so that all else is as it was last heard of.
pub(crate) fn set_lost(state: &mut Element) {
    set_state(state, ["false", "online", "member", "member"]);
}

fn set_state(state: &mut Element, values: [&str; 4]) {
    for (name, value) in ["in_ccm", "crmd", "join", "expected"].into_iter().zip(values) {
        state.set(name, value);
    }
    state.set("crm-debug-origin", "crm_simulate");
}

/// Puts an operation's result into a document, with the fail count that goes with a failure; `known` says
/// how resources are called.
pub(crate) fn inject(
    document: &mut Element,
    spec: &Spec,
    known: &Known,
) -> Result<Vec<Step>, String> {
    let agent = match known.get(&spec.resource) {
        Some(Some(agent)) => agent.clone(),
        Some(None) => {
            return Err(format!(
                "Resource {} has no operations, only what is in it",
                spec.resource
            ));
        }
        None => return Err(format!("Invalid resource name: {}", spec.resource)),
    };
    let id = document
        .at(&["configuration", "nodes"])
        .into_iter()
        .flat_map(Element::children)
        .find(|node| node.get("uname") == Some(spec.node.as_str()))
        .and_then(|node| node.id().map(str::to_owned));
    let mut attributes = std::collections::BTreeMap::new();
    attributes.insert("CRM_meta_interval".to_owned(), spec.interval_ms.to_string());
    attributes.insert("CRM_meta_op_target_rc".to_owned(), "0".to_owned());
    let action = GraphAction {
        id: crmd::core::graph::ActionId(0),
        kind: ActionKind::Resource,
        task: spec.task.clone(),
        key: format!("{}_{}_{}", spec.resource, spec.task, spec.interval_ms),
        internal_key: None,
        node: Some(spec.node.clone()),
        node_uuid: id.clone(),
        router_node: None,
        resource: Some(crmd::core::graph::GraphResource {
            id: spec.resource.clone(),
            long_id: None,
            class: agent.class,
            provider: agent.provider,
            kind: agent.kind,
        }),
        attributes,
        downed: Vec::new(),
        maintenance: Vec::new(),
    };
    let now = jiff::Timestamp::now().as_second();
    let mut steps = Vec::new();
    if is_counted(spec.rc, spec.interval_ms) {
        let operation = format!("{}#{}_{}", spec.resource, spec.task, spec.interval_ms);
        steps = count_failure(document, &spec.node, id.as_deref(), &operation, now);
    }
    let result = OperationResult {
        rc: spec.rc,
        failed: spec.rc != 0,
        reason: "Simulated action result",
        now,
        digest: false,
    };
    record(document, &action, &spec.resource, &result);
    Ok(steps)
}

/// Tells whether a result that is made up counts as a failure, whatever was expected: success does not, nor
/// what does not recur and finds nothing running.
fn is_counted(rc: i32, interval_ms: u64) -> bool {
    rc != 0 && (rc != 7 || interval_ms > 0)
}

/// Counts a failure of an operation, `RESOURCE#TASK_INTERVAL`, in its node's attributes.
fn count_failure(
    document: &mut Element,
    node: &str,
    id: Option<&str>,
    operation: &str,
    now: i64,
) -> Vec<Step> {
    let state = node_state(document, node, id);
    let node_id = state.id().unwrap_or(node).to_owned();
    let transient = state.child_or_insert("transient_attributes");
    let set =
        with_id(with_id(transient, &node_id).child_or_insert("instance_attributes"), &node_id);
    let set_id = set.id().unwrap_or(&node_id).to_owned();
    let count = format!("fail-count-{operation}");
    let known = set.children().find(|pair| pair.get("name") == Some(count.as_str()));
    let known = known.and_then(|pair| pair.get("value")?.parse::<model::Score>().ok());
    let next = known.unwrap_or(model::Score::ZERO) + model::Score::new(1);
    let mut steps = Vec::new();
    for (name, value, told) in [
        (count, next.to_string(), "value++".to_owned()),
        (format!("last-failure-{operation}"), now.to_string(), now.to_string()),
    ] {
        if let Some(pair) = set.children_mut().find(|pair| pair.get("name") == Some(name.as_str()))
        {
            pair.set("value", value);
        } else {
            // (a `#` may be in no id)
            let id = format!("{set_id}-{name}").replace('#', ".");
            let pair = Element::new("nvpair").with("id", id).with("name", name.as_str());
            set.push(pair.with("value", value));
        }
        steps.push(Step::Attribute { name, value: told, node_id: node_id.clone() });
    }
    steps
}

fn with_id<'a>(element: &'a mut Element, id: &str) -> &'a mut Element {
    if element.id().is_none() {
        element.set("id", id);
    }
    element
}

#[cfg(test)]
mod tests {
    use super::Spec;

    #[test]
    fn operations_are_specified_by_key_node_and_result() {
        let spec = Spec::parse("a_b_migrate_to_0@node-1=1").unwrap();
        assert_eq!((spec.resource.as_str(), spec.task.as_str()), ("a_b", "migrate_to"));
        let spec = Spec::parse("web_monitor_10000@n=7").unwrap();
        assert_eq!((spec.interval_ms, spec.rc), (10_000, 7));
        assert!(Spec::parse("web_monitor@n").is_err());
    }
}

//! An engine small enough to be seen through: every resource runs on one node, the preferred one
//! if that may be; what runs well stays unless another node is preferred.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cib::Element;

/// What a node's history says of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Stopped,
    Starting,
    Started { monitored: bool },
    Failed,
}

/// Returns the transition graph for a document, as XML text.
pub fn plan(document: &Element) -> String {
    let status = document.child("status").expect("a status section");
    let members: Vec<&Element> =
        status.children().filter(|state| state.get("join") == Some("member")).collect();
    let silent = status.children().any(|state| state.get("join") == Some("pending"));
    let resources = document.at(&["configuration", "resources"]).expect("resources");
    let mut graph = Graph::default();
    for resource in resources.children() {
        let id = resource.id().expect("an id");
        let on: BTreeMap<u32, (State, &Element)> = members
            .iter()
            .map(|state| (number(state.id()), (state_on(state, id), *state)))
            .collect();
        let prefers = format!("{id}-prefers");
        let prefers = document.find_id(&prefers).and_then(|location| location.get("node"));
        let prefers = number(prefers.map(|name| name.trim_start_matches("ser")));
        graph.place(id, prefers, &on, silent);
    }
    for state in &members {
        if let Some(stops) = leaves(state).then(|| graph.stops.remove(&number(state.id()))) {
            graph.shutdown(number(state.id()), &stops.unwrap_or_default());
        }
    }
    format!("<transition_graph transition_id=\"1\">{}</transition_graph>", graph.text)
}

fn number(text: Option<&str>) -> u32 {
    text.and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn state_on(node: &Element, resource: &str) -> State {
    let history = node
        .at(&["lrm", "lrm_resources"])
        .and_then(|all| all.children().find(|r| r.id() == Some(resource)));
    let Some(history) = history else { return State::Unknown };
    let find = |suffix: &str| {
        let id = format!("{resource}_{suffix}");
        history.children().find(|entry| entry.id() == Some(&id))
    };
    let call = |e: &Element| e.get("call-id").and_then(|n| n.parse::<i64>().ok()).unwrap_or(-1);
    let Some(last) = find("last_0") else { return State::Unknown };
    let state = match (last.get("operation"), last.get("rc-code"), last.get("op-status")) {
        (Some("start"), _, Some("-1")) => State::Starting,
        (Some("start" | "monitor"), Some("0"), _) => {
            State::Started { monitored: find("monitor_10000").is_some() }
        }
        (Some("stop"), Some("0"), _) | (Some("monitor"), Some("7"), _) => State::Stopped,
        (Some(_) | None, _, _) => State::Failed,
    };
    let failure = find("last_failure_0")
        .filter(|failure| failure.get("interval") != Some("0") && call(failure) > call(last));
    match (state, failure) {
        (State::Started { .. }, Some(_)) => State::Failed,
        (state, _) => state,
    }
}

fn leaves(node: &Element) -> bool {
    node.descendants().any(|pair| pair.get("name") == Some("shutdown"))
}

fn banned(node: &Element, resource: &str) -> bool {
    if leaves(node) {
        return true;
    }
    let name = format!("fail-count-{resource}#start_0");
    node.descendants()
        .any(|pair| pair.get("name") == Some(&name) && pair.get("value") == Some("INFINITY"))
}

#[derive(Default)]
struct Graph {
    text: String,
    actions: u32,
    /// By node, what must be over before it may go.
    stops: BTreeMap<u32, Vec<u32>>,
}

impl Graph {
    fn place(
        &mut self,
        resource: &str,
        prefer: u32,
        on: &BTreeMap<u32, (State, &Element)>,
        silent: bool,
    ) {
        let free = |node: &u32| on.get(node).is_some_and(|(_, state)| !banned(state, resource));
        let wanted = Some(prefer).filter(free).or_else(|| on.keys().copied().find(free));
        let mut before = Vec::new();
        let mut runs_well = false;
        for (node, (state, _)) in on {
            match state {
                State::Unknown => before.push(self.add("monitor", resource, *node, 0, &[])),
                State::Stopped => {}
                State::Failed => before.push(self.add("stop", resource, *node, 0, &[])),
                State::Starting | State::Started { .. } if wanted != Some(*node) => {
                    before.push(self.add("stop", resource, *node, 0, &[]));
                }
                // as Pacemaker does, for it takes it to be lost
                State::Starting => {}
                State::Started { monitored } => {
                    runs_well = true;
                    if !monitored {
                        self.add("monitor", resource, *node, 10_000, &[]);
                    }
                }
            }
        }
        let Some(wanted) = wanted.filter(|_| !runs_well && !silent) else { return };
        let start = self.add("start", resource, wanted, 0, &before);
        self.add("monitor", resource, wanted, 10_000, &[start]);
    }

    fn add(&mut self, task: &str, resource: &str, node: u32, interval: u32, after: &[u32]) -> u32 {
        self.actions += 1;
        if matches!(task, "stop" | "monitor") && interval == 0 {
            self.stops.entry(node).or_default().push(self.actions);
        }
        let (id, target) = (self.actions, if task == "monitor" && interval == 0 { 7 } else { 0 });
        write!(
            self.text,
            "<synapse><action_set><rsc_op id=\"{id}\" operation=\"{task}\" operation_key=\"k\" \
             on_node=\"ser{node}\" on_node_uuid=\"{node}\"><primitive id=\"{resource}\" \
             class=\"ocf\" provider=\"test\" type=\"Dummy\"/><attributes \
             CRM_meta_interval=\"{interval}\" CRM_meta_timeout=\"20000\" \
             CRM_meta_op_target_rc=\"{target}\"/></rsc_op></action_set><inputs>"
        )
        .expect("a string takes it");
        self.close(after);
        id
    }

    fn shutdown(&mut self, node: u32, after: &[u32]) {
        self.actions += 1;
        let id = self.actions;
        write!(
            self.text,
            "<synapse><action_set><crm_event id=\"{id}\" operation=\"do_shutdown\" \
             operation_key=\"k\" on_node=\"ser{node}\" on_node_uuid=\"{node}\"/></action_set>\
             <inputs>"
        )
        .expect("a string takes it");
        self.close(after);
    }

    fn close(&mut self, after: &[u32]) {
        for input in after {
            write!(self.text, "<trigger><rsc_op id=\"{input}\"/></trigger>")
                .expect("a string takes it");
        }
        self.text.push_str("</inputs></synapse>");
    }
}

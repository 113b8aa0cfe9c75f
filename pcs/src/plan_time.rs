//! How long a transition takes, by the times that operations took before.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use serde::Serialize;

/// How long something takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// Milliseconds along the longest chain of operations that wait for each other.
    pub ms: u64,
    /// Operations whose time nobody knows: `stop of db on node1`.
    pub unknown: Vec<String>,
}

/// Times of the operations of a transition, from all histories of a document.
#[derive(Debug, Default)]
pub struct Times<'a> {
    /// (resource, operation, node)
    here: BTreeMap<(&'a str, &'a str, &'a str), u64>,
    /// (resource, operation), the longest of all nodes
    anywhere: BTreeMap<(&'a str, &'a str), u64>,
    /// (agent, operation), the longest of all resources
    agent: BTreeMap<(Agent<'a>, &'a str), u64>,
}

/// Class, provider and type.
type Agent<'a> = [&'a str; 3];

fn agent_of(element: &Element) -> Agent<'_> {
    ["class", "provider", "type"].map(|name| element.get(name).unwrap_or_default())
}

/// The name of a resource without the number of an instance.
fn base(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((base, number)) if number.chars().all(|c| c.is_ascii_digit()) => base,
        _ => id,
    }
}

impl<'a> Times<'a> {
    /// Reads the histories of what a transition graph deals with, and of all that has the same
    /// agents.
    pub fn of(document: &'a Element, graph: &Element) -> Self {
        let mut times = Self::default();
        let dealt_with: Vec<&Element> =
            actions(graph).filter_map(|action| action.child("primitive")).collect();
        let ids: BTreeSet<&str> =
            dealt_with.iter().filter_map(|primitive| primitive.id()).map(base).collect();
        let agents: BTreeSet<Agent<'_>> =
            dealt_with.iter().map(|primitive| agent_of(primitive)).collect();
        if ids.is_empty() {
            return times;
        }
        let states = document.child("status").into_iter().flat_map(Element::children);
        for state in states {
            let node = state.get("uname").unwrap_or_default();
            let resources = state.at(&["lrm", "lrm_resources"]).into_iter();
            for resource in resources.flat_map(|list| list.children_named("lrm_resource")) {
                let id = base(resource.id().unwrap_or_default());
                let agent = agent_of(resource);
                let place = ids.contains(id).then_some((id, node));
                if place.is_some() || agents.contains(&agent) {
                    let entries = resource.children_named("lrm_rsc_op");
                    entries.for_each(|entry| times.add(place, agent, entry));
                }
            }
        }
        times
    }

    fn add(&mut self, place: Option<(&'a str, &'a str)>, agent: Agent<'a>, entry: &'a Element) {
        let Some(operation) = entry.get("operation") else { return };
        let Some(ms) = entry.get("exec-time").and_then(|text| text.parse::<u64>().ok()) else {
            return;
        };
        // what was only played on paper took no time
        if entry.get("crm-debug-origin") == Some("crm_simulate") {
            return;
        }
        // what failed may have taken any time, and what is under way none yet
        if entry.get("op-status").is_some_and(|status| status != "0") {
            return;
        }
        if let Some((id, node)) = place {
            self.here.insert((id, operation, node), ms);
            let anywhere = self.anywhere.entry((id, operation)).or_default();
            *anywhere = ms.max(*anywhere);
        }
        let of_agent = self.agent.entry((agent, operation)).or_default();
        *of_agent = ms.max(*of_agent);
    }

    /// Returns how long an operation takes: as last time there, else on any node, else as long as
    /// it took another resource of the same agent.
    fn get(&self, id: &str, agent: Agent<'_>, operation: &str, node: &str) -> Option<u64> {
        let id = base(id);
        self.here
            .get(&(id, operation, node))
            .or_else(|| self.anywhere.get(&(id, operation)))
            .or_else(|| self.agent.get(&(agent, operation)))
            .copied()
    }
}

/// The actions of a transition graph.
fn actions(graph: &Element) -> impl Iterator<Item = &Element> {
    graph
        .children_named("synapse")
        .filter_map(|synapse| synapse.child("action_set"))
        .flat_map(Element::children)
}

#[derive(Debug)]
struct Operation {
    id: String,
    resource: String,
    task: String,
    /// None when nobody knows; that counts as no time, and is told.
    ms: Option<u64>,
    what: String,
    inputs: Vec<String>,
}

/// When which operation of a graph begins and ends, if all that can go on at once does.
#[derive(Debug, Default)]
pub struct Schedule {
    operations: Vec<Operation>,
    /// Begin and end by the action's number.
    spans: BTreeMap<String, (u64, u64)>,
}

impl Schedule {
    /// Reads a transition graph.
    pub fn of(graph: &Element, times: &Times<'_>) -> Self {
        let mut operations = Vec::new();
        for synapse in graph.children_named("synapse") {
            let inputs: Vec<String> = synapse
                .child("inputs")
                .into_iter()
                .flat_map(Element::children)
                .flat_map(Element::children)
                .filter_map(|input| input.id().map(str::to_owned))
                .collect();
            let actions = synapse.child("action_set").into_iter().flat_map(Element::children);
            operations.extend(actions.map(|action| operation(action, inputs.clone(), times)));
        }
        let mut schedule = Self { operations, spans: BTreeMap::new() };
        schedule.spread();
        schedule
    }

    /// Works out begins and ends, each operation after all it waits for.
    fn spread(&mut self) {
        let known: BTreeSet<&str> = self.operations.iter().map(|o| o.id.as_str()).collect();
        let mut left: Vec<&Operation> = self.operations.iter().collect();
        let mut spans: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        loop {
            let before = left.len();
            left.retain(|operation| {
                let mut begin = 0;
                for input in operation.inputs.iter().filter(|i| known.contains(i.as_str())) {
                    match spans.get(input) {
                        Some((_, end)) => begin = begin.max(*end),
                        None => return true,
                    }
                }
                let end = begin + operation.ms.unwrap_or(0);
                spans.insert(operation.id.clone(), (begin, end));
                false
            });
            // nothing left, or nothing but a cycle, which takes no time as it is never done
            if left.is_empty() || left.len() == before {
                break;
            }
        }
        self.spans = spans;
    }

    /// Returns how long all of it takes.
    pub fn timing(&self) -> Timing {
        let unknown: BTreeSet<String> =
            self.operations.iter().filter(|o| o.ms.is_none()).map(|o| o.what.clone()).collect();
        Timing {
            ms: self.spans.values().map(|(_, end)| *end).max().unwrap_or(0),
            unknown: unknown.into_iter().collect(),
        }
    }

    /// Returns for how long a resource is away: from where its stop begins until its start ends.
    /// None when it does not both stop and start, or one of the times is not known.
    pub fn down_ms(&self, resource: &str) -> Option<u64> {
        let of = |tasks: &'static [&'static str]| {
            self.operations
                .iter()
                .filter(move |o| o.resource == resource && tasks.contains(&o.task.as_str()))
        };
        let mut all = of(&["stop", "start"]);
        if all.any(|operation| operation.ms.is_none()) {
            return None;
        }
        let span = |operation: &Operation| self.spans.get(&operation.id).copied();
        let stops = of(&["stop"]).filter_map(span).map(|(begin, _)| begin).min()?;
        let starts = of(&["start"]).filter_map(span).map(|(_, end)| end).max()?;
        starts.checked_sub(stops)
    }
}

fn operation(action: &Element, inputs: Vec<String>, times: &Times<'_>) -> Operation {
    let text = |name: &str| action.get(name).unwrap_or_default().to_owned();
    let primitive = action.child("primitive");
    let resource = primitive.and_then(Element::id).unwrap_or_default().to_owned();
    let (task, node) = (text("operation"), text("on_node"));
    let agent = primitive.map(agent_of).unwrap_or_default();
    let is_quick = matches!(task.as_str(), "cancel" | "delete" | "clear_failcount" | "notify");
    let ms = match action.name() {
        "rsc_op" if is_quick => Some(0),
        // the first of the recurring ones is the last thing a transition waits for, and harmless
        "rsc_op" if task == "monitor" => {
            Some(times.get(&resource, agent, &task, &node).unwrap_or(0))
        }
        "rsc_op" => times.get(&resource, agent, &task, &node),
        _ if task == "stonith" => None,
        _ => Some(0),
    };
    let what = if task == "stonith" {
        format!("fencing of {node}")
    } else {
        format!("{task} of {resource} on {node}")
    };
    Operation { id: text("id"), resource, task, ms, what, inputs }
}

#[cfg(test)]
mod tests {
    use super::{Schedule, Times};

    const HISTORY: &str = r#"<cib><status><node_state uname="a"><lrm><lrm_resources>
        <lrm_resource id="r" class="ocf" provider="p" type="T"><lrm_rsc_op operation="start" exec-time="700" op-status="0"/></lrm_resource>
        <lrm_resource id="s:0" class="ocf" provider="p" type="T"><lrm_rsc_op operation="stop" exec-time="300" op-status="0"/>
        <lrm_rsc_op operation="start" exec-time="90000" op-status="2"/></lrm_resource>
        </lrm_resources></lrm></node_state></status></cib>"#;

    #[test]
    fn a_chain_adds_up_and_what_is_not_known_is_named() {
        let graph = cib::parse(
            r#"<transition_graph><synapse><action_set><rsc_op id="1" operation="stop" on_node="a">
            <primitive id="r" class="ocf" provider="p" type="T"/></rsc_op></action_set><inputs/></synapse>
            <synapse><action_set><rsc_op id="2" operation="start" on_node="b">
            <primitive id="r" class="ocf" provider="p" type="T"/></rsc_op></action_set>
            <inputs><trigger><rsc_op id="1"/></trigger></inputs></synapse>
            <synapse><action_set><rsc_op id="3" operation="start" on_node="b">
            <primitive id="x" class="ocf" provider="p" type="Other"/></rsc_op></action_set><inputs/></synapse></transition_graph>"#,
        )
        .unwrap();
        let history = cib::parse(HISTORY).unwrap();
        let schedule = Schedule::of(&graph, &Times::of(&history, &graph));
        assert_eq!(schedule.timing().ms, 1000, "the stop as another resource of the agent took");
        assert_eq!(schedule.timing().unknown, ["start of x on b"]);
        assert_eq!(schedule.down_ms("r"), Some(1000));
        assert_eq!(schedule.down_ms("x"), None);
    }
}

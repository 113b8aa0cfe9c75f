//! Checks a finished plan with other eyes than those that made it: only the document and the graph,
//! no scores, no flags, no placement. What it objects to must not be executed.
//!
//! It knows three things: orderings make no cycle; nothing but fencing is done on a node that is not
//! there or not trusted; a resource is started once, and not while it may be active on another node
//! which the plan neither stops nor fences.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;

use crate::status::{NodeStatus, ResourceKind, ResourceStatus, Status};

/// One action of the graph, as far as this looks at it.
#[derive(Debug)]
struct Action<'a> {
    kind: &'a str,
    operation: &'a str,
    node: &'a str,
    resource: &'a str,
    inputs: Vec<&'a str>,
}

/// Returns what is wrong with a plan, a sentence each.
pub fn objections(status: &Status, graph: &Element) -> Vec<String> {
    let actions = read(graph);
    let mut found = Vec::new();
    found.extend(cycle(&actions));
    found.extend(absent_nodes(&status.nodes, &actions));
    for resource in &status.resources {
        started_twice(resource, status, &actions, &mut found);
    }
    found
}

fn read(graph: &Element) -> BTreeMap<&str, Action<'_>> {
    let mut actions = BTreeMap::new();
    for synapse in graph.children_named("synapse") {
        let inputs: Vec<&str> = synapse
            .child("inputs")
            .into_iter()
            .flat_map(Element::children)
            .flat_map(Element::children)
            .filter_map(Element::id)
            .collect();
        for action in synapse.child("action_set").into_iter().flat_map(Element::children) {
            let text = |key: &str| action.get(key).unwrap_or_default();
            let resource = action.child("primitive").and_then(Element::id).unwrap_or_default();
            let read = Action {
                kind: action.name(),
                operation: text("operation"),
                node: text("on_node"),
                resource,
                inputs: inputs.clone(),
            };
            actions.insert(text("id"), read);
        }
    }
    actions
}

/// Takes away what waits for nothing, again and again; what is left waits for itself.
fn cycle(actions: &BTreeMap<&str, Action<'_>>) -> Option<String> {
    let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
    let mut followers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, action) in actions {
        let inside: BTreeSet<&str> =
            action.inputs.iter().copied().filter(|input| actions.contains_key(input)).collect();
        waits.insert(id, inside.len());
        for input in inside {
            followers.entry(input).or_default().push(id);
        }
    }
    let mut ready: Vec<&str> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    let mut done = 0;
    while let Some(id) = ready.pop() {
        done += 1;
        for follower in followers.get(id).into_iter().flatten() {
            if let Some(count) = waits.get_mut(follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push(follower);
                }
            }
        }
    }
    let stuck = waits.iter().filter(|(_, count)| **count > 0).find_map(|(id, _)| {
        let action = actions.get(id)?;
        Some(format!("{} of {} waits for itself", action.operation, action.resource))
    });
    (done < actions.len()).then(|| stuck.unwrap_or_else(|| "an ordering cycle".to_owned()))
}

fn absent_nodes(nodes: &[NodeStatus], actions: &BTreeMap<&str, Action<'_>>) -> Vec<String> {
    let unusable: BTreeMap<&str, &str> = nodes
        .iter()
        .filter(|node| node.kind == crate::status::NodeKind::Member)
        .filter(|node| !node.online || node.unclean)
        .map(|node| (node.name.as_str(), if node.unclean { "not trusted" } else { "not there" }))
        .collect();
    actions
        .values()
        .filter(|action| action.kind == "rsc_op")
        .filter_map(|action| {
            let why = unusable.get(action.node)?;
            Some(format!(
                "{} of {} is planned on {}, which is {why}",
                action.operation, action.resource, action.node
            ))
        })
        .collect()
}

/// Looks at primitives outside clones: only those may be active once at most.
fn started_twice(
    resource: &ResourceStatus,
    status: &Status,
    actions: &BTreeMap<&str, Action<'_>>,
    found: &mut Vec<String>,
) {
    match resource.kind {
        ResourceKind::Group | ResourceKind::Bundle { .. } | ResourceKind::Replica { .. } => {
            for member in &resource.children {
                started_twice(member, status, actions, found);
            }
            return;
        }
        ResourceKind::Primitive => {}
        ResourceKind::Clone { .. } => return,
    }
    let here = |action: &&Action<'_>, operation: &str| {
        action.resource == resource.id && action.operation == operation
    };
    let starts: Vec<&Action<'_>> = actions
        .values()
        .filter(|action| here(action, "start") && action.kind == "rsc_op")
        .collect();
    if starts.len() > 1 {
        found.push(format!("{} is started {} times", resource.id, starts.len()));
    }
    for start in starts {
        for node in resource.nodes.iter().filter(|node| **node != start.node) {
            let is_down = status
                .nodes
                .iter()
                .any(|known| known.name == *node && !known.online && !known.unclean);
            let is_ended = is_down
                || actions.values().any(|action| {
                    let stopped = here(&action, "stop") || here(&action, "migrate_to");
                    let fenced = action.operation == "stonith";
                    (stopped || fenced) && action.node == *node
                });
            if !is_ended {
                found.push(format!(
                    "{} is started on {} while it may be active on {node}, which is neither stopped \
                     nor fenced",
                    resource.id, start.node
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::WallTime;

    const INPUT: &str = r#"<cib crm_feature_set="3.20.5" validate-with="none" have-quorum="1"><configuration>
        <crm_config/><nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
        <resources><primitive id="r" class="ocf" provider="heartbeat" type="Dummy"/></resources><constraints/>
        </configuration><status>
        <node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1">
        <lrm_resources><lrm_resource id="r" class="ocf" provider="heartbeat" type="Dummy">
        <lrm_rsc_op id="r_last_0" operation="start" operation_key="r_start_0" call-id="2" rc-code="0" op-status="0"
        interval="0" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"/></lrm_resource></lrm_resources></lrm></node_state>
        <node_state id="2" uname="b" in_ccm="BTHERE" crmd="online" join="member" expected="member"/>
        </status></cib>"#;

    fn check(b_there: &str, graph: &str) -> Vec<String> {
        let input = cib::parse(&INPUT.replace("BTHERE", b_there)).unwrap();
        let options = crate::Options::default();
        let status = crate::status::read(&input, WallTime(0), &options);
        objections(&status, &cib::parse(graph).unwrap())
    }

    fn operation(id: u32, operation: &str, node: &str, input: &str) -> String {
        let inputs = if input.is_empty() {
            String::new()
        } else {
            format!("<trigger><rsc_op id=\"{input}\"/></trigger>")
        };
        format!(
            "<synapse><action_set><rsc_op id=\"{id}\" operation=\"{operation}\" on_node=\"{node}\">\
             <primitive id=\"r\"/></rsc_op></action_set><inputs>{inputs}</inputs></synapse>"
        )
    }

    fn graph(parts: &[String]) -> String {
        format!("<transition_graph>{}</transition_graph>", parts.concat())
    }

    #[test]
    fn a_start_beside_an_active_instance_is_objected_to() {
        let start = operation(1, "start", "b", "");
        assert_eq!(check("true", &graph(std::slice::from_ref(&start))).len(), 1);
        let stop = operation(2, "stop", "a", "");
        assert!(check("true", &graph(&[start, stop])).is_empty());
    }

    #[test]
    fn nothing_may_be_planned_on_an_absent_node() {
        let found = check("false", &graph(&[operation(1, "monitor", "b", "")]));
        assert!(found.iter().any(|text| text.contains("on b")), "{found:?}");
    }

    #[test]
    fn a_cycle_is_objected_to() {
        let found = check(
            "true",
            &graph(&[operation(1, "stop", "a", "2"), operation(2, "monitor", "b", "1")]),
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("waits for itself"));
    }
}

//! Relocating: moving resources to where they would be if they did not stick to where they are.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use model::WallTime;
use pengine::explain::{Explanation, explain};
use serde::Serialize;

use super::{find, is_clone, near};
use crate::environment::Environment;
use crate::message::Message;
use crate::report::Outcome;

/// What our constraints' ids begin with.
const PREFIX: &str = "pcs-relocate-";

/// Where a resource is and where it would rather be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preference {
    /// The resource: a primitive, a group, or the promoted instance of a clone.
    pub resource: String,
    /// It is about the promoted instance.
    pub promoted: bool,
    /// Where it is.
    pub current: Vec<String>,
    /// Where it would be without stickiness; none when it would run nowhere.
    pub optimal: Option<String>,
}

impl Preference {
    /// Says whether there is anything to move.
    pub fn is_elsewhere(&self) -> bool {
        self.optimal.as_ref().is_some_and(|optimal| self.current != [optimal.clone()])
    }
}

/// Takes all stickiness out of a document.
fn without_stickiness(cib: &Element) -> Element {
    fn strip(element: &mut Element) {
        element.retain_children(|child| {
            child.name() != "nvpair" || child.get("name") != Some("resource-stickiness")
        });
        for child in element.children_mut() {
            strip(child);
        }
    }
    let mut free = cib.clone();
    for section in ["resources", "rsc_defaults"] {
        if let Some(section) = free.at_mut(&["configuration", section]) {
            strip(section);
        }
    }
    // clones have some unless they are told otherwise
    let set = Element::new("meta_attributes").with("id", "pcs-relocate-defaults").with_child(
        Element::new("nvpair")
            .with("id", "pcs-relocate-defaults-resource-stickiness")
            .with("name", "resource-stickiness")
            .with("value", "0"),
    );
    free.child_or_insert("configuration").child_or_insert("rsc_defaults").push(set);
    free
}

/// The outermost resource that is placed as one: a group, or a promotable clone.
fn unit<'a>(cib: &Element, explanation: &'a Explanation) -> Option<&'a str> {
    let mut unit = explanation.resource.as_str();
    for holder in &explanation.inside {
        match find(cib, holder) {
            Some(element) if element.name() == "group" || is_clone(element) => unit = holder,
            Some(_) => return None,
            // an instance of a cloned group
            None => {}
        }
    }
    Some(unit)
}

/// Refuses resources that are not there.
///
/// # Errors
/// Reported.
pub fn check(env: &mut Environment<'_>, wanted: &[String]) -> Outcome {
    for id in wanted {
        if find(&env.cib, id).is_none() {
            let near = near(&env.cib, id);
            env.error(Message::UnableToFindResource { id: id.clone(), near });
        }
    }
    env.checked()
}

/// Works out where resources would be without stickiness: those named, or all.
pub fn preferences(
    cib: &Element,
    wanted: &[String],
    now: WallTime,
    options: &pengine::Options,
) -> Vec<Preference> {
    let told = explain(&without_stickiness(cib), now, options);
    let mut found: BTreeMap<String, Preference> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for explanation in &told.resources {
        let Some(unit) = unit(cib, explanation) else { continue };
        let promoted = find(cib, unit).is_some_and(is_clone);
        members.entry(unit.to_owned()).or_default().insert(explanation.resource.clone());
        if promoted && explanation.next_role != "Promoted" && explanation.role != "Promoted" {
            continue;
        }
        let entry = found.entry(unit.to_owned()).or_insert_with(|| {
            order.push(unit.to_owned());
            let (current, optimal) = (Vec::new(), None);
            Preference { resource: unit.to_owned(), promoted, current, optimal }
        });
        let is_here = !promoted || explanation.role == "Promoted";
        if is_here && entry.current.is_empty() {
            entry.current.clone_from(&explanation.active_on);
        }
        if (!promoted || explanation.next_role == "Promoted") && entry.optimal.is_none() {
            entry.optimal.clone_from(&explanation.target);
        }
    }
    let is_wanted = |unit: &String| {
        wanted.is_empty()
            || wanted.iter().any(|id| {
                id == unit || members.get(unit).is_some_and(|members| members.contains(id))
            })
    };
    order.into_iter().filter(is_wanted).filter_map(|unit| found.remove(&unit)).collect()
}

/// Makes resources go where they would rather be.
pub fn constrain(cib: &mut Element, preferences: &[Preference]) {
    for preference in preferences.iter().filter(|preference| preference.is_elsewhere()) {
        let Some(node) = &preference.optimal else { continue };
        let id = format!("{PREFIX}{}", preference.resource);
        let mut constraint = Element::new("rsc_location")
            .with("id", id.as_str())
            .with("rsc", preference.resource.as_str())
            .with("node", node.as_str())
            .with("score", "INFINITY");
        if preference.promoted {
            constraint.set("role", "Promoted");
        }
        let constraints = cib.child_or_insert("configuration").child_or_insert("constraints");
        constraints.retain_children(|other| other.id() != Some(id.as_str()));
        constraints.push(constraint);
    }
}

/// Takes all constraints of [`constrain`] back.
pub fn clear(cib: &mut Element) {
    if let Some(constraints) = cib.at_mut(&["configuration", "constraints"]) {
        constraints.retain_children(|constraint| {
            constraint.name() != "rsc_location"
                || !constraint.id().is_some_and(|id| id.starts_with(PREFIX))
        });
    }
}

#[cfg(test)]
mod tests {
    use model::WallTime;

    use super::*;

    /// `web` sticks to the second node and would rather be on the first.
    const STUCK: &str = r#"<cib have-quorum="1"><configuration><crm_config><cluster_property_set id="p">
        <nvpair id="s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
        <nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
        <resources><group id="g"><meta_attributes id="m"><nvpair id="k" name="resource-stickiness" value="100"/></meta_attributes>
        <primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/></group></resources>
        <constraints><rsc_location id="l" rsc="g" node="a" score="50"/></constraints></configuration><status>
        <node_state id="1" uname="a" in_ccm="true" crmd="online" join="member" expected="member"/>
        <node_state id="2" uname="b" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="2"><lrm_resources>
        <lrm_resource id="web" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="web_last_0" operation="start"
        operation_key="web_start_0" call-id="2" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:u"
        transition-magic="0:0;1:1:0:u"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>"#;

    #[test]
    fn what_sticks_elsewhere_is_found_moved_and_freed_again() {
        let cib = cib::parse(STUCK).unwrap();
        let options = pengine::Options::default();
        let found = preferences(&cib, &[], WallTime(0), &options);
        let expected = Preference {
            resource: "g".into(),
            promoted: false,
            current: vec!["b".into()],
            optimal: Some("a".into()),
        };
        assert_eq!(found, [expected]);
        assert!(found[0].is_elsewhere());
        let named = ["web".to_owned()];
        assert_eq!(preferences(&cib, &named, WallTime(0), &options), found);
        let mut moved = cib.clone();
        constrain(&mut moved, &found);
        assert_eq!(moved.find_id("pcs-relocate-g").and_then(|c| c.get("node")), Some("a"));
        clear(&mut moved);
        assert_eq!(moved, cib);
    }
}

//! Features: what fencing means to resources and nodes: unfencing, requirements, reconnections.

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, NOW};

/// What resources require of fencing, and what their failures mean to nodes.
pub(crate) fn requirements(draft: &mut Draft, dice: &mut Dice) {
    if dice.percent(25) && draft.names().iter().any(|name| name == "fence") {
        draft.set_meta("fence", "provides", "unfencing");
        for node in draft.nodes.clone() {
            if dice.percent(40) {
                let attributes = draft.attributes.entry(node).or_default();
                attributes.insert("#node-unfenced".to_owned(), (NOW - 2000).to_string());
            }
        }
    }
    for leaf in draft.leaves.clone() {
        if leaf.kind == "Dummy" && dice.percent(30) {
            let what = dice.word(&["nothing", "quorum", "fencing", "unfencing"]).to_owned();
            draft.set_meta(&leaf.id, "requires", &what);
        }
    }
    for resource in &mut draft.resources {
        let Some(operations) = resource.child_mut("operations") else { continue };
        for operation in operations.children_mut() {
            if dice.percent(15) {
                operation.set("on-fail", "fence");
            }
        }
    }
    if dice.percent(15) {
        let policy = dice.word(&["suicide", "freeze", "ignore", "stop"]);
        draft.properties.insert("no-quorum-policy".to_owned(), policy.to_owned());
        draft.without_quorum = dice.percent(70);
    }
}

/// Connections that are not made again at once.
pub(crate) fn reconnections(draft: &mut Draft, dice: &mut Dice) {
    for resource in &mut draft.resources {
        if resource.get("type") != Some("remote") || !dice.percent(50) {
            continue;
        }
        let id = format!("{}-params", resource.id().unwrap_or_default());
        let pair = Element::new("nvpair")
            .with("id", format!("{id}-reconnect"))
            .with("name", "reconnect_interval")
            .with("value", dice.word(&["60s", "600s"]));
        resource.push(Element::new("instance_attributes").with("id", id).with_child(pair));
    }
}

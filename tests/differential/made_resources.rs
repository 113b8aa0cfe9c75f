//! Features: nodes, resources and their options.

use std::collections::BTreeMap;

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, Leaf};

/// One to four nodes, some with attributes, without fencing. None is in maintenance by itself: since
/// 2.1.5 that counts for what is active there, not only for what is started there.
pub(crate) fn nodes(draft: &mut Draft, dice: &mut Dice) {
    for name in ["alder", "birch", "cedar", "elm"].into_iter().take(dice.between(1, 4)) {
        draft.nodes.push(name.to_owned());
        let mut attributes = BTreeMap::new();
        if dice.percent(50) {
            attributes.insert("rack".to_owned(), dice.word(&["north", "south"]).to_owned());
        }
        if dice.percent(8) {
            attributes.insert("standby".to_owned(), "on".to_owned());
        }
        if !attributes.is_empty() {
            draft.attributes.insert(name.to_owned(), attributes);
        }
    }
    let mut set = |name: &str, value: &str| {
        draft.properties.insert(name.to_owned(), value.to_owned());
    };
    set("stonith-enabled", "false");
    if dice.percent(10) {
        set("symmetric-cluster", "false");
    }
    if dice.percent(10) {
        set("start-failure-is-fatal", "false");
    }
    if dice.percent(5) {
        set("maintenance-mode", "true");
    }
    if dice.percent(5) {
        set("stop-all-resources", "true");
    }
    if dice.percent(10) {
        set("no-quorum-policy", dice.word(&["stop", "freeze", "ignore"]));
        draft.without_quorum = dice.percent(60);
    }
}

/// A plain resource that does nothing, with a monitor or two.
pub(crate) fn primitive(
    draft: &mut Draft,
    dice: &mut Dice,
    id: &str,
    kind: &'static str,
) -> Element {
    let mut element = Element::new("primitive")
        .with("id", id)
        .with("class", "ocf")
        .with("provider", "pacemaker")
        .with("type", kind);
    let mut monitors = Vec::new();
    if kind == "Stateful" {
        if dice.percent(70) {
            monitors.push((10, Some(if dice.percent(50) { "Master" } else { "Promoted" })));
            monitors.push((11, Some(if dice.percent(50) { "Slave" } else { "Unpromoted" })));
        }
    } else if dice.percent(50) {
        monitors.push((10, None));
        if dice.percent(10) {
            monitors.push((20, Some("Stopped")));
        }
    }
    if !monitors.is_empty() {
        let mut operations = Element::new("operations");
        for (seconds, role) in &monitors {
            let mut operation = Element::new("op")
                .with("id", format!("{id}-monitor-{seconds}"))
                .with("name", "monitor")
                .with("interval", format!("{seconds}s"));
            if let Some(role) = role {
                operation.set("role", *role);
            } else if dice.percent(12) {
                let what = ["ignore", "block", "stop", "restart", "standby"];
                operation.set("on-fail", dice.word(&what));
            }
            operations.push(operation);
        }
        element.push(operations);
    }
    draft.leaves.push(Leaf {
        id: id.to_owned(),
        kind,
        copies: 1,
        unique: false,
        promotable: false,
        follows: None,
        migratable: false,
        members_only: false,
        implied: false,
        monitors,
    });
    element
}

/// One to five primitives.
pub(crate) fn primitives(draft: &mut Draft, dice: &mut Dice) {
    let count = dice.between(1, 5);
    for id in ["a", "b", "c", "d", "e"].into_iter().take(count) {
        let element = primitive(draft, dice, id, "Dummy");
        draft.resources.push(element);
    }
}

/// One or two groups of up to three members.
pub(crate) fn groups(draft: &mut Draft, dice: &mut Dice) {
    for id in ["g", "h"].into_iter().take(dice.between(1, 2)) {
        let group = group(draft, dice, id);
        draft.resources.push(group);
    }
}

fn group(draft: &mut Draft, dice: &mut Dice, id: &str) -> Element {
    let mut group = Element::new("group").with("id", id);
    let mut previous = None;
    for number in 1..=dice.between(1, 3) {
        let member = format!("{id}{number}");
        group.push(primitive(draft, dice, &member, "Dummy"));
        if let Some(leaf) = draft.leaves.last_mut() {
            leaf.follows = previous.replace(member);
        }
    }
    group
}

/// One or two clones, of primitives or groups.
pub(crate) fn clones(draft: &mut Draft, dice: &mut Dice) {
    for id in ["k", "l"].into_iter().take(dice.between(1, 2)) {
        cloned(draft, dice, id, false);
    }
}

/// A promotable clone.
pub(crate) fn promotable(draft: &mut Draft, dice: &mut Dice) {
    for id in ["m", "n"].into_iter().take(if dice.percent(75) { 1 } else { 2 }) {
        cloned(draft, dice, id, true);
    }
}

fn cloned(draft: &mut Draft, dice: &mut Dice, id: &str, promotable: bool) {
    let before = draft.leaves.len();
    let inner = format!("{id}-in");
    let child = if promotable {
        primitive(draft, dice, &inner, "Stateful")
    } else if dice.percent(30) {
        group(draft, dice, &inner)
    } else {
        primitive(draft, dice, &inner, "Dummy")
    };
    draft.resources.push(Element::new("clone").with("id", id).with_child(child));
    let mut copies = draft.nodes.len();
    let unique = !promotable && dice.percent(15);
    if dice.percent(40) {
        copies = dice.between(1, draft.nodes.len() + 1);
        draft.set_meta(id, "clone-max", &copies.to_string());
    }
    if unique {
        draft.set_meta(id, "globally-unique", "true");
        draft.set_meta(id, "clone-node-max", &dice.between(1, 3).to_string());
    }
    for (name, percent) in [("interleave", 40), ("ordered", 15), ("notify", 15)] {
        if dice.percent(percent) {
            draft.set_meta(id, name, "true");
        }
    }
    if promotable {
        draft.set_meta(id, "promotable", "true");
        if dice.percent(25) {
            draft.set_meta(id, "promoted-max", "2");
        }
    }
    for leaf in &mut draft.leaves[before..] {
        leaf.copies = copies;
        leaf.unique = unique;
        leaf.promotable = promotable;
    }
}

/// Options of resources that decide what is done with them.
pub(crate) fn options(draft: &mut Draft, dice: &mut Dice) {
    let mut ids = draft.names();
    ids.extend(draft.leaves.iter().map(|leaf| leaf.id.clone()));
    let bundled = draft.bundles.iter().filter_map(|bundle| bundle.inner.as_ref());
    ids.extend(bundled.map(|leaf| leaf.id.clone()));
    for id in ids {
        for (name, percent, values) in [
            ("priority", 15, ["5", "10", "-1"].as_slice()),
            ("resource-stickiness", 20, &["1", "100", "INFINITY", "7"]),
            ("migration-threshold", 12, &["1", "2"]),
            ("target-role", 6, &["Stopped", "Started"]),
            ("is-managed", 5, &["false"]),
            ("allow-migrate", 15, &["true"]),
            ("failure-timeout", 8, &["60s", "3600s"]),
            ("multiple-active", 8, &["block", "stop_only", "stop_start"]),
            ("critical", 6, &["false"]),
        ] {
            if dice.percent(percent) {
                draft.set_meta(&id, name, dice.word(values));
            }
        }
    }
    if dice.percent(25) {
        let value = dice.word(&["1", "100", "INFINITY"]).to_owned();
        draft.defaults.insert("resource-stickiness".to_owned(), value);
    }
}

/// Capacity, and a strategy that looks at it. Every node has all kinds: one that a node has no value
/// for limits nothing any more, but was nothing to 2.1.5.
pub(crate) fn utilization(draft: &mut Draft, dice: &mut Dice) {
    let strategy = dice.word(&["utilization", "minimal", "balanced"]).to_owned();
    draft.properties.insert("placement-strategy".to_owned(), strategy);
    for node in draft.nodes.clone() {
        let capacity = draft.capacities.entry(node).or_default();
        capacity.insert("memory".to_owned(), dice.between(1, 12).to_string());
        capacity.insert("cpu".to_owned(), dice.between(1, 6).to_string());
    }
    for leaf in draft.leaves.clone() {
        if dice.percent(75) {
            draft.set_utilization(&leaf.id, "memory", &dice.between(1, 6).to_string());
        }
        if dice.percent(30) {
            draft.set_utilization(&leaf.id, "cpu", &dice.between(1, 3).to_string());
        }
    }
}

/// Node health.
pub(crate) fn health(draft: &mut Draft, dice: &mut Dice) {
    let all = ["none", "migrate-on-red", "only-green", "progressive", "custom"];
    let strategy = dice.word(&all).to_owned();
    draft.properties.insert("node-health-strategy".to_owned(), strategy);
    if dice.percent(30) {
        draft.properties.insert("node-health-yellow".to_owned(), "-10".to_owned());
    }
    for node in draft.nodes.clone() {
        if dice.percent(50) {
            let value = dice.word(&["red", "yellow", "green", "-5", "7"]).to_owned();
            let attributes = draft.attributes.entry(node).or_default();
            attributes.insert("#health-disk".to_owned(), value);
        }
    }
}

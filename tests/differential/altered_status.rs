//! Alterations of a case's status: what came to pass on its nodes, and how it was written down.

use std::collections::BTreeSet;

use cib::Element;

use crate::altered::{RESOURCES, STATUS, change_one, is_state, primitives, set_pair};
use crate::dice::Dice;
use crate::draft::NOW;

fn is_result(element: &Element) -> bool {
    element.name() == "lrm_rsc_op"
}

fn is_history(element: &Element) -> bool {
    element.name() == "lrm_resource" && element.children().next().is_some()
}

/// The history of something has also been recorded on another node: it may be active on both.
pub(crate) fn active_elsewhere(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(history) = some_history(document, dice) else { return false };
    put_history(document, dice, history)
}

/// The history of something is another node's.
pub(crate) fn has_moved(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(history) = some_history(document, dice) else { return false };
    if let Some(status) = document.at_mut(STATUS) {
        remove_everywhere(status, history.id().unwrap_or_default());
    }
    put_history(document, dice, history)
}

fn some_history(document: &Element, dice: &mut Dice) -> Option<Element> {
    let status = document.at(STATUS)?;
    let all: Vec<&Element> = status.descendants().filter(|one| is_history(one)).collect();
    if all.is_empty() { None } else { Some((*dice.pick(&all)).clone()) }
}

fn remove_everywhere(element: &mut Element, id: &str) {
    element.retain_children(|child| child.name() != "lrm_resource" || child.id() != Some(id));
    for child in element.children_mut() {
        remove_everywhere(child, id);
    }
}

fn put_history(document: &mut Element, dice: &mut Dice, history: Element) -> bool {
    let holds = |element: &Element| element.name() == "lrm_resources";
    change_one(document, STATUS, holds, dice, |holder, _| {
        holder.retain_children(|known| known.id() != history.id());
        holder.push(history);
    })
}

/// A node is on its way into the cluster, or out of it.
pub(crate) fn node_between(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(document, STATUS, is_state, dice, |state, dice| {
        let (ccm, daemon, join, expected) = *dice.pick(&[
            ("true", "online", "pending", "member"),
            ("true", "offline", "down", "member"),
            ("true", "offline", "down", "down"),
            ("true", "online", "banned", "member"),
            ("false", "online", "member", "member"),
            ("true", "online", "member", "down"),
        ]);
        for (name, value) in
            [("in_ccm", ccm), ("crmd", daemon), ("join", join), ("expected", expected)]
        {
            state.set(name, value);
        }
    })
}

/// Nothing was ever heard of a node.
pub(crate) fn node_unseen(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(status) = document.at_mut(STATUS) else { return false };
    let count = status.children().filter(|state| is_state(state)).count();
    if count < 2 {
        return false;
    }
    let (number, mut seen) = (dice.below(count), 0);
    status.retain_children(|state| {
        let chosen = is_state(state) && seen == number;
        seen += usize::from(is_state(state));
        !chosen
    });
    true
}

/// A result is written down oddly.
pub(crate) fn odd_result(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(document, STATUS, is_result, dice, |result, dice| match dice.below(4) {
        0 => {
            result.unset(dice.word(&[
                "call-id",
                "transition-magic",
                "op-digest",
                "crm-debug-origin",
                "operation_key",
                "last-rc-change",
                "crm_feature_set",
                "exec-time",
            ]));
        }
        1 => {
            let key = dice.word(&["bogus", "1:2:3", "1:2:7:", "a:b:c:d", "5:5:193:x"]);
            result.set("transition-key", key);
        }
        2 => {
            result.set("rc-code", dice.word(&["77", "-1", "189", "190", "191", "193", "255"]));
        }
        _ => {
            result.set("call-id", dice.word(&["0", "1", "1000", "-1"]));
        }
    })
}

/// A result is written down twice.
pub(crate) fn result_repeated(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(document, STATUS, is_history, dice, |history, dice| {
        let entries: Vec<Element> = history.children().cloned().collect();
        let mut twin = dice.pick(&entries).clone();
        if dice.percent(50) {
            let id = format!("{}-again", twin.id().unwrap_or_default());
            twin.set("id", id);
            twin.set("call-id", dice.word(&["3", "999"]));
        }
        history.push(twin);
    })
}

/// What ran was of another agent.
pub(crate) fn other_agent(document: &mut Element, dice: &mut Dice) -> bool {
    change_one(document, STATUS, is_history, dice, |history, dice| {
        let (name, value) =
            *dice.pick(&[("type", "Elsewhat"), ("provider", "elsewhere"), ("class", "lsb")]);
        history.set(name, value);
    })
}

/// Parameters have changed since: all of them, or such as an agent can take in as it runs.
pub(crate) fn other_parameters(document: &mut Element, dice: &mut Dice) -> bool {
    const NEVER: &str = "00000000000000000000000000000000";
    change_one(document, STATUS, is_result, dice, |result, dice| match dice.below(3) {
        0 => result.set("op-digest", NEVER),
        1 => {
            result.set("op-digest", NEVER);
            result.set("op-force-restart", " state ");
            // of no parameters at all
            result.set("op-restart-digest", "f2317cad3d54cec5d7d7aa7d0bf35cf8");
        }
        _ => {
            result.set("op-force-restart", " state ");
            result.set("op-restart-digest", NEVER);
        }
    })
}

/// Something that no one configures has run somewhere.
pub(crate) fn removed_resource(document: &mut Element, dice: &mut Dice) -> bool {
    let holds = |element: &Element| element.name() == "lrm_resources";
    change_one(document, STATUS, holds, dice, |holder, dice| {
        let id = dice.word(&["bygone", "bygone", "bygone:0", "bygone:1"]);
        let (task, rc, status) = *dice.pick(&[
            ("start", "0", "0"),
            ("monitor", "7", "0"),
            ("monitor", "0", "0"),
            ("stop", "1", "4"),
            ("promote", "0", "0"),
        ]);
        let key = "9:9:0:00000000-0000-0000-0000-000000000001";
        let result = Element::new("lrm_rsc_op")
            .with("id", format!("{id}_last_0"))
            .with("operation_key", format!("{id}_{task}_0"))
            .with("operation", task)
            .with("crm_feature_set", "3.16.1")
            .with("transition-key", key)
            .with("transition-magic", format!("{status}:{rc};{key}"))
            .with("call-id", "900")
            .with("rc-code", rc)
            .with("op-status", status)
            .with("interval", "0")
            .with("last-rc-change", (NOW - 100).to_string());
        holder.push(
            Element::new("lrm_resource")
                .with("id", id)
                .with("class", "ocf")
                .with("provider", "pacemaker")
                .with("type", "Stateful")
                .with_child(result),
        );
    })
}

/// A resource waits for the node that it ran on.
pub(crate) fn locked(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(options) = document.at_mut(&["configuration", "crm_config"]) else { return false };
    let set = options.child_or_insert("cluster_property_set");
    set_pair(set, "altered-lock", "shutdown-lock", "true");
    change_one(document, STATUS, is_history, dice, |history, dice| {
        history.set("shutdown-lock", (NOW - 100).to_string());
        if dice.percent(50) {
            history.retain_children(|_| false);
        }
    })
}

/// A node has an attribute for the time being.
pub(crate) fn transient_attribute(document: &mut Element, dice: &mut Dice) -> bool {
    let resources = primitives(document);
    if resources.is_empty() {
        return false;
    }
    let promotion = format!("master-{}", dice.pick(&resources));
    let (name, value) = match dice.below(5) {
        0 => ("standby", "true"),
        1 => ("terminate", "true"),
        2 => ("maintenance", "true"),
        _ => (promotion.as_str(), dice.word(&["1", "20", "-INFINITY", "INFINITY"])),
    };
    change_one(document, STATUS, is_state, dice, |state, _| {
        let id = format!("{}-transient", state.id().unwrap_or_default());
        let holder = state.child_or_insert("transient_attributes");
        let set = holder.child_or_insert("instance_attributes");
        set.set("id", &id);
        set_pair(set, &id, name, value);
    })
}

/// A live migration went as far as it did.
pub(crate) fn migration(document: &mut Element, dice: &mut Dice) -> bool {
    let names: Vec<String> = document
        .at(STATUS)
        .into_iter()
        .flat_map(Element::children)
        .filter(|state| is_state(state))
        .filter_map(|state| state.get("uname"))
        .map(str::to_owned)
        .collect();
    if names.len() < 2 {
        return false;
    }
    let copied: BTreeSet<String> = document
        .at(RESOURCES)
        .into_iter()
        .flat_map(Element::children)
        .filter(|top| !matches!(top.name(), "primitive" | "group"))
        .flat_map(Element::descendants)
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect();
    let target = dice.pick(&names).clone();
    let mut source = None;
    let Some(status) = document.at_mut(STATUS) else { return false };
    for state in status.children_mut() {
        let name = state.get("uname").unwrap_or_default().to_owned();
        if !is_state(state) || name == target || source.is_some() || dice.percent(50) {
            continue;
        }
        let histories = state.child_mut("lrm").and_then(|lrm| lrm.child_mut("lrm_resources"));
        // (instances don't migrate)
        let plain = |one: &Element| {
            is_history(one) && one.id().is_some_and(|id| !id.contains(':') && !copied.contains(id))
        };
        let Some(histories) = histories else { continue };
        let count = histories.children().filter(|one| plain(one)).count();
        if count == 0 {
            continue;
        }
        let number = dice.below(count);
        if let Some(history) = histories.children_mut().filter(|one| plain(one)).nth(number) {
            let (status, rc) = *dice.pick(&[("0", "0"), ("-1", "193"), ("4", "1")]);
            history.push(migrating(history, "migrate_to", (status, rc), (&name, &target)));
            source = Some((name, history.clone(), status));
        }
    }
    let Some((name, history, "0")) = source.as_ref().map(|(a, b, c)| (a, b, *c)) else {
        return source.is_some();
    };
    if dice.percent(70) {
        let (status, rc) = *dice.pick(&[("0", "0"), ("0", "0"), ("-1", "193"), ("4", "1")]);
        let mut arrived = history.clone();
        arrived.retain_children(|_| false);
        arrived.push(migrating(history, "migrate_from", (status, rc), (name, &target)));
        let states = document.at_mut(STATUS).into_iter().flat_map(Element::children_mut);
        for state in states.filter(|state| state.get("uname") == Some(&target)) {
            let lrm = state.child_or_insert("lrm");
            let holder = lrm.child_or_insert("lrm_resources");
            holder.retain_children(|known| known.id() != arrived.id());
            holder.push(arrived.clone());
        }
    }
    true
}

fn migrating(
    history: &Element,
    task: &str,
    (status, rc): (&str, &str),
    (source, target): (&str, &str),
) -> Element {
    let id = history.id().unwrap_or_default();
    let key = "8:8:0:00000000-0000-0000-0000-000000000001";
    Element::new("lrm_rsc_op")
        .with("id", format!("{id}_{task}_0"))
        .with("operation_key", format!("{id}_{task}_0"))
        .with("operation", task)
        .with("crm_feature_set", "3.16.1")
        .with("transition-key", key)
        .with("transition-magic", format!("{status}:{rc};{key}"))
        .with("call-id", if status == "-1" { "-1" } else { "5000" })
        .with("rc-code", rc)
        .with("op-status", status)
        .with("interval", "0")
        .with("migrate_source", source)
        .with("migrate_target", target)
        .with("last-rc-change", (NOW - 50).to_string())
}

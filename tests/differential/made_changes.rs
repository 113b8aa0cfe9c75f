//! Features: what has changed since it was done, and what is to be done about failures.

use std::collections::BTreeMap;

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, NOW};

/// Every policy for a partition without quorum.
pub(crate) fn quorum(draft: &mut Draft, dice: &mut Dice) {
    let policy = dice.word(&["stop", "freeze", "ignore", "demote", "suicide"]).to_owned();
    draft.properties.insert("no-quorum-policy".to_owned(), policy);
    draft.without_quorum = dice.percent(85);
    for leaf in draft.leaves.clone() {
        if dice.percent(20) {
            draft.set_meta(&leaf.id, "requires", dice.word(&["nothing", "quorum"]));
        }
    }
}

/// Operations with settings of their own: starts and stops, too.
pub(crate) fn operations(draft: &mut Draft, dice: &mut Dice) {
    for leaf in draft.leaves.clone() {
        let Some(resource) = draft.find_resource_mut(&leaf.id) else { continue };
        if resource.child("operations").is_none() {
            resource.push(Element::new("operations"));
        }
        let Some(operations) = resource.child_mut("operations") else { continue };
        for operation in operations.children_mut() {
            if dice.percent(40) {
                let what = ["ignore", "block", "stop", "restart", "standby", "fence"];
                operation.set("on-fail", dice.word(&what));
            }
            if dice.percent(8) {
                operation.set("enabled", "false");
            }
        }
        for (name, reactions) in [
            ("start", ["ignore", "block", "stop", "restart", "standby"].as_slice()),
            ("stop", &["ignore", "block", "standby"]),
        ] {
            if !dice.percent(35) {
                continue;
            }
            let mut operation = Element::new("op")
                .with("id", format!("{}-{name}", leaf.id))
                .with("name", name)
                .with("interval", "0s");
            if dice.percent(70) {
                operation.set("on-fail", dice.word(reactions));
            }
            if dice.percent(20) {
                operation.set("timeout", "60s");
            }
            operations.push(operation);
        }
    }
}

/// How much may fail, and for how long it counts.
pub(crate) fn failures(draft: &mut Draft, dice: &mut Dice) {
    for leaf in draft.leaves.clone() {
        if dice.percent(40) {
            draft.set_meta(&leaf.id, "failure-timeout", dice.word(&["60s", "499", "501s", "1h"]));
        }
        if dice.percent(40) {
            draft.set_meta(&leaf.id, "migration-threshold", dice.word(&["1", "2", "INFINITY"]));
        }
        if dice.percent(10) {
            draft.set_meta(&leaf.id, "maintenance", "true");
        }
    }
}

/// Parameters, and histories of operations that were done with these or with others.
pub(crate) fn digests(draft: &mut Draft, dice: &mut Dice) {
    let mut parameters: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for leaf in draft.leaves.clone() {
        let known = parameters.entry(leaf.id.clone()).or_default();
        for name in ["fake", "delay"] {
            if dice.percent(50) {
                known.insert(name.to_owned(), "new".to_owned());
                draft.set_parameter(&leaf.id, name, "new");
            }
        }
    }
    for resource in draft.states.iter_mut().flat_map(histories) {
        let Some(now) = resource.id().and_then(|id| parameters.get(id.split(':').next()?)) else {
            continue;
        };
        // what it was started with
        let mut then = now.clone();
        if dice.percent(40) {
            let name = dice.word(&["fake", "delay"]).to_owned();
            if then.remove(&name).is_none() || dice.percent(50) {
                then.insert(name, "old".to_owned());
            }
        }
        for entry in resource.children_mut() {
            let interval = entry.get("interval").and_then(|text| text.parse().ok()).unwrap_or(0);
            let mut digested = then.clone();
            if interval > 0 {
                digested.insert("CRM_meta_timeout".to_owned(), "20000".to_owned());
            }
            entry.set("op-digest", pengine::operation_digest(&digested, interval));
            if interval == 0 && dice.percent(50) {
                let forcing = dice.word(&["fake", "delay"]).to_owned();
                let restarting = then
                    .iter()
                    .filter(|(name, _)| **name == forcing)
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                entry.set("op-force-restart", format!(" {forcing} "));
                entry.set("op-restart-digest", pengine::operation_digest(&restarting, 0));
            }
        }
    }
}

/// Resources, and recurring operations, that only histories know.
pub(crate) fn removed(draft: &mut Draft, dice: &mut Dice) {
    for (name, percent) in [("stop-orphan-resources", 15), ("stop-orphan-actions", 15)] {
        if dice.percent(percent) {
            draft.properties.insert(name.to_owned(), "false".to_owned());
        }
    }
    for id in ["gone", "gone2"].into_iter().take(dice.between(1, 2)) {
        for (number, state) in draft.states.iter_mut().enumerate() {
            if !dice.percent(50) {
                continue;
            }
            let mut resource = Element::new("lrm_resource")
                .with("id", id)
                .with("class", "ocf")
                .with("provider", "pacemaker")
                .with("type", "Dummy");
            match dice.below(4) {
                0 => resource.push(entry(id, "monitor", 0, 7, 7, 1 + number)),
                1 => {
                    resource.push(entry(id, "start", 0, 0, 0, 1 + number));
                    resource.push(entry(id, "monitor", 10, 0, 0, 2 + number));
                }
                2 => {
                    resource.push(entry(id, "start", 0, 0, 0, 1 + number));
                    resource.push(entry(id, "monitor", 10, 7, 0, 2 + number));
                }
                _ => resource.push(entry(id, "stop", 0, 0, 0, 1 + number)),
            }
            let holder = state.child_mut("lrm").and_then(|lrm| lrm.child_mut("lrm_resources"));
            if let Some(holder) = holder {
                holder.push(resource);
            }
        }
    }
    // monitors at intervals that are configured no more
    for resource in draft.states.iter_mut().flat_map(histories) {
        let active = resource.children().any(|entry| entry.get("operation") == Some("start"));
        if let (true, Some(id)) = (active && dice.percent(25), resource.id().map(str::to_owned)) {
            resource.push(entry(&id, "monitor", 30, 0, 0, 90));
        }
    }
}

/// Operations under way: probes and recurring monitors.
pub(crate) fn pending(draft: &mut Draft, dice: &mut Dice) {
    for resource in draft.states.iter_mut().flat_map(histories) {
        for entry in resource.children_mut() {
            if entry.get("operation") != Some("monitor") || !dice.percent(15) {
                continue;
            }
            let key = entry.get("transition-key").unwrap_or_default().to_owned();
            entry.set("transition-magic", format!("-1:193;{key}"));
            entry.set("call-id", "-1");
            entry.set("rc-code", "193");
            entry.set("op-status", "-1");
        }
    }
}

/// Nodes that were shut down, and whose resources wait for them.
pub(crate) fn locks(draft: &mut Draft, dice: &mut Dice) {
    draft.properties.insert("shutdown-lock".to_owned(), "true".to_owned());
    if dice.percent(50) {
        let limit = dice.word(&["5min", "1h", "0"]).to_owned();
        draft.properties.insert("shutdown-lock-limit".to_owned(), limit);
    }
    for state in &mut draft.states {
        let off = dice.percent(40);
        if off {
            for (name, value) in
                [("in_ccm", "false"), ("crmd", "offline"), ("join", "down"), ("expected", "down")]
            {
                state.set(name, value);
            }
        }
        for resource in histories(state) {
            if dice.percent(if off { 70 } else { 10 }) {
                let since = NOW - *dice.pick(&[10, 400, 4000]);
                resource.set("shutdown-lock", since.to_string());
                if off && let Some(id) = resource.id().map(str::to_owned) {
                    resource.retain_children(|_| false);
                    resource.push(entry(&id, "stop", 0, 0, 0, 50));
                }
            }
        }
    }
}

fn histories(state: &mut Element) -> impl Iterator<Item = &mut Element> {
    state
        .child_mut("lrm")
        .and_then(|lrm| lrm.child_mut("lrm_resources"))
        .into_iter()
        .flat_map(Element::children_mut)
}

/// A result without failures counted.
fn entry(resource: &str, task: &str, seconds: u64, rc: i32, expected: i32, call: usize) -> Element {
    let interval = seconds * 1000;
    let transition = format!("{call}:{call}:{expected}:00000000-0000-0000-0000-000000000001");
    let id = match interval {
        0 => format!("{resource}_last_0"),
        _ if rc != expected => format!("{resource}_last_failure_0"),
        _ => format!("{resource}_{task}_{interval}"),
    };
    let digested = [("CRM_meta_timeout".to_owned(), "20000".to_owned())].into();
    let at = NOW - 900 + i64::try_from(call).unwrap_or(0);
    Element::new("lrm_rsc_op")
        .with("id", id)
        .with("operation_key", format!("{resource}_{task}_{interval}"))
        .with("operation", task)
        .with("crm_feature_set", "3.16.1")
        .with("transition-key", transition.as_str())
        .with("transition-magic", format!("0:{rc};{transition}"))
        .with("call-id", call.to_string())
        .with("rc-code", rc.to_string())
        .with("op-status", "0")
        .with("interval", interval.to_string())
        .with("last-rc-change", at.to_string())
        .with("op-digest", pengine::operation_digest(&digested, interval))
}

//! Features that few documents use: options of clones, groups and clusters, constraints by role, by
//! set and by pattern, results of every kind.

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, pairs};

const ROLES: [&str; 5] = ["Started", "Stopped", "Master", "Promoted", "Slave"];

/// Options of clones that decide how many instances there are, and what may wait for them.
pub(crate) fn clone_options(draft: &mut Draft, dice: &mut Dice) {
    for id in clones(draft) {
        for (name, percent, values) in [
            ("clone-min", 25, ["1", "2", "3"].as_slice()),
            ("promoted-node-max", 8, &["1", "2"]),
            ("target-role", 8, &["Slave", "Unpromoted", "Promoted", "Stopped"]),
            ("is-managed", 4, &["false"]),
            ("maintenance", 3, &["true"]),
        ] {
            if dice.percent(percent) {
                draft.set_meta(&id, name, dice.word(values));
            }
        }
        // (several on a node make a clone's instances differ by default now)
        if dice.percent(12) {
            draft.set_meta(&id, "globally-unique", dice.word(&["true", "false"]));
            draft.set_meta(&id, "clone-node-max", dice.word(&["1", "2"]));
        }
    }
}

/// Options of groups from before resource sets: members that are not ordered, or not together.
pub(crate) fn loose_groups(draft: &mut Draft, dice: &mut Dice) {
    for id in named(draft, "group") {
        for name in ["ordered", "collocated"] {
            if dice.percent(30) {
                draft.set_meta(&id, name, dice.word(&["false", "true"]));
            }
        }
    }
}

/// Agents of other standards, which have no provider.
pub(crate) fn standards(draft: &mut Draft, dice: &mut Dice) {
    for leaf in draft.leaves.clone() {
        let plain = leaf.kind == "Dummy" && dice.percent(25);
        if let Some(resource) = draft.find_resource_mut(&leaf.id).filter(|_| plain) {
            resource.set("class", dice.word(&["lsb", "systemd", "service"]));
            resource.unset("provider");
        }
    }
}

/// Locations of sets, of patterns, of roles; orders and tickets of roles and sets.
pub(crate) fn constraints(draft: &mut Draft, dice: &mut Dice) {
    for number in 0..dice.between(1, 4) {
        let id = format!("rare-{number}");
        let made = match dice.below(7) {
            0 => location_of_set(draft, dice, &id),
            1 => location_of_pattern(draft, dice, &id),
            2 => location_of_role(draft, dice, &id),
            3 => order_of_roles(draft, dice, &id),
            4 => sets_with_roles(draft, dice, &id, "rsc_order"),
            5 => sets_with_roles(draft, dice, &id, "rsc_colocation"),
            _ => ticket_of_role(draft, dice, &id),
        };
        draft.constraints.extend(made);
    }
}

fn location_of_set(draft: &Draft, dice: &mut Dice, id: &str) -> Option<Element> {
    let mut set = Element::new("resource_set").with("id", format!("{id}-set"));
    if dice.percent(30) {
        set.set("role", dice.word(&ROLES));
    }
    for name in some(draft, dice) {
        set.push(Element::new("resource_ref").with("id", name));
    }
    Some(score_on_node(draft, dice, Element::new("rsc_location").with("id", id).with_child(set)))
}

fn location_of_pattern(draft: &Draft, dice: &mut Dice, id: &str) -> Option<Element> {
    let pattern = dice.word(&["^[a-c]$", ".*1", "^m", "^(g|h).*", "[k-l]-in", "!^a", "x"]);
    let location = Element::new("rsc_location").with("id", id).with("rsc-pattern", pattern);
    Some(score_on_node(draft, dice, location))
}

fn location_of_role(draft: &Draft, dice: &mut Dice, id: &str) -> Option<Element> {
    let location = Element::new("rsc_location")
        .with("id", id)
        .with("rsc", dice.pick(&draft.names()).as_str())
        .with("role", dice.word(&ROLES));
    Some(score_on_node(draft, dice, location))
}

fn score_on_node(draft: &Draft, dice: &mut Dice, location: Element) -> Element {
    location
        .with("node", dice.pick(&draft.nodes).as_str())
        .with("score", dice.word(&["INFINITY", "-INFINITY", "100", "-100"]))
}

fn order_of_roles(draft: &Draft, dice: &mut Dice, id: &str) -> Option<Element> {
    let mut both = some(draft, dice).into_iter();
    let (first, then) = (both.next()?, both.next()?);
    let actions = |dice: &mut Dice, name: &str| {
        let promotable = name.starts_with(['m', 'n']);
        let all = ["start", "stop", "promote", "demote"];
        dice.word(if promotable { &all } else { &all[..2] }).to_owned()
    };
    let mut order = Element::new("rsc_order").with("id", id);
    order.set("first-action", actions(dice, &first));
    order.set("then-action", actions(dice, &then));
    order.set("first", first);
    order.set("then", then);
    if dice.percent(40) {
        order.set("kind", dice.word(&["Optional", "Mandatory", "Serialize"]));
    }
    if dice.percent(30) {
        order.set("symmetrical", dice.word(&["true", "false"]));
    }
    if dice.percent(25) {
        order.set("require-all", dice.word(&["true", "false"]));
    }
    Some(order)
}

fn sets_with_roles(draft: &Draft, dice: &mut Dice, id: &str, kind: &str) -> Option<Element> {
    let mut constraint = Element::new(kind).with("id", id);
    if kind == "rsc_colocation" {
        constraint.set("score", dice.word(&["INFINITY", "-INFINITY", "200"]));
    }
    let mut left = draft.names();
    for number in 0..dice.between(1, 3) {
        let mut set = Element::new("resource_set").with("id", format!("{id}-{number}"));
        let mut promotable = true;
        for _ in 0..dice.between(1, 2).min(left.len()) {
            let name = left.remove(dice.below(left.len()));
            promotable &= name.starts_with(['m', 'n']);
            set.push(Element::new("resource_ref").with("id", name));
        }
        if set.children().next().is_none() {
            break;
        }
        if dice.percent(40) {
            set.set("sequential", dice.word(&["false", "true"]));
        }
        if kind == "rsc_colocation" {
            let roles = ["Started", "Master", "Slave", "Promoted", "Unpromoted"];
            if dice.percent(40) {
                set.set("role", dice.word(if promotable { &roles } else { &roles[..1] }));
            }
        } else {
            let actions = ["start", "stop", "promote", "demote"];
            if dice.percent(40) {
                set.set("action", dice.word(if promotable { &actions } else { &actions[..2] }));
            }
            if dice.percent(25) {
                set.set("require-all", "false");
            }
        }
        constraint.push(set);
    }
    constraint.children().next()?;
    Some(constraint)
}

fn ticket_of_role(draft: &mut Draft, dice: &mut Dice, id: &str) -> Option<Element> {
    let name = dice.pick(&draft.names()).clone();
    let mut ticket = Element::new("rsc_ticket").with("id", id).with("ticket", "rare");
    if name.starts_with(['m', 'n']) && dice.percent(70) {
        ticket.set("rsc-role", dice.word(&["Master", "Promoted", "Slave"]));
    }
    if dice.percent(70) {
        ticket.set("loss-policy", dice.word(&["stop", "freeze", "demote", "fence"]));
    }
    ticket.set("rsc", name);
    if draft.tickets.iter().all(|state| state.id() != Some("rare")) && dice.percent(80) {
        draft.tickets.push(
            Element::new("ticket_state")
                .with("id", "rare")
                .with("granted", dice.word(&["true", "false"])),
        );
    }
    Some(ticket)
}

/// Options of the cluster.
pub(crate) fn settings(draft: &mut Draft, dice: &mut Dice) {
    for (name, percent, values) in [
        ("stop-all-resources", 6, ["true"].as_slice()),
        ("maintenance-mode", 8, &["true"]),
        ("enable-startup-probes", 15, &["false"]),
        ("remove-after-stop", 6, &["true"]),
        ("stop-orphan-resources", 10, &["false"]),
        ("stop-orphan-actions", 10, &["false"]),
        ("start-failure-is-fatal", 15, &["false"]),
        ("startup-fencing", 15, &["false"]),
        ("stonith-action", 15, &["off", "reboot"]),
        ("have-watchdog", 15, &["true"]),
        ("stonith-watchdog-timeout", 15, &["10", "0"]),
        ("symmetric-cluster", 10, &["false"]),
        ("is-managed-default", 5, &["false"]),
        ("default-resource-stickiness", 5, &["100"]),
        ("placement-strategy", 10, &["balanced", "utilization"]),
    ] {
        if dice.percent(percent) {
            draft.properties.insert(name.to_owned(), dice.word(values).to_owned());
        }
    }
    for node in draft.nodes.clone() {
        if dice.percent(6) {
            let attributes = draft.attributes.entry(node).or_default();
            attributes.insert("terminate".to_owned(), dice.word(&["true", "1"]).to_owned());
        }
    }
}

/// Results of every kind, at the end of some histories. Where failures expire none says that something
/// was promoted: since 2.1.5 such a one tells no role any more once it has expired.
pub(crate) fn results(draft: &mut Draft, dice: &mut Dice) {
    let expire = draft
        .resources
        .iter()
        .flat_map(Element::descendants)
        .any(|pair| pair.get("name") == Some("failure-timeout"));
    let histories = draft
        .states
        .iter_mut()
        .filter_map(|state| state.child_mut("lrm").and_then(|lrm| lrm.child_mut("lrm_resources")))
        .flat_map(Element::children_mut);
    for entry in histories.flat_map(Element::children_mut) {
        if entry.get("op-status") == Some("-1") || !dice.percent(10) {
            continue;
        }
        let promoted = !expire && entry.get("operation") != Some("stop");
        let (rc, status) = match dice.below(12) {
            0 => ("1", "2"),
            1 => ("1", "4"),
            2 => ("5", "7"),
            3 => ("3", "3"),
            4 => ("2", "0"),
            5 => ("3", "0"),
            6 => ("4", "0"),
            7 => ("6", "0"),
            8 => ("190", "0"),
            9 if promoted => ("8", "0"),
            10 if promoted => ("9", "0"),
            11 => ("1", "1"),
            _ => ("7", "0"),
        };
        let key = entry.get("transition-key").unwrap_or_default().to_owned();
        entry.set("rc-code", rc);
        entry.set("op-status", status);
        entry.set("transition-magic", format!("{status}:{rc};{key}"));
    }
}

/// Attributes of nodes that come and go, and which members of the cluster have in memory only.
pub(crate) fn transient(draft: &mut Draft, dice: &mut Dice) {
    for state in &mut draft.states {
        if !dice.percent(12) || state.child("transient_attributes").is_some() {
            continue;
        }
        let id = state.id().unwrap_or_default().to_owned();
        let (name, value) = *dice.pick(&[
            ("standby", "true"),
            ("terminate", "true"),
            ("probe_complete", "true"),
            ("rack", "south"),
        ]);
        let set = pairs(
            "instance_attributes",
            &format!("status-{id}"),
            &[(name.to_owned(), value.to_owned())].into(),
        );
        state.push(Element::new("transient_attributes").with("id", id).with_child(set));
    }
}

/// Two or three different resources.
fn some(draft: &Draft, dice: &mut Dice) -> Vec<String> {
    let mut left = draft.names();
    let count = dice.between(2, 3).min(left.len());
    (0..count).map(|_| left.remove(dice.below(left.len()))).collect()
}

fn clones(draft: &Draft) -> Vec<String> {
    named(draft, "clone")
}

/// Ids of the uppermost resources of a kind.
fn named(draft: &Draft, kind: &str) -> Vec<String> {
    let found = draft.resources.iter().filter(|resource| resource.name() == kind);
    found.filter_map(Element::id).map(str::to_owned).collect()
}

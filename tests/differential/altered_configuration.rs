//! Alterations of a case's configuration: other shapes of its constraints, other kinds of resources.

use cib::Element;

use crate::altered::{
    CONSTRAINTS, RESOURCES, STATUS, TAGS, change_one, constrain, node_names, primitives,
    remove_one, renamed, set_pair, tops, two,
};
use crate::dice::Dice;

/// An order or a colocation of two becomes one of sets, maybe with a third resource.
pub(crate) fn constraint_of_sets(document: &mut Element, dice: &mut Dice) -> bool {
    let names = tops(document);
    let pair = |one: &Element| {
        let keys = if one.name() == "rsc_order" { ["first", "then"] } else { ["rsc", "with-rsc"] };
        let listed = matches!(one.name(), "rsc_order" | "rsc_colocation");
        listed && keys.iter().all(|key| one.get(key).is_some())
    };
    change_one(document, CONSTRAINTS, pair, dice, |constraint, dice| {
        let order = constraint.name() == "rsc_order";
        let keys = if order { ["first", "then"] } else { ["rsc", "with-rsc"] };
        let parts = ["first-action", "then-action", "rsc-role", "with-rsc-role"];
        let mut members: Vec<String> =
            keys.iter().filter_map(|key| constraint.unset(key)).collect();
        parts.iter().for_each(|part| drop(constraint.unset(part)));
        if let Some(third) = names.get(dice.below(2 * names.len().max(1)))
            && !members.contains(third)
        {
            members.push(third.clone());
        }
        let id = constraint.id().unwrap_or_default().to_owned();
        let cut = dice.between(1, members.len());
        for (number, part) in [&members[..cut], &members[cut..]].into_iter().enumerate() {
            if part.is_empty() {
                continue;
            }
            let mut set = Element::new("resource_set").with("id", format!("{id}-{number}"));
            if dice.percent(40) {
                set.set("sequential", dice.word(&["true", "false"]));
            }
            if order && dice.percent(30) {
                set.set("require-all", "false");
            }
            for name in part {
                set.push(Element::new("resource_ref").with("id", name));
            }
            constraint.push(set);
        }
    })
}

/// A constraint says something more about its kind.
pub(crate) fn other_kind(document: &mut Element, dice: &mut Dice) -> bool {
    let both =
        |one: &Element| matches!(one.name(), "rsc_order" | "rsc_colocation" | "rsc_location");
    change_one(document, CONSTRAINTS, both, dice, |constraint, dice| {
        let (name, values): (&str, &[&str]) = match constraint.name() {
            "rsc_order" => *dice.pick(&[
                ("kind", ["Mandatory", "Optional", "Serialize"].as_slice()),
                ("symmetrical", &["true", "false"]),
                ("require-all", &["true", "false"]),
                ("first-action", &["start", "stop"]),
                ("then-action", &["start", "stop"]),
            ]),
            "rsc_colocation" => *dice.pick(&[
                ("influence", ["true", "false"].as_slice()),
                ("node-attribute", &["rack", "#uname"]),
            ]),
            _ => ("resource-discovery", &["always", "never", "exclusive"]),
        };
        constraint.set(name, dice.word(values));
    })
}

/// A constraint is about a role of what can be promoted.
pub(crate) fn about_a_role(document: &mut Element, dice: &mut Dice) -> bool {
    let promotable: Vec<String> = document
        .at(RESOURCES)
        .into_iter()
        .flat_map(Element::children)
        .filter(|top| {
            let said = |pair: &Element| {
                pair.get("name") == Some("promotable") && pair.get("value") == Some("true")
            };
            top.name() == "master" || (top.name() == "clone" && top.descendants().any(said))
        })
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect();
    let names = |one: &Element, key: &str| {
        one.get(key).is_some_and(|name| promotable.iter().any(|known| known == name))
    };
    const KEYS: [&str; 4] = ["rsc", "with-rsc", "first", "then"];
    let fits = |one: &Element| KEYS.iter().any(|key| names(one, key));
    change_one(document, CONSTRAINTS, fits, dice, |constraint, dice| {
        let fit: Vec<&str> = KEYS.into_iter().filter(|key| names(constraint, key)).collect();
        let role = dice.word(&["Master", "Slave", "Started", "Promoted"]);
        let action = dice.word(&["promote", "demote", "start", "stop"]);
        match (constraint.name(), dice.word(&fit)) {
            ("rsc_location", _) => constraint.set("role", role),
            ("rsc_order", key) => constraint.set(&format!("{key}-action"), action),
            (_, key) => constraint.set(&format!("{key}-role"), role),
        };
    })
}

/// A primitive that stands alone becomes a group, maybe with its neighbour; constraints follow it.
pub(crate) fn resource_grouped(document: &mut Element, dice: &mut Dice) -> bool {
    let plain = |one: &Element| {
        one.name() == "primitive"
            && one.get("class") == Some("ocf")
            && one.get("type") != Some("remote")
    };
    let with_next = dice.percent(50);
    wrap(document, dice, plain, |resources, at| {
        let id = format!("{}-group", resources[at].id().unwrap_or_default());
        let mut group = Element::new("group").with("id", id).with_child(resources[at].clone());
        if with_next && resources.get(at + 1).is_some_and(plain) {
            group.push(resources.remove(at + 1));
        }
        resources[at] = group;
    })
}

/// A group becomes a clone; constraints follow it.
pub(crate) fn group_cloned(document: &mut Element, dice: &mut Dice) -> bool {
    let plain = |one: &Element| one.name() == "group";
    wrap(document, dice, plain, |resources, at| {
        let id = format!("{}-clone", resources[at].id().unwrap_or_default());
        resources[at] = Element::new("clone").with("id", id).with_child(resources[at].clone());
    })
}

/// Puts one of the uppermost resources into another; constraints then name that one.
fn wrap(
    document: &mut Element,
    dice: &mut Dice,
    fits: impl Fn(&Element) -> bool,
    change: impl FnOnce(&mut Vec<Element>, usize),
) -> bool {
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    let mut all: Vec<Element> = resources.children().cloned().collect();
    let places: Vec<usize> = (0..all.len()).filter(|at| fits(&all[*at])).collect();
    if places.is_empty() {
        return false;
    }
    let at = *dice.pick(&places);
    let from = all[at].id().unwrap_or_default().to_owned();
    change(&mut all, at);
    let to = all[at].id().unwrap_or_default().to_owned();
    resources.retain_children(|_| false);
    all.into_iter().for_each(|resource| resources.push(resource));
    for section in [CONSTRAINTS, TAGS] {
        if let Some(found) = document.at_mut(section) {
            renamed(found, &from, &to);
        }
    }
    true
}

/// A resource needs a ticket.
pub(crate) fn with_ticket(document: &mut Element, dice: &mut Dice) -> bool {
    let names = tops(document);
    if names.is_empty() {
        return false;
    }
    let ticket = Element::new("rsc_ticket")
        .with("rsc", dice.pick(&names))
        .with("ticket", "altered")
        .with("loss-policy", dice.word(&["stop", "freeze", "demote", "fence"]));
    let Some(status) = document.child_mut("status") else { return false };
    let tickets = status.child_or_insert("tickets");
    if tickets.children().all(|state| state.id() != Some("altered")) {
        tickets.push(
            Element::new("ticket_state")
                .with("id", "altered")
                .with("granted", dice.word(&["true", "false"]))
                .with("standby", dice.word(&["false", "false", "true"])),
        );
    }
    constrain(document, ticket)
}

/// Nodes have a capacity, and resources take of it.
pub(crate) fn with_utilization(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(options) = document.at_mut(&["configuration", "crm_config"]) else { return false };
    let strategy = dice.word(&["utilization", "minimal", "balanced"]);
    let set = options.child_or_insert("cluster_property_set");
    set_pair(set, "altered-use", "placement-strategy", strategy);
    let mut give = |holder: &mut Element, most: usize| {
        let id = format!("{}-use", holder.id().unwrap_or_default());
        let set = holder.child_or_insert("utilization");
        if set.id().is_none() {
            set.set("id", &id);
        }
        set_pair(set, &id, "altered", &dice.between(1, most).to_string());
    };
    let Some(configuration) = document.child_mut("configuration") else { return false };
    for node in configuration.child_mut("nodes").into_iter().flat_map(Element::children_mut) {
        give(node, 8);
    }
    let tops = configuration.child_mut("resources").into_iter().flat_map(Element::children_mut);
    for top in tops {
        if top.name() == "primitive" {
            give(top, 4);
        } else {
            let members = top.children_mut().filter(|one| one.name() == "primitive");
            members.for_each(|member| give(member, 3));
        }
    }
    true
}

/// A resource is a machine that takes resources itself.
pub(crate) fn guest_made(document: &mut Element, dice: &mut Dice) -> bool {
    let plain = |one: &Element| {
        one.name() == "primitive"
            && one.get("class") == Some("ocf")
            && one.get("type") != Some("remote")
    };
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    let count = resources.children().filter(|one| plain(one)).count();
    if count == 0 {
        return false;
    }
    let number = dice.below(count);
    if let Some(found) = resources.children_mut().filter(|one| plain(one)).nth(number) {
        let set = found.child_or_insert("meta_attributes");
        if set.id().is_none() {
            set.set("id", "altered-guest");
        }
        set_pair(set, "altered-guest", "remote-node", "visitor");
    }
    true
}

/// There is one more node, at the end of a connection.
pub(crate) fn remote_made(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    if resources.children().any(|one| one.id() == Some("faraway")) {
        return false;
    }
    resources.push(
        Element::new("primitive")
            .with("id", "faraway")
            .with("class", "ocf")
            .with("provider", "pacemaker")
            .with("type", "remote"),
    );
    let Some(status) = document.at_mut(STATUS) else { return false };
    let up = |state: &Element| {
        let holder = state.child("lrm").and_then(|lrm| lrm.child("lrm_resources"));
        state.get("crmd") == Some("online") && holder.is_some()
    };
    let mut connected = false;
    for state in status.children_mut().filter(|state| up(state)) {
        let here = !connected && dice.percent(60);
        let (task, rc) = if here { ("start", "0") } else { ("monitor", "7") };
        let key = format!("4:4:{rc}:00000000-0000-0000-0000-000000000001");
        let result = Element::new("lrm_rsc_op")
            .with("id", "faraway_last_0")
            .with("operation_key", format!("faraway_{task}_0"))
            .with("operation", task)
            .with("crm_feature_set", "3.16.1")
            .with("transition-magic", format!("0:{rc};{key}"))
            .with("transition-key", key)
            .with("call-id", "1")
            .with("rc-code", rc)
            .with("op-status", "0")
            .with("interval", "0");
        let history = Element::new("lrm_resource")
            .with("id", "faraway")
            .with("class", "ocf")
            .with("provider", "pacemaker")
            .with("type", "remote")
            .with_child(result);
        let lrm = state.child_or_insert("lrm");
        lrm.child_or_insert("lrm_resources").push(history);
        connected |= here;
    }
    if connected {
        let lrm =
            Element::new("lrm").with("id", "faraway").with_child(Element::new("lrm_resources"));
        status.push(
            Element::new("node_state")
                .with("remote_node", "true")
                .with("id", "faraway")
                .with("uname", "faraway")
                .with_child(lrm),
        );
    }
    true
}

/// One more operation is configured.
pub(crate) fn operation_added(document: &mut Element, dice: &mut Dice) -> bool {
    let fits =
        |element: &Element| element.name() == "primitive" && element.get("template").is_none();
    change_one(document, RESOURCES, fits, dice, |primitive, dice| {
        let id = format!("{}-altered", primitive.id().unwrap_or_default());
        let mut operation = Element::new("op").with("id", id);
        let (name, interval) = *dice.pick(&[
            ("monitor", "10s"),
            ("monitor", "33s"),
            ("start", "0"),
            ("stop", "0"),
            ("promote", "0"),
            ("demote", "0"),
        ]);
        operation.set("name", name);
        operation.set("interval", interval);
        if interval != "0" && dice.percent(50) {
            operation.set("role", dice.word(&["Stopped", "Slave", "Master", "Started"]));
        }
        if dice.percent(50) {
            let policies: &[&str] = match name {
                "stop" => &["ignore", "block", "standby", "fence"],
                "demote" => &["ignore", "block", "stop", "fence"],
                _ => &["ignore", "block", "stop", "restart", "standby", "fence"],
            };
            operation.set("on-fail", dice.word(policies));
        }
        if dice.percent(20) {
            operation.set("enabled", "false");
        }
        primitive.child_or_insert("operations").push(operation);
    })
}

/// A node is configured no more; its status stays.
pub(crate) fn node_removed(document: &mut Element, dice: &mut Dice) -> bool {
    if node_names(document).len() < 2 {
        return false;
    }
    let nodes = &["configuration", "nodes"];
    remove_one(document, nodes, |one| one.name() == "node", dice)
}

/// A primitive is configured no more, whatever names it or holds it; its history stays.
pub(crate) fn primitive_removed(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(resources) = document.at_mut(RESOURCES) else { return false };
    let plain = |one: &Element| one.name() == "primitive";
    let count = resources.children().filter(|one| plain(one)).count();
    if count < 2 {
        return false;
    }
    let (number, mut seen) = (dice.below(count), 0);
    resources.retain_children(|one| {
        let chosen = plain(one) && seen == number;
        seen += usize::from(plain(one));
        !chosen
    });
    true
}

/// One more location, by a rule.
pub(crate) fn location_by_rule(document: &mut Element, dice: &mut Dice) -> bool {
    let (names, nodes) = (tops(document), node_names(document));
    if names.is_empty() || nodes.is_empty() {
        return false;
    }
    let mut expression = Element::new("expression").with("id", "altered-expression");
    let (attribute, operation) = *dice.pick(&[
        ("#uname", "eq"),
        ("#uname", "ne"),
        ("#kind", "eq"),
        ("rack", "defined"),
        ("rack", "not_defined"),
    ]);
    expression.set("attribute", attribute);
    expression.set("operation", operation);
    match attribute {
        "#uname" => expression.set("value", dice.pick(&nodes)),
        "#kind" => expression.set("value", dice.word(&["cluster", "remote", "container"])),
        _ => {}
    }
    let rule = Element::new("rule")
        .with("id", "altered-rule")
        .with("score", dice.word(&["INFINITY", "-INFINITY", "100", "-100"]))
        .with_child(expression);
    let mut location = Element::new("rsc_location").with("rsc", dice.pick(&names)).with_child(rule);
    if dice.percent(20) {
        location.set("resource-discovery", dice.word(&["never", "exclusive"]));
    }
    constrain(document, location)
}

/// A colocation of two by an attribute of their nodes.
pub(crate) fn colocation_by_attribute(document: &mut Element, dice: &mut Dice) -> bool {
    let Some((dependent, primary)) = two(document, dice) else { return false };
    let nodes = document.at_mut(&["configuration", "nodes"]);
    for node in nodes.into_iter().flat_map(Element::children_mut) {
        let id = format!("{}-rack", node.id().unwrap_or_default());
        let set = node.child_or_insert("instance_attributes");
        if set.id().is_none() {
            set.set("id", &id);
        }
        set_pair(set, &id, "rack", dice.word(&["north", "south"]));
    }
    let colocation = Element::new("rsc_colocation")
        .with("rsc", dependent)
        .with("with-rsc", primary)
        .with("node-attribute", "rack")
        .with("score", dice.word(&["INFINITY", "-INFINITY", "50"]));
    constrain(document, colocation)
}

/// Nodes' health matters.
pub(crate) fn with_health(document: &mut Element, dice: &mut Dice) -> bool {
    let Some(options) = document.at_mut(&["configuration", "crm_config"]) else { return false };
    let set = options.child_or_insert("cluster_property_set");
    let strategies = ["migrate-on-red", "only-green", "progressive", "custom"];
    set_pair(set, "altered-health", "node-health-strategy", dice.word(&strategies));
    if dice.percent(30) {
        set_pair(set, "altered-health", "node-health-base", dice.word(&["100", "-100"]));
    }
    let node = |one: &Element| one.name() == "node";
    change_one(document, &["configuration", "nodes"], node, dice, |node, dice| {
        let id = format!("{}-health", node.id().unwrap_or_default());
        let set = node.child_or_insert("instance_attributes");
        if set.id().is_none() {
            set.set("id", &id);
        }
        set_pair(set, "altered", "#health-disk", dice.word(&["red", "yellow", "green", "-5"]));
    })
}

/// Resources, or operations, have a default.
pub(crate) fn with_defaults(document: &mut Element, dice: &mut Dice) -> bool {
    let (section, name, value) = *dice.pick(&[
        ("rsc_defaults", "resource-stickiness", "100"),
        ("rsc_defaults", "migration-threshold", "1"),
        ("rsc_defaults", "failure-timeout", "60s"),
        ("rsc_defaults", "multiple-active", "stop_unexpected"),
        ("rsc_defaults", "is-managed", "false"),
        ("rsc_defaults", "target-role", "Stopped"),
        ("rsc_defaults", "allow-migrate", "true"),
        ("op_defaults", "on-fail", "block"),
        ("op_defaults", "on-fail", "ignore"),
        ("op_defaults", "timeout", "77s"),
        ("op_defaults", "record-pending", "false"),
    ]);
    let Some(configuration) = document.child_mut("configuration") else { return false };
    let set = configuration.child_or_insert(section).child_or_insert("meta_attributes");
    let id = format!("altered-{section}");
    if set.id().is_none() {
        set.set("id", &id);
    }
    set_pair(set, &id, name, value);
    true
}

/// A meta-attribute of a primitive inside of something.
pub(crate) fn member_option(document: &mut Element, dice: &mut Dice) -> bool {
    let all = primitives(document);
    let (name, value) = *dice.pick(&[
        ("is-managed", "false"),
        ("maintenance", "true"),
        ("target-role", "Stopped"),
        ("critical", "false"),
        ("priority", "7"),
        ("resource-stickiness", "10"),
        ("migration-threshold", "1"),
    ]);
    let tops = tops(document);
    let inner: Vec<&String> = all.iter().filter(|id| !tops.contains(id)).collect();
    if inner.is_empty() {
        return false;
    }
    let chosen = (*dice.pick(&inner)).clone();
    let fits = |one: &Element| one.name() == "primitive" && one.id() == Some(&chosen);
    change_one(document, RESOURCES, fits, dice, |primitive, _| {
        let id = format!("{chosen}-option");
        let set = primitive.child_or_insert("meta_attributes");
        if set.id().is_none() {
            set.set("id", &id);
        }
        set_pair(set, &id, name, value);
    })
}

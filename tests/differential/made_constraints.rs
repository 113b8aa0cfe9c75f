//! Features: constraints of every kind.

use cib::Element;

use crate::dice::Dice;
use crate::draft::Draft;

const SCORES: [&str; 8] =
    ["INFINITY", "-INFINITY", "100", "-100", "1", "INFINITY", "500", "-INFINITY"];

/// Preferences and bans, by name or by rule.
pub(crate) fn locations(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.below(5) {
        let id = format!("location-{number}");
        let mut element = Element::new("rsc_location")
            .with("id", id.as_str())
            .with("rsc", dice.pick(&names).as_str());
        let score = dice.word(&SCORES);
        if dice.percent(65) {
            element.set("node", dice.pick(&draft.nodes).as_str());
            element.set("score", score);
        } else {
            let operation = dice.word(&["eq", "ne", "defined", "not_defined"]);
            let mut expression = Element::new("expression")
                .with("id", format!("{id}-expression"))
                .with("attribute", "rack")
                .with("operation", operation);
            if matches!(operation, "eq" | "ne") {
                expression.set("value", "north");
            }
            element.push(
                Element::new("rule")
                    .with("id", format!("{id}-rule"))
                    .with("score", score)
                    .with_child(expression),
            );
        }
        if dice.percent(10) {
            element.set("resource-discovery", dice.word(&["never", "exclusive", "always"]));
        }
        draft.constraints.push(element);
    }
}

/// Two different resources, if there are two.
fn two(names: &[String], dice: &mut Dice) -> Option<(String, String)> {
    let one = dice.pick(names).clone();
    let others: Vec<&String> = names.iter().filter(|name| **name != one).collect();
    if others.is_empty() { None } else { Some((one, (*dice.pick(&others)).clone())) }
}

/// Colocations between two resources.
pub(crate) fn colocations(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.between(1, 4) {
        let Some((one, two)) = two(&names, dice) else { return };
        let mut element = Element::new("rsc_colocation")
            .with("id", format!("colocation-{number}"))
            .with("rsc", one)
            .with("with-rsc", two)
            .with("score", dice.word(&SCORES));
        if dice.percent(10) {
            element.set("node-attribute", "rack");
        }
        if dice.percent(10) {
            element.set("influence", dice.word(&["true", "false"]));
        }
        draft.constraints.push(element);
    }
}

/// Orders between two resources.
pub(crate) fn orders(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.between(1, 4) {
        let Some((first, then)) = two(&names, dice) else { return };
        let mut element = Element::new("rsc_order")
            .with("id", format!("order-{number}"))
            .with("first", first)
            .with("then", then);
        if dice.percent(60) {
            element.set("kind", dice.word(&["Optional", "Mandatory", "Serialize"]));
        }
        if dice.percent(15) {
            element.set("symmetrical", "false");
        }
        if dice.percent(15) {
            element.set("first-action", dice.word(&["start", "stop"]));
        }
        draft.constraints.push(element);
    }
}

/// A constraint of sets: an order or a colocation.
pub(crate) fn sets(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.between(1, 2) {
        let order = dice.percent(50);
        let (tag, id) = if order {
            ("rsc_order", format!("order-set-{number}"))
        } else {
            ("rsc_colocation", format!("colocation-set-{number}"))
        };
        let mut element = Element::new(tag).with("id", id.as_str());
        if !order {
            element.set("score", dice.word(&["INFINITY", "100", "-INFINITY"]));
        } else if dice.percent(40) {
            element.set("kind", dice.word(&["Optional", "Mandatory", "Serialize"]));
        }
        let mut left = names.clone();
        for set in 0..dice.between(1, 3) {
            let mut group = Element::new("resource_set").with("id", format!("{id}-{set}"));
            if dice.percent(40) {
                group.set("sequential", "false");
                if order && dice.percent(50) {
                    group.set("require-all", "false");
                }
            }
            for _ in 0..dice.between(1, 3) {
                if left.is_empty() {
                    break;
                }
                let name = left.remove(dice.below(left.len()));
                group.push(Element::new("resource_ref").with("id", name));
            }
            if group.children().next().is_some() {
                element.push(group);
            }
        }
        draft.constraints.push(element);
    }
}

/// Tickets: granted, revoked, unknown, in standby.
pub(crate) fn tickets(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.between(1, 2) {
        let mut element = Element::new("rsc_ticket")
            .with("id", format!("ticket-{number}"))
            .with("rsc", dice.pick(&names).as_str())
            .with("ticket", "site");
        if dice.percent(80) {
            element.set("loss-policy", dice.word(&["stop", "freeze", "demote"]));
        }
        draft.constraints.push(element);
    }
    if dice.percent(80) {
        let granted = dice.word(&["true", "false"]);
        let mut state = Element::new("ticket_state").with("id", "site").with("granted", granted);
        if dice.percent(20) {
            state.set("standby", "true");
        }
        draft.tickets.push(state);
    }
}

/// Constraints of promoted instances.
pub(crate) fn roles(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    let bundled =
        |name: &str| draft.bundles.iter().any(|bundle| bundle.id == name && bundle.is_promotable());
    let promotable: Vec<String> = names
        .iter()
        .filter(|name| *name == "m" || *name == "n" || bundled(name))
        .cloned()
        .collect();
    if promotable.is_empty() {
        return;
    }
    let clone = dice.pick(&promotable).clone();
    let others: Vec<String> = names.into_iter().filter(|name| *name != clone).collect();
    for (number, role) in [(0, "Master"), (1, "Promoted")].into_iter().take(dice.between(1, 2)) {
        let id = format!("role-{number}");
        let element = match dice.below(3) {
            0 => Element::new("rsc_location")
                .with("id", id.as_str())
                .with("rsc", clone.as_str())
                .with_child(
                    Element::new("rule")
                        .with("id", format!("{id}-rule"))
                        .with("role", role)
                        .with("score", dice.word(&SCORES))
                        .with_child(
                            Element::new("expression")
                                .with("id", format!("{id}-expression"))
                                .with("attribute", "#uname")
                                .with("operation", "eq")
                                .with("value", dice.pick(&draft.nodes).as_str()),
                        ),
                ),
            1 if !others.is_empty() => Element::new("rsc_colocation")
                .with("id", id)
                .with("rsc", dice.pick(&others).as_str())
                .with("with-rsc", clone.as_str())
                .with("with-rsc-role", role)
                .with("score", dice.word(&SCORES)),
            _ if !others.is_empty() => Element::new("rsc_order")
                .with("id", id)
                .with("first", clone.as_str())
                .with("first-action", "promote")
                .with("then", dice.pick(&others).as_str())
                .with("then-action", "start"),
            _ => continue,
        };
        draft.constraints.push(element);
    }
}

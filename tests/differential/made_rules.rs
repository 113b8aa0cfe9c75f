//! Features: rules, in locations, in attributes and in defaults; resource discovery.

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, NOW};

/// A number of each node, for rules to compare.
pub(crate) fn weights(draft: &mut Draft, dice: &mut Dice) {
    for node in draft.nodes.clone() {
        if dice.percent(75) {
            let value = dice.word(&["1", "2", "10", "-5", "1.5", "2.10", "heavy"]).to_owned();
            let attributes = draft.attributes.entry(node).or_default();
            attributes.insert("weight".to_owned(), value);
            attributes.insert("release".to_owned(), dice.word(&["1.9", "1.10", "2"]).to_owned());
        }
    }
}

/// Parameters and meta-attributes for rules that take their values from there.
pub(crate) fn parameters(draft: &mut Draft, dice: &mut Dice) {
    for leaf in draft.leaves.clone() {
        if dice.percent(40) {
            draft.set_parameter(&leaf.id, "rack", dice.word(&["north", "south"]));
        }
        if dice.percent(20) {
            draft.set_meta(&leaf.id, "weight", dice.word(&["1", "10"]));
        }
    }
}

/// Locations by rules of every kind.
pub(crate) fn ruled_locations(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.between(1, 3) {
        let id = format!("ruled-{number}");
        let mut element = Element::new("rsc_location")
            .with("id", id.as_str())
            .with("rsc", dice.pick(&names).as_str());
        for part in 0..dice.between(1, 2) {
            let mut rule = rule(dice, &format!("{id}-{part}"), 2);
            if dice.percent(20) {
                rule.set("score-attribute", dice.word(&["weight", "rack", "none"]));
            } else {
                let scores = ["INFINITY", "-INFINITY", "100", "-100", "7"];
                rule.set("score", dice.word(&scores));
            }
            element.push(rule);
        }
        if dice.percent(25) {
            element.set("resource-discovery", dice.word(&["never", "exclusive", "always"]));
        }
        draft.constraints.push(element);
    }
}

/// Plain locations that limit where resources are looked for.
pub(crate) fn discovery(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.names();
    for number in 0..dice.between(1, 4) {
        draft.constraints.push(
            Element::new("rsc_location")
                .with("id", format!("discovery-{number}"))
                .with("rsc", dice.pick(&names).as_str())
                .with("node", dice.pick(&draft.nodes).as_str())
                .with("score", dice.word(&["INFINITY", "100", "0", "-INFINITY"]))
                .with("resource-discovery", dice.word(&["never", "exclusive", "exclusive"])),
        );
    }
}

/// Sets of meta-attributes of resources, and defaults, that count at times or for some.
pub(crate) fn ruled_attributes(draft: &mut Draft, dice: &mut Dice) {
    let options = [
        ("resource-stickiness", ["100", "1", "INFINITY"].as_slice()),
        ("migration-threshold", &["1", "3"]),
        ("target-role", &["Stopped", "Started"]),
        ("is-managed", &["false"]),
        ("priority", &["3", "20"]),
        ("failure-timeout", &["60s", "3600s"]),
    ];
    let set = |dice: &mut Dice, id: &str, inner: Element| {
        let (name, values) = *dice.pick(&options);
        let mut set = Element::new("meta_attributes").with("id", id).with_child(inner);
        if dice.percent(50) {
            set.set("score", dice.word(&["1", "5", "INFINITY"]));
        }
        set.push(
            Element::new("nvpair")
                .with("id", format!("{id}-{name}"))
                .with("name", name)
                .with("value", dice.word(values)),
        );
        set
    };
    for leaf in draft.leaves.clone() {
        if dice.percent(25) {
            let id = format!("{}-ruled", leaf.id);
            let rule = dated_rule(dice, &id);
            let element = set(dice, &id, rule);
            if let Some(found) = draft.find_resource_mut(&leaf.id) {
                found.push(element);
            }
        }
    }
    for number in 0..dice.below(3) {
        let id = format!("defaults-{number}");
        let rule = if dice.percent(60) {
            let mut expression =
                Element::new("rsc_expression").with("id", format!("{id}-rule-expression"));
            // (2.1.5 takes one without provider for one about resources that have none)
            expression.set("provider", dice.word(&["pacemaker", "pacemaker", "heartbeat"]));
            for (name, values) in [("class", ["ocf", "stonith"]), ("type", ["Dummy", "Stateful"])] {
                if dice.percent(50) {
                    expression.set(name, dice.word(&values));
                }
            }
            Element::new("rule").with("id", format!("{id}-rule")).with_child(expression)
        } else {
            dated_rule(dice, &id)
        };
        let element = set(dice, &id, rule);
        draft.default_sets.push(element);
    }
    for number in 0..dice.below(3) {
        let id = format!("operation-defaults-{number}");
        let mut expression =
            Element::new("op_expression").with("id", format!("{id}-rule-expression"));
        expression.set("name", dice.word(&["monitor", "start", "stop"]));
        if dice.percent(40) {
            expression.set("interval", dice.word(&["10s", "20s"]));
        }
        let rule = Element::new("rule").with("id", format!("{id}-rule")).with_child(expression);
        let (name, value) =
            *dice.pick(&[("on-fail", "ignore"), ("on-fail", "block"), ("enabled", "false")]);
        draft.operation_default_sets.push(
            Element::new("meta_attributes").with("id", id.as_str()).with_child(rule).with_child(
                Element::new("nvpair")
                    .with("id", format!("{id}-{name}"))
                    .with("name", name)
                    .with("value", value),
            ),
        );
    }
}

/// Moments around now, in the forms that documents have.
fn moment(dice: &mut Dice) -> &'static str {
    const {
        // a year of 365 days after 2025-01-01
        assert!(NOW == 1_735_689_600 + 365 * 86_400);
    }
    dice.word(&[
        "2025-12-31 23:59:59Z",
        "2026-01-01",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:01Z",
        "2026-01-02 12:00:00 +02:00",
        "2025-06-01",
        "2025-365",
        "2026-W02-3",
    ])
}

/// A rule of one expression about the time.
fn dated_rule(dice: &mut Dice, id: &str) -> Element {
    let id = format!("{id}-rule");
    let expression = date_expression(dice, &format!("{id}-date"));
    Element::new("rule").with("id", id).with_child(expression)
}

fn date_expression(dice: &mut Dice, id: &str) -> Element {
    let operation = dice.word(&["gt", "lt", "in_range", "date_spec"]).to_owned();
    let mut element =
        Element::new("date_expression").with("id", id).with("operation", operation.as_str());
    match operation.as_str() {
        "gt" => element.set("start", moment(dice)),
        "lt" => element.set("end", moment(dice)),
        "in_range" => {
            element.set("start", moment(dice));
            if dice.percent(50) {
                element.set("end", moment(dice));
            } else {
                let unit = dice.word(&["hours", "days", "months", "weeks"]).to_owned();
                let duration = Element::new("duration")
                    .with("id", format!("{id}-duration"))
                    .with(unit.as_str(), dice.between(1, 8).to_string());
                element.push(duration);
            }
        }
        _ => {
            let mut spec = Element::new("date_spec").with("id", format!("{id}-spec"));
            for (name, values) in [
                ("years", ["2026", "2025", "2025-2027", "2024-"]),
                ("months", ["1", "1-6", "12", "2-"]),
                ("monthdays", ["1", "1-15", "31", "2-"]),
                ("weekdays", ["4", "1-5", "6-7", "4-"]),
                ("hours", ["0", "0-8", "9-16", "23"]),
                ("yeardays", ["1", "1-100", "365", "2-"]),
                ("weeks", ["1", "52-53", "1-10", "2-"]),
            ] {
                if dice.percent(25) {
                    spec.set(name, dice.word(&values));
                }
            }
            element.push(spec);
        }
    }
    element
}

fn attribute_expression(dice: &mut Dice, id: &str) -> Element {
    let all = ["rack", "rack", "weight", "weight", "release", "#uname", "#kind", "#id", "none"];
    let attribute = dice.word(&all);
    let operation =
        dice.word(&["eq", "ne", "lt", "gt", "lte", "gte", "defined", "not_defined"]).to_owned();
    let mut element = Element::new("expression")
        .with("id", id)
        .with("attribute", attribute)
        .with("operation", operation.as_str());
    if !matches!(operation.as_str(), "defined" | "not_defined") {
        if !matches!(attribute, "none" | "release") && dice.percent(20) {
            element.set("value-source", dice.word(&["param", "meta"]));
            element.set("value", dice.word(&["rack", "weight", "none"]));
        } else {
            let values: &[&str] = match attribute {
                "rack" => &["north", "south", "NORTH"],
                "weight" => &["1", "2", "10", "2.9", "-5"],
                "release" => &["1.9", "1.10", "1.9.1", "2"],
                "#uname" => &["alder", "birch", "cedar"],
                "#kind" => &["cluster", "remote"],
                "#id" => &["1", "2"],
                _ => &["x"],
            };
            element.set("value", dice.word(values));
        }
        // (2.1.5 goes round for ever in versions that are none)
        if attribute == "release" {
            element.set("type", "version");
        } else if dice.percent(60) {
            element.set("type", dice.word(&["string", "integer", "number"]));
        }
    }
    element
}

/// A rule, maybe of rules.
fn rule(dice: &mut Dice, id: &str, depth: usize) -> Element {
    let mut element = Element::new("rule").with("id", id);
    if dice.percent(60) {
        element.set("boolean-op", dice.word(&["and", "or"]));
    }
    for part in 0..dice.between(1, 3) {
        let id = format!("{id}-{part}");
        let child = match dice.below(10) {
            0 | 1 if depth > 0 => rule(dice, &id, depth - 1),
            2 | 3 => date_expression(dice, &id),
            _ => attribute_expression(dice, &id),
        };
        element.push(child);
    }
    element
}

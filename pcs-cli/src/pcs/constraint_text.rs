//! Constraints as text and as commands.

use pcs::constraint::location::Subject;
use pcs::constraint::view::{Constraints, Location, SetView, lines_of_sets};

use super::resource_text::{indent, quote, word};
use super::rule_text;

/// Which constraints are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All.
    All,
    /// Of resources and nodes.
    Location,
    /// Of resources with resources.
    Colocation,
    /// Of what before what.
    Order,
    /// Of tickets.
    Ticket,
}

/// Keeps the constraints of one kind.
pub(crate) fn only(mut all: Constraints, part: Part) -> Constraints {
    let keep = |of: Part| part == Part::All || part == of;
    if !keep(Part::Location) {
        all.location.clear();
        all.location_set.clear();
    }
    if !keep(Part::Colocation) {
        all.colocation.clear();
        all.colocation_set.clear();
    }
    if !keep(Part::Order) {
        all.order.clear();
        all.order_set.clear();
    }
    if !keep(Part::Ticket) {
        all.ticket.clear();
        all.ticket_set.clear();
    }
    all
}

/// Shows constraints under their headings.
pub(crate) fn text(all: &Constraints, ids: bool) -> Vec<String> {
    let sets = |id: &str, words: String, sets: &[SetView]| lines_of_sets(id, &words, sets, ids);
    let parts: [(&str, Vec<String>); 8] = [
        (
            "Location Constraints:",
            all.location.iter().flat_map(|c| c.lines(ids, &rule_text::lines)).collect(),
        ),
        (
            "Location Set Constraints:",
            all.location_set
                .iter()
                .flat_map(|c| {
                    let a = &c.attributes;
                    let words: Vec<String> = [("score", &a.score), ("node", &a.node)]
                        .into_iter()
                        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)))
                        .collect();
                    sets(&a.constraint_id, words.join(" "), &c.resource_sets)
                })
                .collect(),
        ),
        ("Colocation Constraints:", all.colocation.iter().flat_map(|c| c.lines(ids)).collect()),
        (
            "Colocation Set Constraints:",
            all.colocation_set
                .iter()
                .flat_map(|c| {
                    sets(&c.attributes.constraint_id, c.attributes.words(), &c.resource_sets)
                })
                .collect(),
        ),
        ("Order Constraints:", all.order.iter().flat_map(|c| c.lines(ids)).collect()),
        (
            "Order Set Constraints:",
            all.order_set
                .iter()
                .flat_map(|c| {
                    sets(&c.attributes.constraint_id, c.attributes.words(), &c.resource_sets)
                })
                .collect(),
        ),
        ("Ticket Constraints:", all.ticket.iter().flat_map(|c| c.lines(ids)).collect()),
        (
            "Ticket Set Constraints:",
            all.ticket_set
                .iter()
                .flat_map(|c| {
                    sets(&c.attributes.constraint_id, c.attributes.set_words(), &c.resource_sets)
                })
                .collect(),
        ),
    ];
    let mut lines = Vec::new();
    for (heading, part) in parts {
        if !part.is_empty() {
            lines.push(heading.to_owned());
            lines.extend(indent(part));
        }
    }
    lines
}

fn with_id(text: String, id: &str, ids: bool) -> String {
    if ids { format!("{text} (id: {id})") } else { text }
}

/// Shows location constraints grouped by resource.
pub(crate) fn by_resource(all: &Constraints, filter: &[Subject], ids: bool) -> Vec<String> {
    let is_meant = |c: &Location| {
        filter.is_empty()
            || filter.iter().any(|subject| match subject {
                Subject::Resource(id) => c.resource_id.as_ref() == Some(id),
                Subject::Pattern(pattern) => c.resource_pattern.as_ref() == Some(pattern),
            })
    };
    let heading = |c: &Location| match (&c.resource_id, &c.resource_pattern) {
        (Some(id), _) => format!("Resource: {id}"),
        (None, pattern) => format!("Resource pattern: {}", pattern.as_deref().unwrap_or_default()),
    };
    let mut groups: Vec<(String, Vec<&Location>)> = Vec::new();
    let plain_first = [false, true];
    for (with_rules, patterns) in plain_first.into_iter().flat_map(|p| plain_first.map(|r| (r, p)))
    {
        for c in all.location.iter().filter(|c| is_meant(c)) {
            if c.resource_id.is_none() != patterns || c.attributes.rules.is_empty() == with_rules {
                continue;
            }
            let heading = heading(c);
            match groups.iter_mut().find(|(known, _)| *known == heading) {
                Some((_, members)) => members.push(c),
                None => groups.push((heading, vec![c])),
            }
        }
    }
    let mut lines = Vec::new();
    for (heading, members) in groups {
        lines.push(heading);
        for (title, avoids) in [("Prefers:", false), ("Avoids:", true)] {
            let of_kind: Vec<String> = members
                .iter()
                .filter(|c| c.attributes.node.is_some() && c.verdict().0 == avoids)
                .map(|c| {
                    let node = c.attributes.node.as_deref().unwrap_or_default();
                    let text = format!("node '{node}' with score {}", c.verdict().1);
                    format!("    {}", with_id(text, &c.attributes.constraint_id, ids))
                })
                .collect();
            if !of_kind.is_empty() {
                lines.push(format!("  {title}"));
                lines.extend(of_kind);
            }
        }
        for c in members.iter().filter(|c| !c.attributes.rules.is_empty()) {
            let id = if ids { format!(" {}", c.attributes.constraint_id) } else { String::new() };
            lines.push(format!("  Constraint:{id}"));
            lines.push("    Rules:".to_owned());
            for rule in &c.attributes.rules {
                let rule = rule_text::lines(rule, ids);
                lines.extend(rule.into_iter().map(|line| format!("      {line}")));
            }
        }
    }
    lines
}

/// Shows location constraints grouped by node.
pub(crate) fn by_node(all: &Constraints, filter: &[String], ids: bool) -> Vec<String> {
    let mut nodes: Vec<&String> =
        all.location.iter().filter_map(|c| c.attributes.node.as_ref()).collect();
    nodes.sort();
    nodes.dedup();
    nodes.retain(|node| filter.is_empty() || filter.contains(node));
    let mut lines = Vec::new();
    for node in nodes {
        lines.push(format!("Node: {node}"));
        for (title, avoids) in [("Preferred by:", false), ("Avoided by:", true)] {
            let of_kind: Vec<String> = all
                .location
                .iter()
                .filter(|c| c.attributes.node.as_ref() == Some(node) && c.verdict().0 == avoids)
                .map(|c| {
                    let text = format!("{} with score {}", c.subject(), c.verdict().1);
                    format!("    {}", with_id(text, &c.attributes.constraint_id, ids))
                })
                .collect();
            if !of_kind.is_empty() {
                lines.push(format!("  {title}"));
                lines.extend(of_kind);
            }
        }
    }
    lines
}

fn set_commands(kind: &str, id: &str, mut options: Vec<String>, sets: &[SetView]) -> String {
    let mut lines = vec![format!("pcs -- constraint {kind}")];
    for set in sets {
        let mut words: Vec<String> = set.resources_ids.iter().map(|r| quote(r)).collect();
        for (name, value) in [("sequential", set.sequential), ("require-all", set.require_all)] {
            words.extend(value.map(|value| format!("{name}={}", u8::from(value))));
        }
        for (name, value) in [("action", &set.action), ("role", &set.role)] {
            words.extend(value.as_ref().map(|value| word(name, value)));
        }
        lines.push(format!("  set {}", words.join(" ")));
    }
    options.insert(0, word("id", id));
    lines.push(format!("  setoptions {}", options.join(" ")));
    lines.join(" \\\n")
}

fn typed(name: &str, value: Option<&String>) -> Option<String> {
    value.map(|value| word(name, value))
}

/// Writes the commands that build constraints.
pub(crate) fn commands(all: &Constraints) -> Vec<String> {
    let mut commands = Vec::new();
    commands.extend(all.location.iter().flat_map(location_commands));
    for c in &all.colocation {
        let side = |role: Option<&String>, id: &str| {
            role.map_or_else(|| quote(id), |role| format!("{} {}", quote(role), quote(id)))
        };
        let mut options = vec![word("id", &c.attributes.constraint_id)];
        options.extend(typed("score", c.attributes.score.as_ref()));
        options.extend(typed("influence", c.attributes.influence.as_ref()));
        options.extend(typed("node-attribute", c.node_attribute.as_ref()));
        commands.push(format!(
            "pcs -- constraint colocation add {} with {} \\\n  {}",
            side(c.resource_role.as_ref(), &c.resource_id),
            side(c.with_resource_role.as_ref(), &c.with_resource_id),
            options.join(" ")
        ));
    }
    for c in &all.colocation_set {
        let options = typed("score", c.attributes.score.as_ref()).into_iter().collect();
        let id = &c.attributes.constraint_id;
        commands.push(set_commands("colocation", id, options, &c.resource_sets));
    }
    for c in &all.order {
        let side = |action: Option<&String>, id: &str| {
            action.map_or_else(|| quote(id), |action| format!("{} {}", quote(action), quote(id)))
        };
        let mut options = vec![word("id", &c.attributes.constraint_id)];
        options.extend(order_options(&c.attributes));
        commands.push(format!(
            "pcs -- constraint order {} then {} \\\n  {}",
            side(c.first_action.as_ref(), &c.first_resource_id),
            side(c.then_action.as_ref(), &c.then_resource_id),
            options.join(" ")
        ));
    }
    for c in &all.order_set {
        let options = order_options(&c.attributes);
        let id = &c.attributes.constraint_id;
        commands.push(set_commands("order", id, options, &c.resource_sets));
    }
    for c in &all.ticket {
        let role = c.role.as_ref().map(|role| format!("{} ", quote(role))).unwrap_or_default();
        let mut options = vec![word("id", &c.attributes.constraint_id)];
        options.extend(typed("loss-policy", c.attributes.loss_policy.as_ref()));
        commands.push(format!(
            "pcs -- constraint ticket add {} {role}{} \\\n  {}",
            quote(&c.attributes.ticket),
            quote(&c.resource_id),
            options.join(" ")
        ));
    }
    for c in &all.ticket_set {
        let mut options: Vec<String> =
            typed("loss-policy", c.attributes.loss_policy.as_ref()).into_iter().collect();
        options.push(word("ticket", &c.attributes.ticket));
        let id = &c.attributes.constraint_id;
        commands.push(set_commands("ticket", id, options, &c.resource_sets));
    }
    commands
}

fn order_options(attributes: &pcs::constraint::view::OrderAttributes) -> Vec<String> {
    let mut options = Vec::new();
    options.extend(typed("kind", attributes.kind.as_ref()));
    for (name, value) in
        [("symmetrical", attributes.symmetrical), ("require-all", attributes.require_all)]
    {
        options.extend(value.map(|value| format!("{name}={}", u8::from(value))));
    }
    options
}

fn location_commands(c: &Location) -> Vec<String> {
    let subject = match (&c.resource_id, &c.resource_pattern) {
        (Some(id), _) => format!("resource%{id}"),
        (None, pattern) => format!("regexp%{}", pattern.as_deref().unwrap_or_default()),
    };
    let a = &c.attributes;
    let discovery = typed("resource-discovery", a.resource_discovery.as_ref());
    match &a.node {
        Some(node) => {
            let mut options: Vec<String> = typed("score", a.score.as_ref()).into_iter().collect();
            options.extend(discovery);
            vec![format!(
                "pcs -- constraint location add {} {} {} \\\n  {}",
                quote(&a.constraint_id),
                quote(&subject),
                quote(node),
                options.join(" ")
            )]
        }
        None => a
            .rules
            .iter()
            .map(|rule| {
                let mut options =
                    vec![word("constraint-id", &a.constraint_id), word("id", &rule.id)];
                options.extend(discovery.clone());
                for name in ["role", "score", "score-attribute"] {
                    options.extend(rule.option(name).map(|value| word(name, value)));
                }
                format!(
                    "pcs -- constraint location {} rule \\\n  {} \\\n  {}",
                    quote(&subject),
                    options.join(" "),
                    quote(&rule.as_string)
                )
            })
            .collect(),
    }
}

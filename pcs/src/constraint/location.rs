//! Location constraints: resources and nodes.

use cib::Element;

use super::check_resource;
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::options::{self, Wanted};
use crate::report::{Failed, Outcome};
use crate::rule;

/// What a location constraint is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One resource.
    Resource(String),
    /// All resources whose ids match.
    Pattern(String),
}

impl Subject {
    fn text(&self) -> &str {
        match self {
            Self::Resource(text) | Self::Pattern(text) => text,
        }
    }

    fn write(&self, constraint: &mut Element) {
        match self {
            Self::Resource(id) => constraint.set("rsc", id.as_str()),
            Self::Pattern(pattern) => constraint.set("rsc-pattern", pattern.as_str()),
        }
    }

    fn is_of(&self, constraint: &Element) -> bool {
        match self {
            Self::Resource(id) => constraint.get("rsc") == Some(id),
            Self::Pattern(pattern) => constraint.get("rsc-pattern") == Some(pattern),
        }
    }

    fn check(&self, env: &Environment<'_>, force: bool) -> Outcome {
        match self {
            Self::Resource(id) => check_resource(env, id, force),
            Self::Pattern(_) => Ok(()),
        }
    }
}

/// Checks nodes; a file knows no nodes that are running, so there it is only said.
fn check_nodes(env: &mut Environment<'_>, nodes: &[&str], force: bool) -> Outcome {
    if !env.live {
        env.warn(Message::NodeValidationSkipped);
        return Ok(());
    }
    let known = crate::node::all_names(&env.cib);
    for node in nodes {
        if !known.iter().any(|k| k == node) {
            let near = options::nearest(node, known.iter().map(String::as_str));
            env.forceable(Message::NodeNotInCluster { node: (*node).to_owned(), near }, force);
        }
    }
    if env.has_errors() { Err(Failed::Said) } else { Ok(()) }
}

/// Makes a resource prefer or avoid nodes, each with a score.
///
/// # Errors
/// Said.
pub fn prefer(
    env: &mut Environment<'_>,
    subject: &Subject,
    nodes: &[(String, String)],
    avoid: bool,
    force: bool,
) -> Outcome {
    let names: Vec<&str> = nodes.iter().map(|(node, _)| node.as_str()).collect();
    check_nodes(env, &names, force)?;
    if let Some((_, score)) = nodes.iter().find(|(_, score)| !options::is_score(score)) {
        return Err(Failed::because(Message::InvalidScore { score: score.clone() }));
    }
    subject.check(env, force)?;
    for (node, score) in nodes {
        let score = if avoid { negated(score) } else { score.clone() };
        let text = format!("location-{}-{node}-{score}", subject.text());
        let id = ids::sanitize(&text);
        put(env, &id, subject, node, &score, &[]);
    }
    Ok(())
}

fn negated(score: &str) -> String {
    match score.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None => format!("-{}", score.strip_prefix('+').unwrap_or(score)),
    }
}

/// Puts a constraint in the place of those about the same resource and node, or of the same id.
fn put(
    env: &mut Environment<'_>,
    id: &str,
    subject: &Subject,
    node: &str,
    score: &str,
    further: &[(String, String)],
) {
    let constraints = env.section("constraints");
    constraints.retain_children(|c| {
        let same = c.name() == "rsc_location"
            && subject.is_of(c)
            && c.get("node") == Some(node)
            && c.child("rule").is_none();
        !(same || c.id() == Some(id))
    });
    let mut constraint = Element::new("rsc_location").with("id", id);
    subject.write(&mut constraint);
    constraint.set("node", node);
    constraint.set("score", score);
    for (name, value) in further {
        constraint.set(name, value.as_str());
    }
    constraints.push(constraint);
}

/// Adds a constraint with a given id.
///
/// # Errors
/// Said.
pub fn add(
    env: &mut Environment<'_>,
    id: &str,
    subject: &Subject,
    node: &str,
    score: &str,
    further: &Pairs,
    force: bool,
) -> Outcome {
    check_nodes(env, &[node], force)?;
    if !options::is_score(score) {
        return Err(Failed::because(Message::InvalidScore { score: score.into() }));
    }
    if let Some(message) = ids::check(id, "constraint id") {
        return Err(Failed::because(message));
    }
    subject.check(env, force)?;
    put(env, id, subject, node, score, further);
    Ok(())
}

/// A location constraint with a rule.
#[derive(Clone, Debug, Default)]
pub struct RuleOptions {
    /// The constraint's id.
    pub constraint_id: Option<String>,
    /// The rule's id.
    pub rule_id: Option<String>,
    /// `role`, `score`, `score-attribute`, `resource-discovery`.
    pub options: Pairs,
}

/// Adds a constraint with a rule.
///
/// # Errors
/// Reported.
pub fn add_with_rule(
    env: &mut Environment<'_>,
    subject: &Subject,
    typed: &RuleOptions,
    text: &str,
    force: bool,
) -> Outcome {
    if let Subject::Resource(id) = subject {
        super::check_in_set(env, id, force);
    }
    if let Some(id) = &typed.constraint_id {
        env.check_new_id(id, "constraint id");
    }
    if let Some(id) = &typed.rule_id {
        env.check_new_id(id, "rule id");
    }
    let get = |name: &str| nvset::get(&typed.options, name);
    if let Some(score) = get("score")
        && !options::is_score(score)
    {
        env.error(Message::InvalidScore { score: score.into() });
    }
    if get("score").is_some() && get("score-attribute").is_some() {
        env.error(Message::MutuallyExclusive {
            names: vec!["score".into(), "score-attribute".into()],
        });
    }
    if let Some(role) = get("role") {
        let roles = ["Promoted", "Unpromoted"];
        env.check_value("role", role, roles.contains(&role), Wanted::Choice(&roles));
    }
    let discovery = get("resource-discovery").map(str::to_owned);
    if let Some(value) = &discovery {
        let choices = ["always", "exclusive", "never"];
        let good = choices.contains(&value.as_str());
        env.check_value("resource-discovery", value, good, Wanted::Choice(&choices));
    }
    let expression = env.parse_rule(text);
    env.checked()?;
    let Some(expression) = expression else { return Err(Failed::Reported) };
    let id = typed.constraint_id.clone().unwrap_or_else(|| {
        ids::free(&env.cib, &ids::sanitize(&format!("location-{}", subject.text())))
    });
    let rule_id =
        typed.rule_id.clone().unwrap_or_else(|| ids::free(&env.cib, &format!("{id}-rule")));
    let mut rule = rule::build(&env.cib, &rule_id, &expression, &mut vec![id.clone()]);
    match get("score-attribute") {
        Some(attribute) => rule.set("score-attribute", attribute),
        None => rule.set("score", get("score").unwrap_or("INFINITY")),
    }
    if let Some(role) = get("role") {
        rule.set("role", role);
    }
    let mut constraint = Element::new("rsc_location").with("id", id);
    subject.write(&mut constraint);
    if let Some(value) = discovery {
        constraint.set("resource-discovery", value);
    }
    env.section("constraints").push(constraint.with_child(rule));
    Ok(())
}

/// Removes location constraints by their ids.
///
/// # Errors
/// Said.
pub fn remove(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    let is_one = |c: &Element, id: &str| c.name() == "rsc_location" && c.id() == Some(id);
    let missing: Vec<String> =
        ids.iter().filter(|id| !super::all(&env.cib).any(|c| is_one(c, id))).cloned().collect();
    if !missing.is_empty() {
        return Err(Failed::because(Message::LocationConstraintsNotFound { ids: missing }));
    }
    env.section("constraints").retain_children(|c| !ids.iter().any(|id| is_one(c, id)));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn to_avoid_is_to_prefer_the_other_way_round() {
        for (score, negated) in [("INFINITY", "-INFINITY"), ("-5", "5"), ("+7", "-7")] {
            assert_eq!(super::negated(score), negated);
        }
    }
}

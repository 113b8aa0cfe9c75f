//! Constraints that move resources: ban, prefer, clear.

use cib::Element;

use super::{find, is_clone, is_stonith, not_found, parent};
use crate::environment::Environment;
use crate::message::Message;
use crate::nvset;
use crate::report::{Failed, Outcome};

const KINDS: [&str; 4] = ["bundle", "clone", "group", "resource"];

fn is_promotable(element: &Element) -> bool {
    let wanted = nvset::value(element, "meta_attributes", "promotable");
    element.name() == "master" || (is_clone(element) && wanted.is_some_and(crate::options::is_true))
}

/// Only a promotable clone is promoted; what is inside one is promoted with it.
fn check_promotable(env: &mut Environment<'_>, id: &str) {
    if find(&env.cib, id).is_some_and(is_promotable) {
        return;
    }
    let mut inner = id.to_owned();
    let mut clone = None;
    while let Some(outer) = parent(&env.cib, &inner) {
        inner = outer.id().unwrap_or_default().to_owned();
        if is_promotable(outer) {
            clone = Some(inner.clone());
        }
    }
    env.error(Message::PromotableNeeded { clone });
}

fn check_node(env: &mut Environment<'_>, node: &str) {
    let known = crate::node::all_names(&env.cib);
    if !known.iter().any(|name| name == node) {
        let near = crate::options::nearest(node, known.iter().map(String::as_str));
        env.error(Message::NodeNotFound { node: node.into(), near });
    }
}

fn check_resource(env: &mut Environment<'_>, id: &str, promoted: bool) {
    let found = find(&env.cib, id);
    if found.is_some_and(is_stonith) {
        env.error(Message::StonithNotAccepted);
    } else if found.is_some() {
        if promoted {
            check_promotable(env, id);
        }
    } else {
        let message = match not_found(&env.cib, id, &[]) {
            Message::IdNotFound { id, near, .. } => Message::IdNotFound {
                id,
                kinds: KINDS.iter().map(|k| (*k).to_owned()).collect(),
                near,
            },
            other => other,
        };
        env.error(message);
    }
}

/// One request to keep a resource off a node or on it.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The resource.
    pub resource: &'a str,
    /// The node; none means the one it runs on.
    pub node: Option<&'a str>,
    /// Only in the promoted role.
    pub promoted: bool,
    /// When the constraint ends to hold, as ISO 8601.
    pub until: Option<&'a str>,
    /// What was typed for how long it holds and is no time.
    pub bad_lifetime: Option<&'a str>,
}

fn tell_end(env: &mut Environment<'_>, request: &Request<'_>) {
    if let Some(until) = request.until {
        env.info(Message::MigrationUntil { until: until.into() });
    }
}

fn check(env: &mut Environment<'_>, request: &Request<'_>, verb: &str) -> Outcome {
    check_resource(env, request.resource, request.promoted);
    if let Some(node) = request.node {
        check_node(env, node);
    }
    env.checked()?;
    match request.bad_lifetime {
        None => Ok(()),
        Some(lifetime) => Err(Failed::because(Message::LifetimeInvalid {
            verb: verb.into(),
            resource: request.resource.into(),
            lifetime: lifetime.into(),
        })),
    }
}

/// Bans a resource from a node; `active` names the nodes it runs on.
///
/// # Errors
/// Reported, or said.
pub fn ban(env: &mut Environment<'_>, request: &Request<'_>, active: &[String]) -> Outcome {
    check(env, request, "ban")?;
    keep_off(env, request, active)
}

fn keep_off(env: &mut Environment<'_>, request: &Request<'_>, active: &[String]) -> Outcome {
    let node = match (request.node, active) {
        (Some(node), _) => node.to_owned(),
        (None, [only]) => only.clone(),
        (None, []) => return Err(Failed::because(Message::NodeNeededForStopped)),
        (None, _) => {
            return Err(Failed::because(Message::NodeNeededForSeveral {
                resource: request.resource.into(),
            }));
        }
    };
    let id = format!("cli-ban-{}-on-{node}", request.resource);
    put(env, &RuleNames::of_ban(&id), request, &node, "-INFINITY");
    tell_end(env, request);
    env.warn(Message::BanCreated {
        id,
        resource: request.resource.into(),
        node,
        promoted: request.promoted,
    });
    Ok(())
}

/// Makes a resource prefer a node above all; without one it is banned from where it runs.
///
/// # Errors
/// Reported, or said.
pub fn prefer(env: &mut Environment<'_>, request: &Request<'_>, active: &[String]) -> Outcome {
    check(env, request, "move")?;
    let Some(node) = request.node else {
        return keep_off(env, request, active);
    };
    // an older ban of that node would win
    remove(env, request.resource, Some(node), true);
    put(env, &RuleNames::of_preference(request.resource), request, node, "INFINITY");
    tell_end(env, request);
    env.warn(Message::MoveConstraintCreated { resource: request.resource.into() });
    Ok(())
}

/// The ids of a constraint and of the rule that ends it, as crm_resource gives them.
struct RuleNames {
    constraint: String,
    rule: String,
    expression: String,
    date: String,
}

impl RuleNames {
    fn of_ban(id: &str) -> Self {
        Self {
            constraint: id.to_owned(),
            rule: format!("{id}-rule"),
            expression: format!("{id}-expr"),
            date: format!("{id}-lifetime"),
        }
    }

    fn of_preference(resource: &str) -> Self {
        Self {
            constraint: format!("cli-prefer-{resource}"),
            rule: format!("cli-prefer-rule-{resource}"),
            expression: format!("cli-prefer-expr-{resource}"),
            date: format!("cli-prefer-lifetime-end-{resource}"),
        }
    }
}

fn put(
    env: &mut Environment<'_>,
    names: &RuleNames,
    request: &Request<'_>,
    node: &str,
    score: &str,
) {
    let role = if request.promoted { "Promoted" } else { "Started" };
    let mut constraint = Element::new("rsc_location")
        .with("id", names.constraint.as_str())
        .with("rsc", request.resource)
        .with("role", role);
    match request.until {
        None => {
            constraint.set("node", node);
            constraint.set("score", score);
        }
        Some(until) => {
            let rule = Element::new("rule")
                .with("id", names.rule.as_str())
                .with("score", score)
                .with("boolean-op", "and")
                .with_child(
                    Element::new("expression")
                        .with("id", names.expression.as_str())
                        .with("attribute", "#uname")
                        .with("operation", "eq")
                        .with("value", node)
                        .with("type", "string"),
                )
                .with_child(
                    Element::new("date_expression")
                        .with("id", names.date.as_str())
                        .with("operation", "lt")
                        .with("end", until),
                );
            constraint.push(rule);
        }
    }
    let constraints = env.section("constraints");
    constraints.retain_children(|c| c.id() != Some(&names.constraint));
    constraints.push(constraint);
}

/// Returns the node a constraint of ours is about.
fn node_of(constraint: &Element) -> Option<&str> {
    constraint.get("node").or_else(|| {
        constraint
            .child("rule")?
            .children_named("expression")
            .find(|e| e.get("attribute") == Some("#uname"))?
            .get("value")
    })
}

fn remove(env: &mut Environment<'_>, resource: &str, node: Option<&str>, bans_only: bool) {
    let ban = format!("cli-ban-{resource}-on-");
    let old_ban = format!("cli-standby-{resource}");
    let prefer = format!("cli-prefer-{resource}");
    env.section("constraints").retain_children(|c| {
        let id = c.id().unwrap_or_default();
        let ours = id.starts_with(&ban) || (!bans_only && (id == prefer || id == old_ban));
        let here = node.is_none_or(|node| node_of(c) == Some(node));
        !(c.name() == "rsc_location" && ours && here)
    });
}

/// Takes back what `ban` and `prefer` did. `expired`: only what no longer holds at `now`.
///
/// # Errors
/// Reported.
pub fn clear(
    env: &mut Environment<'_>,
    resource: &str,
    node: Option<&str>,
    promoted: bool,
    expired: Option<&str>,
) -> Outcome {
    check_resource(env, resource, promoted);
    env.checked()?;
    if let Some(node) = node
        && !crate::node::all_names(&env.cib).iter().any(|name| name == node)
    {
        return Err(Failed::because(Message::CannotClear {
            resource: resource.into(),
            node: node.into(),
        }));
    }
    let Some(now) = expired else {
        remove(env, resource, node, false);
        return Ok(());
    };
    let over = |c: &Element| {
        c.child("rule")
            .and_then(|rule| rule.child("date_expression"))
            .and_then(|date| date.get("end"))
            .is_some_and(|end| end < now)
    };
    env.section("constraints").retain_children(|c| {
        let id = c.id().unwrap_or_default();
        let ours = (id.starts_with("cli-ban-") || id.starts_with("cli-prefer-"))
            && c.get("rsc") == Some(resource)
            && node.is_none_or(|node| node_of(c) == Some(node));
        !(ours && over(c))
    });
    Ok(())
}

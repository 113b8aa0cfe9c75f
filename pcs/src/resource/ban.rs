//! Constraints that move resources: ban, prefer, clear.

use cib::Element;

use super::{find, not_found};
use crate::environment::Environment;
use crate::message::Message;
use crate::report::{Failed, Outcome};

const KINDS: [&str; 4] = ["bundle", "clone", "group", "resource"];

fn check_resource(env: &mut Environment<'_>, id: &str) -> Outcome {
    if find(&env.cib, id).is_none() {
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
    env.checked()
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
}

/// Bans a resource from a node; `active` names the nodes it runs on.
///
/// # Errors
/// Reported, or said.
pub fn ban(env: &mut Environment<'_>, request: &Request<'_>, active: &[String]) -> Outcome {
    check_resource(env, request.resource)?;
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
    put(env, &id, request, &node, "-INFINITY");
    env.warn(Message::BanCreated {
        id,
        resource: request.resource.into(),
        node,
        promoted: request.promoted,
        lifetime: request.until.is_some(),
    });
    Ok(())
}

/// Makes a resource prefer a node above all; without one it is banned from where it runs.
///
/// # Errors
/// Reported, or said.
pub fn prefer(env: &mut Environment<'_>, request: &Request<'_>, active: &[String]) -> Outcome {
    check_resource(env, request.resource)?;
    let Some(node) = request.node else {
        return ban(env, request, active);
    };
    // an older ban of that node would win
    remove(env, request.resource, Some(node), true);
    let id = format!("cli-prefer-{}", request.resource);
    put(env, &id, request, node, "INFINITY");
    env.warn(Message::MoveConstraintCreated { resource: request.resource.into() });
    Ok(())
}

fn put(env: &mut Environment<'_>, id: &str, request: &Request<'_>, node: &str, score: &str) {
    let role = if request.promoted { "Promoted" } else { "Started" };
    let mut constraint = Element::new("rsc_location")
        .with("id", id)
        .with("rsc", request.resource)
        .with("role", role);
    match request.until {
        None => {
            constraint.set("node", node);
            constraint.set("score", score);
        }
        Some(until) => {
            let rule = Element::new("rule")
                .with("id", format!("{id}-rule"))
                .with("score", score)
                .with("boolean-op", "and")
                .with_child(
                    Element::new("expression")
                        .with("id", format!("{id}-expr"))
                        .with("attribute", "#uname")
                        .with("operation", "eq")
                        .with("value", node)
                        .with("type", "string"),
                )
                .with_child(
                    Element::new("date_expression")
                        .with("id", format!("{id}-lifetime"))
                        .with("operation", "lt")
                        .with("end", until),
                );
            constraint.push(rule);
        }
    }
    let constraints = env.section("constraints");
    constraints.retain_children(|c| c.id() != Some(id));
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
    expired: Option<&str>,
) -> Outcome {
    check_resource(env, resource)?;
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

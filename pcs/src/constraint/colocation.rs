//! Colocation constraints: resources with resources.

use cib::Element;

use super::set::{self, ROLES, SetWords};
use super::{check_resource, new_id};
use crate::environment::Environment;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::options;
use crate::report::{Failed, Outcome};

/// One side of a colocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The role, if one is named.
    pub role: Option<String>,
    /// The resource.
    pub resource: String,
}

/// Adds a colocation.
///
/// # Errors
/// Said.
pub fn add(
    env: &mut Environment<'_>,
    who: &Side,
    with: &Side,
    score: Option<&str>,
    typed: &Pairs,
    force: bool,
) -> Outcome {
    super::check_not_empty(typed)?;
    for side in [who, with] {
        side.role.as_deref().map_or(Ok(()), check_role)?;
    }
    check_resource(env, &who.resource, force)?;
    check_resource(env, &with.resource, force)?;
    let score = score.or_else(|| nvset::get(typed, "score")).unwrap_or("INFINITY");
    if !options::is_score(score) {
        return Err(Failed::because(Message::InvalidScore { score: score.into() }));
    }
    let roles = match (&who.role, &with.role) {
        (None, None) => None,
        (one, other) => Some((
            one.clone().unwrap_or_else(|| "Started".into()),
            other.clone().unwrap_or_else(|| "Started".into()),
        )),
    };
    let wanted = format!("colocation-{}-{}-{score}", who.resource, with.resource);
    let id = new_id(env, nvset::get(typed, "id"), &wanted)?;
    if !force {
        check_duplicate(env, who, with, roles.as_ref())?;
    }
    let mut constraint = Element::new("rsc_colocation")
        .with("id", id)
        .with("rsc", who.resource.as_str())
        .with("with-rsc", with.resource.as_str())
        .with("score", score);
    if let Some((one, other)) = roles {
        constraint.set("rsc-role", one);
        constraint.set("with-rsc-role", other);
    }
    for (name, value) in typed.iter().filter(|(name, _)| name != "id" && name != "score") {
        constraint.set(name, value.as_str());
    }
    env.section("constraints").push(constraint);
    Ok(())
}

/// Refuses what is no role.
///
/// # Errors
/// Said.
pub fn check_role(role: &str) -> Outcome {
    if ROLES.contains(&role) {
        return Ok(());
    }
    Err(Failed::because(Message::InvalidRole {
        role: role.into(),
        allowed: ROLES.iter().map(|r| (*r).to_owned()).collect(),
    }))
}

fn check_duplicate(
    env: &mut Environment<'_>,
    who: &Side,
    with: &Side,
    roles: Option<&(String, String)>,
) -> Outcome {
    let usual = |role: Option<&str>| role.unwrap_or("Started").to_owned();
    let ours = (usual(roles.map(|r| r.0.as_str())), usual(roles.map(|r| r.1.as_str())));
    let twins: Vec<String> = super::all(&env.cib)
        .filter(|c| c.name() == "rsc_colocation")
        .filter(|c| {
            c.get("rsc") == Some(&who.resource)
                && c.get("with-rsc") == Some(&with.resource)
                && (usual(c.get("rsc-role")), usual(c.get("with-rsc-role"))) == ours
        })
        .map(|c| {
            let mut text = format!("  {} with {}", who.resource, with.resource);
            for key in ["score", "rsc-role", "with-rsc-role", "id"] {
                if let Some(value) = c.get(key) {
                    text.push_str(&format!(" ({key}:{value})"));
                }
            }
            text
        })
        .collect();
    if twins.is_empty() {
        return Ok(());
    }
    env.forceable(Message::DuplicateConstraintListed { constraints: twins }, false);
    Err(Failed::Said)
}

/// Adds a colocation of sets.
///
/// # Errors
/// Reported, or said.
pub fn add_sets(
    env: &mut Environment<'_>,
    sets: &[SetWords],
    typed: &Pairs,
    force: bool,
) -> Outcome {
    let names = typed.iter().map(|(name, _)| name.as_str());
    if !env.check_names(names, &["id", "influence", "score"], "", None) {
        return Err(Failed::Said);
    }
    let score = nvset::get(typed, "score").unwrap_or("INFINITY");
    if !options::is_score(score) {
        return Err(Failed::because(Message::InvalidScore { score: score.into() }));
    }
    if let Some(id) = nvset::get(typed, "id") {
        env.check_new_id(id, "constraint id");
    }
    env.checked()?;
    set::check(env, sets, force);
    set::check_duplicates(env, "rsc_colocation", |c| set::same_sets(c, sets), force);
    env.checked()?;
    let id = new_id(env, nvset::get(typed, "id"), &set::id_of("colocation", sets))?;
    let mut constraint =
        Element::new("rsc_colocation").with("id", id.as_str()).with("score", score);
    if let Some(influence) = nvset::get(typed, "influence") {
        constraint.set("influence", influence);
    }
    set::build(env, &mut constraint, &id, sets);
    env.section("constraints").push(constraint);
    Ok(())
}

/// Removes the colocations of two resources.
///
/// # Errors
/// Said: there is none.
pub fn remove(env: &mut Environment<'_>, who: &str, with: &str) -> Outcome {
    let is_one = |c: &Element, who: &str, with: &str| {
        c.name() == "rsc_colocation" && c.get("rsc") == Some(who) && c.get("with-rsc") == Some(with)
    };
    let there = super::all(&env.cib).any(|c| is_one(c, who, with));
    let swapped = super::all(&env.cib).any(|c| is_one(c, with, who));
    if !there && !swapped {
        return Err(Failed::because(Message::ColocationNotFound {
            who: who.into(),
            with: with.into(),
        }));
    }
    if swapped {
        env.report(crate::report::Report::deprecation(Message::ColocationSwapped));
    }
    env.section("constraints").retain_children(|c| !is_one(c, who, with) && !is_one(c, with, who));
    Ok(())
}

//! Ticket constraints: what runs only where a ticket is.

use cib::Element;

use super::set::{self, ROLES, SetWords};
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::options::Wanted;
use crate::report::{Failed, Outcome};

const LOSS_POLICIES: [&str; 4] = ["demote", "fence", "freeze", "stop"];

fn check_ticket(env: &mut Environment<'_>, ticket: &str) {
    let good = !ticket.is_empty()
        && ticket.len() <= 63
        && ticket.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !good {
        env.error(Message::InvalidTicketName { ticket: ticket.into() });
    }
}

fn check_loss_policy(env: &mut Environment<'_>, typed: &Pairs) {
    if let Some(policy) = nvset::get(typed, "loss-policy") {
        let good = LOSS_POLICIES.contains(&policy);
        env.check_value("loss-policy", policy, good, Wanted::Choice(&LOSS_POLICIES));
    }
}

/// Makes a resource depend on a ticket.
///
/// # Errors
/// Reported.
pub fn add(
    env: &mut Environment<'_>,
    ticket: &str,
    role: Option<&str>,
    resource: &str,
    typed: &Pairs,
    force: bool,
) -> Outcome {
    super::check_in_set(env, resource, force);
    check_ticket(env, ticket);
    env.check_names(typed.iter().map(|(n, _)| n.as_str()), &["id", "loss-policy"], "", None);
    if let Some(role) = role {
        env.check_value("role", role, ROLES.contains(&role), Wanted::Choice(&ROLES));
    }
    check_loss_policy(env, typed);
    if let Some(id) = nvset::get(typed, "id") {
        env.check_new_id(id, "constraint id");
    }
    env.checked()?;
    let same = |c: &Element| {
        c.get("ticket") == Some(ticket)
            && c.get("rsc") == Some(resource)
            && c.get("rsc-role") == role
    };
    set::check_duplicates(env, "rsc_ticket", same, force);
    env.checked()?;
    let role_suffix = role.map(|role| format!("-{role}")).unwrap_or_default();
    let wanted = ids::sanitize(&format!("ticket-{ticket}-{resource}{role_suffix}"));
    let id = nvset::get(typed, "id").map_or_else(|| ids::free(&env.cib, &wanted), str::to_owned);
    let mut constraint =
        Element::new("rsc_ticket").with("id", id).with("rsc", resource).with("ticket", ticket);
    if let Some(role) = role {
        constraint.set("rsc-role", role);
    }
    if let Some(policy) = nvset::get(typed, "loss-policy") {
        constraint.set("loss-policy", policy);
    }
    env.section("constraints").push(constraint);
    Ok(())
}

/// Makes sets of resources depend on a ticket.
///
/// # Errors
/// Reported.
pub fn add_sets(
    env: &mut Environment<'_>,
    sets: &[SetWords],
    typed: &Pairs,
    force: bool,
) -> Outcome {
    env.check_names(
        typed.iter().map(|(n, _)| n.as_str()),
        &["id", "loss-policy", "ticket"],
        "",
        None,
    );
    let ticket = nvset::get(typed, "ticket").map(str::to_owned);
    match &ticket {
        Some(ticket) => check_ticket(env, ticket),
        None => env.check_required(vec!["ticket".into()], "", None),
    }
    check_loss_policy(env, typed);
    set::check(env, sets, force);
    if let Some(id) = nvset::get(typed, "id") {
        env.check_new_id(id, "constraint id");
    }
    env.checked()?;
    let same = |c: &Element| c.get("ticket") == ticket.as_deref() && set::same_sets(c, sets);
    set::check_duplicates(env, "rsc_ticket", same, force);
    env.checked()?;
    let wanted = ids::sanitize(&set::id_of("ticket", sets));
    let id = nvset::get(typed, "id").map_or_else(|| ids::free(&env.cib, &wanted), str::to_owned);
    let mut constraint = Element::new("rsc_ticket").with("id", id.as_str());
    for (name, value) in typed.iter().filter(|(name, _)| name != "id") {
        constraint.set(name, value.as_str());
    }
    set::build(env, &mut constraint, &id, sets);
    env.section("constraints").push(constraint);
    Ok(())
}

/// Makes a resource independent of a ticket.
///
/// # Errors
/// Said: it was.
pub fn remove(env: &mut Environment<'_>, ticket: &str, resource: &str) -> Outcome {
    let is_one = |c: &Element| {
        c.name() == "rsc_ticket"
            && c.get("ticket") == Some(ticket)
            && c.get("rsc") == Some(resource)
    };
    let simple = super::all(&env.cib).any(is_one);
    env.section("constraints").retain_children(|c| !is_one(c));
    let of_ticket = |c: &Element| c.name() == "rsc_ticket" && c.get("ticket") == Some(ticket);
    let in_sets = set::remove_references(env, resource, of_ticket);
    if simple || in_sets { Ok(()) } else { Err(Failed::because(Message::TicketConstraintNotFound)) }
}

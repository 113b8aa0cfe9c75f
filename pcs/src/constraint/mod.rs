//! Constraints: where resources run, with whom, in which order, by which ticket.

pub mod colocation;
pub mod location;
pub mod order;
pub mod set;
pub mod ticket;
pub mod view;

use cib::Element;

use crate::environment::Environment;
use crate::message::Message;
use crate::removal::Removal;
use crate::report::{Failed, Outcome, Report};
use crate::resource::{self, is_clone};

/// Attributes of constraints that name a resource.
pub const NAMING: [&str; 4] = ["rsc", "with-rsc", "first", "then"];

/// Returns the constraints of a document.
pub fn all(cib: &Element) -> impl Iterator<Item = &Element> {
    cib.at(&["configuration", "constraints"]).into_iter().flat_map(Element::children)
}

/// Returns the clone or bundle that stands for a resource in constraints, if one does.
pub fn stand_in<'a>(cib: &'a Element, id: &str) -> Option<&'a Element> {
    let mut found = None;
    let mut holder = resource::parent(cib, id);
    while let Some(element) = holder {
        if is_clone(element) || element.name() == "bundle" {
            found = Some(element);
        }
        holder = element.id().and_then(|id| resource::parent(cib, id));
    }
    found
}

/// Says whether an id may stand in a constraint: a resource's or a tag's.
fn may_be_constrained(cib: &Element, id: &str) -> bool {
    resource::find(cib, id).is_some()
        || cib
            .at(&["configuration", "tags"])
            .is_some_and(|tags| tags.children().any(|tag| tag.id() == Some(id)))
}

/// Refuses options without a value where two resources are constrained.
pub(crate) fn check_not_empty(typed: &[(String, String)]) -> Outcome {
    match typed.iter().find(|(_, value)| value.is_empty()) {
        Some((name, _)) => Err(Failed::because(Message::OptionValueEmpty { name: name.clone() })),
        None => Ok(()),
    }
}

/// Checks a resource for a constraint of two resources, where a tag cannot stand.
///
/// # Errors
/// Said.
pub fn check_resource(env: &Environment<'_>, id: &str, force: bool) -> Outcome {
    if resource::find(&env.cib, id).is_none() {
        let near = resource::near(&env.cib, id);
        return Err(Failed::because(Message::ResourceNotFound { id: id.into(), near }));
    }
    match stand_in(&env.cib, id) {
        Some(element) if !force => Err(Failed::because(Message::ConstrainTheWhole {
            id: id.into(),
            kind: resource::kind(element).into(),
            whole: element.id().unwrap_or_default().into(),
            plain: true,
        })),
        _ => Ok(()),
    }
}

/// Checks a resource for a constraint of resource sets or a ticket.
pub(crate) fn check_in_set(env: &mut Environment<'_>, id: &str, force: bool) {
    if !may_be_constrained(&env.cib, id) {
        let near = resource::near(&env.cib, id);
        env.error(Message::IdNotFound { id: id.into(), kinds: Vec::new(), near });
        return;
    }
    let whole = stand_in(&env.cib, id)
        .map(|e| (resource::kind(e).to_owned(), e.id().unwrap_or_default().to_owned()));
    if let Some((kind, whole)) = whole {
        env.report(Report::forceable(
            Message::ConstrainTheWhole { id: id.into(), kind, whole, plain: false },
            force,
        ));
    }
}

/// Writes a role as it is today, whatever the case it was typed in: `Master` and `Slave` have other names now.
pub fn role(text: &str) -> (String, bool) {
    match text {
        "Master" | "master" => ("Promoted".to_owned(), true),
        "Slave" | "slave" => ("Unpromoted".to_owned(), true),
        other => {
            let today = set::ROLES.iter().find(|role| role.eq_ignore_ascii_case(other));
            (today.map_or(other, |role| *role).to_owned(), false)
        }
    }
}

/// Removes constraints and rules of constraints.
///
/// # Errors
/// Said: one of them is not there.
pub fn delete(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    let known: Vec<&str> = all(&env.cib)
        .flat_map(Element::descendants)
        .filter(|e| e.name() != "resource_ref" && e.name() != "resource_set")
        .filter(|e| e.name() == "rule" || e.name().starts_with("rsc_"))
        .filter_map(Element::id)
        .collect();
    let missing: Vec<String> =
        ids.iter().filter(|id| !known.contains(&id.as_str())).cloned().collect();
    if !missing.is_empty() {
        return Err(Failed::because(Message::ConstraintsNotFound { ids: missing }));
    }
    let removal = Removal::plan(&env.cib, ids);
    removal.tell(env);
    removal.apply(&mut env.cib);
    Ok(())
}

/// Returns the ids of constraints that name a resource, sorted.
pub fn references(cib: &Element, id: &str) -> Vec<String> {
    let names = |c: &&Element| {
        NAMING.iter().any(|key| c.get(key) == Some(id))
            || c.descendants().any(|e| e.name() == "resource_ref" && e.id() == Some(id))
    };
    let mut ids: Vec<String> =
        all(cib).filter(names).filter_map(|c| c.id().map(str::to_owned)).collect();
    ids.sort();
    ids
}

/// Says whether two resources are members of one group.
fn in_one_group(cib: &Element, one: &str, other: &str) -> bool {
    let group =
        |id: &str| resource::parent(cib, id).filter(|p| p.name() == "group").and_then(Element::id);
    one != other && group(one).is_some() && group(one) == group(other)
}

/// Takes an id for a new constraint: the wanted one if it is free.
fn new_id(env: &Environment<'_>, given: Option<&str>, wanted: &str) -> Outcome<String> {
    match given {
        None => Ok(crate::ids::free(&env.cib, &crate::ids::sanitize(wanted))),
        Some(id) => {
            if let Some(message) = crate::ids::check(id, "constraint id") {
                return Err(Failed::because(message));
            }
            if crate::ids::exists(&env.cib, id) {
                return Err(Failed::because(Message::IdInUse { id: id.into() }));
            }
            Ok(id.to_owned())
        }
    }
}

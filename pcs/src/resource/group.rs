//! Groups: putting resources in and taking them out.

use std::sync::Arc;

use cib::{Content, Element};

use super::{find, find_mut, kind, members, parent};
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::report::{Failed, Outcome};

/// Where in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At its end.
    #[default]
    End,
    /// Before this member.
    Before(String),
    /// Behind this member.
    After(String),
}

impl Place {
    /// Returns the member the place is next to.
    pub fn adjacent(&self) -> Option<&str> {
        match self {
            Self::End => None,
            Self::Before(id) | Self::After(id) => Some(id),
        }
    }
}

/// Checks a group and a place in it for resources that go there.
pub fn check_place(env: &mut Environment<'_>, group: &str, place: &Place, coming: &[&str]) {
    if check_adjacent(env, place) {
        check_name(env, group);
        check_inside(env, group, place, coming);
    }
}

/// Returns whatever has this id and is known by it.
fn existing<'a>(cib: &'a Element, id: &str) -> Option<&'a Element> {
    // the id of an ACL user is a user's name
    let found = cib.child("configuration").and_then(|configuration| configuration.find_id(id));
    found.filter(|element| element.name() != "acl_target")
}

/// Checks that the member which the place is next to is there at all.
pub(super) fn check_adjacent(env: &mut Environment<'_>, place: &Place) -> bool {
    let missing = place.adjacent().filter(|adjacent| find(&env.cib, adjacent).is_none());
    if let Some(adjacent) = missing {
        let message = super::not_found(&env.cib, adjacent, &[]);
        env.error(message);
    }
    missing.is_none()
}

/// Checks the name of a group that is to be made.
pub(super) fn check_name(env: &mut Environment<'_>, group: &str) {
    if existing(&env.cib, group).is_none()
        && let Some(message) = ids::check(group, "group name")
    {
        env.error(message);
    }
}

/// Checks what is called like the group, and the place in it; says whether resources may go there.
fn check_inside(env: &mut Environment<'_>, group: &str, place: &Place, coming: &[&str]) -> bool {
    let inside = match existing(&env.cib, group) {
        Some(element) if element.name() == "group" => {
            place.adjacent().is_none_or(|a| members(element).any(|m| m.id() == Some(a)))
        }
        Some(_) => {
            env.error(Message::IdOfOtherKind { id: group.into(), expected: vec!["group".into()] });
            return false;
        }
        // a guest node is known by its name, and has no element of its own
        None if ids::exists(&env.cib, group) => {
            env.error(Message::IdOfOtherKind { id: group.into(), expected: vec!["group".into()] });
            return false;
        }
        None => place.adjacent().is_none(),
    };
    if let Some(adjacent) = place.adjacent() {
        if !inside {
            env.error(Message::GroupAdjacentNotInGroup {
                resource: adjacent.into(),
                group: group.into(),
            });
        }
        if coming.contains(&adjacent) {
            env.error(Message::GroupNextToItself { resource: adjacent.into() });
        }
    }
    true
}

/// Puts elements into a group, which is made when it is missing.
pub fn insert(cib: &mut Element, group: &str, place: &Place, elements: Vec<Arc<Element>>) {
    if find(cib, group).is_none() {
        if let Some(resources) = cib.at_mut(&["configuration", "resources"]) {
            resources.push(Element::new("group").with("id", group));
        } else {
            let configuration = cib.child_or_insert("configuration");
            let resources = configuration.child_or_insert("resources");
            resources.push(Element::new("group").with("id", group));
        }
    }
    let Some(group) = find_mut(cib, group) else { return };
    let content = group.content_mut();
    let is = |c: &Content, id: &str| matches!(c, Content::Element(e) if e.id() == Some(id));
    let is_member = |c: &Content| matches!(c, Content::Element(e) if super::is_resource(e));
    let at = match place {
        Place::End => content.iter().rposition(is_member).map_or(content.len(), |at| at + 1),
        Place::Before(id) => content.iter().position(|c| is(c, id)).unwrap_or(content.len()),
        Place::After(id) => {
            content.iter().position(|c| is(c, id)).map_or(content.len(), |at| at + 1)
        }
    };
    for (offset, element) in elements.into_iter().enumerate() {
        content.insert(at + offset, Content::Element(element));
    }
}

/// Puts resources that exist into a group.
///
/// # Errors
/// Reported.
pub fn add(env: &mut Environment<'_>, group: &str, place: &Place, resources: &[String]) -> Outcome {
    if !check_adjacent(env, place) {
        return Err(Failed::Reported);
    }
    check_name(env, group);
    let coming: Vec<&str> =
        resources.iter().map(String::as_str).filter(|id| check_coming(env, id)).collect();
    let is_wrong = |message: &Message| {
        matches!(message, Message::CannotGroup { .. } | Message::CannotGroupOutOf { .. })
    };
    let wrong_kind = env.reports.iter().any(|report| is_wrong(&report.message));
    let is_other = existing(&env.cib, group).is_some_and(|element| element.name() != "group");
    if coming.is_empty() && !wrong_kind && !is_other {
        env.error(Message::GroupNothingToDo { group: group.into() });
    }
    check_unique(env, &coming);
    if check_inside(env, group, place, &coming) {
        check_members(env, group, place, &coming);
        if let Some(adjacent) = place.adjacent().filter(|_| coming.is_empty()) {
            env.error(Message::GroupAdjacentWithoutResources { resource: adjacent.into() });
        }
    }
    env.checked()?;
    let elements: Vec<Arc<Element>> =
        coming.iter().filter_map(|id| take(&mut env.cib, id)).collect();
    insert(&mut env.cib, group, place, elements);
    Ok(())
}

/// Checks that something is a resource which may go from where it is into a group.
fn check_coming(env: &mut Environment<'_>, id: &str) -> bool {
    let Some(element) = find(&env.cib, id) else {
        let message = super::not_found(&env.cib, id, &[]);
        env.error(message);
        return false;
    };
    let holder = parent(&env.cib, id).filter(|holder| holder.name() != "group");
    let message = if element.name() != "primitive" {
        Message::CannotGroup { id: id.into(), kind: kind(element).to_owned() }
    } else if super::is_stonith(element) {
        Message::CannotGroup { id: id.into(), kind: "stonith".into() }
    } else if let Some(holder) = holder {
        let parent = holder.id().unwrap_or_default().to_owned();
        Message::CannotGroupOutOf { id: id.into(), parent, kind: kind(holder).to_owned() }
    } else {
        return true;
    };
    env.error(message);
    false
}

/// Nothing may come twice.
fn check_unique(env: &mut Environment<'_>, coming: &[&str]) {
    let mut twice: Vec<String> = coming
        .iter()
        .enumerate()
        .filter(|(n, id)| coming[..*n].contains(id))
        .map(|(_, id)| (*id).to_owned())
        .collect();
    twice.dedup();
    if !twice.is_empty() {
        env.error(Message::GroupDuplicates { resources: twice });
    }
}

/// What is in the group already can only be moved inside it.
fn check_members(env: &mut Environment<'_>, group: &str, place: &Place, coming: &[&str]) {
    let inside: Vec<String> = coming
        .iter()
        .filter(|id| parent(&env.cib, id).is_some_and(|p| p.id() == Some(group)))
        .map(|id| (*id).to_owned())
        .collect();
    if !inside.is_empty() && *place == Place::End {
        env.error(Message::GroupAlreadyHas { resources: inside, group: group.into() });
    }
}

/// Takes a resource out of wherever it is; a group, clone or bundle that becomes empty goes too.
pub fn take(cib: &mut Element, id: &str) -> Option<Arc<Element>> {
    let holder = parent(cib, id).and_then(Element::id).map(str::to_owned);
    match holder {
        None => cib.at_mut(&["configuration", "resources"])?.remove_child(|e| e.id() == Some(id)),
        Some(holder) => {
            let taken = find_mut(cib, &holder)?.remove_child(|e| e.id() == Some(id));
            let empty = find(cib, &holder)
                .is_some_and(|h| h.name() != "bundle" && members(h).next().is_none());
            if empty {
                take(cib, &holder);
            }
            taken
        }
    }
}

/// Takes resources out of a group, or all of them, and dissolves a group without members.
///
/// # Errors
/// Said.
pub fn ungroup(env: &mut Environment<'_>, group: &str, resources: &[String]) -> Outcome {
    let Some(element) = find(&env.cib, group).filter(|e| e.name() == "group") else {
        return Err(Failed::because(Message::GroupNotFound { group: group.into() }));
    };
    let inside: Vec<String> = members(element).filter_map(|m| m.id().map(str::to_owned)).collect();
    if let Some(stranger) = resources.iter().find(|id| !inside.contains(id)) {
        return Err(Failed::because(Message::ResourceNotInGroup {
            resource: stranger.clone(),
            group: group.into(),
        }));
    }
    let going: Vec<String> = inside
        .iter()
        .filter(|id| resources.is_empty() || resources.contains(id))
        .cloned()
        .collect();
    let all = going.len() == inside.len();
    if all && parent(&env.cib, group).is_some_and(super::is_clone) {
        return Err(Failed::because(Message::CannotEmptyClonedGroup));
    }
    let taken: Vec<Arc<Element>> = going
        .iter()
        .filter_map(|id| find_mut(&mut env.cib, group)?.remove_child(|e| e.id() == Some(id)))
        .collect();
    let resources = env.section("resources");
    if all {
        resources.remove_child(|e| e.id() == Some(group));
    }
    for element in taken {
        resources.push(element);
    }
    if all {
        for message in forget(env, group) {
            env.info(message);
        }
    }
    Ok(())
}

/// Removes constraints and references of something that is gone; returns what there is to be said of it.
pub(super) fn forget(env: &mut Environment<'_>, id: &str) -> Vec<Message> {
    const NAMING: [&str; 4] = ["rsc", "with-rsc", "first", "then"];
    let names_it = |c: &Element| NAMING.iter().any(|key| c.get(key) == Some(id));
    let mut constraints: Vec<String> = env
        .section("constraints")
        .children()
        .filter(|c| names_it(c))
        .filter_map(|c| c.id().map(str::to_owned))
        .collect();
    constraints.sort();
    env.section("constraints").retain_children(|c| !names_it(c));
    let mut messages: Vec<Message> =
        constraints.into_iter().map(|id| Message::RemovingConstraint { id }).collect();
    for constraint in env.section("constraints").children_mut() {
        let mut emptied = Vec::new();
        for set in constraint.children_mut().filter(|c| c.name() == "resource_set") {
            let set_id = set.id().unwrap_or_default().to_owned();
            if set.remove_child(|r| r.id() == Some(id)).is_some() {
                messages.push(Message::RemovingFromSet { id: id.into(), set: set_id.clone() });
                if set.children().next().is_none() {
                    messages.push(Message::RemovingSet { id: set_id.clone() });
                    emptied.push(set_id);
                }
            }
        }
        constraint.retain_children(|set| !emptied.iter().any(|e| set.id() == Some(e)));
        if !emptied.is_empty() && constraint.child("resource_set").is_none() {
            let constraint_id = constraint.id().unwrap_or_default().to_owned();
            messages.push(Message::RemovingConstraint { id: constraint_id });
        }
    }
    env.section("constraints").retain_children(|c| {
        let has_subject = NAMING.iter().any(|key| c.get(key).is_some());
        has_subject || c.get("rsc-pattern").is_some() || c.children().next().is_some()
    });
    if env.peek("tags").is_some() {
        let tags = env.section("tags");
        for tag in tags.children_mut() {
            tag.retain_children(|r| r.id() != Some(id));
        }
        tags.retain_children(|tag| tag.children().next().is_some());
    }
    messages
}

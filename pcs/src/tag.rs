//! Tags: names for several resources at once.

use cib::Element;
use serde::Serialize;

use crate::environment::Environment;
use crate::message::Message;
use crate::report::Outcome;
use crate::resource::{self, group::Place};

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// Its id.
    pub id: String,
    /// What it names.
    pub idref_list: Vec<String>,
}

/// Returns the tags of a document.
pub fn tags(cib: &Element) -> Vec<Tag> {
    cib.at(&["configuration", "tags"])
        .into_iter()
        .flat_map(|tags| tags.children_named("tag"))
        .map(|tag| Tag {
            id: tag.id().unwrap_or_default().to_owned(),
            idref_list: tag
                .children_named("obj_ref")
                .filter_map(|r| r.id().map(str::to_owned))
                .collect(),
        })
        .collect()
}

/// Returns some tags, or all.
///
/// # Errors
/// Reported: one of them is not there.
pub fn config(env: &mut Environment<'_>, ids: &[String]) -> Outcome<Vec<Tag>> {
    let all = tags(&env.cib);
    check_there(env, &all, ids);
    env.checked()?;
    if ids.is_empty() {
        return Ok(all);
    }
    Ok(ids.iter().filter_map(|id| all.iter().find(|tag| tag.id == *id).cloned()).collect())
}

fn check_there(env: &mut Environment<'_>, all: &[Tag], ids: &[String]) {
    for id in ids {
        if all.iter().any(|tag| tag.id == *id) {
            continue;
        }
        if crate::ids::exists(&env.cib, id) {
            env.error(Message::IdOfOtherKind { id: id.clone(), expected: vec!["tag".into()] });
        } else {
            env.error(Message::IdNotFound {
                id: id.clone(),
                kinds: vec!["tag".into()],
                near: crate::options::nearest(id, all.iter().map(|t| t.id.as_str())),
            });
        }
    }
}

fn check_there_to_tag(env: &mut Environment<'_>, references: &[String]) {
    for id in references {
        if resource::find(&env.cib, id).is_none() {
            let message =
                resource::not_found(&env.cib, id, &["bundle", "clone", "group", "resource"]);
            env.error(message);
        }
    }
}

fn check_unique(env: &mut Environment<'_>, references: &[String]) {
    let twice = repeated(references);
    if !twice.is_empty() {
        env.error(Message::TagDuplicateIds { ids: twice });
    }
}

/// Returns the ids that come more than once.
fn repeated(ids: &[String]) -> Vec<String> {
    let mut twice: Vec<String> = ids
        .iter()
        .enumerate()
        .filter(|(n, id)| ids[..*n].contains(id))
        .map(|(_, id)| id.clone())
        .collect();
    twice.sort();
    twice.dedup();
    twice
}

/// Makes a tag.
///
/// # Errors
/// Reported.
pub fn create(env: &mut Environment<'_>, id: &str, references: &[String]) -> Outcome {
    env.check_new_id(id, "id");
    if references.iter().any(|reference| reference == id) {
        env.error(Message::TagInItself);
    }
    check_there_to_tag(env, references);
    check_unique(env, references);
    env.checked()?;
    let mut tag = Element::new("tag").with("id", id);
    for reference in references {
        tag.push(Element::new("obj_ref").with("id", reference.as_str()));
    }
    env.section("tags").push(tag);
    Ok(())
}

/// Returns the ids of constraints that name something.
fn constraints_of(cib: &Element, id: &str) -> Vec<String> {
    let names = |element: &Element| {
        let keys = ["rsc", "with-rsc", "first", "then"];
        keys.iter().any(|key| element.get(key) == Some(id))
            || (element.name() == "resource_ref" && element.id() == Some(id))
    };
    fn any(element: &Element, names: &impl Fn(&Element) -> bool) -> bool {
        names(element) || element.children().any(|child| any(child, names))
    }
    let section = cib.at(&["configuration", "constraints"]);
    let constraints = section.into_iter().flat_map(Element::children);
    constraints.filter(|c| any(c, &names)).filter_map(|c| c.id().map(str::to_owned)).collect()
}

/// Removes tags.
///
/// # Errors
/// Reported.
pub fn remove(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    for id in ids {
        let constraints = constraints_of(&env.cib, id);
        if !constraints.is_empty() {
            env.error(Message::TagInConstraints { tag: id.clone(), constraints });
        }
    }
    let all = tags(&env.cib);
    check_there(env, &all, ids);
    env.checked()?;
    let tags = env.section("tags");
    tags.retain_children(|tag| !tag.id().is_some_and(|id| ids.iter().any(|i| i == id)));
    Ok(())
}

/// Changes what a tag names.
///
/// # Errors
/// Reported.
pub fn update(
    env: &mut Environment<'_>,
    id: &str,
    add: &[String],
    remove: &[String],
    place: &Place,
) -> Outcome {
    let all = tags(&env.cib);
    check_there(env, &all, std::slice::from_ref(&id.to_owned()));
    let tag = all.into_iter().find(|tag| tag.id == id);
    if let Some(adjacent) = place.adjacent().filter(|_| add.is_empty()) {
        env.error(Message::TagAdjacentWithoutIds { id: adjacent.into() });
    }
    let both: Vec<String> = add.iter().filter(|a| remove.contains(a)).cloned().collect();
    if !both.is_empty() {
        env.error(Message::TagAddAndRemove { ids: both });
    }
    check_unique(env, add);
    check_there_to_tag(env, add);
    let Some(tag) = tag else { return env.checked() };
    let there: Vec<String> = add.iter().filter(|a| tag.idref_list.contains(a)).cloned().collect();
    if !there.is_empty() && place.adjacent().is_none() {
        env.error(Message::TagAlreadyHas { tag: tag.id.clone(), ids: there });
    }
    let twice = repeated(remove);
    if !twice.is_empty() {
        env.error(Message::TagDuplicateIdsToRemove { ids: twice });
    }
    let mut absent: Vec<String> =
        remove.iter().filter(|r| !tag.idref_list.contains(r)).cloned().collect();
    absent.sort();
    absent.dedup();
    if !absent.is_empty() {
        env.error(Message::TagLacks { tag: id.into(), ids: absent });
    }
    let left = tag.idref_list.iter().any(|r| !remove.contains(r));
    if !left && add.is_empty() {
        env.error(Message::TagWouldBeEmpty { tag: id.into() });
    }
    if let Some(adjacent) = place.adjacent() {
        check_adjacent(env, &tag, add, remove, adjacent);
    }
    env.checked()?;
    let mut list: Vec<String> = tag
        .idref_list
        .iter()
        .filter(|r| !remove.contains(r) && !add.contains(r))
        .cloned()
        .collect();
    let position = |id: &String| list.iter().position(|known| known == id);
    let at = match place {
        Place::End => list.len(),
        Place::Before(adjacent) => position(adjacent).unwrap_or(list.len()),
        Place::After(adjacent) => position(adjacent).map_or(list.len(), |at| at + 1),
    };
    for (offset, reference) in add.iter().enumerate() {
        list.insert(at + offset, reference.clone());
    }
    let tags = env.section("tags");
    if let Some(element) = tags.children_mut().find(|tag| tag.id() == Some(id)) {
        element.retain_children(|child| child.name() != "obj_ref");
        for reference in list {
            element.push(Element::new("obj_ref").with("id", reference));
        }
    }
    Ok(())
}

/// Checks the reference that others are to be put next to.
fn check_adjacent(
    env: &mut Environment<'_>,
    tag: &Tag,
    add: &[String],
    remove: &[String],
    adjacent: &str,
) {
    let among = |ids: &[String]| ids.iter().any(|id| id == adjacent);
    if !among(&tag.idref_list) {
        env.error(Message::TagAdjacentNotThere { id: adjacent.into(), tag: tag.id.clone() });
    }
    if among(add) && among(&tag.idref_list) {
        env.error(Message::TagNextToItself { id: adjacent.into() });
    }
    if among(remove) && among(&tag.idref_list) && !add.is_empty() {
        env.error(Message::TagAdjacentRemoved { id: adjacent.into() });
    }
}

//! Constraints between sets of resources.

use cib::Element;

use super::view::Constraints;
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::Pairs;
use crate::options::Wanted;

/// One set as somebody typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetWords {
    /// The resources.
    pub resources: Vec<String>,
    /// Options of the set.
    pub options: Pairs,
}

const OPTIONS: [&str; 4] = ["action", "require-all", "role", "sequential"];
const ACTIONS: [&str; 4] = ["demote", "promote", "start", "stop"];
/// The roles a resource can have.
pub const ROLES: [&str; 4] = ["Promoted", "Started", "Stopped", "Unpromoted"];
const BOOLEANS: [&str; 2] = ["false", "true"];

/// Checks sets: their options and their resources.
pub(crate) fn check(env: &mut Environment<'_>, sets: &[SetWords], force: bool) {
    for set in sets {
        env.check_names(set.options.iter().map(|(name, _)| name.as_str()), &OPTIONS, "set", None);
        for (name, value) in &set.options {
            let value_ok = |choices: &[&str]| choices.contains(&value.as_str());
            match name.as_str() {
                "role" => env.check_value(name, value, value_ok(&ROLES), Wanted::Choice(&ROLES)),
                "action" => {
                    env.check_value(name, value, value_ok(&ACTIONS), Wanted::Choice(&ACTIONS));
                }
                "require-all" | "sequential" => {
                    env.check_value(name, value, value_ok(&BOOLEANS), Wanted::Choice(&BOOLEANS));
                }
                _ => {}
            }
        }
    }
    // resources are looked for once it is clear what is to be done with them
    if env.has_errors() {
        return;
    }
    for resource in sets.iter().flat_map(|set| &set.resources) {
        super::check_in_set(env, resource, force);
    }
}

/// How many resources give letters to an id.
const NAMED_MAX: usize = 3;

/// Makes the beginning of an id out of the first resources: each gives its first and its last letter.
pub(crate) fn id_of(kind: &str, sets: &[SetWords]) -> String {
    let short = |id: &String| {
        let first = id.chars().next();
        let last = id.chars().last();
        first.into_iter().chain(last).collect::<String>()
    };
    let letters: String =
        sets.iter().flat_map(|set| &set.resources).take(NAMED_MAX).map(short).collect();
    format!("{kind}_set_{letters}")
}

/// Puts sets into a constraint.
pub(crate) fn build(
    env: &Environment<'_>,
    constraint: &mut Element,
    constraint_id: &str,
    sets: &[SetWords],
) {
    let mut taken = vec![constraint_id.to_owned()];
    for words in sets {
        let id = ids::free_besides(&env.cib, &format!("{constraint_id}_set"), &taken);
        taken.push(id.clone());
        let mut set = Element::new("resource_set").with("id", id);
        let mut sorted: Vec<&(String, String)> = words.options.iter().collect();
        sorted.sort();
        for (name, value) in sorted {
            set.set(name, value.as_str());
        }
        for resource in &words.resources {
            set.push(Element::new("resource_ref").with("id", resource.as_str()));
        }
        constraint.push(set);
    }
}

/// Reports constraints that say the same already.
pub(crate) fn check_duplicates(
    env: &mut Environment<'_>,
    kind: &str,
    same: impl Fn(&Element) -> bool,
    force: bool,
) {
    let twins: Vec<Element> =
        super::all(&env.cib).filter(|c| c.name() == kind && same(c)).cloned().collect();
    if twins.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for twin in &twins {
        lines.extend(Constraints::of_elements(std::iter::once(twin)).lines_of_any());
    }
    env.info(Message::DuplicateConstraints { constraints: lines });
    env.forceable(Message::DuplicateConstraint, force);
}

/// Says whether a constraint has exactly these sets.
pub(crate) fn same_sets(constraint: &Element, sets: &[SetWords]) -> bool {
    let theirs: Vec<Vec<&str>> = constraint
        .children_named("resource_set")
        .map(|set| set.children_named("resource_ref").filter_map(Element::id).collect())
        .collect();
    let ours: Vec<Vec<&str>> =
        sets.iter().map(|set| set.resources.iter().map(String::as_str).collect()).collect();
    !theirs.is_empty() && theirs == ours
}

/// Takes resources out of all sets; a set without resources and a constraint without sets go.
/// Says whether any was there.
pub(crate) fn remove_references(
    env: &mut Environment<'_>,
    resource: &str,
    of: impl Fn(&Element) -> bool,
) -> bool {
    let mut found = false;
    let constraints = env.section("constraints");
    let mut emptied = Vec::new();
    for constraint in constraints.children_mut().filter(|c| of(c)) {
        if constraint.child("resource_set").is_none() {
            continue;
        }
        for set in constraint.children_mut() {
            while set.remove_child(|r| r.id() == Some(resource)).is_some() {
                found = true;
            }
        }
        constraint.retain_children(|set| {
            set.name() != "resource_set" || set.child("resource_ref").is_some()
        });
        if constraint.child("resource_set").is_none() {
            emptied.extend(constraint.id().map(str::to_owned));
        }
    }
    constraints.retain_children(|c| !c.id().is_some_and(|id| emptied.iter().any(|e| e == id)));
    found
}

#[cfg(test)]
mod tests {
    use super::{SetWords, id_of};

    #[test]
    fn an_id_has_two_letters_of_each_of_the_first_resources() {
        let set = |names: &[&str]| SetWords {
            resources: names.iter().map(|n| (*n).to_owned()).collect(),
            options: Vec::new(),
        };
        let sets = [set(&["solo", "solo2"]), set(&["vip", "fourth"])];
        assert_eq!(id_of("order", &sets), "order_set_sos2vp");
    }
}

//! Enabling, disabling, managing and unmanaging resources.

use std::collections::BTreeSet;

use cib::Element;

use super::{find, find_mut, is_clone, members, not_found, parent};
use crate::environment::Environment;
use crate::message::Message;
use crate::nvset;
use crate::report::Outcome;

const KINDS: [&str; 5] = ["bundle", "clone", "group", "resource", "tag"];

/// Returns the resources ids stand for; a tag stands for the resources in it.
///
/// # Errors
/// Reported: there is no such resource or tag.
pub fn expand(env: &mut Environment<'_>, ids: &[String]) -> Outcome<Vec<String>> {
    let mut expanded: Vec<String> = Vec::new();
    for id in ids {
        if find(&env.cib, id).is_some() {
            expanded.push(id.clone());
            continue;
        }
        let tagged: Option<Vec<String>> = env
            .peek("tags")
            .and_then(|tags| tags.children().find(|tag| tag.id() == Some(id)))
            .map(|tag| {
                tag.children_named("obj_ref").filter_map(|r| r.id().map(str::to_owned)).collect()
            });
        match tagged {
            Some(ids) => expanded.extend(ids.into_iter().filter(|id| find(&env.cib, id).is_some())),
            None => {
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
    }
    env.checked()?;
    Ok(expanded)
}

/// Lets the cluster start resources: what holds them and, in clones and bundles, what is in them
/// too, so that nothing keeps them stopped.
///
/// # Errors
/// Reported.
pub fn enable(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    let ids = expand(env, ids)?;
    let mut all: BTreeSet<String> = BTreeSet::new();
    for id in &ids {
        all.insert(id.clone());
        if let Some(element) = find(&env.cib, id)
            && (is_clone(element) || element.name() == "bundle")
        {
            all.extend(members(element).filter_map(|m| m.id().map(str::to_owned)));
        }
        if let Some(holder) = parent(&env.cib, id)
            && (is_clone(holder) || holder.name() == "bundle")
        {
            all.extend(holder.id().map(str::to_owned));
        }
    }
    for id in &all {
        set_meta(env, id, "target-role", "");
        warn_unmanaged(env, id);
    }
    Ok(())
}

/// Makes the cluster stop resources.
///
/// # Errors
/// Reported.
pub fn disable(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    for id in expand(env, ids)? {
        set_meta(env, &id, "target-role", "Stopped");
        warn_unmanaged(env, &id);
    }
    Ok(())
}

fn set_meta(env: &mut Environment<'_>, id: &str, name: &str, value: &str) {
    let pairs = [(name.to_owned(), value.to_owned())];
    nvset::update_in_front(&mut env.cib, id, "meta_attributes", &pairs);
}

fn is_unmanaged(element: &Element) -> bool {
    nvset::value(element, "meta_attributes", "is-managed")
        .is_some_and(|value| !crate::options::is_true(value))
}

fn warn_unmanaged(env: &mut Environment<'_>, id: &str) {
    if find(&env.cib, id).is_some_and(is_unmanaged) {
        env.warn(Message::ResourceUnmanaged { id: id.into() });
    }
}

fn primitives_below(cib: &Element, id: &str) -> Vec<String> {
    find(cib, id)
        .into_iter()
        .flat_map(Element::descendants)
        .filter(|e| e.name() == "primitive")
        .filter_map(|e| e.id().map(str::to_owned))
        .collect()
}

/// Returns a resource, all that holds it and all that is in it.
fn whole_family(cib: &Element, id: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut holder = parent(cib, id);
    while let Some(element) = holder {
        all.extend(element.id().map(str::to_owned));
        holder = element.id().and_then(|id| parent(cib, id));
    }
    all.extend(
        find(cib, id)
            .into_iter()
            .flat_map(Element::descendants)
            .filter(|e| super::is_resource(e))
            .filter_map(|e| e.id().map(str::to_owned)),
    );
    all
}

/// Lets the cluster manage resources again.
///
/// # Errors
/// Reported.
pub fn manage(env: &mut Environment<'_>, ids: &[String], monitors: bool) -> Outcome {
    for id in expand(env, ids)? {
        for member in whole_family(&env.cib, &id) {
            set_meta(env, &member, "is-managed", "");
        }
        for primitive in primitives_below(&env.cib, &id) {
            if monitors {
                switch_monitors(env, &primitive, true);
            } else if has_only_disabled_monitors(&env.cib, &primitive) {
                env.warn(Message::NoMonitorEnabled { id: primitive });
            }
        }
    }
    Ok(())
}

/// Makes the cluster keep its hands off resources.
///
/// # Errors
/// Reported.
pub fn unmanage(env: &mut Environment<'_>, ids: &[String], monitors: bool) -> Outcome {
    for id in expand(env, ids)? {
        if find(&env.cib, &id).is_some_and(|e| e.name() == "bundle") {
            set_meta(env, &id, "is-managed", "false");
        }
        for primitive in primitives_below(&env.cib, &id) {
            set_meta(env, &primitive, "is-managed", "false");
            if monitors {
                switch_monitors(env, &primitive, false);
            }
        }
    }
    Ok(())
}

fn is_monitor(operation: &Element) -> bool {
    operation.name() == "op" && operation.get("name") == Some("monitor")
}

fn switch_monitors(env: &mut Environment<'_>, id: &str, on: bool) {
    let Some(list) = find_mut(&mut env.cib, id).and_then(|p| p.child_mut("operations")) else {
        return;
    };
    for operation in list.children_mut().filter(|o| is_monitor(o)) {
        if on {
            operation.unset("enabled");
        } else {
            operation.set("enabled", "false");
        }
    }
}

fn has_only_disabled_monitors(cib: &Element, id: &str) -> bool {
    let monitors: Vec<&Element> = find(cib, id)
        .and_then(|p| p.child("operations"))
        .into_iter()
        .flat_map(Element::children)
        .filter(|o| is_monitor(o))
        .collect();
    !monitors.is_empty()
        && monitors
            .iter()
            .all(|o| o.get("enabled").is_some_and(|value| !crate::options::is_true(value)))
}

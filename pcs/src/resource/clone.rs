//! Making clones of resources, and taking them back.

use cib::Element;

use super::{find, find_mut, is_clone, is_stonith, members, parent};
use crate::agent::AgentName;
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::report::{Failed, Outcome};

/// Attributes of constraints that name a resource.
const NAMING: [&str; 4] = ["rsc", "with-rsc", "first", "then"];

/// Makes a clone of a primitive or group, a promotable one if wanted; constraints follow to the clone.
///
/// # Errors
/// Said.
pub fn clone(
    env: &mut Environment<'_>,
    id: &str,
    clone_id: Option<&str>,
    meta: &Pairs,
    promotable: bool,
    force: bool,
) -> Outcome<String> {
    let found = find(&env.cib, id);
    if parent(&env.cib, id).is_some_and(|p| p.name() == "bundle") {
        return Err(Failed::because(Message::CannotCloneBundled));
    }
    let Some(element) = found.filter(|e| matches!(e.name(), "primitive" | "group")) else {
        let near = super::near(&env.cib, id).filter(|_| found.is_none());
        return Err(Failed::because(Message::UnableToFindGroupOrResource { id: id.into(), near }));
    };
    let holder = parent(&env.cib, id);
    if holder.is_some_and(is_clone) {
        return Err(Failed::because(if element.name() == "group" {
            Message::CannotCloneClonedGroup
        } else {
            Message::AlreadyClone { id: id.into() }
        }));
    }
    if is_stonith(element) {
        return Err(Failed::because(Message::CannotCloneStonith { id: id.into() }));
    }
    let holder_id = holder.and_then(Element::id).map(str::to_owned);
    if holder.is_some_and(|h| {
        h.name() == "group" && h.id().and_then(|id| parent(&env.cib, id)).is_some_and(is_clone)
    }) {
        return Err(Failed::because(Message::AlreadyClone { id: id.into() }));
    }
    let mut meta = meta.clone();
    if promotable {
        if nvset::get(&meta, "promotable").is_some() {
            return Err(Failed::because(Message::PromotableTwice));
        }
        meta.push(("promotable".into(), "true".into()));
    }
    let meta = &meta;
    let copy = element.clone();
    let last_member = holder.is_some_and(|h| members(h).count() == 1);
    if nvset::get(meta, "promotable").is_some_and(crate::options::is_true) {
        check_agents_promote(env, &copy, force)?;
    }
    let clone_id = match clone_id {
        Some(wanted) => {
            if let Some(message) = ids::check(wanted, "clone id") {
                return Err(Failed::because(message));
            }
            if ids::exists(&env.cib, wanted) || ids::is_user(&env.cib, wanted) {
                return Err(Failed::because(Message::IdExists { id: wanted.into() }));
            }
            wanted.to_owned()
        }
        None => ids::free(&env.cib, &format!("{id}-clone")),
    };
    if meta.iter().any(|(name, _)| name != "promotable") {
        env.warn(Message::MetaNotValidated { kinds: vec!["clone".into()] });
    }
    let mut new = Element::new("clone").with("id", clone_id.as_str());
    match holder_id {
        None => {
            new.push(copy);
            push_meta(&env.cib, &mut new, &clone_id, meta);
            let resources = env.section("resources");
            // the clone stands where pcs puts it: behind the other resources
            resources.remove_child(|e| e.id() == Some(id));
            resources.push(new);
        }
        Some(group) => {
            let taken = find_mut(&mut env.cib, &group)
                .and_then(|group| group.remove_child(|e| e.id() == Some(id)));
            if let Some(taken) = taken {
                new.push(taken);
            }
            push_meta(&env.cib, &mut new, &clone_id, meta);
            let resources = env.section("resources");
            if last_member {
                resources.remove_child(|e| e.id() == Some(group.as_str()));
            }
            resources.push(new);
        }
    }
    rename_in_constraints(env, id, &clone_id);
    Ok(clone_id)
}

/// All agents inside must know how to promote, as far as it is known what they do.
fn check_agents_promote(env: &mut Environment<'_>, element: &Element, force: bool) -> Outcome {
    let inside = members(element).filter(|member| member.name() == "primitive");
    let primitives = std::iter::once(element).filter(|e| e.name() == "primitive").chain(inside);
    for primitive in primitives {
        let agent = AgentName::of(primitive);
        let known = env.agents.metadata(&agent);
        if known.is_ok_and(|metadata| !metadata.may_be_promoted()) {
            let message = Message::ResourceNotPromotable {
                agent: agent.to_string(),
                resource: primitive.id().unwrap_or_default().into(),
            };
            env.forceable(message, force);
        }
    }
    if env.has_errors() { Err(Failed::Said) } else { Ok(()) }
}

fn push_meta(cib: &Element, new: &mut Element, clone_id: &str, meta: &Pairs) {
    let lasting: Pairs = meta.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    if !lasting.is_empty() {
        let set = ids::free(cib, &format!("{clone_id}-meta_attributes"));
        new.push(nvset::new_set("meta_attributes", &set, &lasting));
    }
}

fn rename_in_constraints(env: &mut Environment<'_>, from: &str, to: &str) {
    for constraint in env.section("constraints").children_mut() {
        for key in NAMING {
            if constraint.get(key) == Some(from) {
                constraint.set(key, to);
            }
        }
    }
}

/// Takes a resource out of its clone. What names the clone goes with it.
///
/// # Errors
/// Said.
pub fn unclone(env: &mut Environment<'_>, id: &str) -> Outcome {
    let Some(element) = find(&env.cib, id).filter(|e| e.name() != "bundle") else {
        let near = super::near(&env.cib, id);
        return Err(Failed::because(Message::CouldNotFindResource { id: id.into(), near }));
    };
    // a member of a cloned group leaves the group and with it the clone
    if let Some(group) = parent(&env.cib, id)
        && group.name() == "group"
        && group.id().and_then(|g| parent(&env.cib, g)).is_some_and(is_clone)
    {
        let taken = super::group::take(&mut env.cib, id);
        if let Some(taken) = taken {
            env.section("resources").push(taken);
        }
        return Ok(());
    }
    let clone = if is_clone(element) { Some(element) } else { parent(&env.cib, id) };
    let Some(clone) = clone.filter(|c| is_clone(c)) else {
        return Err(Failed::because(Message::NotAClone { id: id.into() }));
    };
    let clone_id = clone.id().unwrap_or_default().to_owned();
    let Some(member) = clone.shared_children().find(|c| super::is_resource(c)).cloned() else {
        return Err(Failed::because(Message::NotAClone { id: id.into() }));
    };
    let resources = env.section("resources");
    resources.remove_child(|e| e.id() == Some(clone_id.as_str()));
    resources.push(member);
    super::group::forget(env, &clone_id);
    Ok(())
}

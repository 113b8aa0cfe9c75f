//! Changing parameters, meta attributes, operations and utilization of resources.

use cib::{Content, Element};

use super::create::{check_deprecated, check_names, check_required, check_unique};
use super::{find, find_mut, is_clone};
use crate::agent::AgentName;
use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::operations;
use crate::options;
use crate::report::{Failed, Outcome};

/// What is to be changed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The resource.
    pub id: String,
    /// Parameters; an empty value takes one away.
    pub parameters: Pairs,
    /// Meta attributes; an empty value takes one away.
    pub meta: Pairs,
    /// Operations.
    pub operations: Vec<Pairs>,
    /// Whether the agent itself is to check the parameters.
    pub agent_validation: bool,
    /// Whether what can be overridden is.
    pub force: bool,
}

fn said(env: &Environment<'_>) -> Outcome {
    if env.has_errors() { Err(Failed::Said) } else { Ok(()) }
}

/// Changes a resource or a fence device.
///
/// # Errors
/// Said.
pub fn update(env: &mut Environment<'_>, request: &Request) -> Outcome {
    let found = find(&env.cib, &request.id).cloned();
    let Some(element) = found.filter(|e| e.name() == "primitive" || is_clone(e)) else {
        let near = super::near(&env.cib, &request.id);
        let message = Message::UnableToFindResource { id: request.id.clone(), near };
        return Err(Failed::because(message));
    };
    if is_clone(&element) {
        if !request.operations.is_empty() {
            return Err(Failed::because(Message::OperationsOfClone));
        }
        let mut meta = request.parameters.clone();
        meta.extend(request.meta.clone());
        nvset::update(&mut env.cib, &request.id, "meta_attributes", &meta);
        return Ok(());
    }
    let agent = AgentName::of(&element);
    let area = if agent.is_stonith() { "stonith" } else { "resource" };
    if !request.parameters.is_empty() {
        check_parameters(env, &element, &agent, request);
        said(env)?;
    }
    check_guest_name(env, &element, &request.meta, request.force);
    env.checked()?;
    if request.meta.iter().any(|(_, value)| !value.is_empty()) {
        env.warn(Message::MetaNotValidatedHere { area: area.into() });
    }
    nvset::update(&mut env.cib, &request.id, "instance_attributes", &request.parameters);
    nvset::update(&mut env.cib, &request.id, "meta_attributes", &request.meta);
    for operation in &request.operations {
        match nvset::get(operation, "name") {
            Some(word) if word.contains('=') => {
                return Err(Failed::because(Message::NotAnAction { word: word.into() }));
            }
            // nothing is said of it
            _ if operation.len() < 2 => continue,
            _ => {}
        }
        replace_operation(env, &request.id, operation)?;
    }
    Ok(())
}

fn check_parameters(
    env: &mut Environment<'_>,
    element: &Element,
    agent: &AgentName,
    request: &Request,
) {
    let kind = if agent.is_stonith() { "stonith" } else { "resource" };
    let Some(metadata) = env.load_agent(agent, true) else { return };
    let given: Pairs =
        request.parameters.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    // one that the agent doesn't know takes force to be taken away, too
    check_names(env, &metadata, &request.parameters, kind, request.force);
    let mut after: Pairs = element
        .children_named("instance_attributes")
        .flat_map(|set| set.children_named("nvpair"))
        .filter_map(|pair| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned())))
        .filter(|(name, _)| nvset::get(&request.parameters, name).is_none())
        .collect();
    after.extend(given.clone());
    let removed = |name: &str| nvset::get(&request.parameters, name) == Some("");
    if metadata.parameters.iter().any(|p| p.required && removed(&p.name)) {
        check_required(env, &metadata, &after, kind, request.force);
    }
    check_deprecated(env, &metadata, &given, kind, request.force);
    check_unique(env, agent, &metadata, &given, &request.id, request.force);
    if request.agent_validation && !env.has_errors() {
        env.run_agent_validation(agent, &after, request.force);
    }
}

fn operations_of<'a>(cib: &'a Element, id: &str) -> Vec<&'a Element> {
    find(cib, id)
        .and_then(|resource| resource.child("operations"))
        .map(|list| list.children_named("op").collect())
        .unwrap_or_default()
}

/// Returns how deep a monitor looks, if it says so.
fn level_of(operation: &Element) -> Option<&str> {
    nvset::value(operation, "instance_attributes", "OCF_CHECK_LEVEL")
}

fn role_of(operation: &Element) -> &str {
    operation.get("role").unwrap_or("Started")
}

/// Puts an operation in the place of the first one of that name and role; beside the others when there is none.
fn replace_operation(env: &mut Environment<'_>, id: &str, typed: &Pairs) -> Outcome {
    env.check_operation(typed);
    said(env)?;
    let name = nvset::get(typed, "name").unwrap_or_default();
    let mut operation = typed.clone();
    if nvset::get(&operation, "interval").is_none() {
        let usual = if name == "monitor" { "60s" } else { "0s" };
        operation.push(("interval".into(), usual.into()));
    }
    let role = nvset::get(typed, "role").unwrap_or_default();
    let interval = nvset::get(&operation, "interval").and_then(options::seconds);
    let replaced = operations_of(&env.cib, id)
        .into_iter()
        .find(|o| o.get("name") == Some(name) && o.get("role").unwrap_or_default() == role)
        .and_then(|o| o.id())
        .map(str::to_owned);
    check_operation_id(env, typed, replaced.as_deref())?;
    check_interval(env, id, name, interval, replaced.as_deref())?;
    let mut at = None;
    if let Some(replaced) = replaced
        && let Some(list) = find_mut(&mut env.cib, id).and_then(|r| r.child_mut("operations"))
    {
        let is_it = |content: &Content| matches!(content, Content::Element(o) if o.id() == Some(replaced.as_str()));
        at = list.content().iter().position(is_it);
        list.retain_children(|o| o.id() != Some(replaced.as_str()));
    }
    let new = build_operation(&env.cib, id, &operation);
    push_operation(env, id, new, at);
    Ok(())
}

/// Builds an operation of a resource that is there. Its level has ids of its own making.
fn build_operation(cib: &Element, id: &str, operation: &Pairs) -> Element {
    let mut new = operations::build(cib, id, operation, &mut Vec::new());
    let own_id = new.id().unwrap_or_default().to_owned();
    if let Some(set) = new.child_mut("instance_attributes") {
        set.set("id", ids::free(cib, &format!("params-{own_id}")));
        if let Some(level) = set.child_mut("nvpair") {
            let value = level.get("value").unwrap_or_default().to_owned();
            let wanted = ids::sanitize(&format!("{own_id}-OCF_CHECK_LEVEL-{value}"));
            level.set("id", ids::free(cib, &wanted));
        }
    }
    new
}

/// Refuses an id that is none, or that something else has than the operation that goes.
fn check_operation_id(env: &Environment<'_>, operation: &Pairs, replaced: Option<&str>) -> Outcome {
    let Some(id) = nvset::get(operation, "id").filter(|id| replaced != Some(id)) else {
        return Ok(());
    };
    if let Some(message) = ids::check(id, "operation id") {
        return Err(Failed::because(message));
    }
    if ids::exists(&env.cib, id) {
        return Err(Failed::because(Message::IdInUse { id: id.into() }));
    }
    Ok(())
}

/// Refuses an operation that the resource has with the same interval already.
fn check_interval(
    env: &Environment<'_>,
    id: &str,
    name: &str,
    interval: Option<u64>,
    replaced: Option<&str>,
) -> Outcome {
    let same: Vec<&Element> = operations_of(&env.cib, id)
        .into_iter()
        .filter(|o| o.get("name") == Some(name) && (replaced.is_none() || o.id() != replaced))
        .filter(|o| o.get("interval").and_then(options::seconds) == interval)
        .collect();
    let Some(first) = same.first() else { return Ok(()) };
    Err(Failed::because(Message::OperationAlreadyWithInterval {
        name: name.into(),
        interval: first.get("interval").unwrap_or_default().to_owned(),
        resource: id.into(),
        present: same.iter().map(|o| listed(o)).collect(),
    }))
}

/// Adds an operation at this place in the list; behind the others when none is named.
fn push_operation(env: &mut Environment<'_>, id: &str, operation: Element, at: Option<usize>) {
    let Some(resource) = find_mut(&mut env.cib, id) else { return };
    if resource.child("operations").is_none() {
        let at = resource
            .content()
            .iter()
            .position(|c| matches!(c, Content::Element(e) if e.name() == "utilization"))
            .unwrap_or(resource.content().len());
        resource.content_mut().insert(at, Element::new("operations").into());
    }
    let list = resource.child_or_insert("operations");
    match at.filter(|at| *at <= list.content().len()) {
        Some(at) => list.content_mut().insert(at, operation.into()),
        None => list.push(operation),
    }
}

/// Changes meta attributes of any resource.
///
/// # Errors
/// Reported, or said.
pub fn meta(env: &mut Environment<'_>, id: &str, pairs: &Pairs, force: bool) -> Outcome {
    let Some(element) = find(&env.cib, id).cloned() else {
        let near = super::near(&env.cib, id);
        return Err(Failed::because(Message::IdNotFound {
            id: id.into(),
            kinds: vec!["resource".into()],
            near,
        }));
    };
    let sets_something = pairs.iter().any(|(_, value)| !value.is_empty());
    if element.name() == "primitive" {
        let kind = if super::is_stonith(&element) { "Stonith" } else { "Resource" };
        super::create::warn_unknown_meta(env, pairs, kind);
        check_guest(env, &element, pairs, force);
    } else if sets_something {
        let kinds = if element.name() == "group" { vec!["group"] } else { vec!["bundle", "clone"] };
        env.warn(Message::MetaNotValidated {
            kinds: kinds.into_iter().map(str::to_owned).collect(),
        });
    }
    env.checked()?;
    nvset::update(&mut env.cib, id, "meta_attributes", pairs);
    Ok(())
}

/// To make a guest node, or to give it another name, takes more than a meta attribute.
fn check_guest_name(env: &mut Environment<'_>, element: &Element, pairs: &Pairs, force: bool) {
    let old = nvset::value(element, "meta_attributes", "remote-node");
    match nvset::get(pairs, "remote-node") {
        Some("") if old.is_some() => env.forceable(Message::UseRemoveGuest, force),
        Some(new) if !new.is_empty() && old != Some(new) => {
            env.forceable(Message::UseAddGuest, force);
        }
        _ => {}
    }
    check_free_name(env, old, pairs, force);
}

/// Whatever else is forced, two nodes cannot have one name.
fn check_free_name(env: &mut Environment<'_>, old: Option<&str>, pairs: &Pairs, force: bool) {
    let new = nvset::get(pairs, "remote-node").filter(|new| old != Some(new));
    if let Some(new) = new.filter(|_| force)
        && crate::remote::names(&env.cib).iter().any(|name| name == new)
    {
        env.error(Message::IdAlreadyExists { id: new.into() });
    }
}

/// A guest node is more than a meta attribute.
fn check_guest(env: &mut Environment<'_>, element: &Element, pairs: &Pairs, force: bool) {
    let old = nvset::value(element, "meta_attributes", "remote-node");
    let Some(new) = nvset::get(pairs, "remote-node") else { return };
    match (old, new) {
        (Some(_), "") => env.forceable(Message::UseRemoveGuest, force),
        (Some(old), new) if old != new => env.forceable(Message::GuestParametersChanged, force),
        (None, new) if !new.is_empty() => env.forceable(Message::UseAddGuest, force),
        _ => {}
    }
    check_free_name(env, old, pairs, force);
}

/// Writes an operation as it is listed in messages.
fn listed(operation: &Element) -> String {
    let mut options: Vec<String> = operation
        .attributes()
        .filter(|(key, _)| !matches!(*key, "id" | "name"))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    options.sort();
    let mut words = vec![operation.get("name").unwrap_or_default().to_owned()];
    words.extend(options);
    words.extend(level_of(operation).map(|level| format!("OCF_CHECK_LEVEL={level}")));
    format!("{} ({})", words.join(" "), operation.id().unwrap_or_default())
}

/// Adds an operation.
///
/// # Errors
/// Said.
pub fn add_operation(env: &mut Environment<'_>, id: &str, typed: &Pairs, force: bool) -> Outcome {
    let Some(element) = find(&env.cib, id).filter(|e| e.name() == "primitive").cloned() else {
        let near = super::near(&env.cib, id);
        return Err(Failed::because(Message::UnableToFindResource { id: id.into(), near }));
    };
    let name = nvset::get(typed, "name").unwrap_or_default();
    if name.contains('=') {
        return Err(Failed::because(Message::NotAnAction { word: name.into() }));
    }
    if let Ok(metadata) = env.agents.metadata(&AgentName::of(&element)) {
        env.check_operations(std::slice::from_ref(typed), Some(&metadata), force);
    } else {
        env.check_operation(typed);
    }
    said(env)?;
    let mut operation = typed.clone();
    if nvset::get(&operation, "interval").is_none() {
        let usual = if name == "monitor" { "60s" } else { "0s" };
        operation.push(("interval".into(), usual.into()));
    }
    let interval = nvset::get(&operation, "interval").and_then(options::seconds);
    let role = nvset::get(&operation, "role").unwrap_or("Started");
    check_operation_id(env, typed, None)?;
    check_interval(env, id, name, interval, None)?;
    let present = operations_of(&env.cib, id);
    let same_name: Vec<&Element> =
        present.into_iter().filter(|o| o.get("name") == Some(name)).collect();
    let level = nvset::get(&operation, "OCF_CHECK_LEVEL");
    let same_role: Vec<String> = same_name
        .iter()
        .filter(|o| role_of(o) == role && level_of(o) == level)
        .map(|o| listed(o))
        .collect();
    if !same_role.is_empty() && !force {
        env.forceable(
            Message::OperationAlready {
                name: name.into(),
                resource: id.into(),
                present: same_role,
            },
            false,
        );
        return Err(Failed::Said);
    }
    let new = build_operation(&env.cib, id, &operation);
    push_operation(env, id, new, None);
    Ok(())
}

/// Deletes operations of a resource: those of a name, or the one with all these options.
///
/// # Errors
/// Said.
pub fn delete_operation(
    env: &mut Environment<'_>,
    id: &str,
    typed: &Pairs,
    words: &str,
) -> Outcome {
    if find(&env.cib, id).is_none_or(|e| e.name() != "primitive") {
        let near = super::near(&env.cib, id);
        return Err(Failed::because(Message::UnableToFindResource { id: id.into(), near }));
    }
    let matches = |operation: &Element| {
        let level = level_of(operation);
        typed.iter().all(|(key, value)| {
            let here = if key == "OCF_CHECK_LEVEL" { level } else { operation.get(key) };
            here == Some(value)
        }) && (typed.len() == 1
            || operation
                .attributes()
                .all(|(key, _)| key == "id" || typed.iter().any(|(typed_key, _)| typed_key == key)))
    };
    let before = operations_of(&env.cib, id).len();
    if let Some(list) = find_mut(&mut env.cib, id).and_then(|r| r.child_mut("operations")) {
        list.retain_children(|operation| !matches(operation));
    }
    if operations_of(&env.cib, id).len() == before {
        return Err(Failed::because(Message::OperationNotFound { operation: words.into() }));
    }
    Ok(())
}

/// Deletes an operation by its id.
///
/// # Errors
/// Said.
pub fn delete_operation_by_id(env: &mut Environment<'_>, operation: &str) -> Outcome {
    let holder = super::primitives(&env.cib)
        .find(|p| {
            p.child("operations")
                .is_some_and(|list| list.children().any(|o| o.id() == Some(operation)))
        })
        .and_then(Element::id)
        .map(str::to_owned);
    let Some(id) = holder else {
        return Err(Failed::because(Message::OperationIdNotFound { id: operation.into() }));
    };
    if let Some(list) = find_mut(&mut env.cib, &id).and_then(|r| r.child_mut("operations")) {
        list.retain_children(|o| o.id() != Some(operation));
    }
    Ok(())
}

/// Changes what an element (a resource or a node) uses or offers; values are whole numbers.
///
/// # Errors
/// Said.
pub fn utilization(env: &mut Environment<'_>, owner: &str, set_id: &str, pairs: &Pairs) -> Outcome {
    for (name, value) in pairs {
        if !value.is_empty() && value.parse::<i64>().is_err() {
            return Err(Failed::because(Message::UtilizationNotInteger {
                name: name.clone(),
                value: value.clone(),
            }));
        }
    }
    let has_set = env.cib.find_id(owner).is_some_and(|o| o.child("utilization").is_some());
    if !has_set && pairs.iter().any(|(_, value)| !value.is_empty()) {
        let id = ids::free(&env.cib, set_id);
        if let Some(owner) = env.cib.find_id_mut(owner) {
            let set = Element::new("utilization").with("id", id);
            owner.push(set);
        }
    }
    nvset::update(&mut env.cib, owner, "utilization", pairs);
    Ok(())
}

/// Writes a description into an element, or takes it away when it is empty.
///
/// # Errors
/// Reported: there is no such element.
pub fn describe(env: &mut Environment<'_>, id: &str, text: &str) -> Outcome {
    let found = env.cib.child_mut("configuration").and_then(|c| c.find_id_mut(id));
    let Some(element) = found else {
        let near = super::near(&env.cib, id);
        env.error(Message::IdNotFound { id: id.into(), kinds: Vec::new(), near });
        return Err(Failed::Reported);
    };
    if text.is_empty() {
        element.unset("description");
    } else {
        element.set("description", text);
    }
    Ok(())
}

//! Alerts: programs that are told what happens.

use cib::Element;
use serde::Serialize;

use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::nvset::{self, Pairs, SetView};
use crate::report::{Failed, Outcome};

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// The program.
    pub path: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Who is told.
    pub recipients: Vec<Recipient>,
    /// What about.
    pub select: Option<Select>,
    /// Its meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Its parameters.
    pub instance_attributes: Vec<SetView>,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The recipient's id.
    pub id: String,
    /// What the program gets as recipient.
    pub value: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Meta attributes.
    pub meta_attributes: Vec<SetView>,
    /// Parameters.
    pub instance_attributes: Vec<SetView>,
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Select {
    /// Nodes that come and go.
    pub nodes: bool,
    /// Fencing.
    pub fencing: bool,
    /// Resources.
    pub resources: bool,
    /// Attributes.
    pub attributes: bool,
    /// Which of them.
    pub attributes_select: Vec<String>,
}

/// Returns the alerts of a document.
pub fn alerts(cib: &Element) -> Vec<Alert> {
    let owned = |e: &Element, key: &str| e.get(key).map(str::to_owned);
    cib.at(&["configuration", "alerts"])
        .into_iter()
        .flat_map(|alerts| alerts.children_named("alert"))
        .map(|alert| Alert {
            id: owned(alert, "id").unwrap_or_default(),
            path: owned(alert, "path").unwrap_or_default(),
            description: owned(alert, "description"),
            recipients: alert
                .children_named("recipient")
                .map(|r| Recipient {
                    id: owned(r, "id").unwrap_or_default(),
                    value: owned(r, "value").unwrap_or_default(),
                    description: owned(r, "description"),
                    meta_attributes: SetView::all(r, "meta_attributes"),
                    instance_attributes: SetView::all(r, "instance_attributes"),
                })
                .collect(),
            select: alert.child("select").map(|s| Select {
                nodes: s.child("select_nodes").is_some(),
                fencing: s.child("select_fencing").is_some(),
                resources: s.child("select_resources").is_some(),
                attributes: s.child("select_attributes").is_some(),
                attributes_select: s
                    .child("select_attributes")
                    .into_iter()
                    .flat_map(|a| a.children_named("attribute"))
                    .filter_map(|a| owned(a, "name"))
                    .collect(),
            }),
            meta_attributes: SetView::all(alert, "meta_attributes"),
            instance_attributes: SetView::all(alert, "instance_attributes"),
        })
        .collect()
}

/// What is said of an alert or a recipient.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// `id`, `path` or `value`, `description`.
    pub options: Pairs,
    /// Parameters.
    pub parameters: Pairs,
    /// Meta attributes.
    pub meta: Pairs,
}

impl Values {
    fn get(&self, name: &str) -> Option<&str> {
        nvset::get(&self.options, name).filter(|value| !value.is_empty())
    }
}

/// Builds the sets of a new element; an empty value is none.
fn push_sets(element: &mut Element, id: &str, values: &Values) {
    for (kind, pairs) in
        [("meta_attributes", &values.meta), ("instance_attributes", &values.parameters)]
    {
        let kept: Pairs = pairs.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        if !kept.is_empty() {
            element.push(nvset::new_set(kind, &format!("{id}-{kind}"), &kept));
        }
    }
}

/// Changes the attributes and sets of an element.
fn change(env: &mut Environment<'_>, id: &str, values: &Values, main: &str) {
    if let Some(element) = env.cib.find_id_mut(id) {
        for name in [main, "description"] {
            match nvset::get(&values.options, name) {
                // what it is about can't be taken away
                Some("") if name == main => {}
                Some("") => drop(element.unset(name)),
                Some(value) => element.set(name, value),
                None => {}
            }
        }
    }
    nvset::update(&mut env.cib, id, "meta_attributes", &values.meta);
    nvset::update(&mut env.cib, id, "instance_attributes", &values.parameters);
}

/// Makes an alert.
///
/// # Errors
/// Reported.
pub fn create(env: &mut Environment<'_>, values: &Values) -> Outcome {
    let Some(path) = values.get("path").map(str::to_owned) else {
        env.check_required(vec!["path".into()], "", None);
        return Err(Failed::Reported);
    };
    if let Some(id) = values.get("id") {
        env.check_new_id(id, "alert-id");
    }
    env.checked()?;
    let id = values.get("id").map_or_else(|| ids::free(&env.cib, "alert"), str::to_owned);
    let mut alert = Element::new("alert").with("id", id.as_str()).with("path", path);
    if let Some(description) = values.get("description") {
        alert.set("description", description);
    }
    push_sets(&mut alert, &id, values);
    env.section("alerts").push(alert);
    Ok(())
}

fn find<'a>(cib: &'a Element, id: &str, name: &str) -> Option<&'a Element> {
    cib.at(&["configuration", "alerts"])?
        .descendants()
        .find(|e| e.name() == name && e.id() == Some(id))
}

fn missing(env: &Environment<'_>, id: &str, name: &str, kind: &str) -> Option<Message> {
    if find(&env.cib, id, name).is_some() {
        return None;
    }
    let kinds = vec![kind.to_owned()];
    Some(if ids::exists(&env.cib, id) {
        Message::IdOfOtherKind { id: id.into(), expected: kinds }
    } else {
        Message::IdNotFound { id: id.into(), kinds, near: None }
    })
}

/// Changes an alert.
///
/// # Errors
/// Said.
pub fn update(env: &mut Environment<'_>, id: &str, values: &Values) -> Outcome {
    if let Some(message) = missing(env, id, "alert", "alert") {
        return Err(Failed::because(message));
    }
    change(env, id, values, "path");
    Ok(())
}

/// Removes alerts.
///
/// # Errors
/// Reported.
pub fn remove(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    remove_named(env, ids, "alert", "alert")
}

fn remove_named(env: &mut Environment<'_>, ids: &[String], name: &str, kind: &str) -> Outcome {
    for (n, id) in ids.iter().enumerate() {
        if let Some(message) = missing(env, id, name, kind) {
            env.error(message);
        } else if ids[..n].contains(id) {
            let kinds = vec![kind.to_owned()];
            env.error(Message::IdNotFound { id: id.clone(), kinds, near: None });
        }
    }
    env.checked()?;
    let goes =
        |e: &Element| e.name() == name && e.id().is_some_and(|id| ids.iter().any(|i| i == id));
    let alerts = env.section("alerts");
    alerts.retain_children(|e| !goes(e));
    for alert in alerts.children_mut() {
        alert.retain_children(|e| !goes(e));
    }
    Ok(())
}

fn check_value(env: &mut Environment<'_>, alert: &str, value: &str, besides: &str, force: bool) {
    let twin = find(&env.cib, alert, "alert").is_some_and(|a| {
        a.children_named("recipient")
            .any(|r| r.get("value") == Some(value) && r.id() != Some(besides))
    });
    if twin {
        env.forceable(Message::RecipientExists { value: value.into(), alert: alert.into() }, force);
    }
}

/// Adds a recipient to an alert.
///
/// # Errors
/// Reported, or said.
pub fn add_recipient(
    env: &mut Environment<'_>,
    alert: &str,
    values: &Values,
    force: bool,
) -> Outcome {
    let Some(value) = values.get("value").map(str::to_owned) else {
        env.check_required(vec!["value".into()], "", None);
        return Err(Failed::Reported);
    };
    if let Some(id) = values.get("id") {
        env.check_new_id(id, "recipient-id");
    }
    env.checked()?;
    if let Some(message) = missing(env, alert, "alert", "alert") {
        return Err(Failed::because(message));
    }
    check_value(env, alert, &value, "", force);
    env.checked()?;
    let id = values
        .get("id")
        .map_or_else(|| ids::free(&env.cib, &format!("{alert}-recipient")), str::to_owned);
    let mut recipient = Element::new("recipient").with("id", id.as_str()).with("value", value);
    if let Some(description) = values.get("description") {
        recipient.set("description", description);
    }
    push_sets(&mut recipient, &id, values);
    if let Some(alert) = env.section("alerts").children_mut().find(|a| a.id() == Some(alert)) {
        alert.push(recipient);
    }
    Ok(())
}

/// Changes a recipient.
///
/// # Errors
/// Reported, or said.
pub fn update_recipient(
    env: &mut Environment<'_>,
    id: &str,
    values: &Values,
    force: bool,
) -> Outcome {
    if nvset::get(&values.options, "value") == Some("") {
        return Err(Failed::because(Message::RecipientInvalid { value: String::new() }));
    }
    if let Some(message) = missing(env, id, "recipient", "alert recipient") {
        return Err(Failed::because(message));
    }
    if let Some(value) = values.get("value").map(str::to_owned) {
        let alert = alerts(&env.cib)
            .into_iter()
            .find(|a| a.recipients.iter().any(|r| r.id == id))
            .map(|a| a.id)
            .unwrap_or_default();
        check_value(env, &alert, &value, id, force);
    }
    env.checked()?;
    change(env, id, values, "value");
    Ok(())
}

/// Removes recipients.
///
/// # Errors
/// Reported.
pub fn remove_recipients(env: &mut Environment<'_>, ids: &[String]) -> Outcome {
    remove_named(env, ids, "recipient", "alert recipient")
}

//! Order constraints: what happens before what.

use cib::Element;

use super::set::{self, SetWords};
use super::{check_resource, in_one_group, new_id};
use crate::environment::Environment;
use crate::message::Message;
use crate::nvset::{self, Pairs};
use crate::options::{self, Wanted};
use crate::report::{Failed, Outcome, Report};

/// One side of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What happens.
    pub action: Option<String>,
    /// With which resource.
    pub resource: String,
}

const KINDS: [&str; 3] = ["Mandatory", "Optional", "Serialize"];

/// Adds an order.
///
/// # Errors
/// Said.
pub fn add(
    env: &mut Environment<'_>,
    first: &Side,
    then: &Side,
    typed: &Pairs,
    force: bool,
) -> Outcome {
    check_resource(env, &first.resource, force)?;
    check_resource(env, &then.resource, force)?;
    if in_one_group(&env.cib, &first.resource, &then.resource) {
        return Err(Failed::because(Message::OrderInOneGroup));
    }
    super::check_not_empty(typed)?;
    let get = |name: &str| nvset::get(typed, name);
    if let Some(value) = get("symmetrical")
        && !["true", "false"].contains(&value.to_lowercase().as_str())
    {
        return Err(Failed::because(Message::OptionValueNotAllowed {
            name: "symmetrical".into(),
            value: value.into(),
            allowed: vec!["true".into(), "false".into()],
        }));
    }
    if get("score").is_some() {
        env.report(Report::deprecation(Message::DeprecatedOption {
            name: "score".into(),
            replaced_by: Vec::new(),
            kind: String::new(),
        }));
    }
    let (kind_word, kind) = match (get("kind"), get("score")) {
        (Some(kind), _) => (format!("kind: {kind}"), kind),
        (None, Some(score)) => (format!("score: {score}"), score),
        (None, None) => ("kind: Mandatory".to_owned(), "mandatory"),
    };
    let wanted = format!("order-{}-{}-{kind}", first.resource, then.resource);
    let id = new_id(env, get("id"), &wanted)?;
    let first_action = first.action.as_deref().unwrap_or("start");
    let then_action = then.action.as_deref().unwrap_or("start");
    if !force {
        check_duplicate(env, first, first_action, then, then_action)?;
    }
    let mut words: Vec<String> = typed
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "kind" | "score" | "symmetrical"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    words.push(format!("first-action={first_action}"));
    words.push(format!("then-action={then_action}"));
    words.extend(get("symmetrical").map(|value| format!("symmetrical={}", value.to_lowercase())));
    env.info(Message::AddingOrder {
        first: first.resource.clone(),
        then: then.resource.clone(),
        kind: kind_word,
        options: words,
    });
    let mut constraint = Element::new("rsc_order")
        .with("id", id)
        .with("first", first.resource.as_str())
        .with("then", then.resource.as_str())
        .with("first-action", first_action)
        .with("then-action", then_action);
    // what happens with the two is said beside them
    let own = ["id", "first-action", "then-action"];
    for (name, value) in typed.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        constraint.set(name, written(name, value));
    }
    env.section("constraints").push(constraint);
    Ok(())
}

/// Writes a value as the schema wants it.
fn written(name: &str, value: &str) -> String {
    if name == "symmetrical" { value.to_lowercase() } else { value.to_owned() }
}

fn check_duplicate(
    env: &mut Environment<'_>,
    first: &Side,
    first_action: &str,
    then: &Side,
    then_action: &str,
) -> Outcome {
    let twins: Vec<String> = super::all(&env.cib)
        .filter(|c| c.name() == "rsc_order")
        .filter(|c| {
            c.get("first") == Some(&first.resource)
                && c.get("then") == Some(&then.resource)
                && c.get("first-action").unwrap_or("start") == first_action
                && c.get("then-action").unwrap_or("start") == then_action
        })
        .map(|c| {
            let kind = c.get("kind").unwrap_or("Mandatory");
            format!(
                "  {first_action} {} then {then_action} {} (kind:{kind}) (id:{})",
                first.resource,
                then.resource,
                c.id().unwrap_or_default()
            )
        })
        .collect();
    if twins.is_empty() {
        return Ok(());
    }
    env.forceable(Message::DuplicateConstraintListed { constraints: twins }, false);
    Err(Failed::Said)
}

/// Adds an order of sets.
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
    if !env.check_names(names, &["id", "kind", "symmetrical"], "", None) {
        return Err(Failed::Said);
    }
    if let Some(id) = nvset::get(typed, "id") {
        env.check_new_id(id, "constraint id");
    }
    env.checked()?;
    if let Some(kind) = nvset::get(typed, "kind")
        && !KINDS.contains(&kind)
    {
        return Err(Failed::because(options::bad_value("kind", kind, Wanted::Choice(&KINDS))));
    }
    if let Some(value) = nvset::get(typed, "symmetrical")
        && !options::is_boolean(value)
    {
        let wanted = Wanted::Choice(&["false", "true"]);
        return Err(Failed::because(options::bad_value("symmetrical", value, wanted)));
    }
    let resources: Vec<&String> = sets.iter().flat_map(|set| &set.resources).collect();
    let together = resources
        .iter()
        .enumerate()
        .any(|(n, one)| resources[..n].iter().any(|other| in_one_group(&env.cib, one, other)));
    if together {
        return Err(Failed::because(Message::OrderInOneGroup));
    }
    set::check(env, sets, force);
    set::check_duplicates(env, "rsc_order", |c| set::same_sets(c, sets), force);
    env.checked()?;
    let id = new_id(env, nvset::get(typed, "id"), &set::id_of("order", sets))?;
    let mut constraint = Element::new("rsc_order").with("id", id.as_str());
    for (name, value) in typed.iter().filter(|(name, _)| name != "id") {
        constraint.set(name, written(name, value));
    }
    set::build(env, &mut constraint, &id, sets);
    env.section("constraints").push(constraint);
    Ok(())
}

/// Removes resources from all orders, and from sets of any constraint.
///
/// # Errors
/// Said: none of them is in any.
pub fn remove(env: &mut Environment<'_>, resources: &[String]) -> Outcome {
    let mut found = false;
    for resource in resources {
        let is_one = |c: &Element| {
            c.name() == "rsc_order"
                && (c.get("first") == Some(resource) || c.get("then") == Some(resource))
        };
        let simple = super::all(&env.cib).any(is_one);
        env.section("constraints").retain_children(|c| !is_one(c));
        let in_sets = set::remove_references(env, resource, |_| true);
        found |= simple || in_sets;
    }
    if found { Ok(()) } else { Err(Failed::because(Message::OrderNotFound)) }
}

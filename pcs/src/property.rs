//! Properties of the cluster.

use cib::Element;

use crate::environment::Environment;
use crate::ids;
use crate::message::Message;
use crate::metadata::{OptionClass, Parameter};
use crate::nvset::{self, Pairs, SetView};
use crate::options::{self, Wanted};
use crate::report::Outcome;

/// The set of properties pcs and Pacemaker write.
pub const DEFAULT_SET: &str = "cib-bootstrap-options";

/// Properties the cluster sets by itself.
pub const GENERATED: [&str; 5] =
    ["cluster-infrastructure", "cluster-name", "dc-version", "have-watchdog", "last-lrm-refresh"];

/// Ids of properties take this much of the name.
const ID_NAME_MAX: usize = 20;

/// Returns the sets of properties as they are shown.
pub fn sets(cib: &Element) -> Vec<SetView> {
    cib.at(&["configuration", "crm_config"])
        .map(|config| SetView::all(config, "cluster_property_set"))
        .unwrap_or_default()
}

/// Returns the value of a property, if it is set.
pub fn value<'a>(cib: &'a Element, name: &str) -> Option<&'a str> {
    nvset::value(cib.at(&["configuration", "crm_config"])?, "cluster_property_set", name)
}

/// Returns the properties people may set.
pub fn settable(env: &Environment<'_>) -> Vec<Parameter> {
    let mut all = env.agents.options(OptionClass::Cluster);
    all.retain(|p| !GENERATED.contains(&p.name.as_str()) && !p.generated);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Sets properties; an empty value takes a property away.
///
/// # Errors
/// Reported.
pub fn set(
    env: &mut Environment<'_>,
    pairs: &Pairs,
    force: bool,
    sbd_without_devices: bool,
) -> Outcome {
    let set_id = set_id(&env.cib);
    let known = settable(env);
    let removed: Vec<&str> =
        pairs.iter().filter(|(_, v)| v.is_empty()).map(|(n, _)| n.as_str()).collect();
    let given: Pairs = pairs.iter().filter(|(_, v)| !v.is_empty()).cloned().collect();
    check_removed(env, &removed, &set_id, force);
    check_forbidden(env, &removed, &known);
    check_given(env, &given, &known, force);
    check_watchdog_timeout(env, pairs, force, sbd_without_devices);
    warn_stonith_disabled(env, &given);
    env.checked()?;
    if set_of(&env.cib, &set_id).is_none() {
        let new = Element::new("cluster_property_set").with("id", set_id.as_str());
        env.section("crm_config").push(new);
    }
    nvset::update_set(&mut env.cib, &set_id, pairs, ID_NAME_MAX);
    Ok(())
}

fn set_of<'a>(cib: &'a Element, id: &str) -> Option<&'a Element> {
    cib.at(&["configuration", "crm_config"])?.children().find(|e| e.id() == Some(id))
}

fn set_id(cib: &Element) -> String {
    cib.at(&["configuration", "crm_config"])
        .and_then(|config| config.children_named("cluster_property_set").next())
        .and_then(Element::id)
        .map_or_else(|| ids::free(cib, DEFAULT_SET), str::to_owned)
}

fn check_removed(env: &mut Environment<'_>, removed: &[&str], set_id: &str, force: bool) {
    let mut absent: Vec<String> = removed
        .iter()
        .filter(|name| {
            !set_of(&env.cib, set_id).is_some_and(|set| {
                set.children_named("nvpair").any(|pair| pair.get("name") == Some(name))
            })
        })
        .map(|name| (*name).to_owned())
        .collect();
    absent.sort();
    if !absent.is_empty() {
        let message = Message::CannotRemoveProperty { names: absent, set: set_id.into() };
        env.forceable(message, force);
    }
}

/// What the cluster sets by itself is not to be touched, not even with force.
fn check_forbidden(env: &mut Environment<'_>, names: &[&str], known: &[Parameter]) {
    let allowed: Vec<&str> = known.iter().map(|p| p.name.as_str()).collect();
    let forbidden: Vec<&str> =
        names.iter().copied().filter(|name| GENERATED.contains(name)).collect();
    env.check_names(forbidden.iter().copied(), &allowed, "cluster property", None);
    if forbidden.contains(&"cluster-name") {
        env.error(Message::UseClusterRename);
    }
}

fn check_given(env: &mut Environment<'_>, given: &Pairs, known: &[Parameter], force: bool) {
    let allowed: Vec<&str> = known.iter().map(|p| p.name.as_str()).collect();
    let names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
    check_forbidden(env, &names, known);
    let others: Vec<&str> =
        names.iter().copied().filter(|name| !GENERATED.contains(name)).collect();
    env.check_names(others, &allowed, "cluster property", Some(force));
    for (name, value) in given {
        if name == "stonith-watchdog-timeout" || name == "fencing-watchdog-timeout" {
            continue;
        }
        let Some(parameter) = known.iter().find(|p| p.name == *name) else { continue };
        if let Some(message) = bad_value(parameter, value) {
            env.forceable(message, force);
        }
    }
}

/// Says what is wrong with the value of a property, if anything is.
fn bad_value(parameter: &Parameter, value: &str) -> Option<Message> {
    let (good, wanted) = match parameter.kind.as_str() {
        "boolean" => (
            options::is_boolean(value),
            Wanted::Words(
                "a pacemaker boolean value: '0', '1', 'false', 'n', 'no', 'off', 'on', 'true', 'y', 'yes'",
            ),
        ),
        "integer" | "nonnegative_integer" => {
            let number = value.strip_prefix(['+', '-']).unwrap_or(value);
            let good = is_infinity(number)
                || (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit()));
            (good, Wanted::Words("an integer or INFINITY or -INFINITY"))
        }
        "score" => (
            options::is_score(value) || matches!(value, "red" | "yellow" | "green"),
            Wanted::Words("an integer or INFINITY or -INFINITY"),
        ),
        "percentage" => (
            value
                .strip_suffix('%')
                .is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit())),
            Wanted::Words("a non-negative integer followed by '%' (e.g. 0%, 50%, 200%, ...)"),
        ),
        "duration" | "time" | "timeout" => {
            (options::is_timeout(value), Wanted::Words("time interval (e.g. 1, 2s, 3m, 4h, ...)"))
        }
        "select" => {
            let choices: Vec<&str> = parameter.choices.iter().map(String::as_str).collect();
            let good = choices.contains(&value);
            return (!good)
                .then(|| options::bad_value(&parameter.name, value, Wanted::Choice(&choices)));
        }
        _ => return None,
    };
    (!good).then(|| options::bad_value(&parameter.name, value, wanted))
}

fn is_infinity(text: &str) -> bool {
    text == "INFINITY"
}

fn check_watchdog_timeout(
    env: &mut Environment<'_>,
    pairs: &Pairs,
    force: bool,
    sbd_without_devices: bool,
) {
    let Some(value) = nvset::get(pairs, "stonith-watchdog-timeout") else { return };
    if !value.is_empty() && !options::is_timeout(value) {
        env.check_value(
            "stonith-watchdog-timeout",
            value,
            false,
            Wanted::Words("time interval (e.g. 1, 2s, 3m, 4h, ...)"),
        );
        return;
    }
    let zero = value.is_empty() || options::seconds(value) == Some(0);
    if zero && sbd_without_devices {
        env.forceable(Message::WatchdogTimeoutCannotBeUnset, force);
    }
}

fn warn_stonith_disabled(env: &mut Environment<'_>, given: &Pairs) {
    let off = nvset::get(given, "stonith-enabled").is_some_and(|v| !options::is_true(v));
    if off && !env.has_errors() {
        env.warn(Message::StonithDisabledByProperty);
    }
}

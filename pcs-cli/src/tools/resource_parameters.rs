//! Attributes of resources, as `crm_resource` shows, sets and deletes them; resources deleted and
//! restarted.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cib::Element;
use cib::edit::{Request, Target};
use model::ExitCode;

use super::answer::Answer;
use super::crm_resource::{Call, Said, fail, live, no_controller};
use super::frame::with_text;
use super::resource_queries::{places, with_template};

/// The kind of set a command means.
fn kind(call: &Call) -> &'static str {
    if call.options.has("meta") {
        "meta_attributes"
    } else if call.options.has("utilization") {
        "utilization"
    } else {
        "instance_attributes"
    }
}

/// Returns the value of an attribute in the sets that are always in effect; the first counts.
fn own<'a>(element: &'a Element, kind: &'a str, name: &str) -> Option<&'a str> {
    element
        .children_named(kind)
        .filter(|set| set.child("rule").is_none())
        .flat_map(|set| set.children_named("nvpair"))
        .find(|pair| pair.get("name") == Some(name))?
        .get("value")
}

/// `--get-parameter`.
pub(super) fn get(call: &mut Call) -> Result<Said, Answer> {
    let name = call.options.value("get-parameter").unwrap_or_default().to_owned();
    let document = call.document()?;
    let element = call.element(&document)?;
    let id = call.resource()?;
    let kind = kind(call);
    let value = effective(&document, &element, kind, &name);
    let Some(value) = value else {
        return Ok(Said {
            remark: format!("Attribute '{name}' not found for '{id}'\n"),
            ..Said::default()
        });
    };
    let mut item = with_text("item", &value);
    item.set("name", name);
    let list = Element::new("list").with("name", "attributes").with("count", "1").with_child(item);
    Ok(Said { text: format!("{value}\n"), xml: vec![list], ..Said::default() })
}

/// Meta attributes come from those that hold the resource, and from the defaults, too.
pub(super) fn effective(
    document: &Element,
    element: &Element,
    kind: &str,
    name: &str,
) -> Option<String> {
    effective_below(document, element, |id| pcs::resource::parent(document, id), kind, name)
}

/// As [`effective`], for one who knows in which resource each lies.
pub(super) fn effective_below<'a>(
    document: &Element,
    element: &Element,
    parent_of: impl Fn(&str) -> Option<&'a Element>,
    kind: &str,
    name: &str,
) -> Option<String> {
    let full = with_template(document, element);
    if let Some(value) = own(&full, kind, name) {
        return Some(value.to_owned());
    }
    if kind != "meta_attributes" {
        return None;
    }
    let mut above = element.id().and_then(&parent_of);
    while let Some(parent) = above {
        if let Some(value) = own(parent, kind, name) {
            return Some(value.to_owned());
        }
        above = parent.id().and_then(&parent_of);
    }
    let defaults = document.at(&["configuration", "rsc_defaults"])?;
    own(defaults, kind, name).map(str::to_owned)
}

/// `--get-property`: an attribute of the element itself (`class`, `type`).
pub(super) fn get_property(call: &mut Call) -> Result<Said, Answer> {
    let name = call.options.value("get-property").unwrap_or_default().to_owned();
    let document = call.document()?;
    let element = call.element(&document)?;
    match element.get(&name) {
        Some(value) => Ok(Said::text(format!("{value}\n"))),
        None => Err(fail(
            ExitCode::NoSuch,
            format!("'{}' has no property '{name}'", element.id().unwrap_or_default()),
        )),
    }
}

/// Returns the resource whose attribute is changed: for a meta attribute of what is cloned, the
/// clone, since all instances are to have it.
fn owner(
    call: &Call,
    document: &Element,
    kind: &str,
    verb: &str,
    name: &str,
) -> Result<(Element, String), Answer> {
    let element = call.element(document)?;
    if kind != "meta_attributes" || call.options.has("force") {
        return Ok((element, String::new()));
    }
    let parent = element.id().and_then(|id| pcs::resource::parent(document, id));
    match parent.filter(|parent| pcs::resource::is_clone(parent)) {
        Some(clone) => {
            let remark = format!(
                "Performing {verb} of '{name}' on '{}', the parent of '{}'\n",
                clone.id().unwrap_or_default(),
                call.resource()?
            );
            Ok((clone.clone(), remark))
        }
        None => Ok((element, String::new())),
    }
}

/// Returns (set, pair) of the places where an attribute is, as far as options narrow it down.
fn found<'a>(
    call: &Call,
    element: &'a Element,
    kind: &'a str,
    name: &str,
) -> Result<Option<&'a Element>, Answer> {
    let set_name = call.options.value("set-name");
    let pair_id = call.options.value("nvpair");
    let pairs: Vec<(&Element, &Element)> = element
        .children_named(kind)
        .filter(|set| set_name.is_none_or(|wanted| set.id() == Some(wanted)))
        .flat_map(|set| set.children_named("nvpair").map(move |pair| (set, pair)))
        .filter(|(_, pair)| pair.get("name") == Some(name))
        .filter(|(_, pair)| pair_id.is_none_or(|wanted| pair.id() == Some(wanted)))
        .collect();
    match pairs.as_slice() {
        [] => Ok(None),
        [(_, pair)] => Ok(Some(pair)),
        several => {
            let mut text = format!("Multiple attributes match name={name}");
            for (set, pair) in several {
                let _infallible = write!(
                    text,
                    "\n  Value: {} \t(set={}, id={})",
                    pair.get("value").unwrap_or_default(),
                    set.id().unwrap_or_default(),
                    pair.id().unwrap_or_default()
                );
            }
            text.push_str("\nname one with --set-name or --nvpair");
            Err(fail(ExitCode::Multiple, text))
        }
    }
}

/// `--set-parameter`.
pub(super) fn set(call: &mut Call) -> Result<Said, Answer> {
    let name = call.options.value("set-parameter").unwrap_or_default().to_owned();
    call.resource()?;
    let Some(value) = call.options.value("parameter-value").map(str::to_owned) else {
        return Err(fail(ExitCode::Usage, "You need to supply a value with the -v option"));
    };
    if call.options.has("recursive") {
        return Err(fail(
            ExitCode::UnimplementFeature,
            "--recursive is not done with --set-parameter; set the attribute on each resource that \
             --stack names",
        ));
    }
    let document = call.document()?;
    let (request, text) = setting(call, &document, &name, &value)?;
    call.change(&request)?;
    Ok(Said::text(if call.is_quiet() { String::new() } else { text }))
}

fn setting(
    call: &Call,
    document: &Element,
    name: &str,
    value: &str,
) -> Result<(Request, String), Answer> {
    let kind = kind(call);
    let (element, mut text) = owner(call, document, kind, "update", name)?;
    let id = element.id().unwrap_or_default();
    let mut pair = Element::new("nvpair");
    let xml = if let Some(known) = found(call, &element, kind, name)? {
        pair.set("id", known.id().unwrap_or_default());
        let _infallible = write!(text, "Set '{id}' option: id={}", known.id().unwrap_or_default());
        let set = element
            .children_named(kind)
            .find(|set| set.children_named("nvpair").any(|pair| pair.id() == known.id()));
        let set = set.and_then(Element::id).unwrap_or_default().to_owned();
        if call.options.has("set-name") {
            let _infallible = write!(text, " set={set}");
        }
        Element::new(kind).with("id", set)
    } else {
        let set =
            call.options.value("set-name").map_or_else(|| format!("{id}-{kind}"), str::to_owned);
        let pair_id =
            call.options.value("nvpair").map_or_else(|| pair_id(&set, name), str::to_owned);
        let _infallible = write!(text, "Set '{id}' option: id={pair_id} set={set}");
        pair.set("id", pair_id);
        Element::new(kind).with("id", set)
    };
    let _infallible = writeln!(text, " name={name} value={value}");
    pair.set("name", name);
    pair.set("value", value);
    let xml = Element::new(element.name()).with("id", id).with_child(xml.with_child(pair));
    let target = Target::Section("resources".to_owned());
    Ok((Request::Modify { target, xml, allow_create: false }, text))
}

/// Makes the id of a pair; what no id may hold becomes an underscore.
pub(super) fn pair_id(set: &str, name: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    format!("{set}-{name}").chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// `--delete-parameter`.
pub(super) fn delete(call: &mut Call) -> Result<Said, Answer> {
    let name = call.options.value("delete-parameter").unwrap_or_default().to_owned();
    call.resource()?;
    let document = call.document()?;
    let kind = kind(call);
    let (element, mut text) = owner(call, &document, kind, "delete", &name)?;
    let Some(pair) = found(call, &element, kind, &name)? else {
        return Ok(Said::text(text));
    };
    let id = pair.id().unwrap_or_default().to_owned();
    call.change(&Request::Delete {
        target: Target::Section("resources".to_owned()),
        xml: Some(Element::new("nvpair").with("id", id.as_str())),
    })?;
    let owner = element.id().unwrap_or_default();
    let _infallible = writeln!(text, "Deleted '{owner}' option: id={id} name={name}");
    Ok(Said::text(if call.is_quiet() { String::new() } else { text }))
}

/// Checks that a command names the kind of element, as one that changes it must.
fn typed(call: &Call, document: &Element) -> Result<Element, Answer> {
    let element = call.element(document)?;
    let Some(kind) = call.options.value("resource-type") else {
        return Err(fail(ExitCode::Usage, "You need to specify a resource type with -t"));
    };
    if kind == element.name() {
        return Ok(element);
    }
    Err(fail(
        ExitCode::NoSuch,
        format!("'{}' is a {}, not a {kind}", element.id().unwrap_or_default(), element.name()),
    ))
}

/// `--set-property`: an attribute of the element itself.
pub(super) fn set_property(call: &mut Call) -> Result<Said, Answer> {
    call.resource()?;
    let document = call.document()?;
    let element = typed(call, &document)?;
    let Some(value) = call.options.value("parameter-value").map(str::to_owned) else {
        return Err(fail(ExitCode::Usage, "You need to supply a value with the -v option"));
    };
    let name = call.options.value("set-property").unwrap_or_default().to_owned();
    let xml = Element::new(element.name())
        .with("id", element.id().unwrap_or_default())
        .with(&name, value);
    let target = Target::Section("resources".to_owned());
    call.change(&Request::Modify { target, xml, allow_create: false })?;
    Ok(Said::default())
}

/// `--delete`.
pub(super) fn delete_resource(call: &mut Call) -> Result<Said, Answer> {
    call.resource()?;
    let document = call.document()?;
    let element = typed(call, &document)?;
    let id = element.id().unwrap_or_default();
    call.change(&Request::Delete {
        target: Target::Section("resources".to_owned()),
        xml: Some(Element::new(element.name()).with("id", id)),
    })?;
    Ok(Said::default())
}

/// How long `--restart` waits when nobody says otherwise.
const RESTART_USUALLY: Duration = Duration::from_secs(3600);

/// `--restart`: stops a resource with what depends on it, and lets it start again. What was set
/// before comes back whatever happens.
pub(super) fn restart(call: &mut Call) -> Result<Said, Answer> {
    let id = call.resource()?.to_owned();
    let patience = call.patience()?.unwrap_or(RESTART_USUALLY);
    if !call.is_live()? {
        return Err(fail(ExitCode::Usage, "--restart needs the running cluster, not a file"));
    }
    let document = call.document()?;
    let element = call.element(&document)?;
    let parent = pcs::resource::parent(&document, element.id().unwrap_or_default());
    let target =
        parent.filter(|parent| pcs::resource::is_clone(parent)).unwrap_or(&element).clone();
    let status = call.seen(&document)?.status;
    if places(&status, &id).is_empty() {
        return Err(fail(
            ExitCode::Error,
            format!("'{id}' is not running anywhere and so cannot be restarted"),
        ));
    }
    let deadline = Instant::now() + patience;
    let before = own(&target, "meta_attributes", "target-role").map(str::to_owned);
    let owner = target.id().unwrap_or_default().to_owned();
    change_role(call, &owner, Some("Stopped"))?;
    let stopped = settle(deadline);
    change_role(call, &owner, before.as_deref())?;
    stopped?;
    settle(deadline)?;
    let document = call.document()?;
    let status = call.seen(&document)?.status;
    if places(&status, &id).is_empty() {
        return Err(fail(
            ExitCode::Error,
            format!(
                "'{id}' was stopped and did not start again; `crm_resource --why -r {id}` says why"
            ),
        ));
    }
    Ok(Said::default())
}

fn change_role(call: &mut Call, id: &str, role: Option<&str>) -> Result<(), Answer> {
    let document = call.document()?;
    let Some(element) = pcs::resource::find(&document, id) else {
        return Err(fail(ExitCode::NoSuch, format!("'{id}' was deleted meanwhile")));
    };
    let known = element
        .children_named("meta_attributes")
        .flat_map(|set| set.children_named("nvpair").map(move |pair| (set, pair)))
        .find(|(_, pair)| pair.get("name") == Some("target-role"));
    let request = match (role, known) {
        (None, None) => return Ok(()),
        (None, Some((_, pair))) => Request::Delete {
            target: Target::Section("resources".to_owned()),
            xml: Some(Element::new("nvpair").with("id", pair.id().unwrap_or_default())),
        },
        (Some(role), known) => {
            let usual = format!("{id}-meta_attributes");
            let set = known.and_then(|(set, _)| set.id()).unwrap_or(&usual);
            let usual = pair_id(set, "target-role");
            let pair = known.and_then(|(_, pair)| pair.id()).unwrap_or(&usual);
            let pair = Element::new("nvpair")
                .with("id", pair)
                .with("name", "target-role")
                .with("value", role);
            let set = Element::new("meta_attributes").with("id", set).with_child(pair);
            Request::Modify {
                target: Target::Section("resources".to_owned()),
                xml: Element::new(element.name()).with("id", id).with_child(set),
                allow_create: false,
            }
        }
    };
    call.change(&request)
}

fn settle(deadline: Instant) -> Result<(), Answer> {
    let left = deadline.saturating_duration_since(Instant::now());
    match live()?.wait_idle(left).map_err(|error| no_controller(&error))? {
        true => Ok(()),
        false => Err(fail(ExitCode::Timeout, "the cluster was still busy when the time was over")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::crm_resource::find;
    use super::super::resource_tests::document;
    use super::{effective, pair_id};

    #[test]
    fn meta_attributes_have_defaults_and_others_do_not() {
        let document = document();
        let value = |id, kind, name| effective(&document, find(&document, id).unwrap(), kind, name);
        assert_eq!(value("A", "instance_attributes", "fake").as_deref(), Some("x"));
        let meta = |id| value(id, "meta_attributes", "resource-stickiness");
        assert_eq!((meta("A").as_deref(), meta("B").as_deref()), (Some("5"), Some("1")));
        assert_eq!(value("PP", "meta_attributes", "promotable").as_deref(), Some("true"));
        assert_eq!(value("B", "instance_attributes", "fake"), None);
    }

    #[test]
    fn ids_hold_only_what_ids_may() {
        assert_eq!(pair_id("A-meta", "x#y z"), "A-meta-x_y_z");
    }
}

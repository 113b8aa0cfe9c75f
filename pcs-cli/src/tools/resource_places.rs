//! Constraints that move resources: `crm_resource --move`, `--ban` and `--clear`.

use std::fmt::Write as _;

use cib::Element;
use cib::edit::{Request, Target};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use model::ExitCode;

use super::answer::Answer;
use super::crm_resource::{Call, Said, fail};
use super::resource_queries::places;

/// What a constraint that is made here is like.
struct Wish<'a> {
    resource: &'a str,
    node: &'a str,
    promoted: bool,
    until: Option<&'a str>,
}

impl Wish<'_> {
    fn role(&self) -> &'static str {
        if self.promoted { "Promoted" } else { "Started" }
    }

    fn element(&self, id: &str, score: &str, names: [&str; 3]) -> Element {
        let mut element = Element::new("rsc_location")
            .with("id", id)
            .with("rsc", self.resource)
            .with("role", self.role());
        let Some(until) = self.until else {
            element.set("node", self.node);
            element.set("score", score);
            return element;
        };
        let [rule, expression, lifetime] = names;
        element.push(
            Element::new("rule")
                .with("id", rule)
                .with("score", score)
                .with("boolean-op", "and")
                .with_child(
                    Element::new("expression")
                        .with("id", expression)
                        .with("attribute", "#uname")
                        .with("operation", "eq")
                        .with("value", self.node)
                        .with("type", "string"),
                )
                .with_child(
                    Element::new("date_expression")
                        .with("id", lifetime)
                        .with("operation", "lt")
                        .with("end", until),
                ),
        );
        element
    }

    fn ban(&self) -> Element {
        let id = format!("cli-ban-{}-on-{}", self.resource, self.node);
        let names = [format!("{id}-rule"), format!("{id}-expr"), format!("{id}-lifetime")];
        self.element(&id, "-INFINITY", [&names[0], &names[1], &names[2]])
    }

    fn prefer(&self) -> Element {
        let resource = self.resource;
        let names =
            ["rule", "expr", "lifetime-end"].map(|part| format!("cli-prefer-{part}-{resource}"));
        self.element(
            &format!("cli-prefer-{resource}"),
            "INFINITY",
            [&names[0], &names[1], &names[2]],
        )
    }
}

/// Says what a ban means, as nobody expects it.
fn warning(ban: &Element, wish: &Wish<'_>) -> String {
    let Wish { resource, node, .. } = wish;
    let what = if wish.promoted { "being promoted" } else { "running" };
    format!(
        "WARNING: Creating rsc_location constraint '{}' with a score of -INFINITY for resource \
         {resource} on {node}.\n\tThis will prevent {resource} from {what} on {node} until the \
         constraint is removed using the clear option or by editing the CIB with an appropriate \
         tool\n\tThis will be the case even if {node} is the last node in the cluster\n",
        ban.id().unwrap_or_default()
    )
}

/// Returns when a lifetime that begins now is over.
fn until(call: &Call) -> Result<Option<String>, Answer> {
    let Some(text) = call.options.value("lifetime") else { return Ok(None) };
    let end = text
        .parse::<Span>()
        .ok()
        .and_then(|span| Timestamp::now().to_zoned(TimeZone::UTC).checked_add(span).ok());
    match end {
        Some(end) => Ok(Some(end.strftime("%Y-%m-%d %H:%M:%SZ").to_string())),
        None => Err(fail(
            ExitCode::Usage,
            format!("Invalid duration specified: {text}; write PT5M, PT2H30M, P1D or the like"),
        )),
    }
}

/// What the three commands start from.
struct Scene {
    document: Element,
    resource: String,
    promoted: bool,
    /// Where it is: nodes, and those where it is promoted.
    active: Vec<String>,
    promoted_on: Vec<String>,
}

fn scene(call: &mut Call) -> Result<Scene, Answer> {
    let resource = call.resource()?.to_owned();
    let document = call.document()?;
    call.element(&document)?;
    if pcs::resource::find(&document, &resource).is_none() {
        return Err(fail(
            ExitCode::InvalidParam,
            format!(
                "Cannot operate on clone resource instance '{resource}'\nError performing \
                 operation: {}",
                ExitCode::InvalidParam
            ),
        ));
    }
    let status = call.seen(&document)?.status;
    if let Some(node) = call.node()
        && !status.nodes.iter().any(|known| known.name == node)
    {
        return Err(fail(
            ExitCode::NoSuch,
            format!("Node '{node}' not found\nError performing operation: {}", ExitCode::NoSuch),
        ));
    }
    let places = places(&status, &resource);
    let active = places.iter().map(|place| place.node.to_owned()).collect();
    let promoted_on =
        places.iter().filter(|p| p.promoted).map(|place| place.node.to_owned()).collect();
    let promoted = call.options.has("promoted") || call.options.has("master");
    Ok(Scene { document, resource, promoted, active, promoted_on })
}

/// Returns the one node that is meant when none is named.
fn only_place(scene: &Scene) -> Result<&str, Answer> {
    if let [only] = scene.active.as_slice() {
        return Ok(only);
    }
    match scene.promoted_on.as_slice() {
        // of what is promoted in one place, that is the place that counts
        [only] => Ok(only),
        promoted => {
            let (count, how) = if scene.promoted {
                (promoted.len(), "promoted")
            } else {
                (scene.active.len(), "active")
            };
            let resource = &scene.resource;
            Err(fail(
                ExitCode::Usage,
                format!(
                    "Resource '{resource}' not moved: {how} in {count} locations.\nTo prevent \
                     '{resource}' from running on a specific location, specify a node."
                ),
            ))
        }
    }
}

fn put(call: &mut Call, xml: Element) -> Result<(), Answer> {
    // an earlier one with that name is gone, whether it had a rule or a node
    if let Some(id) = xml.id() {
        call.change(&Request::Delete {
            target: Target::Section("constraints".to_owned()),
            xml: Some(Element::new("rsc_location").with("id", id)),
        })?;
    }
    let target = Target::Section("constraints".to_owned());
    call.change(&Request::Create { target, xml })
}

/// `--ban`, also `--move` without a node.
pub(super) fn ban(call: &mut Call) -> Result<Said, Answer> {
    let scene = scene(call)?;
    let node = match call.node() {
        Some(node) => node.to_owned(),
        None => only_place(&scene)?.to_owned(),
    };
    let until = until(call)?;
    let wish = Wish {
        resource: &scene.resource,
        node: &node,
        promoted: scene.promoted,
        until: until.as_deref(),
    };
    let xml = wish.ban();
    let mut said = Said::default();
    if !call.is_quiet() {
        said.text =
            until.iter().map(|at| format!("Migration will take effect until: {at}\n")).collect();
        said.text.push_str(&warning(&xml, &wish));
    }
    put(call, xml)?;
    Ok(said)
}

/// `--move`.
pub(super) fn prefer(call: &mut Call) -> Result<Said, Answer> {
    let Some(node) = call.node().map(str::to_owned) else { return ban(call) };
    let scene = scene(call)?;
    let force = call.options.has("force");
    let here = if scene.promoted { &scene.promoted_on } else { &scene.active };
    if !force && here.as_slice() == [node.as_str()] {
        return Err(fail(
            ExitCode::Exists,
            format!(
                "Error performing operation: Requested item already exists ('{}' is on {node} \
                 already; --force makes the constraint all the same)",
                scene.resource
            ),
        ));
    }
    let until = until(call)?;
    let mut said = Said::default();
    let mut wish = Wish {
        resource: &scene.resource,
        node: &node,
        promoted: scene.promoted,
        until: until.as_deref(),
    };
    let preferred = wish.prefer();
    for id in own_constraints(&scene.document, &scene.resource, Some(&node), true) {
        remove(call, &id)?;
    }
    put(call, preferred)?;
    if !call.is_quiet() {
        said.text =
            until.iter().map(|at| format!("Migration will take effect until: {at}\n")).collect();
    }
    // with --force the place it comes from is barred as well
    if let [from] = scene.active.as_slice()
        && force
        && *from != node
    {
        wish.node = from;
        let xml = wish.ban();
        if !call.is_quiet() {
            said.text.push_str(&warning(&xml, &wish));
        }
        put(call, xml)?;
    }
    Ok(said)
}

/// Returns the constraints that these commands made for a resource: for one node, or all.
fn own_constraints(
    document: &Element,
    resource: &str,
    node: Option<&str>,
    any_preference: bool,
) -> Vec<String> {
    let prefer = format!("cli-prefer-{resource}");
    let bans = format!("cli-ban-{resource}-on-");
    constraints(document)
        .filter(|constraint| constraint.get("rsc") == Some(resource))
        .filter_map(|constraint| Some((constraint, constraint.id()?)))
        .filter(|(constraint, id)| match node {
            None => *id == prefer || id.starts_with(&bans),
            Some(node) => {
                id.strip_prefix(&bans) == Some(node)
                    || (*id == prefer && (any_preference || node_of(constraint) == Some(node)))
            }
        })
        .map(|(_, id)| id.to_owned())
        .collect()
}

fn constraints(document: &Element) -> impl Iterator<Item = &Element> {
    document
        .at(&["configuration", "constraints"])
        .into_iter()
        .flat_map(|all| all.children_named("rsc_location"))
}

/// The node a constraint that was made here is about.
fn node_of(constraint: &Element) -> Option<&str> {
    constraint.get("node").or_else(|| {
        constraint.descendants().find(|e| e.get("attribute") == Some("#uname"))?.get("value")
    })
}

/// Tells whether a constraint's lifetime is over.
fn is_expired(document: &Element, id: &str, now: &str) -> bool {
    constraints(document)
        .filter(|constraint| constraint.id() == Some(id))
        .flat_map(Element::descendants)
        .filter(|e| e.name() == "date_expression" && e.get("operation") == Some("lt"))
        .filter_map(|e| e.get("end"))
        .any(|end| end < now)
}

fn remove(call: &mut Call, id: &str) -> Result<(), Answer> {
    call.change(&Request::Delete {
        target: Target::Section("constraints".to_owned()),
        xml: Some(Element::new("rsc_location").with("id", id)),
    })
}

/// `--clear`.
pub(super) fn clear(call: &mut Call) -> Result<Said, Answer> {
    if call.options.has("expired") && !call.options.has("resource") {
        return clear_expired(call);
    }
    let scene = scene(call)?;
    let node = call.node().map(str::to_owned);
    let force = call.options.has("force");
    let mut ids = own_constraints(&scene.document, &scene.resource, node.as_deref(), force);
    if scene.promoted {
        ids.retain(|id| {
            constraints(&scene.document).any(|constraint| {
                constraint.id() == Some(id.as_str())
                    && matches!(constraint.get("role"), Some("Promoted" | "Master"))
            })
        });
    }
    if call.options.has("expired") {
        let now = now();
        ids.retain(|id| is_expired(&scene.document, id, &now));
    }
    take_away(call, ids)
}

fn now() -> String {
    Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Takes away what has expired, whatever resource it is about.
fn clear_expired(call: &mut Call) -> Result<Said, Answer> {
    let document = call.document()?;
    let now = now();
    let ids = constraints(&document)
        .filter_map(Element::id)
        .filter(|id| id.starts_with("cli-") && is_expired(&document, id, &now))
        .map(str::to_owned)
        .collect();
    take_away(call, ids)
}

fn take_away(call: &mut Call, ids: Vec<String>) -> Result<Said, Answer> {
    let mut text = String::new();
    for id in ids {
        remove(call, &id)?;
        if !call.is_quiet() {
            let _infallible = writeln!(text, "Removing constraint: {id}");
        }
    }
    Ok(Said::text(text))
}

#[cfg(test)]
mod tests {
    use super::super::resource_tests::document;
    use super::{Wish, is_expired, own_constraints};

    #[test]
    fn constraints_are_named_and_shaped_as_established_tools_expect() {
        let mut wish = Wish { resource: "A", node: "ser2", promoted: false, until: None };
        assert_eq!(
            wish.prefer().to_xml_compact(),
            r#"<rsc_location id="cli-prefer-A" rsc="A" role="Started" node="ser2" score="INFINITY"/>"#
        );
        wish.promoted = true;
        wish.until = Some("2026-11-21 03:25:01Z");
        assert_eq!(
            wish.ban().to_xml_compact(),
            r##"<rsc_location id="cli-ban-A-on-ser2" rsc="A" role="Promoted"><rule id="cli-ban-A-on-ser2-rule" score="-INFINITY" boolean-op="and"><expression id="cli-ban-A-on-ser2-expr" attribute="#uname" operation="eq" value="ser2" type="string"/><date_expression id="cli-ban-A-on-ser2-lifetime" operation="lt" end="2026-11-21 03:25:01Z"/></rule></rsc_location>"##
        );
    }

    #[test]
    fn only_constraints_of_these_commands_are_cleared() {
        let mut document = document();
        let wish = Wish {
            resource: "A",
            node: "ser2",
            promoted: false,
            until: Some("2020-01-01 00:00:00Z"),
        };
        document.at_mut(&["configuration", "constraints"]).unwrap().push(wish.prefer());
        assert_eq!(own_constraints(&document, "A", None, false), ["cli-prefer-A"]);
        assert_eq!(own_constraints(&document, "A", Some("ser2"), false), ["cli-prefer-A"]);
        assert!(own_constraints(&document, "A", Some("ser1"), false).is_empty());
        assert_eq!(own_constraints(&document, "G", Some("ser3"), false), ["cli-ban-G-on-ser3"]);
        assert!(is_expired(&document, "cli-prefer-A", "2026-01-01 00:00:00Z"));
        assert!(!is_expired(&document, "cli-ban-G-on-ser3", "2026-01-01 00:00:00Z"));
    }
}

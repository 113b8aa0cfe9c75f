//! Questions of `crm_resource`: which resources there are, where they run and why not.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use pengine::status::{ResourceKind, ResourceStatus, Status};
use view::scope::Scope;

use crate::status_xml;

use super::answer::Answer;
use super::crm_resource::{Call, Said, fail, find};
use super::frame::with_text;

/// Where an instance of a resource is.
pub(super) struct Place<'a> {
    pub(super) node: &'a str,
    pub(super) promoted: bool,
}

/// Returns where a resource, or one of its instances, is active; the instance that was made last
/// comes first, as scripts know it.
pub(super) fn places<'a>(status: &'a Status, id: &str) -> Vec<Place<'a>> {
    let mut found: Vec<Place<'_>> = Vec::new();
    for primitive in meant(&status.resources, id).into_iter().flat_map(primitives) {
        let promoted = primitive.role == "Promoted";
        for node in &primitive.nodes {
            match found.iter_mut().find(|place| place.node == node) {
                Some(place) => place.promoted |= promoted,
                None => found.push(Place { node, promoted }),
            }
        }
    }
    found
}

/// Returns what is called so: a resource, or all instances of one.
pub(super) fn meant<'a>(all: &'a [ResourceStatus], id: &str) -> Vec<&'a ResourceStatus> {
    let mut found = Vec::new();
    for resource in all {
        // a replica bears the name of its connection, which is one of its parts
        let whole = !matches!(resource.kind, ResourceKind::Replica { .. });
        if whole && (resource.id == id || resource.name == id) {
            found.push(resource);
            continue;
        }
        let mut within = meant(&resource.children, id);
        if matches!(resource.kind, ResourceKind::Clone { .. }) {
            within.reverse();
        }
        found.extend(within);
    }
    found
}

/// Returns the primitives of a resource; of a clone, the last instance first; of a bundle, what
/// runs in its containers where there is such, else the containers.
pub(super) fn primitives(resource: &ResourceStatus) -> Vec<&ResourceStatus> {
    let parts = || resource.children.iter();
    match resource.kind {
        ResourceKind::Primitive => vec![resource],
        ResourceKind::Clone { .. } => parts().rev().flat_map(primitives).collect(),
        ResourceKind::Group | ResourceKind::Bundle { .. } | ResourceKind::Replica { .. } => {
            parts().flat_map(primitives).collect()
        }
    }
}

/// `--locate`.
pub(super) fn locate(call: &mut Call) -> Result<Said, Answer> {
    let id = call.resource()?.to_owned();
    let document = call.document()?;
    let seen = call.seen(&document)?;
    // the parts of a bundle are resources, too, though the document does not name them
    if meant(&seen.status.resources, &id).is_empty() {
        call.element(&document)?;
    }
    let places = places(&seen.status, &id);
    let mut text = String::new();
    let mut xml = Element::new("nodes").with("resource", id.as_str());
    for place in &places {
        let _infallible = if call.is_quiet() {
            writeln!(text, "{}", place.node)
        } else {
            let role = if place.promoted { " Promoted" } else { "" };
            writeln!(text, "resource {id} is running on: {}{role}", place.node)
        };
        let mut node = with_text("node", place.node);
        if place.promoted {
            node.set("state", "promoted");
        }
        xml.push(node);
    }
    let mut said = Said { text, xml: vec![xml], ..Said::default() };
    let in_words = call.options.value("output-as") != Some("xml");
    if places.is_empty() && !call.is_quiet() && in_words {
        said.remark = format!("resource {id} is NOT running\n");
    }
    Ok(said)
}

/// `--list`.
pub(super) fn list(call: &mut Call) -> Result<Said, Answer> {
    let document = call.document()?;
    let seen = call.seen(&document)?;
    let scope = Scope { node: call.node(), without_place: true, ..Scope::default() };
    let lines = view::status_text::all_resource_lines(&seen.status, scope);
    let text = if lines.is_empty() {
        "NO resources configured\n".to_owned()
    } else {
        lines.iter().fold("Full List of Resources:\n".to_owned(), |mut out, line| {
            let _infallible = writeln!(out, "  {line}");
            out
        })
    };
    Ok(Said { text, xml: vec![status_xml::resources(&seen.status, scope)], ..Said::default() })
}

/// Returns the names of all instances of primitives, as an established tool counts them.
fn instance_names(all: &[ResourceStatus]) -> Vec<&str> {
    let mut names = Vec::new();
    for resource in all {
        match resource.kind {
            ResourceKind::Primitive => names.push(resource.id.as_str()),
            ResourceKind::Bundle { .. } => names.extend(bundle_names(resource)),
            _ => names.extend(instance_names(&resource.children)),
        }
    }
    names
}

/// Returns the names of a bundle's parts: container, address and connection of each replica, then
/// what runs inside.
fn bundle_names(bundle: &ResourceStatus) -> Vec<&str> {
    let (mut shells, mut inside) = (Vec::new(), Vec::new());
    for replica in &bundle.children {
        // an address comes before what runs inside, a container and a connection after it
        let (numbered, mut own): (Vec<&str>, Vec<&str>) =
            replica.children.iter().map(|part| part.id.as_str()).partition(|id| id.contains(':'));
        if own.len() == 3 {
            own.swap(0, 1);
        }
        shells.extend(own);
        inside.extend(numbered);
    }
    shells.extend(inside);
    shells
}

/// `--list-raw`.
pub(super) fn names(call: &mut Call) -> Result<Said, Answer> {
    let document = call.document()?;
    let seen = call.seen(&document)?;
    let names = instance_names(&seen.status.resources);
    let mut xml =
        Element::new("list").with("name", "resource names").with("count", names.len().to_string());
    for name in &names {
        let mut item = with_text("item", name);
        item.set("name", "resource");
        xml.push(item);
    }
    let text = names.iter().map(|name| format!("{name}\n")).collect::<String>();
    Ok(Said { text, xml: vec![xml], ..Said::default() })
}

/// `--query-xml` and `--query-xml-raw`; with `expanded`, a template's content is in it.
pub(super) fn xml(call: &mut Call, expanded: bool) -> Result<Said, Answer> {
    let document = call.document()?;
    let element = call.element(&document)?;
    let id = element.id().unwrap_or_default().to_owned();
    let seen = call.seen(&document)?;
    let shown = if expanded { with_template(&document, &element) } else { element };
    let mut text = String::new();
    let mut parts = Vec::new();
    let found = meant(&seen.status.resources, &id);
    // of several instances, the first one speaks for all
    if let Some(resource) = found.last() {
        let lines = view::status_text::resource_lines(resource, &seen.status, Scope::default());
        // what a collective is called is in its XML
        let own = usize::from(resource.kind != ResourceKind::Primitive);
        for line in lines.iter().skip(own) {
            let line = line.trim_start();
            let _infallible = writeln!(text, "{}", line.strip_prefix("* ").unwrap_or(line));
        }
        let scope = Scope { resources: std::slice::from_ref(&id), ..Scope::default() };
        let all = status_xml::resources(&seen.status, scope);
        parts.extend(inside(&all, &id).cloned());
    }
    text.push_str("Resource XML:\n");
    text.push_str(&shown.to_xml());
    parts.push(with_text("xml", &shown.to_xml()));
    let xml = parts.into_iter().fold(Element::new("resource_config"), Element::with_child);
    Ok(Said { text, xml: vec![xml], ..Said::default() })
}

/// Finds a resource in the XML of the state, without what it lies in; of an instance, one of them.
fn inside<'a>(all: &'a Element, id: &str) -> Option<&'a Element> {
    let own = all.children().find(|one| one.id() == Some(id));
    own.or_else(|| all.children().find_map(|one| inside(one, id)))
}

/// Puts the content of a primitive's template into the primitive.
pub(super) fn with_template(document: &Element, element: &Element) -> Element {
    let template = element.get("template").and_then(|template| {
        document
            .at(&["configuration", "resources"])?
            .children_named("template")
            .find(|known| known.id() == Some(template))
    });
    let Some(template) = template else { return element.clone() };
    let mut merged = element.clone();
    merged.unset("template");
    for (key, value) in template.attributes().filter(|(key, _)| *key != "id") {
        if merged.get(key).is_none() {
            merged.set(key, value);
        }
    }
    for part in template.shared_children() {
        merged.push(std::sync::Arc::clone(part));
    }
    merged
}

/// `--why`.
pub(super) fn why(call: &mut Call) -> Result<Said, Answer> {
    let document = call.document()?;
    let status = call.seen(&document)?.status;
    let node = call.node().map(str::to_owned);
    if let Some(node) = &node
        && !status.nodes.iter().any(|known| known.name == *node)
    {
        return Err(fail(ExitCode::NoSuch, format!("Node '{node}' not found")));
    }
    let is_here = |id: &str| {
        let places = places(&status, id);
        match &node {
            Some(node) => places.iter().any(|place| place.node == node.as_str()),
            None => !places.is_empty(),
        }
    };
    let mut text = String::new();
    if call.options.has("resource") {
        call.element(&document)?;
        let id = call.resource()?;
        let here = is_here(id);
        let mut reason = Element::new("reason");
        match &node {
            Some(node) if here => reason.set("running_on", node.as_str()),
            Some(_) => {}
            None => reason.set("running", if here { "true" } else { "false" }),
        }
        reason.push(explained(&document, id, here, node.as_deref(), &mut text));
        return Ok(Said { text, xml: vec![reason], ..Said::default() });
    }
    let ids: Vec<&str> = if node.is_some() {
        let all: Vec<&ResourceStatus> = status.resources.iter().flat_map(instances).collect();
        all.into_iter().map(|one| one.id.as_str()).filter(|id| is_here(id)).collect()
    } else {
        status.resources.iter().map(|resource| resource.id.as_str()).collect()
    };
    let mut all = Element::new("resources");
    for id in ids {
        let here = is_here(id);
        let mut item = Element::new("resource")
            .with("id", id)
            .with("running", if here { "true" } else { "false" });
        if let Some(node) = &node {
            item.set("host", node.as_str());
        }
        all.push(item.with_child(explained(&document, id, here, node.as_deref(), &mut text)));
    }
    let reason = Element::new("reason").with_child(all);
    Ok(Said { text, xml: vec![reason], ..Said::default() })
}

/// Returns the primitives of a resource, in the order of the document.
fn instances(resource: &ResourceStatus) -> Vec<&ResourceStatus> {
    match resource.kind {
        ResourceKind::Primitive => vec![resource],
        _ => resource.children.iter().flat_map(instances).collect(),
    }
}

/// Says whether a resource runs, and what the configuration says about that; the XML names the resource of the
/// top that it is in.
fn explained(
    document: &Element,
    id: &str,
    here: bool,
    node: Option<&str>,
    text: &mut String,
) -> Element {
    let host = node.map(|node| format!(" on host {node}")).unwrap_or_default();
    let not = if here { "" } else { "not " };
    let _infallible = writeln!(text, "Resource {id} is {not}running{host}");
    let mut top = id.split(':').next().unwrap_or_default();
    while let Some(parent) = pcs::resource::parent(document, top).and_then(Element::id) {
        top = parent;
    }
    let mut check = Element::new("check").with("id", top);
    for (owner, cause) in causes(document, id) {
        let (attribute, value) = cause.attribute();
        check.set(attribute, value);
        let _infallible = writeln!(text, "{}", cause.text(&owner));
    }
    check
}

/// What the configuration says that keeps a resource from being what it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    RemainsStopped,
    NotPromoted,
    Unmanaged,
}

impl Cause {
    fn text(self, owner: &str) -> String {
        match self {
            Self::RemainsStopped => {
                format!("Configuration specifies '{owner}' should remain stopped")
            }
            Self::NotPromoted => {
                format!("Configuration specifies '{owner}' should not be promoted")
            }
            Self::Unmanaged => format!(
                "Configuration prevents cluster from stopping or starting unmanaged '{owner}'"
            ),
        }
    }

    fn attribute(self) -> (&'static str, &'static str) {
        match self {
            Self::RemainsStopped => ("remain_stopped", "true"),
            Self::NotPromoted => ("promotable", "false"),
            Self::Unmanaged => ("unmanaged", "true"),
        }
    }
}

/// Returns what keeps a resource from being what it could be, and the resource that it is said of.
fn causes(document: &Element, id: &str) -> Vec<(String, Cause)> {
    let mut causes = Vec::new();
    let mut current = find(document, id);
    while let Some(element) = current {
        let owner = element.id().unwrap_or_default();
        let meta = |name| pcs::nvset::value(element, "meta_attributes", name);
        match meta("target-role") {
            Some("Stopped" | "stopped") => causes.push((owner.to_owned(), Cause::RemainsStopped)),
            Some("Unpromoted" | "Slave") => causes.push((owner.to_owned(), Cause::NotPromoted)),
            _ => {}
        }
        if meta("is-managed").is_some_and(|text| !pcs::options::is_true(text)) {
            causes.push((owner.to_owned(), Cause::Unmanaged));
        }
        current = pcs::resource::parent(document, owner);
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::super::monitor_facts;
    use super::super::resource_tests::document;
    use super::{Cause, causes, instance_names, places};

    #[test]
    fn resources_are_found_where_their_histories_say() {
        let status = monitor_facts::seen(&document()).status;
        let shown = |id: &str| {
            places(&status, id)
                .iter()
                .map(|p| format!("{}{}", p.node, if p.promoted { "!" } else { "" }))
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (id, expected) in [
            ("A", "ser1"),
            ("B", ""),
            ("G", "ser1"),
            ("G2", "ser1"),
            ("P", "ser2 ser1!"),
            ("PP", "ser2 ser1!"),
            ("PP:0", "ser1!"),
            ("PP:1", "ser2"),
        ] {
            assert_eq!(shown(id), expected, "{id}");
        }
    }

    #[test]
    fn instances_are_numbered_and_causes_named() {
        let document = document();
        let status = monitor_facts::seen(&document).status;
        let names = instance_names(&status.resources);
        assert_eq!(names, ["A", "B", "G1", "G2", "PP:0", "PP:1", "PP:2"]);
        assert_eq!(causes(&document, "B"), [("B".to_owned(), Cause::RemainsStopped)]);
        assert!(causes(&document, "G1").is_empty());
    }
}

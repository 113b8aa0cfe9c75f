//! Questions of `crm_resource`: which resources there are, where they run and why not.

use std::fmt::Write as _;

use cib::Element;
use model::ExitCode;
use view::resources::{PrimitiveStatus, ResourceStatus, Role};
use view::summary::Status;

use crate::pcs::status_text::{self, Detail, Filter};
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
    let (base, wanted) = match id.rsplit_once(':') {
        Some((base, number)) if number.parse::<usize>().is_ok() => {
            (base, number.parse::<usize>().ok())
        }
        _ => (id, None),
    };
    let mut found: Vec<Place<'_>> = Vec::new();
    let mut add = |primitive: &'a PrimitiveStatus| {
        for activity in primitive.active.iter().filter(|a| a.role.is_some() || a.failed) {
            let promoted = activity.role == Some(Role::Promoted);
            match found.iter_mut().find(|place| place.node == activity.node) {
                Some(place) => place.promoted |= promoted,
                None => found.push(Place { node: &activity.node, promoted }),
            }
        }
    };
    for resource in &status.resources {
        let whole = resource.id() == id || resource.id() == base && wanted.is_none();
        match resource {
            ResourceStatus::Primitive(primitive) if whole => add(primitive),
            ResourceStatus::Primitive(_) => {}
            ResourceStatus::Group { members, .. } => {
                members.iter().filter(|member| whole || member.id == id).for_each(&mut add);
            }
            ResourceStatus::Clone { member, instances, .. } => {
                for (number, instance) in instances.iter().enumerate().rev() {
                    if wanted.is_some_and(|wanted| wanted != number) {
                        continue;
                    }
                    let all = whole || member == base;
                    instance
                        .members
                        .iter()
                        .filter(|one| all || one.id == base || one.id == id)
                        .for_each(&mut add);
                }
            }
            ResourceStatus::Bundle { replicas, .. } => replicas
                .iter()
                .map(|replica| &replica.inside)
                .filter(|inside| whole || inside.id == base)
                .for_each(&mut add),
        }
    }
    found
}

/// `--locate`.
pub(super) fn locate(call: &mut Call) -> Result<Said, Answer> {
    let id = call.resource()?.to_owned();
    let document = call.document()?;
    call.element(&document)?;
    let status = call.status(&document)?;
    let places = places(&status, &id);
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
    if places.is_empty() && !call.is_quiet() {
        said.remark = format!("resource {id} is NOT running\n");
    }
    Ok(said)
}

/// `--list`.
pub(super) fn list(call: &mut Call) -> Result<Said, Answer> {
    let document = call.document()?;
    let status = call.status(&document)?;
    let filter = Filter { resources: Vec::new(), node: call.node().map(str::to_owned) };
    let lines = status_text::resources(&status, Detail::default(), &filter, None);
    let text = if lines.is_empty() {
        "NO resources configured\n".to_owned()
    } else {
        lines.iter().fold("Full List of Resources:\n".to_owned(), |mut out, line| {
            let _infallible = writeln!(out, "  {line}");
            out
        })
    };
    Ok(Said { text, xml: vec![status_xml::resources(&status)], ..Said::default() })
}

/// Returns the names of all instances of primitives, as an established tool counts them.
fn instance_names(status: &Status, document: &Element) -> Vec<String> {
    let mut names = Vec::new();
    for resource in &status.resources {
        match resource {
            ResourceStatus::Primitive(primitive) => names.push(primitive.id.clone()),
            ResourceStatus::Group { members, .. } => {
                names.extend(members.iter().map(|member| member.id.clone()));
            }
            ResourceStatus::Clone { id, max, .. } => {
                let members: Vec<&str> = find(document, id)
                    .into_iter()
                    .flat_map(Element::descendants)
                    .filter(|element| element.name() == "primitive")
                    .filter_map(Element::id)
                    .collect();
                for number in 0..*max {
                    names.extend(members.iter().map(|member| format!("{member}:{number}")));
                }
            }
            ResourceStatus::Bundle { replicas, .. } => {
                names.extend(replicas.iter().map(|replica| replica.inside.id.clone()));
            }
        }
    }
    names
}

/// `--list-raw`.
pub(super) fn names(call: &mut Call) -> Result<Said, Answer> {
    let document = call.document()?;
    let status = call.status(&document)?;
    let names = instance_names(&status, &document);
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
    let status = call.status(&document)?;
    let shown = if expanded { with_template(&document, &element) } else { element };
    let filter = Filter { resources: vec![id], node: None };
    let mut text = String::new();
    for line in status_text::resources(&status, Detail::default(), &filter, None) {
        let line = line.trim_start();
        let _infallible = writeln!(text, "{}", line.strip_prefix("* ").unwrap_or(line));
    }
    text.push_str("Resource XML:\n");
    text.push_str(&shown.to_xml());
    let wrapper = with_text("xml", &shown.to_xml());
    let xml = Element::new("resource_config").with_child(wrapper);
    Ok(Said { text, xml: vec![xml], ..Said::default() })
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
    let status = call.status(&document)?;
    let node = call.node().map(str::to_owned);
    if let Some(node) = &node
        && !status.nodes.iter().any(|known| known.name == *node)
    {
        return Err(fail(ExitCode::NoSuch, format!("Node '{node}' not found")));
    }
    let ids: Vec<String> = if call.options.has("resource") {
        call.element(&document)?;
        vec![call.resource()?.to_owned()]
    } else if node.is_some() {
        pcs::resource::primitives(&document).filter_map(Element::id).map(str::to_owned).collect()
    } else {
        status.resources.iter().map(|resource| resource.id().to_owned()).collect()
    };
    let one = call.options.has("resource");
    let mut text = String::new();
    let mut xml = Element::new("reason");
    for id in &ids {
        let places = places(&status, id);
        let here = match &node {
            Some(node) => places.iter().any(|place| place.node == node.as_str()),
            None => !places.is_empty(),
        };
        if node.is_some() && !one && !here {
            continue;
        }
        let host = node.as_ref().map(|node| format!(" on host {node}")).unwrap_or_default();
        let not = if here { "" } else { "not " };
        let _infallible = writeln!(text, "Resource {id} is {not}running{host}");
        let mut item = Element::new("resource")
            .with("id", id.as_str())
            .with("running", if here { "true" } else { "false" });
        if let Some(node) = &node {
            item.set("host", node.as_str());
        }
        for cause in causes(&document, id) {
            let _infallible = writeln!(text, "{cause}");
            item.push(with_text("check", &cause));
        }
        xml.push(item);
    }
    Ok(Said { text, xml: vec![xml], ..Said::default() })
}

/// Returns what the configuration says that keeps a resource from being what it could be.
fn causes(document: &Element, id: &str) -> Vec<String> {
    let mut causes = Vec::new();
    let mut current = find(document, id);
    while let Some(element) = current {
        let owner = element.id().unwrap_or_default();
        let meta = |name| pcs::nvset::value(element, "meta_attributes", name);
        match meta("target-role") {
            Some("Stopped" | "stopped") => {
                causes.push(format!("Configuration specifies '{owner}' should remain stopped"));
            }
            Some("Unpromoted" | "Slave") => {
                causes.push(format!("Configuration specifies '{owner}' should not be promoted"));
            }
            _ => {}
        }
        if meta("is-managed").is_some_and(|text| !pcs::options::is_true(text)) {
            causes.push(format!("Configuration specifies '{owner}' is not managed by the cluster"));
        }
        current = pcs::resource::parent(document, owner);
    }
    causes
}

#[cfg(test)]
mod tests {
    use view::summary::Status;

    use super::super::resource_tests::document;
    use super::{causes, instance_names, places};

    #[test]
    fn resources_are_found_where_their_histories_say() {
        let status = Status::of(&document());
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
        let names = instance_names(&Status::of(&document), &document);
        assert_eq!(names, ["A", "B", "G1", "G2", "PP:0", "PP:1", "PP:2"]);
        assert_eq!(causes(&document, "B"), ["Configuration specifies 'B' should remain stopped"]);
        assert!(causes(&document, "G1").is_empty());
    }
}

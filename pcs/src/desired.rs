//! The configuration as a file: exported, and applied until the cluster's is the same.
//!
//! A desired file has the sections of the configuration. A section that it does not name is left
//! alone; one that it names becomes as it says, whatever was there. What the cluster itself keeps
//! in the configuration (some properties, who is a node) is nobody's to desire.

use std::collections::BTreeMap;

use cib::{Content, Element};
use serde_json::{Map, Value, json};

use crate::environment::Environment;
use crate::message::Message;
use crate::report::{Failed, Outcome};

/// All sections, in the order the schema wants them.
const SECTIONS: [&str; 10] = [
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "fencing-topology",
    "rsc_defaults",
    "op_defaults",
    "acls",
    "tags",
    "alerts",
];

/// Sections that are there even when they are empty.
const NEEDED: [&str; 4] = ["crm_config", "nodes", "resources", "constraints"];

/// Properties that the cluster writes itself.
const OWN_PROPERTIES: [&str; 5] =
    ["cluster-infrastructure", "cluster-name", "dc-version", "have-watchdog", "last-lrm-refresh"];

/// The set of properties that the cluster writes into.
const OWN_SET: &str = "cib-bootstrap-options";

/// Attributes of the document that are counters or facts, and no wish.
const FACTS: [&str; 11] = [
    "admin_epoch",
    "epoch",
    "num_updates",
    "crm_feature_set",
    "cib-last-written",
    "dc-uuid",
    "execution-date",
    "have-quorum",
    "no-quorum-panic",
    "update-client",
    "update-origin",
];

fn is_own_property(pair: &Element) -> bool {
    pair.get("name").is_some_and(|name| OWN_PROPERTIES.contains(&name))
}

/// Returns the configuration as a desired file has it: every section, empty ones as well, since a
/// section that is not named is left alone when the file is applied.
pub fn export(cib: &Element) -> Element {
    let mut exported = Element::new("cib");
    for (name, value) in cib.attributes() {
        if !FACTS.contains(&name) && !name.starts_with("update-") {
            exported.set(name, value);
        }
    }
    let mut configuration = Element::new("configuration");
    for name in SECTIONS {
        let found = cib.at(&["configuration", name]).cloned();
        let mut section = found.unwrap_or_else(|| Element::new(name));
        match name {
            "crm_config" => {
                for set in section.children_mut() {
                    set.retain_children(|pair| !is_own_property(pair));
                }
            }
            "nodes" => {
                // ids of nodes are corosync's; the name is what stays the same elsewhere
                for node in section.children_mut().filter(|node| node.name() == "node") {
                    node.unset("id");
                }
            }
            _ => {}
        }
        configuration.push(section);
    }
    exported.push(configuration);
    exported
}

/// Makes the document's configuration as a desired file says.
///
/// # Errors
/// The file is none, or names what is not there.
pub fn apply(env: &mut Environment<'_>, desired: &Element) -> Outcome {
    let Some(wanted) = configuration_of(desired) else {
        return Err(Failed::because(Message::NotADesiredFile { root: desired.name().to_owned() }));
    };
    let unknown: Vec<String> = wanted
        .children()
        .map(|section| section.name().to_owned())
        .filter(|name| !SECTIONS.contains(&name.as_str()))
        .collect();
    if !unknown.is_empty() {
        return Err(Failed::because(Message::UnknownSections {
            names: unknown,
            known: SECTIONS.iter().map(|name| (*name).to_owned()).collect(),
        }));
    }
    raise_schema(&mut env.cib, desired);
    for section in wanted.children() {
        let mut section = section.clone();
        let current = env.cib.at(&["configuration", section.name()]).cloned();
        match section.name() {
            "crm_config" => keep_own_properties(current.as_ref(), &mut section),
            "nodes" => section = merged_nodes(env, current.as_ref(), &section)?,
            _ => {}
        }
        let is_nothing = |section: &Element| {
            section.content().is_empty() && section.attributes().next().is_none()
        };
        let is_empty = is_nothing(&section);
        if is_empty && current.as_ref().is_none_or(is_nothing) {
            // an empty section says no more than none
            continue;
        }
        if is_empty && !NEEDED.contains(&section.name()) {
            env.cib
                .child_or_insert("configuration")
                .retain_children(|other| other.name() != section.name());
            continue;
        }
        let name = section.name().to_owned();
        *env.section(&name) = section;
    }
    Ok(())
}

/// A desired file of a newer schema brings the schema with it.
fn raise_schema(cib: &mut Element, desired: &Element) {
    let version = |element: &Element| -> Option<Vec<u32>> {
        let text = element.get("validate-with")?.strip_prefix("pacemaker-")?;
        text.split('.').map(|part| part.parse().ok()).collect()
    };
    if let (Some(now), Some(wanted)) = (version(cib), version(desired))
        && wanted > now
        && let Some(schema) = desired.get("validate-with")
    {
        cib.set("validate-with", schema);
    }
}

fn configuration_of(desired: &Element) -> Option<&Element> {
    match desired.name() {
        "configuration" => Some(desired),
        "cib" => desired.child("configuration"),
        _ => None,
    }
}

/// Puts the properties the cluster writes back where they are now.
fn keep_own_properties(current: Option<&Element>, section: &mut Element) {
    for set in section.children_mut() {
        set.retain_children(|pair| !is_own_property(pair));
    }
    for set in current.into_iter().flat_map(Element::children) {
        let own: Vec<(usize, Element)> = set
            .children()
            .enumerate()
            .filter(|(_, pair)| is_own_property(pair))
            .map(|(at, pair)| (at, pair.clone()))
            .collect();
        if own.is_empty() {
            continue;
        }
        let known = section.children().any(|other| other.id() == set.id());
        if !known {
            let id = set.id().unwrap_or(OWN_SET);
            section.push(Element::new("cluster_property_set").with("id", id));
        }
        let id = set.id().unwrap_or(OWN_SET);
        let found = section.children_mut().find(|other| other.id() == Some(id));
        if let Some(found) = found {
            // each where it was, so that nothing has changed when nothing is to
            for (at, pair) in own {
                let at = at.min(found.content().len());
                found.content_mut().insert(at, pair.into());
            }
        }
    }
}

/// Gives the cluster's nodes the attributes that are desired; which nodes there are is not.
fn merged_nodes(
    env: &mut Environment<'_>,
    current: Option<&Element>,
    section: &Element,
) -> Outcome<Element> {
    let mut merged = current.cloned().unwrap_or_else(|| Element::new("nodes"));
    let wanted: BTreeMap<&str, &Element> = section
        .children_named("node")
        .filter_map(|node| Some((node.get("uname")?, node)))
        .collect();
    let known: Vec<String> =
        merged.children().filter_map(|node| node.get("uname").map(str::to_owned)).collect();
    for name in wanted.keys().filter(|name| !known.iter().any(|known| known == *name)) {
        let near = crate::options::nearest(name, known.iter().map(String::as_str));
        let near = near.map(|near| near.to_owned());
        env.error(Message::NodeNotFound { node: (*name).to_owned(), near });
    }
    env.checked()?;
    for node in merged.children_mut() {
        let Some(wish) = node.get("uname").and_then(|name| wanted.get(name)) else { continue };
        let gone: Vec<String> = node
            .attributes()
            .map(|(name, _)| name.to_owned())
            .filter(|name| name != "id" && wish.get(name).is_none())
            .collect();
        for name in gone {
            node.unset(&name);
        }
        for (name, value) in wish.attributes().filter(|(name, _)| *name != "id") {
            node.set(name, value);
        }
        *node.content_mut() = wish.content().to_vec();
    }
    Ok(merged)
}

/// Writes a desired file as JSON; [`from_json`] reads it back, the same in every part.
///
/// An element is an object with one name, that of the element; inside are its attributes, and in
/// `$children` what it contains, in order: elements, `$text`, and `$comment`.
pub fn to_json(element: &Element) -> Value {
    let mut inside = Map::new();
    for (name, value) in element.attributes() {
        inside.insert(name.to_owned(), Value::from(value));
    }
    let children: Vec<Value> = element
        .content()
        .iter()
        .map(|content| match content {
            Content::Element(child) => to_json(child),
            Content::Text(text) => json!({ "$text": text.to_string() }),
            Content::Comment(text) => json!({ "$comment": text.to_string() }),
        })
        .collect();
    if !children.is_empty() {
        inside.insert("$children".to_owned(), Value::Array(children));
    }
    let mut outside = Map::new();
    outside.insert(element.name().to_owned(), Value::Object(inside));
    Value::Object(outside)
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// A sentence that says what is wrong, and where.
pub fn from_json(value: &Value) -> Result<Element, String> {
    match content(value, "the file")? {
        Content::Element(element) => Ok(element.as_ref().clone()),
        Content::Text(_) | Content::Comment(_) => {
            Err("the file begins with a text where an element is wanted".to_owned())
        }
    }
}

fn content(value: &Value, place: &str) -> Result<Content, String> {
    let one = value.as_object().filter(|object| object.len() == 1);
    let Some((name, inside)) = one.and_then(|object| object.iter().next()) else {
        return Err(format!("in {place} is something else than an object with one name"));
    };
    match (name.as_str(), inside) {
        ("$text", Value::String(text)) => Ok(Content::Text(text.as_str().into())),
        ("$comment", Value::String(text)) => Ok(Content::Comment(text.as_str().into())),
        (_, Value::Object(inside)) => element(name, inside).map(Into::into),
        _ => Err(format!("`{name}` in {place} is no object")),
    }
}

fn element(name: &str, inside: &Map<String, Value>) -> Result<Element, String> {
    let mut element = Element::new(name);
    let id = inside.get("id").and_then(Value::as_str);
    let place = id.map_or_else(|| name.to_owned(), |id| format!("{name} {id}"));
    for (key, value) in inside {
        match (key.as_str(), value) {
            ("$children", Value::Array(children)) => {
                for child in children {
                    element.content_mut().push(content(child, &place)?);
                }
            }
            ("$children", _) => return Err(format!("`$children` of {place} is no list")),
            (key, Value::String(text)) => element.set(key, text.as_str()),
            // what people type by hand
            (key, Value::Bool(_) | Value::Number(_)) => element.set(key, value.to_string()),
            (key, _) => return Err(format!("`{key}` of {place} is no text")),
        }
    }
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::{export, from_json, to_json};

    #[test]
    fn json_keeps_order_comments_and_texts() {
        let element = cib::parse(
            r#"<cib validate-with="pacemaker-4.0"><configuration><!-- why --><resources><primitive id="a" z="1" b="ü"/>
            <bundle id="b"/></resources><tags>text</tags></configuration></cib>"#,
        )
        .unwrap();
        let text = to_json(&element).to_string();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(from_json(&value), Ok(element));
    }

    #[test]
    fn what_is_no_element_is_named_with_its_place() {
        let read = |text: &str| from_json(&serde_json::from_str(text).unwrap()).unwrap_err();
        assert_eq!(
            read(r#"{"cib": {"$children": [{"primitive": {"id": "a", "meta": {}}}]}}"#),
            "`meta` of primitive a is no text"
        );
        assert_eq!(read("[]"), "in the file is something else than an object with one name");
        assert_eq!(read(r#"{"cib": {"$children": 5}}"#), "`$children` of cib is no list");
        assert_eq!(read(r#"{"cib": 5}"#), "`cib` in the file is no object");
    }

    #[test]
    fn facts_are_not_exported() {
        let cib = cib::parse(
            r#"<cib epoch="7" validate-with="pacemaker-3.9" have-quorum="1"><configuration><crm_config>
            <cluster_property_set id="cib-bootstrap-options"><nvpair id="1" name="dc-version" value="3"/>
            <nvpair id="2" name="stonith-enabled" value="true"/></cluster_property_set></crm_config>
            <nodes><node id="1" uname="a"/></nodes><resources/><constraints/></configuration><status/></cib>"#,
        )
        .unwrap();
        let text = export(&cib).to_xml();
        for absent in ["epoch", "dc-version", "have-quorum", "status", "id=\"1\""] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
        assert!(text.contains("stonith-enabled") && text.contains("<tags/>"), "{text}");
    }
}

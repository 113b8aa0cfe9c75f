//! Two changes of one document at the same time: both count when they don't touch the same thing.

use std::collections::BTreeMap;

use cib::{Element, patch};

/// Attributes that name another element.
const LINKS: [&str; 7] = ["rsc", "with-rsc", "first", "then", "id-ref", "template", "devices"];

/// Elements that are nothing but the name of another one.
const REFERENCES: [&str; 3] = ["obj_ref", "resource_ref", "role"];

/// What a change does, by path.
#[derive(Debug, Default)]
struct Touched {
    /// Attributes that get or lose a value: (path of the element, attribute) to its value.
    attributes: BTreeMap<(String, String), Option<String>>,
    /// Elements that go, with all below them.
    deleted: Vec<String>,
    /// Elements that come, by path; and the ids of all that comes.
    created: Vec<String>,
    ids: Vec<String>,
    /// Ids that something new refers to.
    referred: Vec<String>,
    /// Elements that change places among their siblings, by the path of what they are in.
    reordered: Vec<String>,
}

impl Touched {
    fn between(base: &Element, changed: &Element) -> Self {
        let mut touched = Self::default();
        for change in patch::diff_unversioned(base, changed).children_named("change") {
            touched.add(change);
        }
        touched
    }

    fn add(&mut self, change: &Element) {
        let path = change.get("path").unwrap_or_default().to_owned();
        match change.get("operation") {
            Some("delete") => self.deleted.push(path),
            Some("move") => self.reordered.push(parent(&path).to_owned()),
            Some("create") => {
                for element in change.children() {
                    self.created.push(format!("{path}/{}", step(element)));
                    for element in element.descendants() {
                        self.refer(element.attributes());
                        // what only refers to another element has no id of its own
                        let list = if REFERENCES.contains(&element.name()) {
                            &mut self.referred
                        } else {
                            &mut self.ids
                        };
                        list.extend(element.id().map(str::to_owned));
                    }
                }
            }
            _ => {
                let list = change.child("change-list").into_iter();
                for one in list.flat_map(|list| list.children_named("change-attr")) {
                    let name = one.get("name").unwrap_or_default().to_owned();
                    let value = one.get("value").map(str::to_owned);
                    self.refer(value.as_deref().map(|value| (name.as_str(), value)).into_iter());
                    self.attributes.insert((path.clone(), name), value);
                }
            }
        }
    }

    fn refer<'a>(&mut self, attributes: impl Iterator<Item = (&'a str, &'a str)>) {
        let links = attributes.filter(|(name, _)| LINKS.contains(name));
        self.referred.extend(links.map(|(_, value)| value.to_owned()));
    }

    /// Every place that the change needs to find as it was.
    fn places(&self) -> impl Iterator<Item = &str> {
        let attributes = self.attributes.keys().map(|(path, _)| path.as_str());
        let rest = self.deleted.iter().chain(&self.created).chain(&self.reordered);
        attributes.chain(rest.map(String::as_str))
    }
}

fn step(element: &Element) -> String {
    match element.id() {
        Some(id) => format!("{}[@id='{id}']", element.name()),
        None => element.name().to_owned(),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_in(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The name people know a place by: the innermost id in a path, else the last element.
fn name_of(path: &str) -> String {
    path.rsplit('/')
        .find_map(|step| {
            let (_, id) = step.split_once("[@id='")?;
            Some(id.trim_end_matches("']").to_owned())
        })
        .unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default().to_owned())
}

/// Elements that are nothing but the place where others are kept: two that are made at the same
/// time are one.
const CONTAINERS: [&str; 13] = [
    "acls",
    "alerts",
    "cluster_property_set",
    "constraints",
    "fencing-topology",
    "instance_attributes",
    "meta_attributes",
    "op_defaults",
    "operations",
    "resources",
    "rsc_defaults",
    "tags",
    "utilization",
];

fn same_place<'a>(element: &'a Element, other: &Element) -> Option<&'a Element> {
    element.children().find(|c| c.name() == other.name() && c.id() == other.id())
}

/// Returns `base` with the containers that both made in it, empty.
fn with_common_containers(base: &Element, ours: &Element, theirs: &Element) -> Element {
    let mut base = base.clone();
    for our in ours.children().filter(|child| CONTAINERS.contains(&child.name())) {
        let their = same_place(theirs, our).filter(|their| their.same_attributes(our));
        if their.is_some() && same_place(&base, our).is_none() {
            base.push(our.without_content());
        }
    }
    for child in base.children_mut() {
        if let (Some(our), Some(their)) = (same_place(ours, child), same_place(theirs, child)) {
            *child = with_common_containers(child, our, their);
        }
    }
    base
}

/// Puts the change from `base` to `wanted` on top of `now`, which others made of `base` meanwhile.
///
/// # Errors
/// What both changed, by name.
pub fn onto(base: &Element, wanted: &Element, now: &Element) -> Result<Element, Vec<String>> {
    let base = &with_common_containers(base, wanted, now);
    let (ours, theirs) = (Touched::between(base, wanted), Touched::between(base, now));
    let mut both: Vec<String> = Vec::new();
    for (place, value) in &ours.attributes {
        // the document's own counters are nobody's change
        if place.0 != "/cib" && theirs.attributes.get(place).is_some_and(|other| other != value) {
            both.push(name_of(&place.0));
        }
    }
    for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
        for gone in &one.deleted {
            both.extend(other.places().filter(|place| is_in(place, gone)).map(name_of));
        }
    }
    both.extend(ours.ids.iter().filter(|id| theirs.ids.contains(id)).cloned());
    both.extend(
        ours.created.iter().filter(|path| theirs.created.contains(path)).map(|p| name_of(p)),
    );
    both.extend(
        ours.reordered.iter().filter(|path| theirs.reordered.contains(path)).map(|p| name_of(p)),
    );
    for (one, other) in [(now, &ours), (wanted, &theirs)] {
        let left = crate::ids::all(one);
        let gone = |id: &&String| !left.contains(id.as_str()) && base.find_id(id).is_some();
        both.extend(other.referred.iter().filter(gone).cloned());
    }
    both.sort();
    both.dedup();
    if !both.is_empty() {
        return Err(both);
    }
    let change = patch::diff_unversioned(base, wanted);
    let mut merged = patch::apply(now, &change).map_err(|error| vec![error.to_string()])?;
    // what the document says about itself is the present one's to say
    merged.copy_attributes(now);
    if let Some(schema) =
        wanted.get("validate-with").filter(|schema| base.get("validate-with") != Some(*schema))
    {
        merged.set("validate-with", schema);
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::onto;

    const BASE: &str = r#"<cib epoch="1"><configuration><resources><primitive id="a"><meta_attributes id="a-m">
        <nvpair id="a-m-x" name="x" value="1"/></meta_attributes></primitive><primitive id="b"/></resources><constraints/>
        </configuration></cib>"#;

    /// Puts `ours` on top of `theirs`; both are BASE with replacements.
    fn merged(ours: &[(&str, &str)], theirs: &[(&str, &str)]) -> Result<String, Vec<String>> {
        let with = |replace: &[(&str, &str)]| {
            let text = replace.iter().fold(BASE.to_owned(), |text, (from, to)| {
                assert!(text.contains(from), "{from}");
                text.replace(from, to)
            });
            cib::parse(&text).unwrap()
        };
        onto(&with(&[]), &with(ours), &with(theirs)).map(|element| element.to_xml())
    }

    const NEW: (&str, &str) =
        ("<constraints/>", "<constraints><rsc_location id=\"l\"/></constraints>");
    const OTHER: (&str, &str) =
        ("<constraints/>", "<constraints><rsc_location id=\"o\"/></constraints>");
    const VALUE: (&str, &str) = ("value=\"1\"", "value=\"2\"");
    const NEWER: (&str, &str) = ("epoch=\"1\"", "epoch=\"2\"");
    const NO_B: (&str, &str) = ("<primitive id=\"b\"/>", "");

    #[test]
    fn what_is_apart_comes_together() {
        let text = merged(&[NEW, VALUE], &[OTHER, NEWER, NO_B]).unwrap();
        for expected in ["id=\"l\"", "id=\"o\"", "value=\"2\"", "epoch=\"2\""] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains("id=\"b\""), "{text}");
    }

    #[test]
    fn one_thing_changed_twice_is_named() {
        assert_eq!(merged(&[VALUE], &[("value=\"1\"", "value=\"3\"")]), Err(vec!["a-m-x".into()]));
        assert_eq!(merged(&[NEW], &[NEW]), Err(vec!["l".into()]));
        let in_b = ("<primitive id=\"b\"/>", "<primitive id=\"b\"><operations/></primitive>");
        assert_eq!(merged(&[in_b], &[NO_B]), Err(vec!["b".into()]));
        assert_eq!(merged(&[NO_B], &[in_b]), Err(vec!["b".into()]));
        assert_eq!(merged(&[NO_B], &[NO_B]), Err(vec!["b".into()]));
    }

    #[test]
    fn nothing_may_refer_to_what_goes() {
        let about_b =
            ("<constraints/>", "<constraints><rsc_location id=\"l\" rsc=\"b\"/></constraints>");
        let tag = (
            "<constraints/>",
            "<constraints/><tags><tag id=\"t\"><obj_ref id=\"b\"/></tag></tags>",
        );
        for refers in [about_b, tag] {
            assert_eq!(merged(&[NO_B], &[refers]), Err(vec!["b".into()]));
            assert_eq!(merged(&[refers], &[NO_B]), Err(vec!["b".into()]));
        }
    }

    #[test]
    fn a_place_that_both_make_is_one() {
        let pair = |id: &str| {
            format!(
                "<primitive id=\"b\"><utilization id=\"b-u\"><nvpair id=\"{id}\" name=\"{id}\"/></utilization></primitive>"
            )
        };
        let (one, other) = (pair("one"), pair("other"));
        let text = merged(
            &[("<primitive id=\"b\"/>", one.as_str())],
            &[("<primitive id=\"b\"/>", other.as_str())],
        )
        .unwrap();
        assert_eq!(text.matches("<utilization").count(), 1, "{text}");
        assert!(text.contains("id=\"one\"") && text.contains("id=\"other\""), "{text}");
    }

    #[test]
    fn the_same_value_twice_is_no_conflict() {
        assert!(merged(&[VALUE, NEW], &[VALUE]).is_ok());
    }
}

//! Taking elements out of a document with everything that makes no sense without them.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;

use crate::environment::Environment;
use crate::message::{Message, References};
use crate::resource;

/// Attributes of constraints that name a resource the constraint can't do without.
const RESOURCE_ATTRIBUTES: [&str; 4] = ["rsc", "with-rsc", "first", "then"];

/// What goes, and what else goes with it.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    asked: BTreeSet<String>,
    gone: BTreeSet<String>,
    kinds: BTreeMap<String, &'static str>,
    references: BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>,
}

/// Returns what people call this kind of element, for those that can be removed.
pub fn kind(element: &Element) -> Option<&'static str> {
    Some(match element.name() {
        "primitive" => "Resource",
        "group" => "Group",
        "clone" | "master" => "Clone",
        "bundle" => "Bundle",
        "rsc_location" => "Location constraint",
        "rsc_colocation" => "Colocation constraint",
        "rsc_order" => "Order constraint",
        "rsc_ticket" => "Ticket constraint",
        "resource_set" => "Resource set",
        "rule" => "Rule",
        "acl_permission" => "Acl permission",
        "acl_role" => "Acl role",
        "acl_target" => "Acl user",
        "acl_group" => "Acl group",
        "tag" => "Tag",
        "fencing-level" => "Fencing level",
        _ => return None,
    })
}

fn is_constraint(element: &Element) -> bool {
    matches!(element.name(), "rsc_location" | "rsc_colocation" | "rsc_order" | "rsc_ticket")
}

/// Visits elements with the one that holds them.
fn walk<'a>(
    element: &'a Element,
    holder: Option<&'a Element>,
    visit: &mut impl FnMut(&'a Element, Option<&'a Element>),
) {
    visit(element, holder);
    for child in element.children() {
        walk(child, Some(element), visit);
    }
}

impl Removal {
    /// Finds out what goes when these elements go.
    pub fn plan(cib: &Element, ids: &[String]) -> Self {
        let mut removal = Self {
            asked: ids.iter().cloned().collect(),
            gone: ids.iter().cloned().collect(),
            ..Self::default()
        };
        let Some(configuration) = cib.child("configuration") else { return removal };
        loop {
            let before = removal.gone.len();
            removal.spread(configuration);
            if removal.gone.len() == before {
                break;
            }
        }
        removal.collect_references(configuration);
        removal
    }

    fn goes(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| self.gone.contains(id))
    }

    /// Adds what can't stay without what goes already.
    fn spread(&mut self, configuration: &Element) {
        let mut more: Vec<&str> = Vec::new();
        walk(configuration, None, &mut |element, holder| {
            let Some(id) = element.id() else { return };
            if self.gone.contains(id) || kind(element).is_none() {
                return;
            }
            // a reference or a role in ACLs carries the id of what it names
            let inside = holder.is_some_and(|h| kind(h).is_some() && self.goes(h.id()));
            if (inside && resource::is_resource(element)) || self.makes_no_sense(element) {
                more.push(id);
            }
        });
        self.gone.extend(more.into_iter().map(str::to_owned));
    }

    fn makes_no_sense(&self, element: &Element) -> bool {
        let all_gone = |name: &str| {
            let mut any = false;
            let all = element.children_named(name).all(|child| {
                any = true;
                self.goes(child.id())
            });
            any && all
        };
        match element.name() {
            "group" | "clone" | "master" => {
                resource::members(element).all(|member| self.goes(member.id()))
            }
            "resource_set" => all_gone("resource_ref"),
            "tag" => all_gone("obj_ref"),
            "acl_permission" => self.goes(element.get("reference")),
            "fencing-level" => {
                let devices = element.get("devices").unwrap_or_default();
                devices.split(',').all(|device| self.goes(Some(device.trim())))
            }
            _ if is_constraint(element) => {
                RESOURCE_ATTRIBUTES.iter().any(|key| self.goes(element.get(key)))
                    || all_gone("resource_set")
                    || (element.name() == "rsc_location" && all_gone("rule"))
            }
            _ => false,
        }
    }

    fn note_reference(&mut self, id: &str, from: &Element) {
        if let (Some(kind), Some(from_id)) = (kind(from), from.id())
            && !self.gone.contains(from_id)
        {
            self.references
                .entry(id.to_owned())
                .or_default()
                .entry(kind)
                .or_default()
                .insert(from_id.to_owned());
        }
    }

    fn collect_references(&mut self, configuration: &Element) {
        let mut found: Vec<(String, &Element)> = Vec::new();
        walk(configuration, None, &mut |element, holder| {
            if element.name() == "fencing-level" {
                for device in element.get("devices").unwrap_or_default().split(',') {
                    if self.goes(Some(device)) {
                        found.push((device.to_owned(), element));
                    }
                }
            }
            let (Some(id), Some(holder)) = (element.id(), holder) else { return };
            if !self.gone.contains(id) {
                return;
            }
            if let Some(kind) = kind(element) {
                self.kinds.insert(id.to_owned(), kind);
            }
            if matches!(element.name(), "resource_ref" | "obj_ref" | "role")
                || kind(element).is_some()
            {
                found.push((id.to_owned(), holder));
            }
        });
        for (id, holder) in found {
            self.note_reference(&id, holder);
        }
    }

    /// Returns the ids of all resources that go, sorted.
    pub fn resources(&self, cib: &Element) -> Vec<String> {
        self.gone.iter().filter(|id| resource::find(cib, id).is_some()).cloned().collect()
    }

    /// Says what else goes and what is taken out of what stays.
    pub fn tell(&self, env: &mut Environment<'_>) {
        let mut elements: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for id in self.gone.difference(&self.asked) {
            if let Some(kind) = self.kinds.get(id) {
                elements.entry(kind).or_default().push(id.clone());
            }
        }
        if !elements.is_empty() {
            let elements = elements.into_iter().map(|(kind, ids)| (kind.to_owned(), ids)).collect();
            env.info(Message::RemovingDependants { elements });
        }
        let references: Vec<References> = self
            .references
            .iter()
            .map(|(id, from)| References {
                kind: self.kinds.get(id).copied().unwrap_or("Element").to_owned(),
                id: id.clone(),
                from: from
                    .iter()
                    .map(|(kind, ids)| ((*kind).to_owned(), ids.iter().cloned().collect()))
                    .collect(),
            })
            .collect();
        if !references.is_empty() {
            env.info(Message::RemovingReferences { references });
        }
    }

    /// Takes everything out.
    pub fn apply(&self, cib: &mut Element) {
        if let Some(configuration) = cib.child_mut("configuration") {
            self.prune(configuration);
        }
    }

    fn prune(&self, element: &mut Element) {
        let target = matches!(element.name(), "acl_target" | "acl_group");
        element.retain_children(|child| {
            let named = matches!(child.name(), "resource_ref" | "obj_ref")
                || (child.name() == "role" && target)
                || kind(child).is_some();
            !(named && self.goes(child.id()))
        });
        if element.name() == "fencing-level" {
            let devices = element.get("devices").unwrap_or_default().to_owned();
            let left: Vec<&str> =
                devices.split(',').filter(|device| !self.goes(Some(device))).collect();
            element.set("devices", left.join(","));
        }
        for child in element.children_mut() {
            self.prune(child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Removal;

    #[test]
    fn a_constraint_goes_with_its_resource_and_an_emptied_group_with_its_members() {
        let mut cib = cib::parse(
            r#"<cib><configuration><resources><group id="G"><primitive id="A"/></group>
            <primitive id="B"/></resources><constraints>
            <rsc_order id="o" first="G" then="B"/><rsc_location id="l" rsc="B" node="n"/>
            </constraints></configuration></cib>"#,
        )
        .unwrap();
        let removal = Removal::plan(&cib, &["A".to_owned()]);
        removal.apply(&mut cib);
        assert!(cib.find_id("G").is_none() && cib.find_id("o").is_none());
        assert!(cib.find_id("l").is_some());
    }
}

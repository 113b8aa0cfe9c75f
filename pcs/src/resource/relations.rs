//! What a resource has to do with others: what it is in, what is in it, what it is ordered with.
//!
//! The tree is built breadth first, so that everything is shown where it is nearest; a second
//! place only says that it is shown elsewhere.

use std::collections::{BTreeSet, VecDeque};

use cib::Element;
use serde::Serialize;

use super::{find, members, parent};

/// A place in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    title: String,
    full_title: String,
    remarks: Vec<String>,
    elsewhere: bool,
    children: Vec<Self>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Resource(String),
    Inner(String),
    Outer(String),
    Order(String),
    OrderSet(String),
}

struct Place {
    key: Key,
    above: Option<usize>,
    below: Vec<usize>,
    elsewhere: bool,
}

/// Builds the tree of what a resource has to do with others.
pub fn tree(cib: &Element, id: &str) -> Node {
    let root = Key::Resource(id.to_owned());
    let mut places =
        vec![Place { key: root.clone(), above: None, below: Vec::new(), elsewhere: false }];
    let mut seen = BTreeSet::from([root]);
    let mut queue = VecDeque::from([0]);
    while let Some(at) = queue.pop_front() {
        let mut path = Vec::new();
        let mut up = Some(at);
        while let Some(place) = up {
            path.push(places[place].key.clone());
            up = places[place].above;
        }
        let next: Vec<Key> = match &places[at].key {
            Key::Resource(id) => relations(cib, id)
                .into_iter()
                // a relation only with what we come from says nothing new
                .filter(|r| ends(cib, r).iter().any(|end| !path.contains(end)))
                .collect(),
            relation => ends(cib, relation),
        };
        for key in next {
            if path.contains(&key) {
                continue;
            }
            let elsewhere = !seen.insert(key.clone());
            let index = places.len();
            places.push(Place { key, above: Some(at), below: Vec::new(), elsewhere });
            places[at].below.push(index);
            if !elsewhere {
                queue.push_back(index);
            }
        }
    }
    node(cib, &places, 0)
}

fn node(cib: &Element, places: &[Place], at: usize) -> Node {
    let place = &places[at];
    let (title, detail) = match &place.key {
        Key::Resource(id) => {
            let kind = find(cib, id).map_or_else(String::new, |element| {
                if element.name() == "primitive" {
                    crate::agent::AgentName::of(element).to_string()
                } else {
                    super::kind(element).to_owned()
                }
            });
            (id.clone(), format!("resource: {kind}"))
        }
        Key::Inner(id) => ("inner resource(s)".to_owned(), id.clone()),
        Key::Outer(id) => ("outer resource".to_owned(), id.clone()),
        Key::Order(id) => ("order".to_owned(), id.clone()),
        Key::OrderSet(id) => ("order set".to_owned(), id.clone()),
    };
    Node {
        full_title: format!("{title} ({detail})"),
        title,
        remarks: if place.elsewhere { Vec::new() } else { remarks(cib, &place.key) },
        elsewhere: place.elsewhere,
        children: place.below.iter().map(|child| node(cib, places, *child)).collect(),
    }
}

fn orders(cib: &Element) -> impl Iterator<Item = &Element> {
    crate::constraint::all(cib).filter(|c| c.name() == "rsc_order")
}

fn order<'a>(cib: &'a Element, id: &str) -> Option<&'a Element> {
    orders(cib).find(|c| c.id() == Some(id))
}

fn set_members(constraint: &Element) -> impl Iterator<Item = &Element> {
    constraint.descendants().filter(|e| e.name() == "resource_ref")
}

/// Returns the relations of a resource.
fn relations(cib: &Element, id: &str) -> Vec<Key> {
    let mut all = Vec::new();
    if find(cib, id).is_some_and(|e| members(e).next().is_some()) {
        all.push(Key::Inner(id.to_owned()));
    }
    if let Some(holder) = parent(cib, id).and_then(Element::id) {
        all.push(Key::Outer(holder.to_owned()));
    }
    let mut simple = Vec::new();
    let mut sets = Vec::new();
    for constraint in orders(cib) {
        let constraint_id = constraint.id().unwrap_or_default().to_owned();
        if constraint.get("first") == Some(id) || constraint.get("then") == Some(id) {
            simple.push(Key::Order(constraint_id));
        } else if set_members(constraint).any(|r| r.id() == Some(id)) {
            sets.push(Key::OrderSet(constraint_id));
        }
    }
    simple.sort();
    sets.sort();
    all.extend(simple);
    all.extend(sets);
    all
}

/// Returns the resources a relation is between.
fn ends(cib: &Element, relation: &Key) -> Vec<Key> {
    let mut ids: Vec<String> = match relation {
        Key::Resource(_) => Vec::new(),
        Key::Inner(id) => find(cib, id)
            .map(|e| members(e).filter_map(|m| m.id().map(str::to_owned)).collect())
            .unwrap_or_default(),
        Key::Outer(id) => vec![id.clone()],
        Key::Order(id) => order(cib, id)
            .map(|c| ["first", "then"].iter().filter_map(|k| c.get(k).map(str::to_owned)).collect())
            .unwrap_or_default(),
        Key::OrderSet(id) => order(cib, id)
            .map(|c| set_members(c).filter_map(|r| r.id().map(str::to_owned)).collect())
            .unwrap_or_default(),
    };
    ids.sort();
    ids.dedup();
    ids.into_iter().map(Key::Resource).collect()
}

fn options(element: &Element, hidden: &[&str]) -> String {
    let mut words: Vec<String> = element
        .attributes()
        .filter(|(key, _)| !hidden.contains(key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    words.sort();
    words.join(" ")
}

/// Returns what more there is to say about a relation.
fn remarks(cib: &Element, key: &Key) -> Vec<String> {
    match key {
        Key::Inner(id) => find(cib, id)
            .filter(|element| element.name() == "group")
            .map(|group| {
                let ids: Vec<&str> = members(group).filter_map(Element::id).collect();
                vec![format!("members: {}", ids.join(" "))]
            })
            .unwrap_or_default(),
        Key::Order(id) => {
            let Some(c) = order(cib, id) else { return Vec::new() };
            let get = |key: &str| c.get(key).unwrap_or_default();
            let action = |key: &str| c.get(key).unwrap_or("start");
            let mut lines = vec![format!(
                "{} {} then {} {}",
                action("first-action"),
                get("first"),
                action("then-action"),
                get("then")
            )];
            let options = options(c, &["id", "first", "then", "first-action", "then-action"]);
            if !options.is_empty() {
                lines.push(options);
            }
            lines
        }
        Key::OrderSet(id) => {
            let Some(c) = order(cib, id) else { return Vec::new() };
            let mut lines = Vec::new();
            let own = options(c, &["id"]);
            if !own.is_empty() {
                lines.push(own);
            }
            for set in c.children_named("resource_set") {
                let ids: Vec<&str> =
                    set.children_named("resource_ref").filter_map(Element::id).collect();
                let own = options(set, &["id"]);
                let own = if own.is_empty() { own } else { format!(" ({own})") };
                lines.push(format!("   set {}{own}", ids.join(" ")));
            }
            lines
        }
        Key::Resource(_) | Key::Outer(_) => Vec::new(),
    }
}

impl Node {
    /// Draws the tree.
    pub fn lines(&self, full: bool) -> Vec<String> {
        let mut lines = vec![self.label(full)];
        self.draw(full, "", &mut lines);
        lines
    }

    fn label(&self, full: bool) -> String {
        let title = if full { &self.full_title } else { &self.title };
        let elsewhere = if self.elsewhere { " [displayed elsewhere]" } else { "" };
        format!("{title}{elsewhere}")
    }

    fn draw(&self, full: bool, prefix: &str, lines: &mut Vec<String>) {
        lines.extend(self.remarks.iter().map(|remark| format!("{prefix}|  {remark}")));
        for (n, child) in self.children.iter().enumerate() {
            let last = n + 1 == self.children.len();
            let (branch, below) = if last { ("`- ", "   ") } else { ("|- ", "|  ") };
            lines.push(format!("{prefix}{branch}{}", child.label(full)));
            child.draw(full, &format!("{prefix}{below}"), lines);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_group_is_shown_around_its_member() {
        let cib = cib::parse(
            r#"<cib><configuration><resources><group id="G"><primitive id="A"/><primitive id="B"/>
            </group></resources></configuration></cib>"#,
        )
        .unwrap();
        assert_eq!(
            super::tree(&cib, "A").lines(false).join("\n"),
            "A\n`- outer resource\n   `- G\n      `- inner resource(s)\n         |  members: A B\n         `- B"
        );
    }
}

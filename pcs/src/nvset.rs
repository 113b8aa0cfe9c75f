//! Sets of name-value pairs: instance and meta attributes, utilization, properties.

use cib::Element;
use serde::Serialize;

use crate::ids;
use crate::rule::RuleView;

/// Names and values in the order they were given.
pub type Pairs = Vec<(String, String)>;

/// Looks up a name.
pub fn get<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// One pair as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairView {
    /// The pair's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One set as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetView {
    /// The set's id.
    pub id: String,
    /// Further attributes of the set, such as its score.
    pub options: std::collections::BTreeMap<String, String>,
    /// When the set holds.
    pub rule: Option<RuleView>,
    /// The pairs, sorted by name.
    pub nvpairs: Vec<PairView>,
}

impl SetView {
    /// Reads a set.
    pub fn of(set: &Element) -> Self {
        let mut nvpairs: Vec<PairView> = set
            .children_named("nvpair")
            .map(|pair| PairView {
                id: pair.id().unwrap_or_default().into(),
                name: pair.get("name").unwrap_or_default().into(),
                value: pair.get("value").unwrap_or_default().into(),
            })
            .collect();
        nvpairs.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            id: set.id().unwrap_or_default().into(),
            options: set
                .attributes()
                .filter(|(key, _)| *key != "id")
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            rule: set.child("rule").map(RuleView::of),
            nvpairs,
        }
    }

    /// Reads all sets of one kind below an element.
    pub fn all(owner: &Element, kind: &str) -> Vec<Self> {
        owner.children_named(kind).map(Self::of).collect()
    }
}

/// Returns a value of the first set of a kind below an element.
pub fn value<'a>(owner: &'a Element, kind: &'a str, name: &str) -> Option<&'a str> {
    owner
        .children_named(kind)
        .flat_map(|set| set.children_named("nvpair"))
        .find(|pair| pair.get("name") == Some(name))
        .and_then(|pair| pair.get("value"))
}

/// Makes a set for an element that is being built.
pub fn new_set(kind: &str, id: &str, pairs: &[(String, String)]) -> Element {
    let mut set = Element::new(kind).with("id", id);
    let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
    sorted.sort();
    for (name, value) in sorted {
        set.push(new_pair(&pair_id(id, name), name, value));
    }
    set
}

/// Returns the id of a pair in a set.
pub fn pair_id(set: &str, name: &str) -> String {
    format!("{set}-{}", sanitize_rest(name))
}

/// Leaves out what may not follow in an id.
fn sanitize_rest(name: &str) -> String {
    ids::sanitize(&format!("x{name}"))[1..].to_owned()
}

fn new_pair(id: &str, name: &str, value: &str) -> Element {
    Element::new("nvpair").with("id", id).with("name", name).with("value", value)
}

/// Sets values in the first set of a kind below the element `owner`, which is made when it is
/// missing; an empty value takes the pair away.
pub fn update(cib: &mut Element, owner: &str, kind: &str, pairs: &[(String, String)]) {
    update_at(cib, owner, kind, pairs, false);
}

/// As [`update`]; a new set stands in front of everything else.
pub fn update_in_front(cib: &mut Element, owner: &str, kind: &str, pairs: &[(String, String)]) {
    update_at(cib, owner, kind, pairs, true);
}

fn update_at(
    cib: &mut Element,
    owner: &str,
    kind: &str,
    pairs: &[(String, String)],
    in_front: bool,
) {
    let set_id = {
        let Some(owner_element) = cib.find_id(owner) else { return };
        match owner_element.child(kind) {
            Some(set) => set.id().unwrap_or_default().to_owned(),
            None if pairs.iter().all(|(_, value)| value.is_empty()) => return,
            None => {
                let id = ids::free(cib, &format!("{owner}-{kind}"));
                let set = Element::new(kind).with("id", id.as_str());
                if let Some(owner_element) = cib.find_id_mut(owner) {
                    let at = if in_front { 0 } else { owner_element.content().len() };
                    owner_element.content_mut().insert(at, set.into());
                }
                id
            }
        }
    };
    update_set(cib, &set_id, pairs, usize::MAX);
}

/// Sets values in the set with this id; an empty value takes the pair away. Ids of new pairs take
/// no more than `name_max` characters of the name.
pub fn update_set(cib: &mut Element, set_id: &str, pairs: &[(String, String)], name_max: usize) {
    let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
    sorted.sort();
    for (name, value) in sorted {
        let is_it = |pair: &Element| pair.name() == "nvpair" && pair.get("name") == Some(name);
        let present = cib.find_id(set_id).is_some_and(|set| set.children().any(is_it));
        let short: String = name.chars().take(name_max).collect();
        let id = ids::free(cib, &pair_id(set_id, &short));
        let Some(set) = cib.find_id_mut(set_id) else { return };
        if value.is_empty() {
            set.retain_children(|child| !is_it(child));
        } else if present {
            for pair in set.children_mut().filter(|child| is_it(child)) {
                pair.set("value", value.as_str());
            }
        } else {
            set.push(new_pair(&id, name, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::update;

    #[test]
    fn an_empty_value_takes_a_pair_away() {
        let mut cib = cib::parse("<cib><primitive id=\"A\"/></cib>").unwrap();
        update(&mut cib, "A", "meta_attributes", &[("x".into(), "1".into())]);
        assert_eq!(super::value(cib.children().next().unwrap(), "meta_attributes", "x"), Some("1"));
        update(&mut cib, "A", "meta_attributes", &[("x".into(), String::new())]);
        assert_eq!(super::value(cib.children().next().unwrap(), "meta_attributes", "x"), None);
    }
}

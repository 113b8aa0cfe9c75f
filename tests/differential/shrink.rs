//! Makes a document that shows something smaller, as long as it still shows it.

use cib::{Content, Element};

/// How many smaller documents are tried: enough for what the generator makes, and an end.
const TRIES_MAX: usize = 800;

/// Elements that every document has.
const FRAME: [&str; 8] = [
    "cib",
    "configuration",
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "status",
    "lrm_resources",
];

/// Removes elements, the outer ones first, while `shows` holds.
pub(crate) fn smallest(document: Element, shows: &mut dyn FnMut(&Element) -> bool) -> Element {
    let mut best = document;
    // (a case from elsewhere need not have been)
    let stays_sound = sound(&best);
    let mut tries = 0;
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < best.descendants().count() {
            tries += 1;
            if tries > TRIES_MAX {
                return best;
            }
            match without(&best, at).filter(|one| (!stays_sound || sound(one)) && shows(one)) {
                Some(candidate) => {
                    best = candidate;
                    smaller = true;
                }
                None => at += 1,
            }
        }
        if !smaller {
            return best;
        }
    }
}

/// The document without its element number `at`, counted from the top; none if that has to stay.
fn without(document: &Element, at: usize) -> Option<Element> {
    let element = document.descendants().nth(at)?;
    if FRAME.contains(&element.name()) || element.descendants().any(is_fixed) {
        return None;
    }
    let mut copy = document.clone();
    let mut left = at;
    remove(&mut copy, &mut left);
    Some(copy)
}

/// Tells whether a setting has to stay: its default depends on how Pacemaker was built.
fn is_fixed(element: &Element) -> bool {
    element.get("name") == Some("concurrent-fencing")
}

/// Tells whether a document still makes sense: no empty collections, no constraints of what is
/// not there, no histories of it.
fn sound(document: &Element) -> bool {
    let Some(resources) = document.at(&["configuration", "resources"]) else { return true };
    let filled = resources
        .descendants()
        .filter(|element| matches!(element.name(), "group" | "clone"))
        .all(|holder| {
            holder.children().any(|child| child.get("type").is_some() || child.name() == "group")
        });
    let whole = bundles(resources).all(|bundle| {
        let contained = bundle.children().any(|child| child.get("image").is_some());
        let reached = bundle.child("network").is_some_and(|network| {
            network.get("ip-range-start").is_some() || network.get("control-port").is_some()
        });
        contained && (reached || bundle.child("primitive").is_none())
    });
    // a rule of nothing is refused by the schema, and says nothing
    let ruled = document
        .descendants()
        .filter(|element| element.name() == "rule")
        .all(|rule| rule.children().next().is_some());
    let tags = document.at(&["configuration", "tags"]);
    let there = |id: &str| {
        resources.find_id(id).is_some() || tags.is_some_and(|tags| tags.find_id(id).is_some())
    };
    let named = document
        .at(&["configuration", "constraints"])
        .into_iter()
        .flat_map(Element::descendants)
        .flat_map(|element| {
            let reference = (element.name() == "resource_ref").then(|| element.id()).flatten();
            let names = ["rsc", "with-rsc", "first", "then"].map(|name| element.get(name));
            names.into_iter().flatten().chain(reference)
        })
        .all(there);
    let known = document
        .descendants()
        .filter(|element| element.name() == "lrm_resource")
        .filter_map(Element::id)
        .all(|id| {
            let made =
                |bundle: &Element| id.starts_with(&format!("{}-", bundle.id().unwrap_or_default()));
            let removed = id.starts_with("gone");
            removed || there(id.split(':').next().unwrap_or(id)) || bundles(resources).any(made)
        });
    filled && whole && ruled && named && known
}

fn bundles(resources: &Element) -> impl Iterator<Item = &Element> {
    resources.children().filter(|element| element.name() == "bundle")
}

/// Removes the element that comes `left` elements after `parent` in document order.
fn remove(parent: &mut Element, left: &mut usize) -> bool {
    let positions: Vec<usize> = parent
        .content()
        .iter()
        .enumerate()
        .filter(|(_, content)| matches!(content, Content::Element(_)))
        .map(|(position, _)| position)
        .collect();
    for (number, position) in positions.into_iter().enumerate() {
        *left = left.saturating_sub(1);
        if *left == 0 {
            parent.content_mut().remove(position);
            return true;
        }
        if parent.children_mut().nth(number).is_some_and(|child| remove(child, left)) {
            return true;
        }
    }
    false
}

/// Shrinking keeps what matters and drops the rest.
pub(crate) fn check() -> Result<(), String> {
    let document = cib::parse(
        "<cib><configuration><resources><primitive id='a' type='x'/><group id='g'><primitive id='b' type='x'/>\
         <primitive id='c' type='x'/></group></resources></configuration></cib>",
    )
    .map_err(|error| error.to_string())?;
    let small = smallest(document, &mut |candidate| candidate.find_id("c").is_some());
    let ids: Vec<&str> = small.descendants().filter_map(Element::id).collect();
    if ids == ["g", "c"] { Ok(()) } else { Err(format!("{ids:?} are left of g and c")) }
}

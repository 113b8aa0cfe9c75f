//! `crm_resource --constraints` and `--stack`: where a resource may run and with what.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cib::Element;

use super::answer::Answer;
use super::crm_resource::{Call, Said};

/// Shows constraints; `recursive` follows chains of colocations.
pub(super) fn constraints(call: &mut Call, recursive: bool) -> Result<Said, Answer> {
    let recursive = recursive || call.options.has("recursive");
    let document = call.document()?;
    let mut element = call.element(&document)?;
    while let Some(parent) =
        element.id().and_then(|id| pcs::resource::parent(&document, id)).cloned()
    {
        if call.options.has("force") {
            break;
        }
        element = parent;
    }
    let id = element.id().unwrap_or_default();
    let mut walk = Walk {
        document: &document,
        recursive,
        text: String::new(),
        xml: Element::new("constraints"),
    };
    walk.locations(id, 0);
    let mut seen = BTreeSet::from([id.to_owned()]);
    walk.colocated(id, Side::With, 0, &mut seen);
    let mut seen = BTreeSet::from([id.to_owned()]);
    walk.colocated(id, Side::Dependent, 0, &mut seen);
    Ok(Said { text: walk.text, xml: vec![walk.xml], ..Said::default() })
}

/// Which side of a colocation is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// What follows the resource.
    With,
    /// What the resource follows.
    Dependent,
}

struct Walk<'a> {
    document: &'a Element,
    recursive: bool,
    text: String,
    xml: Element,
}

/// A colocation of two resources.
struct Pair<'a> {
    other: &'a str,
    element: &'a Element,
}

/// Returns the node that a constraint names, itself or in its rule; a rule may be about others.
fn node_of(constraint: &Element) -> Option<&str> {
    constraint.get("node").or_else(|| {
        let rule = constraint.children_named("rule").next()?;
        rule.children().find(|e| e.get("attribute") == Some("#uname"))?.get("value")
    })
}

impl<'a> Walk<'a> {
    fn all(&self, name: &'a str) -> impl Iterator<Item = &'a Element> + use<'a> {
        self.document
            .at(&["configuration", "constraints"])
            .into_iter()
            .flat_map(move |all| all.children_named(name))
    }

    fn locations(&mut self, id: &str, depth: usize) {
        let own: Vec<(&Element, &str)> = self
            .all("rsc_location")
            .filter(|constraint| constraint.get("rsc") == Some(id))
            .filter_map(|constraint| Some((constraint, node_of(constraint)?)))
            .collect();
        if own.is_empty() {
            return;
        }
        let indent = "  ".repeat(depth);
        let bullet = if depth > 0 { "* " } else { "" };
        let _infallible = writeln!(self.text, "{indent}{bullet}Locations:");
        for (constraint, node) in own {
            let name = constraint.id().unwrap_or_default();
            let rule = constraint.children_named("rule").next();
            let score = constraint.get("score").or_else(|| rule?.get("score")).unwrap_or("0");
            let _infallible =
                writeln!(self.text, "{indent}  * Node {node} (score={score}, id={name}, rsc={id})");
            let mut shown = Element::new("rsc_location").with("node", node);
            shown.set("rsc", id);
            shown.set("id", name);
            shown.set("score", score);
            self.xml.push(shown);
        }
    }

    fn pairs(&self, id: &str, side: Side) -> Vec<Pair<'a>> {
        let (own, other) =
            if side == Side::With { ("with-rsc", "rsc") } else { ("rsc", "with-rsc") };
        self.all("rsc_colocation")
            .filter(|e| e.get(own) == Some(id))
            .filter_map(|e| Some(Pair { other: e.get(other)?, element: e }))
            .collect()
    }

    fn colocated(&mut self, id: &str, side: Side, depth: usize, seen: &mut BTreeSet<String>) {
        let pairs = self.pairs(id, side);
        if pairs.is_empty() {
            return;
        }
        let indent = "  ".repeat(depth);
        let bullet = if depth > 0 { "* " } else { "" };
        let title = match side {
            Side::With => format!("Resources colocated with {id}:"),
            Side::Dependent => format!("Resources {id} is colocated with:"),
        };
        let _infallible = writeln!(self.text, "{indent}{bullet}{title}");
        for Pair { other, element } in pairs {
            let name = element.id().unwrap_or_default();
            let score = element.get("score").unwrap_or("INFINITY");
            // what can only be with something started says no more than others do
            let with_role = element.get("with-rsc-role").filter(|role| *role != "Started");
            let word = if side == Side::With { "needs" } else { "with" };
            let role = with_role.map(|role| format!(", {word} role={role}")).unwrap_or_default();
            let _infallible =
                writeln!(self.text, "{indent}  * {other} (score={score}{role}, id={name})");
            let mut shown = Element::new("rsc_colocation").with("id", name);
            for key in ["rsc", "with-rsc"] {
                shown.set(key, element.get(key).unwrap_or_default());
            }
            shown.set("score", score);
            if let Some(role) = with_role {
                shown.set("with-rsc-role", role);
            }
            self.xml.push(shown);
            self.locations(other, depth + 2);
            if self.recursive && seen.insert(other.to_owned()) {
                self.colocated(other, side, depth + 2, seen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cib::Element;

    use super::super::resource_tests::document;
    use super::{BTreeSet, Side, Walk};

    #[test]
    fn what_binds_a_resource_is_shown_from_both_ends() {
        let document = document();
        let show = |id: &str| {
            let mut walk = Walk {
                document: &document,
                recursive: false,
                text: String::new(),
                xml: Element::new("constraints"),
            };
            walk.locations(id, 0);
            walk.colocated(id, Side::With, 0, &mut BTreeSet::new());
            walk.colocated(id, Side::Dependent, 0, &mut BTreeSet::new());
            walk.text
        };
        assert_eq!(
            show("A"),
            "Locations:\n  * Node ser1 (score=100, id=loc-A-1, rsc=A)\nResources colocated with \
             A:\n  * G (score=INFINITY, id=col)\n    * Locations:\n      * Node ser3 \
             (score=-INFINITY, id=cli-ban-G-on-ser3, rsc=G)\n"
        );
        assert_eq!(
            show("G"),
            "Locations:\n  * Node ser3 (score=-INFINITY, id=cli-ban-G-on-ser3, rsc=G)\nResources G \
             is colocated with:\n  * A (score=INFINITY, id=col)\n    * Locations:\n      * Node \
             ser1 (score=100, id=loc-A-1, rsc=A)\n"
        );
    }
}

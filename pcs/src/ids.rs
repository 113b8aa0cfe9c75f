//! Ids of the document: which characters they may have, and finding free ones.

use std::collections::BTreeSet;

use cib::Element;

use crate::environment::Environment;
use crate::message::Message;
use crate::report::Report;

fn may_begin(c: char) -> bool {
    may_begin_made(c) || (!c.is_ascii() && c.is_alphabetic())
}

/// Ids we make ourselves stay within ASCII.
fn may_begin_made(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn may_follow(c: char) -> bool {
    may_begin(c) || may_follow_only(c)
}

fn may_follow_only(c: char) -> bool {
    c.is_ascii_digit() || c == '-' || c == '.'
}

/// Says what is wrong with an id, if anything is.
pub fn check(id: &str, what: &str) -> Option<Message> {
    let mut characters = id.chars();
    let Some(first) = characters.next() else {
        return Some(Message::EmptyId { what: what.into() });
    };
    if !may_begin(first) {
        return Some(Message::InvalidId {
            id: id.into(),
            what: what.into(),
            character: first,
            first: true,
        });
    }
    characters.find(|c| !may_follow(*c)).map(|character| Message::InvalidId {
        id: id.into(),
        what: what.into(),
        character,
        first: false,
    })
}

/// Makes an id out of any text by leaving out what an id may not have.
pub fn sanitize(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if may_begin_made(c) || (!out.is_empty() && may_follow_only(c)) {
            out.push(c);
        }
    }
    out
}

/// Says whether an element's `id` attribute names this element. That of an ACL user is a user's
/// name, which may be anybody's id as well.
fn has_own_id(element: &Element, in_acls: bool) -> bool {
    match element.name() {
        "obj_ref" | "resource_ref" | "acl_target" => false,
        "role" => !in_acls,
        _ => true,
    }
}

/// Shows all ids outside the status section until `is_enough`; tells whether it was.
fn visit<'a>(
    element: &'a Element,
    in_acls: bool,
    is_enough: &mut impl FnMut(&'a str) -> bool,
) -> bool {
    if element.name() == "status" {
        return false;
    }
    let in_acls = in_acls || matches!(element.name(), "acl_target" | "acl_group");
    let own = element.id().filter(|_| has_own_id(element, in_acls));
    // the resource that stands for a guest node takes the node's name as its id
    let is_guest = element.name() == "nvpair" && element.get("name") == Some("remote-node");
    let guest = if is_guest { element.get("value") } else { None };
    own.is_some_and(&mut *is_enough)
        || guest.is_some_and(&mut *is_enough)
        || element.children().any(|child| visit(child, in_acls, is_enough))
}

/// Returns all ids of a document outside its status section.
pub fn all(cib: &Element) -> BTreeSet<&str> {
    let mut ids = BTreeSet::new();
    visit(cib, false, &mut |id| {
        ids.insert(id);
        false
    });
    ids
}

/// Says whether an id is taken.
pub fn exists(cib: &Element, id: &str) -> bool {
    visit(cib, false, &mut |taken| taken == id)
}

/// Says whether an id is the name of an ACL user.
pub fn is_user(cib: &Element, id: &str) -> bool {
    let acls = cib.child("configuration").and_then(|configuration| configuration.child("acls"));
    acls.is_some_and(|acls| acls.children_named("acl_target").any(|user| user.id() == Some(id)))
}

/// Returns `wanted`, or `wanted-1`, `wanted-2` … when it is taken.
pub fn free(cib: &Element, wanted: &str) -> String {
    free_besides(cib, wanted, &[])
}

/// Returns an id that is neither in the document nor in `reserved`.
pub fn free_besides(cib: &Element, wanted: &str, reserved: &[String]) -> String {
    // it mostly is free, and all ids of a large document are many
    if !reserved.iter().any(|r| r == wanted) && !exists(cib, wanted) {
        return wanted.to_owned();
    }
    let ids = all(cib);
    let taken = |id: &str| ids.contains(id) || reserved.iter().any(|r| r == id);
    (1_u32..)
        .map(|n| format!("{wanted}-{n}"))
        .find(|id| !taken(id))
        .unwrap_or_else(|| wanted.to_owned())
}

impl Environment<'_> {
    /// Checks that an id is well formed and free, and reports it when not.
    pub fn check_new_id(&mut self, id: &str, what: &str) -> bool {
        self.check_new_id_besides(id, what, &mut Vec::new())
    }

    /// As [`Self::check_new_id`], for one of several ids a command names: `taken` are those before it.
    pub fn check_new_id_besides(&mut self, id: &str, what: &str, taken: &mut Vec<String>) -> bool {
        let problem = check(id, what).or_else(|| {
            let is_taken = taken.iter().any(|other| other == id) || exists(&self.cib, id);
            is_taken.then(|| Message::IdAlreadyExists { id: id.to_owned() })
        });
        let good = problem.is_none();
        if let Some(message) = problem {
            self.report(Report::error(message));
        }
        taken.push(id.to_owned());
        good
    }
}

#[cfg(test)]
mod tests {
    use super::{check, free, sanitize};

    #[test]
    fn an_id_begins_with_a_letter() {
        assert_eq!(
            check("1bad", "group name").map(|m| m.to_string()).as_deref(),
            Some("invalid group name '1bad', '1' is not a valid first character for a group name")
        );
        assert_eq!(check("a.b-1", "id"), None);
    }

    #[test]
    fn what_is_no_id_can_be_made_one() {
        assert_eq!(sanitize("10:db.*x"), "db.x");
    }

    #[test]
    fn a_taken_id_gets_a_number() {
        let cib = cib::parse("<cib><a id=\"x\"/><b id=\"x-1\"/></cib>").unwrap();
        assert_eq!(free(&cib, "x"), "x-2");
    }
}

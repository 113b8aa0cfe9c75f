//! What can be asked of a document, as `cibadmin` asks it: each request gives a new document or
//! one sentence why not. Nothing is ever half done.

use std::sync::Arc;

use model::ExitCode;

use crate::tree::{Content, Element};
use crate::versions::{self, Reach, Version};
use crate::{patch, upgrade, validate, xpath};

/// Where a request applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Anywhere in the document.
    #[default]
    Document,
    /// One section, by its name (`resources`, `status`, …).
    Section(String),
    /// What an XPath finds.
    XPath(String),
}

/// A change as `cibadmin` knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Puts a new element into a section (`-C`).
    Create {
        /// The section or the parent.
        target: Target,
        /// What to put there; a section's own name stands for all that is inside.
        xml: Element,
    },
    /// Sets attributes of an element and of what is inside it (`-M`).
    Modify {
        /// Where to look for it.
        target: Target,
        /// The element, named by its `id`.
        xml: Element,
        /// Whether an element that is not there is made (`-c`).
        allow_create: bool,
    },
    /// Puts an element in the place of the one with its name and id (`-R`).
    Replace {
        /// Where to look for it.
        target: Target,
        /// The new element.
        xml: Element,
    },
    /// Takes away the first element that fits (`-D`); nothing when none does.
    Delete {
        /// Where to look for it.
        target: Target,
        /// Name and attributes the element must have; with an XPath not needed.
        xml: Option<Element>,
    },
    /// Takes away all elements that fit (`-d`).
    DeleteAll {
        /// Where to look for them.
        target: Target,
        /// Name and attributes the elements must have; with an XPath not needed.
        xml: Option<Element>,
    },
    /// Applies a patchset (`-P`).
    Patch(Element),
    /// Brings the document to the current form (`-u`).
    Upgrade,
    /// Makes the document empty but for its version, which rises (`-E`).
    Erase,
    /// Raises the epoch and nothing else (`-B`).
    Bump,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EditError {
    /// The exit status that tools use for it.
    pub code: ExitCode,
    /// One sentence that names the thing, the place and the way out.
    pub message: String,
}

impl EditError {
    fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn no_such(message: impl Into<String>) -> Self {
        Self::new(ExitCode::NoSuch, message)
    }
}

impl From<patch::PatchError> for EditError {
    fn from(error: patch::PatchError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<xpath::XPathError> for EditError {
    fn from(error: xpath::XPathError) -> Self {
        Self::no_such(error.to_string())
    }
}

/// The sections below `<configuration>`, in the order Pacemaker's own empty document has them.
pub const SECTIONS: [&str; 10] = [
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "rsc_defaults",
    "op_defaults",
    "fencing-topology",
    "acls",
    "tags",
    "alerts",
];

/// Returns the document that the request makes of `old`: valid, and with its version raised.
///
/// # Errors
/// When what the request names is not there (105) or there already (108), when it was made for
/// another version (103), or when the document would no longer be valid (78).
pub fn apply(old: &Element, request: &Request) -> Result<Element, EditError> {
    let mut new = change(old, request)?;
    match request {
        Request::Patch(_) | Request::Erase | Request::Bump => {
            if Version::of(&new) <= Version::of(old) {
                versions::bump(old, &mut new);
            }
        }
        Request::Replace { .. } if new_version_given(old, &new) => {
            // the document that was put in place brings its own version
            if versions::reach(old, &new) == Reach::Configuration {
                Version::of(&new).next_epoch().write(&mut new);
            }
        }
        Request::Create { .. }
        | Request::Modify { .. }
        | Request::Replace { .. }
        | Request::Delete { .. }
        | Request::DeleteAll { .. }
        | Request::Upgrade => versions::bump(old, &mut new),
    }
    still_valid(old, &new)?;
    Ok(new)
}

fn new_version_given(old: &Element, new: &Element) -> bool {
    Version::of(new) > Version::of(old)
}

/// Refuses a document with errors that were not there before: an operator can mend a document
/// piece by piece, but nobody can break it further.
fn still_valid(old: &Element, new: &Element) -> Result<(), EditError> {
    let before = (old.get("validate-with"), old.child("configuration"));
    if before == (new.get("validate-with"), new.child("configuration")) {
        return Ok(());
    }
    let whole = old.child("status").is_some();
    let errors = |document: &Element| {
        if whole || document.child("status").is_some() {
            return validate::errors(document);
        }
        // what the log keeps has no status, and lacks nothing
        validate::errors(&document.clone().with_child(Element::new("status")))
    };
    let mut findings = errors(new);
    if findings.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = errors(old).iter().map(validate::Finding::what).collect();
    findings.retain(|finding| !known.contains(&finding.what()));
    match findings.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                n => format!(" (and {n} more)"),
            };
            Err(EditError::new(ExitCode::Config, format!("{}{more}", first.what())))
        }
    }
}

fn change(old: &Element, request: &Request) -> Result<Element, EditError> {
    let mut new = old.clone();
    match request {
        Request::Create { target, xml } => create(&mut new, target, xml)?,
        Request::Modify { target, xml, allow_create } => {
            modify(&mut new, target, xml, *allow_create)?;
        }
        Request::Replace { target, xml } => replace(&mut new, target, xml)?,
        Request::Delete { target, xml } => {
            if let Some(place) = matches(&new, target, xml.as_ref())?.into_iter().next() {
                remove(&mut new, &place)?;
            }
        }
        Request::DeleteAll { target, xml } => {
            let mut places = matches(&new, target, xml.as_ref())?;
            // last first, so that the places before stay true; what lies in a deleted one goes too
            places.sort();
            for place in places.iter().rev() {
                remove(&mut new, place)?;
            }
        }
        Request::Patch(patchset) => new = patch::apply(old, patchset)?,
        Request::Upgrade => {
            new = upgrade::to_current(old)
                .map_err(|e| EditError::new(ExitCode::Config, e.to_string()))?;
        }
        Request::Erase => new = erase(old),
        Request::Bump => Version::of(old).next_epoch().write(&mut new),
    }
    Ok(new)
}

/// Returns a document without any configuration, for the schema that is current.
pub fn empty() -> Element {
    let mut configuration = Element::new("configuration");
    for section in &SECTIONS[..4] {
        configuration.push(Element::new(*section));
    }
    Element::new("cib")
        .with("crm_feature_set", FEATURE_SET)
        .with("validate-with", upgrade::CURRENT)
        .with("epoch", "1")
        .with("num_updates", "0")
        .with("admin_epoch", "0")
        .with_child(configuration)
        .with_child(Element::new("status"))
}

/// The feature set that documents made here name.
pub const FEATURE_SET: &str = "3.16.1";

fn erase(old: &Element) -> Element {
    let mut new = old.without_content();
    for part in empty().shared_children() {
        new.push(Arc::clone(part));
    }
    let version = Version::of(old);
    Version { admin_epoch: version.admin_epoch + 1, ..version }.next_epoch().write(&mut new);
    new
}

/// Returns the element of a section; `cib` and the empty name are the whole document.
pub fn section<'a>(document: &'a Element, name: &str) -> Option<&'a Element> {
    match name {
        "" | "cib" | "all" => Some(document),
        "status" | "configuration" => document.child(name),
        _ => document.at(&["configuration", name]),
    }
}

fn section_mut<'a>(document: &'a mut Element, name: &str) -> Result<&'a mut Element, EditError> {
    if section(document, name).is_none() {
        return Err(EditError::no_such(no_section(name)));
    }
    Ok(match name {
        "" | "cib" | "all" => document,
        "status" | "configuration" => document.child_or_insert(name),
        _ => document.child_or_insert("configuration").child_or_insert(name),
    })
}

fn no_section(name: &str) -> String {
    if is_section(name) {
        format!("the document has no section `{name}`")
    } else {
        format!(
            "there is no section `{name}`; sections are configuration, {}, status",
            SECTIONS.join(", ")
        )
    }
}

fn is_section(name: &str) -> bool {
    matches!(name, "cib" | "configuration" | "status") || SECTIONS.contains(&name)
}

fn describe(xml: &Element) -> String {
    match xml.id() {
        Some(id) => format!("<{}> with id `{id}`", xml.name()),
        None => format!("<{}>", xml.name()),
    }
}

fn create(document: &mut Element, target: &Target, xml: &Element) -> Result<(), EditError> {
    let parent = match target {
        Target::XPath(text) => {
            let place = first_match(document, text)?;
            at_place(document, &place)?
        }
        Target::Section(name) => {
            if SECTIONS.contains(&name.as_str()) {
                document.child_or_insert("configuration").child_or_insert(name);
            }
            section_mut(document, name)?
        }
        Target::Document if is_section(xml.name()) => {
            if SECTIONS.contains(&xml.name()) {
                document.child_or_insert("configuration").child_or_insert(xml.name());
            }
            section_mut(document, xml.name())?
        }
        Target::Document => {
            return Err(EditError::no_such(format!(
                "nothing says where to create {}; name the section with --scope",
                describe(xml)
            )));
        }
    };
    let inside = xml.name() == parent.name() && !matches!(target, Target::XPath(_));
    let all: Vec<&Element> = if inside { xml.children().collect() } else { vec![xml] };
    for one in all {
        let there = parent
            .children_named(one.name())
            .any(|child| one.id().is_none() || child.id() == one.id());
        if there {
            return Err(EditError::new(
                ExitCode::Exists,
                format!("<{}> has a {} already", parent.name(), describe(one)),
            ));
        }
        parent.push(one.clone());
    }
    Ok(())
}

fn modify(
    document: &mut Element,
    target: &Target,
    xml: &Element,
    allow_create: bool,
) -> Result<(), EditError> {
    let place = match target {
        Target::XPath(text) => Some(first_match(document, text)?),
        Target::Section(_) | Target::Document => locate(document, target, xml)?,
    };
    match (place, target) {
        (Some(place), _) => {
            let found = at_place(document, &place)?;
            if found.name() != xml.name() {
                return Err(EditError::no_such(format!(
                    "the XPath finds a <{}>, not a <{}>",
                    found.name(),
                    xml.name()
                )));
            }
            merge(found, xml);
            Ok(())
        }
        (None, Target::Section(name)) if allow_create => {
            if SECTIONS.contains(&name.as_str()) {
                document.child_or_insert("configuration").child_or_insert(name);
            }
            section_mut(document, name)?.push(xml.clone());
            Ok(())
        }
        (None, _) if allow_create && SECTIONS.contains(&xml.name()) => {
            document.child_or_insert("configuration").push(xml.clone());
            Ok(())
        }
        (None, _) if allow_create => Err(EditError::no_such(format!(
            "nothing says where to create {}; name the section with --scope",
            describe(xml)
        ))),
        (None, _) => Err(EditError::no_such(format!(
            "there is no {} to modify; --allow-create makes one",
            describe(xml)
        ))),
    }
}

/// Sets the attributes of `from` on `to` and goes on inside; children that are not there are made.
fn merge(to: &mut Element, from: &Element) {
    for (key, value) in from.attributes() {
        let value = counted(to.get(key), key, value);
        to.set(key, value);
    }
    let text: Vec<Content> = from
        .content()
        .iter()
        .filter(|content| matches!(content, Content::Text(_)))
        .cloned()
        .collect();
    if !text.is_empty() {
        to.content_mut().retain(|content| !matches!(content, Content::Text(_)));
        to.content_mut().splice(0..0, text);
    }
    for child in from.children() {
        let at = to.content().iter().position(|content| match content {
            Content::Element(one) => {
                one.name() == child.name() && (child.id().is_none() || one.id() == child.id())
            }
            Content::Text(_) | Content::Comment(_) => false,
        });
        match at.map(|at| &mut to.content_mut()[at]) {
            Some(Content::Element(one)) => merge(Arc::make_mut(one), child),
            Some(Content::Text(_) | Content::Comment(_)) | None => to.push(child.clone()),
        }
    }
}

/// `epoch="epoch++"` and `epoch="epoch+=3"` count on from what is there.
fn counted(old: Option<&str>, key: &str, value: &str) -> String {
    let by = match value.strip_prefix(key) {
        Some("++") => Some(1),
        Some(rest) => rest.strip_prefix("+=").and_then(|n| n.trim().parse::<i64>().ok()),
        None => None,
    };
    match by {
        Some(by) => {
            let old: i64 = old.and_then(|n| n.trim().parse().ok()).unwrap_or(0);
            old.saturating_add(by).to_string()
        }
        None => value.to_owned(),
    }
}

fn replace(document: &mut Element, target: &Target, xml: &Element) -> Result<(), EditError> {
    if xml.name() == "cib" && matches!(target, Target::Document) {
        let (new, old) = (Version::of(xml), Version::of(document));
        if new < old {
            return Err(EditError::new(
                ExitCode::Old,
                format!(
                    "the document to put in place has version {new}, but the existing one {old}"
                ),
            ));
        }
        *document = xml.clone();
        return Ok(());
    }
    let place = match target {
        Target::XPath(text) => Some(first_match(document, text)?),
        Target::Section(_) | Target::Document => locate(document, target, xml)?,
    };
    let place = place.ok_or_else(|| {
        EditError::no_such(match target {
            Target::Section(name) if section(document, name).is_none() => no_section(name),
            _ => format!("there is no {} to replace", describe(xml)),
        })
    })?;
    *at_place(document, &place)? = xml.clone();
    Ok(())
}

/// Finds the element with the name and id of `xml`; without an id the name is enough.
fn locate(
    document: &Element,
    target: &Target,
    xml: &Element,
) -> Result<Option<Vec<usize>>, EditError> {
    let mut place = match target {
        Target::Section(name) => match section_place(document, name) {
            Some(place) => place,
            None if is_section(name) => return Ok(None),
            None => return Err(EditError::no_such(no_section(name))),
        },
        Target::Document | Target::XPath(_) => Vec::new(),
    };
    let Some(start) = follow(document, &place) else { return Ok(None) };
    let is_it = |element: &Element| {
        element.name() == xml.name() && (xml.id().is_none() || element.id() == xml.id())
    };
    Ok(search(start, &mut place, &is_it, true).then_some(place))
}

fn section_place(document: &Element, name: &str) -> Option<Vec<usize>> {
    let index = |parent: &Element, name: &str| {
        parent.content().iter().position(|content| match content {
            Content::Element(child) => child.name() == name,
            Content::Text(_) | Content::Comment(_) => false,
        })
    };
    match name {
        "" | "cib" | "all" => Some(Vec::new()),
        "status" | "configuration" => Some(vec![index(document, name)?]),
        _ => {
            let at = index(document, "configuration")?;
            let configuration = document.child("configuration")?;
            Some(vec![at, index(configuration, name)?])
        }
    }
}

fn follow<'a>(document: &'a Element, place: &[usize]) -> Option<&'a Element> {
    place.iter().try_fold(document, |element, at| match element.content().get(*at)? {
        Content::Element(child) => Some(&**child),
        Content::Text(_) | Content::Comment(_) => None,
    })
}

/// Searches in document order and leaves in `place` where the first one is.
fn search(
    element: &Element,
    place: &mut Vec<usize>,
    is_it: &impl Fn(&Element) -> bool,
    itself: bool,
) -> bool {
    if itself && is_it(element) {
        return true;
    }
    for (at, content) in element.content().iter().enumerate() {
        if let Content::Element(child) = content {
            place.push(at);
            if search(child, place, is_it, true) {
                return true;
            }
            place.pop();
        }
    }
    false
}

fn first_match(document: &Element, text: &str) -> Result<Vec<usize>, EditError> {
    let found = xpath::select(document, text)?;
    found
        .into_iter()
        .next()
        .map(|found| found.place)
        .ok_or_else(|| EditError::no_such(format!("the XPath {text} finds nothing")))
}

fn at_place<'a>(document: &'a mut Element, place: &[usize]) -> Result<&'a mut Element, EditError> {
    xpath::at_mut(document, place)
        .ok_or_else(|| EditError::no_such("what the request names is gone"))
}

/// Finds what is to be deleted.
fn matches(
    document: &Element,
    target: &Target,
    xml: Option<&Element>,
) -> Result<Vec<Vec<usize>>, EditError> {
    let fits = |element: &Element| {
        xml.is_none_or(|xml| {
            xml.name() == element.name()
                && xml.attributes().all(|(key, value)| element.get(key) == Some(value))
        })
    };
    match (target, xml) {
        (Target::XPath(text), _) => Ok(xpath::select(document, text)?
            .into_iter()
            .filter(|found| fits(found.element))
            .map(|found| found.place)
            .collect()),
        (_, None) => Err(EditError::new(
            ExitCode::Usage,
            "nothing says what to delete; describe the element, or use --xpath",
        )),
        (Target::Document, Some(_)) => Ok(all_below(document, &[], &fits)),
        (Target::Section(name), Some(_)) => {
            let Some(place) = section_place(document, name) else { return Ok(Vec::new()) };
            let Some(start) = follow(document, &place) else { return Ok(Vec::new()) };
            Ok(all_below(start, &place, &fits))
        }
    }
}

fn all_below(
    start: &Element,
    place: &[usize],
    fits: &impl Fn(&Element) -> bool,
) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    for (at, content) in start.content().iter().enumerate() {
        if let Content::Element(child) = content {
            let mut below = place.to_vec();
            below.push(at);
            if fits(child) {
                found.push(below.clone());
            }
            found.extend(all_below(child, &below, fits));
        }
    }
    found
}

fn remove(document: &mut Element, place: &[usize]) -> Result<(), EditError> {
    let Some((last, parent)) = place.split_last() else {
        return Err(EditError::new(
            ExitCode::Unsafe,
            "the whole document can't be deleted; --erase empties it",
        ));
    };
    let parent = at_place(document, parent)?;
    if *last < parent.content().len() {
        parent.content_mut().remove(*last);
    }
    Ok(())
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

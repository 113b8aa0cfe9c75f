//! The tree itself: elements that keep the order of their attributes and children.
//!
//! Children are shared (`Arc`), so that a copy of a document costs one pointer a child of the
//! root, and changing a copy copies only the path to the change.

use std::sync::Arc;

use crate::attributes::{Attributes, Iter};
use crate::name::Name;

/// What an element holds, in document order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A child element.
    Element(Arc<Element>),
    /// Character data that is not only white space, unescaped.
    Text(Arc<str>),
    /// A comment, without its `<!--` and `-->`.
    Comment(Arc<str>),
}

/// One element with its attributes and all below it.
#[derive(Clone, Debug, Default)]
pub struct Element {
    name: Name,
    attributes: Attributes,
    content: Vec<Content>,
    line: u32,
}

impl PartialEq for Element {
    /// Compares names, attributes and content with their order; not the line numbers.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.attributes == other.attributes
            && self.content == other.content
    }
}

impl Eq for Element {}

impl Element {
    /// Makes an element without attributes or content.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self { name: name.as_ref().into(), ..Self::default() }
    }

    /// Makes an element as it is read.
    pub(crate) fn read(name: Name, attributes: Attributes, line: u32) -> Self {
        Self { name, attributes, content: Vec::new(), line }
    }

    /// Returns the element with one attribute more; for building in one expression.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.set(key, value);
        self
    }

    /// Returns the element with one child more; for building in one expression.
    #[must_use]
    pub fn with_child(mut self, child: impl Into<Arc<Element>>) -> Self {
        self.push(child);
        self
    }

    /// Returns the element's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes the element's name (an upgrade renames `master` to `clone`).
    pub fn rename(&mut self, name: impl AsRef<str>) {
        self.name = name.as_ref().into();
    }

    /// Returns the line of the source text this element began on; 0 when it was made here.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Notes the line of the source text.
    pub fn set_line(&mut self, line: u32) {
        self.line = line;
    }

    /// Returns an attribute's value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.get(key)
    }

    /// Returns the `id` attribute.
    pub fn id(&self) -> Option<&str> {
        self.get("id")
    }

    /// Sets an attribute: in place when it is there, else after the others.
    pub fn set(&mut self, key: &str, value: impl AsRef<str>) {
        self.attributes.set(key, value.as_ref());
    }

    /// Takes an attribute away and returns its value.
    pub fn unset(&mut self, key: &str) -> Option<String> {
        self.attributes.unset(key)
    }

    /// Returns the attributes in document order.
    pub fn attributes(&self) -> Iter<'_> {
        self.attributes.iter()
    }

    /// Takes over all attributes of another element in its order, in place of those here.
    pub fn copy_attributes(&mut self, other: &Self) {
        self.attributes.clone_from(&other.attributes);
    }

    /// Tells whether both have the same attributes with the same values in the same order.
    pub fn same_attributes(&self, other: &Self) -> bool {
        self.attributes == other.attributes
    }

    /// Returns a copy without anything inside.
    #[must_use]
    pub fn without_content(&self) -> Self {
        Self {
            name: self.name.clone(),
            attributes: self.attributes.clone(),
            content: Vec::new(),
            line: self.line,
        }
    }

    /// Sorts the attributes by name, as digests of operations want them.
    pub fn sort_attributes(&mut self) {
        self.attributes.sort();
    }

    /// Returns everything inside, comments and text included.
    pub fn content(&self) -> &[Content] {
        &self.content
    }

    /// Returns everything inside for changing.
    pub fn content_mut(&mut self) -> &mut Vec<Content> {
        &mut self.content
    }

    /// Returns the character data directly inside, joined.
    pub fn text(&self) -> String {
        self.content
            .iter()
            .filter_map(|c| match c {
                Content::Text(text) => Some(&**text),
                Content::Element(_) | Content::Comment(_) => None,
            })
            .collect()
    }

    /// Returns the child elements in order.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Element> {
        self.shared_children().map(|child| &**child)
    }

    /// Returns the child elements in order, as the shared pointers they are.
    pub fn shared_children(&self) -> impl DoubleEndedIterator<Item = &Arc<Element>> {
        self.content.iter().filter_map(|c| match c {
            Content::Element(child) => Some(child),
            Content::Text(_) | Content::Comment(_) => None,
        })
    }

    /// Returns the child elements for changing; a shared one is copied first.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.content.iter_mut().filter_map(|c| match c {
            Content::Element(child) => Some(Arc::make_mut(child)),
            Content::Text(_) | Content::Comment(_) => None,
        })
    }

    /// Returns the first child element with this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children().find(|child| child.name() == name)
    }

    /// Returns the first child element with this name for changing.
    pub fn child_mut(&mut self, name: &str) -> Option<&mut Element> {
        self.content.iter_mut().find_map(|c| match c {
            Content::Element(child) if child.name() == name => Some(Arc::make_mut(child)),
            Content::Element(_) | Content::Text(_) | Content::Comment(_) => None,
        })
    }

    /// Returns the first child element with this name for changing, made at the end if missing.
    pub fn child_or_insert(&mut self, name: &str) -> &mut Element {
        if self.child(name).is_none() {
            self.push(Element::new(name));
        }
        let found = self.content.iter_mut().rev().find_map(|c| match c {
            Content::Element(child) if child.name() == name => Some(child),
            Content::Element(_) | Content::Text(_) | Content::Comment(_) => None,
        });
        match found {
            Some(child) => Arc::make_mut(child),
            None => unreachable!("the child was pushed above"),
        }
    }

    /// Returns the child elements with this name.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children().filter(move |child| child.name() == name)
    }

    /// Follows a path of child names from here (`["configuration", "resources"]`).
    pub fn at(&self, path: &[&str]) -> Option<&Element> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// Follows a path of child names for changing.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Element> {
        path.iter().try_fold(self, |element, name| element.child_mut(name))
    }

    /// Adds a child element at the end.
    pub fn push(&mut self, child: impl Into<Arc<Element>>) {
        self.content.push(Content::Element(child.into()));
    }

    /// Takes away the first child element for which `is_it` holds and returns it.
    pub fn remove_child(
        &mut self,
        mut is_it: impl FnMut(&Element) -> bool,
    ) -> Option<Arc<Element>> {
        let at = self.content.iter().position(|c| match c {
            Content::Element(child) => is_it(child),
            Content::Text(_) | Content::Comment(_) => false,
        })?;
        match self.content.remove(at) {
            Content::Element(child) => Some(child),
            Content::Text(_) | Content::Comment(_) => None,
        }
    }

    /// Keeps only the child elements for which `keep` holds; text and comments stay.
    pub fn retain_children(&mut self, mut keep: impl FnMut(&Element) -> bool) {
        self.content.retain(|c| match c {
            Content::Element(child) => keep(child),
            Content::Text(_) | Content::Comment(_) => true,
        });
    }

    /// Returns this element and all below it, parents before children, in document order.
    pub fn descendants(&self) -> Descendants<'_> {
        Descendants { stack: vec![self] }
    }

    /// Finds the element with this `id`, here or below; the first in document order.
    pub fn find_id(&self, id: &str) -> Option<&Element> {
        self.descendants().find(|element| element.id() == Some(id))
    }

    /// Finds the element with this `id` for changing; copies only the path to it.
    pub fn find_id_mut(&mut self, id: &str) -> Option<&mut Element> {
        let mut place = Vec::new();
        if !self.place_of_id(id, &mut place) {
            return None;
        }
        place.iter().rev().try_fold(self, |element, at| match element.content.get_mut(*at)? {
            Content::Element(child) => Some(Arc::make_mut(child)),
            Content::Text(_) | Content::Comment(_) => None,
        })
    }

    /// Tells whether this `id` is here or below, and where: the places to go to, the last one first.
    fn place_of_id(&self, id: &str, place: &mut Vec<usize>) -> bool {
        if self.id() == Some(id) {
            return true;
        }
        let found = self.content.iter().position(|content| match content {
            Content::Element(child) => child.place_of_id(id, place),
            Content::Text(_) | Content::Comment(_) => false,
        });
        place.extend(found);
        found.is_some()
    }
}

/// Walks a tree in document order.
#[derive(Debug)]
pub struct Descendants<'a> {
    stack: Vec<&'a Element>,
}

impl<'a> Iterator for Descendants<'a> {
    type Item = &'a Element;

    fn next(&mut self) -> Option<&'a Element> {
        let element = self.stack.pop()?;
        self.stack.extend(element.children().rev());
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn an_id_is_found_for_changing_wherever_it_is() {
        let text = "<a id=\"1\"><!-- x --><b><c id=\"2\"/></b><b id=\"3\">t<c id=\"2\"/></b></a>";
        for (id, changed) in [
            ("1", text.replacen("id=\"1\"", "id=\"1\" k=\"v\"", 1)),
            ("2", text.replacen("id=\"2\"", "id=\"2\" k=\"v\"", 1)),
            ("3", text.replacen("id=\"3\"", "id=\"3\" k=\"v\"", 1)),
        ] {
            let before = parse(text).unwrap();
            let mut tree = before.clone();
            tree.find_id_mut(id).unwrap().set("k", "v");
            assert_eq!(tree, parse(&changed).unwrap());
            assert_eq!(before, parse(text).unwrap(), "a copy was changed with it");
        }
        assert_eq!(parse(text).unwrap().find_id_mut("4"), None);
    }
}

//! The path of one element: names with ids, as patchsets and `cibadmin --node-path` write it.

use std::fmt;

use crate::tree::{Content, Element};

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    name: String,
    id: Option<String>,
}

/// Steps from the root on; the first is the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path of names and ids, like /cib/configuration/resources/group[@id='g']")]
pub struct NotAPath(pub String);

/// Writes one step; an id with both kinds of quotes can't be written and is left out.
pub fn step(name: &str, id: Option<&str>) -> String {
    match id {
        Some(id) if !id.contains('\'') => format!("{name}[@id='{id}']"),
        Some(id) if !id.contains('"') => format!("{name}[@id=\"{id}\"]"),
        Some(_) | None => name.to_owned(),
    }
}

/// Tells whether a step with this id can be written.
pub fn quotable(id: &str) -> bool {
    !(id.contains('\'') && id.contains('"'))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&step(&self.name, self.id.as_deref()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{step}"))
    }
}

impl Step {
    /// Returns the name of the element the step leads to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of the element the step leads to, when it names one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the place of the child this step leads to, in the parent's content.
    pub fn position(&self, parent: &Element) -> Option<usize> {
        let mut namesake = None;
        for (at, content) in parent.content().iter().enumerate() {
            let Content::Element(child) = content else { continue };
            if child.name() != self.name {
                continue;
            }
            match (&self.id, child.id().filter(|id| quotable(id))) {
                (Some(wanted), Some(id)) if wanted == id => return Some(at),
                (None, None) => return Some(at),
                (None, Some(_)) => namesake = namesake.or(Some(at)),
                (Some(_), _) => {}
            }
        }
        namesake
    }
}

impl Path {
    /// Reads `/cib/configuration/resources/group[@id='g']`; the empty text is above the root.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, NotAPath> {
        let refuse = || NotAPath(text.to_owned());
        let mut rest = text;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            rest = rest.strip_prefix('/').ok_or_else(refuse)?;
            let end = rest.find(['/', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return Err(refuse());
            }
            rest = after;
            let mut id = None;
            if let Some(predicate) = rest.strip_prefix("[@id=") {
                let quote = predicate.chars().next().filter(|q| matches!(q, '\'' | '"'));
                let quote = quote.ok_or_else(refuse)?;
                let (value, after) = predicate[1..].split_once(quote).ok_or_else(refuse)?;
                id = Some(value.to_owned());
                rest = after.strip_prefix(']').ok_or_else(refuse)?;
            }
            steps.push(Step { name: name.to_owned(), id });
        }
        Ok(Self(steps))
    }

    /// Tells whether the path is empty, and so leads above the root element.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of the parent and the last step; none for the root.
    pub fn split_last(&self) -> Option<(Self, Step)> {
        let (last, parent) = self.0.split_last()?;
        (!parent.is_empty()).then(|| (Self(parent.to_vec()), last.clone()))
    }

    /// Follows the path; the root goes by its name alone, since there is only one.
    pub fn find<'a>(&self, root: &'a Element) -> Option<&'a Element> {
        let (first, below) = self.0.split_first()?;
        if first.name != root.name() {
            return None;
        }
        below.iter().try_fold(root, |element, step| {
            match &element.content()[step.position(element)?] {
                Content::Element(child) => Some(&**child),
                Content::Text(_) | Content::Comment(_) => None,
            }
        })
    }

    /// Returns where the path leads, as indices into the content of each element on the way.
    pub fn place(&self, root: &Element) -> Option<Vec<usize>> {
        let (first, below) = self.0.split_first()?;
        if first.name != root.name() {
            return None;
        }
        let mut place = Vec::with_capacity(below.len());
        let mut element = root;
        for step in below {
            let at = step.position(element)?;
            let Content::Element(child) = &element.content()[at] else { return None };
            element = child;
            place.push(at);
        }
        Some(place)
    }

    /// Follows the path for changing.
    pub fn find_mut<'a>(&self, root: &'a mut Element) -> Option<&'a mut Element> {
        self.find(root)?;
        self.0.iter().skip(1).try_fold(root, |element, step| {
            let at = step.position(element)?;
            match &mut element.content_mut()[at] {
                Content::Element(child) => Some(std::sync::Arc::make_mut(child)),
                Content::Text(_) | Content::Comment(_) => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Path;
    use crate::parse;

    #[test]
    fn a_path_finds_by_name_and_id() {
        let tree = parse("<c><g id=\"a/b\"><p/></g><g id=\"x\"/></c>").unwrap();
        let found =
            |path: &str| Path::parse(path).unwrap().find(&tree).map(|e| e.name().to_owned());
        assert_eq!(found("/c/g[@id='a/b']/p").as_deref(), Some("p"));
        assert_eq!(found("/c/g[@id=\"x\"]").as_deref(), Some("g"));
        assert_eq!(found("/c/g[@id='y']"), None);
        assert_eq!(found("/d"), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["c", "/c/", "//c", "/c[@id=x]", "/c[@id='x'", "/c[@id='x']y", "/c[1]"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}

//! Where the transition graph goes while it is written: into a tree, as text, or nowhere.

use std::io;

use cib::{Element, XmlStream};

/// Takes elements as they are told: the innermost open one gets the attributes and children.
pub trait Markup {
    /// What has come of it in the end.
    type Done
    where
        Self: Sized;

    /// Begins an element.
    fn open(&mut self, name: &'static str);
    /// Gives the element that was just begun an attribute; each name comes once.
    fn attribute(&mut self, name: &str, value: &str);
    /// Ends the innermost element.
    fn close(&mut self);
    /// Ends the document.
    fn finish(self) -> Self::Done
    where
        Self: Sized;
}

/// A tree, for who looks into the graph.
#[derive(Debug, Default)]
pub struct Tree {
    open: Vec<Element>,
    root: Element,
}

impl Markup for Tree {
    type Done = Element;

    fn open(&mut self, name: &'static str) {
        self.open.push(Element::new(name));
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if let Some(element) = self.open.last_mut() {
            element.set(name, value);
        }
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.push(element),
            None => self.root = element,
        }
    }

    fn finish(self) -> Element {
        self.root
    }
}

impl<W: io::Write> Markup for XmlStream<W> {
    type Done = io::Result<W>;

    fn open(&mut self, name: &'static str) {
        XmlStream::open(self, name);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        XmlStream::attribute(self, name, value);
    }

    fn close(&mut self) {
        XmlStream::close(self);
    }

    fn finish(self) -> Self::Done {
        XmlStream::finish(self)
    }
}

/// Nowhere: the graph is not wanted.
impl Markup for () {
    type Done = ();

    fn open(&mut self, _name: &'static str) {}

    fn attribute(&mut self, _name: &str, _value: &str) {}

    fn close(&mut self) {}

    fn finish(self) {}
}

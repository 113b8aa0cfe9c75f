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
    /// As [`Self::attribute`], with a value that is these pieces in a row.
    fn attribute_of(&mut self, name: &str, pieces: &[&str]);
    /// Ends the innermost element.
    fn close(&mut self);
    /// Ends the document.
    fn finish(self) -> Self::Done
    where
        Self: Sized;
}

/// A number's decimal digits, without a piece of memory for them.
#[derive(Debug)]
pub(crate) struct Digits {
    all: [u8; 20],
    begin: usize,
}

impl Digits {
    pub(crate) fn of(mut number: u64) -> Self {
        let mut digits = Self { all: [b'0'; 20], begin: 20 };
        for (place, digit) in digits.all.iter_mut().enumerate().rev() {
            *digit += u8::try_from(number % 10).unwrap_or_default();
            digits.begin = place;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        digits
    }

    pub(crate) fn of_count(count: usize) -> Self {
        Self::of(u64::try_from(count).unwrap_or(u64::MAX))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.all[self.begin..]).unwrap_or_default()
    }
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

    fn attribute_of(&mut self, name: &str, pieces: &[&str]) {
        self.attribute(name, &pieces.concat());
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

    fn attribute_of(&mut self, name: &str, pieces: &[&str]) {
        XmlStream::attribute_of(self, name, pieces);
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

    fn attribute_of(&mut self, _name: &str, _pieces: &[&str]) {}

    fn close(&mut self) {}

    fn finish(self) {}
}

#[cfg(test)]
mod tests {
    use super::Digits;

    #[test]
    fn digits_are_what_a_number_is_written_with() {
        for number in [0, 7, 10, 4096, u64::MAX] {
            assert_eq!(Digits::of(number).text(), number.to_string());
        }
    }
}

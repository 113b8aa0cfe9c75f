//! The attributes of one element, one after the other in a single string.
//!
//! A document has many small elements, and what reads it touches all of them: one allocation an
//! element, without room to spare, is what keeps that fast and small.

use std::fmt;

use crate::name::Name;

/// Names and values in document order; no name twice.
///
/// Each attribute is its name (the number of a known one plus 1, or 0 and the text), then its
/// value; a text is its length in bytes and then itself. Equal lists are equal strings.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes(String);

/// What a digit of a number holds: its lower bits; the next one tells that more digits follow. All
/// digits are ASCII, so that the whole stays text.
const DIGIT_BITS: u32 = 6;
const DIGIT: usize = (1 << DIGIT_BITS) - 1;
const MORE: u8 = 1 << DIGIT_BITS;

fn push_number(mut number: usize, out: &mut String) {
    while number > DIGIT {
        out.push(char::from(MORE | low_digit(number)));
        number >>= DIGIT_BITS;
    }
    out.push(char::from(low_digit(number)));
}

#[allow(clippy::cast_possible_truncation, reason = "six bits fit")]
fn low_digit(number: usize) -> u8 {
    (number & DIGIT) as u8
}

fn push_text(text: &str, out: &mut String) {
    push_number(text.len(), out);
    out.push_str(text);
}

impl Attributes {
    /// Adds an attribute at the end; the caller knows that the name is not there yet.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.push_placed(Name::place(name), name, value);
    }

    /// Adds an attribute as [`Self::push`] does; `place` is what [`Name::place`] says of its name.
    pub(crate) fn push_placed(&mut self, place: Option<u8>, name: &str, value: &str) {
        match place {
            Some(place) => push_number(usize::from(place) + 1, &mut self.0),
            None => {
                push_number(0, &mut self.0);
                push_text(name, &mut self.0);
            }
        }
        push_text(value, &mut self.0);
    }

    /// Returns a copy without room to spare and forgets everything here, but not the room.
    pub(crate) fn take_copy(&mut self) -> Self {
        let copy = self.clone();
        self.0.clear();
        copy
    }

    /// Returns the value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut rest = self.iter();
        // known names are compared by their numbers
        if let Some(place) = Name::place(name) {
            while rest.at < rest.all.len() {
                match rest.number() {
                    0 => rest.skip_text(),
                    number if number == usize::from(place) + 1 => return Some(rest.text()),
                    _other => {}
                }
                rest.skip_text();
            }
            return None;
        }
        rest.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Sets an attribute: in place when it is there, else after the others.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let Some(found) = self.find(name) else { return self.push(name, value) };
        let mut text = String::with_capacity(value.len() + 2);
        push_text(value, &mut text);
        self.0.replace_range(found.value..found.end, &text);
    }

    /// Takes an attribute away and returns its value.
    pub(crate) fn unset(&mut self, name: &str) -> Option<String> {
        let found = self.find(name)?;
        let value = self.get(name)?.to_owned();
        self.0.replace_range(found.begin..found.end, "");
        Some(value)
    }

    /// Sorts by name.
    pub(crate) fn sort(&mut self) {
        let mut all: Vec<(&str, &str)> = self.iter().collect();
        all.sort_by_key(|(name, _)| *name);
        let mut sorted = Self(String::with_capacity(self.0.len()));
        for (name, value) in all {
            sorted.push(name, value);
        }
        *self = sorted;
    }

    /// Returns names and values in order.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { all: &self.0, at: 0 }
    }

    fn find(&self, name: &str) -> Option<Found> {
        let mut rest = self.iter();
        loop {
            let begin = rest.at;
            let known = rest.name()?;
            let value = rest.at;
            rest.text();
            if known == name {
                return Some(Found { begin, value, end: rest.at });
            }
        }
    }
}

/// Where an attribute stands.
struct Found {
    begin: usize,
    value: usize,
    end: usize,
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The names and values of one element, in document order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    all: &'a str,
    at: usize,
}

impl<'a> Iter<'a> {
    #[inline]
    fn number(&mut self) -> usize {
        // names take two digits at most, and few values are longer than two can tell
        let (low, more) = self.digit();
        if !more {
            return low;
        }
        let (high, more) = self.digit();
        let number = low | high << DIGIT_BITS;
        if more { self.long_number(number) } else { number }
    }

    #[inline]
    fn digit(&mut self) -> (usize, bool) {
        let digit = self.all.as_bytes()[self.at];
        self.at += 1;
        (usize::from(digit) & DIGIT, digit & MORE != 0)
    }

    /// Goes on where two digits were not all.
    #[cold]
    fn long_number(&mut self, mut number: usize) -> usize {
        for shift in (2 * DIGIT_BITS..).step_by(DIGIT_BITS as usize) {
            let (digit, more) = self.digit();
            number |= digit << shift;
            if !more {
                break;
            }
        }
        number
    }

    fn skip_text(&mut self) {
        let length = self.number();
        self.at += length;
    }

    fn text(&mut self) -> &'a str {
        let length = self.number();
        let text = &self.all[self.at..self.at + length];
        self.at += length;
        text
    }

    fn name(&mut self) -> Option<&'a str> {
        if self.at >= self.all.len() {
            return None;
        }
        match self.number() {
            0 => Some(self.text()),
            place => Some(Name::known(place - 1)),
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let name = self.name()?;
        Some((name, self.text()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Attributes;

    #[test]
    fn a_list_takes_no_more_room_than_its_text_and_a_few_digits() {
        let mut list = Attributes::default();
        list.push("id", "a");
        list.push("provider", "heartbeat");
        assert!(list.0.len() <= "a".len() + "heartbeat".len() + 6, "{:?}", list.0);
    }

    proptest! {
        /// What a list of pairs would answer, the packed one answers too.
        #[test]
        fn a_list_does_what_a_vector_of_pairs_does(
            steps in prop::collection::vec(
                (0..3_u8, prop::sample::select(vec!["id", "value", "banana", "x", "Ä"]), "\\PC{0,200}"),
                0..40,
            )
        ) {
            let mut packed = Attributes::default();
            let mut plain: Vec<(String, String)> = Vec::new();
            for (kind, name, value) in steps {
                let at = plain.iter().position(|(known, _)| known == name);
                match (kind, at) {
                    (0, Some(at)) => {
                        prop_assert_eq!(packed.unset(name), Some(plain.remove(at).1));
                    }
                    (0, None) => prop_assert_eq!(packed.unset(name), None),
                    (1, _) => {
                        packed.sort();
                        plain.sort();
                    }
                    (_, at) => {
                        packed.set(name, &value);
                        match at {
                            Some(at) => plain[at].1 = value,
                            None => plain.push((name.to_owned(), value)),
                        }
                    }
                }
                let now = plain.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                prop_assert!(packed.iter().eq(now.clone()), "{:?} is not {:?}", packed, plain);
                for (name, value) in now {
                    prop_assert_eq!(packed.get(name), Some(value));
                }
                prop_assert_eq!(packed.take_copy(), Attributes(packed_text(&plain)));
                for (name, value) in &plain {
                    packed.push(name, value);
                }
            }
        }
    }

    fn packed_text(plain: &[(String, String)]) -> String {
        let mut list = Attributes::default();
        for (name, value) in plain {
            list.push(name, value);
        }
        list.0
    }
}

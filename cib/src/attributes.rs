//! The attributes of one element, one after the other in a single string.
//!
//! A document has many small elements, and what reads it touches all of them: one allocation an
//! element, without room to spare, is what keeps that fast and small.

use std::fmt;
use std::ops::Range;

use crate::name::Name;

/// Names and values in document order; no name twice.
///
/// Each attribute is a head of four digits, the name if it is none of the known ones, and the
/// value. Two digits of the head are the number of a known name plus 1 (0 of any other), two the
/// length of the value; so a look for one attribute reads a word of each before it. Equal lists
/// are equal strings.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes(String);

/// What a digit of a number holds: all digits are ASCII, so that the whole stays text.
const DIGIT_BITS: u32 = 7;
const DIGIT: usize = (1 << DIGIT_BITS) - 1;

/// Digits of a number in a head.
const SHORT: u32 = 2;
/// The length that stands for one too long for a head: the true one is behind the head.
const LONG: usize = (1 << (SHORT * DIGIT_BITS)) - 1;
/// Digits of a length that is not in a head.
const DIGITS: u32 = usize::BITS.div_ceil(DIGIT_BITS);

fn push_number(number: usize, digits: u32, out: &mut String) {
    for place in 0..digits {
        #[allow(clippy::cast_possible_truncation, reason = "seven bits fit")]
        let digit = ((number >> (place * DIGIT_BITS)) & DIGIT) as u8;
        out.push(char::from(digit));
    }
}

impl Attributes {
    /// Adds an attribute at the end; the caller knows that the name is not there yet.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.push_placed(Name::place(name), name, value);
    }

    /// Adds an attribute as [`Self::push`] does; `place` is what [`Name::place`] says of its name.
    pub(crate) fn push_placed(&mut self, place: Option<u8>, name: &str, value: &str) {
        let out = &mut self.0;
        push_number(place.map_or(0, |place| usize::from(place) + 1), SHORT, out);
        push_number(value.len().min(LONG), SHORT, out);
        if value.len() >= LONG {
            push_number(value.len(), DIGITS, out);
        }
        if place.is_none() {
            push_number(name.len(), DIGITS, out);
            out.push_str(name);
        }
        out.push_str(value);
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
        let Some(place) = Name::place(name) else {
            return rest.find(|(known, _)| *known == name).map(|(_, value)| value);
        };
        let wanted = usize::from(place) + 1;
        while let Some((number, length)) = rest.head() {
            if number == wanted {
                return Some(rest.text(length));
            }
            if number == 0 {
                rest.other_name();
            }
            rest.at += length;
        }
        None
    }

    /// Sets an attribute: in place when it is there, else after the others.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let place = Name::place(name);
        let Some(found) = self.find(place, name) else {
            return self.push_placed(place, name, value);
        };
        let mut attribute = Self::default();
        attribute.push_placed(place, name, value);
        self.0.replace_range(found, &attribute.0);
    }

    /// Takes an attribute away and returns its value.
    pub(crate) fn unset(&mut self, name: &str) -> Option<String> {
        let found = self.find(Name::place(name), name)?;
        let value = self.get(name)?.to_owned();
        self.0.replace_range(found, "");
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

    /// Returns where an attribute stands; `place` is what [`Name::place`] says of its name.
    fn find(&self, place: Option<u8>, name: &str) -> Option<Range<usize>> {
        // known names are compared by their numbers
        let wanted = place.map_or(0, |place| usize::from(place) + 1);
        let mut rest = self.iter();
        loop {
            let begin = rest.at;
            let (number, length) = rest.head()?;
            let is_found = if number == 0 { rest.other_name() == name } else { number == wanted };
            rest.at += length;
            if is_found {
                return Some(begin..rest.at);
            }
        }
    }
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
    /// Reads the number of a name (0 of one that is not known) and the length of a value.
    #[inline]
    fn head(&mut self) -> Option<(usize, usize)> {
        let digits = self.all.as_bytes()[self.at..].first_chunk::<4>()?;
        self.at += digits.len();
        let [name, more, low, high] = digits.map(usize::from);
        let length = low | high << DIGIT_BITS;
        let length = if length == LONG { self.long_number() } else { length };
        Some((name | more << DIGIT_BITS, length))
    }

    #[cold]
    fn long_number(&mut self) -> usize {
        let end = self.at + DIGITS as usize;
        let digits = self.all.as_bytes()[self.at..end].iter().rev();
        self.at = end;
        digits.fold(0, |number, digit| number << DIGIT_BITS | usize::from(*digit))
    }

    /// Reads a name that is not known.
    #[cold]
    fn other_name(&mut self) -> &'a str {
        let length = self.long_number();
        self.text(length)
    }

    fn text(&mut self, length: usize) -> &'a str {
        let begin = self.at;
        self.at += length;
        &self.all[begin..self.at]
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let (number, length) = self.head()?;
        let name = match number.checked_sub(1) {
            Some(place) => Name::known(place),
            None => self.other_name(),
        };
        Some((name, self.text(length)))
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
        assert_eq!(list.0.len(), "a".len() + "heartbeat".len() + 2 * 4, "{:?}", list.0);
    }

    #[test]
    fn a_value_may_be_of_any_length() {
        for length in [0, 1, 127, 128, super::LONG - 1, super::LONG, super::LONG + 1, 3_000_000] {
            let mut list = Attributes::default();
            list.push("banana", &"ä".repeat(length));
            list.push("value", &"x".repeat(length));
            list.push("id", "a");
            assert_eq!(list.get("value").map(str::len), Some(length));
            assert_eq!(list.get("banana").map(str::len), Some(2 * length));
            list.set("value", "y");
            assert_eq!([list.get("value"), list.get("id")], [Some("y"), Some("a")]);
        }
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

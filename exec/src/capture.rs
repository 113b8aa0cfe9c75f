//! Output of a child, bounded: the beginning and the end are kept, the middle is counted.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Bytes a child wrote to one of its outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Captured {
    /// Takes bytes in, keeping at most `max` of all.
    pub(crate) fn add(&mut self, bytes: &[u8], max: usize) {
        let half = (max / 2).max(1);
        let (first, rest) = bytes.split_at(bytes.len().min(half.saturating_sub(self.head.len())));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(half);
        self.tail.drain(..excess);
        self.dropped = self.dropped.saturating_add(u64::try_from(excess).unwrap_or(u64::MAX));
    }

    /// Returns the text; where something was left out, a line says how much.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.dropped > 0 {
            text.push_str(&format!("\n[{} bytes left out]\n", self.dropped));
        }
        let (front, back) = self.tail.as_slices();
        text.push_str(&String::from_utf8_lossy(&[front, back].concat()));
        text
    }

    /// Tells whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Captured;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let mut captured = Captured::default();
        for n in 0..1000 {
            captured.add(format!("line {n}\n").as_bytes(), 64);
        }
        let text = captured.text();
        assert!(text.starts_with("line 0\nline 1\n"), "{text}");
        assert!(text.ends_with("line 998\nline 999\n"), "{text}");
        assert!(text.contains("[8826 bytes left out]"), "{text}");
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let mut captured = Captured::default();
        assert!(captured.is_empty());
        captured.add(b"0123", 10);
        captured.add(b"456789", 10);
        assert_eq!(captured.text(), "0123456789");
    }
}

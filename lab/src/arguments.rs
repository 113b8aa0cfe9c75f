//! The few options of demo and bench.

use std::ffi::OsString;

/// Words of a command line, one after the other.
#[derive(Debug)]
pub(crate) struct Arguments {
    words: std::vec::IntoIter<String>,
}

impl Arguments {
    pub(crate) fn new(arguments: &[OsString]) -> Self {
        let words: Vec<String> =
            arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Self { words: words.into_iter() }
    }

    pub(crate) fn next_word(&mut self) -> Option<String> {
        self.words.next()
    }

    /// Returns the word behind an option.
    pub(crate) fn value(&mut self, option: &str) -> Result<String, String> {
        self.words.next().ok_or_else(|| format!("{option} needs a value"))
    }
}

/// Reads a number between two bounds.
pub(crate) fn parse_number(text: &str, least: u8, most: u8) -> Result<u8, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("`{text}` is no number from {least} to {most}"))
}

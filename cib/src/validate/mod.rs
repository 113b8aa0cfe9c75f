//! Whether a document says something sensible.

use crate::tree::Element;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    what: String,
}

impl Finding {
    /// Returns what is wrong, without the place.
    pub fn what(&self) -> String {
        self.what.clone()
    }
}

/// Returns what makes a document invalid.
pub fn errors(_document: &Element) -> Vec<Finding> {
    Vec::new()
}

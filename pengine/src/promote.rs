//! Which instances of a promotable clone are promoted.

/// Names and counts that promotion leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Promotion {}

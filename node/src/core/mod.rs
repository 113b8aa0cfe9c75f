//! The brain's decisions: no clock, no files, no processes. See STYLE.md, "The core contract".

#![warn(clippy::wildcard_enum_match_arm)]

mod asking;
pub mod brain;
mod changes;
mod effects;
mod in_the_way;
mod inputs;
mod leave;
pub mod message;
pub mod store;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;
mod votes;
mod wishes;

pub use brain::{Brain, DocumentParts, Input, Output, Settings};

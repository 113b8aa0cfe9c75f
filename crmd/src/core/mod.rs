//! The controller's decisions: no clock, no files, no processes. See STYLE.md, "The core contract".
//!
//! [`interface`] says what the controller is told and answers; [`runner`] and [`graph`] carry plans out.
//! [`waiting`] and [`journal`] how it is told to people. [`attributes`] is a machine of its own.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod attributes;
pub mod entry;
pub mod graph;
pub mod history;
pub mod interface;
pub mod journal;
pub mod runner;
pub mod status;
#[cfg(test)]
pub(crate) mod testing;
pub mod waiting;

pub use interface::{Effect, Event, Now};

//! The controller's decisions: no clock, no files, no processes. See STYLE.md, "The core contract".
//!
//! [`controller`] is the machine: members come ([`members`]), plans are asked for ([`planning`])
//! and carried out ([`carrying`], over the [`runner`] and the [`graph`]), results are recorded and
//! failures counted ([`results`]). [`status`] and [`history`] say how that stands in the document,
//! [`waiting`] and [`journal`] how it is told to people. [`attributes`] is a machine of its own.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod attributes;
mod carrying;
pub mod controller;
pub mod entry;
pub mod graph;
pub mod history;
pub mod interface;
pub mod journal;
#[cfg(test)]
mod member_stories;
mod members;
pub mod options;
#[cfg(test)]
mod plan_stories;
mod planning;
mod results;
pub mod runner;
mod sight;
pub mod status;
#[cfg(test)]
pub(crate) mod testing;
pub mod waiting;

pub use controller::Controller;
pub use interface::{Effect, Event, Now};
pub use members::SHUTDOWN;

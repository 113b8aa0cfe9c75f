//! The controller's decisions: no I/O, no clock.

pub mod graph;
pub mod runner;

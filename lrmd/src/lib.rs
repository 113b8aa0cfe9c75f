//! The hands: runs agents, one operation at a time per resource, and remembers what came of it.

pub mod core;

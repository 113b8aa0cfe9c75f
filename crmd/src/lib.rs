//! The controller: join, DC duties, the transition engine, fail counts, attributes.

pub mod core;

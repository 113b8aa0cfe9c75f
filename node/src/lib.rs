//! The brain's process: joins membership, document, controller and hands; serves tools.

pub mod core;
mod shell;
mod wire;

pub use shell::{engine, main};

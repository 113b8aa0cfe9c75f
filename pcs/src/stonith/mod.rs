//! Fence devices: what is special about them.

pub mod level;

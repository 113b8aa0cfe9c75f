//! A whole cluster under one seed: the shipped cores of two or three nodes, with a simulated
//! network, disk, clock and agents between them.
//!
//! Each host has what a real one has: a heartbeat thread (`membership::core::Group`), a loop
//! (`node::core::Brain`), hands (`lrmd::core::Hands`), a policy engine (`pengine::schedule`), a disk
//! and agents. What is simulated is only what carries their effects. A run has two phases: faults,
//! during which nothing unsafe may happen, and calm, after which everything must be whole. The
//! invariants are in `invariants`, a file each.

#![allow(
    unreachable_pub,
    clippy::wrong_self_convention,
    reason = "a library of one program and its tests, whose names say from whom and to whom"
)]

mod brains;
mod chance;
mod client;
mod disk;
mod engine;
mod faults;
mod hands;
mod host;
mod invariants;
mod network;
pub mod protection;
pub mod run;
mod setting;
mod world;

pub use protection::Protection;
pub use run::{Order, Report, run};

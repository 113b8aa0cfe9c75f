//! The brain's process: what the core wants done, done. One loop, one core; everything that may
//! wait (disks, peers, hands, the engine, tools) waits elsewhere and comes back as an input.

mod disk;
pub mod engine;
mod guests;
mod hands_link;
mod heartbeats;
mod info;
mod peers;
mod permit;
mod run;
mod showing;
mod start;
mod tools;
mod trust;

pub use start::main;

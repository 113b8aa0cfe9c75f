//! Who is here, are we quorate, who leads: links, detector, views, votes, and the replicated log.
//!
//! [`core`] holds the group's decisions (no clock, no sockets, no files); [`heartbeat`] is the thread
//! that sends and hears for it. [`raft`] is the log. [`conf`] reads and writes corosync.conf.

pub mod core;
pub mod heartbeat;
pub mod raft;
pub mod seal;

pub use crate::core::conf;

//! Membership's decisions: told what was heard and what time it is, they answer with what to send
//! and which view holds.
#![warn(clippy::wildcard_enum_match_arm)]

mod agreement;
pub mod beat;
pub mod conf;
mod event;
mod group;
mod peer;
mod pulse;
pub mod quorum;
pub mod report;
pub mod status;

pub use event::{
    Effect, Event, GroupConf, Identity, LinkId, NodeConf, PeerChange, Unreadable, Warning,
};
pub use group::Group;
pub use peer::HEARTBEAT_INTERVAL_MS;

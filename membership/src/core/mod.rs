//! Membership's decisions: told what was heard and what time it is, they answer with what to send
//! and which view holds.
#![warn(clippy::wildcard_enum_match_arm)]

mod agreement;
pub mod beat;
pub mod conf;
mod event;
pub mod quorum;

pub use event::{
    Effect, Event, GroupConf, Identity, LinkId, NodeConf, PeerChange, Unreadable, Warning,
};

//! Membership's decisions: told what was heard and what time it is, they answer with what to send
//! and which view holds.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod conf;

//! Clusters as a whole: who knows whom, how hosts are asked, what corosync.conf is to say.
//!
//! Pure: `pcs-cli` asks and tells people, `pcsd` acts on its host.

pub mod config;
pub mod device;
pub mod known_hosts;
pub mod members;
mod message;
pub mod options;
pub mod protocol;
pub mod setup;
mod setup_check;

pub use message::ClusterMessage;

//! What can be done to a cluster: commands as functions over a document.
//!
//! A command takes an [`Environment`] and arguments that are already parsed, changes the
//! document, and says what there is to say as typed [`Report`]s. It reads no file, starts no
//! process and asks no clock; the faces (`pcs-cli`, `pcsd`) do, and they push the change.

pub mod acl;
pub mod agent;
pub mod alert;
pub mod booth;
pub mod builtin;
pub mod cluster;
pub mod constraint;
pub mod defaults;
pub mod desired;
pub mod environment;
pub mod history;
pub mod ids;
pub mod merge;
pub mod message;
pub mod metadata;
pub mod node;
pub mod nvset;
pub mod operations;
pub mod options;
pub mod plan;
pub mod plan_time;
pub mod property;
pub mod remote;
pub mod removal;
pub mod rename;
pub mod report;
pub mod resource;
pub mod rule;
mod rule_check;
mod rule_parse;
pub mod stonith;
pub mod tag;
pub mod text;
pub mod text_diff;
pub mod verify;

pub use environment::Environment;
pub use message::Message;
pub use report::{Failed, Outcome, Report, Severity};

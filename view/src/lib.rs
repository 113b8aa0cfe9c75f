//! The cluster's status as one typed value.

mod brief_text;
mod clone_text;
pub mod explain_text;
pub mod failures;
pub mod live;
pub mod node_text;
pub mod nodes;
pub mod scope;
pub mod seen;
pub mod status_text;
pub mod summary;

//! The cluster's status as one typed value.

mod clone_text;
pub mod explain_text;
pub mod failures;
pub mod live;
pub mod nodes;
pub mod resources;
pub mod status_text;
pub mod summary;

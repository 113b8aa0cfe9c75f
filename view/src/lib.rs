//! The cluster's status as one typed value.

pub mod live;

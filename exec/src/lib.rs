//! Child processes: starting, bounding, killing, capturing; and what a daemon tells its parent.

pub mod notify;

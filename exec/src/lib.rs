//! Child processes: starting, bounding, killing, capturing; and what a daemon tells its parent.

mod boot;
mod capture;
mod group;
pub mod keep;
pub mod notify;
mod program;
mod run;

pub use boot::{boot_id, random_id};
pub use capture::Captured;
pub use program::{EXIT_REASON_PREFIX, Ending, Finished, Limits, Program};
pub use run::run;

//! Child processes: starting, bounding, killing, capturing; what a daemon tells its parent; and facts of the machine.

mod boot;
mod capture;
mod group;
pub mod keep;
pub mod notify;
mod program;
mod run;
pub mod secrets;
mod zone;

pub use boot::{boot_id, random_id};
pub use capture::Captured;
pub use program::{EXIT_REASON_PREFIX, Ending, Finished, Limits, Program};
pub use run::run;
pub use zone::local_zone;

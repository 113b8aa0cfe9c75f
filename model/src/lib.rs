//! The vocabulary every room shares: identities, time, scores, OCF codes, views, operations.
//!
//! Values only: nothing here does I/O, reads a clock or decides anything.

pub mod calendar;
pub mod codes;
pub mod identity;
pub mod interval;
pub mod operation;
pub mod paths;
pub mod score;
pub mod time;
pub mod view;

pub use codes::{ExecStatus, ExitCode, OcfCode};
pub use identity::{
    Authority, BootId, Generation, HandsId, Incarnation, NodeId, NodeName, ResourceId, Term,
};
pub use interval::Interval;
pub use operation::{AgentSpec, HandsCommand, HandsReport, OpRecord, Operation};
pub use paths::Paths;
pub use score::Score;
pub use time::{Monotonic, WallTime};
pub use view::{Member, View};

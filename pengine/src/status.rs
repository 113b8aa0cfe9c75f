//! What the status section says, for displays: nodes, resources, failures, tickets, bans.

use serde::{Deserialize, Serialize};

/// A failed operation of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedOperation {
    /// `RESOURCE_TASK_INTERVAL`.
    pub key: String,
    /// Resource name.
    pub resource: String,
    /// Node name.
    pub node: String,
    /// Task.
    pub task: String,
    /// Interval in milliseconds.
    pub interval_ms: u64,
    /// Exit status.
    pub rc: i32,
    /// Execution status.
    pub status: i32,
    /// The agent's words.
    pub exit_reason: String,
    /// Call number.
    pub call_id: i64,
    /// Seconds since the epoch of the last change.
    pub last_change: Option<i64>,
    /// Milliseconds it took.
    pub exec_ms: u64,
    /// Milliseconds it waited.
    pub queue_ms: u64,
}

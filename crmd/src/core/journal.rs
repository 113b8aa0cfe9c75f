//! The event journal: what happened, which plan, why, who asked. Typed, so that it can be searched
//! later; `Display` gives the sentence for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use model::{BootId, ExecStatus, NodeName, ResourceId, WallTime};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When, by the DC's wall clock.
    pub time: WallTime,
    /// What happened.
    pub what: What,
}

/// What happened. Each variant carries its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// This node began to decide for the cluster.
    TookOver {
        /// Who.
        dc: NodeName,
        /// With the log behind it, or only as coordinator of a partition without quorum.
        quorate: bool,
    },
    /// A member's history is known.
    Joined {
        /// Who.
        node: NodeName,
        /// In which boot.
        boot: BootId,
        /// Operations still running there, taken over.
        adopted: usize,
    },
    /// A member did not answer the join; it is planned as possibly running its resources.
    Silent {
        /// Who.
        node: NodeName,
    },
    /// A member is gone.
    Lost {
        /// Who.
        node: NodeName,
        /// Whether it had left in order.
        orderly: bool,
    },
    /// A plan is being carried out.
    Plan {
        /// Its number.
        plan: u64,
        /// What made it necessary.
        reasons: Vec<String>,
        /// `start web on ser2`, in the graph's order.
        actions: Vec<String>,
    },
    /// A plan was broken off; operations under way finish.
    Aborted {
        /// Its number.
        plan: u64,
        /// Why.
        reason: String,
    },
    /// A plan ran to its end.
    Finished {
        /// Its number.
        plan: u64,
        /// Actions confirmed.
        done: usize,
        /// Actions that could not be carried out.
        skipped: usize,
    },
    /// The engine gave no plan: nothing is executed and nobody fenced.
    PlanFailed {
        /// The request's number.
        plan: u64,
        /// What it died of.
        reason: String,
    },
    /// An operation came to its end.
    Operation {
        /// The resource.
        resource: ResourceId,
        /// Where.
        node: NodeName,
        /// `start`, `monitor` …
        action: String,
        /// Milliseconds between repetitions; 0 = once.
        interval_ms: u64,
        /// The agent's exit status.
        rc: i32,
        /// How the execution went.
        status: ExecStatus,
        /// The agent's own words, or ours.
        exit_reason: String,
        /// Whether this is what the plan wanted.
        expected: bool,
        /// Milliseconds it took.
        exec_time_ms: u64,
    },
    /// A failure was counted.
    FailCount {
        /// The resource.
        resource: ResourceId,
        /// Where.
        node: NodeName,
        /// `monitor_10000`.
        operation: String,
        /// The new count, or `INFINITY`.
        count: String,
    },
    /// Failures and history of a resource were cleared.
    Cleared {
        /// The resource.
        resource: ResourceId,
        /// Where.
        node: NodeName,
        /// Who asked: `cleanup`, `refresh`, `plan`.
        by: String,
    },
    /// A fencing was wanted and could not be had.
    FencingFailed {
        /// Whom.
        node: NodeName,
        /// Why not.
        reason: String,
    },
    /// A node is confirmed off.
    Fenced {
        /// Whom.
        node: NodeName,
        /// Why that is to be believed.
        proof: String,
    },
    /// A node asked to leave.
    LeaveAsked {
        /// Who.
        node: NodeName,
    },
    /// A node has nothing running any more and may leave.
    MayLeave {
        /// Who.
        node: NodeName,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TookOver { dc, quorate: true } => write!(f, "{dc} is DC"),
            Self::TookOver { dc, quorate: false } => {
                write!(f, "{dc} coordinates a partition without quorum")
            }
            Self::Joined { node, boot: _, adopted: 0 } => write!(f, "{node} joined"),
            Self::Joined { node, boot: _, adopted } => {
                write!(f, "{node} joined with {adopted} operations under way, taken over")
            }
            Self::Silent { node } => write!(
                f,
                "{node} does not answer the join; going on as if its resources were active"
            ),
            Self::Lost { node, orderly: true } => write!(f, "{node} left"),
            Self::Lost { node, orderly: false } => write!(f, "{node} is lost"),
            Self::Plan { plan, reasons, actions } => {
                write!(f, "plan {plan} because {}: ", reasons.join(", "))?;
                match actions.as_slice() {
                    [] => f.write_str("nothing to do"),
                    actions => f.write_str(&actions.join(", ")),
                }
            }
            Self::Aborted { plan, reason } => write!(f, "plan {plan} broken off: {reason}"),
            Self::Finished { plan, done, skipped: 0 } => {
                write!(f, "plan {plan} complete: {done} actions")
            }
            Self::Finished { plan, done, skipped } => {
                write!(f, "plan {plan} over: {done} actions done, {skipped} not carried out")
            }
            Self::PlanFailed { plan, reason } => {
                write!(f, "plan {plan} could not be made, nothing is changed: {reason}")
            }
            Self::Operation {
                resource,
                node,
                action,
                interval_ms,
                rc,
                status,
                exit_reason,
                expected,
                exec_time_ms,
            } => {
                write!(f, "{action} of {resource} on {node}")?;
                if *interval_ms > 0 {
                    write!(f, " (every {interval_ms} ms)")?;
                }
                write!(f, ": {status}, rc {rc}, after {exec_time_ms} ms")?;
                if !exit_reason.is_empty() {
                    write!(f, " ({exit_reason})")?;
                }
                if !expected {
                    f.write_str(", which is not what was wanted")?;
                }
                Ok(())
            }
            Self::FailCount { resource, node, operation, count } => {
                write!(f, "fail count of {resource} on {node} for {operation} is {count}")
            }
            Self::Cleared { resource, node, by } => {
                write!(f, "history of {resource} on {node} cleared by {by}")
            }
            Self::FencingFailed { node, reason } => {
                write!(f, "{node} must be fenced and cannot be: {reason}")
            }
            Self::Fenced { node, proof } => write!(f, "{node} is confirmed off: {proof}"),
            Self::LeaveAsked { node } => {
                write!(f, "{node} asks to leave; its resources are stopped first")
            }
            Self::MayLeave { node } => write!(f, "{node} has nothing running and may leave"),
        }
    }
}

impl What {
    /// Returns the resource the entry is about, for the log's field.
    pub fn resource(&self) -> Option<&ResourceId> {
        match self {
            Self::Operation { resource, .. }
            | Self::FailCount { resource, .. }
            | Self::Cleared { resource, .. } => Some(resource),
            Self::TookOver { .. }
            | Self::Joined { .. }
            | Self::Silent { .. }
            | Self::Lost { .. }
            | Self::Plan { .. }
            | Self::Aborted { .. }
            | Self::Finished { .. }
            | Self::PlanFailed { .. }
            | Self::FencingFailed { .. }
            | Self::Fenced { .. }
            | Self::LeaveAsked { .. }
            | Self::MayLeave { .. } => None,
        }
    }

    /// Returns the node the entry is about, for the log's field.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Self::TookOver { dc: node, .. }
            | Self::Joined { node, .. }
            | Self::Silent { node }
            | Self::Lost { node, .. }
            | Self::Operation { node, .. }
            | Self::FailCount { node, .. }
            | Self::Cleared { node, .. }
            | Self::FencingFailed { node, .. }
            | Self::Fenced { node, .. }
            | Self::LeaveAsked { node }
            | Self::MayLeave { node } => Some(node),
            Self::Plan { .. }
            | Self::Aborted { .. }
            | Self::Finished { .. }
            | Self::PlanFailed { .. } => None,
        }
    }
}

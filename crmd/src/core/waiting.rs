//! Why nothing happens: what the controller is waiting for, for `pcs status`.

use std::fmt;

use serde::{Deserialize, Serialize};

use model::{NodeName, ResourceId};

/// Something that isn't as it should be, or is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Waiting {
    /// The first plan waits for nodes that have not joined.
    FirstPlan {
        /// Whom.
        nodes: Vec<NodeName>,
        /// At most this long, in milliseconds from now.
        remaining_ms: u64,
    },
    /// A member does not answer; it is planned as if its resources were active.
    Silent {
        /// Who.
        node: NodeName,
    },
    /// This partition has no quorum.
    NoQuorum {
        /// What no-quorum-policy says.
        policy: String,
    },
    /// Fencing is wanted and there is no device: no resource is started.
    NoFenceDevice,
    /// A node must be fenced before its resources can be recovered.
    Fencing {
        /// Whom.
        node: NodeName,
        /// What stands in the way.
        reason: String,
    },
    /// The engine gave no plan.
    PlanFailed {
        /// What it died of.
        reason: String,
    },
    /// An operation is under way for longer than usual.
    Operation {
        /// The resource.
        resource: ResourceId,
        /// Where.
        node: NodeName,
        /// `start` …
        action: String,
        /// How long, in milliseconds.
        since_ms: u64,
    },
    /// The log has not taken this node's record: nothing is started there before that.
    Record {
        /// Whose.
        node: NodeName,
    },
    /// A node is leaving; its resources are being stopped.
    Leaving {
        /// Who.
        node: NodeName,
        /// What could not be stopped there, and is not tried again.
        stuck: Vec<String>,
    },
    /// The whole cluster is in maintenance mode.
    Maintenance,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstPlan { nodes, remaining_ms } => {
                let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
                write!(
                    f,
                    "waiting for {} to join, at most {} s, before anything is started",
                    names.join(", "),
                    remaining_ms.div_ceil(1000)
                )
            }
            Self::Silent { node } => write!(
                f,
                "{node} is a member but its executor does not answer; its resources are taken to be active there"
            ),
            Self::NoQuorum { policy } => match policy.as_str() {
                "ignore" => f.write_str("no quorum, which no-quorum-policy=ignore overrides: UNSAFE"),
                "freeze" => f.write_str("no quorum: what runs goes on, nothing is started (no-quorum-policy=freeze)"),
                "demote" => f.write_str("no quorum: promoted resources are demoted, others stopped (no-quorum-policy=demote)"),
                "fence" | "suicide" => write!(f, "no quorum: this partition is to be fenced (no-quorum-policy={policy})"),
                _ => write!(f, "no quorum: resources are stopped (no-quorum-policy={policy})"),
            },
            Self::NoFenceDevice => f.write_str(
                "no resource is started: stonith-enabled is true and there is no fence device; create one with `pcs stonith create`, or, where data may be risked, `pcs property set stonith-enabled=false`",
            ),
            Self::Fencing { node, reason } => {
                write!(f, "{node} must be confirmed off before its resources start elsewhere: {reason}")
            }
            Self::PlanFailed { reason } => {
                write!(f, "the policy engine could not make a plan, nothing is changed: {reason}")
            }
            Self::Operation { resource, node, action, since_ms } => {
                write!(f, "{action} of {resource} on {node} is under way for {} s", since_ms / 1000)
            }
            Self::Record { node } => {
                write!(f, "the log has not yet taken the record of {node}; nothing is started there before that")
            }
            Self::Leaving { node, stuck } if stuck.is_empty() => {
                write!(f, "{node} is leaving; its resources are being stopped")
            }
            Self::Leaving { node, stuck } => {
                let (names, first) = (stuck.join(", "), stuck.first().map_or("", String::as_str));
                write!(
                    f,
                    "{node} cannot leave: {names} could not be stopped there; mend that and run 'pcs resource cleanup {first}', or give the node up with 'pcs cluster kill' there"
                )
            }
            Self::Maintenance => {
                f.write_str("maintenance-mode is true: resources are neither started, stopped nor monitored")
            }
        }
    }
}

//! What a DC asks of a node's hands and what they answer. See ARCHITECTURE.md, "Brain and hands".

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Authority, BootId, ExecStatus, HandsId, OcfCode, ResourceId, WallTime};

/// Which agent runs a resource: `ocf:heartbeat:IPaddr2`, `lsb:web`, `systemd:httpd`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgentSpec {
    /// `ocf`, `lsb`, `systemd`, `service` or `stonith`.
    pub class: String,
    /// Only `ocf` agents have one.
    pub provider: Option<String>,
    /// The agent's own name.
    pub kind: String,
}

impl fmt::Display for AgentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.provider {
            Some(provider) => write!(f, "{}:{provider}:{}", self.class, self.kind),
            None => write!(f, "{}:{}", self.class, self.kind),
        }
    }
}

/// One action on one resource, ready to run: leaves its executor no choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The resource, with an instance number for clones that have them.
    pub resource: ResourceId,
    /// Its agent.
    pub agent: AgentSpec,
    /// `start`, `stop`, `monitor`, `promote`, `demote`, `notify`, `migrate_to`, `migrate_from`,
    /// `reload`, `reload-agent`.
    pub action: String,
    /// Milliseconds between repetitions; 0 = once.
    pub interval_ms: u64,
    /// Milliseconds an execution may take before its process group is killed; at least 1.
    pub timeout_ms: u64,
    /// Milliseconds to wait before the first execution.
    pub start_delay_ms: u64,
    /// All attributes of the graph's `<attributes>` element: parameters under their own names,
    /// meta attributes under `CRM_meta_…`, and `crm_feature_set`.
    pub parameters: BTreeMap<String, String>,
    /// `ACTION:TRANSITION:TARGET_RC:UUID`: which action of which plan this is.
    pub transition_key: String,
    /// The name of the node it runs on.
    pub node: String,
}

impl Operation {
    /// Returns the key Pacemaker names an operation by: `RESOURCE_ACTION_INTERVALMS`.
    pub fn key(&self) -> String {
        format!("{}_{}_{}", self.resource, self.action, self.interval_ms)
    }
}

/// A transition key taken apart: `ACTION:TRANSITION:TARGET_RC:UUID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitionKey<'a> {
    /// The action's number in its graph.
    pub action: u32,
    /// The graph's number.
    pub transition: u64,
    /// The exit status that was wanted.
    pub target_rc: i32,
    /// Which controller made the graph.
    pub uuid: &'a str,
}

impl<'a> TransitionKey<'a> {
    /// Reads a key; nothing if it is not one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(4, ':');
        Some(Self {
            action: parts.next()?.parse().ok()?,
            transition: parts.next()?.parse().ok()?,
            target_rc: parts.next()?.parse().ok()?,
            uuid: parts.next()?,
        })
    }
}

/// What came of an operation: one `lrm_rsc_op` of the status section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpRecord {
    /// The resource.
    pub resource: ResourceId,
    /// Its agent.
    pub agent: AgentSpec,
    /// The action.
    pub action: String,
    /// Milliseconds between repetitions; 0 = once.
    pub interval_ms: u64,
    /// A number per hands that grows with each operation handed to them; -1 = none.
    pub call_id: i64,
    /// OCF code as a plain number, since agents return any.
    pub rc: i32,
    /// How the execution went; `Pending` while it runs.
    pub status: ExecStatus,
    /// The agent's `ocf-exit-reason:` text, or our own for timeouts and the like.
    pub exit_reason: String,
    /// Which action of which plan asked for it.
    pub transition_key: String,
    /// When the result was last another one (start of the first run that gave it).
    pub last_rc_change: WallTime,
    /// Milliseconds the last execution took.
    pub exec_time_ms: u64,
    /// Milliseconds it waited for its turn.
    pub queue_time_ms: u64,
    /// Digest of all parameters (Pacemaker's `op-digest`).
    pub op_digest: String,
    /// `op-force-restart` and `op-restart-digest`, where the agent can reload.
    pub restart: Option<(String, String)>,
    /// `op-secure-params` and `op-secure-digest`, where parameters are private.
    pub secure: Option<(String, String)>,
    /// Which daemon wrote it (`crm-debug-origin`).
    pub origin: String,
}

impl OpRecord {
    /// Returns the exit status that was wanted; 0 if the key does not say.
    pub fn target_rc(&self) -> i32 {
        TransitionKey::parse(&self.transition_key).map_or(0, |key| key.target_rc)
    }

    /// Tells whether the result is not the one that was wanted. A probe that finds its resource
    /// running is such a one, too; what is degraded only is as wanted.
    pub fn is_unexpected(&self) -> bool {
        match self.status {
            ExecStatus::Pending | ExecStatus::Cancelled | ExecStatus::Unknown => false,
            ExecStatus::Done => {
                let target = self.target_rc();
                let is = |code: OcfCode, wanted: OcfCode| {
                    target == wanted.code() && self.rc == code.code()
                };
                self.rc != target
                    && !is(OcfCode::Degraded, OcfCode::Ok)
                    && !is(OcfCode::DegradedPromoted, OcfCode::RunningPromoted)
            }
            ExecStatus::Timeout
            | ExecStatus::NotSupported
            | ExecStatus::Error
            | ExecStatus::ErrorHard
            | ExecStatus::ErrorFatal
            | ExecStatus::NotInstalled
            | ExecStatus::NotConnected
            | ExecStatus::Invalid
            | ExecStatus::NoFenceDevice
            | ExecStatus::NoSecrets => true,
        }
    }

    /// Returns the key Pacemaker names an operation by: `RESOURCE_ACTION_INTERVALMS`.
    pub fn key(&self) -> String {
        format!("{}_{}_{}", self.resource, self.action, self.interval_ms)
    }

    /// Returns `STATUS:RC;TRANSITION_KEY`.
    pub fn transition_magic(&self) -> String {
        format!("{}:{};{}", self.status.code(), self.rc, self.transition_key)
    }
}

/// From a brain to its node's hands. Those that name an authority are checked against
/// the highest authority seen and answered by `Refused` when lower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandsCommand {
    /// Raise the high-water mark to `authority`, then tell everything (`HandsReport::History`).
    Join { authority: Authority },
    /// Run this. An operation in flight with the same transition key is adopted, not repeated.
    Execute { authority: Authority, operation: Operation },
    /// End a recurring operation; answered by a `Result` with status `Cancelled`.
    Cancel {
        authority: Authority,
        resource: ResourceId,
        action: String,
        interval_ms: u64,
        transition_key: String,
    },
    /// Drop a resource's history (all of it, or one operation's), as cleanup asks.
    Forget { authority: Authority, resource: ResourceId, operation: Option<(String, u64)> },
    /// Results up to this report number are recorded and need not be told again.
    Acknowledge { through: u64 },
    /// What the brain knows of quorum: coordinators without leadership may stop, demote, notify
    /// and monitor only while this is false.
    Quorate { quorate: bool },
    /// How long hands go on without a brain before they stop what they run: a token's time with
    /// `stonith-enabled=false`, for ever (none) where fencing takes care of it.
    Policy { stop_without_brain_ms: Option<u64> },
    /// The log that this node's commands came from is void: stop all that runs, and forget the
    /// highest authority, since another log counts otherwise. A join is answered when all has ended.
    GiveWay,
}

/// From a node's hands to its brain.
#[allow(clippy::large_enum_variant, reason = "results, the large ones, are most of them")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandsReport {
    /// Answers `Join`; `records` holds what is in flight with status `Pending`.
    History { authority: Authority, boot: BootId, hands: HandsId, records: Vec<OpRecord> },
    /// A result, told again after each reconnection until acknowledged. `report` grows by one.
    Result { report: u64, record: OpRecord },
    /// A command came under an authority lower than the highest seen.
    Refused { authority: Authority, highest: Authority, transition_key: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(wanted: OcfCode, rc: OcfCode, status: ExecStatus) -> OpRecord {
        OpRecord {
            resource: ResourceId::new("db"),
            agent: AgentSpec {
                class: "ocf".to_owned(),
                provider: Some("heartbeat".to_owned()),
                kind: "pgsql".to_owned(),
            },
            action: "monitor".to_owned(),
            interval_ms: 10_000,
            call_id: 7,
            rc: rc.code(),
            status,
            exit_reason: String::new(),
            transition_key: format!("3:5:{}:f00d", wanted.code()),
            last_rc_change: WallTime(0),
            exec_time_ms: 0,
            queue_time_ms: 0,
            op_digest: String::new(),
            restart: None,
            secure: None,
            origin: String::new(),
        }
    }

    #[test]
    fn what_was_wanted_and_what_is_degraded_only_is_no_failure() {
        use ExecStatus::{Cancelled, Done, Timeout};
        use OcfCode::{Degraded, DegradedPromoted, NotRunning, Ok, RunningPromoted};
        for (wanted, rc, status, unexpected) in [
            (Ok, Ok, Done, false),
            (Ok, Degraded, Done, false),
            (Ok, DegradedPromoted, Done, true),
            (RunningPromoted, DegradedPromoted, Done, false),
            (RunningPromoted, Ok, Done, true),
            (NotRunning, NotRunning, Done, false),
            (NotRunning, Degraded, Done, true),
            (Ok, NotRunning, Done, true),
            (Ok, Ok, Timeout, true),
            (Ok, NotRunning, Cancelled, false),
        ] {
            let record = monitor(wanted, rc, status);
            assert_eq!(record.is_unexpected(), unexpected, "{record:?}");
        }
    }

    #[test]
    fn a_transition_key_is_taken_apart_and_nothing_else() {
        let key = TransitionKey { action: 3, transition: 5, target_rc: 7, uuid: "a:b" };
        assert_eq!(TransitionKey::parse("3:5:7:a:b"), Some(key));
        for text in ["", "3:5:7", "x:5:7:a", "3:5:x:a"] {
            assert_eq!(TransitionKey::parse(text), None, "{text}");
        }
    }
}

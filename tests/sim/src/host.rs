//! A host: its power, its disk, the processes on it, and what really runs there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lrmd::core::{Hands, Outcome, Started, Token};
use membership::core::Group;
use model::{Authority, BootId, Operation, ResourceId};
use node::core::Brain;

use crate::disk::Disk;

/// See the module.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) powered: bool,
    pub(crate) boot: BootId,
    /// Counts boots, so that what was meant for an earlier one is recognised.
    pub(crate) boots: u64,
    pub(crate) disk: Disk,
    /// Of `pcs cluster setup`.
    pub(crate) marked: bool,
    pub(crate) incarnation: u64,
    pub(crate) last_view: u64,
    pub(crate) brain: Option<BrainLife>,
    pub(crate) hands: Option<HandsLife>,
    /// Counts lives of the hands.
    pub(crate) hands_lives: u64,
    /// What is truly active here.
    pub(crate) active: BTreeSet<ResourceId>,
    /// What was active, or being started, when the power went, while nobody can know that it is
    /// not any more.
    pub(crate) lost_with: BTreeSet<ResourceId>,
    pub(crate) processes: BTreeMap<u64, Process>,
    /// What runners have finished and nobody has discarded: `/run/systole/ops`.
    pub(crate) calls: BTreeMap<i64, Call>,
    /// `/run/systole/started`.
    pub(crate) started: BTreeMap<ResourceId, Started>,
}

/// One life of a brain: the heartbeat thread and the loop.
#[derive(Debug)]
pub(crate) struct BrainLife {
    pub(crate) life: u64,
    pub(crate) began: u64,
    pub(crate) group: Group,
    pub(crate) brain: Brain,
    /// When the group must hear a tick.
    pub(crate) group_due: u64,
    /// The earliest wake-up that is queued.
    pub(crate) group_wake: u64,
    /// The whole process stands still until then.
    pub(crate) frozen_until: u64,
    /// The loop alone hangs until then.
    pub(crate) stalled_until: u64,
    /// Which connection to the hands it has.
    pub(crate) hands_link: Option<u64>,
}

/// One life of the hands.
#[derive(Debug)]
pub(crate) struct HandsLife {
    pub(crate) life: u64,
    pub(crate) hands: Hands,
    pub(crate) wake: u64,
    pub(crate) frozen_until: u64,
    /// Which connection of a brain is served.
    pub(crate) link: Option<u64>,
    /// The highest authority let in, kept apart from the hands' own.
    pub(crate) highest: Authority,
}

/// An agent at work.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) operation: Arc<Operation>,
    pub(crate) call_id: i64,
    pub(crate) began: u64,
    /// Which life of the hands waits for it, under which token.
    pub(crate) watcher: Option<(u64, Token)>,
    /// Whether it has done what it does.
    pub(crate) acted: bool,
    pub(crate) outcome: Outcome,
}

/// An operation under a runner.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Running(u64),
    Finished { operation: Arc<Operation>, began: u64, outcome: Outcome },
}

impl Process {
    /// Operations that change something run under a runner, which outlives the hands.
    pub(crate) fn has_runner(&self) -> bool {
        self.operation.action != "monitor"
    }
}

impl Host {
    /// Tells whether a resource is active here, or an agent is at work that may make it so.
    pub(crate) fn may_have(&self, resource: &ResourceId) -> bool {
        self.active.contains(resource)
            || self.processes.values().any(|process| {
                process.operation.resource == *resource && process.operation.action == "start"
            })
    }
}

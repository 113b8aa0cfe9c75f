//! What each history entry tells: roles, failures, bans, fail counts.

use model::Score;

use crate::action::Key;
use crate::cluster::Cluster;
use crate::entry::Entry;
use crate::fail_count;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Cause;
use crate::operation::{self, OnFail};
use crate::plan::Level;
use crate::role::Role;
use crate::status::FailedOperation;
use crate::task;
use crate::unpack::Unpacked;
use crate::values;

/// Exit statuses with a meaning of their own.
pub(crate) mod rc {
    pub(crate) const OK: i32 = 0;
    pub(crate) const INVALID_PARAM: i32 = 2;
    pub(crate) const UNIMPLEMENTED: i32 = 3;
    pub(crate) const NO_PRIVILEGES: i32 = 4;
    pub(crate) const NOT_INSTALLED: i32 = 5;
    pub(crate) const NOT_CONFIGURED: i32 = 6;
    pub(crate) const NOT_RUNNING: i32 = 7;
    pub(crate) const PROMOTED: i32 = 8;
    pub(crate) const FAILED_PROMOTED: i32 = 9;
    pub(crate) const DEGRADED: i32 = 190;
    pub(crate) const DEGRADED_PROMOTED: i32 = 191;
}

/// How an execution went.
pub(crate) mod exec {
    pub(crate) const UNKNOWN: i32 = -2;
    pub(crate) const PENDING: i32 = -1;
    pub(crate) const DONE: i32 = 0;
    pub(crate) const CANCELLED: i32 = 1;
    pub(crate) const ERROR: i32 = 4;
    pub(crate) const ERROR_HARD: i32 = 5;
    pub(crate) const ERROR_FATAL: i32 = 6;
    pub(crate) const NOT_SUPPORTED: i32 = 3;
    pub(crate) const NOT_INSTALLED: i32 = 7;
    pub(crate) const NOT_CONNECTED: i32 = 8;
    pub(crate) const MAX: i32 = 11;
}

/// The state of one resource's playback on one node.
#[derive(Debug)]
pub(crate) struct Playback {
    rsc: ResourceIx,
    node: NodeIx,
    /// What the failures so far lead to.
    pub(crate) on_fail: OnFail,
    /// The key of the last failure that was not outlived.
    last_failure: Option<String>,
}

impl Playback {
    pub(crate) fn new(rsc: ResourceIx, node: NodeIx) -> Self {
        Self { rsc, node, on_fail: OnFail::Ignore, last_failure: None }
    }

    /// Plays one entry; tells whether it is a failure that does not count any more.
    pub(crate) fn play(&mut self, unpacked: &mut Unpacked, entry: &Entry) -> bool {
        if entry.status < exec::UNKNOWN || entry.status > exec::MAX {
            return false;
        }
        if entry.task == Some(task::NOTIFY) || entry.task_name() == "meta-data" {
            return false;
        }
        let reported = entry;
        let mut entry = entry.clone();
        let rsc = self.rsc;
        let expired = fail_count::expired(unpacked, rsc, self.node, &entry);
        let masked = unpacked.cluster.bundle_of(rsc).is_none() && masked_probe(&entry);
        if expired && masked {
            // to be looked for again
            return true;
        }
        // (what was cancelled tells nothing, but may have failed before that)
        let cancelled = entry.status == exec::CANCELLED;
        if !cancelled {
            self.remap(unpacked, &mut entry, expired);
        }
        let host = &unpacked.cluster[self.node];
        // a monitor that may have gone on failing is forgiven only where it can begin anew
        let anew = entry.interval_ms == 0 || (host.online && !host.unclean);
        if expired && anew && entry.status != exec::DONE {
            return true;
        }
        if cancelled {
            return false;
        }
        if masked {
            // nothing runs there, and nothing can
            self.apply(unpacked, &entry, rc::NOT_RUNNING);
            self.record(unpacked, reported);
            self.ban_here(unpacked, Cause::HardError);
        } else {
            self.take(unpacked, &entry);
        }
        false
    }

    /// Takes an entry for what it says.
    fn take(&mut self, unpacked: &mut Unpacked, entry: &Entry) {
        match entry.status {
            exec::PENDING => self.pending(unpacked, entry),
            exec::DONE => self.apply(unpacked, entry, entry.rc),
            exec::NOT_INSTALLED => {
                let (mut on_fail, role) = self.handling(unpacked, entry);
                if on_fail == OnFail::Ignore {
                    on_fail = OnFail::Ban;
                }
                self.ban_here(unpacked, Cause::HardError);
                self.fail(unpacked, entry, on_fail, role);
            }
            status => {
                if status == exec::NOT_CONNECTED {
                    let cluster = &mut unpacked.cluster;
                    if let Some(connection) =
                        cluster[self.node].connection.filter(|_| cluster[self.node].remote)
                        && cluster[connection].managed
                    {
                        cluster[connection].failed = true;
                        cluster[connection].stop_if_failed = true;
                    }
                }
                self.failed(unpacked, entry);
            }
        }
    }

    fn failed(&mut self, unpacked: &mut Unpacked, entry: &Entry) {
        let (on_fail, role) = self.handling(unpacked, entry);
        if on_fail == OnFail::Ignore
            || (on_fail == OnFail::RestartContainer && entry.task == Some(task::STOP))
        {
            // pretend that it went as planned
            self.apply(unpacked, entry, entry.expected());
            unpacked.cluster[self.rsc].failure_ignored = true;
            self.record(unpacked, entry);
            if on_fail == OnFail::RestartContainer && self.on_fail.compare(OnFail::Restart).is_le()
            {
                self.on_fail = on_fail;
            }
            return;
        }
        self.fail(unpacked, entry, on_fail, role);
        match entry.status {
            exec::ERROR_HARD => self.ban_here(unpacked, Cause::HardError),
            exec::ERROR_FATAL => {
                let top = self.banned_as(&unpacked.cluster);
                unpacked.locate_everywhere(top, Score::MINUS_INFINITY, Cause::FatalError);
            }
            _ => {}
        }
    }

    /// What bans are about: the whole anonymous clone, else the resource.
    fn banned_as(&self, cluster: &Cluster) -> ResourceIx {
        if cluster[self.rsc].unique { self.rsc } else { cluster.uppermost(self.rsc, false) }
    }

    fn ban_here(&self, unpacked: &mut Unpacked, cause: Cause) {
        let top = self.banned_as(&unpacked.cluster);
        unpacked.locate(top, self.node, Score::MINUS_INFINITY, cause);
    }

    fn handling(&self, unpacked: &Unpacked, entry: &Entry) -> (OnFail, Role) {
        let cluster = &unpacked.cluster;
        let name = entry.task.unwrap_or(task::MONITOR);
        let key = Key { task: name, interval_ms: entry.interval_ms };
        let config = operation::configured(cluster, self.rsc, key);
        let meta =
            operation::meta(cluster, self.rsc, key, Some(self.node), config.as_deref(), None);
        let on_fail = operation::on_fail(
            cluster,
            self.rsc,
            entry.task,
            entry.interval_ms,
            meta.get("on-fail").map(String::as_str),
        );
        (on_fail, operation::role_after_failure(cluster, self.rsc, entry.task, on_fail))
    }

    /// Turns an exit status into what it means given what was expected.
    fn remap(&mut self, unpacked: &mut Unpacked, entry: &mut Entry, expired: bool) {
        let rsc = self.rsc;
        // (only a monitor can find that something works, but not for long)
        if entry.task == Some(task::MONITOR)
            && matches!(entry.rc, rc::DEGRADED | rc::DEGRADED_PROMOTED)
        {
            self.record(unpacked, entry);
            entry.rc = if entry.rc == rc::DEGRADED { rc::OK } else { rc::PROMOTED };
        }
        let cluster = &mut unpacked.cluster;
        if cluster.bundle_of(rsc).is_none() && masked_probe(entry) {
            entry.status = exec::DONE;
            entry.rc = rc::NOT_RUNNING;
        }
        if entry.status != exec::DONE && entry.status != exec::ERROR {
            return;
        }
        let expected = entry.expected();
        let probe = entry.is_probe();
        // (of what no result is known to be expected, in a key that can't be read, none is right)
        entry.status = if entry.rc == expected { exec::DONE } else { exec::ERROR };
        match entry.rc {
            rc::OK => {
                if probe && expected == rc::NOT_RUNNING {
                    entry.status = exec::DONE;
                }
            }
            rc::NOT_RUNNING => {
                if probe || expected == entry.rc || !cluster[rsc].managed {
                    entry.status = exec::DONE;
                    cluster[rsc].role = Role::Stopped;
                    self.on_fail = OnFail::Ignore;
                    cluster[rsc].next_role = Role::Unknown;
                }
            }
            rc::PROMOTED => {
                if probe && entry.rc != expected {
                    entry.status = exec::DONE;
                }
                if !expired || entry.rc == expected {
                    cluster[rsc].role = Role::Promoted;
                }
            }
            rc::FAILED_PROMOTED => {
                if !expired || entry.rc == expected {
                    cluster[rsc].role = Role::Promoted;
                }
                entry.status = exec::ERROR;
            }
            rc::NOT_CONFIGURED => entry.status = exec::ERROR_FATAL,
            rc::UNIMPLEMENTED if entry.interval_ms > 0 => entry.status = exec::NOT_SUPPORTED,
            rc::UNIMPLEMENTED | rc::NOT_INSTALLED | rc::INVALID_PARAM | rc::NO_PRIVILEGES => {
                if entry.task == Some(task::STOP) && !cluster.can_fence(Some(self.node)) {
                    cluster[rsc].managed = false;
                    cluster[rsc].blocked = true;
                }
                entry.status = exec::ERROR_HARD;
            }
            _ => {
                if entry.status == exec::DONE {
                    entry.status = exec::ERROR;
                }
            }
        }
    }

    fn pending(&mut self, unpacked: &mut Unpacked, entry: &Entry) {
        let (rsc, node) = (self.rsc, self.node);
        let cluster = &mut unpacked.cluster;
        match entry.task {
            Some(task::START) => {
                cluster[rsc].start_pending = true;
                self.set_active(cluster);
            }
            Some(task::PROMOTE) => cluster[rsc].role = Role::Promoted,
            Some(task::MIGRATE_TO) if cluster[node].unclean => {
                // the node it leaves is about to be fenced: the other end can't go on
                let target = entry.xml.get("migrate_target").map(str::to_owned);
                if let Some(target) = target.and_then(|name| cluster.find_node(None, Some(&name))) {
                    unpacked.book.simple(cluster, rsc, task::STOP, Some(target), false);
                }
            }
            _ => {}
        }
        let cluster = &mut unpacked.cluster;
        if cluster[rsc].pending_task.is_none() {
            if entry.is_probe() {
                // pending probes are not shown
            } else {
                cluster[rsc].pending_task = Some(entry.task_name().into());
                cluster[rsc].pending_node = Some(node);
            }
        }
    }

    fn set_active(&self, cluster: &mut Cluster) {
        let top = cluster.uppermost(self.rsc, false);
        cluster[self.rsc].role =
            if cluster[top].promotable() { Role::Unpromoted } else { Role::Started };
    }

    /// Applies what an operation did, given an exit status.
    fn apply(&mut self, unpacked: &mut Unpacked, entry: &Entry, exit: i32) {
        let rsc = self.rsc;
        let cluster = &mut unpacked.cluster;
        let mut clear_failure = false;
        if exit == rc::NOT_INSTALLED || (cluster.bundle_of(rsc).is_none() && masked_probe(entry)) {
            cluster[rsc].role = Role::Stopped;
        } else if exit == rc::NOT_RUNNING {
            clear_failure = true;
        } else {
            match entry.task {
                Some(task::MONITOR) => {
                    if self.last_failure.as_deref() == Some(entry.key()) {
                        clear_failure = true;
                    }
                    if cluster[rsc].role < Role::Started {
                        self.set_active(cluster);
                    }
                }
                Some(task::START) => {
                    cluster[rsc].role = Role::Started;
                    clear_failure = true;
                }
                Some(task::STOP) => {
                    cluster[rsc].role = Role::Stopped;
                    clear_failure = true;
                }
                Some(task::PROMOTE) => {
                    cluster[rsc].role = Role::Promoted;
                    clear_failure = true;
                }
                Some(task::DEMOTE) => {
                    clear_failure = self.on_fail == OnFail::Demote;
                    cluster[rsc].role = Role::Unpromoted;
                }
                Some(task::MIGRATE_FROM) => {
                    cluster[rsc].role = Role::Started;
                    clear_failure = true;
                }
                Some(task::MIGRATE_TO) => {
                    crate::migration_history::after_migrate_to(unpacked, rsc, self.node, entry);
                }
                _ => {
                    if cluster[rsc].role < Role::Started {
                        self.set_active(cluster);
                    }
                }
            }
        }
        if !clear_failure {
            return;
        }
        let rsc = &mut unpacked.cluster[rsc];
        match self.on_fail {
            OnFail::Stop | OnFail::Ban | OnFail::Fence | OnFail::Standby => {}
            OnFail::Block
            | OnFail::Ignore
            | OnFail::Demote
            | OnFail::Restart
            | OnFail::RestartContainer => {
                self.on_fail = OnFail::Ignore;
                rsc.next_role = Role::Unknown;
            }
            OnFail::ResetRemote => {
                if rsc.reconnect_ms == 0 {
                    self.on_fail = OnFail::Ignore;
                    rsc.next_role = Role::Unknown;
                }
            }
        }
    }

    fn fail(&mut self, unpacked: &mut Unpacked, entry: &Entry, on_fail: OnFail, role: Role) {
        let (rsc, node) = (self.rsc, self.node);
        self.last_failure = Some(entry.key().to_owned());
        let asymmetric_probe = !unpacked.cluster.properties.symmetric
            && entry.is_probe()
            && entry.rc == rc::NOT_INSTALLED;
        if !asymmetric_probe {
            let text = format!(
                "Unexpected result ({}) was recorded for {} of {} on {}",
                model::OcfCode::from_code(entry.rc),
                if entry.is_probe() { "probe" } else { entry.task_name() },
                unpacked.cluster[rsc].id,
                unpacked.cluster[node].name,
            );
            unpacked.cluster.say(Level::Warning, text);
            self.record(unpacked, entry);
        }
        if self.on_fail.compare(on_fail).is_lt() {
            self.on_fail = on_fail;
        }
        match entry.task {
            Some(task::STOP) => {
                unpacked.locate(rsc, node, Score::MINUS_INFINITY, Cause::BuiltIn("failed stop"));
            }
            Some(task::MIGRATE_TO) => {
                crate::migration_history::after_failed_migrate_to(unpacked, rsc, node, entry);
            }
            Some(task::MIGRATE_FROM) => {
                crate::migration_history::after_failed_migrate_from(unpacked, rsc, entry);
            }
            Some(task::PROMOTE) => unpacked.cluster[rsc].role = Role::Promoted,
            Some(task::DEMOTE) => {
                let one = &mut unpacked.cluster[rsc];
                if on_fail == OnFail::Block {
                    one.role = Role::Promoted;
                    one.next_role = Role::Stopped;
                } else if entry.rc == rc::NOT_RUNNING {
                    one.role = Role::Stopped;
                } else {
                    // being stopped is part of the recovery anyway
                    one.role = Role::Unpromoted;
                }
            }
            _ => {}
        }
        let cluster = &mut unpacked.cluster;
        if entry.is_probe() && entry.rc == rc::NOT_INSTALLED {
            cluster[rsc].role = Role::Stopped;
        } else if cluster[rsc].role < Role::Started {
            self.set_active(cluster);
        }
        if role != Role::Started && cluster[rsc].next_role < role {
            cluster[rsc].next_role = role;
        }
        if role == Role::Stopped {
            let mut top = rsc;
            if let Some(clone) = cluster.clone_of(rsc)
                && !cluster[clone].unique
            {
                top = clone;
            }
            let cause = Cause::BuiltIn("failure with on-fail=stop");
            // also where no constraint has allowed it yet; instances heed their clone
            unpacked.locate_itself_everywhere(top, Score::MINUS_INFINITY, cause);
        }
    }

    fn record(&self, unpacked: &mut Unpacked, entry: &Entry) {
        let cluster = &mut unpacked.cluster;
        if !cluster[self.node].online {
            return;
        }
        let name = cluster[self.node].name.clone();
        let known = cluster
            .failed_operations
            .iter()
            .any(|failed| failed.key == entry.key() && failed.node == name);
        if known {
            return;
        }
        let number = |name: &str| {
            entry.xml.get(name).and_then(values::number).and_then(|n| u64::try_from(n).ok())
        };
        let resource = cluster[self.rsc].history_id().to_owned();
        cluster.failed_operations.push(FailedOperation {
            key: entry.key().to_owned(),
            resource,
            node: name,
            task: entry.task_name().to_owned(),
            interval_ms: entry.interval_ms,
            rc: entry.rc,
            status: entry.recorded_status(),
            exit_reason: entry.exit_reason().to_owned(),
            call_id: entry.call_id,
            last_change: entry.last_change,
            exec_ms: number("exec-time").unwrap_or(0),
            queue_ms: number("queue-time").unwrap_or(0),
        });
    }
}

/// A probe that could not run because agent or daemon are missing: nothing is running.
fn masked_probe(entry: &Entry) -> bool {
    entry.is_probe()
        && (entry.status == exec::NOT_INSTALLED
            || matches!(entry.rc, rc::NOT_INSTALLED | rc::INVALID_PARAM))
}

//! Names of what actions do, and of the points in time that pseudo-actions stand for.

/// A task's name as it stands in keys and graphs.
pub(crate) type Task = &'static str;

pub(crate) const START: Task = "start";
pub(crate) const RUNNING: Task = "running";
pub(crate) const STOP: Task = "stop";
pub(crate) const STOPPED: Task = "stopped";
pub(crate) const PROMOTE: Task = "promote";
pub(crate) const PROMOTED: Task = "promoted";
pub(crate) const DEMOTE: Task = "demote";
pub(crate) const DEMOTED: Task = "demoted";
pub(crate) const MONITOR: Task = "monitor";
pub(crate) const MIGRATE_TO: Task = "migrate_to";
pub(crate) const MIGRATE_FROM: Task = "migrate_from";
pub(crate) const NOTIFY: Task = "notify";
pub(crate) const NOTIFIED: Task = "notified";
pub(crate) const CANCEL: Task = "cancel";
pub(crate) const DELETE: Task = "delete";
pub(crate) const RELOAD: Task = "reload-agent";
pub(crate) const CLEAR_FAILCOUNT: Task = "clear_failcount";
pub(crate) const STONITH: Task = "stonith";
pub(crate) const SHUTDOWN: Task = "do_shutdown";
pub(crate) const LOAD_STOPPED: Task = "load_stopped";
pub(crate) const ONE_OR_MORE: Task = "one-or-more";
pub(crate) const CLONE_ONE_OR_MORE: Task = "clone-one-or-more";
pub(crate) const MAINTENANCE: Task = "maintenance_nodes";
pub(crate) const LRM_DELETE: Task = "lrm_delete";

/// Every name that keys in a document may have.
const KNOWN: [Task; 24] = [
    START,
    RUNNING,
    STOP,
    STOPPED,
    PROMOTE,
    PROMOTED,
    DEMOTE,
    DEMOTED,
    MONITOR,
    MIGRATE_TO,
    MIGRATE_FROM,
    NOTIFY,
    NOTIFIED,
    CANCEL,
    DELETE,
    RELOAD,
    CLEAR_FAILCOUNT,
    STONITH,
    SHUTDOWN,
    LOAD_STOPPED,
    ONE_OR_MORE,
    CLONE_ONE_OR_MORE,
    MAINTENANCE,
    LRM_DELETE,
];

/// Finds a task by its name.
pub(crate) fn parse(text: &str) -> Option<Task> {
    KNOWN.into_iter().find(|task| *task == text)
}

/// What has happened once a task of a whole clone or group is through.
pub(crate) fn completed(task: Task) -> Task {
    match task {
        START => RUNNING,
        STOP => STOPPED,
        PROMOTE => PROMOTED,
        DEMOTE => DEMOTED,
        NOTIFY => NOTIFIED,
        other => other,
    }
}

/// The other way round.
pub(crate) fn begun(task: Task) -> Task {
    match task {
        RUNNING => START,
        STOPPED => STOP,
        PROMOTED => PROMOTE,
        DEMOTED => DEMOTE,
        NOTIFIED => NOTIFY,
        other => other,
    }
}

/// What a notification is about; any other task is about itself.
pub(crate) fn subject(task: Task) -> Task {
    if !task.contains('_') {
        return task;
    }
    match task.split_once("_notify_") {
        Some((_, about)) => parse(about).unwrap_or(task),
        None => task,
    }
}

/// The task that undoes a task, for the inverse of a symmetrical order.
pub(crate) fn inverse(task: Task) -> Option<Task> {
    match task {
        START => Some(STOP),
        STOP => Some(START),
        PROMOTE => Some(DEMOTE),
        DEMOTE => Some(PROMOTE),
        RUNNING => Some(STOPPED),
        STOPPED => Some(RUNNING),
        PROMOTED => Some(DEMOTED),
        DEMOTED => Some(PROMOTED),
        _ => None,
    }
}

/// Everything that a key of a notification can say.
const NOTIFICATIONS: [Task; 36] = [
    "pre_notify_start",
    "pre_notify_running",
    "pre_notify_stop",
    "pre_notify_stopped",
    "pre_notify_promote",
    "pre_notify_promoted",
    "pre_notify_demote",
    "pre_notify_demoted",
    "pre_notify_stonith",
    "confirmed-pre_notify_start",
    "confirmed-pre_notify_running",
    "confirmed-pre_notify_stop",
    "confirmed-pre_notify_stopped",
    "confirmed-pre_notify_promote",
    "confirmed-pre_notify_promoted",
    "confirmed-pre_notify_demote",
    "confirmed-pre_notify_demoted",
    "confirmed-pre_notify_stonith",
    "post_notify_start",
    "post_notify_running",
    "post_notify_stop",
    "post_notify_stopped",
    "post_notify_promote",
    "post_notify_promoted",
    "post_notify_demote",
    "post_notify_demoted",
    "post_notify_stonith",
    "confirmed-post_notify_start",
    "confirmed-post_notify_running",
    "confirmed-post_notify_stop",
    "confirmed-post_notify_stopped",
    "confirmed-post_notify_promote",
    "confirmed-post_notify_promoted",
    "confirmed-post_notify_demote",
    "confirmed-post_notify_demoted",
    "confirmed-post_notify_stonith",
];

/// The task in a notification's key: when ("pre", "confirmed-post", …) and about what.
pub(crate) fn notification(when: &str, about: &str) -> Task {
    let is = |key: &Task| key.split_once("_notify_") == Some((when, about));
    NOTIFICATIONS.into_iter().find(is).unwrap_or(NOTIFY)
}

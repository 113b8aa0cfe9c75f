//! Names of what actions do, and of the points in time that pseudo-actions stand for.

use std::fmt;
use std::ops::Deref;

/// A task: the place of its name, as it stands in keys and graphs, among all there are. There are
/// many actions, and they are asked for their tasks all the time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Task(u8);

/// Declares tasks and the table of their names.
macro_rules! tasks {
    ($($name:ident = $text:literal,)*) => {
        #[allow(non_camel_case_types, reason = "counts the constants below")]
        #[allow(clippy::upper_case_acronyms, reason = "as above")]
        enum Place { $($name,)* Count }

        $(pub(crate) const $name: Task = Task(Place::$name as u8);)*

        /// The names of all tasks but notifications.
        const NAMES: [&str; Place::Count as usize] = [$($text,)*];
    };
}

tasks! {
    START = "start",
    RUNNING = "running",
    STOP = "stop",
    STOPPED = "stopped",
    PROMOTE = "promote",
    PROMOTED = "promoted",
    DEMOTE = "demote",
    DEMOTED = "demoted",
    MONITOR = "monitor",
    MIGRATE_TO = "migrate_to",
    MIGRATE_FROM = "migrate_from",
    NOTIFY = "notify",
    NOTIFIED = "notified",
    CANCEL = "cancel",
    DELETE = "delete",
    RELOAD = "reload-agent",
    CLEAR_FAILCOUNT = "clear_failcount",
    STONITH = "stonith",
    SHUTDOWN = "do_shutdown",
    LOAD_STOPPED = "load_stopped",
    ONE_OR_MORE = "one-or-more",
    CLONE_ONE_OR_MORE = "clone-one-or-more",
    MAINTENANCE = "maintenance_nodes",
    LRM_DELETE = "lrm_delete",
    PROBE_COMPLETE = "probe_complete",
}

impl Deref for Task {
    type Target = str;

    fn deref(&self) -> &'static str {
        self.name()
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Task {
    /// The task's name.
    pub(crate) fn name(self) -> &'static str {
        let place = usize::from(self.0);
        match NAMES.get(place) {
            Some(name) => name,
            None => NOTIFICATIONS[place - NAMES.len()],
        }
    }

    /// The notification in a place of the table.
    fn notification(place: usize) -> Self {
        Self(u8::try_from(NAMES.len() + place).unwrap_or(NOTIFY.0))
    }

    /// Tells whether it is a point in time of a notification.
    pub(crate) fn is_notification(self) -> bool {
        usize::from(self.0) >= NAMES.len()
    }
}

/// Finds a task by the name that keys in a document have.
pub(crate) fn parse(text: &str) -> Option<Task> {
    let place = NAMES.iter().position(|name| *name == text)?;
    u8::try_from(place).ok().map(Task).filter(|task| *task != PROBE_COMPLETE)
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
    if !task.is_notification() {
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
const NOTIFICATIONS: [&str; 36] = [
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
    let is = |key: &&str| key.split_once("_notify_") == Some((when, about));
    NOTIFICATIONS.iter().position(is).map_or(NOTIFY, Task::notification)
}

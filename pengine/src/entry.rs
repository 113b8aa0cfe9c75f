//! One entry of an operation history.

use std::cmp::Ordering;
use std::sync::Arc;

use cib::Element;

use crate::task::{self, Task};
use crate::values;

/// `ACTION:TRANSITION:TARGET_RC:UUID`, without the text at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TransitionKey {
    pub(crate) transition: i64,
    pub(crate) target_rc: i32,
}

/// One `lrm_rsc_op`: what is asked often; the rest is read from the element.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// None for one that means nothing here.
    pub(crate) task: Option<Task>,
    pub(crate) interval_ms: u64,
    pub(crate) call_id: i64,
    pub(crate) rc: i32,
    pub(crate) status: i32,
    pub(crate) last_change: Option<i64>,
    pub(crate) transition: Option<TransitionKey>,
    /// Whether it says which node it is of.
    names_node: bool,
    pub(crate) xml: Arc<Element>,
}

impl Entry {
    /// Reads an entry; none when it lacks what every entry has.
    pub(crate) fn read(xml: &Arc<Element>) -> Option<Self> {
        let (mut id, mut task, mut transition) = (None, None, None);
        let (mut interval, mut call_id, mut rc, mut status) = (None, None, None, None);
        let (mut last_change, mut names_node) = (None, false);
        // there are many entries, and much in each: one look at every attribute
        for (name, value) in xml.attributes() {
            match name {
                "id" => id = Some(value),
                "operation" => task = Some(value),
                "interval" => interval = values::number(value),
                "call-id" => call_id = values::number(value),
                "rc-code" => rc = values::number(value),
                "op-status" => status = values::number(value),
                "last-rc-change" => last_change = values::number(value),
                "transition-key" => transition = Some(value),
                "on_node" => names_node = true,
                _ => {}
            }
        }
        let _named = id?;
        let transition =
            transition.or_else(|| Some(xml.get("transition-magic")?.split_once(';')?.1));
        Some(Self {
            task: task::parse(task?),
            interval_ms: interval.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            call_id: call_id.unwrap_or(-1),
            rc: rc.and_then(|n| i32::try_from(n).ok()).unwrap_or(193),
            status: status.and_then(|n| i32::try_from(n).ok()).unwrap_or(-2),
            last_change: last_change.filter(|n| *n > 0),
            transition: transition.and_then(parse_key).map(|(key, _)| key),
            names_node,
            xml: Arc::clone(xml),
        })
    }

    /// The entries of one resource's history, in the order of the document.
    pub(crate) fn all(history: &Element) -> impl Iterator<Item = Self> {
        history.shared_children().filter(|op| op.name() == "lrm_rsc_op").filter_map(Self::read)
    }

    /// The name of the operation.
    pub(crate) fn task_name(&self) -> &str {
        self.xml.get("operation").unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.xml.id().unwrap_or_default()
    }

    /// The operation's key as recorded.
    pub(crate) fn key(&self) -> &str {
        self.xml.get("operation_key").unwrap_or_else(|| self.id())
    }

    /// What the agent said about a failure.
    pub(crate) fn exit_reason(&self) -> &str {
        self.xml.get("exit-reason").unwrap_or_default()
    }

    /// The node that the entry says it is of.
    fn node(&self) -> Option<&str> {
        // (hardly one does, and to look for what is not there is a look at everything)
        self.names_node.then(|| self.xml.get("on_node")).flatten()
    }

    /// The controller whose transition the operation was part of.
    fn controller(&self) -> Option<&str> {
        let key = self.xml.get("transition-key");
        let key = key.or_else(|| Some(self.xml.get("transition-magic")?.split_once(';')?.1))?;
        parse_key(key).map(|(_, controller)| controller)
    }

    /// How its execution went, as recorded, whatever it is taken for.
    pub(crate) fn recorded_status(&self) -> i32 {
        let recorded = self.xml.get("op-status").and_then(values::number);
        recorded.and_then(|n| i32::try_from(n).ok()).unwrap_or(self.status)
    }

    /// A failure that is kept beside what came after it.
    pub(crate) fn is_last_failure(&self) -> bool {
        self.id().ends_with("_last_failure_0")
    }

    /// A check whether the resource is running, before anything is known.
    pub(crate) fn is_probe(&self) -> bool {
        self.task == Some(task::MONITOR) && self.interval_ms == 0
    }

    /// The exit status that was expected; negative when it is not known.
    pub(crate) fn expected(&self) -> i32 {
        self.transition.as_ref().map_or(-1, |key| key.target_rc)
    }
}

/// Tells which of two entries was made later.
///
/// Call numbers are one node's own: across nodes (`same_node` says what to think where entries
/// don't name theirs) times decide. Of a pending entry only the transition is known.
pub(crate) fn compare(a: &Entry, b: &Entry, same_node: bool) -> Ordering {
    let same_node = match (a.node(), b.node()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => same_node,
    };
    let (a_call, b_call) = (a.call_id, b.call_id);
    if same_node && a.id() == b.id() || same_node && a_call == -1 && b_call == -1 {
        return Ordering::Equal;
    }
    if same_node && (a_call >= 0 && a_call < b_call || b_call >= 0 && a_call > b_call) {
        return a_call.cmp(&b_call);
    }
    if a_call >= 0 && b_call >= 0 {
        return match (a.last_change, b.last_change) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) | (None, Some(_)) | (None, None) => Ordering::Equal,
        };
    }
    let (Some(a_key), Some(b_key)) = (&a.transition, &b.transition) else {
        return Ordering::Equal;
    };
    if a.controller() != b.controller() || a_key.transition == b_key.transition {
        // pending operations don't outlive a controller: the other one is older
        if b_call == -1 {
            Ordering::Less
        } else if a_call == -1 {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    } else if a_key.transition >= 0 && a_key.transition < b_key.transition || b_key.transition == -1
    {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// Reads a transition key, and the controller's name at its end.
fn parse_key(text: &str) -> Option<(TransitionKey, &str)> {
    let mut parts = text.splitn(4, ':');
    let _action = parts.next()?;
    let transition = parts.next()?.parse().ok()?;
    let third = parts.next()?;
    match parts.next() {
        // (without a controller nobody can have made it)
        Some("") => None,
        Some(controller) => {
            Some((TransitionKey { transition, target_rc: third.parse().ok()? }, controller))
        }
        // very old keys have no target
        None => Some((TransitionKey { transition, target_rc: -1 }, third)),
    }
}

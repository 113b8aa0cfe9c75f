//! One entry of an operation history.

use std::cmp::Ordering;
use std::sync::Arc;

use cib::Element;

use crate::values;

/// `ACTION:TRANSITION:TARGET_RC:UUID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransitionKey {
    pub(crate) transition: i64,
    pub(crate) target_rc: i32,
    pub(crate) uuid: String,
}

/// One `lrm_rsc_op`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    /// The operation's key as recorded.
    pub(crate) key: String,
    pub(crate) task: String,
    pub(crate) interval_ms: u64,
    pub(crate) call_id: i64,
    pub(crate) rc: i32,
    pub(crate) status: i32,
    pub(crate) status_text: Option<String>,
    pub(crate) last_change: Option<i64>,
    pub(crate) exit_reason: String,
    pub(crate) transition: Option<TransitionKey>,
    pub(crate) xml: Arc<Element>,
}

impl Entry {
    /// Reads an entry; none when it lacks what every entry has.
    pub(crate) fn read(xml: &Element) -> Option<Self> {
        let id = xml.id()?.to_owned();
        let task = xml.get("operation")?.to_owned();
        let number = |name: &str| xml.get(name).and_then(values::number);
        let key = xml.get("transition-key").map(str::to_owned).or_else(|| {
            let magic = xml.get("transition-magic")?;
            magic.split_once(';').map(|(_, key)| key.to_owned())
        });
        Some(Self {
            key: xml.get("operation_key").unwrap_or(&id).to_owned(),
            interval_ms: number("interval").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            call_id: number("call-id").unwrap_or(-1),
            rc: number("rc-code").and_then(|n| i32::try_from(n).ok()).unwrap_or(193),
            status: number("op-status").and_then(|n| i32::try_from(n).ok()).unwrap_or(-2),
            status_text: xml.get("op-status").map(str::to_owned),
            last_change: number("last-rc-change").filter(|n| *n > 0),
            exit_reason: xml.get("exit-reason").unwrap_or_default().to_owned(),
            transition: key.as_deref().and_then(parse_key),
            xml: Arc::new(xml.clone()),
            id,
            task,
        })
    }

    /// A failure that is kept beside what came after it.
    pub(crate) fn is_last_failure(&self) -> bool {
        self.id.ends_with("_last_failure_0")
    }

    /// A check whether the resource is running, before anything is known.
    pub(crate) fn is_probe(&self) -> bool {
        self.task == "monitor" && self.interval_ms == 0
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
    let same_node = match (a.xml.get("on_node"), b.xml.get("on_node")) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => same_node,
    };
    let (a_call, b_call) = (a.call_id, b.call_id);
    if same_node && a.id == b.id || same_node && a_call == -1 && b_call == -1 {
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
    if a_key.uuid != b_key.uuid || a_key.transition == b_key.transition {
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

fn parse_key(text: &str) -> Option<TransitionKey> {
    let mut parts = text.splitn(4, ':');
    let _action = parts.next()?;
    let transition = parts.next()?.parse().ok()?;
    let third = parts.next()?;
    match parts.next() {
        Some(uuid) => Some(TransitionKey {
            transition,
            target_rc: third.parse().ok()?,
            uuid: uuid.to_owned(),
        }),
        // very old keys have no target
        None => Some(TransitionKey { transition, target_rc: -1, uuid: third.to_owned() }),
    }
}

//! Operations as configured: lookup, meta-attributes with defaults, what a failure leads to.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::sync::Arc;

use cib::Element;

use crate::action::Key;
use crate::cluster::Cluster;
use crate::index::{NodeIx, ResourceIx};
use crate::pairs;
use crate::role::Role;
use crate::rules::{Context, Pairs};
use crate::task::{self, Task};
use crate::values;

/// What a failed operation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFail {
    Ignore,
    Demote,
    Restart,
    /// Fence a remote node whose connection failed.
    ResetRemote,
    RestartContainer,
    /// Never again on this node.
    Ban,
    Block,
    Stop,
    Standby,
    Fence,
}

impl OnFail {
    /// Orders failure handling by how far it goes.
    pub(crate) fn severity(self) -> u8 {
        match self {
            Self::Ignore => 0,
            Self::Demote => 1,
            Self::Restart => 2,
            Self::ResetRemote => 3,
            Self::RestartContainer => 4,
            Self::Ban => 5,
            Self::Block => 6,
            Self::Stop => 7,
            Self::Standby => 8,
            Self::Fence => 9,
        }
    }

    /// Compares by severity.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        self.severity().cmp(&other.severity())
    }
}

/// Returns the resource's `<operations>` entries, the disabled ones included.
pub(crate) fn entries(cluster: &Cluster, resource: ResourceIx) -> Vec<Arc<Element>> {
    all(cluster, resource).map(Cow::into_owned).collect()
}

/// As `entries`; those that stand where they are used are not copied.
fn all(cluster: &Cluster, resource: ResourceIx) -> impl Iterator<Item = Cow<'_, Arc<Element>>> {
    let context = cluster.context();
    let lists = cluster[resource].xml.children_named("operations");
    lists
        .filter_map(move |operations| context.resolve(operations))
        .flat_map(Element::shared_children)
        .filter(|op| op.name() == "op")
        .filter_map(move |op| match op.get("id-ref") {
            None => Some(Cow::Borrowed(op)),
            Some(_) => context.resolve(op).map(|op| Cow::Owned(Arc::new(op.clone()))),
        })
}

/// An entry's interval in milliseconds.
pub(crate) fn interval_of(op: &Element) -> u64 {
    op.get("interval").map_or(0, values::milliseconds)
}

/// An entry that is switched off.
pub(crate) fn disabled(op: &Element) -> bool {
    op.get("enabled").and_then(values::boolean) == Some(false)
}

/// Finds the entry for a key; one that is switched off still tells what a failure leads to.
pub(crate) fn configured(
    cluster: &Cluster,
    resource: ResourceIx,
    key: Key,
) -> Option<Arc<Element>> {
    let find = |name: &str, interval: u64| {
        let fits = |op: &Element| op.get("name") == Some(name) && interval_of(op) == interval;
        all(cluster, resource).find(|op| fits(op)).map(Cow::into_owned)
    };
    find(&key.task, key.interval_ms).or_else(|| match key.task {
        task::MIGRATE_TO | task::MIGRATE_FROM => find("migrate", 0),
        task if task.is_notification() => find(&task::NOTIFY, 0),
        _ => None,
    })
}

/// The enabled recurring monitor with the shortest interval; its timeout serves probes.
fn shortest_monitor(cluster: &Cluster, resource: ResourceIx) -> Option<Arc<Element>> {
    all(cluster, resource)
        .filter(|op| {
            op.get("name") == Some(task::MONITOR.name()) && interval_of(op) > 0 && !disabled(op)
        })
        .min_by_key(|op| interval_of(op))
        .map(Cow::into_owned)
}

/// The meta-attributes of an operation: what the document says, with defaults, normalised; tells
/// whether that depends on the node.
pub(crate) fn meta(
    cluster: &Cluster,
    resource: ResourceIx,
    key: Key,
    node: Option<NodeIx>,
    op: Option<&Element>,
    asked_node: Option<&Cell<bool>>,
) -> Pairs {
    let rsc = &cluster[resource];
    let context = Context {
        node: node.map(|n| &cluster[n].attributes),
        resource: Some(&rsc.xml),
        operation: Some((key.task.name(), key.interval_ms)),
        asked_node,
        ..cluster.context()
    };
    let mut out = Pairs::new();
    let mut next = None;
    let probe = key.task == task::MONITOR && key.interval_ms == 0;
    if probe
        && op.is_none()
        && let Some(monitor) = shortest_monitor(cluster, resource)
    {
        let mut of_monitor = Pairs::new();
        pairs::collect(&monitor, "meta_attributes", &context, None, &mut of_monitor, &mut next);
        let timeout =
            monitor.get("timeout").map(str::to_owned).or_else(|| of_monitor.remove("timeout"));
        if let Some(timeout) = timeout {
            out.insert("timeout".into(), timeout);
        }
    }
    if let Some(op) = op {
        pairs::collect(op, "meta_attributes", &context, None, &mut out, &mut next);
        for (name, value) in op.attributes() {
            if name != "id" && name != "id-ref" {
                out.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    if let Some(defaults) = cluster.document.at(&["configuration", "op_defaults"]) {
        pairs::collect(defaults, "meta_attributes", &context, None, &mut out, &mut next);
    }
    out.remove("id");
    if out.get("on-fail").is_some_and(|value| !allowed_for(Some(key.task), value)) {
        out.remove("on-fail");
    }
    // start-delay and interval-origin
    if let Some(delay) = out.get("start-delay").cloned() {
        out.insert("start-delay".into(), values::milliseconds(&delay).to_string());
    } else if let (Some(origin), Some(op)) = (out.get("interval-origin"), op) {
        let interval_s = i64::try_from(interval_of(op) / 1000).unwrap_or(0);
        let origin = cluster.zone.read(origin, cluster.now);
        if let (Some(origin), true) = (origin, interval_s > 0) {
            let since = (cluster.now - origin.seconds).rem_euclid(interval_s);
            let delay = if since == 0 { 0 } else { interval_s - since };
            out.insert("start-delay".into(), (delay * 1000).to_string());
        }
    }
    if key.interval_ms > 0 {
        out.insert("interval".into(), key.interval_ms.to_string());
    } else {
        out.remove("interval");
    }
    let timeout = out
        .get("timeout")
        .map_or(20_000, |text| text.parse::<model::Interval>().map_or(20_000, |span| span.0));
    out.insert("timeout".into(), timeout.max(1).to_string());
    if rsc.fence_device
        && (op.is_none() || op.is_none_or(|op| op.get("timeout").is_none()))
        && matches!(key.task, task::START | task::MONITOR)
    {
        // the fencer's own timeout counts for its devices
        let mut parameters = Pairs::new();
        pairs::collect(&rsc.xml, "instance_attributes", &context, None, &mut parameters, &mut next);
        if let Some(timeout) = parameters.get("pcmk_monitor_timeout") {
            out.insert("timeout".into(), values::milliseconds(timeout).to_string());
        }
    }
    out
}

/// Reads `on-fail`, or works out its default.
pub(crate) fn on_fail(
    cluster: &Cluster,
    resource: ResourceIx,
    task: Option<Task>,
    interval_ms: u64,
    value: Option<&str>,
) -> OnFail {
    let rsc = &cluster[resource];
    let fencing = cluster.properties.fencing;
    let of_monitor = match (task, value) {
        (Some(task::DEMOTE), None) => on_fail_of_promoted_monitor(cluster, resource),
        _ => None,
    };
    let value = value.or(of_monitor.as_deref()).filter(|value| allowed_for(task, value));
    let mut choice = match value.map(str::to_ascii_lowercase).as_deref() {
        Some("block") => Some(OnFail::Block),
        Some("fence") => {
            if fencing {
                Some(OnFail::Fence)
            } else {
                // not possible without fencing
                Some(OnFail::Stop)
            }
        }
        Some("standby") => Some(OnFail::Standby),
        Some("ignore" | "nothing") => Some(OnFail::Ignore),
        Some("migrate") => Some(OnFail::Ban),
        Some("stop") => Some(OnFail::Stop),
        Some("restart") => Some(OnFail::Restart),
        Some("restart-container") => {
            if rsc.container.is_some() {
                Some(OnFail::RestartContainer)
            } else {
                None
            }
        }
        Some("demote") => {
            demote_allowed(cluster, resource, task, interval_ms).then_some(OnFail::Demote)
        }
        _ => None,
    };
    if choice.is_none() && rsc.container.is_some() && value.is_none() {
        choice = Some(OnFail::RestartContainer);
    }
    if let Some(choice) = choice {
        return choice;
    }
    if rsc.is_remote
        && !matches!((task, interval_ms), (Some(task::MONITOR), 0) | (Some(task::START), _))
    {
        return if rsc.managed { OnFail::ResetRemote } else { OnFail::Stop };
    }
    if task == Some(task::STOP) {
        return if fencing { OnFail::Fence } else { OnFail::Block };
    }
    OnFail::Restart
}

/// A failed stop can't be answered by another stop.
fn allowed_for(task: Option<Task>, on_fail: &str) -> bool {
    let stops = ["stop", "standby", "demote"];
    task != Some(task::STOP) || !stops.iter().any(|word| on_fail.eq_ignore_ascii_case(word))
}

/// A failed demotion is answered as a failed monitor of the promoted role is.
fn on_fail_of_promoted_monitor(cluster: &Cluster, resource: ResourceIx) -> Option<String> {
    entries(cluster, resource).into_iter().find_map(|op| {
        let promoted = op.get("role").and_then(Role::parse) == Some(Role::Promoted);
        let fits = op.get("name") == Some(task::MONITOR.name()) && promoted && interval_of(&op) > 0;
        // a demotion can't be answered by itself
        let on_fail = op.get("on-fail").filter(|text| !text.eq_ignore_ascii_case("demote"))?;
        (fits && !disabled(&op)).then(|| on_fail.to_owned())
    })
}

/// `demote` is for promotions and for monitors of the promoted role.
fn demote_allowed(
    cluster: &Cluster,
    resource: ResourceIx,
    task: Option<Task>,
    interval_ms: u64,
) -> bool {
    match task {
        Some(task::PROMOTE) => true,
        Some(task::MONITOR) if interval_ms > 0 => {
            let key = Key { task: task::MONITOR, interval_ms };
            configured(cluster, resource, key)
                .is_some_and(|op| op.get("role").and_then(Role::parse) == Some(Role::Promoted))
        }
        _ => false,
    }
}

/// The role a resource may have at most after a failure.
pub(crate) fn role_after_failure(
    cluster: &Cluster,
    resource: ResourceIx,
    task: Option<Task>,
    on_fail: OnFail,
) -> Role {
    match on_fail {
        OnFail::Stop => Role::Stopped,
        OnFail::ResetRemote if cluster[resource].reconnect_ms != 0 => Role::Stopped,
        _ if task == Some(task::PROMOTE) => Role::Unpromoted,
        _ => Role::Started,
    }
}

//! Transient node attributes: every member holds all of them, and the last writer wins.
//!
//! Sans-io. "Last" is by Lamport time and then by the writer's number, so that all members agree
//! whatever order the changes reach them in. An attribute belongs to a boot of its node: another
//! boot clears it. A member that comes (or comes back) gets all values from each of the others.
//!
//! Order against operation results: what an agent sets while it runs is broadcast before its
//! result is reported, since both go over the same ordered channel to the DC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use model::{BootId, Incarnation, Monotonic, NodeId, View};

/// When a value was written, and by whom: compared in this order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// Lamport time.
    pub time: u64,
    /// The member that wrote it; 0 in none.
    pub author: u32,
}

/// A value as members tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeChange {
    /// Whose attribute.
    pub node: NodeId,
    /// In which boot of that node, if the writer knew one.
    pub boot: Option<BootId>,
    /// The attribute set it is to stand in (`-s`), if not the usual one.
    pub set: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value; none = taken away.
    pub value: Option<String>,
    /// Milliseconds that further changes are waited for before the document shows it.
    pub dampening_ms: u64,
    /// Kept from the document.
    pub private: bool,
    /// When and by whom.
    pub stamp: Stamp,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAttribute {
    /// Whose attribute.
    pub node: NodeId,
    /// The attribute set (`-s`), if not the usual one.
    pub set: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value, where `value++` and `value+=N` count up; none = take it away.
    pub value: Option<String>,
    /// A new dampening in milliseconds; none = as before.
    pub dampening_ms: Option<u64>,
    /// Keep it from the document; counts only when the attribute is new.
    pub private: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client of this node asks for a change.
    Set(SetAttribute),
    /// Another member told of changes.
    Received(Vec<AttributeChange>),
    /// Who is here now.
    View(View),
    /// Time passed.
    Tick,
}

/// What must now be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell all other members.
    Broadcast(Vec<AttributeChange>),
    /// Tell one member (all there is, since it is new here).
    Send {
        /// Whom.
        to: NodeId,
        /// What.
        changes: Vec<AttributeChange>,
    },
    /// A value differs now, after its dampening: tell the controller (`Event::Attribute`).
    Changed(Changed),
}

/// A value that differs now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose attribute.
    pub node: NodeId,
    /// The attribute set, if not the usual one.
    pub set: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value; none = gone.
    pub value: Option<String>,
}

#[derive(Clone, Debug)]
struct Slot {
    latest: AttributeChange,
    /// What the controller was told last.
    shown: Option<String>,
    /// When it is to be told of the latest.
    due: Option<Monotonic>,
}

/// All attributes of all nodes, as one member knows them.
#[derive(Clone, Debug)]
pub struct Attributes {
    me: NodeId,
    time: u64,
    slots: BTreeMap<(NodeId, String), Slot>,
    boots: BTreeMap<NodeId, BootId>,
    /// What was told of a boot that is not the one known here: of an earlier one, or of one that
    /// the teller has seen before this member. The next view tells which.
    early: BTreeMap<(NodeId, String), AttributeChange>,
    members: BTreeMap<NodeId, (BootId, Incarnation)>,
}

impl Attributes {
    /// Makes a member that knows of no attribute. What it writes before it has heard the others must
    /// outlive what its former lives wrote: `since` is a time that each life begins later.
    pub fn new(me: NodeId, since: u64) -> Self {
        Self {
            me,
            time: since,
            slots: BTreeMap::new(),
            boots: BTreeMap::new(),
            early: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// Returns a value as it was written last, dampened or not.
    pub fn get(&self, node: NodeId, name: &str) -> Option<&str> {
        self.slots.get(&(node, name.to_owned()))?.latest.value.as_deref()
    }

    /// Returns all values there are, by node and name.
    pub fn all(&self) -> impl Iterator<Item = &AttributeChange> {
        self.slots.values().map(|slot| &slot.latest).filter(|latest| latest.value.is_some())
    }

    /// Returns all that is known, also that a value was taken away: for a member that may have older
    /// ones.
    pub fn everything(&self) -> impl Iterator<Item = &AttributeChange> {
        self.slots.values().map(|slot| &slot.latest)
    }

    /// Returns when a `Tick` is next needed.
    pub fn next_deadline(&self) -> Option<Monotonic> {
        self.slots.values().filter_map(|slot| slot.due).min()
    }

    /// Advances by one event and appends what the caller must now do to `out`.
    pub fn handle(&mut self, now: Monotonic, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Set(request) => {
                let change = self.stamped(request);
                self.take(now, change.clone(), out);
                out.push(Effect::Broadcast(vec![change]));
            }
            Event::Received(changes) => {
                for change in changes {
                    self.time = self.time.max(change.stamp.time);
                    if self.is_of_another_boot(&change) {
                        self.keep_for_later(change);
                    } else {
                        self.take(now, change, out);
                    }
                }
            }
            Event::View(view) => self.view(now, &view, out),
            Event::Tick => self.show_due(now, out),
        }
    }

    fn is_of_another_boot(&self, change: &AttributeChange) -> bool {
        match (self.boots.get(&change.node), change.boot) {
            (Some(known), Some(told)) => *known != told,
            (None, _) | (_, None) => false,
        }
    }

    fn keep_for_later(&mut self, change: AttributeChange) {
        let key = (change.node, change.name.clone());
        if self.early.get(&key).is_none_or(|kept| kept.stamp < change.stamp) {
            self.early.insert(key, change);
        }
    }

    fn stamped(&mut self, request: SetAttribute) -> AttributeChange {
        self.time += 1;
        let old = self.slots.get(&(request.node, request.name.clone())).map(|slot| &slot.latest);
        let old_value = old.and_then(|old| old.value.as_deref());
        AttributeChange {
            node: request.node,
            boot: self.boots.get(&request.node).copied(),
            set: request.set.or_else(|| old.and_then(|old| old.set.clone())),
            value: request.value.map(|value| evaluate(&value, old_value)),
            dampening_ms: request
                .dampening_ms
                .unwrap_or_else(|| old.map_or(0, |old| old.dampening_ms)),
            private: old.filter(|old| old.value.is_some()).map_or(request.private, |o| o.private),
            name: request.name,
            stamp: Stamp { time: self.time, author: self.me.0 },
        }
    }

    fn take(&mut self, now: Monotonic, change: AttributeChange, out: &mut Vec<Effect>) {
        let key = (change.node, change.name.clone());
        let slot = match self.slots.get_mut(&key) {
            Some(slot) if slot.latest.stamp >= change.stamp => return,
            Some(slot) => {
                slot.latest = change;
                slot
            }
            None => {
                let slot = Slot { latest: change, shown: None, due: None };
                self.slots.entry(key).or_insert(slot)
            }
        };
        if slot.latest.private || slot.shown == slot.latest.value {
            slot.due = None;
        } else if slot.latest.dampening_ms == 0 {
            slot.due = None;
            show(slot, out);
        } else if slot.due.is_none() {
            // bounded from the first change on, so that a value that never rests is shown, too
            slot.due = Some(now + slot.latest.dampening_ms);
        }
    }

    fn show_due(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        for slot in self.slots.values_mut() {
            if slot.due.is_some_and(|due| due <= now) {
                slot.due = None;
                show(slot, out);
            }
        }
    }

    fn view(&mut self, now: Monotonic, view: &View, out: &mut Vec<Effect>) {
        for (id, member) in &view.members {
            let before = self.boots.insert(*id, member.boot);
            if before != Some(member.boot) {
                self.clear_other_boots(*id, member.boot, out);
            }
        }
        for change in std::mem::take(&mut self.early).into_values() {
            if !self.is_of_another_boot(&change) {
                self.take(now, change, out);
            }
        }
        let seen: BTreeMap<NodeId, (BootId, Incarnation)> =
            view.members.iter().map(|(id, m)| (*id, (m.boot, m.incarnation))).collect();
        let everything: Vec<AttributeChange> = self.everything().cloned().collect();
        for (id, life) in &seen {
            if *id != self.me && self.members.get(id) != Some(life) && !everything.is_empty() {
                out.push(Effect::Send { to: *id, changes: everything.clone() });
            }
        }
        self.members = seen;
    }

    /// Drops what was set in an earlier boot of a node. What was written while no boot was known
    /// is taken to be meant for this one.
    fn clear_other_boots(&mut self, node: NodeId, boot: BootId, out: &mut Vec<Effect>) {
        self.slots.retain(|(owner, _), slot| {
            if *owner != node {
                return true;
            }
            if *slot.latest.boot.get_or_insert(boot) == boot {
                return true;
            }
            if slot.shown.is_some() {
                slot.latest.value = None;
                show(slot, out);
            }
            false
        });
    }
}

fn show(slot: &mut Slot, out: &mut Vec<Effect>) {
    if slot.shown == slot.latest.value {
        return;
    }
    slot.shown.clone_from(&slot.latest.value);
    out.push(Effect::Changed(Changed {
        node: slot.latest.node,
        set: slot.latest.set.clone(),
        name: slot.latest.name.clone(),
        value: slot.latest.value.clone(),
    }));
}

/// Returns the value a request means: `value++` and `value+=N` count from the old one, within
/// ±1,000,000, which is written INFINITY.
pub fn evaluate(request: &str, old: Option<&str>) -> String {
    let step = match request.strip_prefix("value") {
        Some("++") => Some(1),
        Some(rest) => rest.strip_prefix("+=").and_then(|n| n.trim().parse::<i64>().ok()),
        None => None,
    };
    let Some(step) = step else {
        return request.to_owned();
    };
    let old: model::Score = old.and_then(|old| old.parse().ok()).unwrap_or_default();
    (old + model::Score::new(step)).to_string()
}

#[cfg(test)]
#[path = "attributes_tests.rs"]
mod tests;

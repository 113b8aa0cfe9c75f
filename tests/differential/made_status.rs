//! Features: what nodes are doing, and what has run on them.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;

use crate::dice::Dice;
use crate::draft::{Draft, Leaf, NOW, pairs};
use crate::made_bundles;

/// States of all nodes, with histories that fit together more or less.
pub(crate) fn histories(draft: &mut Draft, dice: &mut Dice) {
    let names = draft.nodes.iter().chain(&draft.remotes).chain(&draft.containers);
    let seen: Vec<(usize, String)> = names.cloned().enumerate().collect();
    let members = draft.nodes.len();
    let reachable = members + draft.remotes.len();
    let book = |(_, name): &(usize, String)| Book { name: name.clone(), ..Book::default() };
    let mut books: Vec<Book> = seen.iter().map(book).collect();
    // a cluster that just came up, or one that has run for long
    if dice.percent(85) {
        for leaf in draft.leaves.clone() {
            let reach = if leaf.members_only { members } else { reachable };
            if leaf.migratable && reach > 1 && dice.percent(40) {
                migrating(&leaf, &mut books[..reach], dice);
            } else {
                of_leaf(&leaf, &mut books[..reach], dice);
            }
        }
        for bundle in &draft.bundles {
            made_bundles::replicas(bundle, members, &mut books, dice);
        }
    }
    for (number, name) in seen {
        if number >= members {
            if dice.percent(90) {
                let mut state = Element::new("node_state")
                    .with("remote_node", "true")
                    .with("id", name.as_str())
                    .with("uname", name.as_str());
                push_transient(&mut state, &name, &std::mem::take(&mut books[number].attributes));
                draft.states.push(with_history(state, &name, &books[number]));
            }
            continue;
        }
        let id = (number + 1).to_string();
        let (ccm, daemon, join, expected) = match dice.below(20) {
            0 => ("false", "offline", "down", "down"),
            1 => ("false", "offline", "down", "member"),
            2 => ("true", "online", "pending", "member"),
            _ => ("true", "online", "member", "member"),
        };
        let mut state = Element::new("node_state")
            .with("id", id.as_str())
            .with("uname", name.as_str())
            .with("in_ccm", ccm)
            .with("crmd", daemon)
            .with("join", join)
            .with("expected", expected);
        let mut transient = std::mem::take(&mut books[number].attributes);
        if ccm == "true" && dice.percent(5) {
            transient.insert("shutdown".to_owned(), (NOW - 10).to_string());
        }
        push_transient(&mut state, &id, &transient);
        draft.states.push(with_history(state, &id, &books[number]));
    }
}

fn push_transient(state: &mut Element, id: &str, values: &BTreeMap<String, String>) {
    if !values.is_empty() {
        let set = pairs("instance_attributes", &format!("status-{id}"), values);
        state.push(Element::new("transient_attributes").with("id", id).with_child(set));
    }
}

fn with_history(state: Element, id: &str, book: &Book) -> Element {
    let mut resources = Element::new("lrm_resources");
    for (resource, (kind, operations)) in &book.resources {
        let mut entry = Element::new("lrm_resource").with("id", resource.as_str());
        if kind.starts_with("fence_") {
            entry.set("class", "stonith");
        } else {
            let bundled = matches!(*kind, "docker" | "podman" | "IPaddr2");
            entry.set("class", "ocf");
            entry.set("provider", if bundled { "heartbeat" } else { "pacemaker" });
        }
        entry.set("type", *kind);
        for operation in operations {
            entry.push(operation.clone());
        }
        resources.push(entry);
    }
    state.with_child(Element::new("lrm").with("id", id).with_child(resources))
}

/// Promotion scores of nodes, as agents set them.
pub(crate) fn promotion_scores(draft: &mut Draft, dice: &mut Dice) {
    for leaf in draft.leaves.clone().into_iter().filter(|leaf| leaf.promotable) {
        for node in draft.nodes.clone() {
            if dice.percent(60) {
                let value = dice.word(&["5", "10", "100", "-INFINITY"]).to_owned();
                let name = format!("master-{}", leaf.id);
                draft.attributes.entry(node).or_default().insert(name, value);
            }
        }
    }
}

/// One node's history and attributes in the making.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// The node's name.
    name: String,
    attributes: BTreeMap<String, String>,
    resources: BTreeMap<String, (&'static str, Vec<Element>)>,
    calls: usize,
    /// Primitives that are active here.
    active: BTreeSet<String>,
}

/// One result.
#[derive(Clone, Copy, Debug)]
struct Result {
    task: &'static str,
    interval: u64,
    rc: i32,
    expected: i32,
    status: i32,
}

impl Book {
    pub(crate) fn is_of(&self, node: &str) -> bool {
        self.name == node
    }

    /// Enters a promotion score.
    pub(crate) fn promotion(&mut self, resource: &str, score: &str) {
        self.attributes.insert(format!("master-{resource}"), score.to_owned());
    }

    fn enter(&mut self, leaf: &Leaf, name: &str, result: Result) {
        self.calls += 1;
        let interval = result.interval * 1000;
        let call = if result.status == -1 { -1 } else { i64::try_from(self.calls).unwrap_or(0) };
        let transition = format!(
            "{}:{}:{}:00000000-0000-0000-0000-000000000001",
            self.calls, self.calls, result.expected
        );
        let failed = result.rc != result.expected && result.status != -1;
        let Result { task, rc, status, .. } = result;
        let id = match (failed, interval) {
            (true, _) => format!("{name}_last_failure_0"),
            (false, 0) => format!("{name}_last_0"),
            (false, _) => format!("{name}_{task}_{interval}"),
        };
        let digested = [("CRM_meta_timeout".to_owned(), "20000".to_owned())].into();
        let mut operation = Element::new("lrm_rsc_op")
            .with("id", id.as_str())
            .with("operation_key", format!("{name}_{task}_{interval}"))
            .with("operation", task)
            .with("crm_feature_set", "3.16.1")
            .with("transition-key", transition.as_str())
            .with("transition-magic", format!("{status}:{rc};{transition}"))
            .with("call-id", call.to_string())
            .with("rc-code", rc.to_string())
            .with("op-status", status.to_string())
            .with("interval", interval.to_string())
            .with(
                "last-rc-change",
                (NOW - 1000 + i64::try_from(self.calls).unwrap_or(0)).to_string(),
            );
        if !leaf.implied {
            operation.set("op-digest", pengine::operation_digest(&digested, interval));
        }
        let entry = self.resources.entry(name.to_owned()).or_insert((leaf.kind, Vec::new()));
        entry.1.retain(|known| known.id() != Some(id.as_str()));
        entry.1.push(operation);
        if failed && (task != "monitor" || result.interval > 0) {
            let key = format!("{}#{task}_{interval}", leaf.id);
            let count = if task == "start" { "INFINITY" } else { "1" };
            self.attributes.insert(format!("fail-count-{key}"), count.to_owned());
            self.attributes.insert(format!("last-failure-{key}"), (NOW - 500).to_string());
        }
    }

    pub(crate) fn done(
        &mut self,
        leaf: &Leaf,
        name: &str,
        task: &'static str,
        interval: u64,
        rc: i32,
    ) {
        self.enter(leaf, name, Result { task, interval, rc, expected: rc, status: 0 });
    }

    pub(crate) fn failed(
        &mut self,
        leaf: &Leaf,
        name: &str,
        task: &'static str,
        interval: u64,
        rc: i32,
    ) {
        self.enter(leaf, name, Result { task, interval, rc, expected: 0, status: 0 });
    }

    pub(crate) fn active(&mut self, leaf: &Leaf, name: &str, promoted: bool, dice: &mut Dice) {
        self.active.insert(leaf.id.clone());
        if dice.percent(10) {
            // found by the probe
            let rc = if promoted { 8 } else { 0 };
            let found = Result { task: "monitor", interval: 0, rc, expected: 7, status: 0 };
            self.enter(leaf, name, found);
        } else {
            self.done(leaf, name, "start", 0, 0);
            if promoted {
                self.done(leaf, name, "promote", 0, 0);
            }
        }
        for (interval, role) in &leaf.monitors {
            let fits = match role {
                None => true,
                Some("Master" | "Promoted") => promoted,
                Some("Slave" | "Unpromoted") => !promoted,
                Some(_) => false,
            };
            if fits && dice.percent(85) {
                self.done(leaf, name, "monitor", *interval, if promoted { 8 } else { 0 });
                if dice.percent(12) {
                    self.failed(leaf, name, "monitor", *interval, *dice.pick(&[7, 1]));
                }
            }
        }
    }
}

/// A migration that went as far as it did.
fn migrating(leaf: &Leaf, books: &mut [Book], dice: &mut Dice) {
    let source = dice.below(books.len());
    let target = (source + 1 + dice.below(books.len() - 1)) % books.len();
    let ends = (books[source].name.clone(), books[target].name.clone());
    for book in books.iter_mut() {
        if dice.percent(90) {
            book.done(leaf, &leaf.id, "monitor", 0, 7);
        }
    }
    books[source].active(leaf, &leaf.id, false, dice);
    let mut step = |at: usize, task: &'static str, rc: i32, status: i32| {
        let result = Result { task, interval: 0, rc, expected: 0, status };
        books[at].enter(leaf, &leaf.id, result);
        let entry = books[at].resources.get_mut(&leaf.id).and_then(|entry| entry.1.last_mut());
        if let Some(entry) = entry {
            entry.set("migrate_source", ends.0.as_str());
            entry.set("migrate_target", ends.1.as_str());
        }
    };
    match dice.below(8) {
        0 => step(source, "migrate_to", 193, -1),
        1 => step(source, "migrate_to", 1, 0),
        2 => step(source, "migrate_to", 0, 0),
        3 => {
            step(source, "migrate_to", 0, 0);
            step(target, "migrate_from", 193, -1);
        }
        4 => {
            step(source, "migrate_to", 0, 0);
            step(target, "migrate_from", 1, 0);
        }
        5 | 6 => {
            step(source, "migrate_to", 0, 0);
            step(target, "migrate_from", 0, 0);
        }
        _ => {
            step(source, "migrate_to", 0, 0);
            step(target, "migrate_from", 0, 0);
            books[source].done(leaf, &leaf.id, "stop", 0, 0);
        }
    }
}

fn of_leaf(leaf: &Leaf, books: &mut [Book], dice: &mut Dice) {
    let nodes = books.len();
    let first = dice.below(nodes);
    let mut left = match dice.below(10) {
        0..=1 => 0,
        2..=8 => leaf.copies,
        _ => leaf.copies + 1,
    };
    let mut promoted = if leaf.promotable && dice.percent(70) { 1 } else { 0 };
    let mut number = 0;
    for step in 0..nodes {
        let book = &mut books[(first + step) % nodes];
        let name = if leaf.unique { format!("{}:{number}", leaf.id) } else { leaf.id.clone() };
        // a member without those before it is planned in another way since 2.1.5
        let may = leaf.follows.as_ref().is_none_or(|previous| book.active.contains(previous));
        if left > 0 && may {
            left -= 1;
            number += 1;
            match dice.below(20) {
                0 => {
                    book.failed(leaf, &name, "start", 0, *dice.pick(&[1, 5, 6]));
                }
                1 => {
                    book.active(leaf, &name, false, dice);
                    book.failed(leaf, &name, "stop", 0, 1);
                }
                2 => {
                    let task = dice.word(&["start", "stop"]);
                    if task == "stop" {
                        book.active(leaf, &name, false, dice);
                    }
                    let task = if task == "stop" { "stop" } else { "start" };
                    let pending = Result { task, interval: 0, rc: 193, expected: 0, status: -1 };
                    book.enter(leaf, &name, pending);
                    // the stop is all that is left of its history
                    book.active.remove(&leaf.id);
                }
                3 => {
                    book.active(leaf, &name, false, dice);
                    book.done(leaf, &name, "stop", 0, 0);
                    book.active.remove(&leaf.id);
                }
                _ => {
                    book.active(leaf, &name, promoted > 0, dice);
                    promoted -= i32::from(promoted > 0);
                }
            }
        } else if dice.percent(90) {
            book.done(leaf, &name, "monitor", 0, 7);
        }
    }
}

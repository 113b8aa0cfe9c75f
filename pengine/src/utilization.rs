//! Capacity: what nodes have, what resources need.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::action::{Point, relation::*};
use crate::cluster::Placement;
use crate::constraint::Constrained;
use crate::index::{ActionIx, NodeIx, ResourceIx};
use crate::ledger::Cause;
use crate::place::Placing;
use crate::task;

type Amounts = BTreeMap<String, i64>;

/// Compares free capacity: the node with more sorts first.
pub(crate) fn compare_capacity(a: &Amounts, b: &Amounts) -> Ordering {
    let mut balance = 0_i64;
    let get = |amounts: &Amounts, name: &str| amounts.get(name).copied().unwrap_or(0);
    for name in a.keys() {
        balance += sign(get(b, name) - get(a, name));
    }
    for name in b.keys().filter(|name| !a.contains_key(*name)) {
        balance += sign(get(b, name));
    }
    balance.cmp(&0)
}

fn sign(n: i64) -> i64 {
    n.signum()
}

/// Orders a resource's stop before, and its start after, the point at which a node's load has
/// been taken off it.
pub(crate) fn order_load(all: &mut Constrained, rsc: ResourceIx) {
    for node in all.cluster[rsc].running_on.clone() {
        let point = load_stopped(all, node);
        all.book.order(Point::of(rsc, task::STOP), Point::Action(point), IF_ON_SAME_NODE_OR_TARGET);
    }
    for node in sorted_candidates(all, rsc) {
        let point = load_stopped(all, node);
        let here = Point::Action(point);
        all.book.order(here, Point::of(rsc, task::START), IF_ON_SAME_NODE_OR_TARGET);
        all.book.order(here, Point::of(rsc, task::MIGRATE_TO), IF_ON_SAME_NODE_OR_TARGET);
    }
}

fn sorted_candidates(all: &Constrained, rsc: ResourceIx) -> Vec<NodeIx> {
    all.cluster.node_order.iter().copied().filter(|n| all.scores.allowed(rsc, *n)).collect()
}

fn load_stopped(all: &mut Constrained, node: NodeIx) -> ActionIx {
    let name = format!("{}_{}", task::LOAD_STOPPED, all.cluster[node].name);
    let known = all.book.find_named(&name);
    let point = all.book.named(&mut all.cluster, &name, task::LOAD_STOPPED, Some(node), true);
    if known.is_none() {
        all.book[point].pseudo = true;
        all.book[point].optional = false;
        all.book[point].runnable = true;
    }
    point
}

/// Amounts as listings have them.
fn listed(amounts: &Amounts) -> String {
    amounts.iter().map(|(name, amount)| format!(" {name}={amount}")).collect()
}

impl Placing {
    /// What a resource and all in it need.
    pub(crate) fn needs(&self, rsc: ResourceIx) -> Amounts {
        let mut total = Amounts::new();
        for part in self.cluster.family(rsc) {
            add(&mut total, &self.cluster[part].utilization, 1);
        }
        total
    }

    /// Takes capacity from a node, or gives it back.
    pub(crate) fn consume(&mut self, node: NodeIx, rsc: ResourceIx, sign: i64) {
        let need = self.cluster[rsc].utilization.clone();
        let free = &mut self.free[node.position()];
        for (name, amount) in need {
            if let Some(have) = free.get_mut(&name) {
                *have -= sign * amount;
            }
        }
    }

    /// Lists what all nodes have free.
    pub(crate) fn note_capacity(&mut self, when: &str) {
        for &node in &self.cluster.node_order {
            let name = &self.cluster[node].name;
            let free = &self.free[node.position()];
            self.record.note(|| format!("{when}: {name} capacity:{}", listed(free)));
        }
    }

    /// Lists what a resource takes of a node.
    pub(crate) fn note_use(&mut self, rsc: ResourceIx, node: NodeIx) {
        let (rsc, node) = (&self.cluster[rsc], &self.cluster[node]);
        self.record.note(|| {
            let takes = listed(&rsc.utilization);
            format!("pcmk__finalize_assignment: {} utilization on {}:{takes}", rsc.id, node.name)
        });
    }

    fn suffices(&self, node: NodeIx, need: &Amounts) -> bool {
        let free = &self.free[node.position()];
        // a node has nothing of what it has no value for
        let have = |name: &str| free.get(name).copied().unwrap_or(0);
        need.iter().all(|(name, amount)| *amount <= have(name))
    }

    /// Bans a resource from nodes that are too small for it (together with what must go along,
    /// where any node is large enough for that); returns the node with most free capacity if none
    /// can take all together.
    pub(crate) fn ban_small_nodes(&mut self, rsc: ResourceIx) -> Option<NodeIx> {
        if self.cluster.properties.placement == Placement::Default {
            return None;
        }
        let mut together = Vec::new();
        self.colocated(rsc, rsc, &mut together);
        if !together.contains(&rsc) {
            together.push(rsc);
        }
        let mut need = Amounts::new();
        for &other in &together {
            if self.homes[other.position()].provisional {
                add(&mut need, &self.unassigned_needs(other, &together), 1);
            }
        }
        let candidates: Vec<NodeIx> = self
            .candidates_in_order(rsc)
            .into_iter()
            .filter(|node| self.available(*node, Some(self.scores.get(rsc, *node)), false))
            .collect();
        let mut most: Option<NodeIx> = None;
        let mut any = false;
        for &node in &candidates {
            any |= self.suffices(node, &need);
            let better = most.is_none_or(|most| {
                compare_capacity(&self.free[node.position()], &self.free[most.position()]).is_lt()
            });
            if better {
                most = Some(node);
            }
        }
        let own = self.needs(rsc);
        let need = if any { need } else { own };
        for node in candidates {
            if !self.suffices(node, &need) {
                let cause = Cause::BuiltIn("not enough capacity");
                self.scores.add(rsc, node, model::Score::MINUS_INFINITY, cause);
            }
        }
        if any { None } else { most }
    }

    /// What an unassigned resource needs; members that are listed themselves don't count twice.
    fn unassigned_needs(&self, rsc: ResourceIx, listed: &[ResourceIx]) -> Amounts {
        let one = &self.cluster[rsc];
        let mut total = Amounts::new();
        if one.is_primitive() {
            add(&mut total, &one.utilization, 1);
        } else if one.is_group() {
            for &member in &one.children {
                if self.homes[member.position()].provisional && !listed.contains(&member) {
                    add(&mut total, &self.cluster[member].utilization, 1);
                }
            }
        } else if one.is_clone()
            && !one.children.iter().any(|c| listed.contains(c))
            && let Some(first) = one.children.first()
        {
            total = self.unassigned_needs(*first, listed);
        }
        total
    }
}

/// Adds amounts up.
fn add(total: &mut Amounts, more: &Amounts, sign: i64) {
    for (name, amount) in more {
        *total.entry(name.clone()).or_default() += sign * amount;
    }
}

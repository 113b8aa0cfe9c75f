//! Assignment of instances: the copies of a clone, or the containers of a bundle.
//!
//! Instances are alike, so which of them goes where is decided for all of them together: those
//! that can stay do so first, then the rest is spread, never more to a node than allowed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::Score;

use crate::cluster::Cluster;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::{Cause, Cell, Table, cell_of};
use crate::list_sort::list_sort;
use crate::place::Placing;

/// How many instances may be assigned at all, and how many of them to one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) total: usize,
    pub(crate) per_node: usize,
}

/// The instances of one clone or bundle while they are being assigned.
struct Spread {
    collective: ResourceIx,
    limits: Limits,
    /// Instances assigned to each node so far, those reserved included.
    occupied: Vec<usize>,
}

impl Placing {
    pub(crate) fn assign_clone(
        &mut self,
        rsc: ResourceIx,
        prefer: Option<NodeIx>,
        stop_if_fail: bool,
    ) -> Option<NodeIx> {
        if !self.home(rsc).provisional || self.home(rsc).assigning {
            return None;
        }
        let limits = {
            let info = self.cluster[rsc].clone_info()?;
            Limits { total: info.max, per_node: info.node_max }
        };
        self.homes[rsc.position()].assigning = true;
        let promotable = self.cluster[rsc].promotable();
        if promotable {
            self.draw_to_promotion(rsc);
        }
        for colocation in self.this_with(rsc) {
            let primary = self.rules[colocation].primary;
            self.assign(primary, prefer, stop_if_fail);
        }
        for colocation in self.with_this(rsc) {
            self.add_dependents_scores(colocation, rsc);
        }
        self.show(rsc, "pcmk__clone_assign");
        let mut instances = self.cluster[rsc].children.clone();
        self.sort_instances(&mut instances);
        self.assign_instances(rsc, &instances, limits);
        if promotable {
            self.choose_promoted(rsc);
        }
        let home = &mut self.homes[rsc.position()];
        home.provisional = false;
        home.assigning = false;
        None
    }

    /// Assigns the instances of a clone or bundle, which the caller has put in order.
    pub(crate) fn assign_instances(
        &mut self,
        collective: ResourceIx,
        instances: &[ResourceIx],
        limits: Limits,
    ) {
        let mut spread = Spread { collective, limits, occupied: vec![0; self.cluster.nodes.len()] };
        let fair_share = self.fair_share(&spread);
        let mut assigned = 0;
        for &instance in instances {
            if assigned >= limits.total {
                break;
            }
            if let Some(current) = self.node_to_keep(&spread, instance, fair_share)
                && self.keep_instance(&mut spread, instance, current, limits.total - assigned)
            {
                assigned += 1;
            }
        }
        for &instance in instances {
            if !self.home(instance).provisional {
                continue;
            }
            if assigned >= limits.total {
                self.ban_everywhere(instance, "instance limit reached");
            } else if let Some(node) = self.assign_instance(&spread, instance, None) {
                spread.occupied[node.position()] += 1;
                assigned += 1;
            }
        }
    }

    /// The number of instances a node would have if they were spread evenly.
    fn fair_share(&self, spread: &Spread) -> usize {
        let candidates = self.scores.candidates(spread.collective);
        let usable = candidates.iter().filter(|node| self.available(**node, None, false)).count();
        spread.limits.total.checked_div(usable).unwrap_or(0).max(1)
    }

    /// The node where an active, healthy instance could simply stay.
    fn node_to_keep(
        &self,
        spread: &Spread,
        instance: ResourceIx,
        fair_share: usize,
    ) -> Option<NodeIx> {
        if !self.home(instance).provisional || self.cluster[instance].failed {
            return None;
        }
        let node = self.cluster.current_node(instance)?;
        let has_room = !self.scores.allowed(spread.collective, node)
            || spread.occupied[node.position()] < fair_share;
        (has_room && self.available(node, None, false)).then_some(node)
    }

    /// Tries to leave an instance where it is.
    ///
    /// When it would rather be elsewhere, a place there is set aside for another instance, since
    /// instances are alike, and the attempt is made again; as often as there are instances left.
    fn keep_instance(
        &mut self,
        spread: &mut Spread,
        instance: ResourceIx,
        current: NodeIx,
        left: usize,
    ) -> bool {
        let score = self.scores.get(instance, current);
        if !self.scores.allowed(instance, current) || !self.available(current, Some(score), false) {
            return false;
        }
        let scores = self.family_tables(instance);
        let mut attempt = Spread { occupied: spread.occupied.clone(), ..*spread };
        for _ in 0..left {
            let chosen = self.assign_instance(&attempt, instance, Some(current));
            if chosen == Some(current) {
                spread.occupied[current.position()] += 1;
                return true;
            }
            if chosen.is_some() {
                self.unassign(instance);
            } else {
                // the members of a group that fits nowhere have been asked often enough
                self.homes[instance.position()].provisional = true;
            }
            for (part, table) in &scores {
                self.scores.replace(*part, table.clone());
            }
            let Some(chosen) = chosen else { break };
            attempt.occupied[chosen.position()] += 1;
        }
        false
    }

    fn family_tables(&self, rsc: ResourceIx) -> Vec<(ResourceIx, Table)> {
        let family = self.cluster.family(rsc);
        family.into_iter().map(|part| (part, self.scores.table(part))).collect()
    }

    /// Assigns one instance to the best node that has room for it.
    fn assign_instance(
        &mut self,
        spread: &Spread,
        instance: ResourceIx,
        prefer: Option<NodeIx>,
    ) -> Option<NodeIx> {
        if self.home(instance).assigning {
            return None;
        }
        for node in self.scores.candidates(instance) {
            if !self.has_room(spread, instance, node) {
                self.ban_instance(instance, node);
            }
        }
        // an attempt to keep an instance can be undone: it must not stop it for good
        self.assign(instance, prefer, prefer.is_none())
    }

    fn has_room(&self, spread: &Spread, instance: ResourceIx, node: NodeIx) -> bool {
        !self.cluster[instance].removed
            && self.available(node, None, false)
            && self.scores.allowed(spread.collective, node)
            && self.scores.get(spread.collective, node) >= Score::ZERO
            && spread.occupied[node.position()] < spread.limits.per_node
    }

    fn ban_instance(&mut self, instance: ResourceIx, node: NodeIx) {
        let cause = Cause::BuiltIn("no room for an instance");
        self.scores.add(instance, node, Score::MINUS_INFINITY, cause);
        for child in self.cluster[instance].children.clone() {
            if self.scores.allowed(child, node) {
                self.scores.add(child, node, Score::MINUS_INFINITY, cause);
            }
        }
    }

    /// Lets a resource run on no node at all.
    pub(crate) fn ban_everywhere(&mut self, rsc: ResourceIx, why: &'static str) {
        for position in 0..self.cluster.nodes.len() {
            let node = NodeIx::at(position);
            let cause = Cause::BuiltIn(why);
            let Self { cluster, scores, .. } = self;
            crate::unpack::add_score(cluster, scores, rsc, node, Score::MINUS_INFINITY, cause);
        }
    }

    /// Puts instances in the order in which they get their nodes.
    pub(crate) fn sort_instances(&mut self, instances: &mut [ResourceIx]) {
        let mut pulls = Pulls::new();
        list_sort(instances, &mut |a, b| self.compare_instances(*a, *b, &mut pulls));
    }

    /// Those that are best left alone come first.
    pub(crate) fn compare_instances(
        &mut self,
        a: ResourceIx,
        b: ResourceIx,
        pulls: &mut Pulls,
    ) -> Ordering {
        let (mut node_a, count_a, _) = self.cluster.active_node(a);
        let (mut node_b, count_b, _) = self.cluster.active_node(b);
        // of active ones, those active in fewer places
        if count_a > 0 && count_b > 0 && count_a != count_b {
            return count_a.cmp(&count_b);
        }
        // inactive, or active where they may be
        let fits_a = self.forget_banned(a, &mut node_a);
        let fits_b = self.forget_banned(b, &mut node_b);
        let order = fits_b.cmp(&fits_a).then_with(|| self.merit(b).cmp(&self.merit(a)));
        if order.is_ne() {
            return order;
        }
        let (node_a, node_b) = match (node_a, node_b) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(a), Some(b)) => (a, b),
        };
        let usable = |node: NodeIx| self.available(node, None, false);
        usable(node_b)
            .cmp(&usable(node_a))
            .then_with(|| self.did_fail(a).cmp(&self.did_fail(b)))
            .then_with(|| self.pull(b, node_b, pulls).cmp(&self.pull(a, node_a, pulls)))
            .then_with(|| number_of(&self.cluster, a).cmp(&number_of(&self.cluster, b)))
    }

    /// Tells whether an instance is inactive or where it may be; otherwise it counts as inactive.
    fn forget_banned(&self, instance: ResourceIx, node: &mut Option<NodeIx>) -> bool {
        let Some(at) = *node else { return true };
        let fits =
            self.scores.allowed(instance, at) && self.scores.get(instance, at) >= Score::ZERO;
        if !fits {
            *node = None;
        }
        fits
    }

    fn did_fail(&self, rsc: ResourceIx) -> bool {
        self.cluster.family(rsc).into_iter().any(|part| self.cluster[part].failed)
    }

    /// How much colocations speak for the node that an instance is on.
    fn pull(&mut self, instance: ResourceIx, node: NodeIx, pulls: &mut Pulls) -> Score {
        if let Some(known) = pulls.get(&instance) {
            return *known;
        }
        let mut table: Table = vec![Cell::ABSENT; self.cluster.nodes.len()];
        let own = self.scores.ledger.cause(Cause::NodeScore);
        table[node.position()] = self.scores.ledger.begin(self.cluster[node].score, own);
        let mut table = Some(table);
        self.add_colocations_of_all(instance, &mut table);
        let table = table.unwrap_or_default();
        let pull = self.scores.ledger.score(cell_of(&table, node));
        pulls.insert(instance, pull);
        pull
    }
}

/// How much colocations speak for the places of instances, asked once in a sort: nothing that
/// they depend on moves meanwhile.
pub(crate) type Pulls = BTreeMap<ResourceIx, Score>;

/// The number at the end of an instance's name.
fn number_of(cluster: &Cluster, instance: ResourceIx) -> u64 {
    let id = &cluster[instance].id;
    id.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Sorts instances by the number at the end of their names.
pub(crate) fn sort_by_number(cluster: &Cluster, instances: &mut [ResourceIx]) {
    instances.sort_by_cached_key(|instance| number_of(cluster, *instance));
}

//! Where resources have been put so far, and which nodes could take them: what placing asks and
//! the phases after it ask as well.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::Score;

use crate::cluster::{Cluster, Placement};
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Scores;
use crate::list_sort::list_sort;
use crate::place::Home;
use crate::role::Role;

/// A look at everything that decides about nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) scores: &'a Scores,
    pub(crate) homes: &'a [Home],
    /// Resources assigned to each node so far.
    pub(crate) counts: &'a [i64],
    /// Free capacity of each node.
    pub(crate) free: &'a [BTreeMap<String, i64>],
}

impl Scene<'_> {
    fn home(&self, rsc: ResourceIx) -> Option<NodeIx> {
        self.homes.get(rsc.position()).and_then(|home| home.node)
    }

    /// The nodes that a resource may be assigned to, by name.
    pub(crate) fn candidates_in_order(&self, rsc: ResourceIx) -> Vec<NodeIx> {
        let order = self.cluster.node_order.iter().copied();
        order.filter(|node| self.scores.allowed(rsc, *node)).collect()
    }

    /// Tells whether a node can take resources; a score, if given, must not be negative.
    pub(crate) fn available(&self, node: NodeIx, score: Option<Score>, guest: bool) -> bool {
        let host = &self.cluster[node];
        if !host.online || host.shutdown || host.unclean || host.standby || host.maintenance {
            return false;
        }
        if score.is_some_and(|score| score < Score::ZERO) {
            return false;
        }
        if guest && let Some(container) = self.cluster.guest_container(node) {
            return self.home(container).is_some();
        }
        true
    }

    /// A candidate with its score, as far as it can take resources now.
    fn rated(&self, rsc: ResourceIx, node: NodeIx) -> Option<(NodeIx, Score)> {
        let score = || match self.available(node, None, false) {
            true => self.scores.get(rsc, node),
            false => Score::MINUS_INFINITY,
        };
        self.scores.allowed(rsc, node).then(|| (node, score()))
    }

    /// The best of some nodes for a resource.
    pub(crate) fn best_node(
        &self,
        rsc: ResourceIx,
        active: Option<NodeIx>,
        among: impl Fn(NodeIx) -> bool,
    ) -> Option<NodeIx> {
        if self.cluster.properties.placement == Placement::Balanced {
            return self.sorted_nodes(rsc, active).into_iter().find(|node| among(*node));
        }
        let nodes = self.cluster.node_by_name.values().filter(|node| among(**node));
        let rated = nodes.filter_map(|node| self.rated(rsc, *node));
        rated.min_by(|a, b| self.compare_nodes(*a, *b, active)).map(|(node, _)| node)
    }

    /// Sorts nodes for a resource, the best first.
    pub(crate) fn sorted_nodes(&self, rsc: ResourceIx, active: Option<NodeIx>) -> Vec<NodeIx> {
        let rated = |node: &NodeIx| self.rated(rsc, *node);
        // free capacity makes no strict order, so it matters in which one the nodes are before; else
        // equals stay in that of their names (unlike in lists, digits are just letters here)
        let balanced = self.cluster.properties.placement == Placement::Balanced;
        let mut nodes: Vec<(NodeIx, Score)> = if balanced {
            self.cluster.node_order.iter().filter_map(rated).collect()
        } else {
            self.cluster.node_by_name.values().filter_map(rated).collect()
        };
        list_sort(&mut nodes, &mut |a, b| self.compare_nodes(*a, *b, active));
        nodes.into_iter().map(|(node, _)| node).collect()
    }

    fn compare_nodes(
        &self,
        (a, score_a): (NodeIx, Score),
        (b, score_b): (NodeIx, Score),
        active: Option<NodeIx>,
    ) -> Ordering {
        let by_count = || {
            let count = |node: NodeIx| self.counts[node.position()];
            let active_first = || (active == Some(b)).cmp(&(active == Some(a)));
            count(a).cmp(&count(b)).then_with(active_first)
        };
        let by_score = score_b.cmp(&score_a);
        match self.cluster.properties.placement {
            Placement::Minimal => by_score,
            Placement::Default | Placement::Utilization => by_score.then_with(by_count),
            Placement::Balanced => {
                let free = |node: NodeIx| &self.free[node.position()];
                let by_capacity = || crate::utilization::compare_capacity(free(a), free(b));
                let by_name = || self.cluster[a].name.cmp(&self.cluster[b].name);
                by_score.then_with(by_capacity).then_with(by_count).then_with(by_name)
            }
        }
    }

    /// The node or nodes that a resource (or what is in it) is assigned to.
    pub(crate) fn assigned_nodes(&self, rsc: ResourceIx) -> Vec<NodeIx> {
        let mut found = Vec::new();
        for part in self.cluster.family(rsc) {
            if let Some(node) = self.home(part)
                && self.cluster[part].is_primitive()
                && !found.contains(&node)
            {
                found.push(node);
            }
        }
        found
    }

    /// The assigned node if there is exactly one.
    pub(crate) fn assigned_node(&self, rsc: ResourceIx) -> Option<NodeIx> {
        if self.cluster[rsc].is_primitive() {
            return self.home(rsc);
        }
        single(&self.assigned_nodes(rsc))
    }

    /// The one node that a resource is active on, or is assigned to.
    fn location(&self, rsc: ResourceIx, current: bool) -> Option<NodeIx> {
        if !current {
            return self.assigned_node(rsc);
        }
        let one = &self.cluster[rsc];
        if one.is_primitive() {
            return single(&one.running_on);
        }
        single(&self.cluster.active_nodes(rsc))
    }

    /// The instance of a clone, or the container of a bundle, that goes with a resource: the one
    /// on the resource's node or, while it has none, on the best node that has one.
    pub(crate) fn compatible(
        &self,
        rsc: ResourceIx,
        collective: ResourceIx,
        role: Option<Role>,
        current: bool,
    ) -> Option<ResourceIx> {
        let instances = match self.cluster.bundle(collective) {
            Some(bundle) => Cow::Owned(bundle.containers()),
            None => Cow::Borrowed(self.cluster[collective].children.as_slice()),
        };
        let fits = |instance: ResourceIx| {
            !self.cluster.is_blocked(instance)
                && role.is_none_or(|role| self.cluster.role_of(instance, current) == role)
        };
        let places = instances.iter().copied();
        let places = places.map(|instance| (instance, self.location(instance, current)));
        if let Some(node) = self.location(rsc, current) {
            let mut there = places.filter(|(_, place)| *place == Some(node));
            return there.find(|(instance, _)| fits(*instance)).map(|(instance, _)| instance);
        }
        let found = places.filter_map(|(instance, place)| Some((instance, place?)));
        let found: Vec<_> = found.filter(|(instance, _)| fits(*instance)).collect();
        let at = |node: NodeIx| found.iter().find(|(_, place)| *place == node);
        let best = self.best_node(rsc, None, |node| at(node).is_some())?;
        at(best).map(|(instance, _)| *instance)
    }
}

fn single(nodes: &[NodeIx]) -> Option<NodeIx> {
    match *nodes {
        [node] => Some(node),
        _ => None,
    }
}

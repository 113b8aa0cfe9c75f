//! The third phase: a node for every resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Score;

use crate::action::Book;
use crate::cluster::{Cluster, Placement, QuorumPolicy, Variant};
use crate::constraint::{Colocation, Constrained, Constraints};
use crate::decision::{Decided, Listed, Record, Shown};
use crate::index::{ColocationIx, NodeIx, ResourceIx};
use crate::ledger::{Scores, Table};
use crate::list_sort::list_sort;
use crate::role::Role;
use crate::scene::Scene;

/// Where a resource will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    pub(crate) node: Option<NodeIx>,
    /// Not decided yet.
    pub(crate) provisional: bool,
    pub(crate) assigning: bool,
    pub(crate) merging: bool,
}

/// Resources while they are being assigned.
#[derive(Debug)]
pub(crate) struct Placing {
    pub(crate) cluster: Cluster,
    pub(crate) book: Book,
    pub(crate) scores: Scores,
    pub(crate) rules: Constraints,
    pub(crate) homes: Vec<Home>,
    /// Resources assigned to each node so far.
    pub(crate) counts: Vec<i64>,
    /// Free capacity of each node.
    pub(crate) free: Vec<BTreeMap<String, i64>>,
    pub(crate) promotion: crate::promote::Promotion,
    pub(crate) surveys: crate::survey::Surveys,
    pub(crate) record: Record,
}

/// Resources with their nodes.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) cluster: Cluster,
    pub(crate) book: Book,
    pub(crate) scores: Scores,
    pub(crate) rules: Constraints,
    pub(crate) homes: Vec<Home>,
    pub(crate) counts: Vec<i64>,
    pub(crate) free: Vec<BTreeMap<String, i64>>,
    pub(crate) record: Record,
}

/// Assigns every resource, and records what was decided on which scores.
pub(crate) fn place(constrained: Constrained, record: Record) -> Placed {
    let Constrained { cluster, book, scores, rules } = constrained;
    let home = Home { node: None, provisional: true, assigning: false, merging: false };
    let mut placing = Placing {
        homes: vec![home; cluster.resources.len()],
        counts: vec![0; cluster.nodes.len()],
        free: cluster.nodes.iter().map(|node| node.utilization.clone()).collect(),
        promotion: crate::promote::Promotion::default(),
        surveys: crate::survey::Surveys::default(),
        record,
        cluster,
        book,
        scores,
        rules,
    };
    if placing.cluster.properties.placement != Placement::Default {
        placing.sort_by_placement();
    }
    placing.note_capacity("Original");
    // connections first, with what they need: what runs on their nodes depends on where they are
    for remotes in [true, false] {
        for rsc in placing.cluster.top.clone() {
            let one = &placing.cluster[rsc];
            if one.is_remote == remotes {
                let prefer = if remotes { one.migration_target } else { None };
                placing.assign(rsc, prefer, true);
            }
        }
    }
    placing.note_capacity("Remaining");
    let Placing {
        cluster,
        book,
        scores,
        rules,
        homes,
        counts,
        free,
        record,
        promotion: _,
        surveys: _,
    } = placing;
    Placed { cluster, book, scores, rules, homes, counts, free, record }
}

impl Placed {
    /// A look at where things are.
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            cluster: &self.cluster,
            scores: &self.scores,
            homes: &self.homes,
            counts: &self.counts,
            free: &self.free,
        }
    }

    /// Takes a resource, and all that is in it, off its node for good; tells whether that changes
    /// anything.
    pub(crate) fn give_up(&mut self, rsc: ResourceIx) -> bool {
        let mut changed = false;
        for part in self.cluster.family(rsc) {
            if self.cluster[part].is_primitive() {
                changed |= self.homes[part.position()].node.take().is_some();
                self.cluster[part].next_role = Role::Stopped;
                self.book.stop_for_good(part);
            }
        }
        changed
    }
}

impl Placing {
    pub(crate) fn home(&self, rsc: ResourceIx) -> Home {
        self.homes[rsc.position()]
    }

    /// A look at where things are.
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            cluster: &self.cluster,
            scores: &self.scores,
            homes: &self.homes,
            counts: &self.counts,
            free: &self.free,
        }
    }

    /// The nodes that a resource may be assigned to, by name.
    pub(crate) fn candidates_in_order(&self, rsc: ResourceIx) -> Vec<NodeIx> {
        self.scene().candidates_in_order(rsc)
    }

    /// Tells whether a node can take resources; a score, if given, must not be negative.
    pub(crate) fn available(&self, node: NodeIx, score: Option<Score>, guest: bool) -> bool {
        self.scene().available(node, score, guest)
    }

    /// Tells whether any node of a table can take resources.
    pub(crate) fn any_available(&self, table: &Table) -> bool {
        table.iter().enumerate().any(|(position, cell)| {
            cell.present()
                && self.available(
                    NodeIx::at(position),
                    Some(self.scores.ledger.score(*cell)),
                    false,
                )
        })
    }

    /// Lists the scores of a resource, and of what is in it, under the name of a step.
    pub(crate) fn show(&mut self, rsc: ResourceIx, step: &'static str) {
        if self.cluster[rsc].removed || !self.record.wanted() {
            return;
        }
        for node in self.candidates_in_order(rsc) {
            let cell = self.scores.cell(rsc, node);
            self.record.show(Shown { what: Listed::Node(step), rsc, node: Some(node), cell });
        }
        for child in self.cluster[rsc].children.clone() {
            self.show(child, step);
        }
    }

    /// Assigns a resource, and what it depends on before it.
    pub(crate) fn assign(
        &mut self,
        rsc: ResourceIx,
        prefer: Option<NodeIx>,
        stop_if_fail: bool,
    ) -> Option<NodeIx> {
        match self.cluster[rsc].variant {
            Variant::Primitive => self.assign_primitive(rsc, prefer, stop_if_fail),
            Variant::Group { .. } => self.assign_group(rsc, prefer, stop_if_fail),
            Variant::Clone(_) => self.assign_clone(rsc, prefer, stop_if_fail),
            Variant::Bundle(_) => self.assign_bundle(rsc, prefer, stop_if_fail),
        }
    }

    fn assign_group(
        &mut self,
        rsc: ResourceIx,
        prefer: Option<NodeIx>,
        stop_if_fail: bool,
    ) -> Option<NodeIx> {
        if !self.home(rsc).provisional {
            return self.home(rsc).node;
        }
        if self.home(rsc).assigning {
            return None;
        }
        let members = self.cluster[rsc].children.clone();
        let Some(&first) = members.first() else {
            self.homes[rsc.position()].provisional = false;
            return None;
        };
        self.homes[rsc.position()].assigning = true;
        self.cluster[rsc].role = self.cluster[first].role;
        self.show(rsc, "pcmk__group_assign");
        let mut node = None;
        for member in members {
            let assigned = self.assign(member, prefer, stop_if_fail);
            node = node.or(assigned);
        }
        self.cluster[rsc].next_role = self.cluster[first].next_role;
        let home = &mut self.homes[rsc.position()];
        home.assigning = false;
        home.provisional = false;
        match self.cluster[rsc].variant {
            Variant::Group { colocated: true, .. } => node,
            _ => None,
        }
    }

    fn assign_primitive(
        &mut self,
        rsc: ResourceIx,
        prefer: Option<NodeIx>,
        stop_if_fail: bool,
    ) -> Option<NodeIx> {
        if let Some(parent) = self.cluster[rsc].parent
            && !self.home(parent).assigning
        {
            self.assign(parent, prefer, stop_if_fail);
        }
        if !self.home(rsc).provisional {
            return self.home(rsc).node;
        }
        if self.home(rsc).assigning {
            return None;
        }
        self.homes[rsc.position()].assigning = true;
        let this_with = self.this_with(rsc);
        let with_this = self.with_this(rsc);
        // mandatory ones first, to satisfy as many as possible
        for mandatory in [true, false] {
            for &colocation in &this_with {
                if self.rules[colocation].mandatory() == mandatory {
                    self.apply_this_with(colocation, rsc);
                }
            }
            for &colocation in &with_this {
                if self.rules[colocation].mandatory() == mandatory {
                    self.add_dependents_scores(colocation, rsc);
                }
            }
        }
        let one = &self.cluster[rsc];
        if one.next_role == Role::Stopped {
            self.ban_everywhere(rsc, "must be stopped");
        } else if one.next_role > one.role
            && !self.cluster.quorate
            && self.cluster.properties.quorum_policy == QuorumPolicy::Freeze
        {
            self.cluster[rsc].next_role = self.cluster[rsc].role;
        }
        self.show(rsc, "pcmk__primitive_assign");
        if self.cluster.properties.fencing && !self.cluster.has_fencing_device {
            self.cluster[rsc].managed = false;
        }
        if !self.cluster[rsc].managed {
            self.cluster[rsc].next_role = self.cluster[rsc].role;
            let node = self.cluster.current_node(rsc);
            self.assign_to(rsc, node, true, stop_if_fail);
        } else if self.cluster.properties.stop_all {
            self.assign_to(rsc, None, true, stop_if_fail);
        } else {
            self.assign_best(rsc, prefer, stop_if_fail);
        }
        self.homes[rsc.position()].assigning = false;
        if self.cluster[rsc].is_remote {
            self.connection_assigned(rsc);
        }
        self.home(rsc).node
    }

    /// A remote node's connection has a place: the node may become available.
    fn connection_assigned(&mut self, rsc: ResourceIx) {
        let id = self.cluster[rsc].id.clone();
        let Some(node) = self.cluster.find_node(Some(&id), Some(&id)) else { return };
        self.surveys.forget_all();
        let next = self.cluster[rsc].next_role;
        if self.home(rsc).node.is_some() && next != Role::Stopped {
            self.cluster[node].online = true;
            if self.cluster[node].unseen {
                // the connection can be made again: no need to fence
                self.cluster[node].unclean = false;
            }
        } else {
            self.cluster[node].shutdown = true;
        }
    }

    /// Sorts nodes for a resource, the best first.
    pub(crate) fn sorted_nodes(&self, rsc: ResourceIx, active: Option<NodeIx>) -> Vec<NodeIx> {
        self.scene().sorted_nodes(rsc, active)
    }

    fn assign_best(&mut self, rsc: ResourceIx, prefer: Option<NodeIx>, stop_if_fail: bool) {
        let roomiest = self.ban_small_nodes(rsc);
        if self.record.wanted() && self.cluster.properties.placement != Placement::Default {
            for node in self.candidates_in_order(rsc) {
                let cell = self.scores.cell(rsc, node);
                let what = Listed::Decision;
                self.record.show(Shown { what, rsc, node: Some(node), cell });
            }
        }
        let prefer = prefer.or(roomiest);
        let current = self.cluster.current_node(rsc);
        let best = self.scene().best_node(rsc, current, |_| true);
        let score = |node: NodeIx| self.scores.get(rsc, node);
        let mut chosen = prefer.filter(|prefer| {
            self.scores.allowed(rsc, *prefer)
                && best.is_some_and(|best| score(*prefer) >= score(best))
                && self.available(*prefer, Some(score(*prefer)), false)
        });
        if let (None, Some(best)) = (chosen, best) {
            chosen = Some(best);
            let unique_instance = self.cluster[rsc]
                .parent
                .is_some_and(|p| self.cluster[p].is_clone() && self.cluster[p].unique);
            if !unique_instance
                && score(best) > Score::ZERO
                && self.available(best, None, false)
                && let Some(running) = current
            {
                let equal = self.scores.allowed(rsc, running) && score(running) == score(best);
                if equal && self.available(running, None, false) {
                    chosen = Some(running);
                }
            }
        }
        if let (Some(chosen), true) = (chosen, self.record.wanted()) {
            let nodes = self.sorted_nodes(rsc, current);
            let decided = self.decided_by(rsc, chosen, &nodes, current, prefer);
            self.record.decide(rsc, decided);
        }
        self.assign_to(rsc, chosen, false, stop_if_fail);
    }

    /// What spoke for the chosen node where another one had the same score.
    fn decided_by(
        &self,
        rsc: ResourceIx,
        chosen: NodeIx,
        nodes: &[NodeIx],
        current: Option<NodeIx>,
        prefer: Option<NodeIx>,
    ) -> Decided {
        let score = |node: NodeIx| self.scores.get(rsc, node);
        let equal = |node: &&NodeIx| {
            **node != chosen
                && score(**node) == score(chosen)
                && self.available(**node, None, false)
        };
        let Some(&other) = nodes.iter().find(equal) else { return Decided::Score };
        if prefer == Some(chosen) {
            return Decided::Wanted;
        }
        let placement = self.cluster.properties.placement;
        let count = |node: NodeIx| self.counts[node.position()];
        if placement == Placement::Balanced
            && crate::utilization::compare_capacity(
                &self.free[chosen.position()],
                &self.free[other.position()],
            )
            .is_lt()
        {
            Decided::Capacity
        } else if placement != Placement::Minimal && count(chosen) < count(other) {
            Decided::Count
        } else if current == Some(chosen) {
            Decided::Current
        } else {
            Decided::Name
        }
    }

    /// Puts a resource (and what is in it) on a node, or on none.
    pub(crate) fn assign_to(
        &mut self,
        rsc: ResourceIx,
        node: Option<NodeIx>,
        force: bool,
        stop_if_fail: bool,
    ) -> bool {
        let children = self.cluster[rsc].children.clone();
        if !children.is_empty() {
            let mut changed = false;
            for child in children {
                changed |= self.assign_to(child, node, force, stop_if_fail);
            }
            return changed;
        }
        let mut node = node;
        if let (false, Some(wanted)) = (force, node) {
            let score = self.scores.get(rsc, wanted);
            // a guest is taken for up: if it is not, the graph tells
            let usable = self.cluster.is_guest(wanted) || self.available(wanted, None, false);
            if !usable || score < Score::ZERO {
                if stop_if_fail {
                    self.cluster[rsc].next_role = Role::Stopped;
                }
                node = None;
            }
        }
        let changed = self.home(rsc).node != node;
        self.unassign(rsc);
        self.homes[rsc.position()].provisional = false;
        let Some(node) = node else {
            if stop_if_fail {
                self.cluster[rsc].next_role = Role::Stopped;
            }
            // what was planned for it before goes, whether or not another attempt is made
            self.book.stop_for_good(rsc);
            return changed;
        };
        self.homes[rsc.position()].node = Some(node);
        self.counts[node.position()] += 1;
        self.consume(node, rsc, 1);
        self.note_use(rsc, node);
        changed
    }

    /// Takes a resource off its node again.
    pub(crate) fn unassign(&mut self, rsc: ResourceIx) {
        for part in self.cluster.family(rsc) {
            let home = &mut self.homes[part.position()];
            home.provisional = true;
            let Some(old) = home.node.take() else { continue };
            if self.cluster[part].is_primitive() {
                self.counts[old.position()] -= 1;
                self.consume(old, part, -1);
            }
        }
    }

    /// The assigned node if there is exactly one.
    pub(crate) fn assigned_node(&self, rsc: ResourceIx) -> Option<NodeIx> {
        self.scene().assigned_node(rsc)
    }

    fn sort_by_placement(&mut self) {
        let mut nodes = self.cluster.node_order.clone();
        let free = self.free.clone();
        let balanced = self.cluster.properties.placement == Placement::Balanced;
        list_sort(&mut nodes, &mut |a: &NodeIx, b: &NodeIx| {
            let score = |n: NodeIx| {
                if self.available(n, None, false) {
                    self.cluster[n].score
                } else {
                    Score::MINUS_INFINITY
                }
            };
            let by_score = score(*b).cmp(&score(*a));
            if by_score.is_ne() || !balanced {
                return by_score;
            }
            crate::utilization::compare_capacity(&free[a.position()], &free[b.position()])
        });
        let mut top = self.cluster.top.clone();
        let mut tables: BTreeMap<ResourceIx, Table> = BTreeMap::new();
        for &rsc in &top {
            let mut table: Option<Table> = None;
            self.add_colocated(rsc, None, &mut table, None, 1.0, crate::wishes::Select::THIS_WITH);
            tables.insert(rsc, table.unwrap_or_default());
        }
        let score = |rsc: &ResourceIx, node: NodeIx| {
            let cell = tables
                .get(rsc)
                .map_or(crate::ledger::Cell::ABSENT, |table| crate::ledger::cell_of(table, node));
            self.scores.ledger.score(cell)
        };
        list_sort(&mut top, &mut |a, b| {
            let priority = |rsc: &ResourceIx| self.cluster[*rsc].priority;
            let by_priority = priority(b).cmp(&priority(a));
            if by_priority.is_ne() {
                return by_priority;
            }
            let current = |rsc: &ResourceIx| {
                self.cluster
                    .current_node(*rsc)
                    .map_or(Score::MINUS_INFINITY, |node| score(rsc, node))
            };
            let by_current = current(b).cmp(&current(a));
            if by_current.is_ne() {
                return by_current;
            }
            nodes
                .iter()
                .map(|node| score(b, *node).cmp(&score(a, *node)))
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        self.cluster.top = top;
    }

    /// The colocation itself.
    pub(crate) fn colocation(&self, index: ColocationIx) -> Arc<Colocation> {
        Arc::clone(&self.rules.colocations[index.position()])
    }
}

//! Colocation with clones: the dependent goes where an instance is.

use model::Score;

use crate::constraint::Colocation;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::{Cause, Table};
use crate::place::Placing;
use crate::values::{fraction, truth};

impl Placing {
    /// Lets a colocation with a clone bear on the dependent's scores.
    pub(crate) fn apply_clone_score(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
    ) {
        if self.home(primary).provisional {
            return;
        }
        let instances = self.cluster[primary].children.clone();
        if self.interleaves(colocation) {
            match self.scene().compatible(dependent, primary, None, false) {
                Some(instance) => self.apply_score(dependent, instance, colocation, true),
                None if colocation.score.is_infinite() => {
                    // without its partner it can't be anywhere
                    self.assign_to(dependent, None, true, true);
                }
                None => {}
            }
        } else if colocation.score.is_infinite() {
            let nodes: Vec<NodeIx> = instances
                .iter()
                .filter(|instance| !self.cluster.is_blocked(**instance))
                .filter_map(|instance| self.assigned_node(*instance))
                .collect();
            self.keep_only(dependent, &nodes, colocation, primary);
        } else {
            for instance in instances {
                self.apply_score(dependent, instance, colocation, false);
            }
        }
    }

    /// Tells whether each instance of the dependent goes with one of the primary.
    fn interleaves(&self, colocation: &Colocation) -> bool {
        let dependent = &self.cluster[colocation.dependent];
        let per_node = |rsc: ResourceIx| self.cluster.instances_per_node(rsc);
        dependent.is_collective()
            && truth(dependent.meta.get("interleave").map(String::as_str))
            && per_node(colocation.dependent) == per_node(colocation.primary)
    }

    /// Bans a resource from all nodes but some.
    pub(crate) fn keep_only(
        &mut self,
        rsc: ResourceIx,
        nodes: &[NodeIx],
        colocation: &Colocation,
        other: ResourceIx,
    ) {
        let cause = Cause::Colocation(colocation.id.clone(), self.cluster[other].id.clone());
        for node in self.scores.candidates(rsc) {
            if !nodes.contains(&node) {
                self.scores.add(rsc, node, Score::MINUS_INFINITY, cause.clone());
            }
        }
    }

    /// Adds what an instance's colocations, and those of its clone, say about the nodes of a table.
    pub(crate) fn add_own_colocations(&mut self, rsc: ResourceIx, table: &mut Option<Table>) {
        use crate::colocate::Select;
        for index in self.this_with(rsc) {
            let colocation = self.colocation(index);
            let factor = fraction(colocation.score);
            let other = colocation.primary;
            self.add_colocated(other, Some(rsc), table, Some(&colocation), factor, Select::NONE);
        }
        for index in self.with_this(rsc) {
            let colocation = self.colocation(index);
            if !self.has_influence(&colocation, Some(rsc)) {
                continue;
            }
            let (factor, other) = (fraction(colocation.score), colocation.dependent);
            let select = Select::NONNEGATIVE;
            self.add_colocated(other, Some(rsc), table, Some(&colocation), factor, select);
        }
    }
}

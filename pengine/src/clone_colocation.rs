//! Colocation with clones: the dependent goes where an instance is.

use model::Score;

use crate::constraint::Colocation;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::{Cause, Table};
use crate::place::Placing;
use crate::role::Role;
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
        if self.cluster[primary].promotable() && colocation.primary_role != Role::Unknown {
            if self.home(dependent).provisional {
                return self.follow_role(dependent, primary, colocation);
            }
            if colocation.dependent_role == Role::Promoted {
                return self.follow_role_by_merit(dependent, primary, colocation);
            }
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
            let places: Vec<(NodeIx, Score)> = instances
                .iter()
                .filter(|instance| !self.cluster.is_blocked(**instance))
                .filter_map(|instance| self.assigned_node(*instance))
                .map(|node| (node, Score::ZERO))
                .collect();
            self.keep_beside(dependent, primary, &places, colocation);
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

    /// Keeps a resource to the nodes that count as the same place as some, each of which adds its
    /// score there.
    pub(crate) fn keep_beside(
        &mut self,
        rsc: ResourceIx,
        other: ResourceIx,
        places: &[(NodeIx, Score)],
        colocation: &Colocation,
    ) {
        let attribute = colocation.attribute();
        let cause = Cause::Colocation(colocation.index, other);
        for node in self.scores.candidates(rsc) {
            let value = self.colocation_value(node, attribute, rsc);
            let same_place = places.iter().filter(|(place, _)| {
                let there = self.colocation_value(*place, attribute, other);
                crate::colocate::same(value, there)
            });
            let score = same_place.map(|(_, score)| *score).max();
            let score = score.unwrap_or(Score::MINUS_INFINITY);
            if score != Score::ZERO {
                self.scores.add(rsc, node, score, cause);
            }
        }
    }

    /// Adds what the colocations of an instance's clone or bundle say about the nodes of a table;
    /// what ties the parts of a bundle together has no say.
    pub(crate) fn add_colocations_of_all(&mut self, rsc: ResourceIx, table: &mut Option<Table>) {
        use crate::wishes::Select;
        let Some(collective) = self.cluster[rsc].parent else { return };
        for index in self.this_with(collective) {
            let colocation = self.colocation(index);
            let factor = fraction(colocation.score);
            let other = colocation.primary;
            self.add_colocated(other, Some(rsc), table, Some(&colocation), factor, Select::NONE);
        }
        for index in self.with_this(collective) {
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

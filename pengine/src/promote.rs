//! Which instances of a promotable clone are promoted.
//!
//! It happens in two moments of a clone's assignment. Before the instances have nodes, promotion
//! scores draw them to the nodes where they could be promoted ([`Placing::draw_to_promotion`]).
//! Once they have nodes, each instance gets a *merit*: its promotion score, changed by location
//! constraints and colocations that name a role. Merits are put on the clone's nodes, where what is
//! colocated with the promoted instance adds its wishes; the best instances are promoted, as many
//! as `promoted-max` and `promoted-node-max` let in ([`Placing::choose_promoted`]).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::Score;

use crate::cluster::{Cluster, QuorumPolicy};
use crate::constraint::{Colocation, Location};
use crate::decision::{Listed, Shown};
use crate::index::{NodeIx, ResourceIx};
use crate::instances::Pulls;
use crate::ledger::{Cause, Cell};
use crate::list_sort::list_sort;
use crate::place::Placing;
use crate::role::Role;
use crate::values::{self, fraction};
use crate::wishes::Select;

/// The merit of an instance that no agent wants to be promoted: any location constraint or
/// colocation for the promoted role makes up for it.
const UNWANTED: i64 = -1;

/// How much speaks for the promotion of each instance.
#[derive(Debug, Default)]
pub(crate) struct Promotion {
    /// What an instance earns by itself; without an entry, its `priority`.
    merits: BTreeMap<ResourceIx, Cell>,
    /// The score by which instances were compared at last, for those that had a node.
    ranks: BTreeMap<ResourceIx, Cell>,
    /// Clones whose instances are given roles, or have them already.
    begun: BTreeSet<ResourceIx>,
}

impl Promotion {
    /// Tells whether the roles of a clone's instances are being decided, or are.
    pub(crate) fn begun(&self, clone: ResourceIx) -> bool {
        self.begun.contains(&clone)
    }

    /// The score by which an instance was compared with its siblings.
    pub(crate) fn rank(&self, instance: ResourceIx) -> Option<Cell> {
        self.ranks.get(&instance).copied()
    }
}

/// The attributes by which one agent can ask for promotion: its own, and one that it shares with
/// the other instances.
struct Asked {
    rsc: ResourceIx,
    own: String,
    shared: Option<String>,
}

impl Placing {
    /// Draws instances to the nodes where their agents want them to be promoted.
    pub(crate) fn draw_to_promotion(&mut self, clone: ResourceIx) {
        for instance in self.cluster[clone].children.clone() {
            let mut best = self.merit(instance);
            let asked = self.asked_by(instance);
            for node in self.candidates_in_order(instance) {
                if !self.available(node, None, false) {
                    continue;
                }
                let Some(score) = self.promotion_score(&asked, node) else { continue };
                if score > Score::ZERO {
                    self.scores.add(instance, node, score, Cause::BuiltIn("promotion score"));
                }
                if score > best {
                    best = score;
                    self.set_merit(instance, score, Cause::BuiltIn("promotion score"));
                }
            }
        }
    }

    /// Gives every instance of a promotable clone its role.
    pub(crate) fn choose_promoted(&mut self, clone: ResourceIx) {
        let locations = self.promoted_locations(clone);
        for instance in self.cluster[clone].children.clone() {
            self.judge(instance, &locations);
        }
        let ranked = self.rank_instances(clone);
        let limit = self.cluster[clone].clone_info().map_or(0, |info| info.promoted_max);
        let mut promoted_on: Vec<NodeIx> = Vec::new();
        for instance in ranked {
            let rank = self.rank_of(instance);
            self.show_rank(instance);
            let wanted =
                rank >= Score::ZERO && (promoted_on.len() < limit || !self.cluster[clone].managed);
            let node = wanted
                .then(|| self.node_for_promotion(clone, instance, &promoted_on))
                .flatten()
                .filter(|_| !self.frozen(instance));
            match node {
                Some(node) => {
                    promoted_on.push(node);
                    self.promote(instance);
                }
                None => self.leave_unpromoted(instance),
            }
        }
    }

    /// Finds out what speaks for an instance on the node that it was assigned to.
    fn judge(&mut self, instance: ResourceIx, locations: &[Location]) {
        for part in self.cluster.family(instance) {
            if self.cluster[part].role == Role::Started {
                self.cluster[part].role = Role::Unpromoted;
            }
        }
        let Some(node) = self.assigned_node(instance) else {
            self.set_merit(instance, Score::MINUS_INFINITY, Cause::BuiltIn("not active"));
            return;
        };
        let score = |this: &Self| this.promotion_score(&this.asked_by(instance), node);
        match self.cluster.role_of(instance, false) {
            Role::Unknown | Role::Started => match score(self) {
                Some(score) => self.set_merit(instance, score, Cause::BuiltIn("promotion score")),
                None => {
                    let cause = Cause::BuiltIn("no promotion score");
                    self.set_merit(instance, Score::new(UNWANTED), cause);
                }
            },
            Role::Stopped | Role::Unpromoted => {
                let cause = Cause::BuiltIn("must not be promoted");
                self.set_merit(instance, Score::MINUS_INFINITY, cause);
            }
            // unmanaged: it is promoted and stays so
            Role::Promoted => {}
        }
        for location in locations {
            let about_sibling =
                self.cluster[location.resource].parent.is_some() && location.resource != instance;
            let score = location.nodes.iter().find(|(there, _)| *there == node);
            if let (false, Some((_, score))) = (about_sibling, score) {
                self.add_merit(instance, *score, Cause::Location(location.index));
            }
        }
        for index in self.this_with(instance) {
            let colocation = self.colocation(index);
            self.apply_score(instance, colocation.primary, &colocation, true);
        }
    }

    /// The location constraints for the promoted role of a clone, its instances or its bundle.
    fn promoted_locations(&self, clone: ResourceIx) -> Vec<Location> {
        let instances = &self.cluster[clone].children;
        let bundle = self.cluster.bundle_of(clone);
        let about =
            |rsc: ResourceIx| rsc == clone || instances.contains(&rsc) || Some(rsc) == bundle;
        let all = self.rules.locations.iter();
        all.filter(|l| l.role == Role::Promoted && about(l.resource)).cloned().collect()
    }

    /// Returns the instances of a clone in the order of promotion.
    ///
    /// The clone's own scores are where merits and the wishes of others meet; they are put back
    /// afterwards, since they are about starting instances, not about promoting them.
    fn rank_instances(&mut self, clone: ResourceIx) -> Vec<ResourceIx> {
        let own_scores = self.scores.table(clone);
        self.homes[clone.position()].merging = true;
        self.promotion.begun.insert(clone);
        let instances = self.cluster[clone].children.clone();
        for &instance in &instances {
            if let Some((node, merit)) = self.standing(instance) {
                self.scores.add(clone, node, merit, Cause::BuiltIn("merit of an instance"));
            }
        }
        self.add_promoted_colocations(clone);
        if self.lacks_promotion_ticket(clone) {
            self.ban_everywhere(clone, "no ticket for promotion");
        }
        for &instance in &instances {
            let rank = match self.standing(instance) {
                _ if self.stays_promoted(instance) => self.infinite_rank(),
                Some((node, _)) => self.scores.cell(clone, node),
                None => self.merit_cell(instance),
            };
            self.promotion.ranks.insert(instance, rank);
        }
        if self.cluster.bundle_of(clone).is_none() {
            // (a bundle sets the scores of the clone inside anew whenever it is assigned)
            self.scores.replace(clone, own_scores);
        }
        let mut sorted = instances;
        let mut pulls = Pulls::new();
        list_sort(&mut sorted, &mut |a, b| self.compare_for_promotion(*a, *b, &mut pulls));
        self.homes[clone.position()].merging = false;
        sorted
    }

    /// An instance that may be promoted: its node, and what it puts in for it.
    fn standing(&self, instance: ResourceIx) -> Option<(NodeIx, Score)> {
        let node = self.assigned_node(instance)?;
        let merit = if self.cluster.role_of(instance, false) == Role::Promoted {
            Score::INFINITY
        } else {
            self.merit(instance)
        };
        (merit >= Score::ZERO).then_some((node, merit))
    }

    /// Lets resources that are colocated with promoted instances say where they would like them.
    fn add_promoted_colocations(&mut self, clone: ResourceIx) {
        for index in self.this_with(clone) {
            let colocation = self.colocation(index);
            if colocation.dependent_role == Role::Promoted {
                let select =
                    if colocation.score.is_infinite() { Select::NONE } else { Select::ACTIVE };
                self.add_wishes(clone, colocation.primary, &colocation, select);
            }
        }
        for index in self.with_this(clone) {
            let colocation = self.colocation(index);
            if colocation.primary_role == Role::Promoted && self.has_influence(&colocation, None) {
                let select = Select::ACTIVE.and(Select::NONNEGATIVE);
                self.add_wishes(clone, colocation.dependent, &colocation, select);
            }
        }
    }

    fn add_wishes(
        &mut self,
        clone: ResourceIx,
        other: ResourceIx,
        colocation: &Colocation,
        select: Select,
    ) {
        let mut table = Some(self.scores.table(clone));
        let factor = fraction(colocation.score);
        self.add_colocated(other, Some(clone), &mut table, Some(colocation), factor, select);
        if let Some(table) = table {
            self.scores.replace(clone, table);
        }
    }

    fn lacks_promotion_ticket(&self, clone: ResourceIx) -> bool {
        self.rules.tickets.iter().any(|constraint| {
            constraint.resource == clone
                && constraint.role == Role::Promoted
                && self
                    .cluster
                    .tickets
                    .get(&constraint.ticket)
                    .is_none_or(|ticket| !ticket.granted || ticket.standby)
        })
    }

    fn stays_promoted(&self, instance: ResourceIx) -> bool {
        !self.cluster[instance].managed && self.cluster.role_of(instance, false) == Role::Promoted
    }

    fn infinite_rank(&mut self) -> Cell {
        let cause = self.scores.ledger.cause(Cause::BuiltIn("promoted and unmanaged"));
        self.scores.ledger.begin(Score::INFINITY, cause)
    }

    /// The better rank comes first, then the higher current role, then the usual order.
    fn compare_for_promotion(
        &mut self,
        a: ResourceIx,
        b: ResourceIx,
        pulls: &mut Pulls,
    ) -> Ordering {
        let role = |rsc: ResourceIx| self.cluster.role_of(rsc, true);
        self.rank_of(b)
            .cmp(&self.rank_of(a))
            .then_with(|| role(b).cmp(&role(a)))
            .then_with(|| self.compare_instances(a, b, pulls))
    }

    /// The node of an instance, if the instance can be promoted there.
    fn node_for_promotion(
        &self,
        clone: ResourceIx,
        instance: ResourceIx,
        promoted_on: &[NodeIx],
    ) -> Option<NodeIx> {
        // every member of a cloned group must be fit
        for &child in &self.cluster[instance].children {
            self.node_for_promotion(clone, child, promoted_on)?;
        }
        let node = self.assigned_node(instance)?;
        if !self.cluster[instance].managed {
            let promoted = self.cluster.role_of(instance, true) == Role::Promoted;
            return promoted.then_some(node);
        }
        let limit = self.cluster[clone].clone_info().map_or(0, |info| info.promoted_node_max);
        let there = promoted_on.iter().filter(|other| **other == node).count();
        let fit = self.merit(instance) >= Score::ZERO
            && self.available(node, None, true)
            && self.scores.allowed(clone, node)
            && there < limit;
        fit.then_some(node)
    }

    /// Without quorum, a partition that may only go on with what it runs promotes nothing.
    fn frozen(&self, instance: ResourceIx) -> bool {
        self.cluster[instance].role < Role::Promoted
            && !self.cluster.quorate
            && self.cluster.properties.quorum_policy == QuorumPolicy::Freeze
    }

    fn promote(&mut self, instance: ResourceIx) {
        for part in self.cluster.family(instance) {
            if self.cluster[part].next_role == Role::Unknown {
                self.cluster[part].next_role = Role::Promoted;
            }
        }
    }

    fn leave_unpromoted(&mut self, instance: ResourceIx) {
        for part in self.cluster.family(instance) {
            let active = !self.scene().assigned_nodes(part).is_empty();
            self.cluster[part].next_role = if active { Role::Unpromoted } else { Role::Stopped };
        }
    }

    fn show_rank(&mut self, instance: ResourceIx) {
        let node = self.assigned_node(instance);
        let cell = self.promotion.rank(instance).unwrap_or(Cell::EMPTY);
        self.record.show(Shown { what: Listed::Promotion, rsc: instance, node, cell });
    }

    fn rank_of(&self, instance: ResourceIx) -> Score {
        self.promotion.rank(instance).map_or(Score::ZERO, |rank| self.scores.ledger.score(rank))
    }

    /// How much speaks for an instance so far.
    pub(crate) fn merit(&self, instance: ResourceIx) -> Score {
        match self.promotion.merits.get(&instance) {
            Some(cell) => self.scores.ledger.score(*cell),
            None => Score::new(self.cluster[instance].priority),
        }
    }

    fn merit_cell(&mut self, instance: ResourceIx) -> Cell {
        if let Some(known) = self.promotion.merits.get(&instance) {
            return *known;
        }
        let cause = self.scores.ledger.cause(Cause::BuiltIn("priority"));
        self.scores.ledger.begin(Score::new(self.cluster[instance].priority), cause)
    }

    fn set_merit(&mut self, instance: ResourceIx, score: Score, cause: Cause) {
        let cause = self.scores.ledger.cause(cause);
        let cell = self.scores.ledger.begin(score, cause);
        self.promotion.merits.insert(instance, cell);
    }

    /// Adds to what speaks for an instance; what concerns a group's member concerns the group.
    ///
    /// The member's actions become as urgent as its promotion.
    pub(crate) fn sway(&mut self, rsc: ResourceIx, score: Score, cause: Cause) {
        self.add_merit(rsc, score, cause);
        if let Some(group) = self.cluster[rsc].parent.filter(|p| self.cluster[*p].is_group()) {
            self.cluster[rsc].priority = i64::from(self.merit(rsc).value());
            self.add_merit(group, score, cause);
        }
    }

    fn add_merit(&mut self, instance: ResourceIx, score: Score, cause: Cause) {
        let cell = self.merit_cell(instance);
        let cause = self.scores.ledger.cause(cause);
        let cell = self.scores.ledger.add(cell, score, cause);
        self.promotion.merits.insert(instance, cell);
    }

    /// The attributes by which agents can ask for the promotion of an instance.
    fn asked_by(&self, instance: ResourceIx) -> Vec<Asked> {
        let family = self.cluster.family(instance).into_iter();
        let agents = family.filter(|part| self.cluster[*part].children.is_empty());
        let asked = agents.map(|rsc| {
            let name = self.cluster[rsc].history_id();
            let base = base_name(&self.cluster, rsc);
            let shared = self.cluster.anonymous(rsc) && base != name;
            let attribute = |name: &str| ["master-", name].concat();
            Asked { rsc, own: attribute(name), shared: shared.then(|| attribute(base)) }
        });
        asked.collect()
    }

    /// The score that agents gave to the promotion of an instance on a node; none if they did not.
    ///
    /// A cloned group has the sum of its members' scores.
    fn promotion_score(&self, asked: &[Asked], node: NodeIx) -> Option<Score> {
        let scores = asked.iter().filter_map(|asked| {
            if !self.promotion_score_counts(asked.rsc, node) {
                return None;
            }
            let text = self.promotion_attribute(asked.rsc, node, &asked.own).or_else(|| {
                let shared = asked.shared.as_deref()?;
                self.promotion_attribute(asked.rsc, node, shared)
            })?;
            Some(values::score(text).unwrap_or_default())
        });
        scores.reduce(|sum, score| sum + score)
    }

    fn promotion_attribute(
        &self,
        instance: ResourceIx,
        node: NodeIx,
        attribute: &str,
    ) -> Option<&str> {
        if self.home(instance).provisional {
            self.cluster.attribute_for(node, attribute, Some(instance))
        } else {
            self.node_value(node, attribute, instance)
        }
    }

    /// Tells whether an attribute that is named after the resource is about this instance.
    ///
    /// Anonymous instances share the attribute: it belongs to the one that is active on the node,
    /// or to any if the node is known to run none. As long as nothing is known about an instance
    /// anywhere it counts, since it may be a permanent one from before.
    fn promotion_score_counts(&self, instance: ResourceIx, node: NodeIx) -> bool {
        if self.scores.get(instance, node) < Score::ZERO {
            return false;
        }
        let here = &self.cluster[instance];
        if here.running_on.is_empty() && here.known_on.is_empty() {
            return true;
        }
        if !self.cluster.anonymous(instance) {
            return here.running_on.contains(&node) || here.known_on.contains(&node);
        }
        let siblings = self.siblings(instance);
        let active = |sibling: &&ResourceIx| self.cluster[**sibling].running_on.contains(&node);
        let known = |sibling: &ResourceIx| self.cluster[*sibling].known_on.contains(&node);
        match siblings.iter().find(active) {
            Some(active) => *active == instance,
            None => siblings.iter().any(known),
        }
    }

    /// The same member of all instances of the clone.
    fn siblings(&self, instance: ResourceIx) -> Cow<'_, [ResourceIx]> {
        let Some(clone) = self.cluster.clone_of(instance) else { return vec![instance].into() };
        if self.cluster[instance].parent == Some(clone) {
            return self.cluster[clone].children.as_slice().into();
        }
        let base = base_name(&self.cluster, instance);
        let mut family: Vec<_> = self.cluster.family(clone).into_iter().collect();
        family.retain(|part| {
            self.cluster[*part].is_primitive() && base_name(&self.cluster, *part) == base
        });
        family.into()
    }

    /// Lets a colocation with instances in a role bear on where the dependent goes.
    pub(crate) fn follow_role(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
    ) {
        let mut places = Vec::new();
        for instance in self.cluster[primary].children.clone() {
            let Some(node) = self.assigned_node(instance) else { continue };
            if self.cluster.role_of(instance, false) != colocation.primary_role {
                continue;
            }
            if !colocation.score.is_infinite() {
                self.add_score_beside(dependent, primary, node, colocation);
            }
            places.push((node, self.score_at_home(instance)));
        }
        // promoted with promoted says nothing about where instances are started
        let both_promoted = colocation.dependent_role == Role::Promoted
            && colocation.primary_role == Role::Promoted;
        if colocation.score.is_infinite() && !both_promoted {
            self.keep_beside(dependent, primary, &places, colocation);
        }
    }

    /// The score that an instance has where it was assigned; for a group, that of its first member.
    /// Where it was left alone, nothing speaks for the place but the node itself.
    fn score_at_home(&self, instance: ResourceIx) -> Score {
        let family = self.cluster.family(instance);
        let score = |part: ResourceIx| {
            let one = &self.cluster[part];
            let node = self.home(part).node.filter(|_| one.is_primitive())?;
            Some(if one.managed { self.scores.get(part, node) } else { self.cluster[node].score })
        };
        family.into_iter().find_map(score).unwrap_or_default()
    }

    /// Adds a colocation's score on all nodes that count as the same place as a node.
    fn add_score_beside(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        node: NodeIx,
        colocation: &Colocation,
    ) {
        let attribute = colocation.attribute();
        let value = self.colocation_value(node, attribute, primary).map(str::to_owned);
        let cause = Cause::Colocation(colocation.index, primary);
        for candidate in self.scores.candidates(dependent) {
            let own = self.colocation_value(candidate, attribute, dependent);
            if crate::colocate::same(own, value.as_deref()) {
                self.scores.add(dependent, candidate, colocation.score, cause);
            }
        }
    }

    /// Lets a colocation with an instance in a role bear on the promotion of an instance that has
    /// its node already.
    pub(crate) fn follow_role_by_merit(
        &mut self,
        dependent: ResourceIx,
        primary: ResourceIx,
        colocation: &Colocation,
    ) {
        let cause = Cause::Colocation(colocation.index, primary);
        let partner =
            self.scene().compatible(dependent, primary, Some(colocation.primary_role), false);
        if partner.is_some() {
            self.sway(dependent, colocation.score, cause);
        } else if colocation.score.is_infinite() {
            self.sway(dependent, Score::MINUS_INFINITY, cause);
        }
    }
}

/// A resource's name without an instance number.
fn base_name(cluster: &Cluster, rsc: ResourceIx) -> &str {
    let id = &cluster[rsc].id;
    match id.rsplit_once(':') {
        Some((base, number)) if number.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => id,
    }
}

//! Wishes of colocated resources: what follows a resource, and what follows that in turn, says where
//! it would like the resource to be.

use model::Score;

use crate::constraint::Colocation;
use crate::index::{ColocationIx, NodeIx, ResourceIx};
use crate::ledger::{Cause, Table};
use crate::place::Placing;
use crate::survey::Survey;
use crate::values::fraction;

/// A score that marks a node which would have become negative.
const MARK: i32 = -999_999;

/// What adding a dependent's preferences takes into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Select(u8);

impl Select {
    /// Follow colocations of this resource with others, rather than of others with it.
    pub(crate) const THIS_WITH: Self = Self(1);
    /// Never make a node negative.
    pub(crate) const NONNEGATIVE: Self = Self(2);
    /// Something is known to be possible already.
    pub(crate) const ACTIVE: Self = Self(4);
    /// Nothing special.
    pub(crate) const NONE: Self = Self(0);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Placing {
    /// Adds the preferences of a dependent, and of all that follow it, to a resource's own.
    pub(crate) fn add_dependents_scores(&mut self, index: ColocationIx, rsc: ResourceIx) {
        let colocation = self.colocation(index);
        if !self.has_influence(&colocation, None) {
            return;
        }
        let mut select = Select::ACTIVE;
        if self.cluster[rsc].is_clone() {
            select = select.and(Select::NONNEGATIVE);
        }
        let factor = fraction(colocation.score);
        let mut table = Some(self.scores.table(rsc));
        self.add_colocated(
            colocation.dependent,
            Some(rsc),
            &mut table,
            Some(&colocation),
            factor,
            select,
        );
        if let Some(table) = table {
            self.scores.replace(rsc, table);
        }
    }

    /// Adds the scores of `source` and of what is colocated with it to a table.
    pub(crate) fn add_colocated(
        &mut self,
        source: ResourceIx,
        target: Option<ResourceIx>,
        nodes: &mut Option<Table>,
        colocation: Option<&Colocation>,
        factor: f32,
        select: Select,
    ) {
        self.add_chain(source, target, nodes, (colocation, colocation), factor, select);
    }

    /// As `add_colocated`, for one link of a chain: `links` are the last colocation in it that keeps
    /// apart (the first one if none does) and this one.
    fn add_chain(
        &mut self,
        source: ResourceIx,
        target: Option<ResourceIx>,
        nodes: &mut Option<Table>,
        links: (Option<&Colocation>, Option<&Colocation>),
        factor: f32,
        select: Select,
    ) {
        if self.home(source).merging {
            return;
        }
        self.homes[source.position()].merging = true;
        if self.cluster[source].is_group() {
            let members = &self.cluster[source].children;
            let member = if nodes.is_none() { members.last() } else { members.first() };
            if let Some(&member) = member {
                self.add_chain(member, target, nodes, links, factor, select);
            }
        } else {
            self.add_link(source, target, nodes, links, factor, select);
        }
        self.homes[source.position()].merging = false;
    }

    fn add_link(
        &mut self,
        source: ResourceIx,
        target: Option<ResourceIx>,
        nodes: &mut Option<Table>,
        links: (Option<&Colocation>, Option<&Colocation>),
        factor: f32,
        select: Select,
    ) {
        let target = target.unwrap_or(source);
        let survey = match nodes {
            Some(table)
                if !select.has(Select::THIS_WITH) && links.1.is_some_and(Colocation::by_name) =>
            {
                self.survey_for(source, table, factor)
            }
            _ => None,
        };
        let asked = nodes.is_some();
        let mut work = match nodes {
            None => self.scores.table(source),
            // the walk will not end early: nothing has to be put back
            Some(table) if survey.is_some() => std::mem::take(table),
            Some(table) => table.clone(),
        };
        if survey.as_ref().is_some_and(|survey| self.is_silent(survey, &work)) {
            self.keep_marked_allowed(&mut work, select);
            *nodes = Some(work);
            return;
        }
        if asked && let (Some(apart), Some(this)) = links {
            let positive = select.has(Select::NONNEGATIVE);
            let (links, survey) = ((apart, this), survey.as_deref());
            self.add_matching(&mut work, source, target, links, factor, positive, survey);
        }
        let go_on = survey.is_some() || self.any_available(&work);
        if !go_on && select.has(Select::ACTIVE) {
            // nothing would be left: forget the whole branch
            return;
        }
        if go_on {
            let follow = if select.has(Select::THIS_WITH) {
                self.this_with(source)
            } else {
                self.with_this(source)
            };
            for index in follow {
                let next = self.colocation(index);
                let other = if select.has(Select::THIS_WITH) {
                    next.primary
                } else if self.has_influence(&next, None) {
                    next.dependent
                } else {
                    continue;
                };
                let other_factor = factor * fraction(next.score);
                let mut table = Some(work);
                self.add_chain(
                    other,
                    Some(target),
                    &mut table,
                    (links.0.filter(|_| next.score >= Score::ZERO).or(Some(&next)), Some(&next)),
                    other_factor,
                    select.and(Select::ACTIVE),
                );
                work = table.unwrap_or_default();
            }
        }
        self.keep_marked_allowed(&mut work, select);
        *nodes = Some(work);
    }

    /// Where none may become negative, those that would have are the last resort.
    fn keep_marked_allowed(&mut self, table: &mut Table, select: Select) {
        if !select.has(Select::NONNEGATIVE) {
            return;
        }
        for cell in table {
            if cell.present() && self.scores.ledger.score(*cell).value() == MARK {
                let cause = Cause::BuiltIn("kept allowed for other instances");
                let cause = self.scores.ledger.cause(cause);
                *cell = self.scores.ledger.begin(Score::new(1), cause);
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a step of a walk has that many sides")]
    fn add_matching(
        &mut self,
        nodes: &mut Table,
        source: ResourceIx,
        target: ResourceIx,
        (apart, colocation): (&Colocation, &Colocation),
        factor: f32,
        only_positive: bool,
        survey: Option<&Survey>,
    ) {
        let cause = self.cause_of(colocation, source);
        // who avoids another says where that one should not be, hardly ever where it should; only
        // for a dependent that has no other node the primary may give way
        let primary = colocation.primary;
        let towards_primary = source == primary || self.cluster.is_inside(source, primary);
        let follower = if towards_primary { colocation.dependent } else { source };
        let gives_way = self.cluster[apart.primary].stickiness < -apart.score
            && self.has_influence(apart, None)
            && self.allowed_on_one(follower);
        // where nodes themselves are compared, only the node itself has the value
        let by_name = colocation.by_name() && self.cluster.bundle_of(source).is_none();
        for (position, place) in nodes.iter_mut().enumerate() {
            let cell = *place;
            let node = NodeIx::at(position);
            if !cell.present() || survey.is_some_and(|survey| survey.silent_about(node)) {
                continue;
            }
            let itself =
                self.cluster.guest_container(node).is_none() && self.cluster.is_named(node);
            let score = if by_name && itself {
                self.score_if_available(source, node)
            } else {
                let attribute = colocation.attribute();
                let value = self.colocation_value(node, attribute, target);
                self.best_with_value(source, attribute, value)
            };
            if score == Score::ZERO || factor < 0.0 && score < Score::ZERO && !gives_way {
                continue;
            }
            let before = self.scores.ledger.score(cell);
            if before.value() == MARK {
                continue;
            }
            let delta = crate::values::scaled(factor, score);
            let after = before + delta;
            if only_positive && after < Score::ZERO && before > Score::ZERO {
                *place = self.scores.ledger.begin(Score::new(i64::from(MARK)), cause);
                continue;
            }
            if only_positive && after < Score::ZERO && before == Score::ZERO {
                continue;
            }
            *place = self.scores.ledger.add(cell, delta, cause);
        }
    }

    fn allowed_on_one(&self, rsc: ResourceIx) -> bool {
        let candidates = self.scores.candidates(rsc);
        candidates.iter().filter(|n| self.scores.get(rsc, **n) >= Score::ZERO).count() == 1
    }

    /// A resource's score on a node that can take resources; else minus infinity.
    pub(crate) fn score_if_available(&self, rsc: ResourceIx, node: NodeIx) -> Score {
        if self.scores.allowed(rsc, node) && self.available(node, None, false) {
            self.scores.get(rsc, node)
        } else {
            Score::MINUS_INFINITY
        }
    }

    /// The best score of a resource among the nodes whose attribute has a value.
    fn best_with_value(&self, rsc: ResourceIx, attribute: &str, value: Option<&str>) -> Score {
        let best_of = |node: NodeIx| self.score_if_available(rsc, node);
        if attribute == "#uname"
            && self.cluster.bundle_of(rsc).is_none()
            && let Some(name) = value
        {
            return self.cluster.find_node(None, Some(name)).map_or(Score::MINUS_INFINITY, best_of);
        }
        self.scores
            .candidates(rsc)
            .into_iter()
            .filter(|node| {
                crate::colocate::same(self.colocation_value(*node, attribute, rsc), value)
            })
            .map(best_of)
            .max()
            .unwrap_or(Score::MINUS_INFINITY)
    }
}

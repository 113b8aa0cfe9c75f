//! What can be heard along colocations: for a resource, on which nodes it and all that follows it
//! have anything to say.
//!
//! In a chain of clones each instance asks all that comes behind it, and nearly always hears
//! nothing. So what a walk can find is found out once and holds until a score on the way changes;
//! a walk is then made only for the nodes where there is something to hear, and not at all if there
//! are none.

use std::rc::Rc;

use model::Score;

use crate::cluster::Variant;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::{Cell, Table};
use crate::place::Placing;

/// What a walk can do to the score of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Say {
    Nothing,
    /// Only more, as long as no colocation on the way keeps apart.
    More,
    Less,
}

/// What a walk from a resource along those that follow it can find, whatever way it takes.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// By node; empty if nothing is to be heard anywhere.
    says: Vec<Say>,
    /// A colocation on the way keeps apart: more becomes less.
    apart: bool,
}

impl Survey {
    /// Tells whether there is nothing to hear about a node.
    pub(crate) fn silent_about(&self, node: NodeIx) -> bool {
        self.says.get(node.position()).is_none_or(|say| *say == Say::Nothing)
    }

    /// Tells whether there is nothing to hear about any place of a table that is of interest.
    fn silent_for(&self, table: &Table, of_interest: impl Fn(Cell) -> bool) -> bool {
        self.says.iter().zip(table).all(|(say, cell)| *say == Say::Nothing || !of_interest(*cell))
    }

    /// Tells whether a node's score can become less.
    fn lowers(&self, node: NodeIx, factor: f32) -> bool {
        match self.says.get(node.position()) {
            None | Some(Say::Nothing) => false,
            Some(Say::More) => self.apart || factor <= 0.0,
            Some(Say::Less) => true,
        }
    }

    fn note(&mut self, node: NodeIx, say: Say) {
        if say == Say::Nothing {
            return;
        }
        if self.says.len() <= node.position() {
            self.says.resize(node.position() + 1, Say::Nothing);
        }
        let known = &mut self.says[node.position()];
        *known = say.max(*known);
    }

    fn merge(&mut self, other: &Self) {
        self.apart |= other.apart;
        for (position, say) in other.says.iter().enumerate() {
            self.note(NodeIx::at(position), *say);
        }
    }
}

/// What is known about walks from a resource.
#[derive(Clone, Debug, Default)]
enum Known {
    #[default]
    Nothing,
    /// It is being found out.
    Asked,
    /// It cannot be told beforehand: the way leads in a circle, through a bundle, or compares
    /// attributes of nodes.
    Untold,
    Told(Rc<Survey>),
}

/// The surveys that hold.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    known: Vec<Known>,
    /// By resource, those whose survey has its survey in it.
    used_by: Vec<Vec<ResourceIx>>,
}

impl Surveys {
    fn known(&self, rsc: ResourceIx) -> &Known {
        self.known.get(rsc.position()).unwrap_or(&Known::Nothing)
    }

    fn set(&mut self, rsc: ResourceIx, known: Known) {
        if self.known.len() <= rsc.position() {
            self.known.resize(rsc.position() + 1, Known::Nothing);
            self.used_by.resize(rsc.position() + 1, Vec::new());
        }
        self.known[rsc.position()] = known;
    }

    /// Forgets what depends on a resource's scores.
    fn forget(&mut self, rsc: ResourceIx) {
        let mut stack = vec![rsc];
        while let Some(next) = stack.pop() {
            if let Some(known @ Known::Told(_)) = self.known.get_mut(next.position()) {
                *known = Known::Nothing;
                stack.append(&mut self.used_by[next.position()]);
            }
        }
    }

    /// Forgets everything that depends on scores or on what nodes can take.
    pub(crate) fn forget_all(&mut self) {
        for (known, used_by) in self.known.iter_mut().zip(&mut self.used_by) {
            if matches!(known, Known::Told(_)) {
                *known = Known::Nothing;
                used_by.clear();
            }
        }
    }
}

impl Placing {
    /// What a walk from a resource can do to a table, if that can be told and the walk will not end
    /// early: it does where no node is left that could take anything.
    pub(crate) fn survey_for(
        &mut self,
        source: ResourceIx,
        table: &Table,
        factor: f32,
    ) -> Option<Rc<Survey>> {
        while let Some(changed) = self.scores.next_changed() {
            self.surveys.forget(changed);
        }
        let survey = self.survey(source)?;
        let stays = |(position, cell): (usize, &Cell)| {
            let node = NodeIx::at(position);
            cell.present()
                && !survey.lowers(node, factor)
                && self.available(node, Some(self.scores.ledger.score(*cell)), false)
        };
        table.iter().enumerate().any(stays).then_some(survey)
    }

    /// Tells whether a walk changes nothing in a table.
    pub(crate) fn is_silent(&self, survey: &Survey, table: &Table) -> bool {
        // a ban cannot be outbid: who adds to it matters only to those who want it explained
        let explained = self.record.wanted();
        survey.silent_for(table, |cell| {
            cell.present() && (explained || !self.scores.ledger.score(cell).forbids())
        })
    }

    fn survey(&mut self, source: ResourceIx) -> Option<Rc<Survey>> {
        match self.surveys.known(source) {
            Known::Told(survey) => return Some(Rc::clone(survey)),
            Known::Asked | Known::Untold => return None,
            Known::Nothing => {}
        }
        self.surveys.set(source, Known::Asked);
        let found = self.explore(source).map(Rc::new);
        let known = found.as_ref().map_or(Known::Untold, |survey| Known::Told(Rc::clone(survey)));
        self.surveys.set(source, known);
        found
    }

    fn explore(&mut self, source: ResourceIx) -> Option<Survey> {
        if self.cluster[source].is_bundle() || self.cluster.bundle_of(source).is_some() {
            return None;
        }
        let mut survey = Survey::default();
        let mut followers = Vec::new();
        if let Variant::Group { .. } = self.cluster[source].variant {
            followers.extend(self.cluster[source].children.first());
        } else {
            self.scores.watch(source);
            for position in 0..self.cluster.nodes.len() {
                let node = NodeIx::at(position);
                survey.note(node, self.own_say(source, node));
            }
            for index in self.with_this(source) {
                let colocation = &self.rules[index];
                if !colocation.by_name() {
                    return None;
                }
                survey.apart |= colocation.score < Score::ZERO;
                followers.push(colocation.dependent);
            }
        }
        for follower in followers {
            survey.merge(&*self.survey(follower)?);
            let used_by = &mut self.surveys.used_by[follower.position()];
            if used_by.last() != Some(&source) {
                used_by.push(source);
            }
        }
        Some(survey)
    }

    fn own_say(&self, source: ResourceIx, node: NodeIx) -> Say {
        if self.cluster.guest_container(node).is_some() || !self.cluster.is_named(node) {
            return Say::Less;
        }
        match self.score_if_available(source, node).cmp(&Score::ZERO) {
            std::cmp::Ordering::Less => Say::Less,
            std::cmp::Ordering::Equal => Say::Nothing,
            std::cmp::Ordering::Greater => Say::More,
        }
    }
}

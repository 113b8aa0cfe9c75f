//! Which set of nodes to be a view with: the best one in which everybody hears everybody.
//!
//! The order of sets depends on the sets alone and on what their members announce, never on who
//! asks, so all members of the best set choose it, those of the next best set choose that, and so
//! on: whatever is cut, everybody settles.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{BootId, Incarnation, NodeId};

use super::beat::{Proposal, Worth};

/// Steps of the search for one set; 16 nodes need fewer than 400 whatever is cut, so this only
/// bounds what cannot happen.
const SEARCH_STEPS_MAX: usize = 50_000;

/// What is known about the nodes that may be chosen.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Votes of each, this node too.
    pub(super) votes: BTreeMap<NodeId, u32>,
    /// Pairs that hear each other, both ways round.
    pub(super) pairs: BTreeSet<(NodeId, NodeId)>,
    /// The view each is in: number and digest.
    pub(super) views: BTreeMap<NodeId, (u64, u64)>,
    /// Those that somebody lost and who have not noticed.
    pub(super) doubted: BTreeSet<NodeId>,
}

/// A set with what it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) members: Vec<NodeId>,
    pub(super) worth: Worth,
}

impl Candidates {
    /// Notes that two nodes hear each other.
    pub(super) fn connect(&mut self, one: NodeId, two: NodeId) {
        self.pairs.insert((one, two));
        self.pairs.insert((two, one));
    }

    /// Returns the best set with `me` in it and nobody of `without`.
    pub(super) fn best(&self, me: NodeId, without: &BTreeSet<NodeId>) -> Choice {
        let open: Vec<NodeId> = self
            .votes
            .keys()
            .copied()
            .filter(|node| !without.contains(node) && self.pairs.contains(&(me, *node)))
            .collect();
        let mut search = Search { candidates: self, best: self.worth_of(vec![me]), steps: 0 };
        search.grow(&mut vec![me], &open, &[]);
        search.best
    }

    fn worth_of(&self, mut members: Vec<NodeId>) -> Choice {
        members.sort_unstable();
        let mut views: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for view in members.iter().filter_map(|node| self.views.get(node)) {
            *views.entry(*view).or_default() += 1;
        }
        let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let worth = Worth {
            votes: members.iter().filter_map(|node| self.votes.get(node)).sum(),
            together: small(views.values().copied().max().unwrap_or(0)),
            doubted: small(members.iter().filter(|node| self.doubted.contains(node)).count()),
        };
        Choice { members, worth }
    }
}

impl Choice {
    /// Orders sets: more votes, more nodes, more of one view, fewer doubts, lower numbers.
    pub(super) fn compare(&self, worth: &Worth, members: &[NodeId]) -> Ordering {
        self.worth
            .votes
            .cmp(&worth.votes)
            .then(self.members.len().cmp(&members.len()))
            .then(self.worth.together.cmp(&worth.together))
            .then(worth.doubted.cmp(&self.worth.doubted))
            .then_with(|| members.cmp(&self.members))
    }

    /// Tells whether somebody's proposal beats this set.
    pub(super) fn is_beaten_by(&self, proposal: &Proposal) -> bool {
        self.compare(&proposal.worth, &proposal.members) == Ordering::Less
    }
}

/// Bron and Kerbosch's enumeration of the largest fully connected sets, with a pivot.
struct Search<'a> {
    candidates: &'a Candidates,
    best: Choice,
    steps: usize,
}

impl Search<'_> {
    fn grow(&mut self, chosen: &mut Vec<NodeId>, open: &[NodeId], done: &[NodeId]) {
        self.steps += 1;
        if self.steps > SEARCH_STEPS_MAX {
            return;
        }
        if open.is_empty() {
            if done.is_empty() {
                let found = self.candidates.worth_of(chosen.clone());
                if found.compare(&self.best.worth, &self.best.members) == Ordering::Greater {
                    self.best = found;
                }
            }
            return;
        }
        let hears = |one: NodeId, two: NodeId| self.candidates.pairs.contains(&(one, two));
        let pivot = open
            .iter()
            .chain(done)
            .copied()
            .max_by_key(|node| open.iter().filter(|other| hears(*node, **other)).count());
        let branches: Vec<NodeId> = open
            .iter()
            .copied()
            .filter(|node| pivot.is_none_or(|pivot| !hears(pivot, *node)))
            .collect();
        let mut open = open.to_vec();
        let mut done = done.to_vec();
        for node in branches {
            let hears = |other: &NodeId| self.candidates.pairs.contains(&(node, *other));
            let open_next: Vec<NodeId> = open.iter().copied().filter(hears).collect();
            let done_next: Vec<NodeId> = done.iter().copied().filter(hears).collect();
            chosen.push(node);
            self.grow(chosen, &open_next, &done_next);
            chosen.pop();
            open.retain(|other| *other != node);
            done.push(node);
        }
    }
}

/// Returns a number for a set of nodes in certain lives: equal sets have equal numbers on all
/// nodes (FNV-1a).
pub(super) fn digest(members: impl Iterator<Item = (NodeId, BootId, Incarnation)>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for (node, boot, incarnation) in members {
        mix(&node.0.to_be_bytes());
        mix(&boot.0.to_be_bytes());
        mix(&incarnation.0.to_be_bytes());
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(nodes: u32, cut: &[(u32, u32)]) -> Candidates {
        let mut all = Candidates::default();
        for one in 1..=nodes {
            all.votes.insert(NodeId(one), 1);
            for two in 1..one {
                if !cut.contains(&(two, one)) {
                    all.connect(NodeId(one), NodeId(two));
                }
            }
        }
        all
    }

    fn best(all: &Candidates, me: u32) -> Vec<u32> {
        all.best(NodeId(me), &BTreeSet::new()).members.iter().map(|node| node.0).collect()
    }

    #[test]
    fn whole_networks_are_chosen_whole() {
        assert_eq!(best(&candidates(1, &[]), 1), [1]);
        assert_eq!(best(&candidates(4, &[]), 3), [1, 2, 3, 4]);
        assert_eq!(best(&candidates(32, &[]), 7).len(), 32);
    }

    #[test]
    fn of_two_equal_sets_all_choose_the_one_with_the_lower_numbers() {
        let all = candidates(3, &[(1, 3)]);
        assert_eq!(best(&all, 1), [1, 2]);
        assert_eq!(best(&all, 2), [1, 2]);
        assert_eq!(best(&all, 3), [2, 3], "but 2 will not come");
    }

    #[test]
    fn votes_beat_heads_and_an_old_view_beats_low_numbers() {
        let mut all = candidates(4, &[(1, 3), (1, 4), (2, 3), (2, 4)]);
        assert_eq!(best(&all, 3), [3, 4]);
        all.connect(NodeId(2), NodeId(3));
        all.votes.insert(NodeId(4), 3);
        assert_eq!(best(&all, 3), [3, 4]);
        let mut all = candidates(3, &[(1, 3)]);
        all.views.insert(NodeId(2), (7, 7));
        all.views.insert(NodeId(3), (7, 7));
        assert_eq!(best(&all, 2), [2, 3]);
    }

    #[test]
    fn a_node_that_somebody_lost_loses_against_one_that_nobody_lost() {
        let mut all = candidates(3, &[(1, 3)]);
        all.doubted.insert(NodeId(1));
        assert_eq!(best(&all, 2), [2, 3]);
    }

    #[test]
    fn the_worst_network_of_sixteen_is_searched_in_few_steps() {
        // Pairs that do not hear each other: the largest number of largest sets.
        let cut: Vec<(u32, u32)> = (0..8).map(|pair| (2 * pair + 1, 2 * pair + 2)).collect();
        assert_eq!(best(&candidates(16, &cut), 16), [1, 3, 5, 7, 9, 11, 13, 16]);
        let threes: Vec<(u32, u32)> = (0..5)
            .flat_map(|i| [(3 * i + 1, 3 * i + 2), (3 * i + 1, 3 * i + 3), (3 * i + 2, 3 * i + 3)])
            .collect();
        let all = candidates(15, &threes);
        let mut search = Search { candidates: &all, best: all.worth_of(vec![NodeId(1)]), steps: 0 };
        let open: Vec<NodeId> = (4..=15).map(NodeId).collect();
        search.grow(&mut vec![NodeId(1)], &open, &[]);
        assert!(search.steps < 400, "{}", search.steps);
        assert_eq!(search.best.members.len(), 5);
    }
}

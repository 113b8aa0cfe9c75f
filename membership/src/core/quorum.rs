//! Votes: votequorum's rules as functions of configuration, members and what happened before.

use std::collections::{BTreeMap, BTreeSet};

use model::{Monotonic, NodeId};
use serde::{Deserialize, Serialize};

use super::conf::{QuorumSettings, TieBreaker};

/// The rules of one cluster, from section quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoteRules {
    /// Whether votes are counted at all; without a provider every view is quorate.
    pub counted: bool,
    /// Votes of all nodes together, if the file says so; else those of the nodelist.
    pub expected_votes: Option<u32>,
    /// One of two goes on alone.
    pub two_node: bool,
    /// Nothing is quorate before all nodes were seen at once.
    pub wait_for_all: bool,
    /// After this time in milliseconds the survivors are all that is expected.
    pub last_man_standing_ms: Option<u64>,
    /// Which half of an even split goes on.
    pub auto_tie_breaker: Option<TieBreaker>,
    /// An orderly leave lowers what is expected, down to the file's number.
    pub allow_downscale: bool,
}

impl VoteRules {
    /// Reads the rules: `two_node` implies `wait_for_all` unless that is given, and yields to
    /// `auto_tie_breaker`.
    pub fn new(quorum: &QuorumSettings) -> Self {
        let two_node = quorum.two_node;
        Self {
            counted: quorum.provider.is_some(),
            expected_votes: quorum.expected_votes,
            two_node: two_node && quorum.auto_tie_breaker.is_none(),
            wait_for_all: quorum.wait_for_all.unwrap_or(two_node),
            last_man_standing_ms: quorum
                .last_man_standing
                .then_some(quorum.last_man_standing_window_ms),
            auto_tie_breaker: quorum.auto_tie_breaker.clone(),
            allow_downscale: quorum.allow_downscale,
        }
    }
}

/// What a node remembers of votes between views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoteHistory {
    /// Votes expected now: the file's, raised by newcomers, lowered by the special features.
    pub expected: u32,
    /// The most that was ever expected.
    pub highest_expected: u32,
    /// All nodes were seen at once, or somebody who knows said so.
    pub wait_for_all_satisfied: bool,
    /// Number and members of the last quorate view this node was in.
    pub last_quorate: Option<(u64, BTreeSet<NodeId>)>,
    /// When last_man_standing lowers what is expected.
    pub last_man_standing_at: Option<Monotonic>,
}

/// What another member says about votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoteClaim {
    /// Its own votes.
    pub votes: u32,
    /// Votes it expects.
    pub expected: u32,
    /// Its installed view is quorate.
    pub quorate: bool,
    /// It need not wait for all.
    pub wait_for_all_satisfied: bool,
    /// The last quorate view it was in, and the node whose half of that goes on after an even
    /// split.
    pub tie: Option<(u64, NodeId)>,
}

impl VoteHistory {
    /// Starts with what the file expects.
    pub fn new(configured: u32) -> Self {
        Self { expected: configured, highest_expected: configured, ..Self::default() }
    }

    /// Returns what this node says about even splits.
    pub fn tie(&self, rules: &VoteRules) -> Option<(u64, NodeId)> {
        let (number, members) = self.last_quorate.as_ref()?;
        Some((*number, tie_winner(rules.auto_tie_breaker.as_ref()?, members)?))
    }

    /// Settles what is expected in a new view: a quorate member knows better than newcomers, and
    /// newcomers raise it.
    pub fn enter(&mut self, members: &BTreeMap<NodeId, VoteClaim>) {
        let total: u32 = members.values().map(|claim| claim.votes).sum();
        let quorate = members.values().filter(|claim| claim.quorate).map(|claim| claim.expected);
        let claimed = quorate.max().or_else(|| members.values().map(|c| c.expected).max());
        self.expect(claimed.unwrap_or(0).max(total));
    }

    /// Sets what is expected.
    pub fn expect(&mut self, votes: u32) {
        self.expected = votes.max(1);
        self.highest_expected = self.highest_expected.max(self.expected);
    }
}

/// Whether a view is a quorum, and the numbers that say why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Whether it is.
    pub quorate: bool,
    /// Votes expected.
    pub expected: u32,
    /// The most that was ever expected.
    pub highest_expected: u32,
    /// Votes of the members.
    pub total: u32,
    /// Votes needed.
    pub needed: u32,
    /// `two_node` holds.
    pub two_node: bool,
    /// `wait_for_all` holds (whether or not it was satisfied).
    pub wait_for_all: bool,
    /// `last_man_standing` holds.
    pub last_man_standing: bool,
    /// `auto_tie_breaker` holds.
    pub auto_tie_breaker: bool,
    /// `allow_downscale` holds.
    pub allow_downscale: bool,
    /// Enough votes, but these were not seen yet (`wait_for_all`).
    pub waiting_for: Vec<NodeId>,
    /// Exactly half the votes, and the tie breaker's half.
    pub by_tie_breaker: bool,
}

impl Quorum {
    /// Returns the flags as corosync-quorumtool spells and orders them.
    pub fn flags(&self) -> String {
        let all = [
            (self.two_node, "2Node"),
            (self.quorate, "Quorate"),
            (self.wait_for_all, "WaitForAll"),
            (self.last_man_standing, "LastManStanding"),
            (self.auto_tie_breaker, "AutoTieBreaker"),
            (self.allow_downscale, "AllowDownscale"),
        ];
        all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect::<Vec<_>>().join(" ")
    }

    /// Returns in a sentence why the view is or is not a quorum; `name` tells a node's name.
    pub fn explain(&self, name: impl Fn(NodeId) -> String) -> String {
        let Self { total, needed, expected, .. } = self;
        if !self.waiting_for.is_empty() {
            let missing: Vec<String> = self.waiting_for.iter().map(|id| name(*id)).collect();
            return format!(
                "not quorate: waiting for {} to be seen once (wait_for_all); start what is \
                 missing, or run 'pcs quorum unblock' if it is certainly off",
                missing.join(", ")
            );
        }
        match (self.quorate, self.by_tie_breaker) {
            (true, true) => format!(
                "quorate: {total} of {expected} votes are half, and auto_tie_breaker decides for \
                 this half"
            ),
            (true, false) if self.two_node && *needed == 1 => {
                format!("quorate: {total} of {expected} votes; two_node lets one node go on alone")
            }
            (true, false) => {
                format!("quorate: {total} of {expected} votes, {needed} are needed")
            }
            (false, _) => {
                format!("not quorate: {total} of {expected} votes, {needed} are needed")
            }
        }
    }
}

/// Judges view `number` and notes in the history what must be remembered of it.
///
/// `members` holds what each member (this node too) claims; `nodelist` the votes of the file. All
/// members see the same claims, so all come to the same result.
pub fn judge(
    rules: &VoteRules,
    nodelist: &BTreeMap<NodeId, u32>,
    number: u64,
    members: &BTreeMap<NodeId, VoteClaim>,
    history: &mut VoteHistory,
) -> Quorum {
    let total: u32 = members.values().map(|claim| claim.votes).sum();
    let expected = history.expected;
    let two_node = rules.two_node && expected == 2 && members.len() <= 2;
    let needed = if two_node { 1 } else { expected / 2 + 1 };

    let known_over = members.values().any(|claim| claim.quorate || claim.wait_for_all_satisfied);
    if total >= expected || known_over {
        history.wait_for_all_satisfied = true;
    }
    let held_back = rules.counted && rules.wait_for_all && !history.wait_for_all_satisfied;

    // The latest quorate view any of them was in is the one that was split.
    let winner = members.values().filter_map(|claim| claim.tie).max().map(|(_, winner)| winner);
    let is_half = !two_node && total.saturating_mul(2) == expected;
    let by_tie_breaker = is_half
        && rules.auto_tie_breaker.is_some()
        && winner.is_some_and(|winner| members.contains_key(&winner));
    let enough = !rules.counted || total >= needed || by_tie_breaker;
    let quorate = enough && !held_back;
    if quorate {
        history.last_quorate = Some((number, members.keys().copied().collect()));
    }
    let waiting_for = if held_back && enough {
        nodelist.keys().filter(|id| !members.contains_key(id)).copied().collect()
    } else {
        Vec::new()
    };
    Quorum {
        quorate,
        expected,
        highest_expected: history.highest_expected,
        total,
        needed,
        two_node,
        wait_for_all: rules.wait_for_all,
        last_man_standing: rules.last_man_standing_ms.is_some(),
        auto_tie_breaker: rules.auto_tie_breaker.is_some(),
        allow_downscale: rules.allow_downscale,
        waiting_for,
        by_tie_breaker: by_tie_breaker && quorate,
    }
}

/// Returns the node whose half goes on after an even split of `before`.
fn tie_winner(breaker: &TieBreaker, before: &BTreeSet<NodeId>) -> Option<NodeId> {
    match breaker {
        TieBreaker::Lowest => before.first().copied(),
        TieBreaker::Highest => before.last().copied(),
        TieBreaker::Listed(ids) => ids.iter().find(|id| before.contains(id)).copied(),
    }
}

/// Returns the votes the file expects.
pub fn configured_votes(rules: &VoteRules, nodelist: &BTreeMap<NodeId, u32>) -> u32 {
    rules.expected_votes.unwrap_or_else(|| nodelist.values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster of nodes with one vote each that goes from view to view.
    struct Votes {
        rules: VoteRules,
        nodelist: BTreeMap<NodeId, u32>,
        history: VoteHistory,
        quorate: bool,
        number: u64,
    }

    impl Votes {
        fn new(nodes: u32, rules: VoteRules) -> Self {
            let rules = VoteRules { counted: true, ..rules };
            let nodelist: BTreeMap<_, _> = (1..=nodes).map(|id| (NodeId(id), 1)).collect();
            let expected = configured_votes(&rules, &nodelist);
            let history = VoteHistory::new(expected);
            Self { rules, nodelist, history, quorate: false, number: 0 }
        }

        /// A view of these; all of them have this node's history.
        fn view(&mut self, members: impl IntoIterator<Item = u32>) -> Quorum {
            let claim = VoteClaim {
                votes: 1,
                expected: self.history.expected,
                quorate: self.quorate,
                wait_for_all_satisfied: self.history.wait_for_all_satisfied,
                tie: self.history.tie(&self.rules),
            };
            self.number += 1;
            let members = members.into_iter().map(|id| (NodeId(id), claim)).collect();
            self.history.enter(&members);
            let quorum =
                judge(&self.rules, &self.nodelist, self.number, &members, &mut self.history);
            self.quorate = quorum.quorate;
            quorum
        }
    }

    fn is_quorate(votes: &mut Votes, members: impl IntoIterator<Item = u32>) -> bool {
        votes.view(members).quorate
    }

    #[test]
    fn more_than_half_is_a_quorum() {
        let mut votes = Votes::new(5, VoteRules::default());
        assert!(!is_quorate(&mut votes, 1..=2));
        assert!(is_quorate(&mut votes, 1..=3));
        let mut votes = Votes::new(4, VoteRules::default());
        assert!(!is_quorate(&mut votes, 1..=2));
        assert_eq!(votes.view(1..=3).needed, 3);
        assert!(is_quorate(&mut Votes::new(1, VoteRules::default()), [1]));
    }

    #[test]
    fn one_of_two_goes_on_alone_once_both_were_seen() {
        let rules = VoteRules { two_node: true, wait_for_all: true, ..Default::default() };
        let mut votes = Votes::new(2, rules);
        let alone = votes.view([1]);
        assert!(!alone.quorate);
        assert_eq!(alone.waiting_for, [NodeId(2)]);
        assert_eq!(alone.flags(), "2Node WaitForAll");
        assert!(is_quorate(&mut votes, [1, 2]));
        let alone = votes.view([1]);
        assert!(alone.quorate);
        assert_eq!((alone.needed, alone.total, alone.expected), (1, 1, 2));
        assert_eq!(alone.flags(), "2Node Quorate WaitForAll");
    }

    #[test]
    fn who_is_told_that_waiting_is_over_need_not_wait() {
        let rules = VoteRules { two_node: true, wait_for_all: true, ..Default::default() };
        let mut votes = Votes::new(2, rules);
        votes.history.wait_for_all_satisfied = true;
        assert!(is_quorate(&mut votes, [1]));
    }

    #[test]
    fn without_wait_for_all_each_of_two_starts_alone() {
        let rules = VoteRules { two_node: true, ..Default::default() };
        assert!(is_quorate(&mut Votes::new(2, rules), [2]));
    }

    #[test]
    fn two_node_ends_when_a_third_comes() {
        let rules = VoteRules { two_node: true, ..Default::default() };
        let mut votes = Votes::new(2, rules);
        assert!(is_quorate(&mut votes, 1..=3));
        assert!(!is_quorate(&mut votes, [1]));
    }

    #[test]
    fn wait_for_all_holds_a_majority_back_until_everybody_was_there() {
        let rules = VoteRules { wait_for_all: true, ..Default::default() };
        let mut votes = Votes::new(3, rules);
        let early = votes.view([1, 2]);
        assert!(!early.quorate);
        assert_eq!(
            early.explain(|id| format!("n{id}")),
            "not quorate: waiting for n3 to be seen once (wait_for_all); start what is missing, \
             or run 'pcs quorum unblock' if it is certainly off"
        );
        assert!(is_quorate(&mut votes, 1..=3));
        assert!(is_quorate(&mut votes, [1, 2]));
        assert!(!is_quorate(&mut votes, [1]));
    }

    #[test]
    fn a_newcomer_takes_over_what_a_quorate_member_knows() {
        let rules = VoteRules { counted: true, wait_for_all: true, ..Default::default() };
        let nodelist: BTreeMap<_, _> = (1..=8).map(|id| (NodeId(id), 1)).collect();
        let mut history = VoteHistory::new(8);
        let old = VoteClaim { votes: 1, expected: 2, quorate: true, ..Default::default() };
        let new = VoteClaim { votes: 1, expected: 8, ..Default::default() };
        let members = [(NodeId(1), old), (NodeId(2), old), (NodeId(3), new)].into();
        history.enter(&members);
        let quorum = judge(&rules, &nodelist, 1, &members, &mut history);
        assert!(quorum.quorate);
        assert_eq!((quorum.expected, quorum.highest_expected), (3, 8));
    }

    #[test]
    fn the_tie_breaker_decides_an_even_split_only_after_a_quorum() {
        let rules = VoteRules { auto_tie_breaker: Some(TieBreaker::Lowest), ..Default::default() };
        let mut votes = Votes::new(4, rules.clone());
        assert!(!is_quorate(&mut votes, [1, 2]), "nothing was split yet");
        votes.view(1..=4);
        assert!(votes.view([1, 4]).by_tie_breaker);
        let mut other_half = Votes::new(4, rules);
        other_half.view(1..=4);
        assert!(!is_quorate(&mut other_half, [2, 3]));
        assert!(!is_quorate(&mut other_half, [1]), "a quarter is no half");
    }

    #[test]
    fn the_tie_breaker_may_be_the_highest_or_the_first_of_a_list_that_was_there() {
        for (breaker, winners) in [
            (TieBreaker::Highest, [3, 4]),
            (TieBreaker::Listed(vec![NodeId(9), NodeId(2), NodeId(4)]), [1, 2]),
        ] {
            let rules = VoteRules { auto_tie_breaker: Some(breaker), ..Default::default() };
            for half in [[1, 2], [3, 4]] {
                let mut votes = Votes::new(4, rules.clone());
                votes.view(1..=4);
                assert_eq!(is_quorate(&mut votes, half), half == winners);
            }
        }
    }

    #[test]
    fn a_newcomer_in_the_winning_half_agrees_with_those_who_were_there() {
        let rules = VoteRules {
            counted: true,
            auto_tie_breaker: Some(TieBreaker::Lowest),
            ..Default::default()
        };
        let mut history = VoteHistory::new(4);
        let old =
            VoteClaim { votes: 1, expected: 4, tie: Some((7, NodeId(1))), ..Default::default() };
        let new = VoteClaim { tie: None, ..old };
        let members = [(NodeId(1), old), (NodeId(4), new)].into();
        assert!(judge(&rules, &BTreeMap::new(), 8, &members, &mut history).by_tie_breaker);
        let stale = VoteClaim { tie: Some((5, NodeId(4))), ..old };
        let members = [(NodeId(3), old), (NodeId(4), stale)].into();
        assert!(!judge(&rules, &BTreeMap::new(), 8, &members, &mut history).quorate);
    }

    #[test]
    fn unequal_votes_count_as_they_are() {
        let nodelist: BTreeMap<_, _> = [(NodeId(1), 3), (NodeId(2), 1), (NodeId(3), 1)].into();
        let rules = VoteRules { counted: true, ..Default::default() };
        let mut history = VoteHistory::new(5);
        let big = VoteClaim { votes: 3, expected: 5, ..Default::default() };
        let quorum = judge(&rules, &nodelist, 1, &[(NodeId(1), big)].into(), &mut history);
        assert!(quorum.quorate);
        assert_eq!(quorum.needed, 3);
    }

    #[test]
    fn without_a_provider_every_view_is_quorate() {
        let mut votes = Votes::new(5, VoteRules::default());
        votes.rules.counted = false;
        assert!(is_quorate(&mut votes, [4]));
    }
}

//! The group's votes: what its members claim, and what that makes of the view.

use std::collections::BTreeMap;

use model::{Monotonic, NodeId};

use super::super::event::Effect;
use super::super::quorum::{VoteClaim, judge};
use super::Group;

impl Group {
    pub(super) fn own_votes(&self) -> u32 {
        self.conf.nodes.get(&self.me.node).map_or(1, |node| node.votes)
    }

    /// Returns what the members say about votes.
    pub(super) fn claims(&self, members: &[NodeId]) -> BTreeMap<NodeId, VoteClaim> {
        let own = VoteClaim {
            votes: self.own_votes(),
            expected: self.history.expected,
            quorate: self.quorum.quorate,
            wait_for_all_satisfied: self.history.wait_for_all_satisfied,
            tie: self.history.tie(&self.conf.rules),
        };
        let claim = |node: &NodeId| {
            if *node == self.me.node {
                return Some((*node, own));
            }
            let last = &self.peers.get(node)?.contact.as_ref()?.last;
            let claim = VoteClaim {
                votes: last.votes,
                expected: last.expected_votes,
                quorate: last.quorate,
                wait_for_all_satisfied: last.wait_for_all_satisfied,
                tie: last.tie,
            };
            Some((*node, claim))
        };
        members.iter().filter_map(claim).collect()
    }

    /// Judges the view again, since votes, expectations or what must be waited for may have
    /// changed in it; tells the view again when the verdict did.
    pub(super) fn count_votes(&mut self, now: Monotonic, out: &mut Vec<Effect>) {
        let Some(stamp) = self.installed.as_ref().map(|i| i.stamp.clone()) else { return };
        let mut claims = self.claims(&stamp.members);
        for (node, claim) in &mut claims {
            // A member that is not in this view (any more, or yet) speaks of another one.
            let here = *node == self.me.node || {
                let contact = self.peers.get(node).and_then(|peer| peer.contact.as_ref());
                contact.is_some_and(|c| c.last.installed.as_ref() == Some(&stamp))
            };
            if !here || *node == self.me.node {
                claim.quorate = false;
            }
            if !here {
                claim.wait_for_all_satisfied = false;
            }
        }
        // A member that fell silent keeps its votes until a view without it holds.
        for member in &stamp.members {
            let votes = self.conf.nodes.get(member).map_or(1, |node| node.votes);
            claims.entry(*member).or_insert(VoteClaim { votes, ..VoteClaim::default() });
        }
        let total: u32 = claims.values().map(|claim| claim.votes).sum();
        let staying = claims.iter().filter(|(node, _)| !self.is_leaving(**node));
        let staying: u32 = staying.map(|(_, claim)| claim.votes).sum();
        if staying > self.history.expected {
            self.history.expect(staying);
        }
        self.stand_last(now, total);
        let votes = self.conf.votes();
        self.quorum = judge(&self.conf.rules, &votes, stamp.number, &claims, &mut self.history);
        if let Some(installed) = &mut self.installed
            && installed.view.quorate != self.quorum.quorate
        {
            installed.view.quorate = self.quorum.quorate;
            out.push(Effect::View(installed.view.clone()));
        }
    }

    fn is_leaving(&self, node: NodeId) -> bool {
        let contact = self.peers.get(&node).and_then(|peer| peer.contact.as_ref());
        contact.is_some_and(|contact| contact.last.leaving)
    }

    /// last_man_standing: when a quorate view has lasted for the window, its votes are all that is
    /// expected.
    fn stand_last(&mut self, now: Monotonic, total: u32) {
        let Some(window) = self.conf.rules.last_man_standing_ms else { return };
        if !self.quorum.quorate || total >= self.history.expected {
            self.history.last_man_standing_at = None;
            return;
        }
        let at = *self.history.last_man_standing_at.get_or_insert(now + window);
        if now >= at {
            self.history.expect(total);
            self.history.last_man_standing_at = None;
        }
    }

    /// allow_downscale: an orderly leave lowers what is expected, down to the file's number.
    pub(super) fn downscale(&mut self, leaver: NodeId) {
        let in_view = self.view().is_some_and(|view| view.members.contains_key(&leaver));
        if !self.conf.rules.allow_downscale || !self.quorum.quorate || !in_view {
            return;
        }
        let votes = self.conf.nodes.get(&leaver).map_or(0, |node| node.votes);
        let least = self.conf.rules.expected_votes.unwrap_or(1);
        let lowered = self.history.expected.saturating_sub(votes).max(least);
        self.history.expect(lowered);
    }
}

//! Who leads: only in a quorate view that holds a quorum of the voters, and again within
//! milliseconds after a loss, since the view tells of it long before raft's own timeout would.

use std::collections::BTreeSet;

use model::NodeId;
use raft::StateRole;

use super::consensus::{Consensus, Handover};
use super::event::{Effect, Rejection, RequestId, Role};

/// Milliseconds between the first attempts of two neighbours in rank.
const RANK_MS: u64 = 20;
/// Milliseconds to wait for a leader that may well exist, after a start: more than its heartbeat.
const HEARSAY_MS: u64 = 150;
/// Milliseconds after which votes that need no disk are asked for again: a peer that noticed the
/// loss later refuses them until then.
const RETRY_MS: u64 = 20;
/// Milliseconds for votes that have to reach every disk first; doubled with each attempt.
const VOTE_MS: u64 = 200;
/// And how often they are doubled.
const DOUBLED_MAX: u32 = 4;
/// Milliseconds a node with a slow disk lets others go first.
const SLOW_MS: u64 = 10_000;

impl Consensus {
    /// Tells whether the view is quorate and holds a quorum of the voters.
    pub(super) fn quorum_is_here(&self) -> bool {
        let Some(raw) = &self.raw else { return false };
        let conf = raw.raft.prs().conf().to_conf_state();
        let me = u64::from(self.config.node.0);
        let here = |id: &&u64| {
            **id == me || self.view.members.keys().any(|node| u64::from(node.0) == **id)
        };
        let has_quorum = |voters: &[u64]| voters.iter().filter(here).count() * 2 > voters.len();
        let outgoing = &conf.voters_outgoing;
        self.view.quorate
            && has_quorum(&conf.voters)
            && (outgoing.is_empty() || has_quorum(outgoing))
    }

    /// The members changed: a leader that is lost is forgotten, or raft's lease would refuse votes
    /// until its timeout.
    pub(super) fn mourn(&mut self) {
        let lost = self.known_leader().filter(|leader| !self.is_here(*leader));
        if lost.is_some() || !self.view.quorate {
            self.forget_leader();
        }
    }

    /// Makes raft a follower of nobody in the same term.
    pub(super) fn forget_leader(&mut self) {
        let Some(raw) = &mut self.raw else { return };
        if raw.raft.leader_id != 0 || raw.raft.state != StateRole::Follower {
            let term = raw.raft.term;
            raw.raft.become_follower(term, 0);
        }
        self.bereft = true;
        self.campaign_at = None;
        self.attempts = 0;
    }

    /// Campaigns when it is time, or steps down; returns whether raft has something new.
    pub(super) fn elect(&mut self) -> bool {
        let may_lead = self.quorum_is_here();
        let Some(raw) = &self.raw else {
            self.campaign_at = None;
            return false;
        };
        if raw.raft.state == StateRole::Leader {
            self.attempts = 0;
            self.campaign_at = None;
            if !may_lead {
                self.forget_leader();
                return true;
            }
            return false;
        }
        let is_bereft = raw.raft.leader_id == 0;
        if !is_bereft || !may_lead || self.blank || !raw.raft.promotable() {
            self.campaign_at = None;
            if !is_bereft {
                self.attempts = 0;
                self.bereft = false;
            }
            return false;
        }
        let Some(at) = self.campaign_at else {
            let wait = if self.bereft || self.is_sole_voter() { 0 } else { HEARSAY_MS };
            self.campaign_at = Some(self.now + wait + self.handicap());
            return self.campaign_now();
        };
        if self.now < at {
            return false;
        }
        self.campaign_now()
    }

    /// Returns how long this node lets others go first.
    fn handicap(&self) -> u64 {
        if self.is_sole_voter() {
            return 0;
        }
        let me = self.config.node;
        let ahead =
            self.voters().into_iter().filter(|node| *node < me && self.is_here(*node)).count();
        let slow = if self.now < self.slow_until { SLOW_MS / 4 } else { 0 };
        RANK_MS * ahead as u64 + slow
    }

    /// Asks for votes, unless it is early or the disk is still busy with what they depend on.
    fn campaign_now(&mut self) -> bool {
        if self.campaign_at.is_none_or(|at| self.now < at) || !self.in_flight.is_empty() {
            return false;
        }
        if !self.can_reach_quorum() {
            // Handshakes are under way.
            return false;
        }
        let handicap = self.handicap();
        let now = self.now;
        let Some(raw) = &mut self.raw else { return false };
        if raw.campaign().is_err() {
            return false;
        }
        // A real vote has to reach disks: asking again too soon would start it over for ever.
        let wait = if raw.raft.state == StateRole::Candidate {
            VOTE_MS << self.attempts.min(DOUBLED_MAX)
        } else {
            RETRY_MS
        };
        self.attempts = self.attempts.saturating_add(1);
        self.campaign_at = Some(now + wait + handicap);
        true
    }

    fn can_reach_quorum(&self) -> bool {
        let Some(raw) = &self.raw else { return false };
        let conf = raw.raft.prs().conf().to_conf_state();
        let me = u64::from(self.config.node.0);
        let reach = |id: &&u64| {
            **id == me
                || super::consensus::node_id(**id)
                    .and_then(|node| self.peers.get(&node))
                    .is_some_and(super::peers::Peer::is_usable)
        };
        let enough = |voters: &[u64]| voters.iter().filter(reach).count() * 2 > voters.len();
        enough(&conf.voters) && (conf.voters_outgoing.is_empty() || enough(&conf.voters_outgoing))
    }

    /// Tells whether everybody who is here has answered a candidate, which has not won by that: who
    /// is lost, and would have to vote for it, never does.
    fn has_lost_the_votes(&self) -> bool {
        let Some(raw) = &self.raw else { return false };
        let (granted, rejected, _) = raw.raft.prs().tally_votes();
        let voters = self.voters_now();
        let everybody: BTreeSet<u64> =
            voters.voters.iter().chain(&voters.outgoing).copied().collect();
        let here = |id: &&u64| super::consensus::node_id(**id).is_some_and(|id| self.is_here(id));
        raw.raft.state == StateRole::Candidate
            && rejected > 0
            && granted + rejected >= everybody.iter().filter(here).count()
    }

    /// A pre-vote that turned into a vote needs the longer patience. A round that is lost ends.
    pub(super) fn note_candidacy(&mut self) {
        if self.has_lost_the_votes()
            && let Some(raw) = &mut self.raw
        {
            let term = raw.raft.term;
            raw.raft.become_follower(term, 0);
        }
        let Some(raw) = &self.raw else { return };
        if raw.raft.state == StateRole::Candidate {
            let patience = self.now + (VOTE_MS << self.attempts.min(DOUBLED_MAX));
            if self.campaign_at.is_some_and(|at| at < patience) && !self.candidate {
                self.campaign_at = Some(patience + self.handicap());
            }
            self.candidate = true;
        } else {
            if self.candidate && raw.raft.leader_id == 0 {
                // Lost: the next attempt is an ordinary one, further away from the other's each time.
                let apart = u64::from(self.attempts.clamp(1, 1 << DOUBLED_MAX));
                self.campaign_at = Some(self.now + RETRY_MS + self.handicap() * apart);
            }
            self.candidate = false;
        }
    }

    /// Tells who leads where that has changed, and answers what depended on it.
    pub(super) fn tell_role(&mut self, out: &mut Vec<Effect>) {
        let (generation, term) = self.authority();
        let is_leader = self.raw.as_ref().is_some_and(|raw| raw.raft.state == StateRole::Leader);
        let settled = self.raw.as_ref().is_some_and(|raw| raw.raft.apply_to_current_term());
        let may_lead = is_leader && self.quorum_is_here();
        let role = Role {
            leader: self.known_leader(),
            term,
            generation,
            is_leader,
            acting: may_lead && settled && !self.unconfirmed,
        };
        if role == self.role {
            return;
        }
        let same_reign = role.is_leader && role.term == self.role.term;
        if self.role.is_leader && !same_reign {
            self.forget_requests(role.leader, out);
            self.snapshots_sent.clear();
        }
        if role.leader.is_some() && !role.is_leader {
            for handover in std::mem::take(&mut self.handovers) {
                let reason = Rejection::NotLeader { leader: role.leader };
                out.push(Effect::Rejected { id: handover.id, reason });
            }
        }
        self.role = role;
        out.push(Effect::Role(role));
    }

    /// Hands leadership to a voter.
    pub(super) fn transfer(&mut self, id: RequestId, to: NodeId, out: &mut Vec<Effect>) {
        if self.leading().is_none() {
            return self.not_leader(id, out);
        }
        if to == self.config.node {
            out.push(Effect::Done { id });
            return;
        }
        let usable = self.peers.get(&to).is_some_and(super::peers::Peer::is_usable);
        if !self.voters().contains(&to) || !usable {
            let why = format!("node {to} is not a voter that can be reached; name one that is");
            return Self::refuse(id, why, out);
        }
        self.hand_over(id, to, false);
    }

    pub(super) fn hand_over(&mut self, id: RequestId, to: NodeId, leaving: bool) {
        let since = self.now;
        self.handovers.push(Handover { id, leaving, since });
        if let Some(raw) = self.leading() {
            raw.transfer_leader(u64::from(to.0));
        }
    }

    /// Returns the voter that is best suited to lead instead of this node: the longest log, then
    /// the lowest number.
    pub(super) fn heir(&self) -> Option<NodeId> {
        let raw = self.raw.as_ref()?;
        let me = self.config.node;
        let usable = |node: &NodeId| {
            *node != me
                && self.is_here(*node)
                && self.peers.get(node).is_some_and(super::peers::Peer::is_usable)
        };
        let matched =
            |node: &NodeId| raw.raft.prs().get(u64::from(node.0)).map_or(0, |p| p.matched);
        let voters = self.voters();
        voters
            .into_iter()
            .filter(usable)
            .max_by_key(|node| (matched(node), std::cmp::Reverse(*node)))
    }

    pub(super) fn watch_handovers(&mut self, out: &mut Vec<Effect>) {
        let patience = self.config.token_ms.max(1_000) + 500;
        let now = self.now;
        let (late, waiting): (Vec<_>, Vec<_>) =
            self.handovers.drain(..).partition(|h| now.since(h.since) > patience);
        self.handovers = waiting;
        for handover in late {
            let why = "no voter took over in time; look for one that is slow, and try again";
            let reason = Rejection::Refused(why.to_owned());
            out.push(Effect::Rejected { id: handover.id, reason });
        }
    }

    /// Judges how long a batch took: a disk that is slower than half a token must not lead.
    pub(super) fn judge_disk(&mut self, took_ms: u64, out: &mut Vec<Effect>) {
        if took_ms > self.config.token_ms / 2 {
            self.disk_is_slow(took_ms, out);
        } else {
            self.slow_told = false;
        }
    }

    pub(super) fn watch_disk(&mut self, out: &mut Vec<Effect>) {
        let oldest = self.in_flight.front().map(|batch| self.now.since(batch.since));
        let Some(waited) = oldest.filter(|waited| *waited > self.config.token_ms / 2) else {
            return;
        };
        self.disk_is_slow(waited, out);
    }

    /// Gives leadership away where somebody else could have it.
    fn disk_is_slow(&mut self, waited: u64, out: &mut Vec<Effect>) {
        self.slow_until = self.now + SLOW_MS;
        let heir = if self.role.is_leader { self.heir() } else { None };
        if !self.slow_told {
            self.slow_told = true;
            let then = match heir {
                Some(heir) => format!("node {heir} is asked to lead instead"),
                None => "writes wait for it".to_owned(),
            };
            out.push(Effect::Warn(format!(
                "writing the log took {waited} ms, more than half of the token ({} ms): {then}",
                self.config.token_ms
            )));
        }
        let Some(heir) = heir else { return };
        let twice = waited > self.config.token_ms;
        let Some(raw) = self.leading() else { return };
        if twice {
            // Nobody took over: at least stop pretending.
            self.forget_leader();
            self.campaign_at = Some(self.now + SLOW_MS / 4);
        } else {
            raw.transfer_leader(u64::from(heir.0));
        }
    }
}

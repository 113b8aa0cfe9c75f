//! One peer as seen from here: contact by challenge and echo, silence, links.

use std::collections::BTreeMap;

use model::{BootId, Incarnation, Monotonic};

use super::beat::{ContactReport, Heartbeat};
use super::event::{Identity, LinkId};

/// Time between heartbeats in milliseconds.
pub const HEARTBEAT_INTERVAL_MS: u64 = 100;

/// Silence that takes a link down: three heartbeats missed, the fourth not due yet.
const LINK_SILENCE_MS: u64 = 3 * HEARTBEAT_INTERVAL_MS + HEARTBEAT_INTERVAL_MS / 2;

/// A peer that keeps getting lost without having died must stay this long before it is taken, at
/// most, so that a bad cable cannot change the view for ever.
const HOLD_MS_MAX: u64 = 10_000;

/// After this time without a loss, losses are forgotten.
const FLAPS_FORGOTTEN_MS: u64 = 60_000;

/// What is known of one peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// The life of it that is heard and has proved to hear us.
    pub(super) contact: Option<Contact>,
    /// A life of it that has not proved anything yet; may be a replay of old packets.
    candidate: Option<Candidate>,
    /// Its links, by number.
    pub(super) links: BTreeMap<LinkId, Link>,
    /// It was lost, rebooted or left while in our view: a view without it must come first.
    pub(super) barred: bool,
    /// Since when it has preferred a better set without us.
    pub(super) outbid_since: Option<Monotonic>,
    /// The life that was lost last, when, and how often in a row.
    flaps: Option<(Incarnation, Monotonic, u32)>,
}

/// A life of a peer that is heard and hears us.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub(super) boot: BootId,
    pub(super) incarnation: Incarnation,
    /// What it must echo.
    challenge: u64,
    /// What we must echo.
    their_challenge: u64,
    /// When a new heartbeat last came in on any link.
    pub(super) heard_at: Monotonic,
    /// Our own lateness since then, which is not its fault.
    grace_ms: u64,
    /// Its last heartbeat.
    pub(super) last: Heartbeat,
    /// It echoes our challenge.
    pub(super) hears_us: bool,
    /// Since when it does.
    pub(super) hears_us_since: Monotonic,
    /// It is not taken before this.
    pub(super) taken_from: Monotonic,
    /// It was taken over from an earlier life in our view; until then its other contacts are
    /// presumed to be as they were.
    pub(super) presumed_until: Option<Monotonic>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    incarnation: Incarnation,
    challenge: u64,
    their_challenge: u64,
    sequence: u64,
    heard_at: Monotonic,
}

/// One link to a peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) up: bool,
    sequence: u64,
    heard_at: Monotonic,
    grace_ms: u64,
}

/// What a heartbeat meant for its sender's peer.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing, or no more than that the known life goes on and has nothing new to say.
    Nothing,
    /// It says something new.
    News,
    /// It began to leave.
    Leaving,
    /// A new life of it proved that it hears us; the one before, if that was still in contact.
    NewLife(Option<Box<Contact>>),
}

impl Contact {
    /// Returns when its silence makes it lost, given our own token.
    pub(super) fn deadline(&self, token_ms: u64) -> Monotonic {
        self.heard_at + token_ms.max(self.last.token_ms.into()) + self.grace_ms
    }

    pub(super) fn is_presumed(&self, now: Monotonic) -> bool {
        self.presumed_until.is_some_and(|until| now < until)
    }

    /// Takes a heartbeat and tells whether it says anything new.
    fn take(&mut self, now: Monotonic, heartbeat: Heartbeat, me: &Identity) -> bool {
        let report = heartbeat.report_on(me.node, me.incarnation);
        let hears_us = report.is_some_and(|report| report.echo == self.challenge);
        if let Some(report) = report {
            self.their_challenge = report.challenge;
        }
        if hears_us && !self.hears_us {
            self.hears_us_since = now;
        }
        self.hears_us = hears_us;
        self.heard_at = now;
        self.grace_ms = 0;
        self.last.sequence = heartbeat.sequence;
        let news = self.last != heartbeat;
        self.last = heartbeat;
        news
    }
}

impl Link {
    pub(super) fn down_at(&self) -> Monotonic {
        self.heard_at + LINK_SILENCE_MS + self.grace_ms
    }

    fn hear(&mut self, now: Monotonic, sequence: u64) {
        if sequence > self.sequence {
            *self = Self { up: self.up, sequence, heard_at: now, grace_ms: 0 };
        }
    }
}

impl Peer {
    /// Makes the record of a peer nothing was heard of.
    pub(super) fn new(links: impl Iterator<Item = LinkId>) -> Self {
        Self { links: links.map(|link| (link, Link::default())).collect(), ..Self::default() }
    }

    /// Takes a heartbeat. Only a new heartbeat of a life that has proved to hear us counts as a
    /// sign of life: a copy of an old one, or of an old life, changes nothing.
    pub(super) fn hear(
        &mut self,
        now: Monotonic,
        link: LinkId,
        heartbeat: Heartbeat,
        me: &Identity,
        token_ms: u64,
        mut random: impl FnMut() -> u64,
    ) -> Heard {
        if let Some(contact) = &mut self.contact {
            if contact.incarnation == heartbeat.incarnation {
                self.links.entry(link).or_default().hear(now, heartbeat.sequence);
                if heartbeat.sequence <= contact.last.sequence {
                    return Heard::Nothing;
                }
                let leaves = heartbeat.leaving && !contact.last.leaving;
                let news = contact.take(now, heartbeat, me);
                return match (leaves, news) {
                    (true, _) => Heard::Leaving,
                    (false, true) => Heard::News,
                    (false, false) => Heard::Nothing,
                };
            }
            if heartbeat.incarnation < contact.incarnation {
                return Heard::Nothing;
            }
        }
        let fresh = Candidate {
            incarnation: heartbeat.incarnation,
            challenge: random().max(1),
            their_challenge: 0,
            sequence: 0,
            heard_at: now,
        };
        let candidate = match &mut self.candidate {
            Some(known) if known.incarnation == heartbeat.incarnation => known,
            Some(known)
                if known.incarnation > heartbeat.incarnation
                    && now.since(known.heard_at) < token_ms =>
            {
                return Heard::Nothing;
            }
            other => other.insert(fresh),
        };
        if heartbeat.sequence <= candidate.sequence {
            return Heard::Nothing;
        }
        let known = (candidate.sequence > 0, candidate.their_challenge);
        candidate.sequence = heartbeat.sequence;
        candidate.heard_at = now;
        let report = heartbeat.report_on(me.node, me.incarnation).copied();
        candidate.their_challenge = report.map_or(0, |report| report.challenge);
        if report.is_none_or(|report| report.echo != candidate.challenge) {
            // Our next heartbeat must carry the challenge, or the echo.
            let same = known == (true, candidate.their_challenge);
            return if same { Heard::Nothing } else { Heard::News };
        }
        let candidate = *candidate;
        self.promote(now, link, heartbeat, candidate, token_ms)
    }

    fn promote(
        &mut self,
        now: Monotonic,
        link: LinkId,
        heartbeat: Heartbeat,
        candidate: Candidate,
        token_ms: u64,
    ) -> Heard {
        let hold_ms = match self.flaps {
            Some((incarnation, at, times))
                if incarnation == heartbeat.incarnation && now.since(at) < FLAPS_FORGOTTEN_MS =>
            {
                match times {
                    0 | 1 => 0,
                    more => (token_ms << (more - 2).min(8)).min(HOLD_MS_MAX),
                }
            }
            _ => 0,
        };
        let contact = Contact {
            boot: heartbeat.boot,
            incarnation: heartbeat.incarnation,
            challenge: candidate.challenge,
            their_challenge: candidate.their_challenge,
            heard_at: now,
            grace_ms: 0,
            hears_us: true,
            hears_us_since: now,
            taken_from: now + hold_ms,
            presumed_until: None,
            last: heartbeat,
        };
        for known in self.links.values_mut() {
            known.sequence = 0;
        }
        self.links.entry(link).or_default().hear(now, contact.last.sequence);
        self.candidate = None;
        Heard::NewLife(self.contact.replace(contact).map(Box::new))
    }

    /// Adds this node's own lateness to what its peer and its links are allowed.
    pub(super) fn allow(&mut self, late_ms: u64) {
        if let Some(contact) = &mut self.contact {
            contact.grace_ms += late_ms;
        }
        for link in self.links.values_mut() {
            link.grace_ms += late_ms;
        }
    }

    /// Forgets a contact whose silence was too long.
    pub(super) fn lose(&mut self, now: Monotonic) -> Option<Contact> {
        self.candidate = None;
        self.outbid_since = None;
        let contact = self.contact.take()?;
        let times = match self.flaps {
            Some((_, at, times)) if now.since(at) < FLAPS_FORGOTTEN_MS => times.saturating_add(1),
            _ => 1,
        };
        self.flaps = Some((contact.incarnation, now, times));
        Some(contact)
    }

    /// Takes down or up the links whose state changed and names them.
    pub(super) fn judge_links(&mut self, now: Monotonic) -> Vec<(LinkId, bool)> {
        let mut changed = Vec::new();
        let heard = self.contact.is_some();
        for (id, link) in &mut self.links {
            let up = heard && link.sequence > 0 && now < link.down_at();
            if up != link.up {
                link.up = up;
                changed.push((*id, up));
            }
        }
        changed
    }

    /// Drops a candidate that fell silent; tells whether there was one.
    pub(super) fn forget_candidate(&mut self, now: Monotonic, token_ms: u64) -> bool {
        let silent = self.candidate.is_some_and(|known| now.since(known.heard_at) >= token_ms);
        if silent {
            self.candidate = None;
        }
        silent
    }

    /// Returns what our heartbeat says of this peer; `taken` tells whether its contact counts.
    pub(super) fn reports(&self, node: model::NodeId, taken: bool) -> Vec<ContactReport> {
        let contact = self.contact.as_ref().map(|contact| ContactReport {
            node,
            incarnation: contact.incarnation,
            challenge: contact.challenge,
            echo: contact.their_challenge,
            mutual: taken,
        });
        let candidate = self.candidate.as_ref().map(|candidate| ContactReport {
            node,
            incarnation: candidate.incarnation,
            challenge: candidate.challenge,
            echo: candidate.their_challenge,
            mutual: false,
        });
        contact.into_iter().chain(candidate).collect()
    }
}

//! The network: heartbeats that get lost, doubled, delayed and overtaken; links between brains that
//! keep their order, stall while a direction is cut, and break.

use membership::core::LinkId;
use membership::core::beat::Heartbeat;
use model::{Incarnation, NodeId};
use node::core::Input;
use node::core::message::PeerMessage;

use crate::world::{Happening, World};

/// Between two attempts to dial.
const DIAL_PAUSE_MS: u64 = 60;

/// A brain's outgoing link to another one.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// The connection that is up, if one is.
    up: Option<u64>,
    /// The newest connection the other end has taken: what comes from an older one is dropped.
    newest: u64,
    /// What was sent last arrives then, and nothing sent later arrives before.
    last_at: u64,
    /// Messages that a cut holds up, of this connection.
    stalled: Vec<(u64, Incarnation, PeerMessage)>,
    dialling: bool,
}

impl World {
    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&(from, to))
    }

    /// Sends a heartbeat to some nodes.
    pub(crate) fn send_heartbeat(
        &mut self,
        from: NodeId,
        link: LinkId,
        to: &[NodeId],
        heartbeat: &Heartbeat,
    ) {
        for to in to.iter().copied() {
            let (loss, doubled, delay) = if self.calm {
                (0, 0, 2)
            } else {
                (self.setting.loss, self.setting.doubled, self.setting.delay_ms)
            };
            if self.is_cut(from, to) || self.chance.permille(loss) {
                continue;
            }
            for _ in 0..=u64::from(self.chance.permille(doubled)) {
                // mostly quick, sometimes as slow as it gets
                let longest = if self.chance.permille(100) { delay } else { delay.min(3) };
                let after = self.chance.between(0, longest);
                let heartbeat = Box::new(heartbeat.clone());
                self.after(after, Happening::Heard { to, link, heartbeat });
            }
        }
    }

    /// Sends on a link, or drops the message when the link is not up.
    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, message: PeerMessage) {
        let Some(incarnation) = self.hosts.get(&from).map(|host| Incarnation(host.incarnation))
        else {
            return;
        };
        let stalls = self.is_cut(from, to);
        let latency = if self.calm { 1 } else { self.setting.delay_ms / 10 + 1 };
        let after = self.chance.between(0, latency);
        let at = self.now + after;
        let Some(wire) = self.wires.get_mut(&(from, to)) else { return };
        let Some(connection) = wire.up else { return };
        if stalls || !wire.stalled.is_empty() {
            wire.stalled.push((connection, incarnation, message));
            return;
        }
        wire.last_at = wire.last_at.max(at);
        let (at, message) = (wire.last_at, Box::new(message));
        self.at(at, Happening::Said { from, to, connection, incarnation, message });
    }

    /// Something arrives at the other end.
    pub(crate) fn said(
        &mut self,
        from: NodeId,
        to: NodeId,
        connection: u64,
        incarnation: Incarnation,
        message: PeerMessage,
    ) {
        let Some(wire) = self.wires.get_mut(&(from, to)) else { return };
        if connection < wire.newest {
            return;
        }
        let Some(brain) = self.hosts.get(&to).and_then(|host| host.brain.as_ref()) else { return };
        let known = brain.brain.view().members.get(&from).map(|member| member.incarnation);
        if known.is_some_and(|known| known > incarnation) {
            return;
        }
        let life = brain.life;
        self.input(to, life, Input::Peer { from, message });
    }

    /// A brain dials another one.
    pub(crate) fn dial(&mut self, from: NodeId, to: NodeId) {
        let reachable = !self.is_cut(from, to) && !self.is_cut(to, from);
        let here = self.hosts.get(&from).and_then(|host| host.brain.as_ref());
        let Some(life) = here.map(|brain| brain.life) else {
            if let Some(wire) = self.wires.get_mut(&(from, to)) {
                wire.dialling = false;
            }
            return;
        };
        let frozen = |brain: &crate::host::BrainLife| brain.frozen_until > self.now;
        let there = self.hosts.get(&to).and_then(|host| host.brain.as_ref());
        let answers = there.is_some_and(|brain| !frozen(brain)) && !here.is_some_and(frozen);
        if !reachable || !answers {
            self.after(DIAL_PAUSE_MS, Happening::Dial { from, to });
            return;
        }
        let connection = self.number();
        let now = self.now;
        let Some(wire) = self.wires.get_mut(&(from, to)) else { return };
        wire.dialling = false;
        wire.up = Some(connection);
        wire.newest = connection;
        wire.last_at = now;
        wire.stalled.clear();
        self.note(|| format!("n{from} link to n{to} is up"));
        self.after(0, Happening::Input { node: from, life, input: Box::new(Input::PeerUp(to)) });
    }

    /// Begins to dial, unless that is going on.
    pub(crate) fn dial_later(&mut self, from: NodeId, to: NodeId, after: u64) {
        if let Some(wire) = self.wires.get_mut(&(from, to))
            && !wire.dialling
        {
            wire.dialling = true;
            self.after(after, Happening::Dial { from, to });
        }
    }

    /// Breaks a link at its sender's end. What is on its way may or may not arrive.
    pub(crate) fn break_wire(&mut self, from: NodeId, to: NodeId) {
        let connection = self.number();
        let arrives = self.chance.permille(500);
        let Some(wire) = self.wires.get_mut(&(from, to)) else { return };
        wire.stalled.clear();
        if !arrives {
            wire.newest = connection;
        }
        if wire.up.take().is_none() {
            return;
        }
        self.note(|| format!("n{from} link to n{to} broke"));
        if let Some(brain) = self.hosts.get(&from).and_then(|host| host.brain.as_ref()) {
            let life = brain.life;
            let input = Box::new(Input::PeerDown(to));
            self.after(0, Happening::Input { node: from, life, input });
        }
        self.dial_later(from, to, DIAL_PAUSE_MS);
    }

    /// The brain of a node, or its host, is gone: all its links are.
    pub(crate) fn break_wires_of(&mut self, node: NodeId) {
        for other in self.ids().into_iter().filter(|other| *other != node) {
            self.break_wire(node, other);
            self.break_wire(other, node);
        }
    }

    /// Cuts a direction: what is said meanwhile is held up, and a cut that lasts breaks the link.
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        if !self.cut.insert((from, to)) {
            return;
        }
        self.note(|| format!("cut: n{from} to n{to}"));
        for (from, to) in [(from, to), (to, from)] {
            if let Some(connection) = self.wires.get(&(from, to)).and_then(|wire| wire.up) {
                let after = self.chance.between(800, 5_000);
                self.after(after, Happening::GiveUp { from, to, connection });
            }
        }
    }

    pub(crate) fn give_up(&mut self, from: NodeId, to: NodeId, connection: u64) {
        let up = self.wires.get(&(from, to)).and_then(|wire| wire.up);
        if up == Some(connection) && (self.is_cut(from, to) || self.is_cut(to, from)) {
            self.break_wire(from, to);
        }
    }

    /// Mends every cut: what was held up goes its way, in order.
    pub(crate) fn heal(&mut self) {
        if self.cut.is_empty() {
            return;
        }
        self.note(|| "all cuts heal".to_owned());
        self.cut.clear();
        let keys: Vec<(NodeId, NodeId)> = self.wires.keys().copied().collect();
        for (from, to) in keys {
            let after = self.chance.between(0, 200);
            let at = self.now + after;
            let Some(wire) = self.wires.get_mut(&(from, to)) else { continue };
            wire.last_at = wire.last_at.max(at);
            let at = wire.last_at;
            for (connection, incarnation, message) in std::mem::take(&mut wire.stalled) {
                let message = Box::new(message);
                self.at(at, Happening::Said { from, to, connection, incarnation, message });
            }
        }
    }
}

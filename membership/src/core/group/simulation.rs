//! A network in memory for groups: delay, loss, cuts of one direction or one link, pauses,
//! crashes. Stories in `tests.rs` stand on it; the random runs below look for what nobody told.

use std::collections::{BTreeMap, BTreeSet};

use model::{BootId, Incarnation, Monotonic, NodeId, View};

use super::super::conf::Transport;
use super::super::event::PeerChange;
use super::super::pulse::Random;
use super::super::quorum::VoteRules;
use super::super::{LinkId, NodeConf};
use super::*;

pub(super) struct Host {
    pub(super) group: Group,
    pub(super) effects: Vec<(Monotonic, Effect)>,
    pub(super) up: bool,
    wake: Monotonic,
    paused_until: Monotonic,
    boot: u128,
    incarnation: u64,
}

pub(super) struct Net {
    pub(super) now: Monotonic,
    pub(super) hosts: BTreeMap<u32, Host>,
    pub(super) conf: GroupConf,
    /// Directions that carry nothing: from, to, link.
    pub(super) cut: BTreeSet<(u32, u32, u8)>,
    pub(super) loss_percent: u64,
    pub(super) delay_ms_max: u64,
    pub(super) copies: bool,
    links: u8,
    wire: BTreeMap<(Monotonic, u64), (u32, u8, Heartbeat)>,
    posted: u64,
    random: Random,
}

impl Net {
    pub(super) fn new(nodes: u32, links: u8, rules: VoteRules, seed: u64) -> Self {
        let node = |id: u32| {
            let addresses =
                (0..links).map(|link| (LinkId(link), format!("10.0.{link}.{id}"))).collect();
            (NodeId(id), NodeConf { name: format!("n{id}").into(), votes: 1, addresses })
        };
        let conf = GroupConf {
            cluster_name: "my".into(),
            transport: Transport::Knet,
            nodes: (1..=nodes).map(node).collect(),
            rules: VoteRules { counted: true, ..rules },
            token_ms: 1000,
            version: 1,
            digest: 1,
        };
        Self {
            now: Monotonic(1_000),
            hosts: BTreeMap::new(),
            conf,
            cut: BTreeSet::new(),
            loss_percent: 0,
            delay_ms_max: 1,
            copies: false,
            links,
            wire: BTreeMap::new(),
            posted: 0,
            random: Random(seed),
        }
    }

    pub(super) fn dice(&mut self, sides: u64) -> u64 {
        self.random.next() % sides
    }

    /// Starts a host that was off, or a brain that died: in the same boot if asked.
    pub(super) fn start(&mut self, id: u32, same_boot: bool) {
        let before = self.hosts.get(&id);
        let boot = before.map_or(1, |host| host.boot + u128::from(!same_boot));
        let incarnation = before.map_or(1, |host| host.incarnation + 1);
        let last_view = before.map_or(0, |host| host.group.highest);
        let me = Identity {
            node: NodeId(id),
            boot: BootId(u128::from(id) * 1000 + boot),
            incarnation: Incarnation(incarnation),
            seed: self.random.next(),
            last_view,
        };
        let group = Group::new(me, self.conf.clone(), self.now);
        let host = Host {
            group,
            effects: Vec::new(),
            up: true,
            wake: self.now,
            paused_until: self.now,
            boot,
            incarnation,
        };
        self.hosts.insert(id, host);
    }

    pub(super) fn start_all(&mut self) {
        let ids: Vec<u32> = self.conf.nodes.keys().map(|id| id.0).collect();
        for id in ids {
            self.start(id, false);
        }
    }

    pub(super) fn crash(&mut self, id: u32) {
        self.host(id).up = false;
    }

    pub(super) fn pause(&mut self, id: u32, ms: u64) {
        self.host(id).paused_until = self.now + ms;
    }

    /// Cuts one direction on every link.
    pub(super) fn cut_one_way(&mut self, from: u32, to: u32) {
        for link in 0..self.links {
            self.cut.insert((from, to, link));
        }
    }

    pub(super) fn cut_both(&mut self, one: u32, two: u32) {
        self.cut_one_way(one, two);
        self.cut_one_way(two, one);
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(super) fn host(&mut self, id: u32) -> &mut Host {
        self.hosts.get_mut(&id).unwrap()
    }

    pub(super) fn view(&self, id: u32) -> Vec<u32> {
        let view = self.hosts[&id].group.view();
        view.map(|view| view.members.keys().map(|id| id.0).collect()).unwrap_or_default()
    }

    pub(super) fn full_view(&self, id: u32) -> View {
        self.hosts[&id].group.view().unwrap().clone()
    }

    /// Returns what happened on a host since the last look at it, sends left out.
    pub(super) fn take_effects(&mut self, id: u32) -> Vec<(Monotonic, Effect)> {
        std::mem::take(&mut self.host(id).effects)
    }

    pub(super) fn views_seen(&mut self, id: u32) -> Vec<(Monotonic, View)> {
        let effects = self.take_effects(id).into_iter();
        let views = effects.filter_map(|(at, effect)| match effect {
            Effect::View(view) => Some((at, view)),
            _ => None,
        });
        views.collect()
    }

    pub(super) fn tell(&mut self, id: u32, event: Event) {
        let now = self.now;
        let host = self.host(id);
        let mut out = Vec::new();
        host.group.handle(now, event, &mut out);
        host.wake = host.group.wake_at(now);
        let heard = out.into_iter().filter(|effect| match effect {
            Effect::Send { .. } => true,
            _ => {
                host.effects.push((now, effect.clone()));
                false
            }
        });
        let sends: Vec<Effect> = heard.collect();
        for send in sends {
            self.post(id, send);
        }
    }

    fn post(&mut self, from: u32, send: Effect) {
        let Effect::Send { link, to, heartbeat } = send else { return };
        let mut bytes = Vec::new();
        heartbeat.encode(&mut bytes);
        assert_eq!(Heartbeat::decode(&bytes).as_ref(), Ok(&heartbeat));
        for to in to {
            let lost =
                self.cut.contains(&(from, to.0, link.0)) || self.dice(100) < self.loss_percent;
            if lost {
                continue;
            }
            let copies = if self.copies && self.dice(20) == 0 { 3 } else { 1 };
            for _ in 0..copies {
                let at = self.now + self.random.next() % (self.delay_ms_max + 1);
                self.posted += 1;
                self.wire.insert((at, self.posted), (to.0, link.0, heartbeat.clone()));
            }
        }
    }

    /// Lets the time pass and everything happen in it.
    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let tick = self
                .hosts
                .iter()
                .filter(|(_, host)| host.up)
                .map(|(id, host)| (host.wake.max(host.paused_until), *id))
                .min();
            let packet = self.wire.first_key_value().map(|(key, _)| key.0);
            let next = [tick.map(|(at, _)| at), packet].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if let Some((_, id)) = tick.filter(|(at, _)| *at == next) {
                let host = self.host(id);
                let late_ms = next.since(host.wake);
                self.tell(id, Event::Tick { late_ms });
                // A tick that changes nothing must not come again in the same millisecond for ever.
                assert!(self.host(id).wake > next, "n{id} wants to be woken at once again");
            } else if let Some((_, (to, link, heartbeat))) = self.wire.pop_first() {
                self.deliver(to, link, heartbeat);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self, to: u32, link: u8, heartbeat: Heartbeat) {
        let Some(host) = self.hosts.get(&to).filter(|host| host.up) else { return };
        if host.paused_until > self.now {
            // The socket keeps it until the thread runs again.
            self.posted += 1;
            self.wire.insert((host.paused_until, self.posted), (to, link, heartbeat));
            return;
        }
        let heartbeat = Box::new(heartbeat);
        self.tell(to, Event::Heard { link: LinkId(link), heartbeat });
    }
}

/// What must be true at any moment: one number and digest is one set, views contain their node,
/// numbers grow, and no view holds two nodes one of which was known to be lost by the other.
fn check_history(net: &Net, trace: &str) {
    let mut sets: BTreeMap<(u64, u64), Vec<NodeId>> = BTreeMap::new();
    for (id, host) in &net.hosts {
        if let Some(installed) = &host.group.installed {
            assert!(installed.stamp.members.contains(&NodeId(*id)), "{trace}");
            let key = (installed.stamp.number, installed.stamp.digest);
            let known = sets.entry(key).or_insert_with(|| installed.stamp.members.clone());
            assert_eq!(known, &installed.stamp.members, "{trace}");
        }
        check_steps(*id, &host.effects, trace);
    }
}

/// What one node was told must make sense in its order: numbers grow, and who was lost or booted
/// again while in the view is seen out of it before it is in again.
fn check_steps(id: u32, effects: &[(Monotonic, Effect)], trace: &str) {
    let mut last: Option<&View> = None;
    let mut gone: BTreeSet<NodeId> = BTreeSet::new();
    for (_, effect) in effects {
        match effect {
            Effect::View(view) => {
                if let Some(last) = last {
                    let again = view.number == last.number && view.members == last.members;
                    assert!(view.number > last.number || again, "{trace}: n{id} went back");
                    for (node, member) in &view.members {
                        let before = last.members.get(node);
                        assert!(
                            before.is_none_or(|before| before.boot == member.boot),
                            "{trace}: n{id} never saw n{node} out between two boots"
                        );
                    }
                }
                gone.retain(|node| view.members.contains_key(node));
                assert!(gone.is_empty(), "{trace}: n{id} never saw {gone:?} out");
                last = Some(view);
            }
            Effect::Peer { node, change: PeerChange::Lost { .. } | PeerChange::Rebooted }
                if last.is_some_and(|view| view.members.contains_key(node)) =>
            {
                gone.insert(*node);
            }
            _ => {}
        }
    }
}

/// Two sides that do not overlap are never quorate at once when they agree on what is expected.
fn check_one_quorum(net: &Net, trace: &str) {
    let quorate: Vec<(u32, Vec<u32>)> = net
        .hosts
        .iter()
        .filter(|(_, host)| host.up && host.group.view().is_some_and(|view| view.quorate))
        .map(|(id, _)| (*id, net.view(*id)))
        .collect();
    for (one, ones) in &quorate {
        for (two, twos) in &quorate {
            let agreed = ones.iter().all(|id| net.view(*id) == *ones)
                && twos.iter().all(|id| net.view(*id) == *twos);
            let apart = ones.iter().all(|id| !twos.contains(id));
            assert!(!(agreed && apart), "{trace}: n{one} {ones:?} and n{two} {twos:?}");
        }
    }
}

fn random_run(seed: u64, nodes: u32) {
    let trace = format!("seed {seed}, {nodes} nodes");
    let mut net = Net::new(nodes, 1 + u8::from(seed.is_multiple_of(3)), VoteRules::default(), seed);
    net.copies = true;
    net.delay_ms_max = [1, 5, 40][usize::try_from(net.dice(3)).unwrap()];
    net.start_all();
    for _ in 0..40 {
        let one = 1 + u32::try_from(net.dice(nodes.into())).unwrap();
        let two = 1 + u32::try_from(net.dice(nodes.into())).unwrap();
        match net.dice(10) {
            0 | 1 if one != two => net.cut_one_way(one, two),
            2 if one != two => net.cut_both(one, two),
            3 | 4 => net.heal(),
            5 => net.loss_percent = net.dice(60),
            6 => net.crash(one),
            7 => {
                let same_boot = net.dice(2) == 0;
                net.start(one, same_boot);
            }
            8 => {
                let ms = net.dice(3_000);
                net.pause(one, ms);
            }
            _ => {}
        }
        let ms = net.dice(1_500);
        net.run(ms);
        check_history(&net, &trace);
        check_one_quorum(&net, &trace);
        // Keeps the logs short; what was checked need not be kept.
        for id in 1..=nodes {
            let last = net.host(id).effects.iter().rposition(|(_, e)| matches!(e, Effect::View(_)));
            net.host(id).effects.drain(..last.unwrap_or(0));
        }
    }
    // Some cuts stay for ever: the views must settle all the same.
    net.loss_percent = 0;
    for id in 1..=nodes {
        if !net.hosts[&id].up {
            net.start(id, false);
        }
    }
    net.run(40_000);
    let settled: Vec<Vec<u32>> = (1..=nodes).map(|id| net.view(id)).collect();
    for id in 1..=nodes {
        net.take_effects(id);
    }
    net.run(60_000);
    for id in 1..=nodes {
        let later = net.views_seen(id);
        assert!(later.is_empty(), "{trace}: n{id} still changes: {later:?}, cut {:?}", net.cut);
    }
    for view in &settled {
        for member in view {
            let theirs = &settled[usize::try_from(*member).unwrap() - 1];
            assert_eq!(theirs, view, "{trace}: {settled:?}, cut {:?}", net.cut);
        }
    }
    // Whole again: one view of all.
    net.heal();
    net.run(20_000);
    let all: Vec<u32> = (1..=nodes).collect();
    for id in 1..=nodes {
        assert_eq!(net.view(id), all, "{trace}");
        assert!(net.full_view(id).quorate, "{trace}");
        assert_eq!(net.full_view(id), net.full_view(1), "{trace}");
    }
}

#[test]
fn whatever_happens_views_agree_settle_and_become_whole_again() {
    let runs: u64 =
        std::env::var("GROUP_SEEDS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(10);
    for seed in 0..runs {
        random_run(seed, 2 + u32::try_from(seed % 5).unwrap());
    }
}

/// Brains that die and are back within the token, on a network that loses and delays: nobody may
/// ever see the members change.
#[test]
fn brains_that_are_back_in_time_never_change_the_members() {
    for seed in 0..20 {
        let nodes = 2 + u32::try_from(seed % 4).unwrap();
        let mut net = Net::new(nodes, 1, VoteRules::default(), seed);
        net.copies = true;
        net.start_all();
        net.run(2_000);
        net.loss_percent = 5;
        net.delay_ms_max = 10;
        for id in 1..=nodes {
            net.take_effects(id);
        }
        for _ in 0..30 {
            let one = 1 + u32::try_from(net.dice(nodes.into())).unwrap();
            net.crash(one);
            let away = net.dice(500);
            net.run(away);
            net.start(one, true);
            let ms = 200 + net.dice(1_000);
            net.run(ms);
        }
        net.run(1_000);
        for id in 1..=nodes {
            for (_, effect) in net.take_effects(id) {
                match effect {
                    Effect::View(view) => {
                        let members = view.members.len();
                        assert_eq!(members, usize::try_from(nodes).unwrap(), "seed {seed}");
                    }
                    Effect::Peer { change, .. } => assert!(
                        matches!(change, PeerChange::Appeared { .. }),
                        "seed {seed}: n{id} {change:?}"
                    ),
                    _ => {}
                }
            }
            assert_eq!(net.full_view(id), net.full_view(1), "seed {seed}");
        }
    }
}

//! Nodes with a disk that loses what was not synced, wires that lose, delay, double and reorder,
//! and a detector that tells each node a little later what is true.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{BootId, Incarnation, Member, Monotonic, NodeId, View};

use crate::raft::consensus::Consensus;
use crate::raft::durable;
use crate::raft::event::{Config, Effect, Event, Licence, Rejection, RequestId, Role};
use crate::raft::peers;
use crate::raft::record::{Base, Record};

/// A small, fast, reproducible source of chance (xorshift64*).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..5 {
            chance.next();
        }
        chance
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Returns a place in a list of `count`.
    pub(super) fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }

    pub(super) fn permille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }
}

/// What can go wrong while the faults last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) lose: u64,
    pub(super) double: u64,
    pub(super) delay_ms: u64,
    pub(super) fsync_ms: u64,
    pub(super) detection_ms: u64,
    /// What a survivor of a pair does.
    pub(super) alone: Alone,
}

/// How a pair's survivor goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    Never,
    Unlicensed,
    /// It has the other one fenced first, by a device that is slow and fails at times.
    Fenced,
}

impl Faults {
    pub(super) const NONE: Self =
        Self { lose: 0, double: 0, delay_ms: 0, fsync_ms: 0, detection_ms: 0, alone: Alone::Never };
    pub(super) const WILD: Self = Self {
        lose: 40,
        double: 50,
        delay_ms: 30,
        fsync_ms: 30,
        detection_ms: 300,
        alone: Alone::Never,
    };
}

#[derive(Debug)]
struct Packet {
    from: NodeId,
    to: NodeId,
    bytes: Vec<u8>,
    snapshot: bool,
    at: u64,
}

#[derive(Debug)]
struct Batch {
    seq: u64,
    records: Vec<Record>,
    at: u64,
    took: u64,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) core: Option<Consensus>,
    pub(super) disk: Option<Base>,
    pub(super) archives: u32,
    pub(super) resets: u32,
    pub(super) incarnation: u64,
    pub(super) marked: bool,
    batches: VecDeque<Batch>,
    /// The state machine: every write in order.
    pub(super) state: Vec<u64>,
    pub(super) role: Role,
    pub(super) view: View,
    next_view: Option<(u64, View)>,
    ticked: u64,
    alone_at: Option<u64>,
    pub(super) rejected: Vec<(RequestId, Rejection)>,
    pub(super) done: BTreeSet<RequestId>,
    pub(super) warnings: Vec<String>,
    pub(super) went_alone: u32,
    pub(super) stopped: Option<String>,
    unanswered: Option<(u64, Vec<u8>)>,
}

impl Node {
    /// Keeps back what the detector would tell.
    pub(super) fn take_next_view(&mut self) -> View {
        let kept = self.view.clone();
        self.next_view.take().map_or(kept, |(_, view)| view)
    }

    pub(super) fn give_view(&mut self, at: u64, view: View) {
        self.next_view = Some((at, view));
    }
}

/// A request to the fence device.
#[derive(Debug)]
struct Fencing {
    by: usize,
    life: u64,
    /// When it strikes; 0 = it has; `None` = it fails.
    strike: Option<u64>,
    /// When its result arrives.
    told: u64,
}

impl Fencing {
    fn told_struck(&self) -> bool {
        self.strike == Some(0)
    }
}

pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) faults: Faults,
    pub(super) now: u64,
    pub(super) nodes: Vec<Node>,
    net: Vec<Packet>,
    fencings: Vec<Fencing>,
    /// Whom the device has turned off, and to whom it has confirmed that, until somebody looks.
    pub(super) struck: Vec<usize>,
    pub(super) confirmed: Vec<usize>,
    /// The disk tells of all batches that are done at once.
    pub(super) together: bool,
    /// A node that gets no entries from this index on.
    pub(super) withheld: Option<(NodeId, u64)>,
    /// The last packet with entries for each node.
    pub(super) last_append: BTreeMap<NodeId, (NodeId, Vec<u8>)>,
    /// Pairs (from, to) that hear nothing.
    pub(super) cut: BTreeSet<(u32, u32)>,
    pub(super) acknowledged: Vec<u64>,
    pub(super) leaders: BTreeMap<(u64, u64, u64), NodeId>,
    next_request: u64,
    views: u64,
    pub(super) trace: Option<Vec<String>>,
    nodelist: BTreeSet<NodeId>,
}

impl World {
    pub(super) fn new(seed: u64, count: u32, marked: bool) -> Self {
        let nodelist: BTreeSet<NodeId> = (1..=count).map(NodeId).collect();
        let node = |id: NodeId| Node {
            id,
            core: None,
            disk: None,
            archives: 0,
            resets: 0,
            incarnation: 0,
            marked,
            batches: VecDeque::new(),
            state: Vec::new(),
            role: Role::default(),
            view: View::default(),
            next_view: None,
            ticked: 0,
            alone_at: None,
            rejected: Vec::new(),
            done: BTreeSet::new(),
            warnings: Vec::new(),
            went_alone: 0,
            stopped: None,
            unanswered: None,
        };
        let mut world = Self {
            chance: Chance::new(seed),
            faults: Faults::NONE,
            now: 1_000,
            nodes: nodelist.iter().map(|id| node(*id)).collect(),
            net: Vec::new(),
            fencings: Vec::new(),
            struck: Vec::new(),
            confirmed: Vec::new(),
            together: false,
            withheld: None,
            last_append: BTreeMap::new(),
            cut: BTreeSet::new(),
            acknowledged: Vec::new(),
            leaders: BTreeMap::new(),
            next_request: 1,
            views: 0,
            trace: None,
            nodelist,
        };
        for index in 0..world.nodes.len() {
            world.boot(index);
        }
        world
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let text = text();
            trace.push(format!("{:>7} {text}", self.now));
        }
    }

    pub(super) fn boot(&mut self, index: usize) {
        let salt = self.chance.next();
        let now = Monotonic(self.now);
        let nodelist = self.nodelist.clone();
        let node = &mut self.nodes[index];
        if node.core.is_some() {
            return;
        }
        node.incarnation += 1;
        node.state.clear();
        node.role = Role::default();
        node.view = View::default();
        node.alone_at = None;
        node.stopped = None;
        node.unanswered = None;
        node.ticked = self.now;
        let config = Config {
            node: node.id,
            incarnation: Incarnation(node.incarnation),
            salt,
            nodelist,
            token_ms: 1_000,
            marked: node.marked,
        };
        let mut out = Vec::new();
        let core = Consensus::open(config, node.disk.clone(), now, &mut out);
        node.core = Some(core);
        let id = node.id;
        self.note(|| format!("boot {id}"));
        self.carry_out(index, out);
        self.look_around();
    }

    /// Power goes: of what waits for the disk a random first part arrives.
    pub(super) fn crash(&mut self, index: usize) {
        let survive = self.chance.place(self.nodes[index].batches.len() + 1);
        let node = &mut self.nodes[index];
        if node.core.take().is_none() {
            return;
        }
        for batch in std::mem::take(&mut node.batches).into_iter().take(survive) {
            write(node, batch.records);
        }
        let id = node.id;
        self.note(|| format!("crash {id}"));
        self.look_around();
    }

    pub(super) fn is_up(&self, index: usize) -> bool {
        self.nodes[index].core.is_some()
    }

    pub(super) fn core(&self, index: usize) -> &Consensus {
        self.nodes[index].core.as_ref().expect("the node is up")
    }

    pub(super) fn hears(&self, from: NodeId, to: NodeId) -> bool {
        let up = |id: NodeId| self.nodes[id.0 as usize - 1].core.is_some();
        up(from) && up(to) && !self.cut.contains(&(from.0, to.0))
    }

    /// Works out what each node's view should be and tells it after the detector's time.
    pub(super) fn look_around(&mut self) {
        self.views += 1;
        for index in 0..self.nodes.len() {
            let me = self.nodes[index].id;
            let members = self.nodes.iter().filter(|node| {
                let both = self.hears(me, node.id) && self.hears(node.id, me);
                node.core.is_some() && (node.id == me || both)
            });
            let member = |node: &Node| Member {
                id: node.id,
                name: format!("n{}", node.id).into(),
                boot: BootId(u128::from(node.incarnation)),
                incarnation: Incarnation(node.incarnation),
            };
            let members: BTreeMap<NodeId, Member> =
                members.map(|node| (node.id, member(node))).collect();
            let votes = members.len();
            let quorate = votes * 2 > self.nodes.len() || (self.nodes.len() == 2 && votes == 1);
            let view = View { number: self.views, members, quorate };
            let delay = self.chance.below(self.faults.detection_ms + 1);
            self.nodes[index].next_view = Some((self.now + delay, view));
        }
    }

    pub(super) fn tell(&mut self, index: usize, event: Event) {
        let now = Monotonic(self.now);
        let mut out = Vec::new();
        let Some(core) = &mut self.nodes[index].core else { return };
        core.handle(now, event, &mut out);
        self.carry_out(index, out);
    }

    fn carry_out(&mut self, index: usize, effects: Vec<Effect>) {
        for effect in effects {
            let id = self.nodes[index].id;
            match effect {
                Effect::Persist { seq, records, sync } => {
                    let slow = self.chance.below(self.faults.fsync_ms + 1);
                    let took = if sync { slow } else { 0 };
                    let node = &mut self.nodes[index];
                    let after = node.batches.back().map_or(0, |b| b.at).max(self.now);
                    node.batches.push_back(Batch { seq, records, at: after + took, took });
                }
                Effect::Send { to, bytes, snapshot } => self.send(id, to, bytes, snapshot),
                Effect::Commit { data, proposal, .. } => {
                    let write = u64::from_be_bytes(data.try_into().expect("eight bytes"));
                    let node = &mut self.nodes[index];
                    node.state.push(write);
                    if proposal.is_some() {
                        self.acknowledged.push(write);
                    }
                    self.note(|| format!("{id} applies {write}"));
                }
                Effect::Restore { data, index: at } => {
                    let chunks = data.chunks_exact(8);
                    let writes = chunks.map(|c| u64::from_be_bytes(c.try_into().expect("eight")));
                    self.nodes[index].state = writes.collect();
                    self.note(|| format!("{id} restores {at}"));
                }
                Effect::Role(role) => {
                    self.nodes[index].role = role;
                    if role.is_leader {
                        self.lead(index, role);
                    }
                    self.note(|| format!("{id} {role:?}"));
                }
                Effect::Done { id: request } => {
                    self.nodes[index].done.insert(request);
                }
                Effect::Rejected { id: request, reason } => {
                    self.note(|| format!("{id} rejects {request:?}: {reason:?}"));
                    self.nodes[index].rejected.push((request, reason));
                }
                Effect::NeedSnapshot { index: at } => {
                    let state = self.nodes[index].state.iter();
                    let data: Vec<u8> = state.flat_map(|write| write.to_be_bytes()).collect();
                    self.nodes[index].unanswered = Some((at, data));
                }
                Effect::Born => {
                    self.nodes[index].marked = false;
                    self.note(|| format!("{id} born"));
                }
                Effect::ArchiveAndReset { winner, reason } => {
                    self.nodes[index].state.clear();
                    self.nodes[index].resets += 1;
                    self.note(|| format!("{id} gives way to {winner}: {reason:?}"));
                }
                Effect::WentAlone { generation, licence } => {
                    self.nodes[index].went_alone += 1;
                    self.note(|| format!("{id} alone in {generation:?} by {licence:?}"));
                }
                Effect::Stopped { reason } => {
                    self.note(|| format!("{id} stopped: {reason}"));
                    self.nodes[index].stopped = Some(reason);
                }
                Effect::Warn(text) => {
                    self.note(|| format!("{id} warns: {text}"));
                    self.nodes[index].warnings.push(text);
                }
            }
        }
    }

    fn lead(&mut self, index: usize, role: Role) {
        let id = self.nodes[index].id;
        // Two halves of an unlicensed pair are two generations of one number.
        let salt = self.core(index).lineage().last().map_or(0, |a| a.salt);
        let key = (role.generation.0, salt, role.term.0);
        let known = *self.leaders.entry(key).or_insert(id);
        assert_eq!(known, id, "two leaders in generation, salt, term {key:?}");
    }

    fn send(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>, snapshot: bool) {
        let entries = peers::entries_in(&bytes);
        if !entries.is_empty() {
            self.last_append.insert(to, (from, bytes.clone()));
        }
        let withheld = self.withheld.is_some_and(|(node, index)| {
            node == to && entries.last().is_some_and(|last| *last >= index)
        });
        if withheld || self.chance.permille(self.faults.lose) {
            if snapshot {
                let index = from.0 as usize - 1;
                self.tell(index, Event::SnapshotSent { to, delivered: false });
            }
            return;
        }
        let copies = 1 + u64::from(self.chance.permille(self.faults.double));
        for copy in 0..copies {
            let at = self.now + 1 + self.chance.below(self.faults.delay_ms + 1) + 40 * copy;
            self.net.push(Packet { from, to, bytes: bytes.clone(), snapshot, at });
        }
    }

    /// What waits for a node's disk arrives there, and the node does not hear of it.
    pub(super) fn arrive(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        for batch in std::mem::take(&mut node.batches) {
            write(node, batch.records);
        }
    }

    /// Takes what a node has just sent off the wire and tells what it is.
    pub(super) fn answers(&mut self, index: usize) -> Vec<String> {
        let from = self.nodes[index].id;
        let now = self.now;
        let fresh = |packet: &mut Packet| packet.from == from && packet.at == now + 1;
        let sent: Vec<Packet> = self.net.extract_if(.., fresh).collect();
        let kind = |packet: &Packet| {
            let words = peers::describe(&packet.bytes);
            words.split(' ').next().unwrap_or_default().to_owned()
        };
        sent.iter().map(kind).collect()
    }

    /// Five milliseconds pass.
    pub(super) fn step(&mut self) {
        self.now += 5;
        for index in 0..self.nodes.len() {
            self.step_node(index);
        }
        self.fence();
        let (due, later): (Vec<Packet>, Vec<Packet>) =
            std::mem::take(&mut self.net).into_iter().partition(|p| p.at <= self.now);
        self.net = later;
        for packet in due {
            let index = packet.to.0 as usize - 1;
            let arrives = self.hears(packet.from, packet.to);
            if arrives {
                self.note(|| {
                    format!("{}->{} {}", packet.from, packet.to, peers::describe(&packet.bytes))
                });
                self.tell(index, Event::Step { from: packet.from, bytes: packet.bytes });
            }
            if packet.snapshot {
                let from = packet.from.0 as usize - 1;
                self.tell(from, Event::SnapshotSent { to: packet.to, delivered: arrives });
            }
        }
    }

    fn step_node(&mut self, index: usize) {
        let now = self.now;
        while self.nodes[index].batches.front().is_some_and(|batch| batch.at <= now) {
            // The disk tells of several batches at once, or of each.
            let all = self.together || self.chance.permille(300);
            let node = &mut self.nodes[index];
            let mut done = None;
            while node.batches.front().is_some_and(|batch| batch.at <= now) {
                let batch = node.batches.pop_front().expect("looked at");
                write(node, batch.records);
                done = Some((batch.seq, batch.took));
                if !all {
                    break;
                }
            }
            let (seq, took_ms) = done.expect("at least one");
            self.tell(index, Event::PersistDone { seq, took_ms });
        }
        if self.nodes[index].core.is_none() {
            return;
        }
        if self.nodes[index].next_view.as_ref().is_some_and(|(at, _)| *at <= now) {
            let (_, view) = self.nodes[index].next_view.take().expect("looked at");
            self.nodes[index].view = view.clone();
            let alone = self.faults.alone != Alone::Never
                && self.nodes.len() == 2
                && view.members.len() == 1;
            let delay = if index == 0 { 0 } else { 150 };
            self.nodes[index].alone_at = alone.then_some(now + 20 + delay);
            self.note(|| format!("{} sees {:?}", index + 1, view.members.keys()));
            self.tell(index, Event::View(view));
        }
        if self.nodes[index].alone_at.is_some_and(|at| at <= now) {
            self.nodes[index].alone_at = None;
            if self.faults.alone == Alone::Fenced {
                self.request_fencing(index);
            } else {
                let id = self.request();
                self.tell(index, Event::GoAlone { id, licence: Licence::Unlicensed });
            }
        }
        if let Some((at, data)) = self.nodes[index].unanswered.take() {
            // The state machine answers at once or a while later.
            if self.chance.permille(300) {
                self.nodes[index].unanswered = Some((at, data));
            } else {
                self.tell(index, Event::Snapshot { index: at, data });
            }
        }
        if now.saturating_sub(self.nodes[index].ticked) >= 15 {
            self.nodes[index].ticked = now;
            self.tell(index, Event::Tick);
        }
    }

    fn request_fencing(&mut self, index: usize) {
        let node = self.nodes[1 - index].id;
        self.tell(index, Event::Condemned { node, condemned: true });
        let strike = self.now + self.chance.below(200);
        let told = strike + self.chance.below(200);
        let works = !self.chance.permille(100);
        let by = self.nodes[index].incarnation;
        self.fencings.push(Fencing { by: index, life: by, strike: works.then_some(strike), told });
    }

    /// The device acts when it likes, and its confirmation arrives later.
    fn fence(&mut self) {
        for mut fencing in std::mem::take(&mut self.fencings) {
            let (by, target) = (fencing.by, 1 - fencing.by);
            if fencing.strike.is_some_and(|at| at <= self.now) && !fencing.told_struck() {
                self.note(|| format!("the device turns {} off", target + 1));
                self.crash(target);
                self.struck.push(target);
                fencing.strike = Some(0);
            }
            if fencing.told > self.now {
                self.fencings.push(fencing);
                continue;
            }
            let same_life = self.nodes[by].incarnation == fencing.life;
            if !same_life || !self.is_up(by) {
                continue;
            }
            if fencing.told_struck() {
                self.confirmed.push(by);
                let id = self.request();
                self.tell(by, Event::GoAlone { id, licence: Licence::Fenced });
            }
            let node = self.nodes[target].id;
            self.tell(by, Event::Condemned { node, condemned: false });
            if self.nodes[by].view.members.len() == 1 && !self.core(by).is_sole_voter() {
                self.nodes[by].alone_at = Some(self.now + 500);
            }
        }
    }

    /// No more strikes; whoever waits for one waits no longer.
    pub(super) fn call_off(&mut self) {
        for fencing in std::mem::take(&mut self.fencings) {
            let node = self.nodes[1 - fencing.by].id;
            self.tell(fencing.by, Event::Condemned { node, condemned: false });
        }
    }

    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            self.step();
        }
    }

    pub(super) fn request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// Proposes an entry that is no write.
    pub(super) fn propose(&mut self, index: usize, entry: u64) {
        let id = self.request();
        self.tell(index, Event::Propose { id, data: entry.to_be_bytes().to_vec() });
    }

    /// Proposes one write at a node and returns its number.
    pub(super) fn write(&mut self, index: usize) -> u64 {
        let id = self.request();
        self.tell(index, Event::Propose { id, data: id.0.to_be_bytes().to_vec() });
        id.0
    }

    pub(super) fn cut_off(&mut self, index: usize) {
        let me = self.nodes[index].id.0;
        for other in &self.nodes {
            self.cut.insert((me, other.id.0));
            self.cut.insert((other.id.0, me));
        }
        self.look_around();
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.look_around();
    }

    pub(super) fn leader(&self) -> Option<usize> {
        let leads = |node: &&Node| node.core.is_some() && node.role.acting;
        let mut leaders = self.nodes.iter().filter(leads);
        let leader = leaders.next()?;
        leaders.next().is_none().then(|| leader.id.0 as usize - 1)
    }

    /// Tells whether all are up, of one lineage, all voters, with one state and one leader.
    pub(super) fn is_whole(&self) -> bool {
        let Some(leader) = self.leader() else { return false };
        let first = self.core(leader);
        self.nodes.iter().all(|node| {
            node.core.as_ref().is_some_and(|core| {
                core.lineage() == first.lineage()
                    && core.voters() == self.nodelist
                    && node.state == self.nodes[leader].state
                    && core.applied_index() == first.applied_index()
                    && node.role.leader == Some(self.nodes[leader].id)
            })
        })
    }

    /// Runs until everything is whole; tells what is not after `ms`.
    pub(super) fn settle(&mut self, ms: u64) -> Result<u64, String> {
        let start = self.now;
        while self.now < start + ms {
            self.step();
            if self.is_whole() {
                return Ok(self.now - start);
            }
        }
        let cores: Vec<String> = self
            .nodes
            .iter()
            .map(|n| format!("{:?} state {} {:?}", n.core, n.state.len(), n.stopped))
            .collect();
        Err(format!("not whole after {ms} ms:\n{}", cores.join("\n")))
    }

    /// Returns the acknowledged writes that a node does not have.
    pub(super) fn missing_at(&self, index: usize) -> Vec<u64> {
        let have: BTreeSet<u64> = self.nodes[index].state.iter().copied().collect();
        self.acknowledged.iter().copied().filter(|write| !have.contains(write)).collect()
    }
}

fn write(node: &mut Node, records: Vec<Record>) {
    for record in records {
        if matches!(record.kind, Some(crate::raft::record::Kind::Archive(_))) {
            node.archives += 1;
        }
        durable::apply(&mut node.disk, record).expect("the core writes what can be read");
    }
}

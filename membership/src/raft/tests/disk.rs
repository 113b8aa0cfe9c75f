//! The core on a real log: what it writes is what it starts from again.

use std::collections::VecDeque;
use std::path::Path;

use model::{BootId, Incarnation, Member, Monotonic, NodeId, View};

use crate::raft::consensus::Consensus;
use crate::raft::event::{Config, Effect, Event, RequestId};
use crate::raft::log_store::LogStore;

struct Alone {
    core: Consensus,
    store: LogStore,
    now: u64,
    applied: Vec<Vec<u8>>,
}

impl Alone {
    fn start(dir: &Path, incarnation: u64) -> Self {
        let (store, recovered) = LogStore::open(dir).expect("the log opens");
        assert_eq!(recovered.torn, None);
        let mut out = Vec::new();
        let config = Config {
            node: NodeId(1),
            incarnation: Incarnation(incarnation),
            salt: incarnation * 1_000,
            nodelist: [NodeId(1)].into(),
            token_ms: 1_000,
            marked: false,
        };
        let core = Consensus::open(config, recovered.state, Monotonic(0), &mut out);
        let mut node = Self { core, store, now: 0, applied: Vec::new() };
        for event in node.carry_out(out) {
            node.tell(event);
        }
        let me = Member {
            id: NodeId(1),
            name: "one".into(),
            boot: BootId(1),
            incarnation: Incarnation(incarnation),
        };
        let members = [(NodeId(1), me)].into();
        node.tell(Event::View(View { number: 1, members, quorate: true }));
        for _ in 0..20 {
            node.tell(Event::Tick);
        }
        assert!(node.core.role().acting);
        node
    }

    fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            self.now += 20;
            let mut out = Vec::new();
            self.core.handle(Monotonic(self.now), event, &mut out);
            events.extend(self.carry_out(out));
        }
    }

    /// Carries effects out in their order; returns what there is to tell afterwards.
    fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Event> {
        let mut events = Vec::new();
        for effect in effects {
            match effect {
                Effect::Persist { seq, records, sync } => {
                    let written = self.store.append(&records, sync).expect("written");
                    events.push(Event::PersistDone { seq, took_ms: written.took_ms });
                }
                Effect::Commit { data, .. } => self.applied.push(data),
                Effect::Restore { data, .. } => {
                    self.applied = data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                }
                Effect::NeedSnapshot { index } => {
                    let data = self.applied.join(&b'\n');
                    events.push(Event::Snapshot { index, data });
                }
                _ => {}
            }
        }
        events
    }
}

#[test]
fn what_was_committed_is_there_after_a_restart_with_and_without_a_snapshot() {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a place");
    let write = |number: u64| format!("write {number}").into_bytes();
    let mut expected = Vec::new();
    for life in 1..=3 {
        let mut node = Alone::start(dir.path(), life);
        assert_eq!(node.applied, expected, "life {life}");
        for number in 0..600 {
            let number = life * 10_000 + number;
            node.tell(Event::Propose { id: RequestId(number), data: write(number) });
            expected.push(write(number));
        }
        assert_eq!(node.applied, expected);
    }
    let files = std::fs::read_dir(dir.path().join("raft")).expect("a directory");
    assert_eq!(files.count(), 2, "a lock and one file");
}

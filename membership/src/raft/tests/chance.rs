//! Random schedules: faults for a while, then none, and everything must be whole. One seed is one
//! schedule; `RAFT_SEEDS=1000 cargo test -p membership chance` runs more of them,
//! `RAFT_SEED=17 … -- --nocapture` replays one and prints what happened.

use super::world::{Alone, Faults, World};
use crate::raft::event::{Event, RequestId, VoterChange};

/// Enough to have caught every rule that was taken out on purpose, in about a second.
const SEEDS: u64 = 40;

#[derive(Clone, Copy)]
struct Plan {
    nodes: u32,
    steps: u32,
    faults: Faults,
    /// Orderly leaves and returns.
    leaves: bool,
    /// Disks that are lost, one at a time.
    wipes: bool,
    marked: bool,
}

fn run_seed(seed: u64, plan: Plan, trace: bool) -> Result<(), String> {
    let mut world = World::new(seed, plan.nodes, plan.marked);
    world.trace = trace.then(Vec::new);
    world.faults = plan.faults;
    let mut wiped = None;
    for _ in 0..plan.steps {
        world.step();
        disturb(&mut world, plan, &mut wiped);
    }
    world.note(|| "calm".to_owned());
    world.faults = Faults { alone: plan.faults.alone, ..Faults::NONE };
    world.heal();
    world.call_off();
    for index in 0..world.nodes.len() {
        world.boot(index);
    }
    let mut outcome = world.settle(30_000).map(|_| ());
    let missing = world.missing_at(0);
    if outcome.is_ok() && plan.faults.alone != Alone::Unlicensed && !missing.is_empty() {
        outcome = Err(format!("acknowledged writes are lost: {missing:?}"));
    }
    if outcome.is_ok() && !writes_again(&mut world) {
        outcome = Err("the cluster is whole, but does not write".to_owned());
    }
    if let Some(stopped) = world.nodes.iter().find_map(|node| node.stopped.clone()) {
        outcome = Err(stopped);
    }
    if let (Some(trace), true) = (&world.trace, outcome.is_err()) {
        println!("{}", trace.join("\n"));
    }
    outcome
}

/// A handover may be under way still: one of a few writes must go through.
fn writes_again(world: &mut World) -> bool {
    (0..10).any(|_| {
        let write = world.write(world.leader().unwrap_or(0));
        world.run(300);
        world.nodes.iter().all(|node| node.state.last() == Some(&write))
    })
}

fn disturb(world: &mut World, plan: Plan, wiped: &mut Option<usize>) {
    let index = world.chance.place(world.nodes.len());
    match world.chance.below(400) {
        0..40 => {
            world.write(index);
        }
        40 | 41 => world.crash(index),
        42..50 if !world.is_up(index) => world.boot(index),
        50 => world.cut_off(index),
        51 => {
            let other = world.chance.place(world.nodes.len());
            world.cut.insert((world.nodes[index].id.0, world.nodes[other].id.0));
            world.look_around();
        }
        52..54 => world.heal(),
        54 => {
            let (to, id) = (world.nodes[index].id, world.request());
            if let Some(leader) = world.leader() {
                world.tell(leader, Event::TransferLeadership { id, to });
            }
        }
        55 if plan.leaves => {
            let (node, id) = (world.nodes[index].id, world.request());
            if let Some(leader) = world.leader() {
                world.tell(leader, Event::Leave { id, node });
                leave_when_done(world, leader, index, id);
            }
        }
        56 => {
            // A state machine may cut the log whenever it likes.
            let at = world.nodes[index].core.as_ref().map_or(0, |core| core.told);
            let state = world.nodes[index].state.iter();
            let data: Vec<u8> = state.flat_map(|write| write.to_be_bytes()).collect();
            world.tell(index, Event::Snapshot { index: at, data });
        }
        57 if plan.wipes && world.is_whole() && wiped.is_none() => {
            *wiped = Some(index);
            world.crash(index);
            world.nodes[index].disk = None;
        }
        58 if plan.nodes > 2 => {
            let (node, id) = (world.nodes[index].id, world.request());
            if let Some(leader) = world.leader() {
                let changes = vec![VoterChange::Remove(node)];
                world.tell(leader, Event::Change { id, changes });
            }
        }
        _ => {}
    }
    if wiped.is_some() && world.is_whole() {
        *wiped = None;
    }
}

fn leave_when_done(world: &mut World, leader: usize, index: usize, id: RequestId) {
    for _ in 0..40 {
        if leader != index && world.nodes[leader].done.contains(&id) {
            world.crash(index);
            return;
        }
        world.step();
    }
}

fn many(name: &str, plan: Plan) {
    let number = |key: &str| std::env::var(key).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("RAFT_SEED") {
        run_seed(seed, plan, true).unwrap_or_else(|why| panic!("seed {seed} of {name}: {why}"));
        return;
    }
    let mut failed = Vec::new();
    for seed in 1..=number("RAFT_SEEDS").unwrap_or(SEEDS) {
        let run = std::panic::AssertUnwindSafe(|| run_seed(seed, plan, false));
        let outcome = std::panic::catch_unwind(run);
        let outcome = outcome.unwrap_or_else(|_| Err("a check failed, see above".to_owned()));
        if let Err(why) = outcome {
            failed.push(format!("RAFT_SEED={seed} cargo test -p membership {name}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{} failed, first:\n{}", failed.len(), failed[0]);
}

const STEPS: u32 = 1_500;

#[test]
fn chance_three_nodes_lose_no_acknowledged_write() {
    let plan = Plan {
        nodes: 3,
        steps: STEPS,
        faults: Faults::WILD,
        leaves: false,
        wipes: false,
        marked: true,
    };
    many("chance_three_nodes_lose_no_acknowledged_write", plan);
}

#[test]
fn chance_a_pair_loses_no_acknowledged_write_over_leaves_and_returns() {
    let plan = Plan {
        nodes: 2,
        steps: STEPS,
        faults: Faults::WILD,
        leaves: true,
        wipes: false,
        marked: true,
    };
    many("chance_a_pair_loses_no_acknowledged_write_over_leaves_and_returns", plan);
}

#[test]
fn chance_unmarked_births_and_wiped_disks_come_to_one_cluster() {
    let plan = Plan {
        nodes: 3,
        steps: STEPS,
        faults: Faults::WILD,
        leaves: false,
        wipes: true,
        marked: false,
    };
    many("chance_unmarked_births_and_wiped_disks_come_to_one_cluster", plan);
}

#[test]
fn chance_a_pair_that_goes_alone_becomes_one_again() {
    let plan = Plan {
        nodes: 2,
        steps: STEPS,
        faults: Faults { alone: Alone::Unlicensed, ..Faults::WILD },
        leaves: true,
        wipes: true,
        marked: false,
    };
    many("chance_a_pair_that_goes_alone_becomes_one_again", plan);
}

#[test]
fn chance_a_pair_with_fencing_loses_no_acknowledged_write() {
    let plan = Plan {
        nodes: 2,
        steps: STEPS,
        faults: Faults { alone: Alone::Fenced, ..Faults::WILD },
        leaves: true,
        wipes: false,
        marked: true,
    };
    many("chance_a_pair_with_fencing_loses_no_acknowledged_write", plan);
}

//! One seed: faults for a while, then none, and everything must be whole.

use crate::invariants::{kept_writes, settled};
use crate::protection::Protection;
use crate::world::World;

/// Simulated time of a step; in each something may go wrong.
const STEP_MS: u64 = 40;

/// How long a cluster may take to become whole once nothing goes wrong any more. Slowest are a
/// plan that failed (tried again with the recheck after 15 s), a start or stop that hung when the
/// faults ended, and a stuck process that does not die.
const SETTLE_MS: u64 = 60_000;

/// It must stay whole for so long.
const STEADY_MS: u64 = 1_000;

/// Between two looks at whether it is whole.
const LOOK_MS: u64 = 100;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Everything follows from this.
    pub seed: u64,
    /// How many steps with faults.
    pub steps: u64,
    /// A protection to remove.
    pub removed: Option<Protection>,
    /// Whether to keep the event log.
    pub trace: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// Which invariant did not hold, and how.
    pub failure: Option<String>,
    /// The event log, if it was wanted.
    pub trace: Vec<String>,
    /// How much happened.
    pub events: u64,
    /// How many plans were made.
    pub plans: u64,
    /// How many writes were acknowledged.
    pub writes: usize,
    /// Simulated milliseconds from the end of the faults until the cluster was whole.
    pub settled_ms: u64,
}

/// Runs a seed. A panic in a core is a failure like any other.
pub fn run(order: Order) -> Report {
    let failed = |failure: String| Report {
        failure: Some(failure),
        trace: Vec::new(),
        events: 0,
        plans: 0,
        writes: 0,
        settled_ms: 0,
    };
    std::panic::catch_unwind(|| carry_out(order)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        failed(format!("a core panicked: {text}"))
    })
}

fn carry_out(order: Order) -> Report {
    let mut world = World::new(order.seed, order.removed, order.trace);
    for _ in 0..order.steps {
        let end = world.now + STEP_MS;
        world.run_until(end);
        if world.failure.is_some() {
            break;
        }
        world.pursue();
        world.disturb();
    }
    let calm_at = world.now;
    if world.failure.is_none() {
        world.calm_down();
        settle(&mut world);
    }
    let settled_ms = world.now - calm_at;
    Report {
        failure: world.failure.take(),
        trace: world.trace.take().unwrap_or_default(),
        events: world.events,
        plans: world.plans,
        writes: world.client.acknowledged.len(),
        settled_ms,
    }
}

fn settle(world: &mut World) {
    let end = world.now + SETTLE_MS;
    let mut whole_since = None;
    let mut why = "nothing was looked at".to_owned();
    while world.now < end {
        let next = world.now + LOOK_MS;
        world.run_until(next);
        if world.failure.is_some() {
            return;
        }
        world.pursue();
        let look = whole(world);
        match look {
            Ok(()) => {
                let since = *whole_since.get_or_insert(world.now);
                if world.now - since >= STEADY_MS {
                    break;
                }
            }
            Err(reason) => {
                whole_since = None;
                why = reason;
            }
        }
    }
    if whole_since.is_none() {
        let plan = world.plan_failure.as_ref().map(|reason| format!(" (last plan: {reason})"));
        let plan = plan.unwrap_or_default();
        world.hold(Err(format!(
            "invariant 6: not whole {} s after the last fault: {why}{plan}",
            SETTLE_MS / 1000
        )));
        return;
    }
    let policy = settled::check_policy(&world.hosts, world.wall());
    world.hold(policy.map_err(|why| format!("invariant 6: {why}")));
    for (node, host) in &world.hosts {
        let Some(life) = &host.brain else { continue };
        let document = life.brain.store().committed();
        let kept = kept_writes::check(&world.client.acknowledged, *node, document);
        if let Err(why) = kept {
            world.failure.get_or_insert(why);
        }
    }
}

fn whole(world: &World) -> Result<(), String> {
    if !world.client.is_content() {
        return Err("what was asked of the cluster is not done".to_owned());
    }
    settled::check(&world.hosts, |host| {
        world.clocks(host.brain.as_ref().map_or(world.now, |brain| brain.began))
    })
}

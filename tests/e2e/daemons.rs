//! Death of our own daemons: the brain, the hands, the engine. None of them takes a service along.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::world::{Told, World, pause, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("a_killed_brain_is_back_before_any_peer_declares_a_loss", || {
        World::tell_formed(3, 1, killed_brain)
    }),
    ("a_brain_kept_from_restarting_for_five_seconds_is_a_lost_node", || {
        World::tell_formed(3, 1, missing_brain)
    }),
    ("killed_hands_neither_repeat_nor_lose_a_start_in_flight", || {
        World::tell_formed(3, 1, killed_hands)
    }),
    ("an_engine_that_hangs_or_dies_stops_nothing_and_the_next_good_change_heals", || {
        World::tell_formed(3, 1, broken_engine)
    }),
];

/// Says that a peer was declared lost or a view was made, in a brain's log.
const LOSS: &str = "is lost: silent";

fn brain(world: &World, number: usize) -> Told<Option<i32>> {
    let found = world.host(number).processes_like(&World::role("node"))?;
    Ok(found.first().map(|pid| pid.as_raw()))
}

/// Makes a resource for each node that prefers it, and waits until all run there.
fn one_for_each(world: &World) -> Told {
    for number in 0..world.count() {
        let (resource, name) = (format!("r{}", number + 1), world.name(number));
        world.does(0, &format!("pcs resource create {resource} ocf:test:journal"))?;
        world.does(0, &format!("pcs constraint location {resource} prefers {name}=100"))?;
    }
    for number in 0..world.count() {
        world.started_on(0, &format!("r{}", number + 1), number)?;
    }
    world.settled(0)
}

fn killed_brain(world: &mut World) -> Told {
    one_for_each(world)?;
    let before = world.journal.entries()?;
    for number in 0..world.count() {
        let old = brain(world, number)?;
        let killed = world.host(number).kill(&World::role("node"))?;
        want(killed == 1, || format!("{killed} brains on {}", world.name(number)))?;
        world.wait("a new brain", || {
            let new = brain(world, number)?;
            Ok(new.is_some() && new != old)
        })?;
        world.online(number, world.count())?;
        world.settled(number)?;
    }
    for number in 0..world.count() {
        let log = world.log(number);
        want(!log.contains(LOSS), || format!("{} declared a loss", world.name(number)))?;
        world.started_on(0, &format!("r{}", number + 1), number)?;
    }
    let after = world.journal.entries()?;
    want(after == before, || format!("resources were touched: {:?}", &after[before.len()..]))
}

fn missing_brain(world: &mut World) -> Told {
    one_for_each(world)?;
    let dc = world.dc(0)?;
    let victim = (dc + 1) % world.count();
    let resource = format!("r{}", victim + 1);
    let supervisors = world.host(victim).processes_like("pcsd")?;
    for pid in &supervisors {
        // a supervisor that stands still restarts nothing
        kill(*pid, Signal::SIGSTOP).map_err(std::io::Error::from)?;
    }
    world.host(victim).kill(&World::role("node"))?;
    let began = Instant::now();
    world.wait("the resource to be recovered elsewhere", || {
        Ok(world.cluster.home_of(dc, &resource)?.is_some_and(|home| home != victim))
    })?;
    want(world.log(dc).contains(&format!("{} is lost", world.name(victim))), || {
        "the DC did not say that the node is lost".to_owned()
    })?;
    pause(Duration::from_secs(5).saturating_sub(began.elapsed()));
    for pid in &supervisors {
        kill(*pid, Signal::SIGCONT).map_err(std::io::Error::from)?;
    }
    world.online(dc, world.count())?;
    world.started_on(dc, &resource, victim)?;
    world.settled(dc)?;
    // it was left on its own for a token: it stopped what it ran, and runs it once now
    let active = (0..world.count())
        .filter(|number| {
            let state = format!("test -e /run/test-{resource}");
            world.run(*number, &state).is_ok_and(|said| said.code == 0)
        })
        .count();
    want(active == 1, || format!("{resource} is active on {active} nodes"))
}

fn killed_hands(world: &mut World) -> Told {
    world.does(0, "pcs resource create slow ocf:test:journal start_time=3")?;
    world.wait("the start to be under way", || {
        Ok(world.journal.count("slow", "start begin")? == 1)
    })?;
    let entries = world.journal.entries()?;
    let host = entries.iter().find(|entry| entry.what == "start begin").map(|e| e.host.clone());
    let number = (0..world.count()).find(|number| Some(world.name(*number)) == host.as_deref());
    let Some(number) = number else { return crate::world::wrong("nobody starts it") };
    let killed = world.host(number).kill(&World::role("lrmd"))?;
    want(killed > 0, || "there are no hands to kill".to_owned())?;
    world.started_on(0, "slow", number)?;
    world.settled(0)?;
    let story = world.journal.of("slow")?;
    let name = world.name(number);
    let whole = [format!("{name}: start begin"), format!("{name}: start end")];
    want(story == whole, || format!("the start was repeated or lost: {story:?}"))?;
    // the new hands hold it as the old ones did
    world.does(0, "pcs resource disable slow")?;
    world.wait("the stop", || Ok(world.journal.count("slow", "stop end")? == 1))
}

fn broken_engine(world: &mut World) -> Told {
    one_for_each(world)?;
    let dc = world.dc(0)?;
    let before = world.journal.entries()?;
    let engines = world.host(dc).processes_like(&World::role("pengine"))?;
    want(!engines.is_empty(), || "the DC has no engine".to_owned())?;
    for pid in &engines {
        kill(*pid, Signal::SIGSTOP).map_err(std::io::Error::from)?;
    }
    world.does(dc, "pcs resource create unlucky ocf:test:journal")?;
    pause(Duration::from_secs(3));
    // hanging, it takes nobody along
    for number in 0..world.count() {
        world.online(number, world.count())?;
    }
    for pid in &engines {
        // it may have been ended already by a brain that lost patience
        let _sent = kill(*pid, Signal::SIGKILL);
    }
    world.started(dc, "unlucky")?;
    for _ in 0..5 {
        world.host(dc).kill(&World::role("pengine"))?;
        world.does(dc, "pcs property set cluster-recheck-interval=11min")?;
        world.host(dc).kill(&World::role("pengine"))?;
        world.does(dc, "pcs property set cluster-recheck-interval=12min")?;
    }
    world.does(dc, "pcs resource create lucky ocf:test:journal")?;
    world.started(dc, "lucky")?;
    world.settled(dc)?;
    for number in 0..world.count() {
        world.online(number, world.count())?;
        let log = world.log(number);
        want(!log.contains(LOSS), || format!("{} declared a loss", world.name(number)))?;
    }
    let after = world.journal.entries()?;
    let touched = after[before.len()..].iter().find(|entry| !entry.resource.ends_with("lucky"));
    want(touched.is_none(), || format!("the engine's death touched {touched:?}"))
}

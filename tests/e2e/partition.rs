//! Nodes that run on without the others, and an agent that holds up nobody but itself.

use crate::world::{Told, World, pause, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("a_node_cut_off_stops_its_group_in_reverse_order_and_says_why", || {
        World::tell_formed(3, 1, cut_off)
    }),
    ("with_freeze_a_node_cut_off_stops_nothing", || World::tell_formed(3, 1, frozen)),
    ("an_agent_that_hangs_on_one_node_delays_nothing_elsewhere", || {
        World::tell_formed(3, 1, hanging_agent)
    }),
];

const MEMBERS: [&str; 3] = ["a", "b", "c"];

/// Makes a group of three and returns where it runs.
fn group(world: &World) -> Told<usize> {
    for member in MEMBERS {
        world.does(0, &format!("pcs resource create {member} ocf:test:journal --group three"))?;
    }
    let home = world.started(0, "c")?;
    world.settled(0)?;
    Ok(home)
}

/// What was done on a host since an entry of the journal, as `RESOURCE ACTION begin|end`.
fn done_on(world: &World, name: &str, since: usize) -> Told<Vec<String>> {
    let entries = world.journal.entries()?.into_iter().skip(since);
    let there = entries.filter(|entry| entry.host == name);
    Ok(there.map(|entry| format!("{} {}", entry.resource, entry.what)).collect())
}

fn cut_off(world: &mut World) -> Told {
    let home = group(world)?;
    let name = world.name(home).to_owned();
    let before = world.journal.length()?;
    world.host(home).cut(0)?;
    world.wait("the group to be stopped where it was", || {
        Ok(done_on(world, &name, before)?.len() >= 6)
    })?;
    let done = done_on(world, &name, before)?;
    let reverse =
        ["c stop begin", "c stop end", "b stop begin", "b stop end", "a stop begin", "a stop end"];
    want(done == reverse, || format!("not stopped in reverse order: {done:?}"))?;
    // it answers, and says what it lacks
    world.until_says(home, "pcs status", &["WITHOUT quorum", "OFFLINE"])?;
    world.says(home, "pcs status", &["Stopped"])?;
    let other = (home + 1) % world.count();
    world.online(other, world.count() - 1)?;
    world.wait("the group to run elsewhere", || {
        Ok(world.cluster.home_of(other, "c")?.is_some_and(|now| now != home))
    })?;
    world.host(home).mend(0)?;
    world.online(other, world.count())?;
    world.online(home, world.count())?;
    world.settled(other)?;
    world.says(home, "pcs status", &["partition with quorum", "three"])?;
    Ok(())
}

fn frozen(world: &mut World) -> Told {
    world.does(0, "pcs property set no-quorum-policy=freeze")?;
    let home = group(world)?;
    let name = world.name(home).to_owned();
    let before = world.journal.length()?;
    world.host(home).cut(0)?;
    world.until_says(home, "pcs status", &["WITHOUT quorum"])?;
    // long enough for stops that should not come: they came within a token in the story above
    pause(std::time::Duration::from_secs(5));
    let done = done_on(world, &name, before)?;
    want(done.is_empty(), || format!("frozen, and yet: {done:?}"))?;
    world.says(home, "pcs status", &["Started"])?;
    Ok(())
}

fn hanging_agent(world: &mut World) -> Told {
    let there = world.count() - 1;
    let name = world.name(there).to_owned();
    world.does(
        0,
        &format!("pcs resource create hangs ocf:test:journal start_time=55 slow_on={name}"),
    )?;
    world.does(0, &format!("pcs constraint location hangs prefers {name}"))?;
    world.wait("the agent to hang", || {
        let done = done_on(world, &name, 0)?;
        Ok(done.iter().any(|done| done == "hangs start begin"))
    })?;
    for number in 0..there {
        let resource = format!("quick{}", number + 1);
        world.does(0, &format!("pcs resource create {resource} ocf:test:journal"))?;
        let elsewhere = world.name(number).to_owned();
        world.does(0, &format!("pcs constraint location {resource} prefers {elsewhere}"))?;
        world.started_on(0, &resource, number)?;
        world.does(0, &format!("pcs resource disable {resource}"))?;
        world.wait("a stop", || Ok(world.journal.count(&resource, "stop end")? >= 1))?;
    }
    let ended = done_on(world, &name, 0)?.iter().any(|done| done == "hangs start end");
    want(!ended, || "the agent had stopped hanging before the others were through".to_owned())
}

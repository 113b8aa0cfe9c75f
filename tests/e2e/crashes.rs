//! Power losses: in the middle of a plan, and again and again.

use crate::world::{Told, World, want, wrong};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    (
        "a_dc_crashes_in_mid_plan_and_a_long_start_elsewhere_is_neither_repeated_nor_forgotten",
        || World::tell_formed(3, 1, mid_plan),
    ),
    ("half_a_pair_goes_on_alone_after_a_crash_and_says_that_it_is_unsafe", || {
        World::tell_formed(2, 1, half_a_pair)
    }),
    ("crash_and_return_again_and_again_never_runs_anything_twice", || {
        World::tell_formed(3, 1, rounds)
    }),
];

/// How many rounds of crash and return; .ci/run and who wants more say so.
pub(crate) fn rounds_wanted() -> usize {
    let said = std::env::var("SYSTOLE_E2E_ROUNDS").ok().and_then(|text| text.parse().ok());
    said.unwrap_or(5)
}

/// A pair without fencing: what is left serves, in the unlicensed way, whoever of the two it is.
fn half_a_pair(world: &mut World) -> Told {
    world.does(0, "pcs resource create one ocf:test:journal")?;
    world.started(0, "one")?;
    world.settled(0)?;
    for _ in 0..2 {
        let home = world.started(0, "one")?;
        let other = 1 - home;
        world.crash(home)?;
        world.started_on(other, "one", other)?;
        world.until_says(other, "pcs status", &["UNSAFE", "OFFLINE"])?;
        world.does(other, "pcs resource update one op monitor interval=15s")?;
        world.cluster.reboot(home)?;
        world.online(other, 2)?;
        world.online(home, 2)?;
        world.until_silent(other, "pcs status", "UNSAFE")?;
        world.settled(other)?;
    }
    // not only who holds the resource, also who does not, leaves the other serving
    let home = world.started(0, "one")?;
    world.crash(1 - home)?;
    world.until_says(home, "pcs status", &["UNSAFE", "OFFLINE"])?;
    world.does(home, "pcs resource create two ocf:test:journal")?;
    world.started_on(home, "two", home)?;
    world.cluster.reboot(1 - home)?;
    world.online(home, 2)?;
    world.settled(home)?;
    world.journal.check_never_twice()
}

/// Small resources of the plan besides the long start.
const SMALL: usize = 19;

fn mid_plan(world: &mut World) -> Told {
    let dc = world.dc(0)?;
    let busy = (dc + 1) % world.count();
    let name = world.name(busy).to_owned();
    let names: Vec<String> = (1..=SMALL).map(|n| format!("small{n}")).collect();
    // the whole plan comes with one change: made in a file, pushed at once
    let file = "/run/plan.xml";
    world.does(dc, &format!("pcs cluster cib {file}"))?;
    let lines = names
        .iter()
        .map(|small| format!("pcs -f {file} resource create {small} ocf:test:journal start_time=1"))
        .chain([
            format!("pcs -f {file} resource create slow ocf:test:journal start_time=10"),
            format!("pcs -f {file} constraint location slow prefers {name}"),
        ]);
    world.does(dc, &lines.collect::<Vec<_>>().join(" && "))?;
    world.does(dc, &format!("pcs cluster cib-push {file}"))?;
    world.wait("the plan to be half done", || {
        let entries = world.journal.entries()?;
        let slow = entries.iter().any(|entry| entry.resource == "slow" && entry.host == name);
        Ok(slow && entries.iter().filter(|entry| entry.what == "start end").count() >= 3)
    })?;
    world.crash(dc)?;
    let under_way = world.journal.count("slow", "start end")? == 0;
    want(under_way, || "the long start ended before the crash".to_owned())?;
    world.online(busy, world.count() - 1)?;
    world.started_on(busy, "slow", busy)?;
    for small in &names {
        world.started(busy, small)?;
    }
    world.settled(busy)?;
    let story = world.journal.of("slow")?;
    let whole = [format!("{name}: start begin"), format!("{name}: start end")];
    want(story == whole, || format!("the long start was repeated or forgotten: {story:?}"))?;
    world.journal.check_never_twice()
}

fn rounds(world: &mut World) -> Told {
    for (resource, options) in [("a", ""), ("b", ""), ("c", ""), ("d", "start_time=0.3")] {
        world.does(0, &format!("pcs resource create {resource} ocf:test:journal {options}"))?;
    }
    world.does(0, "pcs resource group add together a b")?;
    for resource in ["a", "b", "c", "d"] {
        world.started(0, resource)?;
    }
    for round in 0..rounds_wanted() {
        let victim = round % world.count();
        let observer = (victim + 1) % world.count();
        world.crash(victim)?;
        world.online(observer, world.count() - 1)?;
        for resource in ["a", "b", "c", "d"] {
            world.wait(&format!("{resource} to run on a survivor"), || {
                Ok(world.cluster.home_of(observer, resource)?.is_some_and(|home| home != victim))
            })?;
        }
        world.cluster.reboot(victim)?;
        world.online(observer, world.count())?;
        if let Err(trouble) = world.journal.check_never_twice() {
            return wrong(format!("round {}: {}", round + 1, trouble.0));
        }
    }
    world.settled(0)?;
    let said = world.does(0, "pcs status")?;
    for stuck in ["Failed Resource Actions", "FAILED", "pending", "Stopped", "UNCLEAN", "OFFLINE"] {
        want(!said.stdout.contains(stuck), || format!("`{stuck}` is left:\n{}", said.stdout))?;
    }
    Ok(())
}

//! Stopping the cluster where something speaks against it.

use crate::world::{Told, World, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] =
    &[("a_forced_stop_is_about_the_quorum_only_and_stops_what_runs_first", || {
        World::tell_formed(3, 1, forced_stop)
    })];

fn forced_stop(world: &mut World) -> Told {
    for number in 0..world.count() {
        let (resource, name) = (format!("r{}", number + 1), world.name(number));
        world.does(0, &format!("pcs resource create {resource} ocf:test:journal"))?;
        world.does(0, &format!("pcs constraint location {resource} prefers {name}=INFINITY"))?;
    }
    for number in 0..world.count() {
        world.started_on(0, &format!("r{}", number + 1), number)?;
    }
    world.settled(0)?;
    world.refuses(0, "pcs cluster stop ser2 ser3", &["loss of the quorum"])?;
    world.does(0, "pcs cluster stop ser2 ser3 --force")?;
    for resource in ["r2", "r3"] {
        let story = world.journal.of(resource)?;
        want(story.iter().any(|line| line.ends_with("stop end")), || {
            format!("{resource} was left running: {story:?}")
        })?;
    }
    // alone, without quorum, with the option as it is typed on the host itself
    world.does(0, "pcs cluster stop --force")?;
    world.journal.check_never_twice()?;
    let left = world.run(0, "ls /run/test-r1 /run/test-r2 /run/test-r3")?;
    want(left.code != 0 && left.stdout.is_empty(), || format!("left running: {}", left.stdout))
}

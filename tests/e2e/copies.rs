//! Resources that run more than once: clones on every node, one of a promotable clone promoted.

use crate::world::{Told, World, want, wrong};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[(
    "clones_run_on_every_node_and_another_instance_is_promoted_when_the_promoted_ones_node_crashes",
    || World::tell_formed(3, 1, copies),
)];

fn copies(world: &mut World) -> Told {
    world.does(0, "pcs resource create one ocf:test:journal clone interleave=true")?;
    world.does(0, "pcs resource create db ocf:pacemaker:Stateful promotable promoted-max=1")?;
    let everywhere = "Started: [ ser1 ser2 ser3 ]";
    world.until_says(0, "pcs status resources", &["one-clone [one]", everywhere])?;
    let first = promoted(world, 0, None)?;
    world.settled(0)?;

    world.crash(first)?;
    let observer = (first + 1) % world.count();
    let second = promoted(world, observer, Some(first))?;
    world.until_says(
        observer,
        "pcs status resources",
        &[&format!("Stopped: [ {} ]", world.name(first))],
    )?;

    world.cluster.reboot(first)?;
    world.online(observer, world.count())?;
    world.until_says(observer, "pcs status resources", &[everywhere])?;
    world.settled(observer)?;
    let still = promoted(world, observer, None)?;
    want(still == second, || "a node came back, and another instance was promoted".to_owned())?;

    let name = world.name(second).to_owned();
    world.does(observer, &format!("pcs node standby {name}"))?;
    promoted(world, observer, Some(second)).map(|_| ())
}

/// Waits until one instance is promoted, on another node than `but`, and returns where.
fn promoted(world: &World, observer: usize, but: Option<usize>) -> Told<usize> {
    let mut found = None;
    world.wait("one promoted instance", || {
        let said = world.does(observer, "pcs status resources")?;
        let is_at = |number: &usize| {
            said.stdout.contains(&format!("Promoted: [ {} ]", world.name(*number)))
        };
        found = (0..world.count()).filter(|number| Some(*number) != but).find(is_at);
        Ok(found.is_some())
    })?;
    found.map_or_else(|| wrong("nothing is promoted"), Ok)
}

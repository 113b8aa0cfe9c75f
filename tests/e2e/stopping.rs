//! Stopping the cluster where something speaks against it.

use crate::world::{Told, World, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("a_forced_stop_is_about_the_quorum_only_and_stops_what_runs_first", || {
        World::tell_formed(3, 1, forced_stop)
    }),
    ("one_of_a_pair_that_cannot_write_its_log_goes_and_the_other_serves", || {
        World::tell_formed(2, 1, full_disk_of_a_pair)
    }),
];

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

fn full_disk_of_a_pair(world: &mut World) -> Told {
    let (well, sick) = (0, 1);
    world.does(sick, "pcs cluster stop --force")?;
    world.on_a_small_disk(sick)?;
    world.online(well, 2)?;
    world.does(well, "pcs resource create r ocf:test:journal")?;
    world.does(well, "pcs constraint location r prefers ser2=100")?;
    world.started_on(well, "r", sick)?;
    world.fill_the_disk(sick)?;
    // the log has some room reserved; once that is used up, nothing is committed any more
    world.does(
        well,
        "(echo '<crm_config><cluster_property_set id=\"big\"><nvpair id=\"big-1\" name=\"note\" \
         value=\"'; head -c 900k /dev/zero | tr '\\0' x; echo '\"/></cluster_property_set>\
         </crm_config>') | tr -d '\\n' > /run/big.xml; for n in 1 2 3 4 5 6 7 8 9; do \
         sed \"s/big/big$n/g; s/note/note$n/\" /run/big.xml > /run/big$n.xml; timeout 20 cibadmin --modify \
         --allow-create --scope crm_config --xml-file /run/big$n.xml; done; true",
    )?;
    world.started_on(well, "r", well)?;
    world.until_says(sick, "pcs status || true", &["not currently running"])?;
    let left = world.run(sick, "ls /run/test-r")?;
    want(left.code != 0, || "it left what it ran".to_owned())?;
    world.until_says(well, "crmadmin -D", &["ser1"])?;
    world.does(well, "pcs property set cluster-recheck-interval=21min")?;
    // with a disk again, it is taken in
    world.does(sick, "rm /var/lib/pacemaker/full; pcs cluster start")?;
    world.online(well, 2)?;
    world.until_says(sick, "cibadmin -Q --local", &["21min"])
}

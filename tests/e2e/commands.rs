//! Commands on a running cluster of three: what a plan foretells happens, what is asked for is
//! done, also while a node is down; two shells at once lose nothing.

use crate::world::{Told, World, want, wrong};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("what_a_plan_foretells_is_what_happens", || World::tell_formed(3, 1, plans)),
    ("resources_are_disabled_only_if_nothing_else_suffers_and_relocated", || {
        World::tell_formed(3, 1, safe_and_relocate)
    }),
    ("an_exported_configuration_is_applied_once_and_then_is_there", || {
        World::tell_formed(3, 1, desired)
    }),
    ("two_shells_at_once_lose_nothing", || World::tell_formed(3, 1, two_shells)),
    ("every_command_about_resources_works_while_a_node_is_down", || {
        World::tell_formed(3, 1, with_a_node_down)
    }),
];

/// Creates a resource that writes a journal, and waits until it runs.
fn create(world: &World, id: &str) -> Told<usize> {
    world.does(0, &format!("pcs resource create {id} ocf:test:journal"))?;
    let home = world.started(0, id)?;
    world.settled(0)?;
    Ok(home)
}

fn plans(world: &mut World) -> Told {
    let home = create(world, "one")?;
    let name = world.name(home).to_owned();
    let asker = (home + 1) % 3;
    let version = |world: &World| -> Told<String> {
        Ok(world.does(0, "cibadmin -Q --xpath /cib/configuration")?.stdout)
    };
    let before = version(world)?;

    // what would be done is said, and not done
    let said = world.says(
        asker,
        &format!("pcs node standby {name} --plan"),
        &["Plan (nothing has been changed)", &format!("Move one ({name} -> "), "in standby"],
    )?;
    let target = (0..3)
        .find(|n| said.stdout.contains(&format!("({name} -> {})", world.name(*n))))
        .ok_or_else(|| format!("no node of the cluster in the plan:\n{}", said.stdout))?;
    world.says(
        asker,
        "pcs resource create two ocf:test:journal --plan",
        &["+ primitive two", "Start two"],
    )?;
    world.says(
        asker,
        "pcs resource restart one --plan",
        &["Step 1 of 2", "Stop one", "Start one"],
    )?;
    let elsewhere = world.name(target).to_owned();
    world.says(
        asker,
        &format!("pcs resource move one {elsewhere} --plan"),
        &["Step 1 of", &format!("Move one ({name} -> {elsewhere})")],
    )?;
    world.says(asker, "pcs resource disable one --plan", &["Stop one", "target-role=Stopped"])?;
    world.says(asker, "pcs resource delete one --plan", &["Stop one", "- primitive one"])?;
    world.says(
        asker,
        &format!("pcs cluster stop {name} --plan"),
        &[&format!("Move one ({name} -> ")],
    )?;
    world.says(asker, "pcs resource refresh one --plan", &["Plan"])?;
    world.says(asker, "pcs resource cleanup --plan", &["Nothing to do"])?;
    world.says(
        asker,
        "pcs property set maintenance-mode=true --plan",
        &["maintenance-mode=true"],
    )?;
    world.says(asker, "pcs resource enable one --plan", &["Nothing to do"])?;
    world.refuses(asker, "pcs status --plan", &["changes nothing"])?;
    world.refuses(asker, "pcs cluster setup other ser1 --plan", &["in a cluster already"])?;
    world.says(asker, "pcs cluster destroy --all --plan", &["Stop one"])?;
    world.says(
        asker,
        &format!("pcs cluster node remove {name} --plan"),
        &[&format!("Move one ({name} -> ")],
    )?;
    world.settled(0)?;
    want(version(world)? == before, || "a plan changed the configuration".to_owned())?;
    want(world.started(0, "one")? == home, || "a plan moved a resource".to_owned())?;

    // an explanation of the present, and of what is done
    world.says(
        asker,
        "pcs resource explain one",
        &[&format!("Resource: one, started on {name}"), "Scores:", "it is where it should be"],
    )?;
    world.says(asker, "pcs resource explain one --output-format=json", &["\"in-place\""])?;

    // who waits at a terminal is told for what, and how long it took is known the next time
    world.says(
        asker,
        "pcs --hints=always resource create slow ocf:test:journal start_time=4 stop_time=2 --wait=60",
        &["Waiting for: ", " slow"],
    )?;
    let slow = world.started(0, "slow")?;
    let (from, to) = (world.name(slow).to_owned(), world.name((slow + 1) % 3).to_owned());
    world.does(asker, "pcs resource defaults update resource-stickiness=1")?;
    world.does(asker, &format!("pcs resource move slow {to}"))?;
    world.says(
        asker,
        &format!("pcs resource move slow {from} --plan"),
        &[&format!("Move slow ({to} -> {from}), away for about 6.")],
    )?;
    world.settled(0)?;
    want(world.started(0, "one")? == home, || "one has moved by itself".to_owned())?;

    // what was foretold happens
    world.does(asker, &format!("pcs node standby {name}"))?;
    world.started_on(0, "one", target)?;
    world.says(
        asker,
        &format!("pcs resource explain one --node {name}"),
        &["but it is in standby"],
    )?;
    world.journal.check_never_twice()
}

fn safe_and_relocate(world: &mut World) -> Told {
    let home = create(world, "db")?;
    create(world, "web")?;
    world.does(0, "pcs constraint colocation add web with db INFINITY")?;
    world.settled(0)?;
    let refused = &["would have an effect on this resource: 'web'"];
    world.refuses(1, "pcs resource disable db --safe", refused)?;
    world.refuses(1, "pcs resource safe-disable db --brief", refused)?;
    world.says(1, "pcs resource disable db --simulate", &["Stop db", "Stop web"])?;
    let said = world.does(1, "pcs resource disable db --simulate --brief")?;
    want(said.stdout == "web\n", || format!("affected should be web only:\n{}", said.stdout))?;
    want(world.cluster.home_of(0, "db")?.is_some(), || "db was disabled".to_owned())?;
    world.does(1, "pcs resource disable web --safe --wait=60")?;
    want(world.cluster.home_of(0, "web")?.is_none(), || "web still runs".to_owned())?;
    world.does(1, "pcs resource safe-disable db --wait=60")?;
    world.does(1, "pcs resource enable db web --wait=60")?;
    world.started(0, "web")?;

    // stickiness keeps it where it is, relocation does not mind
    world.does(0, "pcs resource defaults update resource-stickiness=1000")?;
    let from = world.started(0, "db")?;
    let target = (from + 1) % 3;
    let name = world.name(target).to_owned();
    world.does(0, &format!("pcs constraint location db prefers {name}=50"))?;
    world.settled(0)?;
    want(world.started(0, "db")? == from, || "db did not stick".to_owned())?;
    world.says(
        2,
        "pcs resource relocate show",
        &[&format!("db: {}, optimal node: {name}", world.name(from))],
    )?;
    world.says(
        2,
        "pcs resource relocate dry-run",
        &["Move db", "- rsc_location pcs-relocate-db"],
    )?;
    want(world.started(0, "db")? == from, || "a dry run moved db".to_owned())?;
    world.says(2, "pcs resource relocate run", &[&format!("Relocating db to {name}")])?;
    want(world.started(0, "db")? == target, || "db was not relocated".to_owned())?;
    let left = world.does(0, "pcs constraint --full")?;
    want(!left.stdout.contains("pcs-relocate"), || format!("left behind:\n{}", left.stdout))?;
    world.says(2, "pcs resource relocate run", &["Nothing to relocate"])?;
    world.does(2, "pcs resource relocate clear")?;
    let _first_home = home;
    world.journal.check_never_twice()
}

fn desired(world: &mut World) -> Told {
    create(world, "one")?;
    for line in [
        "pcs resource group add both one",
        "pcs property set no-quorum-policy=freeze",
        "pcs node attribute ser2 colour=red",
        "pcs tag create marked one",
    ] {
        world.does(0, line)?;
    }
    world.settled(0)?;
    let query = "cibadmin -Q --xpath /cib/configuration";
    for file in ["/run/desired.xml", "/run/desired.json"] {
        world.does(0, &format!("pcs export {file}"))?;
        world.says(0, &format!("pcs apply -f {file}"), &["Nothing to do"])?;
        world.says(0, &format!("pcs apply -f {file} --plan"), &["Nothing to do"])?;
        let wanted = world.does(0, query)?.stdout;
        world.does(0, "pcs resource create stray ocf:test:journal")?;
        world.started(0, "stray")?;
        world.does(0, "pcs tag delete marked")?;
        world.does(0, "pcs property set no-quorum-policy=stop")?;
        world.says(
            0,
            &format!("pcs apply -f {file} --plan"),
            &["- primitive stray", "+ tag marked", "no-quorum-policy=freeze"],
        )?;
        world.says(0, &format!("pcs apply -f {file} --wait=60"), &["Applied:"])?;
        want(world.does(0, query)?.stdout == wanted, || "not the same again".to_owned())?;
        world.says(0, &format!("pcs apply -f {file}"), &["Nothing to do"])?;
        world.until_silent(0, "pcs resource", "stray")?;
    }
    world.journal.check_never_twice()
}

fn two_shells(world: &mut World) -> Told {
    create(world, "one")?;
    // different things, from different hosts, at the same time
    let shells = [("a", 0), ("b", 1), ("c", 2)];
    let outcomes = std::thread::scope(|scope| {
        let shared = &*world;
        let running: Vec<_> = shells
            .into_iter()
            .map(|(shell, host)| {
                scope.spawn(move || -> Told {
                    for number in 0..10 {
                        let line = format!("pcs node attribute ser{} {shell}{number}=1", host + 1);
                        shared.does(host, &line)?;
                        let line = format!("pcs resource utilization one {shell}{number}=1");
                        shared.does(host, &line)?;
                    }
                    Ok(())
                })
            })
            .collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for outcome in outcomes {
        outcome.or_else(|_| wrong("a shell panicked"))??;
    }
    let text = world.does(0, "cibadmin -Q")?.stdout;
    for (shell, _) in shells {
        for number in 0..10 {
            let name = format!("name=\"{shell}{number}\"");
            want(text.matches(&name).count() == 2, || {
                format!("{name} is there {} times, not twice", text.matches(&name).count())
            })?;
        }
    }

    // the same thing: each writes its own value, one after the other or with a clear conflict
    let said = std::thread::scope(|scope| {
        let shared = &*world;
        let running: Vec<_> = (0..3)
            .map(|host| {
                scope.spawn(move || {
                    let line = format!("pcs resource meta one priority={}", host + 1);
                    (0..10).map(|_| shared.run(host, &line)).collect::<Told<Vec<_>>>()
                })
            })
            .collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for said in said {
        for said in said.or_else(|_| wrong("a shell panicked"))?? {
            want(said.code == 0 || said.both().contains("at the same time"), || {
                format!("neither done nor a clear conflict:\n{}", said.both())
            })?;
        }
    }

    // a file that is older than the cluster's configuration does not take others' changes back
    world.does(0, "pcs cluster cib /run/mine.xml")?;
    world.does(0, "cp /run/mine.xml /run/before.xml")?;
    world.does(1, "pcs property set cluster-recheck-interval=11min")?;
    world.does(0, "pcs -f /run/mine.xml property set no-quorum-policy=freeze")?;
    world.until_says(0, "pcs property", &["11min"])?;
    world.does(1, "pcs property set start-failure-is-fatal=false")?;
    world.until_says(0, "pcs property", &["start-failure-is-fatal"])?;
    world.refuses(
        0,
        "pcs cluster cib-push /run/mine.xml",
        &["was changed since", "diff-against"],
    )?;
    world.does(0, "pcs cluster cib-push /run/mine.xml diff-against=/run/before.xml")?;
    world.says(0, "pcs property", &["11min", "freeze", "start-failure-is-fatal"])?;
    Ok(())
}

fn with_a_node_down(world: &mut World) -> Told {
    create(world, "one")?;
    create(world, "two")?;
    let dc = world.dc(0)?;
    let lost = if dc == 2 { 1 } else { 2 };
    let here = if dc == 0 { 0 } else { 3 - lost };
    let gone = world.name(lost).to_owned();
    // what the lost node ran is asked about, too
    if world.started(here, "two")? != lost {
        world.does(here, &format!("pcs resource move two {gone}"))?;
        world.started_on(here, "two", lost)?;
    }
    world.crash(lost)?;
    world.online(here, 2)?;
    for id in ["one", "two"] {
        world.wait(&format!("{id} to run on a node that is there"), || {
            Ok(world.cluster.home_of(here, id)?.is_some_and(|home| home != lost))
        })?;
    }
    world.settled(here)?;
    let home = world.started(here, "one")?;
    let name = world.name(home).to_owned();
    let other = (0..3).find(|n| *n != home && *n != lost).unwrap_or(here);
    let other_name = world.name(other).to_owned();

    world.says(here, "pcs resource explain one", &[&format!("{gone}: "), "offline"])?;
    world.refuses(here, &format!("pcs resource move one {gone} --wait=60"), &["Unable to move"])?;
    world.started_on(here, "one", home)?;
    world.says(
        here,
        &format!("pcs node standby {name} --plan"),
        &[&format!("Move one ({name} -> {other_name})")],
    )?;
    world.does(here, "pcs resource defaults update resource-stickiness=100")?;
    world.does(here, &format!("pcs resource move one {other_name}"))?;
    world.started_on(here, "one", other)?;
    world.does(here, &format!("pcs resource ban one {other_name} --wait=60"))?;
    world.started_on(here, "one", home)?;
    world.does(here, "pcs resource clear one")?;
    world.does(here, "pcs resource restart one --wait=60")?;
    world.started_on(here, "one", home)?;
    world.does(here, "pcs resource disable one --wait=60")?;
    want(world.cluster.home_of(here, "one")?.is_none(), || "one still runs".to_owned())?;
    world.says(here, "pcs resource explain one", &["it is disabled", "pcs resource enable one"])?;
    world.does(here, "pcs resource enable one --wait=60")?;
    world.started(here, "one")?;
    world.does(here, "pcs resource disable two --safe --wait=60")?;
    world.does(here, "pcs resource enable two --wait=60")?;
    world.does(here, "pcs resource unmanage one")?;
    world.says(here, "pcs resource explain one", &["it is not managed"])?;
    world.does(here, "pcs resource manage one")?;
    world.does(here, "pcs resource cleanup")?;
    world.does(here, "pcs resource refresh one")?;
    world.settled(here)?;
    world.says(here, "pcs resource failcount", &["No failcounts"])?;
    let home = world.started(here, "one")?;
    let said = "Operation force-check for one (ocf:test:journal) returned";
    world.says(home, "pcs resource debug-monitor one", &[&format!("{said} 0 (ok)")])?;
    world.says(home, "crm_resource -r one --force-check", &[&format!("{said} 0 (ok)")])?;
    let elsewhere = (0..3).find(|n| *n != home && *n != lost).unwrap_or(here);
    for line in ["pcs resource debug-monitor one", "crm_resource -r one --force-check"] {
        let answer = world.refuses(elsewhere, line, &[&format!("{said} 7 (not running)")])?;
        want(answer.code == 7, || format!("{line} ended with {}", answer.code))?;
    }
    world.does(here, &format!("pcs node standby {gone}"))?;
    world.does(here, &format!("pcs node unstandby {gone}"))?;
    world.does(here, &format!("pcs node maintenance {name} --wait=60"))?;
    world.says(here, "pcs resource explain one", &["maintenance"])?;
    world.does(here, &format!("pcs node unmaintenance {name} --wait=60"))?;
    world.does(here, &format!("pcs node attribute {gone} rack=7"))?;
    world.says(here, "pcs node attribute", &["rack=7"])?;
    world.does(here, "pcs export /run/desired.json")?;
    world.says(here, "pcs apply -f /run/desired.json", &["Nothing to do"])?;
    world.does(here, "pcs resource relocate run")?;
    world.says(here, "pcs status", &["OFFLINE", &gone])?;
    world.says(here, "pcs status nodes", &[&gone])?;
    world.does(here, "pcs status resources")?;
    world.does(here, "pcs cluster verify")?;
    world.does(here, "pcs resource delete two")?;
    world.until_silent(here, "pcs resource", "two")?;

    // the node returns and knows of all that
    world.cluster.reboot(lost)?;
    world.does(lost, "pcs cluster start --wait=60")?;
    world.online(here, 3)?;
    world.until_says(lost, "cibadmin -Q --local", &["rack"])?;
    world.until_silent(
        lost,
        "cibadmin -Q --local --xpath /cib/configuration/resources",
        "id=\"two\"",
    )?;
    world.journal.check_never_twice()
}

//! The tutorial, word for word as the guides have it, on two and on three nodes; and what only two
//! nodes know.

use std::io::Write as _;
use std::process::Stdio;

use lab::cluster::PASSWORD;

use crate::world::{Told, World, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("the_tutorial_on_three_nodes_in_todays_spelling", || {
        World::tell(3, 1, |world| tutorial(world, Spelling::Today))
    }),
    ("the_tutorial_on_two_nodes_in_the_old_spelling", || {
        World::tell(2, 1, |world| tutorial(world, Spelling::Old))
    }),
    ("a_pair_serves_alone_after_an_orderly_leave_and_the_other_gets_the_change", || {
        World::tell_formed(2, 1, orderly_leave)
    }),
    ("one_of_a_pair_stopped_together_waits_and_says_for_whom", || {
        World::tell_formed(2, 1, stopped_together)
    }),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Old,
    Today,
}

/// A service as a distribution's init script has it.
const SERVICE: &str = r#"#!/bin/sh
# A service that is nothing but its pid file.
case "$1" in
start) sleep 86400 & echo $! > /run/webserver.pid; exit 0;;
stop) [ ! -e /run/webserver.pid ] || kill $(cat /run/webserver.pid); rm -f /run/webserver.pid; exit 0;;
status) [ -e /run/webserver.pid ] && kill -0 $(cat /run/webserver.pid) && exit 0; exit 3;;
*) exit 2;;
esac
"#;

fn tutorial(world: &mut World, spelling: Spelling) -> Told {
    form(world, spelling)?;
    look(world)?;
    serve(world)?;
    move_about(world, spelling)?;
    take_down(world)
}

fn form(world: &World, spelling: Spelling) -> Told {
    let names = world.cluster.names();
    world.refuses(0, "pcs cluster start --all", &["corosync.conf"])?;
    match spelling {
        Spelling::Old => {
            let line = format!("pcs cluster auth {names}");
            let said = at_a_terminal(world, 0, &line, &["hacluster", PASSWORD])?;
            want(said.contains("Username") && said.contains("Password"), || {
                format!("`{line}` asks for no user or no password:\n{said}")
            })?;
            want(!said.contains(PASSWORD), || format!("the password was shown:\n{said}"))?;
            want(said.contains("deprecated") && said.contains("pcs host auth"), || {
                format!("`{line}` does not name the new spelling:\n{said}")
            })?;
            want(said.contains("ser2: Authorized"), || format!("not authorized:\n{said}"))?;
            world.says(
                0,
                &format!("pcs cluster setup --name mycluster {names} totem token=1000"),
                &["deprecated", "pcs cluster setup NAME NODE...", "successfully set up"],
            )?;
        }
        Spelling::Today => {
            world.refuses(
                0,
                &format!("pcs host auth {names} -u hacluster -p wrong"),
                &["ser1", "ser2", "password"],
            )?;
            world.says(
                0,
                &format!("pcs host auth {names} -u hacluster -p {PASSWORD}"),
                &["ser1: Authorized", "ser2: Authorized"],
            )?;
            world.says(
                0,
                &format!("pcs cluster setup mycluster {names} totem token=1000"),
                &["successfully set up"],
            )?;
        }
    }
    world.says(0, "pcs cluster start --all", &["Starting Cluster..."])?;
    world.says(
        0,
        "pcs cluster enable --all",
        &["ser1: Cluster Enabled", "ser2: Cluster Enabled"],
    )?;
    for number in 0..world.count() {
        world.online(number, world.count())?;
    }
    Ok(())
}

/// Types a command at a terminal and answers its questions.
fn at_a_terminal(world: &World, number: usize, line: &str, answers: &[&str]) -> Told<String> {
    let mut child = world
        .cluster
        .command(number, &format!("exec script --quiet --return --command '{line}' /dev/null"))?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(stdin) = &mut child.stdin {
        // one at a time, as a person does who waits to be asked
        for answer in answers {
            crate::world::pause(std::time::Duration::from_millis(500));
            writeln!(stdin, "{answer}")?;
        }
    }
    let output = child.wait_with_output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn look(world: &World) -> Told {
    let names: Vec<&str> = (0..world.count()).map(|number| world.name(number)).collect();
    world.says(
        0,
        "pcs cluster status",
        &["Cluster Status:", "Current DC: ser", "quorum", "Online"],
    )?;
    let links =
        world.says(0, "corosync-cfgtool -s", &["LINK ID 0", "addr\t= 172.25.0.1", "localhost"])?;
    want(links.stdout.matches(":\tconnected").count() == world.count() - 1, || {
        format!("not all others are connected:\n{}", links.stdout)
    })?;
    let said =
        world.says(0, "pcs status corosync", &["Membership information", "Nodeid", "(local)"])?;
    for name in names {
        want(said.stdout.contains(name), || format!("{name} is no member:\n{}", said.stdout))?;
    }
    world.does(0, "pcs property set stonith-enabled=false")?;
    world.says(0, "pcs property", &["stonith-enabled", "false"])?;
    Ok(())
}

fn serve(world: &World) -> Told {
    let last = world.count() - 1;
    world.does(
        0,
        "pcs resource create ClusterIP ocf:heartbeat:IPaddr2 ip=172.25.0.100 op monitor interval=30s",
    )?;
    world.does(
        0,
        "pcs resource create web ocf:heartbeat:anything binfile=/bin/sleep cmdline_options=86400",
    )?;
    for number in 0..world.count() {
        world.host(number).write_file("/etc/init.d/webserver", SERVICE)?;
        world.does(number, "chmod +x /etc/init.d/webserver")?;
    }
    world.does(0, "pcs resource create old lsb:webserver op monitor interval=20s")?;
    world.refuses(
        0,
        "pcs resource create apache systemd:httpd op monitor interval=1min",
        &["systemd"],
    )?;
    // at a terminal the hint comes by itself
    world.refuses(
        0,
        "pcs --hints=always resource group add webgroup vip web",
        &["'vip' does not exist", "did you mean", "ClusterIP"],
    )?;
    world.does(0, "pcs resource group add webgroup ClusterIP web")?;
    world.settled(0)?;
    let address = world.started(0, "ClusterIP")?;
    world.started_on(0, "web", address)?;
    let old = world.started(0, "old")?;
    world.settled(0)?;
    world.says(address, "ip -brief address show dev eth0", &["172.25.0.100/"])?;
    world.does(old, "/etc/init.d/webserver status")?;
    let said = world.says(
        last,
        "pcs status",
        &[
            "Cluster name: mycluster",
            "Cluster Summary:",
            "Stack: corosync",
            "Current DC: ser",
            "partition with quorum",
            "Node List:",
            "Full List of Resources:",
            "Resource Group: webgroup:",
            "ClusterIP\t(ocf:heartbeat:IPaddr2):\t Started",
            "web\t(ocf:heartbeat:anything):\t Started",
            "old\t(lsb:webserver):\t Started",
            "Daemon Status:",
            "pcsd: active",
        ],
    )?;
    want(!said.stdout.contains("Failed Resource Actions"), || {
        format!("something failed:\n{}", said.stdout)
    })
}

fn move_about(world: &World, spelling: Spelling) -> Told {
    let home = world.started(0, "ClusterIP")?;
    let name = world.name(home).to_owned();
    world.does(0, &format!("pcs node standby {name}"))?;
    world.wait("the group to leave the node in standby", || {
        let now = world.cluster.home_of(0, "ClusterIP")?;
        Ok(now.is_some_and(|now| now != home) && world.cluster.home_of(0, "web")? == now)
    })?;
    world.says(0, "pcs status", &[&format!("Node {name}: standby")])?;
    world.does(0, &format!("pcs node unstandby {name}"))?;
    world.online(0, world.count())?;
    world.settled(0)?;

    // what moved is to stay when the constraint that moved it goes again
    match spelling {
        Spelling::Old => {
            world.says(
                0,
                "pcs resource defaults resource-stickiness=100",
                &["Deprecation Warning"],
            )?;
        }
        Spelling::Today => {
            world.does(0, "pcs resource defaults update resource-stickiness=100")?;
        }
    }
    let now = world.started(0, "ClusterIP")?;
    let target = (now + 1) % world.count();
    let target_name = world.name(target).to_owned();
    world.does(0, &format!("pcs resource move ClusterIP {target_name}"))?;
    world.started_on(0, "ClusterIP", target)?;
    world.started_on(0, "web", target)?;
    world.does(0, "pcs resource clear ClusterIP")?;

    world.says(
        0,
        &format!("pcs resource ban webgroup {target_name}"),
        &["cli-ban-webgroup-on-"],
    )?;
    world.wait("the group to leave where it is banned", || {
        Ok(world.cluster.home_of(0, "web")?.is_some_and(|now| now != target))
    })?;
    world.says(0, "pcs constraint", &[&target_name])?;
    world.does(0, "pcs resource clear webgroup")?;
    let said = world.does(0, "pcs constraint")?;
    want(!said.stdout.contains("cli-ban"), || format!("still banned:\n{}", said.stdout))?;
    world.settled(0)?;

    world.refuses(0, "pcs resource move ClusterIP ser9", &["ser9"])?;
    world.does(0, "pcs resource delete web")?;
    // what it did is forgotten with it
    world.wait("the history of web to go", || {
        let said = world.run(0, "crm_resource -W -r web")?;
        Ok(said.stderr.contains("Resource 'web' not found"))
    })?;
    world.says(0, "pcs resource", &["ClusterIP"])?;
    Ok(())
}

fn take_down(world: &World) -> Told {
    world.says(0, "pcs cluster stop --all", &["Stopping Cluster"])?;
    for number in 0..world.count() {
        let left = world.host(number).processes_like(&World::role("node"))?;
        want(left.is_empty(), || format!("a brain still runs on {}", world.name(number)))?;
        let addresses = world.does(number, "ip -brief address show dev eth0")?;
        want(!addresses.stdout.contains("172.25.0.100"), || {
            format!("{} still has the address:\n{}", world.name(number), addresses.stdout)
        })?;
    }
    world.refuses(0, "pcs status", &["not"])?;
    world.says(0, "pcs cluster destroy --all", &["Successfully destroyed cluster"])?;
    for number in 0..world.count() {
        let gone =
            world.run(number, "ls /etc/corosync/corosync.conf /var/lib/pacemaker/cib/cib.xml")?;
        want(gone.stdout.is_empty(), || {
            format!("left on {}: {}", world.name(number), gone.stdout)
        })?;
    }
    Ok(())
}

fn orderly_leave(world: &mut World) -> Told {
    world.does(0, "pcs resource create one ocf:test:journal")?;
    world.started(0, "one")?;
    world.settled(0)?;
    world.does(0, "pcs cluster stop ser2")?;
    world.until(0, "pcs status nodes", "ser2 to be offline", |said| {
        said.stdout.lines().any(|line| line.contains("Offline:") && line.contains("ser2"))
    })?;
    world.started_on(0, "one", 0)?;
    world.does(0, "pcs resource create two ocf:test:journal")?;
    world.started_on(0, "two", 0)?;
    // its disk knows that ser2 left in order, so it may serve alone after a reboot
    world.crash(0)?;
    world.cluster.reboot(0)?;
    world.started_on(0, "one", 0)?;
    world.started_on(0, "two", 0)?;
    world.does(0, "pcs property set cluster-recheck-interval=7min")?;
    world.does(1, "pcs cluster start")?;
    world.online(1, 2)?;
    world.until_says(1, "cibadmin -Q --local", &["7min", "id=\"two\""])?;
    world.journal.check_never_twice()
}

fn stopped_together(world: &mut World) -> Told {
    world.does(0, "pcs resource create one ocf:test:journal")?;
    world.started(0, "one")?;
    world.settled(0)?;
    world.does(0, "pcs cluster stop --all")?;
    let before = world.journal.count("one", "start begin")?;
    world.does(0, "pcs cluster start")?;
    world.until_says(0, "pcs status", &["ser2", "ait"])?;
    crate::world::pause(std::time::Duration::from_secs(3));
    let said = world.run(0, "pcs status")?;
    want(said.both().to_lowercase().contains("wait") && said.both().contains("ser2"), || {
        format!("does not say for whom it waits:\n{}", said.both())
    })?;
    want(world.journal.count("one", "start begin")? == before, || {
        "it serves without the other".to_owned()
    })?;
    world.does(1, "pcs cluster start")?;
    world.online(0, 2)?;
    world.started(0, "one")?;
    world.journal.check_never_twice()
}

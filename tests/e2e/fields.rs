//! Every field that the status commands print moves when the world moves.

use crate::world::{Told, World, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("a_cut_link_shows_where_links_are_shown_and_loses_nobody", || {
        World::tell_formed(3, 2, cut_link)
    }),
    ("a_stopped_node_shows_in_every_status", || World::tell_formed(3, 1, stopped_node)),
    ("a_changed_vote_shows_in_every_count", || World::tell_formed(3, 1, changed_vote)),
];

/// Returns the value behind `key:` on its line.
fn field(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

/// Runs corosync-quorumtool, whose status says whether there is quorum, and returns some fields.
fn quorum(world: &World, number: usize, keys: &[&str]) -> Told<Vec<String>> {
    let said = world.run(number, "corosync-quorumtool -s")?;
    keys.iter()
        .map(|key| {
            field(&said.stdout, key).ok_or_else(|| {
                crate::world::Trouble(format!(
                    "corosync-quorumtool has no `{key}`:\n{}",
                    said.both()
                ))
            })
        })
        .collect()
}

fn wait_quorum(world: &World, number: usize, wanted: &[(&str, &str)]) -> Told {
    let keys: Vec<&str> = wanted.iter().map(|(key, _)| *key).collect();
    let values: Vec<&str> = wanted.iter().map(|(_, value)| *value).collect();
    let what = format!("{wanted:?} in corosync-quorumtool");
    world.wait(&what, || Ok(quorum(world, number, &keys)? == values))
}

/// Returns the state of a node on a link, as corosync-cfgtool shows it.
fn link_state(text: &str, link: usize, node: usize) -> Option<String> {
    let mut at_link = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("LINK ID ") {
            at_link = rest.split_whitespace().next() == Some(&link.to_string());
        } else if at_link && line.trim().starts_with(&format!("nodeid: {node}:")) {
            return line.rsplit(':').next().map(|state| state.trim().to_owned());
        } else if at_link && line.trim().starts_with("nodeid:") {
            let number = line.split(':').nth(1).map(str::trim);
            if number == Some(&node.to_string()) {
                return line.rsplit(':').next().map(|state| state.trim().to_owned());
            }
        }
    }
    None
}

fn wait_link(world: &World, link: usize, node: usize, state: &str) -> Told {
    let what = format!("node {node} to be {state} on link {link}");
    world.until(0, "corosync-cfgtool -s", &what, |said| {
        link_state(&said.stdout, link, node).as_deref() == Some(state)
    })
}

fn cut_link(world: &mut World) -> Told {
    world.says(
        0,
        "corosync-cfgtool -s",
        &["Local node ID 1", "LINK ID 0 udp", "LINK ID 1 udp", "172.25.0.1", "172.25.1.1"],
    )?;
    for link in 0..2 {
        wait_link(world, link, 1, "localhost")?;
        wait_link(world, link, 2, "connected")?;
        wait_link(world, link, 3, "connected")?;
    }
    world.host(1).cut(1)?;
    wait_link(world, 1, 2, "disconnected")?;
    wait_link(world, 0, 2, "connected")?;
    wait_link(world, 1, 3, "connected")?;
    world.online(0, 3)?;
    world.host(1).mend(1)?;
    wait_link(world, 1, 2, "connected")?;
    // the other one carries it as well
    world.host(1).cut(0)?;
    wait_link(world, 0, 2, "disconnected")?;
    wait_link(world, 1, 2, "connected")?;
    world.online(0, 3)?;
    world.host(1).mend(0)?;
    wait_link(world, 0, 2, "connected")?;
    let log = world.log(0);
    want(!log.contains("is lost: silent"), || "a node was lost with one link".to_owned())
}

fn stopped_node(world: &mut World) -> Told {
    let full = [("Nodes", "3"), ("Quorate", "Yes"), ("Expected votes", "3"), ("Total votes", "3")];
    wait_quorum(world, 0, &full)?;
    wait_quorum(world, 0, &[("Quorum", "2"), ("Highest expected", "3"), ("Node ID", "1")])?;
    let ring = quorum(world, 0, &["Ring ID"])?;
    world.says(0, "pcs status corosync", &["1", "ser1 (local)", "ser2", "ser3"])?;
    world.says(0, "corosync-quorumtool -l", &["ser1 (local)", "ser2", "ser3"])?;
    world.says(1, "corosync-quorumtool -l", &["ser2 (local)"])?;
    world.until_says(0, "pcs status", &["Online: [ ser1 ser2 ser3 ]", "3 nodes configured"])?;

    world.does(0, "pcs cluster stop ser3")?;
    wait_quorum(world, 0, &[("Nodes", "2"), ("Quorate", "Yes"), ("Total votes", "2")])?;
    let now = quorum(world, 0, &["Ring ID"])?;
    want(now != ring, || format!("the ring is still {ring:?}"))?;
    world.until_silent(0, "pcs status corosync", "ser3")?;
    world.until_silent(0, "corosync-quorumtool -l", "ser3")?;
    wait_link(world, 0, 3, "disconnected")?;
    world.until_says(0, "pcs status", &["Online: [ ser1 ser2 ]", "OFFLINE: [ ser3 ]"])?;
    world.until_says(0, "pcs status nodes", &["Offline: ser3"])?;
    world.until_says(0, "pcs status pcsd", &["ser3: Online"])?;

    // the last one keeps its status commands without quorum
    world.crash(1)?;
    wait_quorum(world, 0, &[("Nodes", "1"), ("Quorate", "No"), ("Total votes", "1")])?;
    world.until_says(0, "pcs status", &["WITHOUT quorum", "OFFLINE: ["])?;
    world.says(0, "pcs quorum status", &["Quorum:           2 Activity blocked"])?;
    world.cluster.reboot(1)?;
    world.does(2, "pcs cluster start")?;
    world.online(0, 3)?;
    wait_quorum(world, 0, &full)?;
    wait_link(world, 0, 3, "connected")
}

fn changed_vote(world: &mut World) -> Told {
    wait_quorum(world, 0, &[("Total votes", "3"), ("Quorum", "2")])?;
    for number in 0..world.count() {
        // two votes for the first node, as an administrator would write it
        world.does(
            number,
            "sed -i 's/^\\( *\\)nodeid: 1$/\\1nodeid: 1\\n\\1quorum_votes: 2/; \
             s/^\\( *\\)token: 1000$/\\1token: 1000\\n\\1config_version: 9/; \
             /config_version: [0-8]$/d' /etc/corosync/corosync.conf",
        )?;
    }
    world.says(0, "cat /etc/corosync/corosync.conf", &["quorum_votes: 2"])?;
    world.does(0, "pcs cluster reload corosync")?;
    for number in 0..world.count() {
        wait_quorum(
            world,
            number,
            &[("Expected votes", "4"), ("Total votes", "4"), ("Quorum", "3")],
        )?;
    }
    world.until(0, "corosync-quorumtool -l", "two votes of ser1", |said| {
        said.stdout.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.first() == Some(&"1") && words.get(1) == Some(&"2") && line.contains("ser1")
        })
    })?;
    world.says(
        0,
        "pcs quorum status",
        &[
            "Highest expected: 4",
            "Quorum:           3",
            "Flags:            Quorate",
            "2         NR ser1 (local)",
        ],
    )?;
    world.says(0, "pcs status corosync", &["         1          2 ser1 (local)"])?;
    world.online(0, 3)
}

//! What is wrong is named, with its place and the way out; nothing is half done.

use crate::world::{Told, World, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("a_command_that_is_wrong_is_refused_with_one_clear_sentence", || {
        World::tell_formed(3, 1, wrong_words)
    }),
    ("a_configuration_that_is_wrong_is_named_with_its_line", || {
        World::tell(3, 1, wrong_configuration)
    }),
    ("a_host_that_cannot_be_reached_is_named_and_nothing_is_set_up", || {
        World::tell(3, 1, unreachable)
    }),
    ("a_full_disk_stops_no_service_and_is_named", || World::tell_formed(3, 1, full_disk)),
    ("a_torn_tail_of_the_log_is_repaired_and_logged", || World::tell_formed(3, 1, torn_tail)),
];

fn wrong_words(world: &mut World) -> Told {
    world.does(0, "pcs resource create good ocf:test:journal")?;
    world.started(0, "good")?;
    world.settled(0)?;
    let before = world.does(0, "pcs cluster cib")?.stdout;
    let create = "pcs --hints=always resource create bad";
    for (line, needles) in [
        (format!("{create} ocf:heartbeat:IPadr2 ip=172.25.0.100"), &["IPadr2", "IPaddr2"][..]),
        (
            format!("{create} ocf:heartbeat:IPaddr2 ip=172.25.0.100 adress=1"),
            &["adress", "allowed options", "'cidr_netmask'"],
        ),
        (
            format!("{create} ocf:heartbeat:IPaddr2 ip=172.25.0.100 op monitor interval=soon"),
            &["soon", "interval"],
        ),
        (format!("{create} ocf:heartbeat:IPaddr2 ip=banana --agent-validation"), &["banana"]),
        (format!("{create} ocf:heartbeat:IPaddr2"), &["ip"]),
        (
            "pcs property set stonith-enabld=false".to_owned(),
            &["stonith-enabld", "stonith-enabled"],
        ),
        ("pcs property set no-quorum-policy=banana".to_owned(), &["banana", "freeze"]),
        ("pcs node standby ser9".to_owned(), &["ser9"]),
        ("pcs resource move good ser9".to_owned(), &["ser9"]),
        ("pcs resource delete god".to_owned(), &["god"]),
        ("pcs cluster stop ser9".to_owned(), &["ser9"]),
        (
            "echo 'this is no XML' > /run/bad; pcs cluster cib-push /run/bad".to_owned(),
            &["/run/bad"],
        ),
        (
            "echo '<cib><unclosed></cib>' > /run/bad; cibadmin --replace --xml-file /run/bad"
                .to_owned(),
            &["bad"],
        ),
        (
            "cibadmin --create --scope resources --xml-text '<primitive'".to_owned(),
            &["line 1", "is never closed"],
        ),
    ] {
        let said = world.refuses(0, &line, needles)?;
        want(!said.both().contains("panicked"), || format!("{line}\n{}", said.both()))?;
    }
    let after = world.does(0, "pcs cluster cib")?.stdout;
    let configuration = |text: &str| {
        let begin = text.find("<configuration").unwrap_or(0);
        let end = text.find("</configuration>").unwrap_or(text.len());
        text[begin..end].to_owned()
    };
    want(configuration(&before) == configuration(&after), || {
        format!("something was half done:\n{before}\n{after}")
    })
}

fn wrong_configuration(world: &mut World) -> Told {
    world.cluster.set_up("mycluster")?;
    let file = "/etc/corosync/corosync.conf";
    let good = world.does(0, &format!("cat {file}"))?.stdout;
    let number = good.lines().position(|line| line.contains("token:")).unwrap_or(0) + 1;

    // a wrong key
    world.does(0, &format!("sed -i 's/token:/tokn:/' {file}"))?;
    world.refuses(0, "pcs cluster start", &["tokn", "corosync.conf", &number.to_string()])?;
    world.host(0).write_file(file, &good)?;

    // a port in use
    world.does(
        0,
        "(python3 -c 'import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); \
         s.bind((\"0.0.0.0\",5405)); time.sleep(600)' >/dev/null 2>&1 & echo $! > /run/squatter)",
    )?;
    world.until_says(0, "ss -Hlun sport = :5405", &["5405"])?;
    world.refuses(0, "pcs cluster start", &["5405", "use"])?;
    world.does(0, "kill $(cat /run/squatter)")?;
    world.until_silent(0, "ss -Hlun sport = :5405", "5405")?;

    // another key on one node: it is not heard, and is told apart from silence
    world.does(
        2,
        "cp /etc/corosync/authkey /run/key; head -c 256 /dev/urandom > /etc/corosync/authkey",
    )?;
    for node in 0..3 {
        world.does(node, "pcs cluster start")?;
    }
    world.online(0, 2)?;
    world.until_says(0, "pcs status", &["authkey"])?;
    world.until_says(2, "pcs status", &["authkey"])?;
    world.does(2, "cp /run/key /etc/corosync/authkey; pcs cluster kill; pcs cluster start")?;
    world.online(0, 3)
}

fn unreachable(world: &mut World) -> Told {
    world.crash(2)?;
    let auth = format!("pcs host auth ser1 ser2 ser3 -u hacluster -p {}", lab::cluster::PASSWORD);
    world.refuses(0, &auth, &["ser3"])?;
    world.refuses(0, "pcs cluster setup mycluster ser1 ser2 ser3", &["ser3"])?;
    let left = world.run(0, "ls /etc/corosync/corosync.conf")?;
    want(left.code != 0, || "a cluster was half set up".to_owned())?;
    world.cluster.reboot(2)?;
    world.does(0, &auth)?;
    world.crash(2)?;
    world.refuses(0, "pcs cluster setup mycluster ser1 ser2 ser3", &["ser3"])?;
    for number in 0..2 {
        let left = world.run(number, "ls /etc/corosync/corosync.conf")?;
        want(left.code != 0, || "a cluster was half set up".to_owned())?;
    }
    Ok(())
}

fn full_disk(world: &mut World) -> Told {
    world.does(0, "pcs resource create good ocf:test:journal")?;
    let home = world.started(0, "good")?;
    let victim = (home + 1) % 3;
    let before = world.journal.length()?;
    world.does(victim, "pcs cluster stop")?;
    world.on_a_small_disk(victim)?;
    world.online(home, 3)?;
    world.fill_the_disk(victim)?;
    for round in 0..20 {
        world
            .does(home, &format!("pcs property set cluster-recheck-interval={}min", 20 + round))?;
    }
    world.until_says(home, "cibadmin -Q", &["39min"])?;
    world.until_says(victim, "pcs status", &["cib.xml", "No space left", "/var/lib/pacemaker"])?;
    // On a busy machine a disk is slow at times, and a DC that hands over takes no changes, or
    // cannot tell what became of them: they are tried again. The log has some room reserved; once that is used up, this node cannot vote any more
    for round in 0..10 {
        world.does(
            home,
            &format!(
                "(echo '<crm_config><cluster_property_set id=\"big\"><nvpair id=\"big-{round}\" \
                 name=\"note{round}\" value=\"'; head -c 300k /dev/zero | tr '\\0' '{round}'; \
                 echo '\"/></cluster_property_set></crm_config>') | tr -d '\\n' > /run/big.xml && \
                 for try in $(seq 20); do cibadmin --modify --allow-create --scope crm_config \
                 --xml-file /run/big.xml && break; sleep 0.5; done"
            ),
        )?;
    }
    world.until_says(victim, "pcs status", &["no part in the log", "No space left"])?;
    world.until_says(home, "pcs status", &["good", "Started"])?;
    want(world.journal.length()? == before, || "the full disk touched a service".to_owned())?;
    world.does(victim, "rm /var/lib/pacemaker/full")?;
    world.run(victim, "pcs cluster kill")?;
    world.does(victim, "pcs cluster start")?;
    world.online(home, 3)?;
    world.until_says(victim, "cibadmin -Q --local", &["39min"])
}

fn torn_tail(world: &mut World) -> Told {
    for round in 0..3 {
        world.does(0, &format!("pcs property set cluster-recheck-interval={}min", 20 + round))?;
    }
    world.until_says(2, "cibadmin -Q --local", &["22min"])?;
    world.crash(2)?;
    // power loss left half a record at the end of the newest segment
    let disk = world.cluster.lab.directory().join("ser3/own-var-lib-pacemaker");
    let listed = std::process::Command::new("find")
        .arg(&disk)
        .args(["-path", "*raft*", "-type", "f", "-size", "+0", "-printf", "%T@ %p\n"])
        .output()?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut segments: Vec<&str> = text.lines().filter(|line| line.contains("/log-")).collect();
    segments.sort_unstable();
    let newest = segments.last().and_then(|line| line.split_once(' '));
    let Some((_, path)) = newest else {
        return crate::world::wrong(format!(
            "there is no raft segment in {}:\n{text}",
            disk.display()
        ));
    };
    let (path, bytes) = (path.to_owned(), std::fs::read(path)?);
    let reserved = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let written = bytes.len() - reserved;
    std::fs::write(&path, &bytes[..written - 3])?;
    // it may have been the DC: what is written before its loss is seen ends in doubt
    world.online(0, 2)?;
    world.does(0, "pcs property set cluster-recheck-interval=30min")?;
    world.cluster.reboot(2)?;
    world.online(0, 3)?;
    world.until_says(2, "cibadmin -Q --local", &["30min"])?;
    want(world.log(2).contains("cut short by a crash"), || "the repair was not logged".to_owned())?;

    // what was synced and cannot be read back is no torn tail: nothing is lost in silence
    world.does(2, "pcs cluster stop")?;
    let whole = world.does(2, "find /var/lib/pacemaker/cib -name 'log-0*'")?.stdout;
    let segment = whole.trim();
    world.does(
        2,
        &format!("printf 'XX' | dd of={segment} bs=1 seek=200 conv=notrunc status=none"),
    )?;
    world.refuses(2, "pcs cluster start", &["damaged at byte", segment, "other nodes are well"])?;
    world.does(2, "mv /var/lib/pacemaker/cib/raft /var/lib/pacemaker/raft.broken")?;
    world.does(2, "pcs cluster start")?;
    world.online(0, 3)?;
    world.until_says(2, "cibadmin -Q --local", &["30min"])
}

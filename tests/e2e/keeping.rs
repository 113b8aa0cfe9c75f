//! What keeps a cluster: backups and checkpoints, certificates, files for all nodes, reports, the
//! other site.

use lab::cluster::PASSWORD;

use crate::world::{Told, World, want};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("a_cluster_comes_back_from_its_backup_and_its_checkpoints", || {
        World::tell_formed(2, 1, backup)
    }),
    ("certificates_booth_and_reports_reach_every_node", || World::tell_formed(2, 1, files)),
    ("two_sites_know_each_other", || World::tell(3, 1, two_sites)),
    ("agents_are_tried_by_hand_and_resources_restarted", || World::tell_formed(2, 1, by_hand)),
];

fn backup(world: &mut World) -> Told {
    world.does(0, "pcs resource create kept ocf:heartbeat:Dummy")?;
    world.started(0, "kept")?;
    world.does(0, "pcs config backup /var/all")?;
    world.refuses(0, "pcs config backup /var/all", &["already exists, use --force"])?;
    world.does(0, "pcs resource delete kept")?;
    // one with it from before it was stopped to be deleted
    let listed = world.says(0, "pcs config checkpoint", &["checkpoint "])?;
    let numbers: Vec<&str> =
        listed.stdout.lines().filter_map(|line| line.split([' ', ':']).nth(1)).collect();
    let mut former = None;
    for number in numbers {
        let shown = world.does(0, &format!("pcs config checkpoint view {number}"))?.stdout;
        if shown.contains("Resource: kept") && !shown.contains("target-role") {
            former = Some(number);
        }
    }
    want(former.is_some(), || format!("no checkpoint has it:\n{}", listed.stdout))?;
    let former = former.unwrap_or_default();
    world.says(0, &format!("pcs config checkpoint diff {former} live"), &["-   Resource: kept"])?;
    world.does(0, &format!("pcs config checkpoint restore {former}"))?;
    world.started(0, "kept")?;

    world.refuses(
        0,
        "pcs config restore /var/all.tar.bz2",
        &["Cluster is currently running on 'ser1', 'ser2'"],
    )?;
    world.does(0, "pcs cluster stop --all")?;
    world.says(
        0,
        "pcs config restore /var/all.tar.bz2",
        &["ser2: Successfully destroyed cluster", "The cluster has been restored"],
    )?;
    world.does(0, "pcs cluster start --all --wait")?;
    for number in 0..world.count() {
        world.online(number, world.count())?;
        world.says(number, "pcs property config stonith-enabled", &["stonith-enabled=false"])?;
    }
    world.started(1, "kept")?;
    // what is configured now is the cluster's own again, not the backup's
    world.does(0, "pcs property set maintenance-mode=true")?;
    world.does(0, "pcs cluster stop --all")?;
    world.does(0, "pcs cluster start --all --wait")?;
    world.says(1, "pcs property config maintenance-mode", &["maintenance-mode=true"]).map(drop)
}

fn files(world: &mut World) -> Told {
    world.says(
        0,
        "pcs pcsd sync-certificates",
        &[
            "Synchronizing pcsd certificates on nodes ser1, ser2...",
            "ser1: Success",
            "ser2: Success",
        ],
    )?;
    for number in 0..world.count() {
        world.says(number, "pcs pcsd status", &["ser1: Online", "ser2: Online"])?;
    }
    world.does(0, "pcs booth setup sites 10.0.0.1 10.0.0.2 arbitrators 10.0.0.3")?;
    world.says(0, "pcs booth sync", &["ser2: Booth config saved"])?;
    world.says(1, "pcs booth config", &["arbitrator = 10.0.0.3"])?;
    world.says(0, "pcs booth config ser2", &["arbitrator = 10.0.0.3"])?;
    world.does(1, "pcs booth ticket add T")?;
    world.says(0, "pcs booth pull ser2", &["Booth config saved"])?;
    world.says(0, "pcs booth config", &["ticket = \"T\""])?;
    let keys = "sha256sum /etc/booth/booth.key";
    let same = world.does(0, keys)?.stdout == world.does(1, keys)?.stdout;
    want(same, || "the nodes have different keys".to_owned())?;

    world.does(0, "pcs resource create spoken ocf:heartbeat:Dummy")?;
    world.says(0, "pcs cluster report /var/what", &["ser1: Collected", "ser2: Collected"])?;
    world.says(
        0,
        "tar tjf /var/what.tar.bz2",
        &["ser1/cib.xml", "ser2/corosync.conf", "ser1/status.txt", "ser2/pacemaker.log"],
    )?;
    world.says(0, "tar xjOf /var/what.tar.bz2 ser2/config.txt", &["Resource: spoken"])?;

    world.does(0, "pcs cluster uidgid add uid=nobody")?;
    world.says(0, "pcs cluster uidgid", &["UID/GID: uid=nobody gid="])?;
    world.says(
        0,
        &format!("pcs client local-auth -u hacluster -p {PASSWORD}"),
        &["localhost: Authorized"],
    )?;
    world.refuses(0, "pcs client local-auth -u hacluster -p wrong", &["is incorrect"])?;
    world.does(
        0,
        "head -c 40 /dev/zero | tr '\\0' a > /var/token; pcs pcsd accept_token /var/token",
    )?;
    world.does(1, "pcs pcsd deauth")?;
    world.says(0, "pcs pcsd status", &["ser1: Online", "ser2: Unable to authenticate"])?;
    world.does(0, &format!("pcs host auth ser2 -u hacluster -p {PASSWORD}"))?;
    world.says(0, "pcs pcsd status", &["ser2: Online"])?;
    // what one forgets, all members forget
    world.does(0, "pcs host deauth ser2")?;
    world.says(0, "pcs pcsd status", &["ser1: Online", "ser2: Unable to authenticate"])?;
    world.says(1, "pcs pcsd status", &["ser1: Online", "ser2: Unable to authenticate"])?;
    world.refuses(1, "pcs host deauth ser2", &["Host 'ser2' is not known to pcs"]).map(drop)
}

fn two_sites(world: &mut World) -> Told {
    let names = world.cluster.names();
    world.does(0, &format!("pcs host auth {names} -u hacluster -p {PASSWORD}"))?;
    world.does(2, &format!("pcs host auth {names} -u hacluster -p {PASSWORD}"))?;
    world.does(0, "pcs cluster setup here ser1 ser2 totem token=1000 --start --wait")?;
    world.does(2, "pcs cluster setup there ser3 totem token=1000 --start --wait")?;
    world.refuses(0, "pcs dr set-recovery-site ser2", &["part of the local cluster"])?;
    world.does(0, "pcs dr set-recovery-site ser3")?;
    world.says(1, "pcs dr config", &["Role: Primary", "Role: Recovery", "    ser3"])?;
    world.says(2, "pcs dr config", &["Role: Recovery", "    ser1", "    ser2"])?;
    world.refuses(0, "pcs dr set-recovery-site ser3", &["already configured"])?;
    world.says(
        1,
        "pcs dr status",
        &[
            "--- Local cluster - Primary site ---",
            "Cluster name: here",
            "--- Remote cluster - Recovery site ---",
            "Cluster name: there",
        ],
    )?;
    // a site that does not answer is no reason to hide the other
    world.does(2, "pcs cluster stop")?;
    world.refuses(
        0,
        "pcs dr status",
        &["Cluster name: here", "Unable to get status of the cluster from any node"],
    )?;
    world.says(0, "pcs dr destroy", &["ser3: successful removal of the file"])?;
    world.refuses(2, "pcs dr config", &["Disaster-recovery is not configured"]).map(drop)
}

fn by_hand(world: &mut World) -> Told {
    world.does(0, "pcs resource create D ocf:heartbeat:Dummy --disabled")?;
    world.settled(0)?;
    world.says(
        0,
        "pcs resource debug-start D",
        &["Operation force-start for D", "returned 0 (ok)"],
    )?;
    world.says(0, "pcs resource debug-monitor D --full", &["Operation force-check for D"])?;
    world.says(0, "pcs resource debug-stop D", &["returned 0 (ok)"])?;
    world.refuses(0, "pcs resource debug-monitor D", &["not running"])?;
    world.refuses(0, "pcs resource restart D", &["not running on any node"])?;
    world.does(0, "pcs resource enable D --wait")?;
    world.says(0, "pcs resource restart D", &["D successfully restarted"])?;
    world.says(
        0,
        "pcs resource create C ocf:heartbeat:Dummy clone --wait",
        &["resource 'C' is running on nodes 'ser1', 'ser2'"],
    )?;
    world.says(
        0,
        "pcs resource create P ocf:pacemaker:Stateful promotable --wait",
        &["resource 'P' is promoted on node 'ser", "; unpromoted on node 'ser"],
    )?;
    world.does(0, "pcs resource delete P")?;
    world.says(0, "pcs resource restart C-clone ser2", &["C-clone successfully restarted"])?;
    for number in 0..world.count() {
        let name = world.name(number).to_owned();
        world.until_says(0, "pcs resource status C-clone", &[&name])?;
    }
    world.does(0, "crm_resource --fail --resource D --node ser1 || crm_resource --fail --resource D --node ser2")?;
    world.until_says(0, "pcs resource failcount", &["Failcounts for resource 'D'"])?;
    world.does(0, "pcs resource cleanup D")?;
    world.until_says(0, "pcs resource failcount", &["No failcounts"])?;
    world.does(0, "pcs node standby ser2 --wait")?;
    world.says(0, "pcs status nodes --output-format=json", &["\"standby\": true"])?;
    world.does(0, "pcs node unstandby ser2 --wait")?;
    world.does(0, "pcs node maintenance --all --wait")?;
    world.says(0, "pcs status nodes", &[" Maintenance: ser1 ser2"])?;
    world.does(0, "pcs node unmaintenance --all --wait").map(drop)
}

//! Every command that tells other hosts, while one of three nodes is down: what cannot be done
//! everywhere is done nowhere and says whom it waits for, or leaves the absent one out when asked.

use crate::steps::{Step, answers, does, refuses};
use crate::world::{Told, World};

pub(crate) const STORIES: &[(&str, fn() -> Told)] = &[
    ("every_command_about_hosts_says_who_is_down_and_leaves_nothing_half_done", || {
        World::tell(4, 2, |world| {
            crate::steps::take(world, FORMING)?;
            world.crash(2)?;
            world.online(0, 2)?;
            let absent = [MEMBERS, FILES, OTHERS, STOPPED];
            absent.iter().try_for_each(|table| crate::steps::take(world, table))?;
            world.cluster.reboot(2)?;
            crate::steps::take(world, RETURNED)?;
            world.crash(2)?;
            crate::steps::take(world, DESTROYED)
        })
    }),
    ("one_of_a_pair_goes_on_when_an_operator_says_that_the_other_is_off", || {
        World::tell_formed(2, 1, |world| crate::steps::take(world, UNBLOCKED))
    }),
];

pub(crate) const TABLES: &[&[Step]] = &[FORMING, MEMBERS, FILES, OTHERS, STOPPED, DESTROYED];

/// Commands that ask or tell other hosts, beside those whose help has an option for that.
pub(crate) const TELL_OTHERS: &[&str] = &[
    "booth config",
    "booth pull",
    "cluster auth",
    "cluster corosync",
    "cluster destroy",
    "cluster disable",
    "cluster enable",
    "cluster report",
    "cluster setup",
    "config restore",
    "dr set-recovery-site",
    "dr status",
    "host auth",
    "host deauth",
    "pcsd status",
    "status pcsd",
];

const FILE: &str = "cat /etc/corosync/corosync.conf";
const NO_FILE: &str = "ls /etc/corosync/corosync.conf";
const SKIP: &str = "ser3 (No route to host), use --skip-offline to override";

const FORMING: &[Step] = &[
    does(0, "pcs host auth ser1 ser2 ser3 ser4 -u hacluster -p laboratory", &[]),
    does(
        0,
        "pcs cluster setup c ser1 addr=172.25.0.1 ser2 addr=172.25.0.2 ser3 addr=172.25.0.3 \
         totem token=1000 --start --wait=90",
        &["ser3: Cluster started"],
    ),
    does(0, "pcs property set stonith-enabled=false", &[]),
    does(0, "pcs config backup /run/all", &[]),
    // who is off is known to be at once, or each command would wait for it
    does(0, "ip route add unreachable 172.25.0.3", &[]),
    does(1, "ip route add unreachable 172.25.0.3", &[]),
];

const MEMBERS: &[Step] = &[
    refuses(
        0,
        "pcs host auth ser2 ser3 -u hacluster -p laboratory",
        &["ser2: Authorized", "Unable to communicate with ser3 (No route to host)"],
    ),
    refuses(0, "pcs cluster auth -u hacluster -p laboratory", &["communicate with ser3"]),
    refuses(0, "pcs cluster setup other ser3 ser4", &["Unable to connect to ser3"]).then(
        3,
        NO_FILE,
        &["No such file"],
    ),
    refuses(0, "pcs cluster start --all", &["unable to start all nodes", "connect to ser3"]).then(
        0,
        "pcs status nodes",
        &["Online: ser1 ser2\n", "Offline: ser3"],
    ),
    refuses(0, "pcs cluster start ser3 --wait=5", &["unable to start nodes", "connect to ser3"]),
    refuses(0, "pcs cluster stop ser3", &["unable to stop nodes", "connect to ser3"]),
    refuses(0, "pcs cluster enable --all", &["ser2: Cluster Enabled", "unable to enable all"])
        .then(1, "pcs status", &["pacemaker: active/enabled"]),
    refuses(0, "pcs cluster disable --all", &["ser2: Cluster Disabled", "unable to disable all"])
        .then(1, "pcs status", &["pacemaker: active/disabled"]),
    refuses(0, "pcs cluster node add ser4 addr=172.25.0.4 --start", &[SKIP])
        .then(3, NO_FILE, &["No such file"])
        .gone(1, FILE, "ser4"),
    does(
        0,
        "pcs cluster node add ser4 addr=172.25.0.4 --start --wait=90 --skip-offline",
        &["ser4"],
    )
    .then(1, "pcs status nodes", &["Online: ser1 ser2 ser4", "Offline: ser3"]),
    refuses(0, "pcs cluster node remove ser4", &[SKIP]).then(1, FILE, &["ser4"]),
    refuses(0, "pcs cluster node remove ser4 --skip-offline", &["loss of the quorum"]).then(
        1,
        FILE,
        &["ser4"],
    ),
    does(
        0,
        "pcs cluster node remove ser4 --skip-offline --force",
        &["ser4: Successfully destroyed"],
    )
    .gone(1, FILE, "ser4")
    .gone(1, "pcs status nodes", "ser4"),
    refuses(0, "pcs cluster node delete ser3", &[SKIP]).then(1, FILE, &["ser3"]),
    refuses(0, "pcs cluster node clear ser3", &["is in corosync.conf"]),
];

const FILES: &[Step] = &[
    refuses(0, "pcs cluster link add ser1=172.25.1.1 ser2=172.25.1.2 ser3=172.25.1.3", &[SKIP])
        .gone(1, FILE, "ring1_addr"),
    does(
        0,
        "pcs cluster link add ser1=172.25.1.1 ser2=172.25.1.2 ser3=172.25.1.3 --skip-offline",
        &["ser2: Succeeded"],
    )
    .then(1, FILE, &["ring1_addr"]),
    refuses(0, "pcs cluster link update 1 options link_priority=7", &[SKIP]).gone(
        1,
        FILE,
        "link_priority",
    ),
    does(0, "pcs cluster link update 1 options link_priority=7 --skip-offline", &[]).then(
        1,
        FILE,
        &["knet_link_priority: 7"],
    ),
    refuses(0, "pcs cluster link delete 1", &[SKIP]).then(1, FILE, &["ring1_addr"]),
    refuses(0, "pcs cluster link remove 1", &[SKIP]).then(1, FILE, &["ring1_addr"]),
    does(0, "pcs cluster link remove 1 --skip-offline", &[]).gone(1, FILE, "ring1_addr"),
    refuses(0, "pcs cluster config update totem token=1200", &[SKIP]).gone(1, FILE, "1200"),
    does(0, "pcs cluster config update totem token=1200 --skip-offline", &["ser2: Succeeded"])
        .then(1, FILE, &["token: 1200"]),
    refuses(0, "pcs cluster config uuid generate --force", &[SKIP]),
    refuses(0, "pcs quorum update wait_for_all=1", &[SKIP]).gone(1, FILE, "wait_for_all"),
    does(0, "pcs quorum update wait_for_all=1 --skip-offline", &["ser2: Succeeded"]).then(
        1,
        "pcs quorum config",
        &["wait_for_all: 1"],
    ),
    does(0, "pcs quorum update wait_for_all= --skip-offline", &[]).gone(1, FILE, "wait_for_all"),
    refuses(0, "pcs quorum device add model net host=q algorithm=lms", &["--corosync_conf"]),
    does(
        0,
        "cp /etc/corosync/corosync.conf /run/with; pcs quorum device add model net host=q \
         algorithm=lms --corosync_conf=/run/with; cp /run/with /etc/corosync/corosync.conf; \
         pcs cluster sync --skip-offline",
        &["ser2: Succeeded"],
    ),
    refuses(0, "pcs quorum device update model host=r", &[SKIP]).gone(1, FILE, "host: r"),
    refuses(0, "pcs quorum device delete", &[SKIP]).then(1, FILE, &["host: q"]),
    refuses(0, "pcs quorum device remove", &[SKIP]).then(1, FILE, &["host: q"]),
    does(0, "pcs quorum device remove --skip-offline", &[]).gone(1, FILE, "host: q"),
    refuses(0, "pcs cluster sync", &[SKIP]),
    does(0, "pcs cluster sync --skip-offline", &["ser2: Succeeded"]),
    refuses(0, "pcs cluster sync corosync", &[SKIP]),
    does(0, "pcs cluster sync corosync --skip-offline", &["ser2: Succeeded"]),
    refuses(0, "pcs cluster corosync ser3", &["connect to ser3"]),
    does(0, "pcs cluster reload corosync", &[]),
];

const OTHERS: &[Step] = &[
    does(0, "pcs pcsd status", &["ser2: Online", "ser3: Offline"]),
    answers(0, "pcs pcsd status ser3", 2, &["ser3: Offline"]),
    does(0, "pcs status pcsd", &["ser3: Offline"]),
    does(0, "pcs quorum status", &["Quorate:          Yes"]),
    does(0, "pcs status", &["OFFLINE: [ ser3 ]"]),
    refuses(0, "pcs pcsd sync-certificates", &[SKIP]),
    does(0, "pcs pcsd sync-certificates --skip-offline", &["ser2: Success"]).then(
        1,
        "pcs pcsd status",
        &["ser1: Online", "ser3: Offline"],
    ),
    does(0, "pcs booth setup sites 172.25.0.1 172.25.0.2 arbitrators 172.25.0.4", &[]),
    refuses(0, "pcs booth sync", &[SKIP]).then(1, "pcs booth config", &["No such file"]),
    does(0, "pcs booth sync --skip-offline", &["ser2: Booth config saved"]),
    refuses(0, "pcs booth pull ser3", &["connect to ser3"]).then(
        0,
        "pcs booth config",
        &["arbitrator = 172.25.0.4"],
    ),
    refuses(0, "pcs booth config ser3", &["connect to ser3"]),
    does(0, "pcs cluster report /run/report", &["ser2: Collected", "ser3"]),
    does(3, "pcs cluster setup there ser4 totem token=1000 --start --wait=90", &[]),
    refuses(0, "pcs dr set-recovery-site ser4", &["connect to ser3"])
        .then(3, "pcs dr config", &["not configured"])
        .then(1, "pcs dr config", &["not configured"]),
    refuses(0, "pcs dr status", &["not configured"]),
    refuses(0, "pcs dr destroy --skip-offline", &["not configured"]),
];

const STOPPED: &[Step] =
    &[
        refuses(0, "pcs config restore /run/all.tar.bz2", &["connect to ser3", "all of its nodes"]),
        refuses(0, "pcs cluster stop --all", &["ser3", "unable to stop all nodes"]).then(
            1,
            "pcs status",
            &["not currently running"],
        ),
        refuses(0, "pcs cluster rename other", &[SKIP]).then(1, FILE, &["cluster_name: c"]),
        does(0, "pcs cluster rename other --skip-offline", &["ser2: Succeeded"]).then(
            1,
            FILE,
            &["cluster_name: other"],
        ),
        does(0, "pcs cluster rename c --skip-offline", &["ser2: Succeeded"]),
        refuses(0, "pcs cluster authkey corosync", &[SKIP]),
        refuses(0, "pcs cluster node rename-corosync ser2 second", &[SKIP]).gone(1, FILE, "second"),
        does(0, "pcs cluster node rename-corosync ser2 second --skip-offline", &["Succeeded"])
            .then(1, FILE, &["name: second"]),
        refuses(0, "pcs cluster start second", &["pcs host auth second"]),
        does(0, "pcs host auth second addr=172.25.0.2 -u hacluster -p laboratory", &[]),
        does(0, "pcs cluster node rename-corosync second ser2 --skip-offline", &["Succeeded"]),
        does(0, "pcs cluster start ser1 ser2 --wait=90", &["ser2: Cluster started"]),
        does(0, "pcs cluster node remove ser3 --skip-offline", &[]).gone(1, FILE, "ser3").gone(
            1,
            "pcs status nodes",
            "ser3",
        ),
        does(0, "pcs host deauth ser3", &[]).then(
            1,
            "pcs pcsd status ser3",
            &["Unable to authenticate"],
        ),
    ];

/// The one that was away finds itself left out, and harms nobody.
const RETURNED: &[Step] =
    &[
        does(0, "ip route del unreachable 172.25.0.3", &[]),
        does(1, "ip route del unreachable 172.25.0.3", &[]),
        does(2, "pcs cluster start --wait=30", &["it waits: 2 of 3 voters missing (ser1, ser2)"])
            .then(0, "pcs status nodes", &["Online: ser1 ser2\n"]),
        does(2, "pcs cluster destroy", &[]),
        does(0, "pcs host auth ser3 -u hacluster -p laboratory", &["ser3: Authorized"]),
        does(0, "pcs cluster node add ser3 addr=172.25.0.3 --start --wait=90", &["ser3"]).then(
            1,
            "pcs status nodes",
            &["Online: ser1 ser2 ser3"],
        ),
    ];

const DESTROYED: &[Step] = &[refuses(
    0,
    "pcs cluster destroy --all",
    &["ser2: Successfully destroyed", "connect to ser3"],
)
.then(0, NO_FILE, &["No such file"])
.then(1, NO_FILE, &["No such file"])];

const UNBLOCKED: &[Step] = &[
    does(0, "pcs property set dc-deadtime=2s", &[]),
    does(0, "pcs resource create R ocf:heartbeat:Dummy --wait=60", &["is running"]),
    refuses(0, "pcs quorum unblock --force", &["not waiting for nodes"]),
    does(0, "pcs cluster stop --all", &[]),
    does(0, "pcs cluster start", &[]).then(
        0,
        "pcs quorum status",
        &["Quorate:          No", "Total votes:      1"],
    ),
    refuses(0, "pcs quorum expected-votes 1", &["are missing (ser2)", "Nothing was done"]),
    refuses(0, "pcs quorum unblock", &["'ser2' is not powered off", "use --force to override"])
        .then(0, "pcs quorum status", &["Quorate:          No"]),
    does(0, "pcs quorum unblock --force", &["Waiting for nodes canceled"]).then(
        0,
        "pcs resource status R",
        &["Started ser1"],
    ),
    does(0, "pcs property set cluster-recheck-interval=12min", &[]),
    does(0, "pcs cluster start ser2 --wait=90", &["ser2: Cluster started"])
        .then(1, "pcs status nodes", &["Online: ser1 ser2"])
        .then(1, "cibadmin -Q --local", &["12min"]),
    refuses(0, "pcs quorum unblock --force", &["not waiting for nodes"]),
];

//! Every command about hosts and their files: three nodes and a host that joins them and leaves.

use crate::steps::{Step, answers, does, refuses};
use crate::world::{Told, World};

pub(crate) const STORIES: &[(&str, fn() -> Told)] =
    &[("every_command_about_hosts_is_done_on_all_of_them", || {
        World::tell(4, 2, |world| {
            TABLES.iter().try_for_each(|table| crate::steps::take(world, table))
        })
    })];

pub(crate) const TABLES: &[&[Step]] =
    &[FORMING, JOINING, LINKS, QUORUM, DAEMONS, SECRETS, BOOTH, STOPPED];

/// What the other members' file is asked with.
const FILE: &str = "cat /etc/corosync/corosync.conf";

/// No file of a cluster may be on the host.
const NO_FILE: &str = "ls /etc/corosync/corosync.conf";

const FORMING: &[Step] = &[
    refuses(0, "pcs cluster start", &["corosync.conf", "pcs cluster setup"]),
    refuses(0, "pcs cluster setup c ser1 ser2", &["ser1", "pcs host auth"]),
    does(
        0,
        "pcs host auth ser1 ser2 ser3 ser4 -u hacluster -p laboratory",
        &["ser1: Authorized", "ser4: Authorized"],
    ),
    does(0, "pcs host deauth ser4", &[]),
    refuses(0, "pcs host deauth ser4", &["'ser4' is not known to pcs"]),
    refuses(0, "pcs cluster setup c ser1 ser4", &["ser4"]).then(0, NO_FILE, &["No such file"]),
    does(
        0,
        "pcs cluster setup c ser1 ser2 --start --plan",
        &["Write new keys on ser1, ser2", "+     cluster_name: c", "Start the cluster on ser1, ser2"],
    )
    .then(0, NO_FILE, &["No such file"]),
    does(
        0,
        "pcs cluster setup c ser1 addr=172.25.0.1 ser2 addr=172.25.0.2 ser3 addr=172.25.0.3 totem token=1000",
        &["successfully set up"],
    )
    .then(2, FILE, &["cluster_name: c", "ring0_addr: 172.25.0.3"]),
    refuses(0, "pcs cluster setup d ser1", &["already", "use --force to override"])
        .then(0, FILE, &["cluster_name: c"]),
    does(0, "pcs cluster start --all --wait=90", &["ser3: Cluster started"])
        .then(2, "pcs status nodes", &["Online: ser1 ser2 ser3"]),
    does(1, "pcs property set stonith-enabled=false", &[]),
    does(0, "pcs cluster enable --all", &["ser3: Cluster Enabled"])
        .then(2, "pcs status", &["pacemaker: active/enabled"]),
    does(0, "pcs cluster disable ser3", &["ser3: Cluster Disabled"])
        .then(2, "pcs status", &["pacemaker: active/disabled"]),
    does(0, "pcs cluster stop ser3", &["ser3: Stopping Cluster (pacemaker)..."])
        .then(0, "pcs status nodes", &["Online: ser1 ser2\n"]),
    does(0, "pcs cluster start ser3 --wait=90", &["ser3: Cluster started"])
        .then(0, "pcs status nodes", &["Online: ser1 ser2 ser3"]),
    does(1, "pcs cluster auth", &["cluster config files"]),
    does(1, "pcs cluster corosync ser3", &["cluster_name: c"]),
    does(1, "pcs cluster config", &["Cluster Name: c", "ser3"]),
    does(1, "pcs cluster sync", &["ser3: Succeeded"]),
    does(1, "pcs cluster sync corosync", &["ser3: Succeeded"]),
    does(1, "pcs cluster reload corosync", &[]),
    does(0, "pcs cluster config update totem token=1100", &["ser3: Succeeded"])
        .then(2, FILE, &["token: 1100"]),
    refuses(0, "pcs cluster config uuid generate", &["use --force"]),
    does(0, "pcs cluster config uuid generate --force", &["ser3: Succeeded"]),
    does(0, "pcs cluster uidgid add uid=nobody", &[]).then(0, "pcs cluster uidgid", &["uid=nobody"]),
    does(0, "pcs cluster uidgid delete uid=nobody", &[]).gone(0, "pcs cluster uidgid", "nobody"),
    does(0, "pcs cluster uidgid add gid=nogroup", &[]),
    does(0, "pcs cluster uidgid remove gid=nogroup", &[]).gone(0, "pcs cluster uidgid", "nogroup"),
];

const JOINING: &[Step] = &[
    refuses(0, "pcs cluster node add ser4", &["ser4", "pcs host auth"]).then(2, FILE, &["ser3"]),
    does(0, "pcs host auth ser4 -u hacluster -p laboratory", &["ser4: Authorized"]).then(
        2,
        "pcs pcsd status ser4",
        &["ser4: Online"],
    ),
    does(
        0,
        "pcs cluster node add ser4 addr=172.25.0.4 --start --enable --plan",
        &[
            "Write the cluster's keys on ser4",
            "+         ring0_addr: 172.25.0.4",
            "Start the cluster on ser4",
        ],
    )
    .then(3, NO_FILE, &["No such file"])
    .gone(1, FILE, "ser4"),
    does(0, "pcs cluster node add ser4 addr=172.25.0.4 --start --wait=90 --enable", &["ser4"])
        .then(2, "pcs status nodes", &["Online: ser1 ser2 ser3 ser4"]),
    does(3, "pcs cluster node remove ser1", &["ser1: Successfully destroyed cluster"])
        .then(3, "pcs status nodes", &["Online: ser2 ser3 ser4"])
        .then(0, NO_FILE, &["No such file"]),
    does(3, "pcs cluster node add ser1 addr=172.25.0.1 --start --wait=90", &["ser1"]).then(
        0,
        "pcs status nodes",
        &["Online: ser1 ser2 ser3 ser4"],
    ),
    does(0, "pcs cluster node delete ser4", &["ser4: Successfully destroyed cluster"])
        .gone(2, FILE, "ser4")
        .gone(2, "pcs status nodes", "ser4"),
    // two at once, of which the second is still needed for the first
    does(0, "pcs cluster node add ser4 addr=172.25.0.4 --start --wait=90", &["ser4"]),
    does(
        0,
        "pcs cluster node remove ser3 ser4 --force",
        &["ser3: Successfully", "ser4: Successfully"],
    )
    .then(1, "pcs status nodes", &["Online: ser1 ser2\n"]),
    does(1, "pcs property set cluster-recheck-interval=11min", &[]),
    does(0, "pcs cluster node add ser3 addr=172.25.0.3 --start --wait=90", &["ser3"]).then(
        2,
        "cibadmin -Q --local",
        &["11min"],
    ),
    refuses(0, "pcs cluster node clear ser3", &["still in the cluster"]).then(
        0,
        "pcs status nodes",
        &["Online: ser1 ser2 ser3"],
    ),
    does(0, "pcs cluster node clear ser4", &[]).gone(0, "cibadmin -Q", "ser4"),
    refuses(0, "pcs cluster node rename-cib ser3 third", &["rename-corosync ser3 third"]),
    does(0, "pcs resource create D ocf:heartbeat:Dummy --disabled", &[]),
    does(0, "pcs constraint location add here D old 5 --force", &[]),
    does(0, "pcs cluster node rename-cib old ser3", &[]).then(
        2,
        "pcs constraint location",
        &["'ser3'"],
    ),
];

const LINKS: &[Step] = &[
    does(
        0,
        "pcs cluster link add ser1=172.25.1.1 ser2=172.25.1.2 ser3=172.25.1.3",
        &["ser3: Succeeded"],
    )
    .then(2, "corosync-cfgtool -s", &["LINK ID 1"]),
    does(0, "pcs cluster link update 1 options link_priority=5", &["ser3: Succeeded"]).then(
        2,
        FILE,
        &["knet_link_priority: 5"],
    ),
    does(0, "pcs cluster link delete 1", &["ser3: Succeeded"]).gone(2, FILE, "ring1_addr"),
    does(0, "pcs cluster link add ser1=172.25.1.1 ser2=172.25.1.2 ser3=172.25.1.3", &[]),
    does(0, "pcs cluster link remove 1", &["ser3: Succeeded"]).gone(2, FILE, "ring1_addr"),
    refuses(0, "pcs cluster link remove 0", &["at least one must be left"]).then(
        2,
        FILE,
        &["ring0_addr"],
    ),
];

const QUORUM: &[Step] = &[
    does(0, "pcs quorum config", &[]),
    does(0, "pcs quorum status", &["Quorate:          Yes"]),
    does(0, "pcs quorum update wait_for_all=1", &["ser3: Succeeded"]).then(
        2,
        "pcs quorum config",
        &["wait_for_all: 1"],
    ),
    does(0, "pcs quorum update wait_for_all=", &["ser3: Succeeded"]).gone(2, FILE, "wait_for_all"),
    does(
        0,
        "pcs quorum update wait_for_all=1 --plan",
        &["Write corosync.conf on ser", "+     wait_for_all: 1"],
    )
    .gone(0, FILE, "wait_for_all"),
    does(0, "pcs quorum expected-votes 5", &[])
        .then(0, "corosync-quorumtool -s", &["Expected votes:   5"])
        .then(2, "corosync-quorumtool -s", &["Expected votes:   5"]),
    refuses(0, "pcs quorum expected-votes 6", &["4 would be needed", "nothing was done"]),
    does(1, "pcs quorum expected-votes 3", &[]).then(
        2,
        "corosync-quorumtool -s",
        &["Expected votes:   3"],
    ),
    refuses(0, "pcs quorum unblock --force", &["not waiting for nodes to establish quorum"]),
    refuses(0, "pcs quorum device status", &["no quorum device is defined"]),
    refuses(0, "pcs quorum device delete", &["no quorum device is defined"]),
    refuses(0, "pcs quorum device add model net host=q algorithm=lms", &["--corosync_conf"])
        .gone(0, FILE, "device"),
    // one that a cluster of another make left in the file can be changed and taken out
    does(
        0,
        "cp /etc/corosync/corosync.conf /run/with; pcs quorum device add model net host=q \
         algorithm=lms heuristics mode=on exec_a=/bin/true --corosync_conf=/run/with; \
         cp /run/with /etc/corosync/corosync.conf; pcs cluster sync",
        &["ser3: Succeeded"],
    ),
    does(0, "pcs quorum device update model host=r", &["ser3: Succeeded"]).then(
        2,
        FILE,
        &["host: r"],
    ),
    refuses(0, "pcs quorum device status", &["does not ask a quorum device"]),
    does(0, "pcs quorum device heuristics delete", &["ser3: Succeeded"]).gone(2, FILE, "exec_a"),
    does(0, "pcs quorum device remove --plan", &["- ", "host: r"]).then(0, FILE, &["host: r"]),
    does(0, "pcs quorum device remove", &["ser3: Succeeded"]).gone(2, FILE, "device"),
    refuses(0, "pcs cluster node add-remote far", &["-f"]),
    refuses(0, "pcs cluster node delete-remote far", &["-f"]),
    refuses(0, "pcs cluster node add-guest far D", &["-f"]),
    refuses(0, "pcs cluster node delete-guest far", &["-f"]),
];

const DAEMONS: &[Step] = &[
    does(0, "pcs pcsd status", &["ser1: Online", "ser3: Online"]),
    does(0, "pcs status pcsd", &["ser1: Online", "ser3: Online"]),
    does(0, "pcs pcsd passwd -p laboratory", &[]),
    does(0, "pcs pcsd sync-certificates", &["ser3: Success"]).then(2, "pcs pcsd status", &["ser1: Online"]),
    does(0, "cp /var/lib/pcsd/pcsd.crt /var/lib/pcsd/pcsd.key /run; pcs pcsd certkey /run/pcsd.crt /run/pcsd.key --force", &["updated"])
        .then(2, "pcs pcsd status", &["ser1: Online"]),
    does(0, "head -c 40 /dev/zero | tr '\\0' a > /run/token; pcs pcsd accept_token /run/token", &[]),
    does(2, "pcs pcsd deauth", &[]).then(0, "pcs pcsd status", &["ser3: Unable to authenticate"]),
    does(0, "pcs host auth ser3 -u hacluster -p laboratory", &[]).then(1, "pcs pcsd status", &["ser3: Online"]),
    does(0, "pcs client local-auth -u hacluster -p laboratory", &["localhost: Authorized"]),
    does(0, "pcs config backup /run/all", &[]).then(0, "tar tjf /run/all.tar.bz2", &["cib.xml", "corosync.conf"]),
    refuses(0, "pcs config restore /run/all.tar.bz2", &["running on 'ser1', 'ser2', 'ser3'"]),
    does(0, "pcs cluster report /run/report", &["ser3: Collected"]),
    does(0, "crm_report -f 2026-01-01 -d /run/spread", &["ser3: Collected"])
        .then(0, "ls /run/spread/ser3", &["cib.xml", "pacemaker.log"])
        .gone(0, "ls /run", "spread.tar"),
    does(3, "pcs cluster setup there ser4 totem token=1000 --start --wait=90", &[]),
    does(0, "pcs dr set-recovery-site ser4", &["ser4"]).then(3, "pcs dr config", &["Role: Recovery"]),
    does(1, "pcs dr config", &["Role: Primary", "ser4"]),
    does(0, "pcs dr status", &["Cluster name: c", "Cluster name: there"]),
    does(0, "pcs dr destroy", &["ser4: successful removal"]),
    does(3, "pcs cluster destroy", &["Shutting down"]).then(3, NO_FILE, &["No such file"]),
    // what other programs do is asked of them: these here only write down that they were asked
    does(
        0,
        "mkdir /run/bin; for p in systemctl booth corosync-qnetd-tool corosync-qnetd-certutil; do \
         printf '#!/bin/sh\\necho $0 \"$@\" | tee -a /run/asked\\n' > /run/bin/$p; \
         chmod +x /run/bin/$p; done",
        &[],
    ),
    refuses(0, "pcs qdevice setup model net", &["comes with the package corosync-qnetd"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice setup model net --enable --start", &["initialized"])
        .then(0, "cat /run/asked", &["certutil -i", "enable corosync-qnetd", "start corosync-qnetd"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice status net", &["corosync-qnetd-tool -s"]),
    does(0, "PATH=/run/bin:$PATH pcs status qdevice net", &["corosync-qnetd-tool -s"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice start net", &["device started"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice stop net", &["device stopped"])
        .then(0, "cat /run/asked", &["stop corosync-qnetd"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice kill net", &["device killed"])
        .then(0, "cat /run/asked", &["kill --signal=SIGKILL corosync-qnetd"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice enable net", &["device enabled"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice disable net", &["device disabled"]),
    does(0, "PATH=/run/bin:$PATH pcs qdevice destroy net", &["files removed"])
        .then(0, "cat /run/asked", &["disable corosync-qnetd"]),
];

const SECRETS: &[Step] = &[
    does(0, "pcs resource create hidden ocf:heartbeat:Dummy fake=S3cret", &[]),
    does(0, "cibsecret stash hidden fake", &[]).then(2, "cibsecret get hidden fake", &["S3cret"]),
    does(2, "pcs resource config hidden", &["fake=lrm://"]),
    does(1, "cibsecret set hidden fake other", &[]).then(
        0,
        "cibsecret get hidden fake",
        &["other"],
    ),
    does(1, "cibsecret unstash hidden fake", &[]).then(
        0,
        "pcs resource config hidden",
        &["fake=other"],
    ),
    answers(0, "cibsecret get hidden fake", 105, &["no secret value for `fake` of hidden"]),
    does(0, "pcs resource delete hidden", &[]),
];

const BOOTH: &[Step] = &[
    does(0, "pcs booth setup sites 172.25.0.1 172.25.0.2 arbitrators 172.25.0.3", &[]).then(
        0,
        "pcs booth config",
        &["arbitrator = 172.25.0.3"],
    ),
    does(0, "pcs booth ticket add T", &[]).then(0, "pcs booth config", &["ticket = \"T\""]),
    does(0, "pcs booth sync", &["ser3: Booth config saved"]).then(
        2,
        "pcs booth config",
        &["ticket = \"T\""],
    ),
    does(0, "pcs booth ticket delete T", &[]).gone(0, "pcs booth config", "ticket"),
    does(0, "pcs booth ticket add T", &[]),
    does(0, "pcs booth ticket remove T", &[]).gone(0, "pcs booth config", "ticket"),
    does(0, "pcs booth pull ser3", &["Booth config saved"]).then(
        0,
        "pcs booth config",
        &["ticket = \"T\""],
    ),
    refuses(0, "pcs booth ticket grant T 172.25.0.1", &["booth"]),
    refuses(0, "pcs booth ticket revoke T 172.25.0.1", &["booth"]),
    refuses(0, "pcs booth status", &["booth"]),
    does(0, "PATH=/run/bin:$PATH pcs booth status", &["DAEMON STATUS:"]),
    does(0, "PATH=/run/bin:$PATH pcs status booth", &["DAEMON STATUS:"]),
    does(0, "PATH=/run/bin:$PATH pcs booth enable", &["booth@booth enabled"]).then(
        0,
        "cat /run/asked",
        &["enable booth@booth"],
    ),
    does(0, "PATH=/run/bin:$PATH pcs booth disable", &["booth@booth disabled"]),
    does(0, "PATH=/run/bin:$PATH pcs booth start", &["booth@booth started"]),
    does(0, "PATH=/run/bin:$PATH pcs booth stop", &["booth@booth stopped"]).then(
        0,
        "cat /run/asked",
        &["stop booth@booth"],
    ),
    does(0, "pcs booth create ip 172.25.0.77 --force", &[]).then(
        1,
        "cibadmin -Q --local",
        &["172.25.0.77"],
    ),
    refuses(0, "pcs booth restart", &["not running on any node"]),
    does(0, "pcs booth delete", &[]).gone(1, "cibadmin -Q --local", "172.25.0.77"),
    does(0, "pcs booth create ip 172.25.0.77 --force", &[]),
    does(0, "pcs booth remove", &[]).gone(1, "cibadmin -Q --local", "172.25.0.77"),
    does(0, "pcs booth destroy", &[]),
];

const STOPPED: &[Step] = &[
    refuses(0, "pcs cluster stop ser2 ser3", &["loss of the quorum"]).then(
        0,
        "pcs status nodes",
        &["Online: ser1 ser2 ser3"],
    ),
    refuses(0, "pcs cluster rename other", &["while it runs on 'ser1', 'ser2', 'ser3'"]),
    refuses(0, "pcs cluster authkey corosync", &["while it runs"]),
    refuses(0, "pcs cluster node rename-corosync ser3 third", &["while it runs"]),
    does(2, "pcs cluster kill", &[]).then(0, "pcs status nodes", &["Offline: ser3"]),
    does(0, "pcs cluster start ser3 --wait=90", &["ser3: Cluster started"]).then(
        0,
        "pcs status nodes",
        &["Online: ser1 ser2 ser3"],
    ),
    does(0, "pcs cluster stop --all", &["ser3: Stopping Cluster (corosync)..."]),
    does(0, "pcs cluster rename other", &["ser3: Succeeded"]).then(
        2,
        FILE,
        &["cluster_name: other"],
    ),
    does(0, "pcs cluster authkey corosync", &["ser3: successful"]),
    does(0, "pcs cluster node rename-corosync ser3 third", &["Succeeded"]).then(
        1,
        FILE,
        &["name: third"],
    ),
    does(0, "pcs config restore /run/all.tar.bz2", &["restored"]).then(
        2,
        FILE,
        &["cluster_name: c"],
    ),
    does(0, "pcs cluster start --all --wait=90", &["ser3: Cluster started"]).then(
        2,
        "pcs status",
        &["Cluster name: c", "Online: [ ser1 ser2 ser3 ]"],
    ),
    does(0, "pcs cluster destroy --all", &["ser3: Successfully destroyed cluster"]).then(
        2,
        NO_FILE,
        &["No such file"],
    ),
    answers(0, "pcs pcsd status ser1 ser2", 0, &["ser2: Online"]),
];

//! Every command about the document and what runs, on a running pair: typed on one host, seen on
//! the other.

use crate::steps::{Step, answers, does, refuses};
use crate::world::{Told, World};

pub(crate) const STORIES: &[(&str, fn() -> Told)] =
    &[("every_command_about_the_document_is_seen_on_the_other_node", || {
        World::tell_formed(2, 1, |world| {
            TABLES.iter().try_for_each(|table| crate::steps::take(world, table))
        })
    })];

pub(crate) const TABLES: &[&[Step]] =
    &[AGENTS, RESOURCES, MEMBERS, RUNNING, FENCING, CONSTRAINTS, SETTINGS, ACCESS, WHOLE];

/// What the other host's configuration is asked with.
const THERE: &str = "cibadmin -Q --local --xpath /cib/configuration";

const AGENTS: &[Step] = &[
    does(0, "pcs resource list heartbeat:Dummy", &["ocf:heartbeat:Dummy"]),
    does(0, "pcs resource describe ocf:heartbeat:Dummy", &["Resource options:", "fake"]),
    refuses(0, "pcs resource describe ocf:heartbeat:Dumy", &["Dumy"]),
    does(0, "pcs resource standards", &["ocf\n"]),
    does(0, "pcs resource providers", &["heartbeat\n"]),
    does(0, "pcs resource agents ocf:heartbeat", &["Dummy\n"]),
    does(0, "pcs stonith list", &[]),
    refuses(0, "pcs stonith describe fence_nowhere", &["fence_nowhere"]),
    does(0, "pcs completion bash", &["complete"]),
    does(0, "pcs property describe no-quorum-policy", &["no-quorum-policy"]),
    does(0, "pcs property defaults no-quorum-policy", &["stop"]),
];

const RESOURCES: &[Step] = &[
    does(0, "pcs resource create A ocf:heartbeat:Dummy", &[]).then(1, THERE, &["id=\"A\""]),
    does(0, "pcs status wait 60", &[]),
    does(0, "pcs resource create B ocf:heartbeat:Dummy --disabled", &[]),
    does(0, "pcs resource create C ocf:heartbeat:Dummy --disabled", &[]),
    does(0, "pcs resource create S ocf:heartbeat:Stateful --disabled", &[]),
    refuses(1, "pcs resource create A ocf:heartbeat:Dummy", &["'A' already exists"]),
    does(1, "pcs resource status", &["A", "Started"]),
    does(1, "pcs resource config A", &["Resource: A (class=ocf provider=heartbeat type=Dummy)"]),
    does(1, "pcs resource update A fake=x", &[]).then(0, "pcs resource config A", &["fake=x"]),
    does(1, "pcs resource meta A priority=3 resource-stickiness=100", &[]).then(
        0,
        "pcs resource config A",
        &["priority=3"],
    ),
    does(1, "pcs resource op add A monitor interval=33s --force", &[]).then(
        0,
        "pcs resource config A",
        &["interval=33s"],
    ),
    does(1, "pcs resource op delete A monitor interval=33s", &[]).gone(
        0,
        "pcs resource config A",
        "33s",
    ),
    does(1, "pcs resource op add A monitor interval=34s --force", &[]),
    does(1, "pcs resource op remove A monitor interval=34s", &[]).gone(
        0,
        "pcs resource config A",
        "34s",
    ),
    does(0, "pcs resource op defaults update timeout=61s", &[]).then(
        1,
        "pcs resource op defaults",
        &["timeout=61s"],
    ),
    does(0, "pcs resource op defaults set create id=slow meta timeout=62s", &[]).then(
        1,
        THERE,
        &["id=\"slow\""],
    ),
    does(0, "pcs resource op defaults set update slow meta timeout=63s", &[]).then(
        1,
        "pcs resource op defaults",
        &["timeout=63s"],
    ),
    does(0, "pcs resource op defaults set delete slow", &[]).gone(1, THERE, "id=\"slow\""),
    does(0, "pcs resource op defaults set create id=slow meta timeout=62s", &[]),
    does(0, "pcs resource op defaults set remove slow", &[]).gone(1, THERE, "id=\"slow\""),
    does(0, "pcs resource op defaults update timeout=", &[]),
    does(0, "pcs resource defaults update migration-threshold=7", &[]).then(
        1,
        "pcs resource defaults",
        &["migration-threshold=7"],
    ),
    does(0, "pcs resource defaults set create id=mine meta failure-timeout=9", &[]).then(
        1,
        "pcs resource defaults",
        &["failure-timeout=9"],
    ),
    does(0, "pcs resource defaults set update mine meta failure-timeout=8", &[]).then(
        1,
        "pcs resource defaults",
        &["failure-timeout=8"],
    ),
    does(0, "pcs resource defaults set delete mine", &[]).gone(1, THERE, "failure-timeout"),
    does(0, "pcs resource defaults set create id=mine meta failure-timeout=9", &[]),
    does(0, "pcs resource defaults set remove mine", &[]).gone(1, THERE, "failure-timeout"),
    does(0, "pcs resource utilization A cpu=2", &[]).then(
        1,
        "pcs resource utilization A",
        &["cpu=2"],
    ),
    does(0, "pcs resource description A 'what it is'", &[]).then(
        1,
        "pcs resource description A",
        &["what it is"],
    ),
    does(0, "pcs cib element description A other", &[]).then(
        1,
        "pcs cib element description A",
        &["other"],
    ),
    does(1, "pcs resource relations A", &["A"]),
    does(1, "pcs status query resource A exists", &["True"]),
    answers(1, "pcs status query resource none exists", 2, &["False"]),
];

const MEMBERS: &[Step] = &[
    does(0, "pcs resource group add G B C", &[]).then(1, "pcs resource group list", &["G: B C"]),
    does(0, "pcs resource group delete G C", &[]).gone(1, "pcs resource group list", "C"),
    does(0, "pcs resource group remove G B", &[]).gone(1, THERE, "id=\"G\""),
    does(0, "pcs resource group add G B C", &[]),
    does(0, "pcs resource ungroup G", &[]).gone(1, THERE, "id=\"G\""),
    does(0, "pcs resource clone B", &[]).then(1, THERE, &["id=\"B-clone\""]),
    does(0, "pcs resource unclone B", &[]).gone(1, THERE, "B-clone"),
    does(0, "pcs resource promotable S", &[]).then(1, THERE, &["promotable"]),
    does(0, "pcs resource bundle create U container podman image=i replicas=1 --disabled", &[])
        .then(1, THERE, &["<bundle id=\"U\""]),
    does(0, "pcs resource bundle update U container replicas=2", &[]).then(
        1,
        THERE,
        &["replicas=\"2\""],
    ),
    does(0, "pcs resource bundle reset U container image=j", &[]).then(1, THERE, &["image=\"j\""]),
    does(0, "pcs resource remove U", &[]).gone(1, THERE, "id=\"U\""),
    does(0, "pcs resource create X ocf:heartbeat:Dummy --disabled", &[]),
    does(1, "pcs resource delete X", &[]).gone(0, THERE, "id=\"X\""),
];

const RUNNING: &[Step] = &[
    does(0, "pcs constraint location A prefers ser1", &[]),
    does(0, "pcs status wait 60; pcs constraint delete location-A-ser1-INFINITY", &[]),
    does(1, "pcs resource status A node=ser1", &["A", "Started"]),
    does(1, "pcs resource explain A", &["Resource: A, started on ser1"]),
    does(1, "pcs resource move A ser2", &[]).then(0, "pcs resource status A", &["Started ser2"]),
    does(1, "pcs resource move-with-constraint A ser1 --wait=60", &["constraint"]).then(
        0,
        "pcs resource status A",
        &["Started ser1"],
    ),
    does(0, "pcs resource clear A --wait=60", &[]).gone(1, THERE, "cli-prefer-A"),
    does(0, "pcs resource ban A ser1 --wait=60", &[]).then(
        1,
        "pcs resource status A",
        &["Started ser2"],
    ),
    does(0, "pcs resource clear A", &[]).gone(1, THERE, "cli-ban-A"),
    does(1, "pcs resource relocate show", &["A"]),
    does(1, "pcs resource relocate dry-run A", &[]),
    does(1, "pcs resource relocate run A", &[]),
    does(1, "pcs resource relocate clear", &[]),
    does(1, "pcs resource restart A --wait=60", &["successfully restarted"]),
    does(1, "pcs resource disable A --wait=60", &["not running"]),
    does(0, "pcs resource enable A --wait=60", &["is running"]),
    does(1, "pcs resource safe-disable A --wait=60", &[]),
    does(1, "pcs resource debug-start A --full", &["returned 0 (ok)"]),
    does(1, "pcs resource debug-monitor A", &["returned 0 (ok)"]),
    does(1, "pcs resource debug-stop A", &["returned 0 (ok)"]),
    does(1, "pcs resource debug-start S", &["returned 0 (ok)"]),
    does(1, "pcs resource debug-promote S", &["returned 0 (ok)"]),
    does(1, "pcs resource debug-demote S", &["returned 0 (ok)"]),
    does(1, "pcs resource debug-stop S", &["returned 0 (ok)"]),
    does(0, "pcs resource enable A --wait=60", &[]),
    does(0, "pcs resource unmanage A", &[]).then(1, "pcs resource status A", &["unmanaged"]),
    does(0, "pcs resource manage A", &[]).gone(1, "pcs resource status A", "unmanaged"),
    does(
        0,
        "crm_resource --fail --resource A --node $(crm_resource -W -r A | sed 's/.*: //')",
        &[],
    )
    .then(1, "pcs resource failcount", &["Failcounts for resource 'A'"]),
    does(1, "pcs resource cleanup A", &["A"]).then(0, "pcs resource failcount", &["No failcounts"]),
    does(1, "pcs resource refresh A", &["A"]),
    does(1, "pcs status wait 60", &[]),
    does(0, "pcs node standby ser2 --wait=60", &[]).then(1, "pcs status nodes", &["Standby: ser2"]),
    does(0, "pcs node unstandby ser2 --wait=60", &[]).then(
        1,
        "pcs status nodes",
        &["Online: ser1 ser2"],
    ),
    does(1, "pcs node maintenance", &[]).then(0, "pcs status nodes", &["Maintenance: ser2"]),
    does(1, "pcs node unmaintenance", &[]).gone(0, "pcs status nodes", "Maintenance: ser2"),
    does(0, "pcs node attribute ser2 rack=7", &[]).then(
        1,
        "pcs node attribute",
        &["Node: ser2", "rack=7"],
    ),
    does(0, "pcs node utilization ser2 cpu=8", &[]).then(
        1,
        "pcs node utilization",
        &["Node: ser2", "cpu=8"],
    ),
];

const FENCING: &[Step] = &[
    does(0, "pcs stonith create F fence_nowhere --disabled --force", &["fence_nowhere"]).then(
        1,
        THERE,
        &["id=\"F\""],
    ),
    does(0, "pcs stonith status", &["F"]),
    does(1, "pcs stonith config F", &["Resource: F (class=stonith type=fence_nowhere)"]),
    does(1, "pcs stonith update F ip=a --force", &[]).then(0, "pcs stonith config F", &["ip=a"]),
    does(1, "pcs stonith meta F priority=2", &[]).then(0, "pcs stonith config F", &["priority=2"]),
    does(1, "pcs stonith op add F monitor interval=44s --force", &[]).then(
        0,
        "pcs stonith config F",
        &["44s"],
    ),
    does(1, "pcs stonith op delete F monitor interval=44s", &[]).gone(
        0,
        "pcs stonith config F",
        "44s",
    ),
    does(1, "pcs stonith op add F monitor interval=45s --force", &[]),
    does(1, "pcs stonith op remove F monitor interval=45s", &[]).gone(
        0,
        "pcs stonith config F",
        "45s",
    ),
    does(1, "pcs stonith description F text", &[]).then(0, THERE, &["description=\"text\""]),
    does(1, "pcs stonith level add 1 ser1 F", &[]).then(0, "pcs stonith level", &["Level 1: F"]),
    does(0, "pcs stonith level config", &["Target (node): ser1"]),
    does(0, "pcs stonith level verify", &[]),
    does(0, "pcs stonith level delete 1 target ser1", &[]).gone(1, THERE, "fencing-level"),
    does(1, "pcs stonith level add 1 ser1 F", &[]),
    does(0, "pcs stonith level remove 1 target ser1", &[]).gone(1, THERE, "fencing-level"),
    does(1, "pcs stonith level add 1 ser1 F", &[]),
    does(0, "pcs stonith level clear", &[]).gone(1, THERE, "fencing-level"),
    does(1, "pcs stonith failcount", &["No failcounts"]),
    does(1, "pcs stonith cleanup F", &[]),
    does(1, "pcs stonith refresh F", &[]),
    does(1, "pcs stonith enable F", &[]).gone(0, "pcs stonith config F", "target-role"),
    does(1, "pcs stonith disable F", &[]).then(0, "pcs stonith config F", &["target-role=Stopped"]),
    // what the fencing daemon has to do is refused, and nothing is done
    refuses(0, "pcs stonith fence ser2", &["needs the fencing daemon", "nothing was done"]).then(
        0,
        "pcs status nodes",
        &["Online: ser1 ser2"],
    ),
    refuses(0, "pcs stonith confirm ser2 --force", &["needs the fencing daemon"]),
    refuses(0, "pcs stonith history", &["needs the fencing daemon"]),
    refuses(0, "pcs stonith sbd status", &["needs the fencing daemon"]),
    refuses(0, "pcs stonith update-scsi-devices F set a", &["needs the fencing daemon"]),
    does(0, "pcs stonith delete F", &[]).gone(1, THERE, "id=\"F\""),
    does(0, "pcs stonith create F fence_nowhere --disabled --force", &[]),
    does(0, "pcs stonith remove F", &[]).gone(1, THERE, "id=\"F\""),
];

const CONSTRAINTS: &[Step] = &[
    does(0, "pcs constraint location B avoids ser1", &[]).then(1, THERE, &["location-B-ser1"]),
    does(1, "pcs constraint location config", &["'B'"]),
    does(0, "pcs constraint location add mine C ser2 5", &[]).then(1, THERE, &["id=\"mine\""]),
    does(0, "pcs constraint location delete mine", &[]).gone(1, THERE, "id=\"mine\""),
    does(0, "pcs constraint location add mine C ser2 5", &[]),
    does(0, "pcs constraint location remove mine", &[]).gone(1, THERE, "id=\"mine\""),
    does(0, "pcs constraint order B then C id=first", &[]).then(1, THERE, &["id=\"first\""]),
    does(1, "pcs constraint order config", &["'B'"]),
    does(0, "pcs constraint order delete C", &[]).gone(1, THERE, "id=\"first\""),
    does(0, "pcs constraint order B then C id=first", &[]),
    does(0, "pcs constraint order remove C", &[]).gone(1, THERE, "id=\"first\""),
    does(0, "pcs constraint order set B C setoptions id=both", &[]).then(
        1,
        THERE,
        &["id=\"both\""],
    ),
    does(0, "pcs constraint delete both", &[]).gone(1, THERE, "id=\"both\""),
    does(0, "pcs constraint colocation add B with C id=near", &[]).then(1, THERE, &["id=\"near\""]),
    does(1, "pcs constraint colocation config", &["'B'"]),
    does(0, "pcs constraint colocation delete B C", &[]).gone(1, THERE, "id=\"near\""),
    does(0, "pcs constraint colocation add B with C id=near", &[]),
    does(0, "pcs constraint colocation remove B C", &[]).gone(1, THERE, "id=\"near\""),
    does(0, "pcs constraint colocation set B C setoptions id=all", &[]).then(
        1,
        THERE,
        &["id=\"all\""],
    ),
    does(0, "pcs constraint remove all", &[]).gone(1, THERE, "id=\"all\""),
    does(0, "pcs constraint ticket add T B id=t", &[]).then(1, THERE, &["id=\"t\""]),
    does(1, "pcs constraint ticket config", &["'T'"]),
    does(0, "pcs constraint ticket delete T B", &[]).gone(1, THERE, "id=\"t\""),
    does(0, "pcs constraint ticket add T B id=t", &[]),
    does(0, "pcs constraint ticket remove T B", &[]).gone(1, THERE, "id=\"t\""),
    does(0, "pcs constraint ticket set B C setoptions ticket=T id=ts", &[]).then(
        1,
        THERE,
        &["id=\"ts\""],
    ),
    does(1, "pcs constraint ref B", &["ts"]),
    does(1, "pcs constraint config", &["Ticket"]),
    does(0, "pcs constraint delete ts", &[]).gone(1, THERE, "id=\"ts\""),
];

const SETTINGS: &[Step] = &[
    does(0, "pcs property set no-quorum-policy=freeze", &[]).then(
        1,
        "pcs property config",
        &["no-quorum-policy"],
    ),
    does(1, "pcs property unset no-quorum-policy", &[]).gone(0, THERE, "no-quorum-policy"),
    does(0, "pcs tag create N A B", &[]).then(1, "pcs tag config", &["N\n"]),
    does(0, "pcs tag update N add C remove A", &[]).gone(1, "pcs tag config N", "A"),
    does(0, "pcs tag delete N", &[]).gone(1, THERE, "<tag "),
    does(0, "pcs tag create N A", &[]),
    does(0, "pcs tag remove N", &[]).gone(1, THERE, "<tag "),
    does(0, "pcs alert create path=/bin/true id=L", &[]).then(
        1,
        "pcs alert config",
        &["/bin/true"],
    ),
    does(0, "pcs alert update L description=d", &[]).then(
        1,
        "pcs alert config",
        &["Description: d"],
    ),
    does(0, "pcs alert recipient add L value=me id=R", &[]).then(1, THERE, &["id=\"R\""]),
    does(0, "pcs alert recipient update R value=you", &[]).then(1, THERE, &["value=\"you\""]),
    does(0, "pcs alert recipient delete R", &[]).gone(1, THERE, "id=\"R\""),
    does(0, "pcs alert recipient add L value=me id=R", &[]),
    does(0, "pcs alert recipient remove R", &[]).gone(1, THERE, "id=\"R\""),
    does(0, "pcs alert delete L", &[]).gone(1, THERE, "<alert "),
    does(0, "pcs alert create path=/bin/true id=L", &[]),
    does(0, "pcs alert remove L", &[]).gone(1, THERE, "<alert "),
];

const ACCESS: &[Step] = &[
    does(0, "pcs acl role create reader read xpath /cib", &[]).then(
        1,
        "pcs acl config",
        &["reader"],
    ),
    does(0, "pcs acl role create writer", &[]),
    does(0, "pcs acl permission add writer write xpath /cib", &[]).then(
        1,
        THERE,
        &["id=\"writer-write\""],
    ),
    does(0, "pcs acl permission delete writer-write", &[]).gone(1, THERE, "id=\"writer-write\""),
    does(0, "pcs acl permission add writer write xpath /cib", &[]),
    does(0, "pcs acl permission remove writer-write", &[]).gone(1, THERE, "id=\"writer-write\""),
    does(0, "pcs acl user create nobody reader", &[]).then(1, THERE, &["acl_target id=\"nobody\""]),
    does(0, "pcs acl group create nogroup reader", &[]).then(
        1,
        THERE,
        &["acl_group id=\"nogroup\""],
    ),
    does(0, "pcs acl role assign writer to user nobody", &[]).then(
        1,
        THERE,
        &["<role id=\"writer\"/>"],
    ),
    does(0, "pcs acl role unassign writer from user nobody", &[]).gone(
        1,
        THERE,
        "<role id=\"writer\"/>",
    ),
    does(0, "pcs acl enable", &[]).then(1, "pcs acl", &["ACLs are enabled"]),
    does(0, "pcs acl disable", &[]).then(1, "pcs acl", &["ACLs are disabled"]),
    does(0, "pcs acl user delete nobody", &[]).gone(1, THERE, "acl_target"),
    does(0, "pcs acl user create nobody", &[]),
    does(0, "pcs acl user remove nobody", &[]).gone(1, THERE, "acl_target"),
    does(0, "pcs acl group delete nogroup", &[]).gone(1, THERE, "acl_group"),
    does(0, "pcs acl group create nogroup", &[]),
    does(0, "pcs acl group remove nogroup", &[]).gone(1, THERE, "acl_group"),
    does(0, "pcs acl role delete reader", &[]).gone(1, THERE, "reader"),
    does(0, "pcs acl role remove writer", &[]).gone(1, THERE, "writer"),
];

/// What reads or writes all of it.
const WHOLE: &[Step] = &[
    does(1, "pcs status", &["Cluster name: mycluster", "Online: [ ser1 ser2 ]", "A"]),
    does(1, "pcs status resources", &["A"]),
    does(1, "pcs status cluster", &["Cluster Status:"]),
    does(1, "pcs status nodes both", &["ser1", "ser2"]),
    does(1, "pcs resource group list", &[]),
    does(1, "pcs resource failcount", &["No failcounts"]),
    does(1, "pcs property config", &["stonith-enabled"]),
    does(1, "pcs tag config", &[]),
    does(1, "pcs alert config", &[]),
    does(1, "pcs acl config", &["ACLs are disabled"]),
    does(1, "pcs status corosync", &["(local)"]),
    does(1, "pcs status quorum", &["Quorate:          Yes"]),
    does(1, "pcs status xml", &["<nodes_configured number=\"2\"/>"]),
    refuses(1, "pcs status qdevice net", &["corosync-qnetd"]),
    does(1, "pcs cluster status", &["Current DC: ser"]),
    does(1, "pcs cluster verify --full", &[]),
    does(1, "pcs config", &["Resource: A"]),
    does(0, "pcs config checkpoint", &["checkpoint "]),
    does(0, "pcs config checkpoint view 5", &["Resource: A"]),
    does(0, "pcs config checkpoint diff 5 live", &["Resource: A"]),
    does(0, "pcs config export pcs-commands", &["stonith-enabled=false"]),
    does(0, "pcs cluster cib /run/whole.xml", &[]),
    does(0, "pcs -f /run/whole.xml resource create P ocf:heartbeat:Dummy --disabled", &[]),
    does(0, "pcs cluster cib-push /run/whole.xml --config", &["CIB updated"]).then(
        1,
        THERE,
        &["id=\"P\""],
    ),
    does(0, "pcs cluster cib-upgrade", &[]),
    does(
        0,
        "export EDITOR='sed -i s/other/edited/'; pcs cluster edit; pcs cib element description A",
        &[],
    )
    .then(1, THERE, &["edited"]),
    does(0, "pcs export /run/wanted.json", &[]),
    does(0, "pcs resource delete P", &[]),
    does(0, "pcs apply -f /run/wanted.json --plan", &["+ primitive P"]),
    does(0, "pcs apply -f /run/wanted.json", &["Applied"]).then(1, THERE, &["id=\"P\""]),
    does(0, "pcs resource delete P", &[]).gone(1, THERE, "id=\"P\""),
    does(0, "pcs config checkpoint restore 9", &[]).then(
        1,
        "pcs resource config A",
        &["Resource: A"],
    ),
];

//! `pcs config`: former documents, archives, and the commands that would make all there is.

use crate::home::Home;

const CONF: &str = "totem {\n    version: 2\n    cluster_name: c\n    transport: knet\n}\n\nnodelist {\n    node {\n        ring0_addr: 10.0.0.1\n        name: ser1\n        nodeid: 1\n    }\n}\n\nquorum {\n    provider: corosync_votequorum\n}\n";

#[test]
fn former_documents_are_listed_shown_and_brought_back() {
    let home = Home::new();
    assert_eq!(home.host("config checkpoint"), "No checkpoints available\n");
    home.write("var/lib/pacemaker/cib/cib-1.raw", &home.document());
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1", "node standby ser2"]);
    home.write("var/lib/pacemaker/cib/cib-2.raw", &home.document());
    home.write("var/lib/pacemaker/cib/cib-2.raw.sig", "0");
    let listed = home.host("config checkpoint");
    let starts: Vec<&str> = listed.lines().map(|line| &line[..20]).collect();
    assert_eq!(starts, ["checkpoint 1: date 2", "checkpoint 2: date 2"]);
    assert!(home.host("config checkpoint --output-format=json").contains("\"number\": 2"));
    let shown = home.host("config checkpoint view 2");
    assert!(shown.starts_with("Resources:\n  Resource: A "), "{shown}");
    assert_eq!(
        home.host("config checkpoint diff 1 2"),
        "Differences between checkpoint 1 (-) and checkpoint 2 (+):\n+ Resources:\n+   Resource: A (class=ocf provider=test type=Address)\n+     Attributes: A-instance_attributes\n+       ip=10.0.0.1\n+     Operations:\n+       start: A-start-interval-0s\n+         interval=0s timeout=20s\n+       stop: A-stop-interval-0s\n+         interval=0s timeout=20s\n+       monitor: A-monitor-interval-10s\n+         interval=10s timeout=20s\n+\n  Cluster Properties: cib-bootstrap-options\n    stonith-enabled=false\n"
    );
    assert_eq!(home.host("config checkpoint restore 1 -f cib.xml"), "");
    assert!(!home.document().contains("<primitive"), "{}", home.document());
    assert!(home.document().contains("epoch=\"4\""), "the version goes on: {}", home.document());
}

#[test]
fn a_checkpoint_that_is_not_there_is_named() {
    let home = Home::new();
    home.write("var/lib/pacemaker/cib/cib-1.raw", &home.document());
    for (line, said) in [
        (
            "view x",
            "Error: unable to read the checkpoint: 'x' is no number of a checkpoint\nexit 1\n",
        ),
        ("diff 1 1", "Error: cannot diff a checkpoint against itself\nexit 1\n"),
    ] {
        assert_eq!(home.host(&format!("config checkpoint {line}")), said);
    }
    let said = home.host("config checkpoint diff 1 7");
    assert!(said.starts_with("Error: unable to read checkpoint '7': `"), "{said}");
    assert!(home.host("config checkpoint view").contains("checkpoint view <number>"));
}

#[test]
fn a_backup_holds_the_keys_and_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let said = home.host("config backup all");
    assert!(said.starts_with("Error: unable to create tarball: '"), "{said}");
    home.write("var/lib/pacemaker/cib/cib.xml", &home.document());
    home.write("etc/corosync/corosync.conf", CONF);
    home.write("etc/corosync/authkey", &"k".repeat(256));
    home.write("etc/corosync/uidgid.d/ops", "uidgid {\n uid: ops\n}\n");
    assert_eq!(home.host("config backup all"), "");
    let file = home.path("all.tar.bz2");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = std::process::Command::new("tar").arg("tjf").arg(&file).output().unwrap();
    assert_eq!(
        String::from_utf8(listed.stdout).unwrap(),
        "version.txt\ncib.xml\ncorosync_authkey\ncorosync.conf\nuidgid.d/ops\n"
    );
    assert_eq!(
        home.host("config backup all"),
        "Error: 'all.tar.bz2' already exists, use --force to overwrite\nexit 1\n"
    );
    assert_eq!(home.host("config backup all --force"), "");
    // its nodes have to be known before anything is touched
    assert_eq!(
        home.host("config restore all.tar.bz2"),
        "Warning: the users in 'uidgid.d' of the backup are not restored, add them with 'pcs cluster uidgid add'\nError: Host 'ser1' is not known to pcs, try to authenticate the host using 'pcs host auth ser1' command\nexit 1\n"
    );
}

#[test]
fn what_is_no_backup_is_refused_before_anything_is_done() {
    let home = Home::new();
    let said = home.host("config restore cib.xml");
    assert!(
        said.starts_with(
            "Error: unable to restore the cluster: this is no archive of 'pcs config backup'"
        ),
        "{said}"
    );
    let said = home.host("config restore missing.tar.bz2");
    assert!(said.starts_with("Error: unable to read the tarball 'missing.tar.bz2': "), "{said}");
}

#[test]
fn exported_commands_make_the_same_configuration_again() {
    let home = Home::new();
    home.quietly(&[
        "resource create A ocf:test:Address ip=10.0.0.1 meta priority=5",
        "resource create B ocf:test:Address ip=10.0.0.2",
        "resource create C ocf:test:Address ip=10.0.0.3",
        "resource group add G A B",
        "node attribute ser1 rack=r~1",
        "constraint colocation add C with A score=50",
        "tag create T A B",
        "acl role create watch description=Only~eyes read xpath /cib",
        "acl user create anna watch",
    ]);
    let commands = home.pcs("config export");
    let again = Home::new();
    for command in commands.replace("\\\n", " ").split(";\n") {
        // quoted words are for a shell
        let done = again.shell(command);
        assert!(!done.contains("Error"), "{command}: {done}");
    }
    assert_eq!(again.pcs("config export"), commands);
    assert_eq!(again.pcs("config"), home.pcs("config"));
    let all = home.pcs("config --output-format=json");
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all["acls"]["users"][0]["id"], "anna");
    assert_eq!(all["tags"][0]["id"], "T");
}

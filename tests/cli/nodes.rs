//! Nodes and status.

use crate::home::Home;

#[test]
fn nodes_stand_by_and_come_back() {
    let home = Home::new();
    home.quietly(&["node standby ser2", "node attribute ser1 rack=r1"]);
    assert_eq!(
        home.pcs("node attribute"),
        "Node: ser1\n  Attributes: nodes-1\n    rack=r1\nNode: ser2\n  Attributes: nodes-2\n    standby=on\n"
    );
    home.quietly(&["node unstandby ser2"]);
    assert_eq!(
        home.pcs("node standby ser3 --hints=always"),
        "Error: Node 'ser3' does not appear to exist in configuration\nHint: did you mean ser1?\nexit 1\n"
    );
    assert_eq!(
        home.pcs("node attribute ser1 nosuch="),
        "Error: attribute: 'nosuch' doesn't exist for node: 'ser1'\nexit 2\n"
    );
}

#[test]
fn a_file_without_a_running_cluster_has_a_status_too() {
    let home = Home::new();
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1 clone"]);
    let said = home.pcs("status");
    assert!(said.contains("  * OFFLINE: [ ser1 ser2 ]\n"), "{said}");
    assert!(said.contains("  * Clone Set: A-clone [A]:\n    * Stopped: [ ser1 ser2 ]\n"), "{said}");
    assert_eq!(home.pcs("status query resource A is-state stopped --quiet"), "");
    assert_eq!(home.pcs("status query resource A is-state started --quiet"), "exit 2\n");
    assert_eq!(home.pcs("status query resource A-clone get-members"), "A\n");
}

#[test]
fn a_node_gets_another_name_wherever_it_is_named() {
    let home = Home::new();
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1"]);
    home.pcs("stonith level add 1 ser2 F --force");
    home.pcs("constraint location A prefers ser2=10");
    home.pcs("constraint location A rule score=5 #uname~eq~ser2");
    assert_eq!(home.pcs("cluster node rename-cib ser2 dora"), "");
    let document = home.document();
    assert!(!document.contains("\"ser2\""), "{document}");
    for part in ["uname=\"dora\"", "node=\"dora\"", "target=\"dora\"", "value=\"dora\""] {
        assert!(document.contains(part), "{part}: {document}");
    }
    assert_eq!(
        home.pcs("cluster node rename-cib ser2 eva"),
        "Error: No element of the document names a node 'ser2'\nexit 1\n"
    );
}

#[test]
fn agents_are_tried_by_hand_only_where_that_makes_sense() {
    let home = Home::new();
    home.quietly(&[
        "resource create A ocf:test:Address ip=10.0.0.1",
        "resource create B ocf:test:Address ip=10.0.0.2",
        "resource group add G A B",
    ]);
    assert_eq!(
        home.pcs("resource debug-start"),
        "Error: You must specify a resource to debug-start\nexit 1\n"
    );
    assert_eq!(
        home.pcs("resource debug-stop G"),
        "Error: unable to debug-stop a group, try its resources: A, B\nexit 1\n"
    );
    assert_eq!(
        home.pcs("resource debug-monitor C --hints=never"),
        "Error: unable to find a resource/clone/group: C\nexit 1\n"
    );
}

#[test]
fn an_agent_run_by_hand_says_how_it_ended() {
    let home = Home::new();
    home.quietly(&["resource create A ocf:test:Address ip=10.0.0.1"]);
    home.quietly(&["resource create B ocf:test:Address ip=10.0.0.2 clone"]);
    let word =
        |what: &str, id: &str| format!("Operation {what} for {id} (ocf:test:Address) returned");
    let fine = format!("{} 0 (ok)\n", word("force-start", "A"));
    assert_eq!(home.pcs("resource debug-start A"), fine);
    assert_eq!(home.tool("crm_resource -r A --force-start", &[]), fine);
    assert_eq!(
        home.tool("crm_resource -r B-clone --force-check", &[]),
        format!("{} 0 (ok)\n", word("force-check", "B-clone"))
    );
    let not = "3 (unimplemented feature)\nwhat is promote?\n";
    assert_eq!(
        home.pcs("resource debug-promote A"),
        format!("{} {not}exit 3\n", word("force-promote", "A"))
    );
    assert_eq!(
        home.tool("crm_resource -r A --force-promote", &[]),
        format!(
            "{} {not}\ncrm_resource: Error performing operation: Unimplemented\nexit 3\n",
            word("force-promote", "A")
        )
    );
    home.quietly(&["resource group add G A"]);
    assert_eq!(
        home.tool("crm_resource -r G --force-stop", &[]),
        "crm_resource: Sorry, the force-stop option doesn't support group resources\nError \
         performing operation: Unimplemented\nexit 3\n"
    );
}

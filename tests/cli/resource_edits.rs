//! Changes of resources that are refused, and what goes along with those that are not.

use crate::home::Home;

const IP: &str = "resource create IP ocf:test:Address ip=10.0.0.1";
const END: &str = "Error: Errors have occurred, therefore pcs is unable to continue\nexit 1\n";

fn home() -> Home {
    let home = Home::new();
    home.quietly(&[IP, "resource create B ocf:test:Address ip=10.0.0.2"]);
    home
}

#[test]
fn what_names_a_clone_goes_when_it_is_taken_apart() {
    let home = home();
    home.quietly(&["resource clone IP", "tag create T IP-clone B"]);
    home.pcs("constraint location IP-clone prefers ser1");
    home.pcs("constraint order IP-clone then B");
    assert_eq!(home.pcs("resource unclone IP"), "");
    assert_eq!(home.pcs("constraint"), "");
    assert_eq!(home.pcs("tag"), "T\n  B\n");
    assert_eq!(home.pcs("resource unclone IP"), "Error: 'IP' is not a clone resource\nexit 1\n");
    assert_eq!(home.pcs("resource unclone no"), "Error: could not find resource: no\nexit 1\n");
}

#[test]
fn a_clone_takes_no_id_that_something_has() {
    let home = home();
    home.quietly(&["acl role create reader", "acl user create alice reader"]);
    for id in ["alice", "reader", "B"] {
        assert_eq!(
            home.pcs(&format!("resource clone IP {id}")),
            format!("Error: id '{id}' already exists\nexit 1\n")
        );
    }
    assert_eq!(home.pcs("resource group add alice B"), "");
}

#[test]
fn a_member_of_a_clone_or_bundle_is_put_into_no_group() {
    let home = home();
    home.quietly(&["resource clone IP"]);
    assert_eq!(
        home.pcs("resource group add B IP no"),
        format!(
            "Error: 'IP' cannot be put into a group because its parent 'IP-clone' is a clone resource\nError: 'no' does not exist\nError: 'B' is not a group\n{END}"
        )
    );
    assert_eq!(
        home.pcs("resource group add 1G no"),
        format!(
            "Error: invalid group name '1G', '1' is not a valid first character for a group name\nError: 'no' does not exist\nError: Cannot modify group '1G', no resources to add or remove specified\n{END}"
        )
    );
    assert_eq!(
        home.pcs("resource group add G no IP-clone --before x"),
        format!("Error: 'x' does not exist\n{END}")
    );
    assert_eq!(
        home.pcs("resource group add G B B"),
        format!(
            "Error: Resources to add or remove must be unique, duplicate resources: 'B'\n{END}"
        )
    );
}

#[test]
fn an_operation_is_replaced_in_its_place_and_comes_once() {
    let home = home();
    assert_eq!(
        home.pcs("resource update IP op monitor interval=10s role=Promoted"),
        "Error: operation monitor with interval 10s already specified for IP:\nmonitor interval=10s timeout=20s (IP-monitor-interval-10s)\nexit 1\n"
    );
    assert_eq!(
        home.pcs("resource update IP op interval=5"),
        "Error: interval=5 does not appear to be a valid operation action\nexit 1\n"
    );
    assert_eq!(
        home.pcs("resource update IP op monitor id=B interval=7s"),
        "Error: id 'B' is already in use, please specify another one\nexit 1\n"
    );
    assert_eq!(home.pcs("resource update IP op monitor interval=7s OCF_CHECK_LEVEL=5"), "");
    assert_eq!(home.pcs("resource update IP op start timeout=9s"), "");
    let document = home.read("cib.xml");
    let place = |id: &str| document.find(&format!("id=\"{id}\"")).expect("it is there");
    assert!(place("IP-start-interval-0s") < place("IP-stop-interval-0s"), "{document}");
    assert!(document.contains("id=\"params-IP-monitor-interval-7s\""), "{document}");
}

#[test]
fn a_guest_node_is_not_made_by_a_meta_attribute_alone() {
    let home = home();
    let refused = "this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest'";
    assert_eq!(
        home.pcs("resource update IP meta remote-node=g"),
        format!("Error: {refused}, use --force to override\n{END}")
    );
    let said = home.pcs("resource update IP meta remote-node=g --force");
    assert!(said.starts_with(&format!("Warning: {refused}\n")), "{said}");
    let said = home.pcs("resource update IP meta remote-node=");
    assert!(said.contains("not sufficient for removing a guest node"), "{said}");
}

#[test]
fn an_option_the_agent_does_not_know_is_refused_when_it_is_taken_away_too() {
    let said = home().pcs("resource update IP bogus=");
    assert!(said.starts_with("Error: invalid resource option 'bogus', allowed options"), "{said}");
}

#[test]
fn fencing_levels_are_named_by_target_or_device() {
    let home = home();
    let error = |line: &str| home.pcs(&format!("stonith level {line}"));
    assert_eq!(error("remove 1 target"), "Error: Missing value after 'target'\nexit 1\n");
    assert_eq!(
        error("clear target stonith"),
        "Error: Missing value after 'target' and 'stonith'\nexit 1\n"
    );
    assert_eq!(
        error("remove 1 target ser1 ser2 stonith f"),
        "Error: At most one target can be specified\nexit 1\n"
    );
    assert_eq!(
        error("clear target ser1 stonith f"),
        "Error: Only one of 'target' and 'stonith' can be used\nexit 1\n"
    );
    assert_eq!(
        error("clear target ser1"),
        format!("Error: Fencing level for 'ser1' does not exist\n{END}")
    );
    assert_eq!(error("clear"), "");
    assert_eq!(error("add 1 attrib%=x f"), "Error: missing key in '=x' option\nexit 1\n");
}

#[test]
fn a_tag_is_changed_when_all_of_it_makes_sense() {
    let home = home();
    home.quietly(&["tag create T IP"]);
    assert_eq!(
        home.pcs("tag update T add B B remove B --after IP"),
        format!(
            "Error: Ids cannot be added and removed at the same time: 'B'\nError: Ids to add must be unique, duplicate ids: 'B'\nError: Tag 'T' does not contain id: 'B'\n{END}"
        )
    );
    assert_eq!(
        home.pcs("tag update T add B remove IP --after IP"),
        format!("Error: Cannot remove id 'IP' next to which ids are being added\n{END}")
    );
    let constraint =
        "<constraints><rsc_location id=\"here\" rsc=\"T\" node=\"a\" score=\"1\"/></constraints>";
    home.write("cib.xml", &home.read("cib.xml").replace("<constraints/>", constraint));
    assert_eq!(
        home.pcs("tag delete T"),
        format!(
            "Error: Tag 'T' cannot be removed because it is referenced in constraint 'here'\n{END}"
        )
    );
}

#[test]
fn remote_and_guest_nodes_have_names_of_their_own() {
    let home = home();
    let said = home.pcs("cluster node add-remote 1r 10.0.0.7");
    assert!(
        said.contains("Error: invalid resource name '1r', '1' is not a valid first character"),
        "{said}"
    );
    home.pcs("cluster node add-guest g IP remote-addr=10.0.0.9");
    let said = home.pcs("cluster node add-guest g2 B remote-addr=10.0.0.9");
    assert!(said.contains("Error: '10.0.0.9' already exists\n"), "{said}");
    let said = home.pcs("cluster node add-guest g B");
    assert!(said.contains("Error: 'g' already exists\n"), "{said}");
    assert!(home.pcs("cluster cib a=b").contains("Usage: pcs cluster cib"));
    assert!(!home.has("a=b"), "no file was made");
    assert_eq!(home.pcs("resource status IP a=1 b=2"), "Error: Unknown options 'a', 'b'\nexit 1\n");
}

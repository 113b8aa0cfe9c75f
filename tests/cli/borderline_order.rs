//! What is wrong is told in the order an installed pcs tells it (`tests/beside`): who would mend it goes by the first
//! line.

use crate::borderline::refused;
use crate::home::Home;

const CLOSING: &str = "Error: Errors have occurred, therefore pcs is unable to continue";

fn home() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource create A ocf:test:Address ip=10.0.0.1",
        "resource create B ocf:test:Address ip=10.0.0.2",
        "resource create C ocf:test:Address ip=10.0.0.3",
    ]);
    home
}

fn with_closing(home: &Home, cases: &[(&str, &str)]) {
    for (line, text) in cases {
        refused(home, &[(line, &format!("{text}\n{CLOSING}"))]);
    }
}

#[test]
fn a_new_resource_is_judged_from_its_agent_over_its_place_to_its_parameters() {
    let home = home();
    refused(
        &home,
        &[
            ("resource create A ocf:test:Address ip=10.0.0.9 bad=1", "Error: 'A' already exists"),
            (
                "resource create X ocf:test:Address meta a op interval=5",
                "Error: missing value of 'a' option",
            ),
            (
                "resource create X ocf:test:Address op monitor interval=5 op",
                "Error: When using 'op' you must specify an operation name and at least one option",
            ),
        ],
    );
    with_closing(
        &home,
        &[
            ("resource create 1X ocf:test:Address bad=1 clone B", "Error: 'B' already exists"),
            (
                "resource create X ocf:test:Address bad=1 op monitor interval=5 depth=3",
                "Error: invalid resource operation option 'depth', allowed options are: 'OCF_CHECK_LEVEL', 'description', 'enabled', 'id', 'interval', 'interval-origin', 'name', 'on-fail', 'record-pending', 'role', 'start-delay', 'timeout'",
            ),
            (
                "resource create A ocf:test:Address bad=1 meta remote-node=B",
                "Error: this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest', use --force to override\nError: 'B' already exists",
            ),
        ],
    );
}

#[test]
fn a_clone_that_stays_stopped_begins_with_that() {
    let home = home();
    home.quietly(&["resource create X ocf:test:Address ip=10.0.0.9 clone clone --disabled"]);
    assert!(
        home.document().contains("<clone id=\"X-clone\">\n        <meta_attributes"),
        "{}",
        home.document()
    );
}

#[test]
fn sets_of_resources_are_named_after_the_first_three_and_judged_before_their_resources() {
    let home = home();
    home.quietly(&["resource create D ocf:test:Address ip=10.0.0.4"]);
    home.quietly(&["constraint colocation set A B set C D"]);
    assert!(home.document().contains("\"colocation_set_AABBCC\""), "{}", home.document());
    with_closing(
        &home,
        &[(
            "constraint order set A nothing action=bad",
            "Error: 'bad' is not a valid action value, use 'demote', 'promote', 'start', 'stop'",
        )],
    );
    refused(
        &home,
        &[("constraint order A then B Optional", "Error: missing value of 'Optional' option")],
    );
}

#[test]
fn scores_of_a_location_are_judged_before_its_resource() {
    let home = home();
    let skipped = "Warning: Validation for node existence in the cluster will be skipped";
    refused(
        &home,
        &[
            (
                "constraint location nothing prefers ser1=5 ser2=bad",
                &format!(
                    "{skipped}\nError: invalid score 'bad', use integer or INFINITY or -INFINITY"
                ),
            ),
            (
                "constraint location add 1st A ser1 score=x",
                &format!(
                    "{skipped}\nError: invalid score 'x', use integer or INFINITY or -INFINITY"
                ),
            ),
        ],
    );
}

#[test]
fn a_role_may_be_typed_in_small_letters() {
    let home = home();
    home.pcs("resource promotable A");
    home.quietly(&["constraint colocation add promoted A-clone with B"]);
    assert!(home.document().contains("rsc-role=\"Promoted\""), "{}", home.document());
}

#[test]
fn what_is_not_there_is_told_before_what_is_wrong_with_its_words() {
    let home = home();
    refused(
        &home,
        &[
            (
                "resource ban nowhere lifetime=bad ser9",
                &format!(
                    "Error: bundle / clone / group / resource 'nowhere' does not exist\nError: Node 'ser9' does not appear to exist in configuration\n{CLOSING}"
                ),
            ),
            ("constraint order nowhere then A kind=", "Error: Resource 'nowhere' does not exist"),
            (
                "constraint colocation add A with B C D",
                "Error: invalid role value 'B', allowed values are: 'Promoted', 'Started', 'Stopped', 'Unpromoted'",
            ),
            (
                "constraint colocation add A with Started B y=1 x",
                "Error: missing value of 'x' option",
            ),
        ],
    );
    with_closing(
        &home,
        &[
            (
                "resource group add G A A --after B",
                "Error: Resources to add or remove must be unique, duplicate resources: 'A'\nError: There is no resource 'B' in the group 'G', cannot add resources next to it",
            ),
            (
                "resource group add G nowhere --after B",
                "Error: 'nowhere' does not exist\nError: Cannot modify group 'G', no resources to add or remove specified\nError: There is no resource 'B' in the group 'G', cannot add resources next to it\nError: Cannot specify adjacent resource 'B' without resources to add",
            ),
            (
                "resource create X ocf:test:Address ip=1 op start id=1b",
                "Error: invalid operation id '1b', '1' is not a valid first character for a operation id",
            ),
        ],
    );
    refused(
        &home,
        &[(
            "resource create X ocf:test:Address ip=1 op start id=Y op stop id=Y",
            "Error: 'Y' already exists",
        )],
    );
}

#[test]
fn a_monitor_of_another_depth_is_another_monitor() {
    let home = home();
    let operations = || {
        let config = home.pcs("resource config A");
        let monitors = config.lines().filter(|line| line.contains("monitor: "));
        monitors.map(|line| line.trim().to_owned()).collect::<Vec<String>>().join(", ")
    };
    assert_eq!(home.pcs("resource op add A monitor interval=77 OCF_CHECK_LEVEL=5"), "");
    refused(
        &home,
        &[(
            "resource op add A monitor interval=5 OCF_CHECK_LEVEL=5",
            "Error: operation monitor already specified for A, use --force to override:\nmonitor interval=77 OCF_CHECK_LEVEL=5 (A-monitor-interval-77)",
        )],
    );
    // the first one of that name is meant, and none may have the interval of another
    refused(
        &home,
        &[(
            "resource update A op monitor interval=77",
            "Error: operation monitor with interval 77 already specified for A:\nmonitor interval=77 OCF_CHECK_LEVEL=5 (A-monitor-interval-77)",
        )],
    );
    assert_eq!(home.pcs("resource update A op monitor interval=31s"), "");
    assert_eq!(operations(), "monitor: A-monitor-interval-31s, monitor: A-monitor-interval-77");
}

#[test]
fn a_remote_node_has_attributes_before_it_has_any() {
    let home = home();
    home.pcs("resource update A meta remote-node=far --force");
    assert_eq!(
        home.pcs("node attribute far rack="),
        "Error: attribute: 'rack' doesn't exist for node: 'far'\nexit 2\n"
    );
    assert_eq!(home.pcs("node attribute far rack= --force"), "");
    assert!(!home.read("cib.xml").contains("uname=\"far\""));
    assert_eq!(home.pcs("node attribute far rack=1"), "");
    assert!(home.pcs("node attribute far").contains("rack=1"));
}

#[test]
fn sets_and_orders_are_true_or_false_in_so_many_words() {
    let home = home();
    with_closing(
        &home,
        &[
            (
                "constraint order set A require-all=1",
                "Error: '1' is not a valid require-all value, use 'false', 'true'",
            ),
            (
                "constraint colocation set A sequential=True",
                "Error: 'True' is not a valid sequential value, use 'false', 'true'",
            ),
        ],
    );
    assert_eq!(
        home.pcs("constraint order A then B symmetrical=True first-action=stop"),
        "Adding A B (kind: Mandatory) (Options: first-action=stop first-action=start then-action=start symmetrical=true)\n"
    );
    assert_eq!(home.pcs("constraint order set A C setoptions symmetrical=False"), "");
    let document = home.read("cib.xml");
    assert!(document.contains("first-action=\"start\""), "{document}");
    assert!(document.contains("symmetrical=\"true\""), "{document}");
    assert!(document.contains("symmetrical=\"false\""), "{document}");
}

#[test]
fn words_that_do_not_go_together_are_found_before_files() {
    let home = home();
    refused(
        &home,
        &[
            ("resource failcount show A bogus=1", "Error: Unknown option 'bogus'"),
            ("resource failcount show A B", "Error: missing value of 'B' option"),
            (
                "resource failcount show A interval=5",
                "Error: If option 'interval' is specified, option 'operation' must be specified as well",
            ),
            (
                "cluster cib-push nowhere scope=nodes --config",
                "Error: Cannot use both scope and --config",
            ),
            (
                "cluster cib-push nowhere diff-against=old --config",
                "Error: Cannot use both scope and diff-against",
            ),
            ("cluster cib-push nowhere --wait=5", "Error: Cannot use '-f' together with '--wait'"),
            (
                "cluster cib nowhere/file",
                "Error: Unable to write to file 'nowhere/file', No such file or directory",
            ),
            (
                "stonith level delete 1 target A target B",
                "Error: At most one target can be specified",
            ),
        ],
    );
}

#[test]
fn a_name_is_a_nodes_and_an_address_another_matter() {
    let home = home();
    home.pcs("resource update A meta remote-node=far remote-addr=10.0.0.77 --force");
    with_closing(
        &home,
        &[(
            "resource update B meta remote-node=far --force",
            "Warning: this command is not sufficient for creating a guest node, use 'pcs cluster node add-guest'\nError: 'far' already exists",
        )],
    );
    let told = home.pcs("cluster node add-guest far B remote-addr=10.0.0.77");
    assert!(
        told.contains("Error: 'far' already exists\nError: '10.0.0.77' already exists\n"),
        "{told}"
    );
    let told = home.pcs("cluster node add-guest 10.0.0.77 B remote-addr=10.0.0.78");
    assert!(!told.contains("Error"), "{told}");
}

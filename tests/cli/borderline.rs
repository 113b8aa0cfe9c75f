//! Commands at the border of what is right, each found by running an installed pcs beside ours (`tests/beside`).

use crate::home::Home;

fn home() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource create A ocf:test:Address ip=10.0.0.1",
        "resource create B ocf:test:Address ip=10.0.0.2",
        "resource create C ocf:test:Address ip=10.0.0.3",
        "resource group add G B",
        "tag create T A B",
    ]);
    home.pcs("resource promotable C");
    home
}

/// Runs commands that are refused; each must say this and leave the document as it is.
pub(crate) fn refused(home: &Home, cases: &[(&str, &str)]) {
    for (line, text) in cases {
        let before = home.read("cib.xml");
        assert_eq!(home.pcs(line), format!("{text}\nexit 1\n"), "{line}");
        assert_eq!(home.read("cib.xml"), before, "{line}");
    }
}

#[test]
fn only_a_promotable_clone_is_promoted_elsewhere() {
    let home = home();
    refused(
        &home,
        &[
            (
                "resource ban A ser1 --promoted",
                "Error: when specifying --promoted you must use the promotable clone id\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            (
                "resource move-with-constraint C ser1 --promoted",
                "Error: when specifying --promoted you must use the promotable clone id (C-clone)\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            (
                "resource ban A nowhere",
                "Error: Node 'nowhere' does not appear to exist in configuration\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            (
                "resource clear A nowhere",
                "Error: cannot clear resource 'A'\ncrm_resource: Node 'nowhere' not found\nError performing operation: No such object",
            ),
            (
                "resource ban A ser1 lifetime=never",
                "Error: cannot ban resource 'A'\nInvalid duration specified: never\nPlease refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of valid durations",
            ),
        ],
    );
    assert!(home.pcs("resource ban C-clone ser1 --promoted").starts_with("Warning: Creating"));
    let moved = home.pcs("resource move-with-constraint A ser2 lifetime=PT1H");
    assert!(moved.starts_with("Migration will take effect until: "), "{moved}");
    assert!(home.read("cib.xml").contains("id=\"cli-prefer-lifetime-end-A\""));
}

#[test]
fn access_lists_know_a_user_by_a_name_that_is_no_id() {
    let home = home();
    home.quietly(&["acl user create A", "acl role create reader", "acl group create ops reader"]);
    refused(
        &home,
        &[
            ("acl group create B", "Error: 'B' already exists"),
            (
                "acl group create 1st",
                "Error: invalid ACL group '1st', '1' is not a valid first character for a ACL group",
            ),
            (
                "acl user create bob reader reader",
                "Error: Role 'reader' is already assigned to 'bob'",
            ),
            ("acl role delete A", "Error: 'A' is not an ACL role"),
            ("acl role delete bob", "Error: ACL role 'bob' does not exist"),
            ("acl role assign nobody to user ops", "Error: 'ops' is not an ACL user"),
            ("acl permission add ops read xpath /cib", "Error: 'ops' is not an ACL role"),
        ],
    );
    assert_eq!(home.pcs("acl user create eve"), "");
    assert_eq!(home.pcs("acl role create eve"), "");
}

#[test]
fn orders_and_colocations_are_of_two_resources() {
    let home = home();
    let usage = "\nUsage: pcs constraint [constraints]...";
    for (line, text) in [
        ("constraint order add A then B", ""),
        ("constraint order monitor A then B", ""),
        (
            "constraint order A then B then G",
            "Error: Multiple 'then's cannot be specified.\nHint: Use the 'pcs constraint order set' command if you want to create a constraint for more than two resources.\n",
        ),
        (
            "constraint colocation add A with B with G",
            "Error: Multiple 'with's cannot be specified.\nHint: Use the 'pcs constraint colocation set' command if you want to create a constraint for more than two resources.\n",
        ),
    ] {
        let told = home.pcs(line);
        assert!(told.starts_with(&format!("{text}{usage}\n")), "{line}: {told}");
        assert!(told.ends_with("exit 1\n"), "{line}: {told}");
    }
    refused(
        &home,
        &[
            ("constraint order T then A", "Error: Resource 'T' does not exist"),
            ("constraint order A then G kind=", "Error: value of 'kind' option is empty"),
            (
                "constraint order A then G symmetrical=perhaps",
                "Error: invalid symmetrical value 'perhaps', allowed values are: true, false",
            ),
            ("constraint order delete A", "Error: No matching resources found in ordering list"),
            (
                "constraint colocation set A B setoptions setoptions score=1",
                "Error: Keyword 'setoptions' may be mentioned at most once",
            ),
        ],
    );
    assert_eq!(home.pcs("constraint ref A"), "Resource: A\n  No Matches.\n");
    home.pcs("constraint order A then G");
    assert_eq!(home.pcs("constraint order delete nothing A"), "");
    assert!(!home.read("cib.xml").contains("rsc_order"));
}

#[test]
fn a_new_resource_has_what_was_typed_and_no_empty_parameters() {
    let home = home();
    refused(
        &home,
        &[
            (
                "resource create D ocf:test:Address ip=",
                "Error: ip cannot be empty\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            (
                "resource create D ocf:test:Address ip=10.0.0.4 --after A",
                "Deprecation Warning: Using '--after' is deprecated and will be replaced with 'after' in a future release. Specify --future to switch to the future behavior.\nError: you cannot use --after without --group",
            ),
        ],
    );
    home.quietly(&["resource create D ocf:test:Address ip=10.0.0.4 --no-default-ops"]);
    assert_eq!(
        home.pcs("resource config D"),
        "Resource: D (class=ocf provider=test type=Address)
  Attributes: D-instance_attributes
    ip=10.0.0.4
  Operations:
    monitor: D-monitor-interval-10s
      interval=10s timeout=20s
"
    );
    home.pcs("resource create E ocf:test:Address ip=10.0.0.5 clone --disabled");
    let document = home.read("cib.xml");
    assert!(document.contains("id=\"E-clone-meta_attributes-target-role\""), "{document}");
    assert!(!document.contains("id=\"E-meta_attributes"), "{document}");
}

#[test]
fn a_word_behind_a_group_of_commands_has_the_group_told() {
    let home = home();
    for (line, head, code) in [
        ("resource group", "resource group...", "exit 1\n"),
        ("resource group everything", "resource group ...", "exit 1\n"),
        ("resource ban A ser1 ser2", "resource ban...", "exit 1\n"),
        ("resource group remove", "resource group remove...", "exit 1\n"),
        ("acl role everything", "acl role ...", "exit 1\n"),
        ("resource failcount everything", "resource failcount ...", "exit 1\n"),
        ("acl user everything --force", "acl user ...", "exit 1\n"),
        ("resource help", "resource [commands]...", ""),
        ("resource help op", "resource op...", ""),
        ("tag help", "tag <command>", ""),
    ] {
        let told = home.pcs(line);
        assert!(told.starts_with(&format!("\nUsage: pcs {head}\n")), "{line}: {told}");
        assert!(told.ends_with(code), "{line}: {told}");
    }
}

#[test]
fn tags_are_looked_at_and_changed_as_a_whole() {
    let home = home();
    let status = home.pcs("resource status T");
    assert!(status.contains("* A\t") && status.contains("* B\t"), "{status}");
    assert_eq!(home.pcs("resource status --hide-inactive"), "No active resources\n");
    refused(
        &home,
        &[
            ("resource status node=", "Error: missing value of 'node' option"),
            ("tag update T add G add C", "Error: 'add' cannot be used more than once"),
            (
                "tag update T remove A --before B",
                "Error: Cannot specify adjacent id 'B' without ids to add\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            (
                "tag delete A",
                "Error: 'A' is not a tag\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            (
                "tag create A A",
                "Error: 'A' already exists\nError: Tag cannot contain itself\nError: Errors have occurred, therefore pcs is unable to continue",
            ),
            ("resource disable A --wait", "Error: Only one of '--wait', '-f' can be used"),
            (
                "property unset stonith-enabled stonith-enabled",
                "Error: duplicate argument: 'stonith-enabled'",
            ),
        ],
    );
}

//! Bundles, alerts, access lists and defaults at the border of what is right, each found by running an installed
//! pcs beside ours (`tests/beside`).

use crate::borderline::refused;
use crate::home::Home;

const CLOSING: &str = "Error: Errors have occurred, therefore pcs is unable to continue";

/// A home with a bundle that holds a resource and one that is empty.
fn bundles() -> Home {
    let home = Home::new();
    home.quietly(&[
        "resource bundle create box container podman image=x network ip-range-start=10.0.0.1 port-map port=80 storage-map source-dir=/a target-dir=/b",
        "resource create inner ocf:test:Address ip=10.0.0.9 bundle box",
        "resource bundle create plain container docker image=y",
    ]);
    home
}

fn with_closing(cases: &[(&'static str, &str)], home: &Home) {
    for (line, text) in cases {
        refused(home, &[(line, &format!("{text}\n{CLOSING}"))]);
    }
}

#[test]
fn what_is_wrong_with_a_bundle_is_told_in_one_order_whatever_was_typed_first() {
    let home = bundles();
    with_closing(
        &[
            (
                "resource bundle create B container docker replicas-per-host=x replicas=0 promoted-max=-1 image=",
                "Error: image cannot be empty, use image name\nError: '-1' is not a valid promoted-max value, use a non-negative integer\nError: '0' is not a valid replicas value, use a positive integer\nError: 'x' is not a valid replicas-per-host value, use a positive integer",
            ),
            (
                "resource bundle update box container replicas=x image=",
                "Error: image cannot be empty, use image name\nError: 'x' is not a valid replicas value, use a positive integer",
            ),
            (
                "resource bundle create B container docker image=x network host-netmask=x control-port=",
                "Error: '' is not a valid control-port value, use a port number (1..65535)\nError: 'x' is not a valid host-netmask value, use a number of bits of the mask (1..32), use --force to override",
            ),
            (
                "resource bundle update plain network control-port=",
                "Error: '' is not a valid control-port value, use a port number (1..65535)",
            ),
        ],
        &home,
    );
    refused(
        &home,
        &[(
            "resource bundle create B port-map network container meta",
            "Error: No meta options specified",
        )],
    );
}

#[test]
fn mappings_of_a_bundle_are_its_own_and_well_formed() {
    let home = bundles();
    with_closing(
        &[
            (
                "resource bundle create B container docker image=x port-map range=0-9",
                "Error: '0-9' is not a valid range value, use port-port, use --force to override",
            ),
            (
                "resource bundle create B container docker image=x port-map internal-port=8080 range=1-9",
                "Error: If port-map option 'internal-port' is specified, port-map option 'port' must be specified as well",
            ),
            (
                "resource bundle create B container docker image=x port-map id=m port=1 storage-map id=m source-dir=/a target-dir=/b",
                "Error: 'm' already exists",
            ),
            (
                "resource bundle update plain port-map remove box-port-map-80",
                "Error: port-mapping 'box-port-map-80' exists but does not belong to bundle 'plain'",
            ),
            (
                "resource bundle update box port-map remove box-storage-map nothing",
                "Error: 'box-storage-map' is not a port-map\nError: there is no port-map 'nothing' in the bundle 'box'",
            ),
        ],
        &home,
    );
}

#[test]
fn a_bundle_with_a_resource_is_made_unreachable_only_by_force() {
    let home = bundles();
    let text = "Resource 'inner' will not be accessible by the cluster inside bundle 'box', at least one of bundle options 'control-port' or 'ip-range-start' has to be specified";
    with_closing(
        &[(
            "resource bundle update box network ip-range-start=",
            &format!("Error: {text}, use --force to override"),
        )],
        &home,
    );
    assert_eq!(
        home.pcs("resource bundle update box network ip-range-start= --force"),
        format!("Warning: {text}\n")
    );
    with_closing(
        &[(
            "resource create other ocf:test:Address ip=10.0.0.8 bundle plain",
            "Error: Resource 'other' will not be accessible by the cluster inside bundle 'plain', at least one of bundle options 'control-port' or 'ip-range-start' has to be specified, use --force to override",
        )],
        &home,
    );
}

#[test]
fn a_reset_bundle_keeps_its_sections_and_may_take_its_ids_again() {
    let home = bundles();
    home.quietly(&["resource bundle update plain network ip-range-start="]);
    assert!(!home.document().contains("<network/>"), "{}", home.document());
    home.quietly(&[
        "resource bundle reset box container image=z port-map id=box-port-map-80 port=81",
    ]);
    let document = home.document();
    let at = document.find("<bundle id=\"box\"").expect("the bundle");
    let words: Vec<&str> =
        document[at..].split("<primitive").next().expect("a part").split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "<bundle id=\"box\"> <podman image=\"z\"/> <network> <port-mapping id=\"box-port-map-80\" port=\"81\"/> </network> <storage/>"
    );
}

#[test]
fn an_empty_value_of_an_alert_is_none() {
    let home = Home::new();
    home.quietly(&[
        "alert create id=A path=/a options x= meta timeout=",
        "alert recipient add A value=1 id=R options y=",
        "alert update A path=",
    ]);
    assert!(home.document().contains("<alert id=\"A\" path=\"/a\">"), "{}", home.document());
    assert!(!home.document().contains("attributes"), "{}", home.document());
    refused(
        &home,
        &[("alert recipient update R value=", "Error: Recipient value '' is not valid.")],
    );
    with_closing(
        &[("alert recipient add nothing value=1 id=A", "Error: 'A' already exists")],
        &home,
    );
}

#[test]
fn access_lists_are_told_what_they_miss() {
    let home = Home::new();
    home.quietly(&["acl role create R READ XPath /cib"]);
    assert!(home.document().contains("kind=\"read\" xpath=\"/cib\""), "{}", home.document());
    with_closing(
        &[("acl role create R read id nothing", "Error: id 'nothing' does not exist")],
        &home,
    );
    refused(
        &home,
        &[(
            "acl user create u one R two",
            "Error: ACL role 'one' does not exist\nError: ACL role 'two' does not exist",
        )],
    );
    let usage = home.pcs("acl role create S description=");
    assert!(usage.starts_with("\nUsage: pcs acl role create...\n"), "{usage}");
}

#[test]
fn sets_of_defaults_have_each_keyword_once_and_no_empty_values() {
    let home = Home::new();
    let warning = "Warning: Defaults do not apply to resources which override them with their own defined values\n";
    assert_eq!(home.pcs("resource op defaults update timeout="), warning);
    assert!(!home.document().contains("op_defaults-"), "{}", home.document());
    assert_eq!(
        home.pcs("resource op defaults set create id=S meta timeout= rule defined~a"),
        warning
    );
    assert!(!home.document().contains("name=\"timeout\""), "{}", home.document());
    refused(
        &home,
        &[
            (
                "resource defaults set create meta a=b meta c=d",
                "Error: 'meta' cannot be used more than once",
            ),
            (
                "resource defaults set create rule op rule op",
                "Error: 'rule' cannot be used more than once",
            ),
        ],
    );
    with_closing(
        &[(
            "resource op defaults set delete S one two",
            "Error: options set 'one' does not exist\nError: options set 'two' does not exist",
        )],
        &home,
    );
    for (line, heading) in [
        ("resource defaults set", "\nUsage: pcs resource defaults set...\n"),
        (
            "resource op defaults set update S a=b",
            "\nUsage: pcs resource op defaults set update...\n",
        ),
    ] {
        let usage = home.pcs(line);
        assert!(usage.starts_with(heading), "{line}: {usage}");
    }
}

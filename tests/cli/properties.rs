//! Properties and defaults.

use crate::home::Home;

#[test]
fn properties_are_set_shown_and_unset() {
    let home = Home::new();
    home.quietly(&["property set no-quorum-policy=freeze", "property unset stonith-enabled"]);
    assert_eq!(
        home.pcs("property"),
        "Cluster Properties: cib-bootstrap-options\n  no-quorum-policy=freeze\n"
    );
    assert_eq!(
        home.pcs("property config --output-format=cmd"),
        "pcs property set --force -- \\\n  no-quorum-policy=freeze\n"
    );
}

#[test]
fn a_bad_property_is_refused_with_the_way_out() {
    let home = Home::new();
    assert_eq!(
        home.pcs("property set no-quorum-policy=bad"),
        "Error: 'bad' is not a valid no-quorum-policy value, use 'demote', 'fence', 'freeze', 'ignore', 'stop', 'suicide', use --force to override
Error: Errors have occurred, therefore pcs is unable to continue
exit 1
"
    );
    let said = home.pcs("property set stonith-enable=false --hints=always");
    assert!(said.ends_with("Hint: did you mean stonith-enabled?\nexit 1\n"), "{said}");
}

#[test]
fn defaults_have_sets_with_rules() {
    let home = Home::new();
    home.pcs("resource defaults update resource-stickiness=1");
    home.pcs("resource op defaults set create id=o meta timeout=9s rule op~monitor");
    assert_eq!(
        home.pcs("resource defaults"),
        "Meta Attrs: rsc_defaults-meta_attributes\n  resource-stickiness=1\n"
    );
    assert_eq!(
        home.pcs("resource op defaults"),
        "Meta Attrs: o\n  timeout=9s\n  Rule: boolean-op=and\n    Expression: op monitor\n"
    );
}

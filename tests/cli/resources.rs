//! Creating, changing, grouping, cloning and deleting resources.

use crate::home::Home;

const IP: &str = "resource create IP ocf:test:Address ip=10.0.0.1 op monitor interval=30s";

#[test]
fn a_resource_is_created_with_what_its_agent_advises() {
    let home = Home::new();
    home.quietly(&[IP]);
    assert_eq!(
        home.pcs("resource config"),
        "Resource: IP (class=ocf provider=test type=Address)
  Attributes: IP-instance_attributes
    ip=10.0.0.1
  Operations:
    monitor: IP-monitor-interval-30s
      interval=30s
    start: IP-start-interval-0s
      interval=0s timeout=20s
    stop: IP-stop-interval-0s
      interval=0s timeout=20s
"
    );
}

#[test]
fn what_is_configured_can_be_typed_again() {
    let home = Home::new();
    home.quietly(&[IP]);
    assert_eq!(
        home.pcs("resource config --output-format=cmd"),
        "pcs resource create --no-default-ops --force -- IP ocf:test:Address \\
  ip=10.0.0.1 \\
  op \\
    monitor interval=30s id=IP-monitor-interval-30s \\
    start interval=0s id=IP-start-interval-0s timeout=20s \\
    stop interval=0s id=IP-stop-interval-0s timeout=20s
"
    );
}

#[test]
fn a_slip_changes_nothing_and_names_the_way_out() {
    let home = Home::new();
    home.quietly(&[IP]);
    let before = home.document();
    for (line, expect) in [
        (
            "resource create A ocf:test:Address",
            "Error: required resource option 'ip' is missing, use --force to override
Error: Errors have occurred, therefore pcs is unable to continue
exit 1
",
        ),
        (
            "resource create A ocf:test:Address ip=1 nik=x --hints=always",
            "Error: invalid resource option 'nik', allowed options are: 'ip', 'nic', 'trace_file', 'trace_ra', use --force to override
Error: Errors have occurred, therefore pcs is unable to continue
Hint: did you mean nic?
exit 1
",
        ),
        (
            "resource create A Adress ip=1 --hints=always",
            "Error: Unable to find agent 'Adress', try specifying its full name
Error: Errors have occurred, therefore pcs is unable to continue
Hint: did you mean ocf:test:Address?
exit 1
",
        ),
        (
            "resource create A ocf:test:Address ip=10.0.0.1",
            "Error: Value '10.0.0.1' of option 'ip' is not unique across 'ocf:test:Address' resources. Following resources are configured with the same value of the instance attribute: 'IP', use --force to override
Error: Errors have occurred, therefore pcs is unable to continue
exit 1
",
        ),
        (
            "resource create A ocf:test:Address ip=banana --agent-validation",
            "Error: Validation result from agent (use --force to override):
  banana is no address
Error: Errors have occurred, therefore pcs is unable to continue
exit 1
",
        ),
        (
            "resource create A ocf:test:Address ip=1 op monitor interval=often",
            "Error: 'often' is not a valid interval value, use time interval (e.g. 1, 2s, 3m, 4h, ...)
Error: Errors have occurred, therefore pcs is unable to continue
exit 1
",
        ),
        ("resource create IP ocf:test:Address ip=2", "Error: 'IP' already exists\nexit 1\n"),
        (
            "resource group add web I --hints=always",
            "Error: 'I' does not exist
Error: Cannot modify group 'web', no resources to add or remove specified
Error: Errors have occurred, therefore pcs is unable to continue
Hint: did you mean IP?
exit 1
",
        ),
        (
            "resource config --bogus",
            "Error: option --bogus not recognized\n",
        ),
    ] {
        let said = home.pcs(line);
        assert!(said.starts_with(expect), "pcs {line}: {said}");
    }
    assert_eq!(home.document(), before);
}

#[test]
fn groups_and_clones_hold_what_they_were_given() {
    let home = Home::new();
    home.quietly(&[
        IP,
        "resource create B ocf:test:Address ip=10.0.0.2",
        "resource create C ocf:test:Address ip=10.0.0.3",
        "resource group add G IP C",
        "resource group add G B --before C",
        "resource clone G",
    ]);
    assert_eq!(home.pcs("resource group list"), "G: IP B C\n");
    assert_eq!(
        home.pcs("resource relations C"),
        "C
`- outer resource
   `- G
      |- inner resource(s)
      |  |  members: IP B C
      |  |- B
      |  `- IP
      `- outer resource
         `- G-clone
"
    );
    home.quietly(&["resource unclone G", "resource ungroup G"]);
    assert_eq!(home.pcs("resource group list"), "");
}

#[test]
fn what_makes_no_sense_alone_goes_too() {
    let home = Home::new();
    home.quietly(&[IP, "tag create T IP"]);
    home.pcs("constraint location IP prefers ser1");
    let said = home.pcs("resource delete IP");
    assert!(said.contains("Removing dependant elements:\n  Location constraint: 'location-IP-ser1-INFINITY'\n  Tag: 'T'\n"), "{said}");
    assert_eq!(home.pcs("constraint"), "");
    assert_eq!(home.pcs("tag"), "");
}

#[test]
fn meta_attributes_and_operations_can_be_changed() {
    let home = Home::new();
    home.quietly(&[
        IP,
        "resource update IP ip=10.0.0.9 op start timeout=7s",
        "resource meta IP priority=3",
        "resource disable IP",
        "resource op delete IP monitor",
        "resource utilization IP cpu=2",
    ]);
    assert_eq!(
        home.pcs("resource config IP --output-format=cmd"),
        "pcs resource create --no-default-ops --force -- IP ocf:test:Address \\
  ip=10.0.0.9 \\
  op \\
    start interval=0s id=IP-start-interval-0s timeout=7s \\
    stop interval=0s id=IP-stop-interval-0s timeout=20s \\
  meta priority=3 target-role=Stopped;
pcs resource utilization IP \\
  cpu=2
"
    );
    home.quietly(&["resource enable IP", "resource unmanage IP"]);
    assert_eq!(home.pcs("resource status"), "  * IP\t(ocf:test:Address):\t Stopped (unmanaged)\n");
}

#[test]
fn a_ban_says_what_it_does_and_can_be_taken_back() {
    let home = Home::new();
    home.quietly(&[IP]);
    assert_eq!(
        home.pcs("resource ban IP"),
        "Error: You must specify a node when moving/banning a stopped resource\nexit 1\n"
    );
    assert!(home.pcs("resource ban IP ser2").starts_with(
        "Warning: Creating location constraint 'cli-ban-IP-on-ser2' with a score of -INFINITY"
    ));
    assert_eq!(
        home.pcs("constraint"),
        "Location Constraints:\n  Started resource 'IP' avoids node 'ser2' with score INFINITY\n"
    );
    home.quietly(&["resource clear IP"]);
    assert_eq!(home.pcs("constraint"), "");
}

#[test]
fn a_bundle_is_shown_as_it_was_made() {
    let home = Home::new();
    home.quietly(&["resource bundle create box container podman image=img:1 replicas=2 network ip-range-start=10.0.0.5 port-map port=80"]);
    assert_eq!(
        home.pcs("resource config box"),
        "Bundle: box
  Podman: image=img:1 replicas=2
  Network: ip-range-start=10.0.0.5
  Port Mapping:
    port=80 (box-port-map-80)
"
    );
}

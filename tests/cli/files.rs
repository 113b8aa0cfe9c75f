//! Files of a host that commands keep: users, booth, the other site, certificates.

use crate::home::Home;

#[test]
fn users_who_may_talk_to_the_cluster_are_added_and_taken_away() {
    let home = Home::new();
    assert_eq!(home.host("cluster uidgid"), "No uidgids configured\n");
    assert_eq!(home.host("cluster uidgid add uid=ops"), "");
    assert_eq!(home.host("cluster uidgid add uid=ops gid=7"), "");
    assert_eq!(
        home.host("cluster uidgid add uid=ops"),
        "Error: uidgid file with uid=ops and gid= already exists\nexit 1\n"
    );
    assert_eq!(home.host("cluster uidgid"), "UID/GID: uid=ops gid=\nUID/GID: uid=ops gid=7\n");
    assert_eq!(
        home.read("etc/corosync/uidgid.d/pcs-uidgid-ops-7"),
        "uidgid {\n  uid: ops\n  gid: 7\n}\n"
    );
    assert_eq!(
        home.host("cluster uidgid add name=ops"),
        "Error: name is not a valid key, you must use uid or gid\nexit 1\n"
    );
    assert_eq!(
        home.host("cluster uidgid add uid=../ops"),
        "Error: '../ops' is no name or number of a user or group\nexit 1\n"
    );
    assert_eq!(home.host("cluster uidgid delete uid=ops"), "");
    assert_eq!(
        home.host("cluster uidgid delete uid=ops"),
        "Error: no uidgid files with uid=ops and gid= found\nexit 1\n"
    );
    assert_eq!(
        home.host("cluster uidgid --output-format=json"),
        "{\n  \"uidgids\": [\n    {\n      \"uid\": \"ops\",\n      \"gid\": \"7\"\n    }\n  ]\n}\n"
    );
}

const END: &str = "Error: Errors have occurred, therefore pcs is unable to continue\nexit 1\n";

#[test]
fn booth_is_set_up_and_has_tickets() {
    let home = Home::new();
    assert_eq!(
        home.host("booth setup sites 10.0.0.1 10.0.0.1"),
        format!(
            "Error: odd number of peers is required (entered 2 peers)\nError: duplicate address for booth configuration: '10.0.0.1'\n{END}"
        )
    );
    let setup = "booth setup sites 10.0.0.1 10.0.0.2 arbitrators 10.0.0.3";
    assert_eq!(home.host(setup), "");
    let again = home.host(setup);
    assert!(again.contains("booth.key' already exists, use --force to override\n"), "{again}");
    assert_eq!(home.host(&format!("{setup} --force")), "");
    assert_eq!(home.host("booth ticket add T expire=300 retries=5"), "");
    assert_eq!(
        home.host("booth ticket add T port=1"),
        format!(
            "Error: booth ticket name 'T' already exists in configuration\nError: invalid booth ticket option 'port', allowed options are: 'acquire-after', 'attr-prereq', 'before-acquire-handler', 'expire', 'mode', 'renewal-freq', 'retries', 'timeout', 'weights'\n{END}"
        )
    );
    assert_eq!(
        home.host("booth ticket add U_1"),
        format!(
            "Error: booth ticket name 'U_1' is not valid, use up to 63 alphanumeric characters or dash\n{END}"
        )
    );
    assert_eq!(
        home.host("booth config"),
        "authfile = /etc/booth/booth.key\nsite = 10.0.0.1\nsite = 10.0.0.2\narbitrator = 10.0.0.3\nticket = \"T\"\n  expire = 300\n  retries = 5\n"
    );
    assert_eq!(home.host("booth ticket remove T"), "");
    assert_eq!(
        home.host("booth ticket remove T"),
        format!("Error: booth ticket name 'T' does not exist\n{END}")
    );
    assert_eq!(home.host("booth destroy"), "");
    assert!(!home.has("etc/booth/booth.conf") && !home.has("etc/booth/booth.key"));
    assert_eq!(
        home.host("booth config --name ../x"),
        "Error: Booth instance name '../x' is not valid ('/' is not allowed)\nexit 1\n"
    );
    assert_eq!(
        home.host("booth setup sites a b arbitrators c --booth-conf x.conf"),
        "Error: When --booth-conf is specified, --booth-key must be specified as well\nexit 1\n"
    );
}

#[test]
fn the_cluster_runs_booth_on_an_address() {
    let home = Home::new();
    let create = "booth create ip 10.0.0.9 --name geo --force";
    let said = home.pcs(create);
    assert!(!said.contains("Error"), "{said}");
    let document = home.document();
    for part in ["<group id=\"booth-geo-group\">", "value=\"10.0.0.9\"", "/etc/booth/geo.conf"] {
        assert!(document.contains(part), "{document}");
    }
    assert_eq!(
        home.pcs(create),
        format!("Error: booth instance 'geo' is already created as cluster resource\n{END}")
    );
    assert_eq!(
        home.pcs("booth remove"),
        format!("Error: booth instance 'booth' not found in cib\n{END}")
    );
    assert_eq!(home.pcs("booth remove --name geo"), "");
    assert!(!home.document().contains("booth"), "{}", home.document());
}

#[test]
fn the_other_site_is_shown() {
    let home = Home::new();
    let none = format!("Error: Disaster-recovery is not configured\n{END}");
    assert_eq!(home.host("dr config"), none);
    assert_eq!(home.host("dr status"), none);
    home.write(
        "var/lib/pcsd/disaster-recovery",
        r#"{"local":{"role":"PRIMARY"},"remote_sites":[{"nodes":[{"name":"r2"},{"name":"r1"}],"role":"RECOVERY"}]}"#,
    );
    assert_eq!(
        home.host("dr config"),
        "Local site:\n  Role: Primary\nRemote site:\n  Role: Recovery\n  Nodes:\n    r1\n    r2\n"
    );
    assert!(home.host("dr set-recovery-site r1").contains("already configured"));
    assert!(home.host("dr").starts_with("\nUsage: pcs dr <command>\n"));
}

#[test]
fn certificates_tokens_and_arbiters_need_what_they_name() {
    let home = Home::new();
    home.write("a.pem", "no certificate");
    assert_eq!(
        home.host("pcsd certkey a.pem a.pem"),
        "Error: 'a.pem' holds no certificate in PEM\nexit 1\n"
    );
    assert_eq!(home.host("pcsd accept_token"), "Error: 1 argument required\nexit 1\n");
    assert_eq!(
        home.host("pcsd accept_token a.pem"),
        "Error: 'a.pem' holds no token: it must have 32 to 256 characters\nexit 1\n"
    );
    assert_eq!(
        home.host("client local-auth 99999 -u a -p b"),
        "Error: Invalid port number '99999', use 1..65535\nexit 1\n"
    );
    assert_eq!(
        home.host("quorum expected-votes none"),
        "Error: 'none' is not a valid expected votes value, use positive integer\nexit 1\n"
    );
    assert_eq!(
        home.host("qdevice start disk"),
        "Error: 'disk' is not a valid model value, use 'net'\nexit 1\n"
    );
    assert!(
        home.host("cluster report now --from yesterday")
            .starts_with("Error: 'yesterday' is not a valid time")
    );
    assert_eq!(
        home.host("cluster report now"),
        "Error: cluster is not configured on this node\nexit 1\n"
    );
}

//! corosync.conf without a cluster: what `cluster setup`, `quorum update` and `quorum device` make of what
//! they are asked for.

use crate::home::Home;

const END: &str = "Error: Errors have occurred, therefore pcs is unable to continue\nexit 1\n";

fn setup(words: &str) -> String {
    Home::new().bare(&format!("cluster setup {words} --no-cluster-uuid --corosync_conf=new.conf"))
}

fn refused(words: &str, texts: &[&str]) {
    let lines: Vec<String> = texts.iter().map(|text| format!("Error: {text}\n")).collect();
    assert_eq!(setup(words), format!("{}{END}", lines.concat()), "{words}");
}

#[test]
fn addresses_are_judged_by_link_and_family() {
    refused(
        "c n1 addr=127.0.0.1 addr=::1 n2 addr=127.0.0.2 addr=127.0.0.3",
        &[
            "Using both IPv4 and IPv6 on one link is not allowed; please, use either IPv4 or IPv6 on link(s): '1'",
        ],
    );
    refused(
        "c n1 addr=::1 n2 addr=::2 transport knet ip_version=ipv4",
        &[
            "Address '::1' cannot be used in link '0' because the link uses IPv4 addresses",
            "Address '::2' cannot be used in link '0' because the link uses IPv4 addresses",
        ],
    );
    // corosync's own choice for udp
    refused(
        "c n1 addr=::1 transport udp",
        &["Address '::1' cannot be used in link '0' because the link uses IPv4 addresses"],
    );
    assert_eq!(setup("c n1 addr=::1 transport udp ip_version=ipv6-4"), "");
    refused(
        "c n1 addr=1.0.0.1 addr=1.0.0.2 n2 addr=1.0.0.3 addr=1.0.0.4 transport udpu",
        &[
            "1 address must be specified for a node, 2 addresses specified for node 'n1'",
            "1 address must be specified for a node, 2 addresses specified for node 'n2'",
        ],
    );
    refused(
        "c n1 addr=1.0.0.1 n2 addr= addr=1.0.0.1 n3 addr= addr=1.0.0.2",
        &[
            "Empty address set for nodes 'n2', 'n3', an address cannot be empty",
            "Node addresses must be unique, duplicate addresses: '1.0.0.1'",
            "All nodes must have the same number of addresses; node 'n1' has 1 address; nodes 'n2', 'n3' have 2 addresses",
        ],
    );
}

#[test]
fn names_that_cannot_be_resolved_need_force() {
    let words = "c n1 addr=no.host.invalid";
    refused(words, &["Unable to resolve addresses: 'no.host.invalid', use --force to override"]);
    assert_eq!(
        setup(&format!("{words} --force")),
        "Warning: Unable to resolve addresses: 'no.host.invalid'\n"
    );
}

#[test]
fn what_corosync_conf_cannot_hold_is_refused() {
    refused(
        "c n{ addr=127.0.0.1 transport knet compression model=a}b a:b=1",
        &[
            "node 1 name cannot contain {}\\n\\r characters",
            "invalid compression option 'a:b', allowed options are: 'level', 'model', 'threshold'",
            "invalid compression option 'a:b', compression options may contain a-z A-Z 0-9 /_- characters only",
            "model cannot contain {}\\n\\r characters",
        ],
    );
}

#[test]
fn options_of_links_are_judged_together() {
    let nodes = "c n1 addr=127.0.0.1 n2 addr=127.0.0.2";
    refused(
        &format!("{nodes} transport knet link linknumber=3 link linknumber=3 ping_interval=5"),
        &[
            "Cannot set options for non-existent link '3', existing links: '0'",
            "Cannot set options for non-existent link '3', existing links: '0'",
            "If link option 'ping_interval' is specified, link option 'ping_timeout' must be specified as well",
            "Link numbers must be unique, duplicate link numbers: '3'",
            "Cannot specify options for more links (2) than how many is defined by number of addresses per node (1)",
        ],
    );
    refused(
        &format!("{nodes} transport udp link broadcast=1 mcastaddr=x bindnetaddr="),
        &[
            "'' is not a valid bindnetaddr value, use an IP address",
            "'x' is not a valid mcastaddr value, use an IP address",
            "If link option 'mcastaddr' is enabled, link option 'broadcast' must be disabled",
        ],
    );
    // what changes nothing is not written
    let home = Home::new();
    let words = format!("{nodes} transport udp link broadcast=0");
    assert_eq!(home.bare(&format!("cluster setup {words} --corosync_conf=new.conf")), "");
    assert!(!home.read("new.conf").contains("interface"));
}

#[test]
fn groups_of_options_come_once_and_where_they_belong() {
    let nodes = "c n1 addr=127.0.0.1";
    let error = |words: &str| setup(&format!("{nodes} {words}"));
    assert_eq!(
        error("totem token=1 quorum totem token=1"),
        "Error: 'totem' cannot be used more than once\nexit 1\n"
    );
    assert_eq!(error("a=1 b=2"), "Error: Unknown options 'a', 'b' for node 'n1'\nexit 1\n");
    assert_eq!(
        error("transport knet crypto hash=sha1 crypto hash=md5"),
        "Error: duplicate option 'hash' with different values 'sha1' and 'md5'\nexit 1\n"
    );
    assert_eq!(
        error("transport --start"),
        "Error: Cannot specify any of '--enable', '--no-keys-sync', '--start', '--wait' when '--corosync_conf' is specified\nexit 1\n"
    );
}

#[test]
fn a_window_needs_what_it_is_of() {
    let home = Home::new();
    assert_eq!(home.bare("cluster setup c n1 addr=127.0.0.1 --corosync_conf=c.conf"), "");
    let update = |words: &str| home.bare(&format!("quorum update {words} --corosync_conf=c.conf"));
    let needed = "Error: If quorum option 'last_man_standing_window' is enabled, quorum option 'last_man_standing' must be enabled as well\n";
    assert_eq!(update("last_man_standing_window=5"), format!("{needed}{END}"));
    assert_eq!(
        update("last_man_standing_window=0"),
        format!(
            "Error: '0' is not a valid last_man_standing_window value, use a positive integer\n{END}"
        )
    );
    assert_eq!(update("last_man_standing= last_man_standing_window="), "");
}

#[test]
fn an_arbiter_has_the_votes_that_its_algorithm_gives() {
    let home = Home::new();
    assert_eq!(home.bare("cluster setup c n1 addr=127.0.0.1 --corosync_conf=c.conf"), "");
    let device = |words: &str| home.bare(&format!("quorum device {words} --corosync_conf=c.conf"));
    assert_eq!(device("add model net host=q algorithm=ffsplit"), "");
    assert_eq!(
        device("update votes=2 --force"),
        "Warning: invalid quorum device option 'votes', allowed options are: 'sync_timeout', 'timeout'\n"
    );
    assert!(home.read("c.conf").contains("votes: 1\n"), "{}", home.read("c.conf"));
    assert_eq!(
        device("update a:b=2 --force"),
        format!(
            "Warning: invalid quorum device option 'a:b', allowed options are: 'sync_timeout', 'timeout'\nError: invalid quorum device option 'a:b', quorum device options may contain a-z A-Z 0-9 /_- characters only\n{END}"
        )
    );
}

#[test]
fn an_option_is_given_once() {
    let home = Home::new();
    assert_eq!(
        home.bare("quorum config --corosync_conf=a --corosync_conf=b"),
        "Error: --corosync_conf can only be used once\nexit 1\n"
    );
    assert_eq!(
        home.bare("quorum config --corosync_conf=none"),
        "Error: Unable to read none: No such file or directory\nexit 1\n"
    );
}

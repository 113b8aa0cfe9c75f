//! `crm_report`: the report of this node, asked for in the established words.

use super::home::Home;

const CONF: &str = "totem {\n  version: 2\n  cluster_name: c\n}\nnodelist {\n  node {\n    ring0_addr: 10.0.0.1\n    \
                    name: ser1\n    nodeid: 1\n  }\n}\n";

fn report(home: &Home, words: &str) -> String {
    let root = home.path(".").display().to_string();
    home.tool(&format!("crm_report {words}"), &[("SYSTOLE_ROOT", &root)])
}

#[test]
fn a_report_of_this_node_is_a_directory_or_an_archive() {
    let home = Home::new();
    home.write("etc/corosync/corosync.conf", CONF);
    // as sosreport calls it
    assert_eq!(
        report(&home, "--sos-mode -S -d --dest out --from 2026-01-01~10:00:00"),
        "The report is in 'out.tar.bz2'\n"
    );
    assert!(home.read("out/corosync.conf").contains("cluster_name: c") && !home.has("out.tar.bz2"));
    assert!(home.read("out/host.txt").starts_with("systole "));
    assert_eq!(
        report(&home, "-S -d -f 2026-01-01 out"),
        "crm_report: `out` already exists\nexit 73\n"
    );
    assert_eq!(report(&home, "-S -f 0:00 out2"), "The report is in 'out2.tar.bz2'\n");
    assert!(home.has("out2.tar.bz2"));
}

#[test]
fn what_can_not_be_reported_is_said() {
    let home = Home::new();
    for (words, answer) in [
        ("out", "crm_report: from when? --from \"YYYY-M-D H:M:S\" says it\nexit 64\n"),
        ("-f 2026-01-01 a b", "crm_report: one destination is enough: b\nexit 64\n"),
        (
            "-f 2026-01-01 -l /var/log/x",
            "crm_report: the report has the cluster's own logs; add other files to it afterwards\nexit 64\n",
        ),
        ("-f 2026-01-01 -S out", "Error: cluster is not configured on this node\nexit 1\n"),
    ] {
        assert_eq!(report(&home, words), answer, "{words}");
    }
}

//! What is read from a corosync.conf, and what is refused.

use super::*;

fn file(totem: &str, nodes: &str, quorum: &str) -> String {
    format!(
        "totem {{\n    version: 2\n    cluster_name: my\n{totem}}}\nnodelist {{\n{nodes}}}\n\
         quorum {{\n    provider: corosync_votequorum\n{quorum}}}\n"
    )
}

fn node(id: u32) -> String {
    format!(
        "node {{\nring0_addr: 10.0.0.{id}\nring1_addr: 10.0.1.{id}\nname: n{id}\nnodeid: {id}\n}}\n"
    )
}

fn read(text: &str) -> Conf {
    load(text, "corosync.conf").unwrap()
}

#[track_caller]
fn refused(text: &str, expect: &str) {
    let error = load(text, "corosync.conf").expect_err("the file was taken").to_string();
    assert_eq!(error, expect);
}

#[test]
fn a_usual_file_is_read_with_its_defaults() {
    let conf = read(&file("", &(node(1) + &node(2)), "two_node: 1\n"));
    assert_eq!(conf.totem.transport, Transport::Knet);
    assert_eq!(conf.nodes.len(), 2);
    assert_eq!(conf.nodes[&NodeId(2)].addresses[&1], "10.0.1.2");
    assert_eq!(conf.nodes[&NodeId(2)].votes, 1);
    assert!(conf.quorum.two_node);
    assert_eq!(conf.quorum.wait_for_all, None);
    assert_eq!((conf.port(0), conf.port(1)), (5405, 5406));
    assert_eq!(conf.links(), [0, 1]);
    assert_eq!(conf.warnings, []);
}

#[test]
fn the_token_of_the_file_wins_and_its_coefficient_counts_only_when_given() {
    let nodes = (1..=4).map(node).collect::<String>();
    assert_eq!(read(&file("", &nodes, "")).token_ms(3000), 3000);
    assert_eq!(read(&file("token: 1500\n", &nodes, "")).token_ms(3000), 1500);
    let conf = read(&file("token: 1500\ntoken_coefficient: 100\n", &nodes, ""));
    assert_eq!(conf.token_ms(3000), 1700);
}

#[test]
fn ports_are_those_of_the_interfaces_else_counted_from_the_first() {
    let conf = read(&file(
        "interface {\nlinknumber: 0\nmcastport: 6000\n}\ninterface {\nlinknumber: 2\nmcastport: \
         7000\n}\n",
        &node(1),
        "",
    ));
    assert_eq!((conf.port(0), conf.port(1), conf.port(2)), (6000, 6001, 7000));
}

#[test]
fn this_machine_is_found_by_name_short_name_long_name_or_address() {
    let conf = read(&file(
        "",
        &(node(1) + "node {\nring0_addr: 10.0.0.2\nname: b.example.org\nnodeid: 2\n}\n"),
        "",
    ));
    let found = |host: &str, local: &[IpAddr]| conf.local_node(host, local).map(|node| node.id.0);
    assert_eq!(found("n1", &[]), Some(1));
    assert_eq!(found("n1.example.org", &[]), Some(1));
    assert_eq!(found("b", &[]), Some(2));
    assert_eq!(found("other", &["10.0.1.1".parse().unwrap()]), Some(1));
    assert_eq!(found("other", &[]), None);
}

#[test]
fn a_slip_of_the_pen_is_refused_and_a_strange_word_is_kept() {
    refused(
        &file("tokn: 1000\n", &node(1), ""),
        "corosync.conf:4: unknown key 'tokn' in section 'totem'; did you mean 'token'?",
    );
    let text = file("frobnicate: yes\n", &node(1), "");
    let conf = read(&text);
    assert_eq!(
        conf.warnings[0].in_file("corosync.conf"),
        "corosync.conf:4: unknown key 'frobnicate' in section 'totem' is ignored"
    );
    assert!(conf.document.to_string().contains("    frobnicate: yes\n"));
    refused(
        &(file("", &node(1), "") + "loging {\n}\n"),
        "corosync.conf:16: unknown section 'loging' in this file; did you mean 'logging'?",
    );
    refused(
        "version: 2\n",
        "corosync.conf: there is no section 'totem'; make the file with 'pcs cluster setup'\n\
         corosync.conf:1: 'version' stands outside of any section; it belongs into section \
         'totem'",
    );
}

#[test]
fn wrong_values_are_refused_with_what_is_right() {
    refused(
        &file("token: abc\n", &node(1), ""),
        "corosync.conf:4: token is 'abc', but must be a whole number from 100 to 600000",
    );
    refused(
        &file("transport: knt\n", &node(1), ""),
        "corosync.conf:4: transport is 'knt', but must be 'knet', 'udp' or 'udpu'; did you mean \
         'knet'?",
    );
    refused(
        &file("", &node(1), "two_node: yes\n"),
        "corosync.conf:15: two_node is 'yes', but must be 1 or 0; did you mean 1?",
    );
    refused(
        &file("block_unlisted_ips: 1\n", &node(1), ""),
        "corosync.conf:4: block_unlisted_ips is '1', but must be 'yes' or 'no'; did you mean \
         'yes'?",
    );
    refused(
        "totem {\nversion: 1\n}\nnodelist {\nnode {\nring0_addr: a\nnodeid: 1\n}\n}\n",
        "corosync.conf:2: version is '1', but must be 2",
    );
}

#[test]
fn nodes_that_clash_or_lack_something_are_refused() {
    refused(
        &file("", &(node(1) + &node(1)), ""),
        "corosync.conf:12: nodeid 1 is also that of the node at line 6; make them differ",
    );
    refused(
        &file("", &(node(1) + "node {\nring0_addr: 10.0.0.1\nnodeid: 2\n}\n"), ""),
        "corosync.conf:12: address 10.0.0.1 is also that of the node at line 6; make them differ",
    );
    refused(
        &file("", "node {\nring0_addr: a\n}\n", ""),
        "corosync.conf:6: this node has no nodeid; give each node its own, as in 'nodeid: 1'",
    );
    refused(
        &file("", "node {\nnodeid: 3\n}\n", ""),
        "corosync.conf:6: node 3 has no address; add 'ring0_addr: ADDRESS'",
    );
    refused(
        &file("transport: udpu\n", &node(1), ""),
        "corosync.conf:7: node 1 has 2 links, but transport udpu takes one; use 'transport: knet'",
    );
    refused(
        "totem {\nversion: 2\n}\n",
        "corosync.conf: there are no nodes; add 'nodelist { node { … } }' or make the file with \
         'pcs cluster setup'",
    );
}

#[test]
fn the_quorum_section_is_read_and_its_contradictions_are_named() {
    let nodes = node(1) + &node(2) + &node(3);
    let conf = read(&file(
        "",
        &nodes,
        "wait_for_all: 0\nlast_man_standing: 1\nauto_tie_breaker: 1\nauto_tie_breaker_node: 3 1\n",
    ));
    assert_eq!(conf.quorum.wait_for_all, Some(false));
    assert_eq!(conf.quorum.last_man_standing_window_ms, 10_000);
    assert_eq!(conf.quorum.auto_tie_breaker, Some(TieBreaker::Listed(vec![NodeId(3), NodeId(1)])));
    let conf = read(&file("", &nodes, "two_node: 1\n"));
    assert_eq!(conf.warnings[0].text, "two_node has no effect: the cluster has 3 votes, not 2");
    refused(
        &file("", &nodes, "auto_tie_breaker: 1\nauto_tie_breaker_node: 9\n"),
        "corosync.conf:28: auto_tie_breaker_node names '9', which is no node; use lowest, highest \
         or node numbers",
    );
    let conf = read(&file("", &nodes, "device {\nmodel: net\nnet {\nhost: q\n}\n}\n"));
    assert_eq!(conf.quorum.device_model.as_deref(), Some("net"));
    assert_eq!(conf.warnings.len(), 1);
}

#[test]
fn the_digest_moves_with_what_nodes_must_agree_on_and_with_nothing_else() {
    let one = read(&file("", &node(1), ""));
    assert_eq!(one.digest(), read(&file("# a note\ntoken: 5000\n", &node(1), "")).digest());
    assert_ne!(one.digest(), read(&file("", &(node(1) + &node(2)), "")).digest());
    assert_ne!(one.digest(), read(&file("", &node(1), "expected_votes: 2\n")).digest());
}

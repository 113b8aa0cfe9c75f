//! Whatever is typed, and whatever a file holds: an answer, never a panic.

use proptest::prelude::*;

use super::arguments::{Arguments, FLAGS, VALUED};
use super::context::Context;
use super::usage;

/// Documents to start from: with all kinds of elements, and with nothing.
const DOCUMENTS: [&str; 3] = [
    r#"<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config><cluster_property_set id="p"><nvpair id="p1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes><node id="1" uname="n1"><instance_attributes id="nodes-1"><nvpair id="nodes-1-standby" name="standby" value="on"/></instance_attributes></node><node id="2" uname="n2"/></nodes><resources><primitive id="A" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="A-monitor" name="monitor" interval="10s"/></operations></primitive><group id="G"><primitive id="B" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="B-m"><nvpair id="B-m-1" name="target-role" value="Stopped"/></meta_attributes></primitive></group><clone id="C-clone"><primitive id="C" class="ocf" provider="pacemaker" type="Stateful"/></clone><bundle id="U"><podman image="i" replicas="2"/><network ip-range-start="10.0.0.1"/><primitive id="D" class="ocf" provider="heartbeat" type="Dummy"/></bundle><primitive id="F" class="stonith" type="fence_x"/></resources><constraints><rsc_location id="l1" rsc="A" node="n1" score="5"/><rsc_location id="l2" rsc="B"><rule id="r1" score="1"><expression id="e1" attribute="x" operation="eq" value="1"/></rule></rsc_location><rsc_order id="o1" first="A" then="G"/><rsc_colocation id="k1"><resource_set id="s1"><resource_ref id="A"/><resource_ref id="C"/></resource_set></rsc_colocation><rsc_ticket id="t1" rsc="A" ticket="T"/></constraints><fencing-topology><fencing-level id="fl1" target="n1" index="1" devices="F"/></fencing-topology><acls><acl_role id="w"><acl_permission id="w1" kind="read" xpath="/cib"/></acl_role><acl_target id="u"><role id="w"/></acl_target></acls><tags><tag id="tag1"><obj_ref id="A"/></tag></tags><alerts><alert id="al" path="/x"><recipient id="al-r" value="v"/></alert></alerts></configuration><status><node_state id="1" uname="n1" crmd="online" join="member" in_ccm="true"><lrm id="1"><lrm_resources><lrm_resource id="A" class="ocf" provider="heartbeat" type="Dummy"><lrm_rsc_op id="A_last_0" operation="start" call-id="3" rc-code="0" op-status="0" interval="0" transition-key="1:1:0:u"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>"#,
    r#"<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>"#,
    r#"<cib/>"#,
];

/// Areas whose commands would touch this machine, wait, or ask somebody.
const ELSEWHERE: [&str; 7] = ["host", "client", "pcsd", "booth", "qdevice", "dr", "completion"];

/// Commands of other areas that would.
const COMMANDS_ELSEWHERE: [&[&str]; 10] = [
    &["config", "backup"],
    &["config", "restore"],
    &["export"],
    &["status", "booth"],
    &["status", "pcsd"],
    &["status", "qdevice"],
    &["stonith", "sbd"],
    &["resource", "debug"],
    &["cluster", "cib"],
    &["quorum", "unblock"],
];

/// What of `pcs cluster` is about the document, or the file of `--corosync_conf`; the rest starts,
/// stops and destroys.
const OF_CLUSTER: [&[&str]; 9] = [
    &["cib-push"],
    &["cib-upgrade"],
    &["verify"],
    &["config", "update"],
    &["node", "rename-cib"],
    &["node", "add-remote"],
    &["node", "add-guest"],
    &["node", "delete-remote"],
    &["node", "delete-guest"],
];

/// Says whether a command may be run by a test on anybody's machine.
fn is_harmless(words: &[String]) -> bool {
    let Some((area, rest)) = words.split_first() else { return true };
    let starts = |words: &[String], command: &&[&str]| {
        words.len() >= command.len()
            && words.iter().zip(*command).all(|(word, name)| word.starts_with(name))
    };
    if area == "cluster" {
        return OF_CLUSTER.iter().any(|command| starts(rest, command));
    }
    !ELSEWHERE.contains(&area.as_str())
        && !COMMANDS_ELSEWHERE.iter().any(|command| starts(words, command))
}

/// Options that would do so.
const OPTIONS_ELSEWHERE: [&str; 5] =
    ["--watch", "--agent-validation", "--file", "--booth-conf", "--booth-key"];

/// Words that mean something somewhere.
const WORDS: [&str; 62] = [
    "A",
    "B",
    "C",
    "C-clone",
    "D",
    "F",
    "G",
    "U",
    "n1",
    "n2",
    "tag1",
    "al",
    "w",
    "u",
    "l1",
    "r1",
    "o1",
    "ip=10.0.0.1",
    "score=INFINITY",
    "score=-5",
    "-INFINITY",
    "x=",
    "=x",
    "=",
    "",
    " ",
    "meta",
    "op",
    "clone",
    "promotable",
    "bundle",
    "container",
    "podman",
    "network",
    "port-map",
    "storage-map",
    "rule",
    "set",
    "setoptions",
    "then",
    "with",
    "prefers",
    "avoids",
    "options",
    "value=1",
    "path=/x",
    "id=z",
    "date-spec",
    "and",
    "(",
    ")",
    "#uname eq n1",
    "resource%A",
    "regexp%.*",
    "ocf:heartbeat:Dummy",
    "stonith:fence_x",
    "monitor",
    "interval=10s",
    "interval=\u{fc}",
    "\u{1F4A5}",
    "kind=Mandatory",
    "0",
];

fn word() -> impl Strategy<Value = String> {
    let of_table: Vec<String> = usage::commands()
        .flat_map(|row| row.1.split(' ').chain(row.2.split(' ')))
        .map(|word| word.trim_matches(|c: char| "[]()<>|.".contains(c)).to_owned())
        .collect();
    let options: Vec<&str> = FLAGS
        .iter()
        .chain(VALUED)
        .copied()
        .filter(|option| !OPTIONS_ELSEWHERE.contains(option) && *option != "--corosync_conf")
        .collect();
    prop_oneof![
        5 => proptest::sample::select(&WORDS[..]).prop_map(str::to_owned),
        4 => proptest::sample::select(of_table),
        2 => proptest::sample::select(options).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

/// A line that begins with a command of the table.
fn line() -> impl Strategy<Value = Vec<String>> {
    let rows: Vec<Vec<String>> = usage::commands()
        .map(|row| [row.0].into_iter().chain(row.1.split(' ')))
        .map(|words| words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
        .collect();
    (proptest::sample::select(rows), proptest::collection::vec(word(), 0..7)).prop_map(
        |(mut words, more)| {
            words.extend(more);
            words
        },
    )
}

/// Damages a document somewhere: a piece is taken out, doubled, or put elsewhere.
fn damaged() -> impl Strategy<Value = String> {
    let cut = (any::<prop::sample::Index>(), 0_usize..60, any::<prop::sample::Index>(), 0_u8..3);
    (proptest::sample::select(&DOCUMENTS[..]), proptest::collection::vec(cut, 0..4)).prop_map(
        |(document, cuts)| {
            let mut text: Vec<char> = document.chars().collect();
            for (from, length, to, kind) in cuts {
                let from = from.index(text.len() + 1);
                let piece: Vec<char> = text.iter().skip(from).take(length).copied().collect();
                if kind != 1 {
                    text.drain(from..from + piece.len());
                }
                if kind != 0 {
                    let to = to.index(text.len() + 1);
                    text.splice(to..to, piece);
                }
            }
            text.into_iter().collect()
        },
    )
}

/// Damages values only, so that the document is still one.
fn strange() -> impl Strategy<Value = String> {
    let value = prop_oneof![Just(String::new()), Just("-1".to_owned()), "[A-Za-z0-9:%,#. -]{0,9}"];
    let change = (any::<prop::sample::Index>(), value);
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut parts: Vec<String> = DOCUMENTS[0].split('"').map(str::to_owned).collect();
        for (at, value) in changes {
            // every second part stands between quotes
            let at = 1 + 2 * at.index(parts.len() / 2);
            parts[at] = value;
        }
        parts.join("\"")
    })
}

/// Runs a line on a file in a directory of its own; returns whether anything was said.
fn run(words: &[String], document: &str) -> bool {
    let mut all: Vec<String> = words.to_vec();
    all.retain(|word| !OPTIONS_ELSEWHERE.iter().any(|option| word.starts_with(option)));
    let Ok(parsed) = Arguments::parse(&all) else { return true };
    if parsed.has("-f") || !is_harmless(&parsed.words) {
        return true;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("cib.xml");
    std::fs::write(&file, document).expect("a file");
    let mut arguments = parsed;
    arguments.set("-f", &file.display().to_string());
    let conf = directory.path().join("corosync.conf").display().to_string();
    arguments.set("--corosync_conf", &conf);
    let mut context = Context::new(arguments);
    let result = context.prepare().and_then(|()| super::dispatch(&mut context));
    result.is_err() || !context.stdout.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_line_gets_an_answer(words in line()) {
        run(&words, DOCUMENTS[0]);
    }

    #[test]
    fn lines_without_sense_get_one_too(words in proptest::collection::vec(word(), 0..8)) {
        run(&words, DOCUMENTS[1]);
    }

    #[test]
    fn any_document_gets_an_answer(words in line(), document in damaged()) {
        run(&words, &document);
    }

    #[test]
    fn strange_values_get_an_answer(words in line(), document in strange()) {
        run(&words, &document);
    }
}

#[test]
fn a_document_without_any_xml_is_refused_by_every_command_that_reads_one() {
    for line in ["status", "resource config", "constraint", "property", "tag", "alert", "acl"] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert!(run(&words, "no xml"), "{line}");
    }
}

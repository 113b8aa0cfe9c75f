//! What is refused, and in which words.

use proptest::prelude::*;

use super::{check, errors};
use crate::parse;

const GOOD: &str = r#"<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
<configuration>
<crm_config><cluster_property_set id="opts"><nvpair id="opt" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources>
<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="web-m" name="monitor" interval="10s" role="Promoted"/></operations></primitive>
<group id="grp"><primitive id="ip" class="systemd" type="x"/></group>
</resources>
<constraints>
<rsc_location id="loc" rsc="web" node="n1" score="INFINITY"/>
<rsc_order id="ord" first="web" then="grp"/>
</constraints>
</configuration>
<status><anything goes="here"/></status>
</cib>"#;

/// Changes one thing in a good document and asserts what is said of it.
fn check_change(from: &str, to: &str, expected: &str) {
    assert!(GOOD.contains(from), "{from}");
    let findings = errors(&parse(&GOOD.replacen(from, to, 1)).unwrap());
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(told.join(" / "), expected);
}

#[test]
fn a_good_document_has_no_findings() {
    assert_eq!(check(&parse(GOOD).unwrap()), []);
}

#[test]
fn what_is_wrong_is_told_with_line_and_way_out() {
    check_change(
        "type=\"Dummy\"",
        "typo=\"Dummy\"",
        "line 6: <primitive id=\"web\"> has an unknown attribute `typo`; did you mean `type`? / \
         line 6: <primitive id=\"web\"> lacks the attribute `type`",
    );
    check_change(
        "role=\"Promoted\"",
        "role=\"promoted\"",
        "line 6: `role` of <op id=\"web-m\"> is `promoted`, but must be one of Stopped, Started, \
         Promoted, Unpromoted, Master, Slave; did you mean `Promoted`?",
    );
    check_change(
        "rsc=\"web\"",
        "rsc=\"wbe\"",
        "line 10: `rsc` of <rsc_location id=\"loc\"> is `wbe`, but there is nothing with this id; \
         did you mean `web`?",
    );
    check_change(
        "score=\"INFINITY\"",
        "score=\"high\"",
        "line 10: `score` of <rsc_location id=\"loc\"> is `high`, but must be a whole number, \
         INFINITY or -INFINITY",
    );
    check_change(
        "id=\"ip\"",
        "id=\"web\"",
        "line 7: <primitive id=\"web\"> has an id that <primitive> in line 6 has already; \
         ids must be unique",
    );
    check_change(
        "<rsc_order ",
        "<rsc_oder ",
        "line 11: <rsc_oder id=\"ord\"> can't stand inside <constraints>; did you mean `rsc_order`?",
    );
    check_change(
        "provider=\"heartbeat\" ",
        "",
        "line 6: <primitive id=\"web\"> lacks the attribute `provider`, such as `heartbeat`",
    );
    check_change(
        "pacemaker-3.9",
        "pacemaker-39",
        "line 1: `validate-with` of <cib> is `pacemaker-39`, which is no schema known here; \
         did you mean `pacemaker-3.9`?",
    );
    check_change("<nodes>", "<nodes>x", "line 4: <nodes> holds the text `x`");
}

#[test]
fn a_document_that_wants_no_validation_gets_none() {
    let text = GOOD.replace("pacemaker-3.9", "none").replace("<resources>", "<resources><banana/>");
    assert_eq!(errors(&parse(&text).unwrap()), []);
    assert_eq!(check(&parse(&text).unwrap()).len(), 1);
}

#[test]
fn something_else_than_a_cib_is_refused() {
    assert_eq!(errors(&parse("<diff/>").unwrap())[0].text, "the document is a <diff>, not a <cib>");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_parsed_and_checked_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..GOOD.len()) {
        let mut text = GOOD.as_bytes().to_vec();
        let end = (at + bytes.len() / 4).min(text.len());
        text.splice(at..end, bytes.iter().copied());
        for text in [String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&text)] {
            if let Ok(tree) = parse(&text) {
                let _findings = check(&tree);
                let _written = tree.to_xml();
            }
        }
    }
}

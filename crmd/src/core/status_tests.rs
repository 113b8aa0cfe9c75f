//! What becomes of the status section, change by change.

use model::{BootId, HandsId, NodeId, WallTime};

use super::*;
use crate::core::testing::record;

fn attribute(name: &str, value: Option<&str>) -> StatusChange {
    StatusChange::Attribute {
        node: NodeId(1),
        set: None,
        name: name.into(),
        value: value.map(str::to_owned),
    }
}

fn member(node: u32, name: &str) -> StatusChange {
    StatusChange::Node {
        node: NodeId(node),
        name: name.into(),
        presence: Presence::Member(WallTime::from_secs(1_700_000_000)),
    }
}

fn after(changes: &[StatusChange]) -> Element {
    let mut status = Element::new("status");
    for change in changes {
        apply(&mut status, change);
    }
    status
}

#[test]
fn a_member_with_a_resource_and_a_fail_count_looks_as_pacemaker_writes_it() {
    let status = after(&[
        member(2, "ser2"),
        member(1, "ser1"),
        StatusChange::Operation {
            node: NodeId(1),
            record: record("web", "stop", 0, 0, 3),
            migration: None,
        },
        attribute("fail-count-web#monitor_10000", Some("1")),
    ]);
    let text = status.to_xml();
    let (first, rest) = text.split_once("<lrm_rsc_op").unwrap();
    assert_eq!(
        first,
        "<status>\n  <node_state id=\"1\" uname=\"ser1\" in_ccm=\"1700000000\" \
         crmd=\"1700000000\" crm-debug-origin=\"do_state_transition\" join=\"member\" \
         expected=\"member\">\n    <lrm id=\"1\">\n      <lrm_resources>\n        \
         <lrm_resource id=\"web\" class=\"ocf\" provider=\"test\" type=\"Dummy\">\n          "
    );
    let (_, rest) = rest.split_once("</lrm>\n").unwrap();
    assert_eq!(
        rest,
        "    <transient_attributes id=\"1\">\n      <instance_attributes id=\"status-1\">\n        \
         <nvpair id=\"status-1-fail-count-web.monitor_10000\" \
         name=\"fail-count-web#monitor_10000\" value=\"1\"/>\n      </instance_attributes>\n    \
         </transient_attributes>\n  </node_state>\n  <node_state id=\"2\" uname=\"ser2\" \
         in_ccm=\"1700000000\" crmd=\"1700000000\" crm-debug-origin=\"do_state_transition\" \
         join=\"member\" expected=\"member\"/>\n</status>\n"
    );
}

#[test]
fn a_lost_node_was_expected_to_stay_and_one_that_left_was_not() {
    let lost = |presence| StatusChange::Node { node: NodeId(1), name: "ser1".into(), presence };
    for (presence, expected) in [(Presence::Lost, "member"), (Presence::Down, "down")] {
        let status = after(&[member(1, "ser1"), lost(presence)]);
        let state = status.find_id("1").unwrap();
        assert_eq!((state.get("expected"), state.get("in_ccm")), (Some(expected), Some("0")));
    }
}

#[test]
fn the_hands_own_list_replaces_the_history_but_not_the_failure_it_forgot() {
    let told = |records| StatusChange::History {
        node: NodeId(1),
        boot: BootId(7),
        hands: HandsId(8),
        records,
    };
    let mut changes = vec![
        member(1, "ser1"),
        told(vec![record("web", "monitor", 10_000, 7, 2), record("web", "start", 0, 0, 1)]),
        told(vec![record("web", "start", 0, 0, 4), record("db", "start", 0, 0, 5)]),
    ];
    let status = after(&changes);
    assert!(status.find_id("web_last_failure_0").is_some());
    assert_eq!(status.find_id("web_last_0").unwrap().get("call-id"), Some("4"));
    assert!(status.find_id("db_last_0").is_some());
    changes.push(StatusChange::History {
        node: NodeId(1),
        boot: BootId(9),
        hands: HandsId(10),
        records: vec![record("web", "start", 0, 0, 1)],
    });
    assert!(after(&changes).find_id("web_last_failure_0").is_none());
}

#[test]
fn an_attribute_taken_away_is_gone() {
    let status =
        after(&[attribute("a", Some("1")), attribute("b", Some("2")), attribute("a", None)]);
    assert!(status.find_id("status-1-a").is_none());
    assert!(status.find_id("status-1-b").is_some());
}

#[test]
fn a_section_survives_its_way_to_another_member() {
    let status = after(&[
        member(1, "ser1"),
        StatusChange::Operation {
            node: NodeId(1),
            record: record("web", "start", 0, 1, 3),
            migration: None,
        },
    ]);
    let copy = after(&[StatusChange::Replace { xml: status.to_xml_compact() }]);
    assert_eq!(copy, status);
}

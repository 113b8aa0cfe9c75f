//! What patchsets promise.

use model::ExitCode;
use proptest::prelude::*;

use super::{PatchError, apply, diff, diff_unversioned, is_empty, sign};
use crate::tree::{Content, Element};
use crate::{parse, versions::Version};

fn wrap(body: &str) -> Element {
    parse(&format!("<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"1\">{body}</cib>")).unwrap()
}

/// Asserts what `crm_diff` (2.1.5) prints for the same two documents, one word a change.
fn check(old: &str, new: &str, expected: &[&str]) {
    let (old, new) = (wrap(old), wrap(new));
    let patch = diff(&old, &new);
    let told: Vec<String> = patch
        .children_named("change")
        .map(|c| {
            let position = c.get("position").map(|p| format!("@{p}")).unwrap_or_default();
            let path = c.get("path").unwrap().trim_start_matches("/cib");
            format!("{} {path}{position}", c.get("operation").unwrap())
        })
        .collect();
    assert_eq!(told, expected);
    assert_eq!(apply(&old, &patch).unwrap(), new);
}

#[test]
fn changes_come_in_the_order_and_form_of_crm_diff() {
    check("<a/><b/><d/>", "<b/><d/>", &["delete /a"]);
    check("<a/><b/><d/>", "<e/><a/><b/><d/>", &["create @0"]);
    check("<a/><b/><d/>", "<d/><e/><a/>", &["delete /b", "move /d@0", "create @1", "move /a@2"]);
    check(
        "<a/><b/><d/><e/><f/>",
        "<f/><d/><a/><h/><e><i/></e>",
        &["delete /b", "move /f@0", "move /a@2", "create @3", "create /e@0"],
    );
    check(
        "<a><x/><y/></a><b/>",
        "<b/><a z=\"1\"><y/><x/><w/></a>",
        &["move /b@0", "modify /a", "move /a/y@0", "move /a/x@1", "create /a@2", "move /a@1"],
    );
    check(
        "<A/><B/><C/><D/><E/>",
        "<B/><C/><E/><D/><A/>",
        &["move /B@0", "move /E@2", "move /D@3", "move /A@4"],
    );
    check("<a id=\"1\"/>", "<a id=\"1\" b=\"2\"/>", &["modify /a[@id='1']"]);
    check(
        "<a/><!--x--><b/><!--y--><c/>",
        "<c/>",
        &["delete /a", "delete /comment@0", "delete /b", "delete /comment@0"],
    );
    check(
        "<a id=\"1\"><b><x/><y/></b><c/></a><d/><e/>",
        "<e/><a id=\"1\"><b z=\"1\"><y/></b></a>",
        &[
            "delete /a[@id='1']/b/x",
            "delete /a[@id='1']/c",
            "delete /d",
            "move /e@0",
            "modify /a[@id='1']/b",
            "move /a[@id='1']@1",
        ],
    );
}

#[test]
fn a_changed_attribute_is_told_with_the_result() {
    let patch = diff_unversioned(
        &wrap("<node id=\"1\" uname=\"n1\"/>"),
        &wrap("<node id=\"1\" x=\"y\" type=\"member\"/>"),
    );
    let expected = "<diff format=\"2\">\
        <change operation=\"modify\" path=\"/cib/node[@id='1']\"><change-list>\
        <change-attr name=\"x\" operation=\"set\" value=\"y\"/>\
        <change-attr name=\"type\" operation=\"set\" value=\"member\"/>\
        <change-attr name=\"uname\" operation=\"unset\"/></change-list>\
        <change-result><node id=\"1\" x=\"y\" type=\"member\"/></change-result></change></diff>";
    assert_eq!(patch.to_xml_compact(), expected);
}

#[test]
fn a_patch_is_refused_on_any_other_version() {
    let old = wrap("<a/>");
    let mut new = wrap("<b/>");
    Version::of(&old).next_epoch().write(&mut new);
    let patch = diff(&old, &new);
    assert_eq!(apply(&new, &patch).unwrap_err().code(), ExitCode::Old);
    let ahead = diff(&new, &old);
    assert!(matches!(apply(&old, &ahead), Err(PatchError::Ahead { .. })));
}

#[test]
fn a_signed_patch_leads_to_the_signed_document_or_nowhere() {
    let (old, new) = (wrap("<a/><c/>"), wrap("<b/><c/>"));
    let mut patch = diff(&old, &new);
    sign(&mut patch, &new);
    assert_eq!(apply(&old, &patch).unwrap(), new);
    let other = wrap("<a/><c x=\"1\"/>");
    assert_eq!(apply(&other, &patch).unwrap_err().code(), ExitCode::Digest);
}

#[test]
fn what_is_no_patch_is_refused_in_a_sentence() {
    let old = wrap("<a/>");
    for text in [
        "<cib/>",
        "<diff/>",
        "<diff format=\"1\"/>",
        "<diff format=\"2\"><change/></diff>",
        "<diff format=\"2\"><change operation=\"eat\" path=\"/cib\"/></diff>",
        "<diff format=\"2\"><change operation=\"delete\" path=\"cib\"/></diff>",
        "<diff format=\"2\"><change operation=\"delete\" path=\"/cib\"/></diff>",
        "<diff format=\"2\"><change operation=\"modify\" path=\"/cib/a\"/></diff>",
        "<diff format=\"2\"><change operation=\"move\" path=\"/cib\" position=\"0\"/></diff>",
        "<diff format=\"2\"><change operation=\"move\" path=\"/cib/a\" position=\"x\"/></diff>",
        "<diff format=\"2\"><change operation=\"delete\" path=\"/cib/b\"/></diff>",
        "<diff format=\"2\"><change operation=\"create\" path=\"\"/></diff>",
    ] {
        assert!(apply(&old, &parse(text).unwrap()).is_err(), "{text}");
    }
}

#[test]
fn equal_documents_differ_in_nothing() {
    assert!(is_empty(&diff(&wrap("<a/>"), &wrap("<a/>"))));
    assert!(!is_empty(&diff(&wrap("<a/>"), &wrap(""))));
}

#[test]
fn ten_thousand_resources_turned_around_take_no_square_of_time() {
    let list = |ids: &mut dyn Iterator<Item = u32>| -> Element {
        let mut resources = Element::new("resources");
        for id in ids {
            resources.push(Element::new("primitive").with("id", format!("r{id}")));
        }
        wrap("").with_child(resources)
    };
    let (old, new) = (list(&mut (0..10_000)), list(&mut (0..10_000).rev()));
    assert_eq!(apply(&old, &diff(&old, &new)).unwrap(), new);
}

/// Small alphabets, so that names and ids collide often.
fn trees() -> impl Strategy<Value = Element> {
    let attributes = proptest::collection::vec(
        (
            prop_oneof![Just("id"), Just("a"), Just("b")],
            prop_oneof![Just("1"), Just("2"), Just("3"), Just("x'\"y"), Just("<&>\n")],
        ),
        0..3,
    );
    let leaf = (prop_oneof![Just("p"), Just("q"), Just("comment")], attributes).prop_map(
        |(name, attributes)| {
            attributes.into_iter().fold(Element::new(name), |e, (k, v)| e.with(k, v))
        },
    );
    leaf.prop_recursive(4, 40, 6, |inner| {
        let content = prop_oneof![
            8 => inner.clone().prop_map(Content::from),
            1 => Just(Content::Comment("c".into())),
            1 => Just(Content::Comment("d".into())),
            1 => Just(Content::Text("t".into())),
        ];
        (inner, proptest::collection::vec(content, 0..6)).prop_map(|(mut element, content)| {
            for one in content {
                let twice = matches!(one, Content::Text(_))
                    && matches!(element.content().last(), Some(Content::Text(_)));
                if !twice {
                    element.content_mut().push(one);
                }
            }
            element
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_difference_applied_to_the_old_is_the_new(old in trees(), new in trees()) {
        let patch = diff_unversioned(&old, &new);
        prop_assert_eq!(apply(&old, &patch).unwrap(), new);
    }

    #[test]
    fn a_shuffled_document_is_reached_too(old in trees(), seed in any::<u64>()) {
        let new = shuffled(&old, seed);
        let patch = parse(&diff_unversioned(&old, &new).to_xml()).unwrap();
        let found = apply(&old, &patch).unwrap();
        prop_assert_eq!(found.to_xml(), new.to_xml());
    }

    #[test]
    fn any_document_survives_text_and_back(tree in trees()) {
        prop_assert_eq!(parse(&tree.to_xml()).unwrap(), tree.clone());
        prop_assert_eq!(parse(&tree.to_xml()).unwrap().to_xml(), tree.to_xml());
    }

    #[test]
    fn any_patch_is_applied_or_refused(old in trees(), patch in trees()) {
        let patch = Element::new("diff").with("format", "2").with_child(patch);
        let _refused_or_not = apply(&old, &patch);
    }
}

fn shuffled(element: &Element, seed: u64) -> Element {
    let mut copy = element.clone();
    let mut state = seed | 1;
    let mut next = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % n.max(1)
    };
    if copy.content().iter().any(|c| matches!(c, Content::Text(_))) {
        return copy;
    }
    let n = copy.content().len();
    for i in (1..n).rev() {
        copy.content_mut().swap(i, next(i + 1));
    }
    if n > 2 && next(3) == 0 {
        copy.content_mut().pop();
    }
    let child_seed = seed.rotate_left(7);
    for child in copy.children_mut() {
        *child = shuffled(child, child_seed);
    }
    copy
}

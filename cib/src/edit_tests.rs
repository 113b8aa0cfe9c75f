//! What `cibadmin` 2.1.5 does to the same document, and where we are kinder.

use model::ExitCode;

use super::{Request, Target, apply, empty};
use crate::patch::diff;
use crate::{Element, Version, parse};

fn base() -> Element {
    parse(
        "<cib validate-with=\"none\" epoch=\"5\" num_updates=\"3\" admin_epoch=\"0\"><configuration>
         <crm_config><cluster_property_set id=\"s\"><nvpair id=\"o1\" name=\"n\" value=\"1\"/></cluster_property_set></crm_config>
         <nodes><node id=\"1\" uname=\"n1\"/></nodes>
         <resources><group id=\"g\"><primitive id=\"A\" type=\"D\"/><primitive id=\"B\" type=\"D\"/></group>
         <primitive id=\"P\" type=\"D\"><operations><op id=\"P-m\" name=\"monitor\"/></operations></primitive></resources>
         <constraints/></configuration><status><node_state id=\"1\"/></status></cib>",
    )
    .unwrap()
}

fn at(section: &str) -> Target {
    if section.is_empty() {
        Target::Document
    } else if section.contains('/') {
        Target::XPath(section.to_owned())
    } else {
        Target::Section(section.to_owned())
    }
}

/// Asserts what changed, told as the compact text of the resulting patch's operations and paths.
fn check(request: &Request, expected: Result<(&str, &str), ExitCode>) {
    let old = base();
    let outcome = apply(&old, request);
    let told = match &outcome {
        Ok(new) => {
            let changes: Vec<String> = diff(&old, new)
                .children_named("change")
                .filter(|c| c.get("path") != Some("/cib"))
                .map(|c| {
                    let path = c.get("path").unwrap().replace("/cib/configuration", "");
                    let made: String = c.children().map(Element::to_xml_compact).collect();
                    let made =
                        if c.get("operation") == Some("create") { made } else { String::new() };
                    format!("{} {path}{made}", c.get("operation").unwrap())
                })
                .collect();
            Ok((changes.join("; "), Version::of(new).to_string()))
        }
        Err(error) => Err(error.code),
    };
    assert_eq!(
        told,
        expected.map(|(c, v)| (c.to_owned(), v.to_owned())),
        "{request:?} {outcome:?}"
    );
}

fn xml(text: &str) -> Element {
    parse(text).unwrap()
}

#[test]
fn create_puts_new_things_into_a_section_and_refuses_what_is_there() {
    let create =
        |section: &str, text: &str| Request::Create { target: at(section), xml: xml(text) };
    check(
        &create("resources", "<primitive id=\"X\"/>"),
        Ok(("create /resources<primitive id=\"X\"/>", "0.6.0")),
    );
    check(
        &create("resources", "<resources><primitive id=\"X\"/><primitive id=\"Y\"/></resources>"),
        Ok((
            "create /resources<primitive id=\"X\"/>; create /resources<primitive id=\"Y\"/>",
            "0.6.0",
        )),
    );
    check(&create("resources", "<primitive id=\"P\"/>"), Err(ExitCode::Exists));
    check(
        &create("resources", "<resources><primitive id=\"X\"/><primitive id=\"P\"/></resources>"),
        Err(ExitCode::Exists),
    );
    check(&create("", "<primitive id=\"X\"/>"), Err(ExitCode::NoSuch));
    check(&create("banana", "<primitive id=\"X\"/>"), Err(ExitCode::NoSuch));
    check(&create("nodes", "<node uname=\"x\"/>"), Err(ExitCode::Exists));
    check(&create("tags", "<tag id=\"t\"/>"), Ok(("create <tags><tag id=\"t\"/></tags>", "0.6.0")));
    check(
        &create("//group", "<primitive id=\"X\"/>"),
        Ok(("create /resources/group[@id='g']<primitive id=\"X\"/>", "0.6.0")),
    );
    check(
        &create("status", "<node_state id=\"2\"/>"),
        Ok(("create /cib/status<node_state id=\"2\"/>", "0.5.4")),
    );
}

#[test]
fn modify_finds_by_name_and_id_wherever_it_is() {
    let modify = |section: &str, text: &str| Request::Modify {
        target: at(section),
        xml: xml(text),
        allow_create: false,
    };
    let found = Ok(("modify /resources/group[@id='g']/primitive[@id='A']", "0.6.0"));
    check(&modify("resources", "<primitive id=\"A\" type=\"S\"/>"), found);
    check(&modify("", "<primitive id=\"A\" type=\"S\"/>"), found);
    check(&modify("//primitive[@id='A']", "<primitive type=\"S\"/>"), found);
    check(
        &modify(
            "",
            "<resources><group id=\"g\"><primitive id=\"A\" type=\"S\"/></group></resources>",
        ),
        found,
    );
    check(&modify("resources", "<primitive id=\"X\"/>"), Err(ExitCode::NoSuch));
    check(
        &modify("resources", "<resources><primitive id=\"X\"/></resources>"),
        Ok(("create /resources<primitive id=\"X\"/>", "0.6.0")),
    );
    check(&modify("//primitive[@id='A']", "<foo/>"), Err(ExitCode::NoSuch));
    check(&modify("//foo", "<foo/>"), Err(ExitCode::NoSuch));
    check(
        &Request::Modify {
            target: at("resources"),
            xml: xml("<primitive id=\"X\"/>"),
            allow_create: true,
        },
        Ok(("create /resources<primitive id=\"X\"/>", "0.6.0")),
    );
    check(&modify("", "<cib admin_epoch=\"admin_epoch++\"/>"), Ok(("", "1.5.4")));
    check(&modify("", "<cib epoch=\"epoch+=3\"/>"), Ok(("", "0.8.4")));
    check(&modify("", "<primitive id=\"A\" type=\"D\"/>"), Ok(("", "0.5.3")));
}

#[test]
fn replace_keeps_the_place_and_refuses_an_older_document() {
    let replace =
        |section: &str, text: &str| Request::Replace { target: at(section), xml: xml(text) };
    check(
        &replace("resources", "<primitive id=\"A\" type=\"S\"/>"),
        Ok(("modify /resources/group[@id='g']/primitive[@id='A']", "0.6.0")),
    );
    check(
        &replace("", "<resources/>"),
        Ok(("delete /resources/group[@id='g']; delete /resources/primitive[@id='P']", "0.6.0")),
    );
    check(&replace("constraints", "<resources/>"), Err(ExitCode::NoSuch));
    check(&replace("resources", "<primitive id=\"X\"/>"), Err(ExitCode::NoSuch));
    check(&replace("tags", "<tags/>"), Err(ExitCode::NoSuch));
    let whole = |version: &str| {
        replace("", &format!("<cib validate-with=\"none\" {version}><configuration/></cib>"))
    };
    for (version, expected) in [
        ("admin_epoch=\"0\" epoch=\"4\" num_updates=\"9\"", Err(ExitCode::Old)),
        ("admin_epoch=\"0\" epoch=\"5\" num_updates=\"2\"", Err(ExitCode::Old)),
        ("admin_epoch=\"0\" epoch=\"5\" num_updates=\"3\"", Ok("0.6.0")),
        ("admin_epoch=\"0\" epoch=\"9\" num_updates=\"1\"", Ok("0.10.0")),
    ] {
        let outcome = apply(&base(), &whole(version)).map(|new| Version::of(&new).to_string());
        assert_eq!(outcome.map_err(|e| e.code), expected.map(str::to_owned), "{version}");
    }
}

#[test]
fn delete_takes_the_first_that_fits_and_is_content_when_none_does() {
    let delete =
        |section: &str, text: &str| Request::Delete { target: at(section), xml: Some(xml(text)) };
    let gone = Ok(("delete /resources/group[@id='g']/primitive[@id='A']", "0.6.0"));
    check(&delete("resources", "<primitive id=\"A\"/>"), gone);
    check(&delete("", "<primitive type=\"D\"/>"), gone);
    check(&delete("", "<primitive id=\"A\"><operations/></primitive>"), gone);
    check(&Request::Delete { target: at("//primitive"), xml: None }, gone);
    check(&delete("constraints", "<primitive id=\"A\"/>"), Ok(("", "0.5.3")));
    check(&delete("", "<op id=\"P-m\" name=\"stop\"/>"), Ok(("", "0.5.3")));
    check(&delete("resources", "<resources/>"), Ok(("", "0.5.3")));
    check(&Request::Delete { target: at("//nope"), xml: None }, Ok(("", "0.5.3")));
    check(&Request::Delete { target: at("//nope["), xml: None }, Err(ExitCode::NoSuch));
    check(&Request::Delete { target: at("resources"), xml: None }, Err(ExitCode::Usage));
    check(&Request::Delete { target: at("/cib/"), xml: None }, Err(ExitCode::NoSuch));
    check(
        &Request::DeleteAll { target: at("//primitive | //op"), xml: None },
        Ok((
            "delete /resources/group[@id='g']/primitive[@id='A']; \
             delete /resources/group[@id='g']/primitive[@id='B']; \
             delete /resources/primitive[@id='P']",
            "0.6.0",
        )),
    );
}

#[test]
fn erase_bump_and_patch_raise_the_version() {
    let erased = apply(&base(), &Request::Erase).unwrap();
    assert_eq!(Version::of(&erased).to_string(), "1.6.0");
    assert_eq!(erased.child("configuration"), empty().child("configuration"));
    check(&Request::Bump, Ok(("", "0.6.0")));
    let mut next = base();
    next.find_id_mut("A").unwrap().set("type", "S");
    Version { epoch: 9, ..Version::of(&base()) }.write(&mut next);
    let patched = "modify /resources/group[@id='g']/primitive[@id='A']";
    check(&Request::Patch(diff(&base(), &next)), Ok((patched, "0.9.3")));
    check(&Request::Patch(crate::patch::diff_unversioned(&base(), &base())), Ok(("", "0.5.3")));
    check(&Request::Patch(diff(&next, &base())), Err(ExitCode::Config));
}

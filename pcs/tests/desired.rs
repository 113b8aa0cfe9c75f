//! What is exported is what is applied, over all documents there are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use cib::Element;
use pcs::agent::AgentName;
use pcs::metadata::{AgentMetadata, AgentSource, NoMetadata, OptionClass, Parameter, Validation};
use pcs::{Environment, desired, merge};

/// No agent is asked when a configuration is applied.
#[derive(Debug)]
struct Nobody;

impl AgentSource for Nobody {
    fn metadata(&self, _: &AgentName) -> Result<AgentMetadata, NoMetadata> {
        panic!("an agent was asked for its metadata")
    }
    fn standards(&self) -> Vec<String> {
        Vec::new()
    }
    fn providers(&self) -> Vec<String> {
        Vec::new()
    }
    fn agents(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn options(&self, _: OptionClass) -> Vec<Parameter> {
        Vec::new()
    }
    fn validate(&self, _: &AgentName, _: &[(String, String)]) -> Option<Validation> {
        None
    }
}

fn applied(to: &Element, wanted: &Element) -> Element {
    let mut env = Environment::new(to.clone(), &Nobody, false);
    desired::apply(&mut env, wanted).unwrap();
    env.cib
}

fn differences(before: &Element, after: &Element) -> usize {
    cib::patch::diff_unversioned(before, after).children().count()
}

/// Every document of the corpora, where they are present, and one of our own.
fn documents() -> Vec<(String, Element)> {
    let own = r#"<cib validate-with="pacemaker-3.9" epoch="3"><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
        <nvpair id="v" name="dc-version" value="3"/><nvpair id="s" name="stonith-enabled" value="true"/></cluster_property_set></crm_config>
        <nodes><node id="1" uname="a"><instance_attributes id="n"><nvpair id="n-x" name="x" value="1"/></instance_attributes></node></nodes>
        <resources><primitive id="r" class="ocf" provider="p" type="T"/></resources><constraints/><tags><tag id="t"><obj_ref id="r"/></tag></tags>
        </configuration><status/></cib>"#;
    let mut found = vec![("own".to_owned(), cib::parse(own).unwrap())];
    let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    for place in ["scheduler/cases", "pcs/starts"] {
        let files = std::fs::read_dir(shared.join(place)).into_iter().flatten();
        for path in files.map(|file| file.unwrap().path()) {
            let is_xml = path.extension().is_some_and(|extension| extension == "xml");
            let read = is_xml.then(|| std::fs::read_to_string(&path).ok()).flatten();
            let Some(document) = read.and_then(|text| cib::parse(&text).ok()) else { continue };
            if document.child("configuration").is_some() {
                found.push((path.display().to_string(), document));
            }
        }
    }
    found
}

#[test]
fn an_export_changes_nothing_where_it_came_from() {
    for (name, document) in documents() {
        let exported = desired::export(&document);
        let text = desired::to_json(&exported).to_string();
        let read = desired::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(read, exported, "{name}");
        for wanted in [&exported, &read, &cib::parse(&exported.to_xml()).unwrap()] {
            assert_eq!(differences(&document, &applied(&document, wanted)), 0, "{name}");
        }
    }
}

#[test]
fn whatever_was_there_becomes_as_exported_and_stays_so() {
    let documents = documents();
    for pair in documents.windows(2) {
        let ((name, from), (_, to)) = (&pair[0], &pair[1]);
        let mut wanted = desired::export(from);
        // which nodes there are is not for a file to say
        if let Some(configuration) = wanted.child_mut("configuration") {
            configuration.retain_children(|section| section.name() != "nodes");
        }
        let once = applied(to, &wanted);
        assert_eq!(differences(&once, &applied(&once, &wanted)), 0, "{name}");
        let section = |cib: &Element, name: &str| cib.at(&["configuration", name]).cloned();
        for part in ["resources", "tags", "alerts", "fencing-topology"] {
            let empty = || Element::new(part);
            let there = section(&once, part).unwrap_or_else(empty);
            assert_eq!(there, section(from, part).unwrap_or_else(empty), "{name}: {part}");
        }
    }
}

/// Two who change different sections of a document at the same time both get what they want.
#[test]
fn changes_of_different_sections_always_come_together() {
    for (name, base) in documents() {
        let mut ours = base.clone();
        let mut theirs = base.clone();
        let set = Element::new("meta_attributes").with("id", "ours-set").with_child(
            Element::new("nvpair").with("id", "ours").with("name", "a").with("value", "1"),
        );
        ours.child_or_insert("configuration").child_or_insert("op_defaults").push(set);
        let alert = Element::new("alert").with("id", "theirs").with("path", "/bin/true");
        theirs.child_or_insert("configuration").child_or_insert("alerts").push(alert);
        let merged = merge::onto(&base, &ours, &theirs).unwrap();
        for id in ["ours", "theirs"] {
            assert!(merged.find_id(id).is_some(), "{name}: {id}");
        }
        let nothing = merge::onto(&base, &base, &theirs).unwrap();
        assert_eq!(differences(&nothing, &theirs), 0, "{name}");
    }
}

//! Explanations say what the scores listing says, and why.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use cib::Element;
use model::{Score, WallTime};
use pengine::Options;
use pengine::explain::{
    About, Cause, DecidedBy, Explained, Still, Unavailable, explain, explain_into,
};

/// Two nodes; what the placeholders become is the point of each test.
const CLUSTER: &str = r#"<cib crm_feature_set="3.20.1" validate-with="none" have-quorum="1"><configuration>
    <crm_config><cluster_property_set id="p"><nvpair id="p-1" name="stonith-enabled" value="false"/>PROPERTIES</cluster_property_set></crm_config>
    <nodes><node id="1" uname="alpha">ALPHA</node><node id="2" uname="beta"/></nodes>
    <resources>RESOURCES</resources><constraints>CONSTRAINTS</constraints></configuration><status>
    <node_state id="1" uname="alpha" in_ccm="true" crmd="online" join="member" expected="member">HISTORY</node_state>
    <node_state id="2" uname="beta" in_ccm="true" crmd="online" join="member" expected="member"/>
    </status></cib>"#;

const WEB: &str = r#"<primitive id="web" class="ocf" provider="heartbeat" type="Dummy">
    <meta_attributes id="web-m"><nvpair id="web-s" name="resource-stickiness" value="30"/>META</meta_attributes></primitive>"#;

const RUNS: &str = r#"<lrm id="1"><lrm_resources><lrm_resource id="web" class="ocf" provider="heartbeat" type="Dummy">
    <lrm_rsc_op id="web_last_0" operation="start" operation_key="web_start_0" call-id="2" rc-code="0" op-status="0"
    interval="0" op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8" transition-key="1:1:0:u" transition-magic="0:0;1:1:0:u"/></lrm_resource></lrm_resources></lrm>"#;

fn told(replace: &[(&str, &str)]) -> Explained {
    let mut text = CLUSTER.replace("RESOURCES", WEB);
    for (name, value) in replace {
        text = text.replace(name, value);
    }
    for name in ["PROPERTIES", "ALPHA", "RESOURCES", "CONSTRAINTS", "HISTORY", "META"] {
        text = text.replace(name, "");
    }
    explain(&cib::parse(&text).unwrap(), WallTime(0), &Options::default())
}

fn causes(told: &Explained, node: &str) -> Vec<(Cause, i32)> {
    let web = told.of("web")[0];
    let account = web.nodes.iter().find(|account| account.node == node).unwrap();
    account.contributions.iter().map(|c| (c.cause.clone(), c.score.value())).collect()
}

#[test]
fn every_contribution_has_a_name_and_the_winner_a_margin() {
    let told = told(&[
        ("HISTORY", RUNS),
        (
            "CONSTRAINTS",
            r##"<rsc_location id="cli-ban-web-on-beta" rsc="web"><rule id="ban-rule" score="20"><expression id="e" attribute="#uname"
            operation="eq" value="beta"/><date_expression id="d" operation="lt" end="2030-01-01 00:00:00Z"/></rule></rsc_location>
            <rsc_location id="likes" rsc="web" node="alpha" score="5"/>"##,
        ),
    ]);
    let until = Some("2030-01-01 00:00:00Z".to_owned());
    let location = |constraint: &str, rule: Option<&str>, until: Option<String>| Cause::Location {
        constraint: constraint.to_owned(),
        rule: rule.map(str::to_owned),
        until,
    };
    assert_eq!(
        causes(&told, "alpha"),
        [(location("likes", None, None), 5), (Cause::Stickiness, 30)]
    );
    assert_eq!(
        causes(&told, "beta"),
        [(location("cli-ban-web-on-beta", Some("ban-rule"), until), 20)]
    );
    let web = told.of("web")[0];
    let winner = web.winner.clone().unwrap();
    assert_eq!((winner.node.as_str(), winner.margin), ("alpha", Some(15)));
    assert_eq!(winner.decided_by, DecidedBy::Score);
    assert_eq!(web.still, Some(Still::InPlace));
}

#[test]
fn equal_scores_are_decided_by_what_the_engine_decided_by() {
    let two = format!("{}{}", WEB.replace("web", "app"), WEB);
    let told = told(&[("RESOURCES", &two), (WEB, &two)]);
    let winner = |id: &str| told.of(id)[0].winner.clone().unwrap();
    assert_eq!(
        (winner("app").node.as_str(), winner("app").decided_by),
        ("alpha", DecidedBy::NodeName)
    );
    assert_eq!(
        (winner("web").node.as_str(), winner("web").decided_by),
        ("beta", DecidedBy::FewestResources)
    );
    assert_eq!(winner("web").margin, Some(0));
}

#[test]
fn a_resource_that_stays_stopped_says_why() {
    let why = |replace: &[(&str, &str)]| told(replace).of("web")[0].still.clone();
    let off = r#"<nvpair id="web-t" name="target-role" value="Stopped"/>"#;
    assert_eq!(why(&[("META", off)]), Some(Still::Disabled));
    let property = |name: &str| format!(r#"<nvpair id="x" name="{name}" value="true"/>"#);
    assert_eq!(why(&[("PROPERTIES", &property("stop-all-resources"))]), Some(Still::StopAll));
    assert_eq!(why(&[("PROPERTIES", &property("maintenance-mode"))]), Some(Still::Maintenance));
    assert_eq!(
        why(&[("name=\"stonith-enabled\" value=\"false\"", "name=\"x\" value=\"y\"")]),
        Some(Still::NoFenceDevice)
    );
    let nowhere = r#"<rsc_location id="a" rsc="web" node="alpha" score="-INFINITY"/>
        <rsc_location id="b" rsc="web" node="beta" score="-INFINITY"/>"#;
    assert_eq!(why(&[("CONSTRAINTS", nowhere)]), Some(Still::NoNode));
}

#[test]
fn an_unavailable_node_says_so_beside_its_score() {
    let standby = r#"<instance_attributes id="i"><nvpair id="n" name="standby" value="on"/></instance_attributes>"#;
    let told = told(&[("ALPHA", standby), ("HISTORY", RUNS)]);
    let web = told.of("web")[0];
    let alpha = web.nodes.iter().find(|account| account.node == "alpha").unwrap();
    assert_eq!(alpha.unavailable, [Unavailable::Standby]);
    assert_eq!(alpha.score, Some(Score::new(30)));
    assert_eq!(web.target.as_deref(), Some("beta"));
    assert_eq!(web.actions[0].verb, "Move");
    assert_eq!(web.still, None);
}

/// Sums up as scores do.
fn sum(contributions: &[pengine::explain::Contribution]) -> Score {
    contributions.iter().fold(Score::ZERO, |sum, one| sum + one.score)
}

/// The ids of a document.
fn ids(input: &Element) -> std::collections::BTreeSet<&str> {
    input.descendants().filter_map(Element::id).collect()
}

/// Every sum over the corpus is the score that `crm_simulate -s` prints, and every contribution
/// names an id of the document or a cause that is documented.
#[test]
fn sums_are_the_scores_of_the_listing_in_every_case_of_the_corpus() {
    let cases =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/scheduler/cases");
    let Ok(files) = std::fs::read_dir(&cases) else { return };
    let (mut read, mut wrong) = (0, std::collections::BTreeSet::new());
    for path in files.map(|file| file.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Ok(input) = cib::parse(&text) else { continue };
        let input = cib::upgrade::to_current(&input).unwrap_or(input);
        let told = explain(&input, WallTime(0), &Options::default());
        let listing = pengine::explain::listing(&input, WallTime(0), &Options::default());
        let options = Options { scores: true, ..Options::default() };
        let plan = pengine::schedule(&input, WallTime(0), &options);
        read += 1;
        let listed: Vec<String> =
            listing.iter().map(|l| format!("{}: {}", l.line, sum(&l.contributions))).collect();
        let case = path.file_stem().unwrap().to_string_lossy().into_owned();
        if listed != plan.scores {
            let at = listed.iter().zip(&plan.scores).find(|(a, b)| a != b);
            wrong.insert(format!("{case}: {at:?}"));
        }
        let first = told.resources.first().map_or("", |one| one.resource.as_str());
        // about some of the resources the same is told as about all
        for about in [About::Actions, About::Resource(first)] {
            let some = explain_into(&input, WallTime(0), &Options::default(), about, ());
            let of_all = told.resources.iter().filter(|one| match about {
                About::Resource(id) => told.of(id).contains(one),
                _ => !one.actions.is_empty(),
            });
            if !some.resources.iter().eq(of_all) {
                wrong.insert(format!("{case}: {about:?} is told otherwise"));
            }
        }
        if told.plan.graph != plan.graph {
            wrong.insert(format!("{case}: the plan differs"));
        }
        let known = ids(&input);
        for contribution in listing.iter().flat_map(|listed| &listed.contributions) {
            let named = match &contribution.cause {
                Cause::Location { constraint, .. } | Cause::Colocation { constraint, .. } => {
                    known.contains(constraint.as_str())
                }
                Cause::BuiltIn { name } => {
                    pengine::explain::BUILT_IN.iter().any(|(built_in, _)| built_in == name)
                }
                _ => true,
            };
            if !named {
                wrong.insert(format!("{case}: {:?} is nowhere", contribution.cause));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {read}: {:#?}",
        wrong.len(),
        wrong.iter().take(20).collect::<Vec<_>>()
    );
    assert!(read > 600, "only {read} cases");
}

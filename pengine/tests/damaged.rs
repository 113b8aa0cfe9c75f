//! Documents that went through bad hands: whatever they say, a plan is made, and made in time.

use std::fs;
use std::path::Path;

use cib::{Content, Element};
use model::WallTime;
use pengine::{Dot, Options};
use proptest::prelude::*;

/// What somebody's script may have written where something else was meant.
const VALUES: &[&str] = &[
    "",
    "0",
    "-1",
    "1",
    "true",
    "INFINITY",
    "-INFINITY",
    "+INFINITY",
    "4294967296",
    "99999999999999999999",
    "-99999999999999999999",
    "1000000",
    "10000s",
    "P1Y",
    "P99999999999Y",
    "2026-02-31T25:61:61Z",
    "%@:;/",
    "ü\u{200d}",
    "#uname",
    "Promoted",
    "stop",
    "ocf",
    "docker",
    "remote",
];

/// One thing that goes wrong, at a place counted through the document.
#[derive(Clone, Debug)]
enum Damage {
    /// An attribute says something else.
    Value(usize, usize, usize),
    /// An attribute says what another attribute of the document says.
    Borrowed(usize, usize, usize),
    /// An attribute is missing.
    Unset(usize, usize),
    /// An element is missing, with all in it.
    Cut(usize),
    /// An element stands in another one as well.
    Grafted(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<usize>;
    prop_oneof![
        3 => (place(), place(), place()).prop_map(|(e, a, v)| Damage::Value(e, a, v)),
        3 => (place(), place(), place()).prop_map(|(e, a, v)| Damage::Borrowed(e, a, v)),
        1 => (place(), place()).prop_map(|(e, a)| Damage::Unset(e, a)),
        1 => place().prop_map(Damage::Cut),
        1 => (place(), place()).prop_map(|(from, to)| Damage::Grafted(from, to)),
    ]
}

/// Calls `change` on the element with this number, parents before children.
fn at(element: &mut Element, number: &mut usize, change: &mut dyn FnMut(&mut Element)) {
    if *number == 0 {
        change(element);
    }
    *number = number.wrapping_sub(1);
    if *number == usize::MAX {
        return;
    }
    for child in element.children_mut() {
        at(child, number, change);
        if *number == usize::MAX {
            return;
        }
    }
}

fn spoil(document: &mut Element, damage: &Damage) {
    let count = document.descendants().count();
    let attribute = |element: &Element, pick: usize| {
        let count = element.attributes().count();
        (count > 0).then(|| element.attributes().nth(pick % count).map(|(name, _)| name.to_owned()))
    };
    let mut change = |place: usize, change: &mut dyn FnMut(&mut Element)| {
        at(document, &mut (place % count), change);
    };
    match damage {
        Damage::Value(place, which, value) => change(*place, &mut |element| {
            if let Some(Some(name)) = attribute(element, *which) {
                element.set(&name, VALUES[value % VALUES.len()]);
            }
        }),
        Damage::Borrowed(place, which, other) => {
            let values: Vec<String> = document
                .descendants()
                .flat_map(|element| element.attributes().map(|(_, value)| value.to_owned()))
                .collect();
            at(document, &mut (place % count), &mut |element| {
                if let (Some(Some(name)), false) = (attribute(element, *which), values.is_empty()) {
                    element.set(&name, values[other % values.len()].as_str());
                }
            });
        }
        Damage::Unset(place, which) => change(*place, &mut |element| {
            if let Some(Some(name)) = attribute(element, *which) {
                element.unset(&name);
            }
        }),
        Damage::Cut(place) => change(*place, &mut |element| {
            if !element.content().is_empty() {
                element.content_mut().pop();
            }
        }),
        Damage::Grafted(from, to) => {
            let copy = document.descendants().nth(from % count).cloned();
            at(document, &mut (to % count), &mut |element| {
                element.content_mut().extend(copy.clone().map(Content::from));
            });
        }
    }
}

/// The golden cases' documents.
fn documents() -> Vec<Element> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let mut paths: Vec<_> = fs::read_dir(cases)
        .expect("the golden cases are in the tree")
        .filter_map(|entry| Some(entry.ok()?.path().join("cib.xml")))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let read = |path| cib::parse(&fs::read_to_string(path).expect("readable")).expect("XML");
    paths.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("SYSTOLE_DAMAGED").ok().and_then(|n| n.parse().ok()).unwrap_or(300),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_damaged_document_is_planned_all_the_same(
        pick in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..8),
    ) {
        let documents = documents();
        let mut document = documents[pick.index(documents.len())].clone();
        for damage in &damages {
            spoil(&mut document, damage);
        }
        let options = Options { dot: Dot::All, ..Options::default() };
        let now = WallTime::from_secs(1_700_000_000);
        let plan = pengine::schedule(&document, now, &options);
        let status = pengine::status::read(&document, now, &options);
        // the plan's checker reads whatever comes
        drop(pengine::check::objections(&status, &plan.graph));
        prop_assert_eq!(plan.graph.name(), "transition_graph");
    }
}

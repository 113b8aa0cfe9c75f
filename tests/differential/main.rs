//! Random small clusters, planned by us and by an installed `crm_simulate` (Pacemaker 2.1.5): both must
//! come to the same scores, steps and graph.
//!
//! `cargo test --test differential` runs some seeds of every profile, `SYSTOLE_SEEDS=0..2000` before it
//! those, `SYSTOLE_SEEDS=17 cargo test --test differential -- groups` just one of one. What differs is shrunk and printed with its seed, and kept as a
//! file. Without `crm_simulate` the tests say that they are ignored; `SYSTOLE_NO_SKIPS=1` makes that a
//! failure, `SYSTOLE_ORACLE=PATH` names another program, `SYSTOLE_OURS=PATH` another build of this one.
//!
//! `simulation` lets both pretend events (`made_events.rs`), carry the plan out on paper and plan again; it
//! compares what is said and stored.
//!
//! To add a feature, write a function that throws its dice into the draft (`made_*.rs`) and name it in
//! a profile. Features are applied in order: resources before constraints, the status last.
//!
//! Where Pacemaker itself has changed since 2.1.5 we do as 3.0.2 does: `allowed.rs` knows such differences
//! by their shape in the plan, `cured.rs` by their shape in the document, `told.rs` by what the other
//! program says of its own decisions, `listing.rs` those of lists of resources; all have the reasons. `known.txt` lists seeds that differ otherwise.
//! Function names in scores are not compared; neither are the order of steps and summaries, which name
//! roles and reasons in the words of their version.

#![allow(clippy::panic, reason = "a test with a harness of its own")]

mod allowed;
mod altered;
mod altered_configuration;
mod altered_status;
mod crossed;
mod cured;
mod dice;
mod draft;
mod listing;
mod made_bundles;
mod made_changes;
mod made_constraints;
mod made_events;
mod made_everything;
mod made_fencing;
mod made_rare;
mod made_remote;
mod made_resources;
mod made_rules;
mod made_status;
mod made_templates;
mod outcome;
mod shrink;
mod simulated;
mod told;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use dice::Dice;
use draft::Draft;

/// Adds something random to a document.
type Feature = fn(&mut Draft, &mut Dice);

/// What must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    /// Scores and plan.
    All,
    /// The plan only: chains of colocations are added up in another way since 2.1.5.
    Plan,
    /// The plan, and what agents are told with each action: notifications.
    PlanAndDetails,
    /// What is said and stored when events are pretended and the plan is carried out on paper, and the
    /// plan that follows.
    Simulation,
}

/// What documents are made of: each profile is one test.
const PROFILES: &[(&str, Compared, &[Feature])] = &[
    (
        "primitives",
        Compared::All,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_status::histories,
        ],
    ),
    (
        "constraints",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_constraints::colocations,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "groups",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::groups,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_constraints::colocations,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "sets",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_constraints::locations,
            made_constraints::sets,
            made_constraints::tickets,
            made_status::histories,
        ],
    ),
    (
        "utilization",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_resources::utilization,
            made_constraints::colocations,
            made_status::histories,
        ],
    ),
    (
        "health",
        Compared::All,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::health,
            made_resources::options,
            made_status::histories,
        ],
    ),
    (
        "clones",
        Compared::PlanAndDetails,
        &[
            made_resources::nodes,
            made_resources::clones,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_constraints::colocations,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "fencing",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_remote::fencing,
            made_resources::primitives,
            made_resources::groups,
            made_resources::options,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "migration",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::options,
            made_remote::migrations,
            made_constraints::locations,
            made_constraints::colocations,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "remotes",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_remote::fencing,
            made_remote::remotes,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "guests",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_remote::fencing,
            made_remote::guests,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "unfencing",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_remote::fencing,
            made_remote::remotes,
            made_resources::primitives,
            made_resources::options,
            made_fencing::requirements,
            made_fencing::reconnections,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "promotable",
        Compared::PlanAndDetails,
        &[
            made_resources::nodes,
            made_resources::promotable,
            made_resources::primitives,
            made_resources::options,
            made_constraints::locations,
            made_constraints::roles,
            made_status::promotion_scores,
            made_status::histories,
        ],
    ),
    (
        "bundles",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_bundles::bundles,
            made_bundles::company,
            made_resources::options,
            made_constraints::locations,
            made_bundles::constraints,
            made_bundles::no_circles,
            made_status::histories,
        ],
    ),
    (
        "everything",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_everything::resources,
            made_everything::constraints,
            made_bundles::no_circles,
            made_status::histories,
        ],
    ),
    (
        "rules",
        Compared::All,
        &[
            made_resources::nodes,
            made_rules::weights,
            made_resources::primitives,
            made_rules::parameters,
            made_rules::ruled_attributes,
            made_rules::ruled_locations,
            made_status::histories,
        ],
    ),
    (
        "templates",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_templates::templates,
            made_templates::tags,
            made_constraints::locations,
            made_constraints::colocations,
            made_constraints::orders,
            made_templates::by_tag,
            made_status::histories,
        ],
    ),
    (
        "failures",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_changes::operations,
            made_changes::failures,
            made_constraints::orders,
            made_status::histories,
        ],
    ),
    (
        "changes",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_resources::options,
            made_constraints::orders,
            made_status::histories,
            made_changes::digests,
            made_changes::removed,
        ],
    ),
    (
        "pending",
        Compared::All,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_rules::discovery,
            made_status::histories,
            made_changes::pending,
            made_changes::removed,
        ],
    ),
    (
        "quorum",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_resources::promotable,
            made_changes::quorum,
            made_constraints::orders,
            made_constraints::tickets,
            made_status::histories,
        ],
    ),
    (
        "locks",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_resources::clones,
            made_constraints::locations,
            made_status::histories,
            made_changes::locks,
        ],
    ),
    (
        "instances",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::clones,
            made_resources::promotable,
            made_rare::clone_options,
            made_resources::primitives,
            made_resources::options,
            made_constraints::orders,
            made_rare::constraints,
            made_status::promotion_scores,
            made_status::histories,
        ],
    ),
    (
        "results",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_resources::primitives,
            made_resources::groups,
            made_resources::promotable,
            made_changes::operations,
            made_changes::failures,
            made_status::promotion_scores,
            made_status::histories,
            made_rare::results,
        ],
    ),
    (
        "settings",
        Compared::Plan,
        &[
            made_resources::nodes,
            made_remote::fencing,
            made_resources::primitives,
            made_resources::groups,
            made_rare::loose_groups,
            made_rare::standards,
            made_rare::settings,
            made_constraints::locations,
            made_constraints::orders,
            made_rare::constraints,
            made_status::histories,
            made_rare::transient,
        ],
    ),
    (
        "simulation",
        Compared::Simulation,
        &[
            made_resources::nodes,
            made_everything::resources,
            made_everything::constraints,
            made_bundles::no_circles,
            made_status::histories,
        ],
    ),
];

/// Differences that are not explained: `PROFILE SEED  what`.
const KNOWN: &str = include_str!("known.txt");

/// Differences that are made small and shown; of others the seed is told.
const SHOWN_MAX: usize = 10;

/// Seeds that are run when none are asked for.
const USUAL: Range<u64> = 0..25;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let oracle = std::env::var("SYSTOLE_ORACLE").unwrap_or_else(|_| "crm_simulate".to_owned());
    let missing = missing(&oracle);
    let seeds = seeds();
    let trials = PROFILES
        .iter()
        .map(|(name, compared, features)| {
            let (missing, oracle, seeds) = (missing.clone(), oracle.clone(), seeds.clone());
            Trial::ignorable_test(*name, move || match missing {
                Some(reason) if std::env::var_os("SYSTOLE_NO_SKIPS").is_some() => {
                    Err(Failed::from(format!("skipped, and nothing may be skipped here: {reason}")))
                }
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => {
                    let mut make = |seed, _: &Path| Some(document(features, seed));
                    run(name, *compared, &mut make, &oracle, seeds).map(|()| Completion::Completed)
                }
            })
        })
        .chain(
            [("altered", altered::Cases::document as Made), ("crossed", altered::Cases::crossed)]
                .map(|(name, make)| {
                    altered(name, make, missing.clone(), oracle.clone(), seeds.clone())
                }),
        )
        .chain([Trial::test("shrinking", || shrink::check().map_err(Failed::from))])
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Why the other program can't be asked.
fn missing(oracle: &str) -> Option<String> {
    let version = match Command::new(oracle).arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => return Some(format!("`{oracle}`: {error}")),
    };
    let known = version.contains("Pacemaker 2.1.5") || std::env::var_os("SYSTOLE_ORACLE").is_some();
    (!known).then(|| format!("`{oracle}` is not of Pacemaker 2.1.5, which this compares with"))
}

/// The seeds to run: `FROM..TO`, or one.
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SYSTOLE_SEEDS") else { return USUAL };
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match text.split_once("..") {
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..to),
        None => number(&text).map(|one| one..one + 1),
    };
    range.unwrap_or_else(|| panic!("SYSTOLE_SEEDS is `{text}`; write 0..2000, or one number"))
}

fn known(profile: &str, seed: u64) -> bool {
    KNOWN.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(profile) && words.next() == Some(seed.to_string().as_str())
    })
}

fn run(
    profile: &str,
    compared: Compared,
    make: &mut dyn FnMut(u64, &Path) -> Option<cib::Element>,
    oracle: &str,
    seeds: Range<u64>,
) -> Result<(), Failed> {
    let directory =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("differential-{profile}"));
    std::fs::create_dir_all(&directory)?;
    let one = seeds.end - seeds.start == 1;
    let mut failures = Vec::new();
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let total = seeds.end - seeds.start;
    for seed in seeds {
        if known(profile, seed) && !one {
            continue;
        }
        let Some(document) = make(seed, &directory) else {
            *refusals.entry("there is no document to plan".to_owned()).or_default() += 1;
            continue;
        };
        let events = match compared {
            Compared::Simulation => made_events::events(&document, &mut Dice::new(seed)),
            Compared::All | Compared::Plan | Compared::PlanAndDetails => Vec::new(),
        };
        let mut compare = |candidate: &cib::Element| match compared {
            Compared::Simulation => simulated_difference(oracle, &events, &directory, candidate),
            Compared::All | Compared::Plan | Compared::PlanAndDetails => {
                difference(oracle, compared, &directory, candidate)
            }
        };
        match compare(&document) {
            Verdict::Same => {}
            Verdict::Refused(why) => {
                if one {
                    return Err(why.into());
                }
                *refusals.entry(why).or_default() += 1;
            }
            Verdict::Different(_) if failures.len() >= SHOWN_MAX => {
                failures.push(seed.to_string());
            }
            Verdict::Different(_) => {
                std::fs::write(directory.join(format!("{seed}.whole.xml")), document.to_xml())?;
                let Some(small) = cured::unexplained(document, &mut compare) else { continue };
                let path = directory.join(format!("{seed}.xml"));
                std::fs::write(&path, small.to_xml())?;
                if let Verdict::Different(what) = compare(&small) {
                    let events = events.join(" ");
                    failures
                        .push(format!("seed {seed} {events}, kept as {}:\n{what}", path.display()));
                }
            }
        }
    }
    // what the other program can't plan says nothing, but it must stay the exception; nor does a
    // simulation of a plan that differs, if only as it may
    let refused: usize = refusals.values().sum();
    let share = if compared == Compared::Simulation { 3 } else { 5 };
    if refused as u64 * share > total {
        let reasons: String =
            refusals.iter().map(|(why, count)| format!("\n  {count} times: {why}")).collect();
        failures.push(format!(
            "{oracle} could not plan {refused}, as Pacemaker does now, of {total} documents:{reasons}"
        ));
    }
    if failures.is_empty() {
        return Ok(());
    }
    let count = failures.len();
    let others = failures.split_off(count.min(SHOWN_MAX));
    let others =
        if others.is_empty() { String::new() } else { format!("as do {}", others.join(" ")) };
    Err(format!(
        "{count} of {total} differ (- {oracle}, + ours); one again: SYSTOLE_SEEDS=SEED cargo test --test differential -- {profile}\n{}\n{others}",
        failures.join("\n")
    )
    .into())
}

/// Makes the document of a seed from cases that are the same with both.
type Made = fn(&mut altered::Cases, u64, &dyn Fn(&cib::Element) -> bool) -> Option<cib::Element>;

/// A profile of altered cases of the corpus.
fn altered(
    profile: &'static str,
    made: Made,
    missing: Option<String>,
    oracle: String,
    seeds: Range<u64>,
) -> Trial {
    Trial::ignorable_test(profile, move || {
        let skip = |reason: String| match std::env::var_os("SYSTOLE_NO_SKIPS") {
            Some(_) => Err(Failed::from(format!("skipped: {reason}"))),
            None => Ok(Completion::ignored_with(reason)),
        };
        if let Some(reason) = missing {
            return skip(reason);
        }
        let mut cases = match altered::Cases::find() {
            Ok(cases) => cases,
            Err(reason) => return skip(reason),
        };
        let compared = Compared::All;
        let mut make = |seed, directory: &Path| {
            made(&mut cases, seed, &|case| {
                matches!(difference(&oracle, compared, directory, case), Verdict::Same)
            })
        };
        run(profile, compared, &mut make, &oracle, seeds).map(|()| Completion::Completed)
    })
}

/// The document of a seed.
fn document(features: &[Feature], seed: u64) -> cib::Element {
    let (mut draft, mut dice) = (Draft::default(), Dice::new(seed));
    for feature in features {
        feature(&mut draft, &mut dice);
    }
    draft.document()
}

#[derive(Debug)]
enum Verdict {
    Same,
    Different(String),
    /// The other program gave no answer, or one that Pacemaker no longer gives.
    Refused(String),
}

/// The program that is asked for our own answer.
fn ours() -> String {
    std::env::var("SYSTOLE_OURS").unwrap_or_else(|_| env!("CARGO_BIN_EXE_systole").to_owned())
}

/// Compares what is said and stored after some events; where plans differ otherwise, that is another
/// profile's matter.
fn simulated_difference(
    oracle: &str,
    events: &[String],
    directory: &Path,
    document: &cib::Element,
) -> Verdict {
    let text = document.to_xml();
    let mut theirs = match simulated::of(&[oracle], directory, &text, events) {
        Ok(theirs) => theirs,
        Err(why) => return Verdict::Refused(why),
    };
    let plan = |document: &str| {
        outcome::of(&[oracle], directory, document).and_then(|theirs| {
            let ours = outcome::of(&[&ours(), "crm_simulate"], directory, document)?;
            Ok(theirs.without_scores().without_details() == ours.without_scores().without_details())
        })
    };
    match plan(&theirs.input) {
        Ok(true) => {}
        Ok(false) => return Verdict::Refused("the plans differ".to_owned()),
        Err(why) => return Verdict::Refused(why),
    }
    let different = match simulated::of(&[&ours(), "crm_simulate"], directory, &text, events) {
        Ok(mut ours) => theirs.difference(&mut ours),
        Err(why) => Some(why),
    };
    match (different, cib::parse(&theirs.output)) {
        (Some(different), _) => Verdict::Different(different),
        (None, Ok(after)) => difference(oracle, Compared::Plan, directory, &after),
        (None, Err(error)) => Verdict::Refused(error.to_string()),
    }
}

fn difference(
    oracle: &str,
    compared: Compared,
    directory: &Path,
    document: &cib::Element,
) -> Verdict {
    let text = document.to_xml();
    let seen = |outcome: outcome::Outcome| match compared {
        Compared::All => outcome.without_details(),
        Compared::Plan | Compared::Simulation => outcome.without_scores().without_details(),
        Compared::PlanAndDetails => outcome.without_scores(),
    };
    let mut theirs = match outcome::of(&[oracle], directory, &text) {
        Ok(theirs) => seen(theirs),
        Err(why) => return Verdict::Refused(why),
    };
    let different = match outcome::of(&[&ours(), "crm_simulate"], directory, &text).map(seen) {
        Ok(mut ours) => {
            allowed::settle(document, &mut theirs, &mut ours);
            if ours == theirs {
                return Verdict::Same;
            }
            theirs.difference(&ours)
        }
        Err(why) => why,
    };
    match told::changed_since(oracle, directory, &text) {
        Some(change) => {
            Verdict::Refused(format!("{oracle} plans this as it did before a change: {change}"))
        }
        None => Verdict::Different(different),
    }
}

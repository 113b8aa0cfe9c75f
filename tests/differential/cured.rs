//! Differences that come from what a document holds: Pacemaker itself has changed since 2.1.5, and we do
//! as 3.0.2 does.
//!
//! Each is known by its shape in a document. A difference is of a kind if the smallest document that
//! shows it has the kind's shape, and shows nothing any more without it; and then the whole document
//! must show nothing either once it is rid of that shape.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;

use crate::{Verdict, shrink};

/// A kind of difference.
struct Kind {
    /// Takes the shape out of a document; tells whether it was there.
    without: fn(&mut Element) -> bool,
}

const KINDS: &[Kind] = &[
    Kind { without: without_optional_beside_mandatory },
    Kind { without: without_dependents_of_groups },
    Kind { without: without_avoidance },
    Kind { without: without_hash_order },
    Kind { without: without_nodes_in_maintenance },
    Kind { without: without_gaps_in_groups },
    Kind { without: without_results_of_no_key },
    Kind { without: without_or_in_front },
];

/// The smallest document that differs for no allowed reason.
pub(crate) fn unexplained(
    mut document: Element,
    compare: &mut dyn FnMut(&Element) -> Verdict,
) -> Option<Element> {
    // each round takes the shape of one kind away for good
    for _ in 0..=KINDS.len() {
        let Verdict::Different(whole) = compare(&document) else { return None };
        // what is left must differ in what the whole does, lest it slide into something else
        let lines: Vec<&str> = whole.lines().filter(|line| line.starts_with("  ")).collect();
        let small = shrink::smallest(document.clone(), &mut |candidate| {
            matches!(compare(candidate), Verdict::Different(what)
                if lines.is_empty() || what.lines().any(|line| lines.contains(&line)))
        });
        let explains = |kind: &&Kind| {
            let mut cured = small.clone();
            (kind.without)(&mut cured) && !matches!(compare(&cured), Verdict::Different(_))
        };
        let Some(kind) = KINDS.iter().find(explains) else { return Some(small) };
        (kind.without)(&mut document);
    }
    matches!(compare(&document), Verdict::Different(_)).then_some(document)
}

/// Mandatory colocations are applied before optional ones (`pipeline.md`, stage 15), to satisfy as
/// many as possible; 2.1.5 takes them as they come. The members of a group are with each other by
/// mandatory colocations.
fn without_optional_beside_mandatory(document: &mut Element) -> bool {
    let homes = homes(document);
    let mandatory: BTreeSet<String> = colocations(document)
        .filter(|colocation| is_mandatory(colocation))
        .flat_map(|colocation| participants(colocation, &homes))
        .chain(several_members(document))
        .collect();
    remove_colocations(document, |colocation| {
        !is_mandatory(colocation)
            && participants(colocation, &homes).iter().any(|name| mandatory.contains(name))
    })
}

/// What must be with a group stays where it is when the group can't start ("if y can't run on any of
/// the cluster nodes, x is not allowed to run", Pacemaker Explained); 2.1.5 forgets that for groups.
fn without_dependents_of_groups(document: &mut Element) -> bool {
    let homes = homes(document);
    let groups: BTreeSet<String> = document
        .descendants()
        .filter(|element| element.name() == "group")
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect();
    remove_colocations(document, |colocation| {
        is_mandatory(colocation)
            && participants(colocation, &homes).iter().any(|name| groups.contains(name))
    })
}

/// Who avoids another may push it away from the only node that is left to itself
/// (`coloc-negative-group` and `group-anticolocation` of Pacemaker's own cases expect it); with 2.1.5
/// that one never gives way.
fn without_avoidance(document: &mut Element) -> bool {
    remove_colocations(document, |colocation| {
        colocation.get("score").is_some_and(|score| score.starts_with('-'))
    })
}

/// What is active on a node in maintenance is in maintenance itself, wherever else it may be active
/// (`shutdown-maintenance-node` shows it so): none of its monitors run, for no role. With 2.1.5 it
/// is only not managed. A remote node is in maintenance while its connection is not managed, also by
/// `multiple-active=block`, a guest while what it runs in is not.
fn without_nodes_in_maintenance(document: &mut Element) -> bool {
    let makes_node = |resource: &Element| {
        resource.get("type") == Some("remote")
            || resource.descendants().any(|pair| pair.get("name") == Some("remote-node"))
    };
    let Some(configuration) = document.child_mut("configuration") else { return false };
    let mut changed = false;
    let mut drop_from = |holder: &mut Element, name: &str| {
        for set in holder.children_mut() {
            set.retain_children(|pair| {
                let unwanted = pair.get("name") == Some(name);
                changed |= unwanted;
                !unwanted
            });
        }
    };
    for node in configuration.child_mut("nodes").into_iter().flat_map(Element::children_mut) {
        drop_from(node, "maintenance");
    }
    for top in configuration.child_mut("resources").into_iter().flat_map(Element::children_mut) {
        if top.name() == "primitive" && makes_node(top) {
            drop_from(top, "is-managed");
            drop_from(top, "multiple-active");
        }
    }
    changed
}

/// A member of a group that is active where the one before it is not stops before that one starts
/// (`group-fail`), which therefore waits for ever if it can't be stopped; 2.1.5 just starts that one.
fn without_gaps_in_groups(document: &mut Element) -> bool {
    let groups: Vec<Vec<String>> = document
        .descendants()
        .filter(|element| element.name() == "group")
        .map(|group| {
            let members = group.children().filter(|child| child.name() == "primitive");
            members.filter_map(Element::id).map(str::to_owned).collect()
        })
        .collect();
    let mut changed = false;
    let states = document.child_mut("status").into_iter().flat_map(Element::children_mut);
    let histories = states
        .filter_map(|state| state.child_mut("lrm").and_then(|lrm| lrm.child_mut("lrm_resources")));
    for histories in histories {
        for members in &groups {
            let mut whole = true;
            for member in members {
                if whole {
                    whole =
                        histories.children().any(|one| one.id() == Some(member) && is_active(one));
                    continue;
                }
                histories.retain_children(|one| {
                    let unwanted = one.id() == Some(member.as_str()) && is_active(one);
                    changed |= unwanted;
                    !unwanted
                });
            }
        }
    }
    changed
}

/// A result of before results had a key is of the operation with its name and interval, however its id
/// is spelled; 2.1.5 took the id for the key, and so missed what is configured for an instance's.
fn without_results_of_no_key(document: &mut Element) -> bool {
    let mut changed = false;
    let states = document.child_mut("status").into_iter().flat_map(Element::children_mut);
    let histories = states
        .filter_map(|state| state.child_mut("lrm").and_then(|lrm| lrm.child_mut("lrm_resources")));
    for history in histories.flat_map(Element::children_mut) {
        let resource = history.id().unwrap_or_default().to_owned();
        for result in history.children_mut().filter(|one| one.get("operation_key").is_none()) {
            let part = |name: &str| result.get(name).unwrap_or("0").to_owned();
            let key = format!("{resource}_{}_{}", part("operation"), part("interval"));
            result.set("operation_key", key);
            changed = true;
        }
    }
    changed
}

/// A rule gives its score to a node for which it holds; 2.1.5 added it to what the node itself has there,
/// minus infinity for one that is not up or is a bundle's, but only with `boolean-op=or`. In a rule
/// around it that means the same, and it does not.
fn without_or_in_front(document: &mut Element) -> bool {
    let constraints = document.at_mut(&["configuration", "constraints"]);
    let locations = constraints.into_iter().flat_map(Element::children_mut);
    let mut changed = false;
    for rule in locations.flat_map(Element::children_mut) {
        if rule.name() != "rule" || rule.get("boolean-op") != Some("or") {
            continue;
        }
        let id = format!("{}-within", rule.id().unwrap_or_default());
        let mut inner = Element::new("rule").with("id", id).with("boolean-op", "or");
        rule.children().for_each(|part| inner.push(part.clone()));
        rule.retain_children(|_| false);
        rule.unset("boolean-op");
        rule.push(inner);
        changed = true;
    }
    changed
}

/// Tells whether the last thing in a history says that the resource may be active.
fn is_active(history: &Element) -> bool {
    let call = |entry: &&Element| {
        entry.get("call-id").and_then(|id| id.parse::<i64>().ok()).unwrap_or_default()
    };
    history.children().max_by_key(call).is_some_and(|last| {
        let stopped = last.get("operation") == Some("stop") && last.get("rc-code") == Some("0");
        !stopped && last.get("rc-code") != Some("7")
    })
}

/// Of nodes with equal capacity Pacemaker takes the one that comes first in a hash table of their ids,
/// we the one that comes first by name. With ids that its table has in the order of the names both
/// decide alike.
fn without_hash_order(document: &mut Element) -> bool {
    // the order in which 2.1.5 goes through such ids, found by trying
    let mut ids: BTreeMap<String, &str> = BTreeMap::new();
    let mut nodes: Vec<(String, String)> = document
        .at(&["configuration", "nodes"])
        .into_iter()
        .flat_map(Element::children)
        .filter_map(|node| Some((node.get("uname")?.to_owned(), node.id()?.to_owned())))
        .collect();
    nodes.sort();
    for ((_, id), new) in nodes.into_iter().zip(["1", "3", "2", "4"]) {
        ids.insert(id, new);
    }
    let mut changed = false;
    renumber(document, &ids, &mut changed);
    changed
}

fn renumber(element: &mut Element, ids: &BTreeMap<String, &str>, changed: &mut bool) {
    if matches!(element.name(), "node" | "node_state" | "lrm" | "transient_attributes")
        && let Some(new) = element.id().and_then(|id| ids.get(id)).copied()
    {
        *changed |= element.id() != Some(new);
        element.set("id", new);
    }
    for child in element.children_mut() {
        renumber(child, ids, changed);
    }
}

fn colocations(document: &Element) -> impl Iterator<Item = &Element> {
    document
        .at(&["configuration", "constraints"])
        .into_iter()
        .flat_map(Element::children)
        .filter(|constraint| constraint.name() == "rsc_colocation")
}

fn remove_colocations(document: &mut Element, unwanted: impl Fn(&Element) -> bool) -> bool {
    let unwanted: BTreeSet<String> = colocations(document)
        .filter(|colocation| unwanted(colocation))
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect();
    let constraints =
        document.child_mut("configuration").and_then(|found| found.child_mut("constraints"));
    if let Some(constraints) = constraints {
        constraints
            .retain_children(|constraint| !constraint.id().is_some_and(|id| unwanted.contains(id)));
    }
    !unwanted.is_empty()
}

fn is_mandatory(colocation: &Element) -> bool {
    colocation.get("score").is_some_and(|score| score.ends_with("INFINITY"))
}

/// The uppermost resource that each one is in.
fn homes(document: &Element) -> BTreeMap<String, String> {
    let mut homes = BTreeMap::new();
    let tops = document.at(&["configuration", "resources"]).into_iter().flat_map(Element::children);
    for top in tops {
        for part in top.descendants() {
            if let (Some(id), Some(home)) = (part.id(), top.id()) {
                homes.insert(id.to_owned(), home.to_owned());
            }
        }
    }
    homes
}

/// The uppermost resources that a colocation names.
fn participants(colocation: &Element, homes: &BTreeMap<String, String>) -> Vec<String> {
    let named = [colocation.get("rsc"), colocation.get("with-rsc")].into_iter().flatten();
    let listed = colocation
        .descendants()
        .filter(|element| element.name() == "resource_ref")
        .filter_map(Element::id);
    named.chain(listed).map(|id| homes.get(id).map_or(id, String::as_str).to_owned()).collect()
}

/// Groups of more than one member.
fn several_members(document: &Element) -> Vec<String> {
    document
        .descendants()
        .filter(|element| element.name() == "group")
        .filter(|group| group.children().filter(|child| child.name() == "primitive").count() > 1)
        .filter_map(Element::id)
        .map(str::to_owned)
        .collect()
}

//! Primitives counted by agent and node, as `crm_mon --brief` lists them.

use std::collections::BTreeMap;

use pengine::status::ResourceStatus;

/// How many of an agent's primitives there are, and where.
#[derive(Default)]
struct Tally<'a> {
    all: usize,
    by_node: BTreeMap<&'a str, usize>,
}

/// The lines for primitives, with bullets; `with_idle` tells of those that run nowhere, too.
pub(crate) fn lines<'a>(
    primitives: impl Iterator<Item = &'a ResourceStatus>,
    with_idle: bool,
) -> Vec<String> {
    let mut tallies: BTreeMap<&str, Tally<'_>> = BTreeMap::new();
    for primitive in primitives {
        let tally = tallies.entry(&primitive.agent).or_default();
        tally.all += 1;
        for node in primitive.nodes.iter().filter(|_| primitive.active) {
            *tally.by_node.entry(node).or_default() += 1;
        }
    }
    let mut lines = Vec::new();
    for (agent, tally) in tallies {
        if with_idle && tally.by_node.is_empty() {
            lines.push(format!("* 0/{}\t({agent}):\tActive", tally.all));
        }
        for (node, count) in tally.by_node {
            let of = if with_idle { format!("/{}", tally.all) } else { String::new() };
            lines.push(format!("* {count}{of}\t({agent}):\tActive {node}"));
        }
    }
    lines
}

/// The lines for the primitives on one node.
pub(crate) fn lines_of_node<'a>(
    primitives: impl Iterator<Item = &'a ResourceStatus>,
) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for primitive in primitives {
        *counts.entry(&primitive.agent).or_default() += 1;
    }
    counts.into_iter().map(|(agent, n)| format!("* {n}\t({agent}):\tActive ")).collect()
}

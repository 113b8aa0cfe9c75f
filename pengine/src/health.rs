//! Node health: `#health-…` attributes become scores of every resource on the node.

use model::Score;

use crate::cluster::{Cluster, HealthStrategy};
use crate::constraint::{Constrained, Discovery, Location};
use crate::index::NodeIx;
use crate::role::Role;
use crate::values;

/// How bad a node's health is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    Green,
    Yellow,
    Red,
}

impl Health {
    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// The worst of a node's health attributes, as people are shown it; what decides nothing is not shown.
/// A number says nothing unless it keeps everything away.
pub(crate) fn shown(cluster: &Cluster, node: NodeIx) -> Health {
    if cluster.properties.health == HealthStrategy::None {
        return Health::Green;
    }
    let [green, ..] = scores(cluster);
    let attributes = cluster[node].attributes.iter();
    attributes
        .filter(|(name, _)| name.starts_with("#health"))
        .map(|(_, value)| {
            let score = match value.to_ascii_lowercase().as_str() {
                "red" => return Health::Red,
                "yellow" => return Health::Yellow,
                "green" => green,
                other => values::score(other).unwrap_or_default(),
            };
            if score == Score::MINUS_INFINITY { Health::Red } else { Health::Green }
        })
        .max()
        .unwrap_or(Health::Green)
}

/// What green, yellow and red count.
fn scores(cluster: &Cluster) -> [Score; 3] {
    match cluster.properties.health {
        HealthStrategy::None => [Score::ZERO; 3],
        HealthStrategy::MigrateOnRed => [Score::ZERO, Score::ZERO, Score::MINUS_INFINITY],
        HealthStrategy::OnlyGreen => [Score::ZERO, Score::MINUS_INFINITY, Score::MINUS_INFINITY],
        HealthStrategy::Progressive | HealthStrategy::Custom => cluster.properties.health_scores,
    }
}

/// A node's health as a score.
fn of_node(cluster: &Cluster, node: NodeIx) -> Score {
    let properties = &cluster.properties;
    if properties.health == HealthStrategy::None {
        return Score::ZERO;
    }
    let [green, yellow, red] = scores(cluster);
    let base = if properties.health == HealthStrategy::Progressive {
        Score::new(properties.health_base)
    } else {
        Score::ZERO
    };
    cluster[node]
        .attributes
        .iter()
        .filter(|(name, _)| name.starts_with("#health"))
        .map(|(_, value)| match value.to_ascii_lowercase().as_str() {
            "green" => green,
            "yellow" => yellow,
            "red" => red,
            other => values::score(other).unwrap_or_default(),
        })
        .fold(base, |sum, score| sum + score)
}

/// Turns every node's health into location scores.
pub(crate) fn apply(all: &mut Constrained) {
    let cluster = &all.cluster;
    if cluster.properties.health == HealthStrategy::None {
        return;
    }
    for &node in &cluster.node_order {
        let health = of_node(cluster, node);
        if health == Score::ZERO {
            continue;
        }
        for &rsc in &cluster.top {
            let allowed = health < Score::ZERO
                && values::truth(
                    cluster[rsc].meta.get("allow-unhealthy-nodes").map(String::as_str),
                );
            if !allowed {
                all.rules.locate(|index| Location {
                    index,
                    id: "node-health-strategy".into(),
                    resource: rsc,
                    role: Role::Unknown,
                    nodes: vec![(node, health)],
                    discovery: Discovery::Always,
                });
            }
        }
    }
}

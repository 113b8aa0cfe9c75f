//! Why everything is where it is, and why what happens happens: the ledger, told.
//!
//! The scores are those that `crm_simulate -s` lists, read at the same moments from the same ledger.

use std::collections::{BTreeMap, BTreeSet};

use cib::Element;
use model::{Score, WallTime};
use serde::Serialize;

use crate::action::Key;
use crate::cluster::{Cluster, QuorumPolicy};
use crate::decision::{self, Decided, Record, Shown};
use crate::explain_cause::Origins;
use crate::index::{NodeIx, ResourceIx};
use crate::order::Ordered;
use crate::plan::{Options, Plan, PlannedAction};
use crate::role::Role;
use crate::task;

pub use crate::explain_cause::{BUILT_IN, Cause};

/// A contribution to a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// Who made it.
    #[serde(flatten)]
    pub cause: Cause,
    /// How much.
    pub score: Score,
}

/// Why a node takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unavailable {
    /// It is not there.
    Offline,
    /// It must be fenced.
    Unclean,
    /// It has not joined yet.
    Pending,
    /// It takes no resources because somebody or a failure said so.
    Standby,
    /// Its resources are left alone.
    Maintenance,
    /// It is leaving.
    ShuttingDown,
}

/// A resource's account on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeAccount {
    /// The node.
    pub node: String,
    /// The sum; none when the node is no candidate at all.
    pub score: Option<Score>,
    /// What the sum is made of, in order.
    pub contributions: Vec<Contribution>,
    /// Why the node takes nothing now, whatever its score.
    pub unavailable: Vec<Unavailable>,
}

impl NodeAccount {
    /// Tells whether the resource could run here.
    pub fn eligible(&self) -> bool {
        self.unavailable.is_empty() && self.score.is_some_and(|score| score >= Score::ZERO)
    }
}

/// What made one node the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedBy {
    /// The highest score.
    Score,
    /// Among equal scores: more free capacity.
    FreeCapacity,
    /// Among equal scores: fewer resources assigned so far.
    FewestResources,
    /// Among equal scores: it runs there already.
    CurrentNode,
    /// Among equal scores: the name.
    NodeName,
    /// Among equal scores: what else is to be placed.
    Preference,
}

/// Who won, and by how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Winner {
    /// The node.
    pub node: String,
    /// Its score.
    pub score: Score,
    /// What decided.
    pub decided_by: DecidedBy,
    /// The best of the other nodes that could run it, with its score.
    pub runner_up: Option<(String, Score)>,
    /// The difference to that one; none where an infinity makes it meaningless.
    pub margin: Option<i64>,
}

/// Why nothing is done about a resource, or why it runs nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Still {
    /// It is where it should be.
    InPlace,
    /// It is not configured any more.
    Removed,
    /// It must not run: `target-role`.
    Disabled,
    /// It must not run: `stop-all-resources`.
    StopAll,
    /// `stonith-enabled` is true, and there is no fence device.
    NoFenceDevice,
    /// Maintenance of the cluster, a node, or the resource.
    Maintenance,
    /// `is-managed=false`.
    Unmanaged,
    /// A failure with `on-fail=block`, or one that cannot be mended.
    Blocked,
    /// This partition has no quorum.
    NoQuorum,
    /// No node can run it.
    NoNode,
    /// What must be done first cannot be done.
    Waiting {
        /// What, in the scheduler's words.
        reason: String,
    },
}

/// What speaks for the promotion of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// The sum by which instances are compared; a negative one is never promoted.
    pub score: Score,
    /// What the sum is made of, in order.
    pub contributions: Vec<Contribution>,
}

/// The account of one resource (of one instance, in clones).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its id; instances have numbers.
    pub resource: String,
    /// Ids of all that it is in, the innermost first.
    pub inside: Vec<String>,
    /// Its role now.
    pub role: String,
    /// Its role when the plan is done.
    pub next_role: String,
    /// Where it is active now.
    pub active_on: Vec<String>,
    /// Where it will be.
    pub target: Option<String>,
    /// Its scores, the best node first.
    pub nodes: Vec<NodeAccount>,
    /// Who won; none where scores decided nothing.
    pub winner: Option<Winner>,
    /// What speaks for its promotion, in promotable clones.
    pub promotion: Option<Promotion>,
    /// What the plan does with it.
    pub actions: Vec<PlannedAction>,
    /// Why the plan does nothing with it, or why it runs nowhere.
    pub still: Option<Still>,
}

/// A line of the scores listing with what its score is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The line's text in front of the score.
    pub line: String,
    /// The score.
    pub score: Score,
    /// Its parts.
    pub contributions: Vec<Contribution>,
}

/// A plan with its explanations.
#[derive(Debug)]
pub struct Explained<Graph = Element> {
    /// The plan.
    pub plan: Plan<Graph>,
    /// The primitives that were asked about, in the order of the document.
    pub resources: Vec<Explanation>,
    /// Whether any node is online; without one nothing is ever done.
    pub any_node_online: bool,
}

impl<Graph> Explained<Graph> {
    /// Finds the explanations of a resource: of itself, of what is in it, or of its instances.
    pub fn of(&self, id: &str) -> Vec<&Explanation> {
        let names = |one: &Explanation| {
            std::iter::once(&one.resource)
                .chain(&one.inside)
                .any(|name| is_or_is_instance(name, id))
        };
        self.resources.iter().filter(|explanation| names(explanation)).collect()
    }
}

/// Tells whether a resource is the one of this id, or an instance of it.
fn is_or_is_instance(name: &str, id: &str) -> bool {
    let number = name.strip_prefix(id).and_then(|rest| rest.strip_prefix(':'));
    name == id || number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// Every primitive.
    Everything,
    /// Those that the plan does something with.
    Actions,
    /// One resource: itself, what is in it, its instances.
    Resource(&'a str),
}

/// Decides as [`crate::schedule`] does and tells why.
pub fn explain(input: &Element, now: WallTime, options: &Options) -> Explained {
    explain_into(input, now, options, About::Everything, crate::Tree::default())
}

/// As [`explain`], about some of the resources, with the transition graph going where `graph` takes
/// it: `()` is for who has no use for it.
pub fn explain_into<M: crate::Markup>(
    input: &Element,
    now: WallTime,
    options: &Options,
    about: About<'_>,
    graph: M,
) -> Explained<M::Done> {
    let ordered = crate::decide(input, now, options, Record::new(true));
    let teller = Teller::new(&ordered, input);
    let cluster = teller.cluster();
    let any_node_online = cluster.nodes.iter().any(|node| node.online && !node.ping);
    let resources = teller.resources(about);
    Explained { plan: crate::graph::build(ordered, options, graph), resources, any_node_online }
}

/// Returns the scores listing with what every score is made of.
pub fn listing(input: &Element, now: WallTime, options: &Options) -> Vec<Listed> {
    Teller::new(&crate::decide(input, now, options, Record::new(true)), input).listing()
}

struct Teller<'a> {
    ordered: &'a Ordered,
    origins: Origins,
    /// The summary's lines by what they are about.
    summary: BTreeMap<String, Vec<PlannedAction>>,
}

impl<'a> Teller<'a> {
    fn new(ordered: &'a Ordered, input: &Element) -> Self {
        let mut summary: BTreeMap<String, Vec<PlannedAction>> = BTreeMap::new();
        for line in crate::summary::lines(&ordered.planned) {
            summary.entry(line.subject.clone()).or_default().push(line);
        }
        Self { ordered, origins: Origins::of(input), summary }
    }

    fn cluster(&self) -> &Cluster {
        &self.ordered.planned.placed.cluster
    }

    fn contributions(&self, shown: &Shown) -> Vec<Contribution> {
        let ledger = &self.ordered.planned.placed.scores.ledger;
        ledger
            .contributions(shown.cell)
            .into_iter()
            .map(|(cause, score)| Contribution {
                cause: self.origins.name(
                    &self.ordered.planned.placed,
                    cause,
                    shown.rsc,
                    shown.node,
                ),
                score,
            })
            .collect()
    }

    fn listing(&self) -> Vec<Listed> {
        let placed = &self.ordered.planned.placed;
        placed
            .record
            .shown()
            .iter()
            .filter(|shown| shown.what != decision::Listed::Decision)
            .map(|shown| Listed {
                line: shown.line(&placed.cluster),
                score: placed.scores.ledger.score(shown.cell),
                contributions: self.contributions(shown),
            })
            .collect()
    }

    /// Tells whether a primitive is to be explained.
    fn is_asked(&self, rsc: ResourceIx, about: About<'_>) -> bool {
        let cluster = self.cluster();
        match about {
            About::Everything => true,
            About::Actions => self.summary.contains_key(&cluster[rsc].id),
            About::Resource(id) => std::iter::successors(Some(rsc), |one| cluster[*one].parent)
                .any(|one| is_or_is_instance(&cluster[one].id, id)),
        }
    }

    fn resources(&self, about: About<'_>) -> Vec<Explanation> {
        let placed = &self.ordered.planned.placed;
        let families = placed.cluster.top.iter().flat_map(|&top| placed.cluster.family(top));
        let asked: Vec<ResourceIx> = families
            .filter(|&rsc| placed.cluster[rsc].is_primitive() && self.is_asked(rsc, about))
            .collect();
        // what was read last before the decision, of each resource that is asked about
        let mut last: BTreeMap<ResourceIx, Vec<&Shown>> =
            asked.iter().map(|rsc| (*rsc, Vec::new())).collect();
        let mut promotions: BTreeMap<ResourceIx, &Shown> = BTreeMap::new();
        for shown in placed.record.shown() {
            if shown.what == decision::Listed::Promotion {
                promotions.insert(shown.rsc, shown);
                continue;
            }
            let Some(of) = last.get_mut(&shown.rsc) else { continue };
            let again = |other: &&Shown| other.node == shown.node || other.what != shown.what;
            if of.iter().any(again) {
                of.clear();
            }
            of.push(shown);
        }
        let explanation = |rsc| self.explanation(rsc, &last[&rsc], &promotions);
        asked.into_iter().map(explanation).collect()
    }

    fn explanation(
        &self,
        rsc: ResourceIx,
        shown: &[&Shown],
        promotions: &BTreeMap<ResourceIx, &Shown>,
    ) -> Explanation {
        let cluster = self.cluster();
        let one = &cluster[rsc];
        let name = |node: NodeIx| cluster[node].name.clone();
        let mut inside = Vec::new();
        let mut promotion = promotions.get(&rsc);
        let mut parent = one.parent;
        while let Some(holder) = parent {
            promotion = promotion.or_else(|| promotions.get(&holder));
            inside.push(cluster[holder].id.clone());
            parent = cluster[holder].parent;
        }
        let nodes = self.accounts(shown);
        let actions = self.summary.get(&one.id).cloned().unwrap_or_default();
        let nowhere = self.ordered.planned.home(rsc).is_none();
        let still = (actions.is_empty() || nowhere).then(|| self.still(rsc, &nodes));
        Explanation {
            resource: one.id.clone(),
            inside,
            role: one.role.text().to_owned(),
            next_role: one.next_role.text().to_owned(),
            active_on: one.running_on.iter().copied().map(name).collect(),
            target: self.ordered.planned.home(rsc).map(name),
            winner: self.winner(rsc, &nodes),
            promotion: promotion.map(|shown| Promotion {
                score: self.ordered.planned.placed.scores.ledger.score(shown.cell),
                contributions: self.contributions(shown),
            }),
            nodes,
            actions,
            still,
        }
    }

    fn accounts(&self, shown: &[&Shown]) -> Vec<NodeAccount> {
        let cluster = self.cluster();
        let ledger = &self.ordered.planned.placed.scores.ledger;
        let mut accounts: Vec<NodeAccount> = shown
            .iter()
            .filter_map(|shown| {
                let node = shown.node?;
                Some(NodeAccount {
                    node: cluster[node].name.clone(),
                    score: Some(ledger.score(shown.cell)),
                    contributions: self.contributions(shown),
                    unavailable: unavailable(cluster, node),
                })
            })
            .collect();
        let known: BTreeSet<NodeIx> = shown.iter().filter_map(|shown| shown.node).collect();
        for &node in &cluster.node_order {
            if !known.contains(&node) && !cluster[node].ping && !cluster.is_guest(node) {
                accounts.push(NodeAccount {
                    node: cluster[node].name.clone(),
                    score: None,
                    contributions: Vec::new(),
                    unavailable: unavailable(cluster, node),
                });
            }
        }
        accounts.sort_by_key(|account| {
            (account.score.is_none(), std::cmp::Reverse(account.score), !account.eligible())
        });
        accounts
    }

    fn winner(&self, rsc: ResourceIx, nodes: &[NodeAccount]) -> Option<Winner> {
        let home = self.ordered.planned.home(rsc)?;
        let decided = self.ordered.planned.placed.record.decided(rsc)?;
        let node = &self.cluster()[home].name;
        let score = nodes.iter().find(|account| account.node == *node)?.score?;
        let runner_up = nodes
            .iter()
            .filter(|account| account.node != *node && account.eligible())
            .find_map(|account| Some((account.node.clone(), account.score?)));
        let margin = runner_up.as_ref().and_then(|(_, other)| {
            let finite = !score.is_infinite() && !other.is_infinite();
            finite.then(|| i64::from(score.value()) - i64::from(other.value()))
        });
        let decided_by = match decided {
            Decided::Score => DecidedBy::Score,
            Decided::Capacity => DecidedBy::FreeCapacity,
            Decided::Count => DecidedBy::FewestResources,
            Decided::Current => DecidedBy::CurrentNode,
            Decided::Name => DecidedBy::NodeName,
            Decided::Wanted => DecidedBy::Preference,
        };
        Some(Winner { node: node.clone(), score, decided_by, runner_up, margin })
    }

    fn still(&self, rsc: ResourceIx, nodes: &[NodeAccount]) -> Still {
        let cluster = self.cluster();
        let one = &cluster[rsc];
        let home = self.ordered.planned.home(rsc);
        let on_maintained_node = || one.running_on.iter().any(|node| cluster[*node].maintenance);
        if one.removed {
            return Still::Removed;
        }
        if cluster.properties.fencing && !cluster.has_fencing_device {
            return Still::NoFenceDevice;
        }
        if one.blocked {
            return Still::Blocked;
        }
        if cluster.properties.maintenance || one.maintenance || on_maintained_node() {
            return Still::Maintenance;
        }
        if !one.managed {
            return Still::Unmanaged;
        }
        if home.is_some() && cluster.current_node(rsc) == home && one.role == one.next_role {
            return Still::InPlace;
        }
        if home.is_some() {
            let book = &self.ordered.planned.placed.book;
            let start = book.matching(rsc, Key::once(task::START), home).first().copied();
            if let Some(start) = start.filter(|start| !book[*start].runnable) {
                let reason = book[start].reason.as_deref().unwrap_or_default().to_owned();
                return Still::Waiting { reason };
            }
        }
        let wanted = one.meta.get("target-role").and_then(|text| Role::parse(text));
        if wanted == Some(Role::Stopped) {
            return Still::Disabled;
        }
        if cluster.properties.stop_all && !one.fence_device {
            return Still::StopAll;
        }
        if !cluster.quorate && cluster.properties.quorum_policy != QuorumPolicy::Ignore {
            return Still::NoQuorum;
        }
        if !nodes.iter().any(NodeAccount::eligible) { Still::NoNode } else { Still::InPlace }
    }
}

fn unavailable(cluster: &Cluster, node: NodeIx) -> Vec<Unavailable> {
    let node = &cluster[node];
    [
        (node.unclean, Unavailable::Unclean),
        (!node.online && !node.unclean && !node.pending, Unavailable::Offline),
        (!node.online && !node.unclean && node.pending, Unavailable::Pending),
        (node.standby, Unavailable::Standby),
        (node.maintenance, Unavailable::Maintenance),
        (node.shutdown && node.online, Unavailable::ShuttingDown),
    ]
    .into_iter()
    .filter_map(|(is, why)| is.then_some(why))
    .collect()
}

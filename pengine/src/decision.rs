//! What was decided on which scores, kept while resources are placed so that it can be explained.

use crate::cluster::Cluster;
use crate::index::{NodeIx, ResourceIx};
use crate::ledger::Cell;
use crate::place::Placed;
use crate::plan::UtilizationLine;

/// What a line of the scores listing is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// A node for a resource, at the step of this name.
    Node(&'static str),
    /// The same when it was decided, where that is later than what is listed.
    Decision,
    /// The promotion of an instance.
    Promotion,
}

/// A line of the scores listing: where in the ledger it was read.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) what: Listed,
    pub(crate) rsc: ResourceIx,
    /// None for an instance without a node.
    pub(crate) node: Option<NodeIx>,
    pub(crate) cell: Cell,
}

impl Shown {
    /// Whether it is in the scores listing.
    fn is_listed(&self) -> bool {
        self.what != Listed::Decision
    }

    /// The text of the line in front of the score.
    pub(crate) fn line(&self, cluster: &Cluster) -> String {
        let id = &cluster[self.rsc].id;
        match (self.what, self.node) {
            (Listed::Node(step), node) => {
                let node = node.map_or("", |node| cluster[node].name.as_str());
                format!("{step}: {id} allocation score on {node}")
            }
            (Listed::Decision, _) => id.clone(),
            (Listed::Promotion, Some(node)) => {
                format!("{id} promotion score on {}", cluster[node].name)
            }
            (Listed::Promotion, None) => format!("{id} promotion score (inactive)"),
        }
    }
}

/// The scores listing, a line each.
pub(crate) fn listing(placed: &Placed) -> Vec<String> {
    let listed = placed.record.shown().iter().filter(|shown| shown.is_listed());
    listed
        .map(|shown| {
            let score = placed.scores.ledger.score(shown.cell);
            format!("{}: {score}", shown.line(&placed.cluster))
        })
        .collect()
}

/// What made one node of several the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// Its score is the highest.
    Score,
    /// Scores are equal; it has more free capacity.
    Capacity,
    /// Scores are equal; it has fewer resources.
    Count,
    /// Scores are equal; the resource is there already.
    Current,
    /// Scores are equal; its name comes first.
    Name,
    /// Scores are equal; what else is to be placed speaks for it.
    Wanted,
}

/// The record of a run, empty unless it is wanted: it is larger than all scores.
#[derive(Debug)]
pub(crate) struct Record {
    wanted: bool,
    /// What was shown, in order.
    shown: Vec<Shown>,
    /// How many of them are in the scores listing.
    listed: usize,
    decided: Vec<Option<Decided>>,
    /// The utilization listing, where that is wanted.
    utilization: Option<Vec<UtilizationLine>>,
}

impl Record {
    /// Begins a record, or none.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, shown: Vec::new(), listed: 0, decided: Vec::new(), utilization: None }
    }

    /// The same with the utilization listing, if that is wanted.
    pub(crate) fn with_utilization(self, wanted: bool) -> Self {
        Self { utilization: wanted.then(Vec::new), ..self }
    }

    /// Tells whether anyone wants to know.
    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    /// Adds a line to the scores listing.
    pub(crate) fn show(&mut self, shown: Shown) {
        if self.wanted {
            self.listed += usize::from(shown.is_listed());
            self.shown.push(shown);
        }
    }

    /// Adds a line to the utilization listing.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.utilization {
            lines.push(UtilizationLine { after: self.listed, text: line() });
        }
    }

    /// The utilization listing.
    pub(crate) fn take_utilization(&mut self) -> Vec<UtilizationLine> {
        self.utilization.take().unwrap_or_default()
    }

    /// All lines of the scores listing, in order.
    pub(crate) fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// Notes what decided about a resource; the last decision counts.
    pub(crate) fn decide(&mut self, rsc: ResourceIx, decided: Decided) {
        if self.decided.len() <= rsc.position() {
            self.decided.resize(rsc.position() + 1, None);
        }
        self.decided[rsc.position()] = Some(decided);
    }

    /// Returns what decided about a resource; none when no node was chosen by scores.
    pub(crate) fn decided(&self, rsc: ResourceIx) -> Option<Decided> {
        self.decided.get(rsc.position()).copied().flatten()
    }
}

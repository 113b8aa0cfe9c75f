//! The score ledger: the only place where a score lives.
//!
//! Every score that a resource has on a node is a chain of contributions, each with its cause; the
//! last one knows the sum. Copying a table of scores copies one small integer a node.

use model::Score;

use crate::index::{ColocationIx, LocationIx, NodeIx, ResourceIx};

/// Who added a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// `symmetric-cluster` and the like: where scores begin.
    Start,
    /// A location constraint or one of its rules.
    Location(LocationIx),
    /// `resource-stickiness`.
    Stickiness,
    /// A colocation, through the other resource.
    Colocation(ColocationIx, ResourceIx),
    /// Fail counts at or above `migration-threshold`.
    FailCount,
    /// A failure that this node cannot mend.
    HardError,
    /// A failure that no node can mend.
    FatalError,
    /// A score in the node's entry.
    NodeScore,
    /// Any other built-in reason, by its name in the documentation.
    BuiltIn(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    cause: u32,
    delta: Score,
    total: Score,
    before: u32,
}

/// A resource's score on one node: a place in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell(u32);

impl Cell {
    /// The node is not a candidate at all.
    pub(crate) const ABSENT: Self = Self(u32::MAX);
    /// A candidate without any contribution.
    pub(crate) const EMPTY: Self = Self(0);

    /// Tells whether the node is a candidate.
    pub(crate) fn present(self) -> bool {
        self != Self::ABSENT
    }
}

/// Scores on all nodes.
pub(crate) type Table = Vec<Cell>;

/// All contributions of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    causes: Vec<Cause>,
    by_cause: std::collections::BTreeMap<Cause, u32>,
    /// Of colocations, which contribute most often: a few others and their numbers each.
    by_colocation: Vec<Vec<(ResourceIx, u32)>>,
    /// Entries made lately, each where it would be looked for.
    lately: Box<[u32; LATELY]>,
}

/// How many entries are kept in mind to be shared.
const LATELY: usize = 1024;

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            entries: vec![Entry { cause: 0, delta: Score::ZERO, total: Score::ZERO, before: 0 }],
            causes: vec![Cause::Start],
            by_cause: std::collections::BTreeMap::new(),
            by_colocation: Vec::new(),
            lately: Box::new([0; LATELY]),
        }
    }

    /// Returns the number by which contributions name their cause.
    pub(crate) fn cause(&mut self, cause: Cause) -> u32 {
        if cause == Cause::Start {
            return 0;
        }
        let next = u32::try_from(self.causes.len()).unwrap_or(u32::MAX);
        let number = if let Cause::Colocation(colocation, other) = cause {
            if self.by_colocation.len() <= colocation.position() {
                self.by_colocation.resize(colocation.position() + 1, Vec::new());
            }
            let known = &mut self.by_colocation[colocation.position()];
            match known.iter().find(|(through, _)| *through == other) {
                Some((_, number)) => *number,
                None => {
                    known.push((other, next));
                    next
                }
            }
        } else {
            *self.by_cause.entry(cause).or_insert(next)
        };
        if number == next {
            self.causes.push(cause);
        }
        number
    }

    /// Returns the sum; minus infinity for a node that is no candidate.
    pub(crate) fn score(&self, cell: Cell) -> Score {
        if cell.present() { self.entries[cell.0 as usize].total } else { Score::MINUS_INFINITY }
    }

    /// Adds a contribution.
    pub(crate) fn add(&mut self, cell: Cell, delta: Score, cause: u32) -> Cell {
        let total = if cell.present() { self.score(cell) } else { Score::ZERO } + delta;
        if delta == Score::ZERO && cell.present() {
            return cell;
        }
        let before = if cell.present() { cell.0 } else { 0 };
        let slot = slot(cause, delta, before);
        let alike = self.lately[slot];
        let known = self.entries[alike as usize];
        if alike != 0 && (known.cause, known.delta, known.before) == (cause, delta, before) {
            return Cell(alike);
        }
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX - 1);
        self.entries.push(Entry { cause, delta, total, before });
        self.lately[slot] = place;
        Cell(place)
    }

    /// Begins anew with a score that does not depend on what was before.
    pub(crate) fn begin(&mut self, score: Score, cause: u32) -> Cell {
        self.add(Cell::EMPTY, score, cause)
    }

    /// Returns the contributions, oldest first.
    pub(crate) fn contributions(&self, cell: Cell) -> Vec<(Cause, Score)> {
        let mut found = Vec::new();
        let mut at = if cell.present() { cell.0 } else { 0 };
        while at != 0 {
            let entry = self.entries[at as usize];
            found.push((self.causes[entry.cause as usize], entry.delta));
            at = entry.before;
        }
        found.reverse();
        found
    }
}

/// Where an entry would be found if it was made lately.
fn slot(cause: u32, delta: Score, before: u32) -> usize {
    let mixed = before.wrapping_mul(0x9e37_79b1)
        ^ cause.wrapping_mul(0x85eb_ca6b)
        ^ delta.value().cast_unsigned().wrapping_mul(0xc2b2_ae35);
    (mixed >> 16) as usize % LATELY
}

/// The candidates' scores of every resource.
#[derive(Debug)]
pub(crate) struct Scores {
    pub(crate) ledger: Ledger,
    tables: Vec<Table>,
    nodes: usize,
    /// Resources of which a change is to be told.
    watched: Vec<bool>,
    changed: Vec<ResourceIx>,
}

impl Scores {
    pub(crate) fn new() -> Self {
        Self {
            ledger: Ledger::new(),
            tables: Vec::new(),
            nodes: 0,
            watched: Vec::new(),
            changed: Vec::new(),
        }
    }

    fn ensure(&mut self, resource: ResourceIx, node: usize) {
        if self.tables.len() <= resource.position() {
            self.tables.resize(resource.position() + 1, Vec::new());
        }
        self.nodes = self.nodes.max(node + 1);
        let table = &mut self.tables[resource.position()];
        if table.len() <= node {
            table.resize(self.nodes.max(node + 1), Cell::ABSENT);
        }
    }

    /// Returns a resource's place on a node.
    pub(crate) fn cell(&self, resource: ResourceIx, node: NodeIx) -> Cell {
        self.tables
            .get(resource.position())
            .and_then(|table| table.get(node.position()))
            .copied()
            .unwrap_or(Cell::ABSENT)
    }

    /// Changes a resource's place on a node.
    pub(crate) fn set(&mut self, resource: ResourceIx, node: NodeIx, cell: Cell) {
        self.ensure(resource, node.position());
        if self.tables[resource.position()][node.position()] != cell {
            self.tell(resource);
        }
        self.tables[resource.position()][node.position()] = cell;
    }

    /// Tells whether the node is a candidate of the resource.
    pub(crate) fn allowed(&self, resource: ResourceIx, node: NodeIx) -> bool {
        self.cell(resource, node).present()
    }

    /// Returns the resource's score on the node.
    pub(crate) fn get(&self, resource: ResourceIx, node: NodeIx) -> Score {
        self.ledger.score(self.cell(resource, node))
    }

    /// Adds a contribution, making the node a candidate.
    pub(crate) fn add(&mut self, resource: ResourceIx, node: NodeIx, score: Score, cause: Cause) {
        let cause = self.ledger.cause(cause);
        let cell = self.ledger.add(self.cell(resource, node), score, cause);
        self.set(resource, node, cell);
    }

    /// Looks at a resource's table.
    pub(crate) fn places(&self, resource: ResourceIx) -> &[Cell] {
        self.tables.get(resource.position()).map_or(&[], Vec::as_slice)
    }

    /// Copies a resource's table.
    pub(crate) fn table(&self, resource: ResourceIx) -> Table {
        self.places(resource).to_vec()
    }

    /// Puts a table in place of a resource's.
    pub(crate) fn replace(&mut self, resource: ResourceIx, table: Table) {
        if self.tables.len() <= resource.position() {
            self.tables.resize(resource.position() + 1, Vec::new());
        }
        if self.tables[resource.position()] != table {
            self.tell(resource);
        }
        self.tables[resource.position()] = table;
    }

    /// Wants to be told, once, when a score of a resource has changed.
    pub(crate) fn watch(&mut self, resource: ResourceIx) {
        if self.watched.len() <= resource.position() {
            self.watched.resize(resource.position() + 1, false);
        }
        self.watched[resource.position()] = true;
    }

    fn tell(&mut self, resource: ResourceIx) {
        if let Some(watched @ true) = self.watched.get_mut(resource.position()) {
            *watched = false;
            self.changed.push(resource);
        }
    }

    /// A watched resource whose scores have changed since.
    pub(crate) fn next_changed(&mut self) -> Option<ResourceIx> {
        self.changed.pop()
    }

    /// Returns the candidates of a resource.
    pub(crate) fn candidates(&self, resource: ResourceIx) -> Vec<NodeIx> {
        present(self.places(resource))
    }
}

/// Returns the nodes that are candidates in a table.
pub(crate) fn present(table: &[Cell]) -> Vec<NodeIx> {
    table
        .iter()
        .enumerate()
        .filter(|(_, cell)| cell.present())
        .map(|(position, _)| NodeIx::at(position))
        .collect()
}

/// Returns a table's place for a node.
pub(crate) fn cell_of(table: &[Cell], node: NodeIx) -> Cell {
    table.get(node.position()).copied().unwrap_or(Cell::ABSENT)
}

#[cfg(test)]
mod tests {
    use super::{Cause, Cell, Ledger};
    use crate::index::LocationIx;
    use model::Score;

    #[test]
    fn the_same_way_to_a_score_is_kept_once() {
        let mut ledger = Ledger::new();
        let stickiness = ledger.cause(Cause::Stickiness);
        let start = ledger.cause(Cause::Start);
        let one = ledger.add(Cell::ABSENT, Score::ZERO, start);
        let other = ledger.add(Cell::ABSENT, Score::ZERO, start);
        assert_eq!(one, other);
        let sticky = ledger.add(one, Score::new(1), stickiness);
        assert_eq!(ledger.add(other, Score::new(1), stickiness), sticky);
        assert_ne!(ledger.add(other, Score::new(2), stickiness), sticky);
        assert_ne!(ledger.add(sticky, Score::new(1), stickiness), sticky);
    }

    #[test]
    fn a_score_is_the_sum_of_its_contributions() {
        let mut ledger = Ledger::new();
        let stickiness = ledger.cause(Cause::Stickiness);
        let constraint = Cause::Location(LocationIx::at(0));
        let location = ledger.cause(constraint);
        let one = ledger.add(Cell::EMPTY, Score::new(100), stickiness);
        let two = ledger.add(one, Score::new(-30), location);
        assert_eq!(ledger.score(two), Score::new(70));
        assert_eq!(ledger.score(one), Score::new(100), "a copy is unchanged");
        assert_eq!(
            ledger.contributions(two),
            [(Cause::Stickiness, Score::new(100)), (constraint, Score::new(-30))]
        );
    }
}

//! How the log came to be what it is, and what two nodes with different histories do about it.

use model::NodeId;

use super::record::Ancestor;

/// How two lineages stand to each other, seen from the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same history.
    Equal,
    /// Mine is the beginning of theirs: they went on without me.
    Behind,
    /// Theirs is the beginning of mine.
    Ahead,
    /// Both went on without the other after the first `fork` ancestors.
    Diverged { fork: usize },
}

/// Compares two lineages, oldest ancestor first.
pub(super) fn relate(mine: &[Ancestor], theirs: &[Ancestor]) -> Relation {
    let fork = mine.iter().zip(theirs).take_while(|(a, b)| a == b).count();
    match (fork == mine.len(), fork == theirs.len()) {
        (true, true) => Relation::Equal,
        (true, false) => Relation::Behind,
        (false, true) => Relation::Ahead,
        (false, false) => Relation::Diverged { fork },
    }
}

/// What decides between two diverged lineages: the document's version, then how much happened
/// since the fork, then the lower node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) admin_epoch: u64,
    pub(super) epoch: u64,
    pub(super) entries_since_fork: u64,
    pub(super) node: NodeId,
}

impl Weight {
    /// Tells whether this side goes on and the other one gives way.
    pub(super) fn wins(&self, other: &Self) -> bool {
        let rank =
            |w: &Self| (w.admin_epoch, w.epoch, w.entries_since_fork, std::cmp::Reverse(w.node));
        rank(self) > rank(other)
    }
}

/// Returns how many of the caller's entries came after the fork.
pub(super) fn entries_since(lineage: &[Ancestor], fork: usize, writes: u64) -> u64 {
    writes.saturating_sub(lineage.get(fork).map_or(writes, |a| a.writes))
}

/// Returns the number of the latest generation; 0 = none.
pub(super) fn generation(lineage: &[Ancestor]) -> u64 {
    lineage.last().map_or(0, |a| a.generation)
}

/// Names a lineage in eight bytes (FNV-1a over what tells ancestors apart).
pub(super) fn digest(lineage: &[Ancestor]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |number: u64| {
        for byte in number.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for ancestor in lineage {
        mix(ancestor.generation);
        mix(u64::from(ancestor.by));
        mix(ancestor.salt);
        mix(ancestor.writes);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestor(generation: u64, by: u32) -> Ancestor {
        Ancestor { generation, by, salt: u64::from(by), ..Ancestor::default() }
    }

    #[test]
    fn a_strict_prefix_is_behind_and_its_continuation_is_ahead() {
        let old = [ancestor(1, 0)];
        let new = [ancestor(1, 0), ancestor(2, 1)];
        assert_eq!(relate(&old, &new), Relation::Behind);
        assert_eq!(relate(&new, &old), Relation::Ahead);
        assert_eq!(relate(&new, &new), Relation::Equal);
        assert_ne!(digest(&old), digest(&new));
    }

    #[test]
    fn the_same_generation_made_by_two_nodes_has_diverged() {
        let a = [ancestor(1, 0), ancestor(2, 1)];
        let b = [ancestor(1, 0), ancestor(2, 2)];
        assert_eq!(relate(&a, &b), Relation::Diverged { fork: 1 });
        assert_ne!(digest(&a), digest(&b));
    }

    #[test]
    fn the_newer_document_wins_then_the_busier_side_then_the_lower_node() {
        let weight = |admin_epoch, epoch, entries_since_fork, node| Weight {
            admin_epoch,
            epoch,
            entries_since_fork,
            node: NodeId(node),
        };
        assert!(weight(1, 0, 0, 2).wins(&weight(0, 9, 9, 1)));
        assert!(weight(0, 3, 0, 2).wins(&weight(0, 2, 9, 1)));
        assert!(weight(0, 3, 5, 2).wins(&weight(0, 3, 4, 1)));
        assert!(weight(0, 3, 4, 1).wins(&weight(0, 3, 4, 2)));
        assert!(!weight(0, 3, 4, 2).wins(&weight(0, 3, 4, 1)));
    }
}

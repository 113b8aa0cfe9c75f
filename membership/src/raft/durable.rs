//! What a sequence of records comes to: the state a store is opened with.

use super::record::{Base, Kind, Record};

/// Records that cannot follow each other: the store is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// Something before the first complete state.
    #[error("it does not begin with a complete state")]
    NoBase,
    /// Entries are missing.
    #[error("entry {found} follows entry {last}, those between are missing")]
    Gap { last: u64, found: u64 },
    /// An entry would replace one that a snapshot holds.
    #[error("entry {found} would replace what the snapshot at {snapshot} holds")]
    Rewritten { snapshot: u64, found: u64 },
    /// A record of a kind this version does not know.
    #[error("it holds a record of a newer version")]
    Unknown,
}

/// Applies one record to a state.
pub fn apply(state: &mut Option<Base>, record: Record) -> Result<(), Inconsistent> {
    match record.kind.ok_or(Inconsistent::Unknown)? {
        Kind::Archive(_) => Ok(()),
        Kind::Base(base) => {
            *state = Some(*base);
            Ok(())
        }
        Kind::Hard(hard) => {
            state.as_mut().ok_or(Inconsistent::NoBase)?.hard = Some(hard);
            Ok(())
        }
        Kind::Append(append) => {
            let base = state.as_mut().ok_or(Inconsistent::NoBase)?;
            let Some(first) = append.entries.first().map(|entry| entry.index) else {
                return Ok(());
            };
            let snapshot = base.snapshot.as_ref().map_or(0, |snapshot| snapshot.index);
            if first <= snapshot {
                return Err(Inconsistent::Rewritten { snapshot, found: first });
            }
            let last = base.start_index + base.entries.len() as u64;
            let keep = first
                .checked_sub(base.start_index + 1)
                .and_then(|keep| usize::try_from(keep).ok())
                .filter(|keep| *keep <= base.entries.len())
                .ok_or(Inconsistent::Gap { last, found: first })?;
            let contiguous =
                (first..).zip(&append.entries).all(|(index, entry)| entry.index == index);
            if !contiguous {
                return Err(Inconsistent::Gap { last: first, found: first });
            }
            base.entries.truncate(keep);
            base.entries.extend(append.entries);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::record::{Hard, LogEntry, Snapshot};

    fn entries(indices: impl IntoIterator<Item = u64>, term: u64) -> Record {
        let entry = |index| LogEntry { index, term, ..LogEntry::default() };
        Record::append(indices.into_iter().map(entry).collect())
    }

    fn base() -> Option<Base> {
        let snapshot = Some(Snapshot { index: 5, term: 1, ..Snapshot::default() });
        let mut state = None;
        let record = Record::base(Base { start_index: 5, snapshot, ..Base::default() });
        apply(&mut state, record).expect("a base");
        state
    }

    #[test]
    fn later_entries_replace_those_from_their_first_index_on() {
        let mut state = base();
        apply(&mut state, entries(6..=9, 1)).expect("entries");
        apply(&mut state, entries(8..=8, 2)).expect("a newer entry");
        let state = state.expect("a state");
        let kept: Vec<(u64, u64)> = state.entries.iter().map(|e| (e.index, e.term)).collect();
        assert_eq!(kept, [(6, 1), (7, 1), (8, 2)]);
    }

    #[test]
    fn a_gap_or_a_change_below_the_snapshot_is_refused() {
        let mut state = base();
        let gap = apply(&mut state, entries(7..=7, 1));
        assert_eq!(gap, Err(Inconsistent::Gap { last: 5, found: 7 }));
        let rewritten = apply(&mut state, entries(5..=6, 1));
        assert_eq!(rewritten, Err(Inconsistent::Rewritten { snapshot: 5, found: 5 }));
        let hard = apply(&mut None, Record::hard(Hard::default()));
        assert_eq!(hard, Err(Inconsistent::NoBase));
    }
}

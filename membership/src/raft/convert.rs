//! Between the records on disk and raft's own types, and what both mean by a configuration.

use prost::Message as _;
use raft::eraftpb;
use raft_prost::Message as _;

use super::record::{Hard, LogEntry, OwnState, Voters};

/// A raft snapshot's `data`: what the core keeps for itself, and the caller's bytes.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct SnapshotBody {
    #[prost(message, optional, tag = "1")]
    pub(super) own: Option<OwnState>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) data: Vec<u8>,
}

pub(super) fn entry_to_record(entry: &eraftpb::Entry) -> LogEntry {
    LogEntry {
        index: entry.index,
        term: entry.term,
        kind: entry.entry_type,
        data: entry.data.clone(),
        context: entry.context.clone(),
    }
}

pub(super) fn entry_from_record(entry: &LogEntry) -> eraftpb::Entry {
    eraftpb::Entry {
        index: entry.index,
        term: entry.term,
        entry_type: entry.kind,
        data: entry.data.clone(),
        context: entry.context.clone(),
        sync_log: false,
    }
}

pub(super) fn hard_to_record(hard: &eraftpb::HardState) -> Hard {
    Hard { term: hard.term, vote: hard.vote, commit: hard.commit }
}

pub(super) fn hard_from_record(hard: &Hard) -> eraftpb::HardState {
    eraftpb::HardState { term: hard.term, vote: hard.vote, commit: hard.commit }
}

pub(super) fn voters_to_record(conf: &eraftpb::ConfState) -> Voters {
    // Raft keeps sets; sorted, the bytes on disk are the same on every node.
    let sorted = |ids: &[u64]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    };
    Voters {
        voters: sorted(&conf.voters),
        learners: sorted(&conf.learners),
        outgoing: sorted(&conf.voters_outgoing),
        learners_next: sorted(&conf.learners_next),
        auto_leave: conf.auto_leave,
    }
}

pub(super) fn voters_from_record(voters: &Voters) -> eraftpb::ConfState {
    eraftpb::ConfState {
        voters: voters.voters.clone(),
        learners: voters.learners.clone(),
        voters_outgoing: voters.outgoing.clone(),
        learners_next: voters.learners_next.clone(),
        auto_leave: voters.auto_leave,
    }
}

/// Returns the change of configuration an entry holds, if it holds one. Only the second form is
/// ever proposed, by `voters` and by raft when it leaves a joint configuration.
pub(super) fn conf_change(entry: &eraftpb::Entry) -> Option<eraftpb::ConfChangeV2> {
    if entry.entry_type != eraftpb::EntryType::EntryConfChangeV2 as i32 {
        return None;
    }
    eraftpb::ConfChangeV2::decode(entry.data.as_slice()).ok()
}

/// Encodes what goes into a raft snapshot.
pub(super) fn snapshot_body(own: &OwnState, data: &[u8]) -> Vec<u8> {
    SnapshotBody { own: Some(own.clone()), data: data.to_vec() }.encode_to_vec()
}

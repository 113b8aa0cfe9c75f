//! What the log on disk survives: torn writes at every byte, damage, full disks, second owners.

use std::os::unix::fs::FileExt as _;

use super::*;
use crate::raft::record::{Hard, LogEntry, Snapshot};

/// A directory in memory where there is one: the tests are about bytes, not about the disk's time.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

fn base() -> Record {
    let snapshot =
        Some(Snapshot { index: 1, term: 1, data: b"<cib/>".to_vec(), ..Snapshot::default() });
    Record::base(Base { start_index: 1, start_term: 1, snapshot, store: 7, ..Base::default() })
}

fn entry(index: u64) -> Record {
    let data = vec![u8::try_from(index % 251).expect("small"); 20];
    Record::append(vec![LogEntry { index, term: 1, data, ..LogEntry::default() }])
}

fn hard(commit: u64) -> Record {
    Record::hard(Hard { term: 1, vote: 1, commit })
}

fn open(dir: &Path) -> (LogStore, Recovered) {
    LogStore::open(dir).expect("the log opens")
}

fn last(state: &Option<Base>) -> u64 {
    state.as_ref().map_or(0, |base| base.start_index + base.entries.len() as u64)
}

/// Returns the newest log file.
fn file_of(dir: &Path) -> PathBuf {
    let (numbers, _) = list(&dir.join("raft")).expect("a directory");
    dir.join("raft").join(format!("log-{:016}", numbers.last().expect("a file")))
}

/// Writes a base and some entries; returns where each frame ends.
fn write_log(dir: &Path, entries: u64) -> Vec<u64> {
    let (mut store, recovered) = open(dir);
    assert_eq!(recovered.state, None);
    store.append(&[base()], true).expect("written");
    let mut ends = vec![store.segment.as_ref().expect("a file").end];
    for index in 2..2 + entries {
        store.append(&[entry(index), hard(index)], true).expect("written");
        ends.push(store.segment.as_ref().expect("a file").end);
    }
    ends
}

#[test]
fn what_was_appended_is_read_back() {
    let dir = scratch();
    write_log(dir.path(), 3);
    let (mut store, recovered) = open(dir.path());
    assert_eq!(recovered.torn, None);
    assert_eq!(last(&recovered.state), 4);
    assert_eq!(recovered.state.and_then(|base| base.hard).map(|hard| hard.commit), Some(4));
    store.append(&[entry(5)], true).expect("written");
    drop(store);
    assert_eq!(last(&open(dir.path()).1.state), 5);
}

#[test]
fn a_write_torn_at_any_byte_loses_only_itself() {
    let dir = scratch();
    let ends = write_log(dir.path(), 3);
    let mut whole = std::fs::read(file_of(dir.path())).expect("the file");
    let path = file_of(dir.path());
    whole.truncate(usize::try_from(ends[3]).expect("small") + 100);
    for length in
        usize::try_from(ends[0]).expect("small")..=usize::try_from(ends[3]).expect("small")
    {
        for filler in [None, Some(0_u8)] {
            let mut torn = whole[..length].to_vec();
            if let Some(filler) = filler {
                // Space was reserved: what was not written is zeros.
                torn.resize(whole.len(), filler);
            }
            std::fs::write(&path, &torn).expect("written");
            let (mut store, recovered) = open(dir.path());
            let complete = ends.iter().filter(|end| **end <= length as u64).count() as u64;
            assert_eq!(last(&recovered.state), complete, "cut at {length}");
            let is_clean = ends.contains(&(length as u64));
            assert_eq!(recovered.torn.is_none(), is_clean, "cut at {length}");
            // And it goes on from there.
            store.append(&[entry(complete + 1)], true).expect("written");
            drop(store);
            assert_eq!(last(&open(dir.path()).1.state), complete + 1);
        }
    }
}

#[test]
fn damage_to_what_was_synced_is_an_error_that_names_file_and_offset() {
    let dir = scratch();
    let ends = write_log(dir.path(), 3);
    let path = file_of(dir.path());
    let whole = std::fs::read(&path).expect("the file");
    // Every byte of the second frame; the third one calls it synced.
    for at in ends[0]..ends[1] {
        let mut damaged = whole.clone();
        damaged[usize::try_from(at).expect("small")] ^= 0x55;
        std::fs::write(&path, &damaged).expect("written");
        let error = LogStore::open(dir.path()).expect_err("damage");
        let OpenError::Damaged { path: named, offset, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!((named, *offset), (&path, ends[0]));
        assert!(error.to_string().contains("move"), "{error}");
        assert_eq!(std::fs::read(&path).expect("the file"), damaged, "nothing is touched");
    }
}

#[test]
fn damage_to_the_first_frame_is_never_an_empty_log() {
    let dir = scratch();
    write_log(dir.path(), 0);
    let path = file_of(dir.path());
    for contents in [Vec::new(), vec![0; 100], vec![1; 100]] {
        std::fs::write(&path, contents).expect("written");
        assert!(matches!(LogStore::open(dir.path()), Err(OpenError::Damaged { offset: 0, .. })));
    }
}

#[test]
fn an_unsynced_batch_before_a_torn_one_is_no_damage() {
    let dir = scratch();
    write_log(dir.path(), 1);
    let (mut store, _) = open(dir.path());
    let segment = store.segment.as_ref().expect("a file");
    let (start, path) = (segment.end, segment.path.clone());
    store.append(&[hard(2)], false).expect("written");
    store.append(&[entry(3)], true).expect("written");
    drop(store);
    // The pages of the second batch arrived, those of the first did not.
    let file = OpenOptions::new().write(true).open(&path).expect("the file");
    file.write_all_at(&[0xee; 4], start).expect("written");
    drop(file);
    let (_, recovered) = open(dir.path());
    assert_eq!(last(&recovered.state), 2);
    assert!(recovered.torn.is_some_and(|torn| torn.offset == start));
}

#[test]
fn a_complete_state_begins_a_new_file_and_removes_the_old_one() {
    let dir = scratch();
    write_log(dir.path(), 2);
    let before = file_of(dir.path());
    let (mut store, _) = open(dir.path());
    store.append(&[base()], true).expect("written");
    store.append(&[entry(2)], true).expect("written");
    assert_ne!(file_of(dir.path()), before);
    assert!(!before.exists());
    drop(store);
    assert_eq!(last(&open(dir.path()).1.state), 2);
}

#[test]
fn a_crash_between_the_new_file_and_the_removal_of_the_old_one_leaves_the_new_one() {
    let dir = scratch();
    write_log(dir.path(), 2);
    let old = file_of(dir.path());
    let kept = std::fs::read(&old).expect("the file");
    let (mut store, _) = open(dir.path());
    store.append(&[base()], true).expect("written");
    drop(store);
    std::fs::write(&old, kept).expect("written");
    std::fs::write(dir.path().join("raft/log-0000000000000009.tmp"), b"half").expect("written");
    let (store, recovered) = open(dir.path());
    assert_eq!(last(&recovered.state), 1);
    assert!(!old.exists());
    assert_eq!(store.number, 2);
}

#[test]
fn a_lost_lineage_is_kept_for_the_operator() {
    let dir = scratch();
    write_log(dir.path(), 2);
    let before = std::fs::read(file_of(dir.path())).expect("the file");
    let (mut store, _) = open(dir.path());
    store.append(&[Record::archive("diverged-g2"), base()], true).expect("written");
    let kept = dir.path().join("raft/archive/0000000000000001-diverged-g2");
    let kept = std::fs::read(kept).expect("an archive");
    assert_eq!(kept[..before.len().min(kept.len())], before[..before.len().min(kept.len())]);
    for _ in 0..20 {
        store.append(&[Record::archive("stale-g1"), base()], true).expect("written");
    }
    let count = std::fs::read_dir(dir.path().join("raft/archive")).expect("a directory").count();
    assert_eq!(count, ARCHIVES_MAX);
}

#[test]
fn a_second_owner_is_refused() {
    let dir = scratch();
    let (_store, _) = open(dir.path());
    assert!(matches!(LogStore::open(dir.path()), Err(OpenError::Locked { .. })));
}

#[test]
fn a_change_of_nothing_is_refused() {
    let dir = scratch();
    let (mut store, _) = open(dir.path());
    assert!(matches!(store.append(&[entry(2)], true), Err(AppendError::NoBase { .. })));
}

#[test]
fn a_refused_write_keeps_nothing_and_later_ones_go_on() {
    let dir = scratch();
    let ends = write_log(dir.path(), 1);
    let (mut store, _) = open(dir.path());
    // A file that is open for reading only refuses as a full disk does, half-way or at once.
    let path = file_of(dir.path());
    let good = {
        let segment = store.segment.as_mut().expect("a file");
        let read_only = File::open(&path).expect("the file");
        std::mem::replace(&mut segment.file, read_only)
    };
    let refused = store.append(&[entry(3)], true).expect_err("refused");
    assert!(refused.to_string().contains("log-0000000000000001"), "{refused}");
    // Shortening was refused as well, so nothing may follow.
    assert!(matches!(store.append(&[entry(3)], true), Err(AppendError::Doubtful { .. })));
    let segment = store.segment.as_mut().expect("a file");
    assert_eq!(segment.end, ends[1]);
    segment.file = good;
    drop(store);
    let (mut store, recovered) = open(dir.path());
    assert_eq!(last(&recovered.state), 2);
    store.append(&[entry(3)], true).expect("written");
}

#[test]
fn a_full_disk_is_named_as_one() {
    let full = io::Error::from(io::ErrorKind::StorageFull);
    let error = refused("write to", PathBuf::from("/var/lib/pacemaker/cib/raft/log-1"), full);
    assert!(error.to_string().contains("no space"), "{error}");
}

//! The log on disk: one file of frames (length, checksum, records), synced once per batch.
//!
//! A frame holds one batch, so a batch is there as a whole or not at all. A batch that begins a new
//! complete state (a snapshot, a birth, a reset) begins a new file: written beside the old one,
//! synced, renamed, and only then is the old one removed. So the newest file is always complete.
//!
//! ```text
//! DIR/raft/lock                        held while a brain uses the log
//! DIR/raft/log-0000000000000007        the frames
//! DIR/raft/archive/0000000000000006-diverged-g2   what a lost lineage left, for the operator
//! ```
//!
//! Each frame says how far the file was synced when it was written. A bad frame that nothing after
//! it calls synced is the torn tail of a power loss and is cut off; one that was synced is damage,
//! and nothing is lost silently. Blocking: call from a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use prost::Message as _;

use super::durable::{self, Inconsistent};
use super::record::{Base, Kind, Record};

/// Begins each frame: "SyLg".
const MAGIC: u32 = 0x674c_7953;
/// Magic, checksum, synced offset, length.
const HEADER_BYTES: usize = 4 + 4 + 8 + 8;
/// Space reserved ahead of the end, so that a sync writes data and no file size.
const RESERVE_BYTES: u64 = 1 << 20;
/// Copies of lost lineages that are kept; the oldest goes first.
const ARCHIVES_MAX: usize = 16;

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the log in `{path}` is in use by another process: stop the other `systole node` first"
    )]
    Locked {
        /// The log's directory.
        path: PathBuf,
    },
    /// What was synced cannot be read back.
    #[error(
        "the log `{path}` is damaged at byte {offset} ({what}): put the file back from a backup, or, \
         if the other nodes are well, move `{dir}` away and start again; this node then receives \
         everything from them"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The log's directory.
        dir: PathBuf,
        /// Where the bad frame begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused.
    #[error("cannot {what} `{path}`")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why a batch is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No room. Nothing of the batch was kept; later ones may fit.
    #[error("no space is left for the log `{path}`: free some on its file system")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused. Nothing of the batch was kept.
    #[error("cannot {what} `{path}`")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// An earlier sync failed: what of the file is on disk is not known any more.
    #[error(
        "the log `{path}` could not be synced earlier: restart this node to read back what is on disk"
    )]
    Doubtful {
        /// The file.
        path: PathBuf,
    },
    /// The first batch of all must be a complete state.
    #[error("the log in `{path}` cannot begin with a change of something that is not there")]
    NoBase {
        /// The log's directory.
        path: PathBuf,
    },
}

/// What a log held when it was opened.
#[derive(Debug)]
pub struct Recovered {
    /// The state; `None` = there is no log yet.
    pub state: Option<Base>,
    /// What a power loss left half written, if anything: cut off, and worth a line in the log.
    pub torn: Option<TornTail>,
}

/// The end of a file that was cut off because a power loss left it half written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub path: PathBuf,
    /// Where the cut is.
    pub offset: u64,
    /// How many bytes are gone; none of them was ever acknowledged.
    pub bytes: u64,
}

impl std::fmt::Display for TornTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the last write to `{}` was cut short by a crash: {} bytes after byte {} were removed, \
             nothing acknowledged was in them",
            self.path.display(),
            self.bytes,
            self.offset
        )
    }
}

/// What a batch cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Milliseconds from the first byte to the end of the sync, for `Event::PersistDone`.
    pub took_ms: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// The log, open for appending.
#[derive(Debug)]
pub struct LogStore {
    dir: PathBuf,
    /// Held for the lock's sake.
    _lock: File,
    segment: Option<Segment>,
    number: u64,
    doubtful: bool,
}

#[derive(Debug)]
struct Segment {
    file: File,
    path: PathBuf,
    /// Where the next frame goes.
    end: u64,
    /// All before this is on disk.
    synced: u64,
    /// All before this has space.
    reserved: u64,
}

impl LogStore {
    /// Opens the log below a directory (`/var/lib/pacemaker/cib`), and repairs what a power loss
    /// left half written.
    pub fn open(dir: &Path) -> Result<(Self, Recovered), OpenError> {
        let dir = dir.join("raft");
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { what, path, source }
        };
        std::fs::create_dir_all(&dir).map_err(io("create the directory", &dir))?;
        let lock = lock(&dir)?;
        let (numbers, leftovers) = list(&dir).map_err(io("read the directory", &dir))?;
        for leftover in leftovers {
            // A file that was not renamed was never part of the log.
            std::fs::remove_file(&leftover).map_err(io("remove", &leftover))?;
        }
        let mut store = Self { dir, _lock: lock, segment: None, number: 0, doubtful: false };
        let mut recovered = Recovered { state: None, torn: None };
        if let Some(newest) = numbers.last().copied() {
            store.number = newest;
            recovered = store.recover(newest)?;
            for older in &numbers[..numbers.len() - 1] {
                let path = store.path(*older);
                std::fs::remove_file(&path).map_err(io("remove", &path))?;
            }
        }
        Ok((store, recovered))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("log-{number:016}"))
    }

    fn recover(&mut self, number: u64) -> Result<Recovered, OpenError> {
        let path = self.path(number);
        let io = |what| {
            let path = path.clone();
            move |source| OpenError::Io { what, path, source }
        };
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(io("open"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("read"))?;
        let damaged = |offset: usize, what: String| OpenError::Damaged {
            path: path.clone(),
            dir: self.dir.clone(),
            offset: offset as u64,
            what,
        };

        let mut state = None;
        let mut at = 0;
        let bad = loop {
            match read_frame(&bytes, at) {
                Ok(Some(frame)) => {
                    for record in frame.records {
                        durable::apply(&mut state, record)
                            .map_err(|error: Inconsistent| damaged(at, error.to_string()))?;
                    }
                    at = frame.end;
                }
                Ok(None) => break None,
                Err(what) => break Some(what),
            }
        };
        let mut torn = None;
        if let Some(what) = bad {
            // The first frame was synced before the file got its name.
            if at == 0 || is_called_synced(&bytes, at) {
                return Err(damaged(at, what.to_owned()));
            }
            let written = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
            let lost = written.saturating_sub(at) as u64;
            torn = Some(TornTail { path: path.clone(), offset: at as u64, bytes: lost });
        }
        if state.is_none() {
            return Err(damaged(0, "it is empty".to_owned()));
        }
        let end = at as u64;
        // Also removes reserved space, which is reserved again when needed.
        file.set_len(end).map_err(io("shorten"))?;
        file.sync_all().map_err(io("sync"))?;
        self.segment = Some(Segment { file, path, end, synced: end, reserved: end });
        Ok(Recovered { state, torn })
    }

    /// Writes one batch and, with `sync`, waits until it is on disk. After an error nothing of the
    /// batch is kept.
    pub fn append(&mut self, records: &[Record], sync: bool) -> Result<Written, AppendError> {
        let start = Instant::now();
        if self.doubtful {
            let path = self.segment.as_ref().map_or(self.dir.clone(), |s| s.path.clone());
            return Err(AppendError::Doubtful { path });
        }
        for record in records {
            if let Some(Kind::Archive(archive)) = &record.kind {
                self.archive(&archive.name)?;
            }
        }
        let begins = records.iter().any(|record| matches!(record.kind, Some(Kind::Base(_))));
        let bytes = if begins { self.begin(records)? } else { self.extend(records, sync)? };
        let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Written { took_ms, bytes })
    }

    fn extend(&mut self, records: &[Record], sync: bool) -> Result<u64, AppendError> {
        let Some(segment) = &mut self.segment else {
            return Err(AppendError::NoBase { path: self.dir.clone() });
        };
        let frame = frame(records, segment.synced);
        let len = frame.len() as u64;
        segment.reserve(segment.end + len);
        if let Err(source) = segment.file.write_all_at(&frame, segment.end) {
            let path = segment.path.clone();
            // Half a frame must not stay where a shorter one may be written.
            if segment.file.set_len(segment.end).is_err() {
                self.doubtful = true;
            }
            segment.reserved = segment.end;
            return Err(refused("write to", path, source));
        }
        segment.end += len;
        if sync {
            if let Err(source) = segment.file.sync_data() {
                self.doubtful = true;
                return Err(refused("sync", segment.path.clone(), source));
            }
            segment.synced = segment.end;
        }
        Ok(len)
    }

    /// Begins a new file with a complete state.
    fn begin(&mut self, records: &[Record]) -> Result<u64, AppendError> {
        let number = self.number + 1;
        let path = self.path(number);
        let temporary = path.with_extension("tmp");
        let frame = frame(records, 0);
        let written = write_new(&temporary, &frame).and_then(|file| {
            std::fs::rename(&temporary, &path)?;
            Ok(file)
        });
        let file = match written {
            Ok(file) => file,
            Err(source) => {
                // What cannot be removed now is removed at the next start.
                drop(std::fs::remove_file(&temporary));
                return Err(refused("write", temporary, source));
            }
        };
        // From here on the new file is the newest: whether its name is on disk is not to be doubted.
        let old = self.segment.take();
        let end = frame.len() as u64;
        self.number = number;
        self.segment = Some(Segment { file, path, end, synced: end, reserved: end });
        if let Err(source) = sync_dir(&self.dir) {
            self.doubtful = true;
            return Err(refused("sync the directory", self.dir.clone(), source));
        }
        if let Some(old) = old
            && let Err(error) = std::fs::remove_file(&old.path)
        {
            tracing::warn!(path = %old.path.display(), %error, "an old log file could not be removed; it is tried again at the next start");
        }
        Ok(end)
    }

    /// Keeps the present file under another name.
    fn archive(&mut self, name: &str) -> Result<(), AppendError> {
        let Some(segment) = &self.segment else { return Ok(()) };
        let dir = self.dir.join("archive");
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = name.chars().map(safe).take(64).collect();
        let path = dir.join(format!("{:016}-{name}", self.number));
        let kept = std::fs::create_dir_all(&dir)
            .and_then(|()| match std::fs::hard_link(&segment.path, &path) {
                // A batch that is tried again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                outcome => outcome,
            })
            .and_then(|()| sync_dir(&dir))
            .and_then(|()| sync_dir(&self.dir));
        kept.map_err(|source| refused("keep a copy as", path.clone(), source))?;
        tracing::warn!(path = %path.display(), "the log of a lost lineage is kept");
        self.thin_archive(&dir);
        Ok(())
    }

    fn thin_archive(&self, dir: &Path) {
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        let surplus = names.len().saturating_sub(ARCHIVES_MAX);
        for oldest in &names[..surplus] {
            match std::fs::remove_file(oldest) {
                Ok(()) => {
                    tracing::warn!(path = %oldest.display(), "the oldest kept log was removed");
                }
                Err(error) => {
                    tracing::warn!(path = %oldest.display(), %error, "the oldest kept log could not be removed");
                }
            }
        }
    }
}

impl Segment {
    /// Reserves space up to an offset and some more; without it, syncs are only slower.
    fn reserve(&mut self, needed: u64) {
        if needed <= self.reserved {
            return;
        }
        let target = needed + RESERVE_BYTES;
        let length = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let outcome = nix::fcntl::fallocate(
            &self.file,
            nix::fcntl::FallocateFlags::empty(),
            length(self.reserved),
            length(target - self.reserved),
        );
        if outcome.is_ok() {
            self.reserved = target;
        }
    }
}

fn refused(what: &'static str, path: PathBuf, source: io::Error) -> AppendError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AppendError::Full { path },
        _ => AppendError::Io { what, path, source },
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(|source| OpenError::Io { what: "open", path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::Locked { path: dir.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => {
            Err(OpenError::Io { what: "lock", path, source })
        }
    }
}

/// Returns the numbers of the log's files, and the files that were never finished.
fn list(dir: &Path) -> io::Result<(Vec<u64>, Vec<PathBuf>)> {
    let (mut numbers, mut leftovers) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("log-")) else {
            continue;
        };
        if let Ok(number) = rest.parse() {
            numbers.push(number);
        } else if rest.ends_with(".tmp") {
            leftovers.push(entry.path());
        }
    }
    numbers.sort_unstable();
    Ok((numbers, leftovers))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[derive(Debug)]
struct Frame {
    records: Vec<Record>,
    /// How far the file was synced when this frame was written.
    synced: u64,
    end: usize,
}

/// Several records as one message.
#[derive(Clone, PartialEq, prost::Message)]
struct Batch {
    #[prost(message, repeated, tag = "1")]
    records: Vec<Record>,
}

fn frame(records: &[Record], synced: u64) -> Vec<u8> {
    // The archive has happened by the time the frame is read.
    let kept = |record: &&Record| !matches!(record.kind, Some(Kind::Archive(_)));
    let batch = Batch { records: records.iter().filter(kept).cloned().collect() };
    let payload = batch.encode_to_vec();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend(MAGIC.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(synced.to_le_bytes());
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    let checksum = crc32fast::hash(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads the frame at an offset; `None` at a clean end (nothing, or reserved space).
fn read_frame(bytes: &[u8], at: usize) -> Result<Option<Frame>, &'static str> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let field = |from: usize, to: usize| rest.get(from..to).ok_or("a frame's head is cut short");
    let number = |from: usize| -> Result<u64, &'static str> {
        let mut wide = [0; 8];
        wide.copy_from_slice(field(from, from + 8)?);
        Ok(u64::from_le_bytes(wide))
    };
    if field(0, 4)? != MAGIC.to_le_bytes() {
        return Err("no frame begins here");
    }
    let checksum = field(4, 8)?;
    let synced = number(8)?;
    let length = usize::try_from(number(16)?).map_err(|_| "a frame is too long")?;
    let end = HEADER_BYTES.checked_add(length).ok_or("a frame is too long")?;
    let content = rest.get(8..end).ok_or("a frame is cut short")?;
    if checksum != crc32fast::hash(content).to_le_bytes() {
        return Err("a frame's checksum does not fit");
    }
    let batch = Batch::decode(&rest[HEADER_BYTES..end]);
    let batch =
        batch.map_err(|_| "a frame cannot be decoded; was it written by a newer version?")?;
    Ok(Some(Frame { records: batch.records, synced, end: at + end }))
}

/// Tells whether a good frame after a bad place says that the place was on disk.
fn is_called_synced(bytes: &[u8], bad: usize) -> bool {
    let magic = MAGIC.to_le_bytes();
    let mut at = bad + 1;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.windows(magic.len()).position(|window| window == magic))
    {
        at += found;
        if let Ok(Some(frame)) = read_frame(bytes, at)
            && frame.synced > bad as u64
        {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
#[path = "log_store_tests.rs"]
mod tests;

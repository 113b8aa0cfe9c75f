//! What the brain writes: the log on a thread of its own, documents and inputs on another, so that
//! neither the loop nor the heartbeats ever wait for a disk.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use cib::Element;
use crmd::core::interface::Severity;
use crmd::inputs::Inputs;
use membership::raft::log_store::LogStore;
use membership::raft::record::Record;
use model::WallTime;

/// What became of a batch of the log.
#[derive(Debug)]
pub(crate) enum LogDone {
    /// On disk.
    Written { seq: u64, took_ms: u64 },
    /// Not on disk.
    Failed { seq: u64, error: String },
}

/// A batch for the log.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) seq: u64,
    pub(crate) records: Vec<Record>,
    pub(crate) sync: bool,
}

/// Starts the log's thread; it ends when the sender is dropped.
pub(crate) fn log_thread(
    mut store: LogStore,
    done: mpsc::UnboundedSender<LogDone>,
) -> std::io::Result<std_mpsc::Sender<Batch>> {
    let (sender, batches) = std_mpsc::channel::<Batch>();
    std::thread::Builder::new().name("log".to_owned()).spawn(move || {
        for Batch { seq, records, sync } in batches {
            let said = match store.append(&records, sync) {
                Ok(written) => LogDone::Written { seq, took_ms: written.took_ms },
                Err(error) => LogDone::Failed { seq, error: whole(&error) },
            };
            if done.send(said).is_err() {
                return;
            }
        }
    })?;
    Ok(sender)
}

/// An error with all its causes in one line.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Something to write for people.
#[derive(Debug)]
pub(crate) enum Paper {
    /// The document as committed: `cib.xml`, the former ones as `cib-N.raw`.
    Document(Arc<Element>),
    /// A document that is void here.
    Archive { document: Arc<Element>, why: String },
    /// The number of the view, so that a later life counts on.
    View(u64),
    /// An input of the engine.
    Input { severity: Severity, document: Arc<Element>, now: WallTime },
}

/// How far papers stand back: a tenth of the processor where somebody else wants it.
const PAPERS_NICENESS: i32 = 10;

/// Whoever made a change is answered, and what follows from it begun, before it is written down
/// for people.
const PAPERS_DELAY: Duration = Duration::from_millis(10);

/// While an input is packed, the thread rests so many times as long as it works: one that works
/// without a rest takes a part of the other processors' speed as well, whatever its niceness.
const REST: u32 = 4;

/// Inputs that may wait while there is rest, and documents that may wait at all: each of them is a
/// checkpoint, but of a flood of changes only the last ones can be.
const BACKLOG_MAX: usize = 16;

/// Former documents that are kept.
const DOCUMENTS_MAX: u64 = 100;

/// What keeps the document from being written, while it does.
pub(crate) type PaperTrouble = watch::Receiver<Option<String>>;

/// The thread that writes documents and inputs.
#[derive(Debug)]
pub(crate) struct Papers {
    /// What it is given; it ends when that is dropped, and all is written.
    pub(crate) sender: std_mpsc::Sender<Paper>,
    /// What keeps it from its work.
    pub(crate) trouble: PaperTrouble,
    /// The thread itself.
    pub(crate) thread: JoinHandle<()>,
}

/// Starts the thread that writes documents and inputs.
pub(crate) fn paper_thread(
    cib_dir: PathBuf,
    view_file: PathBuf,
    inputs: Inputs,
) -> std::io::Result<Papers> {
    let (told, trouble) = watch::channel(None);
    let (sender, papers) = std_mpsc::channel::<Paper>();
    let mut writer = Writer {
        cib_dir,
        view_file,
        inputs,
        told,
        papers,
        documents: VecDeque::new(),
        waiting: VecDeque::new(),
        ending: false,
    };
    let thread = std::thread::Builder::new().name("papers".to_owned()).spawn(move || {
        // to pack an input of a large cluster takes longer than to answer the tool that caused it,
        // and nobody waits for papers (a thread of Linux has a niceness of its own)
        if let Err(error) = rustix::process::setpriority_process(None, PAPERS_NICENESS) {
            tracing::debug!(%error, "papers are written as if they were urgent");
        }
        writer.run();
    })?;
    Ok(Papers { sender, trouble, thread })
}

struct Writer {
    cib_dir: PathBuf,
    view_file: PathBuf,
    inputs: Inputs,
    told: watch::Sender<Option<String>>,
    papers: std_mpsc::Receiver<Paper>,
    /// Documents that are not written yet, oldest first.
    documents: VecDeque<Arc<Element>>,
    waiting: VecDeque<(Severity, Arc<Element>, WallTime)>,
    /// Nobody gives it papers any more: what waits is written without a rest.
    ending: bool,
}

impl Writer {
    fn run(&mut self) {
        while let Ok(first) = self.papers.recv() {
            self.take(first);
            self.rest(PAPERS_DELAY);
            while let Some((severity, input, now)) = self.waiting.pop_front() {
                self.keep(severity, &input, now);
            }
        }
    }

    fn take(&mut self, paper: Paper) {
        match paper {
            Paper::Document(newer) => {
                self.documents.push_back(newer);
                if self.documents.len() > BACKLOG_MAX {
                    self.documents.pop_front();
                }
            }
            Paper::View(number) => {
                if let Err(error) = replace(&self.view_file, number.to_string().as_bytes()) {
                    tracing::warn!(%error, "the view's number was not kept");
                }
            }
            Paper::Archive { document, why } => archive(&self.cib_dir, &document, &why),
            Paper::Input { severity, document, now } => {
                self.waiting.push_back((severity, document, now));
            }
        }
    }

    /// Waits for so long, unless too many inputs wait; takes what comes meanwhile, and writes the
    /// documents, which people look at first.
    fn rest(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while !self.ending {
            let left = match self.waiting.len() < BACKLOG_MAX {
                true => until.saturating_duration_since(Instant::now()),
                false => Duration::ZERO,
            };
            match self.papers.recv_timeout(left) {
                Ok(paper) => self.take(paper),
                Err(std_mpsc::RecvTimeoutError::Timeout) => break,
                Err(std_mpsc::RecvTimeoutError::Disconnected) => self.ending = true,
            }
        }
        while let Some(document) = self.documents.pop_front() {
            self.save(&document);
        }
    }

    fn keep(&mut self, severity: Severity, input: &Element, now: WallTime) {
        let mut inputs = self.inputs.clone();
        let kept = inputs.save(severity, input, now, |worked| self.rest(worked * REST));
        self.inputs = inputs;
        if let Err(error) = kept {
            tracing::warn!(error = whole(&error), "an input was not kept");
        }
    }

    fn save(&self, document: &Element) {
        match save(&self.cib_dir, document) {
            Ok(()) => drop(self.told.send_replace(None)),
            Err(error) => {
                let dir = self.cib_dir.display();
                tracing::warn!(%error, %dir, "cib.xml was not written");
                let text =
                    format!("cib.xml cannot be written in {dir} ({error}); what is there is old");
                drop(self.told.send_replace(Some(text)));
            }
        }
    }
}

fn archive(cib_dir: &Path, document: &Element, why: &str) {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let path = cib_dir.join(format!("cib-{why}-{time}.xml"));
    match std::fs::write(&path, document.to_xml()) {
        Ok(()) => tracing::warn!(path = %path.display(), "the void document is kept here"),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the void document was not kept");
        }
    }
}

/// Writes `cib.xml` and its digest; the former one becomes `cib-N.raw` with `.sig`.
fn save(cib_dir: &Path, document: &Element) -> std::io::Result<()> {
    let text = document.to_xml();
    let file = cib_dir.join("cib.xml");
    let signature = cib_dir.join("cib.xml.sig");
    if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if file.exists() {
        let last = cib_dir.join("cib.last");
        let number: u64 =
            std::fs::read_to_string(&last).ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0);
        let next = (number + 1) % DOCUMENTS_MAX;
        std::fs::copy(&file, cib_dir.join(format!("cib-{number}.raw")))?;
        if signature.exists() {
            std::fs::copy(&signature, cib_dir.join(format!("cib-{number}.raw.sig")))?;
        }
        std::fs::write(&last, next.to_string())?;
    }
    replace(&file, text.as_bytes())?;
    replace(&signature, cib::digest::v1(document).as_bytes())
}

/// Puts new contents in the place of a file: whole, or not at all.
pub(crate) fn replace(file: &Path, contents: &[u8]) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, contents)?;
    std::fs::rename(&fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_of_a_quick_series_is_a_checkpoint_and_all_is_written_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let inputs = Inputs::new(path("pengine"));
        let papers = paper_thread(path(""), path("view"), inputs).unwrap();
        let text = |epoch: u32| format!("<cib epoch=\"{epoch}\"/>\n");
        let document = |epoch: u32| Arc::new(cib::parse(&text(epoch)).unwrap());
        for epoch in 0..5 {
            papers.sender.send(Paper::Document(document(epoch))).unwrap();
            let (severity, now) = (Severity::Good, WallTime::from_secs(0));
            papers.sender.send(Paper::Input { severity, document: document(epoch), now }).unwrap();
            papers.sender.send(Paper::View(epoch.into())).unwrap();
        }
        drop(papers.sender);
        papers.thread.join().unwrap();
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        for epoch in 0..4 {
            assert_eq!(read(&format!("cib-{epoch}.raw")), text(epoch));
        }
        assert_eq!((read("cib.xml"), read("view").as_str()), (text(4), "4"));
        assert!(path("pengine/pe-input-4.bz2").exists());
        assert_eq!(*papers.trouble.borrow(), None);
    }
}

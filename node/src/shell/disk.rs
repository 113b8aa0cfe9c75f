//! What the brain writes: the log on a thread of its own, documents and inputs on another, so that
//! neither the loop nor the heartbeats ever wait for a disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;

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

/// Former documents that are kept.
const DOCUMENTS_MAX: u64 = 100;

/// What keeps the document from being written, while it does.
pub(crate) type PaperTrouble = watch::Receiver<Option<String>>;

/// Starts the thread that writes documents and inputs; it ends when the sender is dropped.
pub(crate) fn paper_thread(
    cib_dir: PathBuf,
    view_file: PathBuf,
    mut inputs: Inputs,
) -> std::io::Result<(std_mpsc::Sender<Paper>, PaperTrouble)> {
    let (trouble, shown) = watch::channel(None);
    let (sender, papers) = std_mpsc::channel::<Paper>();
    std::thread::Builder::new().name("papers".to_owned()).spawn(move || {
        // to pack an input of a large cluster takes longer than to answer the tool that caused it,
        // and nobody waits for papers (a thread of Linux has a niceness of its own)
        if let Err(error) = rustix::process::setpriority_process(None, PAPERS_NICENESS) {
            tracing::debug!(%error, "papers are written as if they were urgent");
        }
        while let Ok(first) = papers.recv() {
            // of several documents that wait only the last one matters
            let mut document = None;
            for paper in std::iter::once(first).chain(papers.try_iter()) {
                match paper {
                    Paper::Document(newer) => document = Some(newer),
                    Paper::View(number) => {
                        if let Err(error) = replace(&view_file, number.to_string().as_bytes()) {
                            tracing::warn!(%error, "the view's number was not kept");
                        }
                    }
                    Paper::Archive { document, why } => archive(&cib_dir, &document, &why),
                    Paper::Input { severity, document, now } => {
                        if let Err(error) = inputs.save(severity, &document, now) {
                            tracing::warn!(error = whole(&error), "an input was not kept");
                        }
                    }
                }
            }
            let Some(document) = document else { continue };
            match save(&cib_dir, &document) {
                Ok(()) => drop(trouble.send_replace(None)),
                Err(error) => {
                    tracing::warn!(%error, dir = %cib_dir.display(), "cib.xml was not written");
                    let dir = cib_dir.display();
                    let text = format!(
                        "cib.xml cannot be written in {dir} ({error}); what is there is old"
                    );
                    drop(trouble.send_replace(Some(text)));
                }
            }
        }
    })?;
    Ok((sender, shown))
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

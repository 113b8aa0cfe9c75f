//! What tools are shown: the document, the journal, and the answers they wait for.
//!
//! Who hears that something is done looks at the document next, and must find it done there. So
//! answers and lines of the journal are kept back until the document that shows them is out.

use std::collections::BTreeMap;
use std::sync::Arc;

use cib::Element;
use tokio::sync::{broadcast, oneshot, watch};

use crate::core::DocumentParts;
use crate::core::message::{Outcome, ToolId};

/// Events that a slow watcher may be behind.
const JOURNAL_MAX: usize = 1024;

/// The side of the loop; the tools' socket has [`Shown`].
pub(super) struct Showing {
    shown: DocumentParts,
    document: watch::Sender<Arc<Element>>,
    journal: broadcast::Sender<String>,
    waiting: BTreeMap<ToolId, oneshot::Sender<Outcome>>,
    answers: Vec<(oneshot::Sender<Outcome>, Outcome)>,
    lines: Vec<String>,
}

/// What the loop shows without being asked.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// The whole document.
    pub(super) document: watch::Receiver<Arc<Element>>,
    /// Lines of the journal as JSON, as they are written.
    pub(super) journal: broadcast::Sender<String>,
}

impl Showing {
    /// Begins with a document, which is shown at once.
    pub(super) fn new(parts: DocumentParts) -> (Self, Shown) {
        let (document, shown_document) = watch::channel(Arc::new(parts.to_document()));
        let (journal, _nobody_yet) = broadcast::channel(JOURNAL_MAX);
        let shown = Shown { document: shown_document, journal: journal.clone() };
        let showing = Self {
            shown: parts,
            document,
            journal,
            waiting: BTreeMap::new(),
            answers: Vec::new(),
            lines: Vec::new(),
        };
        (showing, shown)
    }

    /// A tool waits for an answer.
    pub(super) fn expect(&mut self, id: ToolId, reply: oneshot::Sender<Outcome>) {
        self.waiting.insert(id, reply);
    }

    /// A tool is gone.
    pub(super) fn forget(&mut self, id: ToolId) {
        self.waiting.remove(&id);
    }

    /// Has a tool's answer told with the next publication.
    pub(super) fn answer(&mut self, id: ToolId, outcome: Outcome) {
        if let Some(reply) = self.waiting.remove(&id) {
            self.answers.push((reply, outcome));
        }
    }

    /// Has a line of the journal told with the next publication.
    pub(super) fn tell(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Shows the document as it is now, then tells what was kept back.
    pub(super) fn publish(&mut self, parts: DocumentParts) {
        if parts != self.shown {
            self.document.send_replace(Arc::new(parts.to_document()));
            self.shown = parts;
        }
        for line in self.lines.drain(..) {
            // nobody may be watching
            let _watched = self.journal.send(line);
        }
        for (reply, outcome) in self.answers.drain(..) {
            // the tool may be gone
            let _told = reply.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::NodeId;

    use super::*;

    fn parts(epoch: &str) -> DocumentParts {
        let mut document = crate::core::store::empty_document();
        document.set("epoch", epoch);
        DocumentParts {
            committed: Arc::new(document),
            status: Arc::new(Element::new("status")),
            dc: Some(NodeId(1)),
            quorate: true,
        }
    }

    #[test]
    fn an_answer_is_told_after_the_document_that_shows_it() {
        let (mut showing, shown) = Showing::new(parts("1"));
        let mut lines = shown.journal.subscribe();
        let (reply, mut answer) = oneshot::channel();
        showing.expect(ToolId(7), reply);
        showing.answer(ToolId(7), Outcome::done());
        showing.tell("done".to_owned());
        assert!(answer.try_recv().is_err() && lines.try_recv().is_err(), "told too early");
        assert_eq!(shown.document.borrow().get("epoch"), Some("1"));

        showing.publish(parts("2"));
        assert_eq!(answer.try_recv(), Ok(Outcome::done()));
        assert_eq!(lines.try_recv().as_deref(), Ok("done"));
        assert_eq!(shown.document.borrow().get("epoch"), Some("2"));
    }

    #[test]
    fn the_same_document_is_not_shown_again() {
        let same = parts("1");
        let (mut showing, mut shown) = Showing::new(same.clone());
        shown.document.borrow_and_update();
        showing.publish(same.clone());
        assert_eq!(shown.document.has_changed().ok(), Some(false));
        showing.publish(DocumentParts { dc: None, ..same });
        assert_eq!(shown.document.has_changed().ok(), Some(true));
    }
}

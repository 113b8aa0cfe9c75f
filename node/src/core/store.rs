//! The state machine of the log: the configuration, the node records, the feature level.
//!
//! `committed` is what the log says; `head` is that plus what this leader has proposed and not
//! yet seen committed, so that a change is always made, and checked, on what it will meet. A
//! leader that loses its office drops its head.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use cib::Element;
use crmd::core::entry::{ConfigPatch, Entry, NodeRecord};
use model::NodeId;

/// The level of this program: what entries it writes and understands.
pub const FEATURE_LEVEL: u32 = 1;

/// Why an entry could not be applied. This node must take a snapshot; the others go on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bytes are no entry this program knows.
    #[error("a log entry cannot be read: {0}")]
    Unreadable(String),
    /// A patch did not fit.
    #[error("a committed change does not fit this node's document: {0}")]
    Misfit(String),
    /// The document after a change is another one than on the leader.
    #[error("the document differs from the leader's after a change (digest {found}, not {wanted})")]
    Differs {
        /// Ours.
        found: String,
        /// The leader's.
        wanted: String,
    },
}

/// What a committed entry changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The configuration.
    Config,
    /// A node record.
    Node(NodeId),
    /// The feature level.
    Level,
}

/// What every voter agrees on.
#[derive(Clone, Debug)]
pub struct Store {
    committed: Arc<Element>,
    head: Arc<Element>,
    /// The digest of `head`: what a committed change is recognised by as our own.
    head_digest: String,
    records: BTreeMap<NodeId, NodeRecord>,
    feature_level: u32,
}

/// The form of a snapshot.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    document: String,
    records: Vec<NodeRecord>,
    feature_level: u32,
}

/// Returns the document of a cluster that was never configured.
pub fn empty_document() -> Element {
    Element::new("cib")
        .with("crm_feature_set", crmd::core::history::FEATURE_SET)
        .with("validate-with", "pacemaker-4.0")
        .with("epoch", "0")
        .with("num_updates", "0")
        .with("admin_epoch", "0")
        .with_child(
            Element::new("configuration")
                .with_child(Element::new("crm_config"))
                .with_child(Element::new("nodes"))
                .with_child(Element::new("resources"))
                .with_child(Element::new("constraints")),
        )
}

impl Default for Store {
    fn default() -> Self {
        Self::of(empty_document(), BTreeMap::new(), FEATURE_LEVEL)
    }
}

impl Store {
    fn of(document: Element, records: BTreeMap<NodeId, NodeRecord>, feature_level: u32) -> Self {
        let head_digest = cib::digest::v2(&document);
        let committed = Arc::new(document);
        Self { head: Arc::clone(&committed), committed, head_digest, records, feature_level }
    }

    /// Returns the configuration as the log has it.
    pub fn committed(&self) -> &Arc<Element> {
        &self.committed
    }

    /// Returns the configuration as it will be when what was proposed here is committed.
    pub fn head(&self) -> &Arc<Element> {
        &self.head
    }

    /// Returns the node records.
    pub fn records(&self) -> &BTreeMap<NodeId, NodeRecord> {
        &self.records
    }

    /// Forgets what was proposed here: another one leads, or this node does anew.
    pub fn drop_head(&mut self) {
        if !Arc::ptr_eq(&self.head, &self.committed) {
            self.head = Arc::clone(&self.committed);
            self.head_digest = cib::digest::v2(&self.head);
        }
    }

    /// Makes the entry that turns the head into `document`, and moves the head on. None when the
    /// configuration stays as it is.
    ///
    /// `document` must have been made from [`Store::head`].
    pub fn propose(
        &mut self,
        mut document: Element,
        author: &str,
        client: &str,
        time: model::WallTime,
    ) -> Option<Entry> {
        document.retain_children(|child| child.name() != "status");
        cib::versions::bump(&self.head, &mut document);
        if document == *self.head {
            return None;
        }
        if cib::versions::reach(&self.head, &document) == cib::versions::Reach::Configuration {
            document.set("cib-last-written", written_at(time));
            document.set("update-origin", client.split('/').next().unwrap_or_default());
            document.set("update-client", client.split('/').nth(1).unwrap_or_default());
            document.set("update-user", author);
        }
        let patch = cib::patch::diff(&self.head, &document);
        let entry = ConfigPatch {
            patch: patch.to_xml_compact(),
            digest: cib::digest::v2(&document),
            author: author.to_owned(),
            client: client.to_owned(),
            time,
        };
        self.head = Arc::new(document);
        self.head_digest.clone_from(&entry.digest);
        Some(Entry::Config(entry))
    }

    /// Applies a committed entry.
    ///
    /// # Errors
    /// The entry does not fit; the store is as before.
    pub fn apply(&mut self, data: &[u8]) -> Result<Applied, StoreError> {
        match decode(data)? {
            Entry::Config(change) => {
                self.apply_patch(&change)?;
                Ok(Applied::Config)
            }
            Entry::Node(record) => {
                let node = record.node;
                self.records.insert(node, record);
                Ok(Applied::Node(node))
            }
            Entry::FeatureLevel(level) => {
                self.feature_level = level;
                Ok(Applied::Level)
            }
        }
    }

    fn apply_patch(&mut self, change: &ConfigPatch) -> Result<(), StoreError> {
        // the leader has this very document already, unless another leader's change came between
        if self.head_digest == change.digest {
            self.committed = Arc::clone(&self.head);
            return Ok(());
        }
        let patch = cib::parse(&change.patch).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let patched = cib::patch::apply(&self.committed, &patch)
            .map_err(|e| StoreError::Misfit(e.to_string()))?;
        let found = cib::digest::v2(&patched);
        if found != change.digest {
            return Err(StoreError::Differs { found, wanted: change.digest.clone() });
        }
        let patched = Arc::new(patched);
        if Arc::ptr_eq(&self.head, &self.committed) {
            self.head = Arc::clone(&patched);
            self.head_digest = found;
        }
        self.committed = patched;
        Ok(())
    }

    /// Returns everything as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let snapshot = Snapshot {
            document: self.committed.to_xml(),
            records: self.records.values().cloned().collect(),
            feature_level: self.feature_level,
        };
        serde_json::to_vec(&snapshot).unwrap_or_default()
    }

    /// Takes everything from bytes; none is the state of a new cluster.
    ///
    /// # Errors
    /// The bytes are no snapshot; the store is as before.
    pub fn restore(&mut self, data: &[u8]) -> Result<(), StoreError> {
        if data.is_empty() {
            *self = Self::default();
            return Ok(());
        }
        let unreadable = |e: &dyn std::fmt::Display| StoreError::Unreadable(e.to_string());
        let snapshot: Snapshot = serde_json::from_slice(data).map_err(|e| unreadable(&e))?;
        let document = cib::parse(&snapshot.document).map_err(|e| unreadable(&e))?;
        let records = snapshot.records.into_iter().map(|record| (record.node, record)).collect();
        *self = Self::of(document, records, snapshot.feature_level);
        Ok(())
    }
}

/// Returns a time as `cib-last-written` has it: `Sat Nov 21 02:19:28 2026`, in UTC.
fn written_at(time: model::WallTime) -> String {
    jiff::Timestamp::from_second(time.secs()).map_or_else(
        |_out_of_range| String::new(),
        |stamp| stamp.strftime("%a %b %e %H:%M:%S %Y").to_string(),
    )
}

/// Returns an entry's bytes.
pub fn encode(entry: &Entry) -> Vec<u8> {
    serde_json::to_vec(entry).unwrap_or_default()
}

fn decode(data: &[u8]) -> Result<Entry, StoreError> {
    serde_json::from_slice(data).map_err(|e| StoreError::Unreadable(e.to_string()))
}

//! The state machine of the log: the configuration, the node records, the feature level.
//!
//! `committed` is what the log says; the head is that plus what this leader has proposed and not
//! yet seen committed, so that a change is always made, and checked, on what it will meet. A
//! leader that loses its office drops its head.
//!
//! An entry names the document it was made on. One that meets another, since what it was made on
//! came to nothing, is passed over by every replica alike: that is judged by what the log says
//! alone, never by what a replica holds. A replica that cannot apply what fits is the one that
//! differs, and stops.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use cib::Element;
use cib::tree_digest::{TreeDigests, is_tree_digest};
use crmd::core::entry::{ConfigPatch, Entry, NodeRecord};
use model::NodeId;

/// The level of this program: what entries it writes and understands.
pub const FEATURE_LEVEL: u32 = 2;

/// From this level on entries name documents by their tree digest, which does not take longer for
/// a larger document.
const TREE_DIGESTS: u32 = 2;

/// Why an entry could not be applied. This node must take a snapshot; the others go on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bytes are no entry this program knows.
    #[error("a log entry cannot be read: {0}")]
    Unreadable(String),
    /// A patch did not fit.
    #[error("a committed change does not fit this node's document: {0}")]
    Misfit(String),
    /// A change would lead to a document that cannot be written down.
    #[error("the document after this change cannot be written as XML: {0}")]
    Unwritable(String),
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
    /// Nothing: a change of the configuration was made on what came to nothing. Every replica
    /// passes it over.
    Overtaken,
    /// A node record.
    Node(NodeId),
    /// The feature level.
    Level,
}

/// What every voter agrees on.
#[derive(Clone, Debug)]
pub struct Store {
    committed: Arc<Element>,
    /// Its digest, as the log tells it.
    digest: String,
    /// What this leader has proposed, each made on the one before; the last one is the head.
    proposed: VecDeque<Proposed>,
    records: BTreeMap<NodeId, NodeRecord>,
    feature_level: u32,
    digests: TreeDigests,
}

/// A document on its way through the log.
#[derive(Clone, Debug)]
struct Proposed {
    document: Arc<Element>,
    /// What the committed change is recognised by as our own.
    digest: String,
}

/// The form of a snapshot.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    document: String,
    /// The document's digest; checked when it is read again.
    #[serde(default)]
    digest: String,
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
        let (committed, proposed) = (Arc::new(document), VecDeque::new());
        let (digest, digests) = (String::new(), TreeDigests::default());
        let mut store = Self { committed, digest, proposed, records, feature_level, digests };
        store.digest = store.digest_of(&Arc::clone(&store.committed));
        store
    }

    /// Returns a document's digest in the form that this store's entries have.
    fn digest_of(&mut self, document: &Element) -> String {
        if self.feature_level < TREE_DIGESTS {
            return cib::digest::v2(document);
        }
        self.digests.digest(document)
    }

    /// Returns a document's digest in the form of another digest.
    fn digest_like(&mut self, like: &str, document: &Element) -> String {
        if is_tree_digest(like) { self.digests.digest(document) } else { cib::digest::v2(document) }
    }

    /// Tells whether the log's document has this digest.
    fn is_at(&mut self, digest: &str) -> bool {
        if is_tree_digest(digest) == is_tree_digest(&self.digest) {
            return digest == self.digest;
        }
        let committed = Arc::clone(&self.committed);
        self.digest_like(digest, &committed) == digest
    }

    /// Returns the configuration as the log has it.
    pub fn committed(&self) -> &Arc<Element> {
        &self.committed
    }

    /// Returns the configuration as it will be when what was proposed here is committed.
    pub fn head(&self) -> &Arc<Element> {
        self.proposed.back().map_or(&self.committed, |last| &last.document)
    }

    /// Returns the node records.
    pub fn records(&self) -> &BTreeMap<NodeId, NodeRecord> {
        &self.records
    }

    /// Forgets what was proposed here: another one leads, or this node does anew.
    pub fn drop_head(&mut self) {
        self.proposed.clear();
    }

    /// Takes a proposal back that the log refused at once, and what was made on it. Those before it
    /// stand.
    pub fn withdraw(&mut self, digest: &str) {
        if let Some(at) = self.proposed.iter().position(|proposed| proposed.digest == digest) {
            self.proposed.truncate(at);
        }
    }

    /// Makes the entry that turns the head into `document`, and moves the head on. None when the
    /// configuration stays as it is.
    ///
    /// `document` must have been made from [`Store::head`].
    ///
    /// # Errors
    /// No replica could read what would go into the log.
    pub fn propose(
        &mut self,
        mut document: Element,
        author: &str,
        client: &str,
        time: model::WallTime,
    ) -> Result<Option<ConfigPatch>, StoreError> {
        document.retain_children(|child| child.name() != "status");
        let head = Arc::clone(self.head());
        cib::versions::bump(&head, &mut document);
        if document == *head {
            return Ok(None);
        }
        if cib::versions::reach(&head, &document) == cib::versions::Reach::Configuration {
            document.set("cib-last-written", written_at(time));
            document.set("update-origin", client.split('/').next().unwrap_or_default());
            document.set("update-client", client.split('/').nth(1).unwrap_or_default());
            document.set("update-user", author);
        }
        let (patch, document) = written(&head, document)?;
        let digest = self.digest_of(&document);
        let base = self.proposed.back().map_or(&self.digest, |last| &last.digest).clone();
        let entry = ConfigPatch {
            patch,
            base,
            digest: digest.clone(),
            author: author.to_owned(),
            client: client.to_owned(),
            time,
        };
        self.proposed.push_back(Proposed { document: Arc::new(document), digest });
        Ok(Some(entry))
    }

    /// Applies a committed entry.
    ///
    /// # Errors
    /// The entry does not fit; the store is as before.
    pub fn apply(&mut self, data: &[u8]) -> Result<Applied, StoreError> {
        match decode(data)? {
            Entry::Config(change) => self.apply_patch(&change),
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

    fn apply_patch(&mut self, change: &ConfigPatch) -> Result<Applied, StoreError> {
        if !self.is_at(&change.base) {
            return Ok(Applied::Overtaken);
        }
        // the leader has this very document already
        let own = self.proposed.pop_front().filter(|first| first.digest == change.digest);
        let document = match own {
            Some(first) => first.document,
            None => {
                // what was made here on another document will be overtaken
                self.proposed.clear();
                Arc::new(self.patched(change)?)
            }
        };
        self.committed = document;
        self.digest.clone_from(&change.digest);
        if !is_tree_digest(&change.digest) {
            // who leads knows no other digests, and may not be the only one
            self.feature_level = self.feature_level.min(TREE_DIGESTS - 1);
        }
        Ok(Applied::Config)
    }

    fn patched(&mut self, change: &ConfigPatch) -> Result<Element, StoreError> {
        let patch = cib::parse(&change.patch).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        let patched = cib::patch::apply(&self.committed, &patch)
            .map_err(|e| StoreError::Misfit(e.to_string()))?;
        differs(self.digest_like(&change.digest, &patched), &change.digest)?;
        Ok(patched)
    }

    /// Returns everything as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let snapshot = Snapshot {
            document: self.committed.to_xml(),
            digest: self.digest.clone(),
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
        let mut restored = Self::of(document, records, snapshot.feature_level);
        if !snapshot.digest.is_empty() {
            let document = Arc::clone(&restored.committed);
            differs(restored.digest_like(&snapshot.digest, &document), &snapshot.digest)?;
            restored.digest = snapshot.digest;
        }
        *self = restored;
        Ok(())
    }
}

fn differs(found: String, wanted: &str) -> Result<(), StoreError> {
    if found == wanted {
        return Ok(());
    }
    Err(StoreError::Differs { found, wanted: wanted.to_owned() })
}

/// Returns the patch from `head` to `document` as text, and what every replica will make of it:
/// none may meet what it cannot read, or make something else of it.
fn written(head: &Element, document: Element) -> Result<(String, Element), StoreError> {
    let read = |text: &str| {
        let patch = cib::parse(text).map_err(|error| error.to_string())?;
        cib::patch::apply(head, &patch).map_err(|error| error.to_string())
    };
    let same =
        |made: &Element| *made == document || cib::digest::v2(made) == cib::digest::v2(&document);
    let patch = cib::patch::diff(head, &document);
    let text = patch.to_xml_compact();
    let trouble = match read(&text) {
        Ok(made) if same(&made) => return Ok((text, made)),
        Ok(_) => "the patch leads elsewhere".to_owned(),
        Err(error) => error,
    };
    tracing::error!(trouble, "a patch leads astray: the whole document goes into the log");
    let text = whole_document(patch, &document).to_xml_compact();
    match read(&text) {
        Ok(made) if same(&made) => Ok((text, made)),
        Ok(_) => Err(StoreError::Unwritable(trouble)),
        Err(error) => Err(StoreError::Unwritable(error)),
    }
}

/// Returns a patch that replaces everything, under the versions of one that changes a part.
fn whole_document(mut patch: Element, document: &Element) -> Element {
    patch.retain_children(|child| child.name() == "version");
    let everything = Element::new("change").with("operation", "create").with("path", "");
    patch.with_child(everything.with_child(document.clone()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn with_property(document: &Element, name: &str) -> Element {
        let mut document = document.clone();
        let pair = Element::new("nvpair").with("id", name).with("name", name).with("value", "1");
        document.child_or_insert("configuration").child_or_insert("crm_config").push(pair);
        document
    }

    fn propose(store: &mut Store, name: &str) -> ConfigPatch {
        let document = with_property(store.head(), name);
        store.propose(document, "root", "n1/test", model::WallTime(0)).unwrap().unwrap()
    }

    fn bytes(change: &ConfigPatch) -> Vec<u8> {
        encode(&Entry::Config(change.clone()))
    }

    fn has(store: &Store, name: &str) -> bool {
        store.committed().find_id(name).is_some()
    }

    #[test]
    fn a_leader_and_its_followers_hold_the_same_after_each_entry() {
        let (mut leader, mut follower) = (Store::default(), Store::default());
        let changes = ["a", "b", "c"].map(|name| propose(&mut leader, name));
        for change in &changes {
            assert_eq!(leader.apply(&bytes(change)).unwrap(), Applied::Config);
            assert_eq!(follower.apply(&bytes(change)).unwrap(), Applied::Config);
            assert_eq!(leader.committed(), follower.committed());
        }
        assert_eq!(leader.head(), leader.committed());
        let mut restored = Store::default();
        restored.restore(&follower.snapshot()).unwrap();
        let next = propose(&mut leader, "d");
        assert_eq!(restored.apply(&bytes(&next)).unwrap(), Applied::Config);
        assert!(has(&restored, "d"));
    }

    #[test]
    fn a_refused_proposal_takes_only_what_was_made_on_it_along() {
        let mut leader = Store::default();
        let first = propose(&mut leader, "first");
        let refused = propose(&mut leader, "refused");
        let _on_it = propose(&mut leader, "on-it");
        leader.withdraw(&refused.digest);
        let next = propose(&mut leader, "next");
        let mut follower = Store::default();
        for change in [&first, &next] {
            assert_eq!(leader.apply(&bytes(change)).unwrap(), Applied::Config);
            assert_eq!(follower.apply(&bytes(change)).unwrap(), Applied::Config);
        }
        assert!(has(&follower, "first") && has(&follower, "next") && !has(&follower, "refused"));
    }

    #[test]
    fn an_overtaken_change_is_passed_over_by_every_replica() {
        let (mut old, mut new) = (Store::default(), Store::default());
        let lost = propose(&mut old, "lost");
        let on_lost = propose(&mut old, "on-lost");
        let other = propose(&mut new, "other");
        let mut third = Store::default();
        for store in [&mut old, &mut new, &mut third] {
            assert_eq!(store.apply(&bytes(&other)).unwrap(), Applied::Config);
            assert_eq!(store.apply(&bytes(&lost)).unwrap(), Applied::Overtaken);
            assert_eq!(store.apply(&bytes(&on_lost)).unwrap(), Applied::Overtaken);
            assert!(has(store, "other") && !has(store, "lost") && !has(store, "on-lost"));
        }
        assert_eq!(old.head(), old.committed());
    }

    #[test]
    fn a_replica_that_holds_something_else_stops_and_is_as_before() {
        let mut leader = Store::default();
        let change = propose(&mut leader, "a");
        let rot = Arc::new(with_property(&empty_document(), "rot"));
        let mut rotten = Store { committed: rot, ..Store::default() };
        let before = rotten.committed.clone();
        assert!(matches!(rotten.apply(&bytes(&change)), Err(StoreError::Differs { .. })));
        assert_eq!(rotten.committed, before);
        // a snapshot that was damaged is not taken in either
        let text = String::from_utf8(leader.snapshot()).unwrap().replace("crm_config", "crm_conf");
        assert!(matches!(rotten.restore(text.as_bytes()), Err(StoreError::Differs { .. })));
        assert_eq!(rotten.committed, before);
    }

    #[test]
    fn entries_and_snapshots_of_the_level_before_are_understood_and_kept_to() {
        let earlier = || Store::of(empty_document(), BTreeMap::new(), TREE_DIGESTS - 1);
        let mut leader = earlier();
        let changes = ["a", "b"].map(|name| propose(&mut leader, name));
        assert!(changes.iter().all(|change| !is_tree_digest(&change.digest)));
        // what is born now begins on the level of now, and follows who is not there yet
        let mut follower = Store::default();
        for change in &changes {
            assert_eq!(leader.apply(&bytes(change)).unwrap(), Applied::Config);
            assert_eq!(follower.apply(&bytes(change)).unwrap(), Applied::Config);
        }
        let mut restored = Store::default();
        restored.restore(&leader.snapshot()).unwrap();
        for mut next_leader in [follower, restored] {
            let next = propose(&mut next_leader, "c");
            assert!(!is_tree_digest(&next.digest), "who knows the level before only must follow");
            let mut third = leader.clone();
            assert_eq!(third.apply(&bytes(&next)).unwrap(), Applied::Config);
            assert!(has(&third, "c"));
        }
        assert!(is_tree_digest(&propose(&mut Store::default(), "a").digest));
    }

    #[test]
    fn a_patch_that_leads_astray_gives_way_to_the_whole_document() {
        let store = Store::default();
        let document = with_property(store.committed(), "a");
        let patch = cib::patch::diff(store.committed(), &document);
        let whole = whole_document(patch, &document);
        assert_eq!(cib::patch::apply(store.committed(), &whole).unwrap(), document);
    }
}

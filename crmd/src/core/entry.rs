//! What stands in the replicated log: configuration changes, node records, the feature level.

use serde::{Deserialize, Serialize};

use model::{BootId, NodeId, WallTime};

/// One entry of the log, as every member applies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A change of the configuration.
    Config(ConfigPatch),
    /// What is known for certain of one node.
    Node(NodeRecord),
    /// The cluster may use what this level brings; raised only when all voters have it.
    FeatureLevel(u32),
}

/// A change of the configuration as a patch, tried on a copy before it was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigPatch {
    /// The v2 patchset as XML text.
    pub patch: String,
    /// Digest of the document it was made on; where another one is met, the change is passed over.
    pub base: String,
    /// Digest of the document after it; a replica that differs stops applying.
    pub digest: String,
    /// Which user asked for it.
    pub author: String,
    /// From which node and tool (`ser1/cibadmin`).
    pub client: String,
    /// When it was proposed.
    pub time: WallTime,
}

/// What is known for certain of a node: the licence to start its resources elsewhere rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// The node.
    pub node: NodeId,
    /// The boot it speaks of.
    pub boot: BootId,
    /// What may be running in that boot.
    pub state: RecordState,
    /// For `Fenced`: who says so and why it is to be believed. Else empty.
    pub proof: String,
}

/// What may be running on a node in one of its boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordState {
    /// Start-class commands may have gone to it.
    Active,
    /// It left in order, with nothing running.
    Clean,
    /// It is to be fenced; nothing it says counts any more.
    Condemned,
    /// It was confirmed off.
    Fenced,
}

impl NodeRecord {
    /// Tells whether resources may run there although the node is not with us.
    pub fn may_run(&self) -> bool {
        match self.state {
            RecordState::Active | RecordState::Condemned => true,
            RecordState::Clean | RecordState::Fenced => false,
        }
    }
}

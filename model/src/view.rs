//! Views: who is in, under which boot and incarnation, and whether that is a quorum.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BootId, Incarnation, NodeId, NodeName};

/// One node of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: NodeName,
    /// The boot its hands live in.
    pub boot: BootId,
    /// The life of its brain.
    pub incarnation: Incarnation,
}

/// An agreed, numbered set of nodes that all hear each other.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    /// Grows with each view any member has been part of; corosync's ring sequence.
    pub number: u64,
    /// The members by number; this node is among them.
    pub members: BTreeMap<NodeId, Member>,
    /// Whether the members hold a quorum by votequorum's rules.
    pub quorate: bool,
}

impl View {
    /// Tells whether a node is in under exactly this boot.
    pub fn has_boot(&self, node: NodeId, boot: BootId) -> bool {
        self.members.get(&node).is_some_and(|m| m.boot == boot)
    }

    /// Returns the lowest member's number: the coordinator when there is no quorum.
    pub fn lowest(&self) -> Option<NodeId> {
        self.members.keys().next().copied()
    }
}

//! What the actions of clones were found to be, as long as no action of an instance has changed.
//!
//! An edge of a clone's action looks at all instances, and the action has edges to all of them.

use crate::index::{ActionIx, NodeIx};
use crate::order::Flags;

/// Flags by action and node, each with the edition of the book that it was read from.
#[derive(Debug, Default)]
pub(crate) struct FlagsMemo(Vec<Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    edition: u64,
    flags: Vec<(Option<NodeIx>, Flags)>,
}

impl FlagsMemo {
    /// Returns the flags of an action on a node if they still hold in this edition.
    pub(crate) fn get(
        &self,
        action: ActionIx,
        node: Option<NodeIx>,
        edition: u64,
    ) -> Option<Flags> {
        let known = self.0.get(action.position()).filter(|known| known.edition == edition)?;
        known.flags.iter().find(|(at, _)| *at == node).map(|(_, flags)| *flags)
    }

    /// Notes the flags of an action on a node.
    pub(crate) fn note(
        &mut self,
        action: ActionIx,
        node: Option<NodeIx>,
        edition: u64,
        flags: Flags,
    ) {
        if self.0.len() <= action.position() {
            self.0.resize(action.position() + 1, Known::default());
        }
        let known = &mut self.0[action.position()];
        if known.edition != edition {
            known.flags.clear();
            known.edition = edition;
        }
        known.flags.push((node, flags));
    }
}

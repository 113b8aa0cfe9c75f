//! Invariant 4: at most one DC acts in a term, and a deposed DC's late commands are refused by the
//! hands.
//!
//! Source: DESIGN.md §10, 4, and §3 ("Commands to hands carry (generation, term, sequence)").

use std::collections::BTreeMap;

use model::{Authority, Generation, HandsCommand, NodeId, Term};

/// Who acted as DC in which term.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    acted: BTreeMap<(Generation, Term), NodeId>,
}

impl Terms {
    /// Notes a command that a node gives as DC.
    pub(crate) fn note(&mut self, node: NodeId, authority: Authority) -> Result<(), String> {
        let term = (authority.generation, authority.term);
        let first = *self.acted.entry(term).or_insert(node);
        if first == node {
            return Ok(());
        }
        Err(format!(
            "invariant 4: n{first} and n{node} both act as DC in term {}.{}",
            authority.generation.0, authority.term.0
        ))
    }
}

/// Returns under which authority a command is given; none for those that need none.
pub(crate) fn authority(command: &HandsCommand) -> Option<Authority> {
    match command {
        HandsCommand::Join { authority }
        | HandsCommand::Execute { authority, .. }
        | HandsCommand::Cancel { authority, .. }
        | HandsCommand::Forget { authority, .. } => Some(*authority),
        HandsCommand::Acknowledge { .. }
        | HandsCommand::Quorate { .. }
        | HandsCommand::GiveWay
        | HandsCommand::Policy { .. } => None,
    }
}

/// Tells whether a command must be refused by hands that have let `highest` in.
pub(crate) fn is_late(command: &HandsCommand, highest: Authority) -> bool {
    let Some(authority) = authority(command) else { return false };
    if matches!(command, HandsCommand::Join { .. }) {
        return (authority.generation, authority.term) < (highest.generation, highest.term);
    }
    authority < highest
}

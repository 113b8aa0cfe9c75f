//! Orderings between interleaved clones: instance by instance.

use crate::create::Planned;
use crate::index::{ActionIx, NodeIx};

/// Updates an ordering between two interleaved clones.
pub(crate) fn update<F, C>(
    _planned: &mut Planned,
    _first: ActionIx,
    _then: ActionIx,
    _node: Option<NodeIx>,
    _filter: F,
    _kind: u32,
) -> C
where
    C: Default,
{
    C::default()
}

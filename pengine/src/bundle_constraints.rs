//! Orderings and colocations between the parts of a bundle.

use crate::constraint::Constrained;
use crate::index::ResourceIx;

/// Adds a bundle's internal constraints.
pub(crate) fn internal(_all: &mut Constrained, _rsc: ResourceIx) {}

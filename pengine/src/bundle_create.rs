//! Actions of bundles.

use crate::create::Planned;
use crate::index::{NodeIx, ResourceIx};

/// Creates a bundle's actions and those of its parts.
pub(crate) fn create(_planned: &mut Planned, _rsc: ResourceIx) {}

/// Probes a bundle's parts on a node.
pub(crate) fn probe(_planned: &mut Planned, _rsc: ResourceIx, _node: NodeIx) {}

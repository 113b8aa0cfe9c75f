//! Reads bundles from the document: makes containers, addresses, connections and their nodes.

use std::sync::Arc;

use cib::Element;

use crate::index::ResourceIx;
use crate::unpack::Unpacked;

/// Adds a bundle and all that it implies.
pub(crate) fn add(_unpacked: &mut Unpacked, _xml: &Arc<Element>) -> Option<ResourceIx> {
    None
}

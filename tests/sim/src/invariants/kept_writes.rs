//! Invariant 3: an acknowledged configuration write is never lost.
//!
//! Source: DESIGN.md §10, 3. No run goes on unlicensed, so it holds without fencing, too.

use std::collections::BTreeSet;

use cib::Element;
use model::NodeId;

/// Checks that every acknowledged write stands in a node's document.
pub(crate) fn check(
    acknowledged: &BTreeSet<u64>,
    node: NodeId,
    document: &Element,
) -> Result<(), String> {
    let missing: Vec<&u64> =
        acknowledged.iter().filter(|write| document.find_id(&id(**write)).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("invariant 3: n{node} lacks acknowledged writes: {missing:?}"))
}

/// Returns the id of the element that a write makes.
pub(crate) fn id(write: u64) -> String {
    format!("write-{write}")
}

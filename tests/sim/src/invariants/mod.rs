//! What must hold, a file each; numbers and wording are those of DESIGN.md §10.

pub(crate) mod kept_writes;
pub(crate) mod one_dc;
pub(crate) mod one_place;
pub(crate) mod safe_start;
pub(crate) mod settled;

//! The controller: joins members, keeps the status section, has plans made and carries them out.
//!
//! [`core`] decides.

pub mod core;

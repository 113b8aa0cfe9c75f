//! The controller: joins members, keeps the status section, has plans made and carries them out.
//!
//! [`core`] decides; [`inputs`] is the shell that keeps every scheduler input on disk.

pub mod core;
pub mod inputs;

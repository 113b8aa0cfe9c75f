//! The command line: `pcs` and the smaller tools. argv in, text out.

mod agent_files;
pub mod pcs;

//! The command line: `pcs` and the smaller tools. argv in, text out.

mod agent_files;
mod by_hand;
pub mod cib_source;
mod clock;
pub mod live;
pub mod pcs;
mod replace;
mod status_xml;
pub mod tools;

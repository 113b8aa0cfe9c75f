//! corosync.conf: an editable tree that keeps order, comments and unknown keys, and a typed view.
//!
//! [`Document`] is the text as a tree: parse, edit, write. [`Conf`] is what it means, checked:
//! [`load`] gives both or says, with file, line and remedy, what is wrong.

mod document;
mod known;
mod problem;
mod settings;
mod users;

pub use document::{Document, Item, Section, Setting};
pub use known::closest;
pub use problem::{ConfError, Problem, Severity};
pub use settings::{
    Conf, Interface, IpVersion, LINKS_MAX, LinkMode, LogSettings, MCAST_PORT_DEFAULT, NodeEntry,
    QuorumSettings, TieBreaker, TotemSettings, Transport, load,
};
pub use users::admitted;

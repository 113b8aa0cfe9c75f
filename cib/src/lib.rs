//! The document: one XML tree (the CIB) that says what must run, and what is running.
//!
//! Everything here is pure: text and trees in, trees and errors out.

pub mod acl;
mod attributes;
pub mod digest;
pub mod edit;
mod name;
pub mod patch;
pub mod path;
pub mod stream;
mod texts;
pub mod tree;
pub mod tree_digest;
pub mod upgrade;
pub mod validate;
pub mod versions;
mod xml;
mod xml_reader;
pub mod xpath;
mod xpath_parse;

pub use attributes::Iter as Attributes;
pub use stream::XmlStream;
pub use texts::Texts;
pub use tree::{Content, Element};
pub use versions::Version;
pub use xml_reader::{ParseError, parse};

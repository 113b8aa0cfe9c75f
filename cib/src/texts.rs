//! The text of a document that changes piece by piece: what has not changed is not written again.
//!
//! Trees share what they have in common, so a section that is the same piece of memory has the same
//! text. A document of a megabyte takes milliseconds to write; one that differs in one section from
//! the document before takes the time of that section.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::tree::{Content, Element};
use crate::xml::is_mixed;

/// The depth at which texts are kept: sections of the configuration, nodes in the status.
const DEPTH: usize = 2;

/// Texts of the sections of a document.
#[derive(Debug, Default)]
pub struct Texts {
    /// By the section's address, which stands for nothing else as long as the section is kept here.
    kept: BTreeMap<usize, (Arc<Element>, Arc<str>)>,
}

impl Texts {
    /// Forgets all that is no part of this document.
    pub fn keep_only(&mut self, document: &Element) {
        let parts = document.children().flat_map(Element::shared_children);
        let addresses: BTreeSet<usize> = parts.map(address).collect();
        self.kept.retain(|address, _| addresses.contains(address));
    }

    /// Returns what [`Element::to_xml`] returns, and keeps the texts of the sections.
    pub fn text(&mut self, document: &Element) -> String {
        let mut out = String::with_capacity(self.kept.values().map(|(_, text)| text.len()).sum());
        self.write(document, 0, &mut out);
        out
    }

    fn write(&mut self, element: &Element, depth: usize, out: &mut String) {
        if element.content().is_empty() || is_mixed(element) {
            return element.write(out, Some(depth), &[]);
        }
        element.write_start(out, Some(depth), &[]);
        for content in element.content() {
            match content {
                Content::Element(child) if depth + 1 < DEPTH => self.write(child, depth + 1, out),
                Content::Element(child) => out.push_str(self.section(child)),
                Content::Comment(_) | Content::Text(_) => content.write(out, Some(depth + 1), &[]),
            }
        }
        element.write_end(out, Some(depth));
    }

    fn section(&mut self, section: &Arc<Element>) -> &str {
        let (_, text) = self.kept.entry(address(section)).or_insert_with(|| {
            let mut text = String::new();
            section.write(&mut text, Some(DEPTH), &[]);
            (Arc::clone(section), text.into())
        });
        text
    }
}

fn address(section: &Arc<Element>) -> usize {
    Arc::as_ptr(section).addr()
}

#[cfg(test)]
mod tests {
    use super::Texts;
    use crate::{Element, parse};

    const TEXT: &str = "<cib epoch=\"1\"><!-- a --><configuration><!-- b --><resources>\
        <primitive id=\"A\"/></resources><constraints/></configuration><x>mixed<y/></x>\
        <status><node_state id=\"1\"><lrm id=\"1\"/></node_state><node_state id=\"2\"/></status></cib>";

    #[test]
    fn a_document_that_changes_has_the_text_of_the_new_one() {
        let mut document = parse(TEXT).unwrap();
        let mut texts = Texts::default();
        for step in 0..5 {
            texts.keep_only(&document);
            assert_eq!(texts.text(&document), document.to_xml(), "step {step}");
            let value = step.to_string();
            document.set("epoch", &value);
            match step {
                0 => document.find_id_mut("A").unwrap().set("type", value),
                1 => document.find_id_mut("2").unwrap().push(Element::new("lrm")),
                2 => document.at_mut(&["status"]).unwrap().retain_children(|c| c.id() != Some("1")),
                _ => document.child_or_insert("status").set("changed", value),
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_the_document_has() {
        let document = parse(TEXT).unwrap();
        let mut texts = Texts::default();
        texts.text(&document);
        let mut part = document.clone();
        part.retain_children(|child| child.name() != "status");
        assert_eq!(texts.text(&part), part.to_xml());
        assert_eq!(texts.kept.len(), 4);
        texts.keep_only(&part);
        assert_eq!(texts.kept.len(), 2);
        assert_eq!(texts.text(&document), document.to_xml());
    }
}

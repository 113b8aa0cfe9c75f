//! A digest of a document that changes piece by piece: what has not changed is not digested again.
//!
//! Made of the digests of an element's children where [`crate::digest::v2`] is made of the whole
//! text, and blind for the same notes. Trees share what they have in common, so that most digests
//! of a document are those of the document before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use md5::{Digest as _, Md5};

use crate::digest::{PROVENANCE, hex};
use crate::tree::{Content, Element};
use crate::xml::is_mixed;

/// The depth below which an element is digested as one text: what is in a section.
const DEPTH: usize = 3;

/// So many parts are kept in any case.
const PARTS_MIN: usize = 64;

/// Begins each digest of this form, so that none is taken for one of another.
const FORM: &str = "tree-";

type Bytes = [u8; 16];

/// Digests of the parts of the documents that were digested last.
#[derive(Clone, Debug, Default)]
pub struct TreeDigests {
    /// By the part's address, which stands for nothing else as long as the part is kept here.
    kept: BTreeMap<usize, (Arc<Element>, Bytes)>,
}

/// Tells whether a digest is one of this form.
pub fn is_tree_digest(digest: &str) -> bool {
    digest.starts_with(FORM)
}

impl TreeDigests {
    /// Returns the document's digest, and keeps those of its parts for the next one.
    pub fn digest(&mut self, document: &Element) -> String {
        let bytes = self.element(document, 0);
        if self.kept.len() > PARTS_MIN + 2 * parts(document, 0, &mut |_| {}) {
            self.keep_only(document);
        }
        format!("{FORM}{}", hex(&bytes))
    }

    /// Forgets what former documents had and this one does not.
    fn keep_only(&mut self, document: &Element) {
        let mut addresses = BTreeSet::new();
        parts(document, 0, &mut |part| {
            addresses.insert(address(part));
        });
        self.kept.retain(|address, _| addresses.contains(address));
    }

    fn element(&mut self, element: &Element, depth: usize) -> Bytes {
        let mut hasher = Md5::new();
        let mut text = String::new();
        if is_leaf(element, depth) {
            element.write(&mut text, None, &PROVENANCE);
            hasher.update(&text);
            return hasher.finalize().into();
        }
        element.write_start(&mut text, None, &PROVENANCE);
        hasher.update(&text);
        for content in element.content() {
            if let Content::Element(child) = content {
                hasher.update(self.part(child, depth + 1));
            } else {
                text.clear();
                content.write(&mut text, None, &PROVENANCE);
                hasher.update(&text);
            }
        }
        hasher.finalize().into()
    }

    fn part(&mut self, part: &Arc<Element>, depth: usize) -> Bytes {
        if let Some((_, bytes)) = self.kept.get(&address(part)) {
            return *bytes;
        }
        let bytes = self.element(part, depth);
        self.kept.insert(address(part), (Arc::clone(part), bytes));
        bytes
    }
}

/// Tells whether an element is digested as one text.
fn is_leaf(element: &Element, depth: usize) -> bool {
    depth == DEPTH || element.content().is_empty() || is_mixed(element)
}

/// Counts the parts of an element that have digests of their own, and calls `each` with them.
fn parts(element: &Element, depth: usize, each: &mut impl FnMut(&Arc<Element>)) -> usize {
    if is_leaf(element, depth) {
        return 0;
    }
    let mut count = 0;
    for part in element.shared_children() {
        each(part);
        count += 1 + parts(part, depth + 1, each);
    }
    count
}

fn address(part: &Arc<Element>) -> usize {
    Arc::as_ptr(part).addr()
}

#[cfg(test)]
mod tests {
    use super::{TreeDigests, is_tree_digest};
    use crate::{Element, parse};

    const TEXT: &str = "<cib epoch=\"1\"><configuration><crm_config/><resources>\
        <primitive id=\"A\"><operations><op id=\"x\"/></operations></primitive><primitive id=\"B\"/>\
        </resources></configuration></cib>";

    #[test]
    fn a_document_has_one_digest_whatever_came_before() {
        let mut document = parse(TEXT).unwrap();
        let mut kept = TreeDigests::default();
        let mut seen = Vec::new();
        for step in 0..200 {
            let digest = kept.digest(&document);
            assert!(is_tree_digest(&digest));
            // another replica has read the text
            let read = parse(&document.to_xml()).unwrap();
            assert_eq!(TreeDigests::default().digest(&read), digest, "step {step}");
            assert!(!seen.contains(&digest), "step {step} changed nothing");
            seen.push(digest);
            match step % 4 {
                0 => document.find_id_mut("x").unwrap().set("interval", step.to_string()),
                1 => document.find_id_mut("B").unwrap().set("type", step.to_string()),
                2 => {
                    let new = Element::new("primitive").with("id", format!("C{step}"));
                    document.at_mut(&["configuration", "resources"]).unwrap().push(new);
                }
                _ => document.set("epoch", step.to_string()),
            }
        }
        let parts = super::parts(&document, 0, &mut |_| {});
        assert!(kept.kept.len() <= super::PARTS_MIN + 2 * parts, "all is kept for ever");
    }

    #[test]
    fn who_wrote_does_not_count_and_order_does() {
        let digest = |text: &str| TreeDigests::default().digest(&parse(text).unwrap());
        let base = digest("<cib><a><b id=\"1\"/><b id=\"2\"/></a></cib>");
        assert_eq!(
            base,
            digest("<cib update-user=\"root\"> <a><b id=\"1\"/><b id=\"2\"/></a></cib>")
        );
        assert_ne!(base, digest("<cib><a><b id=\"2\"/><b id=\"1\"/></a></cib>"));
        assert_ne!(base, digest("<cib><a><b id=\"1\"/></a><b id=\"2\"/></cib>"));
        assert_ne!(base, digest("<cib><a><b id=\"1\"/><!-- --><b id=\"2\"/></a></cib>"));
    }
}

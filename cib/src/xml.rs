//! Tree to text.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::tree::{Content, Element};

/// Writes text as it stands in an attribute's value or between tags, as Pacemaker 3 does.
pub(crate) fn escape(text: &str, in_attribute: bool, out: &mut String) {
    let is_special = |b| !matches!(b, b' '..=b'~') | matches!(b, b'&' | b'<' | b'>' | b'"');
    // no early end: many bytes are looked at at once
    if !text.bytes().fold(false, |special, b| special | is_special(b)) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '\t' | '\n' if !in_attribute => out.push(c),
            c if c.is_control() => {
                let _infallible = write!(out, "&#x{:02x};", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

impl Element {
    /// Writes the tree indented by two spaces a level, one element a line, ending in a newline.
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0), &[]);
        out
    }

    /// Writes the tree without any white space between elements, as digests and the wire want it.
    pub fn to_xml_compact(&self) -> String {
        self.to_xml_without(&[])
    }

    /// Writes the tree as [`Self::to_xml_compact`] does, but for attributes of these names.
    pub(crate) fn to_xml_without(&self, left_out: &[&str]) -> String {
        let mut out = String::new();
        self.write(&mut out, None, left_out);
        out
    }

    /// Appends the tree; `level` is the indentation, none for a single line.
    fn write(&self, out: &mut String, level: Option<usize>, left_out: &[&str]) {
        let indent = |out: &mut String, level: Option<usize>| {
            if let Some(level) = level {
                out.extend(std::iter::repeat_n("  ", level));
            }
        };
        let newline = |out: &mut String| {
            if level.is_some() {
                out.push('\n');
            }
        };
        indent(out, level);
        out.push('<');
        out.push_str(self.name());
        for (key, value) in self.attributes() {
            if left_out.contains(&key) {
                continue;
            }
            out.push(' ');
            out.push_str(key);
            out.push_str("=\"");
            escape(value, true, out);
            out.push('"');
        }
        if self.content().is_empty() {
            out.push_str("/>");
            newline(out);
            return;
        }
        out.push('>');
        if self.content().iter().any(|c| matches!(c, Content::Text(_))) {
            // mixed content: white space would change it
            for content in self.content() {
                match content {
                    Content::Element(child) => child.write(out, None, left_out),
                    Content::Text(text) => escape(text, false, out),
                    Content::Comment(text) => write_comment(text, out),
                }
            }
        } else {
            newline(out);
            for content in self.content() {
                match content {
                    Content::Element(child) => child.write(out, level.map(|l| l + 1), left_out),
                    Content::Comment(text) => {
                        indent(out, level.map(|l| l + 1));
                        write_comment(text, out);
                        newline(out);
                    }
                    Content::Text(_) => {}
                }
            }
            indent(out, level);
        }
        out.push_str("</");
        out.push_str(self.name());
        out.push('>');
        newline(out);
    }
}

fn write_comment(text: &str, out: &mut String) {
    out.push_str("<!--");
    out.push_str(text);
    out.push_str("-->");
}

/// Makes a shared element out of an owned one, for building trees.
impl From<Element> for Content {
    fn from(element: Element) -> Self {
        Self::Element(Arc::new(element))
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn a_document_survives_a_round_trip() {
        let text = "<cib epoch=\"1\" a=\"&lt;&quot;'&#x09;\">\n  <!-- why -->\n  <status/>\n  <x>t &amp; u</x>\n</cib>\n";
        assert_eq!(parse(text).unwrap().to_xml(), text);
    }
}

//! Tree to text.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::tree::{Content, Element};

/// Writes text as it stands in an attribute's value or between tags, as Pacemaker 3 does.
pub(crate) fn escape(text: &str, in_attribute: bool, out: &mut String) {
    if is_plain(text.as_bytes()) {
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

/// Tells whether all bytes stand for themselves.
fn is_plain(text: &[u8]) -> bool {
    // no early end: a register's bytes are looked at at once
    let (registers, rest) = text.as_chunks::<16>();
    let special = |bytes: &[u8; 16]| bytes.iter().fold(false, |any, b| any | is_special(*b));
    !registers.iter().any(special) && !rest.iter().any(|b| SPECIAL[usize::from(*b)])
}

const fn is_special(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~') | matches!(byte, b'&' | b'<' | b'>' | b'"')
}

/// What [`is_special`] says of each byte.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < special.len() {
        #[allow(clippy::cast_possible_truncation, reason = "it is below 256")]
        {
            special[byte] = is_special(byte as u8);
        }
        byte += 1;
    }
    special
};

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
    pub(crate) fn write(&self, out: &mut String, level: Option<usize>, left_out: &[&str]) {
        if self.content().is_empty() {
            self.write_start_open(out, level, left_out);
            out.push_str("/>");
            return newline(out, level);
        }
        if is_mixed(self) {
            // white space would change it
            self.write_start_open(out, level, left_out);
            out.push('>');
            self.content().iter().for_each(|content| content.write(out, None, left_out));
            self.write_end_tag(out);
            return newline(out, level);
        }
        self.write_start(out, level, left_out);
        let below = level.map(|level| level + 1);
        self.content().iter().for_each(|content| content.write(out, below, left_out));
        self.write_end(out, level);
    }

    /// Appends all that comes before the content of an element that has some, and no text in it.
    pub(crate) fn write_start(&self, out: &mut String, level: Option<usize>, left_out: &[&str]) {
        self.write_start_open(out, level, left_out);
        out.push('>');
        newline(out, level);
    }

    /// Appends all that comes after the content of an element that has some, and no text in it.
    pub(crate) fn write_end(&self, out: &mut String, level: Option<usize>) {
        indent(out, level);
        self.write_end_tag(out);
        newline(out, level);
    }

    fn write_start_open(&self, out: &mut String, level: Option<usize>, left_out: &[&str]) {
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
    }

    fn write_end_tag(&self, out: &mut String) {
        out.push_str("</");
        out.push_str(self.name());
        out.push('>');
    }
}

impl Content {
    /// Appends this; `level` is the indentation, none for a single line.
    pub(crate) fn write(&self, out: &mut String, level: Option<usize>, left_out: &[&str]) {
        match self {
            Self::Element(child) => child.write(out, level, left_out),
            Self::Text(text) => escape(text, false, out),
            Self::Comment(text) => {
                indent(out, level);
                write_comment(text, out);
                newline(out, level);
            }
        }
    }
}

/// Tells whether there is text between an element's children, which white space would change.
pub(crate) fn is_mixed(element: &Element) -> bool {
    element.content().iter().any(|content| matches!(content, Content::Text(_)))
}

fn indent(out: &mut String, level: Option<usize>) {
    out.extend(std::iter::repeat_n("  ", level.unwrap_or_default()));
}

fn newline(out: &mut String, level: Option<usize>) {
    if level.is_some() {
        out.push('\n');
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

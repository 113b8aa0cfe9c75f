//! Text to tree and back. The only module that knows the XML library.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use smol_str::SmolStr;

use crate::name::Name;
use crate::tree::{Content, Element};

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub reason: String,
}

/// Elements may stand inside each other this deep; a CIB needs about 12, and what walks the tree
/// recursively must not exhaust its stack.
const DEPTH_MAX: usize = 200;

/// Reads one XML document.
///
/// # Errors
/// The first thing that is not well-formed, with its place.
pub fn parse(text: &str) -> Result<Element, ParseError> {
    Builder {
        reader: Reader::from_str(text),
        text,
        line_at: (0, 1),
        stack: Vec::new(),
        root: None,
        attributes: Vec::new(),
    }
    .run()
}

struct Builder<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// A byte offset and its line, so that lines are counted once.
    line_at: (usize, u32),
    stack: Vec<Element>,
    root: Option<Element>,
    /// Attributes of the element being read; empty between elements.
    attributes: Vec<(Name, SmolStr)>,
}

impl Builder<'_> {
    fn run(mut self) -> Result<Element, ParseError> {
        loop {
            let before = self.position();
            let event = self.reader.read_event();
            let event = event.map_err(|e| {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(before);
                self.error(at, e.to_string())
            })?;
            match event {
                Event::Start(tag) => {
                    if self.stack.len() >= DEPTH_MAX {
                        return Err(self.error(
                            before,
                            format!("more than {DEPTH_MAX} elements inside each other"),
                        ));
                    }
                    let element = self.open(&tag, before)?;
                    self.stack.push(element);
                }
                Event::Empty(tag) => {
                    let element = self.open(&tag, before)?;
                    self.close(element, before)?;
                }
                Event::End(_) => match self.stack.pop() {
                    Some(element) => self.close(element, before)?,
                    None => return Err(self.error(before, "an end tag without its start".into())),
                },
                Event::Text(data) => self.characters(&data, before)?,
                Event::CData(data) => self.characters(&data, before)?,
                Event::GeneralRef(reference) => {
                    let entity = format!("&{};", &*reference);
                    let resolved =
                        unescape(&entity).map_err(|reason| self.error(before, reason))?;
                    self.append_text(&resolved);
                }
                Event::Comment(data) => {
                    if let Some(parent) = self.stack.last_mut() {
                        parent.content_mut().push(Content::Comment((&*data).into()));
                    }
                }
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
                Event::Eof => break,
            }
        }
        if let Some(open) = self.stack.last() {
            let (name, line) = (open.name().to_owned(), open.line());
            return Err(
                self.error(self.text.len(), format!("<{name}> of line {line} is never closed"))
            );
        }
        let end = self.text.len();
        self.root.take().ok_or_else(|| self.error(end, "there is no element".into()))
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn open(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<Element, ParseError> {
        let mut attributes = std::mem::take(&mut self.attributes);
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| self.error(at, e.to_string()))?;
            let value = value(&attribute.value).map_err(|reason| self.error(at, reason))?;
            let key = Name::from(attribute.key.as_ref());
            attributes.push((key, value.into()));
        }
        let line = self.line(at);
        #[allow(
            clippy::drain_collect,
            reason = "the element's list has no room to spare, this one is kept"
        )]
        let own = attributes.drain(..).collect();
        let element = Element::read(tag.name().as_ref().into(), own, line);
        self.attributes = attributes;
        Ok(element)
    }

    fn close(&mut self, element: Element, at: usize) -> Result<(), ParseError> {
        match self.stack.last_mut() {
            Some(parent) => parent.push(element),
            None if self.root.is_none() => self.root = Some(element),
            None => {
                return Err(
                    self.error(at, "there is more than one element outside all others".into())
                );
            }
        }
        Ok(())
    }

    fn characters(&mut self, text: &str, at: usize) -> Result<(), ParseError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        if self.stack.is_empty() {
            return Err(self.error(at, "there is text outside the element; this is not XML".into()));
        }
        self.append_text(text);
        Ok(())
    }

    fn append_text(&mut self, text: &str) {
        let Some(parent) = self.stack.last_mut() else { return };
        if let Some(Content::Text(last)) = parent.content_mut().last_mut() {
            *last = format!("{last}{text}").into();
        } else {
            parent.content_mut().push(Content::Text(text.into()));
        }
    }

    fn line(&mut self, at: usize) -> u32 {
        let at = at.min(self.text.len());
        let (from, line) = self.line_at;
        if at >= from {
            let newlines = self.text.as_bytes()[from..at].iter().filter(|b| **b == b'\n').count();
            self.line_at = (at, line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX)));
        }
        self.line_at.1
    }

    fn error(&mut self, at: usize, reason: String) -> ParseError {
        let at = at.min(self.text.len());
        let before = String::from_utf8_lossy(&self.text.as_bytes()[..at]);
        let last = before.rsplit('\n').next().unwrap_or_default();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        ParseError {
            line: count(before.matches('\n').count()).saturating_add(1),
            column: count(last.chars().count()).saturating_add(1),
            reason,
        }
    }
}

/// Reads an attribute's value as it stands between its quotes.
fn value(raw: &str) -> Result<Cow<'_, str>, String> {
    if raw.bytes().any(|b| matches!(b, b'&' | b'\n' | b'\t' | b'\r')) {
        unescape(&normalise(raw)).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(raw))
    }
}

/// White space in attribute values becomes spaces, as XML 1.0 §3.3.3 says.
fn normalise(raw: &str) -> String {
    raw.replace("\r\n", " ").replace(['\n', '\t', '\r'], " ")
}

/// Resolves the five entities of XML and character references.
fn unescape(raw: &str) -> Result<String, String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let end =
            after.find(';').ok_or_else(|| "`&` that begins no entity; write `&amp;`".to_owned())?;
        let name = &after[..end];
        match name {
            "amp" => out.push('&'),
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "quot" => out.push('"'),
            "apos" => out.push('\''),
            _ => {
                let number = name
                    .strip_prefix("#x")
                    .map(|hex| u32::from_str_radix(hex, 16))
                    .or_else(|| name.strip_prefix('#').map(str::parse));
                match number {
                    Some(Ok(code)) => out.push(
                        char::from_u32(code)
                            .ok_or_else(|| format!("`&{name};` is no character"))?,
                    ),
                    _ => return Err(format!("unknown entity `&{name};`")),
                }
            }
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Writes text as it stands in an attribute's value or between tags, as Pacemaker 3 does.
fn escape(text: &str, in_attribute: bool, out: &mut String) {
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'&' | b'<' | b'>' | b'"')) {
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
        self.write(&mut out, Some(0));
        out
    }

    /// Writes the tree without any white space between elements, as digests and the wire want it.
    pub fn to_xml_compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, None);
        out
    }

    /// Appends the tree; `level` is the indentation, none for a single line.
    fn write(&self, out: &mut String, level: Option<usize>) {
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
                    Content::Element(child) => child.write(out, None),
                    Content::Text(text) => escape(text, false, out),
                    Content::Comment(text) => write_comment(text, out),
                }
            }
        } else {
            newline(out);
            for content in self.content() {
                match content {
                    Content::Element(child) => child.write(out, level.map(|l| l + 1)),
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
    use super::parse;

    #[test]
    fn a_document_survives_a_round_trip() {
        let text = "<cib epoch=\"1\" a=\"&lt;&quot;'&#x09;\">\n  <!-- why -->\n  <status/>\n  <x>t &amp; u</x>\n</cib>\n";
        assert_eq!(parse(text).unwrap().to_xml(), text);
    }

    #[test]
    fn what_is_no_xml_is_refused_with_its_place() {
        for (text, line) in
            [("banana", 1), ("<a>\n<b></a>", 2), ("<a>\n", 2), ("<a b=1/>", 1), ("", 1)]
        {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn lines_are_kept() {
        let tree = parse("<a>\n\n<b/>\n<c/></a>").unwrap();
        assert_eq!(tree.children().map(crate::Element::line).collect::<Vec<_>>(), [3, 4]);
    }
}

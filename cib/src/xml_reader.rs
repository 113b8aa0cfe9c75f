//! Text to tree: one pass over the bytes, straight into the elements.
//!
//! Reading is most of what a command on a large document costs, and a general reader, which hands
//! out events and attributes one by one, took twice as long.

use std::borrow::Cow;

use crate::attributes::Attributes;
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
    let mut reader = Reader {
        text,
        at: if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 },
        line_at: (0, 1),
        open: Vec::new(),
        content: Vec::new(),
        root: None,
        attributes: Attributes::default(),
    };
    reader.document().map_err(|Wrong { at, reason }| place(text, at, reason))
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What is wrong at a byte of the text.
struct Wrong {
    at: usize,
    reason: String,
}

fn wrong<T>(at: usize, reason: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { at, reason: reason.into() })
}

fn place(text: &str, at: usize, reason: String) -> ParseError {
    // all that is looked for is ASCII, so that every place is one of characters too
    let before = &text[..at];
    let last = before.rsplit('\n').next().unwrap_or_default();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    ParseError {
        line: count(before.matches('\n').count()).saturating_add(1),
        column: count(last.chars().count()).saturating_add(1),
        reason,
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The byte to be read next.
    at: usize,
    /// A byte offset and its line, so that lines are counted once.
    line_at: (usize, u32),
    /// The elements whose end was not read yet, the outermost first.
    open: Vec<Open<'a>>,
    /// What they hold, so far: one list for all, so that each gets its own without room to spare.
    content: Vec<Content>,
    root: Option<Element>,
    /// Attributes of the element being read; empty between elements.
    attributes: Attributes,
}

/// An element whose end was not read yet.
struct Open<'a> {
    name: &'a str,
    /// It has no content yet.
    element: Element,
    /// Where its content begins.
    begin: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Element, Wrong> {
        loop {
            self.characters()?;
            let tag = self.at;
            match self.bytes() {
                [] => break,
                [b'<', b'/', ..] => self.end_tag()?,
                [b'<', b'!', ..] => self.declaration()?,
                [b'<', b'?', ..] => self.skip_past(tag, "<?", "?>").map(drop)?,
                _ => self.start_tag()?,
            }
        }
        if let Some(Open { name, element, .. }) = self.open.last() {
            return wrong(self.at, format!("<{name}> of line {} is never closed", element.line()));
        }
        self.root.take().map_or_else(|| wrong(self.at, "there is no element"), Ok)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn bytes(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        // (mostly there is none, or one)
        while self.peek().is_some_and(|byte| is(byte, SPACE)) {
            self.at += 1;
        }
    }

    /// Goes past the end of something that began at `from`; returns what stands between.
    fn skip_past(&mut self, from: usize, begin: &str, end: &str) -> Result<&'a str, Wrong> {
        let inside = from + begin.len();
        let Some(length) = self.text[inside..].find(end) else {
            return wrong(from, format!("`{begin}` without its `{end}`"));
        };
        self.at = inside + length + end.len();
        Ok(&self.text[inside..inside + length])
    }

    /// Reads up to the next tag; white space alone between tags is nothing.
    fn characters(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        self.skip_space();
        if matches!(self.peek(), None | Some(b'<')) {
            return Ok(());
        }
        let length = self.rest().find('<').unwrap_or(self.rest().len());
        self.at += length;
        let text = &self.text[from..self.at];
        if text.trim().is_empty() {
            return Ok(());
        }
        if self.open.is_empty() {
            return wrong(from, "there is text outside the element; this is not XML");
        }
        let text = unescape(text).or_else(|reason| wrong(from, reason))?;
        self.append_text(&text);
        Ok(())
    }

    fn append_text(&mut self, text: &str) {
        let Some(parent) = self.open.last() else { return };
        if let Some(Content::Text(last)) = self.content[parent.begin..].last_mut() {
            *last = format!("{last}{text}").into();
        } else {
            self.content.push(Content::Text(text.into()));
        }
    }

    /// Reads a comment, characters as they are, or a document type, which is skipped.
    fn declaration(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        if self.rest().starts_with("<!--") {
            let text = self.skip_past(from, "<!--", "-->")?;
            if !self.open.is_empty() {
                self.content.push(Content::Comment(text.into()));
            }
        } else if self.rest().starts_with("<![CDATA[") {
            let text = self.skip_past(from, "<![CDATA[", "]]>")?;
            if !text.trim().is_empty() {
                if self.open.is_empty() {
                    return wrong(from, "there is text outside the element; this is not XML");
                }
                self.append_text(text);
            }
        } else if self.rest().starts_with("<!DOCTYPE") && self.open.is_empty() {
            let (mut inside, mut quote) = (0_usize, None);
            let end = self.bytes().iter().position(|byte| {
                match (*byte, quote) {
                    (b'"' | b'\'', None) => quote = Some(*byte),
                    (byte, Some(open)) if byte == open => quote = None,
                    (b'<', None) => inside += 1,
                    (b'>', None) => inside -= 1,
                    _ => {}
                }
                inside == 0
            });
            let Some(end) = end else { return wrong(from, "`<!DOCTYPE` without its `>`") };
            self.at += end + 1;
        } else {
            return wrong(from, "`<!` begins neither a comment nor anything else known here");
        }
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        self.at += 2;
        let name = self.name();
        self.skip_space();
        if self.peek() != Some(b'>') {
            return wrong(from, format!("`</{name}` without its `>`"));
        }
        self.at += 1;
        let Some(Open { name: opened, mut element, begin }) = self.open.pop() else {
            return wrong(from, "an end tag without its start");
        };
        if opened != name {
            let line = element.line();
            return wrong(
                from,
                format!("</{name}> where </{opened}> was expected, for the one of line {line}"),
            );
        }
        *element.content_mut() = self.content.drain(begin..).collect();
        self.close(element, from)
    }

    fn name(&mut self) -> &'a str {
        let from = self.at;
        self.at += length_of_name(self.bytes());
        &self.text[from..self.at]
    }

    fn start_tag(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        self.at += 1;
        let name = self.name();
        if !begins_name(name) {
            return wrong(from, "`<` begins no tag; as a character it is written `&lt;`");
        }
        let is_empty = self.attributes(name)?;
        let line = self.line(from);
        let element = Element::read(Name::from(name), self.attributes.take_copy(), line);
        if is_empty {
            return self.close(element, from);
        }
        if self.open.len() >= DEPTH_MAX {
            return wrong(from, format!("more than {DEPTH_MAX} elements inside each other"));
        }
        self.open.push(Open { name, element, begin: self.content.len() });
        Ok(())
    }

    /// Reads attributes and the end of the tag; tells whether the element ends there as well.
    fn attributes(&mut self, element: &str) -> Result<bool, Wrong> {
        // one bit for each known name that was read
        let mut seen = [0_u64; 4];
        loop {
            let space = self.at;
            self.skip_space();
            match self.bytes() {
                [b'>', ..] => {
                    self.at += 1;
                    return Ok(false);
                }
                [b'/', b'>', ..] => {
                    self.at += 2;
                    return Ok(true);
                }
                [] => return wrong(self.at, format!("the tag <{element} is never closed")),
                [_, ..] => {}
            }
            let from = self.at;
            let name = self.name();
            if !begins_name(name) {
                return wrong(from, format!("neither an attribute nor the end of <{element}"));
            }
            if space == from {
                return wrong(from, format!("`{name}` begins without a space before it"));
            }
            let place = Name::place(name);
            let again = match place {
                Some(place) => {
                    let (word, bit) = (usize::from(place / 64), 1 << (place % 64));
                    let again = seen[word] & bit != 0;
                    seen[word] |= bit;
                    again
                }
                None => self.attributes.get(name).is_some(),
            };
            if again {
                return wrong(from, format!("<{element} has `{name}` twice"));
            }
            let value = self.value(name)?;
            self.attributes.push_placed(place, name, &value);
        }
    }

    fn value(&mut self, name: &str) -> Result<Cow<'a, str>, Wrong> {
        self.skip_space();
        if self.peek() != Some(b'=') {
            return wrong(self.at, format!("`{name}` has no value; write {name}=\"…\""));
        }
        self.at += 1;
        self.skip_space();
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return wrong(self.at, format!("the value of `{name}` is not in quotes"));
        };
        self.at += 1;
        let from = self.at;
        let mut is_plain = true;
        loop {
            self.at += length_of_plain(self.bytes());
            match self.peek() {
                Some(byte) if byte == quote => break,
                None => return wrong(from, format!("the value of `{name}` never ends")),
                Some(b'<') => {
                    return wrong(
                        self.at,
                        format!(
                            "`<` in the value of `{name}` is written `&lt;`, or the value never ends"
                        ),
                    );
                }
                Some(byte) => is_plain &= matches!(byte, b'"' | b'\''),
            }
            self.at += 1;
        }
        let raw = &self.text[from..self.at];
        self.at += 1;
        if is_plain {
            return Ok(Cow::Borrowed(raw));
        }
        // white space becomes spaces, as XML 1.0 §3.3.3 says
        let spaced = raw.replace("\r\n", " ").replace(['\n', '\t', '\r'], " ");
        unescape(&spaced).map(|text| Cow::Owned(text.into_owned())).or_else(|e| wrong(from, e))
    }

    fn close(&mut self, element: Element, at: usize) -> Result<(), Wrong> {
        if !self.open.is_empty() {
            self.content.push(element.into());
        } else if self.root.is_none() {
            self.root = Some(element);
        } else {
            return wrong(at, "there is more than one element outside all others");
        }
        Ok(())
    }

    /// Returns the line of a byte; each is at or behind the one asked for before.
    fn line(&mut self, at: usize) -> u32 {
        let (from, line) = self.line_at;
        let passed = newlines(&self.text.as_bytes()[from..at]);
        let line = line.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        self.line_at = (at, line);
        line
    }
}

/// White space between words.
const SPACE: u8 = 1;
/// What names are made of.
const NAME: u8 = 2;

/// The kinds each byte is of.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            class |= SPACE;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | 0x80..) {
            class |= NAME;
        }
        classes[byte as usize] = class;
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes of a name there are before the first other one. (On its own, since the reader
/// around it would leave it no registers.)
#[inline(never)]
fn length_of_name(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !is(*byte, NAME)).unwrap_or(bytes.len())
}

/// How many bytes there are before the first that does not stand for itself in a value: a control
/// character, a quote, `&` or `<`.
#[inline(never)]
fn length_of_plain(bytes: &[u8]) -> usize {
    // a word at a time: each test leaves the highest bit of the bytes it holds for, and what else
    // it leaves, by the borrow, is behind the first of them
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // `&` and `'` differ in the lowest bit
        let special = below(word, b' ') | is(word, b'"') | is(word | ONES, b'\'') | is(word, b'<');
        if special & HIGHEST != 0 {
            return at * 8 + (special & HIGHEST).trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'&' | b'\'' | b'<');
    bytes.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

fn begins_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| !b.is_ascii_digit() && !matches!(b, b'-' | b'.'))
}

/// Counts line ends, in strides that fit a register and whose sum fits a byte.
fn newlines(bytes: &[u8]) -> usize {
    // (that none overflows need not be looked at with every byte)
    let one_more = |sum: u8, byte: &u8| sum.wrapping_add(u8::from(*byte == b'\n'));
    let count = |bytes: &[u8]| bytes.iter().fold(0, one_more);
    let (strides, rest) = bytes.as_chunks::<32>();
    strides.iter().map(|stride| usize::from(count(stride))).sum::<usize>()
        + usize::from(count(rest))
}

/// Resolves the five entities of XML and character references.
fn unescape(raw: &str) -> Result<Cow<'_, str>, String> {
    if !raw.contains('&') {
        return Ok(Cow::Borrowed(raw));
    }
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
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_no_xml_is_refused_with_its_place() {
        let check = |text: &str, line: u32, column: u32, what: &str| {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
            assert!(error.reason.contains(what), "{text}: {error}");
        };
        check("banana", 1, 1, "text outside");
        check("", 1, 1, "no element");
        check("<a/> x", 1, 5, "text outside");
        check("<a/><![CDATA[x]]>", 1, 5, "text outside");
        check("<a/><b/>", 1, 5, "more than one");
        check("</a>", 1, 1, "without its start");
        check("<a>\n<b></a>", 2, 4, "</b> was expected");
        check("<a>\n", 2, 1, "line 1 is never closed");
        check("<a>\n</a", 2, 1, "without its `>`");
        check("<a", 1, 3, "never closed");
        check("<1/>", 1, 1, "no tag");
        check("<a b=1/>", 1, 6, "quotes");
        check("<ä b/>", 1, 5, "no value");
        check("<a b='1/>", 1, 7, "never ends");
        check("<a b='1><c/>", 1, 9, "`&lt;`");
        check("<a b='1'c='2'/>", 1, 9, "without a space");
        check("<a id='1' id='2'/>", 1, 11, "twice");
        check("<a x='1' x='2'/>", 1, 10, "twice");
        check("<a =''/>", 1, 4, "neither an attribute");
        check("<a b='&'/>", 1, 7, "&amp;");
        check("<a>&nbsp;</a>", 1, 4, "unknown entity");
        check("<a b='&#xd800;'/>", 1, 7, "no character");
        check("<a><!-- </a>", 1, 4, "without its `-->`");
        check("<a><!ELEMENT a></a>", 1, 4, "neither a comment");
        check("<!DOCTYPE a [ <!ENTITY b '>'", 1, 1, "without its `>`");
        check(&"<a>".repeat(201), 1, 601, "more than 200");
    }

    #[test]
    fn what_is_around_the_elements_is_read_or_skipped() {
        let text = "\u{feff}<?xml version='1.0'?>\n<!DOCTYPE a [ <!ENTITY b '>'> ]>\n<!-- before -->\n\
                    <a  b = \"1\"\n\tc='it&apos;s &#65;\r\n\"' >\n <!-- in --><?skip this?>\
                    x &lt; <![CDATA[<y> & ]]>z</a >\n<!-- after -->\n";
        let tree = parse(text).unwrap();
        assert_eq!(tree.line(), 4);
        assert_eq!(tree.attributes().collect::<Vec<_>>(), [("b", "1"), ("c", "it's A \"")]);
        assert_eq!(tree.text(), "x < <y> & z");
        assert_eq!(tree.content().len(), 2, "{tree:?}");
    }

    #[test]
    fn lines_are_kept() {
        let tree = parse("<a>\n\n<b/>\n<c x='\n'/><d/></a>").unwrap();
        assert_eq!(tree.children().map(crate::Element::line).collect::<Vec<_>>(), [3, 4, 5]);
    }

    #[test]
    fn what_ends_a_plain_text_is_found_wherever_it_is() {
        let plain: Vec<u8> = (b' '..=u8::MAX).filter(|byte| !b"\"&'<".contains(byte)).collect();
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                // behind it is what might be taken for it as well
                let mut text: Vec<u8> =
                    plain.iter().copied().cycle().skip(at * 7).take(40).collect();
                text[at..at + 3].fill(byte);
                let expected = if plain.contains(&byte) { text.len() } else { at };
                assert_eq!(super::length_of_plain(&text), expected, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn line_ends_are_counted_in_long_texts_as_well() {
        for length in [0, 1, 31, 32, 33, 1000] {
            assert_eq!(super::newlines("\n".repeat(length).as_bytes()), length);
            assert_eq!(super::newlines("\nx".repeat(length).as_bytes()), length);
        }
    }
}

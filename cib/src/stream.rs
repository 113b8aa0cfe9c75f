//! Writing a document piece by piece, for those too large to be built as a tree first.

use std::io;

use crate::xml::escape;

/// So much is gathered before it is handed on: a few pages, which are then used again and again.
const CHUNK: usize = 16 * 1024;

/// Writes elements as they are told, in the form of [`crate::Element::to_xml`].
#[derive(Debug)]
pub struct XmlStream<W> {
    out: W,
    buffer: String,
    /// Names of the elements that are open, outermost first.
    open: Vec<&'static str>,
    /// The innermost one's start tag is not finished: attributes may follow.
    in_tag: bool,
    /// The first failure of `out`; nothing is written after it.
    failed: Option<io::Error>,
}

impl<W: io::Write> XmlStream<W> {
    /// Begins a document.
    pub fn new(out: W) -> Self {
        // what is begun below the limit may end above it
        let buffer = String::with_capacity(CHUNK + CHUNK / 4);
        Self { out, buffer, open: Vec::new(), in_tag: false, failed: None }
    }

    /// Begins an element in the one that is open.
    pub fn open(&mut self, name: &'static str) {
        self.finish_tag();
        self.indent();
        self.buffer.push('<');
        self.buffer.push_str(name);
        self.open.push(name);
        self.in_tag = true;
    }

    /// Gives the element that was just begun an attribute.
    pub fn attribute(&mut self, name: &str, value: &str) {
        self.attribute_of(name, &[value]);
    }

    /// As [`Self::attribute`], with a value that is these pieces in a row.
    pub fn attribute_of(&mut self, name: &str, pieces: &[&str]) {
        self.buffer.push(' ');
        self.buffer.push_str(name);
        self.buffer.push_str("=\"");
        for piece in pieces {
            escape(piece, true, &mut self.buffer);
        }
        self.buffer.push('"');
    }

    /// Ends the innermost element.
    pub fn close(&mut self) {
        let Some(name) = self.open.pop() else { return };
        if self.in_tag {
            self.in_tag = false;
            self.buffer.push_str("/>\n");
        } else {
            self.indent();
            self.buffer.push_str("</");
            self.buffer.push_str(name);
            self.buffer.push_str(">\n");
        }
        if self.buffer.len() >= CHUNK {
            self.flush();
        }
    }

    /// Hands on what is left and gives the writer back.
    ///
    /// # Errors
    /// The writer's first failure.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn finish_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.buffer.push_str(">\n");
        }
    }

    fn indent(&mut self) {
        const SPACES: &str = "                ";
        let mut width = 2 * self.open.len();
        while width > 0 {
            let now = width.min(SPACES.len());
            self.buffer.push_str(&SPACES[..now]);
            width -= now;
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(self.buffer.as_bytes()).err();
        }
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::XmlStream;

    #[test]
    fn a_stream_is_what_the_tree_would_be() {
        let text =
            "<a x=\"1 &lt; &quot;2&quot;\">\n  <b/>\n  <c y=\"&#x09;\">\n    <b/>\n  </c>\n</a>\n";
        let mut stream = XmlStream::new(Vec::new());
        stream.open("a");
        stream.attribute_of("x", &["1 <", " \"2\""]);
        stream.open("b");
        stream.close();
        stream.open("c");
        stream.attribute("y", "\t");
        stream.open("b");
        stream.close();
        stream.close();
        stream.close();
        assert_eq!(String::from_utf8(stream.finish().unwrap()).unwrap(), text);
        assert_eq!(crate::parse(text).unwrap().to_xml(), text);
    }
}

//! JSON as the scripts around pcs know it: with a space behind commas and colons.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

fn write(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut out = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
    // our own types have string keys and no failing parts
    debug_assert!(written.is_ok());
    escape(&String::from_utf8_lossy(&out))
}

/// Writes a value in one line.
pub(crate) fn line(value: &impl Serialize) -> String {
    write(value, Spaced)
}

/// Writes a value over several lines.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    write(value, PrettyFormatter::with_indent(b"  "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_line_has_spaces_and_ascii() {
        let value = serde_json::json!({"a": ["ü", 1], "b": null});
        assert_eq!(super::line(&value), r#"{"a": ["\u00fc", 1], "b": null}"#);
    }
}

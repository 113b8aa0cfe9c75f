//! A patchset as people read it, in the form that `crm_shadow --diff` and Pacemaker's logs have.

use std::fmt::Write as _;

use cib::{Content, Element, Version};

/// Writes a patchset as lines: `--` deleted, `++` made, `+ ` changed, `+~` moved.
pub(crate) fn render(patch: &Element) -> String {
    let mut out = String::new();
    versions(patch, &mut out);
    for change in patch.children_named("change") {
        let path = change.get("path").unwrap_or_default();
        match change.get("operation") {
            Some("delete") => {
                let place = change.get("position").map(|p| format!(" ({p})")).unwrap_or_default();
                line(&mut out, format_args!("-- {path}{place}"));
            }
            Some("create") => created(change, path, &mut out),
            Some("move") => {
                let place = change.get("position").unwrap_or_default();
                line(&mut out, format_args!("+~ {path} moved to offset {place}"));
            }
            Some("modify") => modified(change, path, &mut out),
            _ => {}
        }
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(out, "{text}");
}

fn versions(patch: &Element, out: &mut String) {
    let of = |which| patch.at(&["version", which]).map(Version::of);
    let (Some(source), Some(target)) = (of("source"), of("target")) else { return };
    if source == target {
        line(out, format_args!("  : Local-only Change: {source}"));
    } else {
        let digest = patch.get("digest").unwrap_or("(null)");
        line(out, format_args!("Diff: --- {source} 2"));
        line(out, format_args!("Diff: +++ {target} {digest}"));
    }
}

fn created(change: &Element, path: &str, out: &mut String) {
    let mut prefix = format!("++ {path}:  ");
    let indent = prefix.chars().count() - 2;
    for content in change.content() {
        let text = match content {
            Content::Element(child) => child.to_xml(),
            Content::Comment(text) => format!("<!--{text}-->"),
            Content::Text(text) => text.to_string(),
        };
        for written in text.lines() {
            line(out, format_args!("{prefix}{written}"));
            prefix = format!("++{}", " ".repeat(indent));
        }
    }
}

fn modified(change: &Element, path: &str, out: &mut String) {
    let attributes = |operation: &str| {
        change
            .children_named("change-list")
            .flat_map(Element::children)
            .filter(|one| one.get("operation") == Some(operation))
            .map(|one| {
                let name = one.get("name").unwrap_or_default();
                one.get("value")
                    .map_or_else(|| format!("@{name}"), |value| format!("@{name}={value}"))
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (set, unset) = (attributes("set"), attributes("unset"));
    if !set.is_empty() {
        line(out, format_args!("+  {path}:  {set}"));
    }
    if !unset.is_empty() {
        line(out, format_args!("-- {path}:  {unset}"));
    }
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn changes_read_as_the_established_tool_writes_them() {
        let parse = |text: &str| cib::parse(text).unwrap();
        let old =
            parse("<cib epoch=\"5\" num_updates=\"3\"><a id=\"1\" x=\"1\" z=\"1\"/><b/><c/></cib>");
        let new =
            parse("<cib epoch=\"6\" num_updates=\"0\"><c/><a id=\"1\" x=\"2\"/><d><e/></d></cib>");
        let expected = "\
Diff: --- 0.5.3 2
Diff: +++ 0.6.0 (null)
-- /cib/b
+  /cib:  @epoch=6, @num_updates=0
+~ /cib/c moved to offset 0
+  /cib/a[@id='1']:  @x=2
-- /cib/a[@id='1']:  @z
+~ /cib/a[@id='1'] moved to offset 1
++ /cib:  <d>
++          <e/>
++        </d>
";
        assert_eq!(render(&cib::patch::diff(&old, &new)), expected);
    }
}

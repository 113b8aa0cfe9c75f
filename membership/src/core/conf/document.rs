//! The text of corosync.conf as a tree of sections and settings, with order and comments kept.

use std::fmt;

use super::problem::{ConfError, Problem};

/// Sections inside sections, at most; corosync's own files have three.
const DEPTH_MAX: usize = 16;

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What stands at the top: sections, as a rule.
    pub root: Section,
}

/// `name { … }`, or the whole file (then without a name).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its name: `totem`, `node` …
    pub name: String,
    /// Line of its opening brace; 0 when it was made by a program.
    pub line: u32,
    /// What stands in it, in order.
    pub items: Vec<Item>,
}

/// One line or section of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `key: value`.
    Setting(Setting),
    /// `name { … }`.
    Section(Section),
    /// A line that begins with `#`, as it stands.
    Comment(String),
    /// One or more empty lines.
    Blank,
}

/// `key: value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Left of the colon.
    pub key: String,
    /// Right of it, without the spaces around.
    pub value: String,
    /// Its line; 0 when it was made by a program.
    pub line: u32,
}

impl Document {
    /// Parses the text; `file` is its name in messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfError> {
        let refuse = |line: u32, text: String| ConfError {
            file: file.to_owned(),
            problems: vec![Problem::error(line, text)],
        };
        let mut open: Vec<Section> = vec![Section::default()];
        let mut number: u32 = 0;
        for raw in text.lines() {
            number = number.saturating_add(1);
            let line = raw.trim();
            let item = if line.is_empty() {
                Item::Blank
            } else if line.starts_with('#') {
                Item::Comment(line.to_owned())
            } else if line == "}" {
                let closed = open.pop().filter(|_| !open.is_empty());
                let Some(closed) = closed else {
                    return Err(refuse(number, "a closing brace without an open section".into()));
                };
                Item::Section(closed)
            } else if let Some(name) = line.strip_suffix('{') {
                let name = name.trim();
                if name.is_empty() || name.contains([':', '{', '}', ' ']) {
                    return Err(refuse(
                        number,
                        format!("'{line}' is no section; write a name before the brace: totem {{"),
                    ));
                }
                if open.len() > DEPTH_MAX {
                    return Err(refuse(number, "sections are nested too deeply".into()));
                }
                open.push(Section { name: name.to_owned(), line: number, items: Vec::new() });
                continue;
            } else if let Some((key, value)) = line.split_once(':') {
                let (key, value) = (key.trim(), value.trim());
                if key.is_empty() || key.contains([' ', '\t', '{', '}']) {
                    return Err(refuse(number, format!("'{line}' has no key before the colon")));
                }
                Item::Setting(Setting {
                    key: key.to_owned(),
                    value: value.to_owned(),
                    line: number,
                })
            } else {
                let hint = match line.split_once([' ', '\t', '=']) {
                    Some((key, value)) => format!(
                        "; did you mean '{}: {}'?",
                        key.trim(),
                        value.trim_matches([' ', '\t', '='])
                    ),
                    None => String::new(),
                };
                return Err(refuse(
                    number,
                    format!(
                        "'{line}' is neither 'key: value' nor the beginning or end of a \
                         section{hint}"
                    ),
                ));
            };
            if let Some(section) = open.last_mut() {
                section.items.push(item);
            }
        }
        let root = open.swap_remove(0);
        match open.last() {
            Some(_) => {
                // `swap_remove` moved the innermost one to the front; it is the one to name.
                let section = &open[0];
                Err(refuse(
                    section.line,
                    format!("section '{}' is not closed; add a '}}'", section.name),
                ))
            }
            None => Ok(Self { root }),
        }
    }

    /// Returns the first section of this name at the top.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.root.sections(name).next()
    }

    /// Returns the first section of this name at the top, made at the end if there is none.
    pub fn section_mut(&mut self, name: &str) -> &mut Section {
        self.root.section_mut(name)
    }
}

impl fmt::Display for Document {
    /// Writes the file as pcs lays it out: four spaces a level, an empty line around sections.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.write_items(f, 0)
    }
}

impl Section {
    /// Makes an empty section.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), line: 0, items: Vec::new() }
    }

    /// Returns the settings in order.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.items.iter().filter_map(|item| match item {
            Item::Setting(setting) => Some(setting),
            Item::Section(_) | Item::Comment(_) | Item::Blank => None,
        })
    }

    /// Returns all sections in order.
    pub fn all_sections(&self) -> impl Iterator<Item = &Section> {
        self.items.iter().filter_map(|item| match item {
            Item::Section(section) => Some(section),
            Item::Setting(_) | Item::Comment(_) | Item::Blank => None,
        })
    }

    /// Returns the sections of this name in order.
    pub fn sections(&self, name: &str) -> impl Iterator<Item = &Section> {
        self.all_sections().filter(move |section| section.name == name)
    }

    /// Returns the sections of this name in order, to be changed.
    pub fn sections_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Section> {
        self.items.iter_mut().filter_map(move |item| match item {
            Item::Section(section) if section.name == name => Some(section),
            Item::Section(_) | Item::Setting(_) | Item::Comment(_) | Item::Blank => None,
        })
    }

    /// Returns the first section of this name, made at the end if there is none.
    pub fn section_mut(&mut self, name: &str) -> &mut Section {
        let found = self
            .items
            .iter()
            .position(|item| matches!(item, Item::Section(section) if section.name == name));
        let index = found.unwrap_or_else(|| {
            self.items.push(Item::Section(Section::new(name)));
            self.items.len() - 1
        });
        match &mut self.items[index] {
            Item::Section(section) => section,
            Item::Setting(_) | Item::Comment(_) | Item::Blank => {
                unreachable!("the index is that of a section")
            }
        }
    }

    /// Appends a section.
    pub fn push_section(&mut self, section: Section) {
        self.items.push(Item::Section(section));
    }

    /// Drops the sections that `unwanted` picks and returns how many there were.
    pub fn remove_sections(
        &mut self,
        name: &str,
        mut unwanted: impl FnMut(&Section) -> bool,
    ) -> usize {
        let before = self.items.len();
        self.items.retain(|item| match item {
            Item::Section(section) => section.name != name || !unwanted(section),
            Item::Setting(_) | Item::Comment(_) | Item::Blank => true,
        });
        before - self.items.len()
    }

    /// Returns the setting of this name that counts: the last one.
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings().filter(|setting| setting.key == key).last()
    }

    /// Returns the value of this name that counts: the last one's.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.setting(key).map(|setting| setting.value.as_str())
    }

    /// Gives a key one value: in its old place, else after the last setting.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let new = Item::Setting(Setting { key: key.to_owned(), value: value.into(), line: 0 });
        let is_it = |item: &Item| matches!(item, Item::Setting(setting) if setting.key == key);
        if let Some(index) = self.items.iter().position(is_it) {
            self.remove(key);
            self.items.insert(index, new);
        } else {
            let after = self
                .items
                .iter()
                .rposition(|item| matches!(item, Item::Setting(_)))
                .map_or_else(|| self.heading_len(), |index| index + 1);
            self.items.insert(after, new);
        }
    }

    /// Drops every setting of this name and tells whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.items.len();
        self.items.retain(|item| !matches!(item, Item::Setting(setting) if setting.key == key));
        before != self.items.len()
    }

    /// Tells whether nothing but comments and empty lines is left.
    pub fn is_empty(&self) -> bool {
        self.items.iter().all(|item| matches!(item, Item::Comment(_) | Item::Blank))
    }

    /// Counts the comments at the beginning, which stay above a first setting.
    fn heading_len(&self) -> usize {
        let end = self.items.iter().position(|item| !matches!(item, Item::Comment(_)));
        // Comments right above a section belong to it.
        match end {
            Some(end) if matches!(self.items[end], Item::Section(_)) => 0,
            Some(end) => end,
            None => self.items.len(),
        }
    }

    fn write_items(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "    ".repeat(depth);
        // An empty line is due; it is written only when something follows.
        let mut blank_due = false;
        let mut first = true;
        for (index, item) in self.items.iter().enumerate() {
            if matches!(item, Item::Blank) {
                blank_due = !first;
                continue;
            }
            let starts_section = match item {
                Item::Section(_) => !self.comment_just_before(index),
                Item::Comment(_) => {
                    self.section_just_after(index) && !self.comment_just_before(index)
                }
                Item::Setting(_) | Item::Blank => false,
            };
            if !first && (blank_due || starts_section) {
                writeln!(f)?;
            }
            blank_due = false;
            match item {
                Item::Setting(setting) if setting.value.is_empty() => {
                    writeln!(f, "{indent}{}:", setting.key)?;
                }
                Item::Setting(setting) => {
                    writeln!(f, "{indent}{}: {}", setting.key, setting.value)?;
                }
                Item::Comment(text) => writeln!(f, "{indent}{text}")?,
                Item::Section(section) => {
                    writeln!(f, "{indent}{} {{", section.name)?;
                    section.write_items(f, depth + 1)?;
                    writeln!(f, "{indent}}}")?;
                    blank_due = true;
                }
                Item::Blank => {}
            }
            first = false;
        }
        Ok(())
    }

    fn comment_just_before(&self, index: usize) -> bool {
        index > 0 && matches!(self.items[index - 1], Item::Comment(_))
    }

    /// Tells whether nothing but comments stands between this item and a section.
    fn section_just_after(&self, index: usize) -> bool {
        let next = self.items[index..].iter().find(|item| !matches!(item, Item::Comment(_)));
        matches!(next, Some(Item::Section(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "totem {\n    version: 2\n    cluster_name: my\n\n    interface {\n        \
                       linknumber: 0\n    }\n}\n\nnodelist {\n    node {\n        ring0_addr: \
                       10.0.0.1\n        nodeid: 1\n    }\n\n    node {\n        ring0_addr: \
                       10.0.0.2\n        nodeid: 2\n    }\n}\n";

    fn parse(text: &str) -> Document {
        Document::parse(text, "corosync.conf").unwrap()
    }

    fn refusal(text: &str) -> String {
        Document::parse(text, "corosync.conf").unwrap_err().to_string()
    }

    #[test]
    fn a_file_as_pcs_writes_it_comes_back_byte_for_byte() {
        assert_eq!(parse(TWO).to_string(), TWO);
    }

    #[test]
    fn comments_and_groups_of_settings_survive_in_their_places() {
        let text = "# Made by hand\n\n# The protocol\ntotem {\n    # two, as ever\n    version: \
                    2\n\n    token: 1000\n}\n\n# Who\nnodelist {\n}\n";
        assert_eq!(parse(text).to_string(), text);
    }

    #[test]
    fn loose_spelling_is_read_and_written_neatly() {
        let text = "totem{\n\tversion:2\n  odd_key :  a b  c \n}\n\n\n\n";
        assert_eq!(parse(text).to_string(), "totem {\n    version: 2\n    odd_key: a b  c\n}\n");
    }

    #[test]
    fn a_new_setting_stands_before_the_sections_and_an_old_one_keeps_its_place() {
        let mut document = parse(TWO);
        let totem = document.section_mut("totem");
        totem.set("token", "8000");
        totem.set("version", "2");
        totem.set("cluster_name", "other");
        let written = document.to_string();
        assert!(
            written.starts_with(
                "totem {\n    version: 2\n    cluster_name: other\n    token: 8000\n\n    \
                 interface {"
            ),
            "{written}"
        );
    }

    #[test]
    fn of_a_repeated_key_the_last_counts_and_setting_leaves_one() {
        let mut document = parse("totem {\n    token: 1\n    version: 2\n    token: 2\n}\n");
        assert_eq!(document.section("totem").unwrap().get("token"), Some("2"));
        document.section_mut("totem").set("token", "3");
        assert_eq!(document.to_string(), "totem {\n    token: 3\n    version: 2\n}\n");
    }

    #[test]
    fn a_removed_node_leaves_no_hole() {
        let mut document = parse(TWO);
        let nodes = document.section_mut("nodelist");
        assert_eq!(nodes.remove_sections("node", |node| node.get("nodeid") == Some("1")), 1);
        assert!(
            document.to_string().ends_with(
                "nodelist {\n    node {\n        ring0_addr: 10.0.0.2\n        nodeid: 2\n    \
                 }\n}\n"
            ),
            "{document}"
        );
    }

    #[test]
    fn a_new_section_is_made_where_there_is_none() {
        let mut document = Document::default();
        document.section_mut("totem").set("version", "2");
        document.section_mut("quorum").set("provider", "corosync_votequorum");
        assert_eq!(
            document.to_string(),
            "totem {\n    version: 2\n}\n\nquorum {\n    provider: corosync_votequorum\n}\n"
        );
    }

    #[test]
    fn what_is_no_corosync_conf_is_refused_with_its_line() {
        assert_eq!(
            refusal("totem {\n    version 2\n}\n"),
            "corosync.conf:2: 'version 2' is neither 'key: value' nor the beginning or end of a \
             section; did you mean 'version: 2'?"
        );
        assert_eq!(
            refusal("totem {\n}\n}\n"),
            "corosync.conf:3: a closing brace without an open section"
        );
        assert_eq!(
            refusal("totem {\n interface {\n linknumber: 0\n"),
            "corosync.conf:2: section 'interface' is not closed; add a '}'"
        );
        assert!(refusal("{\n}\n").contains("is no section"));
        assert!(refusal("totem {\n : 3\n}").contains("has no key"));
    }
}

//! Words of a command taken apart: `name=value`, sections that begin with a keyword.

use std::collections::BTreeMap;

use super::context::{Cli, fail};

/// Names and values in their order.
pub(crate) type Pairs = Vec<(String, String)>;

/// Reads `name=value` words; a name that comes twice with one value counts once.
pub(crate) fn pairs(words: &[String]) -> Cli<Pairs> {
    let mut all: Pairs = Vec::new();
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return fail(format!("missing value of '{word}' option"));
        };
        if name.is_empty() {
            return fail(format!("missing key in '{word}' option"));
        }
        match all.iter().find(|(known, _)| known == name) {
            Some((_, known)) if known != value => {
                return fail(format!(
                    "duplicate option '{name}' with different values '{known}' and '{value}'"
                ));
            }
            Some(_) => {}
            None => all.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(all)
}

/// Words behind keywords.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sections {
    /// Words before any keyword.
    pub(crate) first: Vec<String>,
    sections: BTreeMap<&'static str, Vec<Vec<String>>>,
    repeated: Option<&'static str>,
}

impl Sections {
    /// Splits words at keywords.
    pub(crate) fn split(words: &[String], keywords: &[&'static str]) -> Self {
        let mut sections = Self::default();
        let mut current: Option<&'static str> = None;
        for word in words {
            if let Some(keyword) = keywords.iter().find(|keyword| *keyword == word) {
                let all = sections.sections.entry(keyword).or_default();
                if !all.is_empty() {
                    sections.repeated.get_or_insert(keyword);
                }
                all.push(Vec::new());
                current = Some(keyword);
                continue;
            }
            let place = current
                .and_then(|keyword| sections.sections.get_mut(keyword))
                .and_then(|all| all.last_mut());
            match place {
                Some(section) => section.push(word.clone()),
                None => sections.first.push(word.clone()),
            }
        }
        sections
    }

    /// Says whether a keyword was there.
    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.sections.contains_key(keyword)
    }

    /// Fails when a keyword was there again.
    pub(crate) fn once(&self) -> Cli {
        match self.repeated {
            Some(keyword) => fail(format!("'{keyword}' cannot be used more than once")),
            None => Ok(()),
        }
    }

    /// Returns all words behind a keyword, all its occurrences joined.
    pub(crate) fn flat(&self, keyword: &str) -> Vec<String> {
        self.sections.get(keyword).into_iter().flatten().flatten().cloned().collect()
    }

    /// Returns the words behind each occurrence of a keyword.
    pub(crate) fn each(&self, keyword: &str) -> Vec<Vec<String>> {
        self.sections.get(keyword).cloned().unwrap_or_default()
    }
}

/// Reads operations behind each `op`: each is a name and options, `monitor interval=10s timeout=5s`.
pub(crate) fn operations(sections: &[Vec<String>]) -> Cli<Vec<Pairs>> {
    let complaint = "When using 'op' you must specify an operation name and at least one option";
    if sections.iter().any(Vec::is_empty) {
        return fail(complaint);
    }
    if sections.iter().filter_map(|words| words.first()).any(|word| word.contains('=')) {
        return fail("When using 'op' you must specify an operation name after 'op'");
    }
    let words = sections.iter().flatten();
    let mut groups: Vec<Vec<String>> = Vec::new();
    for word in words {
        if word.contains('=') {
            if let Some(group) = groups.last_mut() {
                group.push(word.clone());
            }
        } else {
            groups.push(vec![format!("name={word}")]);
        }
    }
    if groups.iter().any(|group| group.len() < 2) {
        return fail(complaint);
    }
    groups.iter().map(|group| pairs(group)).collect()
}

/// Reads operations of which one may have no options: such a one changes nothing.
pub(crate) fn loose_operations(words: &[String]) -> Cli<Vec<Pairs>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for word in words {
        match groups.last_mut() {
            Some(group) if word.contains('=') => group.push(word.clone()),
            _ => groups.push(vec![format!("name={word}")]),
        }
    }
    groups.iter().map(|group| pairs(group)).collect()
}

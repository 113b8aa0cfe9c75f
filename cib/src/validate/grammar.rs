//! The grammar of documents, read from `grammar.txt` once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How often a child may stand below its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    One,
    AtMostOne,
    Any,
    AtLeastOne,
}

/// What values an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// An id that no other element has.
    Id,
    /// An id that some element has.
    Reference,
    /// A whole number from 0.
    Number,
    /// A whole number from 1.
    Positive,
    Score,
    /// Ports from one to another, `8000-8100`.
    Ports,
    /// Names with commas between.
    Names,
    /// One of a list of words.
    OneOf(&'static [&'static str]),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What one element may hold.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<(&'static str, Count)>,
}

pub(super) type Grammar = BTreeMap<&'static str, Rule>;

/// Returns the grammar.
pub(super) fn grammar() -> &'static Grammar {
    static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
    GRAMMAR.get_or_init(|| read(include_str!("grammar.txt")))
}

fn read(text: &'static str) -> Grammar {
    let mut kinds: BTreeMap<&str, &'static [&'static str]> = BTreeMap::new();
    let mut grammar = Grammar::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(inside) = line.strip_prefix("  ") else {
            current = line.trim();
            if !current.is_empty() && !current.starts_with("kind ") {
                grammar.entry(current).or_default();
            }
            continue;
        };
        let (mark, words) = inside.split_once(' ').unwrap_or((inside, ""));
        let words = words.split_whitespace();
        let rule = grammar.entry(current);
        match mark {
            "=" => {
                let name = current.trim_start_matches("kind ");
                kinds.insert(name, Vec::leak(words.collect()));
                // the entry above is only made by or_default
            }
            "@" => rule.or_default().attributes.extend(words.map(|word| attribute(word, &kinds))),
            ">" => rule.or_default().children.extend(words.map(child)),
            _ => {}
        }
    }
    grammar
}

fn attribute(word: &'static str, kinds: &BTreeMap<&str, &'static [&'static str]>) -> Attribute {
    let required = word.ends_with('!');
    let word = word.trim_end_matches('!');
    let (name, kind) = word.split_once(':').unwrap_or((word, "text"));
    let kind = match kind {
        "id" => Kind::Id,
        "reference" => Kind::Reference,
        "number" => Kind::Number,
        "positive" => Kind::Positive,
        "score" => Kind::Score,
        "ports" => Kind::Ports,
        "names" => Kind::Names,
        other => kinds.get(other).map_or(Kind::Text, |values| Kind::OneOf(values)),
    };
    Attribute { name, kind, required }
}

fn child(word: &'static str) -> (&'static str, Count) {
    match word.split_at(word.len() - 1) {
        (name, "?") => (name, Count::AtMostOne),
        (name, "*") => (name, Count::Any),
        (name, "+") => (name, Count::AtLeastOne),
        _ => (word, Count::One),
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Kind, grammar};

    #[test]
    fn every_child_and_kind_that_the_grammar_names_is_in_it() {
        for (name, rule) in grammar() {
            for (child, _) in &rule.children {
                assert!(grammar().contains_key(child) || *child == "status", "{name} > {child}");
            }
        }
        let text = include_str!("grammar.txt");
        let known = ["id", "reference", "number", "positive", "score", "ports", "names"];
        for word in text.lines().filter(|l| l.starts_with("  @")).flat_map(str::split_whitespace) {
            if let Some((_, kind)) = word.trim_end_matches('!').split_once(':') {
                let defined = text.contains(&format!("kind {kind}\n"));
                assert!(known.contains(&kind) || defined, "{word}");
            }
        }
    }

    #[test]
    fn marks_are_read() {
        let op = &grammar()["op"];
        let role = op.attributes.iter().find(|a| a.name == "role").unwrap();
        assert!(matches!(role.kind, Kind::OneOf(roles) if roles.contains(&"Promoted")));
        assert!(op.attributes.iter().any(|a| a.name == "interval" && a.required));
        assert!(grammar()["tag"].children.contains(&("obj_ref", Count::AtLeastOne)));
        assert!(grammar()["configuration"].children.contains(&("resources", Count::One)));
    }
}

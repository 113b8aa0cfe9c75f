//! Pieces of sentences: lists, plurals.

/// Writes words quoted, sorted, without repetition: `'a', 'b'`.
pub fn quoted<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    quoted_with(words, ", ")
}

/// Writes words quoted, sorted, without repetition, with a separator of the caller's.
pub fn quoted_with<S: AsRef<str>>(words: impl IntoIterator<Item = S>, separator: &str) -> String {
    let mut words: Vec<String> =
        words.into_iter().map(|word| format!("'{}'", word.as_ref())).collect();
    words.sort();
    words.dedup();
    words.join(separator)
}

/// Writes words sorted with commas, without quotes.
pub fn plain<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    words.sort();
    words.join(", ")
}

/// Returns the one or the other word for this number of things.
pub fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// Writes an option type in front of a word: `resource option`, or only the word.
pub fn typed(kind: &str, word: &str) -> String {
    if kind.is_empty() { word.to_owned() } else { format!("{kind} {word}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_are_sorted_and_quoted() {
        assert_eq!(super::quoted(["b", "a", "b"]), "'a', 'b'");
        assert_eq!(super::plain(["b", "a"]), "a, b");
    }
}

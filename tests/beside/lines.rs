//! Commands as `commands/*.txt` has them: a line is a start file and words, `{a|b|}` stands for one of
//! several. A line is all the commands its alternatives make.

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it works on: `rich`, `two`, … of `STARTS`.
    pub(crate) start: String,
    /// Its words, without the options that name the file.
    pub(crate) words: Vec<String>,
}

/// A line taken apart: what stands fast, and alternatives.
fn parts(line: &str) -> Vec<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((fast, more)) = rest.split_once('{') {
        let (choices, more) = more.split_once('}').unwrap_or((more, ""));
        parts.push(vec![fast]);
        parts.push(choices.split('|').collect());
        rest = more;
    }
    parts.push(vec![rest]);
    parts
}

/// How many commands a line makes.
pub(crate) fn count(line: &str) -> usize {
    parts(line).iter().map(Vec::len).product()
}

/// Makes the command with a number below `count`.
pub(crate) fn nth(line: &str, mut number: usize) -> Option<Line> {
    let mut text = String::new();
    for choices in parts(line) {
        text.push_str(choices[number % choices.len()]);
        number /= choices.len();
    }
    let mut words = words(&text)?.into_iter();
    Some(Line { start: words.next()?, words: words.collect() })
}

/// Splits a text as a shell does, as far as quotes and backslashes go; none when a quote is open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, ' ') => all.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    quote.is_none().then_some(all)
}

/// Writes words so that a shell would read them back.
pub(crate) fn shown(words: &[String]) -> String {
    let plain = |word: &&String| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_=.:/,%+@".contains(c))
    };
    let quoted = words.iter().map(|word| match Some(word).filter(plain) {
        Some(word) => word.clone(),
        None => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<String>>().join(" ")
}

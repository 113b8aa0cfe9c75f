//! Options as `getopt_long` reads them: clusters of letters, abbreviated long names, values in the
//! same word or the next, in any order with other words, `--` ends them.

use std::iter::Peekable;

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Value,
    /// In the same word (`--show-access=color`), or in the next one if that is no option.
    Maybe,
}

/// One option: its letter (a space when it has none), its long name, and whether it takes a value.
pub(crate) type Spec = (char, &'static str, Takes);

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Options {
    given: Vec<(&'static str, Option<String>)>,
    /// What is no option.
    pub(crate) words: Vec<String>,
}

impl Options {
    /// Reads the arguments; the error is what is wrong with them, in the words of `getopt`.
    pub(crate) fn parse(arguments: &[String], specs: &[Spec]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter().peekable();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                options.words.extend(rest.by_ref().cloned());
            } else if let Some(long) = argument.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let spec = find_long(name, specs)?;
                let value = match (spec.2, value) {
                    (Takes::Nothing, Some(_)) => {
                        return Err(format!("option '--{}' doesn't allow an argument", spec.1));
                    }
                    (Takes::Value, None) => Some(next_value(&mut rest, &format!("--{}", spec.1))?),
                    (Takes::Maybe, None) => word_after(&mut rest),
                    (_, value) => value,
                };
                options.given.push((spec.1, value));
            } else if argument.len() > 1 && argument.starts_with('-') {
                options.cluster(&argument[1..], &mut rest, specs)?;
            } else {
                options.words.push(argument.clone());
            }
        }
        Ok(options)
    }

    fn cluster<'a>(
        &mut self,
        letters: &str,
        rest: &mut Peekable<impl Iterator<Item = &'a String>>,
        specs: &[Spec],
    ) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            let spec = specs
                .iter()
                .find(|spec| spec.0 == letter && letter != ' ')
                .ok_or_else(|| format!("unrecognized option '-{letter}'"))?;
            let after = &letters[at + letter.len_utf8()..];
            match spec.2 {
                Takes::Nothing => self.given.push((spec.1, None)),
                Takes::Maybe => {
                    let value = match after {
                        "" => word_after(rest),
                        after => Some(after.to_owned()),
                    };
                    self.given.push((spec.1, value));
                    break;
                }
                Takes::Value => {
                    let value = if after.is_empty() {
                        next_value(rest, &format!("-{letter}"))?
                    } else {
                        after.to_owned()
                    };
                    self.given.push((spec.1, Some(value)));
                    break;
                }
            }
        }
        Ok(())
    }

    /// Tells whether an option was given.
    pub(crate) fn has(&self, long: &str) -> bool {
        self.given.iter().any(|(name, _)| *name == long)
    }

    /// Returns all options in the order they were given.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.given.iter().map(|(name, value)| (*name, value.as_deref()))
    }

    /// Returns an option's value; the last one counts.
    pub(crate) fn value(&self, long: &str) -> Option<&str> {
        self.given.iter().rev().find(|(name, _)| *name == long)?.1.as_deref()
    }

    /// Returns all values of an option, in order.
    pub(crate) fn values(&self, long: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(name, _)| *name == long).filter_map(|(_, v)| v.as_deref())
    }

    /// Returns the last given of some options.
    pub(crate) fn last_of(&self, longs: &[&'static str]) -> Option<&'static str> {
        self.given.iter().rev().map(|(name, _)| *name).find(|name| longs.contains(name))
    }
}

fn find_long<'s>(name: &str, specs: &'s [Spec]) -> Result<&'s Spec, String> {
    if let Some(spec) = specs.iter().find(|spec| spec.1 == name) {
        return Ok(spec);
    }
    let mut meant = specs.iter().filter(|spec| spec.1.starts_with(name) && !name.is_empty());
    match (meant.next(), meant.next()) {
        (Some(spec), None) => Ok(spec),
        (Some(_), Some(_)) => Err(format!("option '--{name}' is ambiguous")),
        (None, _) => {
            let near = cib::validate::nearest(name, specs.iter().map(|spec| spec.1));
            let hint = near.map(|near| format!("; did you mean --{near}?")).unwrap_or_default();
            Err(format!("unrecognized option '--{name}'{hint}"))
        }
    }
}

/// Takes the next word where it is no option.
fn word_after<'a>(rest: &mut Peekable<impl Iterator<Item = &'a String>>) -> Option<String> {
    rest.next_if(|word| !word.starts_with('-')).cloned()
}

fn next_value<'a>(
    rest: &mut impl Iterator<Item = &'a String>,
    name: &str,
) -> Result<String, String> {
    rest.next().cloned().ok_or_else(|| format!("option '{name}' requires an argument"))
}

#[cfg(test)]
mod tests {
    use super::{Options, Spec, Takes};

    const SPECS: [Spec; 4] = [
        ('Q', "query", Takes::Nothing),
        ('l', "local", Takes::Nothing),
        ('X', "xml-text", Takes::Value),
        ('S', "show-access", Takes::Maybe),
    ];

    fn parse(words: &[&str]) -> Result<Options, String> {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        Options::parse(&words, &SPECS)
    }

    #[test]
    fn letters_cluster_and_long_names_may_be_short() {
        let options = parse(&["-Ql", "word", "--xml-t", "<a/>", "--", "-Q"]).unwrap();
        assert!(options.has("query") && options.has("local"));
        assert_eq!(options.value("xml-text"), Some("<a/>"));
        assert_eq!(options.words, ["word", "-Q"]);
        assert_eq!(parse(&["-QX<b/>"]).unwrap().value("xml-text"), Some("<b/>"));
        assert_eq!(parse(&["--show-access=text"]).unwrap().value("show-access"), Some("text"));
        assert_eq!(parse(&["-S", "x", "y"]).unwrap().value("show-access"), Some("x"));
        assert!(parse(&["--show-access", "-Q"]).unwrap().has("query"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (words, expected) in [
            (&["--quary"][..], "unrecognized option '--quary'; did you mean --query?"),
            (&["-z"], "unrecognized option '-z'"),
            (&["-X"], "option '-X' requires an argument"),
            (&["--query=1"], "option '--query' doesn't allow an argument"),
        ] {
            assert_eq!(parse(words).unwrap_err(), expected);
        }
    }
}

//! Words and options of a command line. Options may stand anywhere; `--` ends them.

use std::collections::BTreeMap;

/// Options that stand alone.
pub(super) const FLAGS: &[&str] = &[
    "--agent-validation",
    "--all",
    "--async",
    "--autodelete",
    "--autocorrect",
    "--brief",
    "--config",
    "--corosync",
    "--debug",
    "--defaults",
    "--disabled",
    "--enable",
    "--expired",
    "--force",
    "--full",
    "--fullhelp",
    "--future",
    "--help",
    "--hide-inactive",
    "--interactive",
    "--local",
    "--monitor",
    "--no-cluster-uuid",
    "--no-default-ops",
    "--no-expire-check",
    "--no-keys-sync",
    "--no-skip",
    "--no-stop",
    "--no-strict",
    "--no-watchdog-validation",
    "--nodesc",
    "--off",
    "--overwrite",
    "--pacemaker",
    "--plan",
    "--promoted",
    "--quiet",
    "--safe",
    "--show-secrets",
    "--simulate",
    "--skip-offline",
    "--start",
    "--strict",
    "--version",
    "--watch",
    "--yes",
    "--arbitrator",
    "--no-wait",
    "--wait",
];

/// Options among them that may have a value behind a `=`.
const MAY_HAVE_VALUE: [&str; 2] = ["--wait", "--watch"];

/// Options that take a value.
pub(super) const VALUED: &[&str] = &[
    "--addr0",
    "--addr1",
    "--after",
    "--before",
    "--booth-conf",
    "--booth-key",
    "--corosync_conf",
    "--diff-against",
    "--from",
    "--group",
    "--hints",
    "--name",
    "--node",
    "--output-format",
    "--request-timeout",
    "--to",
    "--token",
    "--transport",
    "--file",
    "--xml",
];

/// Short options that take a value.
const SHORT_VALUED: [(char, &str); 3] = [('f', "-f"), ('p', "-p"), ('u', "-u")];

/// A command line taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    /// Everything that is no option.
    pub(crate) words: Vec<String>,
    /// Words that look like options and were taken for numbers.
    pub(crate) numbers: Vec<String>,
    options: BTreeMap<&'static str, Option<String>>,
    /// The first option that is there more than once.
    repeated: Option<&'static str>,
}

/// Why a command line is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoArguments {
    /// An option that pcs does not have, or has otherwise; the usage may help.
    Unknown(String),
    /// An option that is given more than once.
    Repeated(&'static str),
}

/// Says whether a word that begins with a dash is a score or a number.
fn is_number(word: &str) -> bool {
    let rest = &word[1..];
    rest == "INFINITY" || rest.starts_with(|c: char| c.is_ascii_digit())
}

impl Arguments {
    /// Takes a command line apart.
    pub(crate) fn parse(argv: &[String]) -> Result<Self, NoArguments> {
        let parsed = Self::taken_apart(argv).map_err(NoArguments::Unknown)?;
        match parsed.repeated {
            Some(option) => Err(NoArguments::Repeated(option)),
            None => Ok(parsed),
        }
    }

    fn taken_apart(argv: &[String]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut rest = argv.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                parsed.words.extend(rest.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                parsed.long(name, value, &mut rest)?;
            } else if word.starts_with('-') && word.len() > 1 && !is_number(word) {
                parsed.short(&word[1..], &mut rest)?;
            } else {
                if word.starts_with('-') && word.len() > 1 {
                    parsed.numbers.push(word.clone());
                }
                parsed.words.push(word.clone());
            }
        }
        Ok(parsed)
    }

    fn long<'a>(
        &mut self,
        name: &str,
        value: Option<String>,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let typed = format!("--{name}");
        let known = || FLAGS.iter().chain(VALUED).copied();
        let option = match known().find(|option| *option == typed) {
            Some(option) => option,
            None => {
                let candidates: Vec<&'static str> =
                    known().filter(|option| option.starts_with(&typed)).collect();
                match *candidates.as_slice() {
                    [one] => one,
                    [] => return Err(format!("option --{name} not recognized")),
                    _ => return Err(format!("option --{name} not a unique prefix")),
                }
            }
        };
        let takes_value = VALUED.contains(&option);
        let value = match value {
            Some(value) if takes_value || MAY_HAVE_VALUE.contains(&option) => Some(value),
            Some(_) => return Err(format!("option {option} must not have an argument")),
            None if takes_value => match rest.next() {
                Some(value) => Some(value.clone()),
                None => return Err(format!("option {option} requires argument")),
            },
            None => None,
        };
        self.give(option, value);
        Ok(())
    }

    fn give(&mut self, option: &'static str, value: Option<String>) {
        if self.options.insert(option, value).is_some() && self.repeated.is_none() {
            self.repeated = Some(option);
        }
    }

    fn short<'a>(
        &mut self,
        letters: &str,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            if letter == 'h' {
                self.give("--help", None);
                continue;
            }
            let Some((_, option)) = SHORT_VALUED.iter().find(|(c, _)| *c == letter) else {
                return Err(format!("option -{letter} not recognized"));
            };
            let attached = &letters[at + letter.len_utf8()..];
            let value = if attached.is_empty() {
                rest.next().cloned().ok_or_else(|| format!("option -{letter} requires argument"))?
            } else {
                attached.to_owned()
            };
            self.give(option, Some(value));
            break;
        }
        Ok(())
    }

    /// Says whether an option is given.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// Returns the value of an option, if it is given and has one.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        self.options.get(option).and_then(Option::as_deref)
    }

    /// Takes an option off the line and returns its value.
    pub(crate) fn take(&mut self, option: &str) -> Option<String> {
        self.options.remove(option).flatten()
    }

    /// Gives an option a value, as if it had been typed.
    pub(crate) fn set(&mut self, option: &'static str, value: &str) {
        self.options.insert(option, Some(value.to_owned()));
    }

    /// Returns the given options that are not among `supported`, sorted.
    pub(crate) fn unsupported(&self, supported: &[&str]) -> Vec<&'static str> {
        const ALWAYS: [&str; 3] = ["--debug", "--help", "--hints"];
        self.options
            .keys()
            .copied()
            .filter(|option| !supported.contains(option) && !ALWAYS.contains(option))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, NoArguments};

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::taken_apart(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn an_option_given_twice_is_refused() {
        let twice = |line: &str| {
            Arguments::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap_err()
        };
        assert_eq!(twice("-f a resource --force -f b"), NoArguments::Repeated("-f"));
        assert_eq!(twice("node --name=a --name b"), NoArguments::Repeated("--name"));
    }

    #[test]
    fn options_stand_anywhere() {
        let arguments = parse("resource -f x create --group=G A --forc -- --all").unwrap();
        assert_eq!(arguments.words, ["resource", "create", "A", "--all"]);
        assert_eq!(arguments.value("-f"), Some("x"));
        assert_eq!(arguments.value("--group"), Some("G"));
        assert!(arguments.has("--force"));
    }

    #[test]
    fn a_negative_score_is_a_word() {
        assert_eq!(parse("a -INFINITY -5").unwrap().words, ["a", "-INFINITY", "-5"]);
    }

    #[test]
    fn unknown_options_are_named() {
        for (line, error) in [
            ("-A", "option -A not recognized"),
            ("--bogus", "option --bogus not recognized"),
            ("--group", "option --group requires argument"),
            ("--a", "option --a not a unique prefix"),
        ] {
            assert_eq!(parse(line).unwrap_err(), error);
        }
    }
}

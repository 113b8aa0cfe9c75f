//! `crm_diff`: what differs between two documents, and applying it.

use cib::{Element, Version, patch};
use model::ExitCode;

use crate::cib_source;

use super::answer::{Answer, VERSION};
use super::options::{Options, Spec, Takes};

const SPECS: [Spec; 12] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('o', "original", Takes::Value),
    ('O', "original-string", Takes::Value),
    ('n', "new", Takes::Value),
    ('N', "new-string", Takes::Value),
    ('p', "patch", Takes::Value),
    ('c', "cib", Takes::Nothing),
    ('s', "stdin", Takes::Nothing),
    ('u', "no-version", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).print()
}

fn answer(arguments: &[String]) -> Answer {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => return Answer::fail(ExitCode::Usage, format!("crm_diff: {error}")),
    };
    if options.has("help") || options.has("help-all") {
        return Answer::text(USAGE);
    }
    if options.has("version") {
        return Answer::text(VERSION);
    }
    let first = input(&options, &["original", "original-string"], "first");
    let second = input(&options, &["new", "new-string", "patch"], "second");
    let (old, other) = match (first, second) {
        (Ok(old), Ok(other)) => (old, other),
        (Err(error), _) | (_, Err(error)) => return Answer::fail(ExitCode::DataErr, error),
    };
    if options.has("patch") { apply(&old, &other) } else { diff(&options, &old, &other) }
}

fn input(options: &Options, names: &[&'static str], which: &str) -> Result<Element, String> {
    let complain = |why: String| format!("Could not parse the {which} XML fragment: {why}");
    let Some(name) = options.last_of(names) else {
        return Err(complain(format!("give it with --{} or --{}", names[0], names[1])));
    };
    let value = options.value(name).unwrap_or_default();
    if name.ends_with("-string") {
        return cib::parse(value).map_err(|error| complain(error.to_string()));
    }
    let path = if value == "-" { "/dev/stdin" } else { value };
    cib_source::read(path.as_ref()).map_err(|error| complain(error.chain()))
}

fn diff(options: &Options, old: &Element, new: &Element) -> Answer {
    let mut patchset = if options.has("no-version") {
        patch::diff_unversioned(old, &with_version_of(old, new))
    } else if old.name() != "cib" {
        patch::diff_unversioned(old, new)
    } else {
        patch::diff(old, new)
    };
    if patch::is_empty(&patchset) {
        return Answer::default();
    }
    if options.has("cib") {
        patch::sign(&mut patchset, new);
    }
    Answer { out: patchset.to_xml(), code: Some(ExitCode::Error), ..Answer::default() }
}

/// A patch that fits any version must not set one.
fn with_version_of(old: &Element, new: &Element) -> Element {
    let mut new = new.clone();
    for key in Version::ATTRIBUTES {
        match old.get(key) {
            Some(value) => new.set(key, value),
            None => {
                new.unset(key);
            }
        }
    }
    new
}

fn apply(old: &Element, patchset: &Element) -> Answer {
    match patch::apply(old, patchset) {
        Ok(new) => Answer::text(new.to_xml()),
        Err(error) => Answer::fail(
            ExitCode::Error,
            format!("Could not apply patch: Application of update diff failed ({error})"),
        ),
    }
}

const USAGE: &str = "\
Usage:
  crm_diff [OPTION...]

Compare two cluster configurations (in XML format) and print what differs as a patch, or apply
such a patch. Exits 0 when nothing differs, 1 when something does

Original XML:
  -o, --original=FILE              XML is contained in the named file (- for standard input)
  -O, --original-string=STRING     XML is contained in the supplied string

Operation:
  -n, --new=FILE                   Compare the original XML to the contents of the named file
  -N, --new-string=STRING          Compare the original XML with the supplied string
  -p, --patch=FILE                 Patch the original XML with the contents of the named file

Additional Options:
  -c, --cib                        Put the digest of the new configuration into the patch
  -u, --no-version                 Leave the versions out, so that the patch fits any version

Application Options:
  -h, --help                       Show this text
  -$, --version                    Display software version and exit
  -V, --verbose                    Accepted

Examples:

  crm_diff --original cib-old.xml --new cib-new.xml > patch.xml
  crm_diff --original cib-old.xml --patch patch.xml > updated.xml
  cibadmin --patch -x patch.xml
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::answer;

    fn say(words: &[&str]) -> super::Answer {
        answer(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn equal_documents_print_nothing_and_exit_0() {
        let same = say(&["-O", "<cib epoch=\"1\"/>", "-N", "<cib epoch=\"1\"/>"]);
        assert_eq!((same.out.as_str(), same.code), ("", None));
        let other = say(&["-O", "<cib epoch=\"1\"/>", "-N", "<cib epoch=\"2\"/>"]);
        assert_eq!(other.code, Some(ExitCode::Error));
        assert!(other.out.starts_with("<diff format=\"2\">\n  <version>\n"));
    }

    #[test]
    fn what_is_missing_or_no_xml_is_said() {
        assert_eq!(say(&["-O", "<a", "-N", "<a/>"]).code, Some(ExitCode::DataErr));
        assert_eq!(say(&["-O", "<a/>"]).code, Some(ExitCode::DataErr));
        assert_eq!(say(&["-P"]).code, Some(ExitCode::Usage));
    }
}

//! `corosync-keygen`: a new secret for the cluster's network.

use std::io::Read as _;
use std::path::PathBuf;

use model::{ExitCode, Paths};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::replace::replace_with_mode;

use super::answer::Answer;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "corosync-keygen";

const SPECS: [Spec; 5] = [
    ('k', "key-file", Takes::Value),
    ('r', "random-file", Takes::Value),
    ('l', "less-secure", Takes::Nothing),
    ('s', "size", Takes::Value),
    ('h', "help", Takes::Nothing),
];

/// Bytes of a key when nobody says otherwise.
const BYTES: usize = 256;

/// Fewer or more bytes than these corosync does not take either.
const BYTES_ALLOWED: std::ops::RangeInclusive<usize> = 128..=4096;

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let fail = |text: String| Answer::fail(ExitCode::Error, format!("{TOOL}: {text}"));
    let options = Options::parse(arguments, &SPECS).map_err(fail)?;
    if options.has("help") {
        return Ok(Answer::text(USAGE));
    }
    let size = match options.value("size") {
        None => BYTES,
        Some(text) => {
            text.parse().ok().filter(|size| BYTES_ALLOWED.contains(size)).ok_or_else(|| {
                fail(format!(
                    "`{text}` is no length of a key; it has {} to {} bytes",
                    BYTES_ALLOWED.start(),
                    BYTES_ALLOWED.end()
                ))
            })?
        }
    };
    let mut key = vec![0; size];
    match options.value("random-file") {
        Some(file) => std::fs::File::open(file)
            .and_then(|mut source| source.read_exact(&mut key))
            .map_err(|error| fail(format!("`{file}` gave no key: {error}")))?,
        None => SystemRandom::new()
            .fill(&mut key)
            .map_err(|_unspecified| fail("this host has no source of random numbers".to_owned()))?,
    }
    let path = options.value("key-file").map_or_else(
        || Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE)).corosync_authkey(),
        PathBuf::from,
    );
    replace_with_mode(&path, &key, 0o400)
        .map_err(|e| fail(format!("`{}` can't be written: {e}", path.display())))?;
    Ok(Answer::text(format!("Writing corosync key to {}.\n", path.display())))
}

const USAGE: &str = "\
Usage: corosync-keygen [-k <keyfile>] [-s size] [-r <randomfile>] [-l] [-h]
     -k / --key-file=<file>     Write to this file instead of /etc/corosync/authkey
     -r / --random-file=<file>  Take the random bytes from this file
     -s / --size=<bytes>        Length of the key (256)
     -l / --less-secure         Accepted
     -h / --help                This text
";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::answer;

    #[test]
    fn a_key_is_random_and_only_its_owner_reads_it() {
        let directory = std::env::temp_dir().join(format!("systole-keygen-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("authkey");
        let words = ["-k".to_owned(), path.display().to_string()];
        answer(&words).unwrap();
        let first = std::fs::read(&path).unwrap();
        answer(&words).unwrap();
        let second = std::fs::read(&path).unwrap();
        assert_eq!((first.len(), second.len()), (256, 256));
        assert_ne!(first, second);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        assert!(answer(&["-s".to_owned(), "1".to_owned()]).is_err());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

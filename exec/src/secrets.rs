//! Values that are kept out of the document: `lrm://` stands there, and a file on each node that only root can
//! read holds the value, with its MD5 in another beside it. `cibsecret` writes them, whoever starts an agent reads them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

/// What stands in the document for a value that is kept out of it.
pub const MARK: &str = "lrm://";

/// The end of the name of the file that holds the MD5.
pub const SIGNATURE: &str = ".sign";

/// How often a value that does not fit its signature is read again: it may have been replaced
/// between the one file and the other, and by the next time they fit.
const READ_AGAIN: usize = 3;

/// Why a value could not be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not here.
    #[error(
        "this node has no secret value for `{parameter}` of {resource} ({}); 'cibsecret sync' on a node that has \
         it brings it here, 'cibsecret set {resource} {parameter} VALUE' makes a new one",
        path.display()
    )]
    Missing {
        /// The resource.
        resource: String,
        /// Its parameter.
        parameter: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It is not what was stored.
    #[error(
        "`{}` does not match its MD5 in `{}{SIGNATURE}`; 'cibsecret set' or 'cibsecret sync' stores it anew",
        path.display(),
        path.display()
    )]
    Mismatch {
        /// Where it lies.
        path: PathBuf,
    },
    /// The name of a resource or parameter can't be one of a file.
    #[error("`{0}` is no name that a resource or parameter can have")]
    Name(String),
    /// The file system refused.
    #[error("`{}` can't be {verb}: {source}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// "read", "written" or "removed".
        verb: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// The secret values of a node.
#[derive(Clone, Debug)]
pub struct Secrets {
    directory: PathBuf,
}

impl Secrets {
    /// Those below a directory.
    pub fn below(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Returns the file of a value.
    ///
    /// # Errors
    /// The names would lead elsewhere.
    pub fn path(&self, resource: &str, parameter: &str) -> Result<PathBuf, SecretError> {
        for name in [resource, parameter] {
            if !is_name(name) {
                return Err(SecretError::Name(name.to_owned()));
            }
        }
        Ok(self.directory.join(resource).join(parameter))
    }

    /// Reads a value; of an instance (`A:0`) that of what it is an instance of, unless it has its own.
    ///
    /// # Errors
    /// It is not here, or not what was stored.
    pub fn read(&self, resource: &str, parameter: &str) -> Result<String, SecretError> {
        let mut own = self.read_own(resource, parameter);
        for _again in 0..READ_AGAIN {
            if !matches!(own, Err(SecretError::Mismatch { .. })) {
                break;
            }
            own = self.read_own(resource, parameter);
        }
        match (&own, resource.rsplit_once(':')) {
            (Err(SecretError::Missing { .. }), Some((base, _))) => self.read_own(base, parameter),
            _ => own,
        }
    }

    fn read_own(&self, resource: &str, parameter: &str) -> Result<String, SecretError> {
        let path = self.path(resource, parameter)?;
        let missing = |path: PathBuf| SecretError::Missing {
            resource: resource.to_owned(),
            parameter: parameter.to_owned(),
            path,
        };
        // the signature first: while a value is replaced it names both, and afterwards the new one
        let signature = text(&signature_of(&path))?.unwrap_or_default();
        let value = text(&path)?.ok_or_else(|| missing(path.clone()))?;
        let is_signed = |value: &str| signature.split_whitespace().any(|one| one == sum(value));
        // an editor, or a shell's echo, has put a line's end behind it
        let bare = value.trim_end();
        match (is_signed(&value), is_signed(bare)) {
            (true, _) => Ok(value),
            (false, true) => Ok(bare.to_owned()),
            (false, false) => Err(SecretError::Mismatch { path }),
        }
    }

    /// Keeps a value.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&self, resource: &str, parameter: &str, value: &str) -> Result<(), SecretError> {
        let path = self.path(resource, parameter)?;
        let failed = |source| SecretError::File { path: path.clone(), verb: "written", source };
        let directory = self.directory.join(resource);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        // An operation may read at any moment, and would fail if the two did not fit: so both sums
        // are there while the value is replaced.
        let (signature, new) = (signature_of(&path), sum(value));
        let former = text(&signature)?.unwrap_or_default();
        put(&signature, format!("{new} {former}").trim_end()).map_err(failed)?;
        put(&path, value).map_err(failed)?;
        put(&signature, &new).map_err(failed)
    }

    /// Forgets a value; tells whether there was one.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove(&self, resource: &str, parameter: &str) -> Result<bool, SecretError> {
        let path = self.path(resource, parameter)?;
        let mut was = false;
        for path in [signature_of(&path), path] {
            match fs::remove_file(&path) {
                Ok(()) => was = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(SecretError::File { path, verb: "removed", source }),
            }
        }
        // the resource's directory goes with its last secret, and stays with any other
        let _others = fs::remove_dir(self.directory.join(resource));
        Ok(was)
    }

    /// Returns all there are: resource and parameter, sorted.
    pub fn all(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for resource in names(&self.directory) {
            let parameters = names(&self.directory.join(&resource));
            let own = parameters.into_iter().filter(|name| is_name(name));
            found.extend(own.map(|parameter| (resource.clone(), parameter)));
        }
        found
    }

    /// Puts the values in place of the marks; tells whether there were any.
    ///
    /// # Errors
    /// One is not here.
    pub fn fill<'a>(
        &self,
        resource: &str,
        parameters: impl Iterator<Item = (&'a String, &'a mut String)>,
    ) -> Result<bool, SecretError> {
        let mut any = false;
        for (name, value) in parameters.filter(|(_, value)| *value == MARK) {
            *value = self.read(resource, name)?;
            any = true;
        }
        Ok(any)
    }
}

/// Tells whether a resource or parameter may be called so, and a file after it.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(['/', '\0'])
        && !name.ends_with(SIGNATURE)
}

fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIGNATURE);
    name.into()
}

/// The MD5 of a value, in hexadecimal digits.
fn sum(value: &str) -> String {
    Md5::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a file; none when it is not there.
fn text(path: &Path) -> Result<Option<String>, SecretError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SecretError::File { path: path.to_owned(), verb: "read", source }),
    }
}

/// Replaces a file in one step.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    let new = path.with_file_name(hidden);
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{MARK, SecretError, Secrets};

    #[test]
    fn a_value_is_kept_for_root_only_and_forgotten_wholly() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::below(directory.path().join("secrets"));
        secrets.write("fence", "passwd", "a b").unwrap();
        assert_eq!(secrets.read("fence", "passwd").unwrap(), "a b");
        assert_eq!(secrets.all(), [("fence".to_owned(), "passwd".to_owned())]);
        let path = secrets.path("fence", "passwd").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let signature = std::fs::read_to_string(path.with_file_name("passwd.sign")).unwrap();
        assert_eq!(signature, "0cc9cd4dd26c5137b675a0d819cb9ab0");
        assert!(secrets.remove("fence", "passwd").unwrap());
        assert!(!secrets.remove("fence", "passwd").unwrap() && !path.parent().unwrap().exists());
    }

    #[test]
    fn a_value_keeps_the_space_at_its_end_and_loses_that_of_an_editor() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::below(directory.path());
        secrets.write("db", "passwd", "open sesame ").unwrap();
        assert_eq!(secrets.read("db", "passwd").unwrap(), "open sesame ");
        let path = secrets.path("db", "passwd").unwrap();
        secrets.write("db", "passwd", "x").unwrap();
        std::fs::write(&path, "x\n").unwrap();
        std::fs::write(path.with_file_name("passwd.sign"), format!("{}\n", super::sum("x")))
            .unwrap();
        assert_eq!(secrets.read("db", "passwd").unwrap(), "x");
    }

    #[test]
    fn a_value_can_be_read_while_it_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::below(directory.path());
        secrets.write("db", "passwd", "0").unwrap();
        let writer = secrets.clone();
        let writing = std::thread::spawn(move || {
            for round in 1..=200 {
                writer.write("db", "passwd", &round.to_string()).unwrap();
            }
        });
        while !writing.is_finished() {
            secrets.read("db", "passwd").unwrap();
        }
        writing.join().unwrap();
        let signature = directory.path().join("db/passwd.sign");
        assert_eq!(std::fs::read_to_string(signature).unwrap(), super::sum("200"));
    }

    #[test]
    fn a_crash_in_between_leaves_a_value() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::below(directory.path());
        secrets.write("db", "passwd", "old").unwrap();
        let signature = directory.path().join("db/passwd.sign");
        let both = format!("{} {}", super::sum("new"), super::sum("old"));
        std::fs::write(&signature, &both).unwrap();
        assert_eq!(secrets.read("db", "passwd").unwrap(), "old");
        std::fs::write(directory.path().join("db/passwd"), "new").unwrap();
        assert_eq!(secrets.read("db", "passwd").unwrap(), "new");
        secrets.write("db", "passwd", "newer").unwrap();
        assert_eq!(secrets.read("db", "passwd").unwrap(), "newer");
        assert_eq!(std::fs::read_to_string(&signature).unwrap(), super::sum("newer"));
    }

    #[test]
    fn marks_are_replaced_and_what_is_missing_or_changed_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::below(directory.path());
        secrets.write("db", "passwd", "x").unwrap();
        let filled = |mark: &str| {
            let pairs = [("ip", "10.0.0.1"), (mark, MARK)];
            let mut all: BTreeMap<String, String> =
                pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            secrets.fill("db:1", all.iter_mut()).map(|any| (any, all))
        };
        let (any, all) = filled("passwd").unwrap();
        assert!(any && all["passwd"] == "x" && all["ip"] == "10.0.0.1");
        let error = filled("user").unwrap_err().to_string();
        assert!(error.starts_with("this node has no secret value for `user` of db ("), "{error}");
        std::fs::write(directory.path().join("db/passwd"), "y").unwrap();
        assert!(matches!(filled("passwd"), Err(SecretError::Mismatch { .. })));
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let secrets = Secrets::below("/nowhere");
        for (resource, parameter) in
            [("..", "a"), ("a", "../b"), ("a/b", "c"), ("", "a"), ("a", "b.sign")]
        {
            assert!(secrets.path(resource, parameter).is_err(), "{resource} {parameter}");
        }
    }
}

//! Files of the host: read whole, replaced whole, never seen half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a file could not be read, written or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Reading failed.
    #[error("cannot read '{path}'")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Writing failed.
    #[error("cannot write '{path}'")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Removing failed.
    #[error("cannot remove '{path}'")]
    Remove {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Readable by root only: keys, tokens, passwords.
pub(crate) const SECRET: u32 = 0o600;
/// Readable by all.
pub(crate) const PUBLIC: u32 = 0o644;

/// Reads a file; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Read { path: path.into(), source }),
    }
}

/// Reads a text file; `None` when it is not there.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, StoreError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|error| StoreError::Read {
        path: path.into(),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })
}

/// Replaces a file: after a power loss the old or the new content is there, nothing between.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    write_parts(path, bytes, mode).map_err(|source| StoreError::Write { path: path.into(), source })
}

fn write_parts(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    fs::create_dir_all(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = directory.join(name);
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&temporary)?;
        // The mode above is cut by the umask and does not count for a left-over file.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // Nothing more can be done about a left-over; the reason of the failure is what counts.
        drop(fs::remove_file(&temporary));
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

/// Removes a file or a directory with all in it; says whether there was one.
pub(crate) fn remove(path: &Path) -> Result<bool, StoreError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::Remove { path: path.into(), source }),
    }
}

/// Tells an error with all its causes, in one sentence.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/key");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, b"one", PUBLIC).unwrap();
        write(&path, b"two", SECRET).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
    }

    #[test]
    fn a_failure_names_the_file_and_the_cause() {
        let directory = tempfile::tempdir().unwrap();
        let blocked = directory.path().join("file");
        write(&blocked, b"", PUBLIC).unwrap();
        let error = write(&blocked.join("below"), b"", PUBLIC).unwrap_err();
        let text = chain(&error);
        assert!(text.contains("file/below") && text.contains("exists"), "{text}");
    }
}

//! Reading authkey.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::seal::{AuthKey, KeyTooShort};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such file.
    #[error(
        "there is no {path}; copy it from another node of the cluster, or make one with \
         corosync-keygen and give every node the same"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anybody may read it.
    #[error("{path} can be read by everybody (mode {mode:03o}); run 'chmod 400 {path}'")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no key.
    #[error("{path} is no key")]
    TooShort {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: KeyTooShort,
    },
}

/// Reads the cluster's key.
pub fn load_authkey(path: &Path, cluster_name: &str) -> Result<AuthKey, KeyError> {
    let read = fs::metadata(path).and_then(|about| Ok((about, fs::read(path)?)));
    let (about, bytes) = read.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => KeyError::Missing { path: path.to_owned() },
        _ => KeyError::Unreadable { path: path.to_owned(), source },
    })?;
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(KeyError::Open { path: path.to_owned(), mode });
    }
    AuthKey::new(&bytes, cluster_name)
        .map_err(|source| KeyError::TooShort { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_missing_short_or_open_to_all_is_refused_with_the_way_out() {
        let dir = std::env::temp_dir().join(format!("authkey-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("authkey");
        let error = |path: &Path| load_authkey(path, "my").unwrap_err().to_string();
        assert!(error(&path).contains("there is no"));
        fs::write(&path, [7; 128]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(error(&path).contains("chmod 400"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(load_authkey(&path, "my").is_ok());
        fs::write(&path, b"short").unwrap();
        assert!(error(&path).contains("is no key"));
        fs::remove_dir_all(&dir).unwrap();
    }
}

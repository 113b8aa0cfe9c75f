//! What users may do, from `pcs_settings.conf`.

use std::path::Path;

use pcs::cluster::protocol::{Right, SUPERUSER, USERS_GROUP};
use serde::Deserialize;

use crate::store::{self, StoreError};

/// Someone who asks, proven to be who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The login name.
    pub(crate) user: String,
    /// The groups the user is in on this host.
    pub(crate) groups: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Debug, Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    local_cluster: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: Kind,
    name: String,
    allow: Vec<Right>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    User,
    Group,
}

/// Why permissions cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PermissionsError {
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is not of this form.
    #[error("'{path}' holds no permissions; mend or remove it")]
    Form {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Returns the most a caller may do on this host.
pub(crate) fn right_of(path: &Path, caller: &Caller) -> Result<Right, PermissionsError> {
    if caller.user == SUPERUSER || caller.user == "root" {
        return Ok(Right::Full);
    }
    let entries = match store::read_text(path)? {
        Some(text) if !text.trim().is_empty() => {
            let file: File = serde_json::from_str(&text).map_err(|source| {
                PermissionsError::Form { path: path.display().to_string(), source }
            })?;
            file.permissions.local_cluster
        }
        _ => vec![Entry {
            kind: Kind::Group,
            name: USERS_GROUP.into(),
            allow: vec![Right::Grant, Right::Read, Right::Write],
        }],
    };
    let meant = |entry: &Entry| match entry.kind {
        Kind::User => entry.name == caller.user,
        Kind::Group => caller.groups.contains(&entry.name),
    };
    let most = entries.iter().filter(|entry| meant(entry)).flat_map(|entry| &entry.allow).max();
    Ok(most.copied().unwrap_or(Right::None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: &str, groups: &[&str]) -> Caller {
        Caller { user: user.into(), groups: groups.iter().map(|&g| g.to_owned()).collect() }
    }

    #[test]
    fn without_a_file_the_group_may_all_but_read_keys() {
        let none = Path::new("/nowhere/at/all");
        assert_eq!(right_of(none, &caller("ann", &["haclient"])).unwrap(), Right::Grant);
        assert_eq!(right_of(none, &caller("ann", &["users"])).unwrap(), Right::None);
        assert_eq!(right_of(none, &caller("hacluster", &[])).unwrap(), Right::Full);
    }

    #[test]
    fn the_file_replaces_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pcs_settings.conf");
        let text = r#"{"format_version":2,"data_version":1,"clusters":[],"permissions":
            {"local_cluster":[{"type":"user","name":"ann","allow":["read"]}]}}"#;
        store::write(&path, text.as_bytes(), store::PUBLIC).unwrap();
        assert_eq!(right_of(&path, &caller("ann", &["haclient"])).unwrap(), Right::Read);
        assert_eq!(right_of(&path, &caller("bob", &["haclient"])).unwrap(), Right::None);
        store::write(&path, b"{", store::PUBLIC).unwrap();
        assert!(right_of(&path, &caller("ann", &[])).is_err(), "in doubt nobody may");
    }
}

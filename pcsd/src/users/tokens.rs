//! Tokens this host has given out (`pcs_users.conf`): only their hashes are kept.

use std::path::{Path, PathBuf};

use ring::digest;
use serde::{Deserialize, Serialize};

use super::{NoRandomness, hex, random};
use crate::store::{self, SECRET, StoreError};

/// Every `pcs host auth` gives a token out; beyond this number a user's oldest lose their worth,
/// so that the file stays small.
const PER_USER_MAX: usize = 512;

/// The kind of hash, in front of it; a token of another kind is never right.
const PREFIX: &str = "sha256:";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    username: String,
    token: String,
    #[serde(default)]
    creation_date: String,
}

/// The file and what it says.
#[derive(Debug)]
pub(crate) struct Tokens {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// Why tokens could not be read or given out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokensError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No new token.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The file is not ours.
    #[error("'{path}' is no list of tokens; remove it and run 'pcs host auth' again")]
    Form {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Tokens {
    /// Loads the tokens given out so far.
    pub(crate) fn load(path: &Path) -> Result<Self, TokensError> {
        let text = store::read_text(path)?.unwrap_or_default();
        let entries = if text.trim().is_empty() {
            Vec::new()
        } else {
            serde_json::from_str(&text)
                .map_err(|source| TokensError::Form { path: path.display().to_string(), source })?
        };
        Ok(Self { path: path.into(), entries })
    }

    /// Gives a user a new token.
    pub(crate) fn give(&mut self, user: &str, date: String) -> Result<String, TokensError> {
        let token = hex(&random::<32>()?);
        self.accept(user, &token, date)?;
        Ok(token)
    }

    /// Takes a token that was given out elsewhere for a user's.
    pub(crate) fn accept(
        &mut self,
        user: &str,
        token: &str,
        date: String,
    ) -> Result<(), TokensError> {
        let mut entries = self.entries.clone();
        let held = entries.iter().filter(|entry| entry.username == user).count();
        let mut surplus = (held + 1).saturating_sub(PER_USER_MAX);
        entries.retain(|entry| {
            let drop = entry.username == user && surplus > 0;
            surplus -= usize::from(drop);
            !drop
        });
        entries.push(Entry { username: user.to_owned(), token: hash(token), creation_date: date });
        self.keep(entries)
    }

    /// Takes tokens back, or all when none is named; returns how many they were.
    pub(crate) fn drop_these(&mut self, tokens: &[String]) -> Result<usize, TokensError> {
        let hashes: Vec<String> = tokens.iter().map(|token| hash(token)).collect();
        let mut entries = self.entries.clone();
        entries.retain(|entry| !tokens.is_empty() && !hashes.contains(&entry.token));
        let dropped = self.entries.len() - entries.len();
        self.keep(entries)?;
        Ok(dropped)
    }

    fn keep(&mut self, entries: Vec<Entry>) -> Result<(), TokensError> {
        let text = serde_json::to_string_pretty(&entries).map_err(|source| TokensError::Form {
            path: self.path.display().to_string(),
            source,
        })?;
        store::write(&self.path, text.as_bytes(), SECRET)?;
        self.entries = entries;
        Ok(())
    }

    /// Returns whose token this is.
    pub(crate) fn user_of(&self, token: &str) -> Option<&str> {
        // What is compared are hashes of 256 random bits, so time tells nothing of use.
        let wanted = hash(token);
        self.entries.iter().find(|entry| entry.token == wanted).map(|entry| &*entry.username)
    }
}

fn hash(token: &str) -> String {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    format!("{PREFIX}{}", hex(digest.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_outlives_the_daemon_and_is_not_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pcs_users.conf");
        let mut tokens = Tokens::load(&path).unwrap();
        let token = tokens.give("hacluster", String::new()).unwrap();
        assert!(!store::read_text(&path).unwrap().unwrap().contains(&token));
        let again = Tokens::load(&path).unwrap();
        assert_eq!(again.user_of(&token), Some("hacluster"));
        assert_eq!(again.user_of(&hash(&token)), None, "a stolen file opens nothing");
        assert_eq!(again.user_of(""), None);
    }

    #[test]
    fn the_oldest_token_of_a_user_goes_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pcs_users.conf");
        let mut tokens = Tokens::load(&path).unwrap();
        let other = tokens.give("ops", String::new()).unwrap();
        let first = tokens.give("hacluster", String::new()).unwrap();
        tokens.entries.extend((1..PER_USER_MAX).map(|number| Entry {
            username: "hacluster".into(),
            token: number.to_string(),
            creation_date: String::new(),
        }));
        let last = tokens.give("hacluster", String::new()).unwrap();
        assert_eq!(tokens.user_of(&first), None);
        assert_eq!(tokens.user_of(&last), Some("hacluster"));
        assert_eq!(tokens.user_of(&other), Some("ops"));
    }

    #[test]
    fn tokens_are_taken_back_one_by_one_or_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pcs_users.conf");
        let mut tokens = Tokens::load(&path).unwrap();
        let one = tokens.give("hacluster", String::new()).unwrap();
        let two = tokens.give("hacluster", String::new()).unwrap();
        tokens.accept("hacluster", "given elsewhere", String::new()).unwrap();
        assert_eq!(tokens.drop_these(std::slice::from_ref(&one)).unwrap(), 1);
        assert_eq!(tokens.user_of(&one), None);
        assert_eq!(tokens.user_of(&two), Some("hacluster"));
        assert_eq!(tokens.user_of("given elsewhere"), Some("hacluster"));
        assert_eq!(tokens.drop_these(&[]).unwrap(), 2);
        assert_eq!(Tokens::load(&path).unwrap().user_of(&two), None);
    }
}

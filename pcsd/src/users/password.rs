//! The cluster's own password, for hosts without PAM: a salted PBKDF2 hash that root can read.
//!
//! There is none until somebody sets one; no default exists.

use std::num::NonZeroU32;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2;
use serde::{Deserialize, Serialize};

use super::{NoRandomness, random};
use crate::store::{self, SECRET, StoreError};

/// OWASP's advice for PBKDF2 with SHA-512 (2023); about a tenth of a second on a server.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(210_000).unwrap();

/// Shorter ones are refused: tokens of the whole cluster hang on it.
pub(crate) const LENGTH_MIN: usize = 4;

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    algorithm: String,
    iterations: NonZeroU32,
    salt: String,
    hash: String,
}

const ALGORITHM: &str = "pbkdf2-hmac-sha512";

/// Why a password could not be set or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No salt.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The file is not ours.
    #[error("'{0}' holds no password hash, set the password again with 'pcs pcsd passwd'")]
    Form(String),
    /// The password is no password.
    #[error("the password is too short, use at least {LENGTH_MIN} characters")]
    TooShort,
}

/// Sets the password.
pub(crate) fn set(path: &Path, password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < LENGTH_MIN {
        return Err(PasswordError::TooShort);
    }
    let salt: [u8; 16] = random()?;
    let mut hash = [0; 64];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, ITERATIONS, &salt, password.as_bytes(), &mut hash);
    let stored = Stored {
        algorithm: ALGORITHM.into(),
        iterations: ITERATIONS,
        salt: STANDARD.encode(salt),
        hash: STANDARD.encode(hash),
    };
    let mut text = serde_json::to_string(&stored)
        .map_err(|_| PasswordError::Form(path.display().to_string()))?;
    text.push('\n');
    Ok(store::write(path, text.as_bytes(), SECRET)?)
}

/// Says whether a password is the one that was set; never when none was.
///
/// Takes the time of one derivation and compares in constant time.
pub(crate) fn verify(path: &Path, password: &str) -> Result<bool, PasswordError> {
    let Some(text) = store::read_text(path)? else { return Ok(false) };
    let form = || PasswordError::Form(path.display().to_string());
    let stored: Stored = serde_json::from_str(&text).map_err(|_| form())?;
    if stored.algorithm != ALGORITHM {
        return Err(form());
    }
    let salt = STANDARD.decode(&stored.salt).map_err(|_| form())?;
    let hash = STANDARD.decode(&stored.hash).map_err(|_| form())?;
    if hash.len() != 64 {
        return Err(form());
    }
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA512;
    Ok(pbkdf2::verify(algorithm, stored.iterations, &salt, password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_that_was_set_is_right() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        assert!(!verify(&path, "").unwrap(), "none is set: nobody may enter");
        set(&path, "sesame").unwrap();
        assert!(verify(&path, "sesame").unwrap());
        assert!(!verify(&path, "sesam").unwrap());
        assert!(!store::read_text(&path).unwrap().unwrap().contains("sesame"));
        assert!(matches!(set(&path, "abc"), Err(PasswordError::TooShort)));
    }

    #[test]
    fn a_cut_off_hash_lets_nobody_in() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        let text = r#"{"algorithm":"pbkdf2-hmac-sha512","iterations":1,"salt":"","hash":""}"#;
        store::write(&path, text.as_bytes(), SECRET).unwrap();
        assert!(matches!(verify(&path, ""), Err(PasswordError::Form(_))));
    }
}

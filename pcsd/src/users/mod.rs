//! Who may ask: passwords, tokens and permissions.

pub(crate) mod pam;
#[allow(unsafe_code, reason = "libpam is a C library; this module is all that touches it")]
mod pam_library;
pub(crate) mod password;
pub(crate) mod permissions;
pub(crate) mod tokens;

/// Fills a secret of `N` random bytes from the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; N];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The kernel gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the kernel gave no random bytes")]
pub(crate) struct NoRandomness;

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Checking a system user's password by PAM, in a process of its own: PAM's modules may block,
//! crash or leave threads behind, and a daemon should not pay for that.

use std::ffi::CString;
use std::io::{Read, Write};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use model::Paths;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::pam_library::{self, Refusal};

/// The first argument of `systole pcsd` in the helper process.
pub(crate) const HELPER_ARGUMENT: &str = "pam-check";

/// PAM's own delay after a wrong password is 2 to 4 s; modules that ask a directory need more.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Users and passwords are lines of text; more is an attack.
const INPUT_MAX: u64 = 4096;

/// Exit statuses of the helper.
const REFUSED: u8 = 1;
const NO_PAM: u8 = 2;

/// What the helper says when the password is right.
const YES: &[u8] = b"the password is right\n";

/// What PAM said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The password is right and the account may be used.
    Yes,
    /// It is not, or may not.
    No,
    /// There is no PAM here, or it did not answer.
    Unavailable,
}

/// Returns the PAM service to ask: ours if the host has it, else a general one.
fn service(paths: &Paths) -> &'static str {
    let directory = paths.etc_dir().join("pam.d");
    ["pcsd", "login", "other"]
        .into_iter()
        .find(|name| directory.join(name).exists())
        .unwrap_or("other")
}

/// Asks PAM about a user and a password, in a helper process.
pub(crate) async fn check(paths: &Paths, user: &str, password: &str) -> Verdict {
    match tokio::time::timeout(TIMEOUT, ask_helper(service(paths), user, password)).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => {
            tracing::warn!(%error, "cannot ask PAM");
            Verdict::Unavailable
        }
        Err(_) => {
            tracing::warn!(user, "PAM did not answer within {} s", TIMEOUT.as_secs());
            Verdict::Unavailable
        }
    }
}

async fn ask_helper(service: &str, user: &str, password: &str) -> std::io::Result<Verdict> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["pcsd", HELPER_ARGUMENT, service])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(format!("{user}\0{password}").as_bytes()).await?;
    }
    let output = child.wait_with_output().await?;
    // The word and the status: nothing else that may have been started in its place says both.
    Ok(match output.status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(0) if output.stdout == YES => Verdict::Yes,
        Some(REFUSED) => Verdict::No,
        _ => Verdict::Unavailable,
    })
}

/// The helper process: reads `user NUL password`, ends with the verdict.
pub(crate) fn helper(service: &str) -> ExitCode {
    let mut input = Vec::new();
    if std::io::stdin().take(INPUT_MAX).read_to_end(&mut input).is_err() {
        return ExitCode::from(NO_PAM);
    }
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (Some(user), Some(password)) = (parts.next(), parts.next()) else {
        return ExitCode::from(NO_PAM);
    };
    let (Ok(service), Ok(user), Ok(password)) =
        (CString::new(service), CString::new(user), CString::new(password))
    else {
        return ExitCode::from(REFUSED);
    };
    match pam_library::check(&service, &user, &password) {
        Ok(()) => match std::io::stdout().write_all(YES) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(NO_PAM),
        },
        Err(Refusal::Refused(reason)) => {
            tracing::info!(?user, reason, "PAM refuses");
            ExitCode::from(REFUSED)
        }
        Err(Refusal::NoLibrary(reason)) => {
            tracing::info!(reason, "no PAM on this host");
            ExitCode::from(NO_PAM)
        }
    }
}

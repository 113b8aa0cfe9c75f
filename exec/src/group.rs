//! Signals to process groups.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Sends a signal to the group of this leader; a group that is gone is fine.
pub(crate) fn signal(leader: u32, signal: Signal) {
    let Ok(leader) = i32::try_from(leader) else { return };
    // 0 and 1 would be our own group and everybody.
    if leader > 1
        && let Err(error) = killpg(Pid::from_raw(leader), signal)
    {
        tracing::debug!(leader, %signal, %error, "a process group could not be signalled");
    }
}

//! Telling the supervisor how the start of a daemon went, in systemd's way (`sd_notify`).
//!
//! systemd and pcsd set `NOTIFY_SOCKET` for the daemons they start. A daemon says
//! [`ready`] once it does its work, [`status`] when there is something people should know, and
//! [`failed`] just before it gives up: that sentence reaches whoever typed `pcs cluster start`.
//! Without a supervisor all of them do nothing.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable that names the supervisor's datagram socket.
pub const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";

/// Says that the daemon is up, and in one sentence what it does now.
pub fn ready(status: &str) {
    send(&format!("READY=1\nSTATUS={}\n", one_line(status)));
}

/// Says in one sentence what the daemon does or waits for.
pub fn status(status: &str) {
    send(&format!("STATUS={}\n", one_line(status)));
}

/// Says in one sentence why the daemon ends; call it once, then end with a non-zero status.
pub fn failed(reason: &str) {
    send(&format!("STATUS={}\nX_SYSTOLE_FAILED=1\n", one_line(reason)));
}

/// Says that the daemon now ends on purpose, so that nobody brings it back.
pub fn stopping(status: &str) {
    send(&format!("STOPPING=1\nSTATUS={}\n", one_line(status)));
}

/// Newlines separate assignments, so a sentence may have none.
fn one_line(text: &str) -> String {
    text.trim().replace('\n', "; ")
}

/// Sends one datagram; nobody may depend on it, so a supervisor that is away is no error.
fn send(message: &str) {
    let Some(name) = std::env::var_os(SOCKET_VARIABLE).filter(|name| !name.is_empty()) else {
        return;
    };
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(name.as_os_str());
    let address = match bytes.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&name),
    };
    let sent = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        // A supervisor that does not read must not hold up the daemon.
        socket.set_nonblocking(true)?;
        socket.send_to_addr(message.as_bytes(), &address)
    });
    if let Err(error) = sent {
        tracing::debug!(%error, "could not tell the supervisor");
    }
}

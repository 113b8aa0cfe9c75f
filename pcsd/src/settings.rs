//! pcsd's own settings, from `/etc/default/pcsd` or `/etc/sysconfig/pcsd`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use model::Paths;
use pcs::cluster::known_hosts::DEFAULT_PORT;

use crate::store::{self, StoreError};

/// What the file says, with defaults for what it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where to listen; several addresses are allowed.
    pub(crate) listen: Vec<SocketAddr>,
    /// Log what is asked and answered.
    pub(crate) debug: bool,
}

impl Default for Settings {
    fn default() -> Self {
        // Both families: a socket on [::] takes IPv4 too.
        let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        Self { listen: vec![SocketAddr::new(any, DEFAULT_PORT)], debug: false }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line is wrong.
    #[error("{path}:{line}: {what}")]
    Line {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong and what would be right.
        what: String,
    },
}

/// Reads the settings of this host.
pub(crate) fn load(paths: &Paths) -> Result<Settings, SettingsError> {
    for path in paths.settings("pcsd") {
        if let Some(text) = store::read_text(&path)? {
            return parse(&text).map_err(|(line, what)| SettingsError::Line {
                path: path.display().to_string(),
                line,
                what,
            });
        }
    }
    Ok(Settings::default())
}

/// Reads lines `NAME=value`; comments, quotes and names that are not ours are allowed.
fn parse(text: &str) -> Result<Settings, (usize, String)> {
    let mut port = DEFAULT_PORT;
    let mut addresses: Vec<IpAddr> = Vec::new();
    let mut debug = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim().trim_start_matches("export ");
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let value = value.trim().trim_matches(['"', '\'']);
        match name.trim() {
            "PCSD_PORT" => {
                port = value.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                    (number, format!("PCSD_PORT '{value}' is not a port, use 1..65535"))
                })?;
            }
            "PCSD_BIND_ADDR" => {
                for address in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                    addresses.push(address.parse().map_err(|_| {
                        let way_out = "use an IPv4 or IPv6 address, or several with commas";
                        (number, format!("PCSD_BIND_ADDR '{address}' is no address, {way_out}"))
                    })?);
                }
            }
            "PCSD_DEBUG" => debug = matches!(value, "true" | "1" | "yes" | "on"),
            _ => {}
        }
    }
    if addresses.is_empty() {
        addresses.push(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    }
    let listen = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    Ok(Settings { listen, debug })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_means_port_2224_on_every_address() {
        assert_eq!(parse("# PCSD_PORT=1\n\nPCSD_SSL_CIPHERS=x").unwrap(), Settings::default());
    }

    #[test]
    fn addresses_and_port_are_taken() {
        let settings =
            parse("PCSD_PORT=3000\nPCSD_BIND_ADDR='10.0.0.1, ::1'\nPCSD_DEBUG=true").unwrap();
        let listen: Vec<_> = settings.listen.iter().map(ToString::to_string).collect();
        assert_eq!(listen, ["10.0.0.1:3000", "[::1]:3000"]);
        assert!(settings.debug);
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(parse("\nPCSD_PORT=0").unwrap_err().0, 2);
        assert!(parse("PCSD_BIND_ADDR=here").unwrap_err().1.contains("'here' is no address"));
    }
}

//! The file of hosts this one has tokens for, in pcsd's published JSON form.
//!
//! Ours carries one key more per host, `fingerprint`: the certificate that host showed when its
//! token was given. Readers that do not know the key pass over it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where pcsd listens when nobody says otherwise.
pub const DEFAULT_PORT: u16 = 2224;

/// The version of the form, not of the content.
const FORMAT_VERSION: u32 = 1;

/// All hosts known; the higher data version wins when two hosts disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHosts {
    format_version: u32,
    /// Grows by one with each change.
    pub data_version: u64,
    /// By the name people use for the host.
    pub known_hosts: BTreeMap<String, KnownHost>,
}

/// How to reach one host and how to prove oneself to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHost {
    /// Where its pcsd listens, tried in order.
    pub dest_list: Vec<Destination>,
    /// What it gave us at `pcs host auth`.
    pub token: String,
    /// SHA-256 of its certificate in hex; `None` in files written by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// One address of a pcsd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// A name or an address.
    pub addr: String,
    /// The TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
}

fn default_port() -> u16 {
    DEFAULT_PORT
}

/// Why a text is no known-hosts file.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// No JSON, or not of this form.
    #[error("not a known-hosts file")]
    Form(#[from] serde_json::Error),
    /// Written by something newer.
    #[error("known-hosts is of format {0}, this program knows {FORMAT_VERSION}")]
    Newer(u32),
}

impl Default for KnownHosts {
    fn default() -> Self {
        Self { format_version: FORMAT_VERSION, data_version: 0, known_hosts: BTreeMap::new() }
    }
}

impl KnownHosts {
    /// Reads the file's text; an empty text is an empty list.
    ///
    /// # Errors
    /// The text is not of this form.
    pub fn parse(text: &str) -> Result<Self, KnownHostsError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let hosts: Self = serde_json::from_str(text)?;
        if hosts.format_version > FORMAT_VERSION {
            return Err(KnownHostsError::Newer(hosts.format_version));
        }
        Ok(hosts)
    }

    /// Returns the file's text.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Adds or replaces hosts and takes others away, as one change.
    pub fn change(&mut self, add: BTreeMap<String, KnownHost>, remove: &[String]) {
        let before = self.known_hosts.clone();
        self.known_hosts.retain(|name, _| !remove.contains(name));
        self.known_hosts.extend(add);
        if self.known_hosts != before {
            self.data_version += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(token: &str) -> KnownHost {
        KnownHost {
            dest_list: vec![Destination { addr: "10.0.0.1".into(), port: 2224 }],
            token: token.into(),
            fingerprint: None,
        }
    }

    #[test]
    fn a_file_written_by_others_is_read_and_written_alike() {
        let text = r#"{"format_version":1,"data_version":3,"known_hosts":
            {"n1":{"dest_list":[{"addr":"10.0.0.1","port":2224}],"token":"abc"}}}"#;
        let hosts = KnownHosts::parse(text).unwrap();
        assert_eq!(hosts.known_hosts["n1"], host("abc"));
        assert_eq!(KnownHosts::parse(&hosts.to_text()).unwrap(), hosts);
    }

    #[test]
    fn only_a_real_change_counts_as_a_version() {
        let mut hosts = KnownHosts::default();
        hosts.change([("n1".into(), host("a"))].into(), &[]);
        assert_eq!(hosts.data_version, 1);
        hosts.change([("n1".into(), host("a"))].into(), &["n9".into()]);
        assert_eq!(hosts.data_version, 1);
        hosts.change(BTreeMap::new(), &["n1".into()]);
        assert_eq!((hosts.data_version, hosts.known_hosts.len()), (2, 0));
    }

    #[test]
    fn a_newer_form_and_no_json_are_refused() {
        let newer = r#"{"format_version":2,"data_version":1,"known_hosts":{}}"#;
        assert!(matches!(KnownHosts::parse(newer), Err(KnownHostsError::Newer(2))));
        assert!(matches!(KnownHosts::parse("hosts!"), Err(KnownHostsError::Form(_))));
        assert_eq!(KnownHosts::parse("\n").unwrap(), KnownHosts::default());
    }
}

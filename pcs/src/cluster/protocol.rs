//! What a pcsd is asked and answers: names, forms and answers of `POST /remote/NAME`.
//!
//! The paths and shapes are those that pcsd has published, as far as ours offers them; what only
//! ours has is marked so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::known_hosts::KnownHost;

/// The header's cookie that carries the token.
pub const TOKEN_COOKIE: &str = "token";

/// The user who stands for the cluster; the owner of its password may do everything.
pub const SUPERUSER: &str = "hacluster";

/// The group whose members may use the cluster.
pub const USERS_GROUP: &str = "haclient";

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident = $path:literal needs $right:ident;)*) => {
        /// What a pcsd can be asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Request { $($(#[$doc])* $name,)* }

        impl Request {
            /// Every request there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the last part of the path.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// Returns what the asking user must be allowed to do.
            pub fn right(self) -> Right {
                match self { $(Self::$name => Right::$right,)* }
            }
        }
    };
}

/// What a user may do, each including those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Nothing but to prove who they are.
    None,
    /// See the configuration and the state.
    Read,
    /// Change the configuration, start and stop.
    Write,
    /// Change permissions.
    Grant,
    /// Everything, keys and files of the cluster included.
    Full,
}

requests! {
    /// A user and a password for a token.
    Auth = "auth" needs None;
    /// Is my token good?
    CheckAuth = "check_auth" needs None;
    /// Can this host become a member?
    CheckHost = "check_host" needs Read;
    /// Services and their state on this host.
    Status = "status" needs Read;
    /// Start the cluster's daemons; answered when they are up.
    ClusterStart = "cluster_start" needs Write;
    /// Leave the cluster and end its daemons.
    ClusterStop = "cluster_stop" needs Write;
    /// Start the cluster with the host.
    ClusterEnable = "cluster_enable" needs Write;
    /// Do not start the cluster with the host.
    ClusterDisable = "cluster_disable" needs Write;
    /// Stop, and remove all of the cluster's files.
    ClusterDestroy = "cluster_destroy" needs Full;
    /// Has this node joined?
    PacemakerNodeStatus = "pacemaker_node_status" needs Read;
    /// corosync.conf as it is here.
    GetCorosyncConf = "get_corosync_conf" needs Read;
    /// A new corosync.conf.
    SetCorosyncConf = "set_corosync_conf" needs Full;
    /// Tell the running membership that corosync.conf has changed.
    ReloadCorosyncConf = "reload_corosync_conf" needs Write;
    /// Files of the cluster, as base64.
    PutFile = "put_file" needs Full;
    /// Remove files of the cluster.
    RemoveFile = "remove_file" needs Full;
    /// Hosts to know and to forget.
    KnownHostsChange = "known_hosts_change" needs Full;
    /// Votes and quorum.
    GetQuorumInfo = "get_quorum_info" needs Read;
    /// Names of nodes to take out of the document.
    RemoveNodesFromCib = "remove_nodes_from_cib" needs Write;
    /// A certificate and its key in PEM; new connections are shown it (`ssl_cert`, `ssl_key`).
    SetCerts = "set_certs" needs Full;
    /// A configuration of booth and its key, by name.
    GetBoothConfig = "booth_get_config" needs Full;
    /// A configuration of booth and its key, to be written.
    SetBoothConfig = "booth_set_config" needs Full;
    /// What `pcs status` prints there.
    ClusterStatus = "cluster_status_plaintext" needs Read;
    /// What `pcs cluster report` gathers there, as base64 (ours).
    Report = "report" needs Full;
    /// Take a token that was given out elsewhere; on the local socket and by root only.
    AcceptToken = "accept_token" needs Full;
    /// Take back tokens this host has given out; on the local socket and by root only (ours).
    DropTokens = "drop_tokens" needs Full;
    /// Set the password of `hacluster`; on the local socket and by root only (ours).
    SetPassword = "set_password" needs Full;
}

impl Request {
    /// Finds a request by the last part of its path.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|request| request.name() == name)
    }
}

/// The answer to [`Request::CheckHost`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// The services a member must have.
    pub services: BTreeMap<String, ServiceState>,
    /// There is a corosync.conf or a document here already.
    pub cluster_configuration_exists: bool,
}

/// One service of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// It can be started.
    pub installed: bool,
    /// It starts with the host.
    pub enabled: bool,
    /// It runs.
    pub running: bool,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// What it does or why it does not run, in its own words (ours).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The answer to [`Request::PacemakerNodeStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinState {
    /// The node is a full member.
    pub online: bool,
    /// The node is about to become one.
    pub pending: bool,
    /// What it waits for (ours).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
}

/// The answer to [`Request::GetQuorumInfo`] (ours, instead of a tool's text).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumState {
    /// The asked node's partition may act.
    pub quorate: bool,
    /// The votes that quorum needs.
    pub quorum: u32,
    /// The name of the asked node.
    #[serde(default)]
    pub local: Option<String>,
    /// The names of the members and the votes of each.
    pub members: BTreeMap<String, u32>,
}

/// The files of a cluster that travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileKind {
    /// corosync.conf.
    #[serde(rename = "corosync_conf")]
    CorosyncConf,
    /// The key of the cluster's traffic.
    #[serde(rename = "corosync_authkey")]
    CorosyncAuthkey,
    /// The key of remote nodes.
    #[serde(rename = "pcmk_remote_authkey")]
    PacemakerAuthkey,
    /// pcsd's permissions.
    #[serde(rename = "pcsd_settings")]
    PcsdSettings,
    /// The other site of a disaster recovery.
    #[serde(rename = "pcs_disaster_recovery_conf")]
    DisasterRecovery,
    /// A value that is kept out of the document; `name` says of what: `RESOURCE/PARAMETER` (ours).
    #[serde(rename = "resource_secret")]
    Secret,
}

impl FileKind {
    /// Returns what people call the file.
    pub fn label(self) -> &'static str {
        match self {
            Self::CorosyncConf => "corosync.conf",
            Self::CorosyncAuthkey => "corosync authkey",
            Self::PacemakerAuthkey => "pacemaker authkey",
            Self::PcsdSettings => "pcsd settings",
            Self::DisasterRecovery => "disaster-recovery config",
            Self::Secret => "secret value",
        }
    }
}

/// One file of [`Request::PutFile`] or [`Request::RemoveFile`], under any name in a JSON object
/// in the form's field `data_json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// Which file.
    #[serde(rename = "type")]
    pub kind: FileKind,
    /// Which of those of its kind, where there are several (ours).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its content as base64; empty when it is to be removed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// Write it although another is there.
    #[serde(default)]
    pub rewrite_existing: bool,
    /// With corosync.conf: the cluster is new, its members may begin a log (ours).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub birth: bool,
    /// With `birth`: the document the cluster begins with, for one that is restored (ours).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
}

impl FileRequest {
    /// Asks about a file of this kind, and for nothing yet.
    pub fn of(kind: FileKind) -> Self {
        let (name, data, document) = (String::new(), String::new(), String::new());
        Self { kind, name, data, rewrite_existing: false, birth: false, document }
    }
}

/// What became of the files, under the names they were sent with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesAnswer {
    /// By name.
    pub files: BTreeMap<String, FileOutcome>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// The kind of outcome.
    pub code: FileCode,
    /// Why, when it failed.
    #[serde(default)]
    pub message: String,
}

/// The kinds of outcome of a file request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCode {
    /// Was not there, is there.
    Written,
    /// Another was there and was replaced.
    Rewritten,
    /// The same was there.
    SameContent,
    /// Another was there and was kept.
    Conflict,
    /// Was there, is gone.
    Deleted,
    /// Was not there.
    NotFound,
    /// Failed.
    Unexpected,
}

impl FileCode {
    /// Says whether the host is now as it was asked to be.
    pub fn is_good(self) -> bool {
        match self {
            Self::Written
            | Self::Rewritten
            | Self::SameContent
            | Self::Deleted
            | Self::NotFound => true,
            Self::Conflict | Self::Unexpected => false,
        }
    }
}

/// The field `data_json` of [`Request::SetBoothConfig`] and the answer to
/// [`Request::GetBoothConfig`], whose field `name` says which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoothFiles {
    /// The name of the configuration, `booth` unless somebody wants another.
    pub name: String,
    /// The text of `NAME.conf`; empty when it is not there.
    pub config: String,
    /// The key as base64; empty for none.
    #[serde(default)]
    pub key: String,
}

/// The field `data_json` of [`Request::KnownHostsChange`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHostsChange {
    /// Hosts to know, by name.
    #[serde(default)]
    pub known_hosts_add: BTreeMap<String, KnownHost>,
    /// Names to forget.
    #[serde(default)]
    pub known_hosts_remove: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_by_their_names() {
        for request in Request::ALL {
            assert_eq!(Request::named(request.name()), Some(*request));
        }
        assert_eq!(Request::named("cluster_explode"), None);
    }

    #[test]
    fn rights_include_the_lesser_ones() {
        assert!(Right::Full > Right::Grant && Right::Grant > Right::Write);
        assert!(Right::Write > Right::Read && Right::Read > Right::None);
    }

    #[test]
    fn files_are_asked_for_in_the_published_form() {
        let text = r#"{"key":{"type":"corosync_authkey","data":"AAEC","rewrite_existing":true}}"#;
        let files: BTreeMap<String, FileRequest> = serde_json::from_str(text).unwrap();
        assert_eq!(files["key"].kind, FileKind::CorosyncAuthkey);
        assert!(files["key"].rewrite_existing);
    }
}

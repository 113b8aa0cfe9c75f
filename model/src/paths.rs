//! Where things are on a host: every file, directory and socket that more than one program names.
//!
//! All programs take their paths from one [`Paths`], so that a test (or a second cluster on one
//! machine) can move the whole tree below another root with `SYSTOLE_ROOT`:
//!
//! ```
//! use model::Paths;
//! // In a `main`: Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE))
//! let paths = Paths::under(None);
//! assert_eq!(paths.corosync_conf().to_str(), Some("/etc/corosync/corosync.conf"));
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment variable that names the root; unset or empty means `/`.
pub const ROOT_VARIABLE: &str = "SYSTOLE_ROOT";

/// The paths of one host, all below one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    root: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self::under(None)
    }
}

macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        impl Paths {
            $(
                $(#[$doc])*
                #[doc = concat!("(`/", $path, "`)")]
                pub fn $name(&self) -> PathBuf {
                    self.root.join($path)
                }
            )*
        }
    };
}

impl Paths {
    /// Returns the paths below `root`; `None` or an empty one means the host's own `/`.
    pub fn under(root: Option<OsString>) -> Self {
        let root = root.filter(|root| !root.is_empty()).map_or_else(|| "/".into(), PathBuf::from);
        Self { root }
    }

    /// Returns the root everything is below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the path of a file given as it would be on a host of its own.
    pub fn at(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// Returns where a distribution may keep the settings of a daemon, best first
    /// (`/etc/default/NAME`, `/etc/sysconfig/NAME`).
    pub fn settings(&self, name: &str) -> [PathBuf; 2] {
        [self.etc_dir().join("default").join(name), self.etc_dir().join("sysconfig").join(name)]
    }
}

paths! {
    /// Configuration of the host.
    etc_dir = "etc";

    /// The cluster's members, links and quorum options.
    corosync_conf = "etc/corosync/corosync.conf";
    /// Values that are kept out of the document.
    secrets_dir = "var/lib/pacemaker/lrm/secrets";
    /// The key of the cluster's traffic, from which the peers' certificates derive too.
    corosync_authkey = "etc/corosync/authkey";
    /// Users and groups who may talk to the cluster beside root and haclient.
    uidgid_dir = "etc/corosync/uidgid.d";
    /// Configurations and keys of booth.
    booth_dir = "etc/booth";
    /// The key of remote nodes.
    pacemaker_authkey = "etc/pacemaker/authkey";

    /// What is gone after a reboot, ours only.
    run_dir = "run/systole";
    /// This boot's identity, random; changed means resources are gone.
    boot_id = "run/systole/boot-id";
    /// Where tools talk to the brain (gRPC).
    node_socket = "run/systole/node.sock";
    /// Where the brain talks to the hands.
    lrmd_socket = "run/systole/lrmd.sock";
    /// Process id and start time of the brain as its supervisor knows it.
    node_pid = "run/systole/node.pid";
    /// Process id and start time of the hands as their supervisor knows it.
    lrmd_pid = "run/systole/lrmd.pid";
    /// Runs of operations: a directory a call, left by the runners.
    ops_dir = "run/systole/ops";
    /// Where agents keep their state files (`HA_RSCTMP`), wiped at boot.
    resource_agents_run_dir = "run/resource-agents";

    /// The document, its history and the log.
    cib_dir = "var/lib/pacemaker/cib";
    /// Left by `pcs cluster setup`: an empty store beside it may begin a log.
    birth_mark = "var/lib/pacemaker/cib/birth";
    /// Kept inputs of the policy engine (`pe-input-N.bz2`).
    pengine_dir = "var/lib/pacemaker/pengine";
    /// Everything the brain and the hands keep over a reboot.
    pacemaker_dir = "var/lib/pacemaker";
    /// The log of brain and hands.
    pacemaker_log = "var/log/pacemaker/pacemaker.log";

    /// What pcsd keeps: certificate, tokens, known hosts.
    pcsd_dir = "var/lib/pcsd";
    /// pcsd's certificate.
    pcsd_certificate = "var/lib/pcsd/pcsd.crt";
    /// The private key of pcsd's certificate.
    pcsd_key = "var/lib/pcsd/pcsd.key";
    /// Hosts this one has tokens for, as JSON.
    pcsd_known_hosts = "var/lib/pcsd/known-hosts";
    /// Tokens this host has given out, hashed.
    pcsd_users = "var/lib/pcsd/pcs_users.conf";
    /// Permissions of users and groups.
    pcsd_settings = "var/lib/pcsd/pcs_settings.conf";
    /// The password set by `pcs pcsd passwd`, hashed.
    pcsd_password = "var/lib/pcsd/password";
    /// The other site's nodes, as JSON.
    pcsd_disaster_recovery = "var/lib/pcsd/disaster-recovery";
    /// There when pcsd starts the cluster as it starts itself (hosts without systemd).
    pcsd_autostart = "var/lib/pcsd/cluster-enabled";
    /// Where local users talk to pcsd.
    pcsd_socket = "run/pcsd.socket";
    /// The log of pcsd.
    pcsd_log = "var/log/pcsd/pcsd.log";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_root_the_hosts_own_paths_are_meant() {
        for root in [None, Some("".into())] {
            let paths = Paths::under(root);
            assert_eq!(paths.node_socket(), Path::new("/run/systole/node.sock"));
            assert_eq!(paths.at("/etc/hosts"), Path::new("/etc/hosts"));
        }
    }

    #[test]
    fn a_root_moves_every_path() {
        let paths = Paths::under(Some("/tmp/a".into()));
        assert_eq!(paths.corosync_conf(), Path::new("/tmp/a/etc/corosync/corosync.conf"));
        assert_eq!(paths.at("/etc/hosts"), Path::new("/tmp/a/etc/hosts"));
        assert_eq!(paths.settings("pcsd")[0], Path::new("/tmp/a/etc/default/pcsd"));
    }
}

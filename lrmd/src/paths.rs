//! Where the hands find and keep things; another root makes another node of a test.

use std::ffi::OsString;
use std::path::PathBuf;

/// Directories and programs of one node's hands.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Sockets, the boot id, operations under way: `/run/systole`.
    pub run: PathBuf,
    /// The OCF tree: `/usr/lib/ocf`.
    pub ocf_root: PathBuf,
    /// LSB scripts: `/etc/init.d`.
    pub init_d: PathBuf,
    /// How to call this program again, for its runner and its own agents: program, then first
    /// arguments.
    pub program: Vec<OsString>,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            run: "/run/systole".into(),
            ocf_root: "/usr/lib/ocf".into(),
            init_d: "/etc/init.d".into(),
            // Also right after the file was replaced by an upgrade.
            program: vec!["/proc/self/exe".into()],
        }
    }
}

impl Paths {
    /// Returns the brain's way in.
    pub fn socket(&self) -> PathBuf {
        self.run.join("lrmd.sock")
    }

    /// Returns the file that only one lrmd holds locked.
    pub fn lock(&self) -> PathBuf {
        self.run.join("lrmd.lock")
    }

    /// Returns the boot id's file.
    pub fn boot_id(&self) -> PathBuf {
        self.run.join("boot-id")
    }

    /// Returns the directory with a directory for each operation under a runner.
    pub fn operations(&self) -> PathBuf {
        self.run.join("ops")
    }

    /// Returns the directory that remembers with what resources were started.
    pub fn started(&self) -> PathBuf {
        self.run.join("started")
    }
}

//! Where the hands find and keep things; another root makes another node of a test.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Directories and programs of one node's hands.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Sockets, the boot id, operations under way: `/run/systole`.
    pub run: PathBuf,
    /// The OCF tree: `/usr/lib/ocf`.
    pub ocf_root: PathBuf,
    /// LSB scripts: `/etc/init.d`.
    pub init_d: PathBuf,
    /// Values that are kept out of the document: `/var/lib/pacemaker/lrm/secrets`.
    pub secrets: PathBuf,
    /// How to call this program again, for its runner and its own agents: program, then first
    /// arguments.
    pub program: Vec<OsString>,
    /// Where agents find `crm_attribute` and the other tools: `/usr/sbin`, or where else in the
    /// path this program has these names.
    pub tools: PathBuf,
}

/// Where tools are when nothing else is known.
const TOOLS: &str = "/usr/sbin";

/// Finds the first directory of a path in which `crm_attribute` is this very program.
///
/// A cluster manager that was built or unpacked somewhere else than `/usr` must not have its agents
/// call the tools of another one, which would not find their cluster.
fn tools(path: &OsStr, program: &Path) -> PathBuf {
    let is_ours = |directory: &PathBuf| {
        let tool = std::fs::canonicalize(directory.join("crm_attribute"));
        tool.is_ok_and(|tool| tool == program)
    };
    std::env::split_paths(path).find(is_ours).unwrap_or_else(|| TOOLS.into())
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            run: "/run/systole".into(),
            ocf_root: "/usr/lib/ocf".into(),
            init_d: "/etc/init.d".into(),
            secrets: model::Paths::default().secrets_dir(),
            // Also right after the file was replaced by an upgrade.
            program: vec!["/proc/self/exe".into()],
            tools: std::env::current_exe().and_then(std::fs::canonicalize).map_or_else(
                |_| TOOLS.into(),
                |program| tools(&std::env::var_os("PATH").unwrap_or_default(), &program),
            ),
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

#[cfg(test)]
mod tests {
    use super::tools;

    #[test]
    fn tools_are_where_the_path_first_has_this_program_under_their_name() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for directory in ["theirs", "ours", "later"] {
            std::fs::create_dir(at(directory)).unwrap();
        }
        let program = std::fs::canonicalize(root.path()).unwrap().join("systole");
        std::fs::write(&program, "").unwrap();
        std::fs::write(at("theirs/crm_attribute"), "").unwrap();
        for directory in ["ours", "later"] {
            std::os::unix::fs::symlink(&program, at(directory).join("crm_attribute")).unwrap();
        }
        let path = std::env::join_paths([at("none"), at("theirs"), at("ours"), at("later")]);
        assert_eq!(tools(&path.unwrap(), &program), at("ours"));
        assert_eq!(tools(at("theirs").as_os_str(), &program).to_str(), Some("/usr/sbin"));
    }
}

//! A directory with a document and an agent, and `pcs` running in it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A document with two nodes and nothing else.
const EMPTY: &str = r#"<cib admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" validate-with="pacemaker-3.9">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="ser1"/>
      <node id="2" uname="ser2"/>
    </nodes>
    <resources/>
    <constraints/>
  </configuration>
  <status/>
</cib>
"#;

/// An agent that only describes itself.
const AGENT: &str = r#"#!/bin/sh
case $1 in promote) echo "what is $1?" >&2; exit 3 ;; esac
cat <<'XML'
<resource-agent name="Address"><shortdesc>An address</shortdesc><parameters>
<parameter name="ip" required="1" unique="1"><content type="string"/></parameter>
<parameter name="nic"><content type="string"/></parameter></parameters><actions>
<action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s"/><action name="meta-data" timeout="5s"/>
</actions></resource-agent>
XML
case $1 in validate-all)
    case $OCF_RESKEY_ip in *[!0-9.]*) echo "ocf-exit-reason:$OCF_RESKEY_ip is no address" >&2; exit 6 ;; esac ;;
esac
"#;

/// Counts directories, so that tests at the same time have one each.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A directory that goes with its test.
pub(crate) struct Home {
    directory: PathBuf,
}

impl Home {
    /// Makes a directory with a document and the agent `ocf:test:Address`.
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("systole-cli-{}-{number}", std::process::id());
        let home = Self { directory: std::env::temp_dir().join(name) };
        let agents = home.directory.join("ocf/resource.d/test");
        std::fs::create_dir_all(&agents).expect("a directory");
        std::fs::write(home.directory.join("cib.xml"), EMPTY).expect("a document");
        let agent = agents.join("Address");
        std::fs::write(&agent, AGENT).expect("an agent");
        std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        home
    }

    /// Runs `pcs -f cib.xml` with these words; returns what it printed and how it ended, and
    /// nothing for an end without a word.
    pub(crate) fn pcs(&self, line: &str) -> String {
        self.run(&format!("pcs -f cib.xml {line}"), &[])
    }

    /// Runs `pcs` with these words and without a document of its own.
    pub(crate) fn bare(&self, line: &str) -> String {
        self.run(&format!("pcs {line}"), &[])
    }

    /// Runs a tool on the document in the same way, as an agent would: by its name and with
    /// variables in its environment.
    pub(crate) fn tool(&self, line: &str, variables: &[(&str, &str)]) -> String {
        let mut all = vec![("CIB_file", "cib.xml")];
        all.extend(variables);
        self.run(line, &all)
    }

    /// Runs `pcs` as on a host whose files are below this directory, where no daemon runs.
    pub(crate) fn host(&self, line: &str) -> String {
        let root = self.directory.display().to_string();
        self.run(&format!("pcs {line}"), &[("SYSTOLE_ROOT", &root)])
    }

    /// Runs a line that a shell would, with `pcs` for `pcs -f cib.xml`.
    pub(crate) fn shell(&self, line: &str) -> String {
        let program = env!("CARGO_BIN_EXE_systole");
        let done = Command::new("/bin/sh")
            .args(["-c", &format!("pcs() {{ {program} pcs -f cib.xml \"$@\"; }}; {line}")])
            .current_dir(&self.directory)
            .env("OCF_ROOT", self.directory.join("ocf"))
            .output()
            .expect("a shell");
        let mut text = String::from_utf8(done.stdout).expect("text");
        text.push_str(&String::from_utf8(done.stderr).expect("text"));
        text
    }

    /// Starts `pcs -f cib.xml` with these words, with pipes to its ends.
    pub(crate) fn spawn(&self, line: &str) -> std::process::Child {
        Command::new(env!("CARGO_BIN_EXE_systole"))
            .args(["pcs", "-f", "cib.xml"])
            .args(line.split_whitespace())
            .current_dir(&self.directory)
            .env("TZ", "UTC")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("systole runs")
    }

    /// Returns the path of a file below this directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file below this directory.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        std::fs::write(path, text).expect("a file");
    }

    /// Reads a file below this directory.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.join(name)).expect("a file")
    }

    /// Says whether a file is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.directory.join(name).exists()
    }

    /// Puts another document in place.
    pub(crate) fn put(&self, document: &str) {
        std::fs::write(self.directory.join("cib.xml"), document).expect("a document");
    }

    fn run(&self, line: &str, variables: &[(&str, &str)]) -> String {
        let words = line.split_whitespace().map(|word| word.replace('~', " "));
        let done = Command::new(env!("CARGO_BIN_EXE_systole"))
            .args(words)
            .current_dir(&self.directory)
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("OCF_ROOT", self.directory.join("ocf"))
            .envs(variables.iter().copied())
            .output()
            .expect("systole runs");
        let mut text = String::from_utf8(done.stdout).expect("text");
        text.push_str(&String::from_utf8(done.stderr).expect("text"));
        match done.status.code() {
            Some(0) => {}
            code => text.push_str(&format!("exit {}\n", code.unwrap_or(-1))),
        }
        text
    }

    /// Runs commands that must say nothing and succeed.
    pub(crate) fn quietly(&self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.pcs(line), "", "pcs {line}");
        }
    }

    /// Returns the document.
    pub(crate) fn document(&self) -> String {
        std::fs::read_to_string(self.directory.join("cib.xml")).expect("a document")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // what is left in the temporary directory harms nobody
        let _left = std::fs::remove_dir_all(&self.directory);
    }
}

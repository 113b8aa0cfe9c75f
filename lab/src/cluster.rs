//! A cluster on the hosts of a lab, made with the commands a person would type.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use crate::face::pause;
use crate::hosts::{Host, HostPlan, Lab, LabError};

/// The password of `hacluster` on every host of a lab: nobody else can reach them.
pub const PASSWORD: &str = "laboratory";

/// Where distributions keep the agents of the resource-agents package.
const INSTALLED_AGENTS: &str = "/usr/lib/ocf/resource.d/heartbeat";

/// What a cluster is to be.
#[derive(Clone, Debug)]
pub struct ClusterPlan {
    /// How many nodes.
    pub nodes: u8,
    /// How many links between them.
    pub links: u8,
    /// What `token` corosync.conf is to say in milliseconds; none = the machine's default.
    pub token_ms: Option<u64>,
    /// Hide the distribution's agents, so that the product's own ones run.
    pub own_agents: bool,
}

/// Hosts with the product on them.
#[derive(Debug)]
pub struct Cluster {
    /// The hosts and wires.
    pub lab: Lab,
    plan: ClusterPlan,
    tools: PathBuf,
    daemons: Vec<Child>,
}

/// What a command said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status; -1 after a signal.
    pub code: i32,
    /// How long it took.
    pub took: Duration,
}

impl Said {
    fn of(output: &Output, took: Duration) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
            took,
        }
    }

    /// Returns both streams, errors last.
    pub fn both(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Cluster {
    /// Boots the hosts and starts the management daemon on each; there is no cluster yet.
    ///
    /// # Errors
    /// What could not be made.
    pub fn boot(plan: ClusterPlan, program: &Path, directory: &Path) -> Result<Self, LabError> {
        let tools = directory.join("bin");
        let made = Command::new(program).arg("install-links").arg(&tools).output();
        let made = made.map_err(|source| LabError::Io {
            what: format!("run {} install-links", program.display()),
            source,
        })?;
        if !made.status.success() {
            return Err(LabError::Command {
                command: format!("{} install-links {}", program.display(), tools.display()),
                reason: String::from_utf8_lossy(&made.stderr).trim().to_owned(),
            });
        }
        let lab = Lab::new(&HostPlan::numbered(plan.nodes, plan.links), program, directory)?;
        let mut cluster = Self { lab, plan, tools, daemons: Vec::new() };
        for number in 0..cluster.lab.hosts().len() {
            cluster.start_daemon(number)?;
            let typed = format!("printf '{PASSWORD}\\n{PASSWORD}\\n' | pcs pcsd passwd");
            cluster.must(number, &typed)?;
        }
        Ok(cluster)
    }

    fn start_daemon(&mut self, number: usize) -> Result<(), LabError> {
        let host = &self.lab.hosts()[number];
        if self.plan.own_agents && Path::new(INSTALLED_AGENTS).exists() {
            let said = host.run(&["mount", "-t", "tmpfs", "none", INSTALLED_AGENTS])?;
            expect(&Said::of(&said, Duration::ZERO), "hide the installed agents")?;
        }
        let mut words: Vec<&OsStr> = vec![OsStr::new("env")];
        let path = self.path();
        words.push(OsStr::new(&path));
        words.push(OsStr::new("pcsd"));
        let child = host.start(&words, "pcsd.out")?;
        self.daemons.push(child);
        self.wait(
            number,
            Duration::from_secs(5),
            "pcsd to listen",
            |said| said.stdout.contains("LISTEN"),
            "ss -Hltn sport = :2224 || true",
        )
    }

    fn path(&self) -> String {
        let inherited = std::env::var("PATH").unwrap_or_default();
        format!("PATH={}:{inherited}", self.tools.display())
    }

    /// Runs a command line on a host, as a person would type it there.
    ///
    /// # Errors
    /// The host is down or has no shell; not the command's own failure.
    pub fn run(&self, number: usize, line: &str) -> Result<Said, LabError> {
        let host = &self.lab.hosts()[number];
        let path = self.path();
        let began = Instant::now();
        let output = host.run(&["env", &path, "sh", "-c", line])?;
        Ok(Said::of(&output, began.elapsed()))
    }

    /// Prepares a command line on a host, to be started by the caller.
    ///
    /// # Errors
    /// The host is down.
    pub fn command(&self, number: usize, line: &str) -> Result<Command, LabError> {
        let path = self.path();
        self.lab.hosts()[number].command(&["env", &path, "sh", "-c", line])
    }

    /// Runs a command line and wants it to succeed.
    ///
    /// # Errors
    /// It failed; the text has what it said.
    pub fn must(&self, number: usize, line: &str) -> Result<Said, LabError> {
        let said = self.run(number, line)?;
        expect(&said, line)?;
        Ok(said)
    }

    /// Returns the names of all hosts, as they are written behind a command.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.lab.hosts().iter().map(Host::name).collect();
        names.join(" ")
    }

    /// Makes a cluster of all hosts (`auth`, `setup`) without starting it.
    ///
    /// # Errors
    /// A command failed.
    pub fn set_up(&self, name: &str) -> Result<(), LabError> {
        let names = self.names();
        self.must(0, &format!("pcs host auth {names} -u hacluster -p {PASSWORD}"))?;
        let token = self.plan.token_ms.map(|ms| format!(" totem token={ms}")).unwrap_or_default();
        let nodes: Vec<String> = self
            .lab
            .hosts()
            .iter()
            .map(|host| {
                (0..usize::from(self.plan.links))
                    .filter_map(|link| host.address(link))
                    .fold(host.name().to_owned(), |words, address| {
                        format!("{words} addr={address}")
                    })
            })
            .collect();
        self.must(0, &format!("pcs cluster setup {name} {}{token}", nodes.join(" ")))?;
        Ok(())
    }

    /// Starts the cluster on all hosts and waits until all are online with a DC.
    ///
    /// # Errors
    /// A command failed, or it took longer than 30 s.
    pub fn start_all(&self) -> Result<Duration, LabError> {
        let began = Instant::now();
        self.must(0, "pcs cluster start --all")?;
        self.wait_online(0, self.lab.hosts().len(), Duration::from_secs(30))?;
        Ok(began.elapsed())
    }

    /// Waits until `count` nodes are online, as one of them sees it.
    ///
    /// # Errors
    /// It took longer than `patience`.
    pub fn wait_online(
        &self,
        number: usize,
        count: usize,
        patience: Duration,
    ) -> Result<(), LabError> {
        let what = format!("{count} nodes to be online");
        self.wait(number, patience, &what, |said| online(&said.stdout) == count, "pcs status nodes")
    }

    /// Repeats a command until its outcome is as wanted.
    ///
    /// # Errors
    /// It took longer than `patience`; the text has what was said last.
    pub fn wait(
        &self,
        number: usize,
        patience: Duration,
        what: &str,
        mut is_it: impl FnMut(&Said) -> bool,
        line: &str,
    ) -> Result<(), LabError> {
        let deadline = Instant::now() + patience;
        loop {
            let said = self.run(number, line)?;
            if is_it(&said) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LabError::Command {
                    command: line.to_owned(),
                    reason: format!(
                        "waited {} s for {what}; it said at last:\n{}",
                        patience.as_secs(),
                        said.both()
                    ),
                });
            }
            pause(Duration::from_millis(10));
        }
    }

    /// Boots a host that was crashed and starts its management daemon; the cluster comes back
    /// there by itself if it was enabled.
    ///
    /// # Errors
    /// It did not come up.
    pub fn reboot(&mut self, number: usize) -> Result<(), LabError> {
        let name = self.lab.hosts()[number].name().to_owned();
        self.lab.host(&name)?.boot()?;
        self.start_daemon(number)
    }

    /// Returns which host runs a resource, by its place in the list, as a node sees it.
    ///
    /// # Errors
    /// The command failed.
    pub fn home_of(&self, number: usize, resource: &str) -> Result<Option<usize>, LabError> {
        let said = self.run(number, &format!("crm_resource -W -r {resource}"))?;
        let name = said
            .stdout
            .split("is running on: ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        Ok(name.and_then(|name| self.lab.hosts().iter().position(|host| host.name() == name)))
    }

    /// Returns the place of the DC in the list, as a node sees it.
    ///
    /// # Errors
    /// The command failed.
    pub fn dc(&self, number: usize) -> Result<Option<usize>, LabError> {
        let said = self.run(number, "crmadmin -D")?;
        let name = said.stdout.rsplit(':').next().map(str::trim).unwrap_or_default().to_owned();
        Ok(self.lab.hosts().iter().position(|host| host.name() == name))
    }

    /// Returns a file of a host's disk or log directory in the lab.
    pub fn log(&self, number: usize) -> String {
        let host = &self.lab.hosts()[number];
        let log =
            self.lab.directory().join(host.name()).join("own-var-log-pacemaker/pacemaker.log");
        fs::read_to_string(log).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.daemons {
            // the hosts end anyway; this only takes their nsenter with them
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

fn expect(said: &Said, line: &str) -> Result<(), LabError> {
    if said.code == 0 {
        return Ok(());
    }
    Err(LabError::Command {
        command: line.to_owned(),
        reason: format!("exit status {}\n{}", said.code, said.both().trim()),
    })
}

/// Counts the names behind ` Online:` in the first part of `pcs status nodes`.
fn online(text: &str) -> usize {
    text.lines()
        .find_map(|line| line.trim().strip_prefix("Online:"))
        .map_or(0, |names| names.split_whitespace().count())
}

#[cfg(test)]
mod tests {
    use super::online;

    #[test]
    fn online_nodes_are_counted() {
        assert_eq!(online("Pacemaker Nodes:\n Online: ser1 ser2\n Standby:\n"), 2);
        assert_eq!(online("Pacemaker Nodes:\n Online:\n Standby:\n"), 0);
        assert_eq!(online("Error: cluster is not currently running on this node"), 0);
    }
}

//! The hosts of a lab, the wires between them, and what can happen to either.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::face::pause;

/// A host is up within 100 ms; one that takes this long never comes.
const BOOT_TIME_MAX: Duration = Duration::from_secs(10);

/// What went wrong in the lab itself.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A program of the lab failed.
    #[error("`{command}` failed: {reason}")]
    Command { command: String, reason: String },
    /// A file or process of the lab failed.
    #[error("failed to {what}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    /// A host did not come up.
    #[error("host {host} did not come up: {reason}")]
    Boot { host: String, reason: String },
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> LabError {
    let what = what.into();
    move |source| LabError::Io { what, source }
}

/// Runs a program of the lab and wants it to succeed.
fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<String, LabError> {
    let shown = || {
        arguments
            .iter()
            .fold(program.to_owned(), |line, word| line + " " + &word.as_ref().to_string_lossy())
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LabError::Io { what: format!("run `{}`", shown()), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Command { command: shown(), reason })
}

fn ip(line: &str) -> Result<String, LabError> {
    run("ip", &line.split_whitespace().collect::<Vec<_>>())
}

/// What a host is to be.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Its hostname; the others find it by that in /etc/hosts.
    pub name: String,
    /// One address a link, best first; link K is on bridge `brK`.
    pub addresses: Vec<Ipv4Addr>,
}

impl HostPlan {
    /// Plans `count` hosts `ser1`, `ser2`, … on `links` links: 172.25.K.N on link K.
    pub fn numbered(count: u8, links: u8) -> Vec<Self> {
        (1..=count)
            .map(|n| Self {
                name: format!("ser{n}"),
                addresses: (0..links).map(|link| Ipv4Addr::new(172, 25, link, n)).collect(),
            })
            .collect()
    }
}

/// A set of hosts, bridges between them, and a client on the bridges.
#[derive(Debug)]
pub struct Lab {
    hosts: Vec<Host>,
    directory: PathBuf,
}

/// One host: a machine as far as its processes can tell.
#[derive(Debug)]
pub struct Host {
    plan: HostPlan,
    number: usize,
    directory: PathBuf,
    /// The program whose `lab-init` becomes the host's first process.
    program: PathBuf,
    running: Option<Running>,
    /// Grows with each boot: a dead host's devices vanish late, so each boot has its own names.
    boots: u32,
}

#[derive(Debug)]
struct Running {
    unshare: Child,
    init: Pid,
}

impl Lab {
    /// Makes the bridges and boots the hosts. Must be called inside a lab (see [`crate::enter`]).
    ///
    /// `program lab-init NAME DISK READY` must call [`crate::init::run`]; `directory` keeps the
    /// hosts' disks and should be new.
    ///
    /// # Errors
    /// What could not be made.
    pub fn new(plans: &[HostPlan], program: &Path, directory: &Path) -> Result<Self, LabError> {
        ip("link set lo up")?;
        let links = plans.iter().map(|plan| plan.addresses.len()).max().unwrap_or(0);
        for link in 0..links {
            // without a fixed address a bridge changes it when a node dies
            ip(&format!(
                "link add br{link} address 02:00:00:00:00:{:02x} type bridge forward_delay 0",
                link + 1
            ))?;
            ip(&format!("address add 172.25.{link}.254/24 dev br{link}"))?;
            ip(&format!("link set br{link} up"))?;
        }
        let mut hosts = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            let directory = directory.join(&plan.name);
            fs::create_dir_all(&directory)
                .map_err(io_error(format!("make {}", directory.display())))?;
            let names =
                plans.iter().fold(String::from("127.0.0.1 localhost\n"), |mut text, plan| {
                    for (link, address) in plan.addresses.iter().enumerate() {
                        let suffix = if link == 0 { String::new() } else { format!("-link{link}") };
                        // writing to a String cannot fail
                        let _infallible = writeln!(text, "{address} {}{suffix}", plan.name);
                    }
                    text
                });
            fs::write(directory.join("hosts"), names)
                .map_err(io_error("write the hosts' names"))?;
            let mut host = Host {
                plan: plan.clone(),
                number,
                directory,
                program: program.to_owned(),
                running: None,
                boots: 0,
            };
            host.boot()?;
            hosts.push(host);
        }
        Ok(Self { hosts, directory: directory.to_owned() })
    }

    /// Returns the hosts in the order of their plans.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Returns the host with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn host(&mut self, name: &str) -> Result<&mut Host, LabError> {
        self.hosts.iter_mut().find(|host| host.plan.name == name).ok_or_else(|| LabError::Boot {
            host: name.to_owned(),
            reason: "there is no such host in this lab".to_owned(),
        })
    }

    /// Returns where the hosts' disks are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for host in &mut self.hosts {
            host.end();
        }
    }
}

impl Host {
    /// Returns the hostname.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// Returns the address on a link.
    pub fn address(&self, link: usize) -> Option<Ipv4Addr> {
        self.plan.addresses.get(link).copied()
    }

    /// Tells whether the host is up.
    pub fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// Returns the process id of the host's first process, as the lab sees it.
    pub fn init_pid(&self) -> Option<i32> {
        self.running.as_ref().map(|running| running.init.as_raw())
    }

    fn device(&self, side: char, link: usize) -> String {
        format!("{side}{}-{}-{link}", self.number + 1, self.boots)
    }

    /// Boots the host: fresh /run and memory, the disk as it was left.
    ///
    /// # Errors
    /// Which step failed.
    pub fn boot(&mut self) -> Result<(), LabError> {
        if self.running.is_some() {
            return Ok(());
        }
        self.boots += 1;
        let ready = self.directory.join("ready");
        fs::write(&ready, "").map_err(io_error("write the ready file"))?;
        let log = fs::File::create(self.directory.join("init.log"))
            .map_err(io_error("make the init log"))?;
        let child = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"])
            .arg(&self.program)
            .arg("lab-init")
            .args([OsStr::new(&self.plan.name), self.directory.as_os_str(), ready.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(io_error("start unshare"))?;
        let init = self.wait_for_init(child, &ready)?;
        self.running = Some(init);
        self.wire()?;
        let names = self.directory.join("hosts");
        let text = fs::read_to_string(&names).map_err(io_error("read the hosts' names"))?;
        self.write_file("/etc/hosts", &text)
    }

    fn wait_for_init(&self, mut child: Child, ready: &Path) -> Result<Running, LabError> {
        let refuse = |reason: String| LabError::Boot { host: self.plan.name.clone(), reason };
        let deadline = Instant::now() + BOOT_TIME_MAX;
        loop {
            let is_ready = fs::read_to_string(ready).is_ok_and(|text| text == "ready\n");
            if is_ready && let Some(init) = only_child(child.id()) {
                return Ok(Running { unshare: child, init });
            }
            let ended = child.try_wait().map_err(io_error("wait for unshare"))?;
            if ended.is_some() || Instant::now() > deadline {
                let _gone = child.kill();
                let log = fs::read_to_string(self.directory.join("init.log")).unwrap_or_default();
                return Err(refuse(log.trim().to_owned()));
            }
            pause(Duration::from_millis(2));
        }
    }

    fn wire(&self) -> Result<(), LabError> {
        let Some(running) = &self.running else { return Ok(()) };
        let inside = |line: &str| {
            let target = running.init.to_string();
            let mut words = vec!["-t", &target, "--net", "ip"];
            words.extend(line.split_whitespace());
            run("nsenter", &words)
        };
        inside("link set lo up")?;
        for (link, address) in self.plan.addresses.iter().enumerate() {
            let (port, device) = (self.device('p', link), self.device('h', link));
            let mac = format!("02:00:00:{link:02x}:{:02x}:01", self.number + 1);
            ip(&format!("link add {port} type veth peer name {device} address {mac}"))?;
            ip(&format!("link set {device} netns {}", running.init))?;
            ip(&format!("link set {port} master br{link} up"))?;
            inside(&format!("link set {device} name eth{link}"))?;
            inside(&format!("address add {address}/24 brd + dev eth{link}"))?;
            inside(&format!("link set eth{link} up"))?;
        }
        Ok(())
    }

    /// Takes a link's cable out of the bridge's side.
    ///
    /// # Errors
    /// The host is down, or `ip` failed.
    pub fn cut(&self, link: usize) -> Result<(), LabError> {
        ip(&format!("link set {} down", self.device('p', link))).map(drop)
    }

    /// Puts a link's cable back.
    ///
    /// # Errors
    /// The host is down, or `ip` failed.
    pub fn mend(&self, link: usize) -> Result<(), LabError> {
        ip(&format!("link set {} up", self.device('p', link))).map(drop)
    }

    /// Power loss: first every link goes down, so that no closing packet helps, then all
    /// processes end at once. The disk stays.
    ///
    /// # Errors
    /// A link could not be cut.
    pub fn crash(&mut self) -> Result<(), LabError> {
        self.crash_and(|| ())
    }

    /// As [`Host::crash`]; `note` is called when nothing acts there any more, and before the kernel has
    /// cleared up, which takes longer than the others need to notice when the machine is busy.
    ///
    /// # Errors
    /// A link could not be cut.
    pub fn crash_and<T>(&mut self, note: impl FnOnce() -> T) -> Result<T, LabError> {
        for link in 0..self.plan.addresses.len() {
            self.cut(link)?;
        }
        self.kill_all();
        let noted = note();
        self.end();
        Ok(noted)
    }

    /// The kernel ends everything in a process namespace with its first process.
    fn kill_all(&self) {
        if let Some(running) = &self.running {
            let _gone = kill(running.init, Signal::SIGKILL);
        }
    }

    fn end(&mut self) {
        self.kill_all();
        if let Some(mut running) = self.running.take() {
            let _reaped = running.unshare.wait();
        }
    }

    /// Stops every process of the host where it stands, as a hypervisor does that pauses a guest;
    /// its kernel, which is ours, is silenced by taking its cables out.
    ///
    /// # Errors
    /// /proc could not be read, or a link could not be cut.
    pub fn pause(&self) -> Result<(), LabError> {
        for link in 0..self.plan.addresses.len() {
            self.cut(link)?;
        }
        self.signal_all(Signal::SIGSTOP)
    }

    /// Lets a paused host go on.
    ///
    /// # Errors
    /// /proc could not be read, or a link could not be mended.
    pub fn resume(&self) -> Result<(), LabError> {
        self.signal_all(Signal::SIGCONT)?;
        for link in 0..self.plan.addresses.len() {
            self.mend(link)?;
        }
        Ok(())
    }

    fn signal_all(&self, signal: Signal) -> Result<(), LabError> {
        for pid in self.processes()? {
            // it may have ended meanwhile
            let _sent = kill(pid, signal);
        }
        Ok(())
    }

    /// Returns the host's processes, as the lab numbers them, without its first one.
    ///
    /// # Errors
    /// /proc could not be read.
    pub fn processes(&self) -> Result<BTreeSet<Pid>, LabError> {
        let Some(running) = &self.running else { return Ok(BTreeSet::new()) };
        let space = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let mine = space(running.init.as_raw());
        let mut found = BTreeSet::new();
        for entry in fs::read_dir("/proc").map_err(io_error("read /proc"))? {
            let entry = entry.map_err(io_error("read /proc"))?;
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok())
            else {
                continue;
            };
            if pid != running.init.as_raw() && mine.is_some() && space(pid) == mine {
                found.insert(Pid::from_raw(pid));
            }
        }
        Ok(found)
    }

    /// Returns the processes whose command line contains `words`.
    ///
    /// # Errors
    /// /proc could not be read.
    pub fn processes_like(&self, words: &str) -> Result<Vec<Pid>, LabError> {
        let like = |pid: &Pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).replace('\0', " ").contains(words)
        };
        Ok(self.processes()?.into_iter().filter(like).collect())
    }

    /// Kills the processes whose command line contains `words`; returns how many.
    ///
    /// # Errors
    /// /proc could not be read.
    pub fn kill(&self, words: &str) -> Result<usize, LabError> {
        let found = self.processes_like(words)?;
        for pid in &found {
            // it may have ended meanwhile
            let _sent = kill(*pid, Signal::SIGKILL);
        }
        Ok(found.len())
    }

    /// Prepares a program to run on the host, as a person logged in there would run it.
    ///
    /// # Errors
    /// The host is down.
    pub fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Command, LabError> {
        let Some(running) = &self.running else {
            return Err(LabError::Boot {
                host: self.plan.name.clone(),
                reason: "it is down".to_owned(),
            });
        };
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &running.init.to_string()])
            .args(["--net", "--mount", "--pid", "--uts", "--ipc", "--"])
            .args(words)
            .env("HOSTNAME", &self.plan.name)
            .env_remove(crate::enter::INSIDE)
            .current_dir("/");
        Ok(command)
    }

    /// Runs a program on the host to its end.
    ///
    /// # Errors
    /// The host is down, or the program could not be started; not its exit status.
    pub fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Output, LabError> {
        self.command(words)?
            .stdin(Stdio::null())
            .output()
            .map_err(io_error(format!("run a program on {}", self.plan.name)))
    }

    /// Starts a program on the host that goes on by itself; its output goes to a file beside the
    /// host's disk.
    ///
    /// # Errors
    /// The host is down, or the program could not be started.
    pub fn start<S: AsRef<OsStr>>(&self, words: &[S], log: &str) -> Result<Child, LabError> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.join(log))
            .map_err(io_error("open a log"))?;
        let errors = log.try_clone().map_err(io_error("open a log"))?;
        self.command(words)?
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(io_error(format!("start a program on {}", self.plan.name)))
    }

    /// Writes a file on the host.
    ///
    /// # Errors
    /// The host is down, or it could not be written.
    pub fn write_file(&self, path: &str, text: &str) -> Result<(), LabError> {
        let mut child = self
            .command(&[
                "sh",
                "-c",
                "mkdir -p \"$(dirname \"$0\")\" && rm -f \"$0\" && cat > \"$0\"",
                path,
            ])?
            .stdin(Stdio::piped())
            .spawn()
            .map_err(io_error(format!("write {path}")))?;
        if let Some(stdin) = &mut child.stdin {
            io::Write::write_all(stdin, text.as_bytes())
                .map_err(io_error(format!("write {path}")))?;
        }
        drop(child.stdin.take());
        let status = child.wait().map_err(io_error(format!("write {path}")))?;
        if status.success() {
            return Ok(());
        }
        Err(LabError::Command { command: format!("write {path}"), reason: status.to_string() })
    }
}

fn only_child(parent: u32) -> Option<Pid> {
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Pid::from_raw)
}

//! What a story stands on: hosts with the product, commands with what they must say, waits that end.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lab::{Cluster, ClusterPlan, Host, LabError, Said};

use crate::agent::Journal;

/// What a story returns.
pub(crate) type Told<T = ()> = Result<T, Trouble>;

/// What went wrong, in words.
#[derive(Debug)]
pub(crate) struct Trouble(pub(crate) String);

impl From<LabError> for Trouble {
    fn from(error: LabError) -> Self {
        let cause = std::error::Error::source(&error).map(|e| format!(": {e}"));
        Self(format!("{error}{}", cause.unwrap_or_default()))
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Ends a story with what is wrong.
pub(crate) fn wrong<T>(text: impl Into<String>) -> Told<T> {
    Err(Trouble(text.into()))
}

/// Wants something to be so.
pub(crate) fn want(so: bool, text: impl FnOnce() -> String) -> Told {
    if so { Ok(()) } else { Err(Trouble(text())) }
}

/// How long anything may take that should be quick, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What this machine lacks, with the way to get it.
pub(crate) fn missing() -> Option<String> {
    if let Err(error) = lab::enter::check() {
        return Some(error.to_string());
    }
    if !lab::enter::is_root() {
        return Some("the tutorial's agents use `su` and `chown`: run as root".to_owned());
    }
    if !std::path::Path::new("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists() {
        return Some(
            "IPaddr2 is not installed; on Debian: apt-get install resource-agents".to_owned(),
        );
    }
    [("script", "bsdutils"), ("ss", "iproute2"), ("python3", "python3")]
        .into_iter()
        .find(|(program, _)| lab::enter::find_program(program).is_none())
        .map(|(program, package)| {
            format!("`{program}` is not installed; on Debian: apt-get install {package}")
        })
}

/// Where the hosts' disks are, for the report of a story that never ends.
static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Ends this program, and with it the lab, when a story takes too long.
pub(crate) fn limit(time: Duration, report: fn(&str)) {
    std::thread::spawn(move || {
        pause(time);
        let directory = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let logs = directory.map(|directory| logs(&directory)).unwrap_or_default();
        let text =
            format!("the story took more than {} s\n{}\n{logs}", time.as_secs(), processes());
        report(&text);
        std::process::abort();
    });
}

/// Lists the processes of the lab, with what each waits for.
fn processes() -> String {
    let listed = Command::new("ps").args(["-eo", "pid,ppid,stat,wchan:24,etimes,args"]).output();
    listed.map_or_else(|e| e.to_string(), |said| String::from_utf8_lossy(&said.stdout).into_owned())
}

/// Hosts, what was typed on them, and the journal of the test agent.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) journal: Journal,
    directory: PathBuf,
}

impl World {
    /// Boots hosts with pcsd; there is no cluster yet.
    pub(crate) fn boot(nodes: u8, links: u8) -> Told<Self> {
        let directory = lab::enter::directory();
        *DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner) = Some(directory.clone());
        let journal = Journal::install(&directory)?;
        let plan = ClusterPlan { nodes, links, token_ms: Some(1000), own_agents: false };
        let program = PathBuf::from(env!("CARGO_BIN_EXE_systole"));
        let cluster = match Cluster::boot(plan, &program, &directory) {
            Ok(cluster) => cluster,
            Err(error) => {
                let Trouble(text) = error.into();
                return wrong(format!("{text}\n{}", logs(&directory)));
            }
        };
        Ok(Self { cluster, journal, directory })
    }

    /// Tells a story on fresh hosts; when it fails, the hosts' logs come with the reason.
    pub(crate) fn tell(nodes: u8, links: u8, story: impl FnOnce(&mut Self) -> Told) -> Told {
        let mut world = Self::boot(nodes, links)?;
        story(&mut world)
            .or_else(|Trouble(text)| wrong(format!("{text}\n{}", logs(&world.directory))))
    }

    /// Tells a story on a running cluster without fencing, enabled on every node.
    pub(crate) fn tell_formed(nodes: u8, links: u8, story: impl FnOnce(&mut Self) -> Told) -> Told {
        Self::tell(nodes, links, |world| {
            world.cluster.set_up("mycluster")?;
            world.cluster.start_all()?;
            world.does(0, "pcs cluster enable --all")?;
            world.does(0, "pcs property set stonith-enabled=false")?;
            story(world)
        })
    }

    /// Returns how many hosts there are.
    pub(crate) fn count(&self) -> usize {
        self.cluster.lab.hosts().len()
    }

    /// Returns a host.
    pub(crate) fn host(&self, number: usize) -> &Host {
        &self.cluster.lab.hosts()[number]
    }

    /// Returns a host's name.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.host(number).name()
    }

    /// Runs a command, whatever comes of it.
    pub(crate) fn run(&self, number: usize, line: &str) -> Told<Said> {
        let said = self.cluster.run(number, line)?;
        if std::env::var_os("SYSTOLE_E2E_SHOW").is_some() {
            show(&format!("{}# {line}\n{}", self.name(number), said.both()));
        }
        Ok(said)
    }

    /// Runs a command that must succeed.
    pub(crate) fn does(&self, number: usize, line: &str) -> Told<Said> {
        let said = self.run(number, line)?;
        want(said.code == 0, || {
            format!("{}# {line}\nfailed with {}:\n{}", self.name(number), said.code, said.both())
        })?;
        Ok(said)
    }

    /// Runs a command that must succeed and say all of this.
    pub(crate) fn says(&self, number: usize, line: &str, needles: &[&str]) -> Told<Said> {
        let said = self.does(number, line)?;
        self.holds(number, line, &said, needles)?;
        Ok(said)
    }

    /// Runs a command that must fail and say all of this.
    pub(crate) fn refuses(&self, number: usize, line: &str, needles: &[&str]) -> Told<Said> {
        let said = self.run(number, line)?;
        want(said.code > 0, || {
            format!(
                "{}# {line}\nshould have failed, but its status is {}:\n{}",
                self.name(number),
                said.code,
                said.both()
            )
        })?;
        self.holds(number, line, &said, needles)?;
        Ok(said)
    }

    fn holds(&self, number: usize, line: &str, said: &Said, needles: &[&str]) -> Told {
        let text = said.both();
        let absent = needles.iter().find(|needle| !text.contains(*needle));
        absent.map_or(Ok(()), |needle| {
            wrong(format!("{}# {line}\ndoes not say `{needle}`:\n{text}", self.name(number)))
        })
    }

    /// Repeats a command until what it says is as wanted.
    pub(crate) fn until(
        &self,
        number: usize,
        line: &str,
        what: &str,
        is_it: impl FnMut(&Said) -> bool,
    ) -> Told {
        Ok(self.cluster.wait(number, PATIENCE, what, is_it, line)?)
    }

    /// Repeats a command until it says all of this.
    pub(crate) fn until_says(&self, number: usize, line: &str, needles: &[&str]) -> Told {
        let all = needles.join("` and `");
        self.until(number, line, &format!("`{all}`"), |said| {
            let text = said.both();
            needles.iter().all(|needle| text.contains(needle))
        })
    }

    /// Repeats a command until it no longer says this.
    pub(crate) fn until_silent(&self, number: usize, line: &str, needle: &str) -> Told {
        self.until(number, line, &format!("no `{needle}`"), |said| !said.both().contains(needle))
    }

    /// Waits until something is so; `what` names it.
    pub(crate) fn wait(&self, what: &str, mut is_so: impl FnMut() -> Told<bool>) -> Told {
        wait_until(what, PATIENCE, &mut is_so)
    }

    /// Returns where a resource runs and nothing is done to it any more: for Pacemaker's tools one
    /// whose start is under way runs already.
    fn at_home(&self, number: usize, resource: &str) -> Told<Option<usize>> {
        let home = self.cluster.home_of(number, resource)?;
        let operations = self.run(number, &format!("crm_resource -O -r {resource}"))?;
        Ok(home.filter(|_| !operations.stdout.contains("): pending")))
    }

    /// Waits until a resource runs on a host, its start done, and returns which.
    pub(crate) fn started(&self, number: usize, resource: &str) -> Told<usize> {
        let mut home = None;
        self.wait(&format!("{resource} to run"), || {
            home = self.at_home(number, resource)?;
            Ok(home.is_some())
        })?;
        home.ok_or_else(|| Trouble(format!("{resource} runs nowhere")))
    }

    /// Waits until a resource runs on this host, its start done.
    pub(crate) fn started_on(&self, number: usize, resource: &str, home: usize) -> Told {
        self.wait(&format!("{resource} to run on {}", self.name(home)), || {
            Ok(self.at_home(number, resource)? == Some(home))
        })
    }

    /// Gives a host whose cluster is stopped a small disk of its own for the cluster's state, and
    /// starts it again.
    pub(crate) fn on_a_small_disk(&self, number: usize) -> Told {
        self.does(
            number,
            "cp -a /var/lib/pacemaker /run/copy && mount -t tmpfs -o size=8m,mode=755 none \
             /var/lib/pacemaker && cp -a /run/copy/. /var/lib/pacemaker/",
        )?;
        self.does(number, "pcs cluster start").map(drop)
    }

    /// Fills that disk; whatever does not fit is no failure.
    pub(crate) fn fill_the_disk(&self, number: usize) -> Told {
        self.run(number, "head -c 20m /dev/zero > /var/lib/pacemaker/full 2>/dev/null").map(drop)
    }

    /// Waits until nothing is under way and nobody plans, as a node sees it.
    pub(crate) fn settled(&self, number: usize) -> Told {
        self.does(number, "crm_resource --wait --timeout 60s").map(drop)
    }

    /// Waits until this many nodes are online with a DC, as one of them sees it.
    pub(crate) fn online(&self, number: usize, count: usize) -> Told {
        self.cluster.wait_online(number, count, PATIENCE)?;
        self.wait("a DC", || Ok(self.cluster.dc(number)?.is_some()))
    }

    /// Returns the DC's number, as a node sees it.
    pub(crate) fn dc(&self, number: usize) -> Told<usize> {
        let mut dc = None;
        self.wait("a DC", || {
            dc = self.cluster.dc(number)?;
            Ok(dc.is_some())
        })?;
        dc.ok_or_else(|| Trouble("there is no DC".to_owned()))
    }

    /// Power loss of a host, noted in the journal: nothing runs there any more.
    pub(crate) fn crash(&mut self, number: usize) -> Told {
        let name = self.name(number).to_owned();
        let journal = &self.journal;
        self.cluster.lab.host(&name)?.crash_and(|| journal.lost(&name))?
    }

    /// Returns what this host's brain and hands logged.
    pub(crate) fn log(&self, number: usize) -> String {
        self.cluster.log(number)
    }

    /// Returns how the command lines of this host's brain, hands or engine look.
    pub(crate) fn role(role: &str) -> String {
        format!("systole {role}")
    }
}

/// Waits until something is so, at most as long as said.
pub(crate) fn wait_until(
    what: &str,
    patience: Duration,
    is_so: &mut dyn FnMut() -> Told<bool>,
) -> Told {
    let deadline = Instant::now() + patience;
    while !is_so()? {
        if Instant::now() > deadline {
            return wrong(format!("waited {} s for {what}", patience.as_secs()));
        }
        pause(Duration::from_millis(20));
    }
    Ok(())
}

/// The ends of all logs of all hosts.
fn logs(directory: &std::path::Path) -> String {
    let mut text = format!("\nThe hosts' disks are kept in {}\n", directory.display());
    let listed = Command::new("find")
        .arg(directory)
        .args(["-type", "f", "-size", "+0", "(", "-name", "*.log", "-o", "-name", "*.out", "-o"])
        .args(["-path", "*/systole-lab-*/journal", "!", "-path", "*/agents-*", ")"])
        .output();
    let Ok(listed) = listed else { return text };
    let mut files: Vec<&str> =
        std::str::from_utf8(&listed.stdout).unwrap_or_default().lines().collect();
    files.sort_unstable();
    for file in files {
        let whole = std::fs::read(file).unwrap_or_default();
        let whole = String::from_utf8_lossy(&whole);
        let lines: Vec<&str> = whole.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES)..];
        // writing to a String cannot fail
        let _infallible = writeln!(text, "--- {file}\n{}", shown.join("\n"));
    }
    text
}

#[allow(clippy::print_stderr, reason = "asked for with SYSTOLE_E2E_SHOW")]
fn show(text: &str) {
    eprintln!("{text}");
}

/// How much of the end of each log a report shows.
const LOG_LINES: usize = 60;

#[allow(clippy::disallowed_methods, reason = "a test has no executor to block")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

//! An agent that keeps a journal all hosts share, and what a journal must never show.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{Told, wrong};

/// Where agents of providers live.
const AGENTS: &str = "/usr/lib/ocf/resource.d";

/// `ocf:test:journal`: takes its time, and writes down each begin and end of what it does.
const SCRIPT: &str = r#"#!/bin/sh
# Journal of every action: HOST RESOURCE ACTION begin|end
journal=@JOURNAL@
note() { echo "$(hostname) $OCF_RESOURCE_INSTANCE $1 $2" >> "$journal"; }
state="/run/test-$OCF_RESOURCE_INSTANCE"
case "$1" in
meta-data)
    cat <<'END'
<?xml version="1.0"?>
<resource-agent name="journal" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">Keeps a journal of what is done to it.</longdesc>
  <shortdesc lang="en">Journal</shortdesc>
  <parameters>
    <parameter name="start_time"><longdesc lang="en">Seconds a start takes</longdesc>
      <shortdesc lang="en">Time of a start</shortdesc><content type="string" default="0"/></parameter>
    <parameter name="stop_time"><longdesc lang="en">Seconds a stop takes</longdesc>
      <shortdesc lang="en">Time of a stop</shortdesc><content type="string" default="0"/></parameter>
    <parameter name="slow_on"><longdesc lang="en">The only node that takes its time; all do when empty</longdesc>
      <shortdesc lang="en">Slow node</shortdesc><content type="string" default=""/></parameter>
  </parameters>
  <actions>
    <action name="start" timeout="60s"/><action name="stop" timeout="60s"/>
    <action name="monitor" timeout="20s" interval="10s" depth="0"/>
    <action name="meta-data" timeout="5s"/><action name="validate-all" timeout="5s"/>
  </actions>
</resource-agent>
END
    exit 0;;
esac
slow() {
    [ -z "$OCF_RESKEY_slow_on" ] || [ "$OCF_RESKEY_slow_on" = "$(hostname)" ] || return 0
    [ "${1:-0}" = 0 ] || sleep "$1"
}
case "$1" in
start) note start begin; slow "$OCF_RESKEY_start_time"; : > "$state"; note start end;;
stop) note stop begin; slow "$OCF_RESKEY_stop_time"; rm -f "$state"; note stop end;;
monitor) [ -e "$state" ] || exit 7;;
validate-all) ;;
*) exit 3;;
esac
exit 0
"#;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) host: String,
    pub(crate) resource: String,
    pub(crate) what: String,
}

/// What the test agent was told to do, on every host, in the order it happened.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Puts the agent where hosts that are booted later find it. The machine's own directory is not
    /// touched: what is laid over it is seen in this lab only.
    pub(crate) fn install(directory: &Path) -> Told<Self> {
        let path = directory.join("journal");
        fs::write(&path, "")?;
        let (upper, work) = (directory.join("agents-upper"), directory.join("agents-work"));
        fs::create_dir_all(upper.join("test"))?;
        fs::create_dir_all(&work)?;
        let agent = upper.join("test/journal");
        fs::write(&agent, SCRIPT.replace("@JOURNAL@", &path.display().to_string()))?;
        fs::set_permissions(&agent, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let options =
            format!("lowerdir={AGENTS},upperdir={},workdir={}", upper.display(), work.display());
        let mounted = Command::new("mount")
            .args(["-t", "overlay", "overlay", "-o", &options, AGENTS])
            .output()?;
        if !mounted.status.success() {
            let reason = String::from_utf8_lossy(&mounted.stderr).into_owned();
            return wrong(format!("cannot lay the test agent over {AGENTS}: {reason}"));
        }
        Ok(Self { path })
    }

    /// Notes that a host lost its power: nothing runs there any more.
    pub(crate) fn lost(&self, host: &str) -> Told {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).open(&self.path)?;
        Ok(writeln!(file, "{host} * lost end")?)
    }

    /// Returns all entries so far.
    pub(crate) fn entries(&self) -> Told<Vec<Entry>> {
        let text = fs::read_to_string(&self.path)?;
        let entry = |line: &str| {
            let mut words = line.splitn(3, ' ').map(str::to_owned);
            Some(Entry { host: words.next()?, resource: words.next()?, what: words.next()? })
        };
        Ok(text.lines().filter_map(entry).collect())
    }

    /// Returns what was done to a resource, as `HOST: ACTION begin|end`.
    pub(crate) fn of(&self, resource: &str) -> Told<Vec<String>> {
        let entries = self.entries()?.into_iter();
        let mine = entries.filter(|entry| entry.resource == resource);
        Ok(mine.map(|entry| format!("{}: {}", entry.host, entry.what)).collect())
    }

    /// Counts entries of a resource with this action and stage.
    pub(crate) fn count(&self, resource: &str, what: &str) -> Told<usize> {
        let entries = self.entries()?;
        Ok(entries.iter().filter(|entry| entry.resource == resource && entry.what == what).count())
    }

    /// Returns how many entries there are, to compare later.
    pub(crate) fn length(&self) -> Told<usize> {
        Ok(self.entries()?.len())
    }

    /// Wants that no resource was ever active on two hosts at once.
    pub(crate) fn check_never_twice(&self) -> Told {
        check_never_twice(&self.entries()?)
    }
}

/// A resource is active on a host from the begin of a start to the end of a stop or the loss of the
/// host; it must never be so on two.
fn check_never_twice(entries: &[Entry]) -> Told {
    let mut active: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (line, entry) in entries.iter().enumerate() {
        let host = entry.host.as_str();
        match entry.what.as_str() {
            "lost end" => {
                active.values_mut().for_each(|hosts| hosts.retain(|other| *other != host))
            }
            "stop end" => {
                active.entry(&entry.resource).or_default().retain(|other| *other != host);
            }
            "start begin" => {
                let hosts = active.entry(&entry.resource).or_default();
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
                if hosts.len() > 1 {
                    return wrong(format!(
                        "{} is active on {} at line {} of the journal",
                        entry.resource,
                        hosts.join(" and "),
                        line + 1
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Proves that the check can fail.
pub(crate) fn check_the_check() -> Told {
    let entry = |text: &str| {
        let mut words = text.splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        Entry { host: word(), resource: word(), what: word() }
    };
    let entries = |lines: &[&str]| lines.iter().map(|line| entry(line)).collect::<Vec<_>>();
    let began = ["ser1 a start begin", "ser1 a start end"];
    let elsewhere = ["ser2 a start begin"];
    let stopped = ["ser1 a stop begin", "ser1 a stop end"];
    let half_stopped = ["ser1 a stop begin"];
    let lost = ["ser1 * lost end"];
    for (between, fine) in
        [(&[][..], false), (&half_stopped, false), (&stopped, true), (&lost, true)]
    {
        let lines = [&began[..], between, &elsewhere].concat();
        if check_never_twice(&entries(&lines)).is_ok() != fine {
            return wrong(format!("misjudged: {lines:?}"));
        }
    }
    Ok(())
}

//! `pcs cluster report`: everything that is needed to understand what happened, of all nodes, in one
//! archive. Passwords are left out.

use std::io::Write as _;
use std::path::Path;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan as _};
use pcs::cluster::protocol::Request;
use regex::Regex;

use super::cluster::named;
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::peers::{Fields, Peer, ask_all};
use super::tarball::{self, Packed};
use crate::cib_source;

/// Gathering of large logs takes a while.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(300);

/// Inputs of the scheduler that are taken, newest first; each says the whole state.
const INPUTS_MAX: usize = 100;

/// From when to when.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    fn has(&self, time: SystemTime) -> bool {
        Timestamp::try_from(time).is_ok_and(|time| self.from <= time && time <= self.to)
    }
}

/// Reads `YYYY-M-D H:M:S` in this host's time, or a moment as RFC 3339.
fn moment(text: &str) -> Cli<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let forms = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    let civil = forms.iter().find_map(|form| DateTime::strptime(form, text).ok());
    match civil.and_then(|civil| civil.to_zoned(crate::clock::zone().clone()).ok()) {
        Some(moment) => Ok(moment.timestamp()),
        None => fail(format!("'{text}' is not a valid time, use \"YYYY-M-D H:M:S\"")),
    }
}

/// `pcs cluster report [--from T [--to T]] DEST`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--from", "--local", "--to", "--request-timeout"])?;
    let [destination] = words else {
        return Err(Failure::Usage { area: "cluster", command: "report" });
    };
    if context.has("--to") && !context.has("--from") {
        return fail("Option '--to' needs '--from': from when is to be reported?");
    }
    let to = context.arguments.value("--to").map(moment).transpose()?.unwrap_or(Timestamp::now());
    let day_before = to.checked_sub(24.hours()).unwrap_or(to);
    let from = context.arguments.value("--from").map(moment).transpose()?.unwrap_or(day_before);
    if from > to {
        return fail("Option '--from' names a time after that of '--to'");
    }
    let span = Span { from, to };
    if context.has("--local") && destination == "-" {
        let packed = pack(&gather(span))?;
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(&packed).and_then(|()| stdout.flush());
        return written.or_else(|error| fail(format!("unable to write the report: {error}")));
    }
    let name = destination.strip_suffix(".tar.bz2").unwrap_or(destination);
    let file = format!("{name}.tar.bz2");
    if Path::new(&file).exists() && !context.force() {
        return fail(format!("'{file}' already exists, use --force to overwrite"));
    }
    if !hosts::paths().corosync_conf().exists() {
        return fail("cluster is not configured on this node");
    }
    let packed = if context.has("--local") { pack(&gather(span))? } else { of_all(context, span)? };
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut out| out.write_all(&packed));
    written.or_else(|error| fail(format!("unable to write '{file}': {error}")))?;
    progress(&format!("The report is in '{file}'"));
    Ok(())
}

fn pack(files: &[Packed]) -> Cli<Vec<u8>> {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    tarball::pack(files, seconds)
        .or_else(|error| fail(format!("unable to pack the report: {error}")))
}

/// Gathers what every node has; one that can't be asked is named in the report.
fn of_all(context: &Context, span: Span) -> Cli<Vec<u8>> {
    let known = hosts::known_hosts()?;
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for name in hosts::node_names(&hosts::local_conf(context)?) {
        match known.known_hosts.get(&name) {
            Some(host) => peers.push(Peer { name, host: host.clone() }),
            None => missing.push(format!("{name}: this host has no token for it")),
        }
    }
    let limit = match context.arguments.value("--request-timeout") {
        Some(_) => hosts::request_timeout(context),
        None => LIMIT,
    };
    let mut files = Vec::new();
    let fields =
        |_: &Peer| -> Fields { vec![("from", span.from.to_string()), ("to", span.to.to_string())] };
    hosts::run(ask_all(&peers, Request::Report, fields, limit, |name, answer| {
        let unpacked = answer.map_err(|trouble| named(name, &trouble)).and_then(|answer| {
            let packed =
                STANDARD.decode(answer.body).map_err(|error| format!("{name}: {error}"))?;
            tarball::unpack(&packed).map_err(|error| format!("{name}: {error}"))
        });
        match unpacked {
            Ok(unpacked) => {
                progress(&format!("{name}: Collected"));
                let each = unpacked.into_iter();
                files.extend(
                    each.map(|(file, content)| Packed::public(&format!("{name}/{file}"), content)),
                );
            }
            Err(why) => missing.push(why),
        }
    }))?;
    missing.sort();
    for why in &missing {
        print_error(&format!("Warning: {why}"));
    }
    if files.is_empty() {
        // the hosts of a cluster that is not authenticated; what is here is better than nothing
        files = gather(span);
    }
    if !missing.is_empty() {
        files.push(Packed::public("missing.txt", missing.join("\n")));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    pack(&files)
}

/// Gathers what this host has.
fn gather(span: Span) -> Vec<Packed> {
    let paths = hosts::paths();
    let mask = Mask::new();
    let mut files = vec![Packed::public("host.txt", about_host())];
    let mut add = |name: &str, text: String| files.push(Packed::public(name, text));
    let plain =
        [("corosync.conf", paths.corosync_conf()), ("cib.xml", paths.cib_dir().join("cib.xml"))];
    for (name, path) in plain {
        match std::fs::read_to_string(&path) {
            Ok(text) => add(name, mask.hide(&text)),
            Err(error) => add(&format!("{name}.missing"), format!("{}: {error}\n", path.display())),
        }
    }
    for (name, path) in [("pacemaker.log", paths.pacemaker_log()), ("pcsd.log", paths.pcsd_log())] {
        if let Ok(bytes) = std::fs::read(&path) {
            add(name, mask.hide(&within(&String::from_utf8_lossy(&bytes), span)));
        }
    }
    let commands: [(&str, &[&str]); 4] = [
        ("status.txt", &["status", "--full"]),
        ("quorum.txt", &["quorum", "status"]),
        ("config.txt", &["config"]),
        ("failures.txt", &["resource", "failcount", "--full"]),
    ];
    for (name, words) in commands {
        add(name, mask.hide(&said(words)));
    }
    for (name, text) in inputs(span) {
        add(&name, mask.hide(&text));
    }
    files
}

fn about_host() -> String {
    let version = concat!("systole ", env!("CARGO_PKG_VERSION"));
    let system = rustix::system::uname();
    let words = [system.sysname(), system.nodename(), system.release(), system.machine()];
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let mut text = format!("{version}\n{}\n", words.join(" "));
    for file in ["/etc/os-release", "/proc/loadavg", "/proc/meminfo", "/proc/uptime"] {
        if let Ok(content) = std::fs::read_to_string(file) {
            text.push_str(&format!("\n# {file}\n{content}"));
        }
    }
    text
}

/// Returns what a command of pcs prints, errors included.
fn said(words: &[&str]) -> String {
    let printed = std::env::current_exe().and_then(|program| {
        std::process::Command::new(program).args(["pcs", "--hints=never"]).args(words).output()
    });
    match printed {
        Ok(output) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            text
        }
        Err(error) => format!("'pcs {}' can't be run: {error}\n", words.join(" ")),
    }
}

/// Returns the newest inputs of the scheduler of that time, unpacked.
fn inputs(span: Span) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(hosts::paths().pengine_dir()).into_iter().flatten().flatten();
    let mut found: Vec<(SystemTime, std::path::PathBuf)> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .filter(|(time, path)| span.has(*time) && path.extension().is_some_and(|e| e == "bz2"))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.truncate(INPUTS_MAX);
    found
        .into_iter()
        .filter_map(|(_, path)| {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            Some((format!("pengine/{name}.xml"), cib_source::read_text(&path).ok()?))
        })
        .collect()
}

/// Keeps the lines of a log that are of that time; a line without one goes with that before it.
fn within(log: &str, span: Span) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in log.lines() {
        if let Some(time) = line.split(' ').next().and_then(|word| word.parse::<Timestamp>().ok()) {
            inside = span.from <= time && time <= span.to;
        }
        if inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Hides the values of what is called like a password.
struct Mask(Option<Regex>);

impl Mask {
    fn new() -> Self {
        // names as in `name="passwd" value="…"`, and as in `passwd=…`
        let word = "[Pp][Aa][Ss][Ss][Ww]";
        let pair = format!(r#"name="[^"]*{word}[^"]*"\s+value=""#);
        let setting = format!(r#"{word}[A-Za-z_]*\s*[=:]\s*"?"#);
        let names = format!(r#"({pair}|{setting})([^"\s]+)"#);
        Self(Regex::new(&names).ok())
    }

    fn hide(&self, text: &str) -> String {
        self.0
            .as_ref()
            .map_or_else(String::new, |names| names.replace_all(text, "${1}******").into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        let mask = Mask::new();
        let check = |text: &str, hidden: &str| assert_eq!(mask.hide(text), hidden);
        check(
            r#"<nvpair id="x" name="passwd" value="s3cret"/>"#,
            r#"<nvpair id="x" name="passwd" value="******"/>"#,
        );
        check("password=s3cret user=a", "password=****** user=a");
        check(r#"name="ip" value="10.0.0.1""#, r#"name="ip" value="10.0.0.1""#);
    }

    #[test]
    fn only_lines_of_the_time_are_kept() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let span = Span { from: at("2026-01-02T00:00:00Z"), to: at("2026-01-03T00:00:00Z") };
        let log = "2026-01-01T10:00:00Z INFO a\n2026-01-02T10:00:00.5Z INFO b\n  more\n2026-01-04T10:00:00Z c\n";
        assert_eq!(within(log, span), "2026-01-02T10:00:00.5Z INFO b\n  more\n");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert!(moment("2026-1-2 3:4:5").is_ok() && moment("2026-01-02T03:04:05Z").is_ok());
        assert!(moment("yesterday").is_err());
    }
}

//! `crm_report`: the report of `pcs cluster report`, asked for in the established words.

use std::path::{Path, PathBuf};

use model::ExitCode;

use crate::pcs;
use crate::pcs::tarball;

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "crm_report";

const SPECS: [Spec; 23] = [
    ('h', "help", Takes::Nothing),
    ('v', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    (' ', "features", Takes::Nothing),
    ('f', "from", Takes::Value),
    ('t', "to", Takes::Value),
    ('S', "single-node", Takes::Nothing),
    ('d', "as-directory", Takes::Nothing),
    (' ', "dest", Takes::Value),
    (' ', "sos-mode", Takes::Nothing),
    // how other nodes are reached is pcsd's affair, and which there are is in corosync.conf
    ('n', "nodes", Takes::Value),
    ('u', "user", Takes::Value),
    ('e', "rsh", Takes::Value),
    ('D', "max-depth", Takes::Value),
    ('c', "cluster", Takes::Value),
    ('C', "corosync", Takes::Nothing),
    // what can't be chosen
    ('p', "mask", Takes::Value),
    ('l', "logfile", Takes::Value),
    ('L', "analyse", Takes::Value),
    ('M', "no-logs", Takes::Nothing),
    ('T', "cts", Takes::Value),
    (' ', "cts-log", Takes::Value),
    ('?', "help-all", Takes::Nothing),
];

/// What the report has no choice about, and what to do instead.
const FIXED: [(&str, &str); 6] = [
    (
        "mask",
        "values that are called like a password are left out of the report, others can't be named",
    ),
    ("logfile", "the report has the cluster's own logs; add other files to it afterwards"),
    ("analyse", "logs are reported, not analysed; search in them"),
    ("no-logs", "the report has the cluster's own logs of the time"),
    ("cts", "there is no such test suite here"),
    ("cts-log", "there is no such test suite here"),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match report(arguments) {
        Ok(code) => code,
        Err(answer) => answer.print(),
    }
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

fn report(arguments: &[String]) -> Result<ExitCode, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    if options.has("features") {
        return Err(Answer::text("corosync\n"));
    }
    if let Some((_, why)) = FIXED.iter().find(|(name, _)| options.has(name)) {
        return Err(fail(ExitCode::Usage, why));
    }
    let now = jiff::Timestamp::now().to_zoned(exec::local_zone());
    let today = now.strftime("%Y-%m-%d").to_string();
    let Some(from) = options.value("from") else {
        return Err(fail(ExitCode::Usage, "from when? --from \"YYYY-M-D H:M:S\" says it"));
    };
    let usual = format!("pcmk-{}", now.strftime("%a-%d-%b-%Y"));
    let destination = destination(&options, &usual)?;
    let archive = archive_of(&destination);
    if options.has("as-directory") && destination.exists() {
        return Err(fail(
            ExitCode::CantCreat,
            format!("`{}` already exists", destination.display()),
        ));
    }
    let mut words: Vec<String> =
        ["cluster", "report", "--from"].into_iter().map(str::to_owned).collect();
    words.push(time(from, &today));
    if let Some(to) = options.value("to") {
        words.extend(["--to".to_owned(), time(to, &today)]);
    }
    if options.has("single-node") || options.has("sos-mode") {
        words.push("--local".to_owned());
    }
    words.push(archive.display().to_string());
    let code = pcs::run(&words);
    if code != 0 {
        return Ok(ExitCode::from_code(code));
    }
    if options.has("as-directory") {
        spread(&archive, &destination)?;
    }
    Ok(ExitCode::Ok)
}

/// Returns where the report goes: what `--dest` or the word says, without the end of an archive's name.
fn destination(options: &Options, usual: &str) -> Result<PathBuf, Answer> {
    let words: Vec<&str> =
        options.value("dest").into_iter().chain(options.words.iter().map(String::as_str)).collect();
    match words.as_slice() {
        [] => Ok(usual.into()),
        [one] => Ok(one.strip_suffix(".tar.bz2").unwrap_or(one).into()),
        [_, more @ ..] => {
            Err(fail(ExitCode::Usage, format!("one destination is enough: {}", more.join(" "))))
        }
    }
}

fn archive_of(destination: &Path) -> PathBuf {
    let mut name = destination.as_os_str().to_owned();
    name.push(".tar.bz2");
    name.into()
}

/// Completes a time: one without a day is today's, a day alone begins at midnight.
fn time(text: &str, today: &str) -> String {
    let text = text.trim();
    match (text.contains('-'), text.contains(':')) {
        (false, true) => format!("{today} {text}"),
        (true, false) => format!("{text} 00:00:00"),
        _ => text.to_owned(),
    }
}

/// Makes a directory of an archive.
fn spread(archive: &Path, directory: &Path) -> Result<(), Answer> {
    let failed = |path: &Path, error: std::io::Error| {
        fail(ExitCode::CantCreat, format!("`{}` can't be written: {error}", path.display()))
    };
    let packed = std::fs::read(archive).map_err(|error| failed(archive, error))?;
    let files = tarball::unpack(&packed).map_err(|error| failed(archive, error))?;
    // as little for others as the archive
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| failed(directory, error))?;
    for (name, content) in files {
        // what a node calls its files stays below the directory
        let safe = Path::new(&name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if !safe {
            continue;
        }
        let path = directory.join(name);
        let parent = path.parent().unwrap_or(directory);
        std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        std::fs::write(&path, content).map_err(|error| failed(&path, error))?;
    }
    std::fs::remove_file(archive).map_err(|error| failed(archive, error))
}

const USAGE: &str = "\
crm_report - everything that is needed to understand what happened, of all nodes, in one archive
Usage: crm_report --from TIME [options] [DEST]

 -f, --from=TIME          From when: \"YYYY-M-D H:M:S\", a day, or a time of today
 -t, --to=TIME            Until when (now)
 -S, --single-node        Only of this node
 -d, --as-directory       Leave a directory DEST instead of the archive DEST.tar.bz2
     --dest=DEST          The same as DEST (pcmk-DATE)
     --sos-mode           As sosreport calls it: only of this node
     --features           The kinds of cluster that are known
 -h, --help               This text
 -v, --version            Version information

Nodes are those of corosync.conf and are asked through their pcsd, so -n, -u, -e, -D, -c and -C are
accepted and not needed. Values that are called like a password are left out of the report.
'pcs cluster report' does the same.
";

#[cfg(test)]
mod tests {
    use super::{Options, SPECS, destination, time};

    #[test]
    fn times_are_completed() {
        for (text, whole) in [
            ("2011-12-14 13:05:00", "2011-12-14 13:05:00"),
            ("2011-12-14", "2011-12-14 00:00:00"),
            ("13:05:00", "2026-11-21 13:05:00"),
        ] {
            assert_eq!(time(text, "2026-11-21"), whole);
        }
    }

    #[test]
    fn a_destination_is_named_in_one_way() {
        let of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            destination(&Options::parse(&words, &SPECS).unwrap(), "usual")
        };
        assert_eq!(of(&[]).unwrap().to_str(), Some("usual"));
        assert_eq!(of(&["--dest", "/x/r"]).unwrap().to_str(), Some("/x/r"));
        assert_eq!(of(&["r.tar.bz2"]).unwrap().to_str(), Some("r"));
        assert!(of(&["--dest", "a", "b"]).is_err());
    }
}

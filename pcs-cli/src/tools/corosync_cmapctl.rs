//! `corosync-cmapctl`: what corosync.conf says and who is here, as keys and values.

use std::fmt::Write as _;

use membership::core::conf;
use membership::core::report::{self, CmapEntry};
use model::{ExitCode, Paths};

use crate::live::Live;

use super::answer::Answer;
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "corosync-cmapctl";

const SPECS: [Spec; 12] = [
    ('b', "binary", Takes::Nothing),
    ('m', "map", Takes::Value),
    ('s', "set", Takes::Nothing),
    ('C', "clear", Takes::Value),
    ('p', "file", Takes::Value),
    ('d', "delete", Takes::Nothing),
    ('D', "delete-prefix", Takes::Nothing),
    ('g', "get", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    ('t', "track", Takes::Value),
    ('T', "track-prefix", Takes::Value),
    ('h', "help", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::corosync_options(TOOL, arguments, &SPECS, USAGE)?;
    let changing = ["set", "clear", "file", "delete", "delete-prefix"];
    if options.last_of(&changing).is_some() {
        return Err(Answer::fail(
            ExitCode::Error,
            format!(
                "{TOOL}: settings are changed in corosync.conf only; `pcs cluster reload corosync` \
                 makes them effective"
            ),
        ));
    }
    if options.last_of(&["track", "track-prefix"]).is_some() {
        return Err(Answer::fail(
            ExitCode::Error,
            format!("{TOOL}: changes are followed with `systole events`"),
        ));
    }
    if let Some(map) = options.value("map").filter(|map| *map != "icmap") {
        return Err(Answer::fail(
            ExitCode::Error,
            format!("{TOOL}: there is no map `{map}`; the one there is has the name icmap"),
        ));
    }
    let entries = entries()?;
    if options.has("get") { get(&options, &entries) } else { Ok(list(&options.words, &entries)) }
}

fn entries() -> Result<Vec<CmapEntry>, Answer> {
    let fail = |why: String| {
        Answer::fail(
            ExitCode::Error,
            format!("Failed to initialize the cmap API. Error CS_ERR_LIBRARY ({why})"),
        )
    };
    let info =
        Live::connect(TOOL).and_then(|mut live| live.info()).map_err(|e| fail(e.to_string()))?;
    let file = Paths::under(std::env::var_os(model::paths::ROOT_VARIABLE)).corosync_conf();
    let name = file.display().to_string();
    let text = std::fs::read_to_string(&file)
        .map_err(|error| fail(format!("`{name}` can't be read: {error}")))?;
    let conf = conf::load(&text, &name).map_err(|error| fail(error.to_string()))?;
    Ok(report::cmap(&conf, &info.membership))
}

fn list(prefixes: &[String], entries: &[CmapEntry]) -> Answer {
    let wanted = |entry: &&CmapEntry| {
        prefixes.is_empty() || prefixes.iter().any(|prefix| entry.key.starts_with(prefix.as_str()))
    };
    Answer::text(entries.iter().filter(wanted).fold(String::new(), |mut out, entry| {
        let _infallible = writeln!(out, "{entry}");
        out
    }))
}

fn get(options: &Options, entries: &[CmapEntry]) -> Result<Answer, Answer> {
    if options.words.is_empty() {
        return Err(Answer::fail(ExitCode::Error, format!("{TOOL}: -g needs a key")));
    }
    let mut answer = Answer::default();
    for key in &options.words {
        let entry = entries.iter().find(|entry| entry.key == *key);
        let _infallible = match entry {
            Some(entry) if options.has("quiet") => writeln!(answer.out, "{}", entry.value),
            Some(entry) => writeln!(answer.out, "{entry}"),
            None => {
                answer.code = Some(ExitCode::Error);
                writeln!(answer.err, "Can't get key {key}. Error CS_ERR_NOT_EXIST")
            }
        };
    }
    Ok(answer)
}

const USAGE: &str = "\
usage:  corosync-cmapctl [-q] [-g key...] | [prefix...]

Display all keys:                  corosync-cmapctl
Display keys with a prefix:        corosync-cmapctl nodelist.
Display some keys:                 corosync-cmapctl -g totem.cluster_name
Display their values only:         corosync-cmapctl -q -g totem.cluster_name

Keys are not changed here: -s, -d, -D, -p and -C are refused.
";

#[cfg(test)]
mod tests {
    use membership::core::report::CmapEntry;
    use model::ExitCode;

    use super::super::options::Options;
    use super::{SPECS, get, list};

    fn entries() -> Vec<CmapEntry> {
        [("nodelist.node.0.ring0_addr", "ser1"), ("totem.cluster_name", "c")]
            .map(|(key, value)| CmapEntry { key: key.into(), kind: "str", value: value.into() })
            .into()
    }

    #[test]
    fn keys_are_listed_by_prefix_and_fetched_by_name() {
        let listed = list(&["nodelist.".to_owned()], &entries());
        assert_eq!(listed.out, "nodelist.node.0.ring0_addr (str) = ser1\n");
        let words = ["-qg", "totem.cluster_name", "nope"].map(str::to_owned);
        let answer = get(&Options::parse(&words, &SPECS).unwrap(), &entries()).unwrap();
        assert_eq!(answer.out, "c\n");
        assert_eq!(answer.err, "Can't get key nope. Error CS_ERR_NOT_EXIST\n");
        assert_eq!(answer.code, Some(ExitCode::Error));
    }
}

//! `pacemakerd`: agents ask it for the version; the daemon itself is `systole node`.

use cib::edit;
use model::ExitCode;
use wire::tools::action::{Kind, Leave};

use crate::live::Live;

use super::answer::Answer;
use super::frame;
use super::options::{Spec, Takes};

const TOOL: &str = "pacemakerd";

const SPECS: [Spec; 10] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    ('F', "features", Takes::Nothing),
    ('f', "foreground", Takes::Nothing),
    ('p', "pid-file", Takes::Value),
    ('S', "shutdown", Takes::Nothing),
    ('s', "standby", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, arguments, &SPECS, USAGE)?;
    if options.has("features") {
        return Ok(Answer::text(format!(
            "Pacemaker 3.0.1 (Build: systole-{})\n Supporting v{}: corosync-ge-2 monotonic remote \
             systemd\n",
            env!("CARGO_PKG_VERSION"),
            edit::FEATURE_SET
        )));
    }
    if options.has("shutdown") {
        let left = Live::connect(TOOL)
            .and_then(|mut live| live.act(Kind::Leave(Leave { all: false })))
            .map_err(|error| Answer::fail(error.code(), format!("{TOOL}: {error}")))?;
        return match ExitCode::from_code(left.code) {
            ExitCode::Ok => Ok(Answer::default()),
            code => Err(Answer::fail(code, format!("{TOOL}: {}", left.message))),
        };
    }
    Err(Answer::fail(
        ExitCode::Fatal,
        format!(
            "{TOOL}: the cluster is started with `pcs cluster start` or `systemctl start pacemaker`"
        ),
    ))
}

const USAGE: &str = "\
pacemakerd - version and end of the cluster's daemon on this node
Usage: pacemakerd [options]

 -$, --version      Version information
 -F, --features     Version and feature set
 -S, --shutdown     Stop the cluster on this node in order
 -h, --help         This text

The cluster is started with `pcs cluster start`.
";

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn the_first_line_of_the_version_is_what_agents_look_for() {
        for option in ["-$", "--version", "-F"] {
            assert!(
                answer(&[option.to_owned()]).unwrap_or_else(|a| a).out.starts_with("Pacemaker 3.")
            );
        }
    }
}

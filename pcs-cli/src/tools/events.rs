//! `systole events`: what happens in this cluster, as it happens, a JSON object a line.

use std::io::Write as _;

use model::ExitCode;

use crate::live::Live;

/// Follows the journal until the brain ends or the pipe closes.
pub(super) fn run(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        return complain("usage: systole events", ExitCode::Usage);
    }
    let followed = Live::connect("events").and_then(|mut live| {
        live.watch(|line| {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
        })
    });
    match followed {
        Ok(()) => ExitCode::Ok,
        Err(error) => complain(&format!("Error: {error}"), error.code()),
    }
}

#[allow(clippy::print_stderr, reason = "the command line's own voice")]
fn complain(text: &str, code: ExitCode) -> ExitCode {
    eprintln!("{text}");
    code
}

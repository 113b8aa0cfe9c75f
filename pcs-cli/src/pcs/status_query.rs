//! `pcs status query resource`: answers for scripts, by text and by exit status.

use super::context::{Cli, Context, Failure, fail};

/// Runs `pcs status query …`.
pub(crate) fn run(_context: &mut Context, _words: &[String]) -> Cli {
    fail::<()>("unknown query").map_err(|_| Failure::Usage { area: "status", command: "query" })
}

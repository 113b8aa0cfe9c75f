//! Areas of pcs that are about other programs: booth, disaster recovery.

use super::context::{Cli, Context, Failure, fail};

/// Runs `pcs booth …`.
pub(crate) fn booth(context: &mut Context, words: &[String]) -> Cli {
    if words.is_empty() {
        return Err(Failure::Usage { area: "booth", command: "" });
    }
    context.supports(&["--booth-conf", "--booth-key", "--force", "--name"])?;
    fail(
        "booth is a program of its own that does not run here; tickets can be constrained with 'pcs constraint ticket'",
    )
}

/// Runs `pcs dr …`.
pub(crate) fn dr(context: &mut Context, words: &[String]) -> Cli {
    if words.is_empty() {
        return Err(Failure::Usage { area: "dr", command: "" });
    }
    context.supports(&["--force", "--full", "--hide-inactive", "--request-timeout"])?;
    fail("disaster recovery between two clusters is not there yet")
}

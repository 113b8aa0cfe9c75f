//! `pcs resource disable --safe` and `--simulate`: what else would happen.

use super::context::{Cli, Context, fail};

/// Disables resources when nothing else is affected, or only shows what would be.
pub(crate) fn disable(_context: &mut Context, _words: &[String]) -> Cli {
    fail("unable to simulate the cluster's reaction")
}

//! Bundles: containers that hold a resource.

use crate::environment::Environment;
use crate::report::Outcome;

/// Checks that a bundle can take a resource.
pub(crate) fn check_can_hold(_env: &mut Environment<'_>, _bundle: &str, _force: bool) -> Outcome {
    Ok(())
}

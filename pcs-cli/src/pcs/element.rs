//! `pcs cib element`.

use super::context::{Cli, Context, Failure};
use super::resource;

/// Runs `pcs cib element description …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words {
        [element, description, rest @ ..]
            if element == "element" && description == "description" && !rest.is_empty() =>
        {
            resource::description(context, rest, "cib")
        }
        _ => Err(Failure::Usage { area: "cib", command: "" }),
    }
}

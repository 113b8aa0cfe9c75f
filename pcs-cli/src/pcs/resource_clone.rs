//! `pcs resource clone`, `promotable` and `unclone`.

use pcs::resource::clone;

use super::context::{Cli, Context, Failure};
use super::words::{self, Sections};

/// Runs `pcs resource clone|promotable ID [CLONE-ID] …`.
pub(crate) fn clone(context: &mut Context, words: &[String], promotable: bool) -> Cli {
    context.supports(&["--wait", "--force", "-f"])?;
    let command = if promotable { "promotable" } else { "clone" };
    let [id, rest @ ..] = words else {
        return Err(Failure::Usage { area: "resource", command });
    };
    let sections = Sections::split(rest, &["meta"]);
    let (clone_id, options) = match sections.first.split_first() {
        Some((first, options)) if !first.contains('=') => (Some(first.clone()), options),
        _ => (None, sections.first.as_slice()),
    };
    let mut meta = words::pairs(options)?;
    if !meta.is_empty() {
        context.deprecated("configuring meta attributes without specifying the 'meta' keyword is deprecated and will be removed in a future release");
    }
    meta.extend(words::pairs(&sections.flat("meta"))?);
    let wait = context.wait()?;
    let force = context.force();
    context.change(|env| clone::clone(env, id, clone_id.as_deref(), &meta, promotable, force))?;
    context.settle(wait)
}

/// Runs `pcs resource unclone ID`.
pub(crate) fn unclone(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "-f"])?;
    let [id] = words else {
        return Err(Failure::Usage { area: "resource", command: "unclone" });
    };
    let wait = context.wait()?;
    context.change(|env| clone::unclone(env, id))?;
    context.settle(wait)
}

//! `pcs cluster node add-remote`, `add-guest` and their opposites.

use pcs::remote;
use pcs::resource::create::Request;

use super::context::{Cli, Context, Failure, fail};
use super::words::{self, Sections};

fn usage(command: &'static str) -> Failure {
    Failure::Usage { area: "cluster", command }
}

/// Runs what of `pcs cluster node` is about nodes that are resources.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "add-remote" => add_remote(context, rest),
        "add-guest" => add_guest(context, rest),
        "delete-remote" => remove(context, rest, "node delete-remote", remote::remove_remote),
        "remove-remote" => remove(context, rest, "node remove-remote", remote::remove_remote),
        "delete-guest" => remove(context, rest, "node delete-guest", remote::remove_guest),
        "remove-guest" => remove(context, rest, "node remove-guest", remote::remove_guest),
        "rename-cib" => rename(context, rest),
        "clear" => {
            context.supports(&["--force"])?;
            fail("a node's traces go with it: use 'pcs cluster node remove'")
        }
        _ => Err(usage("node")),
    }
}

/// Remote executors come later: until then only a file can name them.
fn check_live(context: &Context) -> Cli {
    if context.is_live() {
        return fail(
            "remote and guest nodes do not work on a running cluster yet; with -f they can be written into a file",
        );
    }
    Ok(())
}

fn add_remote(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[
        "--wait",
        "--force",
        "--skip-offline",
        "--request-timeout",
        "-f",
        "--no-default-ops",
    ])?;
    let [name, rest @ ..] = words else { return Err(usage("node add-remote")) };
    let (address, rest) = match rest.split_first() {
        Some((first, more)) if !first.contains('=') && first != "op" && first != "meta" => {
            (Some(first.as_str()), more)
        }
        _ => (None, rest),
    };
    let sections = Sections::split(rest, &["op", "meta"]);
    let request = Request {
        id: name.clone(),
        parameters: words::pairs(&sections.first)?,
        operations: words::operations(&sections.flat("op"), sections.each("op").len())?,
        meta: words::pairs(&sections.flat("meta"))?,
        no_advised_operations: context.has("--no-default-ops"),
        force: context.force(),
        ..Request::default()
    };
    context.wait()?;
    check_live(context)?;
    context.change(|env| remote::add_remote(env, name, address, &request))
}

fn add_guest(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--force", "--skip-offline", "--request-timeout", "-f"])?;
    let [name, id, rest @ ..] = words else { return Err(usage("node add-guest")) };
    let options = words::pairs(rest)?;
    context.wait()?;
    check_live(context)?;
    context.change(|env| remote::add_guest(env, name, id, &options))
}

type Remove = fn(&mut pcs::Environment<'_>, &str) -> pcs::Outcome;

fn remove(context: &mut Context, words: &[String], command: &'static str, remove: Remove) -> Cli {
    context.supports(&["--force", "--skip-offline", "--request-timeout", "-f"])?;
    let [name] = words else { return Err(usage(command)) };
    check_live(context)?;
    context.change(|env| remove(env, name))
}

fn rename(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--force"])?;
    let [_, _] = words else { return Err(usage("node rename-cib")) };
    fail("nodes of a document can't be renamed yet")
}

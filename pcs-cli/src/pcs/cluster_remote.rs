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
        "clear" => clear(context, rest),
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
        operations: words::operations(&sections.each("op"))?,
        meta: words::pairs(&sections.flat("meta"))?,
        no_advised_operations: context.has("--no-default-ops"),
        force: context.force(),
        ..Request::default()
    };
    let wait = context.wait()?;
    check_live(context)?;
    context.change(|env| remote::add_remote(env, name, address, &request))?;
    context.settle(wait)
}

fn add_guest(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--force", "--skip-offline", "--request-timeout", "-f"])?;
    let [name, id, rest @ ..] = words else { return Err(usage("node add-guest")) };
    let options = words::pairs(rest)?;
    let wait = context.wait()?;
    check_live(context)?;
    context.change(|env| remote::add_guest(env, name, id, &options))?;
    context.settle(wait)
}

type Remove = fn(&mut pcs::Environment<'_>, &str) -> pcs::Outcome;

fn remove(context: &mut Context, words: &[String], command: &'static str, remove: Remove) -> Cli {
    context.supports(&["--force", "--skip-offline", "--request-timeout", "-f"])?;
    let [name] = words else { return Err(usage(command)) };
    check_live(context)?;
    context.change(|env| remove(env, name))
}

/// `pcs cluster node rename-cib OLD NEW`
fn rename(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--force"])?;
    let [old, new] = words else { return Err(usage("node rename-cib")) };
    if let Some(message) = pcs::ids::check(new, "node name") {
        return fail(message.to_string());
    }
    if context.is_live() && !context.force() {
        let conf = super::hosts::local_conf(context)?;
        if super::hosts::node_names(&conf).contains(old) {
            return fail(format!(
                "Node '{old}' is still called so in corosync.conf, rename it there with 'pcs \
                 cluster node rename-corosync {old} {new}' first, use --force to override"
            ));
        }
    }
    let renamed = context.change(|env| Ok(pcs::rename::rename_node(env, old, new)))?;
    if renamed == 0 {
        return fail(format!("No element of the document names a node '{old}'"));
    }
    Ok(())
}

/// `pcs cluster node clear NODE`: one that is gone, but not from the document.
fn clear(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force"])?;
    let [name] = words else { return Err(usage("node clear")) };
    let info = context.live()?.info().or_else(|error| fail(error.to_string()))?;
    if let Some(node) = info.nodes.iter().find(|node| node.name == *name) {
        let why = if node.member { "runs" } else { "is in corosync.conf" };
        return fail(format!(
            "node '{name}' seems to be still in the cluster, it {why}; take it out with 'pcs \
             cluster node remove {name}'"
        ));
    }
    for (section, element) in [("nodes", "node"), ("status", "node_state")] {
        let request = cib::edit::Request::DeleteAll {
            target: cib::edit::Target::Section(section.to_owned()),
            xml: Some(cib::Element::new(element).with("uname", name.as_str())),
        };
        crate::cib_source::Cluster::change(context.live()?, &request)
            .or_else(|error| fail(format!("Unable to clear node '{name}': {}", error.chain())))?;
    }
    Ok(())
}

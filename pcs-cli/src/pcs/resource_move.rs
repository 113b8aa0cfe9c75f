//! `pcs resource ban`, `move`, `move-with-constraint` and `clear`.

use pcs::resource::ban::{self, Request};

use super::context::{Cli, Context, Failure, fail};

/// What can be said behind a resource: a node and a lifetime.
#[derive(Debug, Default)]
struct Words {
    node: Option<String>,
    lifetime: Option<String>,
}

fn parse(words: &[String], command: &'static str) -> Cli<Words> {
    let mut parsed = Words::default();
    for word in words {
        if let Some(lifetime) = word.strip_prefix("lifetime=") {
            parsed.lifetime = Some(lifetime.to_owned());
        } else if let Some(node) = word.strip_prefix("node=") {
            parsed.node = Some(node.to_owned());
        } else if parsed.node.is_none() {
            parsed.node = Some(word.clone());
        } else {
            return Err(Failure::Usage { area: "resource", command });
        }
    }
    Ok(parsed)
}

type Constrain = fn(&mut pcs::Environment<'_>, &Request<'_>, &[String]) -> pcs::Outcome;

fn constrain(
    context: &mut Context,
    words: &[String],
    command: &'static str,
    constrain: Constrain,
) -> Cli {
    let verb = if command == "ban" { "ban" } else { "move" };
    let Some((id, rest)) = words.split_first() else {
        return fail(format!("must specify a resource to {verb}"));
    };
    let parsed = parse(rest, command)?;
    let wait = context.wait()?;
    let lifetime = parsed.lifetime.as_deref().filter(|lifetime| !lifetime.is_empty());
    let until = lifetime.and_then(crate::clock::after);
    let promoted = context.has("--promoted");
    let active = if parsed.node.is_none() { context.active_nodes(id)? } else { Vec::new() };
    context.change(|env| {
        let request = Request {
            resource: id,
            node: parsed.node.as_deref(),
            promoted,
            until: until.as_deref(),
            bad_lifetime: lifetime.filter(|_| until.is_none()),
        };
        constrain(env, &request, &active)
    })?;
    context.settle(wait)
}

/// Runs `pcs resource ban ID [NODE]`.
pub(crate) fn ban(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--promoted", "--wait"])?;
    constrain(context, words, "ban", ban::ban)
}

/// Runs `pcs resource move-with-constraint ID [NODE]`.
pub(crate) fn move_with_constraint(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--promoted", "--wait"])?;
    constrain(context, words, "move-with-constraint", ban::prefer)
}

/// Runs `pcs resource move ID [NODE]`: moves it, then takes the constraint back.
pub(crate) fn move_resource(context: &mut Context, words: &[String]) -> Cli {
    context.supports_hinted(
        &["--promoted", "--strict", "--wait", "--autodelete", "--plan"],
        &["-f"],
    )?;
    let Some((id, rest)) = words.split_first() else {
        return fail("must specify a resource to move");
    };
    let parsed = parse(rest, "move")?;
    if parsed.lifetime.is_some() {
        return fail(
            "Option 'lifetime' belongs to 'pcs resource move-with-constraint'; 'pcs resource move' takes its constraint away again",
        );
    }
    super::live_move::run(context, id, parsed.node.as_deref())
}

/// Runs `pcs resource clear ID [NODE]`.
pub(crate) fn clear(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--promoted", "--expired", "--wait"])?;
    let Some((id, rest)) = words.split_first() else {
        return fail("must specify a resource to clear");
    };
    let parsed = parse(rest, "clear")?;
    let wait = context.wait()?;
    let expired = context.has("--expired").then(crate::clock::now);
    let promoted = context.has("--promoted");
    context
        .change(|env| ban::clear(env, id, parsed.node.as_deref(), promoted, expired.as_deref()))?;
    context.settle(wait)
}

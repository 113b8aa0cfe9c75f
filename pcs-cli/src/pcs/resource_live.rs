//! `pcs resource restart` and `debug-*`: what only makes sense where a cluster runs.

use cib::Element;
use pcs::resource::{self, enable};

use crate::by_hand;

use super::context::{Cli, Context, Failure, fail};

/// Runs one of the commands.
pub(crate) fn run(context: &mut Context, command: &str, words: &[String]) -> Cli {
    match command {
        "restart" => restart(context, words),
        _ => debug(context, command, words),
    }
}

/// Stops a resource and starts it again, waiting for both; of a clone or bundle perhaps only what
/// is on one node.
fn restart(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--plan"])?;
    let (given, node) = match words {
        [] => return fail("You must specify a resource to restart"),
        [id] => (id, None),
        [id, node] => (id, Some(node)),
        _ => return Err(Failure::Usage { area: "resource", command: "restart" }),
    };
    let patience = context.wait_quietly()?.unwrap_or(0);
    let cib = context.cib()?;
    if resource::find(&cib, given).is_none() {
        context.hint_text(&resource::near(&cib, given).into_iter().collect::<Vec<_>>());
        return fail(format!("Error performing operation: Resource '{given}' does not exist"));
    }
    let id = &outermost(context, &cib, given);
    let Some(element) = resource::find(&cib, id) else { return fail("the document changed") };
    let active = crate::tools::monitor_facts::active_nodes(&cib, id);
    if let Some(node) = node {
        if !resource::is_clone(element) && element.name() != "bundle" {
            return fail(format!(
                "can only restart on a specific node if the resource is a clone or bundle, '{id}' \
                 is none"
            ));
        }
        if !active.contains(node) {
            return fail(format!(
                "'{id}' is not running on '{node}', so it can't be restarted there"
            ));
        }
        keep_off_for_a_while(context, id, node, patience)?;
    } else {
        if active.is_empty() {
            return fail(format!("'{id}' is not running on any node, so it can't be restarted"));
        }
        let target = pcs::nvset::value(element, "meta_attributes", "target-role");
        disable_for_a_while(context, id, target.map(str::to_owned), patience)?;
    }
    context.progress(&format!("{id} successfully restarted"));
    Ok(())
}

/// Returns the clone or bundle that a resource is in, with a word about it; else the resource.
fn outermost(context: &mut Context, cib: &Element, given: &str) -> String {
    let mut id = given.to_owned();
    let mut at = given;
    while let Some(parent) = resource::parent(cib, at) {
        let Some(parent_id) = parent.id() else { break };
        if resource::is_clone(parent) || parent.name() == "bundle" {
            parent_id.clone_into(&mut id);
        }
        at = parent_id;
    }
    if id != given {
        context.warn(&format!(
            "using {id}... (if a resource is a clone or bundle you must use the clone or bundle name)"
        ));
    }
    id
}

fn disable_for_a_while(
    context: &mut Context,
    id: &str,
    target: Option<String>,
    patience: u64,
) -> Cli {
    let ids = [id.to_owned()];
    context.change(|env| enable::disable(env, &ids))?;
    let stopped = context.settle(Some(patience));
    // whatever became of the stop, the resource must not stay disabled
    context.change(|env| {
        let pairs = [("target-role".to_owned(), target.unwrap_or_default())];
        pcs::nvset::update(&mut env.cib, id, "meta_attributes", &pairs);
        Ok(())
    })?;
    stopped?;
    context.settle(Some(patience))
}

fn keep_off_for_a_while(context: &mut Context, id: &str, node: &str, patience: u64) -> Cli {
    // an id of its own, so that nobody's ban goes with it
    let constraint = format!("cli-restart-{id}-on-{node}");
    context.change(|env| {
        let element = Element::new("rsc_location")
            .with("id", constraint.as_str())
            .with("rsc", id)
            .with("node", node)
            .with("score", "-INFINITY");
        env.section("constraints").push(element);
        Ok(())
    })?;
    let stopped = context.settle(Some(patience));
    context.change(|env| {
        env.section("constraints").retain_children(|e| e.id() != Some(&constraint));
        Ok(())
    })?;
    stopped?;
    context.settle(Some(patience))
}

/// Runs an agent's action here, outside the cluster.
fn debug(context: &mut Context, command: &str, words: &[String]) -> Cli {
    context.supports(&["--full", "-f"])?;
    if context.is_plan() {
        return fail("what an agent does by hand can't be planned");
    }
    let action = command.strip_prefix("debug-").unwrap_or(command);
    let id = match words {
        [] => return fail(format!("You must specify a resource to {command}")),
        [id] => id,
        _ => return Err(Failure::Usage { area: "resource", command: "debug" }),
    };
    let cib = context.cib()?;
    let Some(primitive) = resource::find(&cib, id) else {
        context.hint_text(&resource::near(&cib, id).into_iter().collect::<Vec<_>>());
        return fail(format!("unable to find a resource/clone/group: {id}"));
    };
    if primitive.name() != "primitive" {
        let members: Vec<&str> = resource::members(primitive).filter_map(Element::id).collect();
        return fail(format!(
            "unable to {command} a {}, try its {}: {}",
            resource::kind(primitive),
            pcs::text::plural(members.len(), "resource", "resources"),
            members.join(", ")
        ));
    }
    let Some((word, action)) = by_hand::ACTIONS
        .iter()
        .find(|(word, agents)| *agents == action || word.strip_prefix("force-") == Some(action))
    else {
        return Err(Failure::Usage { area: "resource", command: "debug" });
    };
    let full = context.has("--full");
    let how = by_hand::How { trace: full, ..by_hand::How::default() };
    let done = by_hand::run(primitive, action, how).or_else(|error| fail(error.to_string()))?;
    context.print(&done.line(word));
    if full || done.code != 0 {
        context.print(done.output().trim_end());
    }
    if done.code == 0 { Ok(()) } else { Err(Failure::Exit(done.code)) }
}

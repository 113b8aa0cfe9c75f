//! `pcs resource restart` and `debug-*`: what only makes sense where a cluster runs.

use std::process::Command;

use pcs::resource::{self, enable};

use super::context::{Cli, Context, Failure, fail};

/// Runs one of the commands.
pub(crate) fn run(context: &mut Context, command: &str, words: &[String]) -> Cli {
    match command {
        "restart" => restart(context, words),
        _ => debug(context, command, words),
    }
}

/// Stops a resource and starts it again, waiting for both.
fn restart(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--plan"])?;
    let [id] = words else {
        return Err(Failure::Usage { area: "resource", command: "restart" });
    };
    let patience = context.wait_quietly()?.unwrap_or(0);
    let cib = context.cib()?;
    let Some(element) = resource::find(&cib, id) else {
        context.hint_text(&resource::near(&cib, id).into_iter().collect::<Vec<_>>());
        return fail(format!("Error performing operation: Resource '{id}' does not exist"));
    };
    if pcs::history::active_nodes(&cib, id).is_empty() {
        return fail(format!("'{id}' is not running on any node, so it can't be restarted"));
    }
    let target = pcs::nvset::value(element, "meta_attributes", "target-role").map(str::to_owned);
    let ids = std::slice::from_ref(id);
    context.change(|env| enable::disable(env, ids))?;
    let stopped = context.settle(Some(patience));
    // whatever became of the stop, the resource must not stay disabled
    context.change(|env| {
        let pairs = [("target-role".to_owned(), target.unwrap_or_default())];
        pcs::nvset::update(&mut env.cib, id, "meta_attributes", &pairs);
        Ok(())
    })?;
    stopped?;
    context.settle(Some(patience))?;
    context.progress(&format!("{id} successfully restarted"));
    Ok(())
}

/// Runs an agent's action here, outside the cluster.
fn debug(context: &mut Context, command: &str, words: &[String]) -> Cli {
    context.supports(&["--full", "-f"])?;
    if context.is_plan() {
        return fail("what an agent does by hand can't be planned");
    }
    let action = command.strip_prefix("debug-").unwrap_or(command);
    let [id] = words else {
        return Err(Failure::Usage { area: "resource", command: "debug" });
    };
    let cib = context.cib()?;
    let found = resource::find(&cib, id).filter(|e| e.name() == "primitive");
    let Some(primitive) = found else {
        context.hint_text(&resource::near(&cib, id).into_iter().collect::<Vec<_>>());
        return fail(format!("unable to {command}, '{id}' is no primitive resource"));
    };
    let agent = pcs::agent::AgentName::of(primitive);
    let parameters: Vec<(String, String)> = primitive
        .children_named("instance_attributes")
        .flat_map(|set| set.children_named("nvpair"))
        .filter_map(|pair| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned())))
        .collect();
    let Some(mut run) = crate::agent_files::action(&agent, id, action, &parameters) else {
        return fail(format!("{agent} is not installed on this node, or can't be run by hand"));
    };
    let done = run_to_end(&mut run)?;
    let code = done.status.code().unwrap_or(1);
    let text = model::OcfCode::from_code(code).text();
    context.print(&format!("Operation {action} for {id} ({agent}) returned {code} ({text})"));
    if context.has("--full") || code != 0 {
        for output in [&done.stdout, &done.stderr] {
            for line in String::from_utf8_lossy(output).lines() {
                context.print(&format!(" >  {line}"));
            }
        }
    }
    if code == 0 { Ok(()) } else { Err(Failure::Exit(1)) }
}

fn run_to_end(command: &mut Command) -> Cli<std::process::Output> {
    command.output().or_else(|error| fail(format!("the agent can't be run: {error}")))
}

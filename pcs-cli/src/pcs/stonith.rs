//! `pcs stonith`.

use super::context::{Cli, Context, Failure, fail};
use super::{resource, resource_create, stonith_level};

const AREA: &str = "stonith";

/// Runs `pcs stonith …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("status", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "list" => list(context, rest),
        "describe" => resource::describe(context, rest, true),
        "create" => resource_create::stonith(context, rest),
        "config" => resource::config(context, rest, true),
        "delete" | "remove" => resource::delete_resources(context, rest, true),
        "enable" => resource::enable_resources(context, rest, true),
        "disable" => resource::disable_resources(context, rest, true),
        "update" => resource::update_resource(context, rest, true),
        "meta" => resource::meta(context, rest, true),
        "op" => resource::run_operation(context, rest, true),
        "level" => stonith_level::run(context, rest),
        "status" => super::status::resources(context, rest, true),
        "show" => {
            context.deprecated("'pcs stonith show' is now 'pcs stonith status' and 'pcs stonith config <id>'; the old spelling still works");
            if rest.is_empty() {
                super::status::resources(context, rest, true)
            } else {
                resource::config(context, rest, true)
            }
        }
        "description" => resource::description(context, rest, AREA),
        "fence" if context.is_plan() => {
            context.supports(&["--off", "--plan"])?;
            super::cluster_plan::fence(context, rest)
        }
        "fence" | "confirm" | "history" | "sbd" | "update-scsi-devices" => {
            context.supports(&["--force", "--full", "--off", "--yes"])?;
            fail(format!(
                "'pcs stonith {command}' needs the fencing daemon, which this version does not have yet; nothing was done"
            ))
        }
        "failcount" => super::resource_failures::failcount(context, rest),
        "cleanup" => super::resource_failures::forget(context, rest, false),
        "refresh" => super::resource_failures::forget(context, rest, true),
        "defaults" => super::defaults::resources(context, rest),
        _ => Err(Failure::Usage { area: AREA, command: "" }),
    }
}

fn list(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--nodesc", "--output-format"])?;
    let filter = match words {
        [] => None,
        [filter] => Some(filter.to_lowercase()),
        _ => return Err(Failure::Usage { area: AREA, command: "list" }),
    };
    let with_description = !context.has("--nodesc");
    let found = context.without_cib(|env| {
        let names = env
            .agents
            .agents("stonith")
            .into_iter()
            .map(|kind| format!("stonith:{kind}"))
            .collect();
        Ok(resource::described(env, names, None, with_description))
    })?;
    let found: Vec<resource::Described> = found
        .into_iter()
        .filter(|agent| {
            let name = agent.name.to_lowercase();
            filter.as_ref().is_none_or(|filter| name.contains(filter))
        })
        .collect();
    resource::print_agents(context, &found, filter.is_some(), "stonith")
}

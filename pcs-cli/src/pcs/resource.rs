//! `pcs resource`.

use std::collections::BTreeMap;

use cib::Element;
use pcs::resource::config::Resources;
use pcs::resource::group::{self, Place};
use pcs::resource::{self, delete, enable, update};
use pcs::text::quoted;

use super::context::{Cli, Context, Failure, fail};
use super::{
    agent_text, json, resource_clone, resource_create, resource_move, resource_text, words,
};

const AREA: &str = "resource";

/// Runs `pcs resource …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("status", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "list" => list(context, rest),
        "describe" => describe(context, rest, false),
        "standards" => standards(context, rest),
        "providers" => providers(context, rest),
        "agents" => agents(context, rest),
        "create" => resource_create::resource(context, rest),
        "config" => config(context, rest, false),
        "delete" | "remove" => delete_resources(context, rest, false),
        "group" => run_group(context, rest),
        "ungroup" => ungroup(context, rest, "ungroup"),
        "clone" => resource_clone::clone(context, rest, false),
        "promotable" => resource_clone::clone(context, rest, true),
        "unclone" => resource_clone::unclone(context, rest),
        "enable" => enable_resources(context, rest, false),
        "disable" => disable_resources(context, rest, false),
        "safe-disable" => safe_disable(context, rest),
        "manage" => manage(context, rest, true),
        "unmanage" => manage(context, rest, false),
        "ban" => resource_move::ban(context, rest),
        "move-with-constraint" => resource_move::move_with_constraint(context, rest),
        "move" => resource_move::move_resource(context, rest),
        "clear" => resource_move::clear(context, rest),
        "update" => update_resource(context, rest, false),
        "meta" => meta(context, rest, false),
        "op" => run_operation(context, rest, false),
        "defaults" => super::defaults::resources(context, rest),
        "utilization" => utilization(context, rest),
        "failcount" => super::resource_failures::failcount(context, rest),
        "cleanup" => super::resource_failures::forget(context, rest, false),
        "refresh" => super::resource_failures::forget(context, rest, true),
        "explain" => super::resource_explain::run(context, rest),
        "description" => description(context, rest, AREA),
        "relations" => super::relations::run(context, rest),
        "bundle" => super::resource_bundle::run(context, rest),
        "relocate" => super::resource_relocate::run(context, rest),
        "restart" | "debug-start" | "debug-stop" | "debug-monitor" | "debug-promote"
        | "debug-demote" => super::resource_live::run(context, command, rest),
        // as these were spelled up to 0.10
        "show" => {
            context.deprecated("'pcs resource show' is now 'pcs resource status' and 'pcs resource config <id>'; the old spelling still works");
            if rest.is_empty() {
                super::status::resources(context, rest, false)
            } else {
                config(context, rest, false)
            }
        }
        "master" => {
            context.deprecated("'pcs resource master <clone id> <resource>' is now 'pcs resource promotable <resource> <clone id>'; the old spelling still works");
            let mut words = rest.to_vec();
            if words.len() > 1 {
                words.swap(0, 1);
            }
            resource_clone::clone(context, &words, true)
        }
        "status" => super::status::resources(context, rest, false),
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
        let mut names = Vec::new();
        for standard in env.agents.standards() {
            if standard == "stonith" {
                continue;
            }
            let places: Vec<String> = if standard == "ocf" {
                env.agents.providers().iter().map(|provider| format!("ocf:{provider}")).collect()
            } else {
                vec![standard]
            };
            for place in places {
                let kinds = env.agents.agents(&place);
                names.extend(kinds.into_iter().map(|kind| format!("{place}:{kind}")));
            }
        }
        Ok(described(env, names, filter.as_deref(), with_description))
    })?;
    print_agents(context, &found, filter.is_some(), "resource")
}

/// An agent that can be used, and what it says of itself.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Described {
    /// Its name as commands take it.
    pub(crate) name: String,
    /// In one line; none where that was not wanted or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// Prints a list of agents, or that there are none.
pub(crate) fn print_agents(
    context: &mut Context,
    found: &[Described],
    filtered: bool,
    kind: &str,
) -> Cli {
    if found.is_empty() {
        let why = if filtered { "matching the filter" } else { "available" };
        return fail(format!("No {kind} agents {why}."));
    }
    if context.as_json(|| serde_json::json!({ "agents": found }))? {
        return Ok(());
    }
    for agent in found {
        match &agent.description {
            Some(text) => context.print(&format!("{} - {text}", agent.name)),
            None => context.print(&agent.name),
        }
    }
    Ok(())
}

/// Lists agents, each with its description where it has one.
pub(crate) fn described(
    env: &pcs::Environment<'_>,
    names: Vec<String>,
    filter: Option<&str>,
    with_description: bool,
) -> Vec<Described> {
    let mut found = Vec::new();
    for full in names {
        let Some(name) = pcs::agent::AgentName::parse(&full) else { continue };
        if filter.is_some_and(|filter| !full.to_lowercase().contains(filter)) {
            continue;
        }
        let shown = if name.is_stonith() { name.kind.clone() } else { full };
        // an agent without metadata can't be used, so it is not offered
        let description = if with_description {
            let Ok(metadata) = env.agents.metadata(&name) else { continue };
            metadata.shortdesc.map(|text| text.replace('\n', " "))
        } else {
            None
        };
        found.push(Described { name: shown, description });
    }
    found
}

/// Describes an agent.
pub(crate) fn describe(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["--full", "--output-format"])?;
    let json = context.output_format(&["json", "text"])? == "json";
    let [name] = words else {
        let area = if stonith { "stonith" } else { AREA };
        return Err(Failure::Usage { area, command: "describe" });
    };
    let full = context.has("--full");
    let foreign = !stonith && name.starts_with("stonith:");
    let lines = context.without_cib(|env| {
        let agent = if stonith {
            pcs::agent::AgentName::stonith(name)
        } else {
            env.find_agent(name).map_err(|_| pcs::Failed::Said)?
        };
        let found = env.load_agent_strictly(&agent);
        env.checked()?;
        let Some(metadata) = found else { return Ok(Vec::new()) };
        Ok(if json {
            vec![super::json::pretty(&agent_text::agent_json(&agent, &metadata))]
        } else {
            agent_text::agent(&agent, &metadata, full)
        })
    })?;
    context.print_lines(&lines);
    if foreign {
        super::context::print_error(
            "Error: This command does not accept stonith / fence agents. Please use 'pcs stonith describe' instead.",
        );
    }
    Ok(())
}

fn standards(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "standards" });
    }
    let mut standards = context.without_cib(|env| Ok(env.agents.standards()))?;
    standards.retain(|standard| standard != "stonith");
    if !context.as_json(|| serde_json::json!({ "standards": standards }))? {
        context.print_lines(&standards);
    }
    Ok(())
}

fn providers(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "providers" });
    }
    let providers = context.without_cib(|env| Ok(env.agents.providers()))?;
    if !context.as_json(|| serde_json::json!({ "providers": providers }))? {
        context.print_lines(&providers);
    }
    Ok(())
}

fn agents(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format"])?;
    let place = match words {
        [] => None,
        [place] => Some(place.clone()).filter(|place| !place.is_empty()),
        _ => return Err(Failure::Usage { area: AREA, command: "agents" }),
    };
    let mut kinds = context.without_cib(|env| {
        let places = match &place {
            Some(place) if place == "ocf" || place == "ocf:" => {
                env.agents.providers().iter().map(|p| format!("ocf:{p}")).collect()
            }
            Some(place) => vec![place.clone()],
            None => {
                let mut places: Vec<String> =
                    env.agents.providers().iter().map(|p| format!("ocf:{p}")).collect();
                let others = env.agents.standards();
                places.extend(others.into_iter().filter(|s| s != "ocf" && s != "stonith"));
                places
            }
        };
        Ok(places.iter().flat_map(|place| env.agents.agents(place)).collect::<Vec<String>>())
    })?;
    if kinds.is_empty() {
        let what = place.map(|place| format!(" for {place}")).unwrap_or_default();
        return fail(format!("No agents found{what}"));
    }
    kinds.sort_by_key(|kind| kind.to_lowercase());
    if !context.as_json(|| serde_json::json!({ "agents": kinds }))? {
        context.print_lines(&kinds);
    }
    Ok(())
}

/// Shows what is configured: resources, or fence devices.
pub(crate) fn config(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["-f", "--output-format", "--show-secrets"])?;
    let format = context.output_format(&["cmd", "json", "text"])?;
    let cib = context.configuration()?;
    let all = Resources::of(&cib).filtered(stonith);
    let (mut shown, mut missing) = (all.clone(), Vec::new());
    if !words.is_empty() {
        let mut ids = words.to_vec();
        if format != "text" {
            ids.sort();
        }
        (shown, missing) = all.restricted(&ids);
        if format != "text" {
            shown.sort();
        }
    }
    let what = if stonith { "stonith device" } else { "resource" };
    if !missing.is_empty() {
        let many = if missing.len() == 1 { "" } else { "s" };
        context.warn(&format!("Unable to find {what}{many} {}", quoted(&missing)));
        if shown.is_empty() {
            return fail(format!("No {what} found"));
        }
    }
    let levels = pcs::stonith::level::Levels::of(&cib);
    match format.as_str() {
        "json" => {
            if stonith {
                context.warn("Fencing levels are not included because this command could only export stonith configuration previously. This cannot be changed to avoid breaking existing tooling. To export fencing levels, run 'pcs stonith level config --output-format=json'");
            }
            context.print(&json::line(&shown));
        }
        "cmd" => {
            let mut commands = resource_text::commands(&shown);
            if stonith {
                commands.extend(super::stonith_level::commands(&levels));
            }
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => {
            context.print_lines(&resource_text::text(&shown, &all));
            let lines = super::stonith_level::text(&levels);
            if stonith && !lines.is_empty() {
                context.print("\nFencing Levels:");
                context.print_lines(&resource_text::indent(lines));
            }
        }
    }
    Ok(())
}

/// Returns those ids that are fence devices, or those that are not.
fn ids_of_kind(cib: &Element, ids: &[String], stonith: bool) -> Vec<String> {
    ids.iter()
        .filter(|id| resource::find(cib, id).is_some_and(|e| resource::is_stonith(e) == stonith))
        .cloned()
        .collect()
}

/// Refuses resources in a command for fence devices, and the other way round.
pub(crate) fn only(context: &mut Context, ids: &[String], stonith: bool, instead: &str) -> Cli {
    let wrong = ids_of_kind(&context.configuration()?, ids, !stonith);
    if wrong.is_empty() {
        return Ok(());
    }
    let (what, area) =
        if stonith { ("resources", "resource") } else { ("stonith resources", "stonith") };
    let hint = if instead.is_empty() {
        String::new()
    } else {
        format!(" Please use 'pcs {area} {instead}' instead.")
    };
    fail(format!("This command does not accept {what}.{hint}"))
}

/// Deletes resources, or fence devices.
pub(crate) fn delete_resources(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["-f", "--force", "--future", "--no-skip", "--wait"])?;
    let area = if stonith { "stonith" } else { AREA };
    if words.is_empty() {
        let typed = context.arguments.words.get(1).is_some_and(|word| word == "remove");
        return Err(Failure::Usage { area, command: if typed { "remove" } else { "delete" } });
    }
    let mut seen: Vec<&String> = Vec::new();
    let mut twice: Vec<&String> = Vec::new();
    for word in words {
        if seen.contains(&word) {
            twice.push(word);
        }
        seen.push(word);
    }
    if !twice.is_empty() {
        let many = if twice.len() == 1 { "" } else { "s" };
        return fail(format!("duplicate argument{many}: {}", quoted(twice)));
    }
    let cib = context.configuration()?;
    let missing: Vec<&String> =
        words.iter().filter(|id| resource::find(&cib, id).is_none()).collect();
    if !missing.is_empty() {
        let what = if stonith { "stonith resource" } else { "resource" };
        let many = if missing.len() == 1 { "" } else { "s" };
        let near: Vec<String> = missing.iter().filter_map(|id| resource::near(&cib, id)).collect();
        context.hint_text(&near);
        return fail(format!("Unable to find {what}{many}: {}", quoted(missing)));
    }
    let wrong = ids_of_kind(&cib, words, !stonith);
    if !wrong.is_empty() {
        let (what, other) =
            if stonith { ("resource", "resource") } else { ("stonith resource", "stonith") };
        let many = if wrong.len() == 1 { "" } else { "s" };
        return fail(format!(
            "This command cannot remove {what}{many}: {}. Use 'pcs {other} remove' instead.",
            quoted(wrong)
        ));
    }
    let force = context.force();
    context.stop_before_delete(words, stonith)?;
    context.change(|env| delete::delete(env, words, stonith, force))
}

fn run_group(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "add" => group_add(context, rest),
        "list" => {
            context.supports(&["-f", "--output-format"])?;
            if !rest.is_empty() {
                return Err(Failure::Usage { area: AREA, command: "group list" });
            }
            let all = Resources::of(&context.configuration()?);
            let by_id =
                || all.groups.iter().map(|g| (&g.id, &g.member_ids)).collect::<BTreeMap<_, _>>();
            if context.as_json(|| serde_json::json!({ "groups": by_id() }))? {
                return Ok(());
            }
            for group in &all.groups {
                context.print(&format!("{}: {}", group.id, group.member_ids.join(" ")));
            }
            Ok(())
        }
        "delete" => ungroup(context, rest, "group delete"),
        "remove" => ungroup(context, rest, "group remove"),
        _ => Err(Failure::Usage { area: AREA, command: "group" }),
    }
}

fn group_add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--after", "--before", "-f"])?;
    let [id, resources @ ..] = words else {
        return Err(Failure::Usage { area: AREA, command: "group add" });
    };
    if resources.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "group add" });
    }
    let place = match (context.arguments.value("--before"), context.arguments.value("--after")) {
        (Some(_), Some(_)) => return fail("you cannot specify both --before and --after"),
        (Some(id), None) => Place::Before(id.to_owned()),
        (None, Some(id)) => Place::After(id.to_owned()),
        (None, None) => Place::End,
    };
    let wait = context.wait()?;
    context.change(|env| group::add(env, id, &place, resources))?;
    context.settle(wait)
}

fn ungroup(context: &mut Context, words: &[String], command: &'static str) -> Cli {
    context.supports(&["--wait", "-f"])?;
    let [id, resources @ ..] = words else {
        return Err(Failure::Usage { area: AREA, command });
    };
    let wait = context.wait()?;
    context.change(|env| group::ungroup(env, id, resources))?;
    context.settle(wait)
}

/// Enables resources, or fence devices.
pub(crate) fn enable_resources(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["--wait", "-f"])?;
    if words.is_empty() {
        let what = if stonith { "stonith resource(s)" } else { "resource(s)" };
        return fail(format!("You must specify {what} to enable"));
    }
    only(context, words, stonith, "enable")?;
    let wait = context.wait()?;
    context.change(|env| enable::enable(env, words))?;
    context.settle(wait)?;
    if wait.is_none() {
        return Ok(());
    }
    words.iter().try_for_each(|id| super::live_move::tell(context, id, true))
}

/// Disables resources, or fence devices.
pub(crate) fn disable_resources(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&[
        "--wait",
        "-f",
        "--force",
        "--brief",
        "--safe",
        "--simulate",
        "--no-strict",
    ])?;
    if words.is_empty() {
        let what = if stonith { "stonith resource(s)" } else { "resource(s)" };
        return fail(format!("You must specify {what} to disable"));
    }
    only(context, words, stonith, "disable")?;
    let given = ["--simulate", "--wait", "-f"].map(|option| context.has(option).then_some(option));
    let given: Vec<&str> = given.into_iter().flatten().collect();
    if given.len() > 1 {
        return fail(format!("Only one of {} can be used", pcs::text::quoted(given)));
    }
    for option in ["--safe", "--no-strict"] {
        if context.has(option) && context.has("-f") {
            return fail(format!("'{option}' cannot be used with '-f'"));
        }
    }
    if context.has("--brief") && !context.has("--simulate") && !context.has("--safe") {
        return fail("'--brief' cannot be used without '--simulate' or '--safe'");
    }
    if context.has("--simulate") || context.has("--safe") {
        return super::resource_safe::disable(context, words);
    }
    let wait = context.wait()?;
    context.change(|env| enable::disable(env, words))?;
    context.settle(wait)?;
    if wait.is_none() {
        return Ok(());
    }
    words.iter().try_for_each(|id| super::live_move::tell(context, id, false))
}

fn safe_disable(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--wait", "--force", "--brief", "--simulate", "--no-strict"])?;
    if words.is_empty() {
        return fail("You must specify resource(s) to disable");
    }
    super::resource_safe::disable(context, words)
}

fn manage(context: &mut Context, words: &[String], on: bool) -> Cli {
    context.supports(&["--monitor", "-f"])?;
    if words.is_empty() {
        let verb = if on { "manage" } else { "unmanage" };
        return fail(format!("You must specify resource(s) to {verb}"));
    }
    only(context, words, false, "")?;
    let monitors = context.has("--monitor");
    context.change(|env| {
        if on {
            enable::manage(env, words, monitors)
        } else {
            enable::unmanage(env, words, monitors)
        }
    })
}

/// Changes a resource, or a fence device.
pub(crate) fn update_resource(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["--agent-validation", "--wait", "--force", "-f"])?;
    let area = if stonith { "stonith" } else { AREA };
    let [id, rest @ ..] = words else {
        return Err(Failure::Usage { area, command: "update" });
    };
    only(context, std::slice::from_ref(id), stonith, "update")?;
    if rest.is_empty() {
        return Err(Failure::Usage { area, command: "update" });
    }
    let wait = context.wait()?;
    let sections = words::Sections::split(rest, &["op", "meta"]);
    let mut operations = Vec::new();
    for section in sections.each("op") {
        operations.extend(words::loose_operations(&section)?);
    }
    let request = update::Request {
        id: id.clone(),
        parameters: words::pairs(&sections.first)?,
        meta: words::pairs(&sections.flat("meta"))?,
        operations,
        agent_validation: context.has("--agent-validation"),
        force: context.force(),
    };
    context.change(|env| update::update(env, &request))?;
    context.settle(wait)
}

/// Changes meta attributes.
pub(crate) fn meta(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    context.supports(&["--force", "--wait", "-f"])?;
    let area = if stonith { "stonith" } else { AREA };
    let [id, rest @ ..] = words else {
        return Err(Failure::Usage { area, command: "meta" });
    };
    only(context, std::slice::from_ref(id), stonith, "meta")?;
    let wait = context.wait()?;
    let pairs = words::pairs(rest)?;
    let force = context.force();
    context.change(|env| update::meta(env, id, &pairs, force))?;
    context.settle(wait)
}

/// Adds and deletes operations.
pub(crate) fn run_operation(context: &mut Context, words: &[String], stonith: bool) -> Cli {
    let area = if stonith { "stonith" } else { AREA };
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "add" => {
            context.supports(&["--force", "-f"])?;
            let [id, name, options @ ..] = rest else {
                return Err(Failure::Usage { area, command: "op add" });
            };
            only(context, std::slice::from_ref(id), stonith, "op add")?;
            let mut typed = vec![("name".to_owned(), name.clone())];
            typed.extend(words::pairs(options)?);
            let force = context.force();
            context.change(|env| update::add_operation(env, id, &typed, force))
        }
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            match rest {
                [] => Err(Failure::Usage {
                    area,
                    command: if command == "delete" { "op delete" } else { "op remove" },
                }),
                [operation] => context.change(|env| update::delete_operation_by_id(env, operation)),
                [id, name, options @ ..] => {
                    only(context, std::slice::from_ref(id), stonith, &format!("op {command}"))?;
                    let mut typed = vec![("name".to_owned(), name.clone())];
                    typed.extend(words::pairs(options)?);
                    let shown = rest[1..].join(" ");
                    context.change(|env| update::delete_operation(env, id, &typed, &shown))
                }
            }
        }
        "defaults" => super::defaults::operations(context, rest),
        _ => Err(Failure::Usage { area, command: "op" }),
    }
}

fn utilization(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    let cib = context.configuration()?;
    if let [id, ..] = words {
        only(context, std::slice::from_ref(id), false, "")?;
    }
    let (shown, pairs): (Vec<&Element>, &[String]) = match words {
        [] => (resource::primitives(&cib).collect(), &[]),
        [id, pairs @ ..] => match resource::find(&cib, id).filter(|e| e.name() == "primitive") {
            Some(element) => (vec![element], pairs),
            None => return fail(format!("Unable to find a resource: {id}")),
        },
    };
    if let ([id, ..], [_, ..]) = (words, pairs) {
        let pairs = words::pairs(pairs)?;
        let set = format!("{id}-utilization");
        return context.change(|env| update::utilization(env, id, &set, &pairs));
    }
    context.print("Resource Utilization:");
    for element in shown {
        let sets = pcs::nvset::SetView::all(element, "utilization");
        if sets.is_empty() && words.is_empty() {
            continue;
        }
        let values: Vec<String> = sets
            .iter()
            .flat_map(|set| &set.nvpairs)
            .map(|pair| resource_text::shown(&pair.name, &pair.value))
            .collect();
        context.print(&format!(" {}: {}", element.id().unwrap_or_default(), values.join(" ")));
    }
    Ok(())
}

/// Shows or sets what somebody wrote about an element.
pub(crate) fn description(context: &mut Context, words: &[String], area: &'static str) -> Cli {
    context.supports(&["-f"])?;
    match words {
        [id] => {
            let cib = context.configuration()?;
            match cib.at(&["configuration"]).and_then(|c| c.find_id(id)) {
                Some(element) => {
                    if let Some(text) = element.get("description") {
                        context.print(text);
                    }
                    Ok(())
                }
                None => fail(format!("'{id}' does not exist")),
            }
        }
        [id, text] => context.change(|env| update::describe(env, id, text)),
        _ => Err(Failure::Usage { area, command: "description" }),
    }
}

//! `pcs`: argv in, text out. What commands do is in the `pcs` library.

mod acl;
mod agent_text;
mod agents;
mod alert;
mod arguments;
mod booth;
mod client;
mod cluster;
mod cluster_cib;
mod cluster_config;
mod cluster_nodes;
mod cluster_plan;
mod cluster_remote;
mod cluster_report;
mod cluster_setup;
mod cluster_users;
mod colour;
mod completion;
mod config;
mod config_backup;
mod config_checkpoint;
mod config_export;
mod config_restore;
mod constraint;
mod constraint_text;
pub(crate) mod context;
mod defaults;
mod desired;
mod disaster_recovery;
mod element;
#[cfg(test)]
mod fuzz_tests;
mod host;
pub(crate) mod hosts;
mod json;
mod live_move;
pub mod manual;
mod node;
mod pcsd;
mod pcsd_certificate;
pub(crate) mod peers;
mod plan_text;
mod planning;
mod property;
mod qdevice;
mod quorum;
mod relations;
mod resource;
mod resource_bundle;
mod resource_clone;
mod resource_create;
mod resource_explain;
mod resource_failures;
mod resource_live;
mod resource_move;
mod resource_relocate;
mod resource_safe;
mod resource_text;
mod rule_text;
pub(crate) mod status;
mod status_nodes;
mod status_query;
pub(crate) mod status_text;
mod status_watch;
mod stonith;
mod stonith_level;
mod tag;
pub(crate) mod tarball;
mod usage;
mod usage_document;
mod usage_hosts;
mod words;

use arguments::{Arguments, NoArguments};
use context::{Cli, Context, Failure};

/// Returns every command with the arguments it takes, as the help has them.
pub fn commands() -> impl Iterator<Item = (String, &'static str)> {
    usage::commands().map(|(area, command, arguments, _)| {
        (format!("{area} {command}").trim_end().to_owned(), *arguments)
    })
}

/// Runs one command and returns its exit status.
pub fn run(argv: &[String]) -> i32 {
    let arguments = match Arguments::parse(argv) {
        Ok(arguments) => arguments,
        Err(NoArguments::Unknown(error)) => {
            context::print_error(&format!("Error: {error}\n{}", usage::main()));
            return 1;
        }
        Err(NoArguments::Repeated(option)) => {
            context::print_error(&format!("Error: {option} can only be used once"));
            return 1;
        }
    };
    let mut context = Context::new(arguments);
    context.warn_of_numbers();
    let result =
        context.prepare().and_then(|()| dispatch(&mut context)).and_then(|()| context.show_plan());
    let code = match result {
        Ok(()) => 0,
        Err(failure) => context.explain(&failure),
    };
    if !context.flush() && code == 0 { 1 } else { code }
}

/// A command: its words behind the area are what it gets.
type Command = fn(&mut Context, &[String]) -> Cli;

fn dispatch(context: &mut Context) -> Cli {
    let words = context.arguments.words.clone();
    if context.arguments.has("--version") {
        context.print(concat!("0.12.3 (systole ", env!("CARGO_PKG_VERSION"), ")"));
        return Ok(());
    }
    if context.arguments.has("--fullhelp") {
        context.print(usage::full().trim_end());
        return Ok(());
    }
    let Some((area, rest)) = words.split_first() else {
        if context.arguments.has("--help") {
            context.print(usage::main().trim_end());
            return Ok(());
        }
        return Err(Failure::Usage { area: "", command: "" });
    };
    if context.arguments.has("--help")
        || area == "help"
        || rest.first().is_some_and(|word| word == "help")
    {
        let of: Vec<&str> = words.iter().filter(|w| *w != "help").map(String::as_str).collect();
        context.print(usage::help(&of).trim_end());
        return Ok(());
    }
    let run: Command = match area.as_str() {
        "apply" => desired::apply,
        "cluster" => cluster::run,
        "export" => desired::export,
        "host" => host::run,
        "pcsd" => pcsd::run,
        "property" => property::run,
        "quorum" => quorum::run,
        "resource" => resource::run,
        "stonith" => stonith::run,
        "constraint" => constraint::run,
        "acl" => acl::run,
        "alert" => alert::run,
        "booth" => booth::run,
        "cib" => element::run,
        "dr" => disaster_recovery::run,
        "client" => client::run,
        "completion" => completion::run,
        "qdevice" => qdevice::run,
        "config" => config::run,
        "tag" => tag::run,
        "node" => node::run,
        "status" => status::run,
        _ => return Err(Failure::Usage { area: "", command: "" }),
    };
    run(context, rest)
}

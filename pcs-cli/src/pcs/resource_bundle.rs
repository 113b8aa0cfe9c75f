//! `pcs resource bundle`.

use pcs::resource::bundle::{self, Request};

use super::context::{Cli, Context, Failure, fail};
use super::words::{self, Pairs, Sections};

const KEYWORDS: [&str; 5] = ["container", "network", "port-map", "storage-map", "meta"];

fn usage(command: &'static str) -> Failure {
    Failure::Usage { area: "resource", command }
}

/// Runs `pcs resource bundle …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let Some((command, rest)) = words.split_first() else { return Err(usage("bundle")) };
    match command.as_str() {
        "create" => create(context, rest),
        "update" => update(context, rest),
        "reset" => reset(context, rest),
        _ => Err(usage("bundle")),
    }
}

/// Splits words at keywords, each of which has something to say.
fn sections(words: &[String], command: &'static str) -> Cli<Sections> {
    let sections = Sections::split(words, &KEYWORDS);
    if !sections.first.is_empty() {
        return Err(usage(command));
    }
    for keyword in ["meta", "container", "network", "port-map", "storage-map"] {
        if sections.each(keyword).iter().any(Vec::is_empty) {
            return fail(format!("No {keyword} options specified"));
        }
    }
    Ok(sections)
}

/// Reads what both `create` and `reset` take; `create` begins the container with its type.
fn parse(words: &[String], with_type: bool, command: &'static str) -> Cli<Request> {
    let sections = sections(words, command)?;
    let mut container = sections.flat("container");
    let mut container_type = String::new();
    if with_type
        && let Some(first) = container.first()
        && !first.contains('=')
    {
        container_type = container.remove(0);
    }
    let maps = |keyword: &str| -> Cli<Vec<Pairs>> {
        sections.each(keyword).iter().map(|words| words::pairs(words)).collect()
    };
    Ok(Request {
        container_type,
        container: words::pairs(&container)?,
        network: words::pairs(&sections.flat("network"))?,
        ports: maps("port-map")?,
        storage: maps("storage-map")?,
        meta: words::pairs(&sections.flat("meta"))?,
        ..Request::default()
    })
}

fn create(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--disabled", "--wait", "-f"])?;
    let [id, rest @ ..] = words else { return Err(usage("bundle create")) };
    let mut request = parse(rest, true, "bundle create")?;
    request.disabled = context.has("--disabled");
    let wait = context.wait()?;
    let force = context.force();
    context.change(|env| bundle::create(env, id, &request, force))?;
    context.settle(wait)
}

fn reset(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--disabled", "--wait", "-f"])?;
    let [id, rest @ ..] = words else { return Err(usage("bundle reset")) };
    let mut request = parse(rest, false, "bundle reset")?;
    request.disabled = context.has("--disabled");
    let wait = context.wait()?;
    let force = context.force();
    context.change(|env| bundle::reset(env, id, &request, force))?;
    context.settle(wait)
}

/// Reads `add OPTIONS` and `remove ID…` behind `port-map` or `storage-map`.
fn changes(sections: &Sections, keyword: &'static str) -> Cli<(Vec<Pairs>, Vec<String>)> {
    let (mut add, mut gone) = (Vec::new(), Vec::new());
    for words in sections.each(keyword) {
        match words.split_first() {
            Some((verb, rest)) if verb == "add" && !rest.is_empty() => {
                add.push(words::pairs(rest)?);
            }
            Some((verb, rest)) if (verb == "remove" || verb == "delete") && !rest.is_empty() => {
                gone.extend(rest.iter().cloned());
            }
            _ => {
                return fail(format!(
                    "When using '{keyword}' you must specify either 'add' and options or either of 'delete' or 'remove' and id(s)"
                ));
            }
        }
    }
    Ok((add, gone))
}

fn update(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--wait", "-f"])?;
    let [id, rest @ ..] = words else { return Err(usage("bundle update")) };
    let sections = sections(rest, "bundle update")?;
    let (ports, ports_gone) = changes(&sections, "port-map")?;
    let (storage, storage_gone) = changes(&sections, "storage-map")?;
    let request = Request {
        container: words::pairs(&sections.flat("container"))?,
        network: words::pairs(&sections.flat("network"))?,
        ports,
        ports_gone,
        storage,
        storage_gone,
        meta: words::pairs(&sections.flat("meta"))?,
        ..Request::default()
    };
    let wait = context.wait()?;
    let force = context.force();
    context.change(|env| bundle::update(env, id, &request, force))?;
    context.settle(wait)
}

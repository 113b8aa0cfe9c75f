//! `pcs resource create` and `pcs stonith create`.

use pcs::resource::create::{self, Request, Target};
use pcs::resource::group::Place;

use super::context::{Cli, Context, Failure, fail};
use super::words::{self, Sections};

/// Runs `pcs resource create ID AGENT …`.
pub(crate) fn resource(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[
        "--agent-validation",
        "--before",
        "--after",
        "--group",
        "--disabled",
        "--no-default-ops",
        "--wait",
        "--force",
        "-f",
        "--future",
    ])?;
    let [id, agent, rest @ ..] = words else {
        return Err(Failure::Usage { area: "resource", command: "create" });
    };
    let mut request = base(context, id, agent);
    let future = context.has("--future");
    parse(context, rest, future, &mut request)?;
    let wait = context.wait();
    if wait.is_err() {
        context.without_cib(|env| create::check_agent(env, &request))?;
    }
    let wait = wait?;
    context.change(|env| create::create(env, &request))?;
    context.settle(wait)?;
    let expected = !request.disabled;
    if wait.is_some() { super::live_move::tell(context, id, expected) } else { Ok(()) }
}

fn base(context: &Context, id: &str, agent: &str) -> Request {
    Request {
        id: id.to_owned(),
        agent: agent.to_owned(),
        disabled: context.has("--disabled"),
        no_advised_operations: context.has("--no-default-ops"),
        agent_validation: context.has("--agent-validation"),
        force: context.force(),
        ..Request::default()
    }
}

/// Runs `pcs stonith create ID AGENT …`.
pub(crate) fn stonith(context: &mut Context, words: &[String]) -> Cli {
    context.supports_hinted(
        &["--agent-validation", "--disabled", "--no-default-ops", "--wait", "--force", "-f"],
        &["--before", "--after", "--group"],
    )?;
    let [id, agent, rest @ ..] = words else {
        return Err(Failure::Usage { area: "stonith", command: "create" });
    };
    let sections = Sections::split(rest, &["op", "meta"]);
    let mut request = base(context, id, agent);
    request.parameters = words::pairs(&sections.first)?;
    request.meta = words::pairs(&sections.flat("meta"))?;
    request.operations = words::operations(&sections.each("op"))?;
    let wait = context.wait()?;
    context.change(|env| create::create_stonith(env, &request))?;
    context.settle(wait)?;
    let expected = !request.disabled;
    if wait.is_some() { super::live_move::tell(context, id, expected) } else { Ok(()) }
}

fn parse(context: &mut Context, words: &[String], future: bool, request: &mut Request) -> Cli {
    if future {
        return parse_future(words, request);
    }
    for option in ["--group", "--before", "--after"] {
        if context.has(option) {
            let word = &option[2..];
            context.deprecated(&format!("Using '{option}' is deprecated and will be replaced with '{word}' in a future release. Specify --future to switch to the future behavior."));
        }
    }
    let (tops, parts) = top_parts(words);
    let main = Sections::split(&parts.first, &["op", "meta"]);
    request.parameters = words::pairs(&main.first)?;
    let mut operations = main.each("op");
    let mut meta = main.flat("meta");
    let mut clone: Option<(Option<String>, words::Pairs)> = None;
    let mut bundle: Option<Vec<String>> = None;
    for (keyword, section) in &parts.rest {
        let inner = Sections::split(section, &["op", "meta"]);
        operations.extend(inner.each("op"));
        if *keyword == "bundle" {
            meta.extend(inner.flat("meta"));
            bundle = Some(inner.first);
            continue;
        }
        if inner.has("meta") {
            context.deprecated(&format!("Specifying 'meta' after '{keyword}' now defines meta attributes for the base resource. In a future release, this will define meta attributes for the {keyword}. Specify --future to switch to the future behavior."));
            meta.extend(inner.flat("meta"));
        }
        let (id, options) = clone_words(&inner.first);
        let pairs = words::pairs(options)?;
        if !pairs.is_empty() {
            context.deprecated(&format!("Configuring {keyword} meta attributes without specifying the 'meta' keyword after the '{keyword}' keyword is deprecated and will be removed in a future release. Specify --future to switch to the future behavior."));
        }
        clone = Some((id, with_promotable(keyword, pairs)?));
    }
    request.meta = words::pairs(&meta)?;
    request.operations = words::operations(&operations)?;
    let group = context.arguments.value("--group").map(str::to_owned);
    let before = context.arguments.value("--before").map(str::to_owned);
    let after = context.arguments.value("--after").map(str::to_owned);
    if tops + usize::from(group.is_some()) > 1 {
        return fail("you can specify only one of clone, promotable, bundle or --group");
    }
    let bundle = bundle.map(|words| only_bundle(&words)).transpose()?;
    request.target = target(group, before, after, clone, bundle, "--")?;
    Ok(())
}

struct Parts {
    first: Vec<String>,
    rest: Vec<(&'static str, Vec<String>)>,
}

/// Splits words at `clone`, `promotable` and `bundle`; counts how many different ones came.
fn top_parts(words: &[String]) -> (usize, Parts) {
    let mut parts = Parts { first: Vec::new(), rest: Vec::new() };
    for word in words {
        let keyword = ["clone", "promotable", "bundle"].into_iter().find(|keyword| keyword == word);
        match (keyword, parts.rest.last_mut()) {
            // said again, it goes on
            (Some(keyword), Some((last, _))) if keyword == *last => {}
            (Some(keyword), _) => parts.rest.push((keyword, Vec::new())),
            (None, Some((_, section))) => section.push(word.clone()),
            (None, None) => parts.first.push(word.clone()),
        }
    }
    (parts.rest.len(), parts)
}

/// Takes the optional id off the words behind `clone`.
fn clone_words(words: &[String]) -> (Option<String>, &[String]) {
    match words.split_first() {
        Some((first, rest)) if !first.contains('=') => (Some(first.clone()), rest),
        _ => (None, words),
    }
}

/// Returns the bundle of the words behind `bundle`.
fn only_bundle(words: &[String]) -> Cli<String> {
    match words {
        [one] => Ok(one.clone()),
        _ => fail("you have to specify exactly one bundle"),
    }
}

fn with_promotable(keyword: &str, mut pairs: words::Pairs) -> Cli<words::Pairs> {
    if keyword == "promotable" {
        if pairs.iter().any(|(name, _)| name == "promotable") {
            return fail("you cannot specify both promotable option and promotable keyword");
        }
        pairs.push(("promotable".into(), "true".into()));
    }
    Ok(pairs)
}

fn target(
    group: Option<String>,
    before: Option<String>,
    after: Option<String>,
    clone: Option<(Option<String>, words::Pairs)>,
    bundle: Option<String>,
    dashes: &str,
) -> Cli<Target> {
    let place = match (before, after) {
        (Some(_), Some(_)) => {
            let group = if group.is_none() {
                format!(" and you have to specify {dashes}group")
            } else {
                String::new()
            };
            return fail(format!(
                "you cannot specify both {dashes}before and {dashes}after{group}"
            ));
        }
        (Some(id), None) => Place::Before(id),
        (None, Some(id)) => Place::After(id),
        (None, None) => Place::End,
    };
    let side = match place {
        Place::Before(_) => "before",
        Place::After(_) => "after",
        Place::End => "",
    };
    if group.is_none() && !side.is_empty() {
        return fail(format!("you cannot use {dashes}{side} without {dashes}group"));
    }
    Ok(match (group, clone, bundle) {
        (Some(group), _, _) => Target::Group { group, place },
        (None, Some((id, meta)), _) => Target::Clone { id, meta },
        (None, None, Some(bundle)) => Target::Bundle { bundle },
        (None, None, None) => Target::Alone,
    })
}

/// The grammar of `--future`: `meta` belongs to the section it stands in, and groups are words.
fn parse_future(words: &[String], request: &mut Request) -> Cli {
    let mut parts: Vec<(&'static str, Vec<String>)> = vec![("", Vec::new())];
    for word in words {
        let keyword =
            ["clone", "promotable", "bundle", "group"].into_iter().find(|keyword| keyword == word);
        match keyword {
            Some(keyword) => parts.push((keyword, Vec::new())),
            None => {
                if let Some((_, section)) = parts.last_mut() {
                    section.push(word.clone());
                }
            }
        }
    }
    if parts.len() > 2 {
        return fail("you can specify only one of clone, promotable, bundle or group");
    }
    let mut target_parts = (None, None, None, None, None);
    for (keyword, section) in parts {
        let inner = Sections::split(&section, &["op", "meta", "before", "after"]);
        match keyword {
            "" => {
                request.parameters = words::pairs(&inner.first)?;
                request.meta = words::pairs(&inner.flat("meta"))?;
                request.operations = words::operations(&inner.each("op"))?;
            }
            "group" => {
                target_parts.0 = inner.first.first().cloned();
                target_parts.1 = inner.flat("before").first().cloned();
                target_parts.2 = inner.flat("after").first().cloned();
                if inner.first.len() != 1 {
                    return fail("you have to specify exactly one group");
                }
            }
            "bundle" => {
                target_parts.4 = Some(only_bundle(&inner.first)?);
            }
            keyword => {
                let (id, options) = clone_words(&inner.first);
                if let Some(word) = options.first() {
                    return fail(format!(
                        "Specifying instance attributes for a {keyword} is not supported. Use the 'meta' keyword if you want to specify meta attributes for '{word}'"
                    ));
                }
                let pairs = words::pairs(&inner.flat("meta"))?;
                target_parts.3 = Some((id, with_promotable(keyword, pairs)?));
            }
        }
    }
    let (group, before, after, clone, bundle) = target_parts;
    request.target = target(group, before, after, clone, bundle, "")?;
    Ok(())
}

//! `pcs constraint`.

use pcs::constraint::location::{self, RuleOptions, Subject};
use pcs::constraint::set::SetWords;
use pcs::constraint::view::Constraints;
use pcs::constraint::{self, colocation, order, ticket};

use super::constraint_text::{self, Part};
use super::context::{Cli, Context, Failure, fail, print_error};
use super::words::{self, Pairs};

const USAGE: Failure = Failure::Usage { area: "constraint", command: "" };

/// Runs `pcs constraint …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    context.terse = true;
    match command {
        "location" => run_location(context, rest),
        "order" => run_order(context, rest),
        "colocation" => run_colocation(context, rest),
        "ticket" => run_ticket(context, rest),
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| constraint::delete(env, rest))
        }
        "config" => config(context, rest, Part::All),
        "show" | "list" => shown_formerly(context, command, "constraint", rest, Part::All),
        "ref" => references(context, rest),
        "rule" => fail("This command has been removed. See 'man pcs' -> Changes in pcs-0.12."),
        _ => Err(USAGE),
    }
}

/// Takes `show` and `list` for what they became.
fn shown_formerly(
    context: &mut Context,
    word: &str,
    area: &str,
    rest: &[String],
    part: Part,
) -> Cli {
    context.deprecated(&format!(
        "'pcs {area} {word}' is now 'pcs {area} config'; the old spelling still works"
    ));
    config(context, rest, part)
}

fn config(context: &mut Context, words: &[String], part: Part) -> Cli {
    context.supports(&["-f", "--all", "--full", "--no-expire-check", "--output-format"])?;
    if !words.is_empty() {
        return Err(USAGE);
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    if context.has("--full") && format != "text" {
        return fail(format!("option '--full' is not compatible with '{format}' output format."));
    }
    let all = constraint_text::only(Constraints::of(&context.configuration()?), part);
    let full = context.has("--full");
    match format.as_str() {
        "json" => context.print(&super::json::pretty(&all)),
        "cmd" => {
            let commands = constraint_text::commands(&all);
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => context.print_lines(&constraint_text::text(&all, full)),
    }
    Ok(())
}

fn references(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format"])?;
    if words.is_empty() {
        return Err(USAGE);
    }
    let cib = context.configuration()?;
    let by_id = || -> std::collections::BTreeMap<&String, Vec<String>> {
        words.iter().map(|id| (id, constraint::references(&cib, id))).collect()
    };
    if context.as_json(|| serde_json::json!({ "constraints": by_id() }))? {
        return Ok(());
    }
    for id in words {
        context.print(&format!("Resource: {id}"));
        let found = constraint::references(&cib, id);
        if found.is_empty() {
            context.print("  No Matches.");
        }
        for constraint in found {
            context.print(&format!("  {constraint}"));
        }
    }
    Ok(())
}

/// Reads a resource or a pattern: `vip`, `resource%vip`, `regexp%v.*`.
fn subject(text: &str) -> Cli<Subject> {
    match text.split_once('%') {
        None => Ok(Subject::Resource(text.to_owned())),
        Some(("resource", id)) => Ok(Subject::Resource(id.to_owned())),
        Some(("regexp", pattern)) => Ok(Subject::Pattern(pattern.to_owned())),
        Some((kind, _)) => {
            fail(format!("'{kind}' is not an allowed type for '{text}', use regexp, resource"))
        }
    }
}

fn run_location(context: &mut Context, words: &[String]) -> Cli {
    match words {
        [] => config(context, &[], Part::Location),
        [command, rest @ ..] if command == "config" => location_config(context, rest),
        [command, rest @ ..] if command == "show" || command == "list" => {
            context.deprecated(&format!(
                "'pcs constraint location {command}' is now 'pcs constraint location config'; the old spelling still works"
            ));
            location_config(context, rest)
        }
        [command, rest @ ..] if command == "add" => location_add(context, rest),
        [command, rest @ ..] if command == "delete" || command == "remove" => {
            context.supports(&["-f"])?;
            context.deprecated("This command is deprecated and will be removed. Please use 'pcs constraint delete' or 'pcs constraint remove' instead.");
            if rest.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| location::remove(env, rest))
        }
        [id, verb, rest @ ..] if verb == "rule" => location_rule(context, id, rest),
        [id, verb, nodes @ ..] if verb == "prefers" || verb == "avoids" => {
            context.supports(&["--force", "-f"])?;
            if nodes.is_empty() {
                return Err(USAGE);
            }
            let subject = subject(id)?;
            let avoid = verb == "avoids";
            let scores: Pairs = nodes
                .iter()
                .map(|word| match word.split_once('=') {
                    Some((node, score)) => (node.to_owned(), score.to_owned()),
                    None => (word.clone(), "INFINITY".to_owned()),
                })
                .collect();
            let force = context.force();
            context.change(|env| location::prefer(env, &subject, &scores, avoid, force))
        }
        [id, _, _, ..] => {
            subject(id)?;
            Err(USAGE)
        }
        _ => Err(USAGE),
    }
}

const STANDALONE_SCORE: &str = "Specifying score as a standalone value is deprecated and might be removed in a future release, use score=value instead";

fn location_add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    let [id, on, node, score, rest @ ..] = words else { return Err(USAGE) };
    let subject = subject(on)?;
    let (score, options) = if score.contains('=') {
        (None, &words[3..])
    } else {
        context.deprecated(STANDALONE_SCORE);
        (Some(score.clone()), rest)
    };
    let mut options = words::pairs(options)?;
    let score = score
        .or_else(|| pcs::nvset::get(&options, "score").map(str::to_owned))
        .unwrap_or_else(|| "INFINITY".to_owned());
    options.retain(|(name, _)| name != "score");
    let force = context.force();
    context.change(|env| location::add(env, id, &subject, node, &score, &options, force))
}

fn location_rule(context: &mut Context, id: &str, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    const OPTIONS: [&str; 6] =
        ["constraint-id", "id", "resource-discovery", "role", "score", "score-attribute"];
    if words.is_empty() {
        return Err(USAGE);
    }
    let subject = subject(id)?;
    let mut typed = RuleOptions::default();
    let mut rest = words;
    while let Some((word, more)) = rest.split_first() {
        let Some((name, value)) = word.split_once('=').filter(|(n, _)| OPTIONS.contains(n)) else {
            break;
        };
        match name {
            "constraint-id" => typed.constraint_id = Some(value.to_owned()),
            "id" => typed.rule_id = Some(value.to_owned()),
            _ => typed.options.push((name.to_owned(), value.to_owned())),
        }
        rest = more;
    }
    if rest.len() > 1 {
        context.deprecated("Specifying a rule as multiple arguments is deprecated and might be removed in a future release, specify the rule as a single string instead");
    }
    let text = rest.join(" ");
    let force = context.force();
    context.change(|env| location::add_with_rule(env, &subject, &typed, &text, force))
}

fn location_config(context: &mut Context, words: &[String]) -> Cli {
    let Some((group, filter)) = words.split_first() else {
        return config(context, &[], Part::Location);
    };
    context.supports(&["-f", "--all", "--full", "--no-expire-check", "--output-format"])?;
    if group != "nodes" && group != "resources" {
        return fail(format!("Unknown keyword '{group}'. Allowed keywords: 'nodes', 'resources'"));
    }
    if context.output_format(&["cmd", "json", "text"])? != "text" {
        return fail(
            "Output formats other than 'text' are not supported together with grouping and filtering by nodes or resources",
        );
    }
    let all = Constraints::of(&context.configuration()?);
    let full = context.has("--full");
    let lines = if group == "nodes" {
        if filter.is_empty() && all.location.iter().any(|c| !c.attributes.rules.is_empty()) {
            context.warn("Constraints with rules are not displayed.");
        }
        constraint_text::by_node(&all, filter, full)
    } else {
        let filter = filter.iter().map(|word| subject(word)).collect::<Cli<Vec<Subject>>>()?;
        constraint_text::by_resource(&all, &filter, full)
    };
    if !lines.is_empty() {
        context.print("Location Constraints:");
        context.print_lines(&super::resource_text::indent(lines));
    }
    Ok(())
}

/// Takes a word for an action or a role off the front when another word follows before `end`.
fn two_words(words: &[String]) -> Option<(Option<String>, &str)> {
    match words {
        [id] => Some((None, id)),
        [first, id] => Some((Some(first.clone()), id)),
        _ => None,
    }
}

fn run_order(context: &mut Context, words: &[String]) -> Cli {
    match words {
        [] => config(context, &[], Part::Order),
        [command, rest @ ..] if command == "config" => config(context, rest, Part::Order),
        [command, rest @ ..] if command == "show" || command == "list" => {
            shown_formerly(context, command, "constraint order", rest, Part::Order)
        }
        [command, rest @ ..] if command == "set" => {
            context.supports(&["--force", "-f"])?;
            let (sets, options) = set_words(rest)?;
            let force = context.force();
            context.change(|env| order::add_sets(env, &sets, &options, force))
        }
        [command, rest @ ..] if command == "delete" || command == "remove" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| order::remove(env, rest))
        }
        _ => order_add(context, words),
    }
}

/// What can be done to a resource in an order.
const ACTIONS: [&str; 4] = ["start", "stop", "promote", "demote"];

/// Refuses a second `then` or `with`: more than two resources are a set.
fn only_once(words: &[String], keyword: &str, command: &str) -> Cli {
    if words.iter().filter(|word| *word == keyword).count() < 2 {
        return Ok(());
    }
    print_error(&format!(
        "Error: Multiple '{keyword}'s cannot be specified.\nHint: Use the 'pcs constraint {command} set' command if you want to create a constraint for more than two resources."
    ));
    Err(USAGE)
}

fn order_add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    only_once(words, "then", "order")?;
    let then = words.iter().position(|word| word == "then").ok_or(USAGE)?;
    let behind = &words[then + 1..];
    let (first_action, first) = two_words(&words[..then]).ok_or(USAGE)?;
    if first_action.as_ref().is_some_and(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(USAGE);
    }
    // a word that is no action is a resource, and all behind it are options
    let (then_action, second, options) = match behind {
        [action, second, options @ ..] if ACTIONS.contains(&action.as_str()) => {
            (Some(action.clone()), second, options)
        }
        [second, options @ ..] => (None, second, options),
        [] => return Err(USAGE),
    };
    let first = order::Side { action: first_action, resource: first.to_owned() };
    let second = order::Side { action: then_action, resource: second.clone() };
    let typed = words::pairs(options)?;
    let force = context.force();
    context.change(|env| order::add(env, &first, &second, &typed, force))
}

fn run_colocation(context: &mut Context, words: &[String]) -> Cli {
    match words {
        [] => config(context, &[], Part::Colocation),
        [command, rest @ ..] if command == "config" => config(context, rest, Part::Colocation),
        [command, rest @ ..] if command == "show" || command == "list" => {
            shown_formerly(context, command, "constraint colocation", rest, Part::Colocation)
        }
        [command, rest @ ..] if command == "add" => colocation_add(context, rest),
        [command, rest @ ..] if command == "set" => {
            context.supports(&["--force", "-f"])?;
            let (sets, options) = set_words(rest)?;
            let force = context.force();
            context.change(|env| colocation::add_sets(env, &sets, &options, force))
        }
        [command, rest @ ..] if command == "delete" || command == "remove" => {
            context.supports(&["-f"])?;
            let [who, with, ..] = rest else { return Err(USAGE) };
            context.change(|env| colocation::remove(env, who, with))
        }
        _ => Err(USAGE),
    }
}

/// Reads a role; the old names are understood.
fn role(context: &mut Context, role: Option<String>) -> Option<String> {
    let text = role?;
    let (today, old) = constraint::role(&text);
    if old {
        context.deprecated(&format!("the role '{text}' is called '{today}' now"));
    }
    Some(today)
}

fn colocation_add(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "-f"])?;
    only_once(words, "with", "colocation")?;
    let with = words.iter().position(|word| word == "with").ok_or(USAGE)?;
    let behind = &words[with + 1..];
    let is_score = |word: &String| word.contains('=') || pcs::options::is_score(word);
    let (who_role, who) = two_words(&words[..with]).ok_or(USAGE)?;
    // two words are a role and a resource, and all behind them are options
    let (with_role, other, mut rest) = match behind {
        [role, other, rest @ ..] if !is_score(other) => (Some(role.clone()), other, rest),
        [other, rest @ ..] => (None, other, rest),
        [] => return Err(USAGE),
    };
    for role in [&who_role, &with_role].into_iter().flatten() {
        context.with_reports(|_| colocation::check_role(&constraint::role(role).0))?;
    }
    let mut score = None;
    if let Some((first, more)) = rest.split_first()
        && !first.contains('=')
    {
        context.deprecated(STANDALONE_SCORE);
        score = Some(first.clone());
        rest = more;
    }
    let typed = words::pairs(rest)?;
    let who = colocation::Side { role: role(context, who_role), resource: who.to_owned() };
    let other = colocation::Side { role: role(context, with_role), resource: other.to_owned() };
    let force = context.force();
    context.change(|env| colocation::add(env, &who, &other, score.as_deref(), &typed, force))
}

/// Reads `A B [options] set C … [setoptions …]`.
fn set_words(words: &[String]) -> Cli<(Vec<SetWords>, Pairs)> {
    let end = words.iter().position(|word| word == "setoptions").unwrap_or(words.len());
    let options = words.get(end + 1..).unwrap_or_default();
    if options.iter().any(|word| word == "setoptions") {
        return fail("Keyword 'setoptions' may be mentioned at most once");
    }
    let options = words::pairs(options)?;
    let mut sets = Vec::new();
    for part in words[..end].split(|word| word == "set") {
        let names = part.iter().position(|word| word.contains('=')).unwrap_or(part.len());
        if names == 0 {
            return Err(USAGE);
        }
        sets.push(SetWords {
            resources: part[..names].to_vec(),
            options: words::pairs(&part[names..])?,
        });
    }
    Ok((sets, options))
}

fn run_ticket(context: &mut Context, words: &[String]) -> Cli {
    match words {
        [] => config(context, &[], Part::Ticket),
        [command, rest @ ..] if command == "config" => config(context, rest, Part::Ticket),
        [command, rest @ ..] if command == "show" || command == "list" => {
            shown_formerly(context, command, "constraint ticket", rest, Part::Ticket)
        }
        [command, rest @ ..] if command == "add" => {
            context.supports(&["--force", "-f"])?;
            let [ticket, rest @ ..] = rest else { return Err(USAGE) };
            let end = rest.iter().position(|word| word.contains('=')).unwrap_or(rest.len());
            let (typed_role, resource) = two_words(&rest[..end]).ok_or(USAGE)?;
            let options = words::pairs(&rest[end..])?;
            let role = role(context, typed_role);
            let resource = resource.to_owned();
            let force = context.force();
            context
                .change(|env| ticket::add(env, ticket, role.as_deref(), &resource, &options, force))
        }
        [command, rest @ ..] if command == "set" => {
            context.supports(&["--force", "-f"])?;
            let (sets, options) = set_words(rest)?;
            let force = context.force();
            context.change(|env| ticket::add_sets(env, &sets, &options, force))
        }
        [command, rest @ ..] if command == "delete" || command == "remove" => {
            context.supports(&["-f"])?;
            let [ticket, resource] = rest else { return Err(USAGE) };
            context.change(|env| ticket::remove(env, ticket, resource))
        }
        _ => Err(USAGE),
    }
}

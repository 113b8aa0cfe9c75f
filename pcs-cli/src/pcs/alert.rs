//! `pcs alert`.

use pcs::alert::{self, Alert, Values};
use pcs::nvset::SetView;

use super::context::{Cli, Context, Failure, fail};
use super::json;
use super::resource_text::{indent, quote, shown, word};
use super::words::{self, Pairs, Sections};

const USAGE: Failure = Failure::Usage { area: "alert", command: "" };

/// Runs `pcs alert …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "config" => config(context, rest),
        "show" => {
            context.deprecated(
                "'pcs alert show' is now 'pcs alert config'; the old spelling still works",
            );
            config(context, rest)
        }
        "create" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Err(USAGE);
            }
            let values = values(rest, &["id", "path", "description"])?;
            context.change(|env| alert::create(env, &values))
        }
        "update" => {
            context.supports(&["-f"])?;
            let [id, rest @ ..] = rest else { return Err(USAGE) };
            let values = values(rest, &["path", "description"])?;
            context.change(|env| alert::update(env, id, &values))
        }
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| alert::remove(env, rest))
        }
        "recipient" => recipient(context, rest),
        _ => Err(USAGE),
    }
}

fn recipient(context: &mut Context, words: &[String]) -> Cli {
    let Some((command, rest)) = words.split_first() else { return Err(USAGE) };
    match command.as_str() {
        "add" => {
            context.supports(&["-f", "--force"])?;
            let [alert, rest @ ..] = rest else { return Err(USAGE) };
            if rest.is_empty() {
                return Err(USAGE);
            }
            let values = values(rest, &["id", "description", "value"])?;
            let force = context.force();
            context.change(|env| alert::add_recipient(env, alert, &values, force))
        }
        "update" => {
            context.supports(&["-f", "--force"])?;
            let [id, rest @ ..] = rest else { return Err(USAGE) };
            let values = values(rest, &["description", "value"])?;
            let force = context.force();
            context.change(|env| alert::update_recipient(env, id, &values, force))
        }
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            if rest.is_empty() {
                return Err(USAGE);
            }
            context.change(|env| alert::remove_recipients(env, rest))
        }
        _ => Err(USAGE),
    }
}

fn values(words: &[String], allowed: &[&str]) -> Cli<Values> {
    let sections = Sections::split(words, &["options", "meta"]);
    let options: Pairs = words::pairs(&sections.first)?;
    if let Some((name, _)) = options.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
        return fail(format!("Unknown option '{name}'"));
    }
    Ok(Values {
        options,
        parameters: words::pairs(&sections.flat("options"))?,
        meta: words::pairs(&sections.flat("meta"))?,
    })
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format"])?;
    if !words.is_empty() {
        return Err(USAGE);
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    let alerts = alert::alerts(&context.configuration()?);
    match format.as_str() {
        "json" => context.print(&json::pretty(&serde_json::json!({ "alerts": alerts }))),
        "cmd" => {
            let commands: Vec<String> = alerts.iter().flat_map(commands).collect();
            if !commands.is_empty() {
                context.print(&commands.join(";\n"));
            }
        }
        _ => context.print_lines(&text(&alerts)),
    }
    Ok(())
}

fn sets(title: &str, sets: &[SetView]) -> Vec<String> {
    let mut lines = Vec::new();
    for set in sets.iter().filter(|set| !set.nvpairs.is_empty()) {
        lines.push(format!("{title}: {}", set.id));
        lines.extend(set.nvpairs.iter().map(|p| format!("  {}", shown(&p.name, &p.value))));
    }
    lines
}

/// Shows alerts.
pub(crate) fn text(alerts: &[Alert]) -> Vec<String> {
    let mut lines = Vec::new();
    for alert in alerts {
        lines.push(format!("Alert: {}", alert.id));
        let mut inner = Vec::new();
        inner.extend(alert.description.as_ref().map(|d| format!("Description: {d}")));
        inner.push(format!("Path: {}", alert.path));
        if !alert.recipients.is_empty() {
            inner.push("Recipients:".to_owned());
        }
        for recipient in &alert.recipients {
            inner.push(format!("  Recipient: {}", recipient.id));
            let mut own = Vec::new();
            own.extend(recipient.description.as_ref().map(|d| format!("Description: {d}")));
            own.push(format!("Value: {}", recipient.value));
            own.extend(sets("Attributes", &recipient.instance_attributes));
            own.extend(sets("Meta Attributes", &recipient.meta_attributes));
            inner.extend(indent(indent(own)));
        }
        inner.extend(sets("Attributes", &alert.instance_attributes));
        inner.extend(sets("Meta Attributes", &alert.meta_attributes));
        lines.extend(indent(inner));
    }
    lines
}

fn push_pairs(words: &mut Vec<String>, keyword: &str, sets: &[SetView]) {
    let pairs: Vec<String> = sets
        .iter()
        .flat_map(|set| &set.nvpairs)
        .map(|pair| word(&pair.name, &pair.value))
        .collect();
    if !pairs.is_empty() {
        words.push(keyword.to_owned());
        words.extend(pairs);
    }
}

fn commands(alert: &Alert) -> Vec<String> {
    let mut words = vec![word("path", &alert.path), word("id", &alert.id)];
    words.extend(alert.description.as_ref().map(|d| word("description", d)));
    push_pairs(&mut words, "options", &alert.instance_attributes);
    push_pairs(&mut words, "meta", &alert.meta_attributes);
    let mut commands = vec![format!("pcs -- alert create {}", words.join(" "))];
    for recipient in &alert.recipients {
        let mut words = vec![word("value", &recipient.value), word("id", &recipient.id)];
        words.extend(recipient.description.as_ref().map(|d| word("description", d)));
        push_pairs(&mut words, "options", &recipient.instance_attributes);
        push_pairs(&mut words, "meta", &recipient.meta_attributes);
        let words = words.join(" ");
        commands.push(format!("pcs -- alert recipient add {} {words}", quote(&alert.id)));
    }
    commands
}

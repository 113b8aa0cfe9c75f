//! `pcs acl`.

use pcs::acl::{self, AclView, Holder, Permission};
use pcs::property;

use super::context::{Cli, Context, Failure};
use super::json;
use super::resource_text::{quote, word};

fn usage(command: &'static str) -> Failure {
    Failure::Usage { area: "acl", command }
}

/// Runs `pcs acl …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("config", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "config" => config(context, rest),
        "show" => {
            context
                .deprecated("'pcs acl show' is now 'pcs acl config'; the old spelling still works");
            config(context, rest)
        }
        "enable" => switch(context, rest, true),
        "disable" => switch(context, rest, false),
        "role" => role(context, rest),
        "user" | "target" => holder(context, rest, Holder::User),
        "group" => holder(context, rest, Holder::Group),
        "permission" => permission(context, rest),
        _ => Err(usage("")),
    }
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f", "--output-format"])?;
    if !words.is_empty() {
        return Err(usage(""));
    }
    let format = context.output_format(&["cmd", "json", "text"])?;
    let view = acl::view(&context.configuration()?);
    match format.as_str() {
        "json" => context.print(&json::pretty(&view)),
        "cmd" => context.print_lines(&commands(&view)),
        _ => context.print_lines(&text(&view)),
    }
    Ok(())
}

fn text(view: &AclView) -> Vec<String> {
    let enabled = "ACLs are enabled";
    let disabled = "ACLs are disabled, run 'pcs acl enable' to enable";
    let mut lines = vec![if view.enabled { enabled } else { disabled }.to_owned(), String::new()];
    for (title, holders) in [("User", &view.users), ("Group", &view.groups)] {
        for holder in holders {
            lines.push(format!("{title}: {}", holder.id));
            lines.push(format!("  Roles: {}", holder.roles.join(" ")));
        }
    }
    for role in &view.roles {
        lines.push(format!("Role: {}", role.id));
        if let Some(description) = &role.description {
            lines.push(format!("  Description: {description}"));
        }
        for p in &role.permissions {
            lines.push(format!("  Permission: {} {} {} ({})", p.kind, p.scope, p.target, p.id));
        }
    }
    lines
}

/// Writes the commands that would make these lists. Permissions for a kind of element cannot be
/// given by any command, so they are not among them.
fn commands(view: &AclView) -> Vec<String> {
    let mut commands = Vec::new();
    for role in &view.roles {
        let mut words = vec![format!("pcs -- acl role create {}", quote(&role.id))];
        words.extend(role.description.as_ref().map(|text| word("description", text)));
        let typed = role.permissions.iter().filter(|p| p.scope != "object-type");
        words.extend(typed.map(|p| format!("{} {} {}", p.kind, p.scope, quote(&p.target))));
        commands.push(words.join(" \\\n  "));
    }
    for (kind, holders) in [("user", &view.users), ("group", &view.groups)] {
        for holder in holders {
            let words = [&holder.id].into_iter().chain(&holder.roles).map(|word| quote(word));
            let words: Vec<String> = words.collect();
            commands.push(format!("pcs -- acl {kind} create {}", words.join(" ")));
        }
    }
    if view.enabled {
        commands.push("pcs acl enable".to_owned());
    }
    commands
        .iter()
        .enumerate()
        .map(
            |(n, command)| {
                if n + 1 < commands.len() { format!("{command};") } else { command.clone() }
            },
        )
        .collect()
}

fn switch(context: &mut Context, words: &[String], on: bool) -> Cli {
    context.supports(&["-f"])?;
    if !words.is_empty() {
        return Err(usage(if on { "enable" } else { "disable" }));
    }
    let value = if on { "true" } else { "false" };
    let pairs = vec![("enable-acl".to_owned(), value.to_owned())];
    context.change(|env| property::set(env, &pairs, false, false))
}

fn permissions(words: &[String], command: &'static str) -> Cli<Vec<Permission>> {
    if !words.len().is_multiple_of(3) {
        return Err(usage(command));
    }
    Ok(words
        .chunks_exact(3)
        .map(|part| Permission {
            kind: part[0].to_lowercase(),
            scope: part[1].to_lowercase(),
            target: part[2].clone(),
        })
        .collect())
}

fn role(context: &mut Context, words: &[String]) -> Cli {
    let Some((command, rest)) = words.split_first() else { return Err(usage("role")) };
    match command.as_str() {
        "create" => {
            context.supports(&["-f"])?;
            let [id, rest @ ..] = rest else { return Err(usage("role create")) };
            let (description, rest) = match rest.split_first() {
                Some((first, more)) if first.starts_with("description=") => {
                    (first.split_once('=').map(|(_, text)| text), more)
                }
                _ => (None, rest),
            };
            if description == Some("") {
                return Err(usage("role create"));
            }
            let permissions = permissions(rest, "role create")?;
            context.change(|env| acl::create_role(env, id, description, &permissions))
        }
        "delete" | "remove" => {
            context.supports(&["-f", "--autodelete"])?;
            let [id] = rest else {
                return Err(usage(if command == "delete" { "role delete" } else { "role remove" }));
            };
            let with_holders = autodelete(context);
            context.change(|env| acl::delete_role(env, id, with_holders))
        }
        "assign" => {
            context.supports(&["-f"])?;
            let (id, who, holder) = assignment(context, rest, "to", "role assign")?;
            context.change(|env| acl::assign(env, &id, &who, holder))
        }
        "unassign" => {
            context.supports(&["-f", "--autodelete"])?;
            let (id, who, holder) = assignment(context, rest, "from", "role unassign")?;
            let with_holders = autodelete(context);
            context.change(|env| acl::unassign(env, &id, &who, holder, with_holders))
        }
        _ => Err(usage("role")),
    }
}

fn autodelete(context: &mut Context) -> bool {
    let on = context.has("--autodelete");
    if on {
        context.deprecated(
            "Flag '--autodelete' is deprecated and might be removed in a future release.",
        );
    }
    on
}

/// Reads `ROLE [to|from] [user|group] NAME`.
fn assignment(
    context: &mut Context,
    words: &[String],
    particle: &str,
    command: &'static str,
) -> Cli<(String, String, Holder)> {
    let [role, rest @ ..] = words else { return Err(usage(command)) };
    let rest = match rest.split_first() {
        Some((word, more)) if word == particle => more,
        _ => rest,
    };
    match rest {
        [kind, who] if kind == "user" => Ok((role.clone(), who.clone(), Holder::User)),
        [kind, who] if kind == "group" => Ok((role.clone(), who.clone(), Holder::Group)),
        [who] => {
            context.deprecated("Assigning / unassigning a role to a user / group without specifying 'user' or 'group' keyword is deprecated and might be removed in a future release.");
            Ok((role.clone(), who.clone(), Holder::Either))
        }
        _ => Err(usage(command)),
    }
}

fn holder(context: &mut Context, words: &[String], holder: Holder) -> Cli {
    let user = holder == Holder::User;
    let pick =
        |of_user: &'static str, of_group: &'static str| if user { of_user } else { of_group };
    let Some((command, rest)) = words.split_first() else {
        return Err(usage(pick("user", "group")));
    };
    match command.as_str() {
        "create" => {
            context.supports(&["-f"])?;
            let [who, roles @ ..] = rest else {
                return Err(usage(pick("user create", "group create")));
            };
            context.change(|env| acl::create_holder(env, who, holder, roles))
        }
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            let [who] = rest else {
                let command = if command == "delete" {
                    pick("user delete", "group delete")
                } else {
                    pick("user remove", "group remove")
                };
                return Err(usage(command));
            };
            context.change(|env| acl::delete_holder(env, who, holder))
        }
        _ => Err(usage(pick("user", "group"))),
    }
}

fn permission(context: &mut Context, words: &[String]) -> Cli {
    let Some((command, rest)) = words.split_first() else { return Err(usage("permission")) };
    match command.as_str() {
        "add" => {
            context.supports(&["-f"])?;
            let [role, rest @ ..] = rest else { return Err(usage("permission add")) };
            if rest.is_empty() {
                return Err(usage("permission add"));
            }
            let permissions = permissions(rest, "permission add")?;
            context.change(|env| acl::add_permissions(env, role, &permissions))
        }
        "delete" | "remove" => {
            context.supports(&["-f"])?;
            let [id] = rest else {
                let delete = command == "delete";
                return Err(usage(if delete { "permission delete" } else { "permission remove" }));
            };
            context.change(|env| acl::delete_permission(env, id))
        }
        _ => Err(usage("permission")),
    }
}

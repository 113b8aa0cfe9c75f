//! `pcs acl`.

use pcs::acl::{self, Holder, Permission};
use pcs::property;

use super::context::{Cli, Context, Failure};

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
        "enable" => switch(context, rest, "true"),
        "disable" => switch(context, rest, "false"),
        "role" => role(context, rest),
        "user" | "target" => holder(context, rest, Holder::User),
        "group" => holder(context, rest, Holder::Group),
        "permission" => permission(context, rest),
        _ => Err(usage("")),
    }
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    if !words.is_empty() {
        return Err(usage(""));
    }
    let lines = acl::lines(&context.cib()?);
    context.print_lines(&lines);
    Ok(())
}

fn switch(context: &mut Context, words: &[String], value: &str) -> Cli {
    context.supports(&["-f"])?;
    if !words.is_empty() {
        return Err(usage(""));
    }
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
            kind: part[0].clone(),
            scope: part[1].clone(),
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
    context.supports(&["-f"])?;
    let user = holder == Holder::User;
    let pick =
        |of_user: &'static str, of_group: &'static str| if user { of_user } else { of_group };
    let whole = || usage(pick("user ", "group "));
    let Some((command, rest)) = words.split_first() else { return Err(whole()) };
    match command.as_str() {
        "create" => {
            let [who, roles @ ..] = rest else {
                return Err(usage(pick("user create", "group create")));
            };
            context.change(|env| acl::create_holder(env, who, holder, roles))
        }
        "delete" | "remove" => {
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
        _ => Err(whole()),
    }
}

fn permission(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    let Some((command, rest)) = words.split_first() else { return Err(usage("permission")) };
    match command.as_str() {
        "add" => {
            let [role, rest @ ..] = rest else { return Err(usage("permission add")) };
            if rest.is_empty() {
                return Err(usage("permission add"));
            }
            let permissions = permissions(rest, "permission add")?;
            context.change(|env| acl::add_permissions(env, role, &permissions))
        }
        "delete" | "remove" => {
            let [id] = rest else {
                let delete = command == "delete";
                return Err(usage(if delete { "permission delete" } else { "permission remove" }));
            };
            context.change(|env| acl::delete_permission(env, id))
        }
        _ => Err(usage("permission")),
    }
}

//! Commands of `pcs cluster` about the document: `cib`, `cib-push`, `verify`, `edit`, `status`.

use std::path::Path;
use std::process::Command;

use cib::Element;
use cib::versions::Version;

use super::context::{Cli, Context, Failure, fail, print_error};
use crate::cib_source;

const AREA: &str = "cluster";

/// Sections that can be named with `scope=`.
const SCOPES: [&str; 11] = [
    "acls",
    "alerts",
    "configuration",
    "constraints",
    "crm_config",
    "fencing-topology",
    "nodes",
    "op_defaults",
    "resources",
    "rsc_defaults",
    "tags",
];

/// Runs what of `pcs cluster` needs no other node.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let (command, rest) =
        words.split_first().map_or(("", words), |(word, rest)| (word.as_str(), rest));
    match command {
        "cib" => cib(context, rest),
        "cib-push" => push(context, rest),
        "cib-upgrade" => upgrade(context, rest),
        "edit" => edit(context, rest),
        "verify" => verify(context, rest),
        "status" => {
            context.supports(&["-f", "--request-timeout"])?;
            super::status::cluster_status(context)
        }
        "standby" | "unstandby" => {
            context.deprecated(&format!(
                "'pcs cluster {command}' is now 'pcs node {command}'; the old spelling still works"
            ));
            let value = if command == "standby" { "on" } else { "" };
            super::node::switch(context, rest, "standby", value)
        }
        _ => Err(Failure::Usage { area: AREA, command: "" }),
    }
}

/// Takes `scope=SECTION` and `diff-against=FILE` off words.
fn options(
    words: &[String],
    command: &'static str,
) -> Cli<(Option<String>, Option<String>, Option<String>)> {
    let (mut file, mut scope, mut against) = (None, None, None);
    for word in words {
        match word.split_once('=') {
            Some(("scope", value)) => {
                if !SCOPES.contains(&value) {
                    return fail(format!("invalid CIB scope '{value}'"));
                }
                scope = Some(value.to_owned());
            }
            Some(("diff-against", value)) => against = Some(value.to_owned()),
            None if file.is_none() => file = Some(word.clone()),
            _ => return Err(Failure::Usage { area: AREA, command }),
        }
    }
    Ok((file, scope, against))
}

fn section<'a>(cib: &'a Element, scope: Option<&str>) -> Cli<&'a Element> {
    let found = match scope {
        None => Some(cib),
        Some("configuration") => cib.child("configuration"),
        Some(name) => cib.at(&["configuration", name]),
    };
    found.map_or_else(
        || fail(format!("unable to get cib scope '{}'", scope.unwrap_or_default())),
        Ok,
    )
}

fn cib(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--config", "-f"])?;
    let (file, scope, _) = options(words, "cib")?;
    if scope.is_some() && context.has("--config") {
        return Err(Failure::Usage { area: AREA, command: "cib" });
    }
    if context.is_plan() {
        return fail("this command changes nothing, so there is no plan to show");
    }
    let scope = if context.has("--config") { Some("configuration".to_owned()) } else { scope };
    let document = context.cib()?;
    let text = section(&document, scope.as_deref())?.to_xml();
    match file {
        None => {
            context.stdout.push_str(&text);
            Ok(())
        }
        Some(file) => std::fs::write(&file, text)
            .or_else(|error| fail(format!("Unable to write to file '{file}', {}", why(&error)))),
    }
}

/// Says why a file is not written, without the number of the error.
fn why(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn read(file: &str) -> Cli<Element> {
    cib_source::read(Path::new(file)).or_else(|error| fail(error.chain()))
}

fn push(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--config", "--wait", "-f"])?;
    let (file, scope, against) = options(words, "cib-push")?;
    let Some(file) = file else {
        return Err(Failure::Usage { area: AREA, command: "cib-push" });
    };
    let config = context.has("--config");
    match (&scope, &against) {
        (Some(_), Some(_)) => {
            return Err(Failure::Usage { area: AREA, command: "cib-push" });
        }
        (Some(_), None) if config => return fail("Cannot use both scope and --config"),
        (None, Some(_)) if config => return fail("Cannot use both scope and diff-against"),
        _ => {}
    }
    let scope = if config { Some("configuration".to_owned()) } else { scope };
    let wait = context.wait_quietly()?;
    if wait.is_some() && context.has("-f") {
        return fail("Cannot use '-f' together with '--wait'");
    }
    let new = read(&file)?;
    let before = context.cib()?;
    let after = match (&against, &scope) {
        (Some(old), _) => {
            let old = read(old)?;
            if old == new {
                print_error("The new CIB is the same as the original CIB, nothing to push.");
                return Ok(());
            }
            let patch = cib::patch::diff_unversioned(&old, &new);
            cib::patch::apply(&before, &patch)
                .or_else(|error| fail(format!("unable to push cib: {error}")))?
        }
        (None, Some(scope)) => {
            let part = if new.name() == scope {
                Some(new)
            } else {
                new.descendants().find(|e| e.name() == scope).cloned()
            };
            let Some(part) = part else {
                return fail(format!("unable to push cib, scope '{scope}' not present in new cib"));
            };
            let mut after = before.clone();
            let configuration = after.child_or_insert("configuration");
            if scope == "configuration" {
                *configuration = part;
            } else {
                *configuration.child_or_insert(scope) = part;
            }
            after
        }
        (None, None) => {
            if new.name() != "cib" {
                return fail(format!("unable to push cib: '{file}' begins with <{}>", new.name()));
            }
            let (now, given) = (Version::of(&before), Version::of(&new));
            let is_older = (given.admin_epoch, given.epoch) < (now.admin_epoch, now.epoch);
            if context.is_live() && is_older {
                return fail(format!(
                    "unable to push cib, '{file}' is of version {}.{}, and the configuration was changed since (it is {}.{} now); push only your change with 'pcs cluster cib-push {file} diff-against=<the file before your change>', or get it anew with 'pcs cluster cib'",
                    given.admin_epoch, given.epoch, now.admin_epoch, now.epoch
                ));
            }
            let mut after = before.clone();
            // only the configuration is anybody's to write; the rest is the cluster's own
            match new.child("configuration") {
                Some(configuration) => {
                    *after.child_or_insert("configuration") = configuration.clone();
                }
                None => return fail(format!("unable to push cib: '{file}' has no configuration")),
            }
            after
        }
    };
    context.push(&before, &after)?;
    context.progress("CIB updated");
    context.settle(wait)
}

fn upgrade(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["-f"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "cib-upgrade" });
    }
    let before = context.cib()?;
    let after = cib::edit::apply(&before, &cib::edit::Request::Upgrade)
        .or_else(|error| fail(format!("unable to upgrade cluster: {error}")))?;
    context.push(&before, &after)?;
    context.print("Cluster CIB has been upgraded to latest version");
    Ok(())
}

fn edit(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--config", "-f"])?;
    let (_, scope, _) = options(words, "edit")?;
    let Some(editor) = std::env::var_os("EDITOR").filter(|editor| !editor.is_empty()) else {
        return fail("$EDITOR environment variable is not set");
    };
    let scope = if context.has("--config") { Some("configuration".to_owned()) } else { scope };
    let document = context.cib()?;
    let part = section(&document, scope.as_deref())?;
    let mut salt = [0; 8];
    super::cluster_setup::random(&mut salt)?;
    let path = std::env::temp_dir().join(format!("cib-{:016x}.xml", u64::from_ne_bytes(salt)));
    let text = part.to_xml();
    let failed = |error: std::io::Error| Failure::Text(format!("unable to edit: {error}"));
    write_new(&path, &text).map_err(failed)?;
    // people set it to more than a program's name: `vim -n`
    let line = format!("{} \"$1\"", editor.to_string_lossy());
    let status = Command::new("sh").args(["-c", &line, "sh"]).arg(&path).status();
    let edited = std::fs::read_to_string(&path);
    // a copy left in the temporary directory harms nobody
    let _left = std::fs::remove_file(&path);
    if !status.map_err(failed)?.success() {
        return fail("the editor ended with an error, nothing was changed");
    }
    let edited = edited.map_err(failed)?;
    if edited == text {
        print_error("CIB not updated, no changes detected");
        return Ok(());
    }
    let new = cib::parse(&edited)
        .or_else(|error| fail(format!("invalid XML, nothing was changed: {error}")))?;
    let mut after = document.clone();
    match scope.as_deref() {
        None => after = new,
        Some("configuration") => *after.child_or_insert("configuration") = new,
        Some(name) => {
            *after.child_or_insert("configuration").child_or_insert(name) = new;
        }
    }
    context.push(&document, &after)?;
    context.progress("CIB updated");
    Ok(())
}

/// Writes a file that nobody else may have laid there, and nobody else may read: it may hold
/// passwords.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn verify(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--full", "-f"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: AREA, command: "verify" });
    }
    let document = context.configuration()?;
    let mut problems: Vec<String> =
        cib::validate::errors(&document).iter().map(cib::validate::Finding::what).collect();
    problems.extend(pcs::verify::problems(&document));
    if problems.is_empty() {
        return context.read(pcs::stonith::level::verify);
    }
    if context.has("--full") {
        print_error(&format!("Error: invalid cib:\n{}\n", problems.join("\n")));
    } else {
        print_error("Error: invalid cib:\n\n\nUse --full for more details.");
    }
    print_error("Error: Errors have occurred, therefore pcs is unable to continue");
    Err(Failure::Reported)
}

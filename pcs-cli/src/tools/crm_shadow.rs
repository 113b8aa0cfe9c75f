//! `crm_shadow`: copies of the configuration to try things on.

use std::path::Path;
use std::process::Command;

use cib::edit::{self, Request, Target};
use cib::patch;
use model::ExitCode;

use crate::cib_source::{self, CibSource, SourceError};

use super::answer::{Answer, VERSION};
use super::options::{Options, Spec, Takes};
use super::patch_text;

const SPECS: [Spec; 19] = [
    ('?', "help", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('w', "which", Takes::Nothing),
    ('p', "display", Takes::Nothing),
    ('E', "edit", Takes::Nothing),
    ('d', "diff", Takes::Nothing),
    ('F', "file", Takes::Nothing),
    ('c', "create", Takes::Value),
    ('e', "create-empty", Takes::Value),
    ('C', "commit", Takes::Value),
    ('D', "delete", Takes::Value),
    ('r', "reset", Takes::Value),
    ('s', "switch", Takes::Value),
    ('f', "force", Takes::Nothing),
    ('b', "batch", Takes::Nothing),
    ('a', "all", Takes::Nothing),
    ('v', "validate-with", Takes::Value),
    ('t', "timeout", Takes::Value),
];

const COMMANDS: [&str; 11] = [
    "which",
    "display",
    "edit",
    "diff",
    "file",
    "create",
    "create-empty",
    "commit",
    "delete",
    "reset",
    "switch",
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).print()
}

fn answer(arguments: &[String]) -> Answer {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => return usage(&format!("crm_shadow: {error}\n")),
    };
    if options.has("help") {
        return Answer::text(USAGE);
    }
    if options.has("version") {
        return Answer::text(VERSION);
    }
    let Some(command) = options.last_of(&COMMANDS) else { return usage("") };
    let done = match command {
        "create" | "create-empty" | "reset" | "switch" => {
            begin(command, &options).and_then(|text| enter(&options, command, text))
        }
        "commit" => commit(&options),
        "delete" => delete(&options),
        _ => on_active(command),
    };
    done.unwrap_or_else(|answer| answer)
}

type Done = Result<Answer, Answer>;

fn usage(first: &str) -> Answer {
    Answer { err: format!("{first}{USAGE}"), code: Some(ExitCode::Usage), ..Answer::default() }
}

fn failed(error: &SourceError) -> Answer {
    Answer::fail(error.code(), error.chain())
}

fn active() -> Result<String, Answer> {
    std::env::var("CIB_shadow")
        .ok()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Answer::fail(ExitCode::NoSuch, "No active shadow configuration defined"))
}

/// A name becomes part of a file's name, and must not lead out of the directory.
fn checked(name: &str) -> Result<&str, Answer> {
    if name.is_empty() || name.contains('/') {
        return Err(Answer::fail(
            ExitCode::Usage,
            format!(
                "`{name}` can't be the name of a shadow instance; use letters, digits, `-` and `_`"
            ),
        ));
    }
    Ok(name)
}

/// The configuration that the shadow copies shadow: a file's or the cluster's.
fn real() -> Result<CibSource, Answer> {
    match std::env::var_os("CIB_file").filter(|file| !file.is_empty()) {
        Some(file) => Ok(CibSource::File(file.into())),
        None => cib_source::connect().map(CibSource::Live).map_err(|error| {
            Answer::fail(error.code(), format!("Could not connect to the CIB: {}", error.chain()))
        }),
    }
}

fn on_active(command: &str) -> Done {
    let name = active()?;
    let path = cib_source::shadow_path(&name);
    if command == "which" {
        return Ok(Answer::text(format!("{name}\n")));
    }
    if command == "file" {
        return Ok(Answer::text(format!("{}\n", path.display())));
    }
    let shadow = cib_source::read(&path).map_err(|_| not_there(&name, &path))?;
    match command {
        "display" => Ok(Answer::text(shadow.to_xml())),
        "diff" => {
            let now = real()?.query().map_err(|error| failed(&error))?;
            let patchset = patch::diff(&now, &shadow);
            if patch::is_empty(&patchset) {
                return Ok(Answer::default());
            }
            let out = patch_text::render(&patchset);
            Ok(Answer { out, code: Some(ExitCode::Error), ..Answer::default() })
        }
        _ => edit_in_editor(&path),
    }
}

fn not_there(name: &str, path: &Path) -> Answer {
    let why = match std::fs::metadata(path) {
        Err(error) => super::crm_error::text_of(&error),
        Ok(_) => "it holds no configuration".to_owned(),
    };
    Answer::fail(ExitCode::NoSuch, format!("Could not access shadow instance '{name}': {why}"))
}

fn edit_in_editor(path: &Path) -> Done {
    let editor = ["EDITOR", "VISUAL"].iter().find_map(|name| std::env::var(name).ok());
    let Some(editor) = editor.filter(|editor| !editor.trim().is_empty()) else {
        return Err(Answer::fail(
            ExitCode::NotConfigured,
            "No value for EDITOR defined; set it to the name of your editor",
        ));
    };
    // an editor may come with options of its own (`emacs -nw`)
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    match Command::new(program).args(words).arg(path).status() {
        Ok(status) if status.success() => Ok(Answer::default()),
        Ok(status) => Err(Answer::fail(ExitCode::OsErr, format!("{editor} failed: {status}"))),
        Err(error) => {
            Err(Answer::fail(ExitCode::OsErr, format!("could not start {editor}: {error}")))
        }
    }
}

/// Makes, resets or finds the copy; returns what to say about it.
fn begin(command: &'static str, options: &Options) -> Result<String, Answer> {
    let name = checked(options.value(command).unwrap_or_default())?;
    let path = cib_source::shadow_path(name);
    let store = |document: &cib::Element| {
        if let Some(directory) = path.parent() {
            // what goes wrong here shows when the file is written
            let _made_or_there = std::fs::create_dir_all(directory);
        }
        cib_source::write(&path, document)
            .map_err(|error| Answer::fail(ExitCode::CantCreat, error.chain()))
    };
    if matches!(command, "create" | "create-empty") && path.exists() && !options.has("force") {
        return Err(Answer::fail(
            ExitCode::CantCreat,
            format!(
                "A shadow instance '{name}' already exists.\n  To prevent accidental destruction \
                 of the cluster, the --force flag is required in order to proceed."
            ),
        ));
    }
    let mut said = String::new();
    match command {
        "create-empty" => {
            let mut document = edit::empty();
            if let Some(schema) = options.value("validate-with") {
                document.set("validate-with", schema);
            }
            let schema = document.get("validate-with").unwrap_or_default();
            said = format!("Created new {schema} configuration\n");
            store(&document)?;
        }
        "create" | "reset" => {
            if command == "reset" && !path.exists() && !options.has("force") {
                return Err(not_there(name, &path));
            }
            store(&real()?.query().map_err(|error| failed(&error))?)?;
        }
        _ if !path.exists() => return Err(not_there(name, &path)),
        _ => {}
    }
    Ok(said)
}

/// Tells how to use the copy, or starts a shell that does.
fn enter(options: &Options, command: &'static str, said: String) -> Done {
    let name = options.value(command).unwrap_or_default();
    let mut out = said + "Setting up shadow instance\n";
    if options.has("batch") {
        out += match command {
            "switch" => {
                "To switch to the named shadow instance, paste the following into your shell:\n"
            }
            _ => {
                "A new shadow instance was created.  To begin using it paste the following into your shell:\n"
            }
        };
        return Ok(Answer::text(format!("{out}  CIB_shadow={name} ; export CIB_shadow\n")));
    }
    let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty());
    let shell = shell.unwrap_or_else(|| "/bin/sh".to_owned());
    Answer::text(format!("{out}Type Ctrl-D to exit the crm_shadow shell\n")).print();
    let status = Command::new(&shell)
        .env("CIB_shadow", name)
        .env("PS1", format!("shadow[{name}] # "))
        .status();
    match status {
        Ok(_) => Ok(Answer::default()),
        Err(error) => {
            Err(Answer::fail(ExitCode::OsErr, format!("could not start {shell}: {error}")))
        }
    }
}

fn forced(options: &Options) -> Result<(), Answer> {
    if options.has("force") {
        return Ok(());
    }
    Err(Answer::fail(
        ExitCode::Usage,
        "The supplied command is considered dangerous.  To prevent accidental destruction of the \
         cluster, the --force flag is required in order to proceed.",
    ))
}

/// Reminds of the variable that still names a copy that is done with.
fn farewell(name: &str) -> Answer {
    if std::env::var("CIB_shadow").is_ok_and(|active| active == name) {
        Answer::text(
            "Please remember to unset the CIB_shadow variable by pasting the following into your \
             shell:\n  unset CIB_shadow\n",
        )
    } else {
        Answer::default()
    }
}

fn commit(options: &Options) -> Done {
    forced(options)?;
    let name = checked(options.value("commit").unwrap_or_default())?;
    let path = cib_source::shadow_path(name);
    let shadow = cib_source::read(&path).map_err(|_| not_there(name, &path))?;
    let request = if options.has("all") {
        Request::Replace { target: Target::Document, xml: shadow }
    } else {
        let configuration = shadow.child("configuration").cloned().ok_or_else(|| {
            Answer::fail(ExitCode::Config, format!("shadow instance '{name}' has no configuration"))
        })?;
        Request::Replace { target: Target::Section("configuration".into()), xml: configuration }
    };
    let sent = real()?.send(&request);
    sent.map_err(|error| {
        let why = error.chain();
        let text = format!("Could not commit shadow instance '{name}' to the CIB: {why}");
        Answer::fail(error.code(), text)
    })?;
    Ok(farewell(name))
}

fn delete(options: &Options) -> Done {
    forced(options)?;
    let name = checked(options.value("delete").unwrap_or_default())?;
    match std::fs::remove_file(cib_source::shadow_path(name)) {
        Ok(()) => Ok(farewell(name)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(farewell(name)),
        Err(error) => Err(Answer::fail(
            ExitCode::OsErr,
            format!("Could not remove shadow instance '{name}': {error}"),
        )),
    }
}

const USAGE: &str = "\
crm_shadow - perform configuration changes in a sandbox

Sets up an environment in which configuration tools (cibadmin, crm_resource, etc.) work offline
instead of against a live cluster, so that changes can be looked at and tested first.

Usage: crm_shadow <query>|<command> [options]
Options:
 -?, --help                This text
 -$, --version             Version information
 -V, --verbose             Accepted

Queries:
 -w, --which               Indicate the active shadow copy
 -p, --display             Display the contents of the active shadow copy
 -E, --edit                Edit the contents of the active shadow copy with your favorite $EDITOR
 -d, --diff                Display the changes in the active shadow copy
 -F, --file                Display the location of the active shadow copy file

Commands:
 -c, --create=NAME         Create the named shadow copy of the active cluster configuration
 -e, --create-empty=NAME   Create the named shadow copy with an empty cluster configuration
 -C, --commit=NAME         Upload the named shadow copy to the cluster (needs --force)
 -D, --delete=NAME         Delete the named shadow copy (needs --force)
 -r, --reset=NAME          Recreate the named shadow copy from the active cluster configuration
 -s, --switch=NAME         Switch to the named shadow copy

Additional Options:
 -f, --force               Force the action to be performed
 -b, --batch               Don't start a new shell
 -a, --all                 With --commit: upload the entire CIB, including status
 -v, --validate-with=NAME  With --create-empty: the schema to follow
";

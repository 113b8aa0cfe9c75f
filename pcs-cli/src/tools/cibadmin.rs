//! `cibadmin`: asks the document and changes it.

use std::fmt::Write as _;

use cib::acl::Permissions;
use cib::edit::{self, Request, Target};
use cib::{Element, digest, xpath};
use model::ExitCode;

use crate::cib_source::{CibSource, SourceError};

use super::answer::{Answer, VERSION, xml_input};
use super::options::{Options, Spec, Takes};

const SPECS: [Spec; 34] = [
    ('?', "help", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('u', "upgrade", Takes::Nothing),
    ('Q', "query", Takes::Nothing),
    ('E', "erase", Takes::Nothing),
    ('B', "bump", Takes::Nothing),
    ('C', "create", Takes::Nothing),
    ('M', "modify", Takes::Nothing),
    ('P', "patch", Takes::Nothing),
    ('R', "replace", Takes::Nothing),
    ('D', "delete", Takes::Nothing),
    ('d', "delete-all", Takes::Nothing),
    ('a', "empty", Takes::Nothing),
    ('5', "md5-sum", Takes::Nothing),
    ('6', "md5-sum-versioned", Takes::Nothing),
    ('S', "show-access", Takes::Maybe),
    ('f', "force", Takes::Nothing),
    ('t', "timeout", Takes::Value),
    ('U', "user", Takes::Value),
    ('s', "sync-call", Takes::Nothing),
    ('l', "local", Takes::Nothing),
    ('c', "allow-create", Takes::Nothing),
    ('n', "no-children", Takes::Nothing),
    ('X', "xml-text", Takes::Value),
    ('x', "xml-file", Takes::Value),
    ('p', "xml-pipe", Takes::Nothing),
    ('o', "scope", Takes::Value),
    (' ', "obj_type", Takes::Value),
    ('A', "xpath", Takes::Value),
    ('e', "node-path", Takes::Nothing),
    ('N', "node", Takes::Value),
    ('h', "host", Takes::Value),
    ('m', "score", Takes::Nothing),
];

const COMMANDS: [&str; 13] = [
    "upgrade",
    "query",
    "erase",
    "bump",
    "create",
    "modify",
    "patch",
    "replace",
    "delete",
    "delete-all",
    "empty",
    "md5-sum",
    "md5-sum-versioned",
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).print()
}

fn answer(arguments: &[String]) -> Answer {
    let options = match Options::parse(arguments, &SPECS) {
        Ok(options) => options,
        Err(error) => return usage(&format!("cibadmin: {error}\n")),
    };
    if options.has("help") {
        return Answer::text(USAGE);
    }
    if options.has("version") {
        return Answer::text(VERSION);
    }
    let Some(command) = options.last_of(&COMMANDS) else { return usage("") };
    if matches!(command, "erase" | "delete-all" | "upgrade") && !options.has("force") {
        return Answer::fail(
            ExitCode::Unsafe,
            "The supplied command is considered dangerous.  To prevent accidental destruction of \
             the cluster, the --force flag is required in order to proceed.",
        );
    }
    if let Some(word) = options.words.first().filter(|_| command != "empty") {
        return usage(&format!("cibadmin: `{word}` is no option\n"));
    }
    if command == "empty" {
        return empty(&options);
    }
    let xml = match xml_input(&options).transpose() {
        Ok(xml) => xml,
        Err(error) => return Answer::fail(ExitCode::Config, error),
    };
    match command {
        "md5-sum" | "md5-sum-versioned" => sum(command, xml.as_ref()),
        "query" => query(&options),
        _ => match request(command, &options, xml) {
            Ok(request) => change(&options, &request),
            Err(error) => Answer::fail(ExitCode::Usage, error),
        },
    }
}

fn usage(first: &str) -> Answer {
    Answer { err: format!("{first}{USAGE}"), code: Some(ExitCode::Usage), ..Answer::default() }
}

fn empty(options: &Options) -> Answer {
    let mut document = edit::empty();
    if let Some(schema) = options.words.first() {
        document.set("validate-with", schema.as_str());
    }
    Answer::text(document.to_xml())
}

fn sum(command: &str, xml: Option<&Element>) -> Answer {
    let Some(xml) = xml else {
        return Answer::fail(ExitCode::Usage, "Please supply XML to process with -X, -x or -p");
    };
    let (label, digest) = if command == "md5-sum" {
        ("Digest: ".to_owned(), digest::v1(xml))
    } else {
        (format!("Versioned ({}) digest: ", edit::FEATURE_SET), digest::v2(xml))
    };
    Answer { out: format!("{digest}\n"), err: label, code: None }
}

fn target(options: &Options) -> Target {
    if let Some(xpath) = options.value("xpath") {
        Target::XPath(xpath.to_owned())
    } else {
        match options.value("scope").or_else(|| options.value("obj_type")) {
            Some("" | "all" | "cib") | None => Target::Document,
            Some(section) => Target::Section(section.to_owned()),
        }
    }
}

fn request(command: &str, options: &Options, xml: Option<Element>) -> Result<Request, String> {
    let target = target(options);
    let needed = |xml: Option<Element>| {
        xml.ok_or_else(|| {
            format!(
                "cibadmin: --{command} needs XML; give it with --xml-text, --xml-file or --xml-pipe"
            )
        })
    };
    Ok(match command {
        "create" => Request::Create { target, xml: needed(xml)? },
        "modify" => {
            Request::Modify { target, xml: needed(xml)?, allow_create: options.has("allow-create") }
        }
        "replace" => Request::Replace { target, xml: needed(xml)? },
        "delete" | "delete-all" => {
            // an XPath says it all
            let xml = xml.filter(|_| !matches!(target, Target::XPath(_)));
            match command {
                "delete" => Request::Delete { target, xml },
                _ => Request::DeleteAll { target, xml },
            }
        }
        "patch" => Request::Patch(needed(xml)?),
        "upgrade" => Request::Upgrade,
        "erase" => Request::Erase,
        _ => Request::Bump,
    })
}

fn change(options: &Options, request: &Request) -> Answer {
    let mut source = match CibSource::open() {
        Ok(source) => source,
        Err(error) => return not_connected(&error),
    };
    let changed = allowed(options, &mut source, request).and_then(|()| source.send(request));
    match changed {
        Ok(()) => Answer::default(),
        Err(error) => failed(&error, Some(request)),
    }
}

/// The cluster checks who may change what; for a file nobody else does.
fn allowed(
    options: &Options,
    source: &mut CibSource,
    request: &Request,
) -> Result<(), SourceError> {
    if source.is_live() {
        return Ok(());
    }
    let document = source.query()?;
    match permissions(options, &document) {
        Permissions::All => Ok(()),
        listed @ Permissions::Listed { .. } => {
            listed.apply(&document, request)?;
            Ok(())
        }
    }
}

fn not_connected(error: &SourceError) -> Answer {
    let code = error.code();
    Answer::fail(
        code,
        format!(
            "Could not connect to the CIB: {}\nInit failed, could not perform requested operations",
            error.chain()
        ),
    )
}

/// The words that the established tool has for an exit status; scripts look for them.
fn call_failed(code: ExitCode) -> &'static str {
    match code {
        ExitCode::NoSuch => "No such device or address",
        ExitCode::Exists => "File exists",
        ExitCode::Config => "Update does not conform to the configured schema",
        ExitCode::Old => "Update was older than existing configuration",
        ExitCode::Digest => "Application of update diff failed",
        ExitCode::InsufficientPriv | ExitCode::NoPerm => "Permission denied",
        ExitCode::Quorum => "Operation requires quorum",
        ExitCode::Disconnect => "Transport endpoint is not connected",
        ExitCode::Usage => "Invalid argument",
        other => other.text(),
    }
}

fn failed(error: &SourceError, request: Option<&Request>) -> Answer {
    let reason = match error {
        SourceError::File { .. } | SourceError::NotXml { .. } => return not_connected(error),
        _ => call_failed(error.code()),
    };
    let mut answer =
        Answer::fail(error.code(), format!("Call failed: {reason} ({})", error.chain()));
    if let (ExitCode::Exists, Some(Request::Create { xml, .. })) = (error.code(), request) {
        let mut update = Element::new("failed_update");
        if let Some(id) = xml.id() {
            update.set("id", id);
        }
        update.set("object_type", xml.name());
        update.set("operation", "cib_create");
        update.set("reason", reason);
        update.push(xml.clone());
        answer.out = Element::new("failed").with_child(update).to_xml();
    }
    answer
}

fn query(options: &Options) -> Answer {
    let document = match CibSource::open().map(|mut source| source.query()) {
        Ok(Ok(document)) => document,
        Ok(Err(error)) => return failed(&error, None),
        Err(error) => return not_connected(&error),
    };
    let Some(document) = permissions(options, &document).readable(&document) else {
        return Answer::fail(ExitCode::InsufficientPriv, "Call failed: Permission denied");
    };
    let bare = |element: &Element| {
        if options.has("no-children") { element.without_content() } else { element.clone() }
    };
    match target(options) {
        Target::XPath(text) => {
            let shown = match (options.has("node-path"), options.has("no-children")) {
                (true, true) => Shown::Ids,
                (true, false) => Shown::Paths,
                (false, _) => Shown::Elements,
            };
            query_xpath(&document, &text, shown, &bare)
        }
        Target::Section(name) => match edit::section(&document, &name) {
            Some(section) => Answer::text(bare(section).to_xml()),
            None => no_such(&format!("the document has no section `{name}`")),
        },
        Target::Document => Answer::text(bare(&document).to_xml()),
    }
}

/// What `--user` or `CIB_user` may see; without either the cluster itself has decided.
fn permissions(options: &Options, document: &Element) -> Permissions {
    let user = match options.value("user") {
        Some(user) => Some(user.to_owned()),
        None => std::env::var("CIB_user").ok().filter(|user| !user.is_empty()),
    };
    user.map_or(Permissions::All, |user| Permissions::of(document, &user, &groups(&user)))
}

/// Returns the names of the groups a user of this host is in.
fn groups(user: &str) -> Vec<String> {
    let Ok(Some(account)) = nix::unistd::User::from_name(user) else { return Vec::new() };
    let Ok(name) = std::ffi::CString::new(user) else { return Vec::new() };
    nix::unistd::getgrouplist(&name, account.gid)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|gid| nix::unistd::Group::from_gid(gid).ok().flatten())
        .map(|group| group.name)
        .collect()
}

fn no_such(why: &str) -> Answer {
    let reason = call_failed(ExitCode::NoSuch);
    Answer::fail(ExitCode::NoSuch, format!("Call failed: {reason} ({why})"))
}

/// What is shown of what an XPath finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Elements,
    Paths,
    /// Of those that have one.
    Ids,
}

fn query_xpath(
    document: &Element,
    text: &str,
    shown: Shown,
    bare: &impl Fn(&Element) -> Element,
) -> Answer {
    let found = match xpath::select(document, text) {
        Ok(found) => found,
        Err(error) => return no_such(&error.to_string()),
    };
    match found.as_slice() {
        [] => no_such(&format!("the XPath {text} finds nothing")),
        _ if shown == Shown::Ids => {
            let ids = found.iter().filter_map(|one| one.element.id());
            Answer::text(ids.map(|id| format!("{id}\n")).collect::<String>())
        }
        _ if shown == Shown::Paths => {
            Answer::text(found.iter().fold(String::new(), |mut out, one| {
                let _infallible = writeln!(out, "{}", one.path());
                out
            }))
        }
        [one] => Answer::text(bare(one.element).to_xml()),
        many => {
            let mut all = Element::new("xpath-query");
            for one in many {
                all.push(bare(one.element));
            }
            Answer::text(all.to_xml())
        }
    }
}

const USAGE: &str = "\
cibadmin - query and edit the cluster's configuration
Usage: cibadmin <command> [options]
Options:
 -?, --help               This text
 -$, --version            Version information
 -V, --verbose            Say more (accepted, nothing more to say)

Commands:
 -u, --upgrade            Upgrade the configuration to the latest syntax (needs --force)
 -Q, --query              Query the contents of the CIB
 -E, --erase              Erase the contents of the whole CIB (needs --force)
 -B, --bump               Increase the CIB's epoch value by 1
 -C, --create             Create an object in the CIB (fails if it exists)
 -M, --modify             Find an object anywhere in the CIB and update it
                          (fails if it does not exist unless -c is also given)
 -P, --patch              Supply an update in the form of an XML diff (see crm_diff)
 -R, --replace            Recursively replace an object in the CIB
 -D, --delete             Delete the first object that matches, such as
                          <op id=\"rsc1_op1\" name=\"monitor\"/>; name and all attributes must match
 -d, --delete-all         Delete all objects that match (needs --force)
 -a, --empty [SCHEMA]     Output an empty CIB
 -5, --md5-sum            Calculate the on-disk CIB digest
 -6, --md5-sum-versioned  Calculate an on-the-wire versioned CIB digest

Additional options:
 -f, --force
 -U, --user=NAME          With --query: show what this user may read
 -c, --allow-create       With --modify: create the object if it does not exist
 -n, --no-children        When querying an object, leave out what is inside it
 -l, --local, -s, --sync-call, -t, --timeout=S, -N, --node=NAME
                          Accepted; every node answers for the whole cluster

Data:
 -X, --xml-text=XML       Take XML from this text
 -x, --xml-file=FILE      Take XML from this file
 -p, --xml-pipe           Take XML from standard input
 -o, --scope=SECTION      Limit the command to one section: configuration, nodes, resources,
                          constraints, crm_config, rsc_defaults, op_defaults, acls,
                          fencing-topology, tags, alerts, status
 -A, --xpath=XPATH        Limit the command to what an XPath finds
 -e, --node-path          With --query --xpath: return the paths of what is found;
                          with --no-children, too, their ids

Examples:

  cibadmin --query --scope crm_config
  cibadmin --query --xpath \"//nvpair[@name='target-role']\"
  cibadmin --delete --xml-text '<primitive id=\"old\"/>'
  cibadmin --replace --scope constraints --xml-file constraints.xml
  cibadmin --modify --xml-text '<cib admin_epoch=\"admin_epoch++\"/>'
";

#[cfg(test)]
mod tests {
    use cib::upgrade;
    use model::ExitCode;

    use super::{USAGE, answer};

    fn say(words: &[&str]) -> super::Answer {
        answer(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn wrong_usage_exits_64_and_dangerous_commands_want_force() {
        assert_eq!(say(&[]).code, Some(ExitCode::Usage));
        assert_eq!(say(&["--foo"]).code, Some(ExitCode::Usage));
        assert_eq!(say(&["--create"]).code, Some(ExitCode::Usage));
        for command in ["-E", "-u", "-d"] {
            assert_eq!(say(&[command]).code, Some(ExitCode::Unsafe));
        }
        assert_eq!(say(&["--create", "-X", "<a"]).code, Some(ExitCode::Config));
        assert_eq!(say(&["-?"]).out, USAGE);
    }

    #[test]
    fn an_empty_document_names_the_schema_that_was_asked_for() {
        assert!(say(&["--empty"]).out.contains(upgrade::CURRENT));
        assert!(say(&["--empty", "pacemaker-3.0"]).out.contains("\"pacemaker-3.0\""));
    }

    #[test]
    fn sums_are_those_of_the_established_tool() {
        let sum = say(&["-5", "-X", "<parameters/>"]);
        assert_eq!(sum.out, "f2317cad3d54cec5d7d7aa7d0bf35cf8\n");
        assert_eq!(sum.err, "Digest: ");
    }
}

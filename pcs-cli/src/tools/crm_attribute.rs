//! `crm_attribute`: options of the cluster and attributes of nodes. Agents call it often.

use std::fmt::Write as _;

use cib::Element;
use cib::edit::{Request, Target};
use model::ExitCode;
use wire::tools::AttributeRequest;
use wire::tools::attribute_request::Verb;

use crate::cib_source::{CibSource, SourceError};
use crate::live::Live;

use super::answer::Answer;
use super::attrd_updater;
use super::attribute_place::{Place, Section};
use super::frame;
use super::options::{Options, Spec, Takes};

const TOOL: &str = "crm_attribute";

pub(super) const SPECS: [Spec; 26] = [
    ('h', "help", Takes::Nothing),
    ('?', "help-all", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
    ('q', "quiet", Takes::Nothing),
    ('Q', "quiet", Takes::Nothing),
    (' ', "output-as", Takes::Value),
    ('D', "delete", Takes::Nothing),
    ('G', "query", Takes::Nothing),
    ('v', "update", Takes::Value),
    ('i', "id", Takes::Value),
    ('n', "name", Takes::Value),
    ('P', "pattern", Takes::Value),
    ('p', "promotion", Takes::Maybe),
    ('s', "set-name", Takes::Value),
    ('d', "default", Takes::Value),
    ('l', "lifetime", Takes::Value),
    ('N', "node", Takes::Value),
    ('U', "uname", Takes::Value),
    ('t', "type", Takes::Value),
    ('z', "utilization", Takes::Nothing),
    ('!', "inhibit-policy-engine", Takes::Nothing),
    (' ', "attr-name", Takes::Value),
    (' ', "attr-value", Takes::Value),
    (' ', "get-value", Takes::Nothing),
    (' ', "delete-attr", Takes::Nothing),
];

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

/// What an established tool says where there is no such attribute; scripts look for it.
fn no_such() -> Answer {
    fail(ExitCode::NoSuch, "Error performing operation: No such device or address")
}

/// `--promotion` may be followed by its value in a word of its own, unlike other such options.
fn with_promotion(arguments: &[String]) -> Vec<String> {
    let mut words: Vec<String> = Vec::with_capacity(arguments.len());
    let mut rest = arguments.iter().peekable();
    while let Some(word) = rest.next() {
        let bare = word == "--promotion" || word == "-p";
        match rest.peek() {
            Some(value) if bare && !value.starts_with('-') => {
                words.push(format!("--promotion={value}"));
                rest.next();
            }
            _ => words.push(word.clone()),
        }
    }
    words
}

pub(super) fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options = frame::options(TOOL, &with_promotion(arguments), &SPECS, USAGE)?;
    let xml = frame::wants_xml(&options)?;
    asked(&options, arguments, xml).map_err(|answer| frame::failed(TOOL, arguments, xml, answer))
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Command {
    Query,
    Update(String),
    Delete,
}

fn verb(options: &Options) -> Command {
    let given = ["query", "get-value", "delete", "delete-attr", "update", "attr-value"];
    match options.last_of(&given) {
        Some("delete" | "delete-attr") => Command::Delete,
        Some(update @ ("update" | "attr-value")) => {
            Command::Update(options.value(update).unwrap_or_default().to_owned())
        }
        _ => Command::Query,
    }
}

/// The name of the attribute; that of a promotion score is made from its resource.
fn name(options: &Options) -> Result<Option<String>, Answer> {
    if options.has("promotion") {
        let resource = match options.value("promotion") {
            Some(resource) if !resource.is_empty() => resource.to_owned(),
            _ => std::env::var("OCF_RESOURCE_INSTANCE").unwrap_or_default(),
        };
        if resource.is_empty() {
            return Err(fail(
                ExitCode::Usage,
                "-p/--promotion must be called from an OCF resource agent or with a resource ID \
                 specified",
            ));
        }
        return Ok(Some(format!("master-{resource}")));
    }
    Ok(options.value("name").or(options.value("attr-name")).map(str::to_owned))
}

fn section(options: &Options) -> Result<Section, Answer> {
    let lifetime = match options.value("lifetime") {
        None => None,
        Some("reboot" | "status") => Some(Section::Status),
        Some("forever" | "nodes") => Some(Section::Nodes),
        Some(other) => {
            return Err(fail(
                ExitCode::Usage,
                format!("`{other}` is no lifetime of an attribute; use reboot or forever"),
            ));
        }
    };
    let kind = match options.value("type") {
        None => None,
        Some(word) => Some(Section::of(word).ok_or_else(|| {
            fail(
                ExitCode::Usage,
                format!(
                    "`{word}` is no section with attributes; use nodes, status, crm_config, \
                     rsc_defaults, op_defaults or tickets"
                ),
            )
        })?),
    };
    let node = options.has("node") || options.has("uname");
    Ok(match (lifetime, kind) {
        _ if options.has("utilization") => Section::Utilization,
        (_, Some(section)) if !matches!(section, Section::Nodes | Section::Status) => section,
        (Some(section), _) | (None, Some(section)) => section,
        (None, None) if options.has("promotion") => Section::Status,
        (None, None) if node => Section::Nodes,
        (None, None) => Section::Options,
    })
}

fn not_connected(error: &SourceError) -> Answer {
    fail(error.code(), format!("Could not connect to the CIB: {}", error.chain()))
}

/// Returns the name of the node that is meant: the one that is named, the one an agent works for,
/// this one.
fn node_name(options: &Options, live: bool) -> Result<String, Answer> {
    let given = options.value("node").or(options.value("uname"));
    if let Some(node) = given.filter(|node| !matches!(*node, "" | "auto" | "localhost")) {
        return Ok(node.to_owned());
    }
    if let Ok(node) = std::env::var("OCF_RESKEY_CRM_meta_on_node")
        && !node.is_empty()
    {
        return Ok(node);
    }
    if live {
        let info = Live::connect(TOOL).and_then(|mut live| live.info());
        return info.map(|info| info.local_node).map_err(|error| {
            fail(error.code(), format!("Could not connect to the controller: {error}"))
        });
    }
    Ok(nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default())
}

fn asked(options: &Options, arguments: &[String], xml: bool) -> Result<Answer, Answer> {
    let section = section(options)?;
    let verb = verb(options);
    let pattern = pattern(options, section, &verb)?;
    let name = name(options)?;
    if name.is_none() && pattern.is_none() && verb != Command::Query {
        return Err(fail(ExitCode::Usage, "Command requires --name or --pattern argument"));
    }
    let mut source = CibSource::open().map_err(|error| not_connected(&error))?;
    let document = source.query().map_err(|error| not_connected(&error))?;
    let mut place = Place {
        section,
        node: None,
        set: options.value("set-name").map(str::to_owned),
        id: options.value("id").map(str::to_owned),
        name,
        pattern,
    };
    let mut node = None;
    if section.is_of_a_node() {
        let name = node_name(options, source.is_live())?;
        let id = super::attribute_place::node_id(&document, &name).ok_or_else(|| {
            fail(ExitCode::NoSuch, format!("Could not map name={name} to a UUID"))
        })?;
        place.node = Some(id);
        node = Some(name);
    }
    let transient = node.filter(|_| section == Section::Status && source.is_live());
    match (verb, transient) {
        (Command::Query, Some(node)) => {
            query_running(options, &place, &document, &node, arguments, xml)
        }
        (Command::Query, None) => query(options, &place, &document, arguments, xml),
        (verb, Some(node)) => {
            change_running(&place, &document, &node, &verb).map(|said| done(said, arguments, xml))
        }
        (Command::Update(value), None) => {
            update(&mut source, &document, &place, &value).map(|said| done(said, arguments, xml))
        }
        (Command::Delete, None) => {
            delete(&mut source, &document, &place).map(|said| done(said, arguments, xml))
        }
    }
}

/// What is said of a change; in XML, that it was made.
fn done(said: Answer, arguments: &[String], xml: bool) -> Answer {
    if xml { frame::xml(TOOL, arguments, Vec::new()) } else { said }
}

fn pattern(
    options: &Options,
    section: Section,
    verb: &Command,
) -> Result<Option<regex::Regex>, Answer> {
    let Some(text) = options.value("pattern") else { return Ok(None) };
    if *verb != Command::Query && section != Section::Status {
        return Err(fail(
            ExitCode::Usage,
            "Error: pattern can only be used with query, or with till-reboot update or delete",
        ));
    }
    regex::Regex::new(text)
        .map(Some)
        .map_err(|error| fail(ExitCode::Usage, format!("`{text}` is not a valid pattern: {error}")))
}

/// A value as it is shown.
struct Shown {
    id: Option<String>,
    name: String,
    value: String,
}

fn show(
    options: &Options,
    section: Section,
    values: &[Shown],
    arguments: &[String],
    xml: bool,
) -> Answer {
    let scope = section.name();
    if xml {
        let elements = values.iter().map(|shown| {
            let mut element = Element::new("attribute")
                .with("name", shown.name.as_str())
                .with("value", shown.value.as_str());
            if let Some(id) = &shown.id {
                element.set("id", id.as_str());
            }
            element.with("scope", scope)
        });
        return frame::xml(TOOL, arguments, elements.collect());
    }
    Answer::text(values.iter().fold(String::new(), |mut out, shown| {
        let id = shown.id.as_ref().map(|id| format!("id={id} ")).unwrap_or_default();
        let gap = if id.is_empty() { " " } else { "" };
        let _infallible = if options.has("quiet") {
            writeln!(out, "{}", shown.value)
        } else {
            writeln!(out, "scope={scope} {gap}{id}name={} value={}", shown.name, shown.value)
        };
        out
    }))
}

/// Shows what was found, or the value to take for what was not.
fn found_or_default(
    options: &Options,
    place: &Place,
    mut values: Vec<Shown>,
    arguments: &[String],
    xml: bool,
) -> Result<Answer, Answer> {
    if values.is_empty() {
        let Some(value) = options.value("default") else { return Err(no_such()) };
        values.push(Shown {
            id: None,
            name: place.name.clone().unwrap_or_default(),
            value: value.to_owned(),
        });
    }
    Ok(show(options, place.section, &values, arguments, xml))
}

fn query(
    options: &Options,
    place: &Place,
    document: &Element,
    arguments: &[String],
    xml: bool,
) -> Result<Answer, Answer> {
    let named = place.id.is_some();
    let values = place.find(document).into_iter().map(|pair| Shown {
        id: pair.id().filter(|_| named).map(str::to_owned),
        name: pair.get("name").unwrap_or_default().to_owned(),
        value: pair.get("value").unwrap_or_default().to_owned(),
    });
    found_or_default(options, place, values.collect(), arguments, xml)
}

/// The members themselves know what lives as long as a membership, private attributes too.
fn query_running(
    options: &Options,
    place: &Place,
    document: &Element,
    node: &str,
    arguments: &[String],
    xml: bool,
) -> Result<Answer, Answer> {
    if place.id.is_some() || place.set.is_some() {
        return query(options, place, document, arguments, xml);
    }
    let request = AttributeRequest {
        verb: Verb::Query as i32,
        node: node.to_owned(),
        name: if place.pattern.is_some() {
            String::new()
        } else {
            place.name.clone().unwrap_or_default()
        },
        ..AttributeRequest::default()
    };
    let reply = Live::connect(TOOL)
        .and_then(|mut live| live.attributes(request))
        .map_err(|error| fail(error.code(), format!("Could not connect to the CIB: {error}")))?;
    match ExitCode::from_code(reply.code) {
        ExitCode::Ok | ExitCode::NoSuch => {}
        code => return Err(fail(code, reply.message)),
    }
    let wanted = |name: &str| place.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
    let values = reply.values.into_iter().filter(|value| wanted(&value.name)).map(|value| Shown {
        id: None,
        name: value.name,
        value: value.value,
    });
    found_or_default(options, place, values.collect(), arguments, xml)
}

fn change_running(
    place: &Place,
    document: &Element,
    node: &str,
    verb: &Command,
) -> Result<Answer, Answer> {
    let mut live = Live::connect(TOOL)
        .map_err(|error| fail(error.code(), format!("Could not connect to the CIB: {error}")))?;
    let names: Vec<String> = match (&place.pattern, &place.name) {
        (Some(_), _) => place
            .find(document)
            .into_iter()
            .filter_map(|pair| pair.get("name").map(str::to_owned))
            .collect(),
        (None, name) => name.iter().cloned().collect(),
    };
    for name in names {
        let mut request = AttributeRequest {
            name,
            node: node.to_owned(),
            set: place.set.clone().unwrap_or_default(),
            verb: Verb::Delete as i32,
            ..AttributeRequest::default()
        };
        if let Command::Update(value) = verb {
            request.verb = Verb::Update as i32;
            request.value.clone_from(value);
        }
        attrd_updater::change(&mut live, request)?;
    }
    Ok(Answer::default())
}

fn refused(error: &SourceError, what: &str) -> Answer {
    fail(error.code(), format!("Error {what}: {}", error.chain()))
}

/// Says which of several to name.
fn several(place: &Place, found: &[&Element]) -> Answer {
    let name = place.name.as_deref().unwrap_or_default();
    let mut text = format!("Multiple attributes match name={name}");
    for pair in found {
        let _infallible = write!(
            text,
            "\n  Value: {} \t(id={})",
            pair.get("value").unwrap_or_default(),
            pair.id().unwrap_or_default()
        );
    }
    text.push_str("\nPlease choose from one of the matches above and supply the 'id' with --id");
    fail(ExitCode::Multiple, text)
}

fn update(
    source: &mut CibSource,
    document: &Element,
    place: &Place,
    value: &str,
) -> Result<Answer, Answer> {
    let found = place.find(document);
    if place.pattern.is_none() && found.len() > 1 {
        return Err(several(place, &found));
    }
    // an option's section may have to be made first
    let target = || match place.section.document_section() {
        section @ ("nodes" | "status") => Target::Section(section.to_owned()),
        _ => Target::Document,
    };
    let requests = if found.is_empty() {
        let xml = place.new_pair(document, value).ok_or_else(no_such)?;
        vec![Request::Modify { target: target(), xml, allow_create: true }]
    } else {
        found
            .iter()
            .map(|pair| {
                let xml = Element::new("nvpair")
                    .with("id", pair.id().unwrap_or_default())
                    .with("name", pair.get("name").unwrap_or_default())
                    .with("value", value);
                Request::Modify { target: target(), xml, allow_create: false }
            })
            .collect()
    };
    for request in requests {
        source.send(&request).map_err(|error| {
            let name = place.name.as_deref().unwrap_or_default();
            let set = place.set.as_deref().unwrap_or("<null>");
            let section = place.section.name();
            refused(&error, &format!("setting {name}={value} (section={section}, set={set})"))
        })?;
    }
    Ok(Answer::default())
}

fn delete(source: &mut CibSource, document: &Element, place: &Place) -> Result<Answer, Answer> {
    let found = place.find(document);
    if place.pattern.is_none() && found.len() > 1 {
        return Err(several(place, &found));
    }
    let mut text = String::new();
    for pair in found {
        let id = pair.id().unwrap_or_default();
        let request = Request::Delete {
            target: Target::Section(place.section.document_section().to_owned()),
            xml: Some(Element::new("nvpair").with("id", id)),
        };
        source.send(&request).map_err(|error| refused(&error, &format!("deleting {id}")))?;
        let kind = if place.section.is_of_a_node() { "attribute" } else { "option" };
        let name = pair.get("name").unwrap_or_default();
        let _infallible =
            writeln!(text, "Deleted {} {kind}: id={id} name={name}", place.section.name());
    }
    Ok(Answer::text(text))
}

const USAGE: &str = "\
crm_attribute - query and change options of the cluster and attributes of nodes
Usage: crm_attribute <command> -n NAME [options]

Commands (without one: query):
 -G, --query              Query the current value
 -v, --update=VALUE       Set the value
 -D, --delete             Delete the attribute or option

Which attribute:
 -n, --name=NAME          Its name; for queries not needed: all are shown then
 -P, --pattern=REGEX      All whose name matches (with -G, or with -v, -D and -l reboot)
 -p, --promotion[=RES]    The promotion score of a resource: RES, or the one an agent runs for
 -N, --node=NODE          An attribute of this node (not an option of the cluster)
 -l, --lifetime=LIFETIME  reboot: as long as the node's membership; forever: until deleted
 -z, --utilization        A utilization attribute of the node
 -t, --type=SECTION       nodes, status, crm_config, rsc_defaults, op_defaults, tickets
 -s, --set-name=ID        In the set with this XML id
 -i, --id=ID              With this XML id

Options:
 -d, --default=VALUE      Show this where there is none
 -q, --quiet              Show the value only
     --output-as=FORMAT   text or xml
 -h, --help               This text
 -$, --version            Version information

Examples:

  crm_attribute --node ser1 --name location --update office
  crm_attribute --node ser1 --name location --query
  crm_attribute --name stonith-enabled --query --quiet
  crm_attribute --promotion=db --node ser1 --update 100
";

#[cfg(test)]
mod tests {
    use model::ExitCode;

    use super::super::options::Options;
    use super::{Command, SPECS, Section, name, section, verb, with_promotion};

    fn options(words: &[&str]) -> Options {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        Options::parse(&with_promotion(&words), &SPECS).unwrap()
    }

    #[test]
    fn the_forms_of_agents_mean_what_they_mean_elsewhere() {
        for (words, expected) in [
            (&["-n", "a", "-G"][..], Section::Options),
            (&["-N", "ser1", "-n", "a", "-G"], Section::Nodes),
            (&["-N", "ser1", "-n", "a", "-l", "reboot", "-v", "1"], Section::Status),
            (&["-t", "status", "-n", "terminate", "-N", "x", "-v", "true"], Section::Status),
            (&["-t", "reboot", "-n", "a", "-v", "true"], Section::Status),
            (&["-l", "forever", "-n", "a"], Section::Nodes),
            (&["-N", "x", "-z", "-n", "cpu", "-G"], Section::Utilization),
            (&["-p", "db", "-v", "1"], Section::Status),
            (&["-p", "db", "-l", "forever", "-v", "1"], Section::Nodes),
            (&["-t", "rsc_defaults", "-n", "a"], Section::ResourceDefaults),
        ] {
            assert_eq!(section(&options(words)).unwrap(), expected, "{words:?}");
        }
        let bad = section(&options(&["-l", "long", "-n", "a"])).unwrap_err();
        assert_eq!(bad.code, Some(ExitCode::Usage));
    }

    #[test]
    fn promotion_scores_are_named_after_their_resource() {
        for words in
            [&["-p", "db", "-G"][..], &["--promotion=db"], &["--promotion", "db"], &["-pdb"]]
        {
            assert_eq!(name(&options(words)).unwrap().as_deref(), Some("master-db"), "{words:?}");
        }
        assert_eq!(verb(&options(&["-n", "a", "-v", "1"])), Command::Update("1".into()));
        assert_eq!(verb(&options(&["-n", "a", "-D"])), Command::Delete);
        assert_eq!(verb(&options(&["-n", "a"])), Command::Query);
    }
}

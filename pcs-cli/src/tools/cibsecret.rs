//! `cibsecret`: parameters whose values are kept out of the document, in files of each node.
//!
//! The values travel from pcsd to pcsd, as the other files of the cluster do; a node that can't be reached is named.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cib::Element;
use cib::edit::{Request as Edit, Target};
use exec::secrets::{MARK, SecretError, Secrets};
use model::ExitCode;
use pcs::cluster::protocol::{FileKind, FileRequest, FilesAnswer, Request};

use crate::cib_source::CibSource;
use crate::pcs::context::Failure;
use crate::pcs::hosts;
use crate::pcs::peers::{Fields, Peer, ask_all};

use super::answer::{Answer, VERSION};
use super::options::{Options, Spec, Takes};
use super::resource_parameters::pair_id;

const TOOL: &str = "cibsecret";

const SPECS: [Spec; 4] = [
    ('h', "help", Takes::Nothing),
    ('$', "version", Takes::Nothing),
    ('C', "no-cib", Takes::Nothing),
    ('V', "verbose", Takes::Nothing),
];

/// How long a node may take to store a value.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the tool.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    answer(arguments).unwrap_or_else(|answer| answer).print()
}

fn fail(code: ExitCode, text: impl std::fmt::Display) -> Answer {
    Answer::fail(code, format!("{TOOL}: {text}"))
}

fn usage() -> Answer {
    Answer { err: USAGE.to_owned(), code: Some(ExitCode::Usage), ..Answer::default() }
}

fn answer(arguments: &[String]) -> Result<Answer, Answer> {
    let options =
        Options::parse(arguments, &SPECS).map_err(|error| fail(ExitCode::Usage, error))?;
    if options.has("help") {
        return Ok(Answer::text(USAGE));
    }
    if options.has("version") {
        return Ok(Answer::text(VERSION));
    }
    let without_cib = options.has("no-cib");
    let words: Vec<&str> = options.words.iter().map(String::as_str).collect();
    let secrets = Secrets::below(hosts::paths().secrets_dir());
    match words.as_slice() {
        ["sync"] => sync(&secrets),
        ["stash" | "unstash", _, _] if without_cib => {
            Err(fail(ExitCode::Usage, format!("-C can't be used with {}", words[0])))
        }
        [command, resource, parameter, value @ ..] => {
            let mut call = Call { secrets, resource, parameter, document: None };
            if !without_cib {
                call.document = Some(Document::open(resource)?);
            }
            match (*command, value) {
                ("set", [value]) => call.set(value),
                ("get", []) => Ok(Answer::text(format!("{}\n", call.value()?))),
                ("check", []) => call.check(),
                ("stash", []) => call.stash(),
                ("unstash", []) => call.unstash(),
                ("delete", []) => call.delete(),
                _ => Err(usage()),
            }
        }
        _ => Err(usage()),
    }
}

/// The document, and the resource in it.
struct Document {
    source: CibSource,
    element: Element,
}

impl Document {
    fn open(resource: &str) -> Result<Self, Answer> {
        let cluster = |error: crate::cib_source::SourceError| {
            fail(error.code(), format!("Could not connect to the CIB: {}", error.chain()))
        };
        let mut source = CibSource::open().map_err(cluster)?;
        let document = source.query().map_err(cluster)?;
        let element = pcs::resource::find(&document, resource).cloned();
        let missing = || {
            let near = pcs::resource::near(&document, resource);
            let hint = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            fail(ExitCode::NoSuch, format!("Resource '{resource}' not found{hint}"))
        };
        Ok(Self { source, element: element.ok_or_else(missing)? })
    }

    /// Returns what stands in the document for a parameter.
    fn value(&self, parameter: &str) -> Option<&str> {
        Some(self.pair(parameter)?.1.get("value").unwrap_or_default())
    }

    fn pair(&self, parameter: &str) -> Option<(&Element, &Element)> {
        let sets = self.element.children_named("instance_attributes");
        let mut pairs =
            sets.flat_map(|set| set.children_named("nvpair").map(move |pair| (set, pair)));
        pairs.find(|(_, pair)| pair.get("name") == Some(parameter))
    }

    fn set(&mut self, parameter: &str, value: &str) -> Result<(), Answer> {
        let id = self.element.id().unwrap_or_default();
        let (set, pair) = match self.pair(parameter) {
            Some((set, pair)) => (set.id().map(str::to_owned), pair.id().map(str::to_owned)),
            None => {
                let first = self.element.child("instance_attributes").and_then(Element::id);
                (first.map(str::to_owned), None)
            }
        };
        let set = set.unwrap_or_else(|| format!("{id}-instance_attributes"));
        let pair = pair.unwrap_or_else(|| pair_id(&set, parameter));
        let pair =
            Element::new("nvpair").with("id", pair).with("name", parameter).with("value", value);
        let set = Element::new("instance_attributes").with("id", set).with_child(pair);
        let xml = Element::new(self.element.name()).with("id", id).with_child(set);
        let target = Target::Section("resources".to_owned());
        self.change(&Edit::Modify { target, xml, allow_create: false })
    }

    fn delete(&mut self, parameter: &str) -> Result<(), Answer> {
        let Some((_, pair)) = self.pair(parameter) else { return Ok(()) };
        let xml = Element::new("nvpair").with("id", pair.id().unwrap_or_default());
        let target = Target::Section("resources".to_owned());
        self.change(&Edit::Delete { target, xml: Some(xml) })
    }

    fn change(&mut self, edit: &Edit) -> Result<(), Answer> {
        let failed = |error: crate::cib_source::SourceError| fail(error.code(), error.chain());
        self.source.send(edit).map_err(failed)
    }
}

/// One command about one parameter.
struct Call<'a> {
    secrets: Secrets,
    resource: &'a str,
    parameter: &'a str,
    /// None when it is left alone.
    document: Option<Document>,
}

impl Call<'_> {
    fn value(&self) -> Result<String, Answer> {
        self.secrets.read(self.resource, self.parameter).map_err(|error| refused(&error))
    }

    /// Keeps a value on all nodes; says which have not taken it.
    fn keep(&self, value: &str) -> Result<String, Answer> {
        let kept = self.secrets.write(self.resource, self.parameter, value);
        kept.map_err(|error| refused(&error))?;
        let name = format!("{}/{}", self.resource, self.parameter);
        Ok(everywhere(Request::PutFile, &[(name, value.to_owned())]))
    }

    /// Forgets a value on all nodes; says which have not.
    fn forget(&self) -> Result<String, Answer> {
        let was = self.secrets.remove(self.resource, self.parameter);
        let _whether_it_was_here = was.map_err(|error| refused(&error))?;
        let name = format!("{}/{}", self.resource, self.parameter);
        Ok(everywhere(Request::RemoveFile, &[(name, String::new())]))
    }

    fn set(&mut self, value: &str) -> Result<Answer, Answer> {
        // the value first: what finds the mark must find the value
        let remark = self.keep(value)?;
        if let Some(document) = &mut self.document
            && document.value(self.parameter) != Some(MARK)
        {
            document.set(self.parameter, MARK)?;
        }
        Ok(Answer { err: remark, ..Answer::default() })
    }

    fn check(&self) -> Result<Answer, Answer> {
        if let Some(document) = &self.document {
            self.is_secret(document)?;
        }
        self.value().map(|_| Answer::default())
    }

    fn stash(&mut self) -> Result<Answer, Answer> {
        let (resource, parameter) = (self.resource, self.parameter);
        let Some(value) = self.document.as_ref().and_then(|document| document.value(parameter))
        else {
            return Err(fail(
                ExitCode::NoSuch,
                format!("{resource} has no parameter `{parameter}` in the CIB; 'set' makes one"),
            ));
        };
        if value == MARK {
            return Err(fail(
                ExitCode::Exists,
                format!("the value of `{parameter}` of {resource} is kept out of the CIB already"),
            ));
        }
        let value = value.to_owned();
        self.set(&value)
    }

    fn unstash(&mut self) -> Result<Answer, Answer> {
        let value = self.value()?;
        if let Some(document) = &mut self.document {
            match document.value(self.parameter) {
                Some(MARK) => document.set(self.parameter, &value)?,
                // somebody has written another one meanwhile
                _ => self.is_secret_now()?,
            }
        }
        let remark = self.forget()?;
        Ok(Answer { err: remark, ..Answer::default() })
    }

    fn delete(&mut self) -> Result<Answer, Answer> {
        // the document first: what finds the mark must find the value
        if let Some(document) = &mut self.document {
            document.delete(self.parameter)?;
        }
        let remark = self.forget()?;
        Ok(Answer { err: remark, ..Answer::default() })
    }

    fn is_secret_now(&self) -> Result<(), Answer> {
        self.document.as_ref().map_or(Ok(()), |document| self.is_secret(document))
    }

    /// Refuses a parameter whose value the document tells.
    fn is_secret(&self, document: &Document) -> Result<(), Answer> {
        let (resource, parameter) = (self.resource, self.parameter);
        match document.value(parameter) {
            Some(MARK) => Ok(()),
            Some(_) => Err(fail(
                ExitCode::Error,
                format!(
                    "the value of `{parameter}` of {resource} is in the CIB; 'stash' takes it out"
                ),
            )),
            None => Err(fail(
                ExitCode::NoSuch,
                format!("{resource} has no parameter `{parameter}` in the CIB"),
            )),
        }
    }
}

fn refused(error: &SecretError) -> Answer {
    let code = match error {
        SecretError::Missing { .. } => ExitCode::NoSuch,
        SecretError::Mismatch { .. } => ExitCode::Digest,
        SecretError::Name(_) => ExitCode::Usage,
        SecretError::File { .. } => ExitCode::CantCreat,
    };
    fail(code, error)
}

/// Brings all values of this node to the others.
fn sync(secrets: &Secrets) -> Result<Answer, Answer> {
    let mut values = Vec::new();
    for (resource, parameter) in secrets.all() {
        let value = secrets.read(&resource, &parameter).map_err(|error| refused(&error))?;
        values.push((format!("{resource}/{parameter}"), value));
    }
    if values.is_empty() {
        return Ok(Answer {
            err: format!("{TOOL}: this node has no secrets\n"),
            ..Answer::default()
        });
    }
    let err = everywhere(Request::PutFile, &values);
    let code = (!err.is_empty()).then_some(ExitCode::Error);
    Ok(Answer { err, code, ..Answer::default() })
}

/// Has the other nodes keep or forget values; says which could not be told.
fn everywhere(request: Request, values: &[(String, String)]) -> String {
    let (peers, mut missing) = match others() {
        Ok(found) => found,
        Err(why) => return format!("{TOOL}: WARNING: {why}; the other nodes were not told\n"),
    };
    let file = |(name, value): &(String, String)| {
        let data = STANDARD.encode(value);
        let of = FileRequest::of(FileKind::Secret);
        (name.clone(), FileRequest { name: name.clone(), data, rewrite_existing: true, ..of })
    };
    let files: BTreeMap<String, FileRequest> = values.iter().map(file).collect();
    let data = match serde_json::to_string(&files) {
        Ok(data) => data,
        Err(error) => return format!("{TOOL}: WARNING: {error}\n"),
    };
    let fields = |_: &Peer| -> Fields { vec![("data_json", data.clone())] };
    let asked = hosts::run(ask_all(&peers, request, fields, LIMIT, |name, answer| {
        let files = answer.map_err(|trouble| trouble.text(name)).and_then(|answer| {
            serde_json::from_str::<FilesAnswer>(&answer.body).map_err(|error| error.to_string())
        });
        match files {
            Ok(answer) => {
                let bad = answer.files.into_values().filter(|file| !file.code.is_good());
                missing.extend(bad.map(|file| format!("{name}: {}", file.message)));
            }
            Err(why) => missing.push(format!("{name}: {why}")),
        }
    }));
    if let Err(failure) = asked {
        missing.push(text_of(failure));
    }
    missing.sort();
    let mut remark: String =
        missing.iter().map(|why| format!("{TOOL}: WARNING: {why}\n")).collect();
    if !remark.is_empty() {
        remark.push_str(&format!(
            "{TOOL}: run '{TOOL} sync' here before the cluster is started on these nodes\n"
        ));
    }
    remark
}

/// Returns the other nodes of the cluster, and why some of them can't be asked; none where there is no cluster.
fn others() -> Result<(Vec<Peer>, Vec<String>), String> {
    let path = hosts::paths().corosync_conf();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(format!("`{}` can't be read: {error}", path.display())),
    };
    let conf = membership::conf::load(&text, &path.display().to_string())
        .map_err(|error| error.to_string())?;
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let known = hosts::known_hosts().map_err(text_of)?;
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for name in hosts::node_names(&conf) {
        match known.known_hosts.get(&name) {
            Some(host) => peers.push(Peer { name, host: host.clone() }),
            None if name == own => {}
            None => missing
                .push(format!("{name}: this host has no token for it, try 'pcs host auth {name}'")),
        }
    }
    Ok((peers, missing))
}

fn text_of(failure: Failure) -> String {
    match failure {
        Failure::Text(text) => text,
        _ => "the hosts could not be asked".to_owned(),
    }
}

const USAGE: &str = "\
cibsecret - values of parameters that are kept out of the CIB
Usage: cibsecret [options] command [parameters]

Commands:
  set RESOURCE PARAMETER VALUE   Keep a value in a file of each node, where only root can read it;
                                 the CIB says `lrm://` instead
  get RESOURCE PARAMETER         Show a value that is kept here
  check RESOURCE PARAMETER       Check that a value that is kept here is the one that was stored
  stash RESOURCE PARAMETER       Take a value out of the CIB
  unstash RESOURCE PARAMETER     Put a value back into the CIB
  delete RESOURCE PARAMETER      Forget a value, and take the parameter out of the CIB
  sync                           Bring all values of this node to the other nodes

Options:
  -C                             Leave the CIB alone (not with stash and unstash)
  -h, --help                     This text
  -$, --version                  Version information

Values go to the other nodes through their pcsd. One that can't be reached is named; it needs a
'cibsecret sync' before the cluster is started there. A changed value restarts nothing by itself.

Examples:

  cibsecret set fence-a passwd S3cret
  cibsecret stash fence-b passwd
  cibsecret sync
";

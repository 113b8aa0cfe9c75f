//! `pcs config restore`: a cluster as it was when an archive was made. Its hosts forget what they
//! have, and the document of the archive is what the cluster begins with at its next start.

use std::io::Read as _;

use pcs::cluster::protocol::{FileKind, JoinState, Request};
use pcs::text::quoted;

use super::cluster_setup::Steps;
use super::config_backup::{FORM, USERS};
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::peers::{Fields, Peer, ask_all};
use super::tarball::{self, Files};

/// `pcs config restore [--local] [FILE]`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--local", "--request-timeout"])?;
    let backup = match words {
        [] => {
            let mut packed = Vec::new();
            std::io::stdin()
                .lock()
                .read_to_end(&mut packed)
                .or_else(|error| fail(format!("unable to read the tarball: {error}")))?;
            Backup::unpack(&packed)?
        }
        [file] => {
            let packed = std::fs::read(file)
                .or_else(|error| fail(format!("unable to read the tarball '{file}': {error}")))?;
            Backup::unpack(&packed)?
        }
        _ => return Err(Failure::Usage { area: "config", command: "restore" }),
    };
    if !backup.users.is_empty() {
        context.warn(&format!(
            "the users in '{}' of the backup are not restored, add them with 'pcs cluster uidgid \
             add'",
            USERS.0
        ));
    }
    let mut names = backup.nodes()?;
    if context.has("--local") {
        names = vec![this_host(&names)?];
    }
    let peers = hosts::peers(&hosts::known_hosts()?, &names)?;
    stopped(context, &peers)?;
    let limit = hosts::request_timeout(context);
    let steps = Steps { peers: &peers, limit };
    steps.destroy()?;
    steps.put(&backup.keys)?;
    let conf = [(FileKind::CorosyncConf, backup.conf.into_bytes())];
    if context.has("--local") {
        // the other members have a newer log; this host gets the document from them
        return steps.put(&conf);
    }
    steps.put_all(&conf, Some(&backup.document))?;
    progress("The cluster has been restored, start it with 'pcs cluster start --all'.");
    Ok(())
}

/// An archive, taken apart and looked through.
struct Backup {
    keys: Vec<(FileKind, Vec<u8>)>,
    conf: String,
    document: String,
    users: Vec<String>,
}

impl Backup {
    fn unpack(packed: &[u8]) -> Cli<Self> {
        let broken = |why: String| fail(format!("unable to restore the cluster: {why}"));
        let mut files = match tarball::unpack(packed) {
            Ok(files) => files,
            Err(error) => {
                return broken(format!("this is no archive of 'pcs config backup': {error}"));
            }
        };
        let version = text(&mut files, "version.txt")?;
        if version.trim() != FORM {
            return broken(format!(
                "the backup has form '{}', only {FORM} is known",
                version.trim()
            ));
        }
        let conf = text(&mut files, "corosync.conf")?;
        let document = text(&mut files, "cib.xml")?;
        let mut document = match cib::parse(&document) {
            Ok(document) => document,
            Err(error) => {
                return broken(format!("the 'cib.xml' of the backup is no document: {error}"));
            }
        };
        // what ran then is no news
        document.retain_children(|child| child.name() != "status");
        document.push(cib::Element::new("status"));
        if let Some(finding) = cib::validate::errors(&document).first() {
            return broken(format!("the 'cib.xml' of the backup is not valid: {}", finding.what()));
        }
        let document = document.to_xml();
        let kinds = [
            ("corosync_authkey", FileKind::CorosyncAuthkey),
            ("pacemaker_authkey", FileKind::PacemakerAuthkey),
            ("pcs_settings.conf", FileKind::PcsdSettings),
        ];
        let keys: Vec<_> = kinds
            .into_iter()
            .filter_map(|(name, kind)| Some((kind, files.remove(name)?)))
            .collect();
        if !keys.iter().any(|(kind, _)| *kind == FileKind::CorosyncAuthkey) {
            return broken("there is no 'corosync_authkey' in the backup".to_owned());
        }
        let directory = format!("{}/", USERS.0);
        let users = files.into_keys().filter(|name| name.starts_with(&directory)).collect();
        Ok(Self { keys, conf, document, users })
    }

    fn nodes(&self) -> Cli<Vec<String>> {
        let conf = membership::conf::load(&self.conf, "corosync.conf of the backup")
            .or_else(|error| fail(format!("unable to restore the cluster: {error}")))?;
        Ok(hosts::node_names(&conf))
    }
}

fn text(files: &mut Files, name: &str) -> Cli<String> {
    let Some(content) = files.remove(name) else {
        return fail(format!("unable to restore the cluster: there is no '{name}' in the backup"));
    };
    String::from_utf8(content)
        .or_else(|_| fail(format!("unable to restore the cluster: '{name}' is no text")))
}

/// Returns the name of this host among the nodes of the backup.
fn this_host(names: &[String]) -> Cli<String> {
    let own = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let own = own.unwrap_or_default();
    let short = own.split('.').next().unwrap_or_default();
    match names.iter().find(|name| **name == own || *name == short) {
        Some(name) => Ok(name.clone()),
        None => fail(format!(
            "unable to restore the cluster: this host '{own}' is none of the backup's nodes: {}",
            quoted(names)
        )),
    }
}

/// Refuses to take the files away under a cluster that runs.
fn stopped(context: &Context, peers: &[Peer]) -> Cli {
    let (mut running, mut absent) = (Vec::new(), Vec::new());
    let nothing = |_: &Peer| Fields::new();
    let limit = hosts::request_timeout(context);
    hosts::run(ask_all(peers, Request::PacemakerNodeStatus, nothing, limit, |name, answer| {
        match answer {
            Ok(answer) => {
                let state: Option<JoinState> = serde_json::from_str(&answer.body).ok();
                if state.is_some_and(|state| state.online || state.pending) {
                    running.push(name.to_owned());
                }
            }
            Err(trouble) => absent.push(super::cluster::named(name, &trouble)),
        }
    }))?;
    absent.sort();
    for text in &absent {
        print_error(&format!("Error: {text}"));
    }
    if !absent.is_empty() {
        return fail("unable to restore the cluster: all of its nodes have to be reached");
    }
    if running.is_empty() {
        return Ok(());
    }
    fail(format!(
        "Cluster is currently running on {}. You need to stop the cluster in order to restore the \
         configuration.",
        quoted(running)
    ))
}

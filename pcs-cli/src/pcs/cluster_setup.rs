//! `pcs cluster setup`: from hosts that know each other to a cluster, or only to its file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use membership::conf::Document;
use pcs::cluster::known_hosts::{DEFAULT_PORT, KnownHosts};
use pcs::cluster::options::Pairs;
use pcs::cluster::protocol::{
    FileKind, FileRequest, FilesAnswer, HostState, KnownHostsChange, Request,
};
use pcs::cluster::setup::{NewNode, Setup, corosync_conf};
use pcs::text::quoted;

use super::cluster::{each, named, start_on, wait_limit};
use super::cluster_config::{changed_lines, write};
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::peers::{Answer, Fields, Peer, Trouble, ask_all};
use super::words::Sections;

/// As long as corosync's and pacemaker's own tools make them.
const KEY_BYTES: usize = 256;

/// Looking at a host without changing anything.
const CHECK_TIMEOUT: Duration = Duration::from_secs(15);

const LIVE_OPTIONS: [&str; 4] = ["--enable", "--no-keys-sync", "--start", "--wait"];

/// `pcs cluster setup …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let to_file = context.has("--corosync_conf");
    let mut supported = vec![
        "--corosync_conf",
        "--enable",
        "--force",
        "--no-cluster-uuid",
        "--no-keys-sync",
        "--overwrite",
        "--plan",
        "--request-timeout",
        "--start",
        "--wait",
    ];
    if !to_file {
        // The file is made by new scripts only, so the old spelling is for hosts.
        supported.push("--name");
    }
    for old in ["--addr0", "--addr1", "--transport", "--token"] {
        if context.has(old) {
            return fail(format!(
                "Specified option '{old}' is not supported in this command, {}",
                instead_of(old)
            ));
        }
    }
    context.supports(&supported)?;
    let mut words = words.to_vec();
    if let Some(name) = context.arguments.value("--name").map(str::to_owned) {
        context.deprecated(
            "Option '--name' of 'pcs cluster setup' is deprecated, use 'pcs cluster setup NAME \
             NODE...' instead",
        );
        words.insert(0, name);
    }
    if to_file && LIVE_OPTIONS.iter().any(|option| context.has(option)) {
        return fail(format!(
            "Cannot specify any of {} when '--corosync_conf' is specified",
            quoted(LIVE_OPTIONS)
        ));
    }
    let setup = parse(&words)?;
    if to_file { write_file(context, setup) } else { set_up(context, setup) }
}

/// Says how an option of old versions is spelt today.
fn instead_of(old: &str) -> &'static str {
    match old {
        "--token" => "use 'totem token=MILLISECONDS' instead",
        "--transport" => "use 'transport knet|udp|udpu' instead",
        _ => "use 'NODE addr=ADDRESS addr=ADDRESS' to give a node several links",
    }
}

/// Reads `NAME NODE [addr=A]… [transport …] [totem …] [quorum …]`.
fn parse(words: &[String]) -> Cli<Setup> {
    let usage = || Failure::Usage { area: "cluster", command: "setup" };
    let (name, rest) = words.split_first().ok_or_else(usage)?;
    let groups = Sections::split(rest, &["transport", "totem", "quorum"]);
    groups.once()?;
    let mut setup = Setup { name: name.clone(), nodes: nodes(&groups.first)?, ..Setup::default() };
    if setup.nodes.is_empty() {
        return Err(usage());
    }
    if groups.has("transport") {
        transport(&mut setup, &groups.flat("transport"))?;
    }
    setup.totem = pairs(&groups.flat("totem"))?;
    setup.quorum = pairs(&groups.flat("quorum"))?;
    Ok(setup)
}

/// Reads the nodes and their addresses.
fn nodes(words: &[String]) -> Cli<Vec<NewNode>> {
    let mut named: Vec<(&String, Vec<&String>)> = Vec::new();
    for word in words {
        if !word.contains('=') {
            if named.iter().any(|(name, _)| *name == word) {
                return fail(format!("Node name '{word}' defined multiple times"));
            }
            named.push((word, Vec::new()));
            continue;
        }
        match named.last_mut() {
            Some((_, options)) => options.push(word),
            None => return fail(format!("Invalid character '=' in node name '{word}'")),
        }
    }
    named.into_iter().map(|(name, options)| node(name, &options)).collect()
}

/// Reads what is said of a node.
fn node(name: &str, options: &[&String]) -> Cli<NewNode> {
    let mut node = NewNode { name: name.to_owned(), addresses: Vec::new() };
    let mut unknown = Vec::new();
    for word in options {
        match word.split_once('=') {
            Some(("", _)) => return fail(format!("missing key in '{word}' option")),
            Some(("addr", address)) => node.addresses.push(address.to_owned()),
            Some((option, _)) => unknown.push(option),
            None => {}
        }
    }
    if unknown.is_empty() {
        return Ok(node);
    }
    fail(format!("Unknown options {} for node '{name}'", quoted(unknown)))
}

/// Reads `TYPE [options] [link …]… [compression …] [crypto …]`.
fn transport(setup: &mut Setup, words: &[String]) -> Cli {
    let Some((kind, rest)) = words.split_first() else {
        return fail("Transport type not defined");
    };
    let groups = Sections::split(rest, &["link", "compression", "crypto"]);
    setup.transport = Some(kind.clone());
    setup.transport_options = pairs(&groups.first)?;
    setup.compression = pairs(&groups.flat("compression"))?;
    setup.crypto = pairs(&groups.flat("crypto"))?;
    setup.links = groups.each("link").iter().map(|link| pairs(link)).collect::<Cli<_>>()?;
    Ok(())
}

/// Reads `NAME=VALUE`s; options are written in the order of the alphabet.
pub(crate) fn pairs(words: &[String]) -> Cli<Pairs> {
    let mut pairs = super::words::pairs(words)?;
    pairs.sort();
    Ok(pairs)
}

/// Makes random bytes.
pub(crate) fn random(bytes: &mut [u8]) -> Cli {
    use ring::rand::SecureRandom as _;
    ring::rand::SystemRandom::new().fill(bytes).or_else(|_| fail("the kernel gave no random bytes"))
}

/// Makes a new number for a cluster.
pub(crate) fn new_uuid() -> Cli<String> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn document(context: &Context, setup: &mut Setup) -> Cli<Document> {
    if !context.has("--no-cluster-uuid") {
        setup.uuid = Some(new_uuid()?);
    }
    setup.unresolvable = unresolvable(&setup.nodes);
    context.with_reports(|reports| corosync_conf(setup, context.force(), reports))
}

/// Only writes corosync.conf.
fn write_file(context: &mut Context, mut setup: Setup) -> Cli {
    let path = hosts::corosync_conf_path(context);
    for node in &mut setup.nodes {
        if node.addresses.is_empty() {
            progress(&no_addresses(&node.name, &node.name));
            node.addresses.push(node.name.clone());
        }
    }
    let document = document(context, &mut setup)?;
    if path.exists() && !context.has("--overwrite") {
        return fail(format!(
            "Corosync configuration file '{}' already exists, use --overwrite to overwrite existing \
             file(s)",
            path.display()
        ));
    }
    if let Some(planning) = &mut context.planning {
        let mut lines = vec![format!("Write '{}':", path.display())];
        lines.extend(changed_lines("", &document.to_string()));
        planning.tell(lines);
        return Ok(());
    }
    write(&path, &document)
}

fn no_addresses(host: &str, used: &str) -> String {
    format!("No addresses specified for host '{host}', using '{used}'")
}

/// Makes the hosts members of a new cluster. Everything that can be checked is checked first;
/// corosync.conf goes last, because its presence makes a host a member.
fn set_up(context: &mut Context, mut setup: Setup) -> Cli {
    let wait = wait_limit(context)?;
    let start = context.has("--start");
    if wait.is_some() && !start {
        return fail("Cannot specify '--wait' without specifying '--start'");
    }
    let known = hosts::known_hosts()?;
    let names: Vec<String> = setup.nodes.iter().map(|node| node.name.clone()).collect();
    let peers = hosts::peers(&known, &names)?;
    for (node, peer) in setup.nodes.iter_mut().zip(&peers) {
        if node.addresses.is_empty() {
            let address = peer.host.dest_list.first().map_or(&node.name, |first| &first.addr);
            progress(&no_addresses(&node.name, address));
            node.addresses.push(address.clone());
        }
    }
    let document = document(context, &mut setup)?;
    check_hosts(context, &peers)?;
    if context.is_plan() {
        let mut lines = planned_members(context, &names, true);
        let then = lines.split_off(2);
        lines.push(format!("Write corosync.conf on {}:", names.join(", ")));
        lines.extend(changed_lines("", &document.to_string()));
        lines.extend(then);
        if let Some(planning) = &mut context.planning {
            planning.tell(lines);
        }
        return Ok(());
    }
    let limit = hosts::request_timeout(context);
    let steps = Steps { peers: &peers, limit };
    match steps.distribute(&known, &document) {
        Ok(()) => {}
        Err(failure) => {
            let again = if context.force() { "" } else { ", with --force" };
            print_error(&format!(
                "Error: The cluster has not been set up: hosts without corosync.conf are no members. \
                 Mend what is wrong and run the same command again{again}; it begins anew on all \
                 hosts"
            ));
            return Err(failure);
        }
    }
    progress("Cluster has been successfully set up.");
    if context.has("--enable") {
        progress(&format!("Enabling cluster on hosts: {}...", quoted(&names)));
        let failure = "unable to enable all nodes";
        each(&peers, Request::ClusterEnable, &Fields::new(), limit, "Cluster enabled", failure)?;
    }
    if start {
        progress(&format!("Starting cluster on hosts: {}...", quoted(&names)));
        start_on(&peers, true, limit, wait)?;
    }
    Ok(())
}

/// Says what becomes of hosts that are made members: two lines before corosync.conf is written, the
/// rest behind it.
pub(crate) fn planned_members(context: &Context, names: &[String], new: bool) -> Vec<String> {
    let names = names.join(", ");
    let keys = if new { "new keys" } else { "the cluster's keys" };
    let mut lines = vec![
        format!("Destroy what is left of a cluster on {names}"),
        format!("Write {keys} on {names}"),
    ];
    for (option, what) in
        [("--enable", "Let the cluster start with its host"), ("--start", "Start the cluster")]
    {
        if context.has(option) {
            lines.push(format!("{what} on {names}"));
        }
    }
    lines
}

/// Returns the addresses that this host cannot resolve.
fn unresolvable(nodes: &[NewNode]) -> BTreeSet<String> {
    use std::net::ToSocketAddrs as _;
    nodes
        .iter()
        .flat_map(|node| &node.addresses)
        .filter(|address| !address.is_empty())
        .filter(|address| (address.as_str(), DEFAULT_PORT).to_socket_addrs().is_err())
        .cloned()
        .collect()
}

/// Looks at every host before anything is changed anywhere.
pub(crate) fn check_hosts(context: &Context, peers: &[Peer]) -> Cli {
    let mut answers: BTreeMap<String, Result<Answer, Trouble>> = BTreeMap::new();
    let nothing = |_: &Peer| Fields::new();
    hosts::run(ask_all(peers, Request::CheckHost, nothing, CHECK_TIMEOUT, |name, answer| {
        answers.insert(name.to_owned(), answer);
    }))?;
    let mut errors: Vec<String> = Vec::new();
    let mut members = Vec::new();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, answer) in answers {
        let state = answer.and_then(|answer| {
            serde_json::from_str::<HostState>(&answer.body).map_err(|_| {
                Trouble::Refused(format!("{name}: the answer of its pcsd cannot be understood"))
            })
        });
        match state {
            Err(trouble) => errors.push(format!("Error: {}", named(&name, &trouble))),
            Ok(state) => {
                let running: Vec<&String> = state
                    .services
                    .iter()
                    .filter(|(service, state)| state.running && *service != "pcsd")
                    .map(|(service, _)| service)
                    .collect();
                let severity = if context.force() { "Warning" } else { "Error" };
                if !running.is_empty() {
                    errors.push(format!(
                        "{severity}: {name}: Running cluster services: {}, the host seems to be in \
                         a cluster already",
                        quoted(running)
                    ));
                }
                if state.cluster_configuration_exists {
                    errors.push(format!(
                        "{severity}: {name}: Cluster configuration files found, the host seems to \
                         be in a cluster already"
                    ));
                }
                if errors.last().is_some_and(|last| last.contains(&format!(": {name}: "))) {
                    members.push(name.clone());
                }
                if let Some(version) =
                    state.services.get("pacemaker").and_then(|s| s.version.clone())
                {
                    versions.entry(version).or_default().push(name);
                }
            }
        }
    }
    if versions.len() > 1 {
        let lists: Vec<String> = versions
            .iter()
            .map(|(version, names)| format!("{version} on {}", quoted(names)))
            .collect();
        errors.push(format!("Error: Hosts do not have the same version: {}", lists.join("; ")));
    }
    for error in &errors {
        print_error(error);
    }
    if !members.is_empty() && !context.force() {
        print_error(
            "Error: Some nodes are already in a cluster. Enforcing this will destroy existing \
             cluster on those nodes. You should remove the nodes from their clusters instead to \
             keep the clusters working properly, use --force to override",
        );
    }
    if errors.iter().any(|error| error.starts_with("Error")) {
        print_error("Error: Errors have occurred, therefore pcs is unable to continue");
        return Err(Failure::Reported);
    }
    Ok(())
}

/// The changes, on all hosts at once, a kind after the other.
pub(crate) struct Steps<'a> {
    /// The hosts.
    pub(crate) peers: &'a [Peer],
    /// What each request may take.
    pub(crate) limit: Duration,
}

impl Steps<'_> {
    fn names(&self) -> String {
        quoted(self.peers.iter().map(|peer| &peer.name))
    }

    fn distribute(&self, known: &KnownHosts, document: &Document) -> Cli {
        self.destroy()?;
        self.tell_hosts(known)?;
        self.remove_settings()?;
        let (mut corosync, mut pacemaker) = ([0; KEY_BYTES], [0; KEY_BYTES]);
        random(&mut corosync)?;
        random(&mut pacemaker)?;
        self.put(&[
            (FileKind::CorosyncAuthkey, corosync.to_vec()),
            (FileKind::PacemakerAuthkey, pacemaker.to_vec()),
        ])?;
        self.put_all(&[(FileKind::CorosyncConf, document.to_string().into_bytes())], Some(""))
    }

    /// Ends what runs on the hosts and takes their files away.
    pub(crate) fn destroy(&self) -> Cli {
        progress(&format!("Destroying cluster on hosts: {}...", self.names()));
        let good = "Successfully destroyed cluster";
        let limit = self.limit.max(Duration::from_secs(180));
        let failure = "unable to destroy cluster on all hosts";
        each(self.peers, Request::ClusterDestroy, &Fields::new(), limit, good, failure)
    }

    /// Lets the hosts know each other.
    pub(crate) fn tell_hosts(&self, known: &KnownHosts) -> Cli {
        let change = KnownHostsChange {
            known_hosts_add: known.known_hosts.clone(),
            known_hosts_remove: Vec::new(),
        };
        let data = hosts::json(&change)?;
        self.quietly(Request::KnownHostsChange, vec![("data_json", data)])
    }

    /// Takes pcsd's settings of an earlier cluster away.
    pub(crate) fn remove_settings(&self) -> Cli {
        self.take(FileKind::PcsdSettings)
    }

    /// Takes a file away from the hosts.
    pub(crate) fn take(&self, kind: FileKind) -> Cli {
        progress(&format!("Requesting remove '{}' from {}", kind.label(), self.names()));
        let request = FileRequest::of(kind);
        let requests: BTreeMap<&str, FileRequest> = [(kind.label(), request)].into();
        let fields = vec![("data_json", hosts::json(&requests)?)];
        self.files(Request::RemoveFile, fields, &[kind], "successful removal")
    }

    /// Puts files on the hosts.
    pub(crate) fn put(&self, files: &[(FileKind, Vec<u8>)]) -> Cli {
        self.put_all(files, None)
    }

    /// Puts files on the hosts; with `birth` they are those of a cluster that begins with this
    /// document, or with nothing when it is empty.
    pub(crate) fn put_all(&self, files: &[(FileKind, Vec<u8>)], birth: Option<&str>) -> Cli {
        let labels = quoted(files.iter().map(|(kind, _)| kind.label()));
        progress(&format!("Sending {labels} to {}", self.names()));
        let requests: BTreeMap<&str, FileRequest> = files
            .iter()
            .map(|(kind, content)| {
                let data = STANDARD.encode(content);
                let document = birth.unwrap_or_default().to_owned();
                let request = FileRequest {
                    data,
                    rewrite_existing: true,
                    birth: birth.is_some(),
                    document,
                    ..FileRequest::of(*kind)
                };
                (kind.label(), request)
            })
            .collect();
        let fields = vec![("data_json", hosts::json(&requests)?)];
        let kinds: Vec<FileKind> = files.iter().map(|(kind, _)| *kind).collect();
        self.files(Request::PutFile, fields, &kinds, "successful distribution")
    }

    fn files(&self, request: Request, fields: Fields, kinds: &[FileKind], good: &str) -> Cli {
        let mut errors: Vec<String> = Vec::new();
        let asked = ask_all(
            self.peers,
            request,
            |_| fields.clone(),
            self.limit,
            |name, answer| {
                let files =
                    match answer.map(|answer| serde_json::from_str::<FilesAnswer>(&answer.body)) {
                        Ok(Ok(answer)) => answer.files,
                        Ok(Err(error)) => {
                            errors.push(format!(
                                "{name}: the answer of its pcsd cannot be read: {error}"
                            ));
                            return;
                        }
                        Err(trouble) => {
                            errors.push(named(name, &trouble));
                            return;
                        }
                    };
                for label in kinds.iter().map(|kind| kind.label()) {
                    match files.get(label) {
                        Some(outcome) if outcome.code.is_good() => {
                            progress(&format!("{name}: {good} of the file '{label}'"));
                        }
                        Some(outcome) => errors.push(format!(
                            "{name}: unable to handle the file '{label}': {}",
                            outcome.message
                        )),
                        None => {
                            errors.push(format!("{name}: nothing is known of the file '{label}'"))
                        }
                    }
                }
            },
        );
        hosts::run(asked)?;
        report(errors)
    }

    /// Asks for something nobody needs to read about unless it fails.
    pub(crate) fn quietly(&self, request: Request, fields: Fields) -> Cli {
        let mut errors = Vec::new();
        let asked = ask_all(
            self.peers,
            request,
            |_| fields.clone(),
            self.limit,
            |name, answer| {
                if let Err(trouble) = answer {
                    errors.push(named(name, &trouble));
                }
            },
        );
        hosts::run(asked)?;
        report(errors)
    }
}

fn report(mut errors: Vec<String>) -> Cli {
    if errors.is_empty() {
        return Ok(());
    }
    errors.sort();
    for error in errors {
        print_error(&format!("Error: {error}"));
    }
    Err(Failure::Reported)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Setup, String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        parse(&words).map_err(|failure| match failure {
            Failure::Text(text) => text,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn nodes_links_and_options_each_go_to_their_place() {
        let setup = read(
            "c n1 addr=10.0.0.1 addr=10.1.0.1 n2 transport knet link_mode=active link \
             link_priority=1 link linknumber=1 crypto hash=sha1 cipher=aes128 totem token=1000 \
             quorum wait_for_all=1",
        )
        .unwrap();
        assert_eq!(setup.name, "c");
        assert_eq!(setup.nodes[0].addresses, ["10.0.0.1", "10.1.0.1"]);
        assert!(setup.nodes[1].addresses.is_empty());
        assert_eq!(setup.links.len(), 2);
        assert_eq!(setup.crypto[0].0, "cipher", "options are written in order");
        assert_eq!(setup.totem, [("token".to_owned(), "1000".to_owned())]);
        assert_eq!(setup.quorum.len(), 1);
    }

    #[test]
    fn slips_are_named() {
        assert_eq!(read("c n1 port=3").unwrap_err(), "Unknown options 'port' for node 'n1'");
        assert_eq!(read("c n1 n1").unwrap_err(), "Node name 'n1' defined multiple times");
        assert_eq!(read("c n1 transport").unwrap_err(), "Transport type not defined");
        assert_eq!(
            read("c n1 totem token=1 quorum totem").unwrap_err(),
            "'totem' cannot be used more than once"
        );
        assert_eq!(read("c n1 totem token").unwrap_err(), "missing value of 'token' option");
        assert_eq!(
            read("c n1 totem token=1 token=2").unwrap_err(),
            "duplicate option 'token' with different values '1' and '2'"
        );
        assert!(read("c").is_err() && read("").is_err());
    }
}

//! `pcs dr`: two clusters that stand in for each other. Each node keeps a file that names the nodes
//! of the other site; nothing is moved by itself.

use pcs::cluster::protocol::{FileKind, Request};
use serde::{Deserialize, Serialize};

use super::cluster::named;
use super::cluster_setup::Steps;
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts;
use super::json;
use super::peers::{Fields, Peer, ask};

fn usage<T>(command: &'static str) -> Cli<T> {
    Err(Failure::Usage { area: "dr", command })
}

/// What a site is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Role {
    Primary,
    Recovery,
}

impl Role {
    fn title(self) -> &'static str {
        match self {
            Self::Primary => "Primary",
            Self::Recovery => "Recovery",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Local {
    role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Site {
    nodes: Vec<Node>,
    role: Role,
}

/// The file, in pcsd's published form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sites {
    local: Local,
    remote_sites: Vec<Site>,
}

impl Sites {
    fn new(role: Role, other: Role, names: &[String]) -> Self {
        let nodes = names.iter().map(|name| Node { name: name.clone() }).collect();
        Self { local: Local { role }, remote_sites: vec![Site { nodes, role: other }] }
    }

    /// Reads the file of this host; none when there is none.
    fn load() -> Cli<Option<Self>> {
        let path = hosts::paths().pcsd_disaster_recovery();
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).or_else(|error| {
                let path = path.display();
                fail(format!("Unable to read the disaster-recovery file '{path}': {error}"))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => fail(format!("Unable to read '{}': {error}", path.display())),
        }
    }

    fn needed() -> Cli<Self> {
        if let Some(sites) = Self::load()? {
            return Ok(sites);
        }
        print_error("Error: Disaster-recovery is not configured");
        print_error("Error: Errors have occurred, therefore pcs is unable to continue");
        Err(Failure::Reported)
    }

    fn file(&self) -> Cli<(FileKind, Vec<u8>)> {
        let text = serde_json::to_string_pretty(self).or_else(|error| fail(error.to_string()))?;
        Ok((FileKind::DisasterRecovery, text.into_bytes()))
    }
}

/// Runs `pcs dr …`.
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("config" | "show", rest)) => config(context, rest),
        Some(("status", rest)) => status(context, rest),
        Some(("set-recovery-site", rest)) => set(context, rest),
        Some(("destroy", rest)) => destroy(context, rest),
        _ => usage(""),
    }
}

fn config(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--output-format"])?;
    if !words.is_empty() {
        return usage("config");
    }
    let format = context.output_format(&["json", "text"])?;
    let sites = Sites::needed()?;
    if format == "json" {
        context.print(&json::pretty(&sites));
        return Ok(());
    }
    context.print(&format!("Local site:\n  Role: {}", sites.local.role.title()));
    for site in &sites.remote_sites {
        context.print(&format!("Remote site:\n  Role: {}\n  Nodes:", site.role.title()));
        let mut names: Vec<&str> = site.nodes.iter().map(|node| node.name.as_str()).collect();
        names.sort_unstable();
        for name in names {
            context.print(&format!("    {name}"));
        }
    }
    Ok(())
}

/// Asks hosts one after the other until one answers.
fn first(peers: &[Peer], request: Request, fields: &Fields, context: &Context) -> Cli<String> {
    let limit = hosts::request_timeout(context);
    let mut troubles = Vec::new();
    for peer in peers {
        match hosts::run(ask(peer, request, fields, limit))? {
            Ok(answer) => return Ok(answer.body),
            Err(trouble) => troubles.push(named(&peer.name, &trouble)),
        }
    }
    fail(troubles.join("; "))
}

fn set(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--request-timeout"])?;
    let [node] = words else { return usage("set-recovery-site") };
    if Sites::load()?.is_some() {
        return fail("Disaster-recovery already configured, take it back with 'pcs dr destroy'");
    }
    let here = hosts::node_names(&hosts::local_conf(context)?);
    if here.contains(node) {
        return fail(format!(
            "Node '{node}' is part of the local cluster, name one of the other site"
        ));
    }
    let known = hosts::known_hosts()?;
    let asked = hosts::peers(&known, std::slice::from_ref(node))?;
    let text = first(&asked, Request::GetCorosyncConf, &Fields::new(), context)?;
    let other = membership::conf::load(&text, &format!("corosync.conf of {node}"))
        .or_else(|error| fail(error.to_string()))?;
    let there = hosts::node_names(&other);
    let (local, remote) = (hosts::peers(&known, &here)?, hosts::peers(&known, &there)?);
    // sites that know of each other only in part are worse than none that do
    let everybody = [local.clone(), remote.clone()].concat();
    super::cluster_nodes::reachable(context, everybody)?;
    let limit = hosts::request_timeout(context);
    // the other site first: when it can't be told, nothing has changed here
    let steps = [
        (&remote, Sites::new(Role::Recovery, Role::Primary, &here)),
        (&local, Sites::new(Role::Primary, Role::Recovery, &there)),
    ];
    for (peers, sites) in steps {
        Steps { peers, limit }.put(&[sites.file()?])?;
    }
    Ok(())
}

fn status(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--full", "--hide-inactive", "--request-timeout"])?;
    if !words.is_empty() {
        return usage("status");
    }
    let sites = Sites::needed()?;
    let here = hosts::node_names(&hosts::local_conf(context)?);
    let known = hosts::known_hosts()?;
    let mut fields = Fields::new();
    for (option, field) in [("--full", "full"), ("--hide-inactive", "hide_inactive")] {
        if context.has(option) {
            fields.push((field, "1".to_owned()));
        }
    }
    let mut all = vec![("Local", sites.local.role, here)];
    for site in sites.remote_sites {
        let names = site.nodes.into_iter().map(|node| node.name).collect();
        all.push(("Remote", site.role, names));
    }
    let mut failed = false;
    for (number, (which, role, names)) in all.into_iter().enumerate() {
        if number > 0 {
            context.print("");
        }
        context.print(&format!("--- {which} cluster - {} site ---", role.title()));
        // a host that nobody knows can't be asked; one that is known is enough
        let peers: Vec<Peer> = names
            .iter()
            .filter_map(|name| {
                let host = known.known_hosts.get(name)?.clone();
                Some(Peer { name: name.clone(), host })
            })
            .collect();
        let asked = if peers.is_empty() {
            hosts::peers(&known, &names).map(|_| String::new())
        } else {
            first(&peers, Request::ClusterStatus, &fields, context)
        };
        match asked {
            Ok(text) => context.print(text.trim_end()),
            Err(Failure::Text(text)) => {
                failed = true;
                context.print("Error: Unable to get status of the cluster from any node");
                print_error(&format!("Error: {text}"));
            }
            Err(other) => return Err(other),
        }
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

fn destroy(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--request-timeout", "--skip-offline"])?;
    if !words.is_empty() {
        return usage("destroy");
    }
    let sites = Sites::needed()?;
    let mut names = hosts::node_names(&hosts::local_conf(context)?);
    let remote = sites.remote_sites.into_iter().flat_map(|site| site.nodes);
    names.extend(remote.map(|node| node.name));
    let peers = hosts::peers(&hosts::known_hosts()?, &names)?;
    let peers = super::cluster_nodes::reachable(context, peers)?;
    let limit = hosts::request_timeout(context);
    Steps { peers: &peers, limit }.take(FileKind::DisasterRecovery)
}

//! `pcs cluster node` and `pcs cluster link`: members and links that come and go.

use std::collections::BTreeMap;

use pcs::cluster::members;
use pcs::cluster::options::Pairs;
use pcs::cluster::protocol::{FileKind, Request};
use pcs::cluster::setup::NewNode;
use pcs::text::quoted;

use super::cluster::{each, start_on, wait_limit};
use super::cluster_config::{change, document, none_runs, planned_send, send};
use super::cluster_setup::{Steps, check_hosts, pairs, planned_members};
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::peers::{Fields, Peer, Trouble, ask_all};

/// `pcs cluster node …`
pub(crate) fn node(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("add", rest)) => add(context, rest),
        Some(("delete" | "remove", rest)) => remove(context, rest),
        Some(("rename-corosync", rest)) => rename(context, rest),
        _ => super::cluster_remote::run(context, words),
    }
}

/// `pcs cluster node rename-corosync OLD NEW`: while the cluster is stopped.
fn rename(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--request-timeout", "--skip-offline"])?;
    let [old, new] = words else {
        return Err(Failure::Usage { area: "cluster", command: "node rename-corosync" });
    };
    none_runs(context, "rename a node of the cluster")?;
    // The hosts keep the names under which they are known.
    let names = hosts::node_names(&hosts::local_conf(context)?);
    let peers = reachable(context, hosts::peers(&hosts::known_hosts()?, &names)?)?;
    let mut conf = document(context)?;
    context.with_reports(|reports| members::rename_node(&mut conf, old, new, reports))?;
    send(context, &peers, &mut conf)
}

fn add(context: &mut Context, words: &[String]) -> Cli {
    let supported = [
        "--enable",
        "--force",
        "--request-timeout",
        "--skip-offline",
        "--start",
        "--wait",
        "--plan",
    ];
    context.supports(&supported)?;
    let Some((name, options)) = words.split_first() else {
        return Err(Failure::Usage { area: "cluster", command: "node add" });
    };
    let wait = wait_limit(context)?;
    if wait.is_some() && !context.has("--start") {
        return fail("Cannot specify '--wait' without specifying '--start'");
    }
    let mut addresses = Vec::new();
    for option in options {
        match option.split_once('=') {
            Some(("addr", address)) => addresses.push(address.to_owned()),
            Some((option, _)) => {
                return fail(format!("Unknown options '{option}' for node '{name}'"));
            }
            None => return fail(format!("missing value of '{option}' option")),
        }
    }
    let known = hosts::known_hosts()?;
    let newcomer = hosts::peers(&known, std::slice::from_ref(name))?;
    if addresses.is_empty() {
        let used = newcomer
            .first()
            .and_then(|peer| peer.host.dest_list.first())
            .map_or(name, |first| &first.addr);
        progress(&format!("No addresses specified for host '{name}', using '{used}'"));
        addresses.push(used.clone());
    }
    let node = NewNode { name: name.clone(), addresses };
    let before = document(context)?;
    let mut conf = before.clone();
    let members = hosts::node_names(&hosts::local_conf(context)?);
    context.with_reports(|reports| members::add_node(&mut conf, &node, reports))?;
    let members = reachable(context, hosts::peers(&known, &members)?)?;
    check_hosts(context, &newcomer)?;
    if context.is_plan() {
        let mut lines = planned_members(context, std::slice::from_ref(name), false);
        let (then, own) = (lines.split_off(2), planned_send(&members, &before, &conf));
        lines.extend(own);
        lines.push(format!("Write corosync.conf on {name}"));
        lines.extend(then);
        if let Some(planning) = &mut context.planning {
            planning.tell(lines);
        }
        return Ok(());
    }
    let limit = hosts::request_timeout(context);
    let steps = Steps { peers: &newcomer, limit };
    let brought = (|| {
        steps.destroy()?;
        steps.tell_hosts(&known)?;
        steps.remove_settings()?;
        steps.put(&keys()?)
    })();
    if brought.is_err() {
        print_error(&format!(
            "Error: '{name}' has not been added: the cluster's nodes are as they were. Mend what is \
             wrong and run the same command again"
        ));
        return brought;
    }
    // The members first: they must know the newcomer before it speaks.
    send(context, &members, &mut conf)?;
    steps.put(&[(FileKind::CorosyncConf, conf.to_string().into_bytes())])?;
    if context.has("--enable") {
        progress(&format!("Enabling cluster on hosts: {}...", quoted([name])));
        let failure = "unable to enable the new node";
        each(&newcomer, Request::ClusterEnable, &Fields::new(), limit, "Cluster enabled", failure)?;
    }
    if context.has("--start") {
        progress(&format!("Starting cluster on hosts: {}...", quoted([name])));
        start_on(&newcomer, false, limit, wait)?;
    }
    Ok(())
}

/// Returns the cluster's keys as they are on this host.
fn keys() -> Cli<Vec<(FileKind, Vec<u8>)>> {
    let paths = hosts::paths();
    let files = [
        (FileKind::CorosyncAuthkey, paths.corosync_authkey()),
        (FileKind::PacemakerAuthkey, paths.pacemaker_authkey()),
    ];
    files
        .into_iter()
        .map(|(kind, path)| match std::fs::read(&path) {
            Ok(content) => Ok((kind, content)),
            Err(error) => fail(format!("Unable to read '{}': {error}", path.display())),
        })
        .collect()
}

/// Returns the hosts that answer; with one that does not, only `--skip-offline` goes on.
pub(crate) fn reachable(context: &Context, peers: Vec<Peer>) -> Cli<Vec<Peer>> {
    present(context, peers, |_| true)
}

/// Returns the hosts that gave no trouble of the kind `counts` tells; with one that did, only
/// `--skip-offline` goes on.
pub(crate) fn present(
    context: &Context,
    peers: Vec<Peer>,
    counts: impl Fn(&Trouble) -> bool,
) -> Cli<Vec<Peer>> {
    let skip = context.has("--skip-offline");
    let mut absent: BTreeMap<String, String> = BTreeMap::new();
    let nothing = |_: &Peer| Fields::new();
    let limit = hosts::request_timeout(context);
    hosts::run(ask_all(&peers, Request::CheckAuth, nothing, limit, |name, answer| {
        if let Err(trouble) = answer
            && counts(&trouble)
        {
            absent.insert(name.to_owned(), trouble.text(name));
        }
    }))?;
    for text in absent.values() {
        let hint = if skip { "" } else { ", use --skip-offline to override" };
        print_error(&format!("{}: {text}{hint}", if skip { "Warning" } else { "Error" }));
    }
    if !absent.is_empty() && !skip {
        print_error("Error: Errors have occurred, therefore pcs is unable to continue");
        return Err(Failure::Reported);
    }
    Ok(peers.into_iter().filter(|peer| !absent.contains_key(&peer.name)).collect())
}

fn remove(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--request-timeout", "--skip-offline", "--plan"])?;
    if words.is_empty() {
        return Err(Failure::Usage { area: "cluster", command: "node delete" });
    }
    let mut conf = document(context)?;
    let mut wanted = conf.clone();
    context.with_reports(|reports| members::remove_nodes(&mut wanted, words, reports))?;
    if context.is_plan() {
        return super::cluster_plan::stop(context, words);
    }
    let known = hosts::known_hosts()?;
    let names = hosts::node_names(&hosts::local_conf(context)?);
    let (leaving, staying): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| words.contains(name));
    let leaving = hosts::peers(&known, &leaving)?;
    let staying = reachable(context, hosts::peers(&known, &staying)?)?;
    let leaving = reachable(context, leaving)?;
    if !context.force() {
        super::cluster::keep_quorum(context, &leaving)?;
    }
    let limit = hosts::request_timeout(context);
    let here = |name: &&String| leaving.iter().any(|peer| peer.name == **name);
    let absent: Vec<String> = words.iter().filter(|name| !here(name)).cloned().collect();
    let mut still: Vec<Peer> = [staying.as_slice(), &leaving].concat();
    if !absent.is_empty() {
        context.with_reports(|reports| members::remove_nodes(&mut conf, &absent, reports))?;
        send(context, &still, &mut conf)?;
    }
    // One after the other: after each of them those who stay count anew how many are needed.
    for peer in &leaving {
        Steps { peers: std::slice::from_ref(peer), limit }.destroy()?;
        still.retain(|other| other.name != peer.name);
        let name = std::slice::from_ref(&peer.name);
        context.with_reports(|reports| members::remove_nodes(&mut conf, name, reports))?;
        send(context, &still, &mut conf)?;
    }
    // One node is enough to change the document, whichever answers.
    let fields = vec![("data_json", hosts::json(&words)?)];
    let mut troubles = Vec::new();
    for peer in &staying {
        match hosts::run(super::peers::ask(peer, Request::RemoveNodesFromCib, &fields, limit))? {
            Ok(_) => return Ok(()),
            Err(trouble) => troubles.push(super::cluster::named(&peer.name, &trouble)),
        }
    }
    for trouble in troubles {
        print_error(&format!("Warning: {trouble}"));
    }
    print_error(&format!(
        "Warning: the removed nodes are still in the cluster's document; when the cluster runs, \
         take them out with 'crm_node --remove {}'",
        words.join(" ")
    ));
    Ok(())
}

/// `pcs cluster link …`
pub(crate) fn link(context: &mut Context, words: &[String]) -> Cli {
    match words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("add", rest)) if !rest.is_empty() => add_link(context, rest),
        Some(("update", rest)) if rest.len() > 1 => update_link(context, rest),
        Some(("delete" | "remove", rest)) if !rest.is_empty() => {
            context.supports(&["--plan", "--request-timeout", "--skip-offline"])?;
            change(context, |document, context| {
                context.with_reports(|reports| members::remove_links(document, rest, reports))
            })
        }
        _ => Err(Failure::Usage { area: "cluster", command: "link" }),
    }
}

/// Reads `NODE=ADDRESS… [options OPTION=VALUE…]`.
fn link_words(words: &[String]) -> Cli<(BTreeMap<String, String>, Pairs)> {
    let end = words.iter().position(|word| word == "options").unwrap_or(words.len());
    let addresses = pairs(&words[..end])?.into_iter().collect();
    Ok((addresses, pairs(words.get(end + 1..).unwrap_or_default())?))
}

/// `LINK [NODE=ADDRESS…] [options OPTION=VALUE…]`
fn update_link(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--plan", "--request-timeout", "--skip-offline"])?;
    let (addresses, options) = link_words(&words[1..])?;
    change(context, |document, context| {
        context.with_reports(|reports| {
            members::update_link(document, &words[0], &addresses, &options, reports)
        })
    })
}

fn add_link(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force", "--plan", "--request-timeout", "--skip-offline"])?;
    let (addresses, options) = link_words(words)?;
    change(context, |document, context| {
        context.with_reports(|reports| members::add_link(document, &addresses, &options, reports))
    })
}

//! `pcs cluster`: starting, stopping, enabling and destroying a cluster on its hosts.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pcs::cluster::protocol::{JoinState, QuorumState, Request};
use pcs::text::{plural, quoted};

use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::peers::{Answer, Fields, Peer, Trouble, ask, ask_all};
use super::{cluster_config, cluster_nodes, cluster_setup, host};

/// Stopping takes as long as the agents need for what runs there; this is the usual bound of a
/// package's unit, too.
const STOP_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How often a host is asked whether it has joined; joining takes about a second.
const JOIN_PAUSE: Duration = Duration::from_millis(100);

/// Who waits longer than this wants to know for what.
const SLOW: Duration = Duration::from_secs(10);

/// Nodes that start together hear each other well within this.
const QUORUM_GRACE: Duration = Duration::from_secs(3);

/// `--wait` without a number.
const WAIT_DEFAULT: Duration = Duration::from_secs(15 * 60);

/// `pcs cluster …`
pub(crate) fn run(context: &mut Context, words: &[String]) -> Cli {
    let Some((first, rest)) = words.split_first() else {
        return Err(Failure::Usage { area: "cluster", command: "" });
    };
    match first.as_str() {
        "setup" => cluster_setup::run(context, rest),
        "auth" => auth(context, rest),
        "start" => start(context, rest),
        "stop" => stop(context, rest),
        "kill" => kill(context, rest),
        "enable" => switch(context, rest, true),
        "disable" => switch(context, rest, false),
        "destroy" => destroy(context, rest),
        "node" => cluster_nodes::node(context, rest),
        "link" => cluster_nodes::link(context, rest),
        "config" => cluster_config::run(context, rest),
        "corosync" => cluster_config::show_file(context, rest),
        "sync" => cluster_config::sync(context, rest),
        "reload" => cluster_config::reload(context, rest),
        "rename" => cluster_config::rename(context, rest),
        "uidgid" => super::cluster_users::run(context, rest),
        "report" => super::cluster_report::run(context, rest),
        "authkey" => cluster_config::authkey(context, rest),
        "pcsd-status" => fail(
            "This command has been replaced with 'pcs pcsd status', 'pcs status pcsd'. See 'man \
             pcs' -> Changes in pcs-0.12.",
        ),
        _ => super::cluster_cib::run(context, words),
    }
}

/// `pcs cluster auth`: of the nodes of this cluster; with names it is the old `pcs host auth`.
fn auth(context: &mut Context, words: &[String]) -> Cli {
    if context.has("-f") || words.is_empty() {
        context.supports(&["-u", "-p", "--corosync_conf", "--request-timeout"])?;
    } else {
        // Tutorials end the old command with --force, which meant: even if a token is known.
        let old = ["-u", "-p", "--request-timeout", "--force", "--local", "--name"];
        context.supports(&old)?;
        context.deprecated(
            "'pcs cluster auth NODE...' is deprecated, use 'pcs host auth NODE...' instead",
        );
        return host::run_auth(context, words);
    }
    let conf = hosts::local_conf(context)?;
    let known = hosts::known_hosts()?;
    let names = hosts::node_names(&conf);
    let peers: Vec<Peer> = names
        .iter()
        .filter_map(|name| {
            let host = known.known_hosts.get(name)?.clone();
            Some(Peer { name: name.clone(), host })
        })
        .collect();
    let mut good = Vec::new();
    let limit = hosts::request_timeout(context);
    let nothing = |_: &Peer| Fields::new();
    hosts::run(ask_all(&peers, Request::CheckAuth, nothing, limit, |name, answer| {
        if answer.is_ok() {
            good.push(name.to_owned());
        }
    }))?;
    let wanted: Vec<String> = names.into_iter().filter(|name| !good.contains(name)).collect();
    if wanted.is_empty() {
        progress("Sending cluster config files to the nodes...");
        let known = peers.iter().map(|peer| (peer.name.clone(), peer.host.clone())).collect();
        return host::tell_cluster(&hosts::known_hosts()?, &known);
    }
    progress(&format!("Nodes to authorize: {}", wanted.join(", ")));
    host::run_auth(context, &wanted)
}

/// Whom a command is for.
enum Target {
    /// This host.
    Here,
    /// These hosts; `all` of the cluster.
    Hosts { peers: Vec<Peer>, all: bool },
}

fn target(context: &Context, words: &[String]) -> Cli<Target> {
    let all = context.has("--all");
    if all && !words.is_empty() {
        return fail("Cannot specify both --all and a list of nodes.");
    }
    if !all && words.is_empty() {
        return Ok(Target::Here);
    }
    let names = if all { hosts::node_names(&hosts::local_conf(context)?) } else { words.into() };
    Ok(Target::Hosts { peers: hosts::peers(&hosts::known_hosts()?, &names)?, all })
}

/// Asks hosts for something that each says a line about; fails when any did not do it.
pub(crate) fn each(
    peers: &[Peer],
    request: Request,
    fields: &Fields,
    limit: Duration,
    good: &str,
    failure: &str,
) -> Cli {
    let mut troubles: Vec<(String, Trouble)> = Vec::new();
    let names = peers.iter().map(|peer| peer.name.clone());
    let open: RefCell<BTreeSet<String>> = RefCell::new(names.collect());
    let arrived = |name: &str, answer: Result<Answer, Trouble>| {
        open.borrow_mut().remove(name);
        match answer {
            Ok(_) => progress(&format!("{name}: {good}")),
            Err(trouble) => troubles.push((name.to_owned(), trouble)),
        }
    };
    hosts::run(async {
        tokio::select! {
            () = ask_all(peers, request, |_| fields.clone(), limit, arrived) => {}
            () = report_slow(peers, &open) => {}
        }
    })?;
    if troubles.is_empty() {
        return Ok(());
    }
    troubles.sort_by(|one, two| one.0.cmp(&two.0));
    print_error(&format!("Error: {failure}"));
    for (name, trouble) in troubles {
        print_error(&named(&name, &trouble));
    }
    Err(Failure::Reported)
}

/// Says every now and then whom a command still waits for and, where that is known, why.
async fn report_slow(peers: &[Peer], open: &RefCell<BTreeSet<String>>) {
    let nothing = Fields::new();
    loop {
        tokio::time::sleep(SLOW).await;
        for peer in peers {
            if !open.borrow().contains(&peer.name) {
                continue;
            }
            let asked = ask(peer, Request::PacemakerNodeStatus, &nothing, SLOW).await;
            let state = asked.ok().and_then(|answer| joined(&answer.body));
            let why = state.and_then(|state| state.waiting_for);
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            // It may have answered meanwhile.
            if open.borrow().contains(&peer.name) {
                progress(&format!("{}: still at it{why}...", peer.name));
            }
        }
    }
}

/// Puts the host's name in front of what it said, once.
pub(crate) fn named(name: &str, trouble: &Trouble) -> String {
    let text = trouble.text(name);
    if text.starts_with(&format!("{name}: ")) { text } else { format!("{name}: {text}") }
}

/// Reads `--wait[=SECONDS]`.
pub(crate) fn wait_limit(context: &Context) -> Cli<Option<Duration>> {
    if !context.has("--wait") {
        return Ok(None);
    }
    match context.arguments.value("--wait") {
        None => Ok(Some(WAIT_DEFAULT)),
        Some(text) => match text.parse() {
            Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
            Err(_) => fail(format!("'{text}' is not a valid number of seconds to wait")),
        },
    }
}

fn start(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--all", "--wait", "--request-timeout", "--force", "--plan"])?;
    let wait = wait_limit(context)?;
    if context.is_plan() {
        return super::cluster_plan::start(context, words);
    }
    let limit = hosts::request_timeout(context);
    match target(context, words)? {
        Target::Here => {
            progress("Starting Cluster...");
            hosts::local(Request::ClusterStart, Fields::new(), limit).or_else(|failure| {
                prefixed("Unable to start the cluster on this host: ", failure)
            })?;
            match wait {
                Some(wait) => wait_here(wait),
                None => Ok(()),
            }
        }
        Target::Hosts { peers, all } => start_on(&peers, all, limit, wait),
    }
}

/// Puts the attempt in front of the reason.
fn prefixed<T>(what: &str, failure: Failure) -> Cli<T> {
    Err(match failure {
        Failure::Text(text) => Failure::Text(format!("{what}{text}")),
        other => other,
    })
}

/// Starts the cluster on hosts and waits, if asked, until they have joined.
pub(crate) fn start_on(peers: &[Peer], all: bool, limit: Duration, wait: Option<Duration>) -> Cli {
    let failure = if all { "unable to start all nodes" } else { "unable to start nodes" };
    let started = "Starting Cluster...";
    each(peers, Request::ClusterStart, &Fields::new(), limit, started, failure)?;
    match wait {
        Some(wait) => wait_for(peers, wait),
        None => Ok(()),
    }
}

fn joined(body: &str) -> Option<JoinState> {
    serde_json::from_str(body).ok()
}

fn wait_here(limit: Duration) -> Cli {
    progress("Waiting for node(s) to start...");
    let socket = hosts::paths().pcsd_socket();
    let begin = Instant::now();
    let nothing = Fields::new();
    hosts::run(async {
        loop {
            let request = Request::PacemakerNodeStatus;
            let asked = super::peers::ask_local(&socket, request, &nothing, hosts::LOCAL_TIMEOUT);
            let state = asked.await.ok().as_deref().and_then(joined);
            if let Some(started) = state.as_ref().and_then(|state| started(state, begin)) {
                progress(&format!("Started{started}"));
                return Ok(());
            }
            if begin.elapsed() > limit {
                let why = state.and_then(|state| state.waiting_for);
                return fail(timed_out("this node", why.as_deref()));
            }
            tokio::time::sleep(JOIN_PAUSE).await;
        }
    })?
}

/// Says of a node that is online what it still waits for; a quorum may need a moment longer.
fn started(state: &JoinState, begin: Instant) -> Option<String> {
    match &state.waiting_for {
        _ if !state.online => None,
        None => Some(String::new()),
        Some(why) if begin.elapsed() > QUORUM_GRACE => Some(format!(", but it waits: {why}")),
        Some(_) => None,
    }
}

fn timed_out(who: &str, why: Option<&str>) -> String {
    match why {
        Some(why) => format!("waiting timeout: {who} is not online yet, it waits: {why}"),
        None => format!("waiting timeout: {who} is not online yet"),
    }
}

/// Waits until hosts are online members.
pub(crate) fn wait_for(peers: &[Peer], limit: Duration) -> Cli {
    let names = quoted(peers.iter().map(|peer| &peer.name));
    progress(&format!("Waiting for node(s) to start: {names}..."));
    let begin = Instant::now();
    let waited = hosts::run(async {
        let mut waiting = tokio::task::JoinSet::new();
        for peer in peers.iter().cloned() {
            waiting.spawn(async move {
                let nothing = Fields::new();
                loop {
                    let request = Request::PacemakerNodeStatus;
                    let asked = ask(&peer, request, &nothing, hosts::LOCAL_TIMEOUT).await;
                    let state = asked.ok().and_then(|answer| joined(&answer.body));
                    if let Some(started) = state.as_ref().and_then(|state| started(state, begin)) {
                        return (peer.name, Ok(started));
                    }
                    if begin.elapsed() > limit {
                        let why = state.and_then(|state| state.waiting_for);
                        let text = timed_out(&peer.name, why.as_deref());
                        return (peer.name, Err(text));
                    }
                    tokio::time::sleep(JOIN_PAUSE).await;
                }
            });
        }
        let mut late = Vec::new();
        while let Some(Ok((name, outcome))) = waiting.join_next().await {
            match outcome {
                Ok(started) => progress(&format!("{name}: Cluster started{started}")),
                Err(text) => late.push(text),
            }
        }
        late
    })?;
    if waited.is_empty() {
        return Ok(());
    }
    for text in waited {
        print_error(&format!("Error: {text}"));
    }
    Err(Failure::Reported)
}

fn stop(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[
        "--all",
        "--force",
        "--request-timeout",
        "--pacemaker",
        "--corosync",
        "--plan",
    ])?;
    if context.is_plan() {
        return super::cluster_plan::stop(context, words);
    }
    let limit = match context.arguments.value("--request-timeout") {
        Some(_) => hosts::request_timeout(context),
        None => STOP_TIMEOUT,
    };
    match target(context, words)? {
        Target::Here => {
            if !context.force() {
                keeps_quorum_without_this_node()?;
            }
            progress("Stopping Cluster (pacemaker)...");
            hosts::local(Request::ClusterStop, Fields::new(), limit).or_else(|failure| {
                prefixed("Unable to stop the cluster on this host: ", failure)
            })?;
            progress("Stopping Cluster (corosync)...");
            Ok(())
        }
        Target::Hosts { peers, all } => {
            if !all && !context.force() {
                keep_quorum(context, &peers)?;
            }
            stop_on(&peers, all, limit)
        }
    }
}

/// Ends the daemons of this host at once: nothing is stopped in order, and the other nodes take this
/// one for lost.
fn kill(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&[])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "cluster", command: "kill" });
    }
    hosts::local(Request::ClusterStop, flag("kill", true), STOP_TIMEOUT)
        .or_else(|failure| prefixed("Unable to kill the cluster on this host: ", failure))
        .map(drop)
}

fn flag(name: &'static str, set: bool) -> Fields {
    if set { vec![(name, "1".to_owned())] } else { Fields::new() }
}

/// Stops the cluster on hosts. All are asked at once, so that a stop of everything is one
/// decision: with `all`, each node knows that every other one leaves too.
pub(crate) fn stop_on(peers: &[Peer], all: bool, limit: Duration) -> Cli {
    let failure = if all { "unable to stop all nodes" } else { "unable to stop nodes" };
    let mut fields = Fields::new();
    // Nodes that cannot be reached have not been asked, and whoever waits for them would wait
    // for ever; so they are found out first.
    let mut absent = Vec::new();
    if all {
        let nothing = |_: &Peer| Fields::new();
        let soon = Duration::from_secs(10);
        hosts::run(ask_all(peers, Request::CheckAuth, nothing, soon, |name, answer| {
            if let Err(trouble) = answer {
                absent.push((name.to_owned(), trouble));
            }
        }))?;
        fields.extend(flag("all", absent.is_empty()));
    }
    let gone = |name: &str| absent.iter().any(|(missing, _)| missing == name);
    let present: Vec<Peer> = peers.iter().filter(|peer| !gone(&peer.name)).cloned().collect();
    let first = "Stopping Cluster (pacemaker)...";
    let stopped = each(&present, Request::ClusterStop, &fields, limit, first, failure);
    for (name, trouble) in &absent {
        print_error(&format!("Error: {}", named(name, trouble)));
    }
    stopped?;
    let second = "Stopping Cluster (corosync)...";
    each(&present, Request::ClusterStop, &Fields::new(), limit, second, failure)?;
    if absent.is_empty() {
        return Ok(());
    }
    print_error(&format!("Error: {failure}"));
    Err(Failure::Reported)
}

/// Refuses to stop this node if the others could not act without it.
fn keeps_quorum_without_this_node() -> Cli {
    // A node that cannot be asked has nothing to lose.
    let Ok(body) = hosts::local(Request::GetQuorumInfo, Fields::new(), hosts::LOCAL_TIMEOUT) else {
        return Ok(());
    };
    let Ok(state) = serde_json::from_str::<QuorumState>(&body) else { return Ok(()) };
    let Some(local) = state.local.clone() else { return Ok(()) };
    refuse_loss(&state, &[local])
}

/// Refuses to stop nodes if the others could not act without them.
pub(crate) fn keep_quorum(context: &Context, leaving: &[Peer]) -> Cli {
    let Ok(conf) = hosts::local_conf(context) else { return Ok(()) };
    let known = hosts::known_hosts()?;
    let mut peers = hosts::peers(&known, &hosts::node_names(&conf)).unwrap_or_default();
    // Any node will do, those that stay first.
    peers.sort_by_key(|peer| leaving.iter().any(|other| other.name == peer.name));
    let nothing = Fields::new();
    for peer in &peers {
        let asked = ask(peer, Request::GetQuorumInfo, &nothing, hosts::LOCAL_TIMEOUT);
        let Ok(Answer { body, .. }) = hosts::run(asked)? else { continue };
        let Ok(state) = serde_json::from_str::<QuorumState>(&body) else { continue };
        let names: Vec<String> = leaving.iter().map(|peer| peer.name.clone()).collect();
        return refuse_loss(&state, &names);
    }
    Ok(())
}

fn refuse_loss(state: &QuorumState, leaving: &[String]) -> Cli {
    let left: u32 = state
        .members
        .iter()
        .filter(|(name, _)| !leaving.contains(name))
        .map(|(_, votes)| *votes)
        .sum();
    let everybody_leaves = state.members.keys().all(|name| leaving.contains(name));
    if !state.quorate || everybody_leaves || left >= state.quorum {
        return Ok(());
    }
    let node = plural(leaving.len(), "node", "nodes");
    let node = if leaving.len() == 1 { node.to_owned() } else { "node(s)".to_owned() };
    fail(format!("Stopping the {node} will cause a loss of the quorum, use --force to override"))
}

fn switch(context: &mut Context, words: &[String], enable: bool) -> Cli {
    context.supports(&["--all", "--request-timeout"])?;
    let limit = hosts::request_timeout(context);
    let request = if enable { Request::ClusterEnable } else { Request::ClusterDisable };
    match target(context, words)? {
        Target::Here => hosts::local(request, Fields::new(), limit).map(drop),
        Target::Hosts { peers, all } => {
            let (good, verb) = if enable {
                ("Cluster Enabled", "enable")
            } else {
                ("Cluster Disabled", "disable")
            };
            let which = if all { "all nodes" } else { "nodes" };
            let failure = format!("unable to {verb} {which}");
            each(&peers, request, &Fields::new(), limit, good, &failure)
        }
    }
}

fn destroy(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--all", "--force", "--yes", "--request-timeout", "--plan"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "cluster", command: "destroy" });
    }
    if context.is_plan() {
        return super::cluster_plan::stop(context, words);
    }
    confirm_destroy(context)?;
    let limit = match context.arguments.value("--request-timeout") {
        Some(_) => hosts::request_timeout(context),
        None => STOP_TIMEOUT,
    };
    if !context.has("--all") {
        progress("Shutting down pacemaker/corosync services...");
        hosts::local(Request::ClusterDestroy, Fields::new(), limit)?;
        progress("Killing any remaining services...");
        progress("Removing all cluster configuration files...");
        return Ok(());
    }
    let names = hosts::node_names(&hosts::local_conf(context)?);
    let peers = hosts::peers(&hosts::known_hosts()?, &names)?;
    if stop_on(&peers, true, limit).is_err() {
        print_error("Warning: unable to stop all nodes in order, destroying the cluster anyway");
    }
    let failure = "unable to destroy cluster";
    let good = "Successfully destroyed cluster";
    each(&peers, Request::ClusterDestroy, &Fields::new(), limit, good, failure)
}

/// Asks a person at a terminal; a script has thought about it.
fn confirm_destroy(context: &Context) -> Cli {
    use std::io::IsTerminal as _;
    if context.has("--yes") || context.force() || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    print_error(
        "WARNING: This would kill all cluster processes and then PERMANENTLY remove cluster state \
         and configuration",
    );
    let answer = hosts::question("Type 'yes' or 'y' to proceed, anything else to cancel", false)?;
    if matches!(answer.trim(), "yes" | "y") {
        return Ok(());
    }
    print_error("Canceled");
    Err(Failure::Exit(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(votes: &[(&str, u32)], quorum: u32) -> QuorumState {
        QuorumState {
            quorate: true,
            quorum,
            local: None,
            members: votes.iter().map(|(name, votes)| ((*name).to_owned(), *votes)).collect(),
        }
    }

    fn may_stop(state: &QuorumState, leaving: &[&str]) -> bool {
        let leaving: Vec<String> = leaving.iter().map(|&name| name.to_owned()).collect();
        refuse_loss(state, &leaving).is_ok()
    }

    #[test]
    fn stopping_asks_for_force_only_where_the_rest_could_not_act() {
        let three = state(&[("a", 1), ("b", 1), ("c", 1)], 2);
        assert!(may_stop(&three, &["a"]));
        assert!(!may_stop(&three, &["a", "b"]));
        assert!(may_stop(&three, &["a", "b", "c"]), "nobody is left to need a quorum");
        let pair = state(&[("a", 1), ("b", 1)], 1);
        assert!(may_stop(&pair, &["b"]));
    }

    #[test]
    fn a_partition_that_has_no_quorum_loses_none() {
        let mut rest = state(&[("a", 1)], 2);
        rest.quorate = false;
        assert!(may_stop(&rest, &["a"]));
    }
}

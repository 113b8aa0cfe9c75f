//! Asking this host's brain over its tool socket.

use std::path::Path;
use std::time::Duration;

use cib::Element;
use membership::conf::Conf;
use model::{ExitCode, Paths};
use pcs::cluster::protocol::{JoinState, QuorumState};
use tonic::transport::Channel;
use view::live::LiveInfo;
use wire::tools::action::{Kind, Leave, Reload};
use wire::tools::cluster_client::ClusterClient;
use wire::tools::{Action, Caller, Change, InfoRequest, QueryRequest};

/// The brain answers from memory; longer than this means that it hangs.
const INFO_TIMEOUT: Duration = Duration::from_secs(5);

/// Nobody decides for a moment only, so that these together are far more than enough.
const ATTEMPTS_MAX: u32 = 100;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// Returns who asks, for the brain's audit log.
fn caller() -> Option<Caller> {
    Some(Caller { user: "root".to_owned(), client: "pcsd".to_owned(), groups: Vec::new() })
}

/// Asks the brain to stop what runs here and to leave; answered when it has, or agrees to.
///
/// There is no time limit: stopping what runs here takes as long as its agents need.
pub(crate) async fn leave(socket: &Path, all: bool) -> Result<(), String> {
    let mut client = wire::client::cluster(socket).await.map_err(|error| error.to_string())?;
    let action = Action { caller: caller(), kind: Some(Kind::Leave(Leave { all })) };
    match client.act(action).await {
        Ok(answer) if answer.get_ref().code == 0 => Ok(()),
        Ok(answer) => Err(answer.into_inner().message),
        Err(status) => Err(status.message().to_owned()),
    }
}

/// Returns what the brain knows beside the document.
async fn info(socket: &Path) -> Result<LiveInfo, String> {
    let ask = async {
        let mut client = wire::client::cluster(socket)
            .await
            .map_err(|_| "the cluster does not run on this host".to_owned())?;
        let answer = client
            .info(InfoRequest { caller: None })
            .await
            .map_err(|status| status.message().to_owned())?;
        serde_json::from_str(&answer.into_inner().text).map_err(|error| error.to_string())
    };
    tokio::time::timeout(INFO_TIMEOUT, ask)
        .await
        .unwrap_or_else(|_| Err("the cluster's brain does not answer".to_owned()))
}

/// Returns the status section as this node knows it.
async fn status_section(socket: &Path) -> Result<Element, String> {
    let ask = async {
        let mut client = wire::client::cluster(socket)
            .await
            .map_err(|_| "the cluster does not run on this host".to_owned())?;
        let request = QueryRequest { section: "status".to_owned(), ..QueryRequest::default() };
        let answer = client.query(request).await.map_err(|status| status.message().to_owned())?;
        let answer = answer.into_inner();
        let text = std::str::from_utf8(&answer.xml).map_err(|error| error.to_string())?;
        cib::parse(text).map_err(|error| error.to_string())
    };
    tokio::time::timeout(INFO_TIMEOUT, ask)
        .await
        .unwrap_or_else(|_| Err("the cluster's brain does not answer".to_owned()))
}

/// Tells how far this node has joined.
pub(crate) async fn join_state(paths: &Paths) -> JoinState {
    let socket = paths.node_socket();
    let known = async { Ok((info(&socket).await?, status_section(&socket).await?)) };
    match known.await {
        Ok((info, status)) => joined(&info, &status),
        Err(reason) => JoinState { online: false, pending: false, waiting_for: Some(reason) },
    }
}

/// A node is online when the DC has taken it in; that is what status displays say, too.
fn joined(info: &LiveInfo, status: &Element) -> JoinState {
    let taken_in = status.descendants().any(|element| {
        element.name() == "node_state"
            && element.get("uname") == Some(&info.local_node)
            && element.get("join") == Some("member")
    });
    let online = info.dc.is_some() && taken_in && !info.leaving;
    let waiting_for = if online && info.quorate {
        None
    } else {
        let hands = (!info.hands_connected).then(|| "its hands are not connected".to_owned());
        info.log.obstacle.clone().or_else(|| info.waiting.first().cloned()).or(hands)
    };
    JoinState { online, pending: !online && !info.leaving, waiting_for }
}

/// Tells the members' votes, by the brain's view and the votes that corosync.conf gives.
pub(crate) async fn quorum_state(paths: &Paths) -> Result<QuorumState, String> {
    let info = info(&paths.node_socket()).await?;
    let path = paths.corosync_conf();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read '{}': {error}", path.display()))?;
    let conf = membership::conf::load(&text, &path.display().to_string())
        .map_err(|error| error.to_string())?;
    Ok(votes(&info, &conf))
}

fn votes(info: &LiveInfo, conf: &Conf) -> QuorumState {
    let all: u32 = conf.nodes.values().map(|node| node.votes).sum();
    let expected = conf.quorum.expected_votes.unwrap_or(all).max(1);
    let quorum = if conf.quorum.two_node { 1 } else { expected / 2 + 1 };
    let members = info
        .nodes
        .iter()
        .filter(|node| node.member)
        .map(|node| {
            let votes = conf.node_by_name(&node.name).map_or(1, |node| node.votes);
            (node.name.clone(), votes)
        })
        .collect();
    QuorumState { quorate: info.quorate, quorum, local: Some(info.local_node.clone()), members }
}

/// Lets the running membership read corosync.conf again; an empty answer when nothing runs.
pub(crate) async fn reload(paths: &Paths) -> Result<String, String> {
    let Ok(mut client) = wire::client::cluster(&paths.node_socket()).await else {
        return Ok(String::new());
    };
    let action = Action { caller: caller(), kind: Some(Kind::Reload(Reload {})) };
    let asked = tokio::time::timeout(INFO_TIMEOUT, client.act(action));
    match asked.await {
        Ok(Ok(answer)) if answer.get_ref().code == 0 => {
            Ok("Corosync configuration reloaded".to_owned())
        }
        Ok(Ok(answer)) => Err(answer.into_inner().message),
        Ok(Err(status)) => Err(status.message().to_owned()),
        Err(_) => Err("the cluster's brain does not answer".to_owned()),
    }
}

/// Takes nodes that are no members any more out of the document.
pub(crate) async fn remove_nodes(paths: &Paths, names: &[String]) -> Result<(), String> {
    let socket = paths.node_socket();
    let mut client = wire::client::cluster(&socket)
        .await
        .map_err(|_| "the cluster does not run on this host".to_owned())?;
    for name in names {
        if name.contains(['\'', '"']) {
            return Err(format!("'{name}' is no name of a node"));
        }
        for xpath in [
            format!("/cib/configuration/nodes/node[@uname='{name}']"),
            format!("/cib/status/node_state[@uname='{name}']"),
        ] {
            let change = Change {
                caller: caller(),
                action: "delete".to_owned(),
                xpath,
                ..Change::default()
            };
            persist(&mut client, change).await?;
        }
    }
    Ok(())
}

/// Has something deleted. A node that leaves changes who decides, so that for a moment nobody may:
/// then it is tried again.
async fn persist(client: &mut ClusterClient<Channel>, change: Change) -> Result<(), String> {
    let mut attempts = 0;
    loop {
        let asked = client.apply(change.clone()).await;
        let outcome = asked.map_err(|status| status.message().to_owned())?.into_inner();
        match ExitCode::from_code(outcome.code) {
            // What is not there need not be removed.
            ExitCode::Ok | ExitCode::NoSuch => return Ok(()),
            ExitCode::NoDc | ExitCode::Indeterminate if attempts < ATTEMPTS_MAX => {
                attempts += 1;
                tokio::time::sleep(ATTEMPT_PAUSE).await;
            }
            _ => return Err(outcome.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::live::LiveNode;

    fn live(members: &[(&str, bool)]) -> LiveInfo {
        let nodes = members.iter().map(|&(name, member)| LiveNode {
            name: name.into(),
            member,
            ..LiveNode::default()
        });
        LiveInfo { quorate: true, nodes: nodes.collect(), ..LiveInfo::default() }
    }

    fn conf(quorum: &str, votes: u32) -> Conf {
        let text = format!(
            "totem {{\n version: 2\n}}\nnodelist {{\n node {{\n ring0_addr: 10.0.0.1\n name: a\n \
             nodeid: 1\n quorum_votes: {votes}\n }}\n node {{\n ring0_addr: 10.0.0.2\n name: b\n \
             nodeid: 2\n }}\n}}\nquorum {{\n provider: corosync_votequorum\n{quorum}}}\n"
        );
        membership::conf::load(&text, "corosync.conf").unwrap()
    }

    #[test]
    fn votes_are_those_of_members_and_of_the_file() {
        let info = live(&[("a", true), ("b", false)]);
        let state = votes(&info, &conf("", 3));
        assert_eq!((state.quorum, state.members), (3, [("a".to_owned(), 3)].into()));
        assert_eq!(votes(&info, &conf(" two_node: 1\n", 1)).quorum, 1);
    }

    #[test]
    fn a_node_is_online_when_the_dc_has_taken_it_in() {
        let status = |join: &str| {
            cib::parse(&format!("<status><node_state uname=\"a\" join=\"{join}\"/></status>"))
                .unwrap()
        };
        let mut info = live(&[("a", true)]);
        info.local_node = "a".into();
        assert!(joined(&info, &status("member")).pending, "nobody decides yet");
        info.dc = Some("a".into());
        let state = joined(&info, &status("down"));
        assert!(state.pending);
        assert_eq!(state.waiting_for.as_deref(), Some("its hands are not connected"));
        assert_eq!(joined(&info, &status("member")).waiting_for, None);
        assert!(joined(&info, &status("member")).online);
        info.quorate = false;
        info.log.obstacle = Some("b is missing".into());
        let state = joined(&info, &status("member"));
        assert!(state.online, "the node is there, whatever it may do");
        assert_eq!(state.waiting_for.as_deref(), Some("b is missing"));
        info.leaving = true;
        let state = joined(&info, &status("member"));
        assert!(!state.online && !state.pending);
    }
}

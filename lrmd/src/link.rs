//! The brain's end of the link to its hands.

use std::path::Path;

use model::{HandsCommand, HandsReport};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use wire::hands::hands_client::HandsClient;

use crate::wire::{from_command, to_report};

/// Commands under way to the hands; they take them at once, so this is a burst.
const COMMANDS_MAX: usize = 1024;
/// Reports not yet looked at.
const REPORTS_MAX: usize = 1024;
/// As in the server.
const MESSAGE_MAX: usize = 64 << 20;

/// Why the hands could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the hands do not answer at {path}")]
pub struct LinkError {
    path: std::path::PathBuf,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// An open link. When `reports` ends, the hands (or this link) are gone: connect again.
#[derive(Debug)]
pub struct Link {
    /// To the hands, in order.
    pub commands: mpsc::Sender<HandsCommand>,
    /// From the hands, in order; all that is unacknowledged comes first.
    pub reports: mpsc::Receiver<HandsReport>,
}

/// Connects to the hands at this socket; a brain that was connected before loses its link.
pub async fn connect(socket: &Path) -> Result<Link, LinkError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| LinkError {
        path: socket.to_owned(),
        source,
    };
    let channel = Endpoint::from_shared(format!("unix://{}", socket.display()))
        .map_err(|error| failed(error.into()))?
        .connect()
        .await
        .map_err(|error| failed(error.into()))?;
    let (commands, to_send) = mpsc::channel::<HandsCommand>(COMMANDS_MAX);
    let mut client = HandsClient::new(channel)
        .max_decoding_message_size(MESSAGE_MAX)
        .max_encoding_message_size(MESSAGE_MAX);
    let outgoing = ReceiverStream::new(to_send).map(from_command);
    let answer = client.link(outgoing).await.map_err(|status| failed(status.into()))?;
    let mut incoming = answer.into_inner();
    let (told, reports) = mpsc::channel(REPORTS_MAX);
    tokio::spawn(async move {
        while let Some(Ok(report)) = incoming.next().await {
            match to_report(report) {
                Ok(report) => {
                    if told.send(report).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::error!(%error, "a report of the hands was not understood"),
            }
        }
    });
    Ok(Link { commands, reports })
}

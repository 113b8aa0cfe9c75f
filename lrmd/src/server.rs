//! The brain's way in: a unix socket that speaks `wire::hands`. The newest brain wins.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};
use wire::client::MESSAGE_MAX;
use wire::hands::hands_server::{Hands, HandsServer};
use wire::hands::{Command, Report};

use crate::shell::{Input, reports_max};
use crate::wire::{from_report, to_command};

/// A unix socket has no half-open links, but a brain may be stopped: one whose runtime answers
/// nothing for this long counts as gone, and where the policy says so its resources are stopped.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Serves the socket until the loop is gone.
pub(crate) async fn run(listener: UnixListener, inputs: mpsc::Sender<Input>) {
    let service = HandsServer::new(Door { inputs, brains: AtomicU64::new(0) })
        .max_decoding_message_size(MESSAGE_MAX)
        .max_encoding_message_size(MESSAGE_MAX);
    let served = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(service)
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the brain's socket is gone");
    }
}

struct Door {
    inputs: mpsc::Sender<Input>,
    brains: AtomicU64,
}

#[tonic::async_trait]
impl Hands for Door {
    type LinkStream = Pin<Box<dyn Stream<Item = Result<Report, Status>> + Send>>;

    async fn link(
        &self,
        request: Request<Streaming<Command>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let brain = self.brains.fetch_add(1, Ordering::Relaxed) + 1;
        let (reports, told) = mpsc::channel(reports_max());
        let inputs = self.inputs.clone();
        let gone = || Status::unavailable("the hands are going down");
        // Before the brain gets its answer, so that what it says next finds it known.
        inputs.send(Input::Came { brain, reports }).await.map_err(|_| gone())?;
        let mut commands = request.into_inner();
        tokio::spawn(async move {
            while let Some(command) = commands.next().await {
                let Ok(command) = command else { break };
                match to_command(command) {
                    Ok(command) => {
                        if inputs
                            .send(Input::Said { brain, command: Box::new(command) })
                            .await
                            .is_err()
                        {
                            break;
                        }
                    }
                    Err(error) => tracing::error!(brain, %error, "a command was not understood"),
                }
            }
            if inputs.send(Input::Went { brain }).await.is_err() {
                tracing::debug!("the hands are going down");
            }
        });
        let reports = ReceiverStream::new(told).map(|report| Ok(from_report(report)));
        Ok(Response::new(Box::pin(reports)))
    }
}

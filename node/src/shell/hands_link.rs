//! The link to this node's hands: one stream of commands, one of reports, dialled again for ever.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use model::{HandsCommand, HandsReport};
use wire::client::MESSAGE_MAX;
use wire::hands::hands_client::HandsClient;

/// Commands that may wait: a join, and the starts of 1,000 resources several times over.
const COMMANDS_MAX: usize = 16_384;

/// Between two attempts to reach hands that are away: they are restarted within milliseconds.
const PAUSE: Duration = Duration::from_millis(20);

/// What the loop hears.
#[allow(clippy::large_enum_variant, reason = "reports are most of them")]
#[derive(Debug)]
pub(crate) enum HandsInput {
    /// The link is up (again); commands sent before may be lost.
    Up,
    /// The link broke.
    Down,
    /// The hands said something.
    Said(HandsReport),
}

/// Keeps the link up for as long as the loop lives.
pub(crate) fn link(socket: PathBuf, inbox: mpsc::Sender<HandsInput>) -> mpsc::Sender<HandsCommand> {
    let (sender, mut commands) = mpsc::channel(COMMANDS_MAX);
    tokio::spawn(async move {
        while once(&socket, &inbox, &mut commands).await {
            tokio::time::sleep(PAUSE).await;
        }
    });
    sender
}

/// Dials once and carries both directions until the link breaks. False when the loop has ended.
async fn once(
    socket: &std::path::Path,
    inbox: &mpsc::Sender<HandsInput>,
    commands: &mut mpsc::Receiver<HandsCommand>,
) -> bool {
    let Ok(channel) = wire::client::connect(socket).await else { return !inbox.is_closed() };
    let mut client = HandsClient::new(channel).max_decoding_message_size(MESSAGE_MAX);
    // commands for a link that broke are void: the DC joins anew
    while commands.try_recv().is_ok() {}
    let (forward, outgoing) = mpsc::channel(64);
    let reports = client.link(ReceiverStream::new(outgoing)).await;
    let Ok(reports) = reports else { return !inbox.is_closed() };
    let mut reports = reports.into_inner();
    if inbox.send(HandsInput::Up).await.is_err() {
        return false;
    }
    loop {
        tokio::select! {
            command = commands.recv() => {
                let Some(command) = command else { return false };
                if forward.send(lrmd::wire::from_command(command)).await.is_err() {
                    break;
                }
            }
            report = reports.message() => match report {
                Ok(Some(report)) => match lrmd::wire::to_report(report) {
                    Ok(report) => {
                        if inbox.send(HandsInput::Said(report)).await.is_err() {
                            return false;
                        }
                    }
                    Err(error) => tracing::error!(%error, "the hands say what makes no sense"),
                },
                Ok(None) | Err(_) => break,
            },
        }
    }
    inbox.send(HandsInput::Down).await.is_ok()
}

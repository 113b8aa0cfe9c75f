//! Reaching a daemon on this host over its unix socket.

use std::path::Path;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::tools::cluster_client::ClusterClient;

/// Documents of 10 MB must pass, with their status as much again, and room to spare.
pub const MESSAGE_MAX: usize = 256 << 20;

/// Connecting to a socket on this host takes microseconds; a daemon that does not accept for
/// this long hangs.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much may be on its way before it is read. HTTP/2's own 64 KiB would have both sides take
/// turns for every piece of a document, each waiting for the processor in between.
const WINDOW: u32 = 64 << 20;

/// In pieces of this size; HTTP/2's own 16 KiB is a hundred of them for a large document.
const FRAME: u32 = 1 << 20;

/// Connects to a unix socket.
///
/// # Errors
/// Nobody listens there, or not within five seconds.
pub async fn connect(socket: &Path) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(format!("unix:{}", socket.display()))?
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(FRAME)
        .connect()
        .await
}

/// Connects to the brain of this host.
///
/// # Errors
/// The cluster does not run on this host, or its brain does not answer.
pub async fn cluster(socket: &Path) -> Result<ClusterClient<Channel>, tonic::transport::Error> {
    let channel = connect(socket).await?;
    Ok(ClusterClient::new(channel)
        .max_decoding_message_size(MESSAGE_MAX)
        .max_encoding_message_size(MESSAGE_MAX))
}

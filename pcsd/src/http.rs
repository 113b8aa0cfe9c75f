//! The two doors: HTTPS for hosts, a unix socket for processes of this host.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::form::{Form, cookie};
use crate::remote::{Peer, Remote, Reply};
use crate::store::{self, StoreError};

/// Keys and configuration files are kilobytes, a document may be megabytes.
const BODY_MAX: usize = 64 << 20;

/// Every host of a large cluster at once, several times over.
const CONNECTIONS_MAX: usize = 256;

/// A client that has connected but says nothing holds a place no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the TCP port, for both families when the address is `::`.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let bind = |address: SocketAddr| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(128)?;
        TcpListener::from_std(socket.into())
    };
    match bind(address) {
        // A host without IPv6.
        Err(error)
            if address.is_ipv6()
                && address.ip().is_unspecified()
                && error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) =>
        {
            bind(SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), address.port()))
        }
        other => other,
    }
}

/// Opens the unix socket; everybody may connect, the kernel tells who it is.
pub(crate) fn listen_local(path: &Path) -> Result<UnixListener, StoreError> {
    store::remove(path)?;
    let open = || {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        Ok(listener)
    };
    open().map_err(|source| StoreError::Write { path: path.into(), source })
}

/// Serves hosts until the end of the process.
pub(crate) async fn serve(listener: TcpListener, tls: TlsAcceptor, remote: Arc<Remote>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let (tls, remote) = (tls.clone(), Arc::clone(&remote));
        tokio::spawn(async move {
            drop(stream.set_nodelay(true));
            match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                Ok(Ok(stream)) => connection(stream, None, remote, place).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                Err(_) => tracing::debug!("TLS took too long"),
            }
        });
    }
}

/// Serves processes of this host until the end of the process.
pub(crate) async fn serve_local(listener: UnixListener, remote: Arc<Remote>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Ok(credentials) = stream.peer_cred() else { continue };
                let uid = Some(credentials.uid());
                tokio::spawn(connection(stream, uid, Arc::clone(&remote), place));
            }
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Out of file descriptors, most likely: waiting is what helps.
async fn pause_after(error: &std::io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn connection<S>(
    stream: S,
    uid: Option<u32>,
    remote: Arc<Remote>,
    place: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let remote = Arc::clone(&remote);
        async move { Ok::<_, Infallible>(respond(answer(request, uid, &remote).await)) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection");
    }
    drop(place);
}

async fn answer(request: Request<Incoming>, uid: Option<u32>, remote: &Arc<Remote>) -> Reply {
    let (head, body) = request.into_parts();
    let Some(name) = head.uri.path().strip_prefix("/remote/") else {
        return Reply { status: 404, body: "pcsd answers below /remote/".to_owned() };
    };
    let token = head
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|header| cookie(header, pcs::cluster::protocol::TOKEN_COOKIE))
        .map(str::to_owned);
    let peer = match uid {
        Some(uid) => Peer::Local { uid, token },
        None => Peer::Remote { token },
    };
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, BODY_MAX).collect());
    let body = match read.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Reply { status: 413, body: "the request is too large".to_owned() },
        Err(_) => return Reply { status: 408, body: "the request took too long".to_owned() },
    };
    let form = Form::parse(head.uri.query().unwrap_or(""), &body);
    remote.answer(peer, name, form).await
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let kind = if reply.body.starts_with('{') { "application/json" } else { "text/plain" };
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

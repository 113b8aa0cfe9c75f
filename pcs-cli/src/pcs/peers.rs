//! Asking pcsd: of other hosts over HTTPS with a pinned certificate, of this host over its socket.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST};
use hyper_util::rt::TokioIo;
use pcs::cluster::known_hosts::{Destination, KnownHost};
use pcs::cluster::protocol::{Request, TOKEN_COOKIE};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::context::reason;

/// A host on the same network answers within milliseconds; one that does not within this is off.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The fields of a request.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// A host to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// What people call it.
    pub(crate) name: String,
    /// Where its pcsd listens and what proves us to it.
    pub(crate) host: KnownHost,
}

/// Why a host gave no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nobody answers there.
    Unreachable(String),
    /// It did not answer in time.
    TimedOut(Duration),
    /// It does not take our token.
    NotAuthorized,
    /// The user may not do this.
    Forbidden,
    /// It is not the host that gave the token, or has a new certificate.
    OtherCertificate,
    /// It says why it did not do it.
    Refused(String),
}

impl Trouble {
    /// Says what is wrong with a host and how to go on.
    pub(crate) fn text(&self, name: &str) -> String {
        match self {
            Self::Unreachable(reason) => format!("Unable to connect to {name} ({reason})"),
            Self::TimedOut(limit) => {
                format!("Connection timeout, {name} did not answer within {} s", limit.as_secs())
            }
            Self::NotAuthorized => format!(
                "Unable to authenticate to {name} (HTTP error: 401), try running 'pcs host auth {name}'"
            ),
            Self::Forbidden => format!("{name}: Permission denied (HTTP error: 403)"),
            Self::OtherCertificate => format!(
                "The certificate of {name} is not the one it had at 'pcs host auth': if its pcsd \
                 was set up anew, run 'pcs host auth {name}' again, otherwise somebody else \
                 answers there"
            ),
            Self::Refused(reason) => reason.clone(),
        }
    }
}

/// An answer and the certificate it came with.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The text or JSON.
    pub(crate) body: String,
    /// SHA-256 of the certificate in hex.
    pub(crate) fingerprint: String,
}

/// Takes every certificate whose owner can sign, or only the one that was pinned.
#[derive(Debug)]
struct Pinned {
    fingerprint: Option<String>,
    provider: Arc<CryptoProvider>,
}

/// Marks the refusal of a certificate in rustls's error.
const OTHER_CERTIFICATE: &str = "not the pinned certificate";

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.fingerprint {
            Some(pinned) if *pinned != fingerprint(end_entity) => {
                Err(rustls::Error::General(OTHER_CERTIFICATE.to_owned()))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs something that talks to hosts.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start talking to hosts: {error}"))?;
    Ok(runtime.block_on(work))
}

/// Asks one host; its addresses are tried in order.
pub(crate) async fn ask(
    peer: &Peer,
    request: Request,
    fields: &Fields,
    limit: Duration,
) -> Result<Answer, Trouble> {
    let asked = async {
        let mut last = Trouble::Unreachable("no address is known".to_owned());
        for destination in &peer.host.dest_list {
            match connect(destination, peer.host.fingerprint.clone()).await {
                Ok((stream, fingerprint)) => {
                    let token = &peer.host.token;
                    let body = exchange(stream, &destination.addr, token, request, fields).await?;
                    return Ok(Answer { body, fingerprint });
                }
                Err(trouble) => last = trouble,
            }
        }
        Err(last)
    };
    tokio::time::timeout(limit, asked).await.unwrap_or(Err(Trouble::TimedOut(limit)))
}

/// Asks all hosts at once and hands over each answer as it arrives.
pub(crate) async fn ask_all(
    peers: &[Peer],
    request: Request,
    fields: impl Fn(&Peer) -> Fields,
    limit: Duration,
    mut arrived: impl FnMut(&str, Result<Answer, Trouble>),
) {
    let mut asked = JoinSet::new();
    for peer in peers {
        let (peer, fields) = (peer.clone(), fields(peer));
        asked.spawn(async move {
            let answer = ask(&peer, request, &fields, limit).await;
            (peer.name, answer)
        });
    }
    while let Some(done) = asked.join_next().await {
        if let Ok((name, answer)) = done {
            arrived(&name, answer);
        }
    }
}

/// Asks the pcsd of this host.
pub(crate) async fn ask_local(
    socket: &Path,
    request: Request,
    fields: &Fields,
    limit: Duration,
) -> Result<String, Trouble> {
    let asked = async {
        let stream = UnixStream::connect(socket).await.map_err(|error| {
            Trouble::Refused(format!(
                "pcsd does not run on this host ({}: {error}), start it with 'systemctl start \
                 pcsd' or 'systole pcsd'",
                socket.display()
            ))
        })?;
        let token = super::client::token().unwrap_or_default();
        exchange(stream, "localhost", &token, request, fields).await
    };
    tokio::time::timeout(limit, asked).await.unwrap_or(Err(Trouble::TimedOut(limit)))
}

async fn connect(
    destination: &Destination,
    pinned: Option<String>,
) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, String), Trouble> {
    let unreachable = |error: std::io::Error| Trouble::Unreachable(reason(&error));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Pinned { fingerprint: pinned, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::Unreachable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let connected = async {
        let address = (destination.addr.as_str(), destination.port);
        let stream = TcpStream::connect(address).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        // The certificate is pinned, not bound to a name.
        let name = ServerName::try_from("pcsd")
            .map_err(|error| Trouble::Unreachable(error.to_string()))?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| {
            if error.to_string().contains(OTHER_CERTIFICATE) {
                Trouble::OtherCertificate
            } else {
                unreachable(error)
            }
        })
    };
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, connected)
        .await
        .unwrap_or_else(|_| Err(Trouble::Unreachable("Connection timed out".to_owned())))?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let shown = shown.map(fingerprint).unwrap_or_default();
    Ok((stream, shown))
}

async fn exchange<S>(
    stream: S,
    host: &str,
    token: &str,
    request: Request,
    fields: &Fields,
) -> Result<String, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let lost = |error: hyper::Error| Trouble::Unreachable(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    // It ends with the answer, or with the task that waits for it.
    tokio::spawn(async move { connection.await.ok() });
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().map(|(name, value)| (*name, value.as_str())))
        .finish();
    let message = hyper::Request::post(format!("/remote/{}", request.name()))
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(COOKIE, format!("{TOKEN_COOKIE}={token}"))
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| Trouble::Unreachable(error.to_string()))?;
    let answer = sender.send_request(message).await.map_err(lost)?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(lost)?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    match status {
        200 => Ok(body),
        401 => Err(Trouble::NotAuthorized),
        403 => Err(Trouble::Forbidden),
        _ => Err(Trouble::Refused(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_names_the_host_and_a_way_out() {
        assert_eq!(
            Trouble::NotAuthorized.text("n1"),
            "Unable to authenticate to n1 (HTTP error: 401), try running 'pcs host auth n1'"
        );
        let text = Trouble::Unreachable("Connection refused".into()).text("n1");
        assert_eq!(text, "Unable to connect to n1 (Connection refused)");
    }

    #[test]
    fn a_host_that_is_not_there_is_told_apart_from_one_that_refuses() {
        let host = KnownHost {
            dest_list: vec![Destination { addr: "127.0.0.1".into(), port: 1 }],
            token: String::new(),
            fingerprint: None,
        };
        let peer = Peer { name: "n1".into(), host };
        let answer = block_on(ask(&peer, Request::CheckAuth, &Vec::new(), CONNECT_TIMEOUT));
        assert_eq!(answer.unwrap().unwrap_err(), Trouble::Unreachable("Connection refused".into()));
    }
}

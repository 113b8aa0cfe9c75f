//! pcsd's certificate: made at first start, kept, shown to everyone who connects.

use std::sync::{Arc, PoisonError, RwLock};

use model::Paths;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::store::{self, PUBLIC, SECRET, StoreError};

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Making one failed.
    #[error("cannot make a certificate for host '{host}'")]
    Make {
        /// The name it would carry.
        host: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// A file holds something else.
    #[error(
        "'{path}' holds no usable {what}; remove '{path}' and its counterpart, and pcsd makes \
         new ones when it starts"
    )]
    Form {
        /// Which file.
        path: String,
        /// What should be in it.
        what: &'static str,
    },
    /// The two do not belong together.
    #[error("pcsd's certificate and key do not fit each other or cannot be used")]
    Tls(#[from] rustls::Error),
}

/// The certificate that is shown to whoever connects; it may be replaced while pcsd runs.
#[derive(Debug)]
pub(crate) struct Shown {
    current: RwLock<Arc<CertifiedKey>>,
}

impl Shown {
    fn new(certificate: CertifiedKey) -> Arc<Self> {
        Arc::new(Self { current: RwLock::new(Arc::new(certificate)) })
    }

    /// Shows another certificate from now on.
    pub(crate) fn show(&self, certificate: CertifiedKey) {
        // nobody panics while holding it, and what is in it is whole in any case
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Loads the certificate and its key, or makes them.
pub(crate) fn load(paths: &Paths, host: &str) -> Result<Arc<Shown>, CertificateError> {
    let (certificate_path, key_path) = (paths.pcsd_certificate(), paths.pcsd_key());
    let (certificate, key) = match (store::read(&certificate_path)?, store::read(&key_path)?) {
        (Some(certificate), Some(key)) => (certificate, key),
        _ => {
            let (certificate, key) = make(host)?;
            keep(paths, &certificate, &key)?;
            tracing::info!(path = %certificate_path.display(), "made a new certificate");
            (certificate.into_bytes(), key.into_bytes())
        }
    };
    let (certificate, key) = parse(
        (&certificate, &certificate_path.display().to_string()),
        (&key, &key_path.display().to_string()),
    )?;
    Ok(Shown::new(pair(certificate, key)?))
}

/// Returns a configuration of TLS that shows a certificate.
pub(crate) fn server_config(shown: Arc<Shown>) -> Result<ServerConfig, CertificateError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(shown))
}

/// Keeps a certificate and its key.
pub(crate) fn keep(paths: &Paths, certificate: &str, key: &str) -> Result<(), StoreError> {
    // The key first: a certificate without its key would be shown and then fail.
    store::write(&paths.pcsd_key(), key.as_bytes(), SECRET)?;
    store::write(&paths.pcsd_certificate(), certificate.as_bytes(), PUBLIC)
}

/// Checks that a certificate and a key can be used and belong together.
pub(crate) fn check(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let parsed = parse((certificate, "ssl_cert"), (key, "ssl_key"));
    parsed.and_then(|(chain, key)| pair(chain, key)).map_err(|error| match error {
        CertificateError::Form { what, .. } => format!("this is no usable {what} in PEM"),
        other => store::chain(&other),
    })
}

type Parsed = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads a certificate and a key, each with the name of where it is from.
fn parse(certificate: (&[u8], &str), key: (&[u8], &str)) -> Result<Parsed, CertificateError> {
    let form = |path: &str, what| CertificateError::Form { path: path.to_owned(), what };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.0)
        .collect::<Result<_, _>>()
        .map_err(|_| form(certificate.1, "certificate"))?;
    if chain.is_empty() {
        return Err(form(certificate.1, "certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key.0).map_err(|_| form(key.1, "private key"))?;
    Ok((chain, key))
}

fn pair(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, CertificateError> {
    let provider = rustls::crypto::ring::default_provider();
    Ok(CertifiedKey::from_der(chain, key, &provider)?)
}

/// Makes a self-signed certificate for a host; peers pin it, so its dates mean nothing.
fn make(host: &str) -> Result<(String, String), CertificateError> {
    let made = (|| {
        let key = rcgen::KeyPair::generate()?;
        let mut parameters = rcgen::CertificateParams::new(vec![host.to_owned()])?;
        parameters.distinguished_name.push(rcgen::DnType::CommonName, host);
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "pcsd");
        let certificate = parameters.self_signed(&key)?;
        Ok((certificate.pem(), key.serialize_pem()))
    })();
    made.map_err(|source| CertificateError::Make { host: host.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_certificate_and_the_next_keeps_it() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        load(&paths, "n1").unwrap();
        let first = store::read(&paths.pcsd_certificate()).unwrap();
        load(&paths, "n1").unwrap();
        assert_eq!(store::read(&paths.pcsd_certificate()).unwrap(), first);
    }

    #[test]
    fn a_broken_file_is_named_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        load(&paths, "n1").unwrap();
        store::write(&paths.pcsd_certificate(), b"rubbish", PUBLIC).unwrap();
        let error = load(&paths, "n1").unwrap_err().to_string();
        assert!(error.contains("pcsd.crt' holds no usable certificate"), "{error}");
        assert_eq!(store::read(&paths.pcsd_certificate()).unwrap().unwrap(), b"rubbish");
    }

    #[test]
    fn a_certificate_and_the_key_of_another_are_refused() {
        let (one, key) = make("n1").unwrap();
        let (other, _) = make("n2").unwrap();
        assert!(check(one.as_bytes(), key.as_bytes()).is_ok());
        assert!(check(other.as_bytes(), key.as_bytes()).is_err());
        let error = check(b"rubbish", key.as_bytes()).unwrap_err();
        assert_eq!(error, "this is no usable certificate in PEM");
    }
}

//! pcsd's certificate: made at first start, kept, shown to everyone who connects.

use std::sync::Arc;

use model::Paths;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

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

/// Loads the certificate and its key, or makes them, as a configuration of TLS.
pub(crate) fn server_config(paths: &Paths, host: &str) -> Result<ServerConfig, CertificateError> {
    let (certificate_path, key_path) = (paths.pcsd_certificate(), paths.pcsd_key());
    let (certificate, key) = match (store::read(&certificate_path)?, store::read(&key_path)?) {
        (Some(certificate), Some(key)) => (certificate, key),
        _ => {
            let (certificate, key) = make(host)?;
            // The key first: a certificate without its key would be shown and then fail.
            store::write(&key_path, key.as_bytes(), SECRET)?;
            store::write(&certificate_path, certificate.as_bytes(), PUBLIC)?;
            tracing::info!(path = %certificate_path.display(), "made a new certificate");
            (certificate.into_bytes(), key.into_bytes())
        }
    };
    let form = |path: &std::path::Path, what| CertificateError::Form {
        path: path.display().to_string(),
        what,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| form(&certificate_path, "certificate"))?;
    if chain.is_empty() {
        return Err(form(&certificate_path, "certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| form(&key_path, "private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?)
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
        server_config(&paths, "n1").unwrap();
        let first = store::read(&paths.pcsd_certificate()).unwrap();
        server_config(&paths, "n1").unwrap();
        assert_eq!(store::read(&paths.pcsd_certificate()).unwrap(), first);
    }

    #[test]
    fn a_broken_file_is_named_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::under(Some(root.path().into()));
        server_config(&paths, "n1").unwrap();
        store::write(&paths.pcsd_certificate(), b"rubbish", PUBLIC).unwrap();
        let error = server_config(&paths, "n1").unwrap_err().to_string();
        assert!(error.contains("pcsd.crt' holds no usable certificate"), "{error}");
        assert_eq!(store::read(&paths.pcsd_certificate()).unwrap().unwrap(), b"rubbish");
    }
}

//! Who is a peer: certificates from a CA whose key every holder of the authkey can derive.
//!
//! Each node makes its own certificate at start. Peers check that it comes from this cluster's CA
//! and names the node they dialled; dates are wide open, so a wrong clock locks nobody out.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use ring::hkdf;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use model::NodeId;

/// PKCS#8 (RFC 5208, RFC 8410) around a 32-byte Ed25519 seed.
const ED25519_PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// This node's certificate and the CA it checks others by.
pub(crate) struct Trust {
    cluster: String,
    ca_pem: String,
    certificate_pem: String,
    key_pem: String,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The key derivation refused.
    #[error("failed to derive the peer key from the authkey")]
    Derive,
    /// The certificate library refused.
    #[error("failed to make this node's certificate")]
    Certificate(#[from] rcgen::Error),
}

impl Trust {
    /// Derives the CA from the authkey and makes a certificate for `me`.
    ///
    /// `cluster` tells clusters apart that share an authkey, by its name.
    pub(crate) fn new(authkey: &[u8], cluster: &str, me: NodeId) -> Result<Self, TrustError> {
        let ca_key = derived_key(authkey, cluster)?;
        let mut ca = CertificateParams::new(Vec::<String>::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        ca.distinguished_name.push(DnType::CommonName, format!("Systole peers of {cluster}"));
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(vec![peer_name(cluster, me)])?.signed_by(&key, &issuer)?;
        Ok(Self {
            cluster: cluster.to_owned(),
            ca_pem,
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Returns the configuration for the listener: peers must bring a certificate of the CA.
    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(Identity::from_pem(&self.certificate_pem, &self.key_pem))
            .client_ca_root(Certificate::from_pem(&self.ca_pem))
    }

    /// Returns the configuration for dialling a peer: it must be who we mean.
    pub(crate) fn client(&self, peer: NodeId) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.ca_pem))
            .identity(Identity::from_pem(&self.certificate_pem, &self.key_pem))
            .domain_name(peer_name(&self.cluster, peer))
    }
}

/// The name in a node's certificate; the cluster's part is hexadecimal, since names of clusters
/// may hold what a DNS name may not.
fn peer_name(cluster: &str, node: NodeId) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, cluster.as_bytes());
    let hex: String = digest.as_ref()[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("node-{node}.{hex}.systole")
}

fn derived_key(authkey: &[u8], cluster: &str) -> Result<KeyPair, TrustError> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"systole peer ca");
    let info = [cluster.as_bytes()];
    let secret = salt.extract(authkey);
    let expanded = secret
        .expand(&info, hkdf::HKDF_SHA256)
        .map_err(|ring::error::Unspecified| TrustError::Derive)?;
    let mut pkcs8 = [0_u8; 48];
    pkcs8[..16].copy_from_slice(&ED25519_PKCS8_HEAD);
    expanded.fill(&mut pkcs8[16..]).map_err(|ring::error::Unspecified| TrustError::Derive)?;
    Ok(KeyPair::try_from(pkcs8.as_slice())?)
}

#[cfg(test)]
mod tests {
    use super::{Trust, derived_key};
    use model::NodeId;

    #[test]
    fn every_holder_of_the_authkey_derives_the_same_ca() {
        let key = |authkey: &[u8], cluster| derived_key(authkey, cluster).unwrap().public_key_pem();
        assert_eq!(key(b"secret", "c"), key(b"secret", "c"));
        assert_ne!(key(b"secret", "c"), key(b"secret", "d"));
        assert_ne!(key(b"secret", "c"), key(b"other", "c"));
        assert!(Trust::new(b"secret", "my cluster!", NodeId(1)).is_ok());
    }
}

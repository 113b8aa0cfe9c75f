//! `pcs pcsd certkey` and `sync-certificates`: what pcsd shows to those who connect. Hosts pin the
//! certificates of others, so whoever knows this host must be told of a new one.

use std::collections::BTreeMap;

use pcs::cluster::known_hosts::KnownHost;
use pcs::cluster::protocol::{KnownHostsChange, Request};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::cluster::named;
use super::context::{Cli, Context, Failure, fail, print_error};
use super::hosts::{self, progress};
use super::peers::{self, Fields, Peer, ask_all};

/// A certificate and its key, as PEM.
struct Pair {
    certificate: String,
    key: String,
    fingerprint: String,
}

impl Pair {
    fn read(certificate: &std::path::Path, key: &std::path::Path) -> Cli<Self> {
        let read = |path: &std::path::Path| {
            std::fs::read_to_string(path)
                .or_else(|error| fail(format!("Unable to read '{}': {error}", path.display())))
        };
        let (certificate_text, key_text) = (read(certificate)?, read(key)?);
        let Ok(first) = CertificateDer::from_pem_slice(certificate_text.as_bytes()) else {
            return fail(format!("'{}' holds no certificate in PEM", certificate.display()));
        };
        let Ok(secret) = PrivateKeyDer::from_pem_slice(key_text.as_bytes()) else {
            return fail(format!("'{}' holds no private key in PEM", key.display()));
        };
        let fingerprint = peers::fingerprint(&first);
        let provider = rustls::crypto::ring::default_provider();
        let fits = rustls::sign::CertifiedKey::from_der(vec![first], secret, &provider);
        if let Err(error) = fits {
            return fail(format!("SSL certificate does not match the key: {error}"));
        }
        Ok(Self { certificate: certificate_text, key: key_text, fingerprint })
    }

    fn fields(&self) -> Fields {
        vec![("ssl_cert", self.certificate.clone()), ("ssl_key", self.key.clone())]
    }
}

/// `pcs pcsd certkey CERTIFICATE KEY`
pub(crate) fn load(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--force"])?;
    let [certificate, key] = words else {
        return Err(Failure::Usage { area: "pcsd", command: "certkey" });
    };
    let pair = Pair::read(certificate.as_ref(), key.as_ref())?;
    let paths = hosts::paths();
    let present = [paths.pcsd_certificate(), paths.pcsd_key()];
    if !context.force() && present.iter().any(|path| path.exists()) {
        return fail("certificate and/or key already exists, use --force to overwrite");
    }
    hosts::local(Request::SetCerts, pair.fields(), hosts::LOCAL_TIMEOUT)?;
    progress("Certificate and key updated, pcsd shows them from now on.");
    context.warn(
        "Hosts that know this one will refuse it until they are told: run 'pcs pcsd \
         sync-certificates' here, or 'pcs host auth' there",
    );
    Ok(())
}

/// `pcs pcsd sync-certificates`
pub(crate) fn spread(context: &mut Context, words: &[String]) -> Cli {
    context.supports(&["--request-timeout", "--skip-offline"])?;
    if !words.is_empty() {
        return Err(Failure::Usage { area: "pcsd", command: "sync-certificates" });
    }
    let paths = hosts::paths();
    let pair = Pair::read(&paths.pcsd_certificate(), &paths.pcsd_key())?;
    let names = hosts::node_names(&hosts::local_conf(context)?);
    let all = hosts::peers(&hosts::known_hosts()?, &names)?;
    let is_off = |trouble: &peers::Trouble| {
        matches!(trouble, peers::Trouble::Unreachable(_) | peers::Trouble::TimedOut(_))
    };
    let all = super::cluster_nodes::present(context, all, is_off)?;
    let names: Vec<&str> = all.iter().map(|peer| peer.name.as_str()).collect();
    progress(&format!("Synchronizing pcsd certificates on nodes {}...", names.join(", ")));
    let limit = hosts::request_timeout(context);
    let mut done: BTreeMap<String, KnownHost> = BTreeMap::new();
    let mut troubles = Vec::new();
    let fields = |_: &Peer| pair.fields();
    // one that shows it already, as this host may, is no other host than before
    let pinned = |peer: &Peer| Peer {
        host: KnownHost { fingerprint: Some(pair.fingerprint.clone()), ..peer.host.clone() },
        ..peer.clone()
    };
    let mut again = Vec::new();
    hosts::run(ask_all(&all, Request::SetCerts, fields, limit, |name, answer| {
        let Some(peer) = all.iter().find(|peer| peer.name == name) else { return };
        match answer {
            Ok(_) => {
                progress(&format!("{name}: Success"));
                done.insert(name.to_owned(), pinned(peer).host);
            }
            Err(peers::Trouble::OtherCertificate) => again.push(pinned(peer)),
            Err(trouble) => troubles.push(named(name, &trouble)),
        }
    }))?;
    hosts::run(ask_all(&again, Request::SetCerts, fields, limit, |name, answer| match answer {
        Ok(_) => {
            progress(&format!("{name}: Success"));
            let peer = again.iter().find(|peer| peer.name == name);
            done.extend(peer.map(|peer| (name.to_owned(), peer.host.clone())));
        }
        Err(trouble) => troubles.push(named(name, &trouble)),
    }))?;
    let told: Vec<Peer> =
        done.iter().map(|(name, host)| Peer { name: name.clone(), host: host.clone() }).collect();
    let change = KnownHostsChange { known_hosts_add: done.clone(), known_hosts_remove: Vec::new() };
    let data = hosts::json(&change)?;
    let fields = |_: &Peer| vec![("data_json", data.clone())];
    hosts::run(ask_all(&told, Request::KnownHostsChange, fields, limit, |name, answer| {
        if let Err(trouble) = answer {
            troubles.push(named(name, &trouble));
        }
    }))?;
    if !done.is_empty() {
        hosts::remember(done, Vec::new())?;
    }
    troubles.sort();
    for trouble in &troubles {
        print_error(&format!("Error: {trouble}"));
    }
    if troubles.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}

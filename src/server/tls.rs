//! TLS of the server: version 1.3, and client certificates that the node authority signed, if there is one.
//!
//! Who has no certificate gets as far as the routes that need none. Who has a wrong one gets no connection.

use super::ServerError;
use super::authority::{self, Authority};
use super::layout::Layout;
use crate::model::{Digest, NodeName, Stamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::sync::{Arc, PoisonError, RwLock};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The node behind a connection, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its name.
    pub(super) node: NodeName,
    /// SHA-256 of its public key in DER.
    pub(super) key: Digest,
    /// When its certificate expires.
    pub(super) expires: Stamp,
}

/// The server's own certificate. It may be exchanged while the server runs: new connections get the new one, and those
/// that are open go on.
#[derive(Debug)]
pub(super) struct Own {
    current: RwLock<Arc<CertifiedKey>>,
}

impl Own {
    /// The certificate on disk.
    pub(super) fn load(layout: &Layout) -> Result<Self, ServerError> {
        Ok(Self { current: RwLock::new(read(layout)?) })
    }

    /// Takes the certificate that is on disk now.
    pub(super) fn reload(&self, layout: &Layout) -> Result<(), ServerError> {
        let fresh = read(layout)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(layout: &Layout) -> Result<Arc<CertifiedKey>, ServerError> {
    let chain = CertificateDer::pem_file_iter(layout.certificate())?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(layout.certificate_key())?;
    let provider = rustls::crypto::ring::default_provider();
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider)?))
}

/// The TLS settings: `own` for the server, and `nodes` for clients.
pub(super) fn settings(own: Arc<Own>, nodes: &Authority) -> Result<Arc<ServerConfig>, ServerError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(nodes.certificate().clone())?;
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(ServerError::ClientVerifier)?;
    let mut settings = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(own);
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(settings))
}

/// Who is at the other end: `Ok(None)` without a certificate, `Err` when one was verified but names no node.
pub(super) fn peer(connection: &ServerConnection) -> Result<Option<Peer>, ()> {
    let Some(certificate) = connection.peer_certificates().and_then(|chain| chain.first()) else {
        return Ok(None);
    };
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| ())?;
    let node = authority::node_name(certificate.subject()).ok_or(())?;
    let expires = Stamp::from_unix(certificate.validity().not_after.timestamp());
    Ok(Some(Peer { node, key: Digest::of(certificate.public_key().raw), expires }))
}

//! Who this node is: its name, its keys (made here, never leaving) and the certificate that a server issued.
//!
//! None of it decides what may run: it only lets the node be told apart from others.

use super::disk::{Disk, DiskError};
use crate::model::name::NameError;
use crate::model::{Digest, NodeName, Stamp};
use crate::signing::{KeyError, SigningKey};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const NAME: &str = "node";
const TLS_KEY: &str = "tls.key";
const TLS_CERTIFICATE: &str = "tls.crt";
const REPORT_KEY: &str = "report.key";
const CAP: u64 = 16 << 10;

/// The name and keys of a node.
pub struct Identity {
    /// The node's name.
    pub node: NodeName,
    tls: KeyPair,
    report: SigningKey,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Why the node's identity could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// One of its files is gone.
    #[error("`{0}` of this agent is missing")]
    Missing(&'static str),
    /// One of its files makes no sense.
    #[error("`{0}` of this agent is damaged")]
    Damaged(&'static str),
    /// The agent was enrolled under another name.
    #[error("this agent has keys for `{have}`, not for `{wanted}`")]
    OtherName {
        /// The name that it has.
        have: NodeName,
        /// The name that was asked for.
        wanted: NodeName,
    },
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// The report key could not be written as text.
    #[error("cannot encode the report key")]
    ReportKey(#[from] KeyError),
    /// A key or request could not be made.
    #[error("cannot make the key or its certificate request")]
    Request(#[from] rcgen::Error),
}

/// A certificate and its key, for a connection that says who it is.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

impl Identity {
    /// The identity in `disk`, or a new one with that name.
    ///
    /// # Errors
    /// When there is one with another name, or it cannot be made.
    pub fn load_or_create(disk: &Disk, node: &NodeName) -> Result<Self, IdentityError> {
        if !disk.has(NAME) {
            let tls = KeyPair::generate_for(&PKCS_ED25519)?;
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(IdentityError::Randomness)?;
            disk.write(TLS_KEY, tls.serialize_pem().as_bytes())?;
            let report = SigningKey::generate(seed).to_openssh(node.as_str())?;
            disk.write(REPORT_KEY, report.as_bytes())?;
            // Last: an identity without a name is made again, one with a name is complete.
            disk.write(NAME, format!("{node}\n").as_bytes())?;
        }
        let identity = Self::load(disk)?;
        if identity.node == *node {
            Ok(identity)
        } else {
            Err(IdentityError::OtherName { have: identity.node, wanted: node.clone() })
        }
    }

    /// The identity in `disk`.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn load(disk: &Disk) -> Result<Self, IdentityError> {
        let node = text(disk, NAME)?.trim().parse()?;
        let tls = KeyPair::from_pem(&text(disk, TLS_KEY)?).map_err(|_| IdentityError::Damaged(TLS_KEY))?;
        let report = SigningKey::from_openssh(text(disk, REPORT_KEY)?.as_bytes())
            .map_err(|_| IdentityError::Damaged(REPORT_KEY))?;
        Ok(Self { node, tls, report })
    }

    /// The SHA-256 of the node's public key in DER: what `node list` shows on the server.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.tls.subject_public_key_info())
    }

    /// The key that signs the node's reports.
    #[must_use]
    pub const fn report_key(&self) -> &SigningKey {
        &self.report
    }

    /// A certificate request in PEM for the node's name and key, and nothing else (D43).
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn request(&self) -> Result<String, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, self.node.as_str());
        Ok(params.serialize_request(&self.tls)?.pem()?)
    }

    /// Keeps the certificate that the server issued, if it is for this node's key.
    ///
    /// # Errors
    /// When it is not, or cannot be written.
    pub fn keep_certificate(&self, disk: &Disk, pem: &str) -> Result<(), IdentityError> {
        let damaged = || IdentityError::Damaged(TLS_CERTIFICATE);
        let chain = certificates(pem.as_bytes()).ok_or_else(damaged)?;
        let leaf = chain.first().ok_or_else(damaged)?;
        if public_key(leaf) != Some(self.fingerprint()) {
            return Err(damaged());
        }
        Ok(disk.write(TLS_CERTIFICATE, pem.as_bytes())?)
    }

    /// The certificate that the server issued and its key; `None` when the node is not accepted yet.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn certificate(&self, disk: &Disk) -> Result<Option<ClientCertificate>, IdentityError> {
        let Some(pem) = disk.read(TLS_CERTIFICATE, CAP)? else { return Ok(None) };
        let chain = certificates(&pem).ok_or(IdentityError::Damaged(TLS_CERTIFICATE))?;
        let key = PrivatePkcs8KeyDer::from(self.tls.serialize_der()).into();
        Ok(Some(ClientCertificate { chain, key }))
    }

    /// Whether two thirds of the certificate's life are over at `now`, so that another should be asked for.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn is_renewal_due(&self, disk: &Disk, now: Stamp) -> Result<bool, IdentityError> {
        let Some(certificate) = self.certificate(disk)? else { return Ok(true) };
        let life = certificate.chain.first().and_then(validity);
        let (from, to) = life.ok_or(IdentityError::Damaged(TLS_CERTIFICATE))?;
        Ok(now.unix() >= from + (to - from) / 3 * 2)
    }
}

/// The SHA-256 of a certificate's public key in DER.
#[must_use]
pub fn public_key(certificate: &CertificateDer<'_>) -> Option<Digest> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Digest::of(parsed.tbs_certificate.subject_pki.raw))
}

/// The certificates in a PEM text; `None` when it holds none or is damaged.
#[must_use]
pub fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!chain.is_empty()).then_some(chain)
}

fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

fn text(disk: &Disk, name: &'static str) -> Result<String, IdentityError> {
    let bytes = disk.read(name, CAP)?.ok_or(IdentityError::Missing(name))?;
    String::from_utf8(bytes).map_err(|_| IdentityError::Damaged(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (tempfile::TempDir, Disk, Identity) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        let identity = Identity::load_or_create(&disk, &"web1.example".parse().unwrap()).unwrap();
        (dir, disk, identity)
    }

    fn issue(request: &str, days: i64) -> String {
        let key = KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::new(CertificateParams::default(), key);
        let mut request = rcgen::CertificateSigningRequestParams::from_pem(request).unwrap();
        request.params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        request.params.not_after = request.params.not_before + time::Duration::days(days);
        request.signed_by(&issuer).unwrap().pem()
    }

    #[test]
    fn keys_are_made_once() {
        let (_dir, disk, identity) = fresh();
        let again = Identity::load_or_create(&disk, &identity.node).unwrap();
        assert_eq!(again.fingerprint(), identity.fingerprint());
        let other = Identity::load_or_create(&disk, &"web2.example".parse().unwrap());
        assert!(matches!(other, Err(IdentityError::OtherName { .. })));
    }

    #[test]
    fn d43_the_request_asks_for_a_name_and_nothing_else() {
        let (_dir, _disk, identity) = fresh();
        let pem = identity.request().unwrap();
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let (_, request) =
            <x509_parser::certification_request::X509CertificationRequest<'_> as
             x509_parser::prelude::FromDer<'_, _>>::from_der(&block.contents)
            .unwrap();
        let info = &request.certification_request_info;
        assert_eq!(info.subject.to_string(), "CN=web1.example");
        assert_eq!(Digest::of(info.subject_pki.raw), identity.fingerprint());
        assert!(request.requested_extensions().is_none_or(|mut e| e.next().is_none()));
    }

    #[test]
    fn only_a_certificate_for_the_own_key_is_kept() {
        let (_dir, disk, identity) = fresh();
        assert!(identity.certificate(&disk).unwrap().is_none());
        let (_dir2, _disk2, other) = fresh();
        let foreign = issue(&other.request().unwrap(), 30);
        assert!(matches!(identity.keep_certificate(&disk, &foreign), Err(IdentityError::Damaged(_))));
        assert!(identity.certificate(&disk).unwrap().is_none());
        identity.keep_certificate(&disk, &issue(&identity.request().unwrap(), 30)).unwrap();
        assert_eq!(identity.certificate(&disk).unwrap().map(|c| c.chain.len()), Some(1));
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_life() {
        let (_dir, disk, identity) = fresh();
        identity.keep_certificate(&disk, &issue(&identity.request().unwrap(), 30)).unwrap();
        let due = |at: &str| identity.is_renewal_due(&disk, at.parse().unwrap()).unwrap();
        assert!(!due("2026-01-20T23:00:00Z"));
        assert!(due("2026-01-21T01:00:00Z"));
    }
}

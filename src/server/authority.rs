//! The two certificate authorities: one for the server, one for nodes.
//!
//! A certificate lets a node be told apart from others; it never decides what may run. Nothing of a
//! certificate request is copied into a certificate but its key and its common name (D43).

use super::ServerError;
use crate::model::digest::hex;
use crate::model::{Digest, NodeName, Stamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;
use std::path::Path;
use time::OffsetDateTime;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

const DAY: i64 = 86_400;
/// How long a node's certificate lives.
pub const NODE_LIFE: i64 = 30 * DAY;
/// How long the server's certificate lives.
pub const SERVER_LIFE: i64 = 397 * DAY;
const AUTHORITY_LIFE: i64 = 3650 * DAY;
/// Clocks of nodes may be behind by this much.
const SKEW: i64 = 300;

/// A certificate authority.
pub struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate and its private key, in PEM.
#[derive(Debug, Clone)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

/// What a certificate request asks for, once its own signature was verified.
#[derive(Debug, Clone)]
pub struct NodeRequest {
    /// Its common name.
    pub name: NodeName,
    /// SHA-256 of its public key in DER.
    pub fingerprint: Digest,
    key: SubjectPublicKeyInfo,
}

/// A node's new certificate.
#[derive(Debug, Clone)]
pub struct Issued {
    /// In PEM.
    pub pem: String,
    /// Its serial, in hexadecimal digits.
    pub serial: String,
    /// When it expires.
    pub expires: Stamp,
}

/// Why a certificate request is no request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not a request in PEM, or its signature does not fit.
    #[error("not a certificate request in PEM that its own key signed")]
    Form,
    /// A key that is neither Ed25519 nor on P-256.
    #[error("the key of a certificate request must be Ed25519 or ECDSA on P-256")]
    Key,
    /// Not exactly one common name that is a node name.
    #[error("a certificate request must have one common name, and that must be a node name")]
    Name,
}

/// Makes an authority.
///
/// # Errors
/// When there is no randomness.
pub fn create(common_name: &str, now: Stamp) -> Result<Certified, ServerError> {
    let key = new_key()?;
    let mut params = params(common_name, now, AUTHORITY_LIFE)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok(Certified { certificate: certificate.pem(), key: key.serialize_pem() })
}

impl Authority {
    /// Loads an authority from its two files.
    ///
    /// # Errors
    /// When they are missing or damaged.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, ServerError> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(ServerError::io("read", path));
        Self::from_pem(read(certificate)?, &read(key)?)
    }

    fn from_pem(pem: String, key: &str) -> Result<Self, ServerError> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())?;
        let issuer = Issuer::from_ca_cert_der(&certificate, KeyPair::from_pem(key)?)?;
        Ok(Self { certificate, pem, issuer })
    }

    /// Its own certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Makes a certificate for a server, followed by the authority's own, so that agents can tell from the
    /// trust root alone whom they talk to.
    ///
    /// # Errors
    /// When a name cannot be put into a certificate.
    pub fn issue_server(&self, names: &[String], now: Stamp) -> Result<Certified, ServerError> {
        let key = new_key()?;
        let mut params = params("countersign server", now, SERVER_LIFE)?;
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Certified { certificate: format!("{}{}", certificate.pem(), self.pem), key: key.serialize_pem() })
    }

    /// Makes a certificate for a node. Only the name and key of the request count.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn issue_node(&self, request: &NodeRequest, now: Stamp) -> Result<Issued, ServerError> {
        let mut params = params(request.name.as_str(), now, NODE_LIFE)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let serial = params.serial_number.as_ref().map(|serial| hex(&serial.to_bytes())).unwrap_or_default();
        let certificate = params.signed_by(&request.key, &self.issuer)?;
        Ok(Issued { pem: certificate.pem(), serial, expires: now.plus(NODE_LIFE) })
    }
}

/// SHA-256 of the public key in DER of the certificate in a file: how the trust root names an authority.
///
/// # Errors
/// When there is no certificate in the file.
pub fn public_key(path: &Path) -> Result<Digest, ServerError> {
    let der = CertificateDer::from_pem_file(path)?;
    let (_, certificate) =
        X509Certificate::from_der(&der).map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    Ok(Digest::of(certificate.public_key().raw))
}

/// Whether a server's certificate has not lived two thirds of its life, and is for exactly these names.
///
/// # Errors
/// When there is no certificate in the file.
pub fn is_fresh(path: &Path, names: &[String], now: Stamp) -> Result<bool, ServerError> {
    let der = CertificateDer::from_pem_file(path)?;
    let (_, certificate) =
        X509Certificate::from_der(&der).map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    let wanted = CertificateParams::new(names)?.subject_alt_names;
    let have = certificate.subject_alternative_name().ok().flatten();
    let have: Vec<&GeneralName<'_>> = have.iter().flat_map(|found| &found.value.general_names).collect();
    let same = |(want, have): (&SanType, &&GeneralName<'_>)| match (want, have) {
        (SanType::DnsName(want), GeneralName::DNSName(have)) => want.as_str() == *have,
        (SanType::IpAddress(IpAddr::V4(want)), GeneralName::IPAddress(have)) => want.octets() == *have,
        (SanType::IpAddress(IpAddr::V6(want)), GeneralName::IPAddress(have)) => want.octets() == *have,
        (_, _) => false,
    };
    let names_fit = wanted.len() == have.len() && wanted.iter().zip(&have).all(same);
    let (from, to) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    Ok(names_fit && now.unix() < from + (to - from) / 3 * 2)
}

/// Reads a certificate request and verifies that whoever made it holds its key.
///
/// # Errors
/// When it is no request, or asks with a key or for a name that is none.
pub fn read_request(pem: &str) -> Result<NodeRequest, RequestError> {
    let der = rustls::pki_types::CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| RequestError::Form)?;
    let (rest, request) = X509CertificationRequest::from_der(&der).map_err(|_| RequestError::Form)?;
    if !rest.is_empty() {
        return Err(RequestError::Form);
    }
    let info = &request.certification_request_info;
    let key = SubjectPublicKeyInfo::from_der(info.subject_pki.raw).map_err(|_| RequestError::Key)?;
    let algorithm = key.algorithm();
    if *algorithm != rcgen::PKCS_ED25519 && *algorithm != rcgen::PKCS_ECDSA_P256_SHA256 {
        return Err(RequestError::Key);
    }
    request.verify_signature().map_err(|_| RequestError::Form)?;
    let name = node_name(&info.subject).ok_or(RequestError::Name)?;
    Ok(NodeRequest { name, fingerprint: Digest::of(&key.subject_public_key_info()), key })
}

/// The one common name of a subject, if it is a node name.
pub(super) fn node_name(subject: &x509_parser::x509::X509Name<'_>) -> Option<NodeName> {
    let mut names = subject.iter_common_name();
    match (names.next(), names.next()) {
        (Some(name), None) => name.as_str().ok()?.parse().ok(),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

fn new_key() -> Result<KeyPair, ServerError> {
    Ok(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)
}

fn params(common_name: &str, now: Stamp, life: i64) -> Result<CertificateParams, ServerError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(ServerError::Randomness)?;
    // A serial is a positive number that does not begin with a zero octet.
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = moment(now.plus(-SKEW));
    params.not_after = moment(now.plus(life));
    Ok(params)
}

fn moment(stamp: Stamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(stamp.unix()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;

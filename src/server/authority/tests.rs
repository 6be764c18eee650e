//! What a certificate carries whatever was asked for.

use super::*;

const NOW: Stamp = Stamp::from_unix(1_800_000_000);

fn authority() -> Authority {
    let made = create("node authority", NOW).unwrap();
    Authority::from_pem(made.certificate, &made.key).unwrap()
}

fn request(change: impl FnOnce(&mut CertificateParams)) -> String {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "web1.example");
    change(&mut params);
    params.serialize_request(&key).unwrap().pem().unwrap()
}

#[test]
fn d43_a_request_for_more_gets_a_plain_client_certificate() {
    let pem = request(|params| {
        params.subject_alt_names = vec![SanType::DnsName("puppet.example".try_into().unwrap())];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::OrganizationName, "wheel");
    });
    let request = read_request(&pem).unwrap();
    let issued = authority().issue_node(&request, NOW).unwrap();
    let der = CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=web1.example");
    assert!(certificate.subject_alternative_name().unwrap().is_none());
    assert!(!certificate.is_ca());
    let purposes = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.client_auth && !purposes.server_auth && !purposes.any);
    let uses = certificate.key_usage().unwrap().unwrap().value;
    assert!(uses.digital_signature() && !uses.key_cert_sign());
    assert_eq!(Digest::of(certificate.public_key().raw), request.fingerprint);
    assert_eq!(certificate.validity().not_after.timestamp(), NOW.plus(NODE_LIFE).unix());
}

#[test]
fn d43_a_request_must_be_signed_by_its_key_and_name_a_node() {
    let good = request(|_| ());
    let der = rustls::pki_types::CertificateSigningRequestDer::from_pem_slice(good.as_bytes()).unwrap();
    let mut bytes = der.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let forged = pem_of(&bytes);
    assert!(matches!(read_request(&forged), Err(RequestError::Form)));
    assert!(matches!(read_request("hello"), Err(RequestError::Form)));
    let two_names = request(|params| {
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3, 1]), "x");
        params.distinguished_name = DistinguishedName::new();
    });
    assert!(matches!(read_request(&two_names), Err(RequestError::Name)));
    let no_node = request(|params| params.distinguished_name.push(DnType::CommonName, "../etc"));
    assert!(matches!(read_request(&no_node), Err(RequestError::Name)));
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let other_key = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    assert!(matches!(read_request(&other_key), Err(RequestError::Key)));
}

fn pem_of(der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let label = "CERTIFICATE REQUEST";
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn a_server_certificate_is_made_anew_for_other_names_or_when_old() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("server.pem");
    let names = ["puppet.example".to_owned(), "10.0.0.1".to_owned(), "::1".to_owned()];
    std::fs::write(&path, authority().issue_server(&names, NOW).unwrap().certificate).unwrap();
    let check = |names: &[String], now, expected| assert_eq!(is_fresh(&path, names, now).unwrap(), expected);
    check(&names, NOW, true);
    check(&names[..2], NOW, false);
    check(&[names[0].clone(), "10.0.0.2".to_owned(), names[2].clone()], NOW, false);
    check(&names, NOW.plus(SERVER_LIFE / 3 * 2 - 3600), true);
    check(&names, NOW.plus(SERVER_LIFE / 3 * 2 + 3600), false);
}

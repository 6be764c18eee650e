//! SSH signatures against the real `ssh-keygen`, and everything that must not pass.

use super::*;
use crate::signing::testing::key;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Verifier as _;
use proptest::prelude::*;
use std::path::Path;
use std::process::{Command, Stdio};

const PURPOSE: &str = "release.v1@countersign.dev";

/// A signature with every part in the hands of the test.
pub(super) struct Parts {
    pub(super) version: u32,
    pub(super) key: Vec<u8>,
    pub(super) namespace: Vec<u8>,
    pub(super) reserved: Vec<u8>,
    pub(super) hash: Vec<u8>,
    pub(super) algorithm: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) token: Vec<u8>,
    pub(super) spare: Vec<u8>,
}

impl Parts {
    pub(super) fn honest(message: &[u8]) -> Self {
        Self {
            version: 1,
            key: key("alice").public().to_blob(),
            namespace: PURPOSE.into(),
            reserved: Vec::new(),
            hash: HASH.to_vec(),
            algorithm: b"ssh-ed25519".to_vec(),
            bytes: key("alice").sign(&signed_data(PURPOSE, message)).to_vec(),
            token: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The parts of any signature, by whatever key.
    pub(super) fn read(armored: &str) -> Self {
        let blob = armor::decode(armored).unwrap();
        let mut reader = Reader::new(&blob[MAGIC.len()..]);
        let version = reader.number().unwrap();
        let mut field = || reader.string().unwrap().to_vec();
        let (key, namespace, reserved, hash, signature) = (field(), field(), field(), field(), field());
        let mut reader = Reader::new(&signature);
        let mut field = || reader.string().unwrap().to_vec();
        let (algorithm, bytes) = (field(), field());
        let token = reader.rest().to_vec();
        Self { version, key, namespace, reserved, hash, algorithm, bytes, token, spare: Vec::new() }
    }

    fn armored(&self) -> String {
        armor::encode(&self.blob())
    }

    pub(super) fn blob(&self) -> Vec<u8> {
        let mut signature = Vec::new();
        put_string(&mut signature, &self.algorithm);
        put_string(&mut signature, &self.bytes);
        signature.extend_from_slice(&self.token);
        let mut blob = MAGIC.to_vec();
        blob.extend_from_slice(&self.version.to_be_bytes());
        for part in [&self.key, &self.namespace, &self.reserved, &self.hash, &signature] {
            put_string(&mut blob, part);
        }
        blob.extend_from_slice(&self.spare);
        blob
    }
}

fn check(change: impl FnOnce(&mut Parts), expected: fn(&SshsigError) -> bool) {
    let mut parts = Parts::honest(b"message");
    change(&mut parts);
    let error = verify(&key("alice").public(), PURPOSE, b"message", &parts.armored()).unwrap_err();
    assert!(expected(&error), "{error:?}");
}

#[test]
fn an_honest_signature_passes_and_fits_nothing_else() {
    let armored = sign(&key("alice"), PURPOSE, b"message");
    assert_eq!(armored, Parts::honest(b"message").armored());
    let alice = key("alice").public();
    assert!(verify(&alice, PURPOSE, b"message", &armored).is_ok());
    let refused = |key: &PublicKey, message: &[u8]| verify(key, PURPOSE, message, &armored).unwrap_err();
    assert!(matches!(refused(&alice, b"message\n"), SshsigError::Signature(_)));
    assert!(matches!(refused(&key("bob").public(), b"message"), SshsigError::OtherKey(_)));
}

#[test]
fn d40_spare_and_reserved_bytes_are_refused() {
    check(|parts| parts.reserved = b"x".to_vec(), |e| matches!(e, SshsigError::Form));
    check(|parts| parts.spare = b"x".to_vec(), |e| matches!(e, SshsigError::Form));
    check(|parts| parts.token = vec![1, 0, 0, 0, 0], |e| matches!(e, SshsigError::Form));
    check(|parts| parts.version = 2, |e| matches!(e, SshsigError::Form));
    check(|parts| parts.hash = b"sha256".to_vec(), |e| matches!(e, SshsigError::Hash));
    check(|parts| parts.algorithm = b"ssh-rsa".to_vec(), |e| matches!(e, SshsigError::Form));
    check(|parts| parts.bytes.truncate(63), |e| matches!(e, SshsigError::Form));
}

#[test]
fn d40_no_flipped_bit_goes_unnoticed() {
    let armored = sign(&key("alice"), PURPOSE, b"message");
    let blob = armor::decode(&armored).unwrap();
    for at in 0..blob.len() {
        let mut other = blob.clone();
        other[at] ^= 1 << (at % 8);
        let armored = armor::encode(&other);
        assert!(verify(&key("alice").public(), PURPOSE, b"message", &armored).is_err(), "byte {at}");
    }
}

#[test]
fn d41_a_signature_is_for_one_purpose() {
    let alice = key("alice");
    for other in ["git", "file", "trigger.v1@countersign.dev", "release.v1@countersign.dev\0"] {
        let armored = sign(&alice, other, b"message");
        let error = verify(&alice.public(), PURPOSE, b"message", &armored).unwrap_err();
        assert!(matches!(error, SshsigError::Namespace { .. }), "{other}: {error:?}");
    }
}

/// A signature that nobody made, with the identity as public key: R = B and S = 1 fit every message.
fn forgery() -> Parts {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut key = Vec::new();
    put_string(&mut key, b"ssh-ed25519");
    put_string(&mut key, &identity);
    let mut base_point = [0x66; 32];
    base_point[0] = 0x58;
    Parts { key, bytes: [base_point, identity].concat(), ..Parts::honest(b"") }
}

#[test]
fn d38_the_forgery_by_a_weak_key_is_refused() {
    check(|parts| *parts = forgery(), |e| matches!(e, SshsigError::Key(KeyError::Weak(_))));
}

#[test]
fn d38_one_forgery_fits_every_message_for_others_and_none_for_us() {
    let directory = tempfile::tempdir().unwrap();
    let forged = forgery();
    let line = format!("ssh-ed25519 {}", STANDARD.encode(&forged.key));
    assert!(matches!(PublicKey::parse(&line), Err(KeyError::Weak(_))));
    let point: [u8; 32] = forged.key[forged.key.len() - 32..].try_into().unwrap();
    let bytes: [u8; 64] = forged.bytes.as_slice().try_into().unwrap();
    let usual = ed25519_dalek::VerifyingKey::from_bytes(&point).unwrap();
    let mut stock = Vec::new();
    for message in [&b"message"[..], b"", b"rm -rf /"] {
        let data = signed_data(PURPOSE, message);
        assert!(usual.verify(&data, &ed25519_dalek::Signature::from_bytes(&bytes)).is_ok());
        assert!(ed25519::verify(&point, &data, &bytes).is_err());
        stock.push(stock_accepts(directory.path(), &line, message, &forged.armored()));
    }
    // OpenSSH 9.2 accepts all three. One that refuses weak keys refuses all three.
    assert!(stock == [true; 3] || stock == [false; 3], "{stock:?}");
    assert!(matches!(Signature::parse(&forged.armored()), Err(SshsigError::Key(KeyError::Weak(_)))));
}

/// A token's key and signature, made in software.
fn token_signature(flags: u8) -> (PublicKey, String) {
    let mut blob = Vec::new();
    put_string(&mut blob, b"sk-ssh-ed25519@openssh.com");
    put_string(&mut blob, key("alice").public().point());
    put_string(&mut blob, b"ssh:");
    let data = token_data("ssh:", flags, 9, &signed_data(PURPOSE, b"message"));
    let mut parts = Parts::honest(b"message");
    parts.algorithm = b"sk-ssh-ed25519@openssh.com".to_vec();
    parts.bytes = key("alice").sign(&data).to_vec();
    parts.token = vec![flags, 0, 0, 0, 9];
    parts.key.clone_from(&blob);
    (PublicKey::from_blob(&blob).unwrap(), parts.armored())
}

#[test]
fn d39_a_token_that_nobody_touched_is_refused() {
    for (flags, touched, owner) in [(0, false, false), (1, true, false), (4, false, false), (5, true, true)] {
        let (key, armored) = token_signature(flags);
        let signature = Signature::parse(&armored).unwrap();
        assert_eq!(*signature.key(), key);
        let passes = |token| match signature.verify(PURPOSE, b"message", token) {
            Ok(()) => true,
            Err(SshsigError::Token) => false,
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(passes(Token::Touched), touched, "{flags}");
        assert_eq!(passes(Token::Owner), owner, "{flags}");
    }
}

#[test]
fn d39_the_flags_of_a_token_are_signed() {
    let (_, armored) = token_signature(0);
    let lifted = Parts { token: vec![1, 0, 0, 0, 9], ..Parts::read(&armored) };
    let signature = Signature::parse(&lifted.armored()).unwrap();
    assert!(matches!(
        signature.verify(PURPOSE, b"message", Token::Touched),
        Err(SshsigError::Signature(ed25519::SignatureError::BadSignature))
    ));
}

#[test]
fn openssh_accepts_a_touched_token_signature_like_ours() {
    let directory = tempfile::tempdir().unwrap();
    let (key, armored) = token_signature(1);
    assert!(stock_accepts(directory.path(), &key.to_line(), b"message", &armored));
}

fn stock_accepts(directory: &Path, line: &str, message: &[u8], armored: &str) -> bool {
    let allowed = directory.join("allowed");
    std::fs::write(&allowed, format!("alice namespaces=\"{PURPOSE}\" {line}\n")).unwrap();
    let signature = directory.join("sig");
    std::fs::write(&signature, armored).unwrap();
    run(
        Command::new("ssh-keygen")
            .args(["-Y", "verify", "-n", PURPOSE, "-I", "alice", "-f"])
            .arg(allowed)
            .arg("-s")
            .arg(signature),
        message,
    )
    .is_some()
}

/// The standard output of a program that ended well.
pub(super) fn run(command: &mut Command, input: &[u8]) -> Option<String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // A program that refuses may not wait for its input.
    let written = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input);
    let expected = |error: std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    assert!(written.map_or_else(expected, |()| true));
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn messages() -> Vec<Vec<u8>> {
    let sizes = (0..24).map(|n| if n < 4 { n } else { 1 << (n / 2) });
    sizes
        .zip(0_u8..)
        .map(|(size, n)| (0..size).map(|at: usize| (at as u8).wrapping_mul(31) ^ n).collect())
        .collect()
}

#[test]
fn openssh_and_we_accept_each_others_signatures() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
    assert!(made.unwrap().success());
    let key = SigningKey::from_openssh(&std::fs::read(&path).unwrap()).unwrap();
    for message in messages() {
        let theirs = run(
            Command::new("ssh-keygen").args(["-q", "-Y", "sign", "-n", PURPOSE, "-f"]).arg(&path),
            &message,
        );
        let ours = sign(&key, PURPOSE, &message);
        assert_eq!(theirs.as_deref(), Some(ours.as_str()), "Ed25519 is deterministic");
        assert!(verify(&key.public(), PURPOSE, &message, &ours).is_ok());
        assert!(stock_accepts(directory.path(), &key.public().to_line(), &message, &ours));
        let mut other = message.clone();
        other.push(b'\n');
        assert!(!stock_accepts(directory.path(), &key.public().to_line(), &other, &ours));
        assert!(verify(&key.public(), PURPOSE, &other, &ours).is_err());
    }
}

#[test]
fn d40_what_only_openssh_tolerates_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let alice = key("alice").public();
    let reserved = Parts { reserved: b"x".to_vec(), ..Parts::honest(b"message") }.armored();
    let spare = sign(&key("alice"), PURPOSE, b"message") + "spare\n";
    for armored in [reserved, spare] {
        assert!(
            stock_accepts(directory.path(), &alice.to_line(), b"message", &armored),
            "still so in stock OpenSSH"
        );
        assert!(verify(&alice, PURPOSE, b"message", &armored).is_err());
    }
    let (token, untouched) = token_signature(0);
    assert!(
        stock_accepts(directory.path(), &token.to_line(), b"message", &untouched),
        "still so in stock OpenSSH"
    );
    assert!(verify(&token, PURPOSE, b"message", &untouched).is_err());
}

#[test]
fn other_hashes_and_key_types_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (kind, options, expected) in [
        ("ed25519", vec!["-O", "hashalg=sha256"], "another hash"),
        ("rsa", vec![], "not acceptable"),
        ("ecdsa", vec![], "not acceptable"),
    ] {
        let path = directory.path().join(kind);
        let made = Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]).arg(&path).status();
        assert!(made.unwrap().success());
        let armored = run(
            Command::new("ssh-keygen")
                .args(["-q", "-Y", "sign", "-n", PURPOSE])
                .args(options)
                .arg("-f")
                .arg(&path),
            b"message",
        );
        let error = Signature::parse(&armored.unwrap()).unwrap_err().to_string();
        assert!(error.contains(expected), "{kind}: {error}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "(-----BEGIN SSH SIGNATURE-----\n)?[A-Za-z0-9+/=\n]{0,200}(\n-----END SSH SIGNATURE-----\n)?") {
        drop(Signature::parse(&text));
    }

    #[test]
    fn what_is_read_writes_back_the_same(message: Vec<u8>) {
        let armored = sign(&key("bob"), PURPOSE, &message);
        let blob = armor::decode(&armored).unwrap();
        prop_assert_eq!(armor::encode(&blob), armored);
    }
}

//! Random signatures, honest and bent, put to the installed `ssh-keygen` and to this module.
//!
//! Each case is made from its number alone. A difference is allowed only where OpenSSH lets something
//! pass that [`Stricter`] lists and that the case really has.

use super::tests::{Parts, run};
use super::*;
use crate::signing::testing::{Numbers, key};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use curve25519_dalek::{EdwardsPoint, Scalar, edwards::CompressedEdwardsY};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cases of the whole run, which `COUNTERSIGN_DIFFERENTIAL=all` asks for.
const ALL: u64 = 10_000;
/// Cases of any other run.
const SOME: u64 = 500;

/// What OpenSSH lets pass and this refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stricter {
    /// A key that is neither `ssh-ed25519` nor `sk-ssh-ed25519@openssh.com`.
    Kind,
    /// A token's key for something else than SSH.
    Application,
    /// A key of small order, or with a part of small order.
    WeakKey,
    /// SHA-256.
    Hash,
    /// A token that nobody touched.
    Touch,
    /// Bytes in the reserved field.
    Reserved,
    /// Version 0: OpenSSH refuses only versions above its own.
    Version,
    /// A NUL behind the namespace or behind the name of a hash or an algorithm, which reads as the end in C.
    Nul,
    /// An S that is not the smallest one.
    Scalar,
    /// Text behind the armour, or lines that OpenSSH does not write.
    Armor,
}

const STRICTER: [Stricter; 10] = [
    Stricter::Kind,
    Stricter::Application,
    Stricter::WeakKey,
    Stricter::Hash,
    Stricter::Touch,
    Stricter::Reserved,
    Stricter::Version,
    Stricter::Nul,
    Stricter::Scalar,
    Stricter::Armor,
];

impl Stricter {
    fn fits(self, error: &SshsigError) -> bool {
        match self {
            Self::Kind => matches!(error, SshsigError::Key(KeyError::Algorithm(_))),
            Self::Application => matches!(error, SshsigError::Key(KeyError::Form)),
            Self::WeakKey => matches!(error, SshsigError::Key(KeyError::Weak(_))),
            Self::Hash => matches!(error, SshsigError::Hash),
            Self::Touch => matches!(error, SshsigError::Token),
            Self::Reserved | Self::Version => matches!(error, SshsigError::Form),
            Self::Nul => {
                matches!(error, SshsigError::Namespace { .. } | SshsigError::Hash | SshsigError::Form)
            }
            Self::Scalar => matches!(error, SshsigError::Signature(_)),
            Self::Armor => matches!(error, SshsigError::Armor),
        }
    }
}

/// How a signature differs from what its signer made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bend {
    Nothing,
    AnyBit,
    KeyBit,
    SignatureBit,
    TokenBit,
    NamespaceInside,
    NamespaceAsked,
    MessageAsked,
    KeyAsked,
    Spare,
    Reserved,
    HashName,
    Nul,
    Version,
    Magic,
    Algorithm,
    Cut,
    LargeScalar,
    BehindEnd,
    BeforeBegin,
    Lines,
    ArmorCharacter,
}

const BENDS: [Bend; 22] = [
    Bend::Nothing,
    Bend::AnyBit,
    Bend::KeyBit,
    Bend::SignatureBit,
    Bend::TokenBit,
    Bend::NamespaceInside,
    Bend::NamespaceAsked,
    Bend::MessageAsked,
    Bend::KeyAsked,
    Bend::Spare,
    Bend::Reserved,
    Bend::HashName,
    Bend::Nul,
    Bend::Version,
    Bend::Magic,
    Bend::Algorithm,
    Bend::Cut,
    Bend::LargeScalar,
    Bend::BehindEnd,
    Bend::BeforeBegin,
    Bend::Lines,
    Bend::ArmorCharacter,
];

/// A question: is `armored` a signature over `message` for `namespace` by the key `blob`?
struct Case {
    parts: Parts,
    key: Vec<u8>,
    namespace: String,
    message: Vec<u8>,
    bend: Bend,
    stricter: Vec<Stricter>,
}

/// What a signer is asked to sign, and how.
struct Wanted {
    namespace: String,
    hash: &'static str,
    message: Vec<u8>,
}

impl Wanted {
    fn new(numbers: &mut Numbers) -> Self {
        let (namespace, message) = (random_namespace(numbers), random_bytes(numbers));
        Self { namespace, hash: if numbers.below(6) == 0 { "sha256" } else { "sha512" }, message }
    }

    /// What is hashed and signed, whatever the hash.
    fn data(&self) -> Vec<u8> {
        let mut data = MAGIC.to_vec();
        put_string(&mut data, self.namespace.as_bytes());
        put_string(&mut data, b"");
        put_string(&mut data, self.hash.as_bytes());
        match self.hash {
            "sha256" => put_string(&mut data, &Sha256::digest(&self.message)),
            _ => put_string(&mut data, &Sha512::digest(&self.message)),
        }
        data
    }

    /// All parts of a signature by a plain key but the signature.
    fn parts(&self, point: &[u8; 32]) -> Parts {
        let mut key = Vec::new();
        put_string(&mut key, b"ssh-ed25519");
        put_string(&mut key, point);
        Parts { key, namespace: self.namespace.as_str().into(), hash: self.hash.into(), ..Parts::honest(b"") }
    }
}

/// The key files that `ssh-keygen` signs with.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    const KINDS: [&'static str; 4] = ["ed25519", "other", "rsa", "ecdsa"];

    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, kind) in Self::KINDS.into_iter().zip(["ed25519", "ed25519", "rsa", "ecdsa"]) {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", kind, "-N", "", "-f"]).arg(directory.path().join(name));
            assert!(run(&mut make, b"").is_some(), "{kind}");
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What `ssh-keygen -Y sign` makes. Where we can make the same signature, it is the same.
    fn sign(&self, name: &str, wanted: &Wanted) -> Parts {
        let Wanted { namespace, hash, message } = wanted;
        let mut make = Command::new("ssh-keygen");
        make.args(["-q", "-Y", "sign", "-O", &format!("hashalg={hash}"), "-n", namespace, "-f"]);
        let armored = run(make.arg(self.path(name)), message).unwrap();
        if *hash == "sha512" && Self::KINDS[..2].contains(&name) {
            let key = SigningKey::from_openssh(&std::fs::read(self.path(name)).unwrap()).unwrap();
            assert_eq!(armored, sign(&key, namespace, message), "Ed25519 is deterministic");
        }
        Parts::read(&armored)
    }
}

fn random_namespace(numbers: &mut Numbers) -> String {
    let letters: Vec<char> = "abcxyzXYZ019.@-_/:,\"'*?!# éß漢\u{202e}".chars().collect();
    let length = [1, 2, 9, 40, 300][numbers.below(5)];
    match numbers.below(6) {
        0 => "git".into(),
        1 => "release.v1@countersign.dev".into(),
        _ => (0..=numbers.below(length)).map(|_| letters[numbers.below(letters.len())]).collect(),
    }
}

fn random_bytes(numbers: &mut Numbers) -> Vec<u8> {
    let length = [1, 3, 64, 200, 5000][numbers.below(5)];
    (0..numbers.below(length)).map(|_| numbers.byte()).collect()
}

/// A signature that verifies by the equation S·B = R + k·A, by a key that is the point `small` alone or
/// mixed with an honest key: only a library that looks at the key refuses it.
fn weak(numbers: &mut Numbers, data: &[u8]) -> ([u8; 32], [u8; 64]) {
    let mut encoded = [0; 32];
    encoded[0] = u8::try_from(numbers.below(2)).unwrap();
    let small = CompressedEdwardsY(encoded).decompress().unwrap();
    let secret = if numbers.below(2) == 0 { Scalar::ZERO } else { Scalar::from(numbers.next()) };
    // The identity with an honest key is an honest key.
    let secret = if encoded[0] == 1 { Scalar::ZERO } else { secret };
    let key = (EdwardsPoint::mul_base(&secret) + small).compress().to_bytes();
    loop {
        let nonce = Scalar::from(numbers.next());
        let r = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
        let digest = Sha512::new().chain_update(r).chain_update(key).chain_update(data).finalize();
        let k = Scalar::from_bytes_mod_order_wide(&digest.into());
        if (small * k).compress() == EdwardsPoint::default().compress() {
            let s = nonce + k * secret;
            return (key, [r, s.to_bytes()].concat().try_into().unwrap());
        }
    }
}

impl Case {
    fn new(number: u64, files: &Files) -> Self {
        let numbers = &mut Numbers::new(number);
        let wanted = Wanted::new(numbers);
        let mut stricter = if wanted.hash == "sha256" { vec![Stricter::Hash] } else { Vec::new() };
        let parts = match numbers.below(12) {
            0..4 => by_us(numbers, &wanted),
            4..7 => files.sign(Files::KINDS[numbers.below(2)], &wanted),
            7 => {
                stricter.push(Stricter::Kind);
                files.sign(Files::KINDS[2 + numbers.below(2)], &wanted)
            }
            8 => {
                stricter.push(Stricter::WeakKey);
                let (point, bytes) = weak(numbers, &wanted.data());
                Parts { bytes: bytes.to_vec(), ..wanted.parts(&point) }
            }
            _ => by_token(numbers, &wanted, &mut stricter),
        };
        let Wanted { namespace, message, .. } = wanted;
        let bend = if numbers.below(3) == 0 { Bend::Nothing } else { BENDS[numbers.below(BENDS.len())] };
        let mut case = Self { key: parts.key.clone(), parts, namespace, message, bend, stricter };
        case.bend(numbers);
        case
    }

    /// Applies what concerns the parts, the key, the namespace or the message.
    fn bend(&mut self, numbers: &mut Numbers) {
        let parts = &mut self.parts;
        match self.bend {
            Bend::KeyBit => numbers.flip(&mut parts.key),
            Bend::SignatureBit => numbers.flip(&mut parts.bytes),
            Bend::TokenBit if parts.token.is_empty() => parts.token = vec![1, 0, 0, 0, 0],
            Bend::TokenBit => numbers.flip(&mut parts.token),
            Bend::NamespaceInside => numbers.flip(&mut parts.namespace),
            Bend::NamespaceAsked => self.namespace.push(['x', ' ', '.'][numbers.below(3)]),
            Bend::MessageAsked if self.message.is_empty() => self.message.push(b'\n'),
            Bend::MessageAsked => numbers.flip(&mut self.message),
            Bend::KeyAsked => self.key = key("mallory").public().to_blob(),
            Bend::Spare => parts.spare = vec![numbers.byte()],
            Bend::Reserved => {
                parts.reserved = vec![numbers.byte()];
                self.stricter.push(Stricter::Reserved);
            }
            Bend::HashName => {
                let names = ["sha256", "sha512", "sha384", "SHA512", "sha512 ", ""];
                let others: Vec<&str> = names.into_iter().filter(|n| n.as_bytes() != parts.hash).collect();
                parts.hash = others[numbers.below(others.len())].into();
                // A forgery by the identity fits this hash too.
                if parts.hash == b"sha256" && self.stricter.contains(&Stricter::WeakKey) {
                    self.stricter.push(Stricter::Hash);
                }
            }
            Bend::Nul => {
                [&mut parts.namespace, &mut parts.hash, &mut parts.algorithm][numbers.below(3)].push(0);
                self.stricter.push(Stricter::Nul);
            }
            Bend::Version => {
                parts.version = [0, 2, 256, u32::MAX][numbers.below(4)];
                if parts.version == 0 {
                    self.stricter.push(Stricter::Version);
                }
            }
            Bend::Algorithm => {
                let names = ["ssh-ed25519", "sk-ssh-ed25519@openssh.com", "rsa-sha2-512", "ssh-rsa", ""];
                let others: Vec<&str> =
                    names.into_iter().filter(|n| n.as_bytes() != parts.algorithm).collect();
                parts.algorithm = others[numbers.below(others.len())].into();
            }
            Bend::LargeScalar if parts.bytes.len() == 64 => {
                add_order(&mut parts.bytes[32..]);
                self.stricter.push(Stricter::Scalar);
            }
            Bend::LargeScalar => numbers.flip(&mut parts.bytes),
            Bend::BehindEnd | Bend::Lines => self.stricter.push(Stricter::Armor),
            Bend::Nothing | Bend::AnyBit | Bend::Magic | Bend::Cut => {}
            Bend::BeforeBegin | Bend::ArmorCharacter => {}
        }
    }

    /// The armour, bent where the bend concerns the whole.
    fn armored(&self, numbers: &mut Numbers) -> String {
        let mut blob = self.parts.blob();
        match self.bend {
            Bend::AnyBit => numbers.flip(&mut blob),
            Bend::Magic => numbers.flip(&mut blob[..MAGIC.len()]),
            Bend::Cut => blob.truncate(numbers.below(blob.len())),
            _ => {}
        }
        let text = armor::encode(&blob);
        match self.bend {
            Bend::BehindEnd => text + ["\n", "spare\n", "-----BEGIN SSH SIGNATURE-----\n"][numbers.below(3)],
            Bend::BeforeBegin => ["\n", " ", "spare\n"][numbers.below(3)].to_owned() + &text,
            Bend::Lines => match numbers.below(3) {
                0 => text.replacen("\nU1NIU0lH", "\nU1NI\nU0lH", 1),
                1 => text.replacen("\nU1NIU0lH", "\n\nU1NIU0lH", 1),
                _ => text.replacen("\nU1NIU0lH", "\nU1NI U0lH", 1),
            },
            Bend::ArmorCharacter => {
                let letters: Vec<usize> =
                    text.match_indices(char::is_alphanumeric).map(|(at, _)| at).collect();
                let at = letters[numbers.below(letters.len())];
                format!("{}~{}", &text[..at], &text[at + 1..])
            }
            _ => text,
        }
    }

    /// Whether the signature is what an honest signer made with what is used here.
    fn honest(&self) -> bool {
        self.bend == Bend::Nothing && self.stricter.is_empty()
    }

    fn ours(&self, armored: &str) -> Result<(), SshsigError> {
        let signature = Signature::parse(armored)?;
        if signature.key.to_blob() != self.key {
            return Err(SshsigError::OtherKey(signature.key.fingerprint()));
        }
        signature.verify(&self.namespace, &self.message, Token::Touched)
    }

    fn stock(&self, directory: &Path, armored: &str) -> bool {
        let (allowed, signature) = (directory.join("allowed"), directory.join("sig"));
        let algorithm = Reader::new(&self.key).string().unwrap();
        let algorithm = std::str::from_utf8(algorithm).unwrap();
        std::fs::write(&allowed, format!("alice {algorithm} {}\n", STANDARD.encode(&self.key))).unwrap();
        std::fs::write(&signature, armored).unwrap();
        let mut verify = Command::new("ssh-keygen");
        verify.args(["-Y", "verify", "-n", &self.namespace, "-I", "alice", "-f"]).arg(allowed);
        run(verify.arg("-s").arg(signature), &self.message).is_some()
    }
}

fn add_order(scalar: &mut [u8]) {
    let order = (-Scalar::ONE).to_bytes();
    let mut carry = 1;
    for (byte, more) in scalar.iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

fn by_us(numbers: &mut Numbers, wanted: &Wanted) -> Parts {
    let key = SigningKey::generate(std::array::from_fn(|_| numbers.byte()));
    let parts = Parts { bytes: key.sign(&wanted.data()).to_vec(), ..wanted.parts(key.public().point()) };
    let same = || armor::encode(&parts.blob()) == sign(&key, &wanted.namespace, &wanted.message);
    assert!(wanted.hash == "sha256" || same());
    parts
}

/// A token, made in software.
fn by_token(numbers: &mut Numbers, wanted: &Wanted, stricter: &mut Vec<Stricter>) -> Parts {
    let signer = SigningKey::generate(std::array::from_fn(|_| numbers.byte()));
    let application = ["ssh:", "ssh:", "ssh:work", "ssh:work", "example.org"][numbers.below(5)];
    let flags = [0x01, 0x01, 0x05, 0x05, 0x00, 0x04, numbers.byte()][numbers.below(7)];
    if !application.starts_with("ssh:") {
        stricter.push(Stricter::Application);
    }
    if flags & TOUCHED == 0 {
        stricter.push(Stricter::Touch);
    }
    let counter = u32::from(numbers.byte());
    let signed = token_data(application, flags, counter, &wanted.data());
    let mut parts = wanted.parts(signer.public().point());
    parts.bytes = signer.sign(&signed).to_vec();
    parts.token = [&[flags][..], &counter.to_be_bytes()].concat();
    parts.algorithm = b"sk-ssh-ed25519@openssh.com".to_vec();
    parts.key.clear();
    put_string(&mut parts.key, &parts.algorithm);
    put_string(&mut parts.key, signer.public().point());
    put_string(&mut parts.key, application.as_bytes());
    parts
}

/// What came of the cases.
#[derive(Debug, Default)]
struct Tally {
    both_accept: u64,
    both_refuse: u64,
    /// How often OpenSSH alone accepts, by what it lets pass.
    stricter: BTreeMap<Stricter, u64>,
    wrong: Vec<String>,
    met: BTreeSet<Stricter>,
}

impl Tally {
    fn count(&mut self, number: u64, case: &Case, ours: &Result<(), SshsigError>, stock: bool) {
        self.met.extend(&case.stricter);
        let known = ours.as_ref().err().and_then(|e| case.stricter.iter().find(|s| s.fits(e)));
        match (ours, stock, known) {
            (Ok(()), true, _) if case.honest() => self.both_accept += 1,
            (Err(_), false, _) if !case.honest() => self.both_refuse += 1,
            (Err(_), true, Some(known)) => *self.stricter.entry(*known).or_default() += 1,
            _ => {
                let Case { bend, stricter, .. } = case;
                self.wrong
                    .push(format!("case {number}, {bend:?}, {stricter:?}: we say {ours:?}, OpenSSH {stock}"));
            }
        }
    }
}

#[test]
fn d38_d39_d40_d41_openssh_and_we_agree_but_for_what_is_listed() {
    let all = std::env::var("COUNTERSIGN_DIFFERENTIAL").is_ok_and(|value| value == "all");
    let cases = if all { ALL } else { SOME };
    let (files, next, tally) = (Files::new(), AtomicU64::new(0), Mutex::new(Tally::default()));
    let work = || {
        let directory = tempfile::tempdir().unwrap();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= cases {
                break;
            }
            let case = Case::new(number, &files);
            let armored = case.armored(&mut Numbers::new(!number));
            let (ours, stock) = (case.ours(&armored), case.stock(directory.path(), &armored));
            tally.lock().unwrap().count(number, &case, &ours, stock);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{cases} cases: {tally:#?}");
    assert!(tally.wrong.is_empty(), "\n{}", tally.wrong.join("\n"));
    assert_eq!(tally.met, BTreeSet::from(STRICTER), "every difference is tried");
    assert!(tally.both_accept > cases / 10 && tally.both_refuse > cases / 10, "{tally:?}");
}

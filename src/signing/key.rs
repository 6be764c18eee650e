//! Public and private keys in OpenSSH's formats. Only Ed25519, in software or on a FIDO token.
//!
//! A [`PublicKey`] that exists is sound: weak keys do not pass parsing.

use super::blob::{Reader, put_string};
use super::ed25519;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use std::fmt;

const PLAIN: &str = "ssh-ed25519";
const TOKEN: &str = "sk-ssh-ed25519@openssh.com";
/// Characters of a public key line, at most.
const MAX_LINE: usize = 2048;

/// A public key that signatures are judged by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    point: [u8; 32],
    application: Option<String>,
}

/// Text or bytes that are no key that Countersign uses.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a line `ssh-ed25519 AAAA…`.
    #[error("no OpenSSH public key line: `ssh-ed25519 AAAA…`, or `sk-ssh-ed25519@openssh.com AAAA…`")]
    Form,
    /// A key of another algorithm.
    #[error("a key of type `{}`: only `ssh-ed25519` and `sk-ssh-ed25519@openssh.com` are used", .0.escape_default())]
    Algorithm(String),
    /// A key whose signatures prove nothing.
    #[error("the key cannot be trusted")]
    Weak(#[source] ed25519::SignatureError),
    /// A private key that needs a passphrase.
    #[error("the private key is encrypted")]
    Encrypted,
    /// A private key file that cannot be read.
    #[error("no OpenSSH private key")]
    Private(#[source] ssh_key::Error),
}

impl PublicKey {
    /// Reads an OpenSSH public key line. A comment behind the key is allowed and dropped.
    ///
    /// # Errors
    /// When it has another form, is of another algorithm, or is weak (D38).
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.len() > MAX_LINE || line.contains(|c: char| c.is_control()) {
            return Err(KeyError::Form);
        }
        let mut words = line.splitn(3, ' ');
        let (Some(algorithm), Some(text)) = (words.next(), words.next()) else { return Err(KeyError::Form) };
        if algorithm != PLAIN && algorithm != TOKEN {
            return Err(KeyError::Algorithm(algorithm.to_owned()));
        }
        let blob = STANDARD.decode(text).map_err(|_| KeyError::Form)?;
        let key = Self::from_blob(&blob)?;
        if key.algorithm() == algorithm { Ok(key) } else { Err(KeyError::Form) }
    }

    /// Reads the binary form that signatures carry.
    pub(super) fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(blob);
        let algorithm = reader.string().ok_or(KeyError::Form)?;
        let plain = algorithm == PLAIN.as_bytes();
        if !plain && algorithm != TOKEN.as_bytes() {
            return Err(KeyError::Algorithm(String::from_utf8_lossy(algorithm).into_owned()));
        }
        let point = reader.string().and_then(|b| <[u8; 32]>::try_from(b).ok()).ok_or(KeyError::Form)?;
        let application = if plain { None } else { Some(application(&mut reader).ok_or(KeyError::Form)?) };
        if !reader.done() {
            return Err(KeyError::Form);
        }
        ed25519::check_key(&point).map_err(KeyError::Weak)?;
        Ok(Self { point, application })
    }

    /// The binary form that signatures carry.
    pub(super) fn to_blob(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, self.algorithm().as_bytes());
        put_string(&mut out, &self.point);
        if let Some(application) = &self.application {
            put_string(&mut out, application.as_bytes());
        }
        out
    }

    /// The name of the key's algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        if self.application.is_some() { TOKEN } else { PLAIN }
    }

    /// The 32 bytes of the point.
    #[must_use]
    pub const fn point(&self) -> &[u8; 32] {
        &self.point
    }

    /// The FIDO application, for a key on a token.
    #[must_use]
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// The key as one line without a comment: its only spelling in a trust root.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("{} {}", self.algorithm(), STANDARD.encode(self.to_blob()))
    }

    /// The fingerprint as `ssh-keygen -l` prints it, for example `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = crate::model::Digest::of(&self.to_blob());
        format!("SHA256:{}", STANDARD.encode(digest.as_bytes()).trim_end_matches('='))
    }
}

fn application(reader: &mut Reader<'_>) -> Option<String> {
    let text = std::str::from_utf8(reader.string()?).ok()?;
    let fits = text.starts_with("ssh:") && text.len() <= 255 && text.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// A private key that this process signs with. Machines have these; people rather keep theirs in
/// ssh-agent or on a token.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key out of 32 random bytes.
    #[must_use]
    pub fn generate(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads an unencrypted OpenSSH private key file.
    ///
    /// # Errors
    /// When it is encrypted, of another algorithm, or no private key.
    pub fn from_openssh(pem: &[u8]) -> Result<Self, KeyError> {
        let key = ssh_key::PrivateKey::from_openssh(pem).map_err(KeyError::Private)?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        match key.key_data() {
            ssh_key::private::KeypairData::Ed25519(pair) => Ok(Self::generate(pair.private.to_bytes())),
            _ => Err(KeyError::Algorithm(key.algorithm().to_string())),
        }
    }

    /// The key as an unencrypted OpenSSH private key file with a comment.
    ///
    /// # Errors
    /// When the comment cannot be written.
    pub fn to_openssh(&self, comment: &str) -> Result<String, KeyError> {
        let pair = ssh_key::private::Ed25519Keypair::from_seed(self.0.as_bytes());
        let key = ssh_key::PrivateKey::new(pair.into(), comment).map_err(KeyError::Private)?;
        let pem = key.to_openssh(ssh_key::LineEnding::LF).map_err(KeyError::Private)?;
        Ok(String::clone(&pem))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey { point: self.0.verifying_key().to_bytes(), application: None }
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_line() {
        let key = SigningKey::generate([3; 32]).public();
        let line = key.to_line();
        for spelling in [line.clone(), format!("{line}\n"), format!("{line} alice@desk of hers")] {
            assert_eq!(PublicKey::parse(&spelling).ok().as_ref(), Some(&key), "{spelling}");
        }
        for bad in ["", "ssh-ed25519", "ssh-ed25519 AAAA", &line.replace(PLAIN, TOKEN), &format!("{line}\nx")]
        {
            assert!(matches!(PublicKey::parse(bad), Err(KeyError::Form)), "{bad}");
        }
        assert!(matches!(PublicKey::parse(&line.replace(PLAIN, "ssh-rsa")), Err(KeyError::Algorithm(_))));
    }

    #[test]
    fn d38_a_weak_key_does_not_parse() {
        let mut point = [0; 32];
        point[0] = 1;
        let line = PublicKey { point, application: None }.to_line();
        assert!(matches!(PublicKey::parse(&line), Err(KeyError::Weak(_))));
    }

    #[test]
    fn private_keys_go_to_a_file_and_back() {
        let key = SigningKey::generate([4; 32]);
        let file = key.to_openssh("a machine").unwrap();
        assert_eq!(SigningKey::from_openssh(file.as_bytes()).unwrap().public(), key.public());
        assert!(matches!(SigningKey::from_openssh(b"nonsense"), Err(KeyError::Private(_))));
    }
}

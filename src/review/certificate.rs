//! Push certificates: who pushed which commit to where, in the pusher's own signature. The hook judges it
//! when it comes, and every reviewer judges it again, because nobody has to believe the server (D8).

use crate::model::Principal;
use crate::signing::root::TIMESTAMP;
use crate::signing::sshsig::{Signature, SshsigError};
use crate::signing::{PublicKey, Root};

/// Bytes of a certificate, at most.
const MAX_CERTIFICATE: usize = 64 << 10;
/// The purpose of git's own signatures.
const NAMESPACE: &str = "git";
const ARMOUR: &str = "-----BEGIN SSH SIGNATURE-----\n";

/// What a certificate must say to prove a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed<'a> {
    /// The commit.
    pub commit: &'a str,
    /// The ref that it was pushed to.
    pub target: &'a str,
}

/// Why a certificate proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not what `git push --signed` writes with an SSH key.
    #[error("the push certificate cannot be read; sign with an SSH key (`gpg.format = ssh`)")]
    Form,
    /// The signature does not hold.
    #[error("the signature of the push certificate does not hold")]
    Signature(#[from] SshsigError),
    /// Nobody in the trust root has this key.
    #[error("the key `{0}` belongs to nobody in the trust root")]
    Stranger(String),
    /// A machine's key, which has no say in what people propose.
    #[error("`{0}` is a machine and cannot propose changes")]
    Machine(Principal),
    /// It is about another push.
    #[error("the push certificate is not about `{commit}` at `{target}` alone")]
    Other {
        /// The commit.
        commit: String,
        /// The ref.
        target: String,
    },
}

/// Who signed a certificate over exactly this push.
///
/// # Errors
/// When the certificate proves anything else.
pub fn author(root: &Root, certificate: &[u8], pushed: &Pushed<'_>) -> Result<Principal, CertificateError> {
    let (payload, armour) = split(certificate)?;
    let signer = signer(root, payload.as_bytes(), armour)?;
    let (head, commands) = payload.split_once("\n\n").ok_or(CertificateError::Form)?;
    if !head.starts_with("certificate version 0.1\n") {
        return Err(CertificateError::Form);
    }
    let mut commands = commands.lines();
    let command: Vec<&str> = commands.next().unwrap_or("").splitn(3, ' ').collect();
    match command[..] {
        [_, commit, target]
            if commit == pushed.commit && target == pushed.target && commands.next().is_none() =>
        {
            Ok(signer)
        }
        _ => Err(CertificateError::Other { commit: pushed.commit.into(), target: pushed.target.into() }),
    }
}

/// What is signed, and the signature.
fn split(certificate: &[u8]) -> Result<(&str, &str), CertificateError> {
    let text = std::str::from_utf8(certificate).map_err(|_| CertificateError::Form)?;
    if text.len() > MAX_CERTIFICATE {
        return Err(CertificateError::Form);
    }
    let at = text.find(ARMOUR).ok_or(CertificateError::Form)?;
    Ok(text.split_at(at))
}

/// The key behind a push certificate. Whether the certificate holds is for [`author`] to say.
///
/// # Errors
/// When it has no signature of the right form.
pub fn key(certificate: &[u8]) -> Result<PublicKey, CertificateError> {
    let (_, armour) = split(certificate)?;
    Ok(Signature::parse(armour)?.key().clone())
}

/// Who made a signature for git: over a push certificate or a commit.
///
/// # Errors
/// When it does not hold, or is by nobody in the trust root or by a machine.
pub fn signer(root: &Root, payload: &[u8], armour: &str) -> Result<Principal, CertificateError> {
    let signature = Signature::parse(armour)?;
    signature.verify(NAMESPACE, payload, root.token())?;
    let stranger = || CertificateError::Stranger(signature.key().fingerprint());
    let name = root.principal_of(signature.key()).ok_or_else(stranger)?;
    if root.has_role(name, TIMESTAMP) {
        return Err(CertificateError::Machine(name.clone()));
    }
    Ok(name.clone())
}

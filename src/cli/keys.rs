//! People's keys: reading public ones, and signing with private ones wherever those are kept.
//!
//! A plain Ed25519 file is used directly. Everything else (passphrase, ssh-agent, FIDO token,
//! PKCS#11) is left to `ssh-keygen`, which asks for passphrase or touch by itself.

use super::Failure;
use crate::signing::sshsig::{self, Signature, Token};
use crate::signing::{KeyError, PublicKey, SigningKey};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Reads a public key file, or the public half that lies beside a private key file or inside it.
pub(super) fn read_public(path: &Path) -> Result<PublicKey, Failure> {
    let text = std::fs::read(path).map_err(|cause| Failure::io("cannot read the key", path, &cause))?;
    if let Ok(text) = std::str::from_utf8(&text)
        && !text.starts_with("-----BEGIN")
    {
        return PublicKey::parse(text).map_err(|error| unusable(path, &error));
    }
    let beside = beside(path);
    match std::fs::read_to_string(&beside) {
        Ok(line) => PublicKey::parse(&line).map_err(|error| unusable(&beside, &error)),
        Err(_) => {
            SigningKey::from_openssh(&text).map(|key| key.public()).map_err(|error| unusable(path, &error))
        }
    }
}

/// Signs `message` for a purpose with the key at `path`.
pub(super) fn sign(path: &Path, namespace: &str, message: &[u8]) -> Result<String, Failure> {
    let file = std::fs::read(path).map_err(|cause| Failure::io("cannot read the key", path, &cause))?;
    match SigningKey::from_openssh(&file) {
        Ok(key) => Ok(sshsig::sign(&key, namespace, message)),
        Err(_) => sign_with_openssh(path, namespace, message),
    }
}

fn sign_with_openssh(path: &Path, namespace: &str, message: &[u8]) -> Result<String, Failure> {
    let failed = |cause: &std::io::Error| {
        Failure::refused(format!("cannot run `ssh-keygen`: {cause}"))
            .hint("install the package `openssh-client`")
    };
    let mut child = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| failed(&cause))?;
    // The pipe is closed at the end of the statement: that is how `ssh-keygen` knows the end. It may
    // also give up before it reads everything, which its exit code tells better than the pipe.
    let _written = child.stdin.take().map(|mut pipe| pipe.write_all(message));
    let output = child.wait_with_output().map_err(|cause| failed(&cause))?;
    if !output.status.success() {
        let hint = format!("check that the key works: ssh-keygen -y -f {}", path.display());
        return Err(
            Failure::refused(format!("`ssh-keygen` did not sign with `{}`", path.display())).hint(hint)
        );
    }
    let armored = String::from_utf8(output.stdout)
        .map_err(|_| Failure::refused("`ssh-keygen` answered something else than a signature"))?;
    // What nobody would accept is better refused here than after it was sent.
    let signature = Signature::parse(&armored)?;
    signature.verify(namespace, message, Token::Touched)?;
    Ok(armored)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn unusable(path: &Path, error: &KeyError) -> Failure {
    let reason = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::refused(format!("cannot use the key `{}`: {error}{reason}", path.display()))
        .hint("make one: ssh-keygen -t ed25519 -f KEY, or ssh-keygen -t ed25519-sk -f KEY for a token")
}

#[cfg(test)]
mod tests;

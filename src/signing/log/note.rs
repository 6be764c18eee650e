//! The signed checkpoint of the log: a C2SP signed note, which any witness of transparency logs understands.
//!
//! Its signature is a plain Ed25519 one over the text, by the key of the timestamp role: besides TLS the only
//! signature that is no SSH signature. The two cannot be taken for each other: what an SSH signature signs begins with
//! `SSHSIG`, and this text begins with the log's name.

use crate::model::{Checkpoint, Digest, Principal};
use crate::signing::document::{self, RepoId};
use crate::signing::root::{self, Root};
use crate::signing::{PublicKey, Refusal, SigningKey, Verified, ed25519};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Bytes of a note, at most: room for 16 signatures by witnesses.
pub const MAX_BYTES: usize = 16 << 10;
/// Where it lies in the log's directory.
pub const NAME: &str = "checkpoint";

/// The name of a repository's log, and of the key that signs its checkpoints.
#[must_use]
pub fn origin(repo: RepoId) -> String {
    format!("countersign.dev/log/{repo}")
}

/// What is signed: three lines.
fn text(repo: RepoId, checkpoint: Checkpoint) -> String {
    let root = STANDARD.encode(checkpoint.root.as_bytes());
    format!("{}\n{}\n{root}\n", origin(repo), checkpoint.size)
}

/// The first bytes of a signature line: which key it is by.
pub(super) fn key_id(name: &str, point: &[u8; 32]) -> [u8; 4] {
    let digest = Digest::of(&[name.as_bytes(), b"\n\x01", point].concat());
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}

/// Signs a checkpoint. The caller has made sure that it continues the one that was signed before.
#[must_use]
pub fn sign(key: &SigningKey, repo: RepoId, checkpoint: Checkpoint) -> String {
    let (text, name) = (text(repo, checkpoint), origin(repo));
    let signature = [&key_id(&name, key.public().point())[..], &key.sign(text.as_bytes())].concat();
    format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature))
}

/// Verifies the timestamp role's signature on a checkpoint. Signatures by others, such as witnesses, are ignored.
///
/// # Errors
/// When it is no checkpoint of this repository's log, or the role did not sign it.
pub fn verify(root: &Root, note: &[u8]) -> Result<Verified<Checkpoint>, Refusal> {
    document::check_size("checkpoint", MAX_BYTES, note)?;
    let malformed = |why: &str| Refusal::Malformed { what: "checkpoint", problems: vec![why.to_owned()] };
    let note = std::str::from_utf8(note).map_err(|_| malformed("it is no text"))?;
    let (head, signatures) = note.rsplit_once("\n\n").ok_or_else(|| malformed("it has no signatures"))?;
    let signed = format!("{head}\n");
    let checkpoint =
        parse(root.repo(), &signed).ok_or_else(|| malformed("it is not three lines about this log"))?;
    let mut signers = Vec::new();
    for line in signatures.lines() {
        let by = by(root, line).ok_or_else(|| malformed("a line of it is no signature"))?;
        let Some((signer, key, signature)) = by else { continue };
        if ed25519::verify(key.point(), signed.as_bytes(), &signature).is_err() {
            return Err(malformed("its signature is not over its text"));
        }
        signers.push(signer);
    }
    if signers.is_empty() {
        return Err(Refusal::Unsigned { what: "checkpoint" });
    }
    signers.sort();
    signers.dedup();
    Ok(Verified::new(checkpoint, note.as_bytes(), signers))
}

/// The checkpoint that a note is about, whoever signed it: to look one up, never to believe it.
#[must_use]
pub fn read_untrusted(repo: RepoId, note: &[u8]) -> Option<Checkpoint> {
    let (head, _) = std::str::from_utf8(note).ok()?.rsplit_once("\n\n")?;
    parse(repo, &format!("{head}\n"))
}

/// The one spelling of the three lines.
fn parse(repo: RepoId, signed: &str) -> Option<Checkpoint> {
    let mut lines = signed.split('\n').skip(1);
    let (size, root) = (lines.next()?.parse().ok()?, STANDARD.decode(lines.next()?).ok()?);
    let checkpoint = Checkpoint { size, root: Digest::from_bytes(root.try_into().ok()?) };
    (size > 0 && text(repo, checkpoint) == signed).then_some(checkpoint)
}

type By = (Principal, PublicKey, [u8; 64]);

/// Whose signature a line is: `None` when it is no signature line, `Some(None)` when it is by none of ours.
fn by(root: &Root, line: &str) -> Option<Option<By>> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    if name != origin(root.repo()) {
        return Some(None);
    }
    let ours = |who: &Principal| root.has_role(who, root::TIMESTAMP);
    let mut keys = root.principals().filter(|(who, _)| ours(who)).flat_map(|(who, keys)| {
        keys.into_iter().filter(|key| key.application().is_none()).map(move |key| (who, key))
    });
    let Some((who, key)) = keys.find(|(_, key)| key_id(name, key.point()) == *id) else { return Some(None) };
    Some(Some((who.clone(), key.clone(), signature.try_into().ok()?)))
}

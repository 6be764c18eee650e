//! The content of a regular file: what it should be, where its bytes come from, and how it differs.

use super::{Failure, Node};
use crate::agent::host::{Seen, Stat};
use crate::model::resource::{Content, Part};
use crate::model::{Digest, Secret, Text, canonical};
use similar::TextDiff;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// Bytes of a file of which a diff is shown, at most.
const MAX_DIFF: u64 = 64 << 10;

/// Content that a file should have. Its bytes may have to be fetched first.
#[derive(Clone)]
pub(in crate::agent) struct Wanted<'a> {
    pub(in crate::agent) size: u64,
    bytes: Bytes<'a>,
}

/// Where the bytes are.
#[derive(Clone)]
enum Bytes<'a> {
    /// To be fetched by this digest.
    Elsewhere(Digest),
    /// In the catalog as they are.
    Here(&'a Text),
    /// Made of what is in the catalog.
    Made(Vec<u8>),
    /// In the catalog, some of them sealed; with what may be said of them.
    Opened(std::rc::Rc<Secret>, String),
}

impl fmt::Debug for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wanted({})", self.shown())
    }
}

impl<'a> Wanted<'a> {
    /// Fills in the node's facts and secrets, where the content has any.
    pub(super) fn of(content: &'a Content, node: &Node<'_>) -> Result<Self, Failure> {
        let parts = match content {
            Content::Blob { digest, size } => {
                return Ok(Self { size: *size, bytes: Bytes::Elsewhere(*digest) });
            }
            Content::Text(text) => {
                return Ok(Self { size: text.size() as u64, bytes: Bytes::Here(text) });
            }
            Content::Parts(parts) => parts,
        };
        let pieces = parts.iter().map(|part| Piece::of(part, node)).collect::<Result<Vec<_>, _>>()?;
        // Room for everything from the beginning: growing would leave copies of a secret behind.
        let mut bytes = Vec::with_capacity(pieces.iter().map(|piece| piece.bytes().len()).sum());
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece.bytes()));
        if content.secrets().next().is_none() {
            return Ok(Self::made(bytes));
        }
        let (size, opened) = (bytes.len() as u64, std::rc::Rc::new(Secret::new(bytes)));
        Ok(Self { size, bytes: Bytes::Opened(opened, sealed(content, parts, &pieces)) })
    }

    /// No content at all.
    pub(super) fn empty() -> Self {
        Self::made(Vec::new())
    }

    const fn made(bytes: Vec<u8>) -> Self {
        Self { size: bytes.len() as u64, bytes: Bytes::Made(bytes) }
    }

    /// Whether a file has this content. `owner` is whom it should belong to.
    pub(super) fn is_in(&self, seen: &Seen<'_>, owner: Option<u32>) -> Result<bool, Failure> {
        let holds = |bytes: &[u8]| seen.holds((self.size, std::iter::once(bytes)), owner);
        Ok(match &self.bytes {
            Bytes::Elsewhere(digest) => seen.digest(owner)? == *digest,
            Bytes::Here(text) => seen.holds((self.size, text.pieces()), owner)?,
            Bytes::Made(bytes) => holds(bytes)?,
            Bytes::Opened(secret, _) => holds(secret.expose())?,
        })
    }

    /// What may be said of it: its digest. Where a secret is in it, the digest of what is sealed, since short secrets
    /// can be guessed from the digest of what they are (D30).
    pub(super) fn shown(&self) -> String {
        match &self.bytes {
            Bytes::Elsewhere(digest) => digest.to_string(),
            Bytes::Here(text) => Digest::of(text.get().as_bytes()).to_string(),
            Bytes::Made(bytes) => Digest::of(bytes).to_string(),
            Bytes::Opened(_, shown) => shown.clone(),
        }
    }

    /// Whether there is a secret in it.
    pub(super) const fn is_secret(&self) -> bool {
        matches!(self.bytes, Bytes::Opened(..))
    }

    /// The bytes, fetched where the catalog only names their digest, and checked against it.
    pub(super) fn fetch(&self, node: &Node<'_>) -> Result<Cow<'_, [u8]>, Failure> {
        let wanted = match &self.bytes {
            Bytes::Here(text) => return Ok(bytes(text.get())),
            Bytes::Made(bytes) => return Ok(Cow::Borrowed(bytes)),
            Bytes::Opened(secret, _) => return Ok(Cow::Borrowed(secret.expose())),
            Bytes::Elsewhere(digest) => *digest,
        };
        let fetched = node.blobs.blob(&wanted, self.size);
        let bytes = fetched.map_err(|cause| Failure::Blob { digest: wanted, cause })?;
        let have = Digest::of(&bytes);
        if have == wanted { Ok(Cow::Owned(bytes)) } else { Err(Failure::WrongBlob { wanted, have }) }
    }

    /// What would change in the file at `path`, as a unified diff. Only text that everybody on the node may read
    /// anyway is shown: a diff goes into logs and reports. That leaves out files that held a secret before.
    pub(super) fn diff(&self, path: &str, old: &Stat, node: &Node<'_>) -> Option<String> {
        if self.is_secret() || old.mode & 0o004 == 0 || old.size.max(self.size) > MAX_DIFF {
            return None;
        }
        let have = String::from_utf8(node.host.read_managed(path, MAX_DIFF, Some(old.uid)).ok()?).ok()?;
        let want = String::from_utf8(self.fetch(node).ok()?.into_owned()).ok()?;
        if have.contains('\0') || want.contains('\0') {
            return None;
        }
        let diff = TextDiff::from_lines(&have, &want);
        Some(diff.unified_diff().header(path, &format!("{path} (wanted)")).to_string())
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// A part with its bytes.
enum Piece<'a> {
    Text(&'a str),
    Fact(String),
    Secret(Secret),
}

impl<'a> Piece<'a> {
    fn of(part: &'a Part, node: &Node<'_>) -> Result<Self, Failure> {
        Ok(match part {
            Part::Text(text) => Self::Text(text),
            Part::Fact(path) => Self::Fact(node.facts.text(path)?),
            Part::Sealed(sealed) => Self::Secret(node.secrets.open(sealed)?),
        })
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Fact(text) => text.as_bytes(),
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// `sealed(db/password, sha256:…)`: the names of the secrets, and a digest over everything but what they are.
fn sealed(content: &Content, parts: &[Part], pieces: &[Piece<'_>]) -> String {
    let names: BTreeSet<&str> = content.secrets().map(|sealed| sealed.secret.as_str()).collect();
    let public = parts.iter().zip(pieces).map(|(part, piece)| match (part, piece) {
        (Part::Fact(_), Piece::Fact(text)) => Part::Text(text.clone()),
        (part, _) => part.clone(),
    });
    let digest = Digest::of(&canonical::encode(&public.collect::<Vec<_>>()));
    let names: Vec<&str> = names.into_iter().collect();
    format!("sealed({}, {digest})", names.join(", "))
}

//! The content of a regular file: what it should be, where its bytes come from, and how it differs.

use super::{Failure, Node};
use crate::agent::host::Stat;
use crate::model::Digest;
use crate::model::resource::{Content, Part};
use similar::TextDiff;

/// Bytes of a file of which a diff is shown, at most.
const MAX_DIFF: u64 = 64 << 10;

/// Content that a file should have, known by its digest before its bytes are there.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Wanted {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// The bytes, where the catalog holds them.
    bytes: Option<Vec<u8>>,
}

impl Wanted {
    /// Fills in the node's facts, where the content has any.
    pub(super) fn of(content: &Content, node: &Node<'_>) -> Result<Self, Failure> {
        let bytes = match content {
            Content::Blob { digest, size } => return Ok(Self { digest: *digest, size: *size, bytes: None }),
            Content::Text(text) => text.clone().into_bytes(),
            Content::Parts(parts) => {
                let part = |part: &Part| match part {
                    Part::Text(text) => Ok(text.clone()),
                    Part::Fact(path) => node.facts.text(path),
                };
                parts.iter().map(part).collect::<Result<String, _>>()?.into_bytes()
            }
        };
        Ok(Self::bytes(bytes))
    }

    /// No content at all.
    pub(super) fn empty() -> Self {
        Self::bytes(Vec::new())
    }

    fn bytes(bytes: Vec<u8>) -> Self {
        Self { digest: Digest::of(&bytes), size: bytes.len() as u64, bytes: Some(bytes) }
    }

    /// The bytes, fetched where the catalog only names their digest, and checked against it.
    pub(super) fn fetch(&self, node: &Node<'_>) -> Result<Vec<u8>, Failure> {
        if let Some(bytes) = &self.bytes {
            return Ok(bytes.clone());
        }
        let fetched = node.blobs.blob(&self.digest, self.size);
        let bytes = fetched.map_err(|cause| Failure::Blob { digest: self.digest, cause })?;
        let have = Digest::of(&bytes);
        if have == self.digest { Ok(bytes) } else { Err(Failure::WrongBlob { wanted: self.digest, have }) }
    }

    /// What would change in the file at `path`, as a unified diff. Only text that everybody on the node may read
    /// anyway is shown: a diff goes into logs and reports.
    pub(super) fn diff(&self, path: &str, old: &Stat, node: &Node<'_>) -> Option<String> {
        if old.mode & 0o004 == 0 || old.size.max(self.size) > MAX_DIFF {
            return None;
        }
        let have = String::from_utf8(node.host.read_managed(path, MAX_DIFF, Some(old.uid)).ok()?).ok()?;
        let want = String::from_utf8(self.fetch(node).ok()?).ok()?;
        if have.contains('\0') || want.contains('\0') {
            return None;
        }
        let diff = TextDiff::from_lines(&have, &want);
        Some(diff.unified_diff().header(path, &format!("{path} (wanted)")).to_string())
    }
}

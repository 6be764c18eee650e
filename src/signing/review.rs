//! A review note: a signed comment or rejection. It never counts as an approval.

use super::document::{self, Document, RepoId};
use super::refusal::Refusal;
use super::root::Root;
use super::verified::{Binding, Requirement};
use crate::model::{Digest, Principal, Stamp, canonical};
use serde::{Deserialize, Serialize};

/// What somebody says about a change. The order of the fields is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Always `review`.
    #[serde(rename = "type")]
    pub document: String,
    /// Version of the format: 1.
    pub v: u32,
    /// The repository.
    pub repo: RepoId,
    /// The change.
    pub change: String,
    /// Its patchset.
    pub patchset: u32,
    /// The statement that the author looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Digest>,
    /// Who says it.
    pub author: Principal,
    /// What it means for the change.
    pub verdict: NoteVerdict,
    /// The file that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is said.
    pub text: String,
    /// When.
    pub created: Stamp,
}

/// What a note means for the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteVerdict {
    /// Nothing but words.
    Comment,
    /// The author does not want it as it is.
    Reject,
}

impl Note {
    /// The canonical bytes: what is signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }
}

impl Document for Note {
    type Raw = Self;
    const TYPE: &'static str = "review";
    const NAMESPACE: &'static str = "review.v1@countersign.dev";
    const MAX_BYTES: usize = 64 << 10;

    fn from_raw(raw: Self) -> Result<Self, Refusal> {
        let mut problems = document::header_problems::<Self>(&raw.document, raw.v);
        if raw.line.is_some() && raw.file.is_none() {
            problems.push("a line without a file".to_owned());
        }
        if raw.text.trim().is_empty() {
            problems.push("it says nothing".to_owned());
        }
        document::sound(Self::TYPE, problems)?;
        Ok(raw)
    }

    fn repo(&self) -> RepoId {
        self.repo
    }

    /// The author's own signature; anybody with a key may speak.
    fn requirement(&self, _root: &Root) -> Result<Requirement, Refusal> {
        Ok(Requirement::signer(self.author.clone()))
    }
}

impl Binding for Note {}

//! `review comment` and `review reject`: signed words.

use super::clone::{Clone, Signer};
use crate::cli::{Failure, Outcome, Ui, clock};
use crate::model::{Digest, Tree};
use crate::server::gate::{GateError, changes};
use crate::signing::document::Document as _;
use crate::signing::review::{Note, NoteVerdict};

/// What somebody says.
#[derive(Debug)]
pub(super) struct Words {
    /// About which change.
    pub(super) change: u64,
    /// What.
    pub(super) text: String,
    /// About which file and line.
    pub(super) at: Option<String>,
    /// What it means for the change.
    pub(super) verdict: NoteVerdict,
}

impl Words {
    /// Words only.
    pub(super) const fn comment(change: u64, text: String) -> Self {
        Self { change, text, at: None, verdict: NoteVerdict::Comment }
    }

    /// A rejection.
    pub(super) const fn reject(change: u64, text: String) -> Self {
        Self { change, text, at: None, verdict: NoteVerdict::Reject }
    }
}

/// Runs the command.
pub(super) fn run(words: Words, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let signer = clone.signer()?;
    write(&clone, &signer, words, ui)?;
    Ok(0)
}

/// Signs words about the last patchset and hands them to the server.
///
/// # Errors
/// When the key does not sign or the server refuses.
pub(super) fn write(clone: &Clone, signer: &Signer, words: Words, ui: &mut Ui) -> Result<(), Failure> {
    let change = changes::load(&clone.repo, words.change)?;
    let last = change.current().ok_or_else(|| Failure::from(GateError::NoChange(words.change)))?;
    let (file, line) = place(words.at.as_deref())?;
    let note = Note {
        document: Note::TYPE.into(),
        v: 1,
        repo: clone.root.repo(),
        change: words.change.to_string(),
        patchset: last.number,
        statement: Some(Digest::of(&last.statement)),
        author: signer.name.clone(),
        verdict: words.verdict,
        file,
        line,
        text: words.text,
        created: clock::now(),
    };
    let bytes = note.encode();
    let signature = signer.sign(Note::NAMESPACE, &bytes)?;
    let mut files = Tree::default();
    files.insert("note.json", bytes)?;
    files.insert("note.sig", signature.into_bytes())?;
    clone.upload(words.change, &files, ui)
}

/// `PATH` or `PATH:LINE`.
fn place(at: Option<&str>) -> Result<(Option<String>, Option<u32>), Failure> {
    let Some(at) = at else { return Ok((None, None)) };
    match at.rsplit_once(':') {
        None => Ok((Some(at.to_owned()), None)),
        Some((file, line)) => {
            let line = line.parse().map_err(|_| Failure::usage(format!("`{line}` is no line number")))?;
            Ok((Some(file.to_owned()), Some(line)))
        }
    }
}

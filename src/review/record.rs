//! A change as files: what `refs/changes/<n>/meta` holds, so that a mirror of the repository is the whole
//! record. What is read here is believed only as far as its signatures reach.

use super::change::{Change, NoteRecord, Patchset, Purpose, Status, Void};
use crate::model::canonical::{self, CanonicalError};
use crate::model::digest::{hex, unhex};
use crate::model::tree::PathError;
use crate::model::{EnvName, Principal, Stamp, Tree};
use serde::{Deserialize, Serialize};

/// Why files are no change.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file is missing or is not what it must be.
    #[error("the record of a change has no proper `{0}`")]
    File(String),
    /// The summary cannot be read.
    #[error("the record of a change cannot be read")]
    Summary(#[from] CanonicalError),
    /// A name that is no path. Names are checked where they enter.
    #[error("the record of a change cannot be written")]
    Path(#[from] PathError),
}

const SUMMARY: &str = "change.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    #[serde(rename = "type")]
    kind: String,
    v: u32,
    number: u64,
    key: String,
    environment: EnvName,
    purpose: Purpose,
    status: Status,
    patchsets: Vec<PatchsetSummary>,
    notes: Vec<Principal>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchsetSummary {
    number: u32,
    commit: String,
    base: String,
    author: Principal,
    created: Stamp,
    approvals: Vec<Principal>,
    void: Option<Void>,
    rejected: Option<Principal>,
}

/// The files of a change.
///
/// # Errors
/// When a name in it is no path.
pub fn write(change: &Change) -> Result<Tree, RecordError> {
    let mut tree = Tree::default();
    tree.insert(SUMMARY, canonical::encode(&summary(change)))?;
    for patchset in &change.patchsets {
        let folder = folder(patchset.number);
        tree.insert(&format!("{folder}/statement.json"), patchset.statement.clone())?;
        tree.insert(&format!("{folder}/salt"), format!("{}\n", hex(&patchset.salt)).into_bytes())?;
        tree.insert(&format!("{folder}/certificate"), patchset.certificate.clone())?;
        tree.insert(&format!("{folder}/leaves"), patchset.leaves.clone())?;
        for (who, signature) in &patchset.approvals {
            tree.insert(&format!("{folder}/sig.d/{who}.sig"), signature.clone().into_bytes())?;
        }
    }
    for (at, note) in change.notes.iter().enumerate() {
        tree.insert(&format!("notes/{}.json", at + 1), note.document.clone())?;
        tree.insert(&format!("notes/{}.sig", at + 1), note.signature.clone().into_bytes())?;
    }
    Ok(tree)
}

/// Reads a change out of its files.
///
/// # Errors
/// When they are not what [`write()`] makes.
pub fn read(tree: &Tree) -> Result<Change, RecordError> {
    let bytes = tree.get(SUMMARY).ok_or_else(|| RecordError::File(SUMMARY.into()))?;
    let summary: Summary = canonical::decode("record of a change", bytes)?;
    if summary.kind != "change" || summary.v != 1 || summary.patchsets.is_empty() {
        return Err(RecordError::File(SUMMARY.into()));
    }
    let note = |(at, author): (usize, Principal)| {
        let document = file(tree, &format!("notes/{}.json", at + 1))?.to_vec();
        let signature = text(tree, &format!("notes/{}.sig", at + 1))?;
        Ok(NoteRecord { author, document, signature })
    };
    Ok(Change {
        number: summary.number,
        key: summary.key,
        environment: summary.environment,
        purpose: summary.purpose,
        status: summary.status,
        patchsets: summary.patchsets.into_iter().map(|p| patchset(tree, p)).collect::<Result<_, _>>()?,
        notes: summary.notes.into_iter().enumerate().map(note).collect::<Result<_, RecordError>>()?,
    })
}

fn summary(change: &Change) -> Summary {
    let patchset = |p: &Patchset| PatchsetSummary {
        number: p.number,
        commit: p.commit.clone(),
        base: p.base.clone(),
        author: p.author.clone(),
        created: p.created,
        approvals: p.approvals.iter().map(|(who, _)| who.clone()).collect(),
        void: p.void,
        rejected: p.rejected.clone(),
    };
    Summary {
        kind: "change".into(),
        v: 1,
        number: change.number,
        key: change.key.clone(),
        environment: change.environment.clone(),
        purpose: change.purpose,
        status: change.status,
        patchsets: change.patchsets.iter().map(patchset).collect(),
        notes: change.notes.iter().map(|note| note.author.clone()).collect(),
    }
}

fn patchset(tree: &Tree, summary: PatchsetSummary) -> Result<Patchset, RecordError> {
    let folder = folder(summary.number);
    let salt_file = format!("{folder}/salt");
    let salt = unhex(text(tree, &salt_file)?.trim_end()).and_then(|bytes| bytes.try_into().ok());
    let approval = |who: Principal| {
        let signature = text(tree, &format!("{folder}/sig.d/{who}.sig"))?;
        Ok((who, signature))
    };
    Ok(Patchset {
        number: summary.number,
        commit: summary.commit,
        base: summary.base,
        author: summary.author,
        created: summary.created,
        certificate: file(tree, &format!("{folder}/certificate"))?.to_vec(),
        statement: file(tree, &format!("{folder}/statement.json"))?.to_vec(),
        salt: salt.ok_or(RecordError::File(salt_file))?,
        leaves: file(tree, &format!("{folder}/leaves"))?.to_vec(),
        approvals: summary.approvals.into_iter().map(approval).collect::<Result<_, RecordError>>()?,
        void: summary.void,
        rejected: summary.rejected,
    })
}

fn folder(patchset: u32) -> String {
    format!("patchsets/{patchset}")
}

fn file<'a>(tree: &'a Tree, path: &str) -> Result<&'a [u8], RecordError> {
    tree.get(path).ok_or_else(|| RecordError::File(path.to_owned()))
}

fn text(tree: &Tree, path: &str) -> Result<String, RecordError> {
    let bytes = file(tree, path)?.to_vec();
    String::from_utf8(bytes).map_err(|_| RecordError::File(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use crate::review::change::tests::{change, patchset};

    #[test]
    fn a_change_comes_back_as_it_was_written() {
        let mut change = change("frank");
        let statement = Digest::of(&change.current().unwrap().statement);
        change.approve("bob".parse().unwrap(), statement, "armour\n".into()).unwrap();
        change.propose(patchset("alice", "c2", "b1")).unwrap();
        change.reject("carol".parse().unwrap());
        let note = NoteRecord {
            author: "carol".parse().unwrap(),
            document: b"{}\n".to_vec(),
            signature: "s".into(),
        };
        change.notes.push(note);
        let files = write(&change).unwrap();
        assert_eq!(read(&files).unwrap(), change);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let whole = write(&change("frank")).unwrap();
        for (gone, _) in whole.iter() {
            let mut part = Tree::default();
            for (path, bytes) in whole.iter().filter(|(path, _)| *path != gone) {
                part.insert(path, bytes.to_vec()).unwrap();
            }
            assert!(read(&part).is_err(), "{gone}");
        }
    }
}

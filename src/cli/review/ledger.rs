//! What this reviewer signed, on this reviewer's own disk: nobody else can make them forget it (D51).
//!
//! One file a person and repository, one line a signature or withdrawal, only appended to. A line is on the disk
//! before the signature is made. What was seen of the log is in it, too (D36).

use crate::cli::Failure;
use crate::model::{Checkpoint, Digest, EnvName, Principal, Stamp};
use crate::signing::{Release, RepoId};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The ledger, locked until it is dropped.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    file: File,
    lines: Vec<Line>,
}

/// A statement that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    /// Its digest.
    pub(super) statement: Digest,
    /// Its environment.
    pub(super) environment: EnvName,
    /// Its serial.
    pub(super) seq: u64,
    /// The release before it: together with the serial, the place that it would take.
    pub(super) prev: Option<Digest>,
    /// The change that asked for it.
    pub(super) change: u64,
    /// The patchset.
    pub(super) patchset: u32,
    /// When it was signed.
    pub(super) at: Stamp,
}

/// What was seen of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// Its newest checkpoint then.
    pub(super) checkpoint: Checkpoint,
    /// Whose log it is: new keys may begin another one.
    pub(super) keeper: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Signed(Signed),
    Withdrew(Digest),
    Log(Seen),
}

impl Ledger {
    /// Opens the ledger of a person, making it if it is not there.
    ///
    /// # Errors
    /// When it cannot be read or is damaged: then nothing is signed.
    pub(super) fn open(repo: RepoId, who: &Principal) -> Result<Self, Failure> {
        Self::open_in(&home()?, repo, who)
    }

    fn open_in(home: &Path, repo: RepoId, who: &Principal) -> Result<Self, Failure> {
        let folder = home.join("countersign/signed").join(repo.to_string());
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Failure::io("cannot make", &folder, &error))?;
        let path = folder.join(format!("{who}.jsonl"));
        let failed = |error: std::io::Error| Failure::io("cannot use", &path, &error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path);
        let file = file.as_mut().map_err(|error| Failure::io("cannot use", &path, error))?;
        let mut file = file.try_clone().map_err(failed)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|error| {
            Failure::refused(format!("`{}`, what you signed so far, is damaged: {error}", path.display()))
                .hint(
                    "mend or move the file; then look through `countersign review list` for what you signed",
                )
        })?;
        Ok(Self { path, file, lines })
    }

    /// The other statements for the place of `release` under which this person's signature stands.
    pub(super) fn rivals(&self, release: &Release) -> Vec<Signed> {
        let id = release.id();
        let rival = |signed: &&Signed| {
            signed.statement != id && signed.environment == release.environment && signed.prev == release.prev
        };
        self.standing().filter(rival).cloned().collect()
    }

    /// What this person signed of a change and did not take back, oldest first.
    pub(super) fn of_change(&self, change: u64) -> Vec<Signed> {
        self.standing().filter(|signed| signed.change == change).cloned().collect()
    }

    /// The signatures that were not taken back.
    fn standing(&self) -> impl Iterator<Item = &Signed> {
        self.lines.iter().filter_map(|line| match line {
            Line::Signed(signed) if !self.lines.contains(&Line::Withdrew(signed.statement)) => Some(signed),
            Line::Signed(_) | Line::Withdrew(_) | Line::Log(_) => None,
        })
    }

    /// What this person saw last of the log that is kept with these keys.
    pub(super) fn seen(&self, keeper: Digest) -> Option<Checkpoint> {
        self.lines.iter().rev().find_map(|line| match line {
            Line::Log(seen) if seen.keeper == keeper => Some(seen.checkpoint),
            Line::Signed(_) | Line::Withdrew(_) | Line::Log(_) => None,
        })
    }

    /// Notes what was seen of the log.
    ///
    /// # Errors
    /// When that cannot be made durable: then nothing may be signed.
    pub(super) fn note_log(&mut self, seen: Seen) -> Result<(), Failure> {
        self.append(Line::Log(seen))
    }

    /// Notes a statement that is about to be signed.
    ///
    /// # Errors
    /// When that cannot be made durable: then nothing may be signed.
    pub(super) fn note(&mut self, signed: Signed) -> Result<(), Failure> {
        self.append(Line::Signed(signed))
    }

    /// Notes a signature that was taken back.
    ///
    /// # Errors
    /// When that cannot be made durable.
    pub(super) fn note_withdrawal(&mut self, statement: Digest) -> Result<(), Failure> {
        self.append(Line::Withdrew(statement))
    }

    fn append(&mut self, line: Line) -> Result<(), Failure> {
        if self.lines.contains(&line) {
            return Ok(());
        }
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_all());
        written.map_err(|error| Failure::io("cannot write", &self.path, &error))?;
        self.lines.push(line);
        Ok(())
    }
}

/// Where a person's programs keep what they must not forget (XDG base directories).
fn home() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_home = || absolute("HOME").filter(|home| home.is_dir()).map(|home| home.join(".local/state"));
    absolute("XDG_STATE_HOME").or_else(of_home).ok_or_else(|| {
        Failure::refused(
            "there is no home directory, so what is signed cannot be remembered, and nothing is signed",
        )
        .hint("set HOME or XDG_STATE_HOME")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const REPO: RepoId = RepoId::new([7; 32]);

    fn open(home: &Path) -> Ledger {
        Ledger::open_in(home, REPO, &"alice".parse().unwrap()).unwrap()
    }

    fn signed(statement: &Release) -> Signed {
        Signed {
            statement: statement.id(),
            environment: statement.environment.clone(),
            seq: statement.seq,
            prev: statement.prev,
            change: 5,
            patchset: statement.patchset,
            at: statement.created,
        }
    }

    fn statement(patchset: u32, prev: &[u8]) -> Release {
        let release = crate::signing::testing::publish(1, None).statement;
        Release { seq: 2, prev: Some(Digest::of(prev)), patchset, ..release }
    }

    #[test]
    fn d51_what_was_signed_for_a_place_is_remembered_until_it_is_taken_back() {
        let home = tempfile::tempdir().unwrap();
        let (third, fourth) = (statement(3, b"one"), statement(4, b"one"));
        open(home.path()).note(signed(&third)).unwrap();
        let mut ledger = open(home.path());
        assert_eq!(ledger.rivals(&third), [], "the same statement again");
        assert_eq!(ledger.rivals(&statement(4, b"another release")), []);
        let staging = Release { environment: "staging".parse().unwrap(), ..fourth.clone() };
        assert_eq!(ledger.rivals(&staging), []);
        assert_eq!(ledger.rivals(&fourth), [signed(&third)]);
        assert_eq!(ledger.of_change(5), [signed(&third)]);
        assert_eq!(ledger.of_change(6), []);
        ledger.note_withdrawal(third.id()).unwrap();
        drop(ledger);
        let ledger = open(home.path());
        assert_eq!(ledger.rivals(&fourth), []);
        assert_eq!(ledger.of_change(5), [], "nothing that `approve --again` could go by");
    }

    #[test]
    fn d36_what_was_seen_of_a_log_is_remembered_with_whose_log_it_is() {
        let home = tempfile::tempdir().unwrap();
        let [ours, another] = [Digest::of(b"ours"), Digest::of(b"another")];
        let seen = |size, keeper| Seen { checkpoint: Checkpoint { size, root: Digest::of(b"") }, keeper };
        for next in [seen(5, ours), seen(9, ours), seen(3, another)] {
            open(home.path()).note_log(next).unwrap();
        }
        let ledger = open(home.path());
        assert_eq!(ledger.seen(ours), Some(seen(9, ours).checkpoint));
        assert_eq!(ledger.seen(another), Some(seen(3, another).checkpoint));
        assert_eq!(ledger.seen(Digest::of(b"new keys")), None);
        assert_eq!(ledger.of_change(5), []);
    }

    #[test]
    fn a_ledger_is_its_owners_alone_and_is_refused_when_damaged() {
        let home = tempfile::tempdir().unwrap();
        open(home.path()).note(signed(&statement(3, b"one"))).unwrap();
        let path = home.path().join(format!("countersign/signed/{REPO}/alice.jsonl"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let whole = std::fs::read(&path).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"{}\n"] {
            std::fs::write(&path, damaged).unwrap();
            assert!(Ledger::open_in(home.path(), REPO, &"alice".parse().unwrap()).is_err());
        }
        let bob = Ledger::open_in(home.path(), REPO, &"bob".parse().unwrap()).unwrap();
        assert_eq!(bob.of_change(5), [], "bob's is another file");
    }
}

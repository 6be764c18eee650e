//! The objects of a push before they are taken: how many, how large, and whether a hook sees them at all (D19, D20).

use super::program::Git;
use super::{Id, NewCommit, Repo, RepoError};
use crate::model::{Stamp, Tree};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Objects of one push, at most.
const MAX_OBJECTS: usize = 100_000;
/// Bytes of all objects of one push when they are unpacked, at most.
const MAX_BYTES: u64 = 256 << 20;
/// What is read of a hook's answer.
const ANSWER: u64 = 64 << 10;

/// What a push brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// Number of objects.
    pub objects: usize,
    /// Bytes of all of them when unpacked.
    pub bytes: u64,
}

/// Where git keeps the objects of the push that this hook judges.
fn quarantine() -> Result<PathBuf, RepoError> {
    std::env::var_os("GIT_QUARANTINE_PATH").map(PathBuf::from).ok_or(RepoError::NoQuarantine)
}

impl Repo {
    /// Counts what the push behind this hook brings, also what no commit of it names. Only headers are read.
    ///
    /// # Errors
    /// When this is no hook of a push, an object cannot be read, or it is too much.
    pub fn pushed(&self) -> Result<Pushed, RepoError> {
        self.measure(&quarantine()?)
    }

    fn measure(&self, quarantine: &Path) -> Result<Pushed, RepoError> {
        let failed = |cause| RepoError::Open { path: quarantine.to_owned(), cause };
        let own = git2::Odb::new().map_err(failed)?;
        own.add_disk_alternate(&quarantine.to_string_lossy()).map_err(failed)?;
        let mut ids = Vec::new();
        let listed = own.foreach(|id| {
            ids.push(*id);
            ids.len() <= MAX_OBJECTS
        });
        if ids.len() > MAX_OBJECTS {
            return Err(RepoError::TooMuch { what: "objects", most: MAX_OBJECTS as u64 });
        }
        listed.map_err(failed)?;
        // Deltas may build on objects that are here already.
        let odb = self.git.odb().map_err(failed)?;
        let mut bytes = 0_u64;
        for id in &ids {
            let (size, _) = odb.read_header(*id).map_err(|cause| RepoError::Read { id: Id(*id), cause })?;
            bytes = bytes.saturating_add(size as u64);
        }
        if bytes > MAX_BYTES {
            return Err(RepoError::TooMuch { what: "bytes when unpacked", most: MAX_BYTES });
        }
        Ok(Pushed { objects: ids.len(), bytes })
    }
}

/// A commit in a quarantine of its own, for asking a hook about it as git would.
#[derive(Debug)]
pub struct Planted {
    commit: Id,
    objects: PathBuf,
    _dir: tempfile::TempDir,
}

impl Planted {
    /// Makes a commit with these files, which the repository itself does not have.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(repo: &Repo, files: &Tree, time: Stamp) -> Result<Self, RepoError> {
        let place = repo.private();
        let failed = |cause| RepoError::File { what: "make a directory in", path: place.clone(), cause };
        let dir = tempfile::tempdir_in(&place).map_err(failed)?;
        Git::inside(dir.path(), "init").args(["--quiet", "--bare", "--template=", "."]).output()?;
        let apart = Repo::open(dir.path())?;
        let commit = apart.write_commit(&NewCommit { files, parents: &[], message: "Planted\n", time })?;
        let objects = dir.path().join("objects");
        Ok(Self { commit, objects, _dir: dir })
    }

    /// Runs the repository's `pre-receive` hook with `arguments` on a push of the commit to `target`, and returns
    /// its exit code (none when it was killed) and what it said.
    ///
    /// # Errors
    /// When it cannot be run, or does not end within `patience`.
    pub fn ask(
        &self,
        repo: &Repo,
        (target, argument): (&str, &str),
        patience: Duration,
    ) -> Result<(Option<i32>, String), RepoError> {
        let hook = repo.path().join("hooks/pre-receive");
        let failed = |cause| RepoError::File { what: "run", path: hook.clone(), cause };
        let said = tempfile::tempfile().map_err(failed)?;
        let input = tempfile::tempfile().map_err(failed)?;
        let line = format!("{} {} {target}\n", Id::ZERO, self.commit);
        std::io::Write::write_all(&mut (&input), line.as_bytes()).map_err(failed)?;
        std::io::Seek::rewind(&mut (&input)).map_err(failed)?;
        let mut command = Command::new(&hook);
        command.arg(argument).current_dir(repo.path()).env("GIT_DIR", ".");
        command.env("GIT_OBJECT_DIRECTORY", &self.objects).env("GIT_QUARANTINE_PATH", &self.objects);
        command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", repo.path().join("objects"));
        command.stdin(input).stdout(Stdio::null()).stderr(said.try_clone().map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        let until = Instant::now() + patience;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if Instant::now() > until {
                drop(child.kill());
                drop(child.wait());
                return Err(failed(std::io::ErrorKind::TimedOut.into()));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut text = Vec::new();
        std::io::Seek::rewind(&mut (&said)).map_err(failed)?;
        (&said).take(ANSWER).read_to_end(&mut text).map_err(failed)?;
        Ok((status.code(), String::from_utf8_lossy(&text).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::tests::site;

    #[test]
    fn d19_what_no_commit_names_is_counted_as_well() {
        let (dir, apart) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let repo = site(dir.path());
        let other = site(apart.path());
        let quarantine = other.path().join("objects");
        assert_eq!(repo.measure(&quarantine).unwrap(), Pushed { objects: 0, bytes: 0 });
        // The headers are asked of the repository that git points at both; here one holds what the other does.
        let count = |blobs: &[&[u8]]| {
            for bytes in blobs {
                for repo in [&repo, &other] {
                    repo.git.blob(bytes).unwrap();
                }
            }
            repo.measure(&quarantine)
        };
        assert_eq!(count(&[b"12345", b"123"]).unwrap(), Pushed { objects: 2, bytes: 8 });
        let zeros = vec![0; usize::try_from(MAX_BYTES).unwrap()];
        let said = count(&[&zeros]).unwrap_err().to_string();
        assert!(said.contains("bytes when unpacked") && said.contains("268435456"), "{said}");
    }
}

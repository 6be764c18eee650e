//! The agent's directory: every file of it is written whole and durably, or not at all.
//!
//! Write to a scratch name, fsync, rename, fsync the directory. An fsync that fails is an error of the
//! write, never tried again as if it had worked. Only what a power failure may take is not waited for ([`Lasting::Soon`]).
//! What the bytes mean is no concern of this file.

use crate::model::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The agent's directory (mode 0700).
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
    #[cfg(test)]
    steps: Option<Steps>,
    #[cfg(test)]
    trouble: Option<Trouble>,
}

/// When something that was done lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// When the call returns.
    Now,
    /// When the system gets round to it. Until then a power failure, but nothing less, undoes or damages it.
    Soon,
}

/// What a test lets go wrong: it is asked before each step, by the verb of the error.
#[cfg(test)]
#[derive(Clone)]
pub(super) struct Trouble(pub(super) std::sync::Arc<dyn Fn(&'static str) -> io::Result<()> + Send + Sync>);

#[cfg(test)]
impl std::fmt::Debug for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trouble(…)")
    }
}

/// What the system was asked to do, for tests that end it after any of them.
#[cfg(test)]
pub(super) type Steps = std::sync::Arc<std::sync::Mutex<Vec<Step>>>;

/// One thing that the system is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Make a directory.
    MakeDirectory(PathBuf),
    /// Make an empty file.
    Create(PathBuf),
    /// Write all of a file.
    Write(PathBuf, Vec<u8>),
    /// Wait until what was written is durable.
    Sync(PathBuf),
    /// Give the first the second's name.
    Rename(PathBuf, PathBuf),
    /// Remove a file.
    Remove(PathBuf),
    /// Wait until the names in a directory are durable.
    SyncDirectory(PathBuf),
}

/// Why the agent's directory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is no such directory.
    #[error("there is no agent in `{}`", .0.display())]
    Absent(PathBuf),
    /// Other users may look into it.
    #[error("`{}` is open to others (mode {mode:04o}, must be 0700)", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file of it is longer than such a file can be.
    #[error("`{}` is longer than {cap} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that it may have.
        cap: u64,
    },
    /// The system refused.
    #[error("cannot {verb} `{}`", path.display())]
    Io {
        /// What was attempted.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl DiskError {
    fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { verb, path: path.to_owned(), cause }
    }
}

impl Disk {
    /// Opens an existing directory.
    ///
    /// # Errors
    /// When it is not there, or open to others.
    pub fn open(root: &Path) -> Result<Self, DiskError> {
        let meta = match fs::metadata(root) {
            Ok(meta) if meta.is_dir() => meta,
            Ok(_) => return Err(DiskError::Absent(root.to_owned())),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(DiskError::Absent(root.to_owned()));
            }
            Err(cause) => return Err(DiskError::io("look at", root)(cause)),
        };
        let mode = meta.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(DiskError::Open { path: root.to_owned(), mode });
        }
        Ok(Self {
            root: root.to_owned(),
            #[cfg(test)]
            steps: None,
            #[cfg(test)]
            trouble: None,
        })
    }

    /// Opens the directory, making it and its parents first if need be.
    ///
    /// # Errors
    /// When it cannot be made, or is open to others.
    pub fn create(root: &Path) -> Result<Self, DiskError> {
        if !root.is_dir() {
            if let Some(parent) = root.parent() {
                fs::create_dir_all(parent).map_err(DiskError::io("make", parent))?;
            }
            DirBuilder::new().mode(0o700).create(root).map_err(DiskError::io("make", root))?;
        }
        Self::open(root)
    }

    /// The path of one of its files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Whether it has that file.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The bytes of a file of at most `cap` bytes; `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, or is longer.
    pub fn read(&self, name: &str, cap: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let Some((file, path)) = self.opened(name)? else { return Ok(None) };
        // Room for all of it at once: a catalog is long, and growing would copy it again and again.
        let size = file.metadata().map_or(0, |meta| meta.len()).min(cap);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
        file.take(cap + 1).read_to_end(&mut bytes).map_err(DiskError::io("read", &path))?;
        if bytes.len() as u64 > cap {
            return Err(DiskError::TooLong { path, cap });
        }
        Ok(Some(bytes))
    }

    /// Whether a file has exactly these bytes, which are not read all at once.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn holds(&self, name: &str, bytes: &[u8]) -> Result<bool, DiskError> {
        let mut rest = bytes;
        let there = self.pieces(name, |piece| match rest.strip_prefix(piece) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        })?;
        Ok(there && rest.is_empty())
    }

    /// The digest of a file, which is not read all at once; `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn digest(&self, name: &str) -> Result<Option<Digest>, DiskError> {
        let mut hash = Sha256::new();
        let there = self.pieces(name, |piece| {
            hash.update(piece);
            true
        })?;
        Ok(there.then(|| Digest::from_bytes(hash.finalize().into())))
    }

    /// A file for reading, and its path; `None` when there is no such file.
    fn opened(&self, name: &str) -> Result<Option<(File, PathBuf)>, DiskError> {
        let path = self.path(name);
        match File::open(&path) {
            Ok(file) => Ok(Some((file, path))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(DiskError::io("open", &path)(cause)),
        }
    }

    /// Reads a file piece by piece while `look` wants more, and says whether it came to its end.
    fn pieces(&self, name: &str, mut look: impl FnMut(&[u8]) -> bool) -> Result<bool, DiskError> {
        let Some((mut file, path)) = self.opened(name)? else { return Ok(false) };
        let mut piece = vec![0; 64 << 10];
        loop {
            match file.read(&mut piece).map_err(DiskError::io("read", &path))? {
                0 => return Ok(true),
                read if look(&piece[..read]) => {}
                _ => return Ok(false),
            }
        }
    }

    /// The last bytes of a file, at most so many; `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn tail(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let Some((mut file, path)) = self.opened(name)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(usize::try_from(most).unwrap_or(0).saturating_add(1));
        let size = file.metadata().map(|meta| meta.len());
        let read = size
            .and_then(|size| file.seek(io::SeekFrom::Start(size.saturating_sub(most))))
            .and_then(|_| file.take(most).read_to_end(&mut bytes));
        read.map_err(DiskError::io("read", &path))?;
        Ok(Some(bytes))
    }

    /// Writes a file durably: after this it has the new bytes, after a crash the old ones or the new ones.
    ///
    /// # Errors
    /// When any step fails; the old file is then still there.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.fill(name, Lasting::Now, |out| out.write_all(bytes))
    }

    /// As [`Disk::write`], with what `fill` writes, which need not be in memory all at once.
    ///
    /// # Errors
    /// As [`Disk::write`].
    pub fn fill(
        &self,
        name: &str,
        lasting: Lasting,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), DiskError> {
        let path = self.path(name);
        let directory = path.parent().unwrap_or(&self.root);
        self.make_directories(directory)?;
        let scratch = path.with_file_name(format!("{}.tmp", file_name(&path)));
        self.remove_file(&scratch)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&scratch)
            .and_then(|file| self.may("create").map(|()| file))
            .map_err(DiskError::io("create", &scratch))?;
        self.note(|| Step::Create(scratch.clone()));
        let written = self.may("write").and_then(|()| {
            let mut out = BufWriter::with_capacity(16 << 10, &mut file);
            fill(&mut out)?;
            out.flush()
        });
        written.map_err(DiskError::io("write", &scratch))?;
        self.note(|| Step::Write(scratch.clone(), fs::read(&scratch).unwrap_or_default()));
        if lasting == Lasting::Now {
            let synced = self.may("make durable").and_then(|()| file.sync_all());
            synced.map_err(DiskError::io("make durable", &scratch))?;
            self.note(|| Step::Sync(scratch.clone()));
        }
        let renamed = self.may("replace").and_then(|()| fs::rename(&scratch, &path));
        renamed.map_err(DiskError::io("replace", &path))?;
        self.note(|| Step::Rename(scratch.clone(), path.clone()));
        self.sync_directory(directory, lasting)
    }

    /// Removes a file; that it is not there is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &str, lasting: Lasting) -> Result<(), DiskError> {
        let path = self.path(name);
        self.remove_file(&path)?;
        self.sync_directory(path.parent().unwrap_or(&self.root), lasting)
    }

    /// The names in one of its directories, ascending; none when the directory is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(&self, directory: &str) -> Result<Vec<String>, DiskError> {
        let path = self.path(directory);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(DiskError::io("list", &path)(cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(DiskError::io("list", &path))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn make_directories(&self, directory: &Path) -> Result<(), DiskError> {
        if directory == self.root || directory.is_dir() {
            return Ok(());
        }
        let parent = directory.parent().unwrap_or(&self.root);
        self.make_directories(parent)?;
        let made = self.may("make").and_then(|()| DirBuilder::new().mode(0o700).create(directory));
        made.map_err(DiskError::io("make", directory))?;
        self.note(|| Step::MakeDirectory(directory.to_owned()));
        self.sync_directory(parent, Lasting::Now)
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        match self.may("remove").and_then(|()| fs::remove_file(path)) {
            Ok(()) => {
                self.note(|| Step::Remove(path.to_owned()));
                Ok(())
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(DiskError::io("remove", path)(cause)),
        }
    }

    fn sync_directory(&self, path: &Path, lasting: Lasting) -> Result<(), DiskError> {
        if lasting == Lasting::Soon {
            return Ok(());
        }
        let synced = self.may("make durable").and_then(|()| File::open(path)).and_then(|d| d.sync_all());
        synced.map_err(DiskError::io("make durable", path))?;
        self.note(|| Step::SyncDirectory(path.to_owned()));
        Ok(())
    }

    /// Whether a test lets the next step happen.
    #[cfg(test)]
    fn may(&self, verb: &'static str) -> io::Result<()> {
        self.trouble.as_ref().map_or(Ok(()), |trouble| trouble.0(verb))
    }

    /// Only the system can refuse.
    #[cfg(not(test))]
    const fn may(&self, _: &'static str) -> io::Result<()> {
        Ok(())
    }

    /// Writes down what was just done, where a test wants to know.
    #[cfg(test)]
    fn note(&self, step: impl FnOnce() -> Step) {
        if let Some(steps) = &self.steps {
            steps.lock().unwrap().push(step());
        }
    }

    /// Nobody wants to know.
    #[cfg(not(test))]
    fn note(&self, _: impl FnOnce() -> Step) {}

    /// The same directory, with everything that is asked of the system written down.
    #[cfg(test)]
    pub(super) fn watched(&self) -> (Self, Steps) {
        let steps = Steps::default();
        (Self { steps: Some(steps.clone()), ..self.clone() }, steps)
    }

    /// The same directory, on a disk with faults.
    #[cfg(test)]
    pub(super) fn troubled(&self, trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..self.clone() }
    }
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d28_a_write_replaces_the_whole_file_and_leaves_no_scratch() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("deep/agent")).unwrap();
        disk.write("release/7/statement.json", b"old, and longer").unwrap();
        // A crash between writing and renaming leaves a scratch file behind; the next write does not mind.
        fs::write(disk.path("release/7/statement.json.tmp"), b"half").unwrap();
        disk.write("release/7/statement.json", b"new").unwrap();
        assert_eq!(disk.read("release/7/statement.json", 3).unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(disk.list("release/7").unwrap(), ["statement.json"]);
        let mode = fs::metadata(disk.path("release/7/statement.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_over_its_cap_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        disk.write("state.json", b"12345").unwrap();
        assert!(disk.holds("state.json", b"12345").unwrap());
        assert!(
            ["1234", "123456", "12346", ""]
                .iter()
                .all(|other| !disk.holds("state.json", other.as_bytes()).unwrap())
        );
        assert!(!disk.holds("other.json", b"").unwrap());
        assert_eq!(disk.digest("state.json").unwrap(), Some(Digest::of(b"12345")));
        assert_eq!(disk.digest("other.json").unwrap(), None);
        assert_eq!(disk.tail("state.json", 2).unwrap().as_deref(), Some(&b"45"[..]));
        assert_eq!(disk.tail("state.json", 9).unwrap().as_deref(), Some(&b"12345"[..]));
        assert!(matches!(disk.read("state.json", 4), Err(DiskError::TooLong { cap: 4, .. })));
        assert!(disk.read("other.json", 4).unwrap().is_none());
    }

    #[test]
    fn a_directory_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(Disk::open(dir.path()), Err(DiskError::Open { mode: 0o755, .. })));
        assert!(matches!(Disk::open(&dir.path().join("none")), Err(DiskError::Absent(_))));
    }
}

//! Files that are either the old or the new content after a crash, never something between.
//!
//! The content goes into a scratch file of the same directory, is flushed, and takes its name by rename.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody: mode 0644.
    Public,
    /// Its owner alone: mode 0600.
    Private,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Public => 0o644,
            Self::Private => 0o600,
        }
    }
}

/// Puts `content` at `path`, whatever is there now, and waits until it is on disk.
///
/// # Errors
/// When the disk says so. The old content is then still there.
pub fn replace(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let directory = parent(path)?;
    let scratch = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(access.mode()))
        .tempfile_in(directory)?;
    scratch.as_file().write_all(content)?;
    scratch.as_file().sync_all()?;
    scratch.persist(path).map_err(|failed| failed.error)?;
    sync(directory)
}

/// Makes the file `path`, which must not be there yet.
///
/// # Errors
/// When it is there, or when the disk says so.
pub fn create(path: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    sync(parent(path)?)
}

/// Makes the directory `path` and those above it that are missing.
///
/// # Errors
/// When the file system refuses.
pub fn directory(path: &Path, access: Access) -> io::Result<()> {
    let mode = match access {
        Access::Public => 0o755,
        Access::Private => 0o700,
    };
    DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Waits until the names in `directory` are on disk.
///
/// # Errors
/// When the disk says so.
pub fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The content of `path`, `None` when there is no such file.
///
/// # Errors
/// When it is there but cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a path without a directory"))
}

//! Reading a copy of the publication directory: bounded, and without writing anything there.

use crate::model::EnvName;
use crate::signing::log::Tile;
use crate::signing::{Envelope, Refusal};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of a container of signatures, at most.
const SIGNATURES: u64 = 256 << 10;
/// Bytes of a document, at most: the size of a catalog.
const DOCUMENT: u64 = crate::model::catalog::MAX_CATALOG;

/// A copy of the publication directory.
#[derive(Debug, Clone)]
pub struct Mirror {
    directory: PathBuf,
}

/// Why a mirror could not be judged at all.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// There is no trust root to start from.
    #[error("`{}` is no publication: it has no `root/1.json`", .0.display())]
    NoPublication(PathBuf),
    /// A trust root does not follow.
    #[error("version {version} of the trust root is refused")]
    Root {
        /// Which.
        version: u64,
        /// Why.
        #[source]
        cause: Refusal,
    },
}

impl Mirror {
    /// The copy in `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The bytes of a file; `None` when it is not there.
    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, AuditError> {
        self.read_up_to(path, DOCUMENT)
    }

    fn read_up_to(&self, path: &str, cap: u64) -> Result<Option<Vec<u8>>, AuditError> {
        let path = self.directory.join(path);
        let failed = |cause| AuditError::Io { path: path.clone(), cause };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        let mut bytes = Vec::new();
        file.take(cap + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > cap {
            return Err(failed(io::Error::other(format!("it is longer than {cap} bytes"))));
        }
        Ok(Some(bytes))
    }

    /// A document with its signatures; `None` when one of the two is not there. A damaged container is one without
    /// signatures.
    pub(super) fn signed(&self, [document, container]: [&str; 2]) -> Result<Option<Envelope>, AuditError> {
        let Some(bytes) = self.read(document)? else { return Ok(None) };
        let Some(list) = self.read_up_to(container, SIGNATURES)? else { return Ok(None) };
        Ok(Some(Envelope { bytes, signatures: serde_json::from_slice(&list).unwrap_or_default() }))
    }

    /// A tile, or the complete one in its place.
    pub(super) fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, AuditError> {
        match self.read(&format!("log/{}", tile.path()))? {
            None if !tile.is_full() => self.read(&format!("log/{}", tile.full().path())),
            found => Ok(found),
        }
    }

    /// The numbers that files of a directory are named after, ascending.
    pub(super) fn numbers(&self, directory: &str, suffix: &str) -> Result<Vec<u64>, AuditError> {
        let number = |name: &str| name.strip_suffix(suffix)?.parse::<u64>().ok();
        let mut found: Vec<u64> = self.names(directory)?.iter().filter_map(|name| number(name)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The environments that have releases, ascending.
    pub(super) fn environments(&self) -> Result<Vec<EnvName>, AuditError> {
        let mut found: Vec<EnvName> =
            self.names("release")?.iter().filter_map(|name| name.parse().ok()).collect();
        found.sort();
        Ok(found)
    }

    /// The contents of all files of a directory.
    pub(super) fn files(&self, directory: &str) -> Result<Vec<Vec<u8>>, AuditError> {
        let mut files = Vec::new();
        for name in self.names(directory)? {
            files.extend(self.read(&format!("{directory}/{name}"))?);
        }
        Ok(files)
    }

    /// The serial of an environment's newest release.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn newest(&self, env: &EnvName) -> Result<Option<u64>, AuditError> {
        Ok(self.numbers(&format!("release/{env}"), "")?.last().copied())
    }

    fn names(&self, directory: &str) -> Result<Vec<String>, AuditError> {
        let path = self.directory.join(directory);
        let failed = |cause| AuditError::Io { path: path.clone(), cause };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(failed(cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        Ok(names)
    }
}

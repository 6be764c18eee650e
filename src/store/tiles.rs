//! The published log: tiles, bundles of entries and the signed checkpoint, below `log/`.
//!
//! A complete tile never changes. An incomplete one is another file for each width, and all of them go when the complete
//! one is there, as C2SP `tlog-tiles` allows.

use super::durable::{self, Access};
use super::publish::{Publication, PublishError, io_error};
use crate::signing::log::{Tile, note};
use std::fs;
use std::io;
use std::path::PathBuf;

impl Publication {
    fn log(&self, path: &str) -> PathBuf {
        self.directory().join("log").join(path)
    }

    /// Publishes a tile. Whoever appends to a log knows every byte of it, so what is there under its name is replaced.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_tile(&self, tile: Tile, bytes: &[u8]) -> Result<(), PublishError> {
        self.put_log_file(&tile.path(), bytes)?;
        if !tile.is_full() {
            return Ok(());
        }
        let parts = self.log(&format!("{}.p", tile.path()));
        match fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &parts)(error)),
            _ => Ok(()),
        }
    }

    /// Publishes the signed checkpoint. All tiles of that size are there already.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_checkpoint(&self, note: &str) -> Result<(), PublishError> {
        self.put_log_file(note::NAME, note.as_bytes())
    }

    fn put_log_file(&self, path: &str, bytes: &[u8]) -> Result<(), PublishError> {
        let path = self.log(path);
        if durable::read(&path).map_err(io_error("read", &path))?.as_deref() == Some(bytes) {
            return Ok(());
        }
        if let Some(directory) = path.parent() {
            durable::directory(directory, Access::Public).map_err(io_error("make", directory))?;
        }
        durable::replace(&path, bytes, Access::Public).map_err(io_error("write", &path))
    }

    /// A tile of hashes, cut out of the complete one when that is there by now; `None` when neither is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, PublishError> {
        if let Some(bytes) = self.log_file(&tile.path())? {
            return Ok(Some(bytes));
        }
        let cut = |mut bytes: Vec<u8>| {
            bytes.truncate(tile.bytes());
            bytes
        };
        Ok(self.log_file(&tile.full().path())?.map(cut))
    }

    /// A bundle of entries, or the complete one in its place when that is there by now; `None` when neither is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bundle(&self, tile: Tile) -> Result<Option<Vec<u8>>, PublishError> {
        self.log_file(&tile.path())?
            .map_or_else(|| self.log_file(&tile.full().path()), |bytes| Ok(Some(bytes)))
    }

    /// The signed checkpoint.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, PublishError> {
        self.log_file(note::NAME)
    }

    fn log_file(&self, path: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let path = self.log(path);
        durable::read(&path).map_err(io_error("read", &path))
    }
}

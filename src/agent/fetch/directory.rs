//! A publication in a directory: the mirror of a place without a network.

use super::{Answer, FetchError, Source, Want};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// A publication in a directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
    name: String,
}

impl Directory {
    /// The publication in `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), name: format!("`{}`", root.display()) }
    }
}

impl Source for Directory {
    fn name(&self) -> &str {
        &self.name
    }

    fn get(&self, want: &Want<'_>) -> Result<Answer, FetchError> {
        let path = Path::new(want.path);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(Answer::Missing);
        }
        let unreachable =
            |cause: io::Error| FetchError::Unreachable { from: self.name.clone(), cause: cause.into() };
        let file = match File::open(self.root.join(path)) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Answer::Missing),
            Err(cause) => return Err(unreachable(cause)),
        };
        let mut bytes = Vec::new();
        file.take(want.cap + 1).read_to_end(&mut bytes).map_err(unreachable)?;
        if bytes.len() as u64 > want.cap {
            let (path, from) = (want.path.to_owned(), self.name.clone());
            return Err(FetchError::TooLong { path, from, cap: want.cap });
        }
        Ok(Answer::Bytes { bytes, etag: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t2_only_so_many_bytes_are_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("timestamp.json"), b"12345").unwrap();
        let source = Directory::new(dir.path());
        let whole = source.get(&Want::new("timestamp.json", 5)).unwrap();
        assert_eq!(whole, Answer::Bytes { bytes: b"12345".to_vec(), etag: None });
        let cut = source.get(&Want::new("timestamp.json", 4)).unwrap_err();
        assert!(matches!(cut, FetchError::TooLong { cap: 4, .. }));
    }

    #[test]
    fn no_path_leads_out_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let source = Directory::new(&dir.path().join("publication"));
        std::fs::create_dir(dir.path().join("publication")).unwrap();
        std::fs::write(dir.path().join("secret"), b"x").unwrap();
        assert_eq!(source.get(&Want::new("../secret", 9)).unwrap(), Answer::Missing);
        assert_eq!(source.get(&Want::new("none", 9)).unwrap(), Answer::Missing);
    }
}

//! A folder of trust roots: `<version>.json`, `<version>.sig.d/<principal>.sig`, `allowed_signers`.

use crate::cli::Failure;
use crate::model::Principal;
use crate::signing::document::read_untrusted;
use crate::signing::root::{self, Root};
use crate::signing::{MAX_SIGNATURES, Tally};
use std::path::{Path, PathBuf};

/// The folder.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// A trust root of the folder. Nobody has vouched for it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) version: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) root: Root,
    pub(super) signatures: Vec<String>,
}

impl Found {
    /// How far its signatures go towards its own threshold.
    pub(super) fn tally(&self) -> Result<Tally, Failure> {
        Ok(root::check_threshold(&self.root, &self.signatures)?)
    }
}

impl Folder {
    /// A folder that must not hold a trust root yet.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(path).map_err(|cause| Failure::io("cannot make the folder", path, &cause))?;
        if path.join("1.json").exists() {
            let text = format!("there is a trust root in `{}` already", path.display());
            return Err(
                Failure::refused(text).hint("give another --out, or look at it: countersign trust show DIR")
            );
        }
        Ok(Self(path.to_owned()))
    }

    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return Ok(Self(path.to_owned()));
        }
        Err(Failure::refused(format!("`{}` is no folder", path.display()))
            .hint("make one: countersign trust init --out DIR …"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).map_err(|cause| Failure::io("cannot write", &path, &cause))
    }

    pub(super) fn write_signature(
        &self,
        version: u64,
        name: &Principal,
        armored: &str,
    ) -> Result<(), Failure> {
        let directory = self.0.join(format!("{version}.sig.d"));
        std::fs::create_dir_all(&directory)
            .map_err(|cause| Failure::io("cannot make the folder", &directory, &cause))?;
        let path = directory.join(format!("{name}.sig"));
        std::fs::write(&path, armored).map_err(|cause| Failure::io("cannot write", &path, &cause))
    }

    /// The version before `found`, if there is one.
    pub(super) fn before(&self, found: &Found) -> Result<Option<Found>, Failure> {
        if found.version < 2 { Ok(None) } else { self.version(found.version - 1).map(Some) }
    }

    /// How far the signatures of `found` go towards the threshold of the version before.
    pub(super) fn old_tally(&self, found: &Found) -> Result<Option<Tally>, Failure> {
        let Some(before) = self.before(found)? else { return Ok(None) };
        Ok(Some(root::check_under(&before.root, &found.root, &found.signatures)?))
    }

    /// Whether enough people of the version before have signed; true for the first version.
    pub(super) fn signed_by_old(&self, found: &Found) -> Result<bool, Failure> {
        Ok(self.old_tally(found)?.is_none_or(|tally| tally.met))
    }

    /// The trust root of that version.
    pub(super) fn version(&self, version: u64) -> Result<Found, Failure> {
        found(&self.0.join(format!("{version}.json")))
    }

    /// The trust root with the highest version.
    pub(super) fn newest(&self) -> Result<Found, Failure> {
        let failed = |cause: std::io::Error| Failure::io("cannot read the folder", &self.0, &cause);
        let mut versions = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let version = name.to_str().and_then(|name| name.strip_suffix(".json"));
            versions.extend(version.and_then(|text| text.parse::<u64>().ok()));
        }
        let Some(version) = versions.into_iter().max() else {
            let text = format!("there is no trust root in `{}`", self.0.display());
            return Err(Failure::refused(text).hint("make one: countersign trust init --out DIR …"));
        };
        self.version(version)
    }
}

/// Reads the trust root at `path` and the signatures beside it.
pub(super) fn found(path: &Path) -> Result<Found, Failure> {
    let bytes = std::fs::read(path).map_err(|cause| Failure::io("cannot read", path, &cause))?;
    let root: Root = read_untrusted(&bytes)?;
    let directory = path.with_extension("sig.d");
    let mut signatures = Vec::new();
    if directory.is_dir() {
        let failed = |cause: std::io::Error| Failure::io("cannot read the folder", &directory, &cause);
        for entry in std::fs::read_dir(&directory).map_err(failed)?.take(MAX_SIGNATURES) {
            let file = entry.map_err(failed)?.path();
            signatures
                .push(std::fs::read_to_string(&file).map_err(|c| Failure::io("cannot read", &file, &c))?);
        }
    }
    Ok(Found { version: root.version(), bytes, root, signatures })
}

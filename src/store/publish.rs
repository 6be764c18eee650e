//! Writing the publication directory: static, content-addressed files that any web server may hand out.
//!
//! Everything in it is signed or named by its digest, so nothing here is believed by anybody. Writing is
//! idempotent: after a crash the same call is made again and finds or completes what is there. A release
//! appears under its serial by one rename, after all that it refers to. Nothing is ever taken away.

use super::durable::{self, Access};
use crate::model::{Digest, EnvName, NodeName, Principal};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Signatures in one container, at most.
pub const MAX_SIGNATURES: usize = 64;

/// The revoked keys, for the server.
pub(super) const REVOCATIONS: &str = "revocations.json";

/// The publication directory.
#[derive(Debug, Clone)]
pub struct Publication {
    directory: PathBuf,
}

/// A document with the signatures that principals made over its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFile {
    /// The document, exactly as signed.
    pub bytes: Vec<u8>,
    /// Who signed, and the armoured signature.
    pub signatures: Vec<(Principal, String)>,
}

/// Everything that agents need of one release.
#[derive(Debug, Clone)]
pub struct PublishedRelease {
    /// The environment.
    pub env: EnvName,
    /// The serial.
    pub seq: u64,
    /// The statement and its approvals.
    pub statement: SignedFile,
    /// The leaf document of each node.
    pub leaves: Vec<(NodeName, Vec<u8>)>,
    /// The encoded catalogs.
    pub catalogs: Vec<Vec<u8>>,
    /// The contents of the files that the catalogs name.
    pub blobs: Vec<Vec<u8>>,
    /// The files of waivers that its policy has.
    pub waivers: Vec<Vec<u8>>,
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The disk or the file system refused.
    #[error("cannot {doing} `{}`", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Another document has this name already, and published files never change.
    #[error("`{}` is published already, with other content", .0.display())]
    Conflict(PathBuf),
    /// More signatures than a container may hold.
    #[error("{0} signatures are more than a container may hold")]
    TooManySignatures(usize),
}

impl Publication {
    /// Opens the directory, making it if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: &Path) -> Result<Self, PublishError> {
        for part in ["root", "timestamp", "withdrawals", "release", "catalog", "blob", "log"] {
            make(&directory.join(part))?;
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Publishes a release. Doing it again changes nothing, or adds signatures to the same statement.
    ///
    /// # Errors
    /// When another statement has that serial, or the disk refuses.
    pub fn add_release(&self, release: &PublishedRelease) -> Result<(), PublishError> {
        check_count(&release.statement)?;
        let environment = self.directory.join("release").join(release.env.as_str());
        let place = environment.join(release.seq.to_string());
        if place.join("statement.json").exists() {
            return add_signatures(&place, "statement.json", &release.statement);
        }
        self.add_objects("catalog", &release.catalogs)?;
        self.add_objects("blob", &release.blobs)?;
        make(&environment)?;
        let scratch = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir_in(&environment)
            .map_err(io_error("make a directory in", &environment))?;
        fill_release(scratch.path(), release)?;
        fs::rename(scratch.path(), &place).map_err(io_error("publish", &place))?;
        // The scratch directory has another name now: nothing is left to remove.
        drop(scratch.keep());
        durable::sync(&environment).map_err(io_error("flush", &environment))
    }

    /// Adds signatures to the statement of a release, which replace the former of the same people.
    ///
    /// # Errors
    /// When another statement has that serial, or the disk refuses.
    pub fn add_signatures(
        &self,
        env: &EnvName,
        seq: u64,
        statement: &SignedFile,
    ) -> Result<(), PublishError> {
        check_count(statement)?;
        let place = self.directory.join("release").join(env.as_str()).join(seq.to_string());
        add_signatures(&place, "statement.json", statement)
    }

    /// Publishes a version of the trust root. Doing it again changes nothing, or adds signatures.
    ///
    /// # Errors
    /// When another document has that version, or the disk refuses.
    pub fn add_root(&self, version: u64, root: &SignedFile) -> Result<(), PublishError> {
        check_count(root)?;
        let directory = self.directory.join("root");
        let names = Names::of(&directory, &version.to_string());
        // The document comes last: whoever sees it finds its signatures.
        write_signatures(&names, &merged(&names, root)?)?;
        write_once(&names.document, &root.bytes)
    }

    /// Replaces the timestamp of an environment.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_timestamp(&self, env: &EnvName, timestamp: &SignedFile) -> Result<(), PublishError> {
        check_count(timestamp)?;
        let names = Names::of(&self.directory.join("timestamp"), env.as_str());
        // Two files cannot change at once. A reader that gets one of each is refused by the signature and asks again.
        write(&names.container, &container(&timestamp.signatures))?;
        write(&names.document, &timestamp.bytes)
    }

    /// Publishes the present list of withdrawals of an environment: under its digest, for agents, and as the
    /// environment's, for the timestamp role.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_withdrawals(&self, env: &EnvName, list: &[u8]) -> Result<(), PublishError> {
        self.add_objects("withdrawals", &[list.to_vec()])?;
        write_other(&self.directory.join("withdrawals").join(format!("{env}.json")), list)
    }

    /// Writes down the revoked keys of all environments, for the server's own use. Nodes have them in the lists of
    /// withdrawals.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_revocations(&self, list: &[u8]) -> Result<(), PublishError> {
        write_other(&self.directory.join(REVOCATIONS), list)
    }

    /// Publishes the signatures that ratify an emergency release.
    ///
    /// # Errors
    /// When there are too many, or the disk refuses.
    pub fn set_ratification(
        &self,
        env: &EnvName,
        seq: u64,
        signatures: &[(Principal, String)],
    ) -> Result<(), PublishError> {
        if signatures.len() > MAX_SIGNATURES {
            return Err(PublishError::TooManySignatures(signatures.len()));
        }
        let place = self.directory.join("release").join(env.as_str()).join(seq.to_string());
        write_other(&place.join("ratification.json"), &container(signatures))
    }

    fn add_objects(&self, kind: &str, objects: &[Vec<u8>]) -> Result<(), PublishError> {
        let directory = self.directory.join(kind);
        for object in objects {
            write_once(&directory.join(Digest::of(object).hex()), object)?;
        }
        Ok(())
    }
}

/// Where the parts of a signed document are.
struct Names {
    document: PathBuf,
    container: PathBuf,
    single: PathBuf,
}

impl Names {
    fn of(directory: &Path, stem: &str) -> Self {
        Self {
            document: directory.join(format!("{stem}.json")),
            container: directory.join(format!("{stem}.signatures.json")),
            single: directory.join(format!("{stem}.sig.d")),
        }
    }

    fn of_release(place: &Path) -> Self {
        Self {
            document: place.join("statement.json"),
            container: place.join("signatures.json"),
            single: place.join("sig.d"),
        }
    }
}

fn fill_release(place: &Path, release: &PublishedRelease) -> Result<(), PublishError> {
    let leaves = place.join("leaf");
    make(&leaves)?;
    for (node, leaf) in &release.leaves {
        write(&leaves.join(format!("{node}.json")), leaf)?;
    }
    if !release.waivers.is_empty() {
        make(&place.join("waiver"))?;
    }
    for waiver in &release.waivers {
        write(&place.join("waiver").join(Digest::of(waiver).hex()), waiver)?;
    }
    let names = Names::of_release(place);
    write_signatures(&names, &release.statement.signatures)?;
    write(&names.document, &release.statement.bytes)
}

fn add_signatures(place: &Path, document: &str, statement: &SignedFile) -> Result<(), PublishError> {
    write_once(&place.join(document), &statement.bytes)?;
    let names = Names::of_release(place);
    write_signatures(&names, &merged(&names, statement)?)
}

/// The signatures that are published already and those of `file`, which replace the former of the same principal.
fn merged(names: &Names, file: &SignedFile) -> Result<Vec<(Principal, String)>, PublishError> {
    let fresh: BTreeSet<&Principal> = file.signatures.iter().map(|(principal, _)| principal).collect();
    let mut all = file.signatures.clone();
    for (principal, signature) in published_signatures(&names.single)? {
        if !fresh.contains(&principal) && all.len() < MAX_SIGNATURES {
            all.push((principal, signature));
        }
    }
    all.sort();
    Ok(all)
}

fn published_signatures(directory: &Path) -> Result<Vec<(Principal, String)>, PublishError> {
    let failed = || io_error("read", directory);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed()(error)),
    };
    let mut signatures = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed())?;
        let name = entry.file_name();
        let principal = name.to_str().and_then(|n| n.strip_suffix(".sig")).and_then(|n| n.parse().ok());
        if let Some(principal) = principal {
            signatures.push((principal, fs::read_to_string(entry.path()).map_err(failed())?));
        }
    }
    Ok(signatures)
}

fn write_signatures(names: &Names, signatures: &[(Principal, String)]) -> Result<(), PublishError> {
    make(&names.single)?;
    for (principal, signature) in signatures {
        write_other(&names.single.join(format!("{principal}.sig")), signature.as_bytes())?;
    }
    write_other(&names.container, &container(signatures))
}

fn container(signatures: &[(Principal, String)]) -> Vec<u8> {
    let armors: Vec<&str> = signatures.iter().map(|(_, armor)| armor.as_str()).collect();
    crate::model::canonical::encode(&armors)
}

fn check_count(file: &SignedFile) -> Result<(), PublishError> {
    let count = file.signatures.len();
    if count > MAX_SIGNATURES { Err(PublishError::TooManySignatures(count)) } else { Ok(()) }
}

fn make(path: &Path) -> Result<(), PublishError> {
    durable::directory(path, Access::Public).map_err(io_error("make", path))
}

fn write(path: &Path, content: &[u8]) -> Result<(), PublishError> {
    durable::replace(path, content, Access::Public).map_err(io_error("write", path))
}

/// Writes a file unless it has this content already.
fn write_other(path: &Path, content: &[u8]) -> Result<(), PublishError> {
    match durable::read(path).map_err(io_error("read", path))? {
        Some(there) if there == content => Ok(()),
        Some(_) | None => write(path, content),
    }
}

/// Writes a file that never changes. An object whose content is not its own (a damaged disk) is put right.
fn write_once(path: &Path, content: &[u8]) -> Result<(), PublishError> {
    match durable::read(path).map_err(io_error("read", path))? {
        Some(there) if there == content => Ok(()),
        Some(_) if is_object(path, content) => write(path, content),
        Some(_) => Err(PublishError::Conflict(path.to_owned())),
        None => write(path, content),
    }
}

fn is_object(path: &Path, content: &[u8]) -> bool {
    path.file_name().and_then(|n| n.to_str()) == Some(Digest::of(content).hex().as_str())
}

pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    let path = path.to_owned();
    move |cause| PublishError::Io { doing, path, cause }
}

#[cfg(test)]
mod tests;

//! Reading the publication directory. What comes out is as unbelieved as any file from anywhere.

use super::durable;
use super::publish::{Publication, PublishError, REVOCATIONS, io_error};
use crate::model::{Digest, EnvName, NodeName};
use std::fs;
use std::path::Path;

/// A document and the signatures that claim to be over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The document.
    pub bytes: Vec<u8>,
    /// Armoured signatures.
    pub signatures: Vec<String>,
}

impl Publication {
    /// The environments that have releases, and the serial of the newest in each.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn newest(&self) -> Result<Vec<(EnvName, u64)>, PublishError> {
        let directory = self.directory().join("release");
        let mut found = Vec::new();
        for entry in fs::read_dir(&directory).map_err(io_error("read", &directory))? {
            let entry = entry.map_err(io_error("read", &directory))?;
            let env = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(env) = env
                && let Some(seq) = self.serials(&env)?.last()
            {
                found.push((env, *seq));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The serials of an environment's releases, ascending.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn serials(&self, env: &EnvName) -> Result<Vec<u64>, PublishError> {
        numbers(&self.directory().join("release").join(env.as_str()), "")
    }

    /// The versions of the trust root, ascending.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn root_versions(&self) -> Result<Vec<u64>, PublishError> {
        numbers(&self.directory().join("root"), ".json")
    }

    /// The statement of a release.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn statement(&self, env: &EnvName, seq: u64) -> Result<Option<Published>, PublishError> {
        let place = self.directory().join("release").join(env.as_str()).join(seq.to_string());
        signed(&place.join("statement.json"), &place.join("signatures.json"))
    }

    /// A version of the trust root.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn root(&self, version: u64) -> Result<Option<Published>, PublishError> {
        let directory = self.directory().join("root");
        let document = directory.join(format!("{version}.json"));
        signed(&document, &directory.join(format!("{version}.signatures.json")))
    }

    /// The timestamp of an environment.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn timestamp(&self, env: &EnvName) -> Result<Option<Published>, PublishError> {
        let directory = self.directory().join("timestamp");
        signed(&directory.join(format!("{env}.json")), &directory.join(format!("{env}.signatures.json")))
    }

    /// The present list of withdrawals of an environment.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn withdrawals(&self, env: &EnvName) -> Result<Option<Vec<u8>>, PublishError> {
        read(&self.directory().join("withdrawals").join(format!("{env}.json")))
    }

    /// The signatures that ratify a release; none when nobody did.
    ///
    /// # Errors
    /// When they are there but cannot be read.
    pub fn ratification(&self, env: &EnvName, seq: u64) -> Result<Vec<String>, PublishError> {
        let path = self.directory().join(format!("release/{env}/{seq}/ratification.json"));
        let bytes = read(&path)?.unwrap_or_default();
        // A damaged container is one without signatures, as with those of documents.
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The list of withdrawals of that digest.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn withdrawals_named(&self, digest: Digest) -> Result<Option<Vec<u8>>, PublishError> {
        read(&self.directory().join("withdrawals").join(digest.hex()))
    }

    /// The revoked keys of all environments.
    ///
    /// # Errors
    /// When the list is there but cannot be read.
    pub fn revocations(&self) -> Result<Option<Vec<u8>>, PublishError> {
        read(&self.directory().join(REVOCATIONS))
    }

    /// The leaf document of a node in a release.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn leaf(&self, env: &EnvName, seq: u64, node: &NodeName) -> Result<Option<Vec<u8>>, PublishError> {
        let release = self.directory().join("release").join(env.as_str()).join(seq.to_string());
        read(&release.join("leaf").join(format!("{node}.json")))
    }

    /// The files of waivers of a release, in order of their digests.
    ///
    /// # Errors
    /// When one is there but cannot be read.
    pub fn waivers(&self, env: &EnvName, seq: u64) -> Result<Vec<Vec<u8>>, PublishError> {
        let directory =
            self.directory().join("release").join(env.as_str()).join(seq.to_string()).join("waiver");
        let mut files = Vec::new();
        for name in names(&directory)? {
            files.extend(read(&directory.join(name))?);
        }
        Ok(files)
    }

    /// A catalog.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn catalog(&self, digest: Digest) -> Result<Option<Vec<u8>>, PublishError> {
        read(&self.directory().join("catalog").join(digest.hex()))
    }
}

fn signed(document: &Path, container: &Path) -> Result<Option<Published>, PublishError> {
    let (Some(bytes), Some(container)) = (read(document)?, read(container)?) else { return Ok(None) };
    // A damaged container is one without signatures: whoever counts them will say what is missing.
    let signatures = serde_json::from_slice(&container).unwrap_or_default();
    Ok(Some(Published { bytes, signatures }))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PublishError> {
    durable::read(path).map_err(io_error("read", path))
}

fn numbers(directory: &Path, suffix: &str) -> Result<Vec<u64>, PublishError> {
    let number = |name: &String| name.strip_suffix(suffix)?.parse::<u64>().ok();
    let mut found: Vec<u64> = names(directory)?.iter().filter_map(number).collect();
    found.sort_unstable();
    Ok(found)
}

/// The names in a directory, ascending; none when it is not there.
fn names(directory: &Path) -> Result<Vec<String>, PublishError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("read", directory)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(entry.map_err(io_error("read", directory))?.file_name().into_string());
    }
    found.sort_unstable();
    Ok(found)
}

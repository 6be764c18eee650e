//! Where the agent fetches: a list of servers and mirrors, tried in turn.

use super::disk::{Disk, DiskError};
use super::fetch::{Deadline, Directory, Https, Source, Trust};
use super::identity::{Identity, IdentityError};
use crate::model::Digest;

const NAME: &str = "servers";
const CAP: u64 = 16 << 10;

/// Why the list could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The node's certificate cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It is not text.
    #[error("the list of servers is damaged")]
    Damaged,
}

/// The addresses, one a line in the file `servers`; a line that starts with `#` says nothing.
///
/// # Errors
/// When the file cannot be read.
pub fn load(disk: &Disk) -> Result<Vec<String>, ServersError> {
    let Some(bytes) = disk.read(NAME, CAP)? else { return Ok(Vec::new()) };
    let text = String::from_utf8(bytes).map_err(|_| ServersError::Damaged)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// Puts `first` at the head of the list.
///
/// # Errors
/// When the file cannot be read or written.
pub fn keep(disk: &Disk, first: &[String]) -> Result<(), ServersError> {
    let mut servers = first.to_vec();
    servers.extend(load(disk)?.into_iter().filter(|server| !first.contains(server)));
    let text = format!("# Servers and mirrors, tried in this order.\n{}\n", servers.join("\n"));
    Ok(disk.write(NAME, text.as_bytes())?)
}

/// The sources that the agent was given: servers under the pinned authority, and directories.
///
/// # Errors
/// When the list or the node's certificate cannot be used.
pub fn open(
    disk: &Disk,
    identity: &Identity,
    trust: Trust,
    deadline: Deadline,
) -> Result<Vec<Box<dyn Source>>, ServersError> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for address in load(disk)? {
        if address.starts_with('/') {
            sources.push(Box::new(Directory::new(address.as_ref())));
        } else if let Ok(server) = Https::new(&address, trust, identity.certificate(disk)?) {
            sources.push(Box::new(server.until(deadline)));
        }
    }
    Ok(sources)
}

/// The servers among them that take reports.
///
/// # Errors
/// When the list or the node's certificate cannot be used.
pub fn for_reports(disk: &Disk, identity: &Identity, pin: Digest) -> Result<Vec<Https>, ServersError> {
    let mut found = Vec::new();
    for address in load(disk)?.iter().filter(|address| !address.starts_with('/')) {
        found.extend(Https::new(address, Trust::Authority(pin), identity.certificate(disk)?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_server_given_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::create(&dir.path().join("agent")).unwrap();
        assert!(load(&disk).unwrap().is_empty());
        keep(&disk, &["https://a".into()]).unwrap();
        keep(&disk, &["https://b".into()]).unwrap();
        keep(&disk, &["https://b".into()]).unwrap();
        assert_eq!(load(&disk).unwrap(), ["https://b", "https://a"]);
    }
}

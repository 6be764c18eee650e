//! Where the agent fetches: a list of servers and mirrors, tried in turn.

use super::disk::{Disk, DiskError};

const NAME: &str = "servers";
const CAP: u64 = 16 << 10;

/// Why the list could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// The agent's directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
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

//! Where the agent fetches: a list of servers and mirrors, tried in turn.

use super::disk::{Disk, DiskError};
use super::fetch::{Deadline, Directory, Https, Source, Trust};
use super::identity::{Identity, IdentityError};

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

/// The servers and directories that the agent was given. Whatever a run asks of a server goes over one connection, from the
/// first document to its report.
#[derive(Debug)]
pub struct Servers {
    trust: Trust,
    places: Vec<Place>,
}

#[derive(Debug)]
enum Place {
    Server(Https),
    Directory(Directory),
}

impl Servers {
    /// Those of the list. Nothing is connected to before it is asked for something.
    ///
    /// # Errors
    /// When the list or the node's certificate cannot be used.
    pub fn open(disk: &Disk, identity: &Identity, trust: Trust) -> Result<Self, ServersError> {
        let mut places = Vec::new();
        for address in load(disk)? {
            if address.starts_with('/') {
                places.push(Place::Directory(Directory::new(address.as_ref())));
            } else if let Ok(server) = Https::new(&address, trust, identity.certificate(disk)?) {
                places.push(Place::Server(server));
            }
        }
        Ok(Self { trust, places })
    }

    /// Which servers are spoken to.
    #[must_use]
    pub const fn trust(&self) -> Trust {
        self.trust
    }

    /// All of them, to fetch from until `deadline`.
    #[must_use]
    pub fn sources(&self, deadline: Deadline) -> Vec<Box<dyn Source>> {
        let source = |place: &Place| -> Box<dyn Source> {
            match place {
                Place::Server(server) => Box::new(server.clone().until(deadline)),
                Place::Directory(directory) => Box::new(directory.clone()),
            }
        };
        self.places.iter().map(source).collect()
    }

    /// Those that take reports and hold triggers: a directory does neither.
    #[must_use]
    pub fn that_listen(&self) -> Vec<Https> {
        let server = |place: &Place| match place {
            Place::Server(server) => Some(server.clone()),
            Place::Directory(_) => None,
        };
        self.places.iter().filter_map(server).collect()
    }
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
